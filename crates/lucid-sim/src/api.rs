//! The HTTP API: from a request to the reply that a real server would give.
//!
//! [`path`] says what a request is about; [`read`], [`watch`], [`write`], [`patches`], [`delete`] serve the verbs;
//! [`subresource`], [`proxy`], [`access`] and [`discovery`] the rest.

pub(crate) mod access;
pub(crate) mod body;
pub(crate) mod convert;
pub(crate) mod delete;
pub(crate) mod discovery;
pub(crate) mod format;
pub(crate) mod options;
pub(crate) mod patches;
pub(crate) mod path;
pub(crate) mod proxy;
pub(crate) mod query;
pub(crate) mod read;
pub(crate) mod reply;
pub(crate) mod select;
pub(crate) mod subresource;
pub(crate) mod table;
pub(crate) mod watch;
pub(crate) mod write;

use std::sync::Arc;

use serde_json::Value;

use crate::error::ApiError;
use crate::kinds::Kind;
use crate::world::World;

use path::{Place, Target};
use query::Query;
pub(crate) use reply::{Body, Reply};

/// A request, taken off the wire.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) accept: String,
    pub(crate) content_type: String,
    pub(crate) user_agent: String,
    pub(crate) body: bytes::Bytes,
}

/// Larger bodies are refused before they are read.
pub(crate) const BODY_LIMIT: usize = 3 * 1024 * 1024;

pub(crate) fn handle(world: &mut World, request: &Request) -> Reply {
    world.warnings.clear();
    let reply = route(world, request).unwrap_or_else(|error| Reply::error(&error));
    let mut warnings: Vec<String> = Vec::new();
    for warning in world.warnings.drain(..) {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    Reply { warnings, ..reply }
}

fn route(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    match path::parse(&request.path) {
        Place::Fixed(what) => discovery::fixed(world, what, request),
        Place::Target(target) => {
            let kind = world.kinds.by_path(&target.group, &target.version, &target.plural).cloned();
            let kind = kind.ok_or_else(ApiError::no_such_path)?;
            resource(world, &kind, &target, request)
        }
        Place::Nowhere => Err(ApiError::no_such_path()),
    }
}

fn resource(world: &mut World, kind: &Arc<Kind>, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    if !kind.namespaced && !target.namespace.is_empty() {
        return Err(ApiError::no_such_path());
    }
    if let Some(reply) = access::review(world, kind, target, request)? {
        return Ok(reply);
    }
    if !target.subresource.is_empty() && target.subresource != "status" {
        return subresource::serve(world, kind, target, request);
    }
    if target.subresource == "status" && !kind.has_status() {
        return Err(ApiError::no_such_path());
    }
    let named = !target.name.is_empty();
    match (request.method.as_str(), named) {
        ("GET" | "HEAD", true) if !request.query.flag("watch") => read::get(world, kind, target, request),
        ("GET" | "HEAD", _) if request.query.flag("watch") => watch::open(world, kind, target, request),
        ("GET" | "HEAD", false) => read::list(world, kind, target, request),
        ("POST", false) => write::create(world, kind, target, request),
        ("PUT", true) => write::replace(world, kind, target, request),
        ("PATCH", true) => patches::patch(world, kind, target, request),
        ("DELETE", true) => delete::one(world, kind, target, request),
        ("DELETE", false) => delete::collection(world, kind, target, request),
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// The body of a request that is not an object of the collection: options, reviews, bindings.
pub(crate) fn decode(request: &Request) -> Result<Value, ApiError> {
    body::raw(request).map(|(value, _)| value)
}
