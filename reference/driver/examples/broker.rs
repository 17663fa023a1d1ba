//! A broker between many clients and many workers: each request goes to a worker that is idle.
//!
//! ```text
//!   REQ client ──┐                      ┌── REQ worker
//!   REQ client ──┼──► ROUTER  ROUTER ◄──┼── REQ worker
//!   REQ client ──┘      broker          └── REQ worker
//! ```
//!
//! What to learn: how a ROUTER addresses peers by the routing ids that stand before their messages; that a worker which
//! *asks* for work, as a REQ, never has more than it can do; how a poller watches two sockets, and leaves requests where
//! they are while nobody could serve them. A broker that need not know who is idle is a `Proxy`: see `devices`.
//!
//! ```sh
//! cargo run --release -p zmq-reference --example broker
//! ```

use std::collections::VecDeque;
use std::error::Error;
use std::thread;

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{Frame, Interest, Message, SocketType, is_terminated};

type Failed = Box<dyn Error + Send + Sync>;

const CLIENTS: u32 = 4;
const WORKERS: u32 = 3;
const REQUESTS: u32 = 50;

/// What a worker says when it has nothing to answer yet.
const READY: &str = "ready";

pub(crate) fn main() -> Result<(), Failed> {
    let context = Context::new()?;
    let frontend = context.socket(SocketType::Router)?;
    let backend = context.socket(SocketType::Router)?;
    let for_clients = frontend.bind("tcp://127.0.0.1:*")?.to_string();
    let for_workers = backend.bind("inproc://workers")?.to_string();
    let brokering = {
        let context = context.clone();
        thread::spawn(move || broker(&context, &frontend, &backend))
    };

    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        let worker = context.socket(SocketType::Req)?;
        worker.connect(&for_workers)?;
        workers.push(thread::spawn(move || work(&worker)));
    }
    let mut clients = Vec::new();
    for name in 0..CLIENTS {
        let client = context.socket(SocketType::Req)?;
        client.connect(&for_clients)?;
        clients.push(thread::spawn(move || ask(&client, name)));
    }

    for client in clients {
        client.join().expect("a client does not panic")?;
    }
    context.term(); // broker and workers wait for more, and are told that there will be none
    let mut served = 0;
    for worker in workers {
        let count = worker.join().expect("a worker does not panic")?;
        println!("worker: {count} requests");
        served += count;
    }
    let passed = brokering.join().expect("the broker does not panic")?;
    println!("broker: passed {passed} requests on");
    assert_eq!((served, passed), (CLIENTS * REQUESTS, CLIENTS * REQUESTS));
    Ok(())
}

/// Brings requests to idle workers, and replies back, until the context ends; says how many requests it passed on.
fn broker(context: &Context, frontend: &Socket, backend: &Socket) -> Result<u32, Failed> {
    let mut idle: VecDeque<Frame> = VecDeque::new(); // the longest idle first
    let mut passed = 0;
    let mut poller = context.poller();
    let workers = poller.add(backend, Interest::READABLE)?;
    let clients = poller.add(frontend, Interest::NONE)?;
    until_the_end(|| {
        // While nobody is idle, requests stay in the frontend. Should many come, their high-water mark holds clients up.
        poller.modify(clients, if idle.is_empty() { Interest::NONE } else { Interest::READABLE })?;
        for item in poller.wait(None)? {
            if item.token == workers {
                // From a REQ: its routing id, an empty part, then what it said.
                let (worker, rest) = parted(backend.recv()?)?;
                let (_delimiter, said) = parted(rest)?;
                idle.push_back(worker);
                if said.first() != READY {
                    // A reply: the client's routing id, an empty part, the reply. Just what the frontend sends.
                    frontend.send(said)?;
                }
            } else if let Some(worker) = idle.pop_front() {
                let mut request = frontend.recv()?;
                request.push_front(Frame::EMPTY);
                request.push_front(worker);
                backend.send(request)?;
                passed += 1;
            }
        }
        Ok(())
    })?;
    Ok(passed)
}

/// Asks for work by saying how the last went, until the context ends; says how much there was.
fn work(broker: &Socket) -> Result<u32, Failed> {
    let (mut said, mut served) = (Message::from(READY), 0);
    until_the_end(|| {
        broker.send(said.clone())?;
        // What stands before the empty part says whose request it is, and goes back unread.
        let (client, rest) = parted(broker.recv()?)?;
        let (delimiter, question) = parted(rest)?;
        let answer = String::from_utf8(question.first().to_vec())?.to_uppercase();
        said = Message::from([client, delimiter, answer.into()]);
        served += 1;
        Ok(())
    })?;
    Ok(served)
}

/// Asks so often, and checks each answer.
fn ask(broker: &Socket, name: u32) -> Result<(), Failed> {
    for number in 0..REQUESTS {
        broker.send(format!("client {name}, request {number}"))?;
        assert_eq!(broker.recv()?.first(), format!("CLIENT {name}, REQUEST {number}").as_str());
    }
    println!("client {name}: {REQUESTS} answers");
    Ok(())
}

/// Does it again and again until the context ends.
fn until_the_end(mut once: impl FnMut() -> Result<(), Failed>) -> Result<(), Failed> {
    loop {
        match once() {
            Ok(()) => {}
            Err(why) if is_terminated(&*why) => return Ok(()),
            Err(other) => return Err(other),
        }
    }
}

/// A message's first part, and the rest of it.
fn parted(message: Message) -> Result<(Frame, Message), Failed> {
    message.split_first().map_err(|only| format!("expected more parts than {only:?}").into())
}
