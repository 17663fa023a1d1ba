//! Buffers for what arrives, used again by the thread that reads.
//!
//! A buffer that is given back may still have frames in it; it is handed out again when the last of them is gone.

use std::cell::RefCell;

use super::block::Buffer;

/// Octets of a buffer for a link: what one read may bring.
pub(crate) const READ_OCTETS: usize = 64 << 10;
/// Octets that a thread keeps for later.
const KEPT_OCTETS: usize = 4 << 20;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { buffers: Vec::new(), octets: 0 }) };
}

struct Pool {
    buffers: Vec<Buffer>,
    octets: usize,
}

/// An empty buffer of at least `octets`, and at least [`READ_OCTETS`], where the pool has one.
pub(crate) fn take_pooled(octets: usize) -> Option<Buffer> {
    // A thread that is ending has no pool any more.
    POOL.try_with(|pool| pool.borrow_mut().take(octets)).ok().flatten()
}

/// An empty buffer of at least `octets`, and at least [`READ_OCTETS`].
pub(crate) fn take(octets: usize) -> Buffer {
    take_pooled(octets).unwrap_or_else(|| Buffer::with_capacity(octets.max(READ_OCTETS)))
}

/// Keeps a buffer for later.
pub(crate) fn give_back(buffer: Buffer) {
    let _ = POOL.try_with(|pool| pool.borrow_mut().keep(buffer));
}

impl Pool {
    fn take(&mut self, octets: usize) -> Option<Buffer> {
        // A buffer far too large would tie up memory that a large message needs.
        let largest = octets.max(READ_OCTETS).saturating_mul(2);
        let fits = |buffer: &mut Buffer| (octets..=largest).contains(&buffer.capacity()) && buffer.clear();
        let found = self.buffers.iter_mut().position(fits)?;
        let buffer = self.buffers.swap_remove(found);
        self.octets -= buffer.capacity();
        Some(buffer)
    }

    fn keep(&mut self, buffer: Buffer) {
        if buffer.capacity() > KEPT_OCTETS {
            return;
        }
        self.octets += buffer.capacity();
        self.buffers.push(buffer);
        while self.octets > KEPT_OCTETS {
            // The oldest: if frames still hold it, somebody keeps them for long.
            self.octets -= self.buffers.remove(0).capacity();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Frame;
    use super::*;

    #[test]
    fn a_buffer_comes_back_when_its_frames_are_gone() {
        let mut buffer = take(1);
        buffer.append(&[7; 100]);
        let place = buffer.octets().as_ptr();
        let frame = Frame::of(&mut buffer, 0, 100);
        give_back(buffer);
        assert_ne!(take(1).octets().as_ptr(), place);
        drop(frame);
        assert_eq!(take(1).octets().as_ptr(), place);
    }

    #[test]
    fn no_more_is_kept_than_allowed() {
        for _ in 0..200 {
            give_back(Buffer::with_capacity(READ_OCTETS));
        }
        give_back(Buffer::with_capacity(KEPT_OCTETS + 1));
        let kept = POOL.with(|pool| pool.borrow().octets);
        assert!(kept <= KEPT_OCTETS, "{kept}");
    }
}
