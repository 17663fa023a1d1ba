//! Rules for single files: no path of a machine, no file too long, no dead link, licences in their places.

use std::collections::BTreeSet;

use super::{Text, assert_none, texts};

/// Longest Rust file, in lines. Near it a file holds a second thing that wants its own name.
const LONGEST: usize = 600;

/// Beginnings of paths on somebody's machine, put together so that this file does not contain them.
const OF_A_MACHINE: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("/work", "space/"),
    concat!("C:\\Us", "ers\\"),
];

/// Files that have to be there, and how each begins.
const LICENCES: &[(&str, &str)] = &[
    ("LICENSE-MIT", "MIT License"),
    ("LICENSE-APACHE", "Apache License"),
    ("LICENSES.md", "# Licences"),
    ("vectors/LICENSE-CC0", "Creative Commons Legal Code"),
];

fn paths_of_a_machine(files: &[Text]) -> Vec<String> {
    let mut findings = Vec::new();
    for Text { path, text } in files {
        for (number, line) in text.lines().enumerate() {
            for start in OF_A_MACHINE {
                let whole = line.match_indices(start).any(|(at, _)| {
                    // Behind a letter it is the middle of a relative path or of an address.
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-".contains(c))
                });
                if whole {
                    findings.push(format!("{path}:{}: a path of a machine, {start}…; name it relatively", number + 1));
                }
            }
        }
    }
    findings
}

fn too_long(files: &[Text]) -> Vec<String> {
    let rust = files.iter().filter(|file| file.path.ends_with(".rs"));
    rust.filter_map(|Text { path, text }| {
        let lines = text.lines().count();
        (lines > LONGEST).then(|| format!("{path}: {lines} lines, expected at most {LONGEST}; split it by meaning"))
    })
    .collect()
}

/// Links of Markdown files to files of the repository that are not there.
fn dead_links(files: &[Text]) -> Vec<String> {
    let there: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let is_there = |path: &str| there.contains(path) || there.iter().any(|file| file.starts_with(&format!("{path}/")));
    let mut findings = Vec::new();
    for Text { path, text } in files.iter().filter(|file| file.path.ends_with(".md")) {
        let mut fenced = false;
        for (number, line) in text.lines().enumerate() {
            fenced ^= line.trim_start().starts_with("```");
            if fenced {
                continue;
            }
            for target in links(line).into_iter().filter(|target| !target.contains(':') && !target.starts_with('#')) {
                let file = target.split('#').next().unwrap_or_default();
                let resolved = resolve(path, file);
                if !is_there(&resolved) {
                    findings.push(format!("{path}:{}: {target} leads to {resolved}, which is not there", number + 1));
                }
            }
        }
    }
    findings
}

/// Targets of the links in a line, code spans left out.
fn links(line: &str) -> Vec<&str> {
    let prose = line.split('`').step_by(2);
    prose.flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split(')').next()).collect()
}

fn resolve(from: &str, target: &str) -> String {
    let mut folders: Vec<&str> = from.split('/').collect();
    folders.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                folders.pop();
            }
            name => folders.push(name),
        }
    }
    folders.join("/")
}

fn missing_licences(files: &[Text]) -> Vec<String> {
    let begins = |path: &str, start: &str| {
        files.iter().any(|file| file.path == path && file.text.trim_start().starts_with(start))
    };
    let missing = LICENCES.iter().filter(|(path, start)| !begins(path, start));
    missing.map(|(path, start)| format!("{path}: expected a licence that begins with {start:?}, got none")).collect()
}

#[test]
fn the_repository_names_no_machine() {
    assert_none(&paths_of_a_machine(&texts()));
}

#[test]
fn a_path_of_a_machine_is_found() {
    for start in OF_A_MACHINE {
        let found = paths_of_a_machine(&[Text::new("a.md", &format!("see\n\"{start}x\"\n"))]);
        assert_eq!(found, [format!("a.md:2: a path of a machine, {start}…; name it relatively")]);
    }
    let relative = concat!("docs/wo", "rk/plan and https://example.org/ho", "me/");
    assert_none(&paths_of_a_machine(&[Text::new("a.md", relative)]));
}

#[test]
fn the_repository_has_short_files() {
    assert_none(&too_long(&texts()));
}

#[test]
fn a_long_file_is_found() {
    let of =
        |lines: usize| too_long(&[Text::new("a.rs", &"\n".repeat(lines)), Text::new("a.json", &"\n".repeat(9999))]);
    assert_none(&of(LONGEST));
    assert_eq!(of(LONGEST + 1), ["a.rs: 601 lines, expected at most 600; split it by meaning"]);
}

#[test]
fn the_repository_has_no_dead_link() {
    assert_none(&dead_links(&texts()));
}

#[test]
fn a_dead_link_is_found() {
    let page = "[a](b.md) [x](#here) `[no](code)` [web](https://example.org/none)\n```\n[no](block.md)\n```\n[up](../c.md#part) [dir](../docs) [gone](gone.md)\n";
    let files = [Text::new("docs/a.md", page), Text::new("docs/b.md", ""), Text::new("d.md", "")];
    assert_eq!(
        dead_links(&files),
        [
            "docs/a.md:5: ../c.md#part leads to c.md, which is not there",
            "docs/a.md:5: gone.md leads to docs/gone.md, which is not there"
        ]
    );
}

#[test]
fn the_repository_has_its_licences() {
    assert_none(&missing_licences(&texts()));
}

#[test]
fn a_missing_licence_is_found() {
    let files: Vec<_> = LICENCES.iter().map(|(path, start)| Text::new(path, start)).collect();
    assert_none(&missing_licences(&files));
    assert_eq!(
        missing_licences(&files[1..]),
        ["LICENSE-MIT: expected a licence that begins with \"MIT License\", got none"]
    );
}
