//! What the server serves: versions, health, discovery in its old and its aggregated form.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::openapi;
use crate::api::path::Fixed;
use crate::api::{Reply, Request};
use crate::error::ApiError;
use crate::kinds::Kind;
use crate::world::World;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

pub(crate) fn fixed(world: &World, what: Fixed, request: &Request) -> Result<Reply, ApiError> {
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return Err(ApiError::method_not_allowed());
    }
    let aggregated = request.accept.contains("as=APIGroupDiscoveryList") && request.accept.contains("v=v2");
    match what {
        Fixed::Version => Ok(Reply::json(200, &version())),
        Fixed::Health => Ok(Reply::text(200, "ok")),
        Fixed::Api if aggregated => Ok(aggregate(world, true)),
        Fixed::Apis if aggregated => Ok(aggregate(world, false)),
        Fixed::Api => Ok(Reply::json(200, &core_versions())),
        Fixed::Apis => {
            let groups: Vec<Value> = groups(world).iter().filter(|g| !g.is_empty()).map(|g| group(world, g)).collect();
            Ok(Reply::json(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})))
        }
        Fixed::Group(name) => {
            if !groups(world).contains(&name) {
                return Err(ApiError::no_such_path());
            }
            let mut group = group(world, &name);
            group["kind"] = "APIGroup".into();
            group["apiVersion"] = "v1".into();
            Ok(Reply::json(200, &group))
        }
        Fixed::Resources { group, version } => resources(world, &group, &version),
        Fixed::OpenApi(rest) => openapi::serve(world, &rest, request),
    }
}

fn version() -> Value {
    json!({"major": "1", "minor": "37", "emulationMajor": "1", "emulationMinor": "37", "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "36", "gitVersion": "v1.37.2", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.26.0", "compiler": "gc", "platform": "linux/amd64"})
}

fn core_versions() -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443"}]})
}

/// Groups in the order of the tables, custom ones last.
fn groups(world: &World) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for kind in world.kinds.iter() {
        if !out.contains(&kind.group) {
            out.push(kind.group.clone());
        }
    }
    out
}

fn versions<'w>(world: &'w World, group: &str) -> Vec<&'w str> {
    let mut out: Vec<&str> = Vec::new();
    for kind in world.kinds.iter().filter(|kind| kind.group == group) {
        if !out.contains(&kind.version.as_str()) {
            out.push(&kind.version);
        }
    }
    out
}

fn group(world: &World, name: &str) -> Value {
    let one = |version: &&str| json!({"groupVersion": format!("{name}/{version}"), "version": version});
    let versions: Vec<Value> = versions(world, name).iter().map(one).collect();
    json!({"name": name, "preferredVersion": versions[0], "versions": versions})
}

fn kinds_of<'w>(world: &'w World, group: &str, version: &str) -> Vec<&'w Arc<Kind>> {
    world.kinds.iter().filter(|kind| kind.group == group && kind.version == version).collect()
}

/// Subresources: name, group, version, kind, verbs.
fn parts(kind: &Kind) -> Vec<(String, String, String, String, Vec<String>)> {
    if let Some(builtin) = kind.builtin {
        let part = |s: &lucid_schema::Subresource| {
            let verbs = s.verbs.iter().map(|verb| (*verb).to_owned()).collect();
            (s.name.to_owned(), s.group.to_owned(), s.version.to_owned(), s.kind.to_owned(), verbs)
        };
        return builtin.subresources.iter().map(part).collect();
    }
    let verbs = || ["get", "patch", "update"].map(str::to_owned).to_vec();
    let mut out = Vec::new();
    if kind.has_subresource("status") {
        out.push(("status".into(), kind.group.clone(), kind.version.clone(), kind.kind.clone(), verbs()));
    }
    if kind.has_subresource("scale") {
        out.push(("scale".into(), "autoscaling".into(), "v1".into(), "Scale".into(), verbs()));
    }
    out
}

fn resources(world: &World, group: &str, version: &str) -> Result<Reply, ApiError> {
    let kinds = kinds_of(world, group, version);
    if kinds.is_empty() {
        return Err(ApiError::no_such_path());
    }
    let mut list = Vec::new();
    for kind in kinds {
        let mut entry = json!({"name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind, "verbs": kind.verbs});
        if !kind.short_names.is_empty() {
            entry["shortNames"] = json!(kind.short_names);
        }
        if !kind.categories.is_empty() {
            entry["categories"] = json!(kind.categories);
        }
        list.push(entry);
        for (name, group, version, of, verbs) in parts(kind) {
            let mut entry = json!({"name": format!("{}/{name}", kind.plural), "singularName": "", "namespaced": kind.namespaced, "kind": of, "verbs": verbs});
            if (group.as_str(), version.as_str()) != (kind.group.as_str(), kind.version.as_str()) {
                entry["group"] = group.into();
                entry["version"] = version.into();
            }
            list.push(entry);
        }
    }
    let name = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Ok(Reply::json(
        200,
        &json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": list}),
    ))
}

fn aggregate(world: &World, core: bool) -> Reply {
    let items: Vec<Value> =
        groups(world).iter().filter(|group| group.is_empty() == core).map(|g| aggregated_group(world, g)).collect();
    let list = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items});
    Reply { content_type: AGGREGATED, ..Reply::json(200, &list) }
}

fn aggregated_group(world: &World, group: &str) -> Value {
    let one = |version: &&str| {
        let resources: Vec<Value> =
            kinds_of(world, group, version).into_iter().map(|kind| aggregated_kind(kind)).collect();
        json!({"version": version, "resources": resources, "freshness": "Current"})
    };
    let versions: Vec<Value> = versions(world, group).iter().map(one).collect();
    let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
    json!({"metadata": metadata, "versions": versions})
}

fn aggregated_kind(kind: &Kind) -> Value {
    let scope = if kind.namespaced { "Namespaced" } else { "Cluster" };
    let mut entry = json!({"resource": kind.plural, "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": scope, "singularResource": kind.singular, "verbs": kind.verbs});
    if !kind.short_names.is_empty() {
        entry["shortNames"] = json!(kind.short_names);
    }
    if !kind.categories.is_empty() {
        entry["categories"] = json!(kind.categories);
    }
    let parts: Vec<Value> = parts(kind)
        .into_iter()
        .map(|(name, group, version, of, verbs)| {
            json!({"subresource": name, "responseKind": {"group": group, "version": version, "kind": of}, "verbs": verbs})
        })
        .collect();
    if !parts.is_empty() {
        entry["subresources"] = parts.into();
    }
    entry
}
