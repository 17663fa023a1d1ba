//! What this crate needs of the system's interface on x86-64 Linux: layouts, numbers, and calls into the kernel that
//! pass no function of the C library. A test beside the crate that embeds this one holds the layouts against `libc`.

use core::arch::asm;
use core::ffi::{c_char, c_int, c_void};

/// `struct pollfd`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollFd {
    /// Descriptor; negative: skipped.
    pub fd: c_int,
    /// What is asked for.
    pub events: i16,
    /// What is.
    pub revents: i16,
}

/// `struct epoll_event`, packed on x86-64.
#[repr(C, packed)]
#[derive(Debug, Clone, Copy)]
pub struct EpollEvent {
    /// What is asked for, or what is.
    pub events: u32,
    /// The caller's.
    pub data: u64,
}

/// `struct timespec`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Timespec {
    /// Seconds.
    pub sec: i64,
    /// Nanoseconds.
    pub nsec: i64,
}

/// `struct timeval`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Timeval {
    /// Seconds.
    pub sec: i64,
    /// Microseconds.
    pub usec: i64,
}

/// `struct iovec`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct IoVec {
    /// First octet.
    pub base: *mut u8,
    /// Number of octets.
    pub len: usize,
}

/// `struct msghdr`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct MsgHdr {
    /// Address.
    pub name: *mut c_void,
    /// Length of the address.
    pub namelen: u32,
    /// Pieces.
    pub iov: *mut IoVec,
    /// Number of pieces.
    pub iovlen: usize,
    /// Ancillary data.
    pub control: *mut c_void,
    /// Its length.
    pub controllen: usize,
    /// What the kernel says of the message.
    pub flags: c_int,
}

/// `struct addrinfo`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct AddrInfo {
    /// `AI_*`.
    pub flags: c_int,
    /// `AF_*`.
    pub family: c_int,
    /// `SOCK_*`.
    pub socktype: c_int,
    /// `IPPROTO_*`.
    pub protocol: c_int,
    /// Length of the address.
    pub addrlen: u32,
    /// The address.
    pub addr: *mut u8,
    /// Canonical name.
    pub canonname: *mut c_char,
    /// The next.
    pub next: *mut Self,
}

/// `struct ifaddrs`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct IfAddrs {
    /// The next.
    pub next: *mut Self,
    /// Name of the interface.
    pub name: *mut c_char,
    /// `IFF_*`.
    pub flags: u32,
    /// Its address.
    pub addr: *mut u8,
    /// Its mask.
    pub netmask: *mut u8,
    /// Broadcast, or the other end.
    pub broadcast: *mut u8,
    /// More.
    pub data: *mut c_void,
}

/// `struct sigaction` of the C library.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SigAction {
    /// The handler.
    pub handler: usize,
    /// Signals blocked meanwhile.
    pub mask: [u64; 16],
    /// `SA_*`.
    pub flags: c_int,
    /// The C library's.
    pub restorer: usize,
}

/// Head of `ucontext_t`, as far as the general registers.
#[repr(C)]
#[derive(Debug)]
pub struct UContext {
    head: [u64; 5],
    /// General registers, in the kernel's order.
    pub gregs: [i64; 23],
}

pub(crate) const REG_RDX: usize = 12;
pub(crate) const REG_RAX: usize = 13;
pub(crate) const REG_RCX: usize = 14;
pub(crate) const REG_RIP: usize = 16;

pub(crate) const EPERM: c_int = 1;
pub(crate) const EINTR: c_int = 4;
pub(crate) const EAGAIN: c_int = 11;
pub(crate) const EBUSY: c_int = 16;
pub(crate) const EINVAL: c_int = 22;
pub(crate) const EMFILE: c_int = 24;
pub(crate) const EPIPE: c_int = 32;
pub(crate) const EADDRINUSE: c_int = 98;
pub(crate) const ECONNABORTED: c_int = 103;
pub(crate) const ECONNRESET: c_int = 104;
pub(crate) const EISCONN: c_int = 106;
pub(crate) const ENOTCONN: c_int = 107;
pub(crate) const ETIMEDOUT: c_int = 110;
pub(crate) const ECONNREFUSED: c_int = 111;
pub(crate) const EALREADY: c_int = 114;
pub(crate) const EINPROGRESS: c_int = 115;

pub(crate) const POLLIN: i16 = 1;
pub(crate) const POLLOUT: i16 = 4;
pub(crate) const POLLERR: i16 = 8;
pub(crate) const POLLHUP: i16 = 16;

pub(crate) const AF_UNIX: u16 = 1;
pub(crate) const AF_INET: u16 = 2;
pub(crate) const AF_INET6: u16 = 10;
pub(crate) const SOCK_STREAM: c_int = 1;
pub(crate) const SOCK_NONBLOCK: c_int = 0o4000;
pub(crate) const SOCK_CLOEXEC: c_int = 0o2_000_000;
pub(crate) const O_NONBLOCK: i64 = 0o4000;
pub(crate) const F_GETFL: i64 = 3;
pub(crate) const MSG_PEEK: c_int = 2;
pub(crate) const MSG_DONTWAIT: c_int = 0x40;
pub(crate) const SOL_SOCKET: c_int = 1;
pub(crate) const SO_ERROR: c_int = 4;
pub(crate) const SHUT_RDWR: i64 = 2;
pub(crate) const SIGSEGV: c_int = 11;

pub(crate) const SYS_READ: i64 = 0;
pub(crate) const SYS_WRITE: i64 = 1;
pub(crate) const SYS_CLOSE: i64 = 3;
pub(crate) const SYS_POLL: i64 = 7;
pub(crate) const SYS_SCHED_YIELD: i64 = 24;
pub(crate) const SYS_NANOSLEEP: i64 = 35;
pub(crate) const SYS_GETPID: i64 = 39;
pub(crate) const SYS_SOCKET: i64 = 41;
pub(crate) const SYS_CONNECT: i64 = 42;
pub(crate) const SYS_SENDTO: i64 = 44;
pub(crate) const SYS_RECVFROM: i64 = 45;
pub(crate) const SYS_SENDMSG: i64 = 46;
pub(crate) const SYS_RECVMSG: i64 = 47;
pub(crate) const SYS_SHUTDOWN: i64 = 48;
pub(crate) const SYS_BIND: i64 = 49;
pub(crate) const SYS_LISTEN: i64 = 50;
pub(crate) const SYS_FCNTL: i64 = 72;
pub(crate) const SYS_PRCTL: i64 = 157;
pub(crate) const SYS_GETTID: i64 = 186;
pub(crate) const SYS_FUTEX: i64 = 202;
pub(crate) const SYS_EXIT_GROUP: i64 = 231;
pub(crate) const SYS_TGKILL: i64 = 234;
pub(crate) const SYS_ACCEPT4: i64 = 288;
pub(crate) const SYS_GETRANDOM: i64 = 318;

/// Calls the kernel; a negative result is an errno. The calling thread's `errno` stays as it is.
///
/// # Safety
///
/// What the system call asks of its arguments.
pub(crate) unsafe fn syscall(number: i64, arguments: [i64; 6]) -> i64 {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the instruction changes rax, rcx and r11 only; memory as the caller vouches for.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            in("r10") d,
            in("r8") e,
            in("r9") f,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack)
        );
    }
    result
}

/// As [`syscall`], with the C library's convention: −1 and `errno`.
///
/// # Safety
///
/// As [`syscall`].
pub(crate) unsafe fn kernel(number: i64, arguments: [i64; 6]) -> i64 {
    // SAFETY: as the caller vouches for.
    let result = unsafe { syscall(number, arguments) };
    if (-4095..0).contains(&result) { fail(-result) } else { result }
}

unsafe extern "C" {
    fn __errno_location() -> *mut c_int;
}

/// Sets the calling thread's `errno`, and gives −1.
pub(crate) fn fail(number: impl TryInto<c_int>) -> i64 {
    let number = number.try_into().unwrap_or(EINVAL);
    // SAFETY: the location is the thread's own.
    unsafe { *__errno_location() = number };
    -1
}

/// The calling thread's `errno`.
pub(crate) fn errno() -> c_int {
    // SAFETY: the location is the thread's own.
    unsafe { *__errno_location() }
}

/// What the kernel says of these descriptors now.
pub(crate) fn poll_now(fds: &mut [PollFd]) -> i64 {
    let len = i64::try_from(fds.len()).unwrap_or(0);
    // SAFETY: a slice of that length, written to for the duration of the call.
    unsafe { syscall(SYS_POLL, [fds.as_mut_ptr() as i64, len, 0, 0, 0, 0]) }
}

/// Sleeps in real time: only while somebody outside of the run has to do something.
pub(crate) fn real_pause(nanoseconds: i64) {
    let time = Timespec { sec: 0, nsec: nanoseconds };
    // SAFETY: a valid timespec; no remainder is asked for.
    unsafe { syscall(SYS_NANOSLEEP, [&raw const time as i64, 0, 0, 0, 0, 0]) };
}

/// Ends the process at once, after a line on standard error.
pub(crate) fn die(text: &str) -> ! {
    let line = format!("zmqspec captive: {text}\n");
    // SAFETY: a slice's pointer and length; the second call does not return.
    unsafe {
        syscall(SYS_WRITE, [2, line.as_ptr() as i64, i64::try_from(line.len()).unwrap_or(0), 0, 0, 0]);
        loop {
            syscall(SYS_EXIT_GROUP, [i64::from(crate::STUCK), 0, 0, 0, 0, 0]);
        }
    }
}
