//! Who is at the other end, and what each end says of itself: the metadata of READY and INITIATE.

use super::PeerMisbehaved;
use crate::frame::Frame;
use crate::mechanism::Us;
use crate::mechanism::zap::Admission;
use crate::options::Options;
use crate::pattern::table::{Identity, SocketType};
use crate::wire::greeting::Version;
use crate::wire::metadata;

/// Longest identity.
pub(super) const IDENTITY_OCTETS: usize = 255;

/// Properties that this end knows of the peer. What a peer calls itself by these names is not shown to the application,
/// which may trust them.
const OURS_TO_SAY: [&str; 2] = ["User-Id", "Peer-Address"];

/// Who the peer is, as the handshake has told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its type, where it says one: peers of 1.0 do not, nor do those that speak no ZMTP.
    pub socket_type: Option<SocketType>,
    /// What it wants to be called by a ROUTER, if that can be.
    pub routing_id: Option<Frame>,
    /// What the handler of ZAP says of it, `User-Id` first; then what it says itself, in its order.
    pub properties: Vec<(String, Vec<u8>)>,
    /// What both ends speak; `None` for a peer that speaks no ZMTP.
    pub version: Option<Version>,
}

impl Peer {
    /// What we say of ourselves.
    // spec: ZMTP31-READY-01, ZMTP31-META-03, ZMTP31-META-04
    pub(crate) fn introduction(ours: SocketType, options: &Options) -> Vec<u8> {
        mark!("ZMTP31-READY-01", "ZMTP31-META-03");
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

    /// What the peer says of itself.
    // spec: ZMTP31-META-06, ZMTP31-IDENT-02, ZMTP31-IDENT-03, ZMTP31-IDENT-04
    pub(crate) fn introduced(data: &[u8], us: Us<'_>) -> Result<Self, PeerMisbehaved> {
        mark!("ZMTP31-READY-02", "ZMTP31-META-06");
        let mut properties = metadata::parse(data)?;
        let theirs = metadata::find(&properties, "Socket-Type").ok_or(PeerMisbehaved::NoSocketType)?;
        let socket_type = std::str::from_utf8(theirs).ok().and_then(SocketType::of_name);
        let Some(socket_type) = socket_type.filter(|theirs| us.socket_type.talks_to(*theirs)) else {
            let theirs = theirs.escape_ascii().to_string();
            return Err(PeerMisbehaved::SocketType { ours: us.socket_type, theirs });
        };
        let routing_id = match metadata::find(&properties, "Identity") {
            Some(id) if id.len() > IDENTITY_OCTETS => return Err(PeerMisbehaved::Identity(id.len())),
            Some(id) => routing_id(id),
            None => None,
        };
        properties.retain(|(name, _)| !OURS_TO_SAY.iter().any(|ours| name.eq_ignore_ascii_case(ours)));
        Ok(Self { socket_type: Some(socket_type), routing_id, properties, version: Some(us.version) })
    }

    /// The same peer, with what the handler of ZAP says of it.
    pub(crate) fn admitted(mut self, admission: Admission) -> Self {
        self.properties.splice(0..0, admission.properties);
        self
    }
}

/// What a ROUTER calls a peer that says this identity. One that begins with zero could be one that a ROUTER makes itself:
/// such a peer gets one of those.
pub(super) fn routing_id(identity: &[u8]) -> Option<Frame> {
    match identity {
        [] | [0, ..] => None,
        id => Some(Frame::copy_of(id)),
    }
}
