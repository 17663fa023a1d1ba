//! Coverage as a table for people.

use std::fmt::Write as _;

use super::{Counts, Coverage, EntryCoverage, Listing, Standing};

impl Coverage {
    /// As a table for people; with [`Listing::Uncovered`] the open entries follow.
    #[must_use]
    pub fn text(&self) -> String {
        let width = self.rfcs.iter().map(|rfc| rfc.name.chars().count() + 4).max().unwrap_or(0).max(12);
        let mut out = String::new();
        let mut row = |cells: [&str; 10]| {
            let [rfc, level, rest @ ..] = cells;
            let numbers: String = rest.iter().map(|cell| format!("{cell:>12}")).collect();
            writeln!(out, "{rfc:<width$}  {level:<7}{numbers}").expect("writing to a String never fails");
        };
        row([
            "RFC",
            "level",
            "entries",
            "by case",
            "by test",
            "killed",
            "provisional",
            "excepted",
            "untestable",
            "open",
        ]);
        let mut counts = |rfc: &str, level: &str, counts: Counts| {
            let Counts { entries, tested, proven, killed, provisional, excepted, untestable, open } = counts;
            let [e, c, t, k, p, x, u, o] =
                [entries, tested, proven, killed, provisional, excepted, untestable, open].map(|n| n.to_string());
            row([rfc, level, &e, &c, &t, &k, &p, &x, &u, &o]);
        };
        for rfc in &self.rfcs {
            counts(&format!("{}/{}", rfc.rfc, rfc.name), "all", rfc.all);
            for (level, of_level) in rfc.levels.iter().filter(|(_, counts)| counts.entries > 0) {
                counts("", level.word(), *of_level);
            }
        }
        counts("total", "all", self.total);
        if self.listing == Listing::Uncovered {
            self.list_open(&mut out);
        }
        for (id, case) in &self.unknown {
            writeln!(out, "unknown: {case} names {id}, which the ledger does not have")
                .expect("writing to a String never fails");
        }
        for id in &self.stale_exceptions {
            writeln!(out, "stale: {id} is covered by a case or a test; remove its exception")
                .expect("writing to a String never fails");
        }
        out
    }

    fn list_open(&self, out: &mut String) {
        for rfc in &self.rfcs {
            let mut open = rfc.entries.iter().filter(|entry| entry.standing == Standing::Open).peekable();
            if open.peek().is_some() {
                writeln!(out, "\nopen in {}/{}", rfc.rfc, rfc.name).expect("writing to a String never fails");
            }
            for entry in open {
                let EntryCoverage { id, level, check, text, .. } = entry;
                writeln!(out, "  {id:<22}{level:<8}{check:<5}{text}").expect("writing to a String never fails");
            }
        }
    }
}
