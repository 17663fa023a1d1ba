//! STREAM against plain tcp, both ways.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{EventKind, Frame, Hwm, Message, Options, PatternOption, RecvError, SendError, SocketType};

fn stream(context: &Context, options: Options) -> Socket {
    let stream = context.socket_with(SocketType::Stream, options).unwrap();
    stream.set_recv_timeout(Some(Duration::from_secs(10)));
    stream.set_send_timeout(Some(Duration::from_secs(10)));
    stream
}

fn bound(context: &Context, options: Options) -> (Socket, String) {
    let stream = stream(context, options);
    let endpoint = stream.bind("tcp://127.0.0.1:*").unwrap().to_string();
    let address = endpoint.strip_prefix("tcp://").unwrap().to_owned();
    (stream, address)
}

fn dial(address: &str) -> TcpStream {
    let link = TcpStream::connect(address).unwrap();
    link.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    link
}

/// The next message, which is of two parts.
fn recv(stream: &Socket) -> (Frame, Frame) {
    let (id, body) = stream.recv().unwrap().split_first().unwrap();
    assert_eq!(body.parts(), 1);
    (id, body.first().clone())
}

/// Octets from one peer until there are so many.
fn collect(stream: &Socket, from: &Frame, octets: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < octets {
        let (id, body) = recv(stream);
        assert_eq!(id, *from);
        assert!((1..=8192).contains(&body.len()), "{} octets at once", body.len());
        all.extend_from_slice(&body);
    }
    all
}

#[test]
fn octets_come_and_go_by_peer_and_an_empty_part_closes() {
    let context = Context::new().unwrap();
    let (stream, address) = bound(&context, Options::default());
    let (mut amy, mut bob) = (dial(&address), dial(&address));
    let (first, empty) = recv(&stream);
    assert!(empty.is_empty());
    let (second, _) = recv(&stream);
    assert_ne!(first, second);
    assert_eq!((first.len(), first[0], second.len(), second[0]), (5, 0, 5, 0));

    amy.write_all(b"to whom").unwrap();
    let (of_amy, octets) = recv(&stream);
    assert_eq!(octets, b"to whom");
    let of_bob = if of_amy == first { second } else { first };
    let long = vec![b'x'; 100_000];
    bob.write_all(&long).unwrap();
    assert_eq!(collect(&stream, &of_bob, long.len()), long);

    stream.send([of_bob.clone(), Frame::copy_of(&long)]).unwrap();
    stream.send([of_bob.clone(), Frame::EMPTY]).unwrap();
    let mut all = Vec::new();
    bob.read_to_end(&mut all).unwrap();
    assert_eq!(all, long, "what was sent before the close arrives");
    let gone = stream.send([of_bob, "x".into()]).unwrap_err();
    assert_eq!((gone.why, gone.message.parts()), (SendError::Unroutable, 2));

    amy.write_all(b"last words").unwrap();
    drop(amy);
    assert_eq!(collect(&stream, &of_amy, 10), b"last words");
    let (id, empty) = recv(&stream);
    assert!(id == of_amy && empty.is_empty(), "bob was closed here, and is not heard of");
    assert_eq!(stream.try_recv(), Err(RecvError::WouldBlock));
    assert_eq!(stream.send([of_amy, "x".into()]).unwrap_err().why, SendError::Unroutable);
    context.term();
}

#[test]
fn notices_can_be_turned_off_and_nothing_but_octets_is_written() {
    let context = Context::new().unwrap();
    let (stream, address) = bound(&context, Options { stream_notify: false, ..Options::default() });
    let monitor = stream.monitor();
    let mut link = dial(&address);
    link.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let (id, request) = recv(&stream);
    assert_eq!(request, b"GET / HTTP/1.0\r\n\r\n");
    stream.send([id.clone(), "HTTP/1.0 200 OK\r\n\r\n".into()]).unwrap();
    stream.send([id, Frame::EMPTY]).unwrap();
    let mut all = String::new();
    link.read_to_string(&mut all).unwrap();
    assert_eq!(all, "HTTP/1.0 200 OK\r\n\r\n", "no greeting was");
    drop(link);
    assert_eq!(stream.try_recv(), Err(RecvError::WouldBlock));
    let events: Vec<_> = std::iter::from_fn(|| monitor.try_recv()).map(|event| event.kind).collect();
    assert!(!events.iter().any(|kind| matches!(kind, EventKind::HandshakeSucceeded)), "{events:?}");
    context.term();
}

#[test]
fn what_was_connected_to_keeps_its_id_until_it_is_closed() {
    let context = Context::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    let mut options = Options::default();
    options.reconnect.interval = Some(Duration::from_millis(1));
    let stream = stream(&context, options);
    stream.set(PatternOption::ConnectRoutingId("server".into())).unwrap();
    stream.connect(&endpoint).unwrap();
    stream.send(["server", "before there is a link"]).unwrap();
    let (mut link, _) = listener.accept().unwrap();
    let mut octets = [0; 22];
    link.read_exact(&mut octets).unwrap();
    assert_eq!(&octets, b"before there is a link");
    let notice = ("server".into(), Frame::EMPTY);
    assert_eq!(recv(&stream), notice);
    drop(link);
    assert_eq!(recv(&stream), notice, "it is gone");
    let (mut link, _) = listener.accept().unwrap();
    assert_eq!(recv(&stream), notice, "it is there again");
    stream.send(["server", "bye"]).unwrap();
    stream.send(["server", ""]).unwrap();
    let mut all = Vec::new();
    link.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"bye");
    assert_eq!(stream.send(["server", "x"]).unwrap_err().why, SendError::Unroutable);
    listener.set_nonblocking(true).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert!(listener.accept().is_err(), "who was closed is not dialled again");

    // Without a name it gets an id of the socket's making.
    listener.set_nonblocking(false).unwrap();
    stream.connect(&endpoint).unwrap();
    let (_link, _) = listener.accept().unwrap();
    let (id, empty) = recv(&stream);
    assert_eq!((id.len(), id[0], empty.len()), (5, 0, 0));
    context.term();
}

#[test]
fn high_water_marks_hold_in_both_directions() {
    let context = Context::new().unwrap();
    let options = Options { send_hwm: Hwm::messages(2), recv_hwm: Hwm::messages(2), ..Options::default() };
    let (stream, address) = bound(&context, options);
    let mut link = dial(&address);
    let (id, _) = recv(&stream);
    // The peer does not read: what the system holds is full at some time, and then the pipe.
    let chunk = Frame::copy_of(&vec![b'x'; 1 << 16]);
    let mut sent = 0;
    stream.set_send_timeout(Some(Duration::from_millis(200)));
    let refused = loop {
        match stream.send([id.clone(), chunk.clone()]) {
            Ok(()) => sent += 1,
            Err(unsent) => break unsent,
        }
        assert!(sent < 10_000, "nobody reads, and everything is taken");
    };
    assert_eq!((refused.why, refused.message.parts()), (SendError::TimedOut, 2));
    let reader = std::thread::spawn(move || {
        let mut octets = vec![0; sent << 16];
        link.read_exact(&mut octets).unwrap();
        link
    });
    let mut link = reader.join().unwrap();
    // Nobody receives: the peer is not read, and none of it is lost.
    link.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut written = 0;
    let octets = [b'y'; 1 << 16];
    while let Ok(n @ 1..) = link.write(&octets) {
        written += n;
        assert!(written < 64 << 20, "nobody receives, and everything is taken");
    }
    assert_eq!(collect(&stream, &id, written).len(), written);
    context.term();
}

#[test]
fn connections_that_nobody_hears_of_cost_no_more_than_messages() {
    let context = Context::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = Options { recv_hwm: Hwm::messages(3), ..Options::default() };
    options.reconnect.interval = Some(Duration::from_millis(1));
    let stream = stream(&context, options);
    stream.connect(&format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
    for _ in 0..50 {
        drop(listener.accept().unwrap());
    }
    drop(listener);
    std::thread::sleep(Duration::from_millis(50));
    let notices = std::iter::from_fn(|| stream.try_recv().ok()).count();
    assert!((2..=4).contains(&notices) && notices % 2 == 0, "{notices} notices");
    context.term();
}

#[test]
fn it_is_made_for_links() {
    let context = Context::new().unwrap();
    let stream = stream(&context, Options::default());
    assert!(stream.bind("inproc://octets").is_err());
    assert!(stream.connect("inproc://octets").is_err());
    assert_eq!(stream.try_send(Message::from("id")).unwrap_err().why.errno(), 22);
    context.term();
}
