//! Objects to begin with, and what is done to them: sound ones of each kind, edits that are known to hurt, and edits at
//! any place of the kind's schema.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use lucid_schema::{Schema, Type};
use serde_json::{Value, json};

use super::requests::{Edit, Random};

/// A kind that is talked about.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    plural: &'static str,
    /// What of it may be changed at any place of its schema.
    below: &'static str,
}

const fn kind(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Kind {
    Kind { group, version, kind, plural, below: "" }
}

pub(crate) const KINDS: &[Kind] = &[
    kind("", "v1", "ConfigMap", "configmaps"),
    kind("", "v1", "Secret", "secrets"),
    kind("", "v1", "Service", "services"),
    kind("", "v1", "ServiceAccount", "serviceaccounts"),
    kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    kind("", "v1", "Pod", "pods"),
    kind("apps", "v1", "Deployment", "deployments"),
    kind("apps", "v1", "StatefulSet", "statefulsets"),
    kind("apps", "v1", "DaemonSet", "daemonsets"),
    kind("batch", "v1", "Job", "jobs"),
    kind("batch", "v1", "CronJob", "cronjobs"),
    kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    kind("networking.k8s.io", "v1", "Ingress", "ingresses"),
    kind("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
    kind("coordination.k8s.io", "v1", "Lease", "leases"),
    Kind { group: "twins.lucid.dev", version: "v1", kind: "Widget", plural: "widgets", below: "/spec" },
];

impl Kind {
    pub(crate) fn collection(&self) -> String {
        let root =
            if self.group.is_empty() { "/api/v1".into() } else { format!("/apis/{}/{}", self.group, self.version) };
        format!("{root}/namespaces/twins/{}", self.plural)
    }

    fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.into() } else { format!("{}/{}", self.group, self.version) }
    }

    fn schema(&self) -> Option<Schema> {
        Schema::of(&lucid_object::Gvk::new(self.group, self.version, self.kind))
    }
}

/// What both servers hold before the conversation begins.
pub(crate) fn furniture() -> Vec<(&'static str, Value)> {
    vec![
        ("/api/v1/namespaces", json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "twins"}})),
        (
            "/api/v1/namespaces/twins/serviceaccounts",
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"},
                "automountServiceAccountToken": false}),
        ),
        (
            "/apis/storage.k8s.io/v1/storageclasses",
            json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "sim.lucid.dev/volumes",
                "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
                "volumeBindingMode": "WaitForFirstConsumer", "allowVolumeExpansion": true}),
        ),
        ("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", widgets()),
    ]
}

fn widgets() -> Value {
    let spec = json!({"type": "object", "required": ["size"], "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 9, "format": "int32"},
        "color": {"type": "string", "enum": ["red", "green"], "default": "red"},
        "code": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5},
        "ratio": {"type": "number"},
        "on": {"type": "boolean", "nullable": true},
        "port": {"x-kubernetes-int-or-string": true},
        "replicas": {"type": "integer", "default": 1},
        "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}, "maxItems": 3},
        "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string"}, "count": {"type": "integer", "default": 1}}}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        "order": {"type": "array", "items": {"type": "integer"}},
    }});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.twins.lucid.dev"},
        "spec": {"group": "twins.lucid.dev", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {
                    "spec": spec,
                    "status": {"type": "object", "properties": {
                        "phase": {"type": "string"}, "replicas": {"type": "integer"}}}}}},
                "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}}}]}})
}

/// An object that every server takes.
pub(crate) fn sound(kind: &Kind, name: &str, random: &mut Random) -> Value {
    let mut object = match kind.kind {
        "ConfigMap" => json!({"data": {"a": "1", "b.txt": "two\nlines"}, "binaryData": {"c": "AAEC"}}),
        "Secret" => json!({"stringData": {"a": "1"}, "data": {"b": "Yg=="}}),
        "ServiceAccount" => json!({"imagePullSecrets": [{"name": "registry"}], "secrets": [{"name": "token"}]}),
        "Service" => service(random),
        "PersistentVolumeClaim" => json!({"spec": {"accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1024Mi"}}}}),
        "Pod" => json!({"spec": pod_spec(random)}),
        "Deployment" => {
            json!({"spec": {"replicas": 0, "selector": {"matchLabels": {"app": "a"}}, "template": template(random)}})
        }
        "StatefulSet" => json!({"spec": {"replicas": 0, "serviceName": "s", "selector": {"matchLabels": {"app": "a"}},
            "template": template(random), "volumeClaimTemplates": [{"metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}}),
        "DaemonSet" => json!({"spec": {"selector": {"matchLabels": {"app": "a"}}, "template": template(random)}}),
        "Job" => json!({"spec": {"suspend": true, "template": job_template(random)}}),
        "CronJob" => json!({"spec": {"schedule": "*/5 * * * *", "suspend": true,
            "jobTemplate": {"spec": {"template": job_template(random)}}}}),
        "HorizontalPodAutoscaler" => json!({"spec": {"minReplicas": 1, "maxReplicas": 4,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]}}),
        "PodDisruptionBudget" => json!({"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}}}),
        "NetworkPolicy" => {
            json!({"spec": {"podSelector": {"matchLabels": {"app": "a"}}, "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "b"}}}], "ports": [{"port": 80}]}],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}], "ports": [{"protocol": "UDP", "port": 53}]}]}})
        }
        "Ingress" => {
            json!({"spec": {"ingressClassName": "nginx", "tls": [{"hosts": ["a.example.com"], "secretName": "tls"}],
            "rules": [{"host": "a.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix",
                "backend": {"service": {"name": "api", "port": {"number": 80}}}}]}}]}})
        }
        "Role" => {
            json!({"rules": [{"apiGroups": ["", "apps"], "resources": ["pods", "deployments"], "verbs": ["get", "list"]}]})
        }
        "RoleBinding" => json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
            "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "twins"}]}),
        "Lease" => {
            json!({"spec": {"holderIdentity": "me", "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000000Z"}})
        }
        _ => json!({"spec": {"size": 3, "parts": [{"name": "p"}], "tags": ["x"]}}),
    };
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.kind.into();
    object["metadata"] = json!({"name": name, "labels": {"app": "a"}});
    object
}

fn service(random: &mut Random) -> Value {
    let ports = json!([{"name": "http", "port": 80, "targetPort": "http"}, {"name": "metrics", "port": 9090}]);
    match random.below(6) {
        0 => json!({"spec": {"clusterIP": "None", "selector": {"app": "a"}, "ports": ports}}),
        1 => json!({"spec": {"type": "NodePort", "selector": {"app": "a"}, "ports": ports}}),
        2 => json!({"spec": {"type": "LoadBalancer", "selector": {"app": "a"}, "ports": ports}}),
        3 => json!({"spec": {"type": "ExternalName", "externalName": "db.example.com"}}),
        _ => json!({"spec": {"selector": {"app": "a"}, "ports": ports}}),
    }
}

fn template(random: &mut Random) -> Value {
    json!({"metadata": {"labels": {"app": "a"}}, "spec": pod_spec(random)})
}

fn job_template(random: &mut Random) -> Value {
    let mut template = template(random);
    template["spec"]["restartPolicy"] = (*random.pick(&["Never", "OnFailure"])).into();
    template
}

/// A pod as deployments have it, with some of the usual parts.
fn pod_spec(random: &mut Random) -> Value {
    let mut container = json!({"name": "app", "image": "registry.test/app:1", "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]});
    let parts = [
        ("resources", json!({"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": 1, "memory": "0.5Gi"}})),
        ("readinessProbe", json!({"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 5})),
        ("livenessProbe", json!({"tcpSocket": {"port": 8080}, "failureThreshold": 5})),
        (
            "securityContext",
            json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true}),
        ),
        ("volumeMounts", json!([{"name": "config", "mountPath": "/etc/app", "readOnly": true}])),
        ("envFrom", json!([{"configMapRef": {"name": "env"}}, {"secretRef": {"name": "env", "optional": true}}])),
        ("command", json!(["/app"])),
        ("lifecycle", json!({"preStop": {"exec": {"command": ["sleep", "5"]}}})),
        ("startupProbe", json!({"exec": {"command": ["true"]}, "failureThreshold": 30})),
    ];
    for (field, value) in parts {
        if random.one_in(3) || field == "volumeMounts" && random.one_in(2) {
            container[field] = value;
        }
    }
    let mut spec = json!({"containers": [container], "volumes": [{"name": "config", "configMap": {"name": "c"}}, {"name": "tmp"}]});
    let parts = [
        ("initContainers", json!([{"name": "init", "image": "init"}])),
        ("securityContext", json!({"fsGroup": 1000, "seccompProfile": {"type": "RuntimeDefault"}})),
        ("nodeSelector", json!({"kubernetes.io/os": "linux"})),
        ("tolerations", json!([{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}])),
        ("serviceAccountName", json!("default")),
        ("imagePullSecrets", json!([{"name": "registry"}])),
        ("terminationGracePeriodSeconds", json!(45)),
        (
            "topologySpreadConstraints",
            json!([{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"app": "a"}}}]),
        ),
        (
            "affinity",
            json!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100,
            "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "a"}}}}]}}),
        ),
        ("dnsConfig", json!({"options": [{"name": "ndots", "value": "2"}]})),
    ];
    for (field, value) in parts {
        if random.one_in(5) {
            spec[field] = value;
        }
    }
    spec
}

/// A change to an object: one that is known to matter, or any.
pub(crate) fn edit(kind: &Kind, object: &Value, random: &mut Random) -> Edit {
    let anywhere = random.one_in(3);
    match kind.schema().filter(|_| anywhere) {
        Some(schema) => at_random(kind, schema, object, random),
        None => telling(kind, random),
    }
}

/// Where the kind has a pod spec.
fn pod_at(kind: &Kind) -> Option<&'static str> {
    Some(match kind.kind {
        "Pod" => "/spec",
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => "/spec/template/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        _ => return None,
    })
}

fn telling(kind: &Kind, random: &mut Random) -> Edit {
    let (prefix, section) = match (pod_at(kind), random.below(10)) {
        (_, 0 | 1) => ("", "metadata"),
        (Some(at), 2..=5) => (at, "pod"),
        (Some(at), _) if kind.kind == "Pod" => (at, "pod"),
        _ => ("", kind.kind),
    };
    let table = EDITS.get_or_init(read_edits);
    let (pointer, values) = random.pick(&table[section]);
    let value = if random.one_in(12) { None } else { Some(random.pick(values).clone()) };
    Edit { pointer: format!("{prefix}{pointer}"), value }
}

type Edits = BTreeMap<&'static str, Vec<(&'static str, Vec<Value>)>>;

static EDITS: OnceLock<Edits> = OnceLock::new();

fn read_edits() -> Edits {
    let mut edits = Edits::new();
    let mut section = "";
    for line in include_str!("edits.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else {
            let (pointer, values) = line.split_once(": ").expect("a place and its values");
            let values = values.split(" | ").map(|value| serde_json::from_str(value).expect("JSON")).collect();
            edits.entry(section).or_default().push((pointer, values));
        }
    }
    edits
}

/// Some value at some place of the schema.
fn at_random(kind: &Kind, schema: Schema, object: &Value, random: &mut Random) -> Edit {
    let mut pointer = String::new();
    let (mut at, mut value) = (schema, Some(object));
    let mut depth = 0;
    loop {
        let (next, key) = match at.ty() {
            Type::Ref(_) => {
                let fields = at.definition().expect("a reference names a definition").fields;
                // Mostly where there is something already.
                let held: Vec<_> = fields.iter().filter(|f| value.is_some_and(|v| v.get(f.name).is_some())).collect();
                let field =
                    if !held.is_empty() && !random.one_in(3) { *random.pick(&held) } else { random.pick(fields) };
                if depth == 0 && field.name == "metadata" && !random.one_in(6) {
                    continue;
                }
                (at.field(field.name).expect("it has the field"), field.name.to_owned())
            }
            Type::List(..) => (at.items().expect("a list has items"), random.below(2).to_string()),
            Type::Map(..) => {
                (at.field("x").expect("a map has values"), (*random.pick(&["a", "app", "cpu", "b c"])).to_owned())
            }
            _ => break,
        };
        pointer = format!("{pointer}/{}", key.replace('/', "~1"));
        value = value.and_then(|v| match v {
            Value::Array(list) => list.get(key.parse::<usize>().ok()?),
            other => other.get(&key),
        });
        at = next;
        depth += 1;
        if depth > 1 && random.one_in(6) {
            break;
        }
    }
    if !kind.below.is_empty() && !pointer.starts_with(kind.below) {
        pointer = kind.below.into();
    }
    let value = if random.one_in(10) { None } else { Some(any(at, random)) };
    Edit { pointer, value }
}

/// A value for a type, mostly one that fits.
fn any(at: Schema, random: &mut Random) -> Value {
    if random.one_in(8) {
        return random
            .pick(&[Value::Null, json!({}), json!([]), json!("x"), json!(1), json!(true), json!(1.5)])
            .clone();
    }
    let text = ["", "a", "a-b", "A_b", "x.y", "true", "10.0.0.1", "/a", "a/b", "http", "Always", "1Gi"];
    match at.ty() {
        Type::String => (*random.pick(&text)).into(),
        Type::Int32 | Type::Int64 => {
            random.pick(&[json!(0), json!(1), json!(-1), json!(80), json!(70_000), json!(5_000_000_000_i64)]).clone()
        }
        Type::Number => json!(0.5),
        Type::Boolean => random.one_in(2).into(),
        Type::IntOrString => {
            random.pick(&[json!(0), json!(1), json!("http"), json!("50%"), json!(-1), json!(70_000)]).clone()
        }
        Type::Quantity => random
            .pick(&[json!("1"), json!("100m"), json!("1Gi"), json!("-1"), json!("x"), json!(2), json!("1.5")])
            .clone(),
        Type::Time | Type::MicroTime => random.pick(&[json!("2026-01-01T00:00:00Z"), json!("x")]).clone(),
        Type::Bytes => random.pick(&[json!("AA=="), json!("!")]).clone(),
        Type::List(..) => random.pick(&[json!([]), json!([null]), json!(["a"]), json!([{}])]).clone(),
        Type::Map(..) => random.pick(&[json!({}), json!({"a": "b"}), json!({"a": null}), json!({"cpu": "1"})]).clone(),
        Type::Ref(_) | Type::Any => json!({}),
    }
}

/// A strategic merge patch that uses directives.
pub(crate) fn strategic(kind: &Kind, random: &mut Random) -> Option<Value> {
    let pod = pod_at(kind)?;
    let patches = [
        json!({"containers": [{"name": "app", "$patch": "delete"}]}),
        json!({"containers": [{"name": "side", "image": "side:1"}]}),
        json!({"containers": [{"name": "app", "image": "app:2", "env": [{"name": "C", "value": "3"}, {"name": "A", "$patch": "delete"}]}]}),
        json!({"containers": [{"image": "nameless"}]}),
        json!({"$setElementOrder/containers": [{"name": "side"}, {"name": "app"}], "containers": [{"name": "side", "image": "side:1"}]}),
        json!({"volumes": [{"name": "config", "$retainKeys": ["name", "emptyDir"], "emptyDir": {}}]}),
        json!({"volumes": [{"$patch": "replace"}, {"name": "config", "emptyDir": {}}]}),
        json!({"$patch": "replace", "containers": [{"name": "only", "image": "only"}], "restartPolicy": "Never"}),
        json!({"$patch": "nonsense"}),
        json!({"containers": [{"name": "app", "ports": [{"containerPort": 9090}]}]}),
        json!({"nodeSelector": {"$patch": "delete"}}),
        json!({"tolerations": [{"key": "x", "operator": "Exists"}]}),
    ];
    let mut patch = json!({});
    Edit { pointer: pod.into(), value: Some(random.pick(&patches).clone()) }.apply(&mut patch);
    Some(patch)
}

/// A status to write.
pub(crate) fn status(kind: &Kind, random: &mut Random) -> Value {
    let specific = match kind.kind {
        "Deployment" => {
            json!({"replicas": 1, "observedGeneration": 1, "conditions": [{"type": "Available", "status": "True"}]})
        }
        "Job" => json!({"active": 1}),
        "Service" => json!({"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}),
        "Ingress" => json!({"loadBalancer": {"ingress": [{"hostname": "a.example.com"}]}}),
        "PersistentVolumeClaim" => json!({"phase": "Bound"}),
        "Pod" => json!({"phase": "Running", "podIP": "10.0.0.5"}),
        _ => json!({"phase": "x", "replicas": 2}),
    };
    random.pick(&[specific, json!({}), Value::Null, json!("x")]).clone()
}
