//! Topics: values found by all the topics that a subject begins with.
//!
//! ```text
//!   subject "weather.rome"     lengths of topics: 0, 8, 12
//!     ""             ──hash──► slot ──► entry
//!     "weather."     ──hash──► slot ──► entry { topic, value }
//!     "weather.rome" ──hash──► slot ──► nothing
//! ```
//!
//! A table of hashes, and one look into it for each length that any topic has and that the subject is not shorter than;
//! the hashes of all prefixes come of one pass. It is never more than one look for each octet of the subject, and time in
//! proportion to the length of a topic to add or remove it. Nothing recurs: a topic of a megabyte needs no stack.
//!
//! What is read to find an entry is 5 octets for each slot, which of a hundred thousand topics fits into a second-level
//! cache; so that a topic that matches costs one miss beyond it, where a trie has several one after another.
//!
//! Topics come from peers, who could choose them to collide; so the hash has a seed, which is drawn at random where the
//! socket is made. The order of results does not depend on it.

/// Values by topic.
#[derive(Debug)]
pub(crate) struct Topics<V> {
    entries: Vec<Entry<V>>,
    free: Vec<EntryId>,
    /// What each slot has: [`EMPTY`], [`LEFT`], or an octet of the hash of its topic. A power of two of them.
    tags: Box<[u8]>,
    /// The entries of slots that have one.
    ids: Box<[EntryId]>,
    /// Slots that are not empty.
    used: usize,
    /// The lengths of all topics, ascending, and how many have each.
    lengths: Vec<(usize, usize)>,
    topics: usize,
    seed: u64,
}

/// An entry, which keeps its id while it has a value.
pub(crate) type EntryId = u32;

/// One cache line, nothing else being needed to know that a topic matches and who wants it.
#[derive(Debug)]
#[repr(align(64))]
struct Entry<V> {
    topic: Octets,
    value: Option<V>,
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

const _: () = assert!(size_of::<Entry<[u32; 3]>>() == 64, "an entry is one cache line");

impl<V> Topics<V> {
    /// No topics. Whoever knows the seed can choose topics that are slow to find.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            tags: Box::default(),
            ids: Box::default(),
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
    pub(crate) fn get_or_insert_with(&mut self, topic: &[u8], make: impl FnOnce() -> V) -> (EntryId, &mut V) {
        let hash = hash(topic, self.seed);
        let entry = match self.find_hashed(topic, hash) {
            Some(entry) => entry,
            None => self.insert(topic, hash),
        };
        (entry, self.entries[entry as usize].value.get_or_insert_with(make))
    }

    /// The entry of a topic.
    pub(crate) fn find(&self, topic: &[u8]) -> Option<EntryId> {
        self.find_hashed(topic, hash(topic, self.seed))
    }

    /// The value of an entry.
    pub(crate) fn get_mut(&mut self, entry: EntryId) -> Option<&mut V> {
        self.entries.get_mut(entry as usize)?.value.as_mut()
    }

    /// The topic of an entry; empty for what is none.
    pub(crate) fn topic(&self, entry: EntryId) -> &[u8] {
        self.entries.get(entry as usize).map_or(&[], |entry| entry.topic.as_slice())
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, entry: EntryId) -> Option<V> {
        let value = self.entries.get_mut(entry as usize)?.value.take()?;
        self.topics -= 1;
        if self.topics == 0 {
            // Whoever had a hundred thousand topics may never have as many again.
            (self.entries, self.free, self.lengths) = (Vec::new(), Vec::new(), Vec::new());
            (self.tags, self.ids, self.used) = (Box::default(), Box::default(), 0);
            return Some(value);
        }
        let topic = std::mem::replace(&mut self.entries[entry as usize].topic, Octets::EMPTY);
        self.clear_slot(hash(topic.as_slice(), self.seed), entry);
        self.free.push(entry);
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
    pub(crate) fn prefixes<'a>(&'a self, subject: &'a [u8]) -> Prefixes<'a, V> {
        Prefixes { topics: self, lengths: self.lengths.iter(), hash: Running::new(subject, self.seed) }
    }

    #[inline]
    fn find_hashed(&self, topic: &[u8], hash: u64) -> Option<EntryId> {
        let mask = self.tags.len().checked_sub(1)?;
        let tag = tag(hash);
        let mut at = home(hash, mask);
        loop {
            let found = self.tags[at];
            if found == EMPTY {
                return None;
            }
            if found == tag {
                let entry = self.ids[at];
                if self.entries[entry as usize].topic.as_slice() == topic {
                    return Some(entry);
                }
            }
            at = (at + 1) & mask;
        }
    }

    fn insert(&mut self, topic: &[u8], hash: u64) -> EntryId {
        if (self.used + 1) * 5 > self.tags.len() * 4 {
            self.rebuild();
        }
        self.topics += 1;
        let new = Entry { topic: Octets::new(topic), value: None };
        let entry = if let Some(entry) = self.free.pop() {
            self.entries[entry as usize] = new;
            entry
        } else {
            if self.entries.len() == self.entries.capacity() {
                // Doubling would leave half of many megabytes unused.
                self.entries.reserve_exact(self.entries.len() / 8 + 4);
            }
            self.entries.push(new);
            EntryId::try_from(self.entries.len() - 1).expect("memory ends before four thousand million topics")
        };
        self.fill_slot(hash, entry);
        match self.lengths.binary_search_by_key(&topic.len(), |(len, _)| *len) {
            Ok(at) => self.lengths[at].1 += 1,
            Err(at) => self.lengths.insert(at, (topic.len(), 1)),
        }
        entry
    }

    /// Makes slots for the topics there are and as many again as are worth the work.
    #[cold]
    fn rebuild(&mut self) {
        let mut slots = self.tags.len().max(8);
        if self.topics * 5 >= slots * 3 {
            slots *= 2;
        }
        self.tags = vec![EMPTY; slots].into_boxed_slice();
        self.ids = vec![0; slots].into_boxed_slice();
        self.used = 0;
        for id in 0..self.entries.len() {
            let entry = &self.entries[id];
            if entry.value.is_some() {
                let hash = hash(entry.topic.as_slice(), self.seed);
                self.fill_slot(hash, EntryId::try_from(id).expect("it was one before"));
            }
        }
    }

    fn fill_slot(&mut self, hash: u64, entry: EntryId) {
        let mask = self.tags.len() - 1;
        let mut at = home(hash, mask);
        while self.tags[at] > LEFT {
            at = (at + 1) & mask;
        }
        self.used += usize::from(self.tags[at] == EMPTY);
        self.tags[at] = tag(hash);
        self.ids[at] = entry;
    }

    fn clear_slot(&mut self, hash: u64, entry: EntryId) {
        let mask = self.tags.len() - 1;
        let mut at = home(hash, mask);
        while self.tags[at] != tag(hash) || self.ids[at] != entry {
            at = (at + 1) & mask;
        }
        if self.tags[(at + 1) & mask] == EMPTY {
            self.tags[at] = EMPTY;
            self.used -= 1;
        } else {
            self.tags[at] = LEFT;
        }
    }
}

/// Where the search for a hash begins.
#[inline]
const fn home(hash: u64, mask: usize) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "there are no more slots than a usize counts")]
    {
        hash as usize & mask
    }
}

/// What a slot shows of a hash: an octet that is neither [`EMPTY`] nor [`LEFT`].
#[inline]
const fn tag(hash: u64) -> u8 {
    let tag = hash.to_be_bytes()[0];
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
}

impl<'a, V> Iterator for Prefixes<'a, V> {
    type Item = &'a V;

    #[inline]
    fn next(&mut self) -> Option<&'a V> {
        loop {
            let (len, _) = self.lengths.next()?;
            let prefix = self.hash.subject.get(..*len)?;
            if let Some(entry) = self.topics.find_hashed(prefix, self.hash.of_prefix(*len)) {
                return self.topics.entries[entry as usize].value.as_ref();
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
        assert_eq!(self.entries.len(), self.topics + self.free.len());
        assert!(self.used * 5 <= self.tags.len() * 4);
        for (id, entry) in self.entries.iter().enumerate() {
            let found = self.find(entry.topic.as_slice()).map(|found| found as usize);
            assert!(entry.value.is_none() || found == Some(id), "{:?} cannot be found", entry.topic);
        }
    }
}
