//! The program from outside: what a user types, what comes on stdout and stderr, in files, and as exit code.

mod captive;
mod interrupt;
mod reference;
mod refusals;
mod runs;
mod sim;
mod wayward;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder of its own to run the program in, so that names in messages do not vary.
struct Place {
    folder: tempfile::TempDir,
}

/// What came of one run of the program.
#[derive(Debug)]
struct Came {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        Self { folder }
    }

    /// With the folder `cases`: these files of the suite. The whole suite takes a debug build seconds to read.
    fn with_cases(files: &[&str]) -> Self {
        let place = Self::new();
        for file in files {
            let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("cases").join(file);
            let to = place.path("cases").join(file);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(from, to).unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zmqspec"));
        command.args(words).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("ZMQSPEC_CACHE", self.path("cache"));
        for name in ["GITHUB_ACTIONS", "CLICOLOR_FORCE", "FORCE_COLOR", "ZMQSPEC_LIBZMQ_PRELOAD"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, words: &[&str]) -> Came {
        Came::of(&self.command(words).output().unwrap())
    }

    /// The events of a run, from the file that `--json` named.
    fn events(&self, name: &str) -> Vec<Value> {
        events(&self.read(name))
    }
}

impl Came {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().expect("the program ends by itself"),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// Every line has to be an event as the published schema has it.
fn events(text: &str) -> Vec<Value> {
    let schema = serde_json::from_str(include_str!("../../schema/events.v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for event in &events {
        let errors: Vec<String> = validator.iter_errors(event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{event}: {errors:?}");
    }
    assert_eq!(events[0]["event"], "run-started");
    assert_eq!(events.last().unwrap()["event"], "run-finished");
    accounted_for(&events);
    events
}

/// Every planned run is in the stream or counted as not run, and the totals are those of the stream.
fn accounted_for(events: &[Value]) {
    let last = events.last().unwrap();
    let finished = of_kind(events, "case-finished").len() as u64;
    let total =
        |field: &str| last[field].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>();
    assert_eq!((total("conformance"), total("standing")), (finished, finished));
    let rest = last["not_run"].as_u64().unwrap() + last["embargoed"].as_u64().unwrap();
    assert_eq!(events[0]["planned"].as_u64().unwrap(), finished + rest);
}

fn of_kind<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

/// The name of a run as `--run` takes it.
fn run_id(event: &Value) -> String {
    let word = |field: &str| event["run"][field].as_str().unwrap().to_owned();
    format!("{}@{}@{}", word("case"), word("role"), word("zmtp"))
}
