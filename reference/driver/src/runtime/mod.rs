//! The runtime seam: all that the sockets need of the world outside, as object-safe traits.
//!
//! Nothing above this module names tokio. The tokio implementation is [`tokio_runtime::TokioRuntime`]; a simulated world is
//! another. One dynamic call per system call is noise next to the call.
//!
//! A runtime has one or more *I/O threads*, numbered from 0. A task, the links and the timers it polls belong to one I/O
//! thread and name it by its index, which is taken modulo [`Runtime::io_threads`]. Tasks of one index never run at the
//! same time as each other, but not always on the same operating system thread: a thread in [`Runtime::block_on`] may run
//! them in place of the I/O thread.

use std::fmt::Debug;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use zmq_core::options::TcpOptions;
use zmq_core::time::Instant;

mod address;
#[cfg(all(unix, not(loom)))]
pub mod tokio_runtime;
#[cfg(unix)]
pub mod watch;

pub use address::{Address, Credentials, IpcAddress};

#[cfg(all(test, loom))]
#[path = "tokio_runtime/handoff.rs"]
#[expect(dead_code, reason = "the reactor that uses the rest is not built under loom")]
mod handoff;
#[cfg(all(test, loom))]
#[path = "tokio_runtime/handoff_loom.rs"]
mod handoff_loom;
#[cfg(all(test, loom))]
#[path = "tokio_runtime/wake_state.rs"]
mod wake_state;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Threads, sockets, clocks and entropy. Dropping the last reference ends each I/O thread of its own after its last task.
pub trait Runtime: Send + Sync + 'static {
    /// How many I/O threads there are, at least 1.
    fn io_threads(&self) -> usize;

    /// Runs `task` on an I/O thread until it ends. May be called from any thread.
    ///
    /// The task may be woken from any thread through the waker it is given; that alone makes sure that somebody runs it.
    fn start_io(&self, index: usize, task: BoxFuture<'static, ()>);

    /// Calls `call` when the runtime ends although this value is still there: then nothing is done by it any more, and its
    /// timers never ring. One that ends with its last reference never calls.
    fn on_end(&self, call: Box<dyn FnOnce() + Send>);

    /// Listens at an address. A listener polled by tasks of `index`. Port 0 has the kernel choose. Errors are the kernel's.
    ///
    /// At a path where a socket is that nobody listens at any more, that socket is removed. Anything else that is there
    /// stays, and the address is in use.
    fn listen(&self, index: usize, at: &Address, how: Listening<'_>) -> io::Result<Box<dyn Listener>>;

    /// Connects to an address; errors are the kernel's. Dropping the future gives the attempt up. Without a timeout of
    /// its own.
    fn dial(&self, index: usize, to: &Address, how: Dialling<'_>) -> BoxFuture<'static, io::Result<Box<dyn Link>>>;

    /// The address of a network interface of this machine, with port 0: of IPv6 if it has one and `family` allows it.
    /// `None` if there is no such interface, or it has no address of that family.
    fn interface(&self, name: &str, family: Family) -> io::Result<Option<SocketAddr>>;

    /// The addresses of `host`, at least one, in the order in which the system prefers them; those of IPv6 are there too. A
    /// literal address takes no time; one of IPv6 may have a zone. Errors are the resolver's.
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

    /// Time since this runtime started. Monotonic.
    fn now(&self) -> Instant;

    /// A timer for tasks of `index` that is not armed.
    fn timer(&self, index: usize) -> Box<dyn Timer>;

    /// Fills `bytes` with what nobody can guess.
    fn random(&self, bytes: &mut [u8]);

    /// Watches somebody else's descriptor for tasks and threads that wait on `index`. Errors are the kernel's;
    /// `Unsupported` for a runtime without descriptors.
    #[cfg(unix)]
    fn watch(&self, index: usize, descriptor: std::os::fd::OwnedFd) -> io::Result<Box<dyn watch::Watch>> {
        let _ = (index, descriptor);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// What each of the descriptors is ready for now; errors and urgent data also where they were not asked for.
    #[cfg(unix)]
    fn look(&self, descriptors: &[(std::os::fd::BorrowedFd<'_>, watch::Interest)]) -> io::Result<Vec<watch::Interest>> {
        if descriptors.is_empty() { Ok(Vec::new()) } else { Err(io::ErrorKind::Unsupported.into()) }
    }

    /// Blocks the calling thread until `future` is ready, and may run the tasks of `index` on it meanwhile.
    ///
    /// `future` must not block and must not call this. To be called without any lock held that a task of `index` takes.
    fn block_on(&self, index: usize, future: Pin<&mut dyn Future<Output = ()>>);
}

/// A byte stream to one peer. Dropping it closes the descriptor.
///
/// Any thread may write to it. One task at a time waits for each direction: a later `poll_` replaces the waker of an
/// earlier one.
pub trait Link: Send + Sync + Debug {
    /// Ready when a read may find bytes, the end, or an error. It may also find nothing: readiness is a hint that is taken
    /// back by a read that would block or comes up short.
    ///
    /// Lets an idle link own no buffer.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Reads into `buf`, which must not be empty; 0 is the peer's end.
    ///
    /// A read that does not fill `buf` has drained the link: the next poll waits without asking the kernel.
    fn poll_read(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes what the kernel takes of `bufs`, from any thread; how many bytes that was. `WouldBlock` when it takes none or
    /// the link is not known to have room: then the link's task must be woken and wait in [`Self::poll_writable`].
    fn try_writev(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Ready when a write may be taken. A hint, as [`Self::poll_readable`].
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Whether the peer has ended its direction, or all of it, behind whatever is unread. Asks the system.
    fn is_gone(&self) -> bool;

    /// Says how the connection ends. Reading goes on, writing does not.
    fn close(&self, how: Close) -> io::Result<()>;

    /// This end's address.
    fn local_addr(&self) -> io::Result<Address>;

    /// The peer's address. An error once the peer has reset.
    fn peer_addr(&self) -> io::Result<Address>;

    /// Who the peer is; `None` where the transport does not tell: only ipc does.
    fn credentials(&self) -> Option<Credentials>;

    /// The number of its descriptor, for monitor events; `None` where it has none.
    fn descriptor(&self) -> Option<i32> {
        None
    }
}

/// Which addresses are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4 only.
    V4,
    /// IPv6, and IPv4 where there is none.
    Any,
}

/// A socket of the system.
#[cfg(unix)]
pub type Descriptor = std::os::fd::OwnedFd;
/// There is none.
#[cfg(not(unix))]
pub type Descriptor = std::convert::Infallible;

/// How to listen.
#[derive(Debug)]
pub struct Listening<'a> {
    /// Connections not yet accepted that the kernel may hold. It may cap this.
    pub backlog: u32,
    /// For the listener, and for what it accepts.
    pub tcp: &'a TcpOptions,
    /// A socket that listens already, to be used instead of one of our own. Whatever its address is.
    pub given: Option<Descriptor>,
}

/// How to connect.
#[derive(Debug, Clone, Copy)]
pub struct Dialling<'a> {
    /// Where from; port 0 has the kernel choose.
    pub source: Option<SocketAddr>,
    /// For tcp.
    pub tcp: &'a TcpOptions,
}

/// How a link ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// All that was written, then FIN, at once. When the link is dropped with bytes unread, the kernel resets instead, which
    /// may cost the peer what it has not read: who must not lose anything reads to the peer's end first.
    Finish,
    /// RST, when the link is dropped. What was written and has not arrived is lost.
    Reset,
}

/// Takes connections. Dropping it closes the address and removes its file, if it is still the one that this made;
/// connections that were not accepted are reset.
pub trait Listener: Send + Sync + Debug {
    /// The next connection, as a link for tasks of I/O thread `index`.
    ///
    /// An error concerns one connection or a shortage of descriptors, not the listener: the caller may go on, after a pause.
    fn poll_accept(&self, cx: &mut Context<'_>, index: usize) -> Poll<io::Result<Box<dyn Link>>>;

    /// The address, with the port that the kernel chose.
    fn local_addr(&self) -> io::Result<Address>;

    /// The number of its descriptor, for monitor events; `None` where it has none.
    fn descriptor(&self) -> Option<i32> {
        None
    }
}

/// A timer that can be set again and again. Dropping it cancels it.
pub trait Timer: Send + Debug {
    /// Ready from `deadline` on, never before it. The latest call counts: another deadline replaces the earlier one.
    ///
    /// May be late by some milliseconds. [`Instant::FAR_FUTURE`] never comes.
    fn poll_until(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()>;
}
