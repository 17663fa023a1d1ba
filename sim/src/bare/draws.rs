//! Numbers drawn by key: what is drawn for one thing is the same whatever else there is.

use std::hash::{Hash, Hasher};

use crate::hash::Fingerprint;

/// The hash of a name.
pub(super) fn name(of: impl Hash) -> u64 {
    let mut hash = Fingerprint::default();
    of.hash(&mut hash);
    hash.finish()
}

/// The `n`-th number for `who`, of one purpose.
#[inline]
pub(super) fn draw(seed: u64, purpose: &str, who: u64, n: u64) -> u64 {
    let mut hash = Fingerprint::default();
    hash.fold(seed);
    purpose.hash(&mut hash);
    hash.fold(who);
    hash.fold(n);
    // The last step of SplitMix64: each bit of what went in changes half of what comes out.
    let mut mixed = hash.finish();
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_the_key_counts_and_bits_are_even() {
        let first = draw(1, "schedule", 2, 3);
        for other in
            [draw(2, "schedule", 2, 3), draw(1, "pause", 2, 3), draw(1, "schedule", 3, 3), draw(1, "schedule", 2, 4)]
        {
            assert_ne!(first, other);
        }
        let ones: u32 = (0..1000).map(|n| draw(7, "schedule", 1, n).count_ones()).sum();
        assert!((31_000..33_000).contains(&ones), "{ones} of 64,000");
    }
}
