//! How a connection comes to be: SYN, its answer, and what is done when neither comes.

use crate::address::Address;
use crate::connection::{Kind, Mode};
use crate::errno::Errno;
use crate::event::{Conn, Event, Packet};
use crate::host::Condition;
use crate::id::{HostId, Side, Wake};
use crate::link::Why;
use crate::listener::covers;
use crate::trace::What;
use crate::world::World;

/// SYN is sent again after 1, 3, 7, 15, 31 and 63 seconds, and given up after 127 (`tcp_syn_retries` 6).
const SYN_RETRIES: u8 = 6;
/// Its answer after 1, 3, 7, 15 and 31 seconds, and given up after 63 (`tcp_synack_retries` 5).
const SYN_ACK_RETRIES: u8 = 5;
const SECOND: u64 = 1_000_000_000;

impl World {
    pub(crate) fn send_syn(&mut self, conn: Conn, tries: u8) {
        let connection = &mut self.connections[conn.slot as usize];
        connection.round_trip = self.now.as_nanos();
        let Address::Tcp(to) = connection.ends[0].peer else { return };
        let from = connection.ends[0].host;
        // Whoever has the address now: a host may have come or gone since the last attempt.
        match self.host_at(from, to.ip()) {
            None => {
                let stream = Self::stream_id(conn, Side::Dialler);
                self.trace.note(self.now, What::Lost { stream, why: Why::NoSuchHost });
            }
            Some(host) => {
                let lines = [self.line(from, host), self.line(host, from)];
                let connection = &mut self.connections[conn.slot as usize];
                connection.ends[1].host = host;
                connection.halves[0].line = lines[0];
                connection.halves[1].line = lines[1];
                self.send(conn, Side::Dialler, Packet::Syn);
            }
        }
        self.queue.push(self.now.plus(SECOND << tries), Event::HandshakeLate { conn, of: Side::Dialler, tries });
    }

    pub(crate) fn waits_for_answer(&self, conn: Conn, of: Side) -> bool {
        match self.connections[conn.slot as usize].ends[of.index()].mode {
            Mode::Dialling | Mode::Answering(_) => true,
            Mode::Queued(_) | Mode::Open | Mode::Orphan | Mode::Done | Mode::Gone => false,
        }
    }

    pub(crate) fn on_handshake_late(&mut self, conn: Conn, of: Side, tries: u8) {
        match (of, tries) {
            (Side::Dialler, SYN_RETRIES) => self.dial_failed(conn, Errno::TimedOut),
            (Side::Dialler, _) => self.send_syn(conn, tries + 1),
            (Side::Acceptor, SYN_ACK_RETRIES) => self.forget_answering(conn),
            (Side::Acceptor, _) => self.answer(conn, tries + 1),
        }
    }

    pub(crate) fn dial_failed(&mut self, conn: Conn, why: Errno) {
        let end = self.connections[conn.slot as usize].end(Side::Dialler);
        end.dialled = Some(Err(why));
        let host = end.host;
        let stream = Self::stream_id(conn, Side::Dialler);
        self.retire(conn, Side::Dialler, Mode::Gone);
        self.wake(host, Wake::Dialled(stream));
        self.release(conn);
    }

    /// SYN came to the acceptor's host, which has power and the address.
    pub(crate) fn on_syn(&mut self, conn: Conn) {
        let end = &self.connections[conn.slot as usize].ends[1];
        match end.mode {
            Mode::Gone => {}
            // The same once more: the answer was lost, or is late.
            Mode::Answering(_) => {
                self.send(conn, Side::Acceptor, Packet::SynAck);
                return;
            }
            Mode::Dialling | Mode::Queued(_) | Mode::Open | Mode::Orphan | Mode::Done => return,
        }
        let (host, Address::Tcp(at)) = (end.host, end.local.clone()) else { return };
        let matches = |other: &Address| matches!(other, Address::Tcp(other) if other.port() == at.port() && covers(other.ip(), at.ip()));
        // One that is bound to this very address comes before one that is bound to all.
        let mut listening = self.listeners.iter().filter(|(_, of)| of.host == host && matches(&of.at));
        let exact = listening.clone().find(|(_, of)| of.at == Address::Tcp(at));
        let Some((id, listener)) = exact.or_else(|| listening.next()) else {
            self.send(conn, Side::Acceptor, Packet::Rst);
            return;
        };
        let id = *id;
        if listener.is_full() {
            let stream = Self::stream_id(conn, Side::Dialler);
            self.trace.note(self.now, What::Lost { stream, why: Why::BacklogFull });
            return;
        }
        let reuse = listener.how.reuse;
        self.listeners.get_mut(&id).expect("it listens").answering.push(conn);
        let end = self.connections[conn.slot as usize].end(Side::Acceptor);
        end.mode = Mode::Answering(id);
        end.reuse = reuse;
        *self.hosts[host.index()].ports.entry(at.port()).or_default() += 1;
        // The window that each end announces is its own system's.
        let edges = [1, 0].map(|to: usize| {
            let host = self.connections[conn.slot as usize].ends[to].host;
            u64::from(self.hosts[host.index()].limits.recv_buffer)
        });
        for (half, edge) in self.connections[conn.slot as usize].halves.iter_mut().zip(edges) {
            half.edge = edge;
            half.announced = edge;
        }
        self.answer(conn, 0);
    }

    fn answer(&mut self, conn: Conn, tries: u8) {
        self.send(conn, Side::Acceptor, Packet::SynAck);
        self.queue.push(self.now.plus(SECOND << tries), Event::HandshakeLate { conn, of: Side::Acceptor, tries });
    }

    fn forget_answering(&mut self, conn: Conn) {
        let end = self.connections[conn.slot as usize].end(Side::Acceptor);
        if let Mode::Answering(listener) = end.mode
            && let Some(listener) = self.listeners.get_mut(&listener)
        {
            listener.answering.retain(|other| *other != conn);
        }
        self.retire(conn, Side::Acceptor, Mode::Gone);
        self.release(conn);
    }

    /// The answer came to the dialler.
    pub(crate) fn on_syn_ack(&mut self, conn: Conn) {
        let end = self.connections[conn.slot as usize].end(Side::Dialler);
        match end.mode {
            Mode::Dialling => {
                end.mode = Mode::Open;
                end.dialled = Some(Ok(()));
                let host = end.host;
                let connection = &mut self.connections[conn.slot as usize];
                connection.round_trip = self.now.as_nanos().saturating_sub(connection.round_trip);
                self.send(conn, Side::Dialler, Packet::Established);
                self.wake(host, Wake::Dialled(Self::stream_id(conn, Side::Dialler)));
            }
            Mode::Open | Mode::Orphan | Mode::Done => self.send(conn, Side::Dialler, Packet::Established),
            Mode::Gone => self.send(conn, Side::Dialler, Packet::Rst),
            Mode::Answering(_) | Mode::Queued(_) => unreachable!("the dialler's end is never those"),
        }
    }

    /// The dialler knows: the connection waits to be accepted, if there is room. If not, this is as if it had been lost.
    ///
    /// Gives whether the end takes data.
    pub(crate) fn on_established(&mut self, conn: Conn) -> Established {
        let end = self.connections[conn.slot as usize].end(Side::Acceptor);
        let Mode::Answering(id) = end.mode else { return Established::Yes };
        let host = end.host;
        let listener = self.listeners.get_mut(&id).expect("closing a listener resets what it answers");
        if listener.is_full() {
            let stream = Self::stream_id(conn, Side::Dialler);
            self.trace.note(self.now, What::Lost { stream, why: Why::BacklogFull });
            return Established::No;
        }
        listener.answering.retain(|other| *other != conn);
        listener.queue.push_back(conn);
        let end = self.connections[conn.slot as usize].end(Side::Acceptor);
        end.mode = Mode::Queued(id);
        end.is_queued = true;
        self.trace.note(self.now, What::Established(Self::stream_id(conn, Side::Acceptor)));
        self.wake(host, Wake::Acceptable(id));
        Established::Yes
    }

    /// A packet came to an end.
    #[inline]
    pub(crate) fn arrive(&mut self, conn: Conn, to: Side, packet: Packet) {
        let connection = &mut self.connections[conn.slot as usize];
        let end = &connection.ends[to.index()];
        if let (Packet::Data { start, len }, Mode::Open) = (packet, end.mode)
            && !end.is_away
        {
            self.on_data(conn, to, start, len);
            return;
        }
        self.arrive_otherwise(conn, to, packet);
    }

    fn arrive_otherwise(&mut self, conn: Conn, to: Side, packet: Packet) {
        if let Some(heir) = self.heir(conn, to) {
            self.reset_by_heir(conn, to, packet, heir);
            return;
        }
        let connection = &self.connections[conn.slot as usize];
        let end = &connection.ends[to.index()];
        let is_off = self.hosts[end.host.index()].condition == Condition::Off;
        if is_off || end.is_away {
            let why = if is_off { Why::PowerOff } else { Why::NoSuchHost };
            self.lose(conn, to, packet, why);
            return;
        }
        match packet {
            Packet::Syn => self.on_syn(conn),
            Packet::SynAck => self.on_syn_ack(conn),
            Packet::Established => match end.mode {
                Mode::Answering(_) => {
                    self.on_established(conn);
                }
                Mode::Gone => self.send(conn, to, Packet::Rst),
                Mode::Dialling | Mode::Queued(_) | Mode::Open | Mode::Orphan | Mode::Done => {}
            },
            Packet::Data { start, len } => match end.mode {
                Mode::Open | Mode::Queued(_) | Mode::Orphan | Mode::Done => self.on_data(conn, to, start, len),
                Mode::Answering(_) => match self.on_established(conn) {
                    Established::Yes => self.on_data(conn, to, start, len),
                    Established::No => self.lose(conn, to, packet, Why::BacklogFull),
                },
                Mode::Gone => {
                    self.connections[conn.slot as usize].half(to.other()).flying -= 1;
                    self.send(conn, to, Packet::Rst);
                }
                Mode::Dialling => unreachable!("nobody sends data before the answer to SYN, which comes first"),
            },
            Packet::Rst => self.on_reset(conn, to),
        }
    }

    /// Another host that has the address of an end by now, and power.
    fn heir(&self, conn: Conn, of: Side) -> Option<HostId> {
        let end = &self.connections[conn.slot as usize].ends[of.index()];
        let Address::Tcp(at) = &end.local else { return None };
        let heir = self.host_of.get(&at.ip()).copied().filter(|heir| end.is_away && *heir != end.host)?;
        (self.hosts[heir.index()].condition != Condition::Off).then_some(heir)
    }

    /// A packet came to a host that knows nothing of its connection, because the address moved there.
    fn reset_by_heir(&mut self, conn: Conn, to: Side, packet: Packet, heir: HostId) {
        let whom = self.connections[conn.slot as usize].ends[to.other().index()].host;
        let line = self.line(heir, whom);
        if let Packet::Data { .. } = packet {
            self.connections[conn.slot as usize].half(to.other()).flying -= 1;
        }
        if packet != Packet::Rst {
            let half = self.connections[conn.slot as usize].half(to);
            let own = std::mem::replace(&mut half.line, line);
            self.send(conn, to, Packet::Rst);
            self.connections[conn.slot as usize].half(to).line = own;
        }
    }

    /// A packet was lost where it should have arrived.
    fn lose(&mut self, conn: Conn, to: Side, packet: Packet, why: Why) {
        let from = to.other();
        self.trace.note(self.now, What::Lost { stream: Self::stream_id(conn, from), why });
        if let Packet::Data { start, .. } = packet {
            let half = self.connections[conn.slot as usize].half(from);
            half.flying -= 1;
            half.sent = half.sent.min(start.max(half.acked));
            self.send_again_later(conn, from);
        }
        debug_assert!(self.connections[conn.slot as usize].kind == Kind::Tcp, "systems lose nothing within themselves");
    }
}

/// Whether a connection that was answered is established.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Established {
    Yes,
    No,
}
