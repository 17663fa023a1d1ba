//! What the director sees of a run, and does with it.

use std::sync::{Arc, MutexGuard};

use zmq_reference::Context;
use zmq_sim::director::Stage;
use zmq_sim::history::{History, What};
use zmq_sim::plan::{HostEvent, HostIndex, Plan, SocketIndex};
use zmq_sim::time::Time;
use zmq_world::{HostId, World};

use super::machine::OnWorld;
use super::program::{Program, Shared};
use crate::executor::Executor;
use crate::net::{Net, State};
use crate::process::Process;
use crate::runtime::WorldRuntime;

/// A host of the plan in the run.
pub(super) struct OnHost {
    pub(super) id: HostId,
    /// How often it was started.
    lives: u16,
    /// Its process, if it is up.
    pub(super) program: Option<Arc<Program>>,
}

impl OnHost {
    pub(super) const fn new(id: HostId) -> Self {
        Self { id, lives: 0, program: None }
    }

    /// How often it was started.
    pub(super) const fn lives(&self) -> u16 {
        self.lives
    }

    /// Counts the next life.
    pub(super) const fn next_life(&mut self) -> u16 {
        self.lives += 1;
        self.lives - 1
    }
}

/// The run. World and history are locked when they are asked for, and let go of before anything of a process is called.
pub(super) struct OnStage<'a> {
    pub(super) net: &'a Arc<Net>,
    pub(super) shared: &'a Arc<Shared>,
    pub(super) executor: &'a Arc<dyn Executor>,
    pub(super) hosts: &'a mut Vec<OnHost>,
    state: Option<MutexGuard<'a, State>>,
    history: Option<MutexGuard<'a, History>>,
}

impl<'a> OnStage<'a> {
    pub(super) const fn new(
        net: &'a Arc<Net>,
        shared: &'a Arc<Shared>,
        executor: &'a Arc<dyn Executor>,
        hosts: &'a mut Vec<OnHost>,
    ) -> Self {
        Self { net, shared, executor, hosts, state: None, history: None }
    }

    pub(super) fn let_go(&mut self) {
        self.state = None;
        self.history = None;
    }

    /// Starts the next life of a host.
    pub(super) fn start(&mut self, host: HostIndex) {
        self.let_go();
        let of = &mut self.hosts[usize::from(host.0)];
        let life = of.next_life();
        let process = Process::start(self.net, of.id, self.executor);
        let context = Context::on(Arc::new(WorldRuntime::of(&process)));
        of.program = Some(Program::start(self.shared, Arc::new(OnWorld(process)), context, host, life));
    }

    fn note(&mut self, what: What) {
        let now = Time::from_nanos(self.world().now().as_nanos());
        self.history().note(now, what);
    }
}

impl Stage for OnStage<'_> {
    fn world(&mut self) -> &mut World {
        let net = self.net;
        &mut self.state.get_or_insert_with(|| net.lock()).world
    }

    fn world_host(&self, host: HostIndex) -> HostId {
        self.hosts[usize::from(host.0)].id
    }

    fn history(&mut self) -> &mut History {
        let shared = self.shared;
        self.history.get_or_insert_with(|| shared.history())
    }

    fn down(&mut self, host: HostIndex, _: HostEvent) {
        self.let_go();
        if let Some(program) = self.hosts[usize::from(host.0)].program.take() {
            program.end();
        }
        self.note(What::Down(host));
        self.net.signs.progress();
    }

    fn up(&mut self, host: HostIndex) {
        let lives = self.hosts[usize::from(host.0)].lives();
        self.note(What::Up(host, lives));
        self.start(host);
    }

    fn duplicate_connect(&mut self, socket: SocketIndex) {
        self.let_go();
        connect_again(&self.shared.plan, self.hosts, socket);
    }
}

/// Connects a socket once more to the first of its endpoints, if it is open.
pub(super) fn connect_again(plan: &Plan, hosts: &[OnHost], socket: SocketIndex) {
    let Some(to) = plan[socket].connect.first() else { return };
    let Some(host) = plan.host_of(socket) else { return };
    let Some(program) = &hosts[usize::from(host.0)].program else { return };
    let open = program.sockets().get(&socket).cloned();
    if let Some(socket) = open {
        // It is not the application's call: what it says is nobody's.
        let _ = socket.connect(&program.machine.endpoint(to));
    }
}
