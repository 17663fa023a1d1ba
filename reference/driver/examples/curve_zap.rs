//! CURVE with a handler of ZAP: a server that lets one key in and refuses another.
//!
//! ```text
//!   PUSH with a known key ──► PULL with the server's keys ──► ZAP handler: who is that?
//!   PUSH with another key ──►                             ◄── 200 and a user id, or 400
//! ```
//!
//! What to learn: how keys are made and written down; which end says what in its options; the request and the reply of ZAP
//! (27/ZAP); how a server learns whose message it has, and a client that it is not wanted.
//!
//! CURVE encrypts without a handler as well. But then everybody comes in who knows the server's *public* key; whoever that
//! shall not be enough for sets `zap_enforcement` to `Enforced`, so that a handler that is missing lets nobody in.
//!
//! ```sh
//! cargo run --release -p zmq-reference --example curve_zap
//! ```

use std::error::Error;
use std::thread;

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{
    EventKind, Frame, KeyPair, Message, Options, PublicKey, RecvError, Security, SocketType, ZapDomain, ZapEnforcement,
    new_keys,
};

type Failed = Box<dyn Error + Send + Sync>;

pub(crate) fn main() -> Result<(), Failed> {
    let server_keys = new_keys()?;
    let alice = new_keys()?;
    let mallory = new_keys()?;
    // What is passed from hand to hand: public keys, as 40 characters. Secret keys stay where they were made.
    let of_server = server_keys.public().to_z85();
    println!("server: my key is {of_server}");
    println!("alice:  my key is {}", alice.public().to_z85());

    // The handler is an ordinary REP at a name that all implementations know, bound before anybody asks.
    let context = Context::new()?;
    let handler = context.socket(SocketType::Rep)?;
    handler.bind("inproc://zeromq.zap.01")?;
    let known = (*alice.public(), "alice");
    let handling = thread::spawn(move || judge(&handler, known));

    let server = context.socket_with(
        SocketType::Pull,
        Options {
            security: Security::curve_server(server_keys),
            zap_domain: Some(ZapDomain::new("letters")?),
            zap_enforcement: ZapEnforcement::Enforced,
            ..Options::default()
        },
    )?;
    let endpoint = server.bind("tcp://127.0.0.1:*")?.to_string();

    // Clients are somewhere else: they have a context of their own, and only the server's public key.
    let of_server = PublicKey::from_z85(&of_server)?;
    let elsewhere = Context::new()?;
    let refused = client(&elsewhere, mallory, of_server)?;
    let events = refused.monitor();
    refused.connect(&endpoint)?;
    loop {
        match events.recv().ok_or("the monitor ended before the client was refused")?.kind {
            EventKind::HandshakeFailed(why) => break println!("mallory: {why}"),
            EventKind::HandshakeSucceeded => return Err("mallory came in".into()),
            other => println!("mallory: {other:?}"),
        }
    }

    let admitted = client(&elsewhere, alice, of_server)?;
    admitted.connect(&endpoint)?;
    admitted.send("a letter")?;
    let (letter, from) = server.recv_from()?;
    let sender = from.property("User-Id").ok_or("a message without a sender")?;
    println!("server: {:?} from {}", letter, String::from_utf8_lossy(&sender));
    assert_eq!((letter.first().as_slice(), &sender[..]), (&b"a letter"[..], &b"alice"[..]));

    refused.close(None);
    elsewhere.abandon(); // what mallory would have said is not waited for
    elsewhere.term();
    context.term();
    let (came, denied) = handling.join().expect("the handler does not panic")?;
    println!("handler: let {came} in, and refused {denied}");
    assert_eq!((came, denied), (1, 1));
    Ok(())
}

fn client(context: &Context, keys: KeyPair, server: PublicKey) -> Result<Socket, Failed> {
    let security = Security::curve_client(keys, server);
    Ok(context.socket_with(SocketType::Push, Options { security, ..Options::default() })?)
}

/// Lets the known key in and nobody else, until the context ends; says how many came in, and how many did not.
fn judge(handler: &Socket, known: (PublicKey, &str)) -> Result<(u32, u32), Failed> {
    let (mut came, mut denied) = (0, 0);
    loop {
        let request = match handler.recv() {
            Ok(request) => request,
            Err(RecvError::Terminated) => return Ok((came, denied)),
            Err(other) => return Err(other.into()),
        };
        let parts: Vec<&Frame> = request.iter().collect();
        let [version, number, domain, address, _routing_id, mechanism, credentials @ ..] = &parts[..] else {
            return Err(format!("expected a request of ZAP, came {request:?}").into());
        };
        // With CURVE there is one credential, the client's public key of 32 octets, which it has proved to be its own.
        let is_known = *mechanism == "CURVE" && matches!(credentials, [key] if key.as_slice() == known.0.octets());
        println!(
            "handler: {:?} at {:?} wants into {:?}: {}",
            mechanism,
            address,
            domain,
            if is_known { "yes" } else { "no" }
        );
        let (status, text, user): (&str, &str, &str) = if is_known {
            came += 1;
            ("200", "OK", known.1)
        } else {
            denied += 1;
            ("400", "I do not know that key", "")
        };
        let no_metadata = Frame::EMPTY;
        handler.send(Message::from([
            (*version).clone(),
            (*number).clone(), // says which request this answers
            status.into(),
            text.into(),
            user.into(),
            no_metadata,
        ]))?;
    }
}
