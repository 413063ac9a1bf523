//! The controllers of the simulator beside the real ones: the same states in the same order, the same events, the same
//! children.

use serde_json::{Value, json};

use crate::played::{Case, check, check_in_order, check_words};

/// Pods go at once, as kwok's do.
fn workload(kind: &str, replicas: i64) -> Value {
    let annotations = json!({"lucid.dev/test-ready-delay": "1s"});
    let container = json!({"name": "main", "image": "registry.test/app:1",
        "readinessProbe": {"httpGet": {"port": 8080}, "initialDelaySeconds": 1, "periodSeconds": 1}});
    let mut object = json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "app"}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": "app"}},
        "template": {"metadata": {"labels": {"app": "app"}, "annotations": annotations}, "spec": {
            "terminationGracePeriodSeconds": 0, "containers": [container]}}}});
    if kind == "StatefulSet" {
        object["spec"]["serviceName"] = "app".into();
    }
    object
}

/// kwok's Job pods are never ready before they end, so ours are not either.
fn job(spec: &Value) -> Value {
    let container = json!({"name": "main", "image": "registry.test/app:1",
        "readinessProbe": {"httpGet": {"port": 8080}, "initialDelaySeconds": 100}});
    let mut object = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "app"}, "spec": {
        "template": {"metadata": {"annotations": {"lucid.dev/test-ready-delay": "1s"}}, "spec": {
            "restartPolicy": "Never", "containers": [container]}}}});
    for (field, value) in spec.as_object().into_iter().flatten() {
        object["spec"][field] = value.clone();
    }
    object
}

fn set_image(object: &mut Value) {
    object["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.test/app:2".into();
}

/// All pods there, updated and available, and the controller says so.
fn is_complete(object: &Value) -> bool {
    let (spec, status) = (&object["spec"], &object["status"]);
    let count = |field: &str| status[field].as_i64().unwrap_or(0);
    let wanted = spec["replicas"].as_i64().unwrap_or(1);
    let one_revision = status["updateRevision"] == status["currentRevision"];
    let fields = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"];
    count("observedGeneration") == object["metadata"]["generation"].as_i64().unwrap_or(0)
        && fields.iter().all(|field| count(field) == wanted)
        && count("terminatingReplicas") == 0
        && one_revision
        && has(object, "Progressing", "True").is_none_or(|reason| reason == "NewReplicaSetAvailable")
}

/// The reason of a condition with that status.
fn has<'o>(object: &'o Value, kind: &str, status: &str) -> Option<&'o str> {
    let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.find(|c| c["type"] == kind && c["status"] == status).and_then(|c| c["reason"].as_str())
}

#[test]
fn a_deployment_is_made_updated_and_scaled() {
    let case = Case::new(workload("Deployment", 1));
    let case = case.rests(is_complete).then(set_image, is_complete);
    check(&case.then(|object| object["spec"]["replicas"] = 0.into(), is_complete));
}

#[test]
fn a_deployment_goes_back_to_its_first_revision() {
    let first = |object: &mut Value| {
        object["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.test/app:1".into();
    };
    let case = Case::new(workload("Deployment", 2)).rests(is_complete);
    check(&case.then(set_image, is_complete).then(first, is_complete));
}

#[test]
fn a_deployment_rolls_within_its_surge() {
    let mut object = workload("Deployment", 4);
    object["spec"]["minReadySeconds"] = 1.into();
    check(&Case::new(object).rests(is_complete).then(set_image, is_complete));
}

#[test]
fn a_deployment_gets_stuck_on_a_bad_image_and_is_mended() {
    let mut object = workload("Deployment", 2);
    object["spec"]["progressDeadlineSeconds"] = 5.into();
    let case = Case::new(object).rests(is_complete);
    let mut case = case.then(
        |object| {
            set_image(object);
            object["spec"]["template"]["metadata"]["annotations"]["lucid.dev/test-fail"] = "image-not-found".into();
        },
        |object| has(object, "Progressing", "False") == Some("ProgressDeadlineExceeded"),
    );
    case.behaviours = json!([{"select": {"image": "app:2"}, "pull": "notFound"}, {"start": 0}]);
    let mended = |object: &mut Value| {
        object["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.test/app:3".into();
        object["spec"]["template"]["metadata"]["annotations"].as_object_mut().unwrap().remove("lucid.dev/test-fail");
    };
    check(&case.then(mended, is_complete));
}

#[test]
fn a_surge_beyond_the_quota_is_reported_and_made_room_for() {
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"},
        "spec": {"hard": {"requests.cpu": "1", "pods": "5"}}});
    let mut object = workload("Deployment", 2);
    object["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "500m"}});
    let case = Case::new(object).beside(quota).rests(is_complete);
    let case = case.then(set_image, |object| has(object, "ReplicaFailure", "True").is_some());
    let roomy = |object: &mut Value| {
        object["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}})
    };
    check_words(&case.then(roomy, |object| is_complete(object) && has(object, "ReplicaFailure", "True").is_none()));
}

#[test]
fn an_autoscaler_without_metrics_keeps_its_bounds() {
    let object = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "app"}, "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}, "minReplicas": 2, "maxReplicas": 3,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]}});
    let case = Case::new(object).beside(workload("Deployment", 1));
    check(
        &case.rests(|object| {
            has(object, "ScalingActive", "False").is_some() && object["status"]["currentReplicas"] == 2
        }),
    );
}

#[test]
fn a_budget_counts_what_is_healthy() {
    let object = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "app"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "app"}}}});
    let case = Case::new(object).beside(workload("StatefulSet", 2));
    check(&case.rests(|object| object["status"]["currentHealthy"] == 2));
}

#[test]
fn a_service_has_its_pods_behind_it() {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "app", "labels": {"app": "app"}},
        "spec": {"clusterIP": "None", "selector": {"app": "app"}, "ports": [{"port": 80, "targetPort": 8080}]}});
    check(&Case::new(workload("StatefulSet", 2)).beside(service).rests(is_complete));
}

#[test]
fn a_deployment_is_recreated() {
    let mut object = workload("Deployment", 1);
    object["spec"]["strategy"] = json!({"type": "Recreate"});
    check(&Case::new(object).rests(is_complete).then(set_image, is_complete));
}

#[test]
fn a_deployment_runs_out_of_time() {
    let mut object = workload("Deployment", 1);
    object["spec"]["progressDeadlineSeconds"] = 4.into();
    let case = Case::new(object).behaving("never-ready", json!({"start": 0, "then": "neverReady"}));
    check(&case.rests(|object| has(object, "Progressing", "False").is_some()));
}

#[test]
fn a_deployment_is_paused_and_resumed() {
    let case = Case::new(workload("Deployment", 1)).rests(is_complete);
    let paused = |object: &Value| {
        has(object, "Progressing", "Unknown") == Some("DeploymentPaused")
            && object["status"]["observedGeneration"] == object["metadata"]["generation"]
    };
    let case = case.then(|object| object["spec"]["paused"] = true.into(), paused);
    check(&case.then(|object| object["spec"]["paused"] = false.into(), is_complete));
}

#[test]
fn a_stateful_set_is_made_and_updated_in_order() {
    check(&Case::new(workload("StatefulSet", 2)).rests(is_complete).then(set_image, is_complete));
}

#[test]
fn a_stateful_set_stops_at_its_partition() {
    let case = Case::new(workload("StatefulSet", 2)).rests(is_complete);
    let case = case.then(
        |object| {
            set_image(object);
            object["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}});
        },
        |object| {
            let status = &object["status"];
            status["updatedReplicas"] == 1
                && status["readyReplicas"] == 2
                && status["observedGeneration"] == object["metadata"]["generation"]
        },
    );
    check(&case.then(|object| object["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = 0.into(), is_complete));
}

#[test]
fn a_parallel_set_replaces_what_is_broken() {
    let mut object = workload("StatefulSet", 2);
    object["spec"]["podManagementPolicy"] = "Parallel".into();
    let broken = json!({"select": {"image": "app:1"}, "pull": "notFound"});
    let case = Case::new(object).behaving("image-not-found", broken).rests(|object| object["status"]["replicas"] == 2);
    let mended = |object: &mut Value| {
        set_image(object);
        let annotations = &mut object["spec"]["template"]["metadata"]["annotations"];
        annotations.as_object_mut().unwrap().remove("lucid.dev/test-fail");
    };
    // Deletes by name, so a pod that has come back already can go a second time.
    check_in_order(&case.then(mended, is_complete));
}

#[test]
fn a_stateful_set_is_scaled_down_in_order() {
    let case = Case::new(workload("StatefulSet", 3)).rests(is_complete);
    check(&case.then(|object| object["spec"]["replicas"] = 1.into(), is_complete));
}

#[test]
fn a_daemon_set_is_made_and_updated() {
    let mut object = workload("DaemonSet", 0);
    object["spec"].as_object_mut().unwrap().remove("replicas");
    object["spec"]["template"]["spec"]["nodeSelector"] = json!({"kubernetes.io/hostname": "node-3"});
    let available = |object: &Value| {
        let status = &object["status"];
        status["observedGeneration"] == object["metadata"]["generation"]
            && status["updatedNumberScheduled"] == 1
            && status["numberAvailable"] == 1
    };
    check(&Case::new(object).rests(available).then(set_image, available));
}

#[test]
fn a_deployment_without_its_account_says_so() {
    let mut object = workload("Deployment", 1);
    object["spec"]["template"]["spec"]["serviceAccountName"] = "missing".into();
    check(&Case::new(object).rests(|object| has(object, "ReplicaFailure", "True").is_some()));
}

#[test]
fn a_job_completes() {
    check(&Case::new(job(&json!({}))).rests(|object| has(object, "Complete", "True").is_some()));
}

#[test]
fn a_job_fails() {
    let case = Case::new(job(&json!({"backoffLimit": 0})));
    let case = case.behaving("crash", json!({"start": 0, "then": {"crash": {"after": 1}}}));
    check(&case.rests(|object| has(object, "Failed", "True").is_some()));
}

#[test]
fn a_job_runs_out_of_time() {
    let case = Case::new(job(&json!({"activeDeadlineSeconds": 3})));
    let case = case.behaving("image-not-found", json!({"pull": "notFound"}));
    check(&case.rests(|object| has(object, "Failed", "True").is_some()));
}

#[test]
fn a_job_is_suspended_and_resumed() {
    let case = Case::new(job(&json!({"suspend": true})));
    let case = case.rests(|object| has(object, "Suspended", "True").is_some());
    check(
        &case.then(
            |object| object["spec"]["suspend"] = false.into(),
            |object| has(object, "Complete", "True").is_some(),
        ),
    );
}
