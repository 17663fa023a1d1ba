//! The reference's options have libzmq's defaults, sizes and directions, for every type of socket.
//!
//! Compared with the libzmq of the system; where there is none the test says so and passes.

use zmq_libzmq::{Context, Library, names};
use zmq_reference::SocketType;
use zmq_reference::numbered::{self, ContextOption, Kind, NumberedContext, NumberedOption};

/// An option that is not alike, on which types (all if none is named), and why.
const DIFFERENCES: &[(&str, &[&str], &str)] = &[
    ("fd", &[], "the number of a descriptor"),
    ("linger", &["SUB", "XSUB"], "libzmq discards what these have not sent; here it has the linger of other types"),
    ("router_notify", &[], "a draft option in libzmq: its stable build refuses it"),
    ("priority", &[], "a draft option in libzmq: its stable build refuses it"),
    ("topics_count", &[], "a draft option in libzmq: its stable build refuses it"),
    ("reconnect_stop", &[], "a draft option in libzmq 4.3.4"),
    ("in_batch_size", &[], "a draft option in libzmq: its stable build refuses it"),
    ("out_batch_size", &[], "a draft option in libzmq: its stable build refuses it"),
    ("multicast_loop", &[], "a draft option in libzmq 4.3.4"),
];

/// Options of libzmq that are not offered.
const ABSENT: &[(&str, &str)] = &[
    ("router_raw", "deprecated: STREAM is what it is for"),
    ("gssapi_server", "GSSAPI is not there: as in a libzmq without it"),
    ("gssapi_principal", "as above"),
    ("gssapi_service_principal", "as above"),
    ("gssapi_plaintext", "as above"),
    ("gssapi_principal_nametype", "as above"),
    ("gssapi_service_principal_nametype", "as above"),
];

/// Read into this, a key comes as octets.
const KEY: usize = 32;

#[test]
fn defaults_are_those_of_libzmq() {
    let Ok(library) = Library::open(None) else {
        println!("skipped: the system has no libzmq");
        return;
    };
    let theirs = Context::new(&library).unwrap();
    let ours = zmq_reference::Context::new().unwrap();
    let mut findings = Vec::new();
    for (type_name, type_number) in names::SOCKET_TYPES {
        let Some(socket_type) = SocketType::of_name(type_name) else { continue };
        let their_socket = theirs.socket(*type_number).unwrap();
        let our_socket = ours.socket(socket_type).unwrap();
        for option in NumberedOption::all().filter(|option| option.is_gettable()) {
            let capacity = if option.kind == Kind::Key { KEY } else { 255 };
            let expected = match option.kind {
                Kind::Int => their_socket.get_int(option.number).map(|number| number.to_ne_bytes().to_vec()),
                Kind::Int64 => their_socket.get_i64(option.number).map(|number| number.to_ne_bytes().to_vec()),
                Kind::Text | Kind::Octets | Kind::Key => their_socket.get_bytes(option.number, capacity),
            };
            let came = numbered::get(&our_socket, option.number, capacity);
            let alike = match (&expected, &came) {
                (Ok(expected), Ok(came)) => expected == came,
                (Err(_), Err(_)) => true,
                (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
            };
            let differs = |(name, types, _): &&(&str, &[&str], &str)| {
                *name == option.name && (types.is_empty() || types.contains(type_name))
            };
            if !alike && DIFFERENCES.iter().find(differs).is_none() {
                findings.push(format!("{type_name} {}: libzmq {expected:?}, here {came:?}", option.name));
            }
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn no_stable_option_is_missing_and_numbers_agree() {
    let mut findings = Vec::new();
    for theirs in names::SOCKET_OPTIONS {
        match NumberedOption::all().find(|ours| ours.name == theirs.name) {
            Some(ours) if ours.number != theirs.number => findings.push(format!("{}: {}", ours.name, ours.number)),
            Some(_) => {}
            None if ABSENT.iter().any(|(name, _)| *name == theirs.name) => {}
            None => findings.push(format!("{} is missing", theirs.name)),
        }
    }
    let stale = ABSENT.iter().filter(|(name, _)| NumberedOption::all().any(|ours| ours.name == *name));
    findings.extend(stale.map(|(name, _)| format!("{name} is not absent any more")));
    let mut numbers: Vec<_> = NumberedOption::all().map(|option| option.number).collect();
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "a number stands twice");
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Values that are in range for one option of contexts or another.
const PROBES: [i32; 9] = [i32::MIN, -2, 0, 1, 2, 3, 64, 1024, i32::MAX];

/// What both sides make of an option of contexts: its default; what each value, set in a new context, is read as, or that
/// it is refused.
#[test]
fn options_of_contexts_are_those_of_libzmq() {
    let Ok(library) = Library::open(None) else {
        println!("skipped: the system has no libzmq");
        return;
    };
    let mut findings = Vec::new();
    for number in 0..=100 {
        let read_theirs = |context: &Context| context.get(number).ok();
        let read_ours = |context: &NumberedContext| {
            // libzmq's call cannot tell -1 from a failure.
            let value = context.get(number, 4).ok()?;
            Some(i32::from_ne_bytes(value.try_into().unwrap())).filter(|value| *value != -1)
        };
        let (theirs, ours) = (read_theirs(&Context::new(&library).unwrap()), read_ours(&NumberedContext::default()));
        if theirs != ours {
            findings.push(format!("{number} by default: libzmq {theirs:?}, here {ours:?}"));
        }
        for value in PROBES {
            let context = Context::new(&library).unwrap();
            let theirs = context.set(number, value).is_ok().then(|| read_theirs(&context));
            let mut context = NumberedContext::default();
            let ours = context.set(number, &value.to_ne_bytes()).is_ok().then(|| read_ours(&context));
            if theirs != ours {
                findings.push(format!("{number} set to {value}: libzmq {theirs:?}, here {ours:?}"));
            }
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    for (name, number) in names::CONTEXT_OPTIONS {
        // The number with two meanings has the name of what is read.
        let name = if *name == "thread_priority" { "socket_limit" } else { name };
        assert!(ContextOption::all().any(|option| (option.name, option.number) == (name, *number)), "{name}");
    }
}
