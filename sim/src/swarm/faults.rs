//! Faults that fit a plan.

use std::collections::BTreeSet;

use crate::draw::Draws;
use crate::plan::{Direction, FaultKind, Flow, HostEvent, NameChange, Plan};
use crate::time::Span;

/// The kinds of faults, by their names in scenarios.
pub const KINDS: [&str; 15] = [
    "partition",
    "swizzle",
    "reset",
    "half-open",
    "stall",
    "slow-link",
    "tiny-buffers",
    "torn",
    "duplicate-connect",
    "down",
    "pause",
    "no-descriptors",
    "refuse-accept",
    "name",
    "clock-jump",
];

/// Among what a fault is drawn; an empty list means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Among {
    /// Kinds, of [`KINDS`].
    pub kinds: Vec<String>,
    /// Hosts.
    pub hosts: Vec<String>,
    /// Sockets.
    pub sockets: Vec<String>,
}

/// A fault that the plan can have; `None` if none of these fits it.
#[must_use]
pub fn fault(plan: &Plan, among: &Among, draws: &mut Draws) -> Option<FaultKind> {
    let cast = Cast::of(plan, among);
    let kinds: Vec<&str> = KINDS
        .into_iter()
        .filter(|kind| among.kinds.is_empty() || among.kinds.iter().any(|named| named == kind))
        .filter(|kind| cast.can(kind))
        .collect();
    if kinds.is_empty() {
        return None;
    }
    let kind = *draws.one(&kinds);
    Some(cast.draw(kind, draws))
}

/// With whom faults can happen.
struct Cast {
    hosts: Vec<String>,
    /// Hosts that talk to each other; if none do, any two.
    pairs: Vec<[String; 2]>,
    /// Sockets that connect.
    connecting: Vec<String>,
    /// Names that endpoints lead to.
    names: Vec<String>,
}

impl Cast {
    fn of(plan: &Plan, among: &Among) -> Self {
        let is_among = |of: &[String], name: &str| of.is_empty() || of.iter().any(|named| named == name);
        let hosts = plan.hosts.iter().map(|host| host.name.clone()).filter(|name| is_among(&among.hosts, name));
        let hosts: Vec<String> = hosts.collect();
        let (mut talking, mut names) = (BTreeSet::new(), BTreeSet::new());
        for socket in &plan.sockets {
            for to in socket.connect.iter().filter_map(|to| to.strip_prefix("tcp://")?.rsplit_once(':')) {
                names.insert(to.0.to_owned());
                if to.0 != socket.host && plan.host(to.0).is_some() {
                    talking.insert([socket.host.clone(), to.0.to_owned()]);
                }
            }
        }
        let both = |pair: &[String; 2]| pair.iter().all(|host| hosts.contains(host));
        let mut pairs: Vec<[String; 2]> = talking.into_iter().filter(both).collect();
        if pairs.is_empty() {
            let others = |one: &String| hosts.iter().filter(|other| *other > one).cloned().collect::<Vec<_>>();
            pairs = hosts.iter().flat_map(|one| others(one).into_iter().map(|other| [one.clone(), other])).collect();
        }
        let connecting = plan.sockets.iter().filter(|socket| !socket.connect.is_empty());
        let connecting = connecting.map(|socket| socket.name.clone()).filter(|name| is_among(&among.sockets, name));
        let known = |name: &String| plan.host(name).is_some() || plan.names.iter().any(|rule| rule.name == *name);
        let names = names.into_iter().filter(known).collect();
        Self { connecting: connecting.collect(), names, hosts, pairs }
    }

    fn can(&self, kind: &str) -> bool {
        match kind {
            "partition" | "reset" | "half-open" | "stall" | "slow-link" => !self.pairs.is_empty(),
            "swizzle" => self.hosts.len() > 1,
            "duplicate-connect" => !self.connecting.is_empty(),
            "name" => !self.names.is_empty() && !self.hosts.is_empty(),
            _of_a_host => !self.hosts.is_empty(),
        }
    }

    fn draw(&self, kind: &str, draws: &mut Draws) -> FaultKind {
        let pair = |draws: &mut Draws| draws.one(&self.pairs).clone();
        let host = |draws: &mut Draws| draws.one(&self.hosts).clone();
        match kind {
            "partition" => FaultKind::Partition {
                between: pair(draws),
                flow: *draws.one(&[Flow::Drop, Flow::Hold]),
                direction: *draws.one(&[Direction::Both, Direction::Both, Direction::Forth, Direction::Back]),
            },
            "swizzle" => FaultKind::Swizzle { hosts: self.hosts.clone() },
            "reset" => FaultKind::Reset { between: pair(draws) },
            "half-open" => FaultKind::HalfOpen { between: pair(draws) },
            "stall" => FaultKind::Stall { between: pair(draws) },
            "slow-link" => FaultKind::SlowLink {
                between: pair(draws),
                latency: draws.span_logarithmic(Span::millis(1), Span::millis(3000)),
                bandwidth: *draws.one(&[None, None, Some(1000), Some(20_000), Some(1_000_000)]),
            },
            "tiny-buffers" => {
                FaultKind::TinyBuffers { host: host(draws), octets: *draws.one(&[1, 16, 64, 100, 512, 4096]) }
            }
            "torn" => FaultKind::Torn { host: host(draws), at_most: *draws.one(&[1, 2, 3, 8, 9, 64, 65, 1000]) },
            "duplicate-connect" => FaultKind::DuplicateConnect { socket: draws.one(&self.connecting).clone() },
            "down" => FaultKind::Down {
                host: host(draws),
                how: *draws.one(&[HostEvent::Kill, HostEvent::Kill, HostEvent::PowerLoss]),
                restart: true,
                other_address: draws.percent(15),
            },
            "pause" => FaultKind::Pause { host: host(draws) },
            "no-descriptors" => FaultKind::NoDescriptors { host: host(draws) },
            "refuse-accept" => FaultKind::RefuseAccept { host: host(draws) },
            "name" => FaultKind::Name {
                name: draws.one(&self.names).clone(),
                change: match draws.below(3) {
                    0 => NameChange::Fails,
                    1 => NameChange::Slow(draws.span_logarithmic(Span::millis(1), Span::millis(10_000))),
                    _elsewhere => NameChange::LeadsTo(host(draws)),
                },
            },
            _clock => FaultKind::ClockJump {
                host: host(draws),
                by: draws.span_logarithmic(Span::millis(1), Span::millis(3_600_000)),
            },
        }
    }
}
