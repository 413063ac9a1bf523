//! Tags become digests once: when a container's image changes. What was resolved then stays until the image changes again.

use std::collections::BTreeMap;

use lucid_object::{Object, ObjectSet};
use serde_json::Value;

use crate::build::Live;

/// A container's image is to be this one: which object, where in it, and the image.
type Pin = (usize, String, String);

/// Where the live container runs what the manifest's tag was resolved to when it was deployed, the manifest says so too.
/// None when that changes nothing.
pub fn keep(objects: &ObjectSet, live: Live<'_>) -> Option<ObjectSet> {
    let mut pins: Vec<Pin> = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        let Some(live) = object.pod_spec().and_then(|_| live(&object.reference())) else { continue };
        if !has_digests(object, &live) {
            continue;
        }
        pins.extend(tags(object).filter_map(|(pointer, tag)| {
            let running = image_of(&live, object, &pointer)?;
            let is_resolved = running.split_once('@').is_some_and(|(name, _)| name == tag);
            is_resolved.then(|| (index, pointer, running.to_owned()))
        }));
    }
    with(objects, &pins)
}

/// Gives each container whose image is another than the live one's the digest that its tag has now. None when there is none.
pub fn pin(objects: &ObjectSet, live: Live<'_>, digests: &BTreeMap<String, String>) -> Option<ObjectSet> {
    let mut pins: Vec<Pin> = Vec::new();
    let open = objects.iter().enumerate().filter(|_| !digests.is_empty());
    for (index, object) in open {
        for (pointer, tag) in tags(object) {
            let Some(pinned) = digests.get(tag) else { continue };
            let running = live(&object.reference());
            // What runs by its tag alone is not restarted for the sake of a digest.
            if running.as_deref().and_then(|live| image_of(live, object, &pointer)) != Some(tag) {
                pins.push((index, pointer, pinned.clone()));
            }
        }
    }
    with(objects, &pins)
}

fn with(objects: &ObjectSet, pins: &[Pin]) -> Option<ObjectSet> {
    if pins.is_empty() {
        return None;
    }
    let mut pinned = objects.clone();
    let mut left = pins;
    for (index, object) in pinned.iter_mut().enumerate() {
        while let [(at, pointer, image), rest @ ..] = left
            && *at == index
        {
            object.refine_text(pointer, image);
            left = rest;
        }
    }
    Some(pinned)
}

/// Places of images without a digest, and the images.
fn tags(object: &Object) -> impl Iterator<Item = (String, &str)> {
    object.images().into_iter().filter(|(_, image)| !image.contains('@'))
}

/// True if a live container's image was resolved once.
fn has_digests(object: &Object, live: &Value) -> bool {
    let home = object.pod_template_pointer().and_then(|template| live.pointer(template)).unwrap_or(live);
    let lists = ["initContainers", "containers"].into_iter().filter_map(|list| home.get("spec")?.get(list)?.as_array());
    lists.flatten().any(|container| container["image"].as_str().is_some_and(|image| image.contains('@')))
}

/// The image of the live container of the same name.
fn image_of<'a>(live: &'a Value, object: &Object, pointer: &str) -> Option<&'a str> {
    let container = pointer.strip_suffix("/image")?;
    let (list, _) = container.rsplit_once('/')?;
    let name = object.str_at(&format!("{container}/name"))?;
    let containers = live.pointer(list)?.as_array()?;
    containers.iter().find(|container| container["name"] == name)?["image"].as_str()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lucid_object::ObjectRef;
    use serde_json::json;

    use super::*;

    fn deployment(images: &[(&str, &str)]) -> Value {
        let containers: Vec<Value> = images.iter().map(|(name, image)| json!({"name": name, "image": image})).collect();
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "n"},
            "spec": {"template": {"spec": {"containers": containers}}},
        })
    }

    fn set(images: &[(&str, &str)]) -> ObjectSet {
        [Object::new(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "n"}}))]
            .into_iter()
            .chain([Object::new(deployment(images))])
            .collect()
    }

    fn images(objects: &ObjectSet) -> Vec<String> {
        objects.iter().flat_map(|object| object.images()).map(|(_, image)| image.to_owned()).collect()
    }

    #[test]
    fn what_was_resolved_stays_for_the_same_tag() {
        let live = Arc::new(deployment(&[("b", "r/b:1@sha256:bb"), ("a", "r/a:1@sha256:aa"), ("c", "r/c:1")]));
        let live = |_: &ObjectRef| Some(Arc::clone(&live));
        let objects = set(&[("a", "r/a:1"), ("b", "r/b:2"), ("c", "r/c:1"), ("d", "r/d:1")]);
        let kept = keep(&objects, &live).unwrap();
        assert_eq!(images(&kept), ["r/a:1@sha256:aa", "r/b:2", "r/c:1", "r/d:1"]);
        assert!(keep(&kept, &live).is_none());
        assert!(keep(&objects, &|_| None).is_none());
    }

    #[test]
    fn what_changes_gets_the_digest_and_what_runs_by_its_tag_does_not() {
        let live = Arc::new(deployment(&[("a", "r/a:1"), ("b", "r/b:1")]));
        let live = |_: &ObjectRef| Some(Arc::clone(&live));
        let digests = ["r/a:1", "r/b:2"].map(|tag| (tag.to_owned(), format!("{tag}@sha256:dd")));
        let objects = set(&[("a", "r/a:1"), ("b", "r/b:2"), ("new", "r/a:1"), ("other", "r/c:1")]);
        let pinned = pin(&objects, &live, &BTreeMap::from(digests)).unwrap();
        assert_eq!(images(&pinned), ["r/a:1", "r/b:2@sha256:dd", "r/a:1@sha256:dd", "r/c:1"]);
        assert!(pin(&objects, &live, &BTreeMap::new()).is_none());
    }
}
