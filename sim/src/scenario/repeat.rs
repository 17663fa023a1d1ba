//! What has a count is there so many times, with numbered names.

use std::collections::BTreeMap;

use super::deserialize::from_node;
use super::draw::{Context, identities};
use super::node::{Node, Value, Wrong};

/// Collects the names of what is repeated in a list, by their templates.
pub(super) fn names(
    list: &Node,
    key: &str,
    context: Context<'_>,
    repeated: &mut BTreeMap<String, Vec<String>>,
) -> Result<(), Wrong> {
    for (node, word) in elements(list, key)?.iter().zip(identities(elements(list, key)?)) {
        let Some(count) = count(node, &format!("{key}.{word}"), context)? else { continue };
        let Some(template) = node.get("name").and_then(Node::as_text).map(template) else { continue };
        let names: Vec<String> = (1..=count).map(|number| template.replace("{n}", &number.to_string())).collect();
        match repeated.get(&template) {
            Some(others) if others.len() != names.len() => {
                let what = format!(
                    "{template:?} is repeated {} times here and {} times elsewhere: give both the same count, by [let]",
                    names.len(),
                    others.len()
                );
                return Err(Wrong::at(&node.get("name").expect("it has one").place, what));
            }
            Some(_) | None => _ = repeated.insert(template, names),
        }
    }
    Ok(())
}

/// A list, with everything repeated and drawn.
pub(super) fn list(list: &Node, key: &str, context: Context<'_>) -> Result<Node, Wrong> {
    let mut drawn = Vec::new();
    for (node, word) in elements(list, key)?.iter().zip(identities(elements(list, key)?)) {
        let path = format!("{key}.{word}");
        match count(node, &path, context)? {
            None => drawn.extend(context.value(node, &path)?),
            Some(count) => {
                let mut node = node.clone();
                node.take("count");
                if let Some(name) = node.get("name").cloned()
                    && let Some(text) = name.as_text()
                {
                    node.put("name", Node::text(&name.place, &template(text)));
                }
                for number in 1..=count {
                    let context = Context { number: Some(number), ..context };
                    drawn.extend(context.value(&node, &format!("{path}.{number}"))?);
                }
            }
        }
    }
    Ok(Node::new(&list.place, Value::List(drawn)))
}

fn elements<'a>(list: &'a Node, key: &str) -> Result<&'a [Node], Wrong> {
    list.as_list().ok_or_else(|| {
        Wrong::at(&list.place, format!("expected [[{key}]]: a list of tables, and this is {}", list.kind()))
    })
}

/// How often something is there; `None`: once, and it is not numbered.
fn count(node: &Node, path: &str, context: Context<'_>) -> Result<Option<i64>, Wrong> {
    let Some(count) = node.get("count") else { return Ok(None) };
    let drawn: i64 = from_node(&context.one(count, &format!("{path}.count"))?)?;
    if (0..=MOST).contains(&drawn) {
        Ok(Some(drawn))
    } else {
        Err(Wrong::at(&count.place, format!("expected a count from 0 to {MOST}, and not {drawn}")))
    }
}

/// A name with the place of its number; at the end, if it says nothing of one.
fn template(name: &str) -> String {
    if name.contains("{n}") { name.to_owned() } else { format!("{name}{{n}}") }
}

const MOST: i64 = 1000;
