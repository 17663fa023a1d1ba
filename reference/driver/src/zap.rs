//! Asking the handler of ZAP: a DEALER for each question, joined with the handler's REP or ROUTER over inproc.
//!
//! The question is the future that [`ask`] gives. It belongs to the connection that waits, so that it ends with it, and
//! what a handler says wrongly concerns that connection alone. The time that it may take is the handshake's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zmq_core::error::RecvError;
use zmq_core::mechanism::zap::{ADDRESS, Answer, Reply, Request};
use zmq_core::options::{Hwm, Linger, Options};
use zmq_core::pattern::table::SocketType;

use crate::context;
use crate::runtime::BoxFuture;
use crate::socket::{Socket, wait};

/// Numbers of requests, which replies repeat.
#[derive(Default)]
pub(crate) struct Numbers(AtomicU64);

/// Asks the handler of the context.
// spec: ZAP-ARCH-01, ZAP-ARCH-04, ZAP-DIALOG-01, ZAP-EX-01
pub(crate) fn ask(context: &Arc<context::Inner>, request: Box<Request>) -> BoxFuture<'static, Answer> {
    let context = Arc::clone(context);
    Box::pin(async move {
        match context.names.bound_type(ADDRESS) {
            Some(SocketType::Rep | SocketType::Router) => {}
            Some(_) | None => return Answer::NoHandler,
        }
        // One message for each direction, so no mark is ever reached: who can send has a peer.
        let options = Options { send_hwm: Hwm::Unlimited, linger: Linger::Discard, ..Options::default() };
        let number = context.zap.0.fetch_add(1, Ordering::Relaxed).to_string().into_bytes();
        let socket = Socket::new(context, SocketType::Dealer, options, None);
        if socket.connect(&format!("inproc://{ADDRESS}")).is_err() || !socket.can_send() {
            return Answer::NoHandler;
        }
        if socket.try_send(request.message(&number)).is_err() {
            return Answer::Gone;
        }
        let inner = socket.inner();
        let attempt = || match socket.try_recv() {
            Ok(reply) => Some(Answer::Replied(Reply::read(&reply, &number))),
            Err(RecvError::WouldBlock) if socket.can_send() => None,
            Err(
                RecvError::WouldBlock
                | RecvError::OutOfTurn
                | RecvError::Unsupported
                | RecvError::Terminated
                | RecvError::TimedOut,
            ) => Some(Answer::Gone),
        };
        wait(inner, inner.core.shared().receivers(), None, attempt).await.unwrap_or(Answer::Gone)
    })
}
