//! Who draws: a seed, or somebody who goes through the corners of all ranges.

use crate::draw::Draws;
use crate::time::Span;

/// Draws for keys.
#[derive(Debug, Clone, Copy)]
pub(super) enum Chooser {
    /// What the seed says.
    Seed(u64),
    /// The ends of ranges and each alternative in turn: to see whether a scenario makes sense wherever it is drawn.
    Corner(usize),
}

/// How a range is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// Each value as likely.
    Even,
    /// Each order of magnitude as likely.
    Logarithmic,
}

impl Chooser {
    pub(super) fn number(self, key: &str, low: i64, high: i64, scale: Scale) -> i64 {
        match (self, scale) {
            (Self::Corner(corner), _) => {
                if corner.is_multiple_of(2) {
                    low
                } else {
                    high
                }
            }
            (Self::Seed(seed), Scale::Logarithmic) if low >= 0 => {
                let drawn = Draws::new(seed, key).between_logarithmic(low.unsigned_abs(), high.unsigned_abs());
                i64::try_from(drawn).unwrap_or(high)
            }
            (Self::Seed(seed), Scale::Even | Scale::Logarithmic) => {
                let drawn = Draws::new(seed, key).between(0, high.abs_diff(low));
                low.saturating_add_unsigned(drawn)
            }
        }
    }

    pub(super) fn span(self, key: &str, low: Span, high: Span, scale: Scale) -> Span {
        match (self, scale) {
            (Self::Corner(corner), _) => {
                if corner.is_multiple_of(2) {
                    low
                } else {
                    high
                }
            }
            (Self::Seed(seed), Scale::Even) => Draws::new(seed, key).span(low, high),
            (Self::Seed(seed), Scale::Logarithmic) => Draws::new(seed, key).span_logarithmic(low, high),
        }
    }

    /// One of so many alternatives, each as likely as its weight.
    pub(super) fn pick(self, key: &str, weights: &[u64]) -> usize {
        match self {
            Self::Corner(corner) => corner / 2 % weights.len(),
            Self::Seed(seed) => {
                let mut left = Draws::new(seed, key).below(weights.iter().sum());
                for (index, weight) in weights.iter().enumerate() {
                    if left < *weight {
                        return index;
                    }
                    left -= weight;
                }
                weights.len() - 1
            }
        }
    }

    pub(super) fn happens(self, key: &str, percent: u32) -> bool {
        match self {
            Self::Corner(corner) => corner % 4 != 3,
            Self::Seed(seed) => Draws::new(seed, key).percent(percent),
        }
    }

    /// The seed under which something is drawn as a whole.
    pub(super) fn seed(self) -> u64 {
        match self {
            Self::Seed(seed) => seed,
            Self::Corner(corner) => corner as u64,
        }
    }
}
