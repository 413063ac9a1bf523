//! PATCH in its four types.

use std::sync::Arc;

use serde_json::Value;

use crate::api::body::Validation;
use crate::api::path::Target;
use crate::api::write::{by, reply};
use crate::api::{Reply, Request, body, convert, options, read};
use crate::decode::{self, Dialect};
use crate::error::{About, ApiError, Cause};
use crate::fields::{self, ApplyError, Manager};
use crate::json::{Json, JsonMut};
use crate::kinds::Kind;
use crate::patch;
use crate::strategy;
use crate::world::{By, World, metadata};

const ACCEPTED: &str = "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor";
const ACCEPTED_CUSTOM: &str = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Json,
    Merge,
    Strategic,
}

impl How {
    /// Strategic patches are merged as trees, the others as JSON.
    fn dialect(self) -> Dialect {
        if self == Self::Strategic { Dialect::Tree } else { Dialect::Json }
    }
}

pub(crate) fn patch(
    world: &mut World,
    kind: &Arc<Kind>,
    target: &Target,
    request: &Request,
) -> Result<Reply, ApiError> {
    let how = match request.content_type.split(';').next().unwrap_or("").trim() {
        "application/apply-patch+yaml" => None,
        "application/json-patch+json" => Some(How::Json),
        "application/merge-patch+json" => Some(How::Merge),
        "application/strategic-merge-patch+json" if !kind.is_custom() => Some(How::Strategic),
        _ => return Err(ApiError::unsupported_media_type(if kind.is_custom() { ACCEPTED_CUSTOM } else { ACCEPTED })),
    };
    let format = read::format_of(request)?;
    options::check(request, "PatchOptions")?;
    let write = match how {
        Some(how) => rewrite(world, kind, target, request, how)?,
        None => apply(world, kind, target, request)?,
    };
    Ok(reply(world, kind, &write, format))
}

type Written = crate::world::write::Write;

fn rewrite(
    world: &mut World,
    kind: &Arc<Kind>,
    target: &Target,
    request: &Request,
    how: How,
) -> Result<Written, ApiError> {
    let (patch, duplicates) = decode::parse(&request.body).map_err(|_| ApiError::bad_request("invalid JSON patch"))?;
    if world.get(kind.table, &target.namespace, &target.name).is_none() {
        return Err(ApiError::not_found(kind.about(), &target.name));
    }
    check_shape(how, &patch, body::validation(request) == Validation::Ignore)?;
    let manager = options::manager(request);
    let stored = world.kinds.stored(kind.table).clone();
    let mut warnings = Vec::new();
    let result = world.update(&stored, &target.namespace, &target.name, by(&manager, target, request), |old| {
        let live = convert::in_version(kind, &Arc::new(old.clone()));
        let mut patched = patched(kind, &live, &patch, how)?;
        if how == How::Strategic {
            // The patched tree is read without regard to what it says it is.
            for (field, value) in [("apiVersion", kind.api_version()), ("kind", kind.kind.clone())] {
                if matches!(patched.at(field), Value::String(_) | Value::Null) {
                    patched.put(field, value);
                }
            }
        } else if let Err(error) = body::check_patched(kind, &patched) {
            return Err(invalid_patch(how, &patch, &patched, &error));
        } else if !kind.is_custom() && patched.str("apiVersion").is_empty() {
            return Err(versionless(request, target, how, &patch, &patched, &mut warnings));
        }
        if kind.is_custom() {
            if patched.str("apiVersion").is_empty() {
                let why = "Object 'apiVersion' is missing in 'object has no apiVersion field'";
                return Err(ApiError::internal(why));
            }
            check_type(kind, &target.name, &patched)?;
        }
        let (mut object, findings) = body::read(kind, patched.clone(), how.dialect());
        if let Some(error) = findings.error {
            return Err(invalid_patch(how, &patch, &patched, &error));
        }
        let prefix = if how == How::Json { "json patch " } else { "" };
        let told = duplicates.iter().map(|text| format!("{prefix}{text}"));
        let told: Vec<String> = told.chain(findings.strict).collect();
        match body::validation(request) {
            Validation::Strict if !told.is_empty() => {
                let why = format!("strict decoding error: {}", told.join(", "));
                return Err(invalid_patch(how, &patch, &patched, &why));
            }
            Validation::Ignore => {}
            _ => warnings = told,
        }
        metadata::place(kind, &target.namespace, &mut object)?;
        body::check_name(&object, &target.name)?;
        Ok(object)
    });
    world.warnings.splice(0..0, warnings);
    result
}

fn check_number(version: &str) -> Result<(), ApiError> {
    match version.parse::<u64>() {
        Err(_) if !version.is_empty() => {
            Err(ApiError::failed(format!("strconv.ParseUint: parsing {version:?}: invalid syntax")))
        }
        _ => Ok(()),
    }
}

/// A custom resource that was made one of another kind.
pub(crate) fn check_type(kind: &Kind, name: &str, patched: &Value) -> Result<(), ApiError> {
    let expected = [("kind", kind.kind.clone()), ("apiVersion", kind.api_version())];
    let wrong = expected.iter().filter(|(field, is)| patched.str(field) != is);
    let causes: Vec<Cause> =
        wrong.map(|(field, is)| Cause::invalid(*field, patched.at(field), &format!("must be {is}"))).collect();
    if causes.is_empty() {
        return Ok(());
    }
    let group = patched.str("apiVersion").rsplit_once('/').map_or("", |(group, _)| group);
    Err(ApiError::invalid(About { group, kind: patched.str("kind"), ..kind.about() }, name, causes))
}

/// Without a version, the object is read as the server's own type, which has neither metadata nor anything else of it.
fn versionless(
    request: &Request,
    target: &Target,
    how: How,
    patch: &Value,
    patched: &Value,
    warnings: &mut Vec<String>,
) -> ApiError {
    let known = |key: &str| {
        matches!(key, "apiVersion" | "kind" | "name" | "generateName" | "namespace" | "uid" | "labels" | "annotations")
    };
    let fields = patched.as_object().into_iter().flatten().map(|(key, _)| key);
    let told: Vec<String> = fields.filter(|key| !known(key)).map(|key| format!("unknown field {key:?}")).collect();
    match body::validation(request) {
        Validation::Strict => {
            return invalid_patch(how, patch, patched, &format!("strict decoding error: {}", told.join(", ")));
        }
        Validation::Warn => *warnings = told,
        Validation::Ignore => {}
    }
    ApiError::bad_request(format!(
        "the name of the object ({} based on URL) was undeterminable: name must be provided",
        target.name
    ))
}

fn unreadable(how: How, why: &str) -> ApiError {
    ApiError::bad_request(match how {
        How::Strategic => why.to_owned(),
        _ => format!("error decoding patch: {why}"),
    })
}

/// Patches that are no patches. Without field validation, they are read by another decoder.
fn check_shape(how: How, patch: &Value, ignoring: bool) -> Result<(), ApiError> {
    let what = decode::kind(patch);
    match how {
        How::Json if ignoring && !patch.is_array() && !patch.is_null() => {
            Err(ApiError::bad_request(format!("json: cannot unmarshal {what} into Go value of type jsonpatch.Patch")))
        }
        How::Merge if patch.is_null() => Err(ApiError::bad_request("Invalid JSON Patch")),
        How::Merge if ignoring && patch.is_array() => Ok(()),
        How::Merge if ignoring && !patch.is_object() => Err(ApiError::bad_request("Invalid JSON Patch")),
        How::Json if !patch.is_array() && !patch.is_null() => {
            Err(unreadable(how, &format!("json: cannot unmarshal {what} into Go value of type []handlers.jsonPatchOp")))
        }
        How::Merge | How::Strategic if !patch.is_object() && !patch.is_null() => Err(unreadable(
            how,
            &format!("json: cannot unmarshal {what} into Go value of type map[string]interface {{}}"),
        )),
        _ => Ok(()),
    }
}

fn patched(kind: &Kind, live: &Value, patch: &Value, how: How) -> Result<Value, ApiError> {
    let mut new = live.clone();
    match how {
        How::Json => patch::json::apply(&mut new, patch).map_err(|_| cannot_apply())?,
        How::Merge => patch::merge(&mut new, patch),
        How::Strategic => patch::strategic::apply(&mut new, patch, kind.type_ref())?,
    }
    Ok(new)
}

/// A JSON patch whose operations cannot be done.
fn cannot_apply() -> ApiError {
    let mut error = ApiError::bad_request("the server rejected our request due to an error in our request");
    (error.code, error.reason, error.details) = (422, "Invalid", Some(serde_json::json!({})));
    error
}

/// The patched object is no object of the kind any more.
pub(crate) fn invalid_patch(how: How, patch: &Value, patched: &Value, why: &str) -> ApiError {
    let shown = if how == How::Strategic { patch } else { patched }.to_string();
    let cause = Cause::invalid("patch", &shown.into(), why);
    ApiError::invalid(About { group: "", plural: "", kind: "" }, "", vec![cause])
}

/// Server-side apply: merges by field ownership, creates what is not there.
fn apply(world: &mut World, kind: &Arc<Kind>, target: &Target, request: &Request) -> Result<Written, ApiError> {
    let manager = request.query.get("fieldManager").to_owned();
    let config = read_config(request)?;
    let by = By { applied: true, ..by(&manager, target, request) };
    let (now, api_version) = (world.stamp(), kind.api_version());
    let ignored = strategy::ignored_fields(kind, &target.subresource);
    let owner = Manager {
        name: &manager,
        api_version: &api_version,
        subresource: &target.subresource,
        now: &now,
        ignored: &ignored,
        trusted: false,
    };
    let force = request.query.flag("force");
    let merged = |live: Option<&Value>| {
        check_config(kind, &config)?;
        let live = live.map(|live| convert::in_version(kind, &Arc::new(live.clone())));
        let merged = fields::apply(live.as_deref(), &config, kind.type_ref(), &owner, force);
        let merged = merged.map_err(|error| refusal(kind, &config, live.as_deref(), error))?;
        let (mut object, findings) = body::read(kind, merged, Dialect::Tree);
        if let Some(error) = findings.error {
            let about = described(kind, &config);
            let gvk = format!("{}/{}, Kind={}", kind.group, kind.version, config.str("kind"));
            return Err(ApiError::failed(format!(
                "failed to convert new object ({about}) to proper version: unable to convert unstructured object to {gvk}: {error}"
            )));
        }
        if live.is_none() && !config.uid().is_empty() {
            return Err(lost(kind, target, &config));
        }
        metadata::place(kind, &target.namespace, &mut object)?;
        body::check_name(&object, &target.name)?;
        Ok(object)
    };
    let stored = world.kinds.stored(kind.table).clone();
    match world.get(kind.table, &target.namespace, &target.name) {
        Some(_) => world.update(&stored, &target.namespace, &target.name, by, |live| merged(Some(live))),
        None if !target.subresource.is_empty() => Err(ApiError::not_found(kind.about(), &target.name)),
        None => {
            let mut object = merged(None)?;
            if let Some(version) = object.cut("metadata/resourceVersion") {
                check_number(version.as_str().unwrap_or_default())?;
            }
            world.create(&stored, &target.namespace, object, by)
        }
    }
}

fn read_config(request: &Request) -> Result<Value, ApiError> {
    let text = std::str::from_utf8(&request.body).unwrap_or_default();
    let parsed: Result<(Value, Option<String>), String> = match decode::parse(&request.body) {
        Ok((value, _)) => Ok((value, None)),
        Err(_) => body::yaml(text),
    };
    let (config, repeated) = parsed.map_err(|why| ApiError::bad_request(format!("error decoding patch: {why}")))?;
    if let Some(repeated) = repeated.filter(|_| body::validation(request) == Validation::Strict) {
        let why = format!("error converting YAML to JSON: yaml: unmarshal errors:\n  {repeated}");
        return Err(ApiError::bad_request(format!("error strict decoding YAML: {why}")));
    }
    if config.is_object() || config.is_null() {
        return Ok(config);
    }
    let why = format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
        decode::kind(&config)
    );
    Err(ApiError::bad_request(format!("error decoding patch: {why}")))
}

fn check_config(kind: &Kind, config: &Value) -> Result<(), ApiError> {
    let (version, name) = (config.str("apiVersion"), config.str("kind"));
    if version != kind.api_version() || name != kind.kind {
        let known = match version.matches('/').count() {
            0 if version.is_empty() => "/".into(),
            0 => format!("/{version}"),
            1 => version.to_owned(),
            _ => return Err(ApiError::bad_request("invalid object type: /, Kind=")),
        };
        return Err(ApiError::bad_request(format!("invalid object type: {known}, Kind={name}")));
    }
    if config.at("metadata").get("managedFields").is_some_and(|fields| !fields.is_null()) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    Ok(())
}

/// An apply that names a uid means an object that is no longer there.
fn lost(kind: &Kind, target: &Target, config: &Value) -> ApiError {
    let why =
        format!("uid mismatch: the provided object specified uid {}, and no existing object was found", config.uid());
    ApiError::conflict(kind.about(), &target.name, &why)
}

/// `default/api; apps/v1, Kind=Deployment`.
fn described(kind: &Kind, config: &Value) -> String {
    format!("{}/{}; {}/{}, Kind={}", config.namespace(), config.name(), kind.group, kind.version, config.str("kind"))
}

fn refusal(kind: &Kind, config: &Value, live: Option<&Value>, error: ApplyError) -> ApiError {
    match error {
        ApplyError::Conflicts(conflicts) => {
            let message = fields::managed::conflict_message(&conflicts);
            let cause = |(path, owner): (String, String)| {
                Cause::new("FieldManagerConflict", path, format!("conflict with {owner}"))
            };
            ApiError::apply_conflict(message, conflicts.into_iter().map(cause).collect())
        }
        ApplyError::Live { tracked, problems } => {
            let about = described(kind, live.unwrap_or(config));
            let problems = one_or_many(&problems);
            ApiError::failed(match tracked {
                true => format!("failed to create typed live object ({about}): {problems}"),
                false => format!(
                    "failed to create manager for existing fields: failed to convert new object ({about}) to smd typed: {problems}"
                ),
            })
        }
        ApplyError::Typed(problems) => {
            let about = described(kind, config);
            ApiError::failed(format!("failed to create typed patch object ({about}): {}", one_or_many(&problems)))
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
