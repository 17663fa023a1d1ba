//! How a peer is steered from outside: `go` and the end of stdin, a bound in time, processors to run on.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::library::Library;

pub(crate) struct Steer {
    go: Arc<AtomicBool>,
}

impl Steer {
    /// Starts to listen on stdin. The process ends when stdin does, and fails when the time is up: no call of a
    /// library that never returns can hold it.
    pub(crate) fn start(within: Duration) -> Self {
        let go = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&go);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if line.trim() == "go" {
                    told.store(true, Ordering::Release);
                }
            }
            std::process::exit(0);
        });
        std::thread::spawn(move || {
            std::thread::sleep(within);
            say(&format!("failed not done within {} s", within.as_secs()));
            std::process::exit(1);
        });
        Self { go }
    }

    pub(crate) fn told_to_go(&self) -> bool {
        self.go.load(Ordering::Acquire)
    }

    /// Keeps the library running until stdin ends the process.
    pub(crate) async fn stay<L: Library>(&self) -> ! {
        loop {
            L::pause(Duration::from_millis(5)).await;
        }
    }
}

/// A line on stdout, at once.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody is left to be told that nobody reads.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// As many descriptors as there may be: a socket of libzmq takes two, and some rows have hundreds of sockets.
pub(crate) fn raise_descriptors() {
    let most = getrlimit(Resource::Nofile).maximum;
    // What is refused is noticed by whoever needs it.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most });
}

/// Lets this thread and those it will start run on these processors only; an empty list allows all.
pub(crate) fn pin(cpus: &[usize]) -> Result<(), String> {
    if cpus.is_empty() {
        return Ok(());
    }
    let mut set = CpuSet::new();
    for &cpu in cpus {
        if cpu >= CpuSet::MAX_CPU {
            return Err(format!("no processor has the number {cpu}"));
        }
        set.set(cpu);
    }
    sched_setaffinity(None, &set).map_err(|error| format!("cannot run on processors {cpus:?}: {error}"))
}
