//! Routing: which peer a message comes from and which it goes to. Patterns are made of these.
//!
//! ```text
//!   inbound    FairQueue    one message of each peer in turn
//!   outbound   RoundRobin   to one peer, each in turn
//!              FanOut       to peers that are named, or to all of them
//!              ByIdentity   to the peer of a routing id
//!   both ways  Downstream   what PUB and XPUB have of their subscribers
//!              Upstream     what SUB and XSUB have of their publishers
//! ```
//!
//! Each holds one end of the pipe of every peer. They are called under the socket's lock, hence what they let go of is
//! closed by way of [`Effects`](crate::socket::Effects), which are run behind it.

mod by_identity;
mod downstream;
mod fair_queue;
mod fan_out;
mod round_robin;
pub mod subscriptions;
pub(crate) mod topics;
mod upstream;

pub use by_identity::{ByIdentity, Undelivered};
pub use downstream::{Downstream, FromBelow};
pub use fair_queue::{FairQueue, Look, Turn};
pub use fan_out::{FanOut, Pushed};
pub use round_robin::RoundRobin;
pub use upstream::Upstream;
