//! What can be written on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::sim::SimVerb;
use crate::case::file::Tier;
use crate::case::select::{Selection, Shard};
use crate::run::plan::Gate;
use crate::run::play::Profile;

/// The conformance suite for ZeroMQ implementations
#[derive(Debug, Parser)]
#[command(version, name = "zmqspec", max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) verb: Verb,
}

const EXIT_CODES: &str = "Exit codes: 0 as expected, 1 a verdict differs from what was expected, 2 usage or unreadable \
input, 3 the subject could not be started, 4 nothing matched, 5 harness error; of a simulation: 6 something wrong happened, \
7 something right never happened, 8 a crash.\n\nSUBJECT: reference (built in), \
libzmq (the system's), libzmq:PATH, libzmq@VERSION (fetched, pinned), 'exec:COMMAND' (any adapter).";

const SIM_HELP: &str = "A seed or a file is a whole run: the same words give the same run, octet for octet, on any machine.\n\n  \
zmqspec sim sweep --time 60          look for a seed that fails, in every topology there is\n  \
zmqspec sim sweep FILE --seeds 0..1000   look for one in your topology\n  \
zmqspec sim run g1:7                 that seed again, and what it broke\n  \
zmqspec sim shrink failures/NAME.toml    the few faults that matter\n  \
zmqspec sim trace FILE --html run.html   look at it\n  \
zmqspec sim sweep FILE --seeds 0..1000 --impl libzmq   the same with a real libzmq, held captive\n  \
zmqspec sim compare FILE --impl libzmq   and beside the reference\n\n\
Exit codes: 0 every promise kept, 6 something wrong happened, 7 something right never happened, 8 a crash, \
5 the same plan gave two runs, 2 usage or unreadable input, 3 no such engine or libzmq here, 4 nothing was carried out, \
1 compare met a difference of which no clause speaks.";

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Run the conformance suite against a subject
    Check(Box<CheckOptions>),
    /// List the cases
    List(ListOptions),
    /// Say what a case does and why, or what a requirement says and which cases check it
    Explain {
        /// Case id or requirement id
        id: String,
    },
    /// Show which statements of the RFCs are tested, excepted or open
    Coverage(CoverageOptions),
    /// Hold cases, vectors and saboteurs to their rules
    Lint(LintOptions),
    /// Work on expectations files
    #[command(subcommand)]
    Expect(ExpectVerb),
    /// Compare two runs
    Diff(DiffOptions),
    /// Run a saved deviation again and compare it octet by octet
    Replay(ReplayOptions),
    /// Work on subjects: list, fetch, verify
    #[command(subcommand)]
    Subject(SubjectVerb),
    /// Run each case under the saboteurs it names; each has to be noticed
    Teeth(TeethOptions),
    /// Simulate a network: find a reconnect or queueing bug, by its seed
    #[command(subcommand, after_help = SIM_HELP)]
    Sim(Box<SimVerb>),
    /// Work on the wire vectors
    #[command(subcommand)]
    Vectors(VectorsVerb),
    /// Serve the adapter protocol on stdin and stdout
    #[command(subcommand, hide = true)]
    Adapter(AdapterVerb),
    /// Carry out a plan on a captive libzmq, as the child that `sim` starts
    #[command(hide = true)]
    CaptiveHost,
}

#[derive(Debug, Args)]
pub(super) struct SelectOptions {
    /// Only these cases: an id, an area, a glob, with @binds, @connects, @3.1, @3.0 behind it if wanted
    #[arg(long = "run", value_name = "PATTERN", num_args = 1..)]
    pub(super) run: Vec<String>,
    /// Not these cases
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    pub(super) skip: Vec<String>,
    /// Only this tier; may be given more than once
    #[arg(long, value_enum)]
    pub(super) tier: Vec<TierWord>,
    /// The I-th of N parts
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<Shard>,
    /// Read the cases from this folder instead of the binary
    #[arg(long, value_name = "DIR")]
    pub(super) cases: Option<PathBuf>,
}

impl SelectOptions {
    pub(super) fn selection(&self) -> Selection {
        let tiers = self.tier.iter().map(|tier| match tier {
            TierWord::Smoke => Tier::Smoke,
            TierWord::Wire => Tier::Wire,
            TierWord::Clock => Tier::Clock,
        });
        Selection { run: self.run.clone(), skip: self.skip.clone(), tiers: tiers.collect(), shard: self.shard }
    }
}

#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    /// What to check, the built-in reference if absent; several are checked one after the other
    #[arg(value_name = "SUBJECT")]
    pub(super) subjects: Vec<String>,
    #[command(flatten)]
    pub(super) select: SelectOptions,
    /// Lowest level whose deviations are red
    #[arg(long, value_enum, default_value_t = LevelWord::Must)]
    pub(super) level: LevelWord,
    /// Which answer counts where text and deployed practice differ
    #[arg(long, value_enum, default_value_t = ProfileWord::Interop)]
    pub(super) profile: ProfileWord,
    /// Expectations file, or `none`; the built-in file of the subject if absent
    #[arg(long, value_name = "FILE")]
    pub(super) expect: Option<String>,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Write the events of the run as JSON lines; `-` for stdout, with everything else on stderr
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Write a Markdown summary
    #[arg(long, value_name = "FILE")]
    pub(super) markdown: Option<PathBuf>,
    /// Save each deviation as a file that `replay` can run again
    #[arg(long, value_name = "DIR")]
    pub(super) save: Option<PathBuf>,
    /// Cases side by side, each with a process of its own
    #[arg(long, value_name = "N", default_value_t = 16, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) jobs: u16,
    /// Run each case this often; verdicts that differ are inconclusive
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) repeat: u32,
    /// Begin no case after this many seconds
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    pub(super) max_time: Option<u64>,
    /// Multiply every deadline
    #[arg(long, value_name = "X", default_value_t = 1.0, allow_negative_numbers = true)]
    pub(super) deadline_scale: f64,
    /// Put words before the adapter's command, for example "gdb --args"; implies one job and long deadlines
    #[arg(long, value_name = "COMMAND")]
    pub(super) wrap: Option<String>,
    /// Wait for Enter before this step; implies one job and long deadlines
    #[arg(long, value_name = "STEP", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) pause_before: Option<u16>,
    /// Commit the sin of a saboteur between subject and harness
    #[arg(long, value_name = "NAME")]
    pub(super) saboteur: Option<String>,
    /// Show results under embargo too: for a private machine, never for a log that others can read
    #[arg(long)]
    pub(super) lift_embargo: bool,
    /// Show expected deviations too
    #[arg(long, short)]
    pub(super) verbose: bool,
}

#[derive(Debug, Args)]
pub(super) struct ListOptions {
    #[command(flatten)]
    pub(super) select: SelectOptions,
    /// One JSON object to a line
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct LintOptions {
    /// Cases of this folder instead of those in the binary
    #[arg(long, value_name = "DIR")]
    pub(super) cases: Option<PathBuf>,
    /// Vectors of this folder
    #[arg(long, value_name = "DIR")]
    pub(super) vectors: Option<PathBuf>,
    /// Ledger of this folder
    #[arg(long, value_name = "DIR")]
    pub(super) ledger: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CoverageOptions {
    /// List the statements that are neither tested nor excepted
    #[arg(long, visible_alias = "open")]
    pub(super) uncovered: bool,
    /// Only these RFCs, by number
    #[arg(long = "rfc", value_name = "N", allow_negative_numbers = true)]
    pub(super) rfcs: Vec<u16>,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ExpectVerb {
    /// Bring an expectations file up to date with a run
    Update {
        /// Events of the run, as `check --json` wrote them
        run: PathBuf,
        /// The expectations file; made if it is not there
        file: PathBuf,
        /// Write the file instead of only showing the difference
        #[arg(long)]
        write: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct DiffOptions {
    /// Events of the earlier run
    pub(super) old: PathBuf,
    /// Events of the later run
    pub(super) new: PathBuf,
    /// As JSON
    #[arg(long, conflicts_with = "markdown")]
    pub(super) json: bool,
    /// As Markdown
    #[arg(long)]
    pub(super) markdown: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReplayOptions {
    /// A file that `check --save` wrote
    pub(super) file: PathBuf,
    /// Another subject than the one it was saved with
    #[arg(long, value_name = "SUBJECT")]
    pub(super) subject: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum SubjectVerb {
    /// The pinned builds, and which of them are here
    List,
    /// Fetch a pinned build through pip, check its sha256, keep it in the cache
    Fetch {
        /// For example libzmq@4.3.5
        #[arg(required = true)]
        subjects: Vec<String>,
    },
    /// Drill an adapter: handshake, nonsense, a blocked receive, a half-sent message, reset
    Verify {
        /// Any subject
        subject: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum VectorsVerb {
    /// Write each vector to a file of its own, and a dictionary beside them: seeds for a fuzzer
    Export {
        /// Folder; made if it is not there
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct TeethOptions {
    /// The faultless subject between which and the harness the sins are committed
    #[arg(value_name = "SUBJECT")]
    pub(super) subject: String,
    #[command(flatten)]
    pub(super) select: SelectOptions,
    /// Try every saboteur on every case, to find more teeth
    #[arg(long)]
    pub(super) every: bool,
    /// Cases side by side
    #[arg(long, value_name = "N", default_value_t = 4, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) jobs: u16,
}

#[derive(Debug, Subcommand)]
pub(super) enum AdapterVerb {
    /// A libzmq
    Libzmq {
        /// The library; the system's if absent
        library: Option<PathBuf>,
    },
    /// The reference implementation
    Reference,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum TierWord {
    Smoke,
    Wire,
    Clock,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum LevelWord {
    Must,
    Should,
    May,
}

impl LevelWord {
    pub(super) fn gate(self) -> Gate {
        match self {
            Self::Must => Gate::Must,
            Self::Should => Gate::Should,
            Self::May => Gate::May,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ProfileWord {
    Interop,
    Strict,
}

impl ProfileWord {
    pub(super) fn profile(self) -> Profile {
        match self {
            Self::Interop => Profile::Interop,
            Self::Strict => Profile::Strict,
        }
    }
}
