//! Octets: reads and writes of every kind, each a scheduling point, and on connections torn, delayed and cut by key.

use core::ffi::{c_int, c_void};

use crate::baton::{self, Holder};
use crate::descriptors::{Fate, Kind};
use crate::draw::Purpose;
use crate::real;
use crate::run::{NEVER, Run, Wait};
use crate::sockets::is_blocking;
use crate::sys::{
    self, EAGAIN, ECONNRESET, EINTR, EPIPE, IoVec, MSG_DONTWAIT, MSG_PEEK, MsgHdr, POLLIN, POLLOUT, PollFd, SYS_CLOSE,
    SYS_READ, SYS_RECVFROM, SYS_RECVMSG, SYS_SENDMSG, SYS_SENDTO, SYS_SHUTDOWN, SYS_WRITE,
};
use crate::trace::{Call, digest};

/// Most octets of a torn read or write.
const TORN: u64 = 13;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

impl Run {
    /// How many of `len` octets may be moved now at this end of a connection; the error is an errno.
    fn allow(&mut self, connection: usize, end: usize, way: Way, len: usize) -> Result<usize, c_int> {
        loop {
            let one = &mut self.descriptors.connections[connection];
            match (one.fate, way) {
                (Fate::Reset, _) => return Err(ECONNRESET),
                (Fate::Ended, Way::Out) => return Err(EPIPE),
                (Fate::Ended, Way::In) => return Ok(len),
                (Fate::Whole | Fate::Silent(_), _) => {}
            }
            let still = match way {
                Way::In => one.is_deaf(end, self.now, &self.hosts),
                Way::Out => one.is_dumb(end, self.now, &self.hosts),
            };
            if still {
                return Err(EAGAIN);
            }
            let number = one.calls[end];
            one.calls[end] += 1;
            let whom = (connection as u64) << 1 | end as u64;
            let rates = self.options.rates;
            if self.seed.happens(rates.interrupt, Purpose::Interrupt, !whom, number) {
                return Err(EINTR);
            }
            if self.seed.happens(rates.delay, Purpose::Delay, whom, number) {
                let until = self.now + (100_000 << self.seed.below(11, Purpose::Delay, !whom, number));
                one.held_until[end] = until;
                self.descriptors.release_at(until);
                return Err(EAGAIN);
            }
            let torn = self.seed.happens(rates.torn, Purpose::Torn, whom, number);
            let drawn = 1 + self.seed.below(TORN, Purpose::Torn, !whom, number);
            let mut limit = if torn { drawn } else { u64::MAX };
            let at_most = self.hosts.torn(one.hosts[end]);
            if at_most != 0 {
                limit = limit.min(1 + self.seed.below(at_most, Purpose::Torn, whom, !number));
            }
            if way == Way::Out {
                limit = limit.min(one.room(end, &self.hosts));
                match self.hosts.before_awaited(one.hosts[end], one.hosts[1 - end]) {
                    // Who waits for that octet looks first.
                    Some(0) => return Err(EAGAIN),
                    Some(left) => limit = limit.min(left),
                    None => {}
                }
            }
            let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(len);
            let Some(cut) = one.cut.filter(|cut| cut.end == end && way == Way::Out) else { return Ok(limit) };
            match cut.after.saturating_sub(one.sent[end]) {
                0 => {
                    one.cut = None;
                    self.descriptors.strike(connection, cut.how);
                    self.stale = true;
                }
                left => return Ok(limit.min(usize::try_from(left).unwrap_or(usize::MAX))),
            }
        }
    }

    fn moved(&mut self, fd: c_int, way: Way, octets: i64) {
        if let Some((connection, end)) = self.descriptors.connection_of(fd) {
            let one = &mut self.descriptors.connections[connection];
            match way {
                Way::In => one.received[end] += octets.unsigned_abs(),
                Way::Out => {
                    one.sent[end] += octets.unsigned_abs();
                    if self.hosts.carry(one.hosts[end], one.hosts[1 - end], octets.unsigned_abs()) {
                        self.wake_all(Wait::Octets);
                    }
                }
            }
        }
        self.stale = true;
    }
}

/// One call that moves octets.
struct Transfer {
    fd: c_int,
    call: Call,
    way: Way,
    len: usize,
    /// Whether the caller said that this call does not block, whatever the descriptor.
    dont_wait: bool,
    /// Whether the kernel may be asked at once, as it is told not to block either.
    asks_at_once: bool,
    /// Whether the octets stay where they are.
    peeks: bool,
}

/// Does a call of which `raw` is the kernel's, for as many octets as it is given; `digest` tells what was moved.
fn carry(
    holder: &mut Holder,
    transfer: &Transfer,
    mut raw: impl FnMut(usize) -> i64,
    digest: impl Fn(usize) -> u64,
) -> isize {
    holder.point();
    let Transfer { fd, call, way, len, dont_wait, asks_at_once, peeks } = *transfer;
    let me = holder.me();
    let events = if way == Way::In { POLLIN } else { POLLOUT };
    let here = [PollFd { fd, events, revents: 0 }];
    let connection = holder.run().descriptors.connection_of(fd);
    if !asks_at_once && is_blocking(fd) {
        while sys::poll_now(&mut here.clone()) == 0 {
            holder.wait_until_ready(&here, NEVER);
        }
    }
    let done = loop {
        let limit = match connection {
            None => Ok(len),
            Some((connection, end)) => holder.run().allow(connection, end, way, len),
        };
        let done = limit.map_or_else(|error| -i64::from(error), &mut raw);
        if done != -i64::from(EAGAIN) || dont_wait || !is_blocking(fd) {
            break done;
        }
        holder.wait_until_ready(&here, NEVER);
    };
    let octets = usize::try_from(done).map_or(0, digest);
    let run = holder.run();
    if done > 0 && !peeks {
        run.moved(fd, way, done);
    }
    let serial = run.descriptors.serial(fd);
    run.note(me, call, serial, done, octets);
    let result = if done < 0 { sys::fail(-done) } else { done };
    isize::try_from(result).unwrap_or(-1)
}

/// # Safety
///
/// `len` octets at `buffer`.
unsafe fn digest_of(buffer: *const u8, len: usize) -> u64 {
    if len == 0 || buffer.is_null() {
        return 0;
    }
    // SAFETY: as the caller vouches for.
    digest(unsafe { core::slice::from_raw_parts(buffer, len) })
}

fn whole(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sendto(
    fd: c_int,
    buffer: *const u8,
    len: usize,
    flags: c_int,
    to: *const u8,
    to_len: u32,
) -> isize {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::sendto(fd, buffer, len, flags, to, to_len) };
    };
    let dont_wait = flags & MSG_DONTWAIT != 0;
    let transfer = Transfer { fd, call: Call::Send, way: Way::Out, len, dont_wait, asks_at_once: true, peeks: false };
    let flags = i64::from(flags | MSG_DONTWAIT);
    // SAFETY: the caller's buffer and address; fewer octets at most.
    let raw = |limit| unsafe {
        sys::syscall(SYS_SENDTO, [fd.into(), buffer as i64, whole(limit), flags, to as i64, to_len.into()])
    };
    // SAFETY: the caller's buffer.
    carry(&mut holder, &transfer, raw, |len| unsafe { digest_of(buffer, len) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn send(fd: c_int, buffer: *const u8, len: usize, flags: c_int) -> isize {
    if baton::enter().is_some() {
        // SAFETY: the caller's call.
        return unsafe { sendto(fd, buffer, len, flags, core::ptr::null(), 0) };
    }
    // SAFETY: the caller's call.
    unsafe { real::send(fd, buffer, len, flags) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn recvfrom(
    fd: c_int,
    buffer: *mut u8,
    len: usize,
    flags: c_int,
    from: *mut u8,
    from_len: *mut u32,
) -> isize {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::recvfrom(fd, buffer, len, flags, from, from_len) };
    };
    let dont_wait = flags & MSG_DONTWAIT != 0;
    let transfer = Transfer {
        fd,
        call: Call::Receive,
        way: Way::In,
        len,
        dont_wait,
        asks_at_once: true,
        peeks: flags & MSG_PEEK != 0,
    };
    let kernel_flags = i64::from(flags | MSG_DONTWAIT);
    // SAFETY: the caller's buffer and places; fewer octets at most.
    let raw = |limit| unsafe {
        sys::syscall(SYS_RECVFROM, [fd.into(), buffer as i64, whole(limit), kernel_flags, from as i64, from_len as i64])
    };
    // SAFETY: the caller's buffer, which the kernel has filled so far.
    carry(&mut holder, &transfer, raw, |len| unsafe { digest_of(buffer, len) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn recv(fd: c_int, buffer: *mut u8, len: usize, flags: c_int) -> isize {
    if baton::enter().is_some() {
        // SAFETY: the caller's call.
        return unsafe { recvfrom(fd, buffer, len, flags, core::ptr::null_mut(), core::ptr::null_mut()) };
    }
    // SAFETY: the caller's call.
    unsafe { real::recv(fd, buffer, len, flags) }
}

/// What a build with fortified sources calls instead of [`recv`].
#[unsafe(no_mangle)]
unsafe extern "C" fn __recv_chk(fd: c_int, buffer: *mut u8, len: usize, _room: usize, flags: c_int) -> isize {
    // SAFETY: the caller's call.
    unsafe { recv(fd, buffer, len, flags) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(fd: c_int, buffer: *const u8, len: usize) -> isize {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::write(fd, buffer, len) };
    };
    if holder.run().descriptors.socket(fd).is_some() {
        drop(holder);
        // SAFETY: the caller's call; the same for a socket.
        return unsafe { sendto(fd, buffer, len, 0, core::ptr::null(), 0) };
    }
    let transfer =
        Transfer { fd, call: Call::Write, way: Way::Out, len, dont_wait: false, asks_at_once: false, peeks: false };
    // SAFETY: the caller's buffer.
    let raw = |limit| unsafe { sys::syscall(SYS_WRITE, [fd.into(), buffer as i64, whole(limit), 0, 0, 0]) };
    // SAFETY: the caller's buffer.
    carry(&mut holder, &transfer, raw, |len| unsafe { digest_of(buffer, len) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn read(fd: c_int, buffer: *mut u8, len: usize) -> isize {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::read(fd, buffer, len) };
    };
    match holder.run().descriptors.get(fd).map(|descriptor| &descriptor.kind) {
        Some(Kind::Random) => {
            // SAFETY: the caller's buffer.
            holder.fill(unsafe { core::slice::from_raw_parts_mut(buffer, len) });
            return isize::try_from(len).unwrap_or(isize::MAX);
        }
        Some(Kind::Socket(_)) => {
            drop(holder);
            // SAFETY: the caller's call; the same for a socket.
            return unsafe { recvfrom(fd, buffer, len, 0, core::ptr::null_mut(), core::ptr::null_mut()) };
        }
        Some(Kind::Counter | Kind::Set(_)) | None => {}
    }
    let transfer =
        Transfer { fd, call: Call::Read, way: Way::In, len, dont_wait: false, asks_at_once: false, peeks: false };
    // SAFETY: the caller's buffer.
    let raw = |limit| unsafe { sys::syscall(SYS_READ, [fd.into(), buffer as i64, whole(limit), 0, 0, 0]) };
    // SAFETY: the caller's buffer, which the kernel has filled so far.
    carry(&mut holder, &transfer, raw, |len| unsafe { digest_of(buffer, len) })
}

/// What a build with fortified sources calls instead of [`read`].
#[unsafe(no_mangle)]
unsafe extern "C" fn __read_chk(fd: c_int, buffer: *mut u8, len: usize, _room: usize) -> isize {
    // SAFETY: the caller's call.
    unsafe { read(fd, buffer, len) }
}

/// # Safety
///
/// A message header with valid pieces.
unsafe fn pieces<'a>(message: *const MsgHdr) -> &'a [IoVec] {
    // SAFETY: as the caller vouches for.
    unsafe {
        let MsgHdr { iov, iovlen, .. } = *message;
        if iovlen == 0 { &[] } else { core::slice::from_raw_parts(iov, iovlen) }
    }
}

/// The first `limit` octets of some pieces.
fn first(pieces: &[IoVec], mut limit: usize) -> Vec<IoVec> {
    let mut cut = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let len = piece.len.min(limit);
        limit -= len;
        if len > 0 || piece.len == 0 {
            cut.push(IoVec { base: piece.base, len });
        }
    }
    cut
}

/// # Safety
///
/// Pieces with `len` octets that can be read.
unsafe fn digest_pieces(pieces: &[IoVec], len: usize) -> u64 {
    let of_piece = |piece: &IoVec| {
        // SAFETY: as the caller vouches for.
        unsafe { digest_of(piece.base, piece.len) }
    };
    first(pieces, len).iter().fold(0, |sum: u64, piece| sum.rotate_left(9) ^ of_piece(piece))
}

fn octets(pieces: &[IoVec]) -> usize {
    pieces.iter().map(|piece| piece.len).sum()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sendmsg(fd: c_int, message: *const MsgHdr, flags: c_int) -> isize {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::sendmsg(fd, message, flags) };
    };
    // SAFETY: the caller's message.
    let (header, all) = unsafe { (*message, pieces(message)) };
    let dont_wait = flags & MSG_DONTWAIT != 0;
    let transfer =
        Transfer { fd, call: Call::Send, way: Way::Out, len: octets(all), dont_wait, asks_at_once: true, peeks: false };
    let raw = |limit| {
        let mut cut = first(all, limit);
        let header = MsgHdr { iov: cut.as_mut_ptr(), iovlen: cut.len(), ..header };
        let flags = i64::from(flags | MSG_DONTWAIT);
        // SAFETY: the caller's message, with fewer octets at most.
        unsafe { sys::syscall(SYS_SENDMSG, [fd.into(), &raw const header as i64, flags, 0, 0, 0]) }
    };
    // SAFETY: the caller's pieces.
    carry(&mut holder, &transfer, raw, |len| unsafe { digest_pieces(all, len) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn recvmsg(fd: c_int, message: *mut MsgHdr, flags: c_int) -> isize {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::recvmsg(fd, message, flags) };
    };
    // SAFETY: the caller's message.
    let (header, all) = unsafe { (*message, pieces(message)) };
    let dont_wait = flags & MSG_DONTWAIT != 0;
    let transfer = Transfer {
        fd,
        call: Call::Receive,
        way: Way::In,
        len: octets(all),
        dont_wait,
        asks_at_once: true,
        peeks: false,
    };
    let raw = |limit| {
        let mut cut = first(all, limit);
        let mut header = MsgHdr { iov: cut.as_mut_ptr(), iovlen: cut.len(), ..header };
        let flags = i64::from(flags | MSG_DONTWAIT);
        // SAFETY: the caller's message, with fewer octets at most; what the kernel says of it goes back.
        unsafe {
            let done = sys::syscall(SYS_RECVMSG, [fd.into(), &raw mut header as i64, flags, 0, 0, 0]);
            (*message).namelen = header.namelen;
            (*message).controllen = header.controllen;
            (*message).flags = header.flags;
            done
        }
    };
    // SAFETY: the caller's pieces, which the kernel has filled so far.
    carry(&mut holder, &transfer, raw, |len| unsafe { digest_pieces(all, len) })
}

/// The message that has the pieces of `readv` or `writev`.
fn as_message(from: *const IoVec, count: c_int) -> MsgHdr {
    let none = core::ptr::null_mut::<c_void>();
    let iovlen = usize::try_from(count).unwrap_or(0);
    MsgHdr { name: none, namelen: 0, iov: from.cast_mut(), iovlen, control: none, controllen: 0, flags: 0 }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn writev(fd: c_int, from: *const IoVec, count: c_int) -> isize {
    let socket = baton::enter().is_some_and(|mut holder| holder.run().descriptors.socket(fd).is_some());
    if socket {
        let message = as_message(from, count);
        // SAFETY: the caller's pieces; the same for a socket.
        return unsafe { sendmsg(fd, &raw const message, 0) };
    }
    // SAFETY: the caller's call.
    unsafe { real::writev(fd, from, count) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn readv(fd: c_int, from: *const IoVec, count: c_int) -> isize {
    let socket = baton::enter().is_some_and(|mut holder| holder.run().descriptors.socket(fd).is_some());
    if socket {
        let mut message = as_message(from, count);
        // SAFETY: the caller's pieces; the same for a socket.
        return unsafe { recvmsg(fd, &raw mut message, 0) };
    }
    // SAFETY: the caller's call.
    unsafe { real::readv(fd, from, count) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn shutdown(fd: c_int, how: c_int) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::shutdown(fd, how) };
    };
    holder.point();
    // SAFETY: two numbers.
    let done = unsafe { sys::syscall(SYS_SHUTDOWN, [fd.into(), how.into(), 0, 0, 0, 0]) };
    finish(&mut holder, Call::Shutdown, fd, done)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn close(fd: c_int) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::close(fd) };
    };
    holder.point();
    let serial = holder.run().descriptors.serial(fd);
    holder.run().descriptors.forget(fd);
    // SAFETY: the caller's call.
    let done = unsafe { sys::syscall(SYS_CLOSE, [fd.into(), 0, 0, 0, 0, 0]) };
    let me = holder.me();
    holder.run().stale = true;
    holder.run().note(me, Call::Close, serial, done, 0);
    c_int::try_from(if done < 0 { sys::fail(-done) } else { done }).unwrap_or(-1)
}

fn finish(holder: &mut Holder, call: Call, fd: c_int, done: i64) -> c_int {
    let me = holder.me();
    let run = holder.run();
    run.stale = true;
    let serial = run.descriptors.serial(fd);
    run.note(me, call, serial, done, 0);
    c_int::try_from(if done < 0 { sys::fail(-done) } else { done }).unwrap_or(-1)
}
