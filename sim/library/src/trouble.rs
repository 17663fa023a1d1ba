//! Which points of trouble strike: of a run's, each is on with one in four, and strikes then with one in four visits.
//!
//! So some runs have none of a kind and some have much: what is always a little there hides what is there alone. Drawn by
//! the seed, the point's name and the visit's number, so that no point disturbs another.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use zmq_reference::trouble::{self, Hook, Point};
use zmq_sim::hash::Fingerprint;

/// One in so many.
const ODDS: u64 = 4;

/// The trouble of one run, on this thread, until it is dropped.
#[derive(Debug)]
pub struct Trouble(());

impl Trouble {
    /// Of the run of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut visits: BTreeMap<Point, (bool, u64)> = BTreeMap::new();
        let hook: Hook = Box::new(move |point| {
            let (is_on, visit) = visits.entry(point).or_insert_with(|| (strikes(seed, point, 0), 0));
            *visit += 1;
            *is_on && strikes(seed, point, *visit)
        });
        trouble::set(Some(hook));
        Self(())
    }
}

impl Drop for Trouble {
    fn drop(&mut self) {
        trouble::set(None);
    }
}

fn strikes(seed: u64, point: Point, visit: u64) -> bool {
    let mut hash = Fingerprint::default();
    ("trouble", seed, point.name(), visit).hash(&mut hash);
    // The last step of SplitMix64: each bit of what went in counts.
    let mixed = hash.finish();
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)).is_multiple_of(ODDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_is_on_and_a_quarter_of_visits_strikes() {
        let on = (0..4000).filter(|seed| strikes(*seed, Point::ReadOne, 0)).count();
        let struck = (1..4000).filter(|visit| strikes(7, Point::ReadOne, *visit)).count();
        assert!((900..1100).contains(&on) && (900..1100).contains(&struck), "{on}, {struck}");
        let both = (0..4000).filter(|seed| strikes(*seed, Point::ReadOne, 0) && strikes(*seed, Point::DialFails, 0));
        assert!((200..300).contains(&both.count()), "points are drawn apart");
    }
}
