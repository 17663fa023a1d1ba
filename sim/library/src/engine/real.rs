//! The same plans in real time: each host is an address of loopback, with a context of its own on real sockets.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Cx, Poll};
use std::time::{Duration, Instant};
use std::{process, thread};

use tokio::runtime::{Builder, Handle};
use tokio::task::AbortHandle;
use zmq_reference::Context;
use zmq_reference::runtime::BoxFuture;
use zmq_sim::director::{self, Director, Stage};
use zmq_sim::engine::{Ending, Engine, Leftover, Recording, Run};
use zmq_sim::history::{History, What};
use zmq_sim::plan::{FaultKind, HostEvent, HostIndex, Plan, SocketIndex, Trigger};
use zmq_sim::time::Time;
use zmq_world::{HostId, Wake, World};

use super::course::{End, end, pending, up};
use super::machine::{Machine, TrueTimer};
use super::program::{Program, Shared};
use super::stage::OnHost;
use crate::app::{Apps, Host};

/// Carries plans out on real sockets of this machine, in real time. No two runs are alike.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealTokio;

/// How often it is looked who is done.
const LOOK: Duration = Duration::from_millis(2);

/// Runs of this process, each with addresses of its own.
static RUNS: AtomicU32 = AtomicU32::new(0);

impl Engine for RealTokio {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn lacks(&self, plan: &Plan) -> Option<String> {
        let lacks = |what: &str| Some(format!("real sockets have no {what}"));
        if plan.trouble {
            return lacks("points of trouble");
        }
        if !plan.names.is_empty() {
            return lacks("names of the plan");
        }
        if plan.hosts.iter().any(|host| host.clock_drift.is_some() || host.clock_offset.is_some()) {
            return lacks("clocks that differ");
        }
        if plan.hosts.iter().any(|host| host.descriptors.is_some() || !host.addresses.is_empty()) {
            return lacks("hosts with limits or addresses of their own");
        }
        plan.faults.iter().find_map(|fault| {
            if matches!(fault.after, Some(Trigger::Octets { .. })) {
                return lacks("faults at an octet");
            }
            match &fault.what {
                FaultKind::Down { how: HostEvent::Kill, other_address: false, .. }
                | FaultKind::DuplicateConnect { .. } => None,
                _ => lacks("faults but processes that are killed and duplicate connects"),
            }
        })
    }

    fn run(&self, plan: &Plan, _: Recording) -> Run {
        let plan = Arc::new(plan.clone());
        let run = move || {
            let runtime =
                Builder::new_current_thread().enable_time().build().expect("the system has no thread or clock");
            runtime.block_on(play(&plan))
        };
        thread::spawn(run).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// One life of a host.
struct OnLoopback {
    plan: Arc<Plan>,
    host: HostIndex,
    run: u32,
    started: Instant,
    handle: Handle,
    tasks: Mutex<Vec<AbortHandle>>,
    progress: Arc<AtomicBool>,
}

impl OnLoopback {
    /// All of 127.0.0.0/8 is this machine's: of each run and each host an address.
    fn address(&self, host: HostIndex) -> String {
        let (run, process) = (self.run % 100 + 100, process::id());
        format!("127.{run}.{}.{}", process % 250 + 1, host.0 % 250 + 1)
    }
}

impl Machine for OnLoopback {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let task = self.handle.spawn(task);
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|task| !task.is_finished());
        tasks.push(task.abort_handle());
    }

    fn now(&self) -> Time {
        Time::START + self.started.elapsed()
    }

    fn timer(&self) -> Box<dyn TrueTimer> {
        Box::new(RealTimer { started: self.started, sleep: None })
    }

    fn progress(&self) {
        self.progress.store(true, Ordering::Relaxed);
    }

    fn endpoint(&self, of_plan: &str) -> String {
        let own = format!("zmqspec-{}-{}-{}", process::id(), self.run, self.host.0);
        match of_plan.split_once("://") {
            Some(("tcp", rest)) => match rest.rsplit_once(':') {
                Some(("*", port)) => format!("tcp://{}:{port}", self.address(self.host)),
                Some((name, port)) => match self.plan.host(name) {
                    Some(host) => format!("tcp://{}:{port}", self.address(host)),
                    None => of_plan.to_owned(),
                },
                None => of_plan.to_owned(),
            },
            Some(("ipc", name)) => match name.strip_prefix('@') {
                Some(name) => format!("ipc://@{own}-{name}"),
                None => {
                    let name = name.replace('/', "-");
                    format!("ipc://{}/{own}-{name}", std::env::temp_dir().display())
                }
            },
            Some(_) | None => of_plan.to_owned(),
        }
    }

    fn host(&self, _: &str, _: u16) -> Option<Host> {
        None
    }

    fn tasks(&self) -> usize {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().filter(|task| !task.is_finished()).count()
    }

    fn end(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.iter().for_each(AbortHandle::abort);
    }
}

struct RealTimer {
    started: Instant,
    sleep: Option<(Time, Pin<Box<tokio::time::Sleep>>)>,
}

impl TrueTimer for RealTimer {
    fn poll_until(&mut self, cx: &mut Cx<'_>, at: Time) -> Poll<()> {
        let until = self.started + Duration::from_nanos(at.as_nanos());
        if until <= Instant::now() {
            return Poll::Ready(());
        }
        if self.sleep.as_ref().is_none_or(|(armed, _)| *armed != at) {
            self.sleep = Some((at, Box::pin(tokio::time::sleep_until(until.into()))));
        }
        let (_, sleep) = self.sleep.as_mut().expect("it was set above");
        sleep.as_mut().poll(cx)
    }
}

/// What the director sees: a world in which nothing is but its alarms, which ring in real time.
struct OnReal<'a> {
    shared: &'a Arc<Shared>,
    timetable: &'a mut World,
    hosts: &'a mut Vec<OnHost>,
    history: Option<std::sync::MutexGuard<'a, History>>,
    run: u32,
    started: Instant,
    progress: &'a Arc<AtomicBool>,
}

impl OnReal<'_> {
    fn start(&mut self, host: HostIndex) {
        self.history = None;
        let machine = OnLoopback {
            plan: Arc::clone(&self.shared.plan),
            host,
            run: self.run,
            started: self.started,
            handle: Handle::current(),
            tasks: Mutex::default(),
            progress: Arc::clone(self.progress),
        };
        let context = Context::new().expect("the system has no thread");
        let life = self.hosts[usize::from(host.0)].next_life();
        let program = Program::start(self.shared, Arc::new(machine), context, host, life);
        self.hosts[usize::from(host.0)].program = Some(program);
    }

    fn note(&mut self, what: What) {
        let now = Time::START + self.started.elapsed();
        self.history().note(now, what);
    }
}

impl Stage for OnReal<'_> {
    fn world(&mut self) -> &mut World {
        self.timetable
    }

    fn world_host(&self, host: HostIndex) -> HostId {
        self.hosts[usize::from(host.0)].id
    }

    fn history(&mut self) -> &mut History {
        let shared = self.shared;
        self.history.get_or_insert_with(|| shared.history())
    }

    fn down(&mut self, host: HostIndex, _: HostEvent) {
        self.history = None;
        if let Some(program) = self.hosts[usize::from(host.0)].program.take() {
            program.abandon();
        }
        self.note(What::Down(host));
        self.progress.store(true, Ordering::Relaxed);
    }

    fn up(&mut self, host: HostIndex) {
        let life = self.hosts[usize::from(host.0)].lives();
        self.note(What::Up(host, life));
        self.start(host);
    }

    fn duplicate_connect(&mut self, socket: SocketIndex) {
        self.history = None;
        super::stage::connect_again(&self.shared.plan, self.hosts, socket);
    }
}

async fn play(plan: &Arc<Plan>) -> Run {
    let shared =
        Arc::new(Shared { plan: Arc::clone(plan), history: Mutex::new(History::new(plan)), apps: Apps::default() });
    let (mut timetable, ids) = director::world_of(plan);
    let mut hosts: Vec<OnHost> = ids.into_iter().map(OnHost::new).collect();
    let (run, started) = (RUNS.fetch_add(1, Ordering::Relaxed), Instant::now());
    let progress = Arc::new(AtomicBool::new(true));
    let mut director = Director::new(plan);
    let mut is_ending = false;
    let mut is_begun = false;
    let ending = loop {
        let now = zmq_world::Time::from_nanos(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX));
        let mut stage = OnReal {
            shared: &shared,
            timetable: &mut timetable,
            hosts: &mut hosts,
            history: None,
            run,
            started,
            progress: &progress,
        };
        if !std::mem::replace(&mut is_begun, true) {
            director.begin(&mut stage);
            for host in HostIndex::all(plan).filter(|host| !director.is_down(*host)) {
                stage.start(host);
            }
        }
        while let Some(wake) = stage.timetable.next_before(now) {
            if let Wake::Alarm(tag) = wake {
                director.alarm(tag, &mut stage);
            }
        }
        director.watch(&mut stage);
        drop(stage);
        if progress.swap(false, Ordering::Relaxed)
            && let End::Over = end(&hosts, &mut is_ending)
        {
            break Ending::Finished;
        }
        if started.elapsed() >= plan.limit.0 {
            break Ending::OutOfTime(pending(&hosts));
        }
        tokio::time::sleep(LOOK).await;
    };
    // Tasks that were told of the end have a moment to see it.
    tokio::time::sleep(LOOK).await;
    let mut left = Vec::new();
    for (index, host) in HostIndex::all(plan).zip(&hosts) {
        let count = host.program.as_ref().map_or(0, |program| program.machine.tasks());
        if count > 0 && ending == Ending::Finished {
            left.push(Leftover { host: plan[index].name.clone(), what: "tasks".into(), count });
        }
    }
    up(&hosts).for_each(|program| program.abandon());
    let history = std::mem::replace(&mut *shared.history(), History::new(plan));
    Run { hash: history.hash(), history, network: None, ending, left, reached: Vec::new() }
}
