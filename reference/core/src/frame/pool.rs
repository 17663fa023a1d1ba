//! Buffers for what arrives and what is written, used again.
//!
//! Each thread keeps some for itself. Who writes and who reads may be two threads, and then buffers always wander from the
//! one to the other; so what a thread has too much of it leaves where all threads look before they ask for memory.
//!
//! A buffer that is given back may still have frames in it; it is handed out again when the last of them is gone.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Mutex;

use super::block::Buffer;

/// Octets of a buffer for a link: what one read may bring.
pub(crate) const READ_OCTETS: usize = 64 << 10;
/// Octets of a buffer that a handshake needs: there may be many that never end.
pub(crate) const HANDSHAKE_OCTETS: usize = 512;
/// Octets that a thread keeps for itself.
const OWN_OCTETS: usize = 1 << 20;
/// Octets that are left for any thread.
const SHARED_OCTETS: usize = 4 << 20;

thread_local! {
    static OWN: RefCell<Pool> = const { RefCell::new(Pool::new()) };
}

/// Nobody waits for it: who finds it locked does without.
static SHARED: Mutex<Pool> = Mutex::new(Pool::new());

/// The oldest first.
struct Pool {
    buffers: VecDeque<Buffer>,
    octets: usize,
}

/// An empty buffer of at least `octets`, and at least [`READ_OCTETS`], where a pool has one.
pub(crate) fn take_pooled(octets: usize) -> Option<Buffer> {
    // A thread that is ending has no pool any more.
    let own = OWN.try_with(|pool| pool.borrow_mut().take(octets)).ok().flatten();
    own.or_else(|| if shares() { SHARED.try_lock().ok()?.take(octets) } else { None })
}

/// An empty buffer of at least `octets`, and at least [`READ_OCTETS`].
pub(crate) fn take(octets: usize) -> Buffer {
    take_pooled(octets).unwrap_or_else(|| Buffer::with_capacity(octets.max(READ_OCTETS)))
}

/// Keeps a buffer for later, unless it is a small one.
pub(crate) fn give_back(buffer: Buffer) {
    if buffer.capacity() < READ_OCTETS {
        return;
    }
    // If the thread has no pool any more, the buffer ends here.
    let _ = OWN.try_with(|pool| {
        let mut own = pool.borrow_mut();
        own.keep(buffer);
        // The oldest: if frames still hold it, somebody keeps them for long.
        while let Some(surplus) = own.surplus(OWN_OCTETS) {
            if shares()
                && let Ok(mut shared) = SHARED.try_lock()
            {
                shared.keep(surplus);
                while shared.surplus(SHARED_OCTETS).is_some() {}
            }
        }
    });
}

/// Whether this thread takes from others and gives to them. In a simulated run it does not: what they leave, and how much
/// room is in it, is chance.
#[cfg(not(feature = "simulation"))]
const fn shares() -> bool {
    true
}

#[cfg(feature = "simulation")]
use crate::marks::is_outside as shares;

/// Forgets the buffers of this thread.
#[cfg(feature = "simulation")]
pub(crate) fn forget() {
    OWN.with(|pool| *pool.borrow_mut() = Pool::new());
}

impl Pool {
    const fn new() -> Self {
        Self { buffers: VecDeque::new(), octets: 0 }
    }

    fn take(&mut self, octets: usize) -> Option<Buffer> {
        // A buffer far too large would tie up memory that a large message needs.
        let largest = octets.max(READ_OCTETS).saturating_mul(2);
        let fits = |buffer: &mut Buffer| (octets..=largest).contains(&buffer.capacity()) && buffer.clear();
        let found = self.buffers.iter_mut().position(fits)?;
        let buffer = self.buffers.swap_remove_back(found)?;
        self.octets -= buffer.capacity();
        Some(buffer)
    }

    fn keep(&mut self, buffer: Buffer) {
        self.octets += buffer.capacity();
        self.buffers.push_back(buffer);
    }

    /// The oldest, if there is more than `octets`.
    fn surplus(&mut self, octets: usize) -> Option<Buffer> {
        if self.octets <= octets {
            return None;
        }
        let oldest = self.buffers.pop_front()?;
        self.octets -= oldest.capacity();
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Frame;
    use super::*;

    /// The shared pool is everybody's, so tests look at places only.
    fn place(buffer: &Buffer) -> usize {
        buffer.octets().as_ptr() as usize
    }

    #[test]
    fn a_buffer_comes_back_when_its_frames_are_gone() {
        let mut buffer = take(1);
        buffer.append(&[7; 100]);
        let before = place(&buffer);
        let frame = Frame::of(&mut buffer, 0, 100);
        give_back(buffer);
        let other = take(1);
        assert_ne!(place(&other), before);
        drop(frame);
        let again = take(1);
        assert_eq!(place(&again), before);
    }

    #[test]
    fn no_more_is_kept_than_allowed() {
        for _ in 0..200 {
            give_back(Buffer::with_capacity(READ_OCTETS));
        }
        give_back(Buffer::with_capacity(SHARED_OCTETS + 1));
        let own = OWN.with(|pool| pool.borrow().octets);
        assert!(own <= OWN_OCTETS, "{own}");
        let shared = SHARED.lock().unwrap().octets;
        assert!(shared <= SHARED_OCTETS, "{shared}");
    }

    /// A buffer of another run has another size, which shows in how much one read and one write takes.
    #[test]
    #[cfg(feature = "simulation")]
    fn a_simulated_run_takes_nothing_that_others_left() {
        let size = READ_OCTETS * 7;
        std::thread::spawn(move || (0..8).for_each(|_| give_back(Buffer::with_capacity(size)))).join().unwrap();
        let run = std::thread::spawn(move || {
            give_back(Buffer::with_capacity(size));
            crate::marks::begin();
            assert!(take_pooled(size).is_none(), "neither of other threads nor of what this one did before");
            let _ = crate::marks::take();
            (0..100_000).any(|_| take_pooled(size).is_some())
        });
        assert!(run.join().unwrap(), "there was something to take");
    }

    #[test]
    fn what_one_thread_has_too_much_of_another_takes() {
        // Nobody else has buffers of this size, which none of the usual ones stands in for.
        let size = READ_OCTETS * 5;
        let given: Vec<Buffer> = (0..8).map(|_| Buffer::with_capacity(size)).collect();
        let places: Vec<usize> = given.iter().map(place).collect();
        given.into_iter().for_each(give_back);
        let taken = std::thread::spawn(move || {
            // Other tests may hold the lock for an instant.
            (0..100_000).find_map(|_| take_pooled(size)).map(|buffer| place(&buffer))
        });
        let taken = taken.join().unwrap();
        assert!(taken.is_some_and(|taken| places.contains(&taken)), "{taken:x?} of {places:x?}");
    }
}
