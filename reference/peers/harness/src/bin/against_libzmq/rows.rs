//! What is measured.

/// One line of the result.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Permanent, for `--rows` and for programs.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) measure: Measure,
    /// Octets of a message.
    pub(crate) size: usize,
    /// Messages or round trips of the first, calibrating measurement.
    pub(crate) first_count: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// PUSH to PULL: messages per second, and more is better.
    Throughput(Transport),
    /// REQ to REP: microseconds one way, and less is better.
    Latency(Transport, Cpus),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Two processes.
    Tcp,
    /// Two threads of one process.
    Inproc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cpus {
    /// Everything on one: the length of the path.
    One,
    /// Each end has its own: the path and the wake-up of an idle processor.
    Each,
}

/// Sizes of messages, from what is inline everywhere to what no buffer holds.
const SIZES: [usize; 8] = [1, 16, 64, 256, 1024, 4096, 65_536, 1_048_576];

pub(crate) fn all() -> Vec<Row> {
    let mut rows: Vec<Row> = SIZES.iter().map(|&size| throughput(Transport::Tcp, size)).collect();
    rows.push(latency(Transport::Tcp, Cpus::One));
    rows.push(latency(Transport::Tcp, Cpus::Each));
    rows.push(throughput(Transport::Inproc, 16));
    rows.push(latency(Transport::Inproc, Cpus::One));
    rows.push(latency(Transport::Inproc, Cpus::Each));
    rows
}

fn throughput(transport: Transport, size: usize) -> Row {
    let name = transport.name();
    let first_count = (50_000_000 / size).clamp(60, 200_000);
    Row {
        id: format!("{name}/throughput/{size}"),
        title: format!("{name} throughput, {size} B"),
        measure: Measure::Throughput(transport),
        size,
        first_count,
    }
}

fn latency(transport: Transport, cpus: Cpus) -> Row {
    let (name, word, words) = match cpus {
        Cpus::One => (transport.name(), "one-cpu", "one CPU"),
        Cpus::Each => (transport.name(), "cpu-each", "a CPU for each end"),
    };
    Row {
        id: format!("{name}/latency/16/{word}"),
        title: format!("{name} latency, 16 B, {words}"),
        measure: Measure::Latency(transport, cpus),
        size: 16,
        first_count: 2000,
    }
}

impl Row {
    pub(crate) fn unit(&self) -> &'static str {
        match self.measure {
            Measure::Throughput(_) => "messages/s",
            Measure::Latency(..) => "us one way",
        }
    }

    /// How many take so many seconds at this figure. Octets are limited, since a library may queue them all.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a usize holds")]
    pub(crate) fn count_for(&self, value: f64, seconds: f64) -> usize {
        let count = match self.measure {
            Measure::Throughput(_) => value * seconds,
            Measure::Latency(..) => seconds * 1e6 / (2.0 * value.max(0.01)),
        };
        let most = 4_294_967_296 / self.size.max(16);
        (count.clamp(50.0, 1e9) as usize).min(most)
    }
}

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Inproc => "inproc",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_follows_the_figure() {
        let (thr, lat) = (throughput(Transport::Tcp, 16), latency(Transport::Tcp, Cpus::One));
        assert_eq!(thr.count_for(4e6, 0.5), 2_000_000);
        assert_eq!(lat.count_for(10.0, 0.5), 25_000);
        assert_eq!(throughput(Transport::Tcp, 1_048_576).count_for(1e9, 0.5), 4096);
    }
}
