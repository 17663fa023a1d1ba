//! The NULL handshake: READY out, READY in (37/ZMTP, the NULL security mechanism).
//!
//!   ExpectOpening --11 octets--> ExpectGreeting --64 octets--> ExpectReady --READY--> traffic
//!
//! Our READY leaves as soon as the peer's greeting is known to be good; that suits peers which wait for it and peers
//! which do not.

use super::misbehaviour::{OldVersion, PeerMisbehaved};
use super::output::Output;
use crate::frame::Frame;
use crate::options::Options;
use crate::pattern::table::{Identity, SocketType};
use crate::wire::command::{self, name};
use crate::wire::greeting::{self, GREETING_OCTETS, Greeting, Opening, Version};
use crate::wire::metadata;

/// The name of the mechanism.
pub(super) const NULL: &str = "NULL";
/// Longest identity.
const IDENTITY_OCTETS: usize = 255;

/// Who the peer is, as the handshake has told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its type.
    pub socket_type: SocketType,
    /// What it wants to be called by a ROUTER, if that can be.
    pub routing_id: Option<Frame>,
    /// All its properties, in their order.
    pub properties: Vec<(String, Vec<u8>)>,
    /// What both ends speak.
    pub version: Version,
}

/// The peer's first octets are awaited.
pub(super) struct ExpectOpening;

/// The rest of the peer's greeting is awaited.
pub(super) struct ExpectGreeting;

/// The peer's READY is awaited.
pub(super) struct ExpectReady {
    version: Version,
}

impl ExpectOpening {
    /// Sends what can be sent before anything is known of the peer.
    pub(super) fn begin(output: &mut Output) -> Self {
        output.push_octets(&greeting::OPENING);
        Self
    }

    /// Looks at what has come so far; `None` while it is not enough.
    // spec: ZMTP31-VERSION-03, ZMTP31-VERSION-11
    pub(super) fn on_octets(unread: &[u8], output: &mut Output) -> Result<Option<ExpectGreeting>, PeerMisbehaved> {
        match greeting::opening(unread) {
            Opening::Incomplete => Ok(None),
            Opening::Version3(_) => {
                // The whole greeting goes out whatever mechanism the peer names: ZMTP31-MECH-11.
                output.push_octets(&greeting::rest(NULL));
                Ok(Some(ExpectGreeting))
            }
            Opening::Unversioned => Err(PeerMisbehaved::Version(OldVersion::Unversioned)),
            Opening::Older(revision) => Err(PeerMisbehaved::Version(OldVersion::Revision(revision))),
        }
    }
}

impl ExpectGreeting {
    /// Looks at what has come so far; `None` while it is not enough.
    // spec: ZMTP31-MECH-12, ZMTP31-NULL-04
    pub(super) fn on_octets(
        unread: &[u8],
        ours: SocketType,
        options: &Options,
        output: &mut Output,
    ) -> Result<Option<ExpectReady>, PeerMisbehaved> {
        let Some(octets) = unread.first_chunk::<GREETING_OCTETS>() else { return Ok(None) };
        let greeting = Greeting::parse(octets);
        if !greeting.names(NULL) {
            return Err(PeerMisbehaved::Mechanism { expected: NULL, came: greeting.mechanism_text() });
        }
        output.push_command(name::READY, &ready(ours, options));
        Ok(Some(ExpectReady { version: greeting.version }))
    }
}

impl ExpectReady {
    /// The first command has come.
    // spec: ZMTP31-ERROR-01, ZMTP31-NULL-10
    pub(super) fn on_command(self, body: &[u8], ours: SocketType) -> Result<Peer, PeerMisbehaved> {
        match command::parse(body) {
            Some((name::READY, data)) => peer(data, ours, self.version),
            Some((name::ERROR, data)) => {
                let reason = command::error_reason(data).unwrap_or_else(|| "no reason that can be read".into());
                Err(PeerMisbehaved::Refused { reason })
            }
            Some((other, _)) => {
                Err(PeerMisbehaved::Handshake { came: format!("the command \"{}\"", other.escape_ascii()) })
            }
            None => Err(PeerMisbehaved::Handshake { came: "a command without a name".into() }),
        }
    }
}

/// The data of our READY.
// spec: ZMTP31-READY-01, ZMTP31-META-03, ZMTP31-META-04
fn ready(ours: SocketType, options: &Options) -> Vec<u8> {
    let mut data = Vec::new();
    metadata::write("Socket-Type", ours.name().as_bytes(), &mut data);
    match (ours.rules().identity, &options.routing_id) {
        (Identity::Said, Some(id)) => metadata::write("Identity", id.as_slice(), &mut data),
        (Identity::Said, None) | (Identity::Unsaid, _) => {}
    }
    for (name, value) in &options.metadata {
        metadata::write(name, value, &mut data);
    }
    data
}

// spec: ZMTP31-META-06, ZMTP31-IDENT-02, ZMTP31-IDENT-03, ZMTP31-IDENT-04
fn peer(data: &[u8], ours: SocketType, version: Version) -> Result<Peer, PeerMisbehaved> {
    let properties = metadata::parse(data)?;
    let theirs = metadata::find(&properties, "Socket-Type").ok_or(PeerMisbehaved::NoSocketType)?;
    let socket_type = std::str::from_utf8(theirs).ok().and_then(SocketType::of_name);
    let Some(socket_type) = socket_type.filter(|theirs| ours.talks_to(*theirs)) else {
        return Err(PeerMisbehaved::SocketType { ours, theirs: theirs.escape_ascii().to_string() });
    };
    let routing_id = match metadata::find(&properties, "Identity") {
        Some(id) if id.len() > IDENTITY_OCTETS => return Err(PeerMisbehaved::Identity(id.len())),
        // An id that begins with zero could be one that a ROUTER makes itself: such a peer gets one of those.
        Some([] | [0, ..]) | None => None,
        Some(id) => Some(Frame::copy_of(id)),
    };
    Ok(Peer { socket_type, routing_id, properties, version })
}
