//! The command line: verbs, their options, and what they print. The work is done elsewhere.

mod artefact;
mod check;
mod compare;
mod inspect;
mod options;
mod sim;
mod subjects;
mod teeth;
mod usage;
mod vectors;
mod voice;

use std::process::ExitCode;

use clap::Parser as _;
use options::{Cli, Verb};

use crate::exit::Exit;

/// Why a verb could not do its work: one line for the user, and the exit code.
#[derive(Debug)]
pub(crate) struct Refusal {
    exit: Exit,
    text: String,
}

impl Refusal {
    fn new(exit: Exit, text: impl std::fmt::Display) -> Self {
        Self { exit, text: format!("{text}") }
    }

    fn usage(text: impl std::fmt::Display) -> Self {
        Self::new(Exit::Usage, text)
    }
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::refuse(&error),
    };
    let outcome = match cli.verb {
        Verb::Check(options) => check::run(&options),
        Verb::List(options) => inspect::list(&options),
        Verb::Explain { id } => inspect::explain(&id),
        Verb::Coverage(options) => inspect::coverage(&options),
        Verb::Lint(options) => inspect::lint(&options),
        Verb::Expect(verb) => compare::expect(&verb),
        Verb::Diff(options) => compare::diff(&options),
        Verb::Replay(options) => artefact::replay(&options),
        Verb::Subject(verb) => subjects::run(&verb),
        Verb::Teeth(options) => teeth::run(&options),
        Verb::Vectors(verb) => vectors::run(&verb),
        Verb::Sim(verb) => sim::run(&verb),
        Verb::Adapter(options::AdapterVerb::Libzmq { library }) => {
            return crate::adapter::libzmq::serve_libzmq(library.as_deref());
        }
        Verb::Adapter(options::AdapterVerb::Reference) => return crate::adapter::reference::serve_reference(),
        Verb::CaptiveHost => return sim::captive_host(),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(refusal) => {
            voice::complain(&refusal.text);
            ExitCode::from(refusal.exit.code())
        }
    }
}
