//! A run made by hand: a partition, a connection that is reset with a message in it, a host that dies and comes back.

use super::Picture;
use super::network::{Address, Connection, Datagram, End, EndState, Event, Fate, Kind, Network, Packet, Side, What};
use crate::actor::message::{MessageId, Part, Shape, frames};
use crate::engine::{Ending, Run};
use crate::history::{self, Call, History, Received, Sent, Who};
use crate::plan::{ActorIndex, FaultIndex, HostIndex, Plan, SocketIndex};
use crate::time::Time;
use crate::violation::{Kind as Promise, Violation};

const PLAN: &str = r#"
title = "PUSH goes on after a partition and a reset"
seed = 7
heal = "3s"

[[host]]
name = "office"
[[host]]
name = "works"
[[host]]
name = "depot"

[[socket]]
name = "source"
host = "office"
type = "PUSH"
connect = ["tcp://works:5555", "tcp://depot:5556"]
[[socket]]
name = "sink"
host = "works"
type = "PULL"
bind = ["tcp://*:5555"]
[[socket]]
name = "spare"
host = "depot"
type = "PULL"
bind = ["tcp://*:5556"]

[[actor]]
name = "source"
sockets = ["source"]
do = [{ send = { count = 12, every = "100ms" } }]
[[actor]]
name = "sink"
sockets = ["sink"]
do = [{ recv = { count = 8 } }]
[[actor]]
name = "spare"
sockets = ["spare"]
do = [{ recv = { count = 4 } }]

[[fault]]
at = "250ms"
for = "800ms"
what = { partition = { between = ["office", "works"] } }
[[fault]]
at = "1560ms"
what = { reset = { between = ["office", "works"] } }
[[fault]]
at = "1800ms"
for = "1s"
what = { down = { host = "depot", how = "kill" } }

[[expect]]
delivered = { from = "source" }
"#;

pub(crate) fn plan() -> Plan {
    toml::from_str(PLAN).expect("it is a plan")
}

/// All of the requirement ledger, as text.
pub(crate) fn ledger() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/spec");
    let mut text = String::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            text += &std::fs::read_to_string(path).unwrap();
        }
    }
    text
}

/// The greeting of NULL, and READY.
pub(crate) fn opening(socket_type: &str) -> Vec<u8> {
    let mut octets = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL".to_vec();
    octets.resize(64, 0);
    let value = [&[0, 0, 0, u8::try_from(socket_type.len()).unwrap()][..], socket_type.as_bytes()].concat();
    let body = [b"\x05READY\x0bSocket-Type", &value[..]].concat();
    octets.extend([4, u8::try_from(body.len()).unwrap()]);
    octets.extend(body);
    octets
}

/// A message of one part in its frame.
pub(crate) fn framed(plan: &Plan, id: MessageId, size: u32) -> Vec<u8> {
    let frame = frames(plan, id, Shape { topic: "", parts: 1, size, answers: None }).remove(0);
    let mut octets = match u8::try_from(frame.len()) {
        Ok(short) => vec![0, short],
        Err(_) => [&[2][..], &(frame.len() as u64).to_be_bytes()].concat(),
    };
    octets.extend(frame);
    octets
}

/// A run, with what is in it.
pub(crate) struct Film {
    pub(crate) plan: Plan,
    pub(crate) run: Run,
    pub(crate) network: Network,
    pub(crate) violations: Vec<Violation>,
}

impl Film {
    pub(crate) fn picture(&self) -> Picture<'_> {
        Picture::with(&self.plan, &self.run, self.network.clone(), &self.violations)
    }

    fn empty() -> Self {
        let plan = plan();
        let history = History::new(&plan);
        let run = Run {
            history,
            hash: 0x1234_5678_9abc_def0,
            network: None,
            ending: Ending::Finished,
            left: Vec::new(),
            reached: vec!["ZMTP31-READY-01"],
        };
        Self { plan, run, network: Network { has_octets: true, ..Network::default() }, violations: Vec::new() }
    }

    fn note(&mut self, micros: u64, what: history::What) {
        self.run.history.note(at(micros), what);
    }

    fn call(&mut self, micros: u64, since: u64, actor: Option<&str>, socket: &str, call: Call) {
        let socket = self.plan.socket(socket).unwrap();
        let who = self.who(actor, socket);
        self.note(micros, history::What::Call { who, socket: Some(socket), since: at(since), call });
    }

    fn who(&self, actor: Option<&str>, socket: SocketIndex) -> Who {
        let actor: Option<ActorIndex> = actor.map(|actor| self.plan.actor(actor).unwrap());
        Who { actor, host: self.plan.host_of(socket).unwrap(), life: 0 }
    }

    fn id(&self, number: u32) -> MessageId {
        MessageId { actor: self.plan.actor("source").unwrap(), life: 0, number }
    }

    fn sends(&mut self, micros: u64, number: u32) {
        let id = self.id(number);
        let sent = Sent { id, answers: None, topic: String::new(), to: None, parts: 1, probe: false };
        self.call(micros, micros, Some("source"), "source", Call::Sent(sent));
    }

    fn receives(&mut self, micros: u64, since: u64, socket: &str, number: u32) {
        let frames = frames(&self.plan, self.id(number), Shape { topic: "", parts: 1, size: 40, answers: None });
        let received = Received::read(&self.plan, &frames);
        assert!(matches!(received.parts[..], [Part::Of { .. }]));
        self.call(micros, since, Some(socket), socket, Call::Received(received));
    }

    /// What is noted here has to be in the order of time; the other way round is mended at the end.
    fn event(&mut self, micros: u64, what: What) {
        self.network.events.push(Event { at: at(micros), what });
    }

    fn packet(&mut self, micros: u64, end: End, kind: Kind, octets: &[u8], fate: Fate) {
        let port = match &self.network.connection(end.connection).unwrap().addresses[1] {
            Address::Tcp(address) => address.port(),
            Address::Local(_) => 0,
        };
        let (office, other) = (HostIndex(0), HostIndex(if port == 5555 { 1 } else { 2 }));
        let (from, to) = match end.side {
            Side::Dialler => (office, other),
            Side::Acceptor => (other, office),
        };
        self.event(micros, What::Packet(Packet { from, to, end, kind, fate, octets: octets.to_vec() }));
    }

    /// A connection from the office to this port: handshakes of tcp and ZMTP, 3 ms each way. Gives what both wrote.
    fn connects(&mut self, micros: u64, number: u32, port: u16) -> [u64; 2] {
        let address = |host: u8, port: u16| Address::Tcp(([10, 0, 0, host], port).into());
        let (local, peer) =
            (address(1, 40_000 + u16::try_from(number).unwrap()), address(if port == 5555 { 2 } else { 3 }, port));
        self.network.connections.push(Connection { number, addresses: [local, peer] });
        let [a, b] = ends(number);
        self.event(micros, What::End(a, EndState::Dialled));
        self.packet(micros, a, Kind::Syn, b"", there(micros + 3000));
        self.packet(micros + 3000, b, Kind::SynAck, b"", there(micros + 6000));
        self.packet(micros + 6000, a, Kind::Established, b"", there(micros + 9000));
        self.event(micros + 9000, What::End(b, EndState::Established));
        self.event(micros + 9000, What::End(b, EndState::Accepted));
        let mut written = [0, 0];
        for (end, kind, from) in [(a, "PUSH", micros + 6000), (b, "PULL", micros + 9000)] {
            let octets = opening(kind);
            let (greeting, ready) = octets.split_at(64);
            self.data(from, end, 0, greeting, there(from + 3000));
            self.data(from + 3000, end, 64, ready, there(from + 6000));
            written[end.side.index()] = octets.len() as u64;
        }
        written
    }

    fn data(&mut self, micros: u64, end: End, offset: u64, octets: &[u8], fate: Fate) {
        let len = u32::try_from(octets.len()).unwrap();
        self.packet(micros, end, Kind::Data { offset, len }, octets, fate);
    }

    fn sort(&mut self) {
        self.run.history.entries.sort_by_key(|entry| entry.at);
        self.network.events.sort_by_key(|event| event.at);
    }
}

pub(crate) fn at(micros: u64) -> Time {
    Time::from_nanos(micros * 1000)
}

fn there(micros: u64) -> Fate {
    Fate::Arrives(at(micros))
}

pub(crate) fn ends(number: u32) -> [End; 2] {
    [Side::Dialler, Side::Acceptor].map(|side| End { connection: number, side })
}

/// The run that the head of this file speaks of.
pub(crate) fn film() -> Film {
    let mut film = Film::empty();
    for (socket, port) in [("sink", 5555), ("spare", 5556)] {
        film.call(0, 0, None, socket, Call::Open);
        film.call(0, 0, None, socket, Call::Bind(format!("tcp://*:{port}")));
    }
    film.call(0, 0, None, "source", Call::Open);
    for to in ["tcp://works:5555", "tcp://depot:5556"] {
        film.call(0, 0, None, "source", Call::Connect(to.into()));
    }
    let mut to_works = film.connects(200, 1, 5555)[0];
    let mut to_depot = film.connects(400, 2, 5556)[0];
    let [works, works_end] = ends(1);
    let [depot, depot_end] = ends(2);
    // Two in turn, while all is well.
    for number in 0..4_u32 {
        let when = 100_000 + u64::from(number) * 40_000;
        let octets = framed(&film.plan, film.id(number), 40);
        let (end, offset, socket) =
            if number % 2 == 0 { (works, &mut to_works, "sink") } else { (depot, &mut to_depot, "spare") };
        let from = *offset;
        *offset += octets.len() as u64;
        film.sends(when, number);
        film.data(when, end, from, &octets, there(when + 3100));
        film.receives(when + 3100, if number < 2 { 1000 } else { when - 70_000 }, socket, number);
    }
    let (socket, event, endpoint) = (SocketIndex(0), "handshake-succeeded".into(), "tcp://works:5555".into());
    film.note(15_200, history::What::Monitor { socket, life: 0, event, endpoint });
    // A partition, and messages under way in it.
    film.note(250_000, history::What::Fault(FaultIndex(0)));
    let both: Vec<u8> = [4, 6].iter().flat_map(|number| framed(&film.plan, film.id(*number), 40)).collect();
    let first = both.len() / 2;
    film.event(250_000, What::Link { from: HostIndex(0), to: HostIndex(1), does: "drops everything" });
    film.sends(300_000, 4);
    film.data(300_000, works, to_works, &both[..first], Fate::Lost("partition"));
    film.sends(400_000, 6);
    film.data(400_000, works, to_works + first as u64, &both[first..], Fate::Lost("partition"));
    film.data(500_000, works, to_works, &both, Fate::Lost("partition"));
    film.data(900_000, works, to_works, &both, Fate::Lost("partition"));
    film.note(1_050_000, history::What::Healed(FaultIndex(0)));
    let cut = first + 9;
    film.data(1_300_000, works, to_works, &both[..cut], there(1_303_000));
    film.data(1_300_010, works, to_works + cut as u64, &both[cut..], there(1_303_010));
    film.receives(1_303_000, 183_100, "sink", 4);
    film.receives(1_303_010, 1_303_000, "sink", 6);
    to_works += both.len() as u64;
    // A message that is in the connection when it is reset.
    let octets = framed(&film.plan, film.id(8), 40);
    film.sends(1_559_000, 8);
    film.data(1_559_000, works, to_works, &octets, there(1_562_000));
    film.note(1_560_000, history::What::Fault(FaultIndex(1)));
    film.event(1_560_000, What::End(works, EndState::Broken));
    film.event(1_560_000, What::End(works_end, EndState::Broken));
    film.event(1_562_000, What::Lost { end: works, why: "nobody takes it" });
    // Another connection, and a host that dies.
    let mut again = film.connects(1_660_000, 3, 5555)[0];
    let [works, _] = ends(3);
    film.note(1_800_000, history::What::Fault(FaultIndex(2)));
    film.note(1_800_000, history::What::Down(HostIndex(2)));
    film.packet(1_800_000, depot_end, Kind::Rst, b"", there(1_802_900));
    film.event(1_802_900, What::End(depot, EndState::Broken));
    film.network.connections.push(Connection {
        number: 4,
        addresses: [([10, 0, 0, 1], 40_004), ([10, 0, 0, 3], 5556)].map(|address| Address::Tcp(address.into())),
    });
    film.packet(1_903_000, ends(4)[0], Kind::Syn, b"", there(1_906_000));
    film.packet(1_906_000, ends(4)[1], Kind::Rst, b"", there(1_909_000));
    let datagram = |fate| {
        What::Datagram(Datagram {
            from: HostIndex(1),
            to: HostIndex(2),
            source: ([10, 0, 0, 2], 9000).into(),
            destination: ([239, 1, 2, 3], 9001).into(),
            len: 5,
            fate,
            octets: b"hello".to_vec(),
        })
    };
    film.event(1_950_000, datagram(Fate::Lost("the host has no power")));
    for number in [10, 11_u32] {
        let when = 1_900_000 + u64::from(number) * 10_000;
        let octets = framed(&film.plan, film.id(number), 40);
        film.sends(when, number);
        film.data(when, works, again, &octets, there(when + 2500));
        film.receives(when + 2500, when - 20_000, "sink", number);
        again += octets.len() as u64;
    }
    film.note(2_800_000, history::What::Healed(FaultIndex(2)));
    film.note(2_800_000, history::What::Up(HostIndex(2), 1));
    film.connects(2_903_000, 5, 5556);
    film.event(2_950_000, datagram(there(2_951_000)));
    film.note(3_000_000, history::What::AllHealed);
    let who = film.who(Some("source"), SocketIndex(0));
    film.note(3_000_000, history::What::Finished(who));
    film.call(3_500_000, 3_010_000, Some("sink"), "sink", Call::RecvTimedOut);
    film.sort();
    let lost = film.id(8);
    let sent =
        film.run.history.entries.iter().position(
            |entry| matches!(&entry.what, history::What::Call { call: Call::Sent(sent), .. } if sent.id == lost),
        );
    film.violations.push(Violation {
        oracle: "delivered",
        clause: "PIPELINE-PUSH-08",
        kind: Promise::Safety,
        text: "source.0#8 was taken and never received, though the scenario demands it".into(),
        entries: sent.into_iter().collect(),
        messages: vec![lost],
    });
    film
}
