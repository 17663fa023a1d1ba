//! The `zmqspec` command.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use zmqspec::adapter::libzmq::serve_libzmq;
use zmqspec::subject::{Cache, Fetched, SubjectError, SubjectSpec, fetch, list, verify};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["adapter", "libzmq"] => return serve_libzmq(None),
        ["adapter", "libzmq", path] => return serve_libzmq(Some(Path::new(path))),
        ["subject", "list"] => {
            subject_list();
            Ok(ExitCode::SUCCESS)
        }
        ["subject", "fetch", spec] => subject_fetch(spec),
        ["subject", "verify", spec] => subject_verify(spec),
        _ => {
            eprintln!(
                "zmqspec: expected `subject list`, `subject fetch libzmq@VERSION` or `subject verify SUBJECT`"
            );
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("zmqspec: {error}");
        match error {
            SubjectError::Unknown { .. } | SubjectError::NotPinned { .. } => ExitCode::from(2),
            SubjectError::NotServed { .. }
            | SubjectError::NoFile { .. }
            | SubjectError::NotFetched { .. }
            | SubjectError::Fetch { .. }
            | SubjectError::Io { .. } => ExitCode::from(3),
        }
    })
}

fn subject_list() {
    for build in list(&Cache::locate()) {
        let place = build
            .cached
            .map_or("not fetched".to_owned(), |path| path.display().to_string());
        println!("{}  {}  {place}", build.subject, build.sha256);
    }
}

fn subject_fetch(spec: &str) -> Result<ExitCode, SubjectError> {
    match fetch(&spec.parse()?, &Cache::locate())? {
        Fetched::New(path) => println!("fetched {}", path.display()),
        Fetched::AlreadyThere(path) => println!("there already: {}", path.display()),
    }
    Ok(ExitCode::SUCCESS)
}

fn subject_verify(spec: &str) -> Result<ExitCode, SubjectError> {
    let spec: SubjectSpec = spec.parse()?;
    let drills = verify::verify(&spec.launch(&[])?, Duration::from_secs(10), |drill| {
        println!("{drill}");
    });
    Ok(if verify::passed(&drills) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}
