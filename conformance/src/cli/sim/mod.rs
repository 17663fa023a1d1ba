//! `sim`: the simulator.

mod compare;
mod engines;
mod options;
mod run;
mod shrink;
mod source;
mod sweep;
mod told;
mod views;

pub(super) use engines::captive_host;
pub(super) use options::SimVerb;

use super::Refusal;

pub(super) fn run(verb: &SimVerb) -> Result<u8, Refusal> {
    match verb {
        SimVerb::Run(options) => run::run(options),
        SimVerb::Sweep(options) => sweep::run(options),
        SimVerb::Shrink(options) => shrink::run(options),
        SimVerb::Trace(options) => views::trace(options),
        SimVerb::Explain(options) => views::explain(options),
        SimVerb::Compare(options) => compare::run(options),
        SimVerb::Draw(what) => views::draw(what),
        SimVerb::List => views::list(),
        SimVerb::Schema => views::schema(),
    }
}
