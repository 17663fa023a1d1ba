//! Where expectations come from: the files inside the binary, a file of the user's, or nowhere.

use std::path::PathBuf;

use include_dir::{Dir, include_dir};

use super::{ExpectError, Expectations};

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/expectations");

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The built-in file for the subject's name, where there is one.
    Builtin,
    /// No expectations: every deviation is red (`--expect none`).
    None,
    /// This file instead of the built-in one (`--expect FILE`).
    File(PathBuf),
}

/// Reads the expectations for a subject that calls itself `subject`.
///
/// # Errors
///
/// The file is unreadable or unsound, or was written for a subject of another name.
pub fn select(choice: &Choice, subject: &str) -> Result<Option<Expectations>, ExpectError> {
    match choice {
        Choice::None => Ok(None),
        Choice::Builtin => {
            builtin(subject).map(|text| Expectations::parse(&format!("builtin:{subject}"), text)).transpose()
        }
        Choice::File(path) => {
            let file = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|error| ExpectError::Unreadable {
                why: format!(
                    "expected a readable file of expectations in TOML, came: {error}; check the path after --expect"
                ),
                file: file.clone(),
            })?;
            let expectations = Expectations::parse(&file, &text)?;
            if expectations.subject == subject {
                Ok(Some(expectations))
            } else {
                Err(ExpectError::Wrong {
                    file,
                    line: expectations.subject_line,
                    text: format!(
                        "expected subject = \"{subject}\", the name that the adapter reports, came \"{}\"; \
                         choose the file written for this subject",
                        expectations.subject
                    ),
                })
            }
        }
    }
}

/// Names of the subjects that the binary has expectations for, sorted.
#[must_use]
pub fn builtin_subjects() -> Vec<&'static str> {
    let stem = |file: &'static include_dir::File<'_>| {
        let is_toml = file.path().extension().is_some_and(|extension| extension == "toml");
        if is_toml { file.path().file_stem()?.to_str() } else { None }
    };
    let mut names: Vec<_> = BUILTIN.files().filter_map(stem).collect();
    names.sort_unstable();
    names
}

fn builtin(subject: &str) -> Option<&'static str> {
    // The name comes from the adapter: it is compared with the files there are, never made into a path.
    builtin_subjects().contains(&subject).then(|| BUILTIN.get_file(format!("{subject}.toml")))??.contents_utf8()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_file_is_sound_and_named_for_its_subject() {
        assert!(builtin_subjects().contains(&"libzmq"));
        for name in builtin_subjects() {
            let expectations = select(&Choice::Builtin, name).unwrap().unwrap();
            assert_eq!(expectations.subject, name);
            assert_eq!(expectations.name, format!("builtin:{name}"));
        }
    }

    #[test]
    fn a_subject_without_a_file_has_no_expectations() {
        assert_eq!(select(&Choice::Builtin, "another").unwrap(), None);
        assert_eq!(select(&Choice::Builtin, "../expectations/libzmq").unwrap(), None);
        assert_eq!(select(&Choice::None, "libzmq").unwrap(), None);
    }

    /// What it does otherwise than a case demands is a defect of one of the two, and never expected.
    #[test]
    fn the_reference_has_no_expectations() {
        assert_eq!(select(&Choice::Builtin, crate::adapter::reference::NAME).unwrap(), None);
    }

    #[test]
    fn a_file_replaces_the_builtin_one_and_must_be_for_this_subject() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mine.toml");
        std::fs::write(&path, "edition = 1\nsubject = \"other\"\n").unwrap();
        let file = Choice::File(path);
        assert_eq!(select(&file, "other").unwrap().unwrap().subject, "other");
        let error = select(&file, "libzmq").unwrap_err().to_string();
        assert!(error.contains("mine.toml:2: expected subject = \"libzmq\""), "{error}");
        let error = select(&Choice::File(dir.path().to_owned()), "libzmq").unwrap_err().to_string();
        assert!(error.contains("expected a readable file"), "{error}");
    }
}
