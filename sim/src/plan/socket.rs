//! Sockets and their options.

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// A socket, as it is made when its actor starts: options, then `bind`, `connect`, `subscribe` in this order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Socket {
    /// Its name.
    pub name: String,
    /// The host that it is on.
    pub host: String,
    /// Its type.
    #[serde(rename = "type")]
    pub socket_type: SocketType,
    /// Endpoints: `tcp://*:5555`, `ipc://name`, `ipc://@name`, `inproc://name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bind: Vec<String>,
    /// Endpoints: `tcp://host:5555`, by the name of a host of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connect: Vec<String>,
    /// Topics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscribe: Vec<String>,
    /// What differs from the defaults.
    #[serde(default)]
    pub options: SocketOptions,
}

/// Types of sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "they are their names")]
pub enum SocketType {
    Req,
    Rep,
    Dealer,
    Router,
    Pub,
    Sub,
    XPub,
    XSub,
    Push,
    Pull,
    Pair,
    Stream,
}

/// Options by libzmq's names, in people's units. What is not there has its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SocketOptions {
    /// `ZMQ_SNDHWM`, messages; 0: without limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sndhwm: Option<u32>,
    /// `ZMQ_RCVHWM`, messages; 0: without limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rcvhwm: Option<u32>,
    /// `ZMQ_SNDBUF`, octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sndbuf: Option<u32>,
    /// `ZMQ_RCVBUF`, octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rcvbuf: Option<u32>,
    /// `ZMQ_LINGER`; `"forever"` is [`Linger::Forever`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linger: Option<Linger>,
    /// `ZMQ_ROUTING_ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_id: Option<String>,
    /// `ZMQ_IMMEDIATE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immediate: Option<bool>,
    /// `ZMQ_CONFLATE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflate: Option<bool>,
    /// `ZMQ_RECONNECT_IVL`; 0s: at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconnect_ivl: Option<Span>,
    /// `ZMQ_RECONNECT_IVL_MAX`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconnect_ivl_max: Option<Span>,
    /// `ZMQ_CONNECT_TIMEOUT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Span>,
    /// `ZMQ_HANDSHAKE_IVL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake_ivl: Option<Span>,
    /// `ZMQ_HEARTBEAT_IVL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat_ivl: Option<Span>,
    /// `ZMQ_HEARTBEAT_TIMEOUT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat_timeout: Option<Span>,
    /// `ZMQ_HEARTBEAT_TTL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat_ttl: Option<Span>,
    /// `ZMQ_BACKLOG`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backlog: Option<u32>,
    /// `ZMQ_MAXMSGSIZE`, octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maxmsgsize: Option<u64>,
    /// `ZMQ_PROBE_ROUTER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_router: Option<bool>,
    /// `ZMQ_ROUTER_MANDATORY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub router_mandatory: Option<bool>,
    /// `ZMQ_ROUTER_HANDOVER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub router_handover: Option<bool>,
    /// `ZMQ_REQ_RELAXED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub req_relaxed: Option<bool>,
    /// `ZMQ_REQ_CORRELATE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub req_correlate: Option<bool>,
    /// `ZMQ_XPUB_VERBOSE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xpub_verbose: Option<bool>,
    /// `ZMQ_XPUB_NODROP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xpub_nodrop: Option<bool>,
    /// `ZMQ_XPUB_MANUAL`: what is asked for is received, and granted by subscribing for who asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xpub_manual: Option<bool>,
    /// `ZMQ_INVERT_MATCHING`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invert_matching: Option<bool>,
    /// `ZMQ_TCP_KEEPALIVE` and the rest of tcp are the engines' defaults. Security:
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<Security>,
}

/// How long what was sent is kept after the socket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Linger {
    /// Not at all.
    Discard,
    /// For so long.
    For(Span),
    /// Until it is sent.
    Forever,
}

/// How peers know each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Security {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// Whether this side is the mechanism's server.
    #[serde(default)]
    pub server: bool,
    /// PLAIN: the client's user name; CURVE: the name of this side's key pair, drawn by the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// PLAIN: the client's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// CURVE, client: the name of the server's key pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Server: asks the host's handler of ZAP about this domain. The handler lets in who is in `allowed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zap_domain: Option<String>,
    /// Server with a domain: the names that are let in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
}

/// Mechanisms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "they are their names")]
pub enum Mechanism {
    Null,
    Plain,
    Curve,
}
