//! The linter fails on each planted defect, and says which it is.

use std::collections::BTreeSet;

use zmq_vectors::{embedded, lint};

/// Plants one defect by replacing the first `old` in a file, and gives the findings, canonical form aside.
fn planted(file: &str, old: &str, new: &str) -> Vec<String> {
    let (name, text) = embedded().into_iter().find(|(name, _)| name == file).unwrap();
    assert!(text.contains(old), "{file} no longer has {old:?}; choose another place for the defect");
    findings(&[(name, text.replacen(old, new, 1))], "", None)
}

fn findings(files: &[(String, String)], tombstones: &str, ledger: Option<&BTreeSet<String>>) -> Vec<String> {
    lint(files, tombstones, ledger)
        .iter()
        .map(ToString::to_string)
        .filter(|text| !text.contains("not in canonical form"))
        .collect()
}

#[test]
fn an_id_out_of_form() {
    assert_eq!(
        planted("ready.json", "\"ready/socket-type-req\"", "\"ready/Socket_type\""),
        ["ready.json: ready/Socket_type: expected an id of the form ready/words-in-lower-case"]
    );
    assert_eq!(
        planted("ready.json", "\"ready/socket-type-req\"", "\"frame/socket-type-req\""),
        ["ready.json: frame/socket-type-req: expected an id of the form ready/words-in-lower-case"]
    );
}

#[test]
fn an_id_twice() {
    assert_eq!(
        planted("ready.json", "\"ready/socket-type-rep\"", "\"ready/socket-type-req\""),
        ["ready.json: ready/socket-type-req: this id stands in ready.json already; ids are unique"]
    );
}

#[test]
fn an_id_from_the_tombstones() {
    let tombstones = "# a comment\n\nready/socket-type-req  # it went\n";
    assert_eq!(
        findings(&embedded(), tombstones, None),
        ["ready.json: ready/socket-type-req: this id is in tombstones.txt and never used again; take another"]
    );
}

#[test]
fn a_requirement_that_is_not_in_the_ledger() {
    let mut ledger: BTreeSet<String> =
        zmq_vectors::all().iter().flat_map(|vector| vector.requirements.clone()).collect();
    assert_eq!(findings(&embedded(), "", Some(&ledger)), [""; 0]);
    ledger.remove("ZMTP31-GREETING-03");
    assert_eq!(
        findings(&embedded(), "", Some(&ledger)),
        ["greeting.json: greeting/null-3.1: requirement ZMTP31-GREETING-03 is not in the ledger"]
    );
}

#[test]
fn hex_that_is_none() {
    assert_eq!(
        planted("frame.json", "\"bytes\": \"0000\"", "\"bytes\": \"000\""),
        [
            "frame.json: frame/short-last-0: field `bytes`: expected lower-case hex with two digits per octet, got \"000\""
        ]
    );
}

#[test]
fn an_empty_comment() {
    assert_eq!(
        planted("frame.json", "\"comment\": \"Flags 00. The empty body.\"", "\"comment\": \" \""),
        ["frame.json: frame/short-last-0: `comment` is empty; say why the vector exists"]
    );
}

#[test]
fn a_meaning_that_does_not_fit_the_octets() {
    assert_eq!(
        planted("frame.json", "\"bytes\": \"0000\"", "\"bytes\": \"0100\""),
        ["frame.json: frame/short-last-0: `means` says that the flags is 0, the octets say 1"]
    );
    assert_eq!(
        planted("ready.json", "\"value\": \"524551\"", "\"value\": \"524550\""),
        ["ready.json: ready/socket-type-req: `means` and octets differ in the body at octet 24: meant 50, found 51"]
    );
    assert_eq!(
        planted("greeting.json", "\"mechanism\": \"NULL\"", "\"mechanism\": \"PLAIN\""),
        [
            "greeting.json: greeting/null-3.1: `means` and octets differ in the greeting up to the filler at octet 12: meant 50, found 4e"
        ]
    );
    assert_eq!(
        planted("message.json", "\"41\"\n", "\"42\"\n"),
        ["message.json: message/one-frame: `means` and octets differ in part 0 at octet 0: meant 42, found 41"]
    );
    assert_eq!(
        planted("zmtp-2.0.json", "\"socket_type\": \"PAIR\"", "\"socket_type\": \"XPUB\""),
        ["zmtp-2.0.json: zmtp-2.0/greeting-pair: `means.socket_type` is \"XPUB\", not a type of 2.0"]
    );
    assert_eq!(
        planted("zmtp-1.0.json", "\"identity\": \"616263\"", "\"identity\": \"616264\""),
        [
            "zmtp-1.0.json: zmtp-1.0/greeting-identity-abc: `means` and octets differ in the identity at octet 2: meant 64, found 63"
        ]
    );
    assert_eq!(
        planted("session.json", "\"a\": \"REQ\"", "\"a\": \"req\""),
        ["session.json: session/req-rep: `means.a` is \"req\", expected a socket type in capitals"]
    );
    assert_eq!(
        planted("session.json", "\"offends\": 0", "\"offends\": 7"),
        ["session.json: session/mechanism-mismatch: `offends` is step 7, expected one of the 2 steps, counted from 0"]
    );
    assert_eq!(
        planted("heartbeat.json", "\"context\": \"\"", "\"context\": \"\", \"data\": \"\""),
        [
            "heartbeat.json: heartbeat/ping-context-0: `means` has to say once what the command carries: properties, topic, context, reason or data"
        ]
    );
}

#[test]
fn flags_and_variants_that_are_not_defined_or_not_used() {
    assert_eq!(
        planted("frame.json", "\"allocation-by-claim\": {", "\"allocation\": {")[..2],
        [
            "frame.json: flag allocation is defined and not used".to_owned(),
            "frame.json: frame/claims-2-to-63-minus-one: flag allocation-by-claim is not defined in this file"
                .to_owned()
        ]
    );
    assert_eq!(
        planted("frame.json", "\"reserved-flag-bits\": {", "\"reserved-bits\": {")[..2],
        [
            "frame.json: variant reserved-bits is defined and not used".to_owned(),
            "frame.json: frame/flags-08: variant reserved-flag-bits is not defined in this file".to_owned()
        ]
    );
    assert_eq!(
        planted("frame.json", "\"https://github.com", "\"http://github.com"),
        [
            "frame.json: flag size-overflow links to \"http://github.com/zeromq/libzmq/issues/3351\", expected an https address"
        ]
    );
}

#[test]
fn a_topic_that_is_not_the_file_name() {
    let found = planted("message.json", "\"topic\": \"message\"", "\"topic\": \"messages\"");
    assert_eq!(found[0], "message.json: topic is \"messages\", expected the file name without its extension");
}

#[test]
fn another_layout() {
    let (name, text) = embedded().into_iter().find(|(name, _)| name == "frame.json").unwrap();
    let found = lint(&[(name, text.replacen("  \"format\": 1", " \"format\": 1", 1))], "", None);
    assert_eq!(
        found[0].to_string(),
        "frame.json: not in canonical form from line 3, expected \"  \\\"format\\\": 1,\", got \" \\\"format\\\": 1,\": rewrite it with the `lint` example and --write"
    );
}
