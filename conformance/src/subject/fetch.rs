//! Fetching a pinned build into the cache: pip brings the wheel, Python's zipfile opens it, digests decide.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use super::pins::{Cache, CachedBuild, Pin, PinnedFile, pin};
use super::{Libzmq, SubjectError, SubjectSpec, digest};

/// What `fetch` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// It was there, whole, already.
    AlreadyThere(PathBuf),
    /// It is there now.
    New(PathBuf),
}

/// Gets the pinned build that a `libzmq@VERSION` names, unless the cache has it.
///
/// # Errors
///
/// [`SubjectError`]: not a pinned form, no pip, another digest than the pinned one, or a folder that cannot be written.
pub fn fetch(spec: &SubjectSpec, cache: &Cache) -> Result<Fetched, SubjectError> {
    let SubjectSpec::Libzmq(Libzmq::Version(version)) = spec else {
        let why = "it cannot be fetched, as only a pinned `libzmq@VERSION` can".to_owned();
        return Err(SubjectError::Unknown { spec: spec.to_string(), why });
    };
    let pin = pin("libzmq", version)?;
    let build = cache.place(&pin);
    if is_whole(&pin, &build) {
        return Ok(Fetched::AlreadyThere(build.library));
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(failed(&pin, "pinned builds are for Linux on x86-64; use `libzmq:PATH` with a build of your own"));
    }
    let io = |what: String| move |source| SubjectError::Io { what, source };
    let shown = cache.root().display().to_string();
    std::fs::create_dir_all(cache.root()).map_err(io(format!("cannot make the cache folder {shown}")))?;
    let work = Workspace::under(cache.root()).map_err(io(format!("cannot make a folder in {shown}")))?;
    download(&pin, &work.0)?;
    let ready = work.0.join("ready");
    unpack(&pin, &work.0, &ready)?;
    let folder = cache.folder(&pin);
    if folder.exists() {
        // Not whole, or it would have been used.
        std::fs::remove_dir_all(&folder).map_err(io(format!("cannot replace {}", folder.display())))?;
    }
    match std::fs::rename(&ready, &folder) {
        Ok(()) => Ok(Fetched::New(build.library)),
        // Somebody else fetched the same at the same time.
        Err(_) if is_whole(&pin, &build) => Ok(Fetched::AlreadyThere(build.library)),
        Err(source) => Err(SubjectError::Io { what: format!("cannot put {} in place", folder.display()), source }),
    }
}

/// A folder that goes when the fetch ends, however it ends.
struct Workspace(PathBuf);

impl Workspace {
    fn under(root: &Path) -> std::io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = root.join(format!(".fetch-{}-{number}", std::process::id()));
        std::fs::create_dir(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // What cannot be removed is in nobody's way.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn is_whole(pin: &Pin, build: &CachedBuild) -> bool {
    let paths = std::iter::once(&build.library).chain(&build.preloads);
    pin.files().zip(paths).all(|(file, path)| digest::of_file(path).is_ok_and(|found| found == file.sha256))
}

fn download(pin: &Pin, folder: &Path) -> Result<(), SubjectError> {
    let fixed = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
    let mut words: Vec<String> = fixed.map(str::to_owned).to_vec();
    words.extend(pin.pip.iter().cloned());
    words.extend(["-d".into(), folder.display().to_string(), pin.requirement.clone()]);
    python(pin, &words)?;
    check(pin, &pin.wheel, &folder.join(&pin.wheel.file))
}

fn unpack(pin: &Pin, folder: &Path, ready: &Path) -> Result<(), SubjectError> {
    let (wheel, opened) = (folder.join(&pin.wheel.file), folder.join("opened"));
    let words = ["-m", "zipfile", "-e"].map(str::to_owned).into_iter();
    let words: Vec<String> = words.chain([wheel.display().to_string(), opened.display().to_string()]).collect();
    python(pin, &words)?;
    let io = |source| SubjectError::Io { what: format!("cannot write {}", ready.display()), source };
    std::fs::create_dir(ready).map_err(io)?;
    for file in pin.files() {
        let member = opened.join(&file.file);
        check(pin, file, &member)?;
        std::fs::rename(&member, ready.join(file.base())).map_err(io)?;
    }
    Ok(())
}

fn check(pin: &Pin, file: &PinnedFile, path: &Path) -> Result<(), SubjectError> {
    match digest::of_file(path) {
        Ok(found) if found == file.sha256 => Ok(()),
        Ok(found) => Err(failed(
            pin,
            &format!("{} should have the sha256 {}, and has {found}; it is not used", file.file, file.sha256),
        )),
        Err(error) => Err(failed(pin, &format!("{} did not come: {error}", file.file))),
    }
}

/// Runs `python3`. The error has the last line that it printed.
fn python(pin: &Pin, words: &[String]) -> Result<(), SubjectError> {
    let run = Command::new("python3").args(words).stdin(Stdio::null()).output();
    let run = run.map_err(|error| failed(pin, &format!("cannot run `python3`: {error}; install Python 3 with pip")))?;
    if run.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&run.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing on stderr");
    Err(failed(pin, &format!("`python3 {}` ended with {}: {last}", words.join(" "), run.status)))
}

fn failed(pin: &Pin, why: &str) -> SubjectError {
    SubjectError::Fetch { what: format!("{} {}", pin.name, pin.version), why: why.to_owned() }
}
