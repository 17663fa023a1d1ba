//! What is left of a sentence while it is read, and the small pieces that sentences are made of.

use super::octets::{Pattern, Token, pattern};
use super::step::{FramePattern, FrameValue};
use crate::wire::greeting::Version;

/// What is left of a sentence.
pub(super) struct Words<'a> {
    pub(super) rest: &'a [Token],
}

impl<'a> Words<'a> {
    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn end(&self) -> Result<(), String> {
        self.rest.first().map_or(Ok(()), |token| Err(format!("expected the end of the step, found {token}")))
    }

    pub(super) fn next(&mut self, expected: &str) -> Result<&'a Token, String> {
        let (first, rest) = self.rest.split_first().ok_or_else(|| format!("expected {expected}, found the end"))?;
        self.rest = rest;
        Ok(first)
    }

    pub(super) fn word(&mut self, expected: &str) -> Result<String, String> {
        match self.next(expected)? {
            Token::Word(word) => Ok(word.clone()),
            other => Err(format!("expected {expected}, found {other}")),
        }
    }

    pub(super) fn word_or_text(&mut self, expected: &str) -> Result<String, String> {
        match self.next(expected)? {
            Token::Word(word) => Ok(word.clone()),
            Token::Text(text) => Ok(String::from_utf8_lossy(text).into_owned()),
            other => Err(format!("expected {expected}, found {other}")),
        }
    }

    pub(super) fn text(&mut self, expected: &str) -> Result<Vec<u8>, String> {
        match self.next(expected)? {
            Token::Text(text) => Ok(text.clone()),
            other => Err(format!("expected {expected}, found {other}")),
        }
    }

    pub(super) fn one_of<'w>(&mut self, words: &[&'w str]) -> Result<&'w str, String> {
        let list = || words.join(", ");
        match self.rest.first() {
            Some(Token::Word(word)) => {
                let found = words.iter().find(|known| *known == word);
                let found = found.ok_or_else(|| format!("expected one of {}, found `{word}`", list()))?;
                self.rest = &self.rest[1..];
                Ok(found)
            }
            Some(other) => Err(format!("expected one of {}, found {other}", list())),
            None => Err(format!("expected one of {}, found the end", list())),
        }
    }

    pub(super) fn maybe(&mut self, word: &str) -> bool {
        let there = matches!(self.rest.first(), Some(Token::Word(next)) if next == word);
        if there {
            self.rest = &self.rest[1..];
        }
        there
    }

    pub(super) fn expect(&mut self, word: &str) -> Result<(), String> {
        self.one_of(&[word]).map(|_| ())
    }

    pub(super) fn equals(&mut self) -> Result<(), String> {
        match self.next("`=`")? {
            Token::Equals => Ok(()),
            other => Err(format!("expected `=`, found {other}")),
        }
    }

    pub(super) fn comma(&mut self) -> bool {
        let there = self.rest.first() == Some(&Token::Comma);
        if there {
            self.rest = &self.rest[1..];
        }
        there
    }

    pub(super) fn next_is_number(&self) -> bool {
        matches!(self.rest, [Token::Word(word), Token::Word(_), ..] if word.parse::<usize>().is_ok())
    }

    pub(super) fn number(&mut self) -> Result<usize, String> {
        let word = self.word("a number")?;
        word.parse().map_err(|_| format!("expected a number, found `{word}`"))
    }

    pub(super) fn version(&mut self) -> Result<Version, String> {
        self.word("a version such as 3.1")?.parse()
    }

    /// One group of octets: `"text"`, `"text"*N` or `<…>`.
    pub(super) fn octet_pattern(&mut self) -> Result<Pattern, String> {
        match self.rest.first() {
            Some(Token::Open) => {
                let (octets, rest) = pattern(&self.rest[1..])?;
                match rest.split_first() {
                    Some((Token::Close, rest)) => self.rest = rest,
                    Some((other, _)) => return Err(format!("expected hex pairs, text or `>`, found {other}")),
                    None => return Err("expected `>`, found the end".to_owned()),
                }
                Ok(octets)
            }
            Some(Token::Text(_)) => {
                let length = if matches!(self.rest.get(1), Some(Token::Times(_))) { 2 } else { 1 };
                let (group, rest) = self.rest.split_at(length);
                self.rest = rest;
                Ok(pattern(group)?.0)
            }
            Some(other) => Err(format!("expected \"text\" or <octets>, found {other}")),
            None => Err("expected \"text\" or <octets>, found the end".to_owned()),
        }
    }

    pub(super) fn octets(&mut self) -> Result<Vec<u8>, String> {
        self.octet_pattern()?.literal().ok_or_else(|| "expected definite octets, found `..`".to_owned())
    }

    /// Octets without brackets, up to a word that is none.
    pub(super) fn pattern_run(&mut self) -> Result<Pattern, String> {
        let (octets, rest) = pattern(self.rest)?;
        if octets.is_empty() {
            let found = self.rest.first().map_or_else(|| "the end".to_owned(), ToString::to_string);
            return Err(format!("expected octets, found {found}"));
        }
        self.rest = rest;
        Ok(octets)
    }

    pub(super) fn octets_run(&mut self) -> Result<Vec<u8>, String> {
        self.pattern_run()?.literal().ok_or_else(|| "expected definite octets, found `..`".to_owned())
    }

    /// Exactly `N` octets: a group, or text padded with zeros.
    pub(super) fn exactly<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut octets = self.octets()?;
        if octets.len() < N && N == 20 {
            octets.resize(N, 0);
        }
        <[u8; N]>::try_from(octets.as_slice()).map_err(|_| format!("expected {N} octets, found {}", octets.len()))
    }

    pub(super) fn frame_value(&mut self) -> Result<FrameValue, String> {
        if let Some(Token::Word(word)) = self.rest.first()
            && let Some(name) = word.strip_prefix('$')
        {
            self.rest = &self.rest[1..];
            return Ok(FrameValue::Captured(name.to_owned()));
        }
        self.octets().map(FrameValue::Octets)
    }

    pub(super) fn frame_pattern(&mut self) -> Result<FramePattern, String> {
        if let Some(Token::Word(word)) = self.rest.first() {
            let found = if word == "_" {
                Some(FramePattern::Any)
            } else {
                word.strip_prefix('$').map(|name| FramePattern::Capture(name.to_owned()))
            };
            if let Some(found) = found {
                self.rest = &self.rest[1..];
                return Ok(found);
            }
        }
        self.octet_pattern().map(FramePattern::Octets)
    }

    pub(super) fn starts_frame(&self) -> bool {
        match self.rest.first() {
            Some(Token::Text(_) | Token::Open) => true,
            Some(Token::Word(word)) => word == "_" || word.starts_with('$'),
            Some(Token::Close | Token::Times(_) | Token::Equals | Token::Comma) | None => false,
        }
    }

    pub(super) fn frame_values(&mut self) -> Result<Vec<FrameValue>, String> {
        let mut frames = vec![self.frame_value()?];
        while self.starts_frame() {
            frames.push(self.frame_value()?);
        }
        Ok(frames)
    }

    pub(super) fn frame_patterns(&mut self) -> Result<Vec<FramePattern>, String> {
        let mut frames = vec![self.frame_pattern()?];
        while self.starts_frame() {
            frames.push(self.frame_pattern()?);
        }
        Ok(frames)
    }
}
