//! The types that a vector file is made of, in the order in which its fields are written.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::octets::Octets;

/// One file: vectors of a topic, and what their flags and variants mean.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct File {
    /// File name, `ready.json`.
    #[serde(skip)]
    pub name: String,
    /// Where the schema is, relative to the file.
    #[serde(rename = "$schema")]
    pub schema: String,
    /// Version of the format: 1.
    pub format: u32,
    /// The file name without its extension, and the first word of every id in it.
    pub topic: String,
    /// What the vectors have in common, and from whose view they are judged.
    pub about: String,
    /// Flags by name.
    pub flags: BTreeMap<FlagName, Flag>,
    /// Variants by name.
    pub variants: BTreeMap<String, VariantPoint>,
    /// The vectors.
    pub vectors: Vec<Vector>,
}

/// Name of a flag within its file.
pub type FlagName = String;

/// A kind of bug that a vector is known to find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    /// The class: `memory safety`, `robustness`, `interoperability` …
    pub bug_class: String,
    /// What goes wrong, in one sentence.
    pub description: String,
    /// Public reports of it.
    pub links: Vec<String>,
}

/// A point on which receivers may differ, and the outcomes that are all right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantPoint {
    /// What is open.
    pub question: String,
    /// Every outcome that is all right, by name.
    pub outcomes: Vec<String>,
    /// Row of `docs/spec/adjudication.md` that rules it, where there is one: `A13`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjudication: Option<String>,
}

/// Octets, and what a receiver has to make of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Vector {
    /// Permanent readable id, `ready/truncated-in-property-name`.
    pub id: String,
    /// Name of the file it came from.
    #[serde(skip)]
    pub file: String,
    /// What the octets are.
    pub kind: Kind,
    /// Protocol version whose rules apply.
    pub zmtp: Zmtp,
    /// Mechanism that the receiver is configured for; `NULL` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<String>,
    /// The octets.
    #[serde(flatten)]
    pub content: Content,
    /// What they are worth.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Ids of the requirement ledger.
    pub requirements: Vec<String>,
    /// Names of flags that the file defines.
    pub flags: Vec<FlagName>,
    /// Why the vector exists.
    pub comment: String,
}

impl Vector {
    /// The octets in order, all runs expanded. For a session: those of both sides, step after step.
    #[must_use]
    pub fn expand(&self) -> Vec<u8> {
        match &self.content {
            Content::Bytes(octets) => octets.expand(),
            Content::Steps(steps) => steps.iter().flat_map(|step| step.bytes.expand()).collect(),
        }
    }

    /// The steps of a session; empty for every other kind.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        match &self.content {
            Content::Bytes(_) => &[],
            Content::Steps(steps) => steps,
        }
    }

    /// Mechanism that the receiver is configured for.
    #[must_use]
    pub fn mechanism(&self) -> &str {
        self.mechanism.as_deref().unwrap_or("NULL")
    }

    /// The decoded meaning, where the file gives one.
    #[must_use]
    pub fn means(&self) -> Option<&Means> {
        match &self.verdict {
            Verdict::Valid { means } => Some(means),
            Verdict::Variant { means, .. } => means.as_ref(),
            Verdict::Invalid { .. } => None,
        }
    }
}

/// What the octets of a vector are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A greeting; for 1.0 and 2.0 the identity frame belongs to it.
    Greeting,
    /// One frame, header included.
    Frame,
    /// One command frame, header included.
    Command,
    /// A property list without the command around it.
    Metadata,
    /// The frames of one message.
    Message,
    /// A whole connection, both directions.
    Session,
}

/// A protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Zmtp {
    /// 13/ZMTP.
    #[serde(rename = "1.0")]
    V1_0,
    /// 15/ZMTP.
    #[serde(rename = "2.0")]
    V2_0,
    /// 23/ZMTP.
    #[serde(rename = "3.0")]
    V3_0,
    /// 37/ZMTP.
    #[serde(rename = "3.1")]
    V3_1,
}

/// The octets of a vector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// One direction.
    Bytes(Octets),
    /// Both directions, for sessions.
    Steps(Vec<Step>),
}

/// What one side writes at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Who writes.
    pub from: Side,
    /// What it writes.
    pub bytes: Octets,
    /// What that is, in words.
    pub what: String,
}

/// An end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Connects.
    A,
    /// Binds.
    B,
}

/// What octets are worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// A receiver has to take them, with this meaning.
    Valid {
        /// The meaning.
        means: Means,
    },
    /// A receiver must not take them.
    Invalid {
        /// In which way.
        fault: Fault,
        /// For sessions: index of the first step that is at fault, from 0.
        #[serde(skip_serializing_if = "Option::is_none")]
        offends: Option<usize>,
    },
    /// Receivers may differ; the file's `variants` says what is all right.
    Variant {
        /// Name of the point.
        variant: String,
        /// The meaning for a receiver that takes them, where there is one reading.
        #[serde(skip_serializing_if = "Option::is_none")]
        means: Option<Means>,
    },
}

impl Verdict {
    /// The word that stands in files.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Valid { .. } => "valid",
            Self::Invalid { .. } => "invalid",
            Self::Variant { .. } => "variant",
        }
    }
}

/// In which way octets are invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// They stop early: a receiver waits for more, and at the end of the stream nothing was received.
    Incomplete,
    /// No octets that follow can mend them.
    Malformed,
    /// They parse, and a rule forbids them here.
    Forbidden,
}

/// A decoded meaning. Its form follows the vector's kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Means {
    /// Of a greeting.
    Greeting(GreetingMeans),
    /// Of a frame.
    Frame(FrameMeans),
    /// Of a command.
    Command(CommandMeans),
    /// Of a property list.
    Metadata(MetadataMeans),
    /// Of a message.
    Message(MessageMeans),
    /// Of a session.
    Session(SessionMeans),
}

/// Meaning of a greeting. 3.x has `minor`, `mechanism`, `as_server`; 2.0 `socket_type`, `identity`; 1.0 `identity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GreetingMeans {
    /// Octet 10; the revision in 2.0, 0 for 1.0, which has none.
    pub major: u8,
    /// Octet 11.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor: Option<u8>,
    /// Octets 1 to 8. Without meaning in 3.x; kept to show that any value is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padding: Option<Octets>,
    /// Octets 12 to 31 up to the first NUL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<String>,
    /// Octet 32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_server: Option<u8>,
    /// Octet 11 in 2.0, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket_type: Option<String>,
    /// Identity in 2.0 and 1.0; empty for an anonymous peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Octets>,
}

/// Meaning of a frame. The body is the last `size` octets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameMeans {
    /// Any of `more`, `long`, `command`, in this order.
    pub flags: Vec<String>,
    /// Octets of the body.
    pub size: usize,
}

/// Meaning of a command. Exactly one of the fields behind `name` says what it carries; PING has two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandMeans {
    /// Any of `more`, `long`, `command`, in this order.
    pub flags: Vec<String>,
    /// Octets of the body, name included.
    pub size: usize,
    /// The name.
    pub name: String,
    /// READY: the properties in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Vec<Property>>,
    /// SUBSCRIBE, CANCEL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Octets>,
    /// PING: time to live in tenths of a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u16>,
    /// PING, PONG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Octets>,
    /// ERROR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Octets>,
    /// Any other command: what follows the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Octets>,
}

/// Meaning of a property list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetadataMeans {
    /// The properties in order.
    pub properties: Vec<Property>,
}

/// A property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// Its name, in the case in which it stands.
    pub name: String,
    /// Its value.
    pub value: Octets,
}

/// Meaning of the frames of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageMeans {
    /// Bodies in order.
    pub parts: Vec<Octets>,
}

/// Meaning of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionMeans {
    /// Socket type of the side that connects.
    pub a: String,
    /// Socket type of the side that binds.
    pub b: String,
    /// What the applications receive, in order.
    pub delivered: Vec<Delivered>,
    /// How it ends.
    pub ends: Ends,
}

/// A message as an application receives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivered {
    /// Whose application.
    pub to: Side,
    /// Parts in order.
    pub parts: Vec<Octets>,
}

/// How a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ends {
    /// Both sides keep the connection.
    Open,
    /// The connecting side closes.
    ClosedByA,
    /// The binding side closes.
    ClosedByB,
}

macro_rules! display_as_written {
    ($($type:ty),+) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // Unit variants with serde names; the name is the word of the files.
                self.serialize(f)
            }
        }
    )+};
}

display_as_written!(Kind, Zmtp, Side, Fault, Ends);
