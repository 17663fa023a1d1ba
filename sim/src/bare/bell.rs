//! Who can run: bells are rung by sockets, by the world and by tasks themselves, and answered in a drawn order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use zmq_core::socket::IoSide;

/// Whose bells were rung, in the order in which they were.
#[derive(Debug, Default)]
pub(super) struct Rung(Mutex<Vec<u32>>);

impl Rung {
    fn lock(&self) -> MutexGuard<'_, Vec<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves them behind those in `into`.
    #[inline]
    pub(super) fn take(&self, into: &mut Vec<u32>) {
        into.append(&mut self.lock());
    }
}

/// The bell of one task. To ring it again before it was answered is to ring it once.
///
/// One thread runs a whole net, but sockets want whom they tell to be `Sync`.
#[derive(Debug)]
pub(super) struct Bell {
    token: u32,
    is_rung: AtomicBool,
    rung: Arc<Rung>,
}

impl Bell {
    pub(super) fn new(token: u32, rung: &Arc<Rung>) -> Arc<Self> {
        Arc::new(Self { token, is_rung: AtomicBool::new(false), rung: Arc::clone(rung) })
    }

    #[inline]
    pub(super) fn ring(&self) {
        // No read-modify-write is needed: there is one thread.
        if !self.is_rung.load(Ordering::Relaxed) {
            self.is_rung.store(true, Ordering::Relaxed);
            self.rung.lock().push(self.token);
        }
    }

    /// Its task runs now: from here on it can be rung again.
    #[inline]
    pub(super) fn answer(&self) {
        self.is_rung.store(false, Ordering::Relaxed);
    }
}

impl IoSide for Bell {
    fn messages_waiting(&self) {
        self.ring();
    }

    fn room_made(&self) {
        self.ring();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}
