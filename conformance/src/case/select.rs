//! Which runs of which cases: patterns, tiers, shards.

use std::collections::BTreeSet;

use super::file::{Case, Tier};
use crate::event::{Role, RunId};
use crate::expect::Glob;
use crate::ledger::suggest::distance;

/// What was asked for on the command line.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Patterns of `--run`; empty for all.
    pub run: Vec<String>,
    /// Patterns of `--skip`.
    pub skip: Vec<String>,
    /// Tiers; empty for all.
    pub tiers: Vec<Tier>,
    /// One part of several.
    pub shard: Option<Shard>,
}

/// `I/N`: the I-th of N parts, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    count: u64,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected a shard such as 1/4, from 1/N to N/N, found {text:?}");
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let shard = Self { index: index.parse().map_err(|_| wrong())?, count: count.parse().map_err(|_| wrong())? };
        if shard.index == 0 || shard.index > shard.count { Err(wrong()) } else { Ok(shard) }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl Shard {
    /// Whether a run belongs to this part. It depends on the run's name alone, so adding a case moves no other.
    fn holds(self, run: &RunId) -> bool {
        // FNV-1a: fixed for ever, unlike the standard library's hasher.
        let hash = run
            .to_string()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3));
        hash % self.count == self.index - 1
    }
}

impl Selection {
    /// Whether everything is selected.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.run.is_empty() && self.skip.is_empty() && self.tiers.is_empty() && self.shard.is_none()
    }

    /// The runs selected, in the order of the cases: index of the case, and the run.
    ///
    /// # Errors
    /// A `--run` or `--skip` pattern that matches no run of any case, with the nearest ids.
    pub fn select(&self, cases: &[Case]) -> Result<Vec<(usize, RunId)>, NoMatch> {
        let all: Vec<(usize, RunId)> =
            cases.iter().enumerate().flat_map(|(i, case)| runs(case).into_iter().map(move |run| (i, run))).collect();
        for (option, pattern) in self.run.iter().map(|p| ("--run", p)).chain(self.skip.iter().map(|p| ("--skip", p))) {
            if !all.iter().any(|(_, run)| matches(pattern, run)) {
                let bare = pattern.split('@').next().unwrap_or_default();
                let known = all.iter().any(|(_, run)| matches(bare, run));
                let nearest = if known { Vec::new() } else { nearest(bare, cases.iter().map(|case| case.id.as_str())) };
                let what = if known { "run" } else { "case" };
                return Err(NoMatch { option, pattern: pattern.clone(), what, nearest });
            }
        }
        let selected = |(i, run): &(usize, RunId)| {
            (self.run.is_empty() || self.run.iter().any(|pattern| matches(pattern, run)))
                && !self.skip.iter().any(|pattern| matches(pattern, run))
                && (self.tiers.is_empty() || self.tiers.contains(&cases[*i].tier))
                && self.shard.is_none_or(|shard| shard.holds(run))
        };
        Ok(all.into_iter().filter(selected).collect())
    }
}

/// A pattern that matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{option} {pattern:?} matches no {what}; {}", advice(what, .nearest))]
pub struct NoMatch {
    option: &'static str,
    pattern: String,
    /// `case`; `run` where there is the case, and not this run of it.
    what: &'static str,
    nearest: Vec<String>,
}

fn advice(what: &str, nearest: &[String]) -> String {
    if what == "run" {
        return "behind a case may stand @binds or @connects, then a version such as @3.1; `zmqspec explain CASE` shows which it has".to_owned();
    }
    if nearest.is_empty() {
        return "`zmqspec list` shows what there is".to_owned();
    }
    format!("did you mean {}? `zmqspec list` shows what there is", nearest.join(" or "))
}

/// Every run of a case.
#[must_use]
pub fn runs(case: &Case) -> Vec<RunId> {
    let mut runs = Vec::new();
    for role in &case.roles {
        for version in &case.zmtp {
            runs.push(RunId { case: case.id.clone(), role: *role, zmtp: version.to_string() });
        }
    }
    runs
}

/// Whether a pattern names a run: an id, an area, or a glob of either, and behind `@` role and version if wanted.
#[must_use]
pub fn matches(pattern: &str, run: &RunId) -> bool {
    let mut fields = pattern.split('@');
    let case = fields.next().unwrap_or_default();
    let area = run.case.strip_prefix(case.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'));
    (area || Glob::parse(case).is_ok_and(|glob| glob.matches(&run.case)))
        && fields.all(|field| {
            field == "binds" && run.role == Role::Binds
                || field == "connects" && run.role == Role::Connects
                || field == run.zmtp
        })
}

/// The ids and areas nearest to what was written, at most three, none that is far off.
pub fn nearest<'a>(wanted: &str, ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = wanted.split('@').next().unwrap_or_default();
    let areas = |id: &'a str| id.match_indices('/').map(move |(slash, _)| &id[..slash]).chain([id]);
    let names: BTreeSet<&str> = ids.flat_map(areas).collect();
    let mut scored: Vec<(usize, &str)> = names.into_iter().map(|name| (distance(wanted, name), name)).collect();
    scored.sort_unstable();
    // What is much farther off than the nearest was not meant either.
    let best = scored.first().map_or(0, |(score, _)| *score);
    let bound = (wanted.len() / 3 + 1).min(best + 1);
    scored.into_iter().take(3).filter(|(score, _)| *score <= bound).map(|(_, id)| id.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> RunId {
        let mut fields = text.split('@');
        let case = fields.next().unwrap().to_owned();
        let role = if fields.next() == Some("connects") { Role::Connects } else { Role::Binds };
        RunId { case, role, zmtp: fields.next().unwrap_or("3.1").to_owned() }
    }

    #[test]
    fn a_pattern_names_an_id_an_area_or_a_run() {
        let it = run("reqrep/req/sends@connects@3.0");
        for pattern in [
            "reqrep",
            "reqrep/",
            "reqrep/req",
            "reqrep/req/sends",
            "*/req/*",
            "*sends",
            "reqrep/req/sends@connects",
            "reqrep@3.0",
            "reqrep/req/sends@connects@3.0",
        ] {
            assert!(matches(pattern, &it), "{pattern}");
        }
        for pattern in ["req", "reqrep/req/send", "reqrep/req/sends@binds", "reqrep@3.1", "", "*sendings"] {
            assert!(!matches(pattern, &it), "{pattern}");
        }
    }

    #[test]
    fn shards_are_disjoint_and_cover_everything() {
        for i in 0..200 {
            let it = run(&format!("a/b{i}"));
            let holders = (1..=4).filter(|index| format!("{index}/4").parse::<Shard>().unwrap().holds(&it)).count();
            assert_eq!(holders, 1);
        }
        for wrong in ["0/4", "5/4", "1", "a/b", "1/0"] {
            assert!(wrong.parse::<Shard>().unwrap_err().contains("expected a shard such as 1/4"));
        }
    }

    #[test]
    fn near_ids_are_suggested() {
        let ids = ["reqrep/req/sends", "reqrep/rep/sends", "pipeline/push/rotates"];
        assert_eq!(nearest("reqrep/req/send", ids.into_iter()), ["reqrep/req/sends", "reqrep/rep/sends"]);
        assert_eq!(nearest("pipelin/push", ids.into_iter()), ["pipeline/push"]);
        assert!(nearest("zzz", ids.into_iter()).is_empty());
    }
}
