//! From what the metrics ask for to what is done: bounds, pace, and no shrinking at the first lull.
//!
//! Follows `normalizeDesiredReplicas` of k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go.

use std::time::Duration;

use serde_json::Value;

use crate::json::Json;
use crate::store::Key;
use crate::world::World;

use super::super::conditions::Condition;

/// How long the highest recommendation counts before there are fewer replicas.
const CALM: i64 = 300;

/// What is done, and the conditions that say why.
pub(super) struct Decision {
    pub(super) replicas: i64,
    pub(super) able: Option<Condition<'static>>,
    pub(super) limited: Condition<'static>,
}

pub(super) fn decide(world: &mut World, key: &Key, scaler: &Value, current: i64, proposed: i64) -> Decision {
    let calm = scaler.at("spec/behavior/scaleDown/stabilizationWindowSeconds").as_i64().unwrap_or(CALM);
    let calm = Duration::from_secs(u64::try_from(calm).unwrap_or(0));
    let highest = highest_of_late(world, key, proposed, calm);
    let stabilized = if proposed < current { highest.min(current) } else { proposed };
    let able = (stabilized != proposed).then(|| {
        let message = "recent recommendations were higher than current one, applying the highest recent recommendation";
        Condition::new("AbleToScale", "True", "ScaleDownStabilized", message)
    });
    let (replicas, limited) = within(scaler, current, stabilized);
    Decision { replicas, able, limited }
}

/// The highest recommendation within the window; this one is remembered.
fn highest_of_late(world: &mut World, key: &Key, proposed: i64, window: Duration) -> i64 {
    let now = world.now();
    let known = world.recommendations.entry(key.clone()).or_default();
    known.retain(|(at, _)| *at + window > now);
    known.push((now, proposed));
    known.iter().map(|(_, replicas)| *replicas).max().unwrap_or(proposed)
}

fn within(scaler: &Value, current: i64, wanted: i64) -> (i64, Condition<'static>) {
    let limited = |status, reason, message| Condition::new("ScalingLimited", status, reason, message);
    let (least, most) = (scaler.int("spec/minReplicas").max(1), scaler.int("spec/maxReplicas"));
    // Twice as many, or four more, in one period.
    let fastest = (current * 2).max(current + 4);
    if wanted > most {
        let message = "the desired replica count is more than the maximum replica count";
        return (most.min(fastest), limited("True", "TooManyReplicas", message));
    }
    if wanted > fastest {
        let message = "the desired replica count is increasing faster than the maximum scale rate";
        return (fastest, limited("True", "ScaleUpLimit", message));
    }
    if wanted < least {
        let message = "the desired replica count is less than the minimum replica count";
        return (least, limited("True", "TooFewReplicas", message));
    }
    (wanted, limited("False", "DesiredWithinRange", "the desired count is within the acceptable range"))
}
