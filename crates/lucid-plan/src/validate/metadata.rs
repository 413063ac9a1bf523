//! Names, labels and annotations that the server accepts.

use lucid_object::{Finding, Object};
use lucid_release::load::nearest;
use serde_json::Value;

use super::scene::Scene;

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    for object in &scene.objects {
        found.extend(name(object).or_else(|| digit_first(object)));
        let template = object.pod_template_pointer().map(|pointer| format!("{pointer}/metadata/labels"));
        for pointer in std::iter::once("/metadata/labels".to_owned()).chain(template) {
            labels(object, &pointer, true, found);
        }
        labels(object, "/metadata/annotations", false, found);
        found.extend(namespace(scene, object));
    }
}

fn name(object: &Object) -> Option<Finding> {
    let name = object.name();
    let wrong = match (object.group(), object.kind()) {
        // Source: pkg/apis/rbac/validation (path segments).
        ("rbac.authorization.k8s.io", _) => {
            (name.contains(['/', '%']) || name == "." || name == "..").then_some("without slashes and percent signs")
        }
        ("", "Namespace" | "Service") => {
            (!is_label(name)).then_some("of lower-case letters, digits and dashes, 63 at most")
        }
        (group, _) if lucid_schema::minors::is_own_group(group) => {
            (!is_subdomain(name)).then_some("of lower-case letters, digits, dashes and dots, 253 at most")
        }
        _ => None,
    }?;
    let message = format!("{name:?} cannot be the name of a {}", object.kind());
    let finding = Finding::error(1021, message).on(object.reference()).at(object.position("/metadata/name"));
    Some(finding.help(format!("use a name {wrong}")))
}

/// Only newer servers take such a Service (KEP-5311).
fn digit_first(object: &Object) -> Option<Finding> {
    let is_service = object.kind() == "Service" && object.group().is_empty();
    if !is_service || !object.name().starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let message = format!("older servers refuse {}: its name begins with a digit", object.reference());
    let finding = Finding::warning(1021, message).on(object.reference()).at(object.position("/metadata/name"));
    Some(finding.help("begin the name with a letter"))
}

/// Source: apimachinery/pkg/util/validation (DNS-1123).
fn is_label(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !text.is_empty()
        && text.len() <= 63
        && text.chars().all(|c| is_inner(c) || c == '-')
        && text.starts_with(is_inner)
        && text.ends_with(is_inner)
}

fn is_subdomain(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| {
        part.starts_with(is_inner) && part.ends_with(is_inner) && part.chars().all(|c| is_inner(c) || c == '-')
    };
    text.len() <= 253 && text.split('.').all(part)
}

fn labels(object: &Object, pointer: &str, are_labels: bool, found: &mut Vec<Finding>) {
    let what = if are_labels { "a label" } else { "an annotation" };
    for (key, value) in object.value().pointer(pointer).and_then(Value::as_object).into_iter().flatten() {
        let at = |finding: Finding| {
            let key = key.replace('~', "~0").replace('/', "~1");
            finding.on(object.reference()).at(object.position(&format!("{pointer}/{key}")))
        };
        if !is_key(key) {
            let message = format!("{key:?} cannot be the key of {what} ({})", object.reference());
            found.push(at(Finding::error(1021, message)).help("a key is name or dns.prefix/name, the name 63 at most"));
        }
        let text = value.as_str().unwrap_or_default();
        if are_labels && !is_value(text) {
            let message = format!("{text:?} cannot be the value of a label ({key} of {})", object.reference());
            let help = "use letters, digits, dashes, dots and underscores, 63 at most, or make it an annotation";
            found.push(at(Finding::error(1021, message)).help(help));
        }
    }
}

fn is_name(text: &str) -> bool {
    let is_end = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 63
        && text.starts_with(is_end)
        && text.ends_with(is_end)
        && text.chars().all(|c| is_end(c) || "-_.".contains(c))
}

fn is_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(&prefix.to_lowercase()) && is_name(name),
        None => is_name(key),
    }
}

fn is_value(text: &str) -> bool {
    text.is_empty() || is_name(text)
}

/// A namespace that is nearly one of the release's.
fn namespace(scene: &Scene<'_>, object: &Object) -> Option<Finding> {
    let namespace = object.namespace()?;
    let own = || scene.of("", "Namespace").map(Object::name);
    if own().next().is_none() || own().any(|name| name == namespace) || namespace == scene.release.spec.namespace {
        return None;
    }
    let near = nearest(namespace, own())?;
    let message = format!("{} is in a namespace that the release does not have", object.reference());
    Some(Finding::warning(1015, message).on(object.reference()).at(object.position("/metadata/namespace")).help(near))
}
