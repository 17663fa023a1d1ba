//! Closing waits for what is unsent as long as it was told to, and no longer (`ZMQ_LINGER`).

use std::time::Duration;

use super::{End, Evidence, Facts, Findings};
use crate::history::{Call, What};
use crate::plan::{FaultKind, HostIndex, Linger};
use crate::time::Time;

/// What termination may take beside: the peer reads the last octets, tasks end.
const BESIDE: Duration = Duration::from_secs(1);

pub(super) fn judge(facts: &Facts<'_>, found: &mut Findings) {
    for (entry, what) in facts.run.history.entries.iter().enumerate() {
        if let What::Call { who, socket: None, since, call: Call::Terminate } = &what.what {
            terminated(facts, who.host, who.life, *since, what.at, entry, found);
        }
    }
}

/// A context ends when the longest linger of its sockets is over, if not before.
fn terminated(
    facts: &Facts<'_>,
    host: HostIndex,
    life: u16,
    since: Time,
    at: Time,
    entry: usize,
    found: &mut Findings,
) {
    let name = &facts.plan[host].name;
    if facts.plan.faults.iter().any(|fault| match &fault.what {
        FaultKind::Pause { host } => host == name,
        _ => false,
    }) {
        return;
    }
    let mut until = since;
    for of in facts.lives.iter().filter(|of| facts.plan.host_of(of.socket) == Some(host) && of.of_host == life) {
        let options = facts.plan[of.socket].options.linger.unwrap_or(Linger::Forever);
        let (linger, closed) = match of.ended.map(|ended| (ended.how, ended.at)) {
            Some((End::Closed(linger), closed)) => (linger.unwrap_or(options), closed),
            Some((End::Terminated | End::Down, _)) | None => (options, since),
        };
        match linger {
            Linger::Discard => {}
            Linger::For(span) => until = until.max(closed + facts.in_true_time(of.socket, span.0)),
            Linger::Forever => return,
        }
    }
    // Its own clock may be slower than true time.
    let slack = BESIDE + until.saturating_since(since).mul_f64(0.05);
    if at > until + slack {
        let text = format!(
            "the context of {name} was terminated at {at}, begun at {since}: the last linger of its sockets was over at \
             {until}"
        );
        found.wrong("termination", "ZMQ_LINGER", text, Evidence::none().entry(entry));
    }
}
