//! Actors, their steps, and what is promised of them.

use std::collections::BTreeSet;

use super::Findings;
use super::endpoint::{self, Use};
use super::names::{check_names, unknown};
use super::sockets::{subscribes, upper};
use crate::plan::{Actor, At, Expect, Plan, Send, Socket, SocketType, Step, Topic};

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
    check_names("actor", plan.actors.iter().map(|actor| actor.name.as_str()), findings);
    for (place, actor) in plan.actors.iter().enumerate() {
        findings.at(format!("actor {:?}", actor.name), format!("actor.{place}"));
        let mut hosts = BTreeSet::new();
        for socket in &actor.sockets {
            match plan.socket(socket) {
                Some(socket) => _ = hosts.insert(plan[socket].host.as_str()),
                None => findings.say("sockets", unknown("socket", socket, names(plan))),
            }
        }
        if actor.sockets.is_empty() {
            findings.say("sockets", "an actor uses at least one socket; without one it is on no host".into());
        }
        if hosts.len() > 1 {
            let hosts: Vec<&str> = hosts.into_iter().collect();
            let what =
                format!("its sockets are on {}; an actor is on one host, so make one for each", hosts.join(" and "));
            findings.say("sockets", what);
        }
        let mut closed = BTreeSet::new();
        for (turn, step) in actor.r#do.iter().enumerate() {
            let name = step.name();
            findings.at(
                format!("actor {:?}, step {} ({name})", actor.name, turn + 1),
                format!("actor.{place}.do.{turn}.{name}"),
            );
            check_step(plan, actor, step, &mut closed, findings);
        }
    }
    expects(plan, findings);
}

fn names(plan: &Plan) -> impl Iterator<Item = &str> {
    plan.sockets.iter().map(|socket| socket.name.as_str())
}

/// The socket that a step means, if it is one of the actor's.
fn meant<'a>(plan: &'a Plan, actor: &'a Actor, named: Option<&'a str>, f: &mut Findings) -> Option<&'a Socket> {
    if let Some(name) = named
        && !actor.sockets.iter().any(|socket| socket == name)
    {
        let of_actor = actor.sockets.iter().map(String::as_str);
        let what = match plan.socket(name) {
            Some(_) => format!("{name:?} is not among the actor's sockets; add it there"),
            None => unknown("socket", name, of_actor),
        };
        f.say("socket", what);
        return None;
    }
    let name = named.or_else(|| actor.sockets.first().map(String::as_str))?;
    plan.socket(name).map(|socket| &plan[socket])
}

fn check_step<'a>(
    plan: &'a Plan,
    actor: &'a Actor,
    step: &'a Step,
    closed: &mut BTreeSet<&'a str>,
    findings: &mut Findings,
) {
    let named = match step {
        Step::Send(of) => &of.socket,
        Step::Recv(of) => &of.socket,
        Step::Request(of) => &of.socket,
        Step::Serve(of) => &of.socket,
        Step::Forward { front, back, .. } => return forward(plan, actor, [front, back], findings),
        Step::Wait(_) => return,
        Step::Bind(of) | Step::Connect(of) | Step::Unbind(of) | Step::Disconnect(of) => &of.socket,
        Step::Subscribe(of) | Step::Unsubscribe(of) => &of.socket,
        Step::Close { socket, .. } | Step::Open { socket } => socket,
        Step::Settle { socket } | Step::Poll { socket, .. } => socket,
    };
    let Some(socket) = meant(plan, actor, named.as_deref(), findings) else { return };
    let is_closed = closed.contains(socket.name.as_str());
    if is_closed && !matches!(step, Step::Open { .. }) {
        findings.say("", format!("socket {:?} is closed by then; put an open before it", socket.name));
        return;
    }
    match step {
        Step::Send(send) => check_send(plan, socket, send, findings),
        Step::Poll { .. } => check_receives(socket, findings),
        Step::Recv(recv) => {
            check_receives(socket, findings);
            if recv.count.is_none() && recv.r#for.is_none() {
                findings.say("", "receives for ever; expected count or for".into());
            }
            polls("cancel-after", recv.cancel_after, findings);
        }
        Step::Request(request) => {
            if !matches!(socket.socket_type, SocketType::Req | SocketType::Dealer) {
                say_type(socket, "ask", "REQ and DEALER", findings);
            }
            if request.count == 0 {
                findings.say("", "count is missing or 0; expected how many requests are made".into());
            }
        }
        Step::Serve(_) => {
            if !matches!(socket.socket_type, SocketType::Rep | SocketType::Router | SocketType::Dealer) {
                say_type(socket, "serve", "REP, ROUTER and DEALER", findings);
            }
        }
        Step::Bind(at) => check_endpoint(plan, socket, at, Use::Bind, findings),
        Step::Connect(at) => check_endpoint(plan, socket, at, Use::Connect, findings),
        Step::Unbind(at) => given_up(actor, socket, at, &socket.bind, findings),
        Step::Disconnect(at) => given_up(actor, socket, at, &socket.connect, findings),
        Step::Subscribe(topic) | Step::Unsubscribe(topic) => check_topic(socket, topic, findings),
        Step::Close { .. } => _ = closed.insert(socket.name.as_str()),
        Step::Open { .. } => {
            if !closed.remove(socket.name.as_str()) {
                findings.say("", format!("socket {:?} is open; only what was closed is made again", socket.name));
            }
        }
        Step::Settle { .. } => {
            if matches!(socket.socket_type, SocketType::Rep | SocketType::Router) {
                findings.say("", "who answers settles by serving: write serve = {} instead".into());
            }
            if socket.socket_type == SocketType::Stream {
                findings.say("", "STREAM has no peers that could be reached by probes".into());
            }
        }
        Step::Forward { .. } | Step::Wait(_) => {}
    }
}

fn check_receives(socket: &Socket, findings: &mut Findings) {
    if !receives(socket.socket_type) {
        say_type(socket, "receive", RECEIVERS, findings);
    }
}

fn check_send(plan: &Plan, socket: &Socket, send: &Send, findings: &mut Findings) {
    let of = socket.socket_type;
    if matches!(of, SocketType::Pull | SocketType::Sub | SocketType::Stream) {
        say_type(socket, "send", "REQ, REP, DEALER, ROUTER, PUB, XPUB, XSUB, PUSH and PAIR", findings);
    }
    if of == SocketType::Router {
        let ids = || plan.sockets.iter().filter_map(|socket| socket.options.routing_id.as_deref());
        if send.to.is_empty() {
            findings.say("", "a ROUTER sends to somebody; expected to = [\"ROUTING-ID\"]".into());
        }
        for to in send.to.iter().filter(|to| !ids().any(|id| id == to.as_str())) {
            findings.say("to", unknown("routing-id", to, ids()));
        }
    } else if !send.to.is_empty() {
        findings.say("to", "only a ROUTER says to whom it sends; leave it out".into());
    }
    if send.parts == 0 {
        findings.say("parts", "a message has at least 1 part".into());
    }
    if send.parts > 1 && socket.options.conflate == Some(true) {
        findings.say("parts", "a socket with conflate keeps single parts only (as libzmq documents)".into());
    }
    if u64::from(send.size) * u64::from(send.parts) > LARGEST {
        findings.say("size", format!("a message has at most {LARGEST} octets here"));
    }
    for topic in send.topics.iter().filter(|topic| topic.contains('|')) {
        findings.say("topics", format!("{topic:?}: messages need the bar for themselves; use another sign"));
    }
    polls("cancel-after", send.cancel_after, findings);
}

fn polls(key: &str, polls: Option<u32>, findings: &mut Findings) {
    if polls == Some(0) {
        findings.say(key, "a call that is never polled is no call; expected at least 1".into());
    }
}

fn say_type(socket: &Socket, what: &str, who: &str, findings: &mut Findings) {
    let of = upper(socket.socket_type);
    findings.say("", format!("socket {:?} is a {of}, which does not {what}; {who} do", socket.name));
}

fn check_endpoint(plan: &Plan, socket: &Socket, at: &At, r#use: Use, findings: &mut Findings) {
    if let Err(why) = endpoint::check(plan, socket, &at.endpoint, r#use) {
        findings.say("endpoint", why);
    }
}

/// What is given up was got before, at the start or by a step.
fn given_up(actor: &Actor, socket: &Socket, at: &At, of_socket: &[String], findings: &mut Findings) {
    let by_steps = actor.r#do.iter().filter_map(|step| {
        if let Step::Bind(got) | Step::Connect(got) = step { Some(got.endpoint.as_str()) } else { None }
    });
    let mut known = of_socket.iter().map(String::as_str).chain(by_steps);
    if !known.any(|known| known == at.endpoint) {
        let (name, endpoint) = (&socket.name, &at.endpoint);
        findings.say("endpoint", format!("socket {name:?} never gets {endpoint:?}; expected one that it has"));
    }
}

fn check_topic(socket: &Socket, topic: &Topic, findings: &mut Findings) {
    // An XPUB subscribes for who asked last.
    let grants = socket.socket_type == SocketType::XPub && socket.options.xpub_manual == Some(true);
    if !subscribes(socket.socket_type) && !grants {
        say_type(socket, "subscribe", "SUB, XSUB, and XPUB with xpub-manual", findings);
    }
    if topic.topic.contains('|') {
        findings.say("topic", "messages need the bar for themselves; use another sign".into());
    }
}

fn forward(plan: &Plan, actor: &Actor, sides: [&String; 2], findings: &mut Findings) {
    let mut sockets = Vec::new();
    for (key, side) in ["front", "back"].into_iter().zip(sides) {
        if !actor.sockets.contains(side) {
            findings.say(key, unknown("socket of this actor", side, actor.sockets.iter().map(String::as_str)));
        }
        sockets.extend(plan.socket(side).map(|socket| &plan[socket]));
    }
    let [front, back] = sockets[..] else { return };
    if front.name == back.name {
        findings.say("back", "a device is between two sockets".into());
    }
    for side in [front, back] {
        if matches!(side.socket_type, SocketType::Req | SocketType::Rep | SocketType::Stream) {
            let what = "to pass messages on; ROUTER and DEALER pass requests on, XSUB and XPUB subscriptions";
            let of = upper(side.socket_type);
            findings.say("", format!("{:?} is a {of}, which has to take turns: it is not fit {what}", side.name));
        }
    }
    for (from, to) in [(front, back), (back, front)] {
        let one_way = matches!(to.socket_type, SocketType::Pull | SocketType::Sub);
        if receives(from.socket_type) && one_way && !matches!(from.socket_type, SocketType::XPub) {
            let (from, to) = (&from.name, &to.name);
            findings.say("", format!("what {from:?} receives cannot be sent by {to:?}, which only receives"));
        }
    }
}

/// Whether messages can be received by sockets of that type.
const fn receives(of: SocketType) -> bool {
    !matches!(of, SocketType::Push | SocketType::Pub)
}

fn expects(plan: &Plan, findings: &mut Findings) {
    for (place, expect) in plan.expects.iter().enumerate() {
        let (kind, actors): (&str, Vec<(&str, &String)>) = match expect {
            Expect::Delivered { from, to, .. } => {
                ("delivered", [("from", from)].into_iter().chain(to.as_ref().map(|to| ("to", to))).collect())
            }
            Expect::Done { actor, .. } => ("done", vec![("actor", actor)]),
            Expect::Withheld { from, to } => ("withheld", vec![("from", from), ("to", to)]),
            Expect::NoFailures { actor } => ("no-failures", vec![("actor", actor)]),
        };
        findings.at(format!("expect {} ({kind})", place + 1), format!("expect.{place}.{kind}"));
        for (key, actor) in actors {
            if plan.actor(actor).is_none() {
                findings.say(key, unknown("actor", actor, plan.actors.iter().map(|actor| actor.name.as_str())));
            }
        }
        if let Expect::Done { by, .. } = expect
            && *by > plan.limit
        {
            findings.say("by", format!("the run is over at {}, before that", plan.limit));
        }
    }
}

const RECEIVERS: &str = "all but PUSH and PUB";
/// 64 MiB.
const LARGEST: u64 = 1 << 26;
