//! Running cases: the stage on which one is played, the player, the survival check, the workers and the plan.

mod early;
mod peer_steps;
pub mod plan;
pub mod play;
mod rendezvous;
mod request;
pub mod runner;
mod secured;
mod sees;
pub mod stage;
mod subject_steps;
pub mod survive;
pub mod teeth;
pub mod trouble;
pub mod worker;
mod zap;
