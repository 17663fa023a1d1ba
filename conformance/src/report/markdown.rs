//! A summary in Markdown, for the step summary of a CI job or a comment on a pull request.

use std::fmt::Write as _;
use std::io;

use super::block::block;
use super::output::{Output, Stage};
use super::summary::Collected;
use super::text::{counted, printable};
use super::{RequirementLookup, Sink};
use crate::event::{CaseFinished, Event, RunStarted, Standing};
use crate::verdict::Conformance;

/// Larger summaries are refused by GitHub; what does not fit is counted instead.
pub const MAX_MARKDOWN_BYTES: usize = 1 << 20;

/// Kept free for the sentences that say what was left out.
const RESERVE: usize = 1024;

/// More lines beside the totals than this are counted; dead expectations come in hundreds when cases move.
const MAX_REMARKS: usize = 200;

/// Columns of a block inside the details.
const WIDTH: usize = 100;

/// Writes the summary at the end, and what there is of it after a harness error.
pub struct Markdown<'a> {
    output: Output,
    requirement: RequirementLookup<'a>,
    collected: Collected,
    limit: usize,
}

impl<'a> Markdown<'a> {
    /// A summary that goes to `output`.
    #[must_use]
    pub fn new(output: Output, requirement: RequirementLookup<'a>) -> Self {
        Self { output, requirement, collected: Collected::default(), limit: MAX_MARKDOWN_BYTES }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if let Some(started) = &self.collected.started {
            text += &header(started);
        }
        text += &self.totals();
        self.red(&mut text);
        self.expected(&mut text);
        text
    }

    fn totals(&self) -> String {
        let collected = &self.collected;
        let mut text = String::from("| standing | conformance | case runs |\n|---|---|---:|\n");
        let mut rows = Vec::new();
        for standing in Standing::ALL {
            rows.extend(collected.standing.get(standing.word()).map(|n| format!("| {} | | {n} |", standing.word())));
        }
        for word in Conformance::ALL {
            rows.extend(collected.conformance.get(word.word()).map(|n| format!("| | {word} | {n} |")));
        }
        for row in rows {
            text += &row;
            text.push('\n');
        }
        text += &format!("| **total** | | **{}** |\n\n", collected.reported());
        let remarks = collected.remarks();
        for remark in remarks.iter().take(MAX_REMARKS) {
            let mark = if remark.kind.is_red() { "❌ " } else { "" };
            text += &format!("- {mark}{}\n", escaped(&remark.text));
        }
        if remarks.len() > MAX_REMARKS {
            text += &format!("- … and {}\n", counted(remarks.len() - MAX_REMARKS, "more line"));
        }
        if let Some((exit, line)) = collected.exit() {
            let mark = if exit.code() == 0 { "✅" } else { "❌" };
            text += &format!("\n{mark} **{line}**\n\n");
        }
        text
    }

    fn red(&self, text: &mut String) {
        if self.collected.red.is_empty() {
            return;
        }
        text.push_str("### Red\n\n");
        let details = self.collected.red.iter().map(|case| self.details(case));
        self.fill(text, details, "red case run");
    }

    fn details(&self, case: &CaseFinished) -> String {
        let lines = block(case, self.collected.started.as_ref(), self.requirement, WIDTH).join("\n");
        let longest = lines.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        let links = case.requirements.iter().filter_map(|id| {
            let link = (self.requirement)(id)?.link;
            Some(format!("[{}]({link})", escaped(id)))
        });
        let links = links.collect::<Vec<_>>().join(" · ");
        let (run, standing) = (escaped(&case.run.to_string()), case.standing.word());
        format!(
            "<details><summary>{run}: {standing}</summary>\n\n{links}\n\n{fence}text\n{lines}\n{fence}\n\n</details>\n\n"
        )
    }

    fn expected(&self, text: &mut String) {
        if self.collected.expected.is_empty() {
            return;
        }
        text.push_str("### Expected deviations\n\n| case run | verdict | because |\n|---|---|---|\n");
        let rows = self.collected.expected.iter().map(|case| {
            let because = case.expected_because.as_deref().unwrap_or_default();
            format!("| {} | {} | {} |\n", cell(&case.run.to_string()), cell(&case.verdict.to_string()), cell(because))
        });
        self.fill(text, rows, "expected deviation");
    }

    /// Adds pieces as long as they fit, and counts the others.
    fn fill(&self, text: &mut String, pieces: impl Iterator<Item = String>, noun: &str) {
        let mut left_out = 0;
        for piece in pieces {
            if left_out == 0 && text.len() + piece.len() + RESERVE <= self.limit {
                text.push_str(&piece);
            } else {
                left_out += 1;
            }
        }
        if left_out > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "\n… and {} that do not fit here\n", counted(left_out, noun));
        }
    }
}

impl Sink for Markdown<'_> {
    fn on(&mut self, event: &Event) -> io::Result<()> {
        self.collected.on(event);
        match event {
            Event::HarnessError(_) => self.output.put(self.text().as_bytes(), Stage::Interim),
            Event::RunStarted(_) | Event::CaseFinished(_) | Event::SubjectReplaced(_) | Event::RunFinished(_) => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.output.put(self.text().as_bytes(), Stage::Final)
    }
}

fn header(started: &RunStarted) -> String {
    let subject = &started.subject;
    let mut text = format!("## zmqspec: {} {}\n\n", escaped(&subject.name), escaped(&subject.version));
    let sha256 = subject.sha256.as_deref().map(|sum| format!(", sha256 {}", escaped(sum))).unwrap_or_default();
    let path = subject.path.as_deref().map(|path| format!(" at {}{sha256}", escaped(path))).unwrap_or_default();
    text += &format!(
        "{}{path} · profile {} · expectations {} · zmqspec {}\n\n",
        escaped(&subject.spec),
        escaped(&started.profile),
        escaped(started.expectations.as_deref().unwrap_or("none")),
        escaped(&started.zmqspec),
    );
    text
}

/// Text that Markdown and HTML take literally. Line breaks become spaces.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '\n' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '@' => {
                // A character reference rather than a backslash: it also keeps `@name` from calling on a person.
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Escaped text for a cell of a table.
fn cell(text: &str) -> String {
    let text = escaped(text);
    if text.is_empty() { " ".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn one_of_everything() {
        insta::assert_snapshot!(markdown(&sample::whole_run(), MAX_MARKDOWN_BYTES));
    }

    #[test]
    fn a_green_run() {
        insta::assert_snapshot!(markdown(&sample::green_run(), MAX_MARKDOWN_BYTES));
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut events = vec![Event::RunStarted(Box::new(sample::started()))];
        let red = (0..1200).map(|n| sample::failed(&format!("a/red-{n}")));
        let expected = (0..20_000).map(|n| sample::expected(&format!("a/known-{n}")));
        events.extend(red.chain(expected).map(|case| Event::CaseFinished(Box::new(case))));
        let text = markdown(&events, MAX_MARKDOWN_BYTES);
        assert!(text.len() <= MAX_MARKDOWN_BYTES, "{}", text.len());
        let shown = text.matches("| a/known-").count();
        assert!(text.contains(&format!("… and {} expected deviations that do not fit here", 20_000 - shown)));
        let text = markdown(&events, 20_000);
        let shown = text.matches("<details>").count();
        assert!(shown > 0 && text.len() <= 20_000);
        assert!(text.contains(&format!("… and {} red case runs that do not fit here", 1200 - shown)));
    }

    #[test]
    fn many_dead_expectations_are_counted() {
        let dead_expectations = (0..20_000).map(|n| format!("x.toml:{n}: `{}`", "a/b".repeat(30))).collect();
        let last = crate::event::RunFinished { dead_expectations, ..sample::finished() };
        let text = markdown(&[Event::RunFinished(last)], MAX_MARKDOWN_BYTES);
        assert!(text.contains("… and 19800 more lines"));
        assert!(text.len() < MAX_MARKDOWN_BYTES);
    }

    #[test]
    fn foreign_text_stays_text() {
        let mut case = sample::failed("a/b");
        if let Some(failure) = &mut case.failure {
            failure.came = "```\n</details><script>".to_owned();
        }
        let text = markdown(&[Event::CaseFinished(Box::new(case))], MAX_MARKDOWN_BYTES);
        assert!(text.contains("\n````text\n") && text.contains("\n````\n"), "{text}");
        assert_eq!(escaped("a|b <c> @d\n`e`"), "a&#124;b &lt;c&gt; &#64;d &#96;e&#96;");
    }

    fn markdown(events: &[Event], limit: usize) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("summary.md");
        let mut markdown = Markdown::new(Output::create(&path).unwrap(), &sample::requirement);
        markdown.limit = limit;
        for event in events {
            markdown.on(event).unwrap();
        }
        markdown.finish().unwrap();
        std::fs::read_to_string(&path).unwrap()
    }
}
