//! What carries plans out, by name.

use clap::ValueEnum;
use zmq_sim::bare::Bare;
use zmq_sim::engine::Engine;

use crate::cli::Refusal;

/// Names of engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum EngineWord {
    /// The reference's machines in a plain loop: the quickest
    Bare,
    /// The reference as it is shipped, its async tasks run by madsim
    Madsim,
}

impl EngineWord {
    pub(super) fn engine(self) -> Result<Box<dyn Engine>, Refusal> {
        match self {
            Self::Bare => Ok(Box::new(Bare)),
            Self::Madsim => madsim(),
        }
    }

    /// Its name.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Madsim => "madsim",
        }
    }

    /// As it is written on the command line, where it is not the default.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Bare => "",
            Self::Madsim => " --engine madsim",
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
