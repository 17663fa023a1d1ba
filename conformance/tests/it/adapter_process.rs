//! What the harness makes of adapters that misbehave: the right error, with the signal and the last words, in bounded
//! time and memory.

use std::path::Path;
use std::time::{Duration, Instant};

use zmqspec::adapter::process::{Adapter, CallError, Exit, Launch, LogDirection, StartError};
use zmqspec::adapter::protocol::{Part, RequestBody, Unsolicited};

/// Far more than a loaded machine needs, far less than the 600 s that a misbehaving adapter would take.
const LONG: Duration = Duration::from_secs(60);

fn bad(what: &str) -> Launch {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/adapters/bad.py");
    Launch { command: ["python3", script, what].map(str::to_owned).to_vec(), ..Launch::default() }
}

fn start(what: &str) -> Adapter {
    Adapter::start(&bad(what), LONG).unwrap().0
}

fn reset(adapter: &mut Adapter) -> Result<(), CallError> {
    adapter.call(RequestBody::Reset {}, LONG).map(drop)
}

fn refusal_to_start(what: &str, within: Duration) -> StartError {
    Adapter::start(&bad(what), within).unwrap_err()
}

#[test]
fn an_abort_is_told_with_its_signal_and_its_last_words() {
    let mut adapter = start("aborts");
    assert_eq!(reset(&mut adapter), Err(CallError::Gone(Exit::Signal(6))));
    let tail = adapter.stderr_tail();
    assert_eq!(tail.len(), 1, "{tail:?}");
    assert!(tail[0].starts_with("Assertion failed: \\u{1b}[31mcheck ()"), "{tail:?}");
    assert!(tail[0].ends_with('…') && tail[0].chars().count() < 600, "{tail:?}");
    assert_eq!(reset(&mut adapter), Err(CallError::Gone(Exit::Signal(6))), "and again when it is asked again");
}

#[test]
fn an_early_exit_is_told_with_its_status() {
    assert_eq!(reset(&mut start("exits")), Err(CallError::Gone(Exit::Status(7))));
}

#[test]
fn a_hang_ends_at_the_deadline_and_the_process_is_killed_when_dropped() {
    let mut adapter = start("hangs");
    let within = Duration::from_millis(200);
    let outcome = adapter.call(RequestBody::Reset {}, within);
    assert_eq!(outcome, Err(CallError::Timeout { request: "reset".into(), within }));
    let pid = adapter.pid();
    drop(adapter);
    assert!(is_gone(i64::from(pid)), "process {pid} must be reaped");
}

#[test]
fn a_late_reply_is_dropped_and_the_next_one_is_taken() {
    let mut adapter = start("late");
    let within = Duration::from_millis(1);
    assert!(matches!(adapter.call(RequestBody::Reset {}, within), Err(CallError::Timeout { .. })));
    assert_eq!(reset(&mut adapter), Ok(()));
}

#[test]
fn rubbish_is_shown_once_and_the_reply_behind_it_is_kept() {
    let mut adapter = start("rubbish");
    let id = adapter.begin(RequestBody::Reset {}).unwrap();
    let Err(CallError::Nonsense { line, why }) = adapter.finish(id, LONG) else { panic!("expected nonsense") };
    assert_eq!(why, "not UTF-8");
    assert!(line.starts_with("printf debugging \u{fffd}\\u{1b}[2Jyyy") && line.ends_with('…'), "{line}");
    assert!(line.chars().count() < 600, "{line}");
    assert!(adapter.finish(id, LONG).is_ok());
}

#[test]
fn a_line_that_is_not_json_and_a_reply_to_nothing_are_nonsense() {
    for (what, expected) in [("not-json", "not JSON"), ("wrong-id", "answers request 999, which is not open")] {
        match reset(&mut start(what)) {
            Err(CallError::Nonsense { why, .. }) => assert!(why.starts_with(expected), "{why}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn a_closed_stdout_is_not_taken_for_the_end_of_the_process() {
    assert_eq!(reset(&mut start("closes-stdout")), Err(CallError::Silent));
}

#[test]
fn a_flood_on_stdout_is_cut_off() {
    for what in ["floods-stdout", "endless-line"] {
        let before = resident_bytes();
        let mut adapter = start(what);
        match reset(&mut adapter) {
            Err(CallError::Flooded { bytes, limit }) => {
                assert!(bytes > limit, "{bytes} of {limit}");
            }
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(adapter.exit_within(LONG), Some(Exit::Signal(9)), "{what}");
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown < 1024 * 1024 * 1024, "{what}: grown by {grown}");
    }
}

#[test]
fn a_flood_on_stderr_hurts_nobody_and_its_end_is_kept() {
    let mut adapter = start("floods-stderr");
    assert_eq!(reset(&mut adapter), Ok(()));
    adapter.close_stdin();
    assert_eq!(adapter.exit_within(LONG), Some(Exit::Status(0)));
    let tail = adapter.stderr_tail();
    assert_eq!(tail.len(), 40);
    assert_eq!(tail[38], "noise 199999");
    assert!(tail[39].starts_with("qqq") && tail[39].chars().count() == 501, "{}", tail[39]);
}

#[test]
fn a_fault_counts_although_the_reply_came() {
    let mut adapter = start("faults");
    let fault = CallError::Fault { thread: "io".into(), text: "index out of range".into() };
    assert_eq!(reset(&mut adapter), Err(fault.clone()));
    assert_eq!(reset(&mut adapter), Err(fault), "for the rest of its life");
    assert!(matches!(adapter.take_unsolicited().as_slice(), [Unsolicited::Fault { .. }]));
}

#[test]
fn an_adapter_that_never_reads_stalls_the_writer_for_so_long_only() {
    let mut adapter = start("never-reads");
    reset(&mut adapter).unwrap();
    let parts = vec![Part::Hex("00".repeat(1024 * 1024))];
    let began = Instant::now();
    let outcome = adapter.begin(RequestBody::Send { s: "a".into(), parts, more: false, timeout_ms: 0 });
    assert!(matches!(outcome, Err(CallError::Stalled { .. })), "{outcome:?}");
    assert!(began.elapsed() < LONG);
}

#[test]
fn replies_may_come_in_any_order() {
    let mut adapter = start("backwards");
    let first = adapter.begin(RequestBody::Reset {}).unwrap();
    let second = adapter.begin(RequestBody::Reset {}).unwrap();
    assert_eq!(adapter.finish(first, LONG).unwrap().id, first);
    assert_eq!(adapter.finish(second, LONG).unwrap().id, second);
    let log = adapter.take_log();
    let count = |direction| log.iter().filter(|(_, of, _)| *of == direction).count();
    assert_eq!((count(LogDirection::Request), count(LogDirection::Reply)), (3, 3));
    assert!(adapter.take_log().is_empty());
}

#[test]
fn the_whole_process_group_ends_with_the_adapter() {
    let mut adapter = start("leaves-a-child");
    let reply = adapter.call(RequestBody::Reset {}, LONG).unwrap();
    let Some(zmqspec::adapter::protocol::Value::Int(child)) = reply.value else { panic!("{reply:?}") };
    assert!(!is_gone(child), "the child runs while its parent does");
    drop(adapter);
    let deadline = Instant::now() + LONG;
    while !is_gone(child) {
        assert!(Instant::now() < deadline, "process {child} outlived its group");
        std::thread::yield_now();
    }
}

#[test]
fn a_start_that_fails_says_why_and_what_was_said_last() {
    let gone = refusal_to_start("never-greets", LONG);
    assert_eq!(
        gone.to_string(),
        "the adapter did not greet: expected a reply, the adapter's process ended with exit status 3; \
         its last words on stderr: no library here"
    );
    let silent = refusal_to_start("silent", Duration::from_millis(300)).to_string();
    assert!(silent.contains("expected a reply to `hello` within 300 ms"), "{silent}");
    let half = refusal_to_start("half-hello", LONG).to_string();
    assert!(half.contains("missing field `version`"), "{half}");
    let other = refusal_to_start("other-protocol", LONG).to_string();
    assert!(other.contains("expected protocol 1, came protocol 2"), "{other}");
    let missing = Launch { command: vec!["/nowhere/adapter".into()], ..Launch::default() };
    let missing = Adapter::start(&missing, LONG).unwrap_err().to_string();
    assert!(missing.starts_with("cannot run `/nowhere/adapter`: "), "{missing}");
    assert!(matches!(Adapter::start(&Launch::default(), LONG), Err(StartError::NoCommand)));
}

/// Whether no process of that id runs; a zombie that somebody else has to reap does not run.
fn is_gone(pid: i64) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
