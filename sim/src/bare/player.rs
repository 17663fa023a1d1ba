//! A plan on a [`Net`]: processes, their actors, what the director does to them, and the end.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;

use zmq_world::{HostId, World};

use super::draws;
use super::net::{Net, Step, User};
use super::slot::{Program, Slot};
use super::sockets::SocketKey;
use crate::director::{Director, FIRST_TAG, Stage, world_of};
use crate::engine::{Ending, Leftover, Recording, Run};
use crate::hash::Fingerprint;
use crate::history::{Call, History, What, Who};
use crate::options;
use crate::plan::{ActorIndex, FaultKind, HostEvent, HostIndex, Plan, SocketIndex};
use crate::time::Time;

/// So many steps without that time passes are no progress any more.
const STUCK: u64 = 20_000_000;

/// Plays one plan.
pub(super) struct Player {
    pub(super) plan: Arc<Plan>,
    pub(super) net: Net,
    hosts: Vec<HostId>,
    pub(super) history: History,
    pub(super) processes: Vec<Process>,
    /// By the numbers of their users.
    pub(super) slots: Vec<Slot>,
    is_closing: bool,
    /// A host was paused or resumed.
    has_pauses: bool,
    /// Since it was last looked at whether all is over, something happened by which it may be.
    pub(super) may_be_over: bool,
}

/// The process of a host.
pub(super) struct Process {
    pub(super) life: u16,
    pub(super) state: State,
    pub(super) sockets: BTreeMap<SocketIndex, SocketKey>,
}

/// How far a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It makes its sockets.
    Opening,
    /// Its actors run.
    Running,
    /// It is dead.
    Down,
    /// Its context is being terminated.
    Closing,
    /// Its context is terminated.
    Over,
}

impl Player {
    pub(super) fn new(plan: &Arc<Plan>, recording: Recording) -> Self {
        let (mut world, hosts) = world_of(plan);
        world.trace().keep(match recording {
            Recording::History => zmq_world::Keep::Hash,
            Recording::Network => zmq_world::Keep::Events,
            Recording::Octets => zmq_world::Keep::Octets,
        });
        let mut net = Net::new(world, plan.seed);
        let (of_plan, of_world) = (Arc::clone(plan), hosts.clone());
        net.set_zap(move |host, request| {
            let index = of_world.iter().position(|known| *known == host).and_then(|place| u16::try_from(place).ok());
            let verdict = index.and_then(|index| options::zap(&of_plan, HostIndex(index), request));
            verdict.map_or(zmq_core::mechanism::zap::Answer::NoHandler, options::Verdict::answer)
        });
        let process = |_| Process { life: 0, state: State::Down, sockets: BTreeMap::new() };
        Self {
            plan: Arc::clone(plan),
            net,
            processes: hosts.iter().map(process).collect(),
            hosts,
            history: History::new(plan),
            slots: Vec::new(),
            is_closing: false,
            has_pauses: false,
            may_be_over: true,
        }
    }

    /// Plays to the end.
    pub(super) fn play(&mut self) -> Ending {
        let mut director = Director::new(&Arc::clone(&self.plan));
        for host in HostIndex::all(&Arc::clone(&self.plan)) {
            self.open_process(host);
        }
        director.begin(self);
        let limit = zmq_world::Time::START + self.plan.limit.0;
        let (mut instant, mut steps) = (self.net.world().now(), 0);
        loop {
            match self.net.step(limit) {
                Step::Io => {}
                Step::User(user) => self.run(user),
                Step::Alarm(tag) if tag >= FIRST_TAG => {
                    director.alarm(tag, self);
                    self.may_be_over = true;
                }
                Step::Alarm(tag) => self.ring(tag),
                Step::Limit => return Ending::OutOfTime(self.pending()),
                Step::Nothing => return Ending::Deadlock(self.pending()),
            }
            self.note_events();
            director.watch(self);
            if std::mem::take(&mut self.has_pauses) {
                self.net.hosts_changed();
            }
            if self.is_over(&director) {
                return Ending::Finished;
            }
            steps = if self.net.world().now() == instant { steps + 1 } else { 0 };
            instant = self.net.world().now();
            if steps > STUCK {
                let why = format!("no time passes: {STUCK} steps at {instant}");
                return Ending::Crashed(std::iter::once(why).chain(self.pending()).collect::<Vec<_>>().join("; "));
            }
        }
    }

    /// True time.
    pub(super) fn now(&self) -> Time {
        Time::from_nanos(self.net.world().now().as_nanos())
    }

    pub(super) fn host_id(&self, host: HostIndex) -> HostId {
        self.hosts[usize::from(host.0)]
    }

    pub(super) fn process(&mut self, host: HostIndex) -> &mut Process {
        &mut self.processes[usize::from(host.0)]
    }

    /// Has this slot look again at that time. There is one alarm that counts for each slot, the earliest.
    pub(super) fn remind(&mut self, slot: usize, at: Time) {
        let of = &mut self.slots[slot];
        if of.alarm.is_none_or(|alarm| alarm > at) {
            of.alarm = Some(at);
            let at = zmq_world::Time::from_nanos(at.as_nanos());
            self.net.world_mut().alarm(at, slot as u64);
        }
    }

    fn ring(&mut self, tag: u64) {
        let now = self.now();
        let slot = usize::try_from(tag).ok().and_then(|index| self.slots.get_mut(index));
        if let Some(slot) = slot.filter(|slot| slot.alarm.is_some_and(|at| at <= now)) {
            slot.alarm = None;
            self.net.waker(slot.user).wake_by_ref();
        }
    }

    fn open_process(&mut self, host: HostIndex) {
        let plan = Arc::clone(&self.plan);
        let life = self.process(host).life;
        self.process(host).state = State::Opening;
        self.start(host, Program::opening(&plan, host, life));
    }

    /// The process has made its sockets: its actors begin.
    pub(super) fn opened(&mut self, host: HostIndex) {
        let plan = Arc::clone(&self.plan);
        let life = self.process(host).life;
        self.process(host).state = State::Running;
        for actor in ActorIndex::all(&plan).filter(|actor| plan.home_of(*actor) == Some(host)) {
            self.start(host, Program::actor(&plan, actor, life));
        }
    }

    fn start(&mut self, host: HostIndex, program: Program) {
        let life = self.process(host).life;
        let name = draws::name((&self.plan[host].name, program.name(&self.plan), life));
        let user: User = self.net.user(self.host_id(host), name);
        self.slots.push(Slot::new(user, host, life, program));
        self.net.waker(user).wake_by_ref();
    }

    fn note_events(&mut self) {
        for event in self.net.take_events() {
            let now = self.now();
            let found = self.processes.iter().find_map(|process| {
                let (socket, _) = process.sockets.iter().find(|(_, key)| **key == event.socket)?;
                Some((*socket, process.life))
            });
            // A socket that was closed has no monitor any more.
            if let Some((socket, life)) = found {
                let what =
                    What::Monitor { socket, life, event: event.kind.name().to_owned(), endpoint: event.endpoint };
                self.history.note(now, what);
            }
        }
    }

    /// Whether all is over. When the last actor is done, all processes close their sockets and terminate their contexts.
    fn is_over(&mut self, director: &Director) -> bool {
        if !self.is_closing {
            if !std::mem::take(&mut self.may_be_over) {
                return false;
            }
            let waits = HostIndex::all(&self.plan).any(|host| match self.processes[usize::from(host.0)].state {
                State::Opening => true,
                State::Running | State::Closing | State::Over => false,
                State::Down => !director.is_healed() && self.may_come_back(host),
            });
            if waits || self.slots.iter().any(|slot| !slot.is_finished() && self.is_alive(slot)) {
                return false;
            }
            self.is_closing = true;
            for host in HostIndex::all(&Arc::clone(&self.plan)) {
                if self.process(host).state == State::Running {
                    self.close_process(host);
                }
            }
        }
        let mut is_over = true;
        for host in HostIndex::all(&Arc::clone(&self.plan)) {
            if self.process(host).state != State::Closing {
                continue;
            }
            if self.net.live(self.host_id(host)) > 0 {
                is_over = false;
                continue;
            }
            self.process(host).state = State::Over;
            self.note_of_process(host, None, Call::Terminate);
        }
        is_over
    }

    /// Whether a fault lets the host down for a while only.
    fn may_come_back(&self, host: HostIndex) -> bool {
        self.plan.faults.iter().any(|fault| match &fault.what {
            FaultKind::Down { host: name, restart, .. } => *restart && self.plan.host(name) == Some(host),
            _ => false,
        })
    }

    /// Closes what is still open, and terminates the context.
    fn close_process(&mut self, host: HostIndex) {
        self.process(host).state = State::Closing;
        for (socket, key) in std::mem::take(&mut self.process(host).sockets) {
            self.net.close(key, None);
            self.note_of_process(host, Some(socket), Call::Close(None));
        }
    }

    fn note_of_process(&mut self, host: HostIndex, socket: Option<SocketIndex>, call: Call) {
        let now = self.now();
        let who = Who { actor: None, host, life: self.process(host).life };
        self.history.note(now, What::Call { who, socket, since: now, call });
    }

    pub(super) fn is_alive(&self, slot: &Slot) -> bool {
        let process = &self.processes[usize::from(slot.host.0)];
        process.life == slot.life && matches!(process.state, State::Opening | State::Running)
    }

    /// Who is not done, and what it is doing.
    fn pending(&self) -> Vec<String> {
        let unfinished = self.slots.iter().filter(|slot| !slot.is_finished() && self.is_alive(slot));
        let mut pending: Vec<String> = unfinished.map(|slot| slot.position(&self.plan)).collect();
        for host in HostIndex::all(&self.plan) {
            let live = self.net.live(self.host_id(host));
            if self.processes[usize::from(host.0)].state == State::Closing && live > 0 {
                let name = &self.plan[host].name;
                pending.push(format!("{name}: its context is not terminated, of its connections {live} are left"));
            }
        }
        pending
    }

    /// What came of it.
    pub(super) fn into_run(mut self, ending: Ending, recording: Recording) -> Run {
        let left = self.left();
        let trace = self.net.world_mut().trace();
        let mut hash = Fingerprint::default();
        hash.fold(trace.hash());
        hash.fold(self.history.hash());
        let network = (recording != Recording::History).then(|| trace.clone());
        Run { hash: hash.finish(), history: self.history, network, ending, left, reached: zmq_core::marks::take() }
    }

    /// What is left of hosts whose contexts are terminated.
    fn left(&self) -> Vec<Leftover> {
        let mut left = Vec::new();
        for host in HostIndex::all(&self.plan) {
            if self.processes[usize::from(host.0)].state != State::Over {
                continue;
            }
            let of = self.net.world().resources(self.host_id(host));
            let (tasks, names) = self.net.left(self.host_id(host));
            let counts = [
                ("streams", of.streams as usize),
                ("listeners", of.listeners as usize),
                ("timers", of.timers as usize),
                ("lookups", of.lookups as usize),
                ("datagram sockets", of.datagrams as usize),
                ("paths", of.paths as usize),
                ("tasks", tasks),
                ("inproc names", names),
            ];
            left.extend(counts.into_iter().filter(|(_, count)| *count > 0).map(|(what, count)| Leftover {
                host: self.plan[host].name.clone(),
                what: what.to_owned(),
                count,
            }));
        }
        left
    }
}

impl Stage for Player {
    fn world(&mut self) -> &mut World {
        self.net.world_mut()
    }

    fn world_host(&self, host: HostIndex) -> HostId {
        self.host_id(host)
    }

    fn history(&mut self) -> &mut History {
        &mut self.history
    }

    fn down(&mut self, host: HostIndex, _how: HostEvent) {
        let now = self.now();
        self.net.lose(self.host_id(host));
        let process = self.process(host);
        process.state = State::Down;
        process.sockets.clear();
        self.may_be_over = true;
        self.history.note(now, What::Down(host));
    }

    fn up(&mut self, host: HostIndex) {
        let now = self.now();
        self.process(host).life += 1;
        let life = self.process(host).life;
        self.history.note(now, What::Up(host, life));
        // Who comes back when all others are done has nothing to do any more.
        if !self.is_closing {
            self.open_process(host);
        }
    }

    fn pause(&mut self, _host: HostIndex, _is_paused: bool) {
        self.has_pauses = true;
    }

    fn duplicate_connect(&mut self, socket: SocketIndex) {
        let Some(host) = self.plan.host_of(socket) else { return };
        let endpoint = self.plan[socket].connect.first().cloned();
        if let (Some(key), Some(endpoint)) = (self.process(host).sockets.get(&socket).copied(), endpoint) {
            // Nothing, if the socket is closed meanwhile.
            let _ = self.net.connect(key, &endpoint);
        }
    }
}

/// Behind a call that failed the next one is made a little later: who tries again and again does not stop the time.
pub(super) const AT_ONCE: Duration = Duration::from_micros(100);
