//! `vectors export`: the wire vectors as seeds for a fuzzer.

use std::collections::BTreeSet;
use std::path::Path;

use super::Refusal;
use super::options::VectorsVerb;
use super::voice::print_line;
use crate::exit::Exit;

/// Words that a parser compares against, for the dictionary of a fuzzer.
const WORDS: &[&str] = &[
    "READY",
    "ERROR",
    "PING",
    "PONG",
    "SUBSCRIBE",
    "CANCEL",
    "JOIN",
    "LEAVE",
    "HELLO",
    "WELCOME",
    "INITIATE",
    "MESSAGE",
    "NULL",
    "PLAIN",
    "CURVE",
    "GSSAPI",
    "Socket-Type",
    "Identity",
    "Resource",
    "REQ",
    "REP",
    "DEALER",
    "ROUTER",
    "PUB",
    "XPUB",
    "SUB",
    "XSUB",
    "PUSH",
    "PULL",
    "PAIR",
    "CLIENT",
    "SERVER",
    "RADIO",
    "DISH",
    "SCATTER",
    "GATHER",
    "PEER",
    "CHANNEL",
];
/// Longest seed; a fuzzer gains nothing from longer ones.
const LONGEST: usize = 64 * 1024;

pub(super) fn run(verb: &VectorsVerb) -> Result<u8, Refusal> {
    let VectorsVerb::Export { dir } = verb;
    let written = export(dir).map_err(|error| Refusal::usage(format!("cannot write to {}: {error}", dir.display())))?;
    print_line(&format!("{written} seeds and zmtp.dict in {}", dir.display()));
    Ok(Exit::AsExpected.code())
}

fn export(dir: &Path) -> std::io::Result<usize> {
    std::fs::create_dir_all(dir)?;
    let mut seen = BTreeSet::new();
    for vector in zmq_vectors::all() {
        let octets = vector.expand();
        // Two vectors with the same octets are one seed.
        if octets.len() <= LONGEST && seen.insert(octets.clone()) {
            std::fs::write(dir.join(vector.id.replace('/', "+")), octets)?;
        }
    }
    let dictionary: String = WORDS.iter().map(|word| format!("\"{word}\"\n")).collect();
    std::fs::write(dir.join("zmtp.dict"), dictionary)?;
    Ok(seen.len())
}
