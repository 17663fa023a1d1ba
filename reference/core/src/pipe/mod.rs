//! The pipe: a queue of messages between the application side and the I/O side of one peer.
//!
//! ```text
//!   Writer ── write, write, flush ──► [ whole messages ] ──► read ── Reader
//!          ◄── room: messages and bytes read, returned in batches ──
//! ```
//!
//! One producer and one consumer, on any two threads. A message is one or more frames, each but the last with MORE; the
//! reader sees none of them before the last is written *and* the writer has flushed.
//!
//! - A high-water mark counts whole messages, whatever their frames. Beside it there may be a bound of payload bytes;
//!   a message is admitted while there is room *before* it, so that one message may exceed the bound.
//! - A reader that finds nothing is asleep; the next [`Writer::flush`] with a message says so, once, and its caller
//!   has to wake the reader. A writer that finds no room waits; [`Reader::room_made`] says so, once, when there is room
//!   again. Neither end knows how the other is woken: that is the owners' business.
//! - A pipe allocates nothing for frames before the first one. Empty it keeps two chunks at most, the last one and a
//!   spare; [`Reader::trim`] and [`Writer::trim`] give them back at a quiet moment.

mod chunk;
mod credit;
mod latest;
mod reader;
mod sync;
mod writer;

#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
mod tests;

use std::num::NonZeroUsize;

use crate::frame::Frame;
use crate::options::Hwm;

pub use self::reader::{Read, Reader};
pub use self::writer::{ReaderState, Writer};

/// Makes a pipe. The reader starts asleep.
#[must_use]
pub fn pipe(limits: Limits) -> (Writer, Reader) {
    let (back, front) = chunk::chunk_list(credit::Credit::new());
    (Writer::new(back, limits), Reader::new(front, limits))
}

/// Makes a pipe that keeps the last whole message only: one that was not read when the next is written is dropped. There
/// is always room in it. The reader starts asleep.
#[must_use]
pub fn latest() -> (Writer, Reader) {
    let (mut writer, mut reader) = pipe(Limits::UNLIMITED);
    let (former, latter) = latest::place();
    writer.keep_latest(former);
    reader.keep_latest(latter);
    (writer, reader)
}

/// Which messages a pipe keeps for its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All of them.
    All,
    /// The last one: see [`latest`].
    Latest,
}

impl Keep {
    /// Makes such a pipe; the limits are for one that keeps all.
    #[must_use]
    pub fn pipe(self, limits: Limits) -> (Writer, Reader) {
        match self {
            Self::All => pipe(limits),
            Self::Latest => latest(),
        }
    }

    /// What is kept where two sides have a say: the last one if either wants no more.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, Self::All) => Self::All,
            (Self::Latest, Self::All | Self::Latest) | (Self::All, Self::Latest) => Self::Latest,
        }
    }
}

/// How much a pipe holds before its writer has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// High-water mark, in whole messages.
    pub hwm: Hwm,
    /// Bytes of payload that may lie unread before another message is admitted; `None` for no bound. A message of several
    /// frames counts more: what each frame beyond one takes.
    pub bytes: Option<NonZeroUsize>,
}

impl Limits {
    /// Neither a high-water mark nor a bound of bytes.
    pub const UNLIMITED: Self = Self { hwm: Hwm::Unlimited, bytes: None };

    /// A high-water mark, where zero is no limit as in `ZMQ_SNDHWM` and `ZMQ_RCVHWM`.
    #[must_use]
    pub fn messages(hwm: u32) -> Self {
        Self { hwm: Hwm::messages(hwm), bytes: None }
    }

    /// The same with a bound of payload bytes.
    #[must_use]
    pub fn and_bytes(self, bytes: NonZeroUsize) -> Self {
        Self { bytes: Some(bytes), ..self }
    }
}

/// Frames in a chunk. See docs/design/pipe.md for the measurement; small in tests, which are about the seams.
const SLOTS: usize = if cfg!(all(test, loom)) {
    2
} else if cfg!(test) {
    4
} else {
    64
};

/// What a frame takes, which of a message with many small ones is nearly everything.
const PART: usize = size_of::<Frame>();

/// Counts share their word with two flags.
const STEP: usize = 4;
const FLAGS: usize = STEP - 1;
