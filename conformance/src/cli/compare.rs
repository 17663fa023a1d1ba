//! `expect update` and `diff`: a run against a file, a run against a run.

use super::Refusal;
use super::options::{DiffOptions, ExpectVerb};
use super::voice::print_line;
use crate::diff::Diff;
use crate::exit::Exit;
use crate::expect;
use crate::report::read_events;

pub(super) fn expect(verb: &ExpectVerb) -> Result<u8, Refusal> {
    let ExpectVerb::Update { run, file, write } = verb;
    let events = read_events(run).map_err(Refusal::usage)?;
    let old = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Refusal::usage(format!("cannot read {}: {error}", file.display()))),
    };
    let update = expect::update(&file.display().to_string(), &old, &events).map_err(Refusal::usage)?;
    if update.diff.is_empty() {
        print_line(&format!("{} is up to date: {} entries", file.display(), update.kept));
        return Ok(Exit::AsExpected.code());
    }
    print_line(update.diff.trim_end());
    for note in &update.notes {
        print_line(&format!("note: {note}"));
    }
    print_line(&format!(
        "{} kept, {} removed, {} added, {} of them still without a reason",
        update.kept, update.removed, update.added, update.without_reason
    ));
    if *write {
        std::fs::write(file, &update.text)
            .map_err(|error| Refusal::usage(format!("cannot write {}: {error}", file.display())))?;
        print_line(&format!("wrote {}", file.display()));
        return Ok(Exit::AsExpected.code());
    }
    print_line("nothing was written; add --write to do so");
    Ok(Exit::Differs.code())
}

pub(super) fn diff(options: &DiffOptions) -> Result<u8, Refusal> {
    let diff = Diff::of_files(&options.old, &options.new).map_err(Refusal::usage)?;
    let text = if options.json {
        diff.to_json().map_err(|error| Refusal::new(Exit::HarnessError, error))?
    } else if options.markdown {
        diff.to_markdown()
    } else {
        diff.to_text()
    };
    print_line(text.trim_end());
    Ok(diff.exit_code())
}
