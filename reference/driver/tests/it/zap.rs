//! PLAIN and ZAP: who comes in, with every kind of handler, and who does not.

use std::sync::mpsc;
use std::time::Duration;

use zmq_reference::blocking::{Context, Monitor, Socket};
use zmq_reference::{
    Endpoint, EventKind, HandshakeFailure, KeyPair, Login, Message, Options, PeerMisbehaved, Plain, Reconnect,
    Security, SocketType, ZapDomain, ZapEnforcement,
};

use crate::alone::eventually;
use crate::good::socket;
use crate::raw::{Raw, Wrote, command, greeting, ready};

mod handlers;

const HANDLER: &str = "inproc://zeromq.zap.01";

fn server() -> Options {
    Options {
        security: Security::Plain(Plain::Server),
        zap_domain: Some(ZapDomain::new("global").unwrap()),
        handshake_timeout: Some(Duration::from_millis(500)),
        ..Options::default()
    }
}

fn client() -> Options {
    let login = Login::new("admin", "secret").unwrap();
    let reconnect = Reconnect { interval: Some(Duration::from_millis(20)), ..Reconnect::default() };
    Options { security: Security::Plain(Plain::Client(login)), reconnect, ..Options::default() }
}

fn keys(octet: u8) -> KeyPair {
    KeyPair::generate([octet; 32])
}

fn curve_server() -> Options {
    Options { security: Security::curve_server(keys(1)), ..server() }
}

fn curve_client() -> Options {
    Options { security: Security::curve_client(keys(2), *keys(1).public()), ..client() }
}

fn null() -> Options {
    Options { security: Security::Null, ..server() }
}

/// A handler in a thread of its own; `reply` makes the parts of its reply to each request. The requests come out of the
/// channel.
fn handler(
    context: &Context,
    reply: impl Fn(&[Vec<u8>]) -> Option<Vec<Vec<u8>>> + Send + 'static,
) -> mpsc::Receiver<Vec<Vec<u8>>> {
    let rep = context.socket(SocketType::Rep).unwrap();
    rep.bind(HANDLER).unwrap();
    answers(rep, reply)
}

/// As [`handler`], with a REP that is there already.
fn answers(
    rep: Socket,
    reply: impl Fn(&[Vec<u8>]) -> Option<Vec<Vec<u8>>> + Send + 'static,
) -> mpsc::Receiver<Vec<Vec<u8>>> {
    let (requests, seen) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok(request) = rep.recv() {
            let request = parts(&request);
            let _ = requests.send(request.clone());
            let Some(reply) = reply(&request) else {
                // It neither replies nor goes away.
                std::thread::sleep(Duration::from_secs(20));
                return;
            };
            let _ = rep.send(message(&reply));
        }
    });
    seen
}

fn parts(message: &Message) -> Vec<Vec<u8>> {
    message.iter().map(|part| part.to_vec()).collect()
}

fn message(parts: &[Vec<u8>]) -> Message {
    Message::from_frames(parts.iter().map(|part| (&part[..]).into())).expect("there is a part")
}

/// A reply with that status to a request.
fn status(request: &[Vec<u8>], status: &str) -> Vec<Vec<u8>> {
    let user: &[u8] = if status == "200" { b"joe" } else { b"" };
    let parts: [&[u8]; 6] = [b"1.0", &request[1], status.as_bytes(), b"", user, b"\x05Hello\0\0\0\x05World"];
    parts.iter().map(|part| part.to_vec()).collect()
}

/// A server and a client that try to meet, each in a context of its own.
struct Meeting {
    context: Context,
    pull: Socket,
    server: Monitor,
    endpoint: Endpoint,
    push: Socket,
    client: Monitor,
    client_context: Context,
}

impl Meeting {
    /// The client has sent "hello". `prepare` makes the handler.
    fn of<T>(server: Options, client: Options, prepare: impl FnOnce(&Context) -> T) -> (Self, T) {
        let context = Context::new().unwrap();
        let prepared = prepare(&context);
        let pull = socket(&context, SocketType::Pull, server);
        let server = pull.monitor();
        let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
        let client_context = Context::new().unwrap();
        let push = socket(&client_context, SocketType::Push, client);
        let client = push.monitor();
        push.connect(&endpoint.to_string()).unwrap();
        push.send("hello").unwrap();
        (Self { context, pull, server, endpoint, push, client, client_context }, prepared)
    }

    fn succeeds(&self) -> Vec<(String, Vec<u8>)> {
        let (message, info) = self.pull.recv_from().unwrap();
        assert_eq!(message.first(), "hello");
        info.properties().to_vec()
    }

    /// Why the server refused the client.
    fn refusal(&self) -> PeerMisbehaved {
        failure(&self.server)
    }

    fn delivers_nothing(&self) {
        self.pull.set_recv_timeout(Some(Duration::from_millis(50)));
        assert!(self.pull.recv().is_err());
    }
}

fn next(monitor: &Monitor) -> Option<EventKind> {
    let mut next = None;
    eventually(|| {
        next = monitor.try_recv();
        next.is_some()
    });
    next.map(|event| event.kind)
}

fn failure(monitor: &Monitor) -> PeerMisbehaved {
    loop {
        if let EventKind::HandshakeFailed(why) = next(monitor).expect("the handshake fails") {
            return why;
        }
    }
}

/// Waits until the endpoint is dialled again.
fn dials_again(monitor: &Monitor) {
    while !matches!(next(monitor).expect("it dials again"), EventKind::ConnectRetried(_)) {}
}

// spec: PLAIN-FLOW-01, PLAIN-FLOW-02, PLAIN-FLOW-04, PLAIN-FLOW-05, PLAIN-FLOW-06
// spec: ZAP-ARCH-03, ZAP-ARCH-04, ZAP-DIALOG-01, ZAP-REQ-02, ZAP-REQ-04, ZAP-REQ-05, ZAP-REQ-07, ZAP-REQ-08
// spec: ZAP-FIELD-02, ZAP-FIELD-04, ZAP-FIELD-07, ZAP-PLAIN-01, ZAP-PLAIN-02, ZAP-SOCK-02
#[test]
fn a_client_that_the_handler_knows_comes_in_and_its_messages_say_who_it_is() {
    let (meeting, seen) = Meeting::of(server(), client(), |context| handler(context, |r| Some(status(r, "200"))));
    let properties = meeting.succeeds();
    let expected: [(&str, &[u8]); 4] =
        [("User-Id", b"joe"), ("Hello", b"World"), ("Socket-Type", b"PUSH"), ("Peer-Address", b"127.0.0.1")];
    assert_eq!(properties, expected.map(|(name, value)| (name.to_owned(), value.to_vec())));
    let request = seen.recv().unwrap();
    let parts: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
    let expected: [&[u8]; 8] = [b"1.0", &request[1], b"global", b"127.0.0.1", b"", b"PLAIN", b"admin", b"secret"];
    assert_eq!(parts, expected);
    assert!(seen.try_recv().is_err(), "one request for one connection");
}

// spec: ZAP-CURVE-01, ZAP-CURVE-02, CURVE-FLOW-07
#[test]
fn a_key_that_the_handler_knows_comes_in() {
    let (meeting, seen) =
        Meeting::of(curve_server(), curve_client(), |context| handler(context, |r| Some(status(r, "200"))));
    assert_eq!(meeting.succeeds()[0], ("User-Id".to_owned(), b"joe".to_vec()));
    let request = seen.recv().unwrap();
    assert_eq!((request.len(), &request[5][..], &request[6]), (7, &b"CURVE"[..], &keys(2).public().octets().to_vec()));
    // Then as much as one likes, in parts of all sizes.
    for round in 0..50 {
        let parts = [vec![round; 20], Vec::new(), vec![round; 3_000], vec![round; 300_000]];
        meeting.push.send(parts.clone()).unwrap();
        assert_eq!(meeting.pull.recv().unwrap(), Message::from(parts));
    }
}

#[test]
fn curve_without_a_handler_encrypts_unless_one_is_needed() {
    let (meeting, ()) = Meeting::of(curve_server(), curve_client(), |_| ());
    meeting.succeeds();
    // Without a domain nobody is asked.
    let enforced = Options { zap_enforcement: ZapEnforcement::Enforced, ..curve_server() };
    let nobody = Options { zap_domain: None, ..enforced.clone() };
    let (meeting, seen) = Meeting::of(nobody, curve_client(), |context| handler(context, |r| Some(status(r, "400"))));
    meeting.succeeds();
    assert!(seen.try_recv().is_err());
    let (meeting, ()) = Meeting::of(enforced, curve_client(), |_| ());
    assert_eq!(meeting.refusal(), PeerMisbehaved::NoZapHandler);
    meeting.delivers_nothing();
}

#[test]
fn every_pattern_works_in_boxes() {
    let context = Context::new().unwrap();
    let publisher = socket(&context, SocketType::XPub, curve_server());
    let endpoint = publisher.bind("tcp://127.0.0.1:*").unwrap();
    let sub = socket(&context, SocketType::Sub, curve_client());
    sub.subscribe("a").unwrap();
    sub.connect(&endpoint.to_string()).unwrap();
    assert_eq!(publisher.recv().unwrap().first(), "\x01a");
    publisher.send("b").unwrap();
    publisher.send("a").unwrap();
    assert_eq!(sub.recv().unwrap().first(), "a");
    let rep = socket(&context, SocketType::Rep, curve_server());
    let endpoint = rep.bind("tcp://127.0.0.1:*").unwrap();
    let req = socket(&context, SocketType::Req, curve_client());
    req.connect(&endpoint.to_string()).unwrap();
    for _ in 0..100 {
        req.send("question").unwrap();
        assert_eq!(rep.recv().unwrap().first(), "question");
        rep.send(["answer", "two"]).unwrap();
        assert_eq!(req.recv().unwrap().parts(), 2);
    }
}

#[test]
fn who_has_another_servers_key_does_not_come_in() {
    let stranger = Options { security: Security::curve_client(keys(2), *keys(9).public()), ..client() };
    let (meeting, ()) = Meeting::of(curve_server(), stranger, |_| ());
    assert_eq!(meeting.refusal().handshake_failure(), HandshakeFailure::Protocol(0x1100_0001));
    meeting.delivers_nothing();
}

#[test]
fn the_server_may_be_the_one_that_connects() {
    let context = Context::new().unwrap();
    let _seen = handler(&context, |request| Some(status(request, "200")));
    let bound = socket(&context, SocketType::Push, client());
    let endpoint = bound.bind("tcp://127.0.0.1:*").unwrap();
    let connected = socket(&context, SocketType::Pull, server());
    connected.connect(&endpoint.to_string()).unwrap();
    bound.send("hello").unwrap();
    assert_eq!(connected.recv().unwrap().first(), "hello");
}

// spec: ZAP-FIELD-05, ZAP-FIELD-08, PLAIN-FLOW-03, PLAIN-HELLO-06, ZMTP31-ERROR-02
#[test]
fn each_status_has_its_consequence_at_both_ends() {
    for (word, number, again) in [("300", 300, true), ("400", 400, false), ("500", 500, false)] {
        for options in [server(), null(), curve_server()] {
            let theirs = match options.security {
                Security::Null => Options { security: Security::Null, ..client() },
                Security::Plain(_) => client(),
                Security::Curve(_) => curve_client(),
            };
            let (meeting, _seen) =
                Meeting::of(options, theirs, |context| handler(context, move |r| Some(status(r, word))));
            assert_eq!(meeting.refusal().handshake_failure(), HandshakeFailure::Auth(number));
            if !again {
                assert_eq!(failure(&meeting.client).handshake_failure(), HandshakeFailure::Auth(number));
            }
            meeting.delivers_nothing();
            if again {
                dials_again(&meeting.client);
            } else {
                // What is unsent has all the time there is, so this would not return while the endpoint is dialled.
                let Meeting { client_context, .. } = meeting;
                let (done, ended) = mpsc::channel();
                std::thread::spawn(move || {
                    client_context.term();
                    done.send(())
                });
                assert_eq!(ended.recv_timeout(Duration::from_secs(10)), Ok(()), "{word}");
            }
        }
    }
}

// spec: ZAP-REP-02, ZAP-REP-03, ZAP-REP-04, ZAP-REP-08, ZAP-FIELD-01, ZAP-FIELD-05, ZAP-FIELD-10
#[test]
fn what_is_no_reply_lets_nobody_in() {
    let wrong: [(usize, &'static [u8], u32); 4] =
        [(0, b"1.1", 0x2000_0003), (1, b"other", 0x2000_0002), (2, b"201", 0x2000_0004), (5, b"\x05He", 0x2000_0005)];
    for (part, octets, code) in wrong {
        let (meeting, _seen) = Meeting::of(server(), client(), |context| {
            handler(context, move |request| {
                let mut reply = status(request, "200");
                reply[part] = octets.to_vec();
                Some(reply)
            })
        });
        assert_eq!(meeting.refusal().handshake_failure(), HandshakeFailure::Protocol(code), "part {part}");
        meeting.delivers_nothing();
    }
    for parts in [1, 5, 7] {
        let (meeting, _seen) = Meeting::of(server(), client(), |context| {
            handler(context, move |request| {
                let mut reply = status(request, "200");
                reply.resize(parts, Vec::new());
                Some(reply)
            })
        });
        assert_eq!(meeting.refusal().handshake_failure(), HandshakeFailure::Protocol(0x2000_0001), "{parts} parts");
        meeting.delivers_nothing();
    }
}

// spec: ZAP-ARCH-07
#[test]
fn without_a_handler_plain_lets_nobody_in_until_there_is_one() {
    let (meeting, ()) = Meeting::of(server(), client(), |_| ());
    assert_eq!(meeting.refusal(), PeerMisbehaved::NoZapHandler);
    let _seen = handler(&meeting.context, |request| Some(status(request, "200")));
    meeting.succeeds();
}

#[test]
fn a_socket_of_another_type_is_no_handler() {
    let (meeting, _dealer) = Meeting::of(server(), client(), |context| {
        let dealer = context.socket(SocketType::Dealer).unwrap();
        dealer.bind(HANDLER).unwrap();
        dealer
    });
    assert_eq!(meeting.refusal(), PeerMisbehaved::NoZapHandler);
}

#[test]
fn a_silent_handler_costs_the_time_of_the_handshake_and_holds_nobody_else_up() {
    let (meeting, seen) = Meeting::of(server(), client(), |context| handler(context, |_| None));
    seen.recv().unwrap();
    let open = socket(&meeting.context, SocketType::Pull, Options::default());
    let endpoint = open.bind("tcp://127.0.0.1:*").unwrap();
    let push = socket(&meeting.context, SocketType::Push, Options::default());
    push.connect(&endpoint.to_string()).unwrap();
    push.send("beside").unwrap();
    assert_eq!(open.recv().unwrap().first(), "beside");
    assert_eq!(meeting.refusal(), PeerMisbehaved::HandshakeTimeout(Duration::from_millis(500)));
    meeting.delivers_nothing();
}

#[test]
fn a_handler_that_goes_away_fails_those_who_wait() {
    let options = Options { handshake_timeout: None, ..server() };
    let (meeting, router) = Meeting::of(options, client(), |context| {
        let router = socket(context, SocketType::Router, Options::default());
        router.bind(HANDLER).unwrap();
        router
    });
    router.recv().unwrap();
    router.close(None);
    assert_eq!(meeting.refusal(), PeerMisbehaved::NoZapHandler);
    // The next one is asked when the client comes again.
    let _seen = handler(&meeting.context, |request| Some(status(request, "200")));
    meeting.succeeds();
}

// spec: ZAP-ARCH-01, ZAP-ARCH-02, ZAP-ARCH-06, ZAP-REQ-01, ZAP-REP-01, ZAP-SOCK-01, ZAP-SOCK-03, ZAP-SOCK-04, ZAP-EX-01, ZAP-EX-02
#[test]
fn a_router_answers_in_any_order_whoever_asked() {
    let context = Context::new().unwrap();
    let router = socket(&context, SocketType::Router, Options::default());
    router.bind(HANDLER).unwrap();
    let mut pairs = Vec::new();
    for domain in ["one", "two"] {
        let options = Options { zap_domain: Some(ZapDomain::new(domain).unwrap()), ..server() };
        let pull = socket(&context, SocketType::Pull, Options { handshake_timeout: None, ..options });
        let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
        let push = socket(&context, SocketType::Push, client());
        push.connect(&endpoint.to_string()).unwrap();
        push.send("hello").unwrap();
        pairs.push((pull, push));
    }
    let mut requests = [router.recv().unwrap(), router.recv().unwrap()];
    requests.reverse();
    for request in requests {
        let parts = parts(&request);
        assert!(!parts[0].is_empty() && parts[1].is_empty(), "a routing id and a delimiter come first");
        let domain = parts[4].clone();
        let reply: [&[u8]; 8] = [&parts[0], b"", b"1.0", &parts[3], b"200", b"", &domain, b""];
        router.send(Message::from_frames(reply.into_iter().map(Into::into)).unwrap()).unwrap();
    }
    for ((pull, _push), domain) in pairs.iter().zip(["one", "two"]) {
        let (message, info) = pull.recv_from().unwrap();
        assert_eq!(message.first(), "hello");
        assert_eq!(info.properties()[0], ("User-Id".to_owned(), domain.as_bytes().to_vec()));
    }
}

// spec: ZAP-NULL-01, ZAP-NULL-02
#[test]
fn null_asks_where_there_is_a_domain_and_nowhere_else() {
    let open = Options::default();
    let (meeting, seen) = Meeting::of(null(), open.clone(), |context| handler(context, |r| Some(status(r, "200"))));
    assert_eq!(meeting.succeeds()[0], ("User-Id".to_owned(), b"joe".to_vec()));
    let request = seen.recv().unwrap();
    assert_eq!((request.len(), &request[5][..]), (6, &b"NULL"[..]));

    let (meeting, seen) =
        Meeting::of(open.clone(), open.clone(), |context| handler(context, |r| Some(status(r, "400"))));
    meeting.succeeds();
    assert!(seen.try_recv().is_err(), "nobody is asked without a domain");

    let (meeting, ()) = Meeting::of(null(), open.clone(), |_| ());
    meeting.succeeds();

    let enforced = Options { zap_enforcement: ZapEnforcement::Enforced, ..null() };
    let (meeting, ()) = Meeting::of(enforced, open, |_| ());
    assert_eq!(meeting.refusal(), PeerMisbehaved::NoZapHandler);
    meeting.delivers_nothing();
}

// spec: ZMTP31-MECH-12
#[test]
fn nobody_is_talked_down_to_null() {
    for (ours, theirs) in
        [(server(), Options::default()), (null(), client()), (curve_server(), client()), (server(), curve_client())]
    {
        let (meeting, _seen) = Meeting::of(ours, theirs, |context| handler(context, |r| Some(status(r, "200"))));
        let mismatch = HandshakeFailure::Protocol(0x1100_0002);
        assert_eq!(meeting.refusal().handshake_failure(), mismatch);
        meeting.delivers_nothing();
        // It names the right mechanism and speaks the other one.
        let mut raw = Raw::connect(&meeting.endpoint);
        let mut named = greeting();
        named[12..17].copy_from_slice(b"PLAIN");
        assert_eq!(raw.write(&[named, ready("PUSH"), b"\0\x05never".to_vec()].concat()), Wrote::All);
        assert!(raw.is_closed_within(Duration::from_secs(5)));
        meeting.delivers_nothing();
        drop(meeting.push);
    }
}

/// Nothing is read of a peer for which the handler is still asked.
#[test]
fn what_a_peer_sends_while_the_handler_is_asked_waits_in_the_network() {
    let (meeting, router) = Meeting::of(Options { handshake_timeout: None, ..server() }, client(), |context| {
        let router = socket(context, SocketType::Router, Options::default());
        router.bind(HANDLER).unwrap();
        router
    });
    router.recv().unwrap();
    let mut raw = Raw::connect(&meeting.endpoint);
    let mut named = greeting();
    named[12..17].copy_from_slice(b"PLAIN");
    assert_eq!(raw.write(&[named, command("HELLO", b"\0\0")].concat()), Wrote::All);
    router.recv().unwrap();
    let flood = command("INITIATE", &[b'x'; 60_000]).repeat(16);
    let mut last = Wrote::All;
    while last == Wrote::All && raw.written < 256 << 20 {
        last = raw.write(&flood);
    }
    assert_eq!(last, Wrote::Stuck, "{} octets were taken", raw.written);
}

/// Strangers who ask for keys all the time keep nobody who is in from being served.
#[test]
fn a_crowd_of_strangers_has_its_pace() {
    let (meeting, ()) = Meeting::of(curve_server(), curve_client(), |_| ());
    meeting.succeeds();
    let mut hello = greeting();
    hello[12..17].copy_from_slice(b"CURVE");
    let mut data = vec![1, 0];
    data.resize(74, 0);
    data.extend(*keys(7).public().octets());
    data.extend(1_u64.to_be_bytes());
    data.resize(194, 7);
    hello.extend(command("HELLO", &data));
    let stop = std::sync::atomic::AtomicBool::new(false);
    let mut asked = 0;
    std::thread::scope(|scope| {
        let crowd = scope.spawn(|| {
            let mut asked = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let mut strangers: Vec<_> = (0..50).map(|_| Raw::connect(&meeting.endpoint)).collect();
                for stranger in &mut strangers {
                    stranger.write(&hello);
                }
                for stranger in &mut strangers {
                    assert!(stranger.is_closed_within(Duration::from_secs(10)), "a forged HELLO is refused");
                }
                asked += strangers.len();
            }
            asked
        });
        let start = std::time::Instant::now();
        let mut slowest = Duration::ZERO;
        while start.elapsed() < Duration::from_secs(1) {
            let before = std::time::Instant::now();
            meeting.push.send("hello").unwrap();
            meeting.succeeds();
            slowest = slowest.max(before.elapsed());
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        asked = crowd.join().unwrap();
        crate::alone::figure(format!("{asked} strangers; the slowest message took {slowest:?}"));
        assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    });
    assert!(asked > 0);
}
