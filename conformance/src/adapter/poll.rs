//! `poll` over sockets that belong to different threads: each thread is asked for its events, and the descriptors
//! that tell of a change are waited for here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use zmq_libzmq::Descriptor;

use super::owner::{Job, Readiness};
use super::protocol::{ErrorReply, PollItem, Reply};
use super::serve::{Answer, argument};
use super::waits::deadline;

/// One item, with the way to its socket's thread.
pub(super) struct Watched {
    pub(super) item: PollItem,
    pub(super) jobs: Sender<Job>,
}

/// libzmq's descriptors are edge-triggered, and another request to the same socket may take the edge. Asking again
/// this often makes that harmless.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// Waits until an item is ready. Answers with those that are; none at the deadline.
pub(super) fn run(watched: &[Watched], timeout_ms: u64, cancelled: &AtomicBool) -> Answer {
    let deadline = deadline(timeout_ms);
    for Watched { item, .. } in watched {
        mask(item)?;
    }
    loop {
        let mut ready = Vec::new();
        let mut descriptors = Vec::new();
        for Watched { item, jobs } in watched {
            let Some(readiness) = ask(jobs, deadline)? else {
                continue;
            };
            if readiness.events & mask(item)? != 0 {
                ready.push(item.clone());
            }
            descriptors.push(readiness.descriptor);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if !ready.is_empty() || left == Duration::ZERO || cancelled.load(Ordering::Relaxed) {
            return Ok(Reply { ready: Some(ready), ..Reply::default() });
        }
        Descriptor::wait_any(&descriptors, left.min(ASK_AGAIN));
    }
}

fn mask(item: &PollItem) -> Result<i32, ErrorReply> {
    match item.on.as_str() {
        "in" => Ok(1),
        "out" => Ok(2),
        other => Err(argument(format!("`on`: expected `in` or `out`, came `{other}`"))),
    }
}

/// `None` where the socket's thread is busy until the deadline, or gone.
fn ask(jobs: &Sender<Job>, deadline: Instant) -> Result<Option<Readiness>, ErrorReply> {
    let (reply, answer) = channel();
    if jobs.send(Job::Ready(reply)).is_err() {
        return Ok(None);
    }
    let left = deadline.saturating_duration_since(Instant::now()).max(ASK_AGAIN);
    answer.recv_timeout(left).ok().transpose()
}
