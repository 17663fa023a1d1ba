//! Saved plans: a plan as a file, with what is known of it in comments.
//!
//! ```toml
//! # Rerun it: zmqspec sim run failures/two-hosts-g1-7.toml
//! # expects: settlement PUBSUB-SUB-12
//! # commit: 0123abcd
//! title = "two hosts"
//! seed = 7
//! ```
//!
//! Comments in front of the first line that is none are its header: `key: value`, or words for people.

use std::fmt;
use std::fmt::Write as _;

use crate::plan::Plan;
use crate::violation::{Symptom, Violation};

/// A plan and its header.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// What is to come of the plan.
    pub expects: Expected,
    /// The engine that it is meant for; none: any.
    pub engine: Option<String>,
    /// The plan.
    pub plan: Plan,
}

/// What is to come of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Expected {
    /// Every promise is kept.
    #[default]
    Ok,
    /// It fails in this way.
    Fails(Symptom),
}

/// Where a plan and its failure come from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The seed as it is printed, `g1:7`; none: a file.
    pub seed: Option<&'a str>,
    /// The program's version.
    pub version: &'a str,
    /// The commit that it was built from.
    pub commit: &'a str,
    /// The engine.
    pub engine: &'a str,
    /// The hash of the run.
    pub hash: u64,
}

/// Why a file is no saved plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSaved {
    /// The plan itself.
    #[error("{0}")]
    Plan(String),
    /// What it expects.
    #[error("expected `expects: ok` or `expects: ORACLE CLAUSE` in the header, found {0:?}")]
    Expects(String),
}

impl Saved {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it holds no plan, or a header that says nothing.
    pub fn read(text: &str) -> Result<Self, NotSaved> {
        let plan: Plan = toml::from_str(text).map_err(|error| NotSaved::Plan(error.to_string()))?;
        let expects = field(text, "expects").map_or(Ok(Expected::Ok), expected)?;
        Ok(Self { expects, engine: field(text, "engine").map(str::to_owned), plan })
    }
}

fn expected(text: &str) -> Result<Expected, NotSaved> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["ok"] => Ok(Expected::Ok),
        [oracle, clause] => Ok(Expected::Fails(Symptom { oracle: oracle.to_owned(), clause: clause.to_owned() })),
        _ => Err(NotSaved::Expects(text.to_owned())),
    }
}

/// The value of a field of the header.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let header = text.lines().take_while(|line| line.trim().is_empty() || line.starts_with('#'));
    let mut lines = header.map(|line| line.trim_start_matches('#').trim());
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// The text of a file for a plan that fails.
#[must_use]
pub fn failing(plan: &Plan, violation: &Violation, origin: Origin<'_>) -> String {
    let Origin { seed, version, commit, engine, hash } = origin;
    let mut text = String::new();
    let mut line = |words: fmt::Arguments<'_>| {
        let _ = writeln!(text, "# {words}");
    };
    line(format_args!("{}", one_line(&violation.text)));
    line(format_args!("expects: {}", violation.symptom()));
    if let Some(seed) = seed {
        line(format_args!("seed: {seed}"));
    }
    line(format_args!("engine: {engine}"));
    line(format_args!("hash: {hash:016x}"));
    line(format_args!("zmqspec: {version}, commit {commit}"));
    text.push('\n');
    text.push_str(&written(plan));
    text
}

/// A plan as a file without a header.
///
/// # Panics
///
/// Never: plans can be written as TOML.
#[must_use]
pub fn written(plan: &Plan) -> String {
    toml::to_string(plan).expect("plans can be written as TOML")
}

/// The name of a file for a plan: its title and seed, in letters that every system takes.
#[must_use]
pub fn file_name(title: &str, seed: &str) -> String {
    let mut slug = String::new();
    for letter in title.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.truncate(48);
    let slug = slug.trim_end_matches('-');
    format!("{}-{}.toml", if slug.is_empty() { "plan" } else { slug }, seed.replace(':', "-"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violation::Kind;

    fn plan() -> Plan {
        toml::from_str("title = \"two\"\nseed = 7\n[[host]]\nname = \"a\"").unwrap()
    }

    fn violation() -> Violation {
        let text = "sink received source.0#3 twice:\n  first at t+1s".to_owned();
        Violation {
            oracle: "no-doubles",
            clause: "PIPELINE-PULL-06",
            kind: Kind::Safety,
            text,
            entries: Vec::new(),
            messages: Vec::new(),
        }
    }

    #[test]
    fn a_failing_plan_is_read_as_it_was_written() {
        let origin = Origin { seed: Some("g1:7"), version: "0.1.0", commit: "0123abc", engine: "bare", hash: 255 };
        let text = failing(&plan(), &violation(), origin);
        let saved = Saved::read(&text).unwrap();
        assert_eq!(saved.plan, plan());
        assert_eq!(saved.expects, Expected::Fails(violation().symptom()));
        assert_eq!(saved.engine.as_deref(), Some("bare"));
        assert!(
            text.starts_with(
                "# sink received source.0#3 twice: first at t+1s\n# expects: no-doubles PIPELINE-PULL-06\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_plan_without_a_header_is_expected_to_keep_its_promises() {
        assert_eq!(Saved::read(&written(&plan())).unwrap().expects, Expected::Ok);
        let with = |expects: &str| Saved::read(&format!("# expects:{expects}\n\n{}", written(&plan())));
        assert_eq!(with(" ok").unwrap().expects, Expected::Ok);
        assert_eq!(with(" one two three").unwrap_err(), NotSaved::Expects("one two three".into()));
        // What stands below the first line of the plan is none of the header.
        let late = format!("{}# expects: a b\n", written(&plan()));
        assert_eq!(Saved::read(&late).unwrap().expects, Expected::Ok);
    }

    #[test]
    fn names_of_files_are_plain() {
        assert_eq!(file_name("PUSH goes on, after a partition!", "g1:7"), "push-goes-on-after-a-partition-g1-7.toml");
        assert_eq!(file_name("ü", "7"), "plan-7.toml");
    }
}
