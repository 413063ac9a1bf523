//! What the server answers when it refuses: `Status` bodies in its exact shapes.

use serde_json::{Value, json};

/// A refusal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
    /// Sent as the `Retry-After` header and in the details.
    pub(crate) retry_after_seconds: Option<u32>,
    /// The `continue` token of the answer's own metadata.
    pub(crate) next: Option<String>,
}

/// One entry of `details.causes`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cause {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) field: String,
}

/// The resource that a refusal is about: `deployments.apps`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) group: &'a str,
    pub(crate) plural: &'a str,
    pub(crate) kind: &'a str,
}

impl About<'_> {
    /// `deployments.apps`, or `pods`.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.into() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `Deployment.apps`, or `Pod`.
    fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.into() } else { format!("{}.{}", self.kind, self.group) }
    }

    fn details(&self, name: &str) -> Value {
        let mut details = json!({});
        if !self.plural.is_empty() {
            details["kind"] = self.plural.into();
        }
        if !name.is_empty() {
            details["name"] = name.into();
        }
        if !self.group.is_empty() {
            details["group"] = self.group.into();
        }
        details
    }
}

impl ApiError {
    fn new(code: u16, reason: &'static str, message: String, details: Option<Value>) -> Self {
        Self { code, reason, message, details, retry_after_seconds: None, next: None }
    }

    pub(crate) fn not_found(about: About<'_>, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", about.qualified());
        Self::new(404, "NotFound", message, Some(about.details(name)))
    }

    /// The answer for a path that nothing is served at.
    pub(crate) fn no_such_path() -> Self {
        let message = "the server could not find the requested resource".into();
        Self::new(404, "NotFound", message, Some(json!({})))
    }

    pub(crate) fn already_exists(about: About<'_>, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", about.qualified());
        Self::new(409, "AlreadyExists", message, Some(about.details(name)))
    }

    pub(crate) fn being_deleted(about: About<'_>, name: &str) -> Self {
        let message = format!("object is being deleted: {} \"{name}\" already exists", about.qualified());
        Self::new(409, "AlreadyExists", message, Some(about.details(name)))
    }

    pub(crate) fn conflict(about: About<'_>, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", about.qualified());
        Self::new(409, "Conflict", message, Some(about.details(name)))
    }

    pub(crate) fn modified(about: About<'_>, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(about, name, why)
    }

    pub(crate) fn apply_conflict(message: String, causes: Vec<Cause>) -> Self {
        Self::new(409, "Conflict", message, Some(json!({"causes": causes_json(&causes)})))
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message.into(), None)
    }

    pub(crate) fn forbidden(about: About<'_>, name: &str, why: &str) -> Self {
        let message = if name.is_empty() {
            format!("{} is forbidden: {why}", about.qualified())
        } else {
            format!("{} \"{name}\" is forbidden: {why}", about.qualified())
        };
        Self::new(403, "Forbidden", message, Some(about.details(name)))
    }

    pub(crate) fn with_cause(mut self, cause: Cause) -> Self {
        let details = self.details.get_or_insert_with(|| json!({}));
        details["causes"] = causes_json(std::slice::from_ref(&cause));
        self
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized".into(), None)
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource".into();
        Self::new(405, "MethodNotAllowed", message, Some(json!({})))
    }

    pub(crate) fn not_acceptable(accepted: &str) -> Self {
        let message = format!("only the following media types are accepted: {accepted}");
        Self::new(406, "NotAcceptable", message, None)
    }

    pub(crate) fn unsupported_media_type(accepted: &str) -> Self {
        let message =
            format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
        Self::new(415, "UnsupportedMediaType", message, None)
    }

    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(413, "RequestEntityTooLarge", message.into(), None)
    }

    pub(crate) fn gone(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message.into(), None)
    }

    /// Where a list that cannot go on as it began may go on anyway.
    pub(crate) fn with_continue(mut self, token: String) -> Self {
        self.next = Some(token);
        self
    }

    pub(crate) fn too_many(message: impl Into<String>, retry_after_seconds: Option<u32>) -> Self {
        let mut error = Self::new(429, "TooManyRequests", message.into(), None);
        error.retry_after_seconds = retry_after_seconds;
        error
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(503, "ServiceUnavailable", message.into(), None)
    }

    pub(crate) fn too_new(asked: u64, current: u64) -> Self {
        let cause = Cause {
            reason: "ResourceVersionTooLarge",
            message: "Too large resource version".into(),
            field: String::new(),
        };
        let message = format!("Too large resource version: {asked}, current: {current}");
        let mut error = Self::new(504, "Timeout", format!("Timeout: {message}"), Some(json!({}))).with_cause(cause);
        error.retry_after_seconds = Some(1);
        error
    }

    /// An error that the server has no answer for: 500, and nothing but its text.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(500, "", message.into(), None)
    }

    /// A refusal for a reason of the server's own, which says nothing about the request.
    pub(crate) fn injected(code: u16, reason: &'static str, message: &str) -> Self {
        let retry_after_seconds = matches!(code, 429 | 504).then_some(1);
        let details = retry_after_seconds.map(|seconds| json!({"retryAfterSeconds": seconds}));
        Self { retry_after_seconds, ..Self::new(code, reason, message.into(), details) }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        let message: String = message.into();
        let details = json!({"causes": [{"message": message}]});
        Self::new(500, "InternalError", format!("Internal error occurred: {message}"), Some(details))
    }

    /// 422 with every cause that was found; the message joins them as the server does.
    pub(crate) fn invalid(about: About<'_>, name: &str, causes: Vec<Cause>) -> Self {
        // The server may say the same thing twice, where two of its layers validate it; here it is said once.
        let mut kept: Vec<Cause> = Vec::new();
        for cause in causes {
            if !kept.contains(&cause) {
                kept.push(cause);
            }
        }
        let causes = kept;
        let mut texts: Vec<String> = Vec::new();
        for cause in &causes {
            let text = format!("{}: {}", cause.field, cause.message);
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let why = match texts.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let mut details = about.details(name);
        if !about.kind.is_empty() {
            details["kind"] = about.kind.into();
        }
        details["causes"] = causes_json(&causes);
        let message = format!("{} \"{name}\" is invalid: {why}", about.qualified_kind());
        Self::new(422, "Invalid", message, Some(details))
    }

    /// The `Status` object that goes over the wire.
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            body["reason"] = self.reason.into();
        }
        if let Some(token) = &self.next {
            body["metadata"]["continue"] = token.clone().into();
        }
        if let Some(details) = &self.details {
            body["details"] = details.clone();
        }
        if let Some(seconds) = self.retry_after_seconds {
            body["details"]["retryAfterSeconds"] = seconds.into();
        }
        body
    }
}

fn causes_json(causes: &[Cause]) -> Value {
    let one = |cause: &Cause| {
        let mut value = json!({"reason": cause.reason, "message": cause.message});
        if !cause.field.is_empty() {
            value["field"] = cause.field.clone().into();
        }
        value
    };
    causes.iter().map(one).collect()
}

impl Cause {
    pub(crate) fn new(reason: &'static str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), field: field.into() }
    }

    pub(crate) fn required(field: impl Into<String>, detail: &str) -> Self {
        let message = if detail.is_empty() { "Required value".into() } else { format!("Required value: {detail}") };
        Self::new("FieldValueRequired", field, message)
    }

    pub(crate) fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        Self::new("FieldValueInvalid", field, format!("Invalid value: {}{detail}", shown(value)))
    }

    pub(crate) fn not_supported(field: impl Into<String>, value: &str, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|one| format!("\"{one}\"")).collect();
        let message = format!("Unsupported value: \"{value}\": supported values: {}", list.join(", "));
        Self::new("FieldValueNotSupported", field, message)
    }

    pub(crate) fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self::new("FieldValueDuplicate", field, format!("Duplicate value: {}", shown(value)))
    }

    pub(crate) fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self::new("FieldValueNotFound", field, format!("Not found: {}", shown(value)))
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self::new("FieldValueForbidden", field, format!("Forbidden: {detail}"))
    }
}

/// A value as Go's `%v`/`%q` of field errors shows it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOYMENTS: About<'_> = About { group: "apps", plural: "deployments", kind: "Deployment" };
    const PODS: About<'_> = About { group: "", plural: "pods", kind: "Pod" };

    #[track_caller]
    fn check(error: ApiError, expect: &Value) {
        assert_eq!(&error.body(), expect);
    }

    #[test]
    fn bodies_are_the_servers() {
        check(
            ApiError::not_found(DEPLOYMENTS, "api"),
            &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "deployments.apps \"api\" not found", "reason": "NotFound",
                "details": {"name": "api", "group": "apps", "kind": "deployments"}, "code": 404}),
        );
        check(
            ApiError::modified(PODS, "p"),
            &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "Operation cannot be fulfilled on pods \"p\": the object has been modified; please apply your changes to the latest version and try again",
                "reason": "Conflict", "details": {"name": "p", "kind": "pods"}, "code": 409}),
        );
    }

    #[test]
    fn several_causes_are_listed_in_brackets() {
        let causes = vec![Cause::required("spec.a", ""), Cause::invalid("spec.b", &json!(-1), "must be positive")];
        let error = ApiError::invalid(DEPLOYMENTS, "api", causes);
        assert_eq!(
            error.message,
            "Deployment.apps \"api\" is invalid: [spec.a: Required value, spec.b: Invalid value: -1: must be positive]"
        );
        assert_eq!(error.body()["details"]["kind"], "Deployment");
    }
}
