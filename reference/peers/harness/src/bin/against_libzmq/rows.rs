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
    /// PUSH to PULL, encrypted by CURVE.
    Encrypted,
    /// XPUB to so many SUB: messages that arrive each second, over all of them.
    FanOut { subscribers: usize },
    /// XPUB to one SUB that wants so many topics, of which each message has one drawn at random: messages published each
    /// second.
    Topics(usize),
    /// Octets of memory that one idle connection takes on the side that was bound, and less is better.
    Memory,
    /// Connections each second, from `connect` to a first message.
    SetUp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Two processes.
    Tcp,
    /// Two processes, and a path.
    Ipc,
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
    rows.extend([16, 256, 4096, 65_536].map(|size| throughput(Transport::Ipc, size)));
    rows.push(latency(Transport::Ipc, Cpus::One));
    rows.push(throughput(Transport::Inproc, 1));
    rows.push(throughput(Transport::Inproc, 16));
    rows.push(latency(Transport::Inproc, Cpus::One));
    rows.push(latency(Transport::Inproc, Cpus::Each));
    rows.extend([64, 1024, 65_536].map(encrypted));
    rows.extend([8, 64, 512].map(fan_out));
    rows.extend([1, 100_000].map(topics));
    rows.push(row("tcp/memory", "memory of an idle connection", Measure::Memory, 1, 900));
    rows.push(row("tcp/set-up", "connections set up", Measure::SetUp, 1, 900));
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

fn encrypted(size: usize) -> Row {
    let first_count = (10_000_000 / size).clamp(60, 50_000);
    row(
        &format!("curve/throughput/{size}"),
        &format!("tcp throughput with CURVE, {size} B"),
        Measure::Encrypted,
        size,
        first_count,
    )
}

fn fan_out(subscribers: usize) -> Row {
    let (id, title) = (format!("tcp/fan-out/{subscribers}"), format!("fan-out to {subscribers} subscribers, 16 B"));
    row(&id, &title, Measure::FanOut { subscribers }, 16, (40_000 / subscribers).max(50))
}

fn topics(topics: usize) -> Row {
    let (id, title) = (format!("tcp/topics/{topics}"), format!("publishing on {topics} topics, 16 B"));
    row(&id, &title, Measure::Topics(topics), 16, 50_000)
}

fn row(id: &str, title: &str, measure: Measure, size: usize, first_count: usize) -> Row {
    Row { id: id.into(), title: title.into(), measure, size, first_count }
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
            Measure::Throughput(_) | Measure::Encrypted | Measure::FanOut { .. } | Measure::Topics(_) => "messages/s",
            Measure::Latency(..) => "us one way",
            Measure::Memory => "octets",
            Measure::SetUp => "connections/s",
        }
    }

    pub(crate) fn better(&self) -> &'static str {
        match self.measure {
            Measure::Throughput(_)
            | Measure::Encrypted
            | Measure::FanOut { .. }
            | Measure::Topics(_)
            | Measure::SetUp => "more is better",
            Measure::Latency(..) | Measure::Memory => "less is better",
        }
    }

    /// How many take so many seconds at this figure. Octets are limited, since a library may queue them all.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a usize holds")]
    pub(crate) fn count_for(&self, value: f64, seconds: f64) -> usize {
        let count = match self.measure {
            Measure::Throughput(_) | Measure::Encrypted | Measure::Topics(_) => value * seconds,
            #[expect(clippy::cast_precision_loss, reason = "a count of subscribers")]
            Measure::FanOut { subscribers } => value * seconds / subscribers as f64,
            // As many as a process has descriptors for.
            Measure::Memory | Measure::SetUp => return self.first_count,
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
            Self::Ipc => "ipc",
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
