//! The built-in adapter over the system's libzmq.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use zmqspec::adapter::process::{Adapter, CallError, Launch};
use zmqspec::adapter::protocol::{ErrorClass, RequestBody, Value};
use zmqspec::subject::{Cache, SubjectSpec, identity, verify};

const LONG: Duration = Duration::from_secs(60);
const PROGRAM: &str = env!("CARGO_BIN_EXE_zmqspec");

pub(crate) fn launch(spec: &str) -> Launch {
    let spec: SubjectSpec = spec.parse().unwrap();
    spec.launch_by(Path::new(PROGRAM), &Cache::locate(), &[]).unwrap()
}

/// Every drill, as one text of those that failed.
pub(crate) fn failures(launch: &Launch) -> String {
    let drills = verify::verify(launch, LONG, |_| {});
    assert!(drills.len() > 20, "too few drills: {drills:?}");
    let failed = drills.iter().filter(|drill| matches!(drill.outcome, verify::Outcome::Failed(_)));
    failed.map(|drill| format!("{drill}\n")).collect()
}

#[test]
fn it_passes_every_drill() {
    assert_eq!(failures(&launch("libzmq")), "");
}

#[test]
fn it_tells_who_it_is() {
    let (_adapter, hello, startup) = Adapter::start(&launch("libzmq"), LONG).unwrap();
    assert_eq!(hello.name, "libzmq");
    assert_eq!(hello.options.get("routing_id").map(String::as_str), Some("hex"));
    let identity = identity(&SubjectSpec::Libzmq(zmqspec::subject::Libzmq::System), &hello, startup);
    assert!(identity.path.is_some_and(|path| Path::new(&path).is_absolute()));
    assert_eq!(identity.sha256.map(|digest| digest.len()), Some(64));
}

#[test]
fn options_keep_their_types() {
    let (mut adapter, ..) = Adapter::start(&launch("libzmq"), LONG).unwrap();
    let options: BTreeMap<String, Value> = [
        ("routing_id", Value::Text("00ff61".into())),
        ("maxmsgsize", Value::Int(5_000_000_000)),
        ("sndhwm", Value::Int(7)),
        ("zap_domain", Value::Text("ü".into())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let open = RequestBody::Open { s: "a".into(), ctx: None, kind: "DEALER".into(), options: options.clone() };
    adapter.call(open, LONG).unwrap();
    for (option, value) in options {
        let reply = adapter.call(RequestBody::Get { s: "a".into(), option }, LONG).unwrap();
        assert_eq!(reply.value, Some(value));
    }
    for (option, value) in [("sndhwm", Value::Text("7".into())), ("routing_id", Value::Text("xyz".into()))] {
        let set = RequestBody::Set { s: "a".into(), option: option.into(), value };
        match adapter.call(set, LONG) {
            Err(CallError::Refused(error)) => {
                assert_eq!(error.class, ErrorClass::Argument, "{error}");
            }
            other => panic!("{option}: {other:?}"),
        }
    }
}

#[test]
fn a_lingering_message_does_not_hold_a_reset() {
    let (mut adapter, ..) = Adapter::start(&launch("libzmq"), LONG).unwrap();
    let options = BTreeMap::from([("linger".to_owned(), Value::Int(-1))]);
    let open = RequestBody::Open { s: "a".into(), ctx: None, kind: "PUSH".into(), options };
    adapter.call(open, LONG).unwrap();
    adapter.call(RequestBody::Connect { s: "a".into(), endpoint: "tcp://127.0.0.1:1".into() }, LONG).unwrap();
    let parts = vec![zmqspec::adapter::protocol::Part::Hex("61".into())];
    adapter.call(RequestBody::Send { s: "a".into(), parts, more: false, timeout_ms: 5_000 }, LONG).unwrap();
    let left = adapter.call(RequestBody::Reset {}, LONG).unwrap().left.unwrap();
    assert_eq!((left.sockets, left.threads), (0, 1), "{left:?}");
}

#[test]
fn a_hundred_calls_take_no_polling() {
    let (mut adapter, ..) = Adapter::start(&launch("libzmq"), LONG).unwrap();
    let open = RequestBody::Open { s: "a".into(), ctx: None, kind: "PULL".into(), options: BTreeMap::new() };
    adapter.call(open, LONG).unwrap();
    let began = Instant::now();
    for _ in 0..1_000 {
        adapter.call(RequestBody::Settle { s: "a".into() }, LONG).unwrap();
    }
    // A poll every millisecond would take a second; a loaded machine gets ten.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn a_library_that_is_none_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("libzmq.so");
    std::fs::write(&text, "not a library").unwrap();
    for (path, expected) in [
        (text.as_path(), "the loader refused"),
        (folder.path(), "is not a file"),
        (Path::new("/nowhere/libzmq.so"), "cannot read the library"),
    ] {
        let command = [PROGRAM, "adapter", "libzmq", path.to_str().unwrap()].map(str::to_owned).to_vec();
        let error = Adapter::start(&Launch { command, ..Launch::default() }, LONG).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("exit status 1") && text.contains(expected), "{text}");
        assert_eq!(error.stderr_tail().len(), 1, "{text}");
    }
}
