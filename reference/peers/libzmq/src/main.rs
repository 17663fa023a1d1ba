//! A libzmq loaded at run time.
//!
//! The measured sender calls `zmq_send` with a buffer, as most applications do: libzmq allocates a message above 33
//! octets and copies into it. The measured receiver takes `zmq_msg_recv` into one message again and again, as libzmq's
//! own `local_thr` does: nothing is copied out. High-water marks are libzmq's own, 1000 messages.

use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use peer_line::keys::{self, Client};
use peer_line::{Kind, Library, Mode, Queues, Security, Settings, Side, Socket, Trouble, Zap, ready_now, zap};
use zmq_libzmq::{Context, Flags, Message, names};

struct Libzmq;

#[derive(Clone)]
struct Place {
    context: Context,
    queues: Queues,
    security: Security,
    zap: Zap,
    client: Client,
}

struct Peer {
    socket: zmq_libzmq::Socket,
    /// What the measured loops receive into.
    message: Message,
}

impl Library for Libzmq {
    const NAME: &'static str = "peer-libzmq";
    type Context = Place;
    type Socket = Peer;

    fn context(settings: &Settings) -> Result<Place, Trouble> {
        if settings.mode.is_some_and(|mode| mode != Mode::Blocking) {
            return Err(Trouble::unsupported("libzmq blocks, with threads of its own for input and output"));
        }
        for path in &settings.preload {
            zmq_libzmq::Library::preload(path).map_err(|error| Trouble::failed("preload", error))?;
        }
        let library = zmq_libzmq::Library::open(settings.library.as_deref());
        let library = library.map_err(|error| Trouble::failed("load", error))?;
        eprintln!("{library:?}");
        let context = Context::new(&library).map_err(|error| Trouble::failed("context", error))?;
        let &Settings { queues, security, zap, client, .. } = settings;
        Ok(Place { context, queues, security, zap, client })
    }

    fn guard(place: &Place) -> Result<(), Trouble> {
        zap::serve::<Self>(place)
    }

    fn block_on<F: Future>(_: &Place, future: F) -> F::Output {
        ready_now(future)
    }

    async fn pause(duration: Duration) {
        std::thread::sleep(duration);
    }

    async fn bind(place: &Place, kind: Kind, endpoint: &str, listening: &mut dyn FnMut(&str)) -> Result<Peer, Trouble> {
        let peer = Peer::new(place, kind, endpoint, Side::Bind)?;
        peer.socket.bind(endpoint).map_err(|error| Trouble::failed("bind", error))?;
        listening(&peer.socket.last_endpoint().map_err(|error| Trouble::failed("last endpoint", error))?);
        Ok(peer)
    }

    async fn connect(place: &Place, kind: Kind, endpoint: &str) -> Result<Peer, Trouble> {
        let peer = Peer::new(place, kind, endpoint, Side::Connect)?;
        peer.socket.connect(endpoint).map_err(|error| Trouble::failed("connect", error))?;
        Ok(peer)
    }
}

impl Peer {
    fn new(place: &Place, kind: Kind, endpoint: &str, side: Side) -> Result<Self, Trouble> {
        let name = match kind {
            Kind::Req => "REQ",
            Kind::Rep => "REP",
            Kind::Dealer => "DEALER",
            Kind::Router => "ROUTER",
            Kind::Push => "PUSH",
            Kind::Pull => "PULL",
            Kind::Pub => "PUB",
            Kind::Sub => "SUB",
            Kind::XPub => "XPUB",
            Kind::XSub => "XSUB",
            Kind::Pair => "PAIR",
        };
        let number = names::SOCKET_TYPES.iter().find(|(known, _)| *known == name);
        let &(_, number) = number.ok_or_else(|| Trouble::unsupported(format!("socket type {name}")))?;
        let socket = place.context.socket(number).map_err(|error| Trouble::failed("socket", error))?;
        let mut set: Vec<(i32, Vec<u8>)> = Vec::new();
        if place.queues == Queues::Unlimited {
            set.extend([(SNDHWM, number_of(0)), (RCVHWM, number_of(0))]);
        }
        // The handler of ZAP is asked over inproc, which has no mechanism.
        if !endpoint.starts_with("inproc:") {
            set.extend(secured(place, side));
        }
        for (option, value) in set {
            socket.set_bytes(option, &value).map_err(|error| Trouble::failed("option", error))?;
        }
        Ok(Self { socket, message: Message::new(place.context.library()) })
    }
}

/// Options of the mechanism at this end.
fn secured(place: &Place, side: Side) -> Vec<(i32, Vec<u8>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let (public, secret) = place.client.keys();
    let mut set = match (place.security, side) {
        (Security::Null, _) => Vec::new(),
        (Security::Plain, Side::Bind) => vec![(PLAIN_SERVER, number_of(1))],
        (Security::Plain, Side::Connect) => {
            vec![(PLAIN_USERNAME, text(keys::USERNAME)), (PLAIN_PASSWORD, text(place.client.password()))]
        }
        (Security::Curve, Side::Bind) => {
            vec![(CURVE_SERVER, number_of(1)), (CURVE_SECRETKEY, text(keys::SERVER_SECRET))]
        }
        (Security::Curve, Side::Connect) => vec![
            (CURVE_SERVERKEY, text(keys::SERVER_PUBLIC)),
            (CURVE_PUBLICKEY, text(public)),
            (CURVE_SECRETKEY, text(secret)),
        ],
    };
    if place.zap == Zap::Handler {
        set.push((ZAP_DOMAIN, text(zap::DOMAIN)));
    }
    set
}

fn number_of(number: i32) -> Vec<u8> {
    number.to_ne_bytes().to_vec()
}

impl Socket for Peer {
    async fn send(&mut self, parts: &[Bytes]) -> Result<(), Trouble> {
        for (at, part) in parts.iter().enumerate() {
            let flags = if at + 1 == parts.len() { Flags::NONE } else { Flags::MORE };
            self.socket.send_part(part, flags).map_err(|error| Trouble::failed("send", error))?;
        }
        Ok(())
    }

    async fn recv(&mut self) -> Result<Vec<Bytes>, Trouble> {
        let mut parts = Vec::new();
        loop {
            let part = self.socket.recv_part(Flags::NONE, &[]).map_err(|error| Trouble::failed("receive", error))?;
            parts.push(Bytes::from(part.bytes));
            if !part.more {
                return Ok(parts);
            }
        }
    }

    async fn send_copied(&mut self, payload: &[u8]) -> Result<(), Trouble> {
        self.socket.send_part(payload, Flags::NONE).map_err(|error| Trouble::failed("send", error))
    }

    async fn send_shared(&mut self, _: &Bytes) -> Result<(), Trouble> {
        Err(Trouble::unsupported("zmq_send copies"))
    }

    async fn recv_dropped(&mut self) -> Result<usize, Trouble> {
        let received = self.socket.recv_message(&mut self.message, Flags::NONE);
        received.map_err(|error| Trouble::failed("receive", error))
    }

    async fn echo(&mut self) -> Result<(), Trouble> {
        self.recv_dropped().await?;
        let sent = self.socket.send_part(self.message.bytes(), Flags::NONE);
        sent.map_err(|error| Trouble::failed("send", error))
    }

    async fn subscribe(&mut self, prefix: &[u8]) -> Result<(), Trouble> {
        let kind = self.socket.get_int(TYPE).map_err(|error| Trouble::failed("type", error))?;
        let done = if kind == names::XSUB {
            self.socket.send_part(&[&[1], prefix].concat(), Flags::NONE)
        } else {
            self.socket.set_bytes(SUBSCRIBE, prefix)
        };
        done.map_err(|error| Trouble::failed("subscribe", error))
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

/// Option `type`.
const TYPE: i32 = 16;
/// Option `subscribe`.
const SUBSCRIBE: i32 = 6;
const SNDHWM: i32 = 23;
const RCVHWM: i32 = 24;
const PLAIN_SERVER: i32 = 44;
const PLAIN_USERNAME: i32 = 45;
const PLAIN_PASSWORD: i32 = 46;
const CURVE_SERVER: i32 = 47;
const CURVE_PUBLICKEY: i32 = 48;
const CURVE_SECRETKEY: i32 = 49;
const CURVE_SERVERKEY: i32 = 50;
const ZAP_DOMAIN: i32 = 55;

fn main() -> ExitCode {
    peer_line::main::<Libzmq>()
}
