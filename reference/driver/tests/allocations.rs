//! Figures without noise: allocations for each message, and octets that an idle connection holds.
//!
//! A program of its own, since it counts what the whole process allocates. Its tests take turns for the same reason.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::alloc::System;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use zmq_reference::blocking::{Context, Socket};
use zmq_reference::{Frame, Message, SocketType};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Messages before counting: queues, pools and tables have their size by then.
const WARM_UP: usize = 20_000;
const COUNTED: usize = 20_000;
/// Messages that are in flight at most, which is what queues have to hold.
const BURST: usize = 100;

/// Two sockets that are connected.
struct Joined {
    from: Socket,
    to: Socket,
    context: Context,
}

impl Joined {
    fn new(from: SocketType, to: SocketType, endpoint: &str) -> Self {
        let context = Context::new().unwrap();
        let bound = context.socket(to).unwrap();
        let endpoint = bound.bind(endpoint).unwrap().to_string();
        let connected = context.socket(from).unwrap();
        connected.connect(&endpoint).unwrap();
        if to == SocketType::Sub {
            bound.subscribe("").unwrap();
            // Until the subscription is there, nothing comes.
            bound.set_recv_timeout(Some(Duration::from_millis(20)));
            while bound.recv().is_err() {
                connected.send("now?").unwrap();
            }
            while bound.recv().is_ok() {}
            bound.set_recv_timeout(None);
        }
        Self { from: connected, to: bound, context }
    }

    /// Allocations for each message, of bursts that `burst` sends and receives.
    fn allocations(&self, burst: impl Fn(&Socket, &Socket)) -> f64 {
        for _ in 0..WARM_UP / BURST {
            burst(&self.from, &self.to);
        }
        let region = Region::new(GLOBAL);
        for _ in 0..COUNTED / BURST {
            burst(&self.from, &self.to);
        }
        let counted = region.change();
        (counted.allocations + counted.reallocations) as f64 / COUNTED as f64
    }

    fn end(self) {
        drop((self.from, self.to));
        self.context.term();
    }
}

/// Sends a burst one way.
fn one_way(size: usize) -> impl Fn(&Socket, &Socket) {
    let octets = vec![b'.'; size];
    move |from, to| {
        for _ in 0..BURST {
            from.send(&octets[..]).unwrap();
        }
        for _ in 0..BURST {
            assert_eq!(to.recv().unwrap().first().len(), octets.len());
        }
    }
}

/// Questions and answers, one after the other.
fn to_and_fro(from: &Socket, to: &Socket) {
    for _ in 0..BURST {
        from.send("a question").unwrap();
        let question = to.recv().unwrap();
        to.send(question).unwrap();
        assert_eq!(from.recv().unwrap().first(), "a question");
    }
}

/// What is allowed for a message that needs no memory: a queue takes one chunk for each 64 frames that are in it, and gives
/// back all but one; over tcp a message passes two queues.
const NOTHING: f64 = 2.0 / 64.0;

#[track_caller]
fn assert_at_most(what: &str, came: f64, most: f64) {
    println!("{what}: {came:.4} allocations for each message");
    assert!(came <= most, "{what}: expected at most {most} allocations for each message, and there were {came}");
}

#[test]
fn what_fits_into_a_frame_allocates_nothing() {
    let _turn = turn();
    for endpoint in ["inproc://frames", "tcp://127.0.0.1:*"] {
        for (from, to) in [
            (SocketType::Push, SocketType::Pull),
            (SocketType::Pub, SocketType::Sub),
            (SocketType::Dealer, SocketType::Dealer),
            (SocketType::Pair, SocketType::Pair),
        ] {
            let joined = Joined::new(from, to, endpoint);
            for size in [1, 30] {
                let came = joined.allocations(one_way(size));
                assert_at_most(&format!("{from} to {to}, {endpoint}, {size} octets"), came, NOTHING);
            }
            joined.end();
        }
    }
}

#[test]
fn a_question_and_its_answer_allocate_what_their_envelope_takes() {
    let _turn = turn();
    for endpoint in ["inproc://questions", "tcp://127.0.0.1:*"] {
        for (from, to, most) in [
            (SocketType::Req, SocketType::Rep, ENVELOPE),
            (SocketType::Req, SocketType::Router, ENVELOPE),
            (SocketType::Dealer, SocketType::Router, ENVELOPE),
        ] {
            let joined = Joined::new(from, to, endpoint);
            let came = joined.allocations(to_and_fro);
            assert_at_most(&format!("{from} and {to}, {endpoint}"), came, most);
            joined.end();
        }
    }
}

/// A message of several parts is a list, which takes an allocation at each of its two receivers, and where its envelope
/// is put before it.
const ENVELOPE: f64 = 6.0;

#[test]
fn longer_messages_share_blocks_up_to_1_kib_and_take_one_above() {
    let _turn = turn();
    for (size, most) in [(31, 0.05), (256, 0.6), (1023, 2.1), (4096, 2.1), (65_536, 3.0)] {
        let joined = Joined::new(SocketType::Push, SocketType::Pull, "tcp://127.0.0.1:*");
        let came = joined.allocations(one_way(size));
        assert_at_most(&format!("PUSH to PULL, tcp, {size} octets"), came, most);
        joined.end();
    }
}

#[test]
fn a_frame_that_is_cloned_is_not_copied() {
    let _turn = turn();
    let joined = Joined::new(SocketType::Push, SocketType::Pull, "inproc://clones");
    let frame = Frame::copy_of(&vec![b'.'; 1 << 20]);
    let came = joined.allocations(|from, to| {
        for _ in 0..BURST {
            from.send(Message::from(frame.clone())).unwrap();
        }
        for _ in 0..BURST {
            assert_eq!(to.recv().unwrap().first().len(), 1 << 20);
        }
    });
    assert_at_most("PUSH to PULL, inproc, a MiB that is shared", came, NOTHING);
    joined.end();
}

/// Octets that both ends of an idle connection hold together: a session, a task, two pipes and their places at each end.
const IDLE: usize = 16 << 10;
const CONNECTIONS: usize = 200;

#[test]
fn an_idle_connection_holds_little() {
    let _turn = turn();
    let context = Context::new().unwrap();
    let pull = context.socket(SocketType::Pull).unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap().to_string();
    let push = context.socket(SocketType::Push).unwrap();
    let connect = |n: usize| {
        for _ in 0..n {
            push.connect(&endpoint).unwrap();
        }
        // Each connection has one message, which has come and gone.
        for _ in 0..n {
            push.send("x").unwrap();
        }
        for _ in 0..n {
            pull.recv().unwrap();
        }
    };
    // More than a pool of buffers holds.
    connect(150);
    let region = Region::new(GLOBAL);
    connect(CONNECTIONS);
    let held = || {
        let change = region.change();
        change.bytes_allocated.saturating_sub(change.bytes_deallocated) / CONNECTIONS
    };
    // What is put aside when a connection has been idle for a while.
    let patience = Instant::now() + Duration::from_secs(5);
    while held() > IDLE && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("{} octets for both ends of an idle connection", held());
    assert!(
        held() <= IDLE,
        "expected at most {IDLE} octets for both ends of an idle connection, and there are {}",
        held()
    );
    drop((push, pull));
    context.term();
}
