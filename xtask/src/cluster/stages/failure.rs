//! Pods that fail on purpose, with the words of a real kubelet and containerd.

use serde_json::Value;

use super::{ADDRESS, FAIL, PHASE, Stage, template};

const WAITING: &str = ".status.containerStatuses.[].state.waiting.reason";
const RUNNING: &str = ".status.containerStatuses.[].state.running.startedAt";
const POLICY: &str = ".spec.restartPolicy";

/// How long a container runs before it crashes.
const CRASHES_AFTER_MILLIS: u64 = 500;
/// Much shorter than the kubelet's 10 s: tests want to see the counter rise.
const BACK_OFF_MILLIS: u64 = 2000;

pub(super) fn all() -> Vec<Value> {
    vec![
        image_not_found(),
        image_back_off(),
        image_again(),
        config_missing(),
        never_ready(),
        crash("pod-crash", "crash", 1, "Error"),
        crash("pod-oom", "oom", 137, "OOMKilled"),
        restart(),
        end("pod-crash-ends", "crash", 1, "Error"),
        end("pod-oom-ends", "oom", 137, "OOMKilled"),
    ]
}

/// containerd's answer for a reference that its registry does not know.
const NOT_FOUND: &str = r#"rpc error: code = NotFound desc = failed to pull and unpack image \"%[1]s\": failed to resolve reference \"%[1]s\": %[1]s: not found"#;

/// A template that puts the first container's image into a text.
fn with_image(text: &str) -> String {
    format!("{{{{ printf \"{text}\" (index .spec.containers 0).image | Quote }}}}")
}

/// The same in the loop over containers.
fn with_own_image(text: &str) -> String {
    format!("{{{{ printf \"{text}\" $item.image | Quote }}}}")
}

fn image_not_found() -> Value {
    let stage = Stage::of_pod("pod-image-not-found").value_in(FAIL, &["image-not-found"]).lacks(ADDRESS);
    let message = format!(r#"Failed to pull image \"%[1]s\": {NOT_FOUND}"#);
    let stage = stage.event(&event("pull", "Warning", "Failed", &with_image(&message)));
    stage.status(&template::waiting("ErrImagePull", &with_own_image(NOT_FOUND))).done()
}

fn image_back_off() -> Value {
    let stage =
        Stage::of_pod("pod-image-back-off").value_in(FAIL, &["image-not-found"]).value_in(WAITING, &["ErrImagePull"]);
    let back_off = r#"Back-off pulling image \"%[1]s\""#;
    let stage = stage.after_millis(1000).event(&event("back-off", "Normal", "BackOff", &with_image(back_off)));
    let message = with_own_image(&format!("{back_off}: ErrImagePull: {NOT_FOUND}"));
    stage.status(&template::waiting_again("ImagePullBackOff", &message)).done()
}

/// The kubelet tries again now and then, and the status shows the bare error for that moment.
fn image_again() -> Value {
    let stage =
        Stage::of_pod("pod-image-again").value_in(FAIL, &["image-not-found"]).value_in(WAITING, &["ImagePullBackOff"]);
    stage.after_millis(10_000).status(&template::waiting_again("ErrImagePull", &with_own_image(NOT_FOUND))).done()
}

fn config_missing() -> Value {
    let said = r#"configmap \"lucid-missing\" not found"#;
    let stage = Stage::of_pod("pod-config-missing").value_in(FAIL, &["config-missing"]).lacks(ADDRESS);
    let stage = stage.event(&event("config", "Warning", "Failed", &format!("\"Error: {said}\"")));
    stage.status(&template::waiting("CreateContainerConfigError", &format!("\"{said}\""))).done()
}

fn never_ready() -> Value {
    let stage = Stage::of_pod("pod-never-ready").value_in(FAIL, &["never-ready"]).lacks(ADDRESS);
    let message = r#""Readiness probe failed: HTTP probe failed with statuscode: 503""#;
    stage.event(&event("probe", "Warning", "Unhealthy", message)).status(&template::started(false)).done()
}

fn crash(name: &'static str, fail: &str, exit_code: u8, reason: &str) -> Value {
    let stage = Stage::of_pod(name)
        .value_in(FAIL, &[fail])
        .value_in(PHASE, &["Running"])
        .has(RUNNING)
        .value_not(POLICY, "Never");
    let message = r#"{{ printf "Back-off restarting failed container %s in pod %s_%s(%s)" (index .spec.containers 0).name .metadata.name .metadata.namespace .metadata.uid | Quote }}"#;
    let stage = stage.after_millis(CRASHES_AFTER_MILLIS).event(&event("crash", "Warning", "BackOff", message));
    stage.status(&template::crashed(exit_code, reason)).done()
}

fn restart() -> Value {
    let stage = Stage::of_pod("pod-restart").value_in(FAIL, &["crash", "oom"]).value_in(WAITING, &["CrashLoopBackOff"]);
    stage.after_millis(BACK_OFF_MILLIS).status(&template::restarted()).done()
}

/// With restartPolicy Never the first crash is the end of the pod.
fn end(name: &'static str, fail: &str, exit_code: u8, reason: &str) -> Value {
    let stage = Stage::of_pod(name).value_in(FAIL, &[fail]).value_in(PHASE, &["Running"]).value_in(POLICY, &["Never"]);
    stage.after_millis(CRASHES_AFTER_MILLIS).status(&template::finished(exit_code, reason, "Failed")).done()
}

/// The kubelet's event about the pod. One name per cause, so that a repetition updates it.
fn event(cause: &str, kind: &str, reason: &str, message: &str) -> String {
    format!(
        r#"{{{{ $now := now | date "2006-01-02T15:04:05Z07:00" }}}}
apiVersion: v1
kind: Event
metadata:
  name: {{{{ printf "%s.{cause}" .metadata.name | Quote }}}}
  namespace: {{{{ .metadata.namespace | Quote }}}}
involvedObject:
  apiVersion: v1
  kind: Pod
  name: {{{{ .metadata.name | Quote }}}}
  namespace: {{{{ .metadata.namespace | Quote }}}}
  uid: {{{{ .metadata.uid | Quote }}}}
  fieldPath: {{{{ printf "spec.containers{{%s}}" (index .spec.containers 0).name | Quote }}}}
type: {kind}
reason: {reason}
message: {message}
count: 1
firstTimestamp: {{{{ $now | Quote }}}}
lastTimestamp: {{{{ $now | Quote }}}}
source:
  component: kubelet
  host: {{{{ .spec.nodeName | Quote }}}}
reportingComponent: kubelet
reportingInstance: {{{{ .spec.nodeName | Quote }}}}
"#
    )
}
