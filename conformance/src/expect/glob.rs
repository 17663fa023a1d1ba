//! Patterns over case ids: an exact id, or one with `*` for any run of characters, `/` included.

use std::fmt;

/// A pattern over case ids.
///
/// ```
/// use zmqspec::expect::Glob;
///
/// let greeting = Glob::parse("zmtp/greeting/*").unwrap();
/// assert!(greeting.matches("zmtp/greeting/torn-at-every-octet"));
/// assert!(!greeting.matches("zmtp/framing/torn-at-every-octet"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Glob(String);

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words: it is empty, or holds a character that no case id has.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("expected a case id, came an empty text".to_owned());
        }
        let foreign = |c: &char| !(c.is_ascii_alphanumeric() || "/-_.+*".contains(*c));
        match text.chars().find(foreign) {
            Some(c) => Err(format!(
                "expected a case id of letters, digits and `/-_.+`, with `*` for any characters, came {c:?} in `{text}`"
            )),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// Whether the pattern names one id and nothing else.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.0.contains('*')
    }

    /// Whether `id` as a whole fits the pattern.
    #[must_use]
    pub fn matches(&self, id: &str) -> bool {
        let (pattern, id) = (self.0.as_bytes(), id.as_bytes());
        let (mut p, mut i) = (0, 0);
        // Where to resume when a literal fails: just after the last star, one octet further into the id.
        let mut resume: Option<(usize, usize)> = None;
        while i < id.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    resume = Some((p + 1, i));
                    p += 1;
                }
                Some(c) if *c == id[i] => {
                    p += 1;
                    i += 1;
                }
                Some(_) | None => match resume {
                    Some((after_star, from)) => {
                        resume = Some((after_star, from + 1));
                        p = after_star;
                        i = from + 1;
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|c| *c == b'*')
    }

    /// Whether some id fits both patterns.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        // meet[j]: whether the rest of `a` and the rest of `b` from j have a text in common. Rows run from the end.
        let mut meet: Vec<bool> = (0..=b.len()).map(|j| b[j..].iter().all(|c| *c == b'*')).collect();
        for &left in a.iter().rev() {
            let mut row = vec![false; b.len() + 1];
            row[b.len()] = left == b'*' && meet[b.len()];
            for j in (0..b.len()).rev() {
                // A star takes nothing or one more element of the other side: either way one side moves on.
                row[j] = if left == b'*' || b[j] == b'*' { meet[j] || row[j + 1] } else { left == b[j] && meet[j + 1] };
            }
            meet = row;
        }
        meet[0]
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_takes_any_characters_and_the_slash() {
        for (pattern, id, fits) in [
            ("a/b", "a/b", true),
            ("a/b", "a/bc", false),
            ("a/*", "a/", true),
            ("a/*", "a/b/c", true),
            ("*c", "a/b/c", true),
            ("a*b*c", "axbxbyc", true),
            ("a*b*c", "axcxb", false),
            ("**", "anything", true),
        ] {
            assert_eq!(glob(pattern).matches(id), fits, "{pattern} on {id}");
        }
    }

    #[test]
    fn overlap_is_found_from_both_sides() {
        for (a, b, meet) in [
            ("a/*", "a/b", true),
            ("a/*/z", "*/b/*", true),
            ("a/*", "b/*", false),
            ("*x", "*y", false),
            ("x*", "*y", true),
            ("a", "a", true),
            ("*", "*", true),
            ("ab*", "a", false),
        ] {
            assert_eq!(glob(a).intersects(&glob(b)), meet, "{a} with {b}");
            assert_eq!(glob(b).intersects(&glob(a)), meet, "{b} with {a}");
        }
    }

    #[test]
    fn a_foreign_character_is_named() {
        assert!(Glob::parse("a/b?").unwrap_err().contains("'?'"));
        assert!(Glob::parse("").unwrap_err().contains("empty"));
    }

    proptest! {
        /// The matcher agrees with the definition written down as recursion.
        #[test]
        fn matching_agrees_with_its_definition(pattern in "[ab*]{1,8}", id in "[ab]{0,10}") {
            prop_assert_eq!(glob(&pattern).matches(&id), by_definition(pattern.as_bytes(), id.as_bytes()));
        }

        /// Whatever fits two patterns proves that they intersect.
        #[test]
        fn a_common_id_proves_an_overlap(a in "[ab*]{1,6}", b in "[ab*]{1,6}", id in "[ab]{0,8}") {
            if glob(&a).matches(&id) && glob(&b).matches(&id) {
                prop_assert!(glob(&a).intersects(&glob(&b)));
            }
        }

        /// Patterns that intersect have a common id: over two letters one no longer than both patterns suffices.
        #[test]
        fn an_overlap_has_a_common_id(a in "[ab*]{1,4}", b in "[ab*]{1,4}") {
            let common = texts_up_to(8).any(|id| glob(&a).matches(&id) && glob(&b).matches(&id));
            prop_assert_eq!(glob(&a).intersects(&glob(&b)), common);
        }
    }

    fn glob(text: &str) -> Glob {
        Glob::parse(text).unwrap()
    }

    fn by_definition(pattern: &[u8], id: &[u8]) -> bool {
        match pattern.split_first() {
            None => id.is_empty(),
            Some((b'*', rest)) => (0..=id.len()).any(|n| by_definition(rest, &id[n..])),
            Some((c, rest)) => id.first() == Some(c) && by_definition(rest, &id[1..]),
        }
    }

    fn texts_up_to(longest: u32) -> impl Iterator<Item = String> {
        (0..=longest).flat_map(|n| {
            (0..2_u32.pow(n)).map(move |bits| (0..n).map(|i| if bits >> i & 1 == 0 { 'a' } else { 'b' }).collect())
        })
    }
}
