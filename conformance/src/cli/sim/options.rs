//! What can be written behind `zmqspec sim`.

use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::engines::EngineWord;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SimVerb {
    /// Carry out one plan, and say which promise it breaks
    Run(RunOptions),
    /// Carry out many seeds, of a scenario or drawn from all there is, until one fails
    Sweep(SweepOptions),
    /// Make a plan that fails small: fewer faults, hosts, messages, shorter times
    Shrink(ShrinkOptions),
    /// Show a run: in words, as a page, for Wireshark, for Perfetto
    Trace(TraceOptions),
    /// Say of each lost message where it died, which clause allows it, and which option would have kept it
    Explain(ExplainOptions),
    /// Carry out the same plan with the reference and with libzmq, and say of each difference whether it may be
    Compare(CompareOptions),
    /// Print the plan that a seed or a scenario draws
    Draw(What),
    /// List the built-in scenarios
    List,
    /// Print the JSON schema of scenario files, for editors
    Schema,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct What {
    /// A seed (g1:7), a file (a scenario or a saved plan), or a built-in scenario
    #[arg(value_name = "SEED|FILE")]
    pub(super) what: String,
    /// The seed that a scenario is drawn with
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) seed: Option<u64>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct By {
    /// Whose sockets carry plans out: reference, libzmq, libzmq:PATH, libzmq@VERSION; the reference's if absent
    #[arg(long = "impl", value_name = "SUBJECT")]
    pub(super) subject: Option<String>,
    /// What carries plans out with the reference; bare if absent
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub(super) engine: Option<EngineWord>,
    /// With trouble in what the implementation asks of its system, in plans that have none by themselves
    #[arg(long)]
    pub(super) trouble: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RunOptions {
    #[command(flatten)]
    pub(super) what: What,
    #[command(flatten)]
    pub(super) by: By,
    /// Carry it out twice: both runs have to be the same
    #[arg(long)]
    pub(super) twice: bool,
    /// Write every event of the run as a JSON line; `-` for stdout, with everything else on stderr
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Where a plan that fails is saved
    #[arg(long, value_name = "DIR", default_value = "failures")]
    pub(super) save: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SweepOptions {
    /// A scenario to draw plans from, a file or a built-in one; absent: every topology and fault there is
    #[arg(value_name = "FILE")]
    pub(super) file: Option<String>,
    /// Seeds from A up to, and without, B
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    pub(super) seeds: Option<Range<u64>>,
    /// Begin no seed after this many seconds
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    pub(super) time: Option<u64>,
    /// Plans side by side; absent: as many as there are processors
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) jobs: Option<u16>,
    #[command(flatten)]
    pub(super) by: By,
    /// Carry each plan out twice: both runs have to be the same
    #[arg(long)]
    pub(super) twice: bool,
    /// Go on after a failure
    #[arg(long)]
    pub(super) keep_going: bool,
    /// Print which clauses were reached, and how often
    #[arg(long)]
    pub(super) report: bool,
    /// Write a JSON line for each seed; `-` for stdout, with everything else on stderr
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Where plans that fail are saved
    #[arg(long, value_name = "DIR", default_value = "failures")]
    pub(super) save: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ShrinkOptions {
    #[command(flatten)]
    pub(super) what: What,
    #[command(flatten)]
    pub(super) by: By,
    /// Carry out no more than this many plans
    #[arg(long, value_name = "N", default_value_t = 2000, allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) budget: u32,
    /// Stop after this many seconds
    #[arg(long, value_name = "S", default_value_t = 60, allow_negative_numbers = true)]
    pub(super) time: u64,
    /// Where the small plan is written; absent: beside FILE as FILE.shrunk.toml
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("form").required(true).multiple(true))]
pub(in crate::cli) struct TraceOptions {
    #[command(flatten)]
    pub(super) what: What,
    #[command(flatten)]
    pub(super) by: By,
    /// Print every event in words
    #[arg(long, group = "form")]
    pub(super) words: bool,
    /// Write a sequence diagram as one page, for a browser
    #[arg(long, value_name = "FILE", group = "form")]
    pub(super) html: Option<PathBuf>,
    /// Write the packets, for Wireshark
    #[arg(long, value_name = "FILE", group = "form")]
    pub(super) pcap: Option<PathBuf>,
    /// Write tracks and flows, for ui.perfetto.dev
    #[arg(long, value_name = "FILE", group = "form")]
    pub(super) perfetto: Option<PathBuf>,
    /// Write every event as a JSON line
    #[arg(long, value_name = "FILE", group = "form")]
    pub(super) json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExplainOptions {
    #[command(flatten)]
    pub(super) what: What,
    #[command(flatten)]
    pub(super) by: By,
    /// Each message that was taken and never received
    #[arg(long, required = true)]
    pub(super) lost: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CompareOptions {
    /// A seed (g1:7), a file (a scenario or a saved plan), or a built-in scenario; absent, with --seeds: every topology
    /// and fault there is
    #[arg(value_name = "SEED|FILE")]
    pub(super) what: Option<String>,
    /// The seed that a scenario is drawn with
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) seed: Option<u64>,
    /// Seeds from A up to, and without, B
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    pub(super) seeds: Option<Range<u64>>,
    #[command(flatten)]
    pub(super) by: By,
}

/// Reads `A..B`.
fn seeds(text: &str) -> Result<Range<u64>, String> {
    let why = || format!("expected seeds as A..B, from A up to and without B, found `{text}`");
    let (from, to) = text.split_once("..").ok_or_else(why)?;
    let seeds = from.parse().map_err(|_| why())?..to.parse().map_err(|_| why())?;
    if seeds.is_empty() { Err(why()) } else { Ok(seeds) }
}
