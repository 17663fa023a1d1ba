//! What a socket's application side and its I/O sides share, beside the pipes.
//!
//! Each part has a lock of its own, held for a few instructions and never while another is taken. What has to happen
//! although the application does not call (a new connection gets its subscriptions, a peer's subscription takes
//! effect, a second peer of the same routing id is refused) happens here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::interests::Interests;
use super::mailbox::{Letter, Mailbox};
use super::parking::Parking;
use super::peer::{Attachment, PeerId};
use super::peers::PeerIds;
use super::routing_ids::RoutingIds;
use super::wanted::Wanted;
use crate::options::Options;
use crate::pattern::table::{Direction, SocketType};
use crate::time::Instant;

/// The shared state of one socket.
pub struct Shared {
    socket_type: SocketType,
    drawn: u32,
    options: Mutex<Arc<Options>>,
    peers: Arc<PeerIds>,
    mailbox: Mailbox,
    receivers: Parking,
    senders: Parking,
    wanted: Mutex<Wanted>,
    interests: Mutex<Interests>,
    routing_ids: Mutex<RoutingIds>,
    ended: AtomicBool,
    linger_deadline: Mutex<Option<Instant>>,
}

impl Shared {
    /// The state of a new socket. `first_routing_id`, drawn at random, is where a ROUTER begins to count the ids that it
    /// makes itself and a REQ its requests, and the seed by which a PUB finds topics.
    #[must_use]
    pub fn new(socket_type: SocketType, options: Options, first_routing_id: u32) -> Self {
        Self {
            socket_type,
            drawn: first_routing_id,
            options: Mutex::new(Arc::new(options)),
            peers: Arc::default(),
            mailbox: Mailbox::default(),
            receivers: Parking::default(),
            senders: Parking::default(),
            wanted: Mutex::default(),
            interests: Mutex::new(Interests::seeded(first_routing_id.into())),
            routing_ids: Mutex::new(RoutingIds::new(first_routing_id)),
            ended: AtomicBool::new(false),
            linger_deadline: Mutex::default(),
        }
    }

    /// The socket's type.
    #[must_use]
    pub const fn socket_type(&self) -> SocketType {
        self.socket_type
    }

    /// What was drawn at random for this socket.
    #[must_use]
    pub const fn drawn(&self) -> u32 {
        self.drawn
    }

    /// The options as they are now.
    #[must_use]
    pub fn options(&self) -> Arc<Options> {
        Arc::clone(&lock(&self.options))
    }

    /// [`Options::affinity`] as it is now.
    #[must_use]
    pub fn affinity(&self) -> u64 {
        lock(&self.options).affinity
    }

    /// Changes options for what is bound or connected from here on.
    pub fn change_options(&self, change: impl FnOnce(&mut Options)) {
        change(Arc::make_mut(&mut lock(&self.options)));
    }

    /// The ids of this socket's peers.
    #[must_use]
    pub const fn peers(&self) -> &Arc<PeerIds> {
        &self.peers
    }

    /// Where I/O sides leave their news.
    #[must_use]
    pub const fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Who waits to receive.
    #[must_use]
    pub const fn receivers(&self) -> &Parking {
        &self.receivers
    }

    /// Who waits to send.
    #[must_use]
    pub const fn senders(&self) -> &Parking {
        &self.senders
    }

    /// What this SUB or XSUB wants of its publishers.
    pub fn wanted(&self) -> MutexGuard<'_, Wanted> {
        lock(&self.wanted)
    }

    /// What the subscribers of this PUB or XPUB want.
    pub fn interests(&self) -> MutexGuard<'_, Interests> {
        lock(&self.interests)
    }

    /// How many different topics this PUB or XPUB is asked for, or this SUB or XSUB asks for; `None` for other types.
    #[must_use]
    pub fn topics(&self) -> Option<usize> {
        match self.socket_type.rules().subscriptions {
            Direction::None => None,
            Direction::ToPeer => Some(self.wanted().len()),
            Direction::FromPeer => Some(self.interests().topics()),
        }
    }

    /// The peers of this ROUTER by their routing ids.
    pub fn routing_ids(&self) -> MutexGuard<'_, RoutingIds> {
        lock(&self.routing_ids)
    }

    /// A peer has come.
    pub fn attach(&self, attachment: Attachment) {
        self.mailbox.post(Letter::Attached(Box::new(attachment)));
        self.senders.wake_one();
        self.receivers.wake_one();
    }

    /// Nothing can be sent to this peer any more.
    pub fn detach(&self, peer: PeerId) {
        self.mailbox.post(Letter::Detached(peer));
        // REQ may receive or send differently without its peer.
        self.senders.wake_one();
        self.receivers.wake_one();
    }

    /// As [`Self::detach`], of a peer whose pipes are closed at their other ends. If nobody has seen it, nobody is told.
    pub fn detach_closed(&self, peer: PeerId) {
        match self.mailbox.take_back(peer) {
            Some(unseen) => drop(unseen),
            None => self.detach(peer),
        }
    }

    /// The pipe from this peer has something again.
    pub fn readable(&self, peer: PeerId) {
        self.mailbox.post(Letter::Readable(peer));
        self.receivers.wake_one();
    }

    /// The pipe to this peer has room again.
    pub fn writable(&self, peer: PeerId) {
        self.mailbox.post(Letter::Writable(peer));
        self.senders.wake_one();
    }

    /// The socket or its context has ended: calls on it end with `Terminated`.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.senders.wake_all();
        self.receivers.wake_all();
    }

    /// When sessions give up what is unsent, after [`Self::end`]; `None`: never.
    pub fn set_linger_deadline(&self, deadline: Option<Instant>) {
        *lock(&self.linger_deadline) = deadline;
    }

    /// When sessions give up what is unsent, after [`Self::end`]; `None`: never.
    #[must_use]
    pub fn linger_deadline(&self) -> Option<Instant> {
        *lock(&self.linger_deadline)
    }

    /// Whether it has ended.
    #[inline]
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

/// A thread that panicked under one of these locks left nothing half done that matters more than going on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
