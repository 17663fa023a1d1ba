//! Timers of hosts, on their own clocks.

use crate::event::Event;
use crate::id::{HostId, TimerId, Wake};
use crate::world::World;

/// All timers. A cancelled one leaves its event in the queue; when there are too many of those, the queue is swept.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    slots: Vec<Timer>,
    free: Vec<u32>,
    last_serial: u64,
    /// Events in the queue whose timer was cancelled or moved.
    stale: usize,
}

#[derive(Debug)]
struct Timer {
    /// 0: there is none. A timer whose host's clock was changed gets another.
    event: u64,
    serial: u64,
    host: HostId,
    /// In nanoseconds of the host's clock.
    at: u64,
}

impl Timers {
    #[inline]
    pub(crate) fn is_live(&self, slot: u32, event: u64) -> bool {
        self.slots[slot as usize].event == event
    }
}

impl World {
    /// Tells [`Wake::Timer`] when the host's monotonic clock says `at` or later, nanoseconds. Clocks that are changed later
    /// change when that is.
    pub fn set_timer(&mut self, host: HostId, at: u64) -> TimerId {
        let when = self.hosts[host.index()].clock.when(at).max(self.now);
        self.hosts[host.index()].used.timers += 1;
        self.timers.last_serial += 1;
        let serial = self.timers.last_serial;
        let timer = Timer { event: serial, serial, host, at };
        let slot = match self.timers.free.pop() {
            Some(slot) => {
                self.timers.slots[slot as usize] = timer;
                slot
            }
            None => {
                self.timers.slots.push(timer);
                u32::try_from(self.timers.slots.len() - 1).expect("timers are fewer than 2^32")
            }
        };
        self.queue.push(when, Event::Timer { slot, serial });
        TimerId { serial, slot }
    }

    /// Makes sure that the timer is not told, if it was not already.
    pub fn cancel_timer(&mut self, timer: TimerId) {
        let slot = &self.timers.slots[timer.slot as usize];
        if slot.event == 0 || slot.serial != timer.serial {
            return;
        }
        self.forget_timer(timer.slot);
        self.timers.stale += 1;
        self.sweep_timers();
    }

    pub(crate) fn on_timer(&mut self, slot: u32, _event: u64) {
        let Timer { serial, host, .. } = self.timers.slots[slot as usize];
        self.forget_timer(slot);
        self.wake(host, Wake::Timer(TimerId { serial, slot }));
    }

    /// Puts the timers of a host to where its changed clock has them.
    pub(crate) fn move_timers(&mut self, host: HostId) {
        for index in 0..self.timers.slots.len() {
            let timer = &self.timers.slots[index];
            if timer.event == 0 || timer.host != host {
                continue;
            }
            let when = self.hosts[host.index()].clock.when(timer.at).max(self.now);
            self.timers.last_serial += 1;
            let event = self.timers.last_serial;
            self.timers.slots[index].event = event;
            self.timers.stale += 1;
            let slot = u32::try_from(index).expect("timers are fewer than 2^32");
            self.queue.push(when, Event::Timer { slot, serial: event });
        }
        self.sweep_timers();
    }

    pub(crate) fn cancel_timers(&mut self, host: HostId) {
        for index in 0..self.timers.slots.len() {
            if self.timers.slots[index].event != 0 && self.timers.slots[index].host == host {
                self.forget_timer(u32::try_from(index).expect("timers are fewer than 2^32"));
                self.timers.stale += 1;
            }
        }
        self.sweep_timers();
    }

    fn forget_timer(&mut self, slot: u32) {
        let timer = &mut self.timers.slots[slot as usize];
        timer.event = 0;
        self.hosts[timer.host.index()].used.timers -= 1;
        self.timers.free.push(slot);
    }

    /// Keeps the queue from growing with timers that are set and cancelled again and again.
    fn sweep_timers(&mut self) {
        if self.timers.stale > 64 && self.timers.stale > self.queue.len() / 2 {
            let timers = &self.timers;
            self.queue.retain(|event| match *event {
                Event::Timer { slot, serial } => timers.is_live(slot, serial),
                Event::Packet { .. }
                | Event::Acknowledged { .. }
                | Event::Retransmit { .. }
                | Event::Transmit { .. }
                | Event::HandshakeLate { .. }
                | Event::Lookup(_)
                | Event::Datagram { .. }
                | Event::Alarm(_) => true,
            });
            self.timers.stale = 0;
        }
    }
}
