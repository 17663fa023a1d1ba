//! Commands: a name, and what belongs to it.

use super::{Header, flag};

/// Names of the commands that this implementation speaks.
pub mod name {
    /// Ends the NULL handshake.
    pub const READY: &[u8] = b"READY";
    /// The peer refuses the handshake.
    pub const ERROR: &[u8] = b"ERROR";
    /// A heartbeat.
    pub const PING: &[u8] = b"PING";
    /// The answer to one.
    pub const PONG: &[u8] = b"PONG";
    /// A subscriber wants a topic.
    pub const SUBSCRIBE: &[u8] = b"SUBSCRIBE";
    /// A subscriber wants a topic no more.
    pub const CANCEL: &[u8] = b"CANCEL";
}

/// Splits a command's body into its name and its data; `None` if it has no name of at least one octet.
// spec: ZMTP31-COMMAND-02
#[must_use]
pub fn parse(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = body.split_first()?;
    if *length == 0 {
        return None;
    }
    rest.split_at_checked(usize::from(*length))
}

/// Appends the frame of a command.
///
/// # Panics
///
/// If the name has more than 255 octets.
pub fn write(name: &[u8], data: &[u8], to: &mut Vec<u8>) {
    to.extend_from_slice(&Header::octets(flag::COMMAND, 1 + name.len() + data.len()));
    to.push(u8::try_from(name.len()).expect("the names are those above"));
    to.extend_from_slice(name);
    to.extend_from_slice(data);
}

/// The data of ERROR: a reason, cut to what fits, printable ASCII.
// spec: ZMTP31-READY-04
#[must_use]
pub fn error_data(reason: &str) -> Vec<u8> {
    let reason: Vec<u8> = reason.bytes().filter(|octet| (0x21..0x7f).contains(octet)).take(255).collect();
    let mut data = vec![u8::try_from(reason.len()).expect("cut to 255")];
    data.extend(reason);
    data
}

/// The reason in the data of an ERROR.
#[must_use]
pub fn error_reason(data: &[u8]) -> Option<String> {
    let (length, reason) = data.split_first()?;
    Some(reason.get(..usize::from(*length))?.escape_ascii().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_it_was_written() {
        let mut octets = Vec::new();
        write(name::PING, &[0, 5, b'c'], &mut octets);
        assert_eq!(octets, b"\x04\x08\x04PING\x00\x05c");
        assert_eq!(parse(&octets[2..]), Some((name::PING, &[0, 5, b'c'][..])));
    }

    #[test]
    fn a_command_has_a_name_that_lies_within_it() {
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"\x00abc"), None);
        assert_eq!(parse(b"\x05PING"), None);
        assert_eq!(parse(b"\x04PING"), Some((&b"PING"[..], &b""[..])));
    }

    #[test]
    fn a_reason_is_printable_and_short() {
        assert_eq!(error_data("a b\n"), b"\x02ab");
        assert_eq!(error_data(&"x".repeat(300)).len(), 256);
        assert_eq!(error_reason(b"\x03abc"), Some("abc".into()));
        assert_eq!(error_reason(b"\x04abc"), None);
        assert_eq!(error_reason(b""), None);
    }
}
