//! Where frames of middling length are put: side by side in blocks that a thread fills again and again.
//!
//! The frames of a sending thread are dropped by the thread that writes them to the link. An allocation for each would
//! be freed on another thread than its own, which costs an allocator more than everything else that happens to a
//! message.

use std::cell::RefCell;

use super::block::Buffer;
use super::{Block, Frame};

/// Frames above this many octets get a block of their own.
pub(super) const LONGEST: usize = 1024;
/// Octets of a block.
const CAPACITY: usize = 16 << 10;
/// Blocks that a thread keeps: as many octets as a few pipes' high-water marks of such frames.
const KEPT: usize = 16;

thread_local! {
    static ARENA: RefCell<Arena> = const { RefCell::new(Arena { buffers: Vec::new(), current: 0 }) };
}

struct Arena {
    buffers: Vec<Buffer>,
    current: usize,
}

/// A frame that holds a copy of `octets`, which are more than fit inline and at most [`LONGEST`].
pub(super) fn copy_of(octets: &[u8]) -> Frame {
    // A thread that is ending has no arena any more.
    ARENA.try_with(|arena| arena.borrow_mut().copy_of(octets)).unwrap_or_else(|_| {
        let block = Block::copy_of(octets);
        let data = std::ptr::NonNull::new(block.octets()).expect("a block is never at address zero");
        Frame::shared(block.into_raw(), data, octets.len())
    })
}

impl Arena {
    #[inline]
    fn copy_of(&mut self, octets: &[u8]) -> Frame {
        let full =
            self.buffers.get(self.current).is_none_or(|buffer| buffer.capacity() - buffer.filled() < octets.len());
        if full {
            self.turn_over();
        }
        let buffer = &mut self.buffers[self.current];
        let start = buffer.filled();
        buffer.append(octets);
        Frame::of(buffer, start, octets.len())
    }

    /// Goes to the block that was filled longest ago. One that still has frames is left to them.
    fn turn_over(&mut self) {
        let next = if self.buffers.len() < KEPT { self.buffers.len() } else { (self.current + 1) % KEPT };
        // While there are fewer than it may keep, the oldest is worth a look before another is made.
        let oldest = if self.buffers.is_empty() { 0 } else { (self.current + 1) % self.buffers.len() };
        if self.buffers.get_mut(oldest).is_some_and(Buffer::clear) {
            self.current = oldest;
            return;
        }
        let fresh = Buffer::with_capacity(CAPACITY);
        if next == self.buffers.len() {
            self.buffers.push(fresh);
        } else {
            self.buffers[next] = fresh;
        }
        self.current = next;
    }
}
