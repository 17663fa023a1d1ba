//! Frames: the parts of a message.
//!
//! ```text
//!            0       1       2          8          16         24        32
//!   inline   length  flags   up to 30 octets
//!   shared   255     flags   –          block      octets     length
//! ```
//!
//! A frame is 32 octets wide, so that two of them fill a cache line. To make, copy, move or drop one of up to
//! [`Frame::INLINE_MAX`] octets touches no other memory; a longer one is a slice of a counted block.
//!
//! It is four words, and is made, moved and looked at by whole words: a processor that has just stored single octets
//! stalls when it loads the word around them, which costs more than all else that is done with a short frame.

mod arena;
mod block;
pub(crate) mod pool;

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::{self, NonNull};

use block::Block;
pub(crate) use block::Buffer;

/// One part of a message: octets, and whether more parts of the same message follow.
///
/// To clone a frame never copies more than its 32 octets.
#[repr(C)]
pub struct Frame {
    /// Length or [`SHARED`], flags, and the first six octets if inline.
    head: u64,
    /// The block, or octets.
    block: *mut (),
    /// The first octet, or octets.
    data: *mut u8,
    /// The length, or octets.
    len: usize,
}

/// In place of the length in a frame whose octets are in a block.
const SHARED: u8 = 255;
/// More parts of this message follow.
const MORE: u8 = 1;
/// Where inline octets begin.
const INLINE_AT: usize = 2;

const _: () = assert!(size_of::<Frame>() == 32, "a frame is four words of 64 bits; other targets are not supported");

// SAFETY: inline octets are owned; a block is counted atomically, and the octets of a frame are never written.
unsafe impl Send for Frame {}
// SAFETY: as above; a shared frame can only be read and cloned.
unsafe impl Sync for Frame {}

impl Frame {
    /// Frames of up to this many octets need no memory but themselves.
    pub const INLINE_MAX: usize = 30;

    /// The frame without octets: a delimiter, or an empty part.
    pub const EMPTY: Self = Self { head: 0, block: ptr::null_mut(), data: ptr::null_mut(), len: 0 };

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
    #[inline(always)]
    pub(crate) fn of(buffer: &mut Buffer, start: usize, len: usize) -> Self {
        if len > Self::INLINE_MAX {
            let (block, data) = buffer.share(start, len);
            return Self::shared(block, data, len);
        }
        // What lies behind the frame may come along into octets of it that nobody looks at.
        match buffer.at_least::<{ Self::INLINE_MAX }>(start, len) {
            Some(octets) => {
                let word = |at: usize| u64::from_ne_bytes(std::array::from_fn(|i| octets[at + i]));
                // The first six octets, by a load of eight.
                let first = if cfg!(target_endian = "little") { word(0) << 16 } else { word(0) >> 16 };
                Self::of_words(len, [first, word(6), word(14), word(22)])
            }
            None => Self::inline(&buffer.octets()[start..start + len]),
        }
    }

    #[inline]
    fn inline(octets: &[u8]) -> Self {
        let first = word(octets, 0, 6);
        let first = if cfg!(target_endian = "little") { first << 16 } else { first >> 16 };
        Self::of_words(octets.len(), [first, word(octets, 6, 8), word(octets, 14, 8), word(octets, 22, 8)])
    }

    /// A frame of the octets in `words`, of which the first two are overwritten.
    #[inline]
    fn of_words(len: usize, words: [u64; 4]) -> Self {
        let [first, second, third, fourth] = words;
        let tag = len as u64;
        let head = if cfg!(target_endian = "little") { first | tag } else { first | tag << 56 };
        #[expect(clippy::cast_possible_truncation, reason = "a word has 64 bits, as is asserted above")]
        Self {
            head,
            block: ptr::without_provenance_mut(second as usize),
            data: ptr::without_provenance_mut(third as usize),
            len: fourth as usize,
        }
    }

    #[inline]
    fn shared(block: NonNull<()>, data: NonNull<u8>, len: usize) -> Self {
        let tag = u64::from(SHARED);
        let head = if cfg!(target_endian = "little") { tag } else { tag << 56 };
        Self { head, block: block.as_ptr(), data: data.as_ptr(), len }
    }

    /// The length of an inline frame, or [`SHARED`].
    #[inline]
    fn tag(&self) -> u8 {
        self.head.to_ne_bytes()[0]
    }

    #[inline]
    fn is_shared(&self) -> bool {
        self.tag() == SHARED
    }

    #[inline]
    const fn flag(flag: u8) -> u64 {
        if cfg!(target_endian = "little") { (flag as u64) << 8 } else { (flag as u64) << 48 }
    }

    /// The frame as it stands on the wire, flags, length and octets, if it is inline; behind the octets is nothing that
    /// counts. MORE has the same place here and there.
    #[inline]
    pub(crate) fn on_the_wire(&self) -> Option<[u64; 4]> {
        if self.is_shared() {
            return None;
        }
        let [tag, flags, rest @ ..] = self.head.to_ne_bytes();
        let [a, b, c, d, e, f] = rest;
        let head = u64::from_ne_bytes([flags, tag, a, b, c, d, e, f]);
        Some([head, self.block.addr() as u64, self.data.addr() as u64, self.len as u64])
    }

    /// The handle to the block of a shared frame.
    #[inline]
    fn block(&self) -> ManuallyDrop<Block> {
        debug_assert!(self.is_shared(), "an inline frame has no block");
        // SAFETY: a shared frame has the pointer that it was made of, and owns the handle behind it; this one is not
        // dropped.
        ManuallyDrop::new(unsafe { Block::from_raw(NonNull::new_unchecked(self.block)) })
    }

    /// Whether more parts of the same message follow.
    #[inline]
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.head & Self::flag(MORE) != 0
    }

    /// This frame as the last part of its message.
    #[inline]
    #[must_use]
    pub fn last(mut self) -> Self {
        self.head &= !Self::flag(MORE);
        self
    }

    /// This frame as a part which more parts follow.
    #[inline]
    #[must_use]
    pub fn more(mut self) -> Self {
        self.head |= Self::flag(MORE);
        self
    }

    /// This frame with the MORE bit of `flags`, as they stand on the wire. No branch: both kinds come mixed.
    #[inline(always)]
    pub(crate) fn with_flags(mut self, flags: u8) -> Self {
        self.head |= Self::flag(flags & MORE);
        self
    }

    /// The octets.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        if self.is_shared() {
            // SAFETY: a shared frame has the pointer that it was made of; the block keeps the octets alive and nobody
            // writes them.
            unsafe { std::slice::from_raw_parts(self.data, self.len) }
        } else {
            // SAFETY: the frame is 32 initialised octets, and an inline one has at most 30 behind the first two.
            unsafe { std::slice::from_raw_parts(ptr::from_ref(self).cast::<u8>().add(INLINE_AT), self.len()) }
        }
    }

    /// Number of octets.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        if self.is_shared() { self.len } else { usize::from(self.tag()) }
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
        let mut rest = self.clone().last();
        // SAFETY: the clone is shared, and `n` lies within its octets.
        rest.data = unsafe { rest.data.add(n) };
        rest.len -= n;
        rest
    }
}

impl Clone for Frame {
    #[inline]
    fn clone(&self) -> Self {
        if self.is_shared() {
            // The new frame owns it.
            std::mem::forget(Block::clone(&self.block()));
        }
        Self { head: self.head, block: self.block, data: self.data, len: self.len }
    }
}

impl Drop for Frame {
    #[inline]
    fn drop(&mut self) {
        if self.is_shared() {
            drop(ManuallyDrop::into_inner(self.block()));
        }
    }
}

/// The `count` octets from `at` on, as they lie in the first octets of a word; those behind the end are zero.
///
/// Loads that stay within `octets`, and shifts: nothing is stored on the way.
#[inline]
fn word(octets: &[u8], at: usize, count: usize) -> u64 {
    let Some(rest) = octets.get(at..) else { return 0 };
    let rest = if rest.len() > count { &rest[..count] } else { rest };
    if let Some(whole) = rest.first_chunk::<8>() {
        return u64::from_ne_bytes(*whole);
    }
    let little = if let (Some(first), Some(last)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        let shift = 8 * (rest.len() - 4);
        u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << shift
    } else {
        match *rest {
            [] => 0,
            [a] => u64::from(a),
            [a, b] => u64::from(u16::from_le_bytes([a, b])),
            [a, b, c, ..] => u64::from(u16::from_le_bytes([a, b])) | u64::from(c) << 16,
        }
    };
    if cfg!(target_endian = "little") { little } else { little.swap_bytes() }
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
