//! tcp endpoints in all their forms, what becomes of them, and when they are dialled no more.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use zmq_reference::blocking::{Context, Monitor, Socket};
use zmq_reference::{
    AcceptFilter, Endpoint, Linger, Message, Options, Plain, Reconnect, ReconnectStop, Security, SocketType, SocksProxy,
};

use crate::alone::eventually;
use crate::good::socket;

fn plain(context: &Context, socket_type: SocketType) -> Socket {
    socket(context, socket_type, Options::default())
}

fn ipv6() -> Options {
    Options { ipv6: true, ..Options::default() }
}

fn passes(push: &Socket, pull: &Socket) {
    push.send("passes").unwrap();
    assert_eq!(pull.recv().unwrap(), Message::from("passes"));
}

fn wait_for(monitor: &Monitor, kind: &str) {
    assert!(eventually(|| monitor.try_recv().is_some_and(|event| event.kind.name() == kind)), "no event {kind}");
}

fn port(endpoint: &Endpoint) -> u16 {
    let Endpoint::Tcp { port, .. } = endpoint else { panic!("expected tcp, came {endpoint}") };
    *port
}

#[test]
fn ipv6_is_there_when_it_is_asked_for() {
    let context = Context::new().unwrap();
    for endpoint in ["tcp://[::1]:*", "tcp://[::]:*"] {
        assert_eq!(plain(&context, SocketType::Pull).bind(endpoint).unwrap_err().errno(), 19);
    }
    for (asked, expected, reached_at) in [
        ("tcp://[::1]:*", "tcp://[::1]:", "tcp://[::1]:"),
        ("tcp://*:*", "tcp://[::]:", "tcp://127.0.0.1:"),
        ("tcp://*:*", "tcp://[::]:", "tcp://[::1]:"),
        ("tcp://127.0.0.1:*", "tcp://[::ffff:127.0.0.1]:", "tcp://127.0.0.1:"),
    ] {
        let pull = socket(&context, SocketType::Pull, ipv6());
        let at = pull.bind(asked).unwrap();
        assert_eq!(at.to_string(), format!("{expected}{}", port(&at)));
        let push = socket(&context, SocketType::Push, ipv6());
        push.connect(&format!("{reached_at}{}", port(&at))).unwrap();
        passes(&push, &pull);
    }
    // Without it, an address of IPv6 is never connected to.
    let pull = socket(&context, SocketType::Pull, ipv6());
    let at = pull.bind("tcp://[::1]:*").unwrap();
    let push = plain(&context, SocketType::Push);
    let monitor = push.monitor();
    push.connect(&at.to_string()).unwrap();
    wait_for(&monitor, "connect_retried");
    push.close(Some(Linger::Discard));
}

#[test]
fn every_form_of_an_endpoint_is_bound_or_refused_with_its_errno() {
    let context = Context::new().unwrap();
    let bound = |text: &str| plain(&context, SocketType::Pull).bind(text).map(|at| at.to_string());
    for (text, starts) in [("tcp://*:*", "tcp://0.0.0.0:"), ("tcp://127.0.0.1:0", "tcp://127.0.0.1:")] {
        assert!(bound(text).unwrap().starts_with(starts), "{text}");
    }
    assert!(bound("tcp://localhost:*").unwrap().starts_with("tcp://127.0.0.1:"));
    #[cfg(target_os = "linux")]
    assert!(bound("tcp://lo:*").unwrap().starts_with("tcp://127.0.0.1:"));
    for (text, errno) in [
        ("tcp://no-such-interface:5555", 19),
        ("tcp://192.0.2.1:5555", 99),
        ("tcp://lo", 22),
        ("tcp://*:!", 22),
        ("tcp://127.0.0.1:1;127.0.0.1:2", 22),
        ("udp://*:1", 156_384_764),
        ("pgm://x:1", 93),
        ("nonsense", 22),
        ("inproc://", 22),
    ] {
        assert_eq!(bound(text).unwrap_err().errno(), errno, "{text}");
    }
    let taken = bound("tcp://127.0.0.1:*").unwrap();
    let pull = plain(&context, SocketType::Pull);
    let at = pull.bind(&taken).unwrap().to_string();
    assert_eq!(plain(&context, SocketType::Pull).bind(&at).unwrap_err().errno(), 98);
}

/// There are no resources: all that is served at an endpoint is one socket's, and behind that one's mechanism.
// spec: ZMTP31-RESRC-03
#[test]
fn an_endpoint_belongs_to_one_socket_and_its_credentials() {
    let context = Context::new().unwrap();
    let first = Options { security: Security::Plain(Plain::Server), ..Options::default() };
    let first = socket(&context, SocketType::Pull, first);
    let at = first.bind("tcp://127.0.0.1:*").unwrap();
    for socket_type in [SocketType::Pull, SocketType::Rep] {
        let second = plain(&context, socket_type);
        assert_eq!(second.bind(&at.to_string()).unwrap_err().errno(), 98, "EADDRINUSE");
        assert_eq!(second.bind(&format!("{at}/resource")).unwrap_err().errno(), 22, "EINVAL");
    }
}

#[test]
fn a_connection_comes_from_the_address_or_interface_that_was_given() {
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    let port = port(&pull.bind("tcp://127.0.0.1:*").unwrap());
    for (source, seen) in [("127.0.0.2:0", "127.0.0.2"), ("lo:*", "127.0.0.1")] {
        if !cfg!(target_os = "linux") {
            // Others have neither the whole of 127/8 nor that name.
            continue;
        }
        let push = plain(&context, SocketType::Push);
        push.connect(&format!("tcp://{source};127.0.0.1:{port}")).unwrap();
        push.send("from there").unwrap();
        let (_, info) = pull.recv_from().unwrap();
        let address = ("Peer-Address".to_owned(), seen.as_bytes().to_vec());
        assert!(info.properties().contains(&address), "{:?}", info.properties());
    }
}

#[test]
fn endpoints_are_given_up_one_at_a_time_by_either_of_their_names() {
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    let at = pull.bind("tcp://localhost:*").unwrap();
    // As it was given it would be any port.
    assert_eq!(pull.unbind("tcp://localhost:*").unwrap_err().errno(), 2);
    pull.unbind(&at.to_string()).unwrap();
    let named = format!("tcp://localhost:{}", port(&at));
    assert!(eventually(|| pull.bind(&named).is_ok()));
    assert_eq!(pull.as_async().last_endpoint(), Some(at.clone()));
    pull.unbind(&named).unwrap();
    assert_eq!(pull.unbind(&at.to_string()).unwrap_err().errno(), 2);
    // What was connected is no listener, and the other way round.
    let push = plain(&context, SocketType::Push);
    push.connect(&at.to_string()).unwrap();
    push.connect(&at.to_string()).unwrap();
    assert_eq!(push.unbind(&at.to_string()).unwrap_err().errno(), 2);
    push.disconnect(&at.to_string()).unwrap();
    push.disconnect(&at.to_string()).unwrap();
    assert_eq!(push.disconnect(&at.to_string()).unwrap_err().errno(), 2);
    assert_eq!(push.disconnect("nonsense").unwrap_err().errno(), 22);
    assert_eq!(push.disconnect("tcp://127.0.0.1").unwrap_err().errno(), 22);
}

#[test]
fn only_listed_networks_are_let_in() {
    let context = Context::new().unwrap();
    for (network, expected) in [("127.0.0.0/8", "handshake_succeeded"), ("10.0.0.0/8", "accept_failed")] {
        let accept = AcceptFilter { networks: vec![network.parse().unwrap()], ..AcceptFilter::default() };
        let pull = socket(&context, SocketType::Pull, Options { accept, ..Options::default() });
        let monitor = pull.monitor();
        let push = plain(&context, SocketType::Push);
        push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap().to_string()).unwrap();
        wait_for(&monitor, expected);
        push.close(Some(Linger::Discard));
    }
}

#[test]
fn a_listener_that_was_made_elsewhere_is_used() {
    let context = Context::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let pull = plain(&context, SocketType::Pull);
    pull.as_async().listen_with(Some(listener.into()));
    assert_eq!(pull.bind("tcp://*:1").unwrap(), Endpoint::of(at));
    let push = plain(&context, SocketType::Push);
    push.connect(&format!("tcp://{at}")).unwrap();
    passes(&push, &pull);
}

/// A proxy for one connection, which demands a login if there is one, and answers with this status.
fn proxy(login: Option<(&'static str, &'static str)>, status: u8) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let mut client = listener.accept().unwrap().0;
        let read = |client: &mut TcpStream, n: usize| {
            let mut octets = vec![0; n];
            client.read_exact(&mut octets).unwrap();
            octets
        };
        let methods = usize::from(read(&mut client, 2)[1]);
        let methods = read(&mut client, methods);
        let method = if login.is_some() { 2 } else { 0 };
        assert!(methods.contains(&method));
        client.write_all(&[5, method]).unwrap();
        if let Some((user, password)) = login {
            let user_len = usize::from(read(&mut client, 2)[1]);
            assert_eq!(read(&mut client, user_len), user.as_bytes());
            let password_len = usize::from(read(&mut client, 1)[0]);
            assert_eq!(read(&mut client, password_len), password.as_bytes());
            client.write_all(&[1, 0]).unwrap();
        }
        let kind = read(&mut client, 4)[3];
        let host = match kind {
            1 => read(&mut client, 4).iter().map(u8::to_string).collect::<Vec<_>>().join("."),
            3 => {
                let len = usize::from(read(&mut client, 1)[0]);
                String::from_utf8(read(&mut client, len)).unwrap()
            }
            other => panic!("unexpected kind of address {other}"),
        };
        let port = read(&mut client, 2);
        client.write_all(&[5, status, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
        if status != 0 {
            return;
        }
        // A name that only the proxy knows.
        let host = if host == "hidden.invalid" { "127.0.0.1" } else { &host };
        let target = TcpStream::connect((host, u16::from_be_bytes([port[0], port[1]]))).unwrap();
        let (mut from, mut to) = (target.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let _ = std::io::copy(&mut client, &mut &target);
        let _ = target.shutdown(Shutdown::Both);
    });
    address
}

#[test]
fn tcp_goes_through_a_socks_proxy_which_looks_names_up() {
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    let port = port(&pull.bind("tcp://127.0.0.1:*").unwrap());
    for (host, login) in [("127.0.0.1", None), ("hidden.invalid", Some(("me", "secret")))] {
        let socks = SocksProxy {
            address: proxy(login, 0),
            login: login.map(|(user, password)| (user.to_owned(), password.to_owned())),
        };
        let push = socket(&context, SocketType::Push, Options { socks: Some(socks), ..Options::default() });
        push.connect(&format!("tcp://{host}:{port}")).unwrap();
        passes(&push, &pull);
    }
    // One that refuses is asked again.
    let socks = Some(SocksProxy { address: proxy(None, 5), login: None });
    let push = socket(&context, SocketType::Push, Options { socks, ..Options::default() });
    let monitor = push.monitor();
    push.connect(&format!("tcp://127.0.0.1:{port}")).unwrap();
    wait_for(&monitor, "connect_retried");
    push.close(Some(Linger::Discard));
}

fn reconnect(stop: ReconnectStop) -> Options {
    let reconnect = Reconnect { interval: Some(Duration::from_millis(10)), stop, ..Reconnect::default() };
    Options { reconnect, ..Options::default() }
}

/// Waits until the endpoint is dialled no more: its pipe goes with it, and without one there is nothing to send into.
fn is_over(push: &Socket, monitor: &Monitor) {
    assert!(eventually(|| !push.as_async().can_send()), "it is still dialled");
    let retried = std::iter::from_fn(|| monitor.try_recv()).any(|event| event.kind.name() == "connect_retried");
    assert!(!retried, "it was dialled again");
}

#[test]
fn an_endpoint_that_refuses_is_dialled_no_more_if_that_is_wanted() {
    let context = Context::new().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let push =
        socket(&context, SocketType::Push, reconnect(ReconnectStop { on_refusal: true, ..ReconnectStop::default() }));
    let monitor = push.monitor();
    let endpoint = format!("tcp://{nobody}");
    push.connect(&endpoint).unwrap();
    is_over(&push, &monitor);
    assert_eq!(push.disconnect(&endpoint).unwrap_err().errno(), 2);
    // Without that it is dialled for ever.
    let push = socket(&context, SocketType::Push, reconnect(ReconnectStop::default()));
    let monitor = push.monitor();
    push.connect(&endpoint).unwrap();
    (0..3).for_each(|_| wait_for(&monitor, "connect_retried"));
}

#[test]
fn a_failed_handshake_ends_the_dialling_if_that_is_wanted() {
    let context = Context::new().unwrap();
    for timed_out in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
        let peer = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            if !timed_out {
                // A greeting of a mechanism that there is not.
                let mut greeting = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1];
                greeting.extend_from_slice(b"NONE");
                greeting.resize(64, 0);
                stream.write_all(&greeting).unwrap();
            }
            let _ = stream.read_to_end(&mut Vec::new());
            listener
        });
        let stop = ReconnectStop { on_failed_handshake: true, ..ReconnectStop::default() };
        let options = Options { handshake_timeout: Some(Duration::from_millis(100)), ..reconnect(stop) };
        let push = socket(&context, SocketType::Push, options);
        let monitor = push.monitor();
        push.connect(&endpoint).unwrap();
        let _listener = peer.join().unwrap();
        is_over(&push, &monitor);
    }
}

#[test]
fn a_disconnect_ends_the_dialling_at_once_if_that_is_wanted() {
    let context = Context::new().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("tcp://{nobody}");
    let stop = ReconnectStop { after_disconnect: true, ..ReconnectStop::default() };
    let push = socket(&context, SocketType::Push, reconnect(stop));
    push.connect(&endpoint).unwrap();
    push.send("never sent").unwrap();
    push.disconnect(&endpoint).unwrap();
    // Whoever comes now is not connected to, and the end does not wait for it.
    push.close(Some(Linger::Forever));
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        context.term();
        ended.send(()).unwrap();
    });
    end.recv_timeout(Duration::from_secs(10)).expect("nothing is waited for");
}

#[test]
fn without_an_interval_nothing_is_dialled_twice() {
    let context = Context::new().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("tcp://{nobody}");
    let reconnect = Reconnect { interval: None, ..Reconnect::default() };
    let push = socket(&context, SocketType::Push, Options { reconnect, ..Options::default() });
    let monitor = push.monitor();
    push.connect(&endpoint).unwrap();
    is_over(&push, &monitor);
}
