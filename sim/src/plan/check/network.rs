//! Hosts, links, names, and the times of the plan.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Findings;
use super::names::{check_names, unknown};
use crate::plan::{Link, Plan};

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
    findings.at("the plan".into(), String::new());
    if plan.heal >= plan.limit {
        let (heal, limit) = (plan.heal, plan.limit);
        findings.at("the plan".into(), "heal".into());
        findings.say(
            "",
            format!("everything is healed at {heal}, and the limit is {limit}: expected some time between, to recover"),
        );
    }
    if plan.hosts.is_empty() {
        findings.at("the plan".into(), "title".into());
        findings.say("", "there is no host; begin with [[host]] and a name".into());
    }
    lengths(plan, findings);
    check_names("host", plan.hosts.iter().map(|host| host.name.as_str()), findings);
    let mut addresses = BTreeSet::new();
    for (place, host) in plan.hosts.iter().enumerate() {
        findings.at(format!("host {:?}", host.name), format!("host.{place}"));
        for address in &host.addresses {
            if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
                findings.say("addresses", format!("{address} is not an address of one host among others"));
            }
            if is_ours(*address) {
                findings
                    .say("addresses", format!("{address}: 100.64.0.0/10 is for hosts that the plan gives no address"));
            }
            if !addresses.insert(*address) {
                findings.say("addresses", format!("{address} belongs to another host already"));
            }
        }
        if host.clock_drift.is_some_and(|drift| drift.abs() > FASTEST) {
            findings.say("clock-drift", format!("a clock drifts by at most {FASTEST} millionths"));
        }
        if host.descriptors == Some(0) {
            findings.say("descriptors", "a process without descriptors can do nothing; expected at least 1".into());
        }
    }
    let hosts = || plan.hosts.iter().map(|host| host.name.as_str());
    for (place, rule) in plan.names.iter().enumerate() {
        findings.at(format!("name {:?}", rule.name), format!("name.{place}"));
        for host in rule.hosts.iter().filter(|host| plan.host(host).is_none()) {
            findings.say("hosts", unknown("host", host, hosts()));
        }
    }
    findings.at("network".into(), "network".into());
    link(&plan.network, "", findings);
    for (place, rule) in plan.links.iter().enumerate() {
        findings.at(format!("link {}", place + 1), format!("link.{place}"));
        for (key, name) in [("from", &rule.from), ("to", &rule.to)] {
            if let Some(name) = name.as_ref().filter(|name| plan.host(name).is_none()) {
                findings.say(key, unknown("host", name, hosts()));
            }
        }
        if rule.from.is_some() && rule.from == rule.to {
            findings.say("to", "a link is between two hosts".into());
        }
        link(&rule.is, "is.", findings);
    }
}

fn link(link: &Link, under: &str, findings: &mut Findings) {
    let latency = link.latency;
    if latency.min > latency.max {
        let (min, max) = (latency.min, latency.max);
        findings
            .say(&format!("{under}latency"), format!("the shortest, {min}, is longer than {max}; swap min and max"));
    }
    if latency.tail.is_some_and(|tail| tail < latency.max) {
        findings.say(&format!("{under}latency"), "the tail is the longest of all; expected at least max".into());
    }
    if link.mtu.is_some_and(|mtu| mtu < LEAST_MTU) {
        findings.say(&format!("{under}mtu"), format!("a packet has at least {LEAST_MTU} octets (IPv4)"));
    }
    if link.bandwidth == Some(0) {
        findings.say(&format!("{under}bandwidth"), "nothing gets through at 0 octets a second; use a partition".into());
    }
    if link.loss.is_some_and(|loss| loss > MOST_LOSS) {
        let what = format!("expected at most {MOST_LOSS} of 1,000: beyond that tcp gives up; use a partition");
        findings.say(&format!("{under}loss"), what);
    }
    for (key, rate) in [("duplicated", link.duplicated), ("reordered", link.reordered), ("corrupted", link.corrupted)] {
        if rate.is_some_and(|rate| rate > 1000) {
            findings.say(&format!("{under}{key}"), "expected at most 1,000 of 1,000".into());
        }
    }
}

fn lengths(plan: &Plan, findings: &mut Findings) {
    let lists = [
        ("host", plan.hosts.len()),
        ("socket", plan.sockets.len()),
        ("actor", plan.actors.len()),
        ("fault", plan.faults.len()),
    ];
    for (list, len) in lists.into_iter().filter(|(_, len)| *len > MOST) {
        findings.at("the plan".into(), list.into());
        findings.say("", format!("{len} of them are too many; expected at most {MOST}"));
    }
}

/// Whether an address is of those that hosts get which have none.
fn is_ours(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64,
        IpAddr::V6(_) => false,
    }
}

const FASTEST: i32 = 500_000;
const LEAST_MTU: u32 = 68;
const MOST_LOSS: u16 = 500;
const MOST: usize = 10_000;
