//! L40xx: containers that cannot start.

use lucid_status::Class::{After, FatalNow, Wait};
use serde_json::{Value, json};

use super::{Case, case, of_pod};
use crate::world::{World, and, crashing, object, ready, rollout, running, waiting};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = words();
    cases.extend(volumes());
    cases.extend(init());
    cases.push(key());
    cases
}

fn words() -> Vec<Case> {
    let of = |code, class, reason: &str, words: &str| {
        of_pod(code, class, waiting(reason, words), waiting("ContainerCreating", words))
    };
    vec![
        of(4000, After(60), "CreateContainerError", "a new sentence of a new runtime"),
        of(4001, After(20), "CreateContainerConfigError", "secret \"api-db\" not found"),
        of(4002, FatalNow, "CreateContainerConfigError", "couldn't find key PASSWRD in Secret shop/api-db"),
        of(
            4003,
            Wait,
            "CreateContainerConfigError",
            "failed to sync secret cache: timed out waiting for the condition",
        ),
        of(
            4004,
            FatalNow,
            "CreateContainerConfigError",
            "container has runAsNonRoot and image will run as root (pod: \"api\", container: api)",
        ),
        of(4010, FatalNow, "RunContainerError", "exec: \"sh\": executable file not found in $PATH: unknown"),
        of(
            4011,
            FatalNow,
            "CreateContainerError",
            "unable to start container process: exec /app: exec format error: unknown",
        ),
        of(4012, FatalNow, "CreateContainerError", "apparmor profile not found k8s-api"),
        of(4013, FatalNow, "PostStartHookError", "command '/hook' exited with 1"),
        of(4017, After(60), "CreateContainerError", "context deadline exceeded"),
        of_pod(
            4010,
            FatalNow,
            crashing(1, json!({"exitCode": 127, "reason": "Error"})),
            crashing(1, json!({"exitCode": 3, "reason": "Error"})),
        ),
        of_pod(
            4017,
            After(60),
            crashing(
                1,
                json!({"exitCode": 128, "reason": "ContainerCannotRun", "message": "something of the runtime's own"}),
            ),
            crashing(
                1,
                json!({"exitCode": 128, "reason": "StartError", "message": "exec: \"/ap\": stat /ap: no such file or directory"}),
            ),
        ),
    ]
}

/// The nearest key is offered, and no value is shown.
fn key() -> Case {
    let secret = |key: &str| object("v1", "Secret", "api-db", json!({"data": {key: "aHVudGVyMg=="}}));
    let asks = rollout(waiting("CreateContainerConfigError", "couldn't find key DB_PASSWRD in Secret shop/api-db"));
    case(4002, FatalNow, asks.with(secret("DB_PASSWORD")), rollout(ready()).with(secret("DB_PASSWORD")))
}

fn volumes() -> Vec<Case> {
    let of = |code, class, reason: &str, words: &str| {
        let trigger = rollout(waiting("ContainerCreating", "")).told("Pod", reason, words);
        // The event is an hour old news: the container runs.
        case(code, class, trigger, rollout(running()).told("Pod", reason, words))
    };
    vec![
        of(
            4005,
            After(20),
            "FailedMount",
            "MountVolume.SetUp failed for volume \"config\" : configmap \"api-config\" not found",
        ),
        of(
            4006,
            After(120),
            "FailedAttachVolume",
            "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) api-2-x",
        ),
        of(
            4007,
            After(60),
            "FailedMount",
            "driver name csi.example.com not found in the list of registered CSI drivers",
        ),
        of(
            4008,
            After(180),
            "FailedMount",
            "Unable to attach or mount volumes: unmounted volumes=[data]: timed out waiting for the condition",
        ),
        of(4008, After(180), "FailedMount", "a new sentence"),
        of(
            4009,
            After(60),
            "FailedCreatePodSandBox",
            "Failed to create pod sandbox: plugin type=\"bridge\" failed: no IP addresses available in range set",
        ),
        of(
            4012,
            FatalNow,
            "FailedMount",
            "MountVolume.SetUp failed for volume \"h\" : hostPath type check failed: /data is not a directory",
        ),
        of(4003, Wait, "FailedMount", "object \"shop\"/\"kube-root-ca.crt\" not registered"),
    ]
}

fn with_init(policy: Value, status: Value) -> World {
    let mut status = status;
    status["name"] = json!("migrate");
    rollout(and(
        waiting("PodInitializing", ""),
        json!({"spec": {"initContainers": [{"name": "migrate", "image": "r.example/migrate:1", "restartPolicy": policy}]},
            "status": {"initContainerStatuses": [status]}}),
    ))
}

fn init() -> Vec<Case> {
    let ended = |exit: i64, restarts: i64| json!({"restartCount": restarts, "state": {"terminated": {"exitCode": exit, "reason": "Error", "finishedAt": "2026-11-24T09:59:40Z"}}});
    let runs = json!({"restartCount": 0, "started": true, "state": {"running": {"startedAt": "2026-11-24T09:59:05Z"}}});
    let begins =
        json!({"restartCount": 0, "started": false, "state": {"running": {"startedAt": "2026-11-24T09:59:05Z"}}});
    vec![
        case(4014, FatalNow, with_init(Value::Null, ended(1, 1)), with_init(Value::Null, ended(0, 1))),
        // Once may be bad luck.
        case(4014, Wait, with_init(Value::Null, ended(1, 0)), with_init(Value::Null, ended(0, 0))),
        case(4015, Wait, with_init(Value::Null, runs.clone()), with_init(json!("Always"), runs.clone())),
        case(4016, After(60), with_init(json!("Always"), begins.clone()), with_init(json!("Always"), runs)),
    ]
}

#[test]
fn the_nearest_key_is_offered_and_no_value_shown() {
    let found = key().trigger.diagnose();
    assert_eq!(found[0].finding.help.as_deref(), Some("did you mean `DB_PASSWORD`?"));
    let all = format!("{found:?}");
    assert!(all.contains("Secret shop/api-db has: DB_PASSWORD"), "{all}");
    assert!(!all.contains("aHVudGVyMg"), "{all}");
}
