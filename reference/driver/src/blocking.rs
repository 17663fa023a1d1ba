//! Sockets for programs without a runtime of their own: the same calls, which block.
//!
//! A thread that waits here takes the I/O thread's work over while it waits, so that a message does not change threads
//! on its way from the link.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use zmq_core::error::{RecvError, SendError, Unsent};
use zmq_core::message::Message;
use zmq_core::options::{Linger, Options};
use zmq_core::pattern::PatternOption;
use zmq_core::pattern::table::SocketType;
use zmq_core::socket::PeerInfo;

use crate::context::{self, SocketError};
use crate::context_options::ContextOptions;
use crate::endpoint::Endpoint;
use crate::error::{EndpointFailed, OptionError};
use crate::monitor::{Event, EventMask, EventVersion, MonitorType};
#[cfg(unix)]
use crate::poller::{PollError, Ready, Token};
use crate::proxy::{ProxyError, Statistics};
use crate::runtime::Runtime;
#[cfg(unix)]
use crate::runtime::watch::Interest;

/// Runs a future on the calling thread.
pub(crate) fn block_on<T: Send>(runtime: &dyn Runtime, index: usize, future: impl Future<Output = T>) -> T {
    let mut result = None;
    {
        let storing = pin!(async { result = Some(future.await) });
        runtime.block_on(index, storing);
    }
    result.expect("a future that is ready has stored its result")
}

/// As [`crate::Context`].
#[derive(Clone)]
pub struct Context(crate::Context);

impl Context {
    /// As [`crate::Context::new`].
    ///
    /// # Errors
    ///
    /// The system's, if it cannot make the thread.
    #[cfg(all(unix, not(loom)))]
    pub fn new() -> std::io::Result<Self> {
        crate::Context::new().map(Self)
    }

    /// As [`crate::Context::with_io_threads`].
    ///
    /// # Errors
    ///
    /// The system's, if it cannot make the threads.
    #[cfg(all(unix, not(loom)))]
    pub fn with_io_threads(io_threads: usize) -> std::io::Result<Self> {
        crate::Context::with_io_threads(io_threads).map(Self)
    }

    /// As [`crate::Context::with_options`].
    ///
    /// # Errors
    ///
    /// The system's, if it cannot make the threads.
    #[cfg(all(unix, not(loom)))]
    pub fn with_options(options: ContextOptions) -> std::io::Result<Self> {
        crate::Context::with_options(options).map(Self)
    }

    /// As [`crate::Context::options`].
    #[must_use]
    pub fn options(&self) -> &ContextOptions {
        self.0.options()
    }

    /// As [`crate::Context::socket`].
    ///
    /// # Errors
    ///
    /// [`SocketError`].
    pub fn socket(&self, socket_type: SocketType) -> Result<Socket, SocketError> {
        self.0.socket(socket_type).map(Socket)
    }

    /// As [`crate::Context::socket_with`].
    ///
    /// # Errors
    ///
    /// [`SocketError`].
    pub fn socket_with(&self, socket_type: SocketType, options: Options) -> Result<Socket, SocketError> {
        self.0.socket_with(socket_type, options).map(Socket)
    }

    /// The same context for async callers.
    #[must_use]
    pub const fn as_async(&self) -> &crate::Context {
        &self.0
    }

    /// As [`crate::Context::poller`].
    #[cfg(unix)]
    #[must_use]
    pub fn poller(&self) -> Poller {
        Poller { poller: self.0.poller(), context: Arc::clone(self.0.inner()) }
    }

    /// As [`crate::Context::shutdown`].
    pub fn shutdown(&self) {
        self.0.shutdown();
    }

    /// As [`crate::Context::abandon`].
    pub fn abandon(&self) {
        self.0.abandon();
    }

    /// As [`crate::Context::term`].
    pub fn term(&self) {
        self.0.term_blocking();
    }
}

/// As [`crate::Socket`].
#[derive(Clone)]
pub struct Socket(crate::Socket);

impl Socket {
    fn block_on<T: Send>(&self, future: impl Future<Output = T>) -> T {
        let inner = self.0.inner();
        block_on(&*inner.context.runtime, 0, future)
    }

    /// The same socket for async callers.
    #[must_use]
    pub const fn as_async(&self) -> &crate::Socket {
        &self.0
    }

    /// As [`crate::Socket::bind`].
    ///
    /// # Errors
    ///
    /// [`EndpointFailed`].
    pub fn bind(&self, endpoint: &str) -> Result<Endpoint, EndpointFailed> {
        self.block_on(self.0.bind(endpoint))
    }

    /// As [`crate::Socket::connect`].
    ///
    /// # Errors
    ///
    /// [`EndpointFailed`].
    pub fn connect(&self, endpoint: &str) -> Result<Endpoint, EndpointFailed> {
        self.0.connect(endpoint)
    }

    /// As [`crate::Socket::unbind`].
    ///
    /// # Errors
    ///
    /// [`EndpointFailed`].
    pub fn unbind(&self, endpoint: &str) -> Result<(), EndpointFailed> {
        self.0.unbind(endpoint)
    }

    /// As [`crate::Socket::disconnect`].
    ///
    /// # Errors
    ///
    /// [`EndpointFailed`].
    pub fn disconnect(&self, endpoint: &str) -> Result<(), EndpointFailed> {
        self.0.disconnect(endpoint)
    }

    /// As [`crate::Socket::send`].
    ///
    /// # Errors
    ///
    /// [`Unsent`].
    #[inline]
    pub fn send(&self, message: impl Into<Message>) -> Result<(), Unsent> {
        match self.0.try_send(message) {
            Err(Unsent { message, why: SendError::WouldBlock }) => self.block_on(self.0.send(message)),
            done => done,
        }
    }

    /// As [`crate::Socket::recv`].
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[inline]
    pub fn recv(&self) -> Result<Message, RecvError> {
        match self.0.try_recv() {
            Err(RecvError::WouldBlock) => self.block_on(self.0.recv()),
            done => done,
        }
    }

    /// As [`crate::Socket::recv_from`].
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    pub fn recv_from(&self) -> Result<(Message, PeerInfo), RecvError> {
        self.block_on(self.0.recv_from())
    }

    /// As [`crate::Socket::try_send`].
    ///
    /// # Errors
    ///
    /// [`Unsent`].
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), Unsent> {
        self.0.try_send(message)
    }

    /// As [`crate::Socket::try_recv`].
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    pub fn try_recv(&self) -> Result<Message, RecvError> {
        self.0.try_recv()
    }

    /// As [`crate::Socket::listen_with`].
    pub fn listen_with(&self, descriptor: Option<crate::runtime::Descriptor>) {
        self.0.listen_with(descriptor);
    }

    /// As [`crate::Socket::can_send`].
    #[must_use]
    pub fn can_send(&self) -> bool {
        self.0.can_send()
    }

    /// As [`crate::Socket::can_recv`].
    #[must_use]
    pub fn can_recv(&self) -> bool {
        self.0.can_recv()
    }

    /// As [`crate::Socket::writable`].
    pub fn writable(&self) {
        self.block_on(self.0.writable());
    }

    /// As [`crate::Socket::readable`].
    pub fn readable(&self) {
        self.block_on(self.0.readable());
    }

    /// As [`crate::Socket::socket_type`].
    #[must_use]
    pub fn socket_type(&self) -> SocketType {
        self.0.socket_type()
    }

    /// As [`crate::Socket::last_endpoint`].
    #[must_use]
    pub fn last_endpoint(&self) -> Option<Endpoint> {
        self.0.last_endpoint()
    }

    /// As [`crate::Socket::options`].
    #[must_use]
    pub fn options(&self) -> Options {
        self.0.options()
    }

    /// As [`crate::Socket::event_fd`].
    ///
    /// # Errors
    ///
    /// The system's.
    #[cfg(unix)]
    pub fn event_fd(&self) -> std::io::Result<std::os::fd::BorrowedFd<'_>> {
        self.0.event_fd()
    }

    /// As [`crate::Socket::events`].
    #[cfg(unix)]
    #[must_use]
    pub fn events(&self) -> Interest {
        self.0.events()
    }

    /// As [`crate::Socket::subscribe`].
    ///
    /// # Errors
    ///
    /// [`OptionError`].
    pub fn subscribe(&self, topic: impl AsRef<[u8]>) -> Result<(), OptionError> {
        self.0.subscribe(topic)
    }

    /// As [`crate::Socket::unsubscribe`].
    ///
    /// # Errors
    ///
    /// [`OptionError`].
    pub fn unsubscribe(&self, topic: impl AsRef<[u8]>) -> Result<(), OptionError> {
        self.0.unsubscribe(topic)
    }

    /// As [`crate::Socket::topics`].
    #[must_use]
    pub fn topics(&self) -> Option<usize> {
        self.0.topics()
    }

    /// As [`crate::Socket::set`].
    ///
    /// # Errors
    ///
    /// [`OptionError`].
    pub fn set(&self, option: PatternOption) -> Result<(), OptionError> {
        self.0.set(option)
    }

    /// As [`crate::Socket::change_options`].
    pub fn change_options(&self, change: impl FnOnce(&mut Options)) {
        self.0.change_options(change);
    }

    /// As [`crate::Socket::send_timeout`].
    #[must_use]
    pub fn send_timeout(&self) -> Option<Duration> {
        self.0.send_timeout()
    }

    /// As [`crate::Socket::recv_timeout`].
    #[must_use]
    pub fn recv_timeout(&self) -> Option<Duration> {
        self.0.recv_timeout()
    }

    /// As [`crate::Socket::set_send_timeout`].
    pub fn set_send_timeout(&self, timeout: Option<Duration>) {
        self.0.set_send_timeout(timeout);
    }

    /// As [`crate::Socket::set_recv_timeout`].
    pub fn set_recv_timeout(&self, timeout: Option<Duration>) {
        self.0.set_recv_timeout(timeout);
    }

    /// As [`crate::Socket::monitor`].
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor { events: self.0.monitor(), context: Arc::clone(&self.0.inner().context) }
    }

    /// As [`crate::Socket::monitor_at`].
    ///
    /// # Errors
    ///
    /// [`EndpointFailed`].
    pub fn monitor_at(
        &self,
        endpoint: &str,
        mask: EventMask,
        version: EventVersion,
        monitor_type: MonitorType,
    ) -> Result<(), EndpointFailed> {
        self.block_on(self.0.monitor_at(endpoint, mask, version, monitor_type))
    }

    /// As [`crate::Socket::end_monitor`].
    pub fn end_monitor(&self) {
        self.0.end_monitor();
    }

    /// As [`crate::Socket::close`].
    pub fn close(&self, linger: Option<Linger>) {
        self.0.close(linger);
    }
}

/// As [`crate::Monitor`].
pub struct Monitor {
    events: crate::Monitor,
    context: Arc<context::Inner>,
}

impl Monitor {
    /// As [`crate::Monitor::recv`].
    #[must_use]
    pub fn recv(&self) -> Option<Event> {
        block_on(&*self.context.runtime, 0, self.events.recv())
    }

    /// As [`crate::Monitor::try_recv`].
    #[must_use]
    pub fn try_recv(&self) -> Option<Event> {
        self.events.try_recv()
    }

    /// The same events for async callers.
    #[must_use]
    pub const fn as_async(&self) -> &crate::Monitor {
        &self.events
    }
}

/// As [`crate::Poller`].
#[cfg(unix)]
pub struct Poller {
    poller: crate::Poller,
    context: Arc<context::Inner>,
}

#[cfg(unix)]
impl Poller {
    /// As [`crate::Poller::add`].
    ///
    /// # Errors
    ///
    /// [`PollError`].
    pub fn add(&mut self, socket: &Socket, interest: Interest) -> Result<Token, PollError> {
        self.poller.add(&socket.0, interest)
    }

    /// As [`crate::Poller::wait`].
    ///
    /// # Errors
    ///
    /// [`PollError`].
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<Vec<Ready>, PollError> {
        block_on(&*self.context.runtime, 0, self.poller.wait(timeout))
    }

    /// As [`crate::Poller::wait_one`].
    ///
    /// # Errors
    ///
    /// [`PollError`].
    pub fn wait_one(&mut self, timeout: Option<Duration>) -> Result<Option<Ready>, PollError> {
        block_on(&*self.context.runtime, 0, self.poller.wait_one(timeout))
    }
}

/// What does not wait is the same: `add_fd`, `modify`, `remove` and the rest.
#[cfg(unix)]
impl std::ops::Deref for Poller {
    type Target = crate::Poller;

    fn deref(&self) -> &crate::Poller {
        &self.poller
    }
}

#[cfg(unix)]
impl std::ops::DerefMut for Poller {
    fn deref_mut(&mut self) -> &mut crate::Poller {
        &mut self.poller
    }
}

/// As [`crate::Proxy`].
#[derive(Clone)]
pub struct Proxy(crate::Proxy);

impl Proxy {
    /// As [`crate::Proxy::new`].
    #[must_use]
    pub fn new(frontend: &Socket, backend: &Socket) -> Self {
        Self(crate::Proxy::new(&frontend.0, &backend.0))
    }

    /// As [`crate::Proxy::capture`].
    #[must_use]
    pub fn capture(self, capture: &Socket) -> Self {
        Self(self.0.capture(&capture.0))
    }

    /// As [`crate::Proxy::control`].
    #[must_use]
    pub fn control(self, control: &Socket) -> Self {
        Self(self.0.control(&control.0))
    }

    /// As [`crate::Proxy::run`].
    ///
    /// # Errors
    ///
    /// [`ProxyError`].
    pub fn run(&self) -> Result<Statistics, ProxyError> {
        block_on(self.0.runtime(), 0, self.0.run())
    }
}

/// As [`crate::proxy::queue`].
///
/// # Errors
///
/// [`ProxyError`].
pub fn queue(frontend: &Socket, backend: &Socket) -> Result<Statistics, ProxyError> {
    frontend.block_on(crate::proxy::queue(&frontend.0, &backend.0))
}

/// As [`crate::proxy::forwarder`].
///
/// # Errors
///
/// [`ProxyError`].
pub fn forwarder(frontend: &Socket, backend: &Socket) -> Result<Statistics, ProxyError> {
    frontend.block_on(crate::proxy::forwarder(&frontend.0, &backend.0))
}

/// As [`crate::proxy::streamer`].
///
/// # Errors
///
/// [`ProxyError`].
pub fn streamer(frontend: &Socket, backend: &Socket) -> Result<Statistics, ProxyError> {
    frontend.block_on(crate::proxy::streamer(&frontend.0, &backend.0))
}
