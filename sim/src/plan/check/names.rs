//! Names, and what somebody may have meant.

use std::collections::BTreeSet;

use super::Findings;

/// Names of one list: each is a word, and there once.
pub(super) fn check_names<'a>(kind: &str, names: impl Iterator<Item = &'a str>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for (place, name) in names.enumerate() {
        findings.at(format!("{kind} {name:?}"), format!("{kind}.{place}"));
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > LONGEST || !name.chars().all(is_word) {
            findings.say(
                "name",
                format!("a name is 1 to {LONGEST} letters, digits, hyphens, underscores and points; this one is not"),
            );
        }
        if !seen.insert(name) {
            findings.say("name", format!("another {kind} has this name; give each a name of its own"));
        }
    }
}

/// What is expected where a name leads to nothing.
pub(super) fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!(" Did you mean {near:?}?"),
        None if known.is_empty() => format!(" There is no {kind} at all."),
        None => String::new(),
    };
    let others = known.len().saturating_sub(SHOWN);
    let mut list: Vec<String> = known.iter().take(SHOWN).map(|name| format!("{name:?}")).collect();
    if others > 0 {
        list.push(format!("{others} more"));
    }
    let list = if list.is_empty() { String::new() } else { format!("; there are {}", list.join(", ")) };
    format!("no {kind} has the name {name:?}{list}.{hint}")
}

/// The known word that differs from this one the least, if it is close.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let close = (word.chars().count() / 3).max(1);
    let distances = known.map(|other| (distance(&word.to_lowercase(), &other.to_lowercase()), other));
    distances.filter(|(distance, _)| *distance <= close).min_by_key(|(distance, _)| *distance).map(|(_, other)| other)
}

/// How many letters have to be put in, left out, changed or swapped with their neighbours.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![(0..=other.len()).collect::<Vec<usize>>()];
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut least = (rows[i][j] + usize::from(a != b)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

const LONGEST: usize = 64;
const SHOWN: usize = 12;
