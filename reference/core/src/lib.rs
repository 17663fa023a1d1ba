//! ZeroMQ without I/O: messages, connections, pipes and socket patterns.

#[macro_use]
pub mod marks;

pub mod connection;
pub mod dial;
pub mod error;
#[expect(unsafe_code, reason = "a frame is inline or a slice of a counted block, in 32 octets")]
pub mod frame;
pub mod mechanism;
pub mod message;
pub mod options;
pub mod pattern;
pub mod pipe;
pub mod routing;
pub mod session;
pub mod socket;
pub mod socks;
pub mod time;
pub mod wire;
pub mod z85;

pub use frame::Frame;
pub use message::Message;
