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
pub(crate) mod openapi;
pub(crate) mod options;
pub(crate) mod patches;
pub(crate) mod path;
pub(crate) mod proxy;
pub(crate) mod query;
pub(crate) mod rbac;
pub(crate) mod read;
pub(crate) mod reply;
pub(crate) mod select;
pub(crate) mod subresource;
pub(crate) mod table;
pub(crate) mod user;
pub(crate) mod watch;
pub(crate) mod write;

use std::sync::Arc;

use serde_json::Value;

use crate::error::ApiError;
use crate::kinds::Kind;
use crate::metrics;
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
    pub(crate) authorization: String,
    /// In whose place the request is made.
    pub(crate) impersonated: Option<user::User>,
    pub(crate) body: bytes::Bytes,
}

/// Larger bodies are refused before they are read.
pub(crate) const BODY_LIMIT: usize = 3 * 1024 * 1024;

pub(crate) fn handle(world: &mut World, request: &Request) -> Reply {
    world.warnings.clear();
    let reply = route(world, request).unwrap_or_else(|error| Reply::error(&error));
    world.asker = user::User::default();
    let mut warnings: Vec<String> = Vec::new();
    for warning in world.warnings.drain(..) {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    Reply { warnings, ..reply }
}

fn route(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let user = user::of(world, request)?;
    world.asker = user.clone();
    match path::parse(&request.path) {
        Place::Fixed(what) => {
            rbac::check_path(world, &user, &request.path)?;
            discovery::fixed(world, what, request)
        }
        Place::Target(target) => {
            let kind = world.kinds.by_path(&target.group, &target.version, &target.plural).cloned();
            let kind = kind.ok_or_else(ApiError::no_such_path)?;
            resource(world, &user, &kind, &target, request)
        }
        Place::Nowhere => Err(ApiError::no_such_path()),
    }
}

fn resource(
    world: &mut World,
    user: &user::User,
    kind: &Arc<Kind>,
    target: &Target,
    request: &Request,
) -> Result<Reply, ApiError> {
    if !kind.namespaced && !target.namespace.is_empty() {
        return Err(ApiError::no_such_path());
    }
    if !user.is_master() {
        rbac::check(world, user, kind, target, verb(target, request))?;
    }
    if kind.group == metrics::GROUP {
        return metrics::serve(world, kind, target, request);
    }
    if let Some(reply) = access::review(world, user, kind, target, request)? {
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

/// The verb of a request, as authorisation and discovery name it.
fn verb(target: &Target, request: &Request) -> &'static str {
    let named = !target.name.is_empty();
    match request.method.as_str() {
        "GET" | "HEAD" if request.query.flag("watch") => "watch",
        "GET" | "HEAD" if named => "get",
        "GET" | "HEAD" => "list",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" if !named => "deletecollection",
        _ => "delete",
    }
}

/// The body of a request that is not an object of the collection: options, reviews, bindings.
pub(crate) fn decode(request: &Request) -> Result<Value, ApiError> {
    body::raw(request).map(|(value, _)| value)
}
