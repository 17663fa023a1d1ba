//! The sentences of steps, and what is said when one cannot be read.
//!
//! `peer …` and `A …` to `F …` are raw peers, `subject …` is the subject, `zap …` a ZAP handler beside it.
//! [`PEER_VERBS`], [`SUBJECT_VERBS`] and [`ZAP_VERBS`](super::security::ZAP_VERBS) list what they can do; `docs/src/write-a-case.md` explains each.

use super::octets::{Pattern, Token, tokens};
use super::security::{Hears, Says, fault, fields, hello, sealed, zap};
use super::step::{
    Act, FramePattern, Handshake, OptionValue, Outcome, Pace, PeerAct, SendWants, SocketTypeProperty, Step, SubjectAct,
};
use super::words::Words;
use crate::adapter::protocol::ErrorClass;
use crate::wire::greeting::{Greeting, Version};
use crate::wire::metadata::Property;

/// What a raw peer can do.
pub const PEER_VERBS: &[&str] = &[
    "links",
    "handshakes",
    "sends",
    "trickles",
    "subscribes",
    "unsubscribes",
    "awaits",
    "fences",
    "receives",
    "sees",
    "closes",
    "resets",
];
/// What the subject can be asked to do.
pub const SUBJECT_VERBS: &[&str] =
    &["sends", "receives", "subscribes", "unsubscribes", "sets", "reports", "settles", "closes"];

/// Reads the steps of a case: one to a line, blank lines and lines that begin with `#` left out.
///
/// # Errors
/// Names the line within the steps, from 1, and says what was expected there.
pub fn steps(text: &str) -> Result<Vec<Step>, (usize, String)> {
    text.lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| match act(line) {
            Ok(act) => Ok(Step { text: line.to_owned(), act }),
            Err(why) => Err((number, format!("{why}, in step `{line}`"))),
        })
        .collect()
}

fn act(line: &str) -> Result<Act, String> {
    let tokens = tokens(line)?;
    let mut words = Words { rest: &tokens };
    let who = words.word("`subject`, `zap`, `peer` or `A` to `F`")?;
    let act = match who.as_str() {
        "subject" => Act::Subject(subject(&mut words)?),
        "zap" => Act::Zap(zap(&mut words)?),
        "peer" | "A" | "B" | "C" | "D" | "E" | "F" => Act::Peer { who, act: peer(&mut words)? },
        capture if capture.starts_with('$') => {
            words.expect("differs")?;
            words.expect("from")?;
            let right = words.word("a capture such as `$b`")?;
            Act::Differs { left: capture[1..].to_owned(), right: right.trim_start_matches('$').to_owned() }
        }
        other => return Err(format!("expected `subject`, `zap`, `peer` or `A` to `F` first, found `{other}`")),
    };
    words.end()?;
    Ok(act)
}

fn peer(words: &mut Words<'_>) -> Result<PeerAct, String> {
    let verb = words.one_of(PEER_VERBS)?;
    Ok(match verb {
        "links" => PeerAct::Links,
        "handshakes" => PeerAct::Handshakes(handshake(words)?),
        "trickles" => {
            words.expect("handshake")?;
            PeerAct::TricklesHandshake
        }
        "subscribes" => PeerAct::Subscribes(words.octets()?),
        "unsubscribes" => PeerAct::Unsubscribes(words.octets()?),
        "awaits" => {
            words.expect("publications")?;
            PeerAct::AwaitsPublications
        }
        "fences" => PeerAct::Fences,
        "closes" => PeerAct::Closes,
        "resets" => PeerAct::Resets,
        "sees" => PeerAct::Sees(outcomes(words)?),
        "sends" => peer_sends(words)?,
        _ => peer_receives(words)?,
    })
}

fn handshake(words: &mut Words<'_>) -> Result<Handshake, String> {
    let mut handshake = Handshake::default();
    loop {
        if words.maybe("as") {
            handshake.kind = Some(words.word("a socket type")?);
        } else if words.maybe("version") {
            handshake.version = Some(words.version()?);
        } else if words.maybe("with") {
            handshake.properties = properties(words)?;
        } else {
            return Ok(handshake);
        }
    }
}

fn peer_sends(words: &mut Words<'_>) -> Result<PeerAct, String> {
    const WHAT: &[&str] =
        &["greeting", "ready", "octets", "vector", "message", "command", "hello", "welcome", "initiate", "sealed"];
    Ok(match words.one_of(WHAT)? {
        "greeting" => greeting(words)?,
        "ready" => {
            let (kind, properties) = metadata(words)?;
            PeerAct::SendsReady { kind, properties, fault: fault(words)? }
        }
        "hello" => PeerAct::SendsSecured { says: hello(words)?, fault: fault(words)? },
        "welcome" => PeerAct::SendsSecured { says: Says::Welcome, fault: fault(words)? },
        "initiate" => {
            let (kind, properties) = metadata(words)?;
            PeerAct::SendsSecured { says: Says::Initiate { kind, properties }, fault: fault(words)? }
        }
        "sealed" => PeerAct::SendsSecured { says: sealed(words)?, fault: fault(words)? },
        "octets" => {
            let octets = words.octets_run()?;
            let pace = if words.maybe("one") {
                words.expect("at")?;
                words.expect("a")?;
                words.expect("time")?;
                Pace::OneByOne
            } else {
                Pace::AtOnce
            };
            PeerAct::SendsOctets { octets, pace }
        }
        "vector" => PeerAct::SendsVector(words.word("the id of a vector")?),
        "message" => {
            let frames = words.frame_values()?;
            let times = if words.at_end() {
                1
            } else {
                let times = words.number()?;
                words.expect("times")?;
                times
            };
            PeerAct::SendsMessage { frames, times }
        }
        _ => {
            let name = words.word("the name of a command")?;
            let data = if words.at_end() { Vec::new() } else { words.octets_run()? };
            PeerAct::SendsCommand { name, data }
        }
    })
}

/// Socket-Type and other properties of READY and INITIATE.
fn metadata(words: &mut Words<'_>) -> Result<(Option<SocketTypeProperty>, Vec<Property>), String> {
    let (mut kind, mut with) = (None, Vec::new());
    loop {
        if words.maybe("as") {
            kind = Some(SocketTypeProperty::Value(words.word_or_text("a socket type")?));
        } else if words.maybe("without") {
            words.expect("Socket-Type")?;
            kind = Some(SocketTypeProperty::Absent);
        } else if words.maybe("with") {
            with = properties(words)?;
        } else {
            return Ok((kind, with));
        }
    }
}

fn peer_receives(words: &mut Words<'_>) -> Result<PeerAct, String> {
    const WHAT: &[&str] = &[
        "octets",
        "greeting",
        "ready",
        "message",
        "command",
        "subscription",
        "cancellation",
        "nothing",
        "end",
        "hello",
        "welcome",
        "initiate",
        "sealed",
    ];
    Ok(match words.one_of(WHAT)? {
        "octets" => PeerAct::ReceivesOctets(words.pattern_run()?),
        "greeting" => PeerAct::ReceivesGreeting(if words.at_end() { None } else { Some(words.pattern_run()?) }),
        "ready" => {
            let (with, without) = wanted_properties(words)?;
            PeerAct::ReceivesReady { with, without }
        }
        "hello" => PeerAct::ReceivesSecured(Hears::Hello(fields(words)?)),
        "welcome" => PeerAct::ReceivesSecured(Hears::Welcome(fields(words)?)),
        "initiate" => {
            let (with, without) = wanted_properties(words)?;
            PeerAct::ReceivesSecured(Hears::Initiate { with, without })
        }
        "sealed" => PeerAct::ReceivesSecured(Hears::Sealed(words.octet_pattern()?)),
        "message" => PeerAct::ReceivesMessage(words.frame_patterns()?),
        "command" => {
            let name = words.word("the name of a command")?;
            let data = if words.maybe("...") {
                None
            } else if words.at_end() {
                Some(Pattern::default())
            } else {
                Some(words.pattern_run()?)
            };
            PeerAct::ReceivesCommand { name, data }
        }
        "subscription" => PeerAct::ReceivesSubscription(words.octets()?),
        "cancellation" => PeerAct::ReceivesCancellation(words.octets()?),
        "end" => PeerAct::ReceivesEnd,
        _ => PeerAct::ReceivesNothing,
    })
}

type WantedProperties = (Vec<(Vec<u8>, FramePattern)>, Vec<Vec<u8>>);

fn wanted_properties(words: &mut Words<'_>) -> Result<WantedProperties, String> {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    loop {
        if words.maybe("with") {
            let name = words.text("the name of a property in quotes")?;
            words.equals()?;
            with.push((name, words.frame_pattern()?));
        } else if words.maybe("without") {
            without.push(words.text("the name of a property in quotes")?);
        } else {
            return Ok((with, without));
        }
    }
}

fn greeting(words: &mut Words<'_>) -> Result<PeerAct, String> {
    let (mut version, mut mechanism, mut as_server) = (None, None, None);
    let mut greeting = Greeting::null(Version::V3_1);
    while !words.at_end() {
        const FIELDS: &[&str] = &["signature", "version", "mechanism", "as-server", "filler"];
        match words.one_of(FIELDS)? {
            "version" => version = Some(words.version()?),
            "signature" => greeting.signature = words.exactly()?,
            "mechanism" => mechanism = Some(words.exactly()?),
            "filler" => greeting.filler = words.exactly()?,
            _ => as_server = Some(words.exactly::<1>()?[0]),
        }
    }
    Ok(PeerAct::SendsGreeting { greeting: Box::new(greeting), version, mechanism, as_server })
}

fn properties(words: &mut Words<'_>) -> Result<Vec<Property>, String> {
    let mut properties = Vec::new();
    loop {
        let name = words.octets()?;
        words.equals()?;
        properties.push(Property { name, value: words.octets()? });
        if !words.comma() {
            return Ok(properties);
        }
    }
}

fn outcomes(words: &mut Words<'_>) -> Result<Vec<Outcome>, String> {
    let known: Vec<&str> = Outcome::ALL.iter().map(|(_, word)| *word).collect();
    let mut outcomes = Vec::new();
    loop {
        let word = words.one_of(&known)?;
        outcomes.extend(Outcome::ALL.iter().filter(|(_, name)| *name == word).map(|(outcome, _)| *outcome));
        if !words.maybe("or") {
            return Ok(outcomes);
        }
    }
}

fn subject(words: &mut Words<'_>) -> Result<SubjectAct, String> {
    Ok(match words.one_of(SUBJECT_VERBS)? {
        "sends" if words.maybe("part") => SubjectAct::SendsPart(words.frame_value()?),
        "sends" if words.next_is_number() => {
            let count = words.number()?;
            let what = words.one_of(&["messages", "requests"])?;
            for word in ["in", "rotation", "to"] {
                words.expect(word)?;
            }
            let mut peers = Vec::new();
            while !words.at_end() {
                peers.push(words.word("the name of a raw peer")?);
            }
            if what == "requests" {
                SubjectAct::RequestsInRotation { count, peers }
            } else {
                SubjectAct::SendsInRotation { count, peers }
            }
        }
        "sends" => SubjectAct::Sends { frames: words.frame_values()?, wants: wants(words)? },
        "receives" if words.next_is_number() => {
            let count = words.number()?;
            words.expect("messages")?;
            SubjectAct::ReceivesCount(count)
        }
        "receives" if words.maybe("refused") => SubjectAct::ReceivesRefused(refusals(words)?),
        "receives" => {
            let frames = words.frame_patterns()?;
            if words.maybe("with") {
                let name = String::from_utf8_lossy(&words.text("the name of a property in quotes")?).into_owned();
                words.equals()?;
                SubjectAct::ReceivesFrom { frames, properties: vec![(name, words.frame_pattern()?)] }
            } else if words.maybe("within") {
                let within = words.number()?;
                words.expect("messages")?;
                SubjectAct::ReceivesWithin { frames, within }
            } else {
                SubjectAct::Receives(frames)
            }
        }
        "subscribes" => SubjectAct::Subscribes(words.octets()?),
        "unsubscribes" => SubjectAct::Unsubscribes(words.octets()?),
        "sets" => {
            let option = words.word("the name of an option")?;
            let value = if let Some(Token::Word(word)) = words.rest.first()
                && let Ok(number) = word.parse()
            {
                words.rest = &words.rest[1..];
                OptionValue::Int(number)
            } else {
                OptionValue::Octets(words.octets()?)
            };
            let refused = if words.maybe("refused") { refusals(words)? } else { Vec::new() };
            SubjectAct::Sets { option, value, refused }
        }
        "reports" => {
            let mut events = vec![words.word("the name of an event")?];
            while words.maybe("or") {
                events.push(words.word("the name of an event")?);
            }
            SubjectAct::Reports(events)
        }
        "settles" => SubjectAct::Settles,
        _ => SubjectAct::Closes,
    })
}

fn wants(words: &mut Words<'_>) -> Result<SendWants, String> {
    let or = words.maybe("or");
    if !words.maybe("refused") {
        return if or { Err("expected `refused` after `or`".to_owned()) } else { Ok(SendWants::Success) };
    }
    let classes = refusals(words)?;
    Ok(if or { SendWants::SuccessOrRefusal(classes) } else { SendWants::Refusal(classes) })
}

/// `with CLASS [or CLASS]…`
fn refusals(words: &mut Words<'_>) -> Result<Vec<ErrorClass>, String> {
    words.expect("with")?;
    let mut classes = Vec::new();
    loop {
        let word = words.word("the class of a refusal")?;
        let class = serde_json::from_value::<ErrorClass>(serde_json::Value::String(word.clone())).map_err(|_| {
            format!("expected would-block, state, unroutable, terminated, argument, unsupported, peer or other, found `{word}`")
        })?;
        classes.push(class);
        if !words.maybe("or") {
            return Ok(classes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::step::FrameValue;
    use super::*;

    fn one(line: &str) -> Act {
        act(line).unwrap()
    }

    #[test]
    fn sentences_become_steps() {
        let Act::Peer { who, act: PeerAct::Handshakes(handshake) } =
            one("A handshakes as DEALER version 3.0 with \"Identity\"=\"bob\", \"X-A\"=<00 01>")
        else {
            panic!("not a handshake")
        };
        assert_eq!(
            (who.as_str(), handshake.kind.as_deref(), handshake.version),
            ("A", Some("DEALER"), Some(Version::V3_0))
        );
        assert_eq!(handshake.properties[1], Property { name: b"X-A".to_vec(), value: vec![0, 1] });

        let Act::Subject(SubjectAct::Sends { frames, wants }) =
            one("subject sends $id \"x\"*3 or refused with unroutable")
        else {
            panic!("not a send")
        };
        assert_eq!(frames, [FrameValue::Captured("id".into()), FrameValue::Octets(b"xxx".to_vec())]);
        assert_eq!(wants, SendWants::SuccessOrRefusal(vec![ErrorClass::Unroutable]));

        let Act::Peer { act: PeerAct::SendsOctets { octets, pace }, .. } =
            one("peer sends octets 04 26 \"READY\" one at a time")
        else {
            panic!("not octets")
        };
        assert_eq!((octets.as_slice(), pace), (b"\x04\x26READY".as_slice(), Pace::OneByOne));

        let Act::Peer { act: PeerAct::Sees(outcomes), .. } = one("peer sees closed or error") else {
            panic!("not outcomes")
        };
        assert_eq!(outcomes, [Outcome::Closed, Outcome::Error]);

        let refused = SubjectAct::ReceivesRefused(vec![ErrorClass::State, ErrorClass::WouldBlock]);
        assert_eq!(one("subject receives refused with state or would-block"), Act::Subject(refused));
        let rotation = SubjectAct::RequestsInRotation { count: 4, peers: vec!["A".into(), "B".into()] };
        assert_eq!(one("subject sends 4 requests in rotation to A B"), Act::Subject(rotation));

        assert_eq!(one("$a differs from $b"), Act::Differs { left: "a".into(), right: "b".into() });
    }

    #[test]
    fn sentences_that_cannot_be_read_say_what_was_expected() {
        let wrong = [
            "",
            "nobody sends",
            "peer",
            "peer dances",
            "peer sends",
            "peer sends message",
            "peer sends message \"a\" often",
            "peer sends octets zz",
            "peer sees",
            "peer sees closed or",
            "peer handshakes version 3",
            "subject sends \"a\" refused with anger",
            "subject sets linger",
            "peer receives octets",
            "peer sends greeting mechanism \"123456789012345678901\"",
            "peer sends octets ..",
            "peer receives message <00",
            "$a differs $b",
            "peer links twice",
            "subject sends \"a\" or",
        ];
        let report: Vec<String> = wrong.iter().map(|line| format!("{line:?}: {}", act(line).unwrap_err())).collect();
        insta::assert_snapshot!(report.join("\n"));
    }

    #[test]
    fn a_bad_step_is_named_by_its_line() {
        let (line, why) = steps("peer links\n\n# why\npeer dances\n").unwrap_err();
        assert_eq!(line, 4);
        assert!(why.contains("in step `peer dances`"), "{why}");
    }
}
