//! PersistentVolumeClaims.

use lucid_object::Quantity;
use serde_json::Value;

use super::field::{At, Problems};
use super::{selector, text};
use crate::json::{Json, JsonMut};

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

pub(super) fn create(object: &Value, problems: &mut Problems) {
    spec(object.at("spec"), &At::new("spec"), problems);
}

/// A claim's spec, in a claim or in a template of one.
pub(super) fn spec(spec: &Value, at: &At, problems: &mut Problems) {
    let modes = spec.list("accessModes");
    if modes.is_empty() {
        problems.required(&at.child("accessModes"), "at least 1 access mode is required");
    }
    selector::check(spec.at("selector"), &at.child("selector"), problems);
    for mode in modes {
        problems.one_of(&at.child("accessModes"), mode, &MODES);
    }
    let single = |mode: &Value| mode == "ReadWriteOncePod";
    let other = |mode: &Value| !single(mode) && mode.as_str().is_some_and(|mode| MODES.contains(&mode));
    if modes.iter().any(single) && modes.iter().any(other) {
        problems.forbidden(&at.child("accessModes"), "may not use ReadWriteOncePod with other access modes");
    }
    let (size, size_at) = (spec.at("resources/requests/storage"), at.child("resources").key("storage"));
    match size.as_str().map(milli) {
        None => problems.required(&size_at, ""),
        Some(Some(amount)) if amount <= 0 => problems.invalid(&size_at, size.clone(), "must be greater than zero"),
        Some(Some(amount)) if amount % 1000 != 0 => problems.invalid(&size_at, size.clone(), "must be an integer"),
        Some(_) => {}
    }
    for field in ["storageClassName", "volumeAttributesClassName"] {
        let class = spec.str(field);
        if !class.is_empty() {
            problems.all_invalid(&at.child(field), &class.into(), text::subdomain(class));
        }
    }
    problems.one_of(&at.child("volumeMode"), spec.at("volumeMode"), &["Block", "Filesystem"]);
    for field in ["dataSource", "dataSourceRef"] {
        source(spec.at(field), &at.child(field), problems);
    }
    let (source, reference) = (spec.at("dataSource"), spec.at("dataSourceRef"));
    let same = |field: &str| source.at(field) == reference.at(field);
    if !source.is_null() && !reference.is_null() && !["apiGroup", "kind", "name"].into_iter().all(same) {
        // The server shows how it holds the path.
        problems.invalid(at, Value::Object(serde_json::Map::new()), "must match dataSourceRef");
    }
}

fn source(source: &Value, at: &At, problems: &mut Problems) {
    if source.is_null() {
        return;
    }
    for field in ["name", "kind"].into_iter().filter(|field| source.str(field).is_empty()) {
        problems.required(&at.child(field), "");
    }
    match source.str("apiGroup") {
        "" if source.str("kind") != "PersistentVolumeClaim" => {
            let detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
            problems.invalid(at, source.str("kind"), detail);
        }
        "" => {}
        group => problems.all_invalid(&at.child("apiGroup"), &group.into(), text::subdomain(group)),
    }
}

const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

pub(super) fn update(old: &Value, new: &Value, problems: &mut Problems) {
    create(new, problems);
    let (mut before, mut after) = (old.at("spec").clone(), new.at("spec").clone());
    if before.str("volumeName").is_empty() {
        take("volumeName", &after.clone(), &mut before);
    }
    let noted = old.annotation(CLASS);
    if noted != new.annotation(CLASS) {
        let at = At::new("metadata.annotations").key(CLASS);
        problems.invalid(&at, new.annotation(CLASS), "field is immutable");
    }
    let fits = noted.is_empty() || after.str("storageClassName") == noted;
    if !before.has("storageClassName") && after.has("storageClassName") && fits {
        after.cut("storageClassName");
    }
    if new.str("status/phase") == "Bound" {
        if after.has("resources/requests") {
            take("resources/requests/storage", &before, &mut after);
        }
        take("volumeAttributesClassName", &before, &mut after);
    }
    if before != after {
        // The server goes on with a difference in Go's notation.
        let detail =
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        problems.forbidden(&At::new("spec"), detail);
    }
    let size = |object: &Value, path: &str| milli(object.str(path)).unwrap_or(0);
    let storage = "spec/resources/requests/storage";
    if size(new, storage) < size(old, storage) && size(new, storage) <= size(old, "status/capacity/storage") {
        let detail = "field can not be less than status.capacity";
        problems.forbidden(&At::new("spec.resources.requests.storage"), detail);
    }
    let mode = "spec/volumeMode";
    problems.immutable(&At::new("volumeMode"), old.at(mode), new.at(mode));
}

fn take(path: &str, from: &Value, to: &mut Value) {
    match from.at(path) {
        Value::Null => drop(to.cut(path)),
        value => to.put(path, value.clone()),
    }
}

fn milli(text: &str) -> Option<i128> {
    Quantity::parse(text).map(Quantity::milli)
}
