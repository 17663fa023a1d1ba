//! REQ and REP, blocking: a client asks, a server answers, strictly in turn.
//!
//! ```sh
//! cargo run --release -p zmq-reference --example hello_world
//! ```

use std::error::Error;
use std::thread;

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{Message, RecvError, SendError, SocketType};

type Failed = Box<dyn Error + Send + Sync>;

const QUESTIONS: u32 = 3;

pub(crate) fn main() -> Result<(), Failed> {
    let context = Context::new()?;

    // The port is the system's choice; `bind` says which it is.
    let server = context.socket(SocketType::Rep)?;
    let endpoint = server.bind("tcp://127.0.0.1:*")?.to_string();
    let serving = thread::spawn(move || serve(&server));

    let client = context.socket(SocketType::Req)?;
    client.connect(&endpoint)?;
    for number in 1..=QUESTIONS {
        client.send(format!("hello {number}"))?;

        // A second question before the answer is refused, and the message comes back whole.
        let Err(unsent) = client.send("impatient") else { return Err("a REQ sent twice in a row".into()) };
        assert_eq!((unsent.message, unsent.why), (Message::from("impatient"), SendError::OutOfTurn));

        let reply = client.recv()?;
        println!("client: asked \"hello {number}\", got {} parts: {reply:?}", reply.parts());
    }

    // Closes what is open, and waits until all is sent. Calls that wait end with `Terminated`: the server's `recv` does.
    context.term();
    let served = serving.join().expect("the server does not panic")?;
    println!("server: answered {served} questions");
    assert_eq!(served, QUESTIONS);
    Ok(())
}

/// Answers until the context ends; says how many it answered.
fn serve(server: &Socket) -> Result<u32, Failed> {
    for answered in 0.. {
        match server.recv() {
            Ok(question) => server.send([question.first().clone(), "world".into()])?,
            Err(RecvError::Terminated) => return Ok(answered),
            Err(other) => return Err(other.into()),
        }
    }
    unreachable!("the numbers do not end")
}
