//! What a call into a pattern leaves to be done when its lock is released: telling the other ends of pipes.

use std::sync::Arc;

/// The other end of a peer's pipes, as the application's side sees it: a link's machine, or another socket (inproc).
///
/// None of these calls waits, and none may be made under the lock of a socket.
pub trait IoSide: Send + Sync {
    /// The pipe towards it was empty, it slept, and there are messages: it has to run soon.
    fn messages_waiting(&self);

    /// As [`Self::messages_waiting`]; and the caller's own thread may carry the messages on at once, which spares a
    /// lonely message the way through another thread.
    fn messages_waiting_direct(&self) {
        self.messages_waiting();
    }

    /// The pipe from it was full, it waits, and there is room again.
    fn room_made(&self);

    /// The application's end of the pipe towards it is gone; what is in the pipe is still to be carried on.
    fn closed(&self) {
        self.messages_waiting();
    }
}

/// Those that are to be told. To drop this without [`Effects::run`] is to lose wake-ups.
#[derive(Default)]
#[must_use = "whoever is in here sleeps until it is run"]
pub struct Effects {
    /// The first, which is nearly always the only one.
    first: Option<(Arc<dyn IoSide>, Tell)>,
    rest: Vec<(Arc<dyn IoSide>, Tell)>,
    /// The call gave up before it had looked at everything.
    again: bool,
}

#[derive(Clone, Copy)]
enum Tell {
    MessagesWaiting,
    RoomMade,
    Closed,
}

impl Effects {
    /// To be told that messages wait for it.
    #[inline]
    pub fn messages_waiting(&mut self, io: &Arc<dyn IoSide>) {
        self.push(Arc::clone(io), Tell::MessagesWaiting);
    }

    /// To be told that there is room.
    #[inline]
    pub fn room_made(&mut self, io: &Arc<dyn IoSide>) {
        self.push(Arc::clone(io), Tell::RoomMade);
    }

    /// To be told that the application's end of the pipe towards it is gone.
    pub fn closed(&mut self, io: &Arc<dyn IoSide>) {
        self.push(Arc::clone(io), Tell::Closed);
    }

    /// The call gave up before it had looked at everything: if it brought nothing, whoever waits has to try again.
    pub fn look_again(&mut self) {
        self.again = true;
    }

    /// Whether [`Self::look_again`] was called.
    #[inline]
    #[must_use]
    pub const fn wants_another_look(&self) -> bool {
        self.again
    }

    fn push(&mut self, io: Arc<dyn IoSide>, tell: Tell) {
        if self.first.is_none() {
            self.first = Some((io, tell));
        } else {
            self.rest.push((io, tell));
        }
    }

    /// Tells them all, in order. One whose messages are the only effect may be served by the calling thread itself.
    #[inline]
    pub fn run(self) {
        if self.first.is_some() {
            self.run_all();
        } else {
            // Without a first there is no rest: nothing to drop.
            std::mem::forget(self);
        }
    }

    #[inline(never)]
    fn run_all(self) {
        let alone = self.rest.is_empty();
        for (io, tell) in self.first.into_iter().chain(self.rest) {
            match tell {
                Tell::MessagesWaiting if alone => io.messages_waiting_direct(),
                Tell::MessagesWaiting => io.messages_waiting(),
                Tell::RoomMade => io.room_made(),
                Tell::Closed => io.closed(),
            }
        }
    }
}

/// Counts the messages that one call throws away. It ends at some time, whatever peers send meanwhile: the socket is
/// locked while it goes on.
pub struct Patience(u32);

/// As many as a pipe holds by default.
const PATIENCE: u32 = 1000;

impl Default for Patience {
    fn default() -> Self {
        Self(PATIENCE)
    }
}

impl Patience {
    /// One more was thrown away. Whether the call has to end here, with nothing; it will be made again.
    #[inline]
    pub fn is_over(&mut self, effects: &mut Effects) -> bool {
        self.0 -= 1;
        if self.0 == 0 {
            effects.look_again();
        }
        self.0 == 0
    }
}
