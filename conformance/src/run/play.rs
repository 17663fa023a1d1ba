//! Plays one case: its steps in order, then the survival check, then `reset`; and judges what came.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::time::{Duration, Instant};

use super::stage::{Monitored, SUBJECT, Stage, Stop};
use super::survive;
use super::trouble::{Trouble, Unmet};
use super::zap::Handler;
use crate::adapter::process::{Adapter, CallError, LogDirection};
use crate::adapter::protocol::{Hello, Left, Reply, RequestBody};
use crate::case::file::{Case, Class, counterpart};
use crate::case::security::Security;
use crate::case::step::{Act, Outcome, Pace, Step};
use crate::event::{Exchange, Exchanged, Failure, RunId};
use crate::peer::link::Link;
use crate::sabotage::Saboteur;
use crate::verdict::{Close, Conformance, Survival, Verdict};
use crate::wire::dialect::Dialect;
use crate::wire::greeting::Version;

/// What surrounds every case of a run.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// Longest wait of one step.
    pub patience: Duration,
    /// Waits for Enter before this step, from 1.
    pub pause_before: Option<usize>,
    /// The sin to commit.
    pub saboteur: Option<Saboteur>,
}

/// Which answer counts where text and deployed practice differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// The deployed form passes.
    #[default]
    Interop,
    /// Only the text counts: cases of class `defacto` do not gate.
    Strict,
}

impl Profile {
    /// Its word in files and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Interop => "interop",
            Self::Strict => "strict",
        }
    }
}

/// What came of a case.
#[derive(Debug)]
pub struct Played {
    /// The verdict.
    pub verdict: Verdict,
    /// What went wrong, for everything but a plain pass.
    pub failure: Option<Failure>,
    /// Everything that passed.
    pub transcript: Vec<Exchange>,
    /// Why the subject's process must not serve another case; `None` if it may.
    pub replace: Option<String>,
    /// What the harness could not do; the run is then an error.
    pub harness_error: Option<String>,
    /// What `reset` left, where it was answered.
    pub left: Option<Left>,
}

/// Plays a case of a process that has just been reset; `baseline` is what that reset left.
pub fn play(
    adapter: &mut Adapter,
    hello: &Hello,
    case: &Case,
    run: &RunId,
    setting: &Setting,
    baseline: Option<&Left>,
) -> Played {
    let _ = adapter.take_log();
    // Events of the case before; all have come when its `reset` was answered.
    let _ = adapter.take_unsolicited();
    let version = run.zmtp.parse().unwrap_or(Version::V3_1);
    let mut player = Player {
        stage: Stage::new(adapter, hello, case, run.role, setting.patience, setting.saboteur.as_ref()),
        case,
        version,
        kind: counterpart(&case.subject).unwrap_or_default(),
        captures: BTreeMap::new(),
        variant: None,
        close: None,
        probes: 0,
        handler: None,
        pace: Pace::AtOnce,
        admits: false,
    };
    player.stage.dialect = Dialect::of(version);
    player.stage.transport = case.transport;
    let outcome = player.perform(run, setting);
    let mut ending = Ending::default();
    if outcome.is_ok() || matches!(outcome, Err((_, Trouble::Unmet(_) | Trouble::Unreached(_)))) {
        ending.survive(&mut player, case.hostile && outcome.is_ok());
    }
    if let Err((_, Trouble::Adapter(error))) = &outcome {
        // Whoever did not answer a step is not asked to `reset`: that would wait in vain once more.
        ending.adapter_failed(error);
    }
    ending.reset(&mut player, baseline);
    // Nothing of the case is left to be disturbed.
    player.stage.peers.values().filter_map(|peer| peer.link.as_ref()).for_each(Link::leave_nothing);
    player.judge(&outcome, ending)
}

/// A case on its way.
pub(super) struct Player<'a> {
    pub(super) stage: Stage<'a>,
    pub(super) case: &'a Case,
    /// Version that the raw peers greet with.
    pub(super) version: Version,
    /// Socket type that the raw peers take unless a step says otherwise.
    pub(super) kind: &'static str,
    pub(super) captures: BTreeMap<String, Vec<u8>>,
    /// Name of an accepted outcome other than the preferred one.
    pub(super) variant: Option<String>,
    pub(super) close: Option<Close>,
    pub(super) probes: usize,
    /// The ZAP handler, while there is one.
    pub(super) handler: Option<Handler>,
    /// How handshakes are written.
    pub(super) pace: Pace,
    /// Whether the ZAP handler admits who is asked for, because no step is about it.
    pub(super) admits: bool,
}

/// What survival check and `reset` came to.
#[derive(Default)]
struct Ending {
    survival: Option<(Survival, String)>,
    replace: Option<String>,
    harness_error: Option<String>,
    left: Option<Left>,
}

type Failed = (usize, Trouble);

impl Player<'_> {
    fn perform(&mut self, run: &RunId, setting: &Setting) -> Result<(), Failed> {
        if !self.stage.hello.zmtp.contains(&run.zmtp) {
            return Err((0, Trouble::Unsupported(format!("does not speak ZMTP {}", run.zmtp))));
        }
        let monitored = if self.case.monitored { Monitored::Yes } else { Monitored::No };
        self.stage.open(SUBJECT, &self.case.subject, &self.case.options, monitored).map_err(|trouble| (0, trouble))?;
        if self.case.zap.is_some() && self.case.security == Some(Security::CurveServer) {
            for name in ["peer", "A", "B"] {
                self.captures.insert(format!("key-of-{name}"), self.stage.pair(name).public.to_vec());
            }
        }
        if let Some(kind) = self.case.zap {
            self.bind_handler(kind).map_err(|trouble| (0, trouble.on_the_way()))?;
        }
        if self.case.hostile {
            survive::place_bystander(self).map_err(|trouble| (0, trouble.on_the_way()))?;
        }
        for (i, step) in self.case.steps.iter().enumerate() {
            if setting.pause_before == Some(i + 1) {
                pause(self.stage.adapter.pid(), i + 1, step);
            }
            self.step(step).map_err(|trouble| (i + 1, trouble))?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), Trouble> {
        match &step.act {
            Act::Peer { who, act } => self.peer_step(who, act),
            Act::Subject(act) => self.subject_step(act),
            Act::Zap(act) => self.zap_step(act),
            Act::Differs { left, right } => {
                if self.captures.get(left) == self.captures.get(right) {
                    let came = "both are the same";
                    return Err(Unmet::new(format!("${left} differs from ${right}"), came, "same").into());
                }
                Ok(())
            }
        }
    }

    fn judge(mut self, outcome: &Result<(), Failed>, mut ending: Ending) -> Played {
        let exit = self.stage.adapter.exit_within(Duration::ZERO);
        let mut failure = None;
        let conformance = match outcome {
            Ok(()) if self.variant.is_some() => Conformance::Variant,
            Ok(()) => Conformance::Pass,
            Err((step, trouble)) => {
                let (conformance, unmet) = self.weigh(trouble, &mut ending);
                failure = unmet.map(|unmet| self.failure(*step, unmet));
                conformance
            }
        };
        let (survival, words) = match (&exit, ending.survival.take()) {
            (Some(exit), _) => (Survival::Crashed, format!("the process ended with {exit}")),
            (None, Some((survival, words))) => (survival, words),
            (None, None) => (Survival::Ok, String::new()),
        };
        if survival != Survival::Ok {
            let failure = failure.get_or_insert_with(|| {
                let slug = survival.word();
                let unmet = Unmet::new("the subject survives and goes on serving", words.clone(), slug);
                Failure { fingerprint: slug.to_owned(), ..self.failure(0, unmet) }
            });
            failure.exit = exit.map(|exit| exit.to_string());
            failure.stderr_tail = self.stage.adapter.stderr_tail();
        }
        if exit.is_some() {
            ending.replace.get_or_insert_with(|| words.clone());
        }
        // In which step a death shows is a matter of timing; that it happened is the verdict.
        let conformance = if survival == Survival::Crashed {
            self.close = None;
            if let Some(failure) = failure.as_mut() {
                survival.word().clone_into(&mut failure.fingerprint);
            }
            Conformance::Inconclusive
        } else {
            conformance
        };
        let variant = match conformance {
            Conformance::Variant => self.variant.take(),
            Conformance::Contested => failure.as_ref().map(|failure| failure.fingerprint.clone()),
            Conformance::Pass | Conformance::Fail | Conformance::Unsupported | Conformance::Inconclusive => None,
        };
        let verdict = Verdict { conformance, variant, close: self.close, survival };
        for (at, direction, line) in self.stage.adapter.take_log() {
            let what = match direction {
                LogDirection::Request => Exchanged::Request(line),
                LogDirection::Reply | LogDirection::Event => Exchanged::Reply(line),
            };
            self.stage.record.add_at(at, "adapter", what);
        }
        Played {
            verdict,
            failure,
            transcript: self.stage.record.finish(),
            replace: ending.replace,
            harness_error: ending.harness_error,
            left: ending.left,
        }
    }

    /// What a trouble means for the clause.
    fn weigh(&mut self, trouble: &Trouble, ending: &mut Ending) -> (Conformance, Option<Unmet>) {
        match trouble {
            Trouble::Unmet(unmet) => {
                let conformance = match self.case.class {
                    Class::Spec | Class::Defacto => Conformance::Fail,
                    Class::Either | Class::Robust => Conformance::Contested,
                };
                (conformance, Some(unmet.clone()))
            }
            Trouble::Unreached(unmet) => (Conformance::Inconclusive, Some(unmet.clone())),
            Trouble::Unsupported(what) => (
                Conformance::Unsupported,
                Some(Unmet::new("a subject that has what the case needs", what.clone(), "unsupported")),
            ),
            Trouble::Adapter(error) => {
                let slug = match error {
                    CallError::Refused(refusal) => format!("refused-{}", refusal.class.word()),
                    CallError::Timeout { .. } | CallError::Silent | CallError::Stalled { .. } => "wedged".to_owned(),
                    CallError::Gone(exit) => format!("crashed-{}", exit.to_string().replace(' ', "-")),
                    CallError::Fault { .. } => "fault".to_owned(),
                    CallError::Nonsense { .. } | CallError::Flooded { .. } | CallError::Io { .. } => {
                        "adapter".to_owned()
                    }
                };
                ending.adapter_failed(error);
                let unmet = Unmet::new("the adapter carries the request out", error.to_string(), slug);
                let refused = matches!(error, CallError::Refused(_));
                (if refused { Conformance::Fail } else { Conformance::Inconclusive }, Some(unmet))
            }
            Trouble::Harness(text) => {
                ending.harness_error.get_or_insert_with(|| text.clone());
                (Conformance::Inconclusive, Some(Unmet::new("the harness does its part", text.clone(), "harness")))
            }
        }
    }

    fn failure(&self, step: usize, unmet: Unmet) -> Failure {
        let step_text = match step.checked_sub(1).and_then(|i| self.case.steps.get(i)) {
            Some(step) => step.text.clone(),
            None => "around the steps".to_owned(),
        };
        let hex = self
            .stage
            .peers
            .values()
            .filter(|peer| !peer.name.starts_with(char::is_numeric))
            .flat_map(|peer| peer.evidence(7))
            .collect();
        Failure {
            step,
            step_text,
            accepted: unmet.accepted,
            came: unmet.came,
            hex,
            fingerprint: format!("step-{step}:{}", unmet.slug),
            exit: None,
            stderr_tail: Vec::new(),
        }
    }

    /// Remembers which of the accepted outcomes came.
    pub(super) fn accept(&mut self, accepted: &[&str], came: &str) {
        if accepted.first() != Some(&came) {
            self.variant = Some(came.to_owned());
        }
    }

    /// Remembers what the last demand on the connection came to.
    pub(super) fn note_close(&mut self, outcome: Outcome, ended: Option<Close>) {
        self.close = Some(match (outcome, ended) {
            (_, Some(how)) => how,
            (Outcome::Silent | Outcome::Error, None) => Close::Timeout,
            (_, None) => Close::Open,
        });
    }

    /// The connection of a step that failed.
    pub(super) fn note_stop(&mut self, stop: &Stop) {
        if let Stop::Ended(how) = stop {
            self.close = Some(*how);
        }
    }
}

impl Ending {
    fn survive(&mut self, player: &mut Player<'_>, check: bool) {
        if !check {
            return;
        }
        match survive::check(player) {
            Ok(()) => {}
            Err(survive::Lost::Survival(survival, words)) => self.survival = Some((survival, words)),
            Err(survive::Lost::Trouble(Trouble::Adapter(error))) => self.adapter_failed(&error),
            Err(survive::Lost::Trouble(Trouble::Harness(text))) => self.harness_error = Some(text),
            Err(survive::Lost::Trouble(trouble)) => self.survival = Some((Survival::Wedged, format!("{trouble:?}"))),
        }
    }

    fn adapter_failed(&mut self, error: &CallError) {
        let survival = match error {
            CallError::Refused(_) => return,
            CallError::Timeout { .. } | CallError::Silent | CallError::Stalled { .. } => Survival::Wedged,
            CallError::Gone(_) | CallError::Fault { .. } => Survival::Crashed,
            CallError::Nonsense { .. } | CallError::Flooded { .. } | CallError::Io { .. } => {
                self.harness_error.get_or_insert_with(|| error.to_string());
                self.replace.get_or_insert_with(|| error.to_string());
                return;
            }
        };
        self.survival.get_or_insert_with(|| (survival, error.to_string()));
        self.replace.get_or_insert_with(|| error.to_string());
    }

    fn reset(&mut self, player: &mut Player<'_>, baseline: Option<&Left>) {
        if self.replace.is_some() {
            return;
        }
        // What the library still has to do with peers that left is done first, as any application would in its loop.
        if let Err(Trouble::Adapter(error)) = player.stage.settle(SUBJECT) {
            self.adapter_failed(&error);
            return;
        }
        // The raw peers stay connected: that both ends close at once is a case of its own, not the end of every case.
        match reset_until_clean(player, baseline) {
            Ok(reply) => {
                self.left.clone_from(&reply.left);
                if let (Some(left), Some(baseline)) = (reply.left, baseline)
                    && (left.descriptors > baseline.descriptors || left.sockets > 0)
                {
                    let words = format!(
                        "after `reset` {} descriptors and {} sockets are open, {} and 0 before the case",
                        left.descriptors, left.sockets, baseline.descriptors
                    );
                    // Survival is what hostile cases are about. Elsewhere a process that keeps things is replaced, and
                    // said to be, but the clause under test is not judged by it.
                    if player.case.hostile {
                        self.survival.get_or_insert((Survival::Leaked, words));
                    } else {
                        self.replace.get_or_insert(words);
                    }
                }
            }
            Err(CallError::Refused(refusal)) => {
                self.harness_error =
                    Some(format!("expected the adapter to carry `reset` out, it refused: {refusal}; mend the adapter"));
                self.replace = Some("reset was refused".to_owned());
            }
            Err(error) => self.adapter_failed(&error),
        }
    }
}

/// `reset`, and again while more is open than before the case: a library may still be giving things back.
fn reset_until_clean(player: &mut Player<'_>, baseline: Option<&Left>) -> Result<Reply, CallError> {
    let mut until = None;
    loop {
        let reply = player.stage.adapter.call(RequestBody::Reset {}, player.stage.patience + RESET_GRACE)?;
        let clean = match (&reply.left, baseline) {
            (Some(left), Some(baseline)) => left.descriptors <= baseline.descriptors && left.sockets == 0,
            (None, _) | (_, None) => true,
        };
        if clean || Instant::now() >= *until.get_or_insert_with(|| Instant::now() + GIVING_BACK) {
            return Ok(reply);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How long a library may take to give back what it no longer uses.
const GIVING_BACK: Duration = Duration::from_millis(500);
/// What `reset` may take beyond the patience of a step.
const RESET_GRACE: Duration = Duration::from_secs(10);

fn pause(pid: u32, number: usize, step: &Step) {
    eprintln!("paused before step {number} (`{}`); the subject is process {pid}; press Enter to go on", step.text);
    let _ = std::io::stdin().lock().read_line(&mut String::new());
}
