//! A worker: one process of the subject that serves case after case, and is replaced when it can no longer be trusted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::plan::Planned;
use super::play::{Played, Setting, play};
use super::trouble::Unmet;
use crate::adapter::process::{Adapter, Launch, StartError};
use crate::adapter::protocol::{Hello, Left, RequestBody};
use crate::event::{Failure, SubjectReplaced};
use crate::verdict::{Conformance, Survival, Verdict};

/// Everything a worker needs to start its subject.
#[derive(Debug, Clone)]
pub struct Start {
    /// The command.
    pub launch: Launch,
    /// Longest wait for `hello`.
    pub hello_within: Duration,
}

/// One worker.
#[derive(Debug)]
pub struct Worker<'a> {
    start: &'a Start,
    process: Option<Process>,
}

#[derive(Debug)]
struct Process {
    adapter: Adapter,
    hello: Hello,
    baseline: Option<Left>,
}

/// What a worker made of one planned run.
#[derive(Debug)]
pub struct Done {
    /// What came of the case.
    pub played: Played,
    /// How long it took.
    pub took: Duration,
    /// The replacements of the process that it caused: at most one each time that it ran.
    pub replaced: Vec<SubjectReplaced>,
}

impl<'a> Worker<'a> {
    /// A worker, with a process that is already started or none.
    #[must_use]
    pub fn new(start: &'a Start, started: Option<(Adapter, Hello)>) -> Self {
        let process = started.map(|(adapter, hello)| Process { adapter, hello, baseline: None });
        Self { start, process }
    }

    /// Runs one case `repeat` times; verdicts that differ make it inconclusive.
    pub fn work(&mut self, planned: &Planned, setting: &Setting, repeat: usize) -> Done {
        let mut first = self.once(planned, setting);
        for round in 2..=repeat {
            if first.played.harness_error.is_some() {
                break;
            }
            let again = self.once(planned, setting);
            first.took += again.took;
            first.replaced.extend(again.replaced);
            first.played.harness_error = again.played.harness_error.clone();
            if sameness(&first.played) != sameness(&again.played) {
                let why =
                    |played: &Played| played.failure.as_ref().map(|f| format!(" ({})", f.came)).unwrap_or_default();
                let came = format!(
                    "{}{} the first time, {}{} in round {round}",
                    first.played.verdict,
                    why(&first.played),
                    again.played.verdict,
                    why(&again.played)
                );
                let unmet = Unmet::new("the same verdict each time", came, "unstable");
                first.played.verdict.conformance = Conformance::Inconclusive;
                first.played.failure = Some(around("unstable", unmet, &first.played));
                break;
            }
        }
        first
    }

    fn once(&mut self, planned: &Planned, setting: &Setting) -> Done {
        let begun = Instant::now();
        let process = match self.process() {
            Ok(process) => process,
            Err(error) => return Done { played: unstarted(&error), took: begun.elapsed(), replaced: Vec::new() },
        };
        let played =
            play(&mut process.adapter, &process.hello, &planned.case, &planned.run, setting, process.baseline.as_ref());
        if let (Some(left), Some(baseline)) = (&played.left, &mut process.baseline) {
            // What one case leaks is not the next one's fault.
            baseline.descriptors = baseline.descriptors.max(left.descriptors);
        }
        let took = begun.elapsed();
        let replaced: Vec<SubjectReplaced> = played
            .replace
            .iter()
            .map(|why| {
                let exit = process.adapter.exit_within(Duration::ZERO).map(|exit| exit.to_string());
                SubjectReplaced {
                    after: Some(planned.run.clone()),
                    why: why.clone(),
                    exit,
                    stderr_tail: process.adapter.stderr_tail(),
                }
            })
            .collect();
        if !replaced.is_empty() {
            self.process = None;
        }
        Done { played, took, replaced }
    }

    fn process(&mut self) -> Result<&mut Process, StartError> {
        let mut process = match self.process.take() {
            Some(process) => process,
            None => {
                let (adapter, hello, _) = Adapter::start(&self.start.launch, self.start.hello_within)?;
                Process { adapter, hello, baseline: None }
            }
        };
        if process.baseline.is_none() {
            process.baseline = warm_up(&mut process.adapter, &process.hello);
        }
        Ok(self.process.insert(process))
    }
}

/// What an idle process holds open: measured after one socket has come and gone, since libraries open some things late.
fn warm_up(adapter: &mut Adapter, hello: &Hello) -> Option<Left> {
    const WITHIN: Duration = Duration::from_secs(10);
    let kind = hello.sockets.first()?.clone();
    let s = "warm-up".to_owned();
    adapter.call(RequestBody::Open { s: s.clone(), ctx: None, kind, options: BTreeMap::new() }, WITHIN).ok()?;
    // A subject that cannot bind has nothing more to open.
    let _ = adapter.call(RequestBody::Bind { s, endpoint: "tcp://127.0.0.1:*".to_owned() }, WITHIN);
    adapter.call(RequestBody::Reset {}, WITHIN).ok()?.left
}

/// What has to be the same each time: everything but times and the way a connection happened to close.
fn sameness(played: &Played) -> (Conformance, Option<String>, Survival, Option<String>) {
    let fingerprint = played.failure.as_ref().map(|failure| failure.fingerprint.clone());
    (played.verdict.conformance, played.verdict.variant.clone(), played.verdict.survival, fingerprint)
}

fn around(slug: &str, unmet: Unmet, played: &Played) -> Failure {
    let before = played.failure.as_ref();
    Failure {
        step: 0,
        step_text: "around the steps".to_owned(),
        accepted: unmet.accepted,
        came: unmet.came,
        hex: before.map(|failure| failure.hex.clone()).unwrap_or_default(),
        fingerprint: slug.to_owned(),
        exit: before.and_then(|failure| failure.exit.clone()),
        stderr_tail: before.map(|failure| failure.stderr_tail.clone()).unwrap_or_default(),
    }
}

fn unstarted(error: &StartError) -> Played {
    let text = format!("the subject could not be started again: {error}");
    Played {
        verdict: Verdict {
            conformance: Conformance::Inconclusive,
            variant: None,
            close: None,
            survival: Survival::Crashed,
        },
        failure: Some(Failure {
            step: 0,
            step_text: "around the steps".to_owned(),
            accepted: vec!["the subject starts".to_owned()],
            came: text.clone(),
            hex: Vec::new(),
            fingerprint: "unstarted".to_owned(),
            exit: None,
            stderr_tail: error.stderr_tail().to_vec(),
        }),
        transcript: Vec::new(),
        replace: None,
        harness_error: Some(text),
        left: None,
    }
}
