//! What was promised, and did not hold.

use std::fmt;

use serde::Serialize;

use crate::actor::message::MessageId;

/// One promise that a run did not keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Who noticed it: a short name with hyphens.
    pub oracle: &'static str,
    /// The clause that was not kept: an id of the ledger.
    pub clause: &'static str,
    /// What kind of promise it was.
    pub kind: Kind,
    /// Who, what, when, and what was expected.
    pub text: String,
    /// The entries of the history that show it.
    pub entries: Vec<usize>,
    /// The messages that it is about.
    pub messages: Vec<MessageId>,
}

/// Kinds of promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Something wrong happened.
    Safety,
    /// Something right never happened.
    Liveness,
    /// The implementation panicked or died.
    Crash,
}

impl Kind {
    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Safety => "safety",
            Self::Liveness => "liveness",
            Self::Crash => "crash",
        }
    }
}

/// How a run failed: who noticed it, and by which clause. Two runs with the same symptom fail the same way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symptom {
    /// The oracle.
    pub oracle: String,
    /// The clause.
    pub clause: String,
}

impl Violation {
    /// How the run failed, by this violation. Crashes at different places are different.
    #[must_use]
    pub fn symptom(&self) -> Symptom {
        let place = self.text.split_once("panicked at ").and_then(|(_, rest)| rest.split_once(": "));
        let clause = match (self.kind, place) {
            (Kind::Crash, Some((place, _))) => place,
            (Kind::Crash | Kind::Safety | Kind::Liveness, _) => self.clause,
        };
        Symptom { oracle: self.oracle.to_owned(), clause: clause.to_owned() }
    }
}

/// As it stands in the header of a saved plan: `ORACLE CLAUSE`.
impl fmt::Display for Symptom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.oracle, self.clause)
    }
}

/// In one line.
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {}): {}", self.oracle, self.kind.word(), self.clause, self.text)
    }
}
