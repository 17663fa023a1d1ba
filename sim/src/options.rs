//! A plan's options in the core's words, keys by their names, and what the handler of ZAP says.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use zmq_core::mechanism::curve::KeyPair;
use zmq_core::mechanism::zap::{Answer, Reply, Request, Status};
use zmq_core::options::{self, Hwm, Login, Options, Plain, RoutingId, ZapDomain};
use zmq_core::pattern::table;
use zmq_core::pattern::{Manual, PatternOption, Switch, Verbosity};

use crate::actor::Failure;
use crate::hash::Fingerprint;
use crate::plan::{HostIndex, Linger, Mechanism, Plan, Security, SocketIndex, SocketType};

/// libzmq's number for what makes no sense.
const EINVAL: i32 = 22;

/// What a socket is made with.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its type.
    pub socket_type: table::SocketType,
    /// What it is made with.
    pub options: Options,
    /// What is set when it is made, without subscriptions.
    pub then: Vec<PatternOption>,
}

/// What the plan says of a socket, in the core's words.
///
/// # Errors
///
/// A [`Failure`] with libzmq's `EINVAL` for values that an option does not take.
pub fn of(plan: &Plan, socket: SocketIndex) -> Result<Made, Failure> {
    let of = &plan[socket];
    let said = &of.options;
    let mut made = Options::default();
    if let Some(messages) = said.sndhwm {
        made.send_hwm = Hwm::messages(messages);
    }
    if let Some(messages) = said.rcvhwm {
        made.recv_hwm = Hwm::messages(messages);
    }
    made.tcp.send_buffer = said.sndbuf;
    made.tcp.recv_buffer = said.rcvbuf;
    if let Some(linger) = said.linger {
        made.linger = self::linger(linger);
    }
    if let Some(id) = &said.routing_id {
        made.routing_id = Some(RoutingId::new(id.as_bytes()).map_err(|why| senseless(&why))?);
    }
    made.immediate = said.immediate.unwrap_or(made.immediate);
    made.conflate = said.conflate.unwrap_or(made.conflate);
    if let Some(interval) = said.reconnect_ivl {
        made.reconnect.interval = Some(interval.0);
    }
    made.reconnect.interval_max = said.reconnect_ivl_max.map(|most| most.0).filter(|most| *most > Duration::ZERO);
    made.connect_timeout = said.connect_timeout.map(|timeout| timeout.0).filter(|timeout| *timeout > Duration::ZERO);
    if let Some(timeout) = said.handshake_ivl {
        made.handshake_timeout = Some(timeout.0).filter(|timeout| *timeout > Duration::ZERO);
    }
    made.heartbeat.interval = said.heartbeat_ivl.map(|interval| interval.0).filter(|every| *every > Duration::ZERO);
    made.heartbeat.timeout = said.heartbeat_timeout.map(|timeout| timeout.0);
    made.heartbeat.ttl = said.heartbeat_ttl.map_or(made.heartbeat.ttl, |ttl| ttl.0);
    made.backlog = said.backlog.unwrap_or(made.backlog);
    made.max_frame_octets = said.maxmsgsize;
    made.probe_router = said.probe_router.unwrap_or(made.probe_router);
    if let Some(security) = &said.security {
        made.security = mechanism(plan.seed, security)?;
        if let Some(domain) = &security.zap_domain {
            made.zap_domain = Some(ZapDomain::new(domain).map_err(|why| senseless(&why))?);
        }
    }
    Ok(Made { socket_type: type_of(of.socket_type), options: made, then: then(plan, socket) })
}

/// What is set when the socket is made.
fn then(plan: &Plan, socket: SocketIndex) -> Vec<PatternOption> {
    let said = &plan[socket].options;
    let switch = |on: bool| if on { Switch::On } else { Switch::Off };
    let verbosity = |on: bool| if on { Verbosity::Subscriptions } else { Verbosity::Changes };
    [
        said.router_mandatory.map(|on| PatternOption::RouterMandatory(switch(on))),
        said.router_handover.map(|on| PatternOption::RouterHandover(switch(on))),
        said.req_relaxed.map(|on| PatternOption::ReqRelaxed(switch(on))),
        said.req_correlate.map(|on| PatternOption::ReqCorrelate(switch(on))),
        said.xpub_verbose.map(|on| PatternOption::XPubVerbosity(verbosity(on))),
        said.xpub_nodrop.map(|on| PatternOption::NoDrop(switch(on))),
        said.xpub_manual.map(|on| PatternOption::XPubManual(if on { Manual::On } else { Manual::Off })),
        said.invert_matching.map(|on| PatternOption::InvertMatching(switch(on))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A linger in the core's words.
#[must_use]
pub const fn linger(said: Linger) -> options::Linger {
    match said {
        Linger::Discard => options::Linger::Discard,
        Linger::For(span) => options::Linger::For(span.0),
        Linger::Forever => options::Linger::Forever,
    }
}

/// A type in the core's words.
#[must_use]
pub const fn type_of(said: SocketType) -> table::SocketType {
    match said {
        SocketType::Req => table::SocketType::Req,
        SocketType::Rep => table::SocketType::Rep,
        SocketType::Dealer => table::SocketType::Dealer,
        SocketType::Router => table::SocketType::Router,
        SocketType::Pub => table::SocketType::Pub,
        SocketType::Sub => table::SocketType::Sub,
        SocketType::XPub => table::SocketType::XPub,
        SocketType::XSub => table::SocketType::XSub,
        SocketType::Push => table::SocketType::Push,
        SocketType::Pull => table::SocketType::Pull,
        SocketType::Pair => table::SocketType::Pair,
        SocketType::Stream => table::SocketType::Stream,
    }
}

fn mechanism(seed: u64, said: &Security) -> Result<options::Security, Failure> {
    let name = said.name.as_deref().unwrap_or_default();
    Ok(match (said.mechanism, said.server) {
        (Mechanism::Null, _) => options::Security::Null,
        (Mechanism::Plain, true) => options::Security::Plain(Plain::Server),
        (Mechanism::Plain, false) => {
            let password = said.password.as_deref().unwrap_or_default();
            options::Security::Plain(Plain::Client(Login::new(name, password).map_err(|why| senseless(&why))?))
        }
        (Mechanism::Curve, true) => options::Security::curve_server(keys(seed, name)),
        (Mechanism::Curve, false) => {
            let server = keys(seed, said.server_name.as_deref().unwrap_or_default());
            options::Security::curve_client(keys(seed, name), *server.public())
        }
    })
}

/// The key pair of that name. Not a secret from anybody who knows the seed.
#[must_use]
pub fn keys(seed: u64, name: &str) -> KeyPair {
    let mut octets = [0; 32];
    for (place, eight) in (0_u64..).zip(octets.chunks_exact_mut(8)) {
        let mut hash = Fingerprint::default();
        ("keys of CURVE", seed, place, name).hash(&mut hash);
        eight.copy_from_slice(&hash.finish().to_le_bytes());
    }
    KeyPair::generate(octets)
}

/// What the handler of ZAP on a host says. `None`: there is none, since no socket there has a domain.
///
/// Of the sockets on the host that have the domain, one has to allow the peer's name: the user of PLAIN with the password
/// that the first client of that name has in the plan, the name of the public key of CURVE. With NULL nobody has a name:
/// all are let in whose address is allowed, or everybody if nobody is named.
#[must_use]
pub fn zap(plan: &Plan, host: HostIndex, request: &Request) -> Option<Verdict> {
    let guarded = |socket: SocketIndex| {
        let security = plan[socket].options.security.as_ref()?;
        (plan.host_of(socket) == Some(host)).then_some(security).filter(|security| security.zap_domain.is_some())
    };
    let mut doors = SocketIndex::all(plan).filter_map(guarded).peekable();
    doors.peek()?;
    let name = name_of(plan, request);
    let allows = |security: &Security| {
        let domain = security.zap_domain.as_deref().unwrap_or_default();
        domain.as_bytes() == request.domain
            && match security.mechanism {
                Mechanism::Null if security.allowed.is_empty() => true,
                Mechanism::Null | Mechanism::Plain | Mechanism::Curve => {
                    name.as_ref().is_some_and(|name| security.allowed.contains(name))
                }
            }
    };
    let lets_in = doors.any(allows);
    let user = name.as_ref().filter(|_| request.mechanism != "NULL").cloned().unwrap_or_default();
    Some(if lets_in { Verdict::Welcome(user) } else { Verdict::Denied })
}

/// What a handler of ZAP decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// 200, under that user id.
    Welcome(String),
    /// 400.
    Denied,
}

/// Who asks to come in; `None`: nobody that is known.
fn name_of(plan: &Plan, request: &Request) -> Option<String> {
    let clients = || {
        let of_sockets = plan.sockets.iter().filter_map(|socket| socket.options.security.as_ref());
        of_sockets.filter(|security| !security.server)
    };
    match (request.mechanism, &request.credentials[..]) {
        ("PLAIN", [user, password]) => {
            let user = std::str::from_utf8(user).ok()?;
            let known = clients().find(|security| {
                security.mechanism == Mechanism::Plain && security.name.as_deref().unwrap_or_default() == user
            })?;
            let right = known.password.as_deref().unwrap_or_default().as_bytes() == password;
            right.then(|| user.to_owned())
        }
        ("CURVE", [key]) => clients()
            .filter(|security| security.mechanism == Mechanism::Curve)
            .map(|security| security.name.clone().unwrap_or_default())
            .find(|name| keys(plan.seed, name).public().octets()[..] == key[..]),
        _ => String::from_utf8(request.address.clone()).ok(),
    }
}

impl Verdict {
    /// The answer, as the core takes it.
    #[must_use]
    pub fn answer(self) -> Answer {
        let (status, text, user_id) = match self {
            Self::Welcome(user) => (Status::Success, "OK", user),
            Self::Denied => (Status::Denied, "not allowed", String::new()),
        };
        let (text, user_id) = (text.as_bytes().to_vec(), user_id.into_bytes());
        Answer::Replied(Ok(Reply { status, text, user_id, metadata: Vec::new() }))
    }
}

fn senseless(why: &dyn std::error::Error) -> Failure {
    Failure { errno: EINVAL, why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOOR: &str = r#"
title = "a door"
seed = 5
[[host]]
name = "inn"
[[host]]
name = "road"

[[socket]]
name = "plain"
host = "inn"
type = "REP"
options = { security = { mechanism = "PLAIN", server = true, zap-domain = "parlour", allowed = ["alice"] } }
[[socket]]
name = "curve"
host = "inn"
type = "REP"
options = { security = { mechanism = "CURVE", server = true, name = "inn", zap-domain = "cellar", allowed = ["alice"] } }
[[socket]]
name = "alice"
host = "road"
type = "REQ"
options = { sndhwm = 3, heartbeat-ivl = "2s", req-relaxed = true, security = { mechanism = "PLAIN", name = "alice", password = "secret" } }
[[socket]]
name = "bob"
host = "road"
type = "REQ"
options = { security = { mechanism = "PLAIN", name = "bob" } }
[[socket]]
name = "alice-in-curve"
host = "road"
type = "REQ"
options = { security = { mechanism = "CURVE", name = "alice", server-name = "inn" } }
"#;

    fn request(domain: &str, mechanism: &'static str, credentials: &[&[u8]]) -> Request {
        let credentials = credentials.iter().map(|octets| octets.to_vec()).collect();
        let domain = domain.as_bytes().to_vec();
        Request { domain, address: b"10.0.0.1".to_vec(), routing_id: Vec::new(), mechanism, credentials }
    }

    #[test]
    fn options_are_those_of_the_plan_and_else_the_defaults() {
        let plan: Plan = toml::from_str(DOOR).unwrap();
        let made = of(&plan, plan.socket("alice").unwrap()).unwrap();
        assert_eq!(made.socket_type, table::SocketType::Req);
        assert_eq!((made.options.send_hwm, made.options.recv_hwm), (Hwm::messages(3), Hwm::DEFAULT));
        assert_eq!(made.options.heartbeat.interval, Some(Duration::from_secs(2)));
        assert_eq!(made.then, [PatternOption::ReqRelaxed(Switch::On)]);
        let plain = options::Security::Plain(Plain::Client(Login::new("alice", "secret").unwrap()));
        assert_eq!(made.options.security, plain);
    }

    #[test]
    fn keys_follow_from_seed_and_name() {
        assert_eq!(keys(5, "inn").public(), keys(5, "inn").public());
        assert_ne!(keys(5, "inn").public(), keys(6, "inn").public());
        assert_ne!(keys(5, "inn").public(), keys(5, "alice").public());
        let plan: Plan = toml::from_str(DOOR).unwrap();
        let of = |name: &str| of(&plan, plan.socket(name).unwrap()).unwrap().options.security;
        let (server, client) = (of("curve"), of("alice-in-curve"));
        let options::Security::Curve(options::Curve::Server(server)) = server else { panic!("{server:?}") };
        let options::Security::Curve(options::Curve::Client(client)) = client else { panic!("{client:?}") };
        assert_eq!(client.server, *server.public());
    }

    #[test]
    fn the_handler_lets_in_who_is_allowed_and_proves_to_be_the_one() {
        let plan: Plan = toml::from_str(DOOR).unwrap();
        let inn = plan.host("inn").unwrap();
        let key = *keys(5, "alice").public().octets();
        let welcome = Some(Verdict::Welcome("alice".into()));
        for (asked, expected) in [
            (request("parlour", "PLAIN", &[b"alice", b"secret"]), welcome.clone()),
            (request("parlour", "PLAIN", &[b"alice", b"guess"]), Some(Verdict::Denied)),
            (request("parlour", "PLAIN", &[b"bob", b""]), Some(Verdict::Denied)),
            (request("elsewhere", "PLAIN", &[b"alice", b"secret"]), Some(Verdict::Denied)),
            (request("cellar", "CURVE", &[&key]), welcome),
            (request("cellar", "CURVE", &[&[7; 32]]), Some(Verdict::Denied)),
        ] {
            assert_eq!(zap(&plan, inn, &asked), expected, "{asked:?}");
        }
        assert_eq!(zap(&plan, plan.host("road").unwrap(), &request("", "NULL", &[])), None);
    }

    #[test]
    fn with_null_the_address_counts_or_nothing() {
        let door =
            "title = \"t\"\n[[host]]\nname = \"inn\"\n[[socket]]\nname = \"s\"\nhost = \"inn\"\ntype = \"REP\"\n";
        for (allowed, expected) in [
            ("[]", Verdict::Welcome(String::new())),
            ("[\"10.0.0.1\"]", Verdict::Welcome(String::new())),
            ("[\"10.0.0.2\"]", Verdict::Denied),
        ] {
            let security = format!("{{ mechanism = \"NULL\", zap-domain = \"d\", allowed = {allowed} }}");
            let plan: Plan = toml::from_str(&format!("{door}options = {{ security = {security} }}")).unwrap();
            assert_eq!(zap(&plan, HostIndex(0), &request("d", "NULL", &[])), Some(expected), "{allowed}");
        }
    }
}
