//! The I/O side's ends of a peer's pipes: what outlives a connection to an endpoint that was connected to.

use std::sync::Arc;

use crate::frame::Frame;
use crate::options::Options;
use crate::pattern::table::Naming;
use crate::pipe::{Limits, Read, Reader, ReaderState, Writer};
use crate::socket::{Attachment, Inbound, IoSide, Lease, Outbound, PeerId, PeerInfo, Shared};

/// The I/O side's ends of a peer's pipes. Dropping them ends the peer.
pub struct Ends {
    shared: Arc<Shared>,
    lease: Arc<Lease>,
    pub(super) outbound: Reader,
    pub(super) inbound: Writer,
    pub(super) info: PeerInfo,
    /// Messages that were taken from the outbound pipe.
    pub(super) taken: u64,
    /// What a ROUTER or STREAM calls the peer; empty for others.
    routing_id: Frame,
}

impl Ends {
    /// Makes pipes for a new peer and attaches them to the socket, under a routing id of the socket's making where peers
    /// have one. `io` is who is told of messages in them.
    pub fn attach(shared: &Arc<Shared>, io: &Arc<dyn IoSide>, options: &Options) -> Self {
        let lease = shared.peers().lease();
        let routing_id = match shared.socket_type().rules().naming {
            Naming::ById => shared.routing_ids().generate(lease.id(), io),
            Naming::Nameless => Frame::EMPTY,
        };
        Self::attach_as(shared, io, options, lease, routing_id)
    }

    /// As [`Self::attach`], for the peer of a ROUTER or STREAM whose id the application has chosen; `None` if another peer has it.
    // spec: REQREP-ROUTER-03
    pub fn attach_named(shared: &Arc<Shared>, io: &Arc<dyn IoSide>, options: &Options, id: &Frame) -> Option<Self> {
        mark!("REQREP-ROUTER-03");
        let lease = shared.peers().lease();
        let taken_from = shared.routing_ids().claim(id, lease.id(), io).ok()?;
        if let Some(before) = taken_from {
            before.messages_waiting();
        }
        Some(Self::attach_as(shared, io, options, lease, id.clone()))
    }

    /// Whether another peer has taken the routing id over.
    pub(super) fn is_superseded(&self) -> bool {
        !self.routing_id.is_empty() && !self.shared.routing_ids().holds(&self.routing_id, self.lease.id())
    }

    pub(super) fn attach_as(
        shared: &Arc<Shared>,
        io: &Arc<dyn IoSide>,
        options: &Options,
        lease: Arc<Lease>,
        routing_id: Frame,
    ) -> Self {
        let keep = options.keeps(shared.socket_type());
        let (to_peer, outbound) = keep.pipe(Limits { hwm: options.send_hwm, bytes: None });
        let (inbound, from_peer) = keep.pipe(Limits { hwm: options.recv_hwm, bytes: options.recv_bytes });
        let info = PeerInfo::default();
        shared.attach(Attachment {
            peer: lease.id(),
            outbound: Outbound::new(to_peer, Arc::clone(io), Arc::clone(&lease)),
            inbound: Inbound::new(from_peer, Arc::clone(io), Arc::clone(&lease), info.clone()),
            routing_id: routing_id.clone(),
            inproc: None,
        });
        Self { shared: Arc::clone(shared), lease, outbound, inbound, info, taken: 0, routing_id }
    }

    /// The peer's id.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.lease.id()
    }

    /// Whether anything is left to send.
    pub fn has_unsent(&mut self) -> bool {
        self.outbound.has_message()
    }

    /// What was received of an unfinished message is forgotten, and so is the rest of a message that was half sent: it
    /// belongs to a connection that is gone.
    // spec: ZMTP31-MSGS-01, ZMTP31-SEM-04, ZMTP31-SEM-06
    pub(super) fn forget_halves(&mut self, half_sent: bool) {
        mark!("ZMTP31-SEM-04");
        self.inbound.rollback();
        let mut more = half_sent;
        while more {
            let Read::Frame(frame) = self.outbound.read() else { break };
            mark!("ZMTP31-MSGS-01", "ZMTP31-SEM-06");
            more = frame.has_more();
            self.taken += u64::from(!more);
        }
    }

    pub(super) fn tell_application(&mut self) {
        if self.inbound.flush() == ReaderState::Asleep {
            self.shared.readable(self.lease.id());
        }
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        let peer = self.lease.id();
        if !self.routing_id.is_empty() {
            self.shared.routing_ids().release(&self.routing_id, peer);
        }
        if self.inbound.close() == ReaderState::Asleep {
            self.shared.readable(peer);
        }
        self.shared.detach_closed(peer);
    }
}
