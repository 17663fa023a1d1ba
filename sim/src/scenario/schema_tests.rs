//! The schema says what is read, no more and no less.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value as Json;

use super::deserialize::from_node;
use super::node::Node;
use super::{builtin, schema};
use crate::plan;

/// Scenarios that the schema has to refuse: what is changed in a sound one.
const MISTAKES: &[(&str, &str)] = &[
    ("title = ", "tilte = "),
    ("[[host]]\nname = \"office\"", "[[host]]\nnmae = \"office\""),
    ("type = \"PUSH\"", "type = \"PSUH\""),
    ("type = \"PUSH\"", "type = 3"),
    ("connect = [\"tcp://works:5555\"]", "connect = \"tcp://works:5555\""),
    ("linger = { for = \"5s\" }", "linger = \"for\""),
    ("linger = { for = \"5s\" }", "linger = { for = 5 }"),
    ("linger = { for = \"5s\" }", "linger = { for = \"5 seconds\" }"),
    ("linger = { for = \"5s\" }", "sndhwm = -1"),
    ("linger = { for = \"5s\" }", "sndhwm = \"many\""),
    ("linger = { for = \"5s\" }", "linegr = \"discard\""),
    ("{ send = { count = \"1..200\"", "{ sned = { count = \"1..200\""),
    ("{ send = { count = \"1..200\"", "{ send = { cuont = \"1..200\""),
    ("{ send = { count = \"1..200\"", "{ send = { count = \"1ms..200ms\""),
    ("at = \"0s..5s\"", "at = 5"),
    ("for = { log = \"1ms..10s\" }", "for = { lgo = \"1ms..10s\" }"),
    ("for = { log = \"1ms..10s\" }", "for = { log = 3 }"),
    ("what = { partition", "waht = { partition"),
    ("what = { partition", "what = { partitoin"),
    ("what = { partition", "draw = \"any\"\nwhat = { partition"),
    ("between = [\"office\", \"works\"]", "between = [\"office\"]"),
    ("any = [\"drop\", \"hold\"]", "any = []"),
    ("any = [\"drop\", \"hold\"]", "any = [\"drop\"], chance = 3"),
    ("delivered = { from", "delivered = { form"),
];

fn json(text: &str) -> Json {
    let value: toml::Value = toml::from_str(text).unwrap();
    serde_json::to_value(value).unwrap()
}

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(schema()).unwrap()).unwrap()
}

#[test]
fn scenarios_and_saved_plans_are_valid() {
    let validator = validator();
    let swarm = (0..100).map(|seed| (format!("swarm {seed}"), toml::to_string(&crate::swarm::draw(seed)).unwrap()));
    let builtin = builtin().into_iter().map(|(name, text)| (name.to_owned(), text.to_owned()));
    for (name, text) in builtin.chain(swarm) {
        let errors: Vec<String> = validator.iter_errors(&json(&text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

#[test]
fn mistakes_are_refused() {
    let validator = validator();
    let (_, sound) = builtin().into_iter().find(|(name, _)| *name == "push_goes_on_after_a_partition").unwrap();
    assert!(validator.is_valid(&json(sound)));
    for (right, wrong) in MISTAKES {
        assert!(sound.contains(right), "{right} is not there");
        assert!(!validator.is_valid(&json(&sound.replacen(right, wrong, 1))), "{wrong} is valid");
    }
}

/// What a type reads, by its own refusal of what it does not know.
fn read_by<T: for<'de> Deserialize<'de>>() -> BTreeSet<String> {
    let node = Node::parse("no-such-key = 1").unwrap();
    let why = from_node::<T>(&node).err().expect("it knows no such key").what;
    let list = why.split("; there are ").nth(1).unwrap_or_else(|| panic!("{why}"));
    let list = list.split(".").next().unwrap_or_default();
    list.split(", ").map(str::to_owned).collect()
}

/// What the schema has for it.
fn written(schema: &Json, name: &str) -> BTreeSet<String> {
    fn keys(of: &Json, into: &mut BTreeSet<String>) {
        if let Some(properties) = of.get("properties").and_then(Json::as_object) {
            into.extend(properties.keys().filter(|key| *key != "any" && *key != "maybe").cloned());
        }
        for word in of.get("enum").and_then(Json::as_array).into_iter().flatten() {
            into.extend(word.as_str().map(str::to_owned));
        }
        for alternative in of.get("anyOf").and_then(Json::as_array).into_iter().flatten() {
            keys(alternative, into);
        }
    }
    let mut all = BTreeSet::new();
    keys(if name.is_empty() { schema } else { &schema["$defs"][name] }, &mut all);
    all
}

#[test]
fn the_schema_has_all_keys_that_are_read_and_no_others() {
    let schema: Json = serde_json::from_str(schema()).unwrap();
    let all: [(&str, BTreeSet<String>, &[&str]); 17] = [
        ("", read_by::<plan::Plan>(), &["let"]),
        ("host", read_by::<plan::Host>(), &["count"]),
        ("name", read_by::<plan::NameRule>(), &["count"]),
        ("link", read_by::<plan::Link>(), &[]),
        ("latency", read_by::<plan::Latency>(), &[]),
        ("link-rule", read_by::<plan::LinkRule>(), &["count"]),
        ("socket", read_by::<plan::Socket>(), &["count"]),
        ("options", read_by::<plan::SocketOptions>(), &[]),
        ("security", read_by::<plan::Security>(), &[]),
        ("linger", read_by::<plan::Linger>(), &[]),
        ("actor", read_by::<plan::Actor>(), &["count"]),
        ("step", read_by::<plan::Step>(), &[]),
        ("send", read_by::<plan::Send>(), &[]),
        ("recv", read_by::<plan::Recv>(), &[]),
        ("fault", read_by::<plan::Fault>(), &["count", "draw"]),
        ("fault-kind", read_by::<plan::FaultKind>(), &[]),
        ("expect", read_by::<plan::Expect>(), &[]),
    ];
    for (name, mut read, of_scenarios) in all {
        read.extend(of_scenarios.iter().map(|&key| key.to_owned()));
        assert_eq!(written(&schema, name), read, "{name}");
    }
}
