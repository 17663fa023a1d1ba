//! zmq.rs (crate `zeromq`), on the application's own current-thread runtime: it has no other mode.
//!
//! The measured sender copies the buffer into new `Bytes` for each message, or clones one handle with
//! `--payload shared`. High-water marks are the library's own.

use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use peer_line::{Kind, Library, Mode, Settings, Socket, Trouble};
use zeromq::{Socket as _, SocketRecv, SocketSend, ZmqError, ZmqMessage};

struct ZmqRs;

enum Peer {
    Req(zeromq::ReqSocket),
    Rep(zeromq::RepSocket),
    Dealer(zeromq::DealerSocket),
    Router(zeromq::RouterSocket),
    Push(zeromq::PushSocket),
    Pull(zeromq::PullSocket),
    Pub(zeromq::PubSocket),
    Sub(zeromq::SubSocket),
    XPub(zeromq::XPubSocket),
    XSub(zeromq::XSubSocket),
}

/// The same expression for whichever socket it is.
macro_rules! each {
    ($peer:expr, $socket:ident => $body:expr) => {
        match $peer {
            Peer::Req($socket) => $body,
            Peer::Rep($socket) => $body,
            Peer::Dealer($socket) => $body,
            Peer::Router($socket) => $body,
            Peer::Push($socket) => $body,
            Peer::Pull($socket) => $body,
            Peer::Pub($socket) => $body,
            Peer::Sub($socket) => $body,
            Peer::XPub($socket) => $body,
            Peer::XSub($socket) => $body,
        }
    };
}

impl Library for ZmqRs {
    const NAME: &'static str = "peer-zeromq";
    type Context = ();
    type Socket = Peer;

    fn context(settings: &Settings) -> Result<(), Trouble> {
        settings.expect_default_sockets()?;
        match settings.mode {
            None | Some(Mode::Local) => Ok(()),
            Some(Mode::Threads | Mode::Blocking) => Err(Trouble::unsupported("zmq.rs runs on the caller's runtime")),
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
        let mut peer = Peer::new(kind, endpoint)?;
        let bound = each!(&mut peer, socket => socket.bind(endpoint).await);
        listening(&bound.map_err(|error| Trouble::failed("bind", error))?.to_string());
        Ok(peer)
    }

    async fn connect((): &(), kind: Kind, endpoint: &str) -> Result<Peer, Trouble> {
        let mut peer = Peer::new(kind, endpoint)?;
        let connected = each!(&mut peer, socket => socket.connect(endpoint).await);
        connected.map_err(|error| Trouble::failed("connect", error))?;
        Ok(peer)
    }
}

impl Peer {
    fn new(kind: Kind, endpoint: &str) -> Result<Self, Trouble> {
        if endpoint.starts_with("inproc:") {
            return Err(Trouble::unsupported("zmq.rs has no inproc"));
        }
        Ok(match kind {
            Kind::Req => Self::Req(zeromq::ReqSocket::new()),
            Kind::Rep => Self::Rep(zeromq::RepSocket::new()),
            Kind::Dealer => Self::Dealer(zeromq::DealerSocket::new()),
            Kind::Router => Self::Router(zeromq::RouterSocket::new()),
            Kind::Push => Self::Push(zeromq::PushSocket::new()),
            Kind::Pull => Self::Pull(zeromq::PullSocket::new()),
            Kind::Pub => Self::Pub(zeromq::PubSocket::new()),
            Kind::Sub => Self::Sub(zeromq::SubSocket::new()),
            Kind::XPub => Self::XPub(zeromq::XPubSocket::new()),
            Kind::XSub => Self::XSub(zeromq::XSubSocket::new()),
            Kind::Pair => return Err(Trouble::unsupported("zmq.rs has no PAIR")),
        })
    }

    async fn try_send(&mut self, message: ZmqMessage) -> Result<(), ZmqError> {
        match self {
            Self::Req(socket) => socket.send(message).await,
            Self::Rep(socket) => socket.send(message).await,
            Self::Dealer(socket) => socket.send(message).await,
            Self::Router(socket) => socket.send(message).await,
            Self::Push(socket) => socket.send(message).await,
            Self::Pub(socket) => socket.send(message).await,
            Self::XPub(socket) => socket.send(message).await,
            Self::XSub(socket) => socket.send(message).await,
            Self::Pull(_) | Self::Sub(_) => Err(ZmqError::Other("this type does not send")),
        }
    }

    /// Without a peer the library gives the message back rather than waiting, so this waits.
    async fn send_when_it_can(&mut self, message: ZmqMessage) -> Result<(), Trouble> {
        let mut message = message;
        loop {
            match self.try_send(message).await {
                Ok(()) => return Ok(()),
                Err(ZmqError::ReturnToSender { message: returned, .. }) => message = returned,
                Err(error) => return Err(Trouble::failed("send", error)),
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn receive(&mut self) -> Result<ZmqMessage, Trouble> {
        let received = match self {
            Self::Req(socket) => socket.recv().await,
            Self::Rep(socket) => socket.recv().await,
            Self::Dealer(socket) => socket.recv().await,
            Self::Router(socket) => socket.recv().await,
            Self::Pull(socket) => socket.recv().await,
            Self::Sub(socket) => socket.recv().await,
            Self::XPub(socket) => socket.recv().await,
            Self::XSub(socket) => socket.recv().await,
            Self::Push(_) | Self::Pub(_) => Err(ZmqError::Other("this type does not receive")),
        };
        received.map_err(|error| Trouble::failed("receive", error))
    }
}

impl Socket for Peer {
    async fn send(&mut self, parts: &[Bytes]) -> Result<(), Trouble> {
        let message = ZmqMessage::try_from(parts.to_vec()).map_err(|error| Trouble::failed("message", error))?;
        self.send_when_it_can(message).await
    }

    async fn recv(&mut self) -> Result<Vec<Bytes>, Trouble> {
        Ok(self.receive().await?.into_vec())
    }

    async fn send_copied(&mut self, payload: &[u8]) -> Result<(), Trouble> {
        self.send_when_it_can(Bytes::copy_from_slice(payload).into()).await
    }

    async fn send_shared(&mut self, payload: &Bytes) -> Result<(), Trouble> {
        self.send_when_it_can(payload.clone().into()).await
    }

    async fn recv_dropped(&mut self) -> Result<usize, Trouble> {
        Ok(self.receive().await?.iter().map(Bytes::len).sum())
    }

    async fn echo(&mut self) -> Result<(), Trouble> {
        let request = self.receive().await?;
        self.send_when_it_can(request).await
    }

    async fn subscribe(&mut self, prefix: &[u8]) -> Result<(), Trouble> {
        let prefix = std::str::from_utf8(prefix).map_err(|_| Trouble::unsupported("a prefix that is not UTF-8"))?;
        let done = match self {
            Self::Sub(socket) => socket.subscribe(prefix).await,
            Self::XSub(socket) => socket.subscribe(prefix).await,
            _ => Err(ZmqError::Other("this type does not subscribe")),
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

fn main() -> ExitCode {
    peer_line::main::<ZmqRs>()
}
