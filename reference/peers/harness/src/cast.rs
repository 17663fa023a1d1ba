//! Peers as running processes: what they say, and that none outlives its scene.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::peers::Peer;

/// Why a scene ended before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// A library lacks what the scene asks of it: its name, and what it said.
    Unsupported(String, String),
    /// A peer failed, died or stayed silent: its name, and what is known.
    Failed(String, String),
}

/// The peers of one scene. Dropping it ends them all.
pub struct Cast {
    running: Vec<Running>,
    tell: Sender<(usize, Heard)>,
    heard: Receiver<(usize, Heard)>,
}

struct Running {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    /// The end of what it wrote to stderr.
    stderr: Arc<Mutex<String>>,
}

enum Heard {
    Line(String),
    End,
}

impl Cast {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        let (tell, heard) = channel();
        Self { running: Vec::new(), tell, heard }
    }

    /// Starts a peer, which gets the next number from 0 on.
    ///
    /// # Errors
    ///
    /// [`Broken::Failed`] if the program cannot be started.
    pub fn start(&mut self, peer: &Peer, words: &[&str]) -> Result<usize, Broken> {
        let mut command = Command::new(&peer.program);
        command.args(&peer.before).args(words).args(&peer.arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let failed = |error| Broken::Failed(peer.name.clone(), format!("cannot be started: {error}"));
        let mut child = command.spawn().map_err(failed)?;
        let number = self.running.len();
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let tell = self.tell.clone();
        let lines = BufReader::new(stdout.expect("stdout is piped")).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if tell.send((number, Heard::Line(line))).is_err() {
                    return;
                }
            }
            // Nobody listens any more: the scene is over.
            let _ = tell.send((number, Heard::End));
        });
        let said = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&said);
        std::thread::spawn(move || keep_end(stderr.expect("stderr is piped"), &kept));
        self.running.push(Running { name: peer.name.clone(), child, stdin, stderr: said });
        Ok(number)
    }

    /// Writes a line to a peer's stdin. A peer that has ended is noticed by [`Cast::await_word`].
    pub fn tell(&mut self, peer: usize, line: &str) {
        if let Some(stdin) = &mut self.running[peer].stdin {
            let _ = writeln!(stdin, "{line}");
        }
    }

    /// Waits for a line of this peer that begins with `word`, and gives the rest of it. Other lines are passed over.
    ///
    /// # Errors
    ///
    /// [`Broken`] if any peer reports a failure or ends, or at the deadline.
    pub fn await_word(&mut self, peer: usize, word: &str, deadline: Instant) -> Result<String, Broken> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (who, heard) = match self.heard.recv_timeout(left) {
                Ok(heard) => heard,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(self.failed(peer, &format!("said no {word:?} in time")));
                }
            };
            match heard {
                Heard::Line(line) => {
                    let (first, rest) = line.split_once(' ').unwrap_or((&line, ""));
                    match first {
                        "failed" => return Err(self.failed(who, rest)),
                        "unsupported" => {
                            return Err(Broken::Unsupported(self.running[who].name.clone(), rest.to_owned()));
                        }
                        _ if who == peer && first == word => return Ok(rest.to_owned()),
                        _ => {}
                    }
                }
                Heard::End => return Err(self.failed(who, "ended without a word")),
            }
        }
    }

    /// The end of what a peer wrote to stderr so far.
    #[must_use]
    pub fn stderr(&self, peer: usize) -> String {
        self.running[peer].stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn failed(&self, peer: usize, why: &str) -> Broken {
        let said = self.stderr(peer);
        let last = said.lines().rfind(|line| !line.trim().is_empty() && !line.starts_with("Library("));
        let why = last.map_or_else(|| why.to_owned(), |last| format!("{why}; on stderr: {last}"));
        Broken::Failed(self.running[peer].name.clone(), why)
    }
}

impl Default for Cast {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Cast {
    fn drop(&mut self) {
        // A peer ends with its stdin; one that does not is killed.
        for running in &mut self.running {
            running.stdin = None;
        }
        let deadline = Instant::now() + GRACE;
        for running in &mut self.running {
            while matches!(running.child.try_wait(), Ok(None)) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

/// How long a peer has to end by itself.
const GRACE: Duration = Duration::from_millis(500);

/// Reads to the end, and keeps the last few thousand octets.
fn keep_end(mut stream: impl Read, kept: &Mutex<String>) {
    let mut buffer = [0; 1024];
    while let Ok(len @ 1..) = stream.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_str(&String::from_utf8_lossy(&buffer[..len]));
        if kept.len() > 4096 {
            let cut = kept.ceil_char_boundary(kept.len() - 2048);
            kept.drain(..cut);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Peer {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        Peer { name: "shell".into(), program: "/bin/sh".into(), before: Vec::new(), arguments, sender: "" }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn a_word_is_awaited_and_its_rest_given() {
        let mut cast = Cast::new();
        let peer = cast.start(&shell("echo other; echo ready tcp://here; read x"), &[]).unwrap();
        assert_eq!(cast.await_word(peer, "ready", soon()), Ok("tcp://here".into()));
    }

    #[test]
    fn silence_failure_and_death_are_told_apart() {
        for (script, expected) in [
            ("read x", "said no \"ready\" in time"),
            ("echo failed to try; read x", "to try"),
            ("echo why >&2; sleep 0.1", "ended without a word; on stderr: why"),
        ] {
            let mut cast = Cast::new();
            let peer = cast.start(&shell(script), &[]).unwrap();
            let broken = cast.await_word(peer, "ready", Instant::now() + Duration::from_millis(400));
            assert_eq!(broken, Err(Broken::Failed("shell".into(), expected.into())), "{script}");
        }
    }

    #[test]
    fn one_that_does_not_end_is_killed() {
        let mut cast = Cast::new();
        let peer = cast.start(&shell("echo ready $$; while :; do sleep 1; done"), &[]).unwrap();
        let process = cast.await_word(peer, "ready", soon()).unwrap();
        drop(cast);
        assert!(!std::path::Path::new(&format!("/proc/{process}")).exists());
    }
}
