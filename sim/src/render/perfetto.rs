//! For Perfetto and Chrome's trace viewer: hosts are processes; actors and ends of connections are threads; calls,
//! connections and packets are slices; messages are flows from slice to slice; faults are instants, and slices of a process
//! of their own.
//!
//! Slices of one thread that would begin at the same nanosecond are put one behind the other: the viewers nest what overlaps.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::line::{Ended, Fate, HostState, Line, Phase, What};
use super::{Picture, bands, speech};
use crate::plan::{ActorIndex, HostIndex};

/// One event of the format.
#[derive(Debug, Serialize)]
struct Event {
    ph: &'static str,
    pid: u64,
    tid: u64,
    /// Microseconds.
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    cat: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    /// A flow ends at the slice that encloses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    bp: Option<&'static str>,
    /// How wide an instant is.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    #[serde(skip_serializing_if = "Value::is_null")]
    args: Value,
}

/// A slice that is there: where, and its last nanosecond, at which flows are joined to it. A call that waited took or gave
/// its message at its end.
#[derive(Debug, Clone, Copy)]
struct Slice {
    track: Track,
    last: u64,
}

/// A thread of a process.
type Track = (u64, u64);

#[derive(Default)]
struct Trace {
    events: Vec<Event>,
    names: BTreeMap<Track, String>,
    /// Up to when each thread is taken.
    taken: BTreeMap<Track, u64>,
    flows: u64,
}

impl Trace {
    fn slice(&mut self, track: Track, (from, until): (u64, u64), cat: &'static str, name: &str, args: Value) -> Slice {
        let taken = self.taken.entry(track).or_default();
        let from = from.max(*taken);
        let until = until.max(from + 1);
        *taken = until;
        self.events.push(Event {
            dur: Some(micros(until) - micros(from)),
            args,
            ..event("X", track, from, cat, name.to_owned())
        });
        Slice { track, last: until - 1 }
    }

    fn instant(&mut self, track: Track, at: u64, scope: &'static str, cat: &'static str, name: &str) {
        self.events.push(Event { s: Some(scope), ..event("i", track, at, cat, name.to_owned()) });
    }

    fn flow(&mut self, message: &str, way: &[Slice]) {
        self.flows += 1;
        for (step, slice) in way.iter().enumerate() {
            let ph = if step == 0 {
                "s"
            } else if step + 1 == way.len() {
                "f"
            } else {
                "t"
            };
            self.events.push(Event {
                id: Some(self.flows),
                bp: (step > 0).then_some("e"),
                ..event(ph, slice.track, slice.last, "message", message.to_owned())
            });
        }
    }
}

fn event(ph: &'static str, (pid, tid): Track, at: u64, cat: &'static str, name: String) -> Event {
    Event { ph, pid, tid, ts: micros(at), dur: None, cat, name, id: None, bp: None, s: None, args: Value::Null }
}

#[expect(clippy::cast_precision_loss, reason = "a day is below 2^53 nanoseconds")]
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1000.0
}

/// The process of the faults; hosts follow.
const FAULTS: u64 = 1;

/// The thread of a process that makes the sockets.
const ITSELF: u64 = 1;
const ACTORS: u64 = 10;
const CONNECTIONS: u64 = 100_000;

/// How far messages are on their way, by their names and hosts.
#[derive(Default)]
struct Whereabouts<'a> {
    /// The call that gave it to a library, there.
    given: BTreeMap<(&'a str, u64), Slice>,
    /// Steps of each time that it came there, to be received.
    came: BTreeMap<(&'a str, u64), Vec<Vec<Slice>>>,
}

impl Picture<'_> {
    /// The run in Chrome's trace format, which Perfetto opens.
    #[must_use]
    pub fn perfetto(&self) -> String {
        let mut trace = Trace::default();
        self.faults_and_violations(&mut trace);
        // Packets that are under way arrive in their order, each at its time.
        let mut under_way: BTreeMap<(u64, usize), (&Line, Slice)> = BTreeMap::new();
        let mut way = Whereabouts::default();
        let mut states: BTreeMap<Track, (u64, &'static str)> = BTreeMap::new();
        for (place, line) in self.lines.iter().enumerate() {
            let arrived: Vec<_> = under_way.keys().take_while(|(at, _)| *at <= line.at).copied().collect();
            for key in arrived {
                let (packet, sent) = under_way.remove(&key).expect("it was there just now");
                self.arrives(&mut trace, &mut way, key.0, packet, sent);
            }
            match &line.what {
                What::Call { .. } => self.call(&mut trace, &mut way, line),
                What::Packet { from, connection, side, fate, .. } => {
                    let pid = self.process(from);
                    let track = connection_track(&mut trace, pid, *connection, side);
                    let sent = trace.slice(track, (line.at, line.at + 1), "packet", &line.text, Value::Null);
                    match fate {
                        Fate::Arrives { arrives } => {
                            under_way.insert((*arrives, place), (line, sent));
                        }
                        Fate::Lost { .. } => {
                            trace.instant(track, line.at, "t", "lost", &line.text);
                        }
                        Fate::Held => {
                            trace.instant(track, line.at, "t", "held", &line.text);
                        }
                    }
                }
                What::Connection { host: Some(host), connection, side, state } => {
                    let pid = self.process(host);
                    let (_, tid) = connection_track(&mut trace, pid, *connection, side);
                    let track = (pid, tid + 1);
                    trace.names.insert(track, format!("c{connection} {side}: state"));
                    if let Some((since, was)) = states.insert(track, (line.at, state)) {
                        trace.slice(track, (since, line.at), "connection", was, Value::Null);
                    }
                }
                What::Connection { host: None, .. }
                | What::Lost { host: None, .. }
                | What::Fault { .. }
                | What::Healed => {}
                What::Lost { host: Some(host), .. } => {
                    trace.instant((self.process(host), ITSELF), line.at, "p", "lost", &line.text);
                }
                What::Datagram { from, .. } => {
                    trace.instant((self.process(from), ITSELF), line.at, "p", "datagram", &line.text);
                }
                What::Monitor { host, .. } => {
                    trace.instant((self.process(host), ITSELF), line.at, "p", "monitor", &line.text);
                }
                What::Host { host, state } => {
                    let cat = match state {
                        HostState::Down => "down",
                        HostState::Up => "up",
                        HostState::Note => "host",
                    };
                    trace.instant((self.process(host), ITSELF), line.at, "p", cat, &line.text);
                }
                What::Link { from, .. } => {
                    trace.instant((self.process(from), ITSELF), line.at, "p", "link", &line.text);
                }
            }
        }
        // Packets that arrive when nothing else happens any more.
        for ((at, _), (packet, sent)) in std::mem::take(&mut under_way) {
            self.arrives(&mut trace, &mut way, at, packet, sent);
        }
        let end = self.end();
        for (track, (since, state)) in states {
            if state != "closed" && state != "broken" {
                trace.slice(track, (since, end), "connection", state, Value::Null);
            }
        }
        self.written(trace)
    }

    /// A call; where it took or gave a message, the flow.
    fn call<'a>(&self, trace: &mut Trace, way: &mut Whereabouts<'a>, line: &'a Line) {
        let What::Call { host, actor, socket, since, call, ended, life } = &line.what else { return };
        let pid = self.process(host);
        let actor = actor.as_deref().and_then(|actor| self.plan.actor(actor));
        let track = (pid, actor.map_or(ITSELF, |actor| ACTORS + u64::from(actor.0)));
        let args = json!({ "socket": socket, "life": life, "ended": ended });
        // It took or gave its message in its last nanosecond.
        let slice = trace.slice(track, (*since, line.at + 1), "call", &line.text, args);
        if *ended != Ended::Done {
            return;
        }
        for message in &line.messages {
            let here = (message.as_str(), pid);
            if *call == "received" || *call == "passed-on" {
                // Over no network (inproc), it comes from wherever it was sent.
                let sent = || way.given.iter().find(|((name, _), _)| name == message).map(|(_, slice)| vec![*slice]);
                if let Some(mut steps) = way.came.get_mut(&here).and_then(Vec::pop).or_else(sent) {
                    steps.push(slice);
                    trace.flow(message, &steps);
                }
            }
            if *call == "sent" || *call == "passed-on" {
                way.given.insert(here, slice);
            }
        }
    }

    /// A packet arrives: what it carries goes on from here.
    fn arrives<'a>(&self, trace: &mut Trace, way: &mut Whereabouts<'a>, at: u64, line: &'a Line, sent: Slice) {
        let What::Packet { to, connection, side, .. } = &line.what else { return };
        let pid = self.process(to);
        let peer = if *side == "dialler" { "acceptor" } else { "dialler" };
        let track = connection_track(trace, pid, *connection, peer);
        let slice = trace.slice(track, (at, at + 1), "packet", &format!("came: {}", line.text), Value::Null);
        for message in &line.messages {
            if let Some(given) = way.given.get(&(message, sent.track.0)) {
                way.came.entry((message, pid)).or_default().push(vec![*given, sent, slice]);
            }
        }
    }

    fn faults_and_violations(&self, trace: &mut Trace) {
        for band in bands::of(self.plan, &self.run.history) {
            let fault = &self.plan[band.fault];
            let track = (FAULTS, 1 + u64::from(band.fault.0));
            let text = format!("fault {}: {}", band.fault.0 + 1, speech::fault(fault));
            trace.names.insert(track, format!("fault {}", band.fault.0 + 1));
            let until = band.until.as_nanos().min(self.end());
            trace.slice(
                track,
                (band.from.as_nanos(), until),
                "fault",
                &text,
                json!({ "hosts": speech::hosts(self.plan, fault) }),
            );
        }
        for line in &self.lines {
            if matches!(line.what, What::Fault { phase: Phase::Begins | Phase::Ends, .. } | What::Healed) {
                trace.instant((FAULTS, 1), line.at, "g", "fault", &line.text);
            }
        }
        for violation in self.violations {
            let at = self.line_of(violation).map_or(0, |line| self.lines[line].at);
            let text = format!("violation of {}: {}", violation.clause, violation.text);
            trace.instant((FAULTS, 1), at, "g", "violation", &text);
        }
    }

    fn process(&self, host: &str) -> u64 {
        FAULTS + 1 + self.plan.host(host).map_or(0, |host| u64::from(host.0))
    }

    fn end(&self) -> u64 {
        self.lines.last().map_or(0, |line| line.at)
    }

    fn written(&self, mut trace: Trace) -> String {
        let plan = self.plan;
        let mut events = vec![named("process_name", (FAULTS, 0), "faults")];
        for host in HostIndex::all(plan) {
            let pid = self.process(&plan[host].name);
            events.push(named("process_name", (pid, 0), &plan[host].name));
            trace.names.insert((pid, ITSELF), "process".into());
        }
        for actor in ActorIndex::all(plan) {
            if let Some(home) = plan.home_of(actor) {
                let track = (self.process(&plan[home].name), ACTORS + u64::from(actor.0));
                trace.names.insert(track, plan[actor].name.clone());
            }
        }
        events.extend(trace.names.iter().map(|(track, name)| named("thread_name", *track, name)));
        events.extend(trace.names.keys().map(|(pid, tid)| {
            json!({ "ph": "M", "name": "thread_sort_index", "pid": pid, "tid": tid, "args": { "sort_index": tid } })
        }));
        events.extend(trace.events.iter().map(|event| serde_json::to_value(event).expect("numbers are finite")));
        let about = json!({ "title": plan.title, "seed": plan.seed.to_string(), "clock": "true time of the run" });
        // One event a line: differences can be read.
        let events: Vec<String> = events.iter().map(Value::to_string).collect();
        let events = events.join(",\n");
        format!("{{\"displayTimeUnit\":\"ns\",\"otherData\":{about},\"traceEvents\":[\n{events}\n]}}\n")
    }
}

fn named(what: &str, (pid, tid): Track, name: &str) -> Value {
    json!({ "ph": "M", "name": what, "pid": pid, "tid": tid, "args": { "name": name } })
}

/// The thread of the packets of an end; its states are in the next one.
fn connection_track(trace: &mut Trace, pid: u64, connection: u32, side: &str) -> Track {
    let track = (pid, CONNECTIONS + 4 * u64::from(connection) + if side == "dialler" { 0 } else { 2 });
    trace.names.entry(track).or_insert_with(|| format!("c{connection} {side}: packets"));
    track
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixture;

    fn events() -> Vec<Value> {
        let film = fixture::film();
        let value: Value = serde_json::from_str(&film.picture().perfetto()).unwrap();
        value["traceEvents"].as_array().unwrap().clone()
    }

    fn number(event: &Value, field: &str) -> f64 {
        event[field].as_f64().unwrap()
    }

    #[test]
    fn slices_of_a_thread_do_not_cross() {
        let mut threads: BTreeMap<Track, Vec<(f64, f64)>> = BTreeMap::new();
        for slice in events().iter().filter(|event| event["ph"] == "X") {
            let track = (slice["pid"].as_u64().unwrap(), slice["tid"].as_u64().unwrap());
            threads.entry(track).or_default().push((number(slice, "ts"), number(slice, "ts") + number(slice, "dur")));
        }
        assert!(threads.len() > 10, "{threads:?}");
        for (track, mut slices) in threads {
            slices.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(slices.windows(2).all(|two| two[0].1 <= two[1].0 + 1e-6), "{track:?}: {slices:?}");
        }
    }

    #[test]
    fn each_message_that_was_received_has_a_flow_from_slice_to_slice() {
        let film = fixture::film();
        let received =
            film.run.history.calls().filter(|(_, _, _, call)| matches!(call, crate::history::Call::Received(_)));
        let received = received.count();
        let events = events();
        let encloses = |flow: &&Value| {
            events.iter().any(|slice| {
                slice["ph"] == "X"
                    && (&slice["pid"], &slice["tid"]) == (&flow["pid"], &flow["tid"])
                    && (number(slice, "ts")..number(slice, "ts") + number(slice, "dur")).contains(&number(flow, "ts"))
            })
        };
        let mut flows: BTreeMap<u64, (String, Vec<(String, f64)>)> = BTreeMap::new();
        for flow in events.iter().filter(|event| event["cat"] == "message") {
            assert!(encloses(&flow), "{flow}");
            let of = flows.entry(flow["id"].as_u64().unwrap()).or_default();
            of.0 = flow["name"].as_str().unwrap().to_owned();
            of.1.push((flow["ph"].as_str().unwrap().to_owned(), number(flow, "ts")));
        }
        assert_eq!(flows.len(), received);
        for (message, steps) in flows.values() {
            // Sent, the packet here, the packet there, received.
            let kinds: String = steps.iter().map(|(kind, _)| kind.as_str()).collect();
            assert_eq!(kinds, "sttf", "{message}");
            assert!(steps.windows(2).all(|two| two[0].1 <= two[1].1), "{message}: {steps:?}");
        }
        assert!(!flows.values().any(|(message, _)| message == "source.0#8"), "it was lost");
    }
}
