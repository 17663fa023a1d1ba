//! A case file: TOML, one area, its cases. Reading it checks everything that can be known without running.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::parse;
use super::security::{HandlerKind, Security};
use super::step::{OptionValue, Step};
use crate::event::Role;
use crate::wire::greeting::Version;

/// How a deviation is judged; `docs/spec/adjudication.md` has the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The text is clear.
    Spec,
    /// Text and deployed practice differ; the accepted outcome is the deployed one.
    Defacto,
    /// The texts contradict each other, or only recommend: every listed outcome passes.
    Either,
    /// Malformed input without a specified outcome: only survival counts.
    Robust,
}

impl Class {
    /// Its word in files and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Spec => "spec",
            Self::Defacto => "defacto",
            Self::Either => "either",
            Self::Robust => "robust",
        }
    }
}

/// How long a case may take, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// The first handful to run: if these fail, nothing else means much.
    Smoke,
    /// Bound by nothing but the subject's speed.
    Wire,
    /// Bound to a clock.
    Clock,
}

impl Tier {
    /// Its word in files and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Wire => "wire",
            Self::Clock => "clock",
        }
    }
}

/// Over what subject and raw peers meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// The loopback interface.
    #[default]
    Tcp,
    /// Sockets of the file system.
    Ipc,
}

impl Transport {
    /// Its word in endpoints and declarations.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Ipc => "ipc",
        }
    }
}

/// One case, ready to be run.
#[derive(Debug, Clone)]
pub struct Case {
    /// Permanent id: area and name.
    pub id: String,
    /// The case in one sentence.
    pub title: String,
    /// Requirement ids.
    pub checks: Vec<String>,
    /// How a deviation is judged.
    pub class: Class,
    /// Socket type of the subject.
    pub subject: String,
    /// Roles of the subject in which it is defined.
    pub roles: Vec<Role>,
    /// ZMTP versions of the raw peer for which it is defined.
    pub zmtp: Vec<Version>,
    /// How long it may take.
    pub tier: Tier,
    /// Raised whenever its verdict can change; expectations name it.
    pub revision: u32,
    /// Reported, but never red.
    pub provisional: bool,
    /// Survival of the subject is examined afterwards.
    pub hostile: bool,
    /// Mechanism of the subject's socket, and its part in it; `None` for NULL.
    pub security: Option<Security>,
    /// A ZAP handler that is there from the beginning.
    pub zap: Option<HandlerKind>,
    /// Over what subject and raw peers meet.
    pub transport: Transport,
    /// Whether the events of the subject's socket are asked for.
    pub monitored: bool,
    /// Options of the subject's socket.
    pub options: BTreeMap<String, OptionValue>,
    /// What is done.
    pub steps: Vec<Step>,
    /// Saboteurs that someone has seen it fail under.
    pub killed_by: Vec<String>,
    /// Where it stands.
    pub source: Source,
}

/// Where a case stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// File, relative to the repository.
    pub file: String,
    /// Line of its id, from 1.
    pub line: usize,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    area: String,
    #[serde(default)]
    case: Vec<RawCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    id: Spanned<String>,
    title: String,
    checks: Vec<String>,
    class: Class,
    subject: String,
    #[serde(default)]
    role: RawRole,
    #[serde(default)]
    zmtp: Option<Vec<String>>,
    #[serde(default)]
    tier: Option<Tier>,
    #[serde(default)]
    revision: Option<u32>,
    #[serde(default)]
    provisional: bool,
    #[serde(default)]
    hostile: Option<bool>,
    #[serde(default)]
    security: Option<String>,
    #[serde(default)]
    zap: Option<String>,
    #[serde(default)]
    transport: Transport,
    #[serde(default)]
    monitored: bool,
    #[serde(default)]
    options: BTreeMap<String, RawValue>,
    #[serde(default)]
    each: BTreeMap<String, Vec<String>>,
    steps: Spanned<String>,
    #[serde(default)]
    killed_by: Vec<String>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum RawRole {
    Binds,
    Connects,
    #[default]
    Both,
}

#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum RawValue {
    Int(i64),
    Text(String),
}

/// Socket types of libzmq's stable part, and the counterpart a raw peer takes unless a case says otherwise; a STREAM
/// speaks no ZMTP and meets octets.
pub const COUNTERPARTS: &[(&str, &str)] = &[
    ("REQ", "REP"),
    ("REP", "REQ"),
    ("DEALER", "ROUTER"),
    ("ROUTER", "DEALER"),
    ("PUB", "SUB"),
    ("XPUB", "SUB"),
    ("SUB", "PUB"),
    ("XSUB", "PUB"),
    ("PUSH", "PULL"),
    ("PULL", "PUSH"),
    ("PAIR", "PAIR"),
    ("STREAM", "STREAM"),
];

/// The counterpart of a socket type.
#[must_use]
pub fn counterpart(kind: &str) -> Option<&'static str> {
    COUNTERPARTS.iter().find(|(known, _)| *known == kind).map(|(_, other)| *other)
}

/// Reads the cases of one file; `name` is its path relative to the repository, as it shall stand in reports.
///
/// # Errors
/// One line: file, line, what was expected, what came.
pub fn read(text: &str, name: &str) -> Result<Vec<Case>, String> {
    let file: RawFile = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        format!("{name}:{line}: {}", error.message().replace('\n', " "))
    })?;
    let stem = Path::new(name).with_extension("");
    if !stem.ends_with(&file.area) {
        return Err(format!("{name}:1: expected the area to be the path of the file, found area = {:?}", file.area));
    }
    if file.case.is_empty() {
        return Err(format!("{name}:1: expected at least one [[case]], found none"));
    }
    let mut cases = Vec::new();
    for raw in &file.case {
        let line = line_of(text, raw.id.span().start);
        for row in rows(&raw.each).map_err(|why| format!("{name}:{line}: {why}"))? {
            let source = Source { file: name.to_owned(), line };
            cases.push(case(text, &file.area, raw, &row, source)?);
        }
    }
    Ok(cases)
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|octet| **octet == b'\n').count() + 1
}

type Row = Vec<(String, String)>;

/// The rows of an `each` table: one for each position of its lists; a single empty one without a table.
fn rows(each: &BTreeMap<String, Vec<String>>) -> Result<Vec<Row>, String> {
    let Some(length) = each.values().map(Vec::len).next() else { return Ok(vec![Vec::new()]) };
    if let Some((name, list)) = each.iter().find(|(_, list)| list.len() != length || list.is_empty()) {
        return Err(format!(
            "expected all lists of `each` to be of one length, found {} entries in `{name}`",
            list.len()
        ));
    }
    Ok((0..length)
        .map(|i| each.iter().map(|(name, list)| (format!("{{{name}}}"), list[i].clone())).collect())
        .collect())
}

fn fill(text: &str, row: &Row) -> String {
    row.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}

fn case(text: &str, area: &str, raw: &RawCase, row: &Row, source: Source) -> Result<Case, String> {
    let name = source.file.clone();
    let fail = |line: usize, why: String| format!("{name}:{line}: {why}");
    let local = fill(raw.id.get_ref(), row);
    let well_formed = !local.is_empty() && local.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '.'));
    if !well_formed {
        return Err(fail(source.line, format!("expected an id of a-z, 0-9, `-` and `.`, found {local:?}")));
    }
    let subject = fill(&raw.subject, row);
    if counterpart(&subject).is_none() {
        let known: Vec<&str> = COUNTERPARTS.iter().map(|(kind, _)| *kind).collect();
        return Err(fail(
            source.line,
            format!("expected subject to be one of {}, found {subject:?}", known.join(", ")),
        ));
    }
    let zmtp = match &raw.zmtp {
        None => vec![Version::V3_1, Version::V3_0],
        Some(list) => {
            let list: Result<Vec<Version>, String> = list.iter().map(|version| fill(version, row).parse()).collect();
            let list = list.map_err(|why| fail(source.line, why))?;
            if list.is_empty() || list.iter().any(|version| !Version::SPOKEN.contains(version)) {
                return Err(fail(
                    source.line,
                    "expected zmtp to list some of \"3.1\", \"3.0\", \"2.0\" and \"1.0\"".to_owned(),
                ));
            }
            list
        }
    };
    let at_id = |why| fail(source.line, why);
    let security = raw.security.as_ref().map(|word| Security::read(&fill(word, row))).transpose().map_err(at_id)?;
    let zap = match raw.zap.as_deref() {
        Some("none") => None,
        Some(word) => Some(HandlerKind::read(word).map_err(at_id)?),
        // Without one there is nobody to ask, and PLAIN asks always.
        None => (security == Some(Security::PlainServer)).then_some(HandlerKind::Router),
    };
    // TOML drops a line break right behind the opening quotes.
    let opening = &text[raw.steps.span().start..];
    let dropped = usize::from(opening.starts_with("'''\n") || opening.starts_with("\"\"\"\n"));
    let steps_line = line_of(text, raw.steps.span().start) + dropped;
    let steps =
        parse::steps(&fill(raw.steps.get_ref(), row)).map_err(|(line, why)| fail(steps_line + line - 1, why))?;
    let options = raw.options.iter().map(|(name, value)| (name.clone(), option_value(value, row))).collect();
    Ok(Case {
        id: format!("{area}/{local}"),
        title: fill(&raw.title, row),
        checks: raw.checks.iter().map(|id| fill(id, row)).collect(),
        class: raw.class,
        subject,
        roles: match raw.role {
            RawRole::Binds => vec![Role::Binds],
            RawRole::Connects => vec![Role::Connects],
            RawRole::Both => vec![Role::Binds, Role::Connects],
        },
        zmtp,
        tier: raw.tier.unwrap_or(Tier::Wire),
        revision: raw.revision.unwrap_or(1),
        provisional: raw.provisional,
        hostile: raw.hostile.unwrap_or(raw.class == Class::Robust),
        security,
        zap,
        transport: raw.transport,
        monitored: raw.monitored,
        options,
        steps,
        killed_by: raw.killed_by.clone(),
        source,
    })
}

fn option_value(value: &RawValue, row: &Row) -> OptionValue {
    match value {
        RawValue::Int(number) => OptionValue::Int(*number),
        RawValue::Text(text) => OptionValue::Octets(fill(text, row).into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "area = \"pipeline/push\"\n[[case]]\nid = \"sends-{T}\"\ntitle = \"t\"\nchecks = [\"X-{T}\"]\nclass = \"spec\"\nsubject = \"PUSH\"\n";
    const NAME: &str = "conformance/cases/pipeline/push.toml";

    #[test]
    fn each_makes_one_case_for_each_row() {
        let text = format!(
            "{HEAD}each = {{ T = [\"a\", \"b\"] }}\nsteps = '''\npeer handshakes\nsubject sends \"{{T}}\"\n'''\n"
        );
        let cases = read(&text, NAME).unwrap();
        assert_eq!(
            cases.iter().map(|case| case.id.as_str()).collect::<Vec<_>>(),
            ["pipeline/push/sends-a", "pipeline/push/sends-b"]
        );
        assert_eq!(cases[1].steps[1].text, "subject sends \"b\"");
        assert_eq!(cases[1].checks, ["X-b"]);
        assert_eq!(cases[0].source.to_string(), format!("{NAME}:3"));

        let text = format!("{HEAD}each = {{ T = [\"3.1\", \"3.0\"] }}\nzmtp = [\"{{T}}\"]\nsteps = \"peer links\"\n");
        let versions: Vec<Vec<Version>> = read(&text, NAME).unwrap().into_iter().map(|case| case.zmtp).collect();
        assert_eq!(versions, [[Version::V3_1], [Version::V3_0]]);
    }

    #[test]
    fn a_file_that_cannot_be_read_says_where_and_why() {
        let each = "each = { T = [\"a\"] }\n";
        let wrong = [
            ("not TOML", "area = ".to_owned()),
            ("no cases", "area = \"pipeline/push\"\n".to_owned()),
            ("other area", "area = \"x\"\n".to_owned()),
            ("bad step", format!("{HEAD}{each}steps = '''\npeer handshakes\npeer dances\n'''\n")),
            ("bad id", format!("{HEAD}steps = \"peer links\"\n")),
            ("unknown field", format!("{HEAD}{each}steps = \"peer links\"\nloop = 3\n")),
            ("uneven lists", format!("{HEAD}each = {{ T = [\"a\"], U = [] }}\nsteps = \"peer links\"\n")),
            ("bad version", format!("{HEAD}{each}zmtp = [\"2.1\"]\nsteps = \"peer links\"\n")),
            ("bad class", HEAD.replace("\"spec\"", "\"maybe\"") + "steps = \"peer links\"\n"),
            ("bad subject", HEAD.replace("PUSH", "STRAEM") + each + "steps = \"peer links\"\n"),
        ];
        let report: Vec<String> =
            wrong.iter().map(|(what, text)| format!("{what}: {}", read(text, NAME).unwrap_err())).collect();
        insta::assert_snapshot!(report.join("\n"));
    }
}
