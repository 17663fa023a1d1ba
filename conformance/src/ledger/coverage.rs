//! Which statements of the RFCs are tested, excepted, open or out of reach.
//!
//! [`coverage`] holds ledger, cases, mutations and exceptions against each other; the two folds over the result are
//! [`Coverage::text`] and [`Coverage::json`].

mod table;

use std::collections::BTreeSet;

use serde::Serialize;

use super::{CaseRef, Check, Exceptions, Ledger, Level, Mutations, Requirement, Rfc};

/// What to look at, and what to print.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// RFC numbers; empty for all.
    pub rfcs: Vec<u16>,
    /// How much the text fold prints.
    pub listing: Listing,
}

/// How much the text fold prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listing {
    /// The table.
    #[default]
    Table,
    /// The table, and every open entry with its text.
    Uncovered,
}

/// How an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// At least one case that gates names it.
    Tested,
    /// No such case, but a test of the reference that has been seen to fail when the rule is broken.
    Proven,
    /// Only provisional cases name it.
    Provisional,
    /// Nothing covers it, and a written exception says why.
    Excepted,
    /// Nothing covers it, and nothing can.
    Untestable,
    /// Nothing covers it.
    Open,
}

/// How far the ledger is covered.
#[derive(Debug, Clone, Serialize)]
pub struct Coverage {
    /// Version of this form: 1.
    pub schema: u32,
    /// By RFC, sorted by number.
    pub rfcs: Vec<RfcCoverage>,
    /// Sum over `rfcs`.
    pub total: Counts,
    /// Ids named by cases that the ledger does not have, each with its case.
    pub unknown: Vec<(String, String)>,
    /// Exceptions of requirements that a case or a test covers all the same; they should go.
    pub stale_exceptions: Vec<String>,
    /// What the text fold prints.
    #[serde(skip)]
    listing: Listing,
}

/// How far one RFC is covered.
#[derive(Debug, Clone, Serialize)]
pub struct RfcCoverage {
    /// Its number.
    pub rfc: u16,
    /// Its name.
    pub name: String,
    /// Over all levels.
    pub all: Counts,
    /// By level, most binding first.
    pub levels: Vec<(Level, Counts)>,
    /// Every entry.
    pub entries: Vec<EntryCoverage>,
}

/// One entry and what covers it.
#[derive(Debug, Clone, Serialize)]
pub struct EntryCoverage {
    /// Its id.
    pub id: String,
    /// Its level.
    pub level: Level,
    /// How it can be examined.
    pub check: Check,
    /// How it stands.
    pub standing: Standing,
    /// Cases that name it.
    pub cases: Vec<String>,
    /// Tests of the reference that fail when it is broken.
    pub tests: Vec<String>,
    /// Whether something that covers it has been seen to fail: a case under a saboteur, a test under a mutation.
    pub killed: bool,
    /// What an exception waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The statement in our words.
    pub text: String,
}

/// Numbers of entries; `entries` is the sum of the others but `killed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// All.
    pub entries: usize,
    /// [`Standing::Tested`].
    pub tested: usize,
    /// [`Standing::Proven`].
    pub proven: usize,
    /// Those of the two above that have [`EntryCoverage::killed`].
    pub killed: usize,
    /// [`Standing::Provisional`].
    pub provisional: usize,
    /// [`Standing::Excepted`].
    pub excepted: usize,
    /// [`Standing::Untestable`].
    pub untestable: usize,
    /// [`Standing::Open`].
    pub open: usize,
}

/// What can cover a requirement.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The cases.
    pub cases: &'a [CaseRef],
    /// What proves the tests of the reference.
    pub mutations: &'a Mutations,
    /// What cannot be examined yet.
    pub exceptions: &'a Exceptions,
}

/// Holds ledger, cases, mutations and exceptions against each other.
#[must_use]
pub fn coverage(ledger: &Ledger, sources: Sources<'_>, options: &Options) -> Coverage {
    let Sources { cases, mutations, exceptions } = sources;
    let chosen = |rfc: &&Rfc| options.rfcs.is_empty() || options.rfcs.contains(&rfc.number);
    let rfcs: Vec<_> = ledger.rfcs.iter().filter(chosen).map(|rfc| of_rfc(rfc, sources)).collect();
    let mut total = Counts::default();
    for rfc in &rfcs {
        total.add(rfc.all);
    }
    let named = || cases.iter().flat_map(|case| case.requirements.iter().map(move |id| (id, &case.id)));
    let unknown = named().filter(|(id, _)| ledger.find(id).is_none());
    let is_covered = |wanted: &str| named().any(|(id, _)| id == wanted) || mutations.of(wanted).next().is_some();
    Coverage {
        schema: 1,
        rfcs,
        total,
        unknown: unknown.map(|(id, case)| (id.clone(), case.clone())).collect(),
        stale_exceptions: exceptions.list.iter().map(|e| e.id.clone()).filter(|id| is_covered(id)).collect(),
        listing: options.listing,
    }
}

fn of_rfc(rfc: &Rfc, sources: Sources<'_>) -> RfcCoverage {
    let entries: Vec<_> = rfc.requirements.iter().map(|entry| of_entry(entry, sources)).collect();
    let count = |level: Option<Level>| {
        let mut counts = Counts::default();
        for entry in entries.iter().filter(|entry| level.is_none_or(|level| entry.level == level)) {
            counts.count(entry);
        }
        counts
    };
    let levels = Level::ALL.into_iter().map(|level| (level, count(Some(level)))).collect();
    RfcCoverage { rfc: rfc.number, name: rfc.name.clone(), all: count(None), levels, entries }
}

fn of_entry(entry: &Requirement, sources: Sources<'_>) -> EntryCoverage {
    let naming: Vec<_> = sources.cases.iter().filter(|case| case.requirements.contains(&entry.id)).collect();
    let tests: BTreeSet<&String> = sources.mutations.of(&entry.id).flat_map(|mutation| &mutation.tests).collect();
    let exception = sources.exceptions.find(&entry.id);
    let standing = if naming.iter().any(|case| !case.provisional) {
        Standing::Tested
    } else if !tests.is_empty() {
        Standing::Proven
    } else if !naming.is_empty() {
        Standing::Provisional
    } else if exception.is_some() {
        Standing::Excepted
    } else if entry.check == Check::Untestable {
        Standing::Untestable
    } else {
        Standing::Open
    };
    EntryCoverage {
        id: entry.id.clone(),
        level: entry.level,
        check: entry.check,
        standing,
        cases: naming.iter().map(|case| case.id.clone()).collect(),
        killed: !tests.is_empty() || naming.iter().any(|case| !case.provisional && !case.killed_by.is_empty()),
        tests: tests.into_iter().cloned().collect(),
        until: exception.map(|exception| exception.until.clone()),
        text: entry.text.clone(),
    }
}

impl Counts {
    fn count(&mut self, entry: &EntryCoverage) {
        self.entries += 1;
        self.killed += usize::from(entry.killed);
        *match entry.standing {
            Standing::Tested => &mut self.tested,
            Standing::Proven => &mut self.proven,
            Standing::Provisional => &mut self.provisional,
            Standing::Excepted => &mut self.excepted,
            Standing::Untestable => &mut self.untestable,
            Standing::Open => &mut self.open,
        } += 1;
    }

    fn add(&mut self, other: Self) {
        self.entries += other.entries;
        self.tested += other.tested;
        self.proven += other.proven;
        self.killed += other.killed;
        self.provisional += other.provisional;
        self.excepted += other.excepted;
        self.untestable += other.untestable;
        self.open += other.open;
    }
}

impl Coverage {
    /// The entries that no case, no test and no exception covers.
    pub fn open(&self) -> impl Iterator<Item = &EntryCoverage> {
        self.rfcs.iter().flat_map(|rfc| &rfc.entries).filter(|entry| entry.standing == Standing::Open)
    }

    /// As JSON for machines, indented.
    #[must_use]
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings, numbers and lists always serialise");
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(id: &str, provisional: bool, requirements: &[&str]) -> CaseRef {
        let requirements = requirements.iter().map(|&id| id.to_owned()).collect();
        CaseRef { id: id.into(), provisional, requirements, ..CaseRef::default() }
    }

    fn cases() -> Vec<CaseRef> {
        vec![
            case("pair/one", false, &["EXPAIR-PAIR-11", "EXPAIR-PAIR-12"]),
            case("pair/two", true, &["EXPAIR-PAIR-02", "EXPAIR-PAIR-11"]),
        ]
    }

    fn mutations() -> Mutations {
        let text = "[[mutation]]\nname = \"m\"\nsin = \"s\"\nchecks = [\"EXPAIR-PAIR-05\", \"EXPAIR-PAIR-02\"]\nfile = \"f\"\n\
                    find = \"a\"\nreplace = \"b\"\ntests = [\"zmq-core::pair::destroys\"]\n";
        Mutations::parse(&[("m.toml".to_owned(), text.to_owned())], Ledger::embedded()).unwrap()
    }

    fn covered(cases: &[CaseRef], exceptions: &Exceptions, listing: Listing) -> Coverage {
        let sources = Sources { cases, mutations: &mutations(), exceptions };
        coverage(Ledger::embedded(), sources, &Options { rfcs: vec![31], listing })
    }

    #[test]
    fn the_table_and_what_is_open() {
        let coverage = covered(&cases(), Exceptions::embedded(), Listing::Uncovered);
        insta::assert_snapshot!(coverage.text());
    }

    #[test]
    fn unknown_ids_and_stale_exceptions_are_reported() {
        let text = "[[exception]]\nid = \"EXPAIR-PAIR-11\"\nreason = \"r\"\nuntil = \"u\"\n\
                    [[exception]]\nid = \"EXPAIR-PAIR-01\"\nreason = \"r\"\nuntil = \"u\"\n";
        let exceptions = Exceptions::parse("e.toml", text, Ledger::embedded()).unwrap();
        let mut cases = cases();
        cases.push(case("pair/three", false, &["EXPAIR-PAIR-99"]));
        insta::assert_snapshot!(covered(&cases, &exceptions, Listing::Table).text());
    }

    #[test]
    fn json_holds_every_entry() {
        let coverage = covered(&cases(), Exceptions::embedded(), Listing::Table);
        let value: serde_json::Value = serde_json::from_str(&coverage.json()).unwrap();
        assert_eq!(value["schema"], 1);
        assert_eq!(value["rfcs"][0]["entries"].as_array().unwrap().len(), coverage.total.entries);
        assert_eq!(value["rfcs"][0]["levels"][0][0], "MUST");
        assert_eq!(value["total"]["tested"], 2);
    }

    /// The numbers add up for the whole ledger.
    #[test]
    fn nothing_is_counted_twice() {
        let sources = Sources { cases: &cases(), mutations: &mutations(), exceptions: Exceptions::embedded() };
        let all = coverage(Ledger::embedded(), sources, &Options::default());
        let Counts { entries, tested, proven, killed, provisional, excepted, untestable, open } = all.total;
        assert_eq!(entries, Ledger::embedded().requirements().count());
        assert_eq!(entries, tested + proven + provisional + excepted + untestable + open);
        assert_eq!((proven, killed), (2, 2));
        assert_eq!(excepted, Exceptions::embedded().list.len());
        assert_eq!(open, all.open().count());
    }
}
