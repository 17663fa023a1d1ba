//! Randomness by key: a draw is a function of the seed, what it is for, whom it concerns, and how many it had before.
//! So a fault that is taken away leaves every other draw as it was.

/// What a draw is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Purpose {
    Thread = 1,
    Stay,
    Weight,
    Cost,
    Signal,
    Entropy,
    Rand,
    Port,
    Name,
    Torn,
    Delay,
    Interrupt,
    Refuse,
    Accept,
    Cut,
    ClockJump,
    Spurious,
    Order,
    Locks,
}

/// The seed of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x7a6d_7173_7065_6321))
    }

    /// 64 random bits for this key.
    pub(crate) fn draw(self, purpose: Purpose, whom: u64, number: u64) -> u64 {
        let key = mix(self.0 ^ (purpose as u64).wrapping_mul(0xd6e8_feb8_6659_fd93) ^ whom.rotate_left(32));
        mix(key.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A number below `limit`, which is not zero.
    pub(crate) fn below(self, limit: u64, purpose: Purpose, whom: u64, number: u64) -> u64 {
        let wide = u128::from(self.draw(purpose, whom, number)) * u128::from(limit);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Whether something happens that happens `rate` times in 65,536.
    pub(crate) fn happens(self, rate: u32, purpose: Purpose, whom: u64, number: u64) -> bool {
        rate != 0 && (self.draw(purpose, whom, number) >> 48) < u64::from(rate)
    }
}

/// A bijection of 64 bits whose output looks random.
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 32)).wrapping_mul(0xe983_5f6a_0d4a_2b6d);
    let value = (value ^ (value >> 29)).wrapping_mul(0x9fb2_1c65_1e98_df25);
    value ^ (value >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_below_a_limit_stay_below_it_and_reach_every_number() {
        let seed = Seed::new(1);
        let mut seen = [0_u32; 7];
        for number in 0..7000 {
            seen[usize::try_from(seed.below(7, Purpose::Thread, 3, number)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|times| (800..1200).contains(times)), "{seen:?}");
    }

    #[test]
    fn each_part_of_the_key_matters() {
        let seed = Seed::new(1);
        let all = [
            seed.draw(Purpose::Thread, 0, 0),
            seed.draw(Purpose::Thread, 0, 1),
            seed.draw(Purpose::Thread, 1, 0),
            seed.draw(Purpose::Stay, 0, 0),
            Seed::new(2).draw(Purpose::Thread, 0, 0),
        ];
        for (n, one) in all.iter().enumerate() {
            assert!(all[..n].iter().all(|other| other != one), "{all:?}");
        }
    }

    #[test]
    fn rates_are_met() {
        let seed = Seed::new(9);
        let times = (0..65_536).filter(|n| seed.happens(6554, Purpose::Torn, 0, *n)).count();
        assert!((6200..6900).contains(&times), "{times}");
    }
}
