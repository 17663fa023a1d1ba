//! Devices: messages from one socket to another and back, as libzmq's `zmq_proxy` and `zmq_proxy_steerable`.
//!
//! ```text
//!            ┌─────────── capture: a copy of each message
//!   frontend ⇄ backend
//!            └─────────── control: PAUSE, RESUME, TERMINATE, STATISTICS
//! ```
//!
//! A message is taken from one side only when the other can take it, so that none waits in between: who is slow holds up
//! those that send to it, through their own high-water marks. Messages go as a whole.

use std::sync::Arc;
use std::task::{Poll, Waker};

use zmq_core::error::{RecvError, SendError, Unsent};
use zmq_core::frame::Frame;
use zmq_core::message::Message;
use zmq_core::pattern::table::SocketType;
use zmq_core::socket::Parking;

use crate::any::poll_any;
use crate::runtime::{BoxFuture, Runtime};
use crate::socket::{Socket, wait};

/// Messages that go one way before the other way and the control socket have their turn.
const BURST: usize = 1000;

/// Two sockets that are joined.
#[derive(Clone)]
pub struct Proxy {
    frontend: Socket,
    backend: Socket,
    capture: Option<Socket>,
    control: Option<Socket>,
}

/// Why a proxy has ended.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// A socket was closed, or its context.
    #[error("a socket of the proxy was closed, or its context terminated")]
    Terminated,
    /// A message could not be received.
    #[error(transparent)]
    Recv(RecvError),
    /// A message could not be passed on, and why; it is whole.
    #[error("a message was not passed on: {0}")]
    Send(Unsent),
    /// Sockets of other types than the device is made of.
    #[error("expected {expected}, came {frontend} and {backend}")]
    Types {
        /// What the device is made of.
        expected: &'static str,
        /// The frontend.
        frontend: SocketType,
        /// The backend.
        backend: SocketType,
    },
}

impl ProxyError {
    /// The number that libzmq gives for this on Linux.
    #[must_use]
    pub fn errno(&self) -> i32 {
        const EINVAL: i32 = 22;
        match self {
            Self::Terminated => RecvError::Terminated.errno(),
            Self::Recv(why) => why.errno(),
            Self::Send(unsent) => unsent.why.errno(),
            Self::Types { .. } => EINVAL,
        }
    }
}

/// What went through a proxy. As in libzmq each part of a message counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Received from the frontend: parts, octets.
    pub frontend_received: Flow,
    /// Sent to the frontend.
    pub frontend_sent: Flow,
    /// Received from the backend.
    pub backend_received: Flow,
    /// Sent to the backend.
    pub backend_sent: Flow,
}

/// What went one way at one socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flow {
    /// Parts of messages.
    pub parts: u64,
    /// Octets of these.
    pub octets: u64,
}

impl Flow {
    fn count(&mut self, message: &Message) {
        self.parts += message.parts() as u64;
        self.octets += message.octets() as u64;
    }
}

impl Statistics {
    /// As the control socket is told: eight parts of 64 bits in the machine's order of octets.
    #[must_use]
    pub fn message(&self) -> Message {
        let Self { frontend_received, frontend_sent, backend_received, backend_sent } = self;
        let flows = [frontend_received, frontend_sent, backend_received, backend_sent];
        let numbers = flows.into_iter().flat_map(|flow| [flow.parts, flow.octets]);
        Message::from_frames(numbers.map(|number| Frame::copy_of(&number.to_ne_bytes()))).expect("there are eight")
    }

    /// Reads what a control socket was told; `None` if it is something else.
    #[must_use]
    pub fn read(message: &Message) -> Option<Self> {
        let numbers: Vec<u64> = message
            .iter()
            .map(|part| <[u8; 8]>::try_from(&part[..]).map(u64::from_ne_bytes))
            .collect::<Result<_, _>>()
            .ok()?;
        let numbers: [u64; 8] = numbers.try_into().ok()?;
        let flow = |at: usize| Flow { parts: numbers[2 * at], octets: numbers[2 * at + 1] };
        Some(Self {
            frontend_received: flow(0),
            frontend_sent: flow(1),
            backend_received: flow(2),
            backend_sent: flow(3),
        })
    }
}

/// Joins a ROUTER with a DEALER, so that any number of clients is served by any number of servers. Ends when a socket does.
///
/// # Errors
///
/// [`ProxyError`]; always, as a device does not end by itself.
pub async fn queue(frontend: &Socket, backend: &Socket) -> Result<Statistics, ProxyError> {
    let fits = |ends| matches!(ends, (SocketType::Router, SocketType::Dealer));
    device(frontend, backend, fits, "a ROUTER and a DEALER").await
}

/// Joins an XSUB or SUB with an XPUB or PUB: publications go forth, subscriptions back. Ends when a socket does.
///
/// # Errors
///
/// [`ProxyError`]; always, as a device does not end by itself.
pub async fn forwarder(frontend: &Socket, backend: &Socket) -> Result<Statistics, ProxyError> {
    let fits = |ends| matches!(ends, (SocketType::XSub | SocketType::Sub, SocketType::XPub | SocketType::Pub));
    device(frontend, backend, fits, "an XSUB or SUB and an XPUB or PUB").await
}

/// Joins a PULL with a PUSH. Ends when a socket does.
///
/// # Errors
///
/// [`ProxyError`]; always, as a device does not end by itself.
pub async fn streamer(frontend: &Socket, backend: &Socket) -> Result<Statistics, ProxyError> {
    let fits = |ends| matches!(ends, (SocketType::Pull, SocketType::Push));
    device(frontend, backend, fits, "a PULL and a PUSH").await
}

async fn device(
    frontend: &Socket,
    backend: &Socket,
    fits: fn((SocketType, SocketType)) -> bool,
    expected: &'static str,
) -> Result<Statistics, ProxyError> {
    let types = (frontend.socket_type(), backend.socket_type());
    if !fits(types) {
        return Err(ProxyError::Types { expected, frontend: types.0, backend: types.1 });
    }
    Proxy::new(frontend, backend).run().await
}

impl Proxy {
    /// Joins two sockets, of any types, which may be the same: then what it receives it sends.
    #[must_use]
    pub fn new(frontend: &Socket, backend: &Socket) -> Self {
        Self { frontend: frontend.clone(), backend: backend.clone(), capture: None, control: None }
    }

    /// Sends a copy of each message to this socket as well, before it is passed on. Where `capture` cannot take it, the
    /// proxy waits: a PUB never makes it wait.
    #[must_use]
    pub fn capture(self, capture: &Socket) -> Self {
        Self { capture: Some(capture.clone()), ..self }
    }

    /// Obeys this socket: a PAIR, PULL, SUB, DEALER or REP from which `PAUSE`, `RESUME`, `TERMINATE` and `STATISTICS` come.
    ///
    /// `STATISTICS` is answered by [`Statistics::message`]; a REP answers everything else with an empty message.
    #[must_use]
    pub fn control(self, control: &Socket) -> Self {
        Self { control: Some(control.clone()), ..self }
    }

    /// Passes messages on until `TERMINATE` comes. To drop this future stops it; it loses no message where nobody else sends
    /// through the two sockets.
    ///
    /// # Errors
    ///
    /// [`ProxyError::Terminated`] when one of the sockets is closed, or its context; another if a message is refused: by a
    /// ROUTER that is mandatory, for one.
    pub async fn run(&self) -> Result<Statistics, ProxyError> {
        let mut state = State::Active;
        let mut forth = Way::new(&self.frontend, &self.backend, self.capture.as_ref());
        let mut back = Way::new(&self.backend, &self.frontend, self.capture.as_ref());
        loop {
            if self.sockets().any(Socket::has_ended) {
                return Err(ProxyError::Terminated);
            }
            if let Some(control) = &self.control {
                while let Some(command) = received(control.try_recv())? {
                    state = obey(control, &command, state, &statistics(&forth, &back));
                    if let State::Terminated = state {
                        return Ok(statistics(&forth, &back));
                    }
                }
            }
            let moved = match state {
                State::Active if self.frontend.is_same(&self.backend) => forth.pass()?,
                State::Active => forth.pass()?.or(back.pass()?),
                State::Paused | State::Terminated => Moved::Nothing,
            };
            match moved {
                Moved::Something => others_first().await,
                Moved::Nothing => self.wait(&state, &mut forth, &mut back).await,
            }
        }
    }

    pub(crate) fn runtime(&self) -> &dyn Runtime {
        &*self.frontend.inner().context.runtime
    }

    fn sockets(&self) -> impl Iterator<Item = &Socket> {
        [&self.frontend, &self.backend].into_iter().chain(&self.capture).chain(&self.control)
    }

    /// Waits until there is something to do.
    async fn wait(&self, state: &State, forth: &mut Way<'_>, back: &mut Way<'_>) {
        let mut waits: Vec<BoxFuture<'_, ()>> = Vec::new();
        if let Some(control) = &self.control {
            waits.push(Box::pin(control.readable()));
        }
        if let State::Active = state {
            waits.push(forth.wait());
            if !self.frontend.is_same(&self.backend) {
                waits.push(back.wait());
            }
        } else {
            // Whatever is there stays there; only the end is of interest.
            waits.extend(
                [&self.frontend, &self.backend].map(|socket| -> BoxFuture<'_, ()> { Box::pin(socket.ended()) }),
            );
        }
        std::future::poll_fn(|cx| if poll_any(&mut waits, cx) { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

/// What the proxy does.
enum State {
    Active,
    Paused,
    Terminated,
}

fn obey(control: &Socket, command: &Message, state: State, statistics: &Statistics) -> State {
    let word = command.first();
    let state = match &word[..] {
        b"STATISTICS" => {
            // Who cannot be answered is not.
            let _ = control.try_send(statistics.message());
            return state;
        }
        b"PAUSE" => State::Paused,
        b"RESUME" => State::Active,
        b"TERMINATE" => State::Terminated,
        _unknown => state,
    };
    if control.socket_type() == SocketType::Rep {
        let _ = control.try_send("");
    }
    state
}

enum Moved {
    Something,
    Nothing,
}

impl Moved {
    const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => Self::Nothing,
            (Self::Something, _) | (_, Self::Something) => Self::Something,
        }
    }
}

fn statistics(forth: &Way<'_>, back: &Way<'_>) -> Statistics {
    Statistics {
        frontend_received: forth.received,
        frontend_sent: back.sent,
        backend_received: back.received,
        backend_sent: forth.sent,
    }
}

/// One way through the proxy.
struct Way<'p> {
    from: &'p Socket,
    to: &'p Socket,
    capture: Option<&'p Socket>,
    held: Held,
    received: Flow,
    sent: Flow,
    /// Found while it waited.
    failed: Option<ProxyError>,
}

/// A message that was received, and refused although there was room: somebody else sends there too.
enum Held {
    Nothing,
    /// Not captured yet.
    Uncaptured(Message),
    /// Captured, or there is no capture.
    Captured(Message),
}

impl<'p> Way<'p> {
    const fn new(from: &'p Socket, to: &'p Socket, capture: Option<&'p Socket>) -> Self {
        let nothing = Flow { parts: 0, octets: 0 };
        Self { from, to, capture, held: Held::Nothing, received: nothing, sent: nothing, failed: None }
    }

    /// Passes messages on, while there are some and they can go; a burst at most.
    fn pass(&mut self) -> Result<Moved, ProxyError> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        for moved in 0..BURST {
            let so_far = if moved == 0 { Moved::Nothing } else { Moved::Something };
            if let Held::Nothing = self.held {
                if !self.has_room() || !self.from.can_recv() {
                    return Ok(so_far);
                }
                let Some(message) = received(self.from.try_recv())? else { return Ok(so_far) };
                self.received.count(&message);
                self.held = if self.capture.is_some() { Held::Uncaptured(message) } else { Held::Captured(message) };
            }
            self.send()?;
            if !matches!(self.held, Held::Nothing) {
                return Ok(so_far);
            }
        }
        Ok(Moved::Something)
    }

    fn has_room(&self) -> bool {
        self.to.can_send() && self.capture.is_none_or(Socket::can_send)
    }

    /// Sends what is held, as far as that goes now.
    fn send(&mut self) -> Result<(), ProxyError> {
        if let (Held::Uncaptured(message), Some(capture)) = (&self.held, self.capture) {
            match capture.try_send(message.clone()) {
                Ok(()) => {}
                Err(Unsent { why: SendError::WouldBlock, .. }) => return Ok(()),
                Err(unsent) => return Err(failed(unsent)),
            }
        }
        let message = match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => return Ok(()),
            Held::Uncaptured(message) | Held::Captured(message) => message,
        };
        let mut sent = self.sent;
        sent.count(&message);
        match self.to.try_send(message) {
            Ok(()) => self.sent = sent,
            Err(Unsent { message, why: SendError::WouldBlock }) => self.held = Held::Captured(message),
            Err(unsent) => return Err(failed(unsent)),
        }
        Ok(())
    }

    /// Ready when a message may go this way, or what was held has gone.
    fn wait(&mut self) -> BoxFuture<'_, ()> {
        let (to, from) = (self.to, self.from);
        match (&self.held, self.capture) {
            (Held::Uncaptured(_), Some(capture)) => Box::pin(self.send_held(capture)),
            (Held::Uncaptured(_) | Held::Captured(_), _) => Box::pin(self.send_held(to)),
            (Held::Nothing, _) if !from.can_recv() => Box::pin(from.readable()),
            (Held::Nothing, _) if !to.can_send() => Box::pin(to.writable()),
            (Held::Nothing, Some(capture)) => Box::pin(capture.writable()),
            (Held::Nothing, None) => Box::pin(std::future::ready(())),
        }
    }

    /// Sends what is held as soon as `towards`, which refuses it, takes it.
    async fn send_held(&mut self, towards: &Socket) {
        let inner = towards.inner();
        let was_captured = matches!(self.held, Held::Captured(_));
        let attempt = || {
            if let Err(why) = self.send() {
                self.failed = Some(why);
                return Some(());
            }
            match (&self.held, was_captured) {
                (Held::Uncaptured(_), _) | (Held::Captured(_), true) => None,
                (Held::Nothing, _) | (Held::Captured(_), false) => Some(()),
            }
        };
        wait(inner, inner.core.shared().senders(), None, attempt).await;
    }
}

impl Socket {
    pub(crate) fn has_ended(&self) -> bool {
        self.inner().core.shared().has_ended()
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.inner(), other.inner())
    }

    /// Waits until the socket is closed, or its context.
    async fn ended(&self) {
        let mut place = Observing { parking: self.inner().core.shared().receivers(), number: None };
        std::future::poll_fn(|cx| {
            place.observe(cx.waker());
            if self.has_ended() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Somebody who looks on without being one of those that wait.
struct Observing<'p> {
    parking: &'p Parking,
    number: Option<u64>,
}

impl Observing<'_> {
    fn observe(&mut self, waker: &Waker) {
        let before = self.number.replace(self.parking.observe(waker.clone()));
        if let Some(before) = before {
            self.parking.unobserve(before);
        }
    }
}

impl Drop for Observing<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.parking.unobserve(number);
        }
    }
}

fn received(outcome: Result<Message, RecvError>) -> Result<Option<Message>, ProxyError> {
    match outcome {
        Ok(message) => Ok(Some(message)),
        Err(RecvError::WouldBlock | RecvError::TimedOut) => Ok(None),
        Err(RecvError::Terminated) => Err(ProxyError::Terminated),
        Err(why @ (RecvError::OutOfTurn | RecvError::Unsupported)) => Err(ProxyError::Recv(why)),
    }
}

fn failed(unsent: Unsent) -> ProxyError {
    if unsent.why == SendError::Terminated { ProxyError::Terminated } else { ProxyError::Send(unsent) }
}

/// Lets the other tasks of this thread run: those that fill and empty the sockets.
async fn others_first() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
