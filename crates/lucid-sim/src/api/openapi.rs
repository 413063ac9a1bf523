//! The OpenAPI documents, version 2 as one and version 3 by group, made from the same tables that requests are read by.
//!
//! [`schema`] writes types, [`paths`] the operations that clients look for. Descriptions of built-in fields are not in
//! the tables; those of custom resources are the definition's own.

mod paths;
mod schema;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::api::{Reply, Request};
use crate::error::ApiError;
use crate::kinds::Kind;
use crate::world::World;

use schema::{Dialect, Schemas};

pub(crate) fn serve(world: &World, rest: &str, request: &Request) -> Result<Reply, ApiError> {
    let accepts = |media: &str| request.accept.split(',').any(|part| part.trim().starts_with(media));
    if !request.accept.is_empty() && !accepts("application/json") && !accepts("*/*") && !accepts("application/*") {
        return Err(ApiError::not_acceptable("application/json"));
    }
    match rest {
        "v2" => Ok(Reply::json(200, &whole(world))),
        "v3" => Ok(Reply::json(200, &index(world))),
        path => {
            let group_version = path.strip_prefix("v3/").ok_or_else(ApiError::no_such_path)?;
            let kinds: Vec<&Arc<Kind>> = world.kinds.iter().filter(|kind| place(kind) == group_version).collect();
            if kinds.is_empty() {
                return Err(ApiError::no_such_path());
            }
            Ok(Reply::json(200, &part(&kinds)))
        }
    }
}

/// `api/v1`, `apis/apps/v1`.
fn place(kind: &Kind) -> String {
    match kind.group.as_str() {
        "" => format!("api/{}", kind.version),
        group => format!("apis/{group}/{}", kind.version),
    }
}

/// Which documents there are, each under a name that changes with its content.
fn index(world: &World) -> Value {
    let mut documents: Map<String, Value> = Map::new();
    for kind in world.kinds.iter() {
        let place = place(kind);
        if documents.contains_key(&place) {
            continue;
        }
        let kinds: Vec<&Arc<Kind>> = world.kinds.iter().filter(|other| self::place(other) == place).collect();
        let hash = match kinds.iter().any(|kind| kind.is_custom()) {
            true => fold(&part(&kinds).to_string()),
            // Built-in kinds never change.
            false => fold(&place),
        };
        documents.insert(place.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{place}?hash={hash:016X}")}));
    }
    json!({"paths": documents})
}

/// FNV-1a.
fn fold(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn part(kinds: &[&Arc<Kind>]) -> Value {
    let mut schemas = Schemas::new(Dialect::Three);
    let mut operations = Map::new();
    for kind in kinds {
        schemas.add(kind);
        operations.extend(paths::of(kind, Dialect::Three));
    }
    json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.37.2"}, "paths": operations,
        "components": {"schemas": schemas.done()}})
}

fn whole(world: &World) -> Value {
    let mut schemas = Schemas::new(Dialect::Two);
    let mut operations = Map::new();
    for kind in world.kinds.iter() {
        schemas.add(kind);
        operations.extend(paths::of(kind, Dialect::Two));
    }
    json!({"swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1.37.2"}, "paths": operations, "definitions": schemas.done()})
}
