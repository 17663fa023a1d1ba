//! Datagrams between hosts, and what links do to them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use zmq_world::{Bandwidth, DatagramId, Errno, Flow, HostId, Loop, Reuse, Time, Wake, World};

use crate::pair::hosts;

fn wildcard(port: u16) -> SocketAddr {
    ([0, 0, 0, 0], port).into()
}

fn server() -> SocketAddr {
    "10.0.0.1:7".parse().unwrap()
}

fn group() -> SocketAddr {
    "239.1.2.3:7".parse().unwrap()
}

/// Two hosts with a socket each, the server's at port 7.
fn sockets(seed: u64) -> (World, [HostId; 2], [DatagramId; 2]) {
    let (mut world, one, two) = hosts(seed);
    let at = world.datagram(one, wildcard(7), Reuse::No).unwrap();
    let from = world.datagram(two, wildcard(0), Reuse::No).unwrap();
    (world, [one, two], [at, from])
}

fn received(world: &mut World, socket: DatagramId) -> Vec<Vec<u8>> {
    while world.next().is_some() {}
    let mut into = [0; 2000];
    std::iter::from_fn(|| world.receive_datagram(socket, &mut into).ok().map(|(len, _)| into[..len].to_vec())).collect()
}

fn send_1000(world: &mut World, from: DatagramId) {
    for number in 0..1000_u32 {
        world.send_datagram(from, Some(server()), &number.to_le_bytes()).unwrap();
    }
}

#[test]
fn a_rate_of_loss_loses_about_so_many() {
    let (mut world, [one, two], [at, from]) = sockets(1);
    world.link_mut(two, one).loss = 100_000;
    send_1000(&mut world, from);
    let came = received(&mut world, at).len();
    assert!((850..950).contains(&came), "{came}");
}

#[test]
fn a_rate_of_duplicates_doubles_about_so_many() {
    let (mut world, [one, two], [at, from]) = sockets(2);
    world.link_mut(two, one).duplicate = 200_000;
    send_1000(&mut world, from);
    let came = received(&mut world, at);
    let different: BTreeSet<&Vec<u8>> = came.iter().collect();
    assert_eq!(different.len(), 1000);
    assert!((1150..1250).contains(&came.len()), "{}", came.len());
}

#[test]
fn a_rate_of_reordering_lets_later_ones_overtake() {
    let inversions = |rate| {
        let (mut world, [one, two], [at, from]) = sockets(3);
        world.link_mut(two, one).latency = zmq_world::Latency::Fixed(Duration::from_millis(10));
        world.link_mut(two, one).reorder = rate;
        for number in 0..1000_u32 {
            world.send_datagram(from, Some(server()), &number.to_be_bytes()).unwrap();
            let until = world.now() + Duration::from_millis(1);
            while world.next_before(until).is_some() {}
        }
        let came = received(&mut world, at);
        assert_eq!(came.len(), 1000);
        came.windows(2).filter(|pair| pair[0] > pair[1]).count()
    };
    assert_eq!(inversions(0), 0);
    assert!((50..300).contains(&inversions(200_000)), "{}", inversions(200_000));
}

#[test]
fn a_rate_of_corruption_turns_one_bit_over() {
    let (mut world, [one, two], [at, from]) = sockets(4);
    world.link_mut(two, one).corrupt = 100_000;
    for _ in 0..1000 {
        world.send_datagram(from, Some(server()), &[0; 100]).unwrap();
    }
    let bits =
        received(&mut world, at).into_iter().map(|bytes| bytes.iter().map(|byte| byte.count_ones()).sum::<u32>());
    let bits: Vec<u32> = bits.collect();
    assert!(bits.iter().all(|bits| *bits <= 1));
    let wrong = bits.iter().sum::<u32>();
    assert!((50..150).contains(&wrong), "{wrong}");
}

#[test]
fn a_long_datagram_is_lost_with_any_of_its_fragments() {
    let (mut world, [one, two], [at, from]) = sockets(5);
    world.link_mut(two, one).loss = 100_000;
    for _ in 0..200 {
        world.send_datagram(from, Some(server()), &[0; 15_000]).unwrap();
    }
    while world.next().is_some() {}
    let mut into = [0; 20_000];
    let came = std::iter::from_fn(|| world.receive_datagram(at, &mut into).ok()).count();
    // Eleven fragments: 0.9^11 is 31 %.
    assert!(came < 100, "{came}");
}

#[test]
fn what_does_not_fit_into_the_queue_of_a_slow_link_is_lost() {
    let (mut world, [one, two], [at, from]) = sockets(6);
    let link = world.link_mut(two, one);
    link.bandwidth = Some(Bandwidth { octets_per_second: 1000, burst: 0 });
    link.queue_octets = 1280;
    for _ in 0..100 {
        world.send_datagram(from, Some(server()), &[0; 100]).unwrap();
    }
    let came = received(&mut world, at).len();
    assert!((8..13).contains(&came), "{came}");
    assert!(world.now() > Time::START + Duration::from_secs(1));
}

#[test]
fn a_link_that_drops_loses_and_one_that_holds_keeps() {
    for (flow, expected) in [(Flow::Drop, 0), (Flow::Hold, 1000)] {
        let (mut world, [one, two], [at, from]) = sockets(7);
        world.set_flow(two, one, flow);
        send_1000(&mut world, from);
        assert_eq!(received(&mut world, at).len(), 0);
        world.set_flow(two, one, Flow::Pass);
        assert_eq!(received(&mut world, at).len(), expected, "{flow:?}");
    }
    let (mut world, [one, two], [at, from]) = sockets(7);
    world.set_flow(two, one, Flow::Hold);
    send_1000(&mut world, from);
    world.set_flow(two, one, Flow::Drop);
    world.set_flow(two, one, Flow::Pass);
    assert_eq!(received(&mut world, at).len(), 0);
}

#[test]
fn a_group_reaches_every_host_that_joined_and_each_over_its_own_link() {
    let (mut world, [one, two], [at, from]) = sockets(8);
    let third = world.add_host("third", &["10.0.0.3".parse().unwrap()]);
    let other = world.datagram(third, wildcard(7), Reuse::No).unwrap();
    let own = world.datagram(two, wildcard(7), Reuse::No).unwrap();
    for socket in [at, other, own] {
        world.join(socket, group().ip()).unwrap();
    }
    world.send_datagram(from, Some(group()), b"all").unwrap();
    assert_eq!([at, other, own].map(|socket| received(&mut world, socket).len()), [1, 1, 1]);
    world.set_flow(two, third, Flow::Drop);
    world.set_loop(from, Loop::Not).unwrap();
    world.send_datagram(from, Some(group()), b"some").unwrap();
    assert_eq!([at, other, own].map(|socket| received(&mut world, socket).len()), [1, 0, 0]);
    world.leave(at, group().ip()).unwrap();
    world.kill(third);
    world.set_flow(two, third, Flow::Pass);
    world.send_datagram(from, Some(group()), b"none").unwrap();
    assert_eq!([at, own].map(|socket| received(&mut world, socket).len()), [0, 0]);
    assert_eq!(world.resources(one).datagrams, 1);
}

#[test]
fn nobody_there_is_told_to_a_connected_socket_only_if_the_host_is() {
    let (mut world, one, two) = hosts(9);
    let from = world.datagram(two, wildcard(0), Reuse::No).unwrap();
    world.connect_datagram(from, server()).unwrap();
    world.send_datagram(from, None, b"x").unwrap();
    assert_eq!(world.next(), Some(Wake::Arrived(from)));
    assert_eq!(world.send_datagram(from, None, b"x"), Err(Errno::Refused));
    world.power_off(one);
    world.send_datagram(from, None, b"x").unwrap();
    assert_eq!(world.next(), None);
    assert_eq!(world.send_datagram(from, None, b"x"), Ok(1));
}
