//! Time: every clock shows the run's virtual time, and sleeping is waiting for it.

use core::ffi::{c_int, c_uint, c_void};

use crate::baton::{self, Holder};
use crate::real;
use crate::run::{BEGINNING, NEVER, Wait};
use crate::sys::{Timespec, Timeval};
use crate::trace::Call;

const CLOCK_REALTIME: c_int = 0;
const CLOCK_REALTIME_COARSE: c_int = 5;
const CLOCK_TAI: c_int = 11;
const TIMER_ABSTIME: c_int = 1;

const SECOND: u64 = 1_000_000_000;

/// A moment beyond this one is of the calendar: the other clocks begin near zero.
const CALENDAR_FROM: u64 = 400_000_000 * SECOND;

impl Holder {
    /// What the monotonic clock of this thread's host shows.
    pub(crate) fn clock(&mut self) -> u64 {
        let me = self.me();
        self.run().clock_of(me)
    }

    fn calendar(&mut self) -> u64 {
        self.clock() - BEGINNING + self.run().options.calendar * SECOND
    }

    /// Reads a clock: time passes, and others may get a turn.
    fn read_clock(&mut self, clock: c_int) -> u64 {
        self.point();
        let now = match clock {
            CLOCK_REALTIME | CLOCK_REALTIME_COARSE | CLOCK_TAI => self.calendar(),
            _ => self.clock(),
        };
        let me = self.me();
        self.run().note(me, Call::Clock, 0, now.cast_signed(), 0);
        now
    }

    /// Virtual time of a moment that the program gave by one of its clocks.
    pub(crate) fn moment(&mut self, at: u64) -> u64 {
        let ahead = if at >= CALENDAR_FROM { self.calendar() } else { self.clock() };
        self.run().now.saturating_add(at.saturating_sub(ahead))
    }

    /// Virtual time when this much will have passed.
    pub(crate) fn after(&mut self, nanoseconds: u64) -> u64 {
        self.run().now.saturating_add(nanoseconds)
    }

    fn sleep_until(&mut self, until: u64) {
        let me = self.me();
        while self.run().now < until {
            self.block(Wait::Time, until);
        }
        self.run().note(me, Call::Sleep, 0, 0, 0);
    }
}

/// Nanoseconds of a time that the program gave.
///
/// # Safety
///
/// A valid pointer.
pub(crate) unsafe fn nanoseconds(time: *const Timespec) -> u64 {
    // SAFETY: as the caller vouches for.
    let Timespec { sec, nsec } = unsafe { *time };
    u64::try_from(sec).unwrap_or(0).saturating_mul(SECOND).saturating_add(u64::try_from(nsec).unwrap_or(0))
}

/// The deadline of a wait for so many milliseconds; negative: none.
pub(crate) fn deadline_after(holder: &mut Holder, milliseconds: i64) -> u64 {
    u64::try_from(milliseconds).map_or(NEVER, |ms| holder.after(ms.saturating_mul(1_000_000)))
}

fn timespec(nanoseconds: u64) -> Timespec {
    let part = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Timespec { sec: part(nanoseconds / SECOND), nsec: part(nanoseconds % SECOND) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::clock_gettime(clock, time) };
    };
    let now = timespec(holder.read_clock(clock));
    // SAFETY: the caller's pointer.
    unsafe { *time = now };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gettimeofday(time: *mut Timeval, zone: *mut c_void) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::gettimeofday(time, zone) };
    };
    let now = timespec(holder.read_clock(CLOCK_REALTIME));
    // SAFETY: the caller's pointer.
    unsafe { *time = Timeval { sec: now.sec, usec: now.nsec / 1000 } };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn time(place: *mut i64) -> i64 {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::time(place) };
    };
    let now = timespec(holder.read_clock(CLOCK_REALTIME)).sec;
    if !place.is_null() {
        // SAFETY: the caller's pointer.
        unsafe { *place = now };
    }
    now
}

#[unsafe(no_mangle)]
unsafe extern "C" fn usleep(microseconds: c_uint) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::usleep(microseconds) };
    };
    let until = holder.after(u64::from(microseconds) * 1000);
    holder.sleep_until(until);
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sleep(seconds: c_uint) -> c_uint {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::sleep(seconds) };
    };
    let until = holder.after(u64::from(seconds) * SECOND);
    holder.sleep_until(until);
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nanosleep(time: *const Timespec, rest: *mut Timespec) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::nanosleep(time, rest) };
    };
    // SAFETY: the caller's pointer.
    let nanoseconds = unsafe { nanoseconds(time) };
    let until = holder.after(nanoseconds);
    holder.sleep_until(until);
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_nanosleep(clock: c_int, flags: c_int, time: *const Timespec, rest: *mut Timespec) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::clock_nanosleep(clock, flags, time, rest) };
    };
    // SAFETY: the caller's pointer.
    let nanoseconds = unsafe { nanoseconds(time) };
    let until = if flags & TIMER_ABSTIME == 0 { holder.after(nanoseconds) } else { holder.moment(nanoseconds) };
    holder.sleep_until(until);
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sched_yield() -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: takes nothing.
        return unsafe { real::sched_yield() };
    };
    holder.point();
    let me = holder.me();
    holder.run().note(me, Call::Yield, 0, 0, 0);
    0
}

/// Time since the start of the run, in nanoseconds; 0 outside of one. Time does not pass by it.
#[unsafe(no_mangle)]
extern "C" fn zmq_captive_now() -> u64 {
    baton::enter().map_or(0, |mut holder| holder.run().now - BEGINNING)
}

/// The thread sleeps until that time since the start of the run, in nanoseconds.
#[unsafe(no_mangle)]
extern "C" fn zmq_captive_sleep_until(at: u64) {
    if let Some(mut holder) = baton::enter() {
        holder.sleep_until(at.saturating_add(BEGINNING));
    }
}
