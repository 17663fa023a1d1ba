//! `poll` over any sockets, of any context.

use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use zmq_reference::blocking::Socket;

use super::refusal;
use super::wait::{End, until};
use crate::adapter::protocol::{ErrorReply, PollItem, Reply};
use crate::adapter::serve::{Answer, argument};
use crate::adapter::waits::deadline;

/// One item, with its socket.
pub(super) struct Watched {
    item: PollItem,
    direction: Direction,
    socket: Socket,
    end: End,
}

#[derive(Clone, Copy)]
enum Direction {
    In,
    Out,
}

type Change<'w> = Pin<Box<dyn Future<Output = ()> + 'w>>;

impl Watched {
    /// # Errors
    ///
    /// An item that watches neither for `in` nor for `out`.
    pub(super) fn new(item: PollItem, socket: Socket, end: End) -> Result<Self, ErrorReply> {
        let direction = match item.on.as_str() {
            "in" => Direction::In,
            "out" => Direction::Out,
            other => return Err(argument(format!("`on`: expected `in` or `out`, came `{other}`"))),
        };
        Ok(Self { item, direction, socket, end })
    }

    fn is_ready(&self) -> bool {
        match self.direction {
            Direction::In => self.socket.as_async().can_recv(),
            Direction::Out => self.socket.as_async().can_send(),
        }
    }

    /// Ready when the item may be, or its socket has ended.
    fn change(&self) -> Change<'_> {
        match self.direction {
            Direction::In => Box::pin(self.socket.as_async().readable()),
            Direction::Out => Box::pin(self.socket.as_async().writable()),
        }
    }
}

/// Waits until an item is ready. Answers with those that are; none at the deadline.
pub(super) fn run(watched: &[Watched], timeout_ms: u64) -> Answer {
    let deadline = deadline(timeout_ms);
    loop {
        let ready: Vec<_> = watched.iter().filter(|one| one.is_ready()).map(|one| one.item.clone()).collect();
        if ready.is_empty() && watched.iter().any(|one| one.end.is_noted()) {
            return Err(refusal::recv(zmq_reference::RecvError::Terminated));
        }
        if !ready.is_empty() || Instant::now() >= deadline {
            return Ok(Reply { ready: Some(ready), ..Reply::default() });
        }
        let mut changes: Vec<_> = watched.iter().map(Watched::change).collect();
        let any = std::future::poll_fn(|cx| {
            // Each of them is polled, so that each can wake.
            let ready =
                changes.iter_mut().filter_map(|change| change.as_mut().poll(cx).is_ready().then_some(())).count();
            if ready > 0 { Poll::Ready(()) } else { Poll::Pending }
        });
        until(Some(deadline), any);
    }
}
