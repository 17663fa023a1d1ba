//! Sockets: options, endpoints, parts.

use std::ffi::{CStr, CString, c_int, c_void};

use crate::context::Context;
use crate::descriptor::Descriptor;
use crate::error::Error;
use crate::message::Message;
use crate::symbols::{PollItem, RawMessage, Symbols};

/// A socket. It may move to another thread and is never shared; dropping it closes it, with its linger.
pub struct Socket {
    raw: *mut c_void,
    /// Keeps context and library alive until the socket is closed.
    context: Context,
}

// SAFETY: libzmq allows a socket to move between threads with a full fence, which every safe way of moving it has.
// The raw pointer keeps it from being `Sync`.
unsafe impl Send for Socket {}

/// How to send or receive a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(c_int);

impl Flags {
    /// Block as long as the socket's timeout says; last part.
    pub const NONE: Self = Self(0);
    /// `EAGAIN` rather than blocking.
    pub const DONT_WAIT: Self = Self(1);
    /// Another part follows.
    pub const MORE: Self = Self(2);

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One received part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its octets.
    pub bytes: Vec<u8>,
    /// Whether another part of the same message follows.
    pub more: bool,
    /// Those of the asked-for properties that the message has.
    pub properties: Vec<(String, String)>,
}

impl Socket {
    /// # Safety
    ///
    /// `raw` must be a socket of `context` that nobody else closes.
    pub(crate) unsafe fn from_raw(context: Context, raw: *mut c_void) -> Self {
        Self { raw, context }
    }

    /// The context it was made of.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Sets an option that takes a C `int`.
    ///
    /// # Errors
    ///
    /// `EINVAL` for an unknown option or value, `ETERM` after shutdown.
    pub fn set_int(&self, option: i32, value: i32) -> Result<(), Error> {
        self.set_bytes(option, &value.to_ne_bytes())
    }

    /// Sets an option that takes an `int64_t` or `uint64_t`.
    ///
    /// # Errors
    ///
    /// As [`Socket::set_int`].
    pub fn set_i64(&self, option: i32, value: i64) -> Result<(), Error> {
        self.set_bytes(option, &value.to_ne_bytes())
    }

    /// Sets an option that takes octets or text.
    ///
    /// # Errors
    ///
    /// As [`Socket::set_int`].
    pub fn set_bytes(&self, option: i32, value: &[u8]) -> Result<(), Error> {
        // Old releases read options that are texts up to a NUL, whatever the length says.
        let terminated = [value, &[0]].concat();
        // SAFETY: pointer and length describe the front of `terminated`, which lives through the call.
        let done = unsafe { (self.symbols().setsockopt)(self.raw, option, terminated.as_ptr().cast(), value.len()) };
        self.checked(done, "zmq_setsockopt")
    }

    /// Reads an option that is a C `int`.
    ///
    /// # Errors
    ///
    /// `EINVAL` for an unknown option, `ETERM` after shutdown.
    pub fn get_int(&self, option: i32) -> Result<i32, Error> {
        let value = self.get_bytes(option, size_of::<i32>())?;
        let octets = value.try_into().map_err(|_| Error::invalid("zmq_getsockopt", "the option is not an int"))?;
        Ok(i32::from_ne_bytes(octets))
    }

    /// Reads an option that is an `int64_t` or `uint64_t`.
    ///
    /// # Errors
    ///
    /// As [`Socket::get_int`].
    pub fn get_i64(&self, option: i32) -> Result<i64, Error> {
        let value = self.get_bytes(option, size_of::<i64>())?;
        let octets =
            value.try_into().map_err(|_| Error::invalid("zmq_getsockopt", "the option is not 64 bits wide"))?;
        Ok(i64::from_ne_bytes(octets))
    }

    /// Reads an option of up to `capacity` octets. Text comes with its NUL. Some options (keys) accept exact
    /// capacities only.
    ///
    /// # Errors
    ///
    /// As [`Socket::get_int`]; `EINVAL` also where the capacity does not suit.
    pub fn get_bytes(&self, option: i32, capacity: usize) -> Result<Vec<u8>, Error> {
        let mut value = vec![0; capacity];
        let mut len = capacity;
        // SAFETY: pointer and length describe `value`; the library writes at most `len` octets and updates it.
        let done = unsafe { (self.symbols().getsockopt)(self.raw, option, value.as_mut_ptr().cast(), &raw mut len) };
        self.checked(done, "zmq_getsockopt")?;
        value.truncate(len);
        Ok(value)
    }

    /// Binds.
    ///
    /// # Errors
    ///
    /// `EADDRINUSE`, `EINVAL`, `EPROTONOSUPPORT` and others.
    pub fn bind(&self, endpoint: &str) -> Result<(), Error> {
        self.on_endpoint(endpoint, self.symbols().bind, "zmq_bind")
    }

    /// Connects; returns before the connection is up.
    ///
    /// # Errors
    ///
    /// `EINVAL`, `EPROTONOSUPPORT` and others.
    pub fn connect(&self, endpoint: &str) -> Result<(), Error> {
        self.on_endpoint(endpoint, self.symbols().connect, "zmq_connect")
    }

    /// Undoes a bind.
    ///
    /// # Errors
    ///
    /// `ENOENT` if it was not bound there.
    pub fn unbind(&self, endpoint: &str) -> Result<(), Error> {
        self.on_endpoint(endpoint, self.symbols().unbind, "zmq_unbind")
    }

    /// Undoes a connect.
    ///
    /// # Errors
    ///
    /// `ENOENT` if it was not connected there.
    pub fn disconnect(&self, endpoint: &str) -> Result<(), Error> {
        self.on_endpoint(endpoint, self.symbols().disconnect, "zmq_disconnect")
    }

    /// The endpoint of the last bind or connect, with the port that the system chose.
    ///
    /// # Errors
    ///
    /// As [`Socket::get_int`].
    pub fn last_endpoint(&self) -> Result<String, Error> {
        let mut text = self.get_bytes(crate::names::LAST_ENDPOINT, 1024)?;
        while text.last() == Some(&0) {
            text.pop();
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// `ZMQ_EVENTS`: 1 readable, 2 writable. Reading it also lets the library do its pending work.
    ///
    /// # Errors
    ///
    /// `ETERM` after shutdown.
    pub fn events(&self) -> Result<i32, Error> {
        self.get_int(crate::names::EVENTS)
    }

    /// The descriptor that becomes readable when [`Socket::events`] may have changed.
    ///
    /// # Errors
    ///
    /// `ETERM` after shutdown.
    pub fn descriptor(&self) -> Result<Descriptor, Error> {
        self.get_int(crate::names::FD).map(Descriptor::new)
    }

    /// Waits for events (1 readable, 2 writable) for so many milliseconds, and says which came.
    ///
    /// # Errors
    ///
    /// `ETERM` after shutdown, `EINTR`.
    pub fn poll(&self, events: i16, timeout_ms: i32) -> Result<i16, Error> {
        let mut item = PollItem { socket: self.raw, fd: 0, events, revents: 0 };
        // SAFETY: one item, which lives through the call.
        let ready = unsafe { (self.symbols().poll)(&raw mut item, 1, timeout_ms.into()) };
        if ready < 0 { Err(self.context.library().last_error("zmq_poll")) } else { Ok(item.revents) }
    }

    /// Waits until one of these has events (1 readable, 2 writable), for so many milliseconds, and says which each has.
    ///
    /// # Errors
    ///
    /// As [`Socket::poll`]; `EINVAL` where there are none, or they are of several libraries.
    pub fn poll_any(sockets: &[&Self], events: i16, timeout_ms: i32) -> Result<Vec<i16>, Error> {
        let library = sockets.first().map(|socket| socket.context.library());
        let Some(library) = library.filter(|library| sockets.iter().all(|other| library.is(other.context.library())))
        else {
            return Err(Error::invalid("zmq_poll", "sockets of one library are expected"));
        };
        let item = |socket: &&Self| PollItem { socket: socket.raw, fd: 0, events, revents: 0 };
        let mut items: Vec<PollItem> = sockets.iter().map(item).collect();
        let count = c_int::try_from(items.len()).unwrap_or(c_int::MAX);
        // SAFETY: so many items, which live through the call.
        let ready = unsafe { (library.symbols().poll)(items.as_mut_ptr(), count, timeout_ms.into()) };
        if ready < 0 {
            Err(library.last_error("zmq_poll"))
        } else {
            Ok(items.iter().map(|item| item.revents).collect())
        }
    }

    /// Sends one part.
    ///
    /// # Errors
    ///
    /// `EAGAIN`, `EFSM`, `EHOSTUNREACH`, `ENOTSUP`, `ETERM` and others; the part was not sent then.
    pub fn send_part(&self, part: &[u8], flags: Flags) -> Result<(), Error> {
        // SAFETY: pointer and length describe `part`; the library copies it.
        let sent = unsafe { (self.symbols().send)(self.raw, part.as_ptr().cast(), part.len(), flags.0) };
        self.checked(sent, "zmq_send")
    }

    /// Receives one part, and those of its properties that are asked for by name (`Peer-Address`, `User-Id` …).
    ///
    /// # Errors
    ///
    /// `EAGAIN`, `EFSM`, `ENOTSUP`, `ETERM` and others.
    pub fn recv_part(&self, flags: Flags, properties: &[&CStr]) -> Result<Received, Error> {
        let symbols = self.symbols();
        let mut raw = RawMessage([0; 64]);
        let message = &raw mut raw;
        // SAFETY: `message` is large enough for any version's zmq_msg_t, is initialised before any other use, and is
        // closed exactly once; the data pointer is read before that.
        unsafe {
            (symbols.msg_init)(message);
            if (symbols.msg_recv)(message, self.raw, flags.0) < 0 {
                let error = self.context.library().last_error("zmq_msg_recv");
                (symbols.msg_close)(message);
                return Err(error);
            }
            let len = (symbols.msg_size)(message);
            let data = (symbols.msg_data)(message).cast::<u8>();
            let bytes = if len == 0 { Vec::new() } else { std::slice::from_raw_parts(data, len).to_vec() };
            let more = (symbols.msg_more)(message) != 0;
            let found = properties.iter().filter_map(|name| property(symbols, message, name)).collect();
            (symbols.msg_close)(message);
            Ok(Received { bytes, more, properties: found })
        }
    }

    /// Receives one part into `message`, and gives the number of its octets. What `message` held before is gone.
    ///
    /// # Errors
    ///
    /// As [`Socket::recv_part`]; `EINVAL` for a message of another library.
    pub fn recv_message(&self, message: &mut Message, flags: Flags) -> Result<usize, Error> {
        if !message.library().is(self.context.library()) {
            return Err(Error::invalid("zmq_msg_recv", "the message is of another library"));
        }
        // SAFETY: an initialised message of the same library.
        let len = unsafe { (self.symbols().msg_recv)(message.raw(), self.raw, flags.0) };
        usize::try_from(len).map_err(|_| self.context.library().last_error("zmq_msg_recv"))
    }

    /// Asks for every monitor event of this socket at an `inproc://` endpoint.
    pub(crate) fn start_monitor(&self, endpoint: &str) -> Result<(), Error> {
        let endpoint = c_string(endpoint, "zmq_socket_monitor")?;
        // SAFETY: a NUL-terminated string that lives through the call.
        let done = unsafe { (self.symbols().socket_monitor)(self.raw, endpoint.as_ptr(), crate::names::EVENT_ALL) };
        self.checked(done, "zmq_socket_monitor")
    }

    fn on_endpoint(
        &self,
        endpoint: &str,
        function: unsafe extern "C" fn(*mut c_void, *const std::ffi::c_char) -> c_int,
        call: &'static str,
    ) -> Result<(), Error> {
        let endpoint = c_string(endpoint, call)?;
        // SAFETY: the socket is alive, and the string NUL-terminated.
        let done = unsafe { function(self.raw, endpoint.as_ptr()) };
        self.checked(done, call)
    }

    fn checked(&self, returned: c_int, call: &'static str) -> Result<(), Error> {
        if returned < 0 { Err(self.context.library().last_error(call)) } else { Ok(()) }
    }

    fn symbols(&self) -> &Symbols {
        self.context.library().symbols()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: the only owner closes it once; the context is still alive.
        unsafe { (self.symbols().close)(self.raw) };
    }
}

/// # Safety
///
/// `message` must be an initialised message.
unsafe fn property(symbols: &Symbols, message: *const RawMessage, name: &CStr) -> Option<(String, String)> {
    let gets = symbols.msg_gets?;
    // SAFETY: the message is alive; the string that comes back lives as long as the message, and is copied.
    let value = unsafe {
        let value = gets(message, name.as_ptr());
        if value.is_null() {
            return None;
        }
        CStr::from_ptr(value).to_string_lossy().into_owned()
    };
    Some((name.to_string_lossy().into_owned(), value))
}

fn c_string(text: &str, call: &'static str) -> Result<CString, Error> {
    CString::new(text).map_err(|_| Error::invalid(call, "the text contains a zero octet"))
}
