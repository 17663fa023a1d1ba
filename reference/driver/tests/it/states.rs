//! Every sin in every state of a connection, over every transport: nothing panics, memory follows what has arrived, a good
//! client beside is served, and whoever is well-behaved comes in afterwards.

use std::io::Read;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::thread;
use std::time::Duration;

use zmq_reference::blocking::Socket;
use zmq_reference::{Endpoint, Login, Message, Options, Plain, Reconnect, Security, SocketType, ZapDomain};

use crate::alone::{Budget, alone, descriptors, eventually};
use crate::good::{Good, socket};
use crate::machine::{self, Machine};
use crate::raw::{COMMAND, MORE, Raw, Seeded, Wrote, command, greeting, greeting_of, header, ready};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Tcp,
    Ipc,
}

/// Where a connection is when its peer sins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Nothing,
    HalfGreeting,
    NullServer,
    NullClient,
    PlainHello,
    PlainInitiate,
    PlainWelcome,
    PlainReady,
    CurveHello,
    CurveInitiate,
    CurveWelcome,
    CurveReady,
    ZapAsked,
    Traffic31,
    Traffic30,
    Traffic20,
    Traffic10,
    Publisher,
    Boxes,
    Stream,
}

const STATES: [State; 20] = [
    State::Nothing,
    State::HalfGreeting,
    State::NullServer,
    State::NullClient,
    State::PlainHello,
    State::PlainInitiate,
    State::PlainWelcome,
    State::PlainReady,
    State::CurveHello,
    State::CurveInitiate,
    State::CurveWelcome,
    State::CurveReady,
    State::ZapAsked,
    State::Traffic31,
    State::Traffic30,
    State::Traffic20,
    State::Traffic10,
    State::Publisher,
    State::Boxes,
    State::Stream,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sin {
    Silence,
    Noise,
    Claims,
    EndlessCommand,
    OctetByOctet,
    ManyParts,
    PingsUnread,
    PingsRead,
    Subscriptions,
}

const SINS: [Sin; 9] = [
    Sin::Silence,
    Sin::Noise,
    Sin::Claims,
    Sin::EndlessCommand,
    Sin::OctetByOctet,
    Sin::ManyParts,
    Sin::PingsUnread,
    Sin::PingsRead,
    Sin::Subscriptions,
];

/// Peers that commit each sin.
const SINNERS: usize = 2;
/// Peers that come as far as the state, and leave.
const VISITORS: usize = 24;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_millis(500);
const ZAP: &str = "inproc://zeromq.zap.01";
/// The domain for which the handler says nothing.
const SILENT: &str = "silent";

/// Whether our socket connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Binds,
    Connects,
}

impl State {
    fn side(self) -> Side {
        match self {
            Self::NullClient | Self::PlainWelcome | Self::PlainReady | Self::CurveWelcome | Self::CurveReady => {
                Side::Connects
            }
            _ => Side::Binds,
        }
    }

    /// Whether who says nothing is let go.
    fn has_its_time(self) -> bool {
        let traffic = [
            Self::Traffic31,
            Self::Traffic30,
            Self::Traffic20,
            Self::Traffic10,
            Self::Publisher,
            Self::Boxes,
            Self::Stream,
        ];
        !traffic.contains(&self)
    }

    /// The socket that is sinned against.
    fn ours(self) -> (SocketType, Options) {
        let login = Login::new("admin", "secret").unwrap();
        let security = match self {
            Self::PlainHello | Self::PlainInitiate => Security::Plain(Plain::Server),
            Self::PlainWelcome | Self::PlainReady => Security::Plain(Plain::Client(login)),
            Self::CurveHello | Self::CurveInitiate | Self::Boxes => machine::server().security,
            Self::CurveWelcome | Self::CurveReady => machine::client().security,
            _ => Security::Null,
        };
        let socket_type = match self {
            Self::Publisher => SocketType::XPub,
            Self::Stream => SocketType::Stream,
            _ if self.side() == Side::Connects => SocketType::Dealer,
            _ => SocketType::Router,
        };
        let options = Options {
            security,
            zap_domain: (self == Self::ZapAsked).then(|| ZapDomain::new(SILENT).unwrap()),
            handshake_timeout: Some(HANDSHAKE),
            max_subscription_octets: std::num::NonZeroUsize::new(1 << 20),
            reconnect: Reconnect { interval: None, ..Reconnect::default() },
            ..Options::default()
        };
        (socket_type, options)
    }

    /// What a well-behaved client of it has.
    fn theirs(self) -> Options {
        let login = Login::new("admin", "secret").unwrap();
        match self.ours().1.security {
            Security::Null => Options::default(),
            Security::Plain(_) => Options { security: Security::Plain(Plain::Client(login)), ..Options::default() },
            Security::Curve(_) => machine::client(),
        }
    }

    /// The octets that lead there, as far as they are the same each time.
    fn octets(self) -> Vec<u8> {
        let old = |minor| {
            let mut octets = greeting();
            octets[11] = minor;
            octets
        };
        match self {
            Self::Nothing | Self::Stream => Vec::new(),
            Self::HalfGreeting => greeting()[..11].to_vec(),
            Self::NullServer | Self::NullClient | Self::ZapAsked => greeting(),
            Self::PlainHello | Self::PlainWelcome => greeting_of("PLAIN"),
            Self::PlainInitiate => [greeting_of("PLAIN"), command("HELLO", b"\x05admin\x06secret")].concat(),
            Self::PlainReady => [greeting_of("PLAIN"), command("WELCOME", b"")].concat(),
            Self::CurveHello | Self::CurveInitiate | Self::CurveWelcome | Self::CurveReady | Self::Boxes => {
                greeting_of("CURVE")
            }
            Self::Traffic31 => [greeting(), ready("DEALER")].concat(),
            Self::Traffic30 => [old(0), ready("DEALER")].concat(),
            Self::Traffic20 => [&greeting()[..10], &[1, 5, 0, 0]].concat(),
            Self::Traffic10 => vec![1, 0],
            Self::Publisher => [greeting(), ready("SUB")].concat(),
        }
    }

    /// Brings a peer there.
    fn reach(self, raw: Raw) -> Sinner {
        let dealer = SocketType::Dealer;
        match self {
            Self::CurveInitiate => {
                let mut machine = Machine::on(raw, dealer, machine::client());
                machine.before("INITIATE");
                Sinner::Machine(Box::new(machine))
            }
            Self::CurveReady => {
                let mut machine = Machine::on(raw, SocketType::Router, machine::server());
                machine.before("READY");
                Sinner::Machine(Box::new(machine))
            }
            Self::Boxes => Sinner::Machine(Box::new(Machine::on(raw, dealer, machine::client()).ready())),
            _ => {
                let mut raw = raw;
                assert_eq!(raw.write(&self.octets()), Wrote::All);
                Sinner::Raw(raw)
            }
        }
    }
}

/// A peer that has come as far as its state.
enum Sinner {
    Raw(Raw),
    Machine(Box<Machine>),
}

impl Sinner {
    fn raw(&mut self) -> &mut Raw {
        match self {
            Self::Raw(raw) => raw,
            Self::Machine(machine) => &mut machine.raw,
        }
    }

    /// In boxes where the state has them, or else in the clear.
    fn octets(
        &mut self,
        state: State,
        boxed: impl Fn(&mut Machine) -> Vec<u8>,
        clear: impl Fn() -> Vec<u8>,
    ) -> Vec<u8> {
        match self {
            Self::Machine(machine) if state == State::Boxes => boxed(machine),
            Self::Machine(_) | Self::Raw(_) => clear(),
        }
    }

    /// What it gets to write of it, and reads of the answers.
    fn commit(&mut self, sin: Sin, state: State, random: &mut Seeded) {
        let octets = match sin {
            Sin::Silence => Vec::new(),
            Sin::Noise => random.octets(32 << 10),
            Sin::Claims => [header([0, MORE, COMMAND][random.below(3)], 8 << 30), vec![b'x'; 100 << 10]].concat(),
            Sin::EndlessCommand => [header(COMMAND, 1 << 62), vec![b'x'; 400 << 10]].concat(),
            Sin::OctetByOctet => {
                for octet in random.octets(8) {
                    self.raw().write(&[octet]);
                    thread::sleep(Duration::from_millis(1));
                }
                Vec::new()
            }
            Sin::ManyParts => self
                .octets(state, |m| m.parts(5_000), || [[MORE, 0].repeat(4_999), vec![0, 0]].concat())
                .repeat(if state == State::Boxes { 1 } else { 8 }),
            Sin::PingsUnread => {
                self.octets(state, |m| m.pings(5_000), || command("PING", b"\0\0context").repeat(40_000))
            }
            Sin::PingsRead => self.octets(state, |m| m.pings(500), || command("PING", b"\0\0context").repeat(500)),
            Sin::Subscriptions => self.octets(
                state,
                |m| m.subscriptions(2_000),
                || (0..10_000).flat_map(|n| command("SUBSCRIBE", format!("topic number {n}").as_bytes())).collect(),
            ),
        };
        self.raw().write(&octets);
        if sin == Sin::PingsRead {
            let mut answers = vec![0; 64 << 10];
            self.raw().stream.set_read_timeout(Duration::from_millis(20));
            while self.raw().stream.read(&mut answers).is_ok_and(|n| n > 0) {}
        }
    }
}

/// Where raw peers come from.
enum Door {
    /// Our socket is there.
    Ours(Endpoint),
    Tcp(TcpListener),
    Ipc(UnixListener, String),
}

struct Scene<'a> {
    state: State,
    socket: &'a Socket,
    door: Door,
}

impl<'a> Scene<'a> {
    fn new(state: State, transport: Transport, socket: &'a Socket) -> Self {
        let door = match (state.side(), transport) {
            (Side::Binds, Transport::Tcp) => Door::Ours(socket.bind("tcp://127.0.0.1:*").unwrap()),
            (Side::Binds, Transport::Ipc) => {
                Door::Ours(socket.bind(&format!("ipc://@zmq-states-{}-{state:?}", std::process::id())).unwrap())
            }
            (Side::Connects, Transport::Tcp) => Door::Tcp(TcpListener::bind("127.0.0.1:0").unwrap()),
            (Side::Connects, Transport::Ipc) => {
                let name = format!("zmq-states-{}-{state:?}", std::process::id());
                let address = SocketAddr::from_abstract_name(&name).unwrap();
                Door::Ipc(UnixListener::bind_addr(&address).unwrap(), format!("ipc://@{name}"))
            }
        };
        Self { state, socket, door }
    }

    /// A link of which nothing was said.
    fn raw(&self) -> Raw {
        match &self.door {
            Door::Ours(endpoint) => Raw::connect(endpoint),
            Door::Tcp(listener) => {
                self.socket.connect(&format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
                Raw::on(listener.accept().unwrap().0)
            }
            Door::Ipc(listener, endpoint) => {
                self.socket.connect(endpoint).unwrap();
                Raw::on(listener.accept().unwrap().0)
            }
        }
    }

    /// Each of the state's octets is the last one of some connection.
    fn torn(&self, good: &Good) {
        let octets = self.state.octets();
        for n in 0..=octets.len() {
            if n % 16 == 0 {
                // Who does not fit into the backlog would be told so a second later.
                good.trip();
            }
            let mut raw = self.raw();
            raw.write(&octets[..n]);
            raw.reset();
        }
    }

    fn visited(&self) {
        for n in 0..VISITORS {
            let mut visitor = self.state.reach(self.raw());
            if n % 2 == 0 {
                visitor.raw().finish();
            } else if let Sinner::Raw(raw) = visitor {
                raw.reset();
            }
        }
    }

    /// Somebody well-behaved comes in.
    fn is_open(&self) {
        let Door::Ours(endpoint) = &self.door else { return };
        if matches!(self.state, State::ZapAsked | State::Stream) {
            return;
        }
        let context = zmq_reference::blocking::Context::new().unwrap();
        if self.state == State::Publisher {
            let sub = socket(&context, SocketType::Sub, Options::default());
            sub.subscribe("good").unwrap();
            sub.connect(&endpoint.to_string()).unwrap();
            sub.set_recv_timeout(Some(Duration::from_millis(5)));
            assert!(eventually(|| {
                self.socket.send("good").unwrap();
                sub.recv().is_ok()
            }));
        } else {
            let client = socket(&context, SocketType::Dealer, self.state.theirs());
            client.connect(&endpoint.to_string()).unwrap();
            client.send("good").unwrap();
            assert_eq!(client.recv().unwrap(), Message::from("good"));
        }
    }
}

/// A handler of ZAP that lets everybody in, or is asked for a domain for which it says nothing.
fn handler(good: &Good) {
    let router = good.context.socket(SocketType::Router).unwrap();
    router.bind(ZAP).unwrap();
    thread::spawn(move || {
        while let Ok(request) = router.recv() {
            let parts: Vec<_> = request.iter().cloned().collect();
            if parts[4] == SILENT {
                continue;
            }
            let reply = [parts[0].clone(), parts[1].clone(), "1.0".into(), parts[3].clone(), "200".into()];
            let rest = ["".into(), "joe".into(), "".into()];
            let _ = router.send(Message::from_frames(reply.into_iter().chain(rest)).unwrap());
        }
    });
}

/// Takes what comes, and sends back what is good.
fn drain(socket: Socket) {
    thread::spawn(move || {
        while let Ok(message) = socket.recv() {
            if message.iter().nth(1).is_some_and(|body| body.starts_with(b"good")) {
                let _ = socket.send(message);
            }
        }
    });
}

fn sin_in_every_state(transport: Transport) {
    let good = Good::start(Options::default());
    handler(&good);
    let mut random = Seeded(0x51_4e);
    let before = descriptors();
    for state in STATES {
        let (socket_type, options) = state.ours();
        let ours = good.context.socket_with(socket_type, options).unwrap();
        drain(ours.clone());
        let scene = Scene::new(state, transport, &ours);
        let budget = Budget::open();
        let mut sinners = Vec::new();
        for sin in SINS {
            println!("{state:?}: {sin:?}");
            for _ in 0..SINNERS {
                let mut sinner = state.reach(scene.raw());
                sinner.commit(sin, state, &mut random);
                sinners.push((sin, sinner));
            }
            good.trip();
        }
        println!("{state:?}: coming and going");
        scene.torn(&good);
        scene.visited();
        good.is_served();
        scene.is_open();
        // Of each that sent whole messages 1 MiB may wait, and what of it is at the application.
        let written: Vec<_> = sinners.iter_mut().map(|(_, sinner)| sinner.raw().written).collect();
        budget.check(&written, 0);
        if state.has_its_time() {
            for (_, sinner) in sinners.iter_mut().filter(|(sin, _)| *sin == Sin::Silence) {
                assert!(sinner.raw().is_closed_within(Duration::from_secs(5)), "{state:?}: silence lasts");
            }
        }
        drop((sinners, scene.door));
        ours.close(None);
        drop(ours);
        let left = || format!("{state:?}: {} descriptors of {before}", descriptors());
        assert!(eventually(|| descriptors() <= before), "{}", left());
    }
    good.end();
}

#[test]
fn every_sin_in_every_state_over_tcp() {
    alone(|| sin_in_every_state(Transport::Tcp));
}

#[test]
fn every_sin_in_every_state_over_ipc() {
    alone(|| sin_in_every_state(Transport::Ipc));
}
