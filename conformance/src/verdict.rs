//! The three axes of a verdict, and the words for them.
//!
//! One case run ends with a word on each axis: what the subject did to the clause (`Conformance`), what became of
//! the connection (`Close`), and whether the subject and its other connections lived through it (`Survival`).
//! A fault of the harness itself is none of these; it is a [`crate::event::Event::HarnessError`].

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the subject's behaviour means for the clause a case checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conformance {
    /// The first accepted outcome came.
    Pass,
    /// Another accepted outcome came; its name stands beside the verdict.
    Variant,
    /// The clause was broken.
    Fail,
    /// An outcome that the case does not list, on a point where the texts contradict each other or stay silent.
    Contested,
    /// The subject declares that it lacks what the case needs, and the wire agrees.
    Unsupported,
    /// The state that the case wants to examine was never reached.
    Inconclusive,
}

/// What became of the connection under test.
///
/// The gate treats `Fin` and `Rst` alike unless an expectation names one of them: which of the two appears depends
/// on unread bytes, not on intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Close {
    /// The subject closed in order.
    Fin,
    /// The connection was reset.
    Rst,
    /// The connection was open when the case ended.
    Open,
    /// A close was awaited until the deadline and did not come.
    Timeout,
}

/// Whether the subject, and what else it serves, lived through the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Survival {
    /// The process lives and serves.
    Ok,
    /// The process ended.
    Crashed,
    /// The process lives but no longer answers.
    Wedged,
    /// Descriptors or threads were left behind after `reset`.
    Leaked,
    /// Another connection of the same subject was cut or no longer served.
    Harmed,
}

/// The verdict on one case run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The clause.
    pub conformance: Conformance,
    /// The outcome's name, where `conformance` is `variant` or `contested`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The connection; absent where none was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<Close>,
    /// The process.
    pub survival: Survival,
}

impl Verdict {
    /// Whether this verdict needs no expectation to be accepted by the gate.
    #[must_use]
    pub fn is_accepted_unasked(&self) -> bool {
        let conforms = match self.conformance {
            Conformance::Pass | Conformance::Variant | Conformance::Contested | Conformance::Unsupported => true,
            Conformance::Fail | Conformance::Inconclusive => false,
        };
        conforms && self.survival == Survival::Ok
    }
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// Every word of this axis, in the order of its definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that stands in files and reports.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }
    };
}

words!(Conformance {
    Pass = "pass",
    Variant = "variant",
    Fail = "fail",
    Contested = "contested",
    Unsupported = "unsupported",
    Inconclusive = "inconclusive",
});
words!(Close { Fin = "fin", Rst = "rst", Open = "open", Timeout = "timeout" });
words!(Survival { Ok = "ok", Crashed = "crashed", Wedged = "wedged", Leaked = "leaked", Harmed = "harmed" });

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.conformance)?;
        if let Some(variant) = &self.variant {
            write!(f, "({variant})")?;
        }
        if let Some(close) = self.close {
            write!(f, " close={close}")?;
        }
        if self.survival != Survival::Ok {
            write!(f, " survival={}", self.survival)?;
        }
        Ok(())
    }
}
