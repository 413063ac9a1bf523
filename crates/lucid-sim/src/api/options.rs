//! The parameters of writes: what they may say, and who writes.

use crate::api::Request;
use crate::error::{About, ApiError, Cause};

const MANAGER_LENGTH: usize = 128;

/// Refuses parameters that a write of this kind (`CreateOptions`, `UpdateOptions`, `PatchOptions`) does not have.
pub(crate) fn check(request: &Request, options: &'static str) -> Result<(), ApiError> {
    let mut causes = Vec::new();
    if options == "PatchOptions" {
        patch(request, &mut causes);
    }
    let manager = request.query.get("fieldManager");
    if manager.len() > MANAGER_LENGTH {
        let message = format!("Too long: may not be more than {MANAGER_LENGTH} bytes");
        causes.push(Cause::new("FieldValueTooLong", "fieldManager", message));
    }
    let dry = request.query.all("dryRun");
    if dry.iter().any(|value| *value != "All") {
        let shown = serde_json::to_string(&dry).unwrap_or_default();
        let message = format!("Unsupported value: {shown}: supported values: \"All\"");
        causes.push(Cause::new("FieldValueNotSupported", "dryRun", message));
    }
    let validation = request.query.get("fieldValidation");
    if !matches!(validation, "" | "Ignore" | "Warn" | "Strict") {
        causes.push(Cause::not_supported("fieldValidation", validation, &["", "Ignore", "Strict", "Warn"]));
    }
    if causes.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(About { group: "meta.k8s.io", plural: "", kind: options }, "", causes))
}

fn patch(request: &Request, causes: &mut Vec<Cause>) {
    if request.content_type.starts_with("application/apply-patch") {
        if request.query.get("fieldManager").is_empty() {
            causes.push(Cause::required("fieldManager", "is required for apply patch"));
        }
    } else if request.query.has("force") {
        causes.push(Cause::forbidden("force", "may not be specified for non-apply patch"));
    }
}

/// Who writes: the parameter, else the first word of the user agent.
pub(crate) fn manager(request: &Request) -> String {
    let given = request.query.get("fieldManager");
    if !given.is_empty() {
        return given.into();
    }
    let agent = request.user_agent.split('/').next().unwrap_or("");
    let name: String = agent.chars().filter(|c| !c.is_control()).take(MANAGER_LENGTH).collect();
    if name.is_empty() { "unknown".into() } else { name }
}
