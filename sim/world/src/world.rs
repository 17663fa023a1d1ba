//! The world: all hosts, what is between them, and the one queue of what happens next.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use crate::address::Credentials;
use crate::connection::Connection;
use crate::datagram::{Datagrams, Flying};
use crate::draw::{Draw, Purpose, key_of};
use crate::event::{Conn, Event, Queue};
use crate::host::{Clock, Condition, Deferred, Host, Limits, Resources};
use crate::id::{HostId, ListenerId, Side, StreamId, Wake};
use crate::link::{Line, Link};
use crate::listener::Listener;
use crate::names::Names;
use crate::time::Time;
use crate::timer::Timers;
use crate::trace::Trace;

/// A network of simulated hosts.
///
/// Processes on hosts call what a process calls, and the director of the run calls what goes wrong. [`Self::next`] lets
/// the next thing happen and says who may have waited for it. Nothing else happens between two calls, no time passes, and
/// the same calls have the same results.
#[derive(Debug)]
pub struct World {
    pub(crate) seed: u64,
    pub(crate) now: Time,
    pub(crate) queue: Queue,
    /// What [`Self::next`] tells next, and which host's process is told.
    pub(crate) ready: VecDeque<(Option<HostId>, Wake)>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) host_of: BTreeMap<IpAddr, HostId>,
    pub(crate) lines: Vec<Line>,
    pub(crate) line_of: BTreeMap<(HostId, HostId), u32>,
    pub(crate) default_link: Link,
    pub(crate) connections: Vec<Connection>,
    pub(crate) free: Vec<u32>,
    pub(crate) last_serial: u32,
    pub(crate) listeners: BTreeMap<ListenerId, Listener>,
    pub(crate) last_listener: u32,
    pub(crate) timers: Timers,
    pub(crate) names: Names,
    pub(crate) datagrams: Datagrams,
    pub(crate) flying: Flying,
    pub(crate) trace: Trace,
    /// Processes that were started.
    processes: u32,
}

impl World {
    /// A world without hosts. All that is drawn in it follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            now: Time::START,
            queue: Queue::default(),
            ready: VecDeque::new(),
            hosts: Vec::new(),
            host_of: BTreeMap::new(),
            lines: Vec::new(),
            line_of: BTreeMap::new(),
            default_link: Link::between_hosts(),
            connections: Vec::new(),
            free: Vec::new(),
            last_serial: 0,
            listeners: BTreeMap::new(),
            last_listener: 0,
            timers: Timers::default(),
            names: Names::default(),
            datagrams: Datagrams::default(),
            flying: Flying::default(),
            trace: Trace::new(seed),
            processes: 0,
        }
    }

    /// True time.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// A host that runs, with these addresses beside its loopback. Its name can be resolved by every host, and is what its
    /// draws are keyed by: with one host less, the others draw what they drew before.
    ///
    /// # Panics
    ///
    /// If another host has one of the addresses.
    pub fn add_host(&mut self, name: &str, addresses: &[IpAddr]) -> HostId {
        let id = HostId(u32::try_from(self.hosts.len()).expect("hosts are few"));
        let seed = self.seed;
        let key = key_of(name);
        let draw = |purpose| Draw::new(seed, purpose, key, 0);
        let process = self.next_process();
        self.hosts.push(Host {
            name: name.to_owned(),
            key,
            addresses: Vec::new(),
            condition: Condition::Running,
            limits: Limits::default(),
            used: Resources::default(),
            process,
            clock: Clock::new(),
            ports: BTreeMap::new(),
            time_wait: Vec::new(),
            paths: BTreeMap::new(),
            abstract_names: BTreeMap::new(),
            deferred: Deferred::default(),
            refuses_until: Time::START,
            entropy: draw(Purpose::Entropy),
            port: draw(Purpose::Port),
        });
        for address in addresses {
            self.add_address(id, *address);
        }
        id
    }

    /// Ends the world for what it leaves.
    #[must_use]
    pub fn into_trace(self) -> Trace {
        self.trace
    }

    /// The host that was added under this name first.
    #[must_use]
    pub fn host_named(&self, name: &str) -> Option<HostId> {
        let index = self.hosts.iter().position(|host| host.name == name)?;
        Some(HostId(u32::try_from(index).expect("hosts are few")))
    }

    /// The host's name.
    #[must_use]
    pub fn host_name(&self, host: HostId) -> &str {
        &self.hosts[host.index()].name
    }

    /// The host's addresses but loopback, in the order in which it got them.
    #[must_use]
    pub fn addresses(&self, host: HostId) -> &[IpAddr] {
        &self.hosts[host.index()].addresses
    }

    /// How many hosts there are.
    #[must_use]
    pub fn host_count(&self) -> usize {
        self.hosts.len()
    }

    /// What the host is doing.
    #[must_use]
    pub fn condition(&self, host: HostId) -> Condition {
        self.hosts[host.index()].condition
    }

    /// What the host's process has open. All zero but for paths after [`Self::kill`] and [`Self::power_off`].
    #[must_use]
    pub fn resources(&self, host: HostId) -> Resources {
        let host = &self.hosts[host.index()];
        Resources { paths: u32::try_from(host.paths.len()).unwrap_or(u32::MAX), ..host.used }
    }

    /// The limits of the host.
    #[must_use]
    pub fn limits(&self, host: HostId) -> Limits {
        self.hosts[host.index()].limits
    }

    /// What the host's monotonic clock says, in nanoseconds.
    #[must_use]
    pub fn host_now(&self, host: HostId) -> u64 {
        self.hosts[host.index()].clock.at(self.now)
    }

    /// Fills `bytes` from the host's entropy, which goes on where it was.
    pub fn random(&mut self, host: HostId, bytes: &mut [u8]) {
        self.hosts[host.index()].entropy.fill(bytes);
    }

    /// Who the process of the host is.
    #[must_use]
    pub fn process(&self, host: HostId) -> Credentials {
        Credentials { process: self.hosts[host.index()].process, user: USER, group: USER }
    }

    /// The link from one host to another, or to itself. Its properties may be changed; what it does with packets is
    /// [`Self::set_flow`]'s.
    pub fn link_mut(&mut self, from: HostId, to: HostId) -> &mut Link {
        let line = self.line(from, to);
        &mut self.lines[line as usize].link
    }

    /// What links between different hosts are that were not used or changed yet.
    pub const fn default_link_mut(&mut self) -> &mut Link {
        &mut self.default_link
    }

    /// The trace.
    pub const fn trace(&mut self) -> &mut Trace {
        &mut self.trace
    }

    /// Tells [`Wake::Alarm`] at that time, or now if it is over.
    pub fn alarm(&mut self, at: Time, tag: u64) {
        self.queue.push(at.max(self.now), Event::Alarm(tag));
    }

    /// Lets things happen until somebody may want to know. `None` if nothing will ever happen.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "what it gives depends on the calls between; it is no sequence")]
    pub fn next(&mut self) -> Option<Wake> {
        loop {
            if let Some((_, wake)) = self.ready.pop_front() {
                return Some(wake);
            }
            self.step(Time::NEVER)?;
        }
    }

    /// As [`Self::next`], but not beyond `limit`: then it is `limit`, and the answer `None`.
    pub fn next_before(&mut self, limit: Time) -> Option<Wake> {
        loop {
            if let Some((_, wake)) = self.ready.pop_front() {
                return Some(wake);
            }
            if self.step(limit).is_none() {
                self.now = self.now.max(limit);
                return None;
            }
        }
    }

    /// When [`Self::next`] would have something to do: now if a wake waits; `None` if nothing will ever happen.
    pub fn due(&mut self) -> Option<Time> {
        if !self.ready.is_empty() {
            return Some(self.now);
        }
        self.drop_stale();
        self.queue.first().map(|(at, _)| at)
    }

    /// Lets one event happen that is not beyond `limit`.
    #[inline]
    fn step(&mut self, limit: Time) -> Option<()> {
        loop {
            let (at, event) = self.queue.first()?;
            if !self.is_live(event) {
                self.queue.pop();
                continue;
            }
            if at > limit {
                return None;
            }
            // What is overdue, as a timer of a clock that jumped ahead, happens now: time never goes back.
            self.now = self.now.max(at);
            let event = self.queue.pop().expect("it was there");
            self.happen(event);
            return Some(());
        }
    }

    fn drop_stale(&mut self) {
        while let Some((_, event)) = self.queue.first() {
            if self.is_live(event) {
                return;
            }
            self.queue.pop();
        }
    }

    /// Whether anybody waits for the event: the time of one that nobody waits for does not come.
    #[inline]
    fn is_live(&self, event: &Event) -> bool {
        match *event {
            Event::Packet { conn, .. } => self.knows(conn),
            Event::Acknowledged { conn, .. } | Event::Transmit { conn, .. } => self.knows(conn),
            Event::Retransmit { conn, from, round } => {
                let connection = &self.connections[conn.slot as usize];
                let retry = connection.halves[from.index()].retry;
                connection.serial == conn.serial && retry.is_some_and(|retry| retry.round == round)
            }
            Event::HandshakeLate { conn, of, .. } => self.knows(conn) && self.waits_for_answer(conn, of),
            Event::Timer { slot, serial } => self.timers.is_live(slot, serial),
            Event::Lookup(lookup) => self.names.is_live(lookup),
            Event::Datagram { .. } | Event::Alarm(_) => true,
        }
    }

    #[inline]
    fn knows(&self, conn: Conn) -> bool {
        self.connections[conn.slot as usize].serial == conn.serial
    }

    #[inline]
    fn happen(&mut self, event: Event) {
        match event {
            Event::Packet { conn, to, packet } => self.arrive(conn, to, packet),
            Event::Acknowledged { conn, from } => self.on_acknowledged(conn, from),
            Event::Retransmit { conn, from, round: _ } => self.on_retransmit(conn, from),
            Event::Transmit { conn, from } => {
                self.connections[conn.slot as usize].half(from).waits_for_link = false;
                self.transmit(conn, from);
            }
            Event::HandshakeLate { conn, of, tries } => self.on_handshake_late(conn, of, tries),
            Event::Timer { slot, serial } => self.on_timer(slot, serial),
            Event::Lookup(lookup) => self.on_lookup(lookup),
            Event::Datagram { parcel } => self.on_datagram(parcel),
            Event::Alarm(tag) => self.ready.push_back((None, Wake::Alarm(tag))),
        }
    }

    /// Tells the host's process, when it runs.
    #[inline]
    pub(crate) fn wake(&mut self, host: HostId, wake: Wake) {
        let of = &mut self.hosts[host.index()];
        match of.condition {
            Condition::Running => self.ready.push_back((Some(host), wake)),
            Condition::Paused => {
                of.deferred.push(wake);
            }
            Condition::Dead | Condition::Off => {}
        }
    }

    pub(crate) fn stream_id(conn: Conn, side: Side) -> StreamId {
        StreamId { serial: conn.serial, side, slot: conn.slot }
    }

    pub(crate) fn line(&mut self, from: HostId, to: HostId) -> u32 {
        if let Some(line) = self.line_of.get(&(from, to)) {
            return *line;
        }
        let link = if from == to { Link::loopback() } else { self.default_link.clone() };
        let index = u32::try_from(self.lines.len()).expect("links are few");
        let keys = [from, to].map(|host| self.hosts[host.index()].key);
        self.lines.push(Line::new(self.seed, from, to, keys, link));
        self.line_of.insert((from, to), index);
        index
    }

    pub(crate) fn next_process(&mut self) -> u32 {
        self.processes += 1;
        FIRST_PROCESS + self.processes
    }
}

/// Process ids begin behind those of a system's own.
const FIRST_PROCESS: u32 = 1000;

/// All processes are of one user.
const USER: u32 = 1000;
