//! What the octets of one end say: greeting, commands, and the messages of actors in frames (37/ZMTP).

use crate::actor::message::{MessageId, Part};
use crate::plan::Plan;

/// A piece of what an end wrote, by its offsets in that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) from: u64,
    pub(crate) until: u64,
    pub(crate) said: Said,
    /// The message that it belongs to.
    pub(crate) message: Option<MessageId>,
    /// The message is not read from the octets, which are sealed, but from their order and length.
    pub(crate) is_guessed: bool,
}

/// What a piece is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// The greeting, with the name of its mechanism.
    Greeting(String),
    /// A command: its name, and what it is about.
    Command(String, String),
    /// A part of an actor's message.
    Part { part: u8, parts: u8 },
    /// A frame that no actor made, of so many octets: delimiters, routing ids, subscriptions of 3.0.
    Frame(u64),
    /// A frame of CURVE with so many octets in it.
    Sealed(u64),
    /// Octets that are no ZMTP.
    Raw(u64),
}

/// Reads what one end wrote, from its first octet.
pub(crate) fn read(plan: &Plan, octets: &[u8]) -> Vec<Piece> {
    if octets.first().is_some_and(|first| *first != 0xff) {
        return read_raw(plan, octets);
    }
    let Some(greeting) = octets.first_chunk::<GREETING>() else {
        return if octets.is_empty() {
            Vec::new()
        } else {
            vec![piece(0, octets.len(), Said::Greeting(String::new()))]
        };
    };
    let mechanism: String =
        greeting[12..32].iter().filter(|octet| **octet != 0).map(|octet| char::from(*octet)).collect();
    let mut pieces = vec![piece(0, GREETING, Said::Greeting(mechanism))];
    let mut at = GREETING;
    // Frames of the message under way, by their places.
    let mut message = Vec::new();
    while let Some(frame) = Frame::read(&octets[at..]) {
        let until = at.saturating_add(frame.header).saturating_add(frame.body).min(octets.len());
        let body = &octets[(at + frame.header).min(until)..until];
        let said = if frame.is_command {
            command(body)
        } else if let Some(payload) = sealed(body, frame.body) {
            Said::Sealed(payload)
        } else {
            match Part::read(plan, body) {
                Part::Of { id, part, parts, .. } => {
                    message.push((pieces.len(), Some(id)));
                    Said::Part { part, parts }
                }
                Part::Foreign(_) => {
                    message.push((pieces.len(), None));
                    Said::Frame(frame.body as u64)
                }
            }
        };
        pieces.push(piece(at, until, said));
        if !frame.has_more || until == octets.len() {
            let id = message.iter().find_map(|(_, id)| *id);
            for (place, own) in message.drain(..) {
                pieces[place].message = own.or(id);
            }
        }
        at = until;
    }
    if at < octets.len() {
        pieces.push(piece(at, octets.len(), Said::Frame(0)));
    }
    pieces
}

/// Octets of no ZMTP (STREAM): the messages in them are found by their names.
fn read_raw(plan: &Plan, octets: &[u8]) -> Vec<Piece> {
    let begins = octets.iter().enumerate().filter(|(_, octet)| **octet == b'|').filter_map(|(at, _)| {
        let Part::Of { id, part, parts, .. } = Part::read(plan, &octets[at..]) else { return None };
        Some((at, id, Said::Part { part, parts }))
    });
    let mut pieces = Vec::new();
    let mut rest = 0;
    for (at, id, said) in begins {
        close(&mut pieces, rest, at);
        pieces.push(Piece { message: Some(id), ..piece(at, at, said) });
        rest = at;
    }
    close(&mut pieces, rest, octets.len());
    pieces
}

/// Ends the last piece there, or makes one of the octets in front of the first.
fn close(pieces: &mut Vec<Piece>, from: usize, until: usize) {
    match pieces.last_mut() {
        Some(last) => last.until = until as u64,
        None if until > from => pieces.push(piece(from, until, Said::Raw((until - from) as u64))),
        None => {}
    }
}

const fn piece(from: usize, until: usize, said: Said) -> Piece {
    Piece { from: from as u64, until: until as u64, said, message: None, is_guessed: false }
}

/// The header of a frame.
struct Frame {
    header: usize,
    body: usize,
    has_more: bool,
    is_command: bool,
}

impl Frame {
    fn read(octets: &[u8]) -> Option<Self> {
        let (flags, rest) = octets.split_first()?;
        let is_long = flags & 2 != 0;
        let (header, body) = if is_long {
            (9, usize::try_from(u64::from_be_bytes(*rest.first_chunk::<8>()?)).ok()?)
        } else {
            (2, usize::from(*rest.first()?))
        };
        Some(Self { header, body, has_more: flags & 1 != 0, is_command: flags & 4 != 0 })
    }
}

/// Octets that a CURVE message has in it: behind its name come 8 octets of nonce, 16 of the box and 1 of flags.
fn sealed(body: &[u8], octets: usize) -> Option<u64> {
    (body.starts_with(b"\x07MESSAGE") && octets >= 33).then(|| octets as u64 - 33)
}

fn command(body: &[u8]) -> Said {
    let Some((name, data)) = body.split_first().and_then(|(len, rest)| rest.split_at_checked(usize::from(*len))) else {
        return Said::Command("cut off".into(), String::new());
    };
    let text = |octets: &[u8]| octets.escape_ascii().to_string();
    let about = match name {
        b"MESSAGE" => return Said::Sealed((body.len() as u64).saturating_sub(33)),
        b"READY" => property(data, b"Socket-Type").map(text).unwrap_or_default(),
        b"SUBSCRIBE" | b"CANCEL" => format!("\"{}\"", text(data)),
        b"ERROR" => data.get(1..).map(text).unwrap_or_default(),
        _ => String::new(),
    };
    Said::Command(text(name), about)
}

/// The value of a property in the data of READY.
fn property<'a>(mut data: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    loop {
        let (name, rest) = data.split_first().and_then(|(len, rest)| rest.split_at_checked(usize::from(*len)))?;
        let (len, rest) = rest.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)?;
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        data = rest;
    }
}

impl Said {
    /// The clause that has it so.
    pub(crate) fn clause(&self) -> Option<&'static str> {
        match self {
            Self::Greeting(_) => Some("ZMTP31-GREETING-01"),
            Self::Command(name, _) => CLAUSES.iter().find(|(of, _)| of == name).map(|(_, clause)| *clause),
            Self::Part { .. } | Self::Frame(_) => Some("ZMTP31-FRAMING-01"),
            Self::Sealed(_) => Some("CURVE-GRAM-09"),
            Self::Raw(_) => None,
        }
    }
}

/// Octets of a greeting.
const GREETING: usize = 64;

/// Commands, and a clause that is about each. HELLO, WELCOME and INITIATE are in two mechanisms.
pub(crate) const CLAUSES: &[(&str, &str)] = &[
    ("READY", "ZMTP31-READY-01"),
    ("ERROR", "ZMTP31-ERROR-01"),
    ("PING", "ZMTP31-PING-05"),
    ("PONG", "ZMTP31-PING-06"),
    ("SUBSCRIBE", "ZMTP31-SUBS-02"),
    ("CANCEL", "ZMTP31-SUBS-04"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixture;

    #[test]
    fn what_an_end_wrote_is_taken_apart() {
        let plan = fixture::plan();
        let id = MessageId { actor: plan.actor("source").unwrap(), life: 0, number: 7 };
        let mut octets = fixture::opening("PUSH");
        let opening = octets.len() as u64;
        octets.extend([1, 0]);
        let message = fixture::framed(&plan, id, 300);
        octets.extend(&message);
        octets.extend(b"\x04\x07\x04PING\0\x05\x04\x0a\x06CANCELabc");
        let pieces = read(&plan, &octets);
        let said: Vec<_> = pieces.iter().map(|piece| piece.said.clone()).collect();
        assert_eq!(
            said,
            [
                Said::Greeting("NULL".into()),
                Said::Command("READY".into(), "PUSH".into()),
                Said::Frame(0),
                Said::Part { part: 0, parts: 1 },
                Said::Command("PING".into(), String::new()),
                Said::Command("CANCEL".into(), "\"abc\"".into()),
            ]
        );
        // The delimiter belongs to the message behind it.
        assert_eq!(pieces[2].message, Some(id));
        assert_eq!((pieces[3].from, pieces[3].message), (opening + 2, Some(id)));
        assert!(pieces.windows(2).all(|two| two[0].until == two[1].from), "no octet is left out");
        assert_eq!(pieces.last().unwrap().until, octets.len() as u64);
    }

    #[test]
    fn whatever_is_cut_off_is_read_as_far_as_it_goes() {
        let plan = fixture::plan();
        let id = MessageId { actor: plan.actor("source").unwrap(), life: 0, number: 7 };
        let mut octets = fixture::opening("PUSH");
        octets.extend(fixture::framed(&plan, id, 300));
        for cut in 0..octets.len() {
            let pieces = read(&plan, &octets[..cut]);
            assert_eq!(pieces.last().map_or(0, |piece| piece.until), cut as u64);
        }
    }

    #[test]
    fn messages_are_found_in_octets_that_are_no_zmtp() {
        let plan = fixture::plan();
        let id = |number| MessageId { actor: plan.actor("source").unwrap(), life: 0, number };
        let octets = [&b"abc"[..], b"|source.0#3|0/1||xxx", b"|source.0#4|0/1||"].concat();
        let pieces = read(&plan, &octets);
        let seen: Vec<_> = pieces.iter().map(|piece| (piece.from, piece.until, piece.message)).collect();
        assert_eq!(seen, [(0, 3, None), (3, 23, Some(id(3))), (23, 40, Some(id(4)))]);
    }

    #[test]
    fn clauses_are_in_the_ledger() {
        let ledger = fixture::ledger();
        let all = CLAUSES.iter().map(|(_, clause)| *clause);
        for clause in
            all.chain([Said::Greeting(String::new()), Said::Frame(0), Said::Sealed(0)].iter().filter_map(Said::clause))
        {
            assert!(ledger.contains(&format!("id = \"{clause}\"")), "{clause}");
        }
    }
}
