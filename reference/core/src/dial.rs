//! When an endpoint is dialled again (37/ZMTP, error handling; libzmq's defaults).
//!
//! | after | without `interval_max` | with it |
//! |---|---|---|
//! | the first failure, or a lost connection | interval + up to as much again | interval |
//! | each further failure | the same | twice as long as before, up to the maximum |
//! | what [`ReconnectStop`](crate::options::ReconnectStop) names | never | never |

use std::time::Duration;

use crate::connection::PeerMisbehaved;
use crate::options::Reconnect;
use crate::session::Ending;

/// The dialling of one endpoint.
#[derive(Debug, Clone)]
pub struct Dial {
    options: Reconnect,
    failures: u32,
}

/// What a server says to a client that may come again: the status of its handler of ZAP.
const TEMPORARY: &str = "300";

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The system there refused it.
    Refused,
    /// None came about, for another reason or in time.
    Failed,
    /// There was one, but its handshake failed or was not finished in time.
    Handshake,
    /// There was one, and it was ready.
    Lost,
    /// It ended for good: all was sent, or the peer refused us by ERROR, and not for now only.
    Over,
}

impl Why {
    /// Why a connection is gone that `ending` ended, or if there is none, the link.
    // spec: ZMTP31-ERROR-02
    #[must_use]
    pub fn ended(ending: Option<&Ending>, was_ready: bool) -> Self {
        match (ending, was_ready) {
            (Some(Ending::Finished), _) => Self::Over,
            (Some(Ending::Misbehaved(PeerMisbehaved::Refused { reason })), _) if reason != TEMPORARY => {
                mark!("ZMTP31-ERROR-02");
                Self::Over
            }
            (Some(Ending::Misbehaved(_)), false) => Self::Handshake,
            (Some(Ending::Misbehaved(_) | Ending::Superseded) | None, _) => Self::Lost,
        }
    }
}

impl Dial {
    /// An endpoint that was never dialled.
    #[must_use]
    pub const fn new(options: Reconnect) -> Self {
        Self { options, failures: 0 }
    }

    /// A connection was made.
    pub fn connected(&mut self) {
        mark!("ZMTP31-SEM-02");
        self.failures = 0;
    }

    /// An attempt failed, or a connection was lost: how long to wait before the next attempt; `None`: for ever.
    ///
    /// `random` is drawn anew for each call.
    // spec: ZMTP31-ERROR-05, ZMTP31-ERROR-06, ZMTP31-ERROR-07
    pub fn wait(&mut self, why: Why, random: u32) -> Option<Duration> {
        let stops = match why {
            Why::Refused => self.options.stop.on_refusal,
            Why::Handshake => self.options.stop.on_failed_handshake,
            Why::Failed | Why::Lost => false,
            Why::Over => true,
        };
        if matches!(why, Why::Lost) {
            mark!("ZMTP31-ERROR-04", "ZMTP31-ERROR-05", "ZMTP31-SEM-03");
        }
        let interval = self.options.interval.filter(|_| !stops)?;
        mark!("ZMTP31-ERROR-06");
        let failures = self.failures;
        self.failures = failures.saturating_add(1);
        Some(match self.options.interval_max {
            None => interval + interval.mul_f64(f64::from(random) / f64::from(u32::MAX)),
            Some(max) => {
                mark!("ZMTP31-ERROR-07");
                interval.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX)).min(max)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::ReconnectStop;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn every_100_ms() -> Reconnect {
        Reconnect { interval: Some(ms(100)), ..Reconnect::default() }
    }

    #[test]
    fn without_a_maximum_the_interval_stays_and_is_jittered() {
        let mut dial = Dial::new(every_100_ms());
        for _ in 0..40 {
            assert_eq!(dial.wait(Why::Failed, 0), Some(ms(100)));
            assert_eq!(dial.wait(Why::Lost, u32::MAX), Some(ms(200)));
        }
    }

    #[test]
    fn with_a_maximum_the_interval_doubles_until_a_connection_is_made() {
        let options = Reconnect { interval: Some(ms(50)), interval_max: Some(ms(400)), ..Reconnect::default() };
        let mut dial = Dial::new(options);
        let waits: Vec<_> = (0..5).map(|_| dial.wait(Why::Failed, 7).unwrap()).collect();
        assert_eq!(waits, [ms(50), ms(100), ms(200), ms(400), ms(400)]);
        for _ in 0..100 {
            assert_eq!(dial.wait(Why::Failed, 7), Some(ms(400)));
        }
        dial.connected();
        assert_eq!(dial.wait(Why::Lost, 7), Some(ms(50)));
    }

    #[test]
    fn it_can_be_told_never_to_dial_again() {
        let never = Reconnect { interval: None, ..Reconnect::default() };
        assert_eq!(Dial::new(never).wait(Why::Failed, 1), None);
    }

    // spec: ZMTP31-ERROR-02, ZMTP30-ERROR-02
    #[test]
    fn who_was_refused_by_error_comes_again_only_if_it_was_for_now() {
        let refused = |reason: &str| {
            let ending = Ending::Misbehaved(PeerMisbehaved::Refused { reason: reason.into() });
            [false, true].map(|was_ready| {
                let mut dial = Dial::new(every_100_ms());
                dial.wait(Why::ended(Some(&ending), was_ready), 0).is_some()
            })
        };
        for reason in ["400", "500", "", "go away", "30", "3000"] {
            assert_eq!(refused(reason), [false, false], "{reason:?}");
        }
        assert_eq!(refused("300"), [true, true]);
    }

    #[test]
    fn each_stop_condition_ends_it_for_its_own_reason_alone() {
        let dialled = |stop: ReconnectStop| {
            [Why::Refused, Why::Failed, Why::Handshake, Why::Lost, Why::Over]
                .map(|why| Dial::new(Reconnect { stop, ..every_100_ms() }).wait(why, 0).is_some())
        };
        let none = ReconnectStop::default();
        assert_eq!(dialled(none), [true, true, true, true, false]);
        assert_eq!(dialled(ReconnectStop { on_refusal: true, ..none }), [false, true, true, true, false]);
        assert_eq!(dialled(ReconnectStop { on_failed_handshake: true, ..none }), [true, true, false, true, false]);
    }
}
