//! A user's own programs on simulated hosts.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use zmq_reference::{Context, SocketType};
use zmq_sim::engine::{Ending, Recording, Run};
use zmq_sim::plan::Plan;
use zmq_sim_library::app::{Apps, Host};

use super::plans::plan;

fn two_hosts(faults: &str) -> Plan {
    plan(&format!(
        r#"
        title = "a user's programs"
        seed = 11
        [[host]]
        name = "server"
        [[host]]
        name = "client"
        {faults}
        "#
    ))
}

async fn server(context: Context, host: Host) {
    let socket = context.socket(SocketType::Rep).expect("it can be done");
    socket.bind("tcp://*:5555").await.expect("it can be done");
    while let Ok(question) = socket.recv().await {
        if question.first() == "enough" {
            break;
        }
        host.sleep(Duration::from_millis(host.random() % 50)).await;
        socket.send(format!("{} in life {}", host.name(), host.life())).await.expect("it can be done");
    }
}

fn run(plan: &Plan) -> (Run, Vec<String>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&heard);
    let client = move |context: Context, host: Host| {
        let ears = Arc::clone(&ears);
        async move {
            let socket = context.socket(SocketType::Dealer).expect("it can be done");
            socket.connect("tcp://server:5555").expect("it can be done");
            for _ in 0..4 {
                socket.send(["", "who are you?"]).await.expect("it can be done");
                socket.set_recv_timeout(Some(Duration::from_secs(2)));
                if let Ok(answer) = socket.recv().await {
                    ears.lock().expect("it can be done").push(format!("{:?}", answer.part(1).expect("it can be done")));
                }
                host.sleep(Duration::from_secs(1)).await;
            }
            socket.send(["", "enough"]).await.expect("it can be done");
        }
    };
    let apps = Apps::new().on("server", server).on("client", client);
    let run = zmq_sim_madsim::engine().run_with(plan, &apps, Recording::Network);
    let heard = std::mem::take(&mut *heard.lock().expect("it can be done"));
    (run, heard)
}

#[test]
fn they_talk() {
    let plan = two_hosts("");
    let (run_one, heard) = run(&plan);
    assert_eq!(run_one.ending, Ending::Finished);
    assert_eq!(run_one.left, []);
    assert_eq!(heard, ["\"server in life 0\""; 4]);
    let (run_two, _) = run(&plan);
    assert_eq!(run_one.hash, run_two.hash);
}

#[test]
fn they_begin_again_with_their_host() {
    let plan = two_hosts(
        r#"
        [[fault]]
        at = "1500ms"
        for = "200ms"
        what = { down = { host = "server", how = "kill" } }
        "#,
    );
    let (run, heard) = run(&plan);
    assert_eq!(run.ending, Ending::Finished);
    assert_eq!(heard.last().map(String::as_str), Some("\"server in life 1\""), "{heard:?}");
}

#[test]
fn a_panic_is_a_crash_of_the_run_and_not_of_the_test() {
    let apps = Apps::new().on("server", |_, host| async move {
        host.sleep(Duration::from_secs(1)).await;
        panic!("a planted panic");
    });
    let run = zmq_sim_madsim::engine().run_with(&two_hosts(""), &apps, Recording::History);
    assert_eq!(run.ending, Ending::Crashed("a planted panic".into()));
}

#[test]
fn a_task_that_runs_in_circles_is_noticed() {
    let apps = Apps::new().on("server", |_, _| {
        std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
    });
    let run = zmq_sim_madsim::engine().run_with(&two_hosts(""), &apps, Recording::History);
    assert!(matches!(&run.ending, Ending::Crashed(why) if why.contains("for ever")), "{:?}", run.ending);
}
