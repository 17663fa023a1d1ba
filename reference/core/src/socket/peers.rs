//! Ids of peers, and lists indexed by them.

use std::sync::{Arc, Mutex, PoisonError};

use super::peer::PeerId;

/// Gives out the ids of one socket's peers.
#[derive(Debug, Default)]
pub struct PeerIds {
    ids: Mutex<Ids>,
}

#[derive(Debug, Default)]
struct Ids {
    /// Generation of each index that was ever given out.
    generations: Vec<u32>,
    free: Vec<u32>,
}

/// A peer's id for as long as anything of the peer is left; then its index is free for another.
#[derive(Debug)]
pub struct Lease {
    id: PeerId,
    ids: Arc<PeerIds>,
}

impl Lease {
    /// The id.
    #[must_use]
    pub const fn id(&self) -> PeerId {
        self.id
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut ids = self.ids.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = &mut ids.generations[self.id.index()];
        *generation = generation.wrapping_add(1);
        ids.free.push(self.id.index);
    }
}

impl PeerIds {
    /// An id that no living peer has.
    #[must_use]
    pub fn lease(self: &Arc<Self>) -> Arc<Lease> {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let index = ids.free.pop().unwrap_or_else(|| {
            ids.generations.push(0);
            u32::try_from(ids.generations.len() - 1).expect("descriptors end before four thousand million peers")
        });
        let generation = ids.generations[index as usize];
        Arc::new(Lease { id: PeerId { index, generation }, ids: Arc::clone(self) })
    }
}

/// Values by peer; found by index, in the order of indices.
#[derive(Debug)]
pub struct PeerMap<T> {
    entries: Vec<Option<(PeerId, T)>>,
    len: usize,
}

impl<T> Default for PeerMap<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), len: 0 }
    }
}

impl<T> PeerMap<T> {
    /// Puts a value in; gives back what was there, which may be of an earlier peer of the same index.
    pub fn insert(&mut self, peer: PeerId, value: T) -> Option<T> {
        if self.entries.len() <= peer.index() {
            self.entries.resize_with(peer.index() + 1, || None);
        }
        let before = self.entries[peer.index()].replace((peer, value));
        if before.is_none() {
            self.len += 1;
        }
        before.map(|(_, value)| value)
    }

    /// The value of this very peer.
    #[inline]
    #[must_use]
    pub fn get(&self, peer: PeerId) -> Option<&T> {
        match self.entries.get(peer.index()) {
            Some(Some((id, value))) if *id == peer => Some(value),
            Some(_) | None => None,
        }
    }

    /// The value of this very peer.
    #[inline]
    #[must_use]
    pub fn get_mut(&mut self, peer: PeerId) -> Option<&mut T> {
        match self.entries.get_mut(peer.index()) {
            Some(Some((id, value))) if *id == peer => Some(value),
            Some(_) | None => None,
        }
    }

    /// Takes the value of this very peer out.
    pub fn remove(&mut self, peer: PeerId) -> Option<T> {
        let entry = self.entries.get_mut(peer.index())?;
        if entry.as_ref().is_none_or(|(id, _)| *id != peer) {
            return None;
        }
        self.len -= 1;
        entry.take().map(|(_, value)| value)
    }

    /// Peers and values, in the order of indices.
    pub fn iter(&self) -> impl Iterator<Item = (PeerId, &T)> {
        self.entries.iter().flatten().map(|(id, value)| (*id, value))
    }

    /// Peers and values, in the order of indices.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (PeerId, &mut T)> {
        self.entries.iter_mut().flatten().map(|(id, value)| (*id, value))
    }

    /// Number of values.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_given_out_again_with_another_generation() {
        let ids = Arc::<PeerIds>::default();
        let (first, second) = (ids.lease(), ids.lease());
        let before = first.id();
        assert_ne!(before, second.id());
        drop(first);
        let third = ids.lease();
        assert_eq!(third.id().index(), before.index());
        assert_ne!(third.id(), before);
    }

    #[test]
    fn a_map_tells_a_peer_from_an_earlier_one() {
        let ids = Arc::<PeerIds>::default();
        let mut map = PeerMap::default();
        let old = ids.lease().id();
        map.insert(old, "old");
        let new = ids.lease().id();
        assert_eq!(old.index(), new.index());
        assert_eq!((map.get(old), map.get(new)), (Some(&"old"), None));
        assert_eq!(map.insert(new, "new"), Some("old"));
        assert_eq!((map.remove(old), map.len()), (None, 1));
        assert_eq!((map.remove(new), map.is_empty()), (Some("new"), true));
    }
}
