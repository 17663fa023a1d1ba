//! Tells the program which commit it is built from, for what it saves. And hides what madsim defines of libc, where it is
//! in the executable: a libzmq that is loaded beside it binds to libc's.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let of = |name: &str| env::var(name).unwrap_or_default();
    let has_madsim = env::var_os("CARGO_CFG_MADSIM").is_some() && env::var_os("CARGO_FEATURE_MADSIM").is_some();
    if has_madsim && of("CARGO_CFG_TARGET_OS") == "linux" {
        let map = Path::new(&of("CARGO_MANIFEST_DIR")).join("../sim/madsim/libc.map");
        println!("cargo::rerun-if-changed={}", map.display());
        println!("cargo::rustc-link-arg=-Wl,--version-script={}", map.display());
    }
    // Where HEAD's log is, also in a work tree of its own.
    if let Some(log) = git(&["rev-parse", "--path-format=absolute", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=ZMQSPEC_COMMIT={commit}");
}

fn git(words: &[&str]) -> Option<String> {
    let done = Command::new("git").args(words).output().ok().filter(|done| done.status.success())?;
    Some(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}
