//! What flows back through a pipe: messages and bytes that were read, and whether the writer waits for them.
//!
//! No wake-up is lost, for the same reason as in the other direction: the reader returns what it read by one `swap` of
//! the word, the writer begins to wait by one compare-and-swap of it. If the swap comes first the writer sees the new
//! count, otherwise the swap returns `WAITING`. Bytes have a word of their own, which changes only before a swap that
//! also moves the count of messages: a writer that saw old bytes fails the compare.

use super::sync::{AtomicUsize, Ordering};
use super::{FLAGS, STEP};

const WAITING: usize = 1;
const GONE: usize = 2;

/// Shared by both ends.
#[derive(Debug)]
pub(super) struct Credit {
    /// Messages returned so far, in units of `STEP`, wrapping; `WAITING`; `GONE`.
    word: AtomicUsize,
    /// Bytes returned so far, wrapping.
    bytes: AtomicUsize,
}

/// Totals since the pipe was made. Both wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    /// In units of `STEP`.
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

/// What became of a writer's wish to wait.
pub(super) enum Waiting {
    Armed,
    /// Something was returned in between; look again.
    Returned,
}

/// What the writer was doing when messages were returned.
pub(super) enum WriterState {
    Busy,
    Waiting,
}

/// What the writer saw, to wait for anything newer.
#[derive(Clone, Copy)]
pub(super) struct Seen(usize);

impl Credit {
    pub(super) fn new() -> Self {
        Self { word: AtomicUsize::new(0), bytes: AtomicUsize::new(0) }
    }

    pub(super) fn look(&self) -> (Total, Seen) {
        // Acquire: bytes are at least those that were returned with these messages.
        let word = self.word.load(Ordering::Acquire);
        let total = Total { messages: word & !FLAGS, bytes: self.bytes.load(Ordering::Relaxed) };
        (total, Seen(word))
    }

    pub(super) fn wait(&self, seen: Seen) -> Waiting {
        let Seen(word) = seen;
        if word & WAITING != 0 {
            return Waiting::Armed;
        }
        match self.word.compare_exchange(word, word | WAITING, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Waiting::Armed,
            Err(_) => Waiting::Returned,
        }
    }

    /// The reader returns what it has read in all; at least one message more than the last time.
    pub(super) fn give(&self, total: Total) -> WriterState {
        self.bytes.store(total.bytes, Ordering::Relaxed);
        let before = self.word.swap(total.messages, Ordering::Release);
        debug_assert!(before & !FLAGS != total.messages, "each return moves the count");
        if before & WAITING == 0 { WriterState::Busy } else { WriterState::Waiting }
    }

    pub(super) fn leave(&self) {
        self.word.fetch_or(GONE, Ordering::Release);
    }

    pub(super) fn is_gone(&self) -> bool {
        self.word.load(Ordering::Acquire) & GONE != 0
    }
}

impl Total {
    /// A message of so many bytes more.
    #[inline]
    pub(super) fn add(&mut self, bytes: usize) {
        self.messages = self.messages.wrapping_add(STEP);
        self.bytes = self.bytes.wrapping_add(bytes);
    }

    /// Messages and bytes that this total has over an earlier one.
    #[inline]
    pub(super) fn since(self, earlier: Self) -> (usize, usize) {
        (self.messages.wrapping_sub(earlier.messages) / STEP, self.bytes.wrapping_sub(earlier.bytes))
    }
}
