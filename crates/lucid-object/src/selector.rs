//! Label selectors, as every Kubernetes API spells them.

use std::collections::BTreeMap;

use serde_json::Value;

/// A parsed `LabelSelector`; all requirements must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSelector {
    pub requirements: Vec<Requirement>,
}

/// One condition on one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    DoesNotExist(String),
}

impl LabelSelector {
    /// The `matchLabels`/`matchExpressions` form. `{}` gives the selector that matches everything; an operator that is
    /// not one of the four gives `None`.
    pub fn from_value(value: &Value) -> Option<Self> {
        let mut requirements = Vec::new();
        if let Some(Value::Object(labels)) = value.get("matchLabels") {
            requirements.extend(equalities(labels));
        }
        for expression in value.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
            requirements.push(Requirement::from_expression(expression)?);
        }
        Some(Self { requirements })
    }

    /// The plain map form of a Service or ReplicationController.
    pub fn from_map(value: &Value) -> Self {
        Self { requirements: value.as_object().map(|map| equalities(map).collect()).unwrap_or_default() }
    }

    pub fn from_labels(labels: &BTreeMap<String, String>) -> Self {
        let requirements = labels.iter().map(|(k, v)| Requirement::In(k.clone(), vec![v.clone()])).collect();
        Self { requirements }
    }

    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(labels))
    }

    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether one of its equalities is this very label.
    pub fn matches_pair(&self, key: &str, value: &str) -> bool {
        let is_it = |requirement: &Requirement| matches!(requirement, Requirement::In(k, values) if k == key && values.iter().any(|v| v == value));
        self.requirements.iter().any(is_it)
    }
}

impl Requirement {
    fn from_expression(expression: &Value) -> Option<Self> {
        let key = expression.get("key")?.as_str()?.to_owned();
        let values = || {
            let values = expression.get("values").and_then(Value::as_array);
            values.into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        match expression.get("operator")?.as_str()? {
            "In" => Some(Self::In(key, values())),
            "NotIn" => Some(Self::NotIn(key, values())),
            "Exists" => Some(Self::Exists(key)),
            "DoesNotExist" => Some(Self::DoesNotExist(key)),
            _ => None,
        }
    }

    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        match self {
            Self::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Self::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Self::Exists(key) => labels.contains_key(key),
            Self::DoesNotExist(key) => !labels.contains_key(key),
        }
    }
}

fn equalities(map: &serde_json::Map<String, Value>) -> impl Iterator<Item = Requirement> + '_ {
    map.iter().filter_map(|(key, value)| Some(Requirement::In(key.clone(), vec![value.as_str()?.to_owned()])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(selector: Value, labels: Value, expect: bool) {
        let labels = labels.as_object().unwrap().iter().map(|(k, v)| (k.clone(), v.as_str().unwrap().into())).collect();
        assert_eq!(LabelSelector::from_value(&selector).unwrap().matches(&labels), expect, "{selector}");
    }

    #[test]
    fn expressions_follow_the_api() {
        check(json!({}), json!({"a": "1"}), true);
        check(json!({"matchLabels": {"a": "1"}}), json!({"a": "1", "b": "2"}), true);
        check(json!({"matchLabels": {"a": "1"}}), json!({"a": "2"}), false);
        check(json!({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}), json!({}), true);
        check(json!({"matchExpressions": [{"key": "a", "operator": "Exists"}]}), json!({}), false);
        check(json!({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}), json!({}), true);
    }
}
