//! A saboteur's hand on the adapter: requests and replies.

use super::{Deed, Rule, Saboteur, Unit, Where};
use crate::adapter::process::CallError;
use crate::adapter::protocol::{ErrorReply, Part, Reply, RequestBody};
use crate::wire::{hex, unhex};

/// Name of the ZAP handler's socket in every case.
pub const HANDLER: &str = "zap";

/// What one saboteur does to the requests of one case.
#[derive(Debug, Clone, Default)]
pub struct ApiTamper {
    rules: Vec<(Rule, usize)>,
    /// A reply to `recv` that comes again, and of which socket.
    again: Option<(String, Reply)>,
    /// Socket of the last `recv`.
    asked: Option<String>,
}

/// What is to be done with a request.
#[derive(Debug)]
pub enum Instead {
    /// Ask the adapter.
    Ask,
    /// Ask the adapter twice and keep the second reply.
    AskTwice,
    /// Take this for the adapter's answer.
    Take(Box<Result<Reply, CallError>>),
}

impl ApiTamper {
    /// The hand of a saboteur at the beginning of a case.
    #[must_use]
    pub fn new(saboteur: &Saboteur) -> Self {
        let rules = saboteur.rule.iter().filter(|rule| rule.on == Where::Api).map(|rule| (rule.clone(), 0)).collect();
        Self { rules, again: None, asked: None }
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether what is wrong on purpose is to be put right.
    #[must_use]
    pub fn mends(&self) -> bool {
        self.rules.iter().any(|(rule, _)| matches!(rule.deed, Deed::Mend))
    }

    /// What to do with a request, and the deed that waits for its reply.
    pub fn before(&mut self, body: &RequestBody) -> (Instead, Option<Deed>) {
        if let RequestBody::Recv { s, .. } = body
            && let Some((_, reply)) = self.again.take_if(|(of, _)| of == s)
        {
            return (Instead::Take(Box::new(Ok(reply))), None);
        }
        if let RequestBody::Recv { s, .. } = body {
            self.asked = Some(s.clone());
        }
        let deed = self.rules.iter_mut().find_map(|(rule, matched)| {
            if !applies(&rule.at, body) {
                return None;
            }
            *matched += 1;
            let counts = rule.nth.is_none_or(|nth| nth == *matched) && rule.from.is_none_or(|from| *matched >= from);
            counts.then(|| rule.deed.clone())
        });
        match deed {
            Some(Deed::Swallow) => (Instead::Take(Box::new(Ok(Reply::default()))), None),
            Some(Deed::Refuse(class)) => {
                let refusal = ErrorReply { class, errno: String::new(), native: "sabotaged".to_owned() };
                (Instead::Take(Box::new(Err(CallError::Refused(refusal)))), None)
            }
            Some(Deed::Before(octets)) => {
                let parts = Some(vec![Part::Hex(hex(&octets.to_vec()))]);
                (Instead::Take(Box::new(Ok(Reply { parts, ..Reply::default() }))), None)
            }
            Some(Deed::BeforeParts(parts)) => {
                let parts = parts.iter().map(|octets| Part::Hex(hex(&octets.to_vec()))).collect();
                (Instead::Take(Box::new(Ok(Reply { parts: Some(parts), ..Reply::default() }))), None)
            }
            Some(Deed::Double) => (Instead::AskTwice, None),
            Some(Deed::Lose) => (Instead::AskTwice, None),
            deed => (Instead::Ask, deed),
        }
    }

    /// What the harness gets to see of a reply.
    ///
    /// # Errors
    /// Those of the adapter, unless the saboteur hides them.
    pub fn after(&mut self, deed: &Deed, reply: Result<Reply, CallError>) -> Result<Reply, CallError> {
        if matches!(deed, Deed::Succeed) {
            return Ok(reply.unwrap_or_default());
        }
        let mut reply = reply?;
        match deed {
            Deed::Again => self.again = self.asked.take().map(|s| (s, reply.clone())),
            Deed::DropPart(index) => {
                if let Some(parts) = reply.parts.as_mut().filter(|parts| parts.len() > *index) {
                    parts.remove(*index);
                }
            }
            Deed::SetPart { at, to } => {
                if let Some(part) = reply.parts.as_mut().and_then(|parts| parts.get_mut(*at)) {
                    *part = Part::Hex(hex(&to.to_vec()));
                }
            }
            Deed::AddPart(octets) => {
                if let Some(parts) = reply.parts.as_mut() {
                    parts.insert(0, Part::Hex(hex(&octets.to_vec())));
                }
            }
            Deed::ReverseParts => reply.parts.iter_mut().for_each(|parts| parts.reverse()),
            Deed::ForgetProperties => reply.metadata = None,
            Deed::Garble => reply.parts.iter_mut().flatten().for_each(garble),
            other => debug_assert!(false, "{other:?} on an adapter"),
        }
        Ok(reply)
    }
}

fn applies(at: &Unit, body: &RequestBody) -> bool {
    match at {
        Unit::Any => true,
        Unit::Verb(verb) => match body {
            RequestBody::Recv { s, .. } => verb == "recv" && s != HANDLER,
            RequestBody::Send { s, .. } => verb == "send" && s != HANDLER,
            RequestBody::Set { .. } => verb == "set",
            RequestBody::Connect { .. } => verb == "connect",
            RequestBody::Open { .. } => verb == "open",
            RequestBody::Monitor { .. } => verb == "monitor",
            _ => false,
        },
        Unit::Zap(verb) => match body {
            RequestBody::Recv { s, .. } => verb == "recv" && s == HANDLER,
            RequestBody::Send { s, .. } => verb == "send" && s == HANDLER,
            _ => false,
        },
        Unit::Option(name) => matches!(body, RequestBody::Set { option, .. } if option == name),
        _ => false,
    }
}

fn garble(part: &mut Part) {
    match part {
        Part::Hex(text) => {
            let octets: Vec<u8> = unhex(text).unwrap_or_default().iter().map(|octet| octet ^ 0x20).collect();
            *text = hex(&octets);
        }
        Part::Digest { len, .. } => *len += 1,
        Part::Fill { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    fn received(rule: &str) -> Vec<Part> {
        let text = format!(
            "[[saboteur]]\nname = \"x\"\nsin = \"y\"\n[[saboteur.rule]]\non = \"api\"\nat = {{ verb = \"recv\" }}\n{rule}\n"
        );
        let mut tamper = ApiTamper::new(&read("x.toml", &text).unwrap()[0]);
        let recv = RequestBody::Recv { s: "subject".to_owned(), timeout_ms: 0 };
        let reply =
            Reply { parts: Some(vec![Part::Hex("61".to_owned()), Part::Hex("62".to_owned())]), ..Reply::default() };
        let reply = match tamper.before(&recv) {
            (Instead::Take(reply), _) => *reply,
            (Instead::Ask | Instead::AskTwice, Some(deed)) => tamper.after(&deed, Ok(reply)),
            (Instead::Ask | Instead::AskTwice, None) => Ok(reply),
        };
        reply.unwrap().parts.unwrap()
    }

    #[test]
    fn each_deed_alters_what_is_received() {
        let part = |hex: &str| Part::Hex(hex.to_owned());
        assert_eq!(received("do = { set-part = { at = 1, to = \"\\\"c\\\"\" } }"), [part("61"), part("63")]);
        assert_eq!(received("do = { before = \"\\\"c\\\"\" }"), [part("63")]);
        assert_eq!(received("do = { drop-part = 0 }"), [part("62")]);
        assert_eq!(received("nth = 2\ndo = \"garble\""), [part("61"), part("62")]);
    }

    #[test]
    fn the_handler_of_zap_has_rules_of_its_own() {
        let text = "[[saboteur]]\nname = \"x\"\nsin = \"y\"\n[[saboteur.rule]]\non = \"api\"\nat = { zap = \"recv\" }\ndo = { before-parts = ['\"a\"', '\"\"'] }\n[[saboteur.rule]]\non = \"api\"\nat = \"faulty\"\ndo = \"mend\"\n";
        let mut tamper = ApiTamper::new(&read("x.toml", text).unwrap()[0]);
        let recv = |s: &str| RequestBody::Recv { s: s.to_owned(), timeout_ms: 0 };
        assert!(matches!(tamper.before(&recv("subject")), (Instead::Ask, None)));
        let (Instead::Take(reply), None) = tamper.before(&recv(HANDLER)) else { panic!("nothing was invented") };
        assert_eq!(reply.unwrap().parts, Some(vec![Part::Hex("61".to_owned()), Part::Hex(String::new())]));
        assert!(tamper.mends() && !ApiTamper::default().mends());
    }

    #[test]
    fn a_message_can_be_invented_before_the_next_one() {
        let text = "[[saboteur]]\nname = \"x\"\nsin = \"y\"\n[[saboteur.rule]]\non = \"api\"\nat = { verb = \"recv\" }\nnth = 2\ndo = { before = '00 \"B\"' }\n";
        let mut tamper = ApiTamper::new(&read("x.toml", text).unwrap()[0]);
        let recv = RequestBody::Recv { s: "s".to_owned(), timeout_ms: 1 };
        assert!(matches!(tamper.before(&recv), (Instead::Ask, None)));
        let (Instead::Take(reply), None) = tamper.before(&recv) else { panic!("nothing was invented") };
        let reply = reply.unwrap();
        assert_eq!(reply.parts, Some(vec![Part::Hex("0042".to_owned())]));
        assert!(matches!(tamper.before(&recv), (Instead::Ask, None)));
    }
}
