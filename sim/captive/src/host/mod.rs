//! The child: hosts of a plan as threads with a context each, actors as threads of their own, all of them captive.

mod director;
mod heap;
mod ops;
mod process;
mod settings;
mod shared;
mod zap;

use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;

use zmq_libzmq::Library;
use zmq_sim::plan::{FaultKind, HostIndex};

use crate::control::Control;
use crate::job::{End, Job, Left, Line};
use director::Director;
use heap::Heap;
use shared::Shared;

/// Carries out the job that comes on standard input. What happens goes to standard output, a line each.
#[must_use]
pub fn main() -> ExitCode {
    match prepare() {
        Ok((control, shared)) => {
            let end = play(&shared);
            shared.tell(&Line::End(end));
            let _ = control;
            // Threads of hosts that were killed are left, and sleep for ever.
            std::process::exit(0);
        }
        Err(why) => {
            let line = serde_json::to_string(&Line::Unusable(why)).unwrap_or_default();
            println!("{line}");
            ExitCode::FAILURE
        }
    }
}

fn prepare() -> Result<(Control, Arc<Shared>), String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
    let job: Job = serde_json::from_str(&text).map_err(|error| format!("no job on standard input: {error}"))?;
    let control = Control::find()?;
    for preload in &job.preloads {
        Library::preload(preload).map_err(|error| error.to_string())?;
    }
    let library = Library::open(Some(&job.library)).map_err(|error| error.to_string())?;
    control.start(job.plan.seed, job.rates, job.keep_events).map_err(|errno| {
        format!("the time-stamp counter cannot be trapped here (errno {errno}), so no two runs would be alike")
    })?;
    Ok((control, Shared::new(control, library, job)))
}

/// The whole plan, in a run that has begun.
fn play(shared: &Arc<Shared>) -> End {
    let control = shared.control;
    let mut director = Director::new(shared);
    director.set_the_stage();
    let heap = Heap::now();
    for host in HostIndex::all(&shared.plan) {
        process::spawn(shared, host, 0);
    }
    let out_of_time = director.play();
    drop(director);
    let mut left = if out_of_time.is_none() { shared.leftovers() } else { Vec::new() };
    shared.forget();
    // A process that was killed gives nothing back.
    let goes_down = |fault: &zmq_sim::plan::Fault| matches!(fault.what, FaultKind::Down { .. });
    if out_of_time.is_none() && !shared.plan.faults.iter().any(goes_down) {
        let (host, what) = ("the process of all hosts".into(), "octets of memory".into());
        left.extend(heap.grown().map(|count| Left { host, what, count }));
    }
    let (summary, events) = control.stop();
    for event in events {
        shared.tell(&Line::Event(event));
    }
    let crate::control::Summary { hash, points, handovers, elapsed, .. } = summary;
    End { out_of_time, left, hash, points, handovers, elapsed }
}
