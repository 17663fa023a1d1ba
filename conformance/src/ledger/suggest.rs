//! What may have been meant by an id that does not exist.

/// Up to three of the candidates, nearest first; a candidate that differs in more than a quarter is no suggestion.
pub(super) fn near<'a>(id: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = id.to_ascii_uppercase();
    let allowed = (wanted.len() / 4).clamp(1, 4);
    let mut ranked: Vec<(usize, &str)> = candidates
        .map(|candidate| (distance(&wanted, &candidate.to_ascii_uppercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().take(3).map(|(_, candidate)| candidate.to_owned()).collect()
}

/// The end of an error text: `; did you mean A, B or C?`, or nothing.
pub(super) fn did_you_mean(near: &[String]) -> String {
    match near {
        [] => String::new(),
        [one] => format!("; did you mean {one}?"),
        [first @ .., last] => format!("; did you mean {} or {last}?", first.join(", ")),
    }
}

/// Edit distance: insertions, deletions and replacements of one octet.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let above = *cell;
            left = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("abc", "axc", 1)] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
        for (a, b, expected) in [("kitten", "sitting", 3), ("ab", "ba", 2), ("flaw", "lawn", 2)] {
            assert_eq!((distance(a, b), distance(b, a)), (expected, expected), "{a} {b}");
        }
    }
}
