//! Events back from a file, with one line and its number for whatever is wrong.

use std::path::Path;

use serde_json::Value;

use crate::event::{Event, SCHEMA};

/// Why a file of events was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The file as a whole.
    #[error("{file}: {text}")]
    File {
        /// Path as the user wrote it.
        file: String,
        /// What was expected, what came, what to do.
        text: String,
    },
    /// One of its lines.
    #[error("{file}:{line}: {text}")]
    Line {
        /// Path as the user wrote it.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What was expected, what came, what to do.
        text: String,
    },
}

/// Reads a file that `zmqspec check --json FILE` wrote.
///
/// A run that was cut between two events reads well: its last event is then not `run-finished`.
///
/// # Errors
///
/// The file is missing, a folder, empty, not a file of events, of another schema version, or ends within a line.
pub fn read_events(path: &Path) -> Result<Vec<Event>, ReadError> {
    let file = path.display().to_string();
    let whole = |text: String| ReadError::File { file: file.clone(), text };
    let came =
        if path.is_dir() { Err("a folder".to_owned()) } else { std::fs::read(path).map_err(|error| error.to_string()) };
    let octets =
        came.map_err(|came| whole(format!("expected a file of events (JSON lines), came: {came}; check the path")))?;
    if octets.iter().all(u8::is_ascii_whitespace) {
        let text =
            "expected a file of events (JSON lines), came an empty file; write one with `zmqspec check --json FILE`";
        return Err(whole(text.to_owned()));
    }
    let ends_whole = octets.ends_with(b"\n");
    let mut lines: Vec<&[u8]> = octets.split(|b| *b == b'\n').collect();
    if ends_whole {
        lines.pop();
    }
    let last = lines.len();
    let mut events = Vec::with_capacity(last);
    for (i, line) in lines.into_iter().enumerate() {
        let place = Place { first: i == 0, cut: i + 1 == last && !ends_whole };
        let event = event(line, place, events.last()).map_err(|text| ReadError::Line {
            file: file.clone(),
            line: i + 1,
            text,
        })?;
        events.push(event);
    }
    Ok(events)
}

/// Where a line stands.
#[derive(Clone, Copy)]
struct Place {
    first: bool,
    cut: bool,
}

fn event(line: &[u8], place: Place, before: Option<&Event>) -> Result<Event, String> {
    let value: Value = serde_json::from_slice(line).map_err(|error| {
        if place.cut {
            "expected a whole line, came the beginning of one; the run or the copy was cut: remove this line or repeat the run"
                .to_owned()
        } else {
            format!("expected an event as a JSON object, came: {}; give a file that `zmqspec check --json FILE` wrote", plain(&error))
        }
    })?;
    let kind = value.get("event").and_then(Value::as_str).unwrap_or_default().to_owned();
    if place.first != (kind == "run-started") {
        return Err(if place.first {
            format!("expected the event run-started first, came {}; give a whole file of events", named(&kind))
        } else {
            "expected one run in the file, came a second run-started; split the file".to_owned()
        });
    }
    if let Some(Event::RunFinished(_)) = before {
        return Err(format!("expected nothing after run-finished, came {}; split the file", named(&kind)));
    }
    let schema = value.get("schema");
    if place.first && schema.and_then(Value::as_u64) != Some(u64::from(SCHEMA)) {
        let came = schema.map_or_else(|| "none".to_owned(), Value::to_string);
        return Err(format!(
            "expected event schema {SCHEMA}, came {came}; use a zmqspec that writes or reads that version"
        ));
    }
    serde_json::from_value(value).map_err(|error| {
        format!(
            "expected an event of schema {SCHEMA}, came {}: {}; give a file that `zmqspec check --json FILE` wrote",
            named(&kind),
            plain(&error)
        )
    })
}

fn named(kind: &str) -> &str {
    if kind.is_empty() { "a line that is no event" } else { kind }
}

/// The parser counts lines and columns in the one line it saw, which would mislead beside the file's own line.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Jsonl, Sink, sample};

    #[test]
    fn what_was_written_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        let events = sample::whole_run();
        let mut jsonl = Jsonl::create(&path).unwrap();
        for event in &events {
            jsonl.on(event).unwrap();
        }
        // Without finish: every event was flushed on its own.
        assert_eq!(read_events(&path).unwrap(), events);
        jsonl.finish().unwrap();
        assert_eq!(read_events(&path).unwrap(), events);
    }

    #[test]
    fn every_error_has_its_line_and_says_what_to_do() {
        let start = serde_json::to_string(&Event::RunStarted(Box::new(sample::started()))).unwrap();
        let end = serde_json::to_string(&Event::RunFinished(sample::finished())).unwrap();
        let case = serde_json::to_string(&Event::CaseFinished(Box::new(sample::passed("a/b")))).unwrap();
        let files = [
            String::new(),
            "\n\n".to_owned(),
            "<xml/>\n".to_owned(),
            "[1]\n".to_owned(),
            format!("{case}\n"),
            format!("{}\n", start.replace("\"schema\":1", "\"schema\":2")),
            format!("{}\n", start.replace("\"schema\":1,", "")),
            format!("{start}\n{}", &case[..40]),
            format!("{start}\n{}\n", &case[..40]),
            format!("{start}\n{}\n", case.replace("\"fin\"", "\"gone\"")),
            format!("{start}\n{}\n", case.replace("case-finished", "case-begun")),
            format!("{start}\n\n{case}\n"),
            format!("{start}\n{start}\n"),
            format!("{start}\n{end}\n{case}\n"),
        ];
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        let error = |path: &Path| {
            let text = read_events(path).unwrap_err().to_string();
            assert!(!text.contains('\n'));
            text.replace(dir.path().to_str().unwrap(), "DIR")
        };
        let mut errors = vec![error(dir.path()), error(&path)];
        for file in files {
            std::fs::write(&path, file).unwrap();
            errors.push(error(&path));
        }
        std::fs::write(&path, b"\xff\xfe\n").unwrap();
        errors.push(error(&path));
        insta::assert_snapshot!(errors.join("\n"));
    }

    #[test]
    fn a_run_cut_between_events_reads_well() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        let start = serde_json::to_string(&Event::RunStarted(Box::new(sample::started()))).unwrap();
        std::fs::write(&path, format!("{start}\n")).unwrap();
        assert_eq!(read_events(&path).unwrap().len(), 1);
    }
}
