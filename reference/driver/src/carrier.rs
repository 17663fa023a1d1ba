//! The carrier: takes a session's octets to its link and back.
//!
//! It is a loop and nothing else: read, let the session decide, write. Two kinds of threads run it. The task of the
//! connection is the one that waits. A thread that sends into an empty pipe may write to the link itself; what it
//! cannot finish it leaves to the task.

use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use zmq_core::connection::Connection;
use zmq_core::mechanism::zap::Answer;
use zmq_core::session::{Ending, Session};
use zmq_core::socket::IoSide;
use zmq_core::time::Instant;

use crate::context;
use crate::pace::{Comes, Pace, Turn};
use crate::runtime::{BoxFuture, Close, Link, Runtime, Timer};
use crate::trouble::{self, Point};
use crate::zap;

/// Reads of one turn. Then others have theirs.
const READS: usize = 4;
/// Writes of one turn.
const WRITES: usize = 4;
/// Messages come in bursts when the last flush had more of them than this.
const LONELY_MESSAGES: usize = 2;
/// A message that follows the last flush sooner than this, with nothing received in between, is one of a burst.
const BURST: Duration = Duration::from_micros(5);
/// How long an ended connection waits for the peer to read what was sent, and to close.
const FAREWELL: Duration = Duration::from_millis(500);

/// One peer's I/O side: the same over all connections to an endpoint that was connected to.
pub(crate) struct Carrier {
    runtime: Arc<dyn Runtime>,
    index: usize,
    load: Mutex<Load>,
    task: Mutex<Task>,
}

/// What is carried.
#[derive(Default)]
struct Load {
    connection: Option<Carried>,
    last_flush: Flush,
}

/// The last time that messages were written, by whomever. Whether the next message is a lonely one is seen by it.
#[derive(Default)]
struct Flush {
    messages: usize,
    at: Instant,
    /// Something was received since: what is sent now is an answer.
    answered: bool,
}

struct Carried {
    /// In a place of its own: futures that hand it on would hold it twice.
    session: Box<Session>,
    link: Box<dyn Link>,
    /// A costly step of the handshake waits for it.
    turn: Option<Turn>,
}

#[derive(Default)]
struct Task {
    waker: Option<Waker>,
    stopping: bool,
}

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// By the session's own decision.
    Ended(Ending),
    /// The peer closed it.
    PeerClosed,
    /// The network did.
    Broken(io::Error),
}

impl Carrier {
    pub(crate) fn new(runtime: Arc<dyn Runtime>, index: usize) -> Arc<Self> {
        Arc::new(Self { runtime, index, load: Mutex::default(), task: Mutex::default() })
    }

    /// Has the task look whether it is still wanted.
    pub(crate) fn wake(&self) {
        let waker = self.task().waker.take();
        if let Some(waker) = waker {
            #[cfg(feature = "simulation")]
            if trouble::strikes(Point::WakeLate) {
                let late = async move {
                    trouble::yield_once().await;
                    waker.wake_by_ref();
                    trouble::yield_once().await;
                    waker.wake();
                };
                return self.runtime.start_io(self.index, Box::pin(late));
            }
            waker.wake();
        }
    }

    /// The endpoint is given up: what waits is sent, then the connection is closed.
    pub(crate) fn stop(&self) {
        self.task().stopping = true;
        self.wake();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.task().stopping
    }

    /// Remembers whom to wake. Before anything is looked at, so that nothing is missed.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        let mut task = self.task();
        if task.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            task.waker = Some(cx.waker().clone());
        }
    }

    fn task(&self) -> MutexGuard<'_, Task> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries a session over a link until one of them ends; gives the session back. `on_ready` is called when the
    /// handshake is over.
    pub(crate) async fn carry(
        &self,
        context: &Arc<context::Inner>,
        session: Box<Session>,
        link: Box<dyn Link>,
        mut on_ready: impl FnMut(&Session),
    ) -> (Box<Session>, Outcome) {
        self.load().connection = Some(Carried { session, link, turn: None });
        let mut timer = self.runtime.timer(self.index);
        let mut was_ready = false;
        let mut asking = None;
        let pace = &context.paces[self.index % context.paces.len()];
        let outcome = std::future::poll_fn(|cx| {
            self.register(cx);
            let mut answer = poll_answer(&mut asking, cx);
            loop {
                let mut load = self.load();
                if let Some(answer) = answer.take()
                    && let Err(outcome) = load.answer(answer)
                {
                    return Poll::Ready(outcome);
                }
                let turn = load.turn(cx, &*self.runtime, &mut *timer, self.is_stopping());
                if let Poll::Pending = turn
                    && let Err(outcome) = load.wait_for_turn(cx, &*self.runtime, &mut *timer, pace)
                {
                    return Poll::Ready(outcome);
                }
                let Some(Carried { session, .. }) = &mut load.connection else { return turn };
                if !was_ready && session.peer().is_some() {
                    was_ready = true;
                    // Where no ZMTP is spoken, no hands are shaken.
                    if session.peer().is_some_and(|peer| peer.version.is_some()) {
                        on_ready(session);
                    }
                }
                let Some(question) = session.take_question() else { return turn };
                drop(load);
                // Asked under no lock: it is a call on a socket.
                asking = Some(zap::ask(context, question));
                answer = poll_answer(&mut asking, cx);
                if answer.is_none() {
                    return turn;
                }
            }
        })
        .await;
        let Carried { session, link, .. } = self.load().connection.take().expect("only this takes what it carries");
        if let Outcome::Ended(Ending::Finished) = outcome
            && link.close(Close::Finish).is_ok()
            && session.has_sent()
        {
            let until = self.runtime.now() + FAREWELL;
            self.farewell(&*link, &mut *timer, session.linger_deadline().map_or(until, |at| at.min(until))).await;
        }
        (session, outcome)
    }

    /// Reads what the peer still sends until it closes as well: to close with octets unread would have the system
    /// throw away what is on its way to the peer.
    async fn farewell(&self, link: &dyn Link, timer: &mut dyn Timer, until: Instant) {
        let mut ignored = vec![0; 4096];
        std::future::poll_fn(|cx| {
            loop {
                match link.poll_read(cx, &mut ignored) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Pending => return timer.poll_until(cx, until),
                }
            }
        })
        .await;
    }
}

/// What the handler of ZAP has answered.
fn poll_answer(asking: &mut Option<BoxFuture<'static, Answer>>, cx: &mut Context<'_>) -> Option<Answer> {
    match asking.as_mut()?.as_mut().poll(cx) {
        Poll::Ready(answer) => {
            *asking = None;
            Some(answer)
        }
        Poll::Pending => None,
    }
}

impl IoSide for Carrier {
    fn messages_waiting(&self) {
        self.wake();
    }

    fn messages_waiting_direct(&self) {
        let carried_on = match self.load.try_lock() {
            Ok(_) if trouble::strikes(Point::WriteByTask) => false,
            Ok(mut load) => load.write_directly(&*self.runtime),
            Err(_) => false,
        };
        if !carried_on {
            self.wake();
        }
    }

    fn room_made(&self) {
        self.wake();
    }
}

impl Load {
    /// Writes from the thread of a sender; says whether nothing is left to do for the task.
    ///
    /// A message that is alone goes out at once and spares itself the way through another thread. Messages of a burst
    /// are left to the task, which writes many at a time; that is faster from the second one on.
    fn write_directly(&mut self, runtime: &dyn Runtime) -> bool {
        let Self { connection, last_flush } = self;
        let Some(Carried { session, link, .. }) = connection else { return false };
        if last_flush.messages > LONELY_MESSAGES || session.has_output() || session.peer().is_none() {
            return false;
        }
        if !last_flush.answered && runtime.now().saturating_since(last_flush.at) < BURST {
            return false;
        }
        if session.pull().is_err() || !session.has_output() {
            return false;
        }
        let messages = session.batched_messages();
        let all = matches!(write(session, &**link), Ok(Written::Everything));
        *last_flush = Flush { messages, at: runtime.now(), answered: false };
        // What the batch had no room for, or what came meanwhile, is for the task. Only when there is nothing is the next
        // message told of.
        let nothing_left = all && session.pull().is_ok() && !session.has_output();
        if nothing_left {
            session.relax();
        }
        nothing_left
    }

    /// What the handler of ZAP has answered.
    fn answer(&mut self, answer: Answer) -> Result<(), Outcome> {
        let Some(Carried { session, link, .. }) = &mut self.connection else { return Ok(()) };
        session.answer(answer).map_err(|ending| farewell_words(session, &**link, Outcome::Ended(ending)))
    }

    /// Waits until the time of a costly step of the handshake has come, then wakes the task to do it.
    fn wait_for_turn(
        &mut self,
        cx: &mut Context<'_>,
        runtime: &dyn Runtime,
        timer: &mut dyn Timer,
        pace: &Arc<Pace>,
    ) -> Result<(), Outcome> {
        let Some(Carried { session, link, turn }) = &mut self.connection else { return Ok(()) };
        if !session.waits_for_turn() {
            return Ok(());
        }
        let now = runtime.now();
        let comes = turn.get_or_insert_with(|| pace.turn()).poll(cx, now);
        let until = match comes {
            // Nothing is read while it waits, so that it may have gone unnoticed.
            Comes::Now if link.is_gone() => return Err(Outcome::PeerClosed),
            Comes::Now => {
                if let Some(turn) = turn.take() {
                    turn.take(now);
                }
                session.grant_turn();
                cx.waker().wake_by_ref();
                return Ok(());
            }
            Comes::At(at) => Some(at),
            Comes::Later => None,
        };
        let deadline = session.deadline();
        if let Some(at) = until.into_iter().chain(deadline).min()
            && timer.poll_until(cx, at).is_ready()
        {
            session.handle_timeout(runtime.now()).map_err(Outcome::Ended)?;
            cx.waker().wake_by_ref();
        }
        Ok(())
    }

    /// One turn of the task.
    fn turn(
        &mut self,
        cx: &mut Context<'_>,
        runtime: &dyn Runtime,
        timer: &mut dyn Timer,
        stopping: bool,
    ) -> Poll<Outcome> {
        let Self { connection, last_flush } = self;
        let Some(Carried { session, link, .. }) = connection else { return Poll::Pending };
        if stopping {
            session.stop();
        }
        let (mut reads, mut writes) = (0, 0);
        loop {
            let read = match read(session, &**link, cx, runtime) {
                Ok(read) => read,
                Err(outcome) => return Poll::Ready(farewell_words(session, &**link, outcome)),
            };
            if let Err(ending) = session.pull() {
                return Poll::Ready(Outcome::Ended(ending));
            }
            last_flush.answered |= read == Read::Some;
            let mut wrote = false;
            while session.has_output() {
                let messages = session.batched_messages();
                match write(session, &**link) {
                    Ok(Written::Everything) => {
                        wrote = true;
                        *last_flush = Flush { messages, at: runtime.now(), answered: false };
                    }
                    Ok(Written::Blocked) => match link.poll_writable(cx) {
                        Poll::Pending => break,
                        Poll::Ready(Ok(())) => continue,
                        Poll::Ready(Err(why)) => return Poll::Ready(Outcome::Broken(why)),
                    },
                    Err(why) => return Poll::Ready(Outcome::Broken(why)),
                }
                if let Err(ending) = session.pull() {
                    return Poll::Ready(Outcome::Ended(ending));
                }
                writes += 1;
                if writes >= WRITES {
                    break;
                }
            }
            reads += usize::from(read == Read::Some);
            if reads >= READS || writes >= WRITES {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if read == Read::Nothing && !wrote {
                break;
            }
        }
        session.relax();
        loop {
            let Some(deadline) = session.deadline() else { return Poll::Pending };
            if timer.poll_until(cx, deadline).is_pending() {
                return Poll::Pending;
            }
            if let Err(ending) = session.handle_timeout(runtime.now()) {
                return Poll::Ready(Outcome::Ended(ending));
            }
            if session.has_output() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Some,
    Nothing,
}

#[inline]
fn read(session: &mut Session, link: &dyn Link, cx: &mut Context<'_>, runtime: &dyn Runtime) -> Result<Read, Outcome> {
    session.deliver().map_err(Outcome::Ended)?;
    // No buffer is taken before there is something to read.
    match link.poll_readable(cx) {
        Poll::Ready(Ok(())) => {}
        Poll::Ready(Err(why)) => return Err(Outcome::Broken(why)),
        Poll::Pending => return Ok(Read::Nothing),
    }
    let Some(mut spare) = session.spare() else { return Ok(Read::Nothing) };
    if trouble::strikes(Point::ReadOne) {
        spare = &mut spare[..1];
    }
    match link.poll_read(cx, spare) {
        Poll::Pending => Ok(Read::Nothing),
        Poll::Ready(Ok(0)) => Err(Outcome::PeerClosed),
        Poll::Ready(Ok(n)) => session.fill(n, runtime.now()).map(|()| Read::Some).map_err(Outcome::Ended),
        Poll::Ready(Err(why)) => Err(Outcome::Broken(why)),
    }
}

enum Written {
    Everything,
    Blocked,
}

/// Writes once, or until the link takes no more.
#[inline]
fn write(session: &mut Session, link: &dyn Link) -> io::Result<Written> {
    while session.has_output() {
        let mut slices = [IoSlice::new(&[]); Connection::SLICES];
        let filled = session.slices(&mut slices);
        let mut offered = &slices[..filled];
        let part;
        if trouble::strikes(Point::WritePart) {
            part = [IoSlice::new(&slices[0][..slices[0].len().div_ceil(2)])];
            offered = &part;
        }
        match link.try_writev(offered) {
            Ok(n) => session.sent(n),
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Ok(Written::Blocked),
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
    Ok(Written::Everything)
}

/// A peer that misbehaved is told why, if the link takes it at once.
fn farewell_words(session: &mut Session, link: &dyn Link, outcome: Outcome) -> Outcome {
    if let Outcome::Ended(Ending::Misbehaved(_)) = outcome {
        let _ = write(session, link);
        let _ = link.close(Close::Finish);
    }
    outcome
}
