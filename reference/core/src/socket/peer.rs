//! A peer as its socket knows it: an id, both ends of its pipes, and who it is.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::effects::{Effects, IoSide};
use super::peers::Lease;
use super::shared::Shared;
use crate::frame::Frame;
use crate::message::Message;
use crate::pipe::{Read, Reader, ReaderState, Writer};

/// A peer of one socket. Ids begin at 0, the smallest free one is given out, so that they can index a list; the
/// generation tells a peer from an earlier one of the same index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId {
    pub(super) index: u32,
    pub(super) generation: u32,
}

impl PeerId {
    /// Position in a list of peers.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer {}", self.index)?;
        if self.generation > 0 { write!(f, ".{}", self.generation) } else { Ok(()) }
    }
}

/// What a pattern is given of a new peer.
pub struct Attachment {
    /// Its id.
    pub peer: PeerId,
    /// The way to it.
    pub outbound: Outbound,
    /// The way from it.
    pub inbound: Inbound,
    /// How a ROUTER addresses it; empty for the peers of other sockets.
    pub routing_id: Frame,
    /// Where the peer is a socket of the same context: its state, and what it calls us.
    pub inproc: Option<(Arc<Shared>, PeerId)>,
}

/// Properties of the peer that messages carry to the application.
#[derive(Clone, Debug, Default)]
pub struct PeerInfo(Arc<Mutex<Arc<Properties>>>);

/// Names and values: those of the peer's READY, and `Peer-Address`.
pub type Properties = Vec<(String, Vec<u8>)>;

impl PeerInfo {
    /// What is known now.
    #[must_use]
    pub fn properties(&self) -> Arc<Properties> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The value of the property of that name: `Socket-Type`, `Routing-Id` (also as `Identity`), `User-Id`, `Peer-Address`, or
    /// one of the peer's own, `X-…`. Names are compared without case (23/ZMTP); of several the first counts.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<Vec<u8>> {
        const ROUTING_ID: [&str; 2] = ["Routing-Id", "Identity"];
        let properties = self.properties();
        let is_routing_id = ROUTING_ID.iter().any(|known| known.eq_ignore_ascii_case(name));
        let wanted = |known: &str| {
            known.eq_ignore_ascii_case(name)
                || is_routing_id && ROUTING_ID.iter().any(|other| other.eq_ignore_ascii_case(known))
        };
        properties.iter().find(|(known, _)| wanted(known)).map(|(_, value)| value.clone())
    }

    /// A new connection to the same peer has brought new properties.
    pub fn set(&self, properties: Properties) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(properties);
    }
}

/// Whether the other end has been, or is going to be, told that this one is gone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Untold,
    Told,
}

/// The application's end of the pipe to a peer.
pub struct Outbound {
    writer: Writer,
    io: Arc<dyn IoSide>,
    pushed: u64,
    end: End,
    /// The id stays taken while this end lives.
    _lease: Arc<Lease>,
}

impl Outbound {
    /// The end `writer` of a pipe whose other end is `io`'s.
    pub fn new(writer: Writer, io: Arc<dyn IoSide>, lease: Arc<Lease>) -> Self {
        Self { writer, io, pushed: 0, end: End::Untold, _lease: lease }
    }

    /// Whether there is room for a message. If not, `Pattern::writable` will be called when there is.
    #[inline]
    pub fn has_room(&mut self) -> bool {
        self.writer.has_room()
    }

    /// Whether the other end is gone: what is pushed now is lost.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.writer.reader_gone()
    }

    /// Whether nothing pushed here arrives: either end is gone.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.end == End::Told || self.writer.reader_gone()
    }

    /// How many messages were put into the pipe.
    #[inline]
    #[must_use]
    pub const fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Puts a message into the pipe. The high-water mark is the caller's business: [`Self::has_room`].
    #[inline(always)]
    pub fn push(&mut self, message: Message, effects: &mut Effects) {
        let (head, tail) = message.into_parts();
        self.write_parts(head, tail);
        self.flush(effects);
    }

    /// As [`Self::push`], with `envelope` before the parts of the message.
    #[inline]
    pub fn push_enveloped(&mut self, envelope: Frame, message: Message, effects: &mut Effects) {
        self.writer.write(envelope.more());
        self.push(message, effects);
    }

    /// As [`Self::push`], of a message that goes to others as well.
    #[inline]
    pub fn push_shared(&mut self, message: &Message, effects: &mut Effects) {
        let last = message.parts() - 1;
        for (i, frame) in message.iter().enumerate() {
            let frame = frame.clone();
            self.writer.write(if i < last { frame.more() } else { frame.last() });
        }
        self.flush(effects);
    }

    #[inline(always)]
    fn write_parts(&mut self, head: Frame, tail: Vec<Frame>) {
        if tail.is_empty() {
            self.writer.write(head.last());
            return;
        }
        self.writer.write(head.more());
        let last = tail.len() - 1;
        for (i, frame) in tail.into_iter().enumerate() {
            self.writer.write(if i < last { frame.more() } else { frame.last() });
        }
    }

    #[inline(always)]
    fn flush(&mut self, effects: &mut Effects) {
        self.pushed += 1;
        if self.writer.flush() == ReaderState::Asleep {
            effects.messages_waiting(&self.io);
        }
    }

    /// Nothing more will come; what is in the pipe is still sent. The other end is told once, when `effects` are run:
    /// behind this, to drop this end tells nobody.
    pub fn close(&mut self, effects: &mut Effects) {
        // Awake or asleep, the other end is told.
        let _ = self.writer.close();
        if self.end == End::Untold {
            self.end = End::Told;
            effects.closed(&self.io);
        }
    }
}

impl Drop for Outbound {
    /// As [`Outbound::close`]. The I/O side is told at once, so no lock may be held that it takes.
    fn drop(&mut self) {
        let _ = self.writer.close();
        if self.end == End::Untold {
            self.io.closed();
        }
    }
}

/// What was taken from a pipe.
#[derive(Debug, PartialEq, Eq)]
pub enum Pop {
    /// A whole message.
    Message(Message),
    /// Nothing now; `Pattern::readable` will be called when there is something.
    Empty,
    /// Nothing ever again: the peer is gone and its last message was taken.
    End,
}

/// The application's end of the pipe from a peer.
pub struct Inbound {
    reader: Reader,
    io: Arc<dyn IoSide>,
    info: PeerInfo,
    /// What is found behind the last message.
    last_words: Option<Box<Frame>>,
    /// The id stays taken while this end lives.
    _lease: Arc<Lease>,
}

impl Inbound {
    /// The end `reader` of a pipe whose other end is `io`'s.
    pub fn new(reader: Reader, io: Arc<dyn IoSide>, lease: Arc<Lease>, info: PeerInfo) -> Self {
        Self { reader, io, info, last_words: None, _lease: lease }
    }

    /// The same, with a message that is found behind the peer's last one when it is gone.
    #[must_use]
    pub fn with_last_words(self, last_words: Option<Frame>) -> Self {
        Self { last_words: last_words.map(Box::new), ..self }
    }

    /// Takes the next message.
    #[inline]
    pub fn pop(&mut self, effects: &mut Effects) -> Pop {
        match self.read(effects) {
            Read::Frame(head) if head.has_more() => Pop::Message(self.pop_rest(head, effects)),
            Read::Frame(head) => Pop::Message(Message::new(head)),
            Read::Empty => Pop::Empty,
            Read::End => self.last_words.take().map_or(Pop::End, |words| Pop::Message(Message::new(*words))),
        }
    }

    /// Takes the first frame of the next message; if it has more, [`Self::pop_rest`] has to be called.
    #[inline(always)]
    pub(crate) fn read(&mut self, effects: &mut Effects) -> Read<Frame> {
        let read = self.reader.read();
        self.tell_of_room(effects);
        read
    }

    /// The whole message that begins with `head`.
    #[inline(never)]
    pub(crate) fn pop_rest(&mut self, head: Frame, effects: &mut Effects) -> Message {
        let mut tail = Vec::new();
        // The pipe holds whole messages only.
        while let Read::Frame(frame) = self.reader.read() {
            let more = frame.has_more();
            tail.push(frame);
            if !more {
                break;
            }
        }
        self.tell_of_room(effects);
        Message::of_parts(head, tail)
    }

    #[inline(always)]
    fn tell_of_room(&mut self, effects: &mut Effects) {
        if self.reader.room_made() {
            effects.room_made(&self.io);
        }
    }

    /// Whether there is nothing to take, and never will be if the other end is closed.
    pub fn is_spent(&mut self) -> bool {
        !self.reader.has_message()
    }

    /// Who sent it.
    #[must_use]
    pub fn info(&self) -> &PeerInfo {
        &self.info
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_found_by_name_without_case() {
        let info = PeerInfo::default();
        assert_eq!(info.property("Socket-Type"), None);
        let property = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        info.set(vec![
            property("socket-type", "DEALER"),
            property("Identity", "me"),
            property("X-a", "1"),
            property("x-A", "2"),
        ]);
        assert_eq!(info.property("Socket-Type"), Some(b"DEALER".to_vec()));
        assert_eq!(info.property("Routing-Id"), Some(b"me".to_vec()));
        assert_eq!(info.property("identity"), Some(b"me".to_vec()));
        assert_eq!(info.property("X-A"), Some(b"1".to_vec()));
        assert_eq!(info.property("X-B"), None);
    }
}
