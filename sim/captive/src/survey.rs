//! What can be seen of a file before it is made captive: whether it is outside of what the interposer controls.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// Something of a file that is not controlled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// It is not an ELF file for x86-64.
    OtherFormat,
    /// A program that nothing can be preloaded into: it has no loader.
    Static,
    /// It asks the system for something that is not taken over.
    Function(&'static str),
    /// Its text has instructions that pass the C library by, so many times.
    SystemCalls(usize),
    /// Its text has instructions that draw randomness and cannot be trapped, so many times.
    Randomness(usize),
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OtherFormat => write!(f, "not an ELF file for x86-64: it cannot be captive"),
            Self::Static => write!(f, "a static program: nothing can be preloaded into it"),
            Self::Function(name) => write!(f, "it uses {name}, which is not under the seed"),
            Self::SystemCalls(count) => {
                write!(f, "{count} times octets of the instruction syscall: it may pass the C library by")
            }
            Self::Randomness(count) => {
                write!(f, "{count} times octets of the instructions rdrand or rdseed, which cannot be trapped")
            }
        }
    }
}

/// Functions of the C library and others that wait, draw or tell time, and are not taken over.
const NOT_TAKEN: &[&str] = &[
    "epoll_pwait2",
    "io_uring_enter",
    "io_uring_queue_init",
    "io_uring_submit",
    "io_uring_setup",
    "mq_receive",
    "msgrcv",
    "pause",
    "pthread_barrier_wait",
    "pthread_cancel",
    "pthread_spin_lock",
    "recvmmsg",
    "sendmmsg",
    "semop",
    "setitimer",
    "sigtimedwait",
    "sigwait",
    "timer_create",
    "timerfd_create",
];

/// Looks at a program or library. Octets may look like an instruction and be none: these are doubts, and the proof is
/// that two runs of a seed are alike.
///
/// # Errors
///
/// If the file cannot be read.
pub fn survey(file: &Path) -> io::Result<Vec<Doubt>> {
    let octets = fs::read(file)?;
    Ok(Elf::read(&octets).map_or_else(|| vec![Doubt::OtherFormat], |elf| elf.doubts()))
}

struct Elf<'a> {
    octets: &'a [u8],
    is_dynamic: bool,
    /// Segments that are executed.
    texts: Vec<&'a [u8]>,
}

impl<'a> Elf<'a> {
    fn read(octets: &'a [u8]) -> Option<Self> {
        const EXECUTABLE: u32 = 1;
        const MACHINE: u64 = 62;
        if octets.get(..6)? != b"\x7fELF\x02\x01" || number(octets, 18, 2)? != MACHINE {
            return None;
        }
        let (table, size, count) = (number(octets, 32, 8)?, number(octets, 54, 2)?, number(octets, 56, 2)?);
        let mut this = Self { octets, is_dynamic: false, texts: Vec::new() };
        for place in 0..count {
            let at = usize::try_from(table.checked_add(place * size)?).ok()?;
            let (kind, flags) = (number(octets, at, 4)?, number(octets, at + 4, 4)?);
            match kind {
                1 if flags & u64::from(EXECUTABLE) != 0 => {
                    let (from, len) = (number(octets, at + 8, 8)?, number(octets, at + 32, 8)?);
                    let from = usize::try_from(from).ok()?;
                    this.texts.push(octets.get(from..from.checked_add(usize::try_from(len).ok()?)?)?);
                }
                2 => this.is_dynamic = true,
                _ => {}
            }
        }
        Some(this)
    }

    fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        if !self.is_dynamic {
            doubts.push(Doubt::Static);
        }
        // One pass: a library has megabytes.
        let words = self.octets.split(|octet| *octet == 0);
        let found: BTreeSet<&str> =
            words.filter_map(|word| NOT_TAKEN.iter().copied().find(|name| name.as_bytes() == word)).collect();
        doubts.extend(NOT_TAKEN.iter().filter(|name| found.contains(*name)).map(|name| Doubt::Function(name)));
        let count = |is: fn(&[u8]) -> bool| -> usize {
            self.texts.iter().map(|text| text.windows(3).filter(|window| is(window)).count()).sum()
        };
        let system_calls = count(|window| window[..2] == [0x0f, 0x05]);
        if system_calls > 0 {
            doubts.push(Doubt::SystemCalls(system_calls));
        }
        let randomness = count(|window| window[..2] == [0x0f, 0xc7] && window[2] >= 0xf0);
        if randomness > 0 {
            doubts.push(Doubt::Randomness(randomness));
        }
        doubts
    }
}

/// A number of so many octets, low octets first.
fn number(octets: &[u8], at: usize, len: usize) -> Option<u64> {
    let part = octets.get(at..at.checked_add(len)?)?;
    Some(part.iter().rev().fold(0, |sum, octet| sum << 8 | u64::from(*octet)))
}
