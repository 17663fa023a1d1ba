//! Single operations, which engines carry out.

use crate::plan::{Linger, SocketIndex};
use crate::time::Time;

/// What an engine is to do for an actor. Deadlines are true time.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Makes the socket with its options.
    Open(SocketIndex),
    /// Binds.
    Bind(SocketIndex, String),
    /// Connects.
    Connect(SocketIndex, String),
    /// Gives a bound endpoint up.
    Unbind(SocketIndex, String),
    /// Gives a connected endpoint up.
    Disconnect(SocketIndex, String),
    /// Subscribes.
    Subscribe(SocketIndex, String),
    /// Cancels a subscription.
    Unsubscribe(SocketIndex, String),
    /// Sends a message as a whole; [`Outcome::TimedOut`] when there is no room until the deadline.
    Send {
        /// By which.
        socket: SocketIndex,
        /// The frames.
        frames: Vec<Vec<u8>>,
        /// Until when it waits for room; none: for ever. A deadline that has passed: not at all.
        deadline: Option<Time>,
        /// After how many polls without an end the call is dropped.
        cancel_after: Option<u32>,
    },
    /// Receives a message; [`Outcome::TimedOut`] when none comes until the deadline.
    Recv {
        /// By which.
        socket: SocketIndex,
        /// Until when it waits; none: for ever.
        deadline: Option<Time>,
        /// After how many polls without an end the call is dropped.
        cancel_after: Option<u32>,
    },
    /// Waits until one of these sockets has a message; [`Outcome::Ready`] names the first of them that has.
    Poll {
        /// Which.
        sockets: Vec<SocketIndex>,
        /// Until when it waits; none: for ever.
        deadline: Option<Time>,
    },
    /// Does nothing until then.
    Sleep(Time),
    /// Closes the socket, with this linger or its own.
    Close(SocketIndex, Option<Linger>),
    /// There is nothing more to do.
    Finished,
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// There was none before: the actor begins.
    Begin,
    /// It is done.
    Done,
    /// The frames that came.
    Received(Vec<Vec<u8>>),
    /// This socket has a message.
    Ready(SocketIndex),
    /// Its time was over.
    TimedOut,
    /// It was dropped after so many polls.
    Cancelled,
    /// It failed.
    Failed(Failure),
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// libzmq's number.
    pub errno: i32,
    /// In words.
    pub why: String,
}
