//! What can be left out of a plan, and the plan without it: whole hosts with all that is on them, sockets, actors, and
//! single entries of every list.

use std::collections::BTreeSet;

use toml::Value;

use super::tree::{self, Path};
use crate::plan::{Expect, Fault, FaultKind, NameChange, Plan, Step, Trigger};

/// Something that can be left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// A host, with its sockets and all that names it.
    Host(String),
    /// A socket, with the steps and faults that name it.
    Socket(String),
    /// An actor, with what is promised of it.
    Actor(String),
    /// An entry of a list.
    Entry(Path, usize),
}

/// Which parts are tried together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// What goes wrong.
    Faults,
    /// Hosts, sockets, actors.
    Cast,
    /// What actors do.
    Steps,
    /// Entries of the other lists: links, endpoints, topics, promises, names.
    Entries,
}

impl Layer {
    pub(super) const ALL: [Self; 4] = [Self::Faults, Self::Cast, Self::Steps, Self::Entries];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Faults => "faults",
            Self::Cast => "hosts, sockets and actors",
            Self::Steps => "steps",
            Self::Entries => "entries of lists",
        }
    }

    /// The parts of this layer.
    pub(super) fn parts(self, plan: &Plan) -> Vec<Part> {
        match self {
            Self::Faults => (0..plan.faults.len()).map(|at| Part::Entry(vec!["fault".into()], at)).collect(),
            Self::Cast => {
                let hosts = plan.hosts.iter().map(|host| Part::Host(host.name.clone()));
                let sockets = plan.sockets.iter().map(|socket| Part::Socket(socket.name.clone()));
                let actors = plan.actors.iter().map(|actor| Part::Actor(actor.name.clone()));
                hosts.chain(sockets).chain(actors).collect()
            }
            Self::Steps => entries(plan).into_iter().filter(|(path, _)| is_steps(path)).map(entry).collect(),
            Self::Entries => entries(plan).into_iter().filter(|(path, _)| !is_elsewhere(path)).map(entry).collect(),
        }
    }
}

fn entry((path, at): (Path, usize)) -> Part {
    Part::Entry(path, at)
}

fn is_steps(path: &Path) -> bool {
    matches!(&path[..], [of, _, list] if of == "actor" && list == "do")
}

/// Lists that other layers empty, and pairs.
fn is_elsewhere(path: &Path) -> bool {
    let whole = matches!(&path[..], [list] if ["fault", "host", "socket", "actor"].contains(&list.as_str()));
    let used = matches!(&path[..], [of, _, list] if of == "actor" && list == "sockets");
    whole || used || is_steps(path) || path.last().is_some_and(|last| last == "between")
}

fn entries(plan: &Plan) -> Vec<(Path, usize)> {
    let mut found = Vec::new();
    tree::walk(&tree::of(plan), &mut |path, value| {
        if let Value::Array(list) = value {
            found.extend((0..list.len()).map(|at| (path.clone(), at)));
        }
    });
    found
}

/// The plan without these parts; none if what is left is no plan.
pub(super) fn without(plan: &Plan, parts: &[&Part]) -> Option<Plan> {
    let mut entries: Vec<(&Path, usize)> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Entry(path, at) => Some((path, *at)),
            Part::Host(_) | Part::Socket(_) | Part::Actor(_) => None,
        })
        .collect();
    let mut rest = plan.clone();
    if !entries.is_empty() {
        // From behind, so that the places of the others stay.
        entries.sort_unstable();
        let mut tree = tree::of(plan);
        for (path, at) in entries.iter().rev() {
            tree::remove_entry(&mut tree, path, *at);
        }
        rest = tree::read(tree)?;
    }
    for part in parts {
        match part {
            Part::Host(name) => remove_host(&mut rest, name),
            Part::Socket(name) => remove_socket(&mut rest, name),
            Part::Actor(name) => remove_actor(&mut rest, name),
            Part::Entry(..) => {}
        }
    }
    (!rest.hosts.is_empty() && !rest.actors.is_empty()).then_some(rest)
}

fn remove_host(plan: &mut Plan, name: &str) {
    let sockets: Vec<String> = plan.sockets.iter().filter(|of| of.host == name).map(|of| of.name.clone()).collect();
    for socket in sockets {
        remove_socket(plan, &socket);
    }
    plan.hosts.retain(|host| host.name != name);
    plan.links.retain(|rule| rule.from.as_deref() != Some(name) && rule.to.as_deref() != Some(name));
    let there = format!("tcp://{name}:");
    let leads_there = |endpoint: &str| endpoint.starts_with(&there);
    for socket in &mut plan.sockets {
        socket.connect.retain(|endpoint| !leads_there(endpoint));
    }
    for actor in &mut plan.actors {
        actor.r#do.retain(|step| match step {
            Step::Connect(at) | Step::Disconnect(at) => !leads_there(&at.endpoint),
            _ => true,
        });
    }
    plan.faults.retain_mut(|fault| !names_host(fault, name));
    // An actor whose socket was there is gone with it, and so may others be whose steps have become meaningless.
}

/// Whether the fault cannot be without this host. It is taken from those that a swizzle picks from.
fn names_host(fault: &mut Fault, name: &str) -> bool {
    if let Some(Trigger::Octets { from, to, .. }) = &fault.after
        && (from == name || to == name)
    {
        return true;
    }
    if let FaultKind::Swizzle { hosts } = &mut fault.what {
        hosts.retain(|host| host != name);
        return hosts.is_empty();
    }
    let mut names = false;
    let leads_there = matches!(&fault.what, FaultKind::Name { change: NameChange::LeadsTo(host), .. } if host == name);
    // Every kind names hosts under these keys, whatever else it has.
    tree::walk(&tree::of(&fault.what), &mut |path, value| {
        let key = path.iter().rev().find(|key| key.parse::<usize>().is_err());
        names |= key.is_some_and(|key| key == "host" || key == "between") && value.as_str() == Some(name);
    });
    names || leads_there
}

fn remove_socket(plan: &mut Plan, name: &str) {
    let mut gone = BTreeSet::new();
    for actor in &mut plan.actors {
        let first = actor.sockets.first().cloned();
        let means = |named: &Option<String>| named.as_ref().or(first.as_ref()).is_some_and(|socket| socket == name);
        actor.r#do.retain(|step| !means_socket(step, &means));
        actor.sockets.retain(|socket| socket != name);
        if actor.sockets.is_empty() {
            gone.insert(actor.name.clone());
        }
    }
    for actor in gone {
        remove_actor(plan, &actor);
    }
    plan.sockets.retain(|socket| socket.name != name);
    plan.faults.retain(|fault| {
        let waits = matches!(&fault.after, Some(Trigger::Socket { name: of, .. }) if of == name);
        let connects = matches!(&fault.what, FaultKind::DuplicateConnect { socket } if socket == name);
        !waits && !connects
    });
}

fn means_socket(step: &Step, means: &dyn Fn(&Option<String>) -> bool) -> bool {
    match step {
        Step::Send(of) => means(&of.socket),
        Step::Recv(of) => means(&of.socket),
        Step::Request(of) => means(&of.socket),
        Step::Serve(of) => means(&of.socket),
        Step::Forward { front, back, .. } => means(&Some(front.clone())) || means(&Some(back.clone())),
        Step::Wait(_) => false,
        Step::Bind(of) | Step::Connect(of) | Step::Unbind(of) | Step::Disconnect(of) => means(&of.socket),
        Step::Subscribe(of) | Step::Unsubscribe(of) => means(&of.socket),
        Step::Close { socket, .. } | Step::Open { socket } => means(socket),
        Step::Settle { socket } | Step::Poll { socket, .. } => means(socket),
    }
}

fn remove_actor(plan: &mut Plan, name: &str) {
    plan.actors.retain(|actor| actor.name != name);
    plan.expects.retain(|expect| match expect {
        Expect::Delivered { from, to, .. } => from != name && to.as_deref() != Some(name),
        Expect::Withheld { from, to } => from != name && to != name,
        Expect::Done { actor, .. } | Expect::NoFailures { actor } => actor != name,
    });
}
