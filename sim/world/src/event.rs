//! What is going to happen, by time.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::id::{LookupId, Side};
use crate::time::Time;

/// A connection: its place, and its number, which tells it from an earlier one at that place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conn {
    pub(crate) slot: u32,
    pub(crate) serial: u32,
}

/// A packet of a stream under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packet {
    Syn,
    SynAck,
    Established,
    /// From there so many; what lies behind the last octet is FIN. None: asks for the window.
    Data {
        start: u64,
        len: u32,
    },
    Rst,
}

/// Something that happens later.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    /// A packet arrives.
    Packet {
        conn: Conn,
        to: Side,
        packet: Packet,
    },
    /// Acknowledgements for what `from` sends have arrived, and it waits for them.
    Acknowledged {
        conn: Conn,
        from: Side,
    },
    /// What `from` sent was not acknowledged in time.
    Retransmit {
        conn: Conn,
        from: Side,
        round: u32,
    },
    /// The link's queue has room for `from`.
    Transmit {
        conn: Conn,
        from: Side,
    },
    /// SYN, or the answer to it, was not answered in time.
    HandshakeLate {
        conn: Conn,
        of: Side,
        tries: u8,
    },
    Timer {
        slot: u32,
        serial: u64,
    },
    Lookup(LookupId),
    Datagram {
        parcel: u32,
    },
    Alarm(u64),
}

#[derive(Debug)]
struct Entry {
    at: u64,
    /// Counts entries, so that what was first is first.
    order: u64,
    event: Event,
}

/// Events by time, and at one time in the order in which they were put in.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Entry>,
    order: u64,
}

impl Queue {
    #[inline]
    pub(crate) fn push(&mut self, at: Time, event: Event) {
        self.order += 1;
        self.heap.push(Entry { at: at.as_nanos(), order: self.order, event });
    }

    #[inline]
    pub(crate) fn first(&self) -> Option<(Time, &Event)> {
        self.heap.peek().map(|entry| (Time::from_nanos(entry.at), &entry.event))
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.heap.pop().map(|entry| entry.event)
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Forgets events that nobody waits for any more.
    pub(crate) fn retain(&mut self, mut live: impl FnMut(&Event) -> bool) {
        self.heap.retain(|entry| live(&entry.event));
    }
}

impl Entry {
    const fn key(&self) -> u128 {
        (self.at as u128) << 64 | self.order as u128
    }
}

/// The heap has its greatest first, so the earliest is the greatest.
impl Ord for Entry {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl PartialOrd for Entry {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}
