//! The reference over the bare loop is green, whatever goes wrong: an alarm here is the oracle's fault, or a real bug.

use std::fmt::Write as _;

use crate::bare::Bare;
use crate::draw::Draws;
use crate::engine::{Engine, Recording};
use crate::oracle::judge;
use crate::plan::Plan;

/// Seeds of each scene; `ORACLE_SEEDS` has more of them looked at.
const SEEDS: u64 = 12;

fn seeds() -> u64 {
    std::env::var("ORACLE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS)
}

/// Hosts, sockets and actors of one pattern.
struct Scene {
    name: &'static str,
    text: &'static str,
}

const SCENES: &[Scene] = &[
    Scene {
        name: "work for two",
        text: r#"
socket = [
  { name = "source", host = "a", type = "PUSH", connect = ["tcp://b:5555", "tcp://c:5555"], options = { sndhwm = 5, $O } },
  { name = "one", host = "b", type = "PULL", bind = ["tcp://*:5555"], options = { rcvhwm = 3, $P } },
  { name = "two", host = "c", type = "PULL", bind = ["tcp://*:5555"], options = { $P } },
]
actor = [
  { name = "source", sockets = ["source"], do = [{ send = { count = 60, every = "40ms", parts = 3, size = 400, timeout = "200ms" } }, { settle = {} }] },
  { name = "one", sockets = ["one"], do = [{ settle = {} }] },
  { name = "two", sockets = ["two"], do = [{ recv = { for = "2s", every = "20ms" } }, { settle = {} }] },
]"#,
    },
    Scene {
        name: "results of two",
        text: r#"
socket = [
  { name = "sink", host = "a", type = "PULL", bind = ["tcp://*:5555"], options = { $P } },
  { name = "one", host = "b", type = "PUSH", connect = ["tcp://a:5555"], options = { sndhwm = 2, $O } },
  { name = "two", host = "c", type = "PUSH", connect = ["tcp://a:5555"], options = { $O } },
]
actor = [
  { name = "sink", sockets = ["sink"], do = [{ settle = {} }] },
  { name = "one", sockets = ["one"], do = [{ send = { count = 50, every = "30ms", timeout = "100ms" } }, { settle = {} }] },
  { name = "two", sockets = ["two"], do = [{ send = { count = 300, size = 3000, cancel-after = 2 } }, { settle = {} }] },
]"#,
    },
    Scene {
        name: "news",
        text: r#"
socket = [
  { name = "press", host = "a", type = "$X", bind = ["tcp://*:5555"], options = { sndhwm = 20, $P } },
  { name = "one", host = "b", type = "SUB", connect = ["tcp://a:5555"], subscribe = ["a", "b."], options = { $O } },
  { name = "two", host = "c", type = "XSUB", connect = ["tcp://a:5555"], subscribe = ["b"], options = { rcvhwm = 4, $O } },
]
actor = [
  { name = "press", sockets = ["press"], do = [{ send = { count = 150, every = "15ms", topics = ["a", "b.1", "b.2", "c"], parts = 2, size = 50 } }, { settle = {} }] },
  { name = "one", sockets = ["one"], do = [{ recv = { for = "1s" } }, { subscribe = { topic = "c" } }, { recv = { for = "1s" } }, { unsubscribe = { topic = "a" } }, { settle = {} }] },
  { name = "two", sockets = ["two"], do = [{ settle = {} }] },
]"#,
    },
    Scene {
        name: "questions",
        text: r#"
socket = [
  { name = "server", host = "a", type = "$R", bind = ["tcp://*:5555"], options = { $P } },
  { name = "one", host = "b", type = "REQ", connect = ["tcp://a:5555"], options = { $O } },
  { name = "two", host = "c", type = "DEALER", connect = ["tcp://a:5555"], options = { routing-id = "two", $O } },
]
actor = [
  { name = "server", sockets = ["server"], do = [{ serve = { work = "5ms" } }] },
  { name = "one", sockets = ["one"], do = [{ request = { count = 60, timeout = "500ms" } }, { settle = {} }] },
  { name = "two", sockets = ["two"], do = [{ request = { count = 60, timeout = "500ms", retry = "again" } }, { settle = {} }] },
]"#,
    },
    Scene {
        name: "a broker",
        text: r#"
socket = [
  { name = "front", host = "b", type = "ROUTER", bind = ["tcp://*:5555"], options = { $P } },
  { name = "back", host = "b", type = "DEALER", bind = ["tcp://*:5556"], options = { $P } },
  { name = "client", host = "a", type = "REQ", connect = ["tcp://b:5555"], options = { $O } },
  { name = "worker", host = "c", type = "REP", connect = ["tcp://b:5556"], options = { $O } },
  { name = "helper", host = "c", type = "REP", connect = ["tcp://b:5556"], options = { $O } },
]
actor = [
  { name = "broker", sockets = ["front", "back"], do = [{ forward = { front = "front", back = "back" } }] },
  { name = "client", sockets = ["client"], do = [{ request = { count = 50, timeout = "400ms", retry = "reopen" } }, { settle = {} }] },
  { name = "worker", sockets = ["worker"], do = [{ serve = {} }] },
  { name = "helper", sockets = ["helper"], do = [{ serve = {} }] },
]"#,
    },
    Scene {
        name: "news passed on",
        text: r#"
socket = [
  { name = "press", host = "a", type = "PUB", connect = ["tcp://b:5555"], options = { $O } },
  { name = "in", host = "b", type = "XSUB", bind = ["tcp://*:5555"], options = { $P } },
  { name = "out", host = "b", type = "XPUB", bind = ["tcp://*:5556"], options = { $P } },
  { name = "reader", host = "c", type = "SUB", connect = ["tcp://b:5556"], subscribe = ["x"], options = { $O } },
]
actor = [
  { name = "press", sockets = ["press"], do = [{ send = { count = 100, every = "25ms", topics = ["x", "y"] } }, { settle = {} }] },
  { name = "device", sockets = ["in", "out"], do = [{ forward = { front = "in", back = "out" } }] },
  { name = "reader", sockets = ["reader"], do = [{ settle = {} }] },
]"#,
    },
    Scene {
        name: "a pair, and places that change",
        text: r#"
socket = [
  { name = "left", host = "a", type = "PAIR", bind = ["tcp://*:5555"], options = { $P } },
  { name = "right", host = "b", type = "PAIR", connect = ["tcp://a:5555"], options = { sndhwm = 3, $O } },
  { name = "source", host = "c", type = "PUSH", bind = ["tcp://*:6000"], options = { linger = { for = "20s" }, $P } },
  { name = "sink", host = "b", type = "PULL", connect = ["tcp://c:6000"], options = { $O } },
]
actor = [
  { name = "left", sockets = ["left"], do = [{ send = { count = 40, every = "20ms" } }, { settle = {} }] },
  { name = "right", sockets = ["right"], do = [{ send = { count = 40, timeout = "50ms" } }, { settle = {} }] },
  { name = "source", sockets = ["source"], do = [{ send = { count = 30, every = "10ms", timeout = "5s" } }, { close = {} }, { wait = "200ms" }, { open = {} }, { send = { count = 20, timeout = "5s" } }, { settle = {} }] },
  { name = "sink", sockets = ["sink"], do = [{ recv = { for = "700ms" } }, { disconnect = { endpoint = "tcp://c:6000" } }, { wait = "100ms" }, { connect = { endpoint = "tcp://c:6000" } }, { settle = {} }] },
]"#,
    },
    Scene {
        name: "addressed",
        text: r#"
socket = [
  { name = "router", host = "a", type = "ROUTER", bind = ["tcp://*:5555"], options = { sndhwm = 4, $P } },
  { name = "one", host = "b", type = "DEALER", connect = ["tcp://a:5555"], options = { routing-id = "one", $O } },
  { name = "two", host = "c", type = "DEALER", connect = ["tcp://a:5555"], options = { routing-id = "two", $O } },
]
actor = [
  { name = "router", sockets = ["router"], do = [{ send = { count = 90, every = "20ms", to = ["one", "two"] } }, { serve = {} }] },
  { name = "one", sockets = ["one"], do = [{ settle = {} }] },
  { name = "two", sockets = ["two"], do = [{ send = { count = 20, every = "50ms" } }, { settle = {} }] },
]"#,
    },
];

const KINDS: &[&str] = &[
    r#"{ partition = { between = ["$1", "$2"] } }"#,
    r#"{ partition = { between = ["$1", "$2"], flow = "hold" } }"#,
    r#"{ partition = { between = ["$1", "$2"], direction = "forth" } }"#,
    r#"{ reset = { between = ["$1", "$2"] } }"#,
    r#"{ half-open = { between = ["$1", "$2"] } }"#,
    r#"{ stall = { between = ["$1", "$2"] } }"#,
    r#"{ slow-link = { between = ["$1", "$2"], latency = "200ms" } }"#,
    r#"{ tiny-buffers = { host = "$1", octets = 64 } }"#,
    r#"{ torn = { host = "$1", at-most = 3 } }"#,
    r#"{ down = { host = "$1", how = "kill" } }"#,
    r#"{ down = { host = "$1", how = "power-loss" } }"#,
    r#"{ pause = { host = "$1" } }"#,
    r#"{ refuse-accept = { host = "$1" } }"#,
    r#"{ no-descriptors = { host = "$1" } }"#,
    r#"{ clock-jump = { host = "$1", by = "3s" } }"#,
    r#"{ swizzle = { hosts = ["a", "b", "c"] } }"#,
];

/// A scene with so many faults at most.
fn plan(scene: &Scene, seed: u64, most: u64) -> String {
    let mut draws = Draws::new(seed, scene.name);
    let mut text = format!("title = \"{}\"\nseed = {seed}\nheal = \"15s\"\nlimit = \"60s\"\n", scene.name);
    text.push_str("host = [{ name = \"a\" }, { name = \"b\" }, { name = \"c\" }]\n");
    let beats = ["", "heartbeat-ivl = \"500ms\"", "heartbeat-ivl = \"1s\", heartbeat-timeout = \"2s\""];
    let options = |draws: &mut Draws| {
        let reconnect = ["", "reconnect-ivl = \"20ms\"", "reconnect-ivl = \"50ms\", reconnect-ivl-max = \"1s\""];
        let linger = ["linger = { for = \"8s\" }", "linger = \"discard\"", "linger = { for = \"1s\" }"];
        let parts = [*draws.one(&beats), *draws.one(&reconnect), *draws.one(&linger)];
        parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(", ")
    };
    let body = scene
        .text
        .replace("$O", &options(&mut draws))
        .replace("options = { linger = { for = \"20s\" }, $P }", "options = { linger = { for = \"20s\" } }")
        .replace("$P", &options(&mut draws))
        .replace("$X", draws.one::<&str>(&["PUB", "XPUB"]))
        .replace("$R", draws.one::<&str>(&["REP", "ROUTER"]));
    text.push_str(body.trim_start());
    text.push('\n');
    for _ in 0..draws.between(0, most) {
        let mut names = ["a", "b", "c"];
        draws.shuffle(&mut names);
        let what = (*draws.one(KINDS)).replace("$1", names[0]).replace("$2", names[1]);
        let (at, span) = (draws.between(0, 6000), draws.between(50, 5000));
        let once = what.contains("reset") || what.contains("clock-jump");
        let span = if once { String::new() } else { format!("for = \"{span}ms\"\n") };
        let _ = write!(text, "[[fault]]\nat = \"{at}ms\"\n{span}what = {what}\n");
    }
    text
}

fn is_green(most: u64, seeds: std::ops::Range<u64>) {
    let mut alarms = Vec::new();
    for scene in SCENES {
        for seed in seeds.clone() {
            let text = plan(scene, seed, most);
            let plan: Plan = toml::from_str(&text).unwrap_or_else(|why| panic!("{why}\n{text}"));
            if let Err(why) = plan.check() {
                panic!("{why:?}\n{text}");
            }
            let (found, alarm) = alarms_of(&plan, &format!("{}-{seed}-{most}", scene.name.replace(' ', "-")));
            if found > 0 {
                alarms.push(alarm);
            }
        }
    }
    assert!(alarms.is_empty(), "{} alarms:\n{}", alarms.len(), alarms.join("\n"));
}

#[test]
fn the_reference_is_green_when_nothing_goes_wrong() {
    is_green(0, 0..seeds());
}

#[test]
fn the_reference_is_green_under_a_fault() {
    is_green(1, 0..seeds());
}

#[test]
fn the_reference_is_green_under_many_faults() {
    is_green(8, 0..seeds());
}

/// Runs a plan, keeps what led to an alarm where `ORACLE_OUT` says, and tells how many there were, and the first.
fn alarms_of(plan: &Plan, name: &str) -> (usize, String) {
    let run = Bare.run(plan, Recording::History);
    let found = judge(plan, &run);
    let Some(first) = found.first() else { return (0, String::new()) };
    if let Ok(folder) = std::env::var("ORACLE_OUT") {
        let story: String =
            run.history.entries.iter().map(|entry| format!("{} {:?}\n", entry.at, entry.what)).collect();
        let told: String = found.iter().map(|violation| format!("# {violation} {:?}\n", violation.entries)).collect();
        let text = toml::to_string(plan).unwrap();
        std::fs::write(format!("{folder}/{name}.toml"), format!("{told}{text}")).unwrap();
        std::fs::write(format!("{folder}/{name}.txt"), format!("{story}{:?} {:?}\n", run.ending, run.left)).unwrap();
    }
    (found.len(), format!("{name}: {first} ({} in all)", found.len()))
}

#[test]
fn the_reference_is_green_in_the_swarm() {
    let first: u64 = std::env::var("ORACLE_FIRST").ok().and_then(|first| first.parse().ok()).unwrap_or(0);
    let mut alarms = Vec::new();
    for seed in first..first + seeds() * 4 {
        let plan = crate::swarm::draw(seed);
        if Bare.lacks(&plan).is_some() || toml::to_string(&plan).unwrap().contains("inproc://") {
            continue;
        }
        let (found, alarm) = alarms_of(&plan, &format!("swarm-{seed}"));
        if found > 0 {
            alarms.push(alarm);
        }
    }
    assert!(alarms.is_empty(), "{} alarms:\n{}", alarms.len(), alarms.join("\n"));
}
