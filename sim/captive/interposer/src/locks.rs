//! Locks, conditions, semaphores, initialisers: the C library's objects stay what they are, and only waiting for them
//! is done here. Taking one is tried; who finds it taken gives the baton away until it is let go of.

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicI32, Ordering};

use crate::baton::{self, Holder, Woken};
use crate::clock;
use crate::draw::Purpose;
use crate::real;
use crate::run::{NEVER, Wait};
use crate::sys::{EAGAIN, EBUSY, ETIMEDOUT, Timespec};
use crate::trace::Call;

/// Takes something by trying, waiting in between; `ETIMEDOUT` behind the deadline.
fn take(holder: &mut Holder, wait: Wait, deadline: u64, mut attempt: impl FnMut() -> c_int) -> c_int {
    if holder.run().at_locks {
        holder.point();
    }
    let me = holder.me();
    loop {
        let result = attempt();
        if result != EBUSY && result != EAGAIN {
            holder.run().note(me, Call::Lock, 0, result.into(), 0);
            return result;
        }
        if holder.block(wait, deadline) == Woken::Late && holder.run().now >= deadline {
            return ETIMEDOUT;
        }
    }
}

fn let_go(holder: &mut Holder, wait: Wait) {
    let run = holder.run();
    if run.is_awaited(wait) {
        run.wake_all(wait);
    }
}

fn mutex_wait(mutex: *mut c_void) -> Wait {
    Wait::Mutex(mutex.addr())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_mutex_lock(mutex: *mut c_void) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::pthread_mutex_lock(mutex) };
    };
    // SAFETY: the caller's mutex.
    take(&mut holder, mutex_wait(mutex), NEVER, || unsafe { real::pthread_mutex_trylock(mutex) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_mutex_trylock(mutex: *mut c_void) -> c_int {
    if let Some(mut holder) = baton::enter()
        && holder.run().at_locks
    {
        holder.point();
    }
    // SAFETY: the caller's call.
    unsafe { real::pthread_mutex_trylock(mutex) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_mutex_timedlock(mutex: *mut c_void, until: *const Timespec) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::pthread_mutex_timedlock(mutex, until) };
    };
    // SAFETY: the caller's pointer.
    let until = unsafe { clock::nanoseconds(until) };
    let deadline = holder.moment(until);
    // SAFETY: the caller's mutex.
    take(&mut holder, mutex_wait(mutex), deadline, || unsafe { real::pthread_mutex_trylock(mutex) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_mutex_clocklock(mutex: *mut c_void, clock: c_int, until: *const Timespec) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::pthread_mutex_clocklock(mutex, clock, until) };
    };
    // SAFETY: the caller's pointer.
    let until = unsafe { clock::nanoseconds(until) };
    let deadline = holder.moment(until);
    // SAFETY: the caller's mutex.
    take(&mut holder, mutex_wait(mutex), deadline, || unsafe { real::pthread_mutex_trylock(mutex) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_mutex_unlock(mutex: *mut c_void) -> c_int {
    // SAFETY: the caller's call.
    let result = unsafe { real::pthread_mutex_unlock(mutex) };
    if let Some(mut holder) = baton::enter() {
        let_go(&mut holder, mutex_wait(mutex));
    }
    result
}

/// Waits for a condition: the mutex is free meanwhile, and nobody can come between as nobody else runs.
///
/// # Safety
///
/// A condition, and a mutex that the caller holds.
unsafe fn wait(holder: &mut Holder, condition: *mut c_void, mutex: *mut c_void, deadline: u64) -> c_int {
    let me = holder.me();
    // SAFETY: as the caller vouches for.
    unsafe { real::pthread_mutex_unlock(mutex) };
    let_go(holder, mutex_wait(mutex));
    let run = holder.run();
    let number = run.threads[me].counts.interrupts;
    run.threads[me].counts.interrupts += 1;
    let spurious = run.seed.happens(run.options.rates.spurious, Purpose::Spurious, me as u64, number);
    let woken = if spurious {
        holder.point();
        Woken::Told
    } else {
        holder.block(Wait::Condition(condition.addr()), deadline)
    };
    // SAFETY: as the caller vouches for.
    while unsafe { real::pthread_mutex_trylock(mutex) } == EBUSY {
        holder.block(mutex_wait(mutex), NEVER);
    }
    let result = if woken == Woken::Late && holder.run().now >= deadline { ETIMEDOUT } else { 0 };
    holder.run().note(me, Call::Wait, 0, result.into(), 0);
    result
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_cond_wait(condition: *mut c_void, mutex: *mut c_void) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::pthread_cond_wait(condition, mutex) };
    };
    // SAFETY: the caller's objects.
    unsafe { wait(&mut holder, condition, mutex, NEVER) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_cond_timedwait(
    condition: *mut c_void,
    mutex: *mut c_void,
    until: *const Timespec,
) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::pthread_cond_timedwait(condition, mutex, until) };
    };
    // SAFETY: the caller's objects.
    unsafe {
        let deadline = holder.moment(clock::nanoseconds(until));
        wait(&mut holder, condition, mutex, deadline)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_cond_clockwait(
    condition: *mut c_void,
    mutex: *mut c_void,
    clock: c_int,
    until: *const Timespec,
) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::pthread_cond_clockwait(condition, mutex, clock, until) };
    };
    // SAFETY: the caller's objects.
    unsafe {
        let deadline = holder.moment(clock::nanoseconds(until));
        wait(&mut holder, condition, mutex, deadline)
    }
}

fn wake(holder: &mut Holder, wait: Wait, most: usize, call: Call) {
    let me = holder.me();
    let woken = holder.run().wake_some(wait, most, me);
    holder.run().note(me, call, 0, i64::try_from(woken).unwrap_or(0), 0);
    if woken > 0 {
        holder.point();
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_cond_signal(condition: *mut c_void) -> c_int {
    if let Some(mut holder) = baton::enter() {
        wake(&mut holder, Wait::Condition(condition.addr()), 1, Call::Wake);
    }
    // SAFETY: the caller's call: somebody outside of the run may wait as well.
    unsafe { real::pthread_cond_signal(condition) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_cond_broadcast(condition: *mut c_void) -> c_int {
    if let Some(mut holder) = baton::enter() {
        wake(&mut holder, Wait::Condition(condition.addr()), usize::MAX, Call::Wake);
    }
    // SAFETY: the caller's call.
    unsafe { real::pthread_cond_broadcast(condition) }
}

fn lock_wait(lock: *mut c_void) -> Wait {
    Wait::Lock(lock.addr())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_rwlock_rdlock(lock: *mut c_void) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::pthread_rwlock_rdlock(lock) };
    };
    // SAFETY: the caller's lock.
    take(&mut holder, lock_wait(lock), NEVER, || unsafe { real::pthread_rwlock_tryrdlock(lock) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_rwlock_wrlock(lock: *mut c_void) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::pthread_rwlock_wrlock(lock) };
    };
    // SAFETY: the caller's lock.
    take(&mut holder, lock_wait(lock), NEVER, || unsafe { real::pthread_rwlock_trywrlock(lock) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_rwlock_unlock(lock: *mut c_void) -> c_int {
    // SAFETY: the caller's call.
    let result = unsafe { real::pthread_rwlock_unlock(lock) };
    if let Some(mut holder) = baton::enter() {
        let_go(&mut holder, lock_wait(lock));
    }
    result
}

/// Waits for a semaphore. These functions report by `errno`, which the attempt has set.
fn sem(holder: &mut Holder, semaphore: *mut c_void, deadline: u64) -> c_int {
    let wait = Wait::Semaphore(semaphore.addr());
    let result = take(holder, wait, deadline, || {
        // SAFETY: the caller's semaphore.
        if unsafe { real::sem_trywait(semaphore) } == 0 { 0 } else { crate::sys::errno() }
    });
    if result == 0 { 0 } else { i32::try_from(crate::sys::fail(result)).unwrap_or(-1) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sem_wait(semaphore: *mut c_void) -> c_int {
    match baton::enter() {
        Some(mut holder) => sem(&mut holder, semaphore, NEVER),
        // SAFETY: the caller's call.
        None => unsafe { real::sem_wait(semaphore) },
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sem_timedwait(semaphore: *mut c_void, until: *const Timespec) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::sem_timedwait(semaphore, until) };
    };
    // SAFETY: the caller's pointer.
    let until = unsafe { clock::nanoseconds(until) };
    let deadline = holder.moment(until);
    sem(&mut holder, semaphore, deadline)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sem_clockwait(semaphore: *mut c_void, clock: c_int, until: *const Timespec) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::sem_clockwait(semaphore, clock, until) };
    };
    // SAFETY: the caller's pointer.
    let until = unsafe { clock::nanoseconds(until) };
    let deadline = holder.moment(until);
    sem(&mut holder, semaphore, deadline)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sem_post(semaphore: *mut c_void) -> c_int {
    // SAFETY: the caller's call.
    let result = unsafe { real::sem_post(semaphore) };
    if let Some(mut holder) = baton::enter() {
        wake(&mut holder, Wait::Semaphore(semaphore.addr()), 1, Call::Semaphore);
    }
    result
}

/// What the C library's control word holds when the initialiser has run.
const ONCE_DONE: c_int = 2;

extern "C" fn nothing() {}

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_once(control: *mut c_int, start: extern "C" fn()) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::pthread_once(control, start) };
    };
    let key = control.addr();
    // SAFETY: the caller's control word, which the C library reads and writes like this too.
    let word = unsafe { &*control.cast::<AtomicI32>() };
    while holder.run().onces.contains(&key) {
        holder.block(Wait::Once(key), NEVER);
    }
    if word.load(Ordering::Acquire) & ONCE_DONE != 0 {
        return 0;
    }
    let me = holder.me();
    holder.run().onces.push(key);
    holder.run().note(me, Call::Once, 0, 0, 0);
    drop(holder);
    start();
    // SAFETY: the caller's control word; it is marked as done.
    let result = unsafe { real::pthread_once(control, nothing) };
    if let Some(mut holder) = baton::enter() {
        holder.run().onces.retain(|under_way| *under_way != key);
        holder.run().wake_all(Wait::Once(key));
    }
    result
}
