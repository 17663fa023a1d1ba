//! zmq-reference, in three modes: `local` (its input and output on the application's current-thread runtime),
//! `threads` (on a thread of the context's own, while the application awaits on a current-thread runtime) and
//! `blocking` (the same behind calls that block).
//!
//! The measured sender makes a message of the borrowed octets: up to 30 of them lie in the message itself, up to 1 KiB
//! are put into a block beside others, and more get a block of their own. With `--payload shared` it clones one frame.
//! Options are the library's own, which are libzmq's: high-water marks of 1000 messages.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use peer_line::keys::{self, Client};
use peer_line::{Kind, Library, Mode, Queues, Settings, Side, Socket, Trouble, Zap, ready_now, zap};
use tokio::runtime::Runtime;
use zmq_reference::{
    Context, Frame, Hwm, KeyError, KeyPair, Login, Message, Options, Plain, PublicKey, SecretKey, Security, SocketType,
    ZapDomain, blocking,
};

struct Ours;

#[derive(Clone)]
struct Place {
    way: Way,
    queues: Queues,
    security: peer_line::Security,
    zap: Zap,
    client: Client,
}

#[derive(Clone)]
enum Way {
    /// The context's input and output are done by the runtime. Of two threads that share it, the first drives it.
    Local(Arc<Runtime>, Context),
    Threads(Context),
    Blocking(blocking::Context),
}

struct Peer {
    face: Face,
    /// What was sent shared, and the frame that all messages share.
    shared: Option<(Bytes, Frame)>,
}

enum Face {
    Awaiting(zmq_reference::Socket),
    Blocking(blocking::Socket),
}

impl Library for Ours {
    const NAME: &'static str = "peer-ours";
    type Context = Place;
    type Socket = Peer;

    fn context(settings: &Settings) -> Result<Place, Trouble> {
        let way = match settings.mode {
            Some(Mode::Local) => {
                let runtime = Arc::new(runtime());
                let context = runtime.block_on(async { Context::local() });
                context.map(|context| Way::Local(runtime, context))
            }
            Some(Mode::Threads) => Context::new().map(Way::Threads),
            None | Some(Mode::Blocking) => blocking::Context::new().map(Way::Blocking),
        };
        let way = way.map_err(|error| Trouble::failed("context", error))?;
        let &Settings { queues, security, zap, client, .. } = settings;
        Ok(Place { way, queues, security, zap, client })
    }

    fn guard(place: &Place) -> Result<(), Trouble> {
        zap::serve::<Self>(place)
    }

    fn block_on<F: Future>(place: &Place, future: F) -> F::Output {
        match &place.way {
            Way::Local(runtime, _) => runtime.block_on(future),
            Way::Threads(_) => runtime().block_on(future),
            Way::Blocking(_) => ready_now(future),
        }
    }

    async fn pause(duration: Duration) {
        if tokio::runtime::Handle::try_current().is_ok() {
            tokio::time::sleep(duration).await;
        } else {
            std::thread::sleep(duration);
        }
    }

    async fn bind(place: &Place, kind: Kind, endpoint: &str, listening: &mut dyn FnMut(&str)) -> Result<Peer, Trouble> {
        let peer = Peer::new(place, kind, endpoint, Side::Bind)?;
        let bound = match &peer.face {
            Face::Awaiting(socket) => socket.bind(endpoint).await,
            Face::Blocking(socket) => socket.bind(endpoint),
        };
        listening(&bound.map_err(|error| Trouble::failed("bind", error))?.to_string());
        Ok(peer)
    }

    async fn connect(place: &Place, kind: Kind, endpoint: &str) -> Result<Peer, Trouble> {
        let peer = Peer::new(place, kind, endpoint, Side::Connect)?;
        let connected = match &peer.face {
            Face::Awaiting(socket) => socket.connect(endpoint),
            Face::Blocking(socket) => socket.connect(endpoint),
        };
        connected.map_err(|error| Trouble::failed("connect", error))?;
        Ok(peer)
    }
}

impl Peer {
    fn new(place: &Place, kind: Kind, endpoint: &str, side: Side) -> Result<Self, Trouble> {
        let kind = match kind {
            Kind::Req => SocketType::Req,
            Kind::Rep => SocketType::Rep,
            Kind::Dealer => SocketType::Dealer,
            Kind::Router => SocketType::Router,
            Kind::Push => SocketType::Push,
            Kind::Pull => SocketType::Pull,
            Kind::Pub => SocketType::Pub,
            Kind::Sub => SocketType::Sub,
            Kind::XPub => SocketType::XPub,
            Kind::XSub => SocketType::XSub,
            Kind::Pair => SocketType::Pair,
        };
        let mut options = Options::default();
        if place.queues == Queues::Unlimited {
            options.send_hwm = Hwm::Unlimited;
            options.recv_hwm = Hwm::Unlimited;
        }
        // The handler of ZAP is asked over inproc, which has no mechanism.
        if !endpoint.starts_with("inproc:") {
            options.security = security(place, side)?;
            if place.zap == Zap::Handler {
                let domain = ZapDomain::new(zap::DOMAIN).map_err(|error| Trouble::failed("domain", error))?;
                options.zap_domain = Some(domain);
            }
        }
        let face = match &place.way {
            Way::Local(_, context) | Way::Threads(context) => context.socket_with(kind, options).map(Face::Awaiting),
            Way::Blocking(context) => context.socket_with(kind, options).map(Face::Blocking),
        };
        let face = face.map_err(|error| Trouble::failed("socket", error))?;
        Ok(Self { face, shared: None })
    }

    async fn send_message(&self, message: impl Into<Message>) -> Result<(), Trouble> {
        let sent = match &self.face {
            Face::Awaiting(socket) => socket.send(message).await,
            Face::Blocking(socket) => socket.send(message),
        };
        sent.map_err(|error| Trouble::failed("send", error))
    }

    async fn recv_message(&self) -> Result<Message, Trouble> {
        let received = match &self.face {
            Face::Awaiting(socket) => socket.recv().await,
            Face::Blocking(socket) => socket.recv(),
        };
        received.map_err(|error| Trouble::failed("receive", error))
    }
}

/// The mechanism at this end.
fn security(place: &Place, side: Side) -> Result<Security, Trouble> {
    let pair = |public: &str, secret: &str| KeyPair::new(PublicKey::from_z85(public)?, SecretKey::from_z85(secret)?);
    Ok(match (place.security, side) {
        (peer_line::Security::Null, _) => Security::Null,
        (peer_line::Security::Plain, Side::Bind) => Security::Plain(Plain::Server),
        (peer_line::Security::Plain, Side::Connect) => {
            let login = Login::new(keys::USERNAME, place.client.password());
            Security::Plain(Plain::Client(login.map_err(|error| Trouble::failed("login", error))?))
        }
        (peer_line::Security::Curve, Side::Bind) => {
            Security::curve_server(pair(keys::SERVER_PUBLIC, keys::SERVER_SECRET).map_err(bad_key)?)
        }
        (peer_line::Security::Curve, Side::Connect) => {
            let (public, secret) = place.client.keys();
            let server = PublicKey::from_z85(keys::SERVER_PUBLIC).map_err(bad_key)?;
            Security::curve_client(pair(public, secret).map_err(bad_key)?, server)
        }
    })
}

fn bad_key(error: KeyError) -> Trouble {
    Trouble::failed("key", error)
}

impl Socket for Peer {
    async fn send(&mut self, parts: &[Bytes]) -> Result<(), Trouble> {
        let message = Message::from_frames(parts.iter().map(|part| Frame::copy_of(part)));
        self.send_message(message.ok_or_else(|| Trouble::Failed("a message without parts".into()))?).await
    }

    async fn recv(&mut self) -> Result<Vec<Bytes>, Trouble> {
        let message = self.recv_message().await?;
        Ok(message.iter().map(|part| Bytes::copy_from_slice(part)).collect())
    }

    async fn send_copied(&mut self, payload: &[u8]) -> Result<(), Trouble> {
        self.send_message(payload).await
    }

    async fn send_shared(&mut self, payload: &Bytes) -> Result<(), Trouble> {
        // The octets are held, so that the same place is the same octets.
        let frame = match &self.shared {
            Some((held, frame)) if held.as_ptr() == payload.as_ptr() && held.len() == payload.len() => frame.clone(),
            Some(_) | None => {
                let frame = Frame::copy_of(payload);
                self.shared = Some((payload.clone(), frame.clone()));
                frame
            }
        };
        self.send_message(frame).await
    }

    async fn recv_dropped(&mut self) -> Result<usize, Trouble> {
        Ok(self.recv_message().await?.first().len())
    }

    async fn echo(&mut self) -> Result<(), Trouble> {
        let request = self.recv_message().await?;
        self.send_message(request).await
    }

    async fn subscribe(&mut self, prefix: &[u8]) -> Result<(), Trouble> {
        let socket = match &self.face {
            Face::Awaiting(socket) => socket,
            Face::Blocking(socket) => socket.as_async(),
        };
        if socket.socket_type() == SocketType::XSub {
            return self.send_message([&[1], prefix].concat()).await;
        }
        socket.subscribe(prefix).map_err(|error| Trouble::failed("subscribe", error))
    }

    async fn subscribed(&mut self) -> Result<Vec<u8>, Trouble> {
        loop {
            let message = self.recv_message().await?;
            if let [1, prefix @ ..] = message.first().as_slice() {
                return Ok(prefix.to_vec());
            }
        }
    }
}

/// The application's runtime: one thread.
fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime needs no more than a few descriptors")
}

fn main() -> ExitCode {
    peer_line::main::<Ours>()
}
