//! Values of a scenario file as whatever serde is asked for; errors keep their places.

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::plan::nearest;

use super::node::{Entry, Node, Place, Value, Wrong};

/// Reads a value.
pub(super) fn from_node<T: for<'de> Deserialize<'de>>(node: &Node) -> Result<T, Wrong> {
    T::deserialize(node)
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: std::fmt::Display>(what: T) -> Self {
        Self { place: None, what: what.to_string() }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        de::Error::custom(unknown("key", field, expected))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        de::Error::custom(unknown("word", variant, expected))
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let expected = expected.to_string();
        let expected = match expected.as_str() {
            "u8" | "u16" | "u32" | "u64" => "a whole number, 0 or more",
            "i32" | "i64" => "a whole number",
            "a string" => "a text, in quotation marks",
            other => other,
        };
        let found = match found {
            de::Unexpected::Str(text) => format!("the text {text:?}"),
            de::Unexpected::Map => "a table".into(),
            de::Unexpected::Seq => "a list".into(),
            other => other.to_string(),
        };
        de::Error::custom(format!("expected {expected}, and this is {found}"))
    }
}

/// What is expected where a word means nothing.
fn unknown(kind: &str, word: &str, expected: &[&str]) -> String {
    let hint = nearest(word, expected.iter().copied()).map(|near| format!(" Did you mean {near:?}?"));
    let hint = hint.unwrap_or_default();
    format!("no {kind} here is {word:?}; there are {}.{hint}", expected.join(", "))
}

impl Wrong {
    /// The innermost place is kept.
    fn or_at(self, place: &Place) -> Self {
        Self { place: self.place.or_else(|| Some(place.clone())), ..self }
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let value = match &self.value {
            Value::Text(text) => visitor.visit_str(text),
            Value::Integer(number) => match u64::try_from(*number) {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => visitor.visit_i64(*number),
            },
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::List(list) => visitor.visit_seq(Seq(list.iter())),
            Value::Table(entries) => visitor.visit_map(Map { left: entries.iter(), value: None }),
        };
        value.map_err(|wrong| wrong.or_at(&self.place))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let value = match &self.value {
            Value::Text(name) => visitor.visit_enum(Variant { name, at: &self.place, content: None }),
            Value::Table(entries) => match &entries[..] {
                [Entry { key, at, node }] => visitor.visit_enum(Variant { name: key, at, content: Some(node) }),
                others => Err(de::Error::custom(format!(
                    "expected exactly one of {}; there are {} keys",
                    variants.join(", "),
                    others.len()
                ))),
            },
            Value::Integer(_) | Value::Float(_) | Value::Bool(_) | Value::List(_) => {
                Err(de::Error::custom(format!("expected one of {}, and this is {}", variants.join(", "), self.kind())))
            }
        };
        value.map_err(|wrong: Wrong| wrong.or_at(&self.place))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Seq<'de>(std::slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for Seq<'de> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        self.0.next().map(|node| seed.deserialize(node).map_err(|wrong| wrong.or_at(&node.place))).transpose()
    }
}

struct Map<'de> {
    left: std::slice::Iter<'de, Entry>,
    value: Option<&'de Node>,
}

impl<'de> MapAccess<'de> for Map<'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some(entry) = self.left.next() else { return Ok(None) };
        self.value = Some(&entry.node);
        let key = StrDeserializer::<Wrong>::new(&entry.key);
        seed.deserialize(key).map(Some).map_err(|wrong| wrong.or_at(&entry.at))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let node = self.value.take().expect("a key is read before its value");
        seed.deserialize(node).map_err(|wrong| wrong.or_at(&node.place))
    }
}

struct Variant<'de> {
    name: &'de str,
    at: &'de Place,
    content: Option<&'de Node>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        let name = StrDeserializer::<Wrong>::new(self.name);
        Ok((seed.deserialize(name).map_err(|wrong| wrong.or_at(self.at))?, self))
    }
}

impl<'de> Variant<'de> {
    fn content(&self) -> Result<&'de Node, Wrong> {
        let what = || format!("{} needs what it is about: {{ {} = … }}", self.name, self.name);
        self.content.ok_or_else(|| Wrong::at(self.at, what()))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        match self.content {
            None => Ok(()),
            Some(node) => Err(Wrong::at(&node.place, format!("{} stands alone: write \"{}\"", self.name, self.name))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        let node = self.content()?;
        seed.deserialize(node).map_err(|wrong| wrong.or_at(&node.place))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.content()?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Wrong> {
        self.content()?.deserialize_any(visitor)
    }
}
