//! monocoque on its tokio backend: one thread, as its documents ask for.
//!
//! Its sockets are made of an accepted or connected stream, one peer each (PUB and XPUB accept more), so this peer
//! listens by itself and says `ready` before the library has a socket. The measured PUSH has write coalescing on, as
//! the documents advise for throughput, and is flushed at the end; all else is eager. The sender copies the buffer
//! into new `Bytes` for each message, or clones one handle with `--payload shared`.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use monocoque::rt::{LocalRuntime, TcpListener, TcpStream};
use monocoque::zmq::{self, SocketOptions, SubscriptionEvent};
use peer_line::{Kind, Library, Mode, Settings, Socket, Trouble};

struct Monocoque;

#[expect(clippy::large_enum_variant, reason = "a process has one, and measured calls need no pointer between")]
enum Peer {
    Req(zmq::ReqSocket),
    Rep(zmq::RepSocket),
    Dealer(zmq::DealerSocket),
    Router(zmq::RouterSocket),
    Push(zmq::PushSocket),
    Pull(zmq::PullSocket),
    Pub(zmq::PubSocket),
    Sub(zmq::SubSocket),
    XPub(zmq::XPubSocket),
    XSub(zmq::XSubSocket),
    Pair(zmq::PairSocket),
}

impl Library for Monocoque {
    const NAME: &'static str = "peer-monocoque";
    type Context = ();
    type Socket = Peer;

    fn context(settings: &Settings) -> Result<(), Trouble> {
        settings.expect_default_sockets()?;
        match settings.mode {
            None | Some(Mode::Local) => Ok(()),
            Some(Mode::Threads | Mode::Blocking) => Err(Trouble::unsupported("monocoque runs on the caller's runtime")),
        }
    }

    fn block_on<F: Future>((): &(), future: F) -> F::Output {
        LocalRuntime::new().expect("a runtime needs no more than a few descriptors").block_on(future)
    }

    async fn pause(duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn bind((): &(), kind: Kind, endpoint: &str, listening: &mut dyn FnMut(&str)) -> Result<Peer, Trouble> {
        let address = address(endpoint)?;
        let failed = |error: io::Error| Trouble::failed("bind", error);
        match kind {
            Kind::Pub => {
                let mut socket = zmq::PubSocket::bind(address).await.map_err(failed)?;
                listening(&format!("tcp://{}", socket.local_addr().map_err(failed)?));
                socket.accept_subscriber().await.map_err(failed)?;
                Ok(Peer::Pub(socket))
            }
            Kind::XPub => {
                let mut socket = zmq::XPubSocket::bind(address).await.map_err(failed)?;
                listening(&format!("tcp://{}", socket.local_addr().map_err(failed)?));
                socket.accept().await.map_err(failed)?;
                Ok(Peer::XPub(socket))
            }
            Kind::Req
            | Kind::Rep
            | Kind::Dealer
            | Kind::Router
            | Kind::Push
            | Kind::Pull
            | Kind::Sub
            | Kind::XSub
            | Kind::Pair => {
                let listener = TcpListener::bind(address).await.map_err(failed)?;
                listening(&format!("tcp://{}", listener.local_addr().map_err(failed)?));
                let (stream, _) = listener.accept().await.map_err(failed)?;
                Peer::over(kind, stream).await
            }
        }
    }

    async fn connect((): &(), kind: Kind, endpoint: &str) -> Result<Peer, Trouble> {
        if matches!(kind, Kind::Pub | Kind::XPub) {
            return Err(Trouble::unsupported(format!("monocoque's {kind:?} cannot connect")));
        }
        let stream = TcpStream::connect(address(endpoint)?).await;
        Peer::over(kind, stream.map_err(|error| Trouble::failed("connect", error))?).await
    }
}

impl Peer {
    async fn over(kind: Kind, stream: TcpStream) -> Result<Self, Trouble> {
        let coalescing = || SocketOptions::default().with_write_coalescing(true);
        let made = match kind {
            Kind::Req => zmq::ReqSocket::from_tcp(stream).await.map(Self::Req),
            Kind::Rep => zmq::RepSocket::from_tcp(stream).await.map(Self::Rep),
            Kind::Dealer => zmq::DealerSocket::from_tcp(stream).await.map(Self::Dealer),
            Kind::Router => zmq::RouterSocket::from_tcp(stream).await.map(Self::Router),
            Kind::Push => zmq::PushSocket::from_tcp_with_options(stream, coalescing()).await.map(Self::Push),
            Kind::Pull => zmq::PullSocket::from_tcp(stream).await.map(Self::Pull),
            Kind::Sub => zmq::SubSocket::from_tcp(stream).await.map(Self::Sub),
            Kind::XSub => zmq::XSubSocket::new(stream).await.map(Self::XSub),
            Kind::Pair => zmq::PairSocket::from_tcp(stream).await.map(Self::Pair),
            Kind::Pub | Kind::XPub => Err(io::Error::other("these accept by themselves")),
        };
        made.map_err(|error| Trouble::failed("handshake", error))
    }

    async fn send_all(&mut self, message: Vec<Bytes>) -> Result<(), Trouble> {
        let sent = match self {
            Self::Req(socket) => socket.send(message).await,
            Self::Rep(socket) => socket.send(message).await,
            Self::Dealer(socket) => socket.send(message).await,
            Self::Router(socket) => socket.send(message).await,
            Self::Push(socket) => socket.send(message).await,
            Self::Pub(socket) => socket.send(message).await,
            Self::XPub(socket) => socket.send(message).await,
            Self::Pair(socket) => socket.send(message).await,
            Self::Pull(_) | Self::Sub(_) | Self::XSub(_) => Err(io::Error::other("this type does not send")),
        };
        sent.map_err(|error| Trouble::failed("send", error))
    }

    async fn send_one(&mut self, part: Bytes) -> Result<(), Trouble> {
        let sent = match self {
            Self::Req(socket) => socket.send_one(part).await,
            Self::Push(socket) => socket.send_one(part).await,
            _ => return self.send_all(vec![part]).await,
        };
        sent.map_err(|error| Trouble::failed("send", error))
    }
}

impl Socket for Peer {
    async fn send(&mut self, parts: &[Bytes]) -> Result<(), Trouble> {
        self.send_all(parts.to_vec()).await
    }

    async fn recv(&mut self) -> Result<Vec<Bytes>, Trouble> {
        let received = match self {
            Self::Req(socket) => socket.recv().await,
            Self::Rep(socket) => socket.recv().await,
            Self::Dealer(socket) => socket.recv().await,
            Self::Router(socket) => socket.recv().await,
            Self::Pull(socket) => socket.recv().await,
            Self::Sub(socket) => socket.recv().await,
            Self::XSub(socket) => socket.recv().await,
            Self::Pair(socket) => socket.recv().await,
            Self::Push(_) | Self::Pub(_) | Self::XPub(_) => Err(io::Error::other("this type does not receive")),
        };
        let message = received.map_err(|error| Trouble::failed("receive", error))?;
        message.ok_or_else(|| Trouble::Failed("receive: the connection is gone".into()))
    }

    async fn send_copied(&mut self, payload: &[u8]) -> Result<(), Trouble> {
        self.send_one(Bytes::copy_from_slice(payload)).await
    }

    async fn send_shared(&mut self, payload: &Bytes) -> Result<(), Trouble> {
        self.send_one(payload.clone()).await
    }

    async fn recv_dropped(&mut self) -> Result<usize, Trouble> {
        Ok(self.recv().await?.iter().map(Bytes::len).sum())
    }

    async fn echo(&mut self) -> Result<(), Trouble> {
        let request = self.recv().await?;
        self.send_all(request).await
    }

    async fn flush(&mut self) -> Result<(), Trouble> {
        let Self::Push(socket) = self else { return Ok(()) };
        socket.flush().await.map_err(|error| Trouble::failed("flush", error))
    }

    async fn subscribe(&mut self, prefix: &[u8]) -> Result<(), Trouble> {
        let done = match self {
            Self::Sub(socket) => socket.subscribe(prefix).await,
            Self::XSub(socket) => socket.subscribe(prefix.to_vec()).await,
            _ => Err(io::Error::other("this type does not subscribe")),
        };
        done.map_err(|error| Trouble::failed("subscribe", error))
    }

    async fn subscribed(&mut self) -> Result<Vec<u8>, Trouble> {
        let Self::XPub(socket) = self else {
            return Err(Trouble::unsupported("only XPUB receives subscriptions"));
        };
        loop {
            match socket.recv_subscription().await.map_err(|error| Trouble::failed("receive", error))? {
                Some(SubscriptionEvent::Subscribe(prefix)) => return Ok(prefix.to_vec()),
                Some(SubscriptionEvent::Unsubscribe(_)) => {}
                // The call does not wait.
                None => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    }
}

/// The library wants host and port.
fn address(endpoint: &str) -> Result<&str, Trouble> {
    let unsupported = || Trouble::unsupported("monocoque's inproc stays on one thread");
    endpoint.strip_prefix("tcp://").ok_or_else(unsupported)
}

fn main() -> ExitCode {
    peer_line::main::<Monocoque>()
}
