//! Measures this library and others against libzmq.
//!
//!     cargo bench -p zmq-reference --bench against_libzmq -- --help
//!
//! The measuring is in `reference/peers`, a workspace of its own that may know other implementations. This starts it.

use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` runs this program too, without that word.
    if !words.iter().any(|word| word == "--bench") {
        println!("nothing is measured but under `cargo bench`");
        return ExitCode::SUCCESS;
    }
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../peers");
    let mut run = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    run.args(["run", "--quiet", "--release", "--package", "peer-harness", "--bin", "against_libzmq"]);
    run.arg("--manifest-path").arg(peers.join("Cargo.toml")).arg("--target-dir").arg(peers.join("target"));
    let status = run.arg("--").args(words).status();
    let code = match status {
        Ok(status) => status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1),
        Err(error) => {
            eprintln!("cannot start cargo for the workspace in {}: {error}", peers.display());
            1
        }
    };
    ExitCode::from(code)
}
