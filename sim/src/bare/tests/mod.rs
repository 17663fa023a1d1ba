use std::collections::BTreeMap;

use super::*;
use crate::actor::message::MessageId;
use crate::history::{Call, What};

mod faults;
mod patterns;
mod plans;

/// Plays a plan twice, which has to be the same run.
fn play(text: &str) -> Run {
    let plan: Plan = toml::from_str(text).unwrap_or_else(|why| panic!("{why}\n{text}"));
    let run = Bare.run(&plan, Recording::History);
    let again = Bare.run(&plan, Recording::Network);
    assert_eq!(run.hash, again.hash, "the same plan gave another run");
    assert_eq!(run.history.entries, again.history.entries);
    run
}

/// Plays a plan that comes to a good end and leaves nothing.
fn play_well(text: &str) -> Run {
    let run = play(text);
    assert_eq!((&run.ending, &run.left[..]), (&Ending::Finished, &[][..]), "{}", story(&run));
    run
}

/// What happened, for people.
fn story(run: &Run) -> String {
    run.history.entries.iter().map(|entry| format!("{} {:?}\n", entry.at, entry.what)).collect()
}

/// How often each message of an actor was received by an actor of that number.
fn received(run: &Run, actor: u16) -> BTreeMap<MessageId, usize> {
    let mut received = BTreeMap::new();
    for entry in &run.history.entries {
        if let What::Call { who, call: Call::Received(message), .. } = &entry.what
            && who.actor.is_some_and(|who| who.0 == actor)
            && let Some(id) = message.id()
        {
            *received.entry(id).or_default() += 1;
        }
    }
    received
}
