//! How long the adapters that are built into this binary wait, and what is left of a process afterwards.

use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use super::protocol::Left;

/// How long `reset` waits for threads and contexts before it reports them as left.
pub(super) const RESET_PATIENCE: Duration = Duration::from_secs(3);

/// Alive as long as a thread is: the control loop waits for the last one to be dropped.
pub(super) type Alive = Sender<()>;

/// What the threads of a socket hold while they live.
#[derive(Clone)]
pub(super) struct Lives {
    pub(super) owners: Alive,
    pub(super) others: Alive,
}

/// Waits until every sender is gone, or the deadline.
pub(super) fn wait_for_end(alive: &Receiver<()>, deadline: Instant) {
    let _ = alive.recv_timeout(deadline.saturating_duration_since(Instant::now()));
}

/// The moment until which a request may block; a day stands for longer times.
pub(super) fn deadline(timeout_ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(timeout_ms).min(Duration::from_secs(24 * 3600))
}

/// What the process holds now.
pub(super) fn left(sockets: usize) -> Left {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    // Reading the folder takes a descriptor of its own.
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, |folder| folder.count().saturating_sub(1));
    Left {
        sockets: sockets as u64,
        threads: field("Threads:"),
        descriptors: open as u64,
        bytes: field("VmRSS:") * 1024,
    }
}
