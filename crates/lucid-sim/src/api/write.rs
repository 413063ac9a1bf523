//! POST and PUT.

use serde_json::Value;

use crate::api::path::Target;
use crate::api::{Reply, Request, body, format, options, read};
use crate::error::ApiError;
use crate::json::{Json, JsonMut};
use crate::kinds::Kind;
use crate::strategy;
use crate::world::write::Write;
use crate::world::{By, World, metadata};

pub(crate) fn create(world: &mut World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    if kind.namespaced && target.namespace.is_empty() {
        return Err(ApiError::method_not_allowed());
    }
    let format = read::format_of(request)?;
    body::check_media(request)?;
    options::check(request, "CreateOptions")?;
    let object = body::object(world, kind, request)?;
    let manager = options::manager(request);
    let by = by(&manager, target, request);
    let stored = world.kinds.stored(kind.table).clone();
    let write = world.create(&stored, &target.namespace, object, by)?;
    Ok(reply(world, kind, &write, format))
}

pub(crate) fn replace(world: &mut World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let format = read::format_of(request)?;
    options::check(request, "UpdateOptions")?;
    body::check_media(request)?;
    let mut object = body::object(world, kind, request)?;
    metadata::place(kind, &target.namespace, &mut object)?;
    body::check_name(&object, &target.name)?;
    let manager = options::manager(request);
    let by = by(&manager, target, request);
    let stored = world.kinds.stored(kind.table).clone();
    let live = world.store.get(kind.table, &target.namespace, &target.name);
    let write = match live {
        None if strategy::creates_by_update(kind) && target.subresource.is_empty() => {
            object.cut("metadata/resourceVersion");
            world.create(&stored, &target.namespace, object, by)?
        }
        _ => world.update(&stored, &target.namespace, &target.name, by, |old| {
            check_uid(&stored, old, &object, request.query.dry_run())?;
            Ok(object)
        })?,
    };
    Ok(reply(world, kind, &write, format))
}

/// A replacement that names another object of the name is refused before anything else is looked at.
fn check_uid(kind: &Kind, old: &Value, new: &Value, dry_run: bool) -> Result<(), ApiError> {
    let uid = new.uid();
    if uid.is_empty() || uid == old.uid() {
        return Ok(());
    }
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
        // A dry run does not get as far as the database, which puts a prefix before the key.
        storage_key(kind, old).trim_start_matches(if dry_run { "/registry" } else { "" }),
        old.uid()
    );
    Err(ApiError::conflict(kind.about(), old.name(), &why))
}

/// Where the server keeps an object in its database.
fn storage_key(kind: &Kind, object: &Value) -> String {
    let place = match (kind.group.as_str(), kind.plural.as_str()) {
        ("", "services") => "services/specs".into(),
        ("networking.k8s.io", "ingresses") => "ingress".into(),
        ("", plural) => plural.into(),
        (group, plural) if kind.is_custom() => format!("{group}/{plural}"),
        (_, plural) => plural.to_owned(),
    };
    let namespace = if kind.namespaced { format!("/{}", object.namespace()) } else { String::new() };
    format!("/registry/{place}{namespace}/{}", object.name())
}

pub(crate) fn reply(world: &World, kind: &Kind, write: &Write, format: format::Format) -> Reply {
    let code = if write.created { 201 } else { 200 };
    Reply::json(code, &format::one(&write.object, kind, format, world.seconds()))
}

pub(crate) fn by<'a>(manager: &'a str, target: &'a Target, request: &Request) -> By<'a> {
    By { manager, subresource: &target.subresource, dry_run: request.query.dry_run(), applied: false, trusted: false }
}
