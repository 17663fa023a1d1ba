//! The scripts of interoperation: fixed messages, sent by one side and judged by the other or by their echo.
//!
//! ```text
//! asking   REQ DEALER PAIR    sends each message, and expects it back as it was
//! echoing  REP ROUTER PAIR    sends each message back as it came
//! PUSH → PULL                 PULL expects the whole set, in order
//! PUB XPUB → SUB XSUB         publishes `sync` until told to `go`, then the set; the subscriber says `synced` when a
//!                             `sync` has come, and expects of the set what it subscribed to, in order
//! a stranger, in any role     sends [`STRANGER`] where it can, and expects that nothing ever comes
//! ```

use std::time::Duration;

use bytes::Bytes;

use crate::command::{Command, Side, Zap};
use crate::keys::Client;
use crate::library::{Kind, Library, Socket, Trouble};
use crate::steer::{Steer, say};

/// What a peer plays in a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Asks(Kind),
    Echoes(Kind),
    Pushes,
    Pulls,
    Publishes(Kind),
    Subscribes(Kind),
}

impl Part {
    pub(crate) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "req" => Self::Asks(Kind::Req),
            "dealer" => Self::Asks(Kind::Dealer),
            "pair-ask" => Self::Asks(Kind::Pair),
            "rep" => Self::Echoes(Kind::Rep),
            "router" => Self::Echoes(Kind::Router),
            "pair-echo" => Self::Echoes(Kind::Pair),
            "push" => Self::Pushes,
            "pull" => Self::Pulls,
            "pub" => Self::Publishes(Kind::Pub),
            "xpub" => Self::Publishes(Kind::XPub),
            "sub" => Self::Subscribes(Kind::Sub),
            "xsub" => Self::Subscribes(Kind::XSub),
            _ => return None,
        })
    }

    fn kind(self) -> Kind {
        match self {
            Self::Asks(kind) | Self::Echoes(kind) | Self::Publishes(kind) | Self::Subscribes(kind) => kind,
            Self::Pushes => Kind::Push,
            Self::Pulls => Kind::Pull,
        }
    }
}

pub(crate) fn run<L: Library>(part: Part, command: &Command, steer: &Steer) -> Result<(), Trouble> {
    let context = L::context(&command.settings)?;
    if command.settings.zap == Zap::Handler {
        L::guard(&context)?;
    }
    if command.settings.client == Client::Stranger {
        return L::block_on(&context, async {
            match intrude::<L>(part, &context, command).await {
                Ok(message) => Err(Trouble::Failed(format!("a stranger was given {}", shape(&message)))),
                // To be turned away is what should happen, and some libraries make an error of it.
                Err(Trouble::Failed(_)) => steer.stay::<L>().await,
                Err(unsupported @ Trouble::Unsupported(_)) => Err(unsupported),
            }
        });
    }
    L::block_on(&context, async {
        let mut socket = match command.side {
            Side::Bind => {
                let mut listening = |endpoint: &str| say(&format!("ready {endpoint}"));
                L::bind(&context, part.kind(), &command.endpoint, &mut listening).await?
            }
            Side::Connect => {
                let socket = L::connect(&context, part.kind(), &command.endpoint).await?;
                say(&format!("ready {}", command.endpoint));
                socket
            }
        };
        for round in 0..command.count {
            let first = round == 0;
            match part {
                Part::Asks(kind) => ask(&mut socket, kind).await?,
                Part::Echoes(_) => echo(&mut socket).await?,
                Part::Pushes => {
                    for message in messages() {
                        socket.send(&message).await?;
                    }
                }
                Part::Pulls => expect_all(&mut socket, messages(), |_| false).await?,
                Part::Publishes(kind) if first => publish::<L>(&mut socket, kind, steer).await?,
                Part::Publishes(_) => send_all(&mut socket, publications()).await?,
                Part::Subscribes(_) => subscribe(&mut socket, first).await?,
            }
        }
        socket.flush().await?;
        say("ok");
        // What was sent last may still be on its way.
        steer.stay::<L>().await
    })
}

/// What a client does that nobody should let in: what it was given.
async fn intrude<L: Library>(part: Part, context: &L::Context, command: &Command) -> Result<Vec<Bytes>, Trouble> {
    let mut socket = L::connect(context, part.kind(), &command.endpoint).await?;
    let word = Bytes::from_static(STRANGER);
    match part {
        Part::Asks(Kind::Dealer) => socket.send(&[Bytes::new(), word]).await?,
        Part::Asks(_) => socket.send(&[word]).await?,
        Part::Echoes(_) | Part::Pulls => {}
        Part::Pushes => {
            socket.send(&[word]).await?;
            // Nothing ever comes to a PUSH: who lets it in hears it.
            loop {
                L::pause(Duration::from_millis(50)).await;
            }
        }
        // Who lets it in takes this for a publication, and a `sync` is what was to come first.
        Part::Publishes(Kind::Pub) => loop {
            socket.send(&[subscriptions()[0].clone().into(), word.clone()]).await?;
            L::pause(Duration::from_millis(5)).await;
        },
        Part::Publishes(_) => return Ok(vec![socket.subscribed().await?.into()]),
        Part::Subscribes(_) => {
            for prefix in subscriptions() {
                socket.subscribe(&prefix).await?;
            }
        }
    }
    socket.recv().await
}

async fn ask(socket: &mut impl Socket, kind: Kind) -> Result<(), Trouble> {
    for message in messages() {
        // A REP, and a ROUTER that answers a REQ, expect the delimiter which REQ adds by itself.
        let sent = if kind == Kind::Dealer { [vec![Bytes::new()], message].concat() } else { message };
        socket.send(&sent).await?;
        compare(&sent, &socket.recv().await?)?;
    }
    Ok(())
}

async fn echo(socket: &mut impl Socket) -> Result<(), Trouble> {
    for _ in messages() {
        let message = socket.recv().await?;
        if message.last().is_some_and(|part| part == STRANGER) {
            return Err(Trouble::Failed("a stranger was heard".into()));
        }
        socket.send(&message).await?;
    }
    Ok(())
}

async fn publish<L: Library>(socket: &mut L::Socket, kind: Kind, steer: &Steer) -> Result<(), Trouble> {
    if kind == Kind::XPub {
        let mut awaited: Vec<Vec<u8>> = subscriptions();
        while !awaited.is_empty() {
            let prefix = socket.subscribed().await?;
            awaited.retain(|awaited| *awaited != prefix);
        }
        say("subscribed");
    }
    while !steer.told_to_go() {
        socket.send(&[Bytes::from_static(SYNC)]).await?;
        socket.flush().await?;
        L::pause(Duration::from_millis(5)).await;
    }
    send_all(socket, publications()).await
}

async fn subscribe(socket: &mut impl Socket, first: bool) -> Result<(), Trouble> {
    let is_sync = |message: &[Bytes]| message.first().is_some_and(|topic| topic == SYNC);
    if first {
        for prefix in subscriptions() {
            socket.subscribe(&prefix).await?;
        }
        let message = socket.recv().await?;
        if !is_sync(&message) {
            return Err(Trouble::Failed(format!("expected a sync first, and {} came", shape(&message))));
        }
        say("synced");
    }
    let wanted = |message: &Vec<Bytes>| subscriptions().iter().any(|prefix| message[0].starts_with(prefix));
    expect_all(socket, publications().into_iter().filter(wanted).collect(), is_sync).await
}

async fn send_all(socket: &mut impl Socket, messages: Vec<Vec<Bytes>>) -> Result<(), Trouble> {
    for message in messages {
        socket.send(&message).await?;
    }
    socket.flush().await
}

async fn expect_all(
    socket: &mut impl Socket,
    messages: Vec<Vec<Bytes>>,
    skip: impl Fn(&[Bytes]) -> bool,
) -> Result<(), Trouble> {
    for expected in messages {
        let mut came = socket.recv().await?;
        while skip(&came) {
            came = socket.recv().await?;
        }
        compare(&expected, &came)?;
    }
    Ok(())
}

fn compare(expected: &[Bytes], came: &[Bytes]) -> Result<(), Trouble> {
    if expected == came {
        return Ok(());
    }
    Err(Trouble::Failed(format!("expected {}, and {} came", shape(expected), shape(came))))
}

/// Sizes of the parts, and the octets of short ones.
fn shape(message: &[Bytes]) -> String {
    let part = |part: &Bytes| match part.len() {
        0 => "empty".to_owned(),
        1..=8 => part.iter().map(|octet| format!("{octet:02x}")).collect(),
        len => format!("{len} octets {:02x}{:02x}..", part[0], part[1]),
    };
    format!("[{}]", message.iter().map(part).collect::<Vec<_>>().join(", "))
}

const SYNC: &[u8] = b"sync";

/// In no message of the set.
const STRANGER: &[u8] = b"stranger";

/// Sizes around the limits of inline storage, of the short frame, and of a buffer.
const SIZES: [usize; 7] = [0, 1, 30, 31, 255, 256, 65536];

/// Each size alone, all together, parts that are empty in every place, and more parts than one write is worth.
fn messages() -> Vec<Vec<Bytes>> {
    let mut all: Vec<Vec<Bytes>> = SIZES.iter().map(|&size| vec![body(size)]).collect();
    all.push(SIZES.iter().map(|&size| body(size)).collect());
    all.push(vec![body(0), body(0)]);
    all.push(vec![body(31), body(0), body(1)]);
    all.push(vec![body(65536), body(65536), body(0)]);
    all.push(vec![body(8192); 40]);
    all
}

/// Octets that differ from place to place and from size to size.
fn body(size: usize) -> Bytes {
    (0..size).map(|at| u8::try_from((at * 31 + size) % 251).expect("less than 251")).collect::<Vec<_>>().into()
}

/// A short prefix, one that needs a long command, and the one of the handshake.
fn subscriptions() -> Vec<Vec<u8>> {
    vec![b"apple".to_vec(), vec![b'l'; 300], SYNC.to_vec()]
}

/// Topics that match exactly, by prefix, nearly, and not at all.
fn publications() -> Vec<Vec<Bytes>> {
    let mut all = Vec::new();
    for size in SIZES {
        all.push(vec![Bytes::from_static(b"apple"), body(size)]);
        all.push(vec![Bytes::from_static(b"pear"), body(size)]);
        all.push(vec![Bytes::from_static(b"appl"), body(size)]);
    }
    all.push(vec![Bytes::from_static(b"apple.pie")]);
    all.push(vec![Bytes::new()]);
    all.push(vec![vec![b'l'; 299].into(), body(1)]);
    all.push(vec![vec![b'l'; 300].into(), body(0), body(256)]);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_by_shape() {
        let came = vec![Bytes::from_static(b"ab"), body(31)];
        let why = compare(&[body(0)], &came).unwrap_err();
        assert_eq!(why, Trouble::Failed("expected [empty], and [6162, 31 octets 1f3e..] came".into()));
    }

    #[test]
    fn the_set_has_what_a_subscriber_must_not_see() {
        let matching = |message: &&Vec<Bytes>| subscriptions().iter().any(|prefix| message[0].starts_with(prefix));
        let (all, seen) = (publications(), publications().iter().filter(matching).count());
        assert_eq!((all.len(), seen), (25, 9));
    }
}
