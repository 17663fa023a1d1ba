//! Pinned builds, and the cache that holds those that were fetched.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::SubjectError;

/// The list, as it stands in the repository.
const PINS: &str = include_str!("../../../ci/subjects.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pins {
    subject: Vec<Pin>,
}

/// One pinned build.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pin {
    pub(super) name: String,
    pub(super) version: String,
    /// What pip is asked for.
    pub(super) requirement: String,
    /// Which of its wheels.
    pub(super) pip: Vec<String>,
    pub(super) wheel: PinnedFile,
    pub(super) library: PinnedFile,
    #[serde(default)]
    pub(super) preload: Vec<PinnedFile>,
}

/// A file and what it must hash to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PinnedFile {
    pub(super) file: String,
    pub(super) sha256: String,
}

impl PinnedFile {
    /// Name without the folders of the wheel.
    pub(super) fn base(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or(&self.file)
    }
}

impl Pin {
    /// The files that a cached build has.
    pub(super) fn files(&self) -> impl Iterator<Item = &PinnedFile> {
        std::iter::once(&self.library).chain(&self.preload)
    }
}

/// A build in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedBuild {
    /// The library to test.
    pub library: PathBuf,
    /// What must be loaded before it.
    pub preloads: Vec<PathBuf>,
}

impl CachedBuild {
    /// Value of the variable that tells the adapter what to load first, where there is something.
    pub(super) fn preload(&self) -> Option<String> {
        let joined = std::env::join_paths(&self.preloads).ok()?;
        (!joined.is_empty()).then(|| joined.to_string_lossy().into_owned())
    }
}

/// Where fetched builds are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

/// A pinned build and whether it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// As a subject is written: `libzmq@4.3.5`.
    pub subject: String,
    /// The build in the cache, if it was fetched.
    pub cached: Option<PathBuf>,
    /// SHA-256 of the library, lower-case hex.
    pub sha256: String,
}

impl Cache {
    /// `$ZMQSPEC_CACHE`, else `zmqspec` under `$XDG_CACHE_HOME`, else under `~/.cache`.
    #[must_use]
    pub fn locate() -> Self {
        Self::locate_by(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    /// This folder.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A pinned build from the cache.
    ///
    /// # Errors
    ///
    /// [`SubjectError::NotPinned`] or [`SubjectError::NotFetched`].
    pub fn build(&self, name: &str, version: &str) -> Result<CachedBuild, SubjectError> {
        let pin = pin(name, version)?;
        let build = self.place(&pin);
        let whole = build.preloads.iter().chain([&build.library]).all(|path| path.is_file());
        if whole { Ok(build) } else { Err(SubjectError::NotFetched { version: version.to_owned() }) }
    }

    /// Where a pinned build's files are, or will be.
    pub(super) fn place(&self, pin: &Pin) -> CachedBuild {
        let folder = self.folder(pin);
        CachedBuild {
            library: folder.join(pin.library.base()),
            preloads: pin.preload.iter().map(|file| folder.join(file.base())).collect(),
        }
    }

    /// Named by version and digest: a changed pin is another folder.
    pub(super) fn folder(&self, pin: &Pin) -> PathBuf {
        let digest = pin.library.sha256.get(..12).unwrap_or(&pin.library.sha256);
        self.root.join(format!("{}-{}-{digest}", pin.name, pin.version))
    }

    fn locate_by(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        if let Some(root) = variable("ZMQSPEC_CACHE") {
            return Self::at(root);
        }
        let base = variable("XDG_CACHE_HOME").map(PathBuf::from);
        let base = base.or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".cache")));
        Self::at(base.unwrap_or_else(std::env::temp_dir).join("zmqspec"))
    }
}

/// Every pinned build, in the order of the list, and whether this cache has it.
#[must_use]
pub fn list(cache: &Cache) -> Vec<Listed> {
    let pins = pins();
    let listed = pins.iter().map(|pin| Listed {
        subject: format!("{}@{}", pin.name, pin.version),
        cached: cache.build(&pin.name, &pin.version).ok().map(|build| build.library),
        sha256: pin.library.sha256.clone(),
    });
    listed.collect()
}

/// The pinned build of that name and version.
pub(super) fn pin(name: &str, version: &str) -> Result<Pin, SubjectError> {
    let pins = pins();
    let found = pins.iter().find(|pin| pin.name == name && pin.version == version);
    found.cloned().ok_or_else(|| {
        let versions: Vec<&str> = pins.iter().map(|pin| pin.version.as_str()).collect();
        SubjectError::NotPinned { version: version.to_owned(), pinned: versions.join(", ") }
    })
}

fn pins() -> Vec<Pin> {
    toml::from_str::<Pins>(PINS).expect("a test reads the list that is compiled in").subject
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pin_names_its_files_by_whole_digests() {
        let pins = pins();
        assert!(pins.len() >= 7, "{}", pins.len());
        for file in pins.iter().flat_map(|pin| pin.files().chain([&pin.wheel])) {
            assert_eq!(file.sha256.len(), 64, "{}", file.file);
            assert!(file.sha256.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f')), "{}", file.file);
        }
    }

    #[test]
    fn the_cache_is_where_the_environment_says() {
        let at = |known: &[(&str, &str)]| {
            let lookup =
                |name: &str| known.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
            Cache::locate_by(lookup).root
        };
        assert_eq!(at(&[("ZMQSPEC_CACHE", "/a"), ("HOME", "/h")]), Path::new("/a"));
        assert_eq!(at(&[("XDG_CACHE_HOME", "/x"), ("HOME", "/h")]), Path::new("/x/zmqspec"));
        assert_eq!(at(&[("HOME", "/h")]), Path::new("/h/.cache/zmqspec"));
    }
}
