//! Namespace: Active; one that is on its way out takes nothing new.

use serde_json::Value;

use crate::read::{is_leaving, text};
use crate::verdict::Verdict;

pub(super) fn rule(namespace: &Value) -> Verdict {
    if is_leaving(namespace) || text(namespace, "/status/phase") == "Terminating" {
        return Verdict::failed("the namespace is being deleted");
    }
    Verdict::current("is there")
}
