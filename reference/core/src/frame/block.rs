//! Counted blocks: the storage behind frames that are too long to be held inline.
//!
//! A [`Buffer`] is the one writer of a block: it fills the block from the front and hands out frames over what is
//! filled. The frames share the block with it, never the part that is still to be written.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// In front of the octets of every block.
#[repr(C, align(16))]
struct Header {
    /// Handles to the block, and what a [`Buffer`] has borrowed in advance.
    references: AtomicUsize,
    /// Octets behind the header.
    capacity: usize,
}

/// A counted handle to a block.
pub(super) struct Block {
    header: NonNull<Header>,
}

// SAFETY: the count is atomic, and the octets behind it are either written by one `Buffer` or never again.
unsafe impl Send for Block {}
// SAFETY: as above; a shared handle can only be cloned.
unsafe impl Sync for Block {}

impl Block {
    /// A block of `capacity` octets, all zero.
    fn zeroed(capacity: usize) -> Self {
        let layout = Self::layout(capacity);
        // SAFETY: the layout is never of size zero, it has the header.
        Self::initialise(unsafe { alloc_zeroed(layout) }, layout, capacity)
    }

    /// A block that holds `octets`.
    pub(super) fn copy_of(octets: &[u8]) -> Self {
        let layout = Self::layout(octets.len());
        // SAFETY: the layout is never of size zero, it has the header.
        let block = Self::initialise(unsafe { alloc(layout) }, layout, octets.len());
        // SAFETY: the block has room for `octets.len()` octets and nobody else knows it yet.
        unsafe { std::ptr::copy_nonoverlapping(octets.as_ptr(), block.octets(), octets.len()) };
        block
    }

    fn initialise(memory: *mut u8, layout: Layout, capacity: usize) -> Self {
        let Some(header) = NonNull::new(memory.cast::<Header>()) else { handle_alloc_error(layout) };
        // SAFETY: the memory was just allocated with a layout that begins with a header.
        unsafe { header.write(Header { references: AtomicUsize::new(1), capacity }) };
        Self { header }
    }

    /// Where the octets begin.
    #[inline]
    pub(super) fn octets(&self) -> *mut u8 {
        // SAFETY: the header is followed by the octets in the same allocation.
        unsafe { self.header.as_ptr().add(1).cast() }
    }

    /// The handle as a plain pointer; [`Self::from_raw`] takes it back.
    #[inline]
    pub(super) fn into_raw(self) -> NonNull<()> {
        std::mem::ManuallyDrop::new(self).header.cast()
    }

    /// # Safety
    ///
    /// `raw` came from [`Self::into_raw`], or stands for a reference that was counted in advance, and is not used again.
    #[inline]
    pub(super) unsafe fn from_raw(raw: NonNull<()>) -> Self {
        Self { header: raw.cast() }
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: the header lives as long as any handle.
        unsafe { self.header.as_ref() }
    }

    fn layout(capacity: usize) -> Layout {
        let size = size_of::<Header>().checked_add(capacity).expect("a block is smaller than the address space");
        Layout::from_size_align(size, align_of::<Header>()).expect("a block is smaller than the address space")
    }
}

impl Clone for Block {
    #[inline]
    fn clone(&self) -> Self {
        self.header().references.fetch_add(1, Ordering::Relaxed);
        Self { header: self.header }
    }
}

impl Drop for Block {
    #[inline]
    fn drop(&mut self) {
        if self.header().references.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            let layout = Self::layout(self.header().capacity);
            // SAFETY: this was the last handle; the memory was allocated with this layout.
            unsafe { dealloc(self.header.as_ptr().cast(), layout) };
        }
    }
}

/// The one writer of a block.
///
/// References for the frames that it hands out are counted in advance, many at once, so that handing one out costs no
/// atomic operation.
pub(crate) struct Buffer {
    block: Block,
    /// Octets that are written; frames may lie in here only.
    filled: usize,
    /// References that are counted already and belong to no frame yet.
    credit: usize,
}

/// References that are counted at a time.
const CREDIT: usize = 1 << 12;

impl Buffer {
    /// An empty buffer of `capacity` octets.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { block: Block::zeroed(capacity), filled: 0, credit: 0 }
    }

    /// Octets it can hold.
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.block.header().capacity
    }

    /// Octets that are written.
    #[inline]
    pub(crate) fn filled(&self) -> usize {
        self.filled
    }

    /// What is written.
    #[inline]
    pub(crate) fn octets(&self) -> &[u8] {
        // SAFETY: the first `filled` octets are initialised and never written again while they can be seen: writing
        // begins behind them, and `clear` takes `&mut self`.
        unsafe { std::slice::from_raw_parts(self.block.octets(), self.filled) }
    }

    /// The `N` octets from `start` on, of which at least `len` are written; `None` if the block ends before.
    ///
    /// # Panics
    ///
    /// If fewer than `len` are written.
    #[inline]
    pub(super) fn at_least<const N: usize>(&self, start: usize, len: usize) -> Option<&[u8; N]> {
        assert!(start <= self.filled && len <= self.filled - start, "a frame lies in what is written");
        if self.capacity() - start < N {
            return None;
        }
        // SAFETY: the octets lie in the block and are initialised, which is zeroed at its birth. Those behind what is
        // written can only be written through `&mut self`.
        Some(unsafe { &*self.block.octets().add(start).cast::<[u8; N]>() })
    }

    /// What can still be written.
    #[inline]
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        let rest = self.capacity() - self.filled;
        // SAFETY: the block is zeroed at its birth, so all of it is initialised; no frame lies behind `filled`, and this
        // is the only writer.
        unsafe { std::slice::from_raw_parts_mut(self.block.octets().add(self.filled), rest) }
    }

    /// Counts the first `n` octets of [`Self::spare`] as written.
    ///
    /// # Panics
    ///
    /// If there are not as many.
    #[inline]
    pub(crate) fn fill(&mut self, n: usize) {
        assert!(n <= self.capacity() - self.filled, "no more is written than there was room for");
        self.filled += n;
    }

    /// Appends octets; there must be room for them.
    #[inline]
    pub(crate) fn append(&mut self, octets: &[u8]) {
        self.spare()[..octets.len()].copy_from_slice(octets);
        self.filled += octets.len();
    }

    /// A share of the block for a frame over `start..start + len`, and where these octets are.
    ///
    /// # Panics
    ///
    /// If they are not written yet.
    #[inline]
    pub(super) fn share(&mut self, start: usize, len: usize) -> (NonNull<()>, NonNull<u8>) {
        assert!(start <= self.filled && len <= self.filled - start, "a frame lies in what is written");
        if self.credit == 0 {
            self.block.header().references.fetch_add(CREDIT, Ordering::Relaxed);
            self.credit = CREDIT;
        }
        self.credit -= 1;
        // SAFETY: `start` lies in the block, so the pointer is neither null nor outside the allocation.
        let data = unsafe { NonNull::new_unchecked(self.block.octets().add(start)) };
        (self.block.header.cast(), data)
    }

    /// Whether no frame over this block is alive.
    #[inline]
    pub(crate) fn is_unshared(&self) -> bool {
        // Acquire: whoever dropped the last frame has done its reading before the octets are written again.
        self.block.header().references.load(Ordering::Acquire) == self.credit + 1
    }

    /// Forgets what is written, if no frame lies over it; says whether it did.
    pub(crate) fn clear(&mut self) -> bool {
        let unshared = self.is_unshared();
        if unshared {
            self.filled = 0;
        }
        unshared
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // The handle of `block` itself is still counted, so this never ends the block.
        self.block.header().references.fetch_sub(self.credit, Ordering::Release);
    }
}
