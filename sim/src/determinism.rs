//! Two runs of the same plan have to be the same run.

use std::fmt;

use crate::engine::Run;

/// Where two runs part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// What happened in the network, or what the applications saw, whichever was first.
    Event {
        /// The how manieth of its kind, from 0.
        place: usize,
        /// What it was in the one run; none: that had ended.
        one: Option<String>,
        /// What it was in the other.
        other: Option<String>,
    },
    /// The hashes differ, and nothing that was recorded does.
    Hidden {
        /// Of the one run.
        one: u64,
        /// Of the other.
        other: u64,
    },
}

/// Where two runs part, which do not have the same hash.
#[must_use]
pub fn first_difference(one: &Run, other: &Run) -> Difference {
    let seen = part(&one.history.entries, &other.history.entries, |entry| entry.at.as_nanos());
    let happened = match (&one.network, &other.network) {
        (Some(one), Some(other)) => part(one.events(), other.events(), |event| event.at.as_nanos()),
        (None, _) | (_, None) => None,
    };
    // What is seen follows from what happened: of two at the same time the network's is the cause.
    let first = [happened, seen].into_iter().flatten().min_by_key(|(at, _)| *at);
    first.map_or(Difference::Hidden { one: one.hash, other: other.hash }, |(_, difference)| difference)
}

fn part<T: PartialEq + fmt::Debug>(one: &[T], other: &[T], at: impl Fn(&T) -> u64) -> Option<(u64, Difference)> {
    let place = (0..one.len().max(other.len())).find(|place| one.get(*place) != other.get(*place))?;
    let (one, other) = (one.get(place), other.get(place));
    let time = [one, other].into_iter().flatten().map(at).min().unwrap_or_default();
    let shown = |event: Option<&T>| event.map(|event| format!("{event:?}"));
    Some((time, Difference::Event { place, one: shown(one), other: shown(other) }))
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { place, one, other } => {
                let shown = |event: &Option<String>| event.clone().unwrap_or_else(|| "nothing more".to_owned());
                write!(f, "event {place} was {} in one run, and {} in the other", shown(one), shown(other))
            }
            Self::Hidden { one, other } => {
                write!(f, "the hash was {one:016x} in one run and {other:016x} in the other, all recorded events alike")
            }
        }
    }
}
