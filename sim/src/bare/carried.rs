//! A session on its stream: read, let the session decide, write. Nothing is decided here.

use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

use zmq_core::connection::Connection;
use zmq_core::dial::Why;
use zmq_core::mechanism::Seed;
use zmq_core::options::Options;
use zmq_core::session::{Ending, Ends, Origin, Session, Start};
use zmq_core::socket::{IoSide, Shared};
use zmq_core::time::Instant;
use zmq_world::{Address, Credentials, Errno, StreamId};

use super::io::EventKind;
use super::task::Cx;

/// Reads of one turn. Then others have theirs.
const READS: usize = 4;
/// Writes of one turn.
const WRITES: usize = 4;
/// A busy connection gives its memory back once in so many turns.
const RELAX: u64 = 16;
/// How long an ended connection waits for the peer to read what was sent, and to close.
const FAREWELL: Duration = Duration::from_millis(500);

/// What a task carries.
pub(super) struct Carried {
    /// In a place of its own: it is large, and tasks are moved.
    session: Box<Session>,
    stream: StreamId,
    phase: Phase,
}

#[derive(Clone, Copy)]
enum Phase {
    Handshake,
    Traffic,
    /// All is sent. What the peer still sends is read until it closes as well, or until then: to close with octets
    /// unread would have the system throw away what is on its way to the peer.
    Farewell(Instant, Was),
}

/// Whether there was traffic.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Was {
    Ready,
    Unready,
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// By the session's own decision.
    Ended(Ending),
    /// The peer closed it.
    PeerClosed,
    /// The network did.
    Broken,
}

/// Whether of what was read something may not have been delivered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    Left,
    Delivered,
}

impl Input {
    #[inline]
    fn of(session: &Session) -> Self {
        if session.is_paused() { Self::Left } else { Self::Delivered }
    }
}

#[derive(PartialEq, Eq)]
enum Read {
    /// As much as there was room for. There may be more.
    Full,
    /// All that there was.
    Everything,
    /// Nothing is to be read now.
    Paused,
    /// There was nothing.
    Nothing,
}

enum Written {
    Everything,
    Blocked,
}

impl Carried {
    /// Begins a session on a new stream.
    pub(super) fn new(
        cx: &mut Cx<'_>,
        shared: &Arc<Shared>,
        options: &Arc<Options>,
        ends: Option<Ends>,
        (origin, stream): (Origin, StreamId),
    ) -> Self {
        let world = &mut cx.io.world;
        let address = match (world.peer_addr(stream), world.credentials(stream)) {
            (Ok(Address::Tcp(address)), _) => address.ip().to_string(),
            (_, Some(Credentials { process, user, group })) => format!("localhost:{user}:{group}:{process}"),
            (Ok(Address::Path(_) | Address::Abstract(_) | Address::Unnamed) | Err(_), None) => String::new(),
        };
        let seed = Seed::draw(&options.security, |octets| world.random(cx.me.host, octets));
        let start = Start { origin, now: cx.now(), seed, address: address.into_bytes() };
        let io: Arc<dyn IoSide> = Arc::clone(&cx.me.bell) as _;
        let session = Box::new(Session::new(Arc::clone(shared), io, Arc::clone(options), ends, start));
        cx.io.own_stream(stream, cx.me.token);
        // What came before somebody looked has been told already.
        *cx.is_readable = true;
        Self { session, stream, phase: Phase::Handshake }
    }

    /// Carries what there is to carry; how it ended, when it has.
    #[inline]
    pub(super) fn run(&mut self, cx: &mut Cx<'_>) -> Option<Outcome> {
        let outcome = match self.phase {
            Phase::Farewell(until, _) => return self.say_farewell(cx, until),
            Phase::Handshake | Phase::Traffic => match self.carry(cx) {
                Ok(()) => return None,
                Err(outcome) => outcome,
            },
        };
        if let Outcome::Ended(Ending::Finished) = outcome
            && cx.io.world.finish(self.stream).is_ok()
            && self.session.has_sent()
        {
            let until = cx.now() + FAREWELL;
            let until = self.session.linger_deadline().map_or(until, |at| at.min(until));
            self.phase = Phase::Farewell(until, self.was());
            return self.say_farewell(cx, until);
        }
        Some(outcome)
    }

    const fn was(&self) -> Was {
        match self.phase {
            Phase::Handshake => Was::Unready,
            Phase::Traffic => Was::Ready,
            Phase::Farewell(_, was) => was,
        }
    }

    /// The connection is over: gives back the pipes of a peer that keeps them, and why it is over.
    pub(super) fn end(self, cx: &mut Cx<'_>, outcome: &Outcome) -> (Option<Ends>, Why) {
        let was_ready = self.session.peer().is_some();
        match outcome {
            Outcome::Ended(Ending::Misbehaved(why)) if !was_ready => {
                cx.emit(EventKind::failed(&why.handshake_failure()));
            }
            Outcome::Ended(_) => {}
            Outcome::PeerClosed | Outcome::Broken if was_ready => {}
            Outcome::PeerClosed | Outcome::Broken => cx.emit(EventKind::HandshakeInterrupted),
        }
        cx.emit(EventKind::Disconnected);
        cx.io.world.close(self.stream);
        let why = match outcome {
            Outcome::Ended(ending) => Why::ended(Some(ending), was_ready),
            Outcome::PeerClosed | Outcome::Broken => Why::ended(None, was_ready),
        };
        (self.session.into_ends(), why)
    }

    fn say_farewell(&mut self, cx: &mut Cx<'_>, until: Instant) -> Option<Outcome> {
        let finished = Some(Outcome::Ended(Ending::Finished));
        let mut ignored = [0; 4096];
        loop {
            match cx.io.world.read(self.stream, &mut ignored) {
                Ok(1..) => {}
                Err(Errno::WouldBlock) if cx.now() < until => {
                    cx.arm(until);
                    return None;
                }
                Ok(0) | Err(_) => return finished,
            }
        }
    }

    #[inline]
    fn carry(&mut self, cx: &mut Cx<'_>) -> Result<(), Outcome> {
        if cx.is_stopping {
            self.session.stop();
        }
        loop {
            self.turn(cx)?;
            if let Phase::Handshake = self.phase
                && !self.advance(cx)?
            {
                return Ok(());
            }
            if let Phase::Traffic = self.phase {
                return Ok(());
            }
        }
    }

    /// What a handshake needs beside octets; whether there is more to do now.
    fn advance(&mut self, cx: &mut Cx<'_>) -> Result<bool, Outcome> {
        if let Some(peer) = self.session.peer() {
            self.phase = Phase::Traffic;
            // Where no ZMTP is spoken, no hands are shaken.
            if peer.version.is_some() {
                cx.emit(EventKind::HandshakeSucceeded);
            }
            return Ok(false);
        }
        if self.session.waits_for_turn() {
            // No time passes here while keys are agreed on.
            self.session.grant_turn();
            return match self.session.deliver() {
                Ok(()) => Ok(true),
                Err(ending) => Err(self.last_words(cx, Outcome::Ended(ending))),
            };
        }
        let Some(question) = self.session.take_question() else { return Ok(false) };
        let answer = (cx.io.zap)(cx.me.host, &question);
        match self.session.answer(answer) {
            Ok(()) => Ok(true),
            Err(ending) => Err(self.last_words(cx, Outcome::Ended(ending))),
        }
    }

    /// One turn.
    #[inline]
    fn turn(&mut self, cx: &mut Cx<'_>) -> Result<(), Outcome> {
        let (mut reads, mut writes) = (0, 0);
        let mut input = Input::of(&self.session);
        let mut is_idle = true;
        loop {
            let read = match self.read(cx, input) {
                Ok(read) => read,
                Err(outcome) => return Err(self.last_words(cx, outcome)),
            };
            input = Input::of(&self.session);
            self.session.pull().map_err(Outcome::Ended)?;
            let mut wrote = false;
            while self.session.has_output() {
                match self.write(cx)? {
                    Written::Everything => wrote = true,
                    Written::Blocked => break,
                }
                self.session.pull().map_err(Outcome::Ended)?;
                writes += 1;
                if writes >= WRITES {
                    break;
                }
            }
            reads += 1;
            is_idle &= read == Read::Nothing && !wrote;
            // Nothing else happens meanwhile: what was not there has not come. But a peer that has got its answers is read
            // on, beginning with what was left.
            if !(read == Read::Full || input == Input::Left && wrote || writes >= WRITES) {
                break;
            }
            if reads >= READS || writes >= WRITES {
                cx.me.bell.ring();
                return Ok(());
            }
        }
        // A busy connection does without, so that it takes no buffer for each message.
        if is_idle || cx.me.runs.is_multiple_of(RELAX) {
            self.session.relax();
        }
        while let Some(deadline) = self.session.deadline() {
            let now = cx.now();
            if now < deadline {
                cx.arm(deadline);
                break;
            }
            self.session.handle_timeout(now).map_err(Outcome::Ended)?;
            if self.session.has_output() {
                cx.me.bell.ring();
                break;
            }
        }
        Ok(())
    }

    #[inline]
    fn read(&mut self, cx: &mut Cx<'_>, input: Input) -> Result<Read, Outcome> {
        if input == Input::Left {
            self.session.deliver().map_err(Outcome::Ended)?;
        }
        // No buffer is taken before there is something to read.
        if !*cx.is_readable {
            return Ok(Read::Nothing);
        }
        let Some(spare) = self.session.spare() else { return Ok(Read::Paused) };
        let room = spare.len();
        match cx.io.world.read(self.stream, spare) {
            Ok(0) => Err(Outcome::PeerClosed),
            Ok(n) => {
                // Behind a short read may be the peer's end, which came in the same instant and is not told again.
                let is_more = n == room || cx.io.world.is_readable(self.stream);
                *cx.is_readable = is_more;
                self.session.fill(n, cx.now()).map_err(Outcome::Ended)?;
                Ok(if is_more { Read::Full } else { Read::Everything })
            }
            Err(Errno::WouldBlock) => {
                *cx.is_readable = false;
                Ok(Read::Nothing)
            }
            Err(_) => Err(Outcome::Broken),
        }
    }

    /// Writes once, or until the stream takes no more.
    #[inline]
    fn write(&mut self, cx: &mut Cx<'_>) -> Result<Written, Outcome> {
        while self.session.has_output() {
            let mut slices = [IoSlice::new(&[]); Connection::SLICES];
            let filled = self.session.slices(&mut slices);
            match cx.io.world.write(self.stream, &slices[..filled]) {
                Ok(n) => self.session.sent(n),
                Err(Errno::WouldBlock) => return Ok(Written::Blocked),
                Err(_) => return Err(Outcome::Broken),
            }
        }
        Ok(Written::Everything)
    }

    /// A peer that misbehaved is told why, if the stream takes it at once.
    fn last_words(&mut self, cx: &mut Cx<'_>, outcome: Outcome) -> Outcome {
        if let Outcome::Ended(Ending::Misbehaved(_)) = outcome {
            let _ = self.write(cx);
            let _ = cx.io.world.finish(self.stream);
        }
        outcome
    }
}
