//! Waiting for any of several sockets and descriptors.
//!
//! Readiness is level-triggered: what is ready and was not used is ready again at the next wait.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::any::poll_any;
use crate::context;
use crate::runtime::BoxFuture;
use crate::runtime::watch::{Interest, Watch};
use crate::socket::Socket;

/// An item of one [`Poller`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(u64);

/// An item that is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// Which.
    pub token: Token,
    /// What for, of what it is watched for.
    pub events: Interest,
}

/// Waits for any of its items. Sockets may be of any context. The poller has a handle of each socket, and a duplicate of
/// each descriptor: they stay open until they are removed.
pub struct Poller {
    context: Arc<context::Inner>,
    items: Vec<Item>,
    next: u64,
    /// The item that [`Self::wait_one`] looks at first.
    first: usize,
}

struct Item {
    token: Token,
    interest: Interest,
    what: What,
}

enum What {
    Socket(Socket),
    /// The caller's number, and the duplicate.
    Descriptor(RawFd, Box<dyn Watch>),
}

/// Why a poller does not do it.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The socket or descriptor is one of its items already.
    #[error("the poller has it already")]
    Twice,
    /// There is no such item.
    #[error("the poller does not have it")]
    Unknown,
    /// There is nothing to wait for, and no end of it.
    #[error("there is nothing to wait for")]
    Endless,
    /// A socket was closed, or its context.
    #[error("a socket was closed, or its context terminated")]
    Terminated,
    /// The system refuses a descriptor.
    #[error("a descriptor cannot be watched: {0}")]
    Descriptor(io::Error),
}

impl PollError {
    /// The number that libzmq gives for this on Linux.
    #[must_use]
    pub fn errno(&self) -> i32 {
        const EFAULT: i32 = 14;
        const EINVAL: i32 = 22;
        const EBADF: i32 = 9;
        match self {
            Self::Twice | Self::Unknown => EINVAL,
            Self::Endless => EFAULT,
            Self::Terminated => zmq_core::error::RecvError::Terminated.errno(),
            Self::Descriptor(why) => why.raw_os_error().unwrap_or(EBADF),
        }
    }
}

impl crate::Context {
    /// A poller without items. Its waiting is timed, and its descriptors are watched, by this context's runtime.
    #[must_use]
    pub fn poller(&self) -> Poller {
        Poller { context: Arc::clone(self.inner()), items: Vec::new(), next: 0, first: 0 }
    }
}

impl Poller {
    /// Watches a socket for messages to receive, and for room to send.
    ///
    /// # Errors
    ///
    /// [`PollError::Twice`] if it is there already.
    pub fn add(&mut self, socket: &Socket, interest: Interest) -> Result<Token, PollError> {
        if self.token_of(socket).is_some() {
            return Err(PollError::Twice);
        }
        Ok(self.insert(What::Socket(socket.clone()), interest))
    }

    /// Watches a descriptor: a socket, a pipe, a terminal. A file is always ready.
    ///
    /// # Errors
    ///
    /// [`PollError::Twice`] if it is there already; [`PollError::Descriptor`] if the system cannot duplicate or watch it.
    pub fn add_fd(&mut self, descriptor: impl AsFd, interest: Interest) -> Result<Token, PollError> {
        let descriptor = descriptor.as_fd();
        let number = descriptor.as_raw_fd();
        if self.token_of_fd(number).is_some() {
            return Err(PollError::Twice);
        }
        let duplicate = descriptor.try_clone_to_owned().map_err(PollError::Descriptor)?;
        let watch = self.context.runtime.watch(0, duplicate).map_err(PollError::Descriptor)?;
        Ok(self.insert(What::Descriptor(number, watch), interest))
    }

    fn insert(&mut self, what: What, interest: Interest) -> Token {
        let token = Token(self.next);
        self.next += 1;
        self.items.push(Item { token, interest, what });
        token
    }

    /// Watches an item for something else from here on.
    ///
    /// # Errors
    ///
    /// [`PollError::Unknown`] if there is no such item.
    pub fn modify(&mut self, token: Token, interest: Interest) -> Result<(), PollError> {
        let item = self.items.iter_mut().find(|item| item.token == token).ok_or(PollError::Unknown)?;
        item.interest = interest;
        Ok(())
    }

    /// Watches an item no more.
    ///
    /// # Errors
    ///
    /// [`PollError::Unknown`] if there is no such item.
    pub fn remove(&mut self, token: Token) -> Result<(), PollError> {
        let place = self.items.iter().position(|item| item.token == token).ok_or(PollError::Unknown)?;
        self.items.remove(place);
        Ok(())
    }

    /// How many items there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is no item.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The token of a socket that is watched.
    #[must_use]
    pub fn token_of(&self, socket: &Socket) -> Option<Token> {
        let same = |item: &&Item| matches!(&item.what, What::Socket(other) if other.is_same(socket));
        self.items.iter().find(same).map(|item| item.token)
    }

    /// The token of a descriptor that is watched.
    #[must_use]
    pub fn token_of_fd(&self, descriptor: RawFd) -> Option<Token> {
        let same = |item: &&Item| matches!(item.what, What::Descriptor(other, _) if other == descriptor);
        self.items.iter().find(same).map(|item| item.token)
    }

    /// Waits until an item is ready, or for `timeout` (`None`: for ever). Gives all that are ready, in the order in which
    /// they were added; none if the time is over.
    ///
    /// # Errors
    ///
    /// [`PollError::Terminated`] if nothing is ready and a socket was closed, or its context. [`PollError::Descriptor`] if
    /// the system fails. [`PollError::Endless`] if there is nothing to wait for, and no end of it.
    pub async fn wait(&mut self, timeout: Option<Duration>) -> Result<Vec<Ready>, PollError> {
        let runtime = &self.context.runtime;
        if timeout.is_none() && self.items.iter().all(|item| item.interest.is_none()) {
            return Err(PollError::Endless);
        }
        let mut timer = timeout.map(|timeout| (runtime.timer(0), runtime.now() + timeout));
        loop {
            let ready = self.look()?;
            if !ready.is_empty() || timeout == Some(Duration::ZERO) {
                return Ok(ready);
            }
            let mut changes = self.changes();
            let any = std::future::poll_fn(|cx| {
                if poll_any(&mut changes, cx) {
                    return Poll::Ready(Any::Changed);
                }
                match &mut timer {
                    Some((timer, deadline)) => timer.poll_until(cx, *deadline).map(|()| Any::TimedOut),
                    None => Poll::Pending,
                }
            });
            if let Any::TimedOut = any.await {
                drop(changes);
                return self.look();
            }
        }
    }

    /// As [`Self::wait`], of one item: each in its turn, however often the others are ready. `None` if the time is over.
    ///
    /// # Errors
    ///
    /// As [`Self::wait`].
    pub async fn wait_one(&mut self, timeout: Option<Duration>) -> Result<Option<Ready>, PollError> {
        let ready = self.wait(timeout).await?;
        let place = |token: Token| self.items.iter().position(|item| item.token == token).unwrap_or(0);
        let turn = |ready: &&Ready| {
            let place = place(ready.token);
            if place < self.first { place + self.items.len() } else { place }
        };
        let next = ready.iter().min_by_key(turn).copied();
        if let Some(next) = next {
            self.first = place(next.token) + 1;
        }
        Ok(next)
    }

    /// What is ready now.
    fn look(&self) -> Result<Vec<Ready>, PollError> {
        let descriptors: Vec<_> = self.items.iter().filter_map(Item::descriptor).collect();
        let found = self.context.runtime.look(&descriptors).map_err(PollError::Descriptor)?;
        let mut found = found.into_iter();
        let mut ready = Vec::new();
        let mut ended = false;
        for item in &self.items {
            let events = match &item.what {
                What::Socket(socket) => {
                    ended |= socket.has_ended() && !item.interest.is_none();
                    socket.readiness(item.interest)
                }
                What::Descriptor(..) => found.next().unwrap_or_default().and(item.interest),
            };
            if !events.is_none() {
                ready.push(Ready { token: item.token, events });
            }
        }
        if ready.is_empty() && ended { Err(PollError::Terminated) } else { Ok(ready) }
    }

    /// What can make items ready.
    fn changes(&self) -> Vec<BoxFuture<'_, ()>> {
        let mut changes: Vec<BoxFuture<'_, ()>> = Vec::new();
        for item in &self.items {
            match &item.what {
                What::Socket(socket) => {
                    if item.interest.intersects(Interest::READABLE) {
                        changes.push(Box::pin(socket.readable()));
                    }
                    if item.interest.intersects(Interest::WRITABLE) {
                        changes.push(Box::pin(socket.writable()));
                    }
                }
                What::Descriptor(..) if item.interest.is_none() => {}
                What::Descriptor(_, watch) => changes.push(watch.changed(item.interest)),
            }
        }
        changes
    }
}

/// Why the poller woke up.
enum Any {
    Changed,
    TimedOut,
}

impl Item {
    fn descriptor(&self) -> Option<(BorrowedFd<'_>, Interest)> {
        match &self.what {
            What::Descriptor(_, watch) => Some((watch.descriptor(), self.interest)),
            What::Socket(_) => None,
        }
    }
}

impl Socket {
    /// What of `interest` this socket is ready for now.
    #[must_use]
    pub fn readiness(&self, interest: Interest) -> Interest {
        let mut ready = Interest::NONE;
        if interest.intersects(Interest::READABLE) && self.can_recv() {
            ready = ready | Interest::READABLE;
        }
        if interest.intersects(Interest::WRITABLE) && self.can_send() {
            ready = ready | Interest::WRITABLE;
        }
        ready
    }
}
