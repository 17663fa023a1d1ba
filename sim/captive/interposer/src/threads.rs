//! Threads: who is created by a thread of the run is in the run, and is of the same host.

use core::ffi::{c_int, c_long, c_void};
use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::OnceLock;

use crate::baton::{self, Woken};
use crate::real::{self, Start};
use crate::run::{NEVER, State, Wait};
use crate::sys::{self, EAGAIN, EINVAL, ETIMEDOUT, SIGSEGV, SigAction, Timespec};
use crate::trace::Call;
use crate::tsc;

unsafe extern "C" {
    fn pthread_key_create(key: *mut u32, destructor: extern "C" fn(*mut c_void)) -> c_int;
    fn pthread_setspecific(key: u32, value: *const c_void) -> c_int;
    fn pthread_getspecific(key: u32) -> *mut c_void;
}

struct Boot {
    start: Start,
    argument: *mut c_void,
    me: usize,
    word: &'static AtomicU32,
}

/// The C library calls destructors of keys in four rounds, the last thing that a thread does of its own. In the last
/// of them the thread leaves the run, so that all its destructors ran with the baton, however the thread ended.
const ROUNDS: usize = 4;

extern "C" fn leave(round: *mut c_void) {
    let round = round.addr();
    if round < ROUNDS {
        keep(round + 1);
    } else if let Some(holder) = baton::enter() {
        holder.retire();
    }
}

fn keep(round: usize) {
    static KEY: OnceLock<u32> = OnceLock::new();
    let key = *KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: a place for the key, and a function that takes the value.
        unsafe { pthread_key_create(&raw mut key, leave) };
        key
    });
    // SAFETY: a key that exists; the value is a number and never followed.
    unsafe { pthread_setspecific(key, core::ptr::without_provenance(round)) };
    // SAFETY: as above. Reading it back keeps the write from being taken for dead.
    debug_assert_eq!(unsafe { pthread_getspecific(key) }.addr(), round);
}

extern "C-unwind" fn boot(boot: *mut c_void) -> *mut c_void {
    // SAFETY: made by `pthread_create` below, for this thread alone.
    let boot = unsafe { Box::from_raw(boot.cast::<Boot>()) };
    let Boot { start, argument, me, word } = *boot;
    baton::join_as(me, word);
    keep(1);
    // The flag came with the creator's, and is set again for a creator that had it not.
    let _ = tsc::trap();
    start(argument)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_create(
    thread: *mut u64,
    attributes: *const c_void,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::pthread_create(thread, attributes, start, argument) };
    };
    let me = holder.me();
    let run = holder.run();
    let host = run.threads[me].host;
    let child = run.add_thread(host, 0);
    let word = run.threads[child].word;
    let given = Box::into_raw(Box::new(Boot { start, argument, me: child, word }));
    // SAFETY: the caller's call, but for where it starts; `boot` takes what it is given.
    let failed = unsafe { real::pthread_create(thread, attributes, boot, given.cast()) };
    let run = holder.run();
    if failed == 0 {
        // SAFETY: the call has written it.
        run.threads[child].handle = unsafe { *thread };
    } else {
        run.threads[child].state = State::Done;
        run.ready.retain(|ready| *ready != child);
        // SAFETY: no thread was made to take it.
        drop(unsafe { Box::from_raw(given) });
    }
    run.note(me, Call::Create, child as u64, failed.into(), 0);
    holder.point();
    failed
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_join(thread: u64, value: *mut *mut c_void) -> c_int {
    if let Some(mut holder) = baton::enter() {
        holder.point();
        // The last with this handle: handles are used again.
        let of = holder.run().threads.iter().rposition(|one| one.handle == thread);
        if let Some(of) = of {
            while holder.run().threads[of].state != State::Done {
                holder.block(Wait::Join(of), NEVER);
            }
            let me = holder.me();
            holder.run().note(me, Call::Join, of as u64, 0, 0);
            // SAFETY: the caller's call. The thread is on its last instructions, without the baton.
            return unsafe { real::pthread_join(thread, value) };
        }
    }
    // SAFETY: the caller's call.
    unsafe { real::pthread_join(thread, value) }
}

/// libzmq's I/O threads block every signal; that of the counter's trap stays open.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_sigmask(how: c_int, set: *const [u64; 16], old: *mut [u64; 16]) -> c_int {
    const SIG_UNBLOCK: c_int = 1;
    if set.is_null() || how == SIG_UNBLOCK || baton::enter().is_none() {
        // SAFETY: the caller's call.
        return unsafe { real::pthread_sigmask(how, set, old) };
    }
    // SAFETY: the caller's pointer.
    let mut open = unsafe { *set };
    open[0] &= !(1 << (SIGSEGV - 1));
    // SAFETY: the caller's call, with another set.
    unsafe { real::pthread_sigmask(how, &raw const open, old) }
}

/// A handler for the trap's signal gets what is not the trap's.
#[unsafe(no_mangle)]
unsafe extern "C" fn sigaction(signal: c_int, new: *const SigAction, old: *mut SigAction) -> c_int {
    if signal != SIGSEGV || baton::enter().is_none() {
        // SAFETY: the caller's call.
        return unsafe { real::sigaction(signal, new, old) };
    }
    // SAFETY: the caller's pointers, where there are any.
    unsafe {
        let previous = tsc::swap_previous(new.as_ref().copied());
        if let Some(old) = old.as_mut() {
            *old = previous;
        }
    }
    0
}

/// Where and how a thread runs is the run's matter.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_setaffinity_np(thread: u64, len: usize, set: *const c_void) -> c_int {
    if baton::enter().is_some() {
        return 0;
    }
    // SAFETY: the caller's call.
    unsafe { real::pthread_setaffinity_np(thread, len, set) }
}

/// As [`pthread_setaffinity_np`].
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_setschedparam(thread: u64, policy: c_int, parameter: *const c_int) -> c_int {
    if baton::enter().is_some() {
        return 0;
    }
    // SAFETY: the caller's call.
    unsafe { real::pthread_setschedparam(thread, policy, parameter) }
}

const FUTEX_WAIT: c_long = 0;
const FUTEX_WAKE: c_long = 1;
const FUTEX_WAIT_BITSET: c_long = 9;
const FUTEX_WAKE_BITSET: c_long = 10;
/// Without the flags for private words and the calendar's clock.
const FUTEX_COMMAND: c_long = 0x7f;

/// System calls by number: futexes of libstdc++ and of Rust's standard library, and random octets.
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    if number == sys::SYS_FUTEX
        && let Some(mut holder) = baton::enter()
    {
        // SAFETY: the caller's call.
        if let Some(result) = unsafe { futex(&mut holder, [a, b, c, d]) } {
            return if result < 0 { sys::fail(-result) } else { result };
        }
    }
    if number == sys::SYS_GETRANDOM
        && let Some(mut holder) = baton::enter()
    {
        let (at, len) = (usize::try_from(a).unwrap_or(0), usize::try_from(b).unwrap_or(0));
        let buffer = core::ptr::with_exposed_provenance_mut(at);
        // SAFETY: the caller's buffer.
        holder.fill(unsafe { core::slice::from_raw_parts_mut(buffer, len) });
        return b;
    }
    // SAFETY: the caller's call.
    unsafe { real::syscall(number, a, b, c, d, e, f) }
}

/// A futex of the run: `None` for a command that is not known here.
///
/// # Safety
///
/// What the system call asks of its arguments.
unsafe fn futex(holder: &mut baton::Holder, [at, command, value, timeout]: [c_long; 4]) -> Option<c_long> {
    let word = usize::try_from(at).ok()?;
    let command = command & FUTEX_COMMAND;
    let me = holder.me();
    match command {
        FUTEX_WAIT | FUTEX_WAIT_BITSET => {
            holder.point();
            // SAFETY: the caller's word.
            let now = unsafe { (*core::ptr::with_exposed_provenance::<AtomicU32>(word)).load(Ordering::SeqCst) };
            if i64::from(now) != value & 0xffff_ffff {
                return Some(-c_long::from(EAGAIN));
            }
            let deadline = if timeout == 0 {
                NEVER
            } else {
                let timeout = usize::try_from(timeout).ok()?;
                // SAFETY: the caller's pointer.
                let time =
                    unsafe { crate::clock::nanoseconds(core::ptr::with_exposed_provenance::<Timespec>(timeout)) };
                if command == FUTEX_WAIT { holder.after(time) } else { holder.moment(time) }
            };
            let woken = holder.block(Wait::Futex(word), deadline);
            holder.run().note(me, Call::Futex, 0, 0, 0);
            Some(if woken == Woken::Told { 0 } else { -c_long::from(ETIMEDOUT) })
        }
        FUTEX_WAKE | FUTEX_WAKE_BITSET => {
            let most = usize::try_from(value & 0x7fff_ffff).unwrap_or(0);
            let woken = holder.run().wake_some(Wait::Futex(word), most, me);
            holder.run().note(me, Call::Futex, 1, 0, 0);
            holder.point();
            c_long::try_from(woken).ok().or(Some(-c_long::from(EINVAL)))
        }
        _ => None,
    }
}
