//! Calls that wait: to send, to receive, to be told that something can be received.

use std::sync::Arc;
use std::task::Waker;

use zmq_core::error::{RecvError, SendError, Unsent};
use zmq_core::frame::Frame;
use zmq_core::message::Message;
use zmq_core::socket::{Place, Socket};

use super::sockets::of_sending;
use crate::actor::{Failure, Outcome};
use crate::plan::SocketIndex;

/// A call of an actor that has not ended yet.
pub(super) enum Waiting {
    /// To send this.
    Sending(Line, Option<Message>),
    /// To receive.
    Receiving(Line),
    /// Until one of them has a message.
    Polling(Vec<(SocketIndex, Line)>),
}

/// A socket, and the place in the line of those that wait for it.
pub(super) struct Line {
    socket: Arc<Socket>,
    place: Place,
}

impl Line {
    pub(super) fn new(socket: Arc<Socket>) -> Self {
        Self { socket, place: Place::default() }
    }
}

impl Waiting {
    pub(super) fn sending(socket: Arc<Socket>, frames: Vec<Vec<u8>>) -> Self {
        let message = Message::from_frames(frames.into_iter().map(Frame::from));
        Self::Sending(Line::new(socket), message)
    }

    /// Looks whether it can end, as the library's futures do when they are polled: once, and if that is in vain and it was
    /// not in line yet, once more from its place in the line.
    pub(super) fn look(&mut self, waker: &Waker) -> Option<Outcome> {
        match self {
            Self::Sending(line, message) => {
                let outcome = try_send(line, message).or_else(|| {
                    line.socket.shared().senders().park(&mut line.place, waker);
                    try_send(line, message)
                });
                outcome.inspect(|_| line.socket.shared().senders().leave(&mut line.place))
            }
            Self::Receiving(line) => {
                let outcome = try_recv(line).or_else(|| {
                    line.socket.shared().receivers().park(&mut line.place, waker);
                    try_recv(line)
                });
                outcome.inspect(|_| line.socket.shared().receivers().leave(&mut line.place))
            }
            Self::Polling(lines) => {
                let ready = lines.iter_mut().find_map(|(index, line)| {
                    line.socket.shared().receivers().park(&mut line.place, waker);
                    let is_over = line.socket.can_recv() || line.socket.shared().has_ended();
                    is_over.then_some(*index)
                });
                let ready = ready?;
                self.leave();
                Some(Outcome::Ready(ready))
            }
        }
    }

    /// Gives it up: its place in the line goes to the next.
    pub(super) fn leave(&mut self) {
        match self {
            Self::Sending(line, _) => line.socket.shared().senders().leave(&mut line.place),
            Self::Receiving(line) => line.socket.shared().receivers().leave(&mut line.place),
            Self::Polling(lines) => {
                for (_, line) in lines {
                    line.socket.shared().receivers().leave(&mut line.place);
                }
            }
        }
    }
}

fn try_send(line: &Line, message: &mut Option<Message>) -> Option<Outcome> {
    // An application cannot send a message without parts; its call ends at once.
    let Some(unsent) = message.take() else { return Some(Outcome::Done) };
    match line.socket.try_send(unsent) {
        Ok(()) => Some(Outcome::Done),
        Err(Unsent { message: unsent, why: SendError::WouldBlock }) => {
            *message = Some(unsent);
            None
        }
        Err(Unsent { why, .. }) => Some(Outcome::Failed(of_sending(why))),
    }
}

fn try_recv(line: &Line) -> Option<Outcome> {
    match line.socket.try_recv() {
        Ok(message) => Some(Outcome::Received(message.iter().map(|frame| frame.as_slice().to_vec()).collect())),
        Err(RecvError::WouldBlock) => None,
        Err(why) => Some(Outcome::Failed(Failure { errno: why.errno(), why: why.to_string() })),
    }
}
