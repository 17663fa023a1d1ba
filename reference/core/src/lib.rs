//! ZeroMQ without I/O: messages, connections, pipes and socket patterns.

#[expect(unsafe_code, reason = "a frame is inline or a slice of a counted block, in 32 octets")]
pub mod frame;
pub mod message;
pub mod pipe;
pub mod time;

pub use frame::Frame;
pub use message::Message;
