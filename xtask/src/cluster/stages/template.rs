//! The statuses that a kubelet would write, as kwok's templates (Go templates that give YAML).

/// The addresses and, for init containers, what is true once they are through: sidecars run, others have completed.
const STARTED: &str = r#"
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
hostIPs:
- ip: {{ NodeIPWith .spec.nodeName | Quote }}
{{ $podIPs := PodIPsWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
{{ with $podIPs }}
podIP: {{ index . 0 | Quote }}
podIPs:
{{ range . }}
- ip: {{ . | Quote }}
{{ end }}
{{ end }}
startTime: {{ $now | Quote }}
observedGeneration: {{ or .metadata.generation 1 }}
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: {{ .image | Quote }}
  restartCount: 0
  ready: true
  {{ if eq (or .restartPolicy "") "Always" }}
  started: true
  state:
    running:
      startedAt: {{ $now | Quote }}
  {{ else }}
  started: false
  state:
    terminated:
      exitCode: 0
      reason: Completed
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
  {{ end }}
{{ end }}
"#;

const NOW: &str = "{{ $now := Now }}\n{{ $root := . }}\n";

/// Conditions of a pod whose containers are ready.
const CONDITIONS_READY: &str = r#"
- type: Ready
  status: "True"
  reason: ""
  message: ""
  lastTransitionTime: {{ $now | Quote }}
- type: ContainersReady
  status: "True"
  reason: ""
  message: ""
  lastTransitionTime: {{ $now | Quote }}
"#;

/// Conditions of a pod whose containers are not.
const CONDITIONS_UNREADY: &str = r#"
- type: Ready
  status: "False"
  reason: ContainersNotReady
  message: 'containers with unready status: [{{ range $i, $c := .spec.containers }}{{ if $i }} {{ end }}{{ $c.name }}{{ end }}]'
  lastTransitionTime: {{ $now | Quote }}
- type: ContainersReady
  status: "False"
  reason: ContainersNotReady
  message: 'containers with unready status: [{{ range $i, $c := .spec.containers }}{{ if $i }} {{ end }}{{ $c.name }}{{ end }}]'
  lastTransitionTime: {{ $now | Quote }}
"#;

const CONDITIONS_STARTED: &str = r#"
- type: PodReadyToStartContainers
  status: "True"
  lastTransitionTime: {{ $now | Quote }}
- type: Initialized
  status: "True"
  lastTransitionTime: {{ $now | Quote }}
{{ range .spec.readinessGates }}
- type: {{ .conditionType | Quote }}
  status: "True"
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
"#;

/// The readiness probe passed: nothing else of the pod changes.
pub(super) const READY: &str = r#"
{{ $now := Now }}
{{ $root := . }}
conditions:
- type: Ready
  status: "True"
  reason: ""
  message: ""
  lastTransitionTime: {{ $now | Quote }}
- type: ContainersReady
  status: "True"
  reason: ""
  message: ""
  lastTransitionTime: {{ $now | Quote }}
containerStatuses:
{{ range $index, $item := .spec.containers }}
{{ $origin := index $root.status.containerStatuses $index }}
- name: {{ $item.name | Quote }}
  image: {{ $item.image | Quote }}
  imageID: {{ $item.image | Quote }}
  restartCount: {{ $origin.restartCount }}
  ready: true
  started: true
  state:
    running:
      startedAt: {{ $origin.state.running.startedAt | Quote }}
{{ end }}
"#;

pub(super) const NODE: &str = r#"
{{ $now := Now }}
{{ $since := or .metadata.creationTimestamp $now }}
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $since | Quote }}
{{ end }}
phase: Running
"#;

/// All containers run; their readiness probes have passed or not.
pub(super) fn started(ready: bool) -> String {
    let state = "running:\n      startedAt: {{ $now | Quote }}";
    first("Running", ready, &containers(ready, ready_started(true), "0", state, ""))
}

/// No container could be started, for the same reason in each.
pub(super) fn waiting(reason: &str, message: &str) -> String {
    first("Pending", false, &containers(false, ready_started(false), "0", &waiting_state(reason, message), ""))
}

/// The same later, when the pod has its addresses already.
pub(super) fn waiting_again(reason: &str, message: &str) -> String {
    format!("{NOW}{}", containers(false, ready_started(false), "0", &waiting_state(reason, message), ""))
}

fn waiting_state(reason: &str, message: &str) -> String {
    format!("waiting:\n      reason: {reason}\n      message: {message}")
}

/// Every container has ended, and the pod with them.
pub(super) fn finished(exit_code: u8, reason: &str, phase: &str) -> String {
    let state = terminated(exit_code, reason);
    let conditions = format!("conditions:{CONDITIONS_UNREADY}");
    format!("{NOW}phase: {phase}\n{conditions}{}", containers(false, ready_started(false), "0", &state, ""))
}

/// Every container has died and waits for its next start; `restartCount` has grown by one.
pub(super) fn crashed(exit_code: u8, reason: &str) -> String {
    let message = "{{ printf \"back-off 10s restarting failed container=%s pod=%s_%s(%s)\" $item.name \
                   $root.metadata.name $root.metadata.namespace $root.metadata.uid | Quote }}";
    let last = format!("  lastState:\n    {}\n", terminated(exit_code, reason));
    let count = "{{ add $origin.restartCount 1 }}";
    let state = waiting_state("CrashLoopBackOff", message);
    format!("{NOW}conditions:{CONDITIONS_UNREADY}{}", containers(false, ready_started(false), count, &state, &last))
}

/// The next start after a crash.
pub(super) fn restarted() -> String {
    let state = "running:\n      startedAt: {{ $now | Quote }}";
    let last = "  lastState:\n{{ YAML $origin.lastState 2 }}\n";
    format!("{NOW}{}", containers(false, ready_started(true), "{{ $origin.restartCount }}", state, last))
}

fn terminated(exit_code: u8, reason: &str) -> String {
    let said = r#"{{ or (index (or $root.metadata.annotations dict) "lucid.dev/test-fail-message") "" | Quote }}"#;
    format!(
        "terminated:\n      exitCode: {exit_code}\n      reason: {reason}\n      message: {said}\n      \
         startedAt: {{{{ $now | Quote }}}}\n      finishedAt: {{{{ $now | Quote }}}}"
    )
}

fn first(phase: &str, ready: bool, containers: &str) -> String {
    let conditions = if ready { CONDITIONS_READY } else { CONDITIONS_UNREADY };
    format!("{NOW}phase: {phase}\n{STARTED}conditions:{CONDITIONS_STARTED}{conditions}{containers}")
}

fn ready_started(started: bool) -> &'static str {
    if started { "true" } else { "false" }
}

/// `containerStatuses` for every container of the pod; `$origin` is what stands there now.
fn containers(ready: bool, started: &str, restarts: &str, state: &str, last: &str) -> String {
    let origin = match restarts.contains("$origin") || last.contains("$origin") {
        true => "{{ $origin := index $root.status.containerStatuses $index }}\n",
        false => "",
    };
    // What was never pulled has no digest.
    let image_id = if restarts == "0" && state.starts_with("waiting") { "\"\"" } else { "{{ $item.image | Quote }}" };
    format!(
        "containerStatuses:\n{{{{ range $index, $item := .spec.containers }}}}\n{origin}\
         - name: {{{{ $item.name | Quote }}}}\n  image: {{{{ $item.image | Quote }}}}\n  \
         imageID: {image_id}\n  restartCount: {restarts}\n  ready: {ready}\n  \
         started: {started}\n{last}  state:\n    {state}\n{{{{ end }}}}\n"
    )
}
