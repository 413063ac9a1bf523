//! A revision as a file: everything of it but the values of Secrets.
//!
//! Those stand in two places only, and a file is neither of them. In their stead the file has the keyed name of the blob
//! that holds them in the cluster: who imports it takes the values from a revision that is still kept there, or from the
//! Secret as it is now.

use lucid_object::{Finding, Object, ObjectRef, ObjectSet};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::file::ReleaseFile;
use crate::pack::Key;
use crate::record::RevisionInfo;
use crate::revision::Content;

pub const API_VERSION: &str = "lucid.dev/v1alpha1";
pub const KIND: &str = "RevisionFile";
/// What stands in a file where a Secret has a value.
const KEPT: &str = "(kept in the cluster)";

/// A revision, to be carried about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevisionFile {
    pub api_version: String,
    pub kind: String,
    pub release: String,
    pub namespace: String,
    /// What the record says of it; where its blobs are means nothing elsewhere, and is left out.
    pub revision: RevisionInfo,
    pub release_file: ReleaseFile,
    pub objects: Vec<Carried>,
}

/// One object of a revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Carried {
    /// Of a Secret: the keyed name of its blob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
    pub object: Value,
}

/// Where the values of a Secret come from.
pub struct Source<'a> {
    /// The object of a blob, from a revision that is kept.
    pub blob: &'a dyn Fn(&str) -> Option<Value>,
    /// The Secret as it is now.
    pub live: &'a dyn Fn(&ObjectRef) -> Option<Value>,
}

impl RevisionFile {
    /// `None` when the revision keeps no release file.
    pub fn of(namespace: &str, revision: &RevisionInfo, content: &Content, key: &Key) -> Option<Self> {
        let release_file = content.release.clone()?;
        Some(Self {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            release: release_file.name().to_owned(),
            namespace: namespace.to_owned(),
            revision: RevisionInfo { packs: Vec::new(), ..revision.clone() },
            release_file,
            objects: content.objects.iter().map(|object| carried(object, key)).collect(),
        })
    }

    /// # Errors
    /// Says why the text is no such file.
    pub fn read(text: &str) -> Result<Self, String> {
        let file: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match file.kind == KIND && file.api_version == API_VERSION {
            true => Ok(file),
            false => Err(format!("it is a {} of {}", file.kind, file.api_version)),
        }
    }

    /// The Secrets of the file, with the names of their blobs.
    pub fn secrets(&self) -> impl Iterator<Item = (ObjectRef, Option<&str>)> {
        let secrets = self.objects.iter().filter(|carried| is_secret(&carried.object));
        secrets.map(|carried| (Object::new(carried.object.clone()).reference(), carried.blob.as_deref()))
    }

    /// The content, with the values of its Secrets.
    ///
    /// # Errors
    /// One finding for each Secret whose values are nowhere.
    pub fn restore(self, source: &Source<'_>) -> Result<Content, Vec<Finding>> {
        let (mut objects, mut missing) = (Vec::new(), Vec::new());
        for carried in self.objects {
            match restored(carried, source) {
                Ok(value) => objects.push(Object::new(value)),
                Err(finding) => missing.push(*finding),
            }
        }
        match missing.is_empty() {
            true => Ok(Content { release: Some(self.release_file), objects: ObjectSet::new(objects) }),
            false => Err(missing),
        }
    }
}

fn is_secret(value: &Value) -> bool {
    value["kind"] == "Secret" && value["apiVersion"] == "v1"
}

fn carried(object: &Object, key: &Key) -> Carried {
    let mut value = object.value().clone();
    if !is_secret(&value) {
        return Carried { blob: None, object: value };
    }
    for field in ["data", "stringData"] {
        if let Some(values) = value.get_mut(field).and_then(Value::as_object_mut) {
            values.values_mut().for_each(|value| *value = KEPT.into());
        }
    }
    // kubectl's copy of what it applied repeats the values.
    if let Some(annotations) = value.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    Carried { blob: Some(key.fingerprint(object.value())), object: value }
}

fn restored(carried: Carried, source: &Source<'_>) -> Result<Value, Box<Finding>> {
    let Carried { blob, mut object } = carried;
    if !is_secret(&object) {
        return Ok(object);
    }
    let reference = Object::new(object.clone()).reference();
    let kept = blob.as_deref().and_then(source.blob);
    if let Some(kept) = kept.filter(|kept| is_secret(kept) && Object::new(kept.clone()).reference() == reference) {
        return Ok(kept);
    }
    let live = (source.live)(&reference).unwrap_or_default();
    let wanted: Vec<String> = ["data", "stringData"].iter().flat_map(|field| keys(&object, field)).collect();
    let lacking: Vec<&String> =
        wanted.iter().filter(|key| live.get("data").and_then(|data| data.get(*key)).is_none()).collect();
    if !lacking.is_empty() {
        let names = lacking.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", ");
        let message = format!("the values of {reference} are not in this cluster: {names}");
        let help = "a file holds no values of Secrets; create the Secret with these keys, then import again";
        return Err(Box::new(Finding::error(9032, message).on(reference).help(help)));
    }
    // The server keeps everything as `data`, so that is where its values go.
    let values: Map<String, Value> = wanted.iter().map(|key| (key.clone(), live["data"][key].clone())).collect();
    if let Some(top) = object.as_object_mut() {
        top.remove("stringData");
        top.insert("data".into(), Value::Object(values));
    }
    Ok(object)
}

fn keys(object: &Value, field: &str) -> Vec<String> {
    object.get(field).and_then(Value::as_object).into_iter().flat_map(|map| map.keys().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    use crate::record::Outcome;

    fn content() -> Content {
        let release = "apiVersion: lucid.dev/v1alpha1\nkind: Release\nmetadata: {name: shop}\nspec: {source: k8s, namespace: n}\n";
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token", "namespace": "n",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "canary"}},
            "data": {"a": "Y2FuYXJ5"}, "stringData": {"b": "canary"}});
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "n"}, "data": {"a": "b"}});
        Content {
            release: Some(crate::load(release, "lucid.yaml").unwrap()),
            objects: ObjectSet::new(vec![Object::new(secret), Object::new(map)]),
        }
    }

    fn file() -> RevisionFile {
        let info = RevisionInfo {
            number: 3,
            content: "c".into(),
            source: "production".into(),
            partial: false,
            back_to: None,
            created_at: "2026-01-01T00:00:00Z".into(),
            by: "ann@host".into(),
            objects: 2,
            outcome: Some(Outcome::Verified),
            packs: vec![],
        };
        RevisionFile::of("n", &info, &content(), &Key::new(vec![1])).unwrap()
    }

    fn values(content: &Content) -> Vec<Value> {
        content.objects.iter().map(|object| object.value().clone()).collect()
    }

    const NOTHING: Source<'static> = Source { blob: &|_| None, live: &|_| None };

    #[test]
    fn a_file_comes_back_and_holds_no_value_of_a_secret() {
        let text = serde_json::to_string(&file()).unwrap();
        assert!(!text.contains("canary") && !text.contains("Y2FuYXJ5"), "{text}");
        assert_eq!(RevisionFile::read(&text).unwrap(), file());
        assert!(RevisionFile::read("{}").is_err());
        let other = text.replace(KIND, "Plan");
        assert!(RevisionFile::read(&other).unwrap_err().contains("it is a Plan"));
    }

    #[test]
    fn values_come_from_the_blob_that_the_file_names() {
        let blob = file().objects[0].blob.clone().unwrap();
        let secret = content().objects.iter().next().unwrap().value().clone();
        let source = Source { blob: &|id| (id == blob).then(|| secret.clone()), live: &|_| None };
        assert_eq!(values(&file().restore(&source).unwrap()), values(&content()));
    }

    #[test]
    fn values_come_from_the_secret_as_it_is_or_it_is_named() {
        let live = |data: Value| move |_: &ObjectRef| Some(json!({"data": data}));
        let whole = live(json!({"a": "MQ==", "b": "Mg==", "c": "Mw=="}));
        let restored = file().restore(&Source { blob: &|_| None, live: &whole }).unwrap();
        assert_eq!(values(&restored)[0]["data"], json!({"a": "MQ==", "b": "Mg=="}));
        assert!(values(&restored)[0].get("stringData").is_none());
        let part = live(json!({"a": "MQ=="}));
        let missing = file().restore(&Source { blob: &|_| None, live: &part }).unwrap_err();
        assert_eq!(missing[0].message, "the values of Secret n/token are not in this cluster: b");
        assert_eq!(file().restore(&NOTHING).unwrap_err().len(), 1);
    }

    #[test]
    fn a_blob_of_another_object_is_not_taken_for_it() {
        let other =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other", "namespace": "n"}, "data": {}});
        let source = Source { blob: &|_| Some(other.clone()), live: &|_| None };
        assert!(file().restore(&source).is_err());
    }
}
