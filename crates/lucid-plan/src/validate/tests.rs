//! Each mistake in a small release, and what is said of it.

use std::sync::Arc;

use lucid_object::{Files, Finding, ObjectSet, Severity};
use lucid_release::ReleaseFile;

use super::{Source, manifests, place};

const WEB: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: main, image: 'web:1', ports: [{name: http, containerPort: 80}]}]
---
";

fn release(secrets: &str) -> ReleaseFile {
    let text = format!(
        "apiVersion: lucid.dev/v1alpha1\nkind: Release\nmetadata: {{name: r}}\nspec:\n  source: x\n  namespace: n\n{secrets}"
    );
    lucid_release::load(&text, "lucid.yaml").expect("a release")
}

fn objects(text: &str) -> ObjectSet {
    let mut files = Files::default();
    let file = files.add("a.yaml");
    let nodes = lucid_object::yaml::parse(text, file).expect("YAML");
    let files = Arc::new(files);
    let mut set: ObjectSet = nodes
        .into_iter()
        .filter(|node| !node.is_null())
        .map(|node| lucid_object::Object::from_node(Arc::clone(&files), Arc::new(node)))
        .collect();
    place(&mut set, "n");
    set
}

fn found_by(release: &ReleaseFile, text: &str, source: Source) -> Vec<Finding> {
    manifests(release, &objects(text), source).into_iter().collect()
}

/// `error L5201 a.yaml:3:5 message (help)`.
fn line(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => "advice",
    };
    let place = finding.position.as_ref().map(|p| format!("{}:{}", p.line, p.column)).unwrap_or_default();
    let help = finding.help.as_deref().unwrap_or_default();
    format!("{severity} {} {place} {} ({help})", finding.code, finding.message)
}

/// Exactly these findings, each beginning with these words and containing those after a `…`.
#[track_caller]
fn check(text: &str, expect: &[&str]) {
    let found: Vec<String> = found_by(&release(""), text, Source::ReleaseFile).iter().map(line).collect();
    let fits = |found: &String, want: &&str| want.split('…').all(|part| found.contains(part));
    let all = found.len() == expect.len() && found.iter().zip(expect).all(|(found, want)| fits(found, want));
    assert!(all, "found:\n{}\nwanted:\n{}", found.join("\n"), expect.join("\n"));
}

#[track_caller]
fn with_web(text: &str, expect: &[&str]) {
    check(&format!("{WEB}{text}"), expect);
}

#[test]
fn nothing_is_said_of_what_is_right() {
    with_web(
        "
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {rules: [{host: a.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
",
        &[],
    );
}

#[test]
fn a_service_that_selects_nothing_or_forwards_to_nowhere() {
    with_web(
        "
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {selector: {app: wbe}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: b}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: htp}, {port: 81, name: x}, {port: 80, protocol: UDP, name: u}]}
",
        &[
            "error L5201 16:18 Service n/a selects no pod of the release (app=wbe)…the pods of Deployment/web have app=web",
            "error L5203 21:61 Service n/b forwards to TCP port htp, which no container of Deployment/web has…http (80/TCP)",
            "warning L5203 21:74 Service n/b forwards to TCP port 81",
            "warning L5203…UDP port 80",
        ],
    );
}

#[test]
fn an_operator_may_make_the_pods() {
    check(
        "
apiVersion: example.com/v1
kind: Database
metadata: {name: d}
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {selector: {app: d}, ports: [{port: 80}]}
",
        &["warning L5201"],
    );
}

#[test]
fn budgets() {
    with_web(
        "
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: a}
spec: {minAvailable: 1, selector: {matchLabels: {app: other}}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: b}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: c}
spec: {minAvailable: 100%, selector: {matchLabels: {app: web}}}
",
        &["error L8202 16:35", "warning L5115…two budgets", "advice L5115 26:22…(1 replica)"],
    );
}

#[test]
fn policies_that_isolate_nobody() {
    with_web(
        "
apiVersion: v1
kind: Namespace
metadata: {name: n, labels: {team: a}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p}
spec:
  podSelector: {matchLabels: {app: pay}}
  ingress:
  - from:
    - podSelector: {matchLabels: {app: wab}}
    - namespaceSelector: {matchLabels: {team: b}}
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: elsewhere}}
    - namespaceSelector: {matchLabels: {team: a}}
      podSelector: {matchLabels: {app: web}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: q}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress: [{ports: [{port: 443}]}]
",
        &[
            "error L8203 21:16 NetworkPolicy n/p selects no pod…(app=pay)",
            "warning L8203 24:20 NetworkPolicy n/p allows pods with app=wab…app=web",
            "warning L8204 25:26 NetworkPolicy n/p means namespaces with team=b",
            "warning L5213…no NetworkPolicy lets Deployment n/web ask the cluster's DNS",
        ],
    );
}

#[test]
fn routes_to_nowhere() {
    with_web(
        "
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 8080, targetPort: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i}
spec:
  tls: [{hosts: [a], secretName: cert}]
  rules:
  - host: a
    http:
      paths:
      - {path: /a, pathType: Prefix, backend: {service: {name: wbe, port: {number: 80}}}}
      - {path: /b, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
      - {path: /b, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec: {rules: [{backendRefs: [{name: nobody, port: 80}, {name: far, namespace: elsewhere, port: 80}]}]}
",
        &[
            "error L5206 27:64 Ingress n/i routes to the Service wbe…did you mean web?",
            "error L5206 28:75 Ingress n/i routes to port 80 of Service n/web, which it does not have (its ports are: http (8080))",
            "warning L1018 29:9 Ingress n/i and Ingress n/i both claim a/b",
            "error L5207 22:34 Ingress n/i serves TLS from the Secret cert, which is not in the release",
            "error L5206 34:38 HTTPRoute n/r routes to the Service nobody",
        ],
    );
}

#[test]
fn selectors_of_workloads() {
    with_web(
        "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: s}
spec:
  serviceName: peers
  selector: {matchLabels: {app: s}}
  template: {metadata: {labels: {app: t}}, spec: {containers: [{name: c, image: 'a:1'}]}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: d}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: 'a:1'}]}}
",
        &[
            "error L5108 25:13 Deployment n/web and DaemonSet n/d select each other's pods",
            "error L8212 18:13 the selector of StatefulSet n/s (app=s) does not match its own pods",
            "error L5106 17:16 StatefulSet n/s names the Service peers, which is not in the release",
        ],
    );
}

#[test]
fn rollouts_that_cannot_finish() {
    check(
        "
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]
      containers: [{name: main, image: 'web:1', ports: [{containerPort: 80, hostPort: 80}]}]
",
        &["warning L5109…PersistentVolumeClaim n/data (ReadWriteOnce)", "warning L5109…TCP port 80 of their node"],
    );
}

#[test]
fn autoscalers() {
    with_web(
        "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a}
spec: {minReplicas: 5, maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: wbe}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: b}
spec:
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
",
        &[
            "error L1021…at least 5 and at most 3",
            "error L5114 16:102 HorizontalPodAutoscaler n/a scales Deployment wbe…did you mean web?",
            "warning L5112…main of Deployment/web requests none",
        ],
    );
}

#[test]
fn bindings() {
    check(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, name: nobody, namespace: n}
- {kind: ServiceAccount, name: far, namespace: elsewhere}
- {kind: ServiceAccount, name: lost}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: c}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: default}]
",
        &[
            "error L8213 5:66 RoleBinding n/b grants the Role reader",
            "error L8213 7:32 RoleBinding n/b grants to ServiceAccount n/nobody",
            "error L8213…ServiceAccount n/lost",
            "error L1021…ClusterRoleBinding c names the ServiceAccount default without its namespace",
        ],
    );
}

#[test]
fn pods_with_loose_ends() {
    check(
        "
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  serviceAccountName: robot
  priorityClassName: high
  volumes: [{name: data, emptyDir: {}}, {name: cm, configMap: {name: conf}}]
  initContainers: [{name: main, image: 'a:1'}]
  containers:
  - name: main
    image: 'a:1'
    volumeMounts: [{name: date, mountPath: /d}]
    ports: [{name: http, containerPort: 80}, {name: http, containerPort: 81}]
    readinessProbe: {httpGet: {port: htp}}
    env: [{name: E, valueFrom: {secretKeyRef: {name: s, key: k}}}]
",
        &[
            "error L1021 11:11 Pod n/p has two containers named main",
            "error L1021 14:53 Pod n/p has two ports named http",
            "error L1021 13:27 Pod n/p mounts the volume date…did you mean data?",
            "error L5007 15:38 the readinessProbe of main…did you mean http?",
            "warning L2002 7:22…PriorityClass high",
            "error L2002 6:23 Pod n/p uses ServiceAccount n/robot, which is not in the release",
            "error L4005 8:70 Pod n/p uses ConfigMap n/conf",
            "error L4001 16:54 Pod n/p uses Secret n/s",
        ],
    );
}

#[test]
fn secrets_that_come_from_outside() {
    let declared = release("  secrets:\n  - {name: s, keys: {user: {required: true}}}\n");
    let pod = "
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - name: main
    image: 'a:1'
    env:
    - {name: A, valueFrom: {secretKeyRef: {name: s, key: usr}}}
    - {name: B, valueFrom: {secretKeyRef: {name: sealed, key: x}}}
    - {name: C, valueFrom: {secretKeyRef: {name: external, key: token}}}
    - {name: D, valueFrom: {secretKeyRef: {name: external, key: password}}}
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: sealed}
spec: {encryptedData: {x: AgB}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: e}
spec: {target: {name: external}, data: [{secretKey: token}]}
";
    let found: Vec<String> = found_by(&declared, pod, Source::ReleaseFile).iter().map(line).collect();
    assert_eq!(
        found,
        [
            "error L4002 10:50 Pod n/p uses the key usr of Secret n/s, which has no such key (did you mean user?)",
            "error L4002 13:50 Pod n/p uses the key password of Secret n/external, which has no such key (its keys are: token)",
        ]
    );
    let folder = found_by(&release(""), pod, Source::Folder);
    assert_eq!(folder[0].severity, Severity::Warning, "without a release file the cluster may have it: {folder:?}");
}

#[test]
fn fields_and_values_of_the_api() {
    check(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replica: 2
  replicas: \"2\"
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      schedulingGroup: {}
      terminationGracePeriodSeconds: 1.5
      containers:
      - name: main
        image: 'a:1'
        resources: {limits: {memory: 1 Gi}}
        env: [{name: A, value: 1}, {name: A, value: b}]
        ports: [{containerPort: 80}, {containerPort: 80, protocol: TCP}, {name: x}]
status: {nonsense: 1}
---
apiVersion: v1
kind: Service
metadata: {name: none, anotations: {}}
spec: {}
",
        &[
            "error L1002 6:12 spec has no field `replica` (Deployment n/web) (did you mean replicas?)",
            "error L1021 7:13 spec.replicas of Deployment n/web must be a whole number of 32 bits, not the text \"2\" (take the quotes away)",
            "error L1021 18:32…env[0].value of Deployment n/web must be text, not a number (put the value in quotes)",
            "error L1021 18:36…env of Deployment n/web has name A twice",
            "error L1021 19:74…ports[2] of Deployment n/web lacks `containerPort`",
            "error L1021 19:38…has containerPort 80, protocol TCP twice",
            "error L1021 17:38…must be a quantity like 100m or 64Mi, not the text \"1 Gi\"",
            "warning L1002 12:24 PodSpec has `schedulingGroup` since Kubernetes 1.36; 1.34 refuses it",
            "error L1021 13:38…must be a whole number, not 1.5",
            "error L1002 24:36 metadata has no field `anotations`…did you mean annotations?",
        ],
    );
}

#[test]
fn versions_of_the_api() {
    check(
        "
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: a}
---
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: b}
---
apiVersion: v1
kind: Deploymnt
metadata: {name: c}
---
apiVersion: apps/v1
kind: Deploymnt
metadata: {name: d}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: e}
---
apiVersion: v1
kind: Endpoints
metadata: {name: f}
---
apiVersion: example.com/v1
kind: Anything
metadata: {name: g}
---
apiVersion: autoscaling/v2beta2
kind: HorizontalPodAutoscaler
metadata: {name: h}
",
        &[
            "error L1004 2:13 extensions/v1beta1 Ingress was removed in Kubernetes 1.22 (use networking.k8s.io/v1 Ingress)",
            "error L1004…policy/v1beta1 PodSecurityPolicy was removed in Kubernetes 1.25",
            "error L1003…Kubernetes has no v1 Deploymnt (did you mean Deployment?)",
            "error L1003 14:13 Kubernetes has no apps/v1 Deploymnt (did you mean Deployment?)",
            "warning L1003…MutatingAdmissionPolicy is there since Kubernetes 1.36",
            "advice L1024…v1 Endpoints is deprecated (use discovery.k8s.io/v1 EndpointSlice)",
            "error L1004…autoscaling/v2beta2 HorizontalPodAutoscaler was removed in Kubernetes 1.26",
        ],
    );
}

#[test]
fn names_and_labels() {
    check(
        "
apiVersion: v1
kind: Service
metadata: {name: 1web, labels: {app: 'a b', 'x y': ok}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a_b, annotations: {'a/b/c': x}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: shpo}
",
        &[
            "warning L1021 4:18 older servers refuse Service n/1web",
            "error L1021 4:38 \"a b\" cannot be the value of a label",
            "error L1021…\"x y\" cannot be the key of a label",
            "error L1021 8:18 \"a_b\" cannot be the name of a ConfigMap",
            "error L1021…\"a/b/c\" cannot be the key of an annotation",
            "warning L1015 16:32…did you mean shop?",
        ],
    );
}

#[test]
fn pod_security_levels() {
    check(
        "
apiVersion: v1
kind: Namespace
metadata: {name: n, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {hostNetwork: true, containers: [{name: c, image: 'a:1'}]}
",
        &["error L1009 9:21 Pod n/p may not run in n, which enforces restricted"],
    );
    let text = "
apiVersion: v1
kind: Namespace
metadata: {name: n, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: c
    image: 'a:1'
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
";
    check(text, &[]);
    check(&text.replace("restricted", "baseline"), &[]);
}

#[test]
fn images_addresses_sizes_and_credentials() {
    let large = "x".repeat(1_100_000);
    check(
        &format!(
            "
apiVersion: v1
kind: Pod
metadata: {{name: p}}
spec:
  containers:
  - {{name: a, image: nginx}}
  - {{name: b, image: 'nginx:latest'}}
  - {{name: c, image: 'Nginx:1', env: [{{name: DB_PASSWORD, value: hunter22}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: s}}
spec: {{clusterIP: 10.0.0.9, ports: [{{port: 80, nodePort: 80}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: t}}
spec: {{clusterIP: 10.0.0.9, ports: [{{port: 80}}]}}
---
apiVersion: v1
kind: Secret
metadata: {{name: k}}
stringData: {{a: hunter22}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: big}}
data: {{a: {large}}}
"
        ),
        &[
            "error L1016…1075 KiB",
            "warning L8211 7:22…without a tag",
            "warning L8211 8:22…the tag latest moves",
            "error L3007 9:22…upper-case",
            "warning L8210 14:19…pins the address",
            "warning L1017…node port 80",
            "error L1017 19:19…both claim the address 10.0.0.9",
            "warning L8215 24:17 the values of Secret n/k stand in the manifests (a)",
            "warning L8215 9:66 the variable DB_PASSWORD of Pod n/p looks like a credential",
        ],
    );
    let found = found_by(
        &release(""),
        "apiVersion: v1\nkind: Secret\nmetadata: {name: k}\nstringData: {a: hunter22}\n",
        Source::Folder,
    );
    assert!(!format!("{found:?}").contains("hunter22"), "values are never repeated");
}

#[test]
fn a_folder_without_pods_is_a_part_of_something() {
    let service =
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: a}, ports: [{port: 80}]}\n";
    let alone = found_by(&release(""), service, Source::Folder);
    assert_eq!(alone[0].severity, Severity::Warning, "{alone:?}");
    let whole = found_by(&release(""), &format!("{WEB}{service}"), Source::Folder);
    assert_eq!(whole[0].severity, Severity::Error, "{whole:?}");
}

#[test]
fn two_containers_may_call_their_ports_the_same() {
    check(
        "
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - {name: a, image: 'a:1', ports: [{name: metrics, containerPort: 80}]}
  - {name: b, image: 'a:1', ports: [{name: metrics, containerPort: 81}]}
",
        &[],
    );
}
