//! The loop: who runs next, and what the world wakes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;

use zmq_core::mechanism::zap::{Answer, Request};
use zmq_core::socket::joining::Names;
use zmq_world::{Condition, HostId, Time, Wake, World};

use super::bell::{Bell, Rung};
use super::draws;
use super::io::{Event, Io};
use super::sockets::Held;
use super::task::{Cx, Flow, Kind, Me, Task, accepted};

/// Sockets of simulated hosts: the machines of the core over streams of a [`World`], without threads, futures or clocks.
///
/// [`Self::step`] does one thing. Whoever uses sockets from outside is a [`User`]: it calls [`zmq_core::socket::Socket`]
/// directly, waits in its lines with [`Self::waker`], and is told by a step when it is woken.
pub struct Net {
    pub(super) io: Io,
    pub(super) tasks: Vec<Option<Box<Task>>>,
    free: Vec<u32>,
    users: Vec<UserSlot>,
    pub(super) sockets: Vec<Held>,
    pub(super) rung: Arc<Rung>,
    /// Who can run now.
    runnable: Vec<u32>,
    /// Who could, were its host not paused.
    held: Vec<u32>,
    has_paused: bool,
    seed: u64,
    /// Connections and endpoints that are carried or dialled, by host.
    live: BTreeMap<HostId, usize>,
    /// Names of inproc.
    pub(super) names: BTreeMap<HostId, Arc<Names>>,
}

/// Something outside that runs when it is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct User(u32);

impl User {
    /// From 0, in the order in which they were made.
    #[must_use]
    pub const fn number(self) -> usize {
        self.0 as usize
    }
}

struct UserSlot {
    bell: Arc<Bell>,
    waker: Waker,
    host: HostId,
    name: u64,
    runs: u64,
}

/// What a step was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something of the sockets' own.
    Io,
    /// This user was woken and runs now.
    User(User),
    /// The world's alarm.
    Alarm(u64),
    /// It is the limit.
    Limit,
    /// Nothing will ever happen by itself.
    Nothing,
}

/// Tokens of users have this; the rest is their number.
const USER: u32 = 1 << 31;

impl Net {
    /// Sockets in that world. Who goes first of several that could is drawn by the seed.
    #[must_use]
    pub fn new(world: World, seed: u64) -> Self {
        Self {
            io: Io::new(world),
            tasks: Vec::new(),
            free: Vec::new(),
            users: Vec::new(),
            sockets: Vec::new(),
            rung: Arc::default(),
            runnable: Vec::new(),
            held: Vec::new(),
            has_paused: false,
            seed,
            live: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }

    /// The world.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.io.world
    }

    /// The world, to do something wrong to it. After a host was paused or resumed: [`Self::hosts_changed`].
    pub const fn world_mut(&mut self) -> &mut World {
        &mut self.io.world
    }

    /// Who answers for the handlers of ZAP. Unless it is set there are none.
    pub fn set_zap(&mut self, zap: impl FnMut(HostId, &Request) -> Answer + 'static) {
        self.io.zap = Box::new(zap);
    }

    /// What monitors were told since the last call.
    #[inline]
    pub fn take_events(&mut self) -> Vec<Event> {
        if self.io.events.is_empty() { Vec::new() } else { std::mem::take(&mut self.io.events) }
    }

    /// A user on a host. It runs for the first time when it is woken. `name` has to be another for each, and the same in
    /// every run: its turns are drawn by it.
    pub fn user(&mut self, host: HostId, name: u64) -> User {
        let number = u32::try_from(self.users.len()).expect("users are few");
        let bell = Bell::new(number | USER, &self.rung);
        let waker = Waker::from(Arc::clone(&bell));
        self.users.push(UserSlot { bell, waker, host, name, runs: 0 });
        User(number)
    }

    /// What wakes a user.
    #[must_use]
    pub fn waker(&self, user: User) -> &Waker {
        &self.users[user.number()].waker
    }

    /// Connections and dialled endpoints that a host's sockets still have, closed ones too.
    #[must_use]
    pub fn live(&self, host: HostId) -> usize {
        self.live.get(&host).copied().unwrap_or_default()
    }

    /// Tasks of a host that there still are, and its names of inproc.
    #[must_use]
    pub fn left(&self, host: HostId) -> (usize, usize) {
        let names = self.names.get(&host).map_or(0, |names| names.len());
        (self.tasks.iter().flatten().filter(|task| task.me.host == host).count(), names)
    }

    /// The names of inproc of a host's process.
    pub(super) fn names(&mut self, host: HostId) -> Arc<Names> {
        Arc::clone(self.names.entry(host).or_default())
    }

    /// Does the next thing that there is to do, or lets the world go on, not beyond `limit`.
    #[inline]
    pub fn step(&mut self, limit: Time) -> Step {
        if let Some(token) = self.pick() {
            return self.run(token);
        }
        let Some(wake) = self.io.world.next_before(limit) else {
            return if self.io.world.due().is_none() { Step::Nothing } else { Step::Limit };
        };
        if let Wake::Alarm(tag) = wake {
            return Step::Alarm(tag);
        }
        let first = self.concerns(wake);
        let now = self.io.world.now();
        if self.io.world.due() != Some(now) {
            return first.map_or(Step::Io, |token| self.run(token));
        }
        // Whatever happens at the same time may happen in any order.
        self.ring(first);
        while self.io.world.due() == Some(now) {
            let Some(wake) = self.io.world.next_before(now) else { break };
            if let Wake::Alarm(tag) = wake {
                return Step::Alarm(tag);
            }
            let token = self.concerns(wake);
            self.ring(token);
        }
        self.pick().map_or(Step::Io, |token| self.run(token))
    }

    /// Hosts were paused or resumed.
    pub fn hosts_changed(&mut self) {
        let world = &self.io.world;
        let mut hosts = self.users.iter().map(|user| user.host).chain(self.sockets.iter().map(|held| held.host));
        self.has_paused = hosts.any(|host| world.condition(host) == Condition::Paused);
        self.runnable.append(&mut self.held);
    }

    /// The processes of a host are gone, and with them sockets, users' turns and all that went on. Nobody is told: what
    /// others see of it is the world's to do.
    pub fn lose(&mut self, host: HostId) {
        let tasks = &self.tasks;
        let is_lost = |task: u32| {
            let task = tasks.get(task as usize).and_then(Option::as_ref);
            task.is_some_and(|task| task.me.host == host)
        };
        self.io.forget_timers(is_lost);
        let mut lost = Vec::new();
        for (token, task) in (0..).zip(&mut self.tasks) {
            if let Some(task) = task.take_if(|task| task.me.host == host) {
                lost.push(task);
                self.free.push(token);
            }
        }
        self.live.remove(&host);
        self.lose_sockets(host);
        drop(lost);
        let users = &self.users;
        for queue in [&mut self.runnable, &mut self.held] {
            queue.retain(|token| token & USER == 0 || users[(token & !USER) as usize].host != host);
        }
    }

    /// Puts a task in, which runs soon.
    pub(super) fn start(
        &mut self,
        me: impl FnOnce(u32, Arc<Bell>) -> Me,
        kind: impl FnOnce(&mut Cx<'_>) -> Kind,
    ) -> u32 {
        let token = self.free.pop().unwrap_or_else(|| {
            self.tasks.push(None);
            u32::try_from(self.tasks.len() - 1).expect("tasks are few")
        });
        let me = me(token, Bell::new(token, &self.rung));
        let mut timer = None;
        let mut is_readable = false;
        let cx =
            &mut Cx { io: &mut self.io, me: &me, timer: &mut timer, is_stopping: false, is_readable: &mut is_readable };
        let kind = kind(cx);
        match kind {
            Kind::Listener(_) => {}
            Kind::Dialler(_) | Kind::Accepted(_) => *self.live.entry(me.host).or_default() += 1,
        }
        me.bell.ring();
        self.tasks[token as usize] = Some(Box::new(Task { me, timer, is_readable, is_stopping: false, kind }));
        token
    }

    /// The task is over.
    pub(super) fn end(&mut self, mut task: Task) {
        self.io.disarm(&mut task.timer);
        match task.kind {
            Kind::Listener(_) => {}
            Kind::Dialler(_) | Kind::Accepted(_) => {
                if let Some(live) = self.live.get_mut(&task.me.host) {
                    *live -= 1;
                }
            }
        }
        self.sockets[task.me.socket.0 as usize].forget(task.me.token);
        self.free.push(task.me.token);
    }

    #[inline]
    fn pick(&mut self) -> Option<u32> {
        self.rung.take(&mut self.runnable);
        match self.runnable.len() {
            0 | 1 => self.runnable.pop(),
            _ => Some(self.draw()),
        }
    }

    /// Draws who goes first: by who it is and how often it ran, so that one more task leaves the others' draws alone.
    fn draw(&mut self) -> u32 {
        let priority = |token: u32| match token & USER {
            0 => match self.tasks.get(token as usize) {
                Some(Some(task)) => draws::draw(self.seed, "schedule", task.me.name, task.me.runs),
                Some(None) | None => 0,
            },
            _ => {
                let user = &self.users[(token & !USER) as usize];
                draws::draw(self.seed, "schedule", user.name, user.runs)
            }
        };
        let all = self.runnable.iter().enumerate();
        let first = all.min_by_key(|(_, token)| (priority(**token), **token)).map_or(0, |(place, _)| place);
        self.runnable.swap_remove(first)
    }

    #[inline]
    fn run(&mut self, token: u32) -> Step {
        if token & USER != 0 {
            return self.run_user(token & !USER);
        }
        let Some(mut task) = self.tasks.get_mut(token as usize).and_then(Option::take) else { return Step::Io };
        if self.has_paused && self.io.world.condition(task.me.host) == Condition::Paused {
            self.held.push(token);
            self.tasks[token as usize] = Some(task);
            return Step::Io;
        }
        task.me.bell.answer();
        let flow = task.run(&mut self.io);
        if !self.io.born.is_empty() {
            self.adopt(&task.me);
        }
        match flow {
            Flow::GoesOn => self.tasks[token as usize] = Some(task),
            Flow::Ends => self.end(*task),
        }
        Step::Io
    }

    fn run_user(&mut self, number: u32) -> Step {
        let user = &mut self.users[number as usize];
        if self.has_paused && self.io.world.condition(user.host) == Condition::Paused {
            self.held.push(number | USER);
            return Step::Io;
        }
        user.bell.answer();
        user.runs += 1;
        Step::User(User(number))
    }

    /// The task that the wake is for.
    #[inline]
    fn concerns(&mut self, wake: Wake) -> Option<u32> {
        match wake {
            Wake::Readable(stream) => {
                let owner = self.io.owner_of_stream(stream)?;
                if let Some(Some(task)) = self.tasks.get_mut(owner as usize) {
                    task.is_readable = true;
                }
                Some(owner)
            }
            Wake::Writable(stream) | Wake::Dialled(stream) => self.io.owner_of_stream(stream),
            Wake::Acceptable(listener) => self.io.owner_of_listener(listener),
            Wake::Resolved(lookup) => self.io.owner_of_lookup(lookup),
            Wake::Timer(timer) => {
                let owner = self.io.take_timer(timer)?;
                if let Some(Some(task)) = self.tasks.get_mut(owner as usize) {
                    task.timer = None;
                }
                Some(owner)
            }
            Wake::Arrived(_) | Wake::Alarm(_) => None,
        }
    }

    fn ring(&self, token: Option<u32>) {
        if let Some(Some(task)) = token.and_then(|token| self.tasks.get(token as usize)) {
            task.me.bell.ring();
        }
    }

    /// Starts tasks for what a listener has accepted.
    fn adopt(&mut self, listener: &Me) {
        for stream in std::mem::take(&mut self.io.born) {
            let held = &mut self.sockets[listener.socket.0 as usize];
            let Some(shared) = held.core().map(|core| Arc::clone(core.shared())) else {
                self.io.world.close(stream);
                continue;
            };
            let name = held.next_name();
            self.start(
                |token, bell| Me {
                    token,
                    host: listener.host,
                    socket: listener.socket,
                    endpoint: listener.endpoint.clone(),
                    bell,
                    name,
                    runs: 0,
                },
                |cx| accepted(cx, &shared, stream),
            );
        }
    }
}
