//! Parking and the mailbox under loom: every interleaving, within a bound of preemptions where there are many.
//!
//! ```text
//! RUSTFLAGS="--cfg loom -C debug-assertions" cargo test -p zmq-core --release --lib loom
//! ```
//!
//! A lost wake-up shows as a deadlock.

use std::collections::VecDeque;
use std::task::{Wake, Waker};

use loom::model::Builder;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Notify};
use loom::thread;

use super::mailbox::{Letter, Mailbox};
use super::parking::{Parking, Ticket};
use super::peer::PeerId;

fn check(preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(model);
}

/// Wakes a thread of loom's.
struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.notify();
    }
}

/// What waiters take: so many items.
#[derive(Default)]
struct Items(AtomicUsize);

impl Items {
    fn new(n: usize) -> Self {
        Self(AtomicUsize::new(n))
    }

    /// As an I/O side does: first there is something, then somebody is woken. The mark is relaxed, so that nothing but
    /// parking's own fences orders it with the waiter's second look.
    fn put(&self, parking: &Parking) {
        self.0.fetch_add(1, Ordering::Relaxed);
        parking.wake_one();
    }

    fn take(&self) -> Option<()> {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).ok().map(drop)
    }
}

/// As the driver waits: park, look again, sleep.
fn wait<T>(parking: &Parking, mut attempt: impl FnMut() -> Option<T>) -> T {
    let bell = std::sync::Arc::new(Bell(Notify::new()));
    let waker = Waker::from(std::sync::Arc::clone(&bell));
    let mut ticket = parking.ticket();
    loop {
        ticket.park(&waker);
        if let Some(done) = attempt() {
            return done;
        }
        bell.0.wait();
    }
}

/// A waiter that is polled so often and then taken back.
fn poll_and_leave(parking: &Parking, items: &Items, polls: usize) -> usize {
    let waker = Waker::from(std::sync::Arc::new(Bell(Notify::new())));
    let mut ticket: Ticket<'_> = parking.ticket();
    for _ in 0..polls {
        ticket.park(&waker);
        if items.take().is_some() {
            return 1;
        }
    }
    0
}

#[test]
fn a_waiter_sees_what_came_or_is_woken() {
    check(None, || {
        let shared = Arc::new((Parking::default(), Items::default()));
        let of_waiter = Arc::clone(&shared);
        let waiter = thread::spawn(move || wait(&of_waiter.0, || of_waiter.1.take()));
        shared.1.put(&shared.0);
        waiter.join().unwrap();
    });
}

#[test]
fn as_many_waiters_are_served_as_there_are_items() {
    check(Some(2), || {
        let shared = Arc::new((Parking::default(), Items::default()));
        let waiters = [(); 2].map(|()| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || wait(&shared.0, || shared.1.take()))
        });
        shared.1.put(&shared.0);
        shared.1.put(&shared.0);
        waiters.into_iter().for_each(|waiter| drop(waiter.join().unwrap()));
    });
}

/// Two items and one wake: whoever takes one passes the wake on.
#[test]
fn one_wake_for_two_items_serves_two_waiters() {
    check(Some(2), || {
        let shared = Arc::new((Parking::default(), Items::new(0)));
        let waiters = [(); 2].map(|()| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || wait(&shared.0, || shared.1.take()))
        });
        shared.1.0.fetch_add(2, Ordering::Relaxed);
        shared.0.wake_one();
        waiters.into_iter().for_each(|waiter| drop(waiter.join().unwrap()));
    });
}

/// A waiter that leaves does not take a wake with it.
#[test]
fn who_leaves_passes_its_wake_on() {
    for polls in [1, 2] {
        check(Some(2), move || {
            let shared = Arc::new((Parking::default(), Items::default()));
            let leaving = {
                let shared = Arc::clone(&shared);
                thread::spawn(move || poll_and_leave(&shared.0, &shared.1, polls))
            };
            let staying = {
                let shared = Arc::clone(&shared);
                thread::spawn(move || wait(&shared.0, || shared.1.take()))
            };
            shared.1.put(&shared.0);
            if leaving.join().unwrap() == 1 {
                shared.1.put(&shared.0);
            }
            staying.join().unwrap();
        });
    }
}

#[test]
fn an_end_wakes_everybody() {
    check(Some(2), || {
        let shared = Arc::new((Parking::default(), Items::default()));
        let waiters = [(); 2].map(|()| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || wait(&shared.0, || (shared.1.0.load(Ordering::Relaxed) == 1).then_some(())))
        });
        shared.1.0.store(1, Ordering::Relaxed);
        // As `Shared::end`: the lock of parking orders it.
        shared.0.wake_all();
        waiters.into_iter().for_each(|waiter| drop(waiter.join().unwrap()));
    });
}

fn letter(index: u32) -> Letter {
    Letter::Readable(PeerId { index, generation: 0 })
}

fn read(letters: &mut VecDeque<Letter>) -> Vec<u32> {
    letters
        .drain(..)
        .map(|letter| match letter {
            Letter::Readable(peer) => peer.index,
            Letter::Attached(_) | Letter::Detached(_) | Letter::Writable(_) => unreachable!("none was posted"),
        })
        .collect()
}

/// Letters are neither lost nor read twice, those of one writer stay in order, and a box with letters says so.
#[test]
fn letters_are_read_once_and_in_order() {
    check(Some(3), || {
        let mailbox = Arc::new(Mailbox::default());
        let writers = [0, 10].map(|first| {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || (first..first + 2).for_each(|n| mailbox.post(letter(n))))
        });
        let (mut letters, mut all) = (VecDeque::new(), Vec::new());
        for _ in 0..2 {
            if mailbox.has_any() {
                mailbox.take(&mut letters);
                all.extend(read(&mut letters));
            }
        }
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        if all.len() < 4 {
            assert!(mailbox.has_any(), "a letter that nobody would ever look for");
            mailbox.take(&mut letters);
            all.extend(read(&mut letters));
        }
        assert!(!mailbox.has_any());
        let of = |first| all.iter().copied().filter(|n| *n / 10 * 10 == first).collect::<Vec<_>>();
        assert_eq!((of(0), of(10)), (vec![0, 1], vec![10, 11]), "{all:?}");
    });
}

/// Mailbox and parking as a socket has them: a letter, then a wake; a waiter that looks into the box.
#[test]
fn who_waits_for_a_letter_gets_it() {
    check(None, || {
        let shared = Arc::new((Mailbox::default(), Parking::default()));
        let of_waiter = Arc::clone(&shared);
        let waiter = thread::spawn(move || {
            let mut letters = VecDeque::new();
            wait(&of_waiter.1, || {
                if of_waiter.0.has_any() {
                    of_waiter.0.take(&mut letters);
                }
                letters.pop_front()
            })
        });
        shared.0.post(letter(7));
        shared.1.wake_one();
        waiter.join().unwrap();
    });
}

/// What is told of a peer that nobody saw is taken back, or read, and never half of it.
#[test]
fn letters_that_are_taken_back_are_read_by_nobody() {
    check(Some(3), || {
        let mailbox = Arc::new(Mailbox::default());
        mailbox.post(letter(1));
        let of_reader = Arc::clone(&mailbox);
        let reader = thread::spawn(move || {
            let mut letters = VecDeque::new();
            if of_reader.has_any() {
                of_reader.take(&mut letters);
            }
            read(&mut letters)
        });
        // Nobody was attached: nothing is taken back.
        assert!(mailbox.take_back(PeerId { index: 1, generation: 0 }).is_none());
        mailbox.post(letter(2));
        let mut all = reader.join().unwrap();
        let mut rest = VecDeque::new();
        mailbox.take(&mut rest);
        all.extend(read(&mut rest));
        assert_eq!(all, [1, 2]);
    });
}
