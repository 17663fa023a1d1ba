//! A host's process: a context, sockets that are made first, then its actors, a thread each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use zmq_libzmq::{Context, Socket};
use zmq_sim::actor::{Actor, Op, Opening, Outcome};
use zmq_sim::history::Call;
use zmq_sim::plan::{ActorIndex, HostIndex, SocketIndex};

use super::ops::Hands;
use super::shared::Shared;
use super::zap;
use crate::job::Left;

/// The interposer's number of a host in one of its lives.
pub(super) fn number(host: HostIndex, life: u16) -> u32 {
    u32::from(host.0) | u32::from(life) << 16
}

/// Stack of a thread, in octets.
const STACK: usize = 512 * 1024;

/// Begins a host's process.
pub(super) fn spawn(shared: &Arc<Shared>, host: HostIndex, life: u16) {
    let here = Arc::clone(shared);
    shared.begins(host, life);
    let begun = thread::Builder::new().stack_size(STACK).spawn(move || {
        here.control.be_of(number(host, life));
        let left = run(&here, host, life);
        here.control.be_of(u32::from(u16::MAX));
        here.ends(host, life, left);
    });
    // It is never joined: a killed process does not end.
    drop(begun.expect("the system has room for a thread"));
}

fn run(shared: &Arc<Shared>, host: HostIndex, life: u16) -> Option<Left> {
    let context = match Context::new(&shared.library) {
        Ok(context) => context,
        Err(error) => {
            let call = Call::Failed { call: "context".into(), errno: error.number, why: error.text };
            shared.note_of_process(host, life, None, call);
            return None;
        }
    };
    let handler = match zap::spawn(shared, host, &context) {
        Ok(handler) => handler,
        Err(error) => {
            let call = Call::Failed { call: "zap".into(), errno: error.number, why: error.text };
            shared.note_of_process(host, life, None, call);
            None
        }
    };
    let mut hands = Hands::new(shared, host, context.clone());
    let mut opening = Opening::new(&shared.plan, host, life);
    let mut last = Outcome::Begin;
    loop {
        let op = shared.write(|now, history| opening.next(now, last, history));
        if op == Op::Finished {
            break;
        }
        last = hands.perform(&op);
    }
    let mut actors = Vec::new();
    for actor in ActorIndex::all(&shared.plan).filter(|actor| shared.plan.home_of(*actor) == Some(host)) {
        let own = |socket: SocketIndex| shared.plan[actor].sockets.contains(&shared.plan[socket].name);
        let hands = hands.part(own);
        let here = Arc::clone(shared);
        let act = thread::Builder::new().stack_size(STACK).spawn(move || act(&here, actor, life, hands));
        actors.push(act.expect("the system has room for a thread"));
    }
    let mut sockets = hands.into_sockets();
    for actor in actors {
        // An actor that panicked has ended the process.
        sockets.extend(actor.join().unwrap_or_default());
    }
    shared.await_closing();
    for (socket, made) in sockets {
        shared.note_of_process(host, life, Some(socket), Call::Close(None));
        drop(made);
    }
    if let Some(handler) = handler {
        // What waits in a context that shuts down ends; what lingers still goes out.
        let _ = context.shutdown();
        let _ = handler.join();
    }
    // The last of it: this terminates.
    drop(context);
    shared.note_of_process(host, life, None, Call::Terminate);
    let count = shared.control.descriptors(number(host, life));
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let name = shared.plan[host].name.clone();
    (count > 0).then(|| Left { host: name, what: "descriptors".into(), count })
}

fn act(shared: &Arc<Shared>, index: ActorIndex, life: u16, mut hands: Hands) -> BTreeMap<SocketIndex, Socket> {
    *shared.actor(index) = Some(Actor::new(&shared.plan, index, life));
    let mut last = Outcome::Begin;
    loop {
        let op = {
            let mut place = shared.actor(index);
            let actor = place.as_mut().expect("its own thread has put it there, and nobody takes it");
            shared.write(|now, history| actor.next(now, last, history))
        };
        if op == Op::Finished {
            break;
        }
        last = hands.perform(&op);
    }
    shared.is_done(index);
    hands.into_sockets()
}
