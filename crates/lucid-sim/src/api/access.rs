//! Reviews: who am I, may I, and what may I.

use serde_json::{Value, json};

use crate::api::format::Format;
use crate::api::path::Target;
use crate::api::rbac::{self, Attributes};
use crate::api::user::{self, User};
use crate::api::{Reply, Request, decode, read};
use crate::error::ApiError;
use crate::json::{Json, JsonMut};
use crate::kinds::Kind;
use crate::world::World;

/// Answers the kinds that are questions; `None` for all others.
pub(crate) fn review(
    world: &World,
    user: &User,
    kind: &Kind,
    target: &Target,
    request: &Request,
) -> Result<Option<Reply>, ApiError> {
    if !matches!(kind.group.as_str(), "authorization.k8s.io" | "authentication.k8s.io") {
        return Ok(None);
    }
    if request.method != http::Method::POST {
        return Err(ApiError::method_not_allowed());
    }
    if read::format_of(request)? != Format::Full {
        return Err(ApiError::not_acceptable(read::ACCEPTED));
    }
    let mut review = decode(request)?;
    review.default_to("metadata", json!({}));
    let status = status(world, user, kind, target, &review);
    review.put("status", status);
    review.default_to("kind", kind.kind.clone());
    review.default_to("apiVersion", kind.api_version());
    Ok(Some(Reply::json(201, &review)))
}

fn status(world: &World, user: &User, kind: &Kind, target: &Target, review: &Value) -> Value {
    match kind.kind.as_str() {
        "SelfSubjectRulesReview" => own_rules(world, user, review.str("spec/namespace")),
        "SelfSubjectReview" => json!({"userInfo": info(user)}),
        "TokenReview" => token(world, review.str("spec/token")),
        "SelfSubjectAccessReview" => verdict(world, user, target, review),
        _ => verdict(world, &subject(review), target, review),
    }
}

fn info(user: &User) -> Value {
    let mut info = json!({"username": user.name, "groups": user.groups});
    if !user.uid.is_empty() {
        info["uid"] = user.uid.clone().into();
    }
    info
}

fn token(world: &World, token: &str) -> Value {
    let administrator = world.config.token.as_deref() == Some(token);
    let found = match administrator {
        true => Some(User::new("kubernetes-admin", &[user::MASTERS, "system:authenticated"])),
        false => user::service_account(world, token),
    };
    match found {
        Some(user) => {
            json!({"authenticated": true, "user": info(&user), "audiences": ["https://kubernetes.default.svc"]})
        }
        None => json!({"user": {}, "error": "invalid bearer token"}),
    }
}

/// Whom somebody else asks about.
fn subject(review: &Value) -> User {
    let groups: Vec<&str> = review.list("spec/groups").iter().filter_map(Value::as_str).collect();
    User::new(review.str("spec/user"), &groups)
}

fn verdict(world: &World, user: &User, target: &Target, review: &Value) -> Value {
    let (resource, path) = (review.at("spec/resourceAttributes"), review.at("spec/nonResourceAttributes"));
    let namespace = if target.namespace.is_empty() { resource.str("namespace") } else { &target.namespace };
    let wanted = if path.is_null() {
        Attributes {
            verb: resource.str("verb"),
            group: resource.str("group"),
            resource: resource.str("resource"),
            subresource: resource.str("subresource"),
            namespace,
            name: resource.str("name"),
            path: "",
        }
    } else {
        Attributes { verb: path.str("verb"), path: path.str("path"), ..Attributes::default() }
    };
    match rbac::allows(world, user, &wanted) {
        true => json!({"allowed": true}),
        false => json!({"allowed": false}),
    }
}

fn own_rules(world: &World, user: &User, namespace: &str) -> Value {
    let everything = json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]});
    let (mut resources, mut paths) = (Vec::new(), Vec::new());
    if user.is_master() {
        resources.push(everything);
        paths.push(json!({"verbs": ["*"], "nonResourceURLs": ["*"]}));
    }
    for rule in rbac::rules(world, user, namespace) {
        let list = if rule.has("nonResourceURLs") { &mut paths } else { &mut resources };
        if !list.contains(&rule) {
            list.push(rule);
        }
    }
    json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false})
}
