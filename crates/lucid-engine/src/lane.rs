//! One lane under way: which operation is next, and what its objects look like.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lucid_object::ObjectRef;
use lucid_plan::Lane;
use lucid_status::Since;
use serde_json::Value;

use crate::input::EffectId;

/// Where a lane stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// For what it needs.
    Waiting,
    Applying,
    /// Everything is sent; the objects are on their way.
    Settling,
    Ready,
    Failed,
    /// Never started.
    Skipped,
}

/// Whether the component has been shown to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verification {
    NotAsked,
    InFlight,
    /// Asked again at this time since the start.
    RetryAt(Duration),
    Done,
}

#[derive(Debug, Clone)]
pub(crate) struct LaneRun {
    pub(crate) plan: Lane,
    pub(crate) state: State,
    pub(crate) operation: usize,
    pub(crate) request: usize,
    pub(crate) in_flight: Option<EffectId>,
    /// The object that this operation replaces is gone.
    pub(crate) is_cleared: bool,
    /// Not before this time, after a transient refusal.
    pub(crate) retry_at: Option<Duration>,
    pub(crate) objects: Vec<ObjectRun>,
    pub(crate) verification: Verification,
    pub(crate) first_probe_failure: Option<Duration>,
    /// It was failing when the run began.
    pub(crate) failed_before: bool,
    pub(crate) timed_out: bool,
    /// The world was told that it is verified, and nothing to the contrary since.
    pub(crate) is_told_verified: bool,
    /// Pods that were deleted because they kept a StatefulSet from going on, by uid.
    pub(crate) unstuck: BTreeSet<String>,
    /// The last thing that was said about what it waits for.
    pub(crate) said: String,
}

/// One object of a lane, as far as this run knows it.
#[derive(Debug, Clone)]
pub(crate) struct ObjectRun {
    pub(crate) object: ObjectRef,
    pub(crate) is_watched: bool,
    pub(crate) since: Since,
    /// The server's answer to our write.
    pub(crate) written: Option<Arc<Value>>,
}

impl LaneRun {
    pub(crate) fn new(plan: Lane) -> Self {
        let objects = plan
            .operations
            .iter()
            .map(|operation| ObjectRun {
                object: operation.object.clone(),
                is_watched: operation.is_watched,
                since: Since::default(),
                written: None,
            })
            .collect();
        Self {
            plan,
            state: State::Waiting,
            operation: 0,
            request: 0,
            in_flight: None,
            is_cleared: false,
            retry_at: None,
            objects,
            verification: Verification::NotAsked,
            first_probe_failure: None,
            failed_before: false,
            timed_out: false,
            is_told_verified: false,
            unstuck: BTreeSet::new(),
            said: String::new(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        match self.state {
            State::Failed | State::Skipped => true,
            State::Ready => self.verification == Verification::Done,
            _ => false,
        }
    }

    pub(crate) fn needs_probe(&self) -> bool {
        !self.plan.health.is_empty()
    }

    pub(crate) fn workloads(&self) -> Vec<ObjectRef> {
        let is_workload = |object: &&ObjectRun| {
            matches!(object.object.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet" | "Ingress")
        };
        self.objects.iter().filter(is_workload).map(|object| object.object.clone()).collect()
    }
}
