//! A saboteur's hand on one connection: greeting and frames of the subject, writes of the raw peer.

use super::{Deed, Octets, Rule, Saboteur, Unit, Where};
use crate::wire::dialect::Dialect;
use crate::wire::frame::{Decoded, Frame, flag};

/// What one saboteur does to one connection.
#[derive(Debug, Clone)]
pub struct Tamper {
    dialect: Dialect,
    from: Stream,
    to: Stream,
    close: bool,
    kill: bool,
}

#[derive(Debug, Clone)]
struct Stream {
    rules: Vec<Counted>,
    /// Octets seen so far.
    position: usize,
    /// Octets of a frame that is not whole yet.
    pending: Vec<u8>,
    /// A unit that waits to change places with the next.
    swapped: Option<Vec<u8>>,
    holds: bool,
    /// Whether the first frame has passed.
    introduced: bool,
}

#[derive(Debug, Clone)]
struct Counted {
    rule: Rule,
    matched: usize,
}

/// Largest frame that a saboteur waits for; longer ones pass unaltered.
const LONGEST: usize = 1 << 20;

impl Tamper {
    /// The hand of a saboteur on a new connection, the `number`-th of its case, from 1; `None` if it does not touch it.
    #[must_use]
    pub fn new(saboteur: &Saboteur, number: usize, dialect: Dialect) -> Option<Self> {
        let stream = |side: Where| Stream {
            rules: saboteur
                .rule
                .iter()
                .filter(|rule| rule.on == side && rule.connection.is_none_or(|connection| connection == number))
                .map(|rule| Counted { rule: rule.clone(), matched: 0 })
                .collect(),
            position: 0,
            pending: Vec::new(),
            swapped: None,
            holds: false,
            introduced: false,
        };
        let (from, to) = (stream(Where::FromSubject), stream(Where::ToSubject));
        (!from.rules.is_empty() || !to.rules.is_empty()).then_some(Self {
            dialect,
            from,
            to,
            close: false,
            kill: false,
        })
    }

    /// What the raw peer gets to read of what the subject wrote.
    pub fn from_subject(&mut self, octets: &[u8]) -> Vec<u8> {
        if self.from.rules.is_empty() {
            return octets.to_vec();
        }
        let mut out = Vec::new();
        let in_greeting = octets.len().min(self.dialect.opening().saturating_sub(self.from.position));
        let (greeting, frames) = octets.split_at(in_greeting);
        self.greeting(greeting, &mut out);
        self.from.position += frames.len();
        self.from.pending.extend_from_slice(frames);
        loop {
            let (unit, frame) = match self.dialect.decode(&self.from.pending, LONGEST) {
                Decoded::Frame(frame, taken) => (self.from.pending.drain(..taken).collect::<Vec<u8>>(), frame),
                Decoded::Incomplete => break,
                Decoded::TooLarge(_) | Decoded::Void(_) => {
                    out.append(&mut self.from.pending);
                    break;
                }
            };
            let flags = match self.dialect {
                Dialect::V2 | Dialect::V3 => frame.flags,
                // The flags of an identity say nothing, whatever they are, and of others MORE alone does.
                Dialect::V1 if !std::mem::replace(&mut self.from.introduced, true) => 0,
                Dialect::V1 => frame.flags & flag::MORE,
            };
            let seen = Seen::Frame(Frame { flags, body: frame.body });
            self.unit(Side::From, unit, &seen, &mut out);
        }
        out
    }

    /// Whether what is wrong on purpose is to be put right.
    #[must_use]
    pub fn mends(&self) -> bool {
        self.to.rules.iter().any(|counted| matches!(counted.rule.deed, Deed::Mend))
    }

    /// What the subject gets to read of what the raw peer wrote.
    pub fn to_subject(&mut self, octets: &[u8]) -> Vec<u8> {
        if self.to.rules.is_empty() {
            return octets.to_vec();
        }
        let mut out = Vec::new();
        self.unit(Side::To, octets.to_vec(), &Seen::Write, &mut out);
        out
    }

    /// Whether the connection is to be closed now; true once.
    pub fn takes_close(&mut self) -> bool {
        std::mem::take(&mut self.close)
    }

    /// Whether the subject is to be killed now; true once.
    pub fn takes_kill(&mut self) -> bool {
        std::mem::take(&mut self.kill)
    }

    fn greeting(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let start = self.from.position;
        self.from.position += octets.len();
        if octets.is_empty() {
            return;
        }
        let mut altered = octets.to_vec();
        for counted in &self.from.rules {
            if !matches!(counted.rule.at, Unit::Greeting) {
                continue;
            }
            let first = start == 0;
            match &counted.rule.deed {
                Deed::SetOctet { at, to } => {
                    if let Some(octet) = at.checked_sub(start).and_then(|at| altered.get_mut(at)) {
                        *octet = *to;
                    }
                }
                Deed::Drop => altered.clear(),
                Deed::Hold => self.from.holds = true,
                Deed::Close => {
                    altered.clear();
                    self.close |= first;
                }
                Deed::Kill => self.kill |= first,
                Deed::Replace(octets) => altered = if first { octets.to_vec() } else { Vec::new() },
                Deed::Before(octets) if first => altered.splice(..0, octets.to_vec()).for_each(drop),
                Deed::After(octets) if self.from.position == self.dialect.opening() => altered.extend(octets.to_vec()),
                Deed::CloseAfter => self.close |= self.from.position == self.dialect.opening(),
                other => debug_assert!(matches!(other, Deed::Before(_) | Deed::After(_)), "{other:?} on a greeting"),
            }
        }
        if !self.from.holds {
            out.extend(altered);
        }
    }

    fn unit(&mut self, side: Side, unit: Vec<u8>, seen: &Seen, out: &mut Vec<u8>) {
        let stream = match side {
            Side::From => &mut self.from,
            Side::To => &mut self.to,
        };
        let mut emitted = vec![unit];
        let mut swap = false;
        for counted in &mut stream.rules {
            if !applies(&counted.rule.at, seen, &emitted) {
                continue;
            }
            counted.matched += 1;
            let counts = counted.rule.nth.is_none_or(|nth| nth == counted.matched)
                && counted.rule.from.is_none_or(|from| counted.matched >= from);
            if !counts {
                continue;
            }
            match &counted.rule.deed {
                Deed::Drop => emitted.clear(),
                Deed::Double => emitted.extend(emitted.clone()),
                Deed::Hold => stream.holds = true,
                Deed::Close => {
                    emitted.clear();
                    self.close = true;
                }
                Deed::CloseAfter => self.close = true,
                Deed::Kill => self.kill = true,
                // Whoever writes asks for it before.
                Deed::Mend => {}
                Deed::Swap => swap = true,
                Deed::Replace(octets) => emitted = vec![octets.to_vec()],
                Deed::Before(octets) => emitted.insert(0, octets.to_vec()),
                Deed::After(octets) => emitted.push(octets.to_vec()),
                deed => emitted.iter_mut().for_each(|unit| alter(self.dialect, unit, deed)),
            }
        }
        if stream.holds {
            return;
        }
        if swap && stream.swapped.is_none() {
            stream.swapped = Some(emitted.concat());
            return;
        }
        out.extend(emitted.concat());
        out.extend(stream.swapped.take().unwrap_or_default());
    }
}

#[derive(Clone, Copy)]
enum Side {
    From,
    To,
}

enum Seen {
    Frame(Frame),
    Write,
}

fn applies(at: &Unit, seen: &Seen, emitted: &[Vec<u8>]) -> bool {
    let begins = |octets: &Octets, with: &[u8]| octets.0.len() <= with.len() && octets.0.starts(with);
    match (seen, at) {
        (_, Unit::Any) => true,
        (Seen::Write, Unit::Write(octets)) => emitted.first().is_some_and(|write| begins(octets, write)),
        (Seen::Frame(frame), Unit::Command(name)) => {
            frame.is_command()
                && (name.is_empty() || frame.command().is_some_and(|(found, _)| found == name.as_bytes()))
        }
        (Seen::Frame(frame), unit) if !frame.is_command() => match unit {
            Unit::Message(octets) => begins(octets, &frame.body),
            Unit::Body(octets) => octets.0.matches(&frame.body),
            Unit::More => frame.has_more(),
            Unit::Last => !frame.has_more(),
            Unit::Longer(length) => frame.body.len() > *length,
            Unit::Any
            | Unit::Greeting
            | Unit::Command(_)
            | Unit::Write(_)
            | Unit::Verb(_)
            | Unit::Option(_)
            | Unit::Zap(_)
            | Unit::Faulty => false,
        },
        (Seen::Frame(_) | Seen::Write, _) => false,
    }
}

fn alter(dialect: Dialect, unit: &mut Vec<u8>, deed: &Deed) {
    if let Deed::SetOctet { at, to } = deed {
        if let Some(octet) = unit.get_mut(*at) {
            *octet = *to;
        }
        return;
    }
    let Decoded::Frame(mut frame, _) = dialect.decode(unit, LONGEST) else { return };
    match deed {
        Deed::StripBody(count) => drop(frame.body.drain(..(*count).min(frame.body.len()))),
        Deed::PadBody(octets) => frame.body.extend(octets.to_vec()),
        other => debug_assert!(matches!(other, Deed::LongForm), "{other:?} on a frame"),
    }
    *unit = if matches!(deed, Deed::LongForm) { dialect.encode_long(&frame) } else { dialect.encode(&frame) };
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use crate::wire::frame::message;
    use crate::wire::greeting::GREETING;

    fn tamper(rule: &str) -> Tamper {
        let text = format!("[[saboteur]]\nname = \"x\"\nsin = \"y\"\n[[saboteur.rule]]\n{rule}\n");
        Tamper::new(&read("x.toml", &text).unwrap()[0], 1, Dialect::V3).unwrap()
    }

    fn session() -> Vec<u8> {
        let mut octets = vec![7; GREETING];
        octets.extend(message(&[vec![], b"a".to_vec()]));
        octets.extend(message(&[b"b".to_vec()]));
        octets
    }

    fn after_greeting(rule: &str) -> Vec<u8> {
        tamper(rule).from_subject(&session())[GREETING..].to_vec()
    }

    #[test]
    fn each_deed_alters_what_its_rule_names() {
        let on = "on = \"from-subject\"\n";
        assert_eq!(after_greeting(&format!("{on}at = {{ body = \"\" }}\ndo = \"drop\"")), b"\0\x01a\0\x01b");
        assert_eq!(
            after_greeting(&format!("{on}at = \"last\"\nnth = 1\ndo = \"double\"")),
            b"\x01\0\0\x01a\0\x01a\0\x01b"
        );
        assert_eq!(after_greeting(&format!("{on}at = \"last\"\nnth = 1\ndo = \"swap\"")), b"\x01\0\0\x01b\0\x01a");
        assert_eq!(after_greeting(&format!("{on}at = \"more\"\ndo = \"hold\"")), b"");
        assert_eq!(
            after_greeting(&format!("{on}at = \"last\"\nfrom = 2\ndo = {{ strip-body = 1 }}")),
            b"\x01\0\0\x01a\0\0"
        );
        assert_eq!(
            after_greeting(&format!("{on}at = \"last\"\nnth = 2\ndo = \"long-form\"")),
            b"\x01\0\0\x01a\x02\0\0\0\0\0\0\0\x01b"
        );
        assert_eq!(
            after_greeting(&format!("{on}at = \"last\"\ndo = {{ set-octet = {{ at = 0, to = 8 }} }}")),
            b"\x01\0\x08\x01a\x08\x01b"
        );
    }

    #[test]
    fn a_greeting_is_altered_wherever_the_stream_is_cut() {
        let rule = "on = \"from-subject\"\nat = \"greeting\"\ndo = { set-octet = { at = 9, to = 0 } }";
        let mut cut = tamper(rule);
        let pieces: Vec<u8> = session().chunks(1).flat_map(|chunk| cut.from_subject(chunk)).collect();
        assert_eq!(pieces, tamper(rule).from_subject(&session()));
        assert_eq!((pieces[8], pieces[9], pieces[10]), (7, 0, 7));
    }

    #[test]
    fn a_rule_can_be_for_one_connection_only() {
        let text = "[[saboteur]]\nname = \"x\"\nsin = \"y\"\n[[saboteur.rule]]\non = \"from-subject\"\nconnection = 2\ndo = \"drop\"\n";
        let saboteur = &read("x.toml", text).unwrap()[0];
        let touched: Vec<bool> = (1..=3).map(|number| Tamper::new(saboteur, number, Dialect::V3).is_some()).collect();
        assert_eq!(touched, [false, true, false]);
    }

    #[test]
    fn a_write_can_be_kept_from_the_subject() {
        let mut tamper = tamper("on = \"to-subject\"\nat = { write = \"04 ..\" }\ndo = { replace = \"00 00\" }");
        assert_eq!(tamper.to_subject(&[4, 1, 0]), [0, 0]);
        assert_eq!(tamper.to_subject(&[0, 1, 0]), [0, 1, 0]);
    }
}
