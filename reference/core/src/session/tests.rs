//! Two sockets over a link that is a copy of octets: what goes first over a connection, and what is told of its end.

use std::io::IoSlice;
use std::sync::Arc;

use super::{Ending, Ends, Origin, Session, Start};
use crate::connection::Connection;
use crate::error::RecvError;
use crate::frame::Frame;
use crate::mechanism::Seed;
use crate::message::Message;
use crate::options::{Options, RouterNotify, RoutingId};
use crate::pattern::table::{Attach, SocketType};
use crate::pattern::{Manual, PatternOption, Switch, Verbosity};
use crate::socket::{IoSide, Socket};
use crate::time::Instant;

mod queues;

struct Nobody;

impl IoSide for Nobody {
    fn messages_waiting(&self) {}
    fn room_made(&self) {}
}

/// One side of a connection.
struct Side {
    socket: Socket,
    session: Option<Session>,
    ends: Option<Ends>,
    ending: Option<Ending>,
}

/// A connection, and the sockets at its ends. The first has made it.
struct Joined {
    dialed: Side,
    accepted: Side,
}

fn options(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

impl Side {
    fn new(socket_type: SocketType, options: Options) -> Self {
        Self { socket: Socket::new(socket_type, options, 1), session: None, ends: None, ending: None }
    }

    fn begin(&mut self, origin: Origin) {
        let io: Arc<dyn IoSide> = Arc::new(Nobody);
        let shared = self.socket.shared();
        let options = shared.options();
        let at_once = origin == Origin::Dialed && shared.socket_type().rules().attach == Attach::AtConnect;
        let ends = self.ends.take().or_else(|| at_once.then(|| Ends::attach(shared, &io, &options)));
        let start = Start { origin, now: Instant::default(), seed: Seed::default(), address: Vec::new() };
        self.session = Some(Session::new(Arc::clone(shared), io, options, ends, start));
        self.ending = None;
    }

    /// What it writes now.
    fn octets(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        let Some(session) = self.session.as_mut().filter(|_| self.ending.is_none()) else { return octets };
        loop {
            let pulled = session.pull();
            while session.has_output() {
                let mut slices = [IoSlice::new(&[]); Connection::SLICES];
                let filled = session.slices(&mut slices);
                let before = octets.len();
                slices[..filled].iter().for_each(|slice| octets.extend_from_slice(slice));
                session.sent(octets.len() - before);
            }
            match pulled {
                Err(ending) => {
                    self.ending = Some(ending);
                    return octets;
                }
                Ok(()) if !session.has_output() => {
                    if session.pull().is_ok() && !session.has_output() {
                        return octets;
                    }
                }
                Ok(()) => {}
            }
        }
    }

    fn read(&mut self, mut octets: &[u8]) {
        let Some(session) = self.session.as_mut().filter(|_| self.ending.is_none()) else { return };
        while !octets.is_empty() {
            let spare = session.spare().expect("nothing holds the link up here");
            let n = spare.len().min(octets.len());
            spare[..n].copy_from_slice(&octets[..n]);
            octets = &octets[n..];
            if let Err(ending) = session.fill(n, Instant::default()) {
                self.ending = Some(ending);
                return;
            }
        }
    }

    /// The connection is lost.
    fn lose(&mut self, origin: Origin) {
        let ends = self.session.take().and_then(Session::into_ends);
        self.ends = ends.filter(|_| origin == Origin::Dialed && self.is_kept());
    }

    fn is_kept(&self) -> bool {
        self.socket.shared().socket_type().rules().attach == Attach::AtConnect
    }

    fn received(&self) -> Vec<String> {
        let text =
            |message: Message| message.iter().map(|part| part.escape_ascii().to_string()).collect::<Vec<_>>().join("|");
        std::iter::from_fn(|| self.socket.try_recv().ok()).map(text).collect()
    }

    fn send(&self, message: impl Into<Message>) {
        self.socket.try_send(message.into()).expect("there is room");
    }
}

impl Joined {
    fn new(dialed: (SocketType, Options), accepted: (SocketType, Options)) -> Self {
        let mut joined = Self { dialed: Side::new(dialed.0, dialed.1), accepted: Side::new(accepted.0, accepted.1) };
        joined.connect();
        joined
    }

    fn connect(&mut self) {
        self.dialed.begin(Origin::Dialed);
        self.accepted.begin(Origin::Accepted);
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            let (forth, back) = (self.dialed.octets(), self.accepted.octets());
            self.accepted.read(&forth);
            self.dialed.read(&back);
            if forth.is_empty() && back.is_empty() {
                return;
            }
        }
    }

    fn lose(&mut self) {
        self.dialed.lose(Origin::Dialed);
        self.accepted.lose(Origin::Accepted);
    }
}

fn named(id: &str) -> Options {
    options(|options| options.routing_id = Some(RoutingId::new(id.as_bytes()).expect("it is one")))
}

#[test]
fn a_probe_is_the_first_message_over_each_connection() {
    for socket_type in [SocketType::Dealer, SocketType::Req, SocketType::Router] {
        let probing = options(|options| {
            options.probe_router = true;
            options.routing_id = named("us").routing_id;
        });
        let mut joined = Joined::new((socket_type, probing), (SocketType::Router, Options::default()));
        assert_eq!(joined.accepted.received(), ["us|"], "{socket_type}");
        joined.lose();
        joined.connect();
        assert_eq!(joined.accepted.received(), ["us|"], "{socket_type}, again");
    }
    let others = options(|options| options.probe_router = true);
    let joined = Joined::new((SocketType::Push, others), (SocketType::Pull, Options::default()));
    assert_eq!(joined.accepted.received(), [""; 0]);
}

#[test]
fn hello_goes_before_all_else_and_past_the_pattern() {
    let greeting = |options: &mut Options| options.hello_message = Some((*b"hello").into());
    for (ours, theirs, expected) in [
        (SocketType::Dealer, SocketType::Dealer, "hello"),
        (SocketType::Router, SocketType::Dealer, "hello"),
        (SocketType::Rep, SocketType::Dealer, "hello"),
    ] {
        let mut joined = Joined::new((theirs, Options::default()), (ours, options(greeting)));
        assert_eq!(joined.dialed.received(), [expected], "{ours}");
        joined.lose();
        joined.connect();
        assert_eq!(joined.dialed.received(), [expected], "{ours}, again");
    }
    let both = options(|options| {
        greeting(options);
        options.probe_router = true;
    });
    let mut joined = Joined::new((SocketType::Dealer, both), (SocketType::Router, Options::default()));
    joined.dialed.send("first");
    joined.settle();
    let id = "\\x00\\x00\\x00\\x00\\x01";
    assert_eq!(joined.accepted.received(), ["hello", "", "first"].map(|body| format!("{id}|{body}")));
    let req = Joined::new((SocketType::Req, options(greeting)), (SocketType::Router, Options::default()));
    assert_eq!(req.accepted.received(), [""; 0], "a REQ says nothing unasked");
}

#[test]
fn welcome_reaches_those_who_subscribed_to_it() {
    let welcoming = options(|options| options.welcome_message = Some((*b"W").into()));
    for (topic, expected) in [("W", vec!["W"]), ("other", vec![])] {
        let mut joined = Joined::new((SocketType::Sub, Options::default()), (SocketType::XPub, welcoming.clone()));
        joined.dialed.socket.set(PatternOption::Subscribe(topic.into())).unwrap();
        assert_eq!(joined.dialed.received(), expected);
        joined.lose();
        joined.connect();
        assert_eq!(joined.dialed.received(), expected, "over the next connection as well");
    }
    let joined = Joined::new((SocketType::XSub, Options::default()), (SocketType::Pub, welcoming));
    assert_eq!(joined.dialed.received(), ["W"], "a PUB welcomes as well");
}

#[test]
fn a_router_is_told_of_connections_that_come_and_go() {
    for (connects, disconnects) in [(true, false), (false, true), (true, true), (false, false)] {
        let notified = options(|options| options.router_notify = RouterNotify { connects, disconnects });
        let mut joined = Joined::new((SocketType::Dealer, named("peer")), (SocketType::Router, notified));
        joined.dialed.send("body");
        joined.settle();
        joined.lose();
        let mut expected = vec!["peer|body"];
        if connects {
            expected.insert(0, "peer|");
        }
        if disconnects {
            expected.push("peer|");
        }
        assert_eq!(joined.accepted.received(), expected);
    }
}

#[test]
fn a_peer_whose_routing_id_was_taken_over_is_not_told_of() {
    let notified = options(|options| options.router_notify.disconnects = true);
    let mut joined = Joined::new((SocketType::Dealer, named("peer")), (SocketType::Router, notified));
    let shared = Arc::clone(joined.accepted.socket.shared());
    joined.accepted.socket.set(PatternOption::RouterHandover(Switch::On)).unwrap();
    let io: Arc<dyn IoSide> = Arc::new(Nobody);
    let _newcomer = Ends::attach_named(&shared, &io, &Options::default(), &Frame::from("peer")).unwrap();
    joined.settle();
    assert_eq!(joined.accepted.ending, Some(Ending::Superseded));
    joined.lose();
    assert_eq!(joined.accepted.received(), [""; 0]);
}

#[test]
fn who_accepted_gets_the_disconnect_message_and_who_dialed_the_hiccup_message() {
    let both = |id: &str| {
        options(|options| {
            options.disconnect_message = Some((*b"gone").into());
            options.hiccup_message = Some((*b"hiccup").into());
            options.routing_id = named(id).routing_id;
        })
    };
    let mut joined = Joined::new((SocketType::Dealer, both("d")), (SocketType::Router, both("r")));
    joined.dialed.send("last");
    joined.settle();
    joined.lose();
    assert_eq!(joined.dialed.received(), ["hiccup"]);
    assert_eq!(joined.accepted.received(), ["d|last", "d|gone"]);
    assert_eq!(joined.accepted.socket.try_recv(), Err(RecvError::WouldBlock), "once");

    let mut other = Joined::new((SocketType::Router, both("r")), (SocketType::Dealer, both("d")));
    other.lose();
    assert_eq!((other.dialed.received(), other.accepted.received()), (vec![], vec![]), "each has the other's place");
}

#[test]
fn what_is_closed_by_us_is_no_news() {
    let notified = options(|options| {
        options.disconnect_message = Some((*b"gone").into());
        options.router_notify.disconnects = true;
    });
    let mut joined = Joined::new((SocketType::Dealer, Options::default()), (SocketType::Router, notified));
    joined.accepted.session.as_mut().unwrap().stop();
    joined.lose();
    assert_eq!(joined.accepted.received(), [""; 0]);
}

// spec: PUBSUB-XSUB-17
#[test]
fn an_xsub_that_closes_cancels_what_it_was_subscribed_to() {
    let mut joined = Joined::new((SocketType::XSub, Options::default()), (SocketType::XPub, Options::default()));
    joined.accepted.socket.set(PatternOption::XPubManual(Manual::On)).unwrap();
    for topic in ["\u{1}a", "\u{1}b", "\u{1}c", "\0b"] {
        joined.dialed.send(topic);
    }
    joined.settle();
    assert_eq!(joined.accepted.received(), ["\\x01a", "\\x01b", "\\x01c", "\\x00b"]);
    joined.dialed.session.as_mut().unwrap().stop();
    joined.dialed.send("behind the end");
    joined.dialed.socket.set(PatternOption::XSubVerboseUnsubscribe(Switch::On)).unwrap();
    joined.dialed.send("last");
    joined.settle();
    assert_eq!(joined.dialed.ending, Some(Ending::Finished));
    assert_eq!(joined.accepted.received(), ["behind the end", "last", "\\x00a", "\\x00c"]);
}

// spec: PUBSUB-XSUB-15, PUBSUB-XSUB-16
#[test]
fn a_verbose_xsub_passes_every_request_on_again_after_a_reconnect() {
    let mut joined = Joined::new((SocketType::XSub, Options::default()), (SocketType::XPub, Options::default()));
    joined.accepted.socket.set(PatternOption::XPubVerbosity(Verbosity::Everything)).unwrap();
    joined.dialed.socket.set(PatternOption::XSubVerboseUnsubscribe(Switch::On)).unwrap();
    let say = |joined: &mut Joined, request: &str| {
        joined.dialed.send(request);
        joined.settle();
        joined.accepted.received()
    };
    assert_eq!(say(&mut joined, "\u{1}a"), ["\\x01a"]);
    assert_eq!(say(&mut joined, "\u{1}a"), ["\\x01a"]);
    joined.lose();
    assert_eq!(joined.accepted.received(), ["\\x00a"]);
    joined.connect();
    assert_eq!(joined.accepted.received(), ["\\x01a", "\\x01a"]);
    assert_eq!(say(&mut joined, "\0a"), ["\\x00a"]);
    assert_eq!(joined.accepted.socket.shared().topics(), Some(1), "it is wanted still");
    assert_eq!(say(&mut joined, "\0a"), ["\\x00a"]);
    assert_eq!(joined.accepted.socket.shared().topics(), Some(0));
}

// spec: PUBSUB-XPUB-14, PUBSUB-XPUB-15
#[test]
fn only_the_first_part_is_a_request_where_the_option_says_so() {
    for (only_first, expected, topics) in
        [(Switch::Off, vec!["\\x01a", "\\x01b", "x|\\x01c"], 2), (Switch::On, vec!["\\x01a", "\\x01b|x|\\x01c"], 1)]
    {
        let mut joined = Joined::new((SocketType::XSub, Options::default()), (SocketType::XPub, Options::default()));
        for side in [&joined.dialed, &joined.accepted] {
            side.socket.set(PatternOption::OnlyFirstSubscribe(only_first)).unwrap();
        }
        joined.dialed.send(["\u{1}a", "\u{1}b", "x", "\u{1}c"]);
        joined.settle();
        assert_eq!(joined.dialed.socket.shared().topics(), Some(topics));
        if only_first == Switch::Off {
            assert_eq!(joined.accepted.received(), expected);
        }
    }
    // The parts of one message, as a DEALER would write them: XPUB sees the frames.
    let mut joined = Joined::new((SocketType::XSub, Options::default()), (SocketType::XPub, Options::default()));
    joined.accepted.socket.set(PatternOption::OnlyFirstSubscribe(Switch::On)).unwrap();
    let session = joined.dialed.session.as_mut().unwrap();
    for (part, more) in [("\u{1}a", true), ("\u{1}b", true), ("x", false)] {
        let frame = Frame::from(part);
        session.connection.push(if more { frame.more() } else { frame.last() });
    }
    joined.settle();
    assert_eq!(joined.accepted.received(), ["\\x01a", "\\x01b|x"]);
}

#[test]
fn a_link_that_conflates_delivers_the_last_message() {
    let conflating = options(|options| options.conflate = true);
    let mut joined = Joined::new((SocketType::Push, Options::default()), (SocketType::Pull, conflating));
    for i in 0..5 {
        joined.dialed.send([i.to_string(), "body".into()]);
    }
    joined.settle();
    assert_eq!(joined.accepted.received(), ["4|body"]);
    joined.dialed.send("5");
    joined.settle();
    assert_eq!(joined.accepted.received(), ["5"]);
}

/// Its pipes have ended before anybody has seen them, whatever the linger.
#[test]
fn a_peer_whose_handshake_ends_behind_the_close_is_let_go() {
    let mut pull = Side::new(SocketType::Pull, Options::default());
    pull.begin(Origin::Accepted);
    let mut greeting = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1];
    greeting.extend(b"NULL");
    greeting.resize(64, 0);
    pull.read(&greeting);
    pull.octets();
    pull.socket.close();
    pull.read(b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04PUSH");
    assert!(pull.session.as_ref().is_some_and(|session| session.peer().is_some()));
    pull.octets();
    assert_eq!(pull.ending, Some(Ending::Finished));
}
