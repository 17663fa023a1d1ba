//! How many tasks of a context live, and who waits for the last.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use zmq_core::socket::Parking;

/// Counts the tasks of a context.
#[derive(Default)]
pub(crate) struct Live {
    count: AtomicUsize,
    ended: Parking,
}

/// One of them; it counts until this is dropped.
pub(crate) struct Alive(Arc<Live>);

impl Live {
    pub(crate) fn enter(self: &Arc<Self>) -> Alive {
        self.count.fetch_add(1, Ordering::Relaxed);
        Alive(Arc::clone(self))
    }

    /// Waits until there is none.
    pub(crate) async fn ended(&self) {
        let mut ticket = self.ended.ticket();
        std::future::poll_fn(|cx: &mut Context<'_>| {
            if self.count.load(Ordering::Acquire) == 0 {
                return Poll::Ready(());
            }
            ticket.park(cx.waker());
            if self.count.load(Ordering::Acquire) == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.ended.wake_all();
        }
    }
}
