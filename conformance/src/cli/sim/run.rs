//! `sim run`: one plan.

use std::path::Path;

use zmq_sim::engine::{Engine, Recording};
use zmq_sim::plan::Plan;
use zmq_sim::render::Picture;
use zmq_sim::trial::Trial;

use super::engines::Carrier;
use super::options::RunOptions;
use super::source::Chosen;
use super::told::{Telling, exit_of};
use crate::cli::Refusal;
use crate::cli::voice::{print_line, remark};
use crate::exit::Exit;

pub(super) fn run(options: &RunOptions) -> Result<u8, Refusal> {
    let chosen = Chosen::of(&options.what)?;
    let carrier = Carrier::of(&options.by)?;
    if options.twice {
        carrier.repeating("--twice")?;
    }
    let plan = chosen.plan_for(&carrier)?;
    let engine = carrier.engine()?;
    able(&carrier, engine.as_ref(), &plan)?;
    let trial = Trial::new(engine.as_ref());
    let (tried, difference) = if options.twice {
        trial.twice(&plan, Recording::Network)
    } else {
        (trial.attempt(&plan, Recording::Network), None)
    };
    let on_stdout = options.json.as_deref() == Some(Path::new("-"));
    if let Some(file) = &options.json {
        let lines = Picture::new(&plan, &tried.run, &tried.violations).json_lines();
        if on_stdout {
            lines.lines().for_each(print_line);
        } else {
            write(file, lines.as_bytes())?;
        }
    }
    let say = if on_stdout { remark } else { print_line };
    let telling = Telling { source: &chosen.source, seed: chosen.seed, carrier: &carrier, plan: &plan, tried: &tried };
    if let Some(difference) = difference {
        say(&format!("DIFFERED {}: the same plan gave two runs; {difference}", chosen.words()));
        return Ok(Exit::HarnessError.code());
    }
    if tried.violations.is_empty() {
        telling.kept().iter().for_each(|line| say(line));
    } else {
        let file = telling.save(&options.save)?;
        telling.failed(Some(&file)).iter().for_each(|line| say(line));
    }
    Ok(exit_of(&tried.violations).code())
}

/// Whether the engine can do what is in the plan. What it passes over is said.
pub(super) fn able(carrier: &Carrier, engine: &dyn Engine, plan: &Plan) -> Result<(), Refusal> {
    if let Some(lacks) = engine.lacks(plan) {
        let (word, instead) = (carrier.word(), carrier.instead());
        let text = format!("expected a plan for {word}, which has not: {lacks}; {instead}");
        return Err(Refusal::new(Exit::NothingMatched, text));
    }
    engine.ignores(plan).iter().for_each(|what| remark(&format!("{}: {what}", carrier.word())));
    Ok(())
}

pub(super) fn write(file: &Path, octets: &[u8]) -> Result<(), Refusal> {
    std::fs::write(file, octets)
        .map_err(|error| Refusal::usage(format!("expected to write {}, came: {error}", file.display())))
}
