//! Which message is in which packet: what each end wrote is put together from its packets and taken apart again.
//!
//! Messages of actors carry their names, so they are found in the octets, across the borders of packets. What CURVE sealed
//! cannot be read: there a frame is taken for the message that was received next from that host and has its length.

use std::collections::BTreeMap;

use super::network::{Connection, End, Fate, Kind, Network, Packet, Side, What};
use super::zmtp::{self, Piece, Said};
use crate::actor::message::{MessageId, Part};
use crate::history::{self, Call, History};
use crate::plan::{HostIndex, Plan, SocketIndex};
use crate::time::Time;

/// What was said over connections.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    pieces: BTreeMap<End, Vec<Piece>>,
    /// Who is at the two ends of a connection.
    hosts: BTreeMap<u32, [HostIndex; 2]>,
}

/// What is in a packet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    /// In words, in order.
    pub(crate) texts: Vec<String>,
    /// The messages of which something is in it.
    pub(crate) messages: Vec<MessageId>,
    /// A message is known by order and length only.
    pub(crate) is_guessed: bool,
    /// Clauses that are about what is in it.
    pub(crate) clauses: Vec<&'static str>,
}

impl Streams {
    pub(crate) fn read(plan: &Plan, history: &History, network: &Network) -> Self {
        let mut octets: BTreeMap<End, Vec<u8>> = BTreeMap::new();
        let mut hosts = BTreeMap::new();
        for packet in packets(network) {
            hosts.entry(packet.end.connection).or_insert_with(|| match packet.end.side {
                Side::Dialler => [packet.from, packet.to],
                Side::Acceptor => [packet.to, packet.from],
            });
            let Kind::Data { offset, .. } = packet.kind else { continue };
            let written = octets.entry(packet.end).or_default();
            // What was sent before is known; nothing is ever left out.
            if let Some(known) = (written.len() as u64).checked_sub(offset).and_then(|n| usize::try_from(n).ok()) {
                written.extend_from_slice(packet.octets.get(known..).unwrap_or_default());
            }
        }
        let pieces = octets.into_iter().map(|(end, octets)| (end, zmtp::read(plan, &octets))).collect();
        let mut streams = Self { pieces, hosts };
        streams.guess(plan, history, network);
        streams
    }

    /// The host of an end.
    pub(crate) fn host(&self, end: End) -> Option<HostIndex> {
        self.hosts.get(&end.connection).map(|hosts| hosts[end.side.index()])
    }

    /// What is in the octets `offset..offset + len` of an end.
    pub(crate) fn carried(&self, plan: &Plan, end: End, offset: u64, len: u32) -> Carried {
        let until = offset + u64::from(len);
        let pieces = self.pieces.get(&end).map_or(&[][..], Vec::as_slice);
        let first = pieces.partition_point(|piece| piece.until <= offset);
        let mut carried = Carried::default();
        let mut run: Option<(MessageId, MessageId)> = None;
        for piece in pieces[first..].iter().take_while(|piece| piece.from < until) {
            if let Some(clause) = piece.said.clause().filter(|clause| !carried.clauses.contains(clause)) {
                carried.clauses.push(clause);
            }
            let is_whole = piece.from >= offset && piece.until <= until;
            if let Some(id) = piece.message {
                carried.is_guessed |= piece.is_guessed;
                if carried.messages.last() != Some(&id) {
                    carried.messages.push(id);
                }
                // Whole messages that follow each other are named together.
                if is_whole {
                    run = match run {
                        Some((from, last)) if last == id || follows(last, id) => Some((from, id)),
                        done => {
                            carried.texts.extend(done.map(|done| range(plan, done)));
                            Some((id, id))
                        }
                    };
                    continue;
                }
            }
            carried.texts.extend(run.take().map(|done| range(plan, done)));
            let text = in_words(plan, piece);
            carried.texts.push(match (piece.from >= offset, piece.until <= until) {
                (true, true) => text,
                (true, false) => format!("begin of {text}"),
                (false, true) => format!("rest of {text}"),
                (false, false) => format!("middle of {text}"),
            });
        }
        carried.texts.extend(run.map(|done| range(plan, done)));
        carried
    }

    /// Finds out which messages are sealed where. For each that was received, its parts are the first frames of their
    /// lengths that had arrived from its host and are not taken.
    fn guess(&mut self, plan: &Plan, history: &History, network: &Network) {
        let mut sealed = Vec::new();
        let endpoints = Endpoints::of(history);
        for (end, pieces) in &self.pieces {
            if !pieces.iter().any(|piece| matches!(piece.said, Said::Sealed(_))) {
                continue;
            }
            let (Some(from), Some(connection)) = (self.host(*end), network.connection(end.connection)) else {
                continue;
            };
            let peer = End { side: end.side.other(), ..*end };
            let sockets = self.host(peer).map(|host| endpoints.sockets(plan, connection, host, peer.side));
            let arrivals = arrivals(network, *end);
            for (place, piece) in pieces.iter().enumerate() {
                let Said::Sealed(octets) = piece.said else { continue };
                // When the packet with its last octet arrived.
                let arrival = arrivals.iter().find(|(until, _)| *until >= piece.until).map(|(_, at)| *at);
                if let Some(arrival) = arrival {
                    let sockets = sockets.clone().unwrap_or_default();
                    sealed.push(Sealed { arrival, octets, from, sockets, end: *end, place, is_taken: false });
                }
            }
        }
        sealed.sort_by_key(|frame| (frame.arrival, frame.end, frame.place));
        for entry in &history.entries {
            let history::What::Call { socket: Some(socket), call: Call::Received(received), .. } = &entry.what else {
                continue;
            };
            for part in &received.parts {
                let Part::Of { id, size, .. } = part else { continue };
                let home = plan.home_of(id.actor);
                let fits = |frame: &&mut Sealed| {
                    !frame.is_taken
                        && frame.arrival <= entry.at
                        && frame.octets == *size as u64
                        && home == Some(frame.from)
                        && (frame.sockets.is_empty() || frame.sockets.contains(socket))
                };
                if let Some(frame) = sealed.iter_mut().find(fits) {
                    frame.is_taken = true;
                    if let Some(piece) = self.pieces.get_mut(&frame.end).and_then(|pieces| pieces.get_mut(frame.place))
                    {
                        piece.message = Some(*id);
                        piece.is_guessed = true;
                    }
                }
            }
        }
    }
}

/// A sealed frame that arrived.
struct Sealed {
    arrival: Time,
    octets: u64,
    from: HostIndex,
    /// Sockets that may have got it.
    sockets: Vec<SocketIndex>,
    end: End,
    place: usize,
    is_taken: bool,
}

/// Which sockets were bound and connected where, in the run.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    bound: Vec<(SocketIndex, String)>,
    connected: Vec<(SocketIndex, String)>,
}

impl Endpoints {
    pub(crate) fn of(history: &History) -> Self {
        let mut endpoints = Self::default();
        for (_, _, socket, call) in history.calls() {
            match (socket, call) {
                (Some(socket), Call::Bind(at)) => add(&mut endpoints.bound, socket, at),
                (Some(socket), Call::Connect(to)) => add(&mut endpoints.connected, socket, to),
                _ => {}
            }
        }
        endpoints
    }

    /// The sockets of a host that a connection may belong to at its side.
    pub(crate) fn sockets(
        &self,
        plan: &Plan,
        connection: &Connection,
        host: HostIndex,
        side: Side,
    ) -> Vec<SocketIndex> {
        let list = match side {
            Side::Dialler => &self.connected,
            Side::Acceptor => &self.bound,
        };
        // Both ends are known by where the acceptor is.
        let place = &connection.addresses[Side::Acceptor.index()];
        list.iter()
            .filter(|(socket, at)| plan.host_of(*socket) == Some(host) && place.is_at(at))
            .map(|(socket, _)| *socket)
            .collect()
    }
}

fn add(list: &mut Vec<(SocketIndex, String)>, socket: SocketIndex, endpoint: &str) {
    if !list.iter().any(|(known, at)| *known == socket && at == endpoint) {
        list.push((socket, endpoint.to_owned()));
    }
}

/// Offsets up to which octets of an end had arrived, and when.
fn arrivals(network: &Network, end: End) -> Vec<(u64, Time)> {
    let mut arrivals: Vec<(u64, Time)> = packets(network)
        .filter(|packet| packet.end == end)
        .filter_map(|packet| match (packet.kind, packet.fate) {
            (Kind::Data { offset, len }, Fate::Arrives(at)) => Some((offset + u64::from(len), at)),
            _ => None,
        })
        .collect();
    arrivals.sort_unstable();
    arrivals
}

pub(crate) fn packets(network: &Network) -> impl Iterator<Item = &Packet> {
    network.events.iter().filter_map(|event| match &event.what {
        What::Packet(packet) => Some(packet),
        _ => None,
    })
}

fn follows(last: MessageId, next: MessageId) -> bool {
    (last.actor, last.life, last.number + 1) == (next.actor, next.life, next.number)
}

/// One message, or those from one to another.
fn range(plan: &Plan, (from, until): (MessageId, MessageId)) -> String {
    if from == until { from.name(plan) } else { format!("{} to #{}", from.name(plan), until.number) }
}

fn in_words(plan: &Plan, piece: &Piece) -> String {
    match (&piece.said, piece.message) {
        (Said::Greeting(mechanism), _) if mechanism.is_empty() => "greeting".into(),
        (Said::Greeting(mechanism), _) => format!("greeting {mechanism}"),
        (Said::Command(name, about), _) if about.is_empty() => name.clone(),
        (Said::Command(name, about), _) => format!("{name} {about}"),
        (Said::Part { part, parts }, Some(id)) if *parts > 1 => format!("{} part {}/{parts}", id.name(plan), part + 1),
        (_, Some(id)) => id.name(plan),
        (Said::Part { .. }, None) => "part of no message".into(),
        (Said::Frame(octets), None) => format!("frame of {octets} octets"),
        (Said::Sealed(octets), None) => format!("sealed frame of {octets} octets"),
        (Said::Raw(octets), None) => format!("{octets} octets"),
    }
}
