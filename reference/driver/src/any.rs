//! Waiting for the first of several futures.

use std::task::Context;

use crate::runtime::BoxFuture;

/// Polls each of them, so that each can wake; whether any is ready.
pub(crate) fn poll_any(futures: &mut [BoxFuture<'_, ()>], cx: &mut Context<'_>) -> bool {
    let mut any = false;
    for future in futures {
        any |= future.as_mut().poll(cx).is_ready();
    }
    any
}
