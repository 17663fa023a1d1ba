//! What the threads of a run share. Only one of them runs at a time, and none gives way while it holds a lock.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use zmq_libzmq::Library;
use zmq_sim::actor::Actor;
use zmq_sim::history::{Call, Entry, History, What, Who};
use zmq_sim::plan::{ActorIndex, FaultIndex, HostIndex, Plan, SocketEvent, SocketIndex, Trigger};
use zmq_sim::time::Time;

use crate::control::Control;
use crate::job::{Job, Left, Line};

/// Standard output.
const STDOUT: i32 = 1;

pub(super) struct Shared {
    pub(super) plan: Arc<Plan>,
    pub(super) control: Control,
    pub(super) library: Library,
    pub(super) folder: PathBuf,
    history: Mutex<History>,
    actors: Vec<Mutex<Option<Actor>>>,
    board: Mutex<Board>,
    bell: Condvar,
}

/// How far everybody is.
#[derive(Default)]
struct Board {
    /// Actors that are not done.
    acting: BTreeSet<ActorIndex>,
    /// Processes that run, and the lives of their hosts.
    running: BTreeSet<(HostIndex, u16)>,
    /// Everybody terminates.
    closing: bool,
    /// Faults whose event has come.
    triggered: Vec<FaultIndex>,
    /// How often each fault's event has come.
    counts: Vec<u32>,
    /// Sockets that are to connect once more.
    connects: Vec<SocketIndex>,
    left: Vec<Left>,
}

/// What the director hears.
pub(super) enum Heard {
    /// All actors are done, and all processes ended.
    Over,
    /// The events of these faults have come.
    Triggered(Vec<FaultIndex>),
    /// It is time.
    Nothing,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(control: Control, library: Library, job: Job) -> Arc<Self> {
        let plan = Arc::new(job.plan);
        let acting = ActorIndex::all(&plan).collect();
        let board = Board { acting, counts: vec![0; plan.faults.len()], ..Board::default() };
        Arc::new(Self {
            control,
            library,
            folder: job.folder,
            history: Mutex::new(History::new(&plan)),
            actors: ActorIndex::all(&plan).map(|_| Mutex::new(None)).collect(),
            board: Mutex::new(board),
            bell: Condvar::new(),
            plan,
        })
    }

    pub(super) fn now(&self) -> Time {
        self.control.now()
    }

    /// Writes a line to the parent, behind the run's back.
    pub(super) fn tell(&self, line: &Line) {
        let mut text = serde_json::to_vec(line).expect("all that is told can be written as JSON");
        text.push(b'\n');
        self.control.tell(STDOUT, &text);
    }

    /// Lets somebody write history, and tells the parent what is new.
    pub(super) fn write<T>(&self, what: impl FnOnce(Time, &mut History) -> T) -> T {
        let mut history = lock(&self.history);
        let known = history.entries.len();
        let result = what(self.now(), &mut history);
        for entry in &history.entries[known..] {
            self.tell(&Line::Entry(entry.clone()));
            self.watch(entry);
        }
        result
    }

    pub(super) fn note(&self, what: What) {
        self.write(|now, history| history.note(now, what));
    }

    pub(super) fn note_of_process(&self, host: HostIndex, life: u16, socket: Option<SocketIndex>, call: Call) {
        let who = Who { actor: None, host, life };
        self.write(|now, history| history.note(now, What::Call { who, socket, since: now, call }));
    }

    /// Looks whether faults wait for this.
    fn watch(&self, entry: &Entry) {
        let What::Call { socket: Some(socket), call, .. } = &entry.what else { return };
        let happened = match call {
            Call::Sent(_) => SocketEvent::Sent,
            Call::Received(_) => SocketEvent::Received,
            Call::Close(_) => SocketEvent::Closed,
            _ => return,
        };
        for index in FaultIndex::all(&self.plan) {
            let Some(Trigger::Socket { name, event, nth }) = &self.plan[index].after else { continue };
            if *event == happened && *name == self.plan[*socket].name {
                let mut board = lock(&self.board);
                let count = &mut board.counts[usize::from(index.0)];
                *count += 1;
                if *count == *nth {
                    board.triggered.push(index);
                    self.bell.notify_all();
                }
            }
        }
    }

    /// A fault's event has come that is none of the history.
    pub(super) fn trigger(&self, fault: FaultIndex) {
        lock(&self.board).triggered.push(fault);
        self.bell.notify_all();
    }

    /// The place of an actor. Its thread holds it only while the actor decides.
    pub(super) fn actor(&self, actor: ActorIndex) -> MutexGuard<'_, Option<Actor>> {
        lock(&self.actors[usize::from(actor.0)])
    }

    pub(super) fn is_done(&self, actor: ActorIndex) {
        lock(&self.board).acting.remove(&actor);
        self.bell.notify_all();
    }

    pub(super) fn begins(&self, host: HostIndex, life: u16) {
        lock(&self.board).running.insert((host, life));
    }

    /// A process ends, and leaves this behind.
    pub(super) fn ends(&self, host: HostIndex, life: u16, left: Option<Left>) {
        let mut board = lock(&self.board);
        board.running.remove(&(host, life));
        board.left.extend(left);
        self.bell.notify_all();
    }

    /// A process was killed; whether its actors will begin again.
    pub(super) fn is_killed(&self, host: HostIndex, life: u16, again: bool) {
        let mut board = lock(&self.board);
        board.running.remove(&(host, life));
        if !again {
            board.acting.retain(|actor| self.plan.home_of(*actor) != Some(host));
        }
        self.bell.notify_all();
    }

    /// Waits until everybody terminates.
    pub(super) fn await_closing(&self) {
        let mut board = lock(&self.board);
        while !board.closing {
            board = self.bell.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn connect_again(&self, socket: SocketIndex) {
        lock(&self.board).connects.push(socket);
    }

    /// Whether this socket is to connect once more; asked by its thread.
    pub(super) fn has_to_connect(&self, socket: SocketIndex) -> bool {
        let connects = &mut lock(&self.board).connects;
        let place = connects.iter().position(|one| *one == socket);
        place.map(|place| connects.remove(place)).is_some()
    }

    /// The director waits for what happens, until then.
    pub(super) fn listen(&self, until: Time) -> Heard {
        let mut board = lock(&self.board);
        loop {
            if board.acting.is_empty() && !board.closing {
                board.closing = true;
                self.bell.notify_all();
            }
            if board.closing && board.running.is_empty() {
                return Heard::Over;
            }
            if !board.triggered.is_empty() {
                return Heard::Triggered(std::mem::take(&mut board.triggered));
            }
            let now = self.now();
            if now >= until {
                return Heard::Nothing;
            }
            board = self.bell.wait_timeout(board, until - now).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Who is doing what.
    pub(super) fn positions(&self) -> Vec<String> {
        let board = lock(&self.board);
        let closing = board.running.iter().map(|(host, _)| format!("{}: terminating", self.plan[*host].name));
        let acting = board.acting.iter();
        let acting = acting.filter_map(|actor| self.actor(*actor).as_ref().map(Actor::position));
        let all = acting.chain(if board.closing { Some(closing) } else { None }.into_iter().flatten());
        all.collect()
    }

    /// Lets go of what is known of the run; it was told.
    pub(super) fn forget(&self) {
        lock(&self.history).entries = Vec::new();
    }

    pub(super) fn leftovers(&self) -> Vec<Left> {
        std::mem::take(&mut lock(&self.board).left)
    }
}
