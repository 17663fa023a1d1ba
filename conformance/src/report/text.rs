//! Lines for people: wrapping, quoting, and making foreign text harmless.

/// Words wrapped to lines of at most `width` characters. A longer word is broken; line breaks in the text stay.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            for piece in chunks(word, width) {
                let needed = line.chars().count() + usize::from(!line.is_empty()) + piece.chars().count();
                if needed > width {
                    lines.push(std::mem::take(&mut line));
                }
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(&piece);
            }
        }
        lines.push(line);
    }
    lines
}

/// A text cut into pieces of at most `width` characters, spaces kept.
pub(super) fn chunks(text: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    if characters.is_empty() {
        return vec![String::new()];
    }
    characters.chunks(width.max(1)).map(|piece| piece.iter().collect()).collect()
}

/// Foreign text with its control characters made visible, so that a subject cannot steer the reader's terminal.
/// Line breaks stay.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push(c),
            '\t' => out.push(' '),
            // Directional marks reorder what a terminal shows.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.extend(c.escape_unicode()),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

/// A word as a POSIX shell reads it back.
///
/// ```
/// assert_eq!(zmqspec::report::shell_quote("libzmq@4.3.5"), "libzmq@4.3.5");
/// assert_eq!(zmqspec::report::shell_quote("exec:python3 it's.py"), r"'exec:python3 it'\''s.py'");
/// ```
#[must_use]
pub fn shell_quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.,:@=+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// `1 case run`, `2 case runs`.
pub(crate) fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// At most `limit` lines; the last then says how many are left out.
pub(super) fn at_most(lines: &mut Vec<String>, limit: usize) {
    if lines.len() > limit {
        let left_out = lines.len() - limit + 1;
        lines.truncate(limit.saturating_sub(1));
        lines.push(format!("… {}", counted(left_out, "more line")));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(printable("a\u{1b}[2Jb\r\u{7}\tc\nd\u{202e}"), "a\\u{1b}[2Jb\\r\\u{7} c\nd\\u{202e}");
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let mut lines: Vec<String> = (1..=5).map(|n| n.to_string()).collect();
        at_most(&mut lines, 5);
        assert_eq!(lines.len(), 5);
        at_most(&mut lines, 3);
        assert_eq!(lines, ["1", "2", "… 3 more lines"]);
    }

    proptest! {
        /// No line is longer than the width, and no word gets lost.
        #[test]
        fn wrapping_keeps_words_and_the_width(text in "[a-z \n]{0,80}", width in 1_usize..20) {
            let lines = wrap(&text, width);
            prop_assert!(lines.iter().all(|line| line.chars().count() <= width));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }

        /// A shell that joins adjacent quoted pieces reads the word back.
        #[test]
        fn quoting_is_undone_by_a_shell(word in "[ -~]{0,20}") {
            prop_assert_eq!(unquote(&shell_quote(&word)), word);
        }
    }

    /// As a POSIX shell reads single quotes and backslashes.
    fn unquote(text: &str) -> String {
        let mut out = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\'' => out.extend(chars.by_ref().take_while(|c| *c != '\'')),
                '\\' => out.extend(chars.next()),
                c => out.push(c),
            }
        }
        out
    }
}
