//! Which objects of a collection a request is about: namespace, labels, fields.

pub(crate) mod labels;

use serde_json::Value;

use crate::api::path::Target;
use crate::api::query::Query;
use crate::error::ApiError;
use crate::json::Json;
use crate::kinds::Kind;
use labels::Labels;

/// Conditions that must all hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    namespace: String,
    labels: Labels,
    fields: Vec<Field>,
}

#[derive(Debug, Clone)]
struct Field {
    path: String,
    value: String,
    equal: bool,
}

impl Selection {
    pub(crate) fn of(kind: &Kind, target: &Target, query: &Query) -> Result<Self, ApiError> {
        let labels = Labels::parse(query.get("labelSelector")).map_err(ApiError::bad_request)?;
        let mut fields = parse_fields(query.get("fieldSelector")).map_err(ApiError::bad_request)?;
        for name in ["timeoutSeconds", "limit"] {
            check_number(query.get(name)).map_err(ApiError::bad_request)?;
        }
        for field in &fields {
            check_field(kind, &field.path.replace('/', ".")).map_err(ApiError::bad_request)?;
        }
        if !target.name.is_empty() {
            fields.push(Field { path: "metadata/name".into(), value: target.name.clone(), equal: true });
        }
        Ok(Self { namespace: target.namespace.clone(), labels, fields })
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        (self.namespace.is_empty() || object.namespace() == self.namespace)
            && self.fields.iter().all(|field| (shown(object, &field.path) == field.value) == field.equal)
            && (self.labels.is_empty() || self.labels.matches(&object.labels()))
    }
}

/// A field as selectors compare it: text, or `false` for a flag that is not set.
fn shown(object: &Value, path: &str) -> String {
    if path == "status/successful" {
        return object.int("status/succeeded").to_string();
    }
    match object.at(path) {
        Value::String(text) => text.clone(),
        Value::Null if path.ends_with("unschedulable") || path.ends_with("hostNetwork") => "false".into(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn check_number(text: &str) -> Result<(), String> {
    if text.is_empty() || text.parse::<i64>().is_ok() {
        return Ok(());
    }
    Err(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
}

/// The fields of a kind that can be selected, besides name and namespace.
fn check_field(kind: &Kind, label: &str) -> Result<(), String> {
    let more: &[&str] = match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "Node") => &["spec.unschedulable"],
        ("", "ReplicationController") => &["status.replicas"],
        ("", "Namespace") => &["status.phase"],
        ("", "Secret") => &["type"],
        ("", "Service") => &["spec.clusterIP", "spec.type"],
        ("batch", "Job") => &["status.successful"],
        ("" | "events.k8s.io", "Event") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        _ => &[],
    };
    if declares(kind, label) || more.contains(&label) || matches!(label, "metadata.name" | "metadata.namespace") {
        return Ok(());
    }
    Err(match kind.kind.as_str() {
        "Job" => format!("field label {label:?} not supported for Job"),
        _ if kind.is_custom() || !more.is_empty() => format!("field label not supported: {label}"),
        _ => format!("{label:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""),
    })
}

/// The fields that a definition lets select.
fn declares(kind: &Kind, label: &str) -> bool {
    let declared = kind.custom.as_ref().map_or(&[][..], |custom| custom.list("selectable"));
    declared.iter().any(|field| field.str("jsonPath").trim_start_matches('.') == label)
}

fn parse_fields(text: &str) -> Result<Vec<Field>, String> {
    let terms = text.split(',').filter(|term| !term.is_empty());
    terms.map(parse_field).collect()
}

fn parse_field(term: &str) -> Result<Field, String> {
    let found = [("!=", false), ("==", true), ("=", true)].into_iter().find_map(|(operator, equal)| {
        let (path, value) = term.split_once(operator)?;
        Some(Field { path: path.replace('.', "/"), value: value.into(), equal })
    });
    found.ok_or_else(|| format!("invalid selector: '{term}'; can't understand '{term}'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::{Kinds, Table};
    use serde_json::json;

    fn of(query: &str) -> Result<Selection, ApiError> {
        let kinds = Kinds::new();
        Selection::of(kinds.stored(Table::PODS), &Target::default(), &Query::parse(query))
    }

    #[track_caller]
    fn check(query: &str, expect: bool) {
        let object = json!({"metadata": {"name": "p", "namespace": "n", "labels": {"a": "1", "b": "2"}},
            "status": {"phase": "Running"}, "spec": {"nodeName": "x"}});
        assert_eq!(of(query).unwrap().matches(&object), expect, "{query}");
    }

    #[test]
    fn labels_and_fields() {
        check("labelSelector=a=1,b=2", true);
        check("labelSelector=a%20notin%20(1)", false);
        check("fieldSelector=metadata.name=p,status.phase!=Failed", true);
        check("fieldSelector=spec.nodeName==y", false);
        check("fieldSelector=spec.hostNetwork=false", true);
    }

    #[test]
    fn nonsense_is_refused() {
        for query in ["labelSelector=a%20b", "fieldSelector=x", "fieldSelector=spec.nothing=1", "limit=x"] {
            assert_eq!(of(query).unwrap_err().code, 400, "{query}");
        }
    }
}
