//! Subjects: what is checked. From the words on the command line to a process that can be started.

mod digest;
mod fetch;
mod pins;
pub mod verify;
mod words;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::adapter::libzmq::PRELOAD;
use crate::adapter::process::Launch;
use crate::adapter::protocol::Hello;
use crate::event::SubjectIdentity;

/// Splits a command into words as a shell does, quotes included.
///
/// # Errors
/// Says what is wrong with a quote.
pub fn split_words(command: &str) -> Result<Vec<String>, String> {
    words::split(command)
}

pub use fetch::{Fetched, fetch};
pub use pins::{Cache, CachedBuild, Listed, list};

/// The subject as the user writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectSpec {
    /// A libzmq, driven by the built-in adapter.
    Libzmq(Libzmq),
    /// Any adapter: program and arguments.
    Exec(Vec<String>),
    /// The reference implementation.
    Reference,
    /// A bare address that some socket listens on.
    Tcp {
        /// Host and port.
        address: String,
        /// Type of the socket that listens.
        kind: String,
    },
    /// An adapter that is running already.
    Attach(String),
}

/// Which libzmq.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Libzmq {
    /// The one that the system's loader finds.
    System,
    /// This file.
    Path(PathBuf),
    /// A pinned build from the cache.
    Version(String),
}

/// Why a subject cannot be had. Every text is one line and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// Not one of the forms.
    #[error("`{spec}` is not a subject: {why}; expected {ACCEPTED}")]
    Unknown {
        /// As written.
        spec: String,
        /// What is wrong with it.
        why: String,
    },
    /// A form that this version cannot run.
    #[error("the subject `{spec}` cannot be started as an adapter: {instead}")]
    NotServed {
        /// As written.
        spec: String,
        /// What to use instead.
        instead: &'static str,
    },
    /// The library's file is not there.
    #[error("there is no file {}; expected the path of a libzmq shared library after `libzmq:`", path.display())]
    NoFile {
        /// As written.
        path: PathBuf,
    },
    /// No build of that version is pinned.
    #[error(
        "no build of libzmq {version} is pinned; expected one of {pinned}, or `libzmq:PATH` for a build of your own"
    )]
    NotPinned {
        /// As written.
        version: String,
        /// What is pinned.
        pinned: String,
    },
    /// Pinned, but not in the cache.
    #[error("libzmq {version} is not in the cache; run `zmqspec subject fetch libzmq@{version}` first")]
    NotFetched {
        /// As written.
        version: String,
    },
    /// Fetching failed.
    #[error("cannot fetch {what}: {why}")]
    Fetch {
        /// Name and version.
        what: String,
        /// What came, and what to do.
        why: String,
    },
    /// The system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The forms of a subject, for messages.
pub const ACCEPTED: &str = "`reference`, `libzmq`, `libzmq:PATH`, `libzmq@VERSION` or `exec:COMMAND`";

/// Socket types that a bare address can be said to have.
const TYPES: &[&str] = &[
    "PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB", "STREAM", "SERVER",
    "CLIENT", "RADIO", "DISH", "GATHER", "SCATTER", "PEER", "CHANNEL",
];

impl FromStr for SubjectSpec {
    type Err = SubjectError;

    fn from_str(spec: &str) -> Result<Self, SubjectError> {
        parse(spec).map_err(|why| SubjectError::Unknown { spec: spec.to_owned(), why })
    }
}

impl fmt::Display for SubjectSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Libzmq(Libzmq::System) => write!(f, "libzmq"),
            Self::Libzmq(Libzmq::Path(path)) => write!(f, "libzmq:{}", path.display()),
            Self::Libzmq(Libzmq::Version(version)) => write!(f, "libzmq@{version}"),
            Self::Exec(words) => write!(f, "exec:{}", words::join(words)),
            Self::Reference => write!(f, "reference"),
            Self::Tcp { address, kind } => write!(f, "tcp://{address}?type={kind}"),
            Self::Attach(address) => write!(f, "attach:{address}"),
        }
    }
}

impl SubjectSpec {
    /// How to start it: for libzmq and the reference, this very program as an adapter. `wrap` is put before the command.
    ///
    /// # Errors
    ///
    /// [`SubjectError`] for a form without an adapter, a missing file, or a version that is not in the cache.
    pub fn launch(&self, wrap: &[String]) -> Result<Launch, SubjectError> {
        let program = std::env::current_exe()
            .map_err(|source| SubjectError::Io { what: "cannot find this program's own file".into(), source })?;
        self.launch_by(&program, &Cache::locate(), wrap)
    }

    /// As [`SubjectSpec::launch`], with the program that has the built-in adapters, and the cache, named.
    ///
    /// # Errors
    ///
    /// As [`SubjectSpec::launch`].
    pub fn launch_by(&self, program: &Path, cache: &Cache, wrap: &[String]) -> Result<Launch, SubjectError> {
        let built_in = |name: &str, path: Option<&Path>, env| {
            let words = [program.display().to_string(), "adapter".into(), name.into()];
            let path = path.map(|path| path.display().to_string());
            Launch { command: words.into_iter().chain(path).collect(), env, wrap: wrap.to_vec() }
        };
        let adapter = |path, env| built_in("libzmq", path, env);
        let not_served = |instead| Err(SubjectError::NotServed { spec: self.to_string(), instead });
        match self {
            Self::Libzmq(Libzmq::System) => Ok(adapter(None, Vec::new())),
            Self::Libzmq(Libzmq::Path(path)) if !path.exists() => Err(SubjectError::NoFile { path: path.clone() }),
            Self::Libzmq(Libzmq::Path(path)) => Ok(adapter(Some(path), Vec::new())),
            Self::Libzmq(Libzmq::Version(version)) => {
                let build = cache.build("libzmq", version)?;
                let env = build.preload().map(|value| (PRELOAD.to_owned(), value)).into_iter().collect();
                Ok(adapter(Some(&build.library), env))
            }
            Self::Exec(words) => Ok(Launch { command: words.clone(), env: Vec::new(), wrap: wrap.to_vec() }),
            Self::Reference => Ok(built_in("reference", None, Vec::new())),
            Self::Tcp { .. } => {
                not_served("a bare address has no adapter; give `exec:COMMAND` or `libzmq` where one is needed")
            }
            Self::Attach(_) => not_served("let zmqspec start the adapter with `exec:COMMAND`"),
        }
    }
}

/// Who a running subject is: what it says of itself, and the digest of the file that holds it.
#[must_use]
pub fn identity(spec: &SubjectSpec, hello: &Hello, startup: Duration) -> SubjectIdentity {
    let declared = hello.path.clone().map(PathBuf::from);
    let path = declared.or_else(|| match spec {
        SubjectSpec::Exec(words) => words.first().map(PathBuf::from).filter(|path| path.is_file()),
        SubjectSpec::Libzmq(_) | SubjectSpec::Reference | SubjectSpec::Tcp { .. } | SubjectSpec::Attach(_) => None,
    });
    let mut features = hello.features.clone();
    features.sort();
    SubjectIdentity {
        spec: spec.to_string(),
        name: hello.name.clone(),
        version: hello.version.clone(),
        commit: hello.commit.clone(),
        sha256: path.as_deref().and_then(|path| digest::of_file(path).ok()),
        path: path.map(|path| path.display().to_string()),
        features,
        os: std::env::consts::OS.to_owned(),
        startup_ms: u64::try_from(startup.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The error is what is wrong with it.
fn parse(spec: &str) -> Result<SubjectSpec, String> {
    if spec.trim().is_empty() {
        return Err("it is empty".into());
    }
    if let Some(address) = spec.strip_prefix("tcp://") {
        return parse_tcp(address);
    }
    match spec {
        "libzmq" => return Ok(SubjectSpec::Libzmq(Libzmq::System)),
        "reference" => return Ok(SubjectSpec::Reference),
        _ => {}
    }
    let after = |prefix: &str, what: &str| match spec.strip_prefix(prefix) {
        Some("") => Some(Err(format!("{what} is missing after `{prefix}`"))),
        Some(rest) => Some(Ok(rest)),
        None => None,
    };
    if let Some(path) = after("libzmq:", "the path") {
        return Ok(SubjectSpec::Libzmq(Libzmq::Path(PathBuf::from(path?))));
    }
    if let Some(version) = after("libzmq@", "the version") {
        return Ok(SubjectSpec::Libzmq(Libzmq::Version(version?.to_owned())));
    }
    if let Some(command) = after("exec:", "the command") {
        let words = words::split(command?)?;
        return if words.is_empty() { Err("the command is empty".into()) } else { Ok(SubjectSpec::Exec(words)) };
    }
    if let Some(address) = after("attach:", "the address") {
        return Ok(SubjectSpec::Attach(address?.to_owned()));
    }
    Err("no such form".into())
}

fn parse_tcp(rest: &str) -> Result<SubjectSpec, String> {
    let (address, query) = rest.split_once('?').ok_or("the socket type is missing; add `?type=REP`, for example")?;
    let kind = query.strip_prefix("type=").ok_or_else(|| format!("expected `type=…` after `?`, came `{query}`"))?;
    if !TYPES.contains(&kind) {
        return Err(format!("`{kind}` is not a socket type, which is one of {}", TYPES.join(", ")));
    }
    let (host, port) = address.rsplit_once(':').ok_or("the port is missing")?;
    if host.is_empty() {
        return Err("the host is missing".into());
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(SubjectSpec::Tcp { address: address.to_owned(), kind: kind.to_owned() }),
        Ok(0) | Err(_) => Err(format!("`{port}` is not a port from 1 to 65535")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_and_writes_itself() {
        for spec in [
            "libzmq",
            "libzmq:./libzmq.so",
            "libzmq@4.3.5",
            "exec:python3 'my adapter.py' --fast",
            "reference",
            "tcp://localhost:5555?type=REP",
            "tcp://[::1]:5555?type=XPUB",
            "attach:/run/adapter",
        ] {
            let parsed: SubjectSpec = spec.parse().unwrap();
            assert_eq!(parsed.to_string(), spec);
        }
    }

    #[test]
    fn nonsense_is_refused_in_one_line() {
        let texts = [
            "",
            " ",
            "libzm",
            "libzmq:",
            "libzmq@",
            "exec:",
            "exec:  ",
            "exec:a 'b",
            "tcp://host:1",
            "tcp://host?type=REP",
            "tcp://host:0?type=REP",
            "tcp://:1?type=REP",
            "tcp://host:1?type=TUBA",
            "tcp://host:1?kind=REP",
            "attach:",
            "LIBZMQ",
            "python3 adapter.py",
        ]
        .map(|spec| spec.parse::<SubjectSpec>().unwrap_err().to_string());
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    fn forms_without_an_adapter_say_what_to_use_instead() {
        let cache = Cache::at("/nowhere");
        let texts =
            ["tcp://h:1?type=REP", "attach:x", "libzmq:/nowhere/libzmq.so", "libzmq@4.3.5", "libzmq@9.9"].map(|spec| {
                let spec: SubjectSpec = spec.parse().unwrap();
                spec.launch_by(Path::new("zmqspec"), &cache, &[]).unwrap_err().to_string()
            });
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    fn what_has_a_built_in_adapter_is_driven_by_this_program() {
        for name in ["libzmq", "reference"] {
            let spec: SubjectSpec = name.parse().unwrap();
            let launch = spec.launch_by(Path::new("zmqspec"), &Cache::at("/nowhere"), &["gdb".into()]).unwrap();
            assert_eq!(launch.command, ["zmqspec", "adapter", name]);
            assert_eq!(launch.wrap, ["gdb"]);
        }
    }
}
