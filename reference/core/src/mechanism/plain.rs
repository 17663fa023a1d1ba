//! PLAIN: the client says a user name and a password in the clear, the handler of ZAP decides (24/ZMTP-PLAIN).
//!
//! ```text
//!   client  HELLO ──► ExpectWelcome ──WELCOME: INITIATE──► ExpectReady ──READY──► Done
//!   server  ExpectHello ──HELLO──► Asking ──admitted: WELCOME──► ExpectInitiate ──INITIATE: READY──► Done
//! ```
//!
//! A server without a handler refuses everybody, as libzmq does: there is nobody who knows the passwords.

use super::zap::{Admission, Answer, Handler, Request};
use super::{Asking as Asks, Commands, Expect, Next, Us, Violation, command_body, data_of};
use crate::connection::{Peer, PeerMisbehaved};
use crate::options::Login;

/// The name of the mechanism in greetings and requests of ZAP.
pub(crate) const NAME: &str = "PLAIN";

/// As server: HELLO is awaited.
pub(crate) struct ExpectHello;

/// As server: the handler of ZAP decides.
pub(crate) struct Asking;

/// As server: INITIATE is awaited.
pub(crate) struct ExpectInitiate {
    admission: Admission,
}

/// As client: WELCOME is awaited.
pub(crate) struct ExpectWelcome;

/// As client: READY is awaited.
pub(crate) struct ExpectReady;

// spec: PLAIN-FLOW-01, PLAIN-HELLO-01
pub(super) fn begin(login: &Login, commands: &mut Commands) -> Next {
    mark!("PLAIN-FLOW-01", "PLAIN-HELLO-01");
    let mut data = Vec::new();
    for text in [login.username(), login.password()] {
        data.push(u8::try_from(text.len()).expect("a login has checked the lengths"));
        data.extend_from_slice(text);
    }
    commands.push(command_body("HELLO", &data));
    Next::Expect(Expect::PlainWelcome(ExpectWelcome))
}

impl ExpectHello {
    // spec: PLAIN-HELLO-02, PLAIN-HELLO-07, ZAP-PLAIN-01, ZAP-PLAIN-02
    pub(super) fn on_command(self, body: &[u8], us: Us<'_>) -> Result<Next, PeerMisbehaved> {
        let data = data_of(body, "HELLO")?;
        let (username, rest) = text(data)?;
        let (password, rest) = text(rest)?;
        if !rest.is_empty() {
            return Err(malformed("HELLO", "octets behind the password").into());
        }
        mark!("PLAIN-HELLO-02", "ZAP-PLAIN-01");
        let credentials = vec![username.to_vec(), password.to_vec()];
        let request = Request::new(us.options, NAME, Vec::new(), credentials);
        Ok(Next::Ask(Box::new(request), Asks::Plain(Asking)))
    }
}

fn text(data: &[u8]) -> Result<(&[u8], &[u8]), Violation> {
    let cut = || malformed("HELLO", "a length that goes beyond its end");
    let (length, rest) = data.split_first().ok_or_else(cut)?;
    rest.split_at_checked(usize::from(*length)).ok_or_else(cut)
}

const fn malformed(command: &'static str, what: &'static str) -> Violation {
    Violation::Malformed { command, what }
}

impl Asking {
    // spec: PLAIN-FLOW-02, PLAIN-FLOW-03, PLAIN-HELLO-03
    pub(super) fn on_answer(self, answer: Answer, commands: &mut Commands) -> Result<Next, PeerMisbehaved> {
        let admission = answer.admission(Handler::Needed)?;
        mark!("PLAIN-FLOW-02", "PLAIN-HELLO-03");
        commands.push(command_body("WELCOME", b""));
        Ok(Next::Expect(Expect::PlainInitiate(ExpectInitiate { admission })))
    }
}

impl ExpectInitiate {
    // spec: PLAIN-FLOW-05, PLAIN-HELLO-04, PLAIN-HELLO-05
    pub(super) fn on_command(self, body: &[u8], us: Us<'_>, commands: &mut Commands) -> Result<Next, PeerMisbehaved> {
        let peer = Peer::introduced(data_of(body, "INITIATE")?, us)?;
        mark!("PLAIN-FLOW-05", "PLAIN-HELLO-05");
        commands.push(command_body("READY", &Peer::introduction(us.socket_type, us.options)));
        Ok(Next::Done(Box::new(peer.admitted(self.admission)), None))
    }
}

impl ExpectWelcome {
    // spec: PLAIN-FLOW-04, PLAIN-HELLO-03, PLAIN-HELLO-04
    pub(super) fn on_command(self, body: &[u8], us: Us<'_>, commands: &mut Commands) -> Result<Next, PeerMisbehaved> {
        if !data_of(body, "WELCOME")?.is_empty() {
            return Err(malformed("WELCOME", "octets behind the name").into());
        }
        mark!("PLAIN-FLOW-04", "PLAIN-HELLO-04");
        commands.push(command_body("INITIATE", &Peer::introduction(us.socket_type, us.options)));
        Ok(Next::Expect(Expect::PlainReady(ExpectReady)))
    }
}

impl ExpectReady {
    // spec: PLAIN-FLOW-06, PLAIN-HELLO-05
    pub(super) fn on_command(self, body: &[u8], us: Us<'_>) -> Result<Next, PeerMisbehaved> {
        mark!("PLAIN-FLOW-06");
        Ok(Next::Done(Box::new(Peer::introduced(data_of(body, "READY")?, us)?), None))
    }
}
