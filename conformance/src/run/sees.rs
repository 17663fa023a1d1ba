//! `sees`: what became of a connection, told by a fence where there is one and never by waiting alone.

use std::time::{Duration, Instant};

use super::peer_steps::is_pong;
use super::play::Player;
use super::stage::{SUBJECT, Stop};
use super::trouble::{Trouble, Unmet};
use crate::adapter::process::CallError;
use crate::adapter::protocol::{ErrorClass, Part, RequestBody};
use crate::case::step::Outcome;
use crate::peer::raw::RawPeer;
use crate::wire::annotate::describe;
use crate::wire::dialect::Dialect;
use crate::wire::frame::{Decoded, Frame, decode};
use crate::wire::greeting::{GREETING, Version};
use crate::wire::{hex, show};

/// How long the opening of a connection has to be quiet to be called complete. Cases that use it are of tier `clock`.
const QUIET: Duration = Duration::from_millis(250);
/// How long one look at a connection or at the subject's queue lasts while both are watched.
const LOOK: Duration = Duration::from_millis(20);

impl Player<'_> {
    pub(super) fn sees(&mut self, who: &str, accepted: &[Outcome]) -> Result<(), Trouble> {
        let words: Vec<&str> = accepted.iter().map(|outcome| outcome.word()).collect();
        let (outcome, came) =
            if accepted.iter().any(|o| matches!(o, Outcome::Opening10 | Outcome::Opening11 | Outcome::Opening64)) {
                self.opening(who)?
            } else if accepted.contains(&Outcome::Downgrade) {
                self.downgrade(who)?
            } else {
                self.fate(who, accepted)?
            };
        let ended = self.stage.peer(who).link.as_ref().and_then(crate::peer::link::Link::ended);
        match outcome {
            Some(outcome) => {
                self.note_close(outcome, ended);
                if accepted.contains(&outcome) {
                    self.accept(&words, outcome.word());
                    return Ok(());
                }
                Err(unmet(&words, came, outcome.word()))
            }
            None => Err(unmet(&words, came, "something-else")),
        }
    }

    /// Closed, refused with ERROR, greeted, open, or silent.
    fn fate(&mut self, who: &str, accepted: &[Outcome]) -> Result<(Option<Outcome>, String), Trouble> {
        let until = self.stage.deadline();
        let mut error = None;
        let mut fence = None;
        if self.dialect(who) != Dialect::V3 && self.stage.peer(who).introduced && self.can_send_canary() {
            return self.canary(who, until);
        }
        if self.stage.peer(who).ready && self.stage.peer(who).introduced {
            fence = self.send_fence(who)?;
            if fence.is_none() && self.can_send_canary() {
                return self.canary(who, until);
            }
        }
        loop {
            let look = if self.handler.is_some() { until.min(Instant::now() + LOOK) } else { until };
            let frame: Frame = match self.stage.frame(who, look)? {
                Ok(frame) => frame,
                Err(Stop::Deadline) if Instant::now() < until => {
                    if self.is_asked()? {
                        return Ok((Some(Outcome::Continued), "a request to the ZAP handler".to_owned()));
                    }
                    continue;
                }
                Err(Stop::Ended(_)) if error.is_some() => return Ok((Some(Outcome::Error), error.unwrap_or_default())),
                Err(Stop::Ended(how)) => return Ok((Some(Outcome::Closed), format!("closed ({how})"))),
                Err(Stop::Deadline) if error.is_some() => return Ok((Some(Outcome::Error), error.unwrap_or_default())),
                Err(Stop::Deadline) => {
                    let came = format!("neither an answer nor a close within {} ms", self.stage.patience.as_millis());
                    return Ok((Some(Outcome::Silent), came));
                }
                Err(stop) => {
                    return Err(
                        self.stopped(&stop, &accepted.iter().map(|o| o.word()).collect::<Vec<_>>().join(" or "))
                    );
                }
            };
            if let Some(context) = &fence
                && is_pong(&frame, context)
            {
                return Ok((Some(Outcome::Open), "open: a PING was answered".to_owned()));
            }
            match frame.command().filter(|_| frame.is_command()) {
                Some((b"PONG", context)) if !self.was_said(who, context) => {
                    let came = format!("{}: octets that were never sent to it", describe(&frame));
                    let wanted = "a PONG with nothing but octets of its PING";
                    return Err(Unmet::new(wanted, came, "foreign-octets").into());
                }
                Some((b"ERROR", _)) => error = Some(describe(&frame)),
                Some((b"WELCOME" | b"INITIATE", _)) if self.case.security.is_some() => {
                    return Ok((Some(Outcome::Continued), describe(&frame)));
                }
                Some((b"READY", _)) if !self.stage.peer(who).ready => {
                    self.take_ready(who, &frame)?;
                    if accepted.contains(&Outcome::Ready) {
                        return Ok((Some(Outcome::Ready), describe(&frame)));
                    }
                    if !self.stage.peer(who).introduced {
                        continue;
                    }
                    fence = self.send_fence(who)?;
                    if fence.is_none() && self.can_send_canary() {
                        return self.canary(who, until);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether octets are part of a PING that a raw peer wrote.
    // spec: ZMTP31-PING-03, ZMTP31-PING-06
    fn was_said(&self, who: &str, octets: &[u8]) -> bool {
        let said = self
            .stage
            .peers
            .get(who)
            .and_then(|peer| peer.link.as_ref())
            .map_or(&[][..], crate::peer::link::Link::said);
        if self.stage.peers.get(who).is_some_and(|peer| peer.curve.is_some()) {
            return true;
        }
        let mut rest = said.get(GREETING..).unwrap_or_default();
        while let Decoded::Frame(frame, taken) = decode(rest, said.len()) {
            rest = &rest[taken..];
            if let Some((b"PING", data)) = frame.command().filter(|_| frame.is_command())
                && (octets.is_empty() || data.windows(octets.len()).any(|window| window == octets))
            {
                return true;
            }
        }
        octets.is_empty()
    }

    fn send_fence(&mut self, who: &str) -> Result<Option<Vec<u8>>, Trouble> {
        if self.negotiated(who) < Version::V3_1 { Ok(None) } else { self.ping(who).map(Some) }
    }

    /// Whether a message of the raw peer reaches the application without anything else being done.
    fn can_send_canary(&self) -> bool {
        matches!(self.case.subject.as_str(), "PULL" | "PAIR" | "DEALER" | "ROUTER")
    }

    /// ZMTP 3.0 has no PING: a message that the application receives tells that the connection is open.
    fn canary(&mut self, who: &str, until: Instant) -> Result<(Option<Outcome>, String), Trouble> {
        const CANARY: &[u8] = b"zmqspec-canary";
        self.send_message(who, &[CANARY.to_vec()])?;
        loop {
            let look = until.min(Instant::now() + LOOK);
            match self.stage.await_peer(who, look, |peer| peer.take_frame())? {
                Err(Stop::Ended(how)) => return Ok((Some(Outcome::Closed), format!("closed ({how})"))),
                Err(Stop::Deadline) | Ok(_) => {}
                Err(stop) => return Err(self.stopped(&stop, "a connection that is open or closed")),
            }
            let timeout_ms = u64::try_from(LOOK.as_millis()).unwrap_or(u64::MAX);
            match self.stage.ask(RequestBody::Recv { s: SUBJECT.to_owned(), timeout_ms }, LOOK) {
                Ok(reply) => {
                    let canary = Part::Hex(hex(CANARY));
                    if reply.parts.is_some_and(|parts| parts.last() == Some(&canary)) {
                        return Ok((Some(Outcome::Open), "open: a message was delivered".to_owned()));
                    }
                }
                Err(CallError::Refused(refusal))
                    if refusal.class == ErrorClass::WouldBlock || refusal.class == ErrorClass::Peer => {}
                Err(error) => return Err(Trouble::Adapter(error)),
            }
            if Instant::now() >= until {
                let came = format!("neither a delivery nor a close within {} ms", self.stage.patience.as_millis());
                return Ok((Some(Outcome::Silent), came));
            }
        }
    }

    /// What the subject writes before it has read anything.
    fn opening(&mut self, who: &str) -> Result<(Option<Outcome>, String), Trouble> {
        let until = self.stage.deadline();
        let mut length = 0;
        loop {
            let wanted = length + 1;
            let enough =
                |peer: &mut RawPeer| Ok(peer.link.as_ref().map(|link| link.inbox().len()).filter(|len| *len >= wanted));
            let quiet = if length == 0 { until } else { until.min(Instant::now() + QUIET) };
            match self.stage.await_peer(who, quiet, enough)? {
                Ok(now) if now < GREETING => length = now,
                Ok(now) => {
                    length = now;
                    break;
                }
                Err(Stop::Deadline) => break,
                Err(stop) => return Err(self.stopped(&stop, "the opening of a greeting")),
            }
        }
        let outcome = match length {
            10 => Some(Outcome::Opening10),
            11 => Some(Outcome::Opening11),
            64 => Some(Outcome::Opening64),
            _ => None,
        };
        Ok((outcome, format!("{length} octets unasked")))
    }

    /// Whether the subject goes on in an older version: after its signature comes no greeting of 3.x.
    fn downgrade(&mut self, who: &str) -> Result<(Option<Outcome>, String), Trouble> {
        const ENOUGH: usize = 14;
        let until = self.stage.deadline();
        let look = |peer: &mut RawPeer| {
            let link = peer.link.as_ref();
            Ok(link.map(|link| link.inbox().to_vec()).filter(|octets| octets.len() >= ENOUGH))
        };
        match self.stage.await_peer(who, until, look)? {
            Ok(octets) if octets[12].is_ascii_uppercase() => {
                // A peer that does not detect versions has sent its greeting before it read ours; what tells is
                // whether a handshake follows.
                let beyond =
                    |peer: &mut RawPeer| Ok(peer.link.as_ref().filter(|link| link.inbox().len() > GREETING).map(drop));
                let outcome = match self.stage.await_peer(who, until, beyond)? {
                    Ok(()) => Outcome::Ready,
                    Err(Stop::Ended(_)) => Outcome::Closed,
                    Err(_) => Outcome::Silent,
                };
                Ok((Some(outcome), format!("a greeting of 3.x, then {}", outcome.word())))
            }
            Ok(octets) => Ok((Some(Outcome::Downgrade), format!("went on with {}", show(&octets[10..])))),
            Err(Stop::Ended(how)) => Ok((Some(Outcome::Closed), format!("closed ({how})"))),
            Err(Stop::Deadline) => {
                let came = format!("neither a downgrade nor a close within {} ms", self.stage.patience.as_millis());
                Ok((Some(Outcome::Silent), came))
            }
            Err(stop) => Err(self.stopped(&stop, "a downgrade or a close")),
        }
    }
}

fn unmet(accepted: &[&str], came: String, slug: &str) -> Trouble {
    Trouble::Unmet(Unmet {
        accepted: accepted.iter().map(|word| (*word).to_owned()).collect(),
        came,
        slug: slug.to_owned(),
    })
}
