//! Listening: a task that accepts connections, and one for each that it has accepted.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use zmq_core::options::AcceptFilter;
use zmq_core::session::{Origin, Session};
use zmq_core::socket::IoSide;

use crate::carrier::Carrier;
use crate::dialer::{Reporter, begin};
use crate::endpoint::Endpoint;
use crate::monitor::{At, EventKind, Side};
use crate::runtime::{Address, Credentials, Descriptor, Link, Listener, Listening};
use crate::socket::Inner;
#[cfg(feature = "simulation")]
use crate::trouble::{self, Point};

/// How long no connection is accepted after the system could not give one: it lacks descriptors, or memory.
const SHORTAGE: Duration = Duration::from_millis(50);

/// How long a connection waits that is in trouble.
#[cfg(feature = "simulation")]
const TROUBLE: Duration = Duration::from_millis(20);

/// A listener, as its socket sees it.
pub(crate) struct Bound {
    state: Mutex<State>,
    /// For events.
    pub(crate) at: At,
}

#[derive(Default)]
struct State {
    stopped: bool,
    waker: Option<Waker>,
    /// The address is free as soon as this is dropped.
    listener: Option<Box<dyn Listener>>,
}

impl Bound {
    /// Accepts nothing more. The address is free when this returns.
    pub(crate) fn stop(&self) {
        let (listener, waker) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.stopped = true;
            (state.listener.take(), state.waker.take())
        };
        drop(listener);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Listens; connections are accepted from here on. Where at, beside the listener.
pub(crate) fn listen(
    socket: &Arc<Inner>,
    address: &Address,
    given: Option<Descriptor>,
    index: usize,
) -> io::Result<(Arc<Bound>, Endpoint)> {
    let context = &socket.context;
    let options = socket.core.shared().options();
    let how = Listening { backlog: options.backlog, tcp: &options.tcp, given };
    let listener = context.runtime.listen(index, address, how)?;
    let endpoint = Endpoint::at(&listener.local_addr()?).ok_or(io::ErrorKind::InvalidInput)?;
    let at = At::bound(&endpoint, listener.descriptor());
    let state = State { listener: Some(listener), ..State::default() };
    let bound = Arc::new(Bound { state: Mutex::new(state), at });
    let accepting = accept(Arc::downgrade(socket), Arc::clone(&bound), endpoint.clone(), index);
    context.runtime.start_io(index, Box::pin(accepting));
    Ok((bound, endpoint))
}

async fn accept(socket: Weak<Inner>, bound: Arc<Bound>, endpoint: Endpoint, index: usize) {
    let Some(mut timer) = socket.upgrade().map(|socket| socket.context.runtime.timer(index)) else { return };
    loop {
        // Where the connection will be carried, which may be another I/O thread than the listener's.
        let Some(to) = socket.upgrade().map(|socket| socket.next_index().unwrap_or(index)) else { return };
        let accepted = std::future::poll_fn(|cx| {
            let mut state = bound.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.waker = Some(cx.waker().clone());
            match &state.listener {
                Some(listener) => listener.poll_accept(cx, to).map(Some),
                None => Poll::Ready(None),
            }
        })
        .await;
        #[cfg(feature = "simulation")]
        if matches!(accepted, Some(Ok(_))) && trouble::strikes(Point::AcceptLate) {
            let Some(runtime) = socket.upgrade().map(|socket| Arc::clone(&socket.context.runtime)) else { return };
            let at = runtime.now() + TROUBLE;
            std::future::poll_fn(|cx| timer.poll_until(cx, at)).await;
        }
        let Some(socket) = socket.upgrade() else { return };
        match accepted {
            Some(Ok(link)) => take(&socket, link, &endpoint, to),
            Some(Err(why)) => {
                socket.emit(EventKind::AcceptFailed((&why).into()), &bound.at);
                let runtime = Arc::clone(&socket.context.runtime);
                drop(socket);
                let at = runtime.now() + SHORTAGE;
                std::future::poll_fn(|cx| timer.poll_until(cx, at)).await;
            }
            None => return,
        }
    }
}

/// Starts the task of a connection.
fn take(socket: &Arc<Inner>, link: Box<dyn Link>, endpoint: &Endpoint, index: usize) {
    let shared = Arc::clone(socket.core.shared());
    let options = shared.options();
    let at = At::link(endpoint, Side::Bound, &*link);
    if !is_let_in(&options.accept, &*link) {
        let why = io::Error::from(io::ErrorKind::PermissionDenied);
        return socket.emit(EventKind::AcceptFailed((&why).into()), &at);
    }
    let runtime = Arc::clone(&socket.context.runtime);
    let carrier = Carrier::new(Arc::clone(&runtime), index);
    socket.add_accepted(&carrier);
    socket.emit(EventKind::Accepted, &at);
    let io: Arc<dyn IoSide> = Arc::clone(&carrier) as _;
    let start = begin(Origin::Accepted, &*runtime, &*link, &options);
    let session = Box::new(Session::new(Arc::clone(&shared), io, options, None, start));
    let events = Reporter::new(socket);
    let context = Arc::clone(&socket.context);
    let alive = context.live.enter();
    runtime.start_io(
        index,
        Box::pin(async move {
            let on_ready = |_: &Session| events.emit(EventKind::HandshakeSucceeded, &at);
            let (session, outcome) = carrier.carry(&context, session, link, on_ready).await;
            events.ended(&outcome, session.peer().is_some(), &at);
            // The peer is gone with its connection.
            drop(session.into_ends());
            drop(alive);
        }),
    );
}

/// A peer that has reset has no address any more, and is let in only where nobody is kept out.
fn is_let_in(filter: &AcceptFilter, link: &dyn Link) -> bool {
    if *filter == AcceptFilter::default() {
        return true;
    }
    match link.peer_addr() {
        Ok(Address::Tcp(address)) => filter.takes_address(address.ip()),
        Ok(Address::Ipc(_)) => {
            let known = |Credentials { process, user, group }| (process, user, group);
            filter.takes_process(link.credentials().map(known))
        }
        Err(_) => false,
    }
}
