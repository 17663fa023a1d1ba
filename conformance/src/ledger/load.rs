//! Reads ledger files. Every error is one line that names the file and, where there is one, the line.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Check, EXCEPTIONS_FILE, Ledger, Level, Requirement, Rfc};

/// Why a ledger or its exceptions cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The operating system refused.
    #[error("{path}: cannot be read: {why}")]
    Unreadable {
        /// What was to be read.
        path: String,
        /// The system's words.
        why: String,
    },
    /// No ledger file where some were expected.
    #[error("{path}: expected a directory with ledger files (one *.toml per RFC), got none")]
    Nothing {
        /// What was to be read.
        path: String,
    },
    /// Not TOML, a field that is unknown, missing or of another type, a level or check that is none.
    #[error("{file}:{line}: {why}")]
    Form {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What was expected and what came.
        why: String,
    },
    /// Form is right, content is not.
    #[error("{file}: {why}")]
    Content {
        /// The file.
        file: String,
        /// What was expected and what came.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RfcFile {
    rfc: u16,
    name: String,
    requirement: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    section: String,
    level: Level,
    role: String,
    check: Check,
    text: String,
    how: String,
}

impl Ledger {
    /// Loads every `*.toml` file of a directory except `exceptions.toml`.
    ///
    /// # Errors
    /// The first file that cannot be read or does not have the form, and ids or RFC numbers that come twice.
    pub fn load_dir(path: impl AsRef<Path>) -> Result<Self, LedgerError> {
        let dir = path.as_ref();
        let unreadable = |path: &Path, error: &std::io::Error| LedgerError::Unreadable {
            path: path.display().to_string(),
            why: error.to_string(),
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(dir).map_err(|error| unreadable(dir, &error))? {
            let path = entry.map_err(|error| unreadable(dir, &error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if is_ledger_file(&name) {
                files.push((name, fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?));
            }
        }
        if files.is_empty() {
            return Err(LedgerError::Nothing { path: dir.display().to_string() });
        }
        files.sort();
        Self::parse(&files)
    }

    /// Parses ledger files, given as name and text.
    ///
    /// # Errors
    /// The first file that does not have the form, and ids or RFC numbers that come twice.
    pub fn parse(files: &[(String, String)]) -> Result<Self, LedgerError> {
        let mut rfcs = Vec::new();
        let mut ids: BTreeMap<String, String> = BTreeMap::new();
        let mut numbers: BTreeMap<u16, String> = BTreeMap::new();
        for (name, text) in files {
            let content = |why: String| LedgerError::Content { file: name.clone(), why };
            let file: RfcFile = from_toml(name, text)?;
            if let Some(first) = numbers.insert(file.rfc, name.clone()) {
                return Err(content(format!("rfc {} stands in {first} already; one file per RFC", file.rfc)));
            }
            for entry in &file.requirement {
                if !well_formed(&entry.id) {
                    let got = &entry.id;
                    return Err(content(format!("expected an id like ZMTP31-READY-02, got {got:?}")));
                }
                if let Some(first) = ids.insert(entry.id.clone(), name.clone()) {
                    return Err(content(format!("id {} stands in {first} already; ids are unique", entry.id)));
                }
                for (field, value) in [("section", &entry.section), ("text", &entry.text), ("how", &entry.how)] {
                    if value.trim().is_empty() {
                        return Err(content(format!("{}: `{field}` is empty; say it in a sentence", entry.id)));
                    }
                }
            }
            let requirements = file.requirement.into_iter().map(|entry| entry.into_requirement(file.rfc)).collect();
            rfcs.push(Rfc { number: file.rfc, name: file.name, file: name.clone(), requirements });
        }
        rfcs.sort_by_key(|rfc| rfc.number);
        Ok(Self { rfcs })
    }
}

impl Entry {
    fn into_requirement(self, rfc: u16) -> Requirement {
        let Self { id, section, level, role, check, text, how } = self;
        Requirement { id, rfc, section, level, role, check, text, how }
    }
}

/// Whether a file of the directory holds requirements.
pub(super) fn is_ledger_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "toml") && name != EXCEPTIONS_FILE
}

/// Reads a TOML text into its type, with errors of one line.
pub(super) fn from_toml<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, LedgerError> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let why = error.message().replace('\n', " ");
        LedgerError::Form { file: file.to_owned(), line, why }
    })
}

/// Words of capitals and digits joined by hyphens, the last of them a number.
fn well_formed(id: &str) -> bool {
    let words: Vec<&str> = id.split('-').collect();
    let word = |word: &&str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    words.len() >= 3
        && words.iter().all(word)
        && words.last().is_some_and(|number| number.bytes().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"rfc = 99
name = "TEST"

[[requirement]]
id = "TEST-ONE-01"
section = "One"
level = "MUST"
role = "any"
check = "wire"
text = "A thing is done."
how = "Look at it."
"#;

    #[test]
    fn a_good_file_loads() {
        let ledger = Ledger::parse(&[("99.toml".into(), GOOD.into())]).unwrap();
        assert_eq!(ledger.find("TEST-ONE-01").unwrap().level, Level::Must);
    }

    #[test]
    fn defects_of_form_name_file_and_line() {
        insta::assert_snapshot!(
            [
                error_of("level = \"MUST\"", "level = "),
                error_of("level = \"MUST\"", "level = \"SHALL\""),
                error_of("check = \"wire\"", "check = \"eyes\""),
                error_of("role = \"any\"", "rolle = \"any\""),
                error_of("text = \"A thing is done.\"\n", ""),
                error_of("rfc = 99", "rfc = \"99\""),
                error_of("name = \"TEST\"", "title = \"TEST\""),
                error_of("[[requirement]]", "[[requirements]]"),
            ]
            .join("\n")
        );
    }

    #[test]
    fn defects_of_content_name_file_and_id() {
        let twice = GOOD.replace("rfc = 99\nname = \"TEST\"\n", "");
        insta::assert_snapshot!(
            [
                error_of("TEST-ONE-01", "test-one-01"),
                error_of("TEST-ONE-01", "TEST-01"),
                error_of("A thing is done.", " "),
                error_of("how = \"Look at it.\"\n", &format!("how = \"Look at it.\"\n{twice}")),
                Ledger::parse(&[("1.toml".into(), GOOD.into()), ("2.toml".into(), GOOD.into())])
                    .unwrap_err()
                    .to_string(),
            ]
            .join("\n")
        );
    }

    #[test]
    fn directories_without_a_ledger_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let shown = dir.path().display().to_string();
        let error = || Ledger::load_dir(dir.path()).unwrap_err().to_string();
        assert_eq!(error(), format!("{shown}: expected a directory with ledger files (one *.toml per RFC), got none"));
        fs::write(dir.path().join("exceptions.toml"), "").unwrap();
        assert!(error().ends_with("got none"));
        fs::create_dir(dir.path().join("1.toml")).unwrap();
        assert!(error().starts_with(&format!("{shown}/1.toml: cannot be read: ")), "{}", error());
        let missing = Ledger::load_dir(dir.path().join("missing")).unwrap_err().to_string();
        assert!(missing.starts_with(&format!("{shown}/missing: cannot be read: ")), "{missing}");
        fs::remove_dir(dir.path().join("1.toml")).unwrap();
        fs::write(dir.path().join("1.toml"), GOOD).unwrap();
        assert_eq!(Ledger::load_dir(dir.path()).unwrap().rfcs.len(), 1);
    }

    fn error_of(old: &str, new: &str) -> String {
        assert!(GOOD.contains(old));
        Ledger::parse(&[("99.toml".into(), GOOD.replacen(old, new, 1))]).unwrap_err().to_string()
    }
}
