//! Plays the faults of a plan on real descriptors: what is wrong is ordered of the interposer.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::thread;

use zmq_sim::draw::Draws;
use zmq_sim::history::What;
use zmq_sim::plan::{Direction, Fault, FaultIndex, FaultKind, HostEvent, HostIndex, NameChange, Plan, Trigger};
use zmq_sim::time::Time;

use super::process;
use super::shared::{Heard, Shared};
use crate::control::Order;

pub(super) struct Director {
    shared: Arc<Shared>,
    plan: Arc<Plan>,
    /// What is due when, in the order in which it was planned.
    due: BTreeMap<(Time, u32), Due>,
    planned: u32,
    hosts: Vec<Host>,
    /// Faults that last, and until when.
    active: BTreeMap<FaultIndex, Time>,
    healed: bool,
}

#[derive(Debug, Clone, Copy)]
enum Due {
    Begin(FaultIndex),
    End(FaultIndex),
    /// A swizzle cuts a host off until then.
    Cut(HostIndex, Time),
    Heal,
}

struct Host {
    life: u16,
    moves: u8,
    down: Option<HostEvent>,
    stays_down: bool,
}

impl Director {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        let plan = Arc::clone(&shared.plan);
        let host = |_| Host { life: 0, moves: 0, down: None, stays_down: false };
        let hosts = HostIndex::all(&plan).map(host).collect();
        let (due, active) = (BTreeMap::new(), BTreeMap::new());
        Self { shared: Arc::clone(shared), plan, due, planned: 0, hosts, active, healed: false }
    }

    /// Names, addresses, clocks and folders, before anybody begins.
    pub(super) fn set_the_stage(&mut self) {
        self.shared.control.be_of(u32::from(u16::MAX));
        for host in HostIndex::all(&self.plan) {
            self.settle_in(host);
            // The folder of the run is new, so this is not there.
            let _ = std::fs::create_dir(self.shared.folder.join(host.0.to_string()));
            if let Some(offset) = self.plan[host].clock_offset {
                let offset = u64::try_from(offset.0.as_nanos()).unwrap_or(0);
                self.shared.control.order(Order::Jump, process::number(host, 0), 0, offset);
            }
        }
        self.name_all();
        for fault in FaultIndex::all(&Arc::clone(&self.plan)) {
            match &self.plan[fault].after {
                None => self.plan_to_begin(fault, Time::START),
                Some(Trigger::Socket { .. }) => {}
                Some(Trigger::Octets { from, to, count }) => self.await_octets(fault, from, to, *count),
            }
        }
        self.at(Time::START + self.plan.heal.0, Due::Heal);
    }

    /// Plays until all is over, or the time is; who was doing what then.
    pub(super) fn play(&mut self) -> Option<Vec<String>> {
        let limit = Time::START + self.plan.limit.0;
        loop {
            let next = self.due.keys().next().map_or(limit, |(at, _)| (*at).min(limit));
            match self.shared.listen(next) {
                Heard::Over => return None,
                Heard::Triggered(faults) => {
                    let now = self.shared.now();
                    faults.into_iter().for_each(|fault| self.plan_to_begin(fault, now));
                }
                Heard::Nothing => {}
            }
            let now = self.shared.now();
            if now >= limit {
                return Some(self.shared.positions());
            }
            while let Some(first) = self.due.first_entry().filter(|first| first.key().0 <= now) {
                match first.remove() {
                    Due::Begin(fault) => self.begin(fault, now),
                    Due::End(fault) => self.end(fault),
                    Due::Cut(host, until) => self.cut_off(host, until),
                    Due::Heal => self.heal(),
                }
            }
        }
    }

    fn at(&mut self, at: Time, what: Due) {
        self.planned += 1;
        self.due.insert((at, self.planned), what);
    }

    fn plan_to_begin(&mut self, fault: FaultIndex, from: Time) {
        self.at(from + self.plan[fault].at.0, Due::Begin(fault));
    }

    /// A thread of its own waits for the octet, and holds those behind it until the fault has begun.
    fn await_octets(&self, fault: FaultIndex, from: &str, to: &str, count: u64) {
        let (Some(from), Some(to)) = (self.plan.host(from), self.plan.host(to)) else { return };
        let (here, until) = (Arc::clone(&self.shared), Time::START + self.plan.heal.0);
        let waits = thread::Builder::new().spawn(move || {
            here.control.await_octets(from.0.into(), to.0.into(), count, until);
            if here.now() < until {
                here.trigger(fault);
            }
        });
        drop(waits.expect("the system has room for a thread"));
    }

    fn begin(&mut self, index: FaultIndex, now: Time) {
        if self.healed {
            return;
        }
        let plan = Arc::clone(&self.plan);
        let fault = &plan[index];
        let heal = Time::START + plan.heal.0;
        let until = fault.r#for.map_or(heal, |span| (now + span.0).min(heal));
        self.shared.note(What::Fault(index));
        self.apply(fault, index, until);
        if fault.what.lasts() {
            self.active.insert(index, until);
            if fault.r#for.is_some() {
                self.at(until, Due::End(index));
            }
        } else {
            self.shared.note(What::Healed(index));
        }
    }

    fn apply(&mut self, fault: &Fault, index: FaultIndex, until: Time) {
        let control = self.shared.control;
        let plan = Arc::clone(&self.plan);
        let pair = |between: &[String; 2]| Some((plan.host(&between[0])?, plan.host(&between[1])?));
        let nanos = until.as_nanos();
        match &fault.what {
            FaultKind::Partition { between, direction, .. } => {
                let Some((a, b)) = pair(between) else { return };
                if *direction != Direction::Back {
                    self.hold(a, b, until);
                }
                if *direction != Direction::Forth {
                    self.hold(b, a, until);
                }
            }
            FaultKind::Swizzle { hosts } => self.swizzle(index, hosts, until),
            FaultKind::Reset { between } => {
                if let Some((a, b)) = pair(between) {
                    control.order(Order::Reset, a.0.into(), b.0.into(), 0);
                }
            }
            FaultKind::HalfOpen { between } | FaultKind::Stall { between } => {
                if let Some((a, b)) = pair(between) {
                    control.order(Order::Stall, a.0.into(), b.0.into(), nanos);
                }
            }
            FaultKind::TinyBuffers { host, octets } => self.order(host, Order::Narrow, (*octets).into()),
            FaultKind::Torn { host, at_most } => self.order(host, Order::Tear, (*at_most).into()),
            FaultKind::DuplicateConnect { socket } => {
                if let Some(socket) = plan.socket(socket) {
                    self.shared.connect_again(socket);
                }
            }
            FaultKind::Down { host, how, restart, .. } => {
                if let Some(host) = plan.host(host) {
                    self.go_down(host, *how, *restart);
                }
            }
            FaultKind::Pause { host } => self.order(host, Order::Freeze, nanos),
            FaultKind::NoDescriptors { host } => self.order(host, Order::Fill, nanos),
            FaultKind::RefuseAccept { host } => self.order(host, Order::Refuse, nanos),
            FaultKind::Name { name, change } => match change {
                NameChange::Fails => control.name(name, &[]),
                NameChange::LeadsTo(host) => {
                    let addresses = plan.host(host).map(|host| self.addresses(host)).unwrap_or_default();
                    control.name(name, &addresses);
                }
                NameChange::Slow(_) => {}
            },
            FaultKind::ClockJump { host, by } => {
                self.order(host, Order::Jump, u64::try_from(by.0.as_nanos()).unwrap_or(u64::MAX));
            }
            // The engine says that it lacks them.
            FaultKind::SlowLink { .. } => {}
        }
    }

    fn end(&mut self, index: FaultIndex) {
        let plan = Arc::clone(&self.plan);
        if matches!(plan[index].what, FaultKind::Down { restart: false, .. }) || self.active.remove(&index).is_none() {
            return;
        }
        match &plan[index].what {
            FaultKind::TinyBuffers { host, .. } => self.order(host, Order::Narrow, 0),
            FaultKind::Torn { host, .. } => self.order(host, Order::Tear, 0),
            FaultKind::HalfOpen { between } => {
                // Whoever lies between knows these streams no more, and says so.
                if let (Some(a), Some(b)) = (plan.host(&between[0]), plan.host(&between[1])) {
                    self.shared.control.order(Order::Reset, a.0.into(), b.0.into(), 0);
                }
            }
            FaultKind::Name { .. } => self.name_all(),
            FaultKind::Pause { host } => self.order(host, Order::Thaw, 0),
            FaultKind::Down { host, other_address, .. } => {
                if let Some(host) = plan.host(host) {
                    self.hosts[usize::from(host.0)].moves += u8::from(*other_address);
                    self.come_up(host);
                }
            }
            // They ended by themselves.
            FaultKind::Partition { .. }
            | FaultKind::Swizzle { .. }
            | FaultKind::Reset { .. }
            | FaultKind::Stall { .. }
            | FaultKind::SlowLink { .. }
            | FaultKind::DuplicateConnect { .. }
            | FaultKind::NoDescriptors { .. }
            | FaultKind::RefuseAccept { .. }
            | FaultKind::ClockJump { .. } => {}
        }
        self.shared.note(What::Healed(index));
        // What ended may have been longer, by another that lasts.
        let others: Vec<(FaultIndex, Time)> = self.active.iter().map(|(index, until)| (*index, *until)).collect();
        for (other, until) in others {
            if matches!(
                plan[other].what,
                FaultKind::TinyBuffers { .. }
                    | FaultKind::Torn { .. }
                    | FaultKind::Name { .. }
                    | FaultKind::Pause { .. }
            ) {
                self.apply(&plan[other], other, until);
            }
        }
    }

    fn heal(&mut self) {
        self.healed = true;
        let last: Vec<FaultIndex> = self.active.keys().copied().collect();
        last.into_iter().for_each(|fault| self.end(fault));
        self.shared.control.heal();
        self.shared.note(What::AllHealed);
    }

    fn go_down(&mut self, host: HostIndex, how: HostEvent, restart: bool) {
        let place = &mut self.hosts[usize::from(host.0)];
        place.stays_down |= !restart;
        if place.down.is_some() {
            return;
        }
        place.down = Some(how);
        let (life, again) = (place.life, !place.stays_down);
        let order = match how {
            HostEvent::Kill => Order::Kill,
            HostEvent::PowerLoss => Order::PowerLoss,
        };
        self.shared.control.order(order, process::number(host, life), 0, 0);
        self.shared.is_killed(host, life, again);
        self.shared.note(What::Down(host));
    }

    fn come_up(&mut self, host: HostIndex) {
        let place = &mut self.hosts[usize::from(host.0)];
        if place.stays_down || place.down.is_none() {
            return;
        }
        let before = place.life;
        place.life += 1;
        let life = place.life;
        if place.down.take() == Some(HostEvent::PowerLoss) {
            // A system that begins knows nothing of streams before its time.
            self.shared.control.order(Order::ResetDead, process::number(host, before), 0, 0);
        }
        self.settle_in(host);
        self.name_all();
        self.shared.note(What::Up(host, life));
        process::spawn(&self.shared, host, life);
    }

    /// A drawn part of the hosts goes one by one in the first half, and comes back in another order in the second.
    fn swizzle(&mut self, index: FaultIndex, hosts: &[String], until: Time) {
        let mut draws = Draws::new(self.plan.seed, &format!("swizzle.{}", index.0));
        let mut cut: Vec<HostIndex> = hosts.iter().filter_map(|host| self.plan.host(host)).collect();
        draws.shuffle(&mut cut);
        cut.truncate(usize::try_from(draws.between(1, cut.len() as u64)).unwrap_or(1));
        let now = self.shared.now();
        let parts = u32::try_from(cut.len()).unwrap_or(u32::MAX).saturating_mul(2).max(1);
        let step = (until - now) / parts;
        let mut back = cut.clone();
        draws.shuffle(&mut back);
        for (turn, host) in (0..).zip(&cut) {
            let returns = back.iter().position(|other| other == host).and_then(|place| u32::try_from(place).ok());
            let until = now + step * (parts / 2 + 1 + returns.unwrap_or(0));
            self.at(now + step * turn, Due::Cut(*host, until));
        }
    }

    fn cut_off(&mut self, host: HostIndex, until: Time) {
        if self.healed {
            return;
        }
        for other in HostIndex::all(&Arc::clone(&self.plan)).filter(|other| *other != host) {
            self.hold(host, other, until);
            self.hold(other, host, until);
        }
    }

    fn hold(&self, from: HostIndex, to: HostIndex, until: Time) {
        self.shared.control.order(Order::Hold, from.0.into(), to.0.into(), until.as_nanos());
    }

    /// Orders something of a host as it lives now.
    fn order(&self, host: &str, what: Order, value: u64) {
        if let Some(host) = self.plan.host(host) {
            let life = self.hosts[usize::from(host.0)].life;
            self.shared.control.order(what, process::number(host, life), 0, value);
        }
    }

    fn addresses(&self, host: HostIndex) -> Vec<IpAddr> {
        let moves = self.hosts[usize::from(host.0)].moves;
        if moves == 0 && !self.plan[host].addresses.is_empty() {
            return self.plan[host].addresses.clone();
        }
        let [high, low] = host.0.to_be_bytes();
        vec![Ipv4Addr::new(100, 64 + moves % 64, high, low).into()]
    }

    fn settle_in(&self, host: HostIndex) {
        self.shared.control.address(host.0.into(), &self.addresses(host));
    }

    /// All names lead where the plan says.
    fn name_all(&self) {
        for host in HostIndex::all(&self.plan) {
            self.shared.control.name(&self.plan[host].name, &self.addresses(host));
        }
        for rule in &self.plan.names {
            let of_hosts = rule.hosts.iter().filter_map(|host| self.plan.host(host));
            let mut addresses: Vec<IpAddr> = of_hosts.flat_map(|host| self.addresses(host)).collect();
            addresses.extend(&rule.addresses);
            self.shared.control.name(&rule.name, &addresses);
        }
    }
}
