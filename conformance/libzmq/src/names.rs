//! libzmq's numbers by name: socket types, options, monitor events.

/// Socket type PAIR.
pub const PAIR: i32 = 0;
/// Socket type SUB.
pub const SUB: i32 = 2;
/// Socket type REQ.
pub const REQ: i32 = 3;
/// Socket type REP.
pub const REP: i32 = 4;
/// Socket type DEALER.
pub const DEALER: i32 = 5;
/// Socket type ROUTER.
pub const ROUTER: i32 = 6;
/// Socket type XPUB.
pub const XPUB: i32 = 9;
/// Socket type XSUB.
pub const XSUB: i32 = 10;
/// Socket type STREAM.
pub const STREAM: i32 = 11;

/// Option `events`.
pub const EVENTS: i32 = 15;
/// Option `fd`.
pub const FD: i32 = 14;
/// Option `linger`.
pub const LINGER: i32 = 17;
/// Option `rcvhwm`.
pub const RCVHWM: i32 = 24;
/// Option `rcvtimeo`.
pub const RCVTIMEO: i32 = 27;
/// Option `sndtimeo`.
pub const SNDTIMEO: i32 = 28;
/// Option `last_endpoint`.
pub const LAST_ENDPOINT: i32 = 32;

/// The stable socket types. Draft types are not offered: a build without drafts aborts when one meets a peer.
pub const SOCKET_TYPES: &[(&str, i32)] = &[
    ("PAIR", PAIR),
    ("PUB", 1),
    ("SUB", SUB),
    ("REQ", REQ),
    ("REP", REP),
    ("DEALER", DEALER),
    ("ROUTER", ROUTER),
    ("PULL", 7),
    ("PUSH", 8),
    ("XPUB", XPUB),
    ("XSUB", XSUB),
    ("STREAM", STREAM),
];

/// What an option's value is in C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// `int`.
    Int,
    /// `int64_t` or `uint64_t`.
    Int64,
    /// Text.
    Text,
    /// Octets.
    Octets,
    /// A CURVE key, 32 octets.
    Key,
}

/// How to find out whether a library has an option, without changing anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Read it from a DEALER.
    Get,
    /// Read it from a socket of this type.
    GetFrom(i32),
    /// Set this number on a socket of this type.
    SetInt(i32, i32),
    /// Set these octets on a socket of this type.
    SetOctets(i32, &'static [u8]),
}

/// A socket option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketOption {
    /// Lower case, without libzmq's prefix.
    pub name: &'static str,
    /// libzmq's number.
    pub number: i32,
    /// Type of its value.
    pub kind: OptionKind,
    /// How to find out whether a library has it.
    pub probe: Probe,
}

const fn int(name: &'static str, number: i32) -> SocketOption {
    SocketOption { name, number, kind: OptionKind::Int, probe: Probe::Get }
}

const fn long(name: &'static str, number: i32) -> SocketOption {
    SocketOption { name, number, kind: OptionKind::Int64, probe: Probe::Get }
}

const fn text(name: &'static str, number: i32) -> SocketOption {
    SocketOption { name, number, kind: OptionKind::Text, probe: Probe::Get }
}

const fn key(name: &'static str, number: i32) -> SocketOption {
    SocketOption { name, number, kind: OptionKind::Key, probe: Probe::Get }
}

/// An `int` that can be set only, and only on some types.
const fn switch(name: &'static str, number: i32, on: i32, value: i32) -> SocketOption {
    SocketOption { name, number, kind: OptionKind::Int, probe: Probe::SetInt(on, value) }
}

/// Octets that can be set only.
const fn octets(name: &'static str, number: i32, on: i32, value: &'static [u8]) -> SocketOption {
    SocketOption { name, number, kind: OptionKind::Octets, probe: Probe::SetOctets(on, value) }
}

/// Every socket option of libzmq that a test over stream transports can use.
pub const SOCKET_OPTIONS: &[SocketOption] = &[
    long("affinity", 4),
    SocketOption { name: "routing_id", number: 5, kind: OptionKind::Octets, probe: Probe::Get },
    octets("subscribe", 6, SUB, b"probe"),
    octets("unsubscribe", 7, SUB, b"probe"),
    int("rate", 8),
    int("recovery_ivl", 9),
    int("sndbuf", 11),
    int("rcvbuf", 12),
    int("rcvmore", 13),
    int("fd", FD),
    int("events", EVENTS),
    int("type", 16),
    int("linger", LINGER),
    int("reconnect_ivl", 18),
    int("backlog", 19),
    int("reconnect_ivl_max", 21),
    long("maxmsgsize", 22),
    int("sndhwm", 23),
    int("rcvhwm", RCVHWM),
    int("multicast_hops", 25),
    int("rcvtimeo", RCVTIMEO),
    int("sndtimeo", SNDTIMEO),
    int("ipv4only", 31),
    text("last_endpoint", LAST_ENDPOINT),
    switch("router_mandatory", 33, ROUTER, 0),
    int("tcp_keepalive", 34),
    int("tcp_keepalive_cnt", 35),
    int("tcp_keepalive_idle", 36),
    int("tcp_keepalive_intvl", 37),
    SocketOption {
        name: "tcp_accept_filter",
        number: 38,
        kind: OptionKind::Text,
        probe: Probe::SetOctets(DEALER, b"127.0.0.1"),
    },
    int("immediate", 39),
    switch("xpub_verbose", 40, XPUB, 0),
    switch("router_raw", 41, ROUTER, 0),
    int("ipv6", 42),
    int("mechanism", 43),
    int("plain_server", 44),
    text("plain_username", 45),
    text("plain_password", 46),
    int("curve_server", 47),
    key("curve_publickey", 48),
    key("curve_secretkey", 49),
    key("curve_serverkey", 50),
    switch("probe_router", 51, ROUTER, 0),
    switch("req_correlate", 52, REQ, 0),
    switch("req_relaxed", 53, REQ, 0),
    int("conflate", 54),
    text("zap_domain", 55),
    switch("router_handover", 56, ROUTER, 0),
    int("tos", 57),
    octets("connect_routing_id", 61, ROUTER, b"probe"),
    int("gssapi_server", 62),
    text("gssapi_principal", 63),
    text("gssapi_service_principal", 64),
    int("gssapi_plaintext", 65),
    int("handshake_ivl", 66),
    text("socks_proxy", 68),
    switch("xpub_nodrop", 69, XPUB, 0),
    switch("xpub_manual", 71, XPUB, 0),
    octets("xpub_welcome_msg", 72, XPUB, b""),
    switch("stream_notify", 73, STREAM, 1),
    int("invert_matching", 74),
    int("heartbeat_ivl", 75),
    int("heartbeat_ttl", 76),
    int("heartbeat_timeout", 77),
    switch("xpub_verboser", 78, XPUB, 0),
    int("connect_timeout", 79),
    int("tcp_maxrt", 80),
    int("thread_safe", 81),
    int("multicast_maxtpdu", 84),
    int("use_fd", 89),
    int("gssapi_principal_nametype", 90),
    int("gssapi_service_principal_nametype", 91),
    text("bindtodevice", 92),
    int("zap_enforce_domain", 93),
    int("loopback_fastpath", 94),
    SocketOption {
        name: "metadata",
        number: 95,
        kind: OptionKind::Text,
        probe: Probe::SetOctets(DEALER, b"X-Zmqspec:probe"),
    },
    int("multicast_loop", 96),
    switch("router_notify", 97, ROUTER, 0),
    switch("xpub_manual_last_value", 98, XPUB, 0),
    text("socks_username", 99),
    text("socks_password", 100),
    int("in_batch_size", 101),
    int("out_batch_size", 102),
    switch("only_first_subscribe", 108, XPUB, 0),
    int("reconnect_stop", 109),
    octets("hello_msg", 110, DEALER, b""),
    octets("disconnect_msg", 111, DEALER, b""),
    int("priority", 112),
    switch("busy_poll", 113, DEALER, 0),
    octets("hiccup_msg", 114, DEALER, b""),
    switch("xsub_verbose_unsubscribe", 115, XSUB, 0),
    SocketOption { name: "topics_count", number: 116, kind: OptionKind::Int, probe: Probe::GetFrom(XPUB) },
];

/// Context options that take an `int`.
pub const CONTEXT_OPTIONS: &[(&str, i32)] = &[
    ("io_threads", 1),
    ("max_sockets", 2),
    ("thread_priority", 3),
    ("thread_sched_policy", 4),
    ("max_msgsz", 5),
    ("zero_copy_recv", 10),
    ("ipv6", 42),
    ("blocky", 70),
];

/// Monitor event that says that no further one will come.
pub const EVENT_MONITOR_STOPPED: u16 = 0x0400;
/// Every event of the first monitor protocol.
pub(crate) const EVENT_ALL: i32 = 0xFFFF;

/// Monitor events by bit.
pub const EVENT_NAMES: &[(u16, &str)] = &[
    (0x0001, "connected"),
    (0x0002, "connect_delayed"),
    (0x0004, "connect_retried"),
    (0x0008, "listening"),
    (0x0010, "bind_failed"),
    (0x0020, "accepted"),
    (0x0040, "accept_failed"),
    (0x0080, "closed"),
    (0x0100, "close_failed"),
    (0x0200, "disconnected"),
    (EVENT_MONITOR_STOPPED, "monitor_stopped"),
    (0x0800, "handshake_failed_no_detail"),
    (0x1000, "handshake_succeeded"),
    (0x2000, "handshake_failed_protocol"),
    (0x4000, "handshake_failed_auth"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_stand_once() {
        let mut names: Vec<_> = SOCKET_OPTIONS.iter().map(|option| option.name).collect();
        let mut numbers: Vec<_> = SOCKET_OPTIONS.iter().map(|option| option.number).collect();
        names.sort_unstable();
        names.dedup();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!((names.len(), numbers.len()), (SOCKET_OPTIONS.len(), SOCKET_OPTIONS.len()));
    }
}
