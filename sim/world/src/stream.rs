//! What processes do with streams.

use std::io::IoSlice;

use crate::address::{Address, Credentials};
use crate::connection::{Connection, End, Kind, Mode};
use crate::draw::{Draw, Purpose, join};
use crate::errno::Errno;
use crate::event::{Conn, Packet};
use crate::host::Torn;
use crate::id::{Side, StreamId, Wake};
use crate::trace::What;
use crate::world::World;

impl World {
    /// Reads what has arrived, at most `into`; 0 is the end of what the peer writes. An empty `into` reads nothing.
    ///
    /// # Errors
    ///
    /// - [`Errno::WouldBlock`]: nothing is there; [`Wake::Readable`] tells.
    /// - [`Errno::Reset`], [`Errno::TimedOut`]: once, behind all that arrived before; then reads give 0, as in Linux.
    /// - [`Errno::Closed`]: this end.
    pub fn read(&mut self, stream: StreamId, into: &mut [u8]) -> Result<usize, Errno> {
        let connection = held(&mut self.connections, stream)?;
        let side = stream.side.index();
        let half = &mut connection.halves[side ^ 1];
        let there = half.readable();
        if there == 0 {
            return if half.is_ended() { Ok(0) } else { connection.ends[side].nothing() };
        }
        if into.is_empty() {
            return Ok(0);
        }
        let whole = there.min(into.len() as u64);
        let take = match &mut connection.ends[side].torn {
            None => whole,
            Some(torn) => {
                torn.read(half.consumed, whole, self.hosts[connection.ends[side].host.index()].limits.torn_reads)
            }
        };
        let count = usize::try_from(take).expect("no more than the buffer");
        half.ring.pop(&mut into[..count]);
        half.consumed += take;
        let (is_short, kind) = (take < whole, connection.kind);
        let host = connection.ends[side].host;
        match kind {
            Kind::Tcp => {
                // `__tcp_select_window`: the window is told of when it has grown by a good part.
                let buffer = u64::from(self.hosts[host.index()].limits.recv_buffer);
                let left = half.announced.saturating_sub(half.arrived);
                let window = (half.consumed + buffer).saturating_sub(half.arrived);
                let segment = self.lines[half.line as usize].segment();
                if window >= left.saturating_mul(2) && window - left >= segment.min(buffer / 2).max(1) {
                    self.update_window(stream);
                }
            }
            Kind::Local => {
                half.acked = half.consumed;
                self.tell_room(stream.conn(), stream.side.other());
            }
        }
        if is_short {
            self.wake(host, Wake::Readable(stream));
        }
        Ok(count)
    }

    /// Writes as much of `from` as there is room for in the send buffer, and sends what the window allows.
    ///
    /// # Errors
    ///
    /// - [`Errno::WouldBlock`]: there is no room, or the connection is not established; [`Wake::Writable`] tells.
    /// - [`Errno::Reset`], [`Errno::TimedOut`]: once.
    /// - [`Errno::BrokenPipe`]: after those, after [`Self::finish`], or where the peer is known to be gone.
    /// - [`Errno::Closed`]: this end.
    pub fn write(&mut self, stream: StreamId, from: &[IoSlice<'_>]) -> Result<usize, Errno> {
        let now = self.now.as_nanos();
        let connection = held(&mut self.connections, stream)?;
        let side = stream.side.index();
        if connection.peer_is_gone(stream.side) {
            return Err(Errno::BrokenPipe);
        }
        let end = &mut connection.ends[side];
        if let Some(error) = end.error.take() {
            return Err(error);
        }
        let half = &mut connection.halves[side];
        match end.mode {
            Mode::Open if half.has_fin => return Err(Errno::BrokenPipe),
            Mode::Open => {}
            Mode::Dialling => return Err(Errno::WouldBlock),
            Mode::Done | Mode::Gone => return Err(Errno::BrokenPipe),
            Mode::Answering(_) | Mode::Queued(_) | Mode::Orphan => unreachable!("no process has such an end"),
        }
        half.settle(now);
        let limits = self.hosts[end.host.index()].limits;
        let used = half.written - half.acked.min(half.written);
        let room = u64::from(limits.send_buffer).saturating_sub(used);
        let offered: u64 = from.iter().map(|part| part.len() as u64).sum();
        let whole = offered.min(room);
        if whole == 0 {
            if offered == 0 {
                return Ok(0);
            }
            end.wants_room = true;
            self.wait_for_ack(stream.conn(), stream.side);
            return Err(Errno::WouldBlock);
        }
        let take = match &mut end.torn {
            None => whole,
            Some(torn) => torn.write(half.written, whole, limits.torn_writes),
        };
        let mut left = usize::try_from(take).expect("no more than was offered");
        for part in from {
            let some = left.min(part.len());
            half.ring.push(&part[..some]);
            left -= some;
        }
        half.written += take;
        let host = end.host;
        if take < offered {
            end.wants_room = take == whole;
        }
        self.transmit(stream.conn(), stream.side);
        if take < whole {
            self.wake(host, Wake::Writable(stream));
        }
        self.wait_for_ack(stream.conn(), stream.side);
        Ok(usize::try_from(take).expect("no more than was offered"))
    }

    /// Whether a read would give something else than [`Errno::WouldBlock`].
    #[must_use]
    pub fn is_readable(&self, stream: StreamId) -> bool {
        let Ok((connection, end)) = self.held_end(stream) else { return true };
        let half = &connection.halves[stream.side.index() ^ 1];
        half.readable() > 0 || half.is_ended() || end.error.is_some() || end.is_over()
    }

    /// Whether a write would give something else than [`Errno::WouldBlock`].
    #[must_use]
    pub fn is_writable(&self, stream: StreamId) -> bool {
        let Ok((connection, end)) = self.held_end(stream) else { return true };
        let half = &connection.halves[stream.side.index()];
        if end.error.is_some() || end.is_over() || half.has_fin {
            return true;
        }
        let now = self.now.as_nanos();
        let arrived = half.acks.iter().filter(|(at, ..)| *at <= now).map(|(_, arrived, _)| *arrived).max();
        let acked = half.acked.max(arrived.unwrap_or(0)).min(half.written);
        let buffer = u64::from(self.hosts[end.host.index()].limits.send_buffer);
        end.mode == Mode::Open && half.written - acked < buffer
    }

    /// Whether the peer has ended its direction, or all of it, behind whatever is unread.
    #[must_use]
    pub fn is_gone(&self, stream: StreamId) -> bool {
        let Ok((connection, end)) = self.held_end(stream) else { return true };
        connection.halves[stream.side.index() ^ 1].is_ended() || end.is_over()
    }

    /// Says that no more will be written; reading goes on (`shutdown(SHUT_WR)`). Twice is as once.
    ///
    /// # Errors
    ///
    /// [`Errno::NotConnected`]: before the connection is established, or after it broke. [`Errno::Closed`].
    pub fn finish(&mut self, stream: StreamId) -> Result<(), Errno> {
        let connection = held(&mut self.connections, stream)?;
        let side = stream.side.index();
        if connection.ends[side].mode != Mode::Open {
            // `unix_shutdown` asks nothing.
            return if connection.kind == Kind::Local { Ok(()) } else { Err(Errno::NotConnected) };
        }
        if !connection.halves[side].has_fin {
            connection.finish(stream.side);
            self.trace.note(self.now, What::Finished(stream));
            self.transmit(stream.conn(), stream.side);
            self.wait_for_ack(stream.conn(), stream.side);
        }
        Ok(())
    }

    /// Closes the descriptor. What was written is sent, then FIN; but if something that came was not read, the peer is
    /// reset, and what was written and has not arrived is lost. As Linux does it, without linger.
    ///
    /// Once closed, a stream is nothing any more. Closing it again does nothing.
    pub fn close(&mut self, stream: StreamId) {
        self.close_as(stream, How::InOrder);
    }

    /// Closes the descriptor and resets the peer, whatever is under way (`SO_LINGER` of 0).
    pub fn reset(&mut self, stream: StreamId) {
        self.close_as(stream, How::Reset);
    }

    /// This end's address.
    ///
    /// # Errors
    ///
    /// [`Errno::Closed`].
    pub fn local_addr(&self, stream: StreamId) -> Result<Address, Errno> {
        self.held_end(stream).map(|(_, end)| end.local.clone())
    }

    /// The peer's address.
    ///
    /// # Errors
    ///
    /// [`Errno::NotConnected`]: before the connection is established, or after it broke. [`Errno::Closed`].
    pub fn peer_addr(&self, stream: StreamId) -> Result<Address, Errno> {
        let (connection, end) = self.held_end(stream)?;
        match (end.mode, connection.kind) {
            (Mode::Dialling, _) | (Mode::Done | Mode::Gone, Kind::Tcp) => Err(Errno::NotConnected),
            _ => Ok(end.peer.clone()),
        }
    }

    /// Who the peer is; `None` over a network.
    #[must_use]
    pub fn credentials(&self, stream: StreamId) -> Option<Credentials> {
        self.held_end(stream).ok().and_then(|(_, end)| end.credentials)
    }

    /// Cuts reads of this end at these offsets of what the peer writes: no read crosses one. They add to those before.
    pub fn cut_reads(&mut self, stream: StreamId, at: &[u64]) {
        if let Ok(connection) = held(&mut self.connections, stream) {
            let torn = connection.end(stream.side).torn.get_or_insert_default();
            torn.read_cuts.extend(at);
            torn.read_cuts.sort_unstable();
        }
    }

    /// Cuts writes of this end at these offsets of what it writes: no write crosses one. They add to those before.
    pub fn cut_writes(&mut self, stream: StreamId, at: &[u64]) {
        if let Ok(connection) = held(&mut self.connections, stream) {
            let torn = connection.end(stream.side).torn.get_or_insert_default();
            torn.write_cuts.extend(at);
            torn.write_cuts.sort_unstable();
        }
    }

    pub(crate) fn held_end(&self, stream: StreamId) -> Result<(&Connection, &End), Errno> {
        let connection = &self.connections[stream.slot as usize];
        let end = &connection.ends[stream.side.index()];
        if connection.serial == stream.serial && end.is_held { Ok((connection, end)) } else { Err(Errno::Closed) }
    }

    #[cold]
    fn update_window(&mut self, stream: StreamId) {
        self.acknowledge(stream.conn(), stream.side);
    }

    pub(crate) fn close_as(&mut self, stream: StreamId, how: How) {
        let Ok(connection) = held(&mut self.connections, stream) else { return };
        let end = connection.end(stream.side);
        end.is_held = false;
        let (host, mode) = (end.host, end.mode);
        self.hosts[host.index()].used.streams -= 1;
        self.trace.note(self.now, What::Closed(stream));
        let conn = stream.conn();
        match mode {
            Mode::Dialling => self.retire(conn, stream.side, Mode::Gone),
            Mode::Open => {
                let connection = &mut self.connections[conn.slot as usize];
                let has_unread = connection.has_unread(stream.side);
                // Sockets at paths have no linger, and are closed in order.
                let is_cut = how == How::Reset && connection.kind == Kind::Tcp;
                if is_cut || has_unread {
                    self.abort(conn, stream.side);
                    return;
                }
                connection.end(stream.side).mode = Mode::Orphan;
                connection.finish(stream.side);
                self.transmit(conn, stream.side);
                self.wait_for_ack(conn, stream.side);
                self.complete(conn);
                return;
            }
            Mode::Done | Mode::Gone => {}
            Mode::Answering(_) | Mode::Queued(_) | Mode::Orphan => unreachable!("no process has such an end"),
        }
        self.release(conn);
    }

    /// Resets the peer; the end is gone.
    pub(crate) fn abort(&mut self, conn: Conn, side: Side) {
        if !self.connections[conn.slot as usize].ends[side.index()].is_over() {
            self.retire(conn, side, Mode::Gone);
            self.send(conn, side, Packet::Rst);
        }
        self.release(conn);
    }

    /// The peer says that the connection is no more.
    pub(crate) fn on_reset(&mut self, conn: Conn, side: Side) {
        let connection = &self.connections[conn.slot as usize];
        match connection.ends[side.index()].mode {
            Mode::Dialling => self.dial_failed(conn, Errno::Refused),
            Mode::Answering(listener) => {
                if let Some(listener) = self.listeners.get_mut(&listener) {
                    listener.answering.retain(|other| *other != conn);
                }
                self.retire(conn, side, Mode::Gone);
            }
            Mode::Queued(_) | Mode::Open => {
                // `tcp_reset`: an end that has the peer's FIN is told EPIPE instead.
                let ended = connection.halves[side.index() ^ 1].is_ended();
                let is_tcp = connection.kind == Kind::Tcp;
                let why = if ended && is_tcp { Errno::BrokenPipe } else { Errno::Reset };
                self.break_end(conn, side, why);
            }
            Mode::Orphan => self.retire(conn, side, Mode::Gone),
            Mode::Done | Mode::Gone => {}
        }
        self.release(conn);
    }

    /// The end is told that the connection is no more.
    pub(crate) fn break_end(&mut self, conn: Conn, side: Side, why: Errno) {
        let end = self.connections[conn.slot as usize].end(side);
        end.error = Some(why);
        end.wants_room = false;
        let (host, is_held) = (end.host, end.is_held);
        self.retire(conn, side, Mode::Gone);
        let stream = Self::stream_id(conn, side);
        self.trace.note(self.now, What::Broken(stream));
        if is_held {
            self.wake(host, Wake::Readable(stream));
            self.wake(host, Wake::Writable(stream));
        }
    }

    /// If all that both processes wrote has arrived, the systems are done with it. Over tcp an end that a process still has
    /// is not connected any more then (`tcp_time_wait`, `tcp_done`).
    pub(crate) fn complete(&mut self, conn: Conn) {
        let connection = &self.connections[conn.slot as usize];
        if !(connection.halves[0].is_ended() && connection.halves[1].is_ended()) {
            return;
        }
        for side in [Side::Dialler, Side::Acceptor] {
            let connection = &self.connections[conn.slot as usize];
            match (connection.ends[side.index()].mode, connection.kind) {
                (Mode::Orphan, _) | (Mode::Open, Kind::Tcp) => self.retire(conn, side, Mode::Done),
                (Mode::Open, Kind::Local) => {}
                (Mode::Dialling | Mode::Answering(_) | Mode::Queued(_) | Mode::Done | Mode::Gone, _) => {}
            }
        }
        self.release(conn);
    }

    /// The end's system has nothing to do with it any more.
    pub(crate) fn retire(&mut self, conn: Conn, side: Side, mode: Mode) {
        let now = self.now;
        let connection = &mut self.connections[conn.slot as usize];
        // Who said FIN first, or at the same time, keeps the port for a while.
        let waits = mode == Mode::Done && connection.halves[side.index()].is_first_to_end;
        let end = &mut connection.ends[side.index()];
        let was_over = end.is_over();
        end.mode = mode;
        let reuse = end.reuse;
        let (host, local) = (end.host, end.local.clone());
        let half = connection.half(side);
        half.retry = None;
        half.rounds += 1;
        let Address::Tcp(local) = local else { return };
        if was_over {
            return;
        }
        let host = &mut self.hosts[host.index()];
        if let Some(count) = host.ports.get_mut(&local.port()) {
            *count -= 1;
            if *count == 0 {
                host.ports.remove(&local.port());
            }
        }
        if waits {
            host.time_wait.push((local, now + TIME_WAIT, reuse));
        }
    }

    /// Forgets a connection of which nobody has anything.
    pub(crate) fn release(&mut self, conn: Conn) {
        let connection = &mut self.connections[conn.slot as usize];
        let is_over = |end: &End| end.is_over() && !end.is_held && !end.is_queued;
        if connection.serial == conn.serial && connection.ends.iter().all(is_over) {
            connection.serial = 0;
            connection.stalled = None;
            self.free.push(conn.slot);
        }
    }

    /// Gives a new end the draws by which its host tears reads and writes.
    pub(crate) fn arm_torn(&mut self, stream: StreamId) {
        let seed = self.seed;
        let connection = &mut self.connections[stream.slot as usize];
        let limits = self.hosts[connection.ends[stream.side.index()].host.index()].limits;
        if limits.torn_reads == Torn::Never && limits.torn_writes == Torn::Never {
            return;
        }
        let hosts = connection.ends.each_ref().map(|end| self.hosts[end.host.index()].key);
        let key = connection.ordinal << 1 | stream.side.index() as u64;
        let draw = |purpose| Draw::new(seed, purpose, join(hosts), key);
        let torn = connection.end(stream.side).torn.get_or_insert_default();
        torn.reads.get_or_insert_with(|| draw(Purpose::TornRead));
        torn.writes.get_or_insert_with(|| draw(Purpose::TornWrite));
    }

    pub(crate) fn held_streams(&self) -> Vec<StreamId> {
        let all = self.connections.iter().enumerate().filter(|(_, connection)| connection.serial != 0);
        all.flat_map(|(slot, connection)| {
            let slot = u32::try_from(slot).expect("connections are fewer than 2^32");
            let conn = Conn { slot, serial: connection.serial };
            [Side::Dialler, Side::Acceptor]
                .map(|side| (Self::stream_id(conn, side), connection.ends[side.index()].is_held))
        })
        .filter_map(|(stream, is_held)| is_held.then_some(stream))
        .collect()
    }
}

/// A connection of whose end a process has a descriptor.
#[inline]
fn held(connections: &mut [Connection], stream: StreamId) -> Result<&mut Connection, Errno> {
    let connection = &mut connections[stream.slot as usize];
    let is_held = connection.serial == stream.serial && connection.ends[stream.side.index()].is_held;
    if is_held { Ok(connection) } else { Err(Errno::Closed) }
}

impl StreamId {
    pub(crate) const fn conn(self) -> Conn {
        Conn { slot: self.slot, serial: self.serial }
    }
}

impl End {
    /// What a read says when there is nothing, and FIN has not come.
    fn nothing(&mut self) -> Result<usize, Errno> {
        match (self.error.take(), self.is_over()) {
            (Some(error), _) => Err(error),
            (None, true) => Ok(0),
            (None, false) => Err(Errno::WouldBlock),
        }
    }
}

impl crate::connection::Torn {
    fn read(&mut self, at: u64, whole: u64, torn: Torn) -> u64 {
        cut(&mut self.reads, &mut self.read_cuts, at, whole, torn)
    }

    fn write(&mut self, at: u64, whole: u64, torn: Torn) -> u64 {
        cut(&mut self.writes, &mut self.write_cuts, at, whole, torn)
    }
}

/// How many of `whole` octets from the offset `at` on are moved at once.
fn cut(draws: &mut Option<Draw>, cuts: &mut Vec<u64>, at: u64, whole: u64, torn: Torn) -> u64 {
    let over = cuts.iter().take_while(|cut| **cut <= at).count();
    cuts.drain(..over);
    let whole = cuts.first().map_or(whole, |cut| whole.min(cut - at));
    match (torn, draws) {
        (Torn::UpTo(most), Some(draws)) => 1 + draws.below(whole.min(u64::from(most.max(1)))),
        (Torn::UpTo(_) | Torn::Never, _) => whole,
    }
}

/// How a descriptor is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    InOrder,
    Reset,
}

/// `TCP_TIMEWAIT_LEN` of Linux.
const TIME_WAIT: std::time::Duration = std::time::Duration::from_secs(60);
