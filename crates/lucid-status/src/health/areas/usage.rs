//! What pods use against what they asked for, where the metrics API is there.

use lucid_object::{ObjectRef, Quantity};
use serde_json::Value;

use crate::diagnosis::Diagnosis;
use crate::health::report::Usage;
use crate::health::view::View;
use crate::read::{items, name, namespace, reference, text};

/// Above this share of its limit a container is killed by the next request that needs memory.
const NEAR: i64 = 90;

/// Sums over the pods that the metrics API knows, and the containers that are near their memory limit.
pub(in crate::health) fn of_pods(pods: &[&Value], view: &View<'_>) -> (Option<Usage>, Vec<Diagnosis>) {
    let (mut sum, mut near) = (Usage::default(), Vec::new());
    for pod in pods {
        let key = ObjectRef::new("metrics.k8s.io", "PodMetrics", namespace(pod), name(pod));
        let Some(metrics) = view.facts.cluster.get(&key) else { continue };
        sum.pods += 1;
        for container in items(metrics, "/containers") {
            let spec = items(pod, "/spec/containers").find(|spec| text(spec, "/name") == text(container, "/name"));
            let used = usage_of(container, spec);
            near.extend(near_limit(pod, text(container, "/name"), &used));
            sum = add(sum, used);
        }
    }
    ((sum.pods > 0).then_some(sum), near)
}

fn usage_of(container: &Value, spec: Option<&Value>) -> Usage {
    let amount = |value: Option<&Value>, pointer: &str| {
        Quantity::parse(text(value?, pointer)).map(|quantity| (clamp(quantity.milli()), clamp(quantity.value())))
    };
    let wanted = |pointer: &str| amount(spec, pointer).unwrap_or_default();
    let used = |pointer: &str| amount(Some(container), pointer).unwrap_or_default();
    Usage {
        cpu_milli: used("/usage/cpu").0,
        cpu_request_milli: wanted("/resources/requests/cpu").0,
        cpu_limit_milli: wanted("/resources/limits/cpu").0,
        memory: used("/usage/memory").1,
        memory_request: wanted("/resources/requests/memory").1,
        memory_limit: wanted("/resources/limits/memory").1,
        pods: 0,
    }
}

fn clamp(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn add(a: Usage, b: Usage) -> Usage {
    Usage {
        cpu_milli: a.cpu_milli.saturating_add(b.cpu_milli),
        cpu_request_milli: a.cpu_request_milli.saturating_add(b.cpu_request_milli),
        cpu_limit_milli: a.cpu_limit_milli.saturating_add(b.cpu_limit_milli),
        memory: a.memory.saturating_add(b.memory),
        memory_request: a.memory_request.saturating_add(b.memory_request),
        memory_limit: a.memory_limit.saturating_add(b.memory_limit),
        pods: a.pods + b.pods,
    }
}

fn near_limit(pod: &Value, container: &str, used: &Usage) -> Option<Diagnosis> {
    let percent = used.memory.saturating_mul(100).checked_div(used.memory_limit).filter(|percent| *percent >= NEAR)?;
    let message = format!("container {container} of pod {} uses {percent} % of its memory limit", name(pod));
    Some(Diagnosis::new(5017, reference(pod), message))
}
