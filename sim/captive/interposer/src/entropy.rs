//! Randomness and identity: each thread has a stream of its own under the seed; process ids and the like are fixed.

use core::ffi::{CStr, c_char, c_int, c_long, c_uint};

use crate::baton::{self, Holder};
use crate::descriptors::Kind;
use crate::draw::Purpose;
use crate::real;
use crate::sys::{self, SYS_GETPID, SYS_GETRANDOM};
use crate::trace::Call;

/// What every process of a run is told its id is; the number of its host is added.
const PROCESS: c_int = 4242;

impl Holder {
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) {
        let me = self.me();
        let run = self.run();
        for chunk in buffer.chunks_mut(8) {
            let number = run.threads[me].counts.entropy;
            run.threads[me].counts.entropy += 1;
            let word = run.seed.draw(Purpose::Entropy, me as u64, number).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        run.note(me, Call::Entropy, 0, i64::try_from(buffer.len()).unwrap_or(0), 0);
    }

    fn rand(&mut self) -> u32 {
        let me = self.me();
        let run = self.run();
        let number = run.threads[me].counts.rand;
        run.threads[me].counts.rand += 1;
        let drawn = run.seed.draw(Purpose::Rand, me as u64, number);
        u32::try_from(drawn >> 33).unwrap_or(0)
    }
}

/// # Safety
///
/// `len` octets can be written at `buffer`.
unsafe fn octets<'a>(buffer: *mut u8, len: usize) -> &'a mut [u8] {
    if len == 0 {
        return &mut [];
    }
    // SAFETY: as the caller vouches for.
    unsafe { core::slice::from_raw_parts_mut(buffer, len) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut u8, len: usize, flags: c_uint) -> isize {
    let Some(mut holder) = baton::enter() else {
        let len = i64::try_from(len).unwrap_or(i64::MAX);
        // SAFETY: the caller's call. The kernel is asked itself: the C library of an older system lacks the function.
        let done = unsafe { sys::kernel(SYS_GETRANDOM, [buffer as i64, len, i64::from(flags), 0, 0, 0]) };
        return isize::try_from(done).unwrap_or(-1);
    };
    // SAFETY: the caller's buffer.
    holder.fill(unsafe { octets(buffer, len) });
    isize::try_from(len).unwrap_or(isize::MAX)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getentropy(buffer: *mut u8, len: usize) -> c_int {
    let Some(mut holder) = baton::enter() else {
        // SAFETY: the caller's call.
        return unsafe { real::getentropy(buffer, len) };
    };
    // SAFETY: the caller's buffer.
    holder.fill(unsafe { octets(buffer, len) });
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rand() -> c_int {
    match baton::enter() {
        Some(mut holder) => holder.rand().cast_signed(),
        // SAFETY: takes nothing.
        None => unsafe { real::rand() },
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn random() -> c_long {
    match baton::enter() {
        Some(mut holder) => c_long::from(holder.rand()),
        // SAFETY: takes nothing.
        None => unsafe { real::random() },
    }
}

/// In a run the seed is the run's: programs seed by clock and process.
#[unsafe(no_mangle)]
unsafe extern "C" fn srand(seed: c_uint) {
    if baton::enter().is_none() {
        // SAFETY: the caller's call.
        unsafe { real::srand(seed) };
    }
}

/// As [`srand`].
#[unsafe(no_mangle)]
unsafe extern "C" fn srandom(seed: c_uint) {
    if baton::enter().is_none() {
        // SAFETY: the caller's call.
        unsafe { real::srandom(seed) };
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getpid() -> c_int {
    match baton::enter() {
        Some(mut holder) => {
            let me = holder.me();
            PROCESS + holder.run().threads[me].host.cast_signed()
        }
        // SAFETY: takes nothing. The kernel is asked itself, as the C library has no other way.
        None => unsafe { c_int::try_from(sys::syscall(SYS_GETPID, [0; 6])).unwrap_or(0) },
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gethostname(name: *mut c_char, len: usize) -> c_int {
    const NAME: &[u8] = b"captive\0";
    if baton::enter().is_none() || len < NAME.len() {
        // SAFETY: the caller's call.
        return unsafe { real::gethostname(name, len) };
    }
    // SAFETY: the caller's buffer has room.
    unsafe { core::ptr::copy_nonoverlapping(NAME.as_ptr(), name.cast(), NAME.len()) };
    0
}

macro_rules! opens {
    ($($name:ident($($first:ident: $type:ty),*);)*) => { $(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($first: $type,)* path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
            // SAFETY: the caller's call. Without O_CREAT the mode is whatever the register held, and nobody looks.
            let fd = unsafe { real::$name($($first,)* path, flags, mode) };
            // SAFETY: the caller's path.
            if fd >= 0 && unsafe { is_random(path) } && let Some(mut holder) = baton::enter() {
                let me = holder.me();
                let host = holder.run().threads[me].host;
                holder.run().descriptors.add(fd, host, Kind::Random);
            }
            fd
        }
    )* };
}

opens! {
    open();
    open64();
    openat(folder: c_int);
}

/// # Safety
///
/// A path, ending with a zero octet.
unsafe fn is_random(path: *const c_char) -> bool {
    // SAFETY: as the caller vouches for.
    let path = unsafe { CStr::from_ptr(path) };
    path == c"/dev/urandom" || path == c"/dev/random"
}

/// Letters that take the place of the six X at the end of a template.
fn fill_template(holder: &mut Holder, end: &mut [u8]) {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let me = holder.me();
    let run = holder.run();
    let number = run.threads[me].counts.rand;
    run.threads[me].counts.rand += 1;
    let mut drawn = run.seed.draw(Purpose::Name, me as u64, number);
    for letter in end {
        *letter = LETTERS[usize::try_from(drawn & 31).unwrap_or(0)];
        drawn >>= 5;
    }
}

macro_rules! templates {
    ($($name:ident -> $result:ty;)*) => { $(
        /// In a run the name is drawn by key, and what the kernel would have drawn takes its place if it is taken.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(template: *mut c_char) -> $result {
            if let Some(mut holder) = baton::enter() {
                // SAFETY: the caller's template ends with a zero octet, and is at least six octets long or refused below.
                let whole = unsafe { CStr::from_ptr(template) }.count_bytes();
                if let Some(from) = whole.checked_sub(6) {
                    // SAFETY: six octets before the end, which the caller lets us write.
                    let end = unsafe { core::slice::from_raw_parts_mut(template.cast::<u8>().add(from), 6) };
                    fill_template(&mut holder, end);
                    // SAFETY: a path that ends with a zero octet.
                    if let Some(made) = unsafe { drawn::$name(template) } {
                        return made;
                    }
                    end.fill(b'X');
                }
            }
            // SAFETY: the caller's call.
            unsafe { real::$name(template) }
        }
    )* };
}

templates! {
    mkdtemp -> *mut c_char;
    mkstemp -> c_int;
}

/// Making the folder or file that was drawn; `None` if that cannot be.
mod drawn {
    use core::ffi::{c_char, c_int};

    use crate::sys;

    const SYS_OPEN: i64 = 2;
    const SYS_MKDIR: i64 = 83;
    /// `O_RDWR | O_CREAT | O_EXCL`.
    const NEW: i64 = 0o302;

    /// # Safety
    ///
    /// A path, ending with a zero octet.
    pub(super) unsafe fn mkdtemp(path: *mut c_char) -> Option<*mut c_char> {
        // SAFETY: as the caller vouches for.
        (unsafe { sys::syscall(SYS_MKDIR, [path as i64, 0o700, 0, 0, 0, 0]) } == 0).then_some(path)
    }

    /// # Safety
    ///
    /// A path, ending with a zero octet.
    pub(super) unsafe fn mkstemp(path: *mut c_char) -> Option<c_int> {
        // SAFETY: as the caller vouches for.
        c_int::try_from(unsafe { sys::syscall(SYS_OPEN, [path as i64, NEW, 0o600, 0, 0, 0]) })
            .ok()
            .filter(|fd| *fd >= 0)
    }
}
