//! Options of contexts.

use zmq_core::options::{Linger, Options};

/// What a context is made with. Nothing of it changes later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextOptions {
    /// I/O threads, which carry connections. With 0 there is only inproc, and one thread for timeouts.
    pub io_threads: usize,
    /// Sockets that may be open at once; 0 for none, as in libzmq.
    pub max_sockets: usize,
    /// Whether sockets that are made without options keep trying to send after close; if not, their linger is zero.
    pub blocky: bool,
    /// [`Options::ipv6`] of sockets that are made without options.
    pub ipv6: bool,
    /// The I/O threads.
    pub threads: ThreadOptions,
}

/// How I/O threads are made. Their scheduling policy and priority are those of the thread that makes the context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThreadOptions {
    /// Stands with a slash before their names, of which Linux shows 15 octets.
    pub name_prefix: String,
    /// CPUs, counted from 0, on which they may run; empty for all of the thread that makes the context. Linux only,
    /// elsewhere it is passed over.
    pub cpus: Vec<usize>,
}

impl Default for ContextOptions {
    /// libzmq's: one I/O thread, 1023 sockets.
    fn default() -> Self {
        Self { io_threads: 1, max_sockets: 1023, blocky: true, ipv6: false, threads: ThreadOptions::default() }
    }
}

impl ContextOptions {
    /// The options of a socket that is made without any.
    #[must_use]
    pub fn of_socket(&self) -> Options {
        let linger = if self.blocky { Linger::Forever } else { Linger::Discard };
        Options { linger, ipv6: self.ipv6, ..Options::default() }
    }
}

impl ThreadOptions {
    /// The name of an I/O thread.
    #[cfg_attr(loom, expect(dead_code, reason = "the runtime that names threads is not built under loom"))]
    pub(crate) fn name(&self, index: usize) -> String {
        match self.name_prefix.as_str() {
            "" => format!("zmq-io-{index}"),
            prefix => format!("{prefix}/zmq-io-{index}"),
        }
    }
}
