//! The server's validation, as far as deployments meet it: each problem one cause of a 422.

mod immutable;
mod names;
mod workloads;

use serde_json::Value;

use crate::error::{ApiError, Cause};
use crate::json::Json;
use crate::kinds::Kind;
use crate::world::World;

pub(crate) fn create(_world: &World, kind: &Kind, object: &Value) -> Result<(), ApiError> {
    let mut causes = names::check(kind, object);
    causes.extend(workloads::check(kind, object));
    refuse(kind, object, causes)
}

pub(crate) fn update(_world: &World, kind: &Kind, subresource: &str, old: &Value, new: &Value) -> Result<(), ApiError> {
    if subresource == "status" {
        return Ok(());
    }
    let mut causes = workloads::check(kind, new);
    causes.extend(immutable::check(kind, old, new));
    refuse(kind, new, causes)
}

fn refuse(kind: &Kind, object: &Value, causes: Vec<Cause>) -> Result<(), ApiError> {
    if causes.is_empty() { Ok(()) } else { Err(ApiError::invalid(kind.about(), object.name(), causes)) }
}
