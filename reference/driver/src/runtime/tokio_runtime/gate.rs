//! The end of a runtime that is not ours.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// Open until the runtime ends. The runtime's end waits for who has passed.
#[derive(Debug, Default)]
pub(super) struct Gate(RwLock<Ended>);

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Ended {
    #[default]
    No,
    Yes,
}

impl Gate {
    /// While what this gives is there, the runtime does not end; `None` if it has.
    pub(super) fn pass(&self) -> Option<impl Sized + '_> {
        let ended: RwLockReadGuard<'_, Ended> = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (*ended == Ended::No).then_some(ended)
    }

    /// Closes it for good.
    pub(super) fn close(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Ended::Yes;
    }
}
