//! Subscriptions against a list, and what is easily got wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::socket::{Lease, PeerIds};

/// So many peers, whose leases are kept.
fn peers(n: usize) -> Vec<Arc<Lease>> {
    let ids = Arc::<PeerIds>::default();
    (0..n).map(|_| ids.lease()).collect()
}

fn found(subscriptions: &mut Subscriptions, subject: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    subscriptions.matches(subject, |peer| found.push(peer.index()));
    found
}

#[test]
// spec: ZMTP31-SUBS-06, ZMTP30-SUBS-06
fn a_topic_matches_what_begins_with_it() {
    let peers = peers(1);
    let mut subscriptions = Subscriptions::default();
    subscriptions.add(b"B\0", peers[0].id());
    for (subject, expected) in [
        (&b"B\0"[..], vec![0]),
        (b"B\0\x01", vec![0]),
        (b"B", vec![]),
        (b"b\0", vec![]),
        (b"", vec![]),
        (b"AB\0", vec![]),
    ] {
        assert_eq!(found(&mut subscriptions, subject), expected, "{}", subject.escape_ascii());
    }
}

#[test]
// spec: ZMTP31-SUBS-07, ZMTP30-SUBS-07
fn the_empty_topic_matches_everything() {
    let peers = peers(1);
    let mut subscriptions = Subscriptions::default();
    assert_eq!(subscriptions.add(b"", peers[0].id()), Added::First);
    assert_eq!(found(&mut subscriptions, b""), [0]);
    assert_eq!(found(&mut subscriptions, b"anything"), [0]);
    assert_eq!(subscriptions.remove(b"", peers[0].id()), Removed::Last);
    assert_eq!(found(&mut subscriptions, b""), []);
}

#[test]
// spec: ZMTP31-SUBS-08, ZMTP30-SUBS-08
fn a_peer_is_found_once_however_many_of_its_topics_match() {
    let peers = peers(3);
    let mut subscriptions = Subscriptions::default();
    for (topic, peer) in [("ab", 2), ("", 1), ("a", 2), ("a", 0), ("abc", 1), ("abc", 0)] {
        subscriptions.add(topic.as_bytes(), peers[peer].id());
    }
    assert_eq!(found(&mut subscriptions, b"abcd"), [1, 0, 2]);
    assert_eq!(found(&mut subscriptions, b"abcd"), [1, 0, 2]);
    assert_eq!(found(&mut subscriptions, b"x"), [1]);
}

#[test]
// spec: ZMTP31-SUBS-09, ZMTP30-SUBS-09
fn identical_subscriptions_are_counted() {
    let peers = peers(2);
    let (one, other) = (peers[0].id(), peers[1].id());
    let mut subscriptions = Subscriptions::default();
    assert_eq!(subscriptions.add(b"A", one), Added::First);
    assert_eq!(subscriptions.add(b"A", one), Added::Again);
    assert_eq!(subscriptions.add(b"A", other), Added::Another);
    assert_eq!(subscriptions.remove(b"A", one), Removed::NotLast);
    assert_eq!(found(&mut subscriptions, b"Ax"), [0, 1]);
    assert_eq!(subscriptions.remove(b"A", one), Removed::NotLast);
    assert_eq!(found(&mut subscriptions, b"Ax"), [1]);
    assert_eq!(subscriptions.remove(b"A", one), Removed::Unknown);
    assert_eq!(subscriptions.remove(b"A", other), Removed::Last);
    assert_eq!((found(&mut subscriptions, b"Ax"), subscriptions.topics()), (vec![], 0));
}

#[test]
fn a_topic_of_megabytes_needs_no_stack() {
    let peers = peers(2);
    let (one, other) = (peers[0].id(), peers[1].id());
    let mut long = vec![b't'; 3 << 20];
    let mut subscriptions = Subscriptions::default();
    subscriptions.add(&long, one);
    subscriptions.add(&long[..1 << 20], other);
    subscriptions.add(&long[..(1 << 20) + 1], other);
    assert_eq!(found(&mut subscriptions, &long), [1, 0]);
    assert_eq!(found(&mut subscriptions, &long[1..]), [1]);
    subscriptions.topics.check();
    let mut gone = Vec::new();
    subscriptions.remove_peer(other, |topic, left| gone.extend((left == Removed::Last).then_some(topic.len())));
    assert_eq!(gone, [1 << 20, (1 << 20) + 1]);
    subscriptions.topics.check();
    long.push(b'x');
    assert_eq!(found(&mut subscriptions, &long), [0]);
    drop(subscriptions);
}

#[test]
fn who_comes_and_goes_leaves_nothing_behind() {
    let peers = peers(1);
    let mut subscriptions = Subscriptions::default();
    subscriptions.add(b"stays", peers[0].id());
    for i in 0..10_000_u32 {
        let topic = i.to_string();
        subscriptions.add(topic.as_bytes(), peers[0].id());
        subscriptions.remove(topic.as_bytes(), peers[0].id());
    }
    let held = subscriptions.peers.get(peers[0].id()).unwrap();
    assert!(held.hashes.len() <= 3 * SLACK, "{} entries for one topic", held.hashes.len());
    subscriptions.topics.check();
}

/// What there is to compare with: a count for each topic and peer.
#[derive(Default)]
struct Model(BTreeMap<(Vec<u8>, usize), u32>);

impl Model {
    fn holders(&self, topic: &[u8]) -> usize {
        self.0.keys().filter(|(held, _)| held == topic).count()
    }

    fn add(&mut self, topic: &[u8], peer: usize) -> Added {
        let before = self.holders(topic);
        let count = self.0.entry((topic.to_vec(), peer)).or_default();
        *count += 1;
        match (*count, before) {
            (1, 0) => Added::First,
            (1, _) => Added::Another,
            (_, _) => Added::Again,
        }
    }

    fn remove(&mut self, topic: &[u8], peer: usize) -> Removed {
        let key = (topic.to_vec(), peer);
        let Some(count) = self.0.get_mut(&key) else { return Removed::Unknown };
        *count -= 1;
        if *count == 0 {
            self.0.remove(&key);
        }
        if self.holders(topic) == 0 { Removed::Last } else { Removed::NotLast }
    }

    fn remove_peer(&mut self, peer: usize) -> Vec<Vec<u8>> {
        let held: Vec<_> = self.0.keys().filter(|(_, holder)| *holder == peer).cloned().collect();
        self.0.retain(|(_, holder), _| *holder != peer);
        held.into_iter().map(|(topic, _)| topic).filter(|topic| self.holders(topic) == 0).collect()
    }

    fn matches(&self, subject: &[u8]) -> Vec<usize> {
        let mut found: Vec<_> =
            self.0.keys().filter(|(topic, _)| subject.starts_with(topic)).map(|(_, peer)| *peer).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[derive(Debug, Clone)]
enum Step {
    Add(Vec<u8>, usize),
    Remove(Vec<u8>, usize),
    Leave(usize),
    Match(Vec<u8>),
}

/// Few letters, so that topics begin alike; now and then a run that an entry has no room for.
fn topic() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![6 => vec(b'a'..=b'c', 0..4), 1 => (b'a'..=b'b', 20..30_usize).prop_map(run),
                            1 => (b'a'..=b'b', 250..520_usize).prop_map(run), 1 => vec(any::<u8>(), 1..3)];
    vec(piece, 0..3).prop_map(|pieces| pieces.concat())
}

fn run((octet, len): (u8, usize)) -> Vec<u8> {
    vec![octet; len]
}

fn step() -> impl Strategy<Value = Step> {
    const PEERS: usize = 4;
    prop_oneof![
        8 => (topic(), 0..PEERS).prop_map(|(topic, peer)| Step::Add(topic, peer)),
        5 => (topic(), 0..PEERS).prop_map(|(topic, peer)| Step::Remove(topic, peer)),
        1 => (0..PEERS).prop_map(Step::Leave),
        6 => topic().prop_map(Step::Match),
    ]
}

proptest! {
    /// The table and the list agree after each step.
    #[test]
    fn agrees_with_a_list(steps in vec(step(), 0..120)) {
        let peers = peers(4);
        let mut subscriptions = Subscriptions::default();
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Add(topic, peer) => {
                    prop_assert_eq!(subscriptions.add(&topic, peers[peer].id()), model.add(&topic, peer));
                }
                Step::Remove(topic, peer) => {
                    prop_assert_eq!(subscriptions.remove(&topic, peers[peer].id()), model.remove(&topic, peer));
                }
                Step::Leave(peer) => {
                    let mut gone = Vec::new();
                    subscriptions.remove_peer(peers[peer].id(), |topic, left| {
                        gone.extend((left == Removed::Last).then(|| topic.to_vec()));
                    });
                    gone.sort_unstable();
                    prop_assert_eq!(gone, model.remove_peer(peer));
                }
                Step::Match(subject) => {
                    let mut found = found(&mut subscriptions, &subject);
                    found.sort_unstable();
                    prop_assert_eq!(found, model.matches(&subject));
                }
            }
            subscriptions.topics.check();
        }
    }
}
