//! What happened: a running hash always, the events themselves if somebody wants them.

use std::net::SocketAddr;

use crate::address::Address;
use crate::id::{DatagramId, HostId, ListenerId, StreamId};
use crate::link::{Fate, Flow, Why};
use crate::time::Time;

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceEvent {
    /// When.
    pub at: Time,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// A packet of a stream was sent.
    Packet {
        /// Who sent it.
        from: HostId,
        /// Where to.
        to: HostId,
        /// The sending end.
        stream: StreamId,
        /// What it is.
        kind: PacketKind,
        /// What becomes of it.
        fate: Fate,
    },
    /// A packet of a stream arrived where nobody could take it.
    Lost {
        /// The sending end.
        stream: StreamId,
        /// Why.
        why: Why,
    },
    /// A datagram was sent to one receiver, or came again.
    Datagram {
        /// Who sent it.
        from: HostId,
        /// Where to.
        to: HostId,
        /// The sending socket.
        socket: DatagramId,
        /// Its address.
        source: SocketAddr,
        /// Where it goes: a host's address, or a group.
        destination: SocketAddr,
        /// Octets of payload.
        octets: u32,
        /// What becomes of it.
        fate: Fate,
    },
    /// A process dialled.
    Dialled(StreamId),
    /// Both ends know of the connection; told for the end that knows last.
    Established(StreamId),
    /// A process accepted.
    Accepted(StreamId),
    /// A process said that it will write no more.
    Finished(StreamId),
    /// A process closed an end.
    Closed(StreamId),
    /// An end was told that it is reset or that its peer does not answer.
    Broken(StreamId),
    /// A process listens.
    Listens(HostId, ListenerId),
    /// It does not any more.
    ListenerClosed(HostId, ListenerId),
    /// A process died, and its system closed all that it had.
    Killed(HostId),
    /// A host lost its power.
    PowerOff(HostId),
    /// It has it again.
    PowerOn(HostId),
    /// A new process was started.
    Restarted(HostId),
    /// A process stopped running.
    Paused(HostId),
    /// It runs again.
    Resumed(HostId),
    /// A link began to do something else with packets.
    Flow {
        /// From there
        from: HostId,
        /// to there.
        to: HostId,
        /// What it does.
        flow: Flow,
    },
    /// A host's clock was set forward by so many nanoseconds.
    ClockJumped(HostId, u64),
    /// A host's clock runs faster by so many millionths, or slower.
    ClockDrifts(HostId, i32),
    /// Something above the world, by [`Trace::mark`].
    Mark(u64, u64),
}

/// What a packet of a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PacketKind {
    /// Asks for a connection.
    Syn,
    /// Agrees to it.
    SynAck,
    /// Acknowledges that.
    Established,
    /// Octets `offset..offset + len` of what that end writes; none where it asks for the window.
    Data {
        /// Of the first octet.
        offset: u64,
        /// How many.
        len: u32,
    },
    /// There will be no octets beyond this offset.
    Fin {
        /// How many octets there were.
        offset: u64,
    },
    /// The connection is no more.
    Rst,
    /// Everything before `arrived` has come; octets before `edge` are welcome. Not recorded, but where it is lost or
    /// held: most ride on other packets.
    Ack {
        /// Octets that arrived, and the end.
        arrived: u64,
        /// The edge of the window.
        edge: u64,
    },
}

/// The ends of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoints {
    /// The end that dialled.
    pub dialler: StreamId,
    /// Its host, and the host that had the address dialled to then. (The same if nobody had it.)
    pub hosts: [HostId; 2],
    /// Its address, and the address dialled to. Within a host, the first is [`Address::Unnamed`].
    pub addresses: [Address; 2],
}

/// What a [`Trace`] keeps besides its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Keep {
    /// Nothing.
    #[default]
    Hash,
    /// The events.
    Events,
    /// The events, and the octets in packets.
    Octets,
}

/// The trace of a run. The hash covers every event whatever is kept.
#[derive(Debug, Clone)]
pub struct Trace {
    hash: u64,
    count: u64,
    keep: Keep,
    events: Vec<TraceEvent>,
    octets: Vec<u8>,
    /// Index of the event, and where its octets begin; they end where the next one's begin.
    places: Vec<(usize, usize)>,
    connections: Vec<Endpoints>,
}

impl Trace {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            hash: seed ^ OFFSET,
            count: 0,
            keep: Keep::Hash,
            events: Vec::new(),
            octets: Vec::new(),
            places: Vec::new(),
            connections: Vec::new(),
        }
    }

    /// What to keep from here on.
    pub fn keep(&mut self, keep: Keep) {
        self.keep = keep;
    }

    /// The hash of all events so far. Two runs with the same hash and the same count were the same run.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// How many events there were.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The events that were kept.
    #[must_use]
    pub fn events(&self) -> &[TraceEvent] {
        &self.events
    }

    /// The octets in the packet that is the `index`th of [`Self::events`]; none if it has none or they were not kept.
    #[must_use]
    pub fn octets(&self, index: usize) -> &[u8] {
        let Ok(place) = self.places.binary_search_by_key(&index, |(event, _)| *event) else { return &[] };
        let until = self.places.get(place + 1).map_or(self.octets.len(), |(_, next)| *next);
        &self.octets[self.places[place].1..until]
    }

    /// Each connection that was dialled while events were kept, in the order of dialling.
    #[must_use]
    pub fn connections(&self) -> &[Endpoints] {
        &self.connections
    }

    /// Puts something into the trace that is not the world's: what an engine decides, say, so that a difference between
    /// two runs shows where it came from.
    pub fn mark(&mut self, at: Time, kind: u64, value: u64) {
        self.note(at, What::Mark(kind, value));
    }

    #[inline]
    pub(crate) fn note(&mut self, at: Time, what: What) {
        self.count += 1;
        let mut hash = self.hash;
        for word in words(at, &what) {
            hash = (hash ^ word).wrapping_mul(PRIME).rotate_left(29);
        }
        self.hash = hash;
        if self.keep != Keep::Hash {
            self.events.push(TraceEvent { at, what });
        }
    }

    /// Keeps the octets of the event that was noted last.
    #[inline]
    pub(crate) fn with_octets<'a>(&mut self, octets: impl FnOnce() -> (&'a [u8], &'a [u8])) {
        if self.keep == Keep::Octets {
            let (first, second) = octets();
            self.places.push((self.events.len() - 1, self.octets.len()));
            self.octets.extend_from_slice(first);
            self.octets.extend_from_slice(second);
        }
    }

    pub(crate) fn connection(&mut self, dialler: StreamId, hosts: [HostId; 2], addresses: [&Address; 2]) {
        if self.keep != Keep::Hash {
            self.connections.push(Endpoints { dialler, hosts, addresses: addresses.map(Address::clone) });
        }
    }
}

/// An event as numbers: its time, its kind with who is concerned, and what it is about.
#[inline]
fn words(at: Time, what: &What) -> [u64; 4] {
    let host = |host: HostId| u64::from(host.0) << 8;
    let pair = |from: HostId, to: HostId| u64::from(from.0) << 8 ^ u64::from(to.0) << 36;
    let end = |id: StreamId| u64::from(id.serial) << 9 | (id.side.index() as u64) << 8;
    let at = at.as_nanos();
    match *what {
        What::Packet { from: _, to: _, stream, kind, fate } => {
            let (code, value) = match kind {
                PacketKind::Syn => (1, 0),
                PacketKind::SynAck => (2, 0),
                PacketKind::Established => (3, 0),
                PacketKind::Data { offset, len } => (4, offset.rotate_left(32) ^ u64::from(len)),
                PacketKind::Fin { offset } => (5, offset),
                PacketKind::Rst => (6, 0),
                PacketKind::Ack { arrived, edge } => (7, arrived.rotate_left(32) ^ edge),
            };
            [at, end(stream) | code, value, fate_word(fate)]
        }
        What::Lost { stream, why } => [at, end(stream) | 8, why as u64, 0],
        What::Datagram { from, to, socket, source: _, destination: _, octets, fate } => {
            [at, pair(from, to) | 9, u64::from(socket.0) << 32 | u64::from(octets), fate_word(fate)]
        }
        What::Dialled(stream) => [at, end(stream) | 10, 0, 0],
        What::Established(stream) => [at, end(stream) | 11, 0, 0],
        What::Accepted(stream) => [at, end(stream) | 12, 0, 0],
        What::Finished(stream) => [at, end(stream) | 13, 0, 0],
        What::Closed(stream) => [at, end(stream) | 14, 0, 0],
        What::Broken(stream) => [at, end(stream) | 15, 0, 0],
        What::Listens(of, listener) => [at, host(of) | 16, u64::from(listener.0), 0],
        What::ListenerClosed(of, listener) => [at, host(of) | 17, u64::from(listener.0), 0],
        What::Killed(of) => [at, host(of) | 18, 0, 0],
        What::PowerOff(of) => [at, host(of) | 19, 0, 0],
        What::PowerOn(of) => [at, host(of) | 20, 0, 0],
        What::Restarted(of) => [at, host(of) | 21, 0, 0],
        What::Paused(of) => [at, host(of) | 22, 0, 0],
        What::Resumed(of) => [at, host(of) | 23, 0, 0],
        What::Flow { from, to, flow } => [at, pair(from, to) | 24, flow as u64, 0],
        What::ClockJumped(of, by) => [at, host(of) | 25, by, 0],
        What::ClockDrifts(of, by) => [at, host(of) | 26, u64::from(by.unsigned_abs()), u64::from(by < 0)],
        What::Mark(kind, value) => [at, 27, kind, value],
    }
}

#[inline]
fn fate_word(fate: Fate) -> u64 {
    match fate {
        Fate::Arrives(then) => then.as_nanos(),
        Fate::Dropped(why) => u64::MAX - why as u64,
        Fate::Held => u64::MAX - 64,
    }
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
/// Odd, and with bits everywhere: 2^64 divided by the golden ratio.
const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
