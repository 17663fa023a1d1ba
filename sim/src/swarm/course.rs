//! What goes wrong: which kinds, how often, when.

use super::build::Build;
use super::faults::{Among, KINDS, fault};
use crate::plan::{Fault, SocketEvent, Trigger};
use crate::time::Span;

/// The kinds of faults that this plan has.
pub(super) fn kinds(build: &mut Build) -> Vec<String> {
    let mut draws = build.draws("kinds");
    // A third of the plans have one kind, a third a few, the others many.
    let percent = *draws.one(&[0, 15, 50]);
    let mut kinds: Vec<String> = KINDS.iter().filter(|_| draws.percent(percent)).map(|&kind| kind.to_owned()).collect();
    let one = (*draws.one(&KINDS)).to_owned();
    if kinds.is_empty() {
        kinds.push(one);
    }
    let none = draws.percent(8);
    if none {
        kinds.clear();
    }
    build.say("faults of", if kinds.is_empty() { "no kind".into() } else { kinds.join(", ") });
    kinds
}

/// Whether the implementation runs into trouble of its own.
pub(super) fn trouble(build: &mut Build) {
    let is_on = build.draws("trouble").percent(50);
    build.plan.trouble = is_on;
    build.say("own trouble", if is_on { "on" } else { "off" });
}

/// The faults, of these kinds.
pub(super) fn faults(build: &mut Build, kinds: &[String]) {
    if kinds.is_empty() {
        return;
    }
    let mut draws = build.draws("rates");
    let count = draws.between_logarithmic(1, 60);
    // Where they come: over all of the time, or in the first second, when everybody connects.
    let last = Span::millis(*draws.one(&[500, 3000, 28_000, 28_000]));
    let longest = *draws.one(&[200, 5000, 20_000]);
    let at_events = draws.percent(40);
    let among = Among { kinds: kinds.to_vec(), ..Among::default() };
    for turn in 0..count {
        let mut draws = build.draws(&format!("fault.{turn}"));
        let at = draws.span(Span::default(), last);
        let span = draws.span_logarithmic(Span::millis(1), Span::millis(longest));
        let is_at_event = at_events && draws.percent(50);
        let trigger = trigger(build, &mut draws);
        let Some(what) = fault(&build.plan, &among, &mut draws) else { continue };
        let r#for = what.lasts().then_some(span);
        let (at, after) = match trigger.filter(|_| is_at_event) {
            Some(trigger) => (
                if draws.percent(50) {
                    Span::default()
                } else {
                    draws.span_logarithmic(Span::millis(1), Span::millis(1000))
                },
                Some(trigger),
            ),
            None => (at, None),
        };
        build.plan.faults.push(Fault { at, after, r#for, what });
    }
    let (count, triggered) =
        (build.plan.faults.len(), build.plan.faults.iter().filter(|fault| fault.after.is_some()).count());
    build.say(
        "faults",
        format!(
            "{count}, {triggered} of them at events, the others until {last}, each up to {}",
            Span::millis(longest)
        ),
    );
}

fn trigger(build: &Build, draws: &mut crate::draw::Draws) -> Option<Trigger> {
    let sockets = &build.plan.sockets;
    let name = draws.one(sockets).name.clone();
    let event = *draws.one(&[SocketEvent::Sent, SocketEvent::Received, SocketEvent::Connected, SocketEvent::Connected]);
    let nth = u32::try_from(draws.between_logarithmic(1, 50)).unwrap_or(1);
    let count = draws.between_logarithmic(1, 3000);
    let hosts = &build.plan.hosts;
    let (from, to) = (draws.one(hosts).name.clone(), draws.one(hosts).name.clone());
    if draws.percent(40) {
        (from != to).then_some(Trigger::Octets { from, to, count })
    } else {
        Some(Trigger::Socket { name, event, nth })
    }
}
