//! The engine: a child for each run.

use std::ffi::{OsString, c_int, c_ulong};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use zmq_sim::engine::{Ending, Engine, Recording, Run};
use zmq_sim::history::History;
use zmq_sim::plan::{ActorIndex, FaultKind, Latency, Link, NameChange, Plan, SocketEvent, Trigger};

use crate::job::{End, Event, Job, Line, Rates};
use crate::preload::Interposer;

/// How the interposer ends a process in which nothing can ever happen any more.
const STUCK: i32 = 125;

/// How long a child may tell nothing, of real time. Where nothing can happen any more the interposer ends it at once.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why a libzmq cannot be made captive here.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The interposer cannot be written to a file, or not be preloaded on this system.
    #[error("cannot put the interposer in place: {0}")]
    Interposer(#[from] std::io::Error),
    /// A run that does nothing did not end as it should.
    #[error("{0}")]
    Child(String),
}

/// A captive libzmq.
#[derive(Debug)]
pub struct Libzmq {
    name: String,
    library: PathBuf,
    preloads: Vec<PathBuf>,
    /// None: by the plan.
    rates: Option<Rates>,
    patience: Duration,
    /// The program that is the child, and its arguments.
    child: Vec<OsString>,
    interposer: Arc<Interposer>,
    runs: AtomicU64,
}

impl Libzmq {
    /// Of this library, with others to be loaded before it. `child` is the program that calls [`crate::host::main`],
    /// with its arguments.
    ///
    /// # Errors
    ///
    /// [`Unusable`], where the interposer does not work.
    pub fn new(library: &Path, preloads: &[PathBuf], child: Vec<OsString>) -> Result<Self, Unusable> {
        let interposer = Arc::new(Interposer::unpack()?);
        let (library, preloads) = (library.to_owned(), preloads.to_vec());
        let name = "libzmq".to_owned();
        Ok(Self {
            name,
            library,
            preloads,
            rates: None,
            patience: PATIENCE,
            child,
            interposer,
            runs: AtomicU64::new(0),
        })
    }

    /// With faults of the system's calls at these rates, until the plan's healing. Without this they are
    /// [`Rates::TROUBLE`] for a plan with trouble of its own, and none for any other.
    #[must_use]
    pub fn with_rates(mut self, rates: Rates) -> Self {
        self.rates = Some(rates);
        self
    }

    /// A run that tells nothing for so long, of real time, is taken for a thread that goes round without a call, and
    /// killed; two minutes without this.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Carries out a plan in which nothing is done: whether the library can be loaded, and be captive on this system.
    ///
    /// # Errors
    ///
    /// [`Unusable::Child`], where that does not end well.
    pub fn probe(&self) -> Result<(), Unusable> {
        let plan = r#"{ "title": "nothing is done", "heal": "0s", "limit": "10s", "host": [{ "name": "here" }] }"#;
        let plan: Plan = serde_json::from_str(plan).expect("a test reads the plan that is compiled in");
        match self.carry_out(&plan, false).0.ending {
            Ending::Finished => Ok(()),
            Ending::Crashed(why) => Err(Unusable::Child(why)),
            Ending::OutOfTime(who) | Ending::Deadlock(who) => {
                Err(Unusable::Child(format!("a run in which nothing is done does not end: {}", who.join("; "))))
            }
        }
    }

    /// Carries a plan out, and gives the interposer's events besides.
    pub fn run_with_events(&self, plan: &Plan) -> (Run, Vec<Event>) {
        self.carry_out(plan, true)
    }

    fn carry_out(&self, plan: &Plan, keep_events: bool) -> (Run, Vec<Event>) {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let folder = self.interposer.folder().join(number.to_string());
        let ran = std::fs::create_dir(&folder).map_err(|error| error.to_string()).and_then(|()| {
            let mut child = self.start().map_err(|error| format!("cannot start the child: {error}"))?;
            let job = Job {
                plan: plan.clone(),
                library: self.library.clone(),
                preloads: self.preloads.clone(),
                folder: folder.clone(),
                rates: self.rates.unwrap_or(if plan.trouble { Rates::TROUBLE } else { Rates::NONE }),
                keep_events,
            };
            let heard = hear(&mut child, &job, plan, self.patience);
            Ok(heard)
        });
        // What cannot be removed goes with the interposer's folder.
        let _ = std::fs::remove_dir_all(&folder);
        ran.unwrap_or_else(|why| (run(History::new(plan), Ending::Crashed(why), None), Vec::new()))
    }

    fn start(&self) -> std::io::Result<Child> {
        let (program, arguments) = self.child.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(arguments).env("LD_PRELOAD", self.interposer.path());
        // Objects lie at the same addresses in every run: libzmq has sets that are ordered by them.
        command.env("MALLOC_ARENA_MAX", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Who interrupts a sweep at a terminal does not mean the run that is under way: it would be a crash.
        command.process_group(0);
        // SAFETY: between fork and exec it makes two system calls.
        unsafe {
            command.pre_exec(|| {
                fix_addresses();
                end_with_parent();
                Ok(())
            });
        }
        command.spawn()
    }
}

unsafe extern "C" {
    fn personality(persona: c_ulong) -> c_int;
    fn prctl(option: c_int, ...) -> c_int;
}

/// The program that is executed next has no random addresses. Where that is forbidden, runs are alike all the same but
/// for what depends on the order of addresses.
pub(crate) fn fix_addresses() {
    const ADDR_NO_RANDOMIZE: c_ulong = 0x0004_0000;
    // SAFETY: takes a number.
    unsafe { personality(ADDR_NO_RANDOMIZE) };
}

/// The calling process is killed when the thread that made it ends.
fn end_with_parent() {
    const PR_SET_PDEATHSIG: c_int = 1;
    const SIGKILL: c_ulong = 9;
    // SAFETY: takes numbers.
    unsafe { prctl(PR_SET_PDEATHSIG, SIGKILL) };
}

/// Gives the child its job, and hears it to its end.
fn hear(child: &mut Child, job: &Job, plan: &Plan, patience: Duration) -> (Run, Vec<Event>) {
    let mut history = History::new(plan);
    let (mut events, mut end, mut unusable) = (Vec::new(), None, None);
    if let Some(mut input) = child.stdin.take() {
        // A child that does not read has died, which its status says.
        let _ = serde_json::to_writer(&mut input, job).map_err(std::io::Error::other).and_then(|()| input.flush());
    }
    let stderr = child.stderr.take();
    let said = std::thread::spawn(move || {
        let mut said = Vec::new();
        let _ = stderr.map(|mut stderr| stderr.read_to_end(&mut said));
        String::from_utf8_lossy(&said).into_owned()
    });
    let lines = child.stdout.take().map(|output| BufReader::new(output).lines());
    let told = AtomicU64::new(0);
    let child = Mutex::new(child);
    let (over, is_over) = mpsc::channel::<()>();
    let silent = std::thread::scope(|scope| {
        let (told, child) = (&told, &child);
        let watch = scope.spawn(move || is_silent(&is_over, told, child, patience));
        for line in lines.into_iter().flatten().map_while(Result::ok) {
            told.fetch_add(1, Ordering::Relaxed);
            match serde_json::from_str(&line) {
                Ok(Line::Entry(entry)) => history.note(entry.at, entry.what),
                Ok(Line::Event(event)) => events.push(event),
                Ok(Line::End(found)) => end = Some(found),
                Ok(Line::Unusable(why)) => unusable = Some(why),
                // The half line of a child that died.
                Err(_) => {}
            }
        }
        drop(over);
        watch.join().unwrap_or(false)
    });
    let status = child.into_inner().unwrap_or_else(PoisonError::into_inner).wait();
    let said = said.join().unwrap_or_default();
    let ending = match (unusable, &end, status) {
        (Some(why), _, _) => Ending::Crashed(why),
        (None, None, _) if silent => Ending::Crashed(format!(
            "nothing happened for {patience:?} of real time: a thread goes round without a call, or waits where it is not seen"
        )),
        (None, Some(end), _) => end.out_of_time.clone().map_or(Ending::Finished, Ending::OutOfTime),
        (None, None, Ok(status)) if status.code() == Some(STUCK) => Ending::Deadlock(lines_of(&said)),
        (None, None, Ok(status)) => {
            let how = match status.signal() {
                Some(signal) => format!("signal {signal}"),
                None => format!("{status}"),
            };
            Ending::Crashed(lines_of(&format!("{how}\n{said}")).join("; "))
        }
        (None, None, Err(error)) => Ending::Crashed(error.to_string()),
    };
    (run(history, ending, end), events)
}

/// Kills a child that tells nothing for too long; whether that was so.
fn is_silent(is_over: &mpsc::Receiver<()>, told: &AtomicU64, child: &Mutex<&mut Child>, patience: Duration) -> bool {
    let mut before = 0;
    while is_over.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
        let now = told.load(Ordering::Relaxed);
        if now == before {
            // If it is gone already, so much the better.
            let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
            return true;
        }
        before = now;
    }
    false
}

fn lines_of(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn run(history: History, ending: Ending, end: Option<End>) -> Run {
    // A child that dies tells no hash, and its history has one.
    let hash = end.as_ref().map_or(0, |end| end.hash) ^ history.hash();
    let left = end.into_iter().flat_map(|end| end.left).map(Into::into).collect();
    Run { history, hash, network: None, ending, left, reached: Vec::new() }
}

impl Engine for Libzmq {
    fn name(&self) -> &str {
        &self.name
    }

    fn lacks(&self, plan: &Plan) -> Option<String> {
        lacks(plan)
    }

    fn ignores(&self, plan: &Plan) -> Vec<String> {
        ignores(plan)
    }

    fn run(&self, plan: &Plan, _recording: Recording) -> Run {
        self.carry_out(plan, false).0
    }
}

/// What of a plan cannot be had on real descriptors, or with a library whose sockets belong to one thread.
fn lacks(plan: &Plan) -> Option<String> {
    let shared = plan.sockets.iter().find_map(|socket| {
        let users = ActorIndex::all(plan).filter(|actor| plan[*actor].sockets.contains(&socket.name)).count();
        (users > 1)
            .then(|| format!("socket {:?}: two actors use it, and libzmq's sockets are not thread-safe", socket.name))
    });
    let hosts = plan.hosts.iter().find_map(|host| {
        let at = |what: &str| Some(format!("host {:?}: {what}", host.name));
        match host {
            host if host.descriptors.is_some() => at("a limit of descriptors"),
            host if host.clock_drift.is_some() => at("a clock that drifts"),
            _ => None,
        }
    });
    let faults = plan.faults.iter().find_map(|fault| {
        let trigger = match &fault.after {
            Some(Trigger::Socket { event: SocketEvent::Connected, .. }) => Some("a fault after a connection was made"),
            Some(Trigger::Socket { .. } | Trigger::Octets { .. }) | None => None,
        };
        trigger.or(match &fault.what {
            FaultKind::SlowLink { .. } => Some("a slow link"),
            FaultKind::Name { change: NameChange::Slow(_), .. } => Some("a slow answer to a look-up"),
            _ => None,
        })
    });
    let fault = faults.map(|what| format!("{what} is nothing that real descriptors can be made to have"));
    shared.or(hosts).or(fault)
}

/// What of a plan is not there on real descriptors, without anything being wrong for it: a network that is quicker than the
/// plan's keeps the same promises. What the plan wants to show by it may not show.
fn ignores(plan: &Plan) -> Vec<String> {
    let links: Vec<&Link> = std::iter::once(&plan.network).chain(plan.links.iter().map(|rule| &rule.is)).collect();
    let has = |differs: fn(&Link) -> bool| links.iter().any(|link| differs(link));
    let mut ignored = Vec::new();
    if has(|link| link.bandwidth.is_some() || link.queue.is_some()) {
        ignored.push(
            "links carry at once all that buffers hold: the plan's bandwidth and queues, which may fill a socket's, are \
             passed over"
                .to_owned(),
        );
    }
    if has(|link| link.latency != Latency::default() || link.loss.is_some() || link.mtu.is_some()) {
        ignored.push("nothing is long on its way: the plan's latency, loss and packet size are passed over".to_owned());
    }
    if plan.names.iter().any(|name| name.delay.is_some()) {
        ignored.push("look-ups are answered at once: the plan's delays are passed over".to_owned());
    }
    ignored
}
