//! The same seed is the same run: in another process, in another order, and if not, it shows.

use std::process::Command;
use std::time::Duration;

use rustix::rand::{GetRandomFlags, getrandom};
use zmq_reference::{Context, SocketType};
use zmq_sim::determinism::{Difference, first_difference};
use zmq_sim::engine::{Engine, Recording};
use zmq_sim_library::app::{Apps, Host};

use super::faults::workers;
use super::plans::plan;

const MARK: &str = "hash of the run: ";

fn hash() -> u64 {
    let mut plan = workers(
        r#"
        [[fault]]
        at = "2s"
        for = "1s"
        what = { down = { host = "shop", how = "power-loss" } }
        "#,
    );
    plan.trouble = true;
    zmq_sim_madsim::engine().run(&plan, Recording::History).hash
}

/// Run by the next test in processes of their own.
#[test]
#[ignore = "the child of another test"]
fn tells_the_hash() {
    println!("{MARK}{}", hash());
}

#[test]
fn processes_agree() {
    let here = hash();
    for _ in 0..3 {
        let this = std::env::current_exe().expect("it can be done");
        let arguments = ["--exact", "determinism::tells_the_hash", "--include-ignored", "--nocapture"];
        let child = Command::new(this).args(arguments).output().expect("it can be done");
        let told = String::from_utf8_lossy(&child.stdout);
        let there = told.lines().find_map(|line| line.split_once(MARK)).map(|(_, hash)| hash.to_owned());
        assert_eq!(there, Some(here.to_string()), "{told}");
    }
}

/// A program that asks the system for a random number behind everybody's back.
async fn rolls_dice(context: Context, host: Host) {
    let socket = context.socket(SocketType::Push).expect("it can be done");
    socket.connect("tcp://other:1").expect("it can be done");
    host.sleep(Duration::from_secs(1)).await;
    let mut octets = [0; 4];
    getrandom(&mut octets, GetRandomFlags::empty()).expect("it can be done");
    host.sleep(Duration::from_nanos(u32::from_le_bytes(octets).into())).await;
    socket.send("a message at a time that nobody knows").await.expect("it can be done");
}

#[test]
fn planted_chance_is_caught_and_where_it_began_is_shown() {
    let plan = plan(
        r#"
        title = "chance"
        limit = "20s"
        [[host]]
        name = "gambler"
        [[host]]
        name = "other"
        [[socket]]
        name = "other"
        host = "other"
        type = "PULL"
        bind = ["tcp://*:1"]
        [[actor]]
        name = "other"
        sockets = ["other"]
        do = [{ recv = { for = "10s" } }]
        "#,
    );
    let apps = Apps::new().on("gambler", rolls_dice);
    let [one, other] = [(); 2].map(|()| zmq_sim_madsim::engine().run_with(&plan, &apps, Recording::Network));
    assert_ne!(one.hash, other.hash);
    match first_difference(&one, &other) {
        Difference::Event { one: Some(one), .. } => {
            // The connection and its handshake are alike; the message is the first that is not.
            assert!(one.contains("Packet") && one.contains("Data"), "{one}");
        }
        hidden => panic!("expected an event, came {hidden}"),
    }
}
