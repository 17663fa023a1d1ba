//! The octets of one direction, from what the writer wrote last to what the reader has not read.

/// A ring that doubles when it is full and keeps its memory.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    bytes: Box<[u8]>,
    /// Where the first octet is; below the length, which is a power of two or 0.
    start: usize,
    len: usize,
}

impl Ring {
    pub(crate) fn clear(&mut self) {
        self.start = 0;
        self.len = 0;
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.bytes.len() - self.len < bytes.len() {
            self.grow(bytes.len());
        }
        let at = (self.start + self.len) & (self.bytes.len() - 1);
        self.len += bytes.len();
        if let Some(place) = self.bytes.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
            return;
        }
        let (first, second) = bytes.split_at(self.bytes.len() - at);
        self.bytes[at..].copy_from_slice(first);
        self.bytes[..second.len()].copy_from_slice(second);
    }

    /// Takes the first octets, as many as fit.
    pub(crate) fn pop(&mut self, into: &mut [u8]) {
        debug_assert!(into.len() <= self.len, "no more is taken than is there");
        if into.is_empty() {
            return;
        }
        let at = self.start;
        self.start = (at + into.len()) & (self.bytes.len() - 1);
        self.len -= into.len();
        if let Some(place) = self.bytes.get(at..at + into.len()) {
            into.copy_from_slice(place);
            return;
        }
        let (first, second) = into.split_at_mut(self.bytes.len() - at);
        first.copy_from_slice(&self.bytes[at..]);
        second.copy_from_slice(&self.bytes[..second.len()]);
    }

    /// `len` octets from the `from`th on, in at most two pieces.
    pub(crate) fn peek(&self, from: usize, len: usize) -> (&[u8], &[u8]) {
        debug_assert!(from + len <= self.len, "no more is looked at than is there");
        if len == 0 {
            return (&[], &[]);
        }
        let at = (self.start + from) & (self.bytes.len() - 1);
        let first = len.min(self.bytes.len() - at);
        (&self.bytes[at..at + first], &self.bytes[..len - first])
    }

    #[cold]
    fn grow(&mut self, by: usize) {
        let capacity = (self.len + by).next_power_of_two().max(SMALLEST);
        let mut bytes = vec![0; capacity].into_boxed_slice();
        let (first, second) = self.peek(0, self.len);
        bytes[..first.len()].copy_from_slice(first);
        bytes[first.len()..first.len() + second.len()].copy_from_slice(second);
        self.bytes = bytes;
        self.start = 0;
    }
}

const SMALLEST: usize = 256;
