//! Many connections: one after the other, and at the same time.

use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use zmq_reference::{Context, Endpoint, Options, SocketType};

use crate::alone::{Budget, LEAST, SLACK, alone, descriptors, eventually, figure, levels_off};
use crate::good::{Good, socket};
use crate::raw::{MORE, Raw, frame, greeting, ready};

/// A peer that comes, does something of that, and goes.
fn come_and_go(endpoint: &Endpoint, theirs: &str, n: usize) {
    let mut raw = Raw::connect(endpoint);
    let all = [greeting(), ready(theirs), frame(MORE, b"half of a message")].concat();
    let until = [0, 11, 64, greeting().len() + ready(theirs).len(), all.len()];
    raw.write(&all[..until[n % until.len()]]);
    if n.is_multiple_of(3) {
        raw.reset();
    } else if n % 3 == 1 && n % until.len() >= 3 {
        raw.read_handshake();
    }
}

const WARM_UP: usize = 500;
const CYCLES: usize = 2_000;

#[test]
fn connections_that_come_and_go_leave_nothing_behind() {
    alone(|| {
        let driven = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let runtime = driven.handle().clone();
        std::thread::spawn(move || driven.block_on(std::future::pending::<()>()));
        // A PUB that nobody calls, and sockets that wait for ever.
        for (socket_type, theirs) in [(SocketType::Pub, "SUB"), (SocketType::Rep, "REQ"), (SocketType::Router, "REQ")] {
            let nothing = (descriptors(), runtime.metrics().num_alive_tasks());
            let left = || format!("{} descriptors, {} tasks", descriptors(), runtime.metrics().num_alive_tasks());
            let is_at = |quiet| eventually(|| (descriptors(), runtime.metrics().num_alive_tasks()) == quiet);
            let context = runtime.block_on(async { Context::local() }).unwrap();
            let socket = context.socket(socket_type).unwrap();
            let endpoint = runtime.block_on(socket.bind("tcp://127.0.0.1:*")).unwrap();
            if socket_type != SocketType::Pub {
                let socket = socket.clone();
                runtime.spawn(async move { socket.recv().await });
            }
            let quiet = (descriptors(), runtime.metrics().num_alive_tasks());
            (0..WARM_UP).for_each(|n| come_and_go(&endpoint, theirs, n));
            assert!(is_at(quiet), "{} after the warm-up, before it {quiet:?}", left());
            // Thirty-two octets for each connection that was.
            levels_off(&format!("{socket_type}, {CYCLES} connections"), 32 * CYCLES as u64, || {
                (0..CYCLES).for_each(|n| come_and_go(&endpoint, theirs, n));
                assert!(is_at(quiet), "{}, before {quiet:?}", left());
            });
            let term = async { tokio::time::timeout(Duration::from_secs(10), context.term()).await };
            runtime.block_on(term).expect("term ends");
            drop((socket, context));
            assert!(is_at(nothing), "{} at the end, at the beginning {nothing:?}", left());
        }
    });
}

/// As many descriptors as there may be.
fn raise_limit(wanted: u64) -> u64 {
    let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: Some(wanted) });
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let current = limit.maximum.map_or(wanted, |most| most.min(wanted));
        setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: limit.maximum }).unwrap();
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn at_the_same_time(wanted: usize) {
    // Both ends of each connection are in this process.
    let limit = raise_limit(2 * wanted as u64 + 200);
    let connections = wanted.min(usize::try_from((limit - 200) / 2).unwrap());
    if connections < wanted {
        figure(format!("only {connections} of {wanted} connections: the limit of descriptors is {limit}"));
    }
    let good = Good::start(Options::default());
    let options = Options { backlog: 4096, ..Options::default() };
    let rep = socket(&good.context, SocketType::Rep, options);
    let endpoint = rep.bind("tcp://127.0.0.1:*").unwrap();
    let budget = Budget::open();
    let start = Instant::now();
    let mut peers: Vec<_> = (0..connections)
        .map(|n| {
            let mut raw = Raw::connect(&endpoint);
            // One of four is silent.
            if n % 4 != 0 {
                raw.write(&[greeting(), ready("REQ")].concat());
            }
            raw
        })
        .collect();
    for (_, raw) in peers.iter_mut().enumerate().filter(|(n, _)| n % 4 != 0) {
        raw.read_handshake();
    }
    figure(format!("{connections} connections in {:?}", start.elapsed()));
    good.is_served();
    // All of them ask, none reads the answer before all have asked.
    let request = [frame(MORE, b""), frame(0, b"a question of some octets")].concat();
    let mut asked = 0;
    for (_, raw) in peers.iter_mut().enumerate().filter(|(n, _)| n % 4 == 1) {
        raw.write(&request);
        asked += 1;
    }
    for _ in 0..asked {
        let question = rep.recv().unwrap();
        rep.send(question).unwrap();
    }
    for (_, raw) in peers.iter_mut().enumerate().filter(|(n, _)| n % 4 == 1) {
        let mut answer = vec![0; request.len()];
        std::io::Read::read_exact(&mut raw.stream, &mut answer).unwrap();
        assert_eq!(answer, request);
    }
    good.is_served();
    // What each may cost is far above what it costs: a quarter of that.
    budget.check(peers.iter().map(|_| &LEAST), 0);
    let each = budget.taken() / connections as u64;
    figure(format!("{each} octets for each connection, of both ends"));
    assert!(each * connections as u64 <= SLACK + (LEAST / 4) * connections as u64, "{each} octets each");
    let before = Instant::now();
    drop(peers);
    good.end();
    figure(format!("all of it ended in {:?}", before.elapsed()));
}

#[test]
fn two_thousand_connections_at_the_same_time() {
    alone(|| at_the_same_time(2_000));
}

#[test]
#[ignore = "takes twenty thousand descriptors and some seconds; .ci/run runs it"]
fn ten_thousand_connections_at_the_same_time() {
    alone(|| at_the_same_time(10_000));
}
