//! A program of the user's, captive: the interposer is preloaded into it, and it is in a run from its first instruction
//! to its last.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::fix_addresses;
use crate::job::Rates;
use crate::preload::Interposer;

/// A command that is run under seeds.
#[derive(Debug)]
pub struct Program {
    command: Vec<OsString>,
    rates: Rates,
    interposer: Interposer,
    runs: AtomicU64,
}

/// What came of a program's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended, in words: `exit status: 0`, `signal: 6`.
    pub ending: String,
    /// Whether it ended well.
    pub is_success: bool,
    /// The interposer's line: the hash of all that happened, and counts. Nothing if the program was killed.
    pub summary: Option<String>,
    /// The events, a line each, if they were asked for.
    pub events: Vec<String>,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// Whether events are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {
    /// Only their hash.
    Hashed,
    /// All of them.
    Kept,
}

impl Program {
    /// A command: the program, and its arguments.
    ///
    /// # Errors
    ///
    /// As [`Interposer::unpack`].
    pub fn new(command: Vec<OsString>) -> io::Result<Self> {
        let interposer = Interposer::unpack()?;
        Ok(Self { command, rates: Rates::NONE, interposer, runs: AtomicU64::new(0) })
    }

    /// With all faults of the system's calls, at the rates of [`Rates::ALL`].
    #[must_use]
    pub fn with_all_faults(mut self) -> Self {
        self.rates = Rates::ALL;
        self
    }

    /// Runs it under a seed. The same seed gives the same outcome, as far as the program is one that can be captive.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn run(&self, seed: u64, events: Events) -> io::Result<Outcome> {
        let (program, arguments) = self.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let report: PathBuf = self.interposer.folder().join(format!("report-{number}"));
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        command.env("LD_PRELOAD", self.interposer.path()).env("MALLOC_ARENA_MAX", "1");
        command.env("ZMQSPEC_CAPTIVE", seed.to_string()).env("ZMQSPEC_CAPTIVE_REPORT", &report);
        if self.rates != Rates::NONE {
            command.env("ZMQSPEC_CAPTIVE_FAULTS", "all");
        }
        if events == Events::Kept {
            command.env("ZMQSPEC_CAPTIVE_EVENTS", "1");
        }
        // SAFETY: between fork and exec it makes one system call.
        unsafe {
            command.pre_exec(|| {
                fix_addresses();
                Ok(())
            });
        }
        let output = command.output()?;
        let told = std::fs::read_to_string(&report).unwrap_or_default();
        // What cannot be removed goes with the folder.
        let _ = std::fs::remove_file(&report);
        let mut lines = told.lines().map(str::to_owned);
        let ending = match output.status.signal() {
            Some(signal) => format!("signal: {signal}"),
            None => output.status.to_string(),
        };
        Ok(Outcome {
            ending,
            is_success: output.status.success(),
            summary: lines.next(),
            events: lines.collect(),
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }
}
