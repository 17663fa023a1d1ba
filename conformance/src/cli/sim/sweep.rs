//! `sim sweep`: many seeds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use zmq_sim::sweep::{AfterFailure, Came, Done, Ended, Sweep, Times};
use zmq_sim::trial::Trial;

use super::engines::Carrier;
use super::options::SweepOptions;
use super::source::Source;
use super::told::{Telling, exit_of};
use crate::cli::Refusal;
use crate::cli::voice::{print_line, remark};
use crate::exit::Exit;
use crate::ledger::Ledger;
use crate::report::text::counted;
use crate::report::{ConsoleStyle, Progress, Verbosity};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From one line about the progress to the next, where there is no bar.
const PACE: Duration = Duration::from_secs(10);

pub(super) fn run(options: &SweepOptions) -> Result<u8, Refusal> {
    if options.seeds.is_none() && options.time.is_none() {
        return Err(Refusal::usage("expected --seeds A..B or --time S, which say how far to sweep, found neither"));
    }
    let source = options.file.as_deref().map_or(Ok(Source::Swarm), Source::of_file)?;
    // A second interrupt ends the process at once.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    let carrier = Carrier::of(&options.by)?;
    if options.twice {
        carrier.repeating("--twice")?;
    }
    let engine = carrier.engine()?;
    let jobs = options.jobs.map(usize::from);
    let jobs = jobs.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let ignored = Mutex::new(BTreeSet::new());
    let draw = |seed| {
        let plan = carrier.given(source.plan(seed)?);
        ignored.lock().unwrap_or_else(PoisonError::into_inner).extend(engine.ignores(&plan));
        Ok(plan)
    };
    let sweep = Sweep {
        trial: Trial::new(engine.as_ref()),
        draw: &draw,
        time: options.time.map(Duration::from_secs),
        jobs,
        failure: if options.keep_going { AfterFailure::GoOn } else { AfterFailure::Stop },
        times: if options.twice { Times::Twice } else { Times::Once },
        interrupted: &INTERRUPTED,
    };
    let mut telling = Sweeping::new(options, &source, &carrier)?;
    let ended = sweep.over(options.seeds.clone().unwrap_or(0..u64::MAX), &mut |done| telling.on(done));
    let code = telling.end(ended);
    for what in ignored.into_inner().unwrap_or_else(PoisonError::into_inner) {
        remark(&format!("{}: {what}", carrier.word()));
    }
    code
}

/// What is said and written while seeds come in.
struct Sweeping<'s> {
    options: &'s SweepOptions,
    source: &'s Source,
    carrier: &'s Carrier,
    say: fn(&str),
    json: Option<Box<dyn Write>>,
    bar: Option<ProgressBar>,
    begun: Instant,
    last_line: Instant,
    runs: u64,
    failures: u64,
    differing: u64,
    not_done: BTreeMap<String, u64>,
    reached: BTreeMap<&'static str, u64>,
    exit: Exit,
    trouble: Option<Refusal>,
}

impl<'s> Sweeping<'s> {
    fn new(options: &'s SweepOptions, source: &'s Source, carrier: &'s Carrier) -> Result<Self, Refusal> {
        let on_stdout = options.json.as_deref() == Some(Path::new("-"));
        let json: Option<Box<dyn Write>> = match &options.json {
            None => None,
            Some(_) if on_stdout => Some(Box::new(io::stdout())),
            Some(file) => {
                let made = File::create(file)
                    .map_err(|error| Refusal::usage(format!("expected to write {}, came: {error}", file.display())))?;
                Some(Box::new(BufWriter::new(made)))
            }
        };
        let bar = (ConsoleStyle::detect(Verbosity::Normal).progress == Progress::Bar).then(|| bar(options));
        let now = Instant::now();
        Ok(Self {
            options,
            source,
            carrier,
            say: if on_stdout { remark } else { print_line },
            json,
            bar,
            begun: now,
            last_line: now,
            runs: 0,
            failures: 0,
            differing: 0,
            not_done: BTreeMap::new(),
            reached: BTreeMap::new(),
            exit: Exit::AsExpected,
            trouble: None,
        })
    }

    fn on(&mut self, done: Done) {
        self.write(&done);
        self.runs += u64::from(done.hash.is_some());
        for clause in done.reached {
            *self.reached.entry(clause).or_default() += 1;
        }
        match done.came {
            Came::Kept => {}
            Came::NotDone(why) => *self.not_done.entry(why).or_default() += 1,
            Came::Differed(differed) => {
                self.differing += 1;
                let words = self.source.words(done.seed);
                self.lines(&[format!("DIFFERED {words}: the same plan gave two runs; {}", differed.1)]);
            }
            Came::Failed(failed) => {
                self.failures += 1;
                let (plan, tried) = *failed;
                // The first failure decides, as without --keep-going.
                if self.exit == Exit::AsExpected {
                    self.exit = exit_of(&tried.violations);
                }
                let (source, carrier, seed) = (self.source, self.carrier, done.seed);
                let telling = Telling { source, seed, carrier, plan: &plan, tried: &tried };
                match telling.save(&self.options.save) {
                    Ok(file) => self.lines(&telling.failed(Some(&file))),
                    Err(refusal) => {
                        self.lines(&telling.failed(None));
                        self.trouble.get_or_insert(refusal);
                    }
                }
            }
        }
        self.progress();
    }

    fn lines(&self, lines: &[String]) {
        let print = || lines.iter().for_each(|line| (self.say)(line));
        self.bar.as_ref().map_or_else(print, |bar| bar.suspend(print));
    }

    fn progress(&mut self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
            bar.set_message(self.facts());
        } else if self.last_line.elapsed() >= PACE {
            self.last_line = Instant::now();
            remark(&format!("{}, {}", counted_u64(self.runs, "run"), self.facts()));
        }
    }

    fn facts(&self) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.runs as f64 / self.begun.elapsed().as_secs_f64().max(0.001);
        let failures = counted_u64(self.failures, "failure");
        format!("{rate:.0} runs/s, {} reached, {failures}", counted(self.reached.len(), "clause"))
    }

    fn write(&mut self, done: &Done) {
        let Some(json) = &mut self.json else { return };
        let (verdict, violations) = match &done.came {
            Came::Kept => ("kept", Vec::new()),
            Came::NotDone(_) => ("not-done", Vec::new()),
            Came::Differed(_) => ("differed", Vec::new()),
            Came::Failed(failed) => ("failed", failed.1.violations.iter().map(ToString::to_string).collect()),
        };
        let line = serde_json::json!({
            "seed": self.source.seed_word(done.seed), "verdict": verdict,
            "hash": done.hash.map(|hash| format!("{hash:016x}")), "violations": violations,
        });
        if let Err(error) = writeln!(json, "{line}")
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            let text = format!("expected to write the JSON lines, came: {error}");
            self.trouble.get_or_insert(Refusal::new(Exit::HarnessError, text));
        }
    }

    fn end(mut self, ended: Ended) -> Result<u8, Refusal> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if let Some(json) = &mut self.json {
            json.flush().map_err(|error| Refusal::new(Exit::HarnessError, format!("cannot write: {error}")))?;
        }
        if self.options.report {
            for (clause, runs) in &self.reached {
                let text = Ledger::embedded().find(clause).map_or("", |requirement| requirement.text.as_str());
                (self.say)(&format!("{runs:>8}  {clause:<22} {text}"));
            }
        }
        for (why, plans) in &self.not_done {
            (self.say)(&format!("{} not carried out: {why}", counted_u64(*plans, "plan")));
        }
        let how = match ended {
            Ended::AllDone | Ended::OutOfTime => "",
            Ended::Failed => "; the first failure is the last seed, --keep-going goes on",
            Ended::Interrupted => "; interrupted",
        };
        let differing = if self.differing > 0 { format!(", {} differed", self.differing) } else { String::new() };
        let clauses = counted(self.reached.len(), "clause");
        let failures = counted_u64(self.failures, "failure");
        (self.say)(&format!("{}: {failures}{differing}, {clauses} reached{how}", counted_u64(self.runs, "run")));
        // How fast it was is not the same each time, and does not belong to the results.
        remark(&self.facts());
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        if self.runs == 0 {
            return Err(Refusal::new(Exit::NothingMatched, "no plan was carried out"));
        }
        Ok(if self.differing > 0 { Exit::HarnessError } else { self.exit }.code())
    }
}

fn counted_u64(count: u64, what: &str) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), what)
}

fn bar(options: &SweepOptions) -> ProgressBar {
    let length = options.seeds.as_ref().map(|seeds| seeds.end - seeds.start);
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
    let template = if length.is_some() { "{bar:30} {pos}/{len} {msg}" } else { "{spinner} {pos} seeds, {msg}" };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
