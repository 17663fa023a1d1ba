//! What is demanded of a case beyond being readable.

use std::collections::BTreeSet;

use super::file::{Case, Class, Tier};
use super::library::Library;
use super::security::ZapAct;
use super::step::{Act, Outcome, PeerAct, SubjectAct};
use crate::ledger::Ledger;
use crate::sabotage::Saboteur;
use crate::wire::greeting::Version;

/// Most steps of a case.
const MOST_STEPS: usize = 12;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where, as `file:line`.
    pub place: String,
    /// Which case.
    pub case: String,
    /// What is wrong.
    pub what: What,
}

/// What can be wrong with a case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum What {
    /// No saboteur is named under which it fails. Not an error, but it shows nothing yet.
    #[error("nothing has failed it yet; name a saboteur in killed_by")]
    Toothless,
    /// A saboteur that does not exist.
    #[error("killed_by names {0:?}, and no saboteur bears that name")]
    UnknownSaboteur(String),
    /// A requirement that does not exist.
    #[error("checks {id:?}, and the ledger has no such requirement{hint}")]
    UnknownRequirement {
        /// The id.
        id: String,
        /// Ids that look like it.
        hint: String,
    },
    /// No requirement at all.
    #[error("checks nothing; name the requirements")]
    ChecksNothing,
    /// Too long to be one behaviour.
    #[error("has {0} steps, at most {MOST_STEPS} are allowed; split it")]
    TooLong(usize),
    /// A fence needs 3.1, and the case also runs with an older version.
    #[error("step `{0}` needs a PING, which older versions than ZMTP 3.1 do not have; set zmtp = [\"3.1\"]")]
    FenceAtThreeZero(String),
    /// Silence is waited out.
    #[error("prefers the outcome `silent`, which only a clock can tell; put another outcome first")]
    PrefersSilence,
    /// Waits for a quiet wire.
    #[error("asks for the opening of a greeting, which only a clock can tell; set tier = \"clock\"")]
    OpeningOutsideClock,
    /// Says that survival only counts, and does not look at it.
    #[error("is of class robust and not hostile; nothing would be examined")]
    RobustWithoutSurvival,
    /// A vector that does not exist.
    #[error("sends the vector {0:?}, and there is none of that id")]
    UnknownVector(String),
    /// Two cases demand nothing.
    #[error("demands nothing: no step receives, sees or refuses, and survival is not examined")]
    DemandsNothing,
}

impl Finding {
    /// Whether it has to be mended before the case can land.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.what != What::Toothless
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} {}", self.place, self.case, self.what)
    }
}

/// All requirement ids of the ledger.
#[must_use]
pub fn requirement_ids() -> BTreeSet<String> {
    Ledger::embedded().requirements().map(|requirement| requirement.id.clone()).collect()
}

/// Holds every case to the rules.
#[must_use]
pub fn lint(library: &Library, saboteurs: &[Saboteur]) -> Vec<Finding> {
    let names: BTreeSet<&str> = saboteurs.iter().map(|saboteur| saboteur.name.as_str()).collect();
    library
        .cases()
        .iter()
        .flat_map(|case| {
            let place = case.source.to_string();
            of(case, &names).into_iter().map(move |what| Finding { place: place.clone(), case: case.id.clone(), what })
        })
        .collect()
}

fn of(case: &Case, saboteurs: &BTreeSet<&str>) -> Vec<What> {
    let mut found = Vec::new();
    if case.killed_by.is_empty() {
        found.push(What::Toothless);
    }
    found.extend(
        case.killed_by.iter().filter(|name| !saboteurs.contains(name.as_str())).cloned().map(What::UnknownSaboteur),
    );
    if case.checks.is_empty() {
        found.push(What::ChecksNothing);
    }
    for id in &case.checks {
        if Ledger::embedded().find(id).is_none() {
            let near = Ledger::embedded().near(id);
            let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
            found.push(What::UnknownRequirement { id: id.clone(), hint });
        }
    }
    if case.steps.len() > MOST_STEPS {
        found.push(What::TooLong(case.steps.len()));
    }
    if case.class == Class::Robust && !case.hostile {
        found.push(What::RobustWithoutSurvival);
    }
    let mut demands = case.hostile;
    for step in &case.steps {
        demands |= is_demand(&step.act);
        if case.zmtp.iter().any(|version| *version < Version::V3_1) && needs_ping(&step.act) {
            found.push(What::FenceAtThreeZero(step.text.clone()));
        }
        if let Act::Peer { act, .. } = &step.act {
            found.extend(of_peer(case, act));
        }
    }
    if !demands {
        found.push(What::DemandsNothing);
    }
    found
}

fn of_peer(case: &Case, act: &PeerAct) -> Option<What> {
    match act {
        PeerAct::SendsVector(id) if zmq_vectors::find(id).is_none() => Some(What::UnknownVector(id.clone())),
        PeerAct::Sees(outcomes) if outcomes.first() == Some(&Outcome::Silent) => Some(What::PrefersSilence),
        PeerAct::Sees(outcomes) if outcomes.contains(&Outcome::Opening10) && case.tier != Tier::Clock => {
            Some(What::OpeningOutsideClock)
        }
        _ => None,
    }
}

fn needs_ping(act: &Act) -> bool {
    matches!(act, Act::Peer { act: PeerAct::Fences | PeerAct::ReceivesNothing, .. })
}

/// Whether a step can fail because of what the subject does. A plain handshake counts as well: that it comes about is
/// what some cases are about.
fn is_demand(act: &Act) -> bool {
    match act {
        Act::Differs { .. } => true,
        Act::Zap(act) => matches!(act, ZapAct::Receives(_) | ZapAct::ReceivesNothing),
        Act::Peer { act, .. } => !matches!(
            act,
            PeerAct::Links
                | PeerAct::SendsGreeting { .. }
                | PeerAct::SendsReady { .. }
                | PeerAct::SendsSecured { .. }
                | PeerAct::SendsOctets { .. }
                | PeerAct::SendsVector(_)
                | PeerAct::SendsMessage { .. }
                | PeerAct::SendsCommand { .. }
                | PeerAct::Closes
                | PeerAct::Resets
        ),
        Act::Subject(act) => !matches!(act, SubjectAct::Settles | SubjectAct::Closes | SubjectAct::SendsPart(_)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::read;
    use super::*;

    fn findings(fields: &str, steps: &str) -> Vec<String> {
        let text = format!(
            "area = \"x\"\n[[case]]\nid = \"a\"\ntitle = \"t\"\nsubject = \"PULL\"\n{fields}\nsteps = '''\n{steps}\n'''\n"
        );
        let case = &read(&text, "conformance/cases/x.toml").unwrap()[0];
        of(case, &BTreeSet::from(["deaf"])).iter().map(ToString::to_string).collect()
    }

    const SOUND: &str = "checks = [\"ZMTP31-PING-05\"]\nclass = \"spec\"\nkilled_by = [\"deaf\"]\n";

    #[test]
    fn a_sound_case_has_no_findings() {
        assert!(findings(SOUND, "peer handshakes\npeer sends message \"x\"\nsubject receives \"x\"").is_empty());
    }

    #[test]
    fn each_rule_has_its_finding() {
        let sound = "peer handshakes";
        let long = "peer handshakes\n".repeat(13);
        let cases = [
            ("toothless", SOUND.replace("\"deaf\"", ""), sound),
            ("unknown saboteur", SOUND.replace("deaf", "dear"), sound),
            ("unknown requirement", SOUND.replace("PING-05", "PING-99"), sound),
            ("no requirement", SOUND.replace("\"ZMTP31-PING-05\"", ""), sound),
            ("too long", SOUND.to_owned(), long.as_str()),
            ("fence at 3.0", SOUND.to_owned(), "peer handshakes\npeer receives nothing"),
            ("prefers silence", SOUND.to_owned(), "peer links\npeer sees silent or closed"),
            ("opening", SOUND.to_owned(), "peer links\npeer sees opening-of-64 or opening-of-10"),
            ("robust", SOUND.replace("spec", "robust") + "hostile = false\n", sound),
            ("unknown vector", SOUND.to_owned(), "peer handshakes\npeer sends vector no/such"),
            ("demands nothing", SOUND.to_owned(), "peer links\npeer closes"),
        ];
        let report: Vec<String> = cases
            .iter()
            .map(|(what, fields, steps)| format!("{what}: {}", findings(fields, steps).join(" | ")))
            .collect();
        insta::assert_snapshot!(report.join("\n"));
    }
}
