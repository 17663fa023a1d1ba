//! Two runs of the reference stand for two implementations: with another seed, or with something taken away by hand.

use super::*;
use crate::bare::Bare;
use crate::engine::Recording;
use crate::history::{Call, What};
use crate::oracle::judge;
use crate::plan::SocketIndex;
use crate::trial::Trial;
use crate::trial::Tried;

const PIPE: &str = r#"
title = "work goes out"
heal = "5s"
limit = "60s"
host = [{ name = "office" }, { name = "works" }, { name = "barn" }]
[[socket]]
name = "source"
host = "office"
type = "PUSH"
connect = ["tcp://works:5555"]
[[socket]]
name = "sink"
host = "works"
type = "PULL"
bind = ["tcp://*:5555"]
[[actor]]
name = "source"
sockets = ["source"]
do = [{ send = { count = 40, every = "10ms" } }, { settle = {} }]
[[actor]]
name = "sink"
sockets = ["sink"]
do = [{ settle = {} }]
"#;

const RESET: &str = r#"
[[fault]]
at = "100ms"
what = { reset = { between = ["office", "works"] } }
"#;

fn plan(text: &str) -> Plan {
    toml::from_str(text).unwrap()
}

fn tried(plan: &Plan) -> Tried {
    Trial::new(&Bare).attempt(plan, Recording::History)
}

/// The run without some of its entries, judged again.
fn without(plan: &Plan, which: impl Fn(usize, &What) -> bool) -> Tried {
    let mut run = tried(plan).run;
    let mut place = 0;
    run.history.entries.retain(|entry| {
        place += 1;
        !which(place - 1, &entry.what)
    });
    let violations = judge(plan, &run);
    Tried { run, violations }
}

fn compared(plan: &Plan, one: &Tried, other: &Tried) -> Comparison {
    compare(
        plan,
        [
            Side { name: "ours", run: &one.run, violations: &one.violations },
            Side { name: "theirs", run: &other.run, violations: &other.violations },
        ],
    )
}

fn words(comparison: &Comparison) -> Vec<(&'static str, &'static str)> {
    comparison.differences.iter().map(|difference| (difference.verdict.word(), difference.verdict.clause())).collect()
}

/// The message of this number came.
fn came(what: &What, number: u32) -> bool {
    matches!(what, What::Call { call: Call::Received(received), .. }
        if received.id().is_some_and(|id| id.number == number))
}

#[test]
fn a_run_is_like_itself() {
    let plan = plan(&(PIPE.to_owned() + RESET));
    assert_eq!(compared(&plan, &tried(&plan), &tried(&plan)), Comparison::default());
}

#[test]
fn what_only_one_side_breaks_is_broken() {
    let plan = plan(PIPE);
    let (one, other) = (tried(&plan), without(&plan, |_, what| came(what, 7)));
    let found = compared(&plan, &one, &other);
    assert_eq!(words(&found), [("broken", "PIPELINE-PUSH-12")], "{found:?}");
    let Verdict::Broken { by, .. } = &found.differences[0].verdict else { panic!("{found:?}") };
    assert_eq!(by, "theirs");
    let turned = compared(&plan, &other, &one);
    assert!(turned.differences[0].text.starts_with("with ours only: "), "{turned:?}");
    // Broken on both sides it is no difference.
    let both = compared(&plan, &other, &other);
    assert_eq!((both.differences.len(), both.common[0].clause), (0, "PIPELINE-PUSH-12"));
}

#[test]
fn what_a_lost_connection_takes_along_is_allowed() {
    let plan = plan(&(PIPE.to_owned() + RESET));
    // Sent just before the reset, when it may have been on its way.
    let lost = |_: usize, what: &What| came(what, 9);
    let (one, other) = (tried(&plan), without(&plan, lost));
    let has_come = one.run.history.entries.iter().any(|entry| came(&entry.what, 9));
    assert!(has_come, "another message has to be taken: this one is lost by itself");
    let found = compared(&plan, &one, &other);
    assert_eq!(words(&found), [("allowed", "PIPELINE-PUSH-06")], "{found:?}\n{:?}", other.violations);
    assert!(
        found.differences[0].text.starts_with("sink received source.0#9 of source with ours only; with theirs it died")
    );
}

#[test]
fn who_of_several_gets_a_message_is_left_open_by_availability() {
    let two = PIPE.replace(r#"["tcp://works:5555"]"#, r#"["tcp://works:5555", "tcp://barn:5555"]"#)
        + "[[socket]]\nname = \"heap\"\nhost = \"barn\"\ntype = \"PULL\"\nbind = [\"tcp://*:5555\"]\n\
           [[actor]]\nname = \"heap\"\nsockets = [\"heap\"]\ndo = [{ settle = {} }]\n";
    let plan = plan(&two);
    let one = tried(&plan);
    let mut other = tried(&plan);
    let [sink, heap] = ["sink", "heap"].map(|name| plan.socket(name).unwrap());
    for entry in &mut other.run.history.entries {
        if let What::Call { socket: Some(socket), call: Call::Received(received), who, .. } = &mut entry.what
            && received.id().is_some_and(|id| id.number == 4)
        {
            let to = if *socket == sink { heap } else { sink };
            *socket = to;
            who.host = plan.host_of(to).unwrap();
            who.actor = plan.actor(&plan[to].name);
        }
    }
    let found = compared(&plan, &one, &other);
    assert_eq!(words(&found), [("allowed", "PIPELINE-PUSH-08"); 2], "{found:?}");
}

#[test]
fn a_call_that_fails_on_one_side_is_a_gap_where_no_clause_speaks_of_it() {
    let plan = plan(PIPE);
    let (one, mut other) = (tried(&plan), tried(&plan));
    let fails = |other: &mut Tried, call: &str, errno| {
        let first = other.run.history.entries[0].clone();
        let What::Call { who, since, .. } = first.what else { panic!("{first:?}") };
        let socket = SocketIndex(0);
        let call = Call::Failed { call: call.into(), errno, why: "it did".into() };
        other.run.history.entries.insert(
            1,
            crate::history::Entry { at: first.at, what: What::Call { who, socket: Some(socket), since, call } },
        );
    };
    fails(&mut other, "unbind", 2);
    let found = compared(&plan, &one, &other);
    assert_eq!(words(&found), [("gap", "none")], "{found:?}");
    assert!(found.differences[0].text.contains("it never failed with ours"), "{found:?}");
    let mut third = tried(&plan);
    fails(&mut third, "unbind", 22);
    let found = compared(&plan, &third, &other);
    assert_eq!(words(&found), [("gap", "none"); 2], "{found:?}");
    assert!(found.differences[0].text.contains("with theirs it was \"it did\""), "{found:?}");
}

#[test]
fn fewer_messages_of_one_who_may_have_to_wait_are_allowed_and_of_a_publisher_are_not() {
    let plan = plan(PIPE);
    let sent =
        |what: &What| matches!(what, What::Call { call: Call::Sent(sent), .. } if sent.id.number >= 30 && !sent.probe);
    let fewer = |plan: &Plan| without(plan, |_, what| sent(what) || (30..40).any(|number| came(what, number)));
    let found = compared(&plan, &tried(&plan), &fewer(&plan));
    assert_eq!(words(&found), [("allowed", "PIPELINE-PUSH-10")], "{found:?}");
    let news = PIPE.replace("PUSH", "PUB").replace("\"PULL\"", "\"SUB\"\nsubscribe = [\"\"]");
    let plan = toml::from_str(&news).unwrap();
    let found = compared(&plan, &tried(&plan), &fewer(&plan));
    assert_eq!(words(&found), [("gap", "none")], "{found:?}");
}

#[test]
fn how_a_run_ends_is_compared() {
    let plan = plan(PIPE);
    let (one, mut other) = (tried(&plan), tried(&plan));
    other.run.ending = Ending::OutOfTime(vec!["office: terminating".into()]);
    assert_eq!(words(&compared(&plan, &one, &other)), [("allowed", "ZMQ_LINGER")]);
    other.run.ending = Ending::OutOfTime(vec!["source: step 1".into()]);
    assert_eq!(words(&compared(&plan, &one, &other)), [("gap", "none")]);
    other.run.ending = Ending::Crashed("assertion".into());
    other.violations = judge(&plan, &other.run);
    let found = compared(&plan, &one, &other);
    assert_eq!(words(&found), [("broken", "ZMTP31-ERROR-03")], "{found:?}");
}
