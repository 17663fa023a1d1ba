//! Dialling: a connection to an endpoint, and the next one when it is gone.

use std::io::ErrorKind;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use zmq_core::dial::{Dial, Why};
use zmq_core::mechanism::Seed;
use zmq_core::options::Options;
use zmq_core::session::{Ending, Ends, Origin, Session, Start};
use zmq_core::socket::{IoSide, Shared};

use crate::address;
use crate::carrier::{Carrier, Outcome};
use crate::context;
use crate::endpoint::Endpoint;
use crate::monitor::{At, EventKind, Events, Side, SystemError};
use crate::runtime::{Address, Credentials, Dialling, Link, Runtime};
use crate::socket::Inner;
use crate::socks;
#[cfg(feature = "simulation")]
use crate::trouble::{self, Point};

/// What the task of an endpoint needs; it does not keep the socket alive.
struct Dialer {
    context: Arc<context::Inner>,
    shared: Arc<Shared>,
    events: Reporter,
    carrier: Arc<Carrier>,
    endpoint: Endpoint,
    /// Where there is no connection, for events.
    at: At,
    options: Arc<Options>,
    index: usize,
}

/// How long a name takes that is in trouble.
#[cfg(feature = "simulation")]
const TROUBLE: Duration = Duration::from_millis(200);

/// Reports to whoever monitors the socket, as long as there is a socket.
pub(crate) struct Reporter(std::sync::Weak<Inner>);

impl Reporter {
    pub(crate) fn new(socket: &Arc<Inner>) -> Self {
        Self(Arc::downgrade(socket))
    }

    pub(crate) fn emit(&self, kind: EventKind, at: &At) {
        let Some(socket) = self.0.upgrade() else { return };
        let events = socket.events().clone();
        if let Some(events) = events {
            Events::emit(&events, kind, at);
        }
    }

    /// An endpoint that is dialled no more is none of the socket's any more.
    fn forget(&self, carrier: &Arc<Carrier>) {
        if let Some(socket) = self.0.upgrade() {
            socket.forget(carrier);
        }
    }

    /// How a connection ended, in the words of monitor events.
    pub(crate) fn ended(&self, outcome: &Outcome, was_ready: bool, at: &At) {
        let why = match outcome {
            Outcome::Ended(Ending::Misbehaved(why)) if !was_ready => {
                self.emit(EventKind::HandshakeFailed(why.clone()), at);
                why.to_string()
            }
            Outcome::Ended(ending) => ending.to_string(),
            Outcome::PeerClosed => self.lost(SystemError::peer_closed(), was_ready, at),
            Outcome::Broken(why) => self.lost(SystemError::from(why), was_ready, at),
        };
        self.emit(EventKind::Disconnected(why), at);
    }

    /// A connection that was lost in the handshake is an event of its own.
    fn lost(&self, why: SystemError, was_ready: bool, at: &At) -> String {
        let text = why.text.clone();
        if !was_ready {
            self.emit(EventKind::HandshakeInterrupted(why), at);
        }
        text
    }
}

/// What a session is told of its link. Of an ipc peer, that is what libzmq says: user, group and process.
pub(crate) fn begin(origin: Origin, runtime: &dyn Runtime, link: &dyn Link, options: &Options) -> Start {
    let address = match (link.peer_addr(), link.credentials()) {
        (Ok(Address::Tcp(address)), _) => address.ip().to_string(),
        (_, Some(Credentials { process, user, group })) => {
            format!("localhost:{user}:{group}:{}", process.unwrap_or_default())
        }
        (Ok(Address::Ipc(_)) | Err(_), None) => String::new(),
    };
    let seed = Seed::draw(&options.security, |octets| runtime.random(octets));
    Start { origin, now: runtime.now(), seed, address: address.into_bytes() }
}

/// Starts the task of an endpoint that was connected to.
pub(crate) fn start(
    socket: &Arc<Inner>,
    carrier: Arc<Carrier>,
    endpoint: Endpoint,
    options: Arc<Options>,
    ends: Option<Ends>,
    index: usize,
) {
    let dialer = Dialer {
        context: Arc::clone(&socket.context),
        shared: Arc::clone(socket.core.shared()),
        events: Reporter::new(socket),
        carrier,
        at: At::dialled(&endpoint),
        endpoint,
        options,
        index,
    };
    let alive = dialer.context.live.enter();
    let runtime = Arc::clone(&dialer.context.runtime);
    runtime.start_io(
        index,
        Box::pin(async move {
            dialer.run(ends).await;
            drop(alive);
        }),
    );
}

impl Dialer {
    async fn run(self, mut ends: Option<Ends>) {
        let mut dial = Dial::new(self.options.reconnect);
        loop {
            let why = match self.attempt(&mut ends).await {
                Some(Ok(link)) => {
                    dial.connected();
                    let why;
                    (ends, why) = self.carry(ends, link).await;
                    why
                }
                Some(Err(error)) => {
                    self.events.emit(EventKind::Closed, &self.at);
                    if error.kind() == ErrorKind::ConnectionRefused { Why::Refused } else { Why::Failed }
                }
                None => {
                    self.events.emit(EventKind::Closed, &self.at);
                    Why::Over
                }
            };
            let Some(wait) = dial.wait(why, self.context.random()) else { break };
            let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            self.events.emit(EventKind::ConnectRetried(millis), &self.at);
            if self.pause(wait, &mut ends).await {
                break;
            }
        }
        self.events.forget(&self.carrier);
    }

    /// One attempt; `None` if the endpoint was given up meanwhile.
    async fn attempt(&self, ends: &mut Option<Ends>) -> Option<std::io::Result<Box<dyn Link>>> {
        let runtime = &*self.context.runtime;
        let mut timer = runtime.timer(self.index);
        let deadline = self.options.connect_timeout.map(|timeout| runtime.now() + timeout);
        let mut dialling = std::pin::pin!(self.dial(runtime));
        let mut delayed = false;
        std::future::poll_fn(|cx| {
            self.carrier.register(cx);
            if let Poll::Ready(dialled) = dialling.as_mut().poll(cx) {
                return Poll::Ready(Some(dialled));
            }
            if !std::mem::replace(&mut delayed, true) {
                self.events.emit(EventKind::ConnectDelayed, &self.at);
            }
            let now = runtime.now();
            let linger = if self.shared.has_ended() { self.shared.linger_deadline() } else { None };
            if self.is_given_up(ends) || linger.is_some_and(|at| at <= now) {
                return Poll::Ready(None);
            }
            if deadline.is_some_and(|at| at <= now) {
                return Poll::Ready(Some(Err(ErrorKind::TimedOut.into())));
            }
            match [deadline, linger].into_iter().flatten().min() {
                Some(at) => timer.poll_until(cx, at).map(|()| None),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Tries all addresses of the endpoint, or of the proxy that leads there, in turn.
    async fn dial(&self, runtime: &dyn Runtime) -> std::io::Result<Box<dyn Link>> {
        #[cfg(feature = "simulation")]
        {
            if trouble::strikes(Point::DialFails) {
                return Err(ErrorKind::TimedOut.into());
            }
            if trouble::strikes(Point::ResolveSlow) {
                let (mut timer, at) = (runtime.timer(self.index), runtime.now() + TROUBLE);
                std::future::poll_fn(|cx| timer.poll_until(cx, at)).await;
            }
        }
        let proxied = match (&self.endpoint, &self.options.socks) {
            (Endpoint::Tcp { host, port, .. }, Some(proxy)) => Some((proxy, host, *port)),
            (Endpoint::Tcp { .. }, None) | (Endpoint::Ipc(_) | Endpoint::Inproc(_), _) => None,
        };
        let all = match proxied {
            Some((proxy, ..)) => address::of_proxy(runtime, proxy, &self.options).await?,
            None => address::to_dial(runtime, &self.endpoint, &self.options).await?,
        };
        let mut last = std::io::Error::from(ErrorKind::NotFound);
        for to in all {
            match self.dial_one(runtime, &to).await {
                Ok(link) => {
                    if let Some((proxy, host, port)) = proxied {
                        socks::through(&*link, proxy, host, port).await?;
                    }
                    return Ok(link);
                }
                Err(why) => last = why,
            }
        }
        Err(last)
    }

    async fn dial_one(&self, runtime: &dyn Runtime, to: &Address) -> std::io::Result<Box<dyn Link>> {
        let source = match (&self.endpoint, to) {
            (Endpoint::Tcp { source: Some(source), .. }, Address::Tcp(to)) => {
                Some(address::source(runtime, source, *to, &self.options).await?)
            }
            (Endpoint::Tcp { .. } | Endpoint::Ipc(_) | Endpoint::Inproc(_), Address::Tcp(_) | Address::Ipc(_)) => None,
        };
        runtime.dial(self.index, to, Dialling { source, tcp: &self.options.tcp }).await
    }

    async fn carry(&self, ends: Option<Ends>, link: Box<dyn Link>) -> (Option<Ends>, Why) {
        let at = At::link(&self.endpoint, Side::Connected, &*link);
        self.events.emit(EventKind::Connected, &at);
        let keeps_ends = ends.is_some();
        let io: Arc<dyn IoSide> = Arc::clone(&self.carrier) as _;
        let start = begin(Origin::Dialed, &*self.context.runtime, &*link, &self.options);
        let session = Box::new(Session::new(Arc::clone(&self.shared), io, Arc::clone(&self.options), ends, start));
        let on_ready = |_: &Session| self.events.emit(EventKind::HandshakeSucceeded, &at);
        let (session, outcome) = self.carrier.carry(&self.context, session, link, on_ready).await;
        let was_ready = session.peer().is_some();
        self.events.ended(&outcome, was_ready, &at);
        let why = match &outcome {
            Outcome::Ended(ending) => Why::ended(Some(ending), was_ready),
            Outcome::PeerClosed | Outcome::Broken(_) => Why::ended(None, was_ready),
        };
        let ends = session.into_ends().filter(|_| keeps_ends);
        (ends, why)
    }

    /// Whether the socket or the endpoint was closed, and nothing is left to send.
    fn is_given_up(&self, ends: &mut Option<Ends>) -> bool {
        if self.carrier.is_stopping() && self.options.reconnect.stop.after_disconnect {
            return true;
        }
        let closed = self.carrier.is_stopping() || self.shared.has_ended();
        closed && ends.as_mut().is_none_or(|ends| !ends.has_unsent())
    }

    /// Waits before the next attempt; whether there is to be none.
    async fn pause(&self, wait: Duration, ends: &mut Option<Ends>) -> bool {
        let runtime = &*self.context.runtime;
        let mut timer = runtime.timer(self.index);
        let at = runtime.now() + wait;
        std::future::poll_fn(|cx| {
            self.carrier.register(cx);
            let linger = if self.shared.has_ended() { self.shared.linger_deadline() } else { None };
            if self.is_given_up(ends) || linger.is_some_and(|linger| linger <= runtime.now()) {
                return Poll::Ready(true);
            }
            timer.poll_until(cx, linger.map_or(at, |linger| linger.min(at))).map(|()| linger.is_some_and(|l| l <= at))
        })
        .await
    }
}
