//! Octets as the files write them: lower-case hex, or a list of hex and runs.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Most octets that one vector may expand to. A larger one is a mistake in the file.
pub const MAX_EXPANDED: usize = 1 << 20;

/// A sequence of octets, kept as it is written so that a megabyte of `x` stays one line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Octets {
    runs: Vec<Run>,
}

/// One unit of octets and how often it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The unit.
    pub unit: Vec<u8>,
    /// How often it comes; 1 for plain hex.
    pub repeat: usize,
}

/// Why a JSON value is no octets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOctets {
    /// Not lower-case hex, or half an octet.
    #[error("expected lower-case hex with two digits per octet, got {0:?}")]
    Hex(String),
    /// Another JSON type, or an object with other fields.
    #[error("expected hex, or a list of hex and {{\"hex\": \"..\", \"repeat\": n}}, got {0}")]
    Shape(String),
    /// `repeat` is missing, no number, or 0.
    #[error("expected `repeat` to be a whole number from 1 on, got {0}")]
    Repeat(String),
    /// More than [`MAX_EXPANDED`].
    #[error("expected at most {MAX_EXPANDED} octets after expansion, got more")]
    TooMany,
}

impl Octets {
    /// The octets, all runs expanded.
    #[must_use]
    pub fn expand(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        for run in &self.runs {
            for _ in 0..run.repeat {
                out.extend_from_slice(&run.unit);
            }
        }
        out
    }

    /// Number of octets after expansion.
    #[must_use]
    pub fn len(&self) -> usize {
        self.runs.iter().map(|run| run.unit.len() * run.repeat).sum()
    }

    /// Whether there is no octet at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The runs in order, for writers that need not hold the whole.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    fn parse(value: &Value) -> Result<Self, NotOctets> {
        let mut runs = Vec::new();
        match value {
            Value::String(hex) => runs.push(Run { unit: unhex(hex)?, repeat: 1 }),
            Value::Array(items) => {
                for item in items {
                    runs.push(Run::parse(item)?);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                return Err(NotOctets::Shape(value.to_string()));
            }
        }
        runs.retain(|run| !run.unit.is_empty());
        let total = runs
            .iter()
            .try_fold(0_usize, |sum, run| run.unit.len().checked_mul(run.repeat).and_then(|len| sum.checked_add(len)));
        match total {
            Some(total) if total <= MAX_EXPANDED => Ok(Self { runs }),
            Some(_) | None => Err(NotOctets::TooMany),
        }
    }
}

impl Run {
    fn parse(value: &Value) -> Result<Self, NotOctets> {
        let shape = || NotOctets::Shape(value.to_string());
        match value {
            Value::String(hex) => Ok(Self { unit: unhex(hex)?, repeat: 1 }),
            Value::Object(fields) => {
                let hex = fields.get("hex").and_then(Value::as_str).ok_or_else(shape)?;
                if fields.keys().any(|key| key != "hex" && key != "repeat") {
                    return Err(shape());
                }
                let repeat = fields.get("repeat").unwrap_or(&Value::Null);
                let count = repeat.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
                Ok(Self { unit: unhex(hex)?, repeat: count.ok_or_else(|| NotOctets::Repeat(repeat.to_string()))? })
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(shape()),
        }
    }
}

impl From<&[u8]> for Octets {
    fn from(octets: &[u8]) -> Self {
        if octets.is_empty() { Self::default() } else { Self { runs: vec![Run { unit: octets.to_vec(), repeat: 1 }] } }
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for run in &self.runs {
            for octet in &run.unit {
                write!(f, "{octet:02x}")?;
            }
            if run.repeat > 1 {
                write!(f, "*{}", run.repeat)?;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.runs.as_slice() {
            [] => serializer.serialize_str(""),
            [Run { unit, repeat: 1 }] => serializer.serialize_str(&hex(unit)),
            runs => serializer.collect_seq(runs),
        }
    }
}

impl Serialize for Run {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Repeated {
            hex: String,
            repeat: usize,
        }
        if self.repeat == 1 {
            return serializer.serialize_str(&hex(&self.unit));
        }
        Repeated { hex: hex(&self.unit), repeat: self.repeat }.serialize(serializer)
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn unhex(text: &str) -> Result<Vec<u8>, NotOctets> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(NotOctets::Hex(text.to_owned()));
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect::<Option<_>>()
        .ok_or_else(|| NotOctets::Hex(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn runs_expand_in_order() {
        let octets = Octets::parse(&json!(["00ff", {"hex": "6162", "repeat": 3}, "01"])).unwrap();
        assert_eq!(octets.expand(), b"\x00\xffababab\x01");
        assert_eq!(octets.len(), 9);
        assert_eq!(octets.to_string(), "00ff6162*301");
    }

    #[test]
    fn what_is_no_octets_is_said() {
        let error = |value: Value| Octets::parse(&value).unwrap_err().to_string();
        assert_eq!(error(json!("0")), "expected lower-case hex with two digits per octet, got \"0\"");
        assert_eq!(error(json!("0G")), "expected lower-case hex with two digits per octet, got \"0G\"");
        assert_eq!(error(json!("FF")), "expected lower-case hex with two digits per octet, got \"FF\"");
        assert_eq!(error(json!("äa")), "expected lower-case hex with two digits per octet, got \"äa\"");
        assert_eq!(error(json!(5)), "expected hex, or a list of hex and {\"hex\": \"..\", \"repeat\": n}, got 5");
        assert_eq!(
            error(json!([{"hex": "00", "times": 2}])),
            "expected hex, or a list of hex and {\"hex\": \"..\", \"repeat\": n}, got {\"hex\":\"00\",\"times\":2}"
        );
        assert_eq!(
            error(json!([{"hex": "00", "repeat": 0}])),
            "expected `repeat` to be a whole number from 1 on, got 0"
        );
        assert_eq!(
            error(json!([{"hex": "00", "repeat": 1_048_577}])),
            "expected at most 1048576 octets after expansion, got more"
        );
        assert_eq!(
            error(json!([{"hex": "0000", "repeat": u64::MAX}])),
            "expected at most 1048576 octets after expansion, got more"
        );
    }

    proptest! {
        /// Writing and reading again changes nothing.
        #[test]
        fn written_octets_read_back(units in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 1..9), 1_usize..5), 0..5)) {
            let octets = Octets { runs: units.into_iter().map(|(unit, repeat)| Run { unit, repeat }).collect() };
            let back: Octets = serde_json::from_value(serde_json::to_value(&octets).unwrap()).unwrap();
            prop_assert_eq!(back, octets);
        }
    }
}
