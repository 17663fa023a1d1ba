//! Other processes: a child is no part of the run, and what it executes finds the machine as it is. The flag that makes
//! the counter's instruction fault is inherited, even by a program that is executed; so it is off whenever one begins.

use core::ffi::{c_char, c_int, c_void};

use crate::baton;
use crate::real;
use crate::tsc;

#[unsafe(no_mangle)]
unsafe extern "C" fn fork() -> c_int {
    // SAFETY: the caller's call.
    let child = unsafe { real::fork() };
    if child == 0 {
        baton::leave_as_child();
        tsc::release();
    }
    child
}

/// A child that shares its parent's memory would share the baton; so it is one that does not.
#[unsafe(no_mangle)]
unsafe extern "C" fn vfork() -> c_int {
    // SAFETY: the caller's call; a child of `fork` may do all that one of `vfork` may.
    unsafe { fork() }
}

macro_rules! begins_programs {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => { $(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $type),*) -> $result {
            let holder = baton::enter();
            if holder.is_some() {
                tsc::release();
            }
            // SAFETY: the caller's call.
            let result = unsafe { real::$name($($argument),*) };
            if holder.is_some() {
                // It could be trapped before.
                let _ = tsc::trap();
            }
            result
        }
    )* };
}

type Strings = *const *mut c_char;

begins_programs! {
    execv(path: *const c_char, arguments: Strings) -> c_int;
    execve(path: *const c_char, arguments: Strings, environment: Strings) -> c_int;
    execvp(file: *const c_char, arguments: Strings) -> c_int;
    execvpe(file: *const c_char, arguments: Strings, environment: Strings) -> c_int;
    fexecve(fd: c_int, arguments: Strings, environment: Strings) -> c_int;
    popen(command: *const c_char, mode: *const c_char) -> *mut c_void;
    posix_spawn(
        id: *mut c_int,
        path: *const c_char,
        actions: *const c_void,
        attributes: *const c_void,
        arguments: Strings,
        environment: Strings
    ) -> c_int;
    posix_spawnp(
        id: *mut c_int,
        file: *const c_char,
        actions: *const c_void,
        attributes: *const c_void,
        arguments: Strings,
        environment: Strings
    ) -> c_int;
    system(command: *const c_char) -> c_int;
}
