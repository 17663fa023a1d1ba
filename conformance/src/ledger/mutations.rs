//! Mutations: rules of the reference broken on purpose, each with the tests that have been seen to fail for it.
//!
//! What a case is proved by, its saboteurs, a test of the reference is proved by these: `docs/spec/mutations/*.toml`
//! says which lines are replaced, `ci/mutations.py` replaces them and demands that the tests fail.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use include_dir::Dir;
use serde::Deserialize;

use super::load::from_toml;
use super::{Ledger, LedgerError, SPEC};

/// Folder of the ledger that holds them.
const FOLDER: &str = "mutations";

/// All mutations, in the order of their files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mutations {
    /// The mutations.
    pub list: Vec<Mutation>,
}

/// One rule, broken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    /// Permanent name.
    pub name: String,
    /// What the mutant does wrong, in words that follow "a socket that …".
    pub sin: String,
    /// Requirements that it breaks.
    pub checks: Vec<String>,
    /// File, relative to the repository.
    pub file: String,
    /// Lines of it; they occur there exactly once.
    pub find: String,
    /// What stands in their place.
    pub replace: String,
    /// Tests that fail: `package::path::of::the::test`.
    pub tests: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MutationsFile {
    #[serde(default)]
    mutation: Vec<Mutation>,
}

static EMBEDDED: LazyLock<Mutations> = LazyLock::new(|| {
    let mut files: Vec<(String, String)> = SPEC
        .get_dir(FOLDER)
        .into_iter()
        .flat_map(Dir::files)
        .filter_map(|file| Some((file.path().to_str()?.to_owned(), file.contents_utf8()?.to_owned())))
        .collect();
    files.sort();
    Mutations::parse(&files, Ledger::embedded()).expect("a test loads the embedded mutations")
});

impl Mutations {
    /// The mutations that travel inside the binary.
    #[must_use]
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Parses files, given as name and text. Whether code and tests are there is for the repository to know.
    ///
    /// # Errors
    /// A text that does not have the form, a name that comes twice, an id that is unknown, an empty field, and a
    /// replacement that changes nothing.
    pub fn parse(files: &[(String, String)], ledger: &Ledger) -> Result<Self, LedgerError> {
        let mut list = Vec::new();
        let mut names = BTreeSet::new();
        for (file, text) in files {
            let content = |why: String| LedgerError::Content { file: file.clone(), why };
            for mutation in from_toml::<MutationsFile>(file, text)?.mutation {
                let name = &mutation.name;
                if !names.insert(name.clone()) {
                    return Err(content(format!("{name:?} comes twice; names are permanent and unique")));
                }
                for id in &mutation.checks {
                    ledger.require(id).map_err(|unknown| content(format!("{name}: {unknown}")))?;
                }
                if mutation.checks.is_empty() || mutation.tests.is_empty() || mutation.sin.trim().is_empty() {
                    return Err(content(format!("{name}: expected a sin, requirements and tests, got none")));
                }
                if mutation.find.trim().is_empty() || mutation.find == mutation.replace {
                    return Err(content(format!("{name}: expected lines and others in their place, got no change")));
                }
                list.push(mutation);
            }
        }
        Ok(Self { list })
    }

    /// The mutations that break a requirement.
    pub fn of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Mutation> {
        self.list.iter().filter(move |mutation| mutation.checks.iter().any(|check| check == id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[[mutation]]\nname = \"a\"\nsin = \"s\"\nchecks = [\"ZMTP31-PING-05\"]\nfile = \"f.rs\"\n\
                        find = \"x\"\nreplace = \"y\"\ntests = [\"p::t\"]\n";

    fn parse(text: &str) -> Result<Mutations, LedgerError> {
        Mutations::parse(&[("m.toml".to_owned(), text.to_owned())], Ledger::embedded())
    }

    #[test]
    fn the_embedded_mutations_load() {
        assert!(!Mutations::embedded().list.is_empty());
    }

    #[test]
    fn a_requirement_finds_what_breaks_it() {
        let mutations = parse(GOOD).unwrap();
        assert_eq!(mutations.of("ZMTP31-PING-05").map(|found| found.name.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(mutations.of("ZMTP31-PING-06").count(), 0);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |text: &str| parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                error(&GOOD.replace("sin", "sins")),
                error(&format!("{GOOD}{GOOD}")),
                error(&GOOD.replace("PING-05", "PING-99")),
                error(&GOOD.replace("\"p::t\"", "")),
                error(&GOOD.replace("\"y\"", "\"x\"")),
            ]
            .join("\n")
        );
    }
}
