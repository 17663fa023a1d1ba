//! What the subscribers of a PUB or XPUB want.

use std::collections::BTreeMap;

use super::peer::PeerId;
use super::peers::PeerMap;
use super::wanted::Change;
use crate::frame::Frame;
use crate::options::TOPIC_OCTETS;
use crate::pattern::{Manual, Switch, Verbosity};
use crate::routing::subscriptions::{Added, Removed, Subscriptions};

/// The subscriptions of all peers of one socket.
#[derive(Default)]
pub struct Interests {
    subscriptions: Subscriptions,
    /// Which changes an XPUB's application is told.
    pub verbosity: Verbosity,
    /// Whether changes take effect by themselves.
    pub manual: Manual,
    /// Whether only the first part of a message may be a change.
    pub only_first: Switch,
    /// What peers of an XPUB have asked for and not taken back, while it grants by hand.
    asked: PeerMap<Asked>,
    /// For each index of a peer: generations before this one are retired.
    retired: Vec<u32>,
}

/// What one peer has asked for.
#[derive(Default)]
struct Asked {
    /// How often each topic, at least once.
    topics: BTreeMap<Box<[u8]>, u32>,
    /// What these take in memory, about.
    octets: usize,
}

impl Interests {
    /// Nobody wants anything. For the seed see [`Subscriptions::seeded`].
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { subscriptions: Subscriptions::seeded(seed), ..Self::default() }
    }

    /// A peer's subscription or cancellation takes effect, unless the application is to grant it. Returns whether an XPUB
    /// passes it on. That of a retired peer has no effect.
    // spec: PUBSUB-PUB-14, PUBSUB-XPUB-14, PUBSUB-XPUB-16
    pub fn apply(&mut self, peer: PeerId, change: &Change) -> bool {
        mark!("PUBSUB-PUB-14");
        if self.is_retired(peer) {
            return false;
        }
        if self.manual != Manual::Off {
            self.ask(peer, change);
            return true;
        }
        match change {
            Change::Subscribe(topic) => match self.subscriptions.add(topic, peer) {
                Added::First => true,
                Added::Another | Added::Again => self.verbosity != Verbosity::Changes,
            },
            Change::Cancel(topic) => match self.subscriptions.remove(topic, peer) {
                Removed::Last => true,
                Removed::NotLast => self.verbosity == Verbosity::Everything,
                Removed::Unknown => false,
            },
        }
    }

    /// What the application grants a peer, or takes back, whatever that has asked for.
    // spec: PUBSUB-XPUB-14
    pub fn grant(&mut self, peer: PeerId, change: &Change) {
        mark!("PUBSUB-XPUB-14");
        if self.is_retired(peer) {
            return;
        }
        match change {
            Change::Subscribe(topic) => {
                self.subscriptions.add(topic, peer);
            }
            Change::Cancel(topic) => {
                self.subscriptions.remove(topic, peer);
            }
        }
    }

    fn ask(&mut self, peer: PeerId, change: &Change) {
        if self.asked.get(peer).is_none() {
            self.asked.insert(peer, Asked::default());
        }
        let Some(asked) = self.asked.get_mut(peer) else { return };
        match change {
            Change::Subscribe(topic) => {
                let count = asked.topics.entry(topic.as_slice().into()).or_default();
                if *count == 0 {
                    asked.octets += topic.len() + TOPIC_OCTETS;
                }
                *count = count.saturating_add(1);
            }
            Change::Cancel(topic) => {
                let Some(count) = asked.topics.get_mut(topic.as_slice()) else { return };
                *count -= 1;
                if *count == 0 {
                    asked.topics.remove(topic.as_slice());
                    asked.octets -= topic.len() + TOPIC_OCTETS;
                }
            }
        }
    }

    /// A connection is gone, and with it what the peer subscribed to: over the next connection it subscribes anew, and
    /// identical subscriptions are counted. An XPUB's application is told that these topics are cancelled: those that
    /// nobody wants any more; all of them, if it is told of everything; or, if it grants by hand, those that the peer had
    /// asked for.
    // spec: PUBSUB-XPUB-17
    pub fn forget(&mut self, peer: PeerId) -> Vec<Frame> {
        mark!("PUBSUB-XPUB-17");
        let mut told = Vec::new();
        let asked = self.asked.remove(peer).unwrap_or_default();
        let by_hand = self.manual != Manual::Off;
        let all = self.verbosity == Verbosity::Everything;
        self.subscriptions.remove_peer(peer, |topic, left| {
            if !by_hand && (all || left == Removed::Last) {
                told.push(Frame::copy_of(topic));
            }
        });
        told.extend(asked.topics.keys().map(|topic| Frame::copy_of(topic)));
        told
    }

    /// A peer is gone for good: as [`Self::forget`], and what it still tells is ignored. Where no link lies between two
    /// sockets, the subscriber may do so until it learns that it was let go of.
    pub fn retire(&mut self, peer: PeerId) -> Vec<Frame> {
        if self.retired.len() <= peer.index() {
            self.retired.resize(peer.index() + 1, 0);
        }
        let retired = &mut self.retired[peer.index()];
        *retired = (*retired).max(peer.generation.saturating_add(1));
        self.forget(peer)
    }

    fn is_retired(&self, peer: PeerId) -> bool {
        self.retired.get(peer.index()).is_some_and(|retired| peer.generation < *retired)
    }

    /// What a peer's subscriptions take in memory, about, in octets.
    #[must_use]
    pub fn octets(&self, peer: PeerId) -> usize {
        self.subscriptions.octets(peer) + self.asked.get(peer).map_or(0, |asked| asked.octets)
    }

    /// Number of different topics that are published to anybody.
    #[must_use]
    pub const fn topics(&self) -> usize {
        self.subscriptions.topics()
    }

    /// Calls `found` once for each peer that wants a message whose first part is `subject`.
    #[inline]
    pub fn matches(&mut self, subject: &[u8], found: impl FnMut(PeerId)) {
        self.subscriptions.matches(subject, found);
    }

    /// How an XPUB's application is told of a change: one octet, 1 or 0, and the topic.
    // spec: PUBSUB-XPUB-15
    #[must_use]
    pub fn notice(change: &Change) -> Frame {
        mark!("PUBSUB-XPUB-15");
        let (first, topic) = match change {
            Change::Subscribe(topic) => (1, topic),
            Change::Cancel(topic) => (0, topic),
        };
        let mut notice = Vec::with_capacity(1 + topic.len());
        notice.push(first);
        notice.extend_from_slice(topic);
        Frame::from(notice)
    }
}
