//! For Wireshark: pcapng with a frame of Ethernet for each packet, at the time when it was sent, and comments that say
//! what it carries, what becomes of it, which requirements it is about, which fault is on and what is violated by it.
//!
//! Packets that were lost are in it, too, as a capture in front of the link would have them; Wireshark then knows the next
//! ones as sent again. What the world does not record, acknowledgements that ride alone, is left out. Each pair of hosts is
//! an interface. Streams over paths and abstract names are shown as tcp between addresses of 127.0.0.0/8.

mod frames;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use super::line::{self, Line};
use super::network::{Address, Datagram, End, Fate, Kind, Packet, Side, What};
use super::{Picture, bands, bands::Band, speech};
use crate::plan::HostIndex;
use crate::time::Time;
use frames::{Flags, Segment};

impl Picture<'_> {
    /// The packets of the run, as a file of pcapng.
    #[must_use]
    pub fn pcapng(&self) -> Vec<u8> {
        let mut file = section(self);
        let mut interfaces: BTreeMap<[HostIndex; 2], u32> = BTreeMap::new();
        let mut streams = Streams::default();
        let faults = bands::of(self.plan, &self.run.history);
        for (event, place) in self.network.events.iter().zip(&self.of_event) {
            let (from, to, frames) = match &event.what {
                What::Packet(packet) => (packet.from, packet.to, streams.frames(self, event.at, packet)),
                What::Datagram(datagram) => (datagram.from, datagram.to, frames_of(datagram)),
                What::Lost { .. } | What::End(..) | What::Host(..) | What::Link { .. } => continue,
            };
            let pair = [from.min(to), from.max(to)];
            let next = u32::try_from(interfaces.len()).expect("there are few hosts");
            let interface = *interfaces.entry(pair).or_insert_with(|| {
                file.extend(description(self, pair));
                next
            });
            let comments = self.comments(&self.lines[*place], event.at, [from, to], &faults);
            for frame in frames {
                file.extend(enhanced(interface, event.at, &frame, &comments));
            }
        }
        file
    }

    /// What is said of a packet.
    fn comments(&self, line: &Line, at: Time, hosts: [HostIndex; 2], faults: &[Band]) -> Vec<String> {
        let mut comments = vec![line.text.clone()];
        let mut clauses = Vec::new();
        if let line::What::Packet { connection, side, offset: Some(offset), octets, .. } = &line.what {
            let side = if *side == super::lines::side(Side::Dialler) { Side::Dialler } else { Side::Acceptor };
            let end = End { connection: *connection, side };
            clauses = self.streams.carried(self.plan, end, *offset, *octets).clauses;
        }
        if !clauses.is_empty() {
            comments.push(format!("requirements: {}", clauses.join(", ")));
        }
        for band in faults.iter().filter(|band| band.from <= at && at <= band.until) {
            let names = speech::hosts(self.plan, &self.plan[band.fault]);
            let both = hosts.iter().all(|host| names.contains(&self.plan[*host].name));
            let the_only_one = names.len() == 1 && hosts.iter().any(|host| self.plan[*host].name == names[0]);
            if both || the_only_one {
                comments.push(format!("fault {}: {}", band.fault.0 + 1, speech::fault(&self.plan[band.fault])));
            }
        }
        for violation in self.violations {
            if violation.messages.iter().any(|id| line.messages.contains(&id.name(self.plan))) {
                comments.push(format!("violation of {}: {}", violation.clause, violation.text));
            }
        }
        comments
    }
}

/// How far the streams are.
#[derive(Default)]
struct Streams {
    ends: BTreeMap<End, State>,
}

/// One end, in sequence numbers from that of its SYN.
#[derive(Default)]
struct State {
    /// What is sent next.
    next: u64,
    /// What of the peer's arrived, and when.
    arrivals: Vec<(Time, u64)>,
}

impl Streams {
    fn frames(&mut self, picture: &Picture<'_>, at: Time, packet: &Packet) -> Vec<Vec<u8>> {
        let end = packet.end;
        let peer = End { side: end.side.other(), ..end };
        let state = self.ends.entry(end).or_default();
        let acknowledged = state.arrivals.iter().filter(|(then, _)| *then <= at).map(|(_, until)| *until).max();
        let (from, flags) = match packet.kind {
            Kind::Syn => (0, Flags::SYN),
            Kind::SynAck => (0, Flags::SYN),
            Kind::Established => (1, Flags::NONE),
            Kind::Data { offset, len: 0 } => (1 + offset, Flags::NONE),
            Kind::Data { offset, .. } => (1 + offset, Flags::PUSH),
            Kind::Fin { offset } => (1 + offset, Flags::FIN),
            Kind::Rst => (state.next, Flags::RESET),
            Kind::Ack => (state.next, Flags::NONE),
        };
        let until = match packet.kind {
            Kind::Syn | Kind::SynAck | Kind::Fin { .. } => from + 1,
            Kind::Data { len, .. } => from + u64::from(len),
            Kind::Established | Kind::Rst | Kind::Ack => from,
        };
        state.next = state.next.max(until);
        if let Fate::Arrives(then) = packet.fate {
            self.ends.entry(peer).or_default().arrivals.push((then, until));
        }
        let [source, destination] = places(picture, packet);
        let segment = |payload, skipped: usize| Segment {
            source,
            destination,
            hosts: [packet.from.0, packet.to.0],
            sequence: initial(end).wrapping_add(low(from + skipped as u64)),
            acknowledged: acknowledged.map(|until| initial(peer).wrapping_add(low(until))),
            flags,
            payload,
        };
        if packet.octets.is_empty() {
            // Octets that were not kept are shown as zeros.
            let len = if let Kind::Data { len, .. } = packet.kind { len as usize } else { 0 };
            let zeros = vec![0; len];
            return cut(&zeros).map(|(skipped, octets)| segment(octets, skipped).frame()).collect();
        }
        cut(&packet.octets).map(|(skipped, octets)| segment(octets, skipped).frame()).collect()
    }
}

/// What the length field of IP can say, with room for headers.
const LONGEST: usize = 65_000;

/// Payload in pieces for one frame each; no octets are one piece.
fn cut(octets: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let pieces = octets.len().div_ceil(LONGEST).max(1);
    (0..pieces).map(|piece| (piece * LONGEST, &octets[piece * LONGEST..octets.len().min((piece + 1) * LONGEST)]))
}

/// Where an end begins to count: apart from zero, so that nobody takes offsets for sequence numbers.
const fn initial(end: End) -> u32 {
    let side = match end.side {
        Side::Dialler => 1,
        Side::Acceptor => 2,
    };
    end.connection.wrapping_mul(0x0100_0000).wrapping_add(side * 0x1000)
}

#[expect(clippy::cast_possible_truncation, reason = "sequence numbers begin again behind 2^32")]
const fn low(number: u64) -> u32 {
    number as u32
}

/// Source and destination of a packet.
fn places(picture: &Picture<'_>, packet: &Packet) -> [SocketAddr; 2] {
    let side = packet.end.side;
    let of = |side: Side, host: HostIndex| {
        let address = picture.network.connection(packet.end.connection).map(|known| &known.addresses[side.index()]);
        match address {
            Some(Address::Tcp(address)) => *address,
            Some(Address::Local(_)) | None => {
                let [high, low] = (host.0 + 1).to_be_bytes();
                SocketAddr::from((Ipv4Addr::new(127, high, low, 1), local_port(packet.end.connection, side)))
            }
        }
    };
    [of(side, packet.from), of(side.other(), packet.to)]
}

/// Ports that stand for ends of local streams.
fn local_port(connection: u32, side: Side) -> u16 {
    match side {
        Side::Dialler => 32_768 + u16::try_from(connection % 30_000).expect("below 30,000"),
        // No dissector of Wireshark's takes it for its own.
        Side::Acceptor => 49_151,
    }
}

fn frames_of(datagram: &Datagram) -> Vec<Vec<u8>> {
    let octets = &datagram.octets[..datagram.octets.len().min(LONGEST)];
    vec![frames::udp(datagram.source, datagram.destination, [datagram.from.0, datagram.to.0], octets)]
}

// Blocks of pcapng: type, length, body with options, length again; little-endian, padded to 32 bits.

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len() + 12).expect("blocks are short").to_le_bytes();
    [&kind.to_le_bytes(), &len, body, &len].concat()
}

fn option(code: u16, value: &[u8]) -> Vec<u8> {
    let value = &value[..value.len().min(usize::from(u16::MAX) - 3)];
    let len = u16::try_from(value.len()).expect("cut to it");
    let mut octets = [&code.to_le_bytes()[..], &len.to_le_bytes(), value].concat();
    octets.resize(octets.len().next_multiple_of(4), 0);
    octets
}

const COMMENT: u16 = 1;

/// Section header: which run it is.
fn section(picture: &Picture<'_>) -> Vec<u8> {
    let plan = picture.plan;
    let mut body =
        [&0x1a2b_3c4d_u32.to_le_bytes()[..], &1_u16.to_le_bytes(), &0_u16.to_le_bytes(), &[0xff; 8]].concat();
    body.extend(option(COMMENT, format!("{}, seed {}", plan.title, plan.seed).as_bytes()));
    for violation in picture.violations {
        body.extend(option(COMMENT, format!("violation of {}: {}", violation.clause, violation.text).as_bytes()));
    }
    body.extend(option(4, b"zmqspec"));
    body.extend(option(0, b""));
    block(0x0a0d_0d0a, &body)
}

/// Interface description: Ethernet, nanoseconds.
fn description(picture: &Picture<'_>, [one, other]: [HostIndex; 2]) -> Vec<u8> {
    let name = if one == other {
        format!("{} itself", picture.plan[one].name)
    } else {
        format!("{} - {}", picture.plan[one].name, picture.plan[other].name)
    };
    let mut body = [&1_u16.to_le_bytes()[..], &[0; 2], &0_u32.to_le_bytes()].concat();
    body.extend(option(2, name.as_bytes()));
    body.extend(option(9, &[9]));
    body.extend(option(0, b""));
    block(1, &body)
}

/// A packet.
fn enhanced(interface: u32, at: Time, frame: &[u8], comments: &[String]) -> Vec<u8> {
    let len = u32::try_from(frame.len()).expect("a frame is short").to_le_bytes();
    let (high, low_word) = (low(at.as_nanos() >> 32), low(at.as_nanos()));
    let mut body = [interface, high, low_word].map(u32::to_le_bytes).concat();
    body.extend([len, len].concat());
    body.extend(frame);
    body.resize(body.len().next_multiple_of(4), 0);
    for comment in comments {
        body.extend(option(COMMENT, comment.as_bytes()));
    }
    body.extend(option(0, b""));
    block(6, &body)
}

#[cfg(test)]
pub(crate) mod tests;
