//! Why a step did not go as its case has it.

use crate::adapter::process::CallError;

/// Ends a case before its last step.
#[derive(Debug)]
pub enum Trouble {
    /// What the step demands did not come.
    Unmet(Unmet),
    /// The state that the case wants to examine was not reached.
    Unreached(Unmet),
    /// The subject lacks what the case needs, and says so.
    Unsupported(String),
    /// The adapter no longer answers as it should: the process died, or hangs, or its adapter is broken.
    Adapter(CallError),
    /// The harness could not do its part.
    Harness(String),
}

/// A demand and what came instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// What would have been accepted, preferred first.
    pub accepted: Vec<String>,
    /// What came, in words.
    pub came: String,
    /// Stable name of what came, free of times, ports and octets that vary.
    pub slug: String,
}

impl Unmet {
    /// A demand with one accepted outcome.
    #[must_use]
    pub fn new(accepted: impl Into<String>, came: impl Into<String>, slug: impl Into<String>) -> Self {
        Self { accepted: vec![accepted.into()], came: came.into(), slug: slug.into() }
    }
}

impl From<Unmet> for Trouble {
    fn from(unmet: Unmet) -> Self {
        Self::Unmet(unmet)
    }
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        Self::Adapter(error)
    }
}

impl Trouble {
    /// The same trouble, on the way to the state under test.
    #[must_use]
    pub fn on_the_way(self) -> Self {
        match self {
            Self::Unmet(unmet) => Self::Unreached(unmet),
            other => other,
        }
    }
}
