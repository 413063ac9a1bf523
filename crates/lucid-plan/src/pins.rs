//! Tags become digests once: when a container's image changes. What was resolved then stays until the image changes again.

use std::collections::BTreeMap;

use lucid_object::{Object, ObjectSet};
use lucid_release::names::FIELD_MANAGER;
use serde_json::Value;

use crate::build::Live;
use crate::owned::applied_fields;

/// A container's image is to be this one: which object, where in it, and the image.
type Pin = (usize, String, String);

/// The digest that a tag was found to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The image with its digest.
    pub image: String,
    /// Nothing but this very image may run, such as one that must be signed.
    pub must: bool,
}

/// Where the live container runs what the manifest's tag was resolved to when lucid deployed it, the manifest says so too;
/// and so does what is new and has the same tag. None when that changes nothing.
pub fn keep(objects: &ObjectSet, live: Live<'_>) -> Option<ObjectSet> {
    let mut pins: Vec<Pin> = Vec::new();
    let mut open: Vec<(usize, String, &str)> = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        if object.pod_spec().is_none() {
            continue;
        }
        let live = live(&object.reference());
        if live.as_deref().is_some_and(|live| !has_digests(object, live)) {
            continue;
        }
        for (pointer, tag) in tags(object) {
            let running = live.as_deref().and_then(|live| image_of(live, object, &pointer));
            match running.and_then(|image| image.split_once('@')) {
                Some((name, _)) if name == tag && is_own(live.as_deref(), object, &pointer) => {
                    pins.push((index, pointer, running.unwrap_or_default().to_owned()));
                }
                _ => open.push((index, pointer, tag)),
            }
        }
    }
    if pins.is_empty() {
        return None;
    }
    let known = |tag: &str| {
        let mut same = pins.iter().map(|(_, _, image)| image).filter(|image| image.split('@').next() == Some(tag));
        let first = same.next()?;
        same.all(|other| other == first).then(|| first.clone())
    };
    let others: Vec<Pin> =
        open.into_iter().filter_map(|(index, pointer, tag)| Some((index, pointer, known(tag)?))).collect();
    pins.extend(others);
    pins.sort();
    with(objects, &pins)
}

/// Gives each container whose image is another than the live one's the digest that its tag has now. None when there is none.
pub fn pin(objects: &ObjectSet, live: Live<'_>, digests: &BTreeMap<String, Pinned>) -> Option<ObjectSet> {
    let mut pins: Vec<Pin> = Vec::new();
    let open = objects.iter().enumerate().filter(|_| !digests.is_empty());
    for (index, object) in open {
        for (pointer, tag) in tags(object) {
            let Some(found) = digests.get(tag) else { continue };
            let running = live(&object.reference());
            // What runs by its tag alone is not restarted for the sake of a digest.
            let runs = running.as_deref().and_then(|live| image_of(live, object, &pointer)) == Some(tag);
            if found.must || !runs {
                pins.push((index, pointer, found.image.clone()));
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

/// The list that the container of this image is in, and its name.
fn container<'a>(object: &'a Object, pointer: &'a str) -> Option<(&'a str, &'a str)> {
    let container = pointer.strip_suffix("/image")?;
    let (list, _) = container.rsplit_once('/')?;
    Some((list, object.str_at(&format!("{container}/name"))?))
}

/// The image of the live container of the same name.
fn image_of<'a>(live: &'a Value, object: &Object, pointer: &str) -> Option<&'a str> {
    let (list, name) = container(object, pointer)?;
    let containers = live.pointer(list)?.as_array()?;
    containers.iter().find(|container| container["name"] == name)?["image"].as_str()
}

/// True if lucid has set the image: somebody else's is drift, and not what a tag was resolved to.
fn is_own(live: Option<&Value>, object: &Object, pointer: &str) -> bool {
    let own = || {
        let mut fields = applied_fields(live?, FIELD_MANAGER)?;
        let (list, name) = container(object, pointer)?;
        for part in list.split('/').skip(1) {
            fields = fields.get(&format!("f:{part}"))?.as_object()?;
        }
        fields.get(&format!("k:{}", serde_json::json!({"name": name})))?.get("f:image")
    };
    own().is_some()
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

    /// As lucid has applied it, but for the images of these containers, which somebody else has set.
    fn applied(images: &[(&str, &str)], foreign: &[&str]) -> Value {
        let mut live = deployment(images);
        let own = images.iter().filter(|(name, _)| !foreign.contains(name));
        let fields: Value =
            own.map(|(name, _)| (format!("k:{}", json!({"name": name})), json!({"f:image": {}}))).collect();
        let fields = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": fields}}}});
        live["metadata"]["managedFields"] =
            json!([{"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": fields}]);
        live
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
        let all = [("b", "r/b:1@sha256:bb"), ("a", "r/a:1@sha256:aa"), ("c", "r/c:1"), ("e", "r/e:1@sha256:ee")];
        let live = Arc::new(applied(&all, &["e"]));
        let live = |_: &ObjectRef| Some(Arc::clone(&live));
        let objects = set(&[("a", "r/a:1"), ("b", "r/b:2"), ("c", "r/c:1"), ("d", "r/a:1"), ("e", "r/e:1")]);
        let kept = keep(&objects, &live).unwrap();
        // The new container `d` has the tag of `a`; the digest of `e` is somebody else's.
        assert_eq!(images(&kept), ["r/a:1@sha256:aa", "r/b:2", "r/c:1", "r/a:1@sha256:aa", "r/e:1"]);
        assert!(keep(&kept, &live).is_none());
        assert!(keep(&objects, &|_| None).is_none());
    }

    #[test]
    fn what_changes_gets_the_digest_and_what_runs_by_its_tag_does_not() {
        let live = Arc::new(deployment(&[("a", "r/a:1"), ("b", "r/b:1")]));
        let live = |_: &ObjectRef| Some(Arc::clone(&live));
        let found = |must: bool| {
            let pinned = |tag: &str| (tag.to_owned(), Pinned { image: format!("{tag}@sha256:dd"), must });
            BTreeMap::from(["r/a:1", "r/b:2"].map(pinned))
        };
        let objects = set(&[("a", "r/a:1"), ("b", "r/b:2"), ("new", "r/a:1"), ("other", "r/c:1")]);
        let pinned = pin(&objects, &live, &found(false)).unwrap();
        assert_eq!(images(&pinned), ["r/a:1", "r/b:2@sha256:dd", "r/a:1@sha256:dd", "r/c:1"]);
        let pinned = pin(&objects, &live, &found(true)).unwrap();
        assert_eq!(images(&pinned)[0], "r/a:1@sha256:dd", "what must be signed is not left to the tag");
        assert!(pin(&objects, &live, &BTreeMap::new()).is_none());
    }
}
