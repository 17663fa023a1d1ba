//! The greeting: signature, version, mechanism (37/ZMTP).
//!
//! ```text
//!   ExpectOpening ──signature, major──► ExpectGreeting ──greeting──► the mechanism
//!    sends the opening   sends the rest of the greeting
//! ```
//!
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

/// The rest of the peer's greeting is awaited.
pub(super) struct ExpectGreeting {
    seed: Seed,
}

impl ExpectOpening {
    /// Sends what can be sent before anything is known of the peer.
    pub(super) fn begin(seed: Seed, output: &mut Output) -> Self {
        output.push_octets(&greeting::OPENING);
        Self { seed }
    }

    /// Looks at what has come so far; breaks off while it is not enough.
    // spec: ZMTP31-VERSION-03, ZMTP31-VERSION-11
    pub(super) fn on_octets(
        self,
        unread: &[u8],
        options: &Options,
        output: &mut Output,
    ) -> Result<ControlFlow<Self, ExpectGreeting>, PeerMisbehaved> {
        match greeting::opening(unread) {
            Opening::Incomplete => Ok(ControlFlow::Break(self)),
            Opening::Version3(_) => {
                // The whole greeting goes out whatever mechanism the peer names: ZMTP31-MECH-11.
                output.push_octets(&greeting::rest(options.security.name(), options.security.as_server()));
                Ok(ControlFlow::Continue(ExpectGreeting { seed: self.seed }))
            }
            Opening::Unversioned => Err(PeerMisbehaved::Version(OldVersion::Unversioned)),
            Opening::Older(revision) => Err(PeerMisbehaved::Version(OldVersion::Revision(revision))),
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
            return Err(PeerMisbehaved::Mechanism { expected, came: greeting.mechanism_text() });
        }
        Ok(ControlFlow::Continue((greeting.version, self.seed)))
    }
}
