//! A plan as a tree of values, as its file has it: every field can be reached, also those that come later.

use serde::Serialize;
use toml::Value;

use crate::plan::Plan;

/// The way to a value: keys, and places in lists as numbers.
pub(super) type Path = Vec<String>;

/// The tree of something.
pub(super) fn of(what: &impl Serialize) -> Value {
    Value::try_from(what).expect("plans can be written as TOML")
}

/// The plan of a tree; none if it is none.
pub(super) fn read(tree: Value) -> Option<Plan> {
    tree.try_into().ok()
}

/// Goes to every value, those above before those below.
pub(super) fn walk(tree: &Value, visit: &mut dyn FnMut(&Path, &Value)) {
    fn below(path: &mut Path, value: &Value, visit: &mut dyn FnMut(&Path, &Value)) {
        visit(path, value);
        match value {
            Value::Array(list) => {
                for (at, value) in list.iter().enumerate() {
                    path.push(at.to_string());
                    below(path, value, visit);
                    path.pop();
                }
            }
            Value::Table(table) => {
                for (key, value) in table {
                    path.push(key.clone());
                    below(path, value, visit);
                    path.pop();
                }
            }
            Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
        }
    }
    below(&mut Path::new(), tree, visit);
}

/// The value at the end of a path.
pub(super) fn at<'v>(tree: &'v mut Value, path: &[String]) -> Option<&'v mut Value> {
    path.iter().try_fold(tree, |value, key| match value {
        Value::Array(list) => list.get_mut(key.parse::<usize>().ok()?),
        Value::Table(table) => table.get_mut(key),
        Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => None,
    })
}

/// Takes an entry out of a list.
pub(super) fn remove_entry(tree: &mut Value, path: &[String], place: usize) {
    if let Some(Value::Array(list)) = at(tree, path)
        && place < list.len()
    {
        list.remove(place);
    }
}

/// Takes a key out of a table.
pub(super) fn remove_key(tree: &mut Value, path: &[String]) {
    let Some((key, above)) = path.split_last() else { return };
    if let Some(Value::Table(table)) = at(tree, above) {
        table.remove(key);
    }
}
