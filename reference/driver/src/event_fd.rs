//! A descriptor that tells foreign event loops of a socket: libzmq's `ZMQ_FD` and `ZMQ_EVENTS`.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::runtime::watch::Interest;
use crate::socket::Socket;

impl Socket {
    /// A descriptor that becomes readable when the socket may have become ready, or has ended; the same one for each call.
    ///
    /// It says that something has changed, once, not that something is ready: whenever it is readable, and after each
    /// `send` and `recv`, ask [`Self::events`], which makes it unreadable, and use what is ready before waiting again.
    ///
    /// # Errors
    ///
    /// The system's, if it has no descriptor left.
    pub fn event_fd(&self) -> io::Result<BorrowedFd<'_>> {
        let inner = self.inner();
        if let Some(signal) = inner.signal.get() {
            return Ok(signal.as_fd());
        }
        let signal = Arc::new(Signal::new()?);
        if inner.signal.set(Arc::clone(&signal)).is_ok() {
            let shared = inner.core.shared();
            shared.senders().observe(Waker::from(Arc::clone(&signal)));
            shared.receivers().observe(Waker::from(Arc::clone(&signal)));
            // What came before is not told any more.
            signal.raise();
        }
        Ok(inner.signal.get().expect("it was set, by this call or another").as_fd())
    }

    /// What the socket is ready for now: receiving, sending, both or none. From here on [`Self::event_fd`] tells of changes.
    #[must_use]
    pub fn events(&self) -> Interest {
        if let Some(signal) = self.inner().signal.get() {
            signal.clear();
        }
        self.readiness(Interest::READABLE | Interest::WRITABLE)
    }
}

/// Two ends of something whose one end is readable after the other was written.
#[cfg(target_os = "linux")]
pub(crate) struct Signal(std::os::fd::OwnedFd);

#[cfg(target_os = "linux")]
impl Signal {
    fn new() -> io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        Ok(Self(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?))
    }

    /// Makes it readable, if it is not.
    fn raise(&self) {
        // Fails only where the count is full, and then it is readable.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Makes it unreadable.
    fn clear(&self) {
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Two ends of something whose one end is readable after the other was written.
#[cfg(not(target_os = "linux"))]
pub(crate) struct Signal {
    reads: std::os::unix::net::UnixStream,
    writes: std::os::unix::net::UnixStream,
}

#[cfg(not(target_os = "linux"))]
impl Signal {
    fn new() -> io::Result<Self> {
        let (reads, writes) = std::os::unix::net::UnixStream::pair()?;
        reads.set_nonblocking(true)?;
        writes.set_nonblocking(true)?;
        Ok(Self { reads, writes })
    }

    /// Makes it readable, if it is not.
    fn raise(&self) {
        use std::io::Write;
        // Fails only where its buffer is full, and then it is readable.
        let _ = (&self.writes).write(&[1]);
    }

    /// Makes it unreadable.
    fn clear(&self) {
        use std::io::Read;
        while matches!((&self.reads).read(&mut [0; 64]), Ok(64)) {}
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reads.as_fd()
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.raise();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.raise();
    }
}
