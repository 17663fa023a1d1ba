//! A safe face over the functions of the preloaded interposer.

use std::ffi::{CStr, CString, c_char, c_int};
use std::net::IpAddr;

use libloading::os::unix::Library;
use zmq_sim::time::Time;

use crate::job::{Event, Rates};

/// The version of the functions that this program knows.
const VERSION: u32 = 1;

/// How a run is to be, as the interposer takes it.
#[repr(C)]
struct Options {
    seed: u64,
    flags: u64,
    calendar: u64,
    rates: Rates,
}

const KEEP_EVENTS: u64 = 1;

/// What the calendar shows at the start: the first second of 2024.
const CALENDAR: u64 = 1_704_067_200;

/// What came of a run.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Summary {
    pub(crate) hash: u64,
    pub(crate) events: u64,
    pub(crate) points: u64,
    pub(crate) handovers: u64,
    pub(crate) traps: u64,
    pub(crate) elapsed: u64,
    pub(crate) threads_left: u64,
    pub(crate) descriptors_left: u64,
    pub(crate) connections: u64,
}

#[repr(C)]
struct RawEvent {
    at: u64,
    thread: u32,
    call: u32,
    object: u64,
    result: i64,
    octets: u64,
}

/// What can be ordered of the interposer; its `zmq_captive_fault` says what each does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Order {
    Reset = 0,
    Hold = 2,
    Freeze = 3,
    Refuse = 4,
    Fill = 5,
    Jump = 6,
    Kill = 7,
    PowerLoss = 8,
    ResetDead = 9,
    Stall = 10,
    Tear = 11,
    Narrow = 12,
    Thaw = 13,
}

/// The functions. There is one interposer in a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Control {
    start: unsafe extern "C" fn(*const Options) -> c_int,
    stop: unsafe extern "C" fn(*mut Summary, *mut *const RawEvent, *mut usize) -> c_int,
    call_name: unsafe extern "C" fn(u32) -> *const c_char,
    now: unsafe extern "C" fn() -> u64,
    sleep_until: unsafe extern "C" fn(u64),
    host: unsafe extern "C" fn(u32),
    name: unsafe extern "C" fn(*const c_char, *const c_char),
    address: unsafe extern "C" fn(u32, *const c_char),
    fault: unsafe extern "C" fn(u32, u32, u32, u64),
    await_octets: unsafe extern "C" fn(u32, u32, u64, u64),
    descriptors: unsafe extern "C" fn(u32) -> u64,
    heal: unsafe extern "C" fn(*const Rates),
    tell: unsafe extern "C" fn(c_int, *const u8, usize),
}

impl Control {
    /// Finds the functions. The error says what is missing.
    pub(crate) fn find() -> Result<Self, String> {
        let program = Library::this();
        macro_rules! function {
            ($name:literal) => {{
                // SAFETY: a library that defines these names is the interposer; its version is looked at below.
                let found = unsafe { program.get(concat!($name, "\0").as_bytes()) };
                *found.map_err(|_| concat!("the interposer is not preloaded: no ", $name).to_owned())?
            }};
        }
        let version: unsafe extern "C" fn() -> u32 = function!("zmq_captive_version");
        // SAFETY: takes nothing.
        let version = unsafe { version() };
        if version != VERSION {
            return Err(format!("an interposer of version {version} is preloaded; expected {VERSION}"));
        }
        Ok(Self {
            start: function!("zmq_captive_start"),
            stop: function!("zmq_captive_stop"),
            call_name: function!("zmq_captive_call_name"),
            now: function!("zmq_captive_now"),
            sleep_until: function!("zmq_captive_sleep_until"),
            host: function!("zmq_captive_host"),
            name: function!("zmq_captive_name"),
            address: function!("zmq_captive_address"),
            fault: function!("zmq_captive_fault"),
            await_octets: function!("zmq_captive_await_octets"),
            descriptors: function!("zmq_captive_descriptors"),
            heal: function!("zmq_captive_heal"),
            tell: function!("zmq_captive_tell"),
        })
    }

    /// Begins a run; the calling thread is its first. The error is an errno.
    pub(crate) fn start(&self, seed: u64, rates: Rates, keep_events: bool) -> Result<(), i32> {
        let flags = if keep_events { KEEP_EVENTS } else { 0 };
        let options = Options { seed, flags, calendar: CALENDAR, rates };
        // SAFETY: options of the version that was looked at.
        match unsafe { (self.start)(&raw const options) } {
            0 => Ok(()),
            error => Err(error),
        }
    }

    /// Ends the run that the calling thread is in.
    pub(crate) fn stop(&self) -> (Summary, Vec<Event>) {
        let mut summary = Summary::default();
        let (mut events, mut count) = (std::ptr::null(), 0);
        // SAFETY: three places to write to.
        unsafe { (self.stop)(&raw mut summary, &raw mut events, &raw mut count) };
        let events: &[RawEvent] = if count == 0 {
            &[]
        } else {
            // SAFETY: the interposer gives that many events, which stay for ever.
            unsafe { std::slice::from_raw_parts(events, count) }
        };
        let event = |raw: &RawEvent| {
            let RawEvent { at, thread, call, object, result, octets } = *raw;
            Event { at, thread, call: self.call_name(call), object, result, octets }
        };
        (summary, events.iter().map(event).collect())
    }

    fn call_name(&self, call: u32) -> String {
        // SAFETY: gives a string that ends with a zero octet and stays for ever, or null.
        unsafe {
            let name = (self.call_name)(call);
            if name.is_null() { format!("call {call}") } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
        }
    }

    /// True time.
    pub(crate) fn now(&self) -> Time {
        // SAFETY: takes nothing.
        Time::from_nanos(unsafe { (self.now)() })
    }

    pub(crate) fn sleep_until(&self, at: Time) {
        // SAFETY: takes a number.
        unsafe { (self.sleep_until)(at.as_nanos()) }
    }

    /// The calling thread, and those that it creates, are of this host.
    pub(crate) fn be_of(&self, host: u32) {
        // SAFETY: takes a number.
        unsafe { (self.host)(host) }
    }

    pub(crate) fn name(&self, name: &str, addresses: &[IpAddr]) {
        let texts = [CString::new(name), CString::new(joined(addresses))];
        let [Ok(name), Ok(addresses)] = texts else { return };
        // SAFETY: two strings that live through the call.
        unsafe { (self.name)(name.as_ptr(), addresses.as_ptr()) }
    }

    pub(crate) fn address(&self, machine: u32, addresses: &[IpAddr]) {
        let Ok(addresses) = CString::new(joined(addresses)) else { return };
        // SAFETY: a string that lives through the call.
        unsafe { (self.address)(machine, addresses.as_ptr()) }
    }

    pub(crate) fn order(&self, what: Order, a: u32, b: u32, value: u64) {
        // SAFETY: takes numbers.
        unsafe { (self.fault)(what as u32, a, b, value) }
    }

    pub(crate) fn await_octets(&self, from: u32, to: u32, count: u64, until: Time) {
        // SAFETY: takes numbers.
        unsafe { (self.await_octets)(from, to, count, until.as_nanos()) }
    }

    pub(crate) fn descriptors(&self, host: u32) -> u64 {
        // SAFETY: takes a number.
        unsafe { (self.descriptors)(host) }
    }

    /// Nothing goes wrong any more.
    pub(crate) fn heal(&self) {
        let none = Rates::NONE;
        // SAFETY: rates that live through the call.
        unsafe { (self.heal)(&raw const none) }
    }

    /// Writes to a descriptor behind the run's back.
    pub(crate) fn tell(&self, fd: c_int, octets: &[u8]) {
        // SAFETY: a slice's pointer and length.
        unsafe { (self.tell)(fd, octets.as_ptr(), octets.len()) }
    }
}

fn joined(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
