//! The data that ships.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use zmq_vectors::{Kind, TOMBSTONES, Verdict, all, embedded, find, lint};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../schema/vectors.v1.json")).unwrap()
}

#[test]
fn every_file_has_the_form_of_the_schema() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    for (name, text) in embedded() {
        let value = serde_json::from_str(&text).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

/// The schema is not so loose that it takes anything.
#[test]
fn the_schema_refuses_what_the_loader_refuses() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let (_, text) = embedded().into_iter().find(|(name, _)| name == "ready.json").unwrap();
    let good: Value = serde_json::from_str(&text).unwrap();
    assert!(validator.is_valid(&good));
    let changes = [
        ("an unknown field of a vector", "/vectors/0", "extra", json!(null)),
        ("an unknown verdict", "/vectors/0", "verdict", json!("acceptable")),
        ("upper-case hex", "/vectors/0", "bytes", json!("FF")),
        ("half an octet", "/vectors/0", "bytes", json!("f")),
        ("an empty comment", "/vectors/0", "comment", json!("")),
        ("steps of a command", "/vectors/0", "steps", json!([])),
        ("a meaning of another kind", "/vectors/0", "kind", json!("message")),
        ("no vectors", "", "vectors", json!([])),
        ("another format", "", "format", json!(2)),
        ("a valid vector with a fault", "/vectors/0", "fault", json!("malformed")),
    ];
    for (what, place, field, value) in changes {
        let mut bad = good.clone();
        bad.pointer_mut(place).unwrap()[field] = value;
        assert!(!validator.is_valid(&bad), "the schema takes {what}");
        let text = serde_json::to_string(&bad).unwrap();
        let findings = lint(&[("ready.json".into(), text)], "", None);
        let beyond_form = findings.iter().any(|finding| !finding.text.starts_with("not in canonical form"));
        // An empty list of vectors is the one thing that only the schema objects to directly.
        assert!(beyond_form, "loader and linter take {what}");
    }
}

#[test]
fn the_linter_finds_nothing() {
    let findings: Vec<_> = lint(&embedded(), TOMBSTONES, None).iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn every_kind_and_verdict_has_vectors() {
    for kind in [Kind::Greeting, Kind::Frame, Kind::Command, Kind::Metadata, Kind::Message, Kind::Session] {
        let words: BTreeSet<_> =
            all().iter().filter(|vector| vector.kind == kind).map(|vector| vector.verdict.word()).collect();
        assert_eq!(words, BTreeSet::from(["valid", "invalid", "variant"]), "{kind}");
    }
    assert!(all().len() >= 200, "{} vectors", all().len());
}

/// Prose of an incomplete vector promises that more octets could mend it; for a frame its header has to promise them.
#[test]
fn incomplete_frames_are_shorter_than_their_header_says() {
    let frames = all().iter().filter(|vector| {
        let of_3_x = matches!(vector.zmtp, zmq_vectors::Zmtp::V3_0 | zmq_vectors::Zmtp::V3_1);
        of_3_x && matches!(vector.kind, Kind::Frame | Kind::Command)
    });
    for vector in frames {
        let octets = vector.expand();
        let incomplete = matches!(vector.verdict, Verdict::Invalid { fault: zmq_vectors::Fault::Incomplete, .. });
        let malformed = matches!(vector.verdict, Verdict::Invalid { fault: zmq_vectors::Fault::Malformed, .. });
        // No body can follow a size of 2^63 or more, so such a header is malformed as it stands.
        let impossible = frame_size(&octets).is_some_and(|size| size >= (1 << 63) + 9);
        let complete = frame_size(&octets).is_some_and(|size| size <= octets.len() as u128);
        assert!(!(incomplete && complete), "{} says incomplete and is whole", vector.id);
        assert!(!malformed || complete || impossible, "{} says malformed and more octets could follow", vector.id);
    }
}

/// Octets of a whole frame by its header, or nothing if the header itself is cut.
fn frame_size(octets: &[u8]) -> Option<u128> {
    match octets {
        [flags, size, ..] if flags & 2 == 0 => Some(u128::from(*size) + 2),
        [flags, rest @ ..] if flags & 2 != 0 => {
            let size: [u8; 8] = rest.get(..8)?.try_into().unwrap();
            Some(u128::from(u64::from_be_bytes(size)) + 9)
        }
        _ => None,
    }
}

#[test]
fn vectors_are_found_by_id() {
    let vector = find("ready/truncated-in-property-name").unwrap();
    assert_eq!(vector.file, "ready.json");
    assert_eq!(vector.expand(), b"\x04\x0d\x05READY\x0bSocket");
    assert_eq!(vector.mechanism(), "NULL");
    assert!(find("ready/truncated").is_none());
}
