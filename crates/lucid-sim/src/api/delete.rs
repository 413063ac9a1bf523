//! DELETE of one object and of a collection.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::path::Target;
use crate::api::select::Selection;
use crate::api::{Reply, Request, decode, format, read};
use crate::error::{About, ApiError, Cause};
use crate::json::Json;
use crate::kinds::{Kind, Table};
use crate::world::World;
use crate::world::delete::{DeleteOptions, Deleted, Propagation, gone_status};

pub(crate) fn one(world: &mut World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let format = read::format_of(request)?;
    let options = options(request)?;
    warn_of_orphans(world, kind, &options);
    Ok(match world.delete(kind, &target.namespace, &target.name, &options)? {
        Deleted::Marked(object) => Reply::json(200, &format::one(&object, kind, format, world.seconds())),
        // Pods and a few more are given back as they were; the rest as a note of success.
        Deleted::Gone(object) | Deleted::Pending(object) if returns_object(kind) => {
            Reply::json(200, &format::one(&object, kind, format, world.seconds()))
        }
        Deleted::Gone(object) | Deleted::Pending(object) => Reply::json(200, &gone_status(kind, &object)),
    })
}

/// Jobs leave their pods behind unless they are told otherwise.
fn warn_of_orphans(world: &mut World, kind: &Kind, options: &DeleteOptions) {
    if kind.table == Table::JOBS && options.propagation.is_none() {
        world.warnings.push("child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning".into());
    }
}

fn returns_object(kind: &Kind) -> bool {
    matches!(
        kind.table,
        Table::PODS | Table::SERVICES | Table::SERVICE_ACCOUNTS | Table::CLAIMS | Table::VOLUMES | Table::NAMESPACES
    ) || matches!(
        kind.kind.as_str(),
        "ResourceQuota"
            | "PodTemplate"
            | "StorageClass"
            | "CSIDriver"
            | "CSINode"
            | "VolumeAttachment"
            | "VolumeAttributesClass"
    )
}

pub(crate) fn collection(
    world: &mut World,
    kind: &Kind,
    target: &Target,
    request: &Request,
) -> Result<Reply, ApiError> {
    let options = options(request)?;
    warn_of_orphans(world, kind, &options);
    let selection = Selection::of(kind, target, &request.query)?;
    let matching = world.store.list(kind.table).filter(|object| selection.matches(object));
    let found: Vec<Arc<Value>> = matching.cloned().collect();
    for object in &found {
        // Each deletion stands for itself: one that went meanwhile is no failure of the others.
        let _ = world.delete(kind, object.namespace(), object.name(), &options);
    }
    let revision = world.store.revision().to_string();
    let items: Vec<Value> = found.iter().map(|object| Value::clone(object)).collect();
    let list = json!({"kind": kind.list_kind, "apiVersion": kind.api_version(), "metadata": {"resourceVersion": revision}, "items": items});
    Ok(Reply::json(200, &list))
}

pub(crate) fn options(request: &Request) -> Result<DeleteOptions, ApiError> {
    let body = if request.body.is_empty() { Value::Null } else { decode(request)? };
    options_of(&body, request)
}

/// From a `DeleteOptions` body, or the parameters that may stand in its place.
pub(crate) fn options_of(body: &Value, request: &Request) -> Result<DeleteOptions, ApiError> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let orphan = body.at("orphanDependents").as_bool();
    let policy = match body.str("propagationPolicy") {
        "" if body.is_null() => request.query.get("propagationPolicy"),
        given => given,
    };
    let propagation = match policy {
        "" => orphan.map(|orphan| if orphan { Propagation::Orphan } else { Propagation::Background }),
        "Background" => Some(Propagation::Background),
        "Foreground" => Some(Propagation::Foreground),
        "Orphan" => Some(Propagation::Orphan),
        _ => None,
    };
    let dry: Vec<&str> = match body.is_null() {
        true => request.query.all("dryRun"),
        false => body.list("dryRun").iter().filter_map(Value::as_str).collect(),
    };
    let mut causes = Vec::new();
    if orphan.is_some() && !policy.is_empty() {
        let detail = "orphanDependents and deletionPropagation cannot be both set";
        causes.push(Cause::invalid("propagationPolicy", &policy.into(), detail));
    }
    if propagation.is_none() && !policy.is_empty() {
        let known = ["Foreground", "Background", "Orphan", "nil"];
        causes.push(Cause::not_supported("propagationPolicy", policy, &known));
    }
    if dry.iter().any(|value| *value != "All") {
        let shown = serde_json::to_string(&dry).unwrap_or_default();
        let message = format!("Unsupported value: {shown}: supported values: \"All\"");
        causes.push(Cause::new("FieldValueNotSupported", "dryRun", message));
    }
    if !causes.is_empty() {
        let about = About { group: "meta.k8s.io", plural: "", kind: "DeleteOptions" };
        return Err(ApiError::invalid(about, "", causes));
    }
    let grace = match body.is_null() {
        true => request.query.get("gracePeriodSeconds").parse().ok(),
        false => body.at("gracePeriodSeconds").as_i64(),
    };
    Ok(DeleteOptions {
        grace_seconds: grace,
        uid: text(body.at("preconditions/uid")),
        resource_version: text(body.at("preconditions/resourceVersion")),
        propagation,
        dry_run: !dry.is_empty(),
    })
}
