//! Devices: nothing is lost, nobody starves, and who steers is obeyed.

use std::thread;
use std::time::Duration;

use zmq_reference::blocking::{self, Context, Proxy, Socket};
use zmq_reference::{Hwm, Linger, Message, Options, ProxyError, SocketType, Statistics};

use crate::good::socket;

fn plain(context: &Context, socket_type: SocketType) -> Socket {
    socket(context, socket_type, Options::default())
}

fn bound(context: &Context, socket_type: SocketType, transport: &str) -> (Socket, String) {
    let socket = plain(context, socket_type);
    socket.set_recv_timeout(None);
    let endpoint = socket.bind(transport).unwrap().to_string();
    (socket, endpoint)
}

fn connected(context: &Context, socket_type: SocketType, endpoint: &str) -> Socket {
    let socket = plain(context, socket_type);
    socket.connect(endpoint).unwrap();
    socket
}

fn is_terminated(outcome: &Result<Statistics, ProxyError>) -> bool {
    matches!(outcome, Err(ProxyError::Terminated))
}

#[test]
fn a_queue_brings_requests_to_workers_and_replies_back() {
    for transport in ["tcp://127.0.0.1:*", "inproc"] {
        let context = Context::new().unwrap();
        let at = |name: &str| if transport == "inproc" { format!("inproc://{name}") } else { transport.to_owned() };
        let (frontend, front) = bound(&context, SocketType::Router, &at("front"));
        let (backend, back) = bound(&context, SocketType::Dealer, &at("back"));
        let device = thread::spawn(move || blocking::queue(&frontend, &backend));
        for _ in 0..2 {
            let worker = connected(&context, SocketType::Rep, &back);
            worker.set_recv_timeout(None);
            thread::spawn(move || {
                while let Ok(request) = worker.recv() {
                    worker.send(["done".into(), request.first().clone()]).unwrap();
                }
            });
        }
        let clients: Vec<_> = (0..3)
            .map(|client| {
                let socket = connected(&context, SocketType::Req, &front);
                thread::spawn(move || {
                    for number in 0..200 {
                        let request = format!("{client}:{number}");
                        socket.send(request.clone()).unwrap();
                        assert_eq!(socket.recv().unwrap(), Message::from(["done".to_owned(), request]));
                    }
                })
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
        context.term();
        assert!(is_terminated(&device.join().unwrap()));
    }
}

#[test]
fn statistics_are_eight_numbers_and_nothing_else() {
    let numbers: Vec<[u8; 8]> = (1..=9_u64).map(u64::to_ne_bytes).collect();
    let message = |parts: &[[u8; 8]]| Message::from_frames(parts.iter().map(|part| part.into())).unwrap();
    let read = Statistics::read(&message(&numbers[..8])).unwrap();
    let Statistics { frontend_received, frontend_sent, backend_received, backend_sent } = read;
    let flows = [frontend_received, frontend_sent, backend_received, backend_sent];
    assert_eq!(flows.map(|flow| (flow.parts, flow.octets)), [(1, 2), (3, 4), (5, 6), (7, 8)]);
    assert_eq!([7, 9].map(|count| Statistics::read(&message(&numbers[..count]))), [None; 2]);
    assert_eq!(Statistics::read(&Message::from([""; 8])), None);
}

#[test]
fn a_forwarder_brings_subscriptions_back_and_publications_forth() {
    let context = Context::new().unwrap();
    let (frontend, front) = bound(&context, SocketType::XSub, "tcp://127.0.0.1:*");
    let (backend, back) = bound(&context, SocketType::XPub, "tcp://127.0.0.1:*");
    let device = thread::spawn(move || blocking::forwarder(&frontend, &backend));
    let publisher = connected(&context, SocketType::XPub, &front);
    let subscriber = connected(&context, SocketType::Sub, &back);
    subscriber.subscribe("a").unwrap();
    assert_eq!(publisher.recv().unwrap(), Message::from("\u{1}a"));
    publisher.send(["b", "unwanted"]).unwrap();
    publisher.send(["a", "wanted"]).unwrap();
    assert_eq!(subscriber.recv().unwrap(), Message::from(["a", "wanted"]));
    context.term();
    assert!(is_terminated(&device.join().unwrap()));
}

/// A slow receiver holds its senders up, through the device, and nothing is lost on the way.
#[test]
fn a_streamer_loses_nothing_and_holds_the_sender_up() {
    let context = Context::new().unwrap();
    let small = || Options { send_hwm: Hwm::messages(10), recv_hwm: Hwm::messages(10), ..Options::default() };
    let frontend = context.socket_with(SocketType::Pull, small()).unwrap();
    let backend = context.socket_with(SocketType::Push, small()).unwrap();
    frontend.bind("inproc://front").unwrap();
    backend.bind("inproc://back").unwrap();
    thread::spawn(move || blocking::streamer(&frontend, &backend));
    let push = socket(&context, SocketType::Push, small());
    push.connect("inproc://front").unwrap();
    let pull = socket(&context, SocketType::Pull, small());
    pull.connect("inproc://back").unwrap();
    push.set_send_timeout(Some(Duration::from_millis(100)));
    let mut sent = 0_u32;
    while push.send([sent.to_be_bytes().to_vec(), b"body".to_vec()]).is_ok() {
        sent += 1;
        assert!(sent <= 42, "two pipes of twice ten hold no more, and the device may have one in its hands");
    }
    assert!(sent >= 40, "{sent}");
    for number in 0..sent {
        let message = pull.recv().unwrap();
        assert_eq!((&message.first()[..], message.parts()), (&number.to_be_bytes()[..], 2));
    }
    context.term();
}

/// One side that never rests does not keep the other from its turn.
#[test]
fn a_flood_one_way_does_not_starve_the_other() {
    let context = Context::new().unwrap();
    let (frontend, front) = bound(&context, SocketType::Dealer, "inproc://front");
    let (backend, back) = bound(&context, SocketType::Dealer, "inproc://back");
    thread::spawn(move || Proxy::new(&frontend, &backend).run());
    let (flood, quiet) =
        (connected(&context, SocketType::Dealer, &front), connected(&context, SocketType::Dealer, &back));
    flood.set_send_timeout(None);
    let flooding = flood.clone();
    thread::spawn(move || while flooding.send("flood").is_ok() {});
    let drained = quiet.clone();
    thread::spawn(move || {
        drained.set_recv_timeout(None);
        while drained.recv().is_ok() {}
    });
    for number in 0..200_u32 {
        quiet.send(&number.to_be_bytes()).unwrap();
        assert_eq!(flood.recv().unwrap(), Message::from(&number.to_be_bytes()));
    }
    context.as_async().abandon();
}

#[test]
fn a_proxy_is_paused_resumed_asked_and_ended() {
    for control_type in [SocketType::Rep, SocketType::Pair] {
        let context = Context::new().unwrap();
        let (frontend, front) = bound(&context, SocketType::Pull, "inproc://front");
        let (backend, back) = bound(&context, SocketType::Push, "inproc://back");
        let (capture, captured) = bound(&context, SocketType::Pub, "inproc://capture");
        let (control, steering) = bound(&context, control_type, "inproc://control");
        let proxy = Proxy::new(&frontend, &backend).capture(&capture).control(&control);
        let running = thread::spawn(move || proxy.run());
        let steer_type = if control_type == SocketType::Rep { SocketType::Req } else { SocketType::Pair };
        let steer = connected(&context, steer_type, &steering);
        let tell = |word: &str| {
            steer.send(word.to_owned()).unwrap();
            if control_type == SocketType::Rep {
                assert_eq!(steer.recv().unwrap(), Message::from(""), "{word}");
            }
        };
        let numbers = || {
            steer.send("STATISTICS").unwrap();
            let reply = steer.recv().unwrap();
            assert_eq!(Statistics::read(&reply).map(|read| read.message()).as_ref(), Some(&reply));
            reply.iter().map(|part| u64::from_ne_bytes(part[..].try_into().unwrap())).collect::<Vec<_>>()
        };
        let observer = connected(&context, SocketType::Sub, &captured);
        observer.subscribe("").unwrap();
        assert!(!observer.can_recv());
        let (push, pull) =
            (connected(&context, SocketType::Push, &front), connected(&context, SocketType::Pull, &back));
        assert_eq!(numbers(), [0; 8]);
        push.send(["two", "parts"]).unwrap();
        assert_eq!(pull.recv().unwrap(), Message::from(["two", "parts"]));
        assert_eq!(observer.recv().unwrap(), Message::from(["two", "parts"]));
        assert_eq!(numbers(), [2, 8, 0, 0, 0, 0, 2, 8]);

        tell("PAUSE");
        assert_eq!(numbers()[0], 2, "it has paused, as it answers in order");
        push.send("late").unwrap();
        tell("no word of the protocol");
        assert_eq!(numbers()[0], 2);
        assert!(!pull.can_recv());
        tell("RESUME");
        assert_eq!(pull.recv().unwrap(), Message::from("late"));
        tell("TERMINATE");
        let ended = running.join().unwrap().unwrap();
        assert_eq!((ended.frontend_received.parts, ended.backend_sent.octets), (3, 12));
        push.send("nobody passes it on").unwrap();
        push.close(Some(Linger::Discard));
        context.as_async().abandon();
    }
}

#[test]
fn a_paused_proxy_ends_with_its_context() {
    let context = Context::new().unwrap();
    let (frontend, _) = bound(&context, SocketType::Pull, "inproc://front");
    let (backend, _) = bound(&context, SocketType::Push, "inproc://back");
    let (control, steering) = bound(&context, SocketType::Rep, "inproc://control");
    let proxy = Proxy::new(&frontend, &backend).control(&control);
    let running = thread::spawn(move || proxy.run());
    let steer = connected(&context, SocketType::Req, &steering);
    steer.send("PAUSE").unwrap();
    steer.recv().unwrap();
    context.term();
    assert!(is_terminated(&running.join().unwrap()));
}

#[test]
fn one_socket_can_be_both_ends() {
    let context = Context::new().unwrap();
    let (echo, endpoint) = bound(&context, SocketType::Router, "tcp://127.0.0.1:*");
    thread::spawn(move || Proxy::new(&echo, &echo).run());
    let client = connected(&context, SocketType::Dealer, &endpoint);
    client.send(["to", "myself"]).unwrap();
    assert_eq!(client.recv().unwrap(), Message::from(["to", "myself"]));
    context.as_async().abandon();
}

/// Somebody else sends through the backend too, so that room that was seen may be gone.
#[test]
fn a_message_that_finds_no_room_after_all_waits() {
    let context = Context::new().unwrap();
    let small = || Options { send_hwm: Hwm::messages(1), recv_hwm: Hwm::messages(1), ..Options::default() };
    let (frontend, front) = bound(&context, SocketType::Pull, "inproc://front");
    let backend = socket(&context, SocketType::Push, small());
    backend.bind("inproc://back").unwrap();
    let proxy = Proxy::new(&frontend, &backend);
    thread::spawn(move || proxy.run());
    let rival = backend.clone();
    let push = connected(&context, SocketType::Push, &front);
    let pull = socket(&context, SocketType::Pull, small());
    pull.connect("inproc://back").unwrap();
    const EACH: u32 = 5_000;
    let senders = [(rival, b'r'), (push, b'p')].map(|(socket, who)| {
        thread::spawn(move || {
            for number in 0..EACH {
                socket.send([[who].as_slice(), &number.to_be_bytes()].concat()).unwrap();
            }
        })
    });
    let mut next = [0_u32; 2];
    for _ in 0..2 * EACH {
        let message = pull.recv().unwrap();
        let (who, number) = message.first().split_first().unwrap();
        let next = &mut next[usize::from(*who == b'p')];
        assert_eq!(number, next.to_be_bytes());
        *next += 1;
    }
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    context.as_async().abandon();
}

#[test]
fn devices_say_what_they_are_made_of() {
    let context = Context::new().unwrap();
    let (pull, push) = (plain(&context, SocketType::Pull), plain(&context, SocketType::Push));
    for outcome in [blocking::queue(&pull, &push), blocking::forwarder(&pull, &push), blocking::streamer(&push, &pull)]
    {
        assert_eq!(outcome.unwrap_err().errno(), 22, "EINVAL");
    }
}

#[test]
fn a_proxy_runs_on_the_callers_runtime_beside_its_peers() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let context = zmq_reference::Context::local().unwrap();
        let [frontend, backend] = [SocketType::Pull, SocketType::Push].map(|kind| context.socket(kind).unwrap());
        let front = frontend.bind("tcp://127.0.0.1:*").await.unwrap().to_string();
        let back = backend.bind("tcp://127.0.0.1:*").await.unwrap().to_string();
        let device = tokio::spawn(async move { zmq_reference::proxy::streamer(&frontend, &backend).await });
        let [push, pull] = [SocketType::Push, SocketType::Pull].map(|kind| context.socket(kind).unwrap());
        push.connect(&front).unwrap();
        pull.connect(&back).unwrap();
        let sending = tokio::spawn(async move {
            for number in 0..5_000_u32 {
                push.send(&number.to_be_bytes()).await.unwrap();
            }
        });
        for number in 0..5_000_u32 {
            assert_eq!(pull.recv().await.unwrap(), Message::from(&number.to_be_bytes()));
        }
        sending.await.unwrap();
        context.term().await;
        assert!(is_terminated(&device.await.unwrap()));
    });
}
