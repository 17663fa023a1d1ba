//! The core's own machine at the end of a raw link: what a peer needs to come as far as keys and boxes go, where its
//! octets cannot be written by hand.

use std::io::{IoSlice, Read};

use zmq_core::connection::{Connection, Incoming};
use zmq_core::mechanism::Seed;
use zmq_core::mechanism::zap::Answer;
use zmq_core::time::Instant;
use zmq_reference::{Endpoint, Heartbeat, KeyPair, Options, Security, SocketType};

use crate::raw::{Raw, Wrote};

/// Keys that are the same each time.
pub(crate) fn keys(octet: u8) -> KeyPair {
    KeyPair::generate([octet; 32])
}

/// A server of CURVE with the keys that [`client`] knows.
pub(crate) fn server() -> Options {
    Options { security: Security::curve_server(keys(1)), ..Options::default() }
}

/// A client of [`server`].
pub(crate) fn client() -> Options {
    Options { security: Security::curve_client(keys(2), *keys(1).public()), ..Options::default() }
}

/// How many machines there were: no two have the same transient keys.
fn seed(options: &Options) -> Seed {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Seed::draw(&options.security, |octets| octets.chunks_mut(8).for_each(|part| part.copy_from_slice(&n.to_be_bytes())))
}

/// A raw link, and the machine that talks over it.
pub(crate) struct Machine {
    pub(crate) raw: Raw,
    connection: Connection,
    now: Instant,
}

impl Machine {
    /// One that has said nothing. `options` are given heartbeats, so that it can be made to send PINGs.
    pub(crate) fn on(raw: Raw, socket_type: SocketType, mut options: Options) -> Self {
        let second = std::time::Duration::from_secs(1);
        options.heartbeat =
            Heartbeat { interval: Some(second), timeout: Some(second * 1_000_000), ..Heartbeat::default() };
        let seed = seed(&options);
        let now = Instant::START;
        Self { raw, connection: Connection::new(socket_type, options, seed, now), now }
    }

    pub(crate) fn connect(endpoint: &Endpoint, socket_type: SocketType, options: Options) -> Self {
        Self::on(Raw::connect(endpoint), socket_type, options)
    }

    /// What it wants to write now.
    pub(crate) fn octets(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        while self.connection.has_output() {
            let mut slices = [IoSlice::new(&[]); Connection::SLICES];
            let filled = self.connection.slices(&mut slices);
            let before = octets.len();
            slices[..filled].iter().for_each(|slice| octets.extend_from_slice(slice));
            self.connection.sent(octets.len() - before);
        }
        octets
    }

    /// Writes what it wants to write, and reads once; whether it is ready then.
    pub(crate) fn step(&mut self) -> bool {
        let octets = self.octets();
        assert_eq!(self.raw.write(&octets), Wrote::All);
        let mut ready = false;
        let n = self.raw.stream.read(self.connection.spare()).unwrap();
        assert!(n > 0, "the other end has closed");
        self.connection.fill(n, self.now);
        while let Some(incoming) = self.connection.next().unwrap() {
            ready |= matches!(incoming, Incoming::Ready(_));
        }
        ready
    }

    /// Shakes hands.
    pub(crate) fn ready(mut self) -> Self {
        while !self.step() {}
        self
    }

    /// As far as the octets that would end in `command`, which is in them, and not written.
    pub(crate) fn before(&mut self, command: &str) -> Vec<u8> {
        loop {
            let octets = self.octets();
            if octets.windows(command.len()).any(|window| window == command.as_bytes()) {
                return octets;
            }
            assert_eq!(self.raw.write(&octets), Wrote::All);
            let n = self.raw.stream.read(self.connection.spare()).unwrap();
            assert!(n > 0, "the other end has closed");
            self.connection.fill(n, self.now);
            match self.connection.next().unwrap() {
                None => {}
                Some(Incoming::Ask(_)) => assert!(self.connection.answer(Answer::NoHandler).unwrap().is_some()),
                Some(other) => panic!("{other:?} comes before {command}"),
            }
        }
    }

    /// Octets of so many PINGs. Only when it is ready, with a peer of 3.1.
    pub(crate) fn pings(&mut self, n: usize) -> Vec<u8> {
        (0..n)
            .flat_map(|_| {
                self.now += std::time::Duration::from_secs(1);
                self.connection.handle_timeout(self.now).unwrap();
                self.octets()
            })
            .collect()
    }

    /// Octets of a message of so many empty parts.
    pub(crate) fn parts(&mut self, n: usize) -> Vec<u8> {
        let mut octets = Vec::new();
        for part in 0..n {
            let frame = zmq_core::Frame::EMPTY;
            self.connection.push(if part + 1 < n { frame.more() } else { frame });
            octets.extend(self.octets());
        }
        octets
    }

    /// Octets of subscriptions to so many topics.
    pub(crate) fn subscriptions(&mut self, n: usize) -> Vec<u8> {
        (0..n)
            .flat_map(|n| {
                let topic = zmq_core::Frame::copy_of(format!("topic number {n}").as_bytes());
                self.connection.push_change(&zmq_core::socket::Change::Subscribe(topic));
                self.octets()
            })
            .collect()
    }
}
