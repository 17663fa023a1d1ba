//! Monitor events: which, in which order, with what value, and in libzmq's frames.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use zmq_reference::blocking::{Context, Monitor, Socket};
use zmq_reference::{Event, EventMask, EventVersion, Linger, Message, MonitorType, Options, Reconnect, SocketType};

use crate::good::socket;
use crate::raw::{Raw, Wrote, command, greeting};

fn plain(context: &Context, socket_type: SocketType) -> Socket {
    socket(context, socket_type, Options::default())
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind.name()).collect()
}

/// Events up to the first of that name.
fn until(monitor: &Monitor, name: &str) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = monitor.recv() {
        let last = event.kind.name() == name;
        events.push(event);
        if last {
            return events;
        }
    }
    panic!("no event {name} among {:?}", names(&events));
}

#[test]
fn both_sides_are_told_what_happens_in_order() {
    let context = Context::new().unwrap();
    let (pull, push) = (plain(&context, SocketType::Pull), plain(&context, SocketType::Push));
    let (bound, connected) = (pull.monitor(), push.monitor());
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap().to_string();
    push.connect(&endpoint).unwrap();
    let theirs = until(&connected, "handshake_succeeded");
    let mut ours = until(&bound, "handshake_succeeded");
    pull.unbind(&endpoint).unwrap();
    ours.extend(until(&bound, "closed"));
    push.close(Some(Linger::Discard));
    ours.extend(until(&bound, "disconnected"));

    assert_eq!(names(&theirs), ["connect_delayed", "connected", "handshake_succeeded"]);
    assert_eq!(names(&ours), ["listening", "accepted", "handshake_succeeded", "closed", "disconnected"]);
    assert_eq!(theirs[0].value(), 115, "EINPROGRESS");
    let [listening, accepted, _, closed, disconnected] = &ours[..] else { panic!("there are five") };
    assert!(listening.value() > 2 && accepted.value() > 2, "descriptors: {listening:?} {accepted:?}");
    assert_eq!((listening.value(), accepted.value()), (closed.value(), disconnected.value()));
    for event in ours.iter().chain(&theirs) {
        assert_eq!(event.endpoint_text(), endpoint, "{event:?}");
    }
    assert_eq!(accepted.remote_text(), theirs[1].local_text());
    assert_eq!((theirs[0].local_text(), listening.remote_text()), (String::new(), String::new()));
    assert!(connected.recv().is_none(), "a closed socket's monitor ends");
}

#[test]
fn an_attempt_that_fails_is_closed_and_made_again_after_the_interval() {
    let endpoint = {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("tcp://{}", taken.local_addr().unwrap())
    };
    let context = Context::new().unwrap();
    let interval = Duration::from_millis(7);
    let reconnect = Reconnect { interval: Some(interval), interval_max: Some(interval), ..Reconnect::default() };
    let push = socket(&context, SocketType::Push, Options { reconnect, ..Options::default() });
    let monitor = push.monitor();
    push.connect(&endpoint).unwrap();
    let events = until(&monitor, "connect_retried");
    assert_eq!(names(&events), ["connect_delayed", "closed", "connect_retried"]);
    assert_eq!(events[2].value(), 7);
    push.close(Some(Linger::Discard));
}

#[test]
fn an_endpoint_that_cannot_be_bound_is_an_event() {
    let context = Context::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let pull = plain(&context, SocketType::Pull);
    let monitor = pull.monitor();
    let endpoint = format!("tcp://{}", taken.local_addr().unwrap());
    assert_eq!(pull.bind(&endpoint).unwrap_err().errno(), 98, "EADDRINUSE");
    // It stands there when `bind` comes back.
    let event = monitor.try_recv().unwrap();
    assert_eq!((event.kind.name(), event.value(), event.endpoint_text()), ("bind_failed", 98, endpoint));
}

/// What a peer does to the handshake is told apart, with libzmq's codes.
#[test]
fn failed_handshakes_are_told_apart() {
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    let monitor = pull.monitor();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let mut other_mechanism = greeting();
    other_mechanism[12..20].copy_from_slice(b"ZMQSPEC!");
    let error = |reason: &str| {
        let mut data = vec![u8::try_from(reason.len()).unwrap()];
        data.extend_from_slice(reason.as_bytes());
        [greeting(), command("ERROR", &data)].concat()
    };
    for (octets, name, value) in [
        (other_mechanism, "handshake_failed_protocol", 0x1100_0002),
        ([greeting(), command("HELLO", b"")].concat(), "handshake_failed_protocol", 0x1000_0001),
        ([greeting(), command("READY", b"\x01")].concat(), "handshake_failed_protocol", 0x1000_0018),
        (error("300"), "handshake_failed_auth", 300),
        (error("400"), "handshake_failed_auth", 400),
        (error("500"), "handshake_failed_auth", 500),
        (error("I do not like you"), "handshake_failed_protocol", 0x1000_0000),
        (greeting(), "handshake_failed_no_detail", 32),
    ] {
        let mut raw = Raw::connect(&endpoint);
        assert_eq!(raw.write(&octets), Wrote::All);
        raw.finish();
        let events = until(&monitor, "disconnected");
        let failed = &events[events.len() - 2];
        assert_eq!((failed.kind.name(), failed.value()), (name, value), "{failed:?}");
    }
}

#[test]
fn who_is_refused_is_told_and_does_not_come_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    let context = Context::new().unwrap();
    let push = plain(&context, SocketType::Push);
    let monitor = push.monitor();
    push.connect(&endpoint).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(&[greeting(), command("ERROR", b"\x03400")].concat()).unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
    let events = until(&monitor, "disconnected");
    assert_eq!(names(&events[2..]), ["handshake_failed_auth", "disconnected"]);
    assert_eq!(events[2].value(), 400);
}

fn number(message: &Message, part: usize) -> u64 {
    u64::from_ne_bytes(message.part(part).unwrap()[..].try_into().unwrap())
}

fn text(message: &Message, part: usize) -> String {
    String::from_utf8(message.part(part).unwrap().to_vec()).unwrap()
}

#[test]
fn the_first_form_is_a_number_a_value_and_an_endpoint() {
    let context = Context::new().unwrap();
    let (pull, push) = (plain(&context, SocketType::Pull), plain(&context, SocketType::Push));
    pull.monitor_at("inproc://events", EventMask::ALL, EventVersion::V1, MonitorType::Pair).unwrap();
    let reader = plain(&context, SocketType::Pair);
    reader.connect("inproc://events").unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap().to_string();
    push.connect(&endpoint).unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let event = reader.recv().unwrap();
        assert_eq!((event.parts(), event.first().len()), (2, 6));
        assert_eq!(text(&event, 1), endpoint);
        let head = event.first();
        seen.push(u16::from_ne_bytes([head[0], head[1]]));
        let value = u32::from_ne_bytes([head[2], head[3], head[4], head[5]]);
        assert!(if seen.len() < 3 { (3..10_000).contains(&value) } else { value == 0 }, "{value}");
    }
    assert_eq!(seen, [0x0008, 0x0020, 0x1000]);
    pull.close(None);
    // The listener's end, and perhaps before it that of the connection.
    let mut next = reader.recv().unwrap();
    if next.first()[..2] == 0x0200_u16.to_ne_bytes() {
        next = reader.recv().unwrap();
    }
    assert_eq!(next.first()[..2], 0x0080_u16.to_ne_bytes());
    let last = reader.recv().unwrap();
    assert_eq!(
        (&last.first()[..], &last.part(1).unwrap()[..]),
        (&[0x0400_u16.to_ne_bytes().as_slice(), &[0; 4]].concat()[..], &b""[..])
    );
}

#[test]
fn the_second_form_has_a_frame_for_each_number_and_both_ends() {
    let context = Context::new().unwrap();
    for (monitor_type, reader_type) in [
        (MonitorType::Pair, SocketType::Pair),
        (MonitorType::Push, SocketType::Pull),
        (MonitorType::Pub, SocketType::Sub),
    ] {
        let (pull, push) = (plain(&context, SocketType::Pull), plain(&context, SocketType::Push));
        let mask = EventMask::ACCEPTED | EventMask::CONNECT_RETRIED | EventMask::MONITOR_STOPPED;
        pull.monitor_at("inproc://events", mask, EventVersion::V2, monitor_type).unwrap();
        let reader = plain(&context, reader_type);
        if reader_type == SocketType::Sub {
            reader.subscribe("").unwrap();
        }
        reader.connect("inproc://events").unwrap();
        // The subscription of a SUB takes effect over inproc when the SUB is called.
        assert!(!reader.as_async().can_recv());
        let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap().to_string();
        push.connect(&endpoint).unwrap();
        let accepted = reader.recv().unwrap();
        assert_eq!((accepted.parts(), number(&accepted, 0), number(&accepted, 1)), (5, 0x0020, 1));
        assert!((3..10_000).contains(&number(&accepted, 2)));
        assert_eq!(text(&accepted, 3), endpoint);
        assert!(text(&accepted, 4).starts_with("tcp://127.0.0.1:") && text(&accepted, 4) != endpoint);
        pull.end_monitor();
        let last = reader.recv().unwrap();
        assert_eq!((number(&last, 0), number(&last, 1), number(&last, 2)), (0x0400, 1, 0));
        assert_eq!((text(&last, 3), text(&last, 4)), (String::new(), String::new()));
        // The name is free again as soon as the last event is out.
        assert!(crate::alone::eventually(|| {
            pull.monitor_at("inproc://events", mask, EventVersion::V2, monitor_type).is_ok()
        }));
        pull.end_monitor();
        drop((reader, push, pull));
        assert!(crate::alone::eventually(|| plain(&context, SocketType::Pair).bind("inproc://events").is_ok()));
    }
}

#[test]
fn events_are_sent_over_inproc_only() {
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    let at = |endpoint: &str| pull.monitor_at(endpoint, EventMask::ALL, EventVersion::V1, MonitorType::Pair);
    assert_eq!(at("tcp://127.0.0.1:*").unwrap_err().errno(), 93, "EPROTONOSUPPORT");
    assert_eq!(at("events").unwrap_err().errno(), 22, "EINVAL");
    at("inproc://events").unwrap();
    assert_eq!(at("inproc://events").unwrap_err().errno(), 98, "EADDRINUSE");
}

#[test]
fn nothing_waits_for_a_reader_of_events_that_never_comes() {
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    pull.monitor_at("inproc://events", EventMask::ALL, EventVersion::V1, MonitorType::Pair).unwrap();
    for _ in 0..20 {
        let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap().to_string();
        pull.unbind(&endpoint).unwrap();
    }
    let (ended, end) = std::sync::mpsc::channel();
    thread::spawn(move || {
        context.term();
        let _ = ended.send(());
    });
    end.recv_timeout(Duration::from_secs(10)).expect("term does not wait for the monitor");
}

#[test]
fn a_later_monitor_ends_the_earlier_one() {
    let context = Context::new().unwrap();
    let pull = plain(&context, SocketType::Pull);
    let first = pull.monitor();
    let second = pull.monitor();
    pull.bind("tcp://127.0.0.1:*").unwrap();
    assert!(first.recv().is_none());
    assert_eq!(second.recv().unwrap().kind.name(), "listening");
}
