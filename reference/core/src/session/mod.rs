//! A session: the I/O side of one peer, between its link and its pipes.
//!
//! ```text
//!   link ══ Connection ──► inbound pipe ──► pattern
//!                      ◄── outbound pipe ◄──
//!              │  subscriptions, routing ids: Shared
//! ```
//!
//! A peer that was connected to keeps its pipes over any number of connections; a peer that was accepted has them for
//! as long as its connection lasts. Like the connection in it, a session does no I/O.

mod ends;
mod loss;
mod older;
#[cfg(all(test, not(loom)))]
mod tests;

use std::io::IoSlice;
use std::ops::ControlFlow;
use std::sync::Arc;

pub use ends::Ends;

use crate::connection::{Connection, Incoming, Peer, PeerMisbehaved};
use crate::frame::Frame;
use crate::mechanism::Seed;
use crate::mechanism::zap::{Answer, Request};
use crate::options::{Linger, Options};
use crate::pattern::Switch;
use crate::pattern::table::{Direction, Naming, SocketType};
use crate::pipe::Read;
use crate::socket::{Change, Interests, IoSide, Shared, Taken};
use crate::time::Instant;

/// Why a session is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ending {
    /// The peer is at fault.
    #[error(transparent)]
    Misbehaved(#[from] PeerMisbehaved),
    /// Another peer has taken over the peer's routing id.
    #[error("another peer has taken over the routing id")]
    Superseded,
    /// The application closed its socket, and what was to be sent is sent or its time is over.
    #[error("the socket was closed")]
    Finished,
}

/// Which side made the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The peer did.
    Accepted,
    /// We did.
    Dialed,
}

/// What a session is told of the link that it begins on.
#[derive(Debug)]
pub struct Start {
    /// Which side made it.
    pub origin: Origin,
    /// The time.
    pub now: Instant,
    /// What the mechanism needs of entropy.
    pub seed: Seed,
    /// Where the peer comes from, as the handler of ZAP is told and messages carry it: an IP address without port; empty
    /// where there is none.
    pub address: Vec<u8>,
}

/// One connection of one peer.
pub struct Session {
    shared: Arc<Shared>,
    io: Arc<dyn IoSide>,
    origin: Origin,
    options: Arc<Options>,
    connection: Connection,
    ends: Option<Ends>,
    /// The peer, once it is known who it is.
    peer: Option<Box<Peer>>,
    /// Where the peer comes from, without port.
    address: Vec<u8>,
    /// What the handler of ZAP is to be asked.
    question: Option<Box<Request>>,
    /// Whether the last frame of the message that is being sent has not been taken from the pipe yet.
    half_sent: bool,
    incoming: In,
    /// Anything of a message was given to the link.
    sent_any: bool,
    /// A message has come that has no room in the pipe.
    held: bool,
    /// The application's side has closed the outbound pipe, and all of it is taken.
    drained: bool,
    /// The pipe counts as closed where it is empty.
    stopping: bool,
    /// What the application was told of the link.
    told: Told,
}

/// Fewer frames than this behind the one that was awaited: the link has caught up with the application.
const FEW_FRAMES: usize = 64;

/// Whether the link is behind an application that sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Behind,
    CaughtUp,
}

/// Whether the application of a socket without ZMTP was told that the link is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Connected,
}

/// How many changes of subscriptions are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Amount {
    All,
    OneWrite,
}

/// What the frame that comes next belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    /// A new message.
    Nothing,
    /// A message for the application.
    Message,
    /// A message that the socket has no use for.
    Unwanted,
}

impl Session {
    /// A session on a new link. `ends` are those of a peer that was connected to; others get them with the handshake.
    pub fn new(
        shared: Arc<Shared>,
        io: Arc<dyn IoSide>,
        options: Arc<Options>,
        ends: Option<Ends>,
        start: Start,
    ) -> Self {
        let mut connection = Connection::new(shared.socket_type(), Arc::clone(&options), start.seed, start.now);
        connection.in_turn();
        Self {
            shared,
            io,
            origin: start.origin,
            options,
            connection,
            ends,
            peer: None,
            address: start.address,
            question: None,
            half_sent: false,
            incoming: In::Nothing,
            sent_any: false,
            held: false,
            drained: false,
            stopping: false,
            told: Told::Nothing,
        }
    }

    /// Who the peer is, once the handshake is over.
    #[must_use]
    pub fn peer(&self) -> Option<&Peer> {
        self.peer.as_deref()
    }

    /// Whether a step of the handshake that costs much waits for [`Self::grant_turn`]: there may be many who ask for one.
    #[must_use]
    pub fn waits_for_turn(&self) -> bool {
        self.connection.waits_for_turn()
    }

    /// The step may be done, at the next [`Self::deliver`].
    pub fn grant_turn(&mut self) {
        self.connection.grant_turn();
    }

    /// What the handler of ZAP is to be asked now; [`Self::answer`] takes what it says. Nothing is read until then.
    pub fn take_question(&mut self) -> Option<Box<Request>> {
        self.question.take()
    }

    /// What the handler of ZAP says, or that there is none.
    ///
    /// # Errors
    ///
    /// As [`Self::fill`].
    pub fn answer(&mut self, answer: Answer) -> Result<(), Ending> {
        if let Some(incoming) = self.connection.answer(answer)? {
            self.on_incoming(incoming)?;
        }
        self.deliver()
    }

    /// Where the link's octets go; `None` while reading is paused: for room in the pipe, or for the peer to read.
    pub fn spare(&mut self) -> Option<&mut [u8]> {
        if self.is_paused() { None } else { Some(self.connection.spare()) }
    }

    /// Whether nothing is to be read now.
    ///
    /// Reading goes on until a message is at the front that has no room: commands before it are still obeyed. A peer
    /// that sends and does not read would make us keep what we answer.
    pub fn is_paused(&self) -> bool {
        self.held || self.connection.owes_answers() || self.connection.is_asking() || self.connection.waits_for_turn()
    }

    /// `n` octets were read into [`Self::spare`].
    ///
    /// # Errors
    ///
    /// The [`Ending`]; the link is to be closed when what is in [`Self::slices`] is written.
    pub fn fill(&mut self, n: usize, now: Instant) -> Result<(), Ending> {
        self.connection.fill(n, now);
        self.deliver()
    }

    /// Delivers what was read and had no room before.
    ///
    /// # Errors
    ///
    /// As [`Self::fill`].
    pub fn deliver(&mut self) -> Result<(), Ending> {
        let outcome = self.take_all();
        if let Some(ends) = &mut self.ends {
            ends.tell_application();
        }
        outcome
    }

    fn take_all(&mut self) -> Result<(), Ending> {
        loop {
            self.held = !self.has_room();
            if !self.held {
                self.take_messages()?;
                self.held = !self.has_room();
            }
            let next = if self.held { self.connection.next_without_room()? } else { self.connection.next()? };
            match next {
                Some(Incoming::Frame(frame)) => self.on_frame(frame)?,
                Some(incoming) => self.on_incoming(incoming)?,
                None => {
                    self.held = self.held && self.connection.waits_for_room();
                    return Ok(());
                }
            }
        }
    }

    fn on_incoming(&mut self, incoming: Incoming) -> Result<(), Ending> {
        match incoming {
            Incoming::Frame(frame) => self.on_frame(frame),
            Incoming::Change(change) => self.on_change(&change),
            Incoming::Ready(peer) => self.on_ready(peer),
            Incoming::Ask(mut request) => {
                request.address.clone_from(&self.address);
                self.question = Some(request);
                Ok(())
            }
        }
    }

    /// Whole frames of messages, straight into the pipe.
    #[inline]
    fn take_messages(&mut self) -> Result<(), Ending> {
        let Some(ends) = &mut self.ends else { return Ok(()) };
        if self.shared.socket_type().rules().subscriptions == Direction::FromPeer {
            return Ok(());
        }
        let inbound = &mut ends.inbound;
        let incoming = &mut self.incoming;
        self.connection.take_frames(|frame| {
            let more = frame.has_more();
            inbound.write(frame);
            *incoming = if more { In::Message } else { In::Nothing };
            if more || inbound.has_room() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(())
    }

    /// Whether a frame can be delivered: the pipe has room, or nobody listens any more.
    #[inline]
    fn has_room(&mut self) -> bool {
        match &mut self.ends {
            Some(ends) => self.incoming != In::Nothing || ends.inbound.has_room() || ends.inbound.reader_gone(),
            None => true,
        }
    }

    #[inline]
    fn on_frame(&mut self, frame: Frame) -> Result<(), Ending> {
        if self.incoming == In::Nothing {
            match self.shared.socket_type().rules().subscriptions {
                Direction::None | Direction::ToPeer => self.incoming = In::Message,
                Direction::FromPeer => {
                    if let Some(change) = change_in_message(&frame) {
                        self.on_change(&change)?;
                        if frame.has_more() && self.shared.interests().only_first == Switch::On {
                            self.incoming = self.in_message_from_below();
                        }
                        return Ok(());
                    }
                    self.incoming = self.in_message_from_below();
                }
            }
        }
        let more = frame.has_more();
        if self.incoming == In::Message
            && let Some(ends) = &mut self.ends
        {
            ends.inbound.write(frame);
        }
        if !more {
            self.incoming = In::Nothing;
        }
        Ok(())
    }

    /// What becomes of a message of a subscriber.
    fn in_message_from_below(&self) -> In {
        if self.shared.socket_type() == SocketType::XPub { In::Message } else { In::Unwanted }
    }

    /// A peer's subscription takes effect at once, whatever the application is doing.
    // spec: ZMTP31-SUBS-01
    fn on_change(&mut self, change: &Change) -> Result<(), Ending> {
        if self.shared.socket_type().rules().subscriptions != Direction::FromPeer {
            return Ok(());
        }
        let Some(ends) = &mut self.ends else { return Ok(()) };
        if self.incoming == In::Message {
            mark!("PUBSUB-XPUB-13");
            // What an XPUB's application is told of it would end the message.
            return Err(self.misbehaved(PeerMisbehaved::ChangeInMessage));
        }
        let (pass_on, octets) = {
            let mut interests = self.shared.interests();
            (interests.apply(ends.peer(), change), interests.octets(ends.peer()))
        };
        if pass_on && self.shared.socket_type() == SocketType::XPub {
            ends.inbound.write(Interests::notice(change));
        }
        match self.options.max_subscription_octets {
            Some(limit) if limit.get() < octets => {
                Err(self.misbehaved(PeerMisbehaved::TooManySubscriptions { octets, limit: limit.get() }))
            }
            Some(_) | None => Ok(()),
        }
    }

    #[cold]
    fn misbehaved(&mut self, why: PeerMisbehaved) -> Ending {
        self.connection.refuse(&why);
        why.into()
    }

    #[cold]
    fn on_ready(&mut self, peer: Box<Peer>) -> Result<(), Ending> {
        if self.ends.is_none() {
            match self.attach(&peer) {
                Ok(ends) => self.ends = Some(ends),
                Err(why) => return Err(self.misbehaved(why)),
            }
        }
        mark!("ZMTP31-NULL-09", "ZMTP31-MECH-07");
        let ends = self.ends.as_mut().expect("a peer that is ready is attached");
        let mut properties = peer.properties.clone();
        if !self.address.is_empty() {
            properties.push(("Peer-Address".to_owned(), std::mem::take(&mut self.address)));
        }
        ends.info.set(properties);
        let id = ends.peer();
        if self.shared.socket_type() == SocketType::Router && self.options.router_notify.connects {
            ends.inbound.write(Frame::EMPTY);
        }
        for first in self.options.first_messages(self.shared.socket_type()) {
            self.connection.push(first);
            self.sent_any = true;
        }
        if self.shared.socket_type().rules().subscriptions == Direction::ToPeer {
            mark!("PUBSUB-SUB-12", "PUBSUB-XSUB-16");
            self.shared.wanted().link_ready(id, Arc::clone(&self.io));
        }
        let version = peer.version;
        self.peer = Some(peer);
        self.on_ready_of(version)
    }

    // spec: REQREP-ROUTER-06, REQREP-ROUTER-07
    fn attach(&self, peer: &Peer) -> Result<Ends, PeerMisbehaved> {
        let lease = self.shared.peers().lease();
        let mut taken_from = None;
        let routing_id = if self.shared.socket_type().rules().naming == Naming::ById {
            let mut ids = self.shared.routing_ids();
            match &peer.routing_id {
                Some(id) => match ids.claim(id, lease.id(), &self.io) {
                    Ok(before) => {
                        taken_from = before;
                        id.clone()
                    }
                    Err(Taken(_)) => {
                        mark!("REQREP-ROUTER-06");
                        return Err(PeerMisbehaved::IdentityTaken(id.escape_ascii().to_string()));
                    }
                },
                None => ids.generate(lease.id(), &self.io),
            }
        } else {
            Frame::EMPTY
        };
        if let Some(before) = taken_from {
            before.messages_waiting();
        }
        Ok(Ends::attach_as(&self.shared, &self.io, &self.options, lease, routing_id))
    }

    /// Takes messages, subscriptions and cancellations out of the pipe, as many as one write is worth. To be called until
    /// there is no output: only then will the I/O side be told of messages that come later.
    ///
    /// # Errors
    ///
    /// [`Ending::Finished`] when the socket is closed and everything is written.
    pub fn pull(&mut self) -> Result<(), Ending> {
        if self.ends.as_ref().is_some_and(Ends::is_superseded) {
            mark!("REQREP-ROUTER-06");
            return Err(Ending::Superseded);
        }
        if self.connection.is_ready() {
            self.pull_messages();
        } else if self.ends.as_mut().is_none_or(|ends| !ends.has_unsent()) && (self.stopping || self.shared.has_ended())
        {
            // There is nothing to finish the handshake for.
            return Err(Ending::Finished);
        }
        if self.drained && !self.connection.has_output() { Err(Ending::Finished) } else { Ok(()) }
    }

    /// Subscriptions and cancellations that go before the next message, up to what one write is worth or all of them.
    fn push_changes(&mut self, all: Amount) {
        let Some(ends) = &self.ends else { return };
        let mut wanted = self.shared.wanted();
        while all == Amount::All || !self.connection.is_full() {
            let Some(change) = wanted.next_change(ends.peer(), ends.taken) else { break };
            self.connection.push_change(&change);
        }
    }

    #[inline]
    fn pull_messages(&mut self) {
        let subscribes = self.shared.socket_type().rules().subscriptions == Direction::ToPeer;
        let mut pace = Pace::Behind;
        while !self.connection.is_full() {
            let Some(ends) = &mut self.ends else { return };
            let looks = ends.outbound.known() == 0;
            if looks && pace == Pace::CaughtUp {
                // Written is what there is; meanwhile the writer gets ahead.
                break;
            }
            match ends.outbound.read() {
                Read::Frame(frame) => {
                    if looks && ends.outbound.known() < FEW_FRAMES {
                        pace = Pace::CaughtUp;
                    }
                    if subscribes && !self.half_sent {
                        // Whatever was wanted before this message was sent; it may have been so since the last look.
                        self.push_changes(Amount::All);
                    }
                    self.half_sent = frame.has_more();
                    self.sent_any = true;
                    if let Some(ends) = &mut self.ends {
                        ends.taken += u64::from(!self.half_sent);
                    }
                    self.connection.push(frame);
                }
                Read::Empty => {
                    self.drained = self.stopping;
                    break;
                }
                Read::End => {
                    self.drained = true;
                    break;
                }
            }
        }
        if subscribes && !self.half_sent {
            if self.drained && self.shared.socket_type() == SocketType::XSub {
                self.say_farewell();
            }
            self.push_changes(Amount::OneWrite);
        }
        if let Some(ends) = &mut self.ends
            && ends.outbound.room_made()
        {
            self.shared.writable(ends.peer());
        }
    }

    /// The publisher is told that nothing is wanted any more, before the connection is closed.
    // spec: PUBSUB-XSUB-17
    #[cold]
    fn say_farewell(&self) {
        if let Some(ends) = &self.ends {
            self.shared.wanted().link_ends(ends.peer());
        }
    }

    /// The endpoint was given up: the session ends when what waits is sent.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// Whether there is anything to write.
    #[inline]
    #[must_use]
    pub fn has_output(&self) -> bool {
        self.connection.has_output()
    }

    /// Messages in the batch that is being written.
    #[inline]
    #[must_use]
    pub fn batched_messages(&self) -> usize {
        self.connection.batched_messages()
    }

    /// What to write next; returns how many slices are filled.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; Connection::SLICES]) -> usize {
        self.connection.slices(slices)
    }

    /// The first `n` octets of [`Self::slices`] were written.
    pub fn sent(&mut self, n: usize) {
        self.connection.sent(n);
    }

    /// Gives memory back until something comes or goes again.
    pub fn relax(&mut self) {
        self.connection.relax();
    }

    /// Whether anything of a message was given to the link, which the peer may not have read yet.
    #[must_use]
    pub const fn has_sent(&self) -> bool {
        self.sent_any
    }

    /// After the socket was closed: until when its peers may be waited for; `None`: as long as it takes.
    #[must_use]
    pub fn linger_deadline(&self) -> Option<Instant> {
        if self.shared.has_ended() { self.shared.linger_deadline() } else { None }
    }

    /// When [`Self::handle_timeout`] is to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        [self.connection.deadline(), self.linger_deadline()].into_iter().flatten().min()
    }

    /// The time is `now`.
    ///
    /// # Errors
    ///
    /// The [`Ending`]: the peer was silent for too long, or the time to linger is over.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Ending> {
        if self.linger_deadline().is_some_and(|at| at <= now) {
            return Err(Ending::Finished);
        }
        if self.held {
            // It may have spoken, and nobody listened: reading is paused.
            self.connection.excuse_silence(now);
        }
        self.connection.handle_timeout(now).map_err(Ending::from)
    }
}

/// A subscription or cancellation in the form of a message: ZMTP 3.0, and applications of XSUB at any version.
// spec: ZMTP30-SUBS-02
fn change_in_message(frame: &Frame) -> Option<Change> {
    match frame.first() {
        Some(1) => Some(Change::Subscribe(frame.without_first(1))),
        Some(0) => Some(Change::Cancel(frame.without_first(1))),
        Some(_) | None => None,
    }
}

/// When unsent messages are given up, after the socket was closed at `now`.
#[must_use]
pub fn linger_deadline(linger: Linger, now: Instant) -> Option<Instant> {
    match linger {
        Linger::Discard => Some(now),
        Linger::For(time) => Some(now + time),
        Linger::Forever => None,
    }
}
