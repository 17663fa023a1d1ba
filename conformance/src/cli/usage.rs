//! A command line that cannot be understood, in one line: what was expected, what came, where to look.

use std::error::Error as _;
use std::process::ExitCode;

use clap::error::{ContextKind, ErrorKind};

use super::voice::complain;
use crate::exit::Exit;

/// Prints the help that was asked for, or says what is wrong.
pub(super) fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A reader that went away is no error.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let nested = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !words.is_empty();
    if nested {
        let words = words.join(" ");
        complain(&format!("expected a verb after `{words}`, found none; `zmqspec {words} --help` lists them"));
    } else {
        complain(&format!("{}; `zmqspec help` lists the verbs, `zmqspec help VERB` the options of one", wrong(error)));
    }
    ExitCode::from(Exit::Usage.code())
}

fn wrong(error: &clap::Error) -> String {
    let context = |kind| error.get(kind).map(ToString::to_string).filter(|text| !text.is_empty());
    let named = |kind| context(kind).unwrap_or_default();
    let suggestion = |kind| context(kind).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            "expected a verb, found none".to_owned()
        }
        ErrorKind::InvalidSubcommand => {
            let near = suggestion(ContextKind::SuggestedSubcommand);
            format!("expected a verb, found `{}`{near}", named(ContextKind::InvalidSubcommand))
        }
        ErrorKind::UnknownArgument => {
            let found = named(ContextKind::InvalidArg);
            let expected = if found.starts_with('-') { "an option of the verb" } else { "no further word" };
            format!("expected {expected}, found `{found}`{}", suggestion(ContextKind::SuggestedArg))
        }
        ErrorKind::InvalidValue => {
            let option = named(ContextKind::InvalidArg);
            let expected =
                context(ContextKind::ValidValue).map_or_else(|| "a value".to_owned(), |all| format!("one of {all}"));
            let found =
                context(ContextKind::InvalidValue).map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
            format!("expected {expected} for `{option}`, found {found}{}", suggestion(ContextKind::SuggestedValue))
        }
        ErrorKind::ValueValidation => {
            let option = named(ContextKind::InvalidArg);
            let why = error.source().map(ToString::to_string).unwrap_or_default();
            if why.starts_with("expected ") {
                return format!("`{option}`: {why}");
            }
            let why = match why.as_str() {
                "invalid digit found in string" => "it is not a whole number",
                "invalid float literal" => "it is not a number",
                other => other,
            };
            format!("expected another value for `{option}`, found `{}`: {why}", named(ContextKind::InvalidValue))
        }
        ErrorKind::MissingRequiredArgument => {
            format!("expected {}, found none", named(ContextKind::InvalidArg))
        }
        ErrorKind::ArgumentConflict => {
            let (one, other) = (named(ContextKind::InvalidArg), named(ContextKind::PriorArg));
            if one == other {
                return format!("expected `{one}` once, found it again");
            }
            format!("expected one of `{other}` and `{one}`, found both")
        }
        _ => in_clap_s_words(error),
    }
}

/// For what is seldom met, clap's own first paragraph.
fn in_clap_s_words(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    lines.map(|line| line.trim_start_matches("error: ")).collect::<Vec<_>>().join(" ")
}
