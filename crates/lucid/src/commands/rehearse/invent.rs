//! Secrets and ConfigMaps that a release refers to and does not bring: a rehearsal makes them up.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lucid_object::{Object, ObjectRef, ObjectSet};
use lucid_plan::references;
use lucid_release::ReleaseFile;
use serde_json::{Value, json};

/// No word of ours: wherever the value of a Secret would be printed, dots stand instead.
const MADE_UP: &str = "made-up-in-a-rehearsal";

/// An object that was made up, and the keys it got.
pub(super) struct Invented {
    pub(super) kind: &'static str,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) keys: BTreeSet<String>,
}

impl Invented {
    pub(super) fn to_object(&self) -> Value {
        let value = |key: &String| match self.kind {
            "Secret" => (key.clone(), Value::from(STANDARD.encode(MADE_UP))),
            _ => (key.clone(), Value::from(MADE_UP)),
        };
        let data: serde_json::Map<String, Value> = self.keys.iter().map(value).collect();
        json!({
            "apiVersion": "v1", "kind": self.kind, "metadata": {"namespace": self.namespace, "name": self.name}, "data": data,
        })
    }
}

/// Everything that pods and the release file name, and that is not in the release itself.
pub(super) fn secrets(release: &ReleaseFile, objects: &ObjectSet) -> Vec<Invented> {
    let own: BTreeSet<ObjectRef> = objects.iter().map(Object::reference).collect();
    let mut wanted: BTreeMap<(&'static str, String, String), BTreeSet<String>> = BTreeMap::new();
    for spec in &release.spec.secrets {
        let namespace = spec.namespace.as_ref().unwrap_or(&release.spec.namespace).clone();
        wanted.entry(("Secret", namespace, spec.name.clone())).or_default().extend(spec.keys.keys().cloned());
    }
    for object in objects {
        let namespace = object.namespace().unwrap_or(&release.spec.namespace).to_owned();
        let Some(spec) = object.pod_spec() else { continue };
        for reference in references::of_pod_spec(spec).into_iter().filter(|reference| !reference.optional) {
            if matches!(reference.kind, "Secret" | "ConfigMap") {
                let keys = wanted.entry((reference.kind, namespace.clone(), reference.name)).or_default();
                keys.extend(reference.key);
            }
        }
    }
    wanted
        .into_iter()
        .filter(|((kind, namespace, name), _)| !own.contains(&ObjectRef::new("", kind, Some(namespace), name)))
        .map(|((kind, namespace, name), keys)| Invented { kind, namespace, name, keys })
        .collect()
}
