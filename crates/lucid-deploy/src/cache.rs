//! What the watches have shown: the one view of the cluster that planning, readiness and diagnosis share.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use lucid_client::Change;
use lucid_object::{ObjectRef, at};
use lucid_status::Cluster;
use serde_json::Value;

/// Objects by identity, with the ways in that diagnosis needs.
#[derive(Debug, Default)]
pub struct Cache {
    objects: HashMap<ObjectRef, Arc<Value>>,
    by_uid: HashMap<String, ObjectRef>,
    /// Owner uid → what it controls.
    children: HashMap<String, BTreeSet<ObjectRef>>,
    /// Uid of an object → events about it.
    events: HashMap<String, BTreeSet<ObjectRef>>,
    /// (group, kind, namespace) → objects.
    by_kind: BTreeMap<(String, String, Option<String>), BTreeSet<ObjectRef>>,
    /// What pods themselves were asked: the end of a container's log, and ports that answer within the pod.
    pub last_words: BTreeMap<(String, String), String>,
    pub answers_inside: BTreeSet<(String, u16)>,
}

/// Identity of a raw object.
pub fn reference(value: &Value) -> ObjectRef {
    let text = |pointer: &str| at(value, pointer).and_then(Value::as_str).unwrap_or("");
    let group = text("/apiVersion").rsplit_once('/').map_or("", |(group, _)| group);
    let namespace = Some(text("/metadata/namespace")).filter(|namespace| !namespace.is_empty());
    ObjectRef::new(group, text("/kind"), namespace, text("/metadata/name"))
}

impl Cache {
    pub fn find(&self, reference: &ObjectRef) -> Option<Arc<Value>> {
        self.objects.get(reference).cloned()
    }

    pub fn of_kind<'a>(&'a self, group: &str, kind: &str, namespace: Option<&str>) -> impl Iterator<Item = &'a Value> {
        let key = (group.to_owned(), kind.to_owned(), namespace.map(str::to_owned));
        self.by_kind.get(&key).into_iter().flatten().filter_map(|reference| Some(&**self.objects.get(reference)?))
    }

    /// Takes in a change of this kind and namespace and returns the topmost owners of what changed.
    pub fn take(&mut self, group: &str, kind: &str, namespace: Option<&str>, change: Change) -> Vec<ObjectRef> {
        match change {
            Change::Set(object) => vec![self.set(object)],
            Change::Removed(object) => self.remove(&reference(&object)).into_iter().collect(),
            Change::Replace(objects) => self.replace(group, kind, namespace, objects),
            Change::Trouble(_) => Vec::new(),
        }
    }

    fn replace(&mut self, group: &str, kind: &str, namespace: Option<&str>, objects: Vec<Value>) -> Vec<ObjectRef> {
        let here: BTreeSet<ObjectRef> = objects.iter().map(reference).collect();
        let before: Vec<ObjectRef> = self
            .by_kind
            .iter()
            .filter(|((g, k, n), _)| g == group && k == kind && (namespace.is_none() || n.as_deref() == namespace))
            .flat_map(|(_, references)| references.iter().cloned())
            .collect();
        let mut touched: Vec<ObjectRef> =
            before.iter().filter(|old| !here.contains(old)).filter_map(|old| self.remove(old)).collect();
        touched.extend(objects.into_iter().map(|object| self.set(object)));
        touched.sort();
        touched.dedup();
        touched
    }

    /// Stores an object and returns its topmost owner.
    pub fn set(&mut self, object: Value) -> ObjectRef {
        let reference = reference(&object);
        self.unindex(&reference);
        let links = Links::of(&object);
        self.by_uid.insert(links.uid.clone(), reference.clone());
        if let Some(owner) = &links.owner {
            self.children.entry(owner.clone()).or_default().insert(reference.clone());
        }
        if let Some(about) = &links.about {
            self.events.entry(about.clone()).or_default().insert(reference.clone());
        }
        self.by_kind.entry(kind_key(&reference)).or_default().insert(reference.clone());
        self.objects.insert(reference.clone(), Arc::new(object));
        self.top_of(&reference, &links)
    }

    fn remove(&mut self, reference: &ObjectRef) -> Option<ObjectRef> {
        let links = Links::of(self.objects.get(reference)?);
        let top = self.top_of(reference, &links);
        self.unindex(reference);
        self.objects.remove(reference);
        Some(top)
    }

    fn unindex(&mut self, reference: &ObjectRef) {
        let Some(links) = self.objects.get(reference).map(|object| Links::of(object)) else { return };
        self.by_uid.remove(&links.uid);
        for (index, key) in [(&mut self.children, links.owner), (&mut self.events, links.about)] {
            let Some(key) = key else { continue };
            if let Some(set) = index.get_mut(&key) {
                set.remove(reference);
                if set.is_empty() {
                    index.remove(&key);
                }
            }
        }
        if let Some(set) = self.by_kind.get_mut(&kind_key(reference)) {
            set.remove(reference);
        }
    }

    fn top_of(&self, reference: &ObjectRef, links: &Links) -> ObjectRef {
        let mut top = reference.clone();
        let mut next = links.owner.clone().or_else(|| links.about.clone());
        // Owners form no circles in practice; the bound makes sure that none could hang us.
        for _ in 0..8 {
            let Some(owner) = next.and_then(|uid| self.by_uid.get(&uid)) else { break };
            top = owner.clone();
            next = self.objects.get(owner).and_then(|object| Links::of(object).owner);
        }
        top
    }
}

fn kind_key(reference: &ObjectRef) -> (String, String, Option<String>) {
    (reference.group.clone(), reference.kind.clone(), reference.namespace.clone())
}

/// How an object hangs together with others.
struct Links {
    uid: String,
    owner: Option<String>,
    about: Option<String>,
}

impl Links {
    fn of(object: &Value) -> Self {
        let text = |pointer: &str| at(object, pointer).and_then(Value::as_str).map(str::to_owned);
        let owners = at(object, "/metadata/ownerReferences").and_then(Value::as_array);
        let controller = owners.into_iter().flatten().find(|owner| owner.get("controller") == Some(&Value::Bool(true)));
        let owner = controller.and_then(|owner| owner.get("uid")?.as_str()).map(str::to_owned);
        let is_event = object.get("kind").and_then(Value::as_str) == Some("Event");
        let about = if is_event { text("/involvedObject/uid").or_else(|| text("/regarding/uid")) } else { None };
        Self { uid: text("/metadata/uid").unwrap_or_default(), owner, about }
    }
}

impl Cluster for Cache {
    fn get(&self, reference: &ObjectRef) -> Option<&Value> {
        self.objects.get(reference).map(|object| &**object)
    }

    fn owned_by(&self, uid: &str) -> Vec<&Value> {
        self.children.get(uid).into_iter().flatten().filter_map(|reference| self.get(reference)).collect()
    }

    fn events_for(&self, uid: &str) -> Vec<&Value> {
        self.events.get(uid).into_iter().flatten().filter_map(|reference| self.get(reference)).collect()
    }

    fn list(&self, group: &str, kind: &str, namespace: Option<&str>) -> Vec<&Value> {
        self.of_kind(group, kind, namespace).collect()
    }

    fn everywhere(&self, group: &str, kind: &str) -> Vec<&Value> {
        let of_kind = self.by_kind.iter().filter(|((g, k, _), _)| g == group && k == kind);
        of_kind.flat_map(|(_, references)| references).filter_map(|reference| self.get(reference)).collect()
    }

    fn last_words(&self, pod_uid: &str, container: &str) -> Option<&str> {
        self.last_words.get(&(pod_uid.to_owned(), container.to_owned())).map(String::as_str)
    }

    fn answers_inside(&self, pod_uid: &str, port: u16) -> bool {
        self.answers_inside.contains(&(pod_uid.to_owned(), port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(kind: &str, name: &str, owner: Option<&str>) -> Value {
        let mut value = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "n", "uid": format!("u-{name}")}});
        if let Some(owner) = owner {
            value["metadata"]["ownerReferences"] = json!([{"uid": format!("u-{owner}"), "controller": true}]);
        }
        value
    }

    fn event(name: &str, about: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "n", "uid": format!("u-{name}")},
            "involvedObject": {"uid": format!("u-{about}")}})
    }

    #[test]
    fn changes_are_told_to_the_topmost_owner() {
        let mut cache = Cache::default();
        cache.set(object("Deployment", "web", None));
        assert_eq!(cache.set(object("ReplicaSet", "web-1", Some("web"))).name, "web");
        assert_eq!(cache.set(object("Pod", "web-1-a", Some("web-1"))).name, "web");
        assert_eq!(cache.set(event("e", "web-1-a")).name, "web");
        assert_eq!(cache.owned_by("u-web-1").len(), 1);
        assert_eq!(cache.events_for("u-web-1-a").len(), 1);
    }

    #[test]
    fn a_new_list_removes_what_is_not_in_it() {
        let mut cache = Cache::default();
        cache.set(object("Pod", "a", None));
        cache.set(object("Pod", "b", None));
        let touched =
            cache.take("", "Pod", Some("n"), Change::Replace(vec![object("Pod", "b", None), object("Pod", "c", None)]));
        assert_eq!(touched.iter().map(|reference| reference.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(cache.of_kind("", "Pod", Some("n")).count(), 2);
    }

    #[test]
    fn a_removed_child_is_forgotten_everywhere() {
        let mut cache = Cache::default();
        cache.set(object("ReplicaSet", "r", None));
        cache.set(object("Pod", "p", Some("r")));
        let touched = cache.take("", "Pod", Some("n"), Change::Removed(object("Pod", "p", Some("r"))));
        assert_eq!(touched[0].name, "r");
        assert!(cache.owned_by("u-r").is_empty());
    }
}
