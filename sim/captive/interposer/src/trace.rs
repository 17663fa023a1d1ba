//! What happened, in order: a running hash always, the events themselves on request.

use crate::draw::mix;

macro_rules! calls {
    ($($name:ident = $text:literal,)*) => {
        /// Which function of the C library an event is of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u32)]
        pub(crate) enum Call { $($name),* }

        /// Names of the calls, by their number in an [`Event`], each ending with a zero octet.
        pub(crate) const NAMES: &[&str] = &[$(concat!($text, "\0")),*];
    };
}

calls! {
    Start = "start",
    Create = "pthread_create",
    Exit = "thread exit",
    Join = "pthread_join",
    Lock = "lock",
    Wait = "condition wait",
    Wake = "condition wake",
    Once = "once",
    Futex = "futex",
    Semaphore = "semaphore",
    Yield = "sched_yield",
    Sleep = "sleep",
    Clock = "clock",
    Entropy = "entropy",
    Names = "names",
    Poll = "poll",
    EpollControl = "epoll_ctl",
    EpollWait = "epoll_wait",
    EventDescriptor = "eventfd",
    EpollSet = "epoll_create",
    Socket = "socket",
    Bind = "bind",
    Listen = "listen",
    Accept = "accept",
    Connect = "connect",
    Shutdown = "shutdown",
    Close = "close",
    Send = "send",
    Receive = "recv",
    Write = "write",
    Read = "read",
    Fault = "fault",
    Mark = "mark",
}

/// One event of a run.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Virtual nanoseconds since the start.
    pub at: u64,
    /// The thread, by order of creation.
    pub thread: u32,
    /// The call: an index into the names that `zmq_captive_call_name` gives.
    pub call: u32,
    /// What it was about: a descriptor by order of creation, a thread, or 0.
    pub object: u64,
    /// What came of it: the result, or the negative errno.
    pub result: i64,
    /// Digest of the octets that were moved.
    pub octets: u64,
}

#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    count: u64,
    kept: Option<Vec<Event>>,
}

impl Trace {
    pub(crate) fn new(keep: bool) -> Self {
        Self { hash: 0x5a4d_5153, count: 0, kept: keep.then(Vec::new) }
    }

    pub(crate) fn add(&mut self, event: Event) {
        self.count += 1;
        let Event { at, thread, call, object, result, octets } = event;
        let head = (u64::from(thread) << 32 | u64::from(call)) ^ at.rotate_left(24);
        self.hash = mix(self.hash ^ head).wrapping_add(object);
        self.hash = mix(self.hash ^ result.cast_unsigned().rotate_left(7)) ^ octets;
        if let Some(kept) = &mut self.kept {
            kept.push(event);
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        mix(self.hash)
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn kept(&self) -> &[Event] {
        self.kept.as_deref().unwrap_or_default()
    }
}

/// A digest of octets: all of them up to 256, then the first 256 and the number.
pub(crate) fn digest(octets: &[u8]) -> u64 {
    let mut state = octets.len() as u64;
    for chunk in octets.chunks(8).take(32) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = mix(state ^ u64::from_le_bytes(word));
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event { at: 1, thread: 2, call: 3, object: 4, result: 5, octets: 6 }
    }

    fn hash(events: &[Event]) -> u64 {
        let mut trace = Trace::new(false);
        events.iter().for_each(|event| trace.add(*event));
        trace.hash()
    }

    #[test]
    fn every_field_and_the_order_are_in_the_hash() {
        let one = event();
        let others = [
            Event { at: 9, ..one },
            Event { thread: 9, ..one },
            Event { call: 9, ..one },
            Event { object: 9, ..one },
            Event { result: 9, ..one },
            Event { octets: 9, ..one },
        ];
        for other in others {
            assert_ne!(hash(&[one]), hash(&[other]), "{other:?}");
            assert_ne!(hash(&[one, other]), hash(&[other, one]), "{other:?}");
        }
    }

    #[test]
    fn events_are_kept_on_request_only() {
        let mut quiet = Trace::new(false);
        quiet.add(event());
        assert!(quiet.kept().is_empty());
        let mut kept = Trace::new(true);
        kept.add(event());
        assert_eq!((kept.kept(), kept.hash()), (&[event()][..], quiet.hash()));
    }
}
