//! What a word on the command line means: a seed, a saved plan, a scenario.

use std::path::Path;

use zmq_sim::plan::Plan;
use zmq_sim::saved::{NotSaved, Saved};
use zmq_sim::scenario::{Scenario, builtin};
use zmq_sim::swarm::{self, NoSeed, Seed};

use super::engines::Carrier;
use super::options::What;
use crate::case::select::nearest;
use crate::cli::Refusal;
use crate::cli::voice::remark;
use crate::report::text::shell_quote;

/// Where plans come from.
#[derive(Debug)]
pub(super) enum Source {
    /// All topologies and faults there are, drawn by seed.
    Swarm,
    /// A plan; nothing in it is drawn.
    Plan {
        /// The word that named it.
        word: String,
        /// The plan.
        plan: Box<Plan>,
        /// What it was saved with, if the file says so.
        engine: Option<String>,
    },
    /// A scenario with ranges.
    Scenario {
        /// The word that named it.
        word: String,
        /// The scenario.
        scenario: Box<Scenario>,
    },
}

/// A source, and the seed that goes with it.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) source: Source,
    pub(super) seed: u64,
}

impl Source {
    /// What the word for a file or a built-in scenario means.
    pub(super) fn of_file(word: &str) -> Result<Self, Refusal> {
        let text = if Path::new(word).exists() {
            std::fs::read_to_string(word).map_err(|error| {
                Refusal::usage(format!("expected a scenario or a saved plan in {word}, came: {error}"))
            })?
        } else if let Some((_, text)) = builtin().into_iter().find(|(name, _)| *name == word) {
            text.to_owned()
        } else {
            let near = nearest(word, builtin().into_iter().map(|(name, _)| name));
            let hint = if near.is_empty() { String::new() } else { format!("; near it: {}", near.join(", ")) };
            return Err(Refusal::usage(format!(
                "expected a seed as {}, a file with a scenario or a saved plan, or a built-in scenario, found \
                 `{word}`{hint}; `zmqspec sim list` lists the scenarios",
                Seed(7)
            )));
        };
        let refused = |why: &dyn std::fmt::Display| Refusal::usage(format!("{word}: {why}"));
        let scenario = Scenario::read(&text).map_err(|error| refused(&error))?;
        let word = word.to_owned();
        match Saved::read(&text) {
            Ok(saved) => Ok(Self::Plan { word, plan: Box::new(saved.plan), engine: saved.engine }),
            Err(NotSaved::Plan(_)) => Ok(Self::Scenario { word, scenario: Box::new(scenario) }),
            Err(error @ NotSaved::Expects(_)) => Err(refused(&error)),
        }
    }

    /// The plan of a seed, or why there is none.
    pub(super) fn plan(&self, seed: u64) -> Result<Plan, String> {
        match self {
            Self::Swarm => Ok(swarm::draw(seed)),
            Self::Plan { plan, .. } => Ok(Plan { seed, ..(**plan).clone() }),
            Self::Scenario { scenario, .. } => scenario.draw(seed).map_err(|error| error.to_string()),
        }
    }

    /// The seed as people write it.
    pub(super) fn seed_word(&self, seed: u64) -> String {
        match self {
            Self::Swarm => Seed(seed).to_string(),
            Self::Plan { .. } | Self::Scenario { .. } => seed.to_string(),
        }
    }

    /// The words that name the plan of a seed on the command line.
    pub(super) fn words(&self, seed: u64) -> String {
        match self {
            Self::Swarm => self.seed_word(seed),
            Self::Plan { word, plan, .. } if plan.seed == seed => shell_quote(word),
            Self::Plan { word, .. } | Self::Scenario { word, .. } => format!("{} --seed {seed}", shell_quote(word)),
        }
    }
}

impl Chosen {
    /// What the words mean.
    pub(super) fn of(what: &What) -> Result<Self, Refusal> {
        if let Some(seed) = seed_of(&what.what)? {
            if what.seed.is_some() {
                return Err(Refusal::usage("expected a seed once, found it as a word and behind --seed"));
            }
            return Ok(Self { source: Source::Swarm, seed });
        }
        let source = Source::of_file(&what.what)?;
        let own = match &source {
            Source::Swarm => None,
            Source::Plan { plan, .. } => Some(plan.seed),
            Source::Scenario { scenario, .. } => scenario.seed(),
        };
        Ok(Self { source, seed: what.seed.or(own).unwrap_or(0) })
    }

    /// The plan as somebody carries it out. Who else it was saved with is said: that is another run.
    pub(super) fn plan_for(&self, carrier: &Carrier) -> Result<Plan, Refusal> {
        if let Source::Plan { word, engine: Some(engine), .. } = &self.source
            && *engine != carrier.word()
        {
            remark(&format!("{word} was saved with {engine}; with {} it is another run", carrier.word()));
        }
        Ok(carrier.given(self.plan()?))
    }

    pub(super) fn plan(&self) -> Result<Plan, Refusal> {
        self.source.plan(self.seed).map_err(|why| Refusal::usage(format!("{}: {why}", self.words())))
    }

    pub(super) fn words(&self) -> String {
        self.source.words(self.seed)
    }
}

/// `g1:7`, or `7`; nothing: the word is no seed.
fn seed_of(word: &str) -> Result<Option<u64>, Refusal> {
    if let Ok(seed) = word.parse() {
        return Ok(Some(seed));
    }
    match word.parse::<Seed>() {
        Ok(seed) => Ok(Some(seed.0)),
        Err(NoSeed::Malformed(_)) => Ok(None),
        Err(error @ NoSeed::OtherGenerator(_)) => Err(Refusal::usage(error)),
    }
}
