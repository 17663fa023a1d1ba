//! Points of trouble: where a simulated run does what a system does rarely. Nothing of it is there without the feature
//! `simulation`.
//!
//! Whatever happens at a point is something that the code around it has to bear anyway: a short read, a wake that comes
//! later, a dial that fails. Who decides is a hook of the thread, which a simulator sets.

/// A point. Each is named for what happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// A read takes one octet.
    ReadOne,
    /// A write takes a part of what there is.
    WritePart,
    /// A task is woken later, and twice.
    WakeLate,
    /// A thread that sends does not write to the link itself.
    WriteByTask,
    /// A connection that was accepted waits before anything is done with it.
    AcceptLate,
    /// A call yields before it sends.
    SendLate,
    /// An attempt to connect fails.
    DialFails,
    /// A name takes long to be looked up.
    ResolveSlow,
}

impl Point {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadOne => "read-one",
            Self::WritePart => "write-part",
            Self::WakeLate => "wake-late",
            Self::WriteByTask => "write-by-task",
            Self::AcceptLate => "accept-late",
            Self::SendLate => "send-late",
            Self::DialFails => "dial-fails",
            Self::ResolveSlow => "resolve-slow",
        }
    }
}

/// Without the feature nothing ever happens, and nothing is asked.
#[cfg(not(feature = "simulation"))]
#[inline(always)]
pub(crate) const fn strikes(_: Point) -> bool {
    false
}

#[cfg(feature = "simulation")]
pub(crate) use with_hook::strikes;
#[cfg(feature = "simulation")]
pub use with_hook::{Hook, set};

#[cfg(feature = "simulation")]
mod with_hook {
    use std::cell::RefCell;

    use super::Point;

    /// Says whether the trouble of a point happens at this visit.
    pub type Hook = Box<dyn FnMut(Point) -> bool>;

    thread_local! {
        static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    }

    /// Sets the hook of this thread, or takes it away. Without one nothing happens.
    pub fn set(hook: Option<Hook>) {
        HOOK.with_borrow_mut(|place| *place = hook);
    }

    pub(crate) fn strikes(point: Point) -> bool {
        HOOK.with_borrow_mut(|hook| hook.as_mut().is_some_and(|hook| hook(point)))
    }
}

/// Lets other tasks run once.
#[cfg(feature = "simulation")]
pub(crate) async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
