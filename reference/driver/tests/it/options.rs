//! Options of the patterns, between sockets: over tcp, and over inproc in both orders of bind and connect.

use std::time::{Duration, Instant};

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{
    Manual, Message, Options, PatternOption, RecvError, RouterNotify, RoutingId, SendError, SocketType, Switch,
};

/// How two sockets come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Tcp,
    Inproc,
    /// Connected before anybody was bound.
    InprocEarly,
}

const WAYS: [Way; 3] = [Way::Tcp, Way::Inproc, Way::InprocEarly];

/// A socket that binds and one that connects.
struct Pair {
    _context: Context,
    bound: Socket,
    connected: Socket,
}

fn pair(way: Way, bound: (SocketType, Options), connected: (SocketType, Options)) -> Pair {
    let context = Context::new().unwrap();
    let [bound, connected] = [bound, connected].map(|(socket_type, options)| {
        let socket = context.socket_with(socket_type, options).unwrap();
        socket.set_recv_timeout(Some(Duration::from_secs(10)));
        socket
    });
    join(way, &bound, &connected);
    Pair { _context: context, bound, connected }
}

fn join(way: Way, bound: &Socket, connected: &Socket) {
    match way {
        Way::Tcp => {
            let endpoint = bound.bind("tcp://127.0.0.1:*").unwrap();
            connected.connect(&endpoint.to_string()).unwrap();
        }
        Way::Inproc => {
            bound.bind("inproc://place").unwrap();
            connected.connect("inproc://place").unwrap();
        }
        Way::InprocEarly => {
            connected.connect("inproc://place").unwrap();
            bound.bind("inproc://place").unwrap();
        }
    }
}

fn options(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

fn named(options: &mut Options) {
    options.routing_id = Some(RoutingId::new(b"peer").unwrap());
}

fn eventually(what: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !what() {
        assert!(Instant::now() < until, "it never came to it");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn hello_and_probe_go_before_the_first_message() {
    let first = |options: &mut Options| {
        options.hello_message = Some((*b"hello").into());
        options.probe_router = true;
    };
    for way in WAYS {
        let dealer = options(|options| {
            first(options);
            named(options);
        });
        let sockets = pair(way, (SocketType::Router, options(first)), (SocketType::Dealer, dealer));
        sockets.connected.send("first").unwrap();
        for body in ["hello", "", "first"] {
            assert_eq!(sockets.bound.recv(), Ok(Message::from(["peer", body])), "{way:?}");
        }
        for body in ["hello", ""] {
            assert_eq!(sockets.connected.recv(), Ok(Message::from(body)), "{way:?}");
        }
    }
}

#[test]
fn welcome_reaches_a_subscriber_first() {
    for publisher in [SocketType::XPub, SocketType::Pub] {
        for way in WAYS {
            let welcoming = options(|options| options.welcome_message = Some((*b"welcome").into()));
            let sockets = pair(way, (publisher, welcoming), (SocketType::XSub, Options::default()));
            assert_eq!(sockets.connected.recv(), Ok(Message::from("welcome")), "{publisher} {way:?}");
        }
    }
}

/// What a subscriber wants takes effect at the publisher, whether or not its application calls again; libzmq's waits for
/// the next call where the subscriber binds.
#[test]
fn subscriptions_need_no_further_call() {
    for (bound, connected) in
        [(SocketType::Pub, SocketType::Sub), (SocketType::Sub, SocketType::Pub), (SocketType::Sub, SocketType::XPub)]
    {
        for way in WAYS {
            let context = Context::new().unwrap();
            let [bound, connected] = [bound, connected].map(|socket_type| context.socket(socket_type).unwrap());
            let (subscriber, publisher) =
                if bound.socket_type() == SocketType::Sub { (&bound, &connected) } else { (&connected, &bound) };
            subscriber.subscribe("before").unwrap();
            join(way, &bound, &connected);
            let has = |topics: usize| eventually(|| publisher.topics() == Some(topics));
            has(1);
            publisher.send("before the first call").unwrap();
            subscriber.subscribe("after").unwrap();
            has(2);
            publisher.send("after the first call").unwrap();
            subscriber.unsubscribe("before").unwrap();
            has(1);
            subscriber.unsubscribe("after").unwrap();
            has(0);
            subscriber.subscribe("").unwrap();
            has(1);
            subscriber.set_recv_timeout(Some(Duration::from_secs(10)));
            for body in ["before the first call", "after the first call"] {
                assert_eq!(subscriber.recv(), Ok(Message::from(body)), "{way:?}");
            }
        }
    }
}

/// With 0 only empty frames are taken; what is longer closes the connection.
#[test]
fn frames_may_be_limited_to_none_but_empty_ones() {
    for (limit, longest) in [(0, 0), (1, 1), (300, 300)] {
        let limited = options(|options| options.max_frame_octets = Some(limit));
        let sockets = pair(Way::Tcp, (SocketType::Pull, limited), (SocketType::Push, Options::default()));
        sockets.connected.send(vec![b'x'; longest]).unwrap();
        assert_eq!(sockets.bound.recv(), Ok(Message::from(vec![b'x'; longest])), "{limit}");
        let monitor = sockets.bound.monitor();
        sockets.connected.send(vec![b'x'; longest + 1]).unwrap();
        eventually(|| monitor.try_recv().is_some_and(|event| event.kind.name() == "disconnected"));
    }
}

#[test]
fn the_end_of_a_peer_is_a_message_behind_its_last() {
    for way in WAYS {
        let router = options(|options| {
            options.disconnect_message = Some((*b"gone").into());
            options.router_notify = RouterNotify { connects: true, disconnects: true };
        });
        let Pair { _context, bound, connected } =
            pair(way, (SocketType::Router, router), (SocketType::Dealer, options(named)));
        connected.send("last").unwrap();
        drop(connected);
        let expected: &[&str] = match way {
            Way::Tcp => &["", "last", "", "gone"],
            Way::Inproc | Way::InprocEarly => &["last", "gone"],
        };
        for body in expected {
            assert_eq!(bound.recv(), Ok(Message::from(["peer", *body])), "{way:?}");
        }
        assert_eq!(bound.try_recv(), Err(RecvError::WouldBlock));
    }
}

#[test]
fn a_lost_connection_is_a_hiccup() {
    let dealer = options(|options| options.hiccup_message = Some((*b"hiccup").into()));
    let sockets = pair(Way::Tcp, (SocketType::Router, Options::default()), (SocketType::Dealer, dealer));
    sockets.connected.send("first").unwrap();
    sockets.bound.recv().unwrap();
    sockets.bound.close(None);
    assert_eq!(sockets.connected.recv(), Ok(Message::from("hiccup")));
}

#[test]
fn a_pipe_that_conflates_keeps_the_last_message() {
    let conflating = || options(|options| options.conflate = true);
    for (way, by_bound) in [(Way::Inproc, true), (Way::Inproc, false), (Way::InprocEarly, false)] {
        let (ours, theirs) =
            if by_bound { (conflating(), Options::default()) } else { (Options::default(), conflating()) };
        let sockets = pair(way, (SocketType::Pull, ours), (SocketType::Push, theirs));
        for i in 0..5_000 {
            sockets.connected.send([i.to_string(), "body".into()]).unwrap();
        }
        assert_eq!(sockets.bound.recv(), Ok(Message::from(["4999", "body"])), "{way:?}");
        assert_eq!(sockets.bound.try_recv(), Err(RecvError::WouldBlock));
    }
    // Over tcp any of them may come, and the last one does.
    let sockets = pair(Way::Tcp, (SocketType::Pull, conflating()), (SocketType::Push, conflating()));
    for i in 0..5_000 {
        sockets.connected.send(i.to_string()).unwrap();
    }
    let mut received = 0;
    while sockets.bound.recv().unwrap().first() != "4999" {
        received += 1;
    }
    assert!(received < 4_999, "each of them came");
}

#[test]
fn an_xpub_grants_by_hand_and_sends_without_drops() {
    for way in WAYS {
        let publisher = options(|options| {
            options.send_hwm = zmq_reference::Hwm::messages(1);
        });
        let subscriber = options(|options| options.recv_hwm = zmq_reference::Hwm::messages(1));
        let sockets = pair(way, (SocketType::XPub, publisher), (SocketType::Sub, subscriber));
        sockets.bound.set(PatternOption::XPubManual(Manual::On)).unwrap();
        sockets.connected.subscribe("asked").unwrap();
        sockets.connected.subscribe("granted").unwrap();
        for request in ["\u{1}asked", "\u{1}granted"] {
            assert_eq!(sockets.bound.recv(), Ok(Message::from(request)), "{way:?}");
        }
        sockets.bound.set(PatternOption::Subscribe("granted".into())).unwrap();
        sockets.bound.set(PatternOption::NoDrop(Switch::On)).unwrap();
        assert_eq!((sockets.bound.topics(), sockets.connected.topics()), (Some(1), Some(2)));
        sockets.bound.send("asked").unwrap();
        if way != Way::Tcp {
            // Both marks together are two; over tcp the system holds some more.
            sockets.bound.try_send("granted").unwrap();
            sockets.bound.try_send("granted").unwrap();
            let refused = sockets.bound.try_send("granted").unwrap_err();
            assert_eq!(refused.why, SendError::WouldBlock, "{way:?}");
            sockets.connected.recv().unwrap();
            sockets.connected.recv().unwrap();
        }
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| (0..1_000).for_each(|_| sockets.bound.send("granted").unwrap()));
            (0..1_000).for_each(|_| assert_eq!(sockets.connected.recv(), Ok(Message::from("granted"))));
            sender.join().unwrap();
        });
    }
}

#[test]
fn inverted_matching_has_to_be_said_at_both_ends() {
    for way in WAYS {
        let sockets = pair(way, (SocketType::Pub, Options::default()), (SocketType::Sub, Options::default()));
        for socket in [&sockets.bound, &sockets.connected] {
            socket.set(PatternOption::InvertMatching(Switch::On)).unwrap();
        }
        sockets.connected.subscribe("A").unwrap();
        eventually(|| sockets.bound.topics() == Some(1));
        for subject in ["A1", "B1"] {
            sockets.bound.send(subject).unwrap();
        }
        assert_eq!(sockets.connected.recv(), Ok(Message::from("B1")), "{way:?}");
    }
}

#[test]
fn a_relaxed_and_correlated_request_gets_its_own_reply() {
    for way in WAYS {
        let sockets = pair(way, (SocketType::Rep, Options::default()), (SocketType::Req, Options::default()));
        sockets.connected.set(PatternOption::ReqRelaxed(Switch::On)).unwrap();
        sockets.connected.set(PatternOption::ReqCorrelate(Switch::On)).unwrap();
        for request in ["given up", "meant"] {
            sockets.connected.send(request).unwrap();
        }
        for _ in 0..2 {
            let request = sockets.bound.recv().unwrap();
            sockets.bound.send(request).unwrap();
        }
        assert_eq!(sockets.connected.recv(), Ok(Message::from("meant")), "{way:?}");
    }
}
