//! The harness's end of an adapter: starts the process, sends requests, waits for replies, and never hangs.
//!
//! Every wait has a deadline and every buffer a bound, whatever the process does. It runs in a process group of its
//! own, and the whole group ends with it.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use super::failure::excerpt;
pub use super::failure::{CallError, Exit, StartError};
use super::inbox::{self, Arrived, Inbox, TAIL_CHARS};
pub use super::live::kill_all;
use super::live::{self, kill_group};
use super::protocol::{Hello, PROTOCOL, Reply, Request, RequestBody, Unsolicited};

/// How to start an adapter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Launch {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Added to the environment.
    pub env: Vec<(String, String)>,
    /// Words put before the command, for example a debugger.
    pub wrap: Vec<String>,
}

/// What a line of the protocol log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogDirection {
    /// From the harness.
    Request,
    /// From the adapter, answering, or a line that makes no sense.
    Reply,
    /// From the adapter, unasked.
    Event,
}

/// A running adapter. Dropping it kills its process group.
pub struct Adapter {
    inbox: Arc<Inbox>,
    pid: Pid,
    stdin: Option<File>,
    next_id: u64,
}

impl Adapter {
    /// Starts the process and waits for its `hello`. Gives also the time from start to greeting.
    ///
    /// # Errors
    ///
    /// [`StartError`]; the process is gone then.
    pub fn start(launch: &Launch, hello_within: Duration) -> Result<(Self, Hello, Duration), StartError> {
        let started = Instant::now();
        let mut adapter = Self::spawn(launch)?;
        let outcome =
            adapter.begin(RequestBody::Hello { protocol: PROTOCOL }).and_then(|id| adapter.arrival(id, hello_within));
        let arrived = match outcome {
            Ok(arrived) => arrived,
            Err(why) => {
                adapter.kill();
                return Err(StartError::NoHello { why, stderr_tail: adapter.stderr_tail() });
            }
        };
        let took = started.elapsed();
        let malformed =
            |why: String| StartError::MalformedHello { why, line: excerpt(arrived.line.as_bytes(), TAIL_CHARS) };
        match arrived.reply.hello {
            Some(hello) if hello.protocol == PROTOCOL => Ok((adapter, hello, took)),
            Some(hello) => Err(malformed(format!("expected protocol {PROTOCOL}, came protocol {}", hello.protocol))),
            None => Err(malformed(match serde_json::from_str::<Hello>(&arrived.line) {
                Ok(_) => "its fields contradict each other".to_owned(),
                Err(error) => error.to_string(),
            })),
        }
    }

    /// Sends a request and waits for its reply. A reply that comes later is dropped.
    ///
    /// # Errors
    ///
    /// [`CallError`]; only `Refused` and `Timeout` leave a process worth asking again.
    pub fn call(&mut self, body: RequestBody, within: Duration) -> Result<Reply, CallError> {
        let id = self.begin(body)?;
        let reply = self.finish(id, within);
        if matches!(reply, Err(CallError::Timeout { .. })) {
            self.inbox.lock().abandon(id);
        }
        reply
    }

    /// Sends a request without waiting; gives its id for [`Adapter::finish`].
    ///
    /// # Errors
    ///
    /// [`CallError`] where the process is gone or does not read.
    pub fn begin(&mut self, body: RequestBody) -> Result<u64, CallError> {
        let id = self.next_id;
        let verb = body.verb();
        let line =
            serde_json::to_string(&Request { id, body }).map_err(|error| CallError::Io { text: error.to_string() })?;
        self.submit(id, line, verb)
    }

    /// Sends a line as it is, and registers the id that its reply will bear. For drills.
    ///
    /// # Errors
    ///
    /// As [`Adapter::begin`].
    pub fn begin_raw(&mut self, id: u64, line: &str) -> Result<u64, CallError> {
        self.submit(id, line.to_owned(), "a raw line")
    }

    /// Waits for the reply to a request that was begun. After a time-out it may be waited for again.
    ///
    /// # Errors
    ///
    /// As [`Adapter::call`].
    pub fn finish(&mut self, id: u64, within: Duration) -> Result<Reply, CallError> {
        let reply = self.arrival(id, within)?.reply;
        match reply.error {
            Some(error) => Err(CallError::Refused(error)),
            None => Ok(reply),
        }
    }

    /// Id that the next request will bear.
    #[must_use]
    pub fn next_id(&self) -> u64 {
        self.next_id
    }

    /// Events and faults that have come since the last call, in order.
    pub fn take_unsolicited(&mut self) -> Vec<Unsolicited> {
        self.inbox.lock().take_unsolicited()
    }

    /// Waits until an unsolicited line is there to take, or for so long.
    pub fn unsolicited_within(&mut self, within: Duration) -> Vec<Unsolicited> {
        let found = self.inbox.wait(Instant::now() + within, |state| {
            let events = state.take_unsolicited();
            (!events.is_empty()).then_some(events)
        });
        found.unwrap_or_default()
    }

    /// Lines that have passed since the last call, the oldest dropped if there were too many.
    pub fn take_log(&mut self) -> Vec<(Instant, LogDirection, String)> {
        self.inbox.lock().take_log()
    }

    /// Process id, which is also that of its process group.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Waits for the process to end.
    pub fn exit_within(&mut self, within: Duration) -> Option<Exit> {
        self.inbox.wait(Instant::now() + within, |state| state.exit)
    }

    /// Closes the process's stdin, upon which an adapter ends.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// The last 40 lines of its stderr, cut at 500 characters, control characters escaped.
    #[must_use]
    pub fn stderr_tail(&self) -> Vec<String> {
        // What a dead process wrote may still be on its way through the pipe.
        self.inbox
            .wait(Instant::now() + DRAIN, |state| (state.exit.is_none() || state.has_closed_stderr()).then_some(()));
        self.inbox.lock().tail()
    }

    /// Kills the process group, and waits until the process is reaped.
    pub fn kill(&mut self) {
        self.stdin = None;
        kill_group(&self.inbox, self.pid);
        self.inbox.wait(Instant::now() + REAP, |state| state.exit);
    }

    fn spawn(launch: &Launch) -> Result<Self, StartError> {
        let words: Vec<&String> = launch.wrap.iter().chain(&launch.command).collect();
        let (Some((program, arguments)), false) = (words.split_first(), launch.command.is_empty()) else {
            return Err(StartError::NoCommand);
        };
        let failed = |source| StartError::Spawn { program: (*program).clone(), source };
        let mut child = Command::new(program)
            .args(arguments)
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let pid = Pid::from_child(&child);
        let inbox = Arc::new(Inbox::default());
        live::enter(pid, &inbox);
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        {
            let inbox = Arc::clone(&inbox);
            thread("adapter-exit", move || reap(&inbox, child, pid)).map_err(failed)?;
        }
        let stdin: Option<OwnedFd> = stdin.map(Into::into);
        let adapter = Self { inbox, pid, stdin: stdin.map(File::from), next_id: 1 };
        if let Some(stdin) = &adapter.stdin {
            rustix::fs::fcntl_setfl(stdin, OFlags::NONBLOCK).map_err(|errno| failed(errno.into()))?;
        }
        if let Some(stdout) = stdout {
            let inbox = Arc::clone(&adapter.inbox);
            thread("adapter-stdout", move || {
                inbox::read_stdout(&inbox, stdout, || kill_group(&inbox, pid));
            })
            .map_err(failed)?;
        }
        if let Some(stderr) = stderr {
            let inbox = Arc::clone(&adapter.inbox);
            thread("adapter-stderr", move || inbox::read_stderr(&inbox, stderr)).map_err(failed)?;
        }
        Ok(adapter)
    }

    fn submit(&mut self, id: u64, mut line: String, verb: &'static str) -> Result<u64, CallError> {
        self.next_id = self.next_id.max(id.saturating_add(1));
        self.inbox.lock().ask(id, verb, &line);
        line.push('\n');
        self.write(line.as_bytes(), verb, id)?;
        Ok(id)
    }

    fn arrival(&mut self, id: u64, within: Duration) -> Result<Arrived, CallError> {
        let deadline = Instant::now() + within;
        let settled = self.inbox.wait(deadline, |state| match state.outcome(id) {
            Some(outcome) => Some(Some(outcome)),
            None if state.has_closed_stdout() || state.exit.is_some() => Some(None),
            None => None,
        });
        match settled {
            Some(Some(outcome)) => outcome,
            // One end of the story is known: the other follows at once, or it is a story of its own.
            Some(None) => self.ended(id),
            None => Err(CallError::Timeout { request: self.inbox.lock().verb(id), within }),
        }
    }

    fn ended(&mut self, id: u64) -> Result<Arrived, CallError> {
        let outcome = self.inbox.wait(Instant::now() + DRAIN, |state| state.outcome(id));
        let exit = self.inbox.lock().exit;
        match (outcome, exit) {
            (Some(outcome), _) => outcome,
            (None, Some(exit)) => Err(CallError::Gone(exit)),
            (None, None) => Err(CallError::Silent),
        }
    }

    fn write(&mut self, mut bytes: &[u8], verb: &str, id: u64) -> Result<(), CallError> {
        let deadline = Instant::now() + STALL;
        while !bytes.is_empty() {
            let Some(stdin) = &mut self.stdin else {
                return Err(CallError::Io { text: "it was closed by the harness".into() });
            };
            match stdin.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left == Duration::ZERO {
                        return Err(CallError::Stalled { request: verb.to_owned(), within: STALL });
                    }
                    let mut wait = [PollFd::new(stdin, PollFlags::OUT)];
                    let left = Timespec::try_from(left).ok();
                    // An error or a signal shows at the next write.
                    let _ = rustix::event::poll(&mut wait, left.as_ref());
                }
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                    // The reply cannot come any more; how the process ended says why.
                    return match self.ended(id) {
                        Err(CallError::Silent) => Err(CallError::Io { text: error.to_string() }),
                        Err(why) => Err(why),
                        Ok(_) => Ok(()),
                    };
                }
                Err(error) => {
                    return Err(CallError::Io { text: error.to_string() });
                }
            }
        }
        Ok(())
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        self.kill();
    }
}

impl std::fmt::Debug for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Adapter(process {})", self.pid())
    }
}

/// How long the other end of a story may take: the exit after the end of stdout, stderr after the exit.
const DRAIN: Duration = Duration::from_secs(2);
/// How long a killed process may take to be gone.
const REAP: Duration = Duration::from_secs(5);
/// How long a process may leave its stdin unread while something is written to it.
const STALL: Duration = Duration::from_secs(10);

fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map(drop)
}

/// Waits for the process; ends what is left of its group while its id is still taken, then reaps it.
fn reap(inbox: &Inbox, mut child: Child, pid: Pid) {
    let ended = || rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    while matches!(ended(), Err(rustix::io::Errno::INTR)) {}
    live::leave(pid);
    let mut state = inbox.lock();
    let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    state.exit = Some(child.wait().map_or(Exit::Status(-1), Exit::from));
    drop(state);
    inbox.changed();
}
