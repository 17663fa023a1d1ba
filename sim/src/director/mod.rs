//! The director: plays the faults of a plan on the world of a run.
//!
//! Faults overlap. So none of them is undone by its opposite: each part of the world is what the plan says, altered by all
//! faults that last at that moment (`state`), and is looked at again whenever one begins or ends.

mod state;
mod trigger;
mod world_of;

use std::collections::BTreeMap;
use std::sync::Arc;

use zmq_world::{HostId, StreamId, World};

use crate::draw::Draws;
use crate::history::{History, What};
use crate::plan::{FaultIndex, FaultKind, HostEvent, HostIndex, Plan, SocketIndex};
use crate::time::Time;

pub use world_of::world_of;

use state::State;
use trigger::Triggers;

/// What the director needs of an engine.
pub trait Stage {
    /// The world of the run, by [`world_of`].
    fn world(&mut self) -> &mut World;

    /// A host of the plan in the world.
    fn world_host(&self, host: HostIndex) -> HostId;

    /// The history of the run.
    fn history(&mut self) -> &mut History;

    /// The host's process is gone; the world knows. Its tasks and sockets are dropped, and nothing of what they do when
    /// they are dropped may reach the world. Notes [`What::Down`].
    fn down(&mut self, host: HostIndex, how: HostEvent);

    /// The host's process begins again, in its next life; the world knows. Notes [`What::Up`].
    fn up(&mut self, host: HostIndex);

    /// The process of the host stands still, or goes on. The world keeps back wakes for it; an engine that wakes tasks by
    /// itself keeps those back ([`World::condition`] says it too).
    fn pause(&mut self, host: HostIndex, is_paused: bool) {
        let _ = (host, is_paused);
    }

    /// The socket connects once more to the first of its endpoints. Nothing if its host is down or it is closed.
    fn duplicate_connect(&mut self, socket: SocketIndex);
}

/// Plays the faults of a plan.
///
/// An engine calls [`Self::begin`] before the first process starts, [`Self::alarm`] for each [`zmq_world::Wake::Alarm`]
/// from [`FIRST_TAG`] on, and [`Self::watch`] whenever something may have happened that a fault waits for.
#[derive(Debug)]
pub struct Director {
    plan: Arc<Plan>,
    /// What alarms are for, by their tags.
    alarms: Vec<Due>,
    triggers: Triggers,
    /// Faults that last, and what they have got hold of.
    active: BTreeMap<FaultIndex, Hold>,
    state: State,
    is_healed: bool,
}

/// What an alarm is for.
#[derive(Debug, Clone, Copy)]
enum Due {
    Begin(FaultIndex),
    End(FaultIndex),
    /// A swizzle cuts a host off.
    Cut(FaultIndex, HostIndex),
    /// A swizzle lets it back.
    Rejoin(FaultIndex, HostIndex),
    /// So many octets have gone.
    Octets(usize),
    Heal,
}

/// What a fault has got hold of when it began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Hold {
    /// Hosts that a swizzle has cut off by now.
    cut: Vec<HostIndex>,
    /// Streams that are stalled or half-open.
    streams: Vec<StreamId>,
    /// Descriptors that the host had.
    descriptors: Option<u32>,
}

/// The first of the director's tags of alarms. Engines use those below.
pub const FIRST_TAG: u64 = 1 << 32;

impl Director {
    /// For a plan that was checked.
    #[must_use]
    pub fn new(plan: &Arc<Plan>) -> Self {
        Self {
            plan: Arc::clone(plan),
            alarms: Vec::new(),
            triggers: Triggers::of(plan),
            active: BTreeMap::new(),
            state: State::of(plan),
            is_healed: false,
        }
    }

    /// Begins: faults of the start happen, all others get their alarms.
    pub fn begin(&mut self, stage: &mut dyn Stage) {
        for fault in FaultIndex::all(&Arc::clone(&self.plan)) {
            if self.plan[fault].after.is_none() {
                self.schedule(fault, stage);
            }
        }
        for (index, from, to, count) in self.triggers.octets(&self.plan) {
            let tag = self.tag(Due::Octets(index));
            let (from, to) = (stage.world_host(from), stage.world_host(to));
            stage.world().alarm_at_octets(from, to, count, tag);
        }
        self.remind(Time::START + self.plan.heal.0, Due::Heal, stage);
    }

    /// An alarm of the world. Tags of others are nothing to the director.
    pub fn alarm(&mut self, tag: u64, stage: &mut dyn Stage) {
        let index = tag.checked_sub(FIRST_TAG).and_then(|index| usize::try_from(index).ok());
        let Some(due) = index.and_then(|index| self.alarms.get(index).copied()) else { return };
        match due {
            Due::Begin(fault) => self.start(fault, stage),
            Due::End(fault) => self.end(fault, stage),
            Due::Cut(fault, host) => {
                if let Some(hold) = self.active.get_mut(&fault) {
                    hold.cut.push(host);
                    self.refresh(stage);
                }
            }
            Due::Rejoin(fault, host) => {
                if let Some(hold) = self.active.get_mut(&fault) {
                    hold.cut.retain(|cut| *cut != host);
                    self.refresh(stage);
                }
            }
            Due::Octets(trigger) => {
                let fault = self.triggers.of_octets(trigger);
                self.schedule(fault, stage);
            }
            Due::Heal => self.heal(stage),
        }
        self.watch(stage);
    }

    /// Looks at what is new in the history. Costs next to nothing where no fault waits for an event.
    #[inline]
    pub fn watch(&mut self, stage: &mut dyn Stage) {
        if self.triggers.is_idle() {
            return;
        }
        // What begins now may be what another fault waits for.
        while let Some(fault) = self.triggers.next(&self.plan, stage.history()) {
            self.schedule(fault, stage);
        }
    }

    /// Whether everything is healed.
    #[must_use]
    pub const fn is_healed(&self) -> bool {
        self.is_healed
    }

    /// Whether a host is down: its process was killed, or it has no power.
    #[must_use]
    pub fn is_down(&self, host: HostIndex) -> bool {
        self.state.is_down(host)
    }

    /// `at` counts from now.
    fn schedule(&mut self, fault: FaultIndex, stage: &mut dyn Stage) {
        let delay = self.plan[fault].at.0;
        if delay.is_zero() {
            self.start(fault, stage);
        } else {
            let at = now(stage) + delay;
            self.remind(at, Due::Begin(fault), stage);
        }
    }

    fn start(&mut self, fault: FaultIndex, stage: &mut dyn Stage) {
        if self.is_healed {
            return;
        }
        let plan = Arc::clone(&self.plan);
        let at = now(stage);
        stage.history().note(at, What::Fault(fault));
        let mut hold = Hold::default();
        match &plan[fault].what {
            FaultKind::Stall { between } | FaultKind::HalfOpen { between } => {
                hold.streams = state::streams_between(&plan, between, stage);
            }
            FaultKind::NoDescriptors { host } => {
                hold.descriptors = Some(state::descriptors_in_use(&plan, host, stage));
            }
            FaultKind::Swizzle { hosts } => self.swizzle(fault, hosts, stage),
            FaultKind::Reset { between } => {
                for stream in state::streams_between(&plan, between, stage) {
                    stage.world().reset_connection(stream);
                }
            }
            FaultKind::DuplicateConnect { socket } => {
                if let Some(socket) = plan.socket(socket) {
                    stage.duplicate_connect(socket);
                }
            }
            FaultKind::ClockJump { host, by } => {
                if let Some(host) = plan.host(host).map(|host| stage.world_host(host)) {
                    stage.world().jump_clock(host, by.0);
                }
            }
            FaultKind::Down { host, how, .. } => {
                if let Some(host) = plan.host(host) {
                    self.state.go_down(host, *how, stage);
                }
            }
            FaultKind::Pause { host } => {
                if let Some(host) = plan.host(host) {
                    self.state.pause(host, fault, stage);
                }
            }
            FaultKind::Partition { .. }
            | FaultKind::SlowLink { .. }
            | FaultKind::TinyBuffers { .. }
            | FaultKind::Torn { .. }
            | FaultKind::RefuseAccept { .. }
            | FaultKind::Name { .. } => {}
        }
        if plan[fault].what.lasts() {
            self.active.insert(fault, hold);
            self.refresh(stage);
            if let Some(span) = plan[fault].r#for {
                self.remind(at + span.0, Due::End(fault), stage);
            }
        } else {
            stage.history().note(at, What::Healed(fault));
        }
    }

    fn end(&mut self, fault: FaultIndex, stage: &mut dyn Stage) {
        let stays = matches!(self.plan[fault].what, FaultKind::Down { restart: false, .. });
        if stays {
            return;
        }
        let Some(hold) = self.active.remove(&fault) else { return };
        let plan = Arc::clone(&self.plan);
        match &plan[fault].what {
            // Whoever lies between knows these streams no more, and says so.
            FaultKind::HalfOpen { .. } => {
                hold.streams.iter().for_each(|stream| stage.world().reset_connection(*stream));
            }
            FaultKind::Pause { host } => {
                if let Some(host) = plan.host(host) {
                    self.state.resume(host, fault, stage);
                }
            }
            FaultKind::Down { host, other_address, .. } => {
                if let Some(host) = plan.host(host) {
                    self.state.moves(host, *other_address);
                    let others = self.active.keys().any(|other| matches!(&plan[*other].what, FaultKind::Down { host: same, .. } if *same == plan[host].name));
                    if !others {
                        self.state.come_up(host, stage);
                    }
                }
            }
            FaultKind::Partition { .. }
            | FaultKind::Swizzle { .. }
            | FaultKind::Reset { .. }
            | FaultKind::Stall { .. }
            | FaultKind::SlowLink { .. }
            | FaultKind::TinyBuffers { .. }
            | FaultKind::Torn { .. }
            | FaultKind::DuplicateConnect { .. }
            | FaultKind::NoDescriptors { .. }
            | FaultKind::RefuseAccept { .. }
            | FaultKind::Name { .. }
            | FaultKind::ClockJump { .. } => {}
        }
        self.refresh(stage);
        let at = now(stage);
        stage.history().note(at, What::Healed(fault));
    }

    fn heal(&mut self, stage: &mut dyn Stage) {
        let last: Vec<FaultIndex> = self.active.keys().copied().collect();
        self.is_healed = true;
        self.triggers.rest();
        for fault in last {
            self.end(fault, stage);
        }
        let at = now(stage);
        stage.history().note(at, What::AllHealed);
    }

    /// A drawn part of the hosts goes one by one in the first half, and comes back in another order in the second.
    fn swizzle(&mut self, fault: FaultIndex, hosts: &[String], stage: &mut dyn Stage) {
        let mut draws = Draws::new(self.plan.seed, &format!("swizzle.{}", fault.0));
        let mut cut: Vec<HostIndex> = hosts.iter().filter_map(|host| self.plan.host(host)).collect();
        draws.shuffle(&mut cut);
        cut.truncate(usize::try_from(draws.between(1, cut.len() as u64)).unwrap_or(1));
        let at = now(stage);
        let until_heal = (Time::START + self.plan.heal.0).saturating_since(at);
        let span = self.plan[fault].r#for.map_or(until_heal, |span| span.0.min(until_heal));
        let parts = u32::try_from(cut.len()).unwrap_or(u32::MAX).saturating_mul(2).max(1);
        for (turn, host) in (0..).zip(&cut) {
            self.remind(at + span / parts * turn, Due::Cut(fault, *host), stage);
        }
        draws.shuffle(&mut cut);
        for (turn, host) in (parts / 2 + 1..).zip(&cut) {
            self.remind(at + span / parts * turn, Due::Rejoin(fault, *host), stage);
        }
    }

    fn refresh(&mut self, stage: &mut dyn Stage) {
        self.state.refresh(&self.plan, &self.active, stage);
    }

    fn remind(&mut self, at: Time, of: Due, stage: &mut dyn Stage) {
        let tag = self.tag(of);
        stage.world().alarm(zmq_world::Time::from_nanos(at.as_nanos()), tag);
    }

    fn tag(&mut self, of: Due) -> u64 {
        self.alarms.push(of);
        FIRST_TAG + (self.alarms.len() as u64 - 1)
    }
}

fn now(stage: &mut dyn Stage) -> Time {
    Time::from_nanos(stage.world().now().as_nanos())
}

#[cfg(test)]
mod tests;
