//! The consuming end of a pipe.

use super::chunk::{Front, Rest};
use super::credit::{Credit, Total, WriterState};
use super::latest::Latter;
use super::{Hwm, Limits, PART, SLOTS};
use crate::frame::Frame;

/// Takes messages out of a pipe.
#[derive(Debug)]
pub struct Reader {
    front: Front<Frame, Credit, SLOTS>,
    /// What is read goes back to the writer by so many messages or bytes at once: the low-water mark.
    batch: usize,
    batch_bytes: usize,
    read: Total,
    returned: Total,
    /// Payload of the message whose frames are being read.
    unfinished_bytes: usize,
    room: Room,
    /// Where the last message lies, if it is the only one that is kept.
    latest: Option<Box<Latter>>,
}

/// What a reader finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read<T> {
    /// The next frame. If it has MORE, the next read gives a frame as well.
    Frame(T),
    /// Nothing. The reader is asleep: the next flush of a message reports it.
    Empty,
    /// Nothing any more: the writer closed the pipe, and all its messages are read.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Unchanged,
    MadeForWaitingWriter,
}

impl Reader {
    pub(super) fn new(front: Front<Frame, Credit, SLOTS>, limits: Limits) -> Self {
        let batch = match limits.hwm {
            Hwm::Unlimited => usize::MAX,
            Hwm::Messages(limit) => usize::try_from(limit.get().div_ceil(2)).unwrap_or(usize::MAX),
        };
        let batch_bytes = limits.bytes.map_or(usize::MAX, |limit| limit.get().div_ceil(2));
        let (read, returned) = (Total::default(), Total::default());
        Self { front, batch, batch_bytes, read, returned, unfinished_bytes: 0, room: Room::Unchanged, latest: None }
    }

    pub(super) fn keep_latest(&mut self, latest: Latter) {
        self.latest = Some(Box::new(latest));
    }

    /// Takes the next frame.
    #[inline(always)]
    pub fn read(&mut self) -> Read<Frame> {
        if self.latest.is_some() {
            return self.read_latest();
        }
        loop {
            if let Some(frame) = self.front.pop() {
                self.count(&frame);
                return Read::Frame(frame);
            }
            match self.rest() {
                Rest::More => {}
                Rest::Asleep => return Read::Empty,
                Rest::Ended => return Read::End,
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn read_latest(&mut self) -> Read<Frame> {
        if let Some(frame) = self.latest.as_mut().and_then(|latest| latest.next_of_rest()) {
            return Read::Frame(frame);
        }
        loop {
            if let Some(token) = self.front.pop() {
                self.count(&token);
                return self.latest.as_mut().map_or(Read::Empty, |latest| Read::Frame(latest.take()));
            }
            match self.rest() {
                Rest::More => {}
                Rest::Asleep => return Read::Empty,
                Rest::Ended => return Read::End,
            }
        }
    }

    /// How many frames can be read without a look at what the writer has done since.
    ///
    /// Each look takes the cache line away from a writer that is at work, which costs it more than to write a message.
    #[inline]
    #[must_use]
    pub fn known(&self) -> usize {
        self.front.known()
    }

    /// Whether the next [`read`](Self::read) gives a frame. Does not put the reader to sleep.
    #[inline]
    pub fn has_message(&mut self) -> bool {
        self.front.has_value() || self.latest.as_ref().is_some_and(|latest| latest.has_rest())
    }

    /// Whether a writer that found no room has to be woken. True once for each time that it began to wait.
    ///
    /// Ask after reading. A writer is told when half of the high-water mark, or of the bound of bytes, has been read
    /// since the last time, or when the pipe ran empty; after a message beyond the bound it may find no room yet, and
    /// wait again.
    #[inline(always)]
    pub fn room_made(&mut self) -> bool {
        match self.room {
            Room::Unchanged => false,
            Room::MadeForWaitingWriter => {
                self.room = Room::Unchanged;
                true
            }
        }
    }

    /// Gives back the chunk that is kept for use again; the rest is [`Writer::trim`](super::Writer::trim)'s.
    ///
    /// For quiet moments. Not done by itself when the reader falls asleep: a reader that keeps up sleeps after each
    /// burst, and would free what the writer allocates next.
    pub fn trim(&mut self) {
        self.front.trim();
    }

    #[inline(always)]
    fn count(&mut self, frame: &Frame) {
        let bytes = self.unfinished_bytes.wrapping_add(frame.len());
        if frame.has_more() {
            self.unfinished_bytes = bytes.wrapping_add(PART);
            return;
        }
        self.unfinished_bytes = 0;
        self.read.add(bytes);
        let (messages, bytes) = self.read.since(self.returned);
        if messages >= self.batch || bytes >= self.batch_bytes {
            self.give_back();
        }
    }

    #[cold]
    #[inline(never)]
    fn give_back(&mut self) {
        self.returned = self.read;
        match self.front.beside().give(self.read) {
            WriterState::Busy => {}
            WriterState::Waiting => self.room = Room::MadeForWaitingWriter,
        }
    }

    #[cold]
    #[inline(never)]
    fn rest(&mut self) -> Rest {
        let bounded = self.batch != usize::MAX || self.batch_bytes != usize::MAX;
        if bounded && self.read != self.returned {
            self.give_back();
        }
        self.front.rest()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.front.beside().leave();
    }
}
