//! PodDisruptionBudgets: pods behind them, and whether they let a node be drained.

use std::collections::BTreeMap;

use lucid_object::{Finding, LabelSelector, Object, ObjectRef};
use serde_json::Value;

use super::scene::{Scene, shown};

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let mut guarded: BTreeMap<ObjectRef, &Object> = BTreeMap::new();
    for budget in scene.of("policy", "PodDisruptionBudget") {
        let Some(selector) = budget.value().pointer("/spec/selector").and_then(LabelSelector::from_value) else {
            continue;
        };
        let makers: Vec<&Object> = scene.selected(budget.namespace(), &selector).collect();
        if makers.is_empty() {
            found.push(selects_nothing(scene, budget, &selector));
        }
        for maker in makers {
            if let Some(other) = guarded.insert(maker.reference(), budget) {
                found.push(twice(budget, other, maker));
            }
            found.extend(blocks(budget, maker));
        }
    }
}

fn selects_nothing(scene: &Scene<'_>, budget: &Object, selector: &LabelSelector) -> Finding {
    let message = format!("{} selects no pod of the release ({})", budget.reference(), shown(selector));
    let finding = match scene.may_have_other_pods(budget.namespace()) {
        true => Finding::warning(8202, message),
        false => Finding::error(8202, message),
    };
    let help = match scene.nearest_labels(budget.namespace(), selector) {
        Some(near) => format!("make the selector equal to the pods' labels: {near}"),
        None => "make the selector equal to the labels of the pods, or remove the budget".into(),
    };
    finding.on(budget.reference()).at(budget.position("/spec/selector")).help(help)
}

fn twice(budget: &Object, other: &Object, maker: &Object) -> Finding {
    let message = format!(
        "{} and {} guard the pods of {}; no pod under two budgets can be evicted",
        other.reference(),
        budget.reference(),
        maker.reference().short()
    );
    let finding = Finding::warning(5115, message).on(budget.reference()).at(budget.position("/spec/selector"));
    finding.help("keep one of them")
}

/// A budget that never lets a pod go: nodes cannot be drained.
fn blocks(budget: &Object, maker: &Object) -> Option<Finding> {
    let replicas = maker.value().pointer("/spec/replicas").map_or(Some(1), Value::as_i64)?;
    if maker.kind() == "DaemonSet" || maker.kind() == "Pod" || replicas == 0 {
        return None;
    }
    let spec = &budget.value()["spec"];
    let (field, allowed) = match (spec.get("minAvailable"), spec.get("maxUnavailable")) {
        (Some(least), None) => ("minAvailable", replicas - scaled(least, replicas)?),
        (None, Some(most)) => ("maxUnavailable", scaled(most, replicas)?),
        _ => return None,
    };
    if allowed > 0 {
        return None;
    }
    let many = if replicas == 1 { "1 replica".to_owned() } else { format!("{replicas} replicas") };
    let message = format!(
        "{} lets no pod of {} ({many}) be evicted: its nodes cannot be drained",
        budget.reference(),
        maker.reference().short()
    );
    let finding = match replicas {
        // One replica under a budget is a decision: nothing may move it without being asked.
        1 => Finding::advice(5115, message),
        _ => Finding::warning(5115, message),
    };
    let finding = finding.on(budget.reference()).at(budget.position(&format!("/spec/{field}")));
    Some(finding.help("allow one pod to be away, or add a replica"))
}

/// A number, or a percentage rounded up, as the API does it.
fn scaled(value: &Value, replicas: i64) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => match text.strip_suffix('%') {
            Some(percent) => Some((percent.parse::<i64>().ok()?.clamp(0, 100) * replicas + 99) / 100),
            None => text.parse().ok(),
        },
        _ => None,
    }
}
