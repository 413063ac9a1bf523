//! Volumes of a pod spec.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::field::{At, Problems};
use super::super::text;
use super::container::{Volumes, descending, no_way_up};
use super::env;
use super::security::identity;
use crate::json::Json;

const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";

/// The sound volumes by name.
pub(super) fn check<'v>(volumes: &'v [Value], at: &At, problems: &mut Problems) -> Volumes<'v> {
    let mut known = BTreeMap::new();
    for (index, volume) in volumes.iter().enumerate() {
        let here = at.index(index);
        let name = volume.str("name");
        let before = problems.causes.len();
        source(volume, &here, problems);
        match name {
            "" => problems.required(&here.child("name"), ""),
            _ => problems.all_invalid(&here.child("name"), &name.into(), text::label(name)),
        }
        if known.contains_key(name) {
            problems.duplicate(&here.child("name"), name);
        }
        if problems.causes.len() == before {
            known.insert(name, volume);
        }
    }
    known
}

/// The order in which the server looks at them: of several, the first counts.
const SOURCES: [&str; 30] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "flocker",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

fn source(volume: &Value, at: &At, problems: &mut Problems) {
    let mut given = SOURCES.into_iter().filter(|kind| volume.has(kind));
    let Some(kind) = given.next() else { return problems.required(at, "must specify a volume type") };
    let (value, here) = (volume.at(kind), at.child(kind));
    match kind {
        "emptyDir" => empty_dir(value, &here, problems),
        "hostPath" => host_path(value, &here, problems),
        "secret" => {
            if value.str("secretName").is_empty() {
                problems.required(&here.child("secretName"), "");
            }
            files(value, &here, problems);
        }
        "configMap" => {
            if value.str("name").is_empty() {
                problems.required(&here.child("name"), "");
            }
            files(value, &here, problems);
        }
        "downwardAPI" => downward(value, &here, problems),
        "projected" => projected(value, &here, problems),
        "persistentVolumeClaim" if value.str("claimName").is_empty() => problems.required(&here.child("claimName"), ""),
        "csi" => csi(value, &here, problems),
        "ephemeral" if !value.has("volumeClaimTemplate") => problems.required(&here.child("volumeClaimTemplate"), ""),
        _ => legacy(kind, value, &here, problems),
    }
    for more in given {
        problems.forbidden(&at.child(more), "may not specify more than 1 volume type");
    }
}

/// Sources of old clouds: what must be said of each.
fn legacy(kind: &str, value: &Value, at: &At, problems: &mut Problems) {
    let required: &[&str] = match kind {
        "gitRepo" => &["repository"],
        "nfs" => &["server", "path"],
        "awsElasticBlockStore" | "cinder" => &["volumeID"],
        "gcePersistentDisk" | "photonPersistentDisk" => &["pdName"],
        "glusterfs" => &["endpoints", "path"],
        "flexVolume" => &["driver"],
        "azureFile" => &["secretName", "shareName"],
        "vsphereVolume" => &["volumePath"],
        "portworxVolume" => &["volumeID"],
        "cephfs" => &["monitors"],
        "storageos" => &["volumeName"],
        "scaleIO" => &["gateway", "system", "volumeName"],
        _ => &[],
    };
    let at = if kind == "gcePersistentDisk" {
        At::new(&at.to_string().replace("gcePersistentDisk", "persistentDisk"))
    } else {
        at.clone()
    };
    for field in required.iter().filter(|field| value.str(field).is_empty() && value.list(field).is_empty()) {
        problems.required(&at.child(field), "");
    }
    let path = value.str("path");
    if kind == "nfs" && !path.is_empty() && !path.starts_with('/') {
        problems.invalid(&at.child("path"), path, "must be an absolute path");
    }
}

fn empty_dir(value: &Value, at: &At, problems: &mut Problems) {
    let size = value.at("sizeLimit").as_str().and_then(lucid_object::Quantity::parse);
    if size.is_some_and(|size| size.milli() < 0) {
        problems.forbidden(&at.child("sizeLimit"), "SizeLimit field must be a valid resource quantity");
    }
}

fn host_path(value: &Value, at: &At, problems: &mut Problems) {
    let path = value.str("path");
    if path.is_empty() {
        return problems.required(&at.child("path"), "");
    }
    no_way_up(path, &at.child("path"), problems);
    let known = ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
    problems.one_of(&at.child("type"), value.at("type"), &known);
}

fn mode(value: &Value, at: &At, problems: &mut Problems) {
    if value.as_i64().is_some_and(|mode| !(0..=0o777).contains(&mode)) {
        problems.invalid(at, value.clone(), MODE);
    }
}

fn files(value: &Value, at: &At, problems: &mut Problems) {
    mode(value.at("defaultMode"), &at.child("defaultMode"), problems);
    identity(value.at("defaultUser"), &at.child("defaultUser"), problems);
    for (index, item) in value.list("items").iter().enumerate() {
        key_to_path(item, &at.child("items").index(index), problems);
    }
}

fn key_to_path(item: &Value, at: &At, problems: &mut Problems) {
    if item.str("key").is_empty() {
        problems.required(&at.child("key"), "");
    }
    if item.str("path").is_empty() {
        problems.required(&at.child("path"), "");
    }
    local_path(item.str("path"), &at.child("path"), problems);
    mode(item.at("mode"), &at.child("mode"), problems);
}

fn local_path(path: &str, at: &At, problems: &mut Problems) {
    descending(path, at, problems);
    if path.starts_with("..") && !path.starts_with("../") {
        problems.invalid(at, path, "must not start with '..'");
    }
}

fn downward(value: &Value, at: &At, problems: &mut Problems) {
    mode(value.at("defaultMode"), &at.child("defaultMode"), problems);
    for file in value.list("items") {
        downward_file(file, at, problems);
    }
}

fn downward_file(file: &Value, at: &At, problems: &mut Problems) {
    if file.str("path").is_empty() {
        problems.required(&at.child("path"), "");
    }
    local_path(file.str("path"), &at.child("path"), problems);
    if file.has("fieldRef") {
        env::field_ref(file.at("fieldRef"), &env::VOLUME_FIELDS, &at.child("fieldRef"), problems);
        if file.has("resourceFieldRef") {
            problems.invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
        }
    } else if file.has("resourceFieldRef") {
        env::resource_ref(file.at("resourceFieldRef"), true, &at.child("resourceFieldRef"), problems);
    } else {
        problems.required(at, "one of fieldRef and resourceFieldRef is required");
    }
    mode(file.at("mode"), &at.child("mode"), problems);
}

fn projected(value: &Value, at: &At, problems: &mut Problems) {
    mode(value.at("defaultMode"), &at.child("defaultMode"), problems);
    let mut paths = BTreeSet::new();
    for (index, source) in value.list("sources").iter().enumerate() {
        let here = at.child("sources").index(index);
        let mut count = 0;
        for kind in ["secret", "configMap", "downwardAPI"].into_iter().filter(|kind| source.has(kind)) {
            count += 1;
            let (part, here) = (source.at(kind), here.child(kind));
            if kind != "downwardAPI" && part.str("name").is_empty() {
                problems.required(&here.child("name"), "");
            }
            for (item_index, item) in part.list("items").iter().enumerate() {
                match kind {
                    "downwardAPI" => downward_file(item, &here, problems),
                    _ => key_to_path(item, &here.child("items").index(item_index), problems),
                }
                let path = item.str("path");
                if !path.is_empty() && !paths.insert(path) {
                    let shown = if kind == "downwardAPI" { path } else { part.str("name") };
                    problems.invalid(at, shown, "conflicting duplicate paths");
                }
            }
        }
        if source.has("serviceAccountToken") {
            count += 1;
            token(source.at("serviceAccountToken"), &here.child("serviceAccountToken"), problems);
        }
        count += usize::from(source.has("clusterTrustBundle")) + usize::from(source.has("podCertificate"));
        if count > 1 {
            problems.forbidden(&here, "may not specify more than 1 volume type per source");
        }
    }
}

fn token(value: &Value, at: &At, problems: &mut Problems) {
    let seconds = value.int("expirationSeconds");
    if seconds < 600 {
        problems.invalid(&at.child("expirationSeconds"), seconds, "may not specify a duration less than 10 minutes");
    } else if seconds > 1 << 32 {
        problems.invalid(
            &at.child("expirationSeconds"),
            seconds,
            "may not specify a duration larger than 2^32 seconds",
        );
    }
    if value.str("path").is_empty() {
        problems.required(&at.child("path"), "");
    } else {
        local_path(value.str("path"), &at.child("path"), problems);
    }
}

fn csi(value: &Value, at: &At, problems: &mut Problems) {
    let driver = value.str("driver");
    match driver {
        "" => problems.required(&at.child("driver"), ""),
        _ if driver.len() > 63 => problems.too_long(&at.child("driver"), 63),
        _ => problems.all_invalid(&at.child("driver"), &driver.into(), text::subdomain(&driver.to_lowercase())),
    }
}
