//! Medians and quartiles.

use serde::Serialize;

/// A few numbers, summed up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) quartiles: [f64; 2],
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// `None` of none.
pub(crate) fn summary(values: &[f64]) -> Option<Summary> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (&min, &max) = (sorted.first()?, sorted.last()?);
    Some(Summary { median: quantile(&sorted, 2), quartiles: [quantile(&sorted, 1), quantile(&sorted, 3)], min, max })
}

/// So many quarters of the way through, between the two nearest in proportion.
fn quantile(sorted: &[f64], quarters: usize) -> f64 {
    let place = (sorted.len() - 1) * quarters;
    let below = sorted[place / 4];
    let above = sorted[(place / 4 + 1).min(sorted.len() - 1)];
    let part = match place % 4 {
        0 => 0.0,
        1 => 0.25,
        2 => 0.5,
        _ => 0.75,
    };
    below + (above - below) * part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between() {
        let of = |values: &[f64]| summary(values).unwrap();
        assert_eq!(summary(&[]), None);
        assert_eq!(of(&[3.0]), Summary { median: 3.0, quartiles: [3.0, 3.0], min: 3.0, max: 3.0 });
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), Summary { median: 2.5, quartiles: [1.75, 3.25], min: 1.0, max: 4.0 });
        assert_eq!(of(&[5.0, 1.0, 2.0, 3.0, 4.0]).quartiles, [2.0, 4.0]);
    }
}
