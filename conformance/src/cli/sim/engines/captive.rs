//! A captive libzmq: from a subject to an engine.

use std::path::PathBuf;
use std::process::ExitCode;

use zmq_captive::{Doubt, survey};
use zmq_libzmq::Library;
use zmq_sim::engine::Engine;

use crate::adapter::libzmq::PRELOAD;
use crate::cli::Refusal;
use crate::cli::check::unusable;
use crate::cli::voice::remark;
use crate::exit::Exit;
use crate::subject::{Cache, Libzmq, SubjectError};

/// The verb of the child that carries plans out.
pub(in crate::cli) fn host() -> ExitCode {
    zmq_captive::host::main()
}

/// An engine of which a run that does nothing is known to end well.
pub(super) fn engine(which: &Libzmq) -> Result<Box<dyn Engine>, Refusal> {
    let (library, preloads) = files(which)?;
    for file in preloads.iter().chain([&library]) {
        // Who cannot read it says so below, with more reason.
        for doubt in survey(file).unwrap_or_default() {
            let text = format!("{}: {doubt}", file.display());
            match doubt {
                Doubt::OtherFormat => return Err(Refusal::new(Exit::NoSubject, text)),
                Doubt::Static | Doubt::Function(_) => {
                    remark(&format!("{text}; --twice shows whether a seed is one run"));
                }
                // There are some in every library of that size.
                Doubt::SystemCalls(_) | Doubt::Randomness(_) => {}
            }
        }
    }
    let no_subject = |why: &dyn std::fmt::Display| Refusal::new(Exit::NoSubject, why);
    let program = std::env::current_exe()
        .map_err(|source| unusable(&SubjectError::Io { what: "cannot find this program's own file".into(), source }))?;
    let child = vec![program.into(), "captive-host".into()];
    let engine = zmq_captive::Libzmq::new(&library, &preloads, child).map_err(|why| no_subject(&why))?;
    engine.probe().map_err(|why| no_subject(&why))?;
    Ok(Box::new(engine))
}

/// The library, and what is to be loaded before it.
fn files(which: &Libzmq) -> Result<(PathBuf, Vec<PathBuf>), Refusal> {
    let named = || {
        let named = std::env::var_os(PRELOAD).unwrap_or_default();
        std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect()
    };
    match which {
        Libzmq::System => {
            // Only the loader knows where it is.
            let system = Library::open(None).map_err(|why| Refusal::new(Exit::NoSubject, why))?;
            remark(&format!("libzmq is {}, version {}", system.path().display(), system.version()));
            Ok((system.path().to_owned(), named()))
        }
        Libzmq::Path(path) if !path.exists() => Err(unusable(&SubjectError::NoFile { path: path.clone() })),
        Libzmq::Path(path) => Ok((path.clone(), named())),
        Libzmq::Version(version) => {
            let build = Cache::locate().build("libzmq", version).map_err(|error| unusable(&error))?;
            Ok((build.library, build.preloads))
        }
    }
}
