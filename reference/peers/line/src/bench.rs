//! The measuring loops.

use std::time::Instant;

use bytes::Bytes;

use crate::command::{Command, PayloadKind, Role, Side};
use crate::library::{Kind, Library, Socket, Trouble};
use crate::steer::{Steer, say};

pub(crate) fn run<L: Library>(command: &Command, steer: &Steer) -> Result<(), Trouble> {
    let context = L::context(&command.settings)?;
    match command.role {
        Role::Push => L::block_on(&context, async {
            let mut socket = open::<L>(&context, Kind::Push, command).await?;
            push(&mut socket, command).await?;
            steer.stay::<L>().await
        }),
        Role::Pull => L::block_on(&context, async {
            let mut socket = open::<L>(&context, Kind::Pull, command).await?;
            pull(&mut socket, command).await
        }),
        Role::Req => L::block_on(&context, async {
            let mut socket = open::<L>(&context, Kind::Req, command).await?;
            req(&mut socket, command).await
        }),
        Role::Rep => L::block_on(&context, async {
            let mut socket = open::<L>(&context, Kind::Rep, command).await?;
            rep(&mut socket, command).await?;
            steer.stay::<L>().await
        }),
        Role::Throughput => {
            let sender = context.clone();
            beside::<L>(
                &context,
                command,
                Kind::Pull,
                async |mut socket| pull(&mut socket, command).await,
                move |command| {
                    L::block_on(&sender, async {
                        let mut socket = L::connect(&sender, Kind::Push, &command.endpoint).await?;
                        push(&mut socket, command).await
                    })
                },
            )
        }
        Role::Latency => {
            let asking = context.clone();
            beside::<L>(
                &context,
                command,
                Kind::Rep,
                async |mut socket| rep(&mut socket, command).await,
                move |command| {
                    L::block_on(&asking, async {
                        let mut socket = L::connect(&asking, Kind::Req, &command.endpoint).await?;
                        req(&mut socket, command).await
                    })
                },
            )
        }
        Role::Publish | Role::Subscribe | Role::Accept | Role::Dial | Role::Interop(_) => {
            unreachable!("these roles have modules of their own")
        }
    }
}

/// Binds here, and runs the other end in a thread of its own, as two threads of one application would.
fn beside<L: Library>(
    context: &L::Context,
    command: &Command,
    kind: Kind,
    here: impl AsyncFnOnce(L::Socket) -> Result<(), Trouble>,
    there: impl FnOnce(&Command) -> Result<(), Trouble> + Send,
) -> Result<(), Trouble> {
    if !command.endpoint.starts_with("inproc://") {
        return Err(Trouble::Failed(format!("expected an inproc endpoint, not {}", command.endpoint)));
    }
    std::thread::scope(|scope| {
        let (bound, other) = std::sync::mpsc::channel();
        let there = scope.spawn(move || {
            // An end without a word means that binding failed, which the other thread reports.
            if other.recv().is_ok() { there(command) } else { Ok(()) }
        });
        let here = L::block_on(context, async {
            let mut listening = |_: &str| {
                // The other thread waits for it or has failed, which it reports itself.
                let _ = bound.send(());
            };
            let socket = L::bind(context, kind, &command.endpoint, &mut listening).await;
            drop(bound);
            here(socket?).await
        });
        let there = there.join().unwrap_or_else(|_| Err(Trouble::Failed("the other thread panicked".into())));
        here.and(there)
    })
}

pub(crate) async fn open<L: Library>(
    context: &L::Context,
    kind: Kind,
    command: &Command,
) -> Result<L::Socket, Trouble> {
    match command.side {
        Side::Bind => {
            let mut listening = |endpoint: &str| say(&format!("ready {endpoint}"));
            L::bind(context, kind, &command.endpoint, &mut listening).await
        }
        Side::Connect => {
            let socket = L::connect(context, kind, &command.endpoint).await?;
            say(&format!("ready {}", command.endpoint));
            Ok(socket)
        }
    }
}

/// Messages or round trips before the clock starts.
pub(crate) fn warm_up(count: usize) -> usize {
    count / 10 + 1
}

async fn push(socket: &mut impl Socket, command: &Command) -> Result<(), Trouble> {
    let payload = Bytes::from(vec![b'.'; command.size]);
    for _ in 0..warm_up(command.count) + command.count {
        match command.payload {
            PayloadKind::Copied => socket.send_copied(&payload).await?,
            PayloadKind::Shared => socket.send_shared(&payload).await?,
        }
    }
    socket.flush().await
}

async fn pull(socket: &mut impl Socket, command: &Command) -> Result<(), Trouble> {
    for _ in 0..warm_up(command.count) {
        expect(socket.recv_dropped().await?, command.size)?;
    }
    let start = Instant::now();
    for _ in 0..command.count {
        expect(socket.recv_dropped().await?, command.size)?;
    }
    say(&format!("rate {:.1}", per(command.count, start.elapsed().as_secs_f64())));
    Ok(())
}

async fn req(socket: &mut impl Socket, command: &Command) -> Result<(), Trouble> {
    let payload = vec![b'.'; command.size];
    for _ in 0..warm_up(command.count) {
        socket.send_copied(&payload).await?;
        expect(socket.recv_dropped().await?, command.size)?;
    }
    let start = Instant::now();
    for _ in 0..command.count {
        socket.send_copied(&payload).await?;
        expect(socket.recv_dropped().await?, command.size)?;
    }
    let each_way = start.elapsed().as_secs_f64() * 1e6 / 2.0;
    say(&format!("latency {:.4}", each_way / per(command.count, 1.0)));
    Ok(())
}

async fn rep(socket: &mut impl Socket, command: &Command) -> Result<(), Trouble> {
    for _ in 0..warm_up(command.count) + command.count {
        socket.echo().await?;
    }
    socket.flush().await
}

pub(crate) fn expect(came: usize, size: usize) -> Result<(), Trouble> {
    if came == size { Ok(()) } else { Err(Trouble::Failed(format!("expected {size} octets, and {came} came"))) }
}

#[expect(clippy::cast_precision_loss, reason = "a count of messages that fits into a second")]
pub(crate) fn per(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds
}
