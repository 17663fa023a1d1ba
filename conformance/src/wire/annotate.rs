//! Octets with their meaning, field by field: what a failure shows.
//!
//! ```text
//! 0000  ff 00 00 00 00 00 00 00 01 7f        signature
//! 000a  03 01                                version 3.1
//! 0040  04 19 05 52 45 41 44 59 …            command READY, 25 octets
//! ```

use super::dialect::Dialect;
use super::frame::{Decoded, Frame, flag};
use super::greeting::SIGNATURE;
use super::{metadata, show};

/// Where in its stream the first octet of a buffer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the very first octet of a connection.
    OfConnection,
    /// At a frame boundary after the greeting.
    OfFrame,
}

/// One line per field of `octets` of a dialect; of more than `lines` lines the last ones, headed by how many were left out.
#[must_use]
pub fn annotate(dialect: Dialect, octets: &[u8], start: Start, lines: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut at = 0;
    if start == Start::OfConnection {
        at = greeting(dialect, octets, &mut out);
    }
    if start == Start::OfFrame || at == dialect.opening() {
        at = frames(dialect, octets, at, &mut out);
    }
    if at < octets.len() {
        let rest = &octets[at..];
        let meaning = match dialect.decode(rest, usize::MAX / 2) {
            Decoded::TooLarge(size) => format!("frame header: flags {:02x}, size {size}", rest[0]),
            _ => format!("incomplete: {} octets", rest.len()),
        };
        out.push(line(at, rest, &meaning));
    }
    if out.len() > lines {
        let left_out = out.len() - lines + 1;
        out.drain(..left_out);
        out.insert(0, format!("…     {left_out} lines before"));
    }
    out
}

fn greeting(dialect: Dialect, octets: &[u8], out: &mut Vec<String>) -> usize {
    let fields: &[(usize, &str)] = match dialect {
        Dialect::V3 => &[(SIGNATURE, "signature"), (2, "version"), (20, "mechanism"), (1, "as-server"), (31, "filler")],
        Dialect::V2 => &[(SIGNATURE, "signature"), (1, "revision"), (1, "socket type")],
        Dialect::V1 => &[],
    };
    let mut at = 0;
    for &(length, name) in fields {
        let field = &octets[at..octets.len().min(at + length)];
        if field.is_empty() {
            return at;
        }
        let meaning = match name {
            "version" if field.len() == 2 => format!("version {}.{}", field[0], field[1]),
            "socket type" => format!("socket type {}", super::early::type_name(field[0]).unwrap_or("unknown")),
            "mechanism" => {
                let end = field.iter().position(|octet| *octet == 0).unwrap_or(field.len());
                format!("mechanism {}", show(&field[..end]))
            }
            _ if field.len() < length => format!("{name}, {} of {length} octets", field.len()),
            _ => name.to_owned(),
        };
        out.push(line(at, field, &meaning));
        at += field.len();
    }
    at
}

fn frames(dialect: Dialect, octets: &[u8], mut at: usize, out: &mut Vec<String>) -> usize {
    while let Decoded::Frame(frame, taken) = dialect.decode(&octets[at..], usize::MAX / 2) {
        out.push(line(at, &octets[at..at + taken], &describe(&frame)));
        at += taken;
    }
    at
}

/// A frame in words.
#[must_use]
pub fn describe(frame: &Frame) -> String {
    let mut text = if frame.is_command() {
        match frame.command() {
            Some((name, data)) => format!("command {}{}", String::from_utf8_lossy(name), of_command(name, data)),
            None => format!("command without a whole name, {} octets", frame.body.len()),
        }
    } else {
        format!("message frame {}", show(&frame.body))
    };
    if frame.has_more() {
        text.push_str(", MORE");
    }
    if frame.flags & flag::LONG != 0 && frame.body.len() < 256 {
        text.push_str(", long size");
    }
    if frame.flags & flag::RESERVED != 0 {
        text.push_str(", reserved flag bits set");
    }
    text
}

fn of_command(name: &[u8], data: &[u8]) -> String {
    match name {
        b"READY" => match metadata::decode(data) {
            Ok(properties) => {
                properties.iter().map(|p| format!(" {}={}", String::from_utf8_lossy(&p.name), show(&p.value))).collect()
            }
            Err(why) => format!(", broken metadata: {why}"),
        },
        b"PING" if data.len() >= 2 => {
            format!(" ttl={} context={}", u16::from_be_bytes([data[0], data[1]]), show(&data[2..]))
        }
        _ if data.is_empty() => String::new(),
        _ => format!(" {}", show(data)),
    }
}

fn line(at: usize, octets: &[u8], meaning: &str) -> String {
    const SHOWN: usize = 12;
    let mut digits: Vec<String> = octets.iter().take(SHOWN).map(|octet| format!("{octet:02x}")).collect();
    if octets.len() > SHOWN {
        digits.push("…".to_owned());
    }
    let digits = digits.join(" ");
    format!("{at:04x}  {digits:<38}  {meaning}")
}

#[cfg(test)]
mod tests {
    use super::super::frame::{command, message};
    use super::super::greeting::{Greeting, Version};
    use super::*;

    #[test]
    fn a_session_is_annotated_field_by_field() {
        let mut octets = Greeting::null(Version::V3_1).encode();
        octets.extend(command(
            b"READY",
            &metadata::encode(&[metadata::Property { name: b"Socket-Type".to_vec(), value: b"REQ".to_vec() }]),
        ));
        octets.extend(message(&[vec![], b"hello".to_vec()]));
        octets.extend([0x0c, 1, 9, 2, 0x80, 0, 0, 0, 0, 0, 0, 0]);
        insta::assert_snapshot!(annotate(Dialect::V3, &octets, Start::OfConnection, 40).join("\n"));
    }

    #[test]
    fn sessions_of_older_versions_are_annotated_too() {
        let session = |dialect: Dialect| {
            let mut octets = crate::wire::early::encode(dialect, 5, b"bob");
            octets.extend(dialect.message(&[vec![], b"hello".to_vec()]));
            octets.push(9);
            annotate(dialect, &octets, Start::OfConnection, 40).join("\n")
        };
        insta::assert_snapshot!(format!("{}\n\n{}", session(Dialect::V2), session(Dialect::V1)));
    }

    #[test]
    fn a_long_annotation_is_cut_and_says_so() {
        let octets = message(&vec![b"x".to_vec(); 9]);
        let lines = annotate(Dialect::V3, &octets, Start::OfFrame, 4);
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], "…     6 lines before");
    }
}
