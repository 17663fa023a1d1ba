//! What must hold for the repository as a whole.
//!
//! Each rule is a function from texts to findings, so that a test beside it can plant a defect; the tests named
//! `the_repository_…` hold the rules against the files that are there.

mod files;
mod ids;
mod manifests;
mod mutations;

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the repository: its path with `/`, relative to the root, and its text.
struct Text {
    path: String,
    text: String,
}

impl Text {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file of the repository that is text, sorted by path. Build output and hidden folders other than `.cargo` and
/// `.github` are left out.
fn texts() -> Vec<Text> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // In a worktree `.git` is a file.
            if path.is_symlink() || name == ".git" {
                continue;
            }
            if path.is_dir() {
                let hidden = name.starts_with('.') && ![".cargo", ".github"].contains(&name.as_str());
                if !hidden && !["target", "book", "node_modules"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else {
                // Pictures have no text, and are there.
                let text = fs::read_to_string(&path).unwrap_or_default();
                let relative = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                found.push(Text { path: relative, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.iter().any(|file| file.path == "Cargo.toml"), "the walk starts at the root of the repository");
    found
}

fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}
