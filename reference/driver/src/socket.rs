//! Sockets, async.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;

use zmq_core::error::{RecvError, SendError, Unsent};
use zmq_core::message::Message;
use zmq_core::options::{Linger, Options};
use zmq_core::pattern::PatternOption;
use zmq_core::pattern::table::{Attach, SocketType};
use zmq_core::session::{Ends, linger_deadline};
use zmq_core::socket::joining::Joined;
use zmq_core::socket::{IoSide, Parking, PeerInfo};

use crate::address;
use crate::carrier::Carrier;
use crate::context::{self, Counted};
use crate::dialer;
use crate::endpoint::Endpoint;
use crate::error::{EndpointFailed, OptionError};
#[cfg(unix)]
use crate::event_fd::Signal;
use crate::listener;
use crate::monitor::{At, EventKind, Events};
use crate::places::{Place, Placed, Places};
use crate::runtime::Descriptor;
#[cfg(feature = "simulation")]
use crate::trouble::{self, Point};

/// A socket. Clones are the same socket; the last one that is dropped closes it, which never waits.
///
/// Every call takes `&self`, from any thread or task. To drop the future of a call takes it back: no part of the
/// message is sent, no message is received and lost.
#[derive(Clone)]
pub struct Socket {
    handle: Arc<Handle>,
}

/// Closes the socket when the application has dropped the last clone.
struct Handle(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) context: Arc<context::Inner>,
    pub(crate) core: zmq_core::socket::Socket,
    events: Mutex<Option<Arc<Events>>>,
    places: Mutex<Places>,
    times: Mutex<Times>,
    closed: AtomicBool,
    /// What the next bind listens with.
    descriptor: Mutex<Option<Descriptor>>,
    /// What is known of options by their numbers only.
    #[cfg(unix)]
    pub(crate) kept: Mutex<crate::numbered::Kept>,
    /// What tells foreign event loops, once somebody has asked for it.
    #[cfg(unix)]
    pub(crate) signal: OnceLock<Arc<Signal>>,
    /// Until it is closed.
    counted: Mutex<Option<Counted>>,
}

#[derive(Clone, Copy, Default)]
struct Times {
    send: Option<Duration>,
    recv: Option<Duration>,
}

impl Socket {
    /// `counted` has it count towards the context's limit.
    pub(crate) fn new(
        context: Arc<context::Inner>,
        socket_type: SocketType,
        options: Options,
        counted: Option<Counted>,
    ) -> Self {
        let core = zmq_core::socket::Socket::new(socket_type, options, context.random());
        let inner = Inner {
            context,
            core,
            events: Mutex::default(),
            places: Mutex::default(),
            times: Mutex::default(),
            closed: AtomicBool::new(false),
            descriptor: Mutex::default(),
            #[cfg(unix)]
            kept: Mutex::default(),
            #[cfg(unix)]
            signal: OnceLock::new(),
            counted: Mutex::new(counted),
        };
        Self { handle: Arc::new(Handle(Arc::new(inner))) }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.handle.0
    }

    /// The socket's type.
    #[must_use]
    pub fn socket_type(&self) -> SocketType {
        self.inner().core.shared().socket_type()
    }

    /// Takes connections at an endpoint from here on; returns it with the port that the system chose.
    ///
    /// # Errors
    ///
    /// [`EndpointFailed`].
    pub async fn bind(&self, endpoint: &str) -> Result<Endpoint, EndpointFailed> {
        let inner = self.inner();
        if inner.core.shared().has_ended() {
            return Err(EndpointFailed::Terminated);
        }
        let given = endpoint.parse::<Endpoint>()?.to_bind()?;
        let (place, at) = match &given {
            Endpoint::Inproc(name) => {
                let (shared, now) = (inner.core.shared(), inner.context.runtime.now());
                let joined = inner.context.names.bind(shared, inner.joined(), name, now);
                let place = joined.map_err(|why| EndpointFailed::not_joined(why, name))?;
                (Place::Inproc(place), given.clone())
            }
            Endpoint::Tcp { .. } | Endpoint::Ipc(_) => {
                let index = inner.next_index().ok_or(EndpointFailed::NoIoThread)?;
                let options = inner.core.shared().options();
                let address = address::to_bind(&*inner.context.runtime, &given, &options).await?;
                let descriptor = inner.descriptor().take();
                let failed = |why| EndpointFailed::Listen { endpoint: endpoint.to_owned(), why };
                let (bound, at) = listener::listen(inner, &address, descriptor, index).map_err(|why| {
                    let at = At::bound(&Endpoint::at(&address).unwrap_or_else(|| given.clone()), None);
                    inner.emit(EventKind::BindFailed((&why).into()), &at);
                    failed(why)
                })?;
                inner.emit(EventKind::Listening, &bound.at);
                (Place::Listener(bound), at)
            }
        };
        let added = inner.places().add_bound(Placed { given, at: at.clone(), place });
        inner.keep(added)?;
        Ok(at)
    }

    /// Has the next [`Self::bind`] over tcp or ipc use this socket, which listens already, in place of one of its own.
    /// `None` takes that back. The endpoint that is bound is then the one where it listens; a file that it has stays.
    ///
    /// libzmq's `ZMQ_USE_FD`.
    pub fn listen_with(&self, descriptor: Option<Descriptor>) {
        *self.inner().descriptor() = descriptor;
    }

    /// Connects to an endpoint, now or whenever there is somebody; returns at once.
    ///
    /// # Errors
    ///
    /// [`EndpointFailed`].
    // spec: ZMTP31-SEM-02
    pub fn connect(&self, endpoint: &str) -> Result<Endpoint, EndpointFailed> {
        let inner = self.inner();
        if inner.core.shared().has_ended() {
            return Err(EndpointFailed::Terminated);
        }
        let endpoint = endpoint.parse::<Endpoint>()?.to_connect()?;
        let placed = |place| Placed { given: endpoint.clone(), at: endpoint.clone(), place };
        match &endpoint {
            Endpoint::Inproc(name) => {
                let joined = inner.context.names.connect(inner.core.shared(), inner.joined(), name);
                let place = joined.map_err(|why| EndpointFailed::not_joined(why, name))?;
                let place = placed(Place::Inproc(place));
                let added = inner.places().add_connected(place);
                inner.keep(added)?;
            }
            Endpoint::Tcp { .. } | Endpoint::Ipc(_) => {
                let index = inner.next_index().ok_or(EndpointFailed::NoIoThread)?;
                let carrier = Carrier::new(Arc::clone(&inner.context.runtime), index);
                let options = inner.core.shared().options();
                let at_once = self.socket_type().rules().attach == Attach::AtConnect && !options.immediate;
                let io: Arc<dyn IoSide> = Arc::clone(&carrier) as _;
                let shared = inner.core.shared();
                let named = shared.routing_ids().next_connect.take();
                let ends = match named {
                    Some(id) => match Ends::attach_named(shared, &io, &options, &id) {
                        Some(ends) => Some(ends),
                        None => return Err(EndpointFailed::NameTaken(format!("the routing id {id:?}"))),
                    },
                    None => at_once.then(|| Ends::attach(shared, &io, &options)),
                };
                let peer = ends.as_ref().map(Ends::peer);
                // Before it is dialled: what is refused for good is forgotten at once.
                let added = inner.places().add_connected(placed(Place::Dialed(Arc::clone(&carrier), peer)));
                inner.keep(added)?;
                dialer::start(inner, carrier, endpoint.clone(), options, ends, index);
            }
        }
        Ok(endpoint)
    }

    /// Takes no more connections at an endpoint. Those that there are stay.
    ///
    /// # Errors
    ///
    /// [`EndpointFailed::NotThere`] if the socket is not bound to it.
    pub fn unbind(&self, endpoint: &str) -> Result<(), EndpointFailed> {
        let place = self.inner().places().take_bound(endpoint)?;
        self.inner().give_up(place);
        Ok(())
    }

    /// Ends the connection to an endpoint, after what waits for it is sent.
    ///
    /// # Errors
    ///
    /// [`EndpointFailed::NotThere`] if the socket is not connected to it.
    pub fn disconnect(&self, endpoint: &str) -> Result<(), EndpointFailed> {
        let place = self.inner().places().take_connected(endpoint)?;
        self.inner().give_up(place);
        Ok(())
    }

    /// What was bound or connected last.
    #[must_use]
    pub fn last_endpoint(&self) -> Option<Endpoint> {
        self.inner().places().last().cloned()
    }

    /// Sends a message as a whole, or not at all. Waits for a peer with room, at most the socket's send timeout.
    ///
    /// # Errors
    ///
    /// [`Unsent`]: the message, and why.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Unsent> {
        #[cfg(feature = "simulation")]
        let message: Message = message.into();
        #[cfg(feature = "simulation")]
        if trouble::strikes(Point::SendLate) {
            trouble::yield_once().await;
        }
        let mut message = match self.try_send(message) {
            Err(Unsent { message, why: SendError::WouldBlock }) => Some(message),
            done => return done,
        };
        let inner = self.inner();
        let timeout = inner.times().send;
        let attempt = || {
            let unsent = message.take().expect("a message that is sent ends the waiting");
            match inner.core.try_send(unsent) {
                Err(Unsent { message: unsent, why: SendError::WouldBlock }) => {
                    message = Some(unsent);
                    None
                }
                done => Some(done),
            }
        };
        match wait(inner, inner.core.shared().senders(), timeout, attempt).await {
            Some(done) => done,
            None => Err(Unsent {
                message: message.take().expect("a message that was not sent is still here"),
                why: SendError::TimedOut,
            }),
        }
    }

    /// Sends a message as a whole now, or not at all.
    ///
    /// # Errors
    ///
    /// [`Unsent`]: the message, and why; [`SendError::WouldBlock`] if no peer has room now.
    #[inline]
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), Unsent> {
        self.inner().core.try_send(message.into())
    }

    /// The next message. Waits for one, at most the socket's receive timeout.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[inline]
    pub async fn recv(&self) -> Result<Message, RecvError> {
        match self.try_recv() {
            Err(RecvError::WouldBlock) => self.wait_to_recv(zmq_core::socket::Socket::try_recv).await,
            done => done,
        }
    }

    /// The next message, and what is known of the peer that sent it. Waits as [`Self::recv`].
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    pub async fn recv_from(&self) -> Result<(Message, PeerInfo), RecvError> {
        match self.inner().core.try_recv_from() {
            Err(RecvError::WouldBlock) => self.wait_to_recv(zmq_core::socket::Socket::try_recv_from).await,
            done => done,
        }
    }

    async fn wait_to_recv<T>(
        &self,
        attempt: impl Fn(&zmq_core::socket::Socket) -> Result<T, RecvError>,
    ) -> Result<T, RecvError> {
        let inner = self.inner();
        let attempt = || match attempt(&inner.core) {
            Err(RecvError::WouldBlock) => None,
            done => Some(done),
        };
        let timeout = inner.times().recv;
        wait(inner, inner.core.shared().receivers(), timeout, attempt).await.unwrap_or(Err(RecvError::TimedOut))
    }

    /// The next message, if there is one now.
    ///
    /// # Errors
    ///
    /// [`RecvError`]; [`RecvError::WouldBlock`] if there is none now.
    #[inline]
    pub fn try_recv(&self) -> Result<Message, RecvError> {
        self.inner().core.try_recv()
    }

    /// Waits until a message can be sent.
    pub async fn writable(&self) {
        let inner = self.inner();
        let attempt = || (inner.core.can_send() || inner.core.shared().has_ended()).then_some(());
        wait(inner, inner.core.shared().senders(), None, attempt).await;
    }

    /// Waits until a message can be received.
    pub async fn readable(&self) {
        let inner = self.inner();
        let attempt = || (inner.core.can_recv() || inner.core.shared().has_ended()).then_some(());
        wait(inner, inner.core.shared().receivers(), None, attempt).await;
    }

    /// Whether a message can be sent now.
    #[must_use]
    pub fn can_send(&self) -> bool {
        self.inner().core.can_send()
    }

    /// Whether a message can be received now.
    #[must_use]
    pub fn can_recv(&self) -> bool {
        self.inner().core.can_recv()
    }

    /// SUB: messages whose first part begins with `topic` are wanted. Wishes are counted.
    ///
    /// # Errors
    ///
    /// [`OptionError::Unsupported`] for other types.
    pub fn subscribe(&self, topic: impl AsRef<[u8]>) -> Result<(), OptionError> {
        self.set(PatternOption::Subscribe(topic.as_ref().to_vec()))
    }

    /// SUB: takes one wish for `topic` back.
    ///
    /// # Errors
    ///
    /// [`OptionError::Unsupported`] for other types.
    pub fn unsubscribe(&self, topic: impl AsRef<[u8]>) -> Result<(), OptionError> {
        self.set(PatternOption::Unsubscribe(topic.as_ref().to_vec()))
    }

    /// How many different topics a PUB or XPUB is asked for, or a SUB or XSUB asks for; `None` for other types.
    #[must_use]
    pub fn topics(&self) -> Option<usize> {
        self.inner().core.shared().topics()
    }

    /// Sets an option that only some types have.
    ///
    /// # Errors
    ///
    /// [`OptionError::Unsupported`] for other types.
    pub fn set(&self, option: PatternOption) -> Result<(), OptionError> {
        self.inner().core.set(option).map_err(|_| OptionError::Unsupported(self.socket_type()))
    }

    /// The options as they are now.
    #[must_use]
    pub fn options(&self) -> Options {
        (*self.inner().core.shared().options()).clone()
    }

    /// Changes options. What is bound or connected already keeps those it has; linger counts when the socket closes.
    pub fn change_options(&self, change: impl FnOnce(&mut Options)) {
        self.inner().core.shared().change_options(change);
    }

    /// How long [`Self::send`] waits; `None`: for ever.
    pub fn set_send_timeout(&self, timeout: Option<Duration>) {
        self.inner().times.lock().unwrap_or_else(PoisonError::into_inner).send = timeout;
    }

    /// How long [`Self::recv`] waits; `None`: for ever.
    pub fn set_recv_timeout(&self, timeout: Option<Duration>) {
        self.inner().times.lock().unwrap_or_else(PoisonError::into_inner).recv = timeout;
    }

    /// How long [`Self::send`] waits; `None`: for ever.
    #[must_use]
    pub fn send_timeout(&self) -> Option<Duration> {
        self.inner().times().send
    }

    /// How long [`Self::recv`] waits; `None`: for ever.
    #[must_use]
    pub fn recv_timeout(&self) -> Option<Duration> {
        self.inner().times().recv
    }

    /// Closes the socket for every clone of it. Never waits: what is unsent has the socket's linger, or `linger`.
    pub fn close(&self, linger: Option<Linger>) {
        self.inner().close(linger);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close(None);
    }
}

impl Inner {
    /// The I/O side of a peer that was accepted, which is told when the socket closes.
    pub(crate) fn add_accepted(&self, carrier: &Arc<Carrier>) {
        self.places().add_accepted(carrier);
    }

    /// An I/O thread for the next connection; `None` if there is none that this socket may use.
    pub(crate) fn next_index(&self) -> Option<usize> {
        self.context.next_index(self.core.shared().affinity())
    }

    /// As those see it that it is joined with over inproc.
    fn joined(self: &Arc<Self>) -> Weak<dyn Joined> {
        let weak: Weak<Self> = Arc::downgrade(self);
        weak as _
    }

    /// Forgets an endpoint that is dialled no more.
    pub(crate) fn forget(&self, gone: &Arc<Carrier>) {
        self.places().forget(gone);
    }

    /// What is got while the socket closes is given up.
    fn keep(&self, added: Result<(), Place>) -> Result<(), EndpointFailed> {
        added.map_err(|late| {
            self.give_up(late);
            EndpointFailed::Terminated
        })
    }

    fn descriptor(&self) -> MutexGuard<'_, Option<Descriptor>> {
        self.descriptor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn events(&self) -> MutexGuard<'_, Option<Arc<Events>>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn times(&self) -> Times {
        *self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn emit(&self, kind: EventKind, at: &At) {
        if let Some(events) = &*self.events() {
            events.emit(kind, at);
        }
    }

    /// Ends calls; the socket is closed later.
    pub(crate) fn shut_down(&self) {
        self.core.end();
    }

    /// The first call counts: the linger that it said is not taken back by the drop of a handle.
    pub(crate) fn close(&self, linger: Option<Linger>) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        drop(self.counted.lock().unwrap_or_else(PoisonError::into_inner).take());
        let shared = self.core.shared();
        let linger = linger.unwrap_or_else(|| shared.options().linger);
        shared.set_linger_deadline(linger_deadline(linger, self.context.runtime.now()));
        self.core.close();
        let places = self.places().close();
        for place in places.bound {
            self.give_up(place);
        }
        for place in places.connected {
            match place {
                // It has until the end of linger, which the end of its pipe tells it.
                Place::Dialed(carrier, _) => carrier.wake(),
                other @ (Place::Listener(_) | Place::Inproc(_)) => self.give_up(other),
            }
        }
        for carrier in places.accepted {
            carrier.wake();
        }
        if let Some(events) = self.events().take() {
            events.end();
        }
    }

    fn give_up(&self, place: Place) {
        match place {
            Place::Listener(bound) => {
                bound.stop();
                self.emit(EventKind::Closed, &bound.at);
            }
            Place::Dialed(carrier, peer) => {
                if let Some(peer) = peer {
                    self.core.shared().detach(peer);
                }
                carrier.stop();
            }
            Place::Inproc(place) => place.leave(self.context.runtime.now()),
        }
    }
}

impl Joined for Inner {
    fn attend(&self) {
        self.core.attend();
    }
}

/// Waits until `attempt` succeeds, or for `timeout`.
pub(crate) async fn wait<T>(
    inner: &Inner,
    parking: &Parking,
    timeout: Option<Duration>,
    mut attempt: impl FnMut() -> Option<T>,
) -> Option<T> {
    let mut ticket = parking.ticket();
    let mut timer = timeout.map(|timeout| {
        let runtime = &inner.context.runtime;
        (runtime.timer(0), runtime.now() + timeout)
    });
    // Whoever waits has tried before; whoever is woken has not yet.
    let mut woken = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut woken, true)
            && let Some(done) = attempt()
        {
            return Poll::Ready(Some(done));
        }
        ticket.park(cx.waker());
        // A second look after parking: what came before it wakes nobody.
        if let Some(done) = attempt() {
            return Poll::Ready(Some(done));
        }
        match &mut timer {
            Some((timer, deadline)) => timer.poll_until(cx, *deadline).map(|()| None),
            None => Poll::Pending,
        }
    })
    .await
}
