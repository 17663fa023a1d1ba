//! What the faults that last make of the world.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use zmq_world::{Errno, Flow, Limits, StreamId, Time, Torn};

use super::world_of::{limits_of, link_of, own_address, set_name, slowed};
use super::{Hold, Stage};
use crate::plan::{self, Direction, FaultIndex, FaultKind, HostEvent, HostIndex, NameChange, Plan};

type Active = BTreeMap<FaultIndex, Hold>;
/// From one host to another.
type Way = (HostIndex, HostIndex);

/// What differs from the plan at the moment: only what differs is in it.
#[derive(Debug, Default)]
pub(super) struct State {
    flows: BTreeMap<Way, Flow>,
    slow: BTreeMap<Way, (Duration, Option<u64>)>,
    limits: BTreeMap<HostIndex, Limits>,
    refusing: BTreeSet<HostIndex>,
    names: BTreeMap<String, Vec<NameChange>>,
    stalled: BTreeSet<StreamId>,
    hosts: Vec<Process>,
}

/// A host's process.
#[derive(Debug, Clone, Default)]
struct Process {
    down: Option<HostEvent>,
    /// Who makes it stand still: a process that was started since is not among them.
    paused: BTreeSet<FaultIndex>,
    /// It comes back with another address.
    moves: bool,
    moved: u8,
}

impl State {
    pub(super) fn of(plan: &Plan) -> Self {
        Self { hosts: vec![Process::default(); plan.hosts.len()], ..Self::default() }
    }

    pub(super) fn is_down(&self, host: HostIndex) -> bool {
        self.hosts[usize::from(host.0)].down.is_some()
    }

    /// Makes the world what it is with these faults.
    pub(super) fn refresh(&mut self, plan: &Plan, active: &Active, stage: &mut dyn Stage) {
        self.refresh_flows(plan, active, stage);
        self.refresh_links(plan, active, stage);
        self.refresh_limits(plan, active, stage);
        self.refresh_accepting(plan, active, stage);
        self.refresh_streams(plan, active, stage);
        self.refresh_names(plan, active, stage);
    }

    fn refresh_flows(&mut self, plan: &Plan, active: &Active, stage: &mut dyn Stage) {
        let mut flows: BTreeMap<Way, Flow> = BTreeMap::new();
        let mut put = |way: Way, flow: Flow| {
            let there = flows.entry(way).or_default();
            *there = stronger(*there, flow);
        };
        for (fault, hold) in active {
            let what = &plan[*fault].what;
            if let FaultKind::Partition { between, flow, direction } = what {
                let flow = match flow {
                    plan::Flow::Drop => Flow::Drop,
                    plan::Flow::Hold => Flow::Hold,
                };
                ways(plan, between, *direction).into_iter().for_each(|way| put(way, flow));
            }
            // Only a swizzle has cut hosts off.
            for cut in &hold.cut {
                for other in HostIndex::all(plan).filter(|other| other != cut) {
                    put((*cut, other), Flow::Drop);
                    put((other, *cut), Flow::Drop);
                }
            }
        }
        for (from, to) in differing(&self.flows, &flows) {
            let flow = flows.get(&(from, to)).copied().unwrap_or(Flow::Pass);
            let (from, to) = (stage.world_host(from), stage.world_host(to));
            stage.world().set_flow(from, to, flow);
        }
        self.flows = flows;
    }

    fn refresh_links(&mut self, plan: &Plan, active: &Active, stage: &mut dyn Stage) {
        let mut slow: BTreeMap<Way, (Duration, Option<u64>)> = BTreeMap::new();
        for fault in active.keys() {
            let FaultKind::SlowLink { between, latency, bandwidth } = &plan[*fault].what else { continue };
            for way in ways(plan, between, Direction::Both) {
                let (more, at_most) = slow.entry(way).or_default();
                *more += latency.0;
                *at_most = [*at_most, *bandwidth].into_iter().flatten().min();
            }
        }
        for (from, to) in differing(&self.slow, &slow) {
            let (more, at_most) = slow.get(&(from, to)).copied().unwrap_or_default();
            let link = slowed(&link_of(plan, from, to), more, at_most);
            let (from, to) = (stage.world_host(from), stage.world_host(to));
            *stage.world().link_mut(from, to) = link;
        }
        self.slow = slow;
    }

    fn refresh_limits(&mut self, plan: &Plan, active: &Active, stage: &mut dyn Stage) {
        let mut all: BTreeMap<HostIndex, Limits> = BTreeMap::new();
        for (fault, hold) in active {
            let what = &plan[*fault].what;
            if let FaultKind::TinyBuffers { host, .. }
            | FaultKind::Torn { host, .. }
            | FaultKind::NoDescriptors { host } = what
                && let Some(host) = plan.host(host)
            {
                let limits = all.entry(host).or_insert_with(|| limits_of(plan, host));
                if let FaultKind::TinyBuffers { octets, .. } = what {
                    limits.send_buffer = limits.send_buffer.min(*octets);
                    limits.recv_buffer = limits.recv_buffer.min(*octets);
                }
                if let FaultKind::Torn { at_most, .. } = what {
                    limits.torn_reads = more_torn(limits.torn_reads, *at_most);
                    limits.torn_writes = more_torn(limits.torn_writes, *at_most);
                }
                if let Some(descriptors) = hold.descriptors {
                    limits.descriptors = limits.descriptors.min(descriptors);
                }
            }
        }
        for host in differing(&self.limits, &all) {
            let limits = all.get(&host).map_or_else(|| limits_of(plan, host), |limits| *limits);
            let host = stage.world_host(host);
            stage.world().set_limits(host, limits);
        }
        self.limits = all;
    }

    fn refresh_accepting(&mut self, plan: &Plan, active: &Active, stage: &mut dyn Stage) {
        let refuses = |fault: &FaultIndex| {
            if let FaultKind::RefuseAccept { host } = &plan[*fault].what { plan.host(host) } else { None }
        };
        let refusing: BTreeSet<HostIndex> = active.keys().filter_map(refuses).collect();
        for host in self.refusing.symmetric_difference(&refusing) {
            let until = if refusing.contains(host) { Time::NEVER } else { stage.world().now() };
            let host = stage.world_host(*host);
            stage.world().refuse_accepts(host, until);
        }
        self.refusing = refusing;
    }

    fn refresh_streams(&mut self, plan: &Plan, active: &Active, stage: &mut dyn Stage) {
        let is_stalled =
            |fault: &FaultIndex| matches!(plan[*fault].what, FaultKind::Stall { .. } | FaultKind::HalfOpen { .. });
        let of = active.iter().filter(|(fault, _)| is_stalled(fault));
        let stalled: BTreeSet<StreamId> = of.flat_map(|(_, hold)| hold.streams.iter().copied()).collect();
        for stream in stalled.difference(&self.stalled) {
            stage.world().stall(*stream);
        }
        for stream in self.stalled.difference(&stalled) {
            stage.world().unstall(*stream);
        }
        self.stalled = stalled;
    }

    fn refresh_names(&mut self, plan: &Plan, active: &Active, stage: &mut dyn Stage) {
        let mut names: BTreeMap<String, Vec<NameChange>> = BTreeMap::new();
        for fault in active.keys() {
            if let FaultKind::Name { name, change } = &plan[*fault].what {
                names.entry(name.clone()).or_default().push(change.clone());
            }
        }
        let hosts: Vec<_> = HostIndex::all(plan).map(|host| stage.world_host(host)).collect();
        let world = stage.world();
        for name in differing(&self.names, &names) {
            world.forget_name(&name);
            for rule in plan.names.iter().filter(|rule| rule.name == name) {
                set_name(world, plan, &hosts, rule);
            }
            for change in names.get(&name).into_iter().flatten() {
                match change {
                    NameChange::Fails => world.fail_name(&name, Some(Errno::NotFound)),
                    NameChange::Slow(delay) => world.delay_name(&name, delay.0),
                    NameChange::LeadsTo(host) => {
                        let addresses = plan.host(host).map(|host| hosts[usize::from(host.0)]);
                        let addresses = addresses.map(|host| world.addresses(host).to_vec());
                        world.set_name(&name, &addresses.unwrap_or_default());
                    }
                }
            }
        }
        self.names = names;
    }

    /// The process is stopped, unless there is none.
    pub(super) fn pause(&mut self, host: HostIndex, by: FaultIndex, stage: &mut dyn Stage) {
        let process = &mut self.hosts[usize::from(host.0)];
        if process.down.is_some() {
            return;
        }
        let is_first = process.paused.is_empty();
        process.paused.insert(by);
        if is_first {
            let id = stage.world_host(host);
            stage.world().pause(id);
            stage.pause(host, true);
        }
    }

    /// It goes on when nobody else stops it.
    pub(super) fn resume(&mut self, host: HostIndex, by: FaultIndex, stage: &mut dyn Stage) {
        let process = &mut self.hosts[usize::from(host.0)];
        if process.paused.remove(&by) && process.paused.is_empty() {
            let id = stage.world_host(host);
            stage.world().resume(id);
            stage.pause(host, false);
        }
    }

    /// The host goes down; one without power cannot be killed.
    pub(super) fn go_down(&mut self, host: HostIndex, how: HostEvent, stage: &mut dyn Stage) {
        let process = &mut self.hosts[usize::from(host.0)];
        let before = process.down;
        let id = stage.world_host(host);
        match (before, how) {
            (None, HostEvent::Kill) => stage.world().kill(id),
            (None | Some(HostEvent::Kill), HostEvent::PowerLoss) => stage.world().power_off(id),
            (Some(HostEvent::Kill), HostEvent::Kill) | (Some(HostEvent::PowerLoss), _) => return,
        }
        process.down = Some(how);
        process.paused.clear();
        if before.is_none() {
            stage.down(host, how);
        }
    }

    /// Whether it comes back with another address.
    pub(super) fn moves(&mut self, host: HostIndex, other_address: bool) {
        self.hosts[usize::from(host.0)].moves |= other_address;
    }

    /// The host's process begins again.
    pub(super) fn come_up(&mut self, host: HostIndex, stage: &mut dyn Stage) {
        let process = &mut self.hosts[usize::from(host.0)];
        let Some(how) = process.down.take() else { return };
        let id = stage.world_host(host);
        let world = stage.world();
        if std::mem::take(&mut process.moves) {
            process.moved = process.moved.wrapping_add(1).max(1);
            for address in world.addresses(id).to_vec() {
                world.remove_address(id, address);
            }
            world.add_address(id, own_address(host, process.moved));
            // Names that lead to it are looked at again.
            self.names.values_mut().for_each(Vec::clear);
        }
        match how {
            HostEvent::Kill => world.restart(id),
            HostEvent::PowerLoss => world.power_on(id),
        }
        stage.up(host);
    }
}

/// The dialling ends of the streams between two hosts.
pub(super) fn streams_between(plan: &Plan, between: &[String; 2], stage: &mut dyn Stage) -> Vec<StreamId> {
    let [first, second] = between.each_ref().map(|host| plan.host(host));
    let (Some(first), Some(second)) = (first, second) else { return Vec::new() };
    let (first, second) = (stage.world_host(first), stage.world_host(second));
    stage.world().streams_between(first, second)
}

/// Descriptors that the process of a host has.
pub(super) fn descriptors_in_use(plan: &Plan, host: &str, stage: &mut dyn Stage) -> u32 {
    let Some(host) = plan.host(host) else { return 0 };
    let host = stage.world_host(host);
    let used = stage.world().resources(host);
    used.streams + used.listeners + used.datagrams
}

/// Keys whose values differ.
fn differing<K: Ord + Clone, V: PartialEq>(old: &BTreeMap<K, V>, new: &BTreeMap<K, V>) -> Vec<K> {
    let keys: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    keys.into_iter().filter(|key| old.get(key) != new.get(key)).cloned().collect()
}

fn ways(plan: &Plan, between: &[String; 2], direction: Direction) -> Vec<Way> {
    let [Some(first), Some(second)] = between.each_ref().map(|host| plan.host(host)) else { return Vec::new() };
    match direction {
        Direction::Both => vec![(first, second), (second, first)],
        Direction::Forth => vec![(first, second)],
        Direction::Back => vec![(second, first)],
    }
}

const fn stronger(one: Flow, other: Flow) -> Flow {
    match (one, other) {
        (Flow::Drop, _) | (_, Flow::Drop) => Flow::Drop,
        (Flow::Hold, _) | (_, Flow::Hold) => Flow::Hold,
        (Flow::Pass, Flow::Pass) => Flow::Pass,
    }
}

fn more_torn(torn: Torn, at_most: u32) -> Torn {
    match torn {
        Torn::Never => Torn::UpTo(at_most),
        Torn::UpTo(before) => Torn::UpTo(before.min(at_most)),
    }
}
