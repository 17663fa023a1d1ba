//! The interposer as a file, for as long as somebody preloads it.

use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs, process};

/// The library, as the build script made it; empty where there is none.
const OCTETS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/interposer.so"));

/// The file, in a folder that only this user can read; both go with the last of it.
#[derive(Debug)]
pub struct Interposer {
    folder: PathBuf,
}

impl Interposer {
    /// Writes the file.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] elsewhere than on x86-64 Linux with glibc; else the file system's.
    pub fn unpack() -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        if OCTETS.is_empty() {
            let text = "a captive libzmq needs Linux on x86-64 with glibc";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("zmqspec-captive-{}-{number}", process::id()));
        // One of an earlier process with this id: it is ours or nobody can remove it, and then creating fails.
        let _ = fs::remove_dir_all(&folder);
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let this = Self { folder };
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o500).open(this.path())?;
        file.write_all(OCTETS)?;
        Ok(this)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join("interposer.so")
    }

    /// The folder, in which files of runs may be put.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Interposer {
    fn drop(&mut self) {
        // What cannot be removed is in nobody's way.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
