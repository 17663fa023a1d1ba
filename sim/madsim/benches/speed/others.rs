//! Others, doing the same: madsim with its own network, and turmoil.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// As [`crate::ours::streams`], over madsim's own network.
pub(crate) fn madsim(hosts: usize, rounds: usize) -> f64 {
    use madsim::net::{TcpListener, TcpStream};
    use madsim::runtime::Runtime;

    let run = move || {
        let runtime = Runtime::with_seed_and_config(1, madsim::Config::default());
        let server = runtime.create_node().ip("10.0.0.1".parse().expect("an address")).build();
        server.spawn(async {
            let listener = TcpListener::bind("10.0.0.1:5555").await.expect("the address is free");
            loop {
                let (mut stream, _) = listener.accept().await.expect("somebody comes");
                madsim::task::spawn(async move {
                    let mut octets = [0; 4096];
                    while let Ok(n @ 1..) = stream.read(&mut octets).await {
                        if stream.write_all(&octets[..n]).await.is_err() || stream.flush().await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        let clients: Vec<_> = (1..hosts)
            .map(|host| {
                let ip = format!("10.0.0.{}", host + 1).parse().expect("an address");
                runtime.create_node().ip(ip).build().spawn(async move {
                    madsim::time::sleep(std::time::Duration::from_secs(1)).await;
                    let mut stream = TcpStream::connect("10.0.0.1:5555").await.expect("it listens");
                    let mut octets = [0; 4];
                    for _ in 0..rounds {
                        stream.write_all(b"ping").await.expect("there is room");
                        stream.flush().await.expect("there is room");
                        stream.read_exact(&mut octets).await.expect("it is answered");
                    }
                })
            })
            .collect();
        runtime.block_on(async move {
            for client in clients {
                client.await.expect("it ends");
            }
        });
    };
    std::thread::spawn(run).join().expect("it ends");
    ((hosts - 1) * rounds) as f64
}

/// As [`crate::ours::streams`], in turmoil.
pub(crate) fn turmoil(hosts: usize, rounds: usize) -> f64 {
    use turmoil::net::{TcpListener, TcpStream};

    let day = std::time::Duration::from_secs(86_400);
    let mut sim = turmoil::Builder::new().simulation_duration(day).rng_seed(1).build();
    sim.host("server", || async {
        let listener = TcpListener::bind("0.0.0.0:5555").await?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                let mut octets = [0; 4096];
                while let Ok(n @ 1..) = stream.read(&mut octets).await {
                    if stream.write_all(&octets[..n]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    for host in 1..hosts {
        sim.client(format!("client-{host}"), async move {
            let mut stream = TcpStream::connect("server:5555").await?;
            let mut octets = [0; 4];
            for _ in 0..rounds {
                stream.write_all(b"ping").await?;
                stream.read_exact(&mut octets).await?;
            }
            Ok(())
        });
    }
    sim.run().expect("all clients end");
    ((hosts - 1) * rounds) as f64
}
