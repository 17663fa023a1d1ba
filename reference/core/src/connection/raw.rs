//! A link without ZMTP: octets as they come and go.

use super::{Connection, Incoming, Peer, State, Take};
use crate::frame::Frame;

/// Octets that become one message at most, as with libzmq.
const RAW_OCTETS: usize = 8192;

impl Connection {
    /// The link is there, and no more can be known.
    pub(super) fn begin_raw(&mut self) -> Incoming {
        self.state = State::Raw;
        self.input.expect_traffic();
        self.output.expect_traffic();
        Incoming::Ready(Box::new(Peer { socket_type: None, routing_id: None, properties: Vec::new(), version: None }))
    }

    /// What has come, up to [`RAW_OCTETS`] of it.
    #[cold]
    pub(super) fn next_raw(&mut self, take: Take) -> Option<Incoming> {
        let octets = self.input.unread().len().min(RAW_OCTETS);
        if octets == 0 || take == Take::WithoutRoom {
            return None;
        }
        Some(Incoming::Frame(self.input.take_frame(0, octets)))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn push_raw(&mut self, octets: Frame) {
        self.output.push_behind(&[], octets);
    }
}
