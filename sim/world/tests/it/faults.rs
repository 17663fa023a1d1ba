//! What the director does to hosts, links and streams.

use std::io::IoSlice;
use std::time::Duration;

use zmq_world::{
    Bandwidth, Condition, Errno, Fate, Flow, Keep, Latency, Limits, Listen, PacketKind, Resources, Time, Torn, Wake,
    What, Why,
};

use crate::pair::{at, hosts, pair};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_host_without_power_answers_nothing_and_one_with_it_resets() {
    let mut pair = pair(1);
    pair.world.power_off(pair.server);
    assert_eq!(pair.world.condition(pair.server), Condition::Off);
    assert_eq!(pair.world.resources(pair.server), Resources::default());
    let begin = pair.world.now();
    let stream = pair.world.dial(pair.client, &at(), None).unwrap();
    assert_eq!(pair.settle(), [Wake::Dialled(stream)]);
    assert_eq!(pair.world.dialled(stream), Some(Err(Errno::TimedOut)));
    assert_eq!(pair.world.now() - begin, 127 * SECOND);
    pair.world.power_on(pair.server);
    let stream = pair.world.dial(pair.client, &at(), None).unwrap();
    assert_eq!(pair.settle(), [Wake::Dialled(stream)]);
    assert_eq!(pair.world.dialled(stream), Some(Err(Errno::Refused)));
}

#[test]
fn a_writer_that_waits_for_the_window_of_a_lost_host_is_told_in_the_end() {
    let mut pair = pair(2);
    while pair.write(0, &[0; 10_000]).is_ok() {
        pair.settle();
    }
    pair.world.power_off(pair.server);
    assert_eq!(pair.settle(), [Wake::Readable(pair.ends[0]), Wake::Writable(pair.ends[0])]);
    assert_eq!(pair.write(0, b"x"), Err(Errno::TimedOut));
}

#[test]
fn the_news_that_a_window_is_open_is_not_lost() {
    for flow in [Flow::Drop, Flow::Hold] {
        let mut pair = pair(3);
        while pair.write(0, &[0; 10_000]).is_ok() {
            pair.settle();
        }
        pair.world.set_flow(pair.server, pair.client, flow);
        let mut read = 0;
        while let Ok(some) = pair.read(1) {
            read += some.len();
        }
        assert_eq!(read, 65_536);
        let until = pair.world.now() + 5 * SECOND;
        while pair.world.next_before(until).is_some() {}
        pair.world.set_flow(pair.server, pair.client, Flow::Pass);
        assert!(pair.settle().contains(&Wake::Readable(pair.ends[1])), "{flow:?}");
    }
}

#[test]
fn acknowledgements_that_are_lost_are_missed() {
    for heals in [true, false] {
        let mut pair = pair(19);
        pair.world.set_flow(pair.server, pair.client, Flow::Drop);
        let mut written = 0;
        while let Ok(some) = pair.write(0, &[0; 10_000]) {
            written += some;
        }
        let until = pair.world.now() + SECOND;
        while pair.world.next_before(until).is_some() {}
        assert_eq!(pair.read(1).unwrap().len(), written, "all of it came");
        if heals {
            pair.world.set_flow(pair.server, pair.client, Flow::Pass);
            assert_eq!(pair.settle(), [Wake::Writable(pair.ends[0])]);
        } else {
            assert_eq!(pair.settle(), [Wake::Readable(pair.ends[0]), Wake::Writable(pair.ends[0])]);
            assert_eq!(pair.read(0), Err(Errno::TimedOut));
        }
    }
}

#[test]
fn a_syn_that_comes_again_is_answered_again() {
    let (mut world, server, client) = hosts(20);
    world.trace().keep(Keep::Events);
    world.listen(server, &at(), &Listen::default()).unwrap();
    world.set_flow(server, client, Flow::Drop);
    world.dial(client, &at(), None).unwrap();
    let until = world.now() + 7 * SECOND / 2;
    while world.next_before(until).is_some() {}
    let is_answer = |what: &What| matches!(what, What::Packet { kind: PacketKind::SynAck, .. });
    let answers = world.trace().events().iter().filter(|event| is_answer(&event.what)).count();
    assert_eq!(answers, 5, "three by the timer of the answer, two to a SYN that came again");
}

#[test]
fn a_writer_is_told_when_a_third_of_its_buffer_is_free() {
    let mut pair = pair(21);
    while pair.write(0, &[0; 10_000]).is_ok() {
        pair.settle();
    }
    let mut told = Vec::new();
    for _ in 0..3 {
        assert_eq!(pair.world.read(pair.ends[1], &mut [0; 10_000]), Ok(10_000));
        told.push(pair.settle().contains(&Wake::Writable(pair.ends[0])));
    }
    assert_eq!(told, [false, false, true]);
}

#[test]
fn a_paused_process_is_told_all_of_it_later_and_once() {
    let mut pair = pair(4);
    pair.world.pause(pair.server);
    let timer = pair.world.set_timer(pair.server, pair.world.host_now(pair.server) + 1_000_000);
    pair.write(0, b"one").unwrap();
    assert_eq!(pair.settle(), []);
    pair.write(0, b"two").unwrap();
    assert_eq!(pair.settle(), []);
    pair.world.resume(pair.server);
    let told = pair.settle();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.contains(&Wake::Readable(pair.ends[1])) && told.contains(&Wake::Timer(timer)), "{told:?}");
    assert_eq!(pair.read(1).unwrap(), b"onetwo");
}

#[test]
fn a_killed_process_is_told_nothing_and_leaves_nothing() {
    let mut pair = pair(5);
    pair.world.set_timer(pair.server, u64::MAX);
    pair.world.resolve(pair.server, "client");
    pair.world.datagram(pair.server, ([0, 0, 0, 0], 7).into(), zmq_world::Reuse::No).unwrap();
    pair.write(0, b"x").unwrap();
    let before = pair.world.process(pair.server);
    pair.world.kill(pair.server);
    assert_eq!(pair.world.resources(pair.server), Resources::default());
    assert_eq!(
        pair.settle(),
        [Wake::Readable(pair.ends[0]), Wake::Readable(pair.ends[0]), Wake::Writable(pair.ends[0])]
    );
    assert_eq!(pair.world.accept(pair.listener), Err(Errno::Closed));
    assert_eq!(pair.read(1), Err(Errno::Closed));
    pair.world.restart(pair.server);
    assert_ne!(pair.world.process(pair.server), before);
    pair.world.listen(pair.server, &at(), &Listen::default()).unwrap();
}

#[test]
fn a_connection_is_reset_at_both_ends() {
    let mut pair = pair(6);
    assert_eq!(pair.world.streams_between(pair.server, pair.client), [pair.ends[0]]);
    pair.world.reset_streams(pair.server, pair.client);
    for end in [0, 1] {
        assert_eq!(pair.read(end), Err(Errno::Reset));
    }
    assert_eq!(pair.world.streams_between(pair.server, pair.client), []);
}

#[test]
fn a_stalled_connection_moves_nothing_and_others_do() {
    let mut pair = pair(7);
    let other = pair.world.dial(pair.client, &at(), None).unwrap();
    pair.settle();
    let accepted = pair.world.accept(pair.listener).unwrap();
    pair.world.stall(pair.ends[0]);
    pair.write(0, b"stuck").unwrap();
    pair.world.write(other, &[IoSlice::new(b"moves")]).unwrap();
    let until = pair.world.now() + SECOND;
    let mut told = Vec::new();
    while let Some(wake) = pair.world.next_before(until) {
        told.push(wake);
    }
    assert_eq!(told, [Wake::Readable(accepted)]);
    pair.world.unstall(pair.ends[0]);
    assert_eq!(pair.world.next(), Some(Wake::Readable(pair.ends[1])));
    assert_eq!(pair.read(1).unwrap(), b"stuck");
    assert_eq!(pair.settle(), []);
}

#[test]
fn an_address_that_moves_to_another_host_resets_what_was_with_the_old_one() {
    let mut pair = pair(8);
    let address = "10.0.0.1".parse().unwrap();
    pair.world.remove_address(pair.server, address);
    pair.write(0, b"lost").unwrap();
    let until = pair.world.now() + SECOND;
    while pair.world.next_before(until).is_some() {}
    assert_eq!(pair.read(1), Err(Errno::WouldBlock));
    pair.world.add_address(pair.server, address);
    pair.settle();
    assert_eq!(pair.read(1).unwrap(), b"lost", "the host has the address again");
    pair.world.remove_address(pair.server, address);
    let heir = pair.world.add_host("heir", &[address]);
    let listener = pair.world.listen(heir, &at(), &Listen::default()).unwrap();
    let stream = pair.world.dial(pair.client, &at(), None).unwrap();
    assert_eq!(pair.world.next(), Some(Wake::Dialled(stream)));
    assert_eq!(pair.world.next(), Some(Wake::Acceptable(listener)));
    let found = pair.write(0, b"for the heir").and_then(|_| {
        pair.settle();
        pair.read(0)
    });
    assert_eq!(found, Err(Errno::Reset), "the heir knows nothing of it");
}

#[test]
fn a_full_table_of_descriptors_keeps_connections_waiting() {
    let mut pair = pair(9);
    let full = Limits { descriptors: 2, ..Limits::default() };
    pair.world.set_limits(pair.server, full);
    let stream = pair.world.dial(pair.client, &at(), None).unwrap();
    pair.settle();
    assert_eq!(pair.world.dialled(stream), Some(Ok(())));
    assert_eq!(pair.world.accept(pair.listener), Err(Errno::TooManyFiles));
    assert_eq!(pair.world.dial(pair.server, &at(), None), Err(Errno::TooManyFiles));
    assert_eq!(pair.world.waiting(pair.listener), 1);
    pair.world.close(pair.ends[1]);
    pair.world.accept(pair.listener).unwrap();
}

#[test]
fn a_refused_accept_resets_its_connection() {
    let mut pair = pair(10);
    pair.world.refuse_accepts(pair.server, pair.world.now() + SECOND);
    let stream = pair.world.dial(pair.client, &at(), None).unwrap();
    pair.settle();
    assert_eq!(pair.world.accept(pair.listener), Err(Errno::Aborted));
    assert_eq!(pair.world.accept(pair.listener), Err(Errno::WouldBlock));
    pair.settle();
    assert_eq!(pair.world.read(stream, &mut [0; 9]), Err(Errno::Reset));
}

#[test]
fn reads_and_writes_are_cut_where_they_are_told_to_be() {
    let mut pair = pair(11);
    pair.world.cut_writes(pair.ends[0], &[3, 10]);
    pair.world.cut_reads(pair.ends[1], &[5]);
    assert_eq!(pair.write(0, b"abcdefgh"), Ok(3));
    assert_eq!(pair.settle(), [Wake::Writable(pair.ends[0]), Wake::Readable(pair.ends[1])]);
    assert_eq!(pair.write(0, b"defgh"), Ok(5));
    pair.settle();
    assert_eq!(pair.read(1).unwrap(), b"abcde");
    assert_eq!(pair.settle(), [Wake::Readable(pair.ends[1])], "there is more");
    assert_eq!(pair.read(1).unwrap(), b"fgh");
}

#[test]
fn octets_take_the_time_that_the_link_has_for_them() {
    let mut pair = pair(12);
    let bandwidth = Some(Bandwidth { octets_per_second: 10_000, burst: 0 });
    let link = pair.world.link_mut(pair.client, pair.server);
    link.bandwidth = bandwidth;
    link.latency = Latency::Fixed(Duration::ZERO);
    let begin = pair.world.now();
    assert_eq!(pair.write(0, &[0; 50_000]), Ok(50_000));
    pair.settle();
    assert_eq!(pair.read(1).unwrap().len(), 50_000);
    let took = pair.world.now() - begin;
    assert!((5 * SECOND..6 * SECOND).contains(&took), "{took:?}");
}

#[test]
fn latencies_are_within_their_bounds_and_not_all_the_same() {
    let ms = Duration::from_millis;
    let rows = [
        (Latency::Fixed(ms(3)), ms(3), ms(3), 1),
        (Latency::Uniform(ms(1), ms(10)), ms(1), ms(10), 50),
        (Latency::Bell { mean: ms(10), spread: ms(4) }, ms(2), ms(18), 50),
        (Latency::Bell { mean: ms(1), spread: ms(4) }, ms(0), ms(9), 20),
        (Latency::LongTail { least: ms(1), scale: ms(1), most: ms(100) }, ms(1), ms(100), 50),
    ];
    for (latency, least, most, different) in rows {
        let (mut world, server, client) = hosts(13);
        world.trace().keep(Keep::Events);
        world.link_mut(client, server).latency = latency;
        for _ in 0..100 {
            world.dial(client, &at(), None).unwrap();
        }
        let now = world.now();
        let packets = world.trace().events().iter().filter_map(|event| match event.what {
            What::Packet { kind: PacketKind::Syn, fate: Fate::Arrives(at), .. } => Some(at - now),
            _ => None,
        });
        let mut taken: Vec<Duration> = packets.collect();
        assert_eq!(taken.len(), 100);
        assert!(taken.iter().all(|taken| (least..=most).contains(taken)), "{latency:?}: {taken:?}");
        taken.sort_unstable();
        taken.dedup();
        assert!(taken.len() >= different, "{latency:?}: {}", taken.len());
    }
}

#[test]
fn segments_are_no_longer_than_the_mtu_and_their_octets_are_kept() {
    let mut pair = pair(14);
    pair.world.link_mut(pair.client, pair.server).mtu = 140;
    pair.world.trace().keep(Keep::Octets);
    let sent: Vec<u8> = (0..=255).cycle().take(1000).collect();
    pair.write(0, &sent).unwrap();
    pair.settle();
    let trace = pair.world.into_trace();
    let mut seen = Vec::new();
    for (index, event) in trace.events().iter().enumerate() {
        if let What::Packet { kind: PacketKind::Data { offset, len }, .. } = event.what {
            assert!(len <= 100);
            assert_eq!(offset, seen.len() as u64);
            assert_eq!(trace.octets(index).len(), len as usize);
            seen.extend_from_slice(trace.octets(index));
        }
    }
    assert_eq!(seen, sent);
}

#[test]
fn a_full_backlog_loses_what_comes_until_there_is_room() {
    let (mut world, server, client) = hosts(15);
    world.trace().keep(Keep::Events);
    let listener = world.listen(server, &at(), &Listen { backlog: 0, ..Listen::default() }).unwrap();
    for _ in 0..2 {
        world.dial(client, &at(), None).unwrap();
        let until = world.now() + SECOND / 2;
        while world.next_before(until).is_some() {}
    }
    assert_eq!(world.waiting(listener), 1);
    let lost = |what: &What| matches!(what, What::Lost { why: Why::BacklogFull, .. });
    assert!(world.trace().events().iter().any(|event| lost(&event.what)));
    world.accept(listener).unwrap();
    while world.next().is_some() {}
    assert_eq!(world.waiting(listener), 1);
}

#[test]
fn torn_calls_move_every_length() {
    let mut pair = pair(16);
    let limits = Limits { torn_reads: Torn::UpTo(8), torn_writes: Torn::UpTo(8), ..Limits::default() };
    pair.world.set_limits(pair.client, limits);
    pair.world.set_limits(pair.server, limits);
    let mut lengths = [Vec::new(), Vec::new()];
    for _ in 0..200 {
        lengths[0].push(pair.write(0, &[0; 100]).unwrap());
        pair.settle();
        while let Ok(some) = pair.read(1) {
            lengths[1].push(some.len());
        }
    }
    for mut lengths in lengths {
        lengths.sort_unstable();
        lengths.dedup();
        assert_eq!(lengths, [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}

#[test]
fn timers_that_are_set_and_cancelled_again_and_again_take_no_room() {
    let (mut world, server, _) = hosts(17);
    world.alarm(Time::START + 1000 * SECOND, 1);
    for _ in 0..1_000_000 {
        let timer = world.set_timer(server, 1_000_000_000);
        world.cancel_timer(timer);
        world.cancel_timer(timer);
    }
    assert_eq!(world.resources(server).timers, 0);
    let text = format!("{world:?}");
    assert!(text.len() < 100_000, "{}", text.len());
    assert_eq!(world.next(), Some(Wake::Alarm(1)));
}

#[test]
fn wakes_that_nobody_was_told_yet_wait_with_a_paused_process() {
    let mut pair = pair(18);
    let limits = Limits { torn_writes: Torn::UpTo(1), ..Limits::default() };
    pair.world.set_limits(pair.client, limits);
    pair.write(0, b"abc").unwrap();
    assert_eq!(pair.world.due(), Some(pair.world.now()), "there is room for more at once");
    pair.world.pause(pair.client);
    assert_eq!(pair.settle(), [Wake::Readable(pair.ends[1])]);
    pair.world.resume(pair.client);
    assert_eq!(pair.settle(), [Wake::Writable(pair.ends[0])]);
    pair.write(0, b"abc").unwrap();
    pair.world.kill(pair.client);
    assert!(!pair.settle().contains(&Wake::Writable(pair.ends[0])));
}
