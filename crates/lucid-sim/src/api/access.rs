//! Reviews: may I, and what may I. The simulated user may do everything that the configuration does not deny.

use serde_json::{Value, json};

use crate::api::path::Target;
use crate::api::{Reply, Request, decode};
use crate::error::ApiError;
use crate::json::JsonMut;
use crate::kinds::Kind;
use crate::world::World;

/// Answers the kinds that are questions; `None` for all others.
pub(crate) fn review(
    _world: &World,
    kind: &Kind,
    _target: &Target,
    request: &Request,
) -> Result<Option<Reply>, ApiError> {
    if !matches!(kind.group.as_str(), "authorization.k8s.io" | "authentication.k8s.io") {
        return Ok(None);
    }
    if request.method != http::Method::POST {
        return Err(ApiError::method_not_allowed());
    }
    let mut review = decode(request)?;
    review.default_to("metadata", json!({}));
    review.put("status", status(kind));
    Ok(Some(Reply::json(201, &review)))
}

fn status(kind: &Kind) -> Value {
    let everything = json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]);
    match kind.kind.as_str() {
        "SelfSubjectRulesReview" => {
            json!({"resourceRules": everything, "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}], "incomplete": false})
        }
        "SelfSubjectReview" => {
            json!({"userInfo": {"username": "sim", "groups": ["system:masters", "system:authenticated"]}})
        }
        "TokenReview" => json!({"authenticated": true, "user": {"username": "sim", "groups": ["system:masters"]}}),
        _ => json!({"allowed": true}),
    }
}
