//! What the world hears of a run. Reports, logs and records are folds over these.

use std::time::Duration;

use lucid_object::{Finding, ObjectRef};
use serde::{Deserialize, Serialize};

/// An event and when it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stamped {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    #[serde(flatten)]
    pub event: Event,
}

impl Stamped {
    pub fn at(&self) -> Duration {
        Duration::from_millis(self.at_ms)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    RunStarted {
        release: String,
        namespace: String,
        command: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<u64>,
        /// Uid of the cluster's kube-system namespace: every object in the events of this run is in that cluster.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cluster: Option<String>,
        components: Vec<LaneInfo>,
        create: usize,
        update: usize,
        /// Deleted and made anew.
        #[serde(default)]
        replace: usize,
        delete: usize,
        unchanged: usize,
    },
    /// Its needs are ready, and its first request is sent.
    Started {
        component: String,
    },
    Applied {
        component: String,
        object: ObjectRef,
        as_what: AppliedAs,
    },
    /// What a component waits for; sent when it changes.
    Waiting {
        component: String,
        object: ObjectRef,
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        finding: Option<Finding>,
    },
    /// Every object of the component is as it should be.
    Ready {
        component: String,
    },
    /// Its health endpoints answer; `how` says who was asked.
    Verified {
        component: String,
        how: String,
    },
    Failed {
        component: String,
        findings: Vec<Finding>,
        /// It was failing before the run began, so the run is not to blame.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        before: bool,
    },
    /// Everything is verified, and is watched for a while before the run counts as good.
    Baking {
        for_ms: u64,
    },
    /// A broken pod of an old revision kept a StatefulSet from going back; it was deleted.
    Unstuck {
        component: String,
        pod: ObjectRef,
    },
    /// The run has failed, and what served before it is brought back.
    RollingBack {
        /// The revision; none when a first install is taken away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<u64>,
        because: Vec<String>,
    },
    /// Not started, because something it needs failed.
    Skipped {
        component: String,
        because: String,
    },
    /// Something worth knowing that stops nothing.
    Note {
        finding: Finding,
    },
    Stopping {
        reason: String,
    },
    RunFinished {
        outcome: RunOutcome,
        took_ms: u64,
    },
}

/// A component as the run found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaneInfo {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    pub needs: Vec<String>,
    pub objects: usize,
    pub changes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppliedAs {
    Created,
    Configured,
    /// Deleted and made anew.
    Replaced,
    Deleted,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    Verified,
    /// Something failed, and it is known what.
    Failed,
    /// Time ran out while things were still moving.
    DeadlinePassed,
    Interrupted,
    Terminated,
    LockLost,
}
