//! The mailbox: what the I/O sides have to tell a socket's pattern.
//!
//! It is emptied before each `send` and `recv`. Letters are written only when something changes (a pipe that was empty
//! has messages, a pipe that was full has room), so that ten thousand silent peers cost nothing.

use std::collections::VecDeque;
use std::sync::PoisonError;

use super::peer::{Attachment, PeerId};
use super::sync::{AtomicBool, Mutex, MutexGuard, Ordering};

/// What is told. The letters of one peer stay in order.
pub enum Letter {
    /// A peer has come.
    Attached(Box<Attachment>),
    /// Nothing can be sent to this peer any more.
    Detached(PeerId),
    /// The pipe from this peer has something again.
    Readable(PeerId),
    /// The pipe to this peer has room again.
    Writable(PeerId),
}

/// Written by any thread, emptied under the lock of the socket.
#[derive(Default)]
pub struct Mailbox {
    letters: Mutex<Letters>,
    any: AtomicBool,
}

#[derive(Default)]
struct Letters {
    waiting: VecDeque<Letter>,
    reader: Reader,
}

/// Whether anybody will read them.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Reader {
    #[default]
    There,
    Gone,
}

impl Mailbox {
    /// Puts a letter in. Behind [`Self::close`] it is dropped: a peer that comes then finds its pipes ended.
    pub fn post(&self, letter: Letter) {
        let mut letters = self.lock();
        match letters.reader {
            Reader::There => letters.waiting.push_back(letter),
            // Under no lock: ends of pipes tell their other ends.
            Reader::Gone => {
                drop(letters);
                return drop(letter);
            }
        }
        // Under the lock, so that whoever empties the box cannot clear the flag of a letter that it has not seen.
        self.any.store(true, Ordering::Release);
    }

    /// Nobody will read any more. Gives back the letters that nobody has read, which the caller drops under no lock.
    #[must_use]
    pub fn close(&self) -> VecDeque<Letter> {
        let mut letters = self.lock();
        letters.reader = Reader::Gone;
        self.any.store(false, Ordering::Release);
        std::mem::take(&mut letters.waiting)
    }

    fn lock(&self) -> MutexGuard<'_, Letters> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A peer is gone that nobody has seen yet and that left nothing to receive: all that was told of it is taken back.
    /// Gives back what the caller drops, under no lock; `None` if the peer was seen, or left something.
    ///
    /// So a socket whose application never calls is not filled by peers that come and go.
    pub fn take_back(&self, peer: PeerId) -> Option<Box<Attachment>> {
        let letters = &mut self.lock().waiting;
        let place = letters.iter_mut().position(|letter| match letter {
            Letter::Attached(attached) => attached.peer == peer && attached.inbound.is_spent(),
            Letter::Detached(_) | Letter::Readable(_) | Letter::Writable(_) => false,
        })?;
        let Some(Letter::Attached(attachment)) = letters.remove(place) else { return None };
        letters.retain(|letter| match letter {
            Letter::Attached(_) => true,
            Letter::Detached(other) | Letter::Readable(other) | Letter::Writable(other) => *other != peer,
        });
        self.any.store(!letters.is_empty(), Ordering::Release);
        Some(attachment)
    }

    /// Whether there may be a letter. One load, no lock.
    #[inline]
    #[must_use]
    pub fn has_any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Takes all letters, into `into`, which is empty.
    pub fn take(&self, into: &mut VecDeque<Letter>) {
        let mut letters = self.lock();
        std::mem::swap(&mut letters.waiting, into);
        self.any.store(false, Ordering::Release);
    }
}
