//! Peers that send as fast as they can, and sockets whose application does not call.

use std::sync::Mutex;
use std::time::Duration;

use zmq_reference::blocking::Socket;
use zmq_reference::{Endpoint, Message, Options, SocketType};

use crate::alone::{Budget, LEAST, alone, figure};
use crate::good::{Good, socket};
use crate::raw::{Raw, Wrote, command, frame};

/// Socket types with the type of a raw peer, and a flood that the pattern has no use for.
fn useless() -> [(SocketType, &'static str, Vec<u8>); 5] {
    [
        (SocketType::Sub, "PUB", frame(0, b"unwanted")),
        (SocketType::Rep, "REQ", frame(0, b"no delimiter")),
        (SocketType::Push, "PULL", frame(0, b"never received")),
        (SocketType::Pub, "SUB", frame(0, b"never received")),
        (SocketType::Req, "REP", frame(0, b"never asked")),
    ]
}

fn bound(good: &Good, socket_type: SocketType, options: Options) -> (Socket, Endpoint) {
    let socket = socket(&good.context, socket_type, options);
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    (socket, endpoint)
}

#[test]
fn pings_of_a_peer_that_does_not_read_are_bounded() {
    alone(|| {
        let good = Good::start(Options::default());
        let pings = command("PING", b"\x00\x000123456789abcdef").repeat(10_000);
        let peers: Vec<_> = (0..8).map(|_| Mutex::new(Raw::handshaken(&good.endpoint, "DEALER"))).collect();
        let budget = Budget::open();
        good.is_served_during(|| {
            for raw in &peers {
                let mut raw = raw.lock().unwrap();
                let wrote = raw.write(&pings);
                assert_ne!(wrote, Wrote::Closed);
                // A header that was cut by the full link would be continued by another one.
                if wrote == Wrote::Stuck {
                    let fresh = Raw::handshaken(&good.endpoint, "DEALER");
                    *raw = fresh;
                }
            }
        });
        budget.check(peers.iter().map(|_| &LEAST), 0);
        drop(peers);
        good.end();
    });
}

#[test]
fn pings_of_a_peer_that_reads_are_answered_and_others_served() {
    alone(|| {
        let good = Good::start(Options::default());
        let pings = command("PING", b"\0\x0a").repeat(1_000);
        let raw = Mutex::new(Raw::handshaken(&good.endpoint, "DEALER"));
        good.is_served_during(|| {
            let mut raw = raw.lock().unwrap();
            assert_eq!(raw.write(&pings), Wrote::All);
            let mut pongs = vec![0; 7 * 1_000];
            std::io::Read::read_exact(&mut raw.stream, &mut pongs).unwrap();
        });
        drop(raw);
        good.end();
    });
}

/// What goes both ways at full rate never waits for the other end to read first.
#[test]
fn two_ends_that_send_at_full_rate_both_go_on() {
    let context = zmq_reference::blocking::Context::with_io_threads(2).unwrap();
    let ends = [(); 2].map(|()| crate::good::socket(&context, SocketType::Dealer, Options::default()));
    let endpoint = ends[0].bind("tcp://127.0.0.1:*").unwrap();
    ends[1].connect(&endpoint.to_string()).unwrap();
    std::thread::scope(|scope| {
        for end in &ends {
            scope.spawn(move || (0..30_000).for_each(|_| end.send(vec![1; 4_000]).unwrap()));
            scope.spawn(move || (0..30_000).for_each(|_| drop(end.recv().unwrap())));
        }
    });
}

/// Each call of the application returns in its time, and other peers are served, while one floods.
#[test]
fn a_flood_of_useless_messages_holds_no_call_up() {
    alone(|| {
        for (socket_type, theirs, message) in useless() {
            let good = Good::start(Options::default());
            let (socket, endpoint) = bound(&good, socket_type, Options::default());
            let flood = message.repeat(10_000);
            let flooders: Vec<_> = (0..2).map(|_| Mutex::new(Raw::handshaken(&endpoint, theirs))).collect();
            let calls = std::sync::atomic::AtomicBool::new(true);
            std::thread::scope(|scope| {
                for raw in &flooders {
                    let calls = &calls;
                    let flood = &flood;
                    scope.spawn(move || {
                        let mut raw = raw.lock().unwrap();
                        while calls.load(std::sync::atomic::Ordering::Relaxed) {
                            if raw.write(flood) != Wrote::All {
                                std::thread::sleep(Duration::from_millis(1));
                            }
                        }
                    });
                }
                socket.set_recv_timeout(Some(Duration::from_millis(20)));
                socket.set_send_timeout(Some(Duration::from_millis(20)));
                let mut slowest = Duration::ZERO;
                let until = std::time::Instant::now() + Duration::from_secs(1);
                while std::time::Instant::now() < until {
                    let start = std::time::Instant::now();
                    let _ = socket.recv();
                    let _ = socket.try_send("published");
                    slowest = slowest.max(start.elapsed());
                }
                figure(format!("{socket_type}: the slowest call took {slowest:?}"));
                calls.store(false, std::sync::atomic::Ordering::Relaxed);
                assert!(slowest < Duration::from_secs(1), "{socket_type}: {slowest:?} for calls with 20 ms");
            });
            drop(flooders);
            good.is_served();
            good.end();
        }
    });
}

/// Nobody calls the socket at all: what is received for nobody does not pile up.
#[test]
fn floods_to_a_socket_that_is_never_called_are_bounded() {
    alone(|| {
        for (socket_type, theirs, message) in useless() {
            let good = Good::start(Options::default());
            let (socket, endpoint) = bound(&good, socket_type, Options::default());
            let flood = message.repeat(10_000);
            let mut raw = Raw::handshaken(&endpoint, theirs);
            let budget = Budget::open();
            let mut last = Wrote::All;
            while last == Wrote::All && raw.written < 32 << 20 {
                last = raw.write(&flood);
            }
            figure(format!("{socket_type} took {} KiB of the flood: {last:?}", raw.written >> 10));
            budget.check([&LEAST], 1 << 20);
            good.is_served();
            drop(socket);
            good.end();
        }
    });
}

/// Subscriptions take effect without the application, so they have a bound of their own.
#[test]
fn subscriptions_to_ever_new_topics_are_bounded() {
    alone(|| {
        for socket_type in [SocketType::Pub, SocketType::XPub] {
            let good = Good::start(Options::default());
            let limit = 2_usize << 20;
            let options = Options { max_subscription_octets: std::num::NonZeroUsize::new(limit), ..Options::default() };
            let (socket, endpoint) = bound(&good, socket_type, options);
            let (raw, budget) = (Mutex::new((Raw::handshaken(&endpoint, "SUB"), 0_u64)), Budget::open());
            let ended = std::sync::atomic::AtomicBool::new(false);
            good.is_served_during(|| {
                let mut raw = raw.lock().unwrap();
                let mut topics = Vec::new();
                for _ in 0..1_000 {
                    raw.1 += 1;
                    topics.extend(command("SUBSCRIBE", format!("topic number {}", raw.1).as_bytes()));
                }
                if raw.0.write(&topics) == Wrote::Closed {
                    ended.store(true, std::sync::atomic::Ordering::Relaxed);
                }
            });
            let mut raw = raw.into_inner().unwrap();
            figure(format!("{socket_type} took {} topics, {} KiB", raw.1, raw.0.written >> 10));
            budget.check([&LEAST], 2 * limit as u64);
            match socket_type {
                // The notices wait for the application, up to the high-water mark; then reading pauses.
                SocketType::XPub => assert!(!ended.into_inner()),
                _ => assert!(raw.0.is_closed_within(Duration::from_secs(10))),
            }
            drop(raw);
            publishes(&socket, &endpoint);
            good.end();
        }
    });
}

#[test]
fn subscriptions_that_come_and_go_are_bounded() {
    alone(|| {
        for (socket_type, duplicate) in
            [(SocketType::Pub, 1), (SocketType::XPub, 1), (SocketType::Pub, 3), (SocketType::XPub, 3)]
        {
            let good = Good::start(Options::default());
            let (socket, endpoint) = bound(&good, socket_type, Options::default());
            let mut toggles = Vec::new();
            for n in 0..1_000 {
                let topic = format!("t{}", n % 7);
                toggles.extend(command("SUBSCRIBE", topic.as_bytes()).repeat(duplicate));
                toggles.extend(command("CANCEL", topic.as_bytes()).repeat(duplicate));
            }
            let raw = Mutex::new((Raw::handshaken(&endpoint, "SUB"), Wrote::All));
            let budget = Budget::open();
            good.is_served_during(|| {
                let mut raw = raw.lock().unwrap();
                if raw.1 == Wrote::All && raw.0.written < 64 << 20 {
                    raw.1 = raw.0.write(&toggles);
                } else {
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            let raw = raw.into_inner().unwrap();
            figure(format!("{socket_type} took {} KiB: {:?}", raw.0.written >> 10, raw.1));
            budget.check([&LEAST], 0);
            drop(raw);
            publishes(&socket, &endpoint);
            good.end();
        }
    });
}

/// A subscriber that comes now is served.
fn publishes(socket: &Socket, endpoint: &Endpoint) {
    let context = zmq_reference::blocking::Context::new().unwrap();
    let sub = crate::good::socket(&context, SocketType::Sub, Options::default());
    sub.subscribe("after").unwrap();
    sub.connect(&endpoint.to_string()).unwrap();
    sub.set_recv_timeout(Some(Duration::from_millis(5)));
    let received = crate::alone::eventually(|| {
        socket.send("after all").unwrap();
        sub.recv().is_ok_and(|message| message == Message::from("after all"))
    });
    assert!(received, "nothing is published any more");
}
