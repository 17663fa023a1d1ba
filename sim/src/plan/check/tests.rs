use crate::plan::Plan;

const SOUND: &str = r#"
title = "sound"
[[host]]
name = "works"
[[host]]
name = "office"
[[socket]]
name = "source"
host = "office"
type = "PUSH"
connect = ["tcp://works:5555"]
[[socket]]
name = "sink"
host = "works"
type = "PULL"
bind = ["tcp://*:5555"]
[[socket]]
name = "router"
host = "works"
type = "ROUTER"
bind = ["tcp://*:5556"]
[[socket]]
name = "dealer"
host = "office"
type = "DEALER"
connect = ["tcp://works:5556"]
options = { routing-id = "D", security = { mechanism = "CURVE", name = "d", server-name = "w" } }
[[socket]]
name = "guard"
host = "works"
type = "SUB"
bind = ["ipc://@guard"]
options = { security = { mechanism = "CURVE", server = true, name = "w", zap-domain = "z", allowed = ["d"] } }
[[actor]]
name = "source"
sockets = ["source"]
do = [{ send = { count = 100 } }, { disconnect = { endpoint = "tcp://works:5555" } }, { settle = {} }]
[[actor]]
name = "sink"
sockets = ["sink", "router"]
do = [{ recv = { count = 100 } }, { send = { socket = "router", to = ["D"] } }, { close = {} }, { open = {} }]
[[actor]]
name = "dealer"
sockets = ["dealer"]
do = [{ request = { count = 1 } }]
[[fault]]
at = "200ms"
for = "5s"
what = { partition = { between = ["office", "works"] } }
[[fault]]
after = { socket = { name = "source", event = "sent", nth = 10 } }
what = { duplicate-connect = { socket = "source" } }
[[fault]]
after = { octets = { from = "office", to = "works", count = 10 } }
what = { torn = { host = "works", at-most = 3 } }
[[expect]]
delivered = { from = "source", to = "sink" }
"#;

/// What stands there, what stands there instead.
const MISTAKES: &[(&str, &str)] = &[
    ("title = \"sound\"", "title = \"sound\"\nheal = \"90s\""),
    ("name = \"works\"", "name = \"two words\""),
    ("name = \"office\"", "name = \"works\""),
    ("name = \"office\"", "name = \"office\"\naddresses = [\"100.64.3.1\", \"127.0.0.1\"]"),
    ("name = \"office\"", "name = \"office\"\ndescriptors = 0\nclock-drift = 900000"),
    (
        "title = \"sound\"",
        "title = \"sound\"\nnetwork = { latency = { min = \"2s\", max = \"1s\" }, mtu = 10, loss = 900 }",
    ),
    ("title = \"sound\"", "title = \"sound\"\nlink = [{ from = \"ofice\", is = { bandwidth = 0 } }]"),
    ("title = \"sound\"", "title = \"sound\"\nname = [{ name = \"www\", hosts = [\"worms\"] }]"),
    ("host = \"office\"\ntype = \"PUSH\"", "host = \"Office\"\ntype = \"PUSH\""),
    ("\"tcp://works:5555\"]\n[[socket]]", "\"tcp://wroks:5555\"]\n[[socket]]"),
    ("\"tcp://works:5555\"]\n[[socket]]", "\"works:5555\"]\n[[socket]]"),
    ("\"tcp://works:5555\"]\n[[socket]]", "\"tcp://*:5555\"]\n[[socket]]"),
    ("\"tcp://works:5555\"]\n[[socket]]", "\"tcp://works\"]\n[[socket]]"),
    ("tcp://*:5555", "tcp://*:0"),
    ("tcp://*:5555", "tcp://office:5555"),
    ("tcp://*:5555", "udp://*:5555"),
    ("tcp://*:5556", "tcp://*:5555"),
    ("ipc://@guard", "ipc://@"),
    ("bind = [\"tcp://*:5555\"]", "bind = [\"tcp://*:5555\"]\nsubscribe = [\"a\"]\noptions = { req-relaxed = true }"),
    ("server-name = \"w\"", "server-name = \"v\""),
    ("routing-id = \"D\"", "routing-id = \"\""),
    (", zap-domain = \"z\"", ""),
    ("sockets = [\"source\"]", "sockets = []"),
    ("sockets = [\"source\"]", "sockets = [\"source\", \"sink\"]"),
    ("sockets = [\"source\"]", "sockets = [\"sorce\"]"),
    ("{ send = { count = 100 } }", "{ recv = { count = 100 } }"),
    (
        "{ send = { count = 100 } }",
        "{ send = { parts = 0, size = 99999999, to = [\"D\"], topics = [\"a|b\"], cancel-after = 0 } }",
    ),
    ("{ send = { count = 100 } }", "{ send = { socket = \"sink\" } }"),
    ("{ send = { count = 100 } }", "{ subscribe = { topic = \"a\" } }"),
    ("{ send = { count = 100 } }", "{ serve = {} }"),
    ("{ send = { count = 100 } }", "{ open = {} }"),
    ("{ send = { count = 100 } }", "{ close = {} }"),
    ("{ send = { count = 100 } }", "{ forward = { front = \"source\", back = \"source\" } }"),
    ("{ recv = { count = 100 } }", "{ recv = {} }"),
    ("{ recv = { count = 100 } }", "{ forward = { front = \"router\", back = \"sink\" } }"),
    ("{ recv = { count = 100 } }", "{ settle = { socket = \"router\" } }"),
    ("to = [\"D\"]", "to = [\"E\"]"),
    (", to = [\"D\"]", ""),
    ("{ request = { count = 1 } }", "{ request = {} }"),
    ("endpoint = \"tcp://works:5555\"", "endpoint = \"tcp://works:5557\""),
    ("at = \"200ms\"", "at = \"30s\""),
    ("between = [\"office\", \"works\"]", "between = [\"office\", \"office\"]"),
    ("between = [\"office\", \"works\"]", "between = [\"office\", \"source\"]"),
    ("partition = { between", "reset = { between"),
    ("for = \"5s\"", "for = \"0s\""),
    ("name = \"source\", event", "name = \"sorcerer\", event"),
    ("nth = 10", "nth = 0"),
    ("count = 10 } }", "count = 0 } }"),
    ("at-most = 3", "at-most = 0"),
    ("duplicate-connect = { socket = \"source\" }", "duplicate-connect = { socket = \"sink\" }"),
    ("duplicate-connect = { socket = \"source\" }", "tiny-buffers = { host = \"works\", octets = 0 }"),
    ("duplicate-connect = { socket = \"source\" }", "clock-jump = { host = \"works\", by = \"9999h\" }"),
    ("duplicate-connect = { socket = \"source\" }", "name = { name = \"w\", change = { leads-to = \"nowhere\" } }"),
    ("duplicate-connect = { socket = \"source\" }", "swizzle = { hosts = [] }"),
    ("to = \"sink\" }", "to = \"sunk\" }"),
    ("delivered = { from = \"source\", to = \"sink\" }", "done = { actor = \"sink\", by = \"2h\" }"),
];

fn read(text: &str) -> Plan {
    toml::from_str(text).unwrap_or_else(|why| panic!("{why}\n{text}"))
}

#[test]
fn a_sound_plan_is_found_sound() {
    assert_eq!(read(SOUND).check(), Ok(()));
}

#[test]
fn every_mistake_is_found_and_named() {
    let mut all = String::new();
    for (right, wrong) in MISTAKES {
        assert!(SOUND.contains(right), "{right} is not in the plan");
        let findings = read(&SOUND.replacen(right, wrong, 1)).check().expect_err(wrong);
        all += &format!("{}\n", wrong.lines().last().unwrap_or_default());
        for found in findings {
            all += &format!("    {found} [{}]\n", found.path);
        }
    }
    insta::assert_snapshot!(all);
}
