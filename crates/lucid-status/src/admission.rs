//! The API server's answer to our own writes, read as a diagnosis.

use lucid_object::ObjectRef;
use serde_json::Value;

use crate::clean::between;
use crate::diagnose::refusal::by_words;
use crate::diagnosis::{Certainty, Class, Diagnosis};
use crate::read::{items, text};

/// What an error answer means: `status` is the `metav1.Status` body (or null, if the answer had none).
pub fn classify_status(status: &Value, http_code: u16, object: Option<&ObjectRef>) -> Diagnosis {
    let object = object.cloned().unwrap_or_else(|| named_by(status));
    let message = text(status, "/message");
    let new = judge(status, http_code, message, &object).seen(message);
    let new = causes(status).into_iter().fold(new, Diagnosis::seen);
    match new.finding.help {
        Some(_) => new,
        None => {
            let remedy = crate::catalogue::entry(new.finding.code).map_or("", |entry| entry.remedy);
            new.help(remedy)
        }
    }
}

/// The object that the answer itself speaks of.
fn named_by(status: &Value) -> ObjectRef {
    ObjectRef::new(text(status, "/details/group"), text(status, "/details/kind"), None, text(status, "/details/name"))
}

fn judge(status: &Value, http_code: u16, message: &str, object: &ObjectRef) -> Diagnosis {
    let new = |code: u16, words: String| Diagnosis::new(code, object.clone(), words);
    let reason = text(status, "/reason");
    let has_cause = |reason: &str| items(status, "/details/causes").any(|cause| text(cause, "/reason") == reason);
    if http_code == 401 {
        return new(1020, "the cluster does not accept these credentials".into());
    }
    if has_cause("FieldManagerConflict") {
        return conflict(status, object);
    }
    if has_cause("NamespaceTerminating") {
        return new(1015, format!("namespace {} is being deleted", object.namespace.as_deref().unwrap_or("?")));
    }
    // Read the words before the number: a dead webhook answers 500, a policy 403 or 422.
    if let Some(known) = by_words(message, object) {
        return webhook_may_come_back(known, message);
    }
    match (http_code, reason) {
        (404, _) if text(status, "/details/kind") == "namespaces" => {
            new(1015, format!("namespace {} does not exist", text(status, "/details/name")))
        }
        (404, _) if message.is_empty() || text(status, "/details/name").is_empty() => {
            new(1003, format!("the cluster does not know the kind of {object}"))
        }
        (404, _) => new(1000, format!("{object} is not there")),
        (403, _) => new(1013, format!("we may not do this to {object}")),
        (409, "AlreadyExists") => new(1023, format!("{object} exists already")),
        (409, _) => new(1022, format!("{object} changed while it was being written")),
        (413, _) => new(1016, format!("{object} is too large")),
        (422, _) => new(1021, format!("{object} is not valid{}", fields(status))),
        (408 | 429 | 500..=599, _) => new(1019, format!("the API server is not keeping up ({http_code})")),
        _ => new(1000, format!("the API server refuses {object} ({http_code})")).certainty(Certainty::Likely),
    }
}

/// A webhook without endpoints is often one that is just starting: a short while is given.
fn webhook_may_come_back(known: Diagnosis, message: &str) -> Diagnosis {
    let is_starting =
        ["no endpoints available", "connection refused", "deadline exceeded"].iter().any(|part| message.contains(part));
    if known.code() == 1007 && is_starting { known.class(Class::After(60)) } else { known }
}

/// Who owns which field: `conflict with "hpa" using apps/v1: .spec.replicas`.
fn conflict(status: &Value, object: &ObjectRef) -> Diagnosis {
    let causes = || items(status, "/details/causes").filter(|cause| text(cause, "/reason") == "FieldManagerConflict");
    let mut managers: Vec<&str> =
        causes().filter_map(|cause| between(text(cause, "/message"), "conflict with \"", "\"")).collect();
    managers.sort_unstable();
    managers.dedup();
    let fields: Vec<&str> =
        causes().map(|cause| text(cause, "/field").trim_start_matches('.')).filter(|field| !field.is_empty()).collect();
    let message = format!("{} owns {} of {object}, which the release sets too", managers.join(", "), fields.join(", "));
    Diagnosis::new(1014, object.clone(), message)
}

fn causes(status: &Value) -> Vec<String> {
    let words =
        items(status, "/details/causes").take(10).map(|cause| match (text(cause, "/field"), text(cause, "/message")) {
            ("", message) => message.to_owned(),
            (field, message) => format!("{field}: {message}"),
        });
    words.collect()
}

fn fields(status: &Value) -> String {
    let mut fields: Vec<&str> =
        items(status, "/details/causes").map(|cause| text(cause, "/field")).filter(|field| !field.is_empty()).collect();
    fields.dedup();
    if fields.is_empty() { String::new() } else { format!(": {}", fields.join(", ")) }
}
