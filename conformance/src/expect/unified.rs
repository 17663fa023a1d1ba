//! The difference between two texts as `diff -u` prints it.

/// Unchanged lines around each change.
const CONTEXT: usize = 3;

/// A unified diff, empty if the texts are equal.
#[must_use]
pub fn unified_diff(old_name: &str, old: &str, new_name: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let edits = edits(&old, &new);
    let changed: Vec<usize> = (0..edits.len())
        .filter(|i| !matches!(edits[*i], Edit::Keep(_)))
        .collect();
    if changed.is_empty() {
        return String::new();
    }
    let mut text = format!("--- {old_name}\n+++ {new_name}\n");
    let mut rest = changed.as_slice();
    while let Some(first) = rest.first() {
        // A hunk ends where the next change is further away than both contexts reach.
        let apart = |pair: &[usize]| pair[1] - pair[0] > 2 * CONTEXT + 1;
        let length = rest
            .windows(2)
            .position(apart)
            .map_or(rest.len(), |i| i + 1);
        let from = first.saturating_sub(CONTEXT);
        let to = (rest[length - 1] + CONTEXT + 1).min(edits.len());
        text += &hunk(&edits, from, to);
        rest = &rest[length..];
    }
    text
}

#[derive(Clone, Copy)]
enum Edit<'a> {
    Keep(&'a str),
    Remove(&'a str),
    Add(&'a str),
}

fn hunk(edits: &[Edit<'_>], from: usize, to: usize) -> String {
    let old_lines = |edits: &[Edit<'_>]| {
        edits
            .iter()
            .filter(|edit| !matches!(edit, Edit::Add(_)))
            .count()
    };
    let new_lines = |edits: &[Edit<'_>]| {
        edits
            .iter()
            .filter(|edit| !matches!(edit, Edit::Remove(_)))
            .count()
    };
    let (before, here) = (&edits[..from], &edits[from..to]);
    // A side without lines is placed after the line before it.
    let place = |before: usize, here: usize| {
        format!("{},{here}", if here == 0 { before } else { before + 1 })
    };
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
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The shortest way from old to new, removals before additions.
fn edits<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Edit<'a>> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - start;
    let end = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(most)
        .take_while(|(a, b)| a == b)
        .count();
    let (a, b) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    // common[i][j]: length of the longest common subsequence of what is left from i and j on.
    let mut common = vec![vec![0_u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i][j] = if a[i] == b[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let mut edits: Vec<_> = old[..start].iter().map(|line| Edit::Keep(line)).collect();
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            edits.push(Edit::Keep(a[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < a.len() && (j == b.len() || common[i + 1][j] >= common[i][j + 1]) {
            edits.push(Edit::Remove(a[i]));
            i += 1;
        } else {
            edits.push(Edit::Add(b[j]));
            j += 1;
        }
    }
    edits.extend(old[old.len() - end..].iter().map(|line| Edit::Keep(line)));
    edits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hunks_are_placed_as_patch_expects_them() {
        let old: Vec<String> = (1..=30).map(|n| format!("line {n}")).collect();
        let mut new = old.clone();
        new[4] = "five".to_owned();
        new.remove(20);
        new.push("end".to_owned());
        insta::assert_snapshot!(unified_diff("a", &old.join("\n"), "b", &new.join("\n")));
        insta::assert_snapshot!("from_nothing", unified_diff("a", "", "b", "x\ny\n"));
        assert_eq!(unified_diff("a", "x\n", "b", "x\n"), "");
    }

    proptest! {
        /// The kept and removed lines are the old text, the kept and added ones the new.
        #[test]
        fn edits_lead_from_old_to_new(old in lines(), new in lines()) {
            let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
            let edits = edits(&a, &b);
            let side = |skip: fn(&Edit<'_>) -> bool| edits.iter().filter(|edit| !skip(edit)).map(|edit| match edit {
                Edit::Keep(line) | Edit::Remove(line) | Edit::Add(line) => *line,
            }).collect::<Vec<_>>();
            prop_assert_eq!(side(|edit| matches!(edit, Edit::Add(_))), a);
            prop_assert_eq!(side(|edit| matches!(edit, Edit::Remove(_))), b);
        }
    }

    fn lines() -> impl Strategy<Value = String> {
        prop::collection::vec("[ab]", 0..12).prop_map(|lines| lines.join("\n"))
    }
}
