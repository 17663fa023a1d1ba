//! Sockets of the Linux that this runs on.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use zmq_world::{Address, Errno, Reuse};

use super::{GROUP, Id, System};

pub(crate) struct Real {
    folder: tempfile::TempDir,
    sockets: Vec<Option<Socket>>,
}

/// The error of a call, as a world has it.
fn errno(error: &io::Error) -> Errno {
    let all = [
        Errno::WouldBlock,
        Errno::Refused,
        Errno::Reset,
        Errno::BrokenPipe,
        Errno::TimedOut,
        Errno::InUse,
        Errno::NotAvailable,
        Errno::Unreachable,
        Errno::TooManyFiles,
        Errno::NotFound,
        Errno::Invalid,
        Errno::NotConnected,
        Errno::Aborted,
        Errno::TooLong,
        Errno::NoDestination,
        Errno::Closed,
    ];
    let number = error.raw_os_error().expect("the kernel's");
    all.into_iter().find(|errno| errno.raw() == Some(number)).unwrap_or_else(|| panic!("{error}"))
}

fn to_system(at: &Address) -> SockAddr {
    match at {
        Address::Tcp(at) => (*at).into(),
        Address::Path(path) => SockAddr::unix(path).unwrap(),
        Address::Abstract(name) => {
            let name = std::str::from_utf8(name).unwrap();
            SockAddr::unix(format!("\0{name}")).unwrap()
        }
        Address::Unnamed => panic!("nothing is bound to that"),
    }
}

fn from_system(at: &SockAddr) -> Address {
    if let Some(at) = at.as_socket() {
        return Address::Tcp(at);
    }
    if let Some(name) = at.as_abstract_namespace() {
        return Address::Abstract(name.into());
    }
    at.as_pathname().map_or(Address::Unnamed, |path| Address::Path(path.to_str().unwrap().into()))
}

fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error())
}

impl Real {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), sockets: Vec::new() }
    }

    fn add(&mut self, socket: Socket) -> Id {
        socket.set_nonblocking(true).unwrap();
        self.sockets.push(Some(socket));
        self.sockets.len() - 1
    }

    fn socket(&self, id: Id) -> &Socket {
        self.sockets[id].as_ref().unwrap()
    }

    fn fresh(like: &Address) -> Socket {
        match like {
            Address::Tcp(_) => Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)),
            Address::Path(_) | Address::Abstract(_) | Address::Unnamed => Socket::new(Domain::UNIX, Type::STREAM, None),
        }
        .unwrap()
    }

    fn is_ready(&self, id: Id, flags: PollFlags) -> bool {
        let mut ready = [PollFd::new(self.socket(id), flags)];
        poll(&mut ready, Some(&Timespec::default())).unwrap();
        ready[0].revents().intersects(flags | PollFlags::ERR)
    }
}

impl System for Real {
    fn path(&mut self, name: &str) -> Address {
        Address::Path(self.folder.path().join(name).to_str().unwrap().into())
    }

    fn name(&mut self, name: &str) -> Address {
        // The folder's name is nobody else's.
        Address::Abstract(self.folder.path().join(name).to_str().unwrap().into())
    }

    fn settle(&mut self) {
        // The kernel has no fence: what is said over loopback has arrived when the call returns, or very soon.
        std::thread::sleep(Duration::from_millis(10));
    }

    fn wait(&mut self) {
        std::thread::sleep(Duration::from_millis(1500));
    }

    fn listen(&mut self, at: &Address, backlog: u32, reuse: Reuse) -> Result<Id, Errno> {
        let socket = Self::fresh(at);
        socket.set_reuse_address(reuse == Reuse::Address).unwrap();
        socket.bind(&to_system(at)).map_err(|error| errno(&error))?;
        socket.listen(backlog.cast_signed()).map_err(|error| errno(&error))?;
        Ok(self.add(socket))
    }

    fn accept(&mut self, listener: Id) -> Result<Id, Errno> {
        let (socket, _) = self.socket(listener).accept().map_err(|error| errno(&error))?;
        Ok(self.add(socket))
    }

    fn dial_from(&mut self, to: &Address, source: Option<SocketAddr>) -> Result<Id, Errno> {
        let socket = Self::fresh(to);
        socket.set_nonblocking(true).unwrap();
        if let Some(source) = source {
            socket.bind(&source.into()).map_err(|error| errno(&error))?;
        }
        match socket.connect(&to_system(to)) {
            Err(error) if !is_in_progress(&error) => Err(errno(&error)),
            Ok(()) | Err(_) => Ok(self.add(socket)),
        }
    }

    fn dialled(&mut self, stream: Id) -> Option<Result<(), Errno>> {
        if !self.is_ready(stream, PollFlags::OUT) {
            return None;
        }
        let error = self.socket(stream).take_error().unwrap();
        Some(error.map_or(Ok(()), |error| Err(errno(&error))))
    }

    fn read(&mut self, stream: Id, most: usize) -> Result<Vec<u8>, Errno> {
        let mut into = vec![0; most];
        let len = self.socket(stream).read(&mut into).map_err(|error| errno(&error))?;
        into.truncate(len);
        Ok(into)
    }

    fn write(&mut self, stream: Id, bytes: &[u8]) -> Result<usize, Errno> {
        self.socket(stream).write(bytes).map_err(|error| errno(&error))
    }

    fn is_readable(&mut self, stream: Id) -> bool {
        self.is_ready(stream, PollFlags::IN)
    }

    fn is_writable(&mut self, stream: Id) -> bool {
        self.is_ready(stream, PollFlags::OUT)
    }

    fn finish(&mut self, stream: Id) -> Result<(), Errno> {
        self.socket(stream).shutdown(std::net::Shutdown::Write).map_err(|error| errno(&error))
    }

    fn close(&mut self, socket: Id) {
        self.sockets[socket] = None;
    }

    fn reset(&mut self, stream: Id) {
        self.socket(stream).set_linger(Some(Duration::ZERO)).unwrap();
        self.close(stream);
    }

    fn local(&mut self, socket: Id) -> Result<Address, Errno> {
        self.socket(socket).local_addr().map(|at| from_system(&at)).map_err(|error| errno(&error))
    }

    fn peer(&mut self, stream: Id) -> Result<Address, Errno> {
        self.socket(stream).peer_addr().map(|at| from_system(&at)).map_err(|error| errno(&error))
    }

    fn unlink(&mut self, at: &Address) -> Result<(), Errno> {
        let Address::Path(path) = at else { panic!("no path") };
        std::fs::remove_file(path).map_err(|error| errno(&error))
    }

    fn is_own_peer(&mut self, stream: Id) -> Option<bool> {
        let credentials = rustix::net::sockopt::socket_peercred(self.socket(stream)).ok()?;
        let is_local = self.socket(stream).domain().unwrap() == Domain::UNIX;
        is_local.then(|| credentials.pid == rustix::process::getpid())
    }

    fn datagram(&mut self, at: SocketAddr, reuse: Reuse) -> Result<Id, Errno> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
        socket.set_reuse_address(reuse == Reuse::Address).unwrap();
        socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        socket.bind(&at.into()).map_err(|error| errno(&error))?;
        Ok(self.add(socket))
    }

    fn connect(&mut self, socket: Id, to: SocketAddr) -> Result<(), Errno> {
        self.socket(socket).connect(&to.into()).map_err(|error| errno(&error))
    }

    fn send(&mut self, socket: Id, to: Option<SocketAddr>, bytes: &[u8]) -> Result<usize, Errno> {
        let socket = self.socket(socket);
        match to {
            Some(to) => socket.send_to(bytes, &to.into()),
            None => socket.send(bytes),
        }
        .map_err(|error| errno(&error))
    }

    fn receive(&mut self, socket: Id, most: usize) -> Result<(Vec<u8>, SocketAddr), Errno> {
        let mut into = vec![0; most];
        let received = rustix::net::recvfrom(self.socket(socket), &mut *into, rustix::net::RecvFlags::empty());
        let (len, _, from) = received.map_err(|error| errno(&error.into()))?;
        into.truncate(len);
        Ok((into, from.unwrap().try_into().unwrap()))
    }

    fn join(&mut self, socket: Id) -> Result<(), Errno> {
        let joined = self.socket(socket).join_multicast_v4(&GROUP.into(), &Ipv4Addr::LOCALHOST);
        joined.map_err(|error| errno(&error))
    }

    fn leave(&mut self, socket: Id) -> Result<(), Errno> {
        let left = self.socket(socket).leave_multicast_v4(&GROUP.into(), &Ipv4Addr::LOCALHOST);
        left.map_err(|error| errno(&error))
    }
}
