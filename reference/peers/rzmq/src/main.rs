//! rzmq, on the application's own current-thread runtime: it has no other mode.
//!
//! The measured sender copies the buffer into a new vector for each message, or clones one handle with
//! `--payload shared`. Options are the library's own, so no cork and no io_uring.

use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use peer_line::{Kind, Library, Mode, Settings, Socket, Trouble};
use rzmq::socket::{AUTO_DELIMITER, LAST_ENDPOINT, SUBSCRIBE};
use rzmq::{Context, Msg, MsgFlags, SocketType};

struct Rzmq;

struct Peer(rzmq::Socket);

impl Library for Rzmq {
    const NAME: &'static str = "peer-rzmq";
    /// Made by the first call inside a runtime, since making one spawns tasks.
    type Context = ();
    type Socket = Peer;

    fn context(settings: &Settings) -> Result<(), Trouble> {
        settings.expect_default_sockets()?;
        match settings.mode {
            None | Some(Mode::Local) => Ok(()),
            Some(Mode::Threads | Mode::Blocking) => Err(Trouble::unsupported("rzmq runs on the caller's runtime")),
        }
    }

    fn block_on<F: Future>((): &(), future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime needs no more than a few descriptors").block_on(future)
    }

    async fn pause(duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn bind((): &(), kind: Kind, endpoint: &str, listening: &mut dyn FnMut(&str)) -> Result<Peer, Trouble> {
        let peer = Peer::new(kind, endpoint).await?;
        peer.0.bind(endpoint).await.map_err(|error| Trouble::failed("bind", error))?;
        let bound = peer.0.get_option(LAST_ENDPOINT).await.map_err(|error| Trouble::failed("last endpoint", error))?;
        listening(&String::from_utf8_lossy(&bound));
        Ok(peer)
    }

    async fn connect((): &(), kind: Kind, endpoint: &str) -> Result<Peer, Trouble> {
        let peer = Peer::new(kind, endpoint).await?;
        peer.0.connect(endpoint).await.map_err(|error| Trouble::failed("connect", error))?;
        Ok(peer)
    }
}

impl Peer {
    async fn new(kind: Kind, endpoint: &str) -> Result<Self, Trouble> {
        if endpoint.starts_with("inproc:") {
            return Err(Trouble::unsupported("a context belongs to one runtime, and the two threads have one each"));
        }
        let kind = match kind {
            Kind::Req => SocketType::Req,
            Kind::Rep => SocketType::Rep,
            Kind::Dealer => SocketType::Dealer,
            Kind::Router => SocketType::Router,
            Kind::Push => SocketType::Push,
            Kind::Pull => SocketType::Pull,
            Kind::Pub => SocketType::Pub,
            Kind::Sub => SocketType::Sub,
            Kind::XPub | Kind::XSub | Kind::Pair => return Err(Trouble::unsupported(format!("rzmq has no {kind:?}"))),
        };
        let context = Context::new().map_err(|error| Trouble::failed("context", error))?;
        let socket = context.socket(kind).map_err(|error| Trouble::failed("socket", error))?;
        if matches!(kind, SocketType::Dealer | SocketType::Router) {
            // By default these types add and remove an empty part, unlike everybody else's.
            let set = socket.set_option(AUTO_DELIMITER, false).await;
            set.map_err(|error| Trouble::failed("auto delimiter", error))?;
        }
        Ok(Self(socket))
    }
}

impl Socket for Peer {
    async fn send(&mut self, parts: &[Bytes]) -> Result<(), Trouble> {
        // Its REQ takes one part and no more, by a call of its own.
        if let [part] = parts {
            return self.send_shared(part).await;
        }
        let mut frames: Vec<Msg> = parts.iter().map(|part| Msg::from_bytes(part.clone())).collect();
        // The documents say that the call sets the flag by itself. Its ROUTER without the automatic delimiter does
        // not, and sends each part as a message.
        for frame in frames.iter_mut().rev().skip(1) {
            frame.set_flags(MsgFlags::MORE);
        }
        self.0.send_multipart(frames).await.map_err(|error| Trouble::failed("send", error))
    }

    async fn recv(&mut self) -> Result<Vec<Bytes>, Trouble> {
        let frames = self.0.recv_multipart().await.map_err(|error| Trouble::failed("receive", error))?;
        Ok(frames.iter().map(|frame| frame.data_bytes().unwrap_or_default()).collect())
    }

    async fn send_copied(&mut self, payload: &[u8]) -> Result<(), Trouble> {
        self.0.send(Msg::from_vec(payload.to_vec())).await.map_err(|error| Trouble::failed("send", error))
    }

    async fn send_shared(&mut self, payload: &Bytes) -> Result<(), Trouble> {
        self.0.send(Msg::from_bytes(payload.clone())).await.map_err(|error| Trouble::failed("send", error))
    }

    async fn recv_dropped(&mut self) -> Result<usize, Trouble> {
        Ok(self.0.recv().await.map_err(|error| Trouble::failed("receive", error))?.size())
    }

    async fn echo(&mut self) -> Result<(), Trouble> {
        let request = self.0.recv().await.map_err(|error| Trouble::failed("receive", error))?;
        self.0.send(request).await.map_err(|error| Trouble::failed("send", error))
    }

    async fn subscribe(&mut self, prefix: &[u8]) -> Result<(), Trouble> {
        self.0.set_option_raw(SUBSCRIBE, prefix).await.map_err(|error| Trouble::failed("subscribe", error))
    }

    async fn subscribed(&mut self) -> Result<Vec<u8>, Trouble> {
        Err(Trouble::unsupported("rzmq has no XPUB"))
    }
}

fn main() -> ExitCode {
    peer_line::main::<Rzmq>()
}
