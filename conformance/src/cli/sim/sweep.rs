//! `sim sweep`: many seeds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use zmq_sim::engine::Engine;
use zmq_sim::marks::Coverage;
use zmq_sim::plan::Plan;
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

/// How often it is looked whether there was an interrupt.
const LOOK: Duration = Duration::from_millis(100);

/// How long plans that are under way are waited for behind an interrupt. Some take minutes.
const GRACE: Duration = Duration::from_secs(1);

pub(super) fn run(options: &SweepOptions) -> Result<u8, Refusal> {
    if options.seeds.is_none() && options.time.is_none() {
        return Err(Refusal::usage("expected --seeds A..B or --time S, which say how far to sweep, found neither"));
    }
    let source = Arc::new(options.file.as_deref().map_or(Ok(Source::Swarm), Source::of_file)?);
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
    let mut telling = Sweeping::new(options, &source, &carrier)?;
    let drawing =
        Arc::new(Drawing { source: Arc::clone(&source), carrier: carrier.clone(), ignored: Mutex::default() });
    let ended = sweep(options, &drawing, engine, &mut |done| telling.on(done));
    let code = telling.end(ended);
    for what in drawing.ignored.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        remark(&format!("{}: {what}", carrier.word()));
    }
    code
}

/// What gives plans, on the sweep's own threads.
struct Drawing {
    source: Arc<Source>,
    carrier: Carrier,
    /// What the engine passes over of the plans.
    ignored: Mutex<BTreeSet<String>>,
}

impl Drawing {
    fn plan(&self, seed: u64, engine: &dyn Engine) -> Result<Plan, String> {
        let plan = self.carrier.given(self.source.plan(seed)?);
        self.ignored.lock().unwrap_or_else(PoisonError::into_inner).extend(engine.ignores(&plan));
        Ok(plan)
    }
}

/// What a sweep says of itself.
enum News {
    Done(Box<Done>),
    Ended(Ended),
}

/// Sweeps on threads of its own: behind an interrupt nobody waits for a plan that takes long, and the process ends with it
/// under way.
fn sweep(options: &SweepOptions, drawing: &Arc<Drawing>, engine: Box<dyn Engine>, tell: &mut dyn FnMut(Done)) -> Ended {
    let jobs = options.jobs.map(usize::from);
    let jobs = jobs.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let seeds = options.seeds.clone().unwrap_or(0..u64::MAX);
    let time = options.time.map(Duration::from_secs);
    let failure = if options.keep_going { AfterFailure::GoOn } else { AfterFailure::Stop };
    let times = if options.twice { Times::Twice } else { Times::Once };
    let (send, news) = mpsc::channel();
    let drawing = Arc::clone(drawing);
    let sweeping = thread::spawn(move || {
        let draw = |seed| drawing.plan(seed, engine.as_ref());
        let trial = Trial::new(engine.as_ref());
        let sweep = Sweep { trial, draw: &draw, time, jobs, failure, times, interrupted: &INTERRUPTED };
        // Who listens no more has been interrupted.
        let ended = sweep.over(seeds, &mut |done| drop(send.send(News::Done(Box::new(done)))));
        let _ = send.send(News::Ended(ended));
    });
    let mut since: Option<Instant> = None;
    loop {
        match news.recv_timeout(LOOK) {
            Ok(News::Done(done)) => tell(*done),
            Ok(News::Ended(ended)) => return ended,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let panic = sweeping.join().expect_err("a sweep that ends in good order says so");
                std::panic::resume_unwind(panic);
            }
        }
        if INTERRUPTED.load(Ordering::Relaxed) && since.get_or_insert_with(Instant::now).elapsed() >= GRACE {
            return Ended::Interrupted;
        }
    }
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
    failures: u64,
    differing: u64,
    not_done: BTreeMap<String, u64>,
    coverage: Coverage,
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
            failures: 0,
            differing: 0,
            not_done: BTreeMap::new(),
            coverage: Coverage::default(),
            exit: Exit::AsExpected,
            trouble: None,
        })
    }

    fn on(&mut self, done: Done) {
        self.write(&done);
        if done.hash.is_some() {
            self.coverage.add_reached(&done.reached);
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
            remark(&format!("{}, {}", counted_u64(self.coverage.runs(), "run"), self.facts()));
        }
    }

    fn facts(&self) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.coverage.runs() as f64 / self.begun.elapsed().as_secs_f64().max(0.001);
        let failures = counted_u64(self.failures, "failure");
        format!("{rate:.0} runs/s, {} reached, {failures}", counted(self.coverage.sometimes().count(), "clause"))
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
            self.report();
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
        let clauses = counted(self.coverage.sometimes().count(), "clause");
        let failures = counted_u64(self.failures, "failure");
        (self.say)(&format!(
            "{}: {failures}{differing}, {clauses} reached{how}",
            counted_u64(self.coverage.runs(), "run")
        ));
        // How fast it was is not the same each time, and does not belong to the results.
        remark(&self.facts());
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        if ended == Ended::Interrupted {
            // Whatever was found: what nobody carried out must not count as kept, as in `check`.
            let text = "expected to carry out all seeds, came an interrupt before the last; run it again".to_owned();
            return Err(Refusal::new(Exit::HarnessError, text));
        }
        if self.coverage.runs() == 0 {
            return Err(Refusal::new(Exit::NothingMatched, "no plan was carried out"));
        }
        Ok(if self.differing > 0 { Exit::HarnessError } else { self.exit }.code())
    }

    /// Which clauses were reached, and which have a mark in the code and were not.
    fn report(&self) {
        let text = |clause| Ledger::embedded().find(clause).map_or("", |requirement| requirement.text.as_str());
        for (clause, runs) in self.coverage.sometimes() {
            (self.say)(&format!("{runs:>8}  {clause:<22} {}", text(clause)));
        }
        let never: Vec<&str> = self.coverage.never().collect();
        if never.is_empty() {
            (self.say)("never reached: none");
            return;
        }
        (self.say)(&format!("never reached: {}", counted(never.len(), "clause")));
        for clause in never {
            (self.say)(&format!("{:>8}  {clause:<22} {}", 0, text(clause)));
        }
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
