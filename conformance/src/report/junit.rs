//! JUnit XML as Jenkins reads it: one suite per area, one test case per case run.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::block::block;
use super::output::{Output, Stage};
use super::summary::Collected;
use super::{RequirementLookup, Sink};
use crate::event::{CaseFinished, Event, RunStarted, Standing};
use crate::verdict::Conformance;

/// Writes the report at the end, and what there is of it after a harness error.
pub struct Junit<'a> {
    output: Output,
    requirement: RequirementLookup<'a>,
    collected: Collected,
    areas: BTreeMap<String, Vec<TestCase>>,
}

/// Columns of the text inside a failure.
const WIDTH: usize = 100;

impl<'a> Junit<'a> {
    /// A report that goes to `output`.
    #[must_use]
    pub fn new(output: Output, requirement: RequirementLookup<'a>) -> Self {
        Self { output, requirement, collected: Collected::default(), areas: BTreeMap::new() }
    }

    fn case(&self, case: &CaseFinished) -> TestCase {
        let came = || case.failure.as_ref().map(|failure| failure.came.clone()).unwrap_or_default();
        let because = || case.expected_because.clone().unwrap_or_default();
        let status = match case.standing {
            Standing::Ok if case.verdict.conformance == Conformance::Unsupported => {
                skipped(&format!("unsupported: {}", came()))
            }
            Standing::Ok => TestCaseStatus::success(),
            Standing::Expected => skipped(&format!("expected {}: {}", case.verdict, because())),
            Standing::NotGating => skipped(&format!("not gating, {}: {}", case.verdict, came())),
            Standing::Unexpected | Standing::UnexpectedPass | Standing::DifferentFailure => {
                let text = if case.standing == Standing::Unexpected { came() } else { because() };
                let lines = block(case, self.collected.started.as_ref(), self.requirement, WIDTH);
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status
                    .set_message(format!("{}: {text}", case.verdict))
                    .set_type(case.standing.word())
                    .set_description(lines.join("\n"));
                status
            }
        };
        let mut test = TestCase::new(case.run.to_string(), status);
        test.set_classname(format!("zmqspec.{}", area(case).replace('/', ".")));
        test.set_time(Duration::from_micros(case.micros));
        let (file, line) = case.source.rsplit_once(':').unwrap_or((&case.source, "1"));
        // There is no standard place for file and line; readers that look for them look here.
        test.extra.insert("file".into(), file.into());
        test.extra.insert("line".into(), line.into());
        test.add_property(("title", case.title.as_str()));
        test.add_property(("requirements", case.requirements.join(" ").as_str()));
        test.add_property(("verdict", case.verdict.to_string().as_str()));
        test
    }

    fn report(&self) -> Report {
        let mut report = Report::new("zmqspec");
        let properties = self.collected.started.as_ref().map(properties).unwrap_or_default();
        for (area, cases) in &self.areas {
            let mut suite = TestSuite::new(area.clone());
            suite.add_properties(properties.clone());
            suite.set_time(cases.iter().filter_map(|case| case.time).sum());
            suite.add_test_cases(cases.clone());
            report.add_test_suite(suite);
        }
        let mut run = TestSuite::new("zmqspec/run");
        run.add_properties(properties);
        run.add_test_cases(self.remarks());
        if run.tests > 0 {
            report.add_test_suite(run);
        }
        if let Some(finished) = &self.collected.finished {
            report.set_time(Duration::from_millis(finished.millis));
        }
        report
    }

    /// What makes the run red beside its case runs: without it a reader of this file would see green.
    fn remarks(&self) -> impl Iterator<Item = TestCase> {
        let remarks = self.collected.remarks();
        let red = remarks.into_iter().filter(|remark| remark.kind.is_red());
        let mut numbers = BTreeMap::<_, usize>::new();
        red.map(move |remark| {
            let kind = if remark.kind.is_of_harness() { NonSuccessKind::Error } else { NonSuccessKind::Failure };
            let mut status = TestCaseStatus::non_success(kind);
            status.set_message(remark.text.clone()).set_description(remark.text);
            let word = remark.kind.word();
            let number = numbers.entry(word).or_default();
            *number += 1;
            let mut test = TestCase::new(format!("{word} {number}"), status);
            test.set_classname("zmqspec.run");
            test
        })
    }

    fn put(&mut self, stage: Stage) -> io::Result<()> {
        let mut xml = Vec::new();
        self.report().serialize(&mut xml).map_err(io::Error::other)?;
        self.output.put(&xml, stage)
    }
}

impl Sink for Junit<'_> {
    fn on(&mut self, event: &Event) -> io::Result<()> {
        self.collected.on(event);
        match event {
            Event::CaseFinished(case) => {
                let test = self.case(case);
                self.areas.entry(area(case)).or_default().push(test);
                Ok(())
            }
            Event::HarnessError(_) => self.put(Stage::Interim),
            Event::RunStarted(_) | Event::SubjectReplaced(_) | Event::RunFinished(_) => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.put(Stage::Final)
    }
}

/// The case id without its last segment.
fn area(case: &CaseFinished) -> String {
    case.run.case.rsplit_once('/').map_or("cases", |(area, _)| area).to_owned()
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message.trim_end_matches([':', ' ']));
    status
}

fn properties(started: &RunStarted) -> Vec<Property> {
    let subject = &started.subject;
    let fields = [
        ("zmqspec", started.zmqspec.as_str()),
        ("subject", &subject.spec),
        ("name", &subject.name),
        ("version", &subject.version),
        ("commit", &subject.commit),
        ("path", subject.path.as_deref().unwrap_or_default()),
        ("sha256", subject.sha256.as_deref().unwrap_or_default()),
        ("profile", &started.profile),
        ("expectations", started.expectations.as_deref().unwrap_or("none")),
    ];
    fields.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| Property::new(*name, *value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn one_of_everything() {
        insta::assert_snapshot!(junit(&sample::whole_run()));
    }

    #[test]
    fn a_green_run_has_no_remarks() {
        let xml = junit(&sample::green_run());
        assert!(xml.contains("tests=\"1\" skipped=\"0\" failures=\"0\" errors=\"0\""), "{xml}");
        assert!(!xml.contains("zmqspec/run"));
    }

    #[test]
    fn the_totals_of_the_file_are_those_of_the_events() {
        let events = sample::whole_run();
        let mut collected = Collected::default();
        events.iter().for_each(|event| collected.on(event));
        let xml = junit(&events);
        let red = collected.remarks().iter().filter(|remark| remark.kind.is_red()).count();
        assert_eq!(xml.matches("<testcase ").count(), collected.reported() + red);
        let failing = xml.matches("<failure ").count() + xml.matches("<error ").count();
        assert_eq!(failing, collected.red.len() + red);
    }

    #[test]
    fn after_a_harness_error_there_is_a_report() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("junit.xml");
        let mut junit = Junit::new(Output::create(&path).unwrap(), &sample::requirement);
        for event in sample::whole_run().iter().filter(|event| !matches!(event, Event::RunFinished(_))) {
            junit.on(event).unwrap();
        }
        let xml = std::fs::read_to_string(&path).unwrap();
        assert!(xml.contains("harness error during zmtp/command/hang@binds@3.1"), "{xml}");
    }

    fn junit(events: &[Event]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("junit.xml");
        let mut junit = Junit::new(Output::create(&path).unwrap(), &sample::requirement);
        for event in events {
            junit.on(event).unwrap();
        }
        junit.finish().unwrap();
        std::fs::read_to_string(&path).unwrap()
    }
}
