//! Attempts to connect keep their distance, and come in time (37/ZMTP, error handling; `ZMQ_RECONNECT_IVL`).

use std::time::Duration;

use super::connection::single;
use super::{Evidence, Facts, Findings, LifeIndex};
use crate::plan::FaultKind;
use crate::time::{Span, Time};

/// What an attempt may take from its beginning until it is told of.
const TOLD: Duration = Duration::from_millis(50);
/// The same where the implementation has trouble of its own.
const TROUBLED: Duration = Duration::from_millis(500);

/// The intervals of a socket.
struct Pace {
    interval: Duration,
    most: Option<Duration>,
}

impl Pace {
    /// The least from one attempt to the next, behind so many failures.
    fn least(&self, failures: u32) -> Duration {
        match self.most {
            None => self.interval,
            Some(most) => {
                let grown = self.interval.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX));
                grown.min(most)
            }
        }
    }

    /// The most: as much again as an interval may be drawn beside.
    fn longest(&self, failures: u32) -> Duration {
        self.least(failures) + self.interval
    }
}

/// Attempts keep the interval, and a growing one where a maximum is set, no less and not much more.
// spec: ZMTP31-ERROR-06, ZMTP31-ERROR-07
pub(super) fn judge(facts: &Facts<'_>, life: LifeIndex, found: &mut Findings) {
    let socket = facts.socket_of(life);
    let options = &facts.plan[socket].options;
    let interval = options.reconnect_ivl.map_or(Duration::from_millis(100), |ivl| ivl.0);
    if interval.is_zero() {
        return;
    }
    let pace = Pace { interval, most: options.reconnect_ivl_max.map(|max| max.0).filter(|max| !max.is_zero()) };
    // What looks names up may tell of an attempt when it has an address.
    let looks_up_slowly = facts.plan.faults.iter().any(|fault| matches!(fault.what, FaultKind::Name { .. }));
    let told = if facts.plan.trouble { TROUBLED } else { TOLD };
    for (endpoint, events) in single(facts, life) {
        let mut failures = 0_u32;
        let mut last: Option<Time> = None;
        for (place, event) in events.iter().enumerate() {
            match event.name.as_str() {
                "connected" => {
                    failures = 0;
                    last = None;
                }
                "connect-retried" => {
                    let least = pace.least(failures.saturating_sub(1));
                    let longest = pace.longest(failures);
                    let next = events.get(place + 1).filter(|_| !looks_up_slowly);
                    let early = last
                        .map(|before| event.at.saturating_since(before))
                        .filter(|since| *since < facts.in_true_time(socket, least).mul_f64(0.9));
                    let late = next
                        .map(|next| next.at.saturating_since(event.at))
                        .filter(|until| *until > facts.in_true_time(socket, longest).mul_f64(1.05) + told);
                    if let Some(since) = early {
                        let clause =
                            if failures > 1 && pace.most.is_some() { "ZMTP31-ERROR-07" } else { "ZMTP31-ERROR-06" };
                        let text = format!(
                            "{} tried {endpoint} again {} after the attempt before, at {}: it should have waited {}",
                            facts.name(life),
                            Span(since),
                            event.at,
                            Span(least)
                        );
                        found.wrong("reconnect", clause, text, Evidence::none().entry(event.entry));
                        return;
                    }
                    if let (Some(until), Some(next)) = (late, next) {
                        let text = format!(
                            "{} was to try {endpoint} again at {} and did so {} later, its attempt number {} since it \
                             was connected: {} is the longest that it may wait",
                            facts.name(life),
                            event.at,
                            Span(until),
                            failures + 1,
                            Span(longest)
                        );
                        found.wrong("reconnect", "ZMQ_RECONNECT_IVL", text, Evidence::none().entry(next.entry));
                        return;
                    }
                    failures += 1;
                    last = Some(event.at);
                }
                _ => {}
            }
        }
    }
}
