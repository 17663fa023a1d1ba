//! Faults.

use super::Findings;
use super::names::unknown;
use crate::plan::{Fault, FaultKind, NameChange, Plan, Trigger};
use crate::time::Span;

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
    for (place, fault) in plan.faults.iter().enumerate() {
        let kind = fault.what.name();
        findings.at(format!("fault {} ({kind})", place + 1), format!("fault.{place}"));
        times(plan, fault, findings);
        trigger(plan, fault, findings);
        findings.at(format!("fault {} ({kind})", place + 1), format!("fault.{place}.what.{kind}"));
        what(plan, &fault.what, findings);
    }
}

fn times(plan: &Plan, fault: &Fault, findings: &mut Findings) {
    if fault.at >= plan.heal {
        let (at, heal) = (fault.at, plan.heal);
        findings
            .say("at", format!("{at} is not before the healing at {heal}; begin earlier, or set heal to a later time"));
    }
    match fault.r#for {
        Some(_) if !fault.what.lasts() => {
            findings.say("for", format!("a {} happens once; leave \"for\" out", fault.what.name()));
        }
        Some(Span(span)) if span.is_zero() => findings.say("for", "expected more than no time".into()),
        Some(_) | None => {}
    }
}

fn trigger(plan: &Plan, fault: &Fault, findings: &mut Findings) {
    match &fault.after {
        Some(Trigger::Socket { name, nth, .. }) => {
            if plan.socket(name).is_none() {
                let names = plan.sockets.iter().map(|socket| socket.name.as_str());
                findings.say("after.socket.name", unknown("socket", name, names));
            }
            if *nth == 0 {
                findings.say("after.socket.nth", "the first is 1".into());
            }
        }
        Some(Trigger::Octets { from, to, count }) => {
            host(plan, "after.octets.from", from, findings);
            host(plan, "after.octets.to", to, findings);
            if from == to {
                findings.say("after.octets.to", "expected another host than from".into());
            }
            if *count == 0 {
                findings.say("after.octets.count", "expected at least 1".into());
            }
        }
        None => {}
    }
}

fn what(plan: &Plan, what: &FaultKind, findings: &mut Findings) {
    match what {
        FaultKind::Partition { between, .. }
        | FaultKind::Reset { between }
        | FaultKind::HalfOpen { between }
        | FaultKind::Stall { between } => pair(plan, between, findings),
        FaultKind::SlowLink { between, bandwidth, .. } => {
            pair(plan, between, findings);
            if *bandwidth == Some(0) {
                findings.say("bandwidth", "nothing gets through at 0 octets a second; use a partition".into());
            }
        }
        FaultKind::Swizzle { hosts } => {
            for name in hosts {
                host(plan, "hosts", name, findings);
            }
            if hosts.is_empty() {
                findings.say("hosts", "expected those of which a part is cut off".into());
            }
        }
        FaultKind::TinyBuffers { host: name, octets } => {
            host(plan, "host", name, findings);
            if *octets == 0 {
                findings.say("octets", "nothing gets through buffers of 0 octets; expected at least 1".into());
            }
        }
        FaultKind::Torn { host: name, at_most } => {
            host(plan, "host", name, findings);
            if *at_most == 0 {
                findings.say("at-most", "expected at least 1".into());
            }
        }
        FaultKind::DuplicateConnect { socket } => match plan.socket(socket) {
            None => {
                let names = plan.sockets.iter().map(|socket| socket.name.as_str());
                findings.say("socket", unknown("socket", socket, names));
            }
            Some(index) if plan[index].connect.is_empty() => {
                findings.say("socket", format!("{socket:?} connects to nothing; name one that does"));
            }
            Some(_) => {}
        },
        FaultKind::Down { host: name, .. }
        | FaultKind::Pause { host: name }
        | FaultKind::NoDescriptors { host: name }
        | FaultKind::RefuseAccept { host: name } => host(plan, "host", name, findings),
        FaultKind::ClockJump { host: name, by } => {
            host(plan, "host", name, findings);
            if by.0.is_zero() || *by > A_YEAR {
                findings.say("by", format!("expected more than no time and at most {A_YEAR}"));
            }
        }
        FaultKind::Name { name, change } => {
            let names = || {
                let hosts = plan.hosts.iter().map(|host| host.name.as_str());
                hosts.chain(plan.names.iter().map(|rule| rule.name.as_str()))
            };
            if !names().any(|known| known == name) {
                findings.say("name", unknown("host", name, names()));
            }
            if let NameChange::LeadsTo(to) = change {
                host(plan, "change", to, findings);
            }
        }
    }
}

fn pair(plan: &Plan, between: &[String; 2], findings: &mut Findings) {
    for (turn, name) in between.iter().enumerate() {
        host(plan, &format!("between.{turn}"), name, findings);
    }
    if between[0] == between[1] {
        findings.say("between", "expected two different hosts".into());
    }
}

fn host(plan: &Plan, key: &str, name: &str, findings: &mut Findings) {
    if plan.host(name).is_none() {
        findings.say(key, unknown("host", name, plan.hosts.iter().map(|host| host.name.as_str())));
    }
}

const A_YEAR: Span = Span::millis(8760 * 3_600_000);
