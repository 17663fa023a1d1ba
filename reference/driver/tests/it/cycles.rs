//! Connections of every kind that come, shake hands, fail and go, ten thousand of each: nothing of them stays.

use std::io::Read;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use zmq_reference::{
    Context, Endpoint, Linger, Login, Message, Options, Plain, Reconnect, Security, Socket, SocketType,
};

use crate::alone::{alone, descriptors, eventually, figure, levels_off};
use crate::machine::{self, Machine};
use crate::raw::{MORE, Raw, command, frame, greeting, greeting_of, ready};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mechanism {
    Null,
    /// Each client is shown to a handler of ZAP.
    Plain,
    Curve,
}

const WARM_UP: usize = 1_000;
const CYCLES: usize = 10_000;
/// Octets that memory may grow by in the least of some rounds of all those cycles: thirty-two for each.
const GROWTH: u64 = 32 * CYCLES as u64;

impl Mechanism {
    fn server(self) -> Options {
        match self {
            Self::Null => Options::default(),
            Self::Plain => Options { security: Security::Plain(Plain::Server), ..Options::default() },
            Self::Curve => machine::server(),
        }
    }

    fn client(self) -> Options {
        let login = Login::new("admin", "secret").unwrap();
        match self {
            Self::Null => Options::default(),
            Self::Plain => Options { security: Security::Plain(Plain::Client(login)), ..Options::default() },
            Self::Curve => machine::client(),
        }
    }

    fn greeting(self) -> Vec<u8> {
        match self {
            Self::Null => greeting(),
            Self::Plain => greeting_of("PLAIN"),
            Self::Curve => greeting_of("CURVE"),
        }
    }

    /// A handshake that is refused.
    fn refused(self) -> Vec<u8> {
        let rest = match self {
            Self::Null => ready("PUB"),
            Self::Plain => command("HELLO", b"\x05admin\x05wrong"),
            Self::Curve => command("HELLO", &[7; 194]),
        };
        [self.greeting(), rest].concat()
    }

    /// A raw peer that comes, does something, and goes.
    fn come_and_go(self, endpoint: &Endpoint, n: usize) {
        let raw = match n % 6 {
            step @ 0..3 => {
                let mut raw = Raw::connect(endpoint);
                raw.write(&self.greeting()[..[0, 11, 64][step]]);
                raw
            }
            step @ 3..5 => {
                let mut raw = Machine::connect(endpoint, SocketType::Dealer, self.client()).ready().raw;
                if step == 4 && self != Self::Curve {
                    raw.write(&frame(MORE, b"half of a message"));
                }
                raw
            }
            _ => {
                let mut raw = Raw::connect(endpoint);
                raw.write(&self.refused());
                let _ = raw.stream.read_to_end(&mut Vec::new());
                raw
            }
        };
        if (n / 6).is_multiple_of(2) {
            raw.reset();
        }
    }

    /// A socket of ours that does so: every fourth is refused.
    fn connect_and_close(self, context: &Context, endpoint: &str, n: usize) {
        let reconnect = Reconnect { interval: Some(Duration::from_millis(1)), ..Reconnect::default() };
        let refused = if n % 4 == 3 { Security::Plain(Plain::Server) } else { self.client().security };
        let options = Options { reconnect, security: refused, ..self.client() };
        let socket = context.socket_with(SocketType::Dealer, options).unwrap();
        socket.connect(endpoint).unwrap();
        socket.try_send("hello").unwrap();
        if n % 4 == 2 {
            socket.disconnect(endpoint).unwrap();
        }
        socket.close(Some(Linger::Discard));
    }
}

/// A handler of ZAP that knows one password.
async fn handler(rep: Socket) {
    while let Ok(request) = rep.recv().await {
        let part = |n| request.iter().nth(n).cloned().unwrap_or_default();
        let status = if part(5) == *"PLAIN" && part(7) != *"secret" { "400" } else { "200" };
        let reply = ["1.0".into(), part(1), status.into(), "".into(), "joe".into(), "".into()];
        let _ = rep.send(Message::from_frames(reply).unwrap()).await;
    }
}

/// What there is of a process and of its runtime.
struct Stock<'a> {
    runtime: &'a Handle,
    descriptors: usize,
    tasks: usize,
}

impl<'a> Stock<'a> {
    fn take(runtime: &'a Handle) -> Self {
        Self { runtime, descriptors: descriptors(), tasks: runtime.metrics().num_alive_tasks() }
    }

    fn is_as_before(&self, what: &str) {
        let same = || descriptors() == self.descriptors && self.runtime.metrics().num_alive_tasks() == self.tasks;
        let now = || (descriptors(), self.runtime.metrics().num_alive_tasks());
        assert!(eventually(same), "{what}: {:?} descriptors and tasks of {:?}", now(), (self.descriptors, self.tasks));
    }
}

/// Does something again and again; fails if anything of it stays.
fn leaves_nothing(what: &str, stock: &Stock<'_>, mut cycle: impl FnMut(usize)) {
    let start = Instant::now();
    let mut cycle = |n| {
        cycle(n);
        // Tasks may end later than the next begin, but not ever later.
        if n % 100 == 99 {
            stock.is_as_before(what);
            // Over inproc there are none: the bound socket is given time to see who is gone.
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    (0..WARM_UP).for_each(&mut cycle);
    stock.is_as_before(what);
    levels_off(&format!("{what}, {CYCLES} cycles"), GROWTH, || {
        (WARM_UP..WARM_UP + CYCLES).for_each(&mut cycle);
        stock.is_as_before(what);
    });
    figure(format!("{what}: {:?}", start.elapsed()));
}

#[test]
#[ignore = "takes half a minute; .ci/run runs it"]
fn ten_thousand_cycles_of_every_kind_leave_nothing_behind() {
    alone(|| {
        let driven = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let runtime = driven.handle().clone();
        std::thread::spawn(move || driven.block_on(std::future::pending::<()>()));
        let nothing = Stock::take(&runtime);
        let context = runtime.block_on(async { Context::local() }).unwrap();
        let rep = context.socket(SocketType::Rep).unwrap();
        runtime.block_on(rep.bind("inproc://zeromq.zap.01")).unwrap();
        runtime.spawn(handler(rep));
        let quiet = Stock::take(&runtime);
        for mechanism in [Mechanism::Null, Mechanism::Plain, Mechanism::Curve] {
            for transport in ["tcp://127.0.0.1:*", "ipc://@*", "inproc://cycles"] {
                let bound = match transport {
                    "ipc://@*" => format!("ipc://@zmq-cycles-{}-{mechanism:?}", std::process::id()),
                    other => other.to_owned(),
                };
                let options = Options { backlog: 4096, ..mechanism.server() };
                let router = context.socket_with(SocketType::Router, options).unwrap();
                let endpoint = runtime.block_on(router.bind(&bound)).unwrap();
                let drained = router.clone();
                runtime.spawn(async move { while drained.recv().await.is_ok() {} });
                let stock = Stock::take(&runtime);
                if !matches!(endpoint, Endpoint::Inproc(_)) {
                    let what = format!("{mechanism:?} at {transport}, raw");
                    leaves_nothing(&what, &stock, |n| mechanism.come_and_go(&endpoint, n));
                }
                if mechanism == Mechanism::Null || !matches!(endpoint, Endpoint::Inproc(_)) {
                    let what = format!("{mechanism:?} at {transport}, sockets");
                    let endpoint = endpoint.to_string();
                    leaves_nothing(&what, &stock, |n| mechanism.connect_and_close(&context, &endpoint, n));
                }
                router.close(Some(Linger::Discard));
                drop(router);
                quiet.is_as_before("between two kinds");
            }
        }
        let term = async { tokio::time::timeout(Duration::from_secs(10), context.term()).await };
        runtime.block_on(term).expect("term ends");
        drop(context);
        nothing.is_as_before("at the end");
    });
}
