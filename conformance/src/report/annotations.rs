//! Annotations on a GitHub workflow run.
//!
//! GitHub shows ten errors per step and drops further ones without a word, so at most nine are written, new failures
//! first, and a tenth says how many more there are.

use std::io::{self, Write};
use std::path::Path;

use super::Sink;
use super::summary::Collected;
use crate::event::{CaseFinished, Event, Standing};

/// So many case runs or remarks get an annotation of their own.
const SHOWN: usize = 9;

/// Writes workflow commands at the end.
#[derive(Debug)]
pub struct Annotations<W: Write> {
    out: W,
    collected: Collected,
}

impl<W: Write> Annotations<W> {
    /// Annotations that go to `out`, which must reach the job's log: stdout.
    pub fn new(out: W) -> Self {
        Self { out, collected: Collected::default() }
    }

    /// Whether the process runs in a GitHub workflow.
    #[must_use]
    pub fn wanted() -> bool {
        std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
    }

    fn lines(&self) -> Vec<String> {
        let of = |standing| self.collected.red.iter().filter(move |case| case.standing == standing);
        let cases = of(Standing::Unexpected).chain(of(Standing::DifferentFailure)).chain(of(Standing::UnexpectedPass));
        let remarks = self.collected.remarks();
        let red = remarks.iter().filter(|remark| remark.kind.is_red());
        // A failing harness outweighs what it reports.
        let (first, last): (Vec<_>, Vec<_>) = red.partition(|remark| remark.kind.is_of_harness());
        let mut lines: Vec<String> = first.iter().map(|remark| error(&[("title", "zmqspec")], &remark.text)).collect();
        lines.extend(cases.map(annotation));
        lines.extend(last.iter().map(|remark| error(&[("title", "zmqspec")], &remark.text)));
        if lines.len() > SHOWN {
            let more = lines.len() - SHOWN;
            lines.truncate(SHOWN);
            lines.push(error(&[("title", "zmqspec")], &format!("{more} more; see the summary or a report file")));
        }
        lines
    }
}

impl<W: Write> Sink for Annotations<W> {
    fn on(&mut self, event: &Event) -> io::Result<()> {
        self.collected.on(event);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        for line in self.lines() {
            writeln!(self.out, "{line}")?;
        }
        self.out.flush()
    }
}

fn annotation(case: &CaseFinished) -> String {
    let came = case.failure.as_ref().map(|failure| failure.came.as_str()).unwrap_or_default();
    let because = case.expected_because.as_deref().unwrap_or(came);
    let run = case.run.to_string();
    let mut properties = vec![("title", run.as_str())];
    // The case's file is in this project's repository; an annotation can only point to it where that is checked out.
    if let Some((file, line)) = case.source.rsplit_once(':').filter(|(file, _)| Path::new(file).is_file()) {
        properties.extend([("file", file), ("line", line)]);
    }
    error(&properties, &format!("{}, {}: {because}", case.standing.word(), case.verdict))
}

fn error(properties: &[(&str, &str)], message: &str) -> String {
    let properties: Vec<_> = properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
    format!("::error {}::{}", properties.join(","), data(message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn one_of_everything() {
        insta::assert_snapshot!(annotations(&sample::whole_run()));
    }

    #[test]
    fn more_than_nine_are_counted() {
        for (red, lines, more) in [(9, 9, None), (10, 10, Some("1 more")), (30, 10, Some("21 more"))] {
            let cases = (0..red).map(|n| sample::failed(&format!("a/{n}")));
            let mut events: Vec<_> = cases.map(|case| Event::CaseFinished(Box::new(case))).collect();
            events.push(Event::RunFinished(sample::finished()));
            let text = annotations(&events);
            assert_eq!(text.lines().count(), lines);
            assert!(more.is_none_or(|more| text.contains(more)), "{text}");
        }
    }

    #[test]
    fn a_green_run_has_none() {
        assert_eq!(annotations(&sample::green_run()), "");
    }

    #[test]
    fn what_a_command_reads_as_its_own_is_escaped() {
        let line = error(&[("title", "a:b,c%d\r\n")], "e:f,g%h\r\ni");
        assert_eq!(line, "::error title=a%3Ab%2Cc%25d%0D%0A::e:f,g%25h%0D%0Ai");
    }

    fn annotations(events: &[Event]) -> String {
        let mut out = Vec::new();
        let mut annotations = Annotations::new(&mut out);
        for event in events {
            annotations.on(event).unwrap();
        }
        annotations.finish().unwrap();
        String::from_utf8(out).unwrap()
    }
}
