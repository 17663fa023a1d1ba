//! A test in a process of its own: memory and descriptors are its alone, and so is a crash.

use std::any::type_name;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Set in the process that runs one test.
const MARK: &str = "ZMQ_REFERENCE_TEST_ALONE";
/// A test that is not over by then hangs.
const TIME: Duration = Duration::from_secs(180);
/// Lines that begin so are shown although the test passed.
const FIGURE: &str = "figure: ";

static PANICS: AtomicUsize = AtomicUsize::new(0);
/// One at a time: they measure.
static TURN: Mutex<()> = Mutex::new(());

/// Runs the body of a test alone; fails if anything in that process panicked, on whichever thread.
pub(crate) fn alone<F: FnOnce()>(body: F) {
    if std::env::var_os(MARK).is_some() {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            before(info);
        }));
        body();
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "something else panicked");
        return;
    }
    // `it::module::test::{{closure}}`
    let path = type_name::<F>();
    let test = path.strip_prefix("it::").and_then(|path| path.strip_suffix("::{{closure}}"));
    let test = test.expect("called with a closure inside of a test of this binary");
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--include-ignored", "--nocapture", "--test-threads=1"])
        .env(MARK, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let [stdout, stderr] = [collect(stdout), collect(stderr)];
    let until = Instant::now() + TIME;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if Instant::now() > until {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
        thread::sleep(Duration::from_millis(10));
    };
    let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
    stdout.lines().filter_map(|line| line.split_once(FIGURE)).for_each(|(_, figure)| println!("{test}: {figure}"));
    let ok = status.is_some_and(|status| status.success()) && stdout.contains("1 passed");
    assert!(ok, "{test} alone: {status:?} (none: it hung)\n{stdout}\n{stderr}");
}

fn collect(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut octets = Vec::new();
        from.read_to_end(&mut octets).unwrap();
        String::from_utf8_lossy(&octets).into_owned()
    })
}

/// Something measured, for whoever reads the output.
pub(crate) fn figure(what: impl std::fmt::Display) {
    println!("{FIGURE}{what}");
}

/// Resident memory of this process, in octets.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Repeats a round until memory has grown by no more than this in one, and by no more than the slack in all: an allocator
/// reaches its height at some time, a leak grows in every round.
pub(crate) fn levels_off(what: &str, least: u64, mut round: impl FnMut()) {
    let mut grown = Vec::new();
    while grown.len() < 6 {
        let before = resident();
        round();
        grown.push(resident().saturating_sub(before));
        assert!(grown.iter().sum::<u64>() <= SLACK, "{what}: memory grew by {grown:?} octets, round by round");
        if grown.last() <= Some(&least) {
            return figure(format!("{what}: octets more, round by round: {grown:?}"));
        }
    }
    panic!("{what}: memory grew in every round, by {grown:?} octets");
}

/// Open descriptors of this process.
pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Waits until it holds; whether it did within ten seconds.
pub(crate) fn eventually(mut holds: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while !holds() {
        if Instant::now() > until {
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
    true
}

/// Peers that may cost memory: how many, and what each may cost.
pub(crate) struct Budget {
    before: u64,
}

/// What a connection may cost whatever it sent.
pub(crate) const LEAST: u64 = 64 << 10;
/// What the process may cost beside it: allocator, buffers of the test, the kept buffers of the I/O thread.
pub(crate) const SLACK: u64 = 12 << 20;

impl Budget {
    pub(crate) fn open() -> Self {
        Self { before: resident() }
    }

    /// Memory since then.
    pub(crate) fn taken(&self) -> u64 {
        resident().saturating_sub(self.before)
    }

    /// Memory is at most the larger of 64 KiB and twice what has arrived, for each connection; plus the slack, and what
    /// the test names.
    pub(crate) fn check<'a>(&self, arrived: impl IntoIterator<Item = &'a u64>, named: u64) {
        let (mut connections, mut allowed) = (0, SLACK + named);
        for octets in arrived {
            connections += 1;
            allowed += LEAST.max(2 * octets);
        }
        let took = self.taken();
        let text = format!("{} KiB of memory for {connections} connections, allowed {} KiB", took >> 10, allowed >> 10);
        figure(&text);
        assert!(took <= allowed, "{text}");
    }
}
