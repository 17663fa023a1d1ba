//! Every order of the hand-off, tried by loom.
//!
//! `RUSTFLAGS="--cfg loom -C debug-assertions" cargo test -p zmq-reference --release --lib loom`
//!
//! The model has no ticks: the I/O thread wakes only when it is told to. Work that nobody was told of is then a deadlock,
//! which loom reports, and not a millisecond of delay.

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::handoff::{Enter, Handoff, Kick, Turn};
use super::wake_state::WakeState;

/// A reactor with one task, which ends when it is polled.
struct Model {
    handoff: Handoff,
    state: Mutex<State>,
    changed: Condvar,
}

/// All that threads wait for.
#[derive(Default)]
struct State {
    /// Somebody is inside the runtime and drives.
    core_taken: bool,
    /// The task is in the runtime's queue.
    queued: bool,
    /// The driver's eventfd.
    event: bool,
    /// The task has been polled.
    done: bool,
    /// The I/O thread has been unparked.
    token: bool,
    /// The runtime is gone.
    dropped: bool,
}

enum Drive {
    Task,
    Event,
}

impl Model {
    fn start() -> (Arc<Self>, thread::JoinHandle<()>) {
        let model = Arc::new(Self { handoff: Handoff::new(), state: Mutex::default(), changed: Condvar::new() });
        model.handoff.add_task();
        let of_thread = Arc::clone(&model);
        (model, thread::spawn(move || of_thread.run_io_thread()))
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }

    fn wait<T>(&self, mut until: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut state = self.state.lock().unwrap();
        loop {
            match until(&mut state) {
                Some(result) => return result,
                None => state = self.changed.wait(state).unwrap(),
            }
        }
    }

    fn kick(&self, kick: Kick) {
        match kick {
            Kick::No => {}
            Kick::Yes => self.change(|state| state.token = true),
        }
    }

    fn end(&self, kick: Kick) {
        self.kick(kick);
        match kick {
            Kick::No => {}
            Kick::Yes => self.change(|state| state.event = true),
        }
    }

    fn wake_task(&self) {
        let kick = self.handoff.add_work();
        self.change(|state| state.queued = true);
        self.kick(kick);
    }

    fn run_task(&self) {
        self.change(|state| state.done = true);
        self.handoff.finish_work();
        self.end(self.handoff.finish_task());
    }

    /// A guest whose future is ready at once, so that it enters and leaves without a look at the queue.
    fn visit(&self) {
        match self.handoff.enter() {
            Enter::Drive => {}
            Enter::DriveOnceReleased => self.change(|state| state.event = true),
            Enter::Ended => return,
        }
        assert!(!self.state.lock().unwrap().dropped, "a guest is inside a runtime that is gone");
        self.kick(self.handoff.leave());
    }

    /// A guest that blocks until the task is done, and drives when it can.
    fn block_until_done(&self) {
        match self.handoff.enter() {
            Enter::Drive => {}
            Enter::DriveOnceReleased => self.change(|state| state.event = true),
            Enter::Ended => return self.wait(|state| state.done.then_some(())),
        }
        let drives = self.wait(|state| match (state.done, state.core_taken) {
            (true, _) => Some(false),
            (false, false) => {
                state.core_taken = true;
                Some(true)
            }
            (false, true) => None,
        });
        if drives {
            while let Some(drive) =
                self.wait(|state| if state.done { Some(None) } else { state.next_event().map(Some) })
            {
                match drive {
                    Drive::Task => self.run_task(),
                    Drive::Event => {}
                }
            }
            self.change(|state| state.core_taken = false);
        }
        self.kick(self.handoff.leave());
    }

    fn run_io_thread(&self) {
        loop {
            self.drive_until_release();
            self.handoff.release();
            loop {
                match self.handoff.next_turn() {
                    Turn::Drive => break,
                    Turn::SleepOneTick | Turn::SleepUntilKicked => {
                        self.wait(|state| std::mem::take(&mut state.token).then_some(()));
                    }
                    Turn::End => return self.change(|state| state.dropped = true),
                }
            }
        }
    }

    fn drive_until_release(&self) {
        let mut inside = false;
        while !self.handoff.should_release() {
            // Like a runtime, which polls its main future when that is woken, and not after each task.
            while let Drive::Task = self.wait(|state| {
                if !inside && !state.core_taken {
                    state.core_taken = true;
                    inside = true;
                    return Some(Drive::Event);
                }
                // Outside, only the parker of the future can be heard.
                if inside { state.next_event() } else { std::mem::take(&mut state.event).then_some(Drive::Event) }
            }) {
                self.run_task();
            }
        }
        if inside {
            self.change(|state| state.core_taken = false);
        }
    }
}

impl State {
    fn next_event(&mut self) -> Option<Drive> {
        if std::mem::take(&mut self.queued) {
            Some(Drive::Task)
        } else {
            std::mem::take(&mut self.event).then_some(Drive::Event)
        }
    }
}

fn explore(test: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(test);
}

#[test]
fn loom_work_is_done_whoever_comes_and_goes() {
    explore(|| {
        let (model, io_thread) = Model::start();
        let guest = Arc::clone(&model);
        let guest = thread::spawn(move || guest.visit());
        model.wake_task();
        model.wait(|state| state.done.then_some(()));
        guest.join().unwrap();
        model.end(model.handoff.stop());
        io_thread.join().unwrap();
    });
}

#[test]
fn loom_work_is_done_between_two_visits() {
    explore(|| {
        let (model, io_thread) = Model::start();
        let guest = Arc::clone(&model);
        let guest = thread::spawn(move || {
            guest.visit();
            guest.visit();
        });
        model.wake_task();
        guest.join().unwrap();
        model.wait(|state| state.done.then_some(()));
        model.end(model.handoff.stop());
        io_thread.join().unwrap();
    });
}

#[test]
fn loom_a_blocked_guest_gets_its_task_run() {
    explore(|| {
        let (model, io_thread) = Model::start();
        let guest = Arc::clone(&model);
        let guest = thread::spawn(move || guest.block_until_done());
        model.wake_task();
        guest.join().unwrap();
        model.end(model.handoff.stop());
        io_thread.join().unwrap();
    });
}

#[test]
fn loom_the_end_waits_for_the_last_task_and_the_last_guest() {
    explore(|| {
        let (model, io_thread) = Model::start();
        let guest = Arc::clone(&model);
        let guest = thread::spawn(move || guest.visit());
        model.end(model.handoff.stop());
        model.wake_task();
        io_thread.join().unwrap();
        assert!(model.state.lock().unwrap().done, "the runtime ended before its task");
        guest.join().unwrap();
        assert!(model.handoff.enter() == Enter::Ended);
    });
}

#[test]
fn loom_wakes_of_a_task_that_ends_are_counted_once() {
    explore(|| {
        let (handoff, state) = (Arc::new(Handoff::new()), Arc::new(WakeState::woken()));
        let _ = handoff.add_work();
        let wakers = [(); 2].map(|()| {
            let (handoff, state) = (Arc::clone(&handoff), Arc::clone(&state));
            thread::spawn(move || {
                let _ = state.wake(&handoff);
            })
        });
        // The only poll, and the end.
        assert!(state.begin_poll());
        handoff.finish_work();
        if state.end() {
            handoff.finish_work();
        }
        wakers.into_iter().for_each(|waker| waker.join().unwrap());
        assert_eq!(handoff.work(), 0);
    });
}
