//! What a run does wrong on purpose: rates of faults drawn by key, and faults that the program around the run orders.

use core::net::IpAddr;
use std::collections::BTreeMap;

use crate::run::NEVER;

/// The machine of a host: hosts that differ above the low 16 bits are lives of processes on the same one.
pub(crate) const fn machine(host: u32) -> u32 {
    host & 0xffff
}

/// How a run is to be. Zero everywhere but the seed is a run without faults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Of every draw.
    pub seed: u64,
    /// [`KEEP_EVENTS`] and others, or 0.
    pub flags: u64,
    /// What the calendar's clock shows at the start, in seconds since 1970.
    pub calendar: u64,
    /// Of faults.
    pub rates: Rates,
}

/// Flag of [`Options`]: events are kept, not only their hash.
pub const KEEP_EVENTS: u64 = 1;

/// How often something goes wrong, in 65,536 occasions.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// A read or write on a connection moves a few octets only. Occasion: the call.
    pub torn: u32,
    /// A connection is neither readable nor writable for up to 100 ms. Occasion: a read or write.
    pub delay: u32,
    /// A connection is reset, ended or goes silent behind an octet that is drawn. Occasion: the connection.
    pub cut: u32,
    /// A connect is refused, or finds no route. Occasion: the call.
    pub refuse: u32,
    /// An accept finds the table of descriptors full, or the connection gone. Occasion: the call.
    pub accept: u32,
    /// A call ends with `EINTR`. Occasion: a call that may.
    pub interrupt: u32,
    /// The clock jumps forward by a millisecond to half a minute. Occasion: a scheduling point.
    pub clock: u32,
    /// A thread hardly runs, or nearly alone, for 512 points. Occasion: those 512 points.
    pub starve: u32,
    /// A condition wait ends without a reason. Occasion: the wait.
    pub spurious: u32,
}

impl Rates {
    /// All kinds, at rates that leave programs some progress.
    pub const ALL: Self = Self {
        torn: 20_000,
        delay: 1500,
        cut: 14_000,
        refuse: 6000,
        accept: 3000,
        interrupt: 600,
        clock: 4,
        starve: 16_000,
        spurious: 1500,
    };
}

impl Options {
    pub(crate) fn keeps_events(&self) -> bool {
        self.flags & KEEP_EVENTS != 0
    }
}

/// What is wrong with hosts and the ways between them, as ordered from outside.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    hosts: BTreeMap<u32, Host>,
    /// Ways that carry nothing, until when. From, to.
    held: BTreeMap<(u32, u32), u64>,
    frozen: u32,
    /// Machines by their addresses.
    addresses: BTreeMap<IpAddr, u32>,
    /// Octets that have gone from one machine to another, and who waits for how many.
    gone: BTreeMap<(u32, u32), u64>,
    pub(crate) awaited: Vec<Awaited>,
}

/// A thread waits until so many octets have gone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Awaited {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) count: u64,
}

#[derive(Debug, Default)]
struct Host {
    /// By how much its clock is ahead.
    offset: u64,
    /// Its threads stand still until then.
    frozen_until: u64,
    /// Nobody can connect to it until then.
    refuses_until: u64,
    /// It has no descriptor to spare until then.
    full_until: u64,
    /// Octets that one read or write takes at most; 0: any number.
    torn: u64,
    /// Octets that may be on their way from it on each connection; 0: what the kernel takes.
    window: u64,
}

impl Hosts {
    pub(crate) fn offset(&self, host: u32) -> u64 {
        self.hosts.get(&host).map_or(0, |host| host.offset)
    }

    pub(crate) fn jump(&mut self, host: u32, by: u64) {
        self.hosts.entry(host).or_default().offset += by;
    }

    pub(crate) fn freeze(&mut self, host: u32, until: u64) {
        self.hosts.entry(host).or_default().frozen_until = until;
        self.frozen = u32::from(self.hosts.values().any(|host| host.frozen_until != 0));
    }

    pub(crate) fn any_frozen(&self, now: u64) -> bool {
        self.frozen != 0 && self.hosts.values().any(|host| host.frozen_until > now)
    }

    pub(crate) fn is_frozen(&self, host: u32, now: u64) -> bool {
        self.hosts.get(&host).is_some_and(|host| host.frozen_until > now)
    }

    pub(crate) fn next_thaw(&self, now: u64) -> Option<u64> {
        let times = self.hosts.values().map(|host| host.frozen_until);
        times.filter(|until| *until > now && *until != NEVER).min()
    }

    pub(crate) fn refuse(&mut self, host: u32, until: u64) {
        self.hosts.entry(host).or_default().refuses_until = until;
    }

    pub(crate) fn refuses(&self, host: u32, now: u64) -> bool {
        self.hosts.get(&host).is_some_and(|host| host.refuses_until > now)
    }

    pub(crate) fn fill(&mut self, host: u32, until: u64) {
        self.hosts.entry(host).or_default().full_until = until;
    }

    pub(crate) fn is_full(&self, host: u32, now: u64) -> bool {
        self.hosts.get(&host).is_some_and(|host| host.full_until > now)
    }

    pub(crate) fn tear(&mut self, host: u32, at_most: u64) {
        self.hosts.entry(host).or_default().torn = at_most;
    }

    pub(crate) fn torn(&self, host: u32) -> u64 {
        self.hosts.get(&host).map_or(0, |host| host.torn)
    }

    pub(crate) fn narrow(&mut self, host: u32, window: u64) {
        self.hosts.entry(host).or_default().window = window;
    }

    pub(crate) fn window(&self, host: u32) -> u64 {
        self.hosts.get(&host).map_or(0, |host| host.window)
    }

    /// Nothing goes from one machine to another until then.
    pub(crate) fn hold(&mut self, from: u32, to: u32, until: u64) {
        self.held.insert((machine(from), machine(to)), until);
    }

    pub(crate) fn held_until(&self, from: u32, to: u32) -> u64 {
        if self.held.is_empty() { 0 } else { self.held.get(&(machine(from), machine(to))).copied().unwrap_or(0) }
    }

    /// A machine has these addresses, and no others.
    pub(crate) fn address(&mut self, of: u32, addresses: &[IpAddr]) {
        self.addresses.retain(|_, machine| *machine != of);
        self.addresses.extend(addresses.iter().map(|ip| (*ip, of)));
    }

    /// The machine that somebody on `from` reaches by this address.
    pub(crate) fn machine_at(&self, ip: IpAddr, from: u32) -> u32 {
        let own = machine(from);
        if ip.is_loopback() || ip.is_unspecified() { own } else { self.addresses.get(&ip).copied().unwrap_or(own) }
    }

    /// An address of the machine of this family, other than loopback.
    pub(crate) fn address_of(&self, host: u32, like: IpAddr) -> Option<IpAddr> {
        let own = |(_, of): &(&IpAddr, &u32)| **of == machine(host);
        self.addresses.iter().filter(own).map(|(ip, _)| *ip).find(|ip| ip.is_ipv4() == like.is_ipv4())
    }

    /// Octets have gone; whether that is what somebody waits for.
    pub(crate) fn carry(&mut self, from: u32, to: u32, octets: u64) -> bool {
        let way = (machine(from), machine(to));
        let gone = self.gone.entry(way).or_default();
        *gone += octets;
        let gone = *gone;
        self.awaited.iter().any(|one| (one.from, one.to) == way && gone >= one.count)
    }

    pub(crate) fn gone(&self, from: u32, to: u32) -> u64 {
        self.gone.get(&(from, to)).copied().unwrap_or(0)
    }

    /// How many octets may go this way before somebody who waits for them has seen them go.
    pub(crate) fn before_awaited(&self, from: u32, to: u32) -> Option<u64> {
        if self.awaited.is_empty() {
            return None;
        }
        let way = (machine(from), machine(to));
        let gone = self.gone(way.0, way.1);
        let all = self.awaited.iter().filter(|one| (one.from, one.to) == way);
        all.map(|one| one.count.saturating_sub(gone)).min()
    }

    /// Whatever was ordered to be wrong is so no more; who was killed stays so.
    pub(crate) fn heal(&mut self) {
        self.held.clear();
        for host in self.hosts.values_mut().filter(|host| host.frozen_until != NEVER) {
            *host = Host { offset: host.offset, ..Host::default() };
        }
    }
}
