//! Pods that no node has taken: the scheduler's sentence, taken apart, and what the autoscaler says to it.

use serde_json::Value;

use super::{events, storage};
use crate::classify::classify;
use crate::classify::schedule::{TABLE, clauses, nodes_in_all, nodes_of};
use crate::clean::between;
use crate::cluster::Scene;
use crate::diagnosis::{Certainty, Class, Diagnosis};
use crate::read::{Condition, Event, created, items, keys, label, name, namespace, reference, text};

pub(super) fn about(pod: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    let Some(scheduled) = Condition::of(pod, "PodScheduled") else {
        return found.push(no_scheduler(pod));
    };
    if scheduled.reason() == "SchedulingGated" {
        let gates: Vec<&str> = items(pod, "/spec/schedulingGates").map(|gate| text(gate, "/name")).collect();
        let message = format!("the pod is held by the scheduling gate {}", gates.join(", "));
        return found
            .push(Diagnosis::new(2012, reference(pod), message).seen(scheduled.words()).since(scheduled.since()));
    }
    if scheduled.is("True") {
        return;
    }
    let from = found.len();
    let message = scheduled.message();
    if let Some(code) = codes(message, pod, scene) {
        let new = one(code, pod, message, scene).seen(message).since(scheduled.since().or(created(pod)));
        found.push(new);
        if code == 2009 {
            claims(pod, scene, found);
        }
    }
    if found.len() == from {
        let new = Diagnosis::new(2016, reference(pod), "the scheduler finds no node").certainty(Certainty::Possible);
        found.push(new.seen(message).since(scheduled.since()));
    }
    autoscaler(pod, &events::of(pod, scene), scene, &mut found[from..]);
    if let Some(ordered) = node_ordered(pod, &events::of(pod, scene), scene) {
        super::demote(&mut found[from..]);
        found.push(ordered);
    }
}

fn no_scheduler(pod: &Value) -> Diagnosis {
    let scheduler = text(pod, "/spec/schedulerName");
    let message = match scheduler {
        "" | "default-scheduler" => "no scheduler has looked at the pod yet".to_owned(),
        other => format!("scheduler {other} has not looked at the pod; does it run?"),
    };
    Diagnosis::new(2013, reference(pod), message).since(created(pod))
}

/// The code of the sentence's clauses that is the cause; the others are evidence of it. The scheduler names the first filter
/// that each node fails, in an order: cordoned, tainted, other labels, and only then ports, room, volumes, spread. So a node
/// of the later reasons carries the labels, and among those reasons the one that rules out most nodes counts.
/// Source: k8s.io/kubernetes/pkg/scheduler/apis/config/v1/default_plugins.go.
fn codes(message: &str, pod: &Value, scene: &Scene<'_>) -> Option<u16> {
    const LATER: [u16; 5] = [2003, 2006, 2007, 2008, 2010];
    let mut found: Vec<(u32, u16)> = Vec::new();
    for clause in clauses(message) {
        let Some(code) = classify(TABLE, clause) else { continue };
        match found.iter_mut().find(|(_, known)| *known == code) {
            Some((nodes, _)) => *nodes += nodes_of(clause),
            None => found.push((nodes_of(clause), code)),
        }
    }
    let some_carry_the_labels = found.iter().any(|(_, code)| LATER.contains(code));
    // Only tainted nodes and others are left: whether the tainted ones carry the labels, the nodes themselves know.
    let taints_count = !some_carry_the_labels && is_carried(pod, scene);
    // A claim is the whole reason when it is one; a control plane's taint hardly ever is.
    let rank = |(nodes, code): &(u32, u16)| {
        let is_early = match code {
            2004 => !taints_count,
            2005 => some_carry_the_labels || taints_count && message.contains("untolerated taint"),
            _ => false,
        };
        (*code != 2009, is_early, std::cmp::Reverse(*nodes), *code)
    };
    found.iter().min_by_key(|reason| rank(reason)).map(|(_, code)| *code)
}

/// A node has all the labels of the pod's selector.
fn is_carried(pod: &Value, scene: &Scene<'_>) -> bool {
    let wanted = pod.pointer("/spec/nodeSelector").and_then(Value::as_object);
    let has_all = |node: &&Value| {
        wanted.into_iter().flatten().all(|(key, value)| label(node, key) == Some(value.as_str().unwrap_or("")))
    };
    wanted.is_some_and(|wanted| !wanted.is_empty()) && scene.cluster.list("", "Node", None).iter().any(has_all)
}

fn one(code: u16, pod: &Value, message: &str, scene: &Scene<'_>) -> Diagnosis {
    let all = nodes_in_all(message).map_or(String::new(), |nodes| format!(" of {nodes}"));
    let new = |words: String| Diagnosis::new(code, reference(pod), words);
    match code {
        2003 => new(format!("no node{all} has room: {}", insufficient(message))).seen(asked(pod)),
        2004 => taint(new(format!("no node{all} takes the pod: {}", taints(message))), message),
        2005 => selector(new(format!("no node{all} has the labels that the pod asks for")), pod, scene),
        2006 => new(format!("pod anti-affinity leaves no node{all}")),
        2007 => new(format!("topology spread constraints leave no node{all}")),
        2008 => new("the pod's volume is in a zone where no node can take the pod".into()),
        2009 => new("the pod waits for its volume claim".into()),
        2010 => new(format!("the nodes' limits of pods, volumes or host ports leave no node{all}")),
        _ => new("the scheduler finds no node".into()),
    }
}

/// "Insufficient cpu, memory".
fn insufficient(message: &str) -> String {
    let names = clauses(message).into_iter().filter_map(|clause| Some(clause.split_once("Insufficient ")?.1));
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { "no free device".into() } else { format!("insufficient {}", names.join(", ")) }
}

fn asked(pod: &Value) -> String {
    let requests = items(pod, "/spec/containers").map(|container| {
        let of = |resource: &str| text(container, &format!("/resources/requests/{resource}"));
        format!("{} requests cpu {:?}, memory {:?}", text(container, "/name"), of("cpu"), of("memory"))
    });
    requests.collect::<Vec<_>>().join("; ")
}

fn taints(message: &str) -> String {
    let found: Vec<&str> =
        message.split("untolerated taint {").skip(1).filter_map(|rest| rest.split('}').next()).collect();
    match found.is_empty() {
        true if message.contains("unschedulable") => "they are cordoned".into(),
        true => "they are tainted".into(),
        false => format!("taint {}", found.join(", ").trim_end_matches(": ")),
    }
}

/// Taints that Kubernetes itself sets speak of sick nodes.
fn taint(new: Diagnosis, message: &str) -> Diagnosis {
    match between(message, "{node.kubernetes.io/", "}") {
        Some(sick) => new.help(format!("the nodes are unhealthy ({}): repair them", sick.trim_end_matches([':', ' ']))),
        None => new,
    }
}

/// Fatal only if no node can ever match: one that carries the label elsewhere may have room later.
fn selector(new: Diagnosis, pod: &Value, scene: &Scene<'_>) -> Diagnosis {
    let nodes = scene.cluster.list("", "Node", None);
    let wanted: Vec<(&str, &str)> = keys(pod, "/spec/nodeSelector")
        .map(|key| (key, pod.pointer("/spec/nodeSelector").and_then(|map| map.get(key)?.as_str()).unwrap_or("")))
        .collect();
    let absent = wanted.iter().find(|(key, value)| !nodes.iter().any(|node| label(node, key) == Some(value)));
    match absent {
        Some((key, value)) if !nodes.is_empty() => new.seen(format!("no node has the label {key}={value}")),
        _ if wanted.is_empty() => new.class(Class::After(120)).certainty(Certainty::Likely),
        _ if nodes.is_empty() => new,
        _ => new.class(Class::After(120)),
    }
}

/// Follows the pod's claims: a claim that is stuck is the cause.
fn claims(pod: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    for claim in claim_names(pod) {
        match scene.find("", "PersistentVolumeClaim", namespace(pod), &claim) {
            Some(claim) => storage::claim(claim, scene, found),
            None if is_said_missing(pod, &claim)
                || scene.lacks("", "PersistentVolumeClaim", namespace(pod), &claim) == Some(true) =>
            {
                found.push(storage::missing(pod, &claim));
            }
            None => {}
        }
    }
}

fn is_said_missing(pod: &Value, claim: &str) -> bool {
    let said = Condition::of(pod, "PodScheduled").map_or("", Condition::message);
    said.contains(&format!("persistentvolumeclaim \"{claim}\" not found"))
}

/// Claims that the pod mounts, those of ephemeral volumes with them.
pub(super) fn claim_names(pod: &Value) -> Vec<String> {
    let names = items(pod, "/spec/volumes").filter_map(|volume| {
        if volume.get("ephemeral").is_some() {
            return Some(format!("{}-{}", name(pod), text(volume, "/name")));
        }
        Some(text(volume, "/persistentVolumeClaim/claimName").to_owned()).filter(|name| !name.is_empty())
    });
    names.collect()
}

/// The autoscaler has ordered a node: the clock stands still.
fn node_ordered(pod: &Value, events: &[Event<'_>], scene: &Scene<'_>) -> Option<Diagnosis> {
    let event = events::last(events, &["TriggeredScaleUp", "Nominated", "NotTriggerScaleUp"])?;
    if event.reason() == "NotTriggerScaleUp" {
        return None;
    }
    let seconds = event.last().map_or(0, |since| scene.seconds_since(since));
    let message = format!("a node is being added for the pod, for {seconds} s");
    Some(Diagnosis::new(2011, reference(pod), message).seen(event.message()).since(event.last()))
}

/// The autoscaler has said that no node it could add would help: then time will not.
fn autoscaler(pod: &Value, events: &[Event<'_>], scene: &Scene<'_>, found: &mut [Diagnosis]) {
    let Some(event) = events::last(events, &["TriggeredScaleUp", "Nominated", "NotTriggerScaleUp"]) else { return };
    let age = created(pod).map_or(0, |created| scene.seconds_since(created));
    // It says so first and thinks again while pods leave: believe it once it has had the time.
    if event.reason() != "NotTriggerScaleUp" || age < 30 {
        return;
    }
    for diagnosis in found {
        let is_about_room = matches!(diagnosis.code(), 2003..=2008 | 2010 | 2016);
        if is_about_room {
            let new = diagnosis.clone().class(Class::FatalNow).seen(event.message());
            *diagnosis = new.help("no node that the autoscaler may add would hold the pod: lower the request, or raise the node group's maximum");
        }
    }
}
