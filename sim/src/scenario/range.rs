//! Ranges: `"1..100"`, `"10ms..1s"`. Both ends belong to them.

use crate::time::Span;

/// A range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    Numbers(i64, i64),
    Spans(Span, Span),
}

/// The range that a text is; `None` if it is no range. What is nearly one is an error.
pub(super) fn in_text(text: &str) -> Result<Option<Range>, String> {
    let Some((low, high)) = text.split_once("..") else { return Ok(None) };
    let (low, high) = (low.trim(), high.trim());
    let ordered = |is_ordered: bool, range: Range| {
        if is_ordered {
            Ok(Some(range))
        } else {
            Err(format!("a range goes from the smaller to the greater: \"{high}..{low}\""))
        }
    };
    match (number(low), number(high), low.parse::<Span>(), high.parse::<Span>()) {
        (Some(low), Some(high), ..) => ordered(low <= high, Range::Numbers(low, high)),
        (_, _, Ok(low), Ok(high)) => ordered(low <= high, Range::Spans(low, high)),
        (None, None, Err(_), Err(_)) => Ok(None),
        (Some(0), None, _, Ok(high)) => ordered(true, Range::Spans(Span::default(), high)),
        _one_end_only => {
            Err(format!("{text:?} is no range: expected two numbers or two spans of time, \"1..100\" or \"10ms..1s\""))
        }
    }
}

fn number(text: &str) -> Option<i64> {
    text.replace('_', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_other_texts_left_alone() {
        assert_eq!(in_text("1..1_000"), Ok(Some(Range::Numbers(1, 1000))));
        assert_eq!(in_text("-50 .. 50"), Ok(Some(Range::Numbers(-50, 50))));
        assert_eq!(in_text("10ms..1s"), Ok(Some(Range::Spans(Span::millis(10), Span::millis(1000)))));
        assert_eq!(in_text("0..1s"), Ok(Some(Range::Spans(Span::millis(0), Span::millis(1000)))));
        for text in ["tcp://*:5555", "a..b", "", "1.5s", "../x"] {
            assert_eq!(in_text(text), Ok(None), "{text}");
        }
        for text in ["1..", "..1s", "1..1s", "10ms..5", "2..1", "1s..1ms", "1ms..1sec"] {
            assert!(in_text(text).is_err(), "{text}");
        }
    }
}
