//! What a world recorded, as pictures need it.

use zmq_world::{Address as Place, HostId, PacketKind, StreamId, Trace, TraceEvent, Why};

use super::network::{Address, Connection, Datagram, End, EndState, Event, Fate, Kind, Network, Packet, Side, What};
use crate::plan::HostIndex;
use crate::time::Time;

impl From<&Trace> for Network {
    fn from(trace: &Trace) -> Self {
        let mut connections: Vec<Connection> = trace
            .connections()
            .iter()
            .map(|ends| Connection {
                number: ends.dialler.connection(),
                addresses: ends.addresses.each_ref().map(address),
            })
            .collect();
        connections.sort_by_key(|connection| connection.number);
        let events: Vec<Event> = trace
            .events()
            .iter()
            .enumerate()
            .filter_map(|(index, event)| Some(Event { at: time(event.at), what: what(trace, index, event)? }))
            .collect();
        let has_octets = events.iter().any(|event| match &event.what {
            What::Packet(packet) => !packet.octets.is_empty(),
            What::Lost { .. } | What::Datagram(_) | What::End(..) | What::Host(..) | What::Link { .. } => false,
        });
        Self { events, connections, has_octets }
    }
}

fn what(trace: &Trace, index: usize, event: &TraceEvent) -> Option<What> {
    use zmq_world::What as Seen;
    let said = |of: HostId, text: &str| What::Host(host(of), text.to_owned());
    Some(match event.what {
        Seen::Packet { from, to, stream, kind, fate: becomes } => What::Packet(Packet {
            from: host(from),
            to: host(to),
            end: end(stream),
            kind: self::kind(kind),
            fate: fate(becomes),
            octets: trace.octets(index).to_vec(),
        }),
        Seen::Lost { stream, why } => What::Lost { end: end(stream), why: reason(why) },
        Seen::Datagram { from, to, socket: _, source, destination, octets, fate: becomes } => {
            What::Datagram(Datagram {
                from: host(from),
                to: host(to),
                source,
                destination,
                len: octets,
                fate: fate(becomes),
                octets: trace.octets(index).to_vec(),
            })
        }
        Seen::Dialled(stream) => What::End(end(stream), EndState::Dialled),
        Seen::Established(stream) => What::End(end(stream), EndState::Established),
        Seen::Accepted(stream) => What::End(end(stream), EndState::Accepted),
        Seen::Finished(stream) => What::End(end(stream), EndState::Finished),
        Seen::Closed(stream) => What::End(end(stream), EndState::Closed),
        Seen::Broken(stream) => What::End(end(stream), EndState::Broken),
        Seen::Listens(of, _) => said(of, "listens"),
        Seen::ListenerClosed(of, _) => said(of, "listens no more"),
        Seen::Killed(of) => said(of, "has its process killed"),
        Seen::PowerOff(of) => said(of, "loses its power"),
        Seen::PowerOn(of) => said(of, "has power again"),
        Seen::Restarted(of) => said(of, "has a new process"),
        Seen::Paused(of) => said(of, "stands still"),
        Seen::Resumed(of) => said(of, "goes on"),
        Seen::Flow { from, to, flow } => What::Link {
            from: host(from),
            to: host(to),
            does: match flow {
                zmq_world::Flow::Pass => "passes packets",
                zmq_world::Flow::Drop => "drops packets",
                zmq_world::Flow::Hold => "holds packets",
            },
        },
        Seen::ClockJumped(of, nanos) => said(of, &format!("has its clock set forward by {}", super::span(nanos))),
        Seen::ClockDrifts(of, millionths) => said(of, &format!("has a clock that drifts by {millionths} millionths")),
        // An engine's own: for comparing runs, not for people.
        Seen::Mark(..) => return None,
    })
}

const fn time(at: zmq_world::Time) -> Time {
    Time::from_nanos(at.as_nanos())
}

/// Hosts of a world are added in the order of the plan.
fn host(of: HostId) -> HostIndex {
    HostIndex(u16::try_from(of.number()).expect("a plan has fewer hosts"))
}

const fn end(stream: StreamId) -> End {
    let side = match stream.side() {
        zmq_world::Side::Dialler => Side::Dialler,
        zmq_world::Side::Acceptor => Side::Acceptor,
    };
    End { connection: stream.connection(), side }
}

fn address(place: &Place) -> Address {
    match place {
        Place::Tcp(address) => Address::Tcp(*address),
        Place::Path(_) | Place::Abstract(_) | Place::Unnamed => Address::Local(place.to_string()),
    }
}

const fn kind(kind: PacketKind) -> Kind {
    match kind {
        PacketKind::Syn => Kind::Syn,
        PacketKind::SynAck => Kind::SynAck,
        PacketKind::Established => Kind::Established,
        PacketKind::Data { offset, len } => Kind::Data { offset, len },
        PacketKind::Fin { offset } => Kind::Fin { offset },
        PacketKind::Rst => Kind::Rst,
        PacketKind::Ack { .. } => Kind::Ack,
    }
}

const fn fate(fate: zmq_world::Fate) -> Fate {
    match fate {
        zmq_world::Fate::Arrives(at) => Fate::Arrives(time(at)),
        zmq_world::Fate::Dropped(why) => Fate::Lost(reason(why)),
        zmq_world::Fate::Held => Fate::Held,
    }
}

const fn reason(why: Why) -> &'static str {
    match why {
        Why::Partition => "partition",
        Why::Loss => "loss on the link",
        Why::QueueFull => "the link's queue is full",
        Why::NoSuchHost => "no host has the address",
        Why::PowerOff => "the host has no power",
        Why::BacklogFull => "the listener's queue is full",
        Why::NoReceiver => "nobody takes it",
        Why::BufferFull => "the receiver's buffer is full",
    }
}
