//! Raw peers: the harness's end of the wire.
//!
//! [`link::Link`] moves octets and records them; [`raw::RawPeer`] reads greetings and frames out of them and knows how
//! to take part in a handshake. Neither judges: what a case demands is decided in [`crate::run::play`].

pub mod curve;
pub mod link;
pub mod raw;
pub mod stream;
