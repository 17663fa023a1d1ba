//! What is outside of a run is left alone.

use std::process::Command;

use zmq_captive::Interposer;

use super::child;

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn without_a_run_every_call_passes_through() {
    let interposer = Interposer::unpack().unwrap();
    let here = said(Command::new("date").arg("+%F"));
    assert_eq!(said(Command::new("date").arg("+%F").env("LD_PRELOAD", interposer.path())), here);
}

#[test]
fn a_program_in_a_run_sees_its_clock_and_what_it_executes_does_not() {
    let interposer = Interposer::unpack().unwrap();
    let captive =
        |command: &mut Command| said(command.env("LD_PRELOAD", interposer.path()).env("ZMQSPEC_CAPTIVE", "7"));
    assert_eq!(captive(Command::new("date").args(["-u", "+%F"])), "2024-01-01");
    let here = said(Command::new("date").args(["-u", "+%F"]));
    // The shell is in the run; `date`, a child that it waits for, is not.
    assert_eq!(captive(Command::new("sh").args(["-c", "date -u +%F; true"])), here);
    assert_eq!(captive(Command::new("sh").args(["-c", "exec date -u +%F"])), here);
}

#[test]
fn random_octets_follow_from_the_seed() {
    let interposer = Interposer::unpack().unwrap();
    let drawn = |seed: &str| {
        let mut command = Command::new("head");
        command.args(["-c", "16", "/dev/urandom"]);
        command.env("LD_PRELOAD", interposer.path()).env("ZMQSPEC_CAPTIVE", seed).output().unwrap().stdout
    };
    assert_eq!(drawn("1").len(), 16);
    assert_eq!(drawn("1"), drawn("1"));
    assert_ne!(drawn("1"), drawn("2"));
}

#[test]
fn a_child_without_the_interposer_says_what_is_missing() {
    let output = Command::new(child()).stdin(std::process::Stdio::null()).output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("unusable") && text.contains("no job"), "{text}");
}

/// The program exports no name of the C library: only what is preloaded overrides any.
#[test]
fn the_child_itself_exports_nothing_of_the_c_library() {
    let listed = said(Command::new("nm").args(["-D", "--defined-only"]).arg(child()));
    let names: Vec<&str> = listed.lines().filter_map(|line| line.rsplit(' ').next()).collect();
    for name in ["poll", "send", "pthread_create", "clock_gettime", "getrandom"] {
        assert!(!names.contains(&name), "{name}");
    }
}
