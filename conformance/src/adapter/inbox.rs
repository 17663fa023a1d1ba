//! What has come from an adapter and waits to be taken: filled by the reader threads, bounded whatever comes.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::failure::{CallError, Exit, excerpt};
use super::process::LogDirection;
use super::protocol::{Line, Reply, Unsolicited};

/// A line of stdout may be this long.
pub(super) const LINE_LIMIT: usize = 64 * 1024 * 1024;
/// Lines that wait to be taken may take this much together.
pub(super) const QUEUE_LIMIT: usize = 128 * 1024 * 1024;
/// The protocol log keeps this much; older lines go first.
const LOG_LIMIT: usize = 4 * 1024 * 1024;
/// A line in the log is cut here.
const LOG_LINE: usize = 64 * 1024;
/// Lines of stderr that are kept.
const TAIL_LINES: usize = 40;
/// Characters of each that are kept, and of a nonsense line.
pub(super) const TAIL_CHARS: usize = 500;

/// Shared between the harness's thread and the reader threads.
#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

/// A reply, and the line that it came on.
pub(super) struct Arrived {
    pub(super) reply: Reply,
    pub(super) line: String,
}

#[derive(Default)]
pub(super) struct State {
    /// Requests whose reply has not come, by verb.
    asked: BTreeMap<u64, Asked>,
    replies: BTreeMap<u64, Arrived>,
    unsolicited: Vec<Unsolicited>,
    queued: usize,
    fault: Option<(String, String)>,
    nonsense: Option<CallError>,
    flooded: Option<CallError>,
    log: VecDeque<(Instant, LogDirection, String)>,
    logged: usize,
    tail: VecDeque<String>,
    stdout_ended: bool,
    stderr_ended: bool,
    pub(super) exit: Option<Exit>,
}

struct Asked {
    verb: &'static str,
    /// Nobody waits any longer: the reply is dropped when it comes.
    abandoned: bool,
}

impl Inbox {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whoever waits to look again.
    pub(super) fn changed(&self) {
        self.changed.notify_all();
    }

    /// Waits until `look` finds what it looks for, or the deadline.
    pub(super) fn wait<T>(&self, deadline: Instant, mut look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(found) = look(&mut state) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return None;
            }
            (state, _) = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    pub(super) fn ask(&mut self, id: u64, verb: &'static str, line: &str) {
        self.asked.insert(id, Asked { verb, abandoned: false });
        self.log(LogDirection::Request, line);
    }

    /// Nobody waits for this reply any longer.
    pub(super) fn abandon(&mut self, id: u64) {
        if let Some(asked) = self.asked.get_mut(&id) {
            asked.abandoned = true;
        }
        self.take_reply(id);
    }

    pub(super) fn verb(&self, id: u64) -> String {
        self.asked.get(&id).map_or_else(|| format!("request {id}"), |asked| asked.verb.to_owned())
    }

    /// What a waiter for this reply gets, if there is something to get.
    pub(super) fn outcome(&mut self, id: u64) -> Option<Result<Arrived, CallError>> {
        if let Some(flooded) = &self.flooded {
            return Some(Err(flooded.clone()));
        }
        if let Some((thread, text)) = self.fault.clone() {
            return Some(Err(CallError::Fault { thread, text }));
        }
        if let Some(nonsense) = self.nonsense.take() {
            return Some(Err(nonsense));
        }
        if let Some(arrived) = self.take_reply(id) {
            return Some(Ok(arrived));
        }
        match (self.stdout_ended, self.exit) {
            (true, Some(exit)) => Some(Err(CallError::Gone(exit))),
            (true | false, _) => None,
        }
    }

    pub(super) fn has_closed_stdout(&self) -> bool {
        self.stdout_ended
    }

    pub(super) fn has_closed_stderr(&self) -> bool {
        self.stderr_ended
    }

    pub(super) fn tail(&self) -> Vec<String> {
        self.tail.iter().cloned().collect()
    }

    pub(super) fn take_unsolicited(&mut self) -> Vec<Unsolicited> {
        self.queued = self.replies.values().map(|arrived| arrived.line.len()).sum();
        std::mem::take(&mut self.unsolicited)
    }

    pub(super) fn take_log(&mut self) -> Vec<(Instant, LogDirection, String)> {
        self.logged = 0;
        std::mem::take(&mut self.log).into()
    }

    fn take_reply(&mut self, id: u64) -> Option<Arrived> {
        let arrived = self.replies.remove(&id)?;
        self.queued = self.queued.saturating_sub(arrived.line.len());
        Some(arrived)
    }

    fn log(&mut self, direction: LogDirection, line: &str) {
        let line = if line.len() > LOG_LINE { excerpt(line.as_bytes(), LOG_LINE) } else { line.to_owned() };
        self.logged += line.len();
        self.log.push_back((Instant::now(), direction, line));
        while self.logged > LOG_LIMIT {
            let Some((_, _, oldest)) = self.log.pop_front() else {
                break;
            };
            self.logged -= oldest.len();
        }
    }

    fn on_line(&mut self, bytes: &[u8]) -> Stream {
        let nonsense = |why: String| CallError::Nonsense { line: excerpt(bytes, TAIL_CHARS), why };
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.complain(bytes, nonsense("not UTF-8".into()));
            return Stream::Open;
        };
        match serde_json::from_str::<Line>(text) {
            Ok(Line::Reply(reply)) => self.on_reply(*reply, text, nonsense),
            Ok(Line::Unsolicited(event)) => {
                self.log(LogDirection::Event, text);
                if let Unsolicited::Fault { thread, text } = &event {
                    self.fault.get_or_insert_with(|| (thread.clone(), text.clone()));
                }
                self.unsolicited.push(event);
                self.queued += bytes.len();
            }
            Err(_) => {
                let why = match serde_json::from_str::<serde_json::Value>(text) {
                    Ok(_) => "neither a reply with an `id` nor an event".to_owned(),
                    Err(error) => format!("not JSON: {error}"),
                };
                self.complain(bytes, nonsense(why));
            }
        }
        if self.queued > QUEUE_LIMIT {
            return self.flood(self.queued, QUEUE_LIMIT);
        }
        Stream::Open
    }

    fn on_reply(&mut self, reply: Reply, text: &str, nonsense: impl Fn(String) -> CallError) {
        let id = reply.id;
        match self.asked.remove(&id) {
            Some(asked) => {
                self.log(LogDirection::Reply, text);
                if !asked.abandoned {
                    self.queued += text.len();
                    self.replies.insert(id, Arrived { reply, line: text.to_owned() });
                }
            }
            None => self.complain(text.as_bytes(), nonsense(format!("answers request {id}, which is not open"))),
        }
    }

    fn complain(&mut self, bytes: &[u8], nonsense: CallError) {
        self.log(LogDirection::Reply, &excerpt(bytes, TAIL_CHARS));
        self.nonsense.get_or_insert(nonsense);
    }

    fn flood(&mut self, bytes: usize, limit: usize) -> Stream {
        self.flooded.get_or_insert(CallError::Flooded { bytes, limit });
        Stream::Cut
    }
}

/// Whether to go on reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Open,
    Cut,
}

/// Reads stdout to its end. Calls `kill` if the adapter has to be cut off.
pub(super) fn read_stdout(inbox: &Arc<Inbox>, stdout: impl Read, kill: impl Fn()) {
    let mut reader = BufReader::with_capacity(64 * 1024, stdout);
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = LINE_LIMIT as u64 + 1;
        let read = (&mut reader).take(limit).read_until(b'\n', &mut line);
        if !matches!(read, Ok(1..)) {
            break;
        }
        while line.last().is_some_and(u8::is_ascii_whitespace) {
            line.pop();
        }
        if line.is_empty() {
            continue;
        }
        let mut state = inbox.lock();
        let stream = if line.len() > LINE_LIMIT { state.flood(line.len(), LINE_LIMIT) } else { state.on_line(&line) };
        drop(state);
        inbox.changed();
        if stream == Stream::Cut {
            kill();
            break;
        }
        // One huge line must not keep its memory for the rest of the process's life.
        line.shrink_to(1024 * 1024);
    }
    inbox.lock().stdout_ended = true;
    inbox.changed();
}

/// Reads stderr to its end, keeping the beginning of each of the last lines.
pub(super) fn read_stderr(inbox: &Arc<Inbox>, stderr: impl Read) {
    let mut reader = BufReader::with_capacity(16 * 1024, stderr);
    let mut line = Vec::new();
    while let Ok(chunk) = reader.fill_buf() {
        if chunk.is_empty() {
            break;
        }
        let end = chunk.iter().position(|octet| *octet == b'\n');
        let piece = &chunk[..end.unwrap_or(chunk.len())];
        let room = (TAIL_CHARS * 4 + 1).saturating_sub(line.len());
        line.extend_from_slice(&piece[..piece.len().min(room)]);
        let used = end.map_or(chunk.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            keep(&mut inbox.lock(), &line);
            line.clear();
        }
    }
    let mut state = inbox.lock();
    if !line.is_empty() {
        keep(&mut state, &line);
    }
    state.stderr_ended = true;
    drop(state);
    inbox.changed();
}

fn keep(state: &mut State, line: &[u8]) {
    if state.tail.len() == TAIL_LINES {
        state.tail.pop_front();
    }
    state.tail.push_back(excerpt(line, TAIL_CHARS));
}
