//! Edits of a text as `diff -u` prints them.

/// Unchanged lines around each change.
const CONTEXT: usize = 3;

/// What becomes of a line; each carries its line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edit {
    Keep(String),
    Remove(String),
    Add(String),
}

/// The text that the edits lead to.
pub(super) fn applied(edits: &[Edit]) -> String {
    let lines = edits.iter().filter_map(|edit| match edit {
        Edit::Keep(line) | Edit::Add(line) => Some(line.as_str()),
        Edit::Remove(_) => None,
    });
    lines.collect()
}

/// A unified diff of the file, empty if nothing changes.
pub(super) fn unified(name: &str, edits: &[Edit]) -> String {
    let changed: Vec<usize> = (0..edits.len()).filter(|i| !matches!(edits[*i], Edit::Keep(_))).collect();
    if changed.is_empty() {
        return String::new();
    }
    let mut text = format!("--- {name}\n+++ {name}\n");
    let mut rest = changed.as_slice();
    while let Some(first) = rest.first() {
        // A hunk ends where the next change is further away than both contexts reach.
        let apart = |pair: &[usize]| pair[1] - pair[0] > 2 * CONTEXT + 1;
        let length = rest.windows(2).position(apart).map_or(rest.len(), |i| i + 1);
        let from = first.saturating_sub(CONTEXT);
        let to = (rest[length - 1] + CONTEXT + 1).min(edits.len());
        text += &hunk(edits, from, to);
        rest = &rest[length..];
    }
    text
}

fn hunk(edits: &[Edit], from: usize, to: usize) -> String {
    let old_lines = |edits: &[Edit]| edits.iter().filter(|edit| !matches!(edit, Edit::Add(_))).count();
    let new_lines = |edits: &[Edit]| edits.iter().filter(|edit| !matches!(edit, Edit::Remove(_))).count();
    let (before, here) = (&edits[..from], &edits[from..to]);
    // A side without lines is placed after the line before it.
    let place = |before: usize, here: usize| format!("{},{here}", if here == 0 { before } else { before + 1 });
    let old = place(old_lines(before), old_lines(here));
    let new = place(new_lines(before), new_lines(here));
    let mut text = format!("@@ -{old} +{new} @@\n");
    for edit in here {
        let (sign, line) = match edit {
            Edit::Keep(line) => (' ', line),
            Edit::Remove(line) => ('-', line),
            Edit::Add(line) => ('+', line),
        };
        text.push(sign);
        text.push_str(line.trim_end_matches(['\r', '\n']));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hunks_are_placed_as_patch_expects_them() {
        let mut edits: Vec<Edit> = (1..=30).map(|n| Edit::Keep(format!("line {n}\n"))).collect();
        edits[4] = Edit::Remove("line 5\n".to_owned());
        edits.insert(5, Edit::Add("five\n".to_owned()));
        edits[21] = Edit::Remove("line 21\n".to_owned());
        edits.push(Edit::Add("end\n".to_owned()));
        insta::assert_snapshot!(unified("a", &edits));
        assert_eq!(unified("a", &edits[..3]), "");
        let new = [Edit::Add("x\n".to_owned()), Edit::Add("y\n".to_owned())];
        assert_eq!(unified("a", &new), "--- a\n+++ a\n@@ -0,0 +1,2 @@\n+x\n+y\n");
        assert_eq!(applied(&new), "x\ny\n");
    }
}
