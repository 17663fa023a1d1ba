//! Single operations of actors, by libzmq's functions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use zmq_libzmq::{Context, Error, Flags, Socket, names};
use zmq_sim::actor::{Failure, Op, Outcome};
use zmq_sim::plan::{HostIndex, Linger, SocketIndex, SocketType};
use zmq_sim::time::Time;

use super::settings;
use super::shared::Shared;

const SUBSCRIBE: i32 = 6;
const UNSUBSCRIBE: i32 = 7;
const POLL_IN: i16 = 1;

/// From one try to the next of a call that will be dropped after some.
const BETWEEN_TRIES: Duration = Duration::from_millis(1);

/// What a thread needs to carry operations out: the sockets that are its own.
pub(super) struct Hands {
    shared: Arc<Shared>,
    host: HostIndex,
    context: Context,
    sockets: BTreeMap<SocketIndex, Socket>,
    /// What libzmq calls the endpoints that were bound.
    bound: BTreeMap<(SocketIndex, String), String>,
}

impl Hands {
    pub(super) fn new(shared: &Arc<Shared>, host: HostIndex, context: Context) -> Self {
        let (sockets, bound) = (BTreeMap::new(), BTreeMap::new());
        Self { shared: Arc::clone(shared), host, context, sockets, bound }
    }

    /// Gives some of the sockets away, to the hands of another thread.
    pub(super) fn part(&mut self, own: impl Fn(SocketIndex) -> bool) -> Self {
        let (sockets, kept) = std::mem::take(&mut self.sockets).into_iter().partition(|(socket, _)| own(*socket));
        self.sockets = kept;
        let (bound, kept) = std::mem::take(&mut self.bound).into_iter().partition(|((socket, _), _)| own(*socket));
        self.bound = kept;
        let (shared, context) = (Arc::clone(&self.shared), self.context.clone());
        Self { shared, host: self.host, context, sockets, bound }
    }

    pub(super) fn into_sockets(self) -> BTreeMap<SocketIndex, Socket> {
        self.sockets
    }

    /// Carries an operation out, to its end.
    pub(super) fn perform(&mut self, op: &Op) -> Outcome {
        self.connect_once_more();
        let done = match op {
            Op::Open(socket) => self.open(*socket),
            Op::Bind(socket, at) => self.bind(*socket, at),
            Op::Connect(socket, to) => {
                let endpoint = self.endpoint(to);
                self.on(*socket, |made| made.connect(&endpoint))
            }
            Op::Unbind(socket, at) => {
                let endpoint = self.bound.remove(&(*socket, at.clone())).unwrap_or_else(|| self.endpoint(at));
                self.on(*socket, |made| made.unbind(&endpoint))
            }
            Op::Disconnect(socket, to) => {
                let endpoint = self.endpoint(to);
                self.on(*socket, |made| made.disconnect(&endpoint))
            }
            Op::Subscribe(socket, topic) => self.subscribe(*socket, topic, SUBSCRIBE),
            Op::Unsubscribe(socket, topic) => self.subscribe(*socket, topic, UNSUBSCRIBE),
            Op::Close(socket, linger) => self.close(*socket, *linger),
            Op::Send { socket, frames, deadline, cancel_after } => {
                return self.with_socket(*socket, |hands, made| hands.send(made, frames, *deadline, *cancel_after));
            }
            Op::Recv { socket, deadline, cancel_after } => {
                return self.with_socket(*socket, |hands, made| hands.recv(made, *deadline, *cancel_after));
            }
            Op::Poll { sockets, deadline } => return self.poll(sockets, *deadline),
            Op::Sleep(until) => {
                self.shared.control.sleep_until(*until);
                Ok(())
            }
            Op::Finished => Ok(()),
        };
        done.map_or_else(failed, |()| Outcome::Done)
    }

    /// Does what a fault asks of this thread's sockets.
    fn connect_once_more(&self) {
        for (socket, made) in &self.sockets {
            let first = self.shared.plan[*socket].connect.first();
            if let Some(to) = first
                && self.shared.has_to_connect(*socket)
            {
                // That it cannot be done is no matter of the actor.
                let _ = made.connect(&self.endpoint(to));
            }
        }
    }

    fn open(&mut self, socket: SocketIndex) -> Result<(), Error> {
        let of = &self.shared.plan[socket];
        let made = self.context.socket(settings::number_of(of.socket_type))?;
        settings::apply(&made, &of.options, self.shared.plan.seed)?;
        self.sockets.insert(socket, made);
        Ok(())
    }

    fn bind(&mut self, socket: SocketIndex, at: &str) -> Result<(), Error> {
        let endpoint = self.endpoint(at);
        self.on(socket, |made| made.bind(&endpoint))?;
        if let Some(last) = self.sockets.get(&socket).and_then(|made| made.last_endpoint().ok()) {
            self.bound.insert((socket, at.to_owned()), last);
        }
        Ok(())
    }

    fn subscribe(&self, socket: SocketIndex, topic: &str, option: i32) -> Result<(), Error> {
        self.on(socket, |made| {
            if self.shared.plan[socket].socket_type == SocketType::XSub {
                let first = u8::from(option == SUBSCRIBE);
                let message = [&[first], topic.as_bytes()].concat();
                return made.send_part(&message, Flags::NONE);
            }
            made.set_bytes(option, topic.as_bytes())
        })
    }

    fn close(&mut self, socket: SocketIndex, linger: Option<Linger>) -> Result<(), Error> {
        if let Some(linger) = linger {
            self.on(socket, |made| made.set_int(names::LINGER, settings::linger(linger)))?;
        }
        self.sockets.remove(&socket);
        Ok(())
    }

    fn on(&self, socket: SocketIndex, what: impl Fn(&Socket) -> Result<(), Error>) -> Result<(), Error> {
        let made = self.sockets.get(&socket).ok_or_else(closed)?;
        loop {
            match what(made) {
                Err(error) if error.is("EINTR") => {}
                done => return done,
            }
        }
    }

    fn with_socket(&self, socket: SocketIndex, what: impl FnOnce(&Self, &Socket) -> Outcome) -> Outcome {
        self.sockets.get(&socket).map_or_else(|| failed(closed()), |made| what(self, made))
    }

    fn send(&self, made: &Socket, frames: &[Vec<u8>], deadline: Option<Time>, cancel_after: Option<u32>) -> Outcome {
        for (place, frame) in (1..).zip(frames) {
            let more = if place < frames.len() { Flags::MORE } else { Flags::NONE };
            // Room is asked for by the first part; the others follow it.
            let sent = if place == 1 {
                self.until(made, names::SNDTIMEO, deadline, cancel_after, |flags| {
                    made.send_part(frame, flags.and(more))
                })
            } else {
                self.until(made, names::SNDTIMEO, None, None, |flags| made.send_part(frame, flags.and(more)))
            };
            match sent {
                Ok(()) => {}
                Err(outcome) => return outcome,
            }
        }
        Outcome::Done
    }

    fn recv(&self, made: &Socket, deadline: Option<Time>, cancel_after: Option<u32>) -> Outcome {
        let mut frames = Vec::new();
        loop {
            let (deadline, cancel) = if frames.is_empty() { (deadline, cancel_after) } else { (None, None) };
            let part = self.until(made, names::RCVTIMEO, deadline, cancel, |flags| made.recv_part(flags, &[]));
            match part {
                Ok(part) => {
                    frames.push(part.bytes);
                    if !part.more {
                        return Outcome::Received(frames);
                    }
                }
                Err(outcome) => return outcome,
            }
        }
    }

    /// Tries until it is done, the time is over, or it is dropped.
    fn until<T>(
        &self,
        made: &Socket,
        option: i32,
        deadline: Option<Time>,
        cancel_after: Option<u32>,
        attempt: impl Fn(Flags) -> Result<T, Error>,
    ) -> Result<T, Outcome> {
        let mut tries = 0;
        loop {
            let now = self.shared.now();
            let over = deadline.is_some_and(|deadline| now >= deadline);
            let flags = if over || cancel_after.is_some() { Flags::DONT_WAIT } else { Flags::NONE };
            if flags == Flags::NONE {
                made.set_int(option, deadline.map_or(-1, |deadline| milliseconds(deadline - now))).map_err(failed)?;
            }
            match attempt(flags) {
                Ok(done) => return Ok(done),
                Err(error) if error.is("EINTR") => {}
                Err(error) if !error.is("EAGAIN") => return Err(failed(error)),
                Err(_) if over => return Err(Outcome::TimedOut),
                Err(_) => {
                    tries += 1;
                    if cancel_after.is_some_and(|most| tries >= most) {
                        return Err(Outcome::Cancelled);
                    }
                    if cancel_after.is_some() {
                        self.shared.control.sleep_until(now + BETWEEN_TRIES);
                    }
                }
            }
        }
    }

    fn poll(&self, sockets: &[SocketIndex], deadline: Option<Time>) -> Outcome {
        let made: Option<Vec<&Socket>> = sockets.iter().map(|socket| self.sockets.get(socket)).collect();
        let Some(made) = made else { return failed(closed()) };
        loop {
            let now = self.shared.now();
            let timeout = deadline.map_or(-1, |deadline| milliseconds(deadline - now));
            match Socket::poll_any(&made, POLL_IN, timeout) {
                Ok(ready) => {
                    if let Some(place) = ready.iter().position(|events| events & POLL_IN != 0) {
                        return Outcome::Ready(sockets[place]);
                    }
                    if deadline.is_some_and(|deadline| self.shared.now() >= deadline) {
                        return Outcome::TimedOut;
                    }
                }
                Err(error) if error.is("EINTR") => {}
                Err(error) => return failed(error),
            }
        }
    }

    /// An endpoint as libzmq takes it: paths lie in a folder of the host.
    fn endpoint(&self, endpoint: &str) -> String {
        match endpoint.strip_prefix("ipc://") {
            Some(name) if !name.starts_with('@') => {
                let folder = self.shared.folder.join(self.host.0.to_string());
                format!("ipc://{}", folder.join(name.trim_start_matches('/').replace('/', "_")).display())
            }
            Some(_) | None => endpoint.to_owned(),
        }
    }
}

/// Rounded up, so that what waits does not come back early.
fn milliseconds(span: Duration) -> i32 {
    i32::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
}

fn failed(error: Error) -> Outcome {
    Outcome::Failed(Failure { errno: error.number, why: error.text })
}

/// What an operation on a socket that is closed gives; libzmq would be handed a dangling pointer.
fn closed() -> Error {
    const ENOTSOCK: i32 = 88;
    Error { call: "zmq_socket", number: ENOTSOCK, text: "the socket is closed".into() }
}
