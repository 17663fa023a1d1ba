//! The producing end of a pipe, where the high-water mark is counted.
//!
//! What counts is whole messages: those written here, flushed or not, less those that the reader has returned by way of
//! [`Credit`]. [`Writer::has_room`] compares that with the mark before a message. The reader returns them in batches,
//! when half of the mark was read or the pipe has run empty, so a writer that waits has room for many when it is woken.
//!
//! The mark holds for one pipe: one peer, one direction. What the patterns do about a full pipe is theirs: `routing`.

use super::chunk::Back;
use super::credit::{Credit, Total, Waiting};
use super::latest::{Former, Placed};
use super::{Hwm, Limits, PART, SLOTS};
use crate::frame::Frame;

/// Puts messages into a pipe.
///
/// Dropping it is [`close`](Self::close) without a word to the reader: who drops a writer sees to it that the reader's
/// owner learns of it.
#[derive(Debug)]
pub struct Writer {
    back: Back<Frame, Credit, SLOTS>,
    /// `usize::MAX` when there is no limit.
    hwm: usize,
    hwm_bytes: usize,
    /// Whole messages, flushed or not.
    written: Total,
    /// As far as this end knows.
    read: Total,
    /// What the unfinished message counts.
    unfinished_bytes: usize,
    /// Where the last message lies, if it is the only one that is kept.
    latest: Option<Box<Former>>,
    /// The pipe is open, and keeps all messages.
    plain: bool,
}

/// What the reader was doing when messages were flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a reader that is asleep has to be woken"]
pub enum ReaderState {
    /// It will find the messages by itself.
    Awake,
    /// It found the pipe empty before. Reported once per sleep.
    Asleep,
}

impl Writer {
    pub(super) fn new(back: Back<Frame, Credit, SLOTS>, limits: Limits) -> Self {
        let hwm = match limits.hwm {
            Hwm::Unlimited => usize::MAX,
            Hwm::Messages(limit) => usize::try_from(limit.get()).unwrap_or(usize::MAX),
        };
        let hwm_bytes = limits.bytes.map_or(usize::MAX, usize::from);
        let (written, read) = (Total::default(), Total::default());
        Self { back, hwm, hwm_bytes, written, read, unfinished_bytes: 0, latest: None, plain: true }
    }

    pub(super) fn keep_latest(&mut self, latest: Former) {
        self.latest = Some(Box::new(latest));
        self.plain = false;
    }

    /// Whether there is room for one more whole message.
    ///
    /// If not, [`Reader::room_made`](super::Reader::room_made) tells once when there is. Messages not yet flushed take
    /// room too, so flush before waiting. A closed pipe has no room, and makes none.
    #[inline(always)]
    pub fn has_room(&mut self) -> bool {
        if self.back.is_closed() {
            return false;
        }
        self.is_below_limits() || self.ask_for_room()
    }

    /// Appends a frame. The reader sees it once its message is complete and flushed.
    ///
    /// The limits are not checked: ask [`has_room`](Self::has_room) before the first frame of a message. A closed pipe
    /// drops the frame.
    #[inline(always)]
    pub fn write(&mut self, frame: Frame) {
        if !self.plain {
            self.write_unusual(frame);
            return;
        }
        let bytes = self.unfinished_bytes.wrapping_add(frame.len());
        let more = frame.has_more();
        self.back.push(frame);
        if more {
            self.unfinished_bytes = bytes.wrapping_add(PART);
        } else {
            self.back.commit();
            self.written.add(bytes);
            self.unfinished_bytes = 0;
        }
    }

    /// Into a pipe that is closed, or keeps the last message only.
    #[cold]
    #[inline(never)]
    fn write_unusual(&mut self, frame: Frame) {
        let Some(latest) = self.latest.as_mut().filter(|_| !self.back.is_closed()) else { return };
        match latest.write(frame) {
            Placed::First => {
                self.back.push(Frame::EMPTY);
                self.back.commit();
                self.written.add(0);
            }
            Placed::Unfinished | Placed::Another => {}
        }
    }

    /// Drops the frames of the unfinished message, if there is one.
    pub fn rollback(&mut self) {
        if let Some(latest) = &mut self.latest {
            latest.rollback();
        }
        self.back.rollback();
        self.unfinished_bytes = 0;
    }

    /// Shows all whole messages to the reader.
    ///
    /// `Asleep` is returned at most once per sleep of the reader, and never for nothing: without new messages the
    /// answer is `Awake`.
    #[inline(always)]
    pub fn flush(&mut self) -> ReaderState {
        self.back.publish()
    }

    /// Drops the unfinished message, shows the rest, and ends the pipe: after the last message the reader sees the end.
    ///
    /// Doing it again does nothing and returns `Awake`.
    pub fn close(&mut self) -> ReaderState {
        self.unfinished_bytes = 0;
        self.plain = false;
        self.back.close()
    }

    /// Whether the reader was dropped. What is still written is kept until the writer is dropped, too.
    #[must_use]
    pub fn reader_gone(&self) -> bool {
        self.back.beside().is_gone()
    }

    /// Gives back the memory of an empty pipe whose reader is asleep; otherwise does nothing.
    ///
    /// For quiet moments: the next frame allocates again.
    pub fn trim(&mut self) {
        self.back.trim();
    }

    #[inline(always)]
    fn is_below_limits(&self) -> bool {
        let (messages, bytes) = self.written.since(self.read);
        // Without a bound nothing may be returned for long, and the difference of bytes wraps.
        messages < self.hwm && (bytes < self.hwm_bytes || self.hwm_bytes == usize::MAX)
    }

    #[cold]
    #[inline(never)]
    fn ask_for_room(&mut self) -> bool {
        loop {
            let (read, seen) = self.back.beside().look();
            self.read = read;
            if self.is_below_limits() {
                return true;
            }
            match self.back.beside().wait(seen) {
                Waiting::Armed => return false,
                Waiting::Returned => {}
            }
        }
    }
}
