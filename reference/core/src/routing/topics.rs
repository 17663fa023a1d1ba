//! Topics: values found by all the topics that a subject begins with.
//!
//! ```text
//!   subject "weather.rome"     lengths of topics: 0, 8, 12
//!     ""             ──hash──► slot: topic, value
//!     "weather."     ──hash──► slot: topic, value
//!     "weather.rome" ──hash──► slot: nothing
//! ```
//!
//! A table of hashes, and one look into it for each length that any topic has and that the subject is not shorter than;
//! the hashes of all prefixes come of one pass. It is never more than one look for each octet of the subject, and time in
//! proportion to the length of a topic to add or remove it. Nothing recurs: a topic of a megabyte needs no stack.
//!
//! What is read to find who wants a message is an octet and 24 more for each topic: a tag, which tells where to look among
//! neighbours, then the whole hash and the value, which are fetched at the same time. Of a hundred thousand topics that is
//! a few megabytes; their octets are three times as much, lie apart, and are read when a topic is put in or taken out, and
//! where a match has to be certain: see [`Certainty`].
//!
//! Topics come from peers, who could choose them to collide; so the hash has a seed, which is drawn at random where the
//! socket is made. The order of results does not depend on it.

/// Values by topic.
#[derive(Debug)]
pub(crate) struct Topics<V> {
    /// What each slot has: [`EMPTY`], [`LEFT`], or an octet of the hash of its topic.
    tags: Box<[u8]>,
    /// What each slot has of a topic, but for its octets.
    entries: Box<[Entry<V>]>,
    /// The topics of the slots.
    octets: Box<[Octets]>,
    /// Two topics of one hash were there at the same time: then hashes are no evidence.
    collided: bool,
    /// Slots that are not empty.
    used: usize,
    /// The lengths of all topics, ascending, and how many have each.
    lengths: Vec<(usize, usize)>,
    topics: usize,
    seed: u64,
}

/// Where a topic is, until the next one is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(usize);

/// What finds a topic again without its octets, together with its value; see [`Topics::find_where`].
pub(crate) type TopicHash = u64;

/// What matching reads.
#[derive(Debug)]
struct Entry<V> {
    hash: TopicHash,
    value: Option<V>,
}

/// How a topic is found to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// By its octets.
    Octets,
    /// By its hash of 64 bits, unless two topics have the same. Once in as many subjects as that can tell apart, one
    /// matches that does not. For publishers, who may send everybody everything, and save a miss of the cache by it; not
    /// for subscribers, to whom strangers send, and whose seed is known.
    Hash,
}

/// Nothing, and no topic that was put further on because of what is here.
const EMPTY: u8 = 0;
/// Nothing any more.
const LEFT: u8 = 1;

#[derive(Debug)]
enum Octets {
    Short { len: u8, octets: [u8; Self::SHORT] },
    Long(Box<[u8]>),
}

impl<V> Entry<V> {
    const NOTHING: Self = Self { hash: 0, value: None };
}

impl<V> Topics<V> {
    /// No topics. Whoever knows the seed can choose topics that are slow to find.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self {
            tags: Box::default(),
            entries: Box::default(),
            octets: Box::default(),
            collided: false,
            used: 0,
            lengths: Vec::new(),
            topics: 0,
            seed: fold(seed ^ K[0], K[1]),
        }
    }

    /// Number of topics.
    pub(crate) const fn topics(&self) -> usize {
        self.topics
    }

    /// The value of a topic, made if there is none.
    pub(crate) fn get_or_insert_with(&mut self, topic: &[u8], make: impl FnOnce() -> V) -> (TopicHash, &mut V) {
        let hash = hash(topic, self.seed);
        let slot = match self.find_hashed(topic, hash, Certainty::Octets) {
            Some(Slot(slot)) => slot,
            None => self.insert(topic, hash),
        };
        (hash, self.entries[slot].value.get_or_insert_with(make))
    }

    /// Where a topic is.
    pub(crate) fn find(&self, topic: &[u8]) -> Option<Slot> {
        self.find_hashed(topic, hash(topic, self.seed), Certainty::Octets)
    }

    /// Where a topic of this hash is whose value is one that `wanted` says.
    pub(crate) fn find_where(&self, hash: TopicHash, wanted: impl Fn(&V) -> bool) -> Option<Slot> {
        self.all_where(hash, wanted).next()
    }

    /// As [`Self::find_where`], how many there are: nearly always at most one.
    pub(crate) fn count_where(&self, hash: TopicHash, wanted: impl Fn(&V) -> bool) -> usize {
        self.all_where(hash, wanted).count()
    }

    fn all_where(&self, wanted_hash: TopicHash, wanted: impl Fn(&V) -> bool) -> impl Iterator<Item = Slot> {
        let slots = self.tags.len();
        let begin = if slots == 0 { 0 } else { home(wanted_hash, slots) };
        let around = (begin..slots).chain(0..begin).take_while(|at| self.tags[*at] != EMPTY);
        around
            .filter(move |at| {
                let entry = &self.entries[*at];
                entry.hash == wanted_hash && entry.value.as_ref().is_some_and(&wanted)
            })
            .map(Slot)
    }

    /// The value at a slot.
    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut V> {
        self.entries.get_mut(slot.0)?.value.as_mut()
    }

    /// The topic at a slot; empty if there is none.
    pub(crate) fn topic(&self, slot: Slot) -> &[u8] {
        self.octets.get(slot.0).map_or(&[], Octets::as_slice)
    }

    /// Takes a topic out.
    pub(crate) fn remove(&mut self, slot: Slot) -> Option<V> {
        let Slot(at) = slot;
        let value = self.entries.get_mut(at)?.value.take()?;
        self.topics -= 1;
        if self.topics == 0 {
            // Whoever had a hundred thousand topics may never have as many again.
            *self = Self { seed: self.seed, ..Self::seeded(0) };
            return Some(value);
        }
        let topic = std::mem::replace(&mut self.octets[at], Octets::EMPTY);
        if self.tags[self.behind(at)] == EMPTY {
            self.tags[at] = EMPTY;
            self.used -= 1;
        } else {
            self.tags[at] = LEFT;
        }
        if let Ok(at) = self.lengths.binary_search_by_key(&topic.as_slice().len(), |(len, _)| *len) {
            self.lengths[at].1 -= 1;
            if self.lengths[at].1 == 0 {
                self.lengths.remove(at);
            }
        }
        Some(value)
    }

    /// The values of all topics that `subject` begins with, the shortest topic first.
    #[inline]
    pub(crate) fn prefixes<'a>(&'a self, subject: &'a [u8], certainty: Certainty) -> Prefixes<'a, V> {
        let certainty = if self.collided { Certainty::Octets } else { certainty };
        Prefixes { topics: self, lengths: self.lengths.iter(), hash: Running::new(subject, self.seed), certainty }
    }

    /// The next slot, round the end.
    #[inline]
    fn behind(&self, at: usize) -> usize {
        if at + 1 == self.tags.len() { 0 } else { at + 1 }
    }

    #[inline]
    fn find_hashed(&self, topic: &[u8], hash: TopicHash, certainty: Certainty) -> Option<Slot> {
        if self.tags.is_empty() {
            return None;
        }
        let tag = tag(hash);
        let mut at = home(hash, self.tags.len());
        loop {
            let found = self.tags[at];
            if found == EMPTY {
                return None;
            }
            if found == tag
                && self.entries[at].hash == hash
                && (certainty == Certainty::Hash || self.octets[at].as_slice() == topic)
            {
                return Some(Slot(at));
            }
            at = self.behind(at);
        }
    }

    fn insert(&mut self, topic: &[u8], hash: u64) -> usize {
        if (self.used + 1) * 5 > self.tags.len() * 4 {
            self.rebuild();
        }
        self.topics += 1;
        self.collided |= self.find_hashed(topic, hash, Certainty::Hash).is_some();
        let at = self.fill_slot(Entry { hash, value: None }, Octets::new(topic));
        match self.lengths.binary_search_by_key(&topic.len(), |(len, _)| *len) {
            Ok(at) => self.lengths[at].1 += 1,
            Err(at) => self.lengths.insert(at, (topic.len(), 1)),
        }
        at
    }

    /// Makes slots for the topics there are and half as many again as are worth the work.
    #[cold]
    fn rebuild(&mut self) {
        let mut slots = self.tags.len().max(8);
        if self.topics * 10 >= slots * 7 {
            slots += slots / 2;
        }
        self.tags = vec![EMPTY; slots].into_boxed_slice();
        self.used = 0;
        let entries = std::mem::replace(&mut self.entries, (0..slots).map(|_| Entry::NOTHING).collect());
        let octets = std::mem::replace(&mut self.octets, (0..slots).map(|_| Octets::EMPTY).collect());
        for (entry, octets) in entries.into_iter().zip(octets) {
            if entry.value.is_some() {
                self.fill_slot(entry, octets);
            }
        }
    }

    fn fill_slot(&mut self, entry: Entry<V>, octets: Octets) -> usize {
        let mut at = home(entry.hash, self.tags.len());
        while self.tags[at] > LEFT {
            at = self.behind(at);
        }
        self.used += usize::from(self.tags[at] == EMPTY);
        self.tags[at] = tag(entry.hash);
        self.entries[at] = entry;
        self.octets[at] = octets;
        at
    }
}

/// Where the search for a hash begins, of so many slots.
#[inline]
const fn home(hash: u64, slots: usize) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "less than the number of slots")]
    {
        ((hash as u128 * slots as u128) >> 64) as usize
    }
}

/// What a slot shows of a hash: an octet that is neither [`EMPTY`] nor [`LEFT`].
#[inline]
const fn tag(hash: u64) -> u8 {
    let tag = hash.to_le_bytes()[0];
    if tag > LEFT { tag } else { tag + 2 }
}

impl Octets {
    /// As many octets as fit beside the tag and the length in 48.
    const SHORT: usize = 46;
    const EMPTY: Self = Self::Short { len: 0, octets: [0; Self::SHORT] };

    fn new(topic: &[u8]) -> Self {
        if topic.len() > Self::SHORT {
            return Self::Long(topic.into());
        }
        let mut octets = [0; Self::SHORT];
        octets[..topic.len()].copy_from_slice(topic);
        #[expect(clippy::cast_possible_truncation, reason = "at most 46")]
        let len = topic.len() as u8;
        Self::Short { len, octets }
    }

    #[inline]
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short { len, octets } => &octets[..usize::from(*len).min(Self::SHORT)],
            Self::Long(octets) => octets,
        }
    }
}

/// See [`Topics::prefixes`].
pub(crate) struct Prefixes<'a, V> {
    topics: &'a Topics<V>,
    lengths: std::slice::Iter<'a, (usize, usize)>,
    hash: Running<'a>,
    certainty: Certainty,
}

impl<'a, V> Iterator for Prefixes<'a, V> {
    type Item = &'a V;

    #[inline]
    fn next(&mut self) -> Option<&'a V> {
        loop {
            let (len, _) = self.lengths.next()?;
            let prefix = self.hash.subject.get(..*len)?;
            if let Some(Slot(at)) = self.topics.find_hashed(prefix, self.hash.of_prefix(*len), self.certainty) {
                return self.topics.entries[at].value.as_ref();
            }
        }
    }
}

/// Hashes of longer and longer prefixes of a subject.
struct Running<'a> {
    subject: &'a [u8],
    /// Octets in `state`, a multiple of 8.
    taken: usize,
    state: u64,
}

impl<'a> Running<'a> {
    #[inline]
    fn new(subject: &'a [u8], seed: u64) -> Self {
        Self { subject, taken: 0, state: seed }
    }

    /// The hash of the first `len` octets, which are there and not fewer than the last time.
    #[inline]
    fn of_prefix(&mut self, len: usize) -> u64 {
        while len - self.taken >= 8 {
            self.state = fold(self.state ^ self.word(), K[0]);
            self.taken += 8;
        }
        let left = len - self.taken;
        // The octets behind the prefix are shifted out, and the length tells what is left from zeros.
        let rest = if left == 0 { 0 } else { self.word() << (64 - 8 * left) };
        fold(self.state ^ rest, K[1] ^ len as u64)
    }

    /// The next 8 octets, the first of them lowest, or as many as there are.
    #[inline]
    fn word(&self) -> u64 {
        let next = &self.subject[self.taken..];
        if let Some(word) = next.first_chunk::<8>() {
            return u64::from_le_bytes(*word);
        }
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(next) {
            *to = *from;
        }
        u64::from_le_bytes(word)
    }
}

#[inline]
fn hash(topic: &[u8], seed: u64) -> u64 {
    Running::new(topic, seed).of_prefix(topic.len())
}

/// Two odd numbers without a pattern: digits of pi.
const K: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345];

/// Both halves of the product, so that each bit of `a` reaches all others.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "the halves of the product")]
    {
        product as u64 ^ (product >> 64) as u64
    }
}

#[cfg(test)]
impl<V> Topics<V> {
    /// Panics unless the parts of the table agree.
    pub(crate) fn check(&self) {
        assert_eq!(self.tags.iter().filter(|tag| **tag > LEFT).count(), self.topics);
        assert_eq!(self.tags.iter().filter(|tag| **tag != EMPTY).count(), self.used);
        assert_eq!(self.lengths.iter().map(|(_, n)| n).sum::<usize>(), self.topics);
        assert!(self.lengths.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!((self.entries.len(), self.octets.len()), (self.tags.len(), self.tags.len()));
        assert!(self.used * 5 <= self.tags.len() * 4);
        for (at, (entry, octets)) in self.entries.iter().zip(&self.octets).enumerate() {
            assert_eq!(entry.value.is_some(), self.tags[at] > LEFT);
            let found = self.find(octets.as_slice());
            assert!(entry.value.is_none() || found == Some(Slot(at)), "{octets:?} cannot be found");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(topics: &Topics<u32>, certainty: Certainty) -> Vec<u32> {
        topics.prefixes(b"topic and more", certainty).copied().collect()
    }

    /// A hash that another topic has as well is made by putting other octets in its place.
    #[test]
    fn where_hashes_are_no_evidence_octets_are_compared() {
        let mut topics = Topics::seeded(1);
        topics.get_or_insert_with(b"topic", || 1);
        assert_eq!(found(&topics, Certainty::Hash), [1]);
        let Slot(at) = topics.find(b"topic").unwrap();
        topics.octets[at] = Octets::new(b"other");
        assert_eq!((found(&topics, Certainty::Hash), found(&topics, Certainty::Octets)), (vec![1], vec![]));
        topics.get_or_insert_with(b"topic", || 2);
        assert_eq!(found(&topics, Certainty::Hash), [2], "two topics have the hash: it says nothing any more");
        let hash = hash(b"topic", topics.seed);
        assert_eq!(topics.count_where(hash, |_| true), 2);
        let slot = topics.find_where(hash, |value| *value == 2).unwrap();
        assert_eq!(topics.topic(slot), b"topic");
    }

    #[test]
    fn tags_say_neither_empty_nor_left() {
        for hash in [0, 1, 2, 0xff, 0x0100, u64::MAX] {
            assert!(tag(hash) > LEFT);
        }
        assert_eq!([home(0, 12), home(u64::MAX, 12), home(u64::MAX / 2 + 1, 12)], [0, 11, 6]);
    }
}
