//! The pace of handshakes: how often an I/O thread agrees on keys with whoever asks.
//!
//! It costs some hundred microseconds and nothing to ask for, so that a crowd of strangers could keep the thread from all
//! others. Who wants a step stands in a line, in which each has a time of its own; meanwhile the thread serves its peers.
//! Who leaves the line costs nothing: the time is the next one's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use zmq_core::time::Instant;

/// From one step to the next when there are many: a fifth of the thread.
const STEP: Duration = Duration::from_micros(500);
/// Steps that are done at once after a pause.
const BURST: u32 = 4;

/// The steps of one I/O thread.
#[derive(Default)]
pub(crate) struct Pace {
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    /// When the next step would have its time if none were done at once.
    next: Instant,
    /// Who wants a step, by numbers in the order in which they came.
    waiting: BTreeMap<u64, Option<Waker>>,
    given: u64,
}

/// A place in the line, left when this is dropped.
pub(crate) struct Turn {
    pace: Arc<Pace>,
    number: u64,
}

/// When a turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comes {
    /// The step may be done.
    Now,
    /// At that time, if nobody before it takes longer.
    At(Instant),
    /// When those before have had theirs. The task is woken then.
    Later,
}

impl Pace {
    /// A place at the end of the line.
    pub(crate) fn turn(self: &Arc<Self>) -> Turn {
        let mut line = self.line();
        line.given += 1;
        let number = line.given;
        line.waiting.insert(number, None);
        Turn { pace: Arc::clone(self), number }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn is_first(&self, number: u64) -> bool {
        self.waiting.first_key_value().is_some_and(|(first, _)| *first == number)
    }
}

impl Turn {
    /// When it comes, seen from `now`.
    pub(crate) fn poll(&self, cx: &Context<'_>, now: Instant) -> Comes {
        let mut line = self.pace.line();
        if line.is_first(self.number) {
            let at = line.next.max(now).saturating_sub(STEP * BURST).max(now);
            return if at <= now { Comes::Now } else { Comes::At(at) };
        }
        if let Some(waker) = line.waiting.get_mut(&self.number) {
            *waker = Some(cx.waker().clone());
        }
        Comes::Later
    }

    /// The step is done at `now`.
    pub(crate) fn take(self, now: Instant) {
        let mut line = self.pace.line();
        line.next = line.next.max(now) + STEP;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut line = self.pace.line();
        let was_first = line.is_first(self.number);
        line.waiting.remove(&self.number);
        let next =
            if was_first { line.waiting.first_entry().and_then(|mut first| first.get_mut().take()) } else { None };
        drop(line);
        if let Some(next) = next {
            next.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    const NOW: Instant = Instant::from_nanos(1_000_000_000);

    #[test]
    fn some_are_done_at_once_and_a_crowd_one_after_the_other() {
        let pace = Arc::<Pace>::default();
        let cx = &Context::from_waker(Waker::noop());
        let turns: Vec<_> = (0..8).map(|_| pace.turn()).collect();
        let mut now = NOW;
        let mut times = Vec::new();
        for turn in turns {
            loop {
                match turn.poll(cx, now) {
                    Comes::Now => break,
                    Comes::At(at) => now = at,
                    Comes::Later => panic!("it is the first in the line"),
                }
            }
            turn.take(now);
            times.push(now.saturating_since(NOW));
        }
        assert_eq!(times[..5], [Duration::ZERO; 5]);
        assert_eq!(times[5..], [1, 2, 3].map(|n| STEP * n));
        // After a pause there is a burst again.
        let turn = pace.turn();
        assert_eq!(turn.poll(cx, NOW + Duration::from_secs(1)), Comes::Now);
    }

    #[test]
    fn who_leaves_takes_no_time_and_the_next_is_woken() {
        let pace = Arc::<Pace>::default();
        let wakes = Arc::<Wakes>::default();
        let waker = Waker::from(Arc::clone(&wakes));
        let cx = &Context::from_waker(&waker);
        let mut turns: Vec<_> = (0..1_000).map(|_| pace.turn()).collect();
        let last = turns.pop().unwrap();
        assert_eq!(last.poll(cx, NOW), Comes::Later);
        drop(turns);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        assert_eq!(last.poll(cx, NOW), Comes::Now);
        last.take(NOW);
        assert!(pace.line().waiting.is_empty());
    }
}
