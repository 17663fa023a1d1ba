//! Raw peers that speak ZMTP 2.0 or 1.0: greetings without mechanism and READY.

use super::play::Player;
use super::stage::SUBJECT;
use super::trouble::{Trouble, Unmet};
use crate::case::octets::Pattern;
use crate::case::step::{Handshake, Pace};
use crate::wire::dialect::Dialect;
use crate::wire::{early, hex, show};

impl Player<'_> {
    /// Exchanges greetings. Which socket type the subject shows is for a case of its own.
    pub(super) fn handshake_early(&mut self, who: &str, handshake: &Handshake, pace: Pace) -> Result<(), Trouble> {
        let kind = handshake.kind.as_deref().unwrap_or(self.kind);
        let octet = early::type_octet(kind)
            .ok_or_else(|| Trouble::Harness(format!("expected a socket type of ZMTP 2.0, found {kind}")))?;
        let identity = handshake.properties.iter().find(|property| property.name == b"Identity");
        let identity = identity.map(|property| property.value.clone()).unwrap_or_default();
        let dialect = self.dialect(who);
        let greeting = early::encode(dialect, octet, &identity);
        match pace {
            Pace::AtOnce => self.say(who, &greeting)?,
            Pace::OneByOne => greeting.chunks(1).try_for_each(|octet| self.say(who, octet))?,
        }
        self.stage.peer(who).introduced = true;
        if let Err(stop) = self.stage.early_greeting(who)? {
            return Err(self.stopped(&stop, wanted(dialect)));
        }
        self.stage.settle(SUBJECT)
    }

    pub(super) fn receive_early_greeting(&mut self, who: &str, pattern: Option<&Pattern>) -> Result<(), Trouble> {
        let dialect = self.dialect(who);
        let wanted = pattern.map_or_else(|| wanted(dialect).to_owned(), |pattern| format!("the greeting {pattern}"));
        match self.stage.early_greeting(who)? {
            Ok(greeting) => {
                let octets = greeting.octets;
                if pattern.is_none_or(|pattern| pattern.len() == octets.len() && pattern.matches(&octets)) {
                    return Ok(());
                }
                Err(Unmet::new(wanted, hex(&octets), "other-greeting").into())
            }
            Err(stop) => {
                let link = self.stage.peer(who).link.as_ref();
                let there = link.map(|link| link.inbox().to_vec()).unwrap_or_default();
                let (words, slug) = stop.describe(self.stage.patience);
                self.note_stop(&stop);
                Err(Unmet::new(wanted, format!("{}, then {words}", show(&there)), slug).into())
            }
        }
    }
}

fn wanted(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::V1 => "a frame with the identity",
        Dialect::V2 | Dialect::V3 => "signature, revision, socket type and a frame with the identity",
    }
}
