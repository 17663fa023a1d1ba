//! What goes wrong: called by the director of a run.

use std::net::IpAddr;
use std::time::Duration;

use crate::connection::{Kind, Mode};
use crate::errno::Errno;
use crate::event::{Conn, Packet};
use crate::host::{Condition, Limits};
use crate::id::{HostId, Side, StreamId};
use crate::link::{Flow, Parcel, Why};
use crate::stream::How;
use crate::time::{Time, nanos};
use crate::trace::What;
use crate::world::World;

impl World {
    /// What the link does with packets from here on. Those under way arrive. Those that it held go on when it passes, with
    /// fresh latencies in their order, and are lost when it drops.
    pub fn set_flow(&mut self, from: HostId, to: HostId, flow: Flow) {
        let index = self.line(from, to);
        let line = &mut self.lines[index as usize];
        if line.flow == flow {
            return;
        }
        line.flow = flow;
        let held = std::mem::take(&mut line.held);
        self.trace.note(self.now, What::Flow { from, to, flow });
        match flow {
            Flow::Pass => self.deliver(held),
            Flow::Drop => {
                self.lose_parcels(held);
                self.doubt(|connection_line| connection_line == index);
            }
            Flow::Hold => self.doubt(|connection_line| connection_line == index),
        }
    }

    /// What the link does with packets.
    #[must_use]
    pub fn flow(&self, from: HostId, to: HostId) -> Flow {
        self.line_of.get(&(from, to)).map_or(Flow::Pass, |line| self.lines[*line as usize].flow)
    }

    /// The host's process dies. Its system closes all that it had as [`Self::close`] does, and answers what comes: with
    /// resets. Paths stay.
    pub fn kill(&mut self, host: HostId) {
        match self.condition(host) {
            Condition::Running | Condition::Paused => {}
            Condition::Dead | Condition::Off => return,
        }
        self.hosts[host.index()].condition = Condition::Dead;
        self.trace.note(self.now, What::Killed(host));
        for stream in self.held_streams() {
            if self.connections[stream.slot as usize].ends[stream.side.index()].host == host {
                self.close_as(stream, How::InOrder);
            }
        }
        let listeners: Vec<_> = self.listeners.iter().filter(|(_, of)| of.host == host).map(|(id, _)| *id).collect();
        for listener in listeners {
            self.close_listener(listener);
        }
        self.forget_process(host);
    }

    /// The host is gone from one moment to the next. Nobody is told: peers find out when they send something, by a timeout,
    /// or by a reset if the host has power again by then. Paths stay.
    pub fn power_off(&mut self, host: HostId) {
        if self.condition(host) == Condition::Off {
            return;
        }
        self.hosts[host.index()].condition = Condition::Off;
        self.trace.note(self.now, What::PowerOff(host));
        let listeners: Vec<_> = self.listeners.iter().filter(|(_, of)| of.host == host).map(|(id, _)| *id).collect();
        for id in listeners {
            if let Some(listener) = self.listeners.remove(&id) {
                for conn in listener.queue {
                    self.connections[conn.slot as usize].end(Side::Acceptor).is_queued = false;
                }
            }
        }
        for (conn, side) in self.ends_of(host) {
            self.connections[conn.slot as usize].end(side).is_held = false;
            self.retire(conn, side, Mode::Gone);
            // Both ends of what was within the host are gone; for the others there is a peer that may wait.
            self.doubt_half(conn, side.other());
            self.release(conn);
        }
        self.forget_process(host);
        let of = &mut self.hosts[host.index()];
        of.used.streams = 0;
        of.used.listeners = 0;
        of.abstract_names.clear();
        of.paths.values_mut().for_each(|listener| *listener = None);
        of.time_wait.clear();
    }

    /// The host has power again, and runs a new process.
    pub fn power_on(&mut self, host: HostId) {
        if self.condition(host) == Condition::Off {
            self.trace.note(self.now, What::PowerOn(host));
            self.start_process(host);
        }
    }

    /// Starts a new process where one died. One that lives is killed first.
    pub fn restart(&mut self, host: HostId) {
        match self.condition(host) {
            Condition::Off => self.power_on(host),
            Condition::Running | Condition::Paused | Condition::Dead => {
                self.kill(host);
                self.trace.note(self.now, What::Restarted(host));
                self.start_process(host);
            }
        }
    }

    /// The process stops running, and its system goes on: what comes waits, acknowledged, until there is no more room.
    pub fn pause(&mut self, host: HostId) {
        if self.condition(host) == Condition::Running {
            self.hosts[host.index()].condition = Condition::Paused;
            self.trace.note(self.now, What::Paused(host));
            for (_, wake) in self.ready.iter().filter(|(of, _)| *of == Some(host)) {
                self.hosts[host.index()].deferred.push(*wake);
            }
            self.ready.retain(|(of, _)| *of != Some(host));
        }
    }

    /// The process runs again, and is told all that it missed, each thing once.
    pub fn resume(&mut self, host: HostId) {
        if self.condition(host) == Condition::Paused {
            self.hosts[host.index()].condition = Condition::Running;
            self.trace.note(self.now, What::Resumed(host));
            let missed = self.hosts[host.index()].deferred.take();
            self.ready.extend(missed.into_iter().map(|wake| (Some(host), wake)));
        }
    }

    /// Resets every connection between two hosts at both ends, at once, as a middle box does.
    pub fn reset_streams(&mut self, one: HostId, other: HostId) {
        for (conn, side) in self.ends_of(one) {
            let connection = &self.connections[conn.slot as usize];
            let is_between = connection.serial == conn.serial && connection.ends[side.other().index()].host == other;
            if is_between {
                self.reset_connection(Self::stream_id(conn, side));
            }
        }
    }

    /// Resets one connection at both ends, at once.
    pub fn reset_connection(&mut self, stream: StreamId) {
        let conn = stream.conn();
        for side in [Side::Dialler, Side::Acceptor] {
            if self.connections[conn.slot as usize].serial == conn.serial {
                self.on_reset(conn, side);
            }
        }
    }

    /// Nothing of this connection gets through any more, in either direction, until [`Self::unstall`].
    pub fn stall(&mut self, stream: StreamId) {
        let conn = stream.conn();
        let connection = &mut self.connections[conn.slot as usize];
        if connection.serial == conn.serial && connection.kind == Kind::Tcp && connection.stalled.is_none() {
            connection.stalled = Some(Vec::new());
            self.doubt_half(conn, Side::Dialler);
            self.doubt_half(conn, Side::Acceptor);
        }
    }

    /// What was stalled goes on.
    pub fn unstall(&mut self, stream: StreamId) {
        let conn = stream.conn();
        let connection = &mut self.connections[conn.slot as usize];
        if connection.serial == conn.serial
            && let Some(held) = connection.stalled.take()
        {
            self.deliver(held);
        }
    }

    /// The limits of the host from here on, for all that it has and will have.
    pub fn set_limits(&mut self, host: HostId, limits: Limits) {
        self.hosts[host.index()].limits = limits;
        for stream in self.held_streams() {
            if self.connections[stream.slot as usize].ends[stream.side.index()].host == host {
                self.arm_torn(stream);
                self.tell_room(stream.conn(), stream.side);
            }
        }
    }

    /// Until then each connection that is accepted at the host is reset instead, and `accept` fails with
    /// [`Errno::Aborted`].
    pub fn refuse_accepts(&mut self, host: HostId, until: Time) {
        self.hosts[host.index()].refuses_until = until;
    }

    /// Sets the host's clocks forward. Timers that are over by then are told at once.
    pub fn jump_clock(&mut self, host: HostId, forward: Duration) {
        let now = self.now;
        self.hosts[host.index()].clock.jump(now, nanos(forward));
        self.trace.note(now, What::ClockJumped(host, nanos(forward)));
        self.move_timers(host);
    }

    /// From here on the host's clock runs faster by so many millionths, or slower if negative.
    pub fn set_drift(&mut self, host: HostId, millionths: i32) {
        let now = self.now;
        self.hosts[host.index()].clock.set_drift(now, millionths);
        self.trace.note(now, What::ClockDrifts(host, millionths));
        self.move_timers(host);
    }

    /// The host gets an address; packets to it come there from here on.
    ///
    /// # Panics
    ///
    /// If a host has it.
    pub fn add_address(&mut self, host: HostId, address: IpAddr) {
        let before = self.host_of.insert(address, host);
        assert!(before.is_none(), "two hosts with the address {address}");
        self.hosts[host.index()].addresses.push(address);
        self.set_away(host, address, Away::No);
    }

    /// The host has the address no more. Connections with it stay, and nothing comes to them.
    pub fn remove_address(&mut self, host: HostId, address: IpAddr) {
        if self.host_of.get(&address) == Some(&host) {
            self.host_of.remove(&address);
            self.hosts[host.index()].addresses.retain(|other| *other != address);
            self.set_away(host, address, Away::Yes);
        }
    }

    fn set_away(&mut self, host: HostId, address: IpAddr, away: Away) {
        for (conn, side) in self.ends_of(host) {
            let end = self.connections[conn.slot as usize].end(side);
            let is_there = matches!(&end.local, crate::Address::Tcp(local) if local.ip() == address);
            if is_there {
                end.is_away = away == Away::Yes;
                self.doubt_half(conn, side.other());
            }
        }
    }

    fn start_process(&mut self, host: HostId) {
        let process = self.next_process();
        let of = &mut self.hosts[host.index()];
        of.process = process;
        of.condition = Condition::Running;
        of.deferred.take();
    }

    fn forget_process(&mut self, host: HostId) {
        self.close_datagrams(host);
        self.cancel_timers(host);
        self.cancel_lookups(host);
        self.ready.retain(|(of, _)| *of != Some(host));
        self.hosts[host.index()].deferred.take();
    }

    /// Ends that the host's system knows of.
    fn ends_of(&self, host: HostId) -> Vec<(Conn, Side)> {
        let mut ends = Vec::new();
        for (slot, connection) in self.connections.iter().enumerate().filter(|(_, known)| known.serial != 0) {
            let slot = u32::try_from(slot).expect("connections are fewer than 2^32");
            for side in [Side::Dialler, Side::Acceptor] {
                if connection.ends[side.index()].host == host {
                    ends.push((Conn { slot, serial: connection.serial }, side));
                }
            }
        }
        ends
    }

    /// Something may be lost on these lines that nobody would miss otherwise: the news that a window is open.
    fn doubt(&mut self, is_one: impl Fn(u32) -> bool) {
        for slot in 0..self.connections.len() {
            let connection = &self.connections[slot];
            if connection.serial == 0 || connection.kind == Kind::Local {
                continue;
            }
            if connection.halves.iter().any(|half| is_one(half.line)) {
                let conn = Conn { slot: u32::try_from(slot).expect("few"), serial: connection.serial };
                self.doubt_half(conn, Side::Dialler);
                self.doubt_half(conn, Side::Acceptor);
            }
        }
    }

    /// If a half has something to send and nothing under way, it will ask again.
    fn doubt_half(&mut self, conn: Conn, from: Side) {
        let connection = &self.connections[conn.slot as usize];
        let half = &connection.halves[from.index()];
        if connection.serial == conn.serial && connection.kind == Kind::Tcp && half.acked < half.limit() {
            self.send_again_later(conn, from);
        }
    }

    fn lose_parcels(&mut self, parcels: Vec<Parcel>) {
        for parcel in parcels {
            match parcel {
                Parcel::Stream { conn, to, packet } => self.lose_held(conn, to, packet),
                Parcel::Acknowledgement { conn, from } => {
                    if self.connections[conn.slot as usize].serial == conn.serial {
                        self.send_again_later(conn, from);
                    }
                }
                Parcel::Datagram { parcel } => self.lose_datagram(parcel),
            }
        }
    }

    fn lose_held(&mut self, conn: Conn, to: Side, packet: Packet) {
        if self.connections[conn.slot as usize].serial != conn.serial {
            return;
        }
        let from = to.other();
        self.trace.note(self.now, What::Lost { stream: Self::stream_id(conn, from), why: Why::Partition });
        if let Packet::Data { start, .. } = packet {
            let half = self.connections[conn.slot as usize].half(from);
            half.flying -= 1;
            half.held -= 1;
            half.sent = half.sent.min(start.max(half.acked));
            self.send_again_later(conn, from);
        }
    }

    /// What a stream's end waits for, in words, for who asks why nothing happens.
    ///
    /// # Errors
    ///
    /// [`Errno::Closed`].
    pub fn describe(&self, stream: StreamId) -> Result<String, Errno> {
        let (connection, end) = self.held_end(stream)?;
        let out = &connection.halves[stream.side.index()];
        let into = &connection.halves[stream.side.other().index()];
        let lost = if out.retry.is_some() { ", sending again" } else { "" };
        Ok(format!(
            "{stream} {:?}: wrote {}, sent {}, acknowledged {}{lost}; {} of {} read",
            end.mode, out.written, out.sent, out.acked, into.consumed, into.arrived
        ))
    }
}

/// Whether an end's host has its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Away {
    Yes,
    No,
}
