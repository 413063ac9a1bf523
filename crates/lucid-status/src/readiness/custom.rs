//! Custom resources: what their own conditions say, in the spellings that controllers use; otherwise assumed, and said.

use serde_json::Value;

use super::{api_version_and_kind, observed_generation};
use crate::clean::clean;
use crate::read::{Condition, has_condition, int, text};
use crate::verdict::Verdict;

/// Conditions that say "done", in the order in which they are asked.
const READY: [&str; 6] = ["Ready", "Available", "Healthy", "Succeeded", "Programmed", "Accepted"];
const GOOD_WORDS: [&str; 9] =
    ["ready", "running", "healthy", "active", "available", "succeeded", "bound", "completed", "synced"];
const BAD_WORDS: [&str; 5] = ["failed", "error", "degraded", "unhealthy", "crashloopbackoff"];

pub(super) fn rule(object: &Value) -> Verdict {
    if let Some(stalled) = Condition::of(object, "Stalled").filter(|condition| condition.is("True")) {
        return Verdict::failed(format!("stalled ({})", clean(&stalled.words())));
    }
    if let Some(working) = Condition::of(object, "Reconciling").filter(|condition| condition.is("True")) {
        return Verdict::in_progress(format!("reconciling ({})", clean(&working.words())));
    }
    let by_condition = READY.iter().find_map(|kind| Condition::of(object, kind));
    if let Some(condition) = by_condition {
        return by(object, condition);
    }
    by_phase(object).unwrap_or_else(|| assumed(object))
}

fn by(object: &Value, condition: Condition<'_>) -> Verdict {
    let generation = int(object, "/metadata/generation");
    if condition.generation().zip(generation).is_some_and(|(seen, wanted)| seen < wanted) {
        return Verdict::in_progress(format!("its condition {} speaks of an older generation", condition.kind()));
    }
    match condition.is("True") {
        true => Verdict::current(condition.kind().to_lowercase()),
        false => Verdict::in_progress(format!("not {}", condition.kind().to_lowercase())),
    }
}

fn by_phase(object: &Value) -> Option<Verdict> {
    let phase = ["/status/phase", "/status/state", "/status/health/status"]
        .iter()
        .find_map(|pointer| Some(text(object, pointer)).filter(|word| !word.is_empty()))?;
    let word = phase.to_lowercase();
    Some(if GOOD_WORDS.contains(&word.as_str()) {
        Verdict::current(clean(phase))
    } else if BAD_WORDS.contains(&word.as_str()) {
        Verdict::in_progress(format!("its phase is {}", clean(phase)))
    } else {
        return None;
    })
}

/// Its status says nothing that can be read: present is all that can be known.
fn assumed(object: &Value) -> Verdict {
    let about = api_version_and_kind(object);
    match observed_generation(object) {
        Some(_) => {
            Verdict::current(format!("its controller has seen it; {about} says nothing of readiness, so it is assumed"))
        }
        None if has_condition(object, "Ready", "Unknown") => Verdict::in_progress("its readiness is not known yet"),
        None => Verdict::current(format!("is there; {about} says nothing of readiness, so it is assumed")),
    }
}
