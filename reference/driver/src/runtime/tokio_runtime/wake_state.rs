//! Whether a task has been woken since its last poll began, and who counts that as work.
//!
//! ```text
//!           wake                  counted                poll
//!   idle ─────────► being woken ──────────► woken ──────────────► idle        any ──► ended
//! ```
//!
//! A waker counts between two changes of the state, because the count stands in another word. A task that ends in that
//! moment, in a poll that was under way, finds `being woken` and leaves the count alone: the waker takes it back.

use super::handoff::{Handoff, Kick};

#[cfg(all(test, loom))]
use loom::sync::atomic::{AtomicU8, Ordering};
#[cfg(not(all(test, loom)))]
use std::sync::atomic::{AtomicU8, Ordering};

/// The state of one task. See the module's picture.
#[derive(Debug)]
pub(super) struct WakeState {
    state: AtomicU8,
}

/// Not woken since the last poll began.
const IDLE: u8 = 0;
/// Somebody is about to count a wake.
const BEING_WOKEN: u8 = 1;
/// The next poll has been asked for and counted.
const WOKEN: u8 = 2;
/// Will not be polled again.
const ENDED: u8 = 3;

impl WakeState {
    /// The state of a task that is about to be spawned and has been counted.
    pub(super) fn woken() -> Self {
        Self { state: AtomicU8::new(WOKEN) }
    }

    /// Somebody wakes the task. If this is the first wake since its last poll began it is counted: the caller then tells
    /// the runtime and afterwards obeys the kick.
    pub(super) fn wake(&self, handoff: &Handoff) -> Option<Kick> {
        if self.state.compare_exchange(IDLE, BEING_WOKEN, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return None;
        }
        let kick = handoff.add_work();
        if self.state.compare_exchange(BEING_WOKEN, WOKEN, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // It has ended meanwhile.
            handoff.finish_work();
            return None;
        }
        Some(kick)
    }

    /// A poll begins. Whether it was counted, so that its end has to be.
    pub(super) fn begin_poll(&self) -> bool {
        self.state.swap(IDLE, Ordering::AcqRel) == WOKEN
    }

    /// The task is over. Whether a poll that will not be was counted.
    pub(super) fn end(&self) -> bool {
        self.state.swap(ENDED, Ordering::AcqRel) == WOKEN
    }
}
