//! NULL: both ends send READY, each without waiting for the other's (37/ZMTP).
//!
//! ```text
//!   begin ──► Asking ──admitted──► ExpectReady ──READY──► Done
//!     └───── no domain of ZAP ────────▲
//! ```
//!
//! With a domain, the handler of ZAP is asked before our READY goes out, whoever connected; the peer's may lie there by
//! then. What it says of itself in it is therefore not in the request (adjudication A40).

use super::zap::{Admission, Answer, Handler, Request};
use super::{Asking as Asks, Commands, Expect, Next, Us, command_body, data_of};
use crate::connection::{Peer, PeerMisbehaved};

/// The name of the mechanism in greetings and requests of ZAP.
pub(crate) const NAME: &str = "NULL";

/// The handler of ZAP decides.
pub(crate) struct Asking {
    handler: Handler,
}

/// The peer's READY is awaited.
pub(crate) struct ExpectReady {
    admission: Admission,
}

// spec: ZAP-NULL-01, ZAP-NULL-02
pub(super) fn begin(us: Us<'_>, commands: &mut Commands) -> Next {
    match &us.options.zap_domain {
        None => ready(Admission::default(), us, commands),
        Some(_) => {
            let request = Request::new(us.options, NAME, Vec::new(), Vec::new());
            Next::Ask(Box::new(request), Asks::Null(Asking { handler: Handler::of(us.options) }))
        }
    }
}

fn ready(admission: Admission, us: Us<'_>, commands: &mut Commands) -> Next {
    commands.push(command_body("READY", &Peer::introduction(us.socket_type, us.options)));
    Next::Expect(Expect::NullReady(ExpectReady { admission }))
}

impl Asking {
    pub(super) fn on_answer(self, answer: Answer, us: Us<'_>, commands: &mut Commands) -> Result<Next, PeerMisbehaved> {
        Ok(ready(answer.admission(self.handler)?, us, commands))
    }
}

impl ExpectReady {
    pub(super) fn on_command(self, body: &[u8], us: Us<'_>) -> Result<Next, PeerMisbehaved> {
        let data = data_of(body, "READY")?;
        Ok(Next::Done(Box::new(Peer::introduced(data, us)?.admitted(self.admission)), None))
    }
}
