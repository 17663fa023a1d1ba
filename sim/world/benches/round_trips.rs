//! How many round trips over raw streams a bare loop makes in a second, with the trace hash on.
//!
//!     cargo bench -p zmq-world
//!
//! One server, and all other hosts its clients, each with one connection and four octets under way. Medians of five; each
//! second is one of the processor, where the system tells (Linux), so that other programs on the machine do not count.

use std::io::IoSlice;
use std::time::{Duration, Instant};

use zmq_world::{Address, Latency, Listen, Side, Wake, World};

fn main() {
    // Cargo passes `--bench`; a number makes it shorter or longer.
    let rounds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(2_000_000);
    for (nodes, target) in [(2, 5_000_000), (100, 2_000_000)] {
        let mut figures: Vec<u64> = (0..5).map(|seed| round_trips(nodes, rounds, seed)).collect();
        figures.sort_unstable();
        let [least, .., most] = figures[..] else { continue };
        let median = figures[figures.len() / 2];
        println!("{nodes:>4} nodes: {median:>9} round trips/s  ({least} to {most}; target {target})");
    }
}

fn round_trips(nodes: u8, rounds: u64, seed: u64) -> u64 {
    let mut world = World::new(seed);
    let latency = Latency::Uniform(Duration::from_millis(1), Duration::from_millis(10));
    world.default_link_mut().latency = latency;
    let hosts: Vec<_> = (0..nodes).map(|n| world.add_host(&format!("n{n}"), &[[10, 0, 0, n + 1].into()])).collect();
    let at = Address::Tcp(([10, 0, 0, 1], 5555).into());
    world.listen(hosts[0], &at, &Listen::default()).expect("the address is free");
    for client in &hosts[1..] {
        world.dial(*client, &at, None).expect("the server listens");
    }
    let (mut done, mut into) = (0, [0; 64]);
    let clock = Clock::start();
    while done < rounds {
        match world.next().expect("something is always under way") {
            Wake::Readable(stream) => {
                let len = world.read(stream, &mut into).expect("it was told");
                done += u64::from(stream.side() == Side::Dialler);
                world.write(stream, &[IoSlice::new(&into[..len])]).expect("there is room");
            }
            Wake::Dialled(stream) => {
                world.write(stream, &[IoSlice::new(b"ping")]).expect("there is room");
            }
            Wake::Acceptable(listener) => {
                world.accept(listener).expect("it was told");
            }
            other => unreachable!("{other:?}"),
        }
    }
    u64::try_from(u128::from(rounds) * 1_000_000_000 / clock.elapsed().as_nanos().max(1)).expect("below 2^64")
}

/// Time of this thread on a processor, or time on the wall where the system does not tell.
enum Clock {
    Processor(u64),
    Wall(Instant),
}

impl Clock {
    fn start() -> Self {
        processor().map_or_else(|| Self::Wall(Instant::now()), Self::Processor)
    }

    fn elapsed(&self) -> Duration {
        match self {
            Self::Processor(start) => Duration::from_nanos(processor().expect("it was told before") - start),
            Self::Wall(start) => start.elapsed(),
        }
    }
}

/// Nanoseconds that this thread has run.
fn processor() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}
