//! Removing entries from the text of a file, and adding others, without touching anything else.

/// The text without the entries whose `[[expect]]` stands on one of the lines `removed`, and with `added` at the end.
/// `entries` are the lines of all entries, in order. All line numbers count from 1.
///
/// The comment directly above an entry goes with it; one that a blank line sets apart stays.
pub(super) fn apply(text: &str, entries: &[usize], removed: &[usize], added: &[String]) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut gone = vec![false; lines.len()];
    for (i, header) in entries
        .iter()
        .enumerate()
        .filter(|(_, header)| removed.contains(header))
    {
        let next = entries.get(i + 1).map_or(lines.len(), |next| next - 1);
        let body = &lines[header - 1..next];
        let last = header - 1
            + body
                .iter()
                .rposition(|line| !is_blank(line) && !is_comment(line))
                .unwrap_or(0);
        let mut first = header - 1;
        while first > 0 && is_comment(lines[first - 1]) {
            first -= 1;
        }
        let blank_after = lines[last + 1..]
            .iter()
            .take_while(|line| is_blank(line))
            .count();
        gone[first..=last + blank_after].fill(true);
    }
    let kept = lines
        .iter()
        .zip(&gone)
        .filter(|(_, gone)| !**gone)
        .map(|(line, _)| *line);
    let mut out: String = kept.collect();
    if gone.contains(&true) || !added.is_empty() {
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    for entry in added {
        out.push('\n');
        out.push_str(entry);
    }
    out
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}
