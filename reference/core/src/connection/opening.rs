//! The greeting: signature, version, mechanism (37/ZMTP).
//!
//! ```text
//!   ExpectOpening ──signature──► ExpectVersion ──3──► ExpectGreeting ──greeting──► the mechanism
//!     │ sends its own              │ sends 3            sends the rest
//!     └──no signature──► 1.0       └──1 or 2──► 2.0
//! ```
//!
//! A peer is told nothing that one of an older version would take for something else; 1.0 and 2.0 go on in `old`.
//! Each transition consumes its state; what comes at a wrong time ends the connection.

use std::ops::ControlFlow;

use super::misbehaviour::{OldVersion, PeerMisbehaved};
use super::output::Output;
use crate::mechanism::Seed;
use crate::options::Options;
use crate::wire::greeting::{self, GREETING_OCTETS, Greeting, Opening, Version};

/// The peer's first octets are awaited.
pub(super) struct ExpectOpening {
    seed: Seed,
}

/// The peer's version is awaited.
pub(super) struct ExpectVersion {
    seed: Seed,
}

/// The rest of the peer's greeting is awaited.
pub(super) struct ExpectGreeting {
    seed: Seed,
}

/// What the first octets of a peer lead to.
pub(super) enum Opened<S, T> {
    /// Not enough has come.
    Waits(S),
    /// The next state.
    Goes(T),
    /// The peer is of an older version.
    Older(OldVersion),
}

impl ExpectOpening {
    /// Sends what can be sent before anything is known of the peer.
    pub(super) fn begin(seed: Seed, options: &Options, output: &mut Output) -> Self {
        let identity_octets = options.routing_id.as_ref().map_or(0, |id| id.as_slice().len());
        output.push_octets(&greeting::signature(identity_octets));
        Self { seed }
    }

    /// Looks at what has come so far.
    // spec: ZMTP20-INTEROP-03, ZMTP20-INTEROP-04
    pub(super) fn on_octets(self, unread: &[u8], output: &mut Output) -> Opened<Self, ExpectVersion> {
        match greeting::opening(unread) {
            Opening::Incomplete => Opened::Waits(self),
            Opening::Unversioned => Opened::Older(OldVersion::Unversioned),
            Opening::Signature | Opening::Version3(_) | Opening::Older(_) => {
                mark!("ZMTP31-BACK-07");
                output.push_octets(&[greeting::MAJOR]);
                Opened::Goes(ExpectVersion { seed: self.seed })
            }
        }
    }
}

impl ExpectVersion {
    /// Looks at what has come so far.
    // spec: ZMTP31-VERSION-03, ZMTP31-BACK-04, ZMTP31-BACK-09, ZMTP20-INTEROP-05
    pub(super) fn on_octets(
        self,
        unread: &[u8],
        options: &Options,
        output: &mut Output,
    ) -> Opened<Self, ExpectGreeting> {
        match greeting::opening(unread) {
            Opening::Incomplete | Opening::Signature => Opened::Waits(self),
            Opening::Version3(_) => {
                mark!("ZMTP31-VERSION-03", "ZMTP31-MECH-06", "ZMTP31-MECH-11");
                // The whole greeting goes out whatever mechanism the peer names: ZMTP31-MECH-11.
                output.push_octets(&greeting::rest(options.security.name(), options.security.as_server()));
                Opened::Goes(ExpectGreeting { seed: self.seed })
            }
            Opening::Unversioned => Opened::Older(OldVersion::Unversioned),
            Opening::Older(revision) => Opened::Older(OldVersion::Revision(revision)),
        }
    }
}

impl ExpectGreeting {
    /// Looks at what has come so far; breaks off while it is not enough. The peer's as-server says nothing: libzmq sends
    /// zero always (adjudication A3).
    // spec: ZMTP31-MECH-12, ZMTP31-NULL-04
    pub(super) fn on_octets(
        self,
        unread: &[u8],
        options: &Options,
    ) -> Result<ControlFlow<Self, (Version, Seed)>, PeerMisbehaved> {
        let Some(octets) = unread.first_chunk::<GREETING_OCTETS>() else { return Ok(ControlFlow::Break(self)) };
        let greeting = Greeting::parse(octets);
        let expected = options.security.name();
        if !greeting.names(expected) {
            mark!("ZMTP31-MECH-12");
            return Err(PeerMisbehaved::Mechanism { expected, came: greeting.mechanism_text() });
        }
        mark!("ZMTP31-NULL-04", "ZMTP31-MECH-02");
        Ok(ControlFlow::Continue((greeting.version, self.seed)))
    }
}
