//! What the applications of a run saw, and what was done to them.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::actor::message::{MessageId, Part};
use crate::hash::Fingerprint;
use crate::plan::{ActorIndex, FaultIndex, HostIndex, Linger, Plan, SocketIndex};
use crate::settle::Settlement;
use crate::time::Time;

/// All that was seen, in the order in which it happened.
#[derive(Debug)]
pub struct History {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Who still has to be reached.
    pub settlement: Settlement,
    fingerprint: Fingerprint,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// True time.
    pub at: Time,
    /// What.
    pub what: What,
}

/// Who did it: an actor, in which life of its host (0: the first).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Who {
    /// The actor; none: the process itself, which makes its sockets before its actors begin.
    pub actor: Option<ActorIndex>,
    /// The host.
    pub host: HostIndex,
    /// How often the host was started before.
    pub life: u16,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A call of an application is over.
    Call {
        /// Who made it.
        who: Who,
        /// On which socket; none: on the context, or on nothing.
        socket: Option<SocketIndex>,
        /// When it was made.
        since: Time,
        /// What it was, and how it ended.
        call: Call,
    },
    /// An actor has done all its steps.
    Finished(Who),
    /// A library told of a connection: libzmq's monitor events, where the engine has them.
    Monitor {
        /// Whose.
        socket: SocketIndex,
        /// In which life of its host.
        life: u16,
        /// libzmq's name of the event, in lower case: `connected`, `accepted`, `handshake-succeeded`, `disconnected` …
        event: String,
        /// The endpoint.
        endpoint: String,
    },
    /// A fault begins.
    Fault(FaultIndex),
    /// A fault is over.
    Healed(FaultIndex),
    /// All faults are over; from here on everything has to come back.
    AllHealed,
    /// A host's process is gone.
    Down(HostIndex),
    /// A host's process begins, for the how manieth time after the first.
    Up(HostIndex, u16),
}

/// A call, and how it ended.
#[derive(Debug, Clone, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// The socket was made.
    Open,
    /// It was closed.
    Close(Option<Linger>),
    /// Its context was terminated.
    Terminate,
    /// Bound to an endpoint.
    Bind(String),
    /// Connects to an endpoint.
    Connect(String),
    /// An endpoint is not bound any more.
    Unbind(String),
    /// An endpoint is not connected any more.
    Disconnect(String),
    /// Subscribed.
    Subscribe(String),
    /// A subscription was cancelled.
    Unsubscribe(String),
    /// The library has taken the message.
    Sent(Sent),
    /// It took none: no room in time.
    SendTimedOut(MessageId),
    /// The call was dropped before its end; nothing of the message may be sent.
    SendCancelled(MessageId),
    /// A message came.
    Received(Received),
    /// A device has sent on what it had received.
    PassedOn(Received),
    /// None came in time.
    RecvTimedOut,
    /// The call was dropped before its end; no message may be lost by it.
    RecvCancelled,
    /// A call failed.
    Failed {
        /// What was called.
        call: String,
        /// libzmq's number of the error.
        errno: i32,
        /// In words.
        why: String,
    },
}

/// A message that a library took.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sent {
    /// Which.
    pub id: MessageId,
    /// The message that it answers.
    pub answers: Option<MessageId>,
    /// Its topic, if it has one.
    pub topic: String,
    /// The routing id that it was sent to, by ROUTER.
    pub to: Option<Vec<u8>>,
    /// Parts, without envelope.
    pub parts: u8,
    /// A probe, sent after the healing.
    pub probe: bool,
}

/// A message that came.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Received {
    /// Frames in front of the parts that actors made: routing ids, delimiters.
    pub envelope: Vec<Vec<u8>>,
    /// The parts, each as what its octets say; what no actor made is not readable.
    pub parts: Vec<Part>,
}

impl Received {
    /// Reads frames. The envelope ends where the first part of an actor begins.
    #[must_use]
    pub fn read(plan: &Plan, frames: &[Vec<u8>]) -> Self {
        let begin = frames.iter().position(|frame| matches!(Part::read(plan, frame), Part::Of { .. }));
        let begin = begin.unwrap_or(0);
        let parts = frames[begin..].iter().map(|frame| Part::read(plan, frame)).collect();
        Self { envelope: frames[..begin].to_vec(), parts }
    }

    /// Which message it is, by its first part.
    #[must_use]
    pub fn id(&self) -> Option<MessageId> {
        match self.parts.first() {
            Some(Part::Of { id, .. }) => Some(*id),
            Some(Part::Foreign(_)) | None => None,
        }
    }

    /// The first frame, if it belongs to an envelope: a routing id, where a ROUTER received it.
    #[must_use]
    pub fn first_frame(&self) -> Option<&[u8]> {
        self.envelope.first().map(Vec::as_slice)
    }

    /// The message that it answers.
    #[must_use]
    pub fn answers(&self) -> Option<MessageId> {
        match self.parts.first() {
            Some(Part::Of { answers, .. }) => *answers,
            Some(Part::Foreign(_)) | None => None,
        }
    }
}

impl History {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self { entries: Vec::new(), settlement: Settlement::of(plan), fingerprint: Fingerprint::default() }
    }

    /// Takes note of something.
    pub fn note(&mut self, at: Time, what: What) {
        if let What::Call { socket: Some(socket), call, .. } = &what {
            match call {
                Call::Sent(sent) if sent.probe => self.settlement.probe_sent(sent.id, *socket),
                Call::Received(received) => self.settlement.received(received, *socket),
                _ => {}
            }
        }
        let entry = Entry { at, what };
        entry.hash(&mut self.fingerprint);
        self.entries.push(entry);
    }

    /// The hash of all entries, in their order.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.fingerprint.finish()
    }

    /// Calls, in the order of their ends.
    pub fn calls(&self) -> impl Iterator<Item = (Time, Who, Option<SocketIndex>, &Call)> {
        self.entries.iter().filter_map(|entry| match &entry.what {
            What::Call { who, socket, call, .. } => Some((entry.at, *who, *socket, call)),
            _ => None,
        })
    }
}
