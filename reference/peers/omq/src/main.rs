//! omq-tokio, in three modes: `local` (the socket's tasks on the application's current-thread runtime), `threads` (on
//! the context's own) and `blocking` (the same behind calls that block).
//!
//! The measured sender copies the buffer into a new message (up to 55 octets inline, without an allocation), or
//! clones one handle with `--payload shared`. Options are the library's own.
//!
//! It has no ZAP: a callback of its own judges clients by the same rule.

use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use omq_tokio::{
    Context, CurveKeypair, CurvePublicKey, CurveSecretKey, CurveServerOptions, Message, Options, SocketType,
};
use peer_line::keys::{self, Client};
use peer_line::{Kind, Library, Mode, Queues, Security, Settings, Side, Socket, Trouble, Zap, ready_now, zap};

struct Omq;

#[derive(Clone)]
struct Place {
    way: Way,
    options: Options,
    security: Security,
    zap: Zap,
    client: Client,
}

#[derive(Clone)]
enum Way {
    /// No context: sockets run on whatever runtime they are made in.
    Local,
    Threads(Context),
    Blocking(Context),
}

enum Peer {
    Awaiting(omq_tokio::Socket),
    Blocking(omq_tokio::blocking::Socket),
}

/// The same call, awaited or blocking.
macro_rules! call {
    ($peer:expr, $what:literal, $method:ident($($argument:expr),*)) => {
        match $peer {
            Peer::Awaiting(socket) => socket.$method($($argument),*).await,
            Peer::Blocking(socket) => socket.$method($($argument),*),
        }
        .map_err(|error| Trouble::failed($what, error))
    };
}

impl Library for Omq {
    const NAME: &'static str = "peer-omq";
    type Context = Place;
    type Socket = Peer;

    fn context(settings: &Settings) -> Result<Place, Trouble> {
        let options = match settings.queues {
            Queues::Default => Options::default(),
            Queues::Unlimited => Options::default().send_hwm(MOST).recv_hwm(MOST),
        };
        let way = match settings.mode {
            Some(Mode::Local) => Way::Local,
            Some(Mode::Threads) => Way::Threads(Context::new()),
            None | Some(Mode::Blocking) => Way::Blocking(Context::new()),
        };
        let &Settings { security, zap, client, .. } = settings;
        Ok(Place { way, options, security, zap, client })
    }

    /// Its callback is among the options of a socket.
    fn guard(_: &Place) -> Result<(), Trouble> {
        Ok(())
    }

    fn block_on<F: Future>(place: &Place, future: F) -> F::Output {
        match place.way {
            Way::Local | Way::Threads(_) => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime needs no more than a few descriptors").block_on(future)
            }
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
        let bound = call!(&peer, "bind", bind(endpoint))?;
        listening(&bound.to_string());
        Ok(peer)
    }

    async fn connect(place: &Place, kind: Kind, endpoint: &str) -> Result<Peer, Trouble> {
        let peer = Peer::new(place, kind, endpoint, Side::Connect)?;
        call!(&peer, "connect", connect(endpoint))?;
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
        let options = secured(place, side).map_err(|error| Trouble::failed("key", error))?;
        match &place.way {
            Way::Local if endpoint.starts_with("inproc:") => {
                Err(Trouble::unsupported("two threads with a runtime each share no context"))
            }
            Way::Local => Ok(Self::Awaiting(omq_tokio::Socket::new(kind, options))),
            Way::Threads(context) => Ok(Self::Awaiting(context.socket(kind, options))),
            Way::Blocking(context) => Ok(Self::Blocking(context.blocking_socket(kind, options))),
        }
    }
}

/// The options, with the mechanism at this end.
fn secured(place: &Place, side: Side) -> omq_tokio::Result<Options> {
    let options = place.options.clone();
    let pair = |public: &str, secret: &str| -> omq_tokio::Result<CurveKeypair> {
        let (public, secret) = (CurvePublicKey::from_z85(public)?, CurveSecretKey::from_z85(secret)?);
        Ok(CurveKeypair { public, secret })
    };
    Ok(match (place.security, side) {
        (Security::Null, _) => options,
        (Security::Plain, Side::Bind) => options.plain_server(|client| {
            let [username, password] = [&client.username, &client.password].map(|text| text.as_deref().unwrap_or(""));
            zap::admits(b"PLAIN", &[username.as_bytes(), password.as_bytes()])
        }),
        (Security::Plain, Side::Connect) => options.plain_client(keys::USERNAME, place.client.password()),
        (Security::Curve, Side::Bind) => {
            let server = match place.zap {
                Zap::None => CurveServerOptions::new(),
                Zap::Handler => {
                    CurveServerOptions::new().authenticator(|client| zap::admits(b"CURVE", &[&client.public_key]))
                }
            };
            options.curve_server_with_options(pair(keys::SERVER_PUBLIC, keys::SERVER_SECRET)?, server)
        }
        (Security::Curve, Side::Connect) => {
            let (public, secret) = place.client.keys();
            options.curve_client(pair(public, secret)?, CurvePublicKey::from_z85(keys::SERVER_PUBLIC)?)
        }
    })
}

impl Socket for Peer {
    async fn send(&mut self, parts: &[Bytes]) -> Result<(), Trouble> {
        call!(self, "send", send(Message::multipart(parts.iter().cloned())))
    }

    async fn recv(&mut self) -> Result<Vec<Bytes>, Trouble> {
        let message = call!(self, "receive", recv())?;
        Ok((0..message.len()).map(|at| message.part_bytes(at).expect("as many parts as its length")).collect())
    }

    async fn send_copied(&mut self, payload: &[u8]) -> Result<(), Trouble> {
        call!(self, "send", send(Message::from_slice(payload)))
    }

    async fn send_shared(&mut self, payload: &Bytes) -> Result<(), Trouble> {
        call!(self, "send", send(Message::single(payload.clone())))
    }

    async fn recv_dropped(&mut self) -> Result<usize, Trouble> {
        Ok(call!(self, "receive", recv())?.byte_len())
    }

    async fn echo(&mut self) -> Result<(), Trouble> {
        let request = call!(self, "receive", recv())?;
        call!(self, "send", send(request))
    }

    async fn subscribe(&mut self, prefix: &[u8]) -> Result<(), Trouble> {
        let prefix = Bytes::copy_from_slice(prefix);
        let is_xsub = match self {
            Self::Awaiting(socket) => socket.socket_type(),
            Self::Blocking(socket) => socket.socket_type(),
        } == SocketType::XSub;
        if is_xsub {
            return self.send(&[[&[1], &prefix[..]].concat().into()]).await;
        }
        call!(self, "subscribe", subscribe(prefix))
    }

    async fn subscribed(&mut self) -> Result<Vec<u8>, Trouble> {
        loop {
            let message = self.recv().await?;
            if let [1, prefix @ ..] = &message[0][..] {
                return Ok(prefix.to_vec());
            }
        }
    }
}

/// Messages that a queue holds where it is to hold all: the library has no word for it.
const MOST: u32 = 1 << 22;

fn main() -> ExitCode {
    peer_line::main::<Omq>()
}
