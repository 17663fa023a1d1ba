//! Scenarios: plans in which values may be ranges and choices.
//!
//! ```toml
//! title = "workers come and go"
//!
//! [let]
//! hwm = { any = [1, 2, 1000] }           # drawn once, used as "{hwm}"
//!
//! [[host]]
//! name = "worker{n}"                     # worker1, worker2, ...
//! count = "2..5"
//!
//! [[fault]]
//! count = "0..10"
//! at = "0s..20s"
//! for = { log = "1ms..10s" }             # each order of magnitude as likely
//! what = { pause = { host = "worker{any}" } }
//! ```
//!
//! What is drawn for a value depends on the seed and on where the value stands, by names and kinds: another line elsewhere
//! leaves it alone. The book's chapter has the whole grammar.

mod builtin;
mod chooser;
mod deserialize;
mod draw;
mod faults;
mod node;
mod range;
mod repeat;
mod text;

use std::collections::BTreeMap;

pub use builtin::builtin;

use chooser::Chooser;
use deserialize::from_node;
use draw::Context;
use node::{Entry, Node, Value, Wrong};

use crate::plan::Plan;

/// A scenario file.
#[derive(Debug, Clone)]
pub struct Scenario {
    text: String,
    root: Node,
    seed: Option<u64>,
}

/// What is wrong with a scenario file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct ScenarioError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What was expected, and what is there.
    pub what: String,
}

impl Scenario {
    /// Reads a file, and tries what could be drawn: the ends of all ranges, all alternatives, and some seeds.
    ///
    /// # Errors
    ///
    /// The first thing that makes no sense, for some draw.
    pub fn read(text: &str) -> Result<Self, ScenarioError> {
        let in_text = |wrong: Wrong| wrong.in_text(text);
        let mut root = Node::parse(text).map_err(in_text)?;
        let seed = root.take("seed").map(|seed| from_node(&seed)).transpose().map_err(in_text)?;
        let scenario = Self { text: text.to_owned(), root, seed };
        let corners = (0..CORNERS).map(Chooser::Corner);
        for chooser in corners.chain((0..SEEDS).map(Chooser::Seed)) {
            scenario.drawn(chooser).map_err(in_text)?;
        }
        Ok(scenario)
    }

    /// The seed that the file names: a plan that was saved.
    #[must_use]
    pub const fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// The plan of a seed.
    ///
    /// # Errors
    ///
    /// Where this draw makes no sense. [`Self::read`] has tried some, not all.
    pub fn draw(&self, seed: u64) -> Result<Plan, ScenarioError> {
        self.drawn(Chooser::Seed(seed)).map_err(|wrong| wrong.in_text(&self.text))
    }

    fn drawn(&self, chooser: Chooser) -> Result<Plan, Wrong> {
        let mut root = self.root.clone();
        let lets = lets(root.take("let"), chooser)?;
        let mut repeated = BTreeMap::new();
        let context = Context { chooser, lets: &lets, repeated: &BTreeMap::new(), number: None };
        for list in ["host", "socket", "actor"] {
            if let Some(node) = root.get(list) {
                repeat::names(node, list, context, &mut repeated)?;
            }
        }
        let context = Context { repeated: &repeated, ..context };
        let mut drawn = Vec::new();
        for entry in root.entries() {
            let node = match entry.key.as_str() {
                "host" | "socket" | "actor" | "link" | "fault" | "expect" | "name" => {
                    Some(repeat::list(&entry.node, &entry.key, context)?)
                }
                "title" => Some(entry.node.clone()),
                _other => context.value(&entry.node, &entry.key)?,
            };
            drawn.extend(node.map(|node| Entry { node, ..entry.clone() }));
        }
        let mut root = Node::new(&root.place, Value::Table(drawn));
        faults::draw(&mut root, context)?;
        let mut plan: Plan = from_node(&root)?;
        plan.seed = chooser.seed();
        match plan.check() {
            Ok(()) => Ok(plan),
            Err(findings) => {
                let first = findings.into_iter().next().expect("there is a finding where a check fails");
                Err(Wrong::at(&root.place_of(&first.path), first.to_string()))
            }
        }
    }
}

/// The values of `[let]`, each of which may use those before it.
fn lets(node: Option<Node>, chooser: Chooser) -> Result<BTreeMap<String, Node>, Wrong> {
    let mut lets = BTreeMap::new();
    let Some(node) = node else { return Ok(lets) };
    if !matches!(node.value, Value::Table(_)) {
        return Err(Wrong::at(
            &node.place,
            format!("[let] is a table of names and values, and this is {}", node.kind()),
        ));
    }
    for entry in node.entries() {
        if matches!(entry.key.as_str(), "n" | "any") {
            return Err(Wrong::at(
                &entry.at,
                format!("{{{}}} has a meaning of its own; choose another name", entry.key),
            ));
        }
        let context = Context { chooser, lets: &lets, repeated: &BTreeMap::new(), number: None };
        let value = context.one(&entry.node, &format!("let.{}", entry.key))?;
        lets.insert(entry.key.clone(), value);
    }
    Ok(lets)
}

/// The JSON schema of scenario files, for editors.
#[must_use]
pub const fn schema() -> &'static str {
    include_str!("../../../docs/schema/scenario.json")
}

const CORNERS: usize = 24;
const SEEDS: u64 = 16;

#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;
