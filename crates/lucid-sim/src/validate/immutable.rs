//! Fields that cannot change once an object is there.

use serde_json::Value;

use crate::error::Cause;
use crate::json::Json;
use crate::kinds::Kind;

pub(crate) fn check(kind: &Kind, old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "Deployment" | "ReplicaSet" | "DaemonSet") => fixed(old, new, &["spec/selector"], &mut causes),
        ("apps", "StatefulSet") => stateful_set(old, new, &mut causes),
        ("batch", "Job") => {
            let paths = [
                "spec/completions",
                "spec/selector",
                "spec/template",
                "spec/completionMode",
                "spec/backoffLimitPerIndex",
            ];
            fixed(old, new, &paths, &mut causes);
        }
        ("", "ConfigMap" | "Secret") => {
            if kind.kind == "Secret" && old.at("type") != new.at("type") {
                causes.push(Cause::invalid("type", new.at("type"), "field is immutable"));
            }
            sealed(old, new, &mut causes);
        }
        ("", "PersistentVolumeClaim") => claim(old, new, &mut causes),
        ("", "Service") => service(old, new, &mut causes),
        ("", "Pod") => pod(old, new, &mut causes),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding")
            if old.at("roleRef") != new.at("roleRef") =>
        {
            causes.push(Cause::invalid("roleRef", new.at("roleRef"), "cannot change roleRef"));
        }
        ("storage.k8s.io", "StorageClass") => {
            for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
                if old.at(field) != new.at(field) {
                    causes.push(Cause::forbidden(field, &format!("updates to {field} are forbidden.")));
                }
            }
        }
        _ => {}
    }
    causes
}

fn fixed(old: &Value, new: &Value, paths: &[&str], causes: &mut Vec<Cause>) {
    for path in paths.iter().filter(|path| old.at(path) != new.at(path)) {
        causes.push(Cause::invalid(path.replace('/', "."), new.at(path), "field is immutable"));
    }
}

/// Everything but a short list is fixed.
fn stateful_set(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    const OPEN: [&str; 8] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
        "podManagementPolicy_",
    ];
    let rest = |object: &Value| -> Vec<(String, Value)> {
        let fields = object.map("spec").into_iter().flatten();
        fields.filter(|(key, _)| !OPEN.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    if rest(old) != rest(new) {
        let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
        causes.push(Cause::forbidden("spec", detail));
    }
}

fn sealed(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    if !old.flag("immutable") {
        return;
    }
    if !new.flag("immutable") {
        causes.push(Cause::forbidden("immutable", "field is immutable when `immutable` is set"));
    }
    for field in ["data", "binaryData"] {
        if old.at(field) != new.at(field) {
            causes.push(Cause::forbidden(field, "field is immutable when `immutable` is set"));
        }
    }
}

fn claim(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let rest = |object: &Value| {
        let mut spec = object.at("spec").clone();
        if let Some(map) = spec.as_object_mut() {
            map.remove("resources");
            map.remove("volumeAttributesClassName");
            map.remove("volumeName");
        }
        spec
    };
    let bound_elsewhere = old.has("spec/volumeName") && old.at("spec/volumeName") != new.at("spec/volumeName");
    if rest(old) != rest(new) || bound_elsewhere {
        let detail =
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        causes.push(Cause::forbidden("spec", detail));
    }
    let size = |object: &Value| lucid_object::Quantity::parse(object.str("spec/resources/requests/storage"));
    if let (Some(before), Some(after)) = (size(old), size(new))
        && after < before
    {
        let detail = "field can not be less than status.capacity";
        causes.push(Cause::forbidden("spec.resources.requests.storage", detail));
    }
}

fn service(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let external = |object: &Value| object.str("spec/type") == "ExternalName";
    if external(old) || external(new) {
        return;
    }
    if old.at("spec/clusterIP") != new.at("spec/clusterIP") {
        causes.push(Cause::invalid("spec.clusterIPs[0]", new.at("spec/clusterIPs"), "may not change once set"));
    }
}

fn pod(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let rest = |object: &Value| {
        let mut spec = object.at("spec").clone();
        for list in ["containers", "initContainers"] {
            for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                container.as_object_mut().map(|map| map.remove("image"));
            }
        }
        if let Some(map) = spec.as_object_mut() {
            for open in
                ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName", "schedulingGates"]
            {
                map.remove(open);
            }
        }
        spec
    };
    if rest(old) != rest(new) {
        let detail = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        causes.push(Cause::forbidden("spec", detail));
    }
}
