//! What is only known by its number: pieces of typed options, and options of transports that are not here.

use zmq_core::mechanism::curve::{PublicKey, SecretKey};

use crate::socket::Socket;

/// One for each socket, with libzmq's defaults.
pub(crate) struct Kept {
    /// PLAIN's user name and password, and whether the socket is a server.
    pub(super) username: Vec<u8>,
    pub(super) password: Vec<u8>,
    pub(super) as_server: bool,
    /// CURVE's own public and secret key, and the server's public key.
    pub(super) public_key: Option<PublicKey>,
    pub(super) secret_key: Option<SecretKey>,
    pub(super) server_key: Option<PublicKey>,
    /// The SOCKS5 proxy's.
    pub(super) socks_username: String,
    pub(super) socks_password: String,
    pub(super) invert_matching: bool,
    /// Which of the two numbers for no reconnecting was set, 0 or -1.
    pub(super) never_reconnects: i32,
    pub(super) use_fd: i32,
    /// Of multicast, which is not here: kept for programs that set it.
    pub(super) rate: i32,
    pub(super) recovery_interval: i32,
    pub(super) multicast_hops: i32,
    pub(super) multicast_tpdu: i32,
    pub(super) multicast_loop: i32,
    /// Of Windows.
    pub(super) loopback_fast_path: i32,
    /// libzmq's batches; the sizes here are not for choice.
    pub(super) in_batch: i32,
    pub(super) out_batch: i32,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            username: Vec::new(),
            password: Vec::new(),
            as_server: false,
            public_key: None,
            secret_key: None,
            server_key: None,
            socks_username: String::new(),
            socks_password: String::new(),
            invert_matching: false,
            never_reconnects: -1,
            use_fd: -1,
            rate: 100,
            recovery_interval: 10_000,
            multicast_hops: 1,
            multicast_tpdu: 1500,
            multicast_loop: 1,
            loopback_fast_path: 0,
            in_batch: 8192,
            out_batch: 8192,
        }
    }
}

impl Socket {
    /// Looks at, or changes, what is kept of this socket.
    pub(super) fn kept<T>(&self, with: impl FnOnce(&mut Kept) -> T) -> T {
        with(&mut self.inner().kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}
