//! Who is there: the pattern, how many of each, over what they talk.

use super::build::Build;
use super::program::{Programs, Role};
use crate::draw::Draws;
use crate::plan::{SocketType, Step};

/// Patterns, with the types of who sends or asks and who receives or answers.
const PATTERNS: [(&str, SocketType, SocketType, Shape); 14] = {
    use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub};
    [
        ("a pipeline", Push, Pull, Shape::Many),
        ("a pipeline", Push, Pull, Shape::Many),
        ("publishing", Pub, Sub, Shape::Many),
        ("publishing", Pub, Sub, Shape::Many),
        ("publishing with XPUB", XPub, Sub, Shape::Many),
        ("requests", Req, Rep, Shape::Many),
        ("requests to ROUTER", Req, Router, Shape::Many),
        ("asynchronous requests", Dealer, Router, Shape::Many),
        ("asynchronous requests to REP", Dealer, Rep, Shape::Many),
        ("dealers among themselves", Dealer, Dealer, Shape::Many),
        ("messages to addresses", Router, Dealer, Shape::Many),
        ("a pair", Pair, Pair, Shape::Two),
        ("requests through a broker", Req, Rep, Shape::Device(Router, Dealer)),
        ("publishing through a forwarder", Pub, Sub, Shape::Device(SocketType::XSub, XPub)),
    ]
};

/// How many there are, and what is between them.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// Several of each.
    Many,
    /// One of each.
    Two,
    /// Several of each, and a device between them.
    Device(SocketType, SocketType),
}

/// Over what they talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Tcp,
    Ipc,
    Abstract,
    Inproc,
    /// Servers are bound to all of them, and each client takes one.
    Mixed,
}

/// Which end of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Binds,
    Connects,
}

pub(super) fn draw(build: &mut Build) {
    let mut draws = build.draws("pattern");
    let (name, asks, answers, shape) = *draws.one(&PATTERNS);
    let answers = rarely_xsub(build, answers, shape);
    let transport = match draws.below(100) {
        0..70 => Transport::Tcp,
        70..78 => Transport::Ipc,
        78..83 => Transport::Abstract,
        83..92 => Transport::Inproc,
        _rest => Transport::Mixed,
    };
    let few = |draws: &mut Draws| usize::try_from(*draws.one(&[1, 1, 1, 2, 2, 3, 5])).unwrap_or(1);
    let (front, back) = match shape {
        Shape::Two => (1, 1),
        Shape::Many | Shape::Device(..) => (few(&mut draws), few(&mut draws)),
    };
    let upside_down = draws.percent(40);
    let programs = Programs::draw(build);
    let names =
        |word: &str, count: usize| -> Vec<String> { (1..=count).map(|number| format!("{word}{number}")).collect() };
    let (left, right) = (names("left", front), names("right", back));
    let mut ends: Vec<(Vec<String>, SocketType, Role)> = Vec::new();
    let (left_role, right_role) = Role::of(asks, answers);
    match shape {
        Shape::Many | Shape::Two => {
            // Who sends to addresses waits for those who have them.
            let left_binds = upside_down || asks == SocketType::Router;
            let (binds, connects) = if left_binds { (&left, &right) } else { (&right, &left) };
            let types = if left_binds { (asks, answers) } else { (answers, asks) };
            join(build, transport, (binds, types.0), (connects, types.1), &mut draws);
            if let Shape::Two = shape
                && rarely_a_third(build)
            {
                // Which two of the three find each other, nobody can count on.
                let all = [left, right, vec!["third".to_owned()]];
                ends.extend(all.map(|names| (names, SocketType::Pair, Role::Knocks)));
            } else {
                ends.push((left, asks, left_role));
                ends.push((right, answers, right_role));
            }
        }
        Shape::Device(front, back) => {
            let (near, far) = (vec!["front".to_owned()], vec!["back".to_owned()]);
            join(build, transport, (&near, front), (&left, asks), &mut draws);
            join(build, transport, (&far, back), (&right, answers), &mut draws);
            ends.push((left, asks, left_role));
            ends.push((right, answers, right_role));
            let step = Step::Forward { front: "front".into(), back: "back".into(), r#for: None };
            build.actor("device", &["front", "back"], vec![step]);
        }
    }
    let counts: Vec<String> =
        ends.iter().map(|(names, of, _)| format!("{} {}", names.len(), format!("{of:?}").to_uppercase())).collect();
    build.say(
        "pattern",
        format!("{name}: {}{}", counts.join(", "), if matches!(shape, Shape::Device(..)) { ", a device" } else { "" }),
    );
    build.say("transport", format!("{transport:?}").to_lowercase());
    programs.say(build);
    if asks == SocketType::Router {
        addresses(build);
    }
    for (names, _, role) in ends {
        for name in names {
            programs.write(build, &name, role);
        }
    }
}

/// Subscribers may be XSUB: their applications subscribe by messages, and nothing is filtered behind their backs.
fn rarely_xsub(build: &Build, answers: SocketType, shape: Shape) -> SocketType {
    let is_drawn = build.draws("xsub").percent(25);
    match (answers, shape) {
        (SocketType::Sub, Shape::Many) if is_drawn => SocketType::XSub,
        (other, Shape::Many | Shape::Two | Shape::Device(..)) => other,
    }
}

/// A PAIR has one peer: a third that knocks is kept out as long as the other is there. Says whether there is one.
fn rarely_a_third(build: &mut Build) -> bool {
    let is_drawn = build.draws("third").percent(25);
    let rival = build.plan.sockets.iter().find(|socket| !socket.connect.is_empty()).cloned();
    let Some(rival) = rival.filter(|_| is_drawn) else { return false };
    if rival.connect.iter().any(|to| to.starts_with("inproc")) {
        return false;
    }
    let host = if rival.host == "machine" { rival.host } else { "host-of-third".to_owned() };
    build.socket("third", &host, SocketType::Pair).connect = rival.connect;
    true
}

/// Makes sockets, and joins all of one side to all of the other.
fn join(
    build: &mut Build,
    transport: Transport,
    (binds, bind_type): (&[String], SocketType),
    (connects, connect_type): (&[String], SocketType),
    draws: &mut Draws,
) {
    let first = build.plan.sockets.iter().filter(|socket| !socket.bind.is_empty()).count();
    for (turn, name) in (first..).zip(binds) {
        let host = home(transport, End::Binds, name);
        let endpoints = endpoints(transport, turn);
        build.socket(name, &host, bind_type).bind = endpoints.iter().map(|of| of.bind.clone()).collect();
    }
    for name in connects {
        let kinds = endpoints(transport, first).len();
        let kind = usize::try_from(draws.below(kinds as u64)).unwrap_or(0);
        let is_near = endpoints(transport, first)[kind].is_near;
        let host = if is_near { home(transport, End::Binds, name) } else { home(transport, End::Connects, name) };
        let to: Vec<String> = (first..)
            .zip(binds)
            .map(|(turn, bound)| {
                let host = home(transport, End::Binds, bound);
                endpoints(transport, turn)[kind].connect.replace("HOST", &host)
            })
            .collect();
        build.socket(name, &host, connect_type).connect = to;
    }
}

/// An endpoint of a bound socket.
struct Endpoint {
    bind: String,
    connect: String,
    /// Who connects is on the same host.
    is_near: bool,
}

fn endpoints(transport: Transport, turn: usize) -> Vec<Endpoint> {
    let near = |at: String| Endpoint { bind: at.clone(), connect: at, is_near: true };
    let port = 5555 + turn;
    let tcp = || Endpoint { bind: format!("tcp://*:{port}"), connect: format!("tcp://HOST:{port}"), is_near: false };
    match transport {
        Transport::Tcp => vec![tcp()],
        Transport::Ipc => vec![near(format!("ipc://e{turn}"))],
        Transport::Abstract => vec![near(format!("ipc://@e{turn}"))],
        Transport::Inproc => vec![near(format!("inproc://e{turn}"))],
        Transport::Mixed => {
            vec![
                tcp(),
                near(format!("ipc://e{turn}")),
                near(format!("ipc://@e{turn}")),
                near(format!("inproc://e{turn}")),
            ]
        }
    }
}

/// The host of a socket.
fn home(transport: Transport, end: End, name: &str) -> String {
    match (transport, end) {
        // Both sides of the device.
        (Transport::Tcp, End::Binds) if matches!(name, "front" | "back") => "broker".into(),
        (Transport::Tcp, _) | (Transport::Mixed, End::Connects) => format!("host-of-{name}"),
        (Transport::Ipc | Transport::Abstract | Transport::Inproc, _) | (Transport::Mixed, End::Binds) => {
            "machine".into()
        }
    }
}

/// Dealers get routing ids, which the routers know. A router lets one take its id over: otherwise one whose connection
/// was lost without a word would be refused for good (28/REQREP leaves that open; ROUTER_HANDOVER decides it).
fn addresses(build: &mut Build) {
    for socket in &mut build.plan.sockets {
        if socket.socket_type == SocketType::Dealer {
            socket.options.routing_id = Some(socket.name.clone());
        }
        if socket.socket_type == SocketType::Router {
            socket.options.router_handover = Some(true);
        }
    }
}
