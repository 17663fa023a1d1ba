//! A raw peer's end of CURVE: what it says, right or with one fault, and what is wrong with what it hears.

use std::fmt::Write as _;

use crate::wire::curve::{
    COOKIE, HELLO, INITIATE, Key, MESSAGE, Pair, READY, VOUCH, WELCOME, digest, nonce, open, prefix, seal,
};
use crate::wire::{hex, show};

/// Which end of the mechanism the raw peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It says HELLO.
    Client,
    /// It answers with WELCOME.
    Server,
}

/// One thing done wrong in one command. Everything else about the command is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The lowest bit of an octet of the body is flipped; octet 0 is the length of the name.
    Flipped(usize),
    /// The body ends after so many octets.
    Cut(usize),
    /// So many zero octets follow the body.
    Padded(usize),
    /// The short nonce is this one.
    Nonce(u64),
    /// The box is made with this prefix of the nonce.
    Prefix(Vec<u8>),
    /// The box holds this.
    Holding(Vec<u8>),
    /// The box is made with a key that nobody knows.
    SealedByAnother,
    /// The box is made for a key that nobody knows.
    SealedToAnother,
    /// HELLO names a public key of low order: whatever is made with it can be opened by anybody.
    LowOrder,
    /// INITIATE has these metadata.
    Metadata(Vec<u8>),
    /// INITIATE names another permanent key than the one that made its vouch.
    AnotherPermanentKey,
    /// The vouch was made with another key than the permanent one that INITIATE names.
    VouchByAnother,
    /// The vouch is for another transient key.
    VouchForAnotherTransient,
    /// The vouch is for another server.
    VouchForAnotherServer,
    /// The vouch is made with this prefix of the nonce.
    VouchPrefix(Vec<u8>),
    /// The cookie is the one that another raw peer was given.
    CookieOf(String),
    /// The whole command is the one that another raw peer sent.
    CommandOf(String),
}

/// What a subject's command has wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrong {
    /// The rule, in words.
    pub rule: &'static str,
    /// Stable name.
    pub slug: &'static str,
}

/// One connection with CURVE, seen from the raw peer.
#[derive(Debug, Clone)]
pub struct Curve {
    /// Which end this is.
    pub end: End,
    /// Seed of everything that would be random.
    seed: String,
    permanent: Pair,
    /// The subject's permanent key.
    theirs: Key,
    transient: Pair,
    their_transient: Key,
    /// The cookie that went with WELCOME.
    pub cookie: Vec<u8>,
    /// The last INITIATE that this end made, whole.
    pub initiate: Vec<u8>,
    /// Last short nonces, 0 before the first.
    sent: u64,
    heard: u64,
    /// Whether everything is MESSAGE from here on.
    pub traffic: bool,
    /// What was in the boxes, in order.
    pub opened: Vec<String>,
}

impl Curve {
    /// A connection that has not begun. `seed` is different for each connection of a run, and the same in every run.
    #[must_use]
    pub fn new(end: End, permanent: Pair, theirs: Key, seed: &str) -> Self {
        Self {
            end,
            seed: seed.to_owned(),
            permanent,
            theirs,
            transient: Pair::of(&format!("{seed} transient")),
            their_transient: [0; 32],
            cookie: Vec::new(),
            initiate: Vec::new(),
            sent: 0,
            heard: 0,
            traffic: false,
            opened: Vec::new(),
        }
    }

    /// The body of a HELLO.
    pub fn hello(&mut self, fault: Option<&Fault>) -> Vec<u8> {
        let number = self.next_nonce(fault);
        let low = fault == Some(&Fault::LowOrder);
        let public = if low { [0; 32] } else { self.transient.public };
        // With such a key the shared secret is zero, whatever the other key is.
        let to = if low { public } else { self.theirs };
        let sealed = self.short_box(fault, prefix::HELLO, number, vec![0; 64], to, self.transient.secret);
        let parts: [&[u8]; 5] = [b"\x05HELLO\x01\0", &[0; 72], &public, &number.to_be_bytes(), &sealed];
        self.note("sent", "HELLO", Some(number), &[0; 64]);
        bend(parts.concat(), fault)
    }

    /// The body of a WELCOME.
    pub fn welcome(&mut self, fault: Option<&Fault>) -> Vec<u8> {
        self.cookie = self.random("cookie", COOKIE);
        let plain = [&self.transient.public[..], &self.cookie].concat();
        let long = self.random("welcome", 16);
        self.note("sent", "WELCOME", None, &plain);
        let sealed = self.long_box(fault, prefix::WELCOME, &long, plain, self.their_transient, self.permanent.secret);
        bend([b"\x07WELCOME", &long[..], &sealed].concat(), fault)
    }

    /// The body of an INITIATE; `cookie` is the one to give back, where it is not the own one.
    pub fn initiate(&mut self, metadata: &[u8], cookie: Option<Vec<u8>>, fault: Option<&Fault>) -> Vec<u8> {
        let number = self.next_nonce(fault);
        let other = Pair::of("another key");
        let permanent = if fault == Some(&Fault::AnotherPermanentKey) { other } else { self.permanent };
        let (transient, server, by) = match fault {
            Some(Fault::VouchForAnotherTransient) => (other.public, self.theirs, self.permanent.secret),
            Some(Fault::VouchForAnotherServer) => (self.transient.public, other.public, self.permanent.secret),
            Some(Fault::VouchByAnother) => (self.transient.public, self.theirs, other.secret),
            Some(_) | None => (self.transient.public, self.theirs, self.permanent.secret),
        };
        let vouch_prefix = if let Some(Fault::VouchPrefix(other)) = fault { other } else { prefix::VOUCH };
        let metadata = if let Some(Fault::Metadata(other)) = fault { other } else { metadata };
        let long = self.random("vouch", 16);
        let vouch = seal(&[transient, server].concat(), &nonce(vouch_prefix, &long), &self.their_transient, &by);
        let plain = [&permanent.public[..], &long, &vouch, metadata].concat();
        self.note("sent", "INITIATE", Some(number), &plain);
        let sealed =
            self.short_box(fault, prefix::INITIATE, number, plain, self.their_transient, self.transient.secret);
        let cookie = cookie.unwrap_or_else(|| self.cookie.clone());
        let body = bend([b"\x08INITIATE", &cookie[..], &number.to_be_bytes(), &sealed].concat(), fault);
        self.initiate.clone_from(&body);
        body
    }

    /// The body of a READY; what follows it is MESSAGE.
    pub fn ready(&mut self, metadata: &[u8], fault: Option<&Fault>) -> Vec<u8> {
        let number = self.next_nonce(fault);
        self.note("sent", "READY", Some(number), metadata);
        let plain = metadata.to_vec();
        let sealed = self.short_box(fault, prefix::READY, number, plain, self.their_transient, self.transient.secret);
        self.traffic = true;
        bend([b"\x05READY", &number.to_be_bytes()[..], &sealed].concat(), fault)
    }

    /// The body of a MESSAGE with this payload, flags octet first.
    pub fn message(&mut self, payload: &[u8], fault: Option<&Fault>) -> Vec<u8> {
        let number = self.next_nonce(fault);
        self.note("sent", "MESSAGE", Some(number), payload);
        let own = match self.end {
            End::Client => prefix::FROM_CLIENT,
            End::Server => prefix::FROM_SERVER,
        };
        let plain = payload.to_vec();
        let sealed = self.short_box(fault, own, number, plain, self.their_transient, self.transient.secret);
        bend([b"\x07MESSAGE", &number.to_be_bytes()[..], &sealed].concat(), fault)
    }

    /// Takes a HELLO: gives the client's transient key.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    // spec: CURVE-GRAM-01, CURVE-HELLO-02, CURVE-HELLO-03, CURVE-HELLO-04, CURVE-HELLO-08, CURVE-HELLO-09
    pub fn on_hello(&mut self, body: &[u8]) -> Result<Key, Wrong> {
        demand(body.len() == HELLO, "HELLO has 200 octets", "hello-size")?;
        demand(body[6..8] == [1, 0], "HELLO is of version 1.0", "hello-version")?;
        demand(body[8..80].iter().all(|octet| *octet == 0), "the padding of HELLO is zero", "hello-padding")?;
        self.their_transient = key(&body[80..112]);
        let plain =
            self.open_short(prefix::HELLO, "HELLO", &body[112..], self.their_transient, self.permanent.secret)?;
        demand(plain == [0; 64], "the box of HELLO holds 64 zero octets", "hello-content")?;
        Ok(self.their_transient)
    }

    /// Takes a WELCOME: gives the server's transient key.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    // spec: CURVE-GRAM-02, CURVE-WELCOME-02, CURVE-WELCOME-03, CURVE-WELCOME-04
    pub fn on_welcome(&mut self, body: &[u8]) -> Result<Key, Wrong> {
        demand(body.len() == WELCOME, "WELCOME has 168 octets", "welcome-size")?;
        let number = nonce(prefix::WELCOME, &body[8..24]);
        let plain = open(&body[24..], &number, &self.theirs, &self.transient.secret);
        let plain = plain.ok_or(Wrong { rule: "the box of WELCOME is from S to C'", slug: "welcome-box" })?;
        self.note("received", "WELCOME", None, &plain);
        self.their_transient = key(&plain[..32]);
        self.cookie = plain[32..].to_vec();
        Ok(self.their_transient)
    }

    /// Takes an INITIATE: gives its metadata.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    // spec: CURVE-GRAM-04, CURVE-GRAM-05, CURVE-INIT-02, CURVE-INIT-03, CURVE-INIT-04, CURVE-INIT-05, CURVE-VOUCH-01
    // spec: CURVE-VOUCH-03
    pub fn on_initiate(&mut self, body: &[u8]) -> Result<Vec<u8>, Wrong> {
        demand(body.len() >= INITIATE, "INITIATE has at least 257 octets", "initiate-size")?;
        demand(body[9..105] == self.cookie, "INITIATE gives the cookie back", "initiate-cookie")?;
        let (from, to) = (self.their_transient, self.transient.secret);
        let plain = self.open_short(prefix::INITIATE, "INITIATE", &body[105..], from, to)?;
        demand(plain[..32] == self.theirs, "INITIATE names the client's permanent key", "initiate-key")?;
        let (vouch, metadata) = plain[32..].split_at(VOUCH);
        let vouched = open(&vouch[16..], &nonce(prefix::VOUCH, &vouch[..16]), &self.theirs, &to);
        let vouched = vouched.ok_or(Wrong { rule: "the vouch is from C to S'", slug: "vouch-box" })?;
        demand(vouched[..32] == self.their_transient, "the vouch is for C'", "vouch-client")?;
        demand(vouched[32..] == self.permanent.public, "the vouch is for S", "vouch-server")?;
        Ok(metadata.to_vec())
    }

    /// Takes a READY: gives its metadata; what follows it is MESSAGE.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    // spec: CURVE-GRAM-07, CURVE-READY-01, CURVE-READY-02, CURVE-READY-03
    pub fn on_ready(&mut self, body: &[u8]) -> Result<Vec<u8>, Wrong> {
        demand(body.len() >= READY, "READY has at least 30 octets", "ready-size")?;
        let (from, to) = (self.their_transient, self.transient.secret);
        let metadata = self.open_short(prefix::READY, "READY", &body[6..], from, to)?;
        self.traffic = true;
        Ok(metadata)
    }

    /// Takes a MESSAGE: gives its payload, flags octet first.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    // spec: CURVE-GRAM-09, CURVE-GRAM-10, CURVE-MSG-02, CURVE-MSG-03, CURVE-MSG-04, CURVE-MSG-05
    pub fn on_message(&mut self, body: &[u8]) -> Result<Vec<u8>, Wrong> {
        demand(body.len() >= MESSAGE, "MESSAGE has at least 33 octets", "message-size")?;
        let theirs = match self.end {
            End::Client => prefix::FROM_SERVER,
            End::Server => prefix::FROM_CLIENT,
        };
        let (from, to) = (self.their_transient, self.transient.secret);
        let payload = self.open_short(theirs, "MESSAGE", &body[8..], from, to)?;
        demand(payload[0] & !3 == 0, "a payload's flags are MORE and COMMAND", "message-flags")?;
        Ok(payload)
    }

    // spec: CURVE-NONCE-01, CURVE-NONCE-05
    fn open_short(&mut self, prefix: &[u8], command: &str, rest: &[u8], from: Key, to: Key) -> Result<Vec<u8>, Wrong> {
        let (number, sealed) = rest.split_first_chunk::<8>().expect("the size was checked");
        let plain = open(sealed, &nonce(prefix, number), &from, &to);
        let plain = plain.ok_or(Wrong { rule: "a box opens with its keys and its nonce", slug: "box" })?;
        let number = u64::from_be_bytes(*number);
        self.note("received", command, Some(number), &plain);
        let rises = number > self.heard;
        self.heard = self.heard.max(number);
        demand(rises, "short nonces rise with each command", "nonce")?;
        Ok(plain)
    }

    /// The last short nonce of the other end.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.heard
    }

    fn next_nonce(&mut self, fault: Option<&Fault>) -> u64 {
        let natural = self.sent + 1;
        let number = if let Some(Fault::Nonce(number)) = fault { *number } else { natural };
        self.sent = natural.max(number);
        number
    }

    fn short_box(&self, fault: Option<&Fault>, own: &[u8], number: u64, plain: Vec<u8>, to: Key, by: Key) -> Vec<u8> {
        self.long_box(fault, own, &number.to_be_bytes(), plain, to, by)
    }

    #[expect(clippy::unused_self, reason = "reads as the other builders do")]
    fn long_box(&self, fault: Option<&Fault>, own: &[u8], rest: &[u8], plain: Vec<u8>, to: Key, by: Key) -> Vec<u8> {
        let other = Pair::of("another key");
        let (mut prefix, mut plain, mut to, mut by) = (own, plain, to, by);
        match fault {
            Some(Fault::Prefix(other)) => prefix = other,
            Some(Fault::Holding(octets)) => plain.clone_from(octets),
            Some(Fault::SealedByAnother) => by = other.secret,
            Some(Fault::SealedToAnother) => to = other.public,
            Some(_) | None => {}
        }
        seal(&plain, &nonce(prefix, rest), &to, &by)
    }

    fn random(&self, what: &str, length: usize) -> Vec<u8> {
        let block = |at: usize| digest(&[&self.seed, what, &at.to_string()]);
        (0..length.div_ceil(32)).flat_map(block).take(length).collect()
    }

    fn note(&mut self, direction: &str, command: &str, number: Option<u64>, plain: &[u8]) {
        let mut line = format!("{direction} {command}");
        if let Some(number) = number {
            let _ = write!(line, " {number}");
        }
        let _ = match command {
            "MESSAGE" => {
                write!(line, ": <{}> {}", hex(&plain[..plain.len().min(1)]), show(plain.get(1..).unwrap_or(&[])))
            }
            _ => write!(line, ": {}", show(plain)),
        };
        self.opened.push(line);
    }
}

/// A body with a fault that is not in a box: flipped, cut, padded.
#[must_use]
pub fn bend(mut body: Vec<u8>, fault: Option<&Fault>) -> Vec<u8> {
    match fault {
        Some(Fault::Flipped(at)) => body.iter_mut().skip(*at).take(1).for_each(|octet| *octet ^= 1),
        Some(Fault::Cut(length)) => body.truncate(*length),
        Some(Fault::Padded(count)) => body.extend(vec![0; *count]),
        Some(_) | None => {}
    }
    body
}

fn demand(holds: bool, rule: &'static str, slug: &'static str) -> Result<(), Wrong> {
    if holds { Ok(()) } else { Err(Wrong { rule, slug }) }
}

fn key(octets: &[u8]) -> Key {
    octets.try_into().expect("the caller cut 32 octets out")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> (Curve, Curve) {
        let (client, server) = (Pair::of("client"), Pair::of("server"));
        (Curve::new(End::Client, client, server.public, "c"), Curve::new(End::Server, server, client.public, "s"))
    }

    fn welcomed() -> (Curve, Curve) {
        let (mut client, mut server) = ends();
        server.on_hello(&client.hello(None)).unwrap();
        client.on_welcome(&server.welcome(None)).unwrap();
        (client, server)
    }

    fn ready() -> (Curve, Curve) {
        let (mut client, mut server) = welcomed();
        assert_eq!(server.on_initiate(&client.initiate(b"from", None, None)).unwrap(), b"from");
        assert_eq!(client.on_ready(&server.ready(b"to", None)).unwrap(), b"to");
        (client, server)
    }

    #[test]
    fn both_ends_understand_each_other() {
        let (mut client, mut server) = ready();
        assert_eq!(server.on_message(&client.message(b"\0a", None)).unwrap(), b"\0a");
        assert_eq!(client.on_message(&server.message(b"\x01b", None)).unwrap(), b"\x01b");
        assert_eq!((client.initiate.len(), client.heard()), (257 + 4, 2));
        assert_eq!(client.opened.last().map(String::as_str), Some("received MESSAGE 2: <01> \"b\""));
    }

    #[test]
    fn each_fault_is_found() {
        let hello = |fault: Fault| {
            let (mut client, mut server) = ends();
            server.on_hello(&client.hello(Some(&fault))).map_err(|wrong| wrong.slug).map(drop)
        };
        assert_eq!(hello(Fault::Cut(199)), Err("hello-size"));
        assert_eq!(hello(Fault::Padded(1)), Err("hello-size"));
        assert_eq!(hello(Fault::Flipped(6)), Err("hello-version"));
        assert_eq!(hello(Fault::Flipped(79)), Err("hello-padding"));
        assert_eq!(hello(Fault::Flipped(80)), Err("box"));
        assert_eq!(hello(Fault::Flipped(199)), Err("box"));
        assert_eq!(hello(Fault::Prefix(b"CurveZMQHELLO---".to_vec())), Ok(()));
        assert_eq!(hello(Fault::Prefix(b"CurveZMQHELLO".to_vec())), Err("box"));
        assert_eq!(hello(Fault::Holding(vec![1; 64])), Err("hello-content"));
        assert_eq!(hello(Fault::SealedByAnother), Err("box"));
        assert_eq!(hello(Fault::SealedToAnother), Err("box"));
        assert_eq!(hello(Fault::LowOrder), Ok(()));
        assert_eq!(hello(Fault::Nonce(0)), Err("nonce"));
        let initiate = |fault: Fault| {
            let (mut client, mut server) = welcomed();
            server.on_initiate(&client.initiate(b"", None, Some(&fault))).map_err(|wrong| wrong.slug).map(drop)
        };
        assert_eq!(initiate(Fault::Cut(256)), Err("initiate-size"));
        assert_eq!(initiate(Fault::Flipped(9)), Err("initiate-cookie"));
        assert_eq!(initiate(Fault::AnotherPermanentKey), Err("initiate-key"));
        assert_eq!(initiate(Fault::VouchByAnother), Err("vouch-box"));
        assert_eq!(initiate(Fault::VouchPrefix(b"VOUCH".to_vec())), Err("vouch-box"));
        assert_eq!(initiate(Fault::VouchForAnotherTransient), Err("vouch-client"));
        assert_eq!(initiate(Fault::VouchForAnotherServer), Err("vouch-server"));
        assert_eq!(initiate(Fault::Nonce(1)), Err("nonce"));
        let message = |fault: Fault| {
            let (mut client, mut server) = ready();
            client.on_message(&server.message(b"\0x", Some(&fault))).map_err(|wrong| wrong.slug).map(drop)
        };
        assert_eq!(message(Fault::Nonce(1)), Err("nonce"));
        assert_eq!(message(Fault::Nonce(9)), Ok(()));
        assert_eq!(message(Fault::Prefix(b"CurveZMQMESSAGEC".to_vec())), Err("box"));
        assert_eq!(message(Fault::Holding(b"\x80x".to_vec())), Err("message-flags"));
        assert_eq!(message(Fault::Cut(32)), Err("message-size"));
    }
}
