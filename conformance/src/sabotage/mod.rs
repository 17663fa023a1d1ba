//! Saboteurs: one protocol sin each, committed between a faultless subject and the harness.
//!
//! A case that no saboteur fails proves nothing. Each saboteur is data in `conformance/saboteurs/`: rules that
//! alter what the subject writes ([`Where::FromSubject`]), what it gets to read ([`Where::ToSubject`], which makes it
//! look more lenient or more deaf than it is), or what its adapter says ([`Where::Api`]).

pub mod api;
pub mod tamper;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use crate::adapter::protocol::ErrorClass;
use crate::case::octets::{Pattern, pattern, tokens};
use crate::case::select::nearest;

static DATA: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/saboteurs");

/// One sin.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saboteur {
    /// Permanent name, as `killed_by` has it.
    pub name: String,
    /// What it does wrong, in one sentence.
    pub sin: String,
    /// How.
    pub rule: Vec<Rule>,
}

/// One alteration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What passes by here is altered.
    pub on: Where,
    /// What exactly; everything if absent.
    #[serde(default)]
    pub at: Unit,
    /// Only the n-th that matches on its connection (or of its case, for the adapter), from 1.
    #[serde(default)]
    pub nth: Option<usize>,
    /// Only from the n-th on.
    #[serde(default)]
    pub from: Option<usize>,
    /// Only on the n-th connection of the case, from 1.
    #[serde(default)]
    pub connection: Option<usize>,
    /// What is done with it.
    #[serde(rename = "do")]
    pub deed: Deed,
}

/// A place to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Where {
    /// What the subject writes.
    FromSubject,
    /// What the raw peers write, one write at a time.
    ToSubject,
    /// Requests to the adapter and their replies.
    Api,
}

/// What a rule looks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Everything.
    #[default]
    Any,
    /// The 64 octets at the beginning.
    Greeting,
    /// A command of this name; empty for any.
    Command(String),
    /// A message frame whose body begins with these octets.
    Message(Octets),
    /// A message frame with exactly this body.
    Body(Octets),
    /// A message frame with the MORE bit, whatever its body.
    More,
    /// A message frame without the MORE bit.
    Last,
    /// A message frame whose body is longer than this.
    Longer(usize),
    /// A write of a raw peer that begins with these octets.
    Write(Octets),
    /// A request of this verb.
    Verb(String),
    /// A `set` of this option.
    Option(String),
    /// A request of this verb to the socket of the ZAP handler.
    Zap(String),
    /// A write of a raw peer, or an answer of the ZAP handler, that a case made wrong on purpose.
    Faulty,
}

/// What a rule does.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// It vanishes.
    Drop,
    /// It comes twice.
    Double,
    /// It and everything after it vanishes.
    Hold,
    /// The connection is closed in its place.
    Close,
    /// It passes, and the connection is closed behind it.
    CloseAfter,
    /// The subject's process is killed.
    Kill,
    /// It changes places with the next one.
    Swap,
    /// These octets come in its place.
    Replace(Octets),
    /// These octets come before it; before what the application receives, as a message of one part.
    Before(Octets),
    /// A message of these parts comes before what is received.
    BeforeParts(Vec<Octets>),
    /// These octets come after it.
    After(Octets),
    /// One octet of it is altered.
    SetOctet {
        /// Position, from 0.
        at: usize,
        /// New value.
        to: u8,
    },
    /// A frame in long form.
    LongForm,
    /// A frame without its first octets.
    StripBody(usize),
    /// A frame with more octets behind its body.
    PadBody(Octets),
    /// What is wrong on purpose is put right, so that the subject looks as if it took the wrong for the right.
    Mend,
    /// The properties of a received message's sender are left out.
    ForgetProperties,
    /// The adapter's request is not carried out, and said to be.
    Swallow,
    /// The adapter's request is said to be refused.
    Refuse(ErrorClass),
    /// The adapter's request is said to have succeeded, whatever came of it.
    Succeed,
    /// A received message is thrown away and the next one taken.
    Lose,
    /// A received message comes again as the next one.
    Again,
    /// A part of a received message is left out, from 0.
    DropPart(usize),
    /// A part of a received message is another one.
    SetPart {
        /// Which, from 0.
        at: usize,
        /// What it is instead.
        to: Octets,
    },
    /// A part is put before a received message.
    AddPart(Octets),
    /// The parts of a received message come in reverse.
    ReverseParts,
    /// Every octet of a received message is altered.
    Garble,
}

/// Octets in the notation of cases.
#[derive(Debug, Clone)]
pub struct Octets(pub Pattern);

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read = |text: &str| {
            let tokens = tokens(text)?;
            let (octets, rest) = pattern(&tokens)?;
            rest.first().map_or(Ok(octets), |token| Err(format!("expected octets, found {token}")))
        };
        read(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Octets {
    /// The octets to write; wildcards become zeros.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.0.literal().unwrap_or_else(|| vec![0; self.0.len()])
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    saboteur: Vec<Saboteur>,
}

/// All saboteurs, in the order of their files.
///
/// # Errors
/// One line that says where the data is broken; a test makes sure that it is not.
pub fn all() -> Result<Vec<Saboteur>, String> {
    let mut saboteurs: Vec<Saboteur> = Vec::new();
    for file in DATA.files().filter(|file| file.path().extension().is_some_and(|extension| extension == "toml")) {
        let name = format!("conformance/saboteurs/{}", file.path().display());
        for saboteur in read(&name, file.contents_utf8().unwrap_or_default())? {
            if saboteurs.iter().any(|other| other.name == saboteur.name) {
                return Err(format!("{name}: expected a new name, found {:?} again", saboteur.name));
            }
            saboteurs.push(saboteur);
        }
    }
    Ok(saboteurs)
}

/// The saboteur of a name.
///
/// # Errors
/// One line that lists the names there are.
pub fn find(name: &str) -> Result<Saboteur, String> {
    let all = all()?;
    let names: Vec<String> = all.iter().map(|saboteur| saboteur.name.clone()).collect();
    all.into_iter().find(|saboteur| saboteur.name == name).ok_or_else(|| {
        let near = nearest(name, names.iter().map(String::as_str));
        let hint = if near.is_empty() {
            format!("there are {}", names.join(", "))
        } else {
            format!("did you mean {}?", near.join(" or "))
        };
        format!("expected the name of a saboteur, found {name:?}; {hint}")
    })
}

fn read(name: &str, text: &str) -> Result<Vec<Saboteur>, String> {
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        format!("{name}:{line}: {}", error.message().replace('\n', " "))
    })?;
    Ok(file.saboteur)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_saboteurs_can_be_read() {
        assert!(!all().unwrap().is_empty());
        assert!(find("nobody").unwrap_err().contains("found \"nobody\""));
    }
}
