//! What is to be written to a link: a batch of small frames side by side, and large bodies where they lie.

use std::collections::VecDeque;
use std::io::IoSlice;

use super::Phase;
use crate::frame::{Buffer, Frame, pool};
use crate::mechanism::curve::Cipher;
use crate::wire::{Header, command, flag};

/// Octets in their order. Holds no memory while there are none.
#[derive(Default)]
pub(super) struct Output {
    /// Headers, small bodies, commands.
    batch: Option<Buffer>,
    /// Octets of the batch that are written.
    batch_sent: usize,
    /// Large bodies, each with its place: the length of the batch in front of it.
    bodies: VecDeque<(usize, Frame)>,
    /// Octets of the first body that are written.
    body_sent: usize,
    /// Octets of the bodies.
    body_octets: usize,
    /// Messages whose last frame is in here.
    messages: usize,
    /// Octets that answer the peer's commands, since everything was written last.
    answers: usize,
    phase: Phase,
}

/// Bodies above this are not copied into the batch.
const COPIED: usize = 8 << 10;
/// A batch is closed when there is less room than this: a header and a body that is copied still fit.
const LEAST_SPARE: usize = COPIED + Header::MAX_OCTETS;
/// Bodies in a batch. Two slices for each must fit into one write.
const BODIES: usize = 24;
/// Octets of answers after which the peer has to take them before more of its commands are looked at.
const ANSWERS_OCTETS: usize = 4 << 10;
/// Octets of large bodies in a batch.
const BODIES_OCTETS: usize = 1 << 20;

impl Output {
    /// Slices that [`Self::slices`] fills at most.
    pub(super) const SLICES: usize = 2 * BODIES + 2;

    #[inline]
    fn batch(&self) -> &[u8] {
        self.batch.as_ref().map_or(&[], Buffer::octets)
    }

    /// Whether everything is written.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.bodies.is_empty() && self.batch_sent == self.batch().len()
    }

    /// Whether the batch is worth writing before more is put in.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        let roomy = |batch: &Buffer| batch.filled() + LEAST_SPARE <= batch.capacity().max(pool::READ_OCTETS);
        let batch = self.batch.as_ref().is_some_and(|batch| !roomy(batch));
        batch || self.bodies.len() >= BODIES || self.body_octets >= BODIES_OCTETS
    }

    /// Whether so much answers the peer that it goes out before anything else is answered.
    #[inline]
    pub(super) fn owes_answers(&self) -> bool {
        self.answers >= ANSWERS_OCTETS
    }

    /// Counts an answer of about that many octets.
    pub(super) fn count_answer(&mut self, octets: usize) {
        self.answers += octets;
    }

    /// Messages that were put in since everything was written last.
    #[inline]
    pub(super) fn messages(&self) -> usize {
        self.messages
    }

    /// A batch with room for `octets` more.
    #[inline]
    fn room_for(&mut self, octets: usize) -> &mut Buffer {
        let has_room = |batch: &Buffer| batch.capacity() - batch.filled() >= octets;
        if !self.batch.as_ref().is_some_and(has_room) {
            self.grow(octets);
        }
        self.batch.as_mut().expect("it was made if there was none")
    }

    #[cold]
    fn grow(&mut self, octets: usize) {
        let needed = self.batch().len() + octets;
        let mut larger = if self.phase == Phase::Handshake && needed <= pool::HANDSHAKE_OCTETS {
            Buffer::with_capacity(pool::HANDSHAKE_OCTETS)
        } else {
            pool::take(needed + needed / 2)
        };
        larger.append(self.batch());
        if let Some(before) = self.batch.replace(larger) {
            pool::give_back(before);
        }
    }

    /// From here on there will be messages.
    pub(super) fn expect_traffic(&mut self) {
        self.phase = Phase::Traffic;
    }

    /// Appends a frame of a message.
    #[inline]
    pub(super) fn push(&mut self, frame: Frame) {
        self.messages += usize::from(!frame.has_more());
        let Some(words) = frame.on_the_wire() else { return self.push_shared(frame) };
        let octets = 2 + frame.len();
        let batch = self.room_for(size_of_val(&words));
        for (place, word) in batch.spare().chunks_exact_mut(size_of::<u64>()).zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        batch.fill(octets);
    }

    fn push_shared(&mut self, frame: Frame) {
        let flags = if frame.has_more() { flag::MORE } else { 0 };
        self.put(&Header::octets(flags, frame.len()), frame);
    }

    /// Appends a frame of a message behind another header than that of 2.0 and 3.x, or behind none.
    pub(super) fn push_behind(&mut self, header: &[u8], frame: Frame) {
        self.messages += usize::from(!frame.has_more());
        self.put(header, frame);
    }

    fn put(&mut self, header: &[u8], frame: Frame) {
        if frame.len() <= COPIED {
            let batch = self.room_for(header.len() + frame.len());
            batch.append(header);
            batch.append(&frame);
        } else {
            self.room_for(header.len()).append(header);
            self.body_octets += frame.len();
            self.bodies.push_back((self.batch().len(), frame));
        }
    }

    /// Appends a frame of one octet and a body: a subscription of 3.0.
    pub(super) fn push_prefixed(&mut self, first: u8, body: &[u8]) {
        let header = Header::octets(0, 1 + body.len());
        let batch = self.room_for(Header::MAX_OCTETS + 1 + body.len());
        batch.append(&header);
        batch.append(&[first]);
        batch.append(body);
    }

    /// Appends a command.
    pub(super) fn push_command(&mut self, name: &[u8], data: &[u8]) {
        let mut command = Vec::new();
        command::write(name, data, &mut command);
        self.push_octets(&command);
    }

    /// Appends a command whose name and data are `body`.
    pub(super) fn push_command_body(&mut self, body: &[u8]) {
        let header = Header::octets(flag::COMMAND, body.len());
        let batch = self.room_for(Header::MAX_OCTETS + body.len());
        batch.append(&header);
        batch.append(body);
    }

    /// Appends a frame in a box.
    pub(super) fn push_sealed(&mut self, cipher: &mut Cipher, flags: u8, body: &[u8]) {
        let octets = Cipher::sealed_octets(body.len());
        let batch = self.room_for(octets);
        cipher.seal(flags, body, &mut batch.spare()[..octets]).expect("2^64 frames take longer than any link lasts");
        batch.fill(octets);
    }

    /// Counts the message that this frame ends, if it does.
    pub(super) fn count_message(&mut self, frame: &Frame) {
        self.messages += usize::from(!frame.has_more());
    }

    /// Appends octets that are no frame: a part of the greeting.
    pub(super) fn push_octets(&mut self, octets: &[u8]) {
        self.room_for(octets.len()).append(octets);
    }

    /// What to write next, in order; returns how many slices are filled.
    pub(super) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; Self::SLICES]) -> usize {
        let mut filled = 0;
        let mut put = |octets: &'a [u8]| {
            if !octets.is_empty() && filled < Self::SLICES {
                slices[filled] = IoSlice::new(octets);
                filled += 1;
            }
        };
        let mut from = self.batch_sent;
        let mut skip = self.body_sent;
        for (place, body) in &self.bodies {
            put(&self.batch()[from..*place]);
            put(&body[skip..]);
            (from, skip) = (*place, 0);
        }
        put(&self.batch()[from..]);
        filled
    }

    /// The first `n` octets of [`Self::slices`] are written.
    pub(super) fn sent(&mut self, mut n: usize) {
        while let Some((place, body)) = self.bodies.front() {
            let before = n.min(place - self.batch_sent);
            self.batch_sent += before;
            n -= before;
            let rest = body.len() - self.body_sent;
            if n < rest {
                self.body_sent += n;
                return;
            }
            n -= rest;
            self.body_octets -= body.len();
            self.body_sent = 0;
            self.bodies.pop_front();
        }
        self.batch_sent += n;
        if self.is_empty() {
            if let Some(batch) = &mut self.batch {
                batch.clear();
            }
            self.batch_sent = 0;
            self.messages = 0;
            self.answers = 0;
        }
    }

    /// Octets of memory that this holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.batch.as_ref().map_or(0, Buffer::capacity) + self.body_octets
    }

    /// Gives the memory back, if there is nothing to write.
    pub(super) fn relax(&mut self) {
        if self.is_empty()
            && let Some(batch) = self.batch.take()
        {
            self.batch_sent = 0;
            self.bodies = VecDeque::new();
            pool::give_back(batch);
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(batch) = self.batch.take() {
            pool::give_back(batch);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes everything, at most `cut` octets at a time.
    fn drain(output: &mut Output, cut: usize) -> Vec<u8> {
        let mut written = Vec::new();
        while !output.is_empty() {
            let mut slices = [IoSlice::new(&[]); Output::SLICES];
            let n = output.slices(&mut slices);
            let all: Vec<u8> = slices[..n].iter().flat_map(|slice| slice.iter().copied()).collect();
            let take = all.len().min(cut);
            written.extend_from_slice(&all[..take]);
            output.sent(take);
        }
        written
    }

    proptest! {
        /// However little the link takes at a time, the octets are the same.
        #[test]
        fn partial_writes_lose_nothing(sizes in prop::collection::vec(0usize..40_000, 1..20), cut in 1usize..100_000) {
            let fill = |output: &mut Output| {
                for (i, size) in sizes.iter().enumerate() {
                    output.push(Frame::copy_of(&vec![u8::try_from(i).unwrap(); *size]));
                }
            };
            let (mut whole, mut pieces) = (Output::default(), Output::default());
            fill(&mut whole);
            fill(&mut pieces);
            let mut expected = Vec::new();
            for (i, size) in sizes.iter().enumerate() {
                expected.extend_from_slice(&Header::octets(0, *size));
                expected.extend(vec![u8::try_from(i).unwrap(); *size]);
            }
            prop_assert_eq!(drain(&mut whole, usize::MAX), expected.clone());
            prop_assert_eq!(drain(&mut pieces, cut), expected);
        }
    }
}
