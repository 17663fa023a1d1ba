//! The steps of raw peers.

use std::time::{Duration, Instant};

use super::play::Player;
use super::stage::{SUBJECT, Stop};
use super::trouble::{Trouble, Unmet};
use crate::case::octets::Pattern;
use crate::case::step::{FramePattern, FrameValue, Handshake, Pace, PeerAct, SocketTypeProperty};
use crate::wire::annotate::describe;
use crate::wire::dialect::Dialect;
use crate::wire::frame::{Frame, command};
use crate::wire::greeting::{GREETING, Greeting, Version};
use crate::wire::metadata::{self, Property};
use crate::wire::show;

/// What the next thing on a connection was.
pub(super) enum Came {
    Message(Vec<Vec<u8>>),
    Command(Frame),
    Stop(Stop),
}

/// Marks publications that only find out whether a subscription is applied; no step ever sees them.
pub(super) const PROBE: &[u8] = b"\0zmqspec-probe";

impl Player<'_> {
    pub(super) fn peer_step(&mut self, who: &str, act: &PeerAct) -> Result<(), Trouble> {
        match act {
            PeerAct::Links => self.stage.link(who, SUBJECT),
            PeerAct::Handshakes(handshake) => {
                let outcome = self.handshake(who, handshake);
                if handshake.is_setup() { outcome.map_err(Trouble::on_the_way) } else { outcome }
            }
            PeerAct::SendsGreeting { greeting, version, mechanism, as_server } => {
                let own = self.own_greeting(version.unwrap_or(self.version));
                let greeting = Greeting {
                    version: own.version,
                    mechanism: mechanism.unwrap_or(own.mechanism),
                    as_server: as_server.unwrap_or(own.as_server),
                    ..(**greeting).clone()
                };
                self.send_greeting(who, &greeting)
            }
            PeerAct::SendsReady { kind, properties, fault } => {
                let metadata = self.metadata(kind.as_ref(), properties);
                self.send_ready(who, &metadata, fault.as_ref())
            }
            PeerAct::SendsSecured { says, fault } => self.send_secured(who, says, fault.as_ref()),
            PeerAct::ReceivesSecured(hears) => self.receive_secured(who, hears),
            PeerAct::SendsOctets { octets, pace: Pace::AtOnce } => self.say(who, octets),
            PeerAct::SendsOctets { octets, pace: Pace::OneByOne } => {
                octets.chunks(1).try_for_each(|octet| self.say(who, octet))
            }
            PeerAct::TricklesHandshake => self.trickle(who),
            PeerAct::SendsVector(id) => {
                let vector = zmq_vectors::find(id)
                    .ok_or_else(|| Trouble::Harness(format!("expected the id of a vector, found {id:?}")))?;
                self.say(who, &vector.expand())
            }
            PeerAct::SendsMessage { frames, times } => {
                let octets = self.dialect(who).message(&self.frames(frames)?).repeat(*times);
                self.say_traffic(who, &octets)
            }
            PeerAct::SendsCommand { name, data } => self.say_traffic(who, &command(name.as_bytes(), data)),
            PeerAct::Subscribes(topic) => self.subscribe_and_see(who, topic).map_err(Trouble::on_the_way),
            PeerAct::Unsubscribes(topic) => self.unsubscribe_and_see(who, topic),
            PeerAct::AwaitsPublications => self.see_a_publication(who, b"").map_err(Trouble::on_the_way),
            PeerAct::Fences => self.fence(who).map_err(Trouble::on_the_way),
            PeerAct::ReceivesOctets(pattern) => self.receive_octets(who, pattern),
            PeerAct::ReceivesGreeting(pattern) => self.receive_greeting(who, pattern.as_ref()),
            PeerAct::ReceivesReady { with, without } => self.receive_ready(who, with, without),
            PeerAct::ReceivesMessage(frames) => self.receive_message(who, frames),
            PeerAct::ReceivesCommand { name, data } => self.receive_command(who, name, data.as_ref()),
            PeerAct::ReceivesSubscription(topic) => self.receive_subscription(who, topic, &SUBSCRIBE),
            PeerAct::ReceivesCancellation(topic) => self.receive_subscription(who, topic, &CANCEL),
            PeerAct::ReceivesNothing => self.receive_nothing(who),
            PeerAct::ReceivesEnd => self.receive_end(who),
            PeerAct::Sees(outcomes) => self.sees(who, outcomes),
            PeerAct::Closes | PeerAct::Resets => self.leave(who, act),
        }
    }

    pub(super) fn say(&mut self, who: &str, octets: &[u8]) -> Result<(), Trouble> {
        self.stage.send(who, octets)?;
        // A trickled READY comes through here octet by octet; whoever trickles one waits for the answer anyway.
        self.stage.peer(who).introduced |= octets.windows(5).any(|window| window.eq_ignore_ascii_case(b"READY"));
        Ok(())
    }

    /// One message in the shortest form.
    pub(super) fn send_message(&mut self, who: &str, parts: &[Vec<u8>]) -> Result<(), Trouble> {
        let octets = self.dialect(who).message(parts);
        self.say_traffic(who, &octets)
    }

    fn send_greeting(&mut self, who: &str, greeting: &Greeting) -> Result<(), Trouble> {
        self.say_at_pace(who, &greeting.encode())?;
        self.stage.peer(who).greeted = Some(greeting.version);
        Ok(())
    }

    /// Metadata of READY and INITIATE.
    pub(super) fn metadata(&self, kind: Option<&SocketTypeProperty>, properties: &[Property]) -> Vec<u8> {
        let kind = match kind {
            Some(SocketTypeProperty::Absent) => None,
            Some(SocketTypeProperty::Value(kind)) => Some(kind.as_str()),
            None => Some(self.kind),
        };
        let kind = kind.map(|kind| Property { name: b"Socket-Type".to_vec(), value: kind.as_bytes().to_vec() });
        let properties: Vec<Property> = kind.into_iter().chain(properties.iter().cloned()).collect();
        metadata::encode(&properties)
    }

    pub(super) fn handshake(&mut self, who: &str, handshake: &Handshake) -> Result<(), Trouble> {
        let version = handshake.version.unwrap_or(self.version);
        if self.stage.peer(who).link.is_none() {
            let usual = std::mem::replace(&mut self.stage.dialect, Dialect::of(version));
            let linked = self.stage.link(who, SUBJECT);
            self.stage.dialect = usual;
            linked?;
        }
        if self.dialect(who) != Dialect::V3 {
            return self.handshake_early(who, handshake, self.pace);
        }
        self.send_greeting(who, &self.own_greeting(version))?;
        let theirs = match self.stage.greeting(who)? {
            Ok(greeting) => greeting,
            Err(stop) => return Err(self.stopped(&stop, "a greeting of 64 octets")),
        };
        if theirs.version.major < 3 {
            return Err(
                Unmet::new("a greeting of ZMTP 3.x", format!("version {}", theirs.version), "old-version").into()
            );
        }
        if self.version == Version::V3_1 && handshake.version.is_none() && theirs.version < Version::V3_1 {
            let came = format!("the subject declares ZMTP 3.1 and greets with {}", theirs.version);
            return Err(Trouble::Unreached(Unmet::new("a greeting of version 3.1", came, "contradicts-declaration")));
        }
        let kind = handshake.kind.clone().map(SocketTypeProperty::Value);
        let metadata = self.metadata(kind.as_ref(), &handshake.properties);
        self.admits = true;
        let finished = self.finish_handshake(who, &metadata);
        self.admits = false;
        finished?;
        self.stage.settle(SUBJECT)
    }

    /// The properties of READY or INITIATE, which have to be lawful.
    pub(super) fn properties(&self, metadata: &[u8], command: &str) -> Result<Vec<Property>, Trouble> {
        let properties = metadata::decode(metadata)
            .map_err(|why| Unmet::new(format!("{command} with whole metadata"), why, "broken-metadata"))?;
        // spec: ZMTP31-READY-03, ZMTP31-READY-05
        let lawful = |octet: &u8| octet.is_ascii_alphanumeric() || b"-_.+".contains(octet);
        if let Some(odd) = properties.iter().find(|p| p.name.is_empty() || !p.name.iter().all(lawful)) {
            let wanted = format!("{command} with property names of letters, digits, `-`, `_`, `.` and `+`");
            return Err(Unmet::new(wanted, format!("a property named {}", show(&odd.name)), "property-name").into());
        }
        Ok(properties)
    }

    fn trickle(&mut self, who: &str) -> Result<(), Trouble> {
        self.pace = Pace::OneByOne;
        let outcome = self.handshake(who, &Handshake::default());
        self.pace = Pace::AtOnce;
        outcome
    }

    /// How the frames of a peer's connection are cut.
    pub(super) fn dialect(&self, who: &str) -> Dialect {
        self.stage.peers.get(who).map_or(self.stage.dialect, |peer| peer.dialect)
    }

    /// The negotiated version of a peer's connection.
    pub(super) fn negotiated(&self, who: &str) -> Version {
        self.stage.peers.get(who).and_then(crate::peer::raw::RawPeer::negotiated).unwrap_or(self.version)
    }

    /// PING out, PONG back; frames in between are kept for later steps.
    pub(super) fn fence(&mut self, who: &str) -> Result<(), Trouble> {
        let context = self.ping(who)?;
        let until = self.stage.deadline();
        loop {
            match self.stage.await_peer(who, until, crate::peer::raw::RawPeer::take_new_frame)? {
                Ok(frame) if is_pong(&frame, &context) => return Ok(()),
                Ok(frame) => self.stage.peer(who).set_aside(frame),
                Err(stop) => return Err(self.stopped(&stop, "PONG")),
            }
        }
    }

    pub(super) fn ping(&mut self, who: &str) -> Result<Vec<u8>, Trouble> {
        if self.negotiated(who) < Version::V3_1 {
            return Err(Trouble::Harness(
                "a fence needs ZMTP 3.1; list only \"3.1\" in the zmtp field of the case".to_owned(),
            ));
        }
        let context = self.stage.peer(who).next_fence();
        let mut data = vec![0, 0];
        data.extend_from_slice(&context);
        self.say_traffic(who, &command(b"PING", &data))?;
        Ok(context)
    }

    /// The next message or command; PINGs are answered and probes passed over.
    pub(super) fn next(&mut self, who: &str, until: Instant) -> Result<Came, Trouble> {
        let mut parts = Vec::new();
        loop {
            let frame = match self.stage.frame(who, until)? {
                Ok(frame) => frame,
                Err(stop) => return Ok(Came::Stop(stop)),
            };
            if frame.is_command() {
                match frame.command() {
                    Some((b"PING", data)) if data.len() >= 2 => self.say_traffic(who, &command(b"PONG", &data[2..]))?,
                    _ => return Ok(Came::Command(frame)),
                }
                continue;
            }
            let more = frame.has_more();
            parts.push(frame.body);
            if more {
                continue;
            }
            if is_probe(&parts) {
                parts.clear();
                continue;
            }
            return Ok(Came::Message(parts));
        }
    }

    pub(super) fn receive_octets(&mut self, who: &str, pattern: &Pattern) -> Result<(), Trouble> {
        let wanted = format!("octets {pattern}");
        match self.stage.octets(who, pattern.len())? {
            Ok(octets) if pattern.matches(&octets) => Ok(()),
            Ok(octets) => Err(Unmet::new(wanted, show(&octets), "other-octets").into()),
            Err(stop) => {
                let link = self.stage.peer(who).link.as_ref();
                let there = link.map(|link| link.inbox().to_vec()).unwrap_or_default();
                let (words, slug) = stop.describe(self.stage.patience);
                self.note_stop(&stop);
                let came = if there.is_empty() { words } else { format!("{}, then {words}", show(&there)) };
                Err(Unmet::new(wanted, came, slug).into())
            }
        }
    }

    fn receive_greeting(&mut self, who: &str, pattern: Option<&Pattern>) -> Result<(), Trouble> {
        if self.dialect(who) != Dialect::V3 {
            return self.receive_early_greeting(who, pattern);
        }
        let wanted =
            pattern.map_or_else(|| "a greeting of 64 octets".to_owned(), |pattern| format!("the greeting {pattern}"));
        match self.stage.greeting(who)? {
            Ok(greeting) => {
                let octets = greeting.encode();
                if pattern.is_none_or(|pattern| pattern.len() == GREETING && pattern.matches(&octets)) {
                    return Ok(());
                }
                Err(Unmet::new(wanted, crate::wire::hex(&octets), "other-greeting").into())
            }
            Err(stop) => Err(self.stopped(&stop, &wanted)),
        }
    }

    fn receive_ready(
        &mut self,
        who: &str,
        with: &[(Vec<u8>, FramePattern)],
        without: &[Vec<u8>],
    ) -> Result<(), Trouble> {
        let properties = self.await_ready(who)?;
        self.hold_properties("READY", &properties, with, without)
    }

    /// Whether properties are there, and others are not.
    pub(super) fn hold_properties(
        &mut self,
        command: &str,
        properties: &[Property],
        with: &[(Vec<u8>, FramePattern)],
        without: &[Vec<u8>],
    ) -> Result<(), Trouble> {
        let value =
            |name: &[u8]| properties.iter().find(|p| p.name.eq_ignore_ascii_case(name)).map(|p| p.value.clone());
        for (name, pattern) in with {
            let wanted = format!("{command} with {}={pattern}", String::from_utf8_lossy(name));
            match value(name) {
                None => return Err(Unmet::new(wanted, format!("{command} without it"), "missing-property").into()),
                Some(found) if self.matches(pattern, &found) => {}
                Some(found) => return Err(Unmet::new(wanted, format!("value {}", show(&found)), "other-value").into()),
            }
        }
        for name in without {
            let unwanted =
                |p: &&Property| p.name.eq_ignore_ascii_case(name) || name.ends_with(b"-") && p.name.starts_with(name);
            if let Some(found) = properties.iter().find(unwanted).map(|p| &p.value) {
                let wanted = format!("{command} without {}", String::from_utf8_lossy(name));
                return Err(Unmet::new(wanted, format!("value {}", show(found)), "unwanted-property").into());
            }
        }
        Ok(())
    }

    pub(super) fn receive_message(&mut self, who: &str, frames: &[FramePattern]) -> Result<(), Trouble> {
        let wanted = format!("message {}", words(frames));
        let until = self.stage.deadline();
        match self.next(who, until)? {
            Came::Message(parts) if self.all_match(frames, &parts) => Ok(()),
            Came::Message(parts) => Err(Unmet::new(
                wanted,
                format!("message {}", words(&parts.iter().map(|part| show(part)).collect::<Vec<_>>())),
                "other-message",
            )
            .into()),
            Came::Command(frame) => Err(Unmet::new(wanted, describe(&frame), "command").into()),
            Came::Stop(stop) => Err(self.stopped(&stop, &wanted)),
        }
    }

    fn receive_command(&mut self, who: &str, name: &str, data: Option<&Pattern>) -> Result<(), Trouble> {
        let wanted = match data {
            Some(data) if !data.is_empty() => format!("command {name} {data}"),
            Some(_) | None => format!("command {name}"),
        };
        let until = self.stage.deadline();
        match self.stage.frame(who, until)? {
            Ok(frame) => match frame.command().filter(|_| frame.is_command()) {
                Some((found, rest)) if found == name.as_bytes() => match data {
                    Some(data) if !data.matches(rest) => Err(Unmet::new(wanted, describe(&frame), "other-data").into()),
                    Some(_) | None => Ok(()),
                },
                _ => Err(Unmet::new(wanted, describe(&frame), "other-frame").into()),
            },
            Err(stop) => Err(self.stopped(&stop, &wanted)),
        }
    }

    fn receive_nothing(&mut self, who: &str) -> Result<(), Trouble> {
        let context = self.ping(who)?;
        let until = self.stage.deadline();
        let wanted = "nothing before the answer to a PING";
        match self.stage.frame(who, until)? {
            Ok(frame) if is_pong(&frame, &context) => Ok(()),
            Ok(frame) => Err(Unmet::new(wanted, describe(&frame), "something").into()),
            Err(stop) => Err(self.stopped(&stop, wanted)),
        }
    }

    /// The next thing on the connection is its end.
    fn receive_end(&mut self, who: &str) -> Result<(), Trouble> {
        let wanted = "the end of the connection, and nothing before it";
        let until = self.stage.deadline();
        match self.stage.frame(who, until)? {
            Ok(frame) => Err(Unmet::new(wanted, describe(&frame), "something").into()),
            Err(stop @ Stop::Ended(_)) => {
                self.note_stop(&stop);
                Ok(())
            }
            Err(stop) => Err(self.stopped(&stop, wanted)),
        }
    }

    fn receive_subscription(&mut self, who: &str, topic: &[u8], form: &Form) -> Result<(), Trouble> {
        let version = self.negotiated(who);
        let wanted = format!("{} {} in the form of ZMTP {version}", form.word, show(topic));
        let until = self.stage.deadline();
        match self.stage.frame(who, until)? {
            Ok(frame) => {
                let fits = if version >= Version::V3_1 {
                    frame.is_command() && frame.command() == Some((form.command, topic))
                } else {
                    !frame.is_command() && !frame.has_more() && frame.body.split_first() == Some((&form.prefix, topic))
                };
                if fits { Ok(()) } else { Err(Unmet::new(wanted, describe(&frame), "other-frame").into()) }
            }
            Err(stop) => Err(self.stopped(&stop, &wanted)),
        }
    }

    /// Writes a subscription or a cancellation in the negotiated form.
    pub(super) fn announce(&mut self, who: &str, topic: &[u8], form: &Form) -> Result<(), Trouble> {
        let octets = if self.negotiated(who) >= Version::V3_1 {
            command(form.command, topic)
        } else {
            self.dialect(who).message(&[[&[form.prefix], topic].concat()])
        };
        self.say_traffic(who, &octets)
    }

    /// A probe publication tells that the subscription is applied, unless the peer holds a wider topic already.
    pub(super) fn subscribe_and_see(&mut self, who: &str, topic: &[u8]) -> Result<(), Trouble> {
        self.announce(who, topic, &SUBSCRIBE)?;
        self.see_a_publication(who, topic)
    }

    /// Publishes probes to a topic until one arrives.
    fn see_a_publication(&mut self, who: &str, topic: &[u8]) -> Result<(), Trouble> {
        let until = self.stage.deadline();
        let mut probes = Vec::new();
        loop {
            probes.push(self.publish_probe(topic)?);
            let slice = until.min(Instant::now() + PROBE_EVERY);
            if self.await_last(who, &probes, slice, until)?.is_some() {
                return Ok(());
            }
        }
    }

    /// Subscriptions are applied in order: a probe for a later one tells that the cancellation is applied too. The
    /// empty topic covers that probe as well; it is gone when a probe before it stays away.
    fn unsubscribe_and_see(&mut self, who: &str, topic: &[u8]) -> Result<(), Trouble> {
        self.announce(who, topic, &CANCEL)?;
        let marker = [b"\x01zmqspec-later-", self.probes.to_string().as_bytes()].concat();
        if !topic.is_empty() {
            return self.subscribe_and_see(who, &marker);
        }
        self.announce(who, &marker, &SUBSCRIBE)?;
        let until = self.stage.deadline();
        while Instant::now() < until {
            let probes = [self.publish_probe(b"\x02")?, self.publish_probe(&marker)?];
            let slice = until.min(Instant::now() + PROBE_EVERY);
            if self.await_last(who, &probes, slice, until)? == Some(0) {
                return Ok(());
            }
        }
        Err(Unmet::new("the empty topic is cancelled", "publications that no other topic covers", "not-cancelled")
            .into())
    }

    fn publish_probe(&mut self, topic: &[u8]) -> Result<Vec<u8>, Trouble> {
        self.probes += 1;
        let probe = [topic, PROBE, self.probes.to_string().as_bytes()].concat();
        self.publish(&probe)?;
        Ok(probe)
    }

    /// Waits for any of these probes until `slice`, then for the last of them until `until`; says how many of the
    /// others came before it. Probes for the subscriptions of other peers are passed over.
    fn await_last(
        &mut self,
        who: &str,
        probes: &[Vec<u8>],
        slice: Instant,
        until: Instant,
    ) -> Result<Option<usize>, Trouble> {
        let mut deadline = slice;
        let mut before = 0;
        loop {
            match self.stage.await_peer(who, deadline, crate::peer::raw::RawPeer::take_new_frame)? {
                Ok(frame) if probes.last() == Some(&frame.body) => return Ok(Some(before)),
                Ok(frame) if probes.contains(&frame.body) => {
                    before += 1;
                    deadline = until;
                }
                Ok(frame) if is_probe(std::slice::from_ref(&frame.body)) => {}
                Ok(frame) => self.stage.peer(who).set_aside(frame),
                Err(Stop::Deadline) if Instant::now() < until => return Ok(None),
                Err(stop) => return Err(self.stopped(&stop, "a publication to the topic just subscribed")),
            }
        }
    }

    fn leave(&mut self, who: &str, act: &PeerAct) -> Result<(), Trouble> {
        let peer = self.stage.peers.get_mut(who);
        let Some((mut link, name)) = peer.and_then(|peer| Some((peer.link.take()?, peer.name.clone()))) else {
            return Err(Trouble::Harness(format!("{who} has no connection to end")));
        };
        if *act == PeerAct::Resets {
            link.reset(&name, &mut self.stage.record);
        } else {
            link.close(&name, &mut self.stage.record);
        }
        Ok(())
    }

    /// A wait that came to nothing.
    pub(super) fn stopped(&mut self, stop: &Stop, wanted: &str) -> Trouble {
        self.note_stop(stop);
        let (words, slug) = stop.describe(self.stage.patience);
        Unmet::new(wanted, words, slug).into()
    }

    pub(super) fn frames(&self, values: &[FrameValue]) -> Result<Vec<Vec<u8>>, Trouble> {
        values
            .iter()
            .map(|value| match value {
                FrameValue::Octets(octets) => Ok(octets.clone()),
                FrameValue::Captured(name) => self
                    .captures
                    .get(name)
                    .cloned()
                    .ok_or_else(|| Trouble::Harness(format!("nothing was captured as ${name} yet"))),
            })
            .collect()
    }

    pub(super) fn matches(&mut self, pattern: &FramePattern, octets: &[u8]) -> bool {
        match pattern {
            FramePattern::Any => true,
            FramePattern::Octets(pattern) => pattern.matches(octets),
            FramePattern::Capture(name) => {
                self.captures.entry(name.clone()).or_insert_with(|| octets.to_vec()) == octets
            }
        }
    }

    pub(super) fn all_match(&mut self, frames: &[FramePattern], parts: &[Vec<u8>]) -> bool {
        frames.len() == parts.len() && frames.iter().zip(parts).all(|(frame, part)| self.matches(frame, part))
    }
}

/// The two forms of a subscription or cancellation.
pub(super) struct Form {
    word: &'static str,
    command: &'static [u8],
    prefix: u8,
}

pub(super) const SUBSCRIBE: Form = Form { word: "subscription to", command: b"SUBSCRIBE", prefix: 1 };
const CANCEL: Form = Form { word: "cancellation of", command: b"CANCEL", prefix: 0 };

/// Time between two probe publications.
const PROBE_EVERY: Duration = Duration::from_millis(10);

pub(super) fn is_pong(frame: &Frame, context: &[u8]) -> bool {
    frame.is_command() && frame.command() == Some((b"PONG", context))
}

pub(super) fn is_probe(parts: &[Vec<u8>]) -> bool {
    parts.len() == 1 && parts[0].windows(PROBE.len()).any(|window| window == PROBE)
}

/// Frames in the notation of cases.
pub(super) fn words<T: ToString>(frames: &[T]) -> String {
    frames.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
