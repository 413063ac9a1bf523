//! PATCH in its four types.

use serde_json::Value;

use crate::api::path::Target;
use crate::api::write::{by, complete, manager};
use crate::api::{Reply, Request, decode, fieldcheck, format, read};
use crate::error::{ApiError, Cause};
use crate::fields::{self, ApplyError, Manager};
use crate::json::Json;
use crate::kinds::Kind;
use crate::patch;
use crate::strategy;
use crate::world::{By, World};

const ACCEPTED: &str = "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor";
const ACCEPTED_CUSTOM: &str = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor";

pub(crate) fn patch(world: &mut World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let media = request.content_type.split(';').next().unwrap_or("").trim();
    if request.query.flag("force") && !media.starts_with("application/apply-patch") {
        let cause = Cause::forbidden("force", "may not be specified for non-apply patch");
        return Err(options_invalid(vec![cause]));
    }
    match media {
        "application/apply-patch+yaml" => apply(world, kind, target, request),
        "application/json-patch+json" => rewrite(world, kind, target, request, json_patch),
        "application/merge-patch+json" => rewrite(world, kind, target, request, |old, body, _| {
            let mut new = old.clone();
            patch::merge(&mut new, body);
            Ok(new)
        }),
        "application/strategic-merge-patch+json" if !kind.is_custom() => {
            rewrite(world, kind, target, request, strategic)
        }
        _ => Err(ApiError::unsupported_media_type(if kind.is_custom() { ACCEPTED_CUSTOM } else { ACCEPTED })),
    }
}

fn options_invalid(causes: Vec<Cause>) -> ApiError {
    let about = crate::error::About { group: "meta.k8s.io", plural: "patchoptions", kind: "PatchOptions" };
    ApiError::invalid(about, "", causes)
}

fn json_patch(old: &Value, body: &Value, _kind: &Kind) -> Result<Value, ApiError> {
    let mut new = old.clone();
    match patch::json::apply(&mut new, body) {
        Ok(()) => Ok(new),
        Err(why) => {
            let mut error = ApiError::bad_request("the server rejected our request due to an error in our request");
            (error.code, error.reason) = (422, "Invalid");
            error.details = Some(serde_json::json!({"causes": [{"message": why}]}));
            Err(error)
        }
    }
}

fn strategic(old: &Value, body: &Value, kind: &Kind) -> Result<Value, ApiError> {
    let mut new = old.clone();
    patch::strategic::apply(&mut new, body, kind.type_ref()).map_err(ApiError::bad_request)?;
    Ok(new)
}

type Rewrite = fn(&Value, &Value, &Kind) -> Result<Value, ApiError>;

fn rewrite(
    world: &mut World,
    kind: &Kind,
    target: &Target,
    request: &Request,
    how: Rewrite,
) -> Result<Reply, ApiError> {
    let body = decode(request)?;
    let manager = manager(request);
    let mut warnings = Vec::new();
    let stored = world.kinds.stored(kind.table).clone();
    let write = world.update(&stored, &target.namespace, &target.name, by(&manager, target, request), |old| {
        let mut new = how(old, &body, &stored)?;
        check_identity(kind, old, &new)?;
        warnings = fieldcheck::check(&stored, &mut new, request)?;
        fields::remove::drop_nulls(&mut new);
        Ok(new)
    })?;
    let format = read::format_of(request)?;
    Ok(Reply { warnings, ..Reply::json(200, &format::one(&write.object, kind, format)) })
}

/// A patch cannot make another object of it.
fn check_identity(kind: &Kind, old: &Value, new: &Value) -> Result<(), ApiError> {
    for (field, what) in [("name", "name"), ("namespace", "namespace")] {
        let path = format!("metadata/{field}");
        if old.at(&path) != new.at(&path) {
            return Err(ApiError::bad_request(format!(
                "the {what} of the object ({}) does not match the {what} on the URL ({})",
                new.str(&path),
                old.str(&path)
            )));
        }
    }
    if new.str("apiVersion") != old.str("apiVersion") || new.str("kind") != old.str("kind") {
        return Err(ApiError::bad_request(format!("cannot change apiVersion or kind of a {}", kind.kind)));
    }
    Ok(())
}

/// Server-side apply: merges by field ownership, creates what is not there.
fn apply(world: &mut World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let manager = request.query.get("fieldManager").to_owned();
    if manager.is_empty() {
        return Err(options_invalid(vec![Cause::required("fieldManager", "is required for apply patch")]));
    }
    let mut config = decode(request)?;
    check_config(kind, &config)?;
    complete(kind, target, &mut config);
    crate::api::write::check_name(kind, &config, target)?;
    let by = By { applied: true, ..by(&manager, target, request) };
    let (now, api_version) = (world.stamp(), kind.api_version());
    let ignored = strategy::ignored_fields(kind, &target.subresource);
    let owner = Manager {
        name: &manager,
        api_version: &api_version,
        subresource: &target.subresource,
        now: &now,
        ignored: &ignored,
    };
    let force = request.query.flag("force");
    let merged = |live: Option<&Value>| {
        fields::apply(live, &config, kind.type_ref(), &owner, force).map_err(|error| refusal(kind, target, error))
    };
    let write = match world.get(kind.table, &target.namespace, &target.name) {
        Some(_) => world.update(kind, &target.namespace, &target.name, by, |live| merged(Some(live)))?,
        None if !target.subresource.is_empty() => return Err(ApiError::not_found(kind.about(), &target.name)),
        None if !config.uid().is_empty() => return Err(lost(kind, &config)),
        None => {
            let object = merged(None)?;
            world.create(kind, &target.namespace, object, by)?
        }
    };
    let format = read::format_of(request)?;
    let code = if write.created { 201 } else { 200 };
    Ok(Reply::json(code, &format::one(&write.object, kind, format)))
}

fn check_config(kind: &Kind, config: &Value) -> Result<(), ApiError> {
    if !config.is_object() {
        return Err(ApiError::bad_request("error decoding YAML: the configuration is not an object"));
    }
    if config.at("metadata").get("managedFields").is_some_and(|fields| !fields.is_null()) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    if config.str("apiVersion") != kind.api_version() {
        return Err(ApiError::bad_request(format!(
            "Incorrect version specified in apply patch. Specified patch version: {}, expected: {}",
            config.str("apiVersion"),
            kind.api_version()
        )));
    }
    if config.str("kind") != kind.kind {
        return Err(ApiError::bad_request(format!(
            "the kind of the patch ({}) is not {}",
            config.str("kind"),
            kind.kind
        )));
    }
    Ok(())
}

/// An apply that names a uid means an object that is no longer there.
fn lost(kind: &Kind, config: &Value) -> ApiError {
    let why =
        format!("uid mismatch: the provided object specified uid {}, and no existing object was found", config.uid());
    ApiError::conflict(kind.about(), config.name(), &why)
}

fn refusal(kind: &Kind, target: &Target, error: ApplyError) -> ApiError {
    match error {
        ApplyError::Conflicts(conflicts) => {
            let message = fields::managed::conflict_message(&conflicts);
            let cause = |(path, owner): (String, String)| {
                Cause::new("FieldManagerConflict", path, format!("conflict with {owner}"))
            };
            ApiError::apply_conflict(message, conflicts.into_iter().map(cause).collect())
        }
        ApplyError::Typed(problems) => {
            let namespace = if target.namespace.is_empty() { "" } else { &target.namespace };
            let mut error = ApiError::bad_request(format!(
                "failed to create typed patch object ({namespace}/{}; {}, Kind={}): {}",
                target.name,
                kind.api_version(),
                kind.kind,
                one_or_many(&problems)
            ));
            (error.code, error.reason) = (500, "");
            error
        }
    }
}

fn one_or_many(problems: &str) -> String {
    if problems.contains('\n') {
        let lines: Vec<String> = problems.lines().map(|line| format!("  {line}")).collect();
        format!("errors:\n{}", lines.join("\n"))
    } else {
        problems.into()
    }
}
