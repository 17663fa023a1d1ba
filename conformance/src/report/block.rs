//! All that is known about one red case run, on one screen.

use super::text::{at_most, chunks, printable, shell_quote, wrap};
use super::{RequirementLookup, RequirementText};
use crate::event::{CaseFinished, Failure, RunId, RunStarted};

/// No block is longer than this many lines.
pub const MAX_BLOCK_LINES: usize = 40;

/// Where the text of a block begins, behind the label.
const INDENT: usize = 14;

/// The exact command that runs one case run again, quoted for a POSIX shell.
#[must_use]
pub fn rerun_command(started: &RunStarted, run: &RunId) -> String {
    let mut words = vec!["zmqspec".to_owned(), "check".to_owned(), shell_quote(&started.subject.spec)];
    words.extend(["--run".to_owned(), shell_quote(&run.to_string())]);
    if started.profile != "interop" {
        words.extend(["--profile".to_owned(), shell_quote(&started.profile)]);
    }
    match started.expectations.as_deref() {
        Some(name) if name.starts_with("builtin:") => {}
        Some(path) => words.extend(["--expect".to_owned(), shell_quote(path)]),
        None => words.extend(["--expect".to_owned(), "none".to_owned()]),
    }
    words.extend(started.options.iter().map(|word| shell_quote(word)));
    words.join(" ")
}

/// The block of a red case run: its first line names it, the others are indented.
pub(super) fn block(
    case: &CaseFinished,
    started: Option<&RunStarted>,
    requirement: RequirementLookup<'_>,
    width: usize,
) -> Vec<String> {
    let room = width.saturating_sub(INDENT).max(20);
    let mut sections = vec![
        Section::new("", 1, wrap(&printable(&case.title), width.saturating_sub(2).max(20))),
        Section::new("standing", 1, wrap(&format!("{}: {}", case.standing.word(), case.verdict), room)),
        Section::new("clause", 2, clauses(case, requirement, room)),
    ];
    if let Some(failure) = &case.failure {
        sections.extend(failed(failure, room));
    }
    if let Some(because) = &case.expected_because {
        sections.push(Section::new("gate", 1, wrap(&printable(because), room)));
    }
    if let Some(failure) = &case.failure {
        sections.push(Section::new("fingerprint", 1, wrap(&printable(&failure.fingerprint), room)));
    }
    sections.push(Section::new("source", 1, vec![case.source.clone()]));
    if let Some(started) = started {
        sections.push(Section::new("rerun", 1, vec![rerun_command(started, &case.run)]));
    }
    fit(&mut sections, MAX_BLOCK_LINES - 1);
    let mut lines = vec![format!("RED {}", case.run)];
    lines.extend(sections.iter().flat_map(Section::lines));
    lines
}

fn failed(failure: &Failure, room: usize) -> Vec<Section> {
    let text = |text: &str| wrap(&printable(text), room);
    let accepted = failure.accepted.iter().enumerate().flat_map(|(i, outcome)| {
        let or = if i == 0 { "" } else { "or " };
        text(&format!("{or}{outcome}"))
    });
    let mut sections = Vec::new();
    if failure.step > 0 {
        sections.push(Section::new("step", 1, text(&format!("{}, {}", failure.step, failure.step_text))));
    }
    sections.push(Section::new("accepted", 2, accepted.collect()));
    sections.push(Section::new("came", 2, text(&failure.came)));
    // Columns carry meaning in annotated octets, so their lines are cut and not wrapped.
    let hex = failure.hex.iter().flat_map(|line| chunks(&printable(line).replace('\n', " "), room));
    sections.push(Section::new("octets", 4, hex.collect()));
    sections.push(Section::new("process", 1, failure.exit.iter().flat_map(|exit| text(exit)).collect()));
    let stderr = failure.stderr_tail.iter().flat_map(|line| chunks(&printable(line).replace('\n', " "), room));
    sections.push(Section::new("stderr", 2, stderr.collect()));
    sections
}

fn clauses(case: &CaseFinished, requirement: RequirementLookup<'_>, room: usize) -> Vec<String> {
    let clause = |id: &String| match requirement(id) {
        Some(RequirementText { text, link, level }) => {
            let mut lines = wrap(&format!("{id} ({level}) {text}"), room);
            // A link stays whole, so that it can be followed.
            lines.push(link);
            lines
        }
        None => vec![id.clone()],
    };
    case.requirements.iter().flat_map(clause).collect()
}

/// A label and the lines behind it.
struct Section {
    label: &'static str,
    /// So many lines are worth keeping when room is short.
    least: usize,
    lines: Vec<String>,
}

impl Section {
    fn new(label: &'static str, least: usize, lines: Vec<String>) -> Self {
        Self { label, least, lines }
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        let column = INDENT - 2;
        self.lines.iter().enumerate().map(move |(i, line)| {
            let text = match (self.label, i) {
                ("", _) => format!("  {line}"),
                (label, 0) => format!("  {label:<column$}{line}"),
                (_, _) => format!("  {:<column$}{line}", ""),
            };
            text.trim_end().to_owned()
        })
    }
}

/// Shortens the longest section until all fit.
fn fit(sections: &mut [Section], limit: usize) {
    while sections.iter().map(|section| section.lines.len()).sum::<usize>() > limit {
        let longest = sections.iter_mut().filter(|section| section.lines.len() > section.least);
        let Some(section) = longest.max_by_key(|section| section.lines.len()) else {
            return;
        };
        let others = section.lines.len() - 1;
        shorten(&mut section.lines, others);
    }
}

/// Shortens lines that may end in a count of those left out already.
fn shorten(lines: &mut Vec<String>, limit: usize) {
    let left_out = lines.last().and_then(|last| last.strip_prefix("… ")?.split(' ').next()?.parse::<usize>().ok());
    match left_out {
        Some(left_out) => {
            lines.truncate(limit.saturating_sub(1));
            lines.push(format!("… {} more lines", left_out + 1));
        }
        None => at_most(lines, limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_block_says_all_that_is_needed() {
        let started = sample::started();
        let blocks: Vec<_> = [
            sample::failed("zmtp/greeting/signature-end"),
            sample::crashed("zmtp/command/empty-name"),
            sample::unexpected_pass("zmtp/command/long"),
            sample::different("zmtp/command/ping"),
        ]
        .iter()
        .map(|case| block(case, Some(&started), &sample::requirement, 80).join("\n"))
        .collect();
        insta::assert_snapshot!(blocks.join("\n\n"));
    }

    #[test]
    fn the_longest_block_fits_one_screen() {
        let many =
            |what: &str, n: usize| (0..n).map(|i| format!("{what} {i} {}", "word ".repeat(30))).collect::<Vec<_>>();
        let mut case = sample::crashed("zmtp/command/empty-name");
        case.title = "long ".repeat(60);
        case.requirements = vec!["ZMTP31-GREETING-02".to_owned(); 7];
        case.expected_because = Some("because ".repeat(60));
        case.failure = Some(Failure {
            accepted: many("accepted", 9),
            came: "came ".repeat(90),
            hex: many("0000  ff", 60),
            stderr_tail: many("stderr", 20),
            fingerprint: "f".repeat(300),
            ..sample::failure()
        });
        let lines = block(&case, Some(&sample::started()), &sample::requirement, 80);
        assert_eq!(lines.len(), MAX_BLOCK_LINES);
        let free = |line: &&String| !line.contains("zmqspec check") && !line.contains("https://");
        assert!(lines.iter().filter(free).all(|line| line.chars().count() <= 80), "{lines:#?}");
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_rerun_repeats_what_decides_the_verdict() {
        let run = sample::run_id("a/b");
        let command = |change: fn(&mut RunStarted)| {
            let mut started = sample::started();
            change(&mut started);
            rerun_command(&started, &run)
        };
        let commands = [
            command(|_| {}),
            command(|started| started.profile = "strict".to_owned()),
            command(|started| started.expectations = None),
            command(|started| started.expectations = Some("my file.toml".to_owned())),
            command(|started| started.subject.spec = "exec:sh -c 'x \"$HOME\"'".to_owned()),
        ];
        insta::assert_snapshot!(commands.join("\n"));
    }
}
