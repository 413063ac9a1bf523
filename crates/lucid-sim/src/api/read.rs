//! GET and LIST.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::format::{self, Format, Include};
use crate::api::path::Target;
use crate::api::select::Selection;
use crate::api::{Reply, Request, convert, table};
use crate::error::ApiError;
use crate::json::Json;
use crate::kinds::Kind;
use crate::world::World;

pub(crate) const ACCEPTED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

pub(crate) fn format_of(request: &Request) -> Result<Format, ApiError> {
    let format = Format::negotiate(&request.accept).ok_or_else(|| ApiError::not_acceptable(ACCEPTED))?;
    match format {
        Format::Table(_) => {
            let given = request.query.get("includeObject");
            let include = Include::of(given)
                .ok_or_else(|| ApiError::bad_request(format!("unrecognized value for includeObject: {given:?}")))?;
            Ok(Format::Table(include))
        }
        other => Ok(other),
    }
}

pub(crate) fn get(world: &World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let format = format_of(request)?;
    if let Some(asked) = request.query.number("resourceVersion").filter(|asked| *asked > world.store.revision()) {
        return Err(ApiError::too_new(asked, world.store.revision()));
    }
    let object = world.store.get(kind.table, &target.namespace, &target.name);
    let object = object.ok_or_else(|| ApiError::not_found(kind.about(), &target.name))?;
    Ok(Reply::json(200, &format::one(object, kind, format, world.seconds())))
}

/// The revision of a token that goes on with whatever is there now.
const ANEW: u64 = 0;
const TOO_OLD: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/// Where a chunked list goes on: the revision it began at and the last key it gave.
fn token(revision: u64, after: &Value) -> String {
    let start =
        json!({"v": "meta.k8s.io/v1", "rv": revision, "start": format!("{}/{}\u{0}", after.namespace(), after.name())});
    crate::base64::encode(start.to_string().as_bytes()).trim_end_matches('=').to_owned()
}

fn read_token(token: &str) -> Option<(u64, String, String)> {
    let value: Value = serde_json::from_slice(&crate::base64::decode(token)?).ok()?;
    let (namespace, name) = value.str("start").trim_end_matches('\u{0}').split_once('/')?;
    Some((value.at("rv").as_u64()?, namespace.into(), name.into()))
}

pub(crate) fn list(world: &World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let format = format_of(request)?;
    let selection = Selection::of(kind, target, &request.query)?;
    check_version(world, request)?;
    let (mut revision, mut after) = (exactly(request).unwrap_or(world.store.revision()), None);
    if request.query.has("continue") && !request.query.get("continue").is_empty() {
        let (from, namespace, name) = read_token(request.query.get("continue"))
            .ok_or_else(|| ApiError::bad_request("continue key is not valid: encoded continue token is not valid"))?;
        if from != ANEW && from < world.store.compacted() {
            let anew = token(ANEW, &json!({"metadata": {"namespace": namespace, "name": name}}));
            return Err(ApiError::gone(TOO_OLD).with_continue(anew));
        }
        let from = if from == ANEW { revision } else { from };
        (revision, after) = (from, Some((namespace, name)));
    }
    let objects = snapshot(world, kind, &target.namespace, revision);
    // They stand in the order of their names, so that a page need not look at those before it.
    let begin = after.map_or(0, |(namespace, name)| {
        objects.partition_point(|o| (o.namespace(), o.name()) <= (namespace.as_str(), name.as_str()))
    });
    let rest = objects.len() - begin;
    let mut matching = objects.into_iter().skip(begin).filter(|o| selection.matches(o));
    let limit = request.query.number("limit").and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
    let found: Vec<Arc<Value>> = matching.by_ref().take(limit.unwrap_or(usize::MAX)).collect();
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    if kind.is_custom() {
        // Lists of custom resources say that there is nothing more.
        metadata["continue"] = "".into();
    }
    if let Some(last) = found.last().filter(|_| matching.next().is_some()) {
        metadata["continue"] = token(revision, last).into();
        if request.query.get("labelSelector").is_empty() && request.query.get("fieldSelector").is_empty() {
            metadata["remainingItemCount"] = (rest - found.len()).into();
        }
    }
    Ok(Reply::bytes(200, "application/json", body(kind, &found, metadata, format, world.seconds())))
}

/// The version that a list is to show, and no later one.
fn exactly(request: &Request) -> Option<u64> {
    let query = &request.query;
    let asked = query.number("resourceVersion").filter(|asked| *asked > 0)?;
    // A page of a version means that version, unless it is said otherwise.
    let is_page = query.number("limit").is_some_and(|limit| limit > 0) && query.get("resourceVersionMatch").is_empty();
    (is_page || query.get("resourceVersionMatch") == "Exact").then_some(asked)
}

fn check_version(world: &World, request: &Request) -> Result<(), ApiError> {
    let current = world.store.revision();
    let asked = request.query.number("resourceVersion");
    if let Some(asked) = asked.filter(|asked| *asked > current) {
        return Err(ApiError::too_new(asked, current));
    }
    if let Some(asked) = exactly(request).filter(|asked| *asked < world.store.compacted()) {
        return Err(ApiError::gone(format!("The resourceVersion for the provided list is too old. ({asked})")));
    }
    Ok(())
}

/// The collection as it was at a revision, by undoing the changes since.
fn snapshot(world: &World, kind: &Kind, namespace: &str, revision: u64) -> Vec<Arc<Value>> {
    let now: Vec<Arc<Value>> = if namespace.is_empty() {
        world.store.list(kind.table).cloned().collect()
    } else {
        world.store.list_in(kind.table, namespace).cloned().collect()
    };
    if revision >= world.store.revision() {
        return now;
    }
    let key = |object: &Value| (object.namespace().to_owned(), object.name().to_owned());
    let mut rows: std::collections::BTreeMap<_, _> = now.into_iter().map(|object| (key(&object), object)).collect();
    let later: Vec<_> = world.store.since(revision).filter(|change| change.table == kind.table).collect();
    for change in later.into_iter().rev() {
        match &change.old {
            Some(old) => rows.insert(key(old), old.clone()),
            None => rows.remove(&key(change.object())),
        };
    }
    rows.into_values().filter(|object| namespace.is_empty() || object.namespace() == namespace).collect()
}

fn body(kind: &Kind, objects: &[Arc<Value>], metadata: Value, format: Format, now: i64) -> Vec<u8> {
    if let Format::Table(include) = format {
        let table = table::of(kind, objects, metadata, include, now);
        return serde_json::to_vec(&table).expect("JSON values can be written");
    }
    let (api_version, list_kind) = match format {
        Format::Full => (kind.api_version(), kind.list_kind.clone()),
        _ => ("meta.k8s.io/v1".into(), "PartialObjectMetadataList".into()),
    };
    let head = json!({"kind": list_kind, "apiVersion": api_version, "metadata": metadata});
    let mut out = serde_json::to_vec(&head).expect("JSON values can be written");
    out.pop();
    out.extend_from_slice(b",\"items\":[");
    for (at, object) in objects.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let item = match format {
            Format::Full => convert::present(kind, object),
            _ => Arc::new(format::metadata(object)),
        };
        if format == Format::Full && !kind.is_custom() {
            // Items of built-in lists do not say their kind.
            let fields = item.as_object().into_iter().flatten();
            let rest: BTreeMap<_, _> =
                fields.filter(|(key, _)| !matches!(key.as_str(), "apiVersion" | "kind")).collect();
            serde_json::to_writer(&mut out, &rest).expect("JSON values can be written");
        } else {
            serde_json::to_writer(&mut out, &*item).expect("JSON values can be written");
        }
    }
    out.extend_from_slice(b"]}");
    out
}
