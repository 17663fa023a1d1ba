//! Ids of requirements, cases and vectors: known, unique, never used again.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};
use zmqspec::ledger::Ledger;

use super::{Text, assert_none, texts};

const TOMBSTONES: &str = "conformance/cases/tombstones.txt";

/// Marks the requirements that a piece of code obeys, or a test proves.
const MARK: &str = "// spec:";

/// Marks the clauses that a simulated run has come by.
const REACHED: &str = "mark!(\"";

fn is_case_file(path: &str) -> bool {
    path.starts_with("conformance/cases/") && path.ends_with(".toml")
}

/// Requirement ids behind `// spec:` in Rust files.
fn unknown_in_comments(files: &[Text]) -> Vec<String> {
    let mut findings = Vec::new();
    for Text { path, text } in files.iter().filter(|file| file.path.ends_with(".rs")) {
        for (number, line) in text.lines().enumerate() {
            let ids = match (line.trim_start().strip_prefix(MARK), line.split_once(REACHED)) {
                (Some(ids), _) => ids,
                (None, Some((_, ids))) => ids.split(')').next().unwrap_or_default(),
                (None, None) => continue,
            };
            for id in ids.split(',').map(|id| id.trim().trim_matches('"')) {
                if let Err(unknown) = Ledger::embedded().require(id) {
                    findings.push(format!("{path}:{}: {unknown}", number + 1));
                }
            }
        }
    }
    findings
}

/// Case files: the area is the path, requirements exist, ids are unique and not in the tombstones.
fn wrong_in_cases(files: &[Text], tombstones: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let dead: BTreeSet<&str> =
        tombstones.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).collect();
    for Text { path, text } in files.iter().filter(|file| is_case_file(&file.path)) {
        let mut say = |text: String| findings.push(format!("{path}: {text}"));
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                say(error.message().replace('\n', " "));
                continue;
            }
        };
        let area = table.get("area").and_then(Value::as_str).unwrap_or_default();
        if *path != format!("conformance/cases/{area}.toml") {
            say(format!("expected the area that is the path, got {area:?}"));
        }
        for case in table.get("case").and_then(Value::as_array).into_iter().flatten() {
            let field = |name| case.get(name).and_then(Value::as_str).unwrap_or_default();
            let id = format!("{area}/{}", field("id"));
            for one in positions(case, &id) {
                if dead.contains(one.as_str()) {
                    say(format!("{one} is in {TOMBSTONES} and never used again; take another id"));
                }
                if let Some(first) = seen.insert(one.clone(), path.clone()) {
                    say(format!("{one} stands in {first} already; ids are unique"));
                }
            }
            for pattern in case.get("checks").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
            {
                for requirement in positions(case, pattern) {
                    if let Err(unknown) = Ledger::embedded().require(&requirement) {
                        say(format!("{id}: {unknown}"));
                    }
                }
            }
        }
    }
    findings
}

/// A text with the names of `each` filled in, once for every position; the text itself where the case has no `each`.
fn positions(case: &Value, text: &str) -> BTreeSet<String> {
    let lists: Vec<(&String, &Vec<Value>)> = case
        .get("each")
        .and_then(Value::as_table)
        .into_iter()
        .flatten()
        .filter_map(|(name, list)| Some((name, list.as_array()?)))
        .collect();
    let count = lists.iter().map(|(_, list)| list.len()).max().unwrap_or(1);
    let filled = |position: usize| {
        lists.iter().fold(text.to_owned(), |text, (name, list)| {
            let value = list.get(position).and_then(Value::as_str).unwrap_or_default();
            text.replace(&format!("{{{name}}}"), value)
        })
    };
    (0..count).map(filled).collect()
}

#[test]
fn the_repository_cites_requirements_that_exist() {
    assert_none(&unknown_in_comments(&texts()));
}

#[test]
fn an_unknown_requirement_in_a_comment_is_found() {
    let code = format!("fn f() {{\n    {MARK} ZMTP31-READY-02, ZMTP31-READY-99\n}}\n");
    assert_eq!(
        unknown_in_comments(&[Text::new("src/a.rs", &code), Text::new("notes.md", &code)]),
        ["src/a.rs:2: expected the id of a requirement in the ledger, got \"ZMTP31-READY-99\"; did you mean \
             ZMTP31-READY-09, ZMTP30-READY-09 or ZMTP31-READY-01?"]
    );
}

#[test]
fn the_repository_uses_case_ids_once() {
    let files = texts();
    let tombstones = files.iter().find(|file| file.path == TOMBSTONES).expect("the list of cases that are gone");
    assert!(files.iter().any(|file| is_case_file(&file.path)), "there are cases");
    assert_none(&wrong_in_cases(&files, &tombstones.text));
}

#[test]
fn each_defect_of_a_case_is_found() {
    let good = "area = \"a/b\"\n[[case]]\nid = \"one\"\nchecks = [\"ZMTP31-READY-02\"]\n";
    let findings = |text: &str| wrong_in_cases(&[Text::new("conformance/cases/a/b.toml", text)], "a/b/gone  # why\n");
    assert_none(&findings(good));
    assert_eq!(
        findings(&good.replace("one", "gone")),
        ["conformance/cases/a/b.toml: a/b/gone is in conformance/cases/tombstones.txt and never used again; take \
             another id"]
    );
    assert_eq!(
        findings(&format!("{good}[[case]]\nid = \"one\"\n")),
        ["conformance/cases/a/b.toml: a/b/one stands in conformance/cases/a/b.toml already; ids are unique"]
    );
    assert_eq!(
        findings(&format!("{good}[[case]]\nid = \"{{T}}\"\neach = {{ T = [\"two\", \"one\"] }}\n")),
        ["conformance/cases/a/b.toml: a/b/one stands in conformance/cases/a/b.toml already; ids are unique"]
    );
    assert_eq!(
        findings(&good.replace("READY-02", "REDY-02"))[0],
        "conformance/cases/a/b.toml: a/b/one: expected the id of a requirement in the ledger, got \"ZMTP31-REDY-02\"; \
         did you mean ZMTP31-READY-02, ZMTP30-READY-02 or ZMTP31-READY-01?"
    );
    assert_eq!(
        findings(&good.replace("a/b", "a/c")),
        ["conformance/cases/a/b.toml: expected the area that is the path, got \"a/c\""]
    );
    assert_eq!(
        findings("area = "),
        ["conformance/cases/a/b.toml: string values must be quoted, expected literal string"]
    );
}

/// Ids, tombstones and meanings are the linter's; the ledger is known only here.
#[test]
fn the_repository_has_vectors_for_requirements_that_exist() {
    let ledger: BTreeSet<String> = Ledger::embedded().requirements().map(|entry| entry.id.clone()).collect();
    let findings = zmq_vectors::lint(&zmq_vectors::embedded(), zmq_vectors::TOMBSTONES, Some(&ledger));
    assert_none(&findings.iter().map(ToString::to_string).collect::<Vec<_>>());
}
