//! Beginnings and ends: of messages, connections, sockets and contexts.

use std::io::Read;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zmq_reference::blocking::{Context, Monitor, Socket};
use zmq_reference::{EventKind, Heartbeat, Linger, Message, Options, RecvError, SendError, SocketType};

use crate::alone::eventually;
use crate::good::socket;
use crate::raw::{MORE, Raw, Wrote, command, frame, greeting, ready};

/// Whatever takes no time takes less than this.
const AT_ONCE: Duration = Duration::from_secs(2);

fn plain(context: &Context, socket_type: SocketType) -> Socket {
    socket(context, socket_type, Options::default())
}

/// An endpoint where nobody is, but could be.
fn nobody_there() -> String {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("tcp://{}", taken.local_addr().unwrap())
}

/// Binds where somebody was just now.
fn bind_again(socket: &Socket, endpoint: &str) {
    assert!(eventually(|| socket.bind(endpoint).is_ok()), "{endpoint} stays taken");
}

fn at_once<T>(what: &str, call: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = call();
    assert!(start.elapsed() < AT_ONCE, "{what} took {:?}", start.elapsed());
    result
}

fn wait_for(monitor: &Monitor, kind: &str) {
    assert!(eventually(|| monitor.try_recv().is_some_and(|event| event.kind.name() == kind)), "no event {kind}");
}

fn numbers(socket: &Socket, range: std::ops::Range<u32>) {
    for n in range {
        socket.send(&n.to_be_bytes()).unwrap();
    }
}

#[track_caller]
fn expect_numbers(socket: &Socket, range: std::ops::Range<u32>) {
    for n in range {
        assert_eq!(socket.recv().unwrap(), Message::from(&n.to_be_bytes()));
    }
}

#[test]
fn messages_sent_just_before_the_drop_arrive() {
    for transport in ["tcp://127.0.0.1:*", "inproc://drop"] {
        let context = Context::new().unwrap();
        let pull = plain(&context, SocketType::Pull);
        let endpoint = pull.bind(transport).unwrap().to_string();
        let push = plain(&context, SocketType::Push);
        push.connect(&endpoint).unwrap();
        numbers(&push, 0..900);
        at_once("the drop", || drop(push));
        expect_numbers(&pull, 0..900);
    }
}

#[test]
fn messages_arrive_although_socket_and_context_were_dropped_before_there_was_a_peer() {
    let endpoint = nobody_there();
    {
        let context = Context::new().unwrap();
        let push = plain(&context, SocketType::Push);
        push.connect(&endpoint).unwrap();
        numbers(&push, 0..100);
        at_once("the drop", || drop((push, context)));
    }
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    bind_again(&pull, &endpoint);
    expect_numbers(&pull, 0..100);
}

#[test]
fn messages_that_are_to_be_discarded_do_not_arrive() {
    let endpoint = nobody_there();
    let context = Context::new().unwrap();
    let push = plain(&context, SocketType::Push);
    push.connect(&endpoint).unwrap();
    push.send("discarded").unwrap();
    push.close(Some(Linger::Discard));
    at_once("term", || context.term());
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    bind_again(&pull, &endpoint);
    let push = plain(&context, SocketType::Push);
    push.connect(&endpoint).unwrap();
    push.send("sent").unwrap();
    assert_eq!(pull.recv().unwrap(), Message::from("sent"));
}

#[test]
fn linger_ends_in_time_whatever_the_peer_does() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    // Nobody there; somebody who says nothing.
    for endpoint in [nobody_there(), format!("tcp://{}", silent.local_addr().unwrap())] {
        let context = Context::new().unwrap();
        let push = plain(&context, SocketType::Push);
        push.connect(&endpoint).unwrap();
        push.send("never sent").unwrap();
        push.close(Some(Linger::For(Duration::from_millis(300))));
        let start = Instant::now();
        context.term();
        let took = start.elapsed();
        assert!((Duration::from_millis(250)..AT_ONCE).contains(&took), "term took {took:?} at {endpoint}");
    }
}

#[test]
fn term_waits_for_what_is_to_be_sent() {
    let endpoint = nobody_there();
    let context = Context::new().unwrap();
    let push = plain(&context, SocketType::Push);
    push.connect(&endpoint).unwrap();
    numbers(&push, 0..10);
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        context.term();
        ended.send(()).unwrap();
    });
    let other = Context::new().unwrap();
    let pull = plain(&other, SocketType::Pull);
    // A hundred milliseconds are an attempt to connect or two.
    assert!(end.recv_timeout(Duration::from_millis(300)).is_err(), "term did not wait");
    bind_again(&pull, &endpoint);
    expect_numbers(&pull, 0..10);
    end.recv_timeout(AT_ONCE).unwrap();
}

#[test]
fn term_does_not_wait_where_nothing_is_to_be_sent() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for socket_type in [SocketType::Push, SocketType::Sub, SocketType::Router, SocketType::Dealer] {
        for endpoint in [nobody_there(), format!("tcp://{}", silent.local_addr().unwrap())] {
            let context = Context::new().unwrap();
            let socket = plain(&context, socket_type);
            socket.connect(&endpoint).unwrap();
            socket.connect("inproc://nobody").unwrap();
            // Time to connect.
            thread::sleep(Duration::from_millis(20));
            drop(socket);
            at_once("term", || context.term());
        }
    }
}

#[test]
fn term_ends_calls_that_wait() {
    for transport in ["tcp://127.0.0.1:*", "inproc://term"] {
        let context = Context::new().unwrap();
        let (pull, push) = (plain(&context, SocketType::Pull), plain(&context, SocketType::Push));
        let endpoint = pull.bind(transport).unwrap();
        push.bind("inproc://other").unwrap();
        pull.set_recv_timeout(None);
        push.set_send_timeout(None);
        let (waits, waiting) = mpsc::channel();
        let calls = [
            thread::spawn({
                let waits = waits.clone();
                let pull = pull.clone();
                move || {
                    waits.send(()).unwrap();
                    assert_eq!(pull.recv(), Err(RecvError::Terminated));
                }
            }),
            thread::spawn({
                let push = push.clone();
                move || {
                    waits.send(()).unwrap();
                    assert_eq!(push.send("nobody is there").unwrap_err().why, SendError::Terminated);
                }
            }),
        ];
        waiting.recv().unwrap();
        waiting.recv().unwrap();
        at_once("term", || context.term());
        calls.into_iter().for_each(|call| call.join().unwrap());
        assert_eq!(pull.recv(), Err(RecvError::Terminated));
        assert_eq!(push.send("x").unwrap_err().why, SendError::Terminated);
        assert!(pull.bind("tcp://127.0.0.1:*").is_err() && push.connect(&endpoint.to_string()).is_err());
        assert!(context.socket(SocketType::Pull).is_err());
    }
}

#[test]
fn sockets_work_without_their_context() {
    let (pull, push) = {
        let context = Context::new().unwrap();
        (plain(&context, SocketType::Pull), plain(&context, SocketType::Push))
    };
    for transport in ["tcp://127.0.0.1:*", "inproc://orphans"] {
        let endpoint = pull.bind(transport).unwrap();
        push.connect(&endpoint.to_string()).unwrap();
        numbers(&push, 0..100);
        expect_numbers(&pull, 0..100);
        push.disconnect(&endpoint.to_string()).unwrap();
    }
}

#[test]
fn who_connected_connects_again_and_keeps_what_was_queued() {
    let (here, there) = (Context::new().unwrap(), Context::new().unwrap());
    let push = plain(&here, SocketType::Push);
    let monitor = push.monitor();
    let pull = plain(&there, SocketType::Pull);
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap().to_string();
    push.connect(&endpoint).unwrap();
    for round in 0..3 {
        let pull = if round == 0 { pull.clone() } else { plain(&there, SocketType::Pull) };
        if round > 0 {
            bind_again(&pull, &endpoint);
        }
        numbers(&push, 0..100);
        // Those of the round before, which found nobody, come first.
        if round > 0 {
            expect_numbers(&pull, 1000..1500);
        }
        expect_numbers(&pull, 0..100);
        pull.close(None);
        wait_for(&monitor, "disconnected");
        numbers(&push, 1000..1500);
    }
}

#[test]
fn subscriptions_are_made_again_with_each_connection() {
    let (here, there) = (Context::new().unwrap(), Context::new().unwrap());
    let sub = plain(&here, SocketType::Sub);
    let endpoint = nobody_there();
    sub.connect(&endpoint).unwrap();
    for n in 0..2_000 {
        sub.subscribe(format!("topic {n}")).unwrap();
    }
    sub.unsubscribe("topic 7").unwrap();
    for round in 0..3_u8 {
        let publisher = plain(&there, SocketType::XPub);
        bind_again(&publisher, &endpoint);
        let mut told = 0;
        while told < 1_999 {
            let notice = publisher.recv().unwrap();
            assert_eq!(notice.first()[0], 1);
            assert_ne!(notice.first()[..], *b"\x01topic 7");
            told += 1;
        }
        publisher.send("topic 8 is not topic 7").unwrap();
        publisher.send(["topic 1999".as_bytes(), &[round]]).unwrap();
        assert_eq!(sub.recv().unwrap(), Message::from("topic 8 is not topic 7"));
        assert_eq!(sub.recv().unwrap(), Message::from(["topic 1999".as_bytes(), &[round]]));
        publisher.close(Some(Linger::Discard));
    }
}

#[test]
fn half_of_a_message_is_never_received() {
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    for reset in [true, false] {
        let mut raw = Raw::handshaken(&endpoint, "PUSH");
        let half = [frame(0, b"whole"), frame(MORE, b"first"), frame(MORE, b"second"), vec![0, 20, b'x']].concat();
        assert_eq!(raw.write(&half), Wrote::All);
        assert_eq!(pull.recv().unwrap(), Message::from("whole"));
        if reset {
            raw.reset();
        } else {
            drop(raw);
        }
        let mut next = Raw::handshaken(&endpoint, "PUSH");
        assert_eq!(next.write(&[frame(MORE, b"a"), frame(0, b"b")].concat()), Wrote::All);
        assert_eq!(pull.recv().unwrap(), Message::from(["a", "b"]));
    }
    assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
}

/// What a listener made of octets is sent.
fn accept(listener: &TcpListener, theirs: &str) -> Raw {
    let (stream, _) = listener.accept().unwrap();
    let mut raw = Raw::on(stream);
    raw.write(&[greeting(), ready(theirs)].concat());
    raw.read_handshake();
    raw
}

fn read_frame(raw: &mut Raw) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    raw.stream.read_exact(&mut head).unwrap();
    let len = if head[0] & 2 == 0 {
        usize::from(head[1])
    } else {
        let mut rest = [0; 7];
        raw.stream.read_exact(&mut rest).unwrap();
        usize::try_from(u64::from_be_bytes([head[1], rest[0], rest[1], rest[2], rest[3], rest[4], rest[5], rest[6]]))
            .unwrap()
    };
    let mut body = vec![0; len];
    raw.stream.read_exact(&mut body).unwrap();
    (head[0] & !2, body)
}

#[test]
fn half_of_a_message_is_not_sent_on_over_the_next_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let context = Context::new().unwrap();
    let push = plain(&context, SocketType::Push);
    push.connect(&format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
    let mut raw = accept(&listener, "PULL");
    let large = vec![b'l'; 4 << 20];
    let parts: Vec<_> = (0..40).map(|_| zmq_reference::Frame::from(large.clone())).collect();
    push.send(Message::from_frames(parts).unwrap()).unwrap();
    push.send(["second", "message"]).unwrap();
    let mut some = vec![0; 1 << 20];
    raw.stream.read_exact(&mut some).unwrap();
    drop(raw);
    let mut raw = accept(&listener, "PULL");
    assert_eq!(read_frame(&mut raw), (MORE, b"second".to_vec()));
    assert_eq!(read_frame(&mut raw), (0, b"message".to_vec()));
}

#[test]
fn an_endpoint_that_was_unbound_is_free_and_its_connections_stay() {
    let context = Context::new().unwrap();
    let (pull, push) = (plain(&context, SocketType::Pull), plain(&context, SocketType::Push));
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap().to_string();
    push.connect(&endpoint).unwrap();
    numbers(&push, 0..10);
    expect_numbers(&pull, 0..10);
    pull.unbind(&endpoint).unwrap();
    assert!(pull.unbind(&endpoint).is_err());
    let other = plain(&context, SocketType::Pull);
    bind_again(&other, &endpoint);
    numbers(&push, 10..20);
    expect_numbers(&pull, 10..20);
    // Another connection goes to the other one.
    let second = plain(&context, SocketType::Push);
    second.connect(&endpoint).unwrap();
    numbers(&second, 0..10);
    expect_numbers(&other, 0..10);
    // inproc names as well.
    pull.bind("inproc://name").unwrap();
    assert!(other.bind("inproc://name").is_err());
    pull.unbind("inproc://name").unwrap();
    other.bind("inproc://name").unwrap();
}

#[test]
fn what_was_sent_before_a_disconnect_arrives_and_nothing_can_be_sent_after_it() {
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    let there = pull.bind("tcp://127.0.0.1:*").unwrap().to_string();
    // Connected for long, just now, and not yet.
    for (endpoint, settle) in [(there.clone(), true), (there, false), (nobody_there(), false)] {
        let push = plain(&context, SocketType::Push);
        push.connect(&endpoint).unwrap();
        if settle {
            numbers(&push, 0..1);
            expect_numbers(&pull, 0..1);
        }
        numbers(&push, 0..500);
        push.disconnect(&endpoint).unwrap();
        assert_eq!(push.try_send("nobody").unwrap_err().why, SendError::WouldBlock);
        assert!(push.disconnect(&endpoint).is_err());
        if !settle && pull.last_bound() != endpoint {
            bind_again(&pull, &endpoint);
        }
        expect_numbers(&pull, 0..500);
    }
}

trait LastBound {
    fn last_bound(&self) -> String;
}

impl LastBound for Socket {
    fn last_bound(&self) -> String {
        self.as_async().last_endpoint().map(|endpoint| endpoint.to_string()).unwrap_or_default()
    }
}

#[test]
fn a_socket_has_several_endpoints_of_each_kind() {
    let context = Context::new().unwrap();
    let (first, second) = (plain(&context, SocketType::Pull), plain(&context, SocketType::Pull));
    let a = first.bind("tcp://127.0.0.1:*").unwrap().to_string();
    let b = first.bind("inproc://two").unwrap().to_string();
    let c = second.bind("tcp://127.0.0.1:*").unwrap().to_string();
    let push = plain(&context, SocketType::Push);
    for endpoint in [&a, &b, &c] {
        push.connect(endpoint).unwrap();
    }
    // In turn over the three: two of them lead to the first.
    numbers(&push, 0..300);
    let count = |pull: &Socket, n: usize| (0..n).for_each(|_| drop(pull.recv().unwrap()));
    count(&first, 200);
    count(&second, 100);
    assert_eq!(first.try_recv(), Err(RecvError::WouldBlock));
    assert_eq!(second.try_recv(), Err(RecvError::WouldBlock));
}

#[test]
fn inproc_peers_may_go_while_others_wait_for_them() {
    let context = Context::new().unwrap();
    // Who waits for a name goes; who comes then finds only those that are still there.
    let (gone, stays) = (plain(&context, SocketType::Dealer), plain(&context, SocketType::Dealer));
    gone.connect("inproc://late").unwrap();
    stays.connect("inproc://late").unwrap();
    gone.disconnect("inproc://late").unwrap();
    drop(gone);
    stays.send("from the one that stays").unwrap();
    // Who sent something and went has sent it all the same.
    let quick = plain(&context, SocketType::Dealer);
    quick.connect("inproc://late").unwrap();
    quick.send("from the one that went").unwrap();
    drop(quick);
    let late = plain(&context, SocketType::Dealer);
    late.bind("inproc://late").unwrap();
    let mut received = [late.recv().unwrap().first().to_vec(), late.recv().unwrap().first().to_vec()];
    received.sort();
    assert_eq!(received, [b"from the one that stays".to_vec(), b"from the one that went".to_vec()]);
    late.send("back").unwrap();
    assert_eq!(stays.recv().unwrap(), Message::from("back"));
    // The bound side goes while the other waits to receive of it; another takes the name.
    let waiting = thread::spawn({
        let stays = stays.clone();
        move || stays.recv()
    });
    drop(late);
    let next = plain(&context, SocketType::Dealer);
    next.bind("inproc://late").unwrap();
    stays.connect("inproc://late").unwrap();
    next.send("from the next").unwrap();
    assert_eq!(waiting.join().unwrap().unwrap(), Message::from("from the next"));
    at_once("term", || context.term());
}

#[test]
fn term_ends_although_a_message_waits_for_an_inproc_peer_that_never_comes() {
    let context = Context::new().unwrap();
    let push = plain(&context, SocketType::Push);
    push.connect("inproc://never").unwrap();
    push.send("for nobody").unwrap();
    drop(push);
    at_once("term", || context.term());
}

/// A message that fills a write is written by the sender itself; the next one must find somebody who looks for it.
#[test]
fn a_message_behind_a_large_one_is_sent() {
    let context = Context::new().unwrap();
    for size in [1_000, 64 << 10, 1 << 20, 8 << 20] {
        let (pull, push) = (plain(&context, SocketType::Pull), plain(&context, SocketType::Push));
        push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap().to_string()).unwrap();
        for _ in 0..5 {
            push.send(vec![b'l'; size]).unwrap();
            assert_eq!(pull.recv().unwrap().first().len(), size);
            // Nothing moves any more when the next one is sent.
            thread::sleep(Duration::from_millis(5));
            push.send("next").unwrap();
            assert_eq!(pull.recv().unwrap(), Message::from("next"));
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// An application that does not receive holds its peers up; that is no silence of theirs.
#[test]
fn a_peer_that_is_held_up_is_not_called_silent() {
    let context = Context::new().unwrap();
    let options = Options {
        heartbeat: Heartbeat { interval: Some(Duration::from_millis(50)), timeout: None, ttl: Duration::ZERO },
        recv_hwm: zmq_reference::Hwm::messages(10),
        ..Options::default()
    };
    let pull = socket(&context, SocketType::Pull, options);
    let monitor = pull.monitor();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let mut raw = Raw::handshaken(&endpoint, "PUSH");
    let said = [command("PING", b"\0\x01"), frame(0, b"held up").repeat(20), command("PONG", b"")].concat();
    assert_eq!(raw.write(&said), Wrote::All);
    // Much more than a PING's time to live, and than the time for an answer to ours.
    thread::sleep(Duration::from_millis(500));
    while let Some(event) = monitor.try_recv() {
        assert!(!matches!(event.kind, EventKind::Disconnected(_)), "{}", event.kind);
    }
    for _ in 0..20 {
        assert_eq!(pull.recv().unwrap(), Message::from("held up"));
    }
    // Now it is silent.
    wait_for(&monitor, "disconnected");
}
