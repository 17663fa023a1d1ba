//! One I/O thread, its current-thread runtime, and application threads that run it while they block.

use std::fmt;
use std::future::{self, Future};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use super::handoff::{Enter, Handoff, Kick, Turn};
use super::wake_state::WakeState;
use crate::runtime::BoxFuture;

/// For how long no thread may have blocked before the I/O thread takes the reactor back. What arrives when nobody drives
/// waits for at most two of these. Shorter ticks take the reactor from threads that would have come back.
const TICK: Duration = Duration::from_millis(1);

/// A reactor. Cloning names the same one. Dropping does not end it: that is [`Self::stop`].
#[derive(Clone)]
pub(super) struct Reactor {
    shared: Arc<Shared>,
}

struct Shared {
    handoff: Handoff,
    /// Owned by the I/O thread, and by guests while they are inside. The I/O thread drops it last, because a runtime must
    /// not be dropped by a thread that is inside another one, and a `Context` may well be.
    runtime: Weak<Runtime>,
    handle: Handle,
    io_thread: Thread,
    /// Wakes the future in which the driving I/O thread sits.
    driving: Mutex<Option<Waker>>,
}

impl Reactor {
    /// Starts an I/O thread of that name, on these CPUs or if there are none, on all. Errors are those of creating an
    /// epoll instance and a thread, and of moving that to the CPUs.
    pub(super) fn start(name: &str, cpus: Vec<usize>) -> io::Result<Self> {
        let (built, building) = mpsc::sync_channel(1);
        // The thread builds the runtime itself, so that it is the one to drop it also when something fails.
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let reported = match stay_on(&cpus).and_then(|()| Builder::new_current_thread().enable_all().build()) {
                Ok(runtime) => {
                    let runtime = Arc::new(runtime);
                    let shared = Arc::new(Shared {
                        handoff: Handoff::new(),
                        runtime: Arc::downgrade(&runtime),
                        handle: runtime.handle().clone(),
                        io_thread: thread::current(),
                        driving: Mutex::new(None),
                    });
                    let reported = built.send(Ok(Arc::clone(&shared)));
                    shared.run_io_thread(runtime);
                    reported
                }
                Err(error) => built.send(Err(error)),
            };
            reported.expect("the caller waits for this");
        })?;
        let shared = building.recv().expect("the thread reports before it does anything else")?;
        Ok(Self { shared })
    }

    /// Runs `task` on the reactor until it ends. May be called from any thread, also from a task.
    pub(super) fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.shared.handoff.add_task();
        let wake =
            Arc::new(TaskWake { shared: Arc::clone(&self.shared), state: WakeState::woken(), inner: OnceLock::new() });
        let waker = Waker::from(Arc::clone(&wake));
        let kick = self.shared.handoff.add_work();
        self.shared.handle.spawn(Task { task, wake, waker });
        self.shared.kick(kick);
    }

    /// Blocks this thread until `future` is ready, and runs the reactor meanwhile if it is free.
    ///
    /// Inside an asynchronous runtime the thread only sleeps: tokio forbids to run one runtime inside another.
    pub(super) fn block_on(&self, future: Pin<&mut dyn Future<Output = ()>>) {
        if Handle::try_current().is_ok() {
            return park_on(future);
        }
        match self.shared.handoff.enter() {
            Enter::Drive => {}
            Enter::DriveOnceReleased => self.shared.wake_driver(),
            Enter::Ended => return park_on(future),
        }
        let guest = Guest { shared: &self.shared };
        let runtime =
            self.shared.runtime.upgrade().expect("the I/O thread keeps the runtime until the last guest has left");
        runtime.block_on(future);
        // The guest leaves last: the I/O thread then holds the only reference.
        drop(runtime);
        drop(guest);
    }

    /// The handle with which descriptors and timers of this reactor are registered.
    pub(super) fn handle(&self) -> &Handle {
        &self.shared.handle
    }

    /// Ends the I/O thread once its last task has ended. Does not wait.
    pub(super) fn stop(&self) {
        self.shared.end(self.shared.handoff.stop());
    }

    /// What a thread would be told that blocks now, and blocks no longer.
    #[cfg(test)]
    pub(super) fn visit(&self) -> Enter {
        let enter = self.shared.handoff.enter();
        self.shared.kick(self.shared.handoff.leave());
        enter
    }

    /// Whether the I/O thread has dropped, or is about to drop, the runtime.
    #[cfg(test)]
    pub(super) fn has_ended(&self) -> bool {
        self.shared.handoff.has_ended() && self.shared.runtime.strong_count() == 0
    }
}

impl Shared {
    fn run_io_thread(&self, runtime: Arc<Runtime>) {
        loop {
            runtime.block_on(future::poll_fn(|cx| self.poll_release(cx)));
            self.handoff.release();
            loop {
                match self.handoff.next_turn() {
                    Turn::Drive => break,
                    Turn::SleepOneTick => thread::park_timeout(TICK),
                    Turn::SleepUntilKicked => thread::park(),
                    Turn::End => {
                        let runtime = Arc::into_inner(runtime).expect("the last guest dropped its reference and left");
                        // Does not wait for a name that is still being looked up.
                        return runtime.shutdown_background();
                    }
                }
            }
        }
    }

    fn poll_release(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut driving = self.driving.lock().unwrap_or_else(PoisonError::into_inner);
        if !driving.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *driving = Some(cx.waker().clone());
        }
        // Looked at under the lock: who asks after this wakes the waker just stored.
        if self.handoff.should_release() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn wake_driver(&self) {
        let waker = self.driving.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn kick(&self, kick: Kick) {
        match kick {
            Kick::No => {}
            Kick::Yes => self.io_thread.unpark(),
        }
    }

    fn end(&self, kick: Kick) {
        self.kick(kick);
        match kick {
            Kick::No => {}
            Kick::Yes => self.wake_driver(),
        }
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor").field("handoff", &self.shared.handoff).finish_non_exhaustive()
    }
}

/// Has the calling thread run on these CPUs alone, if there are any.
#[cfg(target_os = "linux")]
fn stay_on(cpus: &[usize]) -> io::Result<()> {
    use rustix::thread::{CpuSet, sched_setaffinity};
    if cpus.is_empty() {
        return Ok(());
    }
    let mut set = CpuSet::new();
    for &cpu in cpus {
        if cpu >= CpuSet::MAX_CPU {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        set.set(cpu);
    }
    Ok(sched_setaffinity(None, &set)?)
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "on Linux it fails")]
fn stay_on(_: &[usize]) -> io::Result<()> {
    Ok(())
}

/// Leaves the reactor also when the future panics.
struct Guest<'a> {
    shared: &'a Shared,
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.shared.kick(self.shared.handoff.leave());
    }
}

/// A task as the runtime polls it: counted, and woken through [`TaskWake`] only.
struct Task {
    task: BoxFuture<'static, ()>,
    wake: Arc<TaskWake>,
    waker: Waker,
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.wake.inner.get_or_init(|| cx.waker().clone());
        let _work = this.wake.state.begin_poll().then(|| Work { shared: &this.wake.shared });
        this.task.as_mut().poll(&mut Context::from_waker(&this.waker))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let shared = &self.wake.shared;
        if self.wake.state.end() {
            shared.handoff.finish_work();
        }
        shared.end(shared.handoff.finish_task());
    }
}

/// A poll that was counted. Ends also when the task panics.
struct Work<'a> {
    shared: &'a Shared,
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.shared.handoff.finish_work();
    }
}

/// The waker of a task. It counts, once per poll, that the task has work, and sees to it that somebody drives.
struct TaskWake {
    shared: Arc<Shared>,
    state: WakeState,
    inner: OnceLock<Waker>,
}

impl Wake for TaskWake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let Some(kick) = self.state.wake(&self.shared.handoff) else { return };
        self.inner.get().expect("a task becomes idle in its first poll, which sets this").wake_by_ref();
        self.shared.kick(kick);
    }
}

/// Blocks this thread until `future` is ready, and does nothing else.
pub(super) fn park_on(mut future: Pin<&mut dyn Future<Output = ()>>) {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    while future.as_mut().poll(&mut cx).is_pending() {
        thread::park();
    }
}
