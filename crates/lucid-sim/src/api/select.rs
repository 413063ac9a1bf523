//! Which objects of a collection a request is about: namespace, labels, fields.

use serde_json::Value;

use lucid_object::{LabelSelector, Requirement};

use crate::api::path::Target;
use crate::api::query::Query;
use crate::error::ApiError;
use crate::json::Json;

/// Conditions that must all hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    namespace: String,
    labels: LabelSelector,
    fields: Vec<Field>,
}

#[derive(Debug, Clone)]
struct Field {
    path: String,
    value: String,
    equal: bool,
}

impl Selection {
    pub(crate) fn of(target: &Target, query: &Query) -> Result<Self, ApiError> {
        let labels = query.get("labelSelector");
        let unable = |why| ApiError::bad_request(format!("unable to parse requirement: {why}"));
        let mut fields = parse_fields(query.get("fieldSelector")).map_err(ApiError::bad_request)?;
        if !target.name.is_empty() {
            fields.push(Field { path: "metadata/name".into(), value: target.name.clone(), equal: true });
        }
        Ok(Self { namespace: target.namespace.clone(), labels: parse_labels(labels).map_err(unable)?, fields })
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        (self.namespace.is_empty() || object.namespace() == self.namespace)
            && self.fields.iter().all(|field| (shown(object, &field.path) == field.value) == field.equal)
            && (self.labels.is_empty() || self.labels.matches(&object.labels()))
    }
}

/// A field as selectors compare it: text, or `false` for a flag that is not set.
fn shown(object: &Value, path: &str) -> String {
    match object.at(path) {
        Value::String(text) => text.clone(),
        Value::Null if path.ends_with("unschedulable") || path.ends_with("hostNetwork") => "false".into(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
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

/// `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
pub(crate) fn parse_labels(text: &str) -> Result<LabelSelector, String> {
    let requirements: Result<Vec<Requirement>, String> =
        split(text).into_iter().filter(|term| !term.trim().is_empty()).map(|term| parse_label(term.trim())).collect();
    Ok(LabelSelector { requirements: requirements? })
}

/// Splits at commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut out, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                out.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(&text[start..]);
    out
}

fn parse_label(term: &str) -> Result<Requirement, String> {
    if let Some(key) = term.strip_prefix('!') {
        return Ok(Requirement::DoesNotExist(key.trim().into()));
    }
    for (word, within) in [(" notin ", false), (" in ", true), (" notin(", false), (" in(", true)] {
        if let Some((key, list)) = term.split_once(word) {
            let list = list.trim().trim_start_matches('(').trim_end_matches(')');
            let values = list.split(',').map(|value| value.trim().to_owned()).collect();
            let key = key.trim().to_owned();
            return Ok(if within { Requirement::In(key, values) } else { Requirement::NotIn(key, values) });
        }
    }
    for (operator, equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((key, value)) = term.split_once(operator) {
            let (key, values) = (key.trim().to_owned(), vec![value.trim().to_owned()]);
            return Ok(if equal { Requirement::In(key, values) } else { Requirement::NotIn(key, values) });
        }
    }
    if term.contains(char::is_whitespace) {
        return Err(format!("found '{term}', expected: in, notin, =, ==, !=, gt, lt"));
    }
    Ok(Requirement::Exists(term.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(labels: &str, fields: &str, expect: bool) {
        let object = json!({"metadata": {"name": "p", "namespace": "n", "labels": {"a": "1", "b": "2"}},
            "status": {"phase": "Running"}, "spec": {"nodeName": "x"}});
        let query = format!("labelSelector={labels}&fieldSelector={fields}");
        let selection = Selection::of(&Target::default(), &Query::parse(&query)).unwrap();
        assert_eq!(selection.matches(&object), expect, "{query}");
    }

    #[test]
    fn labels() {
        check("a=1,b=2", "", true);
        check("a=1,b!=2", "", false);
        check("a in (1,3),!c", "", true);
        check("a notin (1)", "", false);
        check("c", "", false);
        check("c!=1", "", true);
    }

    #[test]
    fn fields() {
        check("", "metadata.name=p,status.phase!=Failed", true);
        check("", "spec.nodeName==y", false);
        check("", "spec.unschedulable=false", true);
    }

    #[test]
    fn nonsense_is_refused() {
        let of = |query: &str| Selection::of(&Target::default(), &Query::parse(query));
        assert!(of("labelSelector=a%20b").is_err() && of("fieldSelector=x").is_err());
    }
}
