//! Removing entries from the text of a file, and adding others, without touching anything else.

use super::unified::Edit;

/// Removes the entries whose `[[expect]]` stands on one of the lines `removed`, and puts `added` at the end. `entries`
/// are the lines of all entries, in order. All line numbers count from 1.
///
/// The comment directly above an entry goes with it; one that a blank line sets apart stays.
pub(super) fn edits(text: &str, entries: &[usize], removed: &[usize], added: &[String]) -> Vec<Edit> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut gone = vec![false; lines.len()];
    for (i, header) in entries.iter().enumerate().filter(|(_, header)| removed.contains(header)) {
        let next = entries.get(i + 1).map_or(lines.len(), |next| next - 1);
        let body = &lines[header - 1..next];
        let last = header - 1 + body.iter().rposition(|line| !is_blank(line) && !is_comment(line)).unwrap_or(0);
        let mut first = header - 1;
        while first > 0 && is_comment(lines[first - 1]) {
            first -= 1;
        }
        let blank_after = lines[last + 1..].iter().take_while(|line| is_blank(line)).count();
        gone[first..=last + blank_after].fill(true);
    }
    let mut edits: Vec<_> = lines.iter().zip(&gone).map(|(line, gone)| edit(line, *gone)).collect();
    if added.is_empty() {
        return edits;
    }
    for edit in edits.iter_mut().rev() {
        match edit {
            Edit::Keep(line) if is_blank(line) => *edit = Edit::Remove(std::mem::take(line)),
            Edit::Keep(line) => {
                if !line.ends_with('\n') {
                    line.push('\n');
                }
                break;
            }
            Edit::Remove(_) | Edit::Add(_) => {}
        }
    }
    for entry in added {
        edits.push(Edit::Add("\n".to_owned()));
        edits.extend(entry.split_inclusive('\n').map(|line| Edit::Add(line.to_owned())));
    }
    edits
}

fn edit(line: &str, gone: bool) -> Edit {
    if gone { Edit::Remove(line.to_owned()) } else { Edit::Keep(line.to_owned()) }
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}
