//! Adapter protocol, version 1: JSON lines, requests on stdin, replies on stdout.
//!
//! The document is `docs/src/adapter-protocol.md`, the schema `conformance/schema/adapter-protocol.v1.json`; both say
//! the same as these types. Every request has an `id`, its reply carries it back, replies may come in any order.
//!
//! ```text
//! → {"id":1,"do":"hello","protocol":1}
//! ← {"id":1,"protocol":1,"name":"libzmq","version":"4.3.5",…}
//! → {"id":2,"do":"open","s":"x","type":"REP","options":{"linger":0}}
//! ← {"id":2}
//! → {"id":3,"do":"recv","s":"x","timeout_ms":200}
//! ← {"id":3,"error":{"class":"would-block","errno":"EAGAIN","native":"Resource temporarily unavailable"}}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The only version there is.
pub const PROTOCOL: u32 = 1;

/// Parts longer than this many octets travel as [`Part::Fill`] in requests and [`Part::Digest`] in replies.
pub const LARGE_PART: usize = 64 * 1024;

/// One line from the harness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the harness, unique within the process's life.
    pub id: u64,
    /// What to do.
    #[serde(flatten)]
    pub body: RequestBody,
}

/// What an adapter can be asked to do. An unknown `do` is answered with error class `unsupported`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum RequestBody {
    /// First request of every process. Reply: [`Hello`].
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
    },
    /// Makes a context. Sockets opened without naming one share a default context.
    Context {
        /// Name chosen by the harness.
        ctx: String,
        /// Context options.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        options: BTreeMap<String, Value>,
    },
    /// Ends a context: every blocked call on its sockets is released with error class `terminated`.
    Term {
        /// Its name.
        ctx: String,
    },
    /// Makes a socket.
    Open {
        /// Name chosen by the harness.
        s: String,
        /// Context; absent for the default one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ctx: Option<String>,
        /// Socket type as the ledger writes it: `REQ`, `XPUB` …
        #[serde(rename = "type")]
        kind: String,
        /// Options set before anything else happens to the socket.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        options: BTreeMap<String, Value>,
    },
    /// Closes a socket.
    Close {
        /// The socket.
        s: String,
        /// Milliseconds to linger; absent: 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        linger: Option<i64>,
    },
    /// Sets an option.
    Set {
        /// The socket.
        s: String,
        /// Option name in lower case, without a prefix: `routing_id`, `subscribe`.
        option: String,
        /// By the option's declared type.
        value: Value,
    },
    /// Reads an option. Reply: [`Reply::value`].
    Get {
        /// The socket.
        s: String,
        /// Option name.
        option: String,
    },
    /// Binds; the reply comes when a peer can connect. Reply: [`Reply::endpoint`], as resolved.
    Bind {
        /// The socket.
        s: String,
        /// `tcp://127.0.0.1:*` asks for any free port.
        endpoint: String,
    },
    /// Connects. Reply: [`Reply::endpoint`].
    Connect {
        /// The socket.
        s: String,
        /// Where to.
        endpoint: String,
    },
    /// Undoes a bind.
    Unbind {
        /// The socket.
        s: String,
        /// As `bind` replied.
        endpoint: String,
    },
    /// Undoes a connect.
    Disconnect {
        /// The socket.
        s: String,
        /// As `connect` replied.
        endpoint: String,
    },
    /// Sends one message, or one part of it.
    Send {
        /// The socket.
        s: String,
        /// Parts in order.
        parts: Vec<Part>,
        /// Leaves the message half sent: the next `send` goes on with it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        more: bool,
        /// Milliseconds to wait; 0 does not block.
        timeout_ms: u64,
    },
    /// Receives one whole message. Reply: [`Reply::parts`], [`Reply::metadata`].
    Recv {
        /// The socket.
        s: String,
        /// Milliseconds to wait; 0 does not block.
        timeout_ms: u64,
    },
    /// Waits until one of the items is ready. Reply: [`Reply::ready`].
    Poll {
        /// Sockets and directions.
        items: Vec<PollItem>,
        /// Milliseconds to wait.
        timeout_ms: u64,
    },
    /// Lets a library that works only inside calls do its pending work. Does nothing else.
    Settle {
        /// The socket.
        s: String,
    },
    /// Asks for monitor events of a socket; they arrive as [`Unsolicited::Monitor`].
    Monitor {
        /// The socket.
        s: String,
    },
    /// Closes everything. Reply: [`Reply::left`].
    Reset {},
}

impl RequestBody {
    /// The word that stands in `do`.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Context { .. } => "context",
            Self::Term { .. } => "term",
            Self::Open { .. } => "open",
            Self::Close { .. } => "close",
            Self::Set { .. } => "set",
            Self::Get { .. } => "get",
            Self::Bind { .. } => "bind",
            Self::Connect { .. } => "connect",
            Self::Unbind { .. } => "unbind",
            Self::Disconnect { .. } => "disconnect",
            Self::Send { .. } => "send",
            Self::Recv { .. } => "recv",
            Self::Poll { .. } => "poll",
            Self::Settle { .. } => "settle",
            Self::Monitor { .. } => "monitor",
            Self::Reset {} => "reset",
        }
    }

    /// Every word that `do` can be.
    pub const VERBS: &'static [&'static str] = &[
        "hello",
        "context",
        "term",
        "open",
        "close",
        "set",
        "get",
        "bind",
        "connect",
        "unbind",
        "disconnect",
        "send",
        "recv",
        "poll",
        "settle",
        "monitor",
        "reset",
    ];
}

/// One line from the adapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// Answers a request.
    Reply(Box<Reply>),
    /// Comes unasked.
    Unsolicited(Unsolicited),
}

/// Answers the request with the same `id`. Only the fields that its request asks for are present.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Reply {
    /// The request's id.
    pub id: u64,
    /// Present if and only if the request was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReply>,
    /// To `hello`.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub hello: Option<Hello>,
    /// To `bind`, `connect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// To `get`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// To `recv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<Part>>,
    /// To `recv`, where the implementation offers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// To `poll`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Vec<PollItem>>,
    /// To `reset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
}

/// What an adapter declares about its implementation. Declared, then probed: a contradiction is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Implementation, not adapter: `libzmq`, `zmq.rs`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its commit, or empty.
    #[serde(default)]
    pub commit: String,
    /// File that holds the implementation, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Socket types that `open` takes.
    pub sockets: Vec<String>,
    /// `bind`, `connect`, or both.
    pub roles: Vec<String>,
    /// `tcp`, `ipc`, `inproc` …
    pub transports: Vec<String>,
    /// `NULL`, `PLAIN`, `CURVE` …
    pub mechanisms: Vec<String>,
    /// ZMTP versions that it speaks: `3.1`, `3.0`, `2.0`, `1.0`.
    pub zmtp: Vec<String>,
    /// Options that `set` or `open` take, and the type of each: `int`, `text` or `hex`.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Anything else that a case or an expectation may ask for.
    #[serde(default)]
    pub features: Vec<String>,
}

/// An option's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Type `int`.
    Int(i64),
    /// Type `text` as it is, type `hex` as lower-case hex.
    Text(String),
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Part {
    /// The octets as lower-case hex.
    Hex(String),
    /// One octet, repeated; in requests only.
    Fill {
        /// The octet, two hex digits.
        fill: String,
        /// How many.
        len: usize,
    },
    /// Length and digest of a part longer than [`LARGE_PART`]; in replies only.
    Digest {
        /// Length in octets.
        len: usize,
        /// SHA-256, lower-case hex.
        sha256: String,
    },
}

/// A socket and a direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollItem {
    /// The socket.
    pub s: String,
    /// `in` or `out`.
    pub on: String,
}

/// What is left after `reset`, as the adapter counts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Left {
    /// Sockets still open.
    pub sockets: u64,
    /// Threads of the process.
    pub threads: u64,
    /// File descriptors of the process.
    pub descriptors: u64,
    /// Resident memory in bytes, 0 if unknown.
    pub bytes: u64,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReply {
    /// The kind, in the words that cases use.
    pub class: ErrorClass,
    /// Name of the errno, or empty.
    #[serde(default)]
    pub errno: String,
    /// The implementation's own words.
    #[serde(default)]
    pub native: String,
}

/// Kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorClass {
    /// Nothing to receive, or no room, within the time given.
    WouldBlock,
    /// Not now: REQ sends twice.
    State,
    /// No such peer.
    Unroutable,
    /// The context ended.
    Terminated,
    /// The request makes no sense to the implementation.
    Argument,
    /// The implementation does not have this.
    Unsupported,
    /// The remote end is to blame, and the library told its caller.
    Peer,
    /// Anything else.
    Other,
}

/// A line that answers nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Unsolicited {
    /// An event of a monitored socket.
    Monitor {
        /// The socket.
        s: String,
        /// `handshake_succeeded`, `disconnected` …
        name: String,
        /// As the implementation gives it.
        value: i64,
        /// As the implementation gives it.
        endpoint: String,
        /// Counts from 1 per socket.
        seq: u64,
    },
    /// A background thread failed. Counts as a crash even if the process lives on.
    Fault {
        /// Name of the thread.
        thread: String,
        /// What it said.
        text: String,
    },
}
