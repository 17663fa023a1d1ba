//! The adapters that users take as they are: one C file, and one over pyzmq. Each must pass every drill.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zmqspec::adapter::process::Launch;

use super::adapter_libzmq::failures;

fn adapters() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters")
}

/// The C file, compiled with these flags; `None` where there is no compiler or no `zmq.h`.
fn compiled(folder: &Path, flags: &[&str]) -> Option<Launch> {
    let probe = folder.join("probe.c");
    std::fs::write(&probe, "#include <zmq.h>\nint main(void) { return zmq_errno(); }\n").unwrap();
    let cc = |source: &Path, program: &Path| {
        Command::new("cc")
            .args(flags)
            .args(["-O1", "-g", "-Wall", "-Wextra", "-Werror"])
            .arg(source)
            .arg("-o")
            .arg(program)
            .args(["-lzmq", "-lpthread"])
            .stdin(Stdio::null())
            .output()
    };
    if !cc(&probe, &folder.join("probe")).is_ok_and(|run| run.status.success()) {
        println!("skipped: `cc {}` cannot build against zmq.h; install a C compiler and libzmq3-dev", flags.join(" "));
        return None;
    }
    let program = folder.join("adapter");
    let run = cc(&adapters().join("libzmq.c"), &program).unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    Some(Launch { command: vec![program.display().to_string()], ..Launch::default() })
}

#[test]
fn the_c_adapter_passes_every_drill() {
    let folder = tempfile::tempdir().unwrap();
    if let Some(launch) = compiled(folder.path(), &[]) {
        assert_eq!(failures(&launch), "");
    }
}

#[test]
fn the_c_adapter_passes_every_drill_under_the_address_sanitizer() {
    let folder = tempfile::tempdir().unwrap();
    if let Some(launch) = compiled(folder.path(), &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]) {
        assert_eq!(failures(&launch), "");
    }
}

#[test]
fn the_pyzmq_adapter_passes_every_drill() {
    let python = std::env::var("ZMQSPEC_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let probe = Command::new(&python).args(["-c", "import zmq"]).stdin(Stdio::null()).output();
    if !probe.is_ok_and(|run| run.status.success()) {
        println!("skipped: {python} cannot import zmq; install pyzmq==27.1.0 or name a Python in ZMQSPEC_TEST_PYTHON");
        return;
    }
    let script = adapters().join("pyzmq_adapter.py").display().to_string();
    assert_eq!(failures(&Launch { command: vec![python, script], ..Launch::default() }), "");
}

#[test]
fn the_pyzmq_adapter_stays_short_enough_to_be_read() {
    let script = std::fs::read_to_string(adapters().join("pyzmq_adapter.py")).unwrap();
    assert!(script.lines().count() < 150, "{} lines", script.lines().count());
}
