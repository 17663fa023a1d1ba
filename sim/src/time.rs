//! Time of a run, and spans as people write them.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// True time: nanoseconds since the start of the run. Hosts may see other clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(u64);

impl Time {
    /// The start of the run.
    pub const START: Self = Self(0);

    /// The time `nanos` nanoseconds after the start.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time from `earlier` to this, nothing when `earlier` is the later one.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    /// The end of time, if it would be later.
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Time {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_since(earlier)
    }
}

/// As `t+1.5s`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t+{}", Span(Duration::from_nanos(self.0)))
    }
}

/// A span of time as it is written in scenarios: a number and its unit, `250us`, `10ms`, `1.5s`, `2m`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(pub Duration);

const UNITS: [(&str, u64); 6] =
    [("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000), ("ns", 1)];

impl Span {
    /// So many milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }
}

/// Why a text is no span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no span of time: a number and its unit (ns, us, ms, s, m, h) are expected, such as \"250ms\"")]
pub struct NoSpan(String);

impl FromStr for Span {
    type Err = NoSpan;

    fn from_str(text: &str) -> Result<Self, NoSpan> {
        let refused = || NoSpan(text.to_owned());
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let unit = &text[digits.len()..];
        let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(refused)?;
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
        let mut sum = number(whole).and_then(|whole| whole.checked_mul(*nanos)).ok_or_else(refused)?;
        if !part.is_empty() {
            let scale = u32::try_from(part.len()).ok().and_then(|n| 10_u64.checked_pow(n)).ok_or_else(refused)?;
            let tail = number(part).map(|part| u128::from(part) * u128::from(*nanos) / u128::from(scale));
            sum = tail.and_then(|tail| u64::try_from(tail).ok()?.checked_add(sum)).ok_or_else(refused)?;
        }
        Ok(Self(Duration::from_nanos(sum)))
    }
}

/// With the largest unit that leaves at most three digits behind the point.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        if nanos == 0 {
            return f.write_str("0s");
        }
        let (name, unit) = UNITS
            .iter()
            .map(|(name, unit)| (*name, u128::from(*unit)))
            .find(|(name, unit)| {
                // Minutes and hours are written where they are whole.
                let in_thousandths = nanos >= *unit && (nanos * 1000).is_multiple_of(*unit);
                nanos.is_multiple_of(*unit) || in_thousandths && *name != "m" && *name != "h"
            })
            .unwrap_or(("ns", 1));
        let (whole, thousandths) = (nanos / unit, nanos % unit * 1000 / unit);
        write!(f, "{whole}")?;
        if thousandths > 0 {
            write!(f, ".{}", format!("{thousandths:03}").trim_end_matches('0'))?;
        }
        f.write_str(name)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written_alike() {
        for text in ["0s", "1ns", "250us", "10ms", "1.5s", "2m", "1h", "90s", "127s", "1.001s", "3601s"] {
            let span: Span = text.parse().unwrap();
            let again: Span = span.to_string().parse().unwrap();
            assert_eq!(span, again, "{text} became {span}");
        }
        assert_eq!("1.5s".parse::<Span>().unwrap().0, Duration::from_millis(1500));
        assert_eq!("2m".parse::<Span>().unwrap().0, Duration::from_secs(120));
    }

    #[test]
    fn what_is_no_span_is_refused_with_what_was_expected() {
        for text in ["", "5", "ms", "-1s", "1 s", "1.s1", "99999999999999h", "1day"] {
            let why = text.parse::<Span>().unwrap_err().to_string();
            assert!(why.contains("a number and its unit"), "{why}");
        }
    }
}
