//! One thread per socket: it owns the socket, and does what is asked of it in order.
//!
//! A blocking call waits in slices, so that `reset` can release it before the socket's linger is set to 0; after a
//! context has ended that could no longer be set. What is awaited still wakes the thread at once.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use zmq_libzmq::{Descriptor, Flags, Monitor, Socket, names};

use super::libzmq::refusal;
use super::options;
use super::parts::{self, reported};
use super::protocol::{ErrorClass, ErrorReply, Part, Reply, RequestBody, Unsolicited};
use super::serve::{Answer, Output, argument};
use super::waits::{Alive, Lives, deadline};

/// How soon a blocked call notices that it is to give up.
pub(super) const SLICE: Duration = Duration::from_millis(20);
/// Stack of a socket's thread in bytes.
const STACK: usize = 8 << 20;
/// Properties of a message that `recv` reports, where it has them. `X-Zmqspec` is the one that cases send.
const PROPERTIES: &[&CStr] =
    &[c"Routing-Id", c"Identity", c"Socket-Type", c"User-Id", c"Peer-Address", c"Resource", c"X-Zmqspec"];

/// What a socket's thread can be asked to do.
pub(super) enum Job {
    /// A request, answered under this id.
    Request(u64, RequestBody),
    /// Readiness and the descriptor that tells of a change, for `poll`.
    Ready(Sender<Result<Readiness, ErrorReply>>),
}

/// A socket's readiness.
pub(super) struct Readiness {
    /// 1 readable, 2 writable.
    pub(super) events: i32,
    /// Becomes readable when the events may have changed.
    pub(super) descriptor: Descriptor,
}

/// The handle that the control loop keeps.
pub(super) struct Owner {
    pub(super) jobs: Sender<Job>,
    /// Gives the threads that pump the socket's monitors.
    pub(super) thread: JoinHandle<Vec<JoinHandle<()>>>,
    pub(super) cancelled: Arc<AtomicBool>,
}

struct Thread {
    name: String,
    socket: Socket,
    output: Output,
    cancelled: Arc<AtomicBool>,
    pumps: Vec<JoinHandle<()>>,
    others: Alive,
}

impl Owner {
    /// Gives the socket to a thread of its own.
    pub(super) fn start(name: &str, socket: Socket, output: &Output, lives: Lives) -> std::io::Result<Self> {
        let (jobs, queue) = channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let owner = Thread {
            name: name.to_owned(),
            socket,
            output: output.clone(),
            cancelled: Arc::clone(&cancelled),
            pumps: Vec::new(),
            others: lives.others,
        };
        let thread = std::thread::Builder::new()
            // As much as a C program's thread has: some libraries recurse once per octet of a topic.
            .stack_size(STACK)
            .name(format!("socket {name}"))
            .spawn(move || {
                let pumps = owner.run(&queue);
                drop(lives.owners);
                pumps
            })?;
        Ok(Self { jobs, thread, cancelled })
    }
}

impl Thread {
    /// Ends, and closes the socket, after a `close` or when the control loop has dropped its end.
    fn run(mut self, queue: &Receiver<Job>) -> Vec<JoinHandle<()>> {
        for job in queue {
            match job {
                Job::Ready(reply) => {
                    let _ = reply.send(self.ready());
                }
                Job::Request(id, RequestBody::Close { linger, .. }) => {
                    let answer = self.set_linger(linger.unwrap_or(0));
                    let Self { socket, output, pumps, .. } = self;
                    drop(socket);
                    output.reply(id, answer);
                    return pumps;
                }
                Job::Request(id, request) => {
                    let answer = self.on_request(request);
                    self.output.reply(id, answer);
                }
            }
        }
        // After its context has ended the option can no longer be set, and `reset` says what is left.
        let _ = self.socket.set_int(names::LINGER, 0);
        self.pumps
    }

    fn on_request(&mut self, request: RequestBody) -> Answer {
        let socket = &self.socket;
        match request {
            RequestBody::Set { option, value, .. } => options::set(socket, &option, &value).map(|()| Reply::default()),
            RequestBody::Get { option, .. } => {
                Ok(Reply { value: Some(options::get(socket, &option)?), ..Reply::default() })
            }
            RequestBody::Bind { endpoint, .. } => self.attached(socket.bind(&endpoint), endpoint),
            RequestBody::Connect { endpoint, .. } => self.attached(socket.connect(&endpoint), endpoint),
            RequestBody::Unbind { endpoint, .. } => done(socket.unbind(&endpoint)),
            RequestBody::Disconnect { endpoint, .. } => done(socket.disconnect(&endpoint)),
            RequestBody::Send { parts, more, timeout_ms, .. } => self.send(&parts, more, timeout_ms),
            RequestBody::Recv { timeout_ms, .. } => self.recv(timeout_ms),
            RequestBody::Settle { .. } => done(socket.events().map(drop)),
            RequestBody::Monitor { .. } => self.monitor(),
            other @ (RequestBody::Hello { .. }
            | RequestBody::Context { .. }
            | RequestBody::Term { .. }
            | RequestBody::Open { .. }
            | RequestBody::Close { .. }
            | RequestBody::Poll { .. }
            | RequestBody::Reset {}) => Err(argument(format!("`{}` is not a request to a socket", other.verb()))),
        }
    }

    fn ready(&self) -> Result<Readiness, ErrorReply> {
        let read = || Ok(Readiness { descriptor: self.socket.descriptor()?, events: self.socket.events()? });
        read().map_err(|error| refusal(&error))
    }

    fn set_linger(&self, milliseconds: i64) -> Answer {
        let milliseconds = i32::try_from(milliseconds)
            .map_err(|_| argument(format!("linger: expected milliseconds in 32 bits, came {milliseconds}")));
        let set =
            milliseconds.and_then(|linger| self.socket.set_int(names::LINGER, linger).map_err(|error| refusal(&error)));
        match set {
            // A socket of an ended context closes like any other.
            Err(error) if error.class != ErrorClass::Terminated => Err(error),
            Ok(()) | Err(_) => Ok(Reply::default()),
        }
    }

    fn attached(&self, done: Result<(), zmq_libzmq::Error>, asked: String) -> Answer {
        done.map_err(|error| refusal(&error))?;
        let endpoint = match self.socket.last_endpoint() {
            Ok(endpoint) if !endpoint.is_empty() => endpoint,
            Ok(_) | Err(_) => asked,
        };
        Ok(Reply { endpoint: Some(endpoint), ..Reply::default() })
    }

    fn send(&self, parts: &[Part], more: bool, timeout_ms: u64) -> Answer {
        let deadline = deadline(timeout_ms);
        let octets = parts::octets(parts)?;
        let last = octets.len() - 1;
        for (index, part) in octets.iter().enumerate() {
            let flags = if index < last || more { Flags::MORE } else { Flags::NONE };
            self.patiently(names::SNDTIMEO, deadline, |wait| self.socket.send_part(part, flags.and(wait)))?;
        }
        Ok(Reply::default())
    }

    fn recv(&self, timeout_ms: u64) -> Answer {
        let deadline = deadline(timeout_ms);
        let mut parts = Vec::new();
        let mut metadata = None;
        loop {
            let wanted: &[&CStr] = if parts.is_empty() { PROPERTIES } else { &[] };
            let received = self.patiently(names::RCVTIMEO, deadline, |wait| self.socket.recv_part(wait, wanted))?;
            if parts.is_empty() {
                metadata = Some(BTreeMap::from_iter(received.properties));
            }
            parts.push(reported(&received.bytes));
            if !received.more {
                return Ok(Reply { parts: Some(parts), metadata, ..Reply::default() });
            }
        }
    }

    /// Tries at once, then blocks in slices until the deadline. The socket's own timeout is put back.
    fn patiently<T>(
        &self,
        timeout_option: i32,
        deadline: Instant,
        attempt: impl Fn(Flags) -> Result<T, zmq_libzmq::Error>,
    ) -> Result<T, ErrorReply> {
        let first = attempt(Flags::DONT_WAIT);
        let mut would_block = match first {
            Err(error) if error.is("EAGAIN") => error,
            other => return other.map_err(|error| refusal(&error)),
        };
        let before = self.socket.get_int(timeout_option).map_err(|error| refusal(&error))?;
        let outcome = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                break Err(refusal(&would_block));
            }
            if self.cancelled.load(Ordering::Relaxed) {
                break Err(ErrorReply {
                    class: ErrorClass::Terminated,
                    errno: String::new(),
                    native: "released by `reset`".into(),
                });
            }
            let slice = left.min(SLICE).as_millis().max(1);
            let slice = i32::try_from(slice).unwrap_or(1);
            if let Err(error) = self.socket.set_int(timeout_option, slice) {
                break Err(refusal(&error));
            }
            match attempt(Flags::NONE) {
                Err(error) if error.is("EAGAIN") => would_block = error,
                Err(error) if error.is("EINTR") => {}
                other => break other.map_err(|error| refusal(&error)),
            }
        };
        // Fails only where the context has ended, and then the timeout no longer matters.
        let _ = self.socket.set_int(timeout_option, before);
        outcome
    }

    /// Events are pumped by a thread that ends with the socket or its context.
    fn monitor(&mut self) -> Answer {
        let monitor = Monitor::start(&self.socket).map_err(|error| refusal(&error))?;
        let (name, output) = (self.name.clone(), self.output.clone());
        let alive = self.others.clone();
        let pump = move || {
            let mut seq = 0;
            while let Ok(event) = monitor.next_event() {
                seq += 1;
                let last = event.is_last();
                output.event(Unsolicited::Monitor {
                    s: name.clone(),
                    name: event.name(),
                    value: event.value.into(),
                    endpoint: event.endpoint,
                    seq,
                });
                if last {
                    break;
                }
            }
            drop((monitor, alive));
        };
        let spawned = std::thread::Builder::new().name(format!("monitor {}", self.name)).spawn(pump);
        spawned.map(|_| Reply::default()).map_err(|error| argument(format!("cannot start a thread: {error}")))
    }
}

fn done(outcome: Result<(), zmq_libzmq::Error>) -> Answer {
    outcome.map(|()| Reply::default()).map_err(|error| refusal(&error))
}
