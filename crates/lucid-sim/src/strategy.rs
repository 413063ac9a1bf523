//! What is particular to kinds when they are written: status, generation, what a way of writing cannot change.
//!
//! Source: the `strategy.go` files below k8s.io/kubernetes/pkg/registry.

pub(crate) mod service;

use serde_json::{Map, Value, json};

use crate::defaults::workload::TEMPLATE_GENERATION;
use crate::fields::set::FieldSet;
use crate::json::{Json, JsonMut};
use crate::kinds::{Kind, Table};
use crate::world::metadata::restore;

/// Kinds whose `metadata.generation` counts changes of the wish.
pub(crate) fn has_generation(kind: &Kind) -> bool {
    kind.is_custom()
        || matches!(
            (kind.group.as_str(), kind.kind.as_str()),
            ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
                | ("autoscaling", "HorizontalPodAutoscaler")
                | ("batch", "Job" | "CronJob")
                | ("policy", "PodDisruptionBudget")
                | ("networking.k8s.io", "Ingress" | "NetworkPolicy" | "IngressClass")
                | ("", "Pod" | "ReplicationController")
                | ("discovery.k8s.io", "EndpointSlice")
                | ("apiextensions.k8s.io", "CustomResourceDefinition")
                | ("scheduling.k8s.io", "PriorityClass")
                | ("flowcontrol.apiserver.k8s.io", _)
                | ("admissionregistration.k8s.io", _)
        )
}

pub(crate) fn prepare_create(kind: &Kind, object: &mut Value) {
    if kind.has_status() && kind.table != Table::NODES {
        object.cut("status");
    }
    if has_generation(kind) {
        object.put("metadata/generation", 1);
    }
    match kind.table {
        Table::PODS => {
            object.put("status", json!({"phase": "Pending", "qosClass": qos_class(object)}));
            if !object.list("spec/schedulingGates").is_empty() {
                let now = object.at("metadata/creationTimestamp").clone();
                object.put(
                    "status/conditions",
                    json!([{"type": "PodScheduled", "status": "False",
                    "reason": "SchedulingGated", "message": "Scheduling is blocked due to non-empty scheduling gates",
                    "lastTransitionTime": now}]),
                );
            }
        }
        Table::NAMESPACES => {
            object.put("status", json!({"phase": "Active"}));
            let finalizers = object.entry("spec/finalizers");
            let mut list = finalizers.as_array().cloned().unwrap_or_default();
            if !list.contains(&"kubernetes".into()) {
                list.push("kubernetes".into());
            }
            *finalizers = list.into();
        }
        Table::DAEMON_SETS => {
            let first = template_generation(object).max(1);
            object.annotate(TEMPLATE_GENERATION, &first.to_string());
        }
        Table::CLAIMS => {
            drop_foreign_source(&Value::Null, object);
            mirror_source(object);
        }
        Table::SERVICE_ACCOUNTS => names_only(object),
        Table::LEASES => drop((object.cut("spec/strategy"), object.cut("spec/preferredHolder"))),
        Table::JOBS if !object.flag("spec/manualSelector") => select_own_pods(object),
        _ => {}
    }
}

/// A Job without labels has those of its template; of a new one, they stay the same when the server adds its own.
pub(crate) fn share_labels(kind: &Kind, object: &mut Value) -> bool {
    let labels = object.at("spec/template/metadata/labels").clone();
    let shares =
        kind.table == Table::JOBS && labels.is_object() && object.map("metadata/labels").is_none_or(Map::is_empty);
    if shares {
        object.put("metadata/labels", labels);
    }
    shares
}

fn template_generation(set: &Value) -> i64 {
    set.annotation(TEMPLATE_GENERATION).parse().unwrap_or(0)
}

/// Of an account's secrets nothing but the names is kept.
fn names_only(account: &mut Value) {
    for secret in account.items("secrets") {
        let name = secret.at("name").clone();
        *secret = if name.is_null() { json!({}) } else { json!({"name": name}) };
    }
}

/// A source that the older field cannot mean is dropped from it.
fn drop_foreign_source(old: &Value, claim: &mut Value) {
    if old.has("spec/dataSource") || old.has("spec/dataSourceRef") {
        return;
    }
    let source = claim.at("spec/dataSource");
    let known = matches!(
        (source.str("apiGroup"), source.str("kind")),
        ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")
    );
    if !known {
        claim.cut("spec/dataSource");
    }
}

/// The two ways to say what a claim is filled from say the same.
fn mirror_source(claim: &mut Value) {
    let (source, reference) = (claim.at("spec/dataSource").clone(), claim.at("spec/dataSourceRef").clone());
    match (source, reference) {
        (source, Value::Null) if !source.is_null() => claim.put("spec/dataSourceRef", source),
        (Value::Null, reference) if !reference.is_null() && reference.str("namespace").is_empty() => {
            claim.put("spec/dataSource", reference);
        }
        _ => {}
    }
}

/// A Job selects its pods by its own uid, which the server writes into selector and template.
fn select_own_pods(job: &mut Value) {
    let (uid, name) = (job.uid().to_owned(), job.name().to_owned());
    let selector = job.entry("spec/selector/matchLabels");
    if !selector.is_object() {
        *selector = json!({});
    }
    let selector = selector.as_object_mut().expect("made an object above");
    selector.entry("batch.kubernetes.io/controller-uid").or_insert_with(|| uid.clone().into());
    let labels = job.entry("spec/template/metadata/labels");
    if !labels.is_object() {
        *labels = json!({});
    }
    let labels = labels.as_object_mut().expect("made an object above");
    for key in ["controller-uid", "batch.kubernetes.io/controller-uid"] {
        labels.entry(key).or_insert_with(|| uid.clone().into());
    }
    for key in ["job-name", "batch.kubernetes.io/job-name"] {
        labels.entry(key).or_insert_with(|| name.clone().into());
    }
}

/// Guaranteed, Burstable or BestEffort.
fn qos_class(pod: &Value) -> &'static str {
    let containers = || pod.list("spec/initContainers").iter().chain(pod.list("spec/containers"));
    let resources = ["cpu", "memory"];
    let some = |list: &str| containers().any(|c| resources.iter().any(|r| c.has(&format!("resources/{list}/{r}"))));
    if !some("requests") && !some("limits") {
        return "BestEffort";
    }
    let guaranteed = containers().all(|container| {
        resources.iter().all(|resource| {
            let limit = container.at(&format!("resources/limits/{resource}"));
            !limit.is_null() && limit == container.at(&format!("resources/requests/{resource}"))
        })
    });
    if guaranteed { "Guaranteed" } else { "Burstable" }
}

/// What is put in order after validation.
pub(crate) fn canonicalize(kind: &Kind, object: &mut Value) {
    if kind.table == Table::NAMESPACES {
        let name = object.name().to_owned();
        let labels = object.entry("metadata/labels");
        if !labels.is_object() {
            *labels = json!({});
        }
        let labels = labels.as_object_mut().expect("made an object above");
        labels.insert("kubernetes.io/metadata.name".into(), name.into());
    }
}

/// The main resource cannot change the status, and the status resource can change no wish.
pub(crate) fn prepare_update(kind: &Kind, subresource: &str, old: &Value, new: &mut Value) {
    match subresource {
        "status" if kind.is_custom() => custom_status(old, new),
        "status" => {
            restore(old, new, "spec");
            match kind.table {
                Table::DEPLOYMENTS => restore(old, new, "metadata/labels"),
                Table::PODS => {
                    restore(old, new, "metadata/ownerReferences");
                    restore(old, new, "status/qosClass");
                }
                _ => {}
            }
        }
        _ => {
            if kind.has_status() {
                restore(old, new, "status");
            }
            match kind.table {
                Table::NAMESPACES => restore(old, new, "spec/finalizers"),
                Table::SERVICES => service::drop_dependent_fields(old, new),
                Table::SERVICE_ACCOUNTS => names_only(new),
                Table::CLAIMS => {
                    drop_foreign_source(old, new);
                    mirror_source(new);
                }
                Table::DAEMON_SETS => {
                    let changed = old.at("spec/template") != new.at("spec/template");
                    let generation = template_generation(old) + i64::from(changed);
                    new.annotate(TEMPLATE_GENERATION, &generation.to_string());
                }
                Table::LEASES => {
                    for field in ["spec/strategy", "spec/preferredHolder"].into_iter().filter(|field| !old.has(field)) {
                        new.cut(field);
                    }
                }
                _ => {}
            }
            bump_generation(kind, old, new);
        }
    }
}

/// Of a custom resource's status update, nothing but the status and its owners counts.
fn custom_status(old: &Value, new: &mut Value) {
    let (status, managed) = (new.cut("status"), new.cut("metadata/managedFields"));
    *new = old.clone();
    match status {
        Some(status) => new.put("status", status),
        None => drop(new.cut("status")),
    }
    if let Some(managed) = managed {
        new.put("metadata/managedFields", managed);
    }
}

fn bump_generation(kind: &Kind, old: &Value, new: &mut Value) {
    if !has_generation(kind) {
        return;
    }
    let noted = kind.table == Table::DEPLOYMENTS && old.at("metadata/annotations") != new.at("metadata/annotations");
    if noted || wish(kind, old) != wish(kind, new) {
        new.put("metadata/generation", old.generation() + 1);
    }
}

/// Kinds that take an empty list for another wish than none.
pub(crate) fn counts_empties(kind: &Kind) -> bool {
    kind.group == "networking.k8s.io" && kind.kind == "NetworkPolicy"
}

/// Everything of an object but metadata, and its status unless that is part of the wish.
fn wish<'v>(kind: &Kind, object: &'v Value) -> Vec<(&'v String, &'v Value)> {
    let fields = object.as_object().into_iter().flat_map(Map::iter);
    let counts = |key: &str| match key {
        "metadata" | "apiVersion" | "kind" => false,
        "status" => kind.is_custom() && !kind.has_status(),
        _ => true,
    };
    fields.filter(|(key, _)| counts(key)).collect()
}

/// Fields that a way of writing cannot change, and that its managers therefore never own.
pub(crate) fn ignored_fields(kind: &Kind, subresource: &str) -> FieldSet {
    match subresource {
        "status" if kind.table == Table::DEPLOYMENTS => FieldSet::of(&[&["f:spec"], &["f:metadata", "f:labels"]]),
        "status" if kind.table == Table::PODS => {
            FieldSet::of(&[&["f:spec"], &["f:metadata", "f:deletionTimestamp"], &["f:metadata", "f:ownerReferences"]])
        }
        "status" if kind.is_custom() => FieldSet::of(&[&["f:spec"], &["f:metadata"]]),
        "status" => FieldSet::of(&[&["f:spec"]]),
        "" if kind.has_status() => FieldSet::of(&[&["f:status"]]),
        _ => FieldSet::default(),
    }
}

/// Whether a deleted object disappears at the update that took its last finalizer.
pub(crate) fn ends_with_update(kind: &Kind, old: &Value, new: &Value) -> bool {
    new.list("metadata/finalizers").is_empty()
        && old.is_deleting()
        && old.int("metadata/deletionGracePeriodSeconds") == 0
        && (kind.table != Table::NAMESPACES || new.list("spec/finalizers").is_empty())
}

/// Whether a replacement may leave out the version that it replaces.
pub(crate) fn updates_unconditionally(kind: &Kind) -> bool {
    let never = matches!(
        (kind.group.as_str(), kind.kind.as_str()),
        ("coordination.k8s.io", _)
            | ("policy", "PodDisruptionBudget")
            | ("node.k8s.io", "RuntimeClass")
            | ("storage.k8s.io", "CSIDriver" | "CSINode" | "CSIStorageCapacity" | "VolumeAttachment")
            | ("apiextensions.k8s.io" | "admissionregistration.k8s.io" | "apiregistration.k8s.io", _)
    );
    !never && !kind.is_custom()
}

/// The few kinds that a PUT may bring into being.
pub(crate) fn creates_by_update(kind: &Kind) -> bool {
    matches!(
        (kind.group.as_str(), kind.kind.as_str()),
        ("rbac.authorization.k8s.io" | "coordination.k8s.io", _)
            | ("" | "events.k8s.io", "Service" | "Endpoints" | "Event" | "LimitRange")
            | ("node.k8s.io", "RuntimeClass")
    )
}

/// Whether the dependents of a deleted object are left alone unless the request says otherwise.
pub(crate) fn orphans_by_default(kind: &Kind) -> bool {
    matches!((kind.group.as_str(), kind.kind.as_str()), ("batch", "Job") | ("", "ReplicationController"))
}
