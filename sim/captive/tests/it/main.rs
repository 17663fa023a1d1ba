//! Captive libzmqs.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they are")]

mod bugs;
mod outside;
mod plans;
mod programs;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use zmq_captive::Libzmq;

/// The libraries that these tests are about: the system's, and those in `ZMQSPEC_CAPTIVE_LIBRARIES`, with colons between
/// a library and what has to be loaded before it, and spaces between libraries.
fn libraries() -> Vec<(PathBuf, Vec<PathBuf>)> {
    let system = zmq_libzmq::Library::open(None).unwrap().path().to_owned();
    let more = std::env::var("ZMQSPEC_CAPTIVE_LIBRARIES").unwrap_or_default();
    let more = more.split_whitespace().map(|one| {
        let mut files = one.split(':').map(PathBuf::from);
        (files.next().unwrap(), files.collect())
    });
    std::iter::once((system, Vec::new())).chain(more).collect()
}

fn child() -> OsString {
    Path::new(env!("CARGO_BIN_EXE_zmq-captive-host")).into()
}

fn engines() -> impl Iterator<Item = Libzmq> {
    libraries().into_iter().map(|(library, preloads)| Libzmq::new(&library, &preloads, vec![child()]).unwrap())
}
