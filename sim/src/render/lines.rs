//! The lines of a run: its history and its network in one order of time.

use std::collections::BTreeMap;

use super::line::{Ended, Fate, HostState, Line, Phase, What};
use super::network::{self, End, EndState, Kind, Network, Packet, Side};
use super::streams::{Carried, Streams};
use super::{span, speech};
use crate::actor::message::MessageId;
use crate::history::{self, Call, History, Who};
use crate::plan::{HostIndex, Plan, SocketIndex};
use crate::time::Time;

/// Lines, and which of them belongs to each entry of the history and to each event of the network.
pub(crate) fn of(
    plan: &Plan,
    history: &History,
    network: &Network,
    streams: &Streams,
) -> (Vec<Line>, Vec<usize>, Vec<usize>) {
    let (mut lines, mut of_entry, mut of_event) = (Vec::new(), Vec::new(), Vec::new());
    let mut sent = Sent::default();
    let mut entries = history.entries.iter().peekable();
    let mut events = network.events.iter().peekable();
    loop {
        // What an application does comes before what the network makes of it at the same time.
        let entry_is_next = match (entries.peek(), events.peek()) {
            (Some(entry), Some(event)) => entry.at <= event.at,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => break,
        };
        if entry_is_next {
            of_entry.push(lines.len());
            lines.extend(entries.next().map(|entry| of_history(plan, entry)));
        } else {
            of_event.push(lines.len());
            lines.extend(events.next().map(|event| of_network(plan, streams, &mut sent, event)));
        }
    }
    (lines, of_entry, of_event)
}

fn of_history(plan: &Plan, entry: &history::Entry) -> Line {
    let at = entry.at.as_nanos();
    let line = |what, text: String| Line { at, what, text, messages: Vec::new() };
    let host = |host: HostIndex| plan[host].name.clone();
    match &entry.what {
        history::What::Call { who, socket, since, call } => of_call(plan, at, *who, *socket, *since, call),
        history::What::Finished(who) => {
            let what = call_of(plan, *who, None, at, "finished", Ended::Done);
            line(what, format!("{} is done", subject(plan, *who, None)))
        }
        history::What::Monitor { socket, life, event, endpoint } => {
            let (host, name) = (plan[*socket].host.clone(), event.clone());
            let what = What::Monitor { host, socket: plan[*socket].name.clone(), life: *life, name };
            line(what, format!("{}: {} {endpoint}", plan[*socket].name, event.replace('-', " ")))
        }
        history::What::Fault(fault) => {
            let what = What::Fault { fault: fault.0, phase: Phase::Begins, hosts: speech::hosts(plan, &plan[*fault]) };
            line(what, format!("fault {}: {}", fault.0 + 1, speech::fault(&plan[*fault])))
        }
        history::What::Healed(fault) => {
            let what = What::Fault { fault: fault.0, phase: Phase::Ends, hosts: speech::hosts(plan, &plan[*fault]) };
            line(what, format!("fault {} is over: {}", fault.0 + 1, speech::fault(&plan[*fault])))
        }
        history::What::AllHealed => line(What::Healed, "all faults are over, everything has to come back".into()),
        history::What::Down(of) => {
            line(What::Host { host: host(*of), state: HostState::Down }, format!("{} is down", host(*of)))
        }
        history::What::Up(of, life) => {
            let text = format!("{} is up again, life {life}", host(*of));
            line(What::Host { host: host(*of), state: HostState::Up }, text)
        }
    }
}

fn of_call(plan: &Plan, at: u64, who: Who, socket: Option<SocketIndex>, since: Time, call: &Call) -> Line {
    let (name, ended, did) = speech::call(plan, call);
    let waited = at.saturating_sub(since.as_nanos());
    let mut text = format!("{} {did}", subject(plan, who, socket));
    if waited > 0 {
        text += &format!(", after {}", span(waited));
    }
    let ids: Vec<MessageId> = match call {
        Call::Sent(sent) => vec![sent.id],
        Call::SendTimedOut(id) | Call::SendCancelled(id) => vec![*id],
        Call::Received(received) | Call::PassedOn(received) => received.id().into_iter().collect(),
        Call::Open
        | Call::Close(_)
        | Call::Terminate
        | Call::Bind(_)
        | Call::Connect(_)
        | Call::Unbind(_)
        | Call::Disconnect(_)
        | Call::Subscribe(_)
        | Call::Unsubscribe(_)
        | Call::RecvTimedOut
        | Call::RecvCancelled
        | Call::Failed { .. } => Vec::new(),
    };
    let what = call_of(plan, who, socket, since.as_nanos(), name, ended);
    Line { at, what, text, messages: ids.iter().map(|id| id.name(plan)).collect() }
}

fn call_of(plan: &Plan, who: Who, socket: Option<SocketIndex>, since: u64, call: &'static str, ended: Ended) -> What {
    What::Call {
        host: plan[who.host].name.clone(),
        actor: who.actor.map(|actor| plan[actor].name.clone()),
        life: who.life,
        socket: socket.map(|socket| plan[socket].name.clone()),
        since,
        call,
        ended,
    }
}

/// Who does it: an actor, by which socket if that has another name; a socket, if the process itself does it.
fn subject(plan: &Plan, who: Who, socket: Option<SocketIndex>) -> String {
    let socket = socket.map(|socket| plan[socket].name.as_str());
    match (who.actor.map(|actor| plan[actor].name.as_str()), socket) {
        (Some(actor), Some(socket)) if actor != socket => format!("{actor} ({socket})"),
        (Some(actor), _) => actor.to_owned(),
        (None, Some(socket)) => socket.to_owned(),
        (None, None) => plan[who.host].name.clone(),
    }
}

/// What each end has sent.
#[derive(Default)]
struct Sent {
    /// How far it is, so that what comes again is known.
    reached: BTreeMap<End, u64>,
    /// Messages in packets that are under way, by when they arrive.
    under_way: BTreeMap<(End, Time), Vec<String>>,
}

impl Sent {
    fn again(&mut self, end: End, kind: Kind) -> bool {
        let (from, until) = match kind {
            Kind::Syn | Kind::SynAck => (0, 1),
            Kind::Data { offset, len } => (1 + offset, 1 + offset + u64::from(len)),
            Kind::Fin { offset } => (1 + offset, 2 + offset),
            Kind::Established | Kind::Rst | Kind::Ack => return false,
        };
        let reached = self.reached.entry(end).or_default();
        let again = from < *reached;
        *reached = until.max(*reached);
        again
    }
}

fn of_network(plan: &Plan, streams: &Streams, sent: &mut Sent, event: &network::Event) -> Line {
    let at = event.at.as_nanos();
    let line = |what, text: String| Line { at, what, text, messages: Vec::new() };
    let name = |host: HostIndex| plan[host].name.clone();
    match &event.what {
        network::What::Packet(packet) => of_packet(plan, streams, sent, at, packet),
        network::What::Lost { end, why } => {
            let peer = End { side: end.side.other(), ..*end };
            let (host, side) = (streams.host(peer).map(name), side(end.side));
            let messages = sent.under_way.remove(&(*end, event.at)).unwrap_or_default();
            let what = What::Lost { host, connection: end.connection, side, why };
            let lost = if messages.is_empty() { "packet".to_owned() } else { messages.join(", ") };
            Line { messages, ..line(what, format!("c{} {lost} arrives and is lost: {why}", end.connection)) }
        }
        network::What::Datagram(datagram) => {
            let (from, to, octets) = (name(datagram.from), name(datagram.to), datagram.len);
            let fate = fate(datagram.fate);
            line(What::Datagram { from, to, octets, fate }, format!("datagram, {octets} octets{}", end_of(at, fate)))
        }
        network::What::End(end, state) => {
            let host = streams.host(*end).map(name);
            let what = What::Connection { host, connection: end.connection, side: side(end.side), state: state.name() };
            let did = match state {
                EndState::Dialled => "is dialled",
                EndState::Established => "is established",
                EndState::Accepted => "is accepted",
                EndState::Finished => "will write no more",
                EndState::Closed => "is closed",
                EndState::Broken => "breaks",
            };
            line(what, format!("c{}{} {did}", end.connection, end.side.letter()))
        }
        network::What::Host(host, text) => {
            line(What::Host { host: name(*host), state: HostState::Note }, format!("{} {text}", name(*host)))
        }
        network::What::Link { from, to, does } => {
            let what = What::Link { from: name(*from), to: name(*to), does };
            line(what, format!("link {does}"))
        }
    }
}

fn of_packet(plan: &Plan, streams: &Streams, sent: &mut Sent, at: u64, packet: &Packet) -> Line {
    let (offset, octets) = match packet.kind {
        Kind::Data { offset, len } => (Some(offset), len),
        Kind::Fin { offset } => (Some(offset), 0),
        Kind::Syn | Kind::SynAck | Kind::Established | Kind::Rst | Kind::Ack => (None, 0),
    };
    let carried = match packet.kind {
        Kind::Data { offset, len } if len > 0 => streams.carried(plan, packet.end, offset, len),
        _ => Carried::default(),
    };
    let again = sent.again(packet.end, packet.kind);
    let fate = fate(packet.fate);
    let mut text = format!("c{} {}", packet.end.connection, spoken(packet.kind));
    if again {
        text += " again";
    }
    if !carried.texts.is_empty() {
        let probably = if carried.is_guessed { "probably " } else { "" };
        text += &format!(": {probably}{}", carried.texts.join(", "));
    }
    text += &end_of(at, fate);
    let messages: Vec<String> = carried.messages.iter().map(|id| id.name(plan)).collect();
    if let network::Fate::Arrives(then) = packet.fate
        && !messages.is_empty()
    {
        sent.under_way.insert((packet.end, then), messages.clone());
    }
    let what = What::Packet {
        from: plan[packet.from].name.clone(),
        to: plan[packet.to].name.clone(),
        connection: packet.end.connection,
        side: side(packet.end.side),
        kind: packet.kind.name(),
        offset,
        octets,
        carries: carried.texts,
        again,
        guessed: carried.is_guessed,
        fate,
    };
    Line { at, what, text, messages }
}

fn spoken(kind: Kind) -> String {
    match kind {
        Kind::Syn => "SYN".into(),
        Kind::SynAck => "SYN ACK".into(),
        Kind::Established => "ACK of SYN".into(),
        Kind::Data { len: 0, .. } => "asks for room".into(),
        Kind::Data { len: 1, .. } => "data, 1 octet".into(),
        Kind::Data { len, .. } => format!("data, {len} octets"),
        Kind::Fin { .. } => "FIN".into(),
        Kind::Rst => "RST".into(),
        Kind::Ack => "ACK".into(),
    }
}

fn end_of(at: u64, fate: Fate) -> String {
    match fate {
        Fate::Arrives { arrives } => format!(" (there in {})", span(arrives.saturating_sub(at))),
        Fate::Lost { why } => format!("; lost: {why}"),
        Fate::Held => "; held".into(),
    }
}

const fn fate(fate: network::Fate) -> Fate {
    match fate {
        network::Fate::Arrives(at) => Fate::Arrives { arrives: at.as_nanos() },
        network::Fate::Lost(why) => Fate::Lost { why },
        network::Fate::Held => Fate::Held,
    }
}

pub(crate) const fn side(side: Side) -> &'static str {
    match side {
        Side::Dialler => "dialler",
        Side::Acceptor => "acceptor",
    }
}
