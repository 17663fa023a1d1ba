use super::*;
use crate::scenario::Scenario;

/// FNV-1a of the plan as it is written.
fn hash(plan: &Plan) -> u64 {
    let text = toml::to_string(plan).unwrap();
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, octet| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3))
}

/// If this changes, [`GENERATOR`] goes up by one: seeds that people wrote down have to mean what they meant.
#[test]
fn what_seeds_draw_stays() {
    let hashes: String = (0..10).map(|seed| format!("{} {:016x}\n", Seed(seed), hash(&draw(seed)))).collect();
    insta::assert_snapshot!(hashes);
}

#[test]
fn plans_make_sense_and_are_scenarios() {
    for seed in 0..2000 {
        let plan = draw(seed);
        if let Err(findings) = plan.check() {
            panic!("{}: {findings:#?}\n{}", Seed(seed), toml::to_string(&plan).unwrap());
        }
        if seed % 100 == 0 {
            let read =
                Scenario::read(&toml::to_string(&plan).unwrap()).unwrap_or_else(|why| panic!("{}: {why}", Seed(seed)));
            assert_eq!(read.draw(seed).unwrap(), plan);
        }
    }
}

#[test]
fn everything_is_drawn_sooner_or_later_and_not_always() {
    let plans: Vec<Plan> = (0..500).map(draw).collect();
    let share = |is: &dyn Fn(&Plan) -> bool| plans.iter().filter(|plan| is(plan)).count();
    for kind in KINDS {
        let with = share(&|plan| plan.faults.iter().any(|fault| fault.what.name() == kind));
        assert!((20..400).contains(&with), "{with} of 500 plans have faults of kind {kind}");
    }
    let text = |word: &str| share(&|plan| toml::to_string(plan).unwrap().contains(word));
    for word in [
        "ipc://e",
        "ipc://@",
        "inproc://",
        "tcp://",
        "CURVE",
        "PLAIN",
        "heartbeat-ivl",
        "conflate",
        "immediate",
        "sndhwm = 1\n",
        "forward",
        "cancel-after",
        "unbind",
        "disconnect",
        "close",
        "octets",
        "XPUB",
        "PAIR",
        "routing-id",
        "tail",
        "zap-domain",
    ] {
        let with = text(word);
        assert!((5..496).contains(&with), "{with} of 500 plans have {word}");
    }
    let most = plans.iter().map(|plan| plan.faults.len()).max().unwrap();
    assert!((50..=60).contains(&most), "{most}");
    assert!(share(&|plan| plan.faults.is_empty()) > 10);
}

#[test]
fn seeds_are_written_with_their_generator() {
    assert_eq!("g1:7".parse(), Ok(Seed(7)));
    assert_eq!(Seed(7).to_string(), "g1:7");
    assert_eq!("g2:7".parse::<Seed>(), Err(NoSeed::OtherGenerator("g2:7".into())));
    for text in ["7", "g1", "g1:", "g:7", "x1:7", ""] {
        assert!(matches!(text.parse::<Seed>(), Err(NoSeed::Malformed(_))), "{text}");
    }
}

#[test]
fn a_table_says_what_was_drawn() {
    insta::assert_snapshot!(table(7));
}
