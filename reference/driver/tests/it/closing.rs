//! Sockets that are closed while something is under way.

use std::net::TcpListener;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use zmq_reference::blocking::Context;
use zmq_reference::{Endpoint, Linger, Login, Message, Options, Plain, Security, SocketType, ZapDomain};

use crate::alone::{alone, descriptors, eventually};
use crate::good::{ends_within, socket};
use crate::machine::{self, Machine};
use crate::raw::{Raw, command, greeting, greeting_of, ready};

/// Whether the place is free again, for a socket of the same context.
fn is_free(context: &Context, endpoint: &Endpoint) -> bool {
    let other = socket(context, SocketType::Pair, Options::default());
    eventually(|| other.bind(&endpoint.to_string()).is_ok())
}

/// Whoever comes first: a place that was got is given up, and none is got behind the close.
#[test]
fn a_place_that_is_got_while_the_socket_closes_is_given_up() {
    alone(|| {
        for endpoint in ["tcp://127.0.0.1:*", "ipc://@*", "inproc://closing"] {
            let context = Context::new().unwrap();
            let before = descriptors();
            for n in 0..300 {
                let socket = socket(&context, SocketType::Pair, Options::default());
                let both = Barrier::new(2);
                let bound = thread::scope(|scope| {
                    let bound = scope.spawn(|| {
                        both.wait();
                        socket.bind(endpoint)
                    });
                    both.wait();
                    (0..n % 30).for_each(|_| std::hint::spin_loop());
                    socket.close(None);
                    bound.join().unwrap()
                });
                if let Ok(at) = bound {
                    assert!(is_free(&context, &at), "{at} stays taken");
                }
                drop(socket);
            }
            // Those of a context before may still go.
            assert!(eventually(|| descriptors() <= before), "{endpoint}: {} descriptors of {before}", descriptors());
            ends_within(Duration::from_secs(5), &context);
        }
    });
}

const LINGER: Duration = Duration::from_millis(300);
/// Whatever takes no time takes less than this.
const AT_ONCE: Duration = Duration::from_secs(2);

/// How far a peer comes that then says nothing and reads nothing.
fn stuck_peers() -> Vec<(&'static str, Security, Vec<u8>)> {
    let plain = || Security::Plain(Plain::Client(Login::new("admin", "secret").unwrap()));
    let curve = || machine::client().security;
    vec![
        ("nothing", Security::Null, Vec::new()),
        ("half a greeting", Security::Null, greeting()[..11].to_vec()),
        ("NULL before READY", Security::Null, greeting()),
        ("PLAIN before WELCOME", plain(), greeting_of("PLAIN")),
        ("PLAIN before READY", plain(), [greeting_of("PLAIN"), command("WELCOME", b"")].concat()),
        ("CURVE before WELCOME", curve(), greeting_of("CURVE")),
        ("traffic", Security::Null, [greeting(), ready("PULL")].concat()),
    ]
}

/// Full pipes, a full link or none at all, and a peer that takes nothing: the linger says when it is over.
#[test]
fn linger_ends_in_time_in_every_state_of_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    for (name, security, octets) in stuck_peers() {
        for linger in [Linger::Discard, Linger::For(LINGER)] {
            let context = Context::new().unwrap();
            let push = socket(&context, SocketType::Push, Options { security: security.clone(), ..Options::default() });
            push.connect(&endpoint).unwrap();
            let mut raw = Raw::on(listener.accept().unwrap().0);
            raw.write(&octets);
            push.set_send_timeout(Some(Duration::from_millis(100)));
            while push.send(vec![1; 100_000]).is_ok() {}
            let start = Instant::now();
            push.close(Some(linger));
            ends_within(Duration::from_secs(10), &context);
            let took = start.elapsed();
            let expected = if linger == Linger::Discard { Duration::ZERO } else { LINGER - LINGER / 6 };
            assert!((expected..expected + AT_ONCE).contains(&took), "{name}, {linger:?}: it took {took:?}");
            drop(raw);
        }
    }
}

/// Nothing was sent, so that nothing is waited for: neither for handshakes nor for the handler of ZAP.
#[test]
fn a_socket_closes_at_once_whatever_its_peers_have_begun() {
    let asked = Options { zap_domain: Some(ZapDomain::new("domain").unwrap()), ..Options::default() };
    let plain = Options { security: Security::Plain(Plain::Server), ..asked.clone() };
    let curve = Options { security: machine::server().security, ..asked.clone() };
    let hello = command("HELLO", b"\x05admin\x06secret");
    for (name, options, octets) in [
        ("NULL", Options::default(), greeting()),
        ("NULL that asks", asked, greeting()),
        ("PLAIN", plain.clone(), greeting_of("PLAIN")),
        ("PLAIN that asks", plain, [greeting_of("PLAIN"), hello].concat()),
        ("CURVE", curve.clone(), greeting_of("CURVE")),
    ] {
        closes_at_once(name, &options, |endpoint| {
            let mut raw = Raw::connect(endpoint);
            raw.write(&octets);
            raw
        });
    }
    closes_at_once("CURVE that asks", &curve, |endpoint| {
        let mut machine = Machine::connect(endpoint, SocketType::Dealer, machine::client());
        let initiate = machine.before("INITIATE");
        machine.raw.write(&initiate);
        machine.raw
    });
}

fn closes_at_once(name: &str, options: &Options, begin: impl Fn(&Endpoint) -> Raw) {
    let context = Context::new().unwrap();
    let handler = socket(&context, SocketType::Router, Options::default());
    handler.bind("inproc://zeromq.zap.01").unwrap();
    let router = socket(&context, SocketType::Router, options.clone());
    let endpoint = router.bind("tcp://127.0.0.1:*").unwrap();
    let begun: Vec<_> = (0..20).map(|_| begin(&endpoint)).collect();
    if name.ends_with("asks") {
        let _: Vec<Message> = begun.iter().map(|_| handler.recv().unwrap()).collect();
    }
    let start = Instant::now();
    router.close(Some(Linger::Forever));
    for mut raw in begun {
        assert!(raw.is_closed_within(AT_ONCE), "{name}: a handshake goes on without its socket");
    }
    ends_within(AT_ONCE, &context);
    assert!(start.elapsed() < AT_ONCE, "{name}: it took {:?}", start.elapsed());
}
