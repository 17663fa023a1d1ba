//! In plain words: a line for each event, aligned, with a mark in front of what goes wrong.

use std::collections::BTreeSet;

use super::focus::{Focus, Nearness, choose};
use super::line::{Line, What};
use super::{Picture, clock};
use crate::time::Time;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// Everything.
    All,
    /// So many events: those that the first thing that is wrong is about, and those around it; without such, the last ones.
    Events(usize),
}

/// Packets that no reader needs: their news is in other lines.
fn is_noise(line: &Line) -> bool {
    match &line.what {
        What::Packet { kind, .. } => *kind == "ack" || *kind == "ack-of-syn",
        What::Connection { state, .. } => *state != "broken" && *state != "closed",
        What::Call { .. }
        | What::Datagram { .. }
        | What::Lost { .. }
        | What::Monitor { .. }
        | What::Fault { .. }
        | What::Healed
        | What::Host { .. }
        | What::Link { .. } => false,
    }
}

impl Picture<'_> {
    /// What happened, in plain words. What is wrong is told where it shows.
    ///
    /// Of so many events a quarter, at most, come behind the first violation; before it come the lives of its messages, the
    /// faults that were on meanwhile, what became of its sockets and connections, and what was just before.
    #[must_use]
    pub fn words(&self, last: Last) -> String {
        let (told, shows) = self.told();
        let shown: BTreeSet<usize> = match (last, shows, self.violations.first()) {
            (Last::All, _, _) => (0..told.len()).collect(),
            (Last::Events(count), Some(shows), Some(first)) => {
                let until = told.len().min(shows + count / 4);
                let focus = Focus::of(self, first);
                let near = |row: &Row| row.line.map_or(Nearness::Other, |line| focus.nearness(&self.lines[line]));
                let near: Vec<Nearness> = told[..shows - 1].iter().map(near).collect();
                let most = count.saturating_sub(until - shows + 1);
                choose(&near, most).into_iter().chain(shows - 1..until).collect()
            }
            (Last::Events(count), _, _) => (told.len().saturating_sub(count)..told.len()).collect(),
        };
        let rows = || shown.iter().map(|place| &told[*place]);
        let widest = rows().map(|row| row.place.chars().count()).max().unwrap_or_default();
        let time = rows().next_back().map_or(0, |row| clock(Time::from_nanos(row.at)).len());
        let mut text = String::new();
        let mut next = 0;
        for place in &shown {
            text += &left_out(place - next, if next == 0 { "before" } else { "between" });
            next = place + 1;
            let Row { at, mark, place, text: words, times, line: _ } = &told[*place];
            let again = if *times > 1 { format!(" ({times} times)") } else { String::new() };
            let at = clock(Time::from_nanos(*at));
            text += format!("{at:>time$} {mark} {place:widest$}  {words}{again}").trim_end();
            text.push('\n');
        }
        text + &left_out(told.len() - next, "behind")
    }

    /// All rows, and how many there are up to the first violation, with it.
    fn told(&self) -> (Vec<Row>, Option<usize>) {
        let wrong: Vec<(usize, String)> = self
            .violations
            .iter()
            .filter_map(|violation| Some((self.line_of(violation)?, violation)))
            .map(|(line, violation)| (line, format!("violation of {}: {}", violation.clause, violation.text)))
            .collect();
        let mut told: Vec<Row> = Vec::new();
        let mut shows = None;
        for (place, line) in self.lines.iter().enumerate() {
            let here: Vec<_> = wrong.iter().enumerate().filter(|(_, (at, _))| *at == place).collect();
            match told.last_mut() {
                // The same again and again is told once.
                Some(row) if row.text == line.text && row.place == line.what.place() && here.is_empty() => {
                    row.times += 1;
                }
                _ if is_noise(line) && here.is_empty() => {}
                _ => told.push(Row::of(place, line)),
            }
            for (which, (_, text)) in here {
                told.push(Row {
                    at: line.at,
                    mark: '✗',
                    place: String::new(),
                    text: text.clone(),
                    times: 1,
                    line: None,
                });
                if which == 0 {
                    shows = Some(told.len());
                }
            }
        }
        (told, shows)
    }
}

/// How many events are left out.
fn left_out(count: usize, whither: &str) -> String {
    if count == 0 { String::new() } else { format!("… {count} events {whither}\n") }
}

/// A line as it is told.
struct Row {
    at: u64,
    mark: char,
    place: String,
    text: String,
    times: usize,
    /// None: a violation.
    line: Option<usize>,
}

impl Row {
    fn of(place: usize, line: &Line) -> Self {
        let (mark, at_place) = (line.what.mark(), line.what.place());
        Self { at: line.at, mark, place: at_place, text: line.text.clone(), times: 1, line: Some(place) }
    }
}
