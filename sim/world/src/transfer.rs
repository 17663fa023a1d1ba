//! How octets get from one end to the other: segments, windows, acknowledgements, and sending again.
//!
//! What is lost is noticed by its sender at once but sent again by the timer only, in order: nothing arrives behind a gap.
//! Acknowledgements are kept as numbers with a time, and become events only where somebody waits for one.

use crate::connection::{Kind, Mode, Retry};
use crate::errno::Errno;
use crate::event::{Conn, Event, Packet};
use crate::id::{Side, Wake};
use crate::link::{Fate, HEADERS, Parcel};
use crate::time::Time;
use crate::trace::{PacketKind, What};
use crate::world::World;

/// The shortest interval after which something is sent again (`TCP_RTO_MIN`), to which a round trip is added.
const SHORTEST: u64 = 200_000_000;
/// The longest (`TCP_RTO_MAX`).
const LONGEST: u64 = 120_000_000_000;
/// How often without an answer: 924.6 s (`tcp_retries2`), or somewhat more over long links.
const TRIES: u32 = 15;
/// The same for a connection that no process has any more (`tcp_orphan_retries`).
const TRIES_OF_ORPHAN: u32 = 8;

impl World {
    /// Sends a packet that is not data.
    pub(crate) fn send(&mut self, conn: Conn, from: Side, packet: Packet) {
        self.send_packet(conn, from, packet, 0);
    }

    #[inline]
    fn send_packet(&mut self, conn: Conn, from: Side, packet: Packet, octets: u64) -> Fate {
        let connection = &mut self.connections[conn.slot as usize];
        let half = &mut connection.halves[from.index()];
        let line = &mut self.lines[half.line as usize];
        let mut fate = match connection.kind {
            Kind::Tcp if connection.stalled.is_some() => Fate::Held,
            Kind::Tcp => line.send(self.now, octets),
            Kind::Local => line.pass(self.now),
        };
        if let Fate::Arrives(at) = fate {
            let at = at.as_nanos().max(half.last_arrival);
            half.last_arrival = at;
            fate = Fate::Arrives(Time::from_nanos(at));
        }
        let kind = match packet {
            Packet::Syn => PacketKind::Syn,
            Packet::SynAck => PacketKind::SynAck,
            Packet::Established => PacketKind::Established,
            Packet::Data { start, len: 1 } if start == half.written => PacketKind::Fin { offset: start },
            Packet::Data { start, len } => PacketKind::Data { offset: start, len },
            Packet::Rst => PacketKind::Rst,
        };
        let stream = Self::stream_id(conn, from);
        self.trace.note(self.now, What::Packet { from: line.from, to: line.to, stream, kind, fate });
        if let PacketKind::Data { offset, len } = kind {
            let half = &*half;
            self.trace.with_octets(|| half.octets(offset, len));
        }
        match fate {
            Fate::Arrives(at) => self.queue.push(at, Event::Packet { conn, to: from.other(), packet }),
            Fate::Held => {
                half.held += u32::from(matches!(packet, Packet::Data { .. }));
                let parcel = Parcel::Stream { conn, to: from.other(), packet };
                connection.stalled.as_mut().unwrap_or(&mut line.held).push(parcel);
            }
            Fate::Dropped(_) => {}
        }
        fate
    }

    /// Sends what may be sent.
    pub(crate) fn transmit(&mut self, conn: Conn, from: Side) {
        loop {
            let connection = &mut self.connections[conn.slot as usize];
            let local = connection.kind == Kind::Local;
            let half = &mut connection.halves[from.index()];
            // What was lost comes first, and its timer decides when.
            if half.retry.is_some_and(|retry| !retry.is_answered) || half.waits_for_link {
                return;
            }
            let until = half.edge.min(half.written);
            let line = &self.lines[half.line as usize];
            let len = if half.sent < until {
                line.segment().min(until - half.sent).min(line.until.saturating_sub(line.carried).max(1))
            } else if half.has_fin && half.sent == half.written {
                1
            } else {
                return;
            };
            let wait = if local { 0 } else { line.until_room(self.now, len + u64::from(HEADERS)) };
            if wait > 0 {
                half.waits_for_link = true;
                self.queue.push(self.now.plus(wait), Event::Transmit { conn, from });
                return;
            }
            let start = half.sent;
            let packet = Packet::Data { start, len: u32::try_from(len).expect("no longer than the MTU") };
            let (index, is_fin) = (half.line, start == half.written);
            let fate = self.send_packet(conn, from, packet, len);
            match fate {
                Fate::Arrives(_) | Fate::Held => {
                    let told = if local || is_fin { None } else { self.carry(index, len, fate) };
                    let half = self.connections[conn.slot as usize].half(from);
                    half.sent += len;
                    half.flying += 1;
                    if half.held > 0 {
                        self.send_again_later(conn, from);
                    }
                    if let Some(at) = told {
                        self.connections[conn.slot as usize].half(from).waits_for_link = true;
                        self.queue.push(at, Event::Transmit { conn, from });
                        return;
                    }
                }
                Fate::Dropped(_) => {
                    self.send_again_later(conn, from);
                    return;
                }
            }
        }
    }

    /// Data, FIN or a question for the window came to an end that takes it.
    #[inline]
    pub(crate) fn on_data(&mut self, conn: Conn, to: Side, start: u64, len: u32) {
        let connection = &mut self.connections[conn.slot as usize];
        let end = &connection.ends[to.index()];
        let (host, mode) = (end.host, end.mode);
        let half = &mut connection.halves[to.index() ^ 1];
        half.flying -= 1;
        let before = half.arrived;
        if start <= before {
            half.arrived = before.max(start + u64::from(len));
        }
        let came = half.arrived - before;
        if connection.kind == Kind::Tcp {
            self.acknowledge(conn, to);
        }
        if came == 0 {
            return;
        }
        match mode {
            Mode::Open => self.wake(host, Wake::Readable(Self::stream_id(conn, to))),
            Mode::Queued(_) => {}
            Mode::Orphan | Mode::Done => {
                let half = &self.connections[conn.slot as usize].halves[to.index() ^ 1];
                let is_tcp = self.connections[conn.slot as usize].kind == Kind::Tcp;
                if half.readable() > 0 && is_tcp {
                    // Nobody will read it, and the writer has to know.
                    self.abort(conn, to);
                    return;
                }
            }
            Mode::Dialling | Mode::Answering(_) | Mode::Gone => unreachable!("such an end takes no data"),
        }
        let half = &self.connections[conn.slot as usize].halves[to.index() ^ 1];
        if half.is_ended() {
            self.complete(conn);
        }
    }

    /// Tells the writer what arrived and how far it may go.
    #[inline]
    pub(crate) fn acknowledge(&mut self, conn: Conn, to: Side) {
        let from = to.other();
        let connection = &mut self.connections[conn.slot as usize];
        let buffer = u64::from(self.hosts[connection.ends[to.index()].host.index()].limits.recv_buffer);
        let back = connection.halves[to.index()].line;
        let wants_room = connection.ends[from.index()].wants_room;
        let half = &mut connection.halves[from.index()];
        half.announced = half.announced.max(half.consumed + buffer);
        let (arrived, edge) = (half.arrived, half.announced);
        let line = &mut self.lines[back as usize];
        let fate = if connection.stalled.is_some() { Fate::Held } else { line.acknowledge(self.now) };
        match fate {
            Fate::Arrives(at) => {
                let at = at.as_nanos().max(half.acks.back().map_or(0, |(before, ..)| *before));
                half.settle(self.now.as_nanos());
                half.acks.push_back((at, arrived, edge));
                let waits = wants_room || half.sent < half.limit();
                if waits && !half.waits_for_ack {
                    half.waits_for_ack = true;
                    self.queue.push(Time::from_nanos(at), Event::Acknowledged { conn, from });
                }
                return;
            }
            Fate::Held => {
                let parcel = Parcel::Acknowledgement { conn, from };
                connection.stalled.as_mut().unwrap_or(&mut line.held).push(parcel);
            }
            Fate::Dropped(_) => {}
        }
        let (by, whom) = (line.from, line.to);
        let kind = PacketKind::Ack { arrived, edge };
        let stream = Self::stream_id(conn, to);
        self.trace.note(self.now, What::Packet { from: by, to: whom, stream, kind, fate });
        self.send_again_later(conn, from);
    }

    /// Sees to it that somebody who waits for an acknowledgement hears of the next one.
    pub(crate) fn wait_for_ack(&mut self, conn: Conn, from: Side) {
        let connection = &mut self.connections[conn.slot as usize];
        let wants_room = connection.ends[from.index()].wants_room;
        let half = &mut connection.halves[from.index()];
        if half.waits_for_ack || !(wants_room || half.sent < half.limit()) {
            return;
        }
        if let Some((at, ..)) = half.acks.front() {
            half.waits_for_ack = true;
            self.queue.push(Time::from_nanos(*at), Event::Acknowledged { conn, from });
        }
    }

    pub(crate) fn on_acknowledged(&mut self, conn: Conn, from: Side) {
        let half = self.connections[conn.slot as usize].half(from);
        half.waits_for_ack = false;
        half.settle(self.now.as_nanos());
        self.transmit(conn, from);
        self.tell_room(conn, from);
        self.wait_for_ack(conn, from);
    }

    /// Tells a writer that there is room, once there is enough: a third of the buffer for TCP (`sk_stream_is_writeable`),
    /// three quarters within a system (`unix_writable`).
    pub(crate) fn tell_room(&mut self, conn: Conn, from: Side) {
        let connection = &mut self.connections[conn.slot as usize];
        let end = &connection.ends[from.index()];
        let buffer = u64::from(self.hosts[end.host.index()].limits.send_buffer);
        let half = &connection.halves[from.index()];
        let used = half.written - half.acked.min(half.written);
        let has_room = match connection.kind {
            Kind::Tcp => used * 3 <= buffer * 2,
            Kind::Local => used * 4 <= buffer,
        };
        if end.wants_room && has_room {
            let host = end.host;
            connection.ends[from.index()].wants_room = false;
            self.wake(host, Wake::Writable(Self::stream_id(conn, from)));
        }
    }

    /// Something of this half, or an acknowledgement for it, did not get through: the timer is set, if it was not.
    pub(crate) fn send_again_later(&mut self, conn: Conn, from: Side) {
        let connection = &mut self.connections[conn.slot as usize];
        if connection.ends[from.index()].is_over() {
            return;
        }
        let interval = SHORTEST.saturating_add(connection.round_trip).min(LONGEST);
        let half = connection.half(from);
        match &mut half.retry {
            Some(retry) => retry.is_answered = false,
            None => {
                half.rounds += 1;
                let round = half.rounds;
                half.retry = Some(Retry { round, tries: 0, interval, is_answered: false });
                self.queue.push(self.now.plus(interval), Event::Retransmit { conn, from, round });
            }
        }
    }

    pub(crate) fn on_retransmit(&mut self, conn: Conn, from: Side) {
        let connection = &mut self.connections[conn.slot as usize];
        let end = &connection.ends[from.index()];
        let most = if end.is_held { TRIES } else { TRIES_OF_ORPHAN };
        let initial = SHORTEST.saturating_add(connection.round_trip).min(LONGEST);
        let half = &mut connection.halves[from.index()];
        half.settle(self.now.as_nanos());
        let Some(mut retry) = half.retry.take() else { return };
        if retry.is_answered && half.acked == half.sent {
            self.transmit(conn, from);
            self.tell_room(conn, from);
            self.wait_for_ack(conn, from);
            return;
        }
        if retry.tries == most {
            self.give_up(conn, from);
            return;
        }
        let is_on_its_way = half.held == 0 && (half.flying > 0 || !half.acks.is_empty());
        if retry.is_answered {
            retry.interval = initial;
        } else if !is_on_its_way {
            retry.tries += 1;
            retry.interval = retry.interval.saturating_mul(2).min(LONGEST);
        }
        let is_silent = half.held == 0 && !is_on_its_way;
        half.rounds += 1;
        let round = half.rounds;
        retry.round = round;
        if is_silent {
            half.sent = half.acked;
            self.transmit(conn, from);
            self.ask(conn, from);
        }
        retry.is_answered = false;
        let half = self.connections[conn.slot as usize].half(from);
        half.retry = Some(retry);
        self.queue.push(self.now.plus(retry.interval), Event::Retransmit { conn, from, round });
    }

    /// If nothing could be sent because the window is closed, or all was acknowledged: asks how it stands.
    fn ask(&mut self, conn: Conn, from: Side) {
        let half = self.connections[conn.slot as usize].half(from);
        if half.flying > 0 || half.sent > half.acked {
            return;
        }
        let packet = Packet::Data { start: half.sent, len: 0 };
        match self.send_packet(conn, from, packet, 0) {
            Fate::Arrives(_) | Fate::Held => self.connections[conn.slot as usize].half(from).flying += 1,
            Fate::Dropped(_) => {}
        }
    }

    /// The peer did not answer for too long.
    fn give_up(&mut self, conn: Conn, from: Side) {
        self.break_end(conn, from, Errno::TimedOut);
        self.release(conn);
    }

    /// Releases what a link or a connection held: each gets a fresh latency, in order.
    pub(crate) fn deliver(&mut self, parcels: Vec<Parcel>) {
        for parcel in parcels {
            match parcel {
                Parcel::Stream { conn, to, packet } => self.deliver_packet(conn, to, packet),
                Parcel::Acknowledgement { conn, from } => {
                    let connection = &self.connections[conn.slot as usize];
                    if connection.serial == conn.serial && connection.kind == Kind::Tcp {
                        self.acknowledge(conn, from.other());
                    }
                }
                Parcel::Datagram { parcel } => self.deliver_datagram(parcel),
            }
        }
    }

    fn deliver_packet(&mut self, conn: Conn, to: Side, packet: Packet) {
        let connection = &mut self.connections[conn.slot as usize];
        if connection.serial != conn.serial {
            return;
        }
        let from = to.other();
        let half = &mut connection.halves[from.index()];
        let is_data = matches!(packet, Packet::Data { .. });
        half.held -= u32::from(is_data);
        let octets = match packet {
            Packet::Data { len, .. } => u64::from(len),
            Packet::Syn | Packet::SynAck | Packet::Established | Packet::Rst => 0,
        };
        match self.send_packet(conn, from, packet, octets) {
            Fate::Arrives(_) | Fate::Held => {}
            Fate::Dropped(_) => {
                let half = self.connections[conn.slot as usize].half(from);
                if let Packet::Data { start, .. } = packet {
                    half.flying -= 1;
                    half.sent = half.sent.min(start.max(half.acked));
                    self.send_again_later(conn, from);
                }
            }
        }
    }
}
