//! The objects of a release, indexed for those who look for what belongs together.

use std::collections::{BTreeMap, BTreeSet};

use lucid_object::{Finding, LabelSelector, Object, ObjectRef, ObjectSet, Requirement};
use lucid_release::ReleaseFile;
use serde_json::Value;

/// Whether a release file says what the manifests leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A `lucid.yaml` declares the Secrets that come from outside.
    ReleaseFile,
    /// A bare folder: what is not in it may be in the cluster.
    Folder,
}

/// Labels that controllers put on pods: a selector may use them, and no manifest has them.
const SET_BY_CONTROLLERS: [&str; 8] = [
    "apps.kubernetes.io/pod-index",
    "statefulset.kubernetes.io/pod-name",
    "batch.kubernetes.io/job-name",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/controller-uid",
    "job-name",
    "controller-uid",
    "pod-template-hash",
];

pub(super) struct Scene<'a> {
    pub(super) release: &'a ReleaseFile,
    pub(super) source: Source,
    /// What is not in the release is looked for in the cluster, later.
    pub(super) asks_cluster: bool,
    pub(super) objects: Vec<&'a Object>,
    /// Objects that are pods or make pods, with the labels of these.
    pub(super) makers: Vec<(&'a Object, BTreeMap<String, String>)>,
    by_reference: BTreeMap<ObjectRef, &'a Object>,
    namespaces: BTreeSet<&'a str>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(release: &'a ReleaseFile, objects: &'a ObjectSet, source: Source, asks_cluster: bool) -> Self {
        let objects: Vec<&Object> = objects.iter().collect();
        let makers = objects.iter().filter_map(|object| {
            object.pod_spec()?;
            Some((*object, object.pod_labels().unwrap_or_default()))
        });
        Self {
            makers: makers.collect(),
            by_reference: objects.iter().map(|object| (object.reference(), *object)).collect(),
            namespaces: objects.iter().filter_map(|object| object.namespace()).collect(),
            release,
            source,
            asks_cluster,
            objects,
        }
    }

    /// The objects of a kind of one group.
    pub(super) fn of(&self, group: &'a str, kind: &'a str) -> impl Iterator<Item = &'a Object> + use<'a, '_> {
        self.objects.iter().copied().filter(move |object| object.kind() == kind && object.group() == group)
    }

    pub(super) fn find(&self, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Option<&'a Object> {
        self.by_reference.get(&ObjectRef::new(group, kind, namespace, name)).copied()
    }

    /// The names of a kind in one namespace, for suggestions.
    pub(super) fn names<'b>(
        &'b self,
        group: &'b str,
        kind: &'b str,
        namespace: Option<&'b str>,
    ) -> impl Iterator<Item = &'a str> + use<'a, 'b> {
        let fits = move |r: &&'b ObjectRef| r.group == group && r.kind == kind && r.namespace.as_deref() == namespace;
        self.by_reference.keys().filter(fits).map(|r| self.by_reference[r].name())
    }

    /// Something is named that the release does not have. The cluster behind a bare folder may have it.
    pub(super) fn absent(&self, code: u16, message: String) -> Finding {
        match self.source {
            Source::ReleaseFile => Finding::error(code, message),
            Source::Folder => Finding::warning(code, message),
        }
    }

    /// Whether the release has anything in this namespace.
    pub(super) fn uses_namespace(&self, namespace: &str) -> bool {
        self.namespaces.contains(namespace)
    }

    /// Those that make the pods that a selector picks in a namespace.
    pub(super) fn selected<'b>(
        &'b self,
        namespace: Option<&'b str>,
        selector: &LabelSelector,
    ) -> impl Iterator<Item = &'a Object> + use<'a, 'b> {
        let selector = without_labels_of_controllers(selector);
        let here = self.makers.iter().filter(move |(maker, _)| maker.namespace() == namespace);
        here.filter(move |(_, labels)| selector.matches(labels)).map(|(maker, _)| *maker)
    }

    /// Something in the namespace may make pods that no manifest shows: a custom resource, and its operator; or another
    /// folder, where this one has none.
    pub(super) fn may_have_other_pods(&self, namespace: Option<&str>) -> bool {
        let has_own = self.makers.iter().any(|(maker, _)| maker.namespace() == namespace);
        if self.source == Source::Folder && !has_own {
            return true;
        }
        let is_custom = |object: &&&Object| !lucid_schema::minors::is_own_group(object.group());
        let plain = ["networking.k8s.io", "gateway.networking.k8s.io", "external-secrets.io", "bitnami.com"];
        self.objects
            .iter()
            .filter(is_custom)
            .any(|object| object.namespace() == namespace && !plain.contains(&object.group()))
    }

    /// "Deployment web has app=web1": the maker whose labels differ the least.
    pub(super) fn nearest_labels(&self, namespace: Option<&str>, selector: &LabelSelector) -> Option<String> {
        let wanted: Vec<(&String, &Vec<String>)> = selector
            .requirements
            .iter()
            .filter_map(|requirement| match requirement {
                Requirement::In(key, values) => Some((key, values)),
                _ => None,
            })
            .collect();
        let here = self.makers.iter().filter(|(maker, _)| maker.namespace() == namespace);
        let fitting = |labels: &BTreeMap<String, String>| {
            wanted.iter().filter(|(key, values)| labels.get(*key).is_some_and(|value| values.contains(value))).count()
        };
        let close = |labels: &BTreeMap<String, String>| {
            let near = |value: &str, values: &[String]| {
                lucid_release::load::nearest(value, values.iter().map(String::as_str)).is_some()
            };
            wanted.iter().filter(|(key, values)| labels.get(*key).is_some_and(|value| near(value, values))).count()
        };
        let (maker, labels) = here.max_by_key(|(_, labels)| (fitting(labels), close(labels)))?;
        if fitting(labels) + close(labels) == 0 {
            return None;
        }
        let shown: Vec<String> = wanted
            .iter()
            .map(|(key, _)| match labels.get(*key) {
                Some(value) => format!("{key}={value}"),
                None => format!("no {key}"),
            })
            .collect();
        Some(format!("the pods of {} have {}", maker.reference().short(), shown.join(", ")))
    }
}

fn without_labels_of_controllers(selector: &LabelSelector) -> LabelSelector {
    let key = |requirement: &Requirement| match requirement {
        Requirement::In(key, _) | Requirement::NotIn(key, _) | Requirement::Exists(key) => key.clone(),
        Requirement::DoesNotExist(key) => key.clone(),
    };
    let kept = |requirement: &&Requirement| !SET_BY_CONTROLLERS.contains(&key(requirement).as_str());
    LabelSelector { requirements: selector.requirements.iter().filter(kept).cloned().collect() }
}

/// A selector as it stands in a file: `app=web,tier in (a,b)`.
pub(super) fn shown(selector: &LabelSelector) -> String {
    let part = |requirement: &Requirement| match requirement {
        Requirement::In(key, values) if values.len() == 1 => format!("{key}={}", values[0]),
        Requirement::In(key, values) => format!("{key} in ({})", values.join(",")),
        Requirement::NotIn(key, values) => format!("{key} not in ({})", values.join(",")),
        Requirement::Exists(key) => key.clone(),
        Requirement::DoesNotExist(key) => format!("no {key}"),
    };
    selector.requirements.iter().map(part).collect::<Vec<_>>().join(",")
}

/// The items of a list at a JSON pointer, each with its own pointer.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = (String, &'a Value)> + use<'a> {
    let base = pointer.to_owned();
    let items = value.pointer(pointer).and_then(Value::as_array).into_iter().flatten().enumerate();
    items.map(move |(index, item)| (format!("{base}/{index}"), item))
}

/// The text in a field of a value.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field)?.as_str()
}

/// Every container of a pod spec, each with its pointer within the spec.
pub(super) fn containers(spec: &Value) -> impl Iterator<Item = (String, &Value)> {
    ["/initContainers", "/containers", "/ephemeralContainers"].into_iter().flat_map(|field| list(spec, field))
}

/// The pointer of an object's pod spec.
pub(super) fn spec_pointer(maker: &Object) -> String {
    format!("{}/spec", maker.pod_template_pointer().unwrap_or_default())
}

/// Puts objects that name no namespace into the release's, as deploying does. Custom kinds are namespaced unless their
/// definition, in the release, says something else.
pub fn place(objects: &mut ObjectSet, namespace: &str) {
    let cluster_scoped: BTreeSet<(String, String)> = objects
        .iter()
        .filter(|object| object.kind() == "CustomResourceDefinition" && object.str_at("/spec/scope") == Some("Cluster"))
        .filter_map(|crd| Some((crd.str_at("/spec/group")?.to_owned(), crd.str_at("/spec/names/kind")?.to_owned())))
        .collect();
    for object in objects.iter_mut() {
        let is_defined = cluster_scoped.contains(&(object.group().to_owned(), object.kind().to_owned()));
        let namespaced = lucid_schema::resources()
            .iter()
            .find(|resource| resource.kind == object.kind() && resource.group == object.group())
            .map_or(!is_defined, |resource| resource.namespaced);
        let Some(metadata) = object.value_mut().get_mut("metadata").and_then(Value::as_object_mut) else { continue };
        match namespaced {
            true if metadata.get("namespace").and_then(Value::as_str).is_none_or(str::is_empty) => {
                metadata.insert("namespace".into(), namespace.into());
            }
            true => {}
            false => _ = metadata.remove("namespace"),
        }
    }
}
