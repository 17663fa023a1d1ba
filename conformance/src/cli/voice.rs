//! How the program speaks: results on stdout, everything else on stderr, and it never stumbles over a reader who left.

use std::io::{self, ErrorKind, Write as _};

use crate::adapter::process;
use crate::exit::Exit;

/// A line for stdout. A reader that went away changes nothing: the work goes on, and its exit code is the same.
pub(super) fn print_line(line: &str) {
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(error) => {
            complain(&format!("expected to write to stdout, came: {error}; give it another place to go to"));
            process::kill_all();
            std::process::exit(i32::from(Exit::HarnessError.code()));
        }
    }
}

/// A remark for stderr, where nobody may be listening.
pub(super) fn remark(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// The one line that says why the program could not do its work.
pub(super) fn complain(text: &str) {
    remark(&format!("zmqspec: {}", one_line(text)));
}

/// What the user wrote may hold anything; control characters are escaped.
fn one_line(text: &str) -> String {
    let escaped = |character: char| {
        if character.is_control() { character.escape_default().to_string() } else { character.to_string() }
    };
    text.trim_end().chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_one_line_whatever_is_in_it() {
        assert_eq!(one_line("no file a\nb\x1b[2J: ü\n"), "no file a\\nb\\u{1b}[2J: ü");
    }
}
