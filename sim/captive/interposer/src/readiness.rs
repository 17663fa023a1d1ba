//! Waiting for descriptors: nobody waits in the kernel. The kernel is asked what is ready now; if nothing is, the
//! thread gives the baton away, and one look at the descriptors of all who wait says who goes on.

use core::ffi::{c_int, c_uint, c_void};

use crate::baton::{self, Holder};
use crate::clock;
use crate::descriptors::{Kind, Member};
use crate::draw::Purpose;
use crate::real;
use crate::run::{NEVER, Run, State, Wait};
use crate::sys::{self, EINTR, EpollEvent, POLLIN, POLLOUT, PollFd, Timespec, Timeval};
use crate::trace::Call;

impl Run {
    /// Lets those go on whose descriptors are ready; whether there was anybody.
    pub(crate) fn look_at_descriptors(&mut self) -> bool {
        self.stale = false;
        let waiting = |thread: &usize| self.threads[*thread].state == State::Blocked(Wait::Descriptors);
        let waiting: Vec<usize> = (0..self.threads.len()).filter(waiting).collect();
        let mut asked = Vec::with_capacity(32);
        for &thread in &waiting {
            asked.extend_from_slice(&self.threads[thread].interest);
        }
        sys::poll_now(&mut asked);
        let mut from = 0;
        let mut any = false;
        for thread in waiting {
            let to = from + self.threads[thread].interest.len();
            let of_thread = asked.get(from..to).unwrap_or_default();
            if of_thread.iter().any(|one| self.descriptors.seen(*one, self.now, &self.hosts) != 0) {
                self.make_ready(thread, true);
                any = true;
            }
            from = to;
        }
        any
    }

    /// What a program sees of these descriptors now, and how many have something.
    fn look_at(&self, fds: &mut [PollFd]) -> usize {
        fds.iter_mut().for_each(|one| one.revents = 0);
        sys::poll_now(fds);
        let mut count = 0;
        for one in fds {
            one.revents = if one.fd < 0 { 0 } else { self.descriptors.seen(*one, self.now, &self.hosts) };
            count += usize::from(one.revents != 0);
        }
        count
    }
}

impl Holder {
    /// Waits until one of these is ready, or the time is over. The error is `EINTR`, by a fault.
    fn wait_for(&mut self, fds: &mut [PollFd], deadline: u64) -> Result<usize, c_int> {
        if self.is_interrupted() {
            return Err(EINTR);
        }
        loop {
            let count = self.run().look_at(fds);
            if count != 0 || self.run().now >= deadline {
                return Ok(count);
            }
            self.wait_until_ready(fds, deadline);
        }
    }

    /// Gives the baton away until one of these may be ready, or the time is over.
    pub(crate) fn wait_until_ready(&mut self, fds: &[PollFd], deadline: u64) {
        let me = self.me();
        let interest = &mut self.run().threads[me].interest;
        interest.clear();
        interest.extend(fds.iter().filter(|one| one.fd >= 0).map(|one| PollFd { revents: 0, ..*one }));
        self.block(Wait::Descriptors, deadline);
    }

    pub(crate) fn is_interrupted(&mut self) -> bool {
        let me = self.me();
        let run = self.run();
        if run.options.rates.interrupt == 0 {
            return false;
        }
        let number = run.threads[me].counts.interrupts;
        run.threads[me].counts.interrupts += 1;
        run.seed.happens(run.options.rates.interrupt, Purpose::Interrupt, me as u64, number)
    }

    /// `poll` with a time-out in virtual time.
    fn poll(&mut self, fds: &mut [PollFd], deadline: u64) -> c_int {
        self.point();
        let outcome = self.wait_for(fds, deadline);
        let me = self.me();
        let first = fds.iter().find(|one| one.revents != 0).map_or(-1, |one| one.fd);
        let run = self.run();
        let serial = run.descriptors.serial(first);
        match outcome {
            Ok(count) => {
                let count = i64::try_from(count).unwrap_or(0);
                run.note(me, Call::Poll, serial, count, 0);
                narrow(count)
            }
            Err(error) => {
                run.note(me, Call::Poll, 0, -i64::from(error), 0);
                narrow(sys::fail(error))
            }
        }
    }
}

fn narrow(result: i64) -> c_int {
    c_int::try_from(result).unwrap_or(-1)
}

/// # Safety
///
/// `count` structures at `fds`.
unsafe fn slice<'a>(fds: *mut PollFd, count: u64) -> &'a mut [PollFd] {
    match usize::try_from(count) {
        Ok(count) if count > 0 && !fds.is_null() => {
            // SAFETY: as the caller vouches for.
            unsafe { core::slice::from_raw_parts_mut(fds, count) }
        }
        _ => &mut [],
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn poll(fds: *mut PollFd, count: u64, timeout: c_int) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::poll(fds, count, timeout) };
    };
    let deadline = clock::deadline_after(&mut holder, timeout.into());
    // SAFETY: the caller's structures.
    holder.poll(unsafe { slice(fds, count) }, deadline)
}

/// What a build with fortified sources calls instead of [`poll`].
#[unsafe(no_mangle)]
unsafe extern "C" fn __poll_chk(fds: *mut PollFd, count: u64, timeout: c_int, _room: usize) -> c_int {
    // SAFETY: the caller's call.
    unsafe { poll(fds, count, timeout) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ppoll(fds: *mut PollFd, count: u64, timeout: *const Timespec, mask: *const c_void) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::ppoll(fds, count, timeout, mask) };
    };
    // SAFETY: the caller's pointer, where there is one.
    let deadline = if timeout.is_null() { NEVER } else { holder.after(unsafe { clock::nanoseconds(timeout) }) };
    // SAFETY: the caller's structures.
    holder.poll(unsafe { slice(fds, count) }, deadline)
}

type Bits = [u64; 16];

/// The descriptors of three sets, and back.
struct Selection {
    fds: Vec<PollFd>,
}

impl Selection {
    /// # Safety
    ///
    /// Sets, or null.
    unsafe fn read(count: c_int, sets: [*const Bits; 3]) -> Self {
        // SAFETY: as the caller vouches for.
        let sets = sets.map(|set| unsafe { set.as_ref() }.copied().unwrap_or_default());
        let has = |set: &Bits, fd: usize| set[fd / 64] >> (fd % 64) & 1 != 0;
        let mut fds = Vec::new();
        for fd in 0..usize::try_from(count).unwrap_or(0).min(1024) {
            let wanted = |n: usize, events: i16| if has(&sets[n], fd) { events } else { 0 };
            let events = wanted(0, POLLIN) | wanted(1, POLLOUT) | wanted(2, 2);
            if events != 0 {
                fds.push(PollFd { fd: c_int::try_from(fd).unwrap_or(-1), events, revents: 0 });
            }
        }
        Self { fds }
    }

    /// # Safety
    ///
    /// Sets that may be written, or null.
    unsafe fn write(&self, sets: [*mut Bits; 3]) -> c_int {
        let mut count = 0;
        // What `select` takes for readable, writable and exceptional.
        for (set, (asked, shown)) in sets.into_iter().zip([(POLLIN, 0x19), (POLLOUT, 0x0c), (2, 2)]) {
            // SAFETY: as the caller vouches for.
            let Some(set) = (unsafe { set.as_mut() }) else { continue };
            *set = [0; 16];
            for one in self.fds.iter().filter(|one| one.events & asked != 0 && one.revents & shown != 0) {
                let fd = usize::try_from(one.fd).unwrap_or(0);
                set[fd / 64] |= 1 << (fd % 64);
                count += 1;
            }
        }
        count
    }
}

/// # Safety
///
/// Sets, or null.
unsafe fn select_until(holder: &mut Holder, count: c_int, sets: [*mut Bits; 3], deadline: u64) -> c_int {
    // SAFETY: as the caller vouches for.
    let mut selection = unsafe { Selection::read(count, sets.map(<*mut Bits>::cast_const)) };
    if holder.poll(&mut selection.fds, deadline) < 0 {
        return -1;
    }
    // SAFETY: as the caller vouches for.
    unsafe { selection.write(sets) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn select(
    count: c_int,
    read: *mut Bits,
    write: *mut Bits,
    except: *mut Bits,
    timeout: *mut Timeval,
) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::select(count, read, write, except, timeout) };
    };
    // SAFETY: the caller's pointer, where there is one.
    let deadline = match unsafe { timeout.as_ref() } {
        None => NEVER,
        Some(time) => {
            let time = Timespec { sec: time.sec, nsec: time.usec.saturating_mul(1000) };
            // SAFETY: a value on this stack.
            let nanoseconds = unsafe { clock::nanoseconds(&raw const time) };
            holder.after(nanoseconds)
        }
    };
    // SAFETY: the caller's sets.
    unsafe { select_until(&mut holder, count, [read, write, except], deadline) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pselect(
    count: c_int,
    read: *mut Bits,
    write: *mut Bits,
    except: *mut Bits,
    timeout: *const Timespec,
    mask: *const c_void,
) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::pselect(count, read, write, except, timeout, mask) };
    };
    // SAFETY: the caller's pointer, where there is one.
    let deadline = if timeout.is_null() { NEVER } else { holder.after(unsafe { clock::nanoseconds(timeout) }) };
    // SAFETY: the caller's sets.
    unsafe { select_until(&mut holder, count, [read, write, except], deadline) }
}

fn made(fd: c_int, kind: Kind, call: Call) -> c_int {
    if fd >= 0
        && let Some(mut holder) = baton::enter()
    {
        let me = holder.me();
        let host = holder.run().threads[me].host;
        let serial = holder.run().descriptors.add(fd, host, kind);
        holder.run().note(me, call, serial, 0, 0);
    }
    fd
}

#[unsafe(no_mangle)]
unsafe extern "C" fn eventfd(initial: c_uint, flags: c_int) -> c_int {
    // SAFETY: the caller's call.
    made(unsafe { real::eventfd(initial, flags) }, Kind::Counter, Call::EventDescriptor)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_create(size: c_int) -> c_int {
    // SAFETY: the caller's call.
    made(unsafe { real::epoll_create(size) }, Kind::Set(Vec::new()), Call::EpollSet)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_create1(flags: c_int) -> c_int {
    // SAFETY: the caller's call.
    made(unsafe { real::epoll_create1(flags) }, Kind::Set(Vec::new()), Call::EpollSet)
}

const EPOLL_CTL_ADD: c_int = 1;
const EPOLL_CTL_DEL: c_int = 2;
/// Edge-triggered or for once: what the kernel alone can do.
const EPOLL_SPECIAL: u32 = 3 << 30;

/// The kernel's set is kept as well: it says what is wrong with a call, and does what is special.
#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_ctl(set: c_int, what: c_int, fd: c_int, event: *mut EpollEvent) -> c_int {
    // SAFETY: the caller's call.
    let result = unsafe { real::epoll_ctl(set, what, fd, event) };
    let Some(mut holder) = baton::enter() else { return result };
    if result == 0
        && let Some(members) = holder.run().descriptors.set_mut(set)
    {
        // SAFETY: the caller's pointer, which only a removal may lack.
        let event = unsafe { event.as_ref() }.copied();
        match (what, event) {
            (EPOLL_CTL_DEL, _) => members.retain(|member| member.fd != fd),
            (EPOLL_CTL_ADD, Some(event)) => members.push(Member { fd, events: event.events, data: event.data }),
            (_, Some(event)) => {
                if let Some(member) = members.iter_mut().find(|member| member.fd == fd) {
                    *member = Member { fd, events: event.events, data: event.data };
                }
            }
            (_, None) => {}
        }
    }
    let me = holder.me();
    let serial = holder.run().descriptors.serial(fd);
    holder.run().note(me, Call::EpollControl, serial, i64::from(what) << 8 | i64::from(result & 0xff), 0);
    result
}

/// # Safety
///
/// Room for `room` events.
unsafe fn epoll_until(holder: &mut Holder, set: c_int, events: *mut EpollEvent, room: c_int, deadline: u64) -> c_int {
    holder.point();
    let me = holder.me();
    let members = holder.run().descriptors.set(set).map(<[Member]>::to_vec);
    let members = members.filter(|members| members.iter().all(|member| member.events & EPOLL_SPECIAL == 0));
    let outcome = match &members {
        Some(members) => wait_for_members(holder, members, deadline),
        None => holder.wait_for(&mut [PollFd { fd: set, events: POLLIN, revents: 0 }], deadline).map(|_| Vec::new()),
    };
    let serial = holder.run().descriptors.serial(set);
    let result = match outcome {
        Err(error) => sys::fail(error),
        // SAFETY: the caller's room. The kernel has something, or the time is over.
        Ok(_) if members.is_none() => unsafe { real::epoll_wait(set, events, room, 0) }.into(),
        Ok(ready) => {
            let ready = ready.get(..ready.len().min(usize::try_from(room).unwrap_or(0))).unwrap_or_default();
            for (place, event) in ready.iter().enumerate() {
                // SAFETY: not more than there is room for.
                unsafe { *events.add(place) = *event };
            }
            i64::try_from(ready.len()).unwrap_or(0)
        }
    };
    holder.run().note(me, Call::EpollWait, serial, result, 0);
    narrow(result)
}

/// Those of the members that are ready, beginning with one that is drawn.
fn wait_for_members(holder: &mut Holder, members: &[Member], deadline: u64) -> Result<Vec<EpollEvent>, c_int> {
    // The low bits mean the same to `poll`.
    let events = |member: &Member| i16::try_from(member.events & 0x7fff).unwrap_or(0);
    let asked = |member: &Member| PollFd { fd: member.fd, events: events(member), revents: 0 };
    let mut fds: Vec<PollFd> = members.iter().map(asked).collect();
    let count = holder.wait_for(&mut fds, deadline)?;
    let ready = fds.iter().zip(members).filter(|(one, _)| one.revents != 0);
    let mut ready: Vec<EpollEvent> = ready
        .map(|(one, member)| EpollEvent { events: u32::from(one.revents.cast_unsigned()), data: member.data })
        .collect();
    if count > 1 {
        let run = holder.run();
        let first = run.seed.below(ready.len() as u64, Purpose::Order, 0, run.points);
        ready.rotate_left(usize::try_from(first).unwrap_or(0));
    }
    Ok(ready)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_wait(set: c_int, events: *mut EpollEvent, room: c_int, timeout: c_int) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::epoll_wait(set, events, room, timeout) };
    };
    let deadline = clock::deadline_after(&mut holder, timeout.into());
    // SAFETY: the caller's room.
    unsafe { epoll_until(&mut holder, set, events, room, deadline) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_pwait(
    set: c_int,
    events: *mut EpollEvent,
    room: c_int,
    timeout: c_int,
    mask: *const c_void,
) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::epoll_pwait(set, events, room, timeout, mask) };
    };
    let deadline = clock::deadline_after(&mut holder, timeout.into());
    // SAFETY: the caller's room.
    unsafe { epoll_until(&mut holder, set, events, room, deadline) }
}
