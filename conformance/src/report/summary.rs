//! What every report for people collects from the events, and the lines they end with.

use std::collections::BTreeMap;

use super::text::counted;
use crate::event::{CaseFinished, Event, HarnessError, RunFinished, RunStarted, Standing};
use crate::exit::Exit;
use crate::verdict::Conformance;

/// What is kept of a run.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) started: Option<RunStarted>,
    pub(super) conformance: BTreeMap<String, usize>,
    pub(super) standing: BTreeMap<String, usize>,
    pub(super) red: Vec<CaseFinished>,
    pub(super) expected: Vec<CaseFinished>,
    pub(super) provisional: Vec<CaseFinished>,
    pub(super) harness_errors: Vec<HarnessError>,
    pub(super) finished: Option<RunFinished>,
}

impl Collected {
    pub(super) fn on(&mut self, event: &Event) {
        match event {
            Event::RunStarted(started) => self.started = Some((**started).clone()),
            Event::CaseFinished(case) => self.count(case),
            Event::SubjectReplaced(_) => {}
            Event::HarnessError(error) => self.harness_errors.push(error.clone()),
            Event::RunFinished(finished) => self.finished = Some(finished.clone()),
        }
    }

    fn count(&mut self, case: &CaseFinished) {
        *self.conformance.entry(case.verdict.conformance.word().to_owned()).or_default() += 1;
        *self.standing.entry(case.standing.word().to_owned()).or_default() += 1;
        // Transcripts are the bulk of an event, and no report for people shows them.
        let kept = || CaseFinished { transcript: Vec::new(), ..case.clone() };
        match case.standing {
            Standing::Ok => {}
            Standing::Expected => self.expected.push(kept()),
            Standing::NotGating => self.provisional.push(kept()),
            Standing::Unexpected | Standing::UnexpectedPass | Standing::DifferentFailure => {
                self.red.push(kept());
            }
        }
    }

    /// Number of case runs that were reported.
    pub(super) fn reported(&self) -> usize {
        self.standing.values().sum()
    }

    /// `400 ok, 3 expected, 1 unexpected`: words with a count, in the order of their axis.
    pub(super) fn by_standing(&self) -> String {
        listed(Standing::ALL.iter().map(|standing| standing.word()), &self.standing)
    }

    /// `390 pass, 10 variant, 4 fail`.
    pub(super) fn by_conformance(&self) -> String {
        listed(Conformance::ALL.iter().map(|word| word.word()), &self.conformance)
    }

    /// Everything beside the case runs that makes the run red, or that a reader must know to trust the totals.
    pub(super) fn remarks(&self) -> Vec<Remark> {
        let mut remarks = Vec::new();
        let mut remark = |kind, text| remarks.push(Remark { kind, text });
        for error in &self.harness_errors {
            let during = error.run.as_ref().map(|run| format!(" during {run}")).unwrap_or_default();
            remark(RemarkKind::HarnessError, format!("harness error{during}: {}", error.text));
        }
        let Some(finished) = &self.finished else {
            let text = "the run was cut: it has no end, and its totals are those of its beginning";
            remark(RemarkKind::Cut, text.to_owned());
            return remarks;
        };
        for dead in &finished.dead_expectations {
            remark(RemarkKind::Dead, format!("dead expectation: {dead}"));
        }
        for expired in &finished.expired_expectations {
            remark(RemarkKind::Expired, format!("expired expectation: {expired}"));
        }
        if finished.embargoed > 0 {
            let results = counted(finished.embargoed, "result");
            remark(RemarkKind::Withheld, format!("{results} withheld under embargo"));
        }
        if finished.embargoed_differing > 0 {
            let differ = if finished.embargoed_differing == 1 { "differs" } else { "differ" };
            let results = counted(finished.embargoed_differing, "embargoed result");
            remark(RemarkKind::WithheldDiffers, format!("{results} {differ} from what was expected"));
        }
        if finished.not_run > 0 {
            let runs = counted(finished.not_run, "planned case run");
            remark(RemarkKind::NotRun, format!("{runs} not executed: the time limit or an interrupt came first"));
        }
        remarks
    }

    /// `exit 1: a verdict differs from what was expected (12.3 s)`.
    pub(super) fn exit(&self) -> Option<(Exit, String)> {
        let finished = self.finished.as_ref()?;
        let exit = Exit::of_code(finished.exit_code)?;
        Some((exit, format!("{exit} ({})", duration(finished.millis))))
    }
}

/// One sentence beside the totals.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) kind: RemarkKind,
    pub(super) text: String,
}

/// What a remark is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RemarkKind {
    HarnessError,
    Cut,
    Dead,
    Expired,
    Withheld,
    WithheldDiffers,
    NotRun,
}

impl RemarkKind {
    /// Whether the run cannot be green with it.
    pub(super) fn is_red(self) -> bool {
        match self {
            Self::HarnessError | Self::Cut | Self::Dead | Self::Expired | Self::WithheldDiffers => true,
            Self::Withheld | Self::NotRun => false,
        }
    }

    /// Whether the harness is to blame, and not the subject or its expectations.
    pub(super) fn is_of_harness(self) -> bool {
        match self {
            Self::HarnessError | Self::Cut => true,
            Self::Dead | Self::Expired | Self::Withheld | Self::WithheldDiffers | Self::NotRun => false,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::HarnessError => "harness-error",
            Self::Cut => "cut",
            Self::Dead => "dead-expectation",
            Self::Expired => "expired-expectation",
            Self::Withheld => "withheld",
            Self::WithheldDiffers => "withheld-differs",
            Self::NotRun => "not-run",
        }
    }
}

fn listed<'a>(words: impl Iterator<Item = &'a str>, counts: &BTreeMap<String, usize>) -> String {
    let counts: Vec<_> = words.filter_map(|word| Some(format!("{} {word}", counts.get(word)?))).collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}

fn duration(millis: u64) -> String {
    let tenths = millis / 100;
    if tenths < 600 {
        format!("{}.{} s", tenths / 10, tenths % 10)
    } else {
        format!("{} min {} s", tenths / 600, tenths % 600 / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn totals_add_up_and_agree_with_the_last_event() {
        let mut collected = Collected::default();
        let events = sample::whole_run();
        events.iter().for_each(|event| collected.on(event));
        let cases = events.iter().filter_map(sample::case_of).count();
        assert_eq!(collected.reported(), cases);
        assert_eq!(collected.conformance.values().sum::<usize>(), cases);
        let finished = collected.finished.as_ref().unwrap();
        assert_eq!((&finished.standing, &finished.conformance), (&collected.standing, &collected.conformance));
        let numbers = |text: String| -> usize {
            text.split(", ").filter_map(|part| part.split(' ').next()?.parse::<usize>().ok()).sum()
        };
        assert_eq!(numbers(collected.by_standing()), cases);
        assert_eq!(numbers(collected.by_conformance()), cases);
        let kept = collected.red.len() + collected.expected.len() + collected.provisional.len();
        assert_eq!(kept + collected.standing["ok"], cases);
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(49), "0.0 s");
        assert_eq!(duration(12_345), "12.3 s");
        assert_eq!(duration(59_999), "59.9 s");
        assert_eq!(duration(61_000), "1 min 1 s");
    }
}
