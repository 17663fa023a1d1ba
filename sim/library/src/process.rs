//! A process on a host: its tasks, which end with it wherever they are.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use zmq_reference::runtime::BoxFuture;
use zmq_world::HostId;

use crate::executor::Executor;
use crate::net::{Net, Signs};

/// A process that runs on a host of a world.
pub struct Process {
    net: Arc<Net>,
    host: HostId,
    executor: Arc<dyn Executor>,
    dead: AtomicBool,
    tasks: Mutex<Tasks>,
}

#[derive(Default)]
struct Tasks {
    started: u64,
    all: BTreeMap<u64, Arc<Task>>,
}

/// A future that can be taken away from whoever runs it.
struct Task {
    place: Mutex<Taken>,
}

/// The future, and the waker of who runs it.
struct Taken {
    future: Option<BoxFuture<'static, ()>>,
    waker: Option<Waker>,
}

impl Process {
    /// A process of this host, which runs.
    #[must_use]
    pub fn start(net: &Arc<Net>, host: HostId, executor: &Arc<dyn Executor>) -> Arc<Self> {
        Arc::new(Self {
            net: Arc::clone(net),
            host,
            executor: Arc::clone(executor),
            dead: AtomicBool::new(false),
            tasks: Mutex::default(),
        })
    }

    /// The world that it is in.
    #[must_use]
    pub const fn net(&self) -> &Arc<Net> {
        &self.net
    }

    /// Its host.
    #[must_use]
    pub const fn host(&self) -> HostId {
        self.host
    }

    /// Whether it is dead: what it lets go of is no business of the world's any more.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// How many of its tasks have not ended.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.lock().all.len()
    }

    /// Runs a task until it ends, or the process does. One of a process that is dead is dropped.
    pub fn spawn(self: &Arc<Self>, future: BoxFuture<'static, ()>) {
        if self.is_dead() {
            return;
        }
        let task = Arc::new(Task { place: Mutex::new(Taken { future: Some(future), waker: None }) });
        let number = {
            let mut tasks = self.lock();
            tasks.started += 1;
            let number = tasks.started;
            tasks.all.insert(number, Arc::clone(&task));
            number
        };
        let process = Arc::downgrade(self);
        let net = Arc::clone(&self.net);
        let run = std::future::poll_fn(move |cx| {
            let ended = task.poll(cx, &net.signs);
            if ended.is_ready()
                && let Some(process) = process.upgrade()
            {
                process.lock().all.remove(&number);
            }
            ended
        });
        self.executor.spawn(Box::pin(run));
    }

    /// Drops all tasks, in the order in which they began, without a word to the world. Not to be called by one of them, nor
    /// with the world locked.
    pub fn end(&self) {
        self.dead.store(true, Ordering::Relaxed);
        // A task that is dropped may begin another, which is dropped at once.
        let tasks = std::mem::take(&mut self.lock().all);
        for task in tasks.into_values() {
            drop(task.take());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Task {
    fn poll(&self, cx: &mut Context<'_>, signs: &Signs) -> Poll<()> {
        signs.polled();
        let mut place = self.lock();
        let Some(future) = &mut place.future else { return Poll::Ready(()) };
        let polled = panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        let ended = match polled {
            Ok(Poll::Pending) => {
                // Whoever runs it gives it one waker for all its life.
                if place.waker.is_none() {
                    place.waker = Some(cx.waker().clone());
                }
                return Poll::Pending;
            }
            Ok(Poll::Ready(())) => place.take(),
            Err(payload) => {
                signs.crash(words(&*payload));
                place.take()
            }
        };
        drop(place);
        drop(ended);
        Poll::Ready(())
    }

    /// Takes the future away. Whoever runs it is told to look.
    fn take(&self) -> Taken {
        let taken = self.lock().take();
        if let Some(waker) = &taken.waker {
            waker.wake_by_ref();
        }
        taken
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn take(&mut self) -> Self {
        Self { future: self.future.take(), waker: self.waker.take() }
    }
}

/// What a panic says.
fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without words").to_owned()
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("host", &self.host).field("tasks", &self.tasks()).finish_non_exhaustive()
    }
}
