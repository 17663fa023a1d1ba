//! The matrix for people.

use std::fmt::Write as _;

use crate::deviations::Deviations;
use crate::matrix::{Scene, Way};
use crate::meet::Verdict;

/// What came of one way to meet: of each scene, a verdict for each peer.
pub(crate) struct Met<'a> {
    pub(crate) way: Way,
    pub(crate) rows: Vec<(&'a Scene, Vec<Verdict>)>,
}

/// A table for each way, scenes down, peers across, and below all the reason of each failure. A peer that cannot be met
/// that way at all has no column.
pub(crate) fn markdown(subject: &str, peers: &[&str], met: &[Met<'_>], known: &Deviations) -> String {
    let mut text = String::new();
    let mut notes: Vec<String> = Vec::new();
    for Met { way, rows } in met {
        let is_there = |peer: &usize| rows.iter().any(|(_, verdicts)| verdicts[*peer].is_there());
        let columns: Vec<usize> = (0..peers.len()).filter(is_there).collect();
        if columns.is_empty() {
            continue;
        }
        let _ = write!(text, "## {way}\n\n| scene ");
        for &column in &columns {
            let _ = write!(text, "| {} ", peers[column]);
        }
        text += "|\n|---";
        text += &"|---".repeat(columns.len());
        text += "|\n";
        for (scene, verdicts) in rows {
            let _ = write!(text, "| {scene} ");
            for &column in &columns {
                let cell = match (&verdicts[column], known.of(subject, peers[column], *way, scene)) {
                    (Verdict::Passed, _) => "pass".to_owned(),
                    (Verdict::NotThere(_), _) => "–".to_owned(),
                    (Verdict::Failed(why), None) => note(&mut notes, why.clone()),
                    (Verdict::Failed(_), Some(known)) => {
                        note(&mut notes, format!("{} Octets: {}. Clause: {}.", known.why, known.octets, known.clause))
                    }
                };
                let _ = write!(text, "| {cell} ");
            }
            text += "|\n";
        }
        text += "\n";
    }
    if !notes.is_empty() {
        text += "## What fails\n\n";
    }
    for (number, note) in notes.iter().enumerate() {
        let _ = writeln!(text, "{}. {note}", number + 1);
    }
    text
}

/// The same reason is one note.
fn note(notes: &mut Vec<String>, reason: String) -> String {
    let at = notes.iter().position(|known| *known == reason).unwrap_or_else(|| {
        notes.push(reason);
        notes.len() - 1
    });
    format!("fail ({})", at + 1)
}

/// The page with these tables between its marks.
///
/// # Errors
///
/// A sentence if it has no marks.
pub(crate) fn into_page(page: &str, tables: &str) -> Result<String, String> {
    let no_marks = || format!("no {BEGIN:?} before {END:?}");
    let (head, rest) = page.split_once(BEGIN).ok_or_else(no_marks)?;
    let (_, tail) = rest.split_once(END).ok_or_else(no_marks)?;
    Ok(format!("{head}{BEGIN}\n\n{}\n\n{END}{tail}", tables.trim()))
}

const BEGIN: &str = "<!-- written by interop -->";
const END: &str = "<!-- end of what interop writes -->";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::{scenes, ways};

    #[test]
    fn who_cannot_be_met_has_no_column_and_a_reason_is_given_once() {
        let scenes = scenes();
        let not_there = || Verdict::NotThere("a: no".into());
        let row = |at: usize| (&scenes[at], vec![Verdict::Failed("b: x".into()), not_there(), Verdict::Passed]);
        let none = (&scenes[0], vec![not_there(), not_there(), not_there()]);
        let met = [Met { way: ways()[0], rows: vec![row(0), row(1)] }, Met { way: ways()[1], rows: vec![none] }];
        let text = markdown("ours", &["one", "two", "three"], &met, &Deviations::default());
        let expected = "## NULL over tcp\n\n| scene | one | three |\n|---|---|---|\n\
            | REQ-REP, subject REQ binds | fail (1) | pass |\n| REQ-REP, subject REQ connects | fail (1) | pass |\n\n\
            ## What fails\n\n1. b: x\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn tables_replace_what_is_between_the_marks() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nz");
        assert_eq!(into_page(&page, "new\n").unwrap(), format!("a\n{BEGIN}\n\nnew\n\n{END}\nz"));
        assert!(into_page("a", "new").is_err());
    }
}
