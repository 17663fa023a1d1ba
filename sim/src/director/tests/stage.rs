//! A run without ZeroMQ: hosts with plain streams between them.

use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

use zmq_world::{Address, Errno, HostId, Listen, ListenerId, StreamId, Wake, World};

use crate::director::{Director, Stage, world_of};
use crate::history::{History, What};
use crate::plan::{HostEvent, HostIndex, Plan, SocketIndex};
use crate::time::Time;

/// A world with a director, and what was said to the engine.
pub(super) struct Theatre {
    director: Option<Director>,
    pub(super) house: House,
}

pub(super) struct House {
    pub(super) world: World,
    pub(super) hosts: Vec<HostId>,
    pub(super) history: History,
    pub(super) log: Vec<String>,
    pub(super) wakes: Vec<Wake>,
}

impl Stage for House {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn world_host(&self, host: HostIndex) -> HostId {
        self.hosts[usize::from(host.0)]
    }

    fn history(&mut self) -> &mut History {
        &mut self.history
    }

    fn down(&mut self, host: HostIndex, how: HostEvent) {
        self.log.push(format!("down {} {how:?}", host.0));
        let at = Time::from_nanos(self.world.now().as_nanos());
        self.history.note(at, What::Down(host));
    }

    fn up(&mut self, host: HostIndex) {
        self.log.push(format!("up {}", host.0));
    }

    fn pause(&mut self, host: HostIndex, is_paused: bool) {
        self.log.push(format!("{} {}", if is_paused { "pause" } else { "resume" }, host.0));
    }

    fn duplicate_connect(&mut self, socket: SocketIndex) {
        self.log.push(format!("connect {}", socket.0));
    }
}

/// Two hosts, `one` and `two`, a link of 1 ms between them, and these faults.
pub(super) fn two_hosts(faults: &str) -> Theatre {
    hosts(&["one", "two"], faults)
}

pub(super) fn hosts(names: &[&str], faults: &str) -> Theatre {
    let hosts: String = names.iter().map(|name| format!("[[host]]\nname = \"{name}\"\n")).collect();
    let text =
        format!("title = \"faults\"\nnetwork = {{ latency = {{ min = \"1ms\", max = \"1ms\" }} }}\n{hosts}{faults}");
    let plan: Plan = toml::from_str(&text).unwrap_or_else(|why| panic!("{why}"));
    plan.check().unwrap_or_else(|all| panic!("{all:#?}"));
    let plan = Arc::new(plan);
    let (world, hosts) = world_of(&plan);
    let history = History::new(&plan);
    let mut house = House { world, hosts, history, log: Vec::new(), wakes: Vec::new() };
    let mut director = Director::new(&plan);
    director.begin(&mut house);
    Theatre { director: Some(director), house }
}

impl Theatre {
    /// Runs until so many milliseconds after the start.
    pub(super) fn run_to(&mut self, millis: u64) {
        let limit = zmq_world::Time::from_nanos(millis * 1_000_000);
        let mut director = self.director.take().expect("it is put back");
        while let Some(wake) = self.house.world.next_before(limit) {
            match wake {
                Wake::Alarm(tag) => director.alarm(tag, &mut self.house),
                other => self.house.wakes.push(other),
            }
        }
        self.director = Some(director);
    }

    /// Has the director look at the history.
    pub(super) fn watch(&mut self) {
        let mut director = self.director.take().expect("it is put back");
        director.watch(&mut self.house);
        self.director = Some(director);
    }

    pub(super) fn is_healed(&self) -> bool {
        self.director.as_ref().expect("it is put back").is_healed()
    }

    pub(super) fn world(&mut self) -> &mut World {
        &mut self.house.world
    }

    pub(super) fn at(&self, host: usize, port: u16) -> Address {
        let ip = self.house.world.addresses(self.house.hosts[host])[0];
        Address::Tcp((ip, port).into())
    }

    pub(super) fn listen(&mut self, host: usize) -> ListenerId {
        let (id, at) = (self.house.hosts[host], self.at(host, 5555));
        self.house.world.listen(id, &at, &Listen::default()).unwrap()
    }

    pub(super) fn dial(&mut self, from: usize, to: usize) -> Result<StreamId, Errno> {
        let (id, at) = (self.house.hosts[from], self.at(to, 5555));
        self.house.world.dial(id, &at, None)
    }

    /// A stream from the first host to the second, made within 10 ms: both ends.
    pub(super) fn connect(&mut self, listener: ListenerId) -> (StreamId, StreamId) {
        let near = self.dial(0, 1).unwrap();
        let now = self.house.world.now().as_nanos() / 1_000_000;
        self.run_to(now + 10);
        (near, self.house.world.accept(listener).unwrap())
    }

    pub(super) fn say(&mut self, stream: StreamId, octets: &[u8]) -> Result<usize, Errno> {
        self.house.world.write(stream, &[IoSlice::new(octets)])
    }

    pub(super) fn hear(&mut self, stream: StreamId) -> Result<String, Errno> {
        let mut into = [0; 64];
        let len = self.house.world.read(stream, &mut into)?;
        Ok(String::from_utf8_lossy(&into[..len]).into_owned())
    }

    /// What of faults is in the history: when, and what.
    pub(super) fn course(&self) -> Vec<String> {
        let entry = |entry: &crate::history::Entry| match &entry.what {
            What::Fault(fault) => Some(format!("{} fault {}", entry.at, fault.0)),
            What::Healed(fault) => Some(format!("{} healed {}", entry.at, fault.0)),
            What::AllHealed => Some(format!("{} all healed", entry.at)),
            What::Down(host) => Some(format!("{} down {}", entry.at, host.0)),
            _other => None,
        };
        self.house.history.entries.iter().filter_map(entry).collect()
    }
}

pub(super) const MS: Duration = Duration::from_millis(1);
