//! A sequence diagram in one file of HTML, which needs no network: hosts as columns, time downwards, packets as arrows.
//!
//! The file has the lines of the run as JSON, and a script that draws those which are to be seen.

use std::ops::Range;

use serde::Serialize;
use serde_json::json;

use super::line::{HostState, What};
use super::{Last, Picture, bands, speech};

/// Lines in one file at most: more make a browser slow. All are in the JSON lines.
const MOST: usize = 20_000;

/// A fault, and when it was on.
#[derive(Debug, Serialize)]
struct Band {
    from: u64,
    until: u64,
    hosts: Vec<String>,
    text: String,
}

/// A host that was down.
#[derive(Debug, Serialize)]
struct Down {
    host: String,
    from: u64,
    /// None: to the end.
    until: Option<u64>,
}

impl Picture<'_> {
    /// The run as a sequence diagram: a file of HTML that works by itself. Of a run with more than 20,000 events it has
    /// those up to what is wrong, and some behind, and says so.
    #[must_use]
    pub fn html(&self) -> String {
        let shown = self.shown(MOST);
        let mut tail = serde_json::to_value(self.tail()).expect("names are text and numbers are whole");
        for violation in tail["violations"].as_array_mut().into_iter().flatten() {
            let line = violation["line"].as_u64().and_then(|line| usize::try_from(line).ok());
            violation["line"] = json!(line.filter(|line| shown.contains(line)).map(|line| line - shown.start));
        }
        let data = json!({
            "head": self.head(),
            "cut": { "first": shown.start, "of": self.lines.len() },
            "bands": self.bands(&shown),
            "states": self.downs(&shown),
            "tail": tail,
        });
        // Lines last, each in a line of its own: the file can be read and compared.
        let mut data = data.to_string();
        data.truncate(data.len() - 1);
        let lines = self.lines[shown].iter().map(|line| serde_json::to_string(line).expect("as above"));
        let data = format!("{data},\"lines\":[\n{}\n]}}\n", lines.collect::<Vec<_>>().join(",\n"));
        let title = format!("{}, seed {}", self.plan.title, self.plan.seed);
        let holes = [
            ("title", escaped(&title)),
            ("style", STYLE.to_owned()),
            ("words", escaped(&self.words(Last::Events(60)))),
            // In JSON, such signs are in strings only; a script could end at them.
            ("data", data.replace('<', "\\u003c")),
            ("script", SCRIPT.to_owned()),
        ];
        let mut page = String::new();
        let mut rest = PAGE;
        for (name, text) in holes {
            let (before, behind) = rest.split_once(&format!("{{{name}}}")).expect("the page has a hole of that name");
            page += before;
            page += &text;
            rest = behind;
        }
        page + rest
    }

    /// The lines that are shown: up to the first thing that is wrong, and some behind; without such, the last ones.
    fn shown(&self, most: usize) -> Range<usize> {
        let wrong = self.violations.iter().filter_map(|violation| self.line_of(violation)).min();
        let until = wrong.map_or(self.lines.len(), |line| (line + 1 + most / 10).max(most).min(self.lines.len()));
        until.saturating_sub(most)..until
    }

    fn bands(&self, shown: &Range<usize>) -> Vec<Band> {
        let (first, last) = self.times(shown);
        bands::of(self.plan, &self.run.history)
            .into_iter()
            .map(|band| (band, band.from.as_nanos(), band.until.as_nanos()))
            .filter(|(_, from, until)| *from <= last && *until >= first)
            .map(|(band, from, until)| Band {
                from: from.max(first),
                until: until.min(last),
                hosts: speech::hosts(self.plan, &self.plan[band.fault]),
                text: speech::fault(&self.plan[band.fault]),
            })
            .collect()
    }

    fn downs(&self, shown: &Range<usize>) -> Vec<Down> {
        let (first, last) = self.times(shown);
        let mut downs: Vec<Down> = Vec::new();
        for line in &self.lines {
            let What::Host { host, state } = &line.what else { continue };
            match state {
                HostState::Down => downs.push(Down { host: host.clone(), from: line.at, until: None }),
                HostState::Up => {
                    let of = downs.iter_mut().filter(|down| down.host == *host && down.until.is_none());
                    of.for_each(|down| down.until = Some(line.at));
                }
                HostState::Note => {}
            }
        }
        downs.retain(|down| down.from <= last && down.until.is_none_or(|until| until >= first));
        for down in &mut downs {
            down.from = down.from.max(first);
            down.until = down.until.filter(|until| *until <= last);
        }
        downs
    }

    /// The times of the first and the last line that are shown.
    fn times(&self, shown: &Range<usize>) -> (u64, u64) {
        let lines = &self.lines[shown.clone()];
        let first = if shown.start == 0 { 0 } else { lines.first().map_or(0, |line| line.at) };
        (first, lines.last().map_or(0, |line| line.at))
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

#[cfg(test)]
mod tests;
