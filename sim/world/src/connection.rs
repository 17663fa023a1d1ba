//! What there is of a connection: two ends, and a half for each direction.

use std::collections::VecDeque;

use crate::address::{Address, Credentials};
use crate::draw::Draw;
use crate::errno::Errno;
use crate::host::Reuse;
use crate::id::{HostId, ListenerId, Side};
use crate::link::Parcel;
use crate::ring::Ring;

/// Two ends that talk, or try to.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Tells it from what was at this place before; 0 where there is nothing.
    pub(crate) serial: u32,
    pub(crate) kind: Kind,
    /// By [`Side::index`].
    pub(crate) ends: [End; 2],
    /// By the side that writes.
    pub(crate) halves: [Half; 2],
    /// Which of the connections between these two hosts this is: part of the key of its draws.
    pub(crate) ordinal: u64,
    /// When SYN was sent last, then nanoseconds until its answer came.
    pub(crate) round_trip: u64,
    /// Packets that wait because the connection is stalled; `None` if it is not.
    pub(crate) stalled: Option<Vec<Parcel>>,
}

/// What carries a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A network.
    Tcp,
    /// The system of one host: a path or an abstract name.
    Local,
}

/// One end.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) host: HostId,
    pub(crate) mode: Mode,
    /// The process has a descriptor of it.
    pub(crate) is_held: bool,
    /// The host does not have the address of this end any more.
    pub(crate) is_away: bool,
    /// A write was cut short for want of room: it wants to be told.
    pub(crate) wants_room: bool,
    /// For the next call.
    pub(crate) error: Option<Errno>,
    /// For the process that dials.
    pub(crate) dialled: Option<Result<(), Errno>>,
    pub(crate) local: Address,
    pub(crate) peer: Address,
    /// Who the peer is.
    pub(crate) credentials: Option<Credentials>,
    /// In the queue of a listener.
    pub(crate) is_queued: bool,
    /// Whether others may bind this end's port beside it.
    pub(crate) reuse: Reuse,
    pub(crate) torn: Option<Box<Torn>>,
}

/// How far an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Its SYN is not answered yet. Also the other end before SYN arrives.
    Dialling,
    /// SYN came and was answered.
    Answering(ListenerId),
    /// Waits in the listener's queue.
    Queued(ListenerId),
    /// A process has it.
    Open,
    /// The process closed it; its system sends what is left.
    Orphan,
    /// Both directions ended in order. What comes again is known.
    Done,
    /// The host knows nothing of it. Whoever asks is told so by a reset.
    Gone,
}

/// Where reads and writes of an end are cut.
#[derive(Debug, Default)]
pub(crate) struct Torn {
    pub(crate) reads: Option<Draw>,
    pub(crate) writes: Option<Draw>,
    /// Offsets that no read crosses, ascending.
    pub(crate) read_cuts: Vec<u64>,
    /// Offsets that no write crosses, ascending.
    pub(crate) write_cuts: Vec<u64>,
}

/// One direction. Offsets count octets since the start; FIN counts as one behind the last.
#[derive(Debug, Default)]
pub(crate) struct Half {
    /// What is not read yet, sent or not: `consumed..written`.
    pub(crate) ring: Ring,
    pub(crate) consumed: u64,
    /// What came to the reader's system.
    pub(crate) arrived: u64,
    pub(crate) sent: u64,
    pub(crate) written: u64,
    /// What the writer's system knows to have arrived.
    pub(crate) acked: u64,
    /// The edge of the window as the writer's system knows it, and as the reader's said it last.
    pub(crate) edge: u64,
    pub(crate) announced: u64,
    /// The writer will write no more.
    pub(crate) has_fin: bool,
    /// It said so before the other did, or at the same time.
    pub(crate) is_first_to_end: bool,
    /// Acknowledgements on their way: when they arrive, what arrived, the edge.
    pub(crate) acks: VecDeque<(u64, u64, u64)>,
    /// There is an event for the first of them.
    pub(crate) waits_for_ack: bool,
    /// There is an event for when the link's queue has room.
    pub(crate) waits_for_link: bool,
    /// When the last packet arrives: none overtakes another.
    pub(crate) last_arrival: u64,
    /// Packets under way, and of them those held.
    pub(crate) flying: u32,
    pub(crate) held: u32,
    /// Something was lost and has to be sent again.
    pub(crate) retry: Option<Retry>,
    pub(crate) rounds: u32,
    /// The line that it goes over.
    pub(crate) line: u32,
}

/// How long to go on sending again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) round: u32,
    pub(crate) tries: u32,
    pub(crate) interval: u64,
    /// An acknowledgement came since.
    pub(crate) is_answered: bool,
}

impl Half {
    /// What has to be sent in all: the octets, and FIN.
    #[inline]
    pub(crate) fn limit(&self) -> u64 {
        self.written + u64::from(self.has_fin)
    }

    /// FIN has arrived.
    #[inline]
    pub(crate) fn is_ended(&self) -> bool {
        self.has_fin && self.arrived > self.written
    }

    /// Octets that can be read.
    #[inline]
    pub(crate) fn readable(&self) -> u64 {
        self.arrived.min(self.written) - self.consumed
    }

    /// Octets that are sent; none if they are sent again although they were read.
    pub(crate) fn octets(&self, offset: u64, len: u32) -> (&[u8], &[u8]) {
        match offset.checked_sub(self.consumed) {
            Some(from) => self.ring.peek(usize::try_from(from).expect("what is sent is in memory"), len as usize),
            None => (&[], &[]),
        }
    }

    /// Takes in the acknowledgements that have arrived.
    #[inline]
    pub(crate) fn settle(&mut self, now: u64) {
        while let Some(&(at, arrived, edge)) = self.acks.front() {
            if at > now {
                break;
            }
            self.acks.pop_front();
            if arrived > self.acked {
                self.acked = arrived;
                // What arrived needs not be sent again, even if the sender had gone back.
                self.sent = self.sent.max(arrived);
                if let Some(retry) = &mut self.retry {
                    retry.tries = 0;
                }
            }
            self.edge = self.edge.max(edge);
            if let Some(retry) = &mut self.retry {
                retry.is_answered = true;
            }
        }
    }

    /// The writer will write no more. `other` is the half of the other direction.
    pub(crate) fn end(&mut self, other: Other) {
        if !self.has_fin {
            self.has_fin = true;
            self.is_first_to_end = other == Other::GoesOn;
        }
    }

    /// As new, with the memory that it has.
    pub(crate) fn renew(&mut self, line: u32, edge: u64) {
        let (mut ring, mut acks, rounds) =
            (std::mem::take(&mut self.ring), std::mem::take(&mut self.acks), self.rounds);
        ring.clear();
        acks.clear();
        *self = Self { ring, acks, rounds: rounds + 1, line, edge, announced: edge, ..Self::default() };
    }
}

impl End {
    pub(crate) fn new(host: HostId, local: Address, peer: Address) -> Self {
        Self {
            host,
            mode: Mode::Dialling,
            is_held: false,
            is_away: false,
            wants_room: false,
            error: None,
            dialled: None,
            local,
            peer,
            credentials: None,
            is_queued: false,
            reuse: Reuse::No,
            torn: None,
        }
    }

    /// Its system has nothing to do with it any more.
    pub(crate) fn is_over(&self) -> bool {
        match self.mode {
            Mode::Done | Mode::Gone => true,
            Mode::Dialling | Mode::Answering(_) | Mode::Queued(_) | Mode::Open | Mode::Orphan => false,
        }
    }
}

impl Connection {
    pub(crate) fn end(&mut self, side: Side) -> &mut End {
        &mut self.ends[side.index()]
    }

    pub(crate) fn half(&mut self, from: Side) -> &mut Half {
        &mut self.halves[from.index()]
    }

    /// This end will write no more.
    pub(crate) fn finish(&mut self, side: Side) {
        let other = if self.halves[side.other().index()].is_ended() { Other::Ended } else { Other::GoesOn };
        self.half(side).end(other);
    }

    /// Whether this end would lose something if it were closed. Within a system nothing is under way.
    pub(crate) fn has_unread(&self, side: Side) -> bool {
        let half = &self.halves[side.other().index()];
        match self.kind {
            Kind::Tcp => half.readable() > 0,
            Kind::Local => half.written > half.consumed,
        }
    }

    /// Whether this end's system knows that nobody will read what it writes: within a system one does.
    pub(crate) fn peer_is_gone(&self, side: Side) -> bool {
        let (here, there) = (side.index(), side.other().index());
        let is_closed = !self.ends[there].is_held && !self.ends[there].is_queued && self.halves[there].is_ended();
        self.kind == Kind::Local && (is_closed || self.ends[here].is_over())
    }
}

/// Whether the end of the other direction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Other {
    Ended,
    GoesOn,
}
