//! The document, the schema and the types of the adapter protocol say the same.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use zmqspec::adapter::protocol::{
    ErrorClass, ErrorReply, Hello, Left, Line, Part, PollItem, Reply, Request, RequestBody, Unsolicited, Value,
};

const SCHEMA: &str = include_str!("../../schema/adapter-protocol.v1.json");
const DOCUMENT: &str = include_str!("../../../docs/src/adapter-protocol.md");

fn validator(part: &str) -> jsonschema::Validator {
    let mut schema: Json = serde_json::from_str(SCHEMA).unwrap();
    schema.as_object_mut().unwrap().remove("oneOf");
    schema["$ref"] = json!(format!("#/$defs/{part}"));
    jsonschema::validator_for(&schema).unwrap()
}

/// Lines of the worked session that begin with this arrow.
fn session(arrow: &str) -> Vec<Json> {
    let lines = DOCUMENT.lines().filter_map(|line| line.strip_prefix(arrow));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_line_of_the_worked_session_is_valid_and_read_without_loss() {
    let (requests, replies) = (session("→ "), session("← "));
    assert!(requests.len() > 15 && replies.len() > 15);
    for line in requests {
        assert!(validator("request").is_valid(&line), "{line}");
        let request: Request = serde_json::from_value(line.clone()).unwrap();
        assert_eq!(serde_json::to_value(request).unwrap(), line);
    }
    for line in replies {
        assert!(validator("line").is_valid(&line), "{line}");
        let read: Line = serde_json::from_value(line.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), line);
    }
}

#[test]
fn every_verb_stands_in_the_session_and_the_schema() {
    let used: Vec<String> = session("→ ").iter().map(|line| line["do"].as_str().unwrap().to_owned()).collect();
    for verb in RequestBody::VERBS {
        assert!(used.iter().any(|word| word == verb), "the session does not use `{verb}`");
        assert!(SCHEMA.contains(&format!("\"request-{verb}\"")), "the schema does not know `{verb}`");
    }
}

#[test]
fn what_the_types_write_is_valid() {
    let options = BTreeMap::from([("a".to_owned(), Value::Int(-1)), ("b".to_owned(), Value::Text("x".into()))]);
    let (s, endpoint) = ("s".to_owned(), "tcp://127.0.0.1:*".to_owned());
    let item = PollItem { s: s.clone(), on: "in".into() };
    let requests = [
        RequestBody::Hello { protocol: 1 },
        RequestBody::Context { ctx: "c".into(), options: options.clone() },
        RequestBody::Term { ctx: "c".into() },
        RequestBody::Open { s: s.clone(), ctx: Some("c".into()), kind: "REQ".into(), options: options.clone() },
        RequestBody::Close { s: s.clone(), linger: Some(-1) },
        RequestBody::Close { s: s.clone(), linger: None },
        RequestBody::Set { s: s.clone(), option: "o".into(), value: Value::Int(1) },
        RequestBody::Get { s: s.clone(), option: "o".into() },
        RequestBody::Bind { s: s.clone(), endpoint: endpoint.clone() },
        RequestBody::Connect { s: s.clone(), endpoint: endpoint.clone() },
        RequestBody::Unbind { s: s.clone(), endpoint: endpoint.clone() },
        RequestBody::Disconnect { s: s.clone(), endpoint: endpoint.clone() },
        RequestBody::Send {
            s: s.clone(),
            parts: vec![Part::Hex(String::new()), Part::Fill { fill: "0a".into(), len: 9 }],
            more: true,
            timeout_ms: 0,
        },
        RequestBody::Recv { s: s.clone(), timeout_ms: 9 },
        RequestBody::Poll { items: vec![item.clone()], timeout_ms: 9 },
        RequestBody::Settle { s: s.clone() },
        RequestBody::Monitor { s: s.clone() },
        RequestBody::Reset {},
    ];
    for body in requests {
        let line = serde_json::to_value(Request { id: 1, body }).unwrap();
        assert!(validator("request").is_valid(&line), "{line}");
    }
    let classes = ["would-block", "state", "unroutable", "terminated", "argument", "unsupported", "peer", "other"];
    for class in classes {
        let class: ErrorClass = serde_json::from_value(json!(class)).unwrap();
        let error = ErrorReply { class, errno: "E".into(), native: "n".into() };
        valid(Reply { error: Some(error), ..Reply::default() });
    }
    let digest = Part::Digest { len: 70_000, sha256: "0".repeat(64) };
    let words = |word: &str| vec![word.to_owned()];
    let hello = Hello {
        protocol: 1,
        name: "n".into(),
        version: "v".into(),
        commit: String::new(),
        path: Some("/p".into()),
        sockets: words("REQ"),
        roles: words("bind"),
        transports: words("tcp"),
        mechanisms: words("NULL"),
        zmtp: words("3.1"),
        options: BTreeMap::from([("o".to_owned(), "int".to_owned())]),
        features: Vec::new(),
    };
    valid(Reply::default());
    valid(Reply { hello: Some(hello), ..Reply::default() });
    valid(Reply { endpoint: Some(endpoint), ..Reply::default() });
    valid(Reply { value: Some(Value::Int(1)), ..Reply::default() });
    valid(Reply { parts: Some(vec![digest]), metadata: Some(BTreeMap::new()), ..Reply::default() });
    valid(Reply { ready: Some(vec![item]), ..Reply::default() });
    valid(Reply { left: Some(Left::default()), ..Reply::default() });
    let monitor = Unsolicited::Monitor { s, name: "n".into(), value: -1, endpoint: String::new(), seq: 1 };
    for event in [monitor, Unsolicited::Fault { thread: "t".into(), text: "x".into() }] {
        let line = serde_json::to_value(Line::Unsolicited(event)).unwrap();
        assert!(validator("line").is_valid(&line), "{line}");
    }
}

fn valid(reply: Reply) {
    let line = serde_json::to_value(Line::Reply(Box::new(reply))).unwrap();
    assert!(validator("line").is_valid(&line), "{line}");
}

#[test]
fn nonsense_is_not_valid() {
    for line in [
        json!("text"),
        json!({}),
        json!({"id": 1}),
        json!({"id": 0, "do": "reset"}),
        json!({"id": 1, "do": "sing"}),
        json!({"id": 1, "do": "recv", "s": "x"}),
        json!({"id": 1, "do": "recv", "s": "x", "timeout_ms": -1}),
        json!({"id": 1, "do": "reset", "hard": true}),
        json!({"id": 1, "do": "send", "s": "x", "parts": ["ABC"], "timeout_ms": 0}),
        json!({"id": 1, "do": "send", "s": "x", "parts": [], "timeout_ms": 0}),
        json!({"id": 1, "do": "hello", "protocol": 2}),
    ] {
        assert!(!validator("request").is_valid(&line), "{line}");
    }
    for line in [
        json!("text"),
        json!({}),
        json!({"id": -1}),
        json!({"id": 1, "error": {"class": "bad luck"}}),
        json!({"id": 1, "error": {"class": "other"}, "endpoint": "x"}),
        json!({"id": 1, "endpoint": "x", "value": 1}),
        json!({"id": 1, "protocol": 1, "name": "half a greeting"}),
        json!({"id": 1, "parts": [{"len": 3, "sha256": "00"}]}),
        json!({"event": "weather", "text": "rain"}),
        json!({"event": "fault", "id": 1, "thread": "t", "text": "x"}),
    ] {
        assert!(!validator("line").is_valid(&line), "{line}");
    }
}
