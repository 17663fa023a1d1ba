//! Queues of peers: made when a connection is started, kept while there is none, gone with a peer that had connected.

use super::*;
use crate::error::SendError;
use crate::options::Hwm;
use crate::pipe::Read;
use crate::socket::Change;

/// Subscribes a SUB or an XSUB to all there is.
fn wants_everything(side: &Side) {
    if side.socket.shared().socket_type() == SocketType::Sub {
        side.socket.set(PatternOption::Subscribe("".into())).expect("a SUB subscribes");
    } else {
        side.send("\u{1}");
    }
}

fn defaults(dialed: SocketType, accepted: SocketType) -> Joined {
    let side = |socket_type| Side::new(socket_type, Options::default());
    Joined { dialed: side(dialed), accepted: side(accepted) }
}

/// How many peers there is anything left of: their ids are given again when there is nothing, the lowest first.
fn queues(side: &Side) -> usize {
    side.socket.shared().peers().lease().id().index()
}

/// Nothing waits for a subscriber before its subscriptions are known, so that the queue shows after a loss.
// spec: PUBSUB-PUB-04
#[test]
fn what_waits_in_the_queue_of_a_pub_goes_over_the_next_connection() {
    let mut joined = defaults(SocketType::Pub, SocketType::Sub);
    wants_everything(&joined.accepted);
    joined.connect();
    joined.dialed.send(["queued", "body"]);
    joined.lose();
    joined.connect();
    assert_eq!(joined.accepted.received(), ["queued|body"]);
}

// spec: PUBSUB-SUB-04, PUBSUB-XSUB-03
#[test]
fn what_a_publisher_sent_is_kept_over_connections_to_it() {
    for subscriber in [SocketType::Sub, SocketType::XSub] {
        let mut joined = defaults(subscriber, SocketType::Pub);
        wants_everything(&joined.dialed);
        for message in ["1", "2", "3"] {
            joined.connect();
            joined.accepted.send(message);
            joined.settle();
            joined.lose();
            assert_eq!(queues(&joined.dialed), 1, "{subscriber}: the same queue");
        }
        assert_eq!(joined.dialed.received(), ["1", "2", "3"], "{subscriber}");
    }
}

// spec: PUBSUB-XSUB-03
#[test]
fn what_an_xsub_sends_waits_for_the_connection() {
    let mut joined = defaults(SocketType::XSub, SocketType::XPub);
    joined.dialed.begin(Origin::Dialed);
    joined.dialed.send("before the handshake");
    joined.lose();
    joined.dialed.send("without a connection");
    joined.connect();
    joined.dialed.send("over it");
    joined.settle();
    assert_eq!(joined.accepted.received(), ["before the handshake", "without a connection", "over it"]);
}

/// What a publisher sent before it went is received (adjudication A51), and nothing else is left of it.
// spec: PUBSUB-SUB-05, PUBSUB-XSUB-04
#[test]
fn a_publisher_that_had_connected_leaves_no_queue() {
    for subscriber in [SocketType::Sub, SocketType::XSub] {
        let mut joined = defaults(SocketType::XPub, subscriber);
        wants_everything(&joined.accepted);
        for round in ["1", "2", "3"] {
            joined.connect();
            joined.dialed.send(round);
            joined.settle();
            assert_eq!(queues(&joined.accepted), 1, "{subscriber}: a queue of one peer");
            if subscriber == SocketType::XSub {
                joined.accepted.send("never sent");
            }
            joined.lose();
            assert_eq!(joined.accepted.received(), [round], "{subscriber}");
            assert_eq!(queues(&joined.accepted), 0, "{subscriber}: no queue");
        }
        joined.connect();
        let notices = joined.dialed.received();
        assert!(!notices.iter().any(|notice| notice == "never sent"), "{subscriber}: {notices:?}");
    }
}

/// A network that holds one write, between a publisher and a subscriber.
fn let_flow(joined: &mut Joined, network: &mut Vec<u8>) {
    loop {
        if network.is_empty() {
            *network = joined.accepted.octets();
        }
        let session = joined.dialed.session.as_mut().expect("it is connected");
        let Some(spare) = session.spare().filter(|_| !network.is_empty()) else { return };
        let n = spare.len().min(network.len());
        spare[..n].copy_from_slice(&network[..n]);
        network.drain(..n);
        session.fill(n, Instant::default()).expect("it is a publisher");
    }
}

/// The queue of a subscriber takes its limit; the publisher is held up, and drops what finds no room at its own end
/// (adjudication A49). Nobody is told, nothing comes torn or out of order, and what is sent later comes again.
// spec: PUBSUB-SUB-07, PUBSUB-XSUB-06
#[test]
fn what_is_above_the_limit_of_a_subscriber_is_dropped_silently() {
    for subscriber in [SocketType::Sub, SocketType::XSub] {
        let limited = |send, receive| {
            options(|options| (options.send_hwm, options.recv_hwm) = (Hwm::messages(send), Hwm::messages(receive)))
        };
        let mut joined = Joined::new((subscriber, limited(1000, 2)), (SocketType::Pub, limited(3, 1000)));
        wants_everything(&joined.dialed);
        joined.settle();
        let mut network = Vec::new();
        for number in 0..20 {
            joined.accepted.send([number.to_string(), "body".into()]);
            let_flow(&mut joined, &mut network);
        }
        let mut received = joined.dialed.received();
        assert_eq!(received, ["0|body", "1|body"], "{subscriber}: its limit");
        loop {
            joined.dialed.session.as_mut().unwrap().deliver().unwrap();
            let_flow(&mut joined, &mut network);
            let more = joined.dialed.received();
            if more.is_empty() {
                break;
            }
            received.extend(more);
        }
        let expected: Vec<_> = (0..received.len()).map(|number| format!("{number}|body")).collect();
        assert_eq!(received, expected, "{subscriber}");
        assert!((5..10).contains(&received.len()), "{subscriber}: {received:?}");
        joined.accepted.send("later");
        let_flow(&mut joined, &mut network);
        assert_eq!(joined.dialed.received(), ["later"], "{subscriber}");
    }
}

/// The pipes of a peer that is dialled by a socket with limits of 2 messages out and 3 in.
fn limited(socket_type: SocketType) -> (Socket, Ends) {
    let options = options(|options| (options.send_hwm, options.recv_hwm) = (Hwm::messages(2), Hwm::messages(3)));
    let socket = Socket::new(socket_type, options.clone(), 1);
    let io: Arc<dyn IoSide> = Arc::new(Nobody);
    let ends = Ends::attach(socket.shared(), &io, &options);
    (socket, ends)
}

// spec: REQREP-DEALER-06, PUBSUB-PUB-06, PUBSUB-XPUB-05, PUBSUB-XSUB-05, PIPELINE-PUSH-07, EXPAIR-PAIR-06
#[test]
fn a_queue_towards_a_peer_has_the_limit_that_was_set() {
    use SocketType::{Dealer, Pair, Pub, Push, XPub, XSub};
    for socket_type in [Dealer, Pair, Pub, Push, XPub, XSub] {
        let (socket, mut ends) = limited(socket_type);
        let _told = socket.shared().interests().apply(ends.peer(), &Change::Subscribe(Frame::EMPTY));
        for _ in 0..5 {
            match socket.try_send("x".into()) {
                Ok(()) => {}
                Err(unsent) => assert_eq!(unsent.why, SendError::WouldBlock, "{socket_type}"),
            }
        }
        let mut queued = 0;
        while let Read::Frame(_) = ends.outbound.read() {
            queued += 1;
        }
        assert_eq!(queued, 2, "{socket_type}");
    }
}

// spec: REQREP-DEALER-06, PUBSUB-XPUB-05, PUBSUB-XSUB-05, PIPELINE-PULL-07, EXPAIR-PAIR-06
#[test]
fn a_queue_from_a_peer_has_the_limit_that_was_set() {
    use SocketType::{Dealer, Pair, Pull, XPub, XSub};
    for socket_type in [Dealer, Pair, Pull, XPub, XSub] {
        let (socket, mut ends) = limited(socket_type);
        let mut queued = 0;
        while ends.inbound.has_room() && queued < 5 {
            ends.inbound.write(Frame::from("x"));
            queued += 1;
        }
        ends.tell_application();
        assert_eq!(queued, 3, "{socket_type}");
        assert!((0..3).all(|_| socket.try_recv().is_ok()), "{socket_type}");
    }
}
