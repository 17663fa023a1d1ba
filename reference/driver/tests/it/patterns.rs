//! Each pattern over each transport, ours on both ends.

use std::time::Duration;

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{Frame, Message, SocketType};

fn context() -> Context {
    Context::new().expect("an I/O thread can be made")
}

/// A socket that gives up after some seconds, so that a failure is an error and not a hang.
fn socket(context: &Context, socket_type: SocketType) -> Socket {
    let socket = context.socket(socket_type).expect("the context lives");
    socket.set_recv_timeout(Some(Duration::from_secs(5)));
    socket.set_send_timeout(Some(Duration::from_secs(5)));
    socket
}

fn both(endpoint: &str, a: SocketType, b: SocketType) -> (Context, Socket, Socket) {
    let context = context();
    let (a, b) = (socket(&context, a), socket(&context, b));
    let endpoint = a.bind(endpoint).expect("the endpoint is free");
    b.connect(&endpoint.to_string()).expect("one can always connect");
    (context, a, b)
}

const TRANSPORTS: [&str; 2] = ["tcp://127.0.0.1:*", "inproc://test"];

#[test]
fn a_request_gets_its_reply() {
    for transport in TRANSPORTS {
        let (_context, rep, req) = both(transport, SocketType::Rep, SocketType::Req);
        for i in 0..100 {
            req.send(format!("question {i}")).unwrap();
            assert_eq!(rep.recv().unwrap(), Message::from(format!("question {i}")));
            rep.send(["answer", "two"]).unwrap();
            assert_eq!(req.recv().unwrap(), Message::from(["answer", "two"]));
        }
    }
}

#[test]
fn work_is_pushed_in_order() {
    for transport in TRANSPORTS {
        let (_context, pull, push) = both(transport, SocketType::Pull, SocketType::Push);
        let sender = std::thread::spawn(move || {
            for i in 0..100_000_u32 {
                push.send(&i.to_be_bytes()).unwrap();
            }
            push
        });
        for i in 0..100_000_u32 {
            assert_eq!(pull.recv().unwrap().first(), &i.to_be_bytes());
        }
        sender.join().unwrap();
    }
}

#[test]
fn a_context_that_was_shut_down_can_still_be_terminated() {
    let (context, rep, req) = both("tcp://127.0.0.1:*", SocketType::Rep, SocketType::Req);
    req.send("question").unwrap();
    rep.recv().unwrap();
    context.shutdown();
    let (ended, when) = std::sync::mpsc::channel();
    let handle = context.clone();
    std::thread::spawn(move || {
        handle.term();
        let _ = ended.send(());
    });
    when.recv_timeout(Duration::from_secs(5)).expect("term ends although handles of sockets are alive");
    drop((rep, req));
}

/// More than one write takes, and the thread that sends writes itself: what it leaves, the connection's task sends.
#[test]
fn a_message_of_several_writes_arrives_as_a_whole() {
    let big: Vec<Frame> = (0..40).map(|part| Frame::copy_of(&[part; 8 << 10])).collect();
    let big = Message::from_frames(big).expect("it has parts");
    for transport in TRANSPORTS {
        let (_context, here, there) = both(transport, SocketType::Pair, SocketType::Pair);
        // The connection stands when this has come, and nothing waits to be written.
        there.send("ready").unwrap();
        here.recv().unwrap();
        for _ in 0..10 {
            here.send(big.clone()).unwrap();
            assert_eq!(there.recv().unwrap(), big);
            there.send("next").unwrap();
            here.recv().unwrap();
        }
    }
}
