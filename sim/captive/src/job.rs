//! What parent and child say to each other.

use serde::{Deserialize, Serialize};
use zmq_sim::engine::Leftover;
use zmq_sim::history::Entry;
use zmq_sim::plan::Plan;

/// What the child is to do: one JSON object on its standard input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) plan: Plan,
    pub(crate) library: std::path::PathBuf,
    pub(crate) preloads: Vec<std::path::PathBuf>,
    pub(crate) folder: std::path::PathBuf,
    pub(crate) rates: Rates,
    pub(crate) keep_events: bool,
}

/// How often something goes wrong in the system's calls, in 65,536 occasions; the interposer's `Rates` say what.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// A read or write on a connection moves a few octets only. Occasion: the call.
    pub torn: u32,
    /// A connection is neither readable nor writable for up to 100 ms. Occasion: a read or write.
    pub delay: u32,
    /// A connection is reset, ended or goes silent behind an octet that is drawn. Occasion: the connection.
    pub cut: u32,
    /// A connect is refused. Occasion: the call.
    pub refuse: u32,
    /// An accept finds the table of descriptors full, or the connection gone. Occasion: the call.
    pub accept: u32,
    /// A call ends with `EINTR`. Occasion: a call that may.
    pub interrupt: u32,
    /// The clock jumps forward by a millisecond to half a minute. Occasion: a scheduling point.
    pub clock: u32,
    /// A thread hardly runs, or nearly alone, for 512 points. Occasion: those 512 points.
    pub starve: u32,
    /// A condition wait ends without a reason. Occasion: the wait.
    pub spurious: u32,
}

impl Rates {
    /// Nothing goes wrong but what the plan says.
    pub const NONE: Self =
        Self { torn: 0, delay: 0, cut: 0, refuse: 0, accept: 0, interrupt: 0, clock: 0, starve: 0, spurious: 0 };

    /// What an implementation has to bear at any time, and what leaves every promise as it is: reads and writes that move
    /// little or come late, refused connects, calls that are interrupted, threads that starve, waits that end without a
    /// reason. Connections, clocks and descriptors are left to the faults of a plan, of which oracles know.
    pub const TROUBLE: Self = Self { cut: 0, accept: 0, clock: 0, ..Self::ALL };

    /// All kinds, at rates that leave programs some progress.
    pub const ALL: Self = Self {
        torn: 20_000,
        delay: 1500,
        cut: 14_000,
        refuse: 6000,
        accept: 3000,
        interrupt: 600,
        clock: 4,
        starve: 16_000,
        spurious: 1500,
    };
}

/// One line of the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Line {
    /// The interposer cannot work here; why.
    Unusable(String),
    /// Something happened.
    Entry(Entry),
    /// An event of the interposer.
    Event(Event),
    /// It is over.
    End(End),
}

/// An event of the interposer, as its trace has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Nanoseconds since the start.
    pub at: u64,
    /// The thread, by order of creation.
    pub thread: u32,
    /// The call's name.
    pub call: String,
    /// A descriptor by order of creation, a thread, or 0.
    pub object: u64,
    /// The result, or the negative errno.
    pub result: i64,
    /// Digest of the octets that were moved.
    pub octets: u64,
}

/// Where two traces differ first; nothing: nowhere.
#[must_use]
pub fn first_difference(one: &[Event], other: &[Event]) -> Option<usize> {
    let differs = one.iter().zip(other).position(|(one, other)| one != other);
    differs.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct End {
    /// Who was doing what when the limit came; nothing: all are done.
    pub(crate) out_of_time: Option<Vec<String>>,
    pub(crate) left: Vec<Left>,
    pub(crate) hash: u64,
    pub(crate) points: u64,
    pub(crate) handovers: u64,
    pub(crate) elapsed: u64,
}

/// A [`Leftover`] that can be read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Left {
    pub(crate) host: String,
    pub(crate) what: String,
    pub(crate) count: usize,
}

impl From<Left> for Leftover {
    fn from(Left { host, what, count }: Left) -> Self {
        Self { host, what, count }
    }
}
