//! The descriptor that a socket signals on, to be waited for on another thread than the socket's.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

/// Becomes readable when its socket's events may have changed. Edge-triggered: read the events again after every wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor(i32);

impl Descriptor {
    pub(crate) fn new(number: i32) -> Self {
        Self(number)
    }

    /// Waits until one of them is readable, or for so long. An interrupted wait returns early.
    pub fn wait_any(descriptors: &[Self], at_most: Duration) {
        let numbers = descriptors.iter().map(|descriptor| descriptor.0).filter(|number| *number >= 0);
        // SAFETY: the number is only polled. If its socket is closed meanwhile it is polled as a closed or foreign
        // one, which wakes this thread early at worst.
        let borrowed: Vec<_> = numbers.map(|number| unsafe { BorrowedFd::borrow_raw(number) }).collect();
        let mut items: Vec<_> = borrowed.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        let at_most = Timespec::try_from(at_most).ok();
        // An error is seen as nothing new, and the caller reads the events again.
        let _ = rustix::event::poll(&mut items, at_most.as_ref());
    }
}
