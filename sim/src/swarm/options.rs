//! Options, from the edges of what they may be.

use super::build::{Build, about};
use super::program::never_waits;
use crate::draw::Draws;
use crate::plan::{Linger, Mechanism, Security, SocketOptions, SocketType};
use crate::time::Span;

pub(super) fn draw(build: &mut Build, kinds: &[String]) {
    let mut draws = build.draws("options");
    // Who may vanish without a word is missed by heartbeats only.
    let vanishes = |kind: &String| matches!(kind.as_str(), "down" | "half-open" | "partition" | "swizzle");
    let must = kinds.iter().any(vanishes);
    let features = Features {
        hwm: draws.percent(50),
        buffers: draws.percent(20),
        reconnect: draws.percent(50),
        connect_timeout: draws.percent(20),
        handshake: draws.percent(25),
        heartbeats: draws.percent(30) || must,
        immediate: draws.percent(20),
        conflate: draws.percent(15),
        backlog: draws.percent(15),
        routers: draws.percent(30),
        requesters: draws.percent(40),
        xpub: draws.percent(30),
    };
    let on = [
        ("high-water marks", features.hwm),
        ("buffers", features.buffers),
        ("reconnect intervals", features.reconnect),
        ("connect time-outs", features.connect_timeout),
        ("handshake time-outs", features.handshake),
        ("heartbeats", features.heartbeats),
        ("immediate", features.immediate),
        ("conflate", features.conflate),
        ("backlog", features.backlog),
        ("options of ROUTER", features.routers),
        ("options of REQ", features.requesters),
        ("options of XPUB", features.xpub),
    ];
    let on: Vec<&str> = on.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name).collect();
    build.say("options", if on.is_empty() { "as they are by default".to_owned() } else { on.join(", ") });
    let interval = Span::millis(*draws.one(&[100, 500, 2000]));
    // An answer that is late but under way is no reason to give a link up: it may wait behind all that buffers hold.
    let network = &build.plan.network;
    let is_slow = network.bandwidth.is_some() || network.loss.is_some() || network.mtu.is_some();
    let pace =
        features.heartbeats.then(|| Pace { interval, patience: Span::millis(if is_slow { 12_000 } else { 4000 }) });
    for index in 0..build.plan.sockets.len() {
        let mut draws = build.draws(&format!("options.{}", build.plan.sockets[index].name));
        let socket_type = build.plan.sockets[index].socket_type;
        let many = multipart(build, index);
        let options = &mut build.plan.sockets[index].options;
        flow(&features, options, &mut draws);
        links(&features, pace, options, &mut draws);
        if features.conflate && !many && conflates(socket_type) && draws.percent(50) {
            options.conflate = Some(true);
        }
        patterns(&features, socket_type, options, &mut draws);
    }
    rarely_silent(build);
    rarely_names(build);
    security(build);
    rarely_an_outsider(build);
}

/// Of those that have heartbeats, some that connect have none of their own: their peers tell them how long they last.
fn rarely_silent(build: &mut Build) {
    let is_drawn = build.draws("silent").percent(30);
    let quick = Some(Span::millis(4000));
    let beats = build.plan.sockets.iter().all(|socket| socket.options.heartbeat_timeout >= quick);
    if !is_drawn || !beats {
        return;
    }
    for socket in &mut build.plan.sockets {
        let options = &mut socket.options;
        if socket.bind.is_empty() {
            (options.heartbeat_ivl, options.heartbeat_timeout, options.heartbeat_ttl) = (None, None, None);
        } else {
            options.heartbeat_ttl = options.heartbeat_ivl.map(|ivl| Span(ivl.0 * 2 + Span::millis(1500).0));
        }
    }
}

/// Where dealers have names that nobody else may take over, faults that tell both ends of a lost connection only: one that
/// is refused is refused for good.
pub(super) fn told_at_both_ends(build: &Build, kinds: Vec<String>) -> Vec<String> {
    if !has_names(build) {
        return kinds;
    }
    let tells = |kind: &String| matches!(kind.as_str(), "reset" | "torn" | "tiny-buffers" | "no-descriptors");
    kinds.into_iter().filter(tells).chain(["reset".to_owned()]).collect()
}

/// Whether dealers that ask a ROUTER have names of their own.
fn has_names(build: &Build) -> bool {
    use SocketType::{Dealer, Router};
    let types: Vec<SocketType> = build.plan.sockets.iter().map(|socket| socket.socket_type).collect();
    let is_plain =
        |link: &crate::plan::Link| link.latency.tail.is_none() && link.loss.is_none() && link.bandwidth.is_none();
    build.draws("names").percent(60)
        && types.contains(&Router)
        && types.contains(&Dealer)
        && types.iter().all(|of| matches!(of, Router | Dealer))
        && build.plan.sockets.iter().all(|socket| socket.options.routing_id.is_none())
        // Within a context nobody can be refused: who asks for a name that is taken gets another.
        && !build.plan.sockets.iter().flat_map(|socket| &socket.bind).any(|at| at.starts_with("inproc://"))
        && is_plain(&build.plan.network)
        && build.plan.links.iter().all(|rule| is_plain(&rule.is))
}

/// Dealers that have routing ids, now and then two the same, at a ROUTER that lets nobody take one over.
fn rarely_names(build: &mut Build) {
    if !has_names(build) {
        return;
    }
    let same = build.draws("same names").percent(40);
    let mut first = None;
    for socket in &mut build.plan.sockets {
        if socket.socket_type == SocketType::Router {
            socket.options.router_handover = None;
            continue;
        }
        let own = first.get_or_insert_with(|| socket.name.clone()).clone();
        socket.options.routing_id = Some(if same { own } else { socket.name.clone() });
    }
    if same {
        nobody_waits(build);
    }
    build.say("routing ids", if same { "all the same" } else { "of their own" });
}

/// One of several clients is not let in, and never waits for that.
fn rarely_an_outsider(build: &mut Build) {
    let mut draws = build.draws("outsider");
    let is_asked = |socket: &crate::plan::Socket| {
        socket.options.security.as_ref().is_some_and(|security| security.zap_domain.is_some())
    };
    let clients = build.plan.sockets.iter().filter(|socket| socket.bind.is_empty());
    let clients: Vec<String> = clients.map(|of| of.name.clone()).collect();
    if has_device(build) || !draws.percent(40) || clients.is_empty() || !build.plan.sockets.iter().any(is_asked) {
        return;
    }
    let outsider = draws.one(&clients).clone();
    for security in build.plan.sockets.iter_mut().filter_map(|socket| socket.options.security.as_mut()) {
        security.allowed.retain(|name| *name != outsider);
    }
    nobody_waits(build);
    build.say("outsider", outsider);
}

/// Where somebody is not let in, messages may have nowhere to go.
fn nobody_waits(build: &mut Build) {
    build.plan.actors.iter_mut().for_each(|actor| never_waits(&mut actor.r#do));
}

fn has_device(build: &Build) -> bool {
    let mut steps = build.plan.actors.iter().flat_map(|actor| &actor.r#do);
    steps.any(|step| matches!(step, crate::plan::Step::Forward { .. }))
}

/// Which options exist in a plan.
struct Features {
    hwm: bool,
    buffers: bool,
    reconnect: bool,
    connect_timeout: bool,
    handshake: bool,
    heartbeats: bool,
    immediate: bool,
    conflate: bool,
    backlog: bool,
    routers: bool,
    requesters: bool,
    xpub: bool,
}

/// Heartbeats.
#[derive(Debug, Clone, Copy)]
struct Pace {
    interval: Span,
    /// The shortest time after which a silent peer is given up.
    patience: Span,
}

fn flow(features: &Features, options: &mut SocketOptions, draws: &mut Draws) {
    if features.hwm && draws.percent(70) {
        options.sndhwm = Some(*draws.one(&[1, 1, 2, 3, 10, 1000]));
    }
    if features.hwm && draws.percent(70) {
        options.rcvhwm = Some(*draws.one(&[1, 1, 2, 3, 10, 1000]));
    }
    if features.buffers && draws.percent(50) {
        options.sndbuf = Some(*draws.one(&[512, 4096, 100_000]));
        options.rcvbuf = Some(*draws.one(&[512, 4096, 100_000]));
    }
    options.linger = Some(match draws.below(3) {
        0 => Linger::Discard,
        1 => Linger::For(about(draws, 1, 100)),
        _long => Linger::For(about(draws, 100, 5000)),
    });
}

fn links(features: &Features, pace: Option<Pace>, options: &mut SocketOptions, draws: &mut Draws) {
    if features.reconnect && draws.percent(70) {
        let interval = about(draws, 1, 1000);
        options.reconnect_ivl = Some(interval);
        if draws.percent(50) {
            options.reconnect_ivl_max = Some(Span(interval.0 * *draws.one(&[1, 2, 5])));
        }
    }
    if features.connect_timeout && draws.percent(60) {
        options.connect_timeout = Some(about(draws, 500, 10_000));
    }
    if features.handshake && draws.percent(60) {
        options.handshake_ivl = Some(about(draws, 2000, 20_000));
    }
    if let Some(pace) = pace {
        options.heartbeat_ivl = Some(pace.interval);
        options.heartbeat_timeout = Some(Span(pace.patience.0 * *draws.one(&[1, 2])));
        if draws.percent(30) {
            options.heartbeat_ttl = Some(Span(pace.patience.0 * *draws.one(&[1, 2])));
        }
    }
    if features.immediate && draws.percent(50) {
        options.immediate = Some(true);
    }
    if features.backlog && draws.percent(50) {
        options.backlog = Some(*draws.one(&[1, 2, 10]));
    }
}

fn patterns(features: &Features, socket_type: SocketType, options: &mut SocketOptions, draws: &mut Draws) {
    let mut maybe = |is_on: bool| (is_on && draws.percent(50)).then_some(true);
    match socket_type {
        SocketType::Router => {
            options.router_handover = options.router_handover.or_else(|| maybe(features.routers));
            options.router_mandatory = maybe(features.routers);
        }
        SocketType::Req => {
            options.req_correlate = maybe(features.requesters);
            // Without it, an answer to an earlier request could be taken for that of the next.
            options.req_relaxed = options.req_correlate.and_then(|_| maybe(features.requesters));
            options.req_relaxed = options.req_relaxed.or_else(|| draws.percent(25).then_some(true));
        }
        SocketType::XPub => {
            options.xpub_verbose = maybe(features.xpub);
            options.xpub_nodrop = maybe(features.xpub);
        }
        SocketType::Rep
        | SocketType::Dealer
        | SocketType::Pub
        | SocketType::Sub
        | SocketType::XSub
        | SocketType::Push
        | SocketType::Pull
        | SocketType::Pair
        | SocketType::Stream => {}
    }
}

const fn conflates(socket_type: SocketType) -> bool {
    matches!(socket_type, SocketType::Push | SocketType::Pull | SocketType::Pub | SocketType::Sub)
}

/// Whether messages of several parts are sent anywhere: conflate cannot keep them.
fn multipart(build: &Build, _socket: usize) -> bool {
    build.plan.actors.iter().flat_map(|actor| &actor.r#do).any(|step| match step {
        crate::plan::Step::Send(send) => send.parts > 1,
        crate::plan::Step::Forward { .. } => true,
        _other => false,
    })
}

/// PLAIN or CURVE, with a handler of ZAP that lets everybody in who has a name here.
fn security(build: &mut Build) {
    let mut draws = build.draws("security");
    let mechanism =
        *draws.one(&[Mechanism::Null, Mechanism::Null, Mechanism::Null, Mechanism::Plain, Mechanism::Curve]);
    // PLAIN needs somebody who knows the passwords.
    let is_asked = draws.percent(50) || mechanism == Mechanism::Plain;
    let name = match mechanism {
        Mechanism::Null => "NULL",
        Mechanism::Plain => "PLAIN",
        Mechanism::Curve => "CURVE",
    };
    let words = if mechanism == Mechanism::Null {
        name.to_owned()
    } else {
        format!("{name}{}", if is_asked { " with ZAP" } else { "" })
    };
    build.say("security", words);
    if mechanism == Mechanism::Null {
        return;
    }
    let is_server = |socket: &crate::plan::Socket| !socket.bind.is_empty();
    let clients: Vec<String> =
        build.plan.sockets.iter().filter(|socket| !is_server(socket)).map(|socket| socket.name.clone()).collect();
    for socket in &mut build.plan.sockets {
        let name = Some(socket.name.clone());
        let security = Security {
            mechanism,
            server: is_server(socket),
            name: None,
            password: None,
            server_name: None,
            zap_domain: None,
            allowed: Vec::new(),
        };
        // All servers have one key, so that a client can connect to several.
        let servers = Some("server".to_owned());
        socket.options.security = Some(if is_server(socket) {
            let zap_domain = is_asked.then(|| "swarm".to_owned());
            let allowed = if is_asked { clients.clone() } else { Vec::new() };
            let name = if mechanism == Mechanism::Curve { servers } else { None };
            Security { name, zap_domain, allowed, ..security }
        } else if mechanism == Mechanism::Curve {
            Security { name, server_name: servers, ..security }
        } else {
            Security { name, password: Some("secret".into()), ..security }
        });
    }
}
