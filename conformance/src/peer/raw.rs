//! A raw peer: what it has said and heard on its connection, and the units that can be read next.

use std::collections::VecDeque;

use super::curve::Curve;
use super::link::Link;
use super::stream::Listener;
use crate::wire::annotate::{Start, annotate};
use crate::wire::dialect::Dialect;
use crate::wire::early::{self, EarlyGreeting, Greeted};
use crate::wire::frame::{Decoded, Frame, flag};
use crate::wire::greeting::{GREETING, Greeting, Version};

/// Largest frame that a case expects of a subject.
const FRAME_LIMIT: usize = 32 << 20;

/// One raw peer of a case.
#[derive(Debug)]
pub struct RawPeer {
    /// `peer`, or `A` to `F`.
    pub name: String,
    /// The connection, while there is one.
    pub link: Option<Link>,
    /// Where the subject was told to connect; kept for its next attempt.
    pub listener: Option<Listener>,
    /// How frames of the connection are cut.
    pub dialect: Dialect,
    /// The subject's greeting.
    pub greeting: Option<Greeting>,
    /// The subject's greeting where this end speaks 2.0 or 1.0.
    pub early: Option<EarlyGreeting>,
    /// Version that this end greeted with.
    pub greeted: Option<Version>,
    /// Whether READY came from the subject.
    pub ready: bool,
    /// Whether this end wrote a READY, right or wrong: before that, a PING would be a sin of its own.
    pub introduced: bool,
    /// CURVE, where the case is about it.
    pub curve: Option<Curve>,
    /// Frames that were read while something else was awaited.
    held: VecDeque<Frame>,
    fences: u32,
}

/// Why no frame can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// A size beyond every limit.
    TooLarge(u64),
    /// The subject broke a rule that holds for everything it writes.
    Broken {
        /// The rule's requirement, in words.
        rule: &'static str,
        /// Stable name.
        slug: &'static str,
        /// The frame.
        frame: Frame,
    },
}

impl RawPeer {
    /// A peer that has no connection yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            link: None,
            listener: None,
            dialect: Dialect::default(),
            greeting: None,
            early: None,
            greeted: None,
            ready: false,
            introduced: false,
            curve: None,
            held: VecDeque::new(),
            fences: 0,
        }
    }

    /// Takes a new connection, and forgets the one before.
    pub fn begin(&mut self, link: Link, dialect: Dialect) {
        self.link = Some(link);
        self.dialect = dialect;
        self.greeting = None;
        self.early = None;
        self.greeted = None;
        self.ready = false;
        self.introduced = false;
        self.curve = None;
        self.held.clear();
    }

    /// The lower of both versions, once both greetings are out. A peer that greets with less than 3.0 counts as 3.0.
    #[must_use]
    pub fn negotiated(&self) -> Option<Version> {
        match self.dialect {
            Dialect::V1 => return Some(Version::V1_0),
            Dialect::V2 => return Some(Version::V2_0),
            Dialect::V3 => {}
        }
        let theirs = self.greeting.as_ref()?.version;
        Some(self.greeted?.min(theirs).clamp(Version::V3_0, Version::V3_1))
    }

    /// The subject's greeting, as soon as it is whole.
    pub fn take_greeting(&mut self) -> Option<Greeting> {
        let link = self.link.as_mut()?;
        if self.greeting.is_none() {
            let octets = *link.inbox().first_chunk::<GREETING>()?;
            link.take(GREETING);
            self.greeting = Some(Greeting::decode(&octets));
        }
        self.greeting.clone()
    }

    /// The subject's greeting of 2.0 or 1.0, as soon as it is whole.
    ///
    /// # Errors
    /// What stands in the place of the identity is no frame.
    pub fn take_early(&mut self) -> Result<Option<EarlyGreeting>, Unreadable> {
        if let (None, Some(link)) = (&self.early, self.link.as_mut()) {
            match early::decode(self.dialect, link.inbox()) {
                Greeted::Whole(greeting) => {
                    link.take(greeting.octets.len());
                    self.ready = true;
                    self.early = Some(greeting);
                }
                Greeted::Incomplete => {}
                Greeted::Broken => {
                    let frame = Frame { flags: 0, body: link.inbox().to_vec() };
                    return Err(Unreadable::Broken { rule: "an identity is a frame", slug: "identity-frame", frame });
                }
            }
        }
        Ok(self.early.clone())
    }

    /// The next frame that is whole, those set aside first.
    ///
    /// # Errors
    /// The subject wrote a frame that nobody may write.
    pub fn take_frame(&mut self) -> Result<Option<Frame>, Unreadable> {
        if let Some(frame) = self.held.pop_front() {
            return Ok(Some(frame));
        }
        self.take_new_frame()
    }

    /// The next frame off the wire, passing over those set aside.
    ///
    /// # Errors
    /// As [`Self::take_frame`].
    pub fn take_new_frame(&mut self) -> Result<Option<Frame>, Unreadable> {
        let greeted = match self.dialect {
            Dialect::V3 => self.take_greeting().is_some(),
            Dialect::V1 | Dialect::V2 => self.take_early()?.is_some(),
        };
        let Some(link) = self.link.as_mut().filter(|_| greeted) else { return Ok(None) };
        match self.dialect.decode(link.inbox(), FRAME_LIMIT) {
            Decoded::Frame(frame, taken) => {
                link.take(taken);
                let frame = lawful(self.dialect, frame)?;
                match self.curve.as_mut().filter(|curve| curve.traffic) {
                    Some(curve) => opened(curve, frame).map(Some),
                    None => Ok(Some(frame)),
                }
            }
            Decoded::Incomplete => Ok(None),
            Decoded::TooLarge(size) => Err(Unreadable::TooLarge(size)),
            Decoded::Void(octets) => {
                let frame = Frame { flags: 0, body: link.take(octets) };
                Err(Unreadable::Broken { rule: "a length counts the flags octet", slug: "length-zero", frame })
            }
        }
    }

    /// Keeps a frame for a later step.
    pub fn set_aside(&mut self, frame: Frame) {
        self.held.push_back(frame);
    }

    /// Puts a frame back that was taken too early.
    pub fn put_back(&mut self, frame: Frame) {
        self.held.push_front(frame);
    }

    /// A context that no fence of this peer has used.
    pub fn next_fence(&mut self) -> Vec<u8> {
        self.fences += 1;
        format!("fence-{}", self.fences).into_bytes()
    }

    /// Both directions of the connection, annotated; the last `lines` lines of each.
    #[must_use]
    pub fn evidence(&self, lines: usize) -> Vec<String> {
        let Some(link) = &self.link else { return Vec::new() };
        let mut out = Vec::new();
        for (direction, octets) in [("sent", link.said()), ("received", link.heard())] {
            if !octets.is_empty() {
                out.push(format!("{} {direction}:", self.name));
                out.extend(annotate(self.dialect, octets, Start::OfConnection, lines));
            }
        }
        if let Some(curve) = self.curve.as_ref().filter(|curve| !curve.opened.is_empty()) {
            out.push(format!("{} in the boxes, with the short nonce:", self.name));
            out.extend(curve.opened.iter().skip(curve.opened.len().saturating_sub(lines)).cloned());
        }
        out
    }
}

/// The frame in a MESSAGE of CURVE. ERROR stays as it is.
// spec: CURVE-READY-06, ZMTP31-ANALYSIS-03, ZMTP30-ANALYSIS-03
fn opened(curve: &mut Curve, frame: Frame) -> Result<Frame, Unreadable> {
    let broken = |rule, slug, frame| Err(Unreadable::Broken { rule, slug, frame });
    if frame.is_command() && frame.command().is_some_and(|(name, _)| name == b"ERROR") {
        return Ok(frame);
    }
    if !frame.body.starts_with(b"\x07MESSAGE") {
        return broken("behind READY everything is a MESSAGE", "clear-text", frame);
    }
    if frame.has_more() {
        return broken("MORE stands inside of a MESSAGE, not outside", "outer-more", frame);
    }
    match curve.on_message(&frame.body) {
        Err(wrong) => broken(wrong.rule, wrong.slug, frame),
        Ok(payload) => {
            let more = if payload[0] & 1 == 0 { 0 } else { flag::MORE };
            let command = if payload[0] & 2 == 0 { 0 } else { flag::COMMAND };
            let inner = more | command;
            lawful(Dialect::V3, Frame::minimal(inner, payload[1..].to_vec()))
        }
    }
}

/// Rules for every frame that a subject writes.
// spec: ZMTP31-FRAMING-04, ZMTP31-FRAMING-08, ZMTP31-COMMAND-03, ZMTP20-FRAME-06, ZMTP10-FRAME-02
fn lawful(dialect: Dialect, frame: Frame) -> Result<Frame, Unreadable> {
    let broken = |rule, slug, frame| Err(Unreadable::Broken { rule, slug, frame });
    match dialect {
        // That the other bits are zero is a SHOULD of 1.0, for a case of its own.
        Dialect::V1 => return Ok(Frame { flags: frame.flags & flag::MORE, body: frame.body }),
        Dialect::V2 if frame.flags & !(flag::MORE | flag::LONG) != 0 => {
            return broken("flag bits 7 to 2 are zero", "reserved-flag-bits", frame);
        }
        Dialect::V2 | Dialect::V3 => {}
    }
    if frame.flags & flag::RESERVED != 0 {
        return broken("flag bits 7 to 3 are zero", "reserved-flag-bits", frame);
    }
    if frame.is_command() && frame.has_more() {
        return broken("MORE is zero on command frames", "command-with-more", frame);
    }
    let letters = |name: &[u8]| !name.is_empty() && name.iter().all(u8::is_ascii_alphabetic);
    if frame.is_command() && !frame.command().is_some_and(|(name, _)| letters(name)) {
        return broken("a command begins with the length of its name, and the name is letters", "command-name", frame);
    }
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unlawful_frames_are_named() {
        let slug_of = |dialect, flags, body: &[u8]| match lawful(dialect, Frame { flags, body: body.to_vec() }) {
            Ok(_) => "lawful",
            Err(Unreadable::Broken { slug, .. }) => slug,
            Err(Unreadable::TooLarge(_)) => "too large",
        };
        let slug = |flags, body: &[u8]| slug_of(Dialect::V3, flags, body);
        assert_eq!(slug_of(Dialect::V2, 3, b""), "lawful");
        assert_eq!(slug_of(Dialect::V2, 4, b"\x04PING"), "reserved-flag-bits");
        assert_eq!(slug_of(Dialect::V1, 0xff, b""), "lawful");
        assert_eq!(slug(0, b""), "lawful");
        assert_eq!(slug(4, b"\x04PING"), "lawful");
        assert_eq!(slug(8, b""), "reserved-flag-bits");
        assert_eq!(slug(5, b"\x04PING"), "command-with-more");
        assert_eq!(slug(4, b"\x05PING"), "command-name");
        assert_eq!(slug(4, b"\x04PI G"), "command-name");
        assert_eq!(slug(4, b"\0"), "command-name");
    }
}
