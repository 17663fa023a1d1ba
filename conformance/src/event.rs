//! The run as a stream of events: what the runner emits and every report is a fold over.
//!
//! One event is one JSON line. The order of `case-finished` events is the order of the plan, whatever the number of
//! jobs, so two runs over the same selection differ only in times and in what the subject did.
//! `conformance/schema/events.v1.json` is the published form; [`SCHEMA`] is its version.

use serde::{Deserialize, Serialize};

use crate::verdict::Verdict;

/// Version of the event schema. Raised when a field changes its meaning or goes; new fields do not raise it.
pub const SCHEMA: u32 = 1;

/// One event of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// First event: what is about to be checked, against what.
    RunStarted(Box<RunStarted>),
    /// One case run ended.
    CaseFinished(Box<CaseFinished>),
    /// The subject's process was replaced by a new one.
    SubjectReplaced(SubjectReplaced),
    /// The harness itself failed; the run exits with 5.
    HarnessError(HarnessError),
    /// Last event.
    RunFinished(RunFinished),
}

/// What is about to be checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of zmqspec.
    pub zmqspec: String,
    /// Start of the run, RFC 3339 in UTC.
    pub started: String,
    /// The subject as it named itself, and as we found it.
    pub subject: SubjectIdentity,
    /// `interop` or `strict`.
    pub profile: String,
    /// `--run` patterns; empty for all.
    pub run: Vec<String>,
    /// `--skip` patterns.
    pub skip: Vec<String>,
    /// Other options that bear on verdicts, as words of a command line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Shard as `I/N`, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// Name of the expectations file (`builtin:libzmq`, a path, or absent for none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expectations: Option<String>,
    /// Number of case runs that follow.
    pub planned: usize,
    /// Number of jobs.
    pub jobs: usize,
}

/// Who is being checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct SubjectIdentity {
    /// The subject as the user wrote it, for example `libzmq@4.3.5`.
    pub spec: String,
    /// Name that the adapter reported.
    pub name: String,
    /// Version that the adapter reported.
    pub version: String,
    /// Commit that the adapter reported, or empty.
    #[serde(default)]
    pub commit: String,
    /// Resolved path of the library or command, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// SHA-256 of the file at `path`, lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Features that the adapter reported, sorted.
    #[serde(default)]
    pub features: Vec<String>,
    /// Operating system, as `std::env::consts::OS`.
    pub os: String,
    /// Time from start to the `hello` reply, in milliseconds.
    #[serde(default)]
    pub startup_ms: u64,
}

/// Names one run of a case exactly: `zmtp/greeting/torn-at-every-octet@binds@3.1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId {
    /// Permanent case id.
    pub case: String,
    /// Role of the subject.
    pub role: Role,
    /// ZMTP version that the raw peer greets with, `3.1` or `3.0`.
    pub zmtp: String,
}

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}@{}", self.case, self.role.word(), self.zmtp)
    }
}

/// Which side the subject takes when the connection is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The subject binds, the raw peer connects.
    Binds,
    /// The subject connects, the raw peer listens.
    Connects,
}

impl Role {
    /// The word that stands in files and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Binds => "binds",
            Self::Connects => "connects",
        }
    }
}

/// One case run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseFinished {
    /// Which run.
    pub run: RunId,
    /// Revision of the case; expectations name it.
    pub revision: u32,
    /// The case in one sentence.
    pub title: String,
    /// Requirement ids that the case checks.
    pub requirements: Vec<String>,
    /// Highest level among them: `must`, `should`, `may` or `none`.
    pub level: String,
    /// Adjudication class: `spec`, `defacto`, `either` or `robust`.
    pub class: String,
    /// Tier: `smoke`, `wire` or `clock`.
    pub tier: String,
    /// Whether the case does not gate in this run: it is new, below the level asked for, or of a class that the
    /// profile leaves open. It is reported, and never red.
    pub provisional: bool,
    /// What happened.
    pub verdict: Verdict,
    /// What the gate makes of it.
    pub standing: Standing,
    /// Why it was expected, copied from the expectation that matched; where one covers the run and did not match,
    /// which one and how it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_because: Option<String>,
    /// What went wrong, for every verdict other than a plain pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// File and line of the case, relative to the repository.
    pub source: String,
    /// Duration in microseconds.
    pub micros: u64,
    /// Everything that passed between harness and subject, in order. Empty for a pass, unless asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transcript: Vec<Exchange>,
}

/// What the gate makes of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Accepted without an expectation.
    Ok,
    /// Deviates exactly as an expectation says.
    Expected,
    /// Deviates and no expectation covers it. Red.
    Unexpected,
    /// An expectation covers it, and it passed. Red: the expectation must go.
    UnexpectedPass,
    /// An expectation covers it, and it deviates in another way. Red.
    DifferentFailure,
    /// Deviates, but the case does not gate in this run: it is provisional, below the level asked for, or of a class
    /// that the profile leaves open. Not red.
    NotGating,
}

impl Standing {
    /// Every standing, in the order in which reports count them.
    pub const ALL: [Self; 6] =
        [Self::Ok, Self::Expected, Self::NotGating, Self::Unexpected, Self::UnexpectedPass, Self::DifferentFailure];

    /// The word that stands in files and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Expected => "expected",
            Self::Unexpected => "unexpected",
            Self::UnexpectedPass => "unexpected-pass",
            Self::DifferentFailure => "different-failure",
            Self::NotGating => "not-gating",
        }
    }

    /// Whether this standing makes the run exit with 1.
    #[must_use]
    pub fn is_red(self) -> bool {
        match self {
            Self::Unexpected | Self::UnexpectedPass | Self::DifferentFailure => true,
            Self::Ok | Self::Expected | Self::NotGating => false,
        }
    }
}

/// What went wrong, with everything a reader needs to judge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Number of the step, from 1; 0 for what is checked around the steps.
    pub step: usize,
    /// The step as the case has it.
    pub step_text: String,
    /// Outcomes that would have been accepted, preferred first.
    pub accepted: Vec<String>,
    /// What came, in words.
    pub came: String,
    /// The octets that decided it, annotated: one line per field, `offset  hex  meaning`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hex: Vec<String>,
    /// Stable name of this way of failing, free of times and ports: what expectations compare.
    pub fingerprint: String,
    /// How the process ended, where it did: `signal 6 (SIGABRT)`, `exit status 1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<String>,
    /// Last lines of the subject's stderr, where they help.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stderr_tail: Vec<String>,
}

/// One thing that passed between harness and subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Microseconds since the case began.
    pub at: u64,
    /// Raw peer's name (`peer`, `A`, `B` …), or `adapter`.
    pub who: String,
    /// What happened.
    #[serde(flatten)]
    pub what: Exchanged,
}

/// The kinds of exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exchanged {
    /// A raw peer wrote these octets (lower-case hex).
    Sent(String),
    /// A raw peer read these octets (lower-case hex).
    Received(String),
    /// The connection came up.
    Linked(String),
    /// The connection ended; `fin`, `rst`, or `closed by the harness`.
    Ended(String),
    /// A request to the adapter, as its JSON line.
    Request(String),
    /// A reply or an unsolicited line of the adapter.
    Reply(String),
}

/// The subject's process was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectReplaced {
    /// After which run; absent when it happened between runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RunId>,
    /// Why, in words.
    pub why: String,
    /// How the process ended, where it did so by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<String>,
    /// Last lines of its stderr.
    #[serde(default)]
    pub stderr_tail: Vec<String>,
}

/// The harness itself failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HarnessError {
    /// During which run; absent when between runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// What was expected, what came, what to do.
    pub text: String,
}

/// Last event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFinished {
    /// Case runs that ended, by conformance word; the sum is the number of `case-finished` events.
    pub conformance: std::collections::BTreeMap<String, usize>,
    /// Case runs that ended, by standing.
    pub standing: std::collections::BTreeMap<String, usize>,
    /// Expectations that matched no case run although their conditions hold and the selection was complete. Red.
    #[serde(default)]
    pub dead_expectations: Vec<String>,
    /// Expectations past their date. Red.
    #[serde(default)]
    pub expired_expectations: Vec<String>,
    /// Number of results kept out of this stream because an expectation puts them under embargo.
    #[serde(default)]
    pub embargoed: usize,
    /// How many of those differ from what was expected. Red, without a word about which.
    #[serde(default)]
    pub embargoed_differing: usize,
    /// Case runs that were planned and not executed, because the time limit came first.
    #[serde(default)]
    pub not_run: usize,
    /// Exit code of the run.
    pub exit_code: u8,
    /// Duration in milliseconds.
    pub millis: u64,
}
