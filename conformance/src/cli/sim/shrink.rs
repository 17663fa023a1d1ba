//! `sim shrink`: a plan that fails, made small.

use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use zmq_sim::engine::Recording;
use zmq_sim::plan::{Plan, Step};
use zmq_sim::saved::{self, Origin};
use zmq_sim::shrink::{Budget, Minimal, Progress, shrink, words};
use zmq_sim::trial::Trial;

use super::engines::Carrier;
use super::options::ShrinkOptions;
use super::run::{able, write};
use super::source::{Chosen, Source};
use crate::cli::Refusal;
use crate::cli::voice::print_line;
use crate::exit::Exit;
use crate::report::text::{counted, shell_quote};
use crate::report::{self, ConsoleStyle, Verbosity};

pub(super) fn run(options: &ShrinkOptions) -> Result<u8, Refusal> {
    let chosen = Chosen::of(&options.what)?;
    let carrier = Carrier::of(&options.by)?;
    carrier.repeating("shrinking")?;
    let plan = chosen.plan_for(&carrier)?;
    let engine = carrier.engine()?;
    able(&carrier, engine.as_ref(), &plan)?;
    let trial = Trial::new(engine.as_ref());
    let bar = bar();
    let budget = Budget { replays: options.budget, time: Duration::from_secs(options.time) };
    let shrunk = shrink(&trial, &plan, budget, &mut |progress: Progress<'_>| {
        bar.set_message(format!("{} replays, {}; trying {}", progress.replays, size(progress.plan), progress.trying));
        bar.tick();
    });
    bar.finish_and_clear();
    let shrunk = shrunk.map_err(|succeeds| {
        Refusal::new(Exit::NothingMatched, format!("{succeeds}; `zmqspec sim sweep` looks for one that fails"))
    })?;
    let tried = trial.attempt(&shrunk.plan, Recording::History);
    let name = chosen.source.seed_word(chosen.seed);
    let origin = Origin {
        seed: Some(&name),
        version: env!("CARGO_PKG_VERSION"),
        commit: env!("ZMQSPEC_COMMIT"),
        engine: &carrier.word(),
        hash: tried.run.hash,
    };
    let file = options.out.clone().unwrap_or_else(|| beside(&chosen, &plan));
    write(&file, saved::failing(&shrunk.plan, &shrunk.violation, origin).as_bytes())?;
    print_line(&format!("{}, from {}", size(&shrunk.plan), size(&plan)));
    print_line(&format!("  {}", shrunk.violation));
    words::plan(&shrunk.plan).iter().for_each(|line| print_line(&format!("  {line}")));
    let minimal = match shrunk.minimal {
        Minimal::Proved => "no single part of it can be left out",
        Minimal::InFaultsAndTimes => {
            "no fault is needed; hosts, steps and numbers stay, as without a fault nothing tells this failure from that of \
             a plan in which somebody is gone"
        }
        Minimal::BudgetOver => "the budget was over before it was as small as can be; --budget and --time have more",
    };
    print_line(&format!("{}; {minimal}", counted(usize::try_from(shrunk.replays).unwrap_or(usize::MAX), "replay")));
    let word = shell_quote(&file.display().to_string());
    print_line(&format!("wrote {word}; next: zmqspec sim run {word}{}", carrier.words()));
    Ok(Exit::AsExpected.code())
}

fn size(plan: &Plan) -> String {
    let steps = plan.actors.iter().flat_map(|actor| &actor.r#do);
    let sent: u32 = steps
        .map(|step| match step {
            Step::Send(send) => send.count,
            Step::Request(request) => request.count,
            _ => 0,
        })
        .sum();
    let all = [
        counted(plan.faults.len(), "fault"),
        counted(plan.hosts.len(), "host"),
        counted(plan.sockets.len(), "socket"),
        counted(usize::try_from(sent).unwrap_or(usize::MAX), "message"),
    ];
    all.join(", ")
}

/// `FILE.shrunk.toml`; in this folder, where there is no file.
fn beside(chosen: &Chosen, plan: &Plan) -> PathBuf {
    match &chosen.source {
        Source::Plan { word, .. } | Source::Scenario { word, .. } if Path::new(word).exists() => {
            let word = word.strip_suffix(".toml").unwrap_or(word);
            PathBuf::from(format!("{word}.shrunk.toml"))
        }
        Source::Swarm | Source::Plan { .. } | Source::Scenario { .. } => {
            let name = saved::file_name(&plan.title, &chosen.source.seed_word(chosen.seed));
            PathBuf::from(name.replace(".toml", ".shrunk.toml"))
        }
    }
}

fn bar() -> ProgressBar {
    let bar = match ConsoleStyle::detect(Verbosity::Normal).progress {
        report::Progress::Bar => ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()),
        report::Progress::Lines => ProgressBar::hidden(),
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar
}
