//! What can go wrong between harness and adapter, each with what came and what to do.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use super::protocol::{ErrorClass, ErrorReply};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.signal(), status.code()) {
            (Some(signal), _) => Self::Signal(signal),
            (None, code) => Self::Status(code.unwrap_or(-1)),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exit status {status}"),
            Self::Signal(number) => match SIGNALS.iter().find(|(known, _)| known == number) {
                Some((_, name)) => write!(f, "signal {number} ({name})"),
                None => write!(f, "signal {number}"),
            },
        }
    }
}

/// Signals that end a process of a test, by the numbers that Linux and macOS share.
const SIGNALS: &[(i32, &str)] = &[
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
];

/// Why a request did not end in the reply that it asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The adapter answered with an error. The process is fine.
    #[error("the adapter refused it: {0}")]
    Refused(ErrorReply),
    /// No reply in time. The process lives; the reply may still come.
    #[error("expected a reply to `{request}` within {} ms, none came; the process still runs", within.as_millis())]
    Timeout {
        /// The request's verb.
        request: String,
        /// How long was waited.
        within: Duration,
    },
    /// The process ended.
    #[error("expected a reply, the adapter's process ended with {0}")]
    Gone(Exit),
    /// The process lives but has closed its stdout.
    #[error("expected a reply, the adapter closed its stdout and still runs; a reply can no longer come")]
    Silent,
    /// A line on stdout that the protocol does not know.
    #[error("expected a line of the adapter protocol on stdout, came ({why}): {line}; print anything else on stderr")]
    Nonsense {
        /// The line, cut and with control characters escaped.
        line: String,
        /// What is wrong with it.
        why: String,
    },
    /// More came than the harness is ready to hold. The process was killed.
    #[error("the adapter wrote {bytes} bytes to stdout that nobody asked for, more than the {limit} allowed; killed")]
    Flooded {
        /// What was waiting when it was cut off.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// The adapter does not read its stdin.
    #[error("the adapter read nothing from its stdin for {} ms while `{request}` was written to it", within.as_millis())]
    Stalled {
        /// The request's verb.
        request: String,
        /// How long was waited.
        within: Duration,
    },
    /// A background thread of the implementation failed; counts as a crash.
    #[error("the adapter reports that its thread `{thread}` failed: {text}")]
    Fault {
        /// Its name.
        thread: String,
        /// What it said.
        text: String,
    },
    /// The system refused to write to the adapter.
    #[error("cannot write to the adapter's stdin: {text}")]
    Io {
        /// What the system said.
        text: String,
    },
}

/// Why an adapter could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No command.
    #[error("the command of the adapter is empty; expected a program and its arguments")]
    NoCommand,
    /// The program cannot be run.
    #[error("cannot run `{program}`: {source}; expected a program that speaks the adapter protocol on stdio")]
    Spawn {
        /// First word of the command.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It runs, but did not greet.
    #[error("the adapter did not greet: {why}{}", last_words(stderr_tail))]
    NoHello {
        /// What came instead.
        why: CallError,
        /// Its last lines on stderr.
        stderr_tail: Vec<String>,
    },
    /// It answered `hello` with something else.
    #[error("the adapter's reply to `hello` is malformed: {why}; it was: {line}")]
    MalformedHello {
        /// What is wrong with it.
        why: String,
        /// The reply, cut.
        line: String,
    },
}

impl StartError {
    /// Last lines of the process's stderr, where it ran.
    #[must_use]
    pub fn stderr_tail(&self) -> &[String] {
        match self {
            Self::NoHello { stderr_tail, .. } => stderr_tail,
            Self::NoCommand | Self::Spawn { .. } | Self::MalformedHello { .. } => &[],
        }
    }
}

fn last_words(tail: &[String]) -> String {
    tail.last().map(|line| format!("; its last words on stderr: {line}")).unwrap_or_default()
}

impl ErrorClass {
    /// The word that stands in the protocol.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::WouldBlock => "would-block",
            Self::State => "state",
            Self::Unroutable => "unroutable",
            Self::Terminated => "terminated",
            Self::Argument => "argument",
            Self::Unsupported => "unsupported",
            Self::Peer => "peer",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for ErrorReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class.word())?;
        match (self.errno.as_str(), self.native.as_str()) {
            ("", "") => Ok(()),
            ("", native) => write!(f, " ({native})"),
            (errno, "") => write!(f, " ({errno})"),
            (errno, native) => write!(f, " ({errno}: {native})"),
        }
    }
}

/// At most `limit` characters of what was read, control characters escaped, and a mark where it was cut.
pub(super) fn excerpt(bytes: &[u8], limit: usize) -> String {
    // Four octets hold any character, so this prefix is enough for `limit` of them.
    let prefix = &bytes[..bytes.len().min(limit.saturating_mul(4))];
    let text = String::from_utf8_lossy(prefix);
    let mut out = String::new();
    let mut taken = 0;
    for character in text.chars().take(limit) {
        if character.is_control() && character != '\t' {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
        taken += character.len_utf8();
    }
    if taken < text.len() || prefix.len() < bytes.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_says_which_signal() {
        assert_eq!(Exit::Signal(6).to_string(), "signal 6 (SIGABRT)");
        assert_eq!(Exit::Signal(40).to_string(), "signal 40");
        assert_eq!(Exit::Status(1).to_string(), "exit status 1");
    }

    #[test]
    fn an_excerpt_is_short_and_harmless_to_a_terminal() {
        assert_eq!(excerpt(b"a\x1b[2Jb\xff", 500), "a\\u{1b}[2Jb\u{fffd}");
        assert_eq!(excerpt(&[b'x'; 9], 3), "xxx…");
        assert_eq!(excerpt("ü".repeat(3).as_bytes(), 3), "üüü");
    }

    #[test]
    fn error_texts_say_what_was_expected_and_what_came() {
        let texts = [
            CallError::Refused(ErrorReply {
                class: ErrorClass::WouldBlock,
                errno: "EAGAIN".into(),
                native: "nothing there".into(),
            }),
            CallError::Timeout { request: "recv".into(), within: Duration::from_millis(250) },
            CallError::Gone(Exit::Signal(11)),
            CallError::Silent,
            CallError::Nonsense { line: "hello".into(), why: "not JSON".into() },
            CallError::Flooded { bytes: 10, limit: 5 },
            CallError::Stalled { request: "send".into(), within: Duration::from_secs(1) },
            CallError::Fault { thread: "io".into(), text: "gone".into() },
            CallError::Io { text: "odd".into() },
        ]
        .map(|error| error.to_string());
        insta::assert_snapshot!(texts.join("\n"));
    }
}
