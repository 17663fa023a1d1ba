//! Two connections over memory: frames in at one end, out at the other, and nothing else. For counting instructions.
//!
//!     cargo bench -p zmq-core --bench codec -- SIZE COUNT
//!
//! `ci/guards.py` counts what a frame takes in instructions, which no noise moves.

use std::io::IoSlice;

use zmq_core::connection::{Connection, Incoming};
use zmq_core::frame::Frame;
use zmq_core::mechanism::Seed;
use zmq_core::options::Options;
use zmq_core::pattern::table::SocketType;
use zmq_core::time::Instant;

/// Carries everything that is to be written over; returns how many frames came.
fn carry(from: &mut Connection, to: &mut Connection) -> usize {
    let mut frames = 0;
    while from.has_output() {
        let mut slices = [IoSlice::new(&[]); Connection::SLICES];
        let n = from.slices(&mut slices);
        let mut carried = 0;
        for slice in &slices[..n] {
            let mut rest: &[u8] = slice;
            while !rest.is_empty() {
                let spare = to.spare();
                let n = spare.len().min(rest.len());
                spare[..n].copy_from_slice(&rest[..n]);
                to.fill(n, Instant::START);
                carried += n;
                rest = &rest[n..];
                frames += take(to);
            }
        }
        from.sent(carried);
    }
    frames
}

fn take(connection: &mut Connection) -> usize {
    let mut frames = 0;
    let taken = connection.take_frames(|frame| {
        drop(std::hint::black_box(frame));
        frames += 1;
        std::ops::ControlFlow::Continue(())
    });
    taken.expect("the peer is well-behaved");
    while let Some(next) = connection.next().expect("the peer is well-behaved") {
        frames += usize::from(matches!(next, Incoming::Frame(_)));
    }
    frames
}

fn main() {
    let words: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let &[size, count] = &words[..] else {
        // `cargo test --benches` runs this program too, without them.
        println!("expected SIZE COUNT: octets of a frame, and how many frames");
        return;
    };
    let connection = |socket_type| Connection::new(socket_type, Options::default(), Seed::default(), Instant::START);
    let (mut push, mut pull) = (connection(SocketType::Push), connection(SocketType::Pull));
    while !(push.is_ready() && pull.is_ready()) {
        carry(&mut push, &mut pull);
        carry(&mut pull, &mut push);
    }
    let octets = vec![b'.'; size];
    let mut came = 0;
    let mut pushed = 0;
    while pushed < count {
        while pushed < count && !push.is_full() {
            push.push(Frame::copy_of(&octets));
            pushed += 1;
        }
        came += carry(&mut push, &mut pull);
    }
    assert_eq!(came, count, "every frame comes");
    println!("{came} frames came");
}
