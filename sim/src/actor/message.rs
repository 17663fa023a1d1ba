//! Messages of actors: each part says whose it is, which one, and what it belongs to.
//!
//! `TOPIC|ACTOR.LIFE#NUMBER|PART/PARTS|ANSWERED|xxxx`: the octets of the first part begin with the topic, so that
//! subscriptions match it; the last field is empty, or the message that is answered. Behind it is padding.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::plan::{ActorIndex, Plan};

/// A message of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    /// Who made it.
    pub actor: ActorIndex,
    /// In which life of its host.
    pub life: u16,
    /// The how manieth of that life, from 0.
    pub number: u32,
}

impl MessageId {
    /// As it stands in messages and reports: `client.0#3`.
    #[must_use]
    pub fn name(self, plan: &Plan) -> String {
        format!("{}.{}#{}", plan[self.actor].name, self.life, self.number)
    }

    fn read(plan: &Plan, text: &str) -> Option<Self> {
        let (actor, number) = text.rsplit_once('#')?;
        let (actor, life) = actor.rsplit_once('.')?;
        Some(Self { actor: plan.actor(actor)?, life: life.parse().ok()?, number: number.parse().ok()? })
    }
}

/// `actor 2, life 0, message 3`; [`MessageId::name`] has the name.
impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}#{}", self.actor.0, self.life, self.number)
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (actor, life, number) = text
            .rsplit_once('#')
            .and_then(|(who, number)| who.split_once('.').map(|(actor, life)| (actor, life, number)))
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no message: `0.0#0` is expected")))?;
        let error = |error: std::num::ParseIntError| serde::de::Error::custom(format!("{text:?}: {error}"));
        Ok(Self {
            actor: ActorIndex(actor.parse().map_err(error)?),
            life: life.parse().map_err(error)?,
            number: number.parse().map_err(error)?,
        })
    }
}

/// One part that came.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// An actor made it.
    Of {
        /// The message.
        id: MessageId,
        /// Which part of it, from 0.
        part: u8,
        /// How many it has.
        parts: u8,
        /// The message that is answered.
        answers: Option<MessageId>,
        /// The topic.
        topic: String,
        /// Octets.
        size: usize,
        /// Whether its padding is as it was sent.
        whole: bool,
    },
    /// No actor did; the octets.
    Foreign(Vec<u8>),
}

/// What a message is made of.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// The topic that it begins with.
    pub topic: &'a str,
    /// Parts, at least 1.
    pub parts: u8,
    /// Octets of each part, at least those that name it.
    pub size: u32,
    /// The message that it answers.
    pub answers: Option<MessageId>,
}

/// The frames of a message.
#[must_use]
pub fn frames(plan: &Plan, id: MessageId, shape: Shape<'_>) -> Vec<Vec<u8>> {
    let answers = shape.answers.map(|answered| answered.name(plan)).unwrap_or_default();
    let name = id.name(plan);
    (0..shape.parts.max(1))
        .map(|part| {
            let topic = if part == 0 { shape.topic } else { "" };
            let mut octets = format!("{topic}|{name}|{part}/{}|{answers}|", shape.parts.max(1)).into_bytes();
            let size = octets.len().max(usize::try_from(shape.size).unwrap_or(usize::MAX));
            octets.resize(size, b'x');
            octets
        })
        .collect()
}

impl Part {
    /// What the octets of a frame say.
    #[must_use]
    pub fn read(plan: &Plan, frame: &[u8]) -> Self {
        Self::of(plan, frame).unwrap_or_else(|| Self::Foreign(frame.to_vec()))
    }

    fn of(plan: &Plan, frame: &[u8]) -> Option<Self> {
        let mut fields = frame.splitn(5, |octet| *octet == b'|');
        let mut field = || std::str::from_utf8(fields.next()?).ok();
        let (topic, name, place, answers) = (field()?, field()?, field()?, field()?);
        let padding = fields.next()?;
        let (part, parts) = place.split_once('/')?;
        let answers = if answers.is_empty() { None } else { Some(MessageId::read(plan, answers)?) };
        Some(Self::Of {
            id: MessageId::read(plan, name)?,
            part: part.parse().ok()?,
            parts: parts.parse().ok()?,
            answers,
            topic: topic.to_owned(),
            size: frame.len(),
            whole: padding.iter().all(|octet| *octet == b'x'),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Actor;

    fn plan() -> Plan {
        let mut plan: Plan = toml::from_str("title = \"two\"").unwrap();
        for name in ["client", "server.of.all"] {
            plan.actors.push(Actor { name: name.into(), sockets: Vec::new(), r#do: Vec::new() });
        }
        plan
    }

    #[test]
    fn parts_are_read_as_they_are_written() {
        let plan = plan();
        let id = MessageId { actor: ActorIndex(1), life: 2, number: 30 };
        let answers = Some(MessageId { actor: ActorIndex(0), life: 0, number: 7 });
        let frames = frames(&plan, id, Shape { topic: "news.", parts: 3, size: 40, answers });
        assert_eq!(frames[0], b"news.|server.of.all.2#30|0/3|client.0#7|");
        for (place, frame) in (0..).zip(&frames) {
            assert!(frame.len() >= 39);
            let topic = if place == 0 { "news.".to_owned() } else { String::new() };
            let size = frame.len();
            assert_eq!(
                Part::read(&plan, frame),
                Part::Of { id, part: place, parts: 3, answers, topic, size, whole: true }
            );
        }
    }

    #[test]
    fn changed_octets_show() {
        let plan = plan();
        let id = MessageId { actor: ActorIndex(0), life: 0, number: 0 };
        let mut frame = frames(&plan, id, Shape { topic: "", parts: 1, size: 64, answers: None }).remove(0);
        frame[50] = b'y';
        assert!(matches!(Part::read(&plan, &frame), Part::Of { whole: false, .. }));
        frame[1] = b'?';
        assert_eq!(Part::read(&plan, &frame), Part::Foreign(frame.clone()));
    }
}
