//! As JSON, a line for each event: `trace.schema.json` beside this file is their schema.

use serde::Serialize;

use super::Picture;
use crate::engine::{Ending, Leftover};
use crate::plan::{ActorIndex, HostIndex, SocketIndex};
use crate::violation::Kind;

/// The number of this format. It is another when a field changes its meaning or goes.
const FORMAT: u32 = 1;

/// The first line: what the names mean.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "run")]
pub(crate) struct Head<'a> {
    format: u32,
    title: &'a str,
    /// In decimal: JSON's numbers cannot carry all of them.
    seed: String,
    /// Whether packets were recorded, and whether their octets were.
    recorded: &'static str,
    hosts: Vec<Host<'a>>,
}

/// A host, and what is on it.
#[derive(Debug, Serialize)]
struct Host<'a> {
    name: &'a str,
    sockets: Vec<Socket<'a>>,
    actors: Vec<&'a str>,
}

/// A socket.
#[derive(Debug, Serialize)]
struct Socket<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    socket_type: crate::plan::SocketType,
}

/// The last line: how it ended.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "end")]
pub(crate) struct Tail<'a> {
    /// 16 hexadecimal digits: JSON's numbers cannot carry it.
    hash: String,
    ending: &'a Ending,
    left: &'a [Leftover],
    reached: &'a [&'static str],
    violations: Vec<Wrong<'a>>,
}

/// Something that is wrong.
#[derive(Debug, Serialize)]
pub(crate) struct Wrong<'a> {
    oracle: &'a str,
    clause: &'a str,
    kind: Kind,
    text: &'a str,
    /// The event at which it shows, by its place: the first behind the head is 0.
    line: Option<usize>,
    /// All that show it.
    lines: Vec<usize>,
    messages: Vec<String>,
}

impl Picture<'_> {
    /// One JSON object a line: the head, the events in the order of time, the end.
    #[must_use]
    pub fn json_lines(&self) -> String {
        let mut text = written(&self.head());
        for line in &self.lines {
            text += &written(line);
        }
        text + &written(&self.tail())
    }

    pub(crate) fn head(&self) -> Head<'_> {
        let plan = self.plan;
        let hosts = HostIndex::all(plan).map(|host| Host {
            name: &plan[host].name,
            sockets: SocketIndex::all(plan)
                .filter(|socket| plan.host_of(*socket) == Some(host))
                .map(|socket| Socket { name: &plan[socket].name, socket_type: plan[socket].socket_type })
                .collect(),
            actors: ActorIndex::all(plan)
                .filter(|actor| plan.home_of(*actor) == Some(host))
                .map(|actor| plan[actor].name.as_str())
                .collect(),
        });
        let recorded = match (self.network.events.is_empty(), self.network.has_octets) {
            (true, _) => "history",
            (false, false) => "network",
            (false, true) => "octets",
        };
        Head { format: FORMAT, title: &plan.title, seed: plan.seed.to_string(), recorded, hosts: hosts.collect() }
    }

    pub(crate) fn tail(&self) -> Tail<'_> {
        let run = self.run;
        let violations = self.violations.iter().map(|violation| Wrong {
            oracle: violation.oracle,
            clause: violation.clause,
            kind: violation.kind,
            text: &violation.text,
            line: self.line_of(violation),
            lines: violation.entries.iter().filter_map(|entry| self.of_entry.get(*entry).copied()).collect(),
            messages: violation.messages.iter().map(|id| id.name(self.plan)).collect(),
        });
        Tail {
            hash: format!("{:016x}", run.hash),
            ending: &run.ending,
            left: &run.left,
            reached: &run.reached,
            violations: violations.collect(),
        }
    }
}

fn written(what: &impl Serialize) -> String {
    serde_json::to_string(what).expect("names are text and numbers are whole") + "\n"
}
