//! Peers of ZMTP 2.0 and 1.0, as octets on raw sockets: they connect to us, and we to them.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{Message, Options, Plain, RoutingId, Security, SocketType, ZapDomain};

use crate::raw::{Raw, Wrote};

/// A link to a socket of ours, and what it does not need to know: who dialled.
struct Scene {
    context: Context,
    socket: Socket,
    link: TcpStream,
}

#[derive(Clone, Copy, Debug)]
enum Role {
    Binds,
    Connects,
}

const ROLES: [Role; 2] = [Role::Binds, Role::Connects];

fn scene(role: Role, socket_type: SocketType, options: Options) -> Scene {
    let context = Context::new().unwrap();
    let socket = context.socket_with(socket_type, options).unwrap();
    socket.set_recv_timeout(Some(Duration::from_secs(10)));
    socket.set_send_timeout(Some(Duration::from_secs(10)));
    let link = match role {
        Role::Binds => Raw::connect(&socket.bind("tcp://127.0.0.1:*").unwrap()).stream.tcp(),
        Role::Connects => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            socket.connect(&format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
            listener.accept().unwrap().0
        }
    };
    link.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    Scene { context, socket, link }
}

impl Scene {
    fn writes(&mut self, octets: &[u8]) {
        self.link.write_all(octets).unwrap();
    }

    fn reads(&mut self, expected: &[u8]) {
        let mut octets = vec![0; expected.len()];
        self.link.read_exact(&mut octets).unwrap();
        assert_eq!(octets, expected, "{} for {}", octets.escape_ascii(), expected.escape_ascii());
    }

    fn is_closed(&mut self) {
        let mut ignored = Vec::new();
        if let Err(error) = self.link.read_to_end(&mut ignored) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "a reset is an end, too, and waiting in vain is none");
        }
        assert!(!ignored.windows(5).any(|octets| octets == b"ERROR"), "{}", ignored.escape_ascii());
    }

    fn ends(self) {
        drop(self.link);
        self.socket.close(Some(zmq_reference::Linger::Discard));
        self.context.term();
    }
}

const SIGNATURE: &[u8] = b"\xff\0\0\0\0\0\0\0\x01\x7f";

fn named(id: &str) -> Options {
    Options { routing_id: Some(RoutingId::new(id.as_bytes()).unwrap()), ..Options::default() }
}

// spec: ZMTP20-GREET-01, ZMTP20-FRAME-04, ZMTP20-FRAME-06, ZMTP20-INTEROP-02, ZMTP20-INTEROP-05, ZMTP31-BACK-06
#[test]
fn a_peer_of_2_0_is_greeted_and_talked_to_in_2_0() {
    for role in ROLES {
        let mut scene = scene(role, SocketType::Dealer, named("abcd"));
        scene.reads(b"\xff\0\0\0\0\0\0\0\x05\x7f");
        scene.writes(b"\xff\0\0\0\0\0\0\0\0\x7f");
        scene.reads(b"\x03");
        scene.writes(b"\x01\x06\0\x03bob");
        scene.reads(b"\x05\0\x04abcd");
        scene.writes(b"\x01\x02hi\0\x01!\x02\0\0\0\0\0\0\0\x02ok");
        assert_eq!(scene.socket.recv().unwrap(), Message::from(["hi", "!"]));
        assert_eq!(scene.socket.recv().unwrap(), Message::from("ok"), "a long length may be a short one");
        scene.socket.send(["", "x"]).unwrap();
        scene.reads(b"\x01\0\0\x01x");
        scene.socket.send(vec![b'y'; 255]).unwrap();
        scene.reads(&[&[0, 255][..], &[b'y'; 255]].concat());
        scene.socket.send(vec![b'z'; 256]).unwrap();
        scene.reads(&[&[2, 0, 0, 0, 0, 0, 0, 1, 0][..], &[b'z'; 256]].concat());
        scene.ends();
    }
}

// spec: ZMTP10-CONN-02, ZMTP10-FRAME-05, ZMTP10-FRAME-07, ZMTP20-INTEROP-02, ZMTP20-INTEROP-03, ZMTP20-INTEROP-04
// spec: ZMTP20-INTEROP-06
#[test]
fn a_peer_of_1_0_is_talked_to_in_1_0() {
    for (role, identity) in ROLES.into_iter().zip([&b"\x04\0bob"[..], b"\xff\0\0\0\0\0\0\0\x04\0bob"]) {
        let mut scene = scene(role, SocketType::Dealer, named("abcd"));
        scene.reads(b"\xff\0\0\0\0\0\0\0\x05\x7f");
        scene.writes(identity);
        scene.reads(b"abcd");
        scene.writes(b"\x03\x01hi\0\x02\0!\xff\0\0\0\0\0\0\0\x03\0ok");
        assert_eq!(scene.socket.recv().unwrap(), Message::from(["hi", "!"]), "a length of zero is passed over");
        assert_eq!(scene.socket.recv().unwrap(), Message::from("ok"));
        scene.socket.send(["", "x"]).unwrap();
        scene.reads(b"\x01\x01\x02\0x");
        scene.socket.send(vec![b'y'; 253]).unwrap();
        scene.reads(&[&[254, 0][..], &[b'y'; 253]].concat());
        scene.socket.send(vec![b'z'; 254]).unwrap();
        scene.reads(&[&[255, 0, 0, 0, 0, 0, 0, 0, 255, 0][..], &[b'z'; 254]].concat());
        scene.ends();
    }
}

// spec: ZMTP10-CONN-08
#[test]
fn a_router_calls_older_peers_by_their_identities() {
    for role in ROLES {
        // The flags of an identity of 1.0 mean nothing.
        let old = [&[SIGNATURE, b"\x01\x05\0\x03bob\0\x01x"].concat()[..], b"\x04\xfebob\x02\0x"];
        for octets in old {
            let mut scene = scene(role, SocketType::Router, Options::default());
            scene.writes(octets);
            assert_eq!(scene.socket.recv().unwrap(), Message::from(["bob", "x"]));
            scene.ends();
        }
        for octets in [&[SIGNATURE, b"\x01\x05\0\0\0\x01x"].concat()[..], b"\x01\0\x02\0x"] {
            let mut scene = scene(role, SocketType::Router, Options::default());
            scene.writes(octets);
            let (id, _) = scene.socket.recv().unwrap().split_first().unwrap();
            assert_eq!((id.len(), id[0]), (5, 0), "an id of the socket's making");
            scene.ends();
        }
    }
}

// spec: ZMTP20-PUBSUB-01, ZMTP10-BCAST-01
#[test]
fn publishers_serve_older_subscribers() {
    for socket_type in [SocketType::Pub, SocketType::XPub] {
        for role in ROLES {
            let mut scene = scene(role, socket_type, Options::default());
            scene.writes(&[SIGNATURE, b"\x01\x02\0\0\0\x02\x01a"].concat());
            scene.reads(&[SIGNATURE, b"\x03\x01\0\0"].concat());
            if socket_type == SocketType::XPub {
                assert_eq!(scene.socket.recv().unwrap(), Message::from("\x01a"));
            }
            publish_until(&mut scene, b"\0\x02ab", &["b", "ab"]);
            scene.ends();
        }
        let mut scene = scene(Role::Binds, socket_type, Options::default());
        scene.writes(b"\x01\0");
        scene.reads(SIGNATURE);
        if socket_type == SocketType::XPub {
            assert_eq!(scene.socket.recv().unwrap(), Message::from("\x01"), "it gets everything");
        }
        publish_until(&mut scene, b"\x02\0x", &["x"]);
        scene.ends();
    }
}

/// Publishes all of it again and again until something arrives, which has to be `expected`.
fn publish_until(scene: &mut Scene, expected: &[u8], messages: &[&str]) {
    scene.link.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut octets = vec![0; expected.len()];
    for _ in 0..500 {
        for message in messages {
            scene.socket.send(*message).unwrap();
        }
        if scene.link.read_exact(&mut octets).is_ok() {
            assert_eq!(octets, expected, "{}", octets.escape_ascii());
            return;
        }
    }
    panic!("nothing was published");
}

// spec: ZMTP20-PUBSUB-01, ZMTP20-PUBSUB-02
#[test]
fn subscribers_tell_older_publishers_by_messages() {
    for role in ROLES {
        let mut scene = scene(role, SocketType::Sub, Options::default());
        scene.socket.as_async().subscribe("a").unwrap();
        scene.writes(&[SIGNATURE, b"\x01\x01\0\0"].concat());
        scene.reads(&[SIGNATURE, b"\x03\x02\0\0\0\x02\x01a"].concat());
        scene.writes(b"\0\x01b\0\x02ab");
        assert_eq!(scene.socket.recv().unwrap(), Message::from("ab"));
        scene.socket.as_async().unsubscribe("a").unwrap();
        scene.reads(b"\0\x02\0a");
        scene.ends();
    }
}

// spec: ZMTP10-BCAST-02, ZMTP10-BCAST-03
#[test]
fn subscribers_of_1_0_publishers_choose_by_themselves_and_send_nothing() {
    for socket_type in [SocketType::Sub, SocketType::XSub] {
        let mut scene = scene(Role::Connects, socket_type, Options::default());
        match socket_type {
            SocketType::Sub => scene.socket.as_async().subscribe("a").unwrap(),
            _ => scene.socket.send("\x01a").unwrap(),
        }
        scene.writes(b"\x01\0");
        scene.reads(SIGNATURE);
        scene.writes(b"\x02\0b\x03\0ab");
        assert_eq!(
            scene.socket.recv().unwrap(),
            Message::from(if socket_type == SocketType::Sub { "ab" } else { "b" })
        );
        scene.link.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        assert!(scene.link.read(&mut [0]).is_err(), "nothing comes");
        scene.ends();
    }
}

// spec: ZMTP31-BACK-10
#[test]
fn whoever_wants_to_know_its_peers_refuses_older_ones() {
    let secured = Options { security: Security::Plain(Plain::Server), ..Options::default() };
    let asking = Options { zap_domain: Some(ZapDomain::new("global").unwrap()), ..Options::default() };
    for options in [secured, asking] {
        for octets in [&b"\x01\0\x02\0x"[..], &[SIGNATURE, b"\x01\x08\0\0\0\x01x"].concat()] {
            let mut scene = scene(Role::Binds, SocketType::Pull, options.clone());
            scene.writes(octets);
            scene.is_closed();
            assert!(scene.socket.try_recv().is_err());
            scene.ends();
        }
    }
}

// spec: ZMTP20-COMPAT-10, ZMTP20-GREET-03, ZMTP20-GREET-05
#[test]
fn what_an_older_peer_breaks_ends_its_connection_without_a_command() {
    let broken: [&[u8]; 6] = [
        b"\x01\x02\0\0",                       // a SUB
        b"\x01\x0b\0\0",                       // no type that there is
        b"\x01\x08\x01\x01a",                  // an identity that goes on
        b"\x01\x08\x02\0\0\0\0\0\0\x01\0",     // one of 256 octets
        b"\x01\x08\0\0\x02\x80\0\0\0\0\0\0\0", // a frame of 2^63 octets
        b"\0\x08\0\0",                         // revision 0
    ];
    for octets in broken {
        let mut scene = scene(Role::Binds, SocketType::Pull, Options::default());
        scene.writes(&[SIGNATURE, octets].concat());
        scene.is_closed();
        scene.ends();
    }
    let broken: [&[u8]; 3] = [
        b"\xff\0\0\0\0\0\0\x01\x01\0",       // an identity of 256 octets
        b"\x01\0\xff\x80\0\0\0\0\0\0\0\0",   // a frame of 2^63 octets
        b"\x01\0\xff\0\0\0\0\0\0\x04\x02\0", // one above the limit
    ];
    for octets in broken {
        let options = Options { max_frame_octets: Some(1024), ..Options::default() };
        let mut scene = scene(Role::Binds, SocketType::Pull, options);
        scene.writes(octets);
        scene.is_closed();
        scene.ends();
    }
}

/// Headers that claim much cost nothing, and octets that come one by one come to the same.
#[test]
fn older_peers_may_be_slow_and_boastful() {
    for octets in [&b"\x01\0\x03\x01hi\x02\0!"[..], &[SIGNATURE, b"\x01\x08\0\0\x01\x02hi\0\x01!"].concat()] {
        let mut scene = scene(Role::Binds, SocketType::Pull, Options::default());
        for octet in octets {
            scene.writes(&[*octet]);
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(scene.socket.recv().unwrap(), Message::from(["hi", "!"]));
        scene.ends();
    }
    let context = Context::new().unwrap();
    let pull = context.socket(SocketType::Pull).unwrap();
    let mut raw = Raw::connect(&pull.bind("tcp://127.0.0.1:*").unwrap());
    assert_eq!(raw.write(b"\x01\0\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0"), Wrote::All);
    assert_eq!(raw.write(&vec![b'x'; 1 << 20]), Wrote::All);
    pull.set_recv_timeout(Some(Duration::from_millis(50)));
    assert!(pull.recv().is_err(), "the frame is not whole");
}
