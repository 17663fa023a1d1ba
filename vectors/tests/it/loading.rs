//! What the loader says about input that is not what it should be.

use std::fs;
use std::path::PathBuf;

use zmq_vectors::{Content, load_dir, load_files};

/// A directory of its own under the build's temporary folder.
fn fresh(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn file_of(vector: &str) -> String {
    format!(
        r#"{{"$schema": "s", "format": 1, "topic": "t", "about": "a", "flags": {{}}, "variants": {{}}, "vectors": [{vector}]}}"#
    )
}

const GOOD: &str = r#"{"id": "t/one", "kind": "message", "zmtp": "3.1", "bytes": [{"hex": "0100", "repeat": 2}, "0000"],
    "verdict": "valid", "means": {"parts": ["", "", ""]}, "requirements": ["R-1"], "flags": [], "comment": "c"}"#;

fn error_of(name: &str, text: &str) -> String {
    let dir = fresh(name);
    fs::write(dir.join("t.json"), text).unwrap();
    load_dir(&dir).unwrap_err().to_string()
}

#[test]
fn a_directory_of_files_loads() {
    let dir = fresh("good");
    fs::write(dir.join("t.json"), file_of(GOOD)).unwrap();
    fs::write(dir.join("notes.txt"), "not a vector file").unwrap();
    let vectors = load_dir(&dir).unwrap();
    assert_eq!(vectors.len(), 1);
    assert_eq!(vectors[0].expand(), [1, 0, 1, 0, 0, 0]);
    assert!(matches!(vectors[0].content, Content::Bytes(_)));
    assert_eq!(load_files(&dir).unwrap()[0].topic, "t");
}

#[test]
fn paths_that_are_no_directory_of_vectors() {
    let dir = fresh("paths");
    let shown = dir.display();
    assert_eq!(
        load_dir(&dir).unwrap_err().to_string(),
        format!("{shown}: expected a directory with at least one *.json file, got none")
    );
    let file = dir.join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(
        load_dir(&file).unwrap_err().to_string(),
        format!("{shown}/file: expected a directory of vector files, got a file")
    );
    let missing = load_dir(dir.join("missing")).unwrap_err().to_string();
    assert!(missing.starts_with(&format!("{shown}/missing: cannot be read: ")), "{missing}");
    fs::create_dir(dir.join("folder.json")).unwrap();
    assert_eq!(
        load_dir(&dir).unwrap_err().to_string(),
        format!("{shown}/folder.json: expected a file, got a directory")
    );
}

#[test]
fn an_unreadable_file() {
    let dir = fresh("unreadable");
    fs::write(dir.join("t.json"), [0xff, 0xfe]).unwrap();
    let error = load_dir(&dir).unwrap_err().to_string();
    assert_eq!(error, format!("{}/t.json: cannot be read: stream did not contain valid UTF-8", dir.display()));
}

#[test]
fn text_that_is_no_json() {
    assert_eq!(
        error_of("no-json", "{\"format\": 1,"),
        "t.json: expected JSON: EOF while parsing a value at line 1 column 13"
    );
    assert_eq!(error_of("list", "[]"), "t.json: expected an object, got []");
}

#[test]
fn fields_of_the_file() {
    assert_eq!(error_of("empty", "{}"), "t.json: field `$schema`: expected a value, got none");
    let text = file_of("").replace("\"format\": 1", "\"format\": 2");
    assert_eq!(error_of("format", &text), "t.json: field `format`: expected 1, got 2");
    let text = file_of("").replace("\"topic\": \"t\"", "\"topic\": 5");
    assert_eq!(error_of("topic", &text), "t.json: field `topic`: invalid type: integer `5`, expected a string");
    let text = file_of("").replace("\"about\"", "\"extra\": 1, \"about\"");
    assert_eq!(
        error_of("extra", &text),
        "t.json: unknown field `extra`, expected one of $schema, format, topic, about, flags, variants, vectors"
    );
}

#[test]
fn fields_of_a_vector() {
    let error = |name: &str, old: &str, new: &str| {
        assert!(GOOD.contains(old));
        error_of(name, &file_of(&GOOD.replacen(old, new, 1)))
    };
    assert_eq!(error_of("no-object", &file_of("5")), "t.json: vectors[0]: expected an object, got 5");
    assert_eq!(error("no-id", "\"id\": \"t/one\", ", ""), "t.json: vectors[0]: field `id`: expected a value, got none");
    assert_eq!(
        error("wrong-type", "\"comment\": \"c\"", "\"comment\": 5"),
        "t.json: t/one: field `comment`: invalid type: integer `5`, expected a string"
    );
    assert_eq!(
        error("unknown-field", "\"comment\"", "\"tcId\": 1, \"comment\""),
        "t.json: t/one: unknown field `tcId`, expected one of id, kind, zmtp, mechanism, bytes, verdict, means, \
         requirements, flags, comment"
    );
    assert_eq!(
        error("verdict", "\"valid\"", "\"acceptable\""),
        "t.json: t/one: field `verdict`: unknown variant `acceptable`, expected one of `valid`, `invalid`, `variant`"
    );
    assert_eq!(
        error("no-means", "\"means\": {\"parts\": [\"\", \"\", \"\"]}, ", ""),
        "t.json: t/one: field `means`: expected a value, got none"
    );
    assert_eq!(
        error("other-means", "\"parts\"", "\"properties\""),
        "t.json: t/one: field `means` of a message: unknown field `properties`, expected `parts`"
    );
    assert_eq!(
        error("session-bytes", "\"message\"", "\"session\""),
        "t.json: t/one: field `steps`: expected a value, got none"
    );
    assert_eq!(
        error("run", "\"repeat\": 2", "\"repeat\": \"2\""),
        "t.json: t/one: field `bytes`: expected `repeat` to be a whole number from 1 on, got \"2\""
    );
}
