//! The result of a run for machines: one versioned object.

use lucid_engine::RunOutcome;
use lucid_object::Finding;
use serde::Serialize;
use serde_json::Value;

use crate::path;
use crate::view::{Row, RowState, RunView};

/// `apiVersion` of the object.
pub const VERSION: &str = "lucid.dev/v1alpha1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunResult<'a> {
    api_version: &'static str,
    kind: &'static str,
    release: &'a str,
    namespace: &'a str,
    command: &'a str,
    run: Option<u64>,
    cluster: Option<&'a str>,
    outcome: Option<RunOutcome>,
    took_seconds: f64,
    changed: Changed,
    longest_path: Vec<Leg>,
    components: Vec<Component<'a>>,
    notes: &'a [Finding],
}

#[derive(Serialize)]
struct Changed {
    created: usize,
    configured: usize,
    replaced: usize,
    deleted: usize,
    unchanged: usize,
}

#[derive(Serialize)]
struct Leg {
    component: String,
    seconds: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Component<'a> {
    name: &'a str,
    phase: Option<&'a str>,
    result: &'static str,
    changes: usize,
    started_seconds: Option<f64>,
    ready_seconds: Option<f64>,
    verified_by: Option<&'a str>,
    because: Option<&'a str>,
    findings: &'a [Finding],
}

/// The object, as JSON.
pub fn to_json(view: &RunView) -> Value {
    let result = RunResult {
        api_version: VERSION,
        kind: "RunResult",
        release: &view.release,
        namespace: &view.namespace,
        command: &view.command,
        run: view.run,
        cluster: view.cluster.as_deref(),
        outcome: view.outcome,
        took_seconds: view.took.as_secs_f64(),
        changed: Changed {
            created: view.done.created,
            configured: view.done.configured,
            replaced: view.done.replaced,
            deleted: view.done.deleted,
            unchanged: view.planned.unchanged,
        },
        longest_path: path::longest(view)
            .into_iter()
            .map(|leg| Leg { component: leg.component, seconds: leg.took.as_secs_f64() })
            .collect(),
        components: view.components().map(component).collect(),
        notes: &view.notes,
    };
    serde_json::to_value(result).expect("a result is plain data")
}

fn component(row: &Row) -> Component<'_> {
    let (result, because) = match &row.state {
        RowState::Waiting => ("waiting", None),
        RowState::Rolling => ("in-progress", None),
        RowState::Ready => ("ready", None),
        RowState::Verified => ("verified", None),
        RowState::Failed => ("failed", None),
        RowState::Skipped { because } => ("skipped", Some(because.as_str())),
    };
    Component {
        name: &row.name,
        phase: row.phase.as_deref(),
        result,
        changes: row.changes,
        started_seconds: row.started.map(|at| at.as_secs_f64()),
        ready_seconds: row.ready.map(|at| at.as_secs_f64()),
        verified_by: row.how.as_deref(),
        because,
        findings: &row.findings,
    }
}
