//! Where a report goes: a file that appears whole, a stream, or the end of a file that others write too.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A report's destination could not be opened. Found before the run starts.
#[derive(Debug, thiserror::Error)]
#[error("{path}: expected a file that the report can be written to, came: {why}; choose another path")]
pub struct OpenError {
    path: String,
    why: String,
}

impl OpenError {
    pub(super) fn new(path: &Path, why: &impl ToString) -> Self {
        Self { path: path.display().to_string(), why: why.to_string() }
    }
}

/// Where a report goes.
#[derive(Debug)]
pub struct Output(Place);

#[derive(Debug)]
enum Place {
    /// Written beside it and renamed, so that a reader sees the old report or the new one and never half of one.
    Replaced { path: PathBuf, beside: PathBuf },
    /// A pipe or a device: cannot be replaced.
    Stream { file: File },
    /// Grows by the report; `from` is its length before.
    Appended { file: File, from: u64 },
}

/// Whether more is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The report so far, in case the run does not reach its end.
    Interim,
    /// The report.
    Final,
}

impl Output {
    /// A file that is replaced when the report is written; a pipe or device is written to.
    ///
    /// # Errors
    ///
    /// The path is a folder, or its folder is missing or may not be written to.
    pub fn create(path: &Path) -> Result<Self, OpenError> {
        let wrong = |why: &dyn ToString| OpenError::new(path, &why.to_string());
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(wrong(&"a folder")),
            Ok(found) if !found.is_file() => {
                let file = OpenOptions::new().write(true).open(path).map_err(|error| wrong(&error))?;
                return Ok(Self(Place::Stream { file }));
            }
            Ok(_) | Err(_) => {}
        }
        // A link stays a link: what it points to is replaced.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let Some(name) = path.file_name() else {
            return Err(wrong(&"a path without a file name"));
        };
        let beside = path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
        File::create(&beside).and_then(|_| std::fs::remove_file(&beside)).map_err(|error| wrong(&error))?;
        Ok(Self(Place::Replaced { path, beside }))
    }

    /// A file that the report is added to, such as the step summary of a CI service.
    ///
    /// # Errors
    ///
    /// The file may not be written to.
    pub fn append(path: &Path) -> Result<Self, OpenError> {
        let open = || {
            // Not in append mode: writing the report a second time starts at the same place.
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
            let from = file.metadata()?.len();
            Ok(Self(Place::Appended { file, from }))
        };
        open().map_err(|error: io::Error| OpenError::new(path, &error))
    }

    pub(super) fn put(&mut self, report: &[u8], stage: Stage) -> io::Result<()> {
        match &mut self.0 {
            Place::Replaced { path, beside } => {
                let written = std::fs::write(&*beside, report).and_then(|()| std::fs::rename(&*beside, &*path));
                if written.is_err() {
                    // The first error is the one to tell.
                    let _ = std::fs::remove_file(beside);
                }
                written
            }
            Place::Stream { file } => match stage {
                Stage::Interim => Ok(()),
                Stage::Final => file.write_all(report),
            },
            Place::Appended { file, from } => {
                file.set_len(*from)?;
                io::Seek::seek(file, io::SeekFrom::Start(*from))?;
                file.write_all(report)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_replaces_the_old_one_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.xml");
        std::fs::write(&path, "old").unwrap();
        let mut output = Output::create(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        output.put(b"interim", Stage::Interim).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "interim");
        output.put(b"new", Stage::Final).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_others_wrote_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("summary.md");
        std::fs::write(&path, "before\n").unwrap();
        let mut output = Output::append(&path).unwrap();
        output.put(b"a longer interim report\n", Stage::Interim).unwrap();
        output.put(b"report\n", Stage::Final).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before\nreport\n");
    }

    #[test]
    fn an_unwritable_path_is_found_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing/report.xml");
        for path in [dir.path(), missing.as_path(), Path::new("/")] {
            let error = Output::create(path).unwrap_err().to_string();
            assert!(error.contains("expected a file that the report can be written to"), "{error}");
            assert!(!error.contains('\n'));
        }
        assert!(Output::append(dir.path()).is_err());
    }
}
