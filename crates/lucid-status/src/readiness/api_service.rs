//! APIService: available; the built-in ones always are.

use serde_json::Value;

use crate::read::{Condition, has_condition};
use crate::verdict::Verdict;

pub(super) fn rule(service: &Value) -> Verdict {
    if has_condition(service, "Available", "True") {
        return Verdict::current("available");
    }
    let why = Condition::of(service, "Available").map_or("", Condition::reason);
    Verdict::in_progress(if why.is_empty() { "not available yet".to_owned() } else { format!("not available ({why})") })
}
