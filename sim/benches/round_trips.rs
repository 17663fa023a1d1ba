//! How fast the bare loop is: round trips of REQ and REP, and time that passes on idle networks.
//!
//! `cargo bench -p zmq-sim --bench round_trips`; `-- SECONDS WORDS` sets how long each row takes, 2 by default, and
//! which rows: those whose names have the words. On a machine that
//! has more to do, the second column counts: what a second of this thread on a processor is worth.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use zmq_core::error::{RecvError, SendError, Unsent};
use zmq_core::frame::Frame;
use zmq_core::message::Message;
use zmq_core::options::Options;
use zmq_core::pattern::table::SocketType;
use zmq_core::socket::{Place, Socket};
use zmq_sim::bare::{Bare, Net, SocketKey, Step};
use zmq_sim::engine::{Ending, Engine, Recording};
use zmq_sim::options::Made;
use zmq_sim::plan::Plan;
use zmq_world::{HostId, Time, World};

fn main() {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(2.0);
    let each = Duration::from_secs_f64(seconds);
    println!("{:<62} {:>12} {:>12}", "bare loop", "per second", "on the CPU");
    for pairs in [1, 50] {
        let mut lockstep = Lockstep::new(pairs);
        lockstep.run(20_000);
        let name = format!("REQ/REP over ZMTP, tcp, {} hosts: round trips (core sockets)", 2 * pairs);
        row(&name, each, || lockstep.run(20_000));
    }
    row("REQ/REP as a plan, with actors and history: round trips", each, plan);
    let mut idle = Idle::new();
    row("five hosts, heartbeats each second: virtual seconds", each, || idle.pass(Duration::from_secs(600)));
}

/// How much of something is done in a second.
fn row(name: &str, each: Duration, mut some: impl FnMut() -> f64) {
    if std::env::args().nth(2).is_some_and(|words| !name.contains(&words)) {
        return;
    }
    let (begun, on_cpu, mut done) = (Instant::now(), on_cpu(), 0.0);
    while begun.elapsed() < each {
        done += some();
    }
    let rate = done / begun.elapsed().as_secs_f64();
    let of_cpu = self::on_cpu().zip(on_cpu).map(|(now, then)| done / (now - then).as_secs_f64());
    println!("{name:<62} {rate:>12.0} {:>12.0}", of_cpu.unwrap_or(f64::NAN));
}

/// How long this thread was on a processor; `None` where the system does not say.
fn on_cpu() -> Option<Duration> {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(said.split_whitespace().next()?.parse().ok()?))
}

/// Pairs of hosts: one asks, the other answers, as fast as it goes.
struct Lockstep {
    net: Net,
    seats: Vec<Seat>,
    round_trips: u64,
}

/// Who asks or answers.
struct Seat {
    socket: Arc<Socket>,
    place: Place,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Asks,
    Answers,
}

impl Lockstep {
    fn new(pairs: u8) -> Self {
        let mut world = World::new(7);
        let mut host = |number: u8| world.add_host(&format!("h{number}"), &[address(number)]);
        let hosts: Vec<(HostId, HostId)> = (0..pairs).map(|pair| (host(2 * pair + 1), host(2 * pair + 2))).collect();
        let mut net = Net::new(world, 7);
        let mut seats = Vec::new();
        for (pair, (server, client)) in (0_u8..).zip(hosts) {
            let rep = socket(&mut net, server, SocketType::Rep);
            net.bind(rep, "tcp://*:5555").expect("the port is free");
            let req = socket(&mut net, client, SocketType::Req);
            net.connect(req, &format!("tcp://{}:5555", address(2 * pair + 1))).expect("it is an endpoint");
            for (host, key, role) in [(server, rep, Role::Answers), (client, req, Role::Asks)] {
                let user = net.user(host, seats.len() as u64);
                let socket = Arc::clone(net.socket(key).expect("it is open"));
                net.waker(user).wake_by_ref();
                seats.push(Seat { socket, place: Place::default(), role });
            }
        }
        for seat in seats.iter().filter(|seat| seat.role == Role::Asks) {
            seat.send(Message::new(Frame::copy_of(b"how fast?")));
        }
        Self { net, seats, round_trips: 0 }
    }

    /// So many round trips more, at least.
    fn run(&mut self, more: u64) -> f64 {
        let before = self.round_trips;
        while self.round_trips < before + more {
            match self.net.step(Time::NEVER) {
                Step::User(user) => {
                    let waker = self.net.waker(user);
                    self.round_trips += self.seats[user.number()].turn(waker);
                }
                Step::Io | Step::Alarm(_) => {}
                Step::Limit | Step::Nothing => panic!("it stands still"),
            }
        }
        (self.round_trips - before) as f64
    }
}

impl Seat {
    /// Receives and sends until it has to wait, as a future of the library would; the round trips that ended.
    fn turn(&mut self, waker: &std::task::Waker) -> u64 {
        let mut ended = 0;
        let receivers = self.socket.shared().receivers();
        loop {
            let message = match self.socket.try_recv() {
                Err(RecvError::WouldBlock) => {
                    receivers.park(&mut self.place, waker);
                    self.socket.try_recv()
                }
                received => received,
            };
            let Ok(message) = message else { return ended };
            receivers.leave(&mut self.place);
            ended += u64::from(self.role == Role::Asks);
            self.send(message);
        }
    }

    fn send(&self, message: Message) {
        match self.socket.try_send(message) {
            Ok(()) | Err(Unsent { why: SendError::WouldBlock, .. }) => {}
            Err(unsent) => panic!("{unsent}"),
        }
    }
}

fn socket(net: &mut Net, host: HostId, socket_type: SocketType) -> SocketKey {
    let made = Made { socket_type, options: Options::default(), then: Vec::new() };
    net.open(host, u64::from(host.number()), made).expect("there are no options")
}

fn address(number: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, number).into()
}

/// Requests of a plan: messages are texts that say whose they are, and every call is noted.
fn plan() -> f64 {
    const COUNT: u32 = 20_000;
    let plan: Plan = toml::from_str(&format!(
        r#"
title = "as fast as it goes"
limit = "10h"
[[host]]
name = "server"
[[host]]
name = "client"
[[socket]]
name = "rep"
host = "server"
type = "REP"
bind = ["tcp://*:5555"]
[[socket]]
name = "req"
host = "client"
type = "REQ"
connect = ["tcp://server:5555"]
[[actor]]
name = "client"
sockets = ["req"]
do = [{{ request = {{ count = {COUNT} }} }}]
[[actor]]
name = "server"
sockets = ["rep"]
do = [{{ serve = {{ count = {COUNT} }} }}]
"#
    ))
    .expect("it is a plan");
    let run = Bare.run(&plan, Recording::History);
    assert_eq!(run.ending, Ending::Finished);
    f64::from(COUNT)
}

/// A hub and four others, which say nothing but PING and PONG.
struct Idle {
    net: Net,
    passed: Duration,
}

impl Idle {
    fn new() -> Self {
        let mut world = World::new(7);
        let hosts: Vec<HostId> =
            (1..=5).map(|number| world.add_host(&format!("h{number}"), &[address(number)])).collect();
        let mut net = Net::new(world, 7);
        let mut options = Options::default();
        options.heartbeat.interval = Some(Duration::from_secs(1));
        options.heartbeat.timeout = Some(Duration::from_secs(3));
        for (place, host) in hosts.iter().enumerate() {
            let socket_type = if place == 0 { SocketType::Router } else { SocketType::Dealer };
            let made = Made { socket_type, options: options.clone(), then: Vec::new() };
            let key = net.open(*host, u64::from(host.number()), made).expect("there are no options");
            let at = match place {
                0 => net.bind(key, "tcp://*:5555"),
                _ => net.connect(key, &format!("tcp://{}:5555", address(1))),
            };
            at.expect("it is an endpoint");
        }
        Self { net, passed: Duration::ZERO }
    }

    /// Lets time pass.
    fn pass(&mut self, time: Duration) -> f64 {
        self.passed += time;
        while self.net.step(Time::START + self.passed) != Step::Limit {}
        time.as_secs_f64()
    }
}
