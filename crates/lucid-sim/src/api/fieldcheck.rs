//! `fieldValidation`: unknown fields are errors, warnings, or silently dropped.

use serde_json::Value;

use crate::api::Request;
use crate::error::ApiError;
use crate::kinds::Kind;
use crate::schema::{Topology, TypeRef};

/// Drops the fields that the kind does not have; what is said about them depends on the request.
pub(crate) fn check(kind: &Kind, object: &mut Value, request: &Request) -> Result<Vec<String>, ApiError> {
    let mut unknown = Vec::new();
    prune(object, kind.type_ref(), &mut String::new(), &mut unknown);
    let said: Vec<String> = unknown.iter().map(|path| format!("unknown field {path:?}")).collect();
    match request.query.get("fieldValidation") {
        "Strict" if !said.is_empty() => {
            let kind_name = &kind.kind;
            Err(ApiError::bad_request(format!(
                "{kind_name} in version {:?} cannot be handled as a {kind_name}: strict decoding error: {}",
                kind.version,
                said.join(", ")
            )))
        }
        "Ignore" => Ok(Vec::new()),
        _ => Ok(said),
    }
}

fn prune(value: &mut Value, ty: TypeRef<'_>, path: &mut String, unknown: &mut Vec<String>) {
    if matches!(ty, TypeRef::Unknown) || matches!(ty.topology(), Topology::Deduced) {
        return;
    }
    match value {
        Value::Object(map) => {
            map.retain(|key, value| {
                let length = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                let known = match ty.field(key) {
                    Some(field) => {
                        prune(value, field, path, unknown);
                        true
                    }
                    None => {
                        unknown.push(path.clone());
                        false
                    }
                };
                path.truncate(length);
                known
            });
        }
        Value::Array(list) => {
            for (at, item) in list.iter_mut().enumerate() {
                let length = path.len();
                path.push_str(&format!("[{at}]"));
                prune(item, ty.items(), path, unknown);
                path.truncate(length);
            }
        }
        _ => {}
    }
}
