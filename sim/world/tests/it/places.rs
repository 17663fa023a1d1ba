//! Names, clocks and entropy of hosts.

use std::net::IpAddr;
use std::time::Duration;

use zmq_world::{Errno, Listen, Time, Wake, World};

use crate::pair::{at, hosts};

fn ask(world: &mut World, name: &str) -> Result<Vec<IpAddr>, Errno> {
    let host = world.host_named("client").unwrap();
    let lookup = world.resolve(host, name);
    if let Some(answer) = world.resolved(lookup) {
        assert!(name == "localhost" || name.parse::<IpAddr>().is_ok(), "{name} takes time");
        return answer;
    }
    assert_eq!(world.next(), Some(Wake::Resolved(lookup)));
    let answer = world.resolved(lookup).unwrap();
    assert_eq!(world.resolved(lookup), None, "once");
    answer
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_name_stands_for_what_was_said_last() {
    let (mut world, _, _) = hosts(1);
    assert_eq!(ask(&mut world, "server"), Ok(vec![ip("10.0.0.1")]));
    assert_eq!(ask(&mut world, "service"), Err(Errno::NotFound));
    world.set_name("service", &[ip("10.0.0.9"), ip("10.0.0.1")]);
    assert_eq!(ask(&mut world, "service"), Ok(vec![ip("10.0.0.9"), ip("10.0.0.1")]));
    world.set_name("server", &[ip("10.0.0.8")]);
    assert_eq!(ask(&mut world, "server"), Ok(vec![ip("10.0.0.8")]));
    world.remove_name("server");
    assert_eq!(ask(&mut world, "server"), Err(Errno::NotFound));
    world.forget_name("server");
    assert_eq!(ask(&mut world, "server"), Ok(vec![ip("10.0.0.1")]));
    assert_eq!(ask(&mut world, "10.9.8.7"), Ok(vec![ip("10.9.8.7")]));
    assert_eq!(ask(&mut world, "::1"), Ok(vec![ip("::1")]));
    assert_eq!(ask(&mut world, "localhost"), Ok(vec![ip("127.0.0.1")]));
}

#[test]
fn an_answer_is_late_or_fails_as_was_said() {
    let (mut world, _, client) = hosts(2);
    world.delay_name("server", Duration::from_secs(3));
    ask(&mut world, "server").unwrap();
    assert_eq!(world.now(), Time::START + Duration::from_secs(3));
    world.fail_name("server", Some(Errno::NameServer));
    assert_eq!(ask(&mut world, "server"), Err(Errno::NameServer));
    world.fail_name("server", None);
    ask(&mut world, "server").unwrap();
    let lookup = world.resolve(client, "server");
    assert_eq!(world.resources(client).lookups, 1);
    world.cancel_lookup(lookup);
    assert_eq!(world.resources(client).lookups, 0);
    assert_eq!(world.next(), None);
}

#[test]
fn clocks_drift_and_jump_each_for_itself() {
    let (mut world, server, client) = hosts(3);
    world.set_drift(server, 100);
    world.jump_clock(client, Duration::from_secs(60));
    world.alarm(Time::START + Duration::from_secs(1000), 0);
    world.next();
    assert_eq!(world.host_now(server), 1_000_100_000_000);
    assert_eq!(world.host_now(client), 1_060_000_000_000);
    world.set_drift(server, -100);
    world.alarm(Time::START + Duration::from_secs(2000), 0);
    world.next();
    assert_eq!(world.host_now(server), 2_000_000_000_000);
}

/// A timer that a jump made overdue rings now, not in the past.
#[test]
fn time_never_goes_back_when_a_clock_jumps() {
    let (mut world, server, _) = hosts(3);
    world.alarm(Time::START + Duration::from_secs(2), 0);
    world.next();
    let now = world.now();
    world.jump_clock(server, Duration::from_secs(60));
    let timer = world.set_timer(server, 30_000_000_000);
    assert_eq!(world.next(), Some(Wake::Timer(timer)));
    assert_eq!(world.now(), now);
}

#[test]
fn a_timer_never_rings_before_its_host_says_so() {
    for drift in [-999_999, -333_333, -7, 0, 7, 333_333, 1_000_000] {
        let (mut world, server, _) = hosts(4);
        world.set_drift(server, drift);
        for at in [1, 999, 1_000_003, 12_345_678_901] {
            let timer = world.set_timer(server, at);
            assert_eq!(world.next(), Some(Wake::Timer(timer)));
            assert!(world.host_now(server) >= at, "{drift} {at}");
            assert!(world.host_now(server) < at + 2, "{drift} {at}: {}", world.host_now(server));
        }
    }
}

#[test]
fn entropy_is_the_hosts_own_and_goes_on() {
    let draw = |seed, name| {
        let (mut world, ..) = hosts(seed);
        let host = world.host_named(name).unwrap();
        let mut octets = [[0; 16]; 2];
        for octets in &mut octets {
            world.random(host, octets);
        }
        octets
    };
    assert_eq!(draw(5, "server"), draw(5, "server"));
    let all = [draw(5, "server"), draw(5, "client"), draw(6, "server")].concat();
    assert!((1..all.len()).all(|n| !all[..n].contains(&all[n])));
}

#[test]
fn time_stops_at_the_limit_and_due_tells_what_is_next() {
    let (mut world, server, client) = hosts(6);
    assert_eq!(world.due(), None);
    let limit = Time::from_nanos(500);
    assert_eq!(world.next_before(limit), None);
    assert_eq!(world.now(), limit);
    world.alarm(Time::from_nanos(700), 7);
    assert_eq!(world.due(), Some(Time::from_nanos(700)));
    assert_eq!(world.next_before(Time::from_nanos(600)), None);
    assert_eq!(world.next_before(Time::from_nanos(700)), Some(Wake::Alarm(7)));
    world.listen(server, &at(), &Listen::default()).unwrap();
    world.dial(client, &at(), None).unwrap();
    while world.next().is_some() {}
    assert!(world.now() < Time::START + Duration::from_millis(100), "repetitions that nobody needs take no time");
    assert_eq!(Time::from_nanos(1_500_000_000).to_string(), "t+1.5s");
    assert_eq!(Time::START.to_string(), "t+0s");
}
