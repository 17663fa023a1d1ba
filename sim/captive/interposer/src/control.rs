//! How the program around a run begins it, ends it, and orders what goes wrong: functions that are looked up by name.

use core::ffi::{CStr, c_char, c_int};
use core::net::IpAddr;

use crate::baton::{self, Holder};
use crate::descriptors::Fate;
use crate::faults::{Awaited, Options, Rates, machine};
use crate::run::{BEGINNING, NEVER, Run, State, Wait};
use crate::sys;
use crate::trace::{self, Call, Event};
use crate::tsc;

/// What came of a run.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Summary {
    /// Of every event.
    pub hash: u64,
    /// Events.
    pub events: u64,
    /// Scheduling points.
    pub points: u64,
    /// Times the baton changed hands.
    pub handovers: u64,
    /// Reads of the time-stamp counter.
    pub traps: u64,
    /// Virtual time, in nanoseconds since the start.
    pub elapsed: u64,
    /// Threads that had not ended.
    pub threads_left: u64,
    /// Descriptors made in the run that were not closed.
    pub descriptors_left: u64,
    /// Connections made.
    pub connections: u64,
}

/// Version of these functions: a program and a library of different ones do not work together.
#[unsafe(no_mangle)]
extern "C" fn zmq_captive_version() -> u32 {
    1
}

/// Begins a run: the calling thread is its first. 0, or an errno: `EBUSY` if there is a run, and what the kernel says
/// if the time-stamp counter cannot be trapped.
///
/// # Safety
///
/// A pointer to options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_captive_start(options: *const Options) -> c_int {
    // SAFETY: as the caller vouches for.
    begin(unsafe { *options })
}

pub(crate) fn begin(options: Options) -> c_int {
    if let Err(error) = tsc::trap() {
        return error;
    }
    let Some(mut holder) = baton::begin(Box::new(Run::new(options))) else {
        return crate::sys::EBUSY;
    };
    let me = holder.me();
    holder.run().note(me, Call::Start, 0, 0, 0);
    0
}

/// Ends the run, if the calling thread is in one; whether it was.
pub(crate) fn end() -> Option<(Summary, Vec<Event>)> {
    let holder = baton::enter()?;
    let run = holder.end();
    tsc::release();
    let left = run.threads.iter().filter(|thread| thread.state != State::Done).count();
    let summary = Summary {
        hash: run.trace.hash(),
        events: run.trace.count(),
        points: run.points,
        handovers: run.handovers,
        traps: run.traps,
        elapsed: run.now - BEGINNING,
        // This one has not ended, and is not left over.
        threads_left: left as u64 - 1,
        descriptors_left: run.descriptors.count(),
        connections: run.descriptors.connections.len() as u64,
    };
    Some((summary, run.trace.kept().to_vec()))
}

/// Ends the run. The events, if they were kept, are at `*events` for ever; `*count` of them. 0, or −1 outside of a run.
///
/// # Safety
///
/// Three places to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_captive_stop(
    summary: *mut Summary,
    events: *mut *const Event,
    count: *mut usize,
) -> c_int {
    let Some((found, kept)) = end() else { return -1 };
    let kept = kept.leak();
    // SAFETY: as the caller vouches for.
    unsafe {
        *summary = found;
        *events = kept.as_ptr();
        *count = kept.len();
    }
    0
}

/// The name of a call by its number in an event, or null.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_captive_call_name(call: u32) -> *const c_char {
    let name = usize::try_from(call).ok().and_then(|call| trace::NAMES.get(call));
    name.map_or(core::ptr::null(), |name| name.as_ptr().cast())
}

fn order(what: impl FnOnce(&mut Holder)) {
    if let Some(mut holder) = baton::enter() {
        what(&mut holder);
        holder.run().stale = true;
    }
}

/// The calling thread, and those that it will create, are of this host.
#[unsafe(no_mangle)]
extern "C" fn zmq_captive_host(host: u32) {
    order(|holder| {
        let me = holder.me();
        holder.run().threads[me].host = host;
    });
}

/// Puts a mark of the caller's into the trace.
#[unsafe(no_mangle)]
extern "C" fn zmq_captive_mark(what: u64, value: i64) {
    order(|holder| {
        let me = holder.me();
        holder.run().note(me, Call::Mark, what, value, 0);
    });
}

/// A name, and its addresses as text with commas between; none: the name is unknown.
///
/// # Safety
///
/// Two strings that end with a zero octet.
#[unsafe(no_mangle)]
unsafe extern "C" fn zmq_captive_name(name: *const c_char, addresses: *const c_char) {
    // SAFETY: as the caller vouches for.
    let texts = unsafe { [CStr::from_ptr(name), CStr::from_ptr(addresses)] };
    let [name, addresses] = texts.map(|text| text.to_string_lossy().into_owned());
    let addresses: Vec<IpAddr> = addresses.split(',').filter_map(|one| one.parse().ok()).collect();
    order(|holder| {
        holder.run().names.table.insert(name, addresses);
    });
}

/// A machine has these addresses, as text with commas between, and no others.
///
/// # Safety
///
/// A string that ends with a zero octet.
#[unsafe(no_mangle)]
unsafe extern "C" fn zmq_captive_address(machine: u32, addresses: *const c_char) {
    // SAFETY: as the caller vouches for.
    let addresses = unsafe { CStr::from_ptr(addresses) }.to_string_lossy().into_owned();
    let addresses: Vec<IpAddr> = addresses.split(',').filter_map(|one| one.parse().ok()).collect();
    order(|holder| holder.run().hosts.address(machine, &addresses));
}

/// Waits until so many octets have gone from one machine to another since the start, or until that time. Not one more
/// goes before this returns, nor until the next call of the calling thread.
#[unsafe(no_mangle)]
extern "C" fn zmq_captive_await_octets(from: u32, to: u32, count: u64, until: u64) {
    let Some(mut holder) = baton::enter() else { return };
    holder.run().hosts.awaited.push(Awaited { from, to, count });
    let until = moment(until);
    while holder.run().hosts.gone(from, to) < count && holder.run().now < until {
        holder.block(Wait::Octets, until);
    }
    let awaited = &mut holder.run().hosts.awaited;
    if let Some(place) = awaited.iter().position(|one| (one.from, one.to, one.count) == (from, to, count)) {
        awaited.remove(place);
    }
    holder.run().stale = true;
}

/// Descriptors of a host that are open.
#[unsafe(no_mangle)]
extern "C" fn zmq_captive_descriptors(host: u32) -> u64 {
    baton::enter().map_or(0, |mut holder| holder.run().descriptors.count_of(host))
}

/// From here on these are the rates; what faults hold back goes on, unless it was killed.
///
/// # Safety
///
/// A pointer to rates.
#[unsafe(no_mangle)]
unsafe extern "C" fn zmq_captive_heal(rates: *const Rates) {
    // SAFETY: as the caller vouches for.
    let rates = unsafe { *rates };
    order(|holder| {
        let run = holder.run();
        run.options.rates = rates;
        run.descriptors.release_all();
        run.hosts.heal();
    });
}

/// Writes to a descriptor that is none of the run's business: no point, no event, no time.
///
/// # Safety
///
/// `len` octets at `octets`.
#[unsafe(no_mangle)]
unsafe extern "C" fn zmq_captive_tell(fd: c_int, octets: *const u8, len: usize) {
    let mut done = 0;
    while done < len {
        let left = i64::try_from(len - done).unwrap_or(i64::MAX);
        // SAFETY: as the caller vouches for; not beyond the end.
        let written = unsafe { sys::syscall(sys::SYS_WRITE, [fd.into(), octets.add(done) as i64, left, 0, 0, 0]) };
        match usize::try_from(written) {
            Ok(written) => done += written,
            Err(_) if written == -i64::from(sys::EINTR) => {}
            Err(_) => return,
        }
    }
}

/// The moment that many nanoseconds after the start; the greatest number is never.
fn moment(at: u64) -> u64 {
    if at == u64::MAX { NEVER } else { at.saturating_add(BEGINNING) }
}

/// What is done to hosts and connections, by number.
///
/// Times are nanoseconds since the start, the greatest number for ever. 0: connections between `a` and `b` are reset.
/// 1: they end. 2: nothing goes from `a` to `b` until `value`. 3: threads of `a` stand still until `value`.
/// 4: nobody can connect to `a` until `value`. 5: `a` has no descriptor to spare until `value`. 6: the clock of `a` goes
/// forward by `value`. 7: `a` is killed: its threads stand still for ever, its connections end, and nobody listens.
/// 8: `a` loses power: as 7, and nobody is told. 9: connections of `a`, which lost power, are reset. 10: connections
/// between `a` and `b` carry nothing until `value`. 11: a read or write of `a` takes `value` octets at most. 12: so many
/// octets may be on their way from `a` on a connection. 13: what is ordered of the threads of `a` by 3 ends.
/// `a` and `b` are machines in 0, 1, 2, 10, and hosts elsewhere.
#[unsafe(no_mangle)]
extern "C" fn zmq_captive_fault(what: u32, a: u32, b: u32, value: u64) {
    order(|holder| {
        let me = holder.me();
        let run = holder.run();
        run.note(me, Call::Fault, u64::from(what) << 32 | u64::from(a) << 16 | u64::from(b), value.cast_signed(), 0);
        match what {
            0 => run.strike_between(a, b, Fate::Reset),
            1 => run.strike_between(a, b, Fate::Ended),
            2 => {
                run.hosts.hold(a, b, moment(value));
                run.descriptors.release_at(moment(value));
                run.next_deadline = run.next_deadline.min(moment(value));
            }
            3 => run.hosts.freeze(a, moment(value)),
            4 => run.hosts.refuse(a, moment(value)),
            5 => run.hosts.fill(a, moment(value)),
            6 => run.hosts.jump(a, value),
            7 => run.kill(a, Fate::Ended),
            8 => run.kill(a, Fate::Silent(NEVER)),
            9 => run.strike_host(a, Fate::Reset),
            10 => run.strike_between(a, b, Fate::Silent(moment(value))),
            11 => run.hosts.tear(a, value),
            12 => run.hosts.narrow(a, value),
            13 => run.hosts.freeze(a, 0),
            _ => {}
        }
    });
}

impl Run {
    fn strike_between(&mut self, a: u32, b: u32, fate: Fate) {
        for connection in 0..self.descriptors.connections.len() {
            let hosts = self.descriptors.connections[connection].hosts;
            let machines = hosts.map(machine);
            if machines == [a, b] || machines == [b, a] {
                self.descriptors.strike(connection, fate);
            }
        }
    }

    fn strike_host(&mut self, host: u32, fate: Fate) {
        for connection in 0..self.descriptors.connections.len() {
            if self.descriptors.connections[connection].hosts.contains(&host) {
                self.descriptors.strike(connection, fate);
            }
        }
    }

    /// The process of a host is no more: its threads never run again, and its system closes what it had, or does not.
    fn kill(&mut self, host: u32, fate: Fate) {
        self.hosts.freeze(host, NEVER);
        self.strike_host(host, fate);
        self.descriptors.stop_listening(host);
    }
}

/// A program that is preloaded, and says so in its environment, is in a run from its first instruction to its last.
/// `ZMQSPEC_CAPTIVE` is the seed; `ZMQSPEC_CAPTIVE_FAULTS` may be `all`; `ZMQSPEC_CAPTIVE_REPORT` is where a line goes.
pub(crate) extern "C" fn loaded() {
    let Some(seed) = std::env::var("ZMQSPEC_CAPTIVE").ok().and_then(|seed| seed.parse().ok()) else { return };
    // What this program executes is no part of the run.
    // SAFETY: before the program's first instruction there is one thread.
    unsafe { std::env::remove_var("ZMQSPEC_CAPTIVE") };
    let all = std::env::var("ZMQSPEC_CAPTIVE_FAULTS").is_ok_and(|faults| faults == "all");
    let rates = if all { crate::faults::Rates::ALL } else { crate::faults::Rates::default() };
    let flags = if std::env::var_os("ZMQSPEC_CAPTIVE_EVENTS").is_some() { crate::faults::KEEP_EVENTS } else { 0 };
    match begin(Options { seed, flags, calendar: CALENDAR, rates }) {
        0 => {}
        error => crate::sys::die(&format!("the time-stamp counter cannot be trapped here: errno {error}")),
    }
}

/// What the calendar shows at the start of a run of a preloaded program: the first second of 2024.
const CALENDAR: u64 = 1_704_067_200;

pub(crate) extern "C" fn unloaded() {
    let Some((summary, events)) = end() else { return };
    let Some(path) = std::env::var_os("ZMQSPEC_CAPTIVE_REPORT") else { return };
    let mut text = format!(
        "hash {:016x} events {} points {} handovers {} traps {} elapsed {}\n",
        summary.hash, summary.events, summary.points, summary.handovers, summary.traps, summary.elapsed
    );
    for event in events {
        let name = trace::NAMES.get(usize::try_from(event.call).unwrap_or(usize::MAX)).unwrap_or(&"?\0");
        let name = name.trim_end_matches('\0');
        let Event { at, thread, object, result, octets, .. } = event;
        text.push_str(&format!("{at} t{thread} {name} {object} {result} {octets:x}\n"));
    }
    // Nobody is left to be told.
    let _ = std::fs::write(path, text);
}
