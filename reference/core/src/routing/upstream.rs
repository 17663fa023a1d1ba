//! Upstream: what SUB and XSUB have of their publishers.
//!
//! ```text
//!   subscribe ──► Wanted ──► links tell their publishers, now and after each reconnect
//!            └──► Interests of publishers without a link (inproc), and a notice for XPUB
//!   turn      ◄── FairQueue ◄── what publishers send
//! ```

use std::sync::Arc;

use super::fair_queue::{FairQueue, Look, Turn};
use super::fan_out::FanOut;
use crate::frame::Frame;
use crate::message::Message;
use crate::pattern::Switch;
use crate::pattern::table::SocketType;
use crate::socket::{Attachment, Change, Effects, Interests, Outbound, Patience, PeerId, PeerInfo, PeerMap, Shared};

/// The pipes to and from all publishers, and what they are asked for.
pub struct Upstream {
    shared: Arc<Shared>,
    pipes: FanOut,
    from: FairQueue,
    /// Publishers of the same context: they are told here, for there is no link to do it.
    inproc: PeerMap<Publisher>,
}

/// A publisher of the same context.
struct Publisher {
    shared: Arc<Shared>,
    /// What it calls this socket.
    us: PeerId,
}

impl Upstream {
    /// No publishers.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, pipes: FanOut::default(), from: FairQueue::default(), inproc: PeerMap::default() }
    }

    /// A publisher has come. Its link tells it what is wanted; where there is none, this does.
    // spec: PUBSUB-SUB-12, PUBSUB-XSUB-16
    pub fn attach(&mut self, publisher: Attachment, effects: &mut Effects) {
        mark!("PUBSUB-SUB-04");
        let Attachment { peer, mut outbound, inbound, routing_id: _, inproc } = publisher;
        if let Some((shared, us)) = inproc {
            let publisher = Publisher { shared, us };
            // Collected, for no lock of ours is held while one of theirs is taken.
            let topics: Vec<_> = self.shared.wanted().topics().map(Frame::copy_of).collect();
            for topic in topics {
                publisher.tell(&Change::Subscribe(topic), &mut outbound, effects);
            }
            self.inproc.insert(peer, publisher);
        }
        self.pipes.attach(peer, outbound);
        self.from.attach(peer, inbound);
    }

    /// Nothing can be sent to this publisher any more.
    pub fn detach(&mut self, publisher: PeerId, effects: &mut Effects) {
        self.inproc.remove(publisher);
        self.pipes.detach(publisher, effects);
        self.from.readable(publisher);
    }

    /// The pipe from this publisher has something again.
    pub fn readable(&mut self, publisher: PeerId) {
        self.from.readable(publisher);
    }

    /// One more wish for a topic; says whether publishers are told, which they are of the first.
    // spec: PUBSUB-SUB-12, PUBSUB-XSUB-15, PUBSUB-XSUB-16
    pub fn subscribe(&mut self, topic: &[u8], effects: &mut Effects) -> bool {
        mark!("PUBSUB-XSUB-15");
        let pipes = &mut self.pipes;
        let pushed = |peer| pipes.get_mut(peer).map_or(0, |outbound| outbound.pushed());
        let told = self.shared.wanted().add(topic, pushed, effects);
        if told {
            self.tell_inproc(&Change::Subscribe(Frame::copy_of(topic)), effects);
        }
        told
    }

    /// One wish for a topic less; says whether publishers are told, which they are of the last.
    // spec: PUBSUB-SUB-12, PUBSUB-XSUB-15, PUBSUB-XSUB-16
    pub fn cancel(&mut self, topic: &[u8], effects: &mut Effects) -> bool {
        let pipes = &mut self.pipes;
        let pushed = |peer| pipes.get_mut(peer).map_or(0, |outbound| outbound.pushed());
        let told = self.shared.wanted().remove(topic, pushed, effects);
        if told {
            self.tell_inproc(&Change::Cancel(Frame::copy_of(topic)), effects);
        }
        told
    }

    /// Whether publishers are told of each wish. Not of those there are already.
    pub fn set_verbose(&mut self, verbose: Switch) {
        self.shared.wanted().verbose = verbose;
    }

    fn tell_inproc(&mut self, change: &Change, effects: &mut Effects) {
        for (peer, publisher) in self.inproc.iter_mut() {
            if let Some(outbound) = self.pipes.get_mut(peer) {
                publisher.tell(change, outbound, effects);
            }
        }
    }

    /// Sends a message to every publisher that has room.
    // spec: PUBSUB-XSUB-11, PUBSUB-XSUB-12, PUBSUB-XSUB-13, PUBSUB-XSUB-14
    pub fn push_to_all(&mut self, message: &Message, effects: &mut Effects) {
        self.pipes.push_to_all(message, effects);
    }

    /// The next message of a publisher.
    #[inline]
    pub fn pop(&mut self, effects: &mut Effects) -> Option<Message> {
        loop {
            match self.from.turn(effects) {
                Turn::Message(_, message) => return Some(message),
                Turn::Ended(publisher) => self.forget(publisher, effects),
                Turn::Nothing => return None,
            }
        }
    }

    /// Whether there is a message that is `wanted`, which stays for [`Self::pop`]; others before it are dropped.
    pub fn has_message(&mut self, wanted: impl Fn(&Message) -> bool, effects: &mut Effects) -> bool {
        let mut patience = Patience::default();
        loop {
            match self.from.look(effects) {
                Look::Message(message) if wanted(message) => return true,
                Look::Message(_) => {
                    self.from.drop_kept();
                    if patience.is_over(effects) {
                        return false;
                    }
                }
                Look::Ended(publisher) => self.forget(publisher, effects),
                Look::Nothing => return false,
            }
        }
    }

    fn forget(&mut self, publisher: PeerId, effects: &mut Effects) {
        self.inproc.remove(publisher);
        self.pipes.detach(publisher, effects);
    }

    /// Who sent the last message.
    #[must_use]
    pub fn sender(&self) -> Option<&PeerInfo> {
        self.from.sender()
    }
}

impl Publisher {
    /// What a link would do: the change takes effect, and the application of an XPUB is told, whatever waits for it
    /// already.
    // spec: PUBSUB-XPUB-14, PUBSUB-XPUB-15
    fn tell(&self, change: &Change, outbound: &mut Outbound, effects: &mut Effects) {
        mark!("PUBSUB-XPUB-14");
        let passed_on = self.shared.interests().apply(self.us, change);
        if passed_on && self.shared.socket_type() == SocketType::XPub {
            outbound.push(Message::new(Interests::notice(change)), effects);
        }
    }
}
