//! Faults of what lies between hosts.

use zmq_world::{Errno, Flow};

use super::stage::{MS, hosts, two_hosts};

#[test]
fn a_partition_loses_what_is_sent_and_tcp_sends_it_again() {
    let mut t =
        two_hosts("[[fault]]\nat = \"20ms\"\nfor = \"1s\"\nwhat = { partition = { between = [\"one\", \"two\"] } }");
    let listener = t.listen(1);
    let (near, far) = t.connect(listener);
    t.say(near, b"before").unwrap();
    t.run_to(15);
    assert_eq!(t.hear(far).unwrap(), "before");
    t.run_to(21);
    t.say(near, b"during").unwrap();
    t.run_to(1019);
    assert_eq!(t.hear(far), Err(Errno::WouldBlock));
    t.run_to(3000);
    assert_eq!(t.hear(far).unwrap(), "during");
    t.say(far, b"after").unwrap();
    t.run_to(3010);
    assert_eq!(t.hear(near).unwrap(), "after");
    assert_eq!(t.course(), ["t+20ms fault 0", "t+1.02s healed 0"]);
}

#[test]
fn one_way_is_cut_and_the_other_is_not() {
    for (direction, lost) in [("forth", [true, false]), ("back", [false, true]), ("both", [true, true])] {
        let mut t = two_hosts(&format!(
            "[[fault]]\nat = \"20ms\"\nwhat = {{ partition = {{ between = [\"one\", \"two\"], flow = \"hold\", direction = \"{direction}\" }} }}"
        ));
        let listener = t.listen(1);
        let (near, far) = t.connect(listener);
        t.run_to(20);
        t.say(near, b"forth").unwrap();
        t.say(far, b"back").unwrap();
        t.run_to(1000);
        let is_lost = [t.hear(far), t.hear(near)].map(|heard| heard == Err(Errno::WouldBlock));
        assert_eq!(is_lost, lost, "{direction}");
        // What was held comes at once when it is healed.
        t.run_to(30_002);
        let late: Vec<String> = [t.hear(far), t.hear(near)].into_iter().flatten().collect();
        assert_eq!(late.len(), lost.iter().filter(|lost| **lost).count(), "{direction}");
        assert!(t.is_healed());
    }
}

#[test]
fn of_partitions_that_overlap_the_last_heals() {
    let mut t = two_hosts(
        "[[fault]]\nat = \"10ms\"\nfor = \"100ms\"\nwhat = { partition = { between = [\"one\", \"two\"], flow = \"hold\" } }
         [[fault]]\nat = \"50ms\"\nfor = \"20ms\"\nwhat = { partition = { between = [\"two\", \"one\"] } }
         [[fault]]\nat = \"60ms\"\nfor = \"100ms\"\nwhat = { partition = { between = [\"one\", \"two\"], flow = \"hold\" } }",
    );
    let flow_at = |t: &mut super::stage::Theatre, millis| {
        t.run_to(millis);
        let (one, two) = (t.house.hosts[0], t.house.hosts[1]);
        assert_eq!(t.world().flow(one, two), t.world().flow(two, one));
        t.world().flow(one, two)
    };
    let flows = [5, 20, 55, 75, 120, 165].map(|millis| flow_at(&mut t, millis));
    assert_eq!(flows, [Flow::Pass, Flow::Hold, Flow::Drop, Flow::Hold, Flow::Hold, Flow::Pass]);
}

#[test]
fn a_swizzle_cuts_hosts_off_one_by_one_and_lets_them_back() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let fault =
        "[[fault]]\nat = \"1s\"\nfor = \"12s\"\nwhat = { swizzle = { hosts = [\"a\", \"b\", \"c\", \"d\", \"e\"] } }";
    let mut t = hosts(&names, fault);
    let mut cut = Vec::new();
    for second in 0..16 {
        t.run_to(second * 1000 + 500);
        let ids = t.house.hosts.clone();
        let is_cut = |host: usize| {
            ids.iter()
                .enumerate()
                .filter(|(other, _)| *other != host)
                .all(|(_, other)| t.house.world.flow(ids[host], *other) == Flow::Drop)
        };
        cut.push((0..ids.len()).filter(|host| is_cut(*host)).count());
    }
    assert_eq!((cut[0], cut[13]), (0, 0), "{cut:?}");
    let most = *cut.iter().max().unwrap();
    assert!(most >= 1 && cut[7] == most, "{cut:?}");
    let (rising, falling) = (&cut[..8], &cut[7..]);
    assert!(rising.is_sorted() && falling.iter().rev().is_sorted(), "{cut:?}");
    let ids = t.house.hosts.clone();
    assert!(ids.iter().all(|one| ids.iter().all(|other| t.house.world.flow(*one, *other) == Flow::Pass)));
}

#[test]
fn a_reset_reaches_both_ends_and_new_streams_can_be_made() {
    let mut t = two_hosts("[[fault]]\nat = \"20ms\"\nwhat = { reset = { between = [\"two\", \"one\"] } }");
    let listener = t.listen(1);
    let (near, far) = t.connect(listener);
    t.run_to(25);
    assert_eq!(t.hear(near), Err(Errno::Reset));
    assert_eq!(t.hear(far), Err(Errno::Reset));
    let (near, far) = t.connect(listener);
    t.say(near, b"again").unwrap();
    t.run_to(50);
    assert_eq!(t.hear(far).unwrap(), "again");
    assert_eq!(t.course(), ["t+20ms fault 0", "t+20ms healed 0"]);
}

#[test]
fn half_open_streams_tell_nobody_until_the_end() {
    let mut t =
        two_hosts("[[fault]]\nat = \"20ms\"\nfor = \"10s\"\nwhat = { half-open = { between = [\"one\", \"two\"] } }");
    let listener = t.listen(1);
    let (near, far) = t.connect(listener);
    t.run_to(25);
    t.say(near, b"into the void").unwrap();
    t.world().close(far);
    t.run_to(9000);
    assert_eq!(t.hear(near), Err(Errno::WouldBlock));
    let (new, other) = t.connect(listener);
    t.say(new, b"new").unwrap();
    t.run_to(9500);
    assert_eq!(t.hear(other).unwrap(), "new");
    t.run_to(10_100);
    assert_eq!(t.hear(near), Err(Errno::Reset));
    assert_eq!(t.hear(other), Err(Errno::WouldBlock));
}

#[test]
fn a_stalled_stream_goes_on_where_it_was() {
    let mut t = two_hosts(
        "[[fault]]\nat = \"20ms\"\nfor = \"10s\"\nwhat = { stall = { between = [\"one\", \"two\"] } }
         [[fault]]\nat = \"30ms\"\nfor = \"3s\"\nwhat = { stall = { between = [\"one\", \"two\"] } }",
    );
    let listener = t.listen(1);
    let (near, far) = t.connect(listener);
    t.run_to(25);
    t.say(near, b"late").unwrap();
    let (_, other) = t.connect(listener);
    assert_eq!(t.hear(other), Err(Errno::WouldBlock));
    t.run_to(10_019);
    assert_eq!(t.hear(far), Err(Errno::WouldBlock));
    t.run_to(10_030);
    assert_eq!(t.hear(far).unwrap(), "late");
}

#[test]
fn slow_links_add_up() {
    let mut t = two_hosts(
        "[[fault]]\nat = \"20ms\"\nfor = \"2s\"\nwhat = { slow-link = { between = [\"one\", \"two\"], latency = \"100ms\" } }
         [[fault]]\nat = \"1s\"\nfor = \"2s\"\nwhat = { slow-link = { between = [\"one\", \"two\"], latency = \"200ms\", bandwidth = 1000 } }",
    );
    let listener = t.listen(1);
    let (near, far) = t.connect(listener);
    for (at, takes) in [(25, 101), (1100, 301), (2100, 201), (4000, 1)] {
        t.run_to(at);
        t.say(near, b"x").unwrap();
        t.run_to(at + takes - 1);
        assert_eq!(t.hear(far), Err(Errno::WouldBlock), "at {at} ms");
        t.run_to(at + takes + 1);
        assert_eq!(t.hear(far).unwrap(), "x", "at {at} ms");
    }
    let (one, two) = (t.house.hosts[0], t.house.hosts[1]);
    assert_eq!(t.world().link_mut(one, two).bandwidth, None);
    assert_eq!(t.world().link_mut(two, one).latency, zmq_world::Latency::Fixed(MS));
}
