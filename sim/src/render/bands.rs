//! When each fault was on.

use crate::history::{History, What};
use crate::plan::{FaultIndex, Plan};
use crate::time::Time;

/// A fault, and when it was on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Band {
    pub(crate) fault: FaultIndex,
    pub(crate) from: Time,
    /// The end of time, if it never ended.
    pub(crate) until: Time,
}

const END: Time = Time::from_nanos(u64::MAX);

/// All faults that began, in this order.
pub(crate) fn of(plan: &Plan, history: &History) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for entry in &history.entries {
        let ends = match &entry.what {
            What::Fault(fault) => {
                let until = if plan[*fault].what.lasts() { END } else { entry.at };
                bands.push(Band { fault: *fault, from: entry.at, until });
                continue;
            }
            What::Healed(fault) => Some(*fault),
            What::AllHealed => None,
            What::Call { .. } | What::Finished(_) | What::Monitor { .. } | What::Down(_) | What::Up(..) => continue,
        };
        let on = bands.iter_mut().filter(|band| band.until == END && ends.is_none_or(|fault| fault == band.fault));
        on.for_each(|band| band.until = entry.at);
    }
    bands
}
