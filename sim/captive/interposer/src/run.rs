//! The state of a run. Whoever has the baton may touch it, and nobody else.

use core::sync::atomic::AtomicU32;

use crate::descriptors::Descriptors;
use crate::draw::{Purpose, Seed};
use crate::faults::{Hosts, Options};
use crate::names::Names;
use crate::sys::PollFd;
use crate::trace::{Call, Event, Trace};

/// Virtual time at which a run begins: far enough from zero that programs may subtract from it.
pub(crate) const BEGINNING: u64 = 1_000_000_000_000;

/// A deadline that never comes.
pub(crate) const NEVER: u64 = u64::MAX;

/// What a thread waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    Time,
    Mutex(usize),
    Condition(usize),
    Lock(usize),
    Semaphore(usize),
    Futex(usize),
    Once(usize),
    Join(usize),
    Descriptors,
    /// Octets going between two machines.
    Octets,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Ready,
    Blocked(Wait),
    Done,
}

/// What a number of draws is counted by: each thread has its own counters, so that threads do not shift each other's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) entropy: u64,
    pub(crate) rand: u64,
    pub(crate) interrupts: u64,
    pub(crate) signals: u64,
}

#[derive(Debug)]
pub(crate) struct Thread {
    /// Where it sleeps while it has no baton; see `baton`.
    pub(crate) word: &'static AtomicU32,
    pub(crate) state: State,
    /// Of what it is blocked on.
    pub(crate) deadline: u64,
    /// Whether what it waited for was told to it, rather than the deadline passing.
    pub(crate) told: bool,
    /// Descriptors it waits for.
    pub(crate) interest: Vec<PollFd>,
    pub(crate) host: u32,
    /// The C library's handle, once known.
    pub(crate) handle: u64,
    pub(crate) counts: Counts,
}

#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) seed: Seed,
    pub(crate) options: Options,
    /// Virtual nanoseconds.
    pub(crate) now: u64,
    /// Scheduling points so far.
    pub(crate) points: u64,
    /// Times the baton changed hands.
    pub(crate) handovers: u64,
    /// Instructions answered by the trap.
    pub(crate) traps: u64,
    pub(crate) threads: Vec<Thread>,
    /// Threads that can go on, in no meaningful but always the same order.
    pub(crate) ready: Vec<usize>,
    /// No deadline is before this one.
    pub(crate) next_deadline: u64,
    /// How many wait for descriptors, and whether one of those may have become ready since they were looked at.
    pub(crate) on_descriptors: usize,
    pub(crate) stale: bool,
    /// Of 256 draws, how many leave the baton where it is.
    pub(crate) stay: u64,
    /// Whether taking a lock is a scheduling point.
    pub(crate) at_locks: bool,
    /// Kernel's id of a thread that is on its way out, after its last point.
    pub(crate) leaving: Option<i64>,
    pub(crate) trace: Trace,
    pub(crate) descriptors: Descriptors,
    pub(crate) names: Names,
    pub(crate) hosts: Hosts,
    /// Initialisers of `pthread_once` under way.
    pub(crate) onces: Vec<usize>,
}

impl Run {
    pub(crate) fn new(options: Options) -> Self {
        let seed = Seed::new(options.seed);
        let stay = [0, 128, 224, 248][usize::try_from(seed.below(4, Purpose::Stay, 0, 0)).unwrap_or(0)];
        Self {
            seed,
            now: BEGINNING,
            points: 0,
            handovers: 0,
            traps: 0,
            threads: Vec::with_capacity(64),
            ready: Vec::with_capacity(64),
            next_deadline: NEVER,
            on_descriptors: 0,
            stale: false,
            stay,
            at_locks: seed.draw(Purpose::Locks, 0, 0) & 1 == 0,
            leaving: None,
            trace: Trace::new(options.keeps_events()),
            descriptors: Descriptors::default(),
            names: Names::default(),
            hosts: Hosts::default(),
            onces: Vec::new(),
            options,
        }
    }

    /// A new thread of this host, able to go on.
    pub(crate) fn add_thread(&mut self, host: u32, handle: u64) -> usize {
        let index = self.threads.len();
        // Threads of a run may outlive it, asleep; so the word does.
        let word = Box::leak(Box::new(AtomicU32::new(0)));
        self.threads.push(Thread {
            word,
            state: State::Ready,
            deadline: NEVER,
            told: false,
            interest: Vec::new(),
            host,
            handle,
            counts: Counts { entropy: 0, rand: 0, interrupts: 0, signals: 0 },
        });
        self.ready.push(index);
        index
    }

    pub(crate) fn note(&mut self, thread: usize, call: Call, object: u64, result: i64, octets: u64) {
        let thread = u32::try_from(thread).unwrap_or(u32::MAX);
        self.trace.add(Event { at: self.now - BEGINNING, thread, call: call as u32, object, result, octets });
    }

    /// The thread can go on: what it waited for may be there.
    pub(crate) fn make_ready(&mut self, thread: usize, told: bool) {
        let one = &mut self.threads[thread];
        if let State::Blocked(wait) = one.state {
            one.state = State::Ready;
            one.told = told;
            if wait == Wait::Descriptors {
                self.on_descriptors -= 1;
            }
            self.ready.push(thread);
        }
    }

    /// Everybody who waits for this can go on.
    pub(crate) fn wake_all(&mut self, wait: Wait) {
        for thread in 0..self.threads.len() {
            if self.threads[thread].state == State::Blocked(wait) {
                self.make_ready(thread, true);
            }
        }
    }

    /// As many as these of those who wait for this can go on, drawn by `by`'s key; how many did.
    pub(crate) fn wake_some(&mut self, wait: Wait, most: usize, by: usize) -> usize {
        let mut waiting: Vec<usize> = Vec::new();
        waiting.extend((0..self.threads.len()).filter(|&thread| self.threads[thread].state == State::Blocked(wait)));
        let mut woken = 0;
        while woken < most && !waiting.is_empty() {
            let number = self.threads[by].counts.signals;
            self.threads[by].counts.signals += 1;
            let drawn = self.seed.below(waiting.len() as u64, Purpose::Signal, by as u64, number);
            let thread = waiting.remove(usize::try_from(drawn).unwrap_or(0));
            self.make_ready(thread, true);
            woken += 1;
        }
        woken
    }

    pub(crate) fn is_awaited(&self, wait: Wait) -> bool {
        self.threads.iter().any(|thread| thread.state == State::Blocked(wait))
    }

    /// What the clock of a thread's host shows, in nanoseconds.
    pub(crate) fn clock_of(&self, thread: usize) -> u64 {
        self.now.saturating_add(self.hosts.offset(self.threads[thread].host))
    }
}
