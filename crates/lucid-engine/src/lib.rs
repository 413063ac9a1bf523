//! The run as a state machine: `step(state, input)` gives effects.
//!
//! [`Engine`] holds a [`lucid_plan::Plan`] under way. It is told what happened ([`Input`]), looks at the cluster through
//! the view it is handed, and answers with what is to be done ([`Effect`]). It has no clock, socket or thread: time comes
//! in as [`Now`], so that "between two writes" is a value that a test can enumerate. Answers may come in any order, twice
//! or never. [`Event`] is what the world hears of a run.

mod bake;
pub mod engine;
pub mod event;
pub mod input;
mod lane;

pub use engine::{Engine, Options};
pub use event::{AppliedAs, Event, LaneInfo, RunOutcome, Stamped};
pub use input::{ApplyError, Effect, EffectId, Input, Now, ProbeError, Signal};
