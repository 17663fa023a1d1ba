//! What the data of the suite has to keep: cases, saboteurs, vectors and ledger against each other.

use zmq_vectors::{Kind, Means, Verdict, Zmtp};
use zmqspec::case::library::Library;
use zmqspec::case::lint::{Finding, lint};
use zmqspec::ledger::coverage::{EntryCoverage, Sources, Standing};
use zmqspec::ledger::{CaseRef, Exceptions, Ledger, Level, Listing, Mutations, Options, coverage};
use zmqspec::sabotage;
use zmqspec::wire::frame::{Decoded, decode, flag};
use zmqspec::wire::greeting::{GREETING, Greeting};
use zmqspec::wire::metadata;

/// RFCs of which every binding statement is proved: the stable part.
const STABLE: [u16; 13] = [13, 15, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 37];

#[test]
fn no_case_breaks_a_rule_or_has_never_been_failed() {
    let findings = lint(&Library::embedded().unwrap(), &sabotage::all().unwrap());
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

/// The cases, as the ledger sees them.
fn references(library: &Library) -> Vec<CaseRef> {
    let reference = |case: &zmqspec::case::file::Case| CaseRef {
        id: case.id.clone(),
        requirements: case.checks.clone(),
        provisional: case.provisional,
        killed_by: case.killed_by.clone(),
        ..CaseRef::default()
    };
    library.cases().iter().map(reference).collect()
}

/// Binding statements of the stable part that nothing has been seen to fail for, and that no exception speaks of.
fn unproved(sources: Sources<'_>) -> Vec<String> {
    let options = Options { rfcs: STABLE.to_vec(), listing: Listing::Table };
    let coverage = coverage(Ledger::embedded(), sources, &options);
    let binding = |level: Level| matches!(level, Level::Must | Level::Grammar);
    let is_proved = |entry: &EntryCoverage| match entry.standing {
        Standing::Tested | Standing::Proven => entry.killed,
        Standing::Excepted | Standing::Untestable => true,
        Standing::Provisional | Standing::Open => false,
    };
    let entries = coverage.rfcs.iter().flat_map(|rfc| &rfc.entries);
    entries.filter(|entry| binding(entry.level) && !is_proved(entry)).map(|entry| entry.id.clone()).collect()
}

#[test]
fn every_binding_statement_of_the_stable_part_is_proved_or_excepted() {
    let library = Library::embedded().unwrap();
    let cases = references(&library);
    let sources = Sources { cases: &cases, mutations: Mutations::embedded(), exceptions: Exceptions::embedded() };
    assert_eq!(
        unproved(sources),
        [""; 0],
        "neither a case under a saboteur, nor a test under a mutation, nor an exception"
    );
    let coverage = coverage(Ledger::embedded(), sources, &Options::default());
    assert!(coverage.unknown.is_empty(), "cases name requirements that the ledger lacks: {:?}", coverage.unknown);
    assert!(coverage.stale_exceptions.is_empty(), "covered and excepted: {:?}", coverage.stale_exceptions);
}

#[test]
fn what_nobody_has_seen_fail_is_unproved() {
    let library = Library::embedded().unwrap();
    let mut cases = references(&library);
    let (mutations, exceptions) = (Mutations::default(), Exceptions::default());
    let all = |cases: &[CaseRef]| {
        unproved(Sources { cases, mutations: Mutations::embedded(), exceptions: Exceptions::embedded() })
    };
    let without = |cases: &[CaseRef], mutations, exceptions| unproved(Sources { cases, mutations, exceptions });
    assert!(without(&cases, &mutations, Exceptions::embedded()).contains(&"Z85-VECTOR-01".to_owned()));
    assert!(without(&cases, Mutations::embedded(), &exceptions).contains(&"ZMTP31-GROUP-01".to_owned()));
    cases.iter_mut().for_each(|case| case.killed_by.clear());
    assert!(all(&cases).contains(&"ZMTP31-READY-01".to_owned()));
    cases.clear();
    assert!(all(&cases).contains(&"ZMTP31-READY-01".to_owned()));
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
