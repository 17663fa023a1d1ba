//! Frames: the parts of a message.
//!
//! ```text
//!            0       1       2                                             32
//!   inline   length  flags   up to 30 octets
//!   shared   255     flags   …      counted block     octets     length
//! ```
//!
//! A frame is 32 octets wide, so that two of them fill a cache line. To make, copy, move or drop one of up to
//! [`Frame::INLINE_MAX`] octets touches no other memory; a longer one is a slice of a counted block.

mod arena;
mod block;
pub(crate) mod pool;

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

use block::Block;
pub(crate) use block::Buffer;

/// One part of a message: octets, and whether more parts of the same message follow.
///
/// To clone a frame never copies more than its 32 octets.
#[repr(C)]
pub union Frame {
    inline: Inline,
    shared: Shared,
}

#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Inline {
    /// Length, or [`SHARED`].
    length: u8,
    flags: u8,
    octets: [u8; Frame::INLINE_MAX],
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Shared {
    tag: u8,
    flags: u8,
    block: NonNull<()>,
    data: NonNull<u8>,
    len: usize,
}

/// The tag of a frame whose octets are in a block.
const SHARED: u8 = 255;
/// More parts of this message follow.
const MORE: u8 = 1;

const _: () = assert!(size_of::<Frame>() == 32 && size_of::<Inline>() == 32 && size_of::<Shared>() == 32);

// SAFETY: inline octets are owned; a block is counted atomically, and the octets of a frame are never written.
unsafe impl Send for Frame {}
// SAFETY: as above; a shared frame can only be read and cloned.
unsafe impl Sync for Frame {}

impl Frame {
    /// Frames of up to this many octets need no memory but themselves.
    pub const INLINE_MAX: usize = 30;

    /// The frame without octets: a delimiter, or an empty part.
    pub const EMPTY: Self = Self { inline: Inline { length: 0, flags: 0, octets: [0; Self::INLINE_MAX] } };

    /// A copy of `octets`.
    ///
    /// Up to [`Frame::INLINE_MAX`] octets are held in the frame. Up to 1 KiB are put side by side into blocks of
    /// 16 KiB that belong to the calling thread and are used again, so that no allocation is made for each; a block
    /// lives as long as any frame in it. More octets get a block of their own.
    #[inline]
    #[must_use]
    pub fn copy_of(octets: &[u8]) -> Self {
        if octets.len() <= Self::INLINE_MAX {
            Self::inline(octets)
        } else if octets.len() <= arena::LONGEST {
            arena::copy_of(octets)
        } else {
            Self::in_own_block(octets)
        }
    }

    /// A copy of `octets` in a block of its own: what to keep for long.
    fn in_own_block(octets: &[u8]) -> Self {
        let block = Block::copy_of(octets);
        let data = NonNull::new(block.octets()).expect("a block is never at address zero");
        Self::shared(block.into_raw(), data, octets.len())
    }

    /// The frame over the octets `start..start + len` of what is written in `buffer`.
    #[inline]
    pub(crate) fn of(buffer: &mut Buffer, start: usize, len: usize) -> Self {
        if len <= Self::INLINE_MAX {
            return Self::inline(&buffer.octets()[start..start + len]);
        }
        let (block, data) = buffer.share(start, len);
        Self::shared(block, data, len)
    }

    #[inline]
    fn inline(octets: &[u8]) -> Self {
        let mut inline = Inline { length: 0, flags: 0, octets: [0; Self::INLINE_MAX] };
        copy_short(&mut inline.octets, octets);
        #[expect(clippy::cast_possible_truncation, reason = "at most 30 octets are copied")]
        {
            inline.length = octets.len() as u8;
        }
        Self { inline }
    }

    #[inline]
    fn shared(block: NonNull<()>, data: NonNull<u8>, len: usize) -> Self {
        Self { shared: Shared { tag: SHARED, flags: 0, block, data, len } }
    }

    #[inline]
    fn is_shared(&self) -> bool {
        // SAFETY: both shapes begin with the tag, and both are always initialised up to their flags.
        unsafe { self.inline.length == SHARED }
    }

    #[inline]
    fn flags(&self) -> u8 {
        // SAFETY: both shapes have the flags as their second octet.
        unsafe { self.inline.flags }
    }

    /// Whether more parts of the same message follow.
    #[inline]
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.flags() & MORE != 0
    }

    /// This frame as the last part of its message.
    #[inline]
    #[must_use]
    pub fn last(mut self) -> Self {
        // SAFETY: both shapes have the flags as their second octet.
        unsafe { self.inline.flags &= !MORE };
        self
    }

    /// This frame as a part which more parts follow.
    #[inline]
    #[must_use]
    pub fn more(mut self) -> Self {
        // SAFETY: both shapes have the flags as their second octet.
        unsafe { self.inline.flags |= MORE };
        self
    }

    /// The octets.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        if self.is_shared() {
            // SAFETY: the tag says which shape this is; the block keeps the octets alive and nobody writes them.
            unsafe { std::slice::from_raw_parts(self.shared.data.as_ptr(), self.shared.len) }
        } else {
            // SAFETY: the tag says which shape this is.
            let inline = unsafe { &self.inline };
            &inline.octets[..usize::from(inline.length).min(Self::INLINE_MAX)]
        }
    }

    /// Number of octets.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        if self.is_shared() {
            // SAFETY: the tag says which shape this is.
            unsafe { self.shared.len }
        } else {
            // SAFETY: the tag says which shape this is.
            usize::from(unsafe { self.inline.length })
        }
    }

    /// Whether there are no octets.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same octets without the first `n`; shares the block.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[must_use]
    pub fn without_first(&self, n: usize) -> Self {
        assert!(n <= self.len(), "expected at least {n} octets, the frame has {}", self.len());
        if !self.is_shared() || self.len() - n <= Self::INLINE_MAX {
            return Self::inline(&self.as_slice()[n..]);
        }
        let mut rest = ManuallyDrop::new(self.clone());
        // SAFETY: the clone is shared, and `n` lies within its octets.
        unsafe {
            rest.shared.data = rest.shared.data.add(n);
            rest.shared.len -= n;
            rest.shared.flags = 0;
        }
        ManuallyDrop::into_inner(rest)
    }
}

impl Clone for Frame {
    #[inline]
    fn clone(&self) -> Self {
        if self.is_shared() {
            // SAFETY: the tag says which shape this is. The handle is one that this frame owns and goes on to own; its
            // clone belongs to the new frame.
            unsafe {
                let own = ManuallyDrop::new(Block::from_raw(self.shared.block));
                std::mem::forget(Block::clone(&own));
                Self { shared: self.shared }
            }
        } else {
            // SAFETY: the tag says which shape this is.
            Self { inline: unsafe { self.inline } }
        }
    }
}

impl Drop for Frame {
    #[inline]
    fn drop(&mut self) {
        if self.is_shared() {
            // SAFETY: the tag says which shape this is, and the frame's handle is not used again.
            drop(unsafe { Block::from_raw(self.shared.block) });
        }
    }
}

/// Copies up to 30 octets with moves of fixed width, which overlap in the middle.
#[inline]
fn copy_short(to: &mut [u8; Frame::INLINE_MAX], from: &[u8]) {
    let n = from.len();
    if n >= 16 {
        to[..16].copy_from_slice(&from[..16]);
        to[n - 16..n].copy_from_slice(&from[n - 16..]);
    } else if n >= 8 {
        to[..8].copy_from_slice(&from[..8]);
        to[n - 8..n].copy_from_slice(&from[n - 8..]);
    } else if n >= 4 {
        to[..4].copy_from_slice(&from[..4]);
        to[n - 4..n].copy_from_slice(&from[n - 4..]);
    } else {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    }
}

impl Deref for Frame {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Default for Frame {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl From<&[u8]> for Frame {
    #[inline]
    fn from(octets: &[u8]) -> Self {
        Self::copy_of(octets)
    }
}

impl<const N: usize> From<&[u8; N]> for Frame {
    #[inline]
    fn from(octets: &[u8; N]) -> Self {
        Self::copy_of(octets)
    }
}

impl From<&str> for Frame {
    #[inline]
    fn from(text: &str) -> Self {
        Self::copy_of(text.as_bytes())
    }
}

impl From<Vec<u8>> for Frame {
    fn from(octets: Vec<u8>) -> Self {
        Self::copy_of(&octets)
    }
}

impl From<String> for Frame {
    fn from(text: String) -> Self {
        Self::copy_of(text.as_bytes())
    }
}

/// Frames are equal if their octets are; whether more follow is a matter of the message.
impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Frame {}

impl PartialEq<[u8]> for Frame {
    fn eq(&self, other: &[u8]) -> bool {
        self.as_slice() == other
    }
}

impl PartialEq<&[u8]> for Frame {
    fn eq(&self, other: &&[u8]) -> bool {
        self.as_slice() == *other
    }
}

impl<const N: usize> PartialEq<&[u8; N]> for Frame {
    fn eq(&self, other: &&[u8; N]) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<const N: usize> PartialEq<[u8; N]> for Frame {
    fn eq(&self, other: &[u8; N]) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl PartialEq<str> for Frame {
    fn eq(&self, other: &str) -> bool {
        self.as_slice() == other.as_bytes()
    }
}

impl PartialEq<&str> for Frame {
    fn eq(&self, other: &&str) -> bool {
        self.as_slice() == other.as_bytes()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 64;
        let shown = &self[..self.len().min(SHOWN)];
        write!(f, "\"{}\"", shown.escape_ascii())?;
        if self.len() > SHOWN {
            write!(f, "… ({} octets)", self.len())?;
        }
        if self.has_more() { f.write_str("+") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
