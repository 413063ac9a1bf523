//! Legal names, labels and annotations.

use serde_json::Value;

use crate::error::Cause;
use crate::json::Json;
use crate::kinds::Kind;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

pub(crate) fn check(kind: &Kind, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    name(kind, object, &mut causes);
    labels(object, "metadata/labels", "metadata.labels", &mut causes);
    causes
}

fn name(kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    let name = object.name();
    let (ok, rule) = match (kind.group.as_str(), kind.kind.as_str()) {
        ("rbac.authorization.k8s.io", _) => return path_segment(object, causes),
        ("", "Service") => (is_label(name) && !name.starts_with(|c: char| c.is_ascii_digit()), LABEL_1035),
        ("", "Namespace") => (is_label(name), LABEL),
        _ => (is_subdomain(name), SUBDOMAIN),
    };
    if !ok {
        causes.push(Cause::invalid("metadata.name", object.at("metadata/name"), rule));
    }
}

fn path_segment(object: &Value, causes: &mut Vec<Cause>) {
    let name = object.name();
    if name == "." || name == ".." {
        causes.push(Cause::invalid("metadata.name", object.at("metadata/name"), &format!("may not be '{name}'")));
    }
    for part in ["/", "%"] {
        if name.contains(part) {
            causes.push(Cause::invalid(
                "metadata.name",
                object.at("metadata/name"),
                &format!("may not contain '{part}'"),
            ));
        }
    }
}

pub(crate) fn labels(object: &Value, path: &str, shown: &str, causes: &mut Vec<Cause>) {
    for (_, value) in object.map(path).into_iter().flatten() {
        let text = value.as_str().unwrap_or("");
        let inner = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        let ends = |c: char| c.is_ascii_alphanumeric();
        if !(text.is_empty() || inner && text.starts_with(ends) && text.ends_with(ends)) {
            causes.push(Cause::invalid(shown, value, LABEL_VALUE));
        }
        if text.len() > 63 {
            causes.push(Cause::invalid(shown, value, "must be no more than 63 bytes"));
        }
    }
}

pub(crate) fn is_label(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 63 && text.starts_with(ends) && text.ends_with(ends) && text.chars().all(|c| ends(c) || c == '-')
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|part| {
            let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            part.starts_with(ends) && part.ends_with(ends) && part.chars().all(|c| ends(c) || c == '-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "a-b.c", "1.2.3", &"a".repeat(253)] {
            assert!(is_subdomain(good), "{good}");
        }
        for bad in ["", "A", "-a", "a.", "a_b", "a..b", &"a".repeat(254)] {
            assert!(!is_subdomain(bad), "{bad}");
        }
        assert!(is_label("a-1") && !is_label("a.b") && !is_label(&"a".repeat(64)));
    }
}
