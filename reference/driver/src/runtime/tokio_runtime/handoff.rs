//! Who drives a reactor: one word that its I/O thread, blocked application threads and wakers agree on.
//!
//! ```text
//!            guest asks, nothing to do            a whole tick without a guest, or work and no guest
//!   I/O thread drives ──────────────► guests drive ──────────► nobody drives ──────────► I/O thread drives
//!                                          ▲    last one leaves      │
//!                                          └─────────────────────────┘ guest enters
//! ```
//!
//! A *guest* is an application thread that blocks and meanwhile runs the reactor itself, so that what it waits for reaches
//! it without a thread hop. When it leaves, nobody drives: the next guest is likely to come within microseconds, and
//! giving the reactor back in between would cost two hops. The I/O thread therefore takes it back only after a whole tick
//! without a guest, or at once when there is work and no guest to do it.
//!
//! *Work* is a task that has been woken and has not finished that poll. It is counted in the same word as the guests, so
//! the two questions "is somebody there to do this?" (a waker) and "is something left to do?" (a leaving guest) are asked
//! in one total order, and at least one of the two sees the other. That is the whole argument against a lost wake-up; every
//! operation is one read-modify-write of the word. This file knows neither threads nor tokio: it answers what the caller
//! has to do, so that loom can try every order.

#[cfg(all(test, loom))]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(all(test, loom)))]
use std::sync::atomic::{AtomicU64, Ordering};

/// The state of a reactor. See the module's picture.
#[derive(Debug)]
pub(super) struct Handoff {
    word: AtomicU64,
}

/// What a thread that is about to block has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enter {
    /// Run the reactor, or wait for it to become free: `Runtime::block_on` does either.
    Drive,
    /// The same, and wake the future in which the I/O thread sits: it has been asked to let go.
    DriveOnceReleased,
    /// The reactor has ended and its runtime must not be touched. The thread is no guest and must not call `leave`.
    Ended,
}

/// Whether the I/O thread has to be woken from its sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an I/O thread that is not woken leaves work lying until its next tick, or for ever"]
pub(super) enum Kick {
    /// It is driving, or a guest is, or it will look by itself within a tick.
    No,
    /// It must be woken.
    Yes,
}

/// What the I/O thread does after it let go of the reactor or woke from its sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It owns the reactor again and must drive it.
    Drive,
    /// Guests come and go: look again after a tick, or when kicked.
    SleepOneTick,
    /// A guest has been blocked for a whole tick: sleep until kicked. Its leaving kicks.
    SleepUntilKicked,
    /// Told to stop, no task left, no guest inside: the runtime may be dropped.
    End,
}

impl Handoff {
    /// A reactor that its I/O thread is about to drive.
    pub(super) fn new() -> Self {
        Self { word: AtomicU64::new(IO_DRIVES) }
    }

    /// A thread is about to block and becomes a guest, until it calls [`Self::leave`].
    ///
    /// An I/O thread in the middle of work is not asked to let go: it is about to produce what the guest waits for, or a
    /// stream is under way in which handing the reactor to and fro costs more than the hop.
    pub(super) fn enter(&self) -> Enter {
        self.update(|word| {
            if word & ENDED != 0 {
                return (word, Enter::Ended);
            }
            assert!(count(word, GUESTS) < GUESTS.most(), "more than {} threads blocked on one reactor", GUESTS.most());
            let entered = (word | VISITED) + GUESTS.one();
            if word & (IO_DRIVES | ASKED) == IO_DRIVES && count(word, WORK) == 0 {
                (entered | ASKED, Enter::DriveOnceReleased)
            } else {
                (entered, Enter::Drive)
            }
        })
    }

    /// A guest has finished blocking and no longer touches the runtime.
    pub(super) fn leave(&self) -> Kick {
        self.update(|word| {
            let left = (word | VISITED) - GUESTS.one();
            let last = count(left, GUESTS) == 0;
            let wanted = left & SLEEPS_DEEPLY != 0 || count(left, WORK) > 0;
            if last && wanted && left & IO_DRIVES == 0 { (left & !SLEEPS_DEEPLY, Kick::Yes) } else { (left, Kick::No) }
        })
    }

    /// A task has been woken. To be called before the runtime is told, which may finish the poll at once. The I/O thread is to
    /// be kicked after the runtime has been told.
    pub(super) fn add_work(&self) -> Kick {
        let before = self.word.fetch_add(WORK.one(), Ordering::SeqCst);
        if before & IO_DRIVES == 0 && count(before, GUESTS) == 0 { Kick::Yes } else { Kick::No }
    }

    /// The poll which a wake had caused is over.
    pub(super) fn finish_work(&self) {
        let before = self.word.fetch_sub(WORK.one(), Ordering::SeqCst);
        debug_assert!(count(before, WORK) > 0, "finished more polls than were woken");
    }

    /// A task begins. To be called before it is spawned.
    pub(super) fn add_task(&self) {
        let before = self.word.fetch_add(TASKS.one(), Ordering::SeqCst);
        assert!(count(before, TASKS) < TASKS.most(), "more than {} tasks on one reactor", TASKS.most());
    }

    /// A task has ended. On [`Kick::Yes`] the I/O thread may end too: wake it from its sleep and from its future.
    pub(super) fn finish_task(&self) -> Kick {
        let before = self.word.fetch_sub(TASKS.one(), Ordering::SeqCst);
        if finished(before - TASKS.one()) { Kick::Yes } else { Kick::No }
    }

    /// Ends the reactor once its last task has ended. On [`Kick::Yes`] that is now: wake the I/O thread from its sleep and
    /// from its future.
    pub(super) fn stop(&self) -> Kick {
        let before = self.word.fetch_or(STOPPING, Ordering::SeqCst);
        if finished(before | STOPPING) { Kick::Yes } else { Kick::No }
    }

    /// Whether the I/O thread, which is driving, should let go: a guest has asked, or there is nothing left to do for ever.
    pub(super) fn should_release(&self) -> bool {
        let word = self.word.load(Ordering::SeqCst);
        word & ASKED != 0 || finished(word)
    }

    /// The I/O thread has stopped driving. It must call [`Self::next_turn`] next.
    pub(super) fn release(&self) {
        let before = self.word.fetch_and(!(IO_DRIVES | ASKED), Ordering::SeqCst);
        debug_assert!(before & IO_DRIVES != 0, "the I/O thread let go of what it did not hold");
    }

    /// What the I/O thread, which is not driving, does next. To be called after [`Self::release`], after each tick and
    /// after each kick.
    pub(super) fn next_turn(&self) -> Turn {
        self.update(|word| {
            let guests = count(word, GUESTS);
            let awake = word & !(SLEEPS_DEEPLY | VISITED);
            if guests == 0 && finished(word) {
                (awake | ENDED, Turn::End)
            } else if guests == 0 && count(word, WORK) > 0 {
                (awake | IO_DRIVES, Turn::Drive)
            } else if word & VISITED != 0 {
                (awake, Turn::SleepOneTick)
            } else if guests > 0 {
                (awake | SLEEPS_DEEPLY, Turn::SleepUntilKicked)
            } else {
                (awake | IO_DRIVES, Turn::Drive)
            }
        })
    }

    /// Polls that were woken and are not over.
    #[cfg(all(test, loom))]
    pub(super) fn work(&self) -> u64 {
        count(self.word.load(Ordering::SeqCst), WORK)
    }

    /// Whether the runtime may be gone.
    #[cfg(test)]
    pub(super) fn has_ended(&self) -> bool {
        self.word.load(Ordering::SeqCst) & ENDED != 0
    }

    fn update<T>(&self, step: impl Fn(u64) -> (u64, T)) -> T {
        let mut word = self.word.load(Ordering::SeqCst);
        loop {
            let (next, result) = step(word);
            match self.word.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return result,
                Err(current) => word = current,
            }
        }
    }
}

/// Told to stop and no task is left.
fn finished(word: u64) -> bool {
    word & STOPPING != 0 && count(word, TASKS) == 0
}

fn count(word: u64, field: Field) -> u64 {
    (word >> field.shift) & field.most()
}

/// A counter inside the word.
#[derive(Clone, Copy)]
struct Field {
    shift: u32,
    bits: u32,
}

impl Field {
    const fn one(self) -> u64 {
        1 << self.shift
    }

    const fn most(self) -> u64 {
        (1 << self.bits) - 1
    }
}

/// The I/O thread holds the reactor.
const IO_DRIVES: u64 = 1 << 0;
/// A guest waits for the I/O thread to let go.
const ASKED: u64 = 1 << 1;
/// A guest came since the I/O thread last looked.
const VISITED: u64 = 1 << 2;
/// The I/O thread sleeps without a tick.
const SLEEPS_DEEPLY: u64 = 1 << 3;
/// The reactor ends with its last task.
const STOPPING: u64 = 1 << 4;
/// The runtime is gone, or about to go.
const ENDED: u64 = 1 << 5;

/// Application threads that block, each in the reactor's runtime.
const GUESTS: Field = Field { shift: 8, bits: 14 };
/// Tasks that are woken or being polled. No more than there are tasks.
const WORK: Field = Field { shift: 22, bits: 21 };
/// Tasks that have not ended.
const TASKS: Field = Field { shift: 43, bits: 21 };
