//! HorizontalPodAutoscalers: without metrics they say so, and keep the target within its bounds.

use std::time::Duration;

use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::{By, World};

use super::conditions::{self, Condition};

const MANAGER: &str = "kube-controller-manager";
const COMPONENT: &str = "horizontal-pod-autoscaler";
const PERIOD: Duration = Duration::from_secs(15);

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let scaler = world.get(Table::AUTOSCALERS, &key.namespace, &key.name)?;
    let target = scaler.at("spec/scaleTargetRef");
    let kind = world.kinds.by_group_kind(target.str("apiVersion"), target.str("kind")).cloned();
    let found = kind.and_then(|kind| Some((kind.table, world.get(kind.table, &key.namespace, target.str("name"))?)));
    let Some((table, object)) = found else {
        missing(world, &scaler);
        return Some(PERIOD);
    };
    let current = object.int("spec/replicas");
    let (least, most) = (scaler.int("spec/minReplicas").max(1), scaler.int("spec/maxReplicas"));
    let wanted = if current == 0 { 0 } else { current.clamp(least, most.max(least)) };
    if wanted != current {
        rescale(world, &scaler, table, &object, wanted);
    }
    report(world, &scaler, &object, current, wanted);
    Some(PERIOD)
}

fn missing(world: &mut World, scaler: &Value) {
    let target = scaler.at("spec/scaleTargetRef");
    let plural = format!("{}s", target.str("kind").to_lowercase());
    let group = target.str("apiVersion").rsplit_once('/').map_or("", |(group, _)| group);
    let message = format!(
        "the HPA controller was unable to get the target's current scale: {plural}.{group} {:?} not found",
        target.str("name")
    );
    world.warning(COMPONENT, scaler, "FailedGetScale", &format!("{plural}.{group} {:?} not found", target.str("name")));
    let now = world.stamp();
    world.edit(Table::AUTOSCALERS, scaler.namespace(), scaler.name(), By::status(MANAGER), |scaler| {
        conditions::set(scaler, Condition::new("AbleToScale", "False", "FailedGetScale", &message), &now);
    });
}

fn rescale(world: &mut World, scaler: &Value, table: Table, object: &Value, wanted: i64) {
    let reason = if wanted > object.int("spec/replicas") {
        "Current number of replicas below Spec.MinReplicas"
    } else {
        "Current number of replicas above Spec.MaxReplicas"
    };
    world.edit(table, object.namespace(), object.name(), By::system(MANAGER), |object| {
        object.put("spec/replicas", wanted)
    });
    world.normal(COMPONENT, scaler, "SuccessfulRescale", &format!("New size: {wanted}; reason: {reason}"));
}

/// The first resource that is asked for; there is nobody who measures it.
fn measure(scaler: &Value) -> String {
    let metrics = scaler.list("spec/metrics");
    let resource = metrics
        .iter()
        .find(|metric| metric.str("type") == "Resource")
        .map_or("cpu", |metric| metric.str("resource/name"));
    resource.to_owned()
}

fn report(world: &mut World, scaler: &Value, object: &Value, current: i64, wanted: i64) {
    let resource = measure(scaler);
    let fetch = format!(
        "failed to get {resource} utilization: unable to get metrics for resource {resource}: unable to fetch metrics from \
         resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
    );
    let message = format!("the HPA was unable to compute the replica count: {fetch}");
    let scaled = wanted != current;
    if !scaled && current > 0 {
        world.warning(COMPONENT, scaler, "FailedGetResourceMetric", &fetch);
        let all = format!(
            "invalid metrics (1 invalid out of 1), first error is: failed to get {resource} resource metric value: {fetch}"
        );
        world.warning(COMPONENT, scaler, "FailedComputeMetricsReplicas", &all);
    }
    let (now, status) = (world.stamp(), object.int("status/replicas"));
    world.edit(Table::AUTOSCALERS, scaler.namespace(), scaler.name(), By::status(MANAGER), |scaler| {
        scaler.put("status/currentReplicas", status);
        scaler.put("status/desiredReplicas", if scaled { wanted } else { scaler.int("status/desiredReplicas") });
        scaler.default_to("status/currentMetrics", json!(null));
        scaler.cut("status/currentMetrics");
        if scaled {
            scaler.put("status/lastScaleTime", now.clone());
        }
        let updated = format!("the HPA controller was able to update the target scale to {wanted}");
        let able = match scaled {
            true => Condition::new("AbleToScale", "True", "SucceededRescale", &updated),
            false => Condition::new(
                "AbleToScale",
                "True",
                "SucceededGetScale",
                "the HPA controller was able to get the target's current scale",
            ),
        };
        let generation = scaler.generation();
        scaler.put("status/observedGeneration", generation);
        conditions::set(scaler, able, &now);
        let zero = match wanted {
            0 => {
                Condition::new("ScaledToZero", "True", "ScaledToZero", "the HPA controller scaled the workload to zero")
            }
            _ => Condition::new(
                "ScaledToZero",
                "False",
                "NotScaledToZero",
                "the HPA controller did not scale the workload to zero",
            ),
        };
        conditions::set(scaler, zero, &now);
        if current == 0 {
            let message = "scaling is disabled since the replica count of the target is zero";
            conditions::set(scaler, Condition::new("ScalingActive", "False", "ScalingDisabled", message), &now);
        } else if !scaled {
            conditions::set(
                scaler,
                Condition::new("ScalingActive", "False", "FailedGetResourceMetric", &message),
                &now,
            );
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::testing::{Stage, conditions, workload};

    fn scaler(least: i64, most: i64) -> Value {
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "minReplicas": least, "maxReplicas": most,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]}})
    }

    #[test]
    fn the_target_is_kept_within_bounds() {
        let mut stage = Stage::new(json!({}));
        stage.create(workload("Deployment", "web", 1, "nginx:1"));
        stage.create(scaler(3, 5));
        stage.advance(16);
        assert_eq!(stage.get(Table::DEPLOYMENTS, "web").int("spec/replicas"), 3);
        stage.advance(20);
        let scaler = stage.get(Table::AUTOSCALERS, "web");
        assert_eq!(
            conditions(&scaler),
            [
                "AbleToScale=True SucceededGetScale",
                "ScaledToZero=False NotScaledToZero",
                "ScalingActive=False FailedGetResourceMetric"
            ]
        );
        assert_eq!((scaler.int("status/currentReplicas"), scaler.int("status/desiredReplicas")), (3, 3));
    }

    #[test]
    fn a_missing_target_is_reported() {
        let mut stage = Stage::new(json!({}));
        stage.create(scaler(1, 2));
        stage.advance(16);
        let scaler = stage.get(Table::AUTOSCALERS, "web");
        assert_eq!(conditions(&scaler), ["AbleToScale=False FailedGetScale"]);
        assert!(scaler.list("status/conditions")[0].str("message").ends_with("deployments.apps \"web\" not found"));
    }
}
