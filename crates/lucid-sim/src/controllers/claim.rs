//! PersistentVolumeClaims: bound to a volume that fits, or to one that is provisioned.

use std::sync::Arc;
use std::time::Duration;

use lucid_object::{LabelSelector, Quantity};
use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::delete::DeleteOptions;
use crate::world::{By, World};

const MANAGER: &str = "kube-controller-manager";
const COMPONENT: &str = "persistentvolume-controller";
const PROTECTION: &str = "kubernetes.io/pvc-protection";
const SELECTED: &str = "volume.kubernetes.io/selected-node";

/// How long a class that is missing is waited for between two reports.
const AGAIN: Duration = Duration::from_secs(15);

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let Some(claim) = world.get(Table::CLAIMS, &key.namespace, &key.name) else {
        reclaim(world, key);
        return None;
    };
    if claim.is_deleting() {
        return release(world, &claim);
    }
    match claim.str("status/phase") {
        "Bound" => grow(world, &claim),
        _ if !claim.str("spec/volumeName").is_empty() => bound(world, &claim),
        _ => return find(world, &claim),
    }
    None
}

fn size(value: &Value) -> i128 {
    value.as_str().and_then(Quantity::parse).map_or(0, Quantity::milli)
}

/// An unbound volume of the class that is large enough, the smallest first.
fn fitting(world: &World, claim: &Value) -> Option<Arc<Value>> {
    let selector = LabelSelector::from_value(claim.at("spec/selector")).unwrap_or_default();
    let modes = claim.list("spec/accessModes");
    let fits = |volume: &&Arc<Value>| {
        let reserved = volume.at("spec/claimRef");
        let ours = reserved.is_null()
            || reserved.str("name") == claim.name()
                && reserved.str("namespace") == claim.namespace()
                && matches!(reserved.str("uid"), "") | (reserved.str("uid") == claim.uid());
        ours && !volume.is_deleting()
            && volume.str("spec/storageClassName") == claim.str("spec/storageClassName")
            && volume.str("spec/volumeMode") == claim.str("spec/volumeMode")
            && size(volume.at("spec/capacity/storage")) >= size(claim.at("spec/resources/requests/storage"))
            && modes.iter().all(|mode| volume.list("spec/accessModes").contains(mode))
            && selector.matches(&volume.labels())
    };
    world.store.list(Table::VOLUMES).filter(fits).min_by_key(|volume| size(volume.at("spec/capacity/storage"))).cloned()
}

fn find(world: &mut World, claim: &Value) -> Option<Duration> {
    let class = world.get(Table::STORAGE_CLASSES, "", claim.str("spec/storageClassName"));
    let waits = class.as_ref().is_some_and(|class| class.str("volumeBindingMode") == "WaitForFirstConsumer");
    if waits && claim.annotation(SELECTED).is_empty() {
        let message = "waiting for first consumer to be created before binding";
        world.normal(COMPONENT, claim, "WaitForFirstConsumer", message);
        return None;
    }
    if let Some(volume) = fitting(world, claim) {
        bind(world, claim, volume.name());
        return None;
    }
    let Some(class) = class else {
        let name = claim.str("spec/storageClassName");
        if name.is_empty() {
            let message = "no persistent volumes available for this claim and no storage class is set";
            world.normal(COMPONENT, claim, "FailedBinding", message);
        } else {
            world.warning(
                COMPONENT,
                claim,
                "ProvisioningFailed",
                &format!("storageclass.storage.k8s.io {name:?} not found"),
            );
        }
        return Some(AGAIN);
    };
    if class.str("provisioner") == "kubernetes.io/no-provisioner" {
        let message = "waiting for a volume to be created, either by external provisioner or manually";
        world.normal(COMPONENT, claim, "ExternalProvisioning", message);
        return None;
    }
    provision(world, claim, &class);
    None
}

fn provision(world: &mut World, claim: &Value, class: &Value) {
    let provisioner = class.str("provisioner");
    let about =
        format!("External provisioner is provisioning volume for claim \"{}/{}\"", claim.namespace(), claim.name());
    world.normal(provisioner, claim, "Provisioning", &about);
    let name = format!("pvc-{}", claim.uid());
    let mut volume = json!({"metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": provisioner}},
        "spec": {"capacity": {"storage": claim.at("spec/resources/requests/storage")},
            "accessModes": claim.at("spec/accessModes"), "persistentVolumeReclaimPolicy": class.str("reclaimPolicy"),
            "storageClassName": class.name(), "volumeMode": claim.at("spec/volumeMode"),
            "csi": {"driver": provisioner, "volumeHandle": name}, "claimRef": claim_ref(claim)}});
    let zone = world
        .store
        .get(Table::NODES, "", claim.annotation(SELECTED))
        .map(|node| node.label("topology.kubernetes.io/zone").to_owned());
    if let Some(zone) = zone.filter(|zone| !zone.is_empty()) {
        let term =
            json!({"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}]});
        volume.put("spec/nodeAffinity/required/nodeSelectorTerms", json!([term]));
    }
    if world.make(Table::VOLUMES, "", volume, MANAGER).is_ok() {
        let message = format!("Successfully provisioned volume {name}");
        world.normal(provisioner, claim, "ProvisioningSucceeded", &message);
    }
    bind(world, claim, &name);
}

fn claim_ref(claim: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.namespace(), "name": claim.name(),
        "uid": claim.uid(), "resourceVersion": claim.str("metadata/resourceVersion")})
}

fn bind(world: &mut World, claim: &Value, volume: &str) {
    let reference = claim_ref(claim);
    world.edit(Table::VOLUMES, "", volume, By::system(MANAGER), |volume| volume.default_to("spec/claimRef", reference));
    world.edit(Table::CLAIMS, claim.namespace(), claim.name(), By::system(MANAGER), |claim| {
        claim.put("spec/volumeName", volume);
        claim.annotate("pv.kubernetes.io/bind-completed", "yes");
        claim.annotate("pv.kubernetes.io/bound-by-controller", "yes");
    });
    if let Some(claim) = world.get(Table::CLAIMS, claim.namespace(), claim.name()) {
        bound(world, &claim);
    }
}

/// The volume is named: both sides say that they are bound.
fn bound(world: &mut World, claim: &Value) {
    let name = claim.str("spec/volumeName");
    let Some(volume) = world.get(Table::VOLUMES, "", name) else {
        if claim.annotation("pv.kubernetes.io/bind-completed") == "yes" {
            world.edit(Table::CLAIMS, claim.namespace(), claim.name(), By::status(MANAGER), |claim| {
                claim.put("status/phase", "Lost")
            });
        }
        return;
    };
    let reference = claim_ref(claim);
    world.edit(Table::VOLUMES, "", name, By::system(MANAGER), |volume| {
        if volume.str("spec/claimRef/uid").is_empty() {
            volume.put("spec/claimRef", reference);
        }
    });
    world.edit(Table::VOLUMES, "", name, By::status(MANAGER), |volume| volume.put("status/phase", "Bound"));
    let (capacity, modes) = (volume.at("spec/capacity").clone(), volume.at("spec/accessModes").clone());
    world.edit(Table::CLAIMS, claim.namespace(), claim.name(), By::status(MANAGER), |claim| {
        claim.put("status/phase", "Bound");
        claim.put("status/capacity", capacity);
        claim.put("status/accessModes", modes);
    });
}

/// A larger request is met at once where the class allows it.
fn grow(world: &mut World, claim: &Value) {
    let wanted = claim.at("spec/resources/requests/storage").clone();
    if size(&wanted) <= size(claim.at("status/capacity/storage")) {
        return;
    }
    let class = world.get(Table::STORAGE_CLASSES, "", claim.str("spec/storageClassName"));
    if class.is_none_or(|class| !class.flag("allowVolumeExpansion")) {
        return;
    }
    let volume = claim.str("spec/volumeName").to_owned();
    world.edit(Table::VOLUMES, "", &volume, By::system(MANAGER), |volume| {
        volume.put("spec/capacity/storage", wanted.clone())
    });
    world.edit(Table::CLAIMS, claim.namespace(), claim.name(), By::status(MANAGER), |claim| {
        claim.put("status/capacity/storage", wanted)
    });
}

/// A claim that a pod uses stays until the pod is gone.
fn release(world: &mut World, claim: &Value) -> Option<Duration> {
    let uses =
        |pod: &Value| pod.list("spec/volumes").iter().any(|v| v.str("persistentVolumeClaim/claimName") == claim.name());
    let used =
        world.store.list_in(Table::PODS, claim.namespace()).any(|pod| uses(pod) && !super::pods::is_finished(pod));
    if used {
        return Some(Duration::from_secs(1));
    }
    world.edit(Table::CLAIMS, claim.namespace(), claim.name(), By::system(MANAGER), |claim| {
        let kept = claim.list("metadata/finalizers").iter().filter(|one| *one != PROTECTION);
        let kept: Vec<Value> = kept.cloned().collect();
        claim.put("metadata/finalizers", kept);
    });
    if world.get(Table::CLAIMS, claim.namespace(), claim.name()).is_none() {
        reclaim(world, &Key::of(claim));
    }
    None
}

/// Volumes of a claim that is gone are deleted or left as released.
fn reclaim(world: &mut World, key: &Key) {
    let of = |volume: &&Arc<Value>| {
        volume.str("spec/claimRef/name") == key.name && volume.str("spec/claimRef/namespace") == key.namespace
    };
    let volumes: Vec<Arc<Value>> = world.store.list(Table::VOLUMES).filter(of).cloned().collect();
    let kind = world.kinds.stored(Table::VOLUMES).clone();
    for volume in volumes {
        world.edit(Table::VOLUMES, "", volume.name(), By::status(MANAGER), |volume| {
            volume.put("status/phase", "Released")
        });
        if volume.str("spec/persistentVolumeReclaimPolicy") == "Delete" {
            world.edit(Table::VOLUMES, "", volume.name(), By::system(MANAGER), |volume| {
                volume.cut("metadata/finalizers");
            });
            // A volume that is gone already needs no deletion.
            let _ = world.delete(&kind, "", volume.name(), &DeleteOptions::default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::testing::{Stage, pod};

    fn claim(class: Option<&str>) -> Value {
        let mut claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
        if let Some(class) = class {
            claim.put("spec/storageClassName", class);
        }
        claim
    }

    fn mounting(name: &str) -> Value {
        let mut pod = pod(name, "redis:8");
        pod.put("spec/volumes", json!([{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]));
        pod
    }

    fn phase(stage: &Stage) -> String {
        stage.get(Table::CLAIMS, "data").str("status/phase").to_owned()
    }

    #[test]
    fn the_first_consumer_makes_the_volume() {
        let mut stage = Stage::new(json!({}));
        stage.create(claim(None));
        stage.advance(5);
        assert_eq!(phase(&stage), "Pending");
        assert!(stage.events("data")[0].starts_with("Normal WaitForFirstConsumer"));
        stage.create(mounting("db"));
        stage.until("ready", 10, |s| s.get(Table::PODS, "db").condition("Ready") == "True");
        assert_eq!(phase(&stage), "Bound");
        let volume = &stage.list(Table::VOLUMES)[0];
        assert_eq!((volume.str("status/phase"), volume.str("spec/claimRef/name")), ("Bound", "data"));
    }

    #[test]
    fn a_missing_class_is_reported_and_holds_the_pod() {
        let mut stage = Stage::new(json!({}));
        stage.create(claim(Some("fast")));
        stage.create(mounting("db"));
        stage.advance(5);
        assert_eq!(
            stage.events("data")[0],
            "Warning ProvisioningFailed: storageclass.storage.k8s.io \"fast\" not found"
        );
        let pod = stage.get(Table::PODS, "db");
        let message = pod.list("status/conditions")[0].str("message").to_owned();
        assert!(
            message.starts_with("0/5 nodes are available: pod has unbound immediate PersistentVolumeClaims."),
            "{message}"
        );
        stage.create(json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": "x/y"}));
        stage.until("ready", 30, |s| s.get(Table::PODS, "db").condition("Ready") == "True");
    }

    #[test]
    fn a_claim_in_use_stays() {
        let mut stage = Stage::new(json!({}));
        stage.create(claim(None));
        stage.create(mounting("db"));
        stage.until("ready", 10, |s| s.get(Table::PODS, "db").condition("Ready") == "True");
        stage.delete(Table::CLAIMS, "data", &DeleteOptions::default());
        stage.advance(5);
        assert!(stage.get(Table::CLAIMS, "data").is_deleting());
        stage.delete(Table::PODS, "db", &DeleteOptions::default());
        stage.until("gone", 5, |s| s.names(Table::CLAIMS).is_empty() && s.names(Table::VOLUMES).is_empty());
    }
}
