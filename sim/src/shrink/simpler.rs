//! Simpler values: shorter, earlier and rounder spans, fewer messages, options as they are by default.

use std::time::Duration;

use toml::Value;

use super::tree::{self, Path};
use crate::plan::Plan;
use crate::time::Span;

/// Which values are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    /// How many and how large.
    Numbers,
    /// When and how long.
    Spans,
    /// What need not be there.
    Optional,
}

impl Values {
    pub(super) const ALL: [Self; 3] = [Self::Numbers, Self::Spans, Self::Optional];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Numbers => "numbers",
            Self::Spans => "times",
            Self::Optional => "options",
        }
    }

    /// Where such values are.
    pub(super) fn places(self, plan: &Plan) -> Vec<Path> {
        let mut found = Vec::new();
        tree::walk(&tree::of(plan), &mut |path, value| {
            let named = path.last().is_some_and(|key| key.parse::<usize>().is_err());
            let fits = match self {
                Self::Numbers => matches!(value, Value::Integer(_)),
                Self::Spans => span(value).is_some() && !NAMES.iter().any(|name| path.iter().any(|key| key == name)),
                Self::Optional => named && !path.last().is_some_and(|key| KEPT.contains(&key.as_str())),
            };
            if fits && !path.is_empty() && !is_a_measure(path) {
                found.push(path.clone());
            }
        });
        found
    }

    /// What the value there is replaced by, one after the other, the simplest first. Each is simpler than what is there,
    /// so that shrinking comes to an end.
    pub(super) fn simpler(self, plan: &Plan, path: &Path) -> Vec<Plan> {
        let tree = tree::of(plan);
        let mut copy = tree.clone();
        let Some(value) = tree::at(&mut copy, path).cloned() else { return Vec::new() };
        let replacements: Vec<Value> = match self {
            Self::Numbers => {
                value.as_integer().map(smaller).unwrap_or_default().into_iter().map(Value::Integer).collect()
            }
            Self::Spans => {
                let shorter = span(&value).map(shorter).unwrap_or_default();
                shorter.into_iter().map(|span| Value::String(span.to_string())).collect()
            }
            Self::Optional => {
                let mut without = tree;
                tree::remove_key(&mut without, path);
                // A field that is written whatever its value cannot be left out.
                return tree::read(without).filter(|simpler| simpler != plan).into_iter().collect();
            }
        };
        let replaced = replacements.into_iter().filter_map(|value| {
            let mut tree = tree.clone();
            *tree::at(&mut tree, path)? = value;
            tree::read(tree)
        });
        replaced.collect()
    }
}

/// Texts behind these keys are names, even if they look like spans.
const NAMES: [&str; 9] = ["title", "name", "names", "topic", "topics", "subscribe", "to", "routing-id", "password"];

/// Without these a plan is not simpler, but longer or another one.
const KEPT: [&str; 4] = ["for", "limit", "heal", "title"];

/// What a run is measured by: with a shorter limit, with less patience, or with more that is promised, anything fails.
fn is_a_measure(path: &Path) -> bool {
    let of_actor = path.first().is_some_and(|key| key == "actor");
    let patience = of_actor && path.last().is_some_and(|key| key == "for" || key == "timeout");
    patience || path.first().is_some_and(|key| ["limit", "heal", "expect", "seed", "title"].contains(&key.as_str()))
}

fn span(value: &Value) -> Option<Span> {
    value.as_str().and_then(|text| text.parse().ok())
}

/// 0, 1, then up to the number by halves of the way that is left.
fn smaller(number: i64) -> Vec<i64> {
    let mut tried: Vec<i64> = [0, 1, 2].into_iter().filter(|small| *small < number).collect();
    let mut gap = number / 2;
    while gap > 0 && tried.len() < 7 {
        if !tried.contains(&(number - gap)) && number - gap > 2 {
            tried.push(number - gap);
        }
        gap /= 2;
    }
    tried
}

/// Nothing, a tenth, a half, three quarters; then the span itself with one, two and three digits.
fn shorter(span: Span) -> Vec<Span> {
    let nanos = span.0.as_nanos();
    let mut tried: Vec<u128> = Vec::new();
    let rounded = (1..=3).map(|digits| round(nanos, digits));
    for candidate in [0, round(nanos / 10, 1), round(nanos / 2, 1), round(nanos / 4 * 3, 2)].into_iter().chain(rounded)
    {
        if candidate < nanos && !tried.contains(&candidate) {
            tried.push(candidate);
        }
    }
    tried
        .into_iter()
        .filter_map(|nanos| u64::try_from(nanos).ok())
        .map(|nanos| Span(Duration::from_nanos(nanos)))
        .collect()
}

/// Rounded down to so many digits.
fn round(number: u128, digits: u32) -> u128 {
    let unit = 10_u128.pow(number.checked_ilog10().unwrap_or(0).saturating_sub(digits - 1));
    number / unit * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_down_by_halves_of_the_way() {
        assert_eq!(smaller(100), [0, 1, 2, 50, 75, 88, 94]);
        assert_eq!(smaller(3), [0, 1, 2]);
        assert_eq!(smaller(1), [0]);
        assert!(smaller(0).is_empty());
    }

    #[test]
    fn spans_come_down_and_become_round() {
        let shown =
            |text: &str| -> Vec<String> { shorter(text.parse().unwrap()).iter().map(ToString::to_string).collect() };
        assert_eq!(shown("1.234567s"), ["0s", "100ms", "600ms", "920ms", "1s", "1.2s", "1.23s"]);
        assert_eq!(shown("10ms"), ["0s", "1ms", "5ms", "7.5ms"]);
        assert!(shown("0s").is_empty());
    }
}
