//! `check`: one subject after the other against the suite.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Refusal;
use super::artefact::Artefact;
use super::options::CheckOptions;
use crate::adapter::process::{self, Adapter, Launch, StartError};
use crate::adapter::protocol::Hello;
use crate::case::library::Library;
use crate::event::{CaseFinished, Event, HarnessError, RunStarted, SCHEMA, SubjectIdentity};
use crate::exit::Exit;
use crate::expect::{CaseJudged, Choice, Embargo, Gate, Selection, select};
use crate::ledger::{Ledger, Level};
use crate::report::{
    Annotations, Console, ConsoleStyle, Ending, Fanout, Jsonl, Junit, Markdown, Output, RequirementText, Verbosity,
};
use crate::run::plan::{self, Planned};
use crate::run::play::Setting;
use crate::run::runner::{self, Options};
use crate::run::worker::{Done, Start};
use crate::sabotage::{self, Saboteur};
use crate::subject::{SubjectError, SubjectSpec, identity};
use crate::verdict::Conformance;

/// Longest wait of one step on an idle machine, for a subject that starts at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// Start-up up to here needs no longer deadlines.
const QUICK_START: Duration = Duration::from_millis(500);
/// What the header says of a subject that the user did not name.
const NONE_NAMED: &str = "built in, as no subject was named";
/// With a person at a debugger there is no hurry.
const UNHURRIED: u32 = 1800;

/// What every deadline can be multiplied by.
pub(super) const SCALES: std::ops::RangeInclusive<f64> = 0.01..=10_000.0;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

pub(super) fn run(options: &CheckOptions) -> Result<u8, Refusal> {
    if options.subjects.is_empty()
        && let Some(word) = swallowed(options)
    {
        // Checking the reference instead would be an answer to another question.
        return Err(Refusal::usage(format!(
            "expected the subject before --run and --skip, which take every word behind them, found `{word}` among \
             their patterns; write `zmqspec check {word} --run …`"
        )));
    }
    let reports = [&options.junit, &options.json, &options.markdown, &options.save];
    if options.subjects.len() > 1 && reports.iter().any(|report| report.is_some()) {
        return Err(Refusal::usage(
            "expected one subject where a report is written to a file, found several; run `check` once for each",
        ));
    }
    let scale = options.deadline_scale;
    if !SCALES.contains(&scale) {
        return Err(Refusal::usage(format!("expected a --deadline-scale from 0.01 to 10000, found {scale}")));
    }
    // A second interrupt ends the process at once, as the handler is set only here.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            process::kill_all();
            std::process::exit(130);
        }
    });
    // Everything that can be told without starting anybody comes first: a typing error in the last word must not cost
    // the run of the first.
    let saboteur = options.saboteur.as_deref().map(sabotage::find).transpose().map_err(Refusal::usage)?;
    let wrap = options.wrap.as_deref().map_or(Ok(Vec::new()), crate::subject::split_words);
    let wrap = wrap.map_err(|why| {
        Refusal::usage(format!(
            "expected words for --wrap as a shell splits them, found {:?}: {why}",
            options.wrap.as_deref().unwrap_or_default()
        ))
    })?;
    let specs: Vec<SubjectSpec> = match &options.subjects[..] {
        [] => vec![SubjectSpec::Reference],
        subjects => subjects
            .iter()
            .map(|subject| subject.parse())
            .collect::<Result<_, _>>()
            .map_err(|error| unusable(&error))?,
    };
    let launches: Vec<Launch> =
        specs.iter().map(|spec| spec.launch(&wrap)).collect::<Result<_, _>>().map_err(|error| unusable(&error))?;
    let plan = planned(options)?;
    let mut worst = Exit::AsExpected.code();
    for (spec, launch) in specs.iter().zip(launches) {
        let code = Check::prepare(options, &plan, saboteur.clone(), spec, launch)?.run()?;
        worst = worst.max(code);
        if INTERRUPTED.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(worst)
}

/// The first word behind `--run` or `--skip` that is no pattern but a subject.
fn swallowed(options: &CheckOptions) -> Option<&str> {
    let mut words = options.select.run.iter().chain(&options.select.skip);
    words.find(|word| word.parse::<SubjectSpec>().is_ok()).map(String::as_str)
}

fn planned(options: &CheckOptions) -> Result<Vec<Planned>, Refusal> {
    let library = library(options.select.cases.as_deref())?;
    let profile = options.profile.profile();
    let plan = plan::plan(&library, &level_of, &options.select.selection(), options.level.gate(), profile)
        .map_err(|none| Refusal::new(Exit::NothingMatched, none))?;
    if plan.is_empty() {
        return Err(Refusal::new(
            Exit::NothingMatched,
            "no case is left by --run, --skip, --tier and --shard together; `zmqspec list` takes the same options",
        ));
    }
    Ok(plan)
}

pub(super) fn library(folder: Option<&Path>) -> Result<Library, Refusal> {
    folder.map_or_else(Library::embedded, Library::from_folder).map_err(Refusal::usage)
}

pub(super) fn level_of(id: &str) -> Option<plan::Gate> {
    Ledger::embedded().find(id).map(|requirement| match requirement.level {
        Level::Must | Level::Grammar => plan::Gate::Must,
        Level::Should => plan::Gate::Should,
        Level::May => plan::Gate::May,
    })
}

pub(super) fn unusable(error: &SubjectError) -> Refusal {
    let exit = match error {
        SubjectError::Unknown { .. } | SubjectError::NotPinned { .. } => Exit::Usage,
        SubjectError::NotServed { .. }
        | SubjectError::NoFile { .. }
        | SubjectError::NotFetched { .. }
        | SubjectError::Fetch { .. }
        | SubjectError::Io { .. } => Exit::NoSubject,
    };
    Refusal::new(exit, error)
}

pub(super) fn not_started(spec: &SubjectSpec, error: &StartError) -> Refusal {
    let advice = match spec {
        SubjectSpec::Exec(_) => "; `zmqspec subject verify SUBJECT` drills an adapter",
        SubjectSpec::Libzmq(_) | SubjectSpec::Reference | SubjectSpec::Tcp { .. } | SubjectSpec::Attach(_) => "",
    };
    Refusal::new(Exit::NoSubject, format!("cannot start the subject {spec}: {error}{advice}"))
}

/// Longest wait of one step for a subject that took so long to start.
pub(super) fn patience(unscaled: Duration, startup: Duration) -> Duration {
    let slowness = startup.as_secs_f64() / QUICK_START.as_secs_f64();
    unscaled.mul_f64(slowness.clamp(1.0, 10.0))
}

struct Check<'o> {
    options: &'o CheckOptions,
    plan: &'o [Planned],
    start: Start,
    setting: Setting,
    jobs: usize,
    subject: SubjectIdentity,
    started: Option<(Adapter, Hello)>,
}

impl<'o> Check<'o> {
    fn prepare(
        options: &'o CheckOptions,
        plan: &'o [Planned],
        saboteur: Option<Saboteur>,
        spec: &SubjectSpec,
        launch: Launch,
    ) -> Result<Self, Refusal> {
        let attended = !launch.wrap.is_empty() || options.pause_before.is_some();
        let unscaled = PATIENCE.mul_f64(options.deadline_scale) * if attended { UNHURRIED } else { 1 };
        let start = Start { launch, hello_within: unscaled * 5 };
        let (adapter, hello, startup) =
            Adapter::start(&start.launch, start.hello_within).map_err(|error| not_started(spec, &error))?;
        let setting = Setting {
            patience: patience(unscaled, startup),
            pause_before: options.pause_before.map(usize::from),
            saboteur,
        };
        let subject = identity(spec, &hello, startup);
        let jobs = if attended { 1 } else { usize::from(options.jobs) };
        Ok(Self { options, plan, start, setting, jobs, subject, started: Some((adapter, hello)) })
    }

    fn run(mut self) -> Result<u8, Refusal> {
        let begun = Instant::now();
        let options = self.options;
        let choice = match options.expect.as_deref() {
            None => Choice::Builtin,
            Some("none") => Choice::None,
            Some("") => return Err(Refusal::usage("expected a file or `none` after --expect, found an empty word")),
            Some(file) => Choice::File(file.into()),
        };
        let expectations = select(&choice, &self.subject.name).map_err(Refusal::usage)?;
        let today = jiff::Zoned::now().date();
        let complete = options.select.selection().is_complete() && options.saboteur.is_none();
        let selection = if complete { Selection::Complete } else { Selection::Partial };
        let mut gate = Gate::new(expectations, &self.subject, today, selection);
        let embargo = self.embargo(&gate)?;
        let mut fanout = Fanout::new(embargo.clone());
        self.add_sinks(&mut fanout)?;
        let header = self.header(gate.expectations());
        let mut trouble = Trouble::default();
        trouble.note(fanout.on(&Event::RunStarted(Box::new(header.clone()))));
        let started =
            self.started.take().ok_or_else(|| Refusal::new(Exit::HarnessError, "the subject was started twice"))?;
        let run_options = Options {
            jobs: self.jobs,
            repeat: usize::try_from(options.repeat).unwrap_or(usize::MAX),
            max_time: options.max_time.map(Duration::from_secs),
            setting: self.setting.clone(),
        };
        let not_run = runner::run(self.plan, &self.start, started, &run_options, &INTERRUPTED, |index, done| {
            let planned = &self.plan[index];
            let mut finished = finished(planned, &done);
            let judgement = gate.judge(&CaseJudged {
                run: &planned.run,
                revision: planned.case.revision,
                provisional: !planned.gates,
                verdict: &finished.verdict,
                fingerprint: finished.failure.as_ref().map(|failure| failure.fingerprint.as_str()),
            });
            finished.standing = judgement.standing;
            finished.expected_because = judgement.because;
            if let (Some(folder), false, false) =
                (&options.save, embargo.covers(&planned.run), finished.failure.is_none())
            {
                trouble.note(Artefact::new(&header, planned, &finished).save(folder));
            }
            if let Some(text) = done.played.harness_error {
                let error = HarnessError { run: Some(planned.run.clone()), text };
                trouble.note(fanout.on(&Event::HarnessError(error)));
            }
            trouble.note(fanout.on(&Event::CaseFinished(Box::new(finished))));
            for replaced in done.replaced {
                trouble.note(fanout.on(&Event::SubjectReplaced(replaced)));
            }
        });
        if not_run > 0 {
            gate.cut_short();
            if INTERRUPTED.load(Ordering::Relaxed) {
                // Green would be a lie about the cases that nobody ran.
                let text = format!(
                    "expected to run all {} case runs, came an interrupt before the last {not_run}; run it again",
                    self.plan.len()
                );
                trouble.note(fanout.on(&Event::HarnessError(HarnessError { run: None, text })));
            }
        }
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let finished = fanout
            .end(Ending { findings: gate.finish(), not_run, millis })
            .map_err(|error| Refusal::new(Exit::HarnessError, format!("cannot write a report: {error}")))?;
        match trouble.first {
            Some(error) => Err(Refusal::new(Exit::HarnessError, format!("cannot write a report: {error}"))),
            None => Ok(finished.exit_code),
        }
    }

    /// What the built-in file keeps back is kept back whichever expectations were asked for.
    fn embargo(&self, gate: &Gate) -> Result<Embargo, Refusal> {
        if self.options.lift_embargo {
            return Ok(Embargo::default());
        }
        let builtin = select(&Choice::Builtin, &self.subject.name).map_err(Refusal::usage)?;
        Ok(gate.embargo().and(builtin.as_ref().map(Embargo::of).unwrap_or_default()))
    }

    fn header(&self, expectations: Option<&str>) -> RunStarted {
        let options = self.options;
        let mut others = Vec::new();
        if (options.deadline_scale - 1.0).abs() > f64::EPSILON {
            others.extend(["--deadline-scale".to_owned(), options.deadline_scale.to_string()]);
        }
        if let Some(name) = &options.saboteur {
            others.extend(["--saboteur".to_owned(), name.clone()]);
        }
        if let Some(folder) = &options.select.cases {
            others.extend(["--cases".to_owned(), folder.display().to_string()]);
        }
        if options.level.gate() != plan::Gate::Must {
            let word = if options.level.gate() == plan::Gate::Should { "should" } else { "may" };
            others.extend(["--level".to_owned(), word.to_owned()]);
        }
        RunStarted {
            schema: SCHEMA,
            zmqspec: env!("CARGO_PKG_VERSION").to_owned(),
            started: jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default().to_string(),
            subject: self.subject.clone(),
            profile: options.profile.profile().word().to_owned(),
            run: options.select.run.clone(),
            skip: options.select.skip.clone(),
            options: others,
            shard: options.select.shard.map(|shard| shard.to_string()),
            expectations: expectations.map(str::to_owned),
            planned: self.plan.len(),
            jobs: self.jobs,
        }
    }

    fn add_sinks(&self, fanout: &mut Fanout<'_>) -> Result<(), Refusal> {
        let options = self.options;
        let usage = |error: &dyn std::error::Error| Refusal::usage(error);
        let verbosity = if options.verbose { Verbosity::Verbose } else { Verbosity::Normal };
        let style = ConsoleStyle::detect(verbosity);
        let on_stdout = options.json.as_deref() == Some(Path::new("-"));
        let out: Box<dyn Write> = if on_stdout { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
        match &options.json {
            Some(_) if on_stdout => fanout.add(Jsonl::to(io::stdout())),
            Some(path) => fanout.add(Jsonl::create(path).map_err(|error| usage(&error))?),
            None => {}
        }
        if let Some(path) = &options.junit {
            fanout.add(Junit::new(Output::create(path).map_err(|error| usage(&error))?, &requirement_text));
        }
        if let Some(path) = &options.markdown {
            fanout.add(Markdown::new(Output::create(path).map_err(|error| usage(&error))?, &requirement_text));
        }
        if Annotations::<io::Stdout>::wanted() && !on_stdout {
            fanout.add(Annotations::new(io::stdout()));
        }
        if let Some(folder) = &options.save {
            std::fs::create_dir_all(folder).map_err(|error| {
                Refusal::usage(format!(
                    "{}: expected a folder, or a place for one, after --save, came: {error}; choose another path",
                    folder.display()
                ))
            })?;
        }
        // Last, so that every file is whole when its last line appears.
        let console = Console::new(out, style, &requirement_text);
        fanout.add(if options.subjects.is_empty() { console.about_the_subject(NONE_NAMED) } else { console });
        Ok(())
    }
}

fn requirement_text(id: &str) -> Option<RequirementText> {
    let requirement = Ledger::embedded().find(id)?;
    Some(RequirementText {
        text: requirement.text.clone(),
        link: requirement.url(),
        level: requirement.level.to_string(),
    })
}

/// The first error of writing.
#[derive(Default)]
struct Trouble {
    first: Option<io::Error>,
}

impl Trouble {
    fn note(&mut self, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            self.first.get_or_insert(error);
        }
    }
}

fn finished(planned: &Planned, done: &Done) -> CaseFinished {
    let played = &done.played;
    let quiet = played.verdict.conformance == Conformance::Pass && played.failure.is_none();
    CaseFinished {
        run: planned.run.clone(),
        revision: planned.case.revision,
        title: planned.case.title.clone(),
        requirements: planned.case.checks.clone(),
        level: planned.level.to_owned(),
        class: planned.case.class.word().to_owned(),
        tier: planned.case.tier.word().to_owned(),
        provisional: planned.case.provisional,
        verdict: played.verdict.clone(),
        standing: crate::event::Standing::Ok,
        expected_because: None,
        failure: played.failure.clone(),
        source: planned.case.source.to_string(),
        micros: u64::try_from(done.took.as_micros()).unwrap_or(u64::MAX),
        transcript: if quiet { Vec::new() } else { played.transcript.clone() },
    }
}
