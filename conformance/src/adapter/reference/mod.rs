//! The built-in adapter for the reference implementation.
//!
//! As in the adapter for libzmq, the control loop reads requests and never blocks: each socket has a thread, and so
//! has each `poll`. A call that blocks is released by closing its socket.

mod options;
mod owner;
mod poll;
mod refusal;
mod wait;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use zmq_core::pattern::table::TABLE;
use zmq_reference::blocking::Context;
use zmq_reference::{ContextOptions, Linger, SocketType};

use super::protocol::{ErrorReply, Hello, Left, PROTOCOL, PollItem, Reply, Request, RequestBody, Value};
use super::serve::{Answer, Output, argument, serve, unsupported};
use super::waits::{Lives, RESET_PATIENCE, left, wait_for_end};
use owner::{Job, Owner};
use poll::Watched;

/// What the implementation calls itself.
pub const NAME: &str = "zmqspec-reference";

/// Speaks the adapter protocol on stdio until stdin ends.
///
/// Exit status 1, with one line on stderr, if stdout cannot be claimed.
#[must_use]
pub fn serve_reference() -> ExitCode {
    let output = match Output::claim() {
        Ok(output) => output,
        Err(why) => {
            eprintln!("zmqspec adapter reference: {why}");
            return ExitCode::FAILURE;
        }
    };
    output.report_panics();
    let mut machine = Machine::new(output.clone());
    serve(std::io::stdin().lock(), &output, |request| machine.on_request(request));
    machine.reset();
    ExitCode::SUCCESS
}

/// What `hello` declares: exactly what there is.
fn hello() -> Hello {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    Hello {
        protocol: PROTOCOL,
        name: NAME.into(),
        // Every crate of the workspace has the same.
        version: env!("CARGO_PKG_VERSION").into(),
        commit: String::new(),
        path: std::env::current_exe().ok().map(|path| path.display().to_string()),
        sockets: TABLE.iter().map(|rules| rules.name.to_owned()).collect(),
        roles: words(&["bind", "connect"]),
        transports: words(&["tcp", "ipc", "inproc"]),
        mechanisms: words(&["NULL", "PLAIN", "CURVE"]),
        zmtp: words(&["3.1", "3.0", "2.0", "1.0"]),
        options: options::declared(),
        features: words(&["curve", "ipc"]),
    }
}

/// Name of the context of sockets that name none.
const DEFAULT_CONTEXT: &str = "";
/// How long the I/O threads of ended contexts may take to be gone.
const THREADS_END: Duration = Duration::from_millis(500);

struct Machine {
    output: Output,
    contexts: BTreeMap<String, Context>,
    sockets: BTreeMap<String, Owner>,
    /// Sockets that are closing, or closed.
    closing: Vec<Owner>,
    polls: Vec<JoinHandle<()>>,
    lives: Lives,
    /// These end when the last thread of their kind has ended.
    owners_ended: Receiver<()>,
    others_ended: Receiver<()>,
    /// Sockets whose threads did not end at an earlier `reset`.
    stuck: usize,
}

impl Machine {
    fn new(output: Output) -> Self {
        let (owners, owners_ended) = channel();
        let (others, others_ended) = channel();
        Self {
            output,
            contexts: BTreeMap::new(),
            sockets: BTreeMap::new(),
            closing: Vec::new(),
            polls: Vec::new(),
            lives: Lives { owners, others },
            owners_ended,
            others_ended,
            stuck: 0,
        }
    }

    fn on_request(&mut self, request: Request) {
        let Request { id, body } = request;
        let answer = match body {
            RequestBody::Hello { protocol: PROTOCOL } => Ok(Reply { hello: Some(hello()), ..Reply::default() }),
            RequestBody::Hello { protocol } => {
                Err(unsupported(format!("expected protocol {PROTOCOL}, came {protocol}")))
            }
            RequestBody::Context { ctx, options } => self.make_context(ctx, &options),
            RequestBody::Term { ctx } => self.term(&ctx),
            RequestBody::Open { s, ctx, kind, options } => self.open(s, ctx.unwrap_or_default(), &kind, &options),
            RequestBody::Poll { items, timeout_ms } => match self.poll(id, items, timeout_ms) {
                Ok(()) => return,
                Err(error) => Err(error),
            },
            RequestBody::Reset {} => Ok(Reply { left: Some(self.reset()), ..Reply::default() }),
            RequestBody::Close { ref s, .. } => match self.sockets.remove(s) {
                Some(owner) => {
                    let sent = owner.jobs.send(Job { id, request: body });
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
                Some(owner) if owner.jobs.send(Job { id, request: body.clone() }).is_ok() => return,
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
        let mut chosen = ContextOptions::default();
        for (option, value) in options {
            options::set_context(&mut chosen, option, value)?;
        }
        let made = Context::with_options(chosen);
        let context = made.map_err(|error| argument(format!("cannot start an I/O thread: {error}")))?;
        self.contexts.insert(name, context);
        Ok(Reply::default())
    }

    fn term(&self, name: &str) -> Answer {
        let Some(context) = self.contexts.get(name) else {
            return Err(argument(format!("there is no context `{name}`")));
        };
        for owner in self.sockets.values().filter(|owner| owner.context == name) {
            owner.end.note();
        }
        context.shutdown();
        Ok(Reply::default())
    }

    fn open(&mut self, name: String, ctx: String, kind: &str, options: &BTreeMap<String, Value>) -> Answer {
        if self.sockets.contains_key(&name) {
            return Err(argument(format!("there is a socket `{name}` already")));
        }
        let Some(kind) = SocketType::of_name(kind) else {
            return Err(unsupported(format!("unknown socket type `{kind}`")));
        };
        if ctx == DEFAULT_CONTEXT && !self.contexts.contains_key(&ctx) {
            self.make_context(ctx.clone(), &BTreeMap::new())?;
        }
        let Some(context) = self.contexts.get(&ctx) else {
            return Err(argument(format!("there is no context `{ctx}`")));
        };
        let socket = context.socket(kind).map_err(refusal::socket)?;
        for (option, value) in options {
            options::set(&socket, option, value)?;
        }
        let owner = Owner::start(&name, ctx, socket, &self.output, self.lives.clone())
            .map_err(|error| argument(format!("cannot start a thread: {error}")))?;
        self.sockets.insert(name, owner);
        Ok(Reply::default())
    }

    fn poll(&mut self, id: u64, items: Vec<PollItem>, timeout_ms: u64) -> Result<(), ErrorReply> {
        let watched = items.into_iter().map(|item| match self.sockets.get(&item.s) {
            Some(owner) => Watched::new(item, owner.socket.clone(), owner.end.clone()),
            None => Err(unknown_socket(&item.s)),
        });
        let watched = watched.collect::<Result<Vec<_>, _>>()?;
        let (output, alive) = (self.output.clone(), self.lives.others.clone());
        let body = move || {
            output.reply(id, poll::run(&watched, timeout_ms));
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
        let mut threads = Vec::new();
        for owner in std::mem::take(&mut self.sockets).into_values().chain(self.closing.drain(..)) {
            owner.end.note();
            owner.socket.as_async().close(Some(Linger::Discard));
            drop(owner.jobs);
            threads.push(owner.thread);
        }
        let (owners, owners_ended) = channel();
        let (others, others_ended) = channel();
        self.lives = Lives { owners, others };
        wait_for_end(&std::mem::replace(&mut self.owners_ended, owners_ended), deadline);
        wait_for_end(&std::mem::replace(&mut self.others_ended, others_ended), deadline);
        for thread in threads {
            // A thread that does not end now is left alone: to wait for it is to hang with it.
            if thread.is_finished() || self.stuck == 0 && Instant::now() < deadline {
                let _ = thread.join();
            } else {
                self.stuck += 1;
            }
        }
        let polls = std::mem::take(&mut self.polls);
        polls.into_iter().filter(JoinHandle::is_finished).for_each(|poll| drop(poll.join()));
        self.end_contexts(deadline);
        left(self.stuck)
    }

    /// Terminating may take as long as something lingers, so it happens beside the control loop.
    fn end_contexts(&mut self, deadline: Instant) {
        let contexts = std::mem::take(&mut self.contexts);
        if contexts.is_empty() {
            return;
        }
        let (ending, ended) = channel::<()>();
        let spawned = std::thread::Builder::new().name("term".into()).spawn(move || {
            contexts.values().for_each(Context::term);
            drop(contexts);
            drop(ending);
        });
        wait_for_end(&ended, deadline);
        if let Ok(thread) = spawned
            && Instant::now() < deadline
        {
            let _ = thread.join();
        }
        // I/O threads end when their context is dropped, and nobody can wait for one.
        let deadline = deadline.min(Instant::now() + THREADS_END);
        while self.stuck == 0 && left(0).threads > 1 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn unknown_socket(name: &str) -> ErrorReply {
    argument(format!("there is no socket `{name}`"))
}
