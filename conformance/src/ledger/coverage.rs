//! Which statements of the RFCs are tested, excepted, open or out of reach.
//!
//! [`coverage`] holds ledger, cases and exceptions against each other; the two folds over the result are
//! [`Coverage::text`] and [`Coverage::json`].

mod table;

use serde::Serialize;

use super::{CaseRef, Check, Exceptions, Ledger, Level, Requirement, Rfc};

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
    /// Only provisional cases name it.
    Provisional,
    /// No case names it, and a written exception says why.
    Excepted,
    /// No case names it, and none can.
    Untestable,
    /// No case names it.
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
    /// Exceptions of requirements that a case covers all the same; they should go.
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
    /// What an exception waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The statement in our words.
    pub text: String,
}

/// Numbers of entries; `entries` is the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// All.
    pub entries: usize,
    /// [`Standing::Tested`].
    pub tested: usize,
    /// [`Standing::Provisional`].
    pub provisional: usize,
    /// [`Standing::Excepted`].
    pub excepted: usize,
    /// [`Standing::Untestable`].
    pub untestable: usize,
    /// [`Standing::Open`].
    pub open: usize,
}

/// Holds ledger, cases and exceptions against each other.
#[must_use]
pub fn coverage(ledger: &Ledger, cases: &[CaseRef], exceptions: &Exceptions, options: &Options) -> Coverage {
    let chosen = |rfc: &&Rfc| options.rfcs.is_empty() || options.rfcs.contains(&rfc.number);
    let rfcs: Vec<_> = ledger.rfcs.iter().filter(chosen).map(|rfc| of_rfc(rfc, cases, exceptions)).collect();
    let mut total = Counts::default();
    for rfc in &rfcs {
        total.add(rfc.all);
    }
    let named = || cases.iter().flat_map(|case| case.requirements.iter().map(move |id| (id, &case.id)));
    let unknown = named().filter(|(id, _)| ledger.find(id).is_none());
    let is_named = |wanted: &str| named().any(|(id, _)| id == wanted);
    Coverage {
        schema: 1,
        rfcs,
        total,
        unknown: unknown.map(|(id, case)| (id.clone(), case.clone())).collect(),
        stale_exceptions: exceptions.list.iter().map(|e| e.id.clone()).filter(|id| is_named(id)).collect(),
        listing: options.listing,
    }
}

fn of_rfc(rfc: &Rfc, cases: &[CaseRef], exceptions: &Exceptions) -> RfcCoverage {
    let entries: Vec<_> = rfc.requirements.iter().map(|entry| of_entry(entry, cases, exceptions)).collect();
    let count = |level: Option<Level>| {
        let mut counts = Counts::default();
        for entry in entries.iter().filter(|entry| level.is_none_or(|level| entry.level == level)) {
            counts.count(entry.standing);
        }
        counts
    };
    let levels = Level::ALL.into_iter().map(|level| (level, count(Some(level)))).collect();
    RfcCoverage { rfc: rfc.number, name: rfc.name.clone(), all: count(None), levels, entries }
}

fn of_entry(entry: &Requirement, cases: &[CaseRef], exceptions: &Exceptions) -> EntryCoverage {
    let naming: Vec<_> = cases.iter().filter(|case| case.requirements.contains(&entry.id)).collect();
    let exception = exceptions.find(&entry.id);
    let standing = if naming.iter().any(|case| !case.provisional) {
        Standing::Tested
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
        until: exception.map(|exception| exception.until.clone()),
        text: entry.text.clone(),
    }
}

impl Counts {
    fn count(&mut self, standing: Standing) {
        self.entries += 1;
        *match standing {
            Standing::Tested => &mut self.tested,
            Standing::Provisional => &mut self.provisional,
            Standing::Excepted => &mut self.excepted,
            Standing::Untestable => &mut self.untestable,
            Standing::Open => &mut self.open,
        } += 1;
    }

    fn add(&mut self, other: Self) {
        self.entries += other.entries;
        self.tested += other.tested;
        self.provisional += other.provisional;
        self.excepted += other.excepted;
        self.untestable += other.untestable;
        self.open += other.open;
    }
}

impl Coverage {
    /// The entries that no case and no exception covers.
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

    fn covered(cases: &[CaseRef], exceptions: &Exceptions, listing: Listing) -> Coverage {
        coverage(Ledger::embedded(), cases, exceptions, &Options { rfcs: vec![31], listing })
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
        let all = coverage(Ledger::embedded(), &cases(), Exceptions::embedded(), &Options::default());
        let Counts { entries, tested, provisional, excepted, untestable, open } = all.total;
        assert_eq!(entries, Ledger::embedded().requirements().count());
        assert_eq!(entries, tested + provisional + excepted + untestable + open);
        assert_eq!(excepted, Exceptions::embedded().list.len());
        assert_eq!(open, all.open().count());
    }
}
