//! Who can meet whom in a plan: which sockets connect to where which others are bound.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::plan::{
    ActorIndex, FaultKind, HostIndex, Mechanism, NameChange, NameRule, Plan, Security, SocketIndex, SocketType, Step,
};

/// A way from a socket that connects to one that is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// Who connects.
    pub connecting: SocketIndex,
    /// Who is bound.
    pub bound: SocketIndex,
    /// Whether there is no network between them.
    pub inproc: bool,
}

/// The endpoints of one socket.
#[derive(Debug, Clone, Default)]
struct Ends {
    bound: Vec<String>,
    connected: Vec<String>,
}

/// All ways of a plan.
#[derive(Debug, Clone, Default)]
pub struct Topology {
    paths: Vec<Path>,
    devices: Vec<[SocketIndex; 2]>,
}

/// Whether names are looked up as they are in the end, or as they ever are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    Ever,
    InTheEnd,
}

impl Topology {
    /// Every way that there ever can be: of the beginning, of steps, of names that lead elsewhere for a while.
    #[must_use]
    pub fn ever(plan: &Plan) -> Self {
        let ends: Vec<_> = SocketIndex::all(plan).map(|socket| Some(ever_of(plan, socket))).collect();
        Self::between(plan, &ends, Names::Ever)
    }

    /// The ways that are left when all actors have done what they do before they settle, and all is healed. Sockets that are
    /// closed, and those of hosts that never come back, have none.
    #[must_use]
    pub fn in_the_end(plan: &Plan) -> Self {
        let ends: Vec<_> = SocketIndex::all(plan).map(|socket| end_of(plan, socket)).collect();
        Self::between(plan, &ends, Names::InTheEnd)
    }

    fn between(plan: &Plan, ends: &[Option<Ends>], names: Names) -> Self {
        let mut paths = Vec::new();
        for connecting in SocketIndex::all(plan) {
            let Some(of_connecting) = &ends[usize::from(connecting.0)] else { continue };
            for to in &of_connecting.connected {
                for bound in SocketIndex::all(plan).filter(|bound| *bound != connecting) {
                    let Some(of_bound) = &ends[usize::from(bound.0)] else { continue };
                    if of_bound.bound.iter().any(|at| meets(plan, connecting, to, bound, at, names)) {
                        paths.push(Path { connecting, bound, inproc: to.starts_with("inproc://") });
                    }
                }
            }
        }
        Self { paths, devices: devices(plan) }
    }

    /// All ways.
    #[must_use]
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// Pairs of sockets between which messages are passed on.
    #[must_use]
    pub fn devices(&self) -> &[[SocketIndex; 2]] {
        &self.devices
    }

    /// The ways between two sockets, whoever connects.
    pub fn between_two(&self, a: SocketIndex, b: SocketIndex) -> impl Iterator<Item = &Path> {
        self.paths.iter().filter(move |path| [(a, b), (b, a)].contains(&(path.connecting, path.bound)))
    }

    /// Whether two sockets can be joined.
    #[must_use]
    pub fn are_joined(&self, a: SocketIndex, b: SocketIndex) -> bool {
        self.between_two(a, b).next().is_some()
    }

    /// All that a socket can be joined with, in order.
    #[must_use]
    pub fn peers(&self, of: SocketIndex) -> BTreeSet<SocketIndex> {
        self.paths
            .iter()
            .filter_map(|path| match (path.connecting == of, path.bound == of) {
                (true, _) => Some(path.bound),
                (false, true) => Some(path.connecting),
                (false, false) => None,
            })
            .collect()
    }
}

fn ever_of(plan: &Plan, socket: SocketIndex) -> Ends {
    let mut ends = Ends { bound: plan[socket].bind.clone(), connected: plan[socket].connect.clone() };
    for actor in ActorIndex::all(plan) {
        for step in &plan[actor].r#do {
            match step {
                Step::Bind(at) if plan.meant(actor, at.socket.as_deref()) == Some(socket) => {
                    push_new(&mut ends.bound, &at.endpoint);
                }
                Step::Connect(at) if plan.meant(actor, at.socket.as_deref()) == Some(socket) => {
                    // A second connection to the same endpoint is a way of its own.
                    ends.connected.push(at.endpoint.clone());
                }
                _ => {}
            }
        }
    }
    for fault in &plan.faults {
        if let FaultKind::DuplicateConnect { socket: named } = &fault.what
            && plan.socket(named) == Some(socket)
            && let Some(first) = plan[socket].connect.first()
        {
            ends.connected.push(first.clone());
        }
    }
    ends
}

fn push_new(list: &mut Vec<String>, endpoint: &str) {
    if !list.iter().any(|known| known == endpoint) {
        list.push(endpoint.to_owned());
    }
}

/// What is left of a socket when its actors have done their steps; `None`: nothing, or it cannot be said because several
/// actors change it.
fn end_of(plan: &Plan, socket: SocketIndex) -> Option<Ends> {
    let host = plan.host_of(socket)?;
    if never_comes_back(plan, host) {
        return None;
    }
    let initial = || Ends { bound: plan[socket].bind.clone(), connected: plan[socket].connect.clone() };
    let mut ends = Some(initial());
    let mut changed_by = BTreeSet::new();
    for actor in ActorIndex::all(plan) {
        let is_meant = |named: &Option<String>| plan.meant(actor, named.as_deref()) == Some(socket);
        for step in &plan[actor].r#do {
            match step {
                Step::Bind(at) if is_meant(&at.socket) => {
                    changed_by.insert(actor);
                    ends.iter_mut().for_each(|ends| ends.bound.push(at.endpoint.clone()));
                }
                Step::Connect(at) if is_meant(&at.socket) => {
                    changed_by.insert(actor);
                    ends.iter_mut().for_each(|ends| ends.connected.push(at.endpoint.clone()));
                }
                Step::Unbind(at) if is_meant(&at.socket) => {
                    changed_by.insert(actor);
                    ends.iter_mut().for_each(|ends| ends.bound.retain(|bound| *bound != at.endpoint));
                }
                Step::Disconnect(at) if is_meant(&at.socket) => {
                    changed_by.insert(actor);
                    ends.iter_mut().for_each(|ends| ends.connected.retain(|to| *to != at.endpoint));
                }
                Step::Close { socket: named, .. } if is_meant(named) => {
                    changed_by.insert(actor);
                    ends = None;
                }
                Step::Open { socket: named } if is_meant(named) => {
                    changed_by.insert(actor);
                    ends = Some(initial());
                }
                _ => {}
            }
        }
    }
    ends.filter(|_| changed_by.len() < 2)
}

/// Whether a host goes down and stays so.
#[must_use]
pub fn never_comes_back(plan: &Plan, host: HostIndex) -> bool {
    plan.faults.iter().any(|fault| match &fault.what {
        FaultKind::Down { host: named, restart, .. } => !restart && plan.host(named) == Some(host),
        _ => false,
    })
}

fn meets(plan: &Plan, connecting: SocketIndex, to: &str, bound: SocketIndex, at: &str, names: Names) -> bool {
    let same_host = plan[connecting].host == plan[bound].host;
    match (to.split_once("://"), at.split_once("://")) {
        (Some(("tcp", to)), Some(("tcp", at))) => {
            // A source address stands in front of a semicolon.
            let to = to.rsplit(';').next().unwrap_or(to);
            match (to.rsplit_once(':'), at.rsplit_once(':')) {
                (Some((name, port)), Some((_, bound_port))) => {
                    port == bound_port
                        && plan.host_of(bound).is_some_and(|host| leads_to(plan, connecting, name, host, names))
                }
                _ => false,
            }
        }
        (Some((scheme, to)), Some((other, at))) => same_host && scheme == other && to == at,
        _ => false,
    }
}

/// Whether a name leads a socket's host to another.
fn leads_to(plan: &Plan, from: SocketIndex, name: &str, host: HostIndex, names: Names) -> bool {
    let is_of = |address: &IpAddr| plan[host].addresses.contains(address);
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return is_of(&address) || address.is_loopback() && plan.host_of(from) == Some(host);
    }
    let is_ruled = names == Names::InTheEnd && plan.names.iter().any(|rule| rule.name == name);
    if plan.host(name) == Some(host) && !is_ruled || name == "localhost" && plan.host_of(from) == Some(host) {
        return true;
    }
    let here = |named: &String| plan.host(named) == Some(host);
    let leads =
        |rule: &NameRule| rule.name == name && (rule.hosts.iter().any(here) || rule.addresses.iter().any(is_of));
    let by_rule = plan.names.iter().any(leads);
    let by_fault = names == Names::Ever
        && plan.faults.iter().any(|fault| match &fault.what {
            FaultKind::Name { name: changed, change: NameChange::LeadsTo(other) } => {
                changed == name && plan.host(other) == Some(host)
            }
            _ => false,
        });
    by_rule || by_fault
}

fn devices(plan: &Plan) -> Vec<[SocketIndex; 2]> {
    let mut all = Vec::new();
    for actor in ActorIndex::all(plan) {
        for step in &plan[actor].r#do {
            if let Step::Forward { front, back, .. } = step
                && let (Some(front), Some(back)) = (plan.socket(front), plan.socket(back))
            {
                all.push([front, back]);
            }
        }
    }
    all
}

/// Whether sockets of these types talk to each other.
// spec: ZMTP31-SOCKTYPE-02, ZMTP31-SOCKTYPE-03, ZMTP31-SOCKTYPE-04, ZMTP31-SOCKTYPE-05, ZMTP31-SOCKTYPE-06
// spec: ZMTP31-SOCKTYPE-07, ZMTP31-SOCKTYPE-08, ZMTP31-SOCKTYPE-09, ZMTP31-SOCKTYPE-10, ZMTP31-SOCKTYPE-11
// spec: ZMTP31-SOCKTYPE-12
#[must_use]
pub fn talk(a: SocketType, b: SocketType) -> bool {
    use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
    let one_way = |a, b| {
        matches!(
            (a, b),
            (Push, Pull)
                | (Pub | XPub, Sub | XSub)
                | (Req, Rep | Router)
                | (Dealer, Rep | Dealer | Router)
                | (Router, Router)
                | (Pair, Pair)
        )
    };
    one_way(a, b) || one_way(b, a)
}

/// Whether messages can go from a socket of one type to one of the other.
#[must_use]
pub fn carries(from: SocketType, to: SocketType) -> bool {
    use SocketType::{Pub, Pull, Push, Sub, XPub};
    talk(from, to)
        && !matches!((from, to), (Pull | Sub, _) | (_, Push | Pub))
        && !(from == SocketType::XSub && to == XPub)
}

/// What security says of two sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// They may talk.
    Admitted,
    /// They may not.
    Denied,
    /// It is not for the plan to say.
    Unknown,
}

/// Whether one side's security lets the other in.
// spec: ZMTP31-MECH-12
#[must_use]
pub fn admission(plan: &Plan, a: SocketIndex, b: SocketIndex) -> Admission {
    let null = Security {
        mechanism: Mechanism::Null,
        server: false,
        name: None,
        password: None,
        server_name: None,
        zap_domain: None,
        allowed: Vec::new(),
    };
    let of = |socket: SocketIndex| plan[socket].options.security.as_ref().unwrap_or(&null);
    let (a, b) = (of(a), of(b));
    if a.mechanism != b.mechanism {
        return Admission::Denied;
    }
    if a.mechanism == Mechanism::Null {
        // Whom a handler lets in that is told no name is the engine's business.
        let asks = a.zap_domain.is_some() || b.zap_domain.is_some();
        return if asks { Admission::Unknown } else { Admission::Admitted };
    }
    let (server, client) = match (a.server, b.server) {
        (true, false) => (a, b),
        (false, true) => (b, a),
        (true, true) | (false, false) => return Admission::Denied,
    };
    if a.mechanism == Mechanism::Curve && client.server_name.is_some() && client.server_name != server.name {
        return Admission::Denied;
    }
    match (&server.zap_domain, &client.name) {
        (Some(_), Some(name)) if server.allowed.contains(name) => Admission::Admitted,
        (Some(_), Some(_)) => Admission::Denied,
        (None, Some(_)) if a.mechanism == Mechanism::Curve && client.server_name.is_some() => Admission::Admitted,
        (Some(_) | None, _) => Admission::Unknown,
    }
}
