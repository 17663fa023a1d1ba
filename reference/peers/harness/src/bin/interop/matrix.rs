//! Every scene: who plays what, and who binds.

use std::fmt;

/// Two roles of a pattern, given out to the subject and a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scene {
    pub(crate) script: Script,
    /// The subject plays the first role of the script, or the second.
    pub(crate) subject: Place,
    /// Which of the roles binds.
    pub(crate) binds: Place,
}

/// Two roles as the peers name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) first: &'static str,
    pub(crate) second: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    First,
    Second,
}

/// The first asks, pushes or publishes.
const SCRIPTS: [Script; 9] = [
    Script { first: "req", second: "rep" },
    Script { first: "req", second: "router" },
    Script { first: "dealer", second: "rep" },
    Script { first: "dealer", second: "router" },
    Script { first: "push", second: "pull" },
    Script { first: "pub", second: "sub" },
    Script { first: "xpub", second: "sub" },
    Script { first: "pub", second: "xsub" },
    Script { first: "pair-ask", second: "pair-echo" },
];

pub(crate) fn scenes() -> Vec<Scene> {
    let places = [Place::First, Place::Second];
    let sides =
        |script| places.into_iter().flat_map(move |subject| places.map(|binds| Scene { script, subject, binds }));
    SCRIPTS.into_iter().flat_map(sides).collect()
}

impl Script {
    pub(crate) fn publishes(self) -> bool {
        self.first.ends_with("pub")
    }

    /// Who can tell that all went well.
    pub(crate) fn judge(self) -> Place {
        if self.publishes() || self.first == "push" { Place::Second } else { Place::First }
    }

    pub(crate) fn role(self, place: Place) -> &'static str {
        match place {
            Place::First => self.first,
            Place::Second => self.second,
        }
    }
}

/// `REQ-REP, subject REQ binds`: as deviations name it.
impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let upper = |role: &str| role.to_uppercase();
        let side = if self.subject == self.binds { "binds" } else { "connects" };
        let name = |role: &str| role.split('-').next().unwrap_or(role).to_uppercase();
        let text = format!(
            "{}-{}, subject {} {side}",
            name(self.script.first),
            name(self.script.second),
            upper(self.script.role(self.subject))
        );
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_played_in_both_roles_and_on_both_sides() {
        let scenes = scenes();
        assert_eq!(scenes.len(), 9 * 4);
        assert_eq!(scenes[0].to_string(), "REQ-REP, subject REQ binds");
        assert_eq!(scenes[35].to_string(), "PAIR-PAIR, subject PAIR-ECHO binds");
        let mut texts: Vec<String> = scenes.iter().map(ToString::to_string).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), scenes.len());
    }
}
