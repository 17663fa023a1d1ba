//! Calls and faults in plain words.

use super::line::Ended;
use crate::actor::message::Part;
use crate::history::{Call, Received, Sent};
use crate::plan::{Direction, Fault, FaultKind, Flow, HostEvent, Linger, NameChange, Plan};

/// A call: its name, how it ended, and what it did, as said of who made it.
pub(crate) fn call(plan: &Plan, call: &Call) -> (&'static str, Ended, String) {
    match call {
        Call::Open => ("open", Ended::Done, "opens".into()),
        Call::Close(None) => ("close", Ended::Done, "closes".into()),
        Call::Close(Some(linger)) => ("close", Ended::Done, format!("closes, linger {}", span_of(*linger))),
        Call::Terminate => ("terminate", Ended::Done, "context terminated".into()),
        Call::Bind(at) => ("bind", Ended::Done, format!("bound to {at}")),
        Call::Connect(to) => ("connect", Ended::Done, format!("connects to {to}")),
        Call::Unbind(at) => ("unbind", Ended::Done, format!("gives up {at}")),
        Call::Disconnect(to) => ("disconnect", Ended::Done, format!("disconnects from {to}")),
        Call::Subscribe(topic) => ("subscribe", Ended::Done, format!("subscribes to \"{topic}\"")),
        Call::Unsubscribe(topic) => ("unsubscribe", Ended::Done, format!("cancels \"{topic}\"")),
        Call::Sent(message) => ("sent", Ended::Done, format!("sent {}", sent(plan, message))),
        Call::SendTimedOut(id) => ("send-timed-out", Ended::Empty, format!("no room in time for {}", id.name(plan))),
        Call::SendCancelled(id) => {
            ("send-cancelled", Ended::Empty, format!("dropped the call that sends {}", id.name(plan)))
        }
        Call::Received(message) => ("received", Ended::Done, format!("received {}", received(plan, message))),
        Call::PassedOn(message) => ("passed-on", Ended::Done, format!("passed on {}", received(plan, message))),
        Call::RecvTimedOut => ("recv-timed-out", Ended::Empty, "received nothing in time".into()),
        Call::RecvCancelled => ("recv-cancelled", Ended::Empty, "dropped the call that receives".into()),
        Call::Failed { call, errno, why } => ("failed", Ended::Failed, format!("{call} failed: {why} (error {errno})")),
    }
}

fn sent(plan: &Plan, sent: &Sent) -> String {
    let mut text = sent.id.name(plan);
    if sent.parts > 1 {
        text += &format!(" of {} parts", sent.parts);
    }
    if !sent.topic.is_empty() {
        text += &format!(" on \"{}\"", sent.topic);
    }
    if let Some(to) = &sent.to {
        text += &format!(" to {}", to.escape_ascii());
    }
    if let Some(answered) = sent.answers {
        text += &format!(", the answer to {}", answered.name(plan));
    }
    if sent.probe {
        text += ", a probe";
    }
    text
}

fn received(plan: &Plan, received: &Received) -> String {
    let mut text = received.id().map_or_else(|| "what no actor sent".to_owned(), |id| id.name(plan));
    if let Some(answered) = received.answers() {
        text += &format!(", the answer to {}", answered.name(plan));
    }
    let promised = received.parts.iter().find_map(|part| match part {
        Part::Of { parts, .. } => Some(usize::from(*parts)),
        Part::Foreign(_) => None,
    });
    if let Some(promised) = promised.filter(|promised| *promised != received.parts.len()) {
        text += &format!(", {} of {promised} parts", received.parts.len());
    }
    if received.parts.iter().any(|part| matches!(part, Part::Of { whole: false, .. })) {
        text += ", with other octets than were sent";
    }
    text
}

fn span_of(linger: Linger) -> String {
    match linger {
        Linger::Discard => "none".into(),
        Linger::For(span) => span.to_string(),
        Linger::Forever => "for ever".into(),
    }
}

/// A fault.
pub(crate) fn fault(fault: &Fault) -> String {
    match &fault.what {
        FaultKind::Partition { between: [one, other], flow, direction } => {
            let arrow = match direction {
                Direction::Both => "↔",
                Direction::Forth => "→",
                Direction::Back => "←",
            };
            let what = match flow {
                Flow::Drop => "packets are lost",
                Flow::Hold => "packets are held",
            };
            format!("partition {one} {arrow} {other}: {what}")
        }
        FaultKind::Swizzle { hosts } => format!("some of {} are cut off one by one", hosts.join(", ")),
        FaultKind::Reset { between: [one, other] } => format!("streams {one} ↔ {other} are reset"),
        FaultKind::HalfOpen { between: [one, other] } => format!("streams {one} ↔ {other} are half-open"),
        FaultKind::Stall { between: [one, other] } => format!("streams {one} ↔ {other} stall"),
        FaultKind::SlowLink { between: [one, other], latency, bandwidth } => {
            let limit = bandwidth.map(|octets| format!(", {octets} octets a second")).unwrap_or_default();
            format!("link {one} ↔ {other} is slow: {latency} more{limit}")
        }
        FaultKind::TinyBuffers { host, octets } => format!("buffers of {host} have {octets} octets"),
        FaultKind::Torn { host, at_most } => format!("reads and writes of {host} are torn, {at_most} octets at most"),
        FaultKind::DuplicateConnect { socket } => format!("{socket} connects once more"),
        FaultKind::Down { host, how, restart, other_address } => {
            let how = match how {
                HostEvent::Kill => "process is killed",
                HostEvent::PowerLoss => "loses power",
            };
            let back = match (restart, other_address) {
                (false, _) => ", for good",
                (true, false) => "",
                (true, true) => ", comes back with another address",
            };
            format!("{host}: {how}{back}")
        }
        FaultKind::Pause { host } => format!("process of {host} stands still"),
        FaultKind::NoDescriptors { host } => format!("{host} has no descriptor left"),
        FaultKind::RefuseAccept { host } => format!("{host} refuses connections"),
        FaultKind::Name { name, change } => match change {
            NameChange::Fails => format!("name {name} cannot be found"),
            NameChange::Slow(span) => format!("name {name} is found after {span} only"),
            NameChange::LeadsTo(host) => format!("name {name} leads to {host}"),
        },
        FaultKind::ClockJump { host, by } => format!("clock of {host} jumps ahead by {by}"),
    }
}

/// The hosts that a fault is about.
pub(crate) fn hosts(plan: &Plan, fault: &Fault) -> Vec<String> {
    match &fault.what {
        FaultKind::Partition { between, .. }
        | FaultKind::Reset { between }
        | FaultKind::HalfOpen { between }
        | FaultKind::Stall { between }
        | FaultKind::SlowLink { between, .. } => between.to_vec(),
        FaultKind::Swizzle { hosts } => hosts.clone(),
        FaultKind::TinyBuffers { host, .. }
        | FaultKind::Torn { host, .. }
        | FaultKind::Down { host, .. }
        | FaultKind::Pause { host }
        | FaultKind::NoDescriptors { host }
        | FaultKind::RefuseAccept { host }
        | FaultKind::ClockJump { host, .. } => vec![host.clone()],
        FaultKind::DuplicateConnect { socket } => {
            plan.socket(socket).map(|socket| plan[socket].host.clone()).into_iter().collect()
        }
        FaultKind::Name { name, .. } => plan.host(name).map(|host| plan[host].name.clone()).into_iter().collect(),
    }
}
