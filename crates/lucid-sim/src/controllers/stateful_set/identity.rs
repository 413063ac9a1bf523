//! Names, labels and volumes that make a pod the one with its number.

use serde_json::{Value, json};

use crate::controllers::{pods, revisions};
use crate::json::{Json, JsonMut};

use super::{Set, claims};

/// The number at the end of a pod's name, when the rest is the set's.
pub(crate) fn ordinal(set: &Value, pod: &str) -> Option<i64> {
    let number = pod.strip_prefix(set.name())?.strip_prefix('-')?;
    number.parse().ok().filter(|ordinal: &i64| ordinal.to_string() == number)
}

/// Whether a pod that is missing comes back at the revision that is being left: below the partition.
fn keeps_current(set: &Set, ordinal: i64) -> bool {
    let start = set.range().start;
    let rolling = set.object.str("spec/updateStrategy/type") == "RollingUpdate";
    match set.object.has("spec/updateStrategy/rollingUpdate/partition") {
        true => rolling && ordinal < start + set.partition(),
        false => rolling && ordinal < start + set.object.int("status/currentReplicas"),
    }
}

pub(crate) fn pod(set: &Set, ordinal: i64) -> Value {
    let revision = if keeps_current(set, ordinal) { &set.current } else { &set.update };
    let template = revisions::template(revision);
    let name = format!("{}-{ordinal}", set.object.name());
    let mut pod = pods::of_template(&template, &set.object, &format!("{}-", set.object.name()));
    pod.put("metadata/name", name.clone());
    pod.put("spec/hostname", name.clone());
    if set.object.has("spec/serviceName") {
        pod.put("spec/subdomain", set.object.str("spec/serviceName"));
    }
    label(&mut pod, "statefulset.kubernetes.io/pod-name", &name);
    label(&mut pod, "apps.kubernetes.io/pod-index", &ordinal.to_string());
    label(&mut pod, revisions::LABEL, revision.name());
    mount(set, &mut pod, ordinal);
    pod
}

/// Labels have slashes in their names, so no path leads to them.
fn label(pod: &mut Value, key: &str, value: &str) {
    let labels = pod.entry("metadata/labels");
    if !labels.is_object() {
        *labels = json!({});
    }
    labels.as_object_mut().expect("made an object above").insert(key.to_owned(), value.into());
}

/// Volumes of the claim templates take the place of volumes of the same name.
fn mount(set: &Set, pod: &mut Value, ordinal: i64) {
    let templates = set.object.list("spec/volumeClaimTemplates");
    let mut volumes = pod.list("spec/volumes").to_vec();
    volumes.retain(|volume| templates.iter().all(|template| template.name() != volume.str("name")));
    for template in templates {
        let claim = claims::name(set, template, ordinal);
        volumes.push(json!({"name": template.name(), "persistentVolumeClaim": {"claimName": claim}}));
    }
    if !volumes.is_empty() {
        pod.put("spec/volumes", volumes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_names() {
        let set = json!({"metadata": {"name": "web"}});
        assert_eq!(ordinal(&set, "web-3"), Some(3));
        assert_eq!(ordinal(&set, "web-03"), None);
        assert_eq!(ordinal(&set, "web-a"), None);
        assert_eq!(ordinal(&set, "webs-1"), None);
    }
}
