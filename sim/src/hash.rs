//! The hash of what happened: the same in every process and on every machine.

use std::hash::Hasher;

/// A running hash of 64 bits. Not for keys that somebody else chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64);

/// An odd number without a pattern.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Default for Fingerprint {
    fn default() -> Self {
        Self(FACTOR)
    }
}

impl Fingerprint {
    /// Takes a number in.
    pub const fn fold(&mut self, number: u64) {
        let product = (self.0 ^ number) as u128 * FACTOR as u128;
        #[expect(clippy::cast_possible_truncation, reason = "both halves are folded")]
        let folded = product as u64 ^ (product >> 64) as u64;
        self.0 = folded.rotate_left(23).wrapping_add(number);
    }
}

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for eight in octets.chunks(8) {
            let mut padded = [0; 8];
            padded[..eight.len()].copy_from_slice(eight);
            self.fold(u64::from_le_bytes(padded));
        }
    }

    // Numbers in one order of octets, whatever the machine's.
    fn write_u8(&mut self, number: u8) {
        self.fold(number.into());
    }

    fn write_u16(&mut self, number: u16) {
        self.fold(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.fold(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.fold(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.fold(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        #[expect(clippy::cast_sign_loss, reason = "only told apart from others")]
        self.fold(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::hash::Hash;

    use super::*;

    fn of(value: impl Hash) -> u64 {
        let mut hash = Fingerprint::default();
        value.hash(&mut hash);
        hash.finish()
    }

    #[test]
    fn it_is_the_same_everywhere() {
        assert_eq!(of("what happened"), 10_450_903_791_470_244_715);
    }

    #[test]
    fn order_length_and_content_count() {
        let all = [of((1_u8, 2_u8)), of((2_u8, 1_u8)), of("ab"), of("abc"), of(("a", "b")), of(("ab", "")), of(0_u64)];
        for (place, one) in all.iter().enumerate() {
            assert!(!all[place + 1..].contains(one), "{place}");
        }
    }
}
