//! The built-in adapter over the reference implementation.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use zmqspec::adapter::process::{Adapter, CallError, Exit};
use zmqspec::adapter::protocol::{ErrorClass, Part, PollItem, Reply, RequestBody, Unsolicited, Value};
use zmqspec::adapter::reference::NAME;
use zmqspec::subject::{SubjectSpec, identity};

use crate::adapter_libzmq::{failures, launch};

const LONG: Duration = Duration::from_secs(60);

fn start() -> Adapter {
    Adapter::start(&launch("reference"), LONG).unwrap().0
}

fn open(adapter: &mut Adapter, s: &str, kind: &str, options: &[(&str, Value)]) {
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    adapter.call(RequestBody::Open { s: s.into(), ctx: None, kind: kind.into(), options }, LONG).unwrap();
}

/// Binds `from`, connects `to` with it.
fn join(adapter: &mut Adapter, from: &str, to: &str) -> String {
    let bind = RequestBody::Bind { s: from.into(), endpoint: "tcp://127.0.0.1:*".into() };
    let endpoint = adapter.call(bind, LONG).unwrap().endpoint.unwrap();
    adapter.call(RequestBody::Connect { s: to.into(), endpoint: endpoint.clone() }, LONG).unwrap();
    endpoint
}

fn send(parts: &[&str], more: bool, timeout_ms: u64) -> RequestBody {
    RequestBody::Send {
        s: "a".into(),
        parts: parts.iter().map(|part| Part::Hex((*part).into())).collect(),
        more,
        timeout_ms,
    }
}

fn recv(s: &str, timeout_ms: u64) -> RequestBody {
    RequestBody::Recv { s: s.into(), timeout_ms }
}

fn parts(reply: Reply) -> Vec<Part> {
    reply.parts.unwrap()
}

fn class(outcome: Result<Reply, CallError>) -> ErrorClass {
    match outcome {
        Err(CallError::Refused(error)) => error.class,
        other => panic!("expected a refusal, came {other:?}"),
    }
}

#[test]
fn it_passes_every_drill() {
    assert_eq!(failures(&launch("reference")), "");
}

#[test]
fn it_tells_who_it_is_and_what_there_is() {
    let (mut adapter, hello, startup) = Adapter::start(&launch("reference"), LONG).unwrap();
    assert_eq!((hello.name.as_str(), hello.version.as_str()), (NAME, env!("CARGO_PKG_VERSION")));
    assert_eq!((hello.sockets.len(), hello.zmtp.len()), (12, 4));
    assert_eq!(hello.mechanisms, ["NULL", "PLAIN", "CURVE"]);
    let identity = identity(&SubjectSpec::Reference, &hello, startup);
    assert_eq!(identity.spec, "reference");
    assert_eq!(identity.sha256.map(|digest| digest.len()), Some(64));
    for kind in &hello.sockets {
        open(&mut adapter, kind, kind, &[]);
    }
    let unknown = RequestBody::Open { s: "x".into(), ctx: None, kind: "SERVER".into(), options: BTreeMap::new() };
    assert_eq!(class(adapter.call(unknown, LONG)), ErrorClass::Unsupported);
    // Each declared option can be set or read on some socket, in its declared type.
    for (option, kind) in &hello.options {
        let wrong = if kind == "int" { Value::Text("x".into()) } else { Value::Int(1) };
        let set = RequestBody::Set { s: "PULL".into(), option: option.clone(), value: wrong };
        assert_eq!(class(adapter.call(set, LONG)), ErrorClass::Argument, "{option}");
    }
}

#[test]
fn options_are_set_in_their_units_and_read_back() {
    let mut adapter = start();
    let int = |name: &'static str, number: i64| (name, Value::Int(number));
    let options = [
        ("routing_id", Value::Text("01ff61".into())),
        int("backlog", 5),
        int("connect_timeout", 1500),
        int("handshake_ivl", 0),
        int("heartbeat_ivl", 200),
        int("heartbeat_timeout", -1),
        int("heartbeat_ttl", 300),
        int("immediate", 1),
        int("linger", -1),
        int("maxmsgsize", 5_000_000_000),
        int("rcvhwm", 0),
        int("rcvtimeo", 7),
        int("reconnect_ivl", -1),
        int("reconnect_ivl_max", 900),
        int("sndhwm", 7),
        int("sndtimeo", -1),
    ];
    open(&mut adapter, "a", "DEALER", &options);
    for (option, value) in options.into_iter().chain([int("type", 5), ("last_endpoint", Value::Text(String::new()))]) {
        let reply = adapter.call(RequestBody::Get { s: "a".into(), option: option.into() }, LONG).unwrap();
        assert_eq!(reply.value, Some(value), "{option}");
    }
    for (option, value) in [
        ("linger", Value::Int(-2)),
        ("sndhwm", Value::Int(-1)),
        ("immediate", Value::Int(2)),
        ("heartbeat_ttl", Value::Int(6_553_600)),
        ("routing_id", Value::Text("00".into())),
        ("routing_id", Value::Text("xyz".into())),
        ("metadata", Value::Text("Name:value".into())),
        ("metadata", Value::Text("X-name".into())),
        ("subscribe", Value::Text("61".into())),
        ("type", Value::Int(5)),
    ] {
        let set = RequestBody::Set { s: "a".into(), option: option.into(), value };
        assert_eq!(class(adapter.call(set, LONG)), ErrorClass::Argument, "{option}");
    }
}

#[test]
fn contexts_have_the_options_that_count_for_their_sockets() {
    let mut adapter = start();
    let context = |ctx: &str, options: &[(&str, i64)]| RequestBody::Context {
        ctx: ctx.into(),
        options: options.iter().map(|(name, value)| ((*name).to_owned(), Value::Int(*value))).collect(),
    };
    adapter.call(context("a", &[("io_threads", 2), ("max_sockets", 1), ("ipv6", 1), ("blocky", 0)]), LONG).unwrap();
    let open = |s: &str| RequestBody::Open {
        s: s.into(),
        ctx: Some("a".into()),
        kind: "PUSH".into(),
        options: BTreeMap::new(),
    };
    adapter.call(open("a"), LONG).unwrap();
    for (option, expected) in [("ipv6", 1), ("linger", 0)] {
        let reply = adapter.call(RequestBody::Get { s: "a".into(), option: option.into() }, LONG).unwrap();
        assert_eq!(reply.value, Some(Value::Int(expected)), "{option}");
    }
    assert_eq!(class(adapter.call(open("b"), LONG)), ErrorClass::Other);
    for (option, value) in [("io_threads", -1), ("blocky", 2), ("max_sockets", i64::from(i32::MAX) + 1)] {
        assert_eq!(class(adapter.call(context("b", &[(option, value)]), LONG)), ErrorClass::Argument, "{option}");
    }
    assert_eq!(class(adapter.call(context("b", &[("colour", 1)]), LONG)), ErrorClass::Unsupported);
}

#[test]
fn a_half_sent_message_goes_as_a_whole_and_only_in_turn() {
    let mut adapter = start();
    open(&mut adapter, "a", "REQ", &[]);
    open(&mut adapter, "b", "REP", &[]);
    let none_to_take_it = adapter.call(send(&["61"], true, 50), LONG);
    assert_eq!(class(none_to_take_it), ErrorClass::WouldBlock);
    join(&mut adapter, "b", "a");
    adapter.call(send(&["61"], true, 5_000), LONG).unwrap();
    assert_eq!(class(adapter.call(recv("b", 50), LONG)), ErrorClass::WouldBlock);
    adapter.call(send(&["62", ""], false, 5_000), LONG).unwrap();
    let expected = ["61", "62", ""].map(|part| Part::Hex(part.into()));
    assert_eq!(parts(adapter.call(recv("b", 5_000), LONG).unwrap()), expected);
    assert_eq!(class(adapter.call(send(&["63"], true, 5_000), LONG)), ErrorClass::State);
    assert_eq!(class(adapter.call(send(&["63"], false, 5_000), LONG)), ErrorClass::State);
    assert_eq!(class(adapter.call(recv("b", 0), LONG)), ErrorClass::State);
}

#[test]
fn a_message_tells_what_its_peer_said_of_itself() {
    let mut adapter = start();
    open(&mut adapter, "a", "PUSH", &[("metadata", Value::Text("X-Zmqspec:a:b".into()))]);
    open(&mut adapter, "b", "PULL", &[]);
    join(&mut adapter, "b", "a");
    adapter.call(send(&["61"], false, 5_000), LONG).unwrap();
    let metadata = adapter.call(recv("b", 5_000), LONG).unwrap().metadata.unwrap();
    assert_eq!(metadata.get("X-Zmqspec").map(String::as_str), Some("a:b"));
    assert_eq!(metadata.get("Socket-Type").map(String::as_str), Some("PUSH"));
}

#[test]
fn a_poll_over_two_contexts_wakes_for_the_one_that_is_ready() {
    let mut adapter = start();
    adapter.call(RequestBody::Context { ctx: "other".into(), options: BTreeMap::new() }, LONG).unwrap();
    let other =
        RequestBody::Open { s: "c".into(), ctx: Some("other".into()), kind: "PULL".into(), options: BTreeMap::new() };
    adapter.call(other, LONG).unwrap();
    open(&mut adapter, "a", "PUSH", &[]);
    open(&mut adapter, "b", "PULL", &[]);
    join(&mut adapter, "b", "a");
    let item = |s: &str| PollItem { s: s.into(), on: "in".into() };
    let poll = |timeout_ms| RequestBody::Poll { items: vec![item("b"), item("c")], timeout_ms };
    assert_eq!(adapter.call(poll(20), LONG).unwrap().ready, Some(Vec::new()));
    let waiting = adapter.begin(poll(60_000)).unwrap();
    adapter.call(send(&["61"], false, 5_000), LONG).unwrap();
    assert_eq!(adapter.finish(waiting, LONG).unwrap().ready, Some(vec![item("b")]));
    adapter.call(recv("b", 0), LONG).unwrap();
    let waiting = adapter.begin(poll(60_000)).unwrap();
    adapter.call(RequestBody::Term { ctx: "other".into() }, LONG).unwrap();
    assert_eq!(class(adapter.finish(waiting, LONG)), ErrorClass::Terminated);
    let waiting = adapter.begin(RequestBody::Poll { items: vec![item("b")], timeout_ms: 60_000 }).unwrap();
    adapter.call(RequestBody::Reset {}, LONG).unwrap();
    assert_eq!(class(adapter.finish(waiting, LONG)), ErrorClass::Terminated);
}

#[test]
fn a_monitor_tells_of_the_socket_until_it_is_closed() {
    let mut adapter = start();
    open(&mut adapter, "a", "PUSH", &[]);
    open(&mut adapter, "b", "PULL", &[]);
    adapter.call(RequestBody::Monitor { s: "b".into() }, LONG).unwrap();
    let endpoint = join(&mut adapter, "b", "a");
    let deadline = Instant::now() + LONG;
    let mut events = Vec::new();
    while events.len() < 3 && Instant::now() < deadline {
        events.extend(adapter.unsolicited_within(Duration::from_secs(1)));
    }
    let told: Vec<_> = events
        .iter()
        .map(|event| match event {
            Unsolicited::Monitor { s, name, seq, endpoint: at, .. } => {
                assert_eq!((s.as_str(), at.as_str()), ("b", endpoint.as_str()));
                (*seq, name.as_str())
            }
            Unsolicited::Fault { text, .. } => panic!("{text}"),
        })
        .collect();
    assert_eq!(told, [(1, "listening"), (2, "accepted"), (3, "handshake_succeeded")]);
    let left = adapter.call(RequestBody::Reset {}, LONG).unwrap().left.unwrap();
    assert_eq!((left.sockets, left.threads), (0, 1), "{left:?}");
}

#[test]
fn a_lingering_message_does_not_hold_a_reset() {
    let mut adapter = start();
    open(&mut adapter, "a", "PUSH", &[("linger", Value::Int(-1))]);
    adapter.call(RequestBody::Connect { s: "a".into(), endpoint: "tcp://127.0.0.1:1".into() }, LONG).unwrap();
    adapter.call(send(&["61"], false, 5_000), LONG).unwrap();
    let left = adapter.call(RequestBody::Reset {}, LONG).unwrap().left.unwrap();
    assert_eq!((left.sockets, left.threads), (0, 1), "{left:?}");
}

#[test]
fn an_endpoint_that_cannot_be_is_refused_by_class() {
    let mut adapter = start();
    open(&mut adapter, "a", "PULL", &[]);
    for (endpoint, expected) in [
        ("none://x", ErrorClass::Unsupported),
        ("tcp://127.0.0.1", ErrorClass::Argument),
        ("tcp://192.0.2.1:0", ErrorClass::Argument),
    ] {
        let bind = RequestBody::Bind { s: "a".into(), endpoint: endpoint.into() };
        assert_eq!(class(adapter.call(bind, LONG)), expected, "{endpoint}");
    }
    let unbind = RequestBody::Unbind { s: "a".into(), endpoint: "tcp://127.0.0.1:1".into() };
    assert_eq!(class(adapter.call(unbind, LONG)), ErrorClass::Argument);
}

#[test]
fn its_death_is_told_by_how_it_ended() {
    let mut adapter = start();
    open(&mut adapter, "a", "PULL", &[]);
    let waiting = adapter.begin(recv("a", 60_000)).unwrap();
    let killed = std::process::Command::new("kill").args(["-ABRT", &adapter.pid().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(adapter.finish(waiting, LONG), Err(CallError::Gone(Exit::Signal(6))));
}
