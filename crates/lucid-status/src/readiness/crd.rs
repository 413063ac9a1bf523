//! CustomResourceDefinition: established, and under the names that it asked for.

use serde_json::Value;

use crate::read::has_condition;
use crate::verdict::Verdict;

pub(super) fn rule(crd: &Value) -> Verdict {
    if has_condition(crd, "NamesAccepted", "False") {
        return Verdict::failed("its names are taken by another CustomResourceDefinition");
    }
    if has_condition(crd, "Established", "True") && has_condition(crd, "NamesAccepted", "True") {
        return Verdict::current("established");
    }
    Verdict::in_progress("not established yet")
}
