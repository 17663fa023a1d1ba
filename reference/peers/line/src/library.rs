//! What a library has to offer to be measured and met.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use crate::command::Settings;

/// The socket types that peers play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the names of the specification")]
pub enum Kind {
    Req,
    Rep,
    Dealer,
    Router,
    Push,
    Pull,
    Pub,
    Sub,
    XPub,
    XSub,
    Pair,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The library has no such socket type, side, mode or call.
    Unsupported(String),
    /// The library has it and it went wrong.
    Failed(String),
}

impl Trouble {
    /// [`Trouble::Failed`] with what was being done and what the library said.
    pub fn failed(doing: &str, said: impl std::fmt::Display) -> Self {
        Self::Failed(format!("{doing}: {said}"))
    }

    /// [`Trouble::Unsupported`].
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }
}

/// An implementation of ZeroMQ.
pub trait Library: 'static {
    /// Its name on stderr.
    const NAME: &'static str;
    /// What sockets are made of; shared by the two threads of an inproc measurement.
    type Context: Clone + Send + 'static;
    /// A socket of any type.
    type Socket: Socket;

    /// Makes a context.
    ///
    /// # Errors
    ///
    /// [`Trouble::Unsupported`] for a mode that it does not have.
    fn context(settings: &Settings) -> Result<Self::Context, Trouble>;

    /// Has clients judged by [`crate::zap`] from here on, where the settings ask for it.
    ///
    /// # Errors
    ///
    /// [`Trouble::Unsupported`] for a library without a handler.
    fn guard(context: &Self::Context) -> Result<(), Trouble> {
        let _ = context;
        Err(Trouble::unsupported("it has no handler of ZAP"))
    }

    /// Runs an application's future to its end on this thread.
    fn block_on<F: Future>(context: &Self::Context, future: F) -> F::Output;

    /// Waits without keeping the library from its work.
    fn pause(duration: Duration) -> impl Future<Output = ()>;

    /// Makes a socket and binds it. `listening` is to be called with the endpoint, its port known, as soon as a peer
    /// may connect: in some libraries that is before a socket exists.
    ///
    /// # Errors
    ///
    /// [`Trouble`]; [`Trouble::Unsupported`] if the type is missing or cannot bind.
    fn bind(
        context: &Self::Context,
        kind: Kind,
        endpoint: &str,
        listening: &mut dyn FnMut(&str),
    ) -> impl Future<Output = Result<Self::Socket, Trouble>>;

    /// Makes a socket and connects it.
    ///
    /// # Errors
    ///
    /// [`Trouble`]; [`Trouble::Unsupported`] if the type is missing or cannot connect.
    fn connect(
        context: &Self::Context,
        kind: Kind,
        endpoint: &str,
    ) -> impl Future<Output = Result<Self::Socket, Trouble>>;
}

/// A socket. Every call may wait.
pub trait Socket {
    /// Sends a message of one part, or more.
    ///
    /// # Errors
    ///
    /// [`Trouble`].
    fn send(&mut self, parts: &[Bytes]) -> impl Future<Output = Result<(), Trouble>>;

    /// Receives a message: its parts.
    ///
    /// # Errors
    ///
    /// [`Trouble`].
    fn recv(&mut self) -> impl Future<Output = Result<Vec<Bytes>, Trouble>>;

    /// Sends a message of one part, a copy of these octets, the cheapest way an application would.
    ///
    /// # Errors
    ///
    /// [`Trouble`].
    fn send_copied(&mut self, payload: &[u8]) -> impl Future<Output = Result<(), Trouble>>;

    /// Sends a message of one part that shares these octets.
    ///
    /// # Errors
    ///
    /// [`Trouble`]; [`Trouble::Unsupported`] if the library always copies.
    fn send_shared(&mut self, payload: &Bytes) -> impl Future<Output = Result<(), Trouble>>;

    /// Receives a message of one part and drops it: how many octets it had.
    ///
    /// # Errors
    ///
    /// [`Trouble`].
    fn recv_dropped(&mut self) -> impl Future<Output = Result<usize, Trouble>>;

    /// Receives a request of one part and sends it back as it came.
    ///
    /// # Errors
    ///
    /// [`Trouble`].
    fn echo(&mut self) -> impl Future<Output = Result<(), Trouble>>;

    /// Writes what the library holds back, where it wants to be told.
    ///
    /// # Errors
    ///
    /// [`Trouble`].
    fn flush(&mut self) -> impl Future<Output = Result<(), Trouble>> {
        std::future::ready(Ok(()))
    }

    /// Subscribes a SUB or XSUB to a prefix.
    ///
    /// # Errors
    ///
    /// [`Trouble`].
    fn subscribe(&mut self, prefix: &[u8]) -> impl Future<Output = Result<(), Trouble>>;

    /// The next prefix that somebody subscribed to at this XPUB.
    ///
    /// # Errors
    ///
    /// [`Trouble`].
    fn subscribed(&mut self) -> impl Future<Output = Result<Vec<u8>, Trouble>>;
}

/// Runs a future that blocks its thread rather than ever being pending.
///
/// # Panics
///
/// If it is pending all the same.
pub fn ready_now<F: Future>(future: F) -> F::Output {
    let Poll::Ready(output) = pin!(future).poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("a future that blocks its thread is never pending")
    };
    output
}
