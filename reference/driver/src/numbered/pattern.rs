//! Options that only some types have.

use zmq_core::frame::Frame;
use zmq_core::pattern::table::SocketType;
use zmq_core::pattern::{Manual, PatternOption, Switch, Verbosity};

use super::Kind::{Int, Octets};
use super::given::Given;
use super::options::{change, is_on, message, truth};
use super::{NumberedError, NumberedOption, Value};
use crate::socket::Socket;

type Row = NumberedOption;
type Done = Result<(), NumberedError>;

#[rustfmt::skip]
pub(super) const TABLE: &[NumberedOption] = &[
    Row::settable(6, "subscribe", Octets, |s, v| set(s, v, PatternOption::Subscribe(v.octets.to_vec()))),
    Row::settable(7, "unsubscribe", Octets, |s, v| set(s, v, PatternOption::Unsubscribe(v.octets.to_vec()))),
    Row::settable(33, "router_mandatory", Int, |s, v| set(s, v, PatternOption::RouterMandatory(v.truth()?))),
    Row::settable(40, "xpub_verbose", Int, |s, v| set_verbosity(s, v, Verbosity::Subscriptions)),
    Row::settable(51, "probe_router", Int, set_probe),
    Row::settable(52, "req_correlate", Int, |s, v| set(s, v, PatternOption::ReqCorrelate(v.truth()?))),
    Row::settable(53, "req_relaxed", Int, |s, v| set(s, v, PatternOption::ReqRelaxed(v.truth()?))),
    Row::settable(56, "router_handover", Int, |s, v| set(s, v, PatternOption::RouterHandover(v.truth()?))),
    Row::settable(61, "connect_routing_id", Octets, set_connect_routing_id),
    Row::settable(69, "xpub_nodrop", Int, |s, v| set(s, v, PatternOption::NoDrop(v.truth()?))),
    Row::settable(71, "xpub_manual", Int, |s, v| set(s, v, manual(v.truth()?, Manual::On))),
    Row::settable(72, "xpub_welcome_msg", Octets, set_welcome),
    Row::settable(73, "stream_notify", Int, set_stream_notify),
    Row::both(74, "invert_matching", Int, set_invert, |s| truth(s.kept(|kept| kept.invert_matching))),
    Row::settable(78, "xpub_verboser", Int, |s, v| set_verbosity(s, v, Verbosity::Everything)),
    Row::settable(98, "xpub_manual_last_value", Int, |s, v| set(s, v, manual(v.truth()?, Manual::LastValue))),
    Row::settable(108, "only_first_subscribe", Int, |s, v| set(s, v, PatternOption::OnlyFirstSubscribe(v.truth()?))),
    Row::settable(115, "xsub_verbose_unsubscribe", Int,
        |s, v| set(s, v, PatternOption::XSubVerboseUnsubscribe(v.truth()?))),
    Row::gettable(116, "topics_count", Int, |s| match s.topics() {
        Some(topics) => Ok(Value::Int(i32::try_from(topics).unwrap_or(i32::MAX))),
        None => Err(NumberedError::Type("topics_count", s.socket_type())),
    }),
];

fn set(socket: &Socket, given: &Given<'_>, option: PatternOption) -> Done {
    socket.set(option).map_err(|_| NumberedError::Type(given.name, socket.socket_type()))
}

/// In libzmq a PUB has this as well; it changes nothing, as a PUB shows subscriptions to nobody.
fn set_verbosity(socket: &Socket, given: &Given<'_>, on: Verbosity) -> Done {
    let verbosity = match given.truth()? {
        Switch::On => on,
        Switch::Off => Verbosity::Changes,
    };
    match socket.socket_type() {
        SocketType::Pub => Ok(()),
        _others => set(socket, given, PatternOption::XPubVerbosity(verbosity)),
    }
}

/// libzmq takes it for a PUB as well, which from then on publishes to nobody: nobody could grant a subscription there.
const fn manual(switch: Switch, on: Manual) -> PatternOption {
    PatternOption::XPubManual(match switch {
        Switch::On => on,
        Switch::Off => Manual::Off,
    })
}

fn set_probe(socket: &Socket, given: &Given<'_>) -> Done {
    let (on, socket_type) = (is_on(given.truth()?), socket.socket_type());
    if !matches!(socket_type, SocketType::Router | SocketType::Dealer | SocketType::Req) {
        return Err(NumberedError::Type(given.name, socket_type));
    }
    change(socket, |options| options.probe_router = on)
}

fn set_stream_notify(socket: &Socket, given: &Given<'_>) -> Done {
    let (on, socket_type) = (is_on(given.switch()?), socket.socket_type());
    if socket_type != SocketType::Stream {
        return Err(NumberedError::Type(given.name, socket_type));
    }
    change(socket, |options| options.stream_notify = on)
}

fn set_connect_routing_id(socket: &Socket, given: &Given<'_>) -> Done {
    if !(1..=255).contains(&given.octets.len()) {
        return Err(given.refused("1 to 255 octets"));
    }
    set(socket, given, PatternOption::ConnectRoutingId(Frame::copy_of(given.octets)))
}

fn set_welcome(socket: &Socket, given: &Given<'_>) -> Done {
    let (message, socket_type) = (message(given), socket.socket_type());
    if !matches!(socket_type, SocketType::Pub | SocketType::XPub) {
        return Err(NumberedError::Type(given.name, socket_type));
    }
    change(socket, |options| options.welcome_message = message)
}

/// libzmq keeps it for every type, and other types than these do not look at it.
fn set_invert(socket: &Socket, given: &Given<'_>) -> Done {
    let switch = given.truth()?;
    if matches!(socket.socket_type(), SocketType::Pub | SocketType::XPub | SocketType::Sub | SocketType::XSub) {
        set(socket, given, PatternOption::InvertMatching(switch))?;
    }
    socket.kept(|kept| kept.invert_matching = is_on(switch));
    Ok(())
}
