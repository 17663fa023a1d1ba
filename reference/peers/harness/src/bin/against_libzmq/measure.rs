//! One measurement: start the peers, wait for the figure.

use std::time::{Duration, Instant};

use peer_harness::peers::Peer;
use peer_harness::{Broken, Cast};

use crate::machine::Placement;
use crate::rows::{Cpus, Measure, Row, Transport};

pub(crate) fn measure(
    row: &Row,
    peer: &Peer,
    count: usize,
    placement: &Placement,
    payload: &str,
) -> Result<f64, Broken> {
    let (size, count) = (row.size.to_string(), count.to_string());
    let mut cast = Cast::new();
    let path = format!("ipc://{}/zmqspec-bench-{}.sock", std::env::temp_dir().display(), std::process::id());
    let mut more: Vec<String> = Vec::new();
    match row.measure {
        Measure::Throughput(_) | Measure::Latency(..) | Measure::Memory | Measure::SetUp => {}
        Measure::Encrypted => more.extend(["--security".into(), "curve".into()]),
        Measure::FanOut { subscribers } => {
            more.extend(["--queues".into(), "unlimited".into(), "--fans".into(), subscribers.to_string()]);
        }
        Measure::Topics(topics) => {
            more.extend(["--queues".into(), "unlimited".into(), "--topics".into(), topics.to_string()]);
        }
    }
    let start = |cast: &mut Cast, role: &str, endpoint: &str, side: &str, cpus: &str| {
        let mut words =
            vec![role, endpoint, side, &size, &count, "--within", WITHIN, "--payload", payload, "--cpus", cpus];
        words.extend(more.iter().map(String::as_str));
        cast.start(peer, &words)
    };
    let deadline = Instant::now() + DEADLINE;
    let Placement { first, second, all, one } = placement;
    let (binder, connecter, tells) = match row.measure {
        Measure::Throughput(Transport::Inproc) => {
            start(&mut cast, "bench-inproc-throughput", INPROC, "BIND", all)?;
            return figure(peer, &cast.await_word(0, "rate", deadline)?);
        }
        Measure::Latency(Transport::Inproc, cpus) => {
            let cpus = if cpus == Cpus::One { one } else { all };
            start(&mut cast, "bench-inproc-latency", INPROC, "BIND", cpus)?;
            return figure(peer, &cast.await_word(0, "latency", deadline)?);
        }
        Measure::Throughput(Transport::Tcp | Transport::Ipc) | Measure::Encrypted => {
            (("bench-pull", second), ("bench-push", first), Tells::Binder("rate"))
        }
        Measure::Latency(Transport::Tcp | Transport::Ipc, Cpus::One) => {
            (("bench-rep", one), ("bench-req", one), Tells::Connecter("latency"))
        }
        Measure::Latency(Transport::Tcp | Transport::Ipc, Cpus::Each) => {
            (("bench-rep", second), ("bench-req", first), Tells::Connecter("latency"))
        }
        Measure::FanOut { .. } => (("bench-publish", first), ("bench-subscribe", second), Tells::Connecter("rate")),
        Measure::Topics(_) => (("bench-publish", first), ("bench-subscribe", second), Tells::Binder("rate")),
        Measure::Memory => (("bench-accept", second), ("bench-dial", first), Tells::Binder("memory")),
        Measure::SetUp => (("bench-accept", second), ("bench-dial", first), Tells::Binder("rate")),
    };
    let at = match row.measure {
        Measure::Throughput(Transport::Ipc) | Measure::Latency(Transport::Ipc, _) => path.as_str(),
        _ => TCP,
    };
    let binding = start(&mut cast, binder.0, at, "BIND", binder.1)?;
    let endpoint = cast.await_word(binding, "ready", deadline)?;
    let connecting = start(&mut cast, connecter.0, &endpoint, "CONNECT", connecter.1)?;
    if let Measure::FanOut { .. } | Measure::Topics(_) = row.measure {
        cast.await_word(connecting, "synced", deadline)?;
        cast.tell(binding, "go");
    }
    let (teller, word) = match tells {
        Tells::Binder(word) => (binding, word),
        Tells::Connecter(word) => (connecting, word),
    };
    figure(peer, &cast.await_word(teller, word, deadline)?)
}

/// Who says the figure, and by which word.
enum Tells {
    Binder(&'static str),
    Connecter(&'static str),
}

fn figure(peer: &Peer, text: &str) -> Result<f64, Broken> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0);
    value.ok_or_else(|| Broken::Failed(peer.name.clone(), format!("expected a figure, not {text:?}")))
}

/// A library that needs longer for what was calibrated to take half a second has hung.
const WITHIN: &str = "20";
/// The peers' own bound, and time to say so.
const DEADLINE: Duration = Duration::from_secs(22);
const TCP: &str = "tcp://127.0.0.1:0";
const INPROC: &str = "inproc://measured";
