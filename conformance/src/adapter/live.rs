//! The adapters' processes that run, and how they are ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rustix::process::{Pid, Signal};

use super::inbox::Inbox;

/// Every process that runs, by its id.
static LIVE: Mutex<BTreeMap<i32, (Pid, Weak<Inbox>)>> = Mutex::new(BTreeMap::new());

/// Kills every adapter that this process started: for an exit that runs no destructors.
pub fn kill_all() {
    // No lock is held while another is taken.
    let all: Vec<_> = live().values().cloned().collect();
    for (pid, inbox) in all {
        if let Some(inbox) = inbox.upgrade() {
            kill_group(&inbox, pid);
        }
    }
}

/// Kills the group, unless the process is reaped and its id may belong to somebody else.
pub(super) fn kill_group(inbox: &Inbox, pid: Pid) {
    let state = inbox.lock();
    if state.exit.is_none() {
        // A group that is gone already is what was asked for.
        let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    }
}

pub(super) fn enter(pid: Pid, inbox: &Arc<Inbox>) {
    live().insert(pid.as_raw_nonzero().get(), (pid, Arc::downgrade(inbox)));
}

pub(super) fn leave(pid: Pid) {
    live().remove(&pid.as_raw_nonzero().get());
}

fn live() -> MutexGuard<'static, BTreeMap<i32, (Pid, Weak<Inbox>)>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}
