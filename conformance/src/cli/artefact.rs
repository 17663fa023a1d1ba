//! One deviation as a file, and `replay`: the same case again, whatever has become of it since, compared octet by octet.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Refusal;
use super::check::{PATIENCE, SCALES, not_started, patience, unusable};
use super::options::ReplayOptions;
use super::voice::print_line;
use crate::adapter::process::Adapter;
use crate::case::file::{Case, Class, Source, Tier, Transport};
use crate::case::parse;
use crate::case::security::{HandlerKind, Security};
use crate::case::step::OptionValue;
use crate::event::{CaseFinished, Exchange, Exchanged, RunStarted};
use crate::exit::Exit;
use crate::run::plan::Planned;
use crate::run::play::Setting;
use crate::run::worker::{Start, Worker};
use crate::sabotage;
use crate::subject::SubjectSpec;
use crate::wire::{hex, unhex};

/// Version of the file format.
const FORMAT: u32 = 1;

/// A saved deviation: who, the case itself, what came, and every octet.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Artefact {
    artefact: u32,
    header: RunStarted,
    case: SavedCase,
    finished: CaseFinished,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedCase {
    subject: String,
    hostile: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    security: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zap: Option<String>,
    #[serde(default)]
    transport: Transport,
    #[serde(default)]
    monitored: bool,
    options: BTreeMap<String, SavedValue>,
    steps: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SavedValue {
    Int(i64),
    Hex(String),
}

impl Artefact {
    pub(super) fn new(header: &RunStarted, planned: &Planned, finished: &CaseFinished) -> Self {
        let options = planned.case.options.iter().map(|(name, value)| {
            let value = match value {
                OptionValue::Int(number) => SavedValue::Int(*number),
                OptionValue::Octets(octets) => SavedValue::Hex(hex(octets)),
            };
            (name.clone(), value)
        });
        let case = SavedCase {
            subject: planned.case.subject.clone(),
            hostile: planned.case.hostile,
            security: planned.case.security.map(|security| security.word().to_owned()),
            zap: planned.case.zap.map(|kind| kind.word().to_owned()),
            transport: planned.case.transport,
            monitored: planned.case.monitored,
            options: options.collect(),
            steps: planned.case.steps.iter().map(|step| step.text.clone()).collect(),
        };
        Self { artefact: FORMAT, header: header.clone(), case, finished: finished.clone() }
    }

    /// Writes it under a name made of the run's.
    pub(super) fn save(&self, folder: &Path) -> io::Result<()> {
        let name = self.finished.run.to_string().replace('/', "+");
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(folder.join(format!("{name}.json")), text + "\n")
    }

    fn read(path: &Path) -> Result<Self, Refusal> {
        let wrong = |why: &dyn std::fmt::Display| {
            Refusal::usage(format!(
                "{}: expected a file that `zmqspec check --save DIR` wrote, came: {why}; check the path, or save it again",
                path.display()
            ))
        };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        let artefact: Self = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
        if artefact.artefact != FORMAT {
            return Err(wrong(&format!("format {} instead of {FORMAT}", artefact.artefact)));
        }
        Ok(artefact)
    }

    /// The value of an option that the run was made with.
    fn option(&self, name: &str) -> Option<&str> {
        self.header.options.iter().skip_while(|word| *word != name).nth(1).map(String::as_str)
    }

    fn deadline_scale(&self) -> Result<f64, Refusal> {
        let Some(word) = self.option("--deadline-scale") else { return Ok(1.0) };
        let scale = word.parse().ok().filter(|scale| SCALES.contains(scale));
        scale.ok_or_else(|| {
            Refusal::usage(format!(
                "expected a --deadline-scale from 0.01 to 10000 in the saved run, found {word:?}; save it again"
            ))
        })
    }

    fn planned(&self) -> Result<Planned, Refusal> {
        let steps = parse::steps(&self.case.steps.join("\n")).map_err(|(line, why)| {
            Refusal::usage(format!("step {line} of the saved case cannot be read any more: {why}"))
        })?;
        let mut options = BTreeMap::new();
        for (name, value) in &self.case.options {
            let value = match value {
                SavedValue::Int(number) => OptionValue::Int(*number),
                SavedValue::Hex(text) => OptionValue::Octets(unhex(text).map_err(Refusal::usage)?),
            };
            options.insert(name.clone(), value);
        }
        let class = match self.finished.class.as_str() {
            "defacto" => Class::Defacto,
            "either" => Class::Either,
            "robust" => Class::Robust,
            _ => Class::Spec,
        };
        let case = Case {
            id: self.finished.run.case.clone(),
            title: self.finished.title.clone(),
            checks: self.finished.requirements.clone(),
            class,
            subject: self.case.subject.clone(),
            roles: vec![self.finished.run.role],
            zmtp: Vec::new(),
            tier: Tier::Wire,
            revision: self.finished.revision,
            provisional: false,
            hostile: self.case.hostile,
            security: self.case.security.as_deref().map(Security::read).transpose().map_err(Refusal::usage)?,
            zap: self.case.zap.as_deref().map(HandlerKind::read).transpose().map_err(Refusal::usage)?,
            transport: self.case.transport,
            monitored: self.case.monitored,
            options,
            steps,
            killed_by: Vec::new(),
            source: Source { file: self.finished.source.clone(), line: 0 },
        };
        Ok(Planned { case, run: self.finished.run.clone(), level: "must", gates: true })
    }
}

/// Runs a saved deviation again. 0: the same verdict for the same reason; 1: another; 5: it could not be judged.
pub(super) fn replay(options: &ReplayOptions) -> Result<u8, Refusal> {
    let artefact = Artefact::read(&options.file)?;
    let planned = artefact.planned()?;
    let saboteur = artefact.option("--saboteur").map(sabotage::find).transpose().map_err(Refusal::usage)?;
    let spec = options.subject.as_deref().unwrap_or(&artefact.header.subject.spec);
    let spec: SubjectSpec = spec.parse().map_err(|error| unusable(&error))?;
    let launch = spec.launch(&[]).map_err(|error| unusable(&error))?;
    let unscaled = PATIENCE.mul_f64(artefact.deadline_scale()?);
    let start = Start { launch, hello_within: unscaled * 5 };
    let (adapter, hello, startup) =
        Adapter::start(&start.launch, start.hello_within).map_err(|error| not_started(&spec, &error))?;
    print_line(&format!(
        "replay  {}\nsaved   {} {}\nnow     {} {}",
        planned.run, artefact.header.subject.name, artefact.header.subject.version, hello.name, hello.version
    ));
    let setting = Setting { patience: patience(unscaled, startup), pause_before: None, saboteur };
    let done = Worker::new(&start, Some((adapter, hello))).work(&planned, &setting, 1);
    let (then, now) = (&artefact.finished, &done.played);
    print_line(&format!("then    {}", then.verdict));
    print_line(&format!("now     {}", now.verdict));
    let mut differs = then.verdict.conformance != now.verdict.conformance
        || then.verdict.variant != now.verdict.variant
        || then.verdict.survival != now.verdict.survival;
    let reason = |failure: Option<&crate::event::Failure>| failure.map(|failure| failure.fingerprint.clone());
    let (was, is) = (reason(then.failure.as_ref()), reason(now.failure.as_ref()));
    if was != is {
        differs = true;
        print_line(&format!(
            "then because of {}, now because of {}",
            was.as_deref().unwrap_or("nothing"),
            is.as_deref().unwrap_or("nothing")
        ));
    }
    for (word, pick) in [("sent", Direction::Sent), ("received", Direction::Received)] {
        let (before, after) = (octets(&then.transcript, pick), octets(&now.transcript, pick));
        for who in before.keys().chain(after.keys().filter(|who| !before.contains_key(*who))) {
            let (a, b) = (before.get(who).map_or("", String::as_str), after.get(who).map_or("", String::as_str));
            print_line(&format!("{who} {word}: {}", compare(a, b)));
        }
    }
    if let Some(failure) = &now.failure {
        print_line(&format!(
            "step {}: {}\naccepted: {}\ncame: {}",
            failure.step,
            failure.step_text,
            failure.accepted.join(" or "),
            failure.came
        ));
        failure.hex.iter().for_each(|line| print_line(&format!("  {line}")));
    }
    if let Some(text) = &now.harness_error {
        return Err(Refusal::new(Exit::HarnessError, format!("the case could not be run again: {text}")));
    }
    Ok(if differs { Exit::Differs } else { Exit::AsExpected }.code())
}

#[derive(Clone, Copy)]
enum Direction {
    Sent,
    Received,
}

/// What each raw peer wrote or read in all, as hex.
fn octets(transcript: &[Exchange], direction: Direction) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for exchange in transcript {
        let ((Exchanged::Sent(text), Direction::Sent) | (Exchanged::Received(text), Direction::Received)) =
            (&exchange.what, direction)
        else {
            continue;
        };
        all.entry(exchange.who.clone()).or_default().push_str(text);
    }
    all
}

fn compare(before: &str, after: &str) -> String {
    if before == after {
        return format!("the same {} octets", before.len() / 2);
    }
    let same = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count() / 2;
    let rest = |text: &str| text.get(same * 2..text.len().min(same * 2 + 24)).unwrap_or_default().to_owned();
    format!("differ from octet {same} on: then {:?}, now {:?}", rest(before), rest(after))
}
