//! Time as the machines see it: an argument, never a clock that is read.
//!
//! An [`Instant`] is the time since the start of the run that hands it in (a runtime, or a simulated world). Two runs that
//! are told the same instants do the same, and their traces print the same `t+30ms`.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A point in time: nanoseconds since the start of the runtime or of the simulated world. Lasts 584 years.
///
/// Instants of different runtimes must not be compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The start of the run.
    pub const START: Self = Self(0);

    /// The last instant there is. A deadline here never comes.
    pub const FAR_FUTURE: Self = Self(u64::MAX);

    /// The instant that lies `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The instant that lies `elapsed` after the start, or [`Self::FAR_FUTURE`] when that is past the last one.
    pub fn after_start(elapsed: Duration) -> Self {
        Self::START.saturating_add(elapsed)
    }

    /// Time since the start.
    pub const fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// This instant and `duration`, or [`Self::FAR_FUTURE`] when the sum is past the last instant.
    pub fn saturating_add(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    /// `duration` before this instant, or [`Self::START`] when that is before the start.
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(nanos))
    }

    /// Time from `earlier` to this instant, zero when `earlier` is the later one.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Time from `earlier` to this instant, nothing when `earlier` is the later one.
    pub fn checked_since(self, earlier: Self) -> Option<Duration> {
        self.0.checked_sub(earlier.0).map(Duration::from_nanos)
    }
}

/// Saturates at [`Instant::FAR_FUTURE`]: a deadline with a very long timeout must not panic.
impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        self.saturating_add(duration)
    }
}

/// Saturates at [`Instant::FAR_FUTURE`].
impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

/// Saturates at [`Instant::START`].
impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        self.saturating_sub(duration)
    }
}

/// Saturates at zero, like the difference of two [`std::time::Instant`]s.
impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_since(earlier)
    }
}

/// `t+30ms`: the time since the start in its natural unit.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::FAR_FUTURE => f.pad("t+never"),
            Self(nanos) => f.pad(&format!("t+{:?}", Duration::from_nanos(nanos))),
        }
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_time_since_the_start() {
        assert_eq!((Instant::START + Duration::from_millis(30)).to_string(), "t+30ms");
        assert_eq!(format!("{:?}", Instant::from_nanos(1_500_000_000)), "t+1.5s");
        assert_eq!(Instant::START.to_string(), "t+0ns");
        assert_eq!(Instant::FAR_FUTURE.to_string(), "t+never");
        assert_eq!(format!("[{:>8}]", Instant::from_nanos(5)), "[   t+5ns]");
    }

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Instant::START + Duration::MAX, Instant::FAR_FUTURE);
        assert_eq!(Instant::from_nanos(5) - Duration::from_nanos(6), Instant::START);
        assert_eq!(Instant::from_nanos(5) - Instant::from_nanos(6), Duration::ZERO);
        assert_eq!(Instant::from_nanos(5).checked_since(Instant::from_nanos(6)), None);
    }

    #[test]
    fn difference_undoes_sum() {
        let start = Instant::from_nanos(7);
        let end = start + Duration::from_millis(3);
        assert_eq!(end - start, Duration::from_millis(3));
        assert_eq!(end - Duration::from_millis(3), start);
        assert_eq!(Instant::after_start(end.since_start()), end);
    }
}
