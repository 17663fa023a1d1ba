//! One meeting of two peers.

use std::time::{Duration, Instant};

use peer_harness::peers::Peer;
use peer_harness::{Broken, Cast};

use crate::matrix::{Place, Scene};

/// What came of a meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All messages came as they should.
    Passed,
    /// A library has no such type, or it cannot take that side.
    NotThere(String),
    /// What was seen, by whom.
    Failed(String),
}

impl Verdict {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Passed => "pass",
            Self::NotThere(_) => "-",
            Self::Failed(_) => "FAIL",
        }
    }
}

/// The one that binds is given `asked`.
pub(crate) fn meet(scene: &Scene, subject: &Peer, peer: &Peer, asked: &str) -> Verdict {
    match play(scene, subject, peer, asked) {
        Ok(()) => Verdict::Passed,
        Err(Broken::Unsupported(who, why)) => Verdict::NotThere(format!("{who}: {why}")),
        Err(Broken::Failed(who, why)) => Verdict::Failed(format!("{who}: {why}")),
    }
}

fn play(scene: &Scene, subject: &Peer, peer: &Peer, asked: &str) -> Result<(), Broken> {
    let deadline = Instant::now() + DEADLINE;
    let script = scene.script;
    let player = |place: Place| if place == scene.subject { subject } else { peer };
    let (binds, connects) = match scene.binds {
        Place::First => (Place::First, Place::Second),
        Place::Second => (Place::Second, Place::First),
    };
    let mut cast = Cast::new();
    let enter = |cast: &mut Cast, place: Place, endpoint: &str, side: &str| {
        let role = format!("interop-{}", script.role(place));
        cast.start(player(place), &[&role, endpoint, side, "0", ROUNDS, "--within", WITHIN])
    };
    let binder = enter(&mut cast, binds, asked, "BIND")?;
    let endpoint = cast.await_word(binder, "ready", deadline)?;
    let connecter = enter(&mut cast, connects, &endpoint, "CONNECT")?;
    let number = |place: Place| if place == scene.binds { binder } else { connecter };
    if script.publishes() {
        cast.await_word(number(Place::Second), "synced", deadline)?;
        cast.tell(number(Place::First), "go");
    }
    cast.await_word(number(script.judge()), "ok", deadline)?;
    Ok(())
}

/// The set of messages, so many times over.
const ROUNDS: &str = "3";
/// Seconds that a peer gives itself.
const WITHIN: &str = "5";
/// The peers' own bound, and time to say so.
const DEADLINE: Duration = Duration::from_secs(6);
