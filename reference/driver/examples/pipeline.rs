//! PUSH and PULL, one blocking thread for each: a ventilator, workers, a sink.
//!
//! ```sh
//! cargo run --release -p zmq-reference --example pipeline
//! ```
//!
//! The work: which number up to 1000 takes the most steps of "halve it if even, else triple it and add one" to reach 1?

use std::error::Error;
use std::thread;

use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{RecvError, SocketType};

type Failed = Box<dyn Error + Send + Sync>;
const WORKERS: u32 = 4;
const TASKS: u32 = 1000;

pub(crate) fn main() -> Result<(), Failed> {
    let context = Context::new()?;
    let sink = context.socket(SocketType::Pull)?;
    let results = sink.bind("tcp://127.0.0.1:*")?.to_string();

    // The ventilator connects to each worker, so from the first task on it deals to all of them in turn.
    let ventilator = context.socket(SocketType::Push)?;
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        let tasks = context.socket(SocketType::Pull)?;
        ventilator.connect(&tasks.bind("tcp://127.0.0.1:*")?.to_string())?;
        let done = context.socket(SocketType::Push)?;
        done.connect(&results)?;
        workers.push(thread::spawn(move || work(&tasks, &done)));
    }

    let ventilating = thread::spawn(move || -> Result<(), Failed> {
        for task in 1..=TASKS {
            ventilator.send(&task.to_be_bytes())?; // waits while every worker has its high-water mark of tasks
        }
        Ok(()) // dropping the socket closes it; what is unsent lingers
    });

    let mut longest = (0, 0); // steps, task
    for _ in 0..TASKS {
        let result = sink.recv()?;
        let (task, rest) = result.split_first().map_err(|_| "a result of one part")?;
        longest = longest.max((number(rest.first())?, number(&task)?));
    }
    println!("sink: {TASKS} results; {} takes the most steps, {}", longest.1, longest.0);
    assert_eq!(longest, (178, 871));
    ventilating.join().expect("the ventilator does not panic")?;
    context.term(); // ends the `recv` of each worker
    for worker in workers {
        println!("worker: {} tasks", worker.join().expect("a worker does not panic")?);
    }
    Ok(())
}

/// Does tasks until the context ends; says how many.
fn work(tasks: &Socket, done: &Socket) -> Result<u32, Failed> {
    let mut count = 0;
    loop {
        let task = match tasks.recv() {
            Ok(task) => number(task.first())?,
            Err(RecvError::Terminated) => return Ok(count),
            Err(why) => return Err(why.into()),
        };
        let steps = std::iter::successors(Some(task), |n| match n {
            1 => None,
            n if n % 2 == 0 => Some(n / 2),
            n => Some(3 * n + 1),
        });
        done.send([task, u32::try_from(steps.count() - 1)?].map(|n| n.to_be_bytes().to_vec()))?;
        count += 1;
    }
}

fn number(part: &[u8]) -> Result<u32, Failed> {
    Ok(u32::from_be_bytes(part.try_into()?))
}
