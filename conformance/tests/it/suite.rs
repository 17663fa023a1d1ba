//! What the data of the suite has to keep: cases, saboteurs, vectors and ledger against each other.

use zmq_vectors::{Kind, Means, Verdict, Zmtp};
use zmqspec::case::library::Library;
use zmqspec::case::lint::{Finding, lint};
use zmqspec::ledger::coverage::Sources;
use zmqspec::ledger::{CaseRef, Check, Exceptions, Ledger, Level, Listing, Mutations, Options, coverage};
use zmqspec::sabotage;
use zmqspec::wire::frame::{Decoded, decode, flag};
use zmqspec::wire::greeting::{GREETING, Greeting};
use zmqspec::wire::metadata;

/// RFCs whose binding statements about the wire are within reach: NULL over tcp with the eleven stable socket types.
const WITHIN_REACH: [u16; 8] = [13, 15, 23, 28, 29, 30, 31, 37];

#[test]
fn no_case_breaks_a_rule_or_has_never_been_failed() {
    let findings = lint(&Library::embedded().unwrap(), &sabotage::all().unwrap());
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn every_binding_statement_about_the_wire_has_a_case_or_an_exception() {
    let library = Library::embedded().unwrap();
    let reference = |case: &zmqspec::case::file::Case| CaseRef {
        id: case.id.clone(),
        requirements: case.checks.clone(),
        provisional: case.provisional,
        ..CaseRef::default()
    };
    let cases: Vec<CaseRef> = library.cases().iter().map(reference).collect();
    let options = Options { rfcs: WITHIN_REACH.to_vec(), listing: Listing::Table };
    let sources = Sources { cases: &cases, mutations: Mutations::embedded(), exceptions: Exceptions::embedded() };
    let coverage = coverage(Ledger::embedded(), sources, &options);
    let binding = |level: Level| matches!(level, Level::Must | Level::Grammar);
    let open: Vec<&str> = coverage
        .open()
        .filter(|entry| binding(entry.level) && entry.check == Check::Wire)
        .map(|entry| entry.id.as_str())
        .collect();
    assert!(open.is_empty(), "neither case nor exception: {}", open.join(", "));
    assert!(coverage.unknown.is_empty(), "cases name requirements that the ledger lacks: {:?}", coverage.unknown);
    assert!(coverage.stale_exceptions.is_empty(), "covered and excepted: {:?}", coverage.stale_exceptions);
}

#[test]
fn every_saboteur_fails_some_case() {
    let library = Library::embedded().unwrap();
    let idle: Vec<String> = sabotage::all()
        .unwrap()
        .into_iter()
        .map(|saboteur| saboteur.name)
        .filter(|name| !library.cases().iter().any(|case| case.killed_by.contains(name)))
        .collect();
    assert!(idle.is_empty(), "no case names {}", idle.join(", "));
}

/// The harness's decoders and the vectors were written by different hands; they have to agree.
#[test]
fn the_decoders_of_the_raw_peer_agree_with_the_vectors() {
    let mut compared = 0;
    for vector in zmq_vectors::all().iter().filter(|vector| matches!(vector.zmtp, Zmtp::V3_0 | Zmtp::V3_1)) {
        let octets = vector.expand();
        let id = &vector.id;
        match (vector.kind, vector.means(), &vector.verdict) {
            (Kind::Greeting, Some(Means::Greeting(means)), _) if means.minor.is_some() => {
                let greeting = Greeting::decode(octets.first_chunk::<GREETING>().unwrap());
                assert_eq!((greeting.version.major, Some(greeting.version.minor)), (means.major, means.minor), "{id}");
                assert_eq!(Some(greeting.as_server), means.as_server.or(Some(greeting.as_server)), "{id}");
                assert_eq!(greeting.encode(), octets[..GREETING], "{id}");
                compared += 1;
            }
            (Kind::Frame, Some(Means::Frame(means)), _) => {
                let Decoded::Frame(frame, taken) = decode(&octets, 1 << 30) else { panic!("{id} does not decode") };
                assert_eq!((frame.body.len(), taken), (means.size, octets.len()), "{id}");
                let named = |name: &str| means.flags.iter().any(|flag| flag == name);
                assert_eq!(frame.has_more(), named("more"), "{id}");
                assert_eq!(frame.is_command(), named("command"), "{id}");
                assert_eq!(frame.flags & flag::LONG != 0, named("long"), "{id}");
                compared += 1;
            }
            (Kind::Command, Some(Means::Command(means)), _) => {
                let Decoded::Frame(frame, _) = decode(&octets, 1 << 30) else { panic!("{id} does not decode") };
                let (name, data) = frame.command().unwrap();
                assert_eq!(name, means.name.as_bytes(), "{id}");
                if let Some(properties) = &means.properties {
                    let names = |found: Vec<metadata::Property>| -> Vec<Vec<u8>> {
                        found.into_iter().map(|p| p.name).collect()
                    };
                    let wanted: Vec<Vec<u8>> = properties.iter().map(|p| p.name.clone().into_bytes()).collect();
                    assert_eq!(metadata::decode(data).map(names), Ok(wanted), "{id}");
                }
                compared += 1;
            }
            (Kind::Frame, None, Verdict::Invalid { .. }) => {
                assert!(
                    !matches!(decode(&octets, 1 << 30), Decoded::Frame(_, taken) if taken == octets.len()),
                    "{id} decodes"
                );
                compared += 1;
            }
            _ => {}
        }
    }
    assert!(compared > 200, "only {compared} vectors were compared");
}
