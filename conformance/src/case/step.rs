//! The steps of a case. Each is one sentence of its file; [`super::parse`] reads it.

use super::octets::Pattern;
use super::security::{Hears, Says, ZapAct};
use crate::adapter::protocol::ErrorClass;
use crate::peer::curve::Fault;
use crate::wire::greeting::{Greeting, Version};
use crate::wire::metadata::Property;

/// One step, with the sentence it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The sentence.
    pub text: String,
    /// What it does or demands.
    pub act: Act,
}

/// What a step does or demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A raw peer acts or waits.
    Peer {
        /// `peer`, or `A` to `F`.
        who: String,
        /// The act.
        act: PeerAct,
    },
    /// The subject is asked to do something through its adapter.
    Subject(SubjectAct),
    /// The ZAP handler beside the subject acts or waits, through the same adapter.
    Zap(ZapAct),
    /// Two captured frames must not be equal.
    Differs {
        /// Name of the first capture.
        left: String,
        /// Name of the second.
        right: String,
    },
}

/// What a raw peer does or demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerAct {
    /// Makes the connection: dials a bound subject, or lets the subject connect and accepts it.
    Links,
    /// Links if needed, exchanges greetings and READY, and waits until the subject has taken the peer in.
    Handshakes(Handshake),
    /// Writes a greeting; `None` greets with the run's version.
    SendsGreeting {
        /// Everything but, perhaps, the version.
        greeting: Box<Greeting>,
        /// Version, where the case says one.
        version: Option<Version>,
        /// Mechanism, where the case says one; `None` for that of the case.
        mechanism: Option<[u8; 20]>,
        /// As-server, where the case says it; `None` for what the raw peer is.
        as_server: Option<u8>,
    },
    /// Writes a READY.
    SendsReady {
        /// Socket-Type; `None` for the usual counterpart of the subject's.
        kind: Option<SocketTypeProperty>,
        /// Properties after Socket-Type.
        properties: Vec<Property>,
        /// What is wrong with it.
        fault: Option<Fault>,
    },
    /// Writes a command of a mechanism with roles.
    SendsSecured {
        /// Which, and what is in it.
        says: Says,
        /// What is wrong with it.
        fault: Option<Fault>,
    },
    /// Writes octets as they are.
    SendsOctets {
        /// The octets.
        octets: Vec<u8>,
        /// At once, or one octet to a segment.
        pace: Pace,
    },
    /// Writes a greeting and READY, one octet to a segment.
    TricklesHandshake,
    /// Writes a vector of `vectors/`, by its id.
    SendsVector(String),
    /// Writes a message in the shortest form, once or more often.
    SendsMessage {
        /// Its frames.
        frames: Vec<FrameValue>,
        /// How many times.
        times: usize,
    },
    /// Writes a command in the shortest form.
    SendsCommand {
        /// Name.
        name: String,
        /// Everything behind the name.
        data: Vec<u8>,
    },
    /// Subscribes in the negotiated form, and waits until a publication shows that the subject applied it.
    Subscribes(Vec<u8>),
    /// Cancels in the negotiated form, and waits until a later subscription shows that the subject applied it.
    Unsubscribes(Vec<u8>),
    /// Waits until a publication shows that the subject publishes to it: to a 1.0 peer, which cannot subscribe.
    AwaitsPublications,
    /// Sends PING and waits for its PONG: everything sent before has been read by the subject.
    Fences,
    /// The next octets are these.
    ReceivesOctets(Pattern),
    /// A whole greeting came; with a pattern: its octets are these.
    ReceivesGreeting(Option<Pattern>),
    /// READY came, with at least these properties, each with exactly this value.
    ReceivesReady {
        /// Name and value; names compare without case.
        with: Vec<(Vec<u8>, FramePattern)>,
        /// Names that must not be there; one that ends in `-` stands for all that begin so.
        without: Vec<Vec<u8>>,
    },
    /// The next command is this one of a mechanism with roles.
    ReceivesSecured(Hears),
    /// The next message is this.
    ReceivesMessage(Vec<FramePattern>),
    /// The next command is this.
    ReceivesCommand {
        /// Name.
        name: String,
        /// Everything behind the name; `None` for anything.
        data: Option<Pattern>,
    },
    /// The next frame, be it message or command, is a subscription to this topic in the negotiated form.
    ReceivesSubscription(Vec<u8>),
    /// Likewise a cancellation.
    ReceivesCancellation(Vec<u8>),
    /// Nothing is on the wire: PING goes out, and PONG is the next thing to come back.
    ReceivesNothing,
    /// The next thing to come is the end of the connection.
    ReceivesEnd,
    /// One of these outcomes came; the first is preferred.
    Sees(Vec<Outcome>),
    /// Closes in order.
    Closes,
    /// Closes with a reset.
    Resets,
}

/// How a raw peer introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Handshake {
    /// Socket-Type; `None` for the usual counterpart of the subject's.
    pub kind: Option<String>,
    /// Version to greet with; `None` for the run's.
    pub version: Option<Version>,
    /// Properties after Socket-Type.
    pub properties: Vec<Property>,
}

impl Handshake {
    /// Whether it is the plain way to reach the state under test, not itself what is tested.
    #[must_use]
    pub fn is_setup(&self) -> bool {
        self.version.is_none() && self.properties.iter().all(|p| p.name == b"Identity")
    }
}

/// Socket-Type in a READY that a case writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketTypeProperty {
    /// This value.
    Value(String),
    /// None at all.
    Absent,
}

/// How octets go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// In as few segments as the kernel likes.
    AtOnce,
    /// One octet to a write, without delay in the kernel.
    OneByOne,
}

/// What became of a connection after something was done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was closed, without an ERROR command.
    Closed,
    /// An ERROR command came, then it was closed.
    Error,
    /// READY came.
    Ready,
    /// The handshake goes on: the next command of a mechanism with roles came, or a request of ZAP.
    Continued,
    /// It is open and the subject reads from it: a fence was answered.
    Open,
    /// Nothing came until the deadline.
    Silent,
    /// Octets came that are no answer of ZMTP 3.x: the subject went on in an older version.
    Downgrade,
    /// Sixty-four octets came unasked.
    Opening64,
    /// Eleven octets came unasked.
    Opening11,
    /// Ten octets came unasked.
    Opening10,
}

impl Outcome {
    /// Every outcome with its word.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Closed, "closed"),
        (Self::Error, "error"),
        (Self::Ready, "ready"),
        (Self::Continued, "continued"),
        (Self::Open, "open"),
        (Self::Silent, "silent"),
        (Self::Downgrade, "downgrade"),
        (Self::Opening64, "opening-of-64"),
        (Self::Opening11, "opening-of-11"),
        (Self::Opening10, "opening-of-10"),
    ];

    /// Its word in cases and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(outcome, _)| *outcome == self).map_or("", |(_, word)| word)
    }
}

/// What the subject is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectAct {
    /// Sends one message.
    Sends {
        /// Its frames.
        frames: Vec<FrameValue>,
        /// What may come of it.
        wants: SendWants,
    },
    /// Hands over one part and says that more follow.
    SendsPart(FrameValue),
    /// Sends numbered messages; the peers receive them in rotation.
    SendsInRotation {
        /// How many.
        count: usize,
        /// The peers.
        peers: Vec<String>,
    },
    /// Sends numbered requests, one at a time; the peers receive them in rotation and answer each.
    RequestsInRotation {
        /// How many.
        count: usize,
        /// The peers.
        peers: Vec<String>,
    },
    /// The next message is this.
    Receives(Vec<FramePattern>),
    /// The next message is this, and these properties of its sender come with it.
    ReceivesFrom {
        /// The message.
        frames: Vec<FramePattern>,
        /// Name and value of each property.
        properties: Vec<(String, FramePattern)>,
    },
    /// A receive that does not wait is refused in one of these ways.
    ReceivesRefused(Vec<ErrorClass>),
    /// This message is among the next `within`; a REP subject answers those before it.
    ReceivesWithin {
        /// The message.
        frames: Vec<FramePattern>,
        /// How many messages it may take.
        within: usize,
    },
    /// Receives this many messages, whatever they are.
    ReceivesCount(usize),
    /// Sets option `subscribe`.
    Subscribes(Vec<u8>),
    /// Sets option `unsubscribe`.
    Unsubscribes(Vec<u8>),
    /// Sets any option, by its declared type.
    Sets {
        /// Name.
        option: String,
        /// Value as written.
        value: OptionValue,
        /// In which ways it has to be refused; empty if it has to succeed.
        refused: Vec<ErrorClass>,
    },
    /// The next event of its monitor is one of these; the first is preferred.
    Reports(Vec<String>),
    /// Does its pending work.
    Settles,
    /// Closes its socket.
    Closes,
}

/// What may come of a send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendWants {
    /// It succeeds.
    Success,
    /// It is refused in one of these ways.
    Refusal(Vec<ErrorClass>),
    /// It succeeds, or is refused in one of these ways; the second is a variant.
    SuccessOrRefusal(Vec<ErrorClass>),
}

/// An option's value in a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionValue {
    /// A number.
    Int(i64),
    /// Octets; sent as text or hex, as the adapter declares.
    Octets(Vec<u8>),
}

/// A frame to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameValue {
    /// These octets.
    Octets(Vec<u8>),
    /// What a capture holds.
    Captured(String),
}

/// A frame to receive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FramePattern {
    /// `_`: any.
    Any,
    /// `$name`: any the first time, the same later.
    Capture(String),
    /// These octets.
    Octets(Pattern),
}

impl std::fmt::Display for FramePattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("_"),
            Self::Capture(name) => write!(f, "${name}"),
            Self::Octets(pattern) => write!(f, "{pattern}"),
        }
    }
}

impl std::fmt::Display for FrameValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Octets(octets) => f.write_str(&crate::wire::show(octets)),
            Self::Captured(name) => write!(f, "${name}"),
        }
    }
}
