//! Messages between two peers come in the order in which they were sent (37/ZMTP).
//!
//! That holds for a pipe. Several ways between the same two sockets are several pipes, and so are two connections one after
//! the other at a socket that is bound: what came over the first waits there beside what comes over the second.

use std::collections::BTreeMap;

use super::{Evidence, Facts, Findings, Get, Hop, LifeIndex};
use crate::history::Who;

/// What comes in a row: from one who sends to one who receives.
type Row = (LifeIndex, Who, LifeIndex, Who);

// spec: ZMTP31-SEM-07
pub(super) fn judge(facts: &Facts<'_>, found: &mut Findings) {
    let mut latest: BTreeMap<Row, (&Hop, &Get<'_>)> = BTreeMap::new();
    for get in &facts.gets {
        let Some(hop) = source(facts, get) else { continue };
        let row = (hop.life, hop.who, get.life, get.who);
        if let Some((before, got)) = latest.get(&row)
            && before.entry > hop.entry
        {
            let ends = [hop.life, get.life];
            if !facts.may_have_lost(&ends, hop.since, get.at) {
                let text = format!(
                    "{} received {} at {} behind {}, which {} sent later",
                    facts.name(get.life),
                    hop.id.name(facts.plan),
                    get.at,
                    before.id.name(facts.plan),
                    facts.name(hop.life),
                );
                found.wrong("order", "ZMTP31-SEM-07", text, Evidence::none().get(get).get(got));
            }
            continue;
        }
        latest.insert(row, (hop, get));
    }
}

/// The only one who can have sent what came, by the only way.
pub(super) fn source<'a>(facts: &'a Facts<'_>, get: &Get<'_>) -> Option<&'a Hop> {
    let at = facts.socket_of(get.life);
    let mut from = facts.hops_of(get.id?).filter(|hop| facts.topology.are_joined(facts.socket_of(hop.life), at));
    let only = from.next()?;
    let is_alone = from.next().is_none() && facts.ways(facts.socket_of(only.life), at) == 1;
    is_alone.then_some(only)
}
