//! Traffic in boxes: each frame and each command is a MESSAGE (26/CurveZMQ).
//!
//! Whether a MESSAGE is a frame or a command is seen when it is open, and it can be opened once. One for which there is no
//! room is kept open until there is.

use super::{Connection, Incoming, PeerMisbehaved, State, Take, command, name};
use crate::frame::{Buffer, Frame, pool};
use crate::mechanism::curve::{Cipher, inner};
use crate::socket::Change;
use crate::wire::greeting::Version;

/// What traffic in boxes needs beside the octets.
pub(super) struct Sealed {
    pub(super) version: Version,
    pub(super) cipher: Cipher,
    opened: Opened,
    /// What is open, and had no room: the flags within, and the frame.
    held: Option<(u8, Frame)>,
}

/// Where MESSAGEs are opened into. Holds no memory while nothing comes.
#[derive(Default)]
struct Opened {
    buffer: Option<Buffer>,
}

impl Sealed {
    pub(super) fn new(version: Version, cipher: Cipher) -> Self {
        Self { version, cipher, opened: Opened::default(), held: None }
    }

    /// Whether something open waits for room.
    pub(super) const fn holds(&self) -> bool {
        self.held.is_some()
    }

    /// Gives memory back, if nothing is kept in it.
    pub(super) fn relax(&mut self) {
        self.opened.give_back();
    }
}

impl Opened {
    /// A buffer with room for `octets`.
    fn room(&mut self, octets: usize) -> &mut Buffer {
        let fits = |buffer: &mut Buffer| {
            buffer.capacity() - buffer.filled() >= octets || buffer.capacity() >= octets && buffer.clear()
        };
        if !self.buffer.as_mut().is_some_and(fits) {
            self.give_back();
            self.buffer = Some(pool::take(octets));
        }
        self.buffer.as_mut().expect("it was made if there was none")
    }

    fn give_back(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            pool::give_back(buffer);
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Connection {
    /// As `next_in_traffic`, for traffic in boxes.
    // spec: CURVE-MSG-01, CURVE-READY-06
    pub(super) fn next_sealed(&mut self, take: Take) -> Result<Option<Incoming>, PeerMisbehaved> {
        loop {
            if self.output.owes_answers() {
                return Ok(None);
            }
            let Some((flags, frame)) = self.open_next()? else { return Ok(None) };
            let is_command = flags & inner::COMMAND != 0;
            if take == Take::WithoutRoom && (!is_command || self.becomes_message(&frame)) {
                if let State::Sealed(sealed) = &mut self.state {
                    sealed.held = Some((flags, frame));
                }
                return Ok(None);
            }
            if is_command {
                if let Some(change) = self.on_command(&frame)? {
                    return Ok(Some(Incoming::Change(change)));
                }
            } else if flags & inner::MORE == 0 {
                self.parts = 0;
                return Ok(Some(Incoming::Frame(frame)));
            } else {
                self.count_part()?;
                return Ok(Some(Incoming::Frame(frame.more())));
            }
        }
    }

    /// The next MESSAGE, open: what was held, or the next that has come whole.
    fn open_next(&mut self) -> Result<Option<(u8, Frame)>, PeerMisbehaved> {
        if let State::Sealed(sealed) = &mut self.state
            && let Some(held) = sealed.held.take()
        {
            return Ok(Some(held));
        }
        let limit = self.frame_limit();
        let around = Cipher::AROUND_OCTETS;
        let (header, body) = match self.whole_frame(limit.saturating_add(around)) {
            Ok(Some(whole)) => whole,
            Ok(None) => return Ok(None),
            Err(PeerMisbehaved::FrameTooLong { octets, .. }) => {
                return Err(PeerMisbehaved::FrameTooLong { octets: octets.saturating_sub(around), limit });
            }
            Err(why) => return Err(why),
        };
        let State::Sealed(sealed) = &mut self.state else { return Ok(None) };
        let message = &self.input.unread()[header.octets..][..body];
        let octets = Cipher::opened_octets(body).unwrap_or(0);
        let buffer = sealed.opened.room(octets);
        let start = buffer.filled();
        let to = &mut buffer.spare()[..octets];
        sealed.cipher.open(message, to)?;
        let flags = to[0];
        buffer.fill(octets);
        let frame = Frame::of(buffer, start + 1, octets - 1);
        self.input.consume(header.octets + body);
        Ok(Some((flags, frame)))
    }

    /// Appends a frame of a message, in a box.
    #[cold]
    pub(super) fn push_sealed(&mut self, frame: &Frame) {
        let flags = if frame.has_more() { inner::MORE } else { 0 };
        if let State::Sealed(sealed) = &mut self.state {
            self.output.push_sealed(&mut sealed.cipher, flags, frame);
            self.output.count_message(frame);
        }
    }

    /// Appends a command, in a box if traffic is.
    pub(super) fn push_command(&mut self, name: &[u8], data: &[u8]) {
        match &mut self.state {
            State::Sealed(sealed) => {
                let mut body = vec![u8::try_from(name.len()).expect("names of commands are short")];
                body.extend_from_slice(name);
                body.extend_from_slice(data);
                self.output.push_sealed(&mut sealed.cipher, inner::COMMAND, &body);
            }
            State::Opening(_)
            | State::Version(_)
            | State::Greeting(_)
            | State::Mechanism(..)
            | State::Asking(..)
            | State::Old(_)
            | State::RawStart
            | State::Raw
            | State::Traffic(_)
            | State::Closing => self.output.push_command(name, data),
        }
    }

    /// Appends a subscription or cancellation, in the form of the peer's version and in a box if traffic is. Only when
    /// [`Self::is_ready`].
    // spec: ZMTP31-SUBS-02, ZMTP31-SUBS-04, ZMTP30-SUBS-02, ZMTP20-PUBSUB-02
    pub fn push_change(&mut self, change: &Change) {
        let (name, first, topic) = match change {
            Change::Subscribe(topic) => (name::SUBSCRIBE, 1, topic),
            Change::Cancel(topic) => (name::CANCEL, 0, topic),
        };
        match &mut self.state {
            State::Traffic(Version::V3_0 | Version::V2_0) => self.output.push_prefixed(first, topic),
            // A publisher of 1.0 sends everything, and is told nothing.
            // spec: ZMTP10-BCAST-02
            State::Traffic(Version::V1_0) => mark!("ZMTP10-BCAST-02"),
            State::Traffic(Version::V3_1) => self.output.push_command(name, topic),
            State::Sealed(sealed) => match sealed.version {
                Version::V1_0 | Version::V2_0 | Version::V3_0 => {
                    let body = [&[first], topic.as_slice()].concat();
                    self.output.push_sealed(&mut sealed.cipher, 0, &body);
                }
                Version::V3_1 => self.push_command(name, topic),
            },
            State::Opening(_)
            | State::Version(_)
            | State::Greeting(_)
            | State::Mechanism(..)
            | State::Asking(..)
            | State::Old(_)
            | State::RawStart
            | State::Raw
            | State::Closing => {}
        }
    }

    /// Whether a command becomes a message to the application.
    #[cold]
    pub(super) fn becomes_message(&self, body: &[u8]) -> bool {
        self.socket_type == super::SocketType::XPub
            && matches!(command::parse(body), Some((name::SUBSCRIBE | name::CANCEL, _)))
    }
}

#[cfg(test)]
mod tests;
