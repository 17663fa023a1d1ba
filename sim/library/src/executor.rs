//! What runs tasks. The only thing here that a simulator of tasks has to give.

use std::task::{Context, Poll};

use zmq_reference::runtime::BoxFuture;

/// Runs tasks on one thread, in an order that follows from a seed.
pub trait Executor: Send + Sync + 'static {
    /// Runs a task until it ends. Only to be called on the executor's own thread, by a task or by what started them.
    fn spawn(&self, task: BoxFuture<'static, ()>);

    /// Something that tells when nothing can run.
    fn idle(&self) -> Box<dyn Idle>;
}

/// Tells one task when no other can run.
pub trait Idle: Send {
    /// To be polled again and again by one task: ready when no other task can run until this one wakes it. It may be ready
    /// the next time only if it was pending once in between.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}
