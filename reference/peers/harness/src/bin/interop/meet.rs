//! One meeting of two peers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use peer_harness::peers::Peer;
use peer_harness::{Broken, Cast};

use crate::matrix::{Place, Scene, Transport, Way};

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

    /// Whether they met at all.
    pub(crate) fn is_there(&self) -> bool {
        match self {
            Self::Passed | Self::Failed(_) => true,
            Self::NotThere(_) => false,
        }
    }
}

pub(crate) fn meet(way: Way, scene: &Scene, subject: &Peer, peer: &Peer) -> Verdict {
    for peer in [subject, peer] {
        // It starts slowly, so it is not started to say that it has no such way.
        if peer.name == "jeromq" && way.word() != "null/tcp" {
            return Verdict::NotThere("jeromq: ZMTP 2.0 has no mechanism, and its ipc is tcp on a port".into());
        }
    }
    let asked = endpoint_for(way.transport);
    let played = play(way, scene, subject, peer, &asked);
    if let Some(path) = asked.strip_prefix("ipc://") {
        // Who ends with its process leaves it behind, and who removes it is done already.
        let _ = std::fs::remove_file(path);
    }
    match played {
        Ok(()) => Verdict::Passed,
        Err(Broken::Unsupported(who, why)) => Verdict::NotThere(format!("{who}: {why}")),
        Err(Broken::Failed(who, why)) => Verdict::Failed(format!("{who}: {why}")),
    }
}

fn play(way: Way, scene: &Scene, subject: &Peer, peer: &Peer, asked: &str) -> Result<(), Broken> {
    let deadline = Instant::now() + DEADLINE;
    let script = scene.script;
    let player = |place: Place| if place == scene.subject { subject } else { peer };
    let (binds, connects) = match scene.binds {
        Place::First => (Place::First, Place::Second),
        Place::Second => (Place::Second, Place::First),
    };
    let mut cast = Cast::new();
    let enter = |cast: &mut Cast, place: Place, more: &[&str]| {
        let role = format!("interop-{}", script.role(place));
        let (endpoint, side, more) = (more[0], more[1], &more[2..]);
        let mut words = vec![&role, endpoint, side, "0", ROUNDS, "--within", WITHIN];
        if way.mechanism.is_guarded() {
            words.extend(["--security", way.mechanism.word()]);
        }
        words.extend(more);
        cast.start(player(place), &words)
    };
    let guarded = way.mechanism.is_guarded();
    let handler: &[&str] = if guarded { &["--zap", "handler"] } else { &[] };
    let binder = enter(&mut cast, binds, &[&[asked, "BIND"], handler].concat())?;
    let endpoint = cast.await_word(binder, "ready", deadline)?;
    if guarded {
        // It stays, and tries to be heard or to hear: each of the players fails if it does.
        enter(&mut cast, connects, &[&endpoint, "CONNECT", "--client", "stranger"])?;
        cast.await_word(binder, "refused", deadline)?;
    }
    let connecter = enter(&mut cast, connects, &[&endpoint, "CONNECT"])?;
    let number = |place: Place| if place == scene.binds { binder } else { connecter };
    if script.publishes() {
        cast.await_word(number(Place::Second), "synced", deadline)?;
        cast.tell(number(Place::First), "go");
    }
    cast.await_word(number(script.judge()), "ok", deadline)?;
    Ok(())
}

/// What the one that binds is given: a port that it chooses, or a path of its own.
fn endpoint_for(transport: Transport) -> String {
    static PATHS: AtomicUsize = AtomicUsize::new(0);
    match transport {
        Transport::Tcp => "tcp://127.0.0.1:0".into(),
        Transport::Ipc => {
            let number = PATHS.fetch_add(1, Ordering::Relaxed);
            format!("ipc://{}/zmqspec-meet-{}-{number}", std::env::temp_dir().display(), std::process::id())
        }
    }
}

/// The set of messages, so many times over.
const ROUNDS: &str = "3";
/// Seconds that a peer gives itself.
const WITHIN: &str = "10";
/// The peers' own bound, and time to say so.
const DEADLINE: Duration = Duration::from_secs(11);
