//! What must hold for the data beyond its schema.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::check::check;
use crate::load::parse;
use crate::model::{File, Vector, Verdict};

/// One thing that is wrong with the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// The vector's id, where the finding is about one.
    pub vector: Option<String>,
    /// What was expected and what came.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.vector {
            Some(vector) => write!(f, "{}: {vector}: {}", self.file, self.text),
            None => write!(f, "{}: {}", self.file, self.text),
        }
    }
}

/// Checks files, given as name and text, and returns everything that is wrong.
///
/// `tombstones` is the text of `tombstones.txt`. `requirements` are the ids of the requirement ledger; `None` leaves
/// them unchecked, for users who have the data alone.
#[must_use]
pub fn lint(files: &[(String, String)], tombstones: &str, requirements: Option<&BTreeSet<String>>) -> Vec<Finding> {
    let dead: BTreeSet<&str> = tombstones
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|id| !id.is_empty())
        .collect();
    let mut findings = Vec::new();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (name, text) in files {
        let file = match parse(name, text) {
            Ok(file) => file,
            Err(error) => {
                // The error begins with the file name, as a finding does.
                let text = error.to_string();
                let text = text.strip_prefix(&format!("{name}: ")).unwrap_or(&text).to_owned();
                findings.push(Finding { file: name.clone(), vector: None, text });
                continue;
            }
        };
        let mut say = |vector: Option<&Vector>, text: String| {
            findings.push(Finding { file: name.clone(), vector: vector.map(|vector| vector.id.clone()), text });
        };
        head(&file, &mut |text| say(None, text));
        if canonical(&file) != *text {
            say(
                None,
                format!(
                    "not in canonical form{}: rewrite it with the `lint` example and --write",
                    first_difference(&file, text)
                ),
            );
        }
        for vector in &file.vectors {
            let mut say = |text: String| say(Some(vector), text);
            one(&file, vector, &mut say);
            if dead.contains(vector.id.as_str()) {
                say("this id is in tombstones.txt and never used again; take another".into());
            }
            if let Some(first) = seen.insert(vector.id.clone(), name.clone()) {
                say(format!("this id stands in {first} already; ids are unique"));
            }
            if let Some(known) = requirements {
                for id in vector.requirements.iter().filter(|id| !known.contains(*id)) {
                    say(format!("requirement {id} is not in the ledger"));
                }
            }
        }
    }
    findings
}

/// The text of a file in canonical form: two spaces of indentation, fields in the order of the schema, one newline at
/// the end.
#[must_use]
pub fn canonical(file: &File) -> String {
    let mut text = serde_json::to_string_pretty(file).expect("strings, numbers and lists always serialise");
    text.push('\n');
    text
}

fn head(file: &File, say: &mut dyn FnMut(String)) {
    if file.name != format!("{}.json", file.topic) {
        say(format!("topic is {:?}, expected the file name without its extension", file.topic));
    }
    if file.about.trim().is_empty() {
        say("`about` is empty; say what the vectors have in common".into());
    }
    let used: BTreeSet<&String> = file.vectors.iter().flat_map(|vector| &vector.flags).collect();
    for name in file.flags.keys().filter(|name| !used.contains(name)) {
        say(format!("flag {name} is defined and not used"));
    }
    for (name, flag) in &file.flags {
        if flag.bug_class.trim().is_empty() || flag.description.trim().is_empty() {
            say(format!("flag {name} needs a bug class and a description"));
        }
        for link in flag.links.iter().filter(|link| !link.starts_with("https://")) {
            say(format!("flag {name} links to {link:?}, expected an https address"));
        }
    }
    let met: BTreeSet<&str> = file.vectors.iter().filter_map(variant_of).collect();
    for name in file.variants.keys().filter(|name| !met.contains(name.as_str())) {
        say(format!("variant {name} is defined and not used"));
    }
    for (name, point) in &file.variants {
        if point.question.trim().is_empty() || point.outcomes.is_empty() {
            say(format!("variant {name} needs a question and at least one outcome"));
        }
    }
}

fn one(file: &File, vector: &Vector, say: &mut dyn FnMut(String)) {
    if !well_formed(&vector.id, &file.topic) {
        say(format!("expected an id of the form {}/words-in-lower-case", file.topic));
    }
    if vector.comment.trim().is_empty() {
        say("`comment` is empty; say why the vector exists".into());
    }
    if vector.requirements.is_empty() {
        say("no requirement; name at least one id of the ledger".into());
    }
    for list in [&vector.requirements, &vector.flags] {
        let mut once = BTreeSet::new();
        for name in list.iter().filter(|name| !once.insert(*name)) {
            say(format!("{name} is named twice"));
        }
    }
    for name in vector.flags.iter().filter(|name| !file.flags.contains_key(*name)) {
        say(format!("flag {name} is not defined in this file"));
    }
    if let Some(name) = variant_of(vector).filter(|name| !file.variants.contains_key(*name)) {
        say(format!("variant {name} is not defined in this file"));
    }
    if let Err(text) = check(vector) {
        say(text);
    }
}

fn variant_of(vector: &Vector) -> Option<&str> {
    match &vector.verdict {
        Verdict::Variant { variant, .. } => Some(variant),
        Verdict::Valid { .. } | Verdict::Invalid { .. } => None,
    }
}

fn well_formed(id: &str, topic: &str) -> bool {
    let Some(rest) = id.strip_prefix(topic).and_then(|rest| rest.strip_prefix('/')) else {
        return false;
    };
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'.')
    };
    rest.split('-').all(word)
}

fn first_difference(file: &File, text: &str) -> String {
    let canonical = canonical(file);
    let mut lines = canonical.lines().zip(text.lines()).enumerate();
    match lines.find(|(_, (wanted, got))| wanted != got) {
        Some((index, (wanted, got))) => {
            format!(" from line {}, expected {wanted:?}, got {got:?}", index + 1)
        }
        None => " at its end".into(),
    }
}
