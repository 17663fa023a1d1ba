//! Texts with words in braces: `"worker{n}"`, `"tcp://worker{*}:5555"`, `"{hwm}"`.

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Plain(&'a str),
    /// A word in braces, with the letters of names right before and after it.
    Word {
        word: &'a str,
        before: &'a str,
        after: &'a str,
    },
}

/// The parts of a text. Braces around anything but a word or `*` are plain.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    let mut looked = 0;
    while let Some(open) = text[looked..].find('{').map(|at| looked + at) {
        let Some(close) = text[open..].find('}').map(|at| open + at) else { break };
        let word = &text[open + 1..close];
        if !is_word(word) {
            looked = open + 1;
            continue;
        }
        if from < open {
            pieces.push(Piece::Plain(&text[from..open]));
        }
        let before = &text[..open];
        let before = &before[before.trim_end_matches(is_of_name).len()..];
        let after = &text[close + 1..];
        let after = &after[..after.len() - after.trim_start_matches(is_of_name).len()];
        pieces.push(Piece::Word { word, before, after });
        from = close + 1;
        looked = from;
    }
    if from < text.len() || pieces.is_empty() {
        pieces.push(Piece::Plain(&text[from..]));
    }
    pieces
}

fn is_word(text: &str) -> bool {
    text == "*" || !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_with_the_name_around_them() {
        assert_eq!(pieces("plain"), [Piece::Plain("plain")]);
        assert_eq!(pieces(""), [Piece::Plain("")]);
        assert_eq!(pieces("{ no } {}"), [Piece::Plain("{ no } {}")]);
        assert_eq!(pieces("{hwm}"), [Piece::Word { word: "hwm", before: "", after: "" }]);
        assert_eq!(
            pieces("tcp://pull{*}-x:{port}"),
            [
                Piece::Plain("tcp://pull"),
                Piece::Word { word: "*", before: "pull", after: "-x" },
                Piece::Plain("-x:"),
                Piece::Word { word: "port", before: "", after: "" },
            ]
        );
    }
}
