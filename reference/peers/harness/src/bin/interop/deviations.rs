//! Known deviations: which cells fail, and why, with the octets and the clause.

use std::path::Path;

use serde::Deserialize;

use crate::matrix::{Scene, Way};
use crate::meet::Verdict;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deviations {
    #[serde(default)]
    deviation: Vec<Deviation>,
}

/// Cells that fail for one reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deviation {
    /// The beginning of the peer's name.
    peer: String,
    /// The beginning of the subject's name; any if it is absent.
    #[serde(default)]
    subject: String,
    /// The beginning of the way, such as `curve` or `null/ipc`; any if it is absent.
    #[serde(default)]
    way: String,
    /// Scenes as the table names them; `*` at the end stands for any end.
    scenes: Vec<String>,
    /// Part of what is reported, so that another failure is not taken for this one.
    shows: String,
    /// The octets that are wrong, or what is missing.
    pub(crate) octets: String,
    /// The clause that says so.
    pub(crate) clause: String,
    /// What happens, and who deviates.
    pub(crate) why: String,
}

impl Deviations {
    pub(crate) fn read() -> Result<Self, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deviations.toml");
        let text =
            std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// The deviation that covers a cell.
    pub(crate) fn of(&self, subject: &str, peer: &str, way: Way, scene: &Scene) -> Option<&Deviation> {
        let scene = scene.to_string();
        self.deviation.iter().find(|known| {
            peer.starts_with(known.peer.as_str())
                && subject.starts_with(known.subject.as_str())
                && way.word().starts_with(known.way.as_str())
                && known.scenes.iter().any(|pattern| matches(pattern, &scene))
        })
    }

    /// What is not as known; `None` if all is.
    pub(crate) fn judge(
        &self,
        subject: &str,
        peer: &str,
        way: Way,
        scene: &Scene,
        verdict: &Verdict,
    ) -> Option<String> {
        match (self.of(subject, peer, way, scene), verdict) {
            (None, Verdict::Passed | Verdict::NotThere(_)) => None,
            (None, Verdict::Failed(why)) => Some(format!("fails, and nothing explains it: {why}")),
            (Some(known), Verdict::Failed(why)) if why.contains(&known.shows) => None,
            (Some(known), Verdict::Failed(why)) => {
                Some(format!("fails otherwise than known; expected {:?} in: {why}", known.shows))
            }
            (Some(_), Verdict::Passed) => Some("passes, and is known to fail: remove the deviation".into()),
            (Some(_), Verdict::NotThere(why)) => Some(format!("does not apply, and is known to fail: {why}")),
        }
    }
}

fn matches(pattern: &str, scene: &str) -> bool {
    pattern.strip_suffix('*').map_or_else(|| pattern == scene, |start| scene.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::{scenes, ways};

    const KNOWN: &str = r#"
        [[deviation]]
        peer = "rz"
        way = "null/tcp"
        scenes = ["REQ-REP, subject REQ *"]
        shows = "in time"
        octets = "01 at 32"
        clause = "37/ZMTP"
        why = "because"
    "#;

    #[test]
    fn every_difference_from_what_is_known_is_a_finding() {
        let known = Deviations::parse(KNOWN).unwrap();
        let scene = scenes()[0];
        let judge = |peer: &str, verdict: &Verdict| known.judge("ours-local", peer, ways()[0], &scene, verdict);
        let failed = |why: &str| Verdict::Failed(why.into());
        assert_eq!(judge("rzmq", &failed("not in time")), None);
        assert_eq!(judge("omq", &Verdict::Passed), None);
        assert_eq!(judge("omq", &Verdict::NotThere("no".into())), None);
        let findings = [
            (judge("omq", &failed("x")), "nothing explains it: x"),
            (judge("rzmq", &failed("x")), "otherwise than known"),
            (known.judge("ours-local", "rzmq", ways()[1], &scene, &failed("in time")), "nothing explains it"),
            (judge("rzmq", &Verdict::Passed), "remove the deviation"),
            (judge("rzmq", &Verdict::NotThere("no".into())), "does not apply"),
        ];
        for (finding, part) in findings {
            assert!(finding.as_ref().is_some_and(|text| text.contains(part)), "{finding:?} has no {part:?}");
        }
    }

    #[test]
    fn the_file_can_be_read_and_names_scenes_that_exist() {
        let known = Deviations::read().unwrap();
        for pattern in known.deviation.iter().flat_map(|known| &known.scenes) {
            assert!(scenes().iter().any(|scene| matches(pattern, &scene.to_string())), "no scene is {pattern:?}");
        }
        for known in &known.deviation {
            let word = known.way.as_str();
            assert!(ways().into_iter().any(|way| way.word().starts_with(word)), "no way is {word:?}");
        }
    }
}
