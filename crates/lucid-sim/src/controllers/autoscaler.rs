//! HorizontalPodAutoscalers: [`measure`] says how many replicas the metrics ask for, [`limit`] how many there may be.
//! Without metrics they say so, and keep the target within its bounds.

mod limit;
mod measure;

use std::time::Duration;

use serde_json::Value;

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::{By, World};

use super::conditions::{self, Condition};

const MANAGER: &str = "kube-controller-manager";
const COMPONENT: &str = "horizontal-pod-autoscaler";
const PERIOD: Duration = Duration::from_secs(15);

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let Some(scaler) = world.get(Table::AUTOSCALERS, &key.namespace, &key.name) else {
        // Nothing of it counts for another one of its name.
        world.recommendations.remove(key);
        return None;
    };
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
    if wanted == current && current > 0 && world.config.metrics {
        by_metrics(world, key, &scaler, table, &object);
        return Some(PERIOD);
    }
    if wanted != current {
        let reason = if wanted > current { BELOW } else { ABOVE };
        rescale(world, &scaler, table, &object, wanted, reason);
    }
    let why = format!(
        "failed to get {0} utilization: unable to get metrics for resource {0}: unable to fetch metrics from resource metrics \
         API: the server could not find the requested resource (get pods.metrics.k8s.io)",
        measured(&scaler)
    );
    report(world, &scaler, &object, wanted, &why);
    Some(PERIOD)
}

const BELOW: &str = "Current number of replicas below Spec.MinReplicas";
const ABOVE: &str = "Current number of replicas above Spec.MaxReplicas";

/// What the metrics ask for, within what may be.
fn by_metrics(world: &mut World, key: &Key, scaler: &Value, table: Table, object: &Value) {
    let current = object.int("spec/replicas");
    let (proposal, shown) = match measure::propose(world, scaler, object) {
        Ok(found) => found,
        Err(why) => return report(world, scaler, object, current, &why),
    };
    let decision = limit::decide(world, key, scaler, current, proposal.replicas);
    let wanted = decision.replicas;
    if wanted != current {
        let reason = match wanted > current {
            true => format!("{} above target", proposal.metric),
            false => "All metrics below target".to_owned(),
        };
        rescale(world, scaler, table, object, wanted, &reason);
    }
    let updated = format!("the HPA controller was able to update the target scale to {wanted}");
    let matches = Condition::new("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size");
    let able = match wanted == current {
        true => decision.able.unwrap_or(matches),
        false => Condition::new("AbleToScale", "True", "SucceededRescale", &updated),
    };
    let valid = format!("the HPA was able to successfully calculate a replica count from {}", proposal.metric);
    let active = Condition::new("ScalingActive", "True", "ValidMetricFound", &valid);
    let (now, running) = (world.stamp(), object.int("status/replicas"));
    world.edit(Table::AUTOSCALERS, scaler.namespace(), scaler.name(), By::status(MANAGER), |scaler| {
        counts(scaler, running, Some(wanted), wanted != current, &now);
        scaler.put("status/currentMetrics", shown);
        for condition in [able, to_zero(wanted), active, decision.limited] {
            conditions::set(scaler, condition, &now);
        }
    });
}

/// The numbers of the status.
fn counts(scaler: &mut Value, running: i64, desired: Option<i64>, scaled: bool, now: &str) {
    let generation = scaler.generation();
    scaler.put("status/observedGeneration", generation);
    scaler.put("status/currentReplicas", running);
    let desired = desired.unwrap_or_else(|| scaler.int("status/desiredReplicas"));
    scaler.put("status/desiredReplicas", desired);
    if scaled {
        scaler.put("status/lastScaleTime", now);
    }
}

fn to_zero(wanted: i64) -> Condition<'static> {
    match wanted {
        0 => Condition::new("ScaledToZero", "True", "ScaledToZero", "the HPA controller scaled the workload to zero"),
        _ => Condition::new(
            "ScaledToZero",
            "False",
            "NotScaledToZero",
            "the HPA controller did not scale the workload to zero",
        ),
    }
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

fn rescale(world: &mut World, scaler: &Value, table: Table, object: &Value, wanted: i64, reason: &str) {
    world.edit(table, object.namespace(), object.name(), By::system(MANAGER), |object| {
        object.put("spec/replicas", wanted)
    });
    world.normal(COMPONENT, scaler, "SuccessfulRescale", &format!("New size: {wanted}; reason: {reason}"));
}

/// The first resource that is asked for.
fn measured(scaler: &Value) -> String {
    let mut metrics = scaler.list("spec/metrics").iter();
    let resource = metrics.find(|metric| metric.str("type") == "Resource");
    resource.map_or("cpu", |metric| metric.str("resource/name")).to_owned()
}

/// Nothing can be measured, for this reason.
fn report(world: &mut World, scaler: &Value, object: &Value, wanted: i64, why: &str) {
    let current = object.int("spec/replicas");
    let message = format!("the HPA was unable to compute the replica count: {why}");
    let scaled = wanted != current;
    if !scaled && current > 0 {
        world.warning(COMPONENT, scaler, "FailedGetResourceMetric", why);
        let all = format!(
            "invalid metrics (1 invalid out of 1), first error is: failed to get {} resource metric value: {why}",
            measured(scaler)
        );
        world.warning(COMPONENT, scaler, "FailedComputeMetricsReplicas", &all);
    }
    let (now, running) = (world.stamp(), object.int("status/replicas"));
    world.edit(Table::AUTOSCALERS, scaler.namespace(), scaler.name(), By::status(MANAGER), |scaler| {
        counts(scaler, running, scaled.then_some(wanted), scaled, &now);
        scaler.cut("status/currentMetrics");
        let updated = format!("the HPA controller was able to update the target scale to {wanted}");
        let got = "the HPA controller was able to get the target's current scale";
        let able = match scaled {
            true => Condition::new("AbleToScale", "True", "SucceededRescale", &updated),
            false => Condition::new("AbleToScale", "True", "SucceededGetScale", got),
        };
        conditions::set(scaler, able, &now);
        conditions::set(scaler, to_zero(wanted), &now);
        if current == 0 {
            let message = "scaling is disabled since the replica count of the target is zero";
            conditions::set(scaler, Condition::new("ScalingActive", "False", "ScalingDisabled", message), &now);
        } else if !scaled {
            let failed = Condition::new("ScalingActive", "False", "FailedGetResourceMetric", &message);
            conditions::set(scaler, failed, &now);
        }
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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

    /// Two cores of load, however many pods there are, against requests of 250m that may be used to four fifths.
    #[test]
    fn the_number_follows_the_load_and_goes_down_late() {
        let behaviours = json!({"behaviours": [{"select": {"workload": "web"}, "uses": {"cpu": "2", "shared": true}}]});
        let scenario = serde_json::from_value(behaviours).unwrap();
        let mut stage = Stage::of(crate::config::Config { scenario, metrics: true, ..Default::default() });
        let mut deployment = workload("Deployment", "web", 2, "nginx:1");
        deployment["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "250m"}});
        stage.create(deployment);
        stage.create(scaler(2, 20));
        let replicas = |stage: &Stage| stage.get(Table::DEPLOYMENTS, "web").int("spec/replicas");
        stage.until("ten pods", 120, |stage| replicas(stage) == 10);
        stage.advance(120);
        assert_eq!(replicas(&stage), 10, "ten times 200m is what is used");
        let found = stage.get(Table::AUTOSCALERS, "web");
        assert_eq!(
            conditions(&found),
            [
                "AbleToScale=True ReadyForNewScale",
                "ScaledToZero=False NotScaledToZero",
                "ScalingActive=True ValidMetricFound",
                "ScalingLimited=False DesiredWithinRange"
            ]
        );
        assert_eq!(found.list("status/currentMetrics")[0].int("resource/current/averageUtilization"), 80);
        let quiet = json!({"behaviours": [{"select": {"workload": "web"}, "uses": {"cpu": "400m", "shared": true}}]});
        stage.world.config.scenario = serde_json::from_value(quiet).unwrap();
        stage.advance(250);
        assert_eq!(replicas(&stage), 10, "what was right five minutes ago still counts");
        stage.until("two pods", 120, |stage| replicas(stage) == 2);
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
