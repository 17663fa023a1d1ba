//! Sockets and their options.

use std::collections::BTreeSet;

use super::Findings;
use super::endpoint::{self, Use};
use super::names::{check_names, unknown};
use crate::plan::{Mechanism, Plan, Security, Socket, SocketType};

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
    check_names("socket", plan.sockets.iter().map(|socket| socket.name.as_str()), findings);
    let mut bound = BTreeSet::new();
    for (place, socket) in plan.sockets.iter().enumerate() {
        findings.at(format!("socket {:?}", socket.name), format!("socket.{place}"));
        if plan.host(&socket.host).is_none() {
            findings.say("host", unknown("host", &socket.host, plan.hosts.iter().map(|host| host.name.as_str())));
        }
        for (turn, at) in socket.bind.iter().enumerate() {
            match endpoint::check(plan, socket, at, Use::Bind) {
                Err(why) => findings.say(&format!("bind.{turn}"), why),
                Ok(()) if !bound.insert((socket.host.as_str(), at.as_str())) => {
                    let host = &socket.host;
                    findings.say(&format!("bind.{turn}"), format!("{at:?} is bound on host {host:?} already"));
                }
                Ok(()) => {}
            }
        }
        for (turn, to) in socket.connect.iter().enumerate() {
            if let Err(why) = endpoint::check(plan, socket, to, Use::Connect) {
                findings.say(&format!("connect.{turn}"), why);
            }
        }
        if !socket.subscribe.is_empty() && !subscribes(socket.socket_type) {
            findings.say("subscribe", format!("a {} does not subscribe; SUB and XSUB do", upper(socket.socket_type)));
        }
        options(socket, findings);
        if let Some(security) = &socket.options.security {
            check_security(plan, security, findings);
        }
    }
}

/// Whether sockets of that type subscribe.
pub(super) const fn subscribes(socket_type: SocketType) -> bool {
    matches!(socket_type, SocketType::Sub | SocketType::XSub)
}

/// The type's name, as it is written.
pub(super) fn upper(socket_type: SocketType) -> String {
    format!("{socket_type:?}").to_uppercase()
}

fn options(socket: &Socket, findings: &mut Findings) {
    use SocketType::{Dealer, Pub, Pull, Push, Req, Router, Sub, XPub};
    let options = &socket.options;
    let of: [(&str, bool, &[SocketType]); 9] = [
        ("conflate", options.conflate == Some(true), &[Push, Pull, Pub, Sub, Dealer]),
        ("probe-router", options.probe_router == Some(true), &[Req, Dealer, Router]),
        ("router-mandatory", options.router_mandatory == Some(true), &[Router]),
        ("router-handover", options.router_handover == Some(true), &[Router]),
        ("req-relaxed", options.req_relaxed == Some(true), &[Req]),
        ("req-correlate", options.req_correlate == Some(true), &[Req]),
        ("xpub-verbose", options.xpub_verbose == Some(true), &[XPub]),
        ("xpub-nodrop", options.xpub_nodrop == Some(true), &[XPub, Pub]),
        ("xpub-manual", options.xpub_manual == Some(true), &[XPub]),
    ];
    for (option, is_set, types) in of {
        if is_set && !types.contains(&socket.socket_type) {
            let types: Vec<String> = types.iter().map(|of| upper(*of)).collect();
            let what = format!("{option} is for {}, and this is a {}", types.join(", "), upper(socket.socket_type));
            findings.say(&format!("options.{option}"), what);
        }
    }
    if options.invert_matching == Some(true) && !matches!(socket.socket_type, Pub | XPub | Sub) {
        findings.say("options.invert-matching", "invert-matching is for PUB, XPUB and SUB".into());
    }
    if let Some(id) = &options.routing_id
        && (id.is_empty() || id.len() > 255 || id.starts_with('\0'))
    {
        findings.say("options.routing-id", "a routing id has 1 to 255 octets, and the first is not zero".into());
    }
}

fn check_security(plan: &Plan, security: &Security, findings: &mut Findings) {
    let mut need = |key: &str, what: &str| findings.say(&format!("options.security.{key}"), what.to_owned());
    match (security.mechanism, security.server) {
        (Mechanism::Null, true) => need("server", "NULL has no server; leave it out"),
        (Mechanism::Plain, false) => {
            if security.name.is_none() || security.password.is_none() {
                need("name", "a client of PLAIN has a name and a password");
            }
        }
        (Mechanism::Curve, true) => {
            if security.name.is_none() {
                need("name", "a server of CURVE has a name, from which its keys are drawn");
            }
        }
        (Mechanism::Curve, false) => {
            let servers = || {
                let all = plan.sockets.iter().filter_map(|socket| socket.options.security.as_ref());
                all.filter(|of| of.server && of.mechanism == Mechanism::Curve).filter_map(|of| of.name.as_deref())
            };
            match &security.server_name {
                None => need("server-name", "a client of CURVE knows its server's key: expected the server's name"),
                Some(name) if !servers().any(|server| server == name) => {
                    need("server-name", &unknown("server of CURVE", name, servers()));
                }
                Some(_) => {}
            }
        }
        (Mechanism::Plain, true) => {
            if security.zap_domain.is_none() {
                need(
                    "zap-domain",
                    "PLAIN needs somebody who knows the passwords: expected a domain, and who is allowed",
                );
            }
        }
        (Mechanism::Null, false) => {}
    }
    if !security.allowed.is_empty() && security.zap_domain.is_none() {
        findings.say("options.security.allowed", "without zap-domain nobody is asked; add one".into());
    }
}
