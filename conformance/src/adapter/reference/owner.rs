//! One thread per socket: it does what is asked of the socket in order.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use zmq_reference::blocking::Socket;
use zmq_reference::{Endpoint, EndpointFailed, Frame, Message, PeerInfo, RecvError, SendError, SocketType};

use super::options;
use super::refusal;
use super::wait::{End, until};
use crate::adapter::parts::{self, reported};
use crate::adapter::protocol::{ErrorReply, Part, Reply, RequestBody, Unsolicited};
use crate::adapter::serve::{Answer, Output, argument};
use crate::adapter::waits::{Alive, Lives, deadline};

/// Properties of a message that `recv` reports, where it has them. `X-Zmqspec` is the one that cases send.
const PROPERTIES: &[&str] =
    &["Routing-Id", "Identity", "Socket-Type", "User-Id", "Peer-Address", "Resource", "X-Zmqspec"];

/// A request, answered under this id.
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) request: RequestBody,
}

/// The handle that the control loop keeps.
pub(super) struct Owner {
    pub(super) jobs: Sender<Job>,
    pub(super) thread: JoinHandle<()>,
    /// For `poll`, and to release what blocks.
    pub(super) socket: Socket,
    pub(super) end: End,
    /// Name of its context.
    pub(super) context: String,
}

struct Thread {
    name: String,
    socket: Socket,
    end: End,
    output: Output,
    others: Alive,
    /// The parts of a message that is half sent. The reference sends whole messages only.
    half_sent: Vec<Frame>,
    /// REQ: a request was sent, and its reply was not received yet.
    awaits_reply: bool,
}

impl Owner {
    /// Gives the socket to a thread of its own.
    pub(super) fn start(
        name: &str,
        context: String,
        socket: Socket,
        output: &Output,
        lives: Lives,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = channel();
        let end = End::default();
        let owner = Thread {
            name: name.to_owned(),
            socket: socket.clone(),
            end: end.clone(),
            output: output.clone(),
            others: lives.others,
            half_sent: Vec::new(),
            awaits_reply: false,
        };
        let thread = std::thread::Builder::new().name(format!("socket {name}")).spawn(move || {
            owner.run(&queue);
            drop(lives.owners);
        })?;
        Ok(Self { jobs, thread, socket, end, context })
    }
}

impl Thread {
    /// Ends after a `close`, or when the control loop has dropped its end.
    fn run(mut self, queue: &Receiver<Job>) {
        for Job { id, request } in queue {
            if let RequestBody::Close { linger, .. } = request {
                self.output.reply(id, self.close(linger.unwrap_or(0)));
                return;
            }
            let answer = self.on_request(request);
            self.output.reply(id, answer);
        }
    }

    fn on_request(&mut self, request: RequestBody) -> Answer {
        let socket = &self.socket;
        match request {
            RequestBody::Set { option, value, .. } => options::set(socket, &option, &value).map(|()| Reply::default()),
            RequestBody::Get { option, .. } => {
                Ok(Reply { value: Some(options::get(socket, &option)?), ..Reply::default() })
            }
            RequestBody::Bind { endpoint, .. } => attached(socket.bind(&endpoint)),
            RequestBody::Connect { endpoint, .. } => attached(socket.connect(&endpoint)),
            RequestBody::Unbind { endpoint, .. } => done(socket.unbind(&endpoint)),
            RequestBody::Disconnect { endpoint, .. } => done(socket.disconnect(&endpoint)),
            RequestBody::Send { parts, more, timeout_ms, .. } => self.send(&parts, more, timeout_ms),
            RequestBody::Recv { timeout_ms, .. } => self.recv(timeout_ms),
            // Nothing waits for a call: the I/O thread does it.
            RequestBody::Settle { .. } => Ok(Reply::default()),
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

    fn close(&self, linger: i64) -> Answer {
        let linger = options::linger(linger)?;
        self.end.note();
        self.socket.close(Some(linger));
        Ok(Reply::default())
    }

    fn send(&mut self, parts: &[Part], more: bool, timeout_ms: u64) -> Answer {
        let deadline = deadline(timeout_ms);
        let frames: Vec<Frame> = parts::octets(parts)?.into_iter().map(Frame::from).collect();
        if more {
            if self.half_sent.is_empty() {
                self.may_begin(deadline)?;
            }
            self.half_sent.extend(frames);
            return Ok(Reply::default());
        }
        let before = self.half_sent.len();
        let message = Message::from_frames(self.half_sent.drain(..).chain(frames)).expect("it has at least one part");
        match self.send_message(message, deadline) {
            Ok(()) => {
                self.awaits_reply = true;
                Ok(Reply::default())
            }
            Err(unsent) => {
                if matches!(unsent.why, SendError::WouldBlock | SendError::TimedOut) {
                    // Only this part was refused: those before it were taken.
                    self.half_sent.extend(unsent.message.into_iter().take(before));
                }
                Err(refusal::send(unsent.why))
            }
        }
    }

    fn send_message(&self, message: Message, deadline: Instant) -> Result<(), zmq_reference::Unsent> {
        let message = match self.socket.try_send(message) {
            Err(unsent) if unsent.why == SendError::WouldBlock && Instant::now() < deadline => unsent.message,
            done => return done,
        };
        let before = self.socket.send_timeout();
        self.socket.set_send_timeout(Some(deadline.saturating_duration_since(Instant::now())));
        let sent = self.socket.send(message);
        self.socket.set_send_timeout(before);
        sent
    }

    /// Refuses the first part of a message where a library that sends part by part would.
    fn may_begin(&self, deadline: Instant) -> Result<(), ErrorReply> {
        let socket = self.socket.as_async();
        if socket.can_send() {
            return Ok(());
        }
        let why = match socket.socket_type() {
            SocketType::Pull | SocketType::Sub => SendError::Unsupported,
            SocketType::Rep => SendError::OutOfTurn,
            SocketType::Req if self.awaits_reply => SendError::OutOfTurn,
            SocketType::Pair
            | SocketType::Pub
            | SocketType::Req
            | SocketType::Dealer
            | SocketType::Router
            | SocketType::Push
            | SocketType::XPub
            | SocketType::XSub
            | SocketType::Stream => {
                until(Some(deadline), socket.writable());
                if socket.can_send() {
                    return Ok(());
                }
                if self.end.is_noted() { SendError::Terminated } else { SendError::WouldBlock }
            }
        };
        Err(refusal::send(why))
    }

    fn recv(&mut self, timeout_ms: u64) -> Answer {
        let (message, sender) = self.recv_message(timeout_ms).map_err(refusal::recv)?;
        self.awaits_reply = false;
        let parts = message.iter().map(|part| reported(part)).collect();
        Ok(Reply { parts: Some(parts), metadata: Some(metadata(&sender)), ..Reply::default() })
    }

    fn recv_message(&self, timeout_ms: u64) -> Result<(Message, PeerInfo), RecvError> {
        if timeout_ms == 0 {
            return until(Some(Instant::now()), self.socket.as_async().recv_from())
                .unwrap_or(Err(RecvError::WouldBlock));
        }
        let before = self.socket.recv_timeout();
        self.socket.set_recv_timeout(Some(deadline(timeout_ms).saturating_duration_since(Instant::now())));
        let received = self.socket.recv_from();
        self.socket.set_recv_timeout(before);
        received
    }

    /// Events are pumped by a thread that ends when the socket is closed.
    fn monitor(&self) -> Answer {
        let monitor = self.socket.monitor();
        let (name, output, alive) = (self.name.clone(), self.output.clone(), self.others.clone());
        let pump = move || {
            let mut seq = 0;
            while let Some(event) = until(None, monitor.as_async().recv()).flatten() {
                seq += 1;
                output.event(Unsolicited::Monitor {
                    s: name.clone(),
                    name: event.kind.name().to_owned(),
                    value: event.value(),
                    endpoint: event.endpoint_text(),
                    seq,
                });
            }
            seq += 1;
            output.event(Unsolicited::Monitor {
                s: name,
                name: "monitor_stopped".into(),
                value: 0,
                endpoint: String::new(),
                seq,
            });
            drop((monitor, alive));
        };
        let spawned = std::thread::Builder::new().name(format!("monitor {}", self.name)).spawn(pump);
        spawned.map(|_| Reply::default()).map_err(|error| argument(format!("cannot start a thread: {error}")))
    }
}

/// Names of properties are compared without case (23/ZMTP), and reported as the harness writes them.
fn metadata(sender: &PeerInfo) -> BTreeMap<String, String> {
    let known = PROPERTIES.iter().filter_map(|wanted| {
        let value = sender.property(wanted)?;
        Some(((*wanted).to_owned(), String::from_utf8_lossy(&value).into_owned()))
    });
    known.collect()
}

fn attached(outcome: Result<Endpoint, EndpointFailed>) -> Answer {
    let endpoint = outcome.map_err(|error| refusal::endpoint(&error))?;
    Ok(Reply { endpoint: Some(endpoint.to_string()), ..Reply::default() })
}

fn done(outcome: Result<(), EndpointFailed>) -> Answer {
    outcome.map(|()| Reply::default()).map_err(|error| refusal::endpoint(&error))
}
