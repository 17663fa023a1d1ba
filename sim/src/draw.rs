//! Draws by key.
//!
//! What is drawn for one thing depends on the seed and on that thing's own key, and on nothing that was drawn before: one
//! more line in a scenario, one fault fewer in a plan, and everything else stays as it was. The numbers are made here
//! rather than by a library, so that no update changes what a seed means.

use std::time::Duration;

use crate::time::Span;

/// A sequence of draws for one key.
#[derive(Debug, Clone)]
pub struct Draws {
    state: u64,
}

impl Draws {
    /// The sequence of a key under a seed.
    #[must_use]
    pub fn new(seed: u64, key: &str) -> Self {
        let mut state = OFFSET ^ mixed(seed.wrapping_add(STEP));
        for octet in key.bytes() {
            state = (state ^ u64::from(octet)).wrapping_mul(PRIME);
        }
        Self { state: mixed(state) }
    }

    /// 64 bits (`SplitMix64`).
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mixed(self.state)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        u64::try_from((u128::from(self.bits()) * u128::from(bound)) >> 64).expect("the product is below 2^128")
    }

    /// A number from `low` to `high`, both included; `low` if they are not in that order.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        match high.saturating_sub(low).checked_add(1) {
            Some(width) => low + self.below(width),
            None => self.bits(),
        }
    }

    /// As [`Self::between`], with each order of magnitude as likely as the others. Below 1 there is only 0, which counts
    /// as one more of them.
    pub fn between_logarithmic(&mut self, low: u64, high: u64) -> u64 {
        if high <= low {
            return low;
        }
        // Powers of two instead of logarithms: floating-point functions are not the same everywhere.
        let (first, last) = (u64::from(bits_of(low)), u64::from(bits_of(high)));
        let bits = self.between(first, last);
        let least = if bits == 0 { 0 } else { 1 << (bits - 1) };
        let most = if bits == 0 { 0 } else { (1_u64 << (bits - 1)) - 1 + (1 << (bits - 1)) };
        self.between(low.max(least), high.min(most))
    }

    /// True with a probability of so many hundredths. Draws in any case.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < u64::from(percent)
    }

    /// One of them, each as likely.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).expect("an index")]
    }

    /// Another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, usize::try_from(self.below(last as u64 + 1)).expect("an index"));
        }
    }

    /// A span from `low` to `high`, of about three digits.
    pub fn span(&mut self, low: Span, high: Span) -> Span {
        let (low, high) = (nanos(low), nanos(high));
        let step = step_of(high.saturating_sub(low));
        let steps = high.saturating_sub(low) / step;
        Span(Duration::from_nanos(low + self.between(0, steps) * step))
    }

    /// As [`Self::span`], with each order of magnitude as likely as the others. From nothing it begins at a microsecond.
    pub fn span_logarithmic(&mut self, low: Span, high: Span) -> Span {
        let drawn = self.between_logarithmic(nanos(low).max(1000), nanos(high));
        let step = step_of(drawn);
        Span(Duration::from_nanos((drawn / step * step).clamp(nanos(low), nanos(high).max(nanos(low)))))
    }
}

/// Numbers are written with about three digits: the step between two neighbours.
fn step_of(width: u64) -> u64 {
    10_u64.pow((width.max(1).ilog10()).saturating_sub(2))
}

const fn bits_of(number: u64) -> u32 {
    u64::BITS - number.leading_zeros()
}

fn nanos(span: Span) -> u64 {
    u64::try_from(span.0.as_nanos()).unwrap_or(u64::MAX)
}

const fn mixed(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_seed_and_a_key_draw_never_changes() {
        let mut draws = Draws::new(7, "host.office.clock-drift");
        let drawn: Vec<u64> = (0..4).map(|_| draws.below(1000)).collect();
        assert_eq!(drawn, DRAWN);
    }

    const DRAWN: [u64; 4] = [503, 857, 731, 911];

    #[test]
    fn keys_and_seeds_are_independent() {
        let first = |seed, key: &str| Draws::new(seed, key).bits();
        let mut all: Vec<u64> = (0..100).flat_map(|seed| ["a", "b", "a.b", ""].map(|key| first(seed, key))).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 400);
    }

    #[test]
    fn ranges_hold_both_ends_and_nothing_else() {
        let mut draws = Draws::new(1, "range");
        let mut seen = [false; 4];
        for _ in 0..200 {
            let drawn = draws.between(3, 6);
            assert!((3..=6).contains(&drawn));
            seen[usize::try_from(drawn - 3).unwrap()] = true;
            let drawn = draws.between_logarithmic(0, 1000);
            assert!(drawn <= 1000);
            let drawn = draws.span(Span::millis(10), Span::millis(1000));
            assert!((Span::millis(10)..=Span::millis(1000)).contains(&drawn), "{drawn}");
            let drawn = draws.span_logarithmic(Span::millis(0), Span::millis(1000));
            assert!(drawn <= Span::millis(1000) && drawn > Span::millis(0), "{drawn}");
        }
        assert_eq!(seen, [true; 4]);
        assert_eq!(draws.between(5, 5), 5);
    }

    #[test]
    fn orders_of_magnitude_are_equally_likely() {
        let mut draws = Draws::new(1, "logarithmic");
        let small = (0..1000).filter(|_| draws.between_logarithmic(1, 1_000_000) < 1000).count();
        assert!((400..600).contains(&small), "{small} of 1000");
    }
}
