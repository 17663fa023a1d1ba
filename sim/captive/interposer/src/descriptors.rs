//! What the run knows of its descriptors. The kernel's are real; here is what they are for, which two belong together,
//! and what is wrong with their connection.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::run::NEVER;
use crate::sys::{self, POLLERR, POLLHUP, POLLIN, POLLOUT, PollFd, SHUT_RDWR, SYS_SHUTDOWN};

#[derive(Debug, Default)]
pub(crate) struct Descriptors {
    open: Vec<Option<Descriptor>>,
    created: u64,
    pub(crate) connections: Vec<Connection>,
    /// Who listens where, by the name that programs use.
    pub(crate) bound: BTreeMap<Vec<u8>, i32>,
    /// Moments at which something that is held goes on.
    releases: BTreeSet<u64>,
}

#[derive(Debug)]
pub(crate) struct Descriptor {
    /// By order of creation: numbers of descriptors are used again, these are not.
    pub(crate) serial: u64,
    /// Of whose thread it was made.
    pub(crate) host: u32,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// Gives random octets.
    Random,
    /// `eventfd`.
    Counter,
    /// `epoll`, with its members in the order in which they came.
    Set(Vec<Member>),
    Socket(Socket),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) fd: i32,
    pub(crate) events: u32,
    pub(crate) data: u64,
}

#[derive(Debug)]
pub(crate) struct Socket {
    /// The family that the program asked for.
    pub(crate) family: u16,
    pub(crate) host: u32,
    /// Addresses as the program knows them.
    pub(crate) local: Vec<u8>,
    pub(crate) peer: Vec<u8>,
    /// An address of the kernel's that others can connect to.
    pub(crate) real: Vec<u8>,
    pub(crate) state: SocketState,
    /// What `SO_ERROR` has to tell.
    pub(crate) error: i32,
}

#[derive(Debug)]
pub(crate) enum SocketState {
    Fresh,
    /// With the connections that wait to be accepted.
    Listening(VecDeque<usize>),
    Connected {
        connection: usize,
        end: usize,
    },
    Failed,
}

#[derive(Debug)]
pub(crate) struct Connection {
    /// Descriptor of each end: of who connected, of who accepted.
    pub(crate) fds: [Option<i32>; 2],
    pub(crate) hosts: [u32; 2],
    /// Octets that each end has sent and received, and calls it has made.
    pub(crate) sent: [u64; 2],
    pub(crate) received: [u64; 2],
    pub(crate) calls: [u64; 2],
    pub(crate) cut: Option<Cut>,
    pub(crate) fate: Fate,
    /// Until when neither end sees the other, by a fault.
    pub(crate) held_until: [u64; 2],
}

/// Where a connection is to break.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Which end sends the octets that are counted.
    pub(crate) end: usize,
    pub(crate) after: u64,
    pub(crate) how: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Whole,
    /// Ended in both directions, as if each end had been told so by the other.
    Ended,
    Reset,
    /// Silent until then.
    Silent(u64),
}

impl Descriptors {
    pub(crate) fn add(&mut self, fd: i32, host: u32, kind: Kind) -> u64 {
        let Ok(place) = usize::try_from(fd) else { return 0 };
        if self.open.len() <= place {
            self.open.resize_with(place + 1, || None);
        }
        self.created += 1;
        self.open[place] = Some(Descriptor { serial: self.created, host, kind });
        self.created
    }

    pub(crate) fn get(&self, fd: i32) -> Option<&Descriptor> {
        self.open.get(usize::try_from(fd).ok()?)?.as_ref()
    }

    pub(crate) fn serial(&self, fd: i32) -> u64 {
        self.get(fd).map_or(0, |descriptor| descriptor.serial)
    }

    pub(crate) fn socket(&self, fd: i32) -> Option<&Socket> {
        match &self.get(fd)?.kind {
            Kind::Socket(socket) => Some(socket),
            Kind::Random | Kind::Counter | Kind::Set(_) => None,
        }
    }

    pub(crate) fn socket_mut(&mut self, fd: i32) -> Option<&mut Socket> {
        match &mut self.open.get_mut(usize::try_from(fd).ok()?)?.as_mut()?.kind {
            Kind::Socket(socket) => Some(socket),
            Kind::Random | Kind::Counter | Kind::Set(_) => None,
        }
    }

    pub(crate) fn set(&self, fd: i32) -> Option<&[Member]> {
        match &self.get(fd)?.kind {
            Kind::Set(members) => Some(members),
            Kind::Random | Kind::Counter | Kind::Socket(_) => None,
        }
    }

    pub(crate) fn set_mut(&mut self, fd: i32) -> Option<&mut Vec<Member>> {
        match &mut self.open.get_mut(usize::try_from(fd).ok()?)?.as_mut()?.kind {
            Kind::Set(members) => Some(members),
            Kind::Random | Kind::Counter | Kind::Socket(_) => None,
        }
    }

    /// The connection of a socket, and which end of it this is.
    pub(crate) fn connection_of(&self, fd: i32) -> Option<(usize, usize)> {
        match self.socket(fd)?.state {
            SocketState::Connected { connection, end } => Some((connection, end)),
            SocketState::Fresh | SocketState::Listening(_) | SocketState::Failed => None,
        }
    }

    /// The descriptor is about to be closed.
    pub(crate) fn forget(&mut self, fd: i32) {
        if let Some((connection, end)) = self.connection_of(fd) {
            self.connections[connection].fds[end] = None;
        }
        self.bound.retain(|_, listener| *listener != fd);
        let place = usize::try_from(fd).ok().and_then(|place| self.open.get_mut(place));
        if place.is_some_and(|place| place.take().is_some()) {
            for set in self.open.iter_mut().flatten() {
                if let Kind::Set(members) = &mut set.kind {
                    members.retain(|member| member.fd != fd);
                }
            }
        }
    }

    /// How many are open.
    pub(crate) fn count(&self) -> u64 {
        self.open.iter().flatten().count() as u64
    }

    /// How many of a host are open.
    pub(crate) fn count_of(&self, host: u32) -> u64 {
        self.open.iter().flatten().filter(|descriptor| descriptor.host == host).count() as u64
    }

    /// What faults hold back goes on.
    pub(crate) fn release_all(&mut self) {
        for connection in &mut self.connections {
            connection.held_until = [0; 2];
            connection.cut = None;
        }
    }

    /// Nobody of this host listens any more.
    pub(crate) fn stop_listening(&mut self, host: u32) {
        let fds: Vec<i32> = self.bound.values().copied().collect();
        for fd in fds {
            if self.socket(fd).is_some_and(|socket| socket.host == host) {
                self.bound.retain(|_, listener| *listener != fd);
                // SAFETY: a descriptor of a socket, which is open as long as it is known here.
                unsafe { sys::syscall(SYS_SHUTDOWN, [i64::from(fd), SHUT_RDWR, 0, 0, 0, 0]) };
            }
        }
    }

    /// Breaks a connection, if it is whole.
    pub(crate) fn strike(&mut self, connection: usize, fate: Fate) {
        let one = &mut self.connections[connection];
        match fate {
            Fate::Whole => {}
            Fate::Silent(until) => {
                one.held_until = one.held_until.map(|held| held.max(until));
                self.release_at(until);
            }
            Fate::Ended | Fate::Reset => {
                one.fate = fate;
                for fd in one.fds.into_iter().flatten() {
                    // SAFETY: a descriptor of a socket, which is open as long as it is known here.
                    unsafe { sys::syscall(SYS_SHUTDOWN, [i64::from(fd), SHUT_RDWR, 0, 0, 0, 0]) };
                }
            }
        }
    }

    pub(crate) fn release_at(&mut self, at: u64) {
        if at != NEVER {
            self.releases.insert(at);
        }
    }

    /// The next moment, after this one, at which something goes on.
    pub(crate) fn next_release(&self, now: u64) -> Option<u64> {
        if self.releases.is_empty() { None } else { self.releases.range(now + 1..).next().copied() }
    }

    /// What a program sees of a descriptor of which the kernel says this.
    pub(crate) fn seen(&self, asked: PollFd, now: u64, links: &crate::faults::Hosts) -> i16 {
        let Some(socket) = self.socket(asked.fd) else { return asked.revents };
        let always = asked.events | POLLERR | POLLHUP;
        match socket.state {
            SocketState::Fresh | SocketState::Listening(_) => asked.revents,
            SocketState::Failed => (POLLIN | POLLOUT | POLLERR | POLLHUP) & always,
            SocketState::Connected { connection, end } => {
                let one = &self.connections[connection];
                match one.fate {
                    Fate::Reset => (POLLIN | POLLOUT | POLLERR | POLLHUP) & always,
                    Fate::Ended => asked.revents,
                    Fate::Whole | Fate::Silent(_) => {
                        let mut seen = asked.revents;
                        if one.is_deaf(end, now, links) {
                            seen &= POLLOUT;
                        }
                        if one.is_dumb(end, now, links) {
                            seen &= !POLLOUT;
                        }
                        seen
                    }
                }
            }
        }
    }
}

impl Connection {
    /// Whether nothing reaches this end now.
    pub(crate) fn is_deaf(&self, end: usize, now: u64, links: &crate::faults::Hosts) -> bool {
        self.held_until[end] > now || links.held_until(self.hosts[1 - end], self.hosts[end]) > now
    }

    /// Whether this end can send nothing now.
    pub(crate) fn is_dumb(&self, end: usize, now: u64, links: &crate::faults::Hosts) -> bool {
        self.held_until[end] > now
            || links.held_until(self.hosts[end], self.hosts[1 - end]) > now
            || self.room(end, links) == 0
    }

    /// How many octets more may be on their way from this end.
    pub(crate) fn room(&self, end: usize, links: &crate::faults::Hosts) -> u64 {
        match links.window(self.hosts[end]) {
            0 => u64::MAX,
            window => window.saturating_sub(self.sent[end] - self.received[1 - end]),
        }
    }
}
