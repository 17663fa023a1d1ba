//! In plain words: a line for each event, aligned, with a mark in front of what goes wrong.

use super::line::{Line, What};
use super::{Picture, clock};
use crate::time::Time;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// Everything.
    All,
    /// So many events, around the first thing that is wrong; without such, the last ones.
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
    /// What happened, in plain words. What is wrong is told where it shows; a quarter of the events, at most, come behind
    /// the first of that.
    #[must_use]
    pub fn words(&self, last: Last) -> String {
        let mut wrong: Vec<(usize, String)> = self
            .violations
            .iter()
            .filter_map(|violation| Some((self.line_of(violation)?, violation)))
            .map(|(line, violation)| (line, format!("violation of {}: {}", violation.clause, violation.text)))
            .collect();
        wrong.sort();
        let mut told: Vec<Row> = Vec::new();
        let mut shows = None;
        for (place, line) in self.lines.iter().enumerate() {
            let here: Vec<_> = wrong.iter().filter(|(at, _)| *at == place).collect();
            match told.last_mut() {
                // The same again and again is told once.
                Some(row) if row.text == line.text && row.place == line.what.place() && here.is_empty() => {
                    row.times += 1;
                }
                _ if is_noise(line) && here.is_empty() => {}
                _ => told.push(Row::of(line)),
            }
            for (_, text) in here {
                told.push(Row { at: line.at, mark: '✗', place: String::new(), text: text.clone(), times: 1 });
                shows.get_or_insert(told.len());
            }
        }
        let (skipped, until) = match last {
            Last::All => (0, told.len()),
            Last::Events(count) => {
                let until = shows.map_or(told.len(), |shows| told.len().min(shows + count / 4));
                (until.saturating_sub(count), until)
            }
        };
        let rows = &told[skipped..until];
        let widest = rows.iter().map(|row| row.place.chars().count()).max().unwrap_or_default();
        let time = rows.last().map_or(0, |row| clock(Time::from_nanos(row.at)).len());
        let mut text = String::new();
        if skipped > 0 {
            text += &format!("… {skipped} events before\n");
        }
        for Row { at, mark, place, text: words, times } in rows {
            let again = if *times > 1 { format!(" ({times} times)") } else { String::new() };
            let at = clock(Time::from_nanos(*at));
            text += format!("{at:>time$} {mark} {place:widest$}  {words}{again}").trim_end();
            text.push('\n');
        }
        if until < told.len() {
            text += &format!("… {} events behind\n", told.len() - until);
        }
        text
    }
}

/// A line as it is told.
struct Row {
    at: u64,
    mark: char,
    place: String,
    text: String,
    times: usize,
}

impl Row {
    fn of(line: &Line) -> Self {
        Self { at: line.at, mark: line.what.mark(), place: line.what.place(), text: line.text.clone(), times: 1 }
    }
}
