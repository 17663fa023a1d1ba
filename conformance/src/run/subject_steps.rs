//! The steps of the subject: what its adapter is asked to do, and what has to come of it.

use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::peer_steps::{Came, PROBE, words};
use super::play::Player;
use super::stage::{SUBJECT, part, unsupported_or};
use super::trouble::{Trouble, Unmet};
use crate::adapter::process::CallError;
use crate::adapter::protocol::{ErrorClass, ErrorReply, Part, Reply, RequestBody};
use crate::case::step::{FramePattern, FrameValue, OptionValue, SendWants, SubjectAct};
use crate::wire::annotate::describe;
use crate::wire::{hex, show, unhex};

/// How long a send that must not find room is left to look for some.
const NO_ROOM: Duration = Duration::from_millis(50);
/// Most probes that may be needed until every peer has been reached once.
pub(super) const MOST_PROBES: usize = 200;

impl Player<'_> {
    pub(super) fn subject_step(&mut self, act: &SubjectAct) -> Result<(), Trouble> {
        match act {
            SubjectAct::Sends { frames, wants } => self.send_and_want(frames, wants),
            SubjectAct::SendsPart(frame) => {
                let parts = self.frames(std::slice::from_ref(frame))?;
                self.subject_sends(&parts, More::Follows)?;
                Ok(())
            }
            SubjectAct::SendsInRotation { count, peers } => self.send_in_rotation(*count, peers),
            SubjectAct::RequestsInRotation { count, peers } => self.request_in_rotation(*count, peers),
            SubjectAct::Receives(frames) => self.receive(frames),
            SubjectAct::ReceivesFrom { frames, properties } => self.receive_from(frames, properties),
            SubjectAct::ReceivesRefused(classes) => self.receive_refused(classes),
            SubjectAct::ReceivesWithin { frames, within } => self.receive_within(frames, *within),
            SubjectAct::ReceivesCount(count) => (0..*count).try_for_each(|i| {
                let wanted = format!("message {} of {count}", i + 1);
                self.received(&wanted).map(|_| ())
            }),
            SubjectAct::Subscribes(topic) => self.set("subscribe", &OptionValue::Octets(topic.clone())),
            SubjectAct::Unsubscribes(topic) => self.set("unsubscribe", &OptionValue::Octets(topic.clone())),
            SubjectAct::Sets { option, value, refused } if refused.is_empty() => self.set(option, value),
            SubjectAct::Sets { option, value, refused } => self.set_refused(option, value, refused),
            SubjectAct::Reports(events) => self.report(events),
            SubjectAct::Settles => self.stage.settle(SUBJECT),
            SubjectAct::Closes => {
                let close = RequestBody::Close { s: SUBJECT.to_owned(), linger: Some(0) };
                self.stage.ask(close, self.stage.patience)?;
                Ok(())
            }
        }
    }

    fn set(&mut self, option: &str, value: &OptionValue) -> Result<(), Trouble> {
        let value = self.stage.value(option, value)?;
        let set = RequestBody::Set { s: SUBJECT.to_owned(), option: option.to_owned(), value };
        self.stage.ask(set, self.stage.patience).map_err(|error| unsupported_or(error, Trouble::Adapter))?;
        Ok(())
    }

    fn set_refused(&mut self, option: &str, value: &OptionValue, classes: &[ErrorClass]) -> Result<(), Trouble> {
        let value = self.stage.value(option, value)?;
        let set = RequestBody::Set { s: SUBJECT.to_owned(), option: option.to_owned(), value };
        let accepted: Vec<String> = classes.iter().map(|class| refused_as(*class)).collect();
        let (came, slug) = match self.stage.ask(set, self.stage.patience) {
            Ok(_) => ("the option was set".to_owned(), "set".to_owned()),
            Err(CallError::Refused(refusal)) => {
                (format!("the option was refused: {refusal}"), refused_as(refusal.class))
            }
            Err(error) => return Err(Trouble::Adapter(error)),
        };
        if accepted.contains(&slug) {
            return Ok(());
        }
        Err(Unmet { accepted, came, slug }.into())
    }

    /// The next event of the subject's monitor.
    fn report(&mut self, events: &[String]) -> Result<(), Trouble> {
        let wanted = format!("event {}", events.join(" or "));
        match self.stage.event() {
            Some(event) if events.contains(&event) => {
                let accepted: Vec<&str> = events.iter().map(String::as_str).collect();
                self.accept(&accepted, &event);
                Ok(())
            }
            Some(event) => Err(Unmet::new(wanted, format!("event {event}"), event).into()),
            None => {
                let came = format!("no event within {} ms", self.stage.patience.as_millis());
                Err(Unmet::new(wanted, came, "silent").into())
            }
        }
    }

    /// Sends and says how it was refused, if it was.
    pub(super) fn subject_sends(&mut self, parts: &[Vec<u8>], more: More) -> Result<Option<ErrorReply>, Trouble> {
        self.subject_sends_within(parts, more, self.stage.patience)
    }

    fn subject_sends_within(
        &mut self,
        parts: &[Vec<u8>],
        more: More,
        patience: Duration,
    ) -> Result<Option<ErrorReply>, Trouble> {
        let send = RequestBody::Send {
            s: SUBJECT.to_owned(),
            parts: parts.iter().map(|octets| part(octets)).collect(),
            more: more == More::Follows,
            timeout_ms: millis(patience),
        };
        match self.stage.ask(send, patience) {
            Ok(_) => Ok(None),
            Err(CallError::Refused(refusal)) => Ok(Some(refusal)),
            Err(error) => Err(Trouble::Adapter(error)),
        }
    }

    fn send_and_want(&mut self, frames: &[FrameValue], wants: &SendWants) -> Result<(), Trouble> {
        let parts = self.frames(frames)?;
        // That there is no room shows at once; only a send that has to succeed may take its time.
        let patience = match wants {
            SendWants::Refusal(classes) if classes.contains(&ErrorClass::WouldBlock) => {
                NO_ROOM.min(self.stage.patience)
            }
            SendWants::Success | SendWants::Refusal(_) | SendWants::SuccessOrRefusal(_) => self.stage.patience,
        };
        let refused = self.subject_sends_within(&parts, More::No, patience)?;
        let accepted: Vec<String> = match wants {
            SendWants::Success => vec!["sent".to_owned()],
            SendWants::Refusal(classes) => classes.iter().map(|class| refused_as(*class)).collect(),
            SendWants::SuccessOrRefusal(classes) => {
                std::iter::once("sent".to_owned()).chain(classes.iter().map(|class| refused_as(*class))).collect()
            }
        };
        let came = refused.as_ref().map_or("sent".to_owned(), |refusal| refused_as(refusal.class));
        if accepted.contains(&came) {
            let accepted: Vec<&str> = accepted.iter().map(String::as_str).collect();
            self.accept(&accepted, &came);
            return Ok(());
        }
        let in_words =
            refused.map_or("the message was sent".to_owned(), |refusal| format!("the send was refused: {refusal}"));
        Err(Unmet { accepted, came: in_words, slug: came }.into())
    }

    /// Sends a probe; where nobody is there to take it, that is no failure.
    pub(super) fn publish(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        self.subject_sends(&[octets.to_vec()], More::No)?;
        Ok(())
    }

    /// First probes until every peer is reached, then numbered messages that have to go round.
    fn send_in_rotation(&mut self, count: usize, peers: &[String]) -> Result<(), Trouble> {
        let wanted = format!("{count} messages in rotation to {}", peers.join(" "));
        self.reach_all(peers).map_err(Trouble::on_the_way)?;
        for number in 1..=count {
            if let Some(refusal) = self.subject_sends(&[number.to_string().into_bytes()], More::No)? {
                return Err(Unmet::new(
                    wanted,
                    format!("message {number} was refused: {refusal}"),
                    refused_as(refusal.class),
                )
                .into());
            }
        }
        let mut owners: Vec<Option<usize>> = vec![None; count];
        for (owner, peer) in peers.iter().enumerate() {
            for _ in 0..count / peers.len() {
                let until = self.stage.deadline();
                let parts = match self.next(peer, until)? {
                    Came::Message(parts) => parts,
                    Came::Command(frame) => return Err(Unmet::new(wanted, describe(&frame), "command").into()),
                    Came::Stop(stop) => {
                        return Err(self.stopped(&stop, &format!("{wanted}; {peer} still lacks its share")));
                    }
                };
                let number = parts.first().and_then(|part| std::str::from_utf8(part).ok()?.parse::<usize>().ok());
                match number.and_then(|number| owners.get_mut(number.checked_sub(1)?)) {
                    Some(slot @ None) => *slot = Some(owner),
                    Some(Some(_)) | None => {
                        let came = parts.first().map(|part| show(part)).unwrap_or_default();
                        return Err(Unmet::new(wanted, format!("{peer} received {came}"), "other-message").into());
                    }
                }
            }
        }
        let owners: Vec<usize> = owners.into_iter().flatten().collect();
        rotates(&owners, peers, wanted)
    }

    fn reach_all(&mut self, peers: &[String]) -> Result<(), Trouble> {
        let mut missing: Vec<&String> = peers.iter().collect();
        for _ in 0..MOST_PROBES {
            self.probes += 1;
            self.publish(&[PROBE, self.probes.to_string().as_bytes()].concat())?;
            let look = Instant::now() + Duration::from_millis(5);
            let mut still = Vec::new();
            for peer in missing {
                match self.stage.frame(peer, look)? {
                    Ok(_) => {}
                    Err(_) => still.push(peer),
                }
            }
            missing = still;
            if missing.is_empty() {
                return Ok(());
            }
        }
        let names: Vec<&str> = missing.iter().map(|name| name.as_str()).collect();
        Err(Unmet::new(
            "every peer gets a message",
            format!("{} got none of {MOST_PROBES}", names.join(" ")),
            "unreached-peer",
        )
        .into())
    }

    fn receive(&mut self, frames: &[FramePattern]) -> Result<(), Trouble> {
        let wanted = format!("message {}", words(frames));
        let parts = self.received(&wanted)?;
        if self.parts_match(frames, &parts) {
            return Ok(());
        }
        Err(Unmet::new(
            wanted,
            format!("message {}", parts.iter().map(shown).collect::<Vec<_>>().join(" ")),
            "other-message",
        )
        .into())
    }

    fn receive_from(&mut self, frames: &[FramePattern], properties: &[(String, FramePattern)]) -> Result<(), Trouble> {
        let wanted = format!("message {}", words(frames));
        let reply = self.received_reply(&wanted)?;
        let parts = reply.parts.unwrap_or_default();
        if !self.parts_match(frames, &parts) {
            let came = format!("message {}", parts.iter().map(shown).collect::<Vec<_>>().join(" "));
            return Err(Unmet::new(wanted, came, "other-message").into());
        }
        let known = reply.metadata.unwrap_or_default();
        for (name, pattern) in properties {
            let wanted = format!("{wanted} with {name}={pattern}");
            match known.get(name) {
                None => return Err(Unmet::new(wanted, "a message without it", "missing-property").into()),
                Some(value) if self.matches(pattern, value.as_bytes()) => {}
                Some(value) => return Err(Unmet::new(wanted, format!("value {value:?}"), "other-value").into()),
            }
        }
        Ok(())
    }

    fn receive_within(&mut self, frames: &[FramePattern], within: usize) -> Result<(), Trouble> {
        let wanted = format!("message {} within {within} messages", words(frames));
        for _ in 0..within {
            let parts = self.received(&wanted)?;
            if self.parts_match(frames, &parts) {
                return Ok(());
            }
            // REP gives the next request only after it has answered this one.
            if self.case.subject == "REP" {
                self.subject_sends(&[Vec::new()], More::No)?;
            }
        }
        Err(Unmet::new(wanted, format!("{within} other messages"), "too-late").into())
    }

    /// A receive that does not wait: whatever could be delivered has come before this step.
    fn receive_refused(&mut self, classes: &[ErrorClass]) -> Result<(), Trouble> {
        let accepted: Vec<String> = classes.iter().map(|class| refused_as(*class)).collect();
        let recv = RequestBody::Recv { s: SUBJECT.to_owned(), timeout_ms: 0 };
        let (came, slug) = match self.stage.ask(recv, self.stage.patience) {
            Ok(reply) => {
                let parts = reply.parts.unwrap_or_default();
                (format!("message {}", parts.iter().map(shown).collect::<Vec<_>>().join(" ")), "received".to_owned())
            }
            Err(CallError::Refused(refusal)) => {
                (format!("the receive was refused: {refusal}"), refused_as(refusal.class))
            }
            Err(error) => return Err(Trouble::Adapter(error)),
        };
        if accepted.contains(&slug) {
            let accepted: Vec<&str> = accepted.iter().map(String::as_str).collect();
            self.accept(&accepted, &slug);
            return Ok(());
        }
        Err(Unmet { accepted, came, slug }.into())
    }

    /// The next message of the application.
    pub(super) fn received(&mut self, wanted: &str) -> Result<Vec<Part>, Trouble> {
        let reply = self.received_reply(wanted)?;
        reply.parts.ok_or_else(|| {
            Trouble::Harness("expected `parts` in the reply to `recv`, found none; mend the adapter".to_owned())
        })
    }

    fn received_reply(&mut self, wanted: &str) -> Result<Reply, Trouble> {
        let recv = RequestBody::Recv { s: SUBJECT.to_owned(), timeout_ms: millis(self.stage.patience) };
        match self.stage.ask(recv, self.stage.patience) {
            Ok(reply) => Ok(reply),
            Err(CallError::Refused(refusal)) if refusal.class == ErrorClass::WouldBlock => {
                let came = format!("nothing to receive within {} ms", self.stage.patience.as_millis());
                Err(Unmet::new(wanted, came, "silent").into())
            }
            Err(CallError::Refused(refusal)) => {
                Err(Unmet::new(wanted, format!("the receive was refused: {refusal}"), refused_as(refusal.class)).into())
            }
            Err(error) => Err(Trouble::Adapter(error)),
        }
    }

    fn parts_match(&mut self, frames: &[FramePattern], parts: &[Part]) -> bool {
        frames.len() == parts.len()
            && frames.iter().zip(parts).all(|(frame, part)| match part {
                Part::Hex(text) => unhex(text).is_ok_and(|octets| self.matches(frame, &octets)),
                Part::Digest { len, sha256 } => match frame {
                    FramePattern::Any => true,
                    FramePattern::Octets(pattern) => pattern
                        .literal()
                        .is_some_and(|octets| octets.len() == *len && hex(&Sha256::digest(&octets)) == *sha256),
                    FramePattern::Capture(_) => false,
                },
                Part::Fill { .. } => false,
            })
    }
}

/// Whether each peer comes again after all the others.
pub(super) fn rotates(owners: &[usize], peers: &[String], wanted: String) -> Result<(), Trouble> {
    if owners.windows(peers.len() + 1).all(|window| window.first() == window.last()) {
        return Ok(());
    }
    let order: Vec<&str> = owners.iter().filter_map(|owner| peers.get(*owner)).map(String::as_str).collect();
    Err(Unmet::new(wanted, format!("the order {}", order.join(" ")), "no-rotation").into())
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum More {
    Follows,
    No,
}

pub(super) fn refused_as(class: ErrorClass) -> String {
    format!("refused-{}", class.word())
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn shown(part: &Part) -> String {
    match part {
        Part::Hex(text) => unhex(text).map_or_else(|_| text.clone(), |octets| show(&octets)),
        Part::Digest { len, sha256 } => format!("{len} octets with SHA-256 {sha256}"),
        Part::Fill { fill, len } => format!("{len} octets {fill}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_may_begin_anywhere_but_skips_nobody() {
        let peers = ["A", "B", "C"].map(String::from);
        let goes_round = |owners: &[usize]| rotates(owners, &peers, String::new()).is_ok();
        assert!(goes_round(&[0, 1, 2, 0, 1, 2]) && goes_round(&[2, 0, 1, 2]) && goes_round(&[1]));
        assert!(!goes_round(&[0, 1, 2, 1, 0, 2]) && !goes_round(&[0, 0, 1, 1, 2, 2]));
    }
}
