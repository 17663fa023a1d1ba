//! Requests and replies take turns, and belong together (28/REQREP).

use super::{Evidence, Facts, Findings, Get, Hop, LifeIndex};
use crate::actor::message::MessageId;
use crate::history::{Call, What};
use crate::plan::SocketType;
use crate::time::Time;

/// libzmq's EFSM: the call is out of turn.
const OUT_OF_TURN: i32 = 156_384_763;

pub(super) fn judge(facts: &Facts<'_>, found: &mut Findings) {
    for life in (0..facts.lives.len()).map(LifeIndex) {
        match facts.type_of(life) {
            SocketType::Req => requester(facts, life, found),
            SocketType::Rep => replier(facts, life, found),
            SocketType::Dealer
            | SocketType::Router
            | SocketType::Pub
            | SocketType::Sub
            | SocketType::XPub
            | SocketType::XSub
            | SocketType::Push
            | SocketType::Pull
            | SocketType::Pair
            | SocketType::Stream => {}
        }
    }
    for get in &facts.gets {
        belongs(facts, get, found);
    }
    lost(facts, found);
}

/// What happens at one socket, in order.
enum Turn<'a> {
    Sent(&'a Hop),
    Received(&'a Get<'a>),
    Refused { entry: usize, at: Time, call: &'a str },
}

fn turns<'a>(facts: &'a Facts<'a>, life: LifeIndex) -> Vec<Turn<'a>> {
    let sent = facts.hops_at(life).map(|hop| (hop.entry, Turn::Sent(hop)));
    let received = facts.gets.iter().filter(|get| get.life == life).map(|get| (get.entry, Turn::Received(get)));
    let of = facts.life(life);
    let refused = facts.run.history.entries.iter().enumerate().filter_map(|(entry, what)| match &what.what {
        What::Call { socket: Some(socket), call: Call::Failed { call, errno, .. }, .. }
            if *socket == of.socket && *errno == OUT_OF_TURN && of.lives_at(what.at) =>
        {
            Some((entry, Turn::Refused { entry, at: what.at, call: call.as_str() }))
        }
        _ => None,
    });
    let mut all: Vec<_> = sent.chain(received).chain(refused).collect();
    all.sort_by_key(|(entry, _)| *entry);
    all.into_iter().map(|(_, turn)| turn).collect()
}

/// Whether several actors use the socket: their calls may be noted in another order than they were made.
fn is_shared(facts: &Facts<'_>, life: LifeIndex) -> bool {
    let mut users = facts.readers_of(life);
    users.extend(facts.hops_at(life).map(|hop| hop.who));
    users.len() > 1
}

/// REQ: one request, then its reply.
// spec: REQREP-REQ-02, REQREP-REQ-09, REQREP-REQ-10
fn requester(facts: &Facts<'_>, life: LifeIndex, found: &mut Findings) {
    if is_shared(facts, life) {
        return;
    }
    let options = &facts.plan[facts.socket_of(life)].options;
    let relaxed = options.req_relaxed == Some(true);
    let correlates = options.req_correlate == Some(true);
    let name = facts.name(life);
    let mut asked: Option<&Hop> = None;
    let mut last: Option<MessageId> = None;
    for turn in turns(facts, life) {
        match turn {
            Turn::Sent(hop) => {
                // A request whose peer is gone is given up (adjudication A52).
                if let Some(before) = asked.filter(|_| !relaxed)
                    && !facts.may_have_lost(&with_peers(facts, life), before.since, hop.at)
                {
                    let text = format!(
                        "{name} took the request {} at {} although the one before, {}, was not answered yet",
                        hop.id.name(facts.plan),
                        hop.at,
                        before.id.name(facts.plan)
                    );
                    found.wrong("alternation", "REQREP-REQ-02", text, Evidence::none().hop(before).hop(hop));
                }
                asked = Some(hop);
                last = Some(hop.id);
            }
            Turn::Received(get) => {
                if asked.take().is_none() {
                    let text = format!("{name} handed a reply over at {} and had asked nothing", get.at);
                    found.wrong("alternation", "REQREP-REQ-02", text, Evidence::none().get(get));
                }
                let answers = get.received.answers();
                if let (Some(asked), true) = (answers.filter(|_| answers != last), relaxed && !correlates) {
                    outdated(facts, life, asked, get, found);
                }
                // Without a number the replies to a request that was given up and to its successor look alike.
                // So do those to a request that was asked by this socket before it was closed and made again: who answers may
                // still have it, and the same endpoint or routing id to send it to.
                // And those to one that was given up because its connection was lost (adjudication A52).
                let is_of_before = !correlates
                    && answers
                        .is_some_and(|asked| asked_before(facts, life, asked) || was_given_up(facts, life, asked, get));
                if answers.is_some() && answers != last && (!relaxed || correlates) && !is_of_before {
                    let text = format!(
                        "{name} received at {} the reply to {} and had asked {}",
                        get.at,
                        answers.map(|id| id.name(facts.plan)).unwrap_or_default(),
                        last.map(|id| id.name(facts.plan)).unwrap_or_else(|| "nothing".to_owned())
                    );
                    found.wrong("reply", "REQREP-REQ-09", text, Evidence::none().get(get));
                }
            }
            Turn::Refused { entry, at, call } => {
                let in_turn = match call {
                    "send" => asked.is_none() || relaxed,
                    _ => asked.is_some(),
                };
                if in_turn {
                    let text = format!("{name} refused {call} at {at} as out of turn although it was its turn");
                    found.wrong("alternation", "REQREP-REQ-02", text, Evidence::none().entry(entry));
                }
            }
        }
    }
}

/// Without a number, a reply to a request that was given up looks like the reply to its successor. But not if it was there
/// when that was sent: what a peer has said before it is asked is no reply.
// spec: REQREP-REQ-10
fn outdated(facts: &Facts<'_>, life: LifeIndex, asked: MessageId, get: &Get<'_>, found: &mut Findings) {
    let requests: Vec<&Hop> = facts.hops_at(life).filter(|hop| hop.entry < get.entry).collect();
    let Some(last) = requests.last().filter(|_| requests.iter().any(|hop| hop.id == asked)) else { return };
    let mut replies = get.id.into_iter().flat_map(|id| facts.hops_of(id));
    let (Some(reply), None) = (replies.next(), replies.next()) else { return };
    let links = facts.plan.links.iter().map(|rule| &rule.is).chain([&facts.plan.network]);
    let is_slow = links.into_iter().any(|link| link.bandwidth.is_some() || link.loss.is_some() || link.mtu.is_some());
    if is_slow || facts.ways_of(life, reply.life) != 1 || facts.topology.peers(facts.socket_of(life)).len() != 1 {
        return;
    }
    let was_there = reply.at + facts.worst_latency() * 2 < last.since
        && facts.is_calm(Time::START, last.since)
        && !facts.may_have_lost(&[life, reply.life], reply.since, get.at);
    if was_there {
        let text = format!(
            "{} received at {} the reply {} to a request before its last, which it asked at {} when that reply was there \
             already",
            facts.name(life),
            get.at,
            reply.id.name(facts.plan),
            last.at
        );
        found.wrong("reply", "REQREP-REQ-10", text, Evidence::none().hop(reply).get(get));
    }
}

/// Whether a request was sent in an earlier life of the same socket.
fn asked_before(facts: &Facts<'_>, life: LifeIndex, asked: MessageId) -> bool {
    facts.hops_of(asked).any(|hop| hop.life < life && facts.socket_of(hop.life) == facts.socket_of(life))
}

/// Whether a request of this life may have been given up with its connection before something came.
fn was_given_up(facts: &Facts<'_>, life: LifeIndex, asked: MessageId, get: &Get<'_>) -> bool {
    let mut requests = facts.hops_of(asked).filter(|hop| hop.life == life);
    requests.any(|hop| facts.may_have_lost(&with_peers(facts, life), hop.since, get.at))
}

fn with_peers(facts: &Facts<'_>, life: LifeIndex) -> Vec<LifeIndex> {
    let peers = facts.topology.peers(facts.socket_of(life));
    let mut all: Vec<_> = peers.into_iter().flat_map(|peer| facts.lives_of(peer)).map(|(life, _)| life).collect();
    all.push(life);
    all
}

/// REP: one request, then one reply to it.
// spec: REQREP-REP-03, REQREP-REP-08
fn replier(facts: &Facts<'_>, life: LifeIndex, found: &mut Findings) {
    if is_shared(facts, life) {
        return;
    }
    let name = facts.name(life);
    let mut request: Option<&Get<'_>> = None;
    for turn in turns(facts, life) {
        match turn {
            Turn::Received(get) => {
                if let Some(before) = request {
                    let text = format!(
                        "{name} handed a request over at {} although the one of {} was not answered yet",
                        get.at, before.at
                    );
                    found.wrong("alternation", "REQREP-REP-08", text, Evidence::none().get(before).get(get));
                }
                request = Some(get);
            }
            Turn::Sent(hop) => {
                if request.take().is_none() {
                    let text = format!(
                        "{name} took the reply {} at {} and had no request to answer",
                        hop.id.name(facts.plan),
                        hop.at
                    );
                    found.wrong("alternation", "REQREP-REP-03", text, Evidence::none().hop(hop));
                }
            }
            Turn::Refused { entry, at, call } => {
                let in_turn = match call {
                    "send" => request.is_some(),
                    _ => request.is_none(),
                };
                if in_turn {
                    let text = format!("{name} refused {call} at {at} as out of turn although it was its turn");
                    found.wrong("alternation", "REQREP-REP-03", text, Evidence::none().entry(entry));
                }
            }
        }
    }
}

/// A reply comes to the socket that asked: by a REP it has no other way.
// spec: REQREP-REP-10
fn belongs(facts: &Facts<'_>, get: &Get<'_>, found: &mut Findings) {
    let at = facts.socket_of(get.life);
    if !matches!(facts.type_of(get.life), SocketType::Req | SocketType::Dealer) {
        return;
    }
    let (Some(id), Some(answered)) = (get.id, get.received.answers()) else { return };
    let by_rep = facts.hops_of(id).any(|hop| facts.type_of(hop.life) == SocketType::Rep);
    let asked: Vec<_> = facts.hops_of(answered).map(|hop| facts.socket_of(hop.life)).collect();
    if by_rep && !asked.is_empty() && !asked.contains(&at) {
        let text = format!(
            "{} received at {} the reply {} to {}, which it had not asked",
            facts.name(get.life),
            get.at,
            id.name(facts.plan),
            answered.name(facts.plan)
        );
        found.wrong("reply", "REQREP-REP-10", text, Evidence::none().get(get));
    }
}

/// A reply to a REQ that waits for it, over a connection that lasts, comes.
// spec: REQREP-REQ-04
fn lost(facts: &Facts<'_>, found: &mut Findings) {
    let patience = facts.worst_latency() * 20 + std::time::Duration::from_secs(2);
    for hop in facts.hops.iter().filter(|hop| facts.type_of(hop.life) == SocketType::Rep) {
        let Some(answered) = hop.answers.filter(|_| facts.gets_of(hop.id).next().is_none()) else { continue };
        let mut asked = facts.hops_of(answered);
        let (Some(request), None) = (asked.next(), asked.next()) else { continue };
        if facts.type_of(request.life) != SocketType::Req || facts.ways_of(request.life, hop.life) != 1 {
            continue;
        }
        let (asker, replier) = (facts.socket_of(request.life), facts.socket_of(hop.life));
        // Its actor waited for that long in vain, and did nothing else meanwhile.
        let Some((entry, at, true)) = facts.next_call(request.entry, asker, request.who) else { continue };
        let limits = facts.plan[asker].options.maxmsgsize.is_some();
        if limits
            || at.saturating_since(hop.at) < patience
            || facts.faults.iter().any(|active| {
                active.from <= at && active.to >= request.since && facts.concerns(active, &[asker, replier])
            })
            // Of several connections of the other end any may have been lost; this one's loss shows here.
            || facts.may_have_lost(&[request.life], request.since, at)
            || !facts.life(hop.life).lives_at(at)
        {
            continue;
        }
        let text = format!(
            "{} waited for the reply to {} until {} and {}, which {} took at {}, never came, although the connection \
             lasted",
            facts.name(request.life),
            answered.name(facts.plan),
            at,
            hop.id.name(facts.plan),
            facts.name(hop.life),
            hop.at
        );
        found.wrong("reply", "REQREP-REQ-04", text, Evidence::none().hop(hop).entry(entry));
    }
}

impl Facts<'_> {
    fn ways_of(&self, a: LifeIndex, b: LifeIndex) -> usize {
        self.ways(self.socket_of(a), self.socket_of(b))
    }

    /// The call of somebody on a socket that comes after an entry: when, and whether it waited in vain.
    fn next_call(
        &self,
        behind: usize,
        on: crate::plan::SocketIndex,
        by: crate::history::Who,
    ) -> Option<(usize, Time, bool)> {
        self.run.history.entries.iter().enumerate().skip(behind + 1).find_map(|(entry, what)| match &what.what {
            What::Call { who, socket: Some(socket), call, .. } if *socket == on && *who == by => {
                Some((entry, what.at, matches!(call, Call::RecvTimedOut)))
            }
            _ => None,
        })
    }
}
