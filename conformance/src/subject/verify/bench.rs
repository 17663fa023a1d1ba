//! What the drills share: a process that is started when needed, short words for requests, and their failures.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Failed, Outcome};
use crate::adapter::process::{Adapter, CallError, Launch};
use crate::adapter::protocol::{ErrorClass, Hello, Left, Part, Reply, RequestBody, Value};

/// Long enough for any reply on a loaded machine; what takes longer never comes.
pub(super) const REPLY: Duration = Duration::from_secs(10);
/// As a request has it: how long something that must come may take.
pub(super) const COMES: u64 = 5_000;

/// Why a drill did not end well.
pub(super) enum Stop {
    /// Not to be tried with this adapter.
    Skip(String),
    /// It failed.
    Fail(Failed),
}

/// How a drill ends.
pub(super) type Done = Result<(), Stop>;

/// A process under drill.
pub(super) struct Bench<'a> {
    launch: &'a Launch,
    hello_within: Duration,
    adapter: Option<(Adapter, Hello)>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(launch: &'a Launch, hello_within: Duration) -> Self {
        Self { launch, hello_within, adapter: None }
    }

    /// Runs one drill and cleans up behind it. A process that cannot be cleaned up is replaced.
    pub(super) fn run(&mut self, drill: impl FnOnce(&mut Self) -> Done) -> Outcome {
        let outcome = match drill(self) {
            Ok(()) => Outcome::Ok,
            Err(Stop::Skip(why)) => Outcome::Skipped(why),
            Err(Stop::Fail(failed)) => Outcome::Failed(failed),
        };
        if self.adapter.is_some() {
            let clean = matches!(outcome, Outcome::Ok | Outcome::Skipped(_)) && self.reset().is_ok();
            if !clean {
                self.adapter = None;
            }
        }
        outcome
    }

    /// The process and its greeting, started if need be.
    pub(super) fn started(&mut self) -> Result<&mut (Adapter, Hello), Stop> {
        if self.adapter.is_none() {
            let started = Adapter::start(self.launch, self.hello_within);
            let (adapter, hello, _) = started.map_err(|error| {
                fail(
                    &format!("a `hello` reply within {} ms", self.hello_within.as_millis()),
                    error.to_string(),
                    "answer `hello` with every field of the document, and print nothing else on stdout",
                )
            })?;
            self.adapter = Some((adapter, hello));
        }
        self.adapter.as_mut().ok_or_else(|| fail("a process", "none".into(), "start it again"))
    }

    pub(super) fn adapter(&mut self) -> Result<&mut Adapter, Stop> {
        self.started().map(|(adapter, _)| adapter)
    }

    pub(super) fn hello(&mut self) -> Result<&Hello, Stop> {
        self.started().map(|(_, hello)| &*hello)
    }

    /// Lets go of the process.
    pub(super) fn take(&mut self) -> Result<Adapter, Stop> {
        self.started()?;
        self.adapter.take().map(|(adapter, _)| adapter).ok_or_else(|| Stop::Skip("no process".into()))
    }

    /// The reply to a request that must succeed.
    pub(super) fn ask(&mut self, body: RequestBody) -> Result<Reply, Stop> {
        let verb = body.verb();
        let reply = self.adapter()?.call(body, REPLY);
        reply.map_err(|error| bad_call(&format!("`{verb}` to succeed"), &error))
    }

    /// Demands that a request is refused with this class.
    pub(super) fn refused(&mut self, body: RequestBody, class: ErrorClass) -> Done {
        let expected = format!("`{}` to be refused with class `{}`", body.verb(), class.word());
        match self.adapter()?.call(body, REPLY) {
            Err(CallError::Refused(error)) if error.class == class => Ok(()),
            Ok(_) => Err(fail(&expected, "success".into(), "check names before acting on them")),
            Err(error) => Err(bad_call(&expected, &error)),
        }
    }

    pub(super) fn open(&mut self, s: &str, kind: &str) -> Done {
        let options = BTreeMap::new();
        self.ask(RequestBody::Open { s: s.into(), ctx: None, kind: kind.into(), options }).map(drop)
    }

    pub(super) fn set(&mut self, s: &str, option: &str, value: Value) -> Done {
        self.ask(RequestBody::Set { s: s.into(), option: option.into(), value }).map(drop)
    }

    /// Binds, and gives the endpoint of the reply.
    pub(super) fn bind(&mut self, s: &str) -> Result<String, Stop> {
        let transport = self.hello()?.transports.iter().any(|transport| transport == "tcp");
        let endpoint = if transport { "tcp://127.0.0.1:*" } else { "inproc://drill" };
        let reply = self.ask(RequestBody::Bind { s: s.into(), endpoint: endpoint.into() })?;
        reply.endpoint.ok_or_else(|| {
            fail(
                "`endpoint` in the reply to `bind`",
                "a reply without it".into(),
                "reply with the endpoint as resolved",
            )
        })
    }

    pub(super) fn connect(&mut self, s: &str, endpoint: &str) -> Done {
        self.ask(RequestBody::Connect { s: s.into(), endpoint: endpoint.into() }).map(drop)
    }

    pub(super) fn send(&mut self, s: &str, parts: &[&str]) -> Done {
        let parts = parts.iter().map(|part| Part::Hex((*part).into())).collect();
        self.ask(RequestBody::Send { s: s.into(), parts, more: false, timeout_ms: COMES }).map(drop)
    }

    /// The parts of the next message.
    pub(super) fn recv(&mut self, s: &str) -> Result<Vec<Part>, Stop> {
        let reply = self.ask(RequestBody::Recv { s: s.into(), timeout_ms: COMES })?;
        reply.parts.ok_or_else(|| {
            fail("`parts` in the reply to `recv`", "a reply without them".into(), "reply with every part as hex")
        })
    }

    /// Demands that the next message has these parts.
    pub(super) fn receives(&mut self, s: &str, parts: &[&str]) -> Done {
        let expected: Vec<Part> = parts.iter().map(|part| Part::Hex((*part).into())).collect();
        same("the message", &expected, &self.recv(s)?)
    }

    pub(super) fn reset(&mut self) -> Result<Left, Stop> {
        self.ask(RequestBody::Reset {})?.left.ok_or_else(|| {
            fail("`left` in the reply to `reset`", "a reply without it".into(), "count what is left, 0 where unknown")
        })
    }

    /// The first of these socket types that the adapter declares.
    pub(super) fn declared(&mut self, kinds: &[&'static str]) -> Result<&'static str, Stop> {
        let sockets = &self.hello()?.sockets;
        let found = kinds.iter().find(|kind| sockets.iter().any(|declared| declared == *kind));
        found.copied().ok_or_else(|| Stop::Skip(format!("it declares none of {}", kinds.join(", "))))
    }

    /// Skips unless the adapter can talk to itself.
    pub(super) fn needs_both_roles(&mut self) -> Done {
        let roles = &self.hello()?.roles;
        match ["bind", "connect"].iter().find(|role| !roles.iter().any(|declared| declared == *role)) {
            Some(role) => Err(Stop::Skip(format!("it does not declare the role `{role}`"))),
            None => Ok(()),
        }
    }
}

/// A failure with its remedy.
pub(super) fn fail(expected: &str, came: String, remedy: &str) -> Stop {
    Stop::Fail(Failed { expected: expected.to_owned(), came, remedy: remedy.to_owned() })
}

/// A call that ended otherwise than it should.
pub(super) fn bad_call(expected: &str, error: &CallError) -> Stop {
    let remedy = match error {
        CallError::Refused(_) => "answer with the class that the document names for this",
        CallError::Timeout { .. } => "never block the control loop: give each socket a thread",
        CallError::Gone(_) => "answer with an error rather than ending; stderr has its last words",
        CallError::Silent => "keep stdout open",
        CallError::Nonsense { .. } | CallError::Flooded { .. } => "keep stdout for the protocol, print on stderr",
        CallError::Stalled { .. } => "read stdin all the time, also while a socket is busy",
        CallError::Fault { .. } => "see what the implementation says of it",
        CallError::Io { .. } => "keep stdin open",
    };
    fail(expected, error.to_string(), remedy)
}

/// Demands that two values are the same.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, came: &T) -> Done {
    if expected == came {
        return Ok(());
    }
    Err(fail(&format!("{what} {expected:?}"), format!("{came:?}"), "compare with the example in the document"))
}
