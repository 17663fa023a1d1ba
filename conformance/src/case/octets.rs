//! How steps write octets: hex pairs, quoted text, `..` for any octet, `*N` to repeat.
//!
//! ```text
//! ff 00*8 7f 03 ..          twelve octets, the last of them any
//! 05 "READY"                six octets
//! "a"*300                   three hundred octets
//! ```

/// A word of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// Anything without a meaning of its own.
    Word(String),
    /// Quoted text, escapes resolved.
    Text(Vec<u8>),
    /// `<`
    Open,
    /// `>`
    Close,
    /// `*N`
    Times(usize),
    /// `=`
    Equals,
    /// `,`
    Comma,
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(word) => write!(f, "`{word}`"),
            Self::Text(text) => f.write_str(&crate::wire::show(text)),
            Self::Open => f.write_str("`<`"),
            Self::Close => f.write_str("`>`"),
            Self::Times(count) => write!(f, "`*{count}`"),
            Self::Equals => f.write_str("`=`"),
            Self::Comma => f.write_str("`,`"),
        }
    }
}

/// Splits a step into words.
///
/// # Errors
/// Says what is wrong with a quoted text or a repetition.
pub fn tokens(line: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut chars = line.chars().peekable();
    while let Some(&c) = chars.peek() {
        match c {
            ' ' | '\t' => {
                chars.next();
            }
            '<' => out.extend(chars.next().map(|_| Token::Open)),
            '>' => out.extend(chars.next().map(|_| Token::Close)),
            '=' => out.extend(chars.next().map(|_| Token::Equals)),
            ',' => out.extend(chars.next().map(|_| Token::Comma)),
            '"' => {
                chars.next();
                out.push(Token::Text(quoted(&mut chars)?));
            }
            '*' => {
                chars.next();
                let count = take_word(&mut chars);
                let count = count.parse().map_err(|_| format!("expected a number after `*`, found {count:?}"))?;
                out.push(Token::Times(count));
            }
            _ => out.push(Token::Word(take_word(&mut chars))),
        }
    }
    Ok(out)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn take_word(chars: &mut Chars<'_>) -> String {
    let mut word = String::new();
    while let Some(c) = chars.next_if(|c| !matches!(c, ' ' | '\t' | '<' | '>' | '=' | ',' | '"' | '*')) {
        word.push(c);
    }
    word
}

fn quoted(chars: &mut Chars<'_>) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    loop {
        let c = chars.next().ok_or("expected a closing quote before the end of the line")?;
        match c {
            '"' => return Ok(text),
            '\\' => match chars.next() {
                Some(c @ ('"' | '\\')) => text.push(if c == '"' { b'"' } else { b'\\' }),
                Some('x') => {
                    let digits: String = chars.by_ref().take(2).collect();
                    text.extend(crate::wire::unhex(&digits)?);
                }
                other => {
                    return Err(format!("expected \\\", \\\\ or \\xNN in a text, found \\{}", other.unwrap_or(' ')));
                }
            },
            _ => text.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Octets, some of which may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pattern(Vec<Option<u8>>);

impl Pattern {
    /// Exactly these octets.
    #[must_use]
    pub fn exactly(octets: &[u8]) -> Self {
        Self(octets.iter().copied().map(Some).collect())
    }

    /// Number of octets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it asks for no octet at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `octets` are as many, and each as asked for.
    #[must_use]
    pub fn matches(&self, octets: &[u8]) -> bool {
        self.0.len() == octets.len() && self.starts(octets)
    }

    /// Whether `octets` could be the beginning of what is asked for, or of what follows it.
    #[must_use]
    pub fn starts(&self, octets: &[u8]) -> bool {
        self.0.iter().zip(octets).all(|(wanted, came)| wanted.is_none_or(|wanted| wanted == *came))
    }

    /// The octets, if each of them is given.
    #[must_use]
    pub fn literal(&self) -> Option<Vec<u8>> {
        self.0.iter().copied().collect()
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(literal) = self.literal() {
            return f.write_str(&crate::wire::show(&literal));
        }
        f.write_str("<")?;
        for (i, octet) in self.0.iter().take(48).enumerate() {
            let space = if i == 0 { "" } else { " " };
            match octet {
                Some(octet) => write!(f, "{space}{octet:02x}")?,
                None => write!(f, "{space}..")?,
            }
        }
        f.write_str(if self.0.len() > 48 { " …>" } else { ">" })
    }
}

/// Reads octets from the front of `tokens`, up to the first token that is none; returns what is left.
///
/// # Errors
/// Says which word is not made of hex pairs.
pub fn pattern(mut tokens: &[Token]) -> Result<(Pattern, &[Token]), String> {
    let mut octets: Vec<Option<u8>> = Vec::new();
    loop {
        let atom: Vec<Option<u8>> = match tokens.first() {
            Some(Token::Text(text)) => text.iter().copied().map(Some).collect(),
            Some(Token::Word(word)) if word == ".." => vec![None],
            Some(Token::Word(word)) if is_hex(word) => crate::wire::unhex(word)?.into_iter().map(Some).collect(),
            _ => return Ok((Pattern(octets), tokens)),
        };
        tokens = &tokens[1..];
        let mut times = 1;
        if let Some(Token::Times(count)) = tokens.first() {
            times = *count;
            tokens = &tokens[1..];
        }
        if atom.len().saturating_mul(times).saturating_add(octets.len()) > LONGEST {
            return Err(format!("expected at most {LONGEST} octets in one step"));
        }
        octets.extend(atom.repeat(times));
    }
}

/// Most octets that one step can write; a case that needs more is a case about something else.
const LONGEST: usize = 16 << 20;

fn is_hex(word: &str) -> bool {
    word.len().is_multiple_of(2) && word.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Pattern, String> {
        let tokens = tokens(text)?;
        let (pattern, rest) = pattern(&tokens)?;
        if rest.is_empty() { Ok(pattern) } else { Err(format!("left: {}", rest[0])) }
    }

    #[test]
    fn octets_are_hex_text_any_and_repetition() {
        assert_eq!(read("ff 00*2 \"A\\x42\"").unwrap().literal().unwrap(), b"\xff\0\0AB");
        assert_eq!(read("0102").unwrap().literal().unwrap(), b"\x01\x02");
        assert_eq!(read("\"ab\"*2").unwrap().literal().unwrap(), b"abab");
        let any = read("ff ..*2").unwrap();
        assert_eq!(any.literal(), None);
        assert!(any.matches(&[0xff, 1, 2]) && !any.matches(&[0xff, 1]) && !any.matches(&[0, 1, 2]));
        assert!(any.starts(&[0xff]) && !any.starts(&[1]));
    }

    #[test]
    fn bad_notation_is_named() {
        assert_eq!(read("\"ab"), Err("expected a closing quote before the end of the line".to_owned()));
        assert_eq!(read("00*x"), Err("expected a number after `*`, found \"x\"".to_owned()));
        assert_eq!(read("00 0g"), Err("left: `0g`".to_owned()));
        assert_eq!(read("\"\\n\""), Err("expected \\\", \\\\ or \\xNN in a text, found \\n".to_owned()));
        assert_eq!(read("00*99999999"), Err("expected at most 16777216 octets in one step".to_owned()));
    }
}
