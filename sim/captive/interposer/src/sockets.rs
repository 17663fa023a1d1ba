//! Sockets: who listens, who is connected with whom.
//!
//! Connections are streams of the kernel, in its unix domain: what is written is there at once, and there is room when
//! it was read. tcp's have timers of the kernel's own (delayed acknowledgement, growth of buffers), so that not even a
//! single thread that writes and reads finds the same room twice. Addresses and ports of tcp are the run's: they are no
//! matter of other programs, and no TIME_WAIT of an earlier run is met.

use core::ffi::c_int;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::VecDeque;

use crate::address;
use crate::baton::{self, Holder};
use crate::descriptors::{Connection, Cut, Fate, Kind, Socket, SocketState};
use crate::draw::Purpose;
use crate::faults::{self, machine};
use crate::real;
use crate::run::{NEVER, Run};
use crate::sys::{
    self, AF_INET, AF_INET6, AF_UNIX, EADDRINUSE, EALREADY, ECONNABORTED, ECONNREFUSED, EINPROGRESS, EINTR, EINVAL,
    EISCONN, EMFILE, ENOTCONN, F_GETFL, O_NONBLOCK, POLLIN, PollFd, SO_ERROR, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM,
    SOL_SOCKET, SYS_ACCEPT4, SYS_BIND, SYS_CLOSE, SYS_CONNECT, SYS_FCNTL, SYS_GETPID, SYS_LISTEN, SYS_SOCKET,
};
use crate::trace::Call;

fn narrow(result: i64) -> c_int {
    c_int::try_from(result).unwrap_or(-1)
}

/// Gives a result as the C library does, and notes it.
fn give(holder: &mut Holder, call: Call, serial: u64, result: i64) -> c_int {
    let me = holder.me();
    holder.run().note(me, call, serial, result, 0);
    narrow(if result < 0 { sys::fail(-result) } else { result })
}

pub(crate) fn is_blocking(fd: c_int) -> bool {
    // SAFETY: asks for flags only.
    let flags = unsafe { sys::syscall(SYS_FCNTL, [fd.into(), F_GETFL, 0, 0, 0, 0]) };
    flags >= 0 && flags & O_NONBLOCK == 0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn socket(family: c_int, kind: c_int, protocol: c_int) -> c_int {
    let stream = kind & !(SOCK_NONBLOCK | SOCK_CLOEXEC) == SOCK_STREAM;
    let known = u16::try_from(family).ok().filter(|family| [AF_INET, AF_INET6, AF_UNIX].contains(family));
    let (Some(family), true, Some(mut holder)) = (known, stream, baton::enter()) else {
        // SAFETY: the caller's call.
        return unsafe { real::socket(family, kind, protocol) };
    };
    holder.point();
    let me = holder.me();
    let run = holder.run();
    let host = run.threads[me].host;
    if run.hosts.is_full(host, run.now) {
        return give(&mut holder, Call::Socket, 0, (-EMFILE).into());
    }
    // SAFETY: three numbers.
    let made = unsafe { sys::syscall(SYS_SOCKET, [AF_UNIX.into(), kind.into(), 0, 0, 0, 0]) };
    let Some(fd) = c_int::try_from(made).ok().filter(|fd| *fd >= 0) else {
        return give(&mut holder, Call::Socket, 0, made);
    };
    let (local, peer, real) = (Vec::new(), Vec::new(), Vec::new());
    let socket = Socket { family, host, local, peer, real, state: SocketState::Fresh, error: 0 };
    let serial = holder.run().descriptors.add(fd, host, Kind::Socket(socket));
    holder.run().note(me, Call::Socket, serial, i64::from(family), 0);
    fd
}

impl Run {
    /// The name under which a listener of this address is known, on this machine.
    fn name_of(octets: &[u8], machine: u32) -> Vec<u8> {
        match address::inet(octets) {
            Some(address) => format!("tcp {machine} {address}").into_bytes(),
            None => match address::unix_name(octets) {
                name if name.first() == Some(&0) => [format!("\0{machine}").as_bytes(), &name[..]].concat(),
                path => path,
            },
        }
    }

    /// A port that is free at this address, drawn from those the system would draw from.
    fn free_port(&self, ip: IpAddr, machine: u32, whom: u64) -> u16 {
        let ports = (0..).map(|n| self.seed.below(28_232, Purpose::Port, whom, n) + 32_768);
        let free = |port: &u64| {
            let address = SocketAddr::new(ip, u16::try_from(*port).unwrap_or(0));
            self.listener(&address::of_inet(address), machine).is_none()
        };
        let port = ports.take(100_000).find(free).unwrap_or(0);
        u16::try_from(port).unwrap_or(0)
    }

    /// Who is bound there, to the address or to every address of the machine.
    fn listener(&self, octets: &[u8], machine: u32) -> Option<c_int> {
        let bound = &self.descriptors.bound;
        if let Some(listener) = bound.get(&Self::name_of(octets, machine)) {
            return Some(*listener);
        }
        let port = address::inet(octets)?.port();
        let everywhere = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(core::net::Ipv6Addr::UNSPECIFIED)];
        let all = everywhere.map(|ip| address::of_inet(SocketAddr::new(ip, port)));
        all.iter().find_map(|octets| bound.get(&Self::name_of(octets, machine)).copied())
    }

    /// Whether binding there is in somebody's way.
    fn is_taken(&self, octets: &[u8], on: u32) -> bool {
        let Some(wanted) = address::inet(octets) else {
            return self.descriptors.bound.contains_key(&Self::name_of(octets, on));
        };
        let bound = self.descriptors.bound.values().filter_map(|fd| self.descriptors.socket(*fd));
        let here = bound.filter(|socket| machine(socket.host) == on);
        here.filter_map(|socket| address::inet(&socket.local)).any(|other| {
            let overlap = other.ip() == wanted.ip() || other.ip().is_unspecified() || wanted.ip().is_unspecified();
            other.port() == wanted.port() && overlap
        })
    }

    /// Gives a socket its address, and the errno if it cannot have it.
    fn bind(&mut self, fd: c_int, mut octets: Vec<u8>) -> i64 {
        let serial = self.descriptors.serial(fd);
        let Some(socket) = self.descriptors.socket(fd) else { return (-EINVAL).into() };
        if !socket.local.is_empty() || address::family(&octets) != socket.family {
            return (-EINVAL).into();
        }
        let on = machine(socket.host);
        if let Some(address) = address::inet(&octets)
            && address.port() == 0
        {
            octets = address::of_inet(SocketAddr::new(address.ip(), self.free_port(address.ip(), on, serial)));
        }
        if self.is_taken(&octets, on) {
            return (-EADDRINUSE).into();
        }
        let name = Self::name_of(&octets, on);
        // A path is the file system's, so it is bound as it is; all else gets a name that no other process has.
        let is_path = address::family(&octets) == AF_UNIX && name.first().is_some_and(|first| *first != 0);
        // SAFETY: takes nothing.
        let process = unsafe { sys::syscall(SYS_GETPID, [0; 6]) };
        let real = if is_path { octets.clone() } else { address::of_abstract(&format!("zmqspec {process} {serial}")) };
        let len = i64::try_from(real.len()).unwrap_or(0);
        // SAFETY: an address and its length.
        let done = unsafe { sys::syscall(SYS_BIND, [fd.into(), real.as_ptr() as i64, len, 0, 0, 0]) };
        if done == 0 {
            self.descriptors.bound.insert(name, fd);
            if let Some(socket) = self.descriptors.socket_mut(fd) {
                (socket.local, socket.real) = (octets, real);
            }
        }
        done
    }

    /// Connects in the kernel, and says which connection it is; the error is an errno.
    fn connect(&mut self, fd: c_int, octets: &[u8]) -> Result<(), c_int> {
        let serial = self.descriptors.serial(fd);
        let host = self.descriptors.socket(fd).map_or(0, |socket| socket.host);
        if self.seed.happens(self.options.rates.refuse, Purpose::Refuse, serial, 0) {
            return Err(ECONNREFUSED);
        }
        let machine = address::inet(octets).map_or_else(|| machine(host), |to| self.hosts.machine_at(to.ip(), host));
        let listener = self.listener(octets, machine);
        let there = listener.and_then(|listener| self.descriptors.socket(listener));
        let (real, to) = match there {
            Some(there) if matches!(there.state, SocketState::Listening(_)) => (there.real.clone(), there.host),
            // The kernel knows why a path cannot be connected to.
            _ if address::family(octets) == AF_UNIX => (octets.to_vec(), host),
            _ => return Err(ECONNREFUSED),
        };
        if self.hosts.refuses(to, self.now) {
            return Err(ECONNREFUSED);
        }
        let len = i64::try_from(real.len()).unwrap_or(0);
        // SAFETY: an address and its length.
        let done = unsafe { sys::syscall(SYS_CONNECT, [fd.into(), real.as_ptr() as i64, len, 0, 0, 0]) };
        if done != 0 {
            return Err(narrow(-done));
        }
        let connection = self.add_connection(fd, [host, to]);
        if let Some(Socket { state: SocketState::Listening(waiting), .. }) =
            listener.and_then(|listener| self.descriptors.socket_mut(listener))
        {
            waiting.push_back(connection);
        }
        let local = match address::inet(octets) {
            Some(peer) => {
                let own = if peer.ip().is_loopback() { None } else { self.hosts.address_of(host, peer.ip()) };
                let ip = own.unwrap_or(if peer.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { peer.ip() });
                address::of_inet(SocketAddr::new(ip, self.free_port(ip, faults::machine(host), serial)))
            }
            None => Vec::new(),
        };
        if let Some(socket) = self.descriptors.socket_mut(fd) {
            socket.state = SocketState::Connected { connection, end: 0 };
            socket.peer = octets.to_vec();
            if socket.local.is_empty() {
                socket.local = local;
            }
        }
        self.stale = true;
        Ok(())
    }

    fn add_connection(&mut self, fd: c_int, hosts: [u32; 2]) -> usize {
        let connection = self.descriptors.connections.len();
        self.descriptors.connections.push(Connection {
            fds: [Some(fd), None],
            hosts,
            sent: [0; 2],
            received: [0; 2],
            calls: [0; 2],
            cut: self.draw_cut(connection as u64),
            fate: Fate::Whole,
            held_until: [0; 2],
        });
        connection
    }

    /// Whether and where a connection is to break: often while hands are shaken, sometimes far behind.
    fn draw_cut(&self, connection: u64) -> Option<Cut> {
        let draw = |number| self.seed.draw(Purpose::Cut, connection, number);
        if !self.seed.happens(self.options.rates.cut, Purpose::Cut, connection, 0) {
            return None;
        }
        let reach = 64 << (2 * (draw(1) % 6));
        let how = match draw(3) % 4 {
            0 => Fate::Ended,
            1 => Fate::Silent(self.now + (1_000_000 << (draw(4) % 18))),
            _ => Fate::Reset,
        };
        Some(Cut { end: usize::from(draw(5) & 1 == 1), after: draw(2) % reach, how })
    }

    /// What an accept does wrong, drawn by the listener's key.
    fn accept_fault(&mut self, fd: c_int) -> Option<c_int> {
        let serial = self.descriptors.serial(fd);
        let rate = self.options.rates.accept;
        let point = self.points;
        let host = self.descriptors.socket(fd).map_or(0, |socket| socket.host);
        if self.hosts.is_full(host, self.now) {
            return Some(EMFILE);
        }
        if !self.seed.happens(rate, Purpose::Accept, serial, point) {
            return None;
        }
        Some(if self.seed.draw(Purpose::Accept, !serial, point) & 1 == 0 { EMFILE } else { ECONNABORTED })
    }

    /// The kernel has accepted: which connection this is.
    fn accepted(&mut self, listener: c_int, fd: c_int) {
        let Some(socket) = self.descriptors.socket_mut(listener) else { return };
        let (family, host, local) = (socket.family, socket.host, socket.local.clone());
        let SocketState::Listening(waiting) = &mut socket.state else { return };
        let Some(connection) = waiting.pop_front() else { return };
        let one = &self.descriptors.connections[connection];
        let dialler = one.fds[0].and_then(|fd| self.descriptors.socket(fd));
        // Who has gone already leaves no address behind.
        let peer = dialler.map_or_else(|| local.clone(), |socket| socket.local.clone());
        let dialled = dialler.map_or_else(|| local.clone(), |socket| socket.peer.clone());
        let state = SocketState::Connected { connection, end: 1 };
        let local = if family == AF_UNIX { local } else { dialled };
        let socket = Socket { family, host, local, peer, real: Vec::new(), state, error: 0 };
        self.descriptors.add(fd, host, Kind::Socket(socket));
        self.descriptors.connections[connection].fds[1] = Some(fd);
        let fate = self.descriptors.connections[connection].fate;
        self.descriptors.strike(connection, fate);
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn bind(fd: c_int, at: *const u8, len: u32) -> c_int {
    if let Some(mut holder) = baton::enter()
        && holder.run().descriptors.socket(fd).is_some()
    {
        holder.point();
        // SAFETY: the caller's address.
        let octets = unsafe { address::read(at, len) };
        let done = holder.run().bind(fd, octets);
        let serial = holder.run().descriptors.serial(fd);
        return give(&mut holder, Call::Bind, serial, done);
    }
    // SAFETY: the caller's call.
    unsafe { real::bind(fd, at, len) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn listen(fd: c_int, backlog: c_int) -> c_int {
    if let Some(mut holder) = baton::enter()
        && holder.run().descriptors.socket(fd).is_some()
    {
        holder.point();
        // SAFETY: two numbers.
        let done = unsafe { sys::syscall(SYS_LISTEN, [fd.into(), backlog.into(), 0, 0, 0, 0]) };
        if let (0, Some(socket)) = (done, holder.run().descriptors.socket_mut(fd))
            && matches!(socket.state, SocketState::Fresh)
        {
            socket.state = SocketState::Listening(VecDeque::new());
        }
        let serial = holder.run().descriptors.serial(fd);
        return give(&mut holder, Call::Listen, serial, done);
    }
    // SAFETY: the caller's call.
    unsafe { real::listen(fd, backlog) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn connect(fd: c_int, to: *const u8, len: u32) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::connect(fd, to, len) };
    };
    let Some(socket) = holder.run().descriptors.socket(fd) else {
        drop(holder);
        // SAFETY: the caller's call.
        return unsafe { real::connect(fd, to, len) };
    };
    let is_tcp = socket.family != AF_UNIX;
    holder.point();
    // SAFETY: the caller's address.
    let octets = unsafe { address::read(to, len) };
    let serial = holder.run().descriptors.serial(fd);
    let state = holder.run().descriptors.socket(fd).map(|socket| &socket.state);
    let refusal = match state {
        Some(SocketState::Fresh | SocketState::Listening(_)) | None => None,
        Some(SocketState::Connected { .. }) => Some(EISCONN),
        Some(SocketState::Failed) => Some(EALREADY),
    };
    if let Some(refusal) = refusal {
        return give(&mut holder, Call::Connect, serial, (-refusal).into());
    }
    let blocking = is_blocking(fd);
    let done = holder.run().connect(fd, &octets);
    // tcp tells later, even on loopback.
    let later = is_tcp && !blocking;
    let told = match done {
        Ok(()) if later => -i64::from(EINPROGRESS),
        Ok(()) => 0,
        Err(error) if later => {
            if let Some(socket) = holder.run().descriptors.socket_mut(fd) {
                (socket.state, socket.error) = (SocketState::Failed, error);
            }
            -i64::from(EINPROGRESS)
        }
        Err(error) => -i64::from(error),
    };
    let outcome = done.map_or_else(|error| -i64::from(error), |()| 0);
    let me = holder.me();
    holder.run().note(me, Call::Connect, serial, outcome, 0);
    narrow(if told < 0 { sys::fail(-told) } else { told })
}

impl Holder {
    /// Accepts in the kernel, once somebody is there; a negative result is an errno.
    fn accept(&mut self, fd: c_int, flags: c_int) -> i64 {
        let here = [PollFd { fd, events: POLLIN, revents: 0 }];
        while is_blocking(fd) && sys::poll_now(&mut here.clone()) == 0 {
            self.wait_until_ready(&here, NEVER);
        }
        let fault = self.run().accept_fault(fd);
        if fault == Some(EMFILE) {
            return (-EMFILE).into();
        }
        // SAFETY: no address is asked for.
        let done = unsafe { sys::syscall(SYS_ACCEPT4, [fd.into(), 0, 0, flags.into(), 0, 0]) };
        if done < 0 {
            return done;
        }
        self.run().accepted(fd, narrow(done));
        match fault {
            None => done,
            Some(error) => {
                self.run().descriptors.forget(narrow(done));
                // SAFETY: a descriptor that nobody has seen.
                unsafe { sys::syscall(SYS_CLOSE, [done, 0, 0, 0, 0, 0]) };
                self.run().stale = true;
                (-error).into()
            }
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn accept4(fd: c_int, from: *mut u8, len: *mut u32, flags: c_int) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::accept4(fd, from, len, flags) };
    };
    if holder.run().descriptors.socket(fd).is_none() {
        drop(holder);
        // SAFETY: the caller's call.
        return unsafe { real::accept4(fd, from, len, flags) };
    }
    holder.point();
    let serial = holder.run().descriptors.serial(fd);
    if holder.is_interrupted() {
        return give(&mut holder, Call::Accept, serial, (-EINTR).into());
    }
    let accepted = holder.accept(fd, flags);
    if accepted < 0 {
        return give(&mut holder, Call::Accept, serial, accepted);
    }
    let made = narrow(accepted);
    let peer = holder.run().descriptors.socket(made).map(|socket| socket.peer.clone()).unwrap_or_default();
    // A peer without a name has an address of two octets.
    let peer = if peer.is_empty() { AF_UNIX.to_le_bytes().to_vec() } else { peer };
    // SAFETY: the caller's place.
    unsafe { address::write(&peer, from, len) };
    let me = holder.me();
    let of = holder.run().descriptors.serial(made);
    holder.run().note(me, Call::Accept, serial, i64::try_from(of).unwrap_or(0), 0);
    made
}

#[unsafe(no_mangle)]
unsafe extern "C" fn accept(fd: c_int, from: *mut u8, len: *mut u32) -> c_int {
    if baton::enter().is_some() {
        // SAFETY: the caller's call.
        return unsafe { accept4(fd, from, len, 0) };
    }
    // SAFETY: the caller's call.
    unsafe { real::accept(fd, from, len) }
}

macro_rules! names {
    ($($name:ident $field:ident;)*) => { $(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(fd: c_int, place: *mut u8, len: *mut u32) -> c_int {
            if let Some(mut holder) = baton::enter()
                && let Some(socket) = holder.run().descriptors.socket(fd)
            {
                let octets = match &socket.$field {
                    octets if !octets.is_empty() => octets.clone(),
                    _ if stringify!($field) == "peer" && !matches!(socket.state, SocketState::Connected { .. }) => {
                        return narrow(sys::fail(ENOTCONN));
                    }
                    _ => unnamed(socket.family),
                };
                // SAFETY: the caller's place.
                unsafe { address::write(&octets, place, len) };
                return 0;
            }
            // SAFETY: the caller's call.
            unsafe { real::$name(fd, place, len) }
        }
    )* };
}

names! {
    getsockname local;
    getpeername peer;
}

fn unnamed(family: u16) -> Vec<u8> {
    let mut octets = family.to_le_bytes().to_vec();
    octets.resize(
        match family {
            AF_INET => 16,
            AF_INET6 => 28,
            _ => 2,
        },
        0,
    );
    octets
}

/// Options of tcp and ip have nothing to act upon, and are taken as they would be.
#[unsafe(no_mangle)]
unsafe extern "C" fn setsockopt(fd: c_int, level: c_int, name: c_int, value: *const u8, len: u32) -> c_int {
    if level != SOL_SOCKET
        && let Some(mut holder) = baton::enter()
        && holder.run().descriptors.socket(fd).is_some_and(|socket| socket.family != AF_UNIX)
    {
        return 0;
    }
    // SAFETY: the caller's call.
    unsafe { real::setsockopt(fd, level, name, value, len) }
}

/// The error of a connect that has failed is the run's to tell.
#[unsafe(no_mangle)]
unsafe extern "C" fn getsockopt(fd: c_int, level: c_int, name: c_int, value: *mut u8, len: *mut u32) -> c_int {
    if let Some(mut holder) = baton::enter()
        && let Some(socket) = holder.run().descriptors.socket_mut(fd)
    {
        let known = match (level, name) {
            (SOL_SOCKET, SO_ERROR) if socket.error != 0 => Some(core::mem::take(&mut socket.error)),
            (SOL_SOCKET, _) => None,
            _ if socket.family != AF_UNIX => Some(0),
            _ => None,
        };
        if let Some(known) = known {
            // SAFETY: the caller's place.
            unsafe { address::write(&known.to_ne_bytes(), value, len) };
            return 0;
        }
    }
    // SAFETY: the caller's call.
    unsafe { real::getsockopt(fd, level, name, value, len) }
}
