//! What cannot be done is refused in one line on stderr, with nothing on stdout and the documented exit code.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::{Came, Place};

/// Runs each command line in turn and gives what it was refused with.
fn refused(place: &Place, code: i32, lines: &[&[&str]]) -> String {
    let mut text = String::new();
    for words in lines {
        let came = refusal(place, code, words);
        writeln!(
            text,
            "$ zmqspec {}\n{}",
            words.iter().map(|word| shown(word)).collect::<Vec<_>>().join(" "),
            came.stderr
        )
        .unwrap();
    }
    text
}

fn refusal(place: &Place, code: i32, words: &[&str]) -> Came {
    let came = place.run(words);
    assert_eq!(came.code, code, "{words:?}: {came:?}");
    assert_eq!(came.stdout, "", "{words:?}");
    assert!(came.stderr.starts_with("zmqspec: ") && came.stderr.ends_with('\n'), "{words:?}: {came:?}");
    assert_eq!(came.stderr.lines().count(), 1, "{words:?}: {came:?}");
    came
}

fn shown(word: &str) -> String {
    if word.is_empty() || word.contains([' ', '\n', '\'']) { format!("{word:?}") } else { word.to_owned() }
}

#[test]
fn words_that_are_no_command_line() {
    insta::assert_snapshot!(refused(
        &Place::new(),
        2,
        &[
            &[],
            &["chek"],
            &["frobnicate"],
            &["subject"],
            &["expect"],
            &["teeth"],
            &["expect", "update"],
            &["lint", "everything"],
            &["check", "libzmq", "--bogus"],
            &["check", "libzmq", "--tire", "smoke"],
            &["check", "libzmq", "--tier", "fast"],
            &["check", "libzmq", "--level", "shall"],
            &["check", "libzmq", "--profile", "lax"],
            &["check", "libzmq", "--json"],
            &["check", "libzmq", "--json", "a", "--json", "b"],
            &["check", "libzmq", "--shard", "0/3"],
            &["check", "libzmq", "--shard", "third"],
            &["check", "libzmq", "--jobs", "0"],
            &["check", "libzmq", "--jobs", "many"],
            &["check", "libzmq", "--repeat", "0"],
            &["check", "libzmq", "--max-time", "-1"],
            &["check", "libzmq", "--pause-before", "0"],
            &["check", "libzmq", "--deadline-scale", "0"],
            &["check", "libzmq", "--deadline-scale", "NaN"],
            &["check", "libzmq", "--deadline-scale", "twice"],
            &["check", "libzmq", "--saboteur", "loses-a-jobb"],
            &["check", "libzmq", "--wrap", "gdb 'args"],
            &["check", "libzmq", "libzmq", "--json", "run.jsonl"],
            &["check", "libzmq", "libzmq", "--save", "saved"],
            &["diff", "a", "b", "--json", "--markdown"],
            &["coverage", "--rfc", "ten"],
        ]
    ));
}

#[test]
fn subjects_that_are_none() {
    insta::assert_snapshot!(refused(
        &Place::new(),
        2,
        &[
            &["check", "--run", "pipeline", "libzmq"],
            &["check", "--skip", "exec:true"],
            &["check", ""],
            &["check", "libzm"],
            &["check", "lib\nzmq"],
            &["check", "libzmq", "libzm"],
            &["check", "libzmq@9.9.9"],
            &["check", "exec:"],
            &["check", "exec:python3 'adapter.py"],
            &["teeth", "nonsense"],
            &["subject", "verify", "nonsense"],
            &["subject", "fetch", "libzmq"],
            &["subject", "fetch", "libzmq@9.9.9"],
        ]
    ));
}

#[test]
fn subjects_that_cannot_be_started() {
    let place = Place::with_cases(&["pipeline/pull.toml"]);
    place.write("not-executable", "#!/bin/sh\n");
    let check = |subject: &'static str| ["check", subject, "--cases", "cases"];
    let lines = [
        "tcp://127.0.0.1:5555?type=REP",
        "attach:somewhere",
        "libzmq@4.3.5",
        "libzmq:missing.so",
        "exec:missing-program --with words",
        "exec:./not-executable",
        "exec:true",
        "exec:sh -c 'echo no library here >&2; exit 3'",
        "exec:sh -c 'echo hello; cat'",
        "exec:sh -c 'kill -ABRT $$'",
    ]
    .map(check);
    let never: &[&str] = &["check", "exec:sleep 600", "--cases", "cases", "--deadline-scale", "0.02"];
    let lines: Vec<&[&str]> = lines.iter().map(|line| &line[..]).chain([never]).collect();
    insta::assert_snapshot!(refused(&place, 3, &lines));
}

/// The words of the loader and the whole path are the system's own, so only the gist is held fast.
#[test]
fn files_that_are_no_libzmq() {
    let place = Place::with_cases(&["pipeline/pull.toml"]);
    place.write("text.so", "This is text.\n");
    for (subject, gist) in [
        ("libzmq:folder", "folder is not a file; give the path of a libzmq"),
        ("libzmq:text.so", "expected a shared library for this machine"),
    ] {
        let came = refusal(&place, 3, &["check", subject, "--cases", "cases"]);
        assert!(came.stderr.contains(gist), "{came:?}");
    }
    let Some(libc) = libc() else {
        println!("skipped: expected libc.so.6 among the mappings of this process, found none");
        return;
    };
    let came = refusal(&place, 3, &["check", &format!("libzmq:{}", libc.display()), "--cases", "cases"]);
    assert!(came.stderr.contains("is not a libzmq of version 4.0 or later"), "{came:?}");
}

/// The C library that this process itself runs on.
fn libc() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().filter_map(|line| line.split_whitespace().nth(5)).find(|path| path.contains("/libc.so"))?;
    Some(path.into())
}

#[test]
fn nothing_that_matches() {
    let place = Place::with_cases(&["pipeline/pull.toml"]);
    insta::assert_snapshot!(refused(
        &place,
        4,
        &[
            &["check", "libzmq", "--cases", "cases", "--run", "pipeline/pul"],
            &["check", "libzmq", "--cases", "cases", "--run", "pipeline/pull/delivers-0-octet"],
            &["check", "libzmq", "--cases", "cases", "--run", "pipeline/pull@3.9"],
            &["check", "libzmq", "--cases", "cases", "--run", ""],
            &["check", "libzmq", "--cases", "cases", "--skip", "something-else"],
            &["check", "libzmq", "--cases", "cases", "--run", "pipeline", "--skip", "pipeline/pull"],
            &["list", "--cases", "cases", "--run", "pipeline/pul"],
            &["list", "--cases", "cases", "--tier", "clock", "--run", "pipeline/pull/delivers-0-octets"],
            &["teeth", "libzmq", "--cases", "cases", "--run", "pub"],
            &["coverage", "--rfc", "99"],
            &["explain", "ZMTP31-READY-99"],
            &["explain", "zmtp/greetin"],
            &["explain", "zmtp/greeting"],
        ]
    ));
}

#[test]
fn inputs_that_cannot_be_read() {
    let place = Place::with_cases(&["pipeline/pull.toml"]);
    place
        .write("empty", "")
        .write("text", "hello\n")
        .write("foreign.json", "{\"a\": 1}\n")
        .write("binary", b"\xff\xfe\n");
    place.write("syntax.toml", "edition = ").write("field.toml", "edition = 1\nsubject = \"x\"\nexpekt = 1\n");
    place.write("old.toml", "edition = 99\n").write("type.toml", "edition = 1\nsubject = 3\n");
    place.write("bad-case/x.toml", "area = \"x\"\n[[case]]\nid = 3\n").write("bad-step/x.toml", BAD_STEP);
    let check = |expect: &'static str| ["check", "libzmq", "--cases", "cases", "--expect", expect];
    let expectations =
        ["syntax.toml", "field.toml", "old.toml", "type.toml", "binary", "empty", "folder", "missing", ""].map(check);
    let cases =
        ["folder", "text", "missing", "bad-case", "bad-step"].map(|cases| ["check", "libzmq", "--cases", cases]);
    let lines: Vec<&[&str]> =
        expectations.iter().map(|line| &line[..]).chain(cases.iter().map(|line| &line[..])).collect();
    insta::assert_snapshot!("expectations_and_cases", refused(&place, 2, &lines));
    let names = ["empty", "text", "foreign.json", "binary", "folder", "missing"];
    let diff = names.map(|name| ["diff", name, name]);
    let replay = names.map(|name| ["replay", name]);
    let update = names.map(|name| ["expect", "update", name, "new.toml", "--write"]);
    let lines: Vec<&[&str]> = diff
        .iter()
        .map(|line| &line[..])
        .chain(replay.iter().map(|line| &line[..]))
        .chain(update.iter().map(|line| &line[..]))
        .collect();
    insta::assert_snapshot!("events_and_artefacts", refused(&place, 2, &lines));
    place.write("bad-vectors/x.json", "{\"schema\": 1\n").write("bad-ledger/x.toml", "rfc = \"\n");
    let lines: [&[&str]; 6] = [
        &["lint", "--vectors", "bad-vectors"],
        &["lint", "--vectors", "empty"],
        &["lint", "--vectors", "missing"],
        &["lint", "--ledger", "bad-ledger"],
        &["lint", "--ledger", "empty"],
        &["lint", "--ledger", "missing"],
    ];
    insta::assert_snapshot!("vectors_and_ledger", refused(&place, 2, &lines));
    assert!(!place.path("new.toml").exists());
}

const BAD_STEP: &str = "area = \"x\"\n\n[[case]]\nid = \"a\"\ntitle = \"t\"\nchecks = []\nclass = \"spec\"\nsubject = \"PULL\"\nsteps = '''\npeer handshakes\npeer dances\n'''\n";

#[test]
fn reports_that_cannot_be_written_are_refused_before_the_run() {
    let place = Place::with_cases(&["pipeline/pull.toml"]);
    place.write("file", "");
    let check = |option: &'static str, path: &'static str| ["check", "libzmq", "--cases", "cases", option, path];
    let lines = [
        ("--json", "folder"),
        ("--json", "missing/run"),
        ("--junit", "folder"),
        ("--junit", "missing/run"),
        ("--markdown", "folder"),
        ("--markdown", "missing/run"),
        ("--save", "file"),
    ]
    .map(|(option, path)| check(option, path));
    let lines: Vec<&[&str]> = lines.iter().map(|line| &line[..]).collect();
    insta::assert_snapshot!(refused(&place, 2, &lines));
}
