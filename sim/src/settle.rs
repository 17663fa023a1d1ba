//! Settling: after the healing, everybody who has to be reached is reached by a probe.
//!
//! What has to be reached follows from the plan: who is joined with whom when all steps are done, whose actors settle, and
//! what the patterns promise. Where a pattern leaves the choice of the peer to somebody else (a device, a PAIR with several
//! who knock), it is enough that one of them is reached.

use std::collections::{BTreeMap, BTreeSet};

use crate::actor::message::MessageId;
use crate::history::Received;
use crate::plan::{ActorIndex, FaultKind, HostEvent, HostIndex, Link, Plan, SocketIndex, SocketType, Step};
use crate::time::Span;
use crate::topology::{Admission, Path, Topology, admission, carries, never_comes_back, talk};

/// Who has to reach whom, and has not yet.
#[derive(Debug, Clone, Default)]
pub struct Settlement {
    pending: BTreeSet<Duty>,
    probes: BTreeMap<MessageId, SocketIndex>,
}

/// A probe of one of these has to reach one of those.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duty {
    /// By which way.
    pub kind: DutyKind,
    /// One of these sends it.
    pub from: BTreeSet<SocketIndex>,
    /// One of these receives it.
    pub to: BTreeSet<SocketIndex>,
}

/// How a probe comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DutyKind {
    /// It is sent by itself.
    Probe,
    /// It answers a probe.
    Answer,
}

/// What the actors of a socket do in the end.
#[derive(Debug, Clone, Copy, Default)]
struct Role {
    probes: bool,
    receives: bool,
    answers: bool,
}

impl Settlement {
    /// What the plan demands.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        Self { pending: Demands::of(plan).all(), probes: BTreeMap::new() }
    }

    /// A probe was sent by a socket.
    pub fn probe_sent(&mut self, id: MessageId, from: SocketIndex) {
        self.probes.insert(id, from);
    }

    /// A message was received by a socket.
    pub fn received(&mut self, received: &Received, at: SocketIndex) {
        if let Some(from) = received.id().and_then(|id| self.probes.get(&id)) {
            self.pending.retain(|duty| !(duty.from.contains(from) && duty.to.contains(&at)));
        }
    }

    /// Whether the message is a probe.
    #[must_use]
    pub fn is_probe(&self, id: MessageId) -> bool {
        self.probes.contains_key(&id)
    }

    /// Whether everybody is reached.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.pending.is_empty()
    }

    /// What is still to be done.
    pub fn duties(&self) -> impl Iterator<Item = &Duty> {
        self.pending.iter()
    }

    /// Who still has to reach whom; where several could, the first of them.
    pub fn pending(&self) -> impl Iterator<Item = (SocketIndex, SocketIndex)> {
        self.pending.iter().filter_map(|duty| Some((*duty.from.first()?, *duty.to.first()?)))
    }

    /// Whether probes of this socket are still needed: to reach somebody, or to be answered.
    #[must_use]
    pub fn wants_from(&self, socket: SocketIndex) -> bool {
        self.pending.iter().any(|duty| match duty.kind {
            DutyKind::Probe => duty.from.contains(&socket),
            DutyKind::Answer => duty.to.contains(&socket),
        })
    }
}

/// Finds the duties of a plan.
struct Demands<'a> {
    plan: &'a Plan,
    topology: Topology,
    roles: Vec<Role>,
    /// How long a packet is under way at worst, in the end.
    worst: std::time::Duration,
}

impl<'a> Demands<'a> {
    fn of(plan: &'a Plan) -> Self {
        let roles = SocketIndex::all(plan).map(|socket| role(plan, socket)).collect();
        Self { plan, topology: Topology::in_the_end(plan), roles, worst: worst_latency(plan) }
    }

    fn all(&self) -> BTreeSet<Duty> {
        let mut duties = BTreeSet::new();
        for socket in SocketIndex::all(self.plan) {
            self.straight(socket, &mut duties);
            self.through_devices(socket, &mut duties);
        }
        duties
    }

    fn role(&self, socket: SocketIndex) -> Role {
        self.roles[usize::from(socket.0)]
    }

    fn type_of(&self, socket: SocketIndex) -> SocketType {
        self.plan[socket].socket_type
    }

    /// Those that a socket can talk to for sure, when all is healed.
    fn peers(&self, socket: SocketIndex) -> BTreeSet<SocketIndex> {
        let mut peers = self.topology.peers(socket);
        peers.retain(|peer| {
            talk(self.type_of(socket), self.type_of(*peer))
                && !self.may_be_deaf(socket, *peer)
                && !self.is_severed(socket, *peer)
                && !self.is_taken_over(socket, *peer)
                && !self.is_taken_over(*peer, socket)
                && admission(self.plan, socket, *peer) == Admission::Admitted
                && [socket, *peer].into_iter().all(|end| self.is_easy(end))
        });
        peers
    }

    /// Whether several connections of one routing id take it over from each other, again and again: each is dialled anew when
    /// the other has it (adjudication A54).
    // spec: REQREP-ROUTER-06
    fn is_taken_over(&self, router: SocketIndex, socket: SocketIndex) -> bool {
        let plan = self.plan;
        let hands_over =
            self.type_of(router) == SocketType::Router && plan[router].options.router_handover == Some(true);
        let Some(id) = plan[socket].options.routing_id.as_ref().filter(|_| hands_over) else { return false };
        let of_same_id = |path: &&Path| {
            let other = if path.bound == router { path.connecting } else { path.bound };
            [path.bound, path.connecting].contains(&router) && plan[other].options.routing_id.as_ref() == Some(id)
        };
        let is_doubled = plan.faults.iter().any(|fault| match &fault.what {
            FaultKind::DuplicateConnect { socket: named } => {
                let doubled = plan.socket(named);
                doubled == Some(socket) || doubled == Some(router)
            }
            _ => false,
        });
        is_doubled || self.topology.paths().iter().filter(of_same_id).count() > 1
    }

    /// Whether two sockets are joined within a context and one that is bound goes meanwhile: inproc never connects again.
    fn is_severed(&self, one: SocketIndex, other: SocketIndex) -> bool {
        let goes = |socket: SocketIndex| {
            ActorIndex::all(self.plan).any(|actor| {
                let is_meant = |named: &Option<String>| self.plan.meant(actor, named.as_deref()) == Some(socket);
                self.plan[actor].r#do.iter().any(|step| match step {
                    Step::Close { socket, .. } => is_meant(socket),
                    Step::Unbind(at) => is_meant(&at.socket),
                    _ => false,
                })
            })
        };
        self.topology.between_two(one, other).any(|path| path.inproc && goes(path.bound))
    }

    /// Whether the options leave time and room for a connection that lasts, and for probes.
    fn is_easy(&self, socket: SocketIndex) -> bool {
        let options = &self.plan[socket].options;
        let enough = |span: Option<Span>, least: std::time::Duration| {
            span.is_none_or(|span| span.0.is_zero() || span.0 >= least)
        };
        let heartbeat = options.heartbeat_ivl.filter(|ivl| !ivl.0.is_zero());
        // A timeout or time to live of nothing is the default.
        let silence = heartbeat.map(|ivl| options.heartbeat_timeout.filter(|span| !span.0.is_zero()).unwrap_or(ivl));
        let ttl = heartbeat.and(options.heartbeat_ttl).filter(|ttl| !ttl.0.is_zero());
        let ttl_is_easy = match (ttl, heartbeat) {
            (Some(ttl), Some(ivl)) => ttl.0 >= ivl.0 + self.worst * 3,
            (Some(_) | None, _) => true,
        };
        enough(silence, self.worst * 4)
            && ttl_is_easy
            && enough(options.handshake_ivl, self.worst * 12)
            && enough(options.connect_timeout, self.worst * 4)
            && options.maxmsgsize.is_none_or(|limit| limit >= 128)
            && options.reconnect_ivl.is_none_or(|ivl| !ivl.0.is_zero() || self.plan.faults.is_empty())
    }

    /// Whether one of two sockets may hold on to a connection of which the other has nothing any more, for good.
    ///
    /// Who says nothing by itself and has no heartbeats does not notice that the other is gone (37/ZMTP asks for heartbeats
    /// for that reason), and a ROUTER or PAIR that holds on to the old connection refuses the new one.
    // spec: ZMTP31-PING-13
    fn may_be_deaf(&self, one: SocketIndex, other: SocketIndex) -> bool {
        let plan = self.plan;
        let beats = |socket: SocketIndex| plan[socket].options.heartbeat_ivl.is_some_and(|ivl| !ivl.0.is_zero());
        self.topology.between_two(one, other).filter(|path| !path.inproc).any(|path| {
            let (dialler, bound) = (path.connecting, path.bound);
            // Told of by a PING, a peer's silence is noticed, too.
            let hears = |ear: SocketIndex, mouth: SocketIndex| {
                beats(ear) || beats(mouth) && plan[mouth].options.heartbeat_ttl.is_some_and(|ttl| !ttl.0.is_zero())
            };
            let silent = match self.type_of(dialler) {
                SocketType::Pull | SocketType::Sub | SocketType::XSub | SocketType::Rep | SocketType::Stream => true,
                SocketType::Push | SocketType::Pub | SocketType::XPub | SocketType::Req => false,
                SocketType::Dealer | SocketType::Router | SocketType::Pair => !self.role(dialler).probes,
            };
            // A publisher says nothing either where nothing is wanted for a while.
            let silent = silent
                || matches!(self.type_of(dialler), SocketType::Pub | SocketType::XPub)
                    && self.type_of(bound) == SocketType::XSub;
            let holds_on = match self.type_of(bound) {
                SocketType::Router => {
                    plan[dialler].options.routing_id.is_some() && plan[bound].options.router_handover != Some(true)
                }
                SocketType::Pair => true,
                _ => false,
            };
            silent && !hears(dialler, bound) && self.goes_silently(bound, dialler)
                || holds_on && !hears(bound, dialler) && self.goes_silently(dialler, bound)
        })
    }

    /// Whether a socket's connection can be gone without the other side being told.
    fn goes_silently(&self, gone: SocketIndex, from: SocketIndex) -> bool {
        let host = &self.plan[gone].host;
        let gives_up = self.plan[gone].options.heartbeat_ivl.is_some_and(|ivl| !ivl.0.is_zero())
            || self.plan[from].options.heartbeat_ttl.is_some_and(|ttl| !ttl.0.is_zero());
        self.plan.faults.iter().any(|fault| match &fault.what {
            FaultKind::Down { host: down, how: HostEvent::PowerLoss, .. } => down == host,
            // Whoever gives up meanwhile cannot say so.
            FaultKind::Partition { between, .. } | FaultKind::Stall { between } | FaultKind::HalfOpen { between } => {
                gives_up && between.contains(host)
            }
            FaultKind::Swizzle { hosts } => gives_up && hosts.contains(host),
            // What dies behind a wall is not heard of either.
            FaultKind::Down { host: down, how: HostEvent::Kill, .. } => {
                down == host && self.plan.faults.iter().any(|other| Self::walls(&other.what, host))
            }
            FaultKind::Reset { between } => {
                between.contains(host) && self.plan.faults.iter().any(|other| Self::walls(&other.what, host))
            }
            FaultKind::SlowLink { .. }
            | FaultKind::TinyBuffers { .. }
            | FaultKind::Torn { .. }
            | FaultKind::DuplicateConnect { .. }
            | FaultKind::Pause { .. }
            | FaultKind::NoDescriptors { .. }
            | FaultKind::RefuseAccept { .. }
            | FaultKind::Name { .. }
            | FaultKind::ClockJump { .. } => false,
        })
    }

    /// Whether a fault keeps packets of a host from getting through.
    fn walls(what: &FaultKind, host: &String) -> bool {
        match what {
            FaultKind::Partition { between, .. } | FaultKind::Stall { between } | FaultKind::HalfOpen { between } => {
                between.contains(host)
            }
            FaultKind::Swizzle { hosts } => hosts.contains(host),
            _ => false,
        }
    }

    fn straight(&self, from: SocketIndex, duties: &mut BTreeSet<Duty>) {
        use SocketType::{Dealer, Pair, Pub, Push, Req, XPub};
        let peers = self.peers(from);
        let receivers: Vec<_> = peers.iter().copied().filter(|peer| self.role(*peer).receives).collect();
        if self.role(from).probes {
            match self.type_of(from) {
                Pair => self.of_pair(from, &peers, duties),
                Req => self.of_req(from, &peers, duties),
                Pub | XPub => {
                    for to in receivers.iter().filter(|to| self.wants_probes(from, **to)) {
                        duties.insert(duty(DutyKind::Probe, [from], [*to]));
                    }
                }
                Push | Dealer => {
                    for to in receivers {
                        self.to_one(from, to, duties);
                    }
                }
                SocketType::Rep | SocketType::Router | SocketType::Sub | SocketType::XSub => {}
                SocketType::Pull | SocketType::Stream => {}
            }
        }
    }

    fn to_one(&self, from: SocketIndex, to: SocketIndex, duties: &mut BTreeSet<Duty>) {
        let from = self.of_same_id(from, to);
        duties.insert(Duty { kind: DutyKind::Probe, from: from.clone(), to: [to].into() });
        let answers = self.role(to).answers && matches!(self.type_of(to), SocketType::Rep | SocketType::Router);
        if answers {
            duties.insert(Duty { kind: DutyKind::Answer, from: [to].into(), to: from });
        }
    }

    /// Those that a ROUTER cannot tell from this one: one of them is let in (adjudication A54).
    fn of_same_id(&self, socket: SocketIndex, router: SocketIndex) -> BTreeSet<SocketIndex> {
        let id = self.plan[socket].options.routing_id.as_ref();
        if self.type_of(router) != SocketType::Router || id.is_none() {
            return [socket].into();
        }
        self.peers(router).into_iter().filter(|other| self.plan[*other].options.routing_id.as_ref() == id).collect()
    }

    /// A PAIR has one peer; which one, where several want it, nobody says.
    fn of_pair(&self, from: SocketIndex, peers: &BTreeSet<SocketIndex>, duties: &mut BTreeSet<Duty>) {
        let rivals = peers.iter().any(|peer| self.topology.peers(*peer).len() > 1);
        let all_settle = peers.iter().all(|peer| self.role(*peer).probes && self.role(*peer).receives);
        if peers.is_empty() || rivals || !all_settle || self.topology.peers(from) != *peers {
            return;
        }
        duties.insert(Duty { kind: DutyKind::Probe, from: [from].into(), to: peers.clone() });
        duties.insert(Duty { kind: DutyKind::Probe, from: peers.clone(), to: [from].into() });
    }

    /// A REQ that is not answered begins anew with its first peer, so one that is dead keeps it from all the others.
    fn of_req(&self, from: SocketIndex, peers: &BTreeSet<SocketIndex>, duties: &mut BTreeSet<Duty>) {
        if self.has_dead_end(from) || peers.iter().any(|peer| !self.role(*peer).answers) {
            return;
        }
        for to in peers {
            self.to_one(from, *to, duties);
        }
    }

    /// Whether the socket connects to where nobody is, or to somebody that it cannot talk to.
    fn has_dead_end(&self, socket: SocketIndex) -> bool {
        let alive = self.peers(socket);
        Topology::ever(self.plan).peers(socket) != alive
            || self.plan[socket].connect.len() > alive.len()
            || self.plan.host_of(socket).is_some_and(|host| never_comes_back(self.plan, host))
    }

    /// Whether a subscriber is subscribed in the end, so that one of the probes is for it.
    fn wants_probes(&self, publisher: SocketIndex, subscriber: SocketIndex) -> bool {
        let inverted = |socket: SocketIndex| self.plan[socket].options.invert_matching == Some(true);
        // By hand it is for the application to let anybody subscribe.
        let grants = self.plan[publisher].options.xpub_manual == Some(true);
        !inverted(publisher) && !inverted(subscriber) && !grants && is_subscribed(self.plan, subscriber)
    }

    /// From a socket, through devices, to those at the other end.
    fn through_devices(&self, from: SocketIndex, duties: &mut BTreeSet<Duty>) {
        if !self.role(from).probes {
            return;
        }
        let mut seen = BTreeSet::new();
        let mut ends = BTreeSet::new();
        let mut whole = true;
        self.follow(from, &mut seen, &mut ends, &mut whole);
        if ends.is_empty() {
            return;
        }
        if matches!(self.type_of(from), SocketType::Pub | SocketType::XPub) {
            for to in ends.into_iter().filter(|to| self.wants_probes(from, *to)) {
                duties.insert(duty(DutyKind::Probe, [from], [to]));
            }
            return;
        }
        if self.type_of(from) == SocketType::Req && (self.has_dead_end(from) || !whole) {
            return;
        }
        duties.insert(Duty { kind: DutyKind::Probe, from: [from].into(), to: ends.clone() });
        let asks = matches!(self.type_of(from), SocketType::Req | SocketType::Dealer);
        if asks && whole && ends.iter().all(|end| self.role(*end).answers) {
            duties.insert(Duty { kind: DutyKind::Answer, from: ends, to: [from].into() });
        }
    }

    /// Follows what is sent by a socket into the devices that get it.
    fn follow(
        &self,
        from: SocketIndex,
        seen: &mut BTreeSet<SocketIndex>,
        ends: &mut BTreeSet<SocketIndex>,
        whole: &mut bool,
    ) {
        for front in self.peers(from) {
            let backs = self.topology.devices().iter().filter_map(|device| match device {
                [one, other] if *one == front => Some(*other),
                [one, other] if *other == front => Some(*one),
                _ => None,
            });
            for back in backs.filter(|back| self.is_device(front, *back)) {
                if !seen.insert(back) {
                    continue;
                }
                for end in self.peers(back) {
                    if carries(self.type_of(back), self.type_of(end)) && self.role(end).receives && !self.forwards(end)
                    {
                        ends.insert(end);
                    }
                }
                *whole &= self.topology.peers(back).iter().all(|peer| self.role(*peer).answers);
                self.follow(back, seen, ends, whole);
            }
        }
    }

    fn forwards(&self, socket: SocketIndex) -> bool {
        self.topology.devices().iter().any(|device| device.contains(&socket))
    }

    /// Whether what comes in at the front of this device goes out at its back as it should.
    fn is_device(&self, front: SocketIndex, back: SocketIndex) -> bool {
        use SocketType::{Dealer, Pull, Push, Router, XPub, XSub};
        let kinds = (self.type_of(front), self.type_of(back));
        matches!(kinds, (Router, Dealer) | (Pull, Push) | (XSub, XPub)) && self.role(front).receives
    }
}

fn duty<const N: usize, const M: usize>(kind: DutyKind, from: [SocketIndex; N], to: [SocketIndex; M]) -> Duty {
    Duty { kind, from: from.into(), to: to.into() }
}

/// What the actors of a socket do in the end.
fn role(plan: &Plan, socket: SocketIndex) -> Role {
    let mut role = Role::default();
    for actor in ActorIndex::all(plan) {
        let is_meant = |named: Option<&str>| plan.meant(actor, named) == Some(socket);
        for step in &plan[actor].r#do {
            match step {
                Step::Settle { socket: named } if is_meant(named.as_deref()) => {
                    role.probes = true;
                    role.receives = true;
                }
                Step::Serve(serve) if serve.count.is_none() && is_meant(serve.socket.as_deref()) => {
                    role.receives = true;
                    role.answers = true;
                }
                Step::Forward { front, back, r#for: None }
                    if [front, back].into_iter().any(|side| plan.socket(side) == Some(socket)) =>
                {
                    role.receives = true;
                }
                _ => {}
            }
        }
    }
    role
}

/// Whether somebody receives what comes to a socket, until the plan is settled.
pub(crate) fn reads_to_the_end(plan: &Plan, socket: SocketIndex) -> bool {
    role(plan, socket).receives
}

/// Whether a socket holds a subscription when all its steps are done.
fn is_subscribed(plan: &Plan, socket: SocketIndex) -> bool {
    let mut held: BTreeMap<&str, i64> = BTreeMap::new();
    for topic in &plan[socket].subscribe {
        *held.entry(topic).or_default() += 1;
    }
    for actor in ActorIndex::all(plan) {
        for step in &plan[actor].r#do {
            match step {
                Step::Subscribe(to) if plan.meant(actor, to.socket.as_deref()) == Some(socket) => {
                    *held.entry(&to.topic).or_default() += 1;
                }
                Step::Unsubscribe(to) if plan.meant(actor, to.socket.as_deref()) == Some(socket) => {
                    let count = held.entry(&to.topic).or_default();
                    *count = (*count - 1).max(0);
                }
                Step::Open { socket: named } if plan.meant(actor, named.as_deref()) == Some(socket) => {
                    held.clear();
                    for topic in &plan[socket].subscribe {
                        *held.entry(topic).or_default() += 1;
                    }
                }
                _ => {}
            }
        }
    }
    held.values().any(|count| *count > 0)
}

/// How long a packet is under way at worst, over any link of the plan.
pub(crate) fn worst_latency(plan: &Plan) -> std::time::Duration {
    let of = |link: &Link| {
        let longest = link.latency.tail.map_or(link.latency.max.0, |tail| tail.0.max(link.latency.max.0));
        // What is lost is sent again, after a while and longer whiles.
        let again = if link.loss.unwrap_or(0) > 0 { 1500 } else { 0 };
        // A full queue of a slow link is a latency, too: a packet of 1,500 octets, behind those that wait.
        let waits = link
            .bandwidth
            .map_or(0, |bandwidth| u64::from(link.queue.unwrap_or(65_536)).saturating_mul(1000) / bandwidth.max(1));
        longest + std::time::Duration::from_millis(again + waits)
    };
    let links = plan.links.iter().map(|rule| of(&rule.is));
    let hosts = HostIndex::all(plan).count();
    // With a single host nothing but its loopback is there.
    let network = if hosts > 1 { of(&plan.network) } else { std::time::Duration::ZERO };
    links.chain([network]).max().unwrap_or_default() + std::time::Duration::from_millis(5)
}
