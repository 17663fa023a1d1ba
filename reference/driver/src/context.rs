//! Contexts: I/O threads, inproc names, and the end of everything.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use zmq_core::options::{Linger, Options};
use zmq_core::pattern::table::SocketType;
use zmq_core::socket::joining::Names;

use crate::context_options::ContextOptions;
use crate::live::Live;
use crate::pace::Pace;
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
    pub(crate) names: Arc<Names>,
    pub(crate) live: Arc<Live>,
    pub(crate) zap: Numbers,
    /// One for each I/O thread.
    pub(crate) paces: Box<[Arc<Pace>]>,
    terminated: AtomicBool,
    sockets: Mutex<Vec<Weak<SocketInner>>>,
    next_index: AtomicUsize,
    options: ContextOptions,
    /// Sockets that are open.
    open: AtomicUsize,
}

/// A socket that counts as open until this is dropped.
pub(crate) struct Counted(Arc<Inner>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
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

    /// A context with `io_threads` I/O threads of its own. Peers are spread over them.
    ///
    /// # Errors
    ///
    /// The system's, if it cannot make the threads.
    #[cfg(all(unix, not(loom)))]
    pub fn with_io_threads(io_threads: usize) -> std::io::Result<Self> {
        Self::with_options(ContextOptions { io_threads, ..ContextOptions::default() })
    }

    /// A context with these options and I/O threads of its own.
    ///
    /// # Errors
    ///
    /// The system's, if it cannot make the threads.
    #[cfg(all(unix, not(loom)))]
    pub fn with_options(options: ContextOptions) -> std::io::Result<Self> {
        let runtime = TokioRuntime::owned(options.io_threads, &options.threads)?;
        Ok(Self::made(Arc::new(runtime), options))
    }

    /// A context whose I/O is done by the tokio runtime that this is called on. What its sockets have not sent when
    /// that runtime ends is lost; it shuts the context down, as [`Context::shutdown`].
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

    /// A context on any runtime, with as many I/O threads as that has.
    #[must_use]
    pub fn on(runtime: Arc<dyn Runtime>) -> Self {
        let options = ContextOptions { io_threads: runtime.io_threads(), ..ContextOptions::default() };
        Self::made(runtime, options)
    }

    pub(crate) const fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    fn made(runtime: Arc<dyn Runtime>, options: ContextOptions) -> Self {
        let paces = (0..runtime.io_threads().max(1)).map(|_| Arc::default()).collect();
        let inner = Arc::new(Inner {
            runtime,
            names: Arc::default(),
            live: Arc::default(),
            zap: Numbers::default(),
            paces,
            terminated: AtomicBool::new(false),
            sockets: Mutex::default(),
            next_index: AtomicUsize::new(0),
            options,
            open: AtomicUsize::new(0),
        });
        let ending = Arc::downgrade(&inner);
        inner.runtime.on_end(Box::new(move || {
            if let Some(inner) = ending.upgrade() {
                Self { inner }.shutdown();
            }
        }));
        Self { inner }
    }

    /// The context of a socket.
    pub(crate) fn of(inner: &Arc<Inner>) -> Self {
        Self { inner: Arc::clone(inner) }
    }

    /// What the context was made with.
    #[must_use]
    pub fn options(&self) -> &ContextOptions {
        &self.inner.options
    }

    /// Makes a socket with the context's default options, [`ContextOptions::of_socket`].
    ///
    /// # Errors
    ///
    /// [`SocketError`].
    pub fn socket(&self, socket_type: SocketType) -> Result<Socket, SocketError> {
        self.socket_with(socket_type, self.inner.options.of_socket())
    }

    /// Makes a socket with these options.
    ///
    /// # Errors
    ///
    /// [`SocketError`].
    pub fn socket_with(&self, socket_type: SocketType, options: Options) -> Result<Socket, SocketError> {
        if self.inner.terminated.load(Ordering::Acquire) {
            return Err(SocketError::Terminated);
        }
        let counted = Counted(Arc::clone(&self.inner));
        let limit = self.inner.options.max_sockets;
        if self.inner.open.fetch_add(1, Ordering::AcqRel) >= limit {
            return Err(SocketError::TooMany { limit });
        }
        let socket = Socket::new(Arc::clone(&self.inner), socket_type, options, Some(counted));
        let mut sockets = self.inner.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that are gone are looked for when there may be as many of them as of others.
        if sockets.len() >= 16.max(2 * self.inner.open.load(Ordering::Relaxed)) {
            sockets.retain(|socket| socket.strong_count() > 0);
        }
        sockets.push(Arc::downgrade(socket.inner()));
        drop(sockets);
        // A shutdown that took the list before has not seen this one.
        if self.inner.terminated.load(Ordering::Acquire) {
            socket.inner().shut_down();
        }
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
        let threads = self.options.io_threads;
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

/// Why there is no socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SocketError {
    /// The context was terminated, or shut down.
    #[error("the context was terminated")]
    Terminated,
    /// As many sockets are open as the context may have.
    #[error("as many sockets are open as the context may have, {limit}")]
    TooMany {
        /// [`ContextOptions::max_sockets`].
        limit: usize,
    },
}

impl SocketError {
    /// The number that libzmq gives for this on Linux.
    #[must_use]
    pub const fn errno(self) -> i32 {
        const EMFILE: i32 = 24;
        const ETERM: i32 = 156_384_765;
        match self {
            Self::Terminated => ETERM,
            Self::TooMany { .. } => EMFILE,
        }
    }
}
