//! Options of transports: what the system is told about sockets, who is accepted, the SOCKS5 proxy.

use std::time::Duration;

use zmq_core::options::{KeepAlive, Options, Probing, SocksProxy};

use super::Kind::{Int, Text};
use super::given::Given;
use super::options::{change, int, is_on, millis, truth};
use super::{NumberedError, NumberedOption, Value};
use crate::socket::Socket;

type Row = NumberedOption;
type Done = Result<(), NumberedError>;
type Read = Result<Value, NumberedError>;

#[rustfmt::skip]
pub(super) const TABLE: &[NumberedOption] = &[
    Row::both(11, "sndbuf", Int, |s, v| { let octets = v.number_or_none()?; change(s, |o| o.tcp.send_buffer = octets) },
        |s| or_minus_one(s.options().tcp.send_buffer)),
    Row::both(12, "rcvbuf", Int, |s, v| { let octets = v.number_or_none()?; change(s, |o| o.tcp.recv_buffer = octets) },
        |s| or_minus_one(s.options().tcp.recv_buffer)),
    Row::both(31, "ipv4only", Int, |s, v| { let only = is_on(v.switch()?); change(s, |o| o.ipv6 = !only) },
        |s| truth(!s.options().ipv6)),
    Row::both(34, "tcp_keepalive", Int, set_probing, |s| Ok(Value::Int(match s.options().tcp.keep_alive.probing {
        Probing::System => -1,
        Probing::Off => 0,
        Probing::On => 1,
    }))),
    Row::both(35, "tcp_keepalive_cnt", Int, |s, v| { let count = one_or_none(v)?; keep_alive(s, |k| k.count = count) },
        |s| or_minus_one(s.options().tcp.keep_alive.count)),
    Row::both(36, "tcp_keepalive_idle", Int, |s, v| { let time = seconds(v)?; keep_alive(s, |k| k.idle = time) },
        |s| in_seconds(s.options().tcp.keep_alive.idle)),
    Row::both(37, "tcp_keepalive_intvl", Int, |s, v| { let time = seconds(v)?; keep_alive(s, |k| k.interval = time) },
        |s| in_seconds(s.options().tcp.keep_alive.interval)),
    Row::settable(38, "tcp_accept_filter", Text, add_network),
    Row::both(42, "ipv6", Int, |s, v| { let on = is_on(v.switch()?); change(s, |o| o.ipv6 = on) },
        |s| truth(s.options().ipv6)),
    Row::both(57, "tos", Int, set_tos, |s| int(s.options().tcp.type_of_service.into())),
    Row::settable(58, "ipc_filter_pid", Int, |s, v| {
        let process = if v.octets.is_empty() { None } else { Some(v.int()?) };
        change(s, |o| add_or_clear(&mut o.accept.processes, process))
    }),
    Row::settable(59, "ipc_filter_uid", Int, |s, v| { let user = id(v)?; change(s, |o| add_or_clear(&mut o.accept.users, user)) }),
    Row::settable(60, "ipc_filter_gid", Int, |s, v| { let group = id(v)?; change(s, |o| add_or_clear(&mut o.accept.groups, group)) }),
    Row::both(68, "socks_proxy", Text, set_proxy,
        |s| Ok(Value::Text(s.options().socks.map(|proxy| proxy.address).unwrap_or_default()))),
    Row::both(80, "tcp_maxrt", Int,
        |s, v| { let time = v.millis_unless_zero()?; change(s, |o| o.tcp.max_retransmission = time) },
        |s| millis(s.options().tcp.max_retransmission, 0)),
    Row::gettable(89, "use_fd", Int, |s| Ok(Value::Int(s.kept(|kept| kept.use_fd)))), // to set it: `use_fd`
    Row::both(92, "bindtodevice", Text, set_device, |s| Ok(Value::Text(s.options().tcp.device.unwrap_or_default()))),
    Row::both(99, "socks_username", Text,
        |s, v| { let name = v.text(255)?.to_owned(); s.kept(|kept| kept.socks_username = name); change(s, login(s)) },
        |s| Ok(Value::Text(s.kept(|kept| kept.socks_username.clone())))),
    Row::both(100, "socks_password", Text,
        |s, v| { let word = v.text(255)?.to_owned(); s.kept(|kept| kept.socks_password = word); change(s, login(s)) },
        |s| Ok(Value::Text(s.kept(|kept| kept.socks_password.clone())))),
    Row::both(112, "priority", Int,
        |s, v| { let priority = Some(v.number(0)?).filter(|priority| *priority > 0); change(s, |o| o.tcp.priority = priority) },
        |s| int(s.options().tcp.priority.unwrap_or(0))),
    Row::settable(113, "busy_poll", Int, |s, v| {
        let time = Some(Duration::from_micros(v.number(0)?.into())).filter(|time| !time.is_zero());
        change(s, |o| o.tcp.busy_poll = time)
    }),
];

fn or_minus_one(number: Option<u32>) -> Read {
    number.map_or(Ok(Value::Int(-1)), int)
}

fn in_seconds(time: Option<Duration>) -> Read {
    Ok(Value::Int(time.map_or(-1, |time| i32::try_from(time.as_secs()).unwrap_or(i32::MAX))))
}

/// An int from 1 on; `None` for -1. The system has no probes of which there are none.
fn one_or_none(given: &Given<'_>) -> Result<Option<u32>, NumberedError> {
    if given.int()? == -1 { Ok(None) } else { given.number(1).map(Some) }
}

fn seconds(given: &Given<'_>) -> Result<Option<Duration>, NumberedError> {
    Ok(one_or_none(given)?.map(|seconds| Duration::from_secs(seconds.into())))
}

fn keep_alive(socket: &Socket, set: impl FnOnce(&mut KeepAlive)) -> Done {
    change(socket, |options| set(&mut options.tcp.keep_alive))
}

fn set_probing(socket: &Socket, given: &Given<'_>) -> Done {
    let probing = match given.int()? {
        -1 => Probing::System,
        0 => Probing::Off,
        1 => Probing::On,
        _ => return Err(given.refused("-1, 0 or 1")),
    };
    keep_alive(socket, |keep_alive| keep_alive.probing = probing)
}

fn set_tos(socket: &Socket, given: &Given<'_>) -> Done {
    let octet = u8::try_from(given.number(0)?).map_err(|_| given.refused("an int from 0 to 255"))?;
    change(socket, |options| options.tcp.type_of_service = octet)
}

fn add_network(socket: &Socket, given: &Given<'_>) -> Done {
    let text = given.text(255)?.trim_end_matches('\0');
    let network = if text.is_empty() { None } else { Some(text.parse().map_err(|_| given.refused("ADDRESS/BITS"))?) };
    change(socket, |options| add_or_clear(&mut options.accept.networks, network))
}

/// Nothing clears the list, anything else is put into it.
fn add_or_clear<T>(list: &mut Vec<T>, one: Option<T>) {
    match one {
        Some(one) => list.push(one),
        None => list.clear(),
    }
}

fn id(given: &Given<'_>) -> Result<Option<u32>, NumberedError> {
    if given.octets.is_empty() { Ok(None) } else { given.int().map(|id| Some(id.cast_unsigned())) }
}

fn set_device(socket: &Socket, given: &Given<'_>) -> Done {
    let device = Some(given.text(16)?.to_owned()).filter(|device| !device.is_empty());
    change(socket, |options| options.tcp.device = device)
}

fn set_proxy(socket: &Socket, given: &Given<'_>) -> Done {
    let address = given.text(usize::MAX)?.to_owned();
    change(socket, |options| {
        options.socks = if address.is_empty() { None } else { Some(SocksProxy { address, login: None }) };
    })?;
    change(socket, login(socket))
}

/// Puts user and password to the proxy, if there is one.
fn login(socket: &Socket) -> impl FnOnce(&mut Options) + use<> {
    let (username, password) = socket.kept(|kept| (kept.socks_username.clone(), kept.socks_password.clone()));
    move |options| {
        if let Some(proxy) = &mut options.socks {
            proxy.login = if username.is_empty() { None } else { Some((username, password)) };
        }
    }
}
