//! `subject`: which there are, getting them, drilling an adapter.

use std::time::Duration;

use super::Refusal;
use super::check::unusable;
use super::options::SubjectVerb;
use super::voice::print_line;
use crate::exit::Exit;
use crate::subject::{Cache, Fetched, SubjectSpec, fetch, list, verify};

/// Longest wait for `hello` of an adapter that is drilled.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

pub(super) fn run(verb: &SubjectVerb) -> Result<u8, Refusal> {
    match verb {
        SubjectVerb::List => {
            for build in list(&Cache::locate()) {
                let place = build.cached.map_or_else(|| "not fetched".to_owned(), |path| path.display().to_string());
                print_line(&format!("{}  {}  {place}", build.subject, build.sha256));
            }
        }
        SubjectVerb::Fetch { subjects } => {
            for subject in subjects {
                let spec: SubjectSpec = subject.parse().map_err(|error| unusable(&error))?;
                let words = match fetch(&spec, &Cache::locate()).map_err(|error| unusable(&error))? {
                    Fetched::New(path) => format!("{spec}: fetched {}", path.display()),
                    Fetched::AlreadyThere(path) => format!("{spec}: there already, {}", path.display()),
                };
                print_line(&words);
            }
        }
        SubjectVerb::Verify { subject } => {
            let spec: SubjectSpec = subject.parse().map_err(|error| unusable(&error))?;
            let launch = spec.launch(&[]).map_err(|error| unusable(&error))?;
            let drills = verify::verify(&launch, HELLO_WITHIN, |drill| print_line(&drill.to_string()));
            if !verify::passed(&drills) {
                return Ok(Exit::Differs.code());
            }
        }
    }
    Ok(Exit::AsExpected.code())
}
