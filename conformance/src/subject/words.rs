//! A command line split into words as a shell does, without anything else that a shell does.

/// Splits at white space; `'…'` keeps everything, `"…"` everything but `\"` and `\\`, and `\x` outside of quotes is `x`.
pub(super) fn split(command: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = command.chars();
    while let Some(character) = characters.next() {
        match character {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('\'') => break,
                        Some(other) => word.push(other),
                        None => return Err("a single quote is not closed".into()),
                    }
                }
            }
            '"' => quoted(&mut characters, word.get_or_insert_default())?,
            '\\' => match characters.next() {
                Some(escaped) => word.get_or_insert_default().push(escaped),
                None => return Err("a backslash at the end escapes nothing".into()),
            },
            space if space.is_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(characters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), String> {
    loop {
        match characters.next() {
            Some('"') => return Ok(()),
            Some('\\') => match characters.next() {
                Some(escaped @ ('"' | '\\')) => word.push(escaped),
                Some(other) => word.extend(['\\', other]),
                None => break,
            },
            Some(other) => word.push(other),
            None => break,
        }
    }
    Err("a double quote is not closed".into())
}

/// A command line that [`split`] takes apart into these words again.
pub(super) fn join(words: &[String]) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./=:,+@%".contains(character);
    let quoted: Vec<String> = words
        .iter()
        .map(|word| match word.as_str() {
            "" => "''".to_owned(),
            word if word.chars().all(plain) => word.to_owned(),
            word => format!("'{}'", word.replace('\'', r"'\''")),
        })
        .collect();
    quoted.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quotes_and_backslashes_mean_what_they_mean_in_a_shell() {
        assert_eq!(
            split(r#"a  'b c' "d \"e\" \f" g\ h '' i'j'k"#).unwrap(),
            ["a", "b c", r#"d "e" \f"#, "g h", "", "ijk"]
        );
        for broken in ["'a", "\"a", "a\\", "\"a\\"] {
            assert!(split(broken).is_err(), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn words_survive_joining(words in proptest::collection::vec(".{0,8}", 0..5)) {
            prop_assert_eq!(split(&join(&words)).unwrap(), words);
        }
    }
}
