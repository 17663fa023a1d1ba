//! Random numbers by key.
//!
//! Each purpose at each place has a sequence of its own, which begins at `(seed, purpose, a, b)`: one more packet on one
//! link leaves the draws of all others as they were. That is what lets a run be shrunk.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What is drawn. The numbers are part of what a seed means: a new purpose gets a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Latency = 1,
    Loss = 2,
    Duplicate = 3,
    Reorder = 4,
    Corrupt = 5,
    TornRead = 6,
    TornWrite = 7,
    Port = 8,
    Entropy = 9,
    Acknowledgement = 10,
}

/// One sequence of draws.
#[derive(Debug, Clone)]
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    pub(crate) fn new(seed: u64, purpose: Purpose, a: u64, b: u64) -> Self {
        let mut key = [0; 32];
        for (place, word) in key.chunks_exact_mut(8).zip([seed, purpose as u64, a, b]) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`; 0 if that is 0. The bias of the multiplication is below `bound` / 2^64.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        u64::try_from((u128::from(self.bits()) * u128::from(bound)) >> 64).expect("the product is below 2^128")
    }

    /// True with a probability of so many millionths. Draws in any case, so that a rate leaves later draws alone.
    pub(crate) fn happens(&mut self, millionths: u32) -> bool {
        self.below(1_000_000) < u64::from(millionths)
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

/// A name as a part of a key.
pub(crate) fn key_of(name: &str) -> u64 {
    join(name.bytes().map(u64::from))
}

/// Several parts of a key as one.
pub(crate) fn join(parts: impl IntoIterator<Item = u64>) -> u64 {
    let mix = |key: u64, part: u64| (key ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    parts.into_iter().fold(0xcbf2_9ce4_8422_2325, mix)
}
