//! A comparison for people: plain text, and Markdown for a pull request.

use super::{Change, Diff, Difference, Side};
use crate::exit::Exit;
use crate::report::{markdown_text, printable};

impl Diff {
    /// As plain text, one line per difference.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut lines = vec![
            format!(
                "old  {}: {}, profile {}, {} case runs",
                self.old.file, self.old.subject, self.old.profile, self.old.reported
            ),
            format!(
                "new  {}: {}, profile {}, {} case runs",
                self.new.file, self.new.subject, self.new.profile, self.new.reported
            ),
        ];
        lines.extend(self.warnings.iter().map(|warning| format!("note {warning}")));
        for (change, group) in self.groups() {
            lines.push(String::new());
            lines.push(format!("{} ({})", change.words(), group.len()));
            lines.extend(group.iter().map(|one| format!("  {}{}: {}", one.run, one.mark(), one.what())));
        }
        lines.push(String::new());
        lines.push(self.total());
        printable(&lines.join("\n")) + "\n"
    }

    /// As Markdown, a table per kind of change.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "## zmqspec diff: {}\n\n| | file | subject | profile | case runs |\n|---|---|---|---|---:|\n",
            if self.regressions() == 0 {
                "no regression".to_owned()
            } else {
                format!("❌ regressions: {}", self.regressions())
            }
        );
        for (name, run) in [("old", &self.old), ("new", &self.new)] {
            let cells = [&run.file, &run.subject, &run.profile].map(|cell| markdown_text(cell));
            text += &format!("| {name} | {} | {} |\n", cells.join(" | "), run.reported);
        }
        text.push('\n');
        for warning in &self.warnings {
            text += &format!("- ⚠️ {}\n", markdown_text(warning));
        }
        for (change, group) in self.groups() {
            text += &format!("\n### {} ({})\n\n| case run | what changed |\n|---|---|\n", change.words(), group.len());
            for one in group {
                let run = format!("{}{}", one.run, one.mark());
                text += &format!("| {} | {} |\n", markdown_text(&run), markdown_text(&one.what()));
            }
        }
        text + "\n" + &self.total() + "\n"
    }

    fn groups(&self) -> impl Iterator<Item = (Change, Vec<&Difference>)> {
        let group = |change| self.differences.iter().filter(|one| one.change == change).collect::<Vec<_>>();
        Change::ALL.into_iter().map(move |change| (change, group(change))).filter(|(_, group)| !group.is_empty())
    }

    fn total(&self) -> String {
        let (exit, meaning) =
            if self.exit_code() == 0 { (Exit::AsExpected, "no regression") } else { (Exit::Differs, "a regression") };
        format!(
            "{} the same, {} different, {} of them regressions; exit {}: {meaning}",
            self.same,
            self.differences.len(),
            self.regressions(),
            exit.code()
        )
    }
}

impl Difference {
    fn mark(&self) -> &'static str {
        if self.change.is_regression() && !self.is_regression() { " (not gating)" } else { "" }
    }

    fn what(&self) -> String {
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => {
                let revision = if old.revision == new.revision {
                    String::new()
                } else {
                    format!("; the case changed from revision {} to {}", old.revision, new.revision)
                };
                format!("{} → {}{revision}", side(old), side(new))
            }
            (Some(old), None) => format!("was {}", side(old)),
            (None, Some(new)) => side(new),
            (None, None) => String::new(),
        }
    }
}

fn side(side: &Side) -> String {
    let fingerprint = side.fingerprint.as_ref().map(|text| format!(" `{text}`")).unwrap_or_default();
    format!("{}{fingerprint}", side.verdict)
}
