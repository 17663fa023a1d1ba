//! Monitor events, read from the PAIR socket at the other end of `zmq_socket_monitor`.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;
use crate::names;
use crate::socket::{Flags, Socket};

/// The reading end of a socket's monitor.
pub struct Monitor {
    pair: Socket,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorEvent {
    /// libzmq's bit.
    pub event: u16,
    /// A descriptor, an errno, an interval or a code, by event.
    pub value: u32,
    /// The endpoint concerned.
    pub endpoint: String,
}

impl MonitorEvent {
    /// The event's name in lower case, without libzmq's prefix: `handshake_succeeded`; `event_0x…` for one that this
    /// crate does not know.
    #[must_use]
    pub fn name(&self) -> String {
        match names::EVENT_NAMES.iter().find(|(bit, _)| *bit == self.event) {
            Some((_, name)) => (*name).to_owned(),
            None => format!("event_0x{:04x}", self.event),
        }
    }

    /// Whether no further event will come.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.event == names::EVENT_MONITOR_STOPPED
    }
}

impl Monitor {
    /// Starts to monitor every event of a socket. What happens from here on is seen.
    ///
    /// # Errors
    ///
    /// libzmq's.
    pub fn start(socket: &Socket) -> Result<Self, Error> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let endpoint = format!("inproc://zmqspec.monitor.{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let pair = socket.context().socket(names::PAIR)?;
        pair.set_int(names::LINGER, 0)?;
        pair.set_int(names::RCVHWM, 0)?;
        socket.start_monitor(&endpoint)?;
        pair.connect(&endpoint)?;
        Ok(Self { pair })
    }

    /// The next event; blocks until one comes.
    ///
    /// # Errors
    ///
    /// `ETERM` when the context ends; `EINVAL` for an event that is not in the documented form.
    pub fn next_event(&self) -> Result<MonitorEvent, Error> {
        let head = self.pair.recv_part(Flags::NONE, &[])?;
        let mut endpoint = Vec::new();
        let mut more = head.more;
        while more {
            let part = self.pair.recv_part(Flags::NONE, &[])?;
            more = part.more;
            endpoint = part.bytes;
        }
        let &[a, b, c, d, e, f] = head.bytes.as_slice() else {
            return Err(Error::invalid("zmq_msg_recv", "a monitor event has 6 octets before its endpoint"));
        };
        Ok(MonitorEvent {
            event: u16::from_ne_bytes([a, b]),
            value: u32::from_ne_bytes([c, d, e, f]),
            endpoint: String::from_utf8_lossy(&endpoint).into_owned(),
        })
    }
}
