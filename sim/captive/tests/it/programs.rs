//! Programs of users, captive.

use std::path::{Path, PathBuf};
use std::process::Command;

use zmq_captive::{Doubt, Events, Interposer, Program, survey};

/// Compiles the C program once, with the system's libzmq.
fn compiled() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/reqrep.c");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("reqrep-{}", std::process::id()));
    let done = Command::new("cc").arg("-O1").arg("-o").arg(&program).arg(source).args(["-lzmq", "-lpthread"]).status();
    assert!(done.unwrap().success(), "a C compiler and libzmq3-dev are needed");
    program
}

#[test]
fn a_c_program_runs_alike_under_a_seed_and_an_hour_passes_in_it() {
    let file = compiled();
    for faults in [false, true] {
        for endpoint in ["tcp://127.0.0.1:5555", "ipc://@desk", "inproc://a"] {
            let command = vec![file.clone().into(), endpoint.into(), "30".into()];
            let program = Program::new(command).unwrap();
            let program = if faults { program.with_all_faults() } else { program };
            let [one, again, other] = [1, 1, 2].map(|seed| program.run(seed, Events::Hashed).unwrap());
            assert_eq!(one, again, "{endpoint}");
            assert!(one.is_success, "{endpoint}: {one:?}");
            assert!(one.summary.is_some() && one.summary != other.summary, "{endpoint}: {other:?}");
            assert!(String::from_utf8(one.stdout).unwrap().contains("waited an hour"), "{endpoint}");
        }
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn events_come_on_request() {
    let program = Program::new(vec!["sleep".into(), "100".into()]).unwrap();
    let run = program.run(1, Events::Kept).unwrap();
    assert!(run.events.iter().any(|event| event.contains(" sleep ")), "{:?}", run.events);
}

#[test]
fn what_is_outside_is_seen_beforehand() {
    let interposer = Interposer::unpack().unwrap();
    let found = survey(&interposer.path()).unwrap();
    assert!(found.iter().any(|doubt| matches!(doubt, Doubt::SystemCalls(count) if *count > 3)), "{found:?}");
    assert!(!found.contains(&Doubt::Static));
    assert_eq!(survey(Path::new("/etc/passwd")).unwrap(), [Doubt::OtherFormat]);
    let libzmq = zmq_libzmq::Library::open(None).unwrap().path().to_owned();
    // Octets that look like an instruction there are in any text of that size.
    let octets = |doubt: &Doubt| matches!(doubt, Doubt::SystemCalls(_) | Doubt::Randomness(_));
    let found = survey(&libzmq).unwrap();
    assert!(found.iter().all(octets), "the system's libzmq is within what is controlled: {found:?}");
}
