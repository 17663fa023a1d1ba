//! A part that stays in libzmq's own memory, for receiving many without copying any.

use crate::library::Library;
use crate::symbols::RawMessage;

/// A received part. Receiving into it again releases what it held.
pub struct Message {
    /// Boxed: a message is known by its address and does not move.
    raw: Box<RawMessage>,
    library: Library,
}

// SAFETY: libzmq allows a message to move between threads; it is never used from two at once, as it is not `Sync`.
unsafe impl Send for Message {}

impl Message {
    /// An empty part.
    #[must_use]
    pub fn new(library: &Library) -> Self {
        let mut raw = Box::new(RawMessage([0; 64]));
        // SAFETY: large enough for any version's zmq_msg_t; nothing is in it yet.
        unsafe { (library.symbols().msg_init)(&raw mut *raw) };
        Self { raw, library: library.clone() }
    }

    /// Its octets.
    #[must_use]
    pub fn bytes(&mut self) -> &[u8] {
        let symbols = self.library.symbols();
        let raw = &raw mut *self.raw;
        // SAFETY: initialised by `new`; the octets stay where they are until the message is received into or closed,
        // which takes a unique reference.
        unsafe {
            let len = (symbols.msg_size)(raw);
            if len == 0 { &[] } else { std::slice::from_raw_parts((symbols.msg_data)(raw).cast(), len) }
        }
    }

    pub(crate) fn raw(&mut self) -> *mut RawMessage {
        &raw mut *self.raw
    }

    pub(crate) fn library(&self) -> &Library {
        &self.library
    }

    /// Whether another part of the same message follows.
    #[must_use]
    pub fn more(&self) -> bool {
        // SAFETY: initialised by `new`.
        unsafe { (self.library.symbols().msg_more)(&raw const *self.raw) != 0 }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`, and closed here only.
        unsafe { (self.library.symbols().msg_close)(&raw mut *self.raw) };
    }
}
