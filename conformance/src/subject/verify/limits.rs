//! Drills of blocking, releasing and letting go.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::bench::{Bench, Done, REPLY, Stop, bad_call, fail};
use super::manners::{ANY, receiver};
use crate::adapter::process::CallError;
use crate::adapter::protocol::{ErrorClass, RequestBody};

/// How long the blocked side of a drill would wait.
const BLOCKED: u64 = 60_000;

pub(super) fn times_out(bench: &mut Bench<'_>) -> Done {
    open_bound(bench, "a")?;
    bench.refused(RequestBody::Recv { s: "a".into(), timeout_ms: 0 }, ErrorClass::WouldBlock)?;
    let began = Instant::now();
    bench.refused(RequestBody::Recv { s: "a".into(), timeout_ms: 100 }, ErrorClass::WouldBlock)?;
    let took = began.elapsed();
    // Clocks differ in their grain; a tenth is no matter.
    if took < Duration::from_millis(90) {
        let came = format!("would-block after {} ms", took.as_millis());
        return Err(fail("`recv` to wait the 100 ms it was given", came, "honour `timeout_ms`"));
    }
    Ok(())
}

pub(super) fn is_not_blocked(bench: &mut Bench<'_>) -> Done {
    open_bound(bench, "a")?;
    let kind = bench.declared(ANY)?;
    bench.open("b", kind)?;
    let timeout_ms = 1_000;
    let blocked = begin_recv(bench, "a", timeout_ms)?;
    let began = Instant::now();
    bench.ask(RequestBody::Settle { s: "b".into() })?;
    if began.elapsed() >= Duration::from_millis(timeout_ms) {
        let came = format!("a reply after {} ms", began.elapsed().as_millis());
        let expected = "`settle` of one socket to be answered while `recv` waits on another";
        return Err(fail(expected, came, "give each socket a thread of its own"));
    }
    let outcome = bench.adapter()?.finish(blocked, REPLY);
    demand(outcome, "the blocked `recv` to end with class `would-block`", ErrorClass::WouldBlock)
}

pub(super) fn term_releases(bench: &mut Bench<'_>) -> Done {
    let kind = receiver(bench)?;
    let (ctx, s) = ("c".to_owned(), "a".to_owned());
    let made = bench.adapter()?.call(RequestBody::Context { ctx: ctx.clone(), options: BTreeMap::new() }, REPLY);
    match made {
        Err(CallError::Refused(error)) if error.class == ErrorClass::Unsupported => {
            return Err(Stop::Skip("it has no contexts".into()));
        }
        Err(error) => return Err(bad_call("`context` to succeed", &error)),
        Ok(_) => {}
    }
    let open = RequestBody::Open { s, ctx: Some(ctx.clone()), kind: kind.into(), options: BTreeMap::new() };
    bench.ask(open)?;
    let blocked = begin_recv(bench, "a", BLOCKED)?;
    let ended = bench.adapter()?.begin(RequestBody::Term { ctx }).map_err(|error| bad_call("`term`", &error))?;
    let outcome = bench.adapter()?.finish(blocked, REPLY);
    demand(outcome, "the blocked `recv` to end with class `terminated`", ErrorClass::Terminated)?;
    bench.ask(RequestBody::Close { s: "a".into(), linger: None })?;
    let outcome = bench.adapter()?.finish(ended, REPLY);
    outcome.map(drop).map_err(|error| bad_call("`term` to succeed", &error))
}

pub(super) fn resets_while_blocked(bench: &mut Bench<'_>) -> Done {
    open_bound(bench, "a")?;
    let kind = bench.declared(ANY)?;
    bench.open("b", kind)?;
    let blocked = begin_recv(bench, "a", BLOCKED)?;
    let left = bench.reset()?;
    if left.sockets != 0 {
        let came = format!("{} of them", left.sockets);
        return Err(fail("no socket to be left after `reset`", came, "release blocked calls, then close every socket"));
    }
    let outcome = bench.adapter()?.finish(blocked, REPLY);
    demand(outcome, "the released `recv` to be answered with class `terminated`", ErrorClass::Terminated)?;
    bench.refused(RequestBody::Recv { s: "a".into(), timeout_ms: 0 }, ErrorClass::Argument)
}

pub(super) fn leaks_no_descriptors(bench: &mut Bench<'_>) -> Done {
    // The first rounds may open what stays open for good, such as a runtime's own descriptors.
    let (warm, rounds) = (5, 20);
    let mut before = 0;
    for round in 0..warm + rounds {
        open_bound(bench, "a")?;
        let left = bench.reset()?;
        if round < warm {
            before = left.descriptors.max(before);
        } else if round + 1 == warm + rounds && left.descriptors > before {
            let came = format!("{} descriptors, {before} before", left.descriptors);
            let expected = format!("no more descriptors after {rounds} times open, bind and reset");
            return Err(fail(&expected, came, "close what `reset` has to close"));
        }
    }
    if before == 0 { Err(Stop::Skip("it does not count descriptors".into())) } else { Ok(()) }
}

fn open_bound(bench: &mut Bench<'_>, s: &str) -> Done {
    let kind = receiver(bench)?;
    bench.open(s, kind)?;
    if bench.hello()?.roles.iter().any(|role| role == "bind") {
        bench.bind(s)?;
    }
    Ok(())
}

fn begin_recv(bench: &mut Bench<'_>, s: &str, timeout_ms: u64) -> Result<u64, Stop> {
    let recv = RequestBody::Recv { s: s.into(), timeout_ms };
    bench.adapter()?.begin(recv).map_err(|error| bad_call("`recv` to be read", &error))
}

fn demand<T>(outcome: Result<T, CallError>, expected: &str, class: ErrorClass) -> Done {
    match outcome {
        Err(CallError::Refused(error)) if error.class == class => Ok(()),
        Ok(_) => Err(fail(expected, "a message".into(), "nothing was sent; invent nothing")),
        Err(error) => Err(bad_call(expected, &error)),
    }
}
