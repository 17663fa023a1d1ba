//! Which of many things are needed for a failure: a search that learns from each answer.
//!
//! Each thing has a likelihood of being needed. The next things to leave out, together, are those for which the number
//! of things times the likelihood that none of them is needed is greatest. If the failure is gone without them, each is
//! more likely needed than before; a thing that was left out alone is needed for certain. At the end each thing that is
//! left was tried alone on the final rest, so no single one can be left out.

/// A search over `n` things, by their places.
#[derive(Debug)]
pub(super) struct Removal {
    left: Vec<Thing>,
}

#[derive(Debug)]
struct Thing {
    place: usize,
    /// How likely it is needed.
    needed: f64,
    /// With how many things beside it that was proved.
    proved: Option<usize>,
}

/// Above this a thing is tried alone.
const NEARLY: f64 = 0.95;

impl Removal {
    /// Over things of which each is needed with this likelihood, above 0 and below 1.
    pub(super) fn new(needed: impl IntoIterator<Item = f64>) -> Self {
        let left = needed.into_iter().enumerate().map(|(place, needed)| Thing { place, needed, proved: None });
        Self { left: left.collect() }
    }

    /// The places of things to leave out next, all from those that are left; nothing: each that is left is needed.
    pub(super) fn next(&self) -> Option<Vec<usize>> {
        let rest = self.left.len();
        let mut open: Vec<&Thing> = self.left.iter().filter(|thing| thing.proved != Some(rest)).collect();
        // What comes late is left out first where all else is equal.
        open.sort_by(|a, b| a.needed.total_cmp(&b.needed).then(b.place.cmp(&a.place)));
        let (mut none_needed, mut best, mut best_gain) = (1.0, 1, f64::MIN);
        for (count, thing) in open.iter().enumerate() {
            none_needed *= 1.0 - thing.needed.min(NEARLY);
            #[expect(clippy::cast_precision_loss, reason = "there are few things")]
            let gain = (count + 1) as f64 * none_needed;
            if gain > best_gain {
                (best, best_gain) = (count + 1, gain);
            }
        }
        open.truncate(best);
        (!open.is_empty()).then(|| open.iter().map(|thing| thing.place).collect())
    }

    /// The failure is there without them too.
    pub(super) fn not_needed(&mut self, places: &[usize]) {
        self.left.retain(|thing| !places.contains(&thing.place));
    }

    /// The failure is gone without them.
    pub(super) fn needed(&mut self, places: &[usize]) {
        let rest = self.left.len();
        let of_them = || self.left.iter().filter(|thing| places.contains(&thing.place));
        let none_needed: f64 = of_them().map(|thing| 1.0 - thing.needed.min(NEARLY)).product();
        for thing in self.left.iter_mut().filter(|thing| places.contains(&thing.place)) {
            thing.needed = (thing.needed.min(NEARLY) / (1.0 - none_needed)).min(1.0);
            if places.len() == 1 {
                (thing.needed, thing.proved) = (1.0, Some(rest));
            }
        }
    }

    /// The places of what is left.
    pub(super) fn left(&self) -> impl Iterator<Item = usize> {
        self.left.iter().map(|thing| thing.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches, and gives what is left and how often it had to ask.
    fn search(of: usize, fails: impl Fn(&[usize]) -> bool) -> (Vec<usize>, usize) {
        let mut removal = Removal::new(vec![0.05; of]);
        let mut asked = 0;
        while let Some(places) = removal.next() {
            let rest: Vec<usize> = removal.left().filter(|place| !places.contains(place)).collect();
            asked += 1;
            if fails(&rest) { removal.not_needed(&places) } else { removal.needed(&places) }
        }
        (removal.left().collect(), asked)
    }

    #[test]
    fn what_is_needed_stays_and_nothing_else() {
        let mut most = 0;
        for (one, two, three) in [(0, 1, 2), (57, 58, 59), (0, 30, 59), (7, 22, 41), (13, 13, 13)] {
            let needed = |rest: &[usize]| [one, two, three].iter().all(|place| rest.contains(place));
            let (left, asked) = search(60, needed);
            let mut expected = vec![one, two, three];
            expected.dedup();
            assert_eq!(left, expected);
            most = most.max(asked);
        }
        assert!(most <= 45, "asked {most} times");
    }

    #[test]
    fn nothing_stays_where_nothing_is_needed() {
        let (left, asked) = search(60, |_| true);
        assert!(left.is_empty() && asked < 10, "{left:?} after {asked}");
        assert_eq!(search(0, |_| true), (Vec::new(), 0));
    }

    #[test]
    fn no_single_thing_can_be_left_out_where_one_of_two_is_enough() {
        // Either of two things will do, and an even number of others is a disturbance.
        let fails = |rest: &[usize]| rest.contains(&3) || (rest.contains(&40) && rest.len() % 2 == 1);
        let (left, _) = search(60, fails);
        assert!(fails(&left));
        for place in &left {
            let rest: Vec<usize> = left.iter().copied().filter(|other| other != place).collect();
            assert!(!fails(&rest), "{place} could go from {left:?}");
        }
    }
}
