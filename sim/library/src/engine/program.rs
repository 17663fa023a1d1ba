//! One life of a host: its process, its context, its sockets, its actors.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zmq_reference::{Context, Socket};
use zmq_sim::actor::{Actor, Op, Opening, Outcome};
use zmq_sim::history::{Call, History, What, Who};
use zmq_sim::plan::{ActorIndex, HostIndex, Plan, SocketIndex};
use zmq_sim::time::Time;

use super::machine::Machine;
use super::watchers;
use crate::app::Apps;

/// What all programs of a run share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) plan: Arc<Plan>,
    pub(crate) history: Mutex<History>,
    pub(super) apps: Apps,
}

impl Shared {
    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What runs on a host in one of its lives.
pub(super) struct Program {
    pub(super) shared: Arc<Shared>,
    pub(super) host: HostIndex,
    pub(super) life: u16,
    pub(super) machine: Arc<dyn Machine>,
    context: Context,
    sockets: Mutex<BTreeMap<SocketIndex, Socket>>,
    actors: Vec<Arc<Mutex<Actor>>>,
    /// Actors and apps that have not finished, and the opening.
    unfinished: AtomicUsize,
    ending: Mutex<Phase>,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its actors act.
    Acting,
    /// Its context is being terminated.
    Terminating,
    /// Its context is terminated.
    Terminated,
}

impl Program {
    /// Begins.
    pub(super) fn start(
        shared: &Arc<Shared>,
        machine: Arc<dyn Machine>,
        context: Context,
        host: HostIndex,
        life: u16,
    ) -> Arc<Self> {
        let plan = &shared.plan;
        let at_home = ActorIndex::all(plan).filter(|actor| plan.home_of(*actor) == Some(host));
        let actors: Vec<_> = at_home.map(|actor| Arc::new(Mutex::new(Actor::new(plan, actor, life)))).collect();
        let program = Arc::new(Self {
            shared: Arc::clone(shared),
            host,
            life,
            machine,
            context,
            sockets: Mutex::default(),
            unfinished: AtomicUsize::new(1 + actors.len()),
            actors,
            ending: Mutex::new(Phase::Acting),
        });
        program.spawn(|program| async move {
            watchers::start_zap(&program).await;
            program.open().await;
            program.clone().act();
            program.finished();
        });
        program
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(self: &Arc<Self>, task: impl FnOnce(Arc<Self>) -> F) {
        self.machine.spawn(Box::pin(task(Arc::clone(self))));
    }

    /// Makes the sockets.
    async fn open(self: &Arc<Self>) {
        let mut opening = Opening::new(&self.shared.plan, self.host, self.life);
        let mut last = Outcome::Begin;
        loop {
            let op = opening.next(self.now(), last, &mut self.shared.history());
            if op == Op::Finished {
                return;
            }
            last = self.carry_out(op).await;
        }
    }

    /// Starts the actors, and the user's program.
    fn act(self: Arc<Self>) {
        for actor in &self.actors {
            let actor = Arc::clone(actor);
            self.spawn(|program| async move {
                let mut last = Outcome::Begin;
                loop {
                    let op = {
                        let mut actor = actor.lock().unwrap_or_else(PoisonError::into_inner);
                        actor.next(program.now(), last, &mut program.shared.history())
                    };
                    if op == Op::Finished {
                        break;
                    }
                    last = program.carry_out(op).await;
                }
                program.finished();
            });
        }
        for app in self.shared.apps.of(&self.shared.plan, self.host) {
            let Some(host) = self.machine.host(&self.shared.plan[self.host].name, self.life) else { continue };
            self.unfinished.fetch_add(1, Ordering::Relaxed);
            let running = app(self.context.clone(), host);
            self.spawn(|program| async move {
                running.await;
                program.finished();
            });
        }
    }

    fn finished(&self) {
        self.unfinished.fetch_sub(1, Ordering::Relaxed);
        self.machine.progress();
    }

    /// Whether all actors have done all their steps.
    pub(super) fn is_finished(&self) -> bool {
        self.unfinished.load(Ordering::Relaxed) == 0
    }

    pub(super) fn phase(&self) -> Phase {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, phase: Phase) {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = phase;
        self.machine.progress();
    }

    /// Closes all sockets with the linger that they have, and terminates the context.
    pub(super) fn terminate(self: &Arc<Self>) {
        self.enter(Phase::Terminating);
        let since = self.now();
        let sockets = std::mem::take(&mut *self.sockets());
        let who = self.who();
        for (index, socket) in sockets {
            socket.close(None);
            let call = Call::Close(None);
            self.note(What::Call { who, socket: Some(index), since, call });
        }
        self.spawn(|program| async move {
            program.context.term().await;
            program.note(What::Call { who, socket: None, since, call: Call::Terminate });
            program.enter(Phase::Terminated);
        });
    }

    /// The process is gone: nothing of it reaches anybody any more.
    pub(super) fn end(&self) {
        self.machine.end();
        let sockets = std::mem::take(&mut *self.sockets());
        drop(sockets);
    }

    /// As [`Self::end`], where the system is a real one: its sockets are closed.
    pub(super) fn abandon(&self) {
        self.context.abandon();
        self.end();
    }

    /// Who is not done, and what it is doing.
    pub(super) fn pending(&self) -> Vec<String> {
        let name = &self.shared.plan[self.host].name;
        if self.phase() != Phase::Acting {
            return vec![format!("{name}: terminates its context")];
        }
        let mut pending = Vec::new();
        for actor in &self.actors {
            let position = actor.lock().unwrap_or_else(PoisonError::into_inner).position();
            if !position.ends_with(": finished") {
                pending.push(position);
            }
        }
        if pending.is_empty() {
            pending.push(format!("{name}: opens its sockets, or runs a program of the user's"));
        }
        pending
    }

    /// True time.
    pub(super) fn now(&self) -> Time {
        self.machine.now()
    }

    pub(super) fn note(&self, what: What) {
        let now = self.now();
        self.shared.history().note(now, what);
    }

    pub(super) const fn who(&self) -> Who {
        Who { actor: None, host: self.host, life: self.life }
    }

    pub(super) const fn context(&self) -> &Context {
        &self.context
    }

    pub(super) fn sockets(&self) -> MutexGuard<'_, BTreeMap<SocketIndex, Socket>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
