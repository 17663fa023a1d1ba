//! From the runner to every report, past the embargo.

use std::collections::BTreeMap;
use std::io;

use super::Sink;
use crate::event::{CaseFinished, Event, HarnessError, RunFinished};
use crate::exit::exit_code;
use crate::expect::{Embargo, GateFindings};

/// Hands events to every sink, withholds results under embargo, and counts.
///
/// Nothing else hands events to a sink, so no report can be made that the embargo does not hold for.
pub struct Fanout<'a> {
    sinks: Vec<Box<dyn Sink + 'a>>,
    embargo: Embargo,
    conformance: BTreeMap<String, usize>,
    standing: BTreeMap<String, usize>,
    embargoed: usize,
    embargoed_differing: usize,
    harness_errors: usize,
}

/// What the runner knows at the end that no event has said yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ending {
    /// What the gate found ([`crate::expect::Gate::finish`]).
    pub findings: GateFindings,
    /// Case runs that were planned and not executed.
    pub not_run: usize,
    /// Duration of the run in milliseconds.
    pub millis: u64,
}

impl<'a> Fanout<'a> {
    /// A fan-out without sinks.
    #[must_use]
    pub fn new(embargo: Embargo) -> Self {
        Self {
            sinks: Vec::new(),
            embargo,
            conformance: BTreeMap::new(),
            standing: BTreeMap::new(),
            embargoed: 0,
            embargoed_differing: 0,
            harness_errors: 0,
        }
    }

    /// Adds a report.
    pub fn add(&mut self, sink: impl Sink + 'a) {
        self.sinks.push(Box::new(sink));
    }

    /// Takes the next event: any but the last, which [`Fanout::end`] makes.
    ///
    /// # Errors
    ///
    /// The first sink's error; that a reader went away is none. The other sinks got the event all the same.
    pub fn on(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::CaseFinished(case) if self.embargo.covers(&case.run) => {
                self.embargoed += 1;
                self.embargoed_differing += usize::from(case.standing.is_red());
                Ok(())
            }
            // The end of a process tells what a case did to it.
            Event::SubjectReplaced(replaced) if replaced.after.as_ref().is_some_and(|run| self.embargo.covers(run)) => {
                Ok(())
            }
            Event::HarnessError(error) if error.run.as_ref().is_some_and(|run| self.embargo.covers(run)) => {
                self.harness_errors += 1;
                let text = "the harness failed during a case run whose result is withheld under embargo; \
                            run that case alone without reports to see more";
                self.pass_on(&Event::HarnessError(HarnessError { run: None, text: text.to_owned() }))
            }
            Event::CaseFinished(case) => {
                self.count(case);
                self.pass_on(event)
            }
            Event::HarnessError(_) => {
                self.harness_errors += 1;
                self.pass_on(event)
            }
            Event::RunStarted(_) | Event::SubjectReplaced(_) | Event::RunFinished(_) => self.pass_on(event),
        }
    }

    /// Makes the last event, whose totals are those of the events that were passed on, hands it to every sink and
    /// finishes them.
    ///
    /// # Errors
    ///
    /// The first sink's error. The other sinks were finished all the same.
    pub fn end(&mut self, ending: Ending) -> io::Result<RunFinished> {
        let mut finished = RunFinished {
            conformance: self.conformance.clone(),
            standing: self.standing.clone(),
            dead_expectations: ending.findings.dead,
            expired_expectations: ending.findings.expired,
            embargoed: self.embargoed,
            embargoed_differing: self.embargoed_differing,
            not_run: ending.not_run,
            exit_code: 0,
            millis: ending.millis,
        };
        finished.exit_code = exit_code(&finished, self.harness_errors);
        let passed_on = self.pass_on(&Event::RunFinished(finished.clone()));
        let done = self.finish();
        passed_on.and(done).map(|()| finished)
    }

    /// Finishes every sink without a last event: for a run that was cut.
    ///
    /// # Errors
    ///
    /// The first sink's error. The other sinks were finished all the same.
    pub fn finish(&mut self) -> io::Result<()> {
        self.each(|sink| sink.finish())
    }

    fn pass_on(&mut self, event: &Event) -> io::Result<()> {
        self.each(|sink| sink.on(event))
    }

    fn each(&mut self, act: impl Fn(&mut Box<dyn Sink + 'a>) -> io::Result<()>) -> io::Result<()> {
        // A reader that went away is no failure to write.
        let heard = |outcome: io::Result<()>| {
            outcome.or_else(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => Ok(()),
                _ => Err(error),
            })
        };
        self.sinks.iter_mut().map(act).map(heard).fold(Ok(()), Result::and)
    }

    fn count(&mut self, case: &CaseFinished) {
        *self.conformance.entry(case.verdict.conformance.word().to_owned()).or_default() += 1;
        *self.standing.entry(case.standing.word().to_owned()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;
    use crate::event::{Standing, SubjectReplaced};
    use crate::expect::Expectations;
    use crate::report::sample;

    #[test]
    fn totals_add_up_to_the_events_that_were_passed_on() {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let mut fanout = fanout(&seen);
        for event in sample::run_of_every_kind() {
            fanout.on(&event).unwrap();
        }
        let finished = fanout.end(Ending { not_run: 2, ..Ending::default() }).unwrap();
        let seen = seen.borrow();
        let cases = seen.iter().filter(|event| matches!(event, Event::CaseFinished(_))).count();
        assert_eq!(finished.conformance.values().sum::<usize>(), cases);
        assert_eq!(finished.standing.values().sum::<usize>(), cases);
        assert_eq!(finished.standing.len(), Standing::ALL.len());
        assert_eq!(seen.last(), Some(&Event::RunFinished(finished)));
    }

    #[test]
    fn nothing_of_an_embargoed_case_is_passed_on() {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let mut fanout = fanout(&seen);
        let mut secret = sample::crashed("zmtp/secret/overflow");
        secret.standing = Standing::Unexpected;
        let run = secret.run.clone();
        fanout.on(&Event::RunStarted(Box::new(sample::started()))).unwrap();
        fanout.on(&Event::CaseFinished(Box::new(secret.clone()))).unwrap();
        secret.standing = Standing::Expected;
        fanout.on(&Event::CaseFinished(Box::new(secret))).unwrap();
        let replaced = SubjectReplaced {
            after: Some(run.clone()),
            why: "zmtp/secret/overflow".to_owned(),
            exit: None,
            stderr_tail: Vec::new(),
        };
        fanout.on(&Event::SubjectReplaced(replaced)).unwrap();
        let error = HarnessError { run: Some(run), text: "during zmtp/secret/overflow".to_owned() };
        fanout.on(&Event::HarnessError(error)).unwrap();
        let finished = fanout.end(Ending::default()).unwrap();
        assert_eq!((finished.embargoed, finished.embargoed_differing, finished.exit_code), (2, 1, 5));
        assert_eq!(seen.borrow().len(), 3, "start, the harness error without its case, end");
        assert!(!format!("{:?}", seen.borrow()).contains("secret"));
    }

    #[test]
    fn one_broken_sink_does_not_starve_the_others() {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let mut fanout = Fanout::new(Embargo::default());
        fanout.add(Broken);
        fanout.add(Recorder(Rc::clone(&seen)));
        assert!(fanout.on(&Event::CaseFinished(Box::new(sample::passed("a/b")))).is_err());
        assert!(fanout.end(Ending::default()).is_err());
        assert_eq!(seen.borrow().len(), 2);
    }

    fn fanout(seen: &Rc<RefCell<Vec<Event>>>) -> Fanout<'static> {
        let text = "edition = 1\nsubject = \"x\"\n[[expect]]\ncase = \"zmtp/secret/*\"\nrevision = 1\n\
                    reason = \"r\"\nconformance = \"fail\"\nfingerprint = \"f\"\nembargo = true\n";
        let mut fanout = Fanout::new(Embargo::of(&Expectations::parse("x", text).unwrap()));
        fanout.add(Recorder(Rc::clone(seen)));
        fanout
    }

    struct Recorder(Rc<RefCell<Vec<Event>>>);

    impl Sink for Recorder {
        fn on(&mut self, event: &Event) -> io::Result<()> {
            self.0.borrow_mut().push(event.clone());
            Ok(())
        }

        fn finish(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Broken;

    impl Sink for Broken {
        fn on(&mut self, _: &Event) -> io::Result<()> {
            Err(io::Error::other("full"))
        }

        fn finish(&mut self) -> io::Result<()> {
            Err(io::Error::other("full"))
        }
    }
}
