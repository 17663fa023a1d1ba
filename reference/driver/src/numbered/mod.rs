//! Options by libzmq's numbers, in its types and with its errors: for interfaces that are bound to these.
//!
//! Each is a row of a table that leads to the typed option. What libzmq keeps in pieces (a user name, then a password) is
//! kept here until it makes a whole.

#![expect(clippy::unnecessary_wraps, reason = "every row of the table has the same form, and some can fail")]

mod context;
mod given;
mod kept;
mod options;
mod pattern;
mod security;
mod transport;

use zmq_core::pattern::table::SocketType;

use crate::socket::Socket;
pub use context::{ContextOption, NumberedContext};
use given::Given;
pub(crate) use kept::Kept;

/// An option of libzmq.
pub struct NumberedOption {
    /// Its number.
    pub number: i32,
    /// Its name in lower case, without libzmq's prefix.
    pub name: &'static str,
    /// The type of its value.
    pub kind: Kind,
    set: Option<Set>,
    get: Option<Get>,
}

type Set = fn(&Socket, &Given<'_>) -> Result<(), NumberedError>;
type Get = fn(&Socket) -> Result<Value, NumberedError>;

/// The type of an option's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 32 bits in the machine's order of octets.
    Int,
    /// 64 bits in the machine's order of octets.
    Int64,
    /// Text; read with a zero octet behind it.
    Text,
    /// Octets.
    Octets,
    /// A CURVE key: 32 octets, or 40 characters of Z85 with or without a zero octet behind them.
    Key,
}

/// An option's value as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Int(i32),
    Int64(i64),
    Text(String),
    Octets(Vec<u8>),
    Key([u8; 32]),
}

/// Why an option was not set or read.
#[derive(Debug, thiserror::Error)]
pub enum NumberedError {
    /// There is no option of that number, or none of that direction.
    #[error("there is no option {0} that could be {1}")]
    Unknown(i32, &'static str),
    /// A value of another size, or out of range.
    #[error("option {name}: expected {expected}")]
    Value {
        /// The option's name.
        name: &'static str,
        /// What it may be.
        expected: String,
    },
    /// Sockets of this type do not have it.
    #[error("sockets of type {1} do not have the option {0}")]
    Type(&'static str, SocketType),
    /// The value is longer than what it is to be read into.
    #[error("option {name}: its value takes {takes} octets")]
    TooShort {
        /// The option's name.
        name: &'static str,
        /// How many octets are needed.
        takes: usize,
    },
    /// The system refuses.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// The socket is closed, or its context.
    #[error("the socket's context was terminated")]
    Terminated,
}

impl NumberedError {
    /// The number that libzmq gives for this on Linux.
    #[must_use]
    pub fn errno(&self) -> i32 {
        const EINVAL: i32 = 22;
        match self {
            Self::Unknown(..) | Self::Value { .. } | Self::Type(..) | Self::TooShort { .. } => EINVAL,
            Self::System(why) => why.raw_os_error().unwrap_or(EINVAL),
            Self::Terminated => zmq_core::error::RecvError::Terminated.errno(),
        }
    }
}

impl NumberedOption {
    /// Every option that there is.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        [options::TABLE, transport::TABLE, security::TABLE, pattern::TABLE].into_iter().flatten()
    }

    /// Whether it can be set.
    #[must_use]
    pub const fn is_settable(&self) -> bool {
        self.set.is_some()
    }

    /// Whether it can be read.
    #[must_use]
    pub const fn is_gettable(&self) -> bool {
        self.get.is_some()
    }

    const fn both(number: i32, name: &'static str, kind: Kind, set: Set, get: Get) -> Self {
        Self { number, name, kind, set: Some(set), get: Some(get) }
    }

    const fn settable(number: i32, name: &'static str, kind: Kind, set: Set) -> Self {
        Self { number, name, kind, set: Some(set), get: None }
    }

    const fn gettable(number: i32, name: &'static str, kind: Kind, get: Get) -> Self {
        Self { number, name, kind, set: None, get: Some(get) }
    }
}

/// Sets an option.
///
/// # Errors
///
/// [`NumberedError`], with libzmq's errno.
pub fn set(socket: &Socket, number: i32, value: &[u8]) -> Result<(), NumberedError> {
    if socket.inner().core.shared().has_ended() {
        return Err(NumberedError::Terminated);
    }
    let option = NumberedOption::all().find(|option| option.number == number);
    let Some(NumberedOption { name, set: Some(set), .. }) = option else {
        return Err(NumberedError::Unknown(number, "set"));
    };
    set(socket, &Given { name, octets: value })
}

/// Sets `use_fd`, which [`set`] cannot: a number alone does not prove that the descriptor may be taken over.
pub fn use_fd(socket: &Socket, descriptor: Option<std::os::fd::OwnedFd>) {
    use std::os::fd::AsRawFd;
    let number = descriptor.as_ref().map_or(-1, AsRawFd::as_raw_fd);
    socket.kept(|kept| kept.use_fd = number);
    socket.listen_with(descriptor);
}

/// Reads an option's value, of at most `capacity` octets.
///
/// # Errors
///
/// [`NumberedError`], with libzmq's errno.
pub fn get(socket: &Socket, number: i32, capacity: usize) -> Result<Vec<u8>, NumberedError> {
    if socket.inner().core.shared().has_ended() {
        return Err(NumberedError::Terminated);
    }
    let option = NumberedOption::all().find(|option| option.number == number);
    let Some(NumberedOption { name, get: Some(get), .. }) = option else {
        return Err(NumberedError::Unknown(number, "read"));
    };
    let value = match get(socket)? {
        Value::Int(number) => number.to_ne_bytes().to_vec(),
        Value::Int64(number) => number.to_ne_bytes().to_vec(),
        Value::Text(text) => [text.as_bytes(), b"\0"].concat(),
        Value::Octets(octets) => octets,
        Value::Key(key) => security::shown(key, capacity),
    };
    if value.len() > capacity {
        return Err(NumberedError::TooShort { name, takes: value.len() });
    }
    Ok(value)
}
