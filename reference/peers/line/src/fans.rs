//! The measuring loops of one socket with many peers: publishing, and taking connections.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::bench::{expect, open, per, warm_up};
use crate::command::{Command, PayloadKind, Role};
use crate::library::{Kind, Library, Socket, Trouble};
use crate::steer::{Steer, say};

/// Connections that are taken before anything is measured: the library has its tables and buffers by then.
const WARM_UP: usize = 50;
/// How long a connection may put its things in order before it counts as idle.
const SETTLED: Duration = Duration::from_millis(500);

pub(crate) fn run<L: Library>(command: &Command, steer: &Steer) -> Result<(), Trouble> {
    let context = L::context(&command.settings)?;
    L::block_on(&context, async {
        match command.role {
            Role::Publish => {
                let mut socket = open::<L>(&context, Kind::XPub, command).await?;
                publish::<L>(&mut socket, command, steer).await?;
            }
            Role::Subscribe => subscribe::<L>(&context, command).await?,
            Role::Accept => {
                let mut socket = open::<L>(&context, Kind::Pull, command).await?;
                accept::<L>(&mut socket, command).await?;
            }
            Role::Dial => {
                let _kept = dial::<L>(&context, command).await?;
                steer.stay::<L>().await;
            }
            Role::Push | Role::Pull | Role::Req | Role::Rep | Role::Throughput | Role::Latency | Role::Interop(_) => {
                unreachable!("these roles have modules of their own")
            }
        }
        steer.stay::<L>().await
    })
}

/// Topic number `at` of `topics`: eight octets that have much in common, as topics do; the empty one if it is the only one.
fn topic(at: usize, topics: usize) -> Vec<u8> {
    if topics == 1 { Vec::new() } else { format!("{at:08}").into_bytes() }
}

/// What is published before the measurement, on the last topic. No message of a measurement is as short.
fn sync(command: &Command) -> Vec<u8> {
    let topic = topic(command.topics - 1, command.topics);
    if topic.is_empty() { b".".to_vec() } else { topic }
}

/// Draws numbers that no cache can foresee, the same in each run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        // The constants of Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % n
    }
}

async fn publish<L: Library>(socket: &mut L::Socket, command: &Command, steer: &Steer) -> Result<(), Trouble> {
    // The last topic: with many of them they come one after the other.
    while socket.subscribed().await? != topic(command.topics - 1, command.topics) {}
    // Until somebody says that all subscribers have had one of these.
    while !steer.told_to_go() {
        socket.send_copied(&sync(command)).await?;
        socket.flush().await?;
        L::pause(Duration::from_millis(5)).await;
    }
    let mut draw = Draw(1);
    let mut payloads: Vec<Bytes> = (0..command.topics.min(command.count))
        .map(|_| {
            let mut payload = topic(draw.below(command.topics), command.topics);
            payload.resize(command.size.max(sync(command).len() + 1), b'.');
            payload.into()
        })
        .collect();
    if payloads.is_empty() {
        payloads.push(vec![b'.'; command.size.max(2)].into());
    }
    let mut start = Instant::now();
    let warm = warm_up(command.count);
    for (at, payload) in payloads.iter().cycle().take(warm + command.count).enumerate() {
        if at == warm {
            start = Instant::now();
        }
        match command.payload {
            PayloadKind::Copied => socket.send_copied(payload).await?,
            PayloadKind::Shared => socket.send_shared(payload).await?,
        }
    }
    say(&format!("rate {:.1}", per(command.count, start.elapsed().as_secs_f64())));
    socket.flush().await
}

/// Messages that a subscriber has taken, over all subscribers, each second.
async fn subscribe<L: Library>(context: &L::Context, command: &Command) -> Result<(), Trouble> {
    let mut sockets = Vec::new();
    let sync = sync(command).len();
    for _ in 0..command.fans {
        let mut socket = L::connect(context, Kind::Sub, &command.endpoint).await?;
        for at in 0..command.topics {
            socket.subscribe(&topic(at, command.topics)).await?;
        }
        sockets.push(socket);
    }
    for socket in &mut sockets {
        expect(socket.recv_dropped().await?, sync)?;
    }
    say("synced");
    let size = command.size.max(sync + 1);
    for socket in &mut sockets {
        // Those that were on their way, and the first of the warm-up.
        while socket.recv_dropped().await? == sync {}
    }
    for _ in 1..warm_up(command.count) {
        for socket in &mut sockets {
            expect(socket.recv_dropped().await?, size)?;
        }
    }
    let start = Instant::now();
    for _ in 0..command.count {
        for socket in &mut sockets {
            expect(socket.recv_dropped().await?, size)?;
        }
    }
    say(&format!("rate {:.1}", per(command.count * sockets.len(), start.elapsed().as_secs_f64())));
    Ok(())
}

/// Says the rate at which connections come, and what each one that is idle takes of this process's memory.
async fn accept<L: Library>(socket: &mut L::Socket, command: &Command) -> Result<(), Trouble> {
    for _ in 0..WARM_UP {
        expect(socket.recv_dropped().await?, command.size)?;
    }
    let before = resident()?;
    let start = Instant::now();
    for _ in 0..command.count {
        expect(socket.recv_dropped().await?, command.size)?;
    }
    let elapsed = start.elapsed();
    L::pause(SETTLED).await;
    let after = resident()?;
    say(&format!("memory {:.1}", per(after.saturating_sub(before), per(command.count, 1.0))));
    say(&format!("rate {:.1}", per(command.count, elapsed.as_secs_f64())));
    Ok(())
}

async fn dial<L: Library>(context: &L::Context, command: &Command) -> Result<Vec<L::Socket>, Trouble> {
    let payload = vec![b'.'; command.size];
    let mut sockets = Vec::new();
    for _ in 0..WARM_UP + command.count {
        let mut socket = L::connect(context, Kind::Push, &command.endpoint).await?;
        socket.send_copied(&payload).await?;
        socket.flush().await?;
        sockets.push(socket);
    }
    Ok(sockets)
}

/// Octets of this process that are in memory and its own, or backed by no file.
fn resident() -> Result<usize, Trouble> {
    let status =
        std::fs::read_to_string("/proc/self/status").map_err(|error| Trouble::unsupported(error.to_string()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    Ok(kibibytes.ok_or_else(|| Trouble::unsupported("this system does not say what is resident"))? << 10)
}
