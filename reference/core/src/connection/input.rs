//! What has arrived on a link and is not read yet.

use std::ops::ControlFlow;

use super::Phase;
use crate::frame::{Buffer, Frame, pool};
use crate::wire::{Header, flag};

/// Octets in the order of their arrival. Holds no memory while there are none.
#[derive(Default)]
pub(super) struct Input {
    buffer: Option<Buffer>,
    /// Octets of the buffer that were consumed.
    read: usize,
    /// Octets, from the first unread one on, that the next frame is known to need.
    needed: usize,
    phase: Phase,
}

/// No exact buffer is made for a frame on its header's word alone: it grows with what has arrived.
const FIRST_OCTETS: usize = pool::READ_OCTETS;
/// A read is not worth its call with less room than this.
const LEAST_SPARE: usize = FIRST_OCTETS / 8;

impl Input {
    /// Where the next octets go. Never empty.
    pub(super) fn spare(&mut self) -> &mut [u8] {
        self.make_room();
        self.buffer.as_mut().expect("room was made").spare()
    }

    /// `n` octets have arrived in [`Self::spare`].
    #[inline]
    pub(super) fn fill(&mut self, n: usize) {
        if let Some(buffer) = &mut self.buffer {
            buffer.fill(n);
        }
    }

    /// What is not read yet.
    #[inline]
    pub(super) fn unread(&self) -> &[u8] {
        self.buffer.as_ref().map_or(&[], |buffer| &buffer.octets()[self.read..])
    }

    /// The next `n` unread octets are read.
    #[inline]
    pub(super) fn consume(&mut self, n: usize) {
        self.read += n;
        self.needed = 0;
    }

    /// The frame whose `body` octets lie behind a header of `header` octets, which is all read now.
    #[inline]
    pub(super) fn take_frame(&mut self, header: usize, body: usize) -> Frame {
        let start = self.read + header;
        let buffer = self.buffer.as_mut().expect("a header was read from it");
        let frame = Frame::of(buffer, start, body);
        self.consume(header + body);
        frame
    }

    /// Gives `take` the frames of messages that are all here, until it breaks off, or something else is next: a command, a
    /// frame of more than `limit` octets, or one that is not all here.
    #[inline(always)]
    pub(super) fn take_frames(&mut self, limit: u64, mut take: impl FnMut(Frame) -> ControlFlow<()>) {
        let Some(buffer) = &mut self.buffer else { return };
        let mut read = self.read;
        while let Ok(Some(header)) = Header::parse(&buffer.octets()[read..]) {
            let start = read + header.octets;
            let rest = buffer.filled().wrapping_sub(start);
            if header.flags & flag::COMMAND != 0 || header.body > limit || header.body > rest as u64 {
                break;
            }
            #[expect(clippy::cast_possible_truncation, reason = "no longer than what is here")]
            let body = header.body as usize;
            let frame = Frame::of(buffer, start, body);
            read = start + body;
            if take(frame.with_flags(header.flags)).is_break() {
                break;
            }
        }
        self.read = read;
        self.needed = 0;
    }

    /// The next frame is complete with `octets` unread ones.
    #[inline]
    pub(super) fn need(&mut self, octets: usize) {
        self.needed = octets;
    }

    /// Gives the memory back, if nothing is unread.
    pub(super) fn relax(&mut self) {
        if self.unread().is_empty()
            && let Some(buffer) = self.buffer.take()
        {
            self.read = 0;
            pool::give_back(buffer);
        }
    }

    /// From here on there will be messages.
    pub(super) fn expect_traffic(&mut self) {
        self.phase = Phase::Traffic;
    }

    /// Octets of memory that this holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.buffer.as_ref().map_or(0, Buffer::capacity)
    }

    fn make_room(&mut self) {
        let Some(buffer) = &mut self.buffer else {
            self.buffer = Some(match self.phase {
                Phase::Handshake => Buffer::with_capacity(pool::HANDSHAKE_OCTETS),
                Phase::Traffic => pool::take(FIRST_OCTETS),
            });
            self.read = 0;
            return;
        };
        let unread = buffer.filled() - self.read;
        let usual = match self.phase {
            Phase::Handshake => buffer.capacity() <= FIRST_OCTETS * 2,
            Phase::Traffic => (FIRST_OCTETS..=FIRST_OCTETS * 2).contains(&buffer.capacity()),
        };
        if unread == 0 && usual && buffer.clear() {
            self.read = 0;
            return;
        }
        let behind = buffer.capacity() - self.read;
        let spare = buffer.capacity() - buffer.filled();
        let enough = if self.needed > unread {
            behind >= self.needed || (self.needed > FIRST_OCTETS && spare >= LEAST_SPARE)
        } else {
            spare >= LEAST_SPARE || (self.phase == Phase::Handshake && spare > 0)
        };
        if enough {
            return;
        }
        // What a header announces is made room for as far as the pool has it lying about; fresh memory is twice what
        // has arrived, so that an announcement costs nothing.
        let mut next = pool::take_pooled(self.needed.max(FIRST_OCTETS))
            .unwrap_or_else(|| Buffer::with_capacity(self.needed.min(unread.saturating_mul(2)).max(FIRST_OCTETS)));
        next.append(&buffer.octets()[self.read..]);
        self.read = 0;
        pool::give_back(std::mem::replace(buffer, next));
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            pool::give_back(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrive(input: &mut Input, octets: &[u8]) {
        let mut rest = octets;
        while !rest.is_empty() {
            let spare = input.spare();
            let n = spare.len().min(rest.len());
            spare[..n].copy_from_slice(&rest[..n]);
            input.fill(n);
            rest = &rest[n..];
        }
    }

    #[test]
    fn what_arrives_is_there_until_it_is_read() {
        let mut input = Input::default();
        arrive(&mut input, b"abcdef");
        assert_eq!(input.unread(), b"abcdef");
        input.consume(2);
        assert_eq!(input.take_frame(1, 2), b"de");
        assert_eq!(input.unread(), b"f");
    }

    #[test]
    fn memory_grows_with_what_arrives_and_not_with_what_is_announced() {
        let mut input = Input::default();
        let mut arrived = 0;
        input.need(usize::MAX);
        while arrived < 4 << 20 {
            input.need(usize::MAX);
            let capacity = input.spare().len() + arrived;
            assert!(capacity <= (2 * arrived).max(FIRST_OCTETS), "{capacity} octets for {arrived} that arrived");
            let n = input.spare().len().min(10_000);
            input.fill(n);
            arrived += n;
        }
    }

    #[test]
    fn nothing_is_held_when_everything_is_read() {
        let mut input = Input::default();
        arrive(&mut input, b"abc");
        input.relax();
        assert_eq!(input.unread(), b"abc");
        input.consume(3);
        input.relax();
        assert!(input.buffer.is_none());
    }

    #[test]
    fn frames_keep_their_octets_when_the_buffer_goes_on() {
        let mut input = Input::default();
        let mut frames = Vec::new();
        for i in 0..=255 {
            arrive(&mut input, &[i; 1000]);
            frames.push(input.take_frame(0, 1000));
        }
        for (i, frame) in (0..=255).zip(&frames) {
            assert_eq!(*frame, [i; 1000][..]);
        }
    }
}
