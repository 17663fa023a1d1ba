//! Plans as text, and what is asked of every run.

use zmq_sim::engine::{Ending, Engine, Recording, Run};
use zmq_sim::history::Call;
use zmq_sim::plan::Plan;

/// A plan from its text.
pub(crate) fn plan(text: &str) -> Plan {
    toml::from_str(text).unwrap_or_else(|why| panic!("{why}"))
}

/// Carries a plan out twice, on which nothing may depend, and holds that it ended and left nothing.
pub(crate) fn run(plan: &Plan) -> Run {
    let engine = zmq_sim_madsim::engine();
    let run = engine.run(plan, Recording::History);
    let again = engine.run(plan, Recording::History);
    assert_eq!(run.hash, again.hash, "{}: another run of the same seed", plan.title);
    assert_eq!(run.ending, Ending::Finished, "{}\n{}", plan.title, told(plan, &run));
    assert_eq!(run.left, [], "{}", plan.title);
    run
}

/// The history, a line for each entry.
pub(crate) fn told(_: &Plan, run: &Run) -> String {
    run.history.entries.iter().map(|entry| format!("{} {:?}\n", entry.at, entry.what)).collect()
}

/// Names of the messages that an actor's sockets received, in their order.
pub(crate) fn received(plan: &Plan, run: &Run, actor: &str) -> Vec<String> {
    let actor = plan.actor(actor).expect("the plan has it");
    let calls = run.history.calls().filter(|(_, who, ..)| who.actor == Some(actor));
    let ids = calls.filter_map(|(.., call)| match call {
        Call::Received(received) => received.id(),
        _ => None,
    });
    ids.map(|id| id.name(plan)).collect()
}

/// Names of the messages that an actor has sent.
pub(crate) fn sent(plan: &Plan, run: &Run, actor: &str) -> Vec<String> {
    let actor = plan.actor(actor).expect("the plan has it");
    let calls = run.history.calls().filter(|(_, who, ..)| who.actor == Some(actor));
    let ids = calls.filter_map(|(.., call)| match call {
        Call::Sent(sent) => Some(sent.id),
        _ => None,
    });
    ids.map(|id| id.name(plan)).collect()
}
