//! A broker of services, after the guide's "majordomo": workers say what they can do and that they are alive; requests wait
//! for somebody who can serve them; what a worker had in its hands when it died goes to another.
//!
//! ```text
//!   REQ client: [service, body]  ──► ROUTER   broker   ROUTER ◄── DEALER worker: [ready, service], [beat], [done, …]
//!               [body]           ◄──                          ──►                [client, body]
//! ```
//!
//! What to learn: why a worker is a DEALER (it says that it is alive while it waits, which a REQ may not); how a time-out of
//! the poller makes a clock; how a broker knows a worker that hangs from one that is idle, which no connection tells.
//!
//! A worker that takes long over a request has to say that it is alive meanwhile, from a second thread if need be: sockets
//! are shared freely.
//!
//! ```sh
//! cargo run --release -p zmq-reference --example majordomo
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{Frame, Interest, Message, RecvError, SocketType, is_terminated};

type Failed = Box<dyn Error + Send + Sync>;

/// How often a worker says that it is alive, and how long one is believed to be that says nothing.
const BEAT: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_millis(400);

pub(crate) fn main() -> Result<(), Failed> {
    let context = Context::new()?;
    let mut broker = Broker {
        clients: context.socket(SocketType::Router)?,
        workers: context.socket(SocketType::Router)?,
        alive: BTreeMap::new(),
        services: BTreeMap::new(),
        report: Report::default(),
    };
    let for_clients = broker.clients.bind("tcp://127.0.0.1:*")?.to_string();
    let for_workers = broker.workers.bind("tcp://127.0.0.1:*")?.to_string();
    let of_broker = context.clone();
    let brokering = thread::spawn(move || broker.run(&of_broker).map(|()| broker.report));
    let hire = |service: &'static str, job: fn(&str) -> String| -> Result<_, Failed> {
        let worker = context.socket(SocketType::Dealer)?;
        worker.connect(&for_workers)?;
        Ok(thread::spawn(move || work(&worker, service, job)))
    };

    // The first to offer "upper" will hang with its first request, and say nothing more. Its connection stays.
    let hanging = context.socket(SocketType::Dealer)?;
    hanging.connect(&for_workers)?;
    hanging.send(["ready", "upper"])?;

    // Nobody offers "reverse" yet: those requests wait.
    let (tell, answered) = mpsc::channel();
    for (service, body) in [("upper", "first"), ("upper", "second"), ("reverse", "third")] {
        let client = context.socket(SocketType::Req)?;
        client.connect(&for_clients)?;
        let tell = tell.clone();
        thread::spawn(move || -> Result<(), Failed> {
            client.send([service, body])?;
            Ok(tell.send((body, text(client.recv()?.first())?))?)
        });
    }
    println!("hanging worker: does nothing about {:?}", hanging.recv()?);
    let hired = [hire("upper", str::to_uppercase)?, hire("reverse", |body| body.chars().rev().collect())?];

    let answers: BTreeMap<_, _> = answered.iter().take(3).collect();
    println!("clients: {answers:?}");
    assert_eq!(
        answers,
        [("first", "FIRST"), ("second", "SECOND"), ("third", "driht")].map(|(a, b)| (a, b.to_owned())).into()
    );
    context.term();
    for worker in hired {
        worker.join().expect("a worker does not panic")?;
    }
    let report = brokering.join().expect("the broker does not panic")?;
    println!("broker: {report:?}");
    assert_eq!((report.answered, report.expired), (3, 1));
    Ok(())
}

/// Offers a service until the context ends.
fn work(broker: &Socket, service: &str, job: fn(&str) -> String) -> Result<(), Failed> {
    broker.set_recv_timeout(Some(BEAT));
    broker.send(["ready", service])?;
    until_the_end(|| {
        let request = match broker.recv() {
            Err(RecvError::TimedOut) => return Ok(broker.send("beat")?),
            other => other?,
        };
        let (client, body) = parted(request)?;
        Ok(broker.send(["done".into(), client, Frame::from(job(&text(body.first())?))])?)
    })
}

struct Broker {
    clients: Socket,
    workers: Socket,
    /// By their routing ids.
    alive: BTreeMap<Vec<u8>, Worker>,
    services: BTreeMap<String, Service>,
    report: Report,
}

struct Worker {
    service: String,
    heard: Instant,
    /// What it has in its hands.
    request: Option<Request>,
}

/// Who is idle, the longest first, and what nobody does yet.
#[derive(Default)]
struct Service {
    idle: VecDeque<Vec<u8>>,
    waiting: VecDeque<Request>,
}

struct Request {
    client: Frame,
    body: Frame,
}

/// What a broker did.
#[derive(Debug, Default)]
struct Report {
    answered: u32,
    expired: u32,
}

impl Broker {
    /// Brings together who asks and who can, until the context ends.
    fn run(&mut self, context: &Context) -> Result<(), Failed> {
        let mut poller = context.poller();
        let of_clients = poller.add(&self.clients, Interest::READABLE)?;
        poller.add(&self.workers, Interest::READABLE)?;
        until_the_end(|| {
            for item in poller.wait(Some(BEAT))? {
                if item.token == of_clients {
                    self.hear_client()?;
                } else {
                    self.hear_worker()?;
                }
            }
            self.bury()
        })
    }

    fn hear_client(&mut self) -> Result<(), Failed> {
        let (client, rest) = parted(self.clients.recv()?)?;
        let (_delimiter, rest) = parted(rest)?;
        let (service, body) = parted(rest)?;
        let service = text(&service)?;
        let request = Request { client, body: body.first().clone() };
        self.services.entry(service.clone()).or_default().waiting.push_back(request);
        self.deal(&service)
    }

    fn hear_worker(&mut self) -> Result<(), Failed> {
        let (id, said) = parted(self.workers.recv()?)?;
        let id = id.to_vec();
        let words: Vec<&Frame> = said.iter().collect();
        match (words[0].as_slice(), &words[1..], self.alive.get_mut(&id)) {
            (b"ready", [service], _) => {
                let service = text(service)?;
                self.alive
                    .insert(id.clone(), Worker { service: service.clone(), heard: Instant::now(), request: None });
                self.idle(id, &service)
            }
            (b"beat", [], Some(worker)) => {
                worker.heard = Instant::now();
                Ok(())
            }
            (b"done", [client, body], Some(worker)) => {
                worker.heard = Instant::now();
                worker.request = None;
                let service = worker.service.clone();
                self.clients.send([(*client).clone(), Frame::EMPTY, (*body).clone()])?;
                self.report.answered += 1;
                self.idle(id, &service)
            }
            // Of one that was given up: somebody else has its request.
            (_, _, _) => Ok(()),
        }
    }

    fn idle(&mut self, worker: Vec<u8>, service: &str) -> Result<(), Failed> {
        self.services.entry(service.to_owned()).or_default().idle.push_back(worker);
        self.deal(service)
    }

    /// Gives requests that wait to workers that are idle.
    fn deal(&mut self, service: &str) -> Result<(), Failed> {
        let Some(Service { idle, waiting }) = self.services.get_mut(service) else { return Ok(()) };
        while !idle.is_empty()
            && let Some(request) = waiting.pop_front()
        {
            let Some(id) = idle.pop_front() else { return Ok(()) };
            self.workers.send([Frame::from(&id[..]), request.client.clone(), request.body.clone()])?;
            self.alive.entry(id).and_modify(|worker| worker.request = Some(request));
        }
        Ok(())
    }

    /// Gives up workers that have said nothing for too long. What they had in their hands is the next to be dealt.
    fn bury(&mut self) -> Result<(), Failed> {
        let silent = |worker: &Worker| worker.heard.elapsed() > PATIENCE;
        let dead: Vec<_> = self.alive.iter().filter(|(_, worker)| silent(worker)).map(|(id, _)| id.clone()).collect();
        for id in dead {
            let Some(worker) = self.alive.remove(&id) else { continue };
            println!("broker: a worker of {:?} has died", worker.service);
            self.report.expired += 1;
            let service = self.services.entry(worker.service.clone()).or_default();
            service.idle.retain(|idle| *idle != id);
            if let Some(request) = worker.request {
                service.waiting.push_front(request);
            }
            self.deal(&worker.service)?;
        }
        Ok(())
    }
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

fn text(part: &[u8]) -> Result<String, Failed> {
    Ok(String::from_utf8(part.to_vec())?)
}
