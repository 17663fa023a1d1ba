//! Options between libzmq's names and values, which the protocol has, and the reference's, which it has by libzmq's
//! numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use zmq_reference::blocking::Socket;
use zmq_reference::numbered::{self, Kind, NumberedError, NumberedOption};
use zmq_reference::{ContextOptions, Linger};

use crate::adapter::parts::{hex, unhex};
use crate::adapter::protocol::{ErrorClass, ErrorReply, Value};
use crate::adapter::serve::{argument, unsupported};

/// The longest value there is, in octets.
const CAPACITY: usize = 4096;
/// A CURVE key's length in octets: read with this, it comes as octets and not as text.
const KEY_LEN: usize = 32;

/// Every option, as `hello` declares it.
pub(super) fn declared() -> BTreeMap<String, String> {
    NumberedOption::all().map(|option| (option.name.to_owned(), word(option.kind).to_owned())).collect()
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Int | Kind::Int64 => "int",
        Kind::Text => "text",
        Kind::Octets | Kind::Key => "hex",
    }
}

fn option(name: &str) -> Result<&'static NumberedOption, ErrorReply> {
    let option = NumberedOption::all().find(|option| option.name == name);
    option.ok_or_else(|| unsupported(format!("unknown option `{name}`")))
}

/// Sets an option.
pub(super) fn set(socket: &Socket, name: &str, value: &Value) -> Result<(), ErrorReply> {
    let option = option(name)?;
    let octets = match (option.kind, value) {
        (Kind::Int, Value::Int(number)) => i32::try_from(*number)
            .map_err(|_| einval(format!("option `{name}`: expected 32 bits, came {number}")))?
            .to_ne_bytes()
            .to_vec(),
        (Kind::Int64, Value::Int(number)) => number.to_ne_bytes().to_vec(),
        (Kind::Text, Value::Text(text)) => text.as_bytes().to_vec(),
        (Kind::Octets | Kind::Key, Value::Text(text)) => {
            unhex(text).ok_or_else(|| argument(format!("option `{name}`: expected hex, came `{text}`")))?
        }
        (kind, Value::Int(_) | Value::Text(_)) => {
            return Err(argument(format!("option `{name}`: expected a value of type {}", word(kind))));
        }
    };
    numbered::set(socket.as_async(), option.number, &octets).map_err(|error| refusal(&error))
}

/// Reads an option.
pub(super) fn get(socket: &Socket, name: &str) -> Result<Value, ErrorReply> {
    let option = option(name)?;
    let capacity = if option.kind == Kind::Key { KEY_LEN } else { CAPACITY };
    let mut octets = numbered::get(socket.as_async(), option.number, capacity).map_err(|error| refusal(&error))?;
    Ok(match option.kind {
        Kind::Int | Kind::Int64 => Value::Int(number(&octets)),
        Kind::Text => {
            octets.pop_if(|last| *last == 0);
            Value::Text(String::from_utf8_lossy(&octets).into_owned())
        }
        Kind::Octets | Kind::Key => Value::Text(hex(&octets)),
    })
}

/// Sets an option that a context is made with.
pub(super) fn set_context(options: &mut ContextOptions, name: &str, value: &Value) -> Result<(), ErrorReply> {
    let known: fn(&mut ContextOptions, u32) = match name {
        "io_threads" => |options, number| options.io_threads = number as usize,
        "max_sockets" => |options, number| options.max_sockets = number as usize,
        "ipv6" => |options, number| options.ipv6 = number == 1,
        "blocky" => |options, number| options.blocky = number == 1,
        other => return Err(unsupported(format!("unknown context option `{other}`"))),
    };
    let Value::Int(number) = value else {
        return Err(argument(format!("context option `{name}`: expected a value of type int")));
    };
    let most = if matches!(name, "ipv6" | "blocky") { 1 } else { i32::MAX.unsigned_abs() };
    match u32::try_from(*number) {
        Ok(number) if number <= most => known(options, number),
        Ok(_) | Err(_) => {
            return Err(einval(format!("context option `{name}`: expected 0 to {most}, came {number}")));
        }
    }
    Ok(())
}

/// 32 or 64 bits in the machine's order of octets.
fn number(octets: &[u8]) -> i64 {
    match (<[u8; 4]>::try_from(octets), <[u8; 8]>::try_from(octets)) {
        (Ok(octets), _) => i32::from_ne_bytes(octets).into(),
        (_, Ok(octets)) => i64::from_ne_bytes(octets),
        (Err(_), Err(_)) => 0,
    }
}

/// Linger in milliseconds, -1 for ever.
pub(super) fn linger(millis: i64) -> Result<Linger, ErrorReply> {
    match u32::try_from(millis) {
        Ok(0) => Ok(Linger::Discard),
        Ok(millis) => Ok(Linger::For(Duration::from_millis(millis.into()))),
        Err(_) if millis == -1 => Ok(Linger::Forever),
        Err(_) => Err(einval(format!("linger: expected milliseconds, or -1, in 32 bits, came {millis}"))),
    }
}

fn refusal(error: &NumberedError) -> ErrorReply {
    let (class, errno) = match error {
        NumberedError::Unknown(..)
        | NumberedError::Value { .. }
        | NumberedError::Type(..)
        | NumberedError::TooShort { .. } => (ErrorClass::Argument, "EINVAL"),
        NumberedError::System(_) => (ErrorClass::Other, ""),
        NumberedError::Terminated => (ErrorClass::Terminated, "ETERM"),
    };
    ErrorReply { class, errno: errno.into(), native: error.to_string() }
}

fn einval(native: String) -> ErrorReply {
    ErrorReply { class: ErrorClass::Argument, errno: "EINVAL".into(), native }
}
