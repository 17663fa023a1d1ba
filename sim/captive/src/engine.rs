//! The engine: a child for each run.

use std::ffi::{OsString, c_int, c_ulong};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zmq_sim::engine::{Ending, Engine, Recording, Run};
use zmq_sim::history::History;
use zmq_sim::plan::{ActorIndex, FaultKind, NameChange, Plan, SocketEvent, Trigger};

use crate::job::{End, Event, Job, Line, Rates};
use crate::preload::Interposer;

/// How the interposer ends a process in which nothing can ever happen any more.
const STUCK: i32 = 125;

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
    rates: Rates,
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
        Ok(Self { name, library, preloads, rates: Rates::NONE, child, interposer, runs: AtomicU64::new(0) })
    }

    /// With faults of the system's calls at these rates, until the plan's healing.
    #[must_use]
    pub fn with_rates(mut self, rates: Rates) -> Self {
        self.rates = rates;
        self
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
                rates: self.rates,
                keep_events,
            };
            let heard = hear(&mut child, &job, plan);
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
        // SAFETY: between fork and exec it makes one system call.
        unsafe {
            command.pre_exec(|| {
                fix_addresses();
                Ok(())
            });
        }
        command.spawn()
    }
}

unsafe extern "C" {
    fn personality(persona: c_ulong) -> c_int;
}

/// The program that is executed next has no random addresses. Where that is forbidden, runs are alike all the same but
/// for what depends on the order of addresses.
pub(crate) fn fix_addresses() {
    const ADDR_NO_RANDOMIZE: c_ulong = 0x0004_0000;
    // SAFETY: takes a number.
    unsafe { personality(ADDR_NO_RANDOMIZE) };
}

/// Gives the child its job, and hears it to its end.
fn hear(child: &mut Child, job: &Job, plan: &Plan) -> (Run, Vec<Event>) {
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
    for line in lines.into_iter().flatten().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Line::Entry(entry)) => history.note(entry.at, entry.what),
            Ok(Line::Event(event)) => events.push(event),
            Ok(Line::End(found)) => end = Some(found),
            Ok(Line::Unusable(why)) => unusable = Some(why),
            // The half line of a child that died.
            Err(_) => {}
        }
    }
    let status = child.wait();
    let said = said.join().unwrap_or_default();
    let ending = match (unusable, &end, status) {
        (Some(why), _, _) => Ending::Crashed(why),
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
