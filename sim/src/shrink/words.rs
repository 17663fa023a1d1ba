//! What is left of a plan, in words.

use crate::plan::{
    Direction, Fault, FaultKind, Flow, HostEvent, NameChange, Plan, Request, Retry, SocketEvent, Step, Trigger,
};
use crate::time::Span;

/// A plan, a line for each socket, actor and fault.
#[must_use]
pub fn plan(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for socket in &plan.sockets {
        let places =
            |word: &str, places: &[String]| places.iter().map(|at| format!(" {word} {at}")).collect::<String>();
        let kind = format!("{:?}", socket.socket_type).to_uppercase();
        let (bound, connected) = (places("bound to", &socket.bind), places("connected to", &socket.connect));
        lines.push(format!("socket {}: {kind} on {}{bound}{connected}", socket.name, socket.host));
    }
    for actor in &plan.actors {
        let steps: Vec<String> = actor.r#do.iter().map(step).collect();
        lines.push(format!(
            "actor {}: {}",
            actor.name,
            if steps.is_empty() { "does nothing".into() } else { steps.join(", ") }
        ));
    }
    lines.extend(plan.faults.iter().map(|of| format!("fault: {}", fault(of))));
    lines
}

/// A step.
#[must_use]
pub fn step(of: &Step) -> String {
    let paced = |every: Option<Span>| every.map(|every| format!(" every {every}")).unwrap_or_default();
    match of {
        Step::Send(send) => format!("sends {}{}", counted(send.count, "message"), paced(send.every)),
        Step::Recv(recv) => {
            let count = recv.count.map_or_else(|| "what comes".to_owned(), |count| counted(count, "message"));
            let time = recv.r#for.map(|span| format!(" within {span}")).unwrap_or_default();
            format!("receives {count}{time}{}", paced(recv.every))
        }
        Step::Request(request) => requests(request),
        Step::Serve(serve) => {
            let count = serve.count.map_or_else(|| "whatever is asked".to_owned(), |count| counted(count, "request"));
            format!("answers {count}")
        }
        Step::Forward { front, back, .. } => format!("passes messages on between {front} and {back}"),
        Step::Poll { .. } => "waits for a message".to_owned(),
        Step::Wait(span) => format!("waits {span}"),
        Step::Bind(at) => format!("binds to {}", at.endpoint),
        Step::Connect(at) => format!("connects to {}", at.endpoint),
        Step::Unbind(at) => format!("unbinds {}", at.endpoint),
        Step::Disconnect(at) => format!("disconnects {}", at.endpoint),
        Step::Subscribe(to) => format!("subscribes to {:?}", to.topic),
        Step::Unsubscribe(to) => format!("cancels the subscription to {:?}", to.topic),
        Step::Close { .. } => "closes its socket".to_owned(),
        Step::Open { .. } => "makes its socket again".to_owned(),
        Step::Settle { .. } => "settles".to_owned(),
    }
}

fn requests(of: &Request) -> String {
    let retry = match (of.timeout, of.retry) {
        (None, _) => String::new(),
        (Some(timeout), Retry::Next) => format!(", waiting {timeout} for each reply"),
        (Some(timeout), Retry::Reopen) => format!(", with a new socket after {timeout} without a reply"),
        (Some(timeout), Retry::Again) => format!(", once more after {timeout} without a reply"),
    };
    format!("asks {}{retry}", counted(of.count, "time"))
}

/// A fault: when, for how long, and what.
#[must_use]
pub fn fault(of: &Fault) -> String {
    let when = match &of.after {
        None => format!("at {}", of.at),
        Some(after) if of.at == Span::default() => trigger(after),
        Some(after) => format!("{} after: {}", of.at, trigger(after)),
    };
    let long = of.r#for.map(|span| format!(" for {span}")).unwrap_or_default();
    format!("{when}{long}: {}", kind(&of.what))
}

fn trigger(of: &Trigger) -> String {
    match of {
        Trigger::Socket { name, event, nth } => {
            let event = match event {
                SocketEvent::Sent => "has sent a message",
                SocketEvent::Received => "has received a message",
                SocketEvent::Connected => "has a connection",
                SocketEvent::Closed => "is closed",
            };
            format!("when {name} {event} ({nth})")
        }
        Trigger::Octets { from, to, count } => format!("when {} went from {from} to {to}", counted(*count, "octet")),
    }
}

/// What goes wrong.
#[must_use]
pub fn kind(of: &FaultKind) -> String {
    match of {
        FaultKind::Partition { between: [one, other], flow, direction } => {
            let way = match direction {
                Direction::Both => format!("between {one} and {other}"),
                Direction::Forth => format!("from {one} to {other}"),
                Direction::Back => format!("from {other} to {one}"),
            };
            let flow = match flow {
                Flow::Drop => "are lost",
                Flow::Hold => "wait",
            };
            format!("packets {way} {flow}")
        }
        FaultKind::Swizzle { hosts } => format!("some of {} are cut off one by one", hosts.join(", ")),
        FaultKind::Reset { between: [one, other] } => format!("connections between {one} and {other} are reset"),
        FaultKind::HalfOpen { between: [one, other] } => {
            format!("connections between {one} and {other} end and nobody is told")
        }
        FaultKind::Stall { between: [one, other] } => format!("connections between {one} and {other} stall"),
        FaultKind::SlowLink { between: [one, other], latency, bandwidth } => {
            let width = bandwidth.map(|of| format!(", {of} octets a second")).unwrap_or_default();
            format!("the link between {one} and {other} is slow: {latency} more{width}")
        }
        FaultKind::TinyBuffers { host, octets } => format!("buffers of {host} have {octets} octets"),
        FaultKind::Torn { host, at_most } => format!("reads and writes of {host} are cut to at most {at_most} octets"),
        FaultKind::DuplicateConnect { socket } => format!("{socket} connects once more"),
        FaultKind::Down { host, how, restart, other_address } => {
            let how = match how {
                HostEvent::Kill => "is killed",
                HostEvent::PowerLoss => "loses power",
            };
            let back = if *restart { "" } else { ", and does not come back" };
            let moved = if *other_address { ", and comes back with another address" } else { "" };
            format!("{host} {how}{back}{moved}")
        }
        FaultKind::Pause { host } => format!("{host} stands still"),
        FaultKind::NoDescriptors { host } => format!("{host} has no descriptors left"),
        FaultKind::RefuseAccept { host } => format!("{host} refuses connections"),
        FaultKind::Name { name, change } => match change {
            NameChange::Fails => format!("the name {name} cannot be found"),
            NameChange::Slow(span) => format!("looking {name} up takes {span}"),
            NameChange::LeadsTo(host) => format!("the name {name} leads to {host}"),
        },
        FaultKind::ClockJump { host, by } => format!("the clock of {host} jumps ahead by {by}"),
    }
}

fn counted(count: impl Into<u64>, what: &str) -> String {
    let count = count.into();
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
