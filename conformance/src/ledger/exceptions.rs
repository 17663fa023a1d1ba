//! Written exceptions: binding requirements that the suite cannot examine yet, and why.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use serde::Deserialize;

use super::load::from_toml;
use super::{EXCEPTIONS_FILE, Ledger, LedgerError, SPEC};

/// All exceptions, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exceptions {
    /// The exceptions.
    pub list: Vec<Exception>,
}

/// One requirement that the suite cannot examine yet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Id of the requirement.
    pub id: String,
    /// Why it cannot be examined.
    pub reason: String,
    /// What has to come first: `PLAIN`, `CURVE`, `draft sockets` …
    pub until: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExceptionsFile {
    #[serde(default)]
    exception: Vec<Exception>,
}

static EMBEDDED: LazyLock<Exceptions> = LazyLock::new(|| {
    let text = SPEC.get_file(EXCEPTIONS_FILE).and_then(include_dir::File::contents_utf8).unwrap_or_default();
    Exceptions::parse(EXCEPTIONS_FILE, text, Ledger::embedded()).expect("a test loads the embedded exceptions")
});

impl Exceptions {
    /// The exceptions that travel inside the binary.
    #[must_use]
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Loads a file of exceptions and holds it against the ledger.
    ///
    /// # Errors
    /// As [`Exceptions::parse`], and if the file cannot be read.
    pub fn load(path: impl AsRef<Path>, ledger: &Ledger) -> Result<Self, LedgerError> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|error| LedgerError::Unreadable { path: shown.clone(), why: error.to_string() })?;
        Self::parse(&shown, &text, ledger)
    }

    /// Parses a text; `file` stands in errors.
    ///
    /// # Errors
    /// A text that does not have the form, an id that is unknown or comes twice, an empty reason or `until`.
    pub fn parse(file: &str, text: &str, ledger: &Ledger) -> Result<Self, LedgerError> {
        let list = from_toml::<ExceptionsFile>(file, text)?.exception;
        let content = |why: String| LedgerError::Content { file: file.to_owned(), why };
        let mut seen = BTreeSet::new();
        for exception in &list {
            let id = &exception.id;
            ledger.require(id).map_err(|unknown| content(unknown.to_string()))?;
            if !seen.insert(id) {
                return Err(content(format!("{id} is excepted twice; one entry per requirement")));
            }
            if exception.reason.trim().is_empty() || exception.until.trim().is_empty() {
                return Err(content(format!("{id}: expected a reason and what it waits for in `until`, got none")));
            }
        }
        Ok(Self { list })
    }

    /// The exception of a requirement.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Exception> {
        self.list.iter().find(|exception| exception.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Check, Level};
    use super::*;

    #[test]
    fn every_exception_is_for_something_binding_that_can_be_checked() {
        for exception in &Exceptions::embedded().list {
            let entry = Ledger::embedded().require(&exception.id).unwrap();
            assert!(matches!(entry.level, Level::Must | Level::Grammar), "{}", entry.id);
            assert_ne!(entry.check, Check::Untestable, "{}", entry.id);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |text: &str| Exceptions::parse("e.toml", text, Ledger::embedded()).unwrap_err().to_string();
        let one = |id: &str| format!("[[exception]]\nid = \"{id}\"\nreason = \"r\"\nuntil = \"u\"\n");
        let good = one("ZMTP31-MECH-10");
        assert!(Exceptions::parse("e.toml", &good, Ledger::embedded()).unwrap().find("ZMTP31-MECH-10").is_some());
        insta::assert_snapshot!(
            [
                error("[[exception]]\nid = 5\n"),
                error(&one("ZMTP31-MECH-1")),
                error(&format!("{good}{good}")),
                error(&good.replace("\"r\"", "\" \"")),
                error(&good.replace("until", "till")),
            ]
            .join("\n")
        );
    }
}
