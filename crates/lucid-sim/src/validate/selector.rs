//! Label selectors.

use std::collections::BTreeMap;

use lucid_object::LabelSelector;
use serde_json::Value;

use super::field::{At, Problems};
use super::{meta, text};
use crate::json::Json;

pub(super) fn check(selector: &Value, at: &At, problems: &mut Problems) {
    meta::labels(selector.at("matchLabels"), &at.child("matchLabels"), problems);
    for (index, requirement) in selector.list("matchExpressions").iter().enumerate() {
        requirement_of(requirement, &at.child("matchExpressions").index(index), problems);
    }
}

fn requirement_of(requirement: &Value, at: &At, problems: &mut Problems) {
    let values = requirement.list("values");
    match requirement.str("operator") {
        "In" | "NotIn" if values.is_empty() => {
            problems.required(&at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            problems.forbidden(&at.child("values"), detail);
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => problems.invalid(&at.child("operator"), other, "not a valid selector operator"),
    }
    let key = requirement.str("key");
    problems.all_invalid(&at.child("key"), &key.into(), text::qualified_name(key));
    for (index, value) in values.iter().enumerate() {
        let problems_of = text::label_value(value.as_str().unwrap_or(""));
        problems.all_invalid(&at.child("values").index(index), value, problems_of);
    }
}

/// Which labels a selector chooses.
pub(super) enum Choice {
    /// There is no selector: it chooses nothing.
    Nothing,
    /// It says nothing: it chooses everything.
    Everything,
    Some(LabelSelector),
    /// It cannot be understood.
    Broken,
}

impl Choice {
    pub(super) fn of(selector: &Value) -> Self {
        if selector.is_null() {
            return Self::Nothing;
        }
        let mut problems = Problems::default();
        check(selector, &At::new(""), &mut problems);
        match LabelSelector::from_value(selector) {
            Some(_) if !problems.is_empty() => Self::Broken,
            Some(selector) if selector.is_empty() => Self::Everything,
            Some(selector) => Self::Some(selector),
            None => Self::Broken,
        }
    }

    pub(super) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        match self {
            Self::Nothing | Self::Broken => false,
            Self::Everything => true,
            Self::Some(selector) => selector.matches(labels),
        }
    }
}
