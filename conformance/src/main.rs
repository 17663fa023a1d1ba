//! The `zmqspec` command.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["adapter", "libzmq"] => zmqspec::adapter::libzmq::serve_libzmq(None),
        ["adapter", "libzmq", path] => {
            zmqspec::adapter::libzmq::serve_libzmq(Some(Path::new(path)))
        }
        _ => {
            eprintln!("zmqspec: expected `adapter libzmq [PATH]`");
            ExitCode::from(2)
        }
    }
}
