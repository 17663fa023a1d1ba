//! `list`, `explain`, `coverage`, `lint`: what there is, what it checks and why, and what is missing.

use std::path::Path;

use super::Refusal;
use super::check::library;
use super::options::{CoverageOptions, LintOptions, ListOptions};
use super::voice::{print_line, remark};
use crate::case::file::Case;
use crate::case::library::Library;
use crate::case::lint;
use crate::case::select::{nearest, runs};
use crate::exit::Exit;
use crate::ledger::coverage::Sources;
use crate::ledger::{self, CaseRef, Exceptions, Ledger, Listing, Mutations, Options};
use crate::sabotage;

pub(super) fn list(options: &ListOptions) -> Result<u8, Refusal> {
    let library = library(options.select.cases.as_deref())?;
    let selected =
        options.select.selection().select(library.cases()).map_err(|none| Refusal::new(Exit::NothingMatched, none))?;
    if selected.is_empty() {
        return Err(Refusal::new(
            Exit::NothingMatched,
            "no case is left by --run, --skip, --tier and --shard together",
        ));
    }
    if options.json {
        for (index, run) in &selected {
            let case = &library.cases()[*index];
            let line = serde_json::json!({
                "run": run.to_string(), "case": case.id, "role": run.role, "zmtp": run.zmtp, "title": case.title,
                "checks": case.checks, "class": case.class.word(), "tier": case.tier.word(), "subject": case.subject,
                "revision": case.revision, "provisional": case.provisional, "hostile": case.hostile,
                "steps": case.steps.iter().map(|step| &step.text).collect::<Vec<_>>(),
                "killed_by": case.killed_by, "source": case.source.to_string(),
            });
            print_line(&line.to_string());
        }
        return Ok(Exit::AsExpected.code());
    }
    let mut last = None;
    let mut cases = 0;
    for (index, _) in &selected {
        if last.replace(*index) != Some(*index) {
            let case = &library.cases()[*index];
            cases += 1;
            print_line(&format!("{}  {}", case.id, case.title));
        }
    }
    remark(&format!("{cases} cases, {} runs", selected.len()));
    Ok(Exit::AsExpected.code())
}

pub(super) fn explain(id: &str) -> Result<u8, Refusal> {
    let library = Library::embedded().map_err(Refusal::usage)?;
    let bare = id.split('@').next().unwrap_or_default();
    if let Some(case) = library.find(bare) {
        print_line(&explained(case));
        return Ok(Exit::AsExpected.code());
    }
    let area = |case: &Case| case.id.strip_prefix(bare.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'));
    if library.cases().iter().any(area) {
        let text = format!(
            "expected the id of a case or a requirement, found the area {bare:?}; `zmqspec list --run {bare}` lists its cases"
        );
        return Err(Refusal::new(Exit::NothingMatched, text));
    }
    let text = ledger::explain(Ledger::embedded(), id, &references(&library)).map_err(|unknown| {
        let near = nearest(bare, library.cases().iter().map(|case| case.id.as_str()));
        let hint = if near.is_empty() { String::new() } else { format!("; near it: {}", near.join(", ")) };
        Refusal::new(Exit::NothingMatched, format!("{unknown}{hint}"))
    })?;
    print_line(text.trim_end());
    Ok(Exit::AsExpected.code())
}

fn explained(case: &Case) -> String {
    let mut lines = vec![case.id.clone(), format!("  {}", case.title), String::new()];
    for id in &case.checks {
        if let Some(requirement) = Ledger::embedded().find(id) {
            lines.push(format!("  {id} ({}) {}", requirement.level, requirement.url()));
            lines.push(format!("    {}", requirement.text));
        }
    }
    lines.push(String::new());
    lines.push(format!("  subject   {}", case.subject));
    let runs: Vec<String> = runs(case).iter().map(|run| format!("@{}@{}", run.role.word(), run.zmtp)).collect();
    lines.push(format!("  runs      {}", runs.join(" ")));
    lines.push(format!(
        "  class     {}{}",
        case.class.word(),
        if case.hostile { ", survival is examined afterwards" } else { "" }
    ));
    lines.push(format!("  tier      {}", case.tier.word()));
    lines.push(format!("  revision  {}", case.revision));
    for (name, value) in &case.options {
        lines.push(format!("  option    {name} = {}", shown(value)));
    }
    lines.push("  steps".to_owned());
    lines.extend(case.steps.iter().enumerate().map(|(i, step)| format!("    {:2}  {}", i + 1, step.text)));
    for name in &case.killed_by {
        let sin = sabotage::find(name).map_or_else(|why| why, |saboteur| saboteur.sin);
        lines.push(format!("  fails if a subject {sin} ({name})"));
    }
    lines.push(format!("  source    {}", case.source));
    lines.join("\n")
}

fn shown(value: &crate::case::step::OptionValue) -> String {
    match value {
        crate::case::step::OptionValue::Int(number) => number.to_string(),
        crate::case::step::OptionValue::Octets(octets) => crate::wire::show(octets),
    }
}

pub(super) fn coverage(options: &CoverageOptions) -> Result<u8, Refusal> {
    let known: Vec<u16> = Ledger::embedded().rfcs.iter().map(|rfc| rfc.number).collect();
    if let Some(unknown) = options.rfcs.iter().find(|number| !known.contains(number)) {
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        return Err(Refusal::new(
            Exit::NothingMatched,
            format!("expected one of the RFCs {}, found {unknown}", known.join(", ")),
        ));
    }
    let library = Library::embedded().map_err(Refusal::usage)?;
    let listing = if options.uncovered { Listing::Uncovered } else { Listing::Table };
    let cases = references(&library);
    let sources = Sources { cases: &cases, mutations: Mutations::embedded(), exceptions: Exceptions::embedded() };
    let coverage = ledger::coverage(Ledger::embedded(), sources, &Options { rfcs: options.rfcs.clone(), listing });
    print_line(if options.json { coverage.json() } else { coverage.text() }.trim_end());
    Ok(Exit::AsExpected.code())
}

pub(super) fn lint(options: &LintOptions) -> Result<u8, Refusal> {
    let library = library(options.cases.as_deref())?;
    if let Some(folder) = &options.ledger {
        Ledger::load_dir(folder).map_err(Refusal::usage)?;
    }
    let texts = match &options.vectors {
        None => zmq_vectors::embedded(),
        Some(folder) => vector_texts(folder)?,
    };
    let findings = lint::lint(&library, &sabotage::all().map_err(Refusal::usage)?);
    for finding in &findings {
        print_line(&finding.to_string());
    }
    let vectors = zmq_vectors::lint(&texts, zmq_vectors::TOMBSTONES, Some(&lint::requirement_ids()));
    for finding in &vectors {
        print_line(&finding.to_string());
    }
    let red = findings.iter().filter(|finding| finding.is_error()).count() + vectors.len();
    let weak = findings.len() + vectors.len() - red;
    remark(&format!(
        "{} cases, {} vectors, {red} findings, {weak} cases that nothing has failed yet",
        library.cases().len(),
        zmq_vectors::all().len()
    ));
    Ok(if red == 0 { Exit::AsExpected } else { Exit::Differs }.code())
}

/// The vector files of a folder, each known to be readable.
fn vector_texts(folder: &Path) -> Result<Vec<(String, String)>, Refusal> {
    zmq_vectors::load_files(folder).map_err(Refusal::usage)?;
    let unreadable = |error: std::io::Error| Refusal::usage(format!("cannot read {}: {error}", folder.display()));
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            texts.push((name, std::fs::read_to_string(&path).map_err(unreadable)?));
        }
    }
    texts.sort();
    Ok(texts)
}

/// The cases as the ledger wants them.
pub(super) fn references(library: &Library) -> Vec<CaseRef> {
    let reference = |case: &Case| CaseRef {
        id: case.id.clone(),
        title: case.title.clone(),
        requirements: case.checks.clone(),
        class: case.class.word().to_owned(),
        provisional: case.provisional,
        killed_by: case.killed_by.clone(),
        source: case.source.to_string(),
    };
    library.cases().iter().map(reference).collect()
}
