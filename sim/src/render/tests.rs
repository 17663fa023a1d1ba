use super::*;
use crate::render::line::What;

#[test]
fn spans_have_three_digits() {
    let told: Vec<_> = [0, 999, 1000, 1234, 12_345, 999_999, 3_000_000, 1_050_000_000, 61_000_000_000].map(span).into();
    assert_eq!(told, ["0ns", "999ns", "1µs", "1.23µs", "12.3µs", "999µs", "3ms", "1.05s", "61s"]);
}

#[test]
fn a_run_in_words() {
    let film = fixture::film();
    insta::assert_snapshot!(film.picture().words(Last::All));
}

#[test]
fn the_last_events_are_those_around_what_is_wrong() {
    let film = fixture::film();
    let words = film.picture().words(Last::Events(12));
    insta::assert_snapshot!(words);
}

#[test]
fn a_message_is_known_in_every_packet_that_has_something_of_it() {
    let film = fixture::film();
    let picture = film.picture();
    let carriers = |name: &str| {
        let of =
            |line: &&Line| matches!(line.what, What::Packet { .. }) && line.messages.iter().any(|known| known == name);
        picture.lines.iter().filter(of).count()
    };
    // Sent alone, with the other twice, and cut in the middle.
    assert_eq!(carriers("source.0#4"), 4);
    assert_eq!(carriers("source.0#6"), 5);
    assert_eq!(carriers("source.0#8"), 1);
}

/// Carries the plan out, with the octets of all packets.
fn run(plan: &Plan) -> Run {
    use crate::engine::{Engine, Recording};
    crate::bare::Bare.run(plan, Recording::Octets)
}

/// Messages in packets that arrived, and whether they are guessed; those that were received.
fn carried_and_received(picture: &Picture<'_>) -> (Vec<(String, bool)>, Vec<String>) {
    let (mut carried, mut received) = (Vec::new(), Vec::new());
    for line in &picture.lines {
        match &line.what {
            What::Packet { guessed, fate: line::Fate::Arrives { .. }, .. } => {
                carried.extend(line.messages.iter().map(|name| (name.clone(), *guessed)));
            }
            What::Call { call: "received", .. } => received.extend(line.messages.clone()),
            _ => {}
        }
    }
    (carried, received)
}

#[test]
fn what_an_engine_recorded_has_the_way_of_every_message() {
    let plan = fixture::plan();
    let run = run(&plan);
    let picture = Picture::new(&plan, &run, &[]);
    let (carried, received) = carried_and_received(&picture);
    assert!(received.len() > 5, "{}", picture.words(Last::All));
    for name in &received {
        assert!(carried.contains(&(name.clone(), false)), "{name}: {}", picture.words(Last::All));
    }
}

#[test]
fn sealed_messages_are_known_by_their_order() {
    let mut plan = fixture::plan();
    plan.faults.clear();
    for (socket, security) in plan.sockets.iter_mut().zip([
        "mechanism = 'CURVE'\nname = 'source'\nserver-name = 'sinks'",
        "mechanism = 'CURVE'\nname = 'sinks'\nserver = true",
        "mechanism = 'CURVE'\nname = 'sinks'\nserver = true",
    ]) {
        socket.options.security = Some(toml::from_str(security).unwrap());
    }
    let run = run(&plan);
    let picture = Picture::new(&plan, &run, &[]);
    let (carried, received) = carried_and_received(&picture);
    assert!(received.len() > 5, "{}", picture.words(Last::All));
    let mut carried: Vec<_> = carried.into_iter().collect();
    let mut expected: Vec<_> = received.into_iter().map(|name| (name, true)).collect();
    carried.sort();
    expected.sort();
    assert_eq!(carried, expected, "{}", picture.words(Last::All));
}

#[test]
fn every_line_of_json_is_as_the_schema_says() {
    let schema = serde_json::from_str(include_str!("trace.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let film = fixture::film();
    let text = film.picture().json_lines();
    let mut kinds = std::collections::BTreeSet::new();
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        kinds.insert(value["event"].as_str().unwrap().to_owned());
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line}\n{errors:#?}");
        let Some(object) = value.as_object() else { panic!("{line}") };
        for field in object.keys() {
            let mut without = object.clone();
            without.insert(format!("{field}x"), without[field].clone());
            without.remove(field);
            assert!(!validator.is_valid(&without.into()), "{field} misspelt is taken: {line}");
        }
    }
    let kinds: Vec<_> = kinds.into_iter().collect();
    assert_eq!(
        kinds,
        [
            "call",
            "connection",
            "datagram",
            "end",
            "fault",
            "healed",
            "host",
            "link",
            "lost",
            "monitor",
            "packet",
            "run"
        ]
    );
}

#[test]
fn pictures_of_the_same_run_are_the_same() {
    let (one, other) = (fixture::film(), fixture::film());
    let (one, other) = (one.picture(), other.picture());
    assert_eq!(one.json_lines(), other.json_lines());
    assert_eq!(one.html(), other.html());
    assert_eq!(one.perfetto(), other.perfetto());
    assert_eq!(one.pcapng(), other.pcapng());
}

/// Whatever was drawn: ipc, inproc, datagrams, mechanisms, devices, every fault.
#[test]
fn drawn_plans_have_all_pictures() {
    let schema = serde_json::from_str(include_str!("trace.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..6 {
        let plan = crate::swarm::draw(seed);
        let run = run(&plan);
        let violations = crate::oracle::judge(&plan, &run);
        let picture = Picture::new(&plan, &run, &violations);
        for line in picture.json_lines().lines() {
            assert!(validator.is_valid(&serde_json::from_str(line).unwrap()), "{seed}: {line}");
        }
        let words = picture.words(Last::Events(30));
        assert!(words.lines().filter(|line| !line.starts_with('…')).count() <= 30, "{seed}");
        assert!(picture.html().contains("\"lines\":[\n"), "{seed}");
        let trace: serde_json::Value = serde_json::from_str(&picture.perfetto()).unwrap();
        assert!(trace["traceEvents"].as_array().unwrap().len() > plan.hosts.len(), "{seed}");
        let file = folder.path().join(format!("{seed}.pcapng"));
        std::fs::write(&file, picture.pcapng()).unwrap();
        super::pcapng::tests::nothing_is_wrong_with(&file);
    }
}
