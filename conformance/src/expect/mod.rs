//! Expectations: which deviations of a subject are known, why, and the gate that holds a run against them.
//!
//! A file of expectations is TOML, one `[[expect]]` entry per known deviation; `docs/src/expectations.md` is the
//! document. Nothing is ever skipped because of an entry: the case runs, and must deviate exactly as written. A pass,
//! another way of failing, a changed case, an entry that covers nothing and one past its date are all red.
//!
//! - [`Expectations`] is a file that was read and found sound ([`Expectations::parse`], [`select`]),
//! - [`Gate`] judges each case run against it,
//! - [`update`](fn@update) writes the file anew from the events of a run, for a person to review.

mod builtin;
mod fields;
mod gate;
mod glob;
mod read;
mod update;
mod version;

use std::fmt;

use jiff::civil::Date;

use crate::event::{Role, RunId, SubjectIdentity};
use crate::verdict::{Close, Conformance, Survival, Verdict};

pub use builtin::{Choice, builtin_subjects, select};
pub use gate::{CaseJudged, Embargo, Gate, GateFindings, Judgement, Selection};
pub use glob::Glob;
pub use update::{Update, UpdateError, update};
pub use version::{Version, VersionRange};

/// The only edition of the file format there is.
pub const EDITION: i64 = 1;

/// A sound file of expectations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectations {
    /// Where it came from: `builtin:libzmq`, or a path as the user wrote it.
    pub name: String,
    /// Name that the subject's adapter reports.
    pub subject: String,
    /// Line of `subject`, from 1.
    pub subject_line: usize,
    /// Entries in the order of the file. No two can cover the same case run of the same subject.
    pub entries: Vec<Entry>,
}

/// One known deviation, or one pinned behaviour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Line of its `[[expect]]`, from 1.
    pub line: usize,
    /// Which case runs it covers.
    pub covers: RunPattern,
    /// Revision of the case that the reason was written for.
    pub revision: u32,
    /// What must come.
    pub outcome: Outcome,
    /// Requirement id that is deviated from.
    pub clause: Option<String>,
    /// The octets that show it, in short.
    pub bytes: Option<String>,
    /// Why this is known and accepted; never empty.
    pub reason: String,
    /// Where it is discussed.
    pub link: Option<String>,
    /// Last day on which the entry is good.
    pub expires: Option<Date>,
    /// For which builds of the subject it is written.
    pub when: When,
    /// Whether results are kept out of every report.
    pub embargo: bool,
}

/// Which case runs an entry covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPattern {
    /// Exact id, or pattern.
    pub case: Glob,
    /// One role, or both.
    pub role: Option<Role>,
    /// One ZMTP version, or all.
    pub zmtp: Option<String>,
}

impl RunPattern {
    /// Whether the case run is covered.
    #[must_use]
    pub fn covers(&self, run: &RunId) -> bool {
        self.case.matches(&run.case)
            && self.role.is_none_or(|role| role == run.role)
            && self.zmtp.as_ref().is_none_or(|zmtp| *zmtp == run.zmtp)
    }

    /// Whether one case run may be covered by both.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.case.intersects(&other.case)
            && may_agree(self.role.as_ref(), other.role.as_ref())
            && may_agree(self.zmtp.as_ref(), other.zmtp.as_ref())
    }
}

impl fmt::Display for RunPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.case)?;
        match (self.role, &self.zmtp) {
            (None, None) => Ok(()),
            (Some(role), None) => write!(f, "@{}", role.word()),
            (None, Some(zmtp)) => write!(f, "@*@{zmtp}"),
            (Some(role), Some(zmtp)) => write!(f, "@{}@{zmtp}", role.word()),
        }
    }
}

/// What must come, on all three axes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The clause.
    pub conformance: Conformance,
    /// Name of the outcome, where one is pinned.
    pub variant: Option<String>,
    /// The connection, where it matters.
    pub close: Option<CloseRule>,
    /// The process.
    pub survival: Survival,
    /// The exact way of failing, where there is one.
    pub fingerprint: Option<String>,
}

impl Outcome {
    /// Whether a verdict with this fingerprint is what must come.
    #[must_use]
    pub fn allows(&self, verdict: &Verdict, fingerprint: Option<&str>) -> bool {
        self.conformance == verdict.conformance
            && self.variant.as_ref().is_none_or(|variant| verdict.variant.as_ref() == Some(variant))
            && self.close.is_none_or(|rule| verdict.close.is_some_and(|close| rule.allows(close)))
            && self.survival == verdict.survival
            && self.fingerprint.as_ref().is_none_or(|wanted| fingerprint == Some(wanted))
    }

    /// Whether the gate would accept this outcome without an entry: then the entry only pins it.
    #[must_use]
    pub fn is_pin(&self) -> bool {
        let verdict = Verdict { conformance: self.conformance, variant: None, close: None, survival: self.survival };
        verdict.is_accepted_unasked()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.conformance)?;
        if let Some(variant) = &self.variant {
            write!(f, "({variant})")?;
        }
        if let Some(close) = self.close {
            write!(f, " close={}", close.word())?;
        }
        if self.survival != Survival::Ok {
            write!(f, " survival={}", self.survival)?;
        }
        if let Some(fingerprint) = &self.fingerprint {
            write!(f, " `{fingerprint}`")?;
        }
        Ok(())
    }
}

/// What must have become of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseRule {
    /// FIN or RST: which of them appears depends on unread octets, not on intent.
    Closed,
    /// This one and no other.
    Exactly(Close),
}

impl CloseRule {
    /// Every rule, in the order in which errors list them.
    pub const ALL: [Self; 5] = [
        Self::Closed,
        Self::Exactly(Close::Fin),
        Self::Exactly(Close::Rst),
        Self::Exactly(Close::Open),
        Self::Exactly(Close::Timeout),
    ];

    /// The word that stands in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Exactly(close) => close.word(),
        }
    }

    /// Whether what became of the connection fits.
    #[must_use]
    pub fn allows(self, close: Close) -> bool {
        match self {
            Self::Closed => matches!(close, Close::Fin | Close::Rst),
            Self::Exactly(one) => one == close,
        }
    }
}

/// For which builds of the subject an entry is written. An absent part holds for all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct When {
    /// Range that the reported version is in. A version without leading numbers is in no range.
    pub version: Option<VersionRange>,
    /// SHA-256 of the file, one of these, lower-case hex.
    pub sha256: Vec<String>,
    /// Features that are all declared.
    pub features: Vec<String>,
    /// Operating system, one of these.
    pub os: Vec<String>,
}

impl When {
    /// Whether the subject is meant.
    #[must_use]
    pub fn holds(&self, subject: &SubjectIdentity) -> bool {
        let version = Version::of_subject(&subject.version);
        let one_of = |list: &[String], value: Option<&String>| {
            list.is_empty() || value.is_some_and(|value| list.contains(value))
        };
        self.version.as_ref().is_none_or(|range| version.is_some_and(|version| range.holds(&version)))
            && one_of(&self.sha256, subject.sha256.as_ref())
            && self.features.iter().all(|feature| subject.features.contains(feature))
            && one_of(&self.os, Some(&subject.os))
    }

    /// Whether one subject may be meant by both.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        let lists = |a: &[String], b: &[String]| a.is_empty() || b.is_empty() || a.iter().any(|x| b.contains(x));
        let versions = match (&self.version, &other.version) {
            (Some(a), Some(b)) => a.intersects(b),
            (None, _) | (_, None) => true,
        };
        versions && lists(&self.sha256, &other.sha256) && lists(&self.os, &other.os)
    }
}

impl Expectations {
    /// Where an entry stands, `FILE:LINE`.
    #[must_use]
    pub fn location(&self, entry: &Entry) -> String {
        format!("{}:{}", self.name, entry.line)
    }
}

/// Why a file of expectations was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpectError {
    /// The file could not be read at all.
    #[error("{file}: {why}")]
    Unreadable {
        /// Path as the user wrote it.
        file: String,
        /// What was expected, what came, what to do.
        why: String,
    },
    /// The file says something that cannot be meant.
    #[error("{file}:{line}: {text}")]
    Wrong {
        /// Name of the file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What was expected, what came, what to do.
        text: String,
    },
}

fn may_agree<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        (None, _) | (_, None) => true,
    }
}
