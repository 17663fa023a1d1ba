//! Messages: one frame or several, sent and received as a whole.

use std::fmt;

use crate::frame::Frame;

/// A message of one part or more. It is never empty, but its parts may be.
///
/// Whether more parts follow a part is known from its place; the MORE bits of the frames in a message mean nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    head: Frame,
    tail: Vec<Frame>,
}

impl Message {
    /// A message of one part.
    #[inline]
    pub fn new(frame: impl Into<Frame>) -> Self {
        Self { head: frame.into(), tail: Vec::new() }
    }

    /// A message of these parts, or `None` if there are none.
    #[must_use]
    pub fn from_frames(frames: impl IntoIterator<Item = Frame>) -> Option<Self> {
        let mut frames = frames.into_iter();
        let head = frames.next()?;
        Some(Self { head, tail: frames.collect() })
    }

    /// A message of `head` and the parts behind it.
    #[inline]
    #[must_use]
    pub fn of_parts(head: Frame, tail: Vec<Frame>) -> Self {
        Self { head, tail }
    }

    /// Number of parts, at least 1.
    #[inline]
    #[must_use]
    pub fn parts(&self) -> usize {
        1 + self.tail.len()
    }

    /// Octets of all parts together.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.iter().map(Frame::len).sum()
    }

    /// The first part.
    #[inline]
    #[must_use]
    pub fn first(&self) -> &Frame {
        &self.head
    }

    /// The part at `index`, counted from 0.
    #[must_use]
    pub fn part(&self, index: usize) -> Option<&Frame> {
        if index == 0 { Some(&self.head) } else { self.tail.get(index - 1) }
    }

    /// The parts in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Frame> {
        std::iter::once(&self.head).chain(&self.tail)
    }

    /// Puts a part behind the last.
    pub fn push(&mut self, frame: impl Into<Frame>) {
        self.tail.push(frame.into());
    }

    /// Puts a part before the first: a routing id, or a delimiter.
    pub fn push_front(&mut self, frame: impl Into<Frame>) {
        let second = std::mem::replace(&mut self.head, frame.into());
        self.tail.insert(0, second);
    }

    /// Takes the first part off: it and the rest, or the message itself if it has only one.
    ///
    /// # Errors
    ///
    /// The message, if it has one part only.
    pub fn split_first(mut self) -> Result<(Frame, Self), Self> {
        if self.tail.is_empty() {
            return Err(self);
        }
        let head = self.tail.remove(0);
        let first = std::mem::replace(&mut self.head, head);
        Ok((first, self))
    }

    /// The first part, and those behind it.
    #[inline]
    #[must_use]
    pub fn into_parts(self) -> (Frame, Vec<Frame>) {
        (self.head, self.tail)
    }
}

impl IntoIterator for Message {
    type Item = Frame;
    type IntoIter = std::iter::Chain<std::iter::Once<Frame>, std::vec::IntoIter<Frame>>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self.head).chain(self.tail)
    }
}

impl<T: Into<Frame>> From<T> for Message {
    #[inline]
    fn from(frame: T) -> Self {
        Self::new(frame)
    }
}

impl<T: Into<Frame>, const N: usize> From<[T; N]> for Message {
    /// One part for each element.
    ///
    /// # Panics
    ///
    /// If there is no element: a message has at least one part.
    fn from(parts: [T; N]) -> Self {
        const { assert!(N > 0, "a message has at least one part") };
        Self::from_frames(parts.into_iter().map(Into::into)).expect("there is at least one element")
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_put_on_and_taken_off_at_the_front() {
        let mut message = Message::from(["body"]);
        message.push_front("");
        message.push_front("id");
        assert_eq!(message, Message::from(["id", "", "body"]));
        let (id, rest) = message.split_first().unwrap();
        assert_eq!((id, rest.parts()), (Frame::from("id"), 2));
        let (_, body) = rest.split_first().unwrap();
        assert_eq!(body.split_first(), Err(Message::from("body")));
    }

    #[test]
    fn a_message_has_a_part() {
        assert_eq!(Message::from_frames([]), None);
        assert_eq!(Message::from([""]).parts(), 1);
        assert_eq!(Message::from(["a", "bc"]).octets(), 3);
        assert_eq!(Message::from(["a", "bc"]).part(1), Some(&Frame::from("bc")));
        assert_eq!(Message::from("a").part(1), None);
    }
}
