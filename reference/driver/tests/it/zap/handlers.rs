//! Handlers: there is one, and it may stand behind others.

use std::thread;

use zmq_reference::blocking;

use super::*;

// spec: ZAP-ARCH-05
#[test]
fn there_is_one_handler_at_a_time() {
    let (meeting, _seen) = Meeting::of(server(), client(), |context| {
        let seen = handler(context, |request| Some(status(request, "200")));
        let second = context.socket(SocketType::Router).unwrap();
        assert_eq!(second.bind(HANDLER).unwrap_err().errno(), 98, "EADDRINUSE");
        seen
    });
    meeting.succeeds();
}

// spec: ZAP-SOCK-04
#[test]
fn a_router_that_does_not_say_whom_it_answers_lets_nobody_in() {
    let (meeting, router) = Meeting::of(server(), client(), |context| {
        let router = socket(context, SocketType::Router, Options::default());
        router.bind(HANDLER).unwrap();
        router
    });
    let asked = || {
        let request = parts(&router.recv().unwrap());
        let reply = [&[Vec::new()], &status(&request[2..], "200")[..]].concat();
        (request[..1].to_vec(), reply)
    };
    let (_, reply) = asked();
    router.send(message(&reply)).unwrap();
    assert_eq!(meeting.refusal(), PeerMisbehaved::HandshakeTimeout(Duration::from_millis(500)));
    let (id, reply) = asked();
    router.send(message(&[id, reply].concat())).unwrap();
    meeting.succeeds();
}

/// Two hops between the servers of a context and a handler: its endpoint, and where it is served until that is dropped.
fn proxies(context: &Context) -> (String, Context) {
    let elsewhere = Context::new().unwrap();
    let at = |context: &Context, socket_type, endpoint: &str| {
        let socket = context.socket(socket_type).unwrap();
        let endpoint = socket.bind(endpoint).unwrap().to_string();
        (socket, endpoint)
    };
    let (near, _) = at(context, SocketType::Router, HANDLER);
    let (far, far_end) = at(&elsewhere, SocketType::Router, "tcp://127.0.0.1:*");
    let (last, endpoint) = at(&elsewhere, SocketType::Dealer, "tcp://127.0.0.1:*");
    let between = context.socket(SocketType::Dealer).unwrap();
    between.connect(&far_end).unwrap();
    thread::spawn(move || blocking::queue(&near, &between));
    thread::spawn(move || blocking::queue(&far, &last));
    (endpoint, elsewhere)
}

/// Two servers with a domain each, and a client that tries each.
fn two_servers(context: &Context) -> Vec<(&'static str, Socket, Socket)> {
    let server = |domain| {
        let zap_domain = Some(ZapDomain::new(domain).unwrap());
        let pull = socket(context, SocketType::Pull, Options { zap_domain, handshake_timeout: None, ..server() });
        let push = socket(context, SocketType::Push, client());
        push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap().to_string()).unwrap();
        push.send("hello").unwrap();
        (domain, pull, push)
    };
    vec![server("one"), server("two")]
}

/// A reply to a request, in which the domain is what the user is called.
fn by_domain(request: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut reply = status(request, "200");
    reply[4].clone_from(&request[2]);
    reply
}

fn each_server_has_its_own_answer(servers: &[(&'static str, Socket, Socket)]) {
    for (domain, pull, _push) in servers {
        let (message, info) = pull.recv_from().unwrap();
        assert_eq!(message.first(), "hello");
        assert_eq!(info.properties()[0], ("User-Id".to_owned(), domain.as_bytes().to_vec()));
    }
}

// spec: ZAP-PROXY-01, ZAP-PROXY-06, ZAP-PROXY-07
#[test]
fn a_rep_behind_two_proxies_answers_each_server() {
    let context = Context::new().unwrap();
    let (endpoint, elsewhere) = proxies(&context);
    let rep = elsewhere.socket(SocketType::Rep).unwrap();
    rep.connect(&endpoint).unwrap();
    let _seen = answers(rep, |request| Some(by_domain(request)));
    each_server_has_its_own_answer(&two_servers(&context));
}

// spec: ZAP-PROXY-01, ZAP-PROXY-02, ZAP-PROXY-04, ZAP-PROXY-05, ZAP-PROXY-07
#[test]
fn a_router_behind_two_proxies_sees_three_routing_ids() {
    let context = Context::new().unwrap();
    let (endpoint, elsewhere) = proxies(&context);
    let router = socket(&elsewhere, SocketType::Router, Options::default());
    router.connect(&endpoint).unwrap();
    let servers = two_servers(&context);
    let requests = [router.recv().unwrap(), router.recv().unwrap()].map(|request| parts(&request));
    assert_ne!(requests[0][2], requests[1][2], "the servers have ids of their own");
    for request in requests.iter().rev() {
        assert!(request[..3].iter().all(|id| !id.is_empty()) && request[3].is_empty(), "{request:?}");
        let expected: [&[u8]; 5] = [b"127.0.0.1", b"", b"PLAIN", b"admin", b"secret"];
        assert_eq!(request[4], b"1.0");
        assert_eq!(request[7..], expected);
        router.send(message(&[&request[..4], &by_domain(&request[4..])].concat())).unwrap();
    }
    each_server_has_its_own_answer(&servers);
}

// spec: ZAP-PROXY-03
#[test]
fn a_queue_is_a_router_towards_those_who_ask() {
    let context = Context::new().unwrap();
    let backend = context.socket(SocketType::Dealer).unwrap();
    let frontends = [SocketType::Rep, SocketType::Dealer, SocketType::Req, SocketType::Pair]
        .map(|socket_type| context.socket(socket_type).unwrap());
    // What is taken all the same ends at once.
    context.shutdown();
    for frontend in frontends {
        let refused = blocking::queue(&frontend, &backend).unwrap_err();
        assert!(matches!(refused, zmq_reference::ProxyError::Types { .. }), "{}: {refused}", frontend.socket_type());
    }
}
