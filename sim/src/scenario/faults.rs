//! Faults whose kind is drawn: `draw` instead of `what`.

use super::draw::{Context, identities};
use super::node::{Node, Place, Value, Wrong};
use super::{chooser::Chooser, deserialize::from_node};
use crate::draw::Draws;
use crate::plan::{FaultKind, Plan};
use crate::swarm::{self, Among};
use crate::time::Span;

/// Replaces `draw` by what is drawn.
pub(super) fn draw(root: &mut Node, context: Context<'_>) -> Result<(), Wrong> {
    let Some(faults) = root.take("fault") else { return Ok(()) };
    let plan: Plan = from_node(root)?;
    let place = faults.place.clone();
    let list = faults.as_list().unwrap_or_default();
    let mut drawn = Vec::new();
    for (fault, word) in list.iter().zip(identities(list)) {
        let mut fault = fault.clone();
        if let Some(from) = fault.take("draw") {
            if let Some(what) = fault.get("what") {
                return Err(Wrong::at(&what.place, "either draw or what: one of them says what the fault is"));
            }
            let mut draws = match context.chooser {
                Chooser::Seed(seed) => Draws::new(seed, &format!("fault.{word}.draw")),
                Chooser::Corner(corner) => Draws::new(corner as u64, "corner"),
            };
            let Some(what) = swarm::fault(&plan, &among(&from)?, &mut draws) else { continue };
            complete(&mut fault, &plan, &what, &from.place, &mut draws);
        }
        drawn.push(fault);
    }
    root.put("fault", Node::new(&place, Value::List(drawn)));
    Ok(())
}

fn complete(fault: &mut Node, plan: &Plan, what: &FaultKind, place: &Place, draws: &mut Draws) {
    let text = |span: Span| Node::text(place, &span.to_string());
    let heal = plan.heal.0;
    let at = draws.span(Span::default(), Span(heal * 9 / 10));
    let span = draws.span_logarithmic(Span::millis(1), Span(heal / 3));
    if fault.get("at").is_none() && fault.get("after").is_none() {
        fault.put("at", text(at));
    }
    if !what.lasts() {
        fault.take("for");
    } else if fault.get("for").is_none() {
        fault.put("for", text(span));
    }
    let value = toml::Value::try_from(what).expect("faults are written as they are read");
    fault.put("what", of_toml(&value, place));
}

fn of_toml(value: &toml::Value, place: &Place) -> Node {
    let value = match value {
        toml::Value::String(text) => Value::Text(text.clone()),
        toml::Value::Integer(number) => Value::Integer(*number),
        toml::Value::Float(number) => Value::Float(*number),
        toml::Value::Boolean(value) => Value::Bool(*value),
        toml::Value::Datetime(date) => Value::Text(date.to_string()),
        toml::Value::Array(list) => Value::List(list.iter().map(|value| of_toml(value, place)).collect()),
        toml::Value::Table(table) => {
            let entry = |(key, value): (&String, &toml::Value)| super::Entry {
                key: key.clone(),
                at: place.clone(),
                node: of_toml(value, place),
            };
            Value::Table(table.iter().map(entry).collect())
        }
    };
    Node::new(place, value)
}

/// Of what kinds, and with whom.
fn among(from: &Node) -> Result<Among, Wrong> {
    let mut among = Among::default();
    match &from.value {
        Value::Text(text) if text == "any" => {}
        Value::Text(_) => among.kinds = vec![from_node(from)?],
        Value::List(_) => among.kinds = from_node(from)?,
        Value::Table(entries) => {
            for entry in entries {
                match entry.key.as_str() {
                    "kinds" => among.kinds = from_node(&entry.node)?,
                    "hosts" => among.hosts = from_node(&entry.node)?,
                    "sockets" => among.sockets = from_node(&entry.node)?,
                    other => return Err(Wrong::at(&entry.at, format!("{other:?}: expected kinds, hosts or sockets"))),
                }
            }
        }
        Value::Integer(_) | Value::Float(_) | Value::Bool(_) => {
            return Err(Wrong::at(&from.place, "expected \"any\", the name of a kind, or a list of names"));
        }
    }
    match among.kinds.iter().find(|kind| !swarm::KINDS.contains(&kind.as_str())) {
        Some(kind) => {
            let what = format!("{kind:?} is no kind of fault; there are {}", swarm::KINDS.join(", "));
            Err(Wrong::at(&from.place, what))
        }
        None => Ok(among),
    }
}
