//! All cases: those that travel inside the binary, or those of a folder.

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, include_dir};

use super::file::{Case, read};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/cases");
const ROOT: &str = "conformance/cases";

/// All cases, sorted by id.
#[derive(Debug, Clone)]
pub struct Library {
    cases: Vec<Case>,
}

impl Library {
    /// The cases inside the binary.
    ///
    /// # Errors
    /// One line that names file and line; a released binary has none, since a test loads it.
    pub fn embedded() -> Result<Self, String> {
        let mut files = Vec::new();
        collect(&EMBEDDED, &mut files);
        Self::from_files(files)
    }

    /// The cases of a folder that is laid out as `conformance/cases/`.
    ///
    /// # Errors
    /// One line that names the file, and the line where it applies.
    pub fn from_folder(folder: &Path) -> Result<Self, String> {
        let mut files = Vec::new();
        walk(folder, &mut files)?;
        if files.is_empty() {
            return Err(format!(
                "expected case files (*.toml) in {}, found none; name a folder laid out as {ROOT}",
                folder.display()
            ));
        }
        Self::from_files(files)
    }

    fn from_files(mut files: Vec<(String, String)>) -> Result<Self, String> {
        files.sort();
        let mut cases = Vec::new();
        for (name, text) in &files {
            cases.extend(read(text, name)?);
        }
        cases.sort_by(|a, b| a.id.cmp(&b.id));
        let mut seen = BTreeMap::new();
        for case in &cases {
            if let Some(first) = seen.insert(&case.id, &case.source) {
                return Err(format!("{}: expected a new id, found {:?} of {first} again", case.source, case.id));
            }
        }
        Ok(Self { cases })
    }

    /// The cases, sorted by id.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The case of an id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Case> {
        self.cases.binary_search_by(|case| case.id.as_str().cmp(id)).ok().map(|i| &self.cases[i])
    }
}

fn collect(dir: &Dir<'_>, files: &mut Vec<(String, String)>) {
    for file in dir.files() {
        if file.path().extension().is_some_and(|extension| extension == "toml") {
            let text = file.contents_utf8().unwrap_or_default();
            files.push((format!("{ROOT}/{}", file.path().display()), text.to_owned()));
        }
    }
    for inner in dir.dirs() {
        collect(inner, files);
    }
}

fn walk(folder: &Path, files: &mut Vec<(String, String)>) -> Result<(), String> {
    let unreadable = |path: &Path, error: std::io::Error| {
        format!("{}: expected case files (*.toml) in a folder, came: {error}; check the path", path.display())
    };
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            files.push((path.display().to_string(), text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_cases_can_be_read() {
        let library = Library::embedded().unwrap_or_else(|why| panic!("{why}"));
        assert!(library.find("no/such/case").is_none());
        let first = &library.cases()[0];
        assert_eq!(library.find(&first.id).map(|case| &case.source), Some(&first.source));
    }

    #[test]
    fn an_id_that_stands_twice_is_refused_with_both_places() {
        let case = "[[case]]\nid = \"a\"\ntitle = \"t\"\nchecks = []\nclass = \"spec\"\nsubject = \"PUSH\"\nsteps = \"peer links\"\n";
        let file = ("conformance/cases/x.toml".to_owned(), format!("area = \"x\"\n{case}{case}"));
        let why = Library::from_files(vec![file]).unwrap_err();
        assert_eq!(
            why,
            "conformance/cases/x.toml:10: expected a new id, found \"x/a\" of conformance/cases/x.toml:3 again"
        );
    }

    #[test]
    fn a_folder_without_cases_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Library::from_folder(folder.path()).unwrap_err().starts_with("expected case files (*.toml) in"));
        assert!(
            Library::from_folder(&folder.path().join("none"))
                .unwrap_err()
                .contains("expected case files (*.toml) in a folder, came")
        );
    }
}
