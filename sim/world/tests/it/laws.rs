//! Laws that hold whatever the network does.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::time::Duration;

use proptest::prelude::*;
use zmq_world::{
    Address, Bandwidth, Errno, Fate, Flow, HostId, Keep, Latency, Limits, Link, Listen, Resources, StreamId, Time,
    Torn, Wake, What, World,
};

/// A network, and when it does something else.
#[derive(Debug, Clone)]
struct Weather {
    seed: u64,
    link: Link,
    limits: Limits,
    /// So many milliseconds after the one before: which directions do what.
    changes: Vec<(u64, [bool; 2], Flow)>,
    /// When the process of the client is paused, and for how long, in milliseconds.
    pause: Option<(u64, u64)>,
    lengths: [usize; 2],
}

fn latency() -> impl Strategy<Value = Latency> {
    let time = || (0_u64..200_000).prop_map(Duration::from_micros);
    prop_oneof![
        time().prop_map(Latency::Fixed),
        (time(), time()).prop_map(|(one, other)| Latency::Uniform(one, other)),
        (time(), time()).prop_map(|(mean, spread)| Latency::Bell { mean, spread }),
        (time(), time(), time()).prop_map(|(least, scale, most)| Latency::LongTail { least, scale, most }),
    ]
}

fn link() -> impl Strategy<Value = Link> {
    let bandwidth = (10_000_u64..10_000_000, 0_u64..10_000)
        .prop_map(|(octets_per_second, burst)| Bandwidth { octets_per_second, burst });
    let queue = prop_oneof![0_u64..200, 0_u64..100_000];
    (latency(), proptest::option::of(bandwidth), 41_u32..3000, queue, prop_oneof![Just(0), 0_u32..200_000]).prop_map(
        |(latency, bandwidth, mtu, queue_octets, loss)| Link {
            latency,
            bandwidth,
            mtu,
            queue_octets,
            loss,
            ..Link::between_hosts()
        },
    )
}

fn limits() -> impl Strategy<Value = Limits> {
    let buffer = || prop_oneof![1_u32..20, 1_u32..100_000];
    let torn = || prop_oneof![Just(Torn::Never), (1_u32..100).prop_map(Torn::UpTo)];
    (buffer(), buffer(), torn(), torn()).prop_map(|(send_buffer, recv_buffer, torn_reads, torn_writes)| Limits {
        send_buffer,
        recv_buffer,
        torn_reads,
        torn_writes,
        ..Limits::default()
    })
}

fn weather() -> impl Strategy<Value = Weather> {
    let flow = prop_oneof![Just(Flow::Pass), Just(Flow::Drop), Just(Flow::Hold)];
    let change = (0_u64..10_000, any::<[bool; 2]>(), flow);
    let changes = proptest::collection::vec(change, 0..6);
    let pause = proptest::option::of((0_u64..2000, 0_u64..5000));
    (any::<u64>(), link(), limits(), changes, pause, [0_usize..5000, 0_usize..5000]).prop_map(
        |(seed, link, limits, changes, pause, lengths)| Weather { seed, link, limits, changes, pause, lengths },
    )
}

/// What one end has still to write, and what it has read.
#[derive(Debug, Default)]
struct End {
    out: Vec<u8>,
    written: usize,
    is_finished: bool,
    read: Vec<u8>,
    is_ended: bool,
}

impl End {
    fn writes(len: usize, first: u8) -> Self {
        let out = (0..251).cycle().map(|n| first.wrapping_add(n)).take(len).collect();
        Self { out, ..Self::default() }
    }

    /// Acts until it would block; then it waits to be told.
    fn act(&mut self, world: &mut World, stream: StreamId) {
        while self.written < self.out.len() {
            match world.write(stream, &[IoSlice::new(&self.out[self.written..])]) {
                Ok(some) => self.written += some,
                Err(Errno::WouldBlock) => break,
                Err(other) => panic!("writing {stream}: {other}"),
            }
        }
        if self.written == self.out.len() && !self.is_finished {
            world.finish(stream).unwrap();
            self.is_finished = true;
        }
        let mut into = [0; 777];
        while !self.is_ended {
            match world.read(stream, &mut into) {
                Ok(0) => self.is_ended = true,
                Ok(some) => self.read.extend(&into[..some]),
                Err(Errno::WouldBlock) => break,
                Err(other) => panic!("reading {stream}: {other}"),
            }
        }
    }

    fn is_done(&self) -> bool {
        self.is_finished && self.is_ended
    }
}

/// Carries both lengths over one connection, acting on wakes alone, and gives the world and what both ends read.
fn exchange(weather: &Weather) -> (World, [Vec<u8>; 2]) {
    let mut world = World::new(weather.seed);
    let hosts = ["one", "two"].map(|name| {
        let last = if name == "one" { 1 } else { 2 };
        world.add_host(name, &[[10, 0, 0, last].into()])
    });
    *world.default_link_mut() = weather.link.clone();
    for host in hosts {
        world.set_limits(host, weather.limits);
    }
    let mut at = Time::START;
    for (index, (after, ..)) in weather.changes.iter().enumerate() {
        at += Duration::from_millis(*after);
        world.alarm(at, index as u64);
    }
    world.alarm(at + Duration::from_secs(10), HEAL);
    if let Some((at, long)) = weather.pause {
        world.alarm(Time::START + Duration::from_millis(at), PAUSE);
        world.alarm(Time::START + Duration::from_millis(at + long), RESUME);
    }
    let place = Address::Tcp(([10, 0, 0, 1], 5555).into());
    world.listen(hosts[0], &place, &Listen::default()).unwrap();
    let mut dialler = world.dial(hosts[1], &place, None).unwrap();
    let mut ends: BTreeMap<StreamId, End> = BTreeMap::new();
    ends.insert(dialler, End::writes(weather.lengths[0], 1));
    let mut read = [Vec::new(), Vec::new()];
    while let Some(wake) = world.next() {
        let stream = match wake {
            Wake::Dialled(stream) if world.dialled(stream) == Some(Err(Errno::TimedOut)) => {
                let end = ends.remove(&stream).unwrap();
                world.close(stream);
                dialler = world.dial(hosts[1], &place, None).unwrap();
                ends.insert(dialler, end);
                continue;
            }
            Wake::Dialled(stream) => stream,
            Wake::Acceptable(listener) => {
                let stream = world.accept(listener).unwrap();
                ends.insert(stream, End::writes(weather.lengths[1], 101));
                stream
            }
            Wake::Readable(stream) | Wake::Writable(stream) => stream,
            Wake::Alarm(PAUSE) => {
                world.pause(hosts[1]);
                continue;
            }
            Wake::Alarm(RESUME) => {
                world.resume(hosts[1]);
                continue;
            }
            Wake::Alarm(tag) => {
                let heal = (0, [true; 2], Flow::Pass);
                let (_, which, flow) = weather.changes.get(usize::try_from(tag).unwrap()).unwrap_or(&heal);
                set(&mut world, hosts, *which, *flow);
                continue;
            }
            other => panic!("{other:?}"),
        };
        let Some(end) = ends.get_mut(&stream) else { continue };
        end.act(&mut world, stream);
        if end.is_done() {
            read[usize::from(stream == dialler)] = ends.remove(&stream).unwrap().read;
            world.close(stream);
        }
    }
    assert!(ends.is_empty(), "nobody is told any more, and these wait: {:?}", ends.keys().map(|s| world.describe(*s)));
    for host in hosts {
        let used = world.resources(host);
        assert_eq!(Resources { listeners: 0, ..used }, Resources::default());
    }
    (world, read)
}

fn set(world: &mut World, hosts: [HostId; 2], which: [bool; 2], flow: Flow) {
    for (is_meant, (from, to)) in which.into_iter().zip([(0, 1), (1, 0)]) {
        if is_meant {
            world.set_flow(hosts[from], hosts[to], flow);
        }
    }
}

const HEAL: u64 = 1000;
const PAUSE: u64 = 1001;
const RESUME: u64 = 1002;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// What is read is what was written, whole, in order, and to the end; and who only acts when told is never forgotten.
    #[test]
    fn everything_written_is_read_in_order(weather in weather()) {
        let (_, read) = exchange(&weather);
        prop_assert_eq!(&read[0], &End::writes(weather.lengths[0], 1).out);
        prop_assert_eq!(&read[1], &End::writes(weather.lengths[1], 101).out);
    }

    /// The same calls with the same seed are the same run.
    #[test]
    fn a_run_repeats(weather in weather()) {
        let [one, other] = [(); 2].map(|()| {
            let mut world = exchange(&weather).0;
            (world.trace().hash(), world.trace().count(), world.now())
        });
        prop_assert_eq!(one, other);
    }
}

/// Four hosts, two pairs; each pair exchanges octets over some seconds. Gives the events of the second pair.
fn second_pair(seed: u64, disturb: impl Fn(&mut World, &[HostId])) -> Vec<(Time, String)> {
    let mut world = World::new(seed);
    world.trace().keep(Keep::Events);
    let hosts: Vec<HostId> = (1..5).map(|n| world.add_host(&format!("h{n}"), &[[10, 0, 0, n].into()])).collect();
    for server in [0, 2] {
        let at = Address::Tcp((world.addresses(hosts[server])[0], 5555).into());
        world.listen(hosts[server], &at, &Listen::default()).unwrap();
        world.dial(hosts[server + 1], &at, None).unwrap();
    }
    disturb(&mut world, &hosts);
    let mut into = [0; 64];
    while let Some(wake) = world.next_before(Time::START + Duration::from_secs(5)) {
        match wake {
            Wake::Dialled(stream) => {
                world.write(stream, &[IoSlice::new(b"ping")]).unwrap();
            }
            Wake::Acceptable(listener) => {
                world.accept(listener).unwrap();
            }
            Wake::Readable(stream) => {
                if let Ok(len) = world.read(stream, &mut into) {
                    world.write(stream, &[IoSlice::new(&into[..len])]).unwrap();
                }
            }
            _ => {}
        }
    }
    let events = world.trace().events().iter();
    let of_second = events.filter_map(|event| match event.what {
        What::Packet { from, to, kind, fate, .. } if from >= hosts[2] && to >= hosts[2] => {
            Some((event.at, format!("{kind:?} {fate:?}")))
        }
        _ => None,
    });
    of_second.collect()
}

#[test]
fn what_happens_on_one_link_changes_no_draw_of_another() {
    let undisturbed = second_pair(7, |_, _| {});
    assert!(undisturbed.len() > 1000, "{}", undisturbed.len());
    let cut = second_pair(7, |world, hosts| world.set_flow(hosts[1], hosts[0], Flow::Drop));
    let lossy = second_pair(7, |world, hosts| world.link_mut(hosts[0], hosts[1]).loss = 300_000);
    let dead = second_pair(7, |world, hosts| world.power_off(hosts[0]));
    let busy = second_pair(7, |world, hosts| {
        let at = Address::Tcp("10.0.0.1:5555".parse().unwrap());
        for _ in 0..10 {
            world.dial(hosts[1], &at, None).unwrap();
        }
    });
    for (name, disturbed) in [("cut", cut), ("lossy", lossy), ("dead", dead), ("busy", busy)] {
        assert_eq!(undisturbed, disturbed, "{name}");
    }
    assert_ne!(undisturbed, second_pair(8, |_, _| {}));
}

#[test]
fn a_host_less_changes_no_draw_of_the_others() {
    let run = |names: &[&str]| {
        let mut world = World::new(7);
        let hosts: Vec<HostId> =
            names.iter().map(|name| world.add_host(name, &[[10, 0, 0, name.as_bytes()[0]].into()])).collect();
        let (one, other) = (hosts[hosts.len() - 2], hosts[hosts.len() - 1]);
        let at = Address::Tcp((world.addresses(one)[0], 5555).into());
        world.listen(one, &at, &Listen::default()).unwrap();
        let stream = world.dial(other, &at, None).unwrap();
        while world.next().is_some() {}
        let mut octets = [0; 8];
        world.random(other, &mut octets);
        (world.now(), world.local_addr(stream), octets)
    };
    assert_eq!(run(&["a", "b", "c"]), run(&["b", "c"]));
}

#[test]
fn acknowledgements_change_no_draw_of_packets() {
    let latencies = |first: usize| {
        let mut pair = crate::pair::pair(9);
        for _ in 0..first {
            pair.write(0, b"x").unwrap();
            pair.settle();
        }
        pair.world.trace().keep(Keep::Events);
        for _ in 0..20 {
            pair.write(1, b"y").unwrap();
            pair.settle();
        }
        let events = pair.world.trace().events().iter();
        let taken = events.filter_map(|event| match event.what {
            What::Packet { fate: Fate::Arrives(at), .. } => Some(at - event.at),
            _ => None,
        });
        taken.collect::<Vec<Duration>>()
    };
    assert_eq!(latencies(0).len(), 20);
    assert_eq!(latencies(0), latencies(50));
}
