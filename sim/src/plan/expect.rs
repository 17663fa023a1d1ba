//! What a scenario promises beyond the models of the patterns.

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// A promise. The models of the patterns hold in any case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Expect {
    /// Messages of one actor are received by another, or by any.
    Delivered {
        /// Who sends.
        from: String,
        /// Who receives; none: anybody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// How many of those sent.
        #[serde(default)]
        amount: Amount,
        /// How long each may take from its sending; none: until the end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<Span>,
    },
    /// An actor is done with its steps by then.
    Done {
        /// Who.
        actor: String,
        /// When, after the start.
        by: Span,
    },
    /// Messages of one actor never come to another.
    Withheld {
        /// Who sends.
        from: String,
        /// Who must not have them.
        to: String,
    },
    /// A call of an actor never fails.
    NoFailures {
        /// Whose.
        actor: String,
    },
}

/// How many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Amount {
    /// All.
    #[default]
    All,
    /// At least so many.
    AtLeast(u32),
}
