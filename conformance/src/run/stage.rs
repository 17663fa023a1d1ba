//! The stage of one case: the subject behind its adapter, the raw peers, and what passed between them.
//!
//! Everything that waits is here. While a raw peer waits on the wire the subject is asked to settle now and then, since
//! some libraries do their pending work only inside a call.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::rendezvous::{self, Paths, dial};
use super::trouble::{Trouble, Unmet};
use crate::adapter::process::{Adapter, CallError};
use crate::adapter::protocol::{ErrorClass, Hello, Part, Reply, RequestBody, Unsolicited, Value};
use crate::case::file::{Case, Transport};
use crate::case::security::Security;
use crate::case::step::OptionValue;
use crate::event::{Exchanged, Role};
use crate::peer::curve::{Curve, End};
use crate::peer::link::{Link, Record, Waited};
use crate::peer::raw::{RawPeer, Unreadable};
use crate::peer::stream::{Listener, Stream};
use crate::sabotage::Saboteur;
use crate::sabotage::api::{ApiTamper, Instead};
use crate::sabotage::tamper::Tamper;
use crate::verdict::Close;
use crate::wire::curve::Pair;
use crate::wire::dialect::Dialect;
use crate::wire::early::EarlyGreeting;
use crate::wire::frame::Frame;
use crate::wire::greeting::{GREETING, Greeting};
use crate::wire::hex;

/// How long a raw peer waits before it asks the subject to settle once more.
const SETTLE_EVERY: Duration = Duration::from_millis(20);
/// What a reply of the adapter may take beyond the time that the request itself may take.
const REPLY_GRACE: Duration = Duration::from_secs(5);

/// The stage of one case.
pub struct Stage<'a> {
    /// The subject's adapter.
    pub adapter: &'a mut Adapter,
    /// What the subject declares.
    pub hello: &'a Hello,
    /// Role of the subject.
    pub role: Role,
    /// How the next connection cuts its frames.
    pub dialect: Dialect,
    /// Over what subject and raw peers meet.
    pub transport: Transport,
    /// Longest wait of one step.
    pub patience: Duration,
    /// What passed so far.
    pub record: Record,
    /// The raw peers, by name.
    pub peers: BTreeMap<String, RawPeer>,
    case: &'a Case,
    saboteur: Option<&'a Saboteur>,
    api: ApiTamper,
    endpoint: Option<String>,
    /// Connections made so far, those that only look after survival left out.
    connections: usize,
    /// All connections made so far.
    linked: usize,
    paths: Paths,
    /// Events of the subject that no step has asked for yet.
    events: VecDeque<String>,
}

/// Why nothing more can be read from a raw peer's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It ended.
    Ended(Close),
    /// The time is up.
    Deadline,
    /// More came than anyone asked for.
    Flooded,
    /// A frame came that no subject may write.
    Unreadable(Unreadable),
    /// There is no connection.
    Unlinked,
}

impl Stop {
    /// In words, and as a stable name.
    #[must_use]
    pub fn describe(&self, patience: Duration) -> (String, String) {
        let (words, slug) = match self {
            Self::Ended(Close::Rst) => ("the connection was closed (RST)".to_owned(), "closed"),
            Self::Ended(_) => ("the connection was closed (FIN)".to_owned(), "closed"),
            Self::Deadline => (format!("nothing more within {} ms", patience.as_millis()), "silent"),
            Self::Flooded => ("more octets than a raw peer will hold".to_owned(), "flood"),
            Self::Unreadable(Unreadable::TooLarge(size)) => {
                (format!("a frame header that announces {size} octets"), "too-large")
            }
            Self::Unreadable(Unreadable::Broken { rule, slug, frame }) => (
                format!(
                    "a frame that breaks a rule for every frame ({rule}): flags {:02x}, body {}",
                    frame.flags,
                    hex(&frame.body)
                ),
                *slug,
            ),
            Self::Unlinked => ("no connection".to_owned(), "unlinked"),
        };
        (words, slug.to_owned())
    }
}

impl<'a> Stage<'a> {
    /// An empty stage.
    #[must_use]
    pub fn new(
        adapter: &'a mut Adapter,
        hello: &'a Hello,
        case: &'a Case,
        role: Role,
        patience: Duration,
        saboteur: Option<&'a Saboteur>,
    ) -> Self {
        let api = saboteur.map(ApiTamper::new).unwrap_or_default();
        let record = Record::start();
        Self {
            adapter,
            hello,
            role,
            dialect: Dialect::default(),
            transport: Transport::default(),
            patience,
            record,
            peers: BTreeMap::new(),
            case,
            saboteur,
            api,
            endpoint: None,
            connections: 0,
            linked: 0,
            paths: Paths::default(),
            events: VecDeque::new(),
        }
    }

    /// When a step that begins now has waited long enough.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    /// Asks the adapter, under the eyes of the saboteur if there is one.
    ///
    /// # Errors
    /// Those of [`Adapter::call`].
    pub fn ask(&mut self, body: RequestBody, within: Duration) -> Result<Reply, CallError> {
        let within = within + REPLY_GRACE;
        if self.api.is_idle() {
            return self.adapter.call(body, within);
        }
        let (instead, deed) = self.api.before(&body);
        let reply = match instead {
            Instead::Take(reply) => return *reply,
            Instead::Ask => self.adapter.call(body, within),
            Instead::AskTwice => {
                let _ = self.adapter.call(body.clone(), within);
                self.adapter.call(body, within)
            }
        };
        match deed {
            Some(deed) => self.api.after(&deed, reply),
            None => reply,
        }
    }

    /// Asks for something that is wrong on purpose; a saboteur may have the right thing done instead.
    ///
    /// # Errors
    /// Those of [`Adapter::call`].
    pub fn ask_faulty(&mut self, body: RequestBody, mended: RequestBody, within: Duration) -> Result<Reply, CallError> {
        let body = if self.api.mends() { mended } else { body };
        self.ask(body, within)
    }

    /// Opens a socket and, where the subject binds, binds it.
    ///
    /// # Errors
    /// The adapter's, or that the subject lacks the socket type, a role or an option.
    pub fn open(
        &mut self,
        s: &str,
        kind: &str,
        options: &BTreeMap<String, OptionValue>,
        monitor: Monitored,
    ) -> Result<(), Trouble> {
        let lacks = |what: &str, list: &[String], wanted: &str| {
            (!list.iter().any(|have| have == wanted)).then(|| Trouble::Unsupported(format!("no {what} {wanted}")))
        };
        let role = match self.role {
            Role::Binds => "bind",
            Role::Connects => "connect",
        };
        let missing =
            lacks("socket type", &self.hello.sockets, kind).or_else(|| lacks("role", &self.hello.roles, role));
        let missing = missing.or_else(|| lacks("transport", &self.hello.transports, self.transport.word()));
        if let Some(trouble) = missing {
            return Err(trouble);
        }
        let mut values = BTreeMap::new();
        if let Some(security) = self.case.security {
            if let Some(trouble) = lacks("mechanism", &self.hello.mechanisms, security.mechanism()) {
                return Err(trouble);
            }
            for (name, value) in self.security_options(security) {
                values.insert(name.to_owned(), self.value(name, &value)?);
            }
        }
        for (name, value) in options {
            values.insert(name.clone(), self.value(name, value)?);
        }
        let open = RequestBody::Open { s: s.to_owned(), ctx: None, kind: kind.to_owned(), options: values };
        self.ask(open, self.patience).map_err(|error| unsupported_or(error, Trouble::Adapter))?;
        if monitor == Monitored::Yes {
            let monitor = RequestBody::Monitor { s: s.to_owned() };
            self.ask(monitor, self.patience).map_err(|error| unsupported_or(error, Trouble::Adapter))?;
        }
        if self.role == Role::Binds {
            let endpoint = self.bind(s)?;
            self.endpoint = Some(endpoint);
        }
        Ok(())
    }

    /// What makes the subject's socket the end of a mechanism that its case wants.
    fn security_options(&self, security: Security) -> Vec<(&'static str, OptionValue)> {
        let key = |key: [u8; 32]| OptionValue::Octets(key.to_vec());
        let own = self.pair("subject");
        match security {
            Security::PlainServer => {
                vec![("plain_server", OptionValue::Int(1)), ("zap_domain", OptionValue::Octets(DOMAIN.to_vec()))]
            }
            Security::PlainClient => vec![
                ("plain_username", OptionValue::Octets(USERNAME.to_vec())),
                ("plain_password", OptionValue::Octets(PASSWORD.to_vec())),
            ],
            Security::CurveServer => vec![
                ("curve_server", OptionValue::Int(1)),
                ("curve_publickey", key(own.public)),
                ("curve_secretkey", key(own.secret)),
            ],
            Security::CurveClient => vec![
                ("curve_publickey", key(own.public)),
                ("curve_secretkey", key(own.secret)),
                ("curve_serverkey", key(self.pair("server").public)),
            ],
        }
    }

    /// A permanent key pair of this case: `subject`, `server`, or the name of a raw peer.
    #[must_use]
    pub fn pair(&self, of: &str) -> Pair {
        Pair::of(&format!("{} {of}", self.case.id))
    }

    /// CURVE as a raw peer begins it, where the case is about it.
    fn curve(&self, name: &str) -> Option<Curve> {
        let security = self.case.security.filter(|security| security.mechanism() == "CURVE")?;
        let permanent = match security.peers() {
            End::Client => self.pair(name),
            End::Server => self.pair("server"),
        };
        let seed = format!("{} {name} {}", self.case.id, self.linked);
        Some(Curve::new(security.peers(), permanent, self.pair("subject").public, &seed))
    }

    /// Binds a socket where nobody else is.
    ///
    /// # Errors
    /// The adapter's.
    pub fn bind(&mut self, s: &str) -> Result<String, Trouble> {
        let endpoint = rendezvous::to_bind(self.transport, &mut self.paths);
        let bind = RequestBody::Bind { s: s.to_owned(), endpoint };
        let reply = self.ask(bind, self.patience)?;
        reply.endpoint.ok_or_else(|| {
            Trouble::Harness("expected `endpoint` in the reply to `bind`, found none; mend the adapter".to_owned())
        })
    }

    /// An option's value in the type that the adapter declares for it.
    ///
    /// # Errors
    /// The subject does not have the option.
    pub fn value(&self, name: &str, value: &OptionValue) -> Result<Value, Trouble> {
        let declared = self.hello.options.get(name).ok_or_else(|| Trouble::Unsupported(format!("no option {name}")))?;
        Ok(match value {
            OptionValue::Int(number) => Value::Int(*number),
            OptionValue::Octets(octets) if declared == "hex" => Value::Text(hex(octets)),
            OptionValue::Octets(octets) => Value::Text(String::from_utf8_lossy(octets).into_owned()),
        })
    }

    /// The raw peer of a name, made if needed.
    pub fn peer(&mut self, name: &str) -> &mut RawPeer {
        self.peers.entry(name.to_owned()).or_insert_with(|| RawPeer::new(name))
    }

    /// Makes the connection of a raw peer: to socket `s`, where the subject binds; from it, where it connects.
    ///
    /// # Errors
    /// No connection came about in time.
    pub fn link(&mut self, name: &str, s: &str) -> Result<(), Trouble> {
        let stream = match self.role {
            Role::Binds => {
                let endpoint = self.endpoint.clone().unwrap_or_default();
                dial(&endpoint, self.patience)?
            }
            Role::Connects => self.accept(name, s)?,
        };
        self.begin(name, stream)
    }

    /// Dials an endpoint of the subject.
    ///
    /// # Errors
    /// It cannot be reached.
    pub fn link_to(&mut self, name: &str, endpoint: &str) -> Result<(), Trouble> {
        let stream = dial(endpoint, self.patience)?;
        self.begin(name, stream)
    }

    fn begin(&mut self, name: &str, stream: Stream) -> Result<(), Trouble> {
        // Who only looks after survival is not sabotaged: the sin is that of the connection under test.
        let sabotaged = self.saboteur.filter(|_| !name.starts_with(char::is_numeric));
        self.connections += usize::from(sabotaged.is_some());
        let tamper = sabotaged.and_then(|saboteur| Tamper::new(saboteur, self.connections, self.dialect));
        let link =
            Link::new(stream, tamper).map_err(|error| Trouble::Harness(format!("cannot use a socket: {error}")))?;
        let role = match self.role {
            Role::Binds => "dialled",
            Role::Connects => "accepted",
        };
        self.record.add(name, Exchanged::Linked(role.to_owned()));
        let dialect = self.dialect;
        self.linked += 1;
        let curve = if name == BYSTANDER { None } else { self.curve(name) };
        self.peer(name).begin(link, dialect);
        self.peer(name).curve = curve;
        Ok(())
    }

    fn accept(&mut self, name: &str, s: &str) -> Result<Stream, Trouble> {
        if self.peer(name).listener.is_none() {
            let (listener, endpoint) = rendezvous::listen(self.transport, &mut self.paths)?;
            self.peer(name).listener = Some(listener);
            let connect = RequestBody::Connect { s: s.to_owned(), endpoint };
            self.ask(connect, self.patience)?;
        }
        let until = self.deadline();
        loop {
            let accepted = self.peers.get(name).and_then(|peer| peer.listener.as_ref()).map(Listener::accept);
            match accepted {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Some(Err(error)) => {
                    return Err(Trouble::Harness(format!("cannot accept a connection: {error}")));
                }
                None => return Err(Trouble::Harness("the listener of a raw peer is gone".to_owned())),
            }
            if Instant::now() >= until {
                let came = format!("no connection within {} ms", self.patience.as_millis());
                return Err(Trouble::Unmet(Unmet::new("the subject connects", came, "no-connection")));
            }
            if let Some(listener) = self.peers.get(name).and_then(|peer| peer.listener.as_ref()) {
                let slice = Timespec::try_from(SETTLE_EVERY).unwrap_or_default();
                let _ = poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&slice));
            }
            self.settle(s)?;
        }
    }

    /// The next event of the subject's monitor; `None` if none comes in time.
    pub fn event(&mut self) -> Option<String> {
        let until = self.deadline();
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            for unsolicited in self.adapter.unsolicited_within(left) {
                match unsolicited {
                    Unsolicited::Monitor { s, name, .. } if s == SUBJECT => self.events.push_back(name),
                    Unsolicited::Monitor { .. } | Unsolicited::Fault { .. } => {}
                }
            }
        }
    }

    /// Lets the subject do its pending work.
    ///
    /// # Errors
    /// The adapter's; a refusal is none.
    pub fn settle(&mut self, s: &str) -> Result<(), Trouble> {
        match self.adapter.call(RequestBody::Settle { s: s.to_owned() }, self.patience + REPLY_GRACE) {
            Ok(_) | Err(CallError::Refused(_)) => Ok(()),
            Err(error) => Err(Trouble::Adapter(error)),
        }
    }

    /// Writes octets of a raw peer. That the subject closes meanwhile is found out by whoever reads next.
    ///
    /// # Errors
    /// There is no connection, or the subject does not read.
    pub fn send(&mut self, name: &str, octets: &[u8]) -> Result<(), Trouble> {
        self.send_faulty(name, octets, None)
    }

    /// As [`Self::send`], of octets that may be wrong on purpose: then `mended` is what would be right.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn send_faulty(&mut self, name: &str, octets: &[u8], mended: Option<&[u8]>) -> Result<(), Trouble> {
        let until = self.deadline();
        let Some(peer) = self.peers.get_mut(name) else { return Err(unlinked(name)) };
        let Some(link) = peer.link.as_mut() else { return Err(unlinked(name)) };
        let waited = link.send(octets, mended, until, name, &mut self.record);
        let kill = link.takes_kill();
        if kill {
            self.adapter.kill();
        }
        match waited {
            Waited::More | Waited::Ended(_) => Ok(()),
            Waited::Deadline => {
                let came = format!("the subject read nothing for {} ms", self.patience.as_millis());
                Err(Trouble::Unmet(Unmet::new("the subject reads what is sent", came, "not-read")))
            }
            Waited::Flooded => {
                Err(Trouble::Unmet(Unmet::new("the subject reads what is sent", "a flood of octets", "flood")))
            }
        }
    }

    /// Waits until `ready` finds something at a raw peer.
    ///
    /// # Errors
    /// The inner one: why nothing more can come. The outer one: the adapter's.
    pub fn await_peer<T>(
        &mut self,
        name: &str,
        until: Instant,
        mut ready: impl FnMut(&mut RawPeer) -> Result<Option<T>, Unreadable>,
    ) -> Result<Result<T, Stop>, Trouble> {
        loop {
            let slice = until.min(Instant::now() + SETTLE_EVERY);
            let Some(peer) = self.peers.get_mut(name) else { return Ok(Err(Stop::Unlinked)) };
            match ready(peer) {
                Ok(Some(found)) => return Ok(Ok(found)),
                Ok(None) => {}
                Err(unreadable) => return Ok(Err(Stop::Unreadable(unreadable))),
            }
            let Some(link) = peer.link.as_mut() else { return Ok(Err(Stop::Unlinked)) };
            let waited = link.wait(slice, name, &mut self.record);
            let kill = link.takes_kill();
            if kill {
                self.adapter.kill();
            }
            match waited {
                Waited::More => {}
                Waited::Ended(how) => return Ok(Err(Stop::Ended(how))),
                Waited::Flooded => return Ok(Err(Stop::Flooded)),
                Waited::Deadline if Instant::now() >= until => return Ok(Err(Stop::Deadline)),
                Waited::Deadline => self.settle(SUBJECT)?,
            }
        }
    }

    /// The next frame of a raw peer.
    ///
    /// # Errors
    /// As [`Self::await_peer`].
    pub fn frame(&mut self, name: &str, until: Instant) -> Result<Result<Frame, Stop>, Trouble> {
        self.await_peer(name, until, RawPeer::take_frame)
    }

    /// The subject's greeting.
    ///
    /// # Errors
    /// As [`Self::await_peer`].
    pub fn greeting(&mut self, name: &str) -> Result<Result<Greeting, Stop>, Trouble> {
        let until = self.deadline();
        self.await_peer(name, until, |peer| Ok(peer.take_greeting()))
    }

    /// The subject's greeting of ZMTP 2.0 or 1.0.
    ///
    /// # Errors
    /// As [`Self::await_peer`].
    pub fn early_greeting(&mut self, name: &str) -> Result<Result<EarlyGreeting, Stop>, Trouble> {
        let until = self.deadline();
        self.await_peer(name, until, RawPeer::take_early)
    }

    /// The next `count` octets, before any of them is read as a greeting or frame.
    ///
    /// # Errors
    /// As [`Self::await_peer`].
    pub fn octets(&mut self, name: &str, count: usize) -> Result<Result<Vec<u8>, Stop>, Trouble> {
        let until = self.deadline();
        self.await_peer(name, until, |peer| {
            let link = peer.link.as_mut().filter(|link| link.inbox().len() >= count);
            Ok(link.map(|link| {
                let octets = link.take(count);
                if let Some(greeting) = octets.first_chunk::<GREETING>() {
                    peer.greeting.get_or_insert_with(|| Greeting::decode(greeting));
                }
                octets
            }))
        })
    }
}

/// Name of the subject's socket in every case.
pub const SUBJECT: &str = "subject";
/// Socket and raw peer that have nothing to do with the case.
pub const BYSTANDER: &str = "0-bystander";
/// User name of PLAIN, where a case does not say another.
pub const USERNAME: &[u8] = b"admin";
/// Password of PLAIN, where a case does not say another.
pub const PASSWORD: &[u8] = b"secret";
/// Domain of ZAP with PLAIN, where a case does not say another.
pub const DOMAIN: &[u8] = b"global";

/// Whether the events of a socket are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Monitored {
    /// From before it is bound.
    Yes,
    /// Not at all.
    No,
}

fn unlinked(name: &str) -> Trouble {
    Trouble::Harness(format!("{name} has no connection in this step; let it link first"))
}

/// A refusal of class `unsupported` says that the subject lacks something; everything else is `otherwise`.
pub fn unsupported_or(error: CallError, otherwise: impl FnOnce(CallError) -> Trouble) -> Trouble {
    match error {
        CallError::Refused(refusal) if refusal.class == ErrorClass::Unsupported => {
            Trouble::Unsupported(if refusal.native.is_empty() {
                "refused as unsupported".to_owned()
            } else {
                refusal.native
            })
        }
        other => otherwise(other),
    }
}

/// Octets as a part of a request.
#[must_use]
pub fn part(octets: &[u8]) -> Part {
    match octets.first() {
        Some(first)
            if octets.len() > crate::adapter::protocol::LARGE_PART && octets.iter().all(|octet| octet == first) =>
        {
            Part::Fill { fill: format!("{first:02x}"), len: octets.len() }
        }
        _ => Part::Hex(hex(octets)),
    }
}
