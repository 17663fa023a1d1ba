//! Exit codes: what a script can rely on.

use std::fmt;

use crate::event::{RunFinished, Standing};

/// How a run of the conformance suite, a comparison of two, or a simulation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything came as expected.
    AsExpected,
    /// A verdict differs from what was expected, or an expectation is dead or past its date.
    Differs,
    /// The command line, or a file it names, could not be understood.
    Usage,
    /// The subject could not be started.
    NoSubject,
    /// No case ran. This is never success: a pattern with a typing error would look green for ever.
    NothingMatched,
    /// The harness itself failed; its verdicts are not to be relied upon.
    HarnessError,
    /// In a simulation something wrong happened.
    Safety,
    /// In a simulation something right never happened.
    Liveness,
    /// In a simulation the implementation panicked or died.
    Crash,
}

impl Exit {
    /// Every exit, in the order of its code.
    pub const ALL: [Self; 9] = [
        Self::AsExpected,
        Self::Differs,
        Self::Usage,
        Self::NoSubject,
        Self::NothingMatched,
        Self::HarnessError,
        Self::Safety,
        Self::Liveness,
        Self::Crash,
    ];

    /// The code that the process exits with.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::AsExpected => 0,
            Self::Differs => 1,
            Self::Usage => 2,
            Self::NoSubject => 3,
            Self::NothingMatched => 4,
            Self::HarnessError => 5,
            Self::Safety => 6,
            Self::Liveness => 7,
            Self::Crash => 8,
        }
    }

    /// The exit of a code, for reports that are made from a file.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| exit.code() == code)
    }

    /// What it means, as a clause.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::AsExpected => "as expected",
            Self::Differs => "a verdict differs from what was expected",
            Self::Usage => "usage, or an unreadable input",
            Self::NoSubject => "the subject could not be started",
            Self::NothingMatched => "no case ran",
            Self::HarnessError => "the harness itself failed",
            Self::Safety => "in a simulation something wrong happened",
            Self::Liveness => "in a simulation something right never happened",
            Self::Crash => "in a simulation the implementation panicked or died",
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}: {}", self.code(), self.meaning())
    }
}

/// The exit code of a run, from everything its last event says but the code itself, and from how often the harness
/// failed. A harness error outweighs all else, then that nothing ran, then any difference.
#[must_use]
pub fn exit_code(finished: &RunFinished, harness_errors: usize) -> u8 {
    let reported: usize = finished.standing.values().sum();
    let red = Standing::ALL.iter().filter(|standing| standing.is_red());
    let differing = red.filter_map(|standing| finished.standing.get(standing.word())).sum::<usize>()
        + finished.embargoed_differing
        + finished.dead_expectations.len()
        + finished.expired_expectations.len();
    let exit = if harness_errors > 0 {
        Exit::HarnessError
    } else if reported + finished.embargoed == 0 {
        Exit::NothingMatched
    } else if differing > 0 {
        Exit::Differs
    } else {
        Exit::AsExpected
    };
    exit.code()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_code_has_one_meaning() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(Exit::ALL.iter().all(|exit| Exit::of_code(exit.code()) == Some(*exit)));
        assert_eq!(Exit::of_code(9), None);
    }

    #[test]
    fn what_outweighs_what() {
        let green = RunFinished { standing: [("ok".to_owned(), 3)].into(), ..sample::finished() };
        assert_eq!(exit_code(&green, 0), 0);
        assert_eq!(exit_code(&green, 1), 5);
        for standing in Standing::ALL {
            let one = RunFinished { standing: [(standing.word().to_owned(), 1)].into(), ..sample::finished() };
            assert_eq!(exit_code(&one, 0), u8::from(standing.is_red()), "{standing:?}");
        }
        let dead = RunFinished { dead_expectations: vec!["x".to_owned()], ..green.clone() };
        let expired = RunFinished { expired_expectations: vec!["x".to_owned()], ..green.clone() };
        let embargoed = RunFinished { embargoed: 1, embargoed_differing: 1, ..green };
        for finished in [dead, expired, embargoed] {
            assert_eq!(exit_code(&finished, 0), 1, "{finished:?}");
            assert_eq!(exit_code(&finished, 2), 5);
        }
        assert_eq!(exit_code(&sample::finished(), 0), 4);
        assert_eq!(exit_code(&RunFinished { not_run: 7, ..sample::finished() }, 0), 4);
        assert_eq!(exit_code(&RunFinished { embargoed: 1, ..sample::finished() }, 0), 0);
    }
}
