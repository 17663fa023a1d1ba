//! Listeners of a world.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use zmq_reference::runtime::{Address, Link, Listener};
use zmq_world::{ListenerId, Wake};

use crate::link::WorldLink;
use crate::process::Process;
use crate::runtime::{or_wait, told};

/// Takes connections for a process.
#[derive(Debug)]
pub(crate) struct WorldListener {
    process: Arc<Process>,
    listener: ListenerId,
    /// Removed with it.
    path: Option<String>,
}

impl WorldListener {
    pub(crate) fn new(process: &Arc<Process>, listener: ListenerId, path: Option<String>) -> Self {
        Self { process: Arc::clone(process), listener, path }
    }
}

impl Listener for WorldListener {
    fn poll_accept(&self, cx: &mut Context<'_>, _: usize) -> Poll<io::Result<Box<dyn Link>>> {
        let state = &mut *self.process.net().lock();
        let accepted = state.world.accept(self.listener);
        or_wait(accepted, || state.waiting.until_acceptable(self.listener, cx.waker()))
            .map_ok(|stream| Box::new(WorldLink::new(&self.process, stream)) as Box<dyn Link>)
    }

    fn local_addr(&self) -> io::Result<Address> {
        Ok(told(self.process.net().lock().world.listener_addr(self.listener)?))
    }
}

impl Drop for WorldListener {
    fn drop(&mut self) {
        if self.process.is_dead() {
            return;
        }
        let waker = {
            let state = &mut *self.process.net().lock();
            if let Some(path) = &self.path {
                // Whoever removed it before us has done what we wanted.
                let _ = state.world.unlink(self.process.host(), path);
            }
            state.world.close_listener(self.listener);
            state.waiting.take(Wake::Acceptable(self.listener))
        };
        drop(waker);
    }
}
