//! Marks: which clauses of the specifications a run has come by.
//!
//! `mark!("PUBSUB-SUB-12")` stands where the code obeys that clause, on ways that are seldom gone: handshakes, subscriptions,
//! reconnects, full pipes, refusals, heartbeats. Without the feature `simulation` it is nothing at all. With it, a thread
//! that has called [`begin`] remembers the ids that it comes by, and [`take`] gives them back.

/// The clauses of all marks, in the order of their ids.
#[rustfmt::skip]
pub const ALL: &[&str] = &[
    "CURVE-COOKIE-01", "CURVE-COOKIE-02", "CURVE-COOKIE-03", "CURVE-FLOW-01",
    "CURVE-GRAM-01", "CURVE-GRAM-02", "CURVE-GRAM-04", "CURVE-GRAM-05",
    "CURVE-GRAM-07", "CURVE-HELLO-01", "CURVE-HELLO-02", "CURVE-HELLO-10",
    "CURVE-INIT-01", "CURVE-INIT-02", "CURVE-READY-01", "CURVE-READY-03",
    "CURVE-READY-04", "CURVE-VOUCH-02", "CURVE-VOUCH-04", "CURVE-WELCOME-01",
    "CURVE-WELCOME-07", "EXPAIR-PAIR-01", "EXPAIR-PAIR-03", "EXPAIR-PAIR-05",
    "EXPAIR-PAIR-08", "EXPAIR-PAIR-09", "EXPAIR-PAIR-10", "PIPELINE-PULL-01",
    "PIPELINE-PULL-04", "PIPELINE-PULL-06", "PIPELINE-PUSH-01", "PIPELINE-PUSH-04",
    "PIPELINE-PUSH-06", "PIPELINE-PUSH-10", "PIPELINE-PUSH-11", "PIPELINE-PUSH-12",
    "PLAIN-FLOW-01", "PLAIN-FLOW-02", "PLAIN-FLOW-04", "PLAIN-FLOW-05",
    "PLAIN-FLOW-06", "PLAIN-HELLO-01", "PLAIN-HELLO-02", "PLAIN-HELLO-03",
    "PLAIN-HELLO-04", "PLAIN-HELLO-05", "PUBSUB-PUB-01", "PUBSUB-PUB-03",
    "PUBSUB-PUB-05", "PUBSUB-PUB-12", "PUBSUB-PUB-13", "PUBSUB-PUB-14",
    "PUBSUB-SUB-01", "PUBSUB-SUB-03", "PUBSUB-SUB-04", "PUBSUB-SUB-12",
    "PUBSUB-XPUB-01", "PUBSUB-XPUB-02", "PUBSUB-XPUB-04", "PUBSUB-XPUB-10",
    "PUBSUB-XPUB-13", "PUBSUB-XPUB-14", "PUBSUB-XPUB-15", "PUBSUB-XPUB-17",
    "PUBSUB-XSUB-01", "PUBSUB-XSUB-02", "PUBSUB-XSUB-15", "PUBSUB-XSUB-16",
    "PUBSUB-XSUB-17", "REQREP-DEALER-01", "REQREP-DEALER-03", "REQREP-DEALER-05",
    "REQREP-DEALER-09", "REQREP-DEALER-10", "REQREP-DEALER-11", "REQREP-REP-01",
    "REQREP-REP-03", "REQREP-REP-04", "REQREP-REP-06", "REQREP-REP-07",
    "REQREP-REP-08", "REQREP-REP-09", "REQREP-REP-10", "REQREP-REP-11",
    "REQREP-REP-12", "REQREP-REQ-01", "REQREP-REQ-02", "REQREP-REQ-07",
    "REQREP-REQ-08", "REQREP-REQ-10", "REQREP-ROUTER-01", "REQREP-ROUTER-02",
    "REQREP-ROUTER-03", "REQREP-ROUTER-04", "REQREP-ROUTER-06", "REQREP-ROUTER-07",
    "REQREP-ROUTER-12", "REQREP-ROUTER-13", "REQREP-ROUTER-14", "ZAP-ARCH-04",
    "ZAP-ARCH-07", "ZAP-CURVE-01", "ZAP-FIELD-07", "ZAP-FIELD-08",
    "ZAP-PLAIN-01", "ZAP-REP-08", "ZAP-REQ-01", "ZAP-REQ-04",
    "ZAP-REQ-06", "ZMTP10-BCAST-02", "ZMTP31-BACK-03", "ZMTP31-BACK-06",
    "ZMTP31-BACK-07", "ZMTP31-BACK-11", "ZMTP31-BACK-12", "ZMTP31-CMDS-02",
    "ZMTP31-ERROR-01", "ZMTP31-ERROR-02", "ZMTP31-ERROR-03", "ZMTP31-ERROR-04",
    "ZMTP31-ERROR-05", "ZMTP31-ERROR-06", "ZMTP31-ERROR-07", "ZMTP31-MECH-02",
    "ZMTP31-MECH-06", "ZMTP31-MECH-07", "ZMTP31-MECH-11", "ZMTP31-MECH-12",
    "ZMTP31-META-03", "ZMTP31-META-06", "ZMTP31-MSGS-01", "ZMTP31-NULL-04",
    "ZMTP31-NULL-09", "ZMTP31-PING-01", "ZMTP31-PING-02", "ZMTP31-PING-03",
    "ZMTP31-PING-04", "ZMTP31-PING-05", "ZMTP31-PING-06", "ZMTP31-PING-07",
    "ZMTP31-PING-09", "ZMTP31-PING-10", "ZMTP31-PING-13", "ZMTP31-PING-14",
    "ZMTP31-READY-01", "ZMTP31-READY-02", "ZMTP31-SEM-02", "ZMTP31-SEM-03",
    "ZMTP31-SEM-04", "ZMTP31-SEM-06", "ZMTP31-SOCKTYPE-21", "ZMTP31-SUBS-02",
    "ZMTP31-SUBS-03", "ZMTP31-SUBS-04", "ZMTP31-SUBS-05", "ZMTP31-SUBS-08",
    "ZMTP31-SUBS-09", "ZMTP31-VERSION-03", "ZMTP31-VERSION-10",
];

#[cfg(feature = "simulation")]
mod reached {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    thread_local! {
        static REACHED: RefCell<Option<BTreeSet<&'static str>>> = const { RefCell::new(None) };
    }

    /// A simulated run begins on this thread: from now on it remembers the clauses that it comes by, and what it remembered
    /// before is forgotten. So are the buffers that it kept; until [`take`] it has none in common with other threads.
    pub fn begin() {
        crate::frame::pool::forget();
        REACHED.with_borrow_mut(|reached| *reached = Some(BTreeSet::new()));
    }

    /// The clauses that this thread has come by since [`begin`], in the order of their ids. It remembers no more of them.
    #[must_use]
    pub fn take() -> Vec<&'static str> {
        REACHED.take().into_iter().flatten().collect()
    }

    /// Whether no run is under way on this thread.
    pub(crate) fn is_outside() -> bool {
        REACHED.with_borrow(Option::is_none)
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn reach(clauses: &[&'static str]) {
        REACHED.with_borrow_mut(|reached| {
            if let Some(reached) = reached {
                reached.extend(clauses);
            }
        });
    }
}

#[cfg(feature = "simulation")]
pub use reached::{begin, take};
#[cfg(feature = "simulation")]
pub(crate) use reached::{is_outside, reach};

/// The code that follows obeys these clauses.
#[cfg(feature = "simulation")]
macro_rules! mark {
    ($($clause:literal),+ $(,)?) => {
        $crate::marks::reach(&[$($clause),+])
    };
}

/// The code that follows obeys these clauses.
#[cfg(not(feature = "simulation"))]
macro_rules! mark {
    ($($clause:literal),+ $(,)?) => {
        ()
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.push(path);
            }
        }
    }

    #[test]
    fn the_table_has_the_clauses_of_all_marks() {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let mut marked = BTreeSet::new();
        for file in files.iter().filter(|file| !file.ends_with("marks.rs")) {
            let text = std::fs::read_to_string(file).unwrap();
            for mark in text.split(concat!("mark", "!(")).skip(1) {
                let clauses = mark.split(')').next().unwrap_or_default();
                marked.extend(clauses.split('"').skip(1).step_by(2).map(str::to_owned));
            }
        }
        let marked: Vec<_> = marked.iter().map(String::as_str).collect();
        assert_eq!(marked, super::ALL);
    }

    #[cfg(feature = "simulation")]
    #[test]
    fn a_thread_remembers_what_it_comes_by_once_it_was_asked_to() {
        super::reach(&["ZMTP31-PING-05"]);
        assert!(super::take().is_empty());
        super::begin();
        super::reach(&["ZMTP31-PING-06"]);
        super::reach(&["ZMTP31-PING-05", "ZMTP31-PING-06"]);
        assert_eq!(super::take(), ["ZMTP31-PING-05", "ZMTP31-PING-06"]);
        super::reach(&["ZMTP31-PING-05"]);
        assert!(super::take().is_empty());
    }
}
