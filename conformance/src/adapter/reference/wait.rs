//! Waiting for a future on a thread that has nothing else to do.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Instant;

/// Tells that a socket has ended, or is about to.
#[derive(Clone, Default)]
pub(super) struct End(Arc<AtomicBool>);

impl End {
    /// To be called before the socket is closed, which wakes whoever waits for it.
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn is_noted(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What the future gives, or `None` at the deadline. It is polled once in any case.
pub(super) fn until<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut cx) {
            return Some(result);
        }
        match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => std::thread::park(),
            Some(left) if left.is_zero() => return None,
            Some(left) => std::thread::park_timeout(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_future_is_waited_for_until_it_is_ready_or_the_deadline() {
        let now = || Some(Instant::now());
        assert_eq!(until(now(), std::future::ready(1)), Some(1));
        assert_eq!(until(now(), std::future::pending::<()>()), None);
        let mut woken = false;
        let twice = std::future::poll_fn(|cx| {
            if std::mem::replace(&mut woken, true) {
                return Poll::Ready(2);
            }
            let waker = cx.waker().clone();
            std::thread::spawn(move || waker.wake());
            Poll::Pending
        });
        assert_eq!(until(Some(Instant::now() + Duration::from_secs(10)), twice), Some(2));
    }
}
