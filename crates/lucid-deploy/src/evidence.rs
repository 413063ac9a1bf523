//! Freezes what is seen of a failure before the way back changes it: states, events, logs.

use lucid_client::{ApiClient, LogQuery, Target};
use lucid_object::{Finding, ObjectRef};
use lucid_plan::{Plan, references};
use lucid_release::evidence::{BYTES, CHANGES, LINES};
use lucid_release::names::SHARED;
use lucid_release::{ComponentEvidence, Content, Evidence, LogEvidence, PodEvidence};
use lucid_status::{Cluster, closer};
use serde_json::Value;

use crate::cache::{Cache, reference};
use crate::compare;

/// Most pods of one component that are looked at: those of one revision fail alike.
const PODS: usize = 3;
/// Longest line of what had changed.
const WIDEST: usize = 500;

/// Strikes Secret values out of foreign text.
pub trait Cleaner: Send + Sync {
    /// This value must not leave the program.
    fn keep(&self, value: &str);
    fn clean(&self, text: &str) -> String;
}

/// What is seen of the components that have failed.
pub(crate) async fn collect(
    client: &ApiClient,
    plan: &Plan,
    cache: &Cache,
    failed: &[(String, Vec<Finding>)],
    cleaner: &dyn Cleaner,
) -> Vec<ComponentEvidence> {
    let mut room = BYTES;
    let mut components = Vec::new();
    for (name, findings) in failed {
        let lane = plan.lanes.iter().find(|lane| &lane.name == name);
        let workloads = lane.into_iter().flat_map(|lane| &lane.operations).map(|operation| &operation.object);
        let broken: Vec<&Value> = workloads.flat_map(|workload| broken_pods(cache, workload)).take(PODS).collect();
        let (mut pods, mut said) = (Vec::new(), Vec::new());
        for pod in broken {
            learn_secrets(client, pod, cleaner).await;
            let seen = of_pod(client, cache, pod, &mut room, cleaner).await;
            said.extend(seen.logs.iter().filter_map(|log| closer::of_log(pod, &log.container, &log.text)));
            pods.push(seen);
        }
        let mut findings = findings.clone();
        // Of many pods one is enough: they say the same.
        findings.extend(said.into_iter().next().map(|diagnosis| diagnosis.finding));
        components.push(ComponentEvidence { name: name.clone(), findings, pods });
    }
    components
}

fn broken_pods<'a>(cache: &'a Cache, workload: &ObjectRef) -> Vec<&'a Value> {
    let Some(uid) = cache.get(workload).and_then(|object| text(object, "/metadata/uid")) else { return Vec::new() };
    let children = cache.owned_by(uid);
    let grandchildren: Vec<&Value> =
        children.iter().filter_map(|child| text(child, "/metadata/uid")).flat_map(|uid| cache.owned_by(uid)).collect();
    let mut pods: Vec<&Value> =
        children.into_iter().chain(grandchildren).filter(|object| object["kind"] == "Pod").collect();
    pods.retain(|pod| !is_ready(pod));
    // The newest first: those of the revision that failed.
    pods.sort_by_key(|pod| std::cmp::Reverse(text(pod, "/metadata/creationTimestamp").unwrap_or_default().to_owned()));
    pods
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// What the pod may have written into its log must be known to be struck out.
async fn learn_secrets(client: &ApiClient, pod: &Value, cleaner: &dyn Cleaner) {
    use base64::Engine as _;
    let namespace = text(pod, "/metadata/namespace");
    for secret in references::of_pod_spec(&pod["spec"]).into_iter().filter(|reference| reference.kind == "Secret") {
        let target = Target::core("Secret", "secrets", namespace);
        let Ok(object) = client.get(&target, &secret.name).await else { continue };
        for value in object["data"].as_object().into_iter().flat_map(|data| data.values()).filter_map(Value::as_str) {
            let decoded = base64::engine::general_purpose::STANDARD.decode(value).unwrap_or_default();
            cleaner.keep(&String::from_utf8_lossy(&decoded));
            cleaner.keep(value);
        }
    }
}

async fn of_pod(
    client: &ApiClient,
    cache: &Cache,
    pod: &Value,
    room: &mut usize,
    cleaner: &dyn Cleaner,
) -> PodEvidence {
    let statuses = || {
        let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
        lists.into_iter().filter_map(|list| pod.pointer(list)?.as_array()).flatten()
    };
    let mut events: Vec<&Value> = cache.events_for(text(pod, "/metadata/uid").unwrap_or_default());
    events.sort_by_key(|event| text(event, "/lastTimestamp").unwrap_or_default().to_owned());
    let mut logs = Vec::new();
    for status in statuses() {
        let restarted = status["restartCount"].as_i64().unwrap_or(0) > 0;
        for previous in [false, true].into_iter().filter(|previous| !previous || restarted) {
            logs.extend(log(client, pod, status["name"].as_str().unwrap_or_default(), previous, room, cleaner).await);
        }
    }
    PodEvidence {
        pod: reference(pod),
        containers: statuses().map(|status| cleaner.clean(&state(status))).collect(),
        events: events.into_iter().map(|event| cleaner.clean(&sentence(event))).collect(),
        logs,
    }
}

async fn log(
    client: &ApiClient,
    pod: &Value,
    container: &str,
    previous: bool,
    room: &mut usize,
    cleaner: &dyn Cleaner,
) -> Option<LogEvidence> {
    let query = LogQuery {
        namespace: text(pod, "/metadata/namespace")?,
        pod: text(pod, "/metadata/name")?,
        container,
        previous,
        lines: LINES,
        bytes: (*room).min(64 << 10),
    };
    if query.bytes == 0 {
        return None;
    }
    // A container that never ran has no log; that is no failure of ours.
    let text = cleaner.clean(client.log(&query).await.ok()?.trim_end());
    *room = room.saturating_sub(text.len());
    (!text.is_empty()).then(|| LogEvidence { container: container.to_owned(), previous, text })
}

fn state(status: &Value) -> String {
    let name = status["name"].as_str().unwrap_or("?");
    let words = ["waiting", "terminated", "running"].into_iter().find_map(|word| {
        let state = status.pointer(&format!("/state/{word}"))?;
        let reason = state["reason"].as_str().map(|reason| format!(" {reason}")).unwrap_or_default();
        let code = state["exitCode"].as_i64().map(|code| format!(", exit code {code}")).unwrap_or_default();
        let message = state["message"].as_str().map(|message| format!(": {message}")).unwrap_or_default();
        Some(format!("{word}{reason}{code}{message}"))
    });
    let restarts = status["restartCount"].as_i64().unwrap_or(0);
    format!("{name} {}, {restarts} restarts", words.unwrap_or_else(|| "unknown".into()))
}

fn sentence(event: &Value) -> String {
    let part = |pointer: &str| text(event, pointer).unwrap_or_default();
    let count =
        event["count"].as_i64().filter(|count| *count > 1).map(|count| format!(" (×{count})")).unwrap_or_default();
    format!("{} {}: {}{count}", part("/lastTimestamp"), part("/reason"), part("/message").trim_end())
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// The evidence of a run.
pub(crate) fn whole(run: u64, command: &str, components: Vec<ComponentEvidence>, changes: Vec<String>) -> Evidence {
    Evidence { run, command: command.to_owned(), components, changes }
}

/// What the failed components, and the shared part, say otherwise than before.
pub(crate) fn changes(
    old: &Content,
    new: &Content,
    failed: &[(String, Vec<Finding>)],
    cleaner: &dyn Cleaner,
) -> Vec<String> {
    let is_meant = |component: &str| component == SHARED || failed.iter().any(|(name, _)| name == component);
    let differences = compare::contents(old, new).into_iter().filter(|difference| is_meant(&difference.component));
    let lines = differences.flat_map(|difference| difference.lines()).take(CHANGES);
    lines.map(|line| cleaner.clean(&line).chars().take(WIDEST).collect()).collect()
}
