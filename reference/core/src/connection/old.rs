//! The handshakes of ZMTP 1.0 and 2.0 (13, 15), which end with the peer's identity.
//!
//! ```text
//!   1.0   ExpectIdentity ──frame of 1.0──► traffic
//!   2.0   ExpectSocketType ──1 octet──► ExpectIdentity ──short frame──► traffic
//! ```
//!
//! What we say is said when the version is known. To a peer of 1.0 our signature was the header of a frame, so our
//! identity's octets follow, without one.

use super::input::Input;
use super::misbehaviour::{OldVersion, PeerMisbehaved};
use super::output::Output;
use super::peer::{IDENTITY_OCTETS, Peer, routing_id};
use super::{Connection, Framing, Incoming, Take};
use crate::frame::Frame;
use crate::options::{Options, Security};
use crate::pattern::table::SocketType;
use crate::wire::greeting::{OPENING_OCTETS, Version};
use crate::wire::old::{self, Front};
use crate::wire::{Header, LengthOverflow, flag};

/// What is awaited of a peer of an old version.
pub(super) enum Expect {
    SocketType(ExpectSocketType),
    Identity(ExpectIdentity),
}

/// A peer of 2.0: the octet of its socket type is awaited.
pub(super) struct ExpectSocketType;

/// The peer's identity is awaited.
pub(super) enum ExpectIdentity {
    V1_0,
    V2_0(SocketType),
}

/// What came of the octets that there are.
pub(super) enum Progress {
    /// More has to come.
    Waits(Expect),
    /// The handshake is done.
    Done(Version, Box<Peer>),
}

impl Connection {
    /// The peer is of an older version, which has no security: none may be asked for.
    // spec: ZMTP31-VERSION-10, ZMTP31-BACK-03, ZMTP31-BACK-10
    pub(super) fn go_back_to(&mut self, version: OldVersion) -> Result<Expect, PeerMisbehaved> {
        mark!("ZMTP31-BACK-03", "ZMTP31-VERSION-10");
        if self.options.security != Security::Null || self.options.zap_domain.is_some() {
            return Err(PeerMisbehaved::Version(version));
        }
        match version {
            OldVersion::Unversioned => {
                self.framing = Framing::V1;
                Ok(Expect::of_1_0(&self.options, &mut self.output))
            }
            OldVersion::Revision(1 | 2) => {
                self.framing = Framing::V2;
                Ok(Expect::of_2_0(self.socket_type, &self.options, &mut self.input, &mut self.output))
            }
            OldVersion::Revision(_) => Err(PeerMisbehaved::Version(version)),
        }
    }

    /// Traffic with a peer that knows no commands.
    // spec: ZMTP10-FRAME-01, ZMTP10-FRAME-04, ZMTP20-FRAME-01
    #[cold]
    pub(super) fn next_in_old_traffic(&mut self, take: Take) -> Result<Option<Incoming>, PeerMisbehaved> {
        if take == Take::WithoutRoom {
            return Ok(None);
        }
        while self.framing == Framing::V1
            && let Ok(Some(Front::Nothing(octets))) = old::front(self.input.unread())
        {
            self.input.consume(octets);
        }
        let Some((header, body)) = self.whole_frame(self.frame_limit())? else { return Ok(None) };
        let frame = self.input.take_frame(header.octets, body);
        if header.flags & flag::MORE == 0 {
            self.parts = 0;
            return Ok(Some(Incoming::Frame(frame)));
        }
        self.count_part()?;
        Ok(Some(Incoming::Frame(frame.more())))
    }

    /// Appends a frame of 1.0.
    #[cold]
    #[inline(never)]
    pub(super) fn push_old(&mut self, frame: Frame) {
        let flags = if frame.has_more() { flag::MORE } else { 0 };
        let (header, octets) = old::header(flags, frame.len());
        self.output.push_behind(&header[..octets], frame);
    }
}

impl Expect {
    /// The peer is one of 1.0: none of what it has sent is taken yet.
    // spec: ZMTP20-INTEROP-06, ZMTP31-BACK-11, ZMTP10-CONN-02
    pub(super) fn of_1_0(options: &Options, output: &mut Output) -> Self {
        mark!("ZMTP31-BACK-11");
        output.push_octets(identity(options));
        Self::Identity(ExpectIdentity::V1_0)
    }

    /// The peer is one of 2.0: its signature and revision are taken here.
    // spec: ZMTP31-BACK-12, ZMTP20-GREET-01, ZMTP20-GREET-05
    pub(super) fn of_2_0(ours: SocketType, options: &Options, input: &mut Input, output: &mut Output) -> Self {
        mark!("ZMTP31-BACK-12");
        input.consume(OPENING_OCTETS);
        let identity = identity(options);
        let octet = old::octet_of(ours).expect("a socket that greets has a type that 2.0 knows");
        output.push_octets(&[octet]);
        output.push_octets(&Header::octets(0, identity.len()));
        output.push_octets(identity);
        Self::SocketType(ExpectSocketType)
    }

    /// Takes what it can of what has come.
    pub(super) fn on_octets(self, ours: SocketType, input: &mut Input) -> Result<Progress, PeerMisbehaved> {
        match self {
            Self::SocketType(expected) => match expected.on_octets(ours, input)? {
                Ok(next) => next.on_octets(input),
                Err(expected) => Ok(Progress::Waits(Self::SocketType(expected))),
            },
            Self::Identity(expected) => expected.on_octets(input),
        }
    }
}

/// Our identity, which every type says in these versions; empty if none is set.
fn identity(options: &Options) -> &[u8] {
    options.routing_id.as_ref().map_or(&[], |id| id.as_slice())
}

impl ExpectSocketType {
    /// The state behind it, or itself while there is nothing.
    // spec: ZMTP20-COMPAT-10
    fn on_octets(self, ours: SocketType, input: &mut Input) -> Result<Result<ExpectIdentity, Self>, PeerMisbehaved> {
        let Some(&octet) = input.unread().first() else { return Ok(Err(self)) };
        input.consume(1);
        match old::type_of(octet) {
            Some(theirs) if ours.talks_to(theirs) => Ok(Ok(ExpectIdentity::V2_0(theirs))),
            Some(theirs) => Err(PeerMisbehaved::SocketType { ours, theirs: theirs.name().into() }),
            None => Err(PeerMisbehaved::SocketType { ours, theirs: format!("number {octet}") }),
        }
    }
}

impl ExpectIdentity {
    // spec: ZMTP10-CONN-03, ZMTP10-CONN-08, ZMTP20-GREET-05
    fn on_octets(self, input: &mut Input) -> Result<Progress, PeerMisbehaved> {
        let too_long = |octets| PeerMisbehaved::Identity(usize::try_from(octets).unwrap_or(usize::MAX));
        let header = loop {
            let header = match &self {
                Self::V1_0 => match old::front(input.unread()) {
                    Ok(Some(Front::Frame(header))) => Ok(Some(header)),
                    Ok(Some(Front::Nothing(octets))) => {
                        input.consume(octets);
                        continue;
                    }
                    Ok(None) => Ok(None),
                    Err(why) => Err(why),
                },
                Self::V2_0(_) => Header::parse(input.unread()),
            };
            match header {
                Ok(Some(header)) => break header,
                Ok(None) => return Ok(Progress::Waits(Expect::Identity(self))),
                Err(LengthOverflow(octets)) => return Err(too_long(octets)),
            }
        };
        let body = usize::try_from(header.body).ok().filter(|body| *body <= IDENTITY_OCTETS);
        let Some(body) = body else { return Err(too_long(header.body)) };
        let (socket_type, version) = match self {
            Self::V1_0 => (None, Version::V1_0),
            Self::V2_0(_) if header.flags & flag::MORE != 0 => {
                return Err(PeerMisbehaved::IdentityParts);
            }
            Self::V2_0(theirs) => (Some(theirs), Version::V2_0),
        };
        if input.unread().len() < header.octets + body {
            return Ok(Progress::Waits(Expect::Identity(self)));
        }
        let identity = input.take_frame(header.octets, body);
        let peer =
            Peer { socket_type, routing_id: routing_id(&identity), properties: Vec::new(), version: Some(version) };
        Ok(Progress::Done(version, Box::new(peer)))
    }
}
