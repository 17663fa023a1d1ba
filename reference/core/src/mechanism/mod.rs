//! Mechanisms: how two ends agree on who they are, between their greetings and their messages.
//!
//! ```text
//!   greeting ──► Expect ──command──► Expect ──► … ──► Done(Peer)
//!                   │                   ▲
//!                   └──► Ask ──verdict──┘      the handler of ZAP decides
//! ```
//!
//! Each mechanism has a file (or folder) of its own, in which each struct is named for what it waits for. The connection
//! knows only the three things of `Next`.

pub mod curve;
pub(crate) mod null;
pub(crate) mod plain;
pub mod zap;

use crate::connection::{Peer, PeerMisbehaved};
use crate::options::{Options, Plain, Security};
use crate::pattern::table::SocketType;
use crate::time::Instant;
use crate::wire::command;
use crate::wire::greeting::Version;
use zap::{Answer, Request};
use zeroize::Zeroizing;

/// What a peer's command has wrong in a mechanism.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Another command than the one that was awaited.
    #[error("expected {expected}, came {came}")]
    Unexpected {
        /// The command that was awaited.
        expected: &'static str,
        /// What came.
        came: String,
    },
    /// A command that is not built as it has to be.
    #[error("{command}: {what}")]
    Malformed {
        /// Its name.
        command: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// A box or a cookie that does not open, or that holds other keys than it has to.
    #[error("{command}: what is encrypted in it is not what it has to be")]
    Cryptographic {
        /// The command's name.
        command: &'static str,
    },
    /// A nonce that did not rise.
    #[error("{command}: the nonce {nonce} does not follow {last}")]
    Sequence {
        /// The command's name.
        command: &'static str,
        /// What came.
        nonce: u64,
        /// The highest before it.
        last: u64,
    },
    /// One end has used all its nonces.
    #[error("there is no nonce left")]
    Exhausted,
}

/// The end of a connection that is ours, as a mechanism sees it.
#[derive(Clone, Copy)]
pub(crate) struct Us<'a> {
    /// The type of our socket.
    pub(crate) socket_type: SocketType,
    /// Its options.
    pub(crate) options: &'a Options,
    /// What both ends speak.
    pub(crate) version: Version,
    /// The time.
    pub(crate) now: Instant,
}

/// What a mechanism needs of entropy for one connection. Drawn before there is one, because machines draw nothing.
#[derive(Default)]
pub struct Seed(Option<Box<Zeroizing<SeedOctets>>>);

/// As much as the hungrier end of CURVE needs.
type SeedOctets = [u8; curve::SEED_OCTETS];

impl Seed {
    /// Has `random` fill octets with what nobody can guess, if the mechanism needs some.
    pub fn draw(security: &Security, random: impl FnOnce(&mut [u8])) -> Self {
        match security {
            Security::Null | Security::Plain(_) => Self(None),
            Security::Curve(_) => {
                let mut octets = Box::new(Zeroizing::new([0; curve::SEED_OCTETS]));
                random(octets.as_mut_slice());
                Self(Some(octets))
            }
        }
    }

    /// The first `N` octets.
    fn first<const N: usize>(&self) -> &[u8; N] {
        let octets = self.0.as_ref().expect("it was drawn for this mechanism");
        octets.first_chunk().expect("no end of a mechanism needs more")
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// The bodies of commands that a mechanism sends, in their order.
pub(crate) type Commands = Vec<Vec<u8>>;

/// What a mechanism goes on with.
pub(crate) enum Next {
    /// A command of the peer.
    Expect(Expect),
    /// What the handler of ZAP says.
    Ask(Box<Request>, Asking),
    /// Messages: the peer is known. With a cipher, they are in boxes.
    Done(Box<Peer>, Option<Box<curve::Cipher>>),
}

/// A command of the peer is awaited.
pub(crate) enum Expect {
    /// NULL: READY.
    NullReady(null::ExpectReady),
    /// PLAIN, as server: HELLO.
    PlainHello(plain::ExpectHello),
    /// PLAIN, as server: INITIATE.
    PlainInitiate(plain::ExpectInitiate),
    /// PLAIN, as client: WELCOME.
    PlainWelcome(plain::ExpectWelcome),
    /// PLAIN, as client: READY.
    PlainReady(plain::ExpectReady),
    /// CURVE, as server: HELLO.
    CurveHello(Box<curve::ExpectHello>),
    /// CURVE, as server: INITIATE.
    CurveInitiate(Box<curve::ExpectInitiate>),
    /// CURVE, as client: WELCOME.
    CurveWelcome(Box<curve::ExpectWelcome>),
    /// CURVE, as client: READY.
    CurveReady(Box<curve::ExpectReady>),
}

/// The verdict of the handler of ZAP is awaited.
pub(crate) enum Asking {
    /// NULL: before READY.
    Null(null::Asking),
    /// PLAIN, as server: before WELCOME.
    Plain(plain::Asking),
    /// CURVE, as server: before READY.
    Curve(Box<curve::Asking>),
}

/// Begins, after the greetings named the same mechanism.
pub(crate) fn begin(us: Us<'_>, seed: &Seed, commands: &mut Commands) -> Result<Next, PeerMisbehaved> {
    match &us.options.security {
        Security::Null => Ok(null::begin(us, commands)),
        Security::Plain(Plain::Server) => Ok(Next::Expect(Expect::PlainHello(plain::ExpectHello))),
        Security::Plain(Plain::Client(login)) => Ok(plain::begin(login, commands)),
        Security::Curve(curve) => curve::start(curve, seed, commands),
    }
}

impl Expect {
    /// Whether the next step calculates with keys for whoever asks.
    pub(crate) const fn is_costly(&self) -> bool {
        match self {
            Self::CurveHello(_) | Self::CurveInitiate(_) => true,
            Self::NullReady(_)
            | Self::PlainHello(_)
            | Self::PlainInitiate(_)
            | Self::PlainWelcome(_)
            | Self::PlainReady(_)
            | Self::CurveWelcome(_)
            | Self::CurveReady(_) => false,
        }
    }

    /// The next command has come.
    // spec: ZMTP31-ERROR-01, ZMTP31-NULL-10
    pub(crate) fn on_command(self, body: &[u8], us: Us<'_>, commands: &mut Commands) -> Result<Next, PeerMisbehaved> {
        if let Some((command::name::ERROR, data)) = command::parse(body) {
            let reason = command::error_reason(data).unwrap_or_else(|| "no reason that can be read".into());
            mark!("ZMTP31-ERROR-01");
            return Err(PeerMisbehaved::Refused { reason });
        }
        match self {
            Self::NullReady(expected) => expected.on_command(body, us),
            Self::PlainHello(expected) => expected.on_command(body, us),
            Self::PlainInitiate(expected) => expected.on_command(body, us, commands),
            Self::PlainWelcome(expected) => expected.on_command(body, us, commands),
            Self::PlainReady(expected) => expected.on_command(body, us),
            Self::CurveHello(expected) => curve::on_hello(*expected, body, us, commands),
            Self::CurveInitiate(expected) => curve::on_initiate(*expected, body, us, commands),
            Self::CurveWelcome(expected) => curve::on_welcome(*expected, body, us, commands),
            Self::CurveReady(expected) => curve::on_ready(*expected, body, us),
        }
    }
}

impl Asking {
    /// The handler has answered, or there is none.
    pub(crate) fn on_answer(self, answer: Answer, us: Us<'_>, commands: &mut Commands) -> Result<Next, PeerMisbehaved> {
        match self {
            Self::Null(asking) => asking.on_answer(answer, us, commands),
            Self::Plain(asking) => asking.on_answer(answer, commands),
            Self::Curve(asking) => asking.on_answer(answer, us, commands),
        }
    }
}

/// The data of the command `name`.
pub(crate) fn data_of<'a>(body: &'a [u8], name: &'static str) -> Result<&'a [u8], Violation> {
    let came = match command::parse(body) {
        Some((came, data)) if came == name.as_bytes() => return Ok(data),
        Some((came, _)) => format!("the command \"{}\"", came.escape_ascii()),
        None => "a command without a name".into(),
    };
    Err(Violation::Unexpected { expected: name, came })
}

/// The body of a command: its name, and `data`.
pub(crate) fn command_body(name: &'static str, data: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(1 + name.len() + data.len());
    body.push(u8::try_from(name.len()).expect("names of commands are short"));
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(data);
    body
}

#[cfg(test)]
mod table;
