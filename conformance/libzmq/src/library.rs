//! Opening a libzmq, and what can be asked of it without a context.

use std::ffi::{CStr, CString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libloading::os::unix::{Library as Handle, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};

use crate::error::Error;
use crate::symbols::Symbols;

/// A loaded libzmq. Clones share it; it stays loaded until the last of them, and all that was made of it, is gone.
#[derive(Clone)]
pub struct Library {
    inner: Arc<Inner>,
}

struct Inner {
    symbols: Symbols,
    path: PathBuf,
    /// Last, so that the code outlives every pointer into it.
    _handle: Handle,
}

/// Why a library could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No such file, or no right to read it.
    #[error("cannot read the library {}: {source}; give the path of a libzmq shared library", path.display())]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The path names a directory or a device.
    #[error("{} is not a file; give the path of a libzmq shared library, for example {}/libzmq.so", path.display(), path.display())]
    NotAFile {
        /// The path as given.
        path: PathBuf,
    },
    /// The loader refused it: not a shared library, another architecture, or one of its own dependencies is missing.
    #[error("the loader refused {}: {native}; expected a shared library for this machine with its dependencies present", path.display())]
    Refused {
        /// The path as given.
        path: PathBuf,
        /// The loader's own words.
        native: String,
    },
    /// Loaded, but a function that every libzmq has is missing.
    #[error("{} is not a libzmq of version 4.0 or later: it does not define {symbol}", path.display())]
    NotLibzmq {
        /// The path as given.
        path: PathBuf,
        /// The missing function.
        symbol: &'static str,
    },
    /// No libzmq where the system's loader looks.
    #[error(
        "no libzmq is installed where the loader looks (tried {tried}): {native}; install the package libzmq5, or give a path"
    )]
    NoneInstalled {
        /// Names tried.
        tried: String,
        /// The loader's own words on the last of them.
        native: String,
    },
}

/// Version of a libzmq, in its natural order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 4.
    pub major: i32,
    /// Second number.
    pub minor: i32,
    /// Third number.
    pub patch: i32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Library {
    /// Opens the library at `path`, or the system's libzmq.
    ///
    /// # Errors
    ///
    /// [`LoadError`], whose text says what was expected and what to do. A symbol that only some versions have is no
    /// error.
    pub fn open(path: Option<&Path>) -> Result<Self, LoadError> {
        match path {
            Some(path) => {
                let path = readable(path)?;
                let handle = load(&path, RTLD_NOW | RTLD_LOCAL)
                    .map_err(|native| LoadError::Refused { path: path.clone(), native })?;
                Self::of(handle, path)
            }
            None => {
                let mut native = String::new();
                for name in SYSTEM_NAMES {
                    match load(Path::new(name), RTLD_NOW | RTLD_LOCAL) {
                        Ok(handle) => return Self::of(handle, PathBuf::from(name)),
                        Err(said) => native = said,
                    }
                }
                Err(LoadError::NoneInstalled { tried: SYSTEM_NAMES.join(", "), native })
            }
        }
    }

    /// Loads a library that a libzmq needs, so that the loader finds it by name. It stays loaded.
    ///
    /// # Errors
    ///
    /// As [`Library::open`], for a file that is missing or not a shared library.
    pub fn preload(path: &Path) -> Result<(), LoadError> {
        let path = readable(path)?;
        let handle = load(&path, RTLD_NOW | RTLD_GLOBAL).map_err(|native| LoadError::Refused { path, native })?;
        std::mem::forget(handle);
        Ok(())
    }

    fn of(handle: Handle, path: PathBuf) -> Result<Self, LoadError> {
        // SAFETY: a library that defines these names is taken to be libzmq: nobody else's names begin with `zmq_`.
        let symbols = match unsafe { Symbols::load(&handle) } {
            Ok(symbols) => symbols,
            Err(symbol) => return Err(LoadError::NotLibzmq { path, symbol }),
        };
        let path = mapped_at(symbols.version as usize).unwrap_or(path);
        Ok(Self { inner: Arc::new(Inner { symbols, path, _handle: handle }) })
    }

    /// Path of the loaded file, links resolved, where the system tells.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// What `zmq_version` reports.
    #[must_use]
    pub fn version(&self) -> Version {
        let (mut major, mut minor, mut patch) = (0, 0, 0);
        // SAFETY: three valid pointers, as the function demands.
        unsafe { (self.symbols().version)(&raw mut major, &raw mut minor, &raw mut patch) };
        Version { major, minor, patch }
    }

    /// What `zmq_has` says of a feature; `false` where the library lacks `zmq_has` (before 4.1). The library compares
    /// exactly, and spells most features in lower case, `WS` and `WSS` in upper case.
    #[must_use]
    pub fn has(&self, feature: &str) -> bool {
        let (Some(has), Ok(feature)) = (self.symbols().has, CString::new(feature)) else {
            return false;
        };
        // SAFETY: a NUL-terminated string that lives through the call.
        unsafe { has(feature.as_ptr()) == 1 }
    }

    /// Whether both are the same loaded library.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn symbols(&self) -> &Symbols {
        &self.inner.symbols
    }

    /// The error of the call that has just failed on this thread.
    pub(crate) fn last_error(&self, call: &'static str) -> Error {
        // SAFETY: takes nothing; reads this thread's errno.
        let number = unsafe { (self.symbols().errno)() };
        // SAFETY: strerror gives a NUL-terminated string that stays valid until the next call on this thread.
        let text = unsafe {
            let text = (self.symbols().strerror)(number);
            if text.is_null() { String::new() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
        };
        Error { call, number, text }
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Library({} {})", self.path().display(), self.version())
    }
}

#[cfg(target_os = "macos")]
const SYSTEM_NAMES: &[&str] = &["libzmq.5.dylib", "libzmq.dylib"];
#[cfg(not(target_os = "macos"))]
const SYSTEM_NAMES: &[&str] = &["libzmq.so.5", "libzmq.so"];

/// The path with links resolved, so that the loader takes this file and does not search for its name.
fn readable(path: &Path) -> Result<PathBuf, LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
    let resolved = path.canonicalize().map_err(unreadable)?;
    if !resolved.is_file() {
        return Err(LoadError::NotAFile { path: path.to_owned() });
    }
    std::fs::File::open(&resolved).map_err(unreadable)?;
    Ok(resolved)
}

/// The error is the loader's own text.
fn load(path: &Path, flags: std::ffi::c_int) -> Result<Handle, String> {
    // SAFETY: initialisers of the library run; that is what the caller asked for by naming it.
    unsafe { Handle::open(Some(path), flags) }.map_err(|error| match std::error::Error::source(&error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    })
}

/// The file that is mapped at this address of the process.
fn mapped_at(address: usize) -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let end = usize::from_str_radix(end, 16).ok()?;
        if !(start..end).contains(&address) {
            return None;
        }
        rest.find('/').map(|at| PathBuf::from(&rest[at..]))
    })?;
    path.is_file().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_and_a_folder_are_told_apart() {
        let missing = Library::open(Some(Path::new("/nowhere/libzmq.so"))).unwrap_err();
        assert!(matches!(missing, LoadError::Unreadable { .. }), "{missing}");
        let folder = Library::open(Some(Path::new("/"))).unwrap_err();
        assert!(matches!(folder, LoadError::NotAFile { .. }), "{folder}");
    }

    #[test]
    fn a_file_that_is_no_library_is_refused_with_the_loaders_words() {
        let error = Library::open(Some(Path::new("Cargo.toml"))).unwrap_err();
        assert!(matches!(error, LoadError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("Cargo.toml"), "{error}");
    }

    #[test]
    fn an_address_of_this_program_maps_to_its_file() {
        if cfg!(target_os = "linux") {
            let here = mapped_at(load as *const () as usize);
            assert_eq!(here, std::env::current_exe().ok());
        }
    }
}
