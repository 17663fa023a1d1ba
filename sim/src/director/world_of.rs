//! The world of a plan, before anything goes wrong.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use zmq_world::{Bandwidth, HostId, Latency, Limits, Link, World};

use crate::plan::{self, HostIndex, NameRule, Plan};

/// The hosts, links, names and clocks of a plan, and its hosts in the plan's order.
///
/// # Panics
///
/// If the plan was not checked: two hosts have one address.
#[must_use]
pub fn world_of(plan: &Plan) -> (World, Vec<HostId>) {
    let mut world = World::new(plan.seed);
    let mut hosts = Vec::new();
    for index in HostIndex::all(plan) {
        let host = world.add_host(&plan[index].name, &addresses(plan, index));
        if let Some(offset) = plan[index].clock_offset {
            world.jump_clock(host, offset.0);
        }
        if let Some(drift) = plan[index].clock_drift {
            world.set_drift(host, drift);
        }
        world.set_limits(host, limits_of(plan, index));
        hosts.push(host);
    }
    for from in HostIndex::all(plan) {
        for to in HostIndex::all(plan).filter(|to| *to != from) {
            *world.link_mut(id(&hosts, from), id(&hosts, to)) = link_of(plan, from, to);
        }
    }
    for rule in &plan.names {
        set_name(&mut world, plan, &hosts, rule);
    }
    (world, hosts)
}

/// The addresses that a host has at the start.
pub(super) fn addresses(plan: &Plan, host: HostIndex) -> Vec<IpAddr> {
    if plan[host].addresses.is_empty() { vec![own_address(host, 0)] } else { plan[host].addresses.clone() }
}

/// The address of a host after it moved so many times: within 100.64.0.0/10, out of which checked plans stay.
pub(super) fn own_address(host: HostIndex, moves: u8) -> IpAddr {
    let [high, low] = host.0.to_be_bytes();
    Ipv4Addr::new(100, 64 + moves % 64, high, low).into()
}

/// What a rule says of a name.
pub(super) fn set_name(world: &mut World, plan: &Plan, hosts: &[HostId], rule: &NameRule) {
    let of_hosts = rule.hosts.iter().filter_map(|host| plan.host(host));
    let mut addresses: Vec<IpAddr> = of_hosts.flat_map(|host| world.addresses(id(hosts, host)).to_vec()).collect();
    addresses.extend(&rule.addresses);
    world.set_name(&rule.name, &addresses);
    if let Some(delay) = rule.delay {
        world.delay_name(&rule.name, delay.0);
    }
}

/// What a host's system gives its process at the start.
pub(super) fn limits_of(plan: &Plan, host: HostIndex) -> Limits {
    let limits = Limits::default();
    Limits { descriptors: plan[host].descriptors.unwrap_or(limits.descriptors), ..limits }
}

/// The link from one host to another at the start.
pub(super) fn link_of(plan: &Plan, from: HostIndex, to: HostIndex) -> Link {
    let is = |named: &Option<String>, host: HostIndex| named.as_ref().is_none_or(|name| *name == plan[host].name);
    let rule = plan.links.iter().rev().find(|rule| is(&rule.from, from) && is(&rule.to, to));
    let like = rule.map_or(&plan.network, |rule| &rule.is);
    let usual = Link::between_hosts();
    let millionths = |thousandths: Option<u16>| u32::from(thousandths.unwrap_or(0)) * 1000;
    Link {
        latency: latency_of(like.latency),
        bandwidth: like.bandwidth.map(bandwidth),
        mtu: like.mtu.unwrap_or(usual.mtu),
        queue_octets: like.queue.map_or(usual.queue_octets, u64::from),
        loss: millionths(like.loss),
        duplicate: millionths(like.duplicated),
        reorder: millionths(like.reordered),
        corrupt: millionths(like.corrupted),
    }
}

/// A link that is slow besides.
pub(super) fn slowed(link: &Link, more: Duration, at_most: Option<u64>) -> Link {
    let latency = match link.latency {
        Latency::Fixed(always) => Latency::Fixed(always + more),
        Latency::Uniform(from, to) => Latency::Uniform(from + more, to + more),
        Latency::Bell { mean, spread } => Latency::Bell { mean: mean + more, spread },
        Latency::LongTail { least, scale, most } => Latency::LongTail { least: least + more, scale, most: most + more },
    };
    let slower = |rate: u64| link.bandwidth.map_or(rate, |before| before.octets_per_second.min(rate));
    Link { latency, bandwidth: at_most.map(slower).map(bandwidth).or(link.bandwidth), ..link.clone() }
}

fn latency_of(latency: plan::Latency) -> Latency {
    let (min, max) = (latency.min.0, latency.max.0);
    match latency.tail {
        Some(tail) => Latency::LongTail { least: min, scale: max.saturating_sub(min), most: tail.0 },
        None if min == max => Latency::Fixed(min),
        None => Latency::Uniform(min, max + Duration::from_nanos(1)),
    }
}

fn bandwidth(octets_per_second: u64) -> Bandwidth {
    Bandwidth { octets_per_second, burst: BURST }
}

pub(super) fn id(hosts: &[HostId], host: HostIndex) -> HostId {
    hosts[usize::from(host.0)]
}

/// What goes at once over a link with a bandwidth after a pause: ten packets.
const BURST: u64 = 15_000;
