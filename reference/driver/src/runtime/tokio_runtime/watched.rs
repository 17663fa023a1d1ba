//! Descriptors of somebody else, whose readiness a reactor knows.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

use crate::runtime::BoxFuture;
use crate::runtime::watch::{Interest, Watch};

/// A duplicate of the caller's descriptor.
#[derive(Debug)]
pub(super) enum Watched {
    /// Its changes are known.
    Pollable(AsyncFd<OwnedFd>),
    /// A file or the like, which the system does not watch: it is always ready.
    Always(OwnedFd),
}

impl Watched {
    /// Registers a descriptor with the reactor of `handle`.
    pub(super) fn register(descriptor: OwnedFd, handle: &Handle) -> io::Result<Self> {
        let _registers_here = handle.enter();
        let everything = Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY;
        // SAFETY: an `OwnedFd` is open, and always the same descriptor, until it is dropped.
        match unsafe { AsyncFd::register_with_interest(descriptor, of(everything)) } {
            Ok(watched) => Ok(Self::Pollable(watched)),
            Err(refused) => {
                let (descriptor, why) = refused.into_parts();
                if why.kind() == io::ErrorKind::PermissionDenied { Ok(Self::Always(descriptor)) } else { Err(why) }
            }
        }
    }
}

impl Watch for Watched {
    fn descriptor(&self) -> BorrowedFd<'_> {
        match self {
            Self::Pollable(watched) => watched.as_fd(),
            Self::Always(descriptor) => descriptor.as_fd(),
        }
    }

    fn changed(&self, interest: Interest) -> BoxFuture<'_, ()> {
        match self {
            Self::Always(_) => Box::pin(std::future::pending()),
            Self::Pollable(watched) => Box::pin(async move {
                // An error is one also if the reactor itself fails: who looks finds out.
                if let Ok(mut ready) = watched.ready(of(interest)).await {
                    ready.clear_ready();
                }
            }),
        }
    }
}

fn of(interest: Interest) -> tokio::io::Interest {
    // Errors and the other end's close come with it whatever is asked for.
    let mut all = tokio::io::Interest::ERROR;
    if interest.intersects(Interest::READABLE) {
        all |= tokio::io::Interest::READABLE;
    }
    if interest.intersects(Interest::WRITABLE) {
        all |= tokio::io::Interest::WRITABLE;
    }
    #[cfg(target_os = "linux")]
    if interest.intersects(Interest::PRIORITY) {
        all |= tokio::io::Interest::PRIORITY;
    }
    all
}

/// What descriptors are ready for now, of all that there is.
pub(super) fn look(descriptors: &[(BorrowedFd<'_>, Interest)]) -> io::Result<Vec<Interest>> {
    if descriptors.is_empty() {
        return Ok(Vec::new());
    }
    let mut asked: Vec<_> =
        descriptors.iter().map(|(fd, interest)| PollFd::from_borrowed_fd(*fd, flags(*interest))).collect();
    loop {
        match poll(&mut asked, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
            Err(rustix::io::Errno::INTR) => {}
            Err(why) => return Err(why.into()),
            Ok(_) => return Ok(asked.iter().map(|asked| found(asked.revents())).collect()),
        }
    }
}

fn flags(interest: Interest) -> PollFlags {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::IN, interest.intersects(Interest::READABLE));
    flags.set(PollFlags::OUT, interest.intersects(Interest::WRITABLE));
    flags.set(PollFlags::PRI, interest.intersects(Interest::PRIORITY));
    flags
}

/// A descriptor whose other end is gone can be read: the end is what is read.
fn found(flags: PollFlags) -> Interest {
    let mut found = Interest::NONE;
    if flags.intersects(PollFlags::IN | PollFlags::HUP) {
        found = found | Interest::READABLE;
    }
    if flags.intersects(PollFlags::OUT) {
        found = found | Interest::WRITABLE;
    }
    if flags.intersects(PollFlags::PRI) {
        found = found | Interest::PRIORITY;
    }
    if flags.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
        found = found | Interest::ERROR;
    }
    found
}
