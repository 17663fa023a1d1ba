//! Readiness of descriptors that are not ours.

use std::fmt::Debug;
use std::ops::BitOr;
use std::os::fd::BorrowedFd;

use super::BoxFuture;

/// What an item is watched for, or is ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interest(u8);

impl Interest {
    /// Nothing: the item stays, and is not watched.
    pub const NONE: Self = Self(0);
    /// A message can be received; the descriptor can be read.
    pub const READABLE: Self = Self(1);
    /// A message can be sent; the descriptor can be written.
    pub const WRITABLE: Self = Self(2);
    /// Descriptors: an error, or the other end is gone. Sockets never are.
    pub const ERROR: Self = Self(4);
    /// Descriptors: urgent data can be read. Sockets never are.
    pub const PRIORITY: Self = Self(8);

    /// Whether something is in both.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// libzmq's bits, which these are: 1 readable, 2 writable, 4 error, 8 priority.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The interest of libzmq's bits; `None` if there are others among them.
    #[must_use]
    pub const fn of_bits(bits: u8) -> Option<Self> {
        if bits < 16 { Some(Self(bits)) } else { None }
    }
}

impl BitOr for Interest {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A descriptor of somebody else, whose changes a reactor knows.
pub trait Watch: Send + Sync + Debug {
    /// The descriptor, which is a duplicate of the caller's.
    fn descriptor(&self) -> BorrowedFd<'_>;

    /// Ready when it may have become ready for this. A hint, told once for each change: whether it is so is for
    /// [`Runtime::look`](super::Runtime::look) to say.
    fn changed(&self, interest: Interest) -> BoxFuture<'_, ()>;
}
