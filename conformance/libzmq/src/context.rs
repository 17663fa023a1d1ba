//! Contexts: they own the I/O threads, and end when the last socket made of them is closed.

use std::ffi::c_void;
use std::sync::Arc;

use crate::error::Error;
use crate::library::Library;
use crate::socket::Socket;

/// A context. Clones and sockets share it; `zmq_ctx_term` runs when the last of them is gone, so it never waits for
/// a socket that somebody still holds, only for what lingers.
#[derive(Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    library: Library,
    raw: *mut c_void,
}

// SAFETY: libzmq's contexts are thread-safe.
unsafe impl Send for Inner {}
// SAFETY: libzmq's contexts are thread-safe.
unsafe impl Sync for Inner {}

impl Context {
    /// Makes a context.
    ///
    /// # Errors
    ///
    /// libzmq's, for example `EMFILE`.
    pub fn new(library: &Library) -> Result<Self, Error> {
        // SAFETY: takes nothing.
        let raw = unsafe { (library.symbols().ctx_new)() };
        if raw.is_null() {
            return Err(library.last_error("zmq_ctx_new"));
        }
        Ok(Self { inner: Arc::new(Inner { library: library.clone(), raw }) })
    }

    /// Sets a context option by its number.
    ///
    /// # Errors
    ///
    /// `EINVAL` for an unknown option or a value out of range.
    pub fn set(&self, option: i32, value: i32) -> Result<(), Error> {
        // SAFETY: the context is alive as long as `self`.
        match unsafe { (self.library().symbols().ctx_set)(self.inner.raw, option, value) } {
            0 => Ok(()),
            _ => Err(self.library().last_error("zmq_ctx_set")),
        }
    }

    /// Reads a context option by its number.
    ///
    /// # Errors
    ///
    /// `EINVAL` for an unknown option.
    pub fn get(&self, option: i32) -> Result<i32, Error> {
        // SAFETY: the context is alive as long as `self`.
        match unsafe { (self.library().symbols().ctx_get)(self.inner.raw, option) } {
            -1 => Err(self.library().last_error("zmq_ctx_get")),
            value => Ok(value),
        }
    }

    /// Releases every blocked call on this context's sockets with `ETERM`, and refuses further ones. Sockets must
    /// still be closed.
    ///
    /// # Errors
    ///
    /// libzmq's; none is known for a live context.
    pub fn shutdown(&self) -> Result<(), Error> {
        // SAFETY: the context is alive as long as `self`; the function may be called from any thread, repeatedly.
        match unsafe { (self.library().symbols().ctx_shutdown)(self.inner.raw) } {
            0 => Ok(()),
            _ => Err(self.library().last_error("zmq_ctx_shutdown")),
        }
    }

    /// Makes a socket of the type with this number (see [`crate::names::SOCKET_TYPES`]).
    ///
    /// # Errors
    ///
    /// `EINVAL` for an unknown type, `EMFILE` above the limit, `ETERM` after [`Context::shutdown`].
    pub fn socket(&self, kind: i32) -> Result<Socket, Error> {
        // SAFETY: the context is alive as long as `self`.
        let raw = unsafe { (self.library().symbols().socket)(self.inner.raw, kind) };
        if raw.is_null() {
            return Err(self.library().last_error("zmq_socket"));
        }
        // SAFETY: a socket fresh from this context, and nobody else's.
        Ok(unsafe { Socket::from_raw(self.clone(), raw) })
    }

    /// The library that made it.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.inner.library
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: the last owner is gone, and with it every socket. An interrupted call is repeated as documented.
        while unsafe { (self.library.symbols().ctx_term)(self.raw) } != 0 {
            if !self.library.last_error("zmq_ctx_term").is("EINTR") {
                break;
            }
        }
    }
}
