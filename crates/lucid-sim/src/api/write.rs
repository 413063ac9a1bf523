//! POST and PUT, and what all writes have in common.

use serde_json::Value;

use crate::api::path::Target;
use crate::api::{Reply, Request, convert, decode, fieldcheck, format, read};
use crate::error::{ApiError, Cause};
use crate::json::{Json, JsonMut};
use crate::kinds::Kind;
use crate::world::{By, World};

pub(crate) fn create(world: &mut World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    if kind.namespaced && target.namespace.is_empty() {
        return Err(ApiError::method_not_allowed());
    }
    let mut object = decode(request)?;
    check_kind(kind, &object)?;
    let warnings = fieldcheck::check(kind, &mut object, request)?;
    convert::store(kind, &mut object);
    let manager = manager(request);
    let by = by(&manager, target, request);
    let stored = world.kinds.stored(kind.table).clone();
    let write = world.create(&stored, &target.namespace, object, by)?;
    let format = read::format_of(request)?;
    Ok(Reply { warnings, ..Reply::json(201, &format::one(&write.object, kind, format)) })
}

pub(crate) fn replace(world: &mut World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let mut object = decode(request)?;
    check_kind(kind, &object)?;
    check_name(kind, &object, target)?;
    let warnings = fieldcheck::check(kind, &mut object, request)?;
    convert::store(kind, &mut object);
    let manager = manager(request);
    let by = by(&manager, target, request);
    let format = read::format_of(request)?;
    let stored = world.kinds.stored(kind.table).clone();
    if world.store.get(kind.table, &target.namespace, &target.name).is_none()
        && creates_by_update(kind)
        && target.subresource.is_empty()
    {
        let write = world.create(&stored, &target.namespace, object, by)?;
        return Ok(Reply::json(201, &format::one(&write.object, kind, format)));
    }
    let write = world.update(&stored, &target.namespace, &target.name, by, |_| Ok(object))?;
    Ok(Reply { warnings, ..Reply::json(200, &format::one(&write.object, kind, format)) })
}

/// The few kinds that a PUT may bring into being.
fn creates_by_update(kind: &Kind) -> bool {
    matches!(kind.kind.as_str(), "Endpoints" | "Lease" | "Event" | "LimitRange" | "ServiceAccount_")
        || kind.group == "rbac.authorization.k8s.io"
}

pub(crate) fn by<'a>(manager: &'a str, target: &'a Target, request: &Request) -> By<'a> {
    By { manager, subresource: &target.subresource, dry_run: request.query.dry_run(), applied: false, trusted: false }
}

/// Who writes: the parameter, else the first word of the user agent.
pub(crate) fn manager(request: &Request) -> String {
    let given = request.query.get("fieldManager");
    if !given.is_empty() {
        return given.into();
    }
    let agent = request.user_agent.split('/').next().unwrap_or("");
    agent.chars().take(128).collect()
}

pub(crate) fn check_kind(kind: &Kind, object: &Value) -> Result<(), ApiError> {
    let (version, name) = (object.str("apiVersion"), object.str("kind"));
    if !object.is_object() {
        return Err(ApiError::bad_request(
            "couldn't get version/kind; json parse error: json: cannot unmarshal into Go value",
        ));
    }
    if !version.is_empty() && version != kind.api_version() || !name.is_empty() && name != kind.kind {
        if version != kind.api_version() {
            return Err(ApiError::bad_request(format!(
                "the API version in the data ({version}) does not match the expected API version ({})",
                kind.api_version()
            )));
        }
        return Err(ApiError::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: no kind {name:?} is registered for version {version:?}",
            name, kind.version, kind.kind
        )));
    }
    Ok(())
}

pub(crate) fn check_name(kind: &Kind, object: &Value, target: &Target) -> Result<(), ApiError> {
    let (name, namespace) = (object.name(), object.namespace());
    if name.is_empty() {
        return Err(ApiError::bad_request("the name of the object (.metadata.name) must be set"))
            .or_else(|error: ApiError| if target.name.is_empty() { Err(error) } else { missing_name(kind) });
    }
    if name != target.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    if !namespace.is_empty() && namespace != target.namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

fn missing_name(kind: &Kind) -> Result<(), ApiError> {
    Err(ApiError::invalid(kind.about(), "", vec![Cause::required("metadata.name", "name is required")]))
}

/// Fills in what the URL says and the body leaves out.
pub(crate) fn complete(kind: &Kind, target: &Target, object: &mut Value) {
    object.default_to("metadata/name", target.name.clone());
    if kind.namespaced {
        object.default_to("metadata/namespace", target.namespace.clone());
    }
}
