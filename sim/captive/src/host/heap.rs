//! What the process holds of the C library's heap: what a library took and never gave back is seen at the end of a run.

/// So much more than at the start is no matter of a library's: caches of the heap, and what this program knows of a run.
const OWN: usize = 1 << 20;

/// The C library's `struct mallinfo2`: ten numbers of octets or pieces.
#[repr(C)]
struct Info {
    arena: usize,
    pieces: usize,
    fast_pieces: usize,
    mapped_pieces: usize,
    mapped: usize,
    unused: usize,
    fast_free: usize,
    in_use: usize,
    free: usize,
    releasable: usize,
}

unsafe extern "C" {
    fn mallinfo2() -> Info;
}

/// Octets in use at some moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heap(usize);

impl Heap {
    pub(super) fn now() -> Self {
        // SAFETY: takes nothing; the C library is glibc, as the whole crate says.
        let info = unsafe { mallinfo2() };
        Self(info.in_use + info.mapped)
    }

    /// Octets that are held since then, where they are more than could be this program's own.
    pub(super) fn grown(self) -> Option<usize> {
        Self::now().0.checked_sub(self.0).filter(|more| *more > OWN)
    }
}
