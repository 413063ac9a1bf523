//! helm 4: a chart through its life.

use super::server::Server;

fn chart(server: &Server, image: &str, version: &str) -> String {
    server.file("shop/Chart.yaml", &format!("apiVersion: v2\nname: shop\nversion: {version}\n"));
    server.file("shop/values.yaml", "replicas: 1\n");
    let web = format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{{{ .Release.Name }}}}-web
spec:
  replicas: {{{{ .Values.replicas }}}}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers: [{{name: app, image: '{image}', ports: [{{containerPort: 80}}]}}]
---
apiVersion: v1
kind: Service
metadata:
  name: {{{{ .Release.Name }}}}-web
spec: {{selector: {{app: web}}, ports: [{{port: 80}}]}}
"
    );
    let file = server.file("shop/templates/web.yaml", &web);
    file.trim_end_matches("/templates/web.yaml").to_owned()
}

#[test]
fn install_upgrade_roll_back_and_uninstall() {
    let server = Server::start();
    let folder = chart(&server, "nginx:1", "1.0.0");
    let told = server.helm(&["install", "demo", &folder, "--wait", "--timeout", "90s"]);
    assert!(told.contains("STATUS: deployed") && told.contains("REVISION: 1"), "{told}");
    let ready = [
        "get",
        "deployment",
        "demo-web",
        "-o",
        "jsonpath={.status.readyReplicas} {.spec.template.spec.containers[0].image}",
    ];
    assert_eq!(server.kubectl(&ready), "1 nginx:1");
    chart(&server, "nginx:2", "1.1.0");
    let told = server.helm(&["upgrade", "demo", &folder, "--wait", "--timeout", "90s", "--set", "replicas=2"]);
    assert!(told.contains("REVISION: 2"), "{told}");
    assert_eq!(server.kubectl(&ready), "2 nginx:2");
    let history = server.helm(&["history", "demo"]);
    assert!(history.contains("superseded") && history.contains("deployed"), "{history}");
    server.helm(&["rollback", "demo", "1", "--wait", "--timeout", "90s"]);
    assert_eq!(server.kubectl(&ready), "1 nginx:1");
    assert!(server.helm(&["list"]).contains("demo"));
    assert!(server.helm(&["get", "manifest", "demo"]).contains("nginx:1"));
    assert!(server.helm(&["status", "demo"]).contains("REVISION: 3"));
    server.helm(&["uninstall", "demo", "--wait", "--timeout", "90s"]);
    assert_eq!(
        server.kubectl(&["get", "deployments,services", "-l", "app.kubernetes.io/managed-by=Helm", "-o", "name"]),
        ""
    );
    let left = server.kubectl(&["get", "deployments,secrets", "-o", "name"]);
    assert_eq!(left, "", "{left}");
}
