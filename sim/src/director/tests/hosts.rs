//! Faults of hosts and names.

use zmq_world::{Condition, Errno, Torn, Wake};

use super::stage::{Theatre, two_hosts};

#[test]
fn buffers_are_tiny_and_calls_torn_as_long_as_a_fault_lasts() {
    let mut t = two_hosts(
        "[[fault]]\nat = \"10ms\"\nfor = \"100ms\"\nwhat = { tiny-buffers = { host = \"one\", octets = 100 } }
         [[fault]]\nat = \"20ms\"\nfor = \"10ms\"\nwhat = { tiny-buffers = { host = \"one\", octets = 7 } }
         [[fault]]\nat = \"50ms\"\nfor = \"100ms\"\nwhat = { torn = { host = \"one\", at-most = 3 } }",
    );
    let listener = t.listen(1);
    let mut taken = Vec::new();
    for at in [1, 15, 25, 35, 60, 200] {
        t.run_to(at);
        let near = t.dial(0, 1).unwrap();
        t.run_to(at + 4);
        t.world().accept(listener).unwrap();
        taken.push(t.say(near, &[b'x'; 200]).unwrap());
    }
    assert_eq!(taken[..4], [200, 100, 7, 100]);
    assert!(taken[4] <= 3, "{taken:?}");
    assert_eq!(taken[5], 200);
    let limits = t.house.world.limits(t.house.hosts[0]);
    assert_eq!((limits.torn_reads, limits.torn_writes), (Torn::Never, Torn::Never));
}

#[test]
fn a_killed_process_is_missed_at_once_and_comes_back() {
    let mut t =
        two_hosts("[[fault]]\nat = \"20ms\"\nfor = \"1s\"\nwhat = { down = { host = \"two\", how = \"kill\" } }");
    let listener = t.listen(1);
    let (near, far) = t.connect(listener);
    t.run_to(30);
    assert_eq!(t.hear(near).unwrap(), "");
    assert_eq!(t.hear(far), Err(Errno::Closed));
    assert_eq!(refusal(&mut t, 40), Some(Err(Errno::Refused)));
    assert_eq!(t.house.log, ["down 1 Kill"]);
    t.run_to(1030);
    assert_eq!(t.house.log, ["down 1 Kill", "up 1"]);
    let listener = t.listen(1);
    t.connect(listener);
    assert_eq!(t.course(), ["t+20ms fault 0", "t+20ms down 1", "t+1.02s healed 0"]);
}

/// What becomes of dialling, 10 ms later.
fn refusal(t: &mut Theatre, at: u64) -> Option<Result<(), Errno>> {
    t.run_to(at);
    let near = t.dial(0, 1).unwrap();
    t.run_to(at + 10);
    t.world().dialled(near)
}

#[test]
fn a_loss_of_power_tells_nobody() {
    let mut t =
        two_hosts("[[fault]]\nat = \"20ms\"\nfor = \"1s\"\nwhat = { down = { host = \"two\", how = \"power-loss\" } }");
    let listener = t.listen(1);
    let (near, _) = t.connect(listener);
    t.run_to(30);
    assert_eq!(t.hear(near), Err(Errno::WouldBlock));
    assert_eq!(refusal(&mut t, 40), None);
    t.run_to(1100);
    // Its system knows nothing of the stream any more.
    t.say(near, b"hello?").unwrap();
    t.run_to(1200);
    assert_eq!(t.hear(near), Err(Errno::Reset));
    assert_eq!(t.house.log, ["down 1 PowerLoss", "up 1"]);
}

#[test]
fn a_host_that_goes_down_twice_comes_back_once() {
    let mut t = two_hosts(
        "[[fault]]\nat = \"10ms\"\nfor = \"100ms\"\nwhat = { down = { host = \"two\", how = \"kill\" } }
         [[fault]]\nat = \"50ms\"\nfor = \"100ms\"\nwhat = { down = { host = \"two\", how = \"power-loss\" } }
         [[fault]]\nat = \"60ms\"\nfor = \"10ms\"\nwhat = { down = { host = \"two\", how = \"kill\" } }",
    );
    let mut conditions = Vec::new();
    for at in [5, 20, 55, 80, 120, 160] {
        t.run_to(at);
        conditions.push(t.house.world.condition(t.house.hosts[1]));
    }
    use Condition::{Dead, Off, Running};
    assert_eq!(conditions, [Running, Dead, Off, Off, Off, Running]);
    assert_eq!(t.house.log, ["down 1 Kill", "up 1"]);
}

#[test]
fn a_host_that_does_not_restart_stays_down_when_all_is_healed() {
    let mut t = two_hosts(
        "[[fault]]\nat = \"1s\"\nfor = \"1s\"\nwhat = { down = { host = \"two\", how = \"kill\", restart = false } }
         [[fault]]\nat = \"1s\"\nwhat = { down = { host = \"one\", how = \"kill\" } }",
    );
    t.run_to(29_999);
    assert_eq!(t.house.log, ["down 1 Kill", "down 0 Kill"]);
    t.run_to(30_001);
    assert_eq!(t.house.log, ["down 1 Kill", "down 0 Kill", "up 0"]);
    assert_eq!(t.house.world.condition(t.house.hosts[1]), Condition::Dead);
    assert_eq!(t.course().last().unwrap(), "t+30s all healed");
}

#[test]
fn a_host_comes_back_with_another_address_and_its_name_leads_there() {
    let mut t = two_hosts(
        "[[fault]]\nat = \"20ms\"\nfor = \"1s\"\nwhat = { down = { host = \"two\", how = \"kill\", other-address = true } }
         [[fault]]\nat = \"10ms\"\nfor = \"2s\"\nwhat = { name = { name = \"one\", change = { leads-to = \"two\" } } }",
    );
    let before = t.at(1, 5555);
    assert_eq!(look_up(&mut t, 5, "two"), Ok(format!("{:?}", [t.house.world.addresses(t.house.hosts[1])[0]])));
    t.run_to(1500);
    let after = t.at(1, 5555);
    assert_ne!(before, after);
    let new = format!("{:?}", [t.house.world.addresses(t.house.hosts[1])[0]]);
    assert_eq!(look_up(&mut t, 1500, "two"), Ok(new.clone()));
    assert_eq!(look_up(&mut t, 1600, "one"), Ok(new));
}

/// What a name leads to, 20 ms later.
fn look_up(t: &mut Theatre, at: u64, name: &str) -> Result<String, Errno> {
    t.run_to(at);
    let host = t.house.hosts[0];
    let lookup = t.world().resolve(host, name);
    t.run_to(at + 20);
    match t.world().resolved(lookup) {
        Some(answer) => answer.map(|addresses| format!("{addresses:?}")),
        None => {
            t.world().cancel_lookup(lookup);
            Ok("none yet".into())
        }
    }
}

#[test]
fn names_fail_are_slow_and_lead_elsewhere_and_then_as_before() {
    let mut t = two_hosts(
        "[[name]]\nname = \"service\"\nhosts = [\"two\"]
         [[fault]]\nat = \"100ms\"\nfor = \"400ms\"\nwhat = { name = { name = \"service\", change = { leads-to = \"one\" } } }
         [[fault]]\nat = \"200ms\"\nfor = \"100ms\"\nwhat = { name = { name = \"service\", change = \"fails\" } }
         [[fault]]\nat = \"400ms\"\nfor = \"50ms\"\nwhat = { name = { name = \"service\", change = { slow = \"1s\" } } }",
    );
    let [one, two] = [0, 1].map(|host| format!("{:?}", [t.house.world.addresses(t.house.hosts[host])[0]]));
    assert_eq!(look_up(&mut t, 10, "service"), Ok(two.clone()));
    assert_eq!(look_up(&mut t, 110, "service"), Ok(one.clone()));
    assert_eq!(look_up(&mut t, 210, "service"), Err(Errno::NotFound));
    assert_eq!(look_up(&mut t, 310, "service"), Ok(one));
    assert_eq!(look_up(&mut t, 410, "service"), Ok("none yet".into()));
    assert_eq!(look_up(&mut t, 510, "service"), Ok(two));
}

#[test]
fn a_paused_process_is_told_later() {
    let mut t = two_hosts(
        "[[fault]]\nat = \"20ms\"\nfor = \"1s\"\nwhat = { pause = { host = \"two\" } }
         [[fault]]\nat = \"30ms\"\nfor = \"2s\"\nwhat = { pause = { host = \"two\" } }",
    );
    let listener = t.listen(1);
    let (near, far) = t.connect(listener);
    t.run_to(25);
    t.say(near, b"hello").unwrap();
    t.house.wakes.clear();
    t.run_to(2000);
    assert!(!t.house.wakes.contains(&Wake::Readable(far)), "{:?}", t.house.wakes);
    t.run_to(2040);
    assert!(t.house.wakes.contains(&Wake::Readable(far)), "{:?}", t.house.wakes);
    assert_eq!(t.house.log, ["pause 1", "resume 1"]);
}

#[test]
fn a_process_that_was_started_since_is_not_paused() {
    let mut t = two_hosts(
        "[[fault]]\nat = \"10ms\"\nfor = \"1s\"\nwhat = { pause = { host = \"two\" } }
         [[fault]]\nat = \"20ms\"\nfor = \"100ms\"\nwhat = { down = { host = \"two\", how = \"kill\" } }
         [[fault]]\nat = \"50ms\"\nfor = \"10ms\"\nwhat = { pause = { host = \"two\" } }",
    );
    t.run_to(200);
    assert_eq!(t.house.world.condition(t.house.hosts[1]), Condition::Running);
    t.run_to(2000);
    assert_eq!(t.house.log, ["pause 1", "down 1 Kill", "up 1"]);
}

#[test]
fn without_descriptors_nothing_is_dialled_or_accepted() {
    let mut t = two_hosts("[[fault]]\nat = \"20ms\"\nfor = \"1s\"\nwhat = { no-descriptors = { host = \"two\" } }");
    let listener = t.listen(1);
    t.connect(listener);
    t.run_to(25);
    t.dial(0, 1).unwrap();
    t.run_to(40);
    assert_eq!(t.world().accept(listener), Err(Errno::TooManyFiles));
    assert_eq!(t.dial(1, 0), Err(Errno::TooManyFiles));
    t.run_to(1030);
    t.world().accept(listener).unwrap();
}

#[test]
fn connections_are_refused() {
    let mut t = two_hosts("[[fault]]\nat = \"20ms\"\nfor = \"1s\"\nwhat = { refuse-accept = { host = \"two\" } }");
    let listener = t.listen(1);
    t.connect(listener);
    t.run_to(25);
    let near = t.dial(0, 1).unwrap();
    t.run_to(35);
    assert_eq!(t.world().accept(listener), Err(Errno::Aborted));
    t.run_to(45);
    assert_eq!(t.hear(near), Err(Errno::Reset));
    t.run_to(1030);
    t.connect(listener);
}

#[test]
fn clocks_jump_and_differ() {
    let mut t = two_hosts("[[fault]]\nat = \"1s\"\nwhat = { clock-jump = { host = \"two\", by = \"1h\" } }");
    let clocks = |t: &mut Theatre| [0, 1].map(|host| t.house.world.host_now(t.house.hosts[host]) / 1_000_000);
    t.run_to(999);
    assert_eq!(clocks(&mut t), [999, 999]);
    t.run_to(1001);
    assert_eq!(clocks(&mut t), [1001, 3_601_001]);
}
