//! The functions that this library hides, found behind it.

use core::ffi::{c_char, c_int, c_long, c_uint, c_void};
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::sys::{AddrInfo, EpollEvent, IfAddrs, IoVec, MsgHdr, PollFd, SigAction, Timespec, Timeval};

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// The next definition after this library's.
const NEXT: *mut c_void = core::ptr::without_provenance_mut(usize::MAX);

fn find(cache: &AtomicPtr<c_void>, name: &'static str) -> *mut c_void {
    let known = cache.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    // SAFETY: the name ends with a zero octet.
    let found = unsafe { dlsym(NEXT, name.as_ptr().cast()) };
    if found.is_null() {
        crate::sys::die(&format!("the C library has no {}", name.trim_end_matches('\0')));
    }
    cache.store(found, Ordering::Relaxed);
    found
}

macro_rules! real {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => { $(
        /// # Safety
        ///
        /// The contract of the C function of this name.
        pub(crate) unsafe fn $name($($argument: $type),*) -> $result {
            static CACHE: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
            let found = find(&CACHE, concat!(stringify!($name), "\0"));
            // SAFETY: the function of that name has this type, and the caller keeps its contract.
            unsafe {
                let function: unsafe extern "C" fn($($type),*) -> $result = core::mem::transmute(found);
                function($($argument),*)
            }
        }
    )* };
}

/// `start_routine` of `pthread_create`.
pub(crate) type Start = extern "C-unwind" fn(*mut c_void) -> *mut c_void;

real! {
    fn accept(fd: c_int, address: *mut u8, len: *mut u32) -> c_int;
    fn accept4(fd: c_int, address: *mut u8, len: *mut u32, flags: c_int) -> c_int;
    fn bind(fd: c_int, address: *const u8, len: u32) -> c_int;
    fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int;
    fn clock_nanosleep(clock: c_int, flags: c_int, time: *const Timespec, rest: *mut Timespec) -> c_int;
    fn close(fd: c_int) -> c_int;
    fn connect(fd: c_int, address: *const u8, len: u32) -> c_int;
    fn epoll_create(size: c_int) -> c_int;
    fn epoll_create1(flags: c_int) -> c_int;
    fn epoll_ctl(set: c_int, what: c_int, fd: c_int, event: *mut EpollEvent) -> c_int;
    fn epoll_pwait(set: c_int, events: *mut EpollEvent, room: c_int, timeout: c_int, mask: *const c_void) -> c_int;
    fn epoll_wait(set: c_int, events: *mut EpollEvent, room: c_int, timeout: c_int) -> c_int;
    fn eventfd(initial: c_uint, flags: c_int) -> c_int;
    fn execv(path: *const c_char, arguments: *const *mut c_char) -> c_int;
    fn execve(path: *const c_char, arguments: *const *mut c_char, environment: *const *mut c_char) -> c_int;
    fn execvp(file: *const c_char, arguments: *const *mut c_char) -> c_int;
    fn execvpe(file: *const c_char, arguments: *const *mut c_char, environment: *const *mut c_char) -> c_int;
    fn fexecve(fd: c_int, arguments: *const *mut c_char, environment: *const *mut c_char) -> c_int;
    fn fork() -> c_int;
    fn getaddrinfo(node: *const c_char, service: *const c_char, hints: *const AddrInfo, found: *mut *mut AddrInfo) -> c_int;
    fn getentropy(buffer: *mut u8, len: usize) -> c_int;
    fn gethostname(name: *mut c_char, len: usize) -> c_int;
    fn getifaddrs(found: *mut *mut IfAddrs) -> c_int;
    fn getnameinfo(address: *const u8, len: u32, host: *mut c_char, host_len: u32, service: *mut c_char, service_len: u32, flags: c_int) -> c_int;
    fn getpeername(fd: c_int, address: *mut u8, len: *mut u32) -> c_int;
    fn getsockname(fd: c_int, address: *mut u8, len: *mut u32) -> c_int;
    fn getsockopt(fd: c_int, level: c_int, name: c_int, value: *mut u8, len: *mut u32) -> c_int;
    fn gettimeofday(time: *mut Timeval, zone: *mut c_void) -> c_int;
    fn listen(fd: c_int, backlog: c_int) -> c_int;
    fn mkdtemp(template: *mut c_char) -> *mut c_char;
    fn mkstemp(template: *mut c_char) -> c_int;
    fn nanosleep(time: *const Timespec, rest: *mut Timespec) -> c_int;
    fn open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int;
    fn open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int;
    fn openat(folder: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int;
    fn poll(fds: *mut PollFd, count: u64, timeout: c_int) -> c_int;
    fn popen(command: *const c_char, mode: *const c_char) -> *mut c_void;
    fn posix_spawn(id: *mut c_int, path: *const c_char, actions: *const c_void, attributes: *const c_void, arguments: *const *mut c_char, environment: *const *mut c_char) -> c_int;
    fn posix_spawnp(id: *mut c_int, file: *const c_char, actions: *const c_void, attributes: *const c_void, arguments: *const *mut c_char, environment: *const *mut c_char) -> c_int;
    fn ppoll(fds: *mut PollFd, count: u64, timeout: *const Timespec, mask: *const c_void) -> c_int;
    fn pselect(count: c_int, read: *mut [u64; 16], write: *mut [u64; 16], except: *mut [u64; 16], timeout: *const Timespec, mask: *const c_void) -> c_int;
    fn pthread_cond_broadcast(condition: *mut c_void) -> c_int;
    fn pthread_cond_clockwait(condition: *mut c_void, mutex: *mut c_void, clock: c_int, until: *const Timespec) -> c_int;
    fn pthread_cond_signal(condition: *mut c_void) -> c_int;
    fn pthread_cond_timedwait(condition: *mut c_void, mutex: *mut c_void, until: *const Timespec) -> c_int;
    fn pthread_cond_wait(condition: *mut c_void, mutex: *mut c_void) -> c_int;
    fn pthread_create(thread: *mut u64, attributes: *const c_void, start: Start, argument: *mut c_void) -> c_int;
    fn pthread_join(thread: u64, value: *mut *mut c_void) -> c_int;
    fn pthread_mutex_clocklock(mutex: *mut c_void, clock: c_int, until: *const Timespec) -> c_int;
    fn pthread_mutex_lock(mutex: *mut c_void) -> c_int;
    fn pthread_mutex_timedlock(mutex: *mut c_void, until: *const Timespec) -> c_int;
    fn pthread_mutex_trylock(mutex: *mut c_void) -> c_int;
    fn pthread_mutex_unlock(mutex: *mut c_void) -> c_int;
    fn pthread_once(control: *mut c_int, start: extern "C" fn()) -> c_int;
    fn pthread_rwlock_rdlock(lock: *mut c_void) -> c_int;
    fn pthread_rwlock_tryrdlock(lock: *mut c_void) -> c_int;
    fn pthread_rwlock_trywrlock(lock: *mut c_void) -> c_int;
    fn pthread_rwlock_unlock(lock: *mut c_void) -> c_int;
    fn pthread_rwlock_wrlock(lock: *mut c_void) -> c_int;
    fn pthread_setaffinity_np(thread: u64, len: usize, set: *const c_void) -> c_int;
    fn pthread_setschedparam(thread: u64, policy: c_int, parameter: *const c_int) -> c_int;
    fn pthread_sigmask(how: c_int, set: *const [u64; 16], old: *mut [u64; 16]) -> c_int;
    fn rand() -> c_int;
    fn random() -> c_long;
    fn read(fd: c_int, buffer: *mut u8, len: usize) -> isize;
    fn readv(fd: c_int, pieces: *const IoVec, count: c_int) -> isize;
    fn recv(fd: c_int, buffer: *mut u8, len: usize, flags: c_int) -> isize;
    fn recvfrom(fd: c_int, buffer: *mut u8, len: usize, flags: c_int, address: *mut u8, address_len: *mut u32) -> isize;
    fn recvmsg(fd: c_int, message: *mut MsgHdr, flags: c_int) -> isize;
    fn sched_yield() -> c_int;
    fn select(count: c_int, read: *mut [u64; 16], write: *mut [u64; 16], except: *mut [u64; 16], timeout: *mut Timeval) -> c_int;
    fn sem_clockwait(semaphore: *mut c_void, clock: c_int, until: *const Timespec) -> c_int;
    fn sem_post(semaphore: *mut c_void) -> c_int;
    fn sem_timedwait(semaphore: *mut c_void, until: *const Timespec) -> c_int;
    fn sem_trywait(semaphore: *mut c_void) -> c_int;
    fn sem_wait(semaphore: *mut c_void) -> c_int;
    fn send(fd: c_int, buffer: *const u8, len: usize, flags: c_int) -> isize;
    fn sendmsg(fd: c_int, message: *const MsgHdr, flags: c_int) -> isize;
    fn sendto(fd: c_int, buffer: *const u8, len: usize, flags: c_int, address: *const u8, address_len: u32) -> isize;
    fn setsockopt(fd: c_int, level: c_int, name: c_int, value: *const u8, len: u32) -> c_int;
    fn shutdown(fd: c_int, how: c_int) -> c_int;
    fn sigaction(signal: c_int, new: *const SigAction, old: *mut SigAction) -> c_int;
    fn sleep(seconds: c_uint) -> c_uint;
    fn socket(family: c_int, kind: c_int, protocol: c_int) -> c_int;
    fn srand(seed: c_uint) -> ();
    fn srandom(seed: c_uint) -> ();
    fn syscall(number: c_long, a: c_long, b: c_long, c: c_long, d: c_long, e: c_long, f: c_long) -> c_long;
    fn system(command: *const c_char) -> c_int;
    fn time(time: *mut i64) -> i64;
    fn usleep(microseconds: c_uint) -> c_int;
    fn write(fd: c_int, buffer: *const u8, len: usize) -> isize;
    fn writev(fd: c_int, pieces: *const IoVec, count: c_int) -> isize;
}
