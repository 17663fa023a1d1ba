//! The published schema against what is written.

use serde_json::{Value, json};

use super::sample;
use crate::event::Event;

const SCHEMA: &str = include_str!("../../schema/events.v1.json");

#[test]
fn every_event_is_as_the_schema_says_and_has_no_field_it_does_not_name() {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    close(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for event in sample::whole_run().iter().chain(&sample::green_run()) {
        let value = serde_json::to_value(event).unwrap();
        let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{value}: {errors:?}");
        kinds.insert(value["event"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds.len(), 5, "every kind of event was held against the schema");
}

#[test]
fn a_wrong_event_is_refused() {
    let validator = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let case = serde_json::to_value(Event::CaseFinished(Box::new(sample::crashed("a/b")))).unwrap();
    let start = serde_json::to_value(Event::RunStarted(Box::new(sample::started()))).unwrap();
    let finish = serde_json::to_value(Event::RunFinished(sample::finished())).unwrap();
    assert!(validator.is_valid(&case) && validator.is_valid(&start) && validator.is_valid(&finish));
    let wrong: [(&Value, &str, Value); 11] = [
        (&case, "/event", json!("case-begun")),
        (&case, "/verdict/conformance", json!("ok")),
        (&case, "/verdict/close", json!("FIN")),
        (&case, "/standing", json!("red")),
        (&case, "/run/role", json!("server")),
        (&case, "/revision", json!(0)),
        (&case, "/transcript/1/sent", json!("FF")),
        (&case, "/failure/accepted", json!("close")),
        (&start, "/schema", json!(2)),
        (&start, "/subject/sha256", json!("12")),
        (&finish, "/exit_code", json!(3)),
    ];
    for (event, at, value) in wrong {
        let mut event = event.clone();
        *event.pointer_mut(at).unwrap() = value;
        assert!(!validator.is_valid(&event), "{at}");
    }
    let mut two = case.clone();
    two["transcript"][1]["received"] = json!("00");
    assert!(!validator.is_valid(&two), "an exchange is one thing");
    let mut none = case;
    none.as_object_mut().unwrap().remove("verdict");
    assert!(!validator.is_valid(&none));
}

#[test]
fn the_schema_is_open_to_new_fields() {
    let validator = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let mut case = serde_json::to_value(Event::CaseFinished(Box::new(sample::passed("a/b")))).unwrap();
    case["later"] = json!(1);
    assert!(validator.is_valid(&case));
}

/// Forbids fields without a name wherever the schema names any.
fn close(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        if object.contains_key("properties") {
            object.insert("additionalProperties".to_owned(), json!(false));
        }
        object.values_mut().for_each(close);
    } else if let Some(list) = schema.as_array_mut() {
        list.iter_mut().for_each(close);
    }
}
