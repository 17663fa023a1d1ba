//! The transition tables of the mechanisms: what each state makes of what may come, and of what the handler may say.

use std::fmt::Write;
use std::io::IoSlice;

use super::zap::{Answer, Reply, ReplyError, Status};
use super::*;
use crate::connection::{Connection, Incoming};
use crate::options::{Login, ZapDomain, ZapEnforcement};
use crate::time::Instant;
use crate::wire::metadata;

fn command(name: &[u8], data: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    command::write(name, data, &mut octets);
    octets
}

fn introduction(socket_type: &str) -> Vec<u8> {
    let mut data = Vec::new();
    metadata::write("Socket-Type", socket_type.as_bytes(), &mut data);
    metadata::write("User-Id", b"somebody else", &mut data);
    data
}

fn greeting(mechanism: &str, as_server: u8) -> Vec<u8> {
    let mut octets = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 1];
    octets.extend(mechanism.as_bytes());
    octets.resize(32, 0);
    octets.push(as_server);
    octets.resize(64, 0);
    octets
}

/// Something that happens to a connection.
#[derive(Clone)]
enum Input {
    Octets(Vec<u8>),
    Answer(Answer),
}

fn reply(status: Status) -> Answer {
    let metadata = vec![("Hello".to_owned(), b"World".to_vec())];
    Answer::Replied(Ok(Reply { status, text: b"text".to_vec(), user_id: b"joe".to_vec(), metadata }))
}

fn octets(octets: impl Into<Vec<u8>>) -> Input {
    Input::Octets(octets.into())
}

fn inputs() -> Vec<(&'static str, Input)> {
    vec![
        ("HELLO", octets(command(b"HELLO", b"\x05admin\x06secret"))),
        ("HELLO, empty texts", octets(command(b"HELLO", b"\0\0"))),
        ("HELLO, no data", octets(command(b"HELLO", b""))),
        ("HELLO, no password", octets(command(b"HELLO", b"\x05admin"))),
        ("HELLO, cut off", octets(command(b"HELLO", b"\x05admin\x07secret"))),
        ("HELLO, too much", octets(command(b"HELLO", b"\x05admin\x06secret\0"))),
        ("HELLO, padded name", octets(b"\x04\x15HELLO   \x05admin\x06secret".to_vec())),
        ("WELCOME", octets(command(b"WELCOME", b""))),
        ("WELCOME, too much", octets(command(b"WELCOME", b"\0"))),
        ("INITIATE", octets(command(b"INITIATE", &introduction("PUSH")))),
        ("INITIATE of a SUB", octets(command(b"INITIATE", &introduction("SUB")))),
        ("INITIATE, no type", octets(command(b"INITIATE", b""))),
        ("INITIATE, cut off", octets(command(b"INITIATE", &introduction("PUSH")[..14]))),
        ("READY", octets(command(b"READY", &introduction("PUSH")))),
        ("READY of a SUB", octets(command(b"READY", &introduction("SUB")))),
        ("ERROR 400", octets(command(b"ERROR", b"\x03400"))),
        ("ERROR, no length", octets(command(b"ERROR", b""))),
        ("PING", octets(command(b"PING", b"\0\0"))),
        ("MESSAGE", octets(command(b"MESSAGE", &[0; 40]))),
        ("a message", octets(b"\0\x02hi".to_vec())),
        ("200", Input::Answer(reply(Status::Success))),
        ("300", Input::Answer(reply(Status::Temporary))),
        ("400", Input::Answer(reply(Status::Denied))),
        ("500", Input::Answer(reply(Status::Internal))),
        ("a wrong reply", Input::Answer(Answer::Replied(Err(ReplyError::Version)))),
        ("no handler", Input::Answer(Answer::NoHandler)),
        ("handler gone", Input::Answer(Answer::Gone)),
    ]
}

fn states() -> Vec<(&'static str, Options, Vec<Input>)> {
    let inputs = inputs();
    let input = |name: &str| inputs.iter().find(|(known, _)| *known == name).unwrap().1.clone();
    let with = |security: Security| Options { security, ..Options::default() };
    let server = with(Security::Plain(Plain::Server));
    let client = with(Security::Plain(Plain::Client(Login::new("admin", "secret").unwrap())));
    let null = Options { zap_domain: Some(ZapDomain::new("global").unwrap()), ..Options::default() };
    let enforced = Options { zap_enforcement: ZapEnforcement::Enforced, ..null.clone() };
    let from_client = octets(greeting("PLAIN", 0));
    let from_server = octets(greeting("PLAIN", 1));
    let from_null = octets(greeting("NULL", 0));
    vec![
        ("server hello", server.clone(), vec![from_client.clone()]),
        ("server asking", server.clone(), vec![from_client.clone(), input("HELLO")]),
        ("server initiate", server.clone(), vec![from_client.clone(), input("HELLO"), input("200")]),
        ("server traffic", server, vec![from_client, input("HELLO"), input("200"), input("INITIATE")]),
        ("client welcome", client.clone(), vec![from_server.clone()]),
        ("client ready", client, vec![from_server, input("WELCOME")]),
        ("null asking", null.clone(), vec![from_null.clone()]),
        ("null ready", null, vec![from_null.clone(), input("200")]),
        ("null, enforced", enforced, vec![from_null]),
    ]
}

fn feed(connection: &mut Connection, input: &Input) -> Result<Vec<String>, PeerMisbehaved> {
    let mut answered = None;
    match input {
        Input::Octets(octets) => {
            let spare = connection.spare();
            spare[..octets.len()].copy_from_slice(octets);
            connection.fill(octets.len(), Instant::START);
        }
        Input::Answer(answer) => answered = connection.answer(answer.clone())?,
    }
    let mut came = Vec::new();
    while let Some(next) = answered.take().map_or_else(|| connection.next(), |next| Ok(Some(next)))? {
        came.push(match next {
            Incoming::Ask(request) => format!("asks {:?}", request.message(b"1")),
            Incoming::Ready(peer) => {
                let properties: Vec<_> =
                    peer.properties.iter().map(|(name, value)| format!("{name}={}", value.escape_ascii())).collect();
                format!("peer {} {}", peer.socket_type.expect("READY says it"), properties.join(" "))
            }
            Incoming::Frame(frame) => format!("{frame:?}"),
            Incoming::Change(change) => format!("{change:?}"),
        });
    }
    Ok(came)
}

fn sent(connection: &mut Connection) -> String {
    let mut slices = [IoSlice::new(&[]); Connection::SLICES];
    let n = connection.slices(&mut slices);
    let octets: Vec<u8> = slices[..n].iter().flat_map(|slice| slice.iter().copied()).collect();
    connection.sent(octets.len());
    if octets.is_empty() { String::new() } else { format!(" writes \"{}\"", octets.escape_ascii()) }
}

fn reached(options: Options, before: &[Input]) -> Connection {
    let mut connection = Connection::new(SocketType::Pull, options, Seed::default(), Instant::START);
    for input in before {
        feed(&mut connection, input).expect("a state is reached by what is right");
    }
    connection
}

// spec: PLAIN-FLOW-01, PLAIN-FLOW-02, PLAIN-FLOW-03, PLAIN-FLOW-04, PLAIN-FLOW-05, PLAIN-FLOW-06, PLAIN-FLOW-08
// spec: PLAIN-HELLO-01, PLAIN-HELLO-02, PLAIN-HELLO-03, PLAIN-HELLO-04, PLAIN-HELLO-05, PLAIN-HELLO-06, PLAIN-HELLO-07
// spec: ZAP-FIELD-05, ZAP-NULL-01, ZAP-NULL-02, ZAP-PLAIN-01, ZAP-PLAIN-02, ZAP-ARCH-07, ZAP-DIALOG-01
#[test]
fn what_each_state_makes_of_what_comes() {
    let mut table = String::new();
    for (state, options, before) in states() {
        for (name, input) in inputs() {
            let mut connection = reached(options.clone(), &before);
            let asked = connection.is_asking();
            if matches!(input, Input::Answer(_)) && !asked {
                // Nobody is asked, so nobody answers.
                continue;
            }
            sent(&mut connection);
            let outcome = match feed(&mut connection, &input) {
                Ok(came) => came.join(", "),
                Err(why) => format!("refused: {why} {:?}", why.handshake_failure()),
            };
            let sent = sent(&mut connection);
            let _ = writeln!(table, "{state:15} {name:18} -> {outcome}{sent}");
        }
    }
    insta::assert_snapshot!(table);
}

// spec: PLAIN-ROLE-01
#[test]
fn the_greeting_says_who_is_the_server() {
    for (state, options, _) in states() {
        let mechanism = options.security.name();
        let mut connection = Connection::new(SocketType::Pull, options, Seed::default(), Instant::START);
        feed(&mut connection, &octets(greeting(mechanism, 0)[..11].to_vec())).unwrap();
        let mut slices = [IoSlice::new(&[]); Connection::SLICES];
        let n = connection.slices(&mut slices);
        let octets: Vec<u8> = slices[..n].iter().flat_map(|slice| slice.iter().copied()).collect();
        // The padding before is for peers of older versions.
        assert_eq!(octets[9..], greeting(mechanism, u8::from(state.starts_with("server")))[9..], "{state}");
    }
}

/// What comes in one segment, or octet by octet, comes to the same.
#[test]
fn torn_reads_change_nothing() {
    for (state, options, before) in states() {
        let mut whole = reached(options.clone(), &before);
        let mut torn = Connection::new(SocketType::Pull, options, Seed::default(), Instant::START);
        for input in &before {
            match input {
                Input::Octets(all) => {
                    for octet in all {
                        feed(&mut torn, &octets([*octet])).unwrap();
                    }
                }
                Input::Answer(_) => drop(feed(&mut torn, input).unwrap()),
            }
        }
        assert_eq!(sent(&mut whole), sent(&mut torn), "{state}");
        assert_eq!((whole.is_ready(), whole.is_asking()), (torn.is_ready(), torn.is_asking()), "{state}");
    }
}

// spec: ZMTP31-MECH-12
#[test]
fn no_mechanism_talks_to_another() {
    for (_, options, _) in states() {
        for other in ["NULL", "PLAIN", "CURVE", "PLAIN2", "plain", "GSSAPI", ""] {
            let expected = options.security.name();
            let mut connection = Connection::new(SocketType::Pull, options.clone(), Seed::default(), Instant::START);
            let outcome = feed(&mut connection, &octets(greeting(other, 0)));
            if other == expected {
                assert!(outcome.is_ok());
            } else {
                assert_eq!(outcome, Err(PeerMisbehaved::Mechanism { expected, came: other.into() }));
            }
        }
    }
}
