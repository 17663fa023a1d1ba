//! zmq-reference.
//!
//! It has no sockets yet, and this peer says so rather than measuring something else. When they are there, this file
//! is the only one to fill in: a `Library` whose `context` takes all three modes (`Context::local()` for
//! `Mode::Local`, `Context::new()` for `Mode::Threads`, the blocking `Context` for `Mode::Blocking`), and a `Socket`
//! whose `send_copied` makes a message of the borrowed octets.

use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use peer_line::{Kind, Library, Settings, Socket, Trouble, ready_now};

struct Ours;

/// There is no such socket.
struct Peer(Infallible);

impl Library for Ours {
    const NAME: &'static str = "peer-ours";
    type Context = ();
    type Socket = Peer;

    fn context(_: &Settings) -> Result<(), Trouble> {
        Err(Trouble::unsupported("zmq-reference has no sockets yet"))
    }

    fn block_on<F: Future>((): &(), future: F) -> F::Output {
        ready_now(future)
    }

    async fn pause(duration: Duration) {
        std::thread::sleep(duration);
    }

    async fn bind((): &(), _: Kind, _: &str, _: &mut dyn FnMut(&str)) -> Result<Peer, Trouble> {
        Err(Trouble::unsupported("zmq-reference has no sockets yet"))
    }

    async fn connect((): &(), _: Kind, _: &str) -> Result<Peer, Trouble> {
        Err(Trouble::unsupported("zmq-reference has no sockets yet"))
    }
}

impl Socket for Peer {
    async fn send(&mut self, _: &[Bytes]) -> Result<(), Trouble> {
        match self.0 {}
    }

    async fn recv(&mut self) -> Result<Vec<Bytes>, Trouble> {
        match self.0 {}
    }

    async fn send_copied(&mut self, _: &[u8]) -> Result<(), Trouble> {
        match self.0 {}
    }

    async fn send_shared(&mut self, _: &Bytes) -> Result<(), Trouble> {
        match self.0 {}
    }

    async fn recv_dropped(&mut self) -> Result<usize, Trouble> {
        match self.0 {}
    }

    async fn echo(&mut self) -> Result<(), Trouble> {
        match self.0 {}
    }

    async fn subscribe(&mut self, _: &[u8]) -> Result<(), Trouble> {
        match self.0 {}
    }

    async fn subscribed(&mut self) -> Result<Vec<u8>, Trouble> {
        match self.0 {}
    }
}

fn main() -> ExitCode {
    peer_line::main::<Ours>()
}
