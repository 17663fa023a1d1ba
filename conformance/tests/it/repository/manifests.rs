//! Who may import whom, and that versions and lints stand in one place.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{Text, assert_none, texts};

/// Which crates of the workspace a crate may depend on. A crate that is not here may not exist, so a new one begins
/// with a line and a thought about the whole map.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("zmq-captive", &["zmq-core", "zmq-libzmq", "zmq-sim"]),
    ("zmq-captive-interposer", &[]),
    ("zmq-core", &["zmq-vectors"]),
    ("zmq-libzmq", &[]),
    ("zmq-reference", &["zmq-core", "zmq-libzmq", "zmq-vectors"]),
    ("zmq-sim", &["zmq-core", "zmq-world"]),
    ("zmq-sim-library", &["zmq-core", "zmq-reference", "zmq-sim", "zmq-world"]),
    ("zmq-sim-madsim", &["zmq-core", "zmq-libzmq", "zmq-reference", "zmq-sim", "zmq-sim-library", "zmq-world"]),
    ("zmq-vectors", &[]),
    ("zmq-world", &[]),
    (
        "zmqspec",
        &[
            "zmq-captive",
            "zmq-core",
            "zmq-libzmq",
            "zmq-reference",
            "zmq-sim",
            "zmq-sim-library",
            "zmq-sim-madsim",
            "zmq-vectors",
        ],
    ),
];

/// Crates with an encoder or decoder of ZMTP. The suite's raw peer has its own, so that a bug is not shared with what
/// is being checked.
const CODECS: &[&str] = &[
    "async_zmq",
    "azmq",
    "monocoque-rs",
    "omq",
    "omq-tokio",
    "rzmq",
    "tmq",
    "zeromq",
    "zeromq-src",
    "zmq",
    "zmq-sys",
    "zmq2",
];

/// A workspace of its own, with a lock file of its own, where those codecs are what is measured and met.
const PEERS: &str = "reference/peers";

/// What the peers may take from this workspace: the loader of libzmq, and our own implementation as one more peer.
const PEERS_MAY_IMPORT: &[&str] = &["zmq-core", "zmq-libzmq", "zmq-reference"];

const FROM_WORKSPACE: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

fn check(manifests: &[Text]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut names = BTreeMap::new();
    let of_peers = peers(manifests, &mut findings);
    for Text { path, text } in manifests.iter().filter(|file| !file.path.starts_with(PEERS)) {
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                findings.push(format!("{path}: {}", error.message()));
                continue;
            }
        };
        if let Some(name) = table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str) {
            names.insert(name.to_owned(), path.clone());
            member(path, name, &table, &mut findings);
        }
        outside(path, &table, &of_peers, &mut findings);
    }
    for (name, _) in MAY_IMPORT.iter().filter(|(name, _)| !names.contains_key(*name)) {
        findings.push(format!("{name} is in the table of imports and not in the repository"));
    }
    findings
}

fn member(path: &str, name: &str, table: &Table, findings: &mut Vec<String>) {
    let mut say = |text: String| findings.push(format!("{path}: {text}"));
    let inherited = |value: Option<&Value>| value.and_then(|v| v.get("workspace")) == Some(&Value::Boolean(true));
    if table.get("lints").and_then(|lints| lints.get("workspace")) != Some(&Value::Boolean(true)) {
        say("expected [lints] workspace = true".into());
    }
    for field in FROM_WORKSPACE {
        if !inherited(table.get("package").and_then(|package| package.get(field))) {
            say(format!("expected {field}.workspace = true"));
        }
    }
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(known, _)| *known == name) else {
        say(format!("{name} is not in the table of imports; add it with what it may import"));
        return;
    };
    for (import, value) in dependencies(table) {
        if !inherited(Some(value)) {
            say(format!("expected {import}.workspace = true, so that its version stands once in the root"));
        }
        let ours = MAY_IMPORT.iter().any(|(known, _)| *known == import);
        if ours && !allowed.contains(&import) {
            say(format!("{name} may not import {import}; ARCHITECTURE.md says who may import whom"));
        }
        if CODECS.contains(&import) {
            say(format!("{import} brings a codec of ZMTP; the raw peer has its own, and subjects are processes"));
        }
    }
}

/// Holds what is peculiar to the peers' workspace, and gives the names of its crates.
fn peers(manifests: &[Text], findings: &mut Vec<String>) -> Vec<String> {
    let mut names = Vec::new();
    for Text { path, text } in manifests.iter().filter(|file| file.path.starts_with(PEERS)) {
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                findings.push(format!("{path}: {}", error.message()));
                continue;
            }
        };
        let shared = table.get("workspace").and_then(|workspace| workspace.get("dependencies"));
        for (import, value) in shared.and_then(Value::as_table).into_iter().flatten() {
            let version = value.get("version").or(Some(value)).and_then(Value::as_str);
            if CODECS.contains(&import.as_str()) && !version.is_some_and(|version| version.starts_with('=')) {
                findings.push(format!("{path}: expected {import} = \"=…\": another release is another subject"));
            }
            let ours = MAY_IMPORT.iter().any(|(known, _)| known == import);
            if ours && !PEERS_MAY_IMPORT.contains(&import.as_str()) {
                findings.push(format!("{path}: the peers may not import {import}"));
            }
        }
        let Some(package) = table.get("package") else { continue };
        names.extend(package.get("name").and_then(Value::as_str).map(str::to_owned));
        for (import, value) in dependencies(&table) {
            if value.get("workspace") != Some(&Value::Boolean(true)) {
                findings.push(format!("{path}: expected {import}.workspace = true"));
            }
        }
    }
    names
}

/// Nothing outside the peers' workspace leads into it.
fn outside(path: &str, table: &Table, peers: &[String], findings: &mut Vec<String>) {
    let workspace = table.get("workspace");
    let shared = workspace.and_then(|workspace| workspace.get("dependencies")).and_then(Value::as_table);
    let shared = shared.into_iter().flatten().map(|(name, value)| (name.as_str(), value));
    for (import, value) in shared.chain(dependencies(table)) {
        let leads_in = value.get("path").and_then(Value::as_str).is_some_and(|path| path.contains("peers"));
        if leads_in || peers.iter().any(|name| name == import) {
            findings.push(format!("{path}: {import} is of {PEERS}, on which nothing outside may depend"));
        }
    }
    let excluded = workspace.and_then(|workspace| workspace.get("exclude")).and_then(Value::as_array);
    if path == "Cargo.toml" && !excluded.is_some_and(|excluded| excluded.iter().any(|of| of.as_str() == Some(PEERS))) {
        findings.push(format!("{path}: expected exclude = [{PEERS:?}], which is a workspace of its own"));
    }
}

/// Dependencies of every kind and of every target.
fn dependencies(table: &Table) -> Vec<(&str, &Value)> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = table.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = targets.filter_map(Value::as_table).chain([table]);
    tables
        .flat_map(|table| kinds.map(|kind| table.get(kind)))
        .flatten()
        .filter_map(Value::as_table)
        .flat_map(|dependencies| dependencies.iter().map(|(name, value)| (name.as_str(), value)))
        .collect()
}

/// Where the suite names the reference. Elsewhere a bug of its codec could be on both ends of the wire.
const DRIVES_THE_REFERENCE: &str = "conformance/src/adapter/reference/";

fn reference_elsewhere(files: &[Text]) -> Vec<String> {
    let sources = files.iter().filter(|Text { path, .. }| {
        path.starts_with("conformance/src/") && path.ends_with(".rs") && !path.starts_with(DRIVES_THE_REFERENCE)
    });
    let named = sources.flat_map(|Text { path, text }| {
        let lines = text.lines().enumerate();
        let named = lines.filter(|(_, line)| line.contains("zmq_core") || line.contains("zmq_reference"));
        named.map(move |(number, _)| {
            format!("{path}:{}: the reference is named outside of {DRIVES_THE_REFERENCE}", number + 1)
        })
    });
    named.collect()
}

fn manifests() -> Vec<Text> {
    texts().into_iter().filter(|file| file.path.ends_with("Cargo.toml")).collect()
}

#[test]
fn the_repository_keeps_to_the_table_of_imports() {
    assert_none(&check(&manifests()));
}

#[test]
fn the_repository_names_the_reference_in_its_adapter_only() {
    let texts = texts();
    assert!(texts.iter().any(|file| file.path.starts_with(DRIVES_THE_REFERENCE)), "the folder was moved");
    assert_none(&reference_elsewhere(&texts));
}

#[test]
fn the_reference_beside_the_raw_peer_is_found() {
    let line = "use std::io;\nuse zmq_core::wire;\n";
    let allowed = Text::new("conformance/src/adapter/reference/mod.rs", line);
    let found = reference_elsewhere(&[Text::new("conformance/src/wire/mod.rs", line), allowed]);
    let expected =
        "conformance/src/wire/mod.rs:2: the reference is named outside of conformance/src/adapter/reference/";
    assert_eq!(found, [expected]);
}

#[test]
fn each_defect_of_a_manifest_is_found() {
    let planted = |path: &str, old: &str, new: &str| {
        let mut manifests = manifests();
        let file = manifests.iter_mut().find(|file| file.path == path).unwrap();
        assert!(file.text.contains(old), "{path} no longer has {old:?}");
        file.text = file.text.replacen(old, new, 1);
        check(&manifests)
    };
    let vectors = "vectors/Cargo.toml";
    assert_eq!(
        planted(vectors, "[dependencies]\n", "[dependencies]\nzmq-libzmq.workspace = true\n"),
        ["vectors/Cargo.toml: zmq-vectors may not import zmq-libzmq; ARCHITECTURE.md says who may import whom"]
    );
    assert_eq!(
        planted(vectors, "[dev-dependencies]\n", "[dev-dependencies]\nzmqspec.workspace = true\n"),
        ["vectors/Cargo.toml: zmq-vectors may not import zmqspec; ARCHITECTURE.md says who may import whom"]
    );
    assert_eq!(
        planted(
            vectors,
            "[dependencies]\n",
            "[target.'cfg(unix)'.dependencies]\nzmq.workspace = true\n[dependencies]\n"
        ),
        ["vectors/Cargo.toml: zmq brings a codec of ZMTP; the raw peer has its own, and subjects are processes"]
    );
    assert_eq!(
        planted(vectors, "serde.workspace = true", "serde = \"1\""),
        ["vectors/Cargo.toml: expected serde.workspace = true, so that its version stands once in the root"]
    );
    assert_eq!(
        planted(vectors, "[lints]\nworkspace = true", "[lints.rust]\nunsafe_code = \"allow\""),
        ["vectors/Cargo.toml: expected [lints] workspace = true"]
    );
    assert_eq!(
        planted(vectors, "edition.workspace = true", "edition = \"2021\""),
        ["vectors/Cargo.toml: expected edition.workspace = true"]
    );
    assert_eq!(
        planted(vectors, "name = \"zmq-vectors\"", "name = \"zmq-data\""),
        [
            "vectors/Cargo.toml: zmq-data is not in the table of imports; add it with what it may import",
            "zmq-vectors is in the table of imports and not in the repository"
        ]
    );
}

#[test]
fn the_peers_stay_apart() {
    let planted = |path: &str, old: &str, new: &str| {
        let mut manifests = manifests();
        let file = manifests.iter_mut().find(|file| file.path == path).unwrap();
        assert!(file.text.contains(old), "{path} no longer has {old:?}");
        file.text = file.text.replacen(old, new, 1);
        check(&manifests)
    };
    let (root, peers) = ("Cargo.toml", "reference/peers/Cargo.toml");
    assert_eq!(
        planted(root, "exclude = [\"reference/peers\"]", "exclude = []"),
        ["Cargo.toml: expected exclude = [\"reference/peers\"], which is a workspace of its own"]
    );
    let path = "zmq-vectors = { path = \"vectors\" }";
    assert_eq!(
        planted(root, path, &format!("{path}\nline = {{ path = \"reference/peers/line\" }}")),
        ["Cargo.toml: line is of reference/peers, on which nothing outside may depend"]
    );
    assert_eq!(
        planted("vectors/Cargo.toml", "[dependencies]\n", "[dependencies]\npeer-line.workspace = true\n"),
        ["vectors/Cargo.toml: peer-line is of reference/peers, on which nothing outside may depend"]
    );
    assert_eq!(
        planted(peers, "omq-tokio = { version = \"=0.33.0\"", "omq-tokio = { version = \"0.33.0\""),
        ["reference/peers/Cargo.toml: expected omq-tokio = \"=…\": another release is another subject"]
    );
    assert_eq!(
        planted(peers, "[workspace.dependencies]\n", "[workspace.dependencies]\nzmqspec = \"1\"\n"),
        ["reference/peers/Cargo.toml: the peers may not import zmqspec"]
    );
    assert_eq!(
        planted("reference/peers/line/Cargo.toml", "bytes.workspace = true", "bytes = \"1\""),
        ["reference/peers/line/Cargo.toml: expected bytes.workspace = true"]
    );
}
