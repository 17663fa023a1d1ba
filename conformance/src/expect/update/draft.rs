//! New entries: one for as many case runs as agree, and its text.

use super::conditions;
use crate::event::{CaseFinished, Role, SubjectIdentity};
use crate::expect::{CloseRule, Entry, Glob, Outcome, RunPattern, When};
use crate::verdict::{Close, Survival};

/// Longest text that `bytes` is filled with, in characters.
const BYTES_LENGTH: usize = 120;

/// What a new entry says beside what it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    revision: u32,
    outcome: Outcome,
    /// Empty for a person to fill in.
    reason: String,
    /// Reason of the entry that covered the case run before.
    before: Option<String>,
    clause: Option<String>,
    bytes: Option<String>,
    link: Option<String>,
    expires: Option<jiff::civil::Date>,
    when: When,
}

impl Draft {
    /// For a deviation that no entry covers; `before` is the reason of one that did.
    pub(super) fn of_case(case: &CaseFinished, before: Option<&str>) -> Self {
        let failure = case.failure.as_ref();
        let close = case.verdict.close.map(|close| match close {
            Close::Fin | Close::Rst => CloseRule::Closed,
            Close::Open | Close::Timeout => CloseRule::Exactly(close),
        });
        Self {
            revision: case.revision,
            outcome: Outcome {
                conformance: case.verdict.conformance,
                variant: case.verdict.variant.clone(),
                close,
                survival: case.verdict.survival,
                fingerprint: Some(failure.map(|failure| failure.fingerprint.clone()).unwrap_or_default()),
            },
            reason: String::new(),
            before: before.map(str::to_owned),
            clause: case.requirements.first().cloned(),
            bytes: failure.map(|failure| short(&failure.hex)).filter(|bytes| !bytes.is_empty()),
            link: None,
            expires: None,
            when: When::default(),
        }
    }

    /// For those case runs of an entry that still match.
    pub(super) fn of_entry(entry: &Entry) -> Self {
        Self {
            revision: entry.revision,
            outcome: entry.outcome.clone(),
            reason: entry.reason.clone(),
            before: None,
            clause: entry.clause.clone(),
            bytes: entry.bytes.clone(),
            link: entry.link.clone(),
            expires: entry.expires,
            when: entry.when.clone(),
        }
    }

    /// Whether one entry can say both. The octets may differ from role to role.
    fn agrees(&self, other: &Self) -> bool {
        let bytes = None;
        Self { bytes: bytes.clone(), ..self.clone() } == Self { bytes, ..other.clone() }
    }
}

/// A new entry.
pub(super) struct Added {
    pub(super) text: String,
    pub(super) needs_reason: bool,
}

/// Entries for all drafts, each as wide as the executed case runs allow and no entry that is kept forbids.
pub(super) fn grouped(
    drafts: &[(&CaseFinished, Draft)],
    cases: &[&CaseFinished],
    kept: &[Entry],
    subject: &SubjectIdentity,
) -> Vec<Added> {
    let mut ids: Vec<_> = drafts.iter().map(|(case, _)| case.run.case.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut added = Vec::new();
    for id in ids {
        let Ok(case) = Glob::parse(id) else { continue };
        let mut open: Vec<_> = drafts.iter().filter(|(case, _)| case.run.case == id).collect();
        let executed: Vec<_> = cases.iter().filter(|case| case.run.case == id).collect();
        for covers in patterns(&case, &executed) {
            let covered = executed.iter().filter(|case| covers.covers(&case.run));
            let drafted: Option<Vec<_>> =
                covered.map(|case| open.iter().find(|(drafted, _)| drafted.run == case.run)).collect();
            let Some(drafted) = drafted else { continue };
            let Some((_, first)) = drafted.first() else {
                continue;
            };
            let is_exact = covers.role.is_some() && covers.zmtp.is_some();
            let when = condition(&covers, first, kept, subject);
            if !drafted.iter().all(|(_, draft)| draft.agrees(first)) || when.is_none() && !is_exact {
                continue;
            }
            // Where even the exact entry overlaps, the loader says which two a person must tell apart.
            let when = when.unwrap_or_else(|| first.when.clone());
            added.push(Added { text: text(&covers, first, &when), needs_reason: first.reason.is_empty() });
            open.retain(|(case, _)| !covers.covers(&case.run));
        }
    }
    added
}

/// What an entry may cover, from the whole case to single runs.
fn patterns(case: &Glob, executed: &[&&CaseFinished]) -> Vec<RunPattern> {
    let mut versions: Vec<_> = executed.iter().map(|case| case.run.zmtp.clone()).collect();
    versions.sort();
    versions.dedup();
    let pattern = |role, zmtp| RunPattern { case: case.clone(), role, zmtp };
    let roles = [Role::Binds, Role::Connects];
    let mut patterns = vec![pattern(None, None)];
    patterns.extend(roles.map(|role| pattern(Some(role), None)));
    patterns.extend(versions.iter().map(|zmtp| pattern(None, Some(zmtp.clone()))));
    patterns.extend(executed.iter().map(|case| pattern(Some(case.run.role), Some(case.run.zmtp.clone()))));
    patterns
}

fn condition(covers: &RunPattern, draft: &Draft, kept: &[Entry], subject: &SubjectIdentity) -> Option<When> {
    let free = |when: &When| !kept.iter().any(|entry| entry.covers.intersects(covers) && entry.when.intersects(when));
    std::iter::once(draft.when.clone()).chain(conditions(subject)).find(free)
}

fn text(covers: &RunPattern, draft: &Draft, when: &When) -> String {
    let mut lines = Vec::new();
    if let Some(before) = &draft.before {
        lines.extend(before.lines().map(|line| format!("# The entry before said: {line}")));
    }
    if draft.reason.is_empty() {
        lines.push(
            "# A person must say here why this is known and accepted; until then the file is refused.".to_owned(),
        );
    }
    lines.push("[[expect]]".to_owned());
    let outcome = &draft.outcome;
    let revision = draft.revision.to_string();
    let text = |name, value: Option<&str>| (name, value.map(quoted));
    let fields = [
        text("case", Some(covers.case.as_str())),
        text("role", covers.role.map(Role::word)),
        text("zmtp", covers.zmtp.as_deref()),
        ("revision", Some(revision)),
        text("conformance", Some(outcome.conformance.word())),
        text("variant", outcome.variant.as_deref()),
        text("close", outcome.close.map(CloseRule::word)),
        text("survival", Some(outcome.survival.word()).filter(|_| outcome.survival != Survival::Ok)),
        text("fingerprint", outcome.fingerprint.as_deref()),
        text("clause", draft.clause.as_deref()),
        text("bytes", draft.bytes.as_deref()),
        text("reason", Some(&draft.reason)),
        text("link", draft.link.as_deref()),
        ("expires", draft.expires.map(|date| date.to_string())),
        ("when", condition_text(when).map(|text| format!("{{ {text} }}"))),
    ];
    lines.extend(fields.into_iter().filter_map(|(name, value)| Some(format!("{name} = {}", value?))));
    lines.join("\n") + "\n"
}

fn condition_text(when: &When) -> Option<String> {
    let list = |name: &str, values: &[String]| {
        let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
        (!values.is_empty()).then(|| format!("{name} = [{}]", values.join(", ")))
    };
    let parts = [
        when.version.as_ref().map(|range| format!("version = {}", quoted(&range.to_string()))),
        list("sha256", &when.sha256),
        list("features", &when.features),
        list("os", &when.os),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A text as a TOML string of one line.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn short(hex: &[String]) -> String {
    let words: Vec<_> = hex.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let text = words.join(" / ");
    if text.chars().count() <= BYTES_LENGTH {
        text
    } else {
        text.chars().take(BYTES_LENGTH - 1).chain(['…']).collect()
    }
}
