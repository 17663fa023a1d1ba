//! The built-in adapter for libzmq: whichever library is loaded, driven by the adapter protocol.
//!
//! The control loop reads requests and never blocks: each socket has a thread, and so has each `poll`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use zmq_libzmq::names::SOCKET_TYPES;
use zmq_libzmq::{Context, Error, Library, LoadError};

use super::options;
use super::owner::{Job, Owner};
use super::poll::{self, Watched};
use super::protocol::{ErrorClass, ErrorReply, Hello, Left, PROTOCOL, PollItem, Reply, Request, RequestBody, Value};
use super::serve::{Answer, Output, argument, serve, unsupported};
use super::survey;
use super::waits::{Lives, RESET_PATIENCE, left, wait_for_end};

/// Environment variable with paths, separated by colons, of libraries to load before libzmq.
pub const PRELOAD: &str = "ZMQSPEC_LIBZMQ_PRELOAD";

/// Speaks the adapter protocol on stdio until stdin ends. `None` is the system's libzmq.
///
/// Exit status 1, with one line on stderr, if the library cannot be used.
#[must_use]
pub fn serve_libzmq(library: Option<&Path>) -> ExitCode {
    match run(library) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("zmqspec adapter libzmq: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Loads what [`PRELOAD`] names, then the library.
///
/// # Errors
///
/// [`LoadError`], for the first that cannot be loaded.
pub fn load(library: Option<&Path>) -> Result<Library, LoadError> {
    let preload = std::env::var_os(PRELOAD).unwrap_or_default();
    for path in std::env::split_paths(&preload).filter(|path: &PathBuf| !path.as_os_str().is_empty()) {
        Library::preload(&path)?;
    }
    Library::open(library)
}

fn run(library: Option<&Path>) -> Result<(), Box<dyn std::error::Error>> {
    let output = Output::claim()?;
    output.report_panics();
    let library = load(library)?;
    let hello = survey::hello(&library)?;
    let mut machine = Machine::new(library, hello, output.clone());
    serve(std::io::stdin().lock(), &output, |request| {
        machine.on_request(request);
    });
    machine.reset();
    Ok(())
}

/// Name of the context of sockets that name none.
const DEFAULT_CONTEXT: &str = "";

struct Machine {
    library: Library,
    hello: Hello,
    output: Output,
    contexts: BTreeMap<String, Context>,
    sockets: BTreeMap<String, Owner>,
    /// Sockets that are closing, or closed.
    closing: Vec<Owner>,
    polls: Vec<JoinHandle<()>>,
    /// Releases the polls of one round between two resets.
    polls_cancelled: Arc<AtomicBool>,
    lives: Lives,
    /// These end when the last thread of their kind has ended.
    owners_ended: Receiver<()>,
    others_ended: Receiver<()>,
    /// Sockets whose threads did not end at an earlier `reset`.
    stuck: usize,
}

impl Machine {
    fn new(library: Library, hello: Hello, output: Output) -> Self {
        let (owners, owners_ended) = channel();
        let (others, others_ended) = channel();
        Self {
            library,
            hello,
            output,
            contexts: BTreeMap::new(),
            sockets: BTreeMap::new(),
            closing: Vec::new(),
            polls: Vec::new(),
            polls_cancelled: Arc::default(),
            lives: Lives { owners, others },
            owners_ended,
            others_ended,
            stuck: 0,
        }
    }

    fn on_request(&mut self, request: Request) {
        let Request { id, body } = request;
        let answer = match body {
            RequestBody::Hello { protocol: PROTOCOL } => {
                Ok(Reply { hello: Some(self.hello.clone()), ..Reply::default() })
            }
            RequestBody::Hello { protocol } => {
                Err(unsupported(format!("expected protocol {PROTOCOL}, came {protocol}")))
            }
            RequestBody::Context { ctx, options } => self.make_context(ctx, &options),
            RequestBody::Term { ctx } => self.term(&ctx),
            RequestBody::Open { s, ctx, kind, options } => self.open(s, &ctx.unwrap_or_default(), &kind, &options),
            RequestBody::Poll { items, timeout_ms } => match self.poll(id, items, timeout_ms) {
                Ok(()) => return,
                Err(error) => Err(error),
            },
            RequestBody::Reset {} => Ok(Reply { left: Some(self.reset()), ..Reply::default() }),
            RequestBody::Close { ref s, .. } => match self.sockets.remove(s) {
                Some(owner) => {
                    let sent = owner.jobs.send(Job::Request(id, body));
                    self.closing.push(owner);
                    if sent.is_ok() {
                        return;
                    }
                    Err(argument("the socket's thread has ended".into()))
                }
                None => Err(unknown_socket(s)),
            },
            RequestBody::Set { ref s, .. }
            | RequestBody::Get { ref s, .. }
            | RequestBody::Bind { ref s, .. }
            | RequestBody::Connect { ref s, .. }
            | RequestBody::Unbind { ref s, .. }
            | RequestBody::Disconnect { ref s, .. }
            | RequestBody::Send { ref s, .. }
            | RequestBody::Recv { ref s, .. }
            | RequestBody::Settle { ref s }
            | RequestBody::Monitor { ref s } => match self.sockets.get(s) {
                Some(owner) if owner.jobs.send(Job::Request(id, body.clone())).is_ok() => return,
                Some(_) => Err(argument("the socket's thread has ended".into())),
                None => Err(unknown_socket(s)),
            },
        };
        self.output.reply(id, answer);
    }

    fn make_context(&mut self, name: String, options: &BTreeMap<String, Value>) -> Answer {
        if self.contexts.contains_key(&name) {
            return Err(argument(format!("there is a context `{name}` already")));
        }
        let context = Context::new(&self.library).map_err(|error| refusal(&error))?;
        for (option, value) in options {
            options::set_context(&context, option, value)?;
        }
        self.contexts.insert(name, context);
        Ok(Reply::default())
    }

    fn term(&self, name: &str) -> Answer {
        let Some(context) = self.contexts.get(name) else {
            return Err(argument(format!("there is no context `{name}`")));
        };
        context.shutdown().map(|()| Reply::default()).map_err(|error| refusal(&error))
    }

    fn open(&mut self, name: String, ctx: &str, kind: &str, options: &BTreeMap<String, Value>) -> Answer {
        if self.sockets.contains_key(&name) {
            return Err(argument(format!("there is a socket `{name}` already")));
        }
        let Some((_, number)) = SOCKET_TYPES.iter().find(|(known, _)| *known == kind) else {
            return Err(unsupported(format!("unknown socket type `{kind}`")));
        };
        if ctx == DEFAULT_CONTEXT && !self.contexts.contains_key(ctx) {
            self.make_context(ctx.to_owned(), &BTreeMap::new())?;
        }
        let Some(context) = self.contexts.get(ctx) else {
            return Err(argument(format!("there is no context `{ctx}`")));
        };
        let socket = context.socket(*number).map_err(|error| refusal(&error))?;
        for (option, value) in options {
            options::set(&socket, option, value)?;
        }
        let owner = Owner::start(&name, socket, &self.output, self.lives.clone())
            .map_err(|error| argument(format!("cannot start a thread: {error}")))?;
        self.sockets.insert(name, owner);
        Ok(Reply::default())
    }

    fn poll(&mut self, id: u64, items: Vec<PollItem>, timeout_ms: u64) -> Result<(), ErrorReply> {
        let watched = items.into_iter().map(|item| match self.sockets.get(&item.s) {
            Some(owner) => Ok(Watched { jobs: owner.jobs.clone(), item }),
            None => Err(unknown_socket(&item.s)),
        });
        let watched = watched.collect::<Result<Vec<_>, _>>()?;
        let (output, cancelled) = (self.output.clone(), Arc::clone(&self.polls_cancelled));
        let alive = self.lives.others.clone();
        let body = move || {
            output.reply(id, poll::run(&watched, timeout_ms, &cancelled));
            drop((watched, alive));
        };
        let spawned = std::thread::Builder::new().name("poll".into()).spawn(body);
        self.polls.retain(|poll| !poll.is_finished());
        self.polls.push(spawned.map_err(|error| argument(format!("cannot start a thread: {error}")))?);
        Ok(())
    }

    /// Closes everything: first the sockets, with linger 0, then the contexts.
    fn reset(&mut self) -> Left {
        let deadline = Instant::now() + RESET_PATIENCE;
        // A poll holds a way to the threads of its sockets, which end when nobody does.
        self.polls_cancelled.store(true, Ordering::Relaxed);
        self.polls_cancelled = Arc::default();
        let mut threads = Vec::new();
        for owner in std::mem::take(&mut self.sockets).into_values().chain(self.closing.drain(..)) {
            owner.cancelled.store(true, Ordering::Relaxed);
            drop(owner.jobs);
            threads.push(owner.thread);
        }
        let (owners, owners_ended) = channel();
        let (others, others_ended) = channel();
        self.lives = Lives { owners, others };
        wait_for_end(&std::mem::replace(&mut self.owners_ended, owners_ended), deadline);
        let others_ended = std::mem::replace(&mut self.others_ended, others_ended);
        let mut pumps = std::mem::take(&mut self.polls);
        for thread in threads {
            // A thread that does not end now is left alone: to wait for it is to hang with it.
            if thread.is_finished() || self.stuck == 0 && Instant::now() < deadline {
                pumps.extend(thread.join().unwrap_or_default());
            } else {
                self.stuck += 1;
            }
        }
        self.end_contexts(&others_ended, pumps, deadline);
        left(self.stuck)
    }

    /// Terminating may take as long as something lingers, so it happens beside the control loop.
    fn end_contexts(&mut self, others_ended: &Receiver<()>, others: Vec<JoinHandle<()>>, deadline: Instant) {
        let contexts = std::mem::take(&mut self.contexts);
        for context in contexts.values() {
            // Monitors that still wait for an event end by this. A live context is always shut down.
            let _ = context.shutdown();
        }
        wait_for_end(others_ended, deadline);
        let (ending, ended) = channel::<()>();
        let spawned = std::thread::Builder::new().name("term".into()).spawn(move || {
            for other in others {
                let _ = other.join();
            }
            drop(contexts);
            drop(ending);
        });
        wait_for_end(&ended, deadline);
        if let Ok(thread) = spawned
            && Instant::now() < deadline
        {
            let _ = thread.join();
        }
    }
}

fn unknown_socket(name: &str) -> ErrorReply {
    argument(format!("there is no socket `{name}`"))
}

/// libzmq's error in the words of the protocol.
pub(super) fn refusal(error: &Error) -> ErrorReply {
    let class = match error.name() {
        "EAGAIN" => ErrorClass::WouldBlock,
        "EFSM" => ErrorClass::State,
        "EHOSTUNREACH" => ErrorClass::Unroutable,
        "ETERM" | "ENOTSOCK" => ErrorClass::Terminated,
        "ENOTSUP" | "EPROTONOSUPPORT" => ErrorClass::Unsupported,
        "EINVAL" | "ENODEV" | "EADDRINUSE" | "EADDRNOTAVAIL" | "ENOENT" | "ENOCOMPATPROTO" | "ENAMETOOLONG"
        | "EFAULT" | "EACCES" => ErrorClass::Argument,
        _ => ErrorClass::Other,
    };
    ErrorReply { class, errno: error.name().to_owned(), native: format!("{}: {}", error.call, error.text) }
}
