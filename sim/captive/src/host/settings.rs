//! A plan's options by libzmq's numbers.

use zmq_libzmq::{Error, Socket, names};
use zmq_sim::options::keys;
use zmq_sim::plan::{Linger, Mechanism, Security, SocketOptions, SocketType};
use zmq_sim::time::Span;

/// libzmq's number of a type.
pub(super) fn number_of(socket_type: SocketType) -> i32 {
    match socket_type {
        SocketType::Pair => names::PAIR,
        SocketType::Pub => 1,
        SocketType::Sub => names::SUB,
        SocketType::Req => names::REQ,
        SocketType::Rep => names::REP,
        SocketType::Dealer => names::DEALER,
        SocketType::Router => names::ROUTER,
        SocketType::Pull => 7,
        SocketType::Push => 8,
        SocketType::XPub => names::XPUB,
        SocketType::XSub => names::XSUB,
        SocketType::Stream => names::STREAM,
    }
}

const ZAP_DOMAIN: i32 = 55;

fn milliseconds(span: Span) -> i32 {
    i32::try_from(span.0.as_millis()).unwrap_or(i32::MAX)
}

pub(super) fn linger(linger: Linger) -> i32 {
    match linger {
        Linger::Discard => 0,
        Linger::For(span) => milliseconds(span),
        Linger::Forever => -1,
    }
}

/// Sets what the plan says; what it does not say is the library's default.
pub(super) fn apply(made: &Socket, said: &SocketOptions, seed: u64) -> Result<(), Error> {
    let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let ints = [
        (23, said.sndhwm.map(number)),
        (24, said.rcvhwm.map(number)),
        (11, said.sndbuf.map(number)),
        (12, said.rcvbuf.map(number)),
        (names::LINGER, said.linger.map(linger)),
        (39, said.immediate.map(i32::from)),
        (54, said.conflate.map(i32::from)),
        (18, said.reconnect_ivl.map(milliseconds)),
        (21, said.reconnect_ivl_max.map(milliseconds)),
        (79, said.connect_timeout.map(milliseconds)),
        (66, said.handshake_ivl.map(milliseconds)),
        (75, said.heartbeat_ivl.map(milliseconds)),
        (77, said.heartbeat_timeout.map(milliseconds)),
        (76, said.heartbeat_ttl.map(milliseconds)),
        (19, said.backlog.map(number)),
        (51, said.probe_router.map(i32::from)),
        (33, said.router_mandatory.map(i32::from)),
        (56, said.router_handover.map(i32::from)),
        (53, said.req_relaxed.map(i32::from)),
        (52, said.req_correlate.map(i32::from)),
        (40, said.xpub_verbose.map(i32::from)),
        (69, said.xpub_nodrop.map(i32::from)),
        (71, said.xpub_manual.map(i32::from)),
        (74, said.invert_matching.map(i32::from)),
    ];
    for (option, value) in ints {
        if let Some(value) = value {
            made.set_int(option, value)?;
        }
    }
    if let Some(octets) = said.maxmsgsize {
        made.set_i64(22, i64::try_from(octets).unwrap_or(i64::MAX))?;
    }
    if let Some(id) = &said.routing_id {
        made.set_bytes(5, id.as_bytes())?;
    }
    match &said.security {
        Some(security) => secure(made, security, seed),
        None => Ok(()),
    }
}

fn secure(made: &Socket, said: &Security, seed: u64) -> Result<(), Error> {
    let name = said.name.as_deref().unwrap_or_default();
    if let Some(domain) = &said.zap_domain {
        made.set_bytes(ZAP_DOMAIN, domain.as_bytes())?;
    }
    match (said.mechanism, said.server) {
        (Mechanism::Null, _) => Ok(()),
        (Mechanism::Plain, true) => made.set_int(44, 1),
        (Mechanism::Plain, false) => {
            made.set_bytes(45, name.as_bytes())?;
            made.set_bytes(46, said.password.as_deref().unwrap_or_default().as_bytes())
        }
        (Mechanism::Curve, true) => {
            made.set_int(47, 1)?;
            made.set_bytes(49, keys(seed, name).secret().octets())
        }
        (Mechanism::Curve, false) => {
            let (own, server) = (keys(seed, name), keys(seed, said.server_name.as_deref().unwrap_or_default()));
            made.set_bytes(48, own.public().octets())?;
            made.set_bytes(49, own.secret().octets())?;
            made.set_bytes(50, server.public().octets())
        }
    }
}
