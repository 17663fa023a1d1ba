//! One requirement or one case, told in full.

use std::fmt::Write as _;

use super::{CaseRef, Ledger, Requirement, Unknown, suggest};

/// Explains the requirement or case with this id. Case ids contain `/`, requirement ids do not.
///
/// # Errors
/// [`Unknown`] if there is neither; its text suggests what was meant.
pub fn explain(ledger: &Ledger, id: &str, cases: &[CaseRef]) -> Result<String, Unknown> {
    if let Some(case) = cases.iter().find(|case| case.id == id) {
        return Ok(of_case(ledger, case));
    }
    if id.contains('/') {
        return Err(Unknown {
            expected: "the id of a case",
            id: id.to_owned(),
            near: suggest::near(id, cases.iter().map(|case| case.id.as_str())),
        });
    }
    Ok(of_requirement(ledger, ledger.require(id)?, cases))
}

fn of_requirement(ledger: &Ledger, entry: &Requirement, cases: &[CaseRef]) -> String {
    let mut out = statement(ledger, entry);
    line(&mut out, "how", &entry.how);
    let checking: Vec<_> = cases.iter().filter(|case| case.requirements.contains(&entry.id)).collect();
    if checking.is_empty() {
        line(&mut out, "cases", "none");
    }
    for (index, case) in checking.iter().enumerate() {
        let provisional = if case.provisional { ", provisional" } else { "" };
        let label = if index == 0 { "cases" } else { "" };
        line(&mut out, label, &format!("{} ({}{provisional}): {}", case.id, case.class, case.title));
    }
    out
}

fn of_case(ledger: &Ledger, case: &CaseRef) -> String {
    let mut out = format!("{}\n  {}\n", case.id, case.title);
    let gates = if case.provisional { "provisional: reported, never red" } else { "gates" };
    line(&mut out, "class", &format!("{}, {gates}", case.class));
    line(&mut out, "defined", &case.source);
    let killed = if case.killed_by.is_empty() { "no mutant yet".to_owned() } else { case.killed_by.join(", ") };
    line(&mut out, "proved by", &killed);
    for id in &case.requirements {
        out.push('\n');
        match ledger.require(id) {
            Ok(entry) => out.push_str(&statement(ledger, entry)),
            Err(unknown) => line(&mut out, "unknown", &unknown.to_string()),
        }
    }
    out
}

fn statement(ledger: &Ledger, entry: &Requirement) -> String {
    let title = ledger.rfc(entry.rfc).map_or_else(|| entry.rfc.to_string(), super::Rfc::title);
    let mut out = format!("{}  {}\n", entry.id, entry.level);
    line(&mut out, "text", &entry.text);
    line(&mut out, "where", &format!("{title}, {}", entry.section));
    line(&mut out, "link", &entry.url());
    line(&mut out, "binds", &entry.role);
    line(&mut out, "check", entry.check.word());
    out
}

fn line(out: &mut String, label: &str, text: &str) {
    writeln!(out, "  {label:<10}{text}").expect("writing to a String never fails");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases() -> Vec<CaseRef> {
        vec![
            CaseRef {
                id: "zmtp/frame/reserved-bits".into(),
                title: "A frame with reserved flag bits harms nobody.".into(),
                requirements: vec!["ZMTP31-FRAMING-04".into(), "ZMTP30-FRAMING-04".into()],
                class: "robust".into(),
                provisional: false,
                killed_by: vec!["frame/reserved-bit-panics".into()],
                source: "conformance/cases/zmtp/frame.toml".into(),
            },
            CaseRef {
                id: "zmtp/frame/sent-flags".into(),
                title: "Flags sent stay within 00 to 07.".into(),
                requirements: vec!["ZMTP31-FRAMING-04".into(), "ZMTP31-FRAMING-40".into()],
                class: "spec".into(),
                provisional: true,
                killed_by: Vec::new(),
                source: "conformance/cases/zmtp/frame.toml".into(),
            },
        ]
    }

    #[test]
    fn a_requirement_in_full() {
        insta::assert_snapshot!(explain(Ledger::embedded(), "ZMTP31-FRAMING-04", &cases()).unwrap());
        insta::assert_snapshot!(explain(Ledger::embedded(), "ZMTP31-CMDS-01", &cases()).unwrap());
    }

    #[test]
    fn a_case_in_full() {
        insta::assert_snapshot!(explain(Ledger::embedded(), "zmtp/frame/reserved-bits", &cases()).unwrap());
        insta::assert_snapshot!(explain(Ledger::embedded(), "zmtp/frame/sent-flags", &cases()).unwrap());
    }

    #[test]
    fn an_unknown_id() {
        let error = |id: &str| explain(Ledger::embedded(), id, &cases()).unwrap_err().to_string();
        assert_eq!(
            error("zmtp/frame/reserved-bit"),
            "expected the id of a case, got \"zmtp/frame/reserved-bit\"; did you mean zmtp/frame/reserved-bits?"
        );
        assert_eq!(
            error("ZMTP31-CMDS-1"),
            "expected the id of a requirement in the ledger, got \"ZMTP31-CMDS-1\"; did you mean ZMTP31-CMDS-01, \
             ZMTP30-CMDS-01 or ZMTP31-CMDS-02?"
        );
    }
}
