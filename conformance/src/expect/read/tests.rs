use jiff::civil::date;

use super::*;
use crate::verdict::Close;

#[test]
fn an_entry_is_read_with_all_its_fields() {
    let file = Expectations::parse("x.toml", FULL).unwrap();
    assert_eq!((file.subject.as_str(), file.subject_line, file.entries.len()), ("libzmq", 3, 2));
    let entry = &file.entries[0];
    assert_eq!(file.location(entry), "x.toml:5");
    assert_eq!(entry.covers.to_string(), "zmtp/greeting/*@binds@3.1");
    assert_eq!(entry.outcome.to_string(), "fail close=closed survival=crashed `step 3: closed`");
    assert_eq!(entry.expires, Some(date(2027, 3, 31)));
    assert_eq!(entry.when.version.as_ref().unwrap().to_string(), ">=4.3.4, <4.3.6");
    assert_eq!((entry.when.features.len(), entry.when.os.len(), entry.when.sha256.len()), (1, 2, 1));
    assert!(entry.embargo);
    let pin = &file.entries[1];
    assert!(pin.outcome.is_pin());
    assert_eq!(pin.outcome.close, Some(CloseRule::Exactly(Close::Rst)));
    assert_eq!(pin.outcome.variant.as_deref(), Some("error-then-close"));
}

#[test]
fn entries_may_share_a_case_when_role_version_or_build_keep_them_apart() {
    for (a, b) in [
        ("role = \"binds\"", "role = \"connects\""),
        ("zmtp = \"3.0\"", "zmtp = \"3.1\""),
        ("when = { version = \"<4.3.4\" }", "when = { version = \">=4.3.4\" }"),
        ("when = { os = [\"linux\"] }", "when = { os = [\"macos\", \"windows\"] }"),
    ] {
        let text = file(&[&format!("{GOOD}\n{a}"), &format!("{GOOD}\n{b}")]);
        assert_eq!(Expectations::parse("x", &text).unwrap().entries.len(), 2, "{text}");
    }
}

#[test]
fn every_error_has_its_line_and_says_what_to_do() {
    let entries = [
        "revision = 1", // no case
        "case = \"a b\"\nrevision = 1\nreason = \"r\"\nconformance = \"fail\"\nfingerprint = \"f\"",
        "case = 7",
        "case = \"a/b\"\nrevision = 1\nconformance = \"fail\"\nfingerprint = \"f\"", // no reason
        "case = \"a/b\"\nrevision = 1\nreason = \" \"\nconformance = \"fail\"\nfingerprint = \"f\"",
        "case = \"a/b\"\nreason = \"r\"\nrevision = 0\nconformance = \"fail\"\nfingerprint = \"f\"",
        "case = \"a/b\"\nreason = \"r\"\nrevision = 1\nconformance = \"failed\"",
        "case = \"a/b\"\nreason = \"r\"\nrevision = 1\nconformance = \"fail\"",
        "case = \"a/b\"\nreason = \"r\"\nrevision = 1\nconformance = \"pass\"",
        "case = \"a/b\"\nreason = \"r\"\nrevision = 1\nconformance = \"fail\"\nvariant = \"v\"\nfingerprint = \"f\"",
        &format!("{GOOD}\nclose = \"half\""),
        &format!("{GOOD}\nsurvival = \"dead\""),
        &format!("{GOOD}\nrole = \"server\""),
        &format!("{GOOD}\nzmtp = \"3\""),
        &format!("{GOOD}\nzmtp = 3.1"),
        &format!("{GOOD}\nflaky = true"),
        &format!("{GOOD}\nlink = \"\""),
        &format!("{GOOD}\nembargo = \"yes\""),
        &format!("{GOOD}\nexpires = \"2027-01-01\""),
        &format!("{GOOD}\nexpires = 2027-13-01"),
        &format!("{GOOD}\nexpires = 2027-01-01T10:00:00"),
        &format!("{GOOD}\nwhen = {{}}"),
        &format!("{GOOD}\nwhen = {{ version = \"4.3.5\" }}"),
        &format!("{GOOD}\nwhen = {{ versions = \"=4.3.5\" }}"),
        &format!("{GOOD}\nwhen = {{ sha256 = [\"ABC\"] }}"),
        &format!("{GOOD}\nwhen = {{ os = \"linux\" }}"),
        &format!("{GOOD}\nwhen = {{ os = [] }}"),
        &format!("{GOOD}\nwhen = {{ features = [1] }}"),
    ];
    let mut texts: Vec<String> = entries.iter().map(|entry| file(&[entry])).collect();
    texts.extend([
        file(&[GOOD, GOOD]),
        file(&[GOOD, &GOOD.replace("a/b", "a/*")]),
        "edition = 2\nsubject = \"x\"".to_owned(),
        "subject = \"x\"".to_owned(),
        "edition = 1".to_owned(),
        "edition = \"1\"\nsubject = \"x\"".to_owned(),
        "edition = 1\nsubject = \"x\"\nignore = [\"a\"]".to_owned(),
        "edition = 1\nsubject = \"x\"\nexpect = [{ case = \"a\" }]".to_owned(),
        "edition = 1\nsubject = \"x\"\nexpect = 3".to_owned(),
        "edition = 1\nedition = 1".to_owned(),
        "edition = ".to_owned(),
    ]);
    let errors: Vec<_> =
        texts.iter().map(|text| Expectations::parse("x.toml", text).unwrap_err().to_string()).collect();
    assert!(errors.iter().all(|error| !error.contains('\n')));
    insta::assert_snapshot!(errors.join("\n"));
}

const GOOD: &str = "case = \"a/b\"\nrevision = 1\nreason = \"r\"\nconformance = \"fail\"\nfingerprint = \"f\"";

const FULL: &str = r#"# Header.
edition = 1
subject = "libzmq"

[[expect]]
case = "zmtp/greeting/*"
role = "binds"
zmtp = "3.1"
revision = 2
conformance = "fail"
close = "closed"
survival = "crashed"
fingerprint = "step 3: closed"
clause = "ZMTP31-GREETING-02"
bytes = "ff 00*8 7f"
reason = "known since 4.3.4"
link = "https://example.org/1"
expires = 2027-03-31
embargo = true
[expect.when]
version = ">=4.3.4, <4.3.6"
sha256 = ["0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]
features = ["draft"]
os = ["linux", "macos"]

[[expect]]
case = "zmtp/error/sent"
revision = 1
conformance = "variant"
variant = "error-then-close"
close = "rst"
reason = "pinned so that a change is seen"
"#;

fn file(entries: &[&str]) -> String {
    let entries: Vec<_> = entries.iter().map(|entry| format!("\n[[expect]]\n{entry}\n")).collect();
    format!("edition = 1\nsubject = \"libzmq\"\n{}", entries.concat())
}
