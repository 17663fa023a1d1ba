//! What the system is told about tcp sockets.

use std::time::Duration;

/// Options of tcp sockets; those that are `None` are the system's choice. A change holds for what is bound, and for the
/// attempts to connect of what is connected, after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TcpOptions {
    /// Octets of the system's buffer for sending (`SO_SNDBUF`).
    pub send_buffer: Option<u32>,
    /// Octets of the system's buffer for receiving (`SO_RCVBUF`).
    pub recv_buffer: Option<u32>,
    /// The type-of-service octet of IPv4, the traffic class of IPv6 (`IP_TOS`, `IPV6_TCLASS`); 0 is the system's choice.
    pub type_of_service: u8,
    /// The priority of what is sent within this machine (`SO_PRIORITY`), from 0 to 6 without privileges. Linux only.
    pub priority: Option<u32>,
    /// Probes of idle connections.
    pub keep_alive: KeepAlive,
    /// The network device that is used, of 1 to 15 octets (`SO_BINDTODEVICE`). Linux only; needs privileges before 5.7.
    pub device: Option<String>,
    /// How long what was sent may stay unacknowledged before the connection is given up (`TCP_USER_TIMEOUT`), in
    /// milliseconds. Linux only.
    pub max_retransmission: Option<Duration>,
    /// How long a read busily waits for the device (`SO_BUSY_POLL`), in microseconds. Linux only; needs privileges.
    pub busy_poll: Option<Duration>,
}

/// Whether and how the system probes connections that are idle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeepAlive {
    /// Whether it does.
    pub probing: Probing,
    /// Probes without an answer before the connection is given up (`TCP_KEEPCNT`). At least 1.
    pub count: Option<u32>,
    /// Idle time before the first probe (`TCP_KEEPIDLE`), in whole seconds. At least 1 s.
    pub idle: Option<Duration>,
    /// Time between probes (`TCP_KEEPINTVL`), in whole seconds. At least 1 s.
    pub interval: Option<Duration>,
}

/// Whether idle connections are probed (`SO_KEEPALIVE`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Probing {
    /// As the system has it.
    #[default]
    System,
    /// They are not.
    Off,
    /// They are, with the values beside this.
    On,
}
