use super::*;
use crate::report::sample;

#[test]
fn a_log_of_a_red_run() {
    insta::assert_snapshot!(console(&sample::whole_run(), PLAIN));
}

#[test]
fn a_log_of_a_green_run() {
    insta::assert_snapshot!(console(&sample::green_run(), PLAIN));
}

#[test]
fn a_verbose_log_names_expected_and_provisional_deviations() {
    let text = console(&sample::whole_run(), ConsoleStyle { verbosity: Verbosity::Verbose, ..PLAIN });
    let (_, end) = text.split_once("zmtp/command/ping@binds@3.1 --").map_or(("", text.as_str()), |parts| parts);
    insta::assert_snapshot!(end[end.find("expected zmtp").unwrap_or_default()..]);
}

#[test]
fn a_terminal_gets_the_same_words_in_colour() {
    let style = ConsoleStyle { colour: Colour::On, ..PLAIN };
    let coloured = console(&sample::whole_run(), style);
    assert!(coloured.contains("\u{1b}[1;31mRED "));
    let mut plain = coloured;
    for code in ["\u{1b}[1m", "\u{1b}[2m", "\u{1b}[1;31m", "\u{1b}[32m", "\u{1b}[0m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, console(&sample::whole_run(), PLAIN));
}

#[test]
fn a_terminal_gets_each_block_once_and_at_once() {
    let text = console(&sample::whole_run(), ConsoleStyle { progress: Progress::Bar, ..PLAIN });
    assert_eq!(text.matches("RED zmtp/command/ping@binds@3.1").count(), 1);
    assert_eq!(text.matches("rerun").count(), 4);
}

#[test]
fn a_run_that_was_cut_says_so() {
    let events = sample::run_of_every_kind();
    assert!(console(&events, PLAIN).contains("the run was cut"));
}

#[test]
fn a_flood_of_red_is_named_and_not_shown_in_full() {
    let mut events = vec![Event::RunStarted(Box::new(sample::started()))];
    let cases = (0..MAX_BLOCKS + 2).map(|n| sample::failed(&format!("a/{n}")));
    events.extend(cases.map(|case| Event::CaseFinished(Box::new(case))));
    let text = console(&events, PLAIN);
    assert_eq!(text.matches("  rerun").count(), MAX_BLOCKS);
    assert!(text.contains("2 red case runs not shown in full"));
    let verbose = console(&events, ConsoleStyle { verbosity: Verbosity::Verbose, ..PLAIN });
    assert_eq!(verbose.matches("  rerun").count(), MAX_BLOCKS + 2);
}

#[test]
fn no_line_is_wider_than_the_terminal_but_those_to_copy() {
    let text = console(&sample::whole_run(), PLAIN);
    let long: Vec<_> = text.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(long.iter().all(|line| line.contains("zmqspec check") || line.contains("https://")), "{long:#?}");
}

const PLAIN: ConsoleStyle =
    ConsoleStyle { colour: Colour::Off, progress: Progress::Lines, verbosity: Verbosity::Normal, width: 80 };

fn console(events: &[Event], style: ConsoleStyle) -> String {
    let mut out = Vec::new();
    let mut console = Console::new(&mut out, style, &sample::requirement);
    for event in events {
        console.on(event).unwrap();
    }
    console.finish().unwrap();
    drop(console);
    String::from_utf8(out).unwrap()
}
