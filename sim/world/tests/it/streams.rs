//! Streams between two hosts, with and without faults.

use std::io::IoSlice;
use std::time::Duration;

use zmq_world::{Address, Errno, Flow, Limits, Listen, Time, Wake};

use crate::pair::{at, hosts, pair};

#[test]
fn octets_arrive_in_order_and_both_ends_close() {
    let mut pair = pair(1);
    assert_eq!(pair.write(0, b"hello"), Ok(5));
    assert_eq!(pair.write(0, b", world"), Ok(7));
    pair.settle();
    assert_eq!(pair.read(1).unwrap(), b"hello, world");
    assert_eq!(pair.read(1), Err(Errno::WouldBlock));
    pair.world.close(pair.ends[0]);
    pair.settle();
    assert_eq!(pair.read(1).unwrap(), b"");
    pair.world.close(pair.ends[1]);
    pair.settle();
    pair.world.close_listener(pair.listener);
    assert_eq!(pair.world.resources(pair.server), zmq_world::Resources::default());
    assert_eq!(pair.world.resources(pair.client), zmq_world::Resources::default());
}

#[test]
fn a_writer_stalls_when_nobody_reads_and_goes_on_when_somebody_does() {
    let mut pair = pair(2);
    let mut written = 0;
    for _ in 0..100 {
        match pair.write(0, &[7; 10_000]) {
            Ok(some) => written += some,
            Err(Errno::WouldBlock) => {
                assert!(!pair.settle().contains(&Wake::Writable(pair.ends[0])));
                break;
            }
            Err(other) => panic!("{other}"),
        }
        pair.settle();
    }
    assert_eq!(written, 2 * 65_536, "a send buffer and a receive buffer");
    let mut read = pair.read(1).unwrap().len();
    assert!(pair.settle().contains(&Wake::Writable(pair.ends[0])));
    while read < written {
        read += pair.read(1).unwrap().len();
        pair.settle();
    }
    assert_eq!(pair.read(1), Err(Errno::WouldBlock));
}

#[test]
fn nobody_listens_is_refused_and_no_answer_times_out_after_127_seconds() {
    let (mut world, server, client) = hosts(3);
    let stream = world.dial(client, &at(), None).unwrap();
    assert_eq!(world.next(), Some(Wake::Dialled(stream)));
    assert_eq!(world.dialled(stream), Some(Err(Errno::Refused)));
    let begin = world.now();
    world.set_flow(client, server, Flow::Drop);
    let stream = world.dial(client, &at(), None).unwrap();
    assert_eq!(world.next(), Some(Wake::Dialled(stream)));
    assert_eq!(world.dialled(stream), Some(Err(Errno::TimedOut)));
    assert_eq!(world.now() - begin, Duration::from_secs(127));
}

#[test]
fn what_was_dropped_is_sent_again_and_what_was_held_goes_on() {
    for flow in [Flow::Drop, Flow::Hold] {
        let mut pair = pair(4);
        pair.flow(flow);
        pair.write(0, b"during").unwrap();
        let heal = pair.world.now() + Duration::from_secs(3);
        while pair.world.next_before(heal).is_some() {}
        assert_eq!(pair.read(1), Err(Errno::WouldBlock));
        pair.flow(Flow::Pass);
        assert_eq!(pair.world.next(), Some(Wake::Readable(pair.ends[1])));
        assert_eq!(pair.read(1).unwrap(), b"during");
        assert!(pair.world.now() - heal < Duration::from_secs(5), "{flow:?}");
        assert_eq!(pair.settle(), []);
    }
}

#[test]
fn a_partition_without_end_breaks_the_writer_after_a_quarter_of_an_hour() {
    for flow in [Flow::Drop, Flow::Hold] {
        let mut pair = pair(5);
        pair.flow(flow);
        let begin = pair.world.now();
        pair.write(0, b"lost").unwrap();
        assert_eq!(pair.settle(), [Wake::Readable(pair.ends[0]), Wake::Writable(pair.ends[0])]);
        assert_eq!(pair.read(0), Err(Errno::TimedOut));
        assert_eq!(pair.read(0).unwrap(), b"");
        assert_eq!(pair.write(0, b"more"), Err(Errno::BrokenPipe));
        let passed = (pair.world.now() - begin).as_secs();
        assert!((920..930).contains(&passed), "{passed} s");
    }
}

#[test]
fn a_killed_process_ends_its_streams_and_a_lost_host_does_not() {
    let mut killed = pair(6);
    killed.write(0, b"unread").unwrap();
    killed.settle();
    killed.world.kill(killed.server);
    killed.settle();
    assert_eq!(killed.read(0), Err(Errno::Reset), "something was not read");
    let mut killed = pair(6);
    killed.world.kill(killed.server);
    killed.settle();
    assert_eq!(killed.read(0).unwrap(), b"");
    let mut lost = pair(6);
    lost.world.power_off(lost.server);
    assert_eq!(lost.settle(), []);
    assert_eq!(lost.read(0), Err(Errno::WouldBlock), "half open");
    lost.write(0, b"anybody?").unwrap();
    let later = lost.world.now() + Duration::from_secs(10);
    while lost.world.next_before(later).is_some() {}
    lost.world.power_on(lost.server);
    lost.settle();
    assert_eq!(lost.read(0), Err(Errno::Reset), "told by the host that knows nothing");
}

#[test]
fn tiny_buffers_and_torn_calls_lose_nothing() {
    let mut pair = pair(7);
    let torn = zmq_world::Torn::UpTo(5);
    let limits = Limits { send_buffer: 11, recv_buffer: 7, torn_reads: torn, torn_writes: torn, ..Limits::default() };
    pair.world.set_limits(pair.server, limits);
    pair.world.set_limits(pair.client, limits);
    let sent: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let (mut written, mut read) = (0, Vec::new());
    loop {
        while let Ok(some) = pair.write(0, &sent[written..]) {
            written += some;
            if written == sent.len() {
                break;
            }
        }
        while let Ok(some) = pair.read(1) {
            read.extend(some);
        }
        if pair.world.next().is_none() {
            break;
        }
    }
    assert_eq!(read, sent);
}

#[test]
fn timers_ring_on_the_hosts_clock_and_cancelled_ones_do_not() {
    let (mut world, server, client) = hosts(8);
    let one = world.set_timer(server, 1_000_000_000);
    let two = world.set_timer(client, 1_000_000_000);
    world.set_drift(client, -500_000);
    assert_eq!(world.next(), Some(Wake::Timer(one)));
    assert_eq!(world.now(), Time::from_nanos(1_000_000_000));
    assert_eq!(world.next(), Some(Wake::Timer(two)));
    assert_eq!(world.now(), Time::from_nanos(2_000_000_000));
    let far = world.set_timer(server, u64::MAX);
    world.cancel_timer(far);
    assert_eq!(world.next(), None);
    assert_eq!(world.now(), Time::from_nanos(2_000_000_000));
    let late = world.set_timer(client, world.host_now(client) + 1_000_000_000);
    world.jump_clock(client, Duration::from_secs(1));
    assert_eq!(world.next(), Some(Wake::Timer(late)));
    assert_eq!(world.now(), Time::from_nanos(2_000_000_000));
}

#[test]
fn paths_stay_and_names_vanish() {
    let (mut world, server, _) = hosts(9);
    let path = Address::Path("/tmp/socket".into());
    let name = Address::Abstract(b"name".to_vec());
    assert_eq!(world.dial(server, &path, None), Err(Errno::NotFound));
    assert_eq!(world.dial(server, &name, None), Err(Errno::Refused));
    for at in [&path, &name] {
        let listener = world.listen(server, at, &Listen::default()).unwrap();
        let dialler = world.dial(server, at, None).unwrap();
        assert_eq!(world.next(), Some(Wake::Dialled(dialler)));
        assert_eq!(world.next(), Some(Wake::Acceptable(listener)));
        let acceptor = world.accept(listener).unwrap();
        world.write(acceptor, &[IoSlice::new(b"hi")]).unwrap();
        assert_eq!(world.next(), Some(Wake::Readable(dialler)));
        assert_eq!(world.credentials(acceptor), Some(world.process(server)));
        world.close(dialler);
        world.close(acceptor);
        world.close_listener(listener);
        while world.next().is_some() {}
    }
    assert_eq!(world.dial(server, &path, None), Err(Errno::Refused));
    assert_eq!(world.listen(server, &path, &Listen::default()), Err(Errno::InUse));
    world.unlink(server, "/tmp/socket").unwrap();
    world.listen(server, &path, &Listen::default()).unwrap();
    world.listen(server, &name, &Listen::default()).unwrap();
}

#[test]
fn the_same_seed_is_the_same_run_and_another_is_not() {
    let run = |seed| {
        let mut pair = pair(seed);
        pair.write(0, &[1; 50_000]).unwrap();
        pair.settle();
        pair.read(1).unwrap();
        pair.settle();
        (pair.world.trace().hash(), pair.world.now())
    };
    assert_eq!(run(10), run(10));
    assert_ne!(run(10), run(11));
}
