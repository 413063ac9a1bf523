//! Parts of objects that have a door of their own: scale, log, eviction, binding, proxy, token.

use std::sync::Arc;

use lucid_object::Gvk;
use lucid_schema::Schema;
use serde_json::{Value, json};

use crate::api::options::{self, manager};
use crate::api::path::Target;
use crate::api::write::by;
use crate::api::{Reply, Request, delete, patches, proxy};
use crate::decode::{self, Dialect};
use crate::error::{ApiError, Cause};
use crate::fields::Manager;
use crate::fields::managed;
use crate::fields::set::FieldSet;
use crate::json::{Json, JsonMut};
use crate::kinds::{Kind, Table};
use crate::patch;
use crate::schema::TypeRef;
use crate::world::{By, World};

pub(crate) fn serve(
    world: &mut World,
    kind: &Arc<Kind>,
    target: &Target,
    request: &Request,
) -> Result<Reply, ApiError> {
    if !kind.has_subresource(&target.subresource) {
        return Err(match kind.is_custom() {
            true => ApiError::not_found(kind.about(), &target.name),
            false => ApiError::no_such_path(),
        });
    }
    match (target.subresource.as_str(), request.method.as_str()) {
        ("scale", "GET") => Ok(Reply::json(200, &scale_of(kind, &*live(world, kind, target)?))),
        ("scale", "PUT" | "PATCH") => set_scale(world, kind, target, request),
        ("log", "GET") => log(world, kind, target, request),
        ("eviction", "POST") => evict(world, kind, target, request),
        ("binding", "POST") => bind(world, kind, target, request),
        ("proxy", _) => proxy::serve(world, kind, target, request),
        ("token", "POST") => token(world, kind, target, request),
        ("finalize", "PUT") => finalize(world, kind, target, request),
        ("exec" | "attach" | "portforward", _) => {
            Err(ApiError::bad_request(format!("{} needs a connection that can be upgraded", target.subresource)))
        }
        _ => Err(ApiError::method_not_allowed()),
    }
}

fn live(world: &World, kind: &Kind, target: &Target) -> Result<Arc<Value>, ApiError> {
    world
        .get(kind.table, &target.namespace, &target.name)
        .ok_or_else(|| ApiError::not_found(kind.about(), &target.name))
}

/// Where a kind keeps the number of its replicas.
fn replicas_path(kind: &Kind) -> String {
    scale_path(kind, "specReplicasPath").unwrap_or("spec/replicas".into())
}

/// A path that a definition names; `None` for built-in kinds.
fn scale_path(kind: &Kind, which: &str) -> Option<String> {
    let custom = kind.custom.as_ref()?;
    Some(custom.at("scale").str(which).trim_start_matches('.').replace('.', "/"))
}

fn scale_of(kind: &Kind, object: &Value) -> Value {
    let metadata = object.at("metadata");
    let labels = object.strings("spec/selector/matchLabels");
    let selector: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let selector = match scale_path(kind, "labelSelectorPath") {
        Some(path) => object.str(&path).to_owned(),
        None => selector.join(","),
    };
    let status = scale_path(kind, "statusReplicasPath").unwrap_or("status/replicas".into());
    let mut scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": metadata.str("name"), "namespace": metadata.str("namespace"), "uid": metadata.str("uid"),
            "resourceVersion": metadata.str("resourceVersion"), "creationTimestamp": metadata.str("creationTimestamp")},
        "spec": {}, "status": {"replicas": object.int(&status)},
    });
    if !selector.is_empty() {
        scale["status"]["selector"] = selector.into();
    }
    let replicas = object.int(&replicas_path(kind));
    if replicas != 0 {
        scale["spec"]["replicas"] = replicas.into();
    }
    scale
}

/// The type of scales, which is no resource of its own.
fn scale_type() -> TypeRef<'static> {
    let deployments = lucid_schema::resource(&Gvk::from_api_version("apps/v1", "Deployment"));
    let scale = deployments.and_then(|deployments| deployments.subresource("scale"));
    scale.and_then(Schema::of_subresource).map_or(TypeRef::Unknown, TypeRef::Builtin)
}

fn set_scale(world: &mut World, kind: &Arc<Kind>, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    options::check(request, if request.method == http::Method::PUT { "UpdateOptions" } else { "PatchOptions" })?;
    let body = crate::api::decode(request)?;
    let manager = manager(request);
    let by = by(&manager, target, request);
    let media = request.content_type.split(';').next().unwrap_or("").to_owned();
    let path = replicas_path(kind);
    let (now, api_version, name) = (world.stamp(), kind.api_version(), by.manager.to_owned());
    let by = By { applied: true, ..by };
    let write = world.update(kind, &target.namespace, &target.name, by, |old| {
        let mut scale = scale_of(kind, old);
        match (request.method.as_str(), media.as_str()) {
            ("PUT", _) => scale = body.clone(),
            (_, "application/json-patch+json") => patch::json::apply(&mut scale, &body)
                .map_err(|_| ApiError::bad_request("the patch cannot be applied"))?,
            (_, "application/strategic-merge-patch+json") => {
                patch::strategic::apply(&mut scale, &body, TypeRef::Unknown)?;
            }
            _ => patch::merge(&mut scale, &body),
        }
        let ty = scale_type();
        let (read, findings) = decode::decode(&scale, ty, Dialect::Json);
        if let Some(error) = findings.error {
            return Err(patches::invalid_patch(patches::How::Merge, &body, &scale, &error));
        }
        let scale = read;
        if scale.int("spec/replicas") < 0 && !kind.is_custom() {
            let detail = "must be greater than or equal to 0";
            let about = crate::error::About { group: "autoscaling", plural: "scales", kind: "Scale" };
            return Err(ApiError::invalid(
                about,
                old.name(),
                vec![Cause::invalid("spec.replicas", scale.at("spec/replicas"), detail)],
            ));
        }
        let mut new = old.clone();
        if scale.has("metadata/resourceVersion") {
            new.put("metadata/resourceVersion", scale.at("metadata/resourceVersion").clone());
        }
        let counts = (old.int(&path), scale.int("spec/replicas"));
        new.put(&path, counts.1);
        let fields: Vec<String> = path.split('/').map(|part| format!("f:{part}")).collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let owner = Manager {
            name: &name,
            api_version: &api_version,
            subresource: "scale",
            now: &now,
            ignored: &FieldSet::default(),
            trusted: false,
        };
        managed::scale(old, &mut new, &FieldSet::of(&[&fields]), &owner, counts);
        Ok(new)
    })?;
    Ok(Reply::json(200, &scale_of(kind, &write.object)))
}

fn log(world: &World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let pod = live(world, kind, target)?;
    let container = match request.query.get("container") {
        "" => match pod.list("spec/containers") {
            [one] => one.str("name").to_owned(),
            many => {
                let names: Vec<&str> = many.iter().map(|container| container.str("name")).collect();
                return Err(ApiError::bad_request(format!(
                    "a container name must be specified for pod {}, choose one of: [{}]",
                    pod.name(),
                    names.join(" ")
                )));
            }
        },
        given => given.to_owned(),
    };
    let all = pod.list("spec/containers").iter().chain(pod.list("spec/initContainers"));
    if !all.into_iter().any(|one| one.str("name") == container) {
        return Err(ApiError::bad_request(format!("container {container} is not valid for pod {}", pod.name())));
    }
    let node = pod.str("spec/nodeName");
    if world.kubelets.lost_since(node).is_some() {
        let host = crate::kubelet::host_ip(world, &pod);
        return Err(ApiError::internal(format!(
            "Get \"https://{host}:10250/containerLogs/{}/{}/{container}\": dial tcp {host}:10250: connect: no route to host",
            pod.namespace(),
            pod.name()
        )));
    }
    let lines = world.kubelets.log(pod.uid(), &container, request.query.flag("previous"));
    let Some(mut lines) = lines else {
        let status = pod.list("status/containerStatuses").iter().chain(pod.list("status/initContainerStatuses"));
        let waiting = status
            .into_iter()
            .find(|s| s.str("name") == container)
            .map_or("", |s| s.str("state/waiting/reason"))
            .to_owned();
        return Err(match request.query.flag("previous") {
            true => ApiError::bad_request(format!(
                "previous terminated container {container:?} in pod {:?} not found",
                pod.name()
            )),
            false if waiting.is_empty() => {
                ApiError::bad_request(format!("container {container:?} in pod {:?} is not available", pod.name()))
            }
            false => ApiError::bad_request(format!(
                "container {container:?} in pod {:?} is waiting to start: {}",
                pod.name(),
                if waiting == "ErrImagePull" || waiting == "ImagePullBackOff" {
                    "trying and failing to pull image"
                } else {
                    &waiting
                }
            )),
        });
    };
    if let Some(tail) = request.query.number("tailLines").and_then(|tail| usize::try_from(tail).ok()) {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Ok(Reply::text(200, text))
}

fn evict(world: &mut World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let body = crate::api::decode(request)?;
    let pod = live(world, kind, target)?;
    let labels = pod.labels();
    let budget = world.store.list_in(Table::BUDGETS, pod.namespace()).find(|budget| {
        lucid_object::LabelSelector::from_value(budget.at("spec/selector"))
            .is_some_and(|selector| selector.matches(&labels))
    });
    if let Some(budget) = budget.filter(|budget| budget.int("status/disruptionsAllowed") <= 0) {
        let message = "Cannot evict pod as it would violate the pod's disruption budget.";
        let cause = Cause {
            reason: "DisruptionBudget",
            message: format!(
                "The disruption budget {} needs {} healthy pods and has {} currently",
                budget.name(),
                budget.int("status/desiredHealthy"),
                budget.int("status/currentHealthy")
            ),
            field: String::new(),
        };
        return Err(ApiError::too_many(message, None).with_cause(cause));
    }
    let options = delete::options_of(body.at("deleteOptions"), request)?;
    world.delete(kind, &target.namespace, &target.name, &options)?;
    Ok(Reply::json(201, &success()))
}

fn bind(world: &mut World, kind: &Arc<Kind>, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let body = crate::api::decode(request)?;
    let node = body.str("target/name").to_owned();
    let manager = manager(request);
    world.update(kind, &target.namespace, &target.name, by(&manager, target, request), |old| {
        if !old.str("spec/nodeName").is_empty() {
            let why = format!("pod {} is already assigned to node {:?}", old.name(), old.str("spec/nodeName"));
            return Err(ApiError::conflict(kind.about(), old.name(), &why));
        }
        let mut new = old.clone();
        new.put("spec/nodeName", node);
        Ok(new)
    })?;
    Ok(Reply::json(201, &success()))
}

fn success() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})
}

fn token(world: &mut World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let account = live(world, kind, target)?;
    let mut review = crate::api::decode(request)?;
    review.default_to("spec/expirationSeconds", 3600);
    let token = format!("sim.{}.{:016x}", account.uid(), world.chooser.next());
    let expires = crate::time::format_seconds(world.seconds() + review.int("spec/expirationSeconds"));
    review.put("status", json!({"token": token, "expirationTimestamp": expires}));
    Ok(Reply::json(201, &review))
}

fn finalize(world: &mut World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let body = crate::api::decode(request)?;
    let old = live(world, kind, target)?;
    let mut new = Value::clone(&old);
    new.put("spec/finalizers", body.at("spec/finalizers").clone());
    let object = world.commit(kind.table, new);
    if object.is_deleting()
        && object.list("spec/finalizers").is_empty()
        && object.list("metadata/finalizers").is_empty()
    {
        world.erase(kind.table, "", object.name());
    }
    Ok(Reply::json(200, &object))
}
