//! The world, and who waits for what in it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use zmq_world::{ListenerId, LookupId, Side, StreamId, Time, TimerId, Wake, World};

/// One world, shared by the processes on its hosts. All run on one thread, so that its lock is never waited for.
#[derive(Debug)]
pub struct Net {
    state: Mutex<State>,
    pub(crate) signs: Signs,
}

/// What processes tell whoever lets the world go on.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    polls: AtomicU64,
    progress: AtomicBool,
    crashed: Mutex<Option<String>>,
}

impl Signs {
    /// A task is polled.
    #[inline]
    pub(crate) fn polled(&self) {
        self.polls.store(self.polls.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    /// Somebody is done with something that others may wait for.
    pub(crate) fn progress(&self) {
        self.progress.store(true, Ordering::Relaxed);
    }

    pub(crate) fn take_progress(&self) -> bool {
        self.progress.load(Ordering::Relaxed) && self.progress.swap(false, Ordering::Relaxed)
    }

    /// A task panicked. The first one counts.
    pub(crate) fn crash(&self, why: String) {
        self.crashed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }

    pub(crate) fn crashed(&self) -> Option<String> {
        self.crashed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The world and its waiting tasks.
#[derive(Debug)]
pub struct State {
    /// The world.
    pub world: World,
    pub(crate) waiting: Waiting,
}

impl Net {
    /// Around a world.
    #[must_use]
    pub fn new(world: World) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { world, waiting: Waiting::default() }), signs: Signs::default() })
    }

    /// The world. Nothing of the processes may be called or dropped meanwhile.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the next thing happen that is not beyond `limit`, and all that happens at the same instant, and wakes whom that
    /// concerns: they run in any order. To be called when nothing else can run.
    pub fn release(&self, limit: Time) -> Released {
        let mut until = limit;
        let mut woken = false;
        loop {
            let (wake, waker) = {
                let state = &mut *self.lock();
                let Some(wake) = state.world.next_before(until) else {
                    return match (woken, state.world.due()) {
                        (true, _) => Released::Wakes,
                        (false, Some(_)) => Released::NothingYet,
                        (false, None) => Released::Nothing,
                    };
                };
                until = state.world.now();
                (wake, state.waiting.take(wake))
            };
            woken = true;
            if let Some(waker) = waker {
                waker.wake();
            }
            if let Wake::Alarm(tag) = wake {
                return Released::Alarm(tag);
            }
        }
    }
}

/// What [`Net::release`] has let happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// Some tasks may run now.
    Wakes,
    /// So it is, or nobody waited; and this alarm rang, whose turn it is when nothing can run.
    Alarm(u64),
    /// The next thing is beyond the limit.
    NothingYet,
    /// Nothing will ever happen.
    Nothing,
}

/// Wakers of tasks, by what they wait for. Each is called once.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// By the number of the connection, which counts up.
    streams: Vec<[End; 2]>,
    listeners: BTreeMap<ListenerId, Waker>,
    timers: BTreeMap<TimerId, Waker>,
    lookups: BTreeMap<LookupId, Waker>,
}

#[derive(Debug, Default)]
struct End {
    readable: Option<Waker>,
    /// Also who waits for the connection to be made.
    writable: Option<Waker>,
}

impl Waiting {
    pub(crate) fn until_readable(&mut self, stream: StreamId, waker: &Waker) {
        put(&mut self.end(stream).readable, waker);
    }

    pub(crate) fn until_writable(&mut self, stream: StreamId, waker: &Waker) {
        put(&mut self.end(stream).writable, waker);
    }

    pub(crate) fn until_acceptable(&mut self, listener: ListenerId, waker: &Waker) {
        self.listeners.insert(listener, waker.clone());
    }

    pub(crate) fn until_over(&mut self, timer: TimerId, waker: &Waker) {
        self.timers.insert(timer, waker.clone());
    }

    pub(crate) fn until_resolved(&mut self, lookup: LookupId, waker: &Waker) {
        self.lookups.insert(lookup, waker.clone());
    }

    /// Who waits for this. Nobody for alarms, which are the director's, and for datagrams, which the library has not.
    pub(crate) fn take(&mut self, wake: Wake) -> Option<Waker> {
        match wake {
            Wake::Readable(stream) => self.known(stream)?.readable.take(),
            Wake::Writable(stream) | Wake::Dialled(stream) => self.known(stream)?.writable.take(),
            Wake::Acceptable(listener) => self.listeners.remove(&listener),
            Wake::Timer(timer) => self.timers.remove(&timer),
            Wake::Resolved(lookup) => self.lookups.remove(&lookup),
            Wake::Arrived(_) | Wake::Alarm(_) => None,
        }
    }

    /// Nobody waits for this stream any more. The wakers, to be dropped under no lock.
    pub(crate) fn forget_stream(&mut self, stream: StreamId) -> [Option<Waker>; 2] {
        let end = self.end(stream);
        [end.readable.take(), end.writable.take()]
    }

    /// Nobody waits for anything any more.
    pub(crate) fn clear(&mut self) -> Self {
        std::mem::take(self)
    }

    #[inline]
    fn known(&mut self, stream: StreamId) -> Option<&mut End> {
        Some(&mut self.streams.get_mut(stream.connection() as usize)?[side(stream)])
    }

    #[inline]
    fn end(&mut self, stream: StreamId) -> &mut End {
        let index = stream.connection() as usize;
        if index >= self.streams.len() {
            self.streams.resize_with(index + 1, Default::default);
        }
        &mut self.streams[index][side(stream)]
    }
}

const fn side(stream: StreamId) -> usize {
    match stream.side() {
        Side::Dialler => 0,
        Side::Acceptor => 1,
    }
}

#[inline]
fn put(place: &mut Option<Waker>, waker: &Waker) {
    if !place.as_ref().is_some_and(|known| known.will_wake(waker)) {
        *place = Some(waker.clone());
    }
}
