//! What madsim defines of libc stays inside: nothing of it is exported, and a libzmq that is loaded beside binds to libc's.

use std::path::Path;
use std::process::Command;

use zmq_libzmq::{Context, Library};

/// What madsim defines; a linker leaves out what nobody calls.
const DEFINED: [&str; 8] = [
    "clock_gettime",
    "getentropy",
    "gethostname",
    "getrandom",
    "gettimeofday",
    "pthread_attr_init",
    "sched_getaffinity",
    "sysconf",
];

fn this() -> std::path::PathBuf {
    std::env::current_exe().expect("a test has a path")
}

/// Symbols that `nm` lists, with their kinds.
fn symbols(arguments: &[&str], of: &Path) -> Vec<(String, String)> {
    let listed = Command::new("nm").args(arguments).arg(of).output().expect("nm is there, as a linker is");
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let of_line = |line: &str| {
        let mut words = line.split_whitespace().rev();
        let name = words.next()?.split('@').next()?.to_owned();
        Some((words.next()?.to_owned(), name))
    };
    text.lines().filter_map(of_line).collect()
}

#[test]
fn nothing_of_libc_is_exported() {
    let inside = symbols(&["--defined-only"], &this());
    for name in ["clock_gettime", "getrandom"] {
        assert!(inside.iter().any(|(_, known)| known == name), "madsim defines no {name} any more: look what it has");
    }
    let exported = symbols(&["-D", "--defined-only"], &this());
    assert_eq!(exported, [], "an executable exports nothing");
}

/// Run by the next test in a process of its own.
#[test]
#[ignore = "the child of another test"]
fn loads_libzmq() {
    let library = Library::open(None).expect("libzmq is there");
    drop(Context::new(&library).expect("it works"));
}

#[test]
fn a_libzmq_beside_binds_to_libc() {
    let child = Command::new(this())
        .args(["--exact", "symbols::loads_libzmq", "--include-ignored"])
        .envs([("LD_DEBUG", "bindings"), ("LD_BIND_NOW", "1")])
        .output()
        .expect("this can be run");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let told = String::from_utf8_lossy(&child.stderr);
    let of_libzmq: Vec<&str> =
        told.lines().filter(|line| line.contains("binding file") && line.contains("libzmq.so")).collect();
    let bound = |name: &str| {
        let symbol = format!("`{name}'");
        of_libzmq.iter().filter(move |line| line.contains(&symbol))
    };
    assert!(bound("clock_gettime").count() > 0, "libzmq reads the clock, and its binding is shown");
    for line in DEFINED.iter().flat_map(|name| bound(name)) {
        assert!(line.contains("libc.so") || line.contains("libpthread.so"), "{line}");
    }
}
