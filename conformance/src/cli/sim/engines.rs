//! What carries plans out, as the command line names it.

use clap::ValueEnum;
use zmq_sim::bare::Bare;
use zmq_sim::engine::Engine;
use zmq_sim::plan::Plan;

use super::options::By;
use crate::cli::Refusal;
use crate::cli::voice::remark;
use crate::report::text::shell_quote;
use crate::subject::{Libzmq, SubjectSpec};

#[cfg(all(feature = "captive", target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
mod captive;
#[cfg(not(all(feature = "captive", target_os = "linux", target_arch = "x86_64", target_env = "gnu")))]
#[path = "engines/no_captive.rs"]
mod captive;

pub(in crate::cli) use captive::host as captive_host;

/// How the reference carries plans out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum EngineWord {
    /// Its machines in a plain loop: the quickest
    #[default]
    Bare,
    /// As it is shipped, its async tasks run by madsim
    Madsim,
    /// As it is shipped, on real sockets and in real time: no two runs are alike
    Tokio,
}

/// Who carries plans out, and how. What was typed, and what is to be typed to have it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Carrier {
    who: Who,
    /// Whether plans are given trouble that they do not have by themselves.
    trouble: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Reference(EngineWord),
    Libzmq(Libzmq),
}

impl Carrier {
    /// As it was typed.
    pub(super) fn of(by: &By) -> Result<Self, Refusal> {
        let who = match (by.subject.as_deref().map(subject).transpose()?, by.engine) {
            (None | Some(Subject::Reference), engine) => Who::Reference(engine.unwrap_or_default()),
            (Some(Subject::Libzmq(which)), None) => Who::Libzmq(which),
            (Some(Subject::Libzmq(which)), Some(_)) => {
                return Err(Refusal::usage(format!(
                    "expected one of `--impl {}` and `--engine`, found both: engines are the reference's, and libzmq has \
                     one of its own",
                    SubjectSpec::Libzmq(which)
                )));
            }
        };
        Ok(Self { who, trouble: by.trouble })
    }

    /// The reference's plain loop, which is the default.
    pub(super) fn bare() -> Self {
        Self { who: Who::Reference(EngineWord::Bare), trouble: false }
    }

    /// What carries plans out. Says on stderr what there is to know of it beforehand.
    pub(super) fn engine(&self) -> Result<Box<dyn Engine>, Refusal> {
        match &self.who {
            Who::Reference(EngineWord::Bare) => Ok(Box::new(Bare)),
            Who::Reference(EngineWord::Madsim) => madsim(),
            Who::Reference(EngineWord::Tokio) => {
                remark(
                    "tokio: real sockets and a real clock; a seed says what is done and not what comes of it, so a failure \
                     may not come again",
                );
                Ok(Box::new(zmq_sim_library::RealTokio))
            }
            Who::Libzmq(which) => captive::engine(which),
        }
    }

    /// Refuses where the same plan is not the same run, which `what` needs.
    pub(super) fn repeating(&self, what: &str) -> Result<(), Refusal> {
        match self.who {
            Who::Reference(EngineWord::Tokio) => Err(Refusal::usage(format!(
                "expected an engine with which the same plan is the same run, for {what}, found tokio, which is on real \
                 sockets and in real time"
            ))),
            Who::Reference(EngineWord::Bare | EngineWord::Madsim) | Who::Libzmq(_) => Ok(()),
        }
    }

    /// The plan as it is carried out.
    pub(super) fn given(&self, mut plan: Plan) -> Plan {
        plan.trouble |= self.trouble;
        plan
    }

    /// Its name: `bare`, `madsim`, `tokio`, `libzmq@4.3.5`.
    pub(super) fn word(&self) -> String {
        match &self.who {
            Who::Reference(EngineWord::Bare) => "bare".to_owned(),
            Who::Reference(EngineWord::Madsim) => "madsim".to_owned(),
            Who::Reference(EngineWord::Tokio) => "tokio".to_owned(),
            Who::Libzmq(which) => SubjectSpec::Libzmq(which.clone()).to_string(),
        }
    }

    /// As it is written on the command line, where it is not the default.
    pub(super) fn words(&self) -> String {
        let who = match &self.who {
            Who::Reference(EngineWord::Bare) => String::new(),
            Who::Reference(EngineWord::Madsim | EngineWord::Tokio) => format!(" --engine {}", self.word()),
            Who::Libzmq(_) => format!(" --impl {}", shell_quote(&self.word())),
        };
        let trouble = if self.trouble { " --trouble" } else { "" };
        who + trouble
    }

    /// What somebody may do whose plan it cannot carry out.
    pub(super) fn instead(&self) -> &'static str {
        match self.who {
            Who::Reference(_) => "--engine names another",
            Who::Libzmq(_) => "without --impl the reference carries it out",
        }
    }
}

/// What can stand behind `--impl`.
enum Subject {
    Reference,
    Libzmq(Libzmq),
}

fn subject(word: &str) -> Result<Subject, Refusal> {
    match word.parse() {
        Ok(SubjectSpec::Reference) => Ok(Subject::Reference),
        Ok(SubjectSpec::Libzmq(which)) => Ok(Subject::Libzmq(which)),
        Ok(SubjectSpec::Exec(_) | SubjectSpec::Tcp { .. } | SubjectSpec::Attach(_)) | Err(_) => {
            Err(Refusal::usage(format!(
                "expected `reference`, `libzmq`, `libzmq:PATH` or `libzmq@VERSION` behind --impl, found `{word}`: of \
                 these a simulation can hold every thread and clock"
            )))
        }
    }
}

#[cfg(all(feature = "madsim", madsim))]
#[expect(clippy::unnecessary_wraps, reason = "a build without madsim refuses")]
fn madsim() -> Result<Box<dyn Engine>, Refusal> {
    Ok(Box::new(zmq_sim_madsim::engine()))
}

#[cfg(not(all(feature = "madsim", madsim)))]
fn madsim() -> Result<Box<dyn Engine>, Refusal> {
    Err(Refusal::new(
        crate::exit::Exit::NoSubject,
        "expected a zmqspec with madsim, found one that was built without: it takes --cfg madsim in RUSTFLAGS and the \
         feature madsim",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carrier(subject: Option<&str>, engine: Option<EngineWord>) -> Result<Carrier, Refusal> {
        Carrier::of(&By { subject: subject.map(str::to_owned), engine, trouble: false })
    }

    #[test]
    fn what_is_to_be_typed_is_what_was_typed() {
        for (subject, engine, word, words) in [
            (None, None, "bare", ""),
            (Some("reference"), Some(EngineWord::Bare), "bare", ""),
            (Some("reference"), Some(EngineWord::Madsim), "madsim", " --engine madsim"),
            (None, Some(EngineWord::Tokio), "tokio", " --engine tokio"),
            (Some("libzmq"), None, "libzmq", " --impl libzmq"),
            (Some("libzmq@4.1.6"), None, "libzmq@4.1.6", " --impl libzmq@4.1.6"),
            (Some("libzmq:a b/libzmq.so"), None, "libzmq:a b/libzmq.so", " --impl 'libzmq:a b/libzmq.so'"),
        ] {
            let carrier = carrier(subject, engine).unwrap();
            assert_eq!((carrier.word().as_str(), carrier.words().as_str()), (word, words));
        }
        let by = By { subject: Some("libzmq".to_owned()), engine: None, trouble: true };
        assert_eq!(Carrier::of(&by).unwrap().words(), " --impl libzmq --trouble");
    }

    #[test]
    fn only_what_can_be_held_is_let_in() {
        for word in ["exec:python3 x.py", "tcp://h:1?type=REP", "attach:x", "libzm", "libzmq@", ""] {
            let refusal = carrier(Some(word), None).unwrap_err();
            assert!(refusal.text.contains(&format!("found `{word}`")), "{refusal:?}");
        }
        let both = carrier(Some("libzmq"), Some(EngineWord::Bare)).unwrap_err();
        assert!(both.text.contains("found both"), "{both:?}");
    }
}
