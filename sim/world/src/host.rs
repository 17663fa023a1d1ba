//! Hosts: a system, a process on it, a clock.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::draw::Draw;
use crate::id::{ListenerId, Wake};
use crate::time::Time;

/// What a host's system gives its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Streams, listeners and datagram sockets together (`RLIMIT_NOFILE`).
    pub descriptors: u32,
    /// Octets that a stream's writer may have written and not acknowledged (`SO_SNDBUF`). For new streams and old ones.
    pub send_buffer: u32,
    /// Octets that may wait for a stream's reader: the widest window (`SO_RCVBUF`). For new streams and old ones, but
    /// what was announced stays announced.
    pub recv_buffer: u32,
    /// Whether reads give less than there is.
    pub torn_reads: Torn,
    /// Whether writes take less than there is room for.
    pub torn_writes: Torn,
}

/// Whether calls move less than they could.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Torn {
    /// They move what they can.
    #[default]
    Never,
    /// They move a drawn number of octets, from 1 to this, or to what they can move.
    UpTo(u32),
}

impl Default for Limits {
    /// 1024 descriptors as on Linux, and buffers of 64 KiB, which is the window that Linux announces at first. (Its buffers
    /// grow with what a connection needs, these do not.)
    fn default() -> Self {
        Self {
            descriptors: 1024,
            send_buffer: 65_536,
            recv_buffer: 65_536,
            torn_reads: Torn::Never,
            torn_writes: Torn::Never,
        }
    }
}

/// What a host's process has open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Resources {
    /// Streams, from `dial` or `accept` to `close`.
    pub streams: u32,
    /// Listeners.
    pub listeners: u32,
    /// Timers that are not over.
    pub timers: u32,
    /// Lookups whose answer was not taken.
    pub lookups: u32,
    /// Datagram sockets.
    pub datagrams: u32,
    /// Paths in the file system, whether anybody listens there or not.
    pub paths: u32,
}

/// What a host is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// Its process runs.
    Running,
    /// Its process is stopped; its system goes on.
    Paused,
    /// Its process died; its system goes on.
    Dead,
    /// It has no power.
    Off,
}

#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) name: String,
    /// For its draws.
    pub(crate) key: u64,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) condition: Condition,
    pub(crate) limits: Limits,
    pub(crate) used: Resources,
    pub(crate) process: u32,
    pub(crate) clock: Clock,
    /// Local ports of connections, with their number.
    pub(crate) ports: BTreeMap<u16, u32>,
    /// Closed connections whose port nobody may take yet: until when, and whether one with `reuse_address` may.
    pub(crate) time_wait: Vec<(std::net::SocketAddr, Time, Reuse)>,
    /// Sockets in the file system, with who listens there.
    pub(crate) paths: BTreeMap<String, Option<ListenerId>>,
    pub(crate) abstract_names: BTreeMap<Vec<u8>, ListenerId>,
    /// What will be told when the process runs again.
    pub(crate) deferred: Deferred,
    pub(crate) refuses_until: Time,
    pub(crate) entropy: Draw,
    pub(crate) port: Draw,
}

/// Wakes, each once, in the order in which they came first.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    known: BTreeSet<Wake>,
    order: Vec<Wake>,
}

impl Deferred {
    pub(crate) fn push(&mut self, wake: Wake) {
        if self.known.insert(wake) {
            self.order.push(wake);
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Wake> {
        self.known.clear();
        std::mem::take(&mut self.order)
    }
}

/// Whether an address may be taken although somebody has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Reuse {
    /// It may not (a socket of Linux as it is made).
    #[default]
    No,
    /// It may be taken from connections, closed ones too, if they have this as well (`SO_REUSEADDR`).
    Address,
}

/// A monotonic clock that may be wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// True time, and what the clock said then.
    since: Time,
    said: u64,
    /// Millionths by which it is too fast.
    drift: i32,
}

impl Clock {
    pub(crate) const fn new() -> Self {
        Self { since: Time::START, said: 0, drift: 0 }
    }

    #[inline]
    pub(crate) fn at(&self, now: Time) -> u64 {
        let passed = now.as_nanos() - self.since.as_nanos();
        if self.drift == 0 {
            return self.said.saturating_add(passed);
        }
        let shown = u128::from(passed) * u128::from(self.rate()) / u128::from(MILLION);
        self.said.saturating_add(u64::try_from(shown).unwrap_or(u64::MAX))
    }

    /// The first true time at which the clock says `then` or later.
    pub(crate) fn when(&self, then: u64) -> Time {
        let shown = then.saturating_sub(self.said);
        if self.drift == 0 {
            return self.since.plus(shown);
        }
        let passed = (u128::from(shown) * u128::from(MILLION)).div_ceil(u128::from(self.rate()));
        self.since.plus(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    pub(crate) fn jump(&mut self, now: Time, forward: u64) {
        *self = Self { since: now, said: self.at(now).saturating_add(forward), drift: self.drift };
    }

    pub(crate) fn set_drift(&mut self, now: Time, drift: i32) {
        *self = Self { since: now, said: self.at(now), drift: drift.max(-999_999) };
    }

    const fn rate(&self) -> u64 {
        (MILLION.cast_signed() + self.drift as i64).cast_unsigned()
    }
}

const MILLION: u64 = 1_000_000;
