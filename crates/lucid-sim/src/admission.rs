//! The admission plugins that a deployment meets: namespace lifecycle, service accounts, storage class, priority.
//!
//! [`limits`] are LimitRanges, [`pod_security`] is what namespaces demand of pods, [`policy`] the policies that users write in CEL.

pub(crate) mod limits;
pub(crate) mod pod_security;
pub(crate) mod policy;

use serde_json::{Value, json};

use crate::controllers::quota;
use crate::error::{ApiError, Cause};
use crate::json::{Json, JsonMut};
use crate::kinds::{Kind, Table};
use crate::world::World;

/// Nothing is created in a namespace that is missing or on its way out.
pub(crate) fn namespace_is_open(world: &World, kind: &Kind, namespace: &str, name: &str) -> Result<(), ApiError> {
    if !kind.namespaced {
        return Ok(());
    }
    let about = crate::error::About { group: "", plural: "namespaces", kind: "Namespace" };
    let Some(found) = world.store.get(Table::NAMESPACES, "", namespace) else {
        return Err(ApiError::not_found(about, namespace));
    };
    if found.is_deleting() {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let cause = Cause::new(
            "NamespaceTerminating",
            "metadata.namespace",
            format!("namespace {namespace} is being terminated"),
        );
        return Err(ApiError::forbidden(kind.about(), name, &why).with_cause(cause));
    }
    Ok(())
}

/// What an object is called before its name has been generated.
fn shown_name(object: &Value) -> &str {
    if object.name().is_empty() { object.str("metadata/generateName") } else { object.name() }
}

/// What admission adds. An update goes through it too, unless it is one of a subresource.
pub(crate) fn mutate(
    world: &mut World,
    kind: &Kind,
    object: &mut Value,
    old: Option<&Value>,
    subresource: bool,
) -> Result<(), ApiError> {
    if let Some(old) = old {
        if kind.table == Table::PODS && !subresource {
            tolerations(object);
            for field in ["spec/priority", "spec/preemptionPolicy"].into_iter().filter(|field| old.has(field)) {
                object.default_to(field, old.at(field).clone());
            }
        }
        return Ok(());
    }
    namespace_is_open(world, kind, object.namespace(), shown_name(object))?;
    match kind.table {
        Table::PODS => {
            service_account(world, kind, object)?;
            limits::mutate(world, kind, object);
            priority(world, kind, object)?;
            tolerations(object);
            runtime_class(world, kind, object)
        }
        Table::CLAIMS => {
            default_class(world, object);
            object.put("metadata/finalizers", json!(["kubernetes.io/pvc-protection"]));
            Ok(())
        }
        Table::VOLUMES => {
            object.put("metadata/finalizers", json!(["kubernetes.io/pv-protection"]));
            Ok(())
        }
        _ => Ok(()),
    }
}

pub(crate) fn validate(world: &World, kind: &Kind, object: &Value, old: Option<&Value>) -> Result<(), ApiError> {
    if old.is_none_or(|old| old.at("metadata/labels") != object.at("metadata/labels")) {
        pod_security::labels(kind, object)?;
    }
    if old.is_some() || !kind.namespaced {
        return Ok(());
    }
    limits::validate(world, kind, object)?;
    pod_security::admit(world, kind, object)?;
    quota::admit(world, kind, object)
}

fn service_account(world: &mut World, kind: &Kind, pod: &mut Value) -> Result<(), ApiError> {
    pod.default_to("spec/serviceAccountName", "default");
    let name = pod.str("spec/serviceAccountName").to_owned();
    pod.put("spec/serviceAccount", name.clone());
    let Some(account) = world.get(Table::SERVICE_ACCOUNTS, pod.namespace(), &name) else {
        let why =
            format!("error looking up service account {}/{name}: serviceaccount \"{name}\" not found", pod.namespace());
        return Err(ApiError::forbidden(kind.about(), shown_name(pod), &why));
    };
    let mount = pod.at("spec/automountServiceAccountToken").as_bool();
    let mount = mount.or_else(|| account.at("automountServiceAccountToken").as_bool()).unwrap_or(true);
    if pod.list("spec/imagePullSecrets").is_empty() && !account.list("imagePullSecrets").is_empty() {
        let secrets = account.at("imagePullSecrets").clone();
        pod.put("spec/imagePullSecrets", secrets);
    }
    if mount {
        let volume = format!("kube-api-access-{}", world.chooser.suffix(5));
        mount_token(pod, &volume);
    }
    Ok(())
}

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

fn mount_token(pod: &mut Value, volume: &str) {
    let sources = json!([
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
    ]);
    let mut wanted = false;
    for list in ["spec/initContainers", "spec/containers"] {
        for container in pod.items(list) {
            if container.list("volumeMounts").iter().any(|mount| mount.str("mountPath") == TOKEN_PATH) {
                continue;
            }
            wanted = true;
            push(container, "volumeMounts", json!({"name": volume, "readOnly": true, "mountPath": TOKEN_PATH}));
        }
    }
    if wanted {
        push(pod, "spec/volumes", json!({"name": volume, "projected": {"defaultMode": 420, "sources": sources}}));
    }
}

fn push(value: &mut Value, path: &str, item: Value) {
    let list = value.entry(path);
    match list.as_array_mut() {
        Some(list) => list.push(item),
        None => *list = json!([item]),
    }
}

fn priority(world: &World, kind: &Kind, pod: &mut Value) -> Result<(), ApiError> {
    let class = pod.str("spec/priorityClassName").to_owned();
    if class.is_empty() {
        let default = world.store.list(Table::PRIORITY_CLASSES).find(|class| class.flag("globalDefault"));
        set_priority(kind, pod, default.map_or(&Value::Null, |class| class))
    } else {
        let Some(found) = world.store.get(Table::PRIORITY_CLASSES, "", &class) else {
            let why = format!("no PriorityClass with name {class} was found");
            return Err(ApiError::forbidden(kind.about(), shown_name(pod), &why));
        };
        set_priority(kind, pod, found)
    }
}

/// Priority and preemption are the class's; a pod that says them itself must say the same.
fn set_priority(kind: &Kind, pod: &mut Value, class: &Value) -> Result<(), ApiError> {
    let policy = if class.has("preemptionPolicy") { class.str("preemptionPolicy") } else { "PreemptLowerPriority" };
    let value = class.int("value");
    let refuse = |what: String| {
        let why = format!("{what} from the given PriorityClass name");
        Err(ApiError::forbidden(kind.about(), shown_name(pod), &why))
    };
    let computed = "must not be provided in pod spec; priority admission controller computed";
    if let Some(given) = pod.at("spec/priority").as_i64().filter(|given| *given != value) {
        return refuse(format!("the integer value of priority ({given}) {computed} {value}"));
    }
    if let Some(given) = pod.at("spec/preemptionPolicy").as_str().filter(|given| *given != policy) {
        return refuse(format!("the string value of PreemptionPolicy ({given}) {computed} {policy}"));
    }
    pod.put("spec/priority", value);
    pod.put("spec/preemptionPolicy", policy);
    Ok(())
}

fn runtime_class(world: &World, kind: &Kind, pod: &Value) -> Result<(), ApiError> {
    let Some(name) = pod.at("spec/runtimeClassName").as_str() else { return Ok(()) };
    let classes = world.kinds.by_kind("node.k8s.io/v1", "RuntimeClass");
    if classes.is_some_and(|classes| world.store.get(classes.table, "", name).is_some()) {
        return Ok(());
    }
    let why = format!("pod rejected: RuntimeClass \"{name}\" not found");
    Err(ApiError::forbidden(kind.about(), shown_name(pod), &why))
}

/// Every pod tolerates a node that is lost for five minutes.
fn tolerations(pod: &mut Value) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let covers =
            |t: &Value| (t.str("key") == key || t.str("key").is_empty()) && matches!(t.str("effect"), "" | "NoExecute");
        if !pod.list("spec/tolerations").iter().any(covers) {
            let toleration = json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
            push(pod, "spec/tolerations", toleration);
        }
    }
}

fn default_class(world: &World, claim: &mut Value) {
    if claim.at("spec").get("storageClassName").is_some() {
        return;
    }
    let is_default =
        |class: &&std::sync::Arc<Value>| class.annotation("storageclass.kubernetes.io/is-default-class") == "true";
    if let Some(class) = world.store.list(Table::STORAGE_CLASSES).find(is_default) {
        claim.put("spec/storageClassName", class.name());
    }
}
