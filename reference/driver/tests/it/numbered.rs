//! Options by libzmq's numbers: what is set is read, what is out of range is refused, and each reaches its typed option.

use std::time::Duration;

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::numbered::{self, Kind, NumberedOption};
use zmq_reference::{EventKind, Hwm, KeyPair, Linger, Message, Plain, Security, SocketType};

fn socket(socket_type: SocketType) -> (Context, Socket) {
    let context = Context::new().unwrap();
    let socket = context.socket(socket_type).unwrap();
    (context, socket)
}

/// The errno of a refusal, 0 for none.
fn set(socket: &Socket, number: i32, value: &[u8]) -> i32 {
    numbered::set(socket.as_async(), number, value).map_or_else(|why| why.errno(), |()| 0)
}

fn set_int(socket: &Socket, number: i32, value: i32) -> i32 {
    set(socket, number, &value.to_ne_bytes())
}

fn get_int(socket: &Socket, number: i32) -> i32 {
    i32::from_ne_bytes(numbered::get(socket.as_async(), number, 4).unwrap().try_into().unwrap())
}

const EINVAL: i32 = 22;

/// Name, number, values that are taken and read again, values that are refused.
const INTS: &[(&str, i32, &[i32], &[i32])] = &[
    ("rate", 8, &[1, 5], &[0, -1]),
    ("recovery_ivl", 9, &[0, 7], &[-1]),
    ("sndbuf", 11, &[-1, 0, 9000], &[-2]),
    ("rcvbuf", 12, &[-1, 0, 9000], &[-2]),
    ("linger", 17, &[-1, 0, 1, i32::MAX], &[-2, i32::MIN]),
    ("reconnect_ivl", 18, &[-1, 0, 500, -1, 0], &[-2]),
    ("backlog", 19, &[0, 1, 4096], &[-1]),
    ("reconnect_ivl_max", 21, &[0, 1, 500], &[-1]),
    ("sndhwm", 23, &[0, 1, i32::MAX], &[-1]),
    ("rcvhwm", 24, &[0, 1, i32::MAX], &[-1]),
    ("multicast_hops", 25, &[1, 9], &[0, -1]),
    ("rcvtimeo", 27, &[-1, 0, 250], &[-2]),
    ("sndtimeo", 28, &[-1, 0, 250], &[-2]),
    ("ipv4only", 31, &[0, 1], &[-1, 2]),
    ("tcp_keepalive", 34, &[-1, 0, 1], &[-2, 2]),
    ("tcp_keepalive_cnt", 35, &[-1, 1, 9], &[-2]),
    ("tcp_keepalive_idle", 36, &[-1, 1, 9], &[-2]),
    ("tcp_keepalive_intvl", 37, &[-1, 1, 9], &[-2]),
    ("immediate", 39, &[0, 1], &[-1, 2]),
    ("ipv6", 42, &[0, 1], &[-1, 2]),
    ("plain_server", 44, &[1, 0], &[-1, 2]),
    ("curve_server", 47, &[1, 0], &[-1, 2]),
    ("conflate", 54, &[0, 1], &[-1, 2]),
    ("tos", 57, &[0, 40, 255], &[-1]),
    ("handshake_ivl", 66, &[0, 1, 30_000], &[-1]),
    ("invert_matching", 74, &[0, 1], &[]),
    ("heartbeat_ivl", 75, &[0, 1, 500], &[-1]),
    ("heartbeat_ttl", 76, &[0, 100, 6_553_500], &[-1, 6_553_600]),
    ("heartbeat_timeout", 77, &[-1, 0, 500], &[-2]),
    ("connect_timeout", 79, &[0, 500], &[-1]),
    ("tcp_maxrt", 80, &[0, 500], &[-1]),
    ("multicast_maxtpdu", 84, &[1, 500], &[0, -1]),
    ("zap_enforce_domain", 93, &[0, 1], &[]),
    ("loopback_fastpath", 94, &[0, 1], &[]),
    ("multicast_loop", 96, &[0, 1], &[]),
    ("in_batch_size", 101, &[1, 500], &[0, -1]),
    ("out_batch_size", 102, &[1, 500], &[0, -1]),
    ("reconnect_stop", 109, &[0, 1, 2, 4, 7], &[-1, 8]),
    ("priority", 112, &[0, 3], &[-1]),
];

#[test]
fn ints_are_checked_and_read_as_they_were_set() {
    let (_context, dealer) = socket(SocketType::Dealer);
    for (name, number, taken, refused) in INTS {
        let row = NumberedOption::all().find(|option| option.number == *number).unwrap();
        assert_eq!((row.name, row.kind), (*name, Kind::Int));
        for value in *taken {
            assert_eq!(set_int(&dealer, *number, *value), 0, "{name} {value}");
            assert_eq!(get_int(&dealer, *number), *value, "{name}");
        }
        for value in *refused {
            assert_eq!(set_int(&dealer, *number, *value), EINVAL, "{name} {value}");
            assert_eq!(
                get_int(&dealer, *number),
                *taken.last().unwrap(),
                "{name} changed although {value} was refused"
            );
        }
        // Other sizes are no ints.
        for octets in [&b""[..], &[0; 3], &[0; 5], &[0; 8]] {
            assert_eq!(set(&dealer, *number, octets), EINVAL, "{name} of {} octets", octets.len());
        }
        assert!(numbered::get(dealer.as_async(), *number, 3).is_err(), "{name} into 3 octets");
    }
    let tested = |row: &&NumberedOption| !INTS.iter().any(|(_, number, ..)| row.number == *number);
    let rows = NumberedOption::all().filter(|row| row.is_settable() && row.is_gettable() && row.kind == Kind::Int);
    let missing: Vec<_> = rows.filter(tested).map(|row| row.name).collect();
    assert_eq!(missing, ["router_notify"], "not in the table of this test");
}

/// Name, number, the type that has it, one that does not.
const SWITCHES: &[(&str, i32, SocketType, SocketType)] = &[
    ("router_mandatory", 33, SocketType::Router, SocketType::Dealer),
    ("xpub_verbose", 40, SocketType::XPub, SocketType::XSub),
    ("probe_router", 51, SocketType::Req, SocketType::Rep),
    ("req_correlate", 52, SocketType::Req, SocketType::Rep),
    ("req_relaxed", 53, SocketType::Req, SocketType::Rep),
    ("router_handover", 56, SocketType::Router, SocketType::Dealer),
    ("xpub_nodrop", 69, SocketType::Pub, SocketType::Sub),
    ("xpub_manual", 71, SocketType::XPub, SocketType::XSub),
    ("stream_notify", 73, SocketType::Stream, SocketType::Router),
    ("xpub_verboser", 78, SocketType::XPub, SocketType::XSub),
    ("router_notify", 97, SocketType::Router, SocketType::Dealer),
    ("xpub_manual_last_value", 98, SocketType::XPub, SocketType::XSub),
    ("only_first_subscribe", 108, SocketType::XSub, SocketType::Sub),
    ("xsub_verbose_unsubscribe", 115, SocketType::XSub, SocketType::XPub),
];

#[test]
fn options_of_one_type_are_no_others() {
    for (name, number, has, lacks) in SWITCHES {
        let row = NumberedOption::all().find(|option| option.number == *number).unwrap();
        assert_eq!(row.name, *name);
        let (_context, socket_with) = socket(*has);
        assert_eq!([1, 0, -1].map(|value| set_int(&socket_with, *number, value)), [0, 0, EINVAL], "{name}");
        let (_context, socket_without) = socket(*lacks);
        assert_eq!(set_int(&socket_without, *number, 1), EINVAL, "{name} of a {lacks}");
    }
}

/// In libzmq a PUB is an XPUB that shows nothing.
#[test]
fn a_pub_has_the_options_of_an_xpub_but_those_that_would_silence_it() {
    let (_context, publisher) = socket(SocketType::Pub);
    for number in [40, 69, 74, 78, 108] {
        assert_eq!([1, 0].map(|value| set_int(&publisher, number, value)), [0, 0], "{number}");
    }
    assert_eq!((set(&publisher, 72, b"hi"), publisher.options().welcome_message.as_deref()), (0, Some(&b"hi"[..])));
    for number in [71, 98] {
        assert_eq!(set_int(&publisher, number, 1), EINVAL, "{number}: nobody could grant a subscription");
    }
    assert_eq!(set(&publisher, 6, b"topic"), EINVAL);
}

#[test]
fn octets_texts_and_long_numbers_are_checked() {
    let (_context, dealer) = socket(SocketType::Dealer);
    let get = |number: i32, capacity: usize| numbered::get(dealer.as_async(), number, capacity);
    assert_eq!(get(5, 255).unwrap(), b"");
    assert_eq!(set(&dealer, 5, b"me"), 0);
    assert_eq!(get(5, 255).unwrap(), b"me");
    assert_eq!(get(5, 1).unwrap_err().errno(), EINVAL);
    assert_eq!([&b""[..], &[b'x'; 256]].map(|id| set(&dealer, 5, id)), [EINVAL; 2]);
    assert_eq!((set(&dealer, 22, &7_i64.to_ne_bytes()), set(&dealer, 22, &[0; 4])), (0, EINVAL));
    assert_eq!(get(22, 8).unwrap(), 7_i64.to_ne_bytes());
    // Any negative number is no limit; 0 is a limit.
    for (number, limit) in [(0_i64, Some(0)), (-1, None), (i64::MAX, Some(i64::MAX as u64)), (-2, None)] {
        assert_eq!(set(&dealer, 22, &number.to_ne_bytes()), 0);
        assert_eq!(dealer.options().max_frame_octets, limit);
        assert_eq!(get(22, 8).unwrap(), number.max(-1).to_ne_bytes());
    }
    assert_eq!(set(&dealer, 4, &5_u64.to_ne_bytes()), 0);
    assert_eq!(get(4, 8).unwrap(), 5_u64.to_ne_bytes());
    for (number, most) in [(45, 255), (46, 255), (55, 255), (92, 16), (99, 255), (100, 255)] {
        assert_eq!(get(number, 300).unwrap(), b"\0", "{number}");
        assert_eq!(set(&dealer, number, b"word"), 0, "{number}");
        assert_eq!(get(number, 300).unwrap(), b"word\0", "{number}");
        assert_eq!(get(number, 4).unwrap_err().errno(), EINVAL, "{number}");
        assert_eq!(set(&dealer, number, &vec![b'x'; most + 1]), EINVAL, "{number}");
    }
    assert_eq!(
        [&b"X-a:b"[..], b"X-a:", b"Y-a:b", b"X-a", b"X-:b", b""].map(|pair| set(&dealer, 95, pair)),
        [0, 0, EINVAL, EINVAL, EINVAL, EINVAL]
    );
    assert_eq!(dealer.options().metadata, [("X-a".to_owned(), Vec::new())], "the later value counts");
    assert_eq!([&b"127.0.0.1"[..], b"10.0.0.0/8", b"nobody", b""].map(|net| set(&dealer, 38, net)), [0, 0, EINVAL, 0]);
    assert_eq!(dealer.options().accept.networks.len(), 0, "nothing clears the list");
    assert_eq!(set(&dealer, 6, b"topic"), EINVAL, "a DEALER does not subscribe");
    assert_eq!((set_int(&dealer, 16, 1), set_int(&dealer, 999, 1)), (EINVAL, EINVAL), "read only; not there");
    assert_eq!((get(6, 9).unwrap_err().errno(), get(999, 9).unwrap_err().errno()), (EINVAL, EINVAL));
    assert_eq!(get_int(&dealer, 16), 5);
}

#[test]
fn numbers_reach_the_typed_options() {
    let (_context, dealer) = socket(SocketType::Dealer);
    for (number, value) in [(17, 250), (23, 0), (24, 7), (66, 0), (75, 20), (18, -1), (27, 30)] {
        assert_eq!(set_int(&dealer, number, value), 0);
    }
    let options = dealer.options();
    assert_eq!(options.linger, Linger::For(Duration::from_millis(250)));
    assert_eq!((options.send_hwm, options.recv_hwm), (Hwm::Unlimited, Hwm::messages(7)));
    assert_eq!((options.handshake_timeout, options.reconnect.interval), (None, None));
    assert_eq!(options.heartbeat.interval, Some(Duration::from_millis(20)));
    assert_eq!(dealer.recv_timeout(), Some(Duration::from_millis(30)));
}

#[test]
fn the_mechanism_is_what_was_set_last() {
    let (_context, dealer) = socket(SocketType::Dealer);
    assert_eq!(get_int(&dealer, 43), 0);
    assert_eq!((set(&dealer, 45, b"admin"), set(&dealer, 46, b"secret")), (0, 0));
    let Security::Plain(Plain::Client(login)) = dealer.options().security else { panic!("a client of PLAIN") };
    assert_eq!((login.username(), login.password(), get_int(&dealer, 43)), (&b"admin"[..], &b"secret"[..], 1));
    assert_eq!(set_int(&dealer, 44, 1), 0);
    assert_eq!((dealer.options().security, get_int(&dealer, 44)), (Security::Plain(Plain::Server), 1));
    assert_eq!(set(&dealer, 45, b"another"), 0);
    assert_eq!((get_int(&dealer, 44), get_int(&dealer, 43)), (0, 1));
    assert_eq!(set(&dealer, 45, b""), 0);
    assert_eq!((dealer.options().security, get_int(&dealer, 43)), (Security::Null, 0));
}

#[test]
fn keys_make_a_client_or_a_server_of_curve() {
    let (_context, dealer) = socket(SocketType::Dealer);
    let get = |number: i32, capacity: usize| numbered::get(dealer.as_async(), number, capacity).unwrap();
    // The client's keys of 32/Z85's and libzmq's manual, and a server's.
    let (public, secret) = (b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs");
    let server = b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    assert_eq!(get(48, 32), [0; 32]);
    assert_eq!((set(&dealer, 50, server), get_int(&dealer, 43)), (0, 2));
    assert_eq!((set(&dealer, 49, secret), set(&dealer, 48, &[&public[..], b"\0"].concat())), (0, 0));
    assert!(matches!(dealer.options().security, Security::Curve(zmq_reference::Curve::Client(_))));
    assert_eq!(get(48, 41), [&public[..], b"\0"].concat());
    assert_eq!((get(49, 41)[..40].to_vec(), get(50, 32).len()), (secret.to_vec(), 32));
    let octets = get(49, 32);
    assert_eq!((set(&dealer, 49, &octets), set(&dealer, 49, &octets[..31])), (0, EINVAL));
    assert_eq!(set_int(&dealer, 47, 1), 0);
    assert!(matches!(dealer.options().security, Security::Curve(zmq_reference::Curve::Server(_))));
    assert_eq!((get_int(&dealer, 47), set_int(&dealer, 47, 0), get_int(&dealer, 43)), (1, 0, 0));
}

// spec: CURVE-FLOW-06
#[test]
fn without_the_servers_key_a_client_of_curve_talks_to_nobody() {
    let secret = b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";
    let servers = KeyPair::generate([1; 32]);
    let key = servers.public().octets().to_vec();
    let curve = Security::curve_server(servers);
    for (security, key, comes_in) in
        [(Security::Null, None, false), (curve.clone(), None, false), (curve, Some(key), true)]
    {
        let (context, pull) = socket(SocketType::Pull);
        pull.change_options(|options| options.security = security.clone());
        let monitor = pull.monitor();
        let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap().to_string();
        let push = context.socket(SocketType::Push).unwrap();
        assert_eq!((set(&push, 49, secret), key.map_or(0, |key| set(&push, 50, &key))), (0, 0));
        push.connect(&endpoint).unwrap();
        let outcome = loop {
            match monitor.recv().unwrap().kind {
                EventKind::HandshakeSucceeded => break true,
                EventKind::HandshakeFailed(_) => break false,
                _ => {}
            }
        };
        assert_eq!(outcome, comes_in, "{security:?}");
        context.as_async().abandon();
    }
}

#[test]
fn a_socket_tells_of_itself() {
    let (context, pull) = socket(SocketType::Pull);
    let text = |number: i32| String::from_utf8(numbered::get(pull.as_async(), number, 255).unwrap()).unwrap();
    assert_eq!(text(32), "\0");
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap().to_string();
    assert_eq!(text(32), format!("{endpoint}\0"));
    assert_eq!((get_int(&pull, 13), get_int(&pull, 15), get_int(&pull, 81)), (0, 0, 0));
    assert!(get_int(&pull, 14) > 2 && get_int(&pull, 14) == get_int(&pull, 14));
    let push = context.socket(SocketType::Push).unwrap();
    push.connect(&endpoint).unwrap();
    assert_eq!(get_int(&push, 15), 2);
    push.send("a").unwrap();
    pull.readable();
    assert_eq!(get_int(&pull, 15), 1);
    assert_eq!(pull.recv().unwrap(), Message::from("a"));
    assert_eq!(get_int(&pull, 15), 0);
    let (_other, xpub) = socket(SocketType::XPub);
    assert_eq!(get_int(&xpub, 116), 0);
    assert!(numbered::get(pull.as_async(), 116, 4).is_err());
    context.as_async().shutdown();
    assert_eq!(set_int(&pull, 17, 0), 156_384_765, "ETERM");
    assert_eq!(numbered::get(pull.as_async(), 17, 4).unwrap_err().errno(), 156_384_765);
}
