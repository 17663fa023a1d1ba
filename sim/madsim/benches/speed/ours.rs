//! The simulated network, and the library in it.

use std::future::poll_fn;
use std::io::IoSlice;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use zmq_reference::runtime::{Address, BoxFuture, Dialling, Link, Listening, Runtime};
use zmq_reference::{Context, Heartbeat, Linger, Options, Socket, SocketType, TcpOptions};
use zmq_sim_library::Simulator;
use zmq_sim_library::executor::Executor;
use zmq_sim_library::net::{Net, Released};
use zmq_sim_library::process::Process;
use zmq_sim_library::runtime::WorldRuntime;
use zmq_sim_madsim::Madsim;
use zmq_world::{Time, World};

/// A network of so many hosts, whose processes have not begun.
struct Scene {
    net: Arc<Net>,
    processes: Vec<Arc<Process>>,
    left: Arc<AtomicUsize>,
}

fn address(host: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, u8::try_from(host + 1).expect("hosts are few")))
}

impl Scene {
    fn new(executor: &Arc<dyn Executor>, hosts: usize) -> Self {
        let mut world = World::new(1);
        let ids: Vec<_> = (0..hosts).map(|host| world.add_host(&format!("host-{host}"), &[address(host)])).collect();
        let net = Net::new(world);
        let processes = ids.into_iter().map(|id| Process::start(&net, id, executor)).collect();
        Self { net, processes, left: Arc::default() }
    }

    /// Runs a task on which the end of the run waits.
    fn spawn(&self, host: usize, task: impl Future<Output = ()> + Send + 'static) {
        self.left.fetch_add(1, Ordering::Relaxed);
        let left = Arc::clone(&self.left);
        self.processes[host].spawn(Box::pin(async move {
            task.await;
            left.fetch_sub(1, Ordering::Relaxed);
        }));
    }

    /// Until those tasks are done, or until then.
    async fn play(self, executor: Arc<dyn Executor>, until: Time) {
        let mut idle = executor.idle();
        loop {
            poll_fn(|cx| idle.poll_idle(cx)).await;
            if self.left.load(Ordering::Relaxed) == 0 {
                break;
            }
            match self.net.release(until) {
                Released::Wakes | Released::Alarm(_) => {}
                Released::NothingYet => break,
                Released::Nothing => panic!("everybody waits for ever"),
            }
        }
        self.processes.iter().for_each(|process| process.end());
    }
}

/// Round trips of four octets over streams, from each of the others to the first host.
pub(crate) fn streams(hosts: usize, rounds: usize) -> f64 {
    Madsim.run(1, move |executor| {
        Box::pin(async move {
            let scene = Scene::new(&executor, hosts);
            let server = Arc::clone(&scene.processes[0]);
            scene.processes[0].spawn(Box::pin(async move {
                let runtime = WorldRuntime::of(&server);
                let at = Address::Tcp(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 5555));
                let how = Listening { backlog: 128, tcp: &TcpOptions::default(), given: None };
                let listener = runtime.listen(0, &at, how).expect("the address is free");
                loop {
                    let link = poll_fn(|cx| listener.poll_accept(cx, 0)).await.expect("there are descriptors");
                    server.spawn(Box::pin(echo(link)));
                }
            }));
            for host in 1..hosts {
                let process = Arc::clone(&scene.processes[host]);
                scene.spawn(host, async move {
                    let runtime = WorldRuntime::of(&process);
                    let to = Address::Tcp(SocketAddr::new(address(0), 5555));
                    let how = TcpOptions::default();
                    let link = runtime.dial(0, &to, Dialling { source: None, tcp: &how }).await.expect("it listens");
                    let mut octets = [0; 64];
                    for _ in 0..rounds {
                        link.try_writev(&[IoSlice::new(b"ping")]).expect("there is room");
                        poll_fn(|cx| link.poll_read(cx, &mut octets)).await.expect("it is answered");
                    }
                });
            }
            scene.play(executor, Time::NEVER).await;
            ((hosts - 1) * rounds) as f64
        })
    })
}

fn echo(link: Box<dyn Link>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let mut octets = [0; 4096];
        while let Ok(n @ 1..) = poll_fn(|cx| link.poll_read(cx, &mut octets)).await {
            if link.try_writev(&[IoSlice::new(&octets[..n])]).is_err() {
                return;
            }
        }
    })
}

/// Round trips of REQ and REP.
pub(crate) fn requests(transport: &'static str, rounds: usize) -> f64 {
    Madsim.run(1, move |executor| {
        Box::pin(async move {
            let scene = Scene::new(&executor, 2);
            let (client, bind, connect) = match transport {
                "tcp" => (1, "tcp://*:5555", "tcp://10.0.0.1:5555"),
                "ipc" => (0, "ipc:///tmp/meeting", "ipc:///tmp/meeting"),
                _ => (0, "inproc://meeting", "inproc://meeting"),
            };
            let here = Context::on(Arc::new(WorldRuntime::of(&scene.processes[0])));
            let there = match client {
                0 => here.clone(),
                client => Context::on(Arc::new(WorldRuntime::of(&scene.processes[client]))),
            };
            scene.processes[0].spawn(Box::pin(async move {
                let server = here.socket(SocketType::Rep).expect("it can be made");
                server.bind(bind).await.expect("the address is free");
                while let Ok(message) = server.recv().await {
                    server.send(message).await.expect("it is asked");
                }
            }));
            scene.spawn(client, async move {
                let client = there.socket(SocketType::Req).expect("it can be made");
                client.connect(connect).expect("it is an endpoint");
                for _ in 0..rounds {
                    client.send("hello").await.expect("there is a peer");
                    client.recv().await.expect("it is answered");
                }
            });
            scene.play(executor, Time::NEVER).await;
            rounds as f64
        })
    })
}

/// Who is connected to whom.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Star,
    Mesh,
}

/// Five nodes with nothing to do but heartbeats: simulated seconds.
pub(crate) fn heartbeats(shape: Shape) -> f64 {
    const SPAN: Duration = Duration::from_secs(3600);
    Madsim.run(1, move |executor| {
        Box::pin(async move {
            let scene = Scene::new(&executor, 5);
            let mut nodes: Vec<Socket> = Vec::new();
            for (host, process) in scene.processes.iter().enumerate() {
                let heartbeat = Heartbeat { interval: Some(Duration::from_secs(1)), ..Heartbeat::default() };
                let options = Options { heartbeat, linger: Linger::Discard, ..Options::default() };
                let context = Context::on(Arc::new(WorldRuntime::of(process)));
                let socket = context.socket_with(SocketType::Dealer, options).expect("it can be made");
                socket.bind("tcp://*:5555").await.expect("the address is free");
                let others = match shape {
                    Shape::Star => 0..host.min(1),
                    Shape::Mesh => 0..host,
                };
                for other in others {
                    socket.connect(&format!("tcp://{}:5555", address(other))).expect("it is an endpoint");
                }
                nodes.push(socket);
            }
            scene.left.fetch_add(1, Ordering::Relaxed);
            scene.play(executor, Time::START + SPAN).await;
            SPAN.as_secs_f64()
        })
    })
}
