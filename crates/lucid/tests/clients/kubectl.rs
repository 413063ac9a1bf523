//! kubectl's everyday commands.

use std::process::Command;

use super::server::Server;

const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: app, image: 'nginx:1', ports: [{containerPort: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
";

fn deployed() -> Server {
    let server = Server::start();
    let file = server.file("web.yaml", WEB);
    let applied = server.kubectl(&["apply", "-f", &file]);
    assert_eq!(applied, "deployment.apps/web created\nservice/web created\n");
    let told = server.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    assert!(told.ends_with("deployment \"web\" successfully rolled out\n"), "{told}");
    server
}

#[test]
fn top_shows_what_is_used() {
    let folder = std::env::temp_dir().join(format!("lucid-clients-{}-top", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let scenario = folder.join("cluster.yaml");
    let uses = "- select: {workload: web}\n  uses: {cpu: 250m, memory: 64Mi}\n";
    std::fs::write(&scenario, format!("metrics: true\nbehaviours:\n{uses}")).unwrap();
    let server = Server::within(folder, &["--speed", "10", "--scenario", scenario.to_str().unwrap()]);
    server.kubectl(&["apply", "-f", &server.file("web.yaml", WEB)]);
    server.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    let pods = server.kubectl(&["top", "pods", "--no-headers", "-l", "app=web"]);
    assert_eq!(pods.lines().filter(|line| line.split_whitespace().skip(1).eq(["250m", "64Mi"])).count(), 2, "{pods}");
    let nodes = server.kubectl(&["top", "nodes", "--no-headers"]);
    assert_eq!(nodes.lines().count(), 5, "{nodes}");
    server.kubectl(&["autoscale", "deployment/web", "--min=1", "--max=3", "--cpu=100m"]);
    server.kubectl(&["wait", "--for=jsonpath={.spec.replicas}=3", "deployment/web", "--timeout=60s"]);
    assert!(server.kubectl(&["describe", "hpa", "web"]).contains("TooManyReplicas"));
}

#[test]
fn apply_diff_and_apply_again() {
    let server = deployed();
    let file = server.file("web.yaml", WEB);
    assert_eq!(server.kubectl(&["apply", "-f", &file]), "deployment.apps/web unchanged\nservice/web unchanged\n");
    assert_eq!(server.kubectl(&["diff", "-f", &file]), "");
    let file = server.file("web.yaml", &WEB.replace("nginx:1", "nginx:2"));
    let diff = server.kubectl_ends(1, &["diff", "-f", &file]);
    assert!(diff.contains("-      - image: nginx:1") && diff.contains("+      - image: nginx:2"), "{diff}");
    assert_eq!(server.kubectl(&["apply", "-f", &file]), "deployment.apps/web configured\nservice/web unchanged\n");
    server.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    let history = server.kubectl(&["rollout", "history", "deployment/web"]);
    assert!(history.contains("1         <none>\n2         <none>"), "{history}");
    let undone = server.kubectl(&["rollout", "undo", "deployment/web"]);
    assert!(undone.starts_with("deployment.apps/web rolled back\n"), "{undone}");
    server.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    let image =
        server.kubectl(&["get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}"]);
    assert_eq!(image, "nginx:1");
}

#[test]
fn server_side_apply_and_its_conflicts() {
    let server = Server::start();
    let map = |value: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m}}\ndata: {{a: '{value}'}}\n");
    let file = server.file("m.yaml", &map("1"));
    let apply = ["apply", "--server-side", "-f", &file];
    assert_eq!(server.kubectl(&apply), "configmap/m serverside-applied\n");
    server.file("m.yaml", &map("2"));
    let other = ["apply", "--server-side", "--field-manager=other", "-f", &file];
    let refused = server.kubectl_ends(1, &other);
    assert!(refused.contains("Apply failed with 1 conflict: conflict with \"kubectl\": .data.a"), "{refused}");
    let forced = [&other[..], &["--force-conflicts"]].concat();
    assert_eq!(server.kubectl(&forced), "configmap/m serverside-applied\n");
    assert_eq!(server.kubectl(&["get", "cm", "m", "-o", "jsonpath={.data.a}"]), "2");
    let managers = server.kubectl(&[
        "get",
        "cm",
        "m",
        "--show-managed-fields",
        "-o",
        "jsonpath={.metadata.managedFields[*].manager}",
    ]);
    assert!(managers.contains("other"), "{managers}");
}

#[test]
fn get_in_every_output() {
    let server = deployed();
    let table = server.kubectl(&["get", "deployments"]);
    let head: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]);
    let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..4], ["web", "2/2", "2", "2"]);
    let wide = server.kubectl(&["get", "pods", "-o", "wide"]);
    for column in ["READY", "STATUS", "RESTARTS", "IP", "NODE", "NOMINATED NODE", "READINESS GATES"] {
        assert!(wide.contains(column), "{wide}");
    }
    assert_eq!(wide.matches("Running").count(), 2, "{wide}");
    assert!(wide.contains("node-") && wide.contains("10.244."), "{wide}");
    let yaml = server.kubectl(&["get", "service", "web", "-o", "yaml"]);
    assert!(yaml.starts_with("apiVersion: v1\nkind: Service\n") && yaml.contains("clusterIP: 10."), "{yaml}");
    let json = server.kubectl(&["get", "deployments,services", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["kind"].as_str(), json["items"].as_array().unwrap().len()), (Some("List"), 3));
    assert_eq!(server.kubectl(&["get", "deployments", "-o", "name"]), "deployment.apps/web\n");
    let columns =
        server.kubectl(&["get", "pods", "-l", "app=web", "-o", "custom-columns=P:.status.phase", "--no-headers"]);
    assert_eq!(columns, "Running\nRunning\n");
    let template =
        server.kubectl(&["get", "deployments", "-o", "go-template={{range .items}}{{.metadata.name}}{{end}}"]);
    assert_eq!(template, "web");
    let labels = server.kubectl(&["get", "deployments", "--show-labels", "-L", "app"]);
    assert!(labels.contains("LABELS") && labels.contains("app=web"), "{labels}");
    let sorted =
        server.kubectl(&["get", "pods", "-A", "--sort-by=.metadata.name", "--field-selector=status.phase=Running"]);
    assert!(sorted.starts_with("NAMESPACE"), "{sorted}");
    let all = server.kubectl(&["get", "all"]);
    for kind in ["pod/web-", "service/web", "deployment.apps/web", "replicaset.apps/web-"] {
        assert!(all.contains(kind), "{kind}: {all}");
    }
    let missing = server.kubectl_ends(1, &["get", "deployment", "nothing"]);
    assert_eq!(missing, "Error from server (NotFound): deployments.apps \"nothing\" not found\n");
}

#[test]
fn edit_patch_scale_label_and_set() {
    let server = deployed();
    let editor = server.file("editor.sh", "#!/bin/sh\nsed -i 's/nginx:1/nginx:3/' \"$1\"\n");
    assert!(Command::new("chmod").args(["+x", &editor]).status().unwrap().success());
    let mut edit = server.tool("kubectl");
    let edited = super::server::said(edit.env("KUBE_EDITOR", &editor), &["edit", "deployment", "web"], 0);
    assert_eq!(edited, "deployment.apps/web edited\n");
    let replicas = |n: u32| format!("{{\"spec\":{{\"replicas\":{n}}}}}");
    for (n, kind) in [(3, "strategic"), (1, "merge")] {
        let patched = server.kubectl(&["patch", "deployment", "web", "--type", kind, "-p", &replicas(n)]);
        assert_eq!(patched, "deployment.apps/web patched\n");
    }
    let json = "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":2}]";
    server.kubectl(&["patch", "deployment", "web", "--type", "json", "-p", json]);
    assert_eq!(server.kubectl(&["scale", "deployment", "web", "--replicas=3"]), "deployment.apps/web scaled\n");
    assert_eq!(server.kubectl(&["label", "deployment", "web", "tier=front"]), "deployment.apps/web labeled\n");
    assert_eq!(server.kubectl(&["annotate", "deployment", "web", "note=x"]), "deployment.apps/web annotated\n");
    assert_eq!(
        server.kubectl(&["set", "image", "deployment/web", "app=nginx:4"]),
        "deployment.apps/web image updated\n"
    );
    assert_eq!(server.kubectl(&["rollout", "restart", "deployment/web"]), "deployment.apps/web restarted\n");
    server.kubectl(&["rollout", "status", "deployment/web", "--timeout=90s"]);
    let path = "jsonpath={.spec.replicas} {.metadata.labels.tier} {.spec.template.spec.containers[0].image}";
    assert_eq!(server.kubectl(&["get", "deployment", "web", "-o", path]), "3 front nginx:4");
    let refused = server.kubectl_ends(1, &["patch", "deployment", "web", "-p", "{\"spec\":{\"replicas\":-1}}"]);
    assert!(refused.contains("spec.replicas: Invalid value: -1: must be greater than or equal to 0"), "{refused}");
}

#[test]
fn wait_logs_describe_and_events() {
    let server = deployed();
    let waited = server.kubectl(&["wait", "--for=condition=Available", "deployment/web", "--timeout=60s"]);
    assert_eq!(waited, "deployment.apps/web condition met\n");
    let pods =
        server.kubectl(&["wait", "--for=jsonpath={.status.phase}=Running", "pod", "-l", "app=web", "--timeout=60s"]);
    assert_eq!(pods.matches("condition met").count(), 2, "{pods}");
    server.kubectl(&["logs", "deployment/web"]);
    server.kubectl(&["logs", "-l", "app=web", "--tail=1", "--prefix"]);
    let told = server.kubectl(&["describe", "deployment", "web"]);
    for part in
        ["RollingUpdateStrategy:  25% max unavailable, 25% max surge", "ScalingReplicaSet", "Available      True"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    let pod = server.kubectl(&["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}"]);
    let told = server.kubectl(&["describe", "pod", &pod]);
    for part in ["Successfully assigned default/web-", "Container started", "QoS Class:"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    server.kubectl(&["describe", "service", "web"]);
    server.kubectl(&["describe", "node", "node-1"]);
    server.kubectl(&["describe", "namespace", "default"]);
    let events = server.kubectl(&["get", "events"]);
    assert!(events.starts_with("LAST SEEN") && events.contains("SuccessfulCreate"), "{events}");
    let events = server.kubectl(&["events", "--for", "deployment/web"]);
    assert!(events.contains("ScalingReplicaSet"), "{events}");
}

#[test]
fn delete_waits_until_it_is_gone() {
    let server = deployed();
    let gone = server.kubectl(&["delete", "deployment", "web", "--cascade=foreground", "--timeout=60s"]);
    assert!(gone.starts_with("deployment.apps \"web\" deleted"), "{gone}");
    assert_eq!(server.kubectl(&["get", "pods,rs"]), "No resources found in default namespace.\n");
    server.kubectl(&["create", "namespace", "extra"]);
    server.kubectl(&["create", "configmap", "m", "-n", "extra", "--from-literal=a=b"]);
    server.kubectl(&["delete", "namespace", "extra", "--timeout=60s"]);
    let missing = server.kubectl_ends(1, &["get", "namespace", "extra"]);
    assert!(missing.contains("namespaces \"extra\" not found"), "{missing}");
    assert!(server.kubectl(&["delete", "service", "web", "--dry-run=server"]).contains("server dry run"));
    server.kubectl(&["get", "service", "web"]);
}

#[test]
fn who_may_do_what() {
    let server = Server::start();
    assert_eq!(server.kubectl(&["auth", "can-i", "delete", "pods"]), "yes\n");
    assert!(server.kubectl(&["auth", "whoami"]).contains("kubernetes-admin"));
    let jane = ["--as", "jane"];
    let can = |code: i32, args: &[&str]| server.kubectl_ends(code, &[&["auth", "can-i"], args, &jane[..]].concat());
    assert!(can(1, &["get", "pods"]).starts_with("no"));
    server.kubectl(&["create", "role", "reader", "--verb=get,list", "--resource=pods"]);
    server.kubectl(&["create", "rolebinding", "jane", "--role=reader", "--user=jane"]);
    assert_eq!(can(0, &["get", "pods"]), "yes\n");
    assert!(can(1, &["delete", "pods"]).starts_with("no"));
    assert!(can(1, &["get", "pods", "-n", "kube-system"]).starts_with("no"));
    assert!(can(0, &["--list"]).contains("pods"));
    server.kubectl(&["get", "pods", "--as", "jane"]);
    let refused = server.kubectl_ends(1, &["get", "secrets", "--as", "jane"]);
    assert!(refused.contains("secrets is forbidden: User \"jane\" cannot list resource \"secrets\" in API group \"\" in the namespace \"default\""), "{refused}");
    let token = server.kubectl(&["create", "token", "default"]);
    let as_account = server.kubectl(&["auth", "whoami", "--token", token.trim()]);
    // The administrator's own token in the kubeconfig is overruled by the one that was asked for.
    assert!(as_account.contains("system:serviceaccount:default:default"), "{as_account}");
}

#[test]
fn what_there_is_and_what_it_means() {
    let server = Server::start();
    let resources = server.kubectl(&["api-resources"]);
    for line in ["deployments", "horizontalpodautoscalers", "customresourcedefinitions", "networkpolicies"] {
        assert!(resources.contains(line), "{line}: {resources}");
    }
    assert!(server.kubectl(&["api-versions"]).contains("apps/v1\n"));
    let told = server.kubectl(&["explain", "deployment.spec.strategy"]);
    assert!(told.contains("KIND:       Deployment") && told.contains("rollingUpdate"), "{told}");
    let told = server.kubectl(&["explain", "pods", "--recursive"]);
    assert!(told.contains("terminationGracePeriodSeconds"), "{told}");
    let unknown = server.kubectl_ends(1, &["explain", "deployment.spec.nonsense"]);
    assert!(unknown.contains("nonsense"), "{unknown}");
    let version = server.kubectl(&["version"]);
    assert!(version.contains("Server Version: v1.37.2"), "{version}");
    assert!(server.kubectl(&["cluster-info"]).contains("is running at"));
    assert_eq!(server.kubectl(&["get", "--raw", "/readyz"]), "ok");
}

#[test]
fn custom_resources_with_columns_and_rules() {
    let server = Server::start();
    let file = server.file("crd.yaml", CRD);
    server.kubectl(&["apply", "-f", &file]);
    server.kubectl(&["wait", "--for=condition=Established", "crd/widgets.example.com", "--timeout=30s"]);
    let widget = |size: i64| {
        format!("apiVersion: example.com/v1\nkind: Widget\nmetadata: {{name: w}}\nspec: {{size: {size}}}\n")
    };
    let file = server.file("w.yaml", &widget(3));
    assert_eq!(server.kubectl(&["apply", "-f", &file]), "widget.example.com/w created\n");
    let table = server.kubectl(&["get", "widgets"]);
    let cells: Vec<&str> = table.split_whitespace().collect();
    assert_eq!(cells[..5], ["NAME", "SIZE", "AGE", "w", "3"]);
    server.file("w.yaml", &widget(30));
    let refused = server.kubectl_ends(1, &["apply", "-f", &file]);
    assert!(refused.contains("size is at most 10"), "{refused}");
    assert_eq!(
        server.kubectl(&["get", "widgets", "--field-selector=spec.size=3", "-o", "name"]),
        "widget.example.com/w\n"
    );
    assert!(server.kubectl(&["explain", "widget.spec.size"]).contains("how large it is"));
    let strict = server.file("x.yaml", &widget(3).replace("size: 3", "size: 3, colour: red"));
    let refused = server.kubectl_ends(1, &["apply", "-f", &strict]);
    assert!(refused.contains("unknown field \"spec.colour\""), "{refused}");
}

const CRD: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns:
    - {name: Size, type: integer, jsonPath: .spec.size}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    selectableFields: [{jsonPath: .spec.size}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer, description: how large it is}
            x-kubernetes-validations:
            - {rule: self.size <= 10, message: size is at most 10}
";

#[test]
fn policies_in_cel_and_limit_ranges() {
    let server = Server::start();
    let file = server.file("policy.yaml", POLICY);
    server.kubectl(&["apply", "-f", &file]);
    let refused = server.kubectl_ends(1, &["create", "deployment", "big", "--image=nginx", "--replicas=9"]);
    assert!(
        refused.contains("ValidatingAdmissionPolicy 'few' with binding 'few' denied request: at most 5"),
        "{refused}"
    );
    server.kubectl(&["create", "deployment", "small", "--image=nginx", "--replicas=2"]);
    let noted = server.kubectl(&["get", "deployment", "small", "-o", "jsonpath={.metadata.annotations.checked}"]);
    assert_eq!(noted, "yes");
    server.kubectl(&["run", "p", "--image=nginx"]);
    let requests = server.kubectl(&["get", "pod", "p", "-o", "jsonpath={.spec.containers[0].resources.requests.cpu}"]);
    assert_eq!(requests, "250m");
    let over =
        "{\"spec\":{\"containers\":[{\"name\":\"q\",\"image\":\"nginx\",\"resources\":{\"limits\":{\"cpu\":\"9\"}}}]}}";
    let refused = server.kubectl_ends(1, &["run", "q", "--image=nginx", "--overrides", over]);
    assert!(refused.contains("maximum cpu usage per Container is 1, but limit is 9"), "{refused}");
}

const POLICY: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: few}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}
  validations:
  - {expression: object.spec.replicas <= 5, message: at most 5}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: few}
spec: {policyName: few, validationActions: [Deny]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: note}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration:
      expression: >-
        Object{metadata: Object.metadata{annotations: {'checked': 'yes'}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: note}
spec: {policyName: note}
---
apiVersion: v1
kind: LimitRange
metadata: {name: limits}
spec:
  limits:
  - {type: Container, max: {cpu: '1'}, default: {cpu: 500m}, defaultRequest: {cpu: 250m}}
";

#[test]
fn a_cluster_is_kept_from_one_start_to_the_next() {
    let mut server = Server::start();
    let folder = server.folder.join("kept");
    std::fs::create_dir_all(&folder).unwrap();
    let state = folder.join("state.json");
    let args = ["--speed", "10", "--state", state.to_str().unwrap()];
    let mut first = Server::within(folder.clone(), &args);
    let crd = first.file("crd.yaml", CRD);
    first.kubectl(&["apply", "-f", &crd]);
    first.kubectl(&["create", "deployment", "web", "--image=nginx", "--replicas=2"]);
    first.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    let uid = ["get", "deployment", "web", "-o", "jsonpath={.metadata.uid} {.metadata.resourceVersion}"];
    let before = first.kubectl(&uid[..3]);
    assert!(before.contains("2/2"), "{before}");
    let identity = ["get", "service", "kubernetes", "-o", "jsonpath={.metadata.uid} {.metadata.resourceVersion}"];
    let before = first.kubectl(&identity);
    first.stop();
    std::mem::forget(first);
    let second = Server::within(folder, &args);
    assert_eq!(second.kubectl(&identity), before);
    second.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    assert_eq!(second.kubectl(&["get", "widgets"]), "No resources found in default namespace.\n");
    server.stop();
}

#[test]
fn watches_over_one_connection() {
    let server = Server::start();
    server.kubectl(&["create", "configmap", "m", "--from-literal=a=1"]);
    let waiting = server.tool("kubectl").args(["wait", "--for=delete", "configmap/m", "--timeout=60s"]).spawn();
    let mut waiting = waiting.unwrap();
    server.kubectl(&["delete", "configmap", "m"]);
    assert!(waiting.wait().unwrap().success());
}
