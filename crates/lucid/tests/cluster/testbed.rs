//! What kwok does to pods, and that everything the other modules rely on is there.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{AuditMark, Namespace, apply, get, kubeconfig, kubectl, kubectl_command, wait_for};

const SOON: Duration = Duration::from_secs(20);

fn deployment(name: &str, annotations: &Value, spec: &Value) -> Value {
    let mut pod = json!({"containers": [{"name": "main", "image": "registry.test/app:1"}]});
    for (key, value) in spec.as_object().into_iter().flatten() {
        pod[key] = value.clone();
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}, "annotations": annotations}, "spec": pod},
        },
    })
}

/// The one pod of the test, once it is as wanted.
#[track_caller]
fn pod(namespace: &Namespace, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    wait_for(what, SOON, || {
        let pods = get(&namespace.0, &["pods"]);
        pods["items"].as_array()?.first().filter(|pod| wanted(pod)).cloned()
    })
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.is_some_and(|all| all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"))
}

fn container(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]
}

/// Deploys a pod that fails in this way and waits for the status that people know it by.
#[track_caller]
fn check_failure(fail: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let namespace = Namespace::new("testbed");
    let annotations = json!({"lucid.dev/test-fail": fail, "lucid.dev/test-fail-message": "no \"configuration\""});
    apply(&namespace.0, &deployment("app", &annotations, &json!({})));
    let failed = pod(&namespace, fail, |pod| wanted(container(pod)));
    assert!(!is_ready(&failed), "{failed}");
    failed
}

#[track_caller]
fn check_message(container: &Value, words: &[&str]) {
    let message = container["state"]["waiting"]["message"].as_str().unwrap_or_default();
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
}

#[test]
fn the_server_is_kubernetes_1_37_and_every_node_takes_pods() {
    let version: Value = serde_json::from_str(&kubectl(&["get", "--raw", "/version"])).expect("JSON");
    assert_eq!((&version["major"], &version["minor"]), (&json!("1"), &json!("37")));
    let nodes = get("default", &["nodes"]);
    let nodes = nodes["items"].as_array().expect("items");
    assert_eq!(nodes.len(), 5);
    for node in nodes {
        assert!(is_ready(node), "{node}");
        assert!(node["metadata"]["labels"]["topology.kubernetes.io/zone"].is_string(), "{node}");
    }
}

/// From the pod's appearance to Ready, as a watch sees them.
fn measured_delay(namespace: &Namespace, delay: &str) -> Duration {
    let mut kubectl = kubectl_command();
    let line = "jsonpath={.metadata.name} {.status.conditions[?(@.type==\"Ready\")].status}{\"\\n\"}";
    kubectl.args(["get", "pods", "--watch", "-n", &namespace.0, "-o", line]);
    let mut watch = kubectl.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("start kubectl");
    // The watch has to be there first; a pod that it finds has been there for an unknown time.
    std::thread::sleep(Duration::from_secs(1));
    apply(&namespace.0, &deployment("app", &json!({"lucid.dev/test-ready-delay": delay}), &json!({})));
    let mut appeared = None;
    let mut took = None;
    for line in BufReader::new(watch.stdout.take().expect("piped")).lines().map_while(Result::ok).take(20) {
        let since = *appeared.get_or_insert_with(Instant::now);
        if line.ends_with(" True") {
            took = Some(since.elapsed());
            break;
        }
    }
    watch.kill().expect("end kubectl");
    watch.wait().expect("reap kubectl");
    took.expect("the pod never became ready")
}

#[test]
fn a_pod_is_ready_exactly_after_its_delay() {
    let namespace = Namespace::new("testbed");
    let took = measured_delay(&namespace, "2s");
    // The upper bound leaves room for a machine that is busy with something else.
    assert!(took >= Duration::from_millis(1990), "{took:?}");
    assert!(took <= Duration::from_millis(2250), "{took:?}");
}

#[test]
fn a_pod_without_a_delay_is_ready_at_once_with_its_sidecar() {
    let namespace = Namespace::new("testbed");
    let containers = json!({"initContainers": [
        {"name": "prepare", "image": "registry.test/prepare:1"},
        {"name": "proxy", "image": "registry.test/proxy:1", "restartPolicy": "Always"},
    ]});
    apply(&namespace.0, &deployment("app", &json!({}), &containers));
    let pod = pod(&namespace, "ready", is_ready);
    let init = &pod["status"]["initContainerStatuses"];
    assert_eq!(init[0]["state"]["terminated"]["exitCode"], 0, "{init}");
    assert_eq!((&init[1]["started"], &init[1]["ready"]), (&json!(true), &json!(true)), "{init}");
}

#[test]
fn an_image_that_is_not_there() {
    let first = check_failure("image-not-found", |c| c["state"]["waiting"]["reason"] == "ErrImagePull");
    check_message(container(&first), &["registry.test/app:1: not found", "code = NotFound"]);
    let later = check_failure("image-not-found", |c| c["state"]["waiting"]["reason"] == "ImagePullBackOff");
    check_message(container(&later), &["Back-off pulling image \"registry.test/app:1\"", "not found"]);
    assert_eq!(later["status"]["phase"], "Pending");
}

#[test]
fn a_container_that_crashes_again_and_again() {
    let back_off =
        |c: &Value| c["state"]["waiting"]["reason"] == "CrashLoopBackOff" && c["restartCount"].as_u64() > Some(1);
    let pod = check_failure("crash", back_off);
    let last = &container(&pod)["lastState"]["terminated"];
    assert_eq!((&last["exitCode"], &last["reason"]), (&json!(1), &json!("Error")), "{last}");
    assert_eq!(last["message"], "no \"configuration\"");
}

#[test]
fn a_container_that_needs_too_much_memory() {
    let pod = check_failure("oom", |c| c["state"]["waiting"]["reason"] == "CrashLoopBackOff");
    let last = &container(&pod)["lastState"]["terminated"];
    assert_eq!((&last["exitCode"], &last["reason"]), (&json!(137), &json!("OOMKilled")), "{last}");
}

#[test]
fn a_configuration_that_is_missing() {
    let pod = check_failure("config-missing", |c| c["state"]["waiting"]["reason"] == "CreateContainerConfigError");
    check_message(container(&pod), &["configmap \"lucid-missing\" not found"]);
}

#[test]
fn a_container_that_never_becomes_ready_has_an_event() {
    let namespace = Namespace::new("testbed");
    apply(&namespace.0, &deployment("app", &json!({"lucid.dev/test-fail": "never-ready"}), &json!({})));
    pod(&namespace, "running", |pod| container(pod)["started"] == true && !is_ready(pod));
    let event = wait_for("its event", SOON, || {
        let events = get(&namespace.0, &["events", "--field-selector", "reason=Unhealthy"]);
        events["items"].as_array()?.first().cloned()
    });
    assert_eq!(event["message"], "Readiness probe failed: HTTP probe failed with statuscode: 503");
}

#[test]
fn jobs_complete_after_their_delay_or_fail() {
    let namespace = Namespace::new("testbed");
    let job = |name: &str, annotations: Value| {
        let spec = json!({"restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.test/job:1"}]});
        let template = json!({"metadata": {"annotations": annotations}, "spec": spec});
        let spec = json!({"backoffLimit": 0, "template": template});
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec})
    };
    apply(&namespace.0, &job("good", json!({"lucid.dev/test-ready-delay": "1s"})));
    apply(&namespace.0, &job("bad", json!({"lucid.dev/test-fail": "crash"})));
    kubectl(&["wait", "-n", &namespace.0, "--for=condition=Complete", "--timeout=20s", "job/good"]);
    kubectl(&["wait", "-n", &namespace.0, "--for=condition=Failed", "--timeout=20s", "job/bad"]);
}

#[test]
fn a_claim_is_bound_to_a_volume_that_was_made_beforehand() {
    let namespace = Namespace::new("testbed");
    let spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "100Gi"}}});
    let claim =
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec});
    apply(&namespace.0, &claim);
    kubectl(&["wait", "-n", &namespace.0, "--for=jsonpath={.status.phase}=Bound", "--timeout=20s", "pvc/data"]);
}

#[test]
fn health_ports_answer_through_the_pod_proxy() {
    let namespace = Namespace::new("testbed");
    apply(&namespace.0, &deployment("app", &json!({}), &json!({})));
    let pod = pod(&namespace, "ready", is_ready);
    let name = pod["metadata"]["name"].as_str().expect("name");
    let began = Instant::now();
    let path = format!("/api/v1/namespaces/{}/pods/{name}:8089/proxy/health", namespace.0);
    assert!(kubectl(&["get", "--raw", &path]).contains("ok"));
    assert!(began.elapsed() < Duration::from_secs(5), "the proxy took {:?}", began.elapsed());
}

#[test]
fn deleted_pods_are_gone_at_once() {
    let namespace = Namespace::new("testbed");
    apply(&namespace.0, &deployment("app", &json!({"lucid.dev/test-fail": "crash"}), &json!({})));
    pod(&namespace, "running", |pod| container(pod)["restartCount"].as_u64() > Some(0));
    kubectl(&["delete", "deployment", "app", "-n", &namespace.0]);
    wait_for("no pod left", Duration::from_secs(5), || {
        get(&namespace.0, &["pods"])["items"].as_array()?.is_empty().then_some(())
    });
}

#[test]
fn requests_are_counted_for_the_clients_under_test_only() {
    let mark = AuditMark::now();
    let config = kubeconfig("bench");
    let config = config.to_str().expect("a path of UTF-8");
    kubectl(&["get", "--raw", "/api/v1/namespaces"]);
    kubectl(&["--kubeconfig", config, "get", "--raw", "/api/v1/namespaces"]);
    assert_eq!(mark.requests("bench").get("list"), Some(&1));
    assert!(mark.requests("admin").is_empty());
}

#[test]
fn a_guest_may_nothing_until_a_test_binds_it() {
    let config = kubeconfig("guest");
    let mut kubectl = kubectl_command();
    let output = kubectl.arg("--kubeconfig").arg(&config).args(["get", "pods"]).output().expect("start kubectl");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("Forbidden"), "{output:?}");
}
