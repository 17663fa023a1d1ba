//! Faults that wait for something, and the healing.

use super::stage::{Theatre, two_hosts};
use crate::actor::message::MessageId;
use crate::history::{Call, Sent, What, Who};
use crate::plan::{ActorIndex, HostIndex, SocketIndex};
use crate::time::Time;

const SOCKETS: &str = r#"
[[socket]]
name = "source"
host = "one"
type = "PUSH"
connect = ["tcp://two:5555"]
"#;

fn send(t: &mut Theatre, number: u32) {
    let who = Who { actor: Some(ActorIndex(0)), host: HostIndex(0), life: 0 };
    let id = MessageId { actor: ActorIndex(0), life: 0, number };
    let sent = Sent { id, answers: None, topic: String::new(), to: None, parts: 1, probe: false };
    let at = Time::from_nanos(t.world().now().as_nanos());
    let call = Call::Sent(sent);
    t.house.history.note(at, What::Call { who, socket: Some(SocketIndex(0)), since: at, call });
    t.watch();
}

#[test]
fn a_fault_waits_for_the_third_message_and_another_for_what_follows() {
    let mut t = two_hosts(&format!(
        "{SOCKETS}
         [[fault]]\nafter = {{ socket = {{ name = \"source\", event = \"sent\", nth = 3 }} }}\nwhat = {{ duplicate-connect = {{ socket = \"source\" }} }}
         [[fault]]\nat = \"50ms\"\nafter = {{ socket = {{ name = \"source\", event = \"sent\" }} }}\nwhat = {{ clock-jump = {{ host = \"one\", by = \"1s\" }} }}"
    ));
    t.run_to(10);
    for number in 0..5 {
        assert_eq!(t.house.log.len(), usize::from(number > 2), "{number} messages");
        send(&mut t, number);
    }
    assert_eq!(t.house.log, ["connect 0"]);
    t.run_to(100);
    assert_eq!(t.course(), ["t+10ms fault 0", "t+10ms healed 0", "t+60ms fault 1", "t+60ms healed 1"]);
}

#[test]
fn a_stream_is_cut_behind_an_octet() {
    for count in [1, 2, 6, 7, 9, 10, 1461, 4000] {
        let mut t = two_hosts(&format!(
            "[[fault]]\nafter = {{ octets = {{ from = \"one\", to = \"two\", count = {count} }} }}\nwhat = {{ stall = {{ between = [\"one\", \"two\"] }} }}"
        ));
        let listener = t.listen(1);
        let (near, far) = t.connect(listener);
        t.say(near, b"hello ").unwrap();
        t.run_to(20);
        t.say(near, &[b'x'; 5000]).unwrap();
        t.run_to(100);
        let mut heard = 0;
        while let Ok(more) = t.hear(far) {
            heard += more.len();
        }
        assert_eq!(heard, count, "cut at {count}");
        t.run_to(30_100);
        assert_eq!(t.hear(far).map(|heard| heard.len()), Ok(64), "it goes on when it is healed");
    }
}

#[test]
fn everything_is_healed_in_time_and_nothing_begins_later() {
    let mut t = two_hosts(&format!(
        "{SOCKETS}
         [[fault]]\nat = \"1s\"\nwhat = {{ partition = {{ between = [\"one\", \"two\"] }} }}
         [[fault]]\nat = \"2s\"\nfor = \"1h\"\nwhat = {{ pause = {{ host = \"two\" }} }}
         [[fault]]\nat = \"3s\"\nafter = {{ socket = {{ name = \"source\", event = \"sent\" }} }}\nwhat = {{ pause = {{ host = \"two\" }} }}
         [[fault]]\nafter = {{ socket = {{ name = \"source\", event = \"sent\", nth = 2 }} }}\nwhat = {{ pause = {{ host = \"two\" }} }}"
    ));
    t.run_to(28_000);
    send(&mut t, 0);
    t.run_to(31_000);
    send(&mut t, 1);
    t.run_to(90_000);
    assert_eq!(t.course(), ["t+1s fault 0", "t+2s fault 1", "t+30s healed 0", "t+30s healed 1", "t+30s all healed"]);
    assert!(t.is_healed());
    let (one, two) = (t.house.hosts[0], t.house.hosts[1]);
    assert_eq!(t.world().flow(one, two), zmq_world::Flow::Pass);
    assert_eq!(t.world().condition(two), zmq_world::Condition::Running);
}
