//! The report for the person at the terminal, or for the log of a CI job.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::block::block;
use super::summary::Collected;
use super::text::{counted, printable, wrap};
use super::{RequirementLookup, Sink};
use crate::event::{CaseFinished, Event, RunStarted, SubjectReplaced};
use crate::exit::Exit;

/// Whether lines are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// With ANSI colours.
    On,
    /// Plain text.
    Off,
}

/// How the run shows that it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A bar on stderr; blocks of red case runs as they come.
    Bar,
    /// One line for each red case run as it comes; the blocks at the end.
    Lines,
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Red case runs, at most [`MAX_BLOCKS`] of them in full, and the summary.
    Normal,
    /// Every red case run in full, and expected and not gating deviations by name.
    Verbose,
}

/// More red case runs than this are named and not shown in full, unless asked for.
pub const MAX_BLOCKS: usize = 25;

/// How the console looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsoleStyle {
    /// Colours.
    pub colour: Colour,
    /// Progress.
    pub progress: Progress,
    /// How much is told.
    pub verbosity: Verbosity,
    /// Columns.
    pub width: usize,
}

impl ConsoleStyle {
    /// What fits where the process runs: colours only if stdout is a terminal and `NO_COLOR` is unset or empty, a bar
    /// only if stdout and stderr are terminals and `CI` is unset or empty. 80 columns.
    #[must_use]
    pub fn detect(verbosity: Verbosity) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let terminal = io::stdout().is_terminal();
        Self {
            colour: if terminal && !set("NO_COLOR") { Colour::On } else { Colour::Off },
            progress: if terminal && io::stderr().is_terminal() && !set("CI") {
                Progress::Bar
            } else {
                Progress::Lines
            },
            verbosity,
            width: 80,
        }
    }
}

/// The console report.
pub struct Console<'a, W: Write> {
    out: W,
    style: ConsoleStyle,
    requirement: RequirementLookup<'a>,
    about_the_subject: Option<&'static str>,
    collected: Collected,
    bar: Option<ProgressBar>,
    blocks: usize,
    pending: String,
}

impl<'a, W: Write> Console<'a, W> {
    /// A console that writes to `out`, as a rule stdout.
    pub fn new(out: W, style: ConsoleStyle, requirement: RequirementLookup<'a>) -> Self {
        Self {
            out,
            style,
            requirement,
            about_the_subject: None,
            collected: Collected::default(),
            bar: None,
            blocks: 0,
            pending: String::new(),
        }
    }

    /// Adds a remark to the subject in the header.
    #[must_use]
    pub fn about_the_subject(self, remark: &'static str) -> Self {
        Self { about_the_subject: Some(remark), ..self }
    }

    fn header(&mut self, started: &RunStarted) {
        let subject = &started.subject;
        let version = printable(&format!("{} {}", subject.name, subject.version));
        self.line(Tone::Strong, &format!("zmqspec {} checks {}", started.zmqspec, version.trim()));
        let mut selection = Vec::new();
        selection.extend(started.run.iter().map(|pattern| format!("--run {pattern}")));
        selection.extend(started.skip.iter().map(|pattern| format!("--skip {pattern}")));
        selection.extend(started.shard.iter().map(|shard| format!("--shard {shard}")));
        let sha256 = subject.sha256.as_ref().map(|sum| sum.chars().take(16).collect::<String>());
        let fields = [
            ("subject", self.about_the_subject.map_or(subject.spec.clone(), |why| format!("{} ({why})", subject.spec))),
            ("commit", subject.commit.clone()),
            ("file", subject.path.clone().unwrap_or_default()),
            ("sha256", sha256.unwrap_or_default()),
            ("profile", started.profile.clone()),
            ("expectations", started.expectations.clone().unwrap_or_else(|| "none".to_owned())),
            ("selection", selection.join(" ")),
            ("planned", format!("{}, {}", counted(started.planned, "case run"), counted(started.jobs, "job"))),
        ];
        for (label, text) in fields.iter().filter(|(_, text)| !text.is_empty()) {
            self.field(label, text);
        }
        self.line(Tone::Plain, "");
    }

    fn field(&mut self, label: &str, text: &str) {
        for (i, line) in wrap(&printable(text), self.style.width.saturating_sub(16).max(20)).iter().enumerate() {
            let label = if i == 0 { label } else { "" };
            self.line(Tone::Plain, &format!("  {label:<14}{line}"));
        }
    }

    fn red(&mut self, case: &CaseFinished) {
        match self.style.progress {
            Progress::Bar => self.block(case),
            Progress::Lines => {
                let text = format!("RED {}: {}", case.run, case.standing.word());
                self.line(Tone::Red, &text);
            }
        }
    }

    fn block(&mut self, case: &CaseFinished) {
        self.blocks += 1;
        let in_full = self.blocks <= MAX_BLOCKS || self.style.verbosity == Verbosity::Verbose;
        let lines = block(case, self.collected.started.as_ref(), self.requirement, self.style.width);
        let shown = if in_full { lines.len() } else { 1 };
        for (i, line) in lines.iter().take(shown).enumerate() {
            self.line(if i == 0 { Tone::Red } else { Tone::Plain }, line);
        }
        if in_full {
            self.line(Tone::Plain, "");
        }
    }

    fn replaced(&mut self, replaced: &SubjectReplaced) {
        let after = replaced.after.as_ref().map(|run| format!(" after {run}")).unwrap_or_default();
        let exit = replaced.exit.as_ref().map(|exit| format!(" ({exit})")).unwrap_or_default();
        let text = format!("subject replaced{after}: {}{exit}", replaced.why);
        self.wrapped(Tone::Dim, &text);
    }

    fn summary(&mut self) {
        let collected = std::mem::take(&mut self.collected);
        if self.style.progress == Progress::Lines {
            if !collected.red.is_empty() {
                self.line(Tone::Plain, "");
            }
            self.collected.started.clone_from(&collected.started);
            for case in &collected.red {
                self.block(case);
            }
        }
        if self.blocks > MAX_BLOCKS && self.style.verbosity == Verbosity::Normal {
            let text = format!(
                "{} not shown in full: see --verbose or a report file",
                counted(self.blocks - MAX_BLOCKS, "red case run")
            );
            self.line(Tone::Plain, &text);
        }
        if self.style.verbosity == Verbosity::Verbose {
            for (word, cases) in [("expected", &collected.expected), ("not gating", &collected.provisional)] {
                for case in cases {
                    let because = case.expected_because.as_deref().unwrap_or_default();
                    self.wrapped(Tone::Dim, &format!("{word} {}: {} {because}", case.run, case.verdict));
                }
            }
        }
        let runs = counted(collected.reported(), "case run");
        self.wrapped(Tone::Strong, &format!("{runs}: {}", collected.by_standing()));
        self.wrapped(Tone::Plain, &format!("by conformance: {}", collected.by_conformance()));
        if !collected.expected.is_empty() && self.style.verbosity == Verbosity::Normal {
            let deviations = counted(collected.expected.len(), "expected deviation");
            self.line(Tone::Plain, &format!("{deviations}; --verbose lists them"));
        }
        for remark in collected.remarks() {
            let tone = if remark.kind.is_red() { Tone::Red } else { Tone::Plain };
            self.wrapped(tone, &remark.text);
        }
        match collected.exit() {
            Some((Exit::AsExpected, text)) => self.line(Tone::Green, &text),
            Some((_, text)) => self.line(Tone::Red, &text),
            None => {}
        }
    }

    fn wrapped(&mut self, tone: Tone, text: &str) {
        for (i, line) in wrap(&printable(text), self.style.width.saturating_sub(2).max(20)).iter().enumerate() {
            let indent = if i == 0 { "" } else { "  " };
            self.line(tone, &format!("{indent}{line}"));
        }
    }

    fn line(&mut self, tone: Tone, text: &str) {
        let (on, off) = match (self.style.colour, tone.code()) {
            (Colour::On, Some(code)) if !text.is_empty() => (format!("\u{1b}[{code}m"), "\u{1b}[0m"),
            (Colour::On | Colour::Off, _) => (String::new(), ""),
        };
        self.pending += &format!("{on}{text}{off}\n");
    }

    /// Writes what has gathered, at once: a bar is taken away and drawn again only once.
    fn write_pending(&mut self) -> io::Result<()> {
        let text = std::mem::take(&mut self.pending);
        if text.is_empty() {
            return Ok(());
        }
        let out = &mut self.out;
        let mut write = || out.write_all(text.as_bytes());
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn start_bar(&mut self, planned: usize) {
        let bar = ProgressBar::with_draw_target(Some(planned as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        self.bar = Some(bar);
    }

    fn end_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl<W: Write> Sink for Console<'_, W> {
    fn on(&mut self, event: &Event) -> io::Result<()> {
        self.collected.on(event);
        match event {
            Event::RunStarted(started) => {
                self.header(started);
                self.write_pending()?;
                if self.style.progress == Progress::Bar {
                    self.start_bar(started.planned);
                }
            }
            Event::CaseFinished(case) => {
                if let Some(bar) = &self.bar {
                    bar.inc(1);
                    bar.set_message(format!("{} red", self.collected.red.len()));
                }
                if case.standing.is_red() {
                    self.red(case);
                }
            }
            Event::SubjectReplaced(replaced) => self.replaced(replaced),
            Event::HarnessError(_) => {}
            Event::RunFinished(_) => self.end_bar(),
        }
        self.write_pending()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.end_bar();
        self.summary();
        self.write_pending()?;
        self.out.flush()
    }
}

/// What a line's colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    Plain,
    Strong,
    Dim,
    Red,
    Green,
}

impl Tone {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Dim => Some("2"),
            Self::Red => Some("1;31"),
            Self::Green => Some("32"),
        }
    }
}

#[cfg(test)]
mod tests;
