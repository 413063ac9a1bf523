//! What only Deployments have: pauses, deadlines, surges that block themselves, and the wait of `minReadySeconds`.

use jiff::SignedDuration;
use serde_json::Value;

use crate::cluster::Scene;
use crate::diagnosis::Diagnosis;
use crate::read::{Condition, count, int, is_true, reference, text};
use crate::revision::{Owned, is_ready};

pub(super) fn about(deployment: &Value, owned: &Owned<'_>, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    if is_true(deployment, "/spec/paused") {
        found.push(Diagnosis::new(5102, reference(deployment), "the rollout is paused"));
    }
    let progressing = Condition::of(deployment, "Progressing").filter(|condition| condition.is("False"));
    if let Some(progressing) = progressing.filter(|condition| condition.reason() == "ProgressDeadlineExceeded") {
        let message = "the rollout made no progress within its deadline";
        found.push(
            Diagnosis::new(5101, reference(deployment), message).seen(progressing.message()).since(progressing.since()),
        );
    }
    found.extend(min_ready(deployment, owned, scene));
}

/// Ready pods that are not yet available: by design, so the countdown is what there is to say.
pub(super) fn min_ready(workload: &Value, owned: &Owned<'_>, scene: &Scene<'_>) -> Option<Diagnosis> {
    let wait = SignedDuration::from_secs(int(workload, "/spec/minReadySeconds").filter(|seconds| *seconds > 0)?);
    let ready_since = |pod: &&Value| Condition::of(pod, "Ready").filter(|ready| ready.is("True"))?.since();
    let last = owned.new.iter().filter_map(ready_since).max()?;
    let end = last + wait;
    if end <= scene.now || !owned.new.iter().all(|pod| is_ready(pod)) {
        return None;
    }
    let left = end.duration_since(scene.now).as_secs();
    let message = format!("pods must stay ready for {} s, {left} s to go", wait.as_secs());
    Some(Diagnosis::new(5116, reference(workload), message).since(Some(last)))
}

/// The new pod waits for what the old pod holds, and the old pod waits for the new one.
pub(super) fn surge_deadlock(deployment: &Value, owned: &Owned<'_>, found: &mut Vec<Diagnosis>, from: usize) {
    let is_rolling = text(deployment, "/spec/strategy/type") != "Recreate" && !owned.old.is_empty();
    if !is_rolling || !is_zero(deployment, "/spec/strategy/rollingUpdate/maxUnavailable") {
        return;
    }
    let is_surge_only = i64::try_from(owned.new.len()).unwrap_or(i64::MAX)
        < int(deployment, "/spec/replicas").unwrap_or(1)
        || count(deployment, "/spec/replicas") == 1;
    let blocked = found.iter().enumerate().find(|(index, diagnosis)| match diagnosis.code() {
        1010 => *index < from,
        2006 | 2010 | 4006 => *index >= from,
        _ => false,
    });
    let Some((index, blocked)) = blocked.filter(|_| is_surge_only) else { return };
    let message =
        format!("the rolling update cannot finish: {}, and no old pod may go before", blocked.finding.message);
    // What time may repair (a node added, an old pod leaving) keeps its grace.
    let new = Diagnosis::new(5109, reference(deployment), message).since(blocked.since).class(blocked.class);
    let new = blocked.finding.evidence.iter().fold(new, |new, words| new.seen(words));
    super::demote(&mut found[index..=index]);
    found.push(new);
}

fn is_zero(value: &Value, pointer: &str) -> bool {
    match value.pointer(pointer) {
        Some(Value::Number(number)) => number.as_i64() == Some(0),
        Some(Value::String(text)) => text.trim_end_matches('%') == "0",
        _ => false,
    }
}
