//! Options of every socket: pipes, times, the life of a connection, and what the socket tells of itself.

use std::time::Duration;

use zmq_core::options::{Hwm, Linger, Options, ReconnectStop, RouterNotify, RoutingId};
use zmq_core::pattern::Switch;
use zmq_core::pattern::table::SocketType;

use super::Kind::{Int, Int64, Octets, Text};
use super::given::Given;
use super::{NumberedError, NumberedOption, Value};
use crate::runtime::watch::Interest;
use crate::socket::Socket;

type Row = NumberedOption;
type Done = Result<(), NumberedError>;
type Read = Result<Value, NumberedError>;

#[rustfmt::skip]
pub(super) const TABLE: &[NumberedOption] = &[
    Row::both(4, "affinity", Int64,
        |s, v| { let value = v.int64()?; change(s, |o| o.affinity = value.cast_unsigned()) },
        |s| Ok(Value::Int64(s.options().affinity.cast_signed()))),
    Row::both(5, "routing_id", Octets, set_routing_id,
        |s| Ok(Value::Octets(s.options().routing_id.map(|id| id.as_slice().to_vec()).unwrap_or_default()))),
    Row::both(8, "rate", Int, |s, v| { let value = positive(v)?; keep(s, |k| k.rate = value) }, |s| kept(s, |k| k.rate)),
    Row::both(9, "recovery_ivl", Int,
        |s, v| { let value = not_negative(v)?; keep(s, |k| k.recovery_interval = value) }, |s| kept(s, |k| k.recovery_interval)),
    Row::gettable(13, "rcvmore", Int, |_| Ok(Value::Int(0))), // messages are received as a whole
    Row::gettable(14, "fd", Int, |s| { use std::os::fd::AsRawFd; Ok(Value::Int(s.event_fd()?.as_raw_fd())) }),
    Row::gettable(15, "events", Int, |s| Ok(Value::Int(events(s.events())))),
    Row::gettable(16, "type", Int, |s| Ok(Value::Int(number(s.socket_type())))),
    Row::both(17, "linger", Int, set_linger, |s| match s.options().linger {
        Linger::Discard => Ok(Value::Int(0)),
        Linger::For(time) => millis(Some(time), 0),
        Linger::Forever => Ok(Value::Int(-1)),
    }),
    Row::both(18, "reconnect_ivl", Int, set_reconnect_interval,
        |s| millis(s.options().reconnect.interval, s.kept(|kept| kept.never_reconnects))),
    Row::both(19, "backlog", Int, |s, v| { let value = v.number(0)?; change(s, |o| o.backlog = value) },
        |s| int(s.options().backlog)),
    Row::both(21, "reconnect_ivl_max", Int,
        |s, v| { let time = v.millis_unless_zero()?; change(s, |o| o.reconnect.interval_max = time) },
        |s| millis(s.options().reconnect.interval_max, 0)),
    Row::both(22, "maxmsgsize", Int64, set_max_frame,
        |s| Ok(Value::Int64(s.options().max_frame_octets.map_or(-1, |most| i64::try_from(most).unwrap_or(i64::MAX))))),
    Row::both(23, "sndhwm", Int, |s, v| { let hwm = v.number(0)?; change(s, |o| o.send_hwm = Hwm::messages(hwm)) },
        |s| int(s.options().send_hwm.get())),
    Row::both(24, "rcvhwm", Int, |s, v| { let hwm = v.number(0)?; change(s, |o| o.recv_hwm = Hwm::messages(hwm)) },
        |s| int(s.options().recv_hwm.get())),
    Row::both(25, "multicast_hops", Int,
        |s, v| { let value = positive(v)?; keep(s, |k| k.multicast_hops = value) }, |s| kept(s, |k| k.multicast_hops)),
    Row::both(27, "rcvtimeo", Int, |s, v| { s.set_recv_timeout(v.millis_or_none()?); Ok(()) }, |s| millis(s.recv_timeout(), -1)),
    Row::both(28, "sndtimeo", Int, |s, v| { s.set_send_timeout(v.millis_or_none()?); Ok(()) }, |s| millis(s.send_timeout(), -1)),
    Row::gettable(32, "last_endpoint", Text,
        |s| Ok(Value::Text(s.last_endpoint().map(|endpoint| endpoint.to_string()).unwrap_or_default()))),
    Row::both(39, "immediate", Int, |s, v| { let on = is_on(v.switch()?); change(s, |o| o.immediate = on) },
        |s| truth(s.options().immediate)),
    Row::both(54, "conflate", Int, |s, v| { let on = is_on(v.switch()?); change(s, |o| o.conflate = on) },
        |s| truth(s.options().conflate)),
    Row::both(66, "handshake_ivl", Int,
        |s, v| { let time = v.millis_unless_zero()?; change(s, |o| o.handshake_timeout = time) },
        |s| millis(s.options().handshake_timeout, 0)),
    Row::both(75, "heartbeat_ivl", Int,
        |s, v| { let time = v.millis_unless_zero()?; change(s, |o| o.heartbeat.interval = time) },
        |s| millis(s.options().heartbeat.interval, 0)),
    Row::both(76, "heartbeat_ttl", Int, set_ttl, |s| millis(Some(s.options().heartbeat.ttl), 0)),
    Row::both(77, "heartbeat_timeout", Int, |s, v| { let time = v.millis_or_none()?; change(s, |o| o.heartbeat.timeout = time) },
        |s| millis(s.options().heartbeat.timeout, -1)),
    Row::both(79, "connect_timeout", Int,
        |s, v| { let time = v.millis_unless_zero()?; change(s, |o| o.connect_timeout = time) },
        |s| millis(s.options().connect_timeout, 0)),
    // Of libzmq's types that are stable none is; ours all are, and need not be treated as if they were not.
    Row::gettable(81, "thread_safe", Int, |_| Ok(Value::Int(0))),
    Row::both(84, "multicast_maxtpdu", Int,
        |s, v| { let value = positive(v)?; keep(s, |k| k.multicast_tpdu = value) }, |s| kept(s, |k| k.multicast_tpdu)),
    Row::both(94, "loopback_fastpath", Int,
        |s, v| { let value = v.int()?; keep(s, |k| k.loopback_fast_path = (value != 0).into()) }, |s| kept(s, |k| k.loopback_fast_path)),
    Row::settable(95, "metadata", Text, set_metadata),
    Row::both(96, "multicast_loop", Int,
        |s, v| { let value = v.int()?; keep(s, |k| k.multicast_loop = (value != 0).into()) }, |s| kept(s, |k| k.multicast_loop)),
    Row::both(97, "router_notify", Int, set_router_notify, |s| {
        let RouterNotify { connects, disconnects } = s.options().router_notify;
        Ok(Value::Int(i32::from(connects) + 2 * i32::from(disconnects)))
    }),
    Row::both(101, "in_batch_size", Int,
        |s, v| { let value = positive(v)?; keep(s, |k| k.in_batch = value) }, |s| kept(s, |k| k.in_batch)),
    Row::both(102, "out_batch_size", Int,
        |s, v| { let value = positive(v)?; keep(s, |k| k.out_batch = value) }, |s| kept(s, |k| k.out_batch)),
    Row::both(109, "reconnect_stop", Int, set_reconnect_stop, |s| {
        let ReconnectStop { on_refusal, on_failed_handshake, after_disconnect } = s.options().reconnect.stop;
        Ok(Value::Int(i32::from(on_refusal) + 2 * i32::from(on_failed_handshake) + 4 * i32::from(after_disconnect)))
    }),
    Row::settable(110, "hello_msg", Octets, |s, v| { let message = message(v); change(s, |o| o.hello_message = message) }),
    Row::settable(111, "disconnect_msg", Octets,
        |s, v| { let message = message(v); change(s, |o| o.disconnect_message = message) }),
    Row::settable(114, "hiccup_msg", Octets, |s, v| { let message = message(v); change(s, |o| o.hiccup_message = message) }),
];

pub(super) fn change(socket: &Socket, change: impl FnOnce(&mut Options)) -> Done {
    socket.change_options(change);
    Ok(())
}

pub(super) fn keep(socket: &Socket, change: impl FnOnce(&mut super::Kept)) -> Done {
    socket.kept(change);
    Ok(())
}

fn kept(socket: &Socket, read: impl FnOnce(&mut super::Kept) -> i32) -> Read {
    Ok(Value::Int(socket.kept(read)))
}

pub(super) fn int(number: u32) -> Read {
    Ok(Value::Int(i32::try_from(number).unwrap_or(i32::MAX)))
}

pub(super) fn truth(on: bool) -> Read {
    Ok(Value::Int(on.into()))
}

/// Milliseconds, or what stands for no time at all.
pub(super) fn millis(time: Option<Duration>, none: i32) -> Read {
    Ok(Value::Int(time.map_or(none, |time| i32::try_from(time.as_millis()).unwrap_or(i32::MAX))))
}

pub(super) fn is_on(switch: Switch) -> bool {
    switch == Switch::On
}

fn not_negative(given: &Given<'_>) -> Result<i32, NumberedError> {
    let number = given.int()?;
    if number >= 0 { Ok(number) } else { Err(given.refused("an int from 0")) }
}

fn positive(given: &Given<'_>) -> Result<i32, NumberedError> {
    let number = given.int()?;
    if number > 0 { Ok(number) } else { Err(given.refused("an int from 1")) }
}

pub(super) fn message(given: &Given<'_>) -> Option<Box<[u8]>> {
    if given.octets.is_empty() { None } else { Some(given.octets.into()) }
}

/// libzmq takes any octets; an id that begins with zero is a ROUTER's own (28/REQREP).
fn set_routing_id(socket: &Socket, given: &Given<'_>) -> Done {
    let id = RoutingId::new(given.octets).map_err(|why| given.refused(why.to_string()))?;
    change(socket, |options| options.routing_id = Some(id))
}

fn set_linger(socket: &Socket, given: &Given<'_>) -> Done {
    let linger = match given.millis_or_none()? {
        None => Linger::Forever,
        Some(Duration::ZERO) => Linger::Discard,
        Some(time) => Linger::For(time),
    };
    change(socket, |options| options.linger = linger)
}

/// libzmq holds commands of the handshake against this as well, so that below some 30 octets nobody comes in; here it is
/// frames of messages only.
fn set_max_frame(socket: &Socket, given: &Given<'_>) -> Done {
    let most = u64::try_from(given.int64()?).ok();
    change(socket, |options| options.max_frame_octets = most)
}

/// 0 and -1 both mean never, and are read as they were set.
fn set_reconnect_interval(socket: &Socket, given: &Given<'_>) -> Done {
    let time = given.millis_or_none()?;
    socket.kept(|kept| kept.never_reconnects = if time.is_some() { 0 } else { -1 });
    change(socket, |options| options.reconnect.interval = time.filter(|time| !time.is_zero()))
}

/// The longest time to live that a PING can say: 65535 tenths of a second.
const TTL_MILLIS: u32 = 6_553_599;

fn set_ttl(socket: &Socket, given: &Given<'_>) -> Done {
    let millis = given.number(0)?;
    if millis > TTL_MILLIS {
        return Err(given.refused(format!("at most {TTL_MILLIS} ms")));
    }
    let ttl = Duration::from_millis((millis / 100 * 100).into());
    change(socket, |options| options.heartbeat.ttl = ttl)
}

/// `X-name:value`; no other name is the application's to choose. A second value takes the place of the first.
fn set_metadata(socket: &Socket, given: &Given<'_>) -> Done {
    let property = given.text(usize::MAX)?.split_once(':');
    let Some((name, value)) = property.filter(|(name, _)| (3..255).contains(&name.len()) && name.starts_with("X-"))
    else {
        return Err(given.refused("`X-name:value` with a name of less than 255 octets"));
    };
    change(socket, |options| {
        options.metadata.retain(|(other, _)| other != name);
        options.metadata.push((name.to_owned(), value.as_bytes().to_vec()));
    })
}

fn set_router_notify(socket: &Socket, given: &Given<'_>) -> Done {
    if socket.socket_type() != SocketType::Router {
        return Err(NumberedError::Type(given.name, socket.socket_type()));
    }
    let bits = given.number(0)?;
    if bits > 3 {
        return Err(given.refused("the sum of 1 and 2, of one of them, or 0"));
    }
    change(socket, |o| o.router_notify = RouterNotify { connects: bits & 1 != 0, disconnects: bits & 2 != 0 })
}

fn set_reconnect_stop(socket: &Socket, given: &Given<'_>) -> Done {
    let bits = given.number(0)?;
    if bits > 7 {
        return Err(given.refused("the sum of some of 1, 2 and 4, or 0"));
    }
    let stop = ReconnectStop {
        on_refusal: bits & 1 != 0,
        on_failed_handshake: bits & 2 != 0,
        after_disconnect: bits & 4 != 0,
    };
    change(socket, |options| options.reconnect.stop = stop)
}

fn events(ready: Interest) -> i32 {
    ready.bits().into()
}

/// libzmq's number of a socket type.
const fn number(socket_type: SocketType) -> i32 {
    match socket_type {
        SocketType::Pair => 0,
        SocketType::Pub => 1,
        SocketType::Sub => 2,
        SocketType::Req => 3,
        SocketType::Rep => 4,
        SocketType::Dealer => 5,
        SocketType::Router => 6,
        SocketType::Pull => 7,
        SocketType::Push => 8,
        SocketType::XPub => 9,
        SocketType::XSub => 10,
        SocketType::Stream => 11,
    }
}
