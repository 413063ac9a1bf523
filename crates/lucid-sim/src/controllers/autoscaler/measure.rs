//! How many replicas the metrics of an autoscaler ask for.
//!
//! Follows k8s.io/kubernetes/pkg/controller/podautoscaler/replica_calculator.go, for resource metrics of whole pods.

use serde_json::{Value, json};

use crate::controllers::{owners, pods};
use crate::json::Json;
use crate::kinds::Table;
use crate::metrics;
use crate::quantity;
use crate::world::World;

/// A deviation of a tenth changes nothing.
const TOLERANCE: f64 = 0.1;

/// What one metric says.
pub(super) struct Proposal {
    pub(super) replicas: i64,
    /// In the words of events and conditions.
    pub(super) metric: String,
    /// For `status.currentMetrics`.
    pub(super) current: Value,
}

/// The metric that asks for most; the error is the first one's when none can be had.
pub(super) fn propose(world: &World, scaler: &Value, target: &Value) -> Result<(Proposal, Vec<Value>), String> {
    let (mut best, mut shown, mut first): (Option<Proposal>, Vec<Value>, Option<String>) = (None, Vec::new(), None);
    for spec in scaler.list("spec/metrics") {
        match of_metric(world, spec, target) {
            Ok(proposal) => {
                shown.push(proposal.current.clone());
                if best.as_ref().is_none_or(|best| proposal.replicas > best.replicas) {
                    best = Some(proposal);
                }
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    match (best, first) {
        // What cannot be measured might want more: then at least nothing is taken away.
        (Some(best), Some(error)) if best.replicas < target.int("spec/replicas") => Err(error),
        (Some(best), _) => Ok((best, shown)),
        (None, error) => Err(error.unwrap_or_else(|| "no metrics".into())),
    }
}

fn of_metric(world: &World, spec: &Value, target: &Value) -> Result<Proposal, String> {
    if spec.str("type") != "Resource" {
        return Err(format!("no {} metrics are served here", spec.str("type").to_lowercase()));
    }
    let resource = spec.str("resource/name").to_owned();
    let sample = Sample::of(world, target, &resource)?;
    let wanted = spec.at("resource/target");
    let (current, replicas, metric) = match wanted.str("type") {
        "Utilization" => {
            let (used, requested) = (sample.used(), sample.requested()?);
            let percent = if requested == 0 { 0 } else { used * 100 / requested };
            let goal = i128::from(wanted.int("averageUtilization").max(1));
            let shown = json!({"averageUtilization": i64::try_from(percent).unwrap_or(i64::MAX),
                "averageValue": average(used, sample.measured.len(), &resource)});
            let each = requested * goal / 100 / i128::try_from(sample.measured.len().max(1)).unwrap_or(1);
            (shown, sample.replicas(each), format!("{resource} resource utilization (percentage of request)"))
        }
        _ => {
            let goal = lucid_object::Quantity::parse(wanted.str("averageValue")).map_or(1, |goal| goal.milli());
            let shown = json!({"averageValue": average(sample.used(), sample.measured.len(), &resource)});
            (shown, sample.replicas(goal), format!("{resource} resource"))
        }
    };
    let current = json!({"type": "Resource", "resource": {"name": resource, "current": current}});
    Ok(Proposal { replicas, metric, current })
}

fn average(used: i128, pods: usize, resource: &str) -> String {
    let each = used / i128::try_from(pods.max(1)).unwrap_or(1);
    if resource == "memory" { quantity::spell(each / 1000 * 1000, "1") } else { quantity::spell(each, "1") }
}

/// The pods of a workload, by what is known of them.
struct Sample {
    current: i64,
    /// Use and request of those that are ready.
    measured: Vec<(i128, Option<i128>)>,
    unready: usize,
    missing: usize,
    /// A container that requests nothing, and its pod.
    without: Option<(String, String)>,
    resource: String,
}

impl Sample {
    fn of(world: &World, target: &Value, resource: &str) -> Result<Self, String> {
        let Some(selector) = owners::selector(target) else { return Err("selector is required".into()) };
        let mut sample = Self {
            current: target.int("spec/replicas"),
            measured: Vec::new(),
            unready: 0,
            missing: 0,
            without: None,
            resource: resource.to_owned(),
        };
        let own = world.store.list_in(Table::PODS, target.namespace());
        for pod in own.filter(|pod| selector.matches(&pod.labels()) && pods::is_active(pod)) {
            let used = metrics::of_pod(world, pod);
            match (used.is_empty(), pods::is_ready(pod)) {
                (true, _) if pod.str("status/phase") == "Running" => sample.missing += 1,
                (true, _) | (false, false) => sample.unready += 1,
                (false, true) => sample.add(pod, used.iter().map(|(_, usage)| usage.milli(resource)).sum()),
            }
        }
        match sample.measured.is_empty() {
            true => Err(format!(
                "failed to get {resource} utilization: did not receive metrics for targeted pods (pods might be unready)"
            )),
            false => Ok(sample),
        }
    }

    fn add(&mut self, pod: &Value, used: i128) {
        let mut requested = Some(0);
        for container in pod.list("spec/containers") {
            let own = metrics::request(container, &self.resource);
            if own.is_none() && self.without.is_none() {
                self.without = Some((container.str("name").to_owned(), pod.name().to_owned()));
            }
            requested = requested.zip(own).map(|(sum, own)| sum + own);
        }
        self.measured.push((used, requested));
    }

    fn used(&self) -> i128 {
        self.measured.iter().map(|(used, _)| used).sum()
    }

    fn requested(&self) -> Result<i128, String> {
        match &self.without {
            Some((container, pod)) => Err(format!(
                "failed to get {0} utilization: missing request for {0} in container {container} of Pod {pod}",
                self.resource
            )),
            None => Ok(self.measured.iter().filter_map(|(_, requested)| *requested).sum()),
        }
    }

    /// How many replicas it takes until each uses no more than that.
    fn replicas(&self, each: i128) -> i64 {
        let count = |pods: usize| pods as f64;
        let ratio = |used: i128, pods: usize| used as f64 / (count(pods.max(1)) * each.max(1) as f64);
        let plain = ratio(self.used(), self.measured.len());
        let grows = plain > 1.0;
        if self.missing == 0 && !(grows && self.unready > 0) {
            return match (1.0 - plain).abs() <= TOLERANCE {
                true => self.current,
                false => (plain * count(self.measured.len())).ceil() as i64,
            };
        }
        // Those that nobody has measured use nothing when it is about growing, and their share when about shrinking.
        let (guessed, pods) = match grows {
            true => (0, self.measured.len() + self.missing + self.unready),
            false => (each * i128::try_from(self.missing).unwrap_or(0), self.measured.len() + self.missing),
        };
        let cautious = ratio(self.used() + guessed, pods);
        let wanted = (cautious * count(pods)).ceil() as i64;
        let is_other_way = (cautious > 1.0) != grows
            || (cautious < 1.0 && wanted > self.current)
            || (cautious > 1.0 && wanted < self.current);
        if (1.0 - cautious).abs() <= TOLERANCE || is_other_way { self.current } else { wanted }
    }
}
