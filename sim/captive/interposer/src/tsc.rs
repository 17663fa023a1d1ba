//! `rdtsc` and `rdtscp`: the kernel makes them fault in the threads of a run, and the handler answers from the virtual
//! clock. libzmq reads the counter to decide whether to look into its mailbox, so without this no two runs are alike.

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::baton;
use crate::sys::{self, REG_RAX, REG_RCX, REG_RDX, REG_RIP, SIGSEGV, SYS_PRCTL, SigAction, UContext};

const PR_SET_TSC: i64 = 26;
const PR_TSC_ENABLE: i64 = 1;
const PR_TSC_SIGSEGV: i64 = 2;

const SA_SIGINFO: c_int = 4;
const SA_ONSTACK: c_int = 0x0800_0000;
const SA_NODEFER: c_int = 0x4000_0000;

/// The signal's code for a general protection fault, which this is; a bad address has another.
const SI_KERNEL: c_int = 0x80;

/// Ticks of the counter in a nanosecond.
const TICKS: u64 = 3;

static INSTALLED: AtomicBool = AtomicBool::new(false);
/// What the counter showed last, for whoever reads it within this library.
static LAST: AtomicU64 = AtomicU64::new(0);

/// The program's own handler of the signal.
static PREVIOUS: Previous = Previous(core::cell::UnsafeCell::new(NO_ACTION));
const NO_ACTION: SigAction = SigAction { handler: 0, mask: [0; 16], flags: 0, restorer: 0 };

struct Previous(core::cell::UnsafeCell<SigAction>);

// SAFETY: written before the handler is installed, and afterwards by `swap_previous` with the baton.
unsafe impl Sync for Previous {}

/// Makes the instructions fault in this thread, and in those that it creates. The error is the kernel's.
pub(crate) fn trap() -> Result<(), c_int> {
    if !INSTALLED.swap(true, Ordering::AcqRel) {
        let action = SigAction {
            handler: handle as *const () as usize,
            mask: [0; 16],
            flags: SA_SIGINFO | SA_NODEFER | SA_ONSTACK,
            restorer: 0,
        };
        // SAFETY: a handler of the type that SA_SIGINFO asks for, and a place for the old action.
        unsafe { crate::real::sigaction(SIGSEGV, &raw const action, PREVIOUS.0.get()) };
    }
    set(PR_TSC_SIGSEGV)
}

/// Lets this thread read the counter.
pub(crate) fn release() {
    // That it may be read is the state of every thread to begin with.
    let _ = set(PR_TSC_ENABLE);
}

/// A program of the run installs a handler of its own: it gets what is not the counter's.
pub(crate) fn swap_previous(new: Option<SigAction>) -> SigAction {
    let place = PREVIOUS.0.get();
    // SAFETY: the caller has the baton, so no other thread of the run is in here; the handler reads a value whole.
    unsafe {
        let old = *place;
        if let Some(new) = new {
            *place = new;
        }
        old
    }
}

fn set(what: i64) -> Result<(), c_int> {
    // SAFETY: takes two numbers, and changes this thread only.
    match unsafe { sys::syscall(SYS_PRCTL, [PR_SET_TSC, what, 0, 0, 0, 0]) } {
        0 => Ok(()),
        error => Err(c_int::try_from(-error).unwrap_or(sys::EPERM)),
    }
}

extern "C" fn handle(signal: c_int, info: *mut c_void, context: *mut UContext) {
    // SAFETY: the kernel gives a context to a handler with SA_SIGINFO; the handler runs on the thread it is of.
    let registers = unsafe { &mut (*context).gregs };
    // SAFETY: the head of siginfo_t is three numbers: signal, errno, code.
    let code = unsafe { *info.cast::<c_int>().add(2) };
    let instruction = if code == SI_KERNEL { reads_counter(registers[REG_RIP]) } else { None };
    let Some(length) = instruction else {
        return pass_on(signal, info, context);
    };
    let ticks = match baton::enter() {
        Some(mut holder) => {
            let me = holder.me();
            let run = holder.run();
            run.traps += 1;
            run.now += 50;
            let ticks = run.clock_of(me).wrapping_mul(TICKS);
            LAST.store(ticks, Ordering::Relaxed);
            ticks
        }
        None if baton::is_at_work() => LAST.load(Ordering::Relaxed),
        None => {
            // The run is over, and the thread lives on: the instruction is done again, for real.
            release();
            return;
        }
    };
    registers[REG_RAX] = (ticks & 0xffff_ffff).cast_signed();
    registers[REG_RDX] = (ticks >> 32).cast_signed();
    if length == RDTSCP {
        registers[REG_RCX] = 0;
    }
    registers[REG_RIP] += length;
}

const RDTSC: i64 = 2;
const RDTSCP: i64 = 3;

/// The length of the instruction there, if it is one that reads the counter.
fn reads_counter(at: i64) -> Option<i64> {
    let at = core::ptr::with_exposed_provenance::<u8>(usize::try_from(at).ok()?);
    // SAFETY: the processor has just fetched the instruction from there; each octet is looked at only if the one before
    // begins an instruction that is longer.
    unsafe {
        match (*at, *at.add(1)) {
            (0x0f, 0x31) => Some(RDTSC),
            (0x0f, 0x01) if *at.add(2) == 0xf9 => Some(RDTSCP),
            _ => None,
        }
    }
}

/// Another fault: it is the program's.
fn pass_on(signal: c_int, info: *mut c_void, context: *mut UContext) {
    let previous = swap_previous(None);
    if previous.handler <= 1 {
        let default = NO_ACTION;
        // SAFETY: the default action; the instruction faults again and the process ends as it would have.
        unsafe { crate::real::sigaction(signal, &raw const default, core::ptr::null_mut()) };
    } else if previous.flags & SA_SIGINFO != 0 {
        // SAFETY: the program installed a handler of this type.
        let handler: extern "C" fn(c_int, *mut c_void, *mut UContext) =
            unsafe { core::mem::transmute(previous.handler) };
        handler(signal, info, context);
    } else {
        // SAFETY: the program installed a handler of this type.
        let handler: extern "C" fn(c_int) = unsafe { core::mem::transmute(previous.handler) };
        handler(signal);
    }
}
