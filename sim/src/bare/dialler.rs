//! Dialling: a connection to an endpoint, and the next one when it is gone. When is [`Dial`]'s decision.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use zmq_core::dial::{Dial, Why};
use zmq_core::options::Options;
use zmq_core::session::{Ends, Origin};
use zmq_core::socket::Shared;
use zmq_core::time::Instant;
use zmq_world::{Address, Errno, LookupId, StreamId};

use super::carried::Carried;
use super::endpoint::Endpoint;
use super::io::EventKind;
use super::task::{Cx, Flow};

/// An endpoint that is dialled.
pub(super) struct Dialler {
    shared: Arc<Shared>,
    options: Arc<Options>,
    endpoint: Endpoint,
    /// Pipes of a peer that has them over all its connections.
    ends: Option<Ends>,
    keeps_ends: bool,
    dial: Dial,
    state: State,
}

enum State {
    /// It is to be dialled now.
    Due,
    /// Its name is looked up.
    LookingUp(LookupId, Attempt),
    /// The addresses behind this one are tried next.
    Dialling(StreamId, VecDeque<Address>, Attempt),
    Carrying(Carried),
    /// Until the next attempt.
    Pausing(Instant),
}

/// One attempt, over all addresses.
#[derive(Clone, Copy)]
struct Attempt {
    deadline: Option<Instant>,
    is_delayed: bool,
}

impl Dialler {
    pub(super) fn new(shared: &Arc<Shared>, options: Arc<Options>, endpoint: Endpoint, ends: Option<Ends>) -> Self {
        Self {
            shared: Arc::clone(shared),
            dial: Dial::new(options.reconnect),
            options,
            endpoint,
            keeps_ends: ends.is_some(),
            ends,
            state: State::Due,
        }
    }

    #[inline]
    pub(super) fn run(&mut self, cx: &mut Cx<'_>) -> Flow {
        if let State::Carrying(carried) = &mut self.state {
            let Some(outcome) = carried.run(cx) else { return Flow::GoesOn };
            let State::Carrying(carried) = std::mem::replace(&mut self.state, State::Due) else {
                unreachable!("it was looked at")
            };
            let (ends, why) = carried.end(cx, &outcome);
            self.ends = ends.filter(|_| self.keeps_ends);
            if self.wait(cx, why) == Flow::Ends {
                return Flow::Ends;
            }
        }
        self.run_unconnected(cx)
    }

    fn run_unconnected(&mut self, cx: &mut Cx<'_>) -> Flow {
        loop {
            let flow = match std::mem::replace(&mut self.state, State::Due) {
                State::Due => self.begin(cx),
                State::LookingUp(lookup, attempt) => match cx.io.world.resolved(lookup) {
                    Some(Ok(found)) => {
                        let Endpoint::Tcp { port, .. } = self.endpoint else { unreachable!("only tcp has names") };
                        let found = found.into_iter().filter(|ip| self.options.ipv6 || ip.is_ipv4());
                        let all = found.map(|ip| Address::Tcp(SocketAddr::new(ip, port))).collect();
                        self.try_next(cx, all, Errno::NotAvailable, attempt)
                    }
                    Some(Err(_)) => self.failed(cx, Why::Failed),
                    None => match self.is_over(cx, attempt) {
                        Some(why) => {
                            cx.io.world.cancel_lookup(lookup);
                            self.failed(cx, why)
                        }
                        None => return self.stay(cx, attempt, |attempt| State::LookingUp(lookup, attempt)),
                    },
                },
                State::Dialling(stream, rest, attempt) => match cx.io.world.dialled(stream) {
                    Some(Ok(())) => return self.connected(cx, stream),
                    Some(Err(why)) => {
                        cx.io.world.close(stream);
                        self.try_next(cx, rest, why, attempt)
                    }
                    None => match self.is_over(cx, attempt) {
                        Some(why) => {
                            cx.io.world.close(stream);
                            self.failed(cx, why)
                        }
                        None => return self.stay(cx, attempt, |attempt| State::Dialling(stream, rest, attempt)),
                    },
                },
                State::Carrying(carried) => {
                    self.state = State::Carrying(carried);
                    return Flow::GoesOn;
                }
                State::Pausing(until) => {
                    let (now, linger) = (cx.now(), self.linger());
                    if self.is_given_up(cx) || linger.is_some_and(|linger| linger <= now) {
                        return Flow::Ends;
                    }
                    if now < until {
                        cx.arm(linger.map_or(until, |linger| linger.min(until)));
                        self.state = State::Pausing(until);
                        return Flow::GoesOn;
                    }
                    Flow::GoesOn
                }
            };
            if flow == Flow::Ends {
                return Flow::Ends;
            }
        }
    }

    fn begin(&mut self, cx: &mut Cx<'_>) -> Flow {
        let deadline = self.options.connect_timeout.map(|timeout| cx.now() + timeout);
        let attempt = Attempt { deadline, is_delayed: false };
        match &self.endpoint {
            Endpoint::Tcp { host, .. } => {
                let lookup = cx.io.world.resolve(cx.me.host, host);
                cx.io.own_lookup(lookup, cx.me.token);
                self.state = State::LookingUp(lookup, attempt);
                Flow::GoesOn
            }
            Endpoint::Ipc(address) => {
                let all = VecDeque::from([address.clone()]);
                self.try_next(cx, all, Errno::NotFound, attempt)
            }
            Endpoint::Inproc(_) => unreachable!("inproc is not dialled"),
        }
    }

    /// Tries the addresses that are left, the last of which failed by `why`.
    fn try_next(&mut self, cx: &mut Cx<'_>, mut left: VecDeque<Address>, mut why: Errno, attempt: Attempt) -> Flow {
        while let Some(address) = left.pop_front() {
            match cx.io.world.dial(cx.me.host, &address, None) {
                Ok(stream) => {
                    cx.io.own_stream(stream, cx.me.token);
                    self.state = State::Dialling(stream, left, attempt);
                    return Flow::GoesOn;
                }
                Err(failed) => why = failed,
            }
        }
        self.failed(cx, if why == Errno::Refused { Why::Refused } else { Why::Failed })
    }

    /// Why the attempt is given up, if it is.
    fn is_over(&mut self, cx: &Cx<'_>, attempt: Attempt) -> Option<Why> {
        let now = cx.now();
        if self.is_given_up(cx) || self.linger().is_some_and(|at| at <= now) {
            return Some(Why::Over);
        }
        attempt.deadline.is_some_and(|at| at <= now).then_some(Why::Failed)
    }

    fn stay(&mut self, cx: &mut Cx<'_>, attempt: Attempt, state: impl FnOnce(Attempt) -> State) -> Flow {
        if !attempt.is_delayed {
            cx.emit(EventKind::ConnectDelayed);
        }
        if let Some(at) = [attempt.deadline, self.linger()].into_iter().flatten().min() {
            cx.arm(at);
        }
        self.state = state(Attempt { is_delayed: true, ..attempt });
        Flow::GoesOn
    }

    fn failed(&mut self, cx: &mut Cx<'_>, why: Why) -> Flow {
        cx.emit(EventKind::Closed);
        self.wait(cx, why)
    }

    /// Waits for the next attempt, if there is to be one.
    fn wait(&mut self, cx: &mut Cx<'_>, why: Why) -> Flow {
        let random = cx.io.random(cx.me.host);
        let Some(wait) = self.dial.wait(why, random) else { return Flow::Ends };
        cx.emit(EventKind::ConnectRetried);
        self.state = State::Pausing(cx.now() + wait);
        Flow::GoesOn
    }

    fn connected(&mut self, cx: &mut Cx<'_>, stream: StreamId) -> Flow {
        self.dial.connected();
        cx.emit(EventKind::Connected);
        let ends = self.ends.take();
        self.state = State::Carrying(Carried::new(cx, &self.shared, &self.options, ends, (Origin::Dialed, stream)));
        // What it says first goes out at once.
        self.run(cx)
    }

    /// Whether the socket or the endpoint was closed, and nothing is left to send.
    fn is_given_up(&mut self, cx: &Cx<'_>) -> bool {
        if cx.is_stopping && self.options.reconnect.stop.after_disconnect {
            return true;
        }
        let closed = cx.is_stopping || self.shared.has_ended();
        closed && self.ends.as_mut().is_none_or(|ends| !ends.has_unsent())
    }

    fn linger(&self) -> Option<Instant> {
        if self.shared.has_ended() { self.shared.linger_deadline() } else { None }
    }
}
