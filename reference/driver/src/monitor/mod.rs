//! Monitor events: what happens to a socket's connections.

mod event;
mod frames;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use zmq_core::socket::Parking;

pub(crate) use event::At;
pub use event::{Event, EventKind, Side, SystemError};
pub use frames::{EventMask, EventVersion, MonitorType};

use crate::socket::Socket;

/// Events that wait for their reader. Further ones push the oldest out, and are counted.
const KEPT: usize = 10_000;

/// The events of one socket from the moment on at which this was made.
pub struct Monitor {
    events: Arc<Events>,
}

#[derive(Default)]
pub(crate) struct Events {
    queue: Mutex<Queue>,
    readers: Parking,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Event>,
    lost: u64,
    ended: bool,
}

impl Socket {
    /// The events of this socket from here on. A later monitor takes the place of an earlier one, which ends.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        let events = Arc::<Events>::default();
        let before = self.inner().events().replace(Arc::clone(&events));
        if let Some(before) = before {
            before.end();
        }
        Monitor { events }
    }
}

impl Monitor {
    /// The next event; `None` when the socket is closed and all were read.
    pub async fn recv(&self) -> Option<Event> {
        let mut ticket = self.events.readers.ticket();
        std::future::poll_fn(|cx| {
            if let Some(next) = self.events.next() {
                return Poll::Ready(next);
            }
            ticket.park(cx.waker());
            self.events.next().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// The next event, if it has happened already.
    #[must_use]
    pub fn try_recv(&self) -> Option<Event> {
        self.events.next().flatten()
    }

    /// Whether no further event will come than those that wait.
    pub(crate) fn has_ended(&self) -> bool {
        self.events.has_ended()
    }

    /// Waits until [`Self::has_ended`].
    pub(crate) async fn ended(&self) {
        let mut ticket = self.events.readers.ticket();
        std::future::poll_fn(|cx| {
            ticket.park(cx.waker());
            if self.has_ended() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl Events {
    pub(crate) fn emit(&self, kind: EventKind, at: &At) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.events.len() == KEPT {
            queue.events.pop_front();
            queue.lost += 1;
        }
        let lost = std::mem::take(&mut queue.lost);
        let At { endpoint, side, local, remote, descriptor } = at.clone();
        queue.events.push_back(Event { kind, endpoint, side, local, remote, descriptor, lost });
        drop(queue);
        self.readers.wake_one();
    }

    pub(crate) fn end(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.readers.wake_all();
    }

    fn has_ended(&self) -> bool {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).ended
    }

    /// `None`: not yet; `Some(None)`: never again.
    fn next(&self) -> Option<Option<Event>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.events.pop_front() {
            Some(event) => Some(Some(event)),
            None if queue.ended => Some(None),
            None => None,
        }
    }
}
