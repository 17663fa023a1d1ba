//! A connection: octets of one link on one side, frames and commands on the other. It does no I/O.
//!
//! ```text
//!   spare, fill ──►  Input  ──► greeting ──► mechanism ──► traffic ──►  next
//!   slices, sent ◄── Output ◄──────────────────────────────────────◄──  push
//! ```
//!
//! The driver's loop: read into [`Connection::spare`], [`Connection::fill`], take everything with
//! [`Connection::next`]; push, then write [`Connection::slices`] and say [`Connection::sent`]; at
//! [`Connection::deadline`] call [`Connection::handle_timeout`].

mod handshake;
mod heartbeat;
mod input;
mod misbehaviour;
mod old;
mod opening;
mod output;
mod peer;
mod raw;
mod sealed;

use std::io::IoSlice;
use std::ops::ControlFlow;
use std::sync::Arc;

pub use misbehaviour::{HandshakeFailure, OldVersion, PeerMisbehaved};
pub use peer::Peer;

use crate::frame::Frame;
use crate::mechanism::zap::{Answer, Request};
use crate::mechanism::{Asking, Commands, Expect, Next, Seed, Us, begin};
use crate::options::Options;
use crate::pattern::table::{Protocol, SocketType};
use crate::socket::Change;
use crate::time::Instant;
use crate::wire::command::{self, name};
use crate::wire::greeting::{GREETING_OCTETS, Version};
use crate::wire::old::parse_frame;
use crate::wire::{Header, LengthOverflow, flag};
use heartbeat::{Beat, Heartbeats};
use input::Input;
use old::Progress;
use opening::{ExpectGreeting, ExpectOpening, ExpectVersion, Opened};
use output::Output;
use sealed::Sealed;

/// Octets of a command during the handshake at most. READY with a hundred properties fits.
const HANDSHAKE_OCTETS: u64 = 1 << 20;
/// As long as this it may be although messages have to be shorter: CURVE could not begin otherwise.
const HANDSHAKE_LEAST_OCTETS: u64 = 1 << 10;

/// What buffers are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// Some hundred octets, and perhaps never more.
    #[default]
    Handshake,
    /// Whatever is worth a read or a write.
    Traffic,
}

/// One end of a connection.
pub struct Connection {
    socket_type: SocketType,
    options: Arc<Options>,
    input: Input,
    output: Output,
    state: State,
    framing: Framing,
    /// The time that input was last read at.
    now: Instant,
    handshake_deadline: Option<Instant>,
    heartbeats: Heartbeats,
    /// Parts of the message that is coming in.
    parts: u32,
    /// The next frame is a subscription for which there was no room.
    change_waits: bool,
    /// Steps of the handshake that take a long time.
    costly: Costly,
}

/// Whether steps of the handshake that cost much may be done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Costly {
    /// At any time.
    Free,
    /// When it is this connection's turn, which it is not.
    InTurn,
    /// As before, and one waits.
    Waits,
    /// The next one: it is this connection's turn.
    Granted,
}

enum State {
    Opening(ExpectOpening),
    Version(ExpectVersion),
    Greeting(ExpectGreeting),
    /// The mechanism waits for a command.
    Mechanism(Version, Expect),
    /// The mechanism waits for the handler of ZAP.
    Asking(Version, Asking),
    /// The handshake of 1.0 or 2.0.
    Old(old::Expect),
    Traffic(Version),
    /// Traffic in boxes.
    Sealed(Box<Sealed>),
    /// A link without ZMTP, of which nothing was told yet.
    RawStart,
    /// Octets as they come and go.
    Raw,
    /// Nothing more is read.
    Closing,
}

/// What stands around the octets of a frame on this link, as far as it is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// Flags and a length; there are commands.
    V3,
    /// As 3.x, without commands.
    V2,
    /// A length and flags.
    V1,
    /// Nothing: what is pushed is written as it is.
    Raw,
    /// A box.
    Sealed,
}

/// What is taken of that which has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Take {
    Everything,
    WithoutRoom,
}

/// What a connection brings.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The handler of ZAP is to be asked, and [`Connection::answer`] called. Nothing more comes until then.
    Ask(Box<Request>),
    /// The handshake is over; messages may be pushed from here on.
    Ready(Box<Peer>),
    /// A frame of a message.
    Frame(Frame),
    /// A subscription or its cancellation, as a command.
    Change(Change),
}

impl Connection {
    /// Slices that [`Self::slices`] fills at most.
    pub const SLICES: usize = Output::SLICES;

    /// A connection that begins to talk. `seed` is what its mechanism needs of entropy.
    #[must_use]
    pub fn new(socket_type: SocketType, options: impl Into<Arc<Options>>, seed: Seed, now: Instant) -> Self {
        let options = options.into();
        let mut output = Output::default();
        let (state, framing, handshake_timeout) = match socket_type.rules().protocol {
            Protocol::Zmtp => {
                let opening = State::Opening(ExpectOpening::begin(seed, &options, &mut output));
                (opening, Framing::V3, options.handshake_timeout)
            }
            Protocol::Raw => (State::RawStart, Framing::Raw, None),
        };
        let handshake_deadline = handshake_timeout.map(|timeout| now + timeout);
        Self {
            socket_type,
            options,
            input: Input::default(),
            output,
            state,
            framing,
            now,
            handshake_deadline,
            heartbeats: Heartbeats::default(),
            parts: 0,
            change_waits: false,
            costly: Costly::Free,
        }
    }

    /// Where the link's octets go. Never empty.
    pub fn spare(&mut self) -> &mut [u8] {
        self.input.spare()
    }

    /// `n` octets were read into [`Self::spare`].
    pub fn fill(&mut self, n: usize, now: Instant) {
        self.now = now;
        self.input.fill(n);
        self.heartbeats.heard(now);
    }

    /// Gives memory back that is not needed until something comes or goes again.
    pub fn relax(&mut self) {
        self.input.relax();
        self.output.relax();
        if let State::Sealed(sealed) = &mut self.state {
            sealed.relax();
        }
    }

    /// The next thing that has come; `None` if there is nothing more in what was read.
    ///
    /// # Errors
    ///
    /// [`PeerMisbehaved`]: the connection is to be closed, after what is in [`Self::slices`] is written. Everything
    /// that came before has been given out.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "an iterator could not say why the connection has to end")]
    pub fn next(&mut self) -> Result<Option<Incoming>, PeerMisbehaved> {
        self.next_of(Take::Everything)
    }

    /// As [`Self::next`], but stops before what needs room in the pipe to the application, which stays: a frame of a message,
    /// and at an XPUB a subscription or cancellation.
    ///
    /// # Errors
    ///
    /// As [`Self::next`].
    pub fn next_without_room(&mut self) -> Result<Option<Incoming>, PeerMisbehaved> {
        self.change_waits = false;
        self.next_of(Take::WithoutRoom)
    }

    #[inline]
    fn next_of(&mut self, take: Take) -> Result<Option<Incoming>, PeerMisbehaved> {
        let next = match self.state {
            State::Traffic(Version::V3_0 | Version::V3_1) => self.next_in_traffic(take),
            State::Traffic(Version::V1_0 | Version::V2_0) => self.next_in_old_traffic(take),
            State::Sealed(_) => self.next_sealed(take),
            State::Opening(_)
            | State::Version(_)
            | State::Greeting(_)
            | State::Mechanism(..)
            | State::Old(_)
            | State::RawStart => self.next_in_handshake(),
            State::Raw => Ok(self.next_raw(take)),
            State::Asking(..) | State::Closing => Ok(None),
        };
        next.inspect_err(|why| self.on_misbehaviour(why))
    }

    /// Whether [`Self::next_without_room`] stopped before something; of a message, a part may have come.
    #[must_use]
    pub fn waits_for_room(&self) -> bool {
        if let State::Sealed(sealed) = &self.state {
            return sealed.holds();
        }
        let next = self.input.unread().first();
        self.change_waits
            || self.is_ready() && next.is_some_and(|flags| self.framing != Framing::V3 || flags & flag::COMMAND == 0)
    }

    #[inline]
    fn next_in_traffic(&mut self, take: Take) -> Result<Option<Incoming>, PeerMisbehaved> {
        loop {
            let Some((header, body)) = self.whole_frame(self.frame_limit())? else { return Ok(None) };
            if header.flags & flag::COMMAND == 0 {
                if take == Take::WithoutRoom {
                    return Ok(None);
                }
                let frame = self.input.take_frame(header.octets, body);
                if header.flags & flag::MORE == 0 {
                    self.parts = 0;
                    return Ok(Some(Incoming::Frame(frame)));
                }
                self.count_part()?;
                return Ok(Some(Incoming::Frame(frame.more())));
            }
            if self.output.owes_answers() {
                return Ok(None);
            }
            if take == Take::WithoutRoom && self.is_notice(&header) {
                self.change_waits = true;
                return Ok(None);
            }
            let command = self.input.take_frame(header.octets, body);
            if let Some(change) = self.on_command(&command)? {
                return Ok(Some(Incoming::Change(change)));
            }
        }
    }

    /// Gives `take` the frames of messages that have come, until it breaks off or something else is next, which
    /// [`Self::next`] tells. The quick way for the bulk of the traffic.
    ///
    /// # Errors
    ///
    /// As [`Self::next`].
    #[inline(always)]
    pub fn take_frames(&mut self, mut take: impl FnMut(Frame) -> ControlFlow<()>) -> Result<(), PeerMisbehaved> {
        let State::Traffic(Version::V2_0 | Version::V3_0 | Version::V3_1) = self.state else { return Ok(()) };
        let limit = self.frame_limit();
        let most = self.options.max_parts.get();
        let mut parts = self.parts;
        self.input.take_frames(limit, |frame| {
            parts = if frame.has_more() { parts + 1 } else { 0 };
            if parts == most { ControlFlow::Break(()) } else { take(frame) }
        });
        self.parts = parts;
        if parts == most {
            let why = PeerMisbehaved::TooManyParts { limit: most };
            self.on_misbehaviour(&why);
            return Err(why);
        }
        Ok(())
    }

    fn frame_limit(&self) -> u64 {
        self.options.max_frame_octets.unwrap_or(u64::MAX)
    }

    /// The next header and the length of its body, if all of the frame has come.
    #[inline]
    fn whole_frame(&mut self, limit: u64) -> Result<Option<(Header, usize)>, PeerMisbehaved> {
        let unread = self.input.unread();
        let header = match self.framing {
            Framing::V3 | Framing::V2 | Framing::Sealed => Header::parse(unread),
            Framing::V1 | Framing::Raw => parse_frame(unread),
        };
        let header = match header {
            Ok(Some(header)) => header,
            Ok(None) => return Ok(None),
            Err(LengthOverflow(octets)) => {
                return Err(PeerMisbehaved::FrameTooLong { octets, limit: limit.min(u64::MAX >> 1) });
            }
        };
        if header.body > limit {
            return Err(PeerMisbehaved::FrameTooLong { octets: header.body, limit });
        }
        // What no memory can hold is never whole; it is waited for all the same, and costs nothing.
        let body = usize::try_from(header.body).unwrap_or(usize::MAX);
        let octets = body.saturating_add(header.octets);
        if unread.len() < octets {
            self.input.need(octets);
            return Ok(None);
        }
        Ok(Some((header, body)))
    }

    /// Whether the command that is next, which has come whole, becomes a message to the application.
    #[cold]
    fn is_notice(&self, header: &Header) -> bool {
        self.input.unread().get(header.octets..).is_some_and(|body| self.becomes_message(body))
    }

    fn count_part(&mut self) -> Result<(), PeerMisbehaved> {
        self.parts += 1;
        if self.parts < self.options.max_parts.get() {
            Ok(())
        } else {
            Err(PeerMisbehaved::TooManyParts { limit: self.options.max_parts.get() })
        }
    }

    /// Commands that are not known are ignored, so that later versions can add some.
    // spec: ZMTP31-CMDS-02, ZMTP31-PING-05, ZMTP31-PING-06
    #[cold]
    fn on_command(&mut self, command: &Frame) -> Result<Option<Change>, PeerMisbehaved> {
        mark!("ZMTP31-CMDS-02");
        match command::parse(command) {
            Some((name::PING, data)) => {
                let context = self.heartbeats.on_ping(data, self.now)?;
                self.output.count_answer(name::PONG.len() + context.len());
                mark!("ZMTP31-PING-06");
                self.push_command(name::PONG, context);
                Ok(None)
            }
            Some((name::PONG, data)) => Heartbeats::on_pong(data).map(|()| None),
            Some((name::SUBSCRIBE, topic)) => {
                mark!("ZMTP31-SUBS-02", "ZMTP31-SUBS-03");
                Ok(Some(Change::Subscribe(command.without_first(command.len() - topic.len()))))
            }
            Some((name::CANCEL, topic)) => {
                mark!("ZMTP31-SUBS-04", "ZMTP31-SUBS-05");
                Ok(Some(Change::Cancel(command.without_first(command.len() - topic.len()))))
            }
            Some(_) | None => Ok(None),
        }
    }

    /// Nothing more is read, and the peer is told why where the RFC asks for it and the peer knows commands.
    // spec: ZMTP20-COMPAT-10
    #[cold]
    fn on_misbehaviour(&mut self, why: &PeerMisbehaved) {
        mark!("ZMTP31-ERROR-03");
        if let Some(reason) = why.error_reason()
            && matches!(self.framing, Framing::V3 | Framing::Sealed)
        {
            mark!("ZMTP31-SOCKTYPE-21");
            self.push_command(name::ERROR, &command::error_data(reason));
        }
        self.state = State::Closing;
    }

    /// Refuses the peer for a reason that lies outside of this connection, as if [`Self::next`] had found it.
    pub fn refuse(&mut self, why: &PeerMisbehaved) {
        self.on_misbehaviour(why);
    }

    /// Whether messages may be pushed.
    #[inline]
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.state, State::Traffic(_) | State::Sealed(_) | State::Raw)
    }

    /// Appends a frame to what is written next. Only when [`Self::is_ready`].
    #[inline]
    pub fn push(&mut self, frame: Frame) {
        match self.framing {
            Framing::V3 | Framing::V2 => self.output.push(frame),
            Framing::V1 => self.push_old(frame),
            Framing::Raw => self.push_raw(frame),
            Framing::Sealed => self.push_sealed(&frame),
        }
    }

    /// Whether enough is to be written that pushing more should wait.
    #[inline]
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.output.is_full()
    }

    /// Whether the peer has to take answers to its commands before it is read on.
    #[inline]
    #[must_use]
    pub fn owes_answers(&self) -> bool {
        self.output.owes_answers()
    }

    /// Whether there is anything to write.
    #[inline]
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Messages in what is to be written, or was written since there was nothing to write.
    #[inline]
    #[must_use]
    pub fn batched_messages(&self) -> usize {
        self.output.messages()
    }

    /// What to write next; returns how many slices are filled.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; Self::SLICES]) -> usize {
        self.output.slices(slices)
    }

    /// The first `n` octets of [`Self::slices`] were written.
    pub fn sent(&mut self, n: usize) {
        self.output.sent(n);
    }

    /// Reading was paused until `now`, so the peer is not to blame for its silence.
    pub fn excuse_silence(&mut self, now: Instant) {
        self.heartbeats.heard(now);
    }

    /// When [`Self::handle_timeout`] is to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        [self.handshake_deadline, self.heartbeats.deadline()].into_iter().flatten().min()
    }

    /// The time is `now`.
    ///
    /// # Errors
    ///
    /// [`PeerMisbehaved`] if the peer was silent for too long: the connection is to be closed.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), PeerMisbehaved> {
        if let (Some(at), Some(timeout)) = (self.handshake_deadline, self.options.handshake_timeout)
            && at <= now
        {
            self.state = State::Closing;
            return Err(PeerMisbehaved::HandshakeTimeout(timeout));
        }
        match self.heartbeats.on_time(now)? {
            Beat::Nothing => {}
            Beat::Ping => {
                let data = self.heartbeats.ping();
                self.push_command(name::PING, &data);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod noise;
#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;
