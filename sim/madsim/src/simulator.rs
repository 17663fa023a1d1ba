//! madsim, as a simulator of tasks.

use std::panic;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use madsim::runtime::Runtime;
use madsim::time::{Sleep, TimeHandle};
use zmq_reference::runtime::BoxFuture;
use zmq_sim_library::executor::{Executor, Idle};
use zmq_sim_library::{Library, Simulator};

/// The engine: the shipped async library under madsim.
#[must_use]
pub const fn engine() -> Library<Madsim> {
    Library(Madsim)
}

/// madsim, as a simulator of tasks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Madsim;

impl Simulator for Madsim {
    fn name(&self) -> &'static str {
        "madsim"
    }

    /// On a thread of its own: what hash maps of the standard library do depends on how many a thread made before.
    fn run<T: Send + 'static>(
        &self,
        seed: u64,
        main: impl FnOnce(Arc<dyn Executor>) -> BoxFuture<'static, T> + Send + 'static,
    ) -> T {
        let run = move || {
            let runtime = Runtime::with_seed_and_config(seed, madsim::Config::default());
            runtime.block_on(async move { main(Arc::new(Tasks)).await })
        };
        let thread = thread::Builder::new().name("madsim".into()).stack_size(STACK);
        let thread = thread.spawn(run).expect("a run needs a thread, and the system has none");
        thread.join().unwrap_or_else(|payload| panic::resume_unwind(payload))
    }
}

/// Octets of the stack of a run.
const STACK: usize = 8 << 20;

/// Tasks of madsim.
#[derive(Debug)]
struct Tasks;

impl Executor for Tasks {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        drop(madsim::task::spawn(task));
    }

    fn idle(&self) -> Box<dyn Idle> {
        let time = TimeHandle::current();
        Box::new(Asleep { sleep: Box::pin(time.sleep(NAP)), time, is_armed: false })
    }
}

/// Sleeps on madsim's clock, which goes on by itself only when nothing can run. Each poll of any task takes up to 100 ns of
/// that clock, so that what keeps running for tens of millions of polls looks idle: it is caught in a loop.
struct Asleep {
    time: TimeHandle,
    sleep: Pin<Box<Sleep>>,
    is_armed: bool,
}

const NAP: Duration = Duration::from_secs(1);

impl Idle for Asleep {
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_armed {
            // Set again rather than made anew, which costs less.
            let until = self.time.now_instant() + NAP;
            self.sleep.as_mut().reset(until);
            self.is_armed = true;
        }
        let over = self.sleep.as_mut().poll(cx);
        self.is_armed = over.is_pending();
        over
    }
}
