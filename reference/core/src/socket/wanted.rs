//! What a SUB or XSUB wants, and which publishers still have to be told.
//!
//! ```text
//!   subscribe ──► add ────► topics ──► untold, of each ready link ──► next_change ──► SUBSCRIBE or CANCEL
//!   handshake done ──► link_ready: every topic is untold again
//!   connection lost ──► link_gone: nothing to tell it, the topics stay
//! ```
//!
//! So after a reconnect the publisher is told all that is wanted then. The link's [`Session`](crate::session::Session)
//! calls these, not the application, which may be doing something else. A topic that was cancelled meanwhile is not
//! told, one that was added meanwhile is.
//!
//! Subscriptions pass through no pipe: a hundred thousand of them are sent again after a reconnect whatever the
//! high-water mark is. An XSUB's messages do, and have to keep their order with its subscriptions; so each change says
//! how many messages of the pipe go before it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::effects::{Effects, IoSide};
use super::peer::PeerId;
use super::peers::PeerMap;
use crate::frame::Frame;
use crate::pattern::Switch;

/// What a subscriber tells a publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// From here on it wants messages whose first part begins with this.
    Subscribe(Frame),
    /// It takes one such wish back.
    Cancel(Frame),
}

/// The wishes of one socket, counted, and the links that have to carry them.
#[derive(Default)]
pub struct Wanted {
    topics: BTreeMap<Box<[u8]>, u32>,
    links: PeerMap<Link>,
    /// Whether publishers are told of each wish, and not only of the first and the last for a topic.
    pub verbose: Switch,
}

struct Link {
    /// Each with the number of messages of the pipe that go before it.
    untold: VecDeque<(u64, Change)>,
    io: Arc<dyn IoSide>,
    farewell: Farewell,
}

/// Whether a publisher is being told that nothing is wanted any more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Farewell {
    Not,
    Said,
}

impl Wanted {
    /// One more wish; says whether publishers will be told: it is the first for this topic, or they are told of each.
    /// `pushed` is the number of messages that were put into the pipe to a peer.
    pub fn add(&mut self, topic: &[u8], pushed: impl FnMut(PeerId) -> u64, effects: &mut Effects) -> bool {
        let count = self.topics.entry(topic.into()).or_default();
        *count = count.saturating_add(1);
        let told = *count == 1 || self.verbose == Switch::On;
        if told {
            self.tell(&Change::Subscribe(Frame::copy_of(topic)), pushed, effects);
        }
        told
    }

    /// One wish less; says whether publishers will be told: it was the last for this topic, or they are told of each, be
    /// there a wish or not.
    pub fn remove(&mut self, topic: &[u8], pushed: impl FnMut(PeerId) -> u64, effects: &mut Effects) -> bool {
        let last = match self.topics.get_mut(topic) {
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            Some(_) => self.topics.remove(topic).is_some(),
            None => false,
        };
        let told = last || self.verbose == Switch::On;
        if told {
            self.tell(&Change::Cancel(Frame::copy_of(topic)), pushed, effects);
        }
        told
    }

    fn tell(&mut self, change: &Change, mut pushed: impl FnMut(PeerId) -> u64, effects: &mut Effects) {
        for (peer, link) in self.links.iter_mut().filter(|(_, link)| link.farewell == Farewell::Not) {
            // Whoever has something untold was woken for it already.
            if link.untold.is_empty() {
                effects.messages_waiting(&link.io);
            }
            link.untold.push_back((pushed(peer), change.clone()));
        }
    }

    /// What a publisher that knows nothing has to be told of: all topics, in their order; each as often as there are
    /// wishes for it, if each wish is told.
    pub fn topics(&self) -> impl Iterator<Item = &[u8]> {
        let times = |count: u32| match self.verbose {
            Switch::On => count as usize,
            Switch::Off => 1,
        };
        self.topics.iter().flat_map(move |(topic, count)| std::iter::repeat_n(&**topic, times(*count)))
    }

    /// Number of different topics.
    #[must_use]
    pub fn len(&self) -> usize {
        self.topics.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// A connection to a publisher is ready: it has to be told everything.
    pub fn link_ready(&mut self, peer: PeerId, io: Arc<dyn IoSide>) {
        let untold = self.topics().map(|topic| (0, Change::Subscribe(Frame::copy_of(topic)))).collect();
        self.links.insert(peer, Link { untold, io, farewell: Farewell::Not });
    }

    /// A connection to a publisher is about to be closed by us: it has to be told that nothing is wanted any more. What
    /// it was not told yet of what is wanted it need not know.
    // spec: PUBSUB-XSUB-17
    pub fn link_ends(&mut self, peer: PeerId) {
        mark!("PUBSUB-XSUB-17");
        let told: Vec<_> = self.topics().map(Frame::copy_of).collect();
        let Some(link) = self.links.get_mut(peer) else { return };
        if link.farewell == Farewell::Said {
            return;
        }
        link.farewell = Farewell::Said;
        link.untold = told.into_iter().map(|topic| (0, Change::Cancel(topic))).collect();
    }

    /// A connection to a publisher is gone.
    pub fn link_gone(&mut self, peer: PeerId) {
        self.links.remove(peer);
    }

    /// What this publisher has to be told next, when `taken` messages were taken from the pipe to it.
    ///
    /// A change is told before the messages behind it if whoever takes from the pipe first looks whether there is a
    /// message, then asks here until there is nothing, then takes it. To ask before looking is to miss a change that
    /// was made in between, together with a message behind it.
    // spec: PUBSUB-XSUB-16
    pub fn next_change(&mut self, peer: PeerId, taken: u64) -> Option<Change> {
        let link = self.links.get_mut(peer)?;
        if link.untold.front().is_none_or(|(before, _)| *before > taken) {
            return None;
        }
        let (_, change) = link.untold.pop_front()?;
        if link.untold.is_empty() {
            link.untold = VecDeque::new();
        }
        Some(change)
    }

    /// Whether this publisher has to be told anything, now or behind messages that are in the pipe.
    #[must_use]
    pub fn has_change(&self, peer: PeerId) -> bool {
        self.links.get(peer).is_some_and(|link| !link.untold.is_empty())
    }
}
