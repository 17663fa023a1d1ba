//! A socket: its pattern under a short lock, and what the I/O sides share with it.
//!
//! ```text
//!   application ──► Socket { Mutex<Pattern> } ──► Outbound ═ pipe ═► link
//!                      ▲ mailbox, parking     ◄── Inbound  ◄═ pipe ═ link
//!                      └────────────── Shared ──────────────────────┘
//! ```
//!
//! The lock is held while a message goes into a pipe or comes out of one, and never while something is awaited. Other
//! ends are told when it is released: see [`Effects`].

mod effects;
mod interests;
pub mod joining;
#[cfg(all(test, loom))]
mod loom_tests;
mod mailbox;
mod parking;
mod peer;
mod peers;
mod routing_ids;
mod shared;
mod sync;
mod wanted;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use effects::{Effects, IoSide, Patience};
pub use interests::Interests;
pub use mailbox::{Letter, Mailbox};
pub use parking::{Parking, Place, Ticket};
pub use peer::{Attachment, Inbound, Outbound, PeerId, PeerInfo, Pop, Properties};
pub use peers::{Lease, PeerIds, PeerMap};
pub use routing_ids::{RoutingIds, Taken};
pub use shared::Shared;
pub use wanted::{Change, Wanted};

use crate::error::{RecvError, SendError, Unsent};
use crate::message::Message;
use crate::options::Options;
use crate::pattern::table::SocketType;
use crate::pattern::{Pattern, PatternOption, Unsupported};

/// A socket, as the application's side has it. All calls return at once.
pub struct Socket {
    shared: Arc<Shared>,
    side: Mutex<Side>,
}

struct Side {
    /// `None` once the socket has ended.
    pattern: Option<Box<dyn Pattern>>,
    /// Between the end and the closing: its pipes stay, so that what is in them is sent.
    ended: Option<Box<dyn Pattern>>,
    letters: VecDeque<Letter>,
}

impl Socket {
    /// A socket without peers. `first_routing_id` is drawn at random; a ROUTER counts its own ids from there.
    #[must_use]
    pub fn new(socket_type: SocketType, options: Options, first_routing_id: u32) -> Self {
        let shared = Arc::new(Shared::new(socket_type, options, first_routing_id));
        let pattern = (socket_type.rules().make)(Arc::clone(&shared));
        Self { shared, side: Mutex::new(Side { pattern: Some(pattern), ended: None, letters: VecDeque::new() }) }
    }

    /// What the I/O sides see of it.
    #[must_use]
    pub const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Sends the message as a whole, or not at all.
    ///
    /// # Errors
    ///
    /// [`Unsent`]: the message, and why. [`SendError::WouldBlock`] if a later attempt can succeed: park with
    /// [`Shared::senders`], then try again.
    #[inline]
    pub fn try_send(&self, message: Message) -> Result<(), Unsent> {
        let mut effects = Effects::default();
        let sent = match self.lock(&mut effects).pattern.as_mut() {
            Some(pattern) => pattern.send(message, &mut effects),
            None => Err(Unsent { message, why: SendError::Terminated }),
        };
        let again = effects.wants_another_look();
        effects.run();
        match sent {
            Err(Unsent { message, why: SendError::WouldBlock }) if self.shared.has_ended() => {
                Err(Unsent { message, why: SendError::Terminated })
            }
            Err(Unsent { message, why: SendError::WouldBlock }) if again => {
                self.shared.senders().wake_one();
                Err(Unsent { message, why: SendError::WouldBlock })
            }
            sent => sent,
        }
    }

    /// The next message.
    ///
    /// # Errors
    ///
    /// [`RecvError::WouldBlock`] if one may come: park with [`Shared::receivers`], then try again.
    #[inline]
    pub fn try_recv(&self) -> Result<Message, RecvError> {
        let mut effects = Effects::default();
        let received = match self.lock(&mut effects).pattern.as_mut() {
            Some(pattern) => pattern.recv(&mut effects),
            None => Err(RecvError::Terminated),
        };
        let again = effects.wants_another_look();
        effects.run();
        if received == Err(RecvError::WouldBlock) {
            return Err(self.nothing_received(again));
        }
        received
    }

    /// The next message, and who sent it.
    ///
    /// # Errors
    ///
    /// As [`Self::try_recv`].
    pub fn try_recv_from(&self) -> Result<(Message, PeerInfo), RecvError> {
        let mut effects = Effects::default();
        let received = match self.lock(&mut effects).pattern.as_mut() {
            Some(pattern) => {
                pattern.recv(&mut effects).map(|message| (message, pattern.sender().cloned().unwrap_or_default()))
            }
            None => Err(RecvError::Terminated),
        };
        let again = effects.wants_another_look();
        effects.run();
        match received {
            Err(RecvError::WouldBlock) => Err(self.nothing_received(again)),
            received => received,
        }
    }

    /// Why nothing was received. If the call gave up before it had seen everything, whoever waits is woken to go on.
    fn nothing_received(&self, again: bool) -> RecvError {
        if self.shared.has_ended() {
            return RecvError::Terminated;
        }
        if again {
            self.shared.receivers().wake_one();
        }
        RecvError::WouldBlock
    }

    /// Whether [`Self::try_send`] of a proper message would succeed now.
    #[must_use]
    pub fn can_send(&self) -> bool {
        self.with_pattern(|pattern, effects| pattern.can_send(effects)).unwrap_or(false)
    }

    /// Whether [`Self::try_recv`] would succeed now.
    #[must_use]
    pub fn can_recv(&self) -> bool {
        self.with_pattern(|pattern, effects| pattern.can_recv(effects)).unwrap_or(false)
    }

    /// Sets an option that only some types have.
    ///
    /// # Errors
    ///
    /// [`Unsupported`] if this type does not have it.
    pub fn set(&self, option: PatternOption) -> Result<(), Unsupported> {
        self.with_pattern(|pattern, effects| pattern.set(option, effects)).unwrap_or(Ok(()))
    }

    /// Takes note of peers that came and went, without waiting for the application's next call: where no link lies between
    /// two sockets, a subscriber tells its publishers here what it wants.
    pub fn attend(&self) {
        self.with_pattern(|_, _| ()).unwrap_or(());
    }

    fn with_pattern<T>(&self, call: impl FnOnce(&mut dyn Pattern, &mut Effects) -> T) -> Option<T> {
        let mut effects = Effects::default();
        let result = self.lock(&mut effects).pattern.as_mut().map(|pattern| call(&mut **pattern, &mut effects));
        let again = effects.wants_another_look();
        effects.run();
        if again {
            self.shared.senders().wake_one();
            self.shared.receivers().wake_one();
        }
        result
    }

    /// Ends every call, those that wait and all later ones, with `Terminated`, also where a message waits. What is unsent is
    /// sent all the same; the socket is still to be closed.
    pub fn end(&self) {
        {
            let mut side = self.side.lock().unwrap_or_else(PoisonError::into_inner);
            let side = &mut *side;
            if side.ended.is_none() {
                side.ended = side.pattern.take();
            }
        }
        self.shared.end();
    }

    /// Closes the application's side: pipes end behind their last message, calls that wait end with `Terminated`.
    pub fn close(&self) {
        self.shared.end();
        let (patterns, letters) = {
            let mut side = self.side.lock().unwrap_or_else(PoisonError::into_inner);
            let letters = (std::mem::take(&mut side.letters), self.shared.mailbox().close());
            ((side.pattern.take(), side.ended.take()), letters)
        };
        // Dropping the ends of pipes tells their other ends, which must not happen under the lock.
        drop((patterns, letters));
    }

    /// The application's side, after what its mailbox told.
    #[inline]
    fn lock(&self, effects: &mut Effects) -> MutexGuard<'_, Side> {
        let mut side = self.side.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shared.mailbox().has_any() {
            side.read_letters(&self.shared, effects);
        }
        side
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.close();
    }
}

impl Side {
    #[cold]
    fn read_letters(&mut self, shared: &Shared, effects: &mut Effects) {
        let Some(pattern) = self.pattern.as_mut() else { return };
        shared.mailbox().take(&mut self.letters);
        for letter in self.letters.drain(..) {
            match letter {
                Letter::Attached(attachment) => pattern.attach(*attachment, effects),
                Letter::Detached(peer) => pattern.detach(peer, effects),
                Letter::Readable(peer) => pattern.readable(peer, effects),
                Letter::Writable(peer) => pattern.writable(peer),
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::*;
    use crate::frame::Frame;
    use crate::pattern::testing::peer;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// However much a peer sends that is thrown away, a call comes back, and who waits is told to try again.
    #[test]
    fn a_call_ends_whatever_peers_send_and_is_made_again() {
        for (socket_type, wanted) in [(SocketType::Sub, "wanted"), (SocketType::Rep, "")] {
            let socket = Socket::new(socket_type, Options::default(), 1);
            if socket_type == SocketType::Sub {
                socket.set(PatternOption::Subscribe(b"wanted".to_vec())).unwrap();
            }
            let (attachment, mut far) = peer(socket.shared(), "", 0);
            socket.shared().attach(attachment);
            (0..10_000).for_each(|_| assert!(far.send("useless")));
            assert!(far.send(Message::from([wanted, "body"])));
            let wakes = Arc::<Wakes>::default();
            let mut ticket = socket.shared().receivers().ticket();
            let mut calls = 0;
            let received = loop {
                ticket.park(&Waker::from(Arc::clone(&wakes)));
                let before = wakes.0.load(Ordering::Relaxed);
                match socket.try_recv() {
                    Ok(message) => break message,
                    Err(why) => assert_eq!(why, RecvError::WouldBlock),
                }
                calls += 1;
                assert_eq!(wakes.0.load(Ordering::Relaxed), before + 1, "nobody would call again");
            };
            assert_eq!(calls, 10, "a thousand are thrown away by each call");
            assert_eq!(received.iter().last().map(Frame::len), Some(4));
        }
    }

    /// Peers that come and go unseen, and leave nothing to receive, leave nothing in the mailbox.
    #[test]
    fn peers_that_nobody_saw_leave_no_letters() {
        let socket = Socket::new(SocketType::Pull, Options::default(), 1);
        for message in [None, Some("for the application")] {
            let (attachment, mut far) = peer(socket.shared(), "", 0);
            let id = attachment.peer;
            socket.shared().attach(attachment);
            if let Some(message) = message {
                assert!(far.send(message));
            }
            socket.shared().detach_closed(id);
            assert_eq!(socket.shared().mailbox().has_any(), message.is_some());
        }
        assert_eq!(socket.try_recv(), Ok(Message::from("for the application")));
    }
}
