//! A pipe that keeps the last message only (conflation).
//!
//! ```text
//!   Writer ── message ──► [ the latest ] ── message ──► Reader
//!          ── token, if there was none ──► list ──► token, take the latest
//! ```
//!
//! The message lies in a place of its own under a lock; through the list goes a token for it, by which the reader sleeps
//! and is woken as by any message. There is one token, in the list or just taken from it, exactly while there is a message:
//! the writer adds one if it found none, and the reader takes the message after the token.

use std::sync::{Arc, Mutex, PoisonError};
use std::{mem, vec};

use crate::frame::Frame;

/// The last message; no frames if there is none.
#[derive(Debug, Default)]
struct Place(Mutex<Vec<Frame>>);

impl Place {
    fn replace(&self, message: Vec<Frame>) -> Vec<Frame> {
        mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), message)
    }
}

/// The writer's side of the place.
#[derive(Debug)]
pub(super) struct Former {
    place: Arc<Place>,
    unfinished: Vec<Frame>,
}

/// The reader's side of the place.
#[derive(Debug)]
pub(super) struct Latter {
    place: Arc<Place>,
    /// The rest of the message that is being read.
    rest: vec::IntoIter<Frame>,
}

/// What a frame made of the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// The message is not finished.
    Unfinished,
    /// A message, where there was none: it needs a token.
    First,
    /// A message in place of another.
    Another,
}

pub(super) fn place() -> (Former, Latter) {
    let place = Arc::<Place>::default();
    let latter = Latter { place: Arc::clone(&place), rest: Vec::new().into_iter() };
    (Former { place, unfinished: Vec::new() }, latter)
}

impl Former {
    pub(super) fn write(&mut self, frame: Frame) -> Placed {
        let more = frame.has_more();
        self.unfinished.push(frame);
        if more {
            return Placed::Unfinished;
        }
        // The one before is dropped here, when the lock is released.
        let before = self.place.replace(mem::take(&mut self.unfinished));
        if before.is_empty() { Placed::First } else { Placed::Another }
    }

    pub(super) fn rollback(&mut self) {
        self.unfinished.clear();
    }
}

impl Latter {
    /// Whether a message is being read.
    pub(super) fn has_rest(&self) -> bool {
        !self.rest.as_slice().is_empty()
    }

    /// The next frame of the message that is being read.
    pub(super) fn next_of_rest(&mut self) -> Option<Frame> {
        self.rest.next()
    }

    /// The first frame of the message for which a token was taken.
    pub(super) fn take(&mut self) -> Frame {
        self.rest = self.place.replace(Vec::new()).into_iter();
        self.rest.next().expect("a token is put into the list when a message is put into its place")
    }
}
