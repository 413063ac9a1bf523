//! An object, its identity, and an ordered set of objects.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::gvk::Gvk;
use crate::pointer::at;
use crate::yaml::{Files, Node, Position};

/// The identity of an object in one cluster: version-less, because `apps/v1` and `apps/v1beta1` name the same thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    pub kind: String,
    /// Absent for cluster-scoped objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub name: String,
}

impl ObjectRef {
    pub fn new(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self { group: group.into(), kind: kind.into(), namespace: namespace.map(Into::into), name: name.into() }
    }

    /// `Deployment/lucid-redis`, as it is shown where the namespace is plain from the context.
    pub fn short(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {}/{}", self.kind, namespace, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// One Kubernetes object: its JSON value, and the syntax tree it was rendered from, if there is one.
///
/// The value is the truth; the tree only answers [`Object::position`].
#[derive(Debug, Clone)]
pub struct Object {
    /// Made of the tree when somebody asks for it.
    value: OnceLock<Value>,
    source: Option<(Arc<Files>, Arc<Node>)>,
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

impl Object {
    pub fn new(value: Value) -> Self {
        Self { value: value.into(), source: None }
    }

    /// An object that remembers the files it was rendered from.
    pub fn from_node(files: Arc<Files>, node: Arc<Node>) -> Self {
        Self { value: OnceLock::new(), source: Some((files, node)) }
    }

    pub fn value(&self) -> &Value {
        self.value.get_or_init(|| self.read())
    }

    pub fn value_mut(&mut self) -> &mut Value {
        self.value();
        self.value.get_mut().expect("it was made above")
    }

    pub fn into_value(self) -> Value {
        let Self { value, source } = self;
        value.into_inner().unwrap_or_else(|| source.map(|(_, node)| node.to_json()).unwrap_or_default())
    }

    fn read(&self) -> Value {
        self.source.as_ref().map(|(_, node)| node.to_json()).unwrap_or_default()
    }

    pub fn gvk(&self) -> Gvk {
        Gvk::from_api_version(self.str_at("/apiVersion").unwrap_or(""), self.kind())
    }

    pub fn kind(&self) -> &str {
        self.str_at("/kind").unwrap_or("")
    }

    pub fn group(&self) -> &str {
        let api_version = self.str_at("/apiVersion").unwrap_or("");
        api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }

    pub fn name(&self) -> &str {
        self.str_at("/metadata/name").unwrap_or("")
    }

    pub fn namespace(&self) -> Option<&str> {
        self.str_at("/metadata/namespace").filter(|namespace| !namespace.is_empty())
    }

    pub fn reference(&self) -> ObjectRef {
        ObjectRef::new(self.group(), self.kind(), self.namespace(), self.name())
    }

    pub fn labels(&self) -> BTreeMap<String, String> {
        string_map(at(self.value(), "/metadata/labels"))
    }

    pub fn annotations(&self) -> BTreeMap<String, String> {
        string_map(at(self.value(), "/metadata/annotations"))
    }

    /// The labels that pods made from this object carry: its own for a Pod, the template's for a workload.
    pub fn pod_labels(&self) -> Option<BTreeMap<String, String>> {
        if self.kind() == "Pod" {
            return Some(self.labels());
        }
        self.pod_template().map(|template| string_map(at(template, "/metadata/labels")))
    }

    /// `spec.template`, wherever the kind keeps it.
    pub fn pod_template(&self) -> Option<&Value> {
        at(self.value(), self.pod_template_pointer()?)
    }

    /// The pod spec of a workload or of a Pod.
    pub fn pod_spec(&self) -> Option<&Value> {
        if self.kind() == "Pod" {
            return self.value().get("spec");
        }
        self.pod_template()?.get("spec")
    }

    /// JSON pointer of the pod template, for the kinds that have one.
    pub fn pod_template_pointer(&self) -> Option<&'static str> {
        match (self.group(), self.kind()) {
            ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job")
            | ("", "ReplicationController") => Some("/spec/template"),
            ("batch", "CronJob") => Some("/spec/jobTemplate/spec/template"),
            _ => None,
        }
    }

    /// JSON pointer and text of each image that its containers run.
    pub fn images(&self) -> Vec<(String, &str)> {
        let spec = if self.kind() == "Pod" {
            Some("/spec".into())
        } else {
            self.pod_template_pointer().map(|t| t.to_owned() + "/spec")
        };
        let lists = spec.iter().flat_map(|spec| ["initContainers", "containers"].map(|list| format!("{spec}/{list}")));
        lists
            .flat_map(|list| {
                let containers = at(self.value(), &list).and_then(Value::as_array).into_iter().flatten();
                containers.enumerate().filter_map(move |(index, container)| {
                    Some((format!("{list}/{index}/image"), container.get("image")?.as_str()?))
                })
            })
            .collect()
    }

    /// The string at a JSON pointer.
    pub fn str_at(&self, pointer: &str) -> Option<&str> {
        at(self.value(), pointer)?.as_str()
    }

    /// Changes a string that is there; `place` is from now on what last set it.
    pub fn set_text(&mut self, pointer: &str, text: &str, place: &Position) {
        let Some(value) = self.value_mut().pointer_mut(pointer).filter(|value| value.is_string()) else { return };
        *value = Value::from(text);
        if let Some((files, node)) = &mut self.source
            && let Some(field) = Arc::make_mut(node).at_mut(pointer)
        {
            *field = Node::string(text, Arc::make_mut(files).pos(place));
        }
    }

    /// Changes a string that is there; what set it last is still what is to be mended.
    pub fn refine_text(&mut self, pointer: &str, text: &str) {
        match self.position(pointer) {
            Some(place) => self.set_text(pointer, text, &place),
            None => {
                if let Some(value) = self.value_mut().pointer_mut(pointer).filter(|value| value.is_string()) {
                    *value = Value::from(text);
                }
            }
        }
    }

    /// The object as YAML, in the form in which kustomize prints it.
    pub fn to_yaml(&self) -> String {
        match &self.source {
            Some((_, node)) => crate::yaml::emit_node(node),
            None => crate::yaml::emit(self.value()),
        }
    }

    /// The lines of the object as text, each with the place that last set what stands on it.
    pub fn lines(&self) -> Vec<(Option<Position>, String)> {
        let Some((files, node)) = self.source.as_ref() else {
            return crate::yaml::emit(self.value()).lines().map(|line| (None, line.to_owned())).collect();
        };
        let (text, places) = crate::yaml::emit_with_places(node);
        text.lines().zip(places).map(|(line, pos)| (files.position(pos), line.to_owned())).collect()
    }

    /// Where the field at this JSON pointer was last set; the nearest enclosing field that has a place, otherwise.
    pub fn position(&self, pointer: &str) -> Option<Position> {
        let (files, node) = self.source.as_ref()?;
        files.position(node.pos_at(pointer))
    }
}

fn string_map(value: Option<&Value>) -> BTreeMap<String, String> {
    let Some(Value::Object(map)) = value else { return BTreeMap::new() };
    map.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Objects in the order in which they were rendered.
#[derive(Debug, Clone, Default)]
pub struct ObjectSet {
    objects: Vec<Object>,
}

impl ObjectSet {
    pub fn new(objects: Vec<Object>) -> Self {
        Self { objects }
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Object> {
        self.objects.iter()
    }

    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Object> {
        self.objects.iter_mut()
    }

    pub fn len(&self) -> usize {
        self.objects.len()
    }

    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    pub fn get(&self, reference: &ObjectRef) -> Option<&Object> {
        self.objects.iter().find(|object| &object.reference() == reference)
    }

    pub fn push(&mut self, object: Object) {
        self.objects.push(object);
    }
}

impl FromIterator<Object> for ObjectSet {
    fn from_iter<I: IntoIterator<Item = Object>>(iter: I) -> Self {
        Self::new(iter.into_iter().collect())
    }
}

impl IntoIterator for ObjectSet {
    type Item = Object;
    type IntoIter = std::vec::IntoIter<Object>;

    fn into_iter(self) -> Self::IntoIter {
        self.objects.into_iter()
    }
}

impl<'a> IntoIterator for &'a ObjectSet {
    type Item = &'a Object;
    type IntoIter = std::slice::Iter<'a, Object>;

    fn into_iter(self) -> Self::IntoIter {
        self.objects.iter()
    }
}
