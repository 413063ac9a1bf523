//! Objects that are too large to be stored.

use lucid_object::{Finding, Object};
use serde_json::Value;

use super::scene::Scene;

/// Source: pkg/apis/core/validation (MaxSecretSize; ConfigMaps are held to the same).
const LARGEST_DATA: usize = 1 << 20;
/// Source: apimachinery/pkg/api/validation (TotalAnnotationSizeLimitB).
const LARGEST_ANNOTATIONS: usize = 256 << 10;
/// etcd's `--max-request-bytes`.
const LARGEST_OBJECT: usize = 1_572_864;

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    for object in &scene.objects {
        let pairs = |field: &str| strings(object.value().pointer(field));
        let annotations: usize = pairs("/metadata/annotations").map(|(key, value)| key.len() + value.len()).sum();
        let data: usize = match (object.group(), object.kind()) {
            ("", "ConfigMap") => {
                let text: usize = pairs("/data").map(|(_, value)| value.len()).sum();
                text + pairs("/binaryData").map(|(_, value)| value.len() / 4 * 3).sum::<usize>()
            }
            ("", "Secret") => {
                let text: usize = pairs("/stringData").map(|(_, value)| value.len()).sum();
                text + pairs("/data").map(|(_, value)| value.len() / 4 * 3).sum::<usize>()
            }
            _ => 0,
        };
        if data > LARGEST_DATA {
            found.push(too_large(object, "data", data, LARGEST_DATA));
        } else if annotations > LARGEST_ANNOTATIONS {
            found.push(too_large(object, "annotations", annotations, LARGEST_ANNOTATIONS));
        } else if serde_json::to_string(object.value()).is_ok_and(|text| text.len() > LARGEST_OBJECT) {
            found.push(too_large(object, "fields", LARGEST_OBJECT, LARGEST_OBJECT));
        }
    }
}

fn strings(map: Option<&Value>) -> impl Iterator<Item = (&str, &str)> {
    let entries = map.and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

fn too_large(object: &Object, what: &str, size: usize, limit: usize) -> Finding {
    let kib = |bytes: usize| bytes.div_ceil(1024);
    let message = format!(
        "the {what} of {} are too large to be stored: {} KiB, and {} KiB is the limit",
        object.reference(),
        kib(size),
        kib(limit)
    );
    let pointer = if what == "annotations" { "/metadata/annotations" } else { "/data" };
    let finding = Finding::error(1016, message).on(object.reference()).at(object.position(pointer));
    finding.help("split it, or bring large files in an image or a volume")
}
