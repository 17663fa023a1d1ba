//! Endpoints of plans.

use std::net::IpAddr;

use super::names::unknown;
use crate::plan::{Plan, Socket};

/// What an endpoint is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Bind,
    Connect,
}

/// What is wrong with an endpoint.
pub(super) fn check(plan: &Plan, of: &Socket, endpoint: &str, r#use: Use) -> Result<(), String> {
    let Some((transport, address)) = endpoint.split_once("://") else {
        return Err(format!("{endpoint:?} is no endpoint; expected {}", expected(r#use)));
    };
    match transport {
        "tcp" => tcp(plan, of, address, r#use).map_err(|why| format!("{endpoint:?}: {why}")),
        "ipc" | "inproc" => {
            if address.trim_start_matches('@').is_empty() {
                return Err(format!("{endpoint:?} lacks a name; expected {}", expected(r#use)));
            }
            Ok(())
        }
        _ => Err(format!("{endpoint:?}: the transports are tcp, ipc and inproc; expected {}", expected(r#use))),
    }
}

fn tcp(plan: &Plan, of: &Socket, address: &str, r#use: Use) -> Result<(), String> {
    let Some((host, port)) = address.rsplit_once(':') else {
        return Err(format!("the port is missing; expected {}", expected(r#use)));
    };
    if !matches!(port.parse::<u16>(), Ok(1..)) {
        return Err(format!("a port is a number from 1 to 65535, not {port:?}"));
    }
    let is_address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    match r#use {
        Use::Bind if host == "*" || host == of.host || host == "localhost" || is_address => Ok(()),
        Use::Bind => Err(format!(
            "a socket binds on its own host, {:?}; write \"tcp://*:{port}\", or put the socket on host {host:?}",
            of.host
        )),
        Use::Connect if host == "*" => Err(format!("to connect, name the host: \"tcp://HOST:{port}\"")),
        Use::Connect if is_address || host == "localhost" => Ok(()),
        Use::Connect => {
            let names =
                || plan.hosts.iter().map(|host| host.name.as_str()).chain(plan.names.iter().map(|n| n.name.as_str()));
            if names().any(|name| name == host) { Ok(()) } else { Err(unknown("host", host, names())) }
        }
    }
}

const fn expected(r#use: Use) -> &'static str {
    match r#use {
        Use::Bind => "tcp://*:PORT, ipc://NAME, ipc://@NAME or inproc://NAME",
        Use::Connect => "tcp://HOST:PORT, ipc://NAME, ipc://@NAME or inproc://NAME",
    }
}
