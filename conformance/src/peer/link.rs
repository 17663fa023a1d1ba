//! One connection of a raw peer: never blocks beyond its deadline, reads while it writes, remembers who closed.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::stream::Stream;
use crate::event::{Exchange, Exchanged};
use crate::sabotage::tamper::Tamper;
use crate::verdict::Close;
use crate::wire::hex;

/// Octets of the subject kept unread before it is said to flood.
pub const INBOX_LIMIT: usize = 64 << 20;
/// Octets of one exchange that are recorded; the rest is counted.
const RECORDED: usize = 4096;
/// Octets of each direction, from the beginning, that are kept to be annotated.
const KEPT: usize = 32 * 1024;

/// A connection, or what is left of it.
#[derive(Debug)]
pub struct Link {
    stream: Stream,
    inbox: Vec<u8>,
    /// The first octets of each direction.
    said: Vec<u8>,
    heard: Vec<u8>,
    ended: Option<Close>,
    tamper: Option<Tamper>,
}

/// What a wait came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// More octets are in the inbox.
    More,
    /// The connection has ended; nothing more will come.
    Ended(Close),
    /// The deadline has come.
    Deadline,
    /// The inbox is full: the subject floods.
    Flooded,
}

/// What happened on all links of a case, in order.
#[derive(Debug)]
pub struct Record {
    begun: Instant,
    exchanges: Vec<Exchange>,
}

impl Record {
    /// Starts the clock of a case.
    #[must_use]
    pub fn start() -> Self {
        Self { begun: Instant::now(), exchanges: Vec::new() }
    }

    /// Adds an exchange that happens at this moment.
    pub fn add(&mut self, who: &str, what: Exchanged) {
        self.add_at(Instant::now(), who, what);
    }

    /// Adds an exchange that happened at a known moment.
    pub fn add_at(&mut self, at: Instant, who: &str, what: Exchanged) {
        let at = u64::try_from(at.saturating_duration_since(self.begun).as_micros()).unwrap_or(u64::MAX);
        self.exchanges.push(Exchange { at, who: who.to_owned(), what });
    }

    /// Time since the case began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Everything recorded, ordered by time.
    #[must_use]
    pub fn finish(mut self) -> Vec<Exchange> {
        self.exchanges.sort_by_key(|exchange| exchange.at);
        self.exchanges
    }
}

impl Link {
    /// Takes a connected stream over.
    ///
    /// # Errors
    /// The kernel refused to make it non-blocking.
    pub fn new(stream: Stream, tamper: Option<Tamper>) -> std::io::Result<Self> {
        stream.prepare()?;
        Ok(Self { stream, inbox: Vec::new(), said: Vec::new(), heard: Vec::new(), ended: None, tamper })
    }

    /// Octets that came and were not taken.
    #[must_use]
    pub fn inbox(&self) -> &[u8] {
        &self.inbox
    }

    /// The first octets that this end wrote.
    #[must_use]
    pub fn said(&self) -> &[u8] {
        &self.said
    }

    /// The first octets that came.
    #[must_use]
    pub fn heard(&self) -> &[u8] {
        &self.heard
    }

    /// Takes `count` octets from the front of the inbox.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let count = count.min(self.inbox.len());
        self.inbox.drain(..count).collect()
    }

    /// How the connection ended, if it did.
    #[must_use]
    pub fn ended(&self) -> Option<Close> {
        self.ended
    }

    /// Writes octets, reading whatever comes meanwhile. A connection that ends while writing is no error here: the
    /// end is remembered, and what came before it is in the inbox.
    ///
    /// `mended` is what would be right, where the octets are wrong on purpose: a saboteur may write that instead.
    pub fn send(
        &mut self,
        octets: &[u8],
        mended: Option<&[u8]>,
        until: Instant,
        who: &str,
        record: &mut Record,
    ) -> Waited {
        let octets = mended.filter(|_| self.tamper.as_ref().is_some_and(Tamper::mends)).unwrap_or(octets);
        record.add(who, Exchanged::Sent(shown(octets)));
        keep(&mut self.said, octets);
        let tampered = self.tamper.as_mut().map(|tamper| tamper.to_subject(octets));
        let mut left: &[u8] = tampered.as_deref().unwrap_or(octets);
        while !left.is_empty() {
            if let Some(ended) = self.ended {
                return Waited::Ended(ended);
            }
            match self.stream.write(left) {
                Ok(written) => left = &left[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    match self.wait_for(PollFlags::OUT, until, who, record) {
                        Waited::More => {}
                        other => return other,
                    }
                }
                Err(_) => self.read_out_after_a_failed_write(who, record),
            }
        }
        Waited::More
    }

    /// Waits until more octets are in the inbox than now.
    pub fn wait(&mut self, until: Instant, who: &str, record: &mut Record) -> Waited {
        let before = self.inbox.len();
        loop {
            self.read(who, record);
            if self.inbox.len() > INBOX_LIMIT {
                return Waited::Flooded;
            }
            if self.inbox.len() > before {
                return Waited::More;
            }
            if let Some(ended) = self.ended {
                return Waited::Ended(ended);
            }
            match self.wait_for(PollFlags::empty(), until, who, record) {
                Waited::More => {}
                other => return other,
            }
        }
    }

    /// Ends the connection in order.
    pub fn close(&mut self, who: &str, record: &mut Record) {
        if self.ended.is_none() {
            self.stream.shutdown();
            self.ended = Some(Close::Open);
            record.add(who, Exchanged::Ended("closed by the harness".to_owned()));
        }
    }

    /// Ends the connection with a reset.
    pub fn reset(mut self, who: &str, record: &mut Record) {
        // On ipc there is no reset, and the kernel just closes.
        self.leave_nothing();
        self.ended = Some(Close::Open);
        record.add(who, Exchanged::Ended("reset by the harness".to_owned()));
    }

    /// Lets the system forget the connection as soon as this is dropped. It would keep the addresses of whoever closed
    /// first for a minute, and the more of them it keeps the longer it looks for a free port.
    pub fn leave_nothing(&self) {
        let _ = rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO));
    }

    /// Whether a saboteur asks for the subject's death; true once.
    pub fn takes_kill(&mut self) -> bool {
        self.tamper.as_mut().is_some_and(Tamper::takes_kill)
    }

    fn wait_for(&mut self, also: PollFlags, until: Instant, who: &str, record: &mut Record) -> Waited {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Waited::Deadline;
        }
        let timeout = Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 3600, tv_nsec: 0 });
        let mut fds = [PollFd::new(&self.stream, PollFlags::IN | also)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Waited::Deadline,
        }
        if !also.is_empty() {
            self.read(who, record);
            if self.inbox.len() > INBOX_LIMIT {
                return Waited::Flooded;
            }
        }
        Waited::More
    }

    fn read(&mut self, who: &str, record: &mut Record) {
        let mut buffer = [0; 64 * 1024];
        while self.ended.is_none() && self.inbox.len() <= INBOX_LIMIT {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.end(Close::Fin, who, record),
                Ok(count) => self.receive(&buffer[..count], who, record),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.end(Close::Rst, who, record),
            }
        }
    }

    fn receive(&mut self, octets: &[u8], who: &str, record: &mut Record) {
        let tampered = self.tamper.as_mut().map(|tamper| tamper.from_subject(octets));
        let octets = tampered.as_deref().unwrap_or(octets);
        if !octets.is_empty() {
            record.add(who, Exchanged::Received(shown(octets)));
            keep(&mut self.heard, octets);
            self.inbox.extend_from_slice(octets);
        }
        if self.tamper.as_mut().is_some_and(Tamper::takes_close) {
            self.stream.shutdown();
            self.end(Close::Fin, who, record);
        }
    }

    /// A write failed because the other side is gone: what it sent before may still be in the kernel.
    fn read_out_after_a_failed_write(&mut self, who: &str, record: &mut Record) {
        self.read(who, record);
        if self.ended.is_none() {
            self.end(Close::Rst, who, record);
        }
    }

    fn end(&mut self, how: Close, who: &str, record: &mut Record) {
        self.ended = Some(how);
        record.add(who, Exchanged::Ended(how.word().to_owned()));
    }
}

fn keep(kept: &mut Vec<u8>, octets: &[u8]) {
    let room = KEPT.saturating_sub(kept.len());
    kept.extend_from_slice(&octets[..octets.len().min(room)]);
}

fn shown(octets: &[u8]) -> String {
    if octets.len() <= RECORDED {
        return hex(octets);
    }
    format!("{}… ({} octets)", hex(&octets[..RECORDED]), octets.len())
}
