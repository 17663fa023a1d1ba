//! The matrix for people.

use std::fmt::Write as _;

use crate::deviations::Deviations;
use crate::matrix::Scene;
use crate::meet::Verdict;

/// Scenes down, peers across, and below it the reason of each failure.
pub(crate) fn markdown(subject: &str, peers: &[&str], rows: &[(&Scene, Vec<Verdict>)], known: &Deviations) -> String {
    let mut text = "| scene ".to_owned();
    for peer in peers {
        let _ = write!(text, "| {peer} ");
    }
    text += "|\n|---";
    text += &"|---".repeat(peers.len());
    text += "|\n";
    let mut notes: Vec<String> = Vec::new();
    for (scene, verdicts) in rows {
        let _ = write!(text, "| {scene} ");
        for (peer, verdict) in peers.iter().zip(verdicts) {
            let cell = match (verdict, known.of(subject, peer, scene)) {
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
    for (number, note) in notes.iter().enumerate() {
        let _ = write!(text, "\n{}. {note}", number + 1);
    }
    text + "\n"
}

/// The same reason is one note.
fn note(notes: &mut Vec<String>, reason: String) -> String {
    let at = notes.iter().position(|known| *known == reason).unwrap_or_else(|| {
        notes.push(reason);
        notes.len() - 1
    });
    format!("fail ({})", at + 1)
}
