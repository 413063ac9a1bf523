//! The cells of pods.

use serde_json::Value;

use super::{Row, age};
use crate::json::Json;

/// What a pod's containers come to.
struct Sum {
    ready: usize,
    total: usize,
    reason: String,
    restarts: i64,
    last: i64,
}

pub(super) fn ready(row: &Row<'_>) -> Value {
    let sum = sum(row.object);
    format!("{}/{}", sum.ready, sum.total).into()
}

pub(super) fn status(row: &Row<'_>) -> Value {
    let pod = row.object;
    let over = matches!(pod.str("status/phase"), "Succeeded" | "Failed");
    match pod.is_deleting() {
        true if pod.str("status/reason") == "NodeLost" => "Unknown".into(),
        true if !over => "Terminating".into(),
        _ => sum(pod).reason.into(),
    }
}

pub(super) fn restarts(row: &Row<'_>) -> Value {
    let sum = sum(row.object);
    match (sum.restarts, sum.last) {
        (0, _) | (_, 0) => sum.restarts.to_string().into(),
        (restarts, last) => format!("{restarts} ({} ago)", age::human(row.now - last)).into(),
    }
}

pub(super) fn gates(row: &Row<'_>) -> Value {
    let gates = row.object.list("spec/readinessGates");
    if gates.is_empty() {
        return "<none>".into();
    }
    let open = gates.iter().filter(|gate| row.object.condition(gate.str("conditionType")) == "True").count();
    format!("{open}/{}", gates.len()).into()
}

fn ended(status: &Value) -> i64 {
    crate::time::parse_seconds(status.str("lastState/terminated/finishedAt")).unwrap_or(0)
}

/// Why a container ended.
fn reason_of(ended: &Value) -> String {
    match (ended.str("reason"), ended.int("signal")) {
        ("", 0) => format!("ExitCode:{}", ended.int("exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.into(),
    }
}

fn sum(pod: &Value) -> Sum {
    let reason = if pod.has("status/reason") { pod.str("status/reason") } else { pod.str("status/phase") };
    let gated = pod.list("status/conditions").iter().any(|c| c.str("reason") == "SchedulingGated");
    let reason = if gated { "SchedulingGated" } else { reason };
    let init = pod.list("spec/initContainers");
    let is_sidecar =
        |name: &str| init.iter().any(|one| one.str("name") == name && one.str("restartPolicy") == "Always");
    let sidecars = init.iter().filter(|one| one.str("restartPolicy") == "Always").count();
    let total = pod.list("spec/containers").len() + sidecars;
    let mut sum = Sum { ready: 0, total, reason: reason.into(), restarts: 0, last: 0 };
    let mut initializing = false;
    let (mut side_restarts, mut side_last) = (0, 0);
    for (at, status) in pod.list("status/initContainerStatuses").iter().enumerate() {
        sum.restarts += status.int("restartCount");
        sum.last = sum.last.max(ended(status));
        let sidecar = is_sidecar(status.str("name"));
        if sidecar {
            side_restarts += status.int("restartCount");
            side_last = side_last.max(ended(status));
        }
        let over = status.at("state/terminated");
        if !over.is_null() && over.int("exitCode") == 0 {
            continue;
        }
        if sidecar && status.flag("started") {
            sum.ready += usize::from(status.flag("ready"));
            continue;
        }
        let waiting = status.str("state/waiting/reason");
        sum.reason = if !over.is_null() {
            format!("Init:{}", reason_of(over))
        } else if !matches!(waiting, "" | "PodInitializing") {
            format!("Init:{waiting}")
        } else {
            format!("Init:{at}/{}", init.len())
        };
        initializing = true;
        break;
    }
    if !initializing || pod.condition("Initialized") == "True" {
        (sum.restarts, sum.last) = (side_restarts, side_last);
        containers(pod, &mut sum);
    }
    sum
}

fn containers(pod: &Value, sum: &mut Sum) {
    let (mut running, mut failed) = (false, String::new());
    for status in pod.list("status/containerStatuses").iter().rev() {
        sum.restarts += status.int("restartCount");
        sum.last = sum.last.max(ended(status));
        let over = status.at("state/terminated");
        if status.has("state/waiting/reason") && !status.str("state/waiting/reason").is_empty() {
            sum.reason = status.str("state/waiting/reason").into();
        } else if !over.is_null() {
            sum.reason = reason_of(over);
            if over.int("exitCode") != 0 {
                failed.clone_from(&sum.reason);
            }
        } else if status.flag("ready") && status.has("state/running") {
            running = true;
            sum.ready += 1;
        }
    }
    // One container that is still there makes it a pod that runs.
    if sum.reason == "Completed" {
        if running && pod.condition("Ready") == "True" {
            sum.reason = "Running".into();
        } else if !failed.is_empty() {
            sum.reason = failed;
        } else if running {
            sum.reason = "NotReady".into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(pod: Value, expect: [&str; 3]) {
        let row = Row { object: &pod, now: 1_000 };
        let cells = [ready(&row), status(&row), restarts(&row)];
        assert_eq!(cells.map(|cell| cell.as_str().unwrap().to_owned()), expect);
    }

    #[test]
    fn what_containers_come_to() {
        let spec = json!({"containers": [{"name": "a"}, {"name": "b"}]});
        let up = json!({"name": "a", "ready": true, "state": {"running": {}}, "restartCount": 0});
        let crashing = json!({"name": "b", "ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"finishedAt": "1970-01-01T00:15:00Z"}}});
        check(
            json!({"spec": spec, "status": {"phase": "Running", "containerStatuses": [up, crashing]}}),
            ["1/2", "CrashLoopBackOff", "3 (100s ago)"],
        );
        check(
            json!({"spec": spec, "status": {"phase": "Pending"}, "metadata": {"deletionTimestamp": "x"}}),
            ["0/2", "Terminating", "0"],
        );
    }

    #[test]
    fn pods_that_are_being_set_up() {
        let spec = json!({"containers": [{"name": "a"}], "initContainers": [{"name": "one"}, {"name": "two"}]});
        let done = json!({"name": "one", "state": {"terminated": {"exitCode": 0}}});
        let running = json!({"name": "two", "state": {"running": {}}});
        check(
            json!({"spec": spec, "status": {"phase": "Pending", "initContainerStatuses": [done, running]}}),
            ["0/1", "Init:1/2", "0"],
        );
        let failed =
            json!({"name": "two", "restartCount": 1, "state": {"terminated": {"exitCode": 2, "reason": "Error"}}});
        check(
            json!({"spec": spec, "status": {"phase": "Pending", "initContainerStatuses": [done, failed]}}),
            ["0/1", "Init:Error", "1"],
        );
    }
}
