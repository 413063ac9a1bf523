//! What goes into the engine and what comes out.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lucid_object::{Finding, ObjectRef};
use lucid_plan::{Operation, Request};
use lucid_release::HealthCheck;
use serde_json::Value;

use crate::event::Event;

/// The time, as the driver knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since the run began, by a clock that only moves forward.
    pub elapsed: Duration,
    /// Wall-clock, to be compared with the cluster's time stamps only.
    pub wall: Timestamp,
}

/// Names one effect; its answer carries it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId(pub u64);

/// What happened.
#[derive(Debug, Clone)]
pub enum Input {
    Start,
    /// An apply was answered: the object as the server has it now, or why not.
    Applied {
        effect: EffectId,
        outcome: Result<Arc<Value>, ApplyError>,
    },
    Deleted {
        effect: EffectId,
        outcome: Result<(), ApplyError>,
    },
    /// All health checks of a component were tried.
    Probed {
        effect: EffectId,
        outcome: Result<String, ProbeError>,
    },
    /// Something changed at or below these objects.
    Observed(Vec<ObjectRef>),
    Tick,
    Signal(Signal),
    /// Someone else has the release's Lease.
    LockLost(String),
}

/// Why the server did not take a write.
#[derive(Debug, Clone)]
pub struct ApplyError {
    pub finding: Finding,
    /// The same request may pass later.
    pub is_transient: bool,
}

/// Why a component could not be shown to answer.
#[derive(Debug, Clone)]
pub enum ProbeError {
    /// It answered wrongly, or not at all.
    Failed(Box<Finding>),
    /// Nobody could ask it; the reason is reported and the kubelet's verdict counts.
    NotPossible(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Send one server-side apply. Larger weight goes first.
    Apply {
        effect: EffectId,
        operation: Operation,
        request: Request,
        weight: u32,
    },
    /// Delete the object with the uid of its operation.
    Delete {
        effect: EffectId,
        operation: Operation,
    },
    /// Delete a pod that keeps its StatefulSet from going on.
    DeletePod {
        effect: EffectId,
        pod: ObjectRef,
        uid: String,
    },
    /// Ask the component's health endpoints.
    Probe {
        effect: EffectId,
        component: String,
        workloads: Vec<ObjectRef>,
        checks: Vec<HealthCheck>,
    },
    /// Send a Tick at this time since the start, or earlier.
    WakeAt(Duration),
    Emit(Event),
    /// The run is over; nothing that is still under way matters.
    Finish,
}
