//! The columns of the built-in kinds.

use serde_json::{Value, json};

use super::{Column, Row, age, pod};
use crate::json::Json;

type Cell = fn(&Row<'_>) -> Value;

const fn text(name: &'static str, cell: Cell) -> Column {
    Column { name, of: "string", wide: false, cell }
}

const fn count(name: &'static str, cell: Cell) -> Column {
    Column { name, of: "integer", wide: false, cell }
}

const fn flag(name: &'static str, cell: Cell) -> Column {
    Column { name, of: "boolean", wide: false, cell }
}

const fn wide(name: &'static str, cell: Cell) -> Column {
    Column { name, of: "string", wide: true, cell }
}

const NAME: Column = text("Name", |row| row.object.name().into());
const AGE: Column = text("Age", |row| since(row, "metadata/creationTimestamp"));
const CONTAINERS: Column = wide("Containers", |row| template(row, "name"));
const IMAGES: Column = wide("Images", |row| template(row, "image"));
const SELECTOR: Column = wide("Selector", |row| selector(row.object.at("spec/selector")));

static POD: &[Column] = &[
    NAME,
    text("Ready", pod::ready),
    text("Status", pod::status),
    text("Restarts", pod::restarts),
    AGE,
    wide("IP", |row| row.object.list("status/podIPs").first().map_or("<none>", |ip| ip.str("ip")).into()),
    wide("Node", |row| or_none(row.object.str("spec/nodeName"))),
    wide("Nominated Node", |row| or_none(row.object.str("status/nominatedNodeName"))),
    wide("Readiness Gates", pod::gates),
];
static POD_TEMPLATE: &[Column] = &[
    NAME,
    text("Containers", |row| joined(row.object.list("template/spec/containers"), "name")),
    text("Images", |row| joined(row.object.list("template/spec/containers"), "image")),
    text("Pod Labels", |row| labels(row.object.at("template/metadata/labels"))),
];
static BUDGET: &[Column] = &[
    NAME,
    text("Min Available", |row| or(row.object.at("spec/minAvailable"), "N/A")),
    text("Max Unavailable", |row| or(row.object.at("spec/maxUnavailable"), "N/A")),
    count("Allowed Disruptions", |row| row.object.int("status/disruptionsAllowed").into()),
    AGE,
];
static REPLICA_SET: &[Column] = &[
    NAME,
    count("Desired", |row| row.object.int("spec/replicas").into()),
    count("Current", |row| row.object.int("status/replicas").into()),
    count("Ready", |row| row.object.int("status/readyReplicas").into()),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
static REPLICATION_CONTROLLER: &[Column] = &[
    NAME,
    count("Desired", |row| row.object.int("spec/replicas").into()),
    count("Current", |row| row.object.int("status/replicas").into()),
    count("Ready", |row| row.object.int("status/readyReplicas").into()),
    AGE,
    CONTAINERS,
    IMAGES,
    wide("Selector", |row| labels(row.object.at("spec/selector"))),
];
static DAEMON_SET: &[Column] = &[
    NAME,
    count("Desired", |row| row.object.int("status/desiredNumberScheduled").into()),
    count("Current", |row| row.object.int("status/currentNumberScheduled").into()),
    count("Ready", |row| row.object.int("status/numberReady").into()),
    count("Up-to-date", |row| row.object.int("status/updatedNumberScheduled").into()),
    count("Available", |row| row.object.int("status/numberAvailable").into()),
    text("Node Selector", |row| labels(row.object.at("spec/template/spec/nodeSelector"))),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
static JOB: &[Column] = &[
    NAME,
    text("Status", job_status),
    text("Completions", job_completions),
    text("Duration", job_duration),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
static CRON_JOB: &[Column] = &[
    NAME,
    text("Schedule", |row| row.object.str("spec/schedule").into()),
    text("Timezone", |row| or(row.object.at("spec/timeZone"), "<none>")),
    flag("Suspend", |row| match row.object.at("spec/suspend").as_bool() {
        Some(true) => "True".into(),
        Some(false) => "False".into(),
        None => "<unset>".into(),
    }),
    count("Active", |row| row.object.list("status/active").len().into()),
    text("Last Schedule", |row| match row.object.has("status/lastScheduleTime") {
        true => since(row, "status/lastScheduleTime"),
        false => "<none>".into(),
    }),
    AGE,
    wide("Containers", |row| joined(row.object.list("spec/jobTemplate/spec/template/spec/containers"), "name")),
    wide("Images", |row| joined(row.object.list("spec/jobTemplate/spec/template/spec/containers"), "image")),
    wide("Selector", |row| selector(row.object.at("spec/jobTemplate/spec/selector"))),
];
static SERVICE: &[Column] = &[
    NAME,
    text("Type", |row| row.object.str("spec/type").into()),
    text("Cluster-IP", |row| row.object.list("spec/clusterIPs").first().map_or("<none>".into(), Value::clone)),
    text("External-IP", external),
    text("Port(s)", service_ports),
    AGE,
    wide("Selector", |row| labels(row.object.at("spec/selector"))),
];
static INGRESS: &[Column] = &[
    NAME,
    text("Class", |row| or(row.object.at("spec/ingressClassName"), "<none>")),
    text("Hosts", hosts),
    text("Address", |row| balancer(row.object).into()),
    text("Ports", |row| if row.object.list("spec/tls").is_empty() { "80".into() } else { "80, 443".into() }),
    AGE,
];
static INGRESS_CLASS: &[Column] = &[
    NAME,
    text("Controller", |row| row.object.str("spec/controller").into()),
    text("Parameters", |row| {
        let parameters = row.object.at("spec/parameters");
        let kind = match parameters.str("apiGroup") {
            "" => parameters.str("kind").to_owned(),
            group => format!("{}.{group}", parameters.str("kind")),
        };
        if parameters.is_null() { "<none>".into() } else { format!("{kind}/{}", parameters.str("name")).into() }
    }),
    AGE,
];
static STATEFUL_SET: &[Column] = &[
    NAME,
    text("Ready", |row| {
        format!("{}/{}", row.object.int("status/readyReplicas"), row.object.int("spec/replicas")).into()
    }),
    AGE,
    CONTAINERS,
    IMAGES,
];
static ENDPOINTS: &[Column] = &[NAME, text("Endpoints", endpoints), AGE];
static ENDPOINT_SLICE: &[Column] = &[
    NAME,
    text("AddressType", |row| row.object.str("addressType").into()),
    text("Ports", |row| {
        let port = |port: &Value| match port.at("port") {
            Value::Null if port.has("name") => port.str("name").to_owned(),
            Value::Null => "*".into(),
            number => number.to_string(),
        };
        few(row.object.list("ports").iter().map(port).collect())
    }),
    text("Endpoints", |row| {
        let all = row.object.list("endpoints").iter().flat_map(|endpoint| endpoint.list("addresses"));
        few(all.filter_map(|address| address.as_str().map(str::to_owned)).collect())
    }),
    AGE,
];
static NODE: &[Column] = &[
    NAME,
    text("Status", node_status),
    text("Roles", node_roles),
    AGE,
    text("Version", |row| row.object.str("status/nodeInfo/kubeletVersion").into()),
    wide("Internal-IP", |row| node_address(row.object, "InternalIP")),
    wide("External-IP", |row| node_address(row.object, "ExternalIP")),
    wide("OS-Image", |row| or(row.object.at("status/nodeInfo/osImage"), "<unknown>")),
    wide("Kernel-Version", |row| {
        let info = row.object.at("status/nodeInfo");
        format!("{} ({})", info.str("kernelVersion"), info.str("architecture")).into()
    }),
    wide("Container-Runtime", |row| or(row.object.at("status/nodeInfo/containerRuntimeVersion"), "<unknown>")),
];
static EVENT: &[Column] = &[
    text("Last Seen", last_seen),
    text("Type", |row| row.object.str("type").into()),
    text("Reason", |row| row.object.str("reason").into()),
    text("Object", |row| {
        let about = row.object.at("involvedObject");
        format!("{}/{}", about.str("kind").to_lowercase(), about.str("name")).trim_end_matches('/').into()
    }),
    wide("Subobject", |row| row.object.str("involvedObject/fieldPath").into()),
    wide("Source", |row| {
        let source = row.object.at("source");
        let component =
            if source.has("component") { source.str("component") } else { row.object.str("reportingComponent") };
        let host = if source.has("host") { source.str("host") } else { row.object.str("reportingInstance") };
        if host.is_empty() { component.into() } else { format!("{component}, {host}").into() }
    }),
    text("Message", |row| row.object.str("message").trim().into()),
    wide("First Seen", first_seen),
    wide("Count", |row| {
        let series = row.object.int("series/count");
        if series > 0 { series.into() } else { row.object.int("count").max(1).into() }
    }),
    wide("Name", |row| row.object.name().into()),
];
static NAMESPACE: &[Column] = &[NAME, text("Status", |row| row.object.str("status/phase").into()), AGE];
static SECRET: &[Column] = &[
    NAME,
    text("Type", |row| row.object.str("type").into()),
    count("Data", |row| row.object.map("data").map_or(0, serde_json::Map::len).into()),
    AGE,
];
static CONFIG_MAP: &[Column] = &[
    NAME,
    count("Data", |row| {
        let size = |field: &str| row.object.map(field).map_or(0, serde_json::Map::len);
        (size("data") + size("binaryData")).into()
    }),
    AGE,
];
static PLAIN: &[Column] = &[NAME, AGE];
static VOLUME: &[Column] = &[
    NAME,
    text("Capacity", |row| row.object.str("spec/capacity/storage").into()),
    text("Access Modes", |row| modes(row.object.list("spec/accessModes"))),
    text("Reclaim Policy", |row| row.object.str("spec/persistentVolumeReclaimPolicy").into()),
    text("Status", phase),
    text("Claim", |row| match row.object.at("spec/claimRef") {
        Value::Null => "".into(),
        claim => format!("{}/{}", claim.str("namespace"), claim.str("name")).into(),
    }),
    text("StorageClass", |row| row.object.str("spec/storageClassName").into()),
    text("VolumeAttributesClass", |row| or(row.object.at("spec/volumeAttributesClassName"), "<unset>")),
    text("Reason", |row| row.object.str("status/reason").into()),
    AGE,
    wide("VolumeMode", |row| or(row.object.at("spec/volumeMode"), "<unset>")),
];
static CLAIM: &[Column] = &[
    NAME,
    text("Status", phase),
    text("Volume", |row| row.object.str("spec/volumeName").into()),
    text("Capacity", |row| bound(row, |row| row.object.str("status/capacity/storage").into())),
    text("Access Modes", |row| bound(row, |row| modes(row.object.list("status/accessModes")))),
    text("StorageClass", |row| row.object.str("spec/storageClassName").into()),
    text("VolumeAttributesClass", |row| or(row.object.at("spec/volumeAttributesClassName"), "<unset>")),
    AGE,
    wide("VolumeMode", |row| or(row.object.at("spec/volumeMode"), "<unset>")),
];
static DEPLOYMENT: &[Column] = &[
    NAME,
    text("Ready", |row| {
        format!("{}/{}", row.object.int("status/readyReplicas"), row.object.int("spec/replicas")).into()
    }),
    text("Up-to-date", |row| row.object.int("status/updatedReplicas").into()),
    text("Available", |row| row.object.int("status/availableReplicas").into()),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
static AUTOSCALER: &[Column] = &[
    NAME,
    text("Reference", |row| {
        let target = row.object.at("spec/scaleTargetRef");
        format!("{}/{}", target.str("kind"), target.str("name")).into()
    }),
    text("Targets", metrics),
    text("MinPods", |row| or(row.object.at("spec/minReplicas"), "<unset>")),
    text("MaxPods", |row| row.object.int("spec/maxReplicas").into()),
    text("Replicas", |row| row.object.int("status/currentReplicas").into()),
    AGE,
];
static NETWORK_POLICY: &[Column] =
    &[NAME, text("Pod-Selector", |row| selector(row.object.at("spec/podSelector"))), AGE];
static ROLE_BINDING: &[Column] = &[
    NAME,
    text("Role", |row| format!("{}/{}", row.object.str("roleRef/kind"), row.object.str("roleRef/name")).into()),
    AGE,
    wide("Users", |row| subjects(row.object, "User")),
    wide("Groups", |row| subjects(row.object, "Group")),
    wide("ServiceAccounts", |row| subjects(row.object, "ServiceAccount")),
];
static LEASE: &[Column] = &[NAME, text("Holder", |row| row.object.str("spec/holderIdentity").into()), AGE];
static STORAGE_CLASS: &[Column] = &[
    text("Name", |row| {
        let default = row.object.annotation("storageclass.kubernetes.io/is-default-class") == "true";
        format!("{}{}", row.object.name(), if default { " (default)" } else { "" }).into()
    }),
    text("Provisioner", |row| row.object.str("provisioner").into()),
    text("ReclaimPolicy", |row| or(row.object.at("reclaimPolicy"), "Delete")),
    text("VolumeBindingMode", |row| or(row.object.at("volumeBindingMode"), "Immediate")),
    text("AllowVolumeExpansion", |row| row.object.flag("allowVolumeExpansion").into()),
    AGE,
];
static CONTROLLER_REVISION: &[Column] = &[
    NAME,
    text("Controller", |row| match row.object.controller() {
        Some(owner) => {
            let group =
                owner.str("apiVersion").rsplit_once('/').map_or(String::new(), |(group, _)| format!(".{group}"));
            format!("{}{group}/{}", owner.str("kind").to_lowercase(), owner.str("name")).into()
        }
        None => "<none>".into(),
    }),
    text("Revision", |row| row.object.int("revision").into()),
    AGE,
];
static QUOTA: &[Column] =
    &[NAME, text("Request", |row| quota(row.object, false)), text("Limit", |row| quota(row.object, true)), AGE];
static PRIORITY_CLASS: &[Column] = &[
    NAME,
    count("Value", |row| row.object.int("value").into()),
    flag("Global-Default", |row| row.object.flag("globalDefault").into()),
    AGE,
    text("PreemptionPolicy", |row| row.object.str("preemptionPolicy").into()),
];
static RUNTIME_CLASS: &[Column] = &[NAME, text("Handler", |row| row.object.str("handler").into()), AGE];
static WEBHOOKS: &[Column] = &[NAME, count("Webhooks", |row| row.object.list("webhooks").len().into()), AGE];
static VALIDATING_POLICY: &[Column] = &[
    NAME,
    count("Validations", |row| row.object.list("spec/validations").len().into()),
    text("ParamKind", parameter_kind),
    AGE,
];
static MUTATING_POLICY: &[Column] = &[
    NAME,
    count("Mutations", |row| row.object.list("spec/mutations").len().into()),
    text("ParamKind", parameter_kind),
    AGE,
];
static POLICY_BINDING: &[Column] = &[
    NAME,
    text("PolicyName", |row| row.object.str("spec/policyName").into()),
    text("ParamRef", |row| match row.object.at("spec/paramRef") {
        Value::Null => "<unset>".into(),
        reference if reference.str("namespace").is_empty() => reference.str("name").into(),
        reference => format!("{}/{}", reference.str("namespace"), reference.str("name")).into(),
    }),
    AGE,
];
static FLOW_SCHEMA: &[Column] = &[
    NAME,
    text("PriorityLevel", |row| row.object.str("spec/priorityLevelConfiguration/name").into()),
    text("MatchingPrecedence", |row| row.object.int("spec/matchingPrecedence").into()),
    text("DistinguisherMethod", |row| or(row.object.at("spec/distinguisherMethod/type"), "<none>")),
    AGE,
    text("MissingPL", |row| match row.object.condition("Dangling") {
        "" => "?".into(),
        status => status.into(),
    }),
];
static PRIORITY_LEVEL: &[Column] = &[
    NAME,
    text("Type", |row| row.object.str("spec/type").into()),
    text("NominalConcurrencyShares", |row| or(row.object.at("spec/limited/nominalConcurrencyShares"), "<none>")),
    text("Queues", |row| or(row.object.at("spec/limited/limitResponse/queuing/queues"), "<none>")),
    text("HandSize", |row| or(row.object.at("spec/limited/limitResponse/queuing/handSize"), "<none>")),
    text("QueueLengthLimit", |row| or(row.object.at("spec/limited/limitResponse/queuing/queueLengthLimit"), "<none>")),
    AGE,
];
static SERVICE_CIDR: &[Column] = &[
    NAME,
    text("CIDRs", |row| {
        let all = row.object.list("spec/cidrs").iter().filter_map(Value::as_str);
        all.collect::<Vec<_>>().join(",").into()
    }),
    AGE,
];
static MIGRATION: &[Column] = &[
    NAME,
    text("Resource", |row| {
        let of = row.object.at("spec/resource");
        if of.str("group").is_empty() {
            of.str("resource").into()
        } else {
            format!("{}.{}", of.str("resource"), of.str("group")).into()
        }
    }),
    text("Status", |row| {
        let held = |kind: &&str| row.object.condition(kind) == "True";
        ["Succeeded", "Failed", "Running"].into_iter().find(held).unwrap_or("").into()
    }),
];

/// The columns of a kind; empty where the server has none of its own.
pub(super) fn of(group: &str, kind: &str) -> &'static [Column] {
    match (group, kind) {
        ("", "Pod") => POD,
        ("", "PodTemplate") => POD_TEMPLATE,
        ("policy", "PodDisruptionBudget") => BUDGET,
        ("", "ReplicationController") => REPLICATION_CONTROLLER,
        ("apps", "ReplicaSet") => REPLICA_SET,
        ("apps", "DaemonSet") => DAEMON_SET,
        ("apps", "Deployment") => DEPLOYMENT,
        ("apps", "StatefulSet") => STATEFUL_SET,
        ("apps", "ControllerRevision") => CONTROLLER_REVISION,
        ("batch", "Job") => JOB,
        ("batch", "CronJob") => CRON_JOB,
        ("autoscaling", "HorizontalPodAutoscaler") => AUTOSCALER,
        ("", "Service") => SERVICE,
        ("", "Endpoints") => ENDPOINTS,
        ("discovery.k8s.io", "EndpointSlice") => ENDPOINT_SLICE,
        ("networking.k8s.io", "Ingress") => INGRESS,
        ("networking.k8s.io", "IngressClass") => INGRESS_CLASS,
        ("networking.k8s.io", "NetworkPolicy") => NETWORK_POLICY,
        ("networking.k8s.io", "ServiceCIDR") => SERVICE_CIDR,
        ("", "Node") => NODE,
        ("" | "events.k8s.io", "Event") => EVENT,
        ("", "Namespace") => NAMESPACE,
        ("", "Secret") => SECRET,
        ("", "ConfigMap") => CONFIG_MAP,
        ("", "ServiceAccount") => PLAIN,
        ("", "PersistentVolume") => VOLUME,
        ("", "PersistentVolumeClaim") => CLAIM,
        ("", "ResourceQuota") => QUOTA,
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => ROLE_BINDING,
        ("coordination.k8s.io", "Lease") => LEASE,
        ("storage.k8s.io", "StorageClass") => STORAGE_CLASS,
        ("scheduling.k8s.io", "PriorityClass") => PRIORITY_CLASS,
        ("node.k8s.io", "RuntimeClass") => RUNTIME_CLASS,
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => WEBHOOKS,
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => VALIDATING_POLICY,
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy") => MUTATING_POLICY,
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding") => {
            POLICY_BINDING
        }
        ("flowcontrol.apiserver.k8s.io", "FlowSchema") => FLOW_SCHEMA,
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration") => PRIORITY_LEVEL,
        ("storagemigration.k8s.io", "StorageVersionMigration") => MIGRATION,
        _ => &[],
    }
}

fn since(row: &Row<'_>, path: &str) -> Value {
    age::since(row.object.str(path), row.now).into()
}

fn or(value: &Value, otherwise: &str) -> Value {
    match value {
        Value::Null => otherwise.into(),
        Value::String(text) => text.clone().into(),
        other => other.to_string().into(),
    }
}

fn or_none(text: &str) -> Value {
    if text.is_empty() { "<none>".into() } else { text.into() }
}

fn joined(items: &[Value], field: &str) -> Value {
    items.iter().map(|item| item.str(field)).collect::<Vec<_>>().join(",").into()
}

fn template(row: &Row<'_>, field: &str) -> Value {
    joined(row.object.list("spec/template/spec/containers"), field)
}

fn labels(map: &Value) -> Value {
    let pairs = map.as_object().into_iter().flatten();
    let text: Vec<String> = pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or(""))).collect();
    or_none(&text.join(","))
}

/// A label selector as one line.
fn selector(selector: &Value) -> Value {
    if selector.is_null() {
        return "<none>".into();
    }
    let pairs = selector.map("matchLabels").into_iter().flatten();
    let mut parts: Vec<String> = pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or(""))).collect();
    for expression in selector.list("matchExpressions") {
        let key = expression.str("key");
        let values: Vec<&str> = expression.list("values").iter().filter_map(Value::as_str).collect();
        parts.push(match expression.str("operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        });
    }
    or_none(&parts.join(","))
}

/// Three of a list, and how many more there are.
fn few(all: Vec<String>) -> Value {
    const MOST: usize = 3;
    match all.len() {
        0 => "<unset>".into(),
        n if n > MOST => format!("{} + {} more...", all[..MOST].join(","), n - MOST).into(),
        _ => all.join(",").into(),
    }
}

fn job_status(row: &Row<'_>) -> Value {
    let held = |kind: &str| row.object.condition(kind) == "True";
    let status = match () {
        () if held("Complete") => "Complete",
        () if held("Failed") => "Failed",
        () if row.object.is_deleting() => "Terminating",
        () if held("Suspended") => "Suspended",
        () if held("FailureTarget") => "FailureTarget",
        () if held("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    };
    status.into()
}

fn job_completions(row: &Row<'_>) -> Value {
    let (done, parallelism) = (row.object.int("status/succeeded"), row.object.int("spec/parallelism"));
    match row.object.at("spec/completions").as_i64() {
        Some(wanted) => format!("{done}/{wanted}").into(),
        None if parallelism > 1 => format!("{done}/1 of {parallelism}").into(),
        None => format!("{done}/1").into(),
    }
}

fn job_duration(row: &Row<'_>) -> Value {
    let at = |path: &str| crate::time::parse_seconds(row.object.str(path));
    match (at("status/startTime"), at("status/completionTime")) {
        (None, _) => "".into(),
        (Some(begun), end) => age::human(end.unwrap_or(row.now) - begun).into(),
    }
}

fn balancer(object: &Value) -> String {
    let ingress = object.list("status/loadBalancer/ingress").iter();
    let address = |one: &Value| if one.has("ip") { one.str("ip").to_owned() } else { one.str("hostname").to_owned() };
    ingress.map(address).collect::<Vec<_>>().join(",")
}

fn external(row: &Row<'_>) -> Value {
    let own: Vec<&str> = row.object.list("spec/externalIPs").iter().filter_map(Value::as_str).collect();
    match row.object.str("spec/type") {
        "ExternalName" => row.object.str("spec/externalName").into(),
        "LoadBalancer" => {
            let all = [balancer(row.object), own.join(",")];
            let all: Vec<&str> = all.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
            if all.is_empty() { "<pending>".into() } else { all.join(",").into() }
        }
        _ => or_none(&own.join(",")),
    }
}

fn service_ports(row: &Row<'_>) -> Value {
    let port = |port: &Value| match port.int("nodePort") {
        0 => format!("{}/{}", port.int("port"), port.str("protocol")),
        node => format!("{}:{node}/{}", port.int("port"), port.str("protocol")),
    };
    or_none(&row.object.list("spec/ports").iter().map(port).collect::<Vec<_>>().join(","))
}

fn hosts(row: &Row<'_>) -> Value {
    const MOST: usize = 3;
    let rules = row.object.list("spec/rules");
    let named: Vec<&str> =
        rules.iter().take(MOST).map(|rule| rule.str("host")).filter(|host| !host.is_empty()).collect();
    match (named.is_empty(), rules.len()) {
        (true, _) => "*".into(),
        (false, n) if n > MOST => format!("{} + {} more...", named.join(","), n - MOST).into(),
        _ => named.join(",").into(),
    }
}

fn endpoints(row: &Row<'_>) -> Value {
    let mut all = Vec::new();
    for subset in row.object.list("subsets") {
        let addresses = || subset.list("addresses").iter().map(|address| address.str("ip"));
        match subset.list("ports") {
            [] => all.extend(addresses().map(str::to_owned)),
            ports => {
                for port in ports {
                    all.extend(addresses().map(|ip| format!("{ip}:{}", port.int("port"))));
                }
            }
        }
    }
    if all.is_empty() { "<none>".into() } else { few(all) }
}

fn node_status(row: &Row<'_>) -> Value {
    let ready = match row.object.condition("Ready") {
        "" => "Unknown",
        "True" => "Ready",
        _ => "NotReady",
    };
    let cordoned = if row.object.flag("spec/unschedulable") { ",SchedulingDisabled" } else { "" };
    format!("{ready}{cordoned}").into()
}

fn node_roles(row: &Row<'_>) -> Value {
    let labels = row.object.labels();
    let role = |(key, value): (&String, &String)| match key.strip_prefix("node-role.kubernetes.io/") {
        Some(role) if !role.is_empty() => Some(role.to_owned()),
        _ if key == "kubernetes.io/role" && !value.is_empty() => Some(value.clone()),
        _ => None,
    };
    or_none(&labels.iter().filter_map(role).collect::<Vec<_>>().join(","))
}

fn node_address(node: &Value, of: &str) -> Value {
    let found = node.list("status/addresses").iter().find(|address| address.str("type") == of);
    found.map_or("<none>", |address| address.str("address")).into()
}

fn first_seen(row: &Row<'_>) -> Value {
    let stamp = if row.object.has("firstTimestamp") { "firstTimestamp" } else { "eventTime" };
    since(row, stamp)
}

fn last_seen(row: &Row<'_>) -> Value {
    match () {
        () if row.object.has("series") => since(row, "series/lastObservedTime"),
        () if row.object.has("lastTimestamp") => since(row, "lastTimestamp"),
        () => first_seen(row),
    }
}

fn phase(row: &Row<'_>) -> Value {
    if row.object.is_deleting() { "Terminating".into() } else { row.object.str("status/phase").into() }
}

fn bound(row: &Row<'_>, cell: Cell) -> Value {
    if row.object.str("spec/volumeName").is_empty() { "".into() } else { cell(row) }
}

fn modes(modes: &[Value]) -> Value {
    let known =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let held = known.iter().filter(|(mode, _)| modes.iter().any(|one| one == mode)).map(|(_, short)| *short);
    held.collect::<Vec<_>>().join(",").into()
}

fn metrics(row: &Row<'_>) -> Value {
    let statuses = row.object.list("status/currentMetrics");
    let one = |(at, spec): (usize, &Value)| {
        let source = match spec.str("type") {
            "Resource" => "resource",
            "ContainerResource" => "containerResource",
            "Pods" => "pods",
            "Object" => "object",
            _ => "external",
        };
        let (target, current) = (spec.at(source).at("target"), statuses.get(at).map(|s| s.at(source).at("current")));
        let field = if target.has("averageValue") {
            "averageValue"
        } else if target.has("averageUtilization") {
            "averageUtilization"
        } else {
            "value"
        };
        let shown = |value: &Value| match (field, value) {
            (_, Value::Null) => "<unknown>".into(),
            ("averageUtilization", value) => format!("{value}%"),
            (_, value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        };
        let current = current.map_or("<unknown>".into(), |current| shown(current.at(field)));
        let name =
            if source.ends_with("esource") { format!("{}: ", spec.at(source).str("name")) } else { String::new() };
        format!("{name}{current}/{}", shown(target.at(field)))
    };
    let all: Vec<String> = row.object.list("spec/metrics").iter().enumerate().map(one).collect();
    match all.len() {
        0 => "<none>".into(),
        n if n > 2 => format!("{} + {} more...", all[..2].join(", "), n - 2).into(),
        _ => all.join(", ").into(),
    }
}

fn subjects(binding: &Value, kind: &str) -> Value {
    let named = binding.list("subjects").iter().filter(|subject| subject.str("kind") == kind);
    let name = |subject: &Value| match kind {
        "ServiceAccount" => format!("{}/{}", subject.str("namespace"), subject.str("name")),
        _ => subject.str("name").to_owned(),
    };
    json!(named.map(name).collect::<Vec<_>>().join(", "))
}

fn quota(quota: &Value, limits: bool) -> Value {
    let hard = quota.map("status/hard").into_iter().flatten();
    let mine = hard.filter(|(resource, _)| resource.starts_with("limits.") == limits);
    let one = |(resource, hard): (&String, &Value)| {
        let used = quota.at("status/used").get(resource).and_then(Value::as_str).unwrap_or("0");
        format!("{resource}: {used}/{}", hard.as_str().unwrap_or(""))
    };
    mine.map(one).collect::<Vec<_>>().join(", ").into()
}

fn parameter_kind(row: &Row<'_>) -> Value {
    match row.object.at("spec/paramKind") {
        Value::Null => "<unset>".into(),
        kind => format!("{}/{}", kind.str("apiVersion"), kind.str("kind")).into(),
    }
}
