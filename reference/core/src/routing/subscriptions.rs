//! Subscriptions: which peers want which topics, and hence which messages.
//!
//! A table of `Topics` whose values are the peers that hold them, and for each peer a list of its topics' hashes, so
//! that a peer that leaves costs as much as it had subscribed to.
//!
//! Identical subscriptions of a peer are counted, as 23/ZMTP and 37/ZMTP demand (adjudication A16): who subscribed
//! twice is served until it has cancelled twice. libzmq keeps a set for each peer instead. Its subscribers count
//! themselves and send a topic once, so the difference shows with other subscribers only.

use std::{iter, mem};

use super::topics::{Certainty, TopicHash, Topics};
use crate::options::TOPIC_OCTETS;
use crate::socket::{PeerId, PeerMap};

/// The subscriptions of all peers of one socket.
#[derive(Debug)]
pub struct Subscriptions {
    topics: Topics<Holders>,
    peers: PeerMap<Held>,
    marks: Marks,
}

/// What a subscription changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// Nobody held the topic before.
    First,
    /// Others held it already, this peer did not.
    Another,
    /// This peer held it already, and has to cancel once more now.
    Again,
}

/// What a cancellation changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// Nobody holds the topic any more.
    Last,
    /// Others hold it still, or this peer has to cancel again.
    NotLast,
    /// This peer did not hold it.
    Unknown,
}

/// Who holds a topic: nearly always one.
#[derive(Debug)]
enum Holders {
    One(Holder),
    /// Two or more, by peer.
    #[expect(
        clippy::box_collection,
        reason = "an entry of the table has room for one pointer, and one holder is usual"
    )]
    Many(Box<Vec<Holder>>),
}

#[derive(Debug, Clone, Copy)]
struct Holder {
    peer: PeerId,
    /// How often it has subscribed and not cancelled, at least 1.
    count: u32,
}

/// The topics of one peer.
#[derive(Debug, Default)]
struct Held {
    /// The hashes of all of them, and of some that it holds no more or that stand there twice.
    hashes: Vec<TopicHash>,
    /// How many topics it holds.
    topics: usize,
    /// What these take in memory, about.
    octets: usize,
}

impl Default for Subscriptions {
    fn default() -> Self {
        Self::seeded(0)
    }
}

impl Subscriptions {
    /// Nobody wants anything. The seed should be drawn at random: who knows it can choose topics that slow matching down.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { topics: Topics::seeded(seed), peers: PeerMap::default(), marks: Marks::default() }
    }

    /// A peer subscribes to a topic. The time depends on the topic's length alone, but for the number of peers that
    /// hold this very topic.
    // spec: ZMTP31-SUBS-08, ZMTP31-SUBS-09, ZMTP30-SUBS-08, ZMTP30-SUBS-09
    pub fn add(&mut self, topic: &[u8], peer: PeerId) -> Added {
        mark!("ZMTP31-SUBS-08");
        let mut added = Added::First;
        let (hash, holders) = self.topics.get_or_insert_with(topic, || Holders::One(Holder { peer, count: 0 }));
        let holder = holders.get_or_insert(peer, &mut added);
        holder.count = holder.count.saturating_add(1);
        if holder.count > 1 {
            return Added::Again;
        }
        self.note(peer, hash, topic.len());
        added
    }

    /// A peer takes one subscription to a topic back. The time is that of [`Self::add`].
    // spec: ZMTP31-SUBS-09, ZMTP30-SUBS-09
    pub fn remove(&mut self, topic: &[u8], peer: PeerId) -> Removed {
        mark!("ZMTP31-SUBS-09");
        let Some(slot) = self.topics.find(topic) else { return Removed::Unknown };
        let Some(holders) = self.topics.get_mut(slot) else { return Removed::Unknown };
        let Some(holder) = holders.get_mut(peer) else { return Removed::Unknown };
        holder.count -= 1;
        if holder.count > 0 {
            return Removed::NotLast;
        }
        let left = holders.remove(peer);
        if left == Left::Nobody {
            self.topics.remove(slot);
        }
        self.strike(peer, topic.len());
        match left {
            Left::Nobody => Removed::Last,
            Left::Others => Removed::NotLast,
        }
    }

    /// A peer is gone. `gone` is called for each topic that it held, and told whether anybody holds it still: it is
    /// [`Removed::Last`] or [`Removed::NotLast`]. The time depends on what this peer had subscribed to.
    pub fn remove_peer(&mut self, peer: PeerId, mut gone: impl FnMut(&[u8], Removed)) {
        let Some(held) = self.peers.remove(peer) else { return };
        for hash in held.hashes {
            let Some(slot) = self.topics.find_where(hash, |holders| holders.has(peer)) else { continue };
            let Some(holders) = self.topics.get_mut(slot) else { continue };
            match holders.remove(peer) {
                Left::Nobody => {
                    gone(self.topics.topic(slot), Removed::Last);
                    self.topics.remove(slot);
                }
                Left::Others => gone(self.topics.topic(slot), Removed::NotLast),
            }
        }
    }

    /// Calls `found` once for each peer that holds a topic which `subject` begins with: those of shorter topics first,
    /// those of the same topic in their order.
    // spec: ZMTP31-SUBS-06, ZMTP31-SUBS-07, ZMTP31-SUBS-08, ZMTP30-SUBS-06, ZMTP30-SUBS-07, ZMTP30-SUBS-08
    #[inline]
    pub fn matches(&mut self, subject: &[u8], mut found: impl FnMut(PeerId)) {
        let mut prefixes = self.topics.prefixes(subject, Certainty::Hash);
        let Some(first) = prefixes.next() else { return };
        let Some(second) = prefixes.next() else {
            // No peer holds a topic twice, hence nobody has to be remembered.
            return first.as_slice().iter().for_each(|holder| found(holder.peer));
        };
        self.marks.begin();
        for holders in [first, second].into_iter().chain(prefixes) {
            for holder in holders.as_slice() {
                if self.marks.mark(holder.peer) == Seen::FirstTime {
                    found(holder.peer);
                }
            }
        }
    }

    /// What the topics that a peer holds take in memory, about, in octets.
    #[must_use]
    pub fn octets(&self, peer: PeerId) -> usize {
        self.peers.get(peer).map_or(0, |held| held.octets)
    }

    /// Number of topics that anybody holds.
    #[must_use]
    pub const fn topics(&self) -> usize {
        self.topics.topics()
    }

    /// A peer holds the topic of a hash from here on.
    fn note(&mut self, peer: PeerId, hash: TopicHash, topic: usize) {
        if self.peers.get(peer).is_none() {
            // An index is given out again when nothing is left of its peer, which was forgotten before.
            let before = self.peers.insert(peer, Held::default());
            debug_assert!(before.is_none(), "{peer:?} came before the last one of its index was forgotten");
        }
        let held = self.peers.get_mut(peer).expect("it was put in");
        held.topics += 1;
        held.octets += topic + TOPIC_OCTETS;
        held.hashes.push(hash);
    }

    /// A peer holds one topic less.
    fn strike(&mut self, peer: PeerId, topic: usize) {
        let Some(held) = self.peers.get_mut(peer) else { return };
        held.topics -= 1;
        held.octets -= topic + TOPIC_OCTETS;
        if held.topics == 0 {
            self.peers.remove(peer);
        } else if held.hashes.len() / 2 > held.topics + SLACK {
            // More struck out than not: every such tidying is paid by as many cancellations.
            let mut hashes = mem::take(&mut held.hashes);
            hashes.sort_unstable();
            hashes.dedup();
            let of_peer = |hash| self.topics.count_where(hash, |holders| holders.has(peer));
            let hashes = hashes.into_iter().flat_map(|hash| iter::repeat_n(hash, of_peer(hash))).collect();
            if let Some(held) = self.peers.get_mut(peer) {
                held.hashes = hashes;
            }
        }
    }
}

/// Topics of a peer that may be struck out before it is worth while to tidy up.
const SLACK: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nobody,
    Others,
}

impl Holders {
    #[inline]
    fn as_slice(&self) -> &[Holder] {
        match self {
            Self::One(holder) => std::slice::from_ref(holder),
            Self::Many(holders) => holders,
        }
    }

    fn has(&self, peer: PeerId) -> bool {
        match self {
            Self::One(holder) => holder.peer == peer,
            Self::Many(holders) => holders.binary_search_by_key(&peer, |holder| holder.peer).is_ok(),
        }
    }

    fn get_mut(&mut self, peer: PeerId) -> Option<&mut Holder> {
        match self {
            Self::One(holder) => (holder.peer == peer).then_some(holder),
            Self::Many(holders) => {
                let at = holders.binary_search_by_key(&peer, |holder| holder.peer).ok()?;
                holders.get_mut(at)
            }
        }
    }

    /// The holder, put in with a count of 0 if it was not there; `added` says then that others were.
    fn get_or_insert(&mut self, peer: PeerId, added: &mut Added) -> &mut Holder {
        if let Self::One(holder) = self
            && holder.peer != peer
        {
            *self = Self::Many(Box::new(vec![*holder]));
        }
        match self {
            Self::One(holder) => holder,
            Self::Many(holders) => {
                *added = Added::Another;
                let at = match holders.binary_search_by_key(&peer, |holder| holder.peer) {
                    Ok(at) => at,
                    Err(at) => {
                        holders.insert(at, Holder { peer, count: 0 });
                        at
                    }
                };
                &mut holders[at]
            }
        }
    }

    /// Takes a holder out. The last one stays where it is: the entry has to go then.
    fn remove(&mut self, peer: PeerId) -> Left {
        match self {
            Self::One(_) => Left::Nobody,
            Self::Many(holders) => {
                holders.retain(|holder| holder.peer != peer);
                if let [holder] = holders[..] {
                    *self = Self::One(holder);
                }
                Left::Others
            }
        }
    }
}

/// Who was found in this search already.
#[derive(Debug, Default)]
struct Marks {
    search: u64,
    /// The last search that found the peer of an index.
    found_in: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    FirstTime,
    Before,
}

impl Marks {
    fn begin(&mut self) {
        self.search += 1;
    }

    #[inline]
    fn mark(&mut self, peer: PeerId) -> Seen {
        if self.found_in.len() <= peer.index() {
            self.found_in.resize(peer.index() + 1, 0);
        }
        let found_in = mem::replace(&mut self.found_in[peer.index()], self.search);
        if found_in == self.search { Seen::Before } else { Seen::FirstTime }
    }
}

#[cfg(test)]
mod tests;
