//! Options between the protocol's names and values and libzmq's numbers and octets.

use zmq_libzmq::names::{CONTEXT_OPTIONS, OptionKind, SOCKET_OPTIONS, SocketOption};
use zmq_libzmq::{Context, Socket};

use super::libzmq::refusal;
use super::parts::{hex, unhex};
use super::protocol::{ErrorReply, Value};
use super::serve::{argument, unsupported};

/// The longest text that an option gives back.
const TEXT_CAPACITY: usize = 4096;
/// The longest octets that an option gives back: a routing id.
const OCTETS_CAPACITY: usize = 255;
/// Length of a CURVE key in octets.
const KEY_LEN: usize = 32;

/// The type as `hello` declares it.
pub(super) fn declared_type(kind: OptionKind) -> &'static str {
    match kind {
        OptionKind::Int | OptionKind::Int64 => "int",
        OptionKind::Text => "text",
        OptionKind::Octets | OptionKind::Key => "hex",
    }
}

/// The option of that name.
pub(super) fn option(name: &str) -> Result<&'static SocketOption, ErrorReply> {
    SOCKET_OPTIONS
        .iter()
        .find(|option| option.name == name)
        .ok_or_else(|| unsupported(format!("unknown option `{name}`")))
}

/// Sets a socket option.
pub(super) fn set(socket: &Socket, name: &str, value: &Value) -> Result<(), ErrorReply> {
    let option = option(name)?;
    let done = match (option.kind, value) {
        (OptionKind::Int, Value::Int(number)) => {
            let number = i32::try_from(*number)
                .map_err(|_| argument(format!("option `{name}`: expected 32 bits, came {number}")))?;
            socket.set_int(option.number, number)
        }
        (OptionKind::Int64, Value::Int(number)) => socket.set_i64(option.number, *number),
        (OptionKind::Text, Value::Text(text)) => socket.set_bytes(option.number, text.as_bytes()),
        (OptionKind::Octets | OptionKind::Key, Value::Text(hex)) => {
            let octets = unhex(hex).ok_or_else(|| argument(format!("option `{name}`: expected hex, came `{hex}`")))?;
            socket.set_bytes(option.number, &octets)
        }
        (kind, Value::Int(_) | Value::Text(_)) => {
            let expected = declared_type(kind);
            return Err(argument(format!("option `{name}`: expected a value of type {expected}")));
        }
    };
    done.map_err(|error| refusal(&error))
}

/// Reads a socket option.
pub(super) fn get(socket: &Socket, name: &str) -> Result<Value, ErrorReply> {
    let option = option(name)?;
    let value = match option.kind {
        OptionKind::Int => socket.get_int(option.number).map(|number| Value::Int(number.into())),
        OptionKind::Int64 => socket.get_i64(option.number).map(Value::Int),
        OptionKind::Text => socket.get_bytes(option.number, TEXT_CAPACITY).map(|mut text| {
            while text.last() == Some(&0) {
                text.pop();
            }
            Value::Text(String::from_utf8_lossy(&text).into_owned())
        }),
        OptionKind::Octets => socket.get_bytes(option.number, OCTETS_CAPACITY).map(|octets| Value::Text(hex(&octets))),
        OptionKind::Key => socket.get_bytes(option.number, KEY_LEN).map(|octets| Value::Text(hex(&octets))),
    };
    value.map_err(|error| refusal(&error))
}

/// Sets a context option.
pub(super) fn set_context(context: &Context, name: &str, value: &Value) -> Result<(), ErrorReply> {
    let Some((_, number)) = CONTEXT_OPTIONS.iter().find(|(known, _)| *known == name) else {
        return Err(unsupported(format!("unknown context option `{name}`")));
    };
    let Value::Int(value) = value else {
        return Err(argument(format!("context option `{name}`: expected a value of type int")));
    };
    let value = i32::try_from(*value)
        .map_err(|_| argument(format!("context option `{name}`: expected 32 bits, came {value}")))?;
    context.set(*number, value).map_err(|error| refusal(&error))
}
