//! Who is next, and what time it is: threads are drawn by key; when all are blocked the clock jumps.

use crate::draw::Purpose;
use crate::run::{NEVER, Run, State, Wait};
use crate::sys;

/// Points for which a thread keeps its weight.
const SPELL: u64 = 512;

/// How long somebody outside of the run has, in real time, to let go of what all of the run waits for.
const PATIENCE_MS: u32 = 3000;

impl Run {
    /// Time passes with every call, so that a loop which only looks at the clock ends.
    pub(crate) fn pass_time(&mut self) {
        self.points += 1;
        let drawn = self.seed.draw(Purpose::Cost, 0, self.points);
        self.now += 100 + (drawn & 1023);
        let rate = self.options.rates.clock;
        if rate != 0 && self.seed.happens(rate, Purpose::ClockJump, 0, self.points) {
            // From a millisecond to a minute, each order of magnitude as likely as the next.
            self.now += 1_000_000 << self.seed.below(16, Purpose::ClockJump, 1, self.points);
        }
    }

    /// The thread that gets the baton; `me` is who gives it.
    pub(crate) fn choose(&mut self, me: usize) -> usize {
        let mut waited_ms = 0;
        loop {
            self.settle();
            if let Some(next) = self.draw_thread(me) {
                return next;
            }
            if self.on_descriptors > 0 && self.look_at_descriptors() {
                continue;
            }
            if let Some(at) = self.earliest() {
                self.now = self.now.max(at);
                self.stale = true;
                continue;
            }
            // Somebody outside of the run may hold a lock, or the other end of a pipe.
            if waited_ms >= PATIENCE_MS {
                sys::die(&format!(
                    "every thread is blocked for ever, after {} points: {}",
                    self.points,
                    self.standing()
                ));
            }
            waited_ms += 1;
            sys::real_pause(1_000_000);
            for thread in 0..self.threads.len() {
                if matches!(self.threads[thread].state, State::Blocked(Wait::Mutex(_) | Wait::Lock(_))) {
                    self.make_ready(thread, true);
                }
            }
        }
    }

    fn settle(&mut self) {
        if self.now >= self.next_deadline {
            self.release_due();
        }
        if self.stale && self.on_descriptors > 0 {
            self.look_at_descriptors();
        }
    }

    fn release_due(&mut self) {
        let mut next = NEVER;
        for thread in 0..self.threads.len() {
            let one = &self.threads[thread];
            if let State::Blocked(_) = one.state {
                if one.deadline <= self.now {
                    self.make_ready(thread, false);
                } else {
                    next = next.min(one.deadline);
                }
            }
        }
        if let Some(at) = self.descriptors.next_release(self.now) {
            next = next.min(at);
        }
        self.stale = true;
        self.next_deadline = next;
    }

    /// The next moment at which something changes by itself.
    fn earliest(&self) -> Option<u64> {
        let blocked = self.threads.iter().filter(|thread| matches!(thread.state, State::Blocked(_)));
        let deadlines = blocked.map(|thread| thread.deadline).filter(|deadline| *deadline != NEVER);
        let others = [self.descriptors.next_release(self.now), self.hosts.next_thaw(self.now)];
        // A deadline that has passed belongs to a host that stands still.
        deadlines.chain(others.into_iter().flatten()).filter(|at| *at > self.now).min()
    }

    fn draw_thread(&self, me: usize) -> Option<usize> {
        if self.hosts.any_frozen(self.now) {
            let moving = |thread: &&usize| !self.hosts.is_frozen(self.threads[**thread].host, self.now);
            let candidates: Vec<usize> = self.ready.iter().filter(moving).copied().collect();
            return self.draw_of(&candidates, me);
        }
        self.draw_of(&self.ready, me)
    }

    fn draw_of(&self, candidates: &[usize], me: usize) -> Option<usize> {
        match candidates {
            [] => None,
            [only] => Some(*only),
            _ => {
                let drawn = self.seed.draw(Purpose::Thread, 0, self.points);
                if drawn >> 56 < self.stay && candidates.contains(&me) && !self.is_starved(me) {
                    return Some(me);
                }
                if self.options.rates.starve == 0 {
                    let scaled = (drawn & 0xffff_ffff) * candidates.len() as u64;
                    return candidates.get(usize::try_from(scaled >> 32).unwrap_or(0)).copied();
                }
                self.draw_weighted(candidates, drawn)
            }
        }
    }

    /// Some threads hardly get a turn for a spell, others most of them.
    fn draw_weighted(&self, candidates: &[usize], drawn: u64) -> Option<usize> {
        let weights = || candidates.iter().map(|&thread| self.weight(thread));
        let total: u64 = weights().sum();
        let mut left = (u128::from(drawn.rotate_left(17)) * u128::from(total)) >> 64;
        for (thread, weight) in candidates.iter().zip(weights()) {
            let weight = u128::from(weight);
            if left < weight {
                return Some(*thread);
            }
            left -= weight;
        }
        candidates.last().copied()
    }

    fn weight(&self, thread: usize) -> u64 {
        let spell = self.points / SPELL;
        if !self.seed.happens(self.options.rates.starve, Purpose::Weight, thread as u64, spell) {
            return 64;
        }
        [1, 1, 8, 4096][usize::try_from(self.seed.below(4, Purpose::Weight, !(thread as u64), spell)).unwrap_or(0)]
    }

    fn is_starved(&self, thread: usize) -> bool {
        self.options.rates.starve != 0 && self.weight(thread) < 64
    }

    fn standing(&self) -> String {
        let one = |(thread, it): (usize, &crate::run::Thread)| format!("thread {thread} {:?}", it.state);
        self.threads.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
    }
}
