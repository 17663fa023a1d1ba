//! Links of a world: one end of a stream, for the process that has it.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use zmq_reference::runtime::{Address, Close, Credentials, Link};
use zmq_world::StreamId;

use crate::process::Process;
use crate::runtime::{or_wait, told};

/// One end of a stream.
#[derive(Debug)]
pub struct WorldLink {
    process: Arc<Process>,
    stream: StreamId,
    resets: AtomicBool,
}

impl WorldLink {
    /// An end that this process has got by dialling or accepting.
    #[must_use]
    pub fn new(process: &Arc<Process>, stream: StreamId) -> Self {
        Self { process: Arc::clone(process), stream, resets: AtomicBool::new(false) }
    }

    /// Which it is.
    #[must_use]
    pub const fn stream(&self) -> StreamId {
        self.stream
    }

    pub(crate) const fn process(&self) -> &Arc<Process> {
        &self.process
    }
}

impl Link for WorldLink {
    #[inline]
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.process.net().lock();
        if state.world.is_readable(self.stream) {
            return Poll::Ready(Ok(()));
        }
        state.waiting.until_readable(self.stream, cx.waker());
        Poll::Pending
    }

    #[inline]
    fn poll_read(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let state = &mut *self.process.net().lock();
        or_wait(state.world.read(self.stream, buf), || state.waiting.until_readable(self.stream, cx.waker()))
    }

    #[inline]
    fn try_writev(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.process.net().lock().world.write(self.stream, bufs)?)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.process.net().lock();
        if state.world.is_writable(self.stream) {
            return Poll::Ready(Ok(()));
        }
        state.waiting.until_writable(self.stream, cx.waker());
        Poll::Pending
    }

    fn is_gone(&self) -> bool {
        self.process.net().lock().world.is_gone(self.stream)
    }

    fn close(&self, how: Close) -> io::Result<()> {
        match how {
            Close::Finish => Ok(self.process.net().lock().world.finish(self.stream)?),
            Close::Reset => {
                self.resets.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    fn local_addr(&self) -> io::Result<Address> {
        Ok(told(self.process.net().lock().world.local_addr(self.stream)?))
    }

    fn peer_addr(&self) -> io::Result<Address> {
        Ok(told(self.process.net().lock().world.peer_addr(self.stream)?))
    }

    fn credentials(&self) -> Option<Credentials> {
        let of = self.process.net().lock().world.credentials(self.stream)?;
        Some(Credentials { process: i32::try_from(of.process).ok(), user: of.user, group: of.group })
    }
}

impl Drop for WorldLink {
    fn drop(&mut self) {
        if self.process.is_dead() {
            return;
        }
        let wakers = {
            let state = &mut *self.process.net().lock();
            if self.resets.load(Ordering::Relaxed) {
                state.world.reset(self.stream);
            } else {
                state.world.close(self.stream);
            }
            state.waiting.forget_stream(self.stream)
        };
        drop(wakers);
    }
}
