//! Datagrams: unicast and multicast, which may be lost, come twice, overtake each other, or come with a wrong bit.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::errno::Errno;
use crate::event::Event;
use crate::host::{Condition, Reuse};
use crate::id::{DatagramId, HostId, Wake};
use crate::link::{Fate, Parcel, Why};
use crate::listener::covers;
use crate::trace::What;
use crate::world::World;

/// The most that UDP carries over IPv4: 65535 less 28 of headers.
const LONGEST: usize = 65_507;
/// `net.core.rmem_default` of Linux, of which payload counts here.
const BUFFER: usize = 212_992;
/// Octets of the headers of IP and UDP.
const HEADERS: u32 = 28;

#[derive(Debug, Default)]
pub(crate) struct Datagrams {
    sockets: BTreeMap<DatagramId, Socket>,
    last: u32,
}

#[derive(Debug)]
struct Socket {
    host: HostId,
    local: SocketAddr,
    peer: Option<SocketAddr>,
    reuse: Reuse,
    groups: Vec<IpAddr>,
    loops: Loop,
    queue: VecDeque<(SocketAddr, Box<[u8]>)>,
    octets: usize,
    error: Option<Errno>,
}

/// Whether what a socket sends to a group comes back to its own host (`IP_MULTICAST_LOOP`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Loop {
    /// It does, as in Linux.
    #[default]
    Back,
    /// It does not.
    Not,
}

/// Datagrams under way.
#[derive(Debug, Default)]
pub(crate) struct Flying {
    parcels: Vec<Option<Packet>>,
    free: Vec<u32>,
}

#[derive(Debug, Clone)]
struct Packet {
    socket: DatagramId,
    from: SocketAddr,
    to: SocketAddr,
    /// Over which line.
    line: u32,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Payload(Box<[u8]>),
    /// ICMP: nobody has the port. For the socket of [`Packet::socket`].
    NobodyThere,
}

impl Flying {
    fn add(&mut self, packet: Packet) -> u32 {
        if let Some(place) = self.free.pop() {
            self.parcels[place as usize] = Some(packet);
            return place;
        }
        self.parcels.push(Some(packet));
        u32::try_from(self.parcels.len() - 1).expect("packets are fewer than 2^32")
    }

    fn take(&mut self, place: u32) -> Packet {
        self.free.push(place);
        self.parcels[place as usize].take().expect("each is taken once")
    }
}

impl World {
    /// A datagram socket at an address; port 0 has the host draw one, a wildcard IP is all of the host's. A multicast
    /// address takes what is sent to that group alone.
    ///
    /// # Errors
    ///
    /// - [`Errno::InUse`]: a socket has the address, and not both have [`Reuse::Address`].
    /// - [`Errno::NotAvailable`]: the IP is not of this host, or no port is free.
    /// - [`Errno::TooManyFiles`]: see [`crate::Limits::descriptors`].
    pub fn datagram(&mut self, host: HostId, at: SocketAddr, reuse: Reuse) -> Result<DatagramId, Errno> {
        self.check_descriptors(host)?;
        let ip = at.ip();
        let of = &self.hosts[host.index()];
        if !(ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || of.addresses.contains(&ip)) {
            return Err(Errno::NotAvailable);
        }
        let local = if at.port() == 0 { self.free_datagram_port(host, ip)? } else { at };
        if !self.datagram_port_is_free(host, local, reuse) {
            return Err(Errno::InUse);
        }
        self.datagrams.last += 1;
        let id = DatagramId(self.datagrams.last);
        let socket = Socket {
            host,
            local,
            peer: None,
            reuse,
            groups: Vec::new(),
            loops: Loop::Back,
            queue: VecDeque::new(),
            octets: 0,
            error: None,
        };
        self.datagrams.sockets.insert(id, socket);
        self.hosts[host.index()].used.datagrams += 1;
        Ok(id)
    }

    /// Closes the socket and leaves its groups.
    pub fn close_datagram(&mut self, socket: DatagramId) {
        if let Some(socket) = self.datagrams.sockets.remove(&socket) {
            self.hosts[socket.host.index()].used.datagrams -= 1;
        }
    }

    /// Sets where [`Self::send_datagram`] sends without a destination. Only what comes from there is taken from here on.
    ///
    /// # Errors
    ///
    /// [`Errno::Closed`]; [`Errno::Unreachable`]: the host has no address of that family.
    pub fn connect_datagram(&mut self, socket: DatagramId, to: SocketAddr) -> Result<(), Errno> {
        let source = self.datagram_source(socket, to)?;
        let socket = self.datagrams.sockets.get_mut(&socket).expect("it has a source");
        socket.peer = Some(to);
        socket.local = source;
        Ok(())
    }

    /// The address of the socket.
    ///
    /// # Errors
    ///
    /// [`Errno::Closed`].
    pub fn datagram_addr(&self, socket: DatagramId) -> Result<SocketAddr, Errno> {
        self.datagrams.sockets.get(&socket).map(|socket| socket.local).ok_or(Errno::Closed)
    }

    /// Takes part in a multicast group. Joining again does nothing.
    ///
    /// # Errors
    ///
    /// [`Errno::Invalid`]: it is no group. [`Errno::InUse`]: it has joined (as in Linux). [`Errno::Closed`].
    pub fn join(&mut self, socket: DatagramId, group: IpAddr) -> Result<(), Errno> {
        let socket = self.datagrams.sockets.get_mut(&socket).ok_or(Errno::Closed)?;
        if !group.is_multicast() {
            return Err(Errno::Invalid);
        }
        if socket.groups.contains(&group) {
            return Err(Errno::InUse);
        }
        socket.groups.push(group);
        Ok(())
    }

    /// Takes part no more.
    ///
    /// # Errors
    ///
    /// [`Errno::NotAvailable`]: it had not joined (as in Linux). [`Errno::Closed`].
    pub fn leave(&mut self, socket: DatagramId, group: IpAddr) -> Result<(), Errno> {
        let socket = self.datagrams.sockets.get_mut(&socket).ok_or(Errno::Closed)?;
        let place = socket.groups.iter().position(|other| *other == group).ok_or(Errno::NotAvailable)?;
        socket.groups.remove(place);
        Ok(())
    }

    /// Whether what it sends to groups comes back to its own host.
    ///
    /// # Errors
    ///
    /// [`Errno::Closed`].
    pub fn set_loop(&mut self, socket: DatagramId, loops: Loop) -> Result<(), Errno> {
        self.datagrams.sockets.get_mut(&socket).ok_or(Errno::Closed)?.loops = loops;
        Ok(())
    }

    /// Sends one datagram, to the peer if there is no other destination. That it was sent says nothing about its arrival.
    ///
    /// # Errors
    ///
    /// - [`Errno::Refused`]: once, when nobody had the port that an earlier datagram to the peer came to.
    /// - [`Errno::NoDestination`]: neither a destination nor a peer.
    /// - [`Errno::TooLong`]: more than 65507 octets.
    /// - [`Errno::Unreachable`]: the host has no address of that family.
    /// - [`Errno::Closed`].
    pub fn send_datagram(&mut self, id: DatagramId, to: Option<SocketAddr>, bytes: &[u8]) -> Result<usize, Errno> {
        let socket = self.datagrams.sockets.get_mut(&id).ok_or(Errno::Closed)?;
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        let to = to.or(socket.peer).ok_or(Errno::NoDestination)?;
        if bytes.len() > LONGEST {
            return Err(Errno::TooLong);
        }
        let (host, loops) = (socket.host, socket.loops);
        let from = self.datagram_source(id, to)?;
        let targets: Vec<HostId> = if to.ip().is_multicast() {
            self.members(to).into_iter().filter(|member| *member != host || loops == Loop::Back).collect()
        } else {
            self.host_at(host, to.ip()).into_iter().collect()
        };
        for target in targets {
            let line = self.line(host, target);
            let packet = Packet { socket: id, from, to, line, content: Content::Payload(bytes.into()) };
            self.post(packet);
        }
        Ok(bytes.len())
    }

    /// Takes the datagram that waits longest; what does not fit is lost, and what was taken is the answer, with who sent it.
    ///
    /// # Errors
    ///
    /// - [`Errno::WouldBlock`]: none waits; [`Wake::Arrived`] tells.
    /// - [`Errno::Refused`]: once, see [`Self::send_datagram`].
    /// - [`Errno::Closed`].
    pub fn receive_datagram(&mut self, id: DatagramId, into: &mut [u8]) -> Result<(usize, SocketAddr), Errno> {
        let socket = self.datagrams.sockets.get_mut(&id).ok_or(Errno::Closed)?;
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        let (from, bytes) = socket.queue.pop_front().ok_or(Errno::WouldBlock)?;
        socket.octets -= bytes.len();
        let len = bytes.len().min(into.len());
        into[..len].copy_from_slice(&bytes[..len]);
        Ok((len, from))
    }

    pub(crate) fn close_datagrams(&mut self, host: HostId) {
        self.datagrams.sockets.retain(|_, socket| socket.host != host);
        self.hosts[host.index()].used.datagrams = 0;
    }

    /// Gives a packet to its line, perhaps twice.
    fn post(&mut self, mut packet: Packet) {
        let line = &mut self.lines[packet.line as usize];
        let octets = match &packet.content {
            Content::Payload(bytes) => bytes.len(),
            Content::NobodyThere => HEADERS as usize,
        };
        let octets = u32::try_from(octets).expect("datagrams are short");
        let (fate, again) = line.send_datagram(self.now, u64::from(octets), HEADERS);
        if let Content::Payload(bytes) = &mut packet.content {
            line.corrupt(bytes);
        }
        let (from, to, socket) = (line.from, line.to, packet.socket);
        for fate in [Some(fate), again].into_iter().flatten() {
            let (source, destination) = (packet.from, packet.to);
            let what = What::Datagram { from, to, socket, source, destination, octets, fate };
            self.trace.note(self.now, what);
            if let Content::Payload(bytes) = &packet.content {
                self.trace.with_octets(|| (bytes, &[]));
            }
            match fate {
                Fate::Arrives(at) => {
                    let parcel = self.flying.add(packet.clone());
                    self.queue.push(at, Event::Datagram { parcel });
                }
                Fate::Held => {
                    let parcel = self.flying.add(packet.clone());
                    self.lines[packet.line as usize].held.push(Parcel::Datagram { parcel });
                }
                Fate::Dropped(_) => {}
            }
        }
    }

    /// A line lets go of what it held.
    pub(crate) fn deliver_datagram(&mut self, parcel: u32) {
        let packet = self.flying.take(parcel);
        self.post(packet);
    }

    /// A line that held a datagram loses it.
    pub(crate) fn lose_datagram(&mut self, parcel: u32) {
        drop(self.flying.take(parcel));
    }

    pub(crate) fn on_datagram(&mut self, parcel: u32) {
        let packet = self.flying.take(parcel);
        let host = self.lines[packet.line as usize].to;
        if self.hosts[host.index()].condition == Condition::Off {
            self.datagram_lost(&packet, Why::PowerOff);
            return;
        }
        let Content::Payload(bytes) = &packet.content else {
            if let Some(socket) = self.datagrams.sockets.get_mut(&packet.socket)
                && socket.peer == Some(packet.from)
            {
                socket.error = Some(Errno::Refused);
                self.wake(host, Wake::Arrived(packet.socket));
            }
            return;
        };
        let receivers = self.receivers(host, &packet);
        if receivers.is_empty() {
            self.datagram_lost(&packet, Why::NoReceiver);
            if !packet.to.ip().is_multicast() {
                let line = self.line(host, self.lines[packet.line as usize].from);
                let (from, to) = (packet.to, packet.from);
                self.post(Packet { socket: packet.socket, from, to, line, content: Content::NobodyThere });
            }
            return;
        }
        for id in receivers {
            let socket = self.datagrams.sockets.get_mut(&id).expect("it receives");
            if socket.octets + bytes.len() > BUFFER {
                self.datagram_lost(&packet, Why::BufferFull);
                continue;
            }
            socket.octets += bytes.len();
            socket.queue.push_back((packet.from, bytes.clone()));
            self.wake(host, Wake::Arrived(id));
        }
    }

    fn datagram_lost(&mut self, packet: &Packet, why: Why) {
        let line = &self.lines[packet.line as usize];
        let (from, to, socket) = (line.from, line.to, packet.socket);
        let (source, destination, fate) = (packet.from, packet.to, Fate::Dropped(why));
        self.trace.note(self.now, What::Datagram { from, to, socket, source, destination, octets: 0, fate });
    }

    /// Who gets a datagram that came to a host. Of a group: every socket with the port, bound to the group or to everything,
    /// if anybody at the host is in the group (`IP_MULTICAST_ALL` of Linux). Otherwise the one that is bound closest, and of
    /// several of those the latest.
    fn receivers(&self, host: HostId, packet: &Packet) -> Vec<DatagramId> {
        let to = packet.to;
        let fits = |socket: &Socket| {
            socket.host == host && socket.local.port() == to.port() && covers(socket.local.ip(), to.ip())
        };
        let from_peer = |socket: &Socket| socket.peer.is_none_or(|peer| peer == packet.from);
        let fitting = self.datagrams.sockets.iter().filter(|(_, socket)| fits(socket) && from_peer(socket));
        if to.ip().is_multicast() {
            let is_member = self.members(to).contains(&host);
            return fitting.filter(|_| is_member).map(|(id, _)| *id).collect();
        }
        let closest = fitting.max_by_key(|(id, socket)| (socket.peer.is_some(), socket.local.ip() == to.ip(), **id));
        closest.map(|(id, _)| *id).into_iter().collect()
    }

    /// The hosts that have joined the group, in their order.
    fn members(&self, group: SocketAddr) -> Vec<HostId> {
        let joined = self.datagrams.sockets.values().filter(|socket| socket.groups.contains(&group.ip()));
        let mut hosts: Vec<HostId> = joined.map(|socket| socket.host).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }

    fn datagram_source(&self, socket: DatagramId, to: SocketAddr) -> Result<SocketAddr, Errno> {
        let socket = self.datagrams.sockets.get(&socket).ok_or(Errno::Closed)?;
        if !(socket.local.ip().is_unspecified() || socket.local.ip().is_multicast()) {
            return Ok(socket.local);
        }
        let addresses = &self.hosts[socket.host.index()].addresses;
        let loopback: IpAddr = if to.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        let ip = if to.ip().is_loopback() || addresses.contains(&to.ip()) {
            to.ip()
        } else {
            let same = addresses.iter().find(|ip| ip.is_ipv4() == to.is_ipv4());
            same.copied().or(to.ip().is_multicast().then_some(loopback)).ok_or(Errno::Unreachable)?
        };
        Ok(SocketAddr::new(ip, socket.local.port()))
    }

    fn datagram_port_is_free(&self, host: HostId, at: SocketAddr, reuse: Reuse) -> bool {
        let mut others = self.datagrams.sockets.values().filter(|socket| socket.host == host);
        !others.any(|socket| {
            let overlaps = covers(socket.local.ip(), at.ip()) || covers(at.ip(), socket.local.ip());
            let shared = socket.reuse == Reuse::Address && reuse == Reuse::Address;
            socket.local.port() == at.port() && overlaps && !shared
        })
    }

    fn free_datagram_port(&mut self, host: HostId, ip: IpAddr) -> Result<SocketAddr, Errno> {
        let candidates = self.ephemeral_ports(host).map(|port| SocketAddr::new(ip, port));
        let mut candidates = candidates.filter(|at| self.datagram_port_is_free(host, *at, Reuse::No));
        candidates.next().ok_or(Errno::NotAvailable)
    }
}
