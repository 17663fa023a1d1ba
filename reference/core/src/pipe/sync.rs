//! Atomics, `Arc` and `UnsafeCell` of the standard library, or loom's when its tests run.
//!
//! The face is loom's: a cell gives its pointer to a closure, so that loom sees how long each access lasts.

#[cfg(all(test, loom))]
pub(super) use loom::{
    cell::UnsafeCell,
    sync::Arc,
    sync::atomic::{AtomicPtr, AtomicUsize, Ordering},
};

#[cfg(not(all(test, loom)))]
pub(super) use self::plain::UnsafeCell;
#[cfg(not(all(test, loom)))]
pub(super) use std::sync::{
    Arc,
    atomic::{AtomicPtr, AtomicUsize, Ordering},
};

/// Alone on its cache lines. 128 bytes, because processors fetch lines in pairs.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Padded<T>(pub(super) T);

#[cfg(not(all(test, loom)))]
mod plain {
    #[derive(Debug)]
    #[repr(transparent)]
    pub(in super::super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(in super::super) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(in super::super) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        #[inline(always)]
        pub(in super::super) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}
