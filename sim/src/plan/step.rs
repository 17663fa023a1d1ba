//! What an actor can do.

use serde::{Deserialize, Serialize};

use super::socket::Linger;
use crate::time::Span;

/// One step of an actor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Step {
    /// Sends messages of its own.
    Send(Send),
    /// Receives messages.
    Recv(Recv),
    /// Sends a request and waits for the reply, again and again (REQ, DEALER).
    Request(Request),
    /// Answers what comes (REP, ROUTER, DEALER).
    Serve(Serve),
    /// Passes messages on between two sockets, both ways (a device).
    Forward {
        /// One side.
        front: String,
        /// The other side.
        back: String,
        /// For how long; none: until the plan is settled.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        r#for: Option<Span>,
    },
    /// Waits until there is a message, and leaves it there.
    Poll {
        /// Which; none: the actor's first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        socket: Option<String>,
        /// How long at most; none: until there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        r#for: Option<Span>,
    },
    /// Does nothing for a while.
    Wait(Span),
    /// Binds.
    Bind(At),
    /// Connects.
    Connect(At),
    /// Gives a bound endpoint up.
    Unbind(At),
    /// Gives a connected endpoint up.
    Disconnect(At),
    /// Subscribes.
    Subscribe(Topic),
    /// Cancels a subscription.
    Unsubscribe(Topic),
    /// Closes a socket, with this linger or that of its options.
    Close {
        /// Which; none: the actor's first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        socket: Option<String>,
        /// How long what is unsent is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        linger: Option<Linger>,
    },
    /// Makes a closed socket again, as at the start.
    Open {
        /// Which; none: the actor's first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        socket: Option<String>,
    },
    /// Waits for the healing, then sends probes every 100 ms (sockets that send) and receives (those that receive) until
    /// every peer that has to be reached has got one. What is not reached by the plan's limit is a violation of liveness.
    Settle {
        /// Which; none: the actor's first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        socket: Option<String>,
    },
}

impl Step {
    /// Its name, as it is written in a scenario.
    #[must_use]
    pub fn name(&self) -> String {
        let name = match self {
            Self::Send(_) => "send",
            Self::Recv(_) => "recv",
            Self::Request(_) => "request",
            Self::Serve(_) => "serve",
            Self::Forward { .. } => "forward",
            Self::Poll { .. } => "poll",
            Self::Wait(_) => "wait",
            Self::Bind(_) => "bind",
            Self::Connect(_) => "connect",
            Self::Unbind(_) => "unbind",
            Self::Disconnect(_) => "disconnect",
            Self::Subscribe(_) => "subscribe",
            Self::Unsubscribe(_) => "unsubscribe",
            Self::Close { .. } => "close",
            Self::Open { .. } => "open",
            Self::Settle { .. } => "settle",
        };
        name.to_owned()
    }
}

/// An endpoint of a socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct At {
    /// Which; none: the actor's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// The endpoint.
    pub endpoint: String,
}

/// A topic of a socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Topic {
    /// Which; none: the actor's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// The topic.
    pub topic: String,
}

/// Sending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Send {
    /// Which; none: the actor's first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// How many.
    pub count: u32,
    /// Octets of each part, at least those that name it.
    pub size: u32,
    /// Parts of each message.
    pub parts: u8,
    /// The time from one to the next; none: as fast as it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    /// Topics, taken in turn: the messages begin with them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// ROUTER: the routing ids of whom it is for, taken in turn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// How long a call waits for room; none: for ever. `0s`: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// The call is dropped when it was polled so often without an end, and made again. Engines without polls refuse it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_after: Option<u32>,
}

impl Default for Send {
    fn default() -> Self {
        Self {
            socket: None,
            count: 1,
            size: 0,
            parts: 1,
            every: None,
            topics: Vec::new(),
            to: Vec::new(),
            timeout: None,
            cancel_after: None,
        }
    }
}

/// Receiving.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Recv {
    /// Which; none: the actor's first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// How many; none: whatever comes within `for`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How long at most, for all of them; none: until the plan's limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#for: Option<Span>,
    /// The pause behind each: a slow consumer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    /// As [`Send::cancel_after`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_after: Option<u32>,
}

/// Requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Request {
    /// Which; none: the actor's first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// How many.
    pub count: u32,
    /// Octets of each.
    pub size: u32,
    /// How long a reply is waited for; none: for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// What is done when it does not come in time.
    pub retry: Retry,
    /// The pause behind each reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
}

/// What a client does without a reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// Goes on with the next request; a REQ that is not relaxed closes its socket and makes it again.
    #[default]
    Next,
    /// Closes its socket, makes it again and sends the same request.
    Reopen,
    /// Sends the same request again, on the same socket (`req-relaxed`, DEALER).
    Again,
}

/// Serving.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Serve {
    /// Which; none: the actor's first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// How many; none: until the plan is settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How long an answer takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work: Option<Span>,
}
