//! The last resort: workloads deleted by force, so that the wanted revision can be made anew. Volumes stay.

use std::collections::BTreeSet;
use std::time::Duration;

use lucid_client::{ApiClient, Manner, Target};
use lucid_object::{Findings, ObjectRef};
use lucid_plan::{Action, Operation, Selection};
use lucid_status::Cluster;
use serde_json::Value;

use crate::cache::reference;
use crate::deploy::{Refusal, Request};
use crate::fence::Seen;
use crate::prepare::{Planned, make_plan};
use crate::removal::{Removal, remove};
use crate::survey::Server;

/// How long the cluster may take to let go of what was deleted.
const PATIENCE: Duration = Duration::from_secs(60);

/// Deletes the workloads of the plan and their pods, waits until they are gone, and plans anew.
pub(crate) async fn clear(
    client: &ApiClient,
    request: &Request<'_>,
    server: &Server,
    planned: Planned,
    epoch: u64,
) -> Result<Planned, Refusal> {
    let (mut workloads, mut pods, mut ordered) = (Vec::new(), Vec::new(), Vec::new());
    let named = match &request.selection {
        Selection::Component { name, .. } => Some(name.as_str()),
        Selection::All => None,
    };
    let pruned = planned.plan.prune.iter().map(|operation| (None, operation));
    let lanes = planned.plan.lanes.iter();
    let own = lanes.flat_map(|lane| lane.operations.iter().map(move |operation| (Some(lane.name.as_str()), operation)));
    for (component, operation) in own.chain(pruned).filter(|(_, operation)| is_workload(operation)) {
        let Some(live) = planned.survey.cache.get(&operation.object) else { continue };
        let Some(resource) = server.resources.get(&operation.gvk) else { continue };
        let namespace = operation.object.namespace.as_deref();
        let target = Target::new(operation.gvk.clone(), resource.plural.clone(), namespace);
        let Some(seen) = Seen::of(live) else { continue };
        workloads.push(Removal { object: operation.object.clone(), target, seen });
        let own = pods_of(&planned, live);
        match operation.object.kind.as_str() {
            // Only what somebody has named: what merely depends on it ends in its own time.
            "StatefulSet" => ordered.push((named.is_some() && component == named, own)),
            _ => pods.extend(own),
        }
    }
    // First what makes pods, so that none come back.
    let patience = PATIENCE.min(request.deadline);
    let mut left = remove(client, &workloads, Manner::Force, patience, epoch).await?;
    left.extend(remove(client, &pods, Manner::Force, patience, epoch).await?);
    for (is_named, set) in ordered {
        // Two pods of one identity must never run at once, so these go by force only when somebody has named them.
        match is_named {
            true => {
                for pod in set {
                    left.extend(remove(client, &[pod], Manner::Force, patience, epoch).await?);
                }
            }
            false => left.extend(remove(client, &set, Manner::Background, patience, epoch).await?),
        }
    }
    if !left.is_empty() {
        return Err(Refusal::Stuck(Findings(left.iter().map(crate::removal::Left::to_finding).collect())));
    }
    make_plan(client, request, server, Some(epoch), planned.findings).await
}

fn is_workload(operation: &Operation) -> bool {
    matches!(operation.object.group.as_str(), "apps" | "batch")
        && matches!(
            operation.action,
            Action::Update | Action::Replace { .. } | Action::Unchanged | Action::Delete { .. }
        )
}

fn pods_of(planned: &Planned, workload: &Value) -> Vec<Removal> {
    let cache = &planned.survey.cache;
    let children = cache.owned_by(&uid(workload));
    let grandchildren: Vec<&Value> = children.iter().flat_map(|child| cache.owned_by(&uid(child))).collect();
    let pods = children.into_iter().chain(grandchildren).filter(|object| object["kind"] == "Pod");
    let mut known = BTreeSet::new();
    let removal = |pod: &Value| {
        let object: ObjectRef = reference(pod);
        let target = Target::core("Pod", "pods", object.namespace.as_deref());
        let is_new = known.insert(uid(pod));
        Seen::of(pod).filter(|_| is_new).map(|seen| Removal { object, target, seen })
    };
    pods.filter_map(removal).collect()
}

fn uid(value: &Value) -> String {
    value.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned()
}
