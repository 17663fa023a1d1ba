//! The pace of handshakes: how often an I/O thread agrees on keys with whoever asks.
//!
//! It costs some hundred microseconds and nothing to ask for, so that a crowd of strangers could keep the thread from all
//! others. Each step has a time of its own, in the order in which they were wanted; meanwhile the thread serves its peers.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use zmq_core::time::Instant;

/// From one step to the next when there are many: a fifth of the thread.
const STEP: Duration = Duration::from_micros(500);
/// Steps that are done at once after a pause.
const BURST: u32 = 4;

/// The steps of one I/O thread.
#[derive(Default)]
pub(crate) struct Pace {
    /// When the next step would have its time if none were done at once.
    next: Mutex<Instant>,
}

impl Pace {
    /// When a step that is wanted at `now` may be done. It is counted as done then.
    pub(crate) fn turn(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let own = (*next).max(now);
        *next = own + STEP;
        own.saturating_sub(STEP * BURST).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_done_at_once_and_a_crowd_one_after_the_other() {
        let pace = Pace::default();
        let now = Instant::after_start(Duration::from_secs(1));
        let turns: Vec<_> = (0..10).map(|_| pace.turn(now).saturating_since(now)).collect();
        assert_eq!(turns[..5], [Duration::ZERO; 5]);
        assert_eq!(turns[5..], [1, 2, 3, 4, 5].map(|n| STEP * n));
        // After a pause there is a burst again.
        let later = now + Duration::from_secs(1);
        assert_eq!(pace.turn(later), later);
    }
}
