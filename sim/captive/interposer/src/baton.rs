//! One baton. A thread of the run executes while it has it, and sleeps otherwise; so the threads of a run never run
//! at the same time, and its state needs no lock.
//!
//! The baton goes straight to the thread that is drawn: each has a word of its own, and the kernel is asked to wake it
//! only if it sleeps there. A thread that is drawn again just goes on.

use core::cell::{Cell, UnsafeCell};
use core::marker::PhantomData;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::run::{NEVER, Run, State, Wait};
use crate::sys::{self, SYS_FUTEX, SYS_GETPID, SYS_GETTID, SYS_SCHED_YIELD, SYS_TGKILL};
use crate::trace::Call;

/// The word of a thread that has no baton, of one that was given it, and of one that sleeps in the kernel.
const NONE: u32 = 0;
const GIVEN: u32 = 1;
const ASLEEP: u32 = 2;

const OUTSIDE: usize = usize::MAX;

thread_local! {
    /// Which thread of the run this is.
    static ME: Cell<usize> = const { Cell::new(OUTSIDE) };
    /// Whether this library itself is at work, whose own calls pass through.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

static ON: AtomicBool = AtomicBool::new(false);
static CURRENT: Global = Global(UnsafeCell::new(None));

struct Global(UnsafeCell<Option<Box<Run>>>);

// SAFETY: reached by a `Holder` only, of which there is one at a time: the baton orders all access.
unsafe impl Sync for Global {}

/// The proof that this thread is in the run, has the baton, and is not already at work in here.
#[derive(Debug)]
pub(crate) struct Holder {
    me: usize,
    _here: PhantomData<*mut ()>,
}

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// What was waited for may be there.
    Told,
    /// The time is over.
    Late,
}

/// The baton, if this call is one of the run's; else it is to be passed through.
pub(crate) fn enter() -> Option<Holder> {
    if !ON.load(Ordering::Relaxed) {
        return None;
    }
    let me = ME.get();
    if me == OUTSIDE || INSIDE.get() {
        return None;
    }
    INSIDE.set(true);
    Some(Holder { me, _here: PhantomData })
}

/// Whether this thread is in the run and within this library.
pub(crate) fn is_at_work() -> bool {
    ON.load(Ordering::Relaxed) && ME.get() != OUTSIDE && INSIDE.get()
}

/// Begins a run with the calling thread as its first; `None` if there is one.
pub(crate) fn begin(run: Box<Run>) -> Option<Holder> {
    if ON.load(Ordering::Acquire) || ME.get() != OUTSIDE {
        return None;
    }
    // SAFETY: there is no run, so nobody has a baton.
    let place = unsafe { &mut *CURRENT.0.get() };
    let me = place.insert(run).add_thread(0, 0);
    ME.set(me);
    INSIDE.set(true);
    ON.store(true, Ordering::Release);
    Some(Holder { me, _here: PhantomData })
}

/// The child of a fork is not in the run.
pub(crate) fn leave_as_child() {
    ON.store(false, Ordering::Relaxed);
    ME.set(OUTSIDE);
    INSIDE.set(false);
}

impl Holder {
    pub(crate) fn me(&self) -> usize {
        self.me
    }

    pub(crate) fn run(&mut self) -> &mut Run {
        // SAFETY: a `Holder` is the proof of the baton, and borrowing it mutably borrows the run.
        let run = unsafe { &mut *CURRENT.0.get() };
        run.as_deref_mut().expect("the run is dropped by the last holder, in `end`")
    }

    /// A scheduling point: another thread may be drawn.
    pub(crate) fn point(&mut self) {
        let me = self.me;
        let run = self.run();
        run.pass_time();
        let next = run.choose(me);
        if next != me {
            self.hand_over(next);
        }
    }

    /// Gives the baton away until what is waited for may be there, or the time is over.
    pub(crate) fn block(&mut self, wait: Wait, deadline: u64) -> Woken {
        let me = self.me;
        let run = self.run();
        run.threads[me].state = State::Blocked(wait);
        run.threads[me].deadline = deadline;
        run.threads[me].told = false;
        run.next_deadline = run.next_deadline.min(deadline);
        run.on_descriptors += usize::from(wait == Wait::Descriptors);
        run.ready.retain(|thread| *thread != me);
        run.pass_time();
        let next = run.choose(me);
        if next != me {
            self.hand_over(next);
        }
        if self.run().threads[me].told { Woken::Told } else { Woken::Late }
    }

    /// This thread's last moment in the run. The kernel's thread goes on to its end while the next one waits for that.
    pub(crate) fn retire(mut self) {
        let me = self.me;
        // SAFETY: takes nothing.
        let id = unsafe { sys::syscall(SYS_GETTID, [0; 6]) };
        let run = self.run();
        run.note(me, Call::Exit, me as u64, 0, 0);
        run.threads[me].state = State::Done;
        run.threads[me].deadline = NEVER;
        run.ready.retain(|thread| *thread != me);
        run.wake_all(Wait::Join(me));
        run.leaving = Some(id);
        run.pass_time();
        let next = run.choose(me);
        run.handovers += 1;
        let word = run.threads[next].word;
        ME.set(OUTSIDE);
        drop(self);
        give(word);
    }

    /// Ends the run and gives its state. Threads that are left in it sleep for ever.
    pub(crate) fn end(self) -> Box<Run> {
        ON.store(false, Ordering::Release);
        ME.set(OUTSIDE);
        // SAFETY: this thread has the baton, and nobody will get it any more.
        let run = unsafe { (*CURRENT.0.get()).take() };
        run.expect("there is a run while somebody has the baton")
    }

    fn hand_over(&mut self, next: usize) {
        let me = self.me;
        let run = self.run();
        run.handovers += 1;
        let (mine, theirs) = (run.threads[me].word, run.threads[next].word);
        give(theirs);
        sleep(mine);
        self.await_leaving();
    }

    /// A thread that left frees memory after its last point; nobody goes on before it has.
    fn await_leaving(&mut self) {
        if let Some(id) = self.run().leaving.take() {
            // SAFETY: takes nothing; signal 0 only asks whether the thread is there.
            let process = unsafe { sys::syscall(SYS_GETPID, [0; 6]) };
            // SAFETY: as above.
            while unsafe { sys::syscall(SYS_TGKILL, [process, id, 0, 0, 0, 0]) } == 0 {
                // SAFETY: takes nothing.
                unsafe { sys::syscall(SYS_SCHED_YIELD, [0; 6]) };
            }
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

/// A new thread's first wait for the baton, as thread `me` of the run, whose word this is.
pub(crate) fn join_as(me: usize, word: &'static AtomicU32) {
    ME.set(me);
    INSIDE.set(true);
    sleep(word);
    let mut holder = Holder { me, _here: PhantomData };
    holder.await_leaving();
}

fn give(word: &AtomicU32) {
    if word.swap(GIVEN, Ordering::Release) == ASLEEP {
        // SAFETY: the word lives for ever; 0x81 is a private wake.
        unsafe { sys::syscall(SYS_FUTEX, [word.as_ptr() as i64, 0x81, 1, 0, 0, 0]) };
    }
}

fn sleep(word: &AtomicU32) {
    loop {
        if word.compare_exchange(GIVEN, NONE, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            return;
        }
        if word.compare_exchange(NONE, ASLEEP, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            // SAFETY: the word lives for ever; 0x80 is a private wait without a time-out.
            unsafe { sys::syscall(SYS_FUTEX, [word.as_ptr() as i64, 0x80, i64::from(ASLEEP), 0, 0, 0]) };
            let _ = word.compare_exchange(ASLEEP, NONE, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}
