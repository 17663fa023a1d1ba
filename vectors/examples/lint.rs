//! Lints a directory of vector files; with `--write` it first rewrites them in canonical form.
//!
//! `cargo run -p zmq-vectors --example lint -- vectors/data [--write]`

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(dir), option) = (arguments.next(), arguments.next()) else {
        eprintln!("expected a directory of vector files, got nothing");
        return ExitCode::from(2);
    };
    match run(Path::new(&dir), option.as_deref() == Some("--write")) {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            findings.iter().for_each(|finding| eprintln!("{finding}"));
            ExitCode::from(1)
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
    }
}

fn run(dir: &Path, write: bool) -> Result<Vec<zmq_vectors::Finding>, String> {
    let files = zmq_vectors::load_files(dir).map_err(|error| error.to_string())?;
    let mut texts = Vec::new();
    for file in &files {
        let path = dir.join(&file.name);
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        if write {
            std::fs::write(&path, zmq_vectors::canonical(file)).map_err(failed)?;
        }
        texts.push((file.name.clone(), std::fs::read_to_string(&path).map_err(failed)?));
    }
    Ok(zmq_vectors::lint(&texts, zmq_vectors::TOMBSTONES, None))
}
