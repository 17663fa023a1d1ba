//! The machine, and where on it the peers run.

use std::fmt;
use std::fs;

use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    cpu: String,
    /// Processors that this process may run on.
    cpus: Vec<usize>,
    kernel: String,
    memory_gib: u64,
}

/// Lists as the peers' `--cpus` takes them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Placement {
    /// The sender, or who asks.
    pub(crate) first: String,
    /// The receiver, or who answers.
    pub(crate) second: String,
    pub(crate) one: String,
    /// Both of the first two.
    pub(crate) all: String,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
            line.map(|value| value.trim().to_owned())
        };
        let status = read("/proc/self/status");
        let cpus = field(&status, "Cpus_allowed_list").map(|list| ranges(&list)).unwrap_or_default();
        let memory = field(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
        let memory: u64 = memory.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        Self {
            cpu: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cpus: if cpus.is_empty() { vec![0] } else { cpus },
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            memory_gib: memory / (1024 * 1024),
        }
    }

    /// Half of the processors for each process, but no more than two: an application's thread and the library's.
    pub(crate) fn placement(&self) -> Placement {
        let each = (self.cpus.len() / 2).clamp(1, 2);
        let list = |cpus: &[usize]| cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let first = &self.cpus[..each];
        let second = if self.cpus.len() >= 2 * each { &self.cpus[each..2 * each] } else { first };
        let mut all = [first, second].concat();
        all.dedup();
        Placement { first: list(first), second: list(second), one: list(&first[..1]), all: list(&all) }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} processors, {} GiB, Linux {}", self.cpu, self.cpus.len(), self.memory_gib, self.kernel)
    }
}

/// `0-2,5` is 0, 1, 2, 5.
fn ranges(list: &str) -> Vec<usize> {
    list.split(',')
        .filter_map(|range| {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            Some(from.parse().ok()?..=to.parse().ok()?)
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_shared_out() {
        let machine =
            |cpus: &str| Machine { cpu: String::new(), cpus: ranges(cpus), kernel: String::new(), memory_gib: 0 };
        let placed = |cpus: &str| {
            let Placement { first, second, one, all } = machine(cpus).placement();
            [first, second, one, all].join(" ")
        };
        assert_eq!(placed("3"), "3 3 3 3");
        assert_eq!(placed("0-1"), "0 1 0 0,1");
        assert_eq!(placed("0-2"), "0 1 0 0,1");
        assert_eq!(placed("0-2,5,7"), "0,1 2,5 0 0,1,2,5");
    }
}
