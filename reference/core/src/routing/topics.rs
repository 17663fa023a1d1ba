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
//! the hashes of all prefixes come of one pass. Among a hundred thousand topics that costs two cache misses for each
//! topic that matches, where a trie has several one after another. It is never more than one look for each octet of the
//! subject, and time in proportion to the length of a topic to add or remove it. Nothing recurs: a topic of a megabyte
//! needs no stack.
//!
//! Topics come from peers, who could choose them to collide; so the hash has a seed, which is drawn at random where the
//! socket is made. The order of results does not depend on it.

/// Values by topic.
#[derive(Debug)]
pub(crate) struct Topics<V> {
    entries: Vec<Entry<V>>,
    free: Vec<EntryId>,
    /// A power of two of them, at most half in use.
    slots: Box<[Slot]>,
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

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    hash: u32,
    /// 0 for nothing, else one more than the id.
    entry: u32,
}

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
            slots: Box::default(),
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
            self.slots = Box::default();
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
    fn find_hashed(&self, topic: &[u8], hash: u32) -> Option<EntryId> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.entry == 0 {
                return None;
            }
            if slot.hash == hash {
                let entry = slot.entry - 1;
                if self.entries[entry as usize].topic.as_slice() == topic {
                    return Some(entry);
                }
            }
            at = (at + 1) & mask;
        }
    }

    fn insert(&mut self, topic: &[u8], hash: u32) -> EntryId {
        self.topics += 1;
        if self.topics * 2 > self.slots.len() {
            self.grow();
        }
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
        self.fill_slot(Slot { hash, entry: entry + 1 });
        match self.lengths.binary_search_by_key(&topic.len(), |(len, _)| *len) {
            Ok(at) => self.lengths[at].1 += 1,
            Err(at) => self.lengths.insert(at, (topic.len(), 1)),
        }
        entry
    }

    fn grow(&mut self) {
        let slots = vec![Slot::default(); (self.slots.len() * 2).max(8)].into_boxed_slice();
        for slot in std::mem::replace(&mut self.slots, slots) {
            if slot.entry != 0 {
                self.fill_slot(slot);
            }
        }
    }

    fn fill_slot(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut at = slot.hash as usize & mask;
        while self.slots[at].entry != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = slot;
    }

    /// Clears the slot of an entry, and moves those behind it up that are not where their hashes would have them.
    fn clear_slot(&mut self, hash: u32, entry: EntryId) {
        let mask = self.slots.len() - 1;
        let mut hole = hash as usize & mask;
        while self.slots[hole].entry != entry + 1 {
            hole = (hole + 1) & mask;
        }
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let slot = self.slots[at];
            if slot.entry == 0 {
                break;
            }
            let from_home = at.wrapping_sub(slot.hash as usize) & mask;
            if from_home >= at.wrapping_sub(hole) & mask {
                self.slots[hole] = slot;
                hole = at;
            }
        }
        self.slots[hole] = Slot::default();
    }
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
    fn of_prefix(&mut self, len: usize) -> u32 {
        while len - self.taken >= 8 {
            self.state = fold(self.state ^ self.word(), K[0]);
            self.taken += 8;
        }
        let left = len - self.taken;
        // The octets behind the prefix are shifted out, and the length tells what is left from zeros.
        let rest = if left == 0 { 0 } else { self.word() << (64 - 8 * left) };
        let hash = fold(self.state ^ rest, K[1] ^ len as u64);
        (hash >> 32) as u32
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
fn hash(topic: &[u8], seed: u64) -> u32 {
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
        assert_eq!(self.slots.iter().filter(|slot| slot.entry != 0).count(), self.topics);
        assert_eq!(self.lengths.iter().map(|(_, n)| n).sum::<usize>(), self.topics);
        assert!(self.lengths.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(self.entries.len(), self.topics + self.free.len());
        assert!(self.topics * 2 <= self.slots.len());
        for (id, entry) in self.entries.iter().enumerate() {
            let found = self.find(entry.topic.as_slice()).map(|found| found as usize);
            assert!(entry.value.is_none() || found == Some(id), "{:?} cannot be found", entry.topic);
        }
    }
}
