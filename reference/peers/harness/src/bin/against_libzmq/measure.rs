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
    let start = |cast: &mut Cast, role: &str, endpoint: &str, side: &str, cpus: &str| {
        let words = [role, endpoint, side, &size, &count, "--within", WITHIN, "--payload", payload, "--cpus", cpus];
        cast.start(peer, &words)
    };
    let deadline = Instant::now() + DEADLINE;
    let Placement { first, second, all, one } = placement;
    let (binder, connecter, word) = match row.measure {
        Measure::Throughput(Transport::Inproc) => {
            start(&mut cast, "bench-inproc-throughput", INPROC, "BIND", all)?;
            return figure(peer, &cast.await_word(0, "rate", deadline)?);
        }
        Measure::Latency(Transport::Inproc, cpus) => {
            let cpus = if cpus == Cpus::One { one } else { all };
            start(&mut cast, "bench-inproc-latency", INPROC, "BIND", cpus)?;
            return figure(peer, &cast.await_word(0, "latency", deadline)?);
        }
        Measure::Throughput(Transport::Tcp) => (("bench-pull", second), ("bench-push", first), "rate"),
        Measure::Latency(Transport::Tcp, Cpus::One) => (("bench-rep", one), ("bench-req", one), "latency"),
        Measure::Latency(Transport::Tcp, Cpus::Each) => (("bench-rep", second), ("bench-req", first), "latency"),
    };
    let binding = start(&mut cast, binder.0, TCP, "BIND", binder.1)?;
    let endpoint = cast.await_word(binding, "ready", deadline)?;
    let connecting = start(&mut cast, connecter.0, &endpoint, "CONNECT", connecter.1)?;
    let teller = if word == "rate" { binding } else { connecting };
    figure(peer, &cast.await_word(teller, word, deadline)?)
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
