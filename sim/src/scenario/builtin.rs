//! The scenarios that come with the program.

use include_dir::{Dir, include_dir};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// The scenarios that come with the program: their names, without `.toml`, and their texts, in the order of the names.
#[must_use]
pub fn builtin() -> Vec<(&'static str, &'static str)> {
    let file = |file: &'static include_dir::File<'_>| Some((file.path().file_stem()?.to_str()?, file.contents_utf8()?));
    let mut all: Vec<_> = FILES.files().filter_map(file).collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bare::Bare;
    use crate::engine::{Ending, Engine, Recording};
    use crate::scenario::Scenario;

    fn read(name: &str, text: &str) -> Scenario {
        Scenario::read(text).unwrap_or_else(|why| panic!("{name}: {why}"))
    }

    #[test]
    fn there_are_many_and_each_says_what_it_is() {
        let all = builtin();
        assert!(all.len() >= 25, "{}", all.len());
        for (name, text) in all {
            let mut lines = text.lines();
            assert_eq!(lines.next(), Some("#:schema ../../docs/schema/scenario.json"), "{name}");
            assert!(
                lines.next().is_some_and(|line| line.starts_with("# ") && line.len() > 40),
                "{name} says what it shows"
            );
            read(name, text);
        }
    }

    /// Whole scenarios in the book are read; lines of the others stand in a scenario that is.
    #[test]
    fn examples_of_the_book_are_sound() {
        let book = include_str!("../../../docs/src/scenarios.md");
        let all: String = builtin().into_iter().map(|(_, text)| text).collect();
        let blocks: Vec<&str> = book.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert_eq!(blocks.len(), 2);
        for block in blocks {
            if block.contains("title = ") {
                read("the book's example", block);
                continue;
            }
            for line in block.lines().map(|line| line.split(" #").next().unwrap_or_default().trim()) {
                assert!(all.contains(line), "{line} is in no scenario");
            }
        }
    }

    #[test]
    fn each_is_carried_out_to_its_end() {
        let mut failed = Vec::new();
        for (name, text) in builtin() {
            let scenario = read(name, text);
            for seed in 1..=3 {
                let plan = scenario.draw(seed).unwrap_or_else(|why| panic!("{name}, seed {seed}: {why}"));
                let run = Bare.run(&plan, Recording::History);
                let pending = run.history.settlement.pending().count();
                if run.ending != Ending::Finished || pending > 0 {
                    failed.push(format!("{name}, seed {seed}: {:?}, {pending} pending", run.ending));
                }
            }
        }
        assert!(failed.is_empty(), "{failed:#?}");
    }
}
