//! Versions as dotted numbers, and ranges of them: `>=4.3.4, <4.3.6`.

use std::cmp::Ordering;
use std::fmt;

/// A version: numbers between dots. Missing numbers count as zero, so `4.3` equals `4.3.0`.
#[derive(Debug, Clone)]
pub struct Version(Vec<u64>);

impl Version {
    /// Reads dotted numbers and nothing else.
    ///
    /// # Errors
    ///
    /// What was expected and what came, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let numbers = text.split('.').map(number).collect::<Option<Vec<_>>>();
        numbers.map(Self).ok_or_else(|| format!("expected dotted numbers such as 4.3.5, came `{text}`"))
    }

    /// Reads what a subject reports about itself: an optional `v`, dotted numbers, then anything that is neither
    /// digit nor dot. A pre-release counts as the version it leads to: `4.3.6-rc1` is 4.3.6.
    #[must_use]
    pub fn of_subject(reported: &str) -> Option<Self> {
        let text = reported.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        Self::parse(text[..end].trim_end_matches('.')).ok()
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let longest = self.0.len().max(other.0.len());
        let padded = |numbers: &[u64], i: usize| numbers.get(i).copied().unwrap_or(0);
        (0..longest)
            .map(|i| padded(&self.0, i).cmp(&padded(&other.0, i)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, number) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            write!(f, "{number}")?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    AtLeast,
    Above,
    AtMost,
    Below,
    Exactly,
}

/// Longer signs first, so that `>=` is not read as `>`.
const SIGNS: [(&str, Bound); 5] =
    [(">=", Bound::AtLeast), ("<=", Bound::AtMost), (">", Bound::Above), ("<", Bound::Below), ("=", Bound::Exactly)];

/// A range of versions: bounds between commas, all of which must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange(Vec<(Bound, Version)>);

impl VersionRange {
    /// Reads `>=4.3.4, <4.3.6`. The signs are `>=`, `>`, `<=`, `<` and `=`.
    ///
    /// # Errors
    ///
    /// What was expected and what came, in words; also for a range that holds for no version.
    pub fn parse(text: &str) -> Result<Self, String> {
        let range = Self(text.split(',').map(|part| bound(part.trim())).collect::<Result<_, _>>()?);
        if range.intersects(&range) {
            Ok(range)
        } else {
            Err(format!("expected a range that some version is in, came `{text}`; swap or mend the bounds"))
        }
    }

    /// Whether the version is in the range.
    #[must_use]
    pub fn holds(&self, version: &Version) -> bool {
        self.0.iter().all(|(bound, of)| match bound {
            Bound::AtLeast => version >= of,
            Bound::Above => version > of,
            Bound::AtMost => version <= of,
            Bound::Below => version < of,
            Bound::Exactly => version == of,
        })
    }

    /// Whether some version may be in both. Versions are taken as dense: 4.3.5.1 lies between 4.3.5 and 4.3.6.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        let all = || self.0.iter().chain(&other.0);
        all().all(|(low, from)| {
            all().all(|(high, to)| match (low.lower(), high.upper()) {
                (Some(open), Some(closed)) => match from.cmp(to) {
                    Ordering::Less => true,
                    Ordering::Equal => open == Edge::In && closed == Edge::In,
                    Ordering::Greater => false,
                },
                (None, _) | (_, None) => true,
            })
        })
    }
}

/// Whether the version at the edge of a bound belongs to it.
#[derive(PartialEq, Eq)]
enum Edge {
    In,
    Out,
}

impl Bound {
    fn lower(self) -> Option<Edge> {
        match self {
            Self::AtLeast | Self::Exactly => Some(Edge::In),
            Self::Above => Some(Edge::Out),
            Self::AtMost | Self::Below => None,
        }
    }

    fn upper(self) -> Option<Edge> {
        match self {
            Self::AtMost | Self::Exactly => Some(Edge::In),
            Self::Below => Some(Edge::Out),
            Self::AtLeast | Self::Above => None,
        }
    }

    fn sign(self) -> &'static str {
        SIGNS.iter().find(|(_, bound)| *bound == self).map_or("", |(sign, _)| sign)
    }
}

fn bound(part: &str) -> Result<(Bound, Version), String> {
    let signed = SIGNS.iter().find_map(|(sign, bound)| Some((*bound, part.strip_prefix(sign)?)));
    let Some((bound, version)) = signed else {
        return Err(format!("expected bounds such as `>=4.3.4, <4.3.6` or `=4.3.5`, came `{part}`"));
    };
    Ok((bound, Version::parse(version.trim())?))
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (bound, version)) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{}{version}", bound.sign())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bounds_hold_on_their_own_side() {
        for (range, version, holds) in [
            (">=4.3.4, <4.3.6", "4.3.4", true),
            (">=4.3.4, <4.3.6", "4.3.5.1", true),
            (">=4.3.4, <4.3.6", "4.3.6", false),
            (">4.3", "4.3.0", false),
            ("<=4.3", "4.3.0.0", true),
            ("=4.3.5", "4.3.5", true),
            ("=4.3.5", "4.3.50", false),
            ("<4.10", "4.9", true),
        ] {
            let holds_for = VersionRange::parse(range).unwrap().holds(&Version::parse(version).unwrap());
            assert_eq!(holds_for, holds, "{version} in {range}");
        }
    }

    #[test]
    fn a_subject_may_say_more_than_numbers() {
        let read = |text| Version::of_subject(text).map(|v| v.to_string());
        assert_eq!(read("4.3.5").as_deref(), Some("4.3.5"));
        assert_eq!(read("v4.3.6-rc1+g12ab").as_deref(), Some("4.3.6"));
        assert_eq!(read("4.3.x").as_deref(), Some("4.3"));
        assert_eq!(read("trunk"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_bad_range_says_what_was_expected() {
        let errors: Vec<String> = ["4.3.5", ">=4.x", "", ">=4,", ">=5, <4", ">4.3, <=4.3", ">=99999999999999999999"]
            .map(|text| VersionRange::parse(text).unwrap_err())
            .into();
        insta::assert_snapshot!(errors.join("\n"));
    }

    proptest! {
        /// A range prints as it reads.
        #[test]
        fn printing_then_reading_is_identity(range in ranges()) {
            prop_assert_eq!(VersionRange::parse(&range.to_string()), Ok(range));
        }

        /// A version in two ranges proves that they intersect.
        #[test]
        fn a_common_version_proves_an_overlap(a in ranges(), b in ranges(), v in versions()) {
            if a.holds(&v) && b.holds(&v) {
                prop_assert!(a.intersects(&b));
            }
            prop_assert_eq!(a.intersects(&b), b.intersects(&a));
        }

        /// Trailing zeros change nothing.
        #[test]
        fn zeros_at_the_end_do_not_count(range in ranges(), v in versions()) {
            let padded = Version::parse(&format!("{v}.0")).unwrap();
            prop_assert_eq!(range.holds(&v), range.holds(&padded));
        }
    }

    fn versions() -> impl Strategy<Value = Version> {
        prop::collection::vec(0_u64..3, 1..4).prop_map(Version)
    }

    fn ranges() -> impl Strategy<Value = VersionRange> {
        let bound = prop::sample::select(SIGNS.map(|(_, bound)| bound).to_vec());
        prop::collection::vec((bound, versions()), 1..3)
            .prop_map(VersionRange)
            .prop_filter("some version is in it", |range| range.intersects(range))
    }
}
