//! Events for the tests of every report.

use super::RequirementText;
use crate::event::{
    CaseFinished, Event, Exchange, Exchanged, Failure, HarnessError, Role, RunFinished, RunId, RunStarted, SCHEMA,
    Standing, SubjectIdentity, SubjectReplaced,
};
use crate::verdict::{Close, Conformance, Survival, Verdict};

pub(crate) fn started() -> RunStarted {
    RunStarted {
        schema: SCHEMA,
        zmqspec: "0.1.0".to_owned(),
        started: "2026-11-22T08:00:00Z".to_owned(),
        subject: SubjectIdentity {
            spec: "libzmq:./my libs/libzmq.so".to_owned(),
            name: "libzmq".to_owned(),
            version: "4.3.5".to_owned(),
            commit: "0123abc".to_owned(),
            path: Some("/opt/my libs/libzmq.so.5.2.5".to_owned()),
            sha256: Some("0123456789abcdef".repeat(4)),
            features: vec!["curve".to_owned(), "draft".to_owned()],
            os: "linux".to_owned(),
            startup_ms: 12,
        },
        profile: "interop".to_owned(),
        run: Vec::new(),
        skip: vec!["zmtp/clock/*".to_owned()],
        options: Vec::new(),
        shard: None,
        expectations: Some("builtin:libzmq".to_owned()),
        planned: 9,
        jobs: 2,
    }
}

pub(crate) fn run_id(case: &str) -> RunId {
    RunId { case: case.to_owned(), role: Role::Binds, zmtp: "3.1".to_owned() }
}

pub(crate) fn passed(case: &str) -> CaseFinished {
    CaseFinished {
        run: run_id(case),
        revision: 1,
        title: "The subject closes on a signature whose last octet is wrong.".to_owned(),
        requirements: vec!["ZMTP31-GREETING-02".to_owned()],
        level: "must".to_owned(),
        class: "spec".to_owned(),
        tier: "wire".to_owned(),
        provisional: false,
        verdict: Verdict {
            conformance: Conformance::Pass,
            variant: None,
            close: Some(Close::Fin),
            survival: Survival::Ok,
        },
        standing: Standing::Ok,
        expected_because: None,
        failure: None,
        source: "conformance/cases/zmtp/greeting.toml:12".to_owned(),
        micros: 1500,
        transcript: Vec::new(),
    }
}

pub(crate) fn failed(case: &str) -> CaseFinished {
    CaseFinished {
        verdict: Verdict {
            conformance: Conformance::Fail,
            variant: None,
            close: Some(Close::Open),
            survival: Survival::Ok,
        },
        standing: Standing::Unexpected,
        failure: Some(failure()),
        transcript: vec![
            Exchange { at: 0, who: "peer".to_owned(), what: Exchanged::Linked("127.0.0.1".to_owned()) },
            Exchange { at: 40, who: "peer".to_owned(), what: Exchanged::Sent("ff00000000000000017e".to_owned()) },
            Exchange { at: 90, who: "peer".to_owned(), what: Exchanged::Received("03".to_owned()) },
        ],
        ..passed(case)
    }
}

pub(crate) fn failure() -> Failure {
    Failure {
        step: 3,
        step_text: "peer waits for the end of the connection".to_owned(),
        accepted: vec!["the subject closes".to_owned(), "the subject resets".to_owned()],
        came: "the subject went on with its greeting: version octet 03".to_owned(),
        hex: vec![
            "0000  ff 00 00 00 00 00 00 00 01 7e  signature, last octet wrong (sent)".to_owned(),
            "0000  03                             version (received)".to_owned(),
        ],
        fingerprint: "step 3: received instead of close".to_owned(),
        exit: None,
        stderr_tail: Vec::new(),
    }
}

pub(crate) fn crashed(case: &str) -> CaseFinished {
    let sample = failed(case);
    CaseFinished {
        verdict: Verdict { survival: Survival::Crashed, close: Some(Close::Rst), ..sample.verdict.clone() },
        failure: Some(Failure {
            exit: Some("signal 6 (SIGABRT)".to_owned()),
            stderr_tail: vec!["Assertion failed: \u{1b}[31msize > 0\u{1b}[0m (stream.cpp:42)".to_owned()],
            fingerprint: "process ended: signal 6 (SIGABRT)".to_owned(),
            ..failure()
        }),
        ..sample
    }
}

pub(crate) fn expected(case: &str) -> CaseFinished {
    CaseFinished {
        standing: Standing::Expected,
        expected_because: Some("the signature's last octet | is not looked at".to_owned()),
        ..failed(case)
    }
}

pub(crate) fn unexpected_pass(case: &str) -> CaseFinished {
    CaseFinished {
        standing: Standing::UnexpectedPass,
        expected_because: Some(
            "builtin:libzmq:12 expects fail `step 3`, and it came out as pass: remove the entry".to_owned(),
        ),
        ..passed(case)
    }
}

pub(crate) fn different(case: &str) -> CaseFinished {
    CaseFinished {
        standing: Standing::DifferentFailure,
        expected_because: Some("builtin:libzmq:20 expects fail `step 2`; came fail `step 3`".to_owned()),
        ..failed(case)
    }
}

pub(crate) fn provisional(case: &str) -> CaseFinished {
    CaseFinished { standing: Standing::NotGating, provisional: true, ..failed(case) }
}

pub(crate) fn unsupported(case: &str) -> CaseFinished {
    CaseFinished {
        verdict: Verdict { conformance: Conformance::Unsupported, variant: None, close: None, survival: Survival::Ok },
        failure: Some(Failure { came: "the subject declares no CURVE".to_owned(), hex: Vec::new(), ..failure() }),
        ..passed(case)
    }
}

pub(crate) fn variant(case: &str, name: &str) -> CaseFinished {
    let sample = passed(case);
    let verdict =
        Verdict { conformance: Conformance::Variant, variant: Some(name.to_owned()), ..sample.verdict.clone() };
    CaseFinished { verdict, ..sample }
}

pub(crate) fn finished() -> RunFinished {
    RunFinished {
        conformance: std::collections::BTreeMap::new(),
        standing: std::collections::BTreeMap::new(),
        dead_expectations: Vec::new(),
        expired_expectations: Vec::new(),
        embargoed: 0,
        embargoed_differing: 0,
        not_run: 0,
        exit_code: 0,
        millis: 12_345,
    }
}

/// A first event and one case run of every standing, without the last event.
pub(crate) fn run_of_every_kind() -> Vec<Event> {
    let cases = [
        passed("zmtp/greeting/whole"),
        variant("zmtp/greeting/version-2", "downgrade"),
        unsupported("curve/hello/short"),
        expected("zmtp/greeting/signature"),
        provisional("zmtp/greeting/filler"),
        failed("zmtp/greeting/signature-end"),
        crashed("zmtp/command/empty-name"),
        unexpected_pass("zmtp/command/long"),
        different("zmtp/command/ping"),
    ];
    let replaced = SubjectReplaced {
        after: Some(run_id("zmtp/command/empty-name")),
        why: "the process ended".to_owned(),
        exit: Some("signal 6 (SIGABRT)".to_owned()),
        stderr_tail: vec!["Assertion failed".to_owned()],
    };
    let mut events = vec![Event::RunStarted(Box::new(started()))];
    events.extend(cases.map(|case| Event::CaseFinished(Box::new(case))));
    events.insert(8, Event::SubjectReplaced(replaced));
    events
}

/// A run with one of everything, its totals as the events have them.
pub(crate) fn whole_run() -> Vec<Event> {
    let mut events = run_of_every_kind();
    let cases: Vec<_> = events.iter().filter_map(case_of).cloned().collect();
    let mut last = RunFinished {
        dead_expectations: vec!["builtin:libzmq:30: `zmtp/gone` covers no case run".to_owned()],
        expired_expectations: vec!["builtin:libzmq:40: `zmtp/late` expired on 2026-01-01".to_owned()],
        embargoed: 2,
        embargoed_differing: 1,
        not_run: 3,
        exit_code: 5,
        ..finished()
    };
    for case in cases {
        *last.conformance.entry(case.verdict.conformance.word().to_owned()).or_default() += 1;
        *last.standing.entry(case.standing.word().to_owned()).or_default() += 1;
    }
    events.push(Event::HarnessError(HarnessError {
        run: Some(run_id("zmtp/command/hang")),
        text: "expected a reply of the adapter as a JSON line, came `hello`; print logs to stderr".to_owned(),
    }));
    events.push(Event::RunFinished(last));
    events
}

/// A run that came out as expected.
pub(crate) fn green_run() -> Vec<Event> {
    let last = RunFinished {
        conformance: [("pass".to_owned(), 1)].into(),
        standing: [("ok".to_owned(), 1)].into(),
        ..finished()
    };
    vec![
        Event::RunStarted(Box::new(started())),
        Event::CaseFinished(Box::new(passed("zmtp/greeting/whole"))),
        Event::RunFinished(last),
    ]
}

pub(crate) fn case_of(event: &Event) -> Option<&CaseFinished> {
    match event {
        Event::CaseFinished(case) => Some(case),
        Event::RunStarted(_) | Event::SubjectReplaced(_) | Event::HarnessError(_) | Event::RunFinished(_) => None,
    }
}

pub(crate) fn requirement(id: &str) -> Option<RequirementText> {
    (id == "ZMTP31-GREETING-02").then(|| RequirementText {
        text: "A signature begins with octet FF, has eight octets that are left open, and ends with octet 7F; a peer \
               that sends anything else does not speak this protocol."
            .to_owned(),
        link: "https://rfc.zeromq.org/spec/37/#the-greeting".to_owned(),
        level: "GRAMMAR".to_owned(),
    })
}
