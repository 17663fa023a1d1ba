//! Reports: folds over the stream of events.
//!
//! The runner hands every event to one [`Fanout`], which keeps results under embargo back and passes the rest on to
//! its sinks: [`Console`], [`Jsonl`], [`Junit`], [`Markdown`], [`Annotations`]. A sink neither asks the subject nor
//! the clock, so the same events always give the same report; [`read_events`] gets them back from a file.

mod annotations;
mod block;
mod console;
mod fanout;
mod jsonl;
mod junit;
mod markdown;
mod output;
mod read;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod schema_tests;
mod summary;
pub(crate) mod text;

use std::io;

use crate::event::Event;

pub use annotations::Annotations;
pub use block::{MAX_BLOCK_LINES, rerun_command};
pub use console::{Colour, Console, ConsoleStyle, MAX_BLOCKS, Progress, Verbosity};
pub use fanout::{Ending, Fanout};
pub use jsonl::Jsonl;
pub use junit::Junit;
pub(crate) use markdown::escaped as markdown_text;
pub use markdown::{MAX_MARKDOWN_BYTES, Markdown};
pub use output::{OpenError, Output};
pub use read::{ReadError, read_events};
pub(crate) use text::printable;
pub use text::shell_quote;

/// One report in the making.
pub trait Sink {
    /// Takes the next event.
    ///
    /// # Errors
    ///
    /// The report could not be written.
    fn on(&mut self, event: &Event) -> io::Result<()>;

    /// Writes what is still to be written. Called once, after the last event, also when the run was cut.
    ///
    /// # Errors
    ///
    /// The report could not be written.
    fn finish(&mut self) -> io::Result<()>;
}

/// What a report says about a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementText {
    /// The requirement in our words.
    pub text: String,
    /// Its section in the specification.
    pub link: String,
    /// `MUST`, `SHOULD`, `MAY` or `GRAMMAR`.
    pub level: String,
}

/// Finds a requirement by its id.
pub type RequirementLookup<'a> = &'a dyn Fn(&str) -> Option<RequirementText>;
