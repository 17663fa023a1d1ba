//! `sim compare`: the same plan with the reference and with another, and what may differ.

use std::collections::{BTreeMap, BTreeSet};

use zmq_sim::bare::Bare;
use zmq_sim::compare::{Comparison, Side, Verdict, compare};
use zmq_sim::engine::{Engine, Recording};
use zmq_sim::plan::Plan;
use zmq_sim::trial::{Trial, Tried};

use super::engines::Carrier;
use super::options::{CompareOptions, What};
use super::run::able;
use super::source::{Chosen, Source};
use super::told::exit_of;
use crate::cli::Refusal;
use crate::cli::voice::{print_line, remark};
use crate::exit::Exit;
use crate::ledger::Ledger;
use crate::report::text::{counted, printable, wrap};

/// Columns of what is printed.
const WIDTH: usize = 110;

/// Names of the two sides.
struct Names {
    reference: String,
    other: String,
}

pub(super) fn run(options: &CompareOptions) -> Result<u8, Refusal> {
    let reference = Carrier::bare();
    let carrier = Carrier::of(&options.by)?;
    if carrier.word() == reference.word() {
        return Err(Refusal::usage(
            "expected behind --impl or --engine whom to compare the reference's plain loop with, found nobody else; \
             --impl libzmq, for example",
        ));
    }
    let engine = carrier.engine()?;
    let names = Names { reference: reference.word(), other: carrier.word() };
    let one = |plan: &Plan| {
        let both: [&dyn Engine; 2] = [&Bare, engine.as_ref()];
        let [here, there] = both.map(|engine| Trial::new(engine).attempt(plan, Recording::History));
        compare(plan, [side(&names.reference, &here), side(&names.other, &there)])
    };
    match (&options.seeds, &options.what) {
        (None, None) => {
            Err(Refusal::usage("expected a seed, a file, or --seeds A..B, which say what to compare, found none"))
        }
        (None, Some(what)) => {
            let chosen = Chosen::of(&What { what: what.clone(), seed: options.seed })?;
            let plan = carrier.given(chosen.plan()?);
            able(&reference, &Bare, &plan)?;
            able(&carrier, engine.as_ref(), &plan)?;
            let compared = one(&plan);
            print_line(&headline(&chosen.source.seed_word(chosen.seed), &plan, &compared, &names));
            lines(&compared).iter().for_each(|line| print_line(line));
            Ok(exit(&compared).code())
        }
        (Some(_), Some(_)) if options.seed.is_some() => {
            Err(Refusal::usage("expected one of --seed and --seeds, found both"))
        }
        (Some(seeds), what) => {
            let source = what.as_deref().map_or(Ok(Source::Swarm), Source::of_file)?;
            let mut many = Many::default();
            for seed in seeds.clone() {
                let plan = carrier.given(source.plan(seed).map_err(Refusal::usage)?);
                if Bare.lacks(&plan).is_some() || engine.lacks(&plan).is_some() {
                    many.not_done += 1;
                    continue;
                }
                many.ignored.extend(engine.ignores(&plan));
                let compared = one(&plan);
                many.take(&source.seed_word(seed), &plan, &compared, &names);
            }
            many.end(&names)
        }
    }
}

fn side<'a>(name: &'a str, tried: &'a Tried) -> Side<'a> {
    Side { name, run: &tried.run, violations: &tried.violations }
}

/// What is broken on one side only outweighs a gap.
fn exit(compared: &Comparison) -> Exit {
    let mut exit = Exit::AsExpected;
    for difference in &compared.differences {
        match &difference.verdict {
            Verdict::Broken { violation, .. } => return exit_of(std::slice::from_ref(violation)),
            Verdict::Open => exit = Exit::Differs,
            Verdict::Allowed(_) => {}
        }
    }
    exit
}

fn headline(seed: &str, plan: &Plan, comparison: &Comparison, names: &Names) -> String {
    let title = printable(&plan.title);
    let count = counted(comparison.differences.len(), "difference");
    format!("{seed}  {title}: {count} between {} and {}", names.reference, names.other)
}

/// A line for each difference, and what the ledger says of its clause.
fn lines(comparison: &Comparison) -> Vec<String> {
    let mut lines = Vec::new();
    let mut told = BTreeSet::new();
    let mut line = |word: &str, clause: &'static str, text: &str| {
        for (at, part) in wrap(&printable(text), WIDTH - 31).into_iter().enumerate() {
            let (word, clause) = if at == 0 { (word, clause) } else { ("", "") };
            lines.push(format!("  {word:<8} {clause:<19} {part}"));
        }
        if let Some(requirement) = Ledger::embedded().find(clause).filter(|_| told.insert(clause)) {
            lines.push(format!("  {:<8} {:<19} ({})", "", "", requirement.text));
        }
    };
    for difference in &comparison.differences {
        line(difference.verdict.word(), difference.verdict.clause(), &difference.text);
    }
    for violation in &comparison.common {
        line("both", violation.clause, &format!("{}: {}", violation.oracle, violation.text));
    }
    lines
}

/// What came of many seeds.
#[derive(Default)]
struct Many {
    compared: usize,
    not_done: usize,
    alike: usize,
    /// Differences by verdict and clause.
    counts: BTreeMap<(&'static str, &'static str), usize>,
    ignored: BTreeSet<String>,
    exit: Option<Exit>,
}

impl Many {
    /// Told is what is not allowed; what is, is counted.
    fn take(&mut self, seed: &str, plan: &Plan, comparison: &Comparison, names: &Names) {
        self.compared += 1;
        self.alike += usize::from(comparison.differences.is_empty());
        for difference in &comparison.differences {
            *self.counts.entry((difference.verdict.word(), difference.verdict.clause())).or_default() += 1;
        }
        let exit = exit(comparison);
        if exit == Exit::AsExpected {
            return;
        }
        // A broken promise outweighs a gap, and the first decides.
        if self.exit.is_none_or(|before| before == Exit::Differs) {
            self.exit = Some(exit);
        }
        print_line(&headline(seed, plan, comparison, names));
        let mut shown = comparison.clone();
        shown.differences.retain(|difference| !matches!(difference.verdict, Verdict::Allowed(_)));
        lines(&shown).iter().for_each(|line| print_line(line));
    }

    fn end(self, names: &Names) -> Result<u8, Refusal> {
        for ((word, clause), count) in &self.counts {
            let text = Ledger::embedded().find(clause).map_or("", |requirement| requirement.text.as_str());
            print_line(&format!("{count:>8}  {word:<8} {clause:<19} {text}"));
        }
        let not_done = if self.not_done > 0 {
            format!("; {} not carried out, as one of them cannot", counted(self.not_done, "plan"))
        } else {
            String::new()
        };
        print_line(&format!("{} compared, {} of them alike{not_done}", counted(self.compared, "plan"), self.alike));
        self.ignored.iter().for_each(|what| remark(&format!("{}: {what}", names.other)));
        if self.compared == 0 {
            return Err(Refusal::new(Exit::NothingMatched, "no plan was carried out"));
        }
        Ok(self.exit.unwrap_or(Exit::AsExpected).code())
    }
}
