//! The handshake of CURVE as steps of a connection: what is said in it, and when the handler of ZAP is asked.

use super::{Cipher, ExpectHello, ExpectInitiate, ExpectReady, ExpectWelcome, Initiated, KeyPair, NAME};
use crate::connection::{Peer, PeerMisbehaved};
use crate::mechanism::zap::{Admission, Answer, Handler, Request};
use crate::mechanism::{Asking as Asks, Commands, Expect, Next, Seed, Us};
use crate::options::{Curve, Options, ZapEnforcement};

/// Octets of entropy that the hungrier end needs: the server.
pub(crate) const SEED_OCTETS: usize =
    if ExpectHello::RANDOM > ExpectWelcome::RANDOM { ExpectHello::RANDOM } else { ExpectWelcome::RANDOM };

/// The client has proved who it is, the handler of ZAP decides whether it comes in.
pub(crate) struct Asking {
    client: Initiated,
    peer: Peer,
    handler: Handler,
}

// spec: CURVE-FLOW-01
pub(crate) fn begin(curve: &Curve, seed: &Seed, commands: &mut Commands) -> Result<Next, PeerMisbehaved> {
    mark!("CURVE-FLOW-01");
    match curve {
        Curve::Server(keys) => {
            let expected = ExpectHello::begin(KeyPair::clone(keys), seed.first());
            Ok(Next::Expect(Expect::CurveHello(Box::new(expected))))
        }
        Curve::Client(client) => {
            let mut hello = Vec::new();
            let expected = ExpectWelcome::begin(client.keys.clone(), client.server, seed.first(), &mut hello)?;
            commands.push(hello);
            Ok(Next::Expect(Expect::CurveWelcome(Box::new(expected))))
        }
    }
}

pub(crate) fn on_hello(
    expected: ExpectHello,
    body: &[u8],
    us: Us<'_>,
    commands: &mut Commands,
) -> Result<Next, PeerMisbehaved> {
    let mut welcome = Vec::new();
    let expected = expected.on_hello(body, us.now, &mut welcome)?;
    commands.push(welcome);
    Ok(Next::Expect(Expect::CurveInitiate(Box::new(expected))))
}

pub(crate) fn on_welcome(
    expected: ExpectWelcome,
    body: &[u8],
    us: Us<'_>,
    commands: &mut Commands,
) -> Result<Next, PeerMisbehaved> {
    let mut initiate = Vec::new();
    let metadata = Peer::introduction(us.socket_type, us.options);
    let expected = expected.on_welcome(body, &metadata, &mut initiate)?;
    commands.push(initiate);
    Ok(Next::Expect(Expect::CurveReady(Box::new(expected))))
}

// spec: ZAP-CURVE-01, ZAP-CURVE-02, ZAP-REQ-06, ZAP-FIELD-03
pub(crate) fn on_initiate(
    expected: ExpectInitiate,
    body: &[u8],
    us: Us<'_>,
    commands: &mut Commands,
) -> Result<Next, PeerMisbehaved> {
    mark!("ZAP-CURVE-01", "ZAP-REQ-06");
    let client = expected.on_initiate(body, us.now)?;
    let peer = Peer::introduced(client.metadata(), us)?;
    if !asks(us.options) {
        return Ok(ready(client, peer, Admission::default(), us, commands));
    }
    let routing_id = peer.routing_id.as_ref().map_or_else(Vec::new, |id| id.to_vec());
    let request = Request::new(us.options, NAME, routing_id, vec![client.client().octets().to_vec()]);
    let asking = Asking { client, peer, handler: Handler::of(us.options) };
    Ok(Next::Ask(Box::new(request), Asks::Curve(Box::new(asking))))
}

/// Whether the handler of ZAP has a say, if there is one: encryption without authentication is for who enforces domains
/// and has none.
const fn asks(options: &Options) -> bool {
    match options.zap_enforcement {
        ZapEnforcement::Lenient => true,
        ZapEnforcement::Enforced => options.zap_domain.is_some(),
    }
}

fn ready(client: Initiated, peer: Peer, admission: Admission, us: Us<'_>, commands: &mut Commands) -> Next {
    let mut ready = Vec::new();
    let cipher = client.ready(&Peer::introduction(us.socket_type, us.options), &mut ready);
    commands.push(ready);
    Next::Done(Box::new(peer.admitted(admission)), Some(Box::new(cipher)))
}

impl Asking {
    pub(crate) fn on_answer(self, answer: Answer, us: Us<'_>, commands: &mut Commands) -> Result<Next, PeerMisbehaved> {
        let admission = answer.admission(self.handler)?;
        Ok(ready(self.client, self.peer, admission, us, commands))
    }
}

pub(crate) fn on_ready(expected: ExpectReady, body: &[u8], us: Us<'_>) -> Result<Next, PeerMisbehaved> {
    let (metadata, cipher): (Vec<u8>, Cipher) = expected.on_ready(body)?;
    Ok(Next::Done(Box::new(Peer::introduced(&metadata, us)?), Some(Box::new(cipher))))
}
