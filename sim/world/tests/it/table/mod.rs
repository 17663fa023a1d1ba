//! The table of loopback behaviours: each row is done with real sockets of Linux and in a world, and has to come out the
//! same.

use std::fmt::{Display, Write as _};
use std::net::SocketAddr;

use zmq_world::{Address, Errno, Reuse};

mod datagrams;
mod local;
#[cfg(target_os = "linux")]
mod real;
mod simulated;
mod streams;
mod tcp;

/// A socket of a system.
pub(crate) type Id = usize;

/// One host's sockets, real or not. Nothing blocks.
pub(crate) trait System {
    /// A path of this test's own.
    fn path(&mut self, name: &str) -> Address;
    /// An abstract name of this test's own.
    fn name(&mut self, name: &str) -> Address;
    /// Lets arrive what is under way.
    fn settle(&mut self);
    /// Lets a second and a half pass.
    fn wait(&mut self);

    fn listen(&mut self, at: &Address, backlog: u32, reuse: Reuse) -> Result<Id, Errno>;
    fn accept(&mut self, listener: Id) -> Result<Id, Errno>;
    fn dial_from(&mut self, to: &Address, source: Option<SocketAddr>) -> Result<Id, Errno>;
    fn dialled(&mut self, stream: Id) -> Option<Result<(), Errno>>;
    fn read(&mut self, stream: Id, most: usize) -> Result<Vec<u8>, Errno>;
    fn write(&mut self, stream: Id, bytes: &[u8]) -> Result<usize, Errno>;
    fn is_readable(&mut self, stream: Id) -> bool;
    fn is_writable(&mut self, stream: Id) -> bool;
    fn finish(&mut self, stream: Id) -> Result<(), Errno>;
    /// Closes a stream, a listener or a datagram socket.
    fn close(&mut self, socket: Id);
    /// Closes a stream without linger.
    fn reset(&mut self, stream: Id);
    fn local(&mut self, socket: Id) -> Result<Address, Errno>;
    fn peer(&mut self, stream: Id) -> Result<Address, Errno>;
    fn unlink(&mut self, at: &Address) -> Result<(), Errno>;
    /// Whether the peer is this process; `None` where the system does not say.
    fn is_own_peer(&mut self, stream: Id) -> Option<bool>;

    fn datagram(&mut self, at: SocketAddr, reuse: Reuse) -> Result<Id, Errno>;
    fn connect(&mut self, socket: Id, to: SocketAddr) -> Result<(), Errno>;
    fn send(&mut self, socket: Id, to: Option<SocketAddr>, bytes: &[u8]) -> Result<usize, Errno>;
    fn receive(&mut self, socket: Id, most: usize) -> Result<(Vec<u8>, SocketAddr), Errno>;
    fn join(&mut self, socket: Id) -> Result<(), Errno>;
    fn leave(&mut self, socket: Id) -> Result<(), Errno>;

    fn dial(&mut self, to: &Address) -> Result<Id, Errno> {
        self.dial_from(to, None)
    }

    /// The address of a socket that has one.
    fn at(&mut self, socket: Id) -> Address {
        self.local(socket).unwrap()
    }

    /// Where a datagram socket is.
    fn place(&mut self, socket: Id) -> SocketAddr {
        let Address::Tcp(at) = self.at(socket) else { panic!("datagrams have ports") };
        at
    }
}

/// The group that the rows use.
pub(crate) const GROUP: [u8; 4] = [239, 255, 71, 13];

/// What carries streams.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Carrier {
    Tcp,
    Path,
    Abstract,
}

/// A listener, and a connection to it.
pub(crate) struct Joined {
    pub(crate) listener: Id,
    pub(crate) dialler: Id,
    pub(crate) acceptor: Id,
}

/// An address of the carrier, with port 0.
pub(crate) fn free(system: &mut dyn System, carrier: Carrier) -> Address {
    match carrier {
        Carrier::Tcp => tcp::loopback(0),
        Carrier::Path => system.path("socket"),
        Carrier::Abstract => system.name("socket"),
    }
}

pub(crate) fn listening(system: &mut dyn System, carrier: Carrier) -> Id {
    let at = free(system, carrier);
    system.listen(&at, 8, Reuse::Address).unwrap()
}

pub(crate) fn joined(system: &mut dyn System, carrier: Carrier) -> Joined {
    let listener = listening(system, carrier);
    let at = system.at(listener);
    let dialler = system.dial(&at).unwrap();
    system.settle();
    assert_eq!(system.dialled(dialler), Some(Ok(())));
    let acceptor = system.accept(listener).unwrap();
    Joined { listener, dialler, acceptor }
}

/// What came of several calls, one after another.
#[derive(Default)]
pub(crate) struct Outcome(String);

impl Outcome {
    pub(crate) fn say(&mut self, what: &str, came: impl Display) {
        let comma = if self.0.is_empty() { "" } else { ", " };
        write!(self.0, "{comma}{what}: {came}").unwrap();
    }

    #[expect(clippy::needless_pass_by_value, reason = "what a call gave is said and forgotten")]
    pub(crate) fn done<T>(&mut self, what: &str, came: Result<T, Errno>) {
        match came {
            Ok(_) => self.say(what, "ok"),
            Err(errno) => self.say(what, errno),
        }
    }

    pub(crate) fn read(&mut self, came: Result<Vec<u8>, Errno>) {
        match came {
            Ok(bytes) if bytes.is_empty() => self.say("read", "end"),
            Ok(bytes) => self.say("read", format_args!("\"{}\"", bytes.escape_ascii())),
            Err(errno) => self.say("read", errno),
        }
    }

    pub(crate) fn text(self) -> String {
        self.0
    }
}

type Row<C> = (&'static str, fn(&mut dyn System, C) -> String);

/// A table of functions under their names.
macro_rules! rows {
    ($($name:ident)*) => { &[$((stringify!($name), $name)),*] };
}
pub(crate) use rows;

/// Each row on the carriers that it is for, and for each a system of its own.
fn table(make: &mut dyn FnMut() -> Box<dyn System>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, carrier: &str, came: String| {
        writeln!(text, "{} ({carrier})\n    {came}", name.replace('_', " ")).unwrap();
    };
    for (name, row) in streams::ROWS {
        for (carrier, word) in [(Carrier::Tcp, "tcp"), (Carrier::Path, "path"), (Carrier::Abstract, "abstract")] {
            line(name, word, row(&mut *make(), carrier));
        }
    }
    for (rows, word) in [(tcp::ROWS, "tcp"), (local::ROWS, "local"), (datagrams::ROWS, "udp")] {
        for (name, row) in rows {
            line(name, word, row(&mut *make(), ()));
        }
    }
    text
}

#[test]
fn a_world_behaves_as_the_table_says() {
    let came = table(&mut || Box::new(simulated::Simulated::new()));
    insta::assert_snapshot!("behaviours", came);
}

#[cfg(target_os = "linux")]
#[test]
fn linux_behaves_as_the_table_says() {
    let came = table(&mut || Box::new(real::Real::new()));
    insta::assert_snapshot!("behaviours", came);
}
