//! Every way to meet, and every scene: who plays what, and who binds.

use std::fmt;

/// What two peers meet over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) mechanism: Mechanism,
    pub(crate) transport: Transport,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Null,
    Plain,
    Curve,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Ipc,
}

pub(crate) fn ways() -> Vec<Way> {
    let over = |mechanism| [Transport::Tcp, Transport::Ipc].map(|transport| Way { mechanism, transport });
    [Mechanism::Null, Mechanism::Plain, Mechanism::Curve].into_iter().flat_map(over).collect()
}

impl Mechanism {
    /// As the peers' command line and this one's name it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Plain => "plain",
            Self::Curve => "curve",
        }
    }

    /// Who connects has to prove something to who binds.
    pub(crate) fn is_guarded(self) -> bool {
        match self {
            Self::Null => false,
            Self::Plain | Self::Curve => true,
        }
    }
}

impl Way {
    /// `curve/ipc`: as `--ways` and deviations name it.
    pub(crate) fn word(self) -> String {
        let transport = match self.transport {
            Transport::Tcp => "tcp",
            Transport::Ipc => "ipc",
        };
        format!("{}/{transport}", self.mechanism.word())
    }
}

/// For people.
impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mechanism = match self.mechanism {
            Mechanism::Null => "NULL",
            Mechanism::Plain => "PLAIN with ZAP",
            Mechanism::Curve => "CURVE with ZAP",
        };
        let transport = match self.transport {
            Transport::Tcp => "tcp",
            Transport::Ipc => "ipc",
        };
        write!(f, "{mechanism} over {transport}")
    }
}

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
const SCRIPTS: [Script; 10] = [
    Script { first: "req", second: "rep" },
    Script { first: "req", second: "router" },
    Script { first: "dealer", second: "rep" },
    Script { first: "dealer", second: "router" },
    Script { first: "push", second: "pull" },
    Script { first: "pub", second: "sub" },
    Script { first: "xpub", second: "sub" },
    Script { first: "pub", second: "xsub" },
    Script { first: "xpub", second: "xsub" },
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
    fn every_mechanism_is_met_over_every_transport() {
        let words: Vec<String> = ways().into_iter().map(Way::word).collect();
        assert_eq!(words, ["null/tcp", "null/ipc", "plain/tcp", "plain/ipc", "curve/tcp", "curve/ipc"]);
        assert_eq!(ways()[5].to_string(), "CURVE with ZAP over ipc");
    }

    #[test]
    fn every_pattern_is_played_in_both_roles_and_on_both_sides() {
        let scenes = scenes();
        assert_eq!(scenes.len(), 10 * 4);
        assert_eq!(scenes[0].to_string(), "REQ-REP, subject REQ binds");
        assert_eq!(scenes[39].to_string(), "PAIR-PAIR, subject PAIR-ECHO binds");
        let mut texts: Vec<String> = scenes.iter().map(ToString::to_string).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), scenes.len());
    }
}
