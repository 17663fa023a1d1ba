//! Drills with messages between two sockets of the adapter's own.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::bench::{Bench, COMES, Done, REPLY, Stop, bad_call, fail, same};
use super::manners::ANY;
use crate::adapter::process::CallError;
use crate::adapter::protocol::{ErrorClass, LARGE_PART, Part, PollItem, RequestBody, Unsolicited, Value};

/// Two types that can talk, and how.
pub(super) struct Trip {
    pub(super) binds: &'static str,
    pub(super) connects: &'static str,
    talk: Talk,
}

enum Talk {
    /// The connecting side sends; the other answers.
    Answered,
    /// As `Answered`, and the binding side sees a routing id before the body, and sends it back.
    Routed,
    /// The connecting side sends, the other receives.
    OneWay,
    /// The connecting side subscribes through the option; the other sees it.
    Subscribed,
    /// The connecting side subscribes by a message; the other sees it.
    SubscribedByMessage,
    /// The connecting side subscribes, and nobody can tell when that has arrived.
    Published,
}

pub(super) const TRIPS: &[Trip] = &[
    Trip { binds: "REP", connects: "REQ", talk: Talk::Answered },
    Trip { binds: "ROUTER", connects: "DEALER", talk: Talk::Routed },
    Trip { binds: "DEALER", connects: "DEALER", talk: Talk::Answered },
    Trip { binds: "PULL", connects: "PUSH", talk: Talk::OneWay },
    Trip { binds: "PAIR", connects: "PAIR", talk: Talk::Answered },
    Trip { binds: "XPUB", connects: "SUB", talk: Talk::Subscribed },
    Trip { binds: "XPUB", connects: "XSUB", talk: Talk::SubscribedByMessage },
    Trip { binds: "PUB", connects: "SUB", talk: Talk::Published },
    Trip { binds: "CHANNEL", connects: "CHANNEL", talk: Talk::Answered },
    Trip { binds: "GATHER", connects: "SCATTER", talk: Talk::OneWay },
];

pub(super) fn round_trip(bench: &mut Bench<'_>, trip: &Trip) -> Done {
    bench.needs_both_roles()?;
    for kind in [trip.binds, trip.connects] {
        bench.declared(&[kind])?;
    }
    bench.open("a", trip.binds)?;
    bench.open("b", trip.connects)?;
    let endpoint = bench.bind("a")?;
    if let Talk::Subscribed | Talk::Published = trip.talk {
        bench.set("b", "subscribe", Value::Text("74".into()))?;
    }
    bench.connect("b", &endpoint)?;
    match trip.talk {
        Talk::OneWay => {
            bench.send("b", &["00ff"])?;
            bench.receives("a", &["00ff"])
        }
        Talk::Answered => {
            bench.send("b", &["00ff"])?;
            bench.receives("a", &["00ff"])?;
            bench.send("a", &["0a"])?;
            bench.receives("b", &["0a"])
        }
        Talk::Routed => {
            bench.send("b", &["00ff"])?;
            let parts = bench.recv("a")?;
            let [Part::Hex(peer), Part::Hex(body)] = parts.as_slice() else {
                let came = format!("{parts:?}");
                return Err(fail("a routing id and the body", came, "give every part that the socket gives"));
            };
            same("the body", &"00ff".to_owned(), body)?;
            bench.send("a", &[peer, "0a"])?;
            bench.receives("b", &["0a"])
        }
        Talk::Subscribed => {
            bench.receives("a", &["0174"])?;
            bench.send("a", &["7431"])?;
            bench.receives("b", &["7431"])
        }
        Talk::SubscribedByMessage => {
            bench.send("b", &["0174"])?;
            bench.receives("a", &["0174"])?;
            bench.send("a", &["7431"])?;
            bench.receives("b", &["7431"])
        }
        Talk::Published => published(bench),
    }
}

/// Publishes until something arrives: when the subscription does, nobody can tell.
fn published(bench: &mut Bench<'_>) -> Done {
    let deadline = Instant::now() + Duration::from_millis(COMES);
    loop {
        bench.send("a", &["7431"])?;
        match bench.adapter()?.call(RequestBody::Recv { s: "b".into(), timeout_ms: 50 }, REPLY) {
            Ok(reply) => {
                return same("the message", &Some(vec![Part::Hex("7431".into())]), &reply.parts);
            }
            Err(CallError::Refused(error)) if error.class == ErrorClass::WouldBlock && Instant::now() < deadline => {}
            Err(error) => {
                return Err(bad_call("a published message to arrive at the subscriber", &error));
            }
        }
    }
}

pub(super) fn resolves_the_endpoint(bench: &mut Bench<'_>) -> Done {
    let kind = bench.declared(ANY)?;
    if !bench.hello()?.roles.iter().any(|role| role == "bind") {
        return Err(Stop::Skip("it does not declare the role `bind`".into()));
    }
    bench.open("a", kind)?;
    let endpoint = bench.bind("a")?;
    let port = endpoint.strip_prefix("tcp://127.0.0.1:").and_then(|port| port.parse::<u16>().ok());
    match port {
        Some(1..) => Ok(()),
        Some(0) | None if endpoint == "inproc://drill" => Ok(()),
        Some(0) | None => {
            Err(fail("`tcp://127.0.0.1:` and the port", format!("`{endpoint}`"), "ask the socket where it is"))
        }
    }
}

/// Two sockets, `a` receiving from `b`, of a type without envelopes.
fn pipe(bench: &mut Bench<'_>) -> Done {
    bench.needs_both_roles()?;
    let to = bench.declared(&["PULL", "PAIR", "DEALER", "REP"])?;
    let from = match to {
        "PULL" => "PUSH",
        "REP" => "REQ",
        same => same,
    };
    let from = bench.declared(&[from])?;
    bench.open("a", to)?;
    bench.open("b", from)?;
    let endpoint = bench.bind("a")?;
    bench.connect("b", &endpoint)
}

pub(super) fn keeps_parts(bench: &mut Bench<'_>) -> Done {
    pipe(bench)?;
    bench.send("b", &["61", "", "00", ""])?;
    bench.receives("a", &["61", "", "00", ""])
}

pub(super) fn sends_more(bench: &mut Bench<'_>) -> Done {
    pipe(bench)?;
    let parts = vec![Part::Hex("61".into()), Part::Hex("62".into())];
    let first = RequestBody::Send { s: "b".into(), parts, more: true, timeout_ms: COMES };
    match bench.adapter()?.call(first, REPLY) {
        Ok(_) => {}
        Err(CallError::Refused(error)) if error.class == ErrorClass::Unsupported => {
            return Err(Stop::Skip("it cannot leave a message half sent".into()));
        }
        Err(error) => return Err(bad_call("`send` with `more` to succeed", &error)),
    }
    bench.refused(RequestBody::Recv { s: "a".into(), timeout_ms: 0 }, ErrorClass::WouldBlock)?;
    bench.send("b", &["63"])?;
    bench.receives("a", &["61", "62", "63"])
}

pub(super) fn digests_large_parts(bench: &mut Bench<'_>) -> Done {
    pipe(bench)?;
    let (largest, large) = (LARGE_PART, LARGE_PART + 1);
    for len in [largest, large] {
        let parts = vec![Part::Fill { fill: "5a".into(), len }];
        bench.ask(RequestBody::Send { s: "b".into(), parts, more: false, timeout_ms: COMES })?;
    }
    let parts = bench.recv("a")?;
    if !matches!(parts.as_slice(), [Part::Hex(hex)] if *hex == "5a".repeat(largest)) {
        let expected = format!("a part of {largest} octets as hex");
        return Err(fail(&expected, "something else".into(), "report only longer parts as digest"));
    }
    let sha256: String = Sha256::digest(vec![0x5a; large]).iter().map(|octet| format!("{octet:02x}")).collect();
    let parts = bench.recv("a")?;
    let expected = vec![Part::Digest { len: large, sha256 }];
    if parts == expected {
        return Ok(());
    }
    let came = match parts.as_slice() {
        [Part::Hex(hex)] => format!("{} hex digits", hex.len()),
        other => format!("{other:?}"),
    };
    Err(fail(&format!("{expected:?}"), came, "report parts longer than 65536 octets by length and SHA-256"))
}

pub(super) fn polls(bench: &mut Bench<'_>) -> Done {
    pipe(bench)?;
    let items = vec![PollItem { s: "a".into(), on: "in".into() }];
    let poll = |timeout_ms| RequestBody::Poll { items: items.clone(), timeout_ms };
    same("`ready` when nothing is", &Some(Vec::new()), &bench.ask(poll(0))?.ready)?;
    bench.send("b", &["61"])?;
    same("`ready` when a message is there", &Some(items.clone()), &bench.ask(poll(COMES))?.ready)?;
    bench.receives("a", &["61"])
}

pub(super) fn monitors(bench: &mut Bench<'_>) -> Done {
    bench.needs_both_roles()?;
    let kind = bench.declared(&["DEALER", "PAIR", "PULL", "REP"])?;
    bench.open("a", kind)?;
    match bench.adapter()?.call(RequestBody::Monitor { s: "a".into() }, REPLY) {
        Ok(_) => {}
        Err(CallError::Refused(error)) if error.class == ErrorClass::Unsupported => {
            return Err(Stop::Skip("it has no monitor".into()));
        }
        Err(error) => return Err(bad_call("`monitor` to succeed", &error)),
    }
    bench.bind("a")?;
    let events = bench.adapter()?.unsolicited_within(Duration::from_millis(COMES));
    let expected = "a `monitor` event of the socket with `seq` 1 after `bind`";
    match events.first() {
        Some(Unsolicited::Monitor { s, name, seq: 1, .. }) if s == "a" && !name.is_empty() => Ok(()),
        Some(other) => Err(fail(expected, format!("{other:?}"), "count from 1, and name the socket")),
        None => Err(fail(expected, "none".into(), "write each event on stdout as it happens")),
    }
}
