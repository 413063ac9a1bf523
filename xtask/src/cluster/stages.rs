//! What kwok makes of pods and nodes: the stages of its configuration, chosen by annotations of the pod.
//!
//! `lucid.dev/test-ready-delay: 3s` is the time from the start of the containers to Ready (or, in a Job, to the end).
//! `lucid.dev/test-fail` is one of `image-not-found`, `config-missing`, `crash`, `oom` and `never-ready`; what the
//! container said when it died can be given as `lucid.dev/test-fail-message`.

mod failure;
mod template;

use serde_json::{Value, json};

const DELAY: &str = r#".metadata.annotations["lucid.dev/test-ready-delay"]"#;
const FAIL: &str = r#".metadata.annotations["lucid.dev/test-fail"]"#;
const READY: &str = r#".status.conditions.[] | select( .type == "Ready" ) | .status"#;
const PHASE: &str = ".status.phase";
const ADDRESS: &str = ".status.podIP";
const JOB: &str = r#".metadata.ownerReferences.[] | select( .kind == "Job" ) | .kind"#;

/// One document a stage.
pub(crate) fn configuration() -> String {
    let settings = json!({
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokConfiguration",
        "options": {
            "podPlayStageParallelism": 16,
            "nodePlayStageParallelism": 16,
            "nodeLeaseParallelism": 4,
            "podsOnNodeSyncParallelism": 4,
        },
    });
    let pods = [ready_at_once(), running(), ready_later(), job_complete(), gone()];
    let documents = [settings, node_ready(), node_heartbeat()].into_iter().chain(pods).chain(failure::all());
    documents.map(|document| document.to_string()).collect::<Vec<_>>().join("\n---\n")
}

/// A stage under construction: of pods unless said otherwise, matched when every `when` holds.
struct Stage {
    name: &'static str,
    kind: &'static str,
    when: Vec<Value>,
    delay: Option<Value>,
    steps: Vec<Value>,
}

impl Stage {
    /// A pod that is not being deleted.
    fn of_pod(name: &'static str) -> Self {
        Self { name, kind: "Pod", when: Vec::new(), delay: None, steps: Vec::new() }
            .lacks(".metadata.deletionTimestamp")
    }

    fn lacks(self, path: &str) -> Self {
        self.when(json!({"key": path, "operator": "DoesNotExist"}))
    }

    fn has(self, path: &str) -> Self {
        self.when(json!({"key": path, "operator": "Exists"}))
    }

    fn value_in(self, path: &str, values: &[&str]) -> Self {
        self.when(json!({"key": path, "operator": "In", "values": values}))
    }

    fn value_not(self, path: &str, value: &str) -> Self {
        self.when(json!({"key": path, "operator": "NotIn", "values": [value]}))
    }

    fn when(mut self, expression: Value) -> Self {
        self.when.push(expression);
        self
    }

    fn after_millis(mut self, millis: u64) -> Self {
        self.delay = Some(json!({"durationMilliseconds": millis}));
        self
    }

    /// After what the annotation says, else after so many milliseconds.
    fn after_annotation(mut self, or_millis: u64) -> Self {
        self.delay = Some(json!({"durationMilliseconds": or_millis, "durationFrom": {"expressionFrom": DELAY}}));
        self
    }

    fn status(mut self, template: &str) -> Self {
        self.steps.push(json!({"patch": {"subresource": "status", "root": "status", "template": template}}));
        self
    }

    fn event(mut self, template: &str) -> Self {
        self.steps.push(json!({"apply": {"template": template}}));
        self
    }

    fn done(self) -> Value {
        let mut spec = json!({
            "resourceRef": {"apiGroup": "v1", "kind": self.kind},
            "selector": {"matchExpressions": self.when},
            "steps": self.steps,
        });
        if let Some(delay) = self.delay {
            spec["delay"] = delay;
        }
        json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "Stage",
            "metadata": {"name": self.name},
            "spec": spec,
        })
    }
}

/// One patch for pods of which nothing special is asked: hundreds of them start quickly.
fn ready_at_once() -> Value {
    let stage = Stage::of_pod("pod-ready-at-once").lacks(ADDRESS).lacks(DELAY).lacks(FAIL).lacks(JOB);
    stage.status(&template::started(true)).done()
}

/// The containers run, the readiness probe has not passed.
fn running() -> Value {
    let special = format!("({DELAY}), ({FAIL} | select( . == \"crash\" or . == \"oom\" )), ({JOB})");
    let special = special.replace(JOB, &JOB.replace(".ownerReferences.[]", ".ownerReferences[]?"));
    let stage = Stage::of_pod("pod-running").lacks(ADDRESS).has(&special);
    let stage =
        stage.value_not(FAIL, "image-not-found").value_not(FAIL, "config-missing").value_not(FAIL, "never-ready");
    stage.status(&template::started(false)).done()
}

fn ready_later() -> Value {
    let stage = Stage::of_pod("pod-ready-later").value_in(PHASE, &["Running"]).has(DELAY).lacks(FAIL).lacks(JOB);
    stage.value_not(READY, "True").after_annotation(0).status(template::READY).done()
}

fn job_complete() -> Value {
    let stage = Stage::of_pod("job-complete").value_in(PHASE, &["Running"]).has(JOB).lacks(FAIL);
    stage.after_annotation(100).status(&template::finished(0, "Completed", "Succeeded")).done()
}

fn gone() -> Value {
    let mut stage = Stage { name: "pod-gone", kind: "Pod", when: Vec::new(), delay: None, steps: Vec::new() };
    stage = stage.has(".metadata.deletionTimestamp").lacks(".metadata.finalizers");
    stage.steps.push(json!({"delete": true}));
    stage.done()
}

fn node_ready() -> Value {
    let stage = Stage { name: "node-ready", kind: "Node", when: Vec::new(), delay: None, steps: Vec::new() };
    stage.value_not(READY, "True").status(template::NODE).done()
}

/// The lease is the heartbeat; the status only has to be refreshed now and then.
fn node_heartbeat() -> Value {
    let stage = Stage { name: "node-heartbeat", kind: "Node", when: Vec::new(), delay: None, steps: Vec::new() };
    stage.value_in(READY, &["True"]).after_millis(300_000).status(template::NODE).done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_is_a_document_with_a_name_of_its_own() {
        let text = configuration();
        let documents: Vec<Value> = text.split("\n---\n").map(|d| serde_json::from_str(d).expect("JSON")).collect();
        let stages: Vec<_> = documents.iter().filter(|d| d["kind"] == "Stage").collect();
        let mut names: Vec<_> = stages.iter().map(|s| s["metadata"]["name"].as_str().expect("name")).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), stages.len());
        assert_eq!(documents.len(), stages.len() + 1);
    }

    #[test]
    fn a_pod_that_is_being_deleted_is_left_to_the_stage_that_removes_it() {
        for document in configuration().split("\n---\n").map(|d| serde_json::from_str::<Value>(d).expect("JSON")) {
            let spec = &document["spec"];
            if document["kind"] != "Stage" || spec["resourceRef"]["kind"] != "Pod" {
                continue;
            }
            let deletion = spec["selector"]["matchExpressions"][0].clone();
            let wanted = if document["metadata"]["name"] == "pod-gone" { "Exists" } else { "DoesNotExist" };
            assert_eq!(deletion, json!({"key": ".metadata.deletionTimestamp", "operator": wanted}), "{document}");
        }
    }
}
