//! Values of a scenario file, with their places in it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ScenarioError;

/// Where something stands in the text, in octets.
pub(super) type Place = Range<usize>;

/// A value.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: Place,
    pub(super) node: Node,
}

/// Values are the same wherever they stand.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) place: Option<Place>,
    pub(super) what: String,
}

impl Wrong {
    pub(super) fn at(place: &Place, what: impl Into<String>) -> Self {
        Self { place: Some(place.clone()), what: what.into() }
    }

    /// With the line and column in the text.
    pub(super) fn in_text(self, text: &str) -> ScenarioError {
        let offset = self.place.map_or(0, |place| place.start).min(text.len());
        let offset = (0..=offset).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let before = &text[..offset];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        ScenarioError { line, column, what: self.what }
    }
}

impl Node {
    pub(super) fn new(place: &Place, value: Value) -> Self {
        Self { place: place.clone(), value }
    }

    pub(super) fn text(place: &Place, text: &str) -> Self {
        Self::new(place, Value::Text(text.to_owned()))
    }

    /// Reads a text.
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        let table =
            DeTable::parse(text).map_err(|error| Wrong { place: error.span(), what: error.message().to_owned() })?;
        let place = table.span();
        of_table(table.into_inner(), &place)
    }

    /// The value of a key, if this is a table that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node),
            Value::Text(_) | Value::Integer(_) | Value::Float(_) | Value::Bool(_) | Value::List(_) => None,
        }
    }

    /// Takes a key out.
    pub(super) fn take(&mut self, key: &str) -> Option<Self> {
        let Value::Table(entries) = &mut self.value else { return None };
        let index = entries.iter().position(|entry| entry.key == key)?;
        Some(entries.remove(index).node)
    }

    /// Puts a key in, instead of what it had.
    pub(super) fn put(&mut self, key: &str, node: Self) {
        self.take(key);
        if let Value::Table(entries) = &mut self.value {
            entries.push(Entry { key: key.to_owned(), at: node.place.clone(), node });
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Integer(_) | Value::Float(_) | Value::Bool(_) | Value::List(_) | Value::Table(_) => None,
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(list) => Some(list),
            Value::Text(_) | Value::Integer(_) | Value::Float(_) | Value::Bool(_) | Value::Table(_) => None,
        }
    }

    /// Its entries, if it is a table.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            Value::Text(_) | Value::Integer(_) | Value::Float(_) | Value::Bool(_) | Value::List(_) => &[],
        }
    }

    /// The place of what a path leads to, or of what is the nearest to it: keys and numbers, divided by points.
    pub(super) fn place_of(&self, path: &str) -> Place {
        let mut at = self;
        let mut place = self.place.clone();
        for word in path.split('.').filter(|word| !word.is_empty()) {
            let next = match &at.value {
                Value::Table(entries) => entries.iter().find(|entry| entry.key == word).map(|entry| &entry.node),
                Value::List(list) => word.parse::<usize>().ok().and_then(|index| list.get(index)),
                Value::Text(_) | Value::Integer(_) | Value::Float(_) | Value::Bool(_) => None,
            };
            let Some(next) = next else { break };
            at = next;
            place = at.place.clone();
        }
        place
    }

    /// What it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a text",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::Bool(_) => "true or false",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

fn of_table(table: DeTable<'_>, place: &Place) -> Result<Node, Wrong> {
    let entry = |(key, value): (Spanned<_>, Spanned<DeValue<'_>>)| {
        let at = key.span();
        let key: std::borrow::Cow<'_, str> = key.into_inner();
        Ok(Entry { key: key.into_owned(), at, node: of_value(value)? })
    };
    let mut entries = table.into_iter().map(entry).collect::<Result<Vec<Entry>, Wrong>>()?;
    entries.sort_by_key(|entry| entry.at.start);
    Ok(Node::new(place, Value::Table(entries)))
}

fn of_value(value: Spanned<DeValue<'_>>) -> Result<Node, Wrong> {
    let place = value.span();
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => {
            let read = i64::from_str_radix(number.as_str(), number.radix());
            Value::Integer(read.map_err(|_| Wrong::at(&place, format!("{number} is too large a number")))?)
        }
        DeValue::Float(number) => {
            let read = number.as_str().parse();
            Value::Float(read.map_err(|_| Wrong::at(&place, format!("{number} is no number")))?)
        }
        DeValue::Boolean(value) => Value::Bool(value),
        DeValue::Datetime(_) => {
            let what = "dates mean nothing here: times count from the start, such as \"250ms\"";
            return Err(Wrong::at(&place, what));
        }
        DeValue::Array(list) => Value::List(list.into_iter().map(of_value).collect::<Result<_, _>>()?),
        DeValue::Table(table) => return of_table(table, &place),
    };
    Ok(Node::new(&place, value))
}
