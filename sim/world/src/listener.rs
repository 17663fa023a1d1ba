//! Listening, accepting, dialling.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::address::{Address, Credentials};
use crate::connection::{Connection, End, Half, Kind, Mode};
use crate::errno::Errno;
use crate::event::Conn;
use crate::host::Reuse;
use crate::id::{HostId, ListenerId, Side, StreamId, Wake};
use crate::trace::What;
use crate::world::World;

/// How to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// How many connections may wait to be accepted, less one: Linux takes one more than it is told.
    pub backlog: u32,
    /// Whether the address may be taken from connections that were made by an earlier listener with the same.
    pub reuse: Reuse,
}

impl Default for Listen {
    /// As servers do it: 128, with `SO_REUSEADDR`.
    fn default() -> Self {
        Self { backlog: 128, reuse: Reuse::Address }
    }
}

#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) host: HostId,
    pub(crate) at: Address,
    pub(crate) how: Listen,
    /// Established, first to last.
    pub(crate) queue: VecDeque<Conn>,
    /// Answered, not established yet.
    pub(crate) answering: Vec<Conn>,
    pub(crate) credentials: Credentials,
}

impl Listener {
    /// `sk_acceptq_is_full` of Linux: one more than the backlog is let in.
    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() > self.how.backlog as usize
    }
}

impl World {
    /// Listens at an address. Port 0 has the host draw a port that nobody has, 32768 to 60999; a wildcard IP is all of the
    /// host's.
    ///
    /// # Errors
    ///
    /// - [`Errno::InUse`]: somebody listens there; or a path exists, whether anybody listens there or not; or connections
    ///   have the port, in `TIME_WAIT` too, and either side has not [`Reuse::Address`].
    /// - [`Errno::NotAvailable`]: the IP is not of this host.
    /// - [`Errno::TooManyFiles`]: see [`crate::Limits::descriptors`].
    /// - [`Errno::Invalid`] for [`Address::Unnamed`].
    pub fn listen(&mut self, host: HostId, at: &Address, how: &Listen) -> Result<ListenerId, Errno> {
        self.check_descriptors(host)?;
        let at = self.bindable(host, at, how.reuse)?;
        self.last_listener += 1;
        let id = ListenerId(self.last_listener);
        let of = &mut self.hosts[host.index()];
        match &at {
            Address::Tcp(_) | Address::Unnamed => {}
            Address::Path(path) => {
                of.paths.insert(path.clone(), Some(id));
            }
            Address::Abstract(name) => {
                of.abstract_names.insert(name.clone(), id);
            }
        }
        of.used.listeners += 1;
        let credentials = self.process(host);
        let listener = Listener { host, at, how: *how, queue: VecDeque::new(), answering: Vec::new(), credentials };
        self.listeners.insert(id, listener);
        self.trace.note(self.now, What::Listens(host, id));
        Ok(id)
    }

    /// The connection that waits longest.
    ///
    /// # Errors
    ///
    /// - [`Errno::WouldBlock`]: none waits; [`Wake::Acceptable`] tells.
    /// - [`Errno::TooManyFiles`]: it stays where it is.
    /// - [`Errno::Aborted`]: it is gone, by [`Self::refuse_accepts`].
    /// - [`Errno::Closed`]: there is no such listener.
    pub fn accept(&mut self, listener: ListenerId) -> Result<StreamId, Errno> {
        let of = self.listeners.get_mut(&listener).ok_or(Errno::Closed)?;
        let host = of.host;
        let Some(conn) = of.queue.front().copied() else { return Err(Errno::WouldBlock) };
        self.check_descriptors(host)?;
        self.listeners.get_mut(&listener).expect("it was there").queue.pop_front();
        self.connections[conn.slot as usize].end(Side::Acceptor).is_queued = false;
        if self.now < self.hosts[host.index()].refuses_until {
            self.abort(conn, Side::Acceptor);
            return Err(Errno::Aborted);
        }
        let end = self.connections[conn.slot as usize].end(Side::Acceptor);
        if end.mode == Mode::Queued(listener) {
            end.mode = Mode::Open;
        }
        end.is_held = true;
        self.hosts[host.index()].used.streams += 1;
        let id = Self::stream_id(conn, Side::Acceptor);
        self.arm_torn(id);
        self.trace.note(self.now, What::Accepted(id));
        if self.is_readable(id) {
            self.wake(host, Wake::Readable(id));
        }
        Ok(id)
    }

    /// Stops listening. Connections that were not accepted are reset. A path stays where it is, a name vanishes.
    pub fn close_listener(&mut self, listener: ListenerId) {
        let Some(of) = self.listeners.remove(&listener) else { return };
        let host = &mut self.hosts[of.host.index()];
        host.used.listeners -= 1;
        match &of.at {
            Address::Tcp(_) | Address::Unnamed => {}
            Address::Path(path) => {
                if let Some(who) = host.paths.get_mut(path).filter(|who| **who == Some(listener)) {
                    *who = None;
                }
            }
            Address::Abstract(name) => {
                host.abstract_names.remove(name);
            }
        }
        for conn in of.answering.into_iter().chain(of.queue) {
            self.connections[conn.slot as usize].end(Side::Acceptor).is_queued = false;
            self.abort(conn, Side::Acceptor);
        }
        self.trace.note(self.now, What::ListenerClosed(of.host, listener));
    }

    /// Begins a connection, from `source` if it is given (its port may be 0). [`Wake::Dialled`] tells when
    /// [`Self::dialled`] has an answer. Paths and names are answered at once, as in Linux.
    ///
    /// # Errors
    ///
    /// - [`Errno::NotFound`]: there is no such path.
    /// - [`Errno::Refused`]: nobody listens at the path any more, or nobody has the abstract name.
    /// - [`Errno::WouldBlock`]: the queue of who listens at the path or name is full.
    /// - [`Errno::NotAvailable`]: `source` is not of this host, or no port is free.
    /// - [`Errno::InUse`]: somebody has `source`.
    /// - [`Errno::TooManyFiles`]: see [`crate::Limits::descriptors`].
    /// - [`Errno::Invalid`] for [`Address::Unnamed`].
    pub fn dial(&mut self, host: HostId, to: &Address, source: Option<SocketAddr>) -> Result<StreamId, Errno> {
        self.check_descriptors(host)?;
        let stream = match to {
            Address::Tcp(to) => self.dial_tcp(host, *to, source),
            Address::Path(path) => match self.hosts[host.index()].paths.get(path) {
                None => Err(Errno::NotFound),
                Some(None) => Err(Errno::Refused),
                Some(Some(listener)) => self.dial_local(host, to, *listener),
            },
            Address::Abstract(name) => match self.hosts[host.index()].abstract_names.get(name) {
                None => Err(Errno::Refused),
                Some(listener) => self.dial_local(host, to, *listener),
            },
            Address::Unnamed => Err(Errno::Invalid),
        }?;
        self.hosts[host.index()].used.streams += 1;
        self.arm_torn(stream);
        Ok(stream)
    }

    /// What became of a dial: `None` while nobody knows. Errors: [`Errno::Refused`] and [`Errno::TimedOut`], which comes
    /// after 127 s, six repetitions in growing intervals (`tcp_syn_retries` of Linux); [`Errno::Closed`].
    #[must_use]
    pub fn dialled(&self, stream: StreamId) -> Option<Result<(), Errno>> {
        match self.held_end(stream) {
            Ok((_, end)) => end.dialled,
            Err(closed) => Some(Err(closed)),
        }
    }

    /// Where the listener is.
    ///
    /// # Errors
    ///
    /// [`Errno::Closed`].
    pub fn listener_addr(&self, listener: ListenerId) -> Result<Address, Errno> {
        self.listeners.get(&listener).map(|of| of.at.clone()).ok_or(Errno::Closed)
    }

    /// How many connections wait to be accepted; 0 if it is closed.
    #[must_use]
    pub fn waiting(&self, listener: ListenerId) -> usize {
        self.listeners.get(&listener).map_or(0, |of| of.queue.len())
    }

    /// Removes a path, whether anybody listens there or not. Who listens goes on, and is not found any more.
    ///
    /// # Errors
    ///
    /// [`Errno::NotFound`].
    pub fn unlink(&mut self, host: HostId, path: &str) -> Result<(), Errno> {
        self.hosts[host.index()].paths.remove(path).map(|_| ()).ok_or(Errno::NotFound)
    }

    /// Whether there is a socket at the path.
    #[must_use]
    pub fn has_path(&self, host: HostId, path: &str) -> bool {
        self.hosts[host.index()].paths.contains_key(path)
    }

    fn dial_local(&mut self, host: HostId, to: &Address, listener: ListenerId) -> Result<StreamId, Errno> {
        if self.listeners[&listener].is_full() {
            return Err(Errno::WouldBlock);
        }
        let ends = [End::new(host, Address::Unnamed, to.clone()), End::new(host, to.clone(), Address::Unnamed)];
        let conn = self.new_connection(Kind::Local, ends);
        let credentials = [self.listeners[&listener].credentials, self.process(host)];
        let connection = &mut self.connections[conn.slot as usize];
        for (end, credentials) in connection.ends.iter_mut().zip(credentials) {
            end.credentials = Some(credentials);
        }
        let [dialler, acceptor] = &mut connection.ends;
        dialler.mode = Mode::Open;
        dialler.dialled = Some(Ok(()));
        dialler.is_held = true;
        acceptor.mode = Mode::Queued(listener);
        acceptor.is_queued = true;
        self.listeners.get_mut(&listener).expect("it listens").queue.push_back(conn);
        let stream = Self::stream_id(conn, Side::Dialler);
        self.trace.connection(stream, [host; 2], [&Address::Unnamed, to]);
        self.trace.note(self.now, What::Dialled(stream));
        self.trace.note(self.now, What::Established(stream.peer()));
        self.wake(host, Wake::Dialled(stream));
        self.wake(host, Wake::Acceptable(listener));
        Ok(stream)
    }

    fn dial_tcp(&mut self, host: HostId, to: SocketAddr, source: Option<SocketAddr>) -> Result<StreamId, Errno> {
        let to = if to.ip().is_unspecified() { SocketAddr::new(loopback(to.ip()), to.port()) } else { to };
        let local = self.local_for(host, to, source)?;
        let destination = self.host_at(host, to.ip()).unwrap_or(host);
        let ends = [End::new(host, local.into(), to.into()), End::new(destination, to.into(), local.into())];
        let conn = self.new_connection(Kind::Tcp, ends);
        *self.hosts[host.index()].ports.entry(local.port()).or_default() += 1;
        self.connections[conn.slot as usize].ends[0].is_held = true;
        let stream = Self::stream_id(conn, Side::Dialler);
        self.trace.connection(stream, [host, destination], [&local.into(), &to.into()]);
        self.trace.note(self.now, What::Dialled(stream));
        self.send_syn(conn, 0);
        Ok(stream)
    }

    /// The host that packets from `host` to this address come to.
    pub(crate) fn host_at(&self, host: HostId, ip: IpAddr) -> Option<HostId> {
        if ip.is_loopback() { Some(host) } else { self.host_of.get(&ip).copied() }
    }

    fn local_for(&mut self, host: HostId, to: SocketAddr, source: Option<SocketAddr>) -> Result<SocketAddr, Errno> {
        let of = &self.hosts[host.index()];
        let ip = match source.map(|source| source.ip()).filter(|ip| !ip.is_unspecified()) {
            Some(ip) if ip.is_loopback() || of.addresses.contains(&ip) => ip,
            Some(_) => return Err(Errno::NotAvailable),
            None if to.ip().is_loopback() || of.addresses.contains(&to.ip()) => to.ip(),
            None => {
                let same = of.addresses.iter().find(|ip| ip.is_ipv4() == to.is_ipv4());
                *same.ok_or(Errno::Unreachable)?
            }
        };
        match source.map(|source| source.port()).filter(|port| *port != 0) {
            None => self.ephemeral(host, ip),
            Some(port) => {
                let local = SocketAddr::new(ip, port);
                self.check_free(host, local, Reuse::No)?;
                Ok(local)
            }
        }
    }

    pub(crate) fn ephemeral(&mut self, host: HostId, ip: IpAddr) -> Result<SocketAddr, Errno> {
        let ports = self.ephemeral_ports(host).map(|port| SocketAddr::new(ip, port));
        let free = { ports }.find(|at| self.check_free(host, *at, Reuse::No).is_ok());
        free.ok_or(Errno::NotAvailable)
    }

    /// All ports that a host may choose, from a drawn one on.
    pub(crate) fn ephemeral_ports(&mut self, host: HostId) -> impl Iterator<Item = u16> + use<> {
        let first = self.hosts[host.index()].port.below(EPHEMERAL);
        (0..EPHEMERAL).map(move |n| FIRST_EPHEMERAL + u16::try_from((first + n) % EPHEMERAL).expect("a port"))
    }

    /// Where to bind: checked, and with a port.
    fn bindable(&mut self, host: HostId, at: &Address, reuse: Reuse) -> Result<Address, Errno> {
        let of = &self.hosts[host.index()];
        match at {
            Address::Unnamed => Err(Errno::Invalid),
            Address::Path(path) if of.paths.contains_key(path) => Err(Errno::InUse),
            Address::Abstract(name) if of.abstract_names.contains_key(name) => Err(Errno::InUse),
            Address::Path(_) | Address::Abstract(_) => Ok(at.clone()),
            Address::Tcp(at) => {
                let ip = at.ip();
                if !(ip.is_unspecified() || ip.is_loopback() || of.addresses.contains(&ip)) {
                    return Err(Errno::NotAvailable);
                }
                if at.port() == 0 {
                    return Ok(self.ephemeral(host, ip)?.into());
                }
                self.check_free(host, *at, reuse)?;
                Ok((*at).into())
            }
        }
    }

    fn check_free(&mut self, host: HostId, at: SocketAddr, reuse: Reuse) -> Result<(), Errno> {
        let overlaps = |other: SocketAddr| {
            other.port() == at.port()
                && (other.ip() == at.ip() || covers(other.ip(), at.ip()) || covers(at.ip(), other.ip()))
        };
        let listens = |other: &Address| matches!(other, Address::Tcp(other) if overlaps(*other));
        if self.listeners.values().any(|other| other.host == host && listens(&other.at)) {
            return Err(Errno::InUse);
        }
        let both = |theirs: Reuse| theirs == Reuse::Address && reuse == Reuse::Address;
        let now = self.now;
        let of = &mut self.hosts[host.index()];
        of.time_wait.retain(|(_, until, _)| *until > now);
        if of.time_wait.iter().any(|(other, _, theirs)| overlaps(*other) && !both(*theirs)) {
            return Err(Errno::InUse);
        }
        if !of.ports.contains_key(&at.port()) {
            return Ok(());
        }
        let ends = self.connections.iter().filter(|connection| connection.serial != 0).flat_map(|c| &c.ends);
        let mut live = ends.filter(|end| end.host == host && !end.is_over());
        let taken = live.any(|end| listens(&end.local) && !both(end.reuse));
        if taken { Err(Errno::InUse) } else { Ok(()) }
    }

    pub(crate) fn check_descriptors(&self, host: HostId) -> Result<(), Errno> {
        let of = &self.hosts[host.index()];
        let used = of.used.streams + of.used.listeners + of.used.datagrams;
        if used < of.limits.descriptors { Ok(()) } else { Err(Errno::TooManyFiles) }
    }

    fn new_connection(&mut self, kind: Kind, mut ends: [End; 2]) -> Conn {
        let lines = [self.line(ends[0].host, ends[1].host), self.line(ends[1].host, ends[0].host)];
        self.last_serial += 1;
        let serial = self.last_serial;
        let ordinal = self.lines[lines[0] as usize].dialled;
        self.lines[lines[0] as usize].dialled += 1;
        // SYN makes the other end.
        ends[1].mode = Mode::Gone;
        let edges = match kind {
            Kind::Tcp => [1, 0].map(|to: usize| u64::from(self.hosts[ends[to].host.index()].limits.recv_buffer)),
            Kind::Local => [u64::MAX; 2],
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            let slot = u32::try_from(self.connections.len()).expect("connections are fewer than 2^32");
            let halves = [Half::default(), Half::default()];
            let ends = ends.each_ref().map(|end| End::new(end.host, Address::Unnamed, Address::Unnamed));
            let new = Connection { serial: 0, kind, ends, halves, ordinal: 0, round_trip: 0, stalled: None };
            self.connections.push(new);
            slot
        });
        let connection = &mut self.connections[slot as usize];
        connection.serial = serial;
        connection.kind = kind;
        connection.ends = ends;
        connection.ordinal = ordinal;
        connection.round_trip = 0;
        connection.stalled = None;
        for (half, (line, edge)) in connection.halves.iter_mut().zip(lines.into_iter().zip(edges)) {
            half.renew(line, edge);
        }
        Conn { slot, serial }
    }
}

fn loopback(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}

/// Whether a socket bound to `wide` gets what is sent to `ip`. One bound to `::` gets IPv4 as well.
pub(crate) fn covers(wide: IpAddr, ip: IpAddr) -> bool {
    wide == ip || wide.is_unspecified() && (wide.is_ipv6() || ip.is_ipv4())
}

/// `net.ipv4.ip_local_port_range` of Linux: 32768 to 60999.
const FIRST_EPHEMERAL: u16 = 32_768;
const EPHEMERAL: u64 = 28_232;
