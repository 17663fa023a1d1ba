//! A client that is not lost when its server is: the guide's "lazy pirate".
//!
//! What to learn: a REQ that gets no reply may not ask again (`OutOfTurn`), unless it is `ReqRelaxed`; then an answer to an
//! earlier question could be taken for the one to this, unless the questions are numbered: `ReqCorrelate`. With both,
//! retrying is a loop around a time-out. The connection itself needs no care: it is dialled again until the server is back.
//!
//! The server here dies with a question in its hands, comes back, and later is so slow that a question is asked again.
//! Who retries has work done twice, so what is asked for must bear that.
//!
//! ```sh
//! cargo run --release -p zmq-reference --example lazy_pirate
//! ```

use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{Linger, Options, PatternOption, Reconnect, RecvError, SocketType, Switch};

type Failed = Box<dyn Error + Send + Sync>;

/// How long an answer may take, and how often the client asks.
const PATIENCE: Duration = Duration::from_millis(200);
const ATTEMPTS: u32 = 10;

pub(crate) fn main() -> Result<(), Failed> {
    let (tell, told) = mpsc::channel();
    let serving = thread::spawn(move || serve_badly(&tell));
    let endpoint = told.recv()?;

    let context = Context::new()?;
    // What a client of no use any more has not sent is not worth waiting for.
    let reconnect = Reconnect { interval: Some(Duration::from_millis(20)), ..Reconnect::default() };
    let options = Options { linger: Linger::Discard, reconnect, ..Options::default() };
    let client = context.socket_with(SocketType::Req, options)?;
    client.set(PatternOption::ReqRelaxed(Switch::On))?;
    client.set(PatternOption::ReqCorrelate(Switch::On))?;
    client.set_recv_timeout(Some(PATIENCE));
    client.set_send_timeout(Some(PATIENCE)); // while there is no connection, and too much waits already
    client.connect(&endpoint)?;

    let mut attempts = 0;
    for question in ["one", "two", "three", "four", "last"] {
        let (answer, needed) = ask(&client, question)?;
        println!("client: {question:?} was answered {answer:?} at attempt {needed}");
        assert_eq!(answer, format!("{question}!"), "no answer is taken for that to another question");
        attempts += needed;
    }
    assert!(attempts > 5, "the server failed twice");
    context.term();
    serving.join().expect("the server does not panic")
}

/// Asks until there is an answer; gives it, and at which attempt it came.
fn ask(server: &Socket, question: &str) -> Result<(String, u32), Failed> {
    for attempt in 1..=ATTEMPTS {
        server.send(question)?;
        match server.recv() {
            Ok(answer) => return Ok((String::from_utf8(answer.first().to_vec())?, attempt)),
            Err(RecvError::TimedOut) => println!("client: no answer to {question:?} yet, asking again"),
            Err(other) => return Err(other.into()),
        }
    }
    Err(format!("the server seems to be gone: no answer to {question:?}").into())
}

/// A server in a context of its own, as another process would have it, that fails in two ways.
fn serve_badly(tell: &mpsc::Sender<String>) -> Result<(), Failed> {
    let first_life = Context::new()?;
    let server = first_life.socket(SocketType::Rep)?;
    let endpoint = server.bind("tcp://127.0.0.1:*")?.to_string();
    tell.send(endpoint.clone())?;
    answer(&server)?;
    println!("server: dies with {:?} in its hands", server.recv()?);
    first_life.abandon();
    drop(server);
    first_life.term();

    thread::sleep(2 * PATIENCE);
    println!("server: is back");
    let second_life = Context::new()?;
    let server = second_life.socket(SocketType::Rep)?;
    server.bind(&endpoint)?;
    answer(&server)?;
    let question = server.recv()?;
    println!("server: sleeps over {question:?}");
    thread::sleep(PATIENCE + PATIENCE / 2);
    server.send(answer_to(question.first()))?; // too late: the client has asked again
    while answer(&server)? != b"last" {}
    second_life.term();
    Ok(())
}

/// Answers one question; says which.
fn answer(server: &Socket) -> Result<Vec<u8>, Failed> {
    let question = server.recv()?;
    server.send(answer_to(question.first()))?;
    Ok(question.first().to_vec())
}

fn answer_to(question: &[u8]) -> Vec<u8> {
    [question, b"!"].concat()
}
