//! Contexts: I/O threads, inproc names, and the end of everything.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use zmq_core::options::{Linger, Options};
use zmq_core::pattern::table::SocketType;

use crate::inproc::Names;
use crate::live::Live;
use crate::runtime::Runtime;
#[cfg(all(unix, not(loom)))]
use crate::runtime::tokio_runtime::TokioRuntime;
use crate::socket::{Inner as SocketInner, Socket};
use crate::zap::Numbers;

/// Sockets that share I/O threads and inproc names. Clones are the same context.
///
/// A dropped context leaves its I/O threads running until what its closed sockets have to send is sent, or their
/// linger is over; [`Context::term`] waits for that.
#[derive(Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) names: Names,
    pub(crate) live: Arc<Live>,
    pub(crate) zap: Numbers,
    terminated: AtomicBool,
    sockets: Mutex<Vec<Weak<SocketInner>>>,
    next_index: AtomicUsize,
    /// I/O threads that carry connections.
    io_threads: usize,
}

impl Context {
    /// A context with one I/O thread of its own.
    ///
    /// # Errors
    ///
    /// The system's, if it cannot make the thread.
    #[cfg(all(unix, not(loom)))]
    pub fn new() -> std::io::Result<Self> {
        Self::with_io_threads(1)
    }

    /// A context with `io_threads` I/O threads of its own, at least one. Peers are spread over them.
    ///
    /// # Errors
    ///
    /// The system's, if it cannot make the threads.
    #[cfg(all(unix, not(loom)))]
    pub fn with_io_threads(io_threads: usize) -> std::io::Result<Self> {
        Ok(Self::on(Arc::new(TokioRuntime::owned(io_threads)?)))
    }

    /// A context whose I/O is done by the tokio runtime that this is called on. What its sockets have not sent when
    /// that runtime ends is lost.
    ///
    /// On a `current_thread` runtime no message changes threads: the lowest latency there is.
    ///
    /// # Errors
    ///
    /// If this is not called on a tokio runtime.
    #[cfg(all(unix, not(loom)))]
    pub fn local() -> std::io::Result<Self> {
        Ok(Self::on(Arc::new(TokioRuntime::local()?)))
    }

    /// A context on any runtime.
    #[must_use]
    pub fn on(runtime: Arc<dyn Runtime>) -> Self {
        Self {
            inner: Arc::new(Inner {
                io_threads: runtime.io_threads(),
                runtime,
                names: Names::default(),
                live: Arc::default(),
                zap: Numbers::default(),
                terminated: AtomicBool::new(false),
                sockets: Mutex::default(),
                next_index: AtomicUsize::new(0),
            }),
        }
    }

    pub(crate) const fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(crate) fn of(inner: &Arc<Inner>) -> Self {
        Self { inner: Arc::clone(inner) }
    }

    /// Makes a socket with libzmq's default options.
    ///
    /// # Errors
    ///
    /// [`Terminated`] after [`Context::term`] or [`Context::shutdown`].
    pub fn socket(&self, socket_type: SocketType) -> Result<Socket, Terminated> {
        self.socket_with(socket_type, Options::default())
    }

    /// Makes a socket with these options.
    ///
    /// # Errors
    ///
    /// [`Terminated`] after [`Context::term`] or [`Context::shutdown`].
    pub fn socket_with(&self, socket_type: SocketType, options: Options) -> Result<Socket, Terminated> {
        if self.inner.terminated.load(Ordering::Acquire) {
            return Err(Terminated);
        }
        let socket = Socket::new(Arc::clone(&self.inner), socket_type, options);
        let mut sockets = self.inner.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        sockets.retain(|socket| socket.strong_count() > 0);
        sockets.push(Arc::downgrade(socket.inner()));
        Ok(socket)
    }

    /// Ends every call on every socket of this context with `Terminated`; no socket can be made any more.
    pub fn shutdown(&self) {
        self.inner.terminated.store(true, Ordering::Release);
        // They stay in the list: `term` still has to close them.
        let sockets = self.inner.sockets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for socket in sockets.iter().filter_map(Weak::upgrade) {
            socket.shut_down();
        }
    }

    /// Ends the context: as [`Context::shutdown`], and waits until everything is sent or its linger is over.
    ///
    /// Sockets that were not closed are closed with the linger they have.
    pub async fn term(&self) {
        self.inner.terminated.store(true, Ordering::Release);
        let sockets = std::mem::take(&mut *self.inner.sockets.lock().unwrap_or_else(PoisonError::into_inner));
        for socket in sockets.iter().filter_map(Weak::upgrade) {
            socket.close(None);
        }
        drop(sockets);
        self.inner.live.ended().await;
    }

    /// As [`Context::term`], for a caller that has no runtime.
    pub fn term_blocking(&self) {
        crate::blocking::block_on(&*self.inner.runtime, 0, self.term());
    }

    /// As [`Context::term`] after all linger is set to zero.
    pub fn abandon(&self) {
        self.inner.terminated.store(true, Ordering::Release);
        let sockets = std::mem::take(&mut *self.inner.sockets.lock().unwrap_or_else(PoisonError::into_inner));
        for socket in sockets.iter().filter_map(Weak::upgrade) {
            socket.close(Some(Linger::Discard));
        }
    }
}

impl Inner {
    /// The I/O thread of the next connection, of those that `affinity` names: bit n stands for thread n, 0 for all.
    /// `None` if there is none of them.
    pub(crate) fn next_index(&self, affinity: u64) -> Option<usize> {
        let threads = self.io_threads;
        let may = |index: &usize| affinity == 0 || (*index < 64 && affinity >> *index & 1 == 1);
        let next = self.next_index.fetch_add(1, Ordering::Relaxed);
        let count = (0..threads).filter(may).count();
        (0..threads).filter(may).nth(next.checked_rem(count)?)
    }

    /// A number that nobody can guess.
    pub(crate) fn random(&self) -> u32 {
        let mut octets = [0; 4];
        self.runtime.random(&mut octets);
        u32::from_ne_bytes(octets)
    }
}

/// The context was terminated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the context was terminated")]
pub struct Terminated;
