//! By identity: a message to the peer that its routing id stands for.

use std::sync::Arc;

use super::FanOut;
use crate::message::Message;
use crate::socket::{Effects, Outbound, PeerId, Shared};

/// The pipes to all peers, found by routing id.
///
/// Which peer an id stands for is [`Shared`]'s: ids are given and taken by the I/O sides, which refuse a second peer of
/// the same id without waiting for the application.
pub struct ByIdentity {
    shared: Arc<Shared>,
    pipes: FanOut,
}

/// A message that nobody was given, and why. The id is not among its parts.
#[derive(Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// There is no peer of that id.
    Unroutable(Message),
    /// There is no room in the pipe to it; `Pattern::writable` will be called when there is.
    Full(Message),
}

impl ByIdentity {
    /// No peers.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, pipes: FanOut::default() }
    }

    /// A peer has come.
    pub fn attach(&mut self, peer: PeerId, outbound: Outbound) {
        self.pipes.attach(peer, outbound);
    }

    /// A peer is gone. What is in its pipe already may still be sent.
    pub fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        self.pipes.detach(peer, effects);
    }

    /// Gives the message to the peer of this routing id.
    ///
    /// # Errors
    ///
    /// [`Undelivered`], with the message as it is.
    #[inline]
    pub fn push(&mut self, id: &[u8], message: Message, effects: &mut Effects) -> Result<(), Undelivered> {
        let peer = self.shared.routing_ids().find(id);
        // An id is claimed shortly before its peer is attached, and given up shortly after it is detached.
        let Some(outbound) = peer.and_then(|peer| self.pipes.get_mut(peer)) else {
            return Err(Undelivered::Unroutable(message));
        };
        if outbound.is_closed() {
            return Err(Undelivered::Unroutable(message));
        }
        if !outbound.has_room() {
            return Err(Undelivered::Full(message));
        }
        outbound.push(message, effects);
        Ok(())
    }

    /// Ends the pipe to the peer of this routing id behind its last message; `None` if there is no such peer.
    pub fn close(&mut self, id: &[u8], effects: &mut Effects) -> Option<PeerId> {
        let peer = self.shared.routing_ids().find(id)?;
        if self.pipes.get_mut(peer)?.is_closed() {
            return None;
        }
        self.pipes.detach(peer, effects);
        Some(peer)
    }

    /// Whether any peer has room. If not, all of them were asked, hence each tells when it has.
    pub fn any_has_room(&mut self) -> bool {
        self.pipes.any_has_room()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::pattern::table::SocketType;
    use crate::pattern::testing::peer;
    use crate::socket::IoSide;

    #[test]
    fn an_id_without_a_pipe_that_somebody_reads_leads_nowhere() {
        let shared = Arc::new(Shared::new(SocketType::Router, Options::default(), 1));
        let (mut receivers, mut effects) = (ByIdentity::new(Arc::clone(&shared)), Effects::default());
        let mut push = |receivers: &mut ByIdentity| receivers.push(b"bob", Message::from("x"), &mut effects);
        let unroutable = || Err(Undelivered::Unroutable(Message::from("x")));
        assert_eq!(push(&mut receivers), unroutable());

        let (attachment, mut far) = peer(&shared, "bob", 1);
        assert_eq!(push(&mut receivers), unroutable(), "the id is claimed before the peer is attached");
        receivers.attach(attachment.peer, attachment.outbound);
        assert_eq!(push(&mut receivers), Ok(()));
        assert_eq!(push(&mut receivers), Err(Undelivered::Full(Message::from("x"))));

        far.close_untold();
        let io: Arc<dyn IoSide> = Arc::clone(&far.wakes) as _;
        assert!(shared.routing_ids().claim(b"bob", far.peer, &io).is_ok());
        assert_eq!(push(&mut receivers), unroutable(), "the id is given up after the peer is gone");
    }
}
