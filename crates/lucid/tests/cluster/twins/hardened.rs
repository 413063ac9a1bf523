//! Pod Security: the same pods and Deployments, sent to both servers, in namespaces of each level.

use serde_json::{Value, json};

use super::real::Real;
use super::servers::{Answer, Server, Simulated};

const LABEL: &str = "pod-security.kubernetes.io/";

/// Pods of which each breaks other rules; `containers` of one named `main` when there are none.
fn specs() -> Vec<Value> {
    let own = |context: Value| json!({"containers": [{"name": "main", "image": "i", "securityContext": context}]});
    let good = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true,
        "seccompProfile": {"type": "RuntimeDefault"}});
    let with = |field: &str, value: Value| {
        let mut context = good.clone();
        context[field] = value;
        own(context)
    };
    let mut specs = vec![
        own(json!({})),
        own(good.clone()),
        with("privileged", json!(false)),
        with("capabilities", json!({"drop": ["ALL"], "add": ["NET_BIND_SERVICE", "SYS_ADMIN", "CHOWN"]})),
        with("capabilities", json!({"drop": ["KILL"]})),
        with("runAsNonRoot", json!(false)),
        with("runAsUser", json!(0)),
        with("seccompProfile", json!({"type": "Unconfined"})),
        with("seLinuxOptions", json!({"type": "spc_t", "user": "u"})),
        with("seLinuxOptions", json!({"type": "container_t", "role": "r"})),
        with("appArmorProfile", json!({"type": "Unconfined"})),
        own(json!({"privileged": true})),
    ];
    let whole = |change: Value| {
        let mut spec = own(good.clone());
        for (field, value) in change.as_object().unwrap() {
            spec[field] = value.clone();
        }
        spec
    };
    specs.extend([
        whole(json!({"hostNetwork": true, "hostPID": true})),
        whole(json!({"volumes": [{"name": "a", "hostPath": {"path": "/"}}, {"name": "b", "nfs": {"server": "s", "path": "/"}}, {"name": "c", "emptyDir": {}}]})),
        whole(json!({"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}, {"name": "net.ipv4.tcp_rmem", "value": "1"}]}})),
        whole(json!({"securityContext": {"runAsUser": 0, "runAsNonRoot": false}})),
        whole(json!({"securityContext": {"seccompProfile": {"type": "Unconfined"}}})),
        whole(json!({"hostUsers": false, "securityContext": {"runAsUser": 0}})),
        json!({"securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "initContainers": [{"name": "first", "image": "i", "securityContext": {"allowPrivilegeEscalation": false}}],
            "containers": [{"name": "main", "image": "i"}, {"name": "side", "image": "i", "ports": [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81, "hostPort": 81}]}]}),
        json!({"containers": [{"name": "main", "image": "i", "livenessProbe": {"httpGet": {"port": 80, "host": "10.1.2.3"}}}]}),
    ]);
    specs
}

async fn post(server: &dyn Server, path: &str, object: &Value) -> Answer {
    let request = http::Request::post(path).header("content-type", "application/json");
    server.send(&request.body(object.to_string().into_bytes()).unwrap()).await
}

/// What a person is told.
fn told(answer: &Answer) -> (u16, String, Vec<String>) {
    let message = if answer.code >= 400 { answer.body["message"].to_string() } else { String::new() };
    (answer.code, message, answer.warnings.clone())
}

#[test]
fn pod_security_speaks_as_the_server_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (real, simulated) = (Real::start().await, Simulated::start().await);
        let both: [&dyn Server; 2] = [&real, &simulated];
        let levels = [
            json!({"enforce": "baseline"}),
            json!({"enforce": "restricted", "enforce-version": "v1.37"}),
            json!({"warn": "restricted"}),
            json!({"enforce": "strict"}),
            json!({"audit-version": "1.2"}),
        ];
        let mut compared = 0;
        for (number, level) in levels.iter().enumerate() {
            let labels: serde_json::Map<String, Value> = level
                .as_object()
                .unwrap()
                .iter()
                .map(|(mode, value)| (format!("{LABEL}{mode}"), value.clone()))
                .collect();
            let name = format!("hardened-{number}");
            let namespace =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
            let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
            let mut answers = Vec::new();
            for server in both {
                let mut heard = vec![told(&post(server, "/api/v1/namespaces", &namespace).await)];
                post(server, &format!("/api/v1/namespaces/{name}/serviceaccounts"), &account).await;
                for (which, spec) in specs().into_iter().enumerate() {
                    let metadata = json!({"name": format!("pod-{which}"), "labels": {"app": "a"}});
                    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec});
                    heard.push(told(&post(server, &format!("/api/v1/namespaces/{name}/pods?dryRun=All"), &pod).await));
                    let template = json!({"metadata": {"labels": {"app": "a"}}, "spec": spec});
                    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
                        "spec": {"selector": {"matchLabels": {"app": "a"}}, "template": template}});
                    let path = format!("/apis/apps/v1/namespaces/{name}/deployments?dryRun=All");
                    heard.push(told(&post(server, &path, &deployment).await));
                }
                answers.push(heard);
            }
            let [there, here] = &answers[..] else { unreachable!() };
            for (at, (there, here)) in there.iter().zip(here).enumerate() {
                assert_eq!(there, here, "{level}, request {at}");
            }
            compared += there.len();
        }
        assert!(compared >= 200, "{compared}");
    });
}
