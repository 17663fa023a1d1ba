//! When an endpoint is dialled again (37/ZMTP, error handling; libzmq's defaults).
//!
//! | after | without `interval_max` | with it |
//! |---|---|---|
//! | the first failure, or a lost connection | interval + up to as much again | interval |
//! | each further failure | the same | twice as long as before, up to the maximum |

use std::time::Duration;

use crate::options::Reconnect;

/// The dialling of one endpoint.
#[derive(Debug, Clone)]
pub struct Dial {
    options: Reconnect,
    failures: u32,
}

impl Dial {
    /// An endpoint that was never dialled.
    #[must_use]
    pub const fn new(options: Reconnect) -> Self {
        Self { options, failures: 0 }
    }

    /// A connection was made.
    pub fn connected(&mut self) {
        self.failures = 0;
    }

    /// An attempt failed, or a connection was lost: how long to wait before the next attempt; `None`: for ever.
    ///
    /// `random` is drawn anew for each call.
    // spec: ZMTP31-ERROR-05, ZMTP31-ERROR-06, ZMTP31-ERROR-07
    pub fn wait(&mut self, random: u32) -> Option<Duration> {
        let interval = self.options.interval?;
        let failures = self.failures;
        self.failures = failures.saturating_add(1);
        Some(match self.options.interval_max {
            None => interval + interval.mul_f64(f64::from(random) / f64::from(u32::MAX)),
            Some(max) => interval.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX)).min(max),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn without_a_maximum_the_interval_stays_and_is_jittered() {
        let mut dial = Dial::new(Reconnect { interval: Some(ms(100)), interval_max: None });
        for _ in 0..40 {
            assert_eq!(dial.wait(0), Some(ms(100)));
            assert_eq!(dial.wait(u32::MAX), Some(ms(200)));
        }
    }

    #[test]
    fn with_a_maximum_the_interval_doubles_until_a_connection_is_made() {
        let mut dial = Dial::new(Reconnect { interval: Some(ms(50)), interval_max: Some(ms(400)) });
        let waits: Vec<_> = (0..5).map(|_| dial.wait(7).unwrap()).collect();
        assert_eq!(waits, [ms(50), ms(100), ms(200), ms(400), ms(400)]);
        for _ in 0..100 {
            assert_eq!(dial.wait(7), Some(ms(400)));
        }
        dial.connected();
        assert_eq!(dial.wait(7), Some(ms(50)));
    }

    #[test]
    fn it_can_be_told_never_to_dial_again() {
        assert_eq!(Dial::new(Reconnect { interval: None, interval_max: None }).wait(1), None);
    }
}
