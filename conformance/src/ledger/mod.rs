//! The requirement ledger: every normative statement of the RFCs under a permanent id.
//!
//! The data is `docs/spec/*.toml`, one file per RFC, embedded in the binary and loadable from a directory.
//! [`exceptions`] holds what cannot be examined yet, [`mutations`] what proves the tests of the reference, [`explain()`]
//! tells one entry or case in full, and [`coverage()`] says which entries are tested, excepted or open.

pub mod coverage;
pub mod exceptions;
pub mod explain;
mod load;
pub mod mutations;
pub(crate) mod suggest;

use std::fmt;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};

pub use coverage::{Coverage, Listing, Options, Standing, coverage};
pub use exceptions::{Exception, Exceptions};
pub use explain::explain;
pub use load::LedgerError;
pub use mutations::{Mutation, Mutations};

static SPEC: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../docs/spec");

static EMBEDDED: LazyLock<Ledger> =
    LazyLock::new(|| Ledger::parse(&embedded_files()).expect("a test loads the embedded ledger"));

/// File of the directory that holds exceptions instead of requirements.
const EXCEPTIONS_FILE: &str = "exceptions.toml";

/// All RFCs, sorted by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// The RFCs.
    pub rfcs: Vec<Rfc>,
}

/// One RFC and its requirements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rfc {
    /// Its number: 37.
    pub number: u16,
    /// Its name: `ZMTP 3.1`.
    pub name: String,
    /// File it was read from.
    pub file: String,
    /// Its requirements in the order of the text.
    pub requirements: Vec<Requirement>,
}

/// One normative statement or grammar production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Permanent id: `ZMTP31-READY-02`.
    pub id: String,
    /// Number of its RFC.
    pub rfc: u16,
    /// Heading under which it stands.
    pub section: String,
    /// How binding it is.
    pub level: Level,
    /// Whom it binds, in words.
    pub role: String,
    /// How it can be examined.
    pub check: Check,
    /// The statement in our words.
    pub text: String,
    /// How to examine it.
    pub how: String,
}

/// How binding a requirement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// MUST, SHALL and their negations.
    Must,
    /// A production of the wire grammar: as binding as a MUST.
    Grammar,
    /// SHOULD, RECOMMENDED.
    Should,
    /// MAY, OPTIONAL.
    May,
}

/// How a requirement can be examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// From the wire, by a raw peer.
    Wire,
    /// Through the calls of the implementation.
    Api,
    /// Under faults and a clock that the harness holds.
    Sim,
    /// Not at all: permissions, process rules, advice.
    Untestable,
}

/// A case, as far as the ledger needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CaseRef {
    /// Permanent id: `zmtp/greeting/torn-at-every-octet`.
    pub id: String,
    /// The case in one sentence.
    pub title: String,
    /// Ids of the requirements that it checks.
    pub requirements: Vec<String>,
    /// Adjudication class: `spec`, `defacto`, `either` or `robust`.
    pub class: String,
    /// Whether it is reported without gating.
    pub provisional: bool,
    /// Mutants of the clause that the case has failed.
    pub killed_by: Vec<String>,
    /// File that defines it, relative to the repository.
    pub source: String,
}

/// No entry has the id. The message ends with ids that look like it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, got {id:?}{}", suggest::did_you_mean(.near))]
pub struct Unknown {
    /// What kind of id was looked for.
    pub expected: &'static str,
    /// What came.
    pub id: String,
    /// Ids at a small edit distance, nearest first.
    pub near: Vec<String>,
}

impl Ledger {
    /// The ledger that travels inside the binary.
    #[must_use]
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Every requirement, in the order of RFC numbers.
    pub fn requirements(&self) -> impl Iterator<Item = &Requirement> {
        self.rfcs.iter().flat_map(|rfc| &rfc.requirements)
    }

    /// The requirement with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Requirement> {
        self.requirements().find(|requirement| requirement.id == id)
    }

    /// The requirement with this id, or an error that suggests what was meant.
    ///
    /// # Errors
    /// [`Unknown`] if there is none.
    pub fn require(&self, id: &str) -> Result<&Requirement, Unknown> {
        self.find(id).ok_or_else(|| Unknown {
            expected: "the id of a requirement in the ledger",
            id: id.to_owned(),
            near: self.near(id),
        })
    }

    /// Up to three ids that look like this one, nearest first.
    #[must_use]
    pub fn near(&self, id: &str) -> Vec<String> {
        suggest::near(id, self.requirements().map(|requirement| requirement.id.as_str()))
    }

    /// The RFC with this number.
    #[must_use]
    pub fn rfc(&self, number: u16) -> Option<&Rfc> {
        self.rfcs.iter().find(|rfc| rfc.number == number)
    }
}

impl Rfc {
    /// Number and name: `37/ZMTP 3.1`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}/{}", self.number, self.name)
    }
}

impl Requirement {
    /// The public page of the RFC, at the section where the site has an anchor for it.
    #[must_use]
    pub fn url(&self) -> String {
        let mut anchor = String::new();
        for c in self.section.chars() {
            if c.is_ascii_alphanumeric() {
                anchor.push(c.to_ascii_lowercase());
            } else if c == ' ' || c == '-' {
                anchor.push('-');
            }
        }
        format!("https://rfc.zeromq.org/spec/{}/#{anchor}", self.rfc)
    }
}

impl Level {
    /// Every level, most binding first.
    pub const ALL: [Self; 4] = [Self::Must, Self::Grammar, Self::Should, Self::May];

    /// The word that stands in the ledger.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Grammar => "GRAMMAR",
            Self::Should => "SHOULD",
            Self::May => "MAY",
        }
    }
}

impl Check {
    /// The word that stands in the ledger.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Wire => "wire",
            Self::Api => "api",
            Self::Sim => "sim",
            Self::Untestable => "untestable",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The embedded ledger files as name and text.
fn embedded_files() -> Vec<(String, String)> {
    SPEC.files()
        .filter_map(|file| Some((file.path().to_str()?.to_owned(), file.contents_utf8()?.to_owned())))
        .filter(|(name, _)| load::is_ledger_file(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_ledger_loads_and_is_sorted() {
        let ledger = Ledger::embedded();
        let numbers: Vec<_> = ledger.rfcs.iter().map(|rfc| rfc.number).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
        assert_eq!(ledger.rfc(37).unwrap().title(), "37/ZMTP 3.1");
        assert_eq!(ledger.requirements().count(), 962);
    }

    #[test]
    fn entries_are_found_and_linked() {
        let entry = Ledger::embedded().require("ZMTP31-FRAMING-04").unwrap();
        assert_eq!((entry.rfc, entry.level, entry.check), (37, Level::Must, Check::Wire));
        assert_eq!(entry.url(), "https://rfc.zeromq.org/spec/37/#framing");
        let entry = Ledger::embedded().find("ZMTP31-SOCKTYPE-02").unwrap();
        assert_eq!(entry.url(), "https://rfc.zeromq.org/spec/37/#the-socket-type-property");
    }

    #[test]
    fn an_unknown_id_is_answered_with_what_was_meant() {
        let error = |id: &str| Ledger::embedded().require(id).unwrap_err().to_string();
        assert_eq!(
            error("ZMTP31-FRAMNG-04"),
            "expected the id of a requirement in the ledger, got \"ZMTP31-FRAMNG-04\"; did you mean ZMTP31-FRAMING-04, \
             ZMTP30-FRAMING-04 or ZMTP31-FRAMING-01?"
        );
        assert_eq!(
            error("reqrep-req-03"),
            "expected the id of a requirement in the ledger, got \"reqrep-req-03\"; did you mean REQREP-REQ-03, \
             REQREP-REP-03 or REQREP-REQ-01?"
        );
        assert_eq!(error("nonsense"), "expected the id of a requirement in the ledger, got \"nonsense\"");
    }
}
