//! Drills of the protocol itself: greeting, refusals, rubbish, the end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bench::{Bench, Done, REPLY, Stop, bad_call, fail};
use crate::adapter::process::{CallError, Exit};
use crate::adapter::protocol::{ErrorClass, Hello, RequestBody, Value};

/// Any type, for drills that only need a socket.
pub(super) const ANY: &[&str] = &[
    "PULL", "REP", "DEALER", "ROUTER", "PAIR", "SUB", "REQ", "PUSH", "PUB", "XPUB", "XSUB", "STREAM", "CLIENT",
    "SERVER", "GATHER", "SCATTER", "CHANNEL", "PEER", "RADIO", "DISH",
];

pub(super) fn greets(bench: &mut Bench<'_>) -> Done {
    match flaw(bench.hello()?) {
        Some((expected, came)) => Err(fail(&expected, came, "correct this field of `hello`")),
        None => Ok(()),
    }
}

/// What is wrong with a greeting: what was expected, and what came.
fn flaw(hello: &Hello) -> Option<(String, String)> {
    if hello.name.is_empty() || hello.version.is_empty() {
        return Some(("`name` and `version` to say something".into(), "an empty text".into()));
    }
    let lists: &[(&str, &[String], &[&str])] = &[
        ("sockets", &hello.sockets, &[]),
        ("roles", &hello.roles, &["bind", "connect"]),
        ("transports", &hello.transports, &[]),
        ("mechanisms", &hello.mechanisms, &[]),
        ("zmtp", &hello.zmtp, &["3.1", "3.0", "2.0", "1.0"]),
    ];
    for (field, values, known) in lists {
        if values.is_empty() {
            return Some((format!("`{field}` to name something"), "an empty list".into()));
        }
        if let Some(odd) = values.iter().find(|value| !known.is_empty() && !known.contains(&value.as_str())) {
            return Some((format!("`{field}` to have words of {}", known.join(", ")), format!("`{odd}`")));
        }
    }
    let mut options = hello.options.iter();
    let (name, kind) = options.find(|(_, kind)| !["int", "text", "hex"].contains(&kind.as_str()))?;
    Some((format!("option `{name}` to be of type int, text or hex"), format!("`{kind}`")))
}

pub(super) fn refuses_an_unknown_request(bench: &mut Bench<'_>) -> Done {
    raw(bench, r#""do":"no-such-request","depth":{"a":[1,2,{"b":null}]}"#, ErrorClass::Unsupported)
}

pub(super) fn refuses_missing_fields(bench: &mut Bench<'_>) -> Done {
    raw(bench, r#""do":"recv""#, ErrorClass::Argument)
}

/// Demands this class for a request with these fields.
fn raw(bench: &mut Bench<'_>, fields: &str, class: ErrorClass) -> Done {
    let adapter = bench.adapter()?;
    let id = adapter.next_id();
    let line = format!("{{\"id\":{id},{fields}}}");
    let outcome = adapter.begin_raw(id, &line).and_then(|id| adapter.finish(id, REPLY));
    demand_class(&format!("`{line}` to be refused with class `{}`", class.word()), outcome, class)
}

pub(super) fn survives_rubbish(bench: &mut Bench<'_>) -> Done {
    for line in ["rubbish", "{\"id\":", "\"text\"", "{}"] {
        let adapter = bench.adapter()?;
        let outcome = adapter.begin_raw(0, line).and_then(|id| adapter.finish(id, REPLY));
        let expected = format!("the line `{line}` to be answered with id 0 and class `argument`");
        demand_class(&expected, outcome, ErrorClass::Argument)?;
    }
    bench.reset().map(drop)
}

fn demand_class<T>(expected: &str, outcome: Result<T, CallError>, class: ErrorClass) -> Done {
    match outcome {
        Err(CallError::Refused(error)) if error.class == class => Ok(()),
        Ok(_) => Err(fail(expected, "success".into(), "answer with an error of that class")),
        Err(error) => Err(bad_call(expected, &error)),
    }
}

pub(super) fn refuses_an_unknown_socket(bench: &mut Bench<'_>) -> Done {
    bench.refused(RequestBody::Recv { s: "nobody".into(), timeout_ms: 0 }, ErrorClass::Argument)?;
    bench.refused(RequestBody::Close { s: "nobody".into(), linger: None }, ErrorClass::Argument)
}

pub(super) fn refuses_an_unknown_type(bench: &mut Bench<'_>) -> Done {
    let open = RequestBody::Open { s: "a".into(), ctx: None, kind: "TUBA".into(), options: BTreeMap::new() };
    bench.refused(open, ErrorClass::Unsupported)
}

pub(super) fn refuses_an_unknown_option(bench: &mut Bench<'_>) -> Done {
    let kind = bench.declared(ANY)?;
    bench.open("a", kind)?;
    let (s, option) = ("a".to_owned(), "no_such_option".to_owned());
    let set = RequestBody::Set { s: s.clone(), option: option.clone(), value: Value::Int(1) };
    bench.refused(set, ErrorClass::Unsupported)?;
    bench.refused(RequestBody::Get { s, option }, ErrorClass::Unsupported)
}

pub(super) fn refuses_a_taken_name(bench: &mut Bench<'_>) -> Done {
    let kind = bench.declared(ANY)?;
    bench.open("a", kind)?;
    let open = RequestBody::Open { s: "a".into(), ctx: None, kind: kind.into(), options: BTreeMap::new() };
    bench.refused(open, ErrorClass::Argument)
}

pub(super) fn ends_with_stdin(bench: &mut Bench<'_>) -> Done {
    let mut adapter = bench.take()?;
    adapter.close_stdin();
    let expected = "the process to end with status 0 when its stdin ends";
    let remedy = "leave the control loop at the end of stdin, and do not wait for sockets then";
    match adapter.exit_within(Duration::from_secs(10)) {
        Some(Exit::Status(0)) => Ok(()),
        Some(other) => Err(fail(expected, other.to_string(), remedy)),
        None => Err(fail(expected, "a process that still runs after 10 s".into(), remedy)),
    }
}

/// A receiving type, for drills that block.
pub(super) fn receiver(bench: &mut Bench<'_>) -> Result<&'static str, Stop> {
    bench.declared(&["PULL", "DEALER", "ROUTER", "REP", "PAIR", "SUB", "XPUB", "GATHER", "SERVER", "CHANNEL"])
}
