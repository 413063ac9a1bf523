//! Conditions in `status.conditions`: set, found, taken away.

use serde_json::{Value, json};

use crate::json::{Json, JsonMut};

/// What a condition says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition<'a> {
    pub(crate) kind: &'a str,
    pub(crate) status: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

impl<'a> Condition<'a> {
    pub(crate) fn new(kind: &'a str, status: &'a str, reason: &'a str, message: &'a str) -> Self {
        Self { kind, status, reason, message }
    }
}

pub(crate) fn find<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object.list("status/conditions").iter().find(|condition| condition.str("type") == kind)
}

pub(crate) fn is_true(object: &Value, kind: &str) -> bool {
    object.condition(kind) == "True"
}

/// Writes the condition; the time of transition moves only with the status. `false` when it said so already.
pub(crate) fn set(object: &mut Value, condition: Condition<'_>, now: &str) -> bool {
    let wanted = json!({"type": condition.kind, "status": condition.status, "reason": condition.reason,
        "message": condition.message, "lastTransitionTime": now});
    let Some(at) = object.list("status/conditions").iter().position(|c| c.str("type") == condition.kind) else {
        push(object, wanted);
        return true;
    };
    let old = &mut object.items("status/conditions")[at];
    let same = ["status", "reason", "message"].iter().all(|field| old.str(field) == wanted.str(field));
    if same {
        return false;
    }
    if old.str("status") != condition.status {
        old.put("lastTransitionTime", now);
    }
    for field in ["status", "reason", "message"] {
        old.put(field, wanted.at(field).clone());
    }
    true
}

/// Appends to the list.
pub(crate) fn push(object: &mut Value, condition: Value) {
    let list = object.entry("status/conditions");
    match list.as_array_mut() {
        Some(list) => list.push(condition),
        None => *list = json!([condition]),
    }
}

pub(crate) fn remove(object: &mut Value, kind: &str) {
    if let Some(list) = object.entry("status/conditions").as_array_mut() {
        list.retain(|condition| condition.str("type") != kind);
    }
    if object.list("status/conditions").is_empty() {
        object.cut("status/conditions");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_moves_with_the_status() {
        let mut object = json!({});
        assert!(set(&mut object, Condition::new("Ready", "False", "A", "a"), "t1"));
        assert!(set(&mut object, Condition::new("Ready", "False", "B", "b"), "t2"));
        assert_eq!(find(&object, "Ready").unwrap().str("lastTransitionTime"), "t1");
        assert!(set(&mut object, Condition::new("Ready", "True", "B", "b"), "t3"));
        assert_eq!(find(&object, "Ready").unwrap().str("lastTransitionTime"), "t3");
        assert!(!set(&mut object, Condition::new("Ready", "True", "B", "b"), "t4"));
        remove(&mut object, "Ready");
        assert_eq!(object, json!({"status": {}}));
    }
}
