//! The options of a run.

use std::path::PathBuf;

use peer_harness::peers::{JEROMQ, SYSTEM};

pub(crate) struct Options {
    pub(crate) help: bool,
    pub(crate) quick: bool,
    pub(crate) rows: Vec<String>,
    pub(crate) libraries: Vec<String>,
    pub(crate) repetitions: usize,
    /// About how long one measurement takes.
    pub(crate) seconds: f64,
    /// `copied` or `shared`, as the peers read it.
    pub(crate) payload: &'static str,
    pub(crate) json: Option<PathBuf>,
    pub(crate) markdown: Option<PathBuf>,
}

pub(crate) const USAGE: &str = "usage: cargo bench -p zmq-reference --bench against_libzmq -- [options]
  --quick               3 repetitions of 0.2 s rather than 7 of 0.5 s
  --rows PATTERN        rows whose id contains it; may be given several times
  --repetitions N       how often each library is measured in each row
  --libraries A,B       only these, and libzmq; a name stands for all that begin with it
  --payload WHAT        copied (the default) or shared: what senders hand over
  --json FILE           all figures
  --markdown FILE       a table";

impl Options {
    pub(crate) fn parse(words: impl Iterator<Item = String>, known: &[String]) -> Result<Self, String> {
        let mut options = Self {
            help: false,
            quick: false,
            rows: Vec::new(),
            libraries: Vec::new(),
            repetitions: 0,
            seconds: 0.0,
            payload: "copied",
            json: None,
            markdown: None,
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n{USAGE}"));
            match word.as_str() {
                // What cargo adds.
                "--bench" => {}
                "--help" | "-h" => options.help = true,
                "--quick" => options.quick = true,
                "--rows" => options.rows.push(value()?),
                "--libraries" => options.libraries.extend(value()?.split(',').map(str::to_owned)),
                "--repetitions" => {
                    let value = value()?;
                    let number = value.parse().ok().filter(|&number: &usize| number > 0);
                    options.repetitions =
                        number.ok_or_else(|| format!("expected a number from 1 on, not {value:?}"))?;
                }
                "--payload" => {
                    options.payload = match value()?.as_str() {
                        "copied" => "copied",
                        "shared" => "shared",
                        other => return Err(format!("expected copied or shared, not {other:?}")),
                    }
                }
                "--json" => options.json = Some(value()?.into()),
                "--markdown" => options.markdown = Some(value()?.into()),
                _ => return Err(format!("unknown option {word}\n{USAGE}")),
            }
        }
        for library in &options.libraries {
            if !known.iter().any(|known| known.starts_with(library.as_str())) {
                return Err(format!("no library is called {library:?}; there are: {}", known.join(", ")));
            }
        }
        if options.repetitions == 0 {
            options.repetitions = if options.quick { 3 } else { 7 };
        }
        options.seconds = if options.quick { 0.2 } else { 0.5 };
        Ok(options)
    }

    pub(crate) fn wants_row(&self, id: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|pattern| id.contains(pattern.as_str()))
    }

    /// The system's libzmq is measured only when asked for: the pinned one is the yardstick.
    pub(crate) fn wants_library(&self, name: &str) -> bool {
        if self.libraries.is_empty() {
            return name != SYSTEM && name != JEROMQ;
        }
        self.libraries.iter().any(|library| name.starts_with(library.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned), &["omq-local".into(), "zeromq".into()])
    }

    #[test]
    fn options_combine() {
        let options = parse("--bench --quick --repetitions 9 --libraries omq --rows tcp/latency").unwrap();
        assert_eq!((options.repetitions, options.seconds), (9, 0.2));
        assert!(options.wants_library("omq-local") && !options.wants_library("zeromq"));
        assert!(options.wants_row("tcp/latency/16/one-cpu") && !options.wants_row("tcp/throughput/16"));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (line, named) in
            [("--libraries nanomsg", "nanomsg"), ("--repetitions 0", "\"0\""), ("--rows", "--rows"), ("-x", "-x")]
        {
            let why = parse(line).err().unwrap();
            assert!(why.contains(named), "{line}: {why}");
        }
    }
}
