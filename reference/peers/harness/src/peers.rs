//! Which peers there are, and building them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::jeromq;

/// A peer that can be started.
#[derive(Debug, Clone)]
pub struct Peer {
    /// As it is asked for and reported.
    pub name: String,
    /// Its program.
    pub program: PathBuf,
    /// What the program is to run, if it is not the peer itself: words that come before the role.
    pub before: Vec<OsString>,
    /// Options that come after role, endpoint, side, size and count.
    pub arguments: Vec<String>,
    /// What its measured sender does for each message, which biases figures.
    pub sender: &'static str,
}

/// What could be built, and what to tell the reader about the rest.
#[derive(Debug, Default)]
pub struct Found {
    /// libzmq first, then ours, then the others.
    pub peers: Vec<Peer>,
    /// Sentences.
    pub remarks: Vec<String>,
}

/// Name, package, mode if it has several, and what its sender does.
const PEERS: &[(&str, &str, Option<&str>, &str)] = &[
    ("ours-local", "peer-ours", Some("local"), "copies; to 30 octets inline, to 1 KiB into a shared block"),
    ("ours-threads", "peer-ours", Some("threads"), "copies; to 30 octets inline, to 1 KiB into a shared block"),
    ("ours-blocking", "peer-ours", Some("blocking"), "copies; to 30 octets inline, to 1 KiB into a shared block"),
    ("omq-local", "peer-omq", Some("local"), "copies; to 55 octets inline"),
    ("omq-threads", "peer-omq", Some("threads"), "copies; to 55 octets inline"),
    ("omq-blocking", "peer-omq", Some("blocking"), "copies; to 55 octets inline"),
    ("zeromq", "peer-zeromq", None, "copies into new Bytes"),
    ("rzmq", "peer-rzmq", None, "copies into a new vector"),
    ("monocoque", "peer-monocoque", None, "copies into new Bytes; write coalescing on"),
];

/// The pinned build that everything is compared to.
pub const PINNED: &str = "4.3.5";

/// The libzmq that the system's loader finds.
pub const SYSTEM: &str = "libzmq-system";

/// The one in Java, which is met and not measured.
pub const JEROMQ: &str = "jeromq";

const ZMQ_SEND: &str = "zmq_send of a buffer: copies, above 33 octets into memory allocated for it";

/// Names of all peers that [`gather`] knows.
#[must_use]
pub fn names() -> Vec<String> {
    let pinned = format!("libzmq-{PINNED}");
    let others = PEERS.iter().map(|(name, ..)| (*name).to_owned());
    [pinned, SYSTEM.into()].into_iter().chain(others).chain([JEROMQ.into()]).collect()
}

/// Builds the peers, and finds the libzmqs. Only those with a wanted name are given.
#[must_use]
pub fn gather(wanted: &dyn Fn(&str) -> bool) -> Found {
    let mut found = Found::default();
    let pinned = format!("libzmq-{PINNED}");
    let mut packages: BTreeSet<&str> =
        PEERS.iter().filter(|(name, ..)| wanted(name)).map(|(_, package, ..)| *package).collect();
    if wanted(&pinned) || wanted(SYSTEM) {
        packages.insert("peer-libzmq");
    }
    let programs = build(&packages, &mut found.remarks);
    let program = |package: &str| programs.iter().find(|program| program.ends_with(package)).cloned();
    let mut missing = BTreeSet::new();
    let mut add = |peer: Peer, package: &'static str, program: Option<PathBuf>| match program {
        Some(program) => found.peers.push(Peer { program, ..peer }),
        None => {
            missing.insert(package);
        }
    };
    if wanted(&pinned) {
        match fetch() {
            Ok(arguments) => add(peer(&pinned, arguments, ZMQ_SEND), "peer-libzmq", program("peer-libzmq")),
            Err(why) => found.remarks.push(format!("no libzmq {PINNED}: {why}")),
        }
    }
    if wanted(SYSTEM) {
        add(peer(SYSTEM, Vec::new(), ZMQ_SEND), "peer-libzmq", program("peer-libzmq"));
    }
    for &(name, package, mode, sender) in PEERS.iter().filter(|(name, ..)| wanted(name)) {
        let arguments = mode.iter().flat_map(|mode| ["--mode".to_owned(), (*mode).to_owned()]).collect();
        add(peer(name, arguments, sender), package, program(package));
    }
    if wanted(JEROMQ) {
        match jeromq::build(workspace(), &workspace().join("target/jeromq")) {
            Ok(peer) => found.peers.push(peer),
            Err(why) => found.remarks.push(format!("{JEROMQ} is left out: {why}")),
        }
    }
    found.remarks.extend(missing.iter().map(|package| format!("{package} is left out: it could not be built")));
    found
}

/// A peer that is a program by itself, whose path is not known yet.
fn peer(name: &str, arguments: Vec<String>, sender: &'static str) -> Peer {
    Peer { name: name.into(), program: PathBuf::new(), before: Vec::new(), arguments, sender }
}

/// Builds these packages together, so that they share one set of dependencies, and gives the programs that came of it.
/// One that cannot be built does not keep the others from it, and an older program of it is not given.
fn build(packages: &BTreeSet<&str>, remarks: &mut Vec<String>) -> Vec<PathBuf> {
    eprintln!("building the peers");
    let mut build = cargo();
    build.args(["build", "--quiet", "--release", "--keep-going"]);
    build.args(packages.iter().flat_map(|package| ["--package", package]));
    build.arg("--message-format=json-render-diagnostics").arg("--manifest-path").arg(workspace().join("Cargo.toml"));
    // Wherever the caller's own build goes, this one goes to a known place.
    build.arg("--target-dir").arg(workspace().join("target"));
    let done = match build.stderr(Stdio::inherit()).output() {
        Ok(done) => done,
        Err(error) => {
            remarks.push(format!("cargo cannot be started: {error}"));
            return Vec::new();
        }
    };
    if !done.status.success() {
        remarks.push(format!("building {} ended with {}; its errors are above", workspace().display(), done.status));
    }
    let lines = String::from_utf8_lossy(&done.stdout).into_owned();
    let messages = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?))).collect()
}

/// The pinned libzmq as this project's own tool gets and checks it: options that name it and what it needs.
fn fetch() -> Result<Vec<String>, String> {
    let root = workspace().join("../..");
    let mut fetch = cargo();
    fetch.args(["run", "--quiet", "--release", "--package", "zmqspec", "--manifest-path"]).arg(root.join("Cargo.toml"));
    fetch.args(["--", "subject", "fetch", &format!("libzmq@{PINNED}")]);
    let done = fetch.output().map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned());
    }
    let said = String::from_utf8_lossy(&done.stdout);
    let library = said.trim().find('/').map(|at| PathBuf::from(&said.trim()[at..]));
    let library = library.filter(|path| path.is_file()).ok_or_else(|| format!("no path in {said:?}"))?;
    let mut arguments = vec!["--library".to_owned(), library.display().to_string()];
    // The folder holds the library and what has to be loaded before it, and nothing else.
    let folder = library.parent().unwrap_or(Path::new("/"));
    for entry in folder.read_dir().map_err(|error| error.to_string())?.filter_map(Result::ok) {
        if entry.path() != library {
            arguments.extend(["--preload".to_owned(), entry.path().display().to_string()]);
        }
    }
    Ok(arguments)
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
