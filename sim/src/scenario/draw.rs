//! Drawing: ranges, choices and texts become values.

use std::collections::{BTreeMap, BTreeSet};

use super::chooser::{Chooser, Scale};
use super::node::{Entry, Node, Value, Wrong};
use super::range::{Range, in_text};
use super::text::{Piece, pieces};

/// What is known where something is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) chooser: Chooser,
    /// Values of `[let]`.
    pub(super) lets: &'a BTreeMap<String, Node>,
    /// Names of what is repeated, by the name with `{n}` in it.
    pub(super) repeated: &'a BTreeMap<String, Vec<String>>,
    /// The how manieth it is, within something that is repeated.
    pub(super) number: Option<i64>,
}

/// Keys whose values are texts, whatever they look like.
const FREE: [&str; 7] = ["title", "topic", "topics", "subscribe", "to", "routing-id", "password"];

/// Names that a list has drawn already.
type Used = BTreeSet<String>;

impl Context<'_> {
    /// A value that has to be there.
    pub(super) fn one(&self, node: &Node, key: &str) -> Result<Node, Wrong> {
        self.value(node, key)?
            .ok_or_else(|| Wrong::at(&node.place, "something has to be here; maybe is for what may be left out"))
    }

    /// A value; none if it was drawn to be left out.
    pub(super) fn value(&self, node: &Node, key: &str) -> Result<Option<Node>, Wrong> {
        match &node.value {
            Value::Integer(_) | Value::Float(_) | Value::Bool(_) => Ok(Some(node.clone())),
            Value::Text(text) => {
                let all = self.texts(node, text, key, &mut Used::new())?;
                match <[Node; 1]>::try_from(all) {
                    Ok([one]) => self.ranged(one, key).map(Some),
                    Err(_) => {
                        Err(Wrong::at(&node.place, "{*} is for elements of lists: it stands for any number of them"))
                    }
                }
            }
            Value::List(list) => self.list(list, key).map(|list| Some(Node::new(&node.place, Value::List(list)))),
            Value::Table(entries) => self.table(node, entries, key),
        }
    }

    fn table(&self, node: &Node, entries: &[Entry], key: &str) -> Result<Option<Node>, Wrong> {
        let has = |word: &str| entries.iter().any(|entry| entry.key == word);
        let only = |words: &[&str]| match entries.iter().find(|entry| !words.contains(&entry.key.as_str())) {
            Some(other) => {
                Err(Wrong::at(&other.at, format!("{} stands alone, or with {}", words[0], words[1..].join(", "))))
            }
            None => Ok(()),
        };
        if has("any") {
            only(&["any", "weights"])?;
            return self.choice(node, key);
        }
        if has("maybe") {
            only(&["maybe", "percent"])?;
            let percent = self.percent(node.get("percent"))?;
            let of = node.get("maybe").expect("it has one");
            return if self.chooser.happens(&format!("{key}.maybe"), percent) { self.value(of, key) } else { Ok(None) };
        }
        if has("log") {
            only(&["log"])?;
            let of = node.get("log").expect("it has one");
            let text = of.as_text().unwrap_or_default();
            let Some(range) = in_text(text).map_err(|what| Wrong::at(&of.place, what))? else {
                return Err(Wrong::at(&of.place, "expected a range, such as \"1ms..10s\" or \"1..1000\""));
            };
            return Ok(Some(Node::new(&node.place, self.in_range(&range, key, Scale::Logarithmic))));
        }
        let mut drawn = Vec::new();
        for entry in entries {
            let below = format!("{key}.{}", entry.key);
            let value = if FREE.contains(&entry.key.as_str()) {
                self.free(&entry.node, &below)?
            } else {
                self.value(&entry.node, &below)?
            };
            drawn.extend(value.map(|node| Entry { key: entry.key.clone(), at: entry.at.clone(), node }));
        }
        Ok(Some(Node::new(&node.place, Value::Table(drawn))))
    }

    /// A text, or a list of texts, in which two points are two points.
    fn free(&self, node: &Node, key: &str) -> Result<Option<Node>, Wrong> {
        match &node.value {
            Value::Text(text) => Ok(self.texts(node, text, key, &mut Used::new())?.pop()),
            Value::List(list) => {
                let mut all = Vec::new();
                let mut used = Used::new();
                for (index, element) in list.iter().enumerate() {
                    let below = format!("{key}.{index}");
                    match &element.value {
                        Value::Text(text) => all.extend(self.texts(element, text, &below, &mut used)?),
                        Value::Table(_) | Value::List(_) | Value::Integer(_) | Value::Float(_) | Value::Bool(_) => {
                            all.extend(self.value(element, &below)?);
                        }
                    }
                }
                Ok(Some(Node::new(&node.place, Value::List(all))))
            }
            Value::Table(_) | Value::Integer(_) | Value::Float(_) | Value::Bool(_) => self.value(node, key),
        }
    }

    fn list(&self, list: &[Node], key: &str) -> Result<Vec<Node>, Wrong> {
        let mut all = Vec::new();
        let mut used = Used::new();
        for (node, word) in list.iter().zip(identities(list)) {
            let below = format!("{key}.{word}");
            match &node.value {
                Value::Text(text) => {
                    for one in self.texts(node, text, &below, &mut used)? {
                        all.push(self.ranged(one, &below)?);
                    }
                }
                Value::Table(_) | Value::List(_) | Value::Integer(_) | Value::Float(_) | Value::Bool(_) => {
                    all.extend(self.value(node, &below)?);
                }
            }
        }
        Ok(all)
    }

    fn choice(&self, node: &Node, key: &str) -> Result<Option<Node>, Wrong> {
        let any = node.get("any").expect("it has one");
        let of = any.as_list().filter(|list| !list.is_empty());
        let Some(of) = of else {
            return Err(Wrong::at(&any.place, format!("expected a list of alternatives, and this is {}", any.kind())));
        };
        let weights = match node.get("weights") {
            None => vec![1; of.len()],
            Some(weights) => {
                let read: Result<Vec<u64>, Wrong> = super::deserialize::from_node(weights);
                let read = read?;
                if read.len() != of.len() || read.iter().sum::<u64>() == 0 {
                    let what = format!("expected {} numbers, one for each alternative, not all of them 0", of.len());
                    return Err(Wrong::at(&weights.place, what));
                }
                read
            }
        };
        let index = self.chooser.pick(&format!("{key}.any"), &weights);
        self.value(&of[index], key)
    }

    fn percent(&self, node: Option<&Node>) -> Result<u32, Wrong> {
        let Some(node) = node else { return Ok(50) };
        match node.value {
            Value::Integer(percent @ 0..=100) => Ok(u32::try_from(percent).expect("at most a hundred")),
            Value::Integer(_)
            | Value::Text(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::List(_)
            | Value::Table(_) => Err(Wrong::at(&node.place, "expected a number from 0 to 100")),
        }
    }

    /// A text that may be a range. What comes from `[let]` is drawn already.
    fn ranged(&self, node: Node, key: &str) -> Result<Node, Wrong> {
        let range = in_text(node.as_text().unwrap_or_default()).map_err(|what| Wrong::at(&node.place, what))?;
        Ok(match range {
            Some(range) => Node::new(&node.place, self.in_range(&range, key, Scale::Even)),
            None => node,
        })
    }

    fn in_range(&self, range: &Range, key: &str, scale: Scale) -> Value {
        match range {
            Range::Numbers(low, high) => Value::Integer(self.chooser.number(key, *low, *high, scale)),
            Range::Spans(low, high) => Value::Text(self.chooser.span(key, *low, *high, scale).to_string()),
        }
    }

    /// What a text stands for: a value of `[let]`, one text, or as many as `{*}` says.
    fn texts(&self, node: &Node, text: &str, key: &str, used: &mut Used) -> Result<Vec<Node>, Wrong> {
        let all = pieces(text);
        if let [Piece::Word { word, .. }] = &all[..]
            && let Some(value) = self.lets.get(*word)
        {
            return Ok(vec![Node::new(&node.place, value.value.clone())]);
        }
        let mut texts = vec![String::new()];
        for piece in &all {
            let alternatives = match piece {
                Piece::Plain(plain) => vec![(*plain).to_owned()],
                Piece::Word { word: "n", .. } => match self.number {
                    Some(number) => vec![number.to_string()],
                    None => {
                        return Err(Wrong::at(&node.place, "{n} is the number of what is repeated: this has no count"));
                    }
                },
                Piece::Word { word: "*", before, after } => self.numbers(node, before, after)?,
                Piece::Word { word: "any", before, after } => {
                    let numbers = self.numbers(node, before, after)?;
                    let name = |number: &String| format!("{before}{number}{after}");
                    let fresh: Vec<String> =
                        numbers.iter().filter(|number| !used.contains(&name(number))).cloned().collect();
                    let among = if fresh.is_empty() { numbers } else { fresh };
                    if among.is_empty() {
                        return Err(Wrong::at(
                            &node.place,
                            format!("there is no {before}{{n}}{after} this time to choose from"),
                        ));
                    }
                    let picked = among[self.chooser.pick(&format!("{key}.{{any}}"), &vec![1; among.len()])].clone();
                    used.insert(name(&picked));
                    vec![picked]
                }
                Piece::Word { word, .. } => match self.lets.get(*word).map(|node| &node.value) {
                    Some(Value::Text(text)) => vec![text.clone()],
                    Some(Value::Integer(number)) => vec![number.to_string()],
                    Some(Value::Bool(value)) => vec![value.to_string()],
                    Some(Value::Float(_) | Value::List(_) | Value::Table(_)) => {
                        return Err(Wrong::at(
                            &node.place,
                            format!("{{{word}}} of [let] is not fit to be part of a text"),
                        ));
                    }
                    None => return Err(Wrong::at(&node.place, self.unknown(word))),
                },
            };
            texts =
                texts.iter().flat_map(|text| alternatives.iter().map(move |more| format!("{text}{more}"))).collect();
        }
        Ok(texts.iter().map(|text| Node::text(&node.place, text)).collect())
    }

    /// The numbers of what is repeated under a name.
    fn numbers(&self, node: &Node, before: &str, after: &str) -> Result<Vec<String>, Wrong> {
        let template = format!("{before}{{n}}{after}");
        match self.repeated.get(&template) {
            Some(names) => Ok((1..=names.len()).map(|number| number.to_string()).collect()),
            None => {
                let known: Vec<&str> = self.repeated.keys().map(String::as_str).collect();
                let known =
                    if known.is_empty() { "nothing is".to_owned() } else { format!("there are {}", known.join(", ")) };
                Err(Wrong::at(&node.place, format!("nothing is repeated as {template:?}; {known}")))
            }
        }
    }

    fn unknown(&self, word: &str) -> String {
        let known: Vec<String> = self.lets.keys().map(|name| format!("{{{name}}}")).collect();
        let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
        format!("{{{word}}} is not in [let], which has {known}; {{n}}, {{*}} and {{any}} are for what is repeated")
    }
}

/// What tells elements of a list apart, so that one more leaves the others alone: their names; their kinds and which of
/// that kind they are; their places.
pub(super) fn identities(list: &[Node]) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let identity = |(index, node): (usize, &Node)| {
        let kind = match &node.value {
            Value::Table(entries) => match (node.get("name").and_then(Node::as_text), &entries[..]) {
                (Some(name), _) => name.to_owned(),
                (None, [only]) => only.key.clone(),
                (None, _) => kind_of(node),
            },
            Value::Text(_) | Value::Integer(_) | Value::Float(_) | Value::Bool(_) | Value::List(_) => index.to_string(),
        };
        let turn = seen.entry(kind.clone()).or_default();
        *turn += 1;
        format!("{kind}#{turn}")
    };
    list.iter().enumerate().map(identity).collect()
}

/// The kind of a fault, a link rule, or something else without a name.
fn kind_of(node: &Node) -> String {
    if let Some(what) = node.get("what") {
        return what.as_text().unwrap_or_else(|| what.entries().first().map_or("what", |entry| &entry.key)).to_owned();
    }
    if node.get("draw").is_some() {
        return "draw".into();
    }
    let ends = ["from", "to"].map(|key| node.get(key).and_then(Node::as_text).unwrap_or_default());
    ends.join(">")
}
