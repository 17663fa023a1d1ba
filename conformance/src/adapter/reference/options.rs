//! Options between libzmq's names and values, which the protocol has, and the reference's types.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use zmq_reference::blocking::Socket;
use zmq_reference::{Frame, Hwm, Linger, Options, PatternOption, RoutingId, SocketType, Switch, Verbosity};

use super::refusal;
use crate::adapter::parts::{hex, unhex};
use crate::adapter::protocol::{ErrorClass, ErrorReply, Value};
use crate::adapter::serve::{argument, unsupported};

/// A value's type, as `hello` declares it.
#[derive(Clone, Copy)]
enum Kind {
    Int,
    Text,
    Hex,
}

/// Every option that there is.
#[rustfmt::skip]
const NAMES: &[(&str, Kind)] = &[
    ("backlog", Kind::Int), ("connect_routing_id", Kind::Hex), ("connect_timeout", Kind::Int), ("handshake_ivl", Kind::Int),
    ("heartbeat_ivl", Kind::Int), ("heartbeat_timeout", Kind::Int), ("heartbeat_ttl", Kind::Int),
    ("immediate", Kind::Int), ("last_endpoint", Kind::Text), ("linger", Kind::Int), ("maxmsgsize", Kind::Int),
    ("metadata", Kind::Text), ("rcvhwm", Kind::Int), ("rcvtimeo", Kind::Int), ("reconnect_ivl", Kind::Int),
    ("reconnect_ivl_max", Kind::Int), ("router_handover", Kind::Int), ("router_mandatory", Kind::Int), ("routing_id", Kind::Hex),
    ("sndhwm", Kind::Int), ("sndtimeo", Kind::Int), ("stream_notify", Kind::Int), ("subscribe", Kind::Hex),
    ("type", Kind::Int), ("unsubscribe", Kind::Hex), ("xpub_verbose", Kind::Int), ("xpub_verboser", Kind::Int),
];

/// As `hello` declares them.
pub(super) fn declared() -> BTreeMap<String, String> {
    let word = |kind: Kind| match kind {
        Kind::Int => "int",
        Kind::Text => "text",
        Kind::Hex => "hex",
    };
    NAMES.iter().map(|(name, kind)| ((*name).to_owned(), word(*kind).to_owned())).collect()
}

/// Options that the socket keeps, but does not tell.
#[derive(Default)]
pub(super) struct Own {
    pub(super) send_timeout: Option<Duration>,
    pub(super) recv_timeout: Option<Duration>,
}

impl Own {
    /// Sets an option.
    pub(super) fn set(&mut self, socket: &Socket, name: &str, value: &Value) -> Result<(), ErrorReply> {
        let given = Given::new(name, value)?;
        let change = |change: &dyn Fn(&mut Options)| {
            socket.change_options(change);
            Ok(())
        };
        let pattern = |option| socket.set(option).map_err(|error| refusal::option(&error));
        match name {
            "backlog" => given.from(1).and_then(|backlog| change(&|options| options.backlog = backlog)),
            "connect_timeout" => {
                given.time_unless(0).and_then(|time| change(&|options| options.connect_timeout = time))
            }
            "handshake_ivl" => {
                given.time_unless(0).and_then(|time| change(&|options| options.handshake_timeout = time))
            }
            "heartbeat_ivl" => {
                given.time_unless(0).and_then(|time| change(&|options| options.heartbeat.interval = time))
            }
            "heartbeat_timeout" => {
                given.time_unless(-1).and_then(|time| change(&|options| options.heartbeat.timeout = time))
            }
            "heartbeat_ttl" => {
                let ttl = given.from(0).and_then(|millis| match millis {
                    0..=TTL_MILLIS => Ok(Duration::from_millis(millis.into())),
                    _ => Err(given.refused(&format!("at most {TTL_MILLIS} ms"))),
                });
                ttl.and_then(|ttl| change(&|options| options.heartbeat.ttl = ttl))
            }
            "immediate" => {
                given.switch().and_then(|switch| change(&|options| options.immediate = switch == Switch::On))
            }
            "linger" => linger(given.int()?).and_then(|linger| change(&|options| options.linger = linger)),
            "maxmsgsize" => {
                let limit = match given.int()? {
                    -1 => None,
                    other => Some(
                        u64::try_from(other)
                            .ok()
                            .and_then(NonZeroU64::new)
                            .ok_or_else(|| given.refused("-1 or octets from 1"))?,
                    ),
                };
                change(&|options| options.max_frame_octets = limit)
            }
            "metadata" => {
                let (name, value) = property(given.text()?).ok_or_else(|| given.refused("`X-name:value`"))?;
                change(&|options| options.metadata.push((name.clone(), value.clone())))
            }
            "rcvhwm" => given.from(0).and_then(|hwm| change(&|options| options.recv_hwm = Hwm::messages(hwm))),
            "sndhwm" => given.from(0).and_then(|hwm| change(&|options| options.send_hwm = Hwm::messages(hwm))),
            "rcvtimeo" => {
                self.recv_timeout = given.time_unless(-1)?;
                socket.set_recv_timeout(self.recv_timeout);
                Ok(())
            }
            "sndtimeo" => {
                self.send_timeout = given.time_unless(-1)?;
                socket.set_send_timeout(self.send_timeout);
                Ok(())
            }
            "reconnect_ivl" => {
                given.time_unless(-1).and_then(|time| change(&|options| options.reconnect.interval = time))
            }
            "reconnect_ivl_max" => {
                given.time_unless(0).and_then(|time| change(&|options| options.reconnect.interval_max = time))
            }
            "connect_routing_id" => {
                let id = given.octets()?;
                if !(1..=255).contains(&id.len()) {
                    return Err(given.refused("1 to 255 octets"));
                }
                pattern(PatternOption::ConnectRoutingId(Frame::copy_of(&id)))
            }
            "router_handover" => pattern(PatternOption::RouterHandover(given.switch()?)),
            "router_mandatory" => pattern(PatternOption::RouterMandatory(given.switch()?)),
            "routing_id" => {
                let id = RoutingId::new(&given.octets()?).map_err(|error| einval(error.to_string()))?;
                change(&|options| options.routing_id = Some(id.clone()))
            }
            "stream_notify" => {
                given.switch().and_then(|switch| change(&|options| options.stream_notify = switch == Switch::On))
            }
            "subscribe" => pattern(PatternOption::Subscribe(given.octets()?)),
            "unsubscribe" => pattern(PatternOption::Unsubscribe(given.octets()?)),
            "xpub_verbose" => pattern(verbosity(given.switch()?, Verbosity::Subscriptions)),
            "xpub_verboser" => pattern(verbosity(given.switch()?, Verbosity::Everything)),
            "last_endpoint" | "type" => Err(einval(format!("option `{name}` can only be read"))),
            _ => Err(unknown(name)),
        }
    }

    /// Reads an option.
    pub(super) fn get(&self, socket: &Socket, name: &str) -> Result<Value, ErrorReply> {
        let options = socket.as_async().options();
        let int = |number: u32| Value::Int(number.into());
        let value = match name {
            "backlog" => int(options.backlog),
            "connect_timeout" => millis_or(options.connect_timeout, 0),
            "handshake_ivl" => millis_or(options.handshake_timeout, 0),
            "heartbeat_ivl" => millis_or(options.heartbeat.interval, 0),
            "heartbeat_timeout" => millis_or(options.heartbeat.timeout, -1),
            "heartbeat_ttl" => millis_or(Some(options.heartbeat.ttl), 0),
            "immediate" => Value::Int(options.immediate.into()),
            "last_endpoint" => {
                let last = socket.as_async().last_endpoint();
                Value::Text(last.map(|endpoint| endpoint.to_string()).unwrap_or_default())
            }
            "linger" => match options.linger {
                Linger::Discard => Value::Int(0),
                Linger::For(time) => millis_or(Some(time), 0),
                Linger::Forever => Value::Int(-1),
            },
            "maxmsgsize" => {
                let octets = |limit: NonZeroU64| i64::try_from(limit.get()).unwrap_or(i64::MAX);
                Value::Int(options.max_frame_octets.map_or(-1, octets))
            }
            "rcvhwm" => int(options.recv_hwm.get()),
            "sndhwm" => int(options.send_hwm.get()),
            "rcvtimeo" => millis_or(self.recv_timeout, -1),
            "sndtimeo" => millis_or(self.send_timeout, -1),
            "reconnect_ivl" => millis_or(options.reconnect.interval, -1),
            "reconnect_ivl_max" => millis_or(options.reconnect.interval_max, 0),
            "routing_id" => Value::Text(hex(options.routing_id.as_ref().map_or(&[], RoutingId::as_slice))),
            "type" => Value::Int(number(socket.as_async().socket_type())),
            "metadata" | "router_mandatory" | "stream_notify" | "subscribe" | "unsubscribe" | "xpub_verbose"
            | "xpub_verboser" => {
                return Err(einval(format!("option `{name}` can only be set")));
            }
            _ => return Err(unknown(name)),
        };
        Ok(value)
    }
}

/// The longest time to live that a PING can say: 65535 tenths of a second.
const TTL_MILLIS: u32 = 6_553_599;

/// Linger in milliseconds, -1 for ever.
pub(super) fn linger(millis: i64) -> Result<Linger, ErrorReply> {
    match u32::try_from(millis) {
        Ok(0) => Ok(Linger::Discard),
        Ok(millis) => Ok(Linger::For(Duration::from_millis(millis.into()))),
        Err(_) if millis == -1 => Ok(Linger::Forever),
        Err(_) => Err(einval(format!("linger: expected milliseconds, or -1, in 32 bits, came {millis}"))),
    }
}

/// A value that came for an option, of the type that the option has.
struct Given<'v> {
    name: &'v str,
    value: &'v Value,
}

impl<'v> Given<'v> {
    fn new(name: &'v str, value: &'v Value) -> Result<Self, ErrorReply> {
        let (_, kind) = NAMES.iter().find(|(known, _)| *known == name).ok_or_else(|| unknown(name))?;
        match (kind, value) {
            (Kind::Int, Value::Int(_)) | (Kind::Text | Kind::Hex, Value::Text(_)) => Ok(Self { name, value }),
            (Kind::Int, Value::Text(_)) => Err(argument(format!("option `{name}`: expected a value of type int"))),
            (Kind::Text | Kind::Hex, Value::Int(_)) => {
                Err(argument(format!("option `{name}`: expected a value of type text or hex")))
            }
        }
    }

    fn refused(&self, expected: &str) -> ErrorReply {
        let came = match self.value {
            Value::Int(number) => number.to_string(),
            Value::Text(text) => format!("`{text}`"),
        };
        einval(format!("option `{}`: expected {expected}, came {came}", self.name))
    }

    fn int(&self) -> Result<i64, ErrorReply> {
        match self.value {
            Value::Int(number) => Ok(*number),
            Value::Text(_) => Err(self.refused("a number")),
        }
    }

    fn text(&self) -> Result<&'v str, ErrorReply> {
        match self.value {
            Value::Text(text) => Ok(text),
            Value::Int(_) => Err(self.refused("a text")),
        }
    }

    fn octets(&self) -> Result<Vec<u8>, ErrorReply> {
        unhex(self.text()?).ok_or_else(|| self.refused("hex"))
    }

    /// A number from `lowest` on, as far as libzmq's `int` goes.
    fn from(&self, lowest: u32) -> Result<u32, ErrorReply> {
        let number = i32::try_from(self.int()?).ok().and_then(|number| u32::try_from(number).ok());
        number.filter(|number| *number >= lowest).ok_or_else(|| self.refused(&format!("a number from {lowest}")))
    }

    fn switch(&self) -> Result<Switch, ErrorReply> {
        match self.int()? {
            0 => Ok(Switch::Off),
            1 => Ok(Switch::On),
            _ => Err(self.refused("0 or 1")),
        }
    }

    /// Milliseconds; `none` stands for no time at all.
    fn time_unless(&self, none: i64) -> Result<Option<Duration>, ErrorReply> {
        match self.int()? {
            number if number == none => Ok(None),
            _ => self.from(0).map(|millis| Some(Duration::from_millis(millis.into()))),
        }
    }
}

fn verbosity(switch: Switch, on: Verbosity) -> PatternOption {
    PatternOption::XPubVerbosity(match switch {
        Switch::On => on,
        Switch::Off => Verbosity::Changes,
    })
}

/// `X-name:value`; no other name is the application's to choose.
fn property(text: &str) -> Option<(String, Vec<u8>)> {
    let (name, value) = text.split_once(':')?;
    (name.len() > 2 && name.starts_with("X-")).then(|| (name.to_owned(), value.as_bytes().to_vec()))
}

fn millis_or(time: Option<Duration>, none: i64) -> Value {
    Value::Int(time.map_or(none, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
}

/// libzmq's number of a socket type.
fn number(socket_type: SocketType) -> i64 {
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

fn unknown(name: &str) -> ErrorReply {
    unsupported(format!("unknown option `{name}`"))
}

fn einval(native: String) -> ErrorReply {
    ErrorReply { class: ErrorClass::Argument, errno: "EINVAL".into(), native }
}
