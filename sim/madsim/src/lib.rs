//! Plans carried out by the shipped async library under madsim.
//!
//! madsim chooses which ready task runs next, and tells when none is; that is all. Time, hosts and what lies between them
//! are the `zmq_world::World`'s: madsim's own clock is a mere detector of idleness, its network is not used.
//!
//! A user's own programs run on the hosts of a plan, with the library that ships and whatever else is async and asks neither
//! the system for the time nor for anything random:
//!
//! ```
//! use std::time::Duration;
//!
//! use zmq_reference::{Context, SocketType};
//! use zmq_sim::engine::{Ending, Recording};
//! use zmq_sim_library::app::{Apps, Host};
//!
//! async fn server(context: Context, _: Host) {
//!     let socket = context.socket(SocketType::Rep).unwrap();
//!     socket.bind("tcp://*:5555").await.unwrap();
//!     let question = socket.recv().await.unwrap();
//!     socket.send(question).await.unwrap();
//! }
//!
//! async fn client(context: Context, host: Host) {
//!     host.sleep(Duration::from_secs(3600)).await; // takes no time
//!     let socket = context.socket(SocketType::Req).unwrap();
//!     socket.connect("tcp://server:5555").unwrap(); // by the name of the host
//!     socket.send("hello").await.unwrap();
//!     assert_eq!(socket.recv().await.unwrap().first(), &"hello");
//! }
//!
//! let plan = r#"
//!     title = "a partition in the middle of it"
//!     seed = 7
//!     limit = "2h"
//!     heal = "90m"
//!     host = [{ name = "server" }, { name = "client" }]
//!     [[fault]]
//!     at = "3600s"
//!     for = "30s"
//!     what = { partition = { between = ["server", "client"] } }
//! "#;
//! let plan = toml::from_str(plan).unwrap();
//! let apps = Apps::new().on("server", server).on("client", client);
//! let run = zmq_sim_madsim::engine().run_with(&plan, &apps, Recording::History);
//! assert_eq!(run.ending, Ending::Finished);
//! ```

#[cfg(not(any(madsim, doc)))]
compile_error!(
    "zmq-sim-madsim needs --cfg madsim, for all crates. In this repository .cargo/config.toml says so, but RUSTFLAGS of the \
     environment replaces that, and `cargo install --git` does not read it. Expected one of: \
     RUSTFLAGS=\"--cfg madsim\" (added to what is in it), \
     --config 'target.\"cfg(all())\".rustflags=[\"--cfg\",\"madsim\"]', \
     or a build without this crate (zmqspec leaves it out by itself)."
);

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
