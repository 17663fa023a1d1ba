//! Peers that keep no rule, one connection at a time or some hundred: nothing panics, nothing is received of them that
//! they did not send, memory follows what has arrived, and a good client beside them is served.

use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use zmq_reference::{EventKind, Options, SocketType};
use zmq_vectors::{Kind, Side, Vector, Verdict};

use crate::alone::{Budget, LEAST, alone, eventually, figure};
use crate::good::{Good, socket};
use crate::raw::{COMMAND, MORE, Raw, Seeded, Wrote, command, frame, greeting, header, ready};

/// The octets of a vector where a peer would send them.
fn in_their_place(vector: &Vector) -> Vec<Vec<u8>> {
    let octets = vector.expand();
    let greeted = |octets: &[u8]| [&greeting(), octets].concat();
    let handshaken = |octets: &[u8]| [&greeting(), &ready("DEALER")[..], octets].concat();
    match vector.kind {
        Kind::Greeting => vec![octets],
        Kind::Session => {
            let of_a = vector.steps().iter().filter(|step| step.from == Side::A);
            vec![of_a.flat_map(|step| step.bytes.expand()).collect()]
        }
        Kind::Metadata => vec![greeted(&command("READY", &octets))],
        Kind::Command => vec![greeted(&octets), handshaken(&octets)],
        Kind::Frame | Kind::Message => vec![octets.clone(), greeted(&octets), handshaken(&octets)],
    }
}

/// Whether octets in the place of a greeting are, as far as anybody can tell, those of a peer of 1.0 or 2.0, who may have
/// messages behind them.
fn may_be_older(octets: &[u8]) -> bool {
    octets.first() != Some(&0xff)
        || octets.get(9).is_some_and(|last| last & 1 == 0)
        || matches!(octets.get(10), Some(1 | 2))
}

#[test]
fn invalid_vectors_end_their_own_connection_at_most() {
    alone(|| {
        let good = Good::start(Options::default());
        let vectors: Vec<_> =
            zmq_vectors::all().iter().filter(|vector| matches!(vector.verdict, Verdict::Invalid { .. })).collect();
        assert!(vectors.len() > 100, "{} invalid vectors", vectors.len());
        let mut open = Vec::new();
        for (older, vector) in
            [false, true].into_iter().flat_map(|older| vectors.iter().map(move |vector| (older, vector)))
        {
            for octets in in_their_place(vector).into_iter().filter(|octets| may_be_older(octets) == older) {
                for finish in [true, false] {
                    let mut raw = Raw::connect(&good.endpoint);
                    raw.write(&octets);
                    if finish {
                        raw.finish();
                    }
                    open.push(raw);
                }
            }
            good.trip();
            let received = good.foreign.load(Ordering::Relaxed);
            assert!(received == 0 || older, "{} was received", vector.id);
        }
        figure(format!("{} connections of {} vectors", open.len(), vectors.len()));
        good.is_served();
        drop(open);
        good.end();
    });
}

/// The same octets, where the peer that is connected to sends them.
#[test]
fn invalid_vectors_of_a_peer_that_was_connected_to_do_no_harm() {
    alone(|| {
        let good = Good::start(Options::default());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
        let mut options = Options::default();
        options.reconnect.interval = Some(Duration::from_millis(1));
        for vector in zmq_vectors::all().iter().filter(|vector| matches!(vector.verdict, Verdict::Invalid { .. })) {
            for octets in in_their_place(vector) {
                let dealer = good.context.socket_with(SocketType::Dealer, options.clone()).unwrap();
                dealer.connect(&endpoint).unwrap();
                let (stream, _) = listener.accept().unwrap();
                let mut raw = Raw::on(stream);
                raw.write(&octets);
                raw.finish();
                good.trip();
                assert!(dealer.try_recv().is_err() || may_be_older(&octets), "{} was received", vector.id);
                dealer.close(Some(zmq_reference::Linger::Discard));
            }
        }
        good.is_served();
        good.end();
    });
}

#[test]
fn random_octets_do_no_harm() {
    alone(|| {
        let good = Good::start(Options::default());
        let mut random = Seeded(0x5eed);
        let prefixes = [Vec::new(), vec![0xff], greeting(), [greeting(), ready("DEALER")].concat()];
        let mut peers = Vec::new();
        let budget = Budget::open();
        for n in 0..200 {
            let mut raw = Raw::connect(&good.endpoint);
            let octets = 1 + random.octets(2).iter().map(|octet| usize::from(*octet)).product::<usize>();
            raw.write(&prefixes[n % prefixes.len()]);
            raw.write(&random.octets(octets));
            peers.push(raw);
        }
        good.is_served();
        budget.check(peers.iter().map(|peer| &peer.written), 0);
        good.end();
    });
}

#[test]
fn who_does_not_finish_the_handshake_is_let_go() {
    alone(|| {
        let options = Options { handshake_timeout: Some(Duration::from_millis(500)), ..Options::default() };
        let good = Good::start(options);
        let begun = [Vec::new(), greeting()[..1].to_vec(), greeting()[..11].to_vec(), greeting()];
        let mut silent: Vec<_> = (0..200)
            .map(|n| {
                let mut raw = Raw::connect(&good.endpoint);
                raw.write(&begun[n % begun.len()]);
                raw
            })
            .collect();
        good.is_served();
        for raw in &mut silent {
            assert!(raw.is_closed_within(Duration::from_secs(10)));
        }
        good.end();
    });
}

#[test]
fn a_good_peer_may_be_as_slow_as_one_octet_at_a_time() {
    alone(|| {
        let good = Good::start(Options::default());
        thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    let mut raw = Raw::connect(&good.endpoint);
                    for octet in [greeting(), ready("DEALER"), frame(0, b"good octets")].concat() {
                        assert_eq!(raw.write(&[octet]), Wrote::All);
                        thread::sleep(Duration::from_millis(2));
                    }
                    raw.read_handshake();
                    let mut echo = [0; 13];
                    std::io::Read::read_exact(&mut raw.stream, &mut echo).unwrap();
                    assert_eq!(echo[2..], *b"good octets");
                });
            }
            good.is_served();
        });
        good.end();
    });
}

#[test]
fn a_header_alone_costs_nothing() {
    alone(|| {
        let good = Good::start(Options::default());
        let arrives = vec![b'x'; 100 << 10];
        let mut peers = Vec::new();
        let budget = Budget::open();
        for n in 0..200 {
            let claims = [8 << 30, 1 << 62, (1 << 63) - 1, u64::MAX][n % 4];
            let mut raw = Raw::handshaken(&good.endpoint, "DEALER");
            raw.write(&header(if n % 8 < 4 { 0 } else { COMMAND }, claims));
            raw.write(&arrives);
            peers.push(raw);
        }
        // A READY of so many octets is refused by its header.
        let mut early = Raw::connect(&good.endpoint);
        early.write(&[greeting(), header(COMMAND, 8 << 30)].concat());
        assert!(early.is_closed_within(Duration::from_secs(10)));
        good.is_served();
        budget.check(peers.iter().map(|peer| &peer.written), 0);
        assert_eq!(good.foreign.load(Ordering::Relaxed), 0);
        good.end();
    });
}

/// Empty parts are the dearest: 2 octets on the wire, 32 in memory. What of them waits is bounded as payload is.
#[test]
fn messages_of_many_parts_are_bounded() {
    alone(|| {
        let good = Good::start(Options::default());
        let pull = socket(&good.context, SocketType::Pull, Options::default());
        let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
        let many = [[MORE, 0].repeat(4_999), vec![0, 0]].concat();
        let mut first = Raw::handshaken(&endpoint, "PUSH");
        first.write(&many);
        assert_eq!(pull.recv().unwrap().parts(), 5_000);
        // Nobody receives what these send, until they cannot send any more.
        let mut peers: Vec<_> = (0..4).map(|_| Raw::handshaken(&endpoint, "PUSH")).collect();
        let budget = Budget::open();
        for raw in &mut peers {
            while raw.written < 16 << 20 && raw.write(&many) == Wrote::All {}
        }
        good.is_served();
        // For each: 1 MiB that may wait, and one message more.
        budget.check(peers.iter().map(|_| &LEAST), 4 * (2 << 20));
        for _ in 0..100 {
            assert_eq!(pull.recv().unwrap().parts(), 5_000);
        }
        good.end();
    });
}

#[test]
fn a_message_without_end_ends_the_connection() {
    alone(|| {
        let good = Good::start(Options::default());
        let mut raw = Raw::handshaken(&good.endpoint, "DEALER");
        let parts = [MORE, 0].repeat(10_000);
        assert!(eventually(|| raw.write(&parts) == Wrote::Closed), "after {} octets", raw.written);
        good.is_served();
        assert_eq!(good.foreign.load(Ordering::Relaxed), 0);
        good.end();
    });
}

#[test]
fn a_large_message_without_a_reader_is_bounded() {
    alone(|| {
        let good = Good::start(Options::default());
        let pull = socket(&good.context, SocketType::Pull, Options::default());
        let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
        let message = frame(0, &vec![b'x'; 100_000]);
        let mut peers: Vec<_> = (0..20).map(|_| Raw::handshaken(&endpoint, "PUSH")).collect();
        let budget = Budget::open();
        for raw in &mut peers {
            while raw.written < 64 << 20 && raw.write(&message) == Wrote::All {}
            assert!(raw.written < 64 << 20, "nobody reads, and it takes everything");
        }
        good.is_served();
        // For each: 1 MiB that may wait, a message more, and one that is coming in.
        budget.check(peers.iter().map(|_| &LEAST), 20 * (5 << 18));
        good.end();
    });
}

/// What a listener reports of bad peers does not pile up either.
#[test]
fn a_monitor_that_is_not_read_is_bounded() {
    alone(|| {
        let good = Good::start(Options::default());
        let pull = socket(&good.context, SocketType::Pull, Options::default());
        let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
        let monitor = pull.monitor();
        for _ in 0..6_000 {
            Raw::connect(&endpoint).reset();
        }
        assert!(eventually(|| {
            good.trip();
            monitor.try_recv().is_some_and(|event| event.lost > 0 || matches!(event.kind, EventKind::Disconnected(_)))
        }));
        good.is_served();
        good.end();
    });
}
