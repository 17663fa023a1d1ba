//! The handler of ZAP of a host: a thread that answers as the plan says.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use zmq_core::mechanism::zap::Request;
use zmq_libzmq::{Context, Error, Flags, Socket, names};
use zmq_sim::options::{Verdict, zap};
use zmq_sim::plan::{HostIndex, Mechanism, Plan, SocketIndex};

use super::shared::Shared;

/// Where libzmq asks.
const PLACE: &str = "inproc://zeromq.zap.01";

/// Frames in front of the credentials: version, request, domain, address, routing id, mechanism.
const HEAD: usize = 6;

/// A handler, where a socket of the host has it asked. It ends with the context's shutdown.
pub(super) fn spawn(shared: &Arc<Shared>, host: HostIndex, context: &Context) -> Result<Option<JoinHandle<()>>, Error> {
    if !is_asked(&shared.plan, host) {
        return Ok(None);
    }
    let door = context.socket(names::REP)?;
    door.set_int(names::LINGER, 0)?;
    door.bind(PLACE)?;
    let shared = Arc::clone(shared);
    let serve = move || while answer(&shared, host, &door).is_ok() {};
    Ok(Some(thread::Builder::new().spawn(serve).expect("the system has room for a thread")))
}

/// libzmq asks for each server of PLAIN, and for sockets with a domain.
fn is_asked(plan: &Plan, host: HostIndex) -> bool {
    SocketIndex::all(plan).filter(|socket| plan.host_of(*socket) == Some(host)).any(|socket| {
        let security = plan[socket].options.security.as_ref();
        security.is_some_and(|said| said.zap_domain.is_some() || (said.mechanism == Mechanism::Plain && said.server))
    })
}

fn answer(shared: &Shared, host: HostIndex, door: &Socket) -> Result<(), Error> {
    let mut frames = Vec::new();
    loop {
        let part = again(|| door.recv_part(Flags::NONE, &[]))?;
        frames.push(part.bytes);
        if !part.more {
            break;
        }
    }
    let (status, text, user) = match request(&frames).and_then(|request| zap(&shared.plan, host, &request)) {
        Some(Verdict::Welcome(user)) => ("200", "OK", user),
        Some(Verdict::Denied) => ("400", "not allowed", String::new()),
        // Nobody here has a domain, so nobody says who may come in.
        None => ("200", "OK", String::new()),
    };
    let [version, id] = [0, 1].map(|place: usize| frames.get(place).cloned().unwrap_or_default());
    let reply: [&[u8]; 6] = [&version, &id, status.as_bytes(), text.as_bytes(), user.as_bytes(), &[]];
    for (place, frame) in (1..).zip(reply) {
        let more = if place < reply.len() { Flags::MORE } else { Flags::NONE };
        again(|| door.send_part(frame, more))?;
    }
    Ok(())
}

fn request(frames: &[Vec<u8>]) -> Option<Request> {
    let mechanism = match frames.get(HEAD - 1)?.as_slice() {
        b"PLAIN" => "PLAIN",
        b"CURVE" => "CURVE",
        _ => "NULL",
    };
    let [domain, address, routing_id] = [2, 3, 4].map(|place: usize| frames.get(place).cloned().unwrap_or_default());
    Some(Request { domain, address, routing_id, mechanism, credentials: frames.get(HEAD..)?.to_vec() })
}

/// Repeats a call that was interrupted.
fn again<T>(call: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    loop {
        match call() {
            Err(error) if error.is("EINTR") => {}
            done => return done,
        }
    }
}
