//! Events as JSON lines: the report that every other one can be made from.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::{OpenError, Sink};
use crate::event::Event;

/// Writes each event as a line and flushes it, so that a run that is cut leaves what it got to.
#[derive(Debug)]
pub struct Jsonl<W: Write> {
    out: BufWriter<W>,
}

impl Jsonl<File> {
    /// Writes to a file, which is emptied.
    ///
    /// # Errors
    ///
    /// The file may not be written to.
    pub fn create(path: &Path) -> Result<Self, OpenError> {
        File::create(path).map(Self::to).map_err(|error| OpenError::new(path, &error))
    }
}

impl<W: Write> Jsonl<W> {
    /// Writes to a stream such as stdout.
    pub fn to(out: W) -> Self {
        Self { out: BufWriter::new(out) }
    }
}

impl<W: Write> Sink for Jsonl<W> {
    fn on(&mut self, event: &Event) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, event)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
