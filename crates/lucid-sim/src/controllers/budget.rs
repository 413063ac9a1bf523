//! PodDisruptionBudgets: how many pods may be missing, and how many are.

use std::sync::Arc;
use std::time::Duration;

use lucid_object::LabelSelector;
use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::{By, World};

use super::conditions::{self, Condition};
use super::pods;

const MANAGER: &str = "kube-controller-manager";

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let budget = world.get(Table::BUDGETS, &key.namespace, &key.name)?;
    let selector = LabelSelector::from_value(budget.at("spec/selector")).unwrap_or_default();
    let picked = world
        .store
        .list_in(Table::PODS, &key.namespace)
        .filter(|pod| !pods::is_finished(pod) && selector.matches(&pod.labels()));
    let picked: Vec<Arc<Value>> = picked.cloned().collect();
    let expected = expected(world, &budget, &picked);
    let healthy = picked.iter().filter(|pod| !pod.is_deleting() && pods::is_ready(pod)).count();
    let healthy = i64::try_from(healthy).unwrap_or(i64::MAX);
    let desired = desired(&budget, expected);
    let allowed = if expected == 0 { 0 } else { (healthy - desired).max(0) };
    let now = world.stamp();
    world.edit(Table::BUDGETS, &key.namespace, &key.name, By::status(MANAGER), |budget| {
        let kept = budget.at("status/conditions").clone();
        budget.put(
            "status",
            json!({"observedGeneration": budget.generation(), "disruptionsAllowed": allowed, "currentHealthy": healthy,
                "desiredHealthy": desired, "expectedPods": expected}),
        );
        if !kept.is_null() {
            budget.put("status/conditions", kept);
        }
        let condition = match allowed > 0 {
            true => Condition::new("DisruptionAllowed", "True", "SufficientPods", ""),
            false => Condition::new("DisruptionAllowed", "False", "InsufficientPods", ""),
        };
        conditions::set(budget, condition, &now);
        let generation = budget.generation();
        for condition in budget.items("status/conditions") {
            condition.put("observedGeneration", generation);
        }
    });
    None
}

/// A number is taken of the pods that are there; a share of the scale of their controllers.
fn expected(world: &World, budget: &Value, picked: &[Arc<Value>]) -> i64 {
    let by_number = budget.at("spec/minAvailable").is_number();
    if by_number {
        return i64::try_from(picked.len()).unwrap_or(i64::MAX);
    }
    let mut owners: Vec<&str> = picked.iter().filter_map(|pod| Some(pod.controller()?.str("uid"))).collect();
    owners.sort_unstable();
    owners.dedup();
    owners.into_iter().map(|uid| scale(world, uid)).sum()
}

fn scale(world: &World, uid: &str) -> i64 {
    let Some((_, owner)) = world.store.by_uid(uid) else { return 0 };
    let above = owner.controller().and_then(|above| world.store.by_uid(above.str("uid")));
    let scaled = above.map_or(owner, |(_, above)| above);
    scaled.int("spec/replicas")
}

fn desired(budget: &Value, expected: i64) -> i64 {
    let share = |value: &Value| match value {
        Value::Number(number) => number.as_i64().unwrap_or(0),
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            (expected * percent + 99) / 100
        }
        _ => 0,
    };
    if budget.has("spec/maxUnavailable") {
        return (expected - share(budget.at("spec/maxUnavailable"))).max(0);
    }
    if budget.has("spec/minAvailable") { share(budget.at("spec/minAvailable")) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::testing::{Stage, workload};

    #[track_caller]
    fn check(rule: Value, expect: (i64, i64)) {
        let mut stage = Stage::new(json!({}));
        let mut spec = json!({"selector": {"matchLabels": {"app": "web"}}});
        spec.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
        stage.create(json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}, "spec": spec}));
        stage.create(workload("Deployment", "web", 3, "nginx:1"));
        stage.advance(5);
        let budget = stage.get(Table::BUDGETS, "web");
        assert_eq!((budget.int("status/desiredHealthy"), budget.int("status/disruptionsAllowed")), expect, "{rule}");
        assert_eq!(budget.int("status/currentHealthy"), 3);
    }

    #[test]
    fn budgets_are_numbers_or_shares() {
        check(json!({"minAvailable": 2}), (2, 1));
        check(json!({"minAvailable": "50%"}), (2, 1));
        check(json!({"maxUnavailable": 0}), (3, 0));
        check(json!({"maxUnavailable": "34%"}), (1, 2));
    }
}
