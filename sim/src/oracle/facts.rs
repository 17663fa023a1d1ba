//! What a history says, put in order: lives of sockets, messages on their ways, losses of connections.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::actor::message::{MessageId, Part};
use crate::engine::Run;
use crate::history::{Call, Entry, Received, What, Who};
use crate::plan::{FaultIndex, FaultKind, HostIndex, Linger, Plan, SocketIndex, SocketType};
use crate::time::Time;
use crate::topology::Topology;

/// One life of a socket, from its opening to its end: an index into [`Facts::lives`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LifeIndex(pub usize);

/// One life of a socket.
#[derive(Debug)]
pub(crate) struct Life {
    pub socket: SocketIndex,
    /// The life of its host.
    pub of_host: u16,
    pub opened: Time,
    pub ended: Option<Ended>,
    /// Endpoints that it was connected to, and when.
    pub connects: Vec<(Time, String)>,
    /// Endpoints that were given up, bound or connected, and when.
    pub given_up: Vec<Time>,
    /// Subscriptions: when, the topic, and whether one was added.
    pub subscriptions: Vec<Subscription>,
    /// What its library told of connections.
    pub events: Vec<Event>,
}

/// How a socket's life ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    pub at: Time,
    pub how: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Closed(Option<Linger>),
    Terminated,
    Down,
}

#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub since: Time,
    pub at: Time,
    pub topic: String,
    pub change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Subscribed,
    Cancelled,
}

/// Something that a library told of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub entry: usize,
    pub at: Time,
    pub name: String,
    pub endpoint: String,
}

/// A message that a library took, of an actor or of a device.
#[derive(Debug)]
pub(crate) struct Hop {
    pub entry: usize,
    pub since: Time,
    pub at: Time,
    pub who: Who,
    pub life: LifeIndex,
    pub id: MessageId,
    pub to: Option<Vec<u8>>,
    pub topic: String,
    pub answers: Option<MessageId>,
    pub parts: u8,
    pub kind: HopKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HopKind {
    Own,
    Probe,
    PassedOn,
}

/// A message that came.
#[derive(Debug)]
pub(crate) struct Get<'a> {
    pub entry: usize,
    pub since: Time,
    pub at: Time,
    pub who: Who,
    pub life: LifeIndex,
    pub received: &'a Received,
    pub id: Option<MessageId>,
}

/// What became of a message that no library took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    TimedOut,
    Cancelled,
}

/// All of it.
pub(crate) struct Facts<'a> {
    pub plan: &'a Plan,
    pub run: &'a Run,
    pub topology: Topology,
    pub lives: Vec<Life>,
    pub hops: Vec<Hop>,
    pub gets: Vec<Get<'a>>,
    /// By message: places in `hops` and `gets`.
    pub hops_of: BTreeMap<MessageId, Vec<usize>>,
    pub gets_of: BTreeMap<MessageId, Vec<usize>>,
    pub refused: BTreeMap<MessageId, (usize, Refusal)>,
    /// When each fault was, as far as it lasts.
    pub faults: Vec<Active>,
    /// Whether the engine tells of connections.
    pub has_events: bool,
    /// When the first context began to terminate; just behind the end of the history if none did.
    pub closing: Time,
    /// The end of the history.
    pub end: Time,
}

/// A fault and its time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Active {
    pub fault: FaultIndex,
    pub from: Time,
    pub to: Time,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(plan: &'a Plan, run: &'a Run) -> Self {
        let mut facts = Self {
            plan,
            run,
            topology: Topology::ever(plan),
            lives: Vec::new(),
            hops: Vec::new(),
            gets: Vec::new(),
            hops_of: BTreeMap::new(),
            gets_of: BTreeMap::new(),
            refused: BTreeMap::new(),
            faults: Vec::new(),
            has_events: false,
            closing: Time::from_nanos(u64::MAX),
            end: run.history.entries.last().map_or(Time::START, |entry| entry.at),
        };
        let mut current: BTreeMap<SocketIndex, LifeIndex> = BTreeMap::new();
        for (place, entry) in run.history.entries.iter().enumerate() {
            facts.take(place, entry, &mut current);
        }
        facts.closing = facts.closing.min(Time::from_nanos(facts.end.as_nanos() + 1));
        facts
    }

    fn take(&mut self, place: usize, entry: &'a Entry, current: &mut BTreeMap<SocketIndex, LifeIndex>) {
        let at = entry.at;
        let so_far = place.checked_sub(1).map_or(at, |before| self.run.history.entries[before].at);
        match &entry.what {
            What::Call { who, socket: Some(socket), since, call } => {
                self.take_call(Made { place, at, since: *since, who: *who }, *socket, call, current);
            }
            What::Call { who, socket: None, since, call: Call::Terminate } => {
                self.closing = self.closing.min(*since);
                self.end_all(who.host, *since, End::Terminated, current);
            }
            What::Down(host) => self.end_all(*host, at, End::Down, current),
            What::Monitor { socket, life, event, endpoint } => {
                self.has_events = true;
                let of_socket = self.lives.iter_mut().rev().filter(|of| of.socket == *socket && of.of_host == *life);
                // A socket that is closed tells of its last connections a little later.
                if let Some(of) = of_socket.into_iter().next() {
                    let name = event.replace('_', "-");
                    // It is told of now, whenever it was.
                    let at = at.max(so_far);
                    of.events.push(Event { entry: place, at, name, endpoint: endpoint.clone() });
                }
            }
            What::Fault(fault) => {
                self.faults.push(Active { fault: *fault, from: at, to: Time::from_nanos(u64::MAX) });
            }
            What::Healed(fault) => self.heal(|active| active.fault == *fault, at),
            What::AllHealed => self.heal(|_| true, at),
            What::Call { socket: None, .. } | What::Finished(_) | What::Up(..) => {}
        }
    }

    fn heal(&mut self, which: impl Fn(&Active) -> bool, at: Time) {
        let now = self.faults.iter_mut().filter(|active| which(active) && active.to > at);
        now.for_each(|active| active.to = at);
    }

    fn end_all(&mut self, host: HostIndex, at: Time, how: End, current: &mut BTreeMap<SocketIndex, LifeIndex>) {
        let plan = self.plan;
        current.retain(|socket, life| {
            let here = plan.host_of(*socket) == Some(host);
            if here {
                self.lives[life.0].ended.get_or_insert(Ended { at, how });
            }
            !here
        });
    }

    fn take_call(
        &mut self,
        made: Made,
        socket: SocketIndex,
        call: &'a Call,
        current: &mut BTreeMap<SocketIndex, LifeIndex>,
    ) {
        let Made { place: entry, at, since, who } = made;
        if matches!(call, Call::Open) || !current.contains_key(&socket) {
            let life = LifeIndex(self.lives.len());
            self.lives.push(Life {
                socket,
                of_host: who.life,
                opened: if matches!(call, Call::Open) { at } else { since },
                ended: None,
                connects: Vec::new(),
                given_up: Vec::new(),
                subscriptions: Vec::new(),
                events: Vec::new(),
            });
            current.insert(socket, life);
        }
        let life = current[&socket];
        match call {
            Call::Close(linger) => {
                self.lives[life.0].ended = Some(Ended { at: since, how: End::Closed(*linger) });
                current.remove(&socket);
            }
            Call::Connect(to) => self.lives[life.0].connects.push((since, to.clone())),
            Call::Unbind(_) | Call::Disconnect(_) => self.lives[life.0].given_up.push(since),
            Call::Subscribe(topic) => self.subscription(life, made, topic.clone(), Change::Subscribed),
            Call::Unsubscribe(topic) => self.subscription(life, made, topic.clone(), Change::Cancelled),
            Call::Sent(sent) => self.hop(Hop {
                entry,
                since,
                at,
                who,
                life,
                id: sent.id,
                to: sent.to.clone(),
                topic: sent.topic.clone(),
                answers: sent.answers,
                parts: sent.parts,
                kind: if sent.probe { HopKind::Probe } else { HopKind::Own },
            }),
            Call::PassedOn(received) => self.passed_on(made, life, received),
            Call::Received(received) => {
                let id = received.id();
                if let Some(id) = id {
                    self.gets_of.entry(id).or_default().push(self.gets.len());
                }
                self.gets.push(Get { entry, since, at, who, life, received, id });
            }
            Call::SendTimedOut(id) => {
                self.refused.insert(*id, (entry, Refusal::TimedOut));
            }
            Call::SendCancelled(id) => {
                self.refused.insert(*id, (entry, Refusal::Cancelled));
            }
            Call::Open
            | Call::Terminate
            | Call::Bind(_)
            | Call::RecvTimedOut
            | Call::RecvCancelled
            | Call::Failed { .. } => {}
        }
    }

    fn subscription(&mut self, life: LifeIndex, made: Made, topic: String, change: Change) {
        let Made { at, since, .. } = made;
        self.lives[life.0].subscriptions.push(Subscription { since, at, topic, change });
    }

    fn passed_on(&mut self, made: Made, life: LifeIndex, received: &Received) {
        let Made { place: entry, at, since, who } = made;
        match received.parts.first() {
            Some(Part::Of { id, topic, parts, answers, .. }) => {
                let to = match self.plan[self.lives[life.0].socket].socket_type {
                    SocketType::Router => received.envelope.first().cloned(),
                    _ => None,
                };
                let topic = topic.clone();
                let kind = HopKind::PassedOn;
                let (id, answers, parts) = (*id, *answers, *parts);
                self.hop(Hop { entry, since, at, who, life, id, to, topic, answers, parts, kind });
            }
            // A subscription or cancellation goes up through a device.
            Some(Part::Foreign(octets)) => {
                let change = match octets.first() {
                    Some(1) => Change::Subscribed,
                    Some(0) => Change::Cancelled,
                    _ => return,
                };
                self.subscription(life, made, String::from_utf8_lossy(&octets[1..]).into_owned(), change);
            }
            None => {}
        }
    }

    fn hop(&mut self, hop: Hop) {
        self.hops_of.entry(hop.id).or_default().push(self.hops.len());
        self.hops.push(hop);
    }

    pub(crate) fn life(&self, life: LifeIndex) -> &Life {
        &self.lives[life.0]
    }

    pub(crate) fn socket_of(&self, life: LifeIndex) -> SocketIndex {
        self.life(life).socket
    }

    pub(crate) fn type_of(&self, life: LifeIndex) -> SocketType {
        self.plan[self.socket_of(life)].socket_type
    }

    /// The name of the socket of this life.
    pub(crate) fn name(&self, life: LifeIndex) -> &str {
        &self.plan[self.socket_of(life)].name
    }

    /// The lives of a socket, in order.
    pub(crate) fn lives_of(&self, socket: SocketIndex) -> impl Iterator<Item = (LifeIndex, &Life)> {
        let of = move |(place, life): (usize, &'_ Life)| (life.socket == socket).then_some(LifeIndex(place));
        self.lives.iter().enumerate().filter_map(move |pair| of(pair).map(|index| (index, pair.1)))
    }

    /// Messages that a socket's life took, in order.
    pub(crate) fn hops_at(&self, life: LifeIndex) -> impl Iterator<Item = &Hop> {
        self.hops.iter().filter(move |hop| hop.life == life)
    }

    /// Where a message was received.
    pub(crate) fn gets_of(&self, id: MessageId) -> impl Iterator<Item = &Get<'a>> {
        self.gets_of.get(&id).into_iter().flatten().map(|place| &self.gets[*place])
    }

    /// By whom a message was sent, or passed on.
    pub(crate) fn hops_of(&self, id: MessageId) -> impl Iterator<Item = &Hop> {
        self.hops_of.get(&id).into_iter().flatten().map(|place| &self.hops[*place])
    }

    /// Whether any fault lasts at some time between these.
    pub(crate) fn is_calm(&self, from: Time, to: Time) -> bool {
        !self.faults.iter().any(|active| active.from <= to && active.to >= from)
    }

    /// Whether a fault can do anything to connections between these sockets.
    pub(crate) fn concerns(&self, active: &Active, sockets: &[SocketIndex]) -> bool {
        let here = |host: &String| sockets.iter().any(|socket| self.plan[*socket].host == *host);
        match &self.plan[active.fault].what {
            FaultKind::Partition { between, .. }
            | FaultKind::Reset { between }
            | FaultKind::HalfOpen { between }
            | FaultKind::Stall { between }
            | FaultKind::SlowLink { between, .. } => between.iter().all(here),
            FaultKind::Swizzle { hosts } => hosts.iter().any(here),
            FaultKind::TinyBuffers { host, .. }
            | FaultKind::Torn { host, .. }
            | FaultKind::Down { host, .. }
            | FaultKind::Pause { host }
            | FaultKind::NoDescriptors { host }
            | FaultKind::RefuseAccept { host }
            | FaultKind::ClockJump { host, .. } => here(host),
            FaultKind::DuplicateConnect { socket } => {
                self.plan.socket(socket).is_none_or(|socket| here(&self.plan[socket].host))
            }
            FaultKind::Name { .. } => true,
        }
    }

    /// Whether a connection of one of these lives may have been lost between these times.
    ///
    /// Told by events where the engine has them. Where it has none, whatever happened after any fault is taken for lost.
    pub(crate) fn may_have_lost(&self, ends: &[LifeIndex], from: Time, to: Time) -> bool {
        let within = |at: Time| from <= at && at <= to;
        let by_life = ends.iter().any(|life| {
            let life = self.life(*life);
            life.ended.is_some_and(|ended| within(ended.at))
                || life.given_up.iter().any(|at| within(*at))
                || life.losses().any(|event| within(event.at))
        });
        by_life || !self.has_events && self.faults.iter().any(|active| active.from <= to)
    }

    /// Whether there are several ways between two sockets, so that order between them says nothing.
    pub(crate) fn ways(&self, a: SocketIndex, b: SocketIndex) -> usize {
        self.topology.between_two(a, b).count()
    }

    /// Whether the host of a socket goes wrong in its clock or its pace.
    pub(crate) fn has_own_time(&self, socket: SocketIndex) -> bool {
        let name = &self.plan[socket].host;
        self.plan.faults.iter().any(|fault| match &fault.what {
            FaultKind::Pause { host } | FaultKind::ClockJump { host, .. } => host == name,
            _ => false,
        })
    }

    /// How long a span of a socket's own clock is in true time.
    pub(crate) fn in_true_time(&self, socket: SocketIndex, span: Duration) -> Duration {
        let drift = self.plan.host_of(socket).and_then(|host| self.plan[host].clock_drift).unwrap_or(0);
        span.mul_f64(1.0 / (1.0 + f64::from(drift.max(-900_000)) / 1e6))
    }

    /// How long a packet is under way at worst on a healed network.
    pub(crate) fn worst_latency(&self) -> Duration {
        crate::settle::worst_latency(self.plan)
    }

    /// Names of messages, for a text; at most five of them.
    pub(crate) fn names(&self, ids: impl IntoIterator<Item = MessageId>) -> String {
        let all: Vec<_> = ids.into_iter().collect();
        let mut text = all.iter().take(5).map(|id| id.name(self.plan)).collect::<Vec<_>>().join(", ");
        if all.len() > 5 {
            text.push_str(&format!(" and {} more", all.len() - 5));
        }
        text
    }

    /// Sockets that are settled or served to the end, so that what comes to them is received.
    pub(crate) fn reads_to_the_end(&self, socket: SocketIndex) -> bool {
        crate::settle::reads_to_the_end(self.plan, socket)
    }

    /// All who were in an actor's place when they received, to tell concurrent calls from calls in a row.
    pub(crate) fn readers_of(&self, life: LifeIndex) -> BTreeSet<Who> {
        self.gets.iter().filter(|get| get.life == life).map(|get| get.who).collect()
    }
}

#[derive(Debug, Clone, Copy)]
struct Made {
    place: usize,
    at: Time,
    since: Time,
    who: Who,
}

impl Event {
    /// Whether a connection is gone.
    pub(crate) fn is_loss(&self) -> bool {
        self.name == "disconnected" || self.name.starts_with("handshake-failed")
    }
}

impl Life {
    /// The most connections that there were at once at any time between these, as far as the library told of them.
    pub(crate) fn connections(&self, from: Time, to: Time) -> usize {
        let (mut now, mut most) = (0_usize, 0);
        for event in self.events.iter().filter(|event| event.at <= to) {
            if event.at >= from {
                most = most.max(now);
            }
            match event.name.as_str() {
                "connected" | "accepted" => now += 1,
                "disconnected" => now = now.saturating_sub(1),
                _ => {}
            }
        }
        most.max(now)
    }

    /// Losses of connections over which messages may have gone. One whose handshake failed at this end carried none: what
    /// waits for it waits on.
    pub(crate) fn losses(&self) -> impl Iterator<Item = &Event> {
        let before = std::iter::once(None).chain(self.events.iter().map(Some));
        self.events.iter().zip(before).filter_map(|(event, before)| {
            let of_handshake = before.is_some_and(|before| {
                before.name.starts_with("handshake-failed")
                    && before.at == event.at
                    && before.endpoint == event.endpoint
            });
            (event.name == "disconnected" && !of_handshake).then_some(event)
        })
    }

    /// Whether the socket lived at that time.
    pub(crate) fn lives_at(&self, at: Time) -> bool {
        self.opened <= at && self.ended.is_none_or(|ended| at <= ended.at)
    }

    /// Whether a topic matches a subscription that was held at some time between these.
    pub(crate) fn holds(&self, topic: &str, from: Time, to: Time) -> bool {
        let mut held: BTreeMap<&str, i64> = BTreeMap::new();
        for change in &self.subscriptions {
            if change.since > to {
                break;
            }
            let count = held.entry(change.topic.as_str()).or_default();
            match change.change {
                Change::Subscribed => *count += 1,
                Change::Cancelled => {
                    // It was held until now.
                    if *count > 0 && change.at >= from && topic.starts_with(&change.topic) {
                        return true;
                    }
                    *count = (*count - 1).max(0);
                }
            }
        }
        held.iter().any(|(prefix, count)| *count > 0 && topic.starts_with(prefix))
    }
}
